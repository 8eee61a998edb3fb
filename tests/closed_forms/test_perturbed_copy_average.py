"""Perturbed copy-average points of relu: published numbers, five equations in many digits, hypotheses."""

import re

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.perturbed_copy_average import (
    AVERAGER_AND_COPIES,
    STATEMENT,
    averager_and_copies_loss,
    perturbed_copy_average,
)
from landscape_nb.closed_forms.symmetric_copies import branch
from landscape_nb.critical import OutsideTheorem
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher

RELU = ACTIVATIONS["relu"]
LOSSES = {  # (k, n): L, negative eigenvalues
    (3, 2): (0.1536677175, 0),
    (4, 2): (0.3847464139, 0),
    (4, 3): (0.1409923677, 1),
    (5, 2): (0.7055572267, 0),
    (5, 3): (0.3332572518, 0),
    (5, 4): (0.1333759959, 1),
    (6, 2): (1.1203022323, 0),
    (6, 3): (0.5863923825, 0),
    (6, 4): (0.3034614637, 0),
    (6, 5): (0.1283632293, 1),
    (10, 5): (0.9725547381, 0),
    (10, 6): (0.6538808924, 0),
    (10, 7): (0.4257038578, 0),
    (10, 8): (0.2538380594, 2),
    (10, 9): (0.1186065857, 1),
}


def point(k, n):
    return perturbed_copy_average(RELU, orthonormal_teacher(k, k + 1), n)


@pytest.mark.parametrize("k, n", LOSSES)
def test_losses_and_signatures_agree_with_the_published_table(k, n):
    found = point(k, n)
    loss, negative = LOSSES[k, n]
    assert_allclose(found.loss, loss, atol=6e-11)
    assert (found.index, found.nullity, found.zero_modes) == (negative, n, {"rescaling": n})
    assert found.kind == ("saddle" if negative else "minimum")
    assert found.residual <= 3e-14
    full = np.linalg.eigvalsh(found.hessian)
    assert_allclose(found.spectrum, full, atol=1e-12 * full[-1])


def test_two_neurons_and_three_teachers_agree_with_the_published_point():
    found = point(3, 2)
    assert_allclose(found.student.W[0], [0.94633, 0.94633, -0.24377, 0], atol=6e-6)
    assert_allclose(found.student.W[1], [0.08964, 0.08964, 1.31791, 0], atol=6e-6)
    assert found.name == "perturbed copy-average (2, 1)" and point(10, 8).name == "perturbed copy-average (3, 1 x 7)"
    assert found.orbit == 3 and point(10, 8).orbit == 120


@pytest.mark.parametrize("k, n", ((3, 2), (5, 4), (10, 5)))
def test_the_equations_hold_in_forty_digits(k, n):
    """L written a second time as a function of (v, u, x, z, y)."""
    m, l = n - 1, k - n + 1
    q = AVERAGER_AND_COPIES.solution(RELU, k, n)
    free = 4 if m == 1 else 5
    with mpmath.workdps(40):

        def kernel(s, c, t):
            angle = mpmath.acos(c / mpmath.sqrt(s * t))
            return mpmath.sqrt(s * t) * (mpmath.sin(angle) + (mpmath.pi - angle) * mpmath.cos(angle)) / (2 * mpmath.pi)

        def loss(v, u, x, z, y=0):
            first = l * v**2 + m * u**2
            s = x**2 + (m - 1) * y**2 + l * z**2
            pair = 2 * x * y + (m - 2) * y**2 + l * z**2
            students = first / 2 + m * s / 2 + 2 * m * kernel(first, u * (x + (m - 1) * y) + l * v * z, s)
            if m > 1:
                students += m * (m - 1) * kernel(s, pair, s)
            shared = l * kernel(first, v, 1) + m * kernel(first, u, 1)
            shared += m * (kernel(s, x, 1) + (m - 1) * kernel(s, y, 1) + l * kernel(s, z, 1))
            return students - 2 * shared + mpf(k) / 2 + k * (k - 1) / (2 * mpmath.pi)

        def equations(*q):
            return [mpmath.diff(loss, q, tuple(int(i == j) for j in range(free))) for i in range(free)]

        root = mpmath.findroot(equations, [mpf(float(value)) for value in q[:free]], tol=1e-24)
        value = float(loss(*root))
    assert_allclose(q[:free], [float(entry) for entry in root], rtol=1e-12)
    assert_allclose(point(k, n).loss, value, atol=1e-13)


def test_the_restricted_loss_is_the_loss_of_the_landscape_with_exact_derivatives():
    k, n = 7, 4
    l, m = k - n + 1, n - 1
    q = np.random.default_rng(2).normal(size=(6, 5))
    average, others = np.arange(k) < l, np.eye(m, k, l)
    parts = [np.zeros((n, k)) for _ in range(5)]  # v, u, x, z, y
    parts[0][0, average] = parts[1][0, ~average] = 1
    parts[2][1:] = others
    parts[3][1:, average] = 1
    parts[4][1:, ~average] = 1 - others[:, ~average]
    map_ = np.array([np.concatenate([part.ravel(), np.zeros(n)]) for part in parts])
    theta = q @ map_ + np.concatenate([np.zeros(n * k), np.ones(n)])
    landscape = PopulationLandscape(RELU, orthonormal_teacher(k, k))
    value, gradient, hessian = averager_and_copies_loss(RELU, k, n).jet(q)
    assert_allclose(value, landscape.value(theta), rtol=1e-12)
    assert_allclose(gradient, landscape.gradient(theta) @ map_.T, rtol=1e-11, atol=1e-11)
    assert_allclose(hessian, map_ @ landscape.hessian(theta) @ map_.T, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("k", (3, 4, 10, 50))
def test_the_branch_reaches_every_number_of_neurons(k):
    found = branch(AVERAGER_AND_COPIES, RELU, k)
    assert sorted(found) == list(range(2, k))
    for v, u, x, z, _ in found.values():
        assert v > 0 > u and x > 1 and z > 0
    for n in {2, k // 2, k - 1} - {1}:
        assert point(k, n).residual <= 1e-12


def test_points_are_critical_in_any_frame_and_for_any_common_weight():
    teacher = Network(ortho_group.rvs(8, random_state=np.random.default_rng(0))[:7], np.full(7, -2.0))
    found = perturbed_copy_average(RELU, teacher, 4)
    assert found.residual <= 1e-13
    assert_allclose(found.loss, 4 * point(7, 4).loss, rtol=1e-12)


@pytest.mark.parametrize("case", STATEMENT.cases, ids=str)
def test_every_case_of_the_statement_holds(case):
    assert case.keys() == {"k", "n", "loss", "index"}
    found = point(case["k"], case["n"])
    assert_allclose(found.loss, case["loss"], atol=6e-11)
    assert found.index == case["index"] and found.statement == "perturbed_copy_average"
    assert found.residual < 1e-12


def test_the_points_of_the_statement_are_those_of_every_number_of_neurons():
    assert [p.student.n for p in STATEMENT.point(RELU, orthonormal_teacher(6, 7))] == [2, 3, 4, 5]


OUTSIDE = (
    ("the activation relu", "erf", orthonormal_teacher(4, 5), 3, "erf"),
    ("orthonormal teacher vectors", "relu", equicorrelated_teacher(4, 5, 0.2), 3, "a mutual correlation of 0.2"),
    ("k >= 3 teachers", "relu", orthonormal_teacher(2, 3), 1, "k = 2"),
    ("a number of neurons 2 <= n <= k - 1", "relu", orthonormal_teacher(4, 5), 4, "n = 4 and k = 4"),
)


@pytest.mark.parametrize("hypothesis, name, teacher, n, given", OUTSIDE)
def test_every_hypothesis_fails_by_name(hypothesis, name, teacher, n, given):
    with pytest.raises(OutsideTheorem, match=re.escape(given)) as refused:
        perturbed_copy_average(ACTIVATIONS[name], teacher, n)
    assert refused.value.hypothesis.startswith(hypothesis)


def test_every_hypothesis_is_tested():
    for hypothesis in STATEMENT.hypotheses:
        assert any(hypothesis.sentence.startswith(named) for named, *_ in OUTSIDE)
