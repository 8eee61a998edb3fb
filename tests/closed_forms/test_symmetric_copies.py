"""Continuation in n: what a branch does at a fold, where it has no start, and with a family of one's own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.symmetric_copies import Family, branch, form, pair_orbits
from landscape_nb.critical import OutsideTheorem
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, orthonormal_teacher

ERF = ACTIVATIONS["erf"]


def single(activation, k, n):
    """One neuron w = x e_1, a, against one teacher e_1 of weight 1; k and n have no part in it."""
    unit = form(3, (1, 2, 2))
    s = form(3, (1, 0, 0))
    rows = [
        (form(3, (1, 1, 1)), s, s, s, True),
        (form(3, (-2, 1, 2)), s, form(3, (1, 0, 2)), unit, False),
        (unit, unit, unit, unit, True),
    ]
    return pair_orbits(activation, rows)


def test_one_neuron_and_one_teacher_give_the_loss_of_the_landscape_and_the_teacher_as_its_minimum():
    landscape = PopulationLandscape(ERF, orthonormal_teacher(1, 1))
    for x, a in ((0.7, 1.2), (-0.4, 2.0)):
        value, gradient, _ = single(ERF, 1, 1).jet(np.array([x, a]))
        assert_allclose(value, landscape.value(Network([[x]], [a])), atol=1e-15)
        assert_allclose(gradient, landscape.gradient(Network([[x]], [a])), atol=1e-15)
    family = Family("one neuron", single, lambda activation, k: (0.8, 1.1))
    found = branch(family, ERF, 5)
    assert sorted(found) == [2, 3, 4]
    for q in found.values():
        assert_allclose(q, [1, 1], atol=1e-12)
    assert family.restricted_loss(ERF, 5, 3) <= 1e-15


def test_a_form_is_the_matrix_of_its_terms():
    matrix = form(3, (2.0, 0, 1), (3.0, 2, 2), (-1.0, 1, 1))
    h = np.array([0.3, -0.7, 1.0])
    assert_allclose(h @ matrix @ h, 2 * 0.3 * -0.7 + 3 - 0.49)


def test_where_the_iteration_finds_no_start_there_is_no_branch_and_the_sentence_says_so():
    # from there the neuron runs towards infinity
    family = Family("a family without start", lambda *_: single(ERF, 1, 1), lambda activation, k: (40.0, 1e-3))
    assert branch(family, ERF, 4) == {}
    with pytest.raises(
        OutsideTheorem, match="a family without start needs a start at n = k - 1; given: none found for k = 4"
    ):
        family.solution(ERF, 4, 3)


class OfOneNumber:
    """A restricted loss given by its first and second derivative."""

    def __init__(self, slope, curvature):
        self.slope, self.curvature = slope, curvature

    def jet(self, q):
        return None, self.slope(q), self.curvature(q)[..., None]

    def gradient(self, q):
        return self.jet(q)[1]

    def hessian(self, q):
        return self.jet(q)[2]


def pitchfork(activation, k, n):
    """L = x^4/4 - (n - 5/2) x^2/2: the minimum x > 0 is there for n > 5/2 and meets the saddle x = 0."""
    return OfOneNumber(lambda x: x**3 - (n - 2.5) * x, lambda x: 3 * x**2 - (n - 2.5))


def fold(activation, k, n):
    """dL/du = (u^2 - b)(1/2 - u), b = (n - 5/2)/11, u = x - 10: a minimum that folds at b = 0, next to a maximum u = 1/2."""
    b = (n - 2.5) / 11
    return OfOneNumber(
        lambda x: ((x - 10) ** 2 - b) * (10.5 - x), lambda x: 2 * (x - 10) * (10.5 - x) - ((x - 10) ** 2 - b)
    )


@pytest.mark.parametrize(
    "loss, start, expected",
    ((pitchfork, 1.0, np.sqrt([0.5, 1.5, 2.5])), (fold, 10.45, 10 + np.sqrt(np.array([0.5, 1.5, 2.5]) / 11))),
)
def test_a_branch_ends_where_its_restricted_hessian_loses_its_sign(loss, start, expected):
    family = Family("a branch of minima", loss, lambda activation, k: (start,))
    found = branch(family, ERF, 6)
    assert sorted(found) == [3, 4, 5]
    assert_allclose([found[n][0] for n in (3, 4, 5)], expected, rtol=1e-12)
    with pytest.raises(
        OutsideTheorem, match=r"a branch of minima needs n >= 3 for k = 6, down to where .* folds; given: n = 2"
    ):
        family.solution(ERF, 6, 2)
