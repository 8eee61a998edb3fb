"""Perturbed-n-copy points: published numbers, their four equations in many digits, and where they cross the copy-average."""

import re

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.copy_average import copy_average, copy_average_loss
from landscape_nb.closed_forms.perturbed_copy import (
    COPIES,
    STATEMENT,
    Crossings,
    copies_loss,
    crossings,
    perturbed_copy,
)
from landscape_nb.closed_forms.perturbed_copy_average import perturbed_copy_average
from landscape_nb.closed_forms.symmetric_copies import branch
from landscape_nb.critical import OutsideTheorem
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher

ERF, RELU = ACTIVATIONS["erf"], ACTIVATIONS["relu"]

TEN = {  # n: r, a, L of the perturbed copies, L of the copy-average; k = 10
    6: (0.696942, 1.795409, 0.078481014, 0.072452645),
    7: (0.782192, 1.478092, 0.059085933, 0.056754528),
    8: (0.861248, 1.263297, 0.039422921, 0.040593177),
    9: (0.933861, 1.111371, 0.019682157, 0.023221681),
}
RELU_LOSSES = {  # (k, n): L, negative eigenvalues
    (3, 2): (0.1553247328, 1),
    (4, 2): (0.3905253342, 1),
    (4, 3): (0.1394858611, 0),
    (5, 2): (0.7152338859, 1),
    (5, 3): (0.3353901507, 0),
    (5, 4): (0.1295224718, 0),
    (6, 2): (1.1338562244, 1),
    (6, 3): (0.5922744997, 2),
    (6, 4): (0.3023164622, 0),
    (6, 5): (0.1228526673, 0),
    (10, 5): (0.9763269700, 0),
    (10, 6): (0.6524041761, 0),
    (10, 7): (0.4204223573, 0),
    (10, 8): (0.2459251158, 0),
    (10, 9): (0.1096868597, 0),
}
CROSSINGS = {  # k: minimum from, below from, copy-average a minimum up to
    3: (None, None, 2),
    4: (None, None, 3),
    5: (4, None, 4),
    6: (4, 5, 5),
    7: (5, 6, 5),
    8: (5, 7, 6),
    10: (6, 8, 8),
    12: (7, 10, 10),
    15: (8, 12, 12),
    20: (10, 15, 17),
    30: (14, 23, 26),
    50: (22, 38, 44),
    80: (34, 61, 73),
    100: (42, 76, 92),
}
RELU_CROSSINGS = {3: (None, None, 2), 4: (3, 3, 2), 5: (3, 4, 3), 6: (4, 4, 4), 10: (5, 6, 7), 20: (6, 10, 15)}


def point(k, n, activation=ERF, d=None):
    return perturbed_copy(activation, orthonormal_teacher(k, d or k + 1), n)


# --- points -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", TEN)
def test_ten_teachers_agree_with_the_published_table(n):
    found = point(10, n)
    r, a, loss, average = TEN[n]
    assert_allclose(np.linalg.norm(found.student.W, axis=1), r, atol=6e-7)
    assert_allclose(found.student.a, a, atol=6e-7)
    assert_allclose(found.loss, loss, atol=6e-10)
    assert_allclose(copy_average_loss((11 - n, *[1] * (n - 1))), average, atol=6e-10)
    assert (found.loss < average) == (n >= 8)


def test_twenty_five_neurons_and_fifty_teachers_agree_with_the_published_point():
    found = point(50, 25)
    assert_allclose(found.student.W[3, [3, 0, 40, 50]], [0.711395, -0.009555, 0.019211, 0], atol=6e-7)
    assert_allclose(found.student.a, 1.809205, atol=6e-7)
    assert_allclose(found.loss, 0.406575880, atol=6e-10)
    assert found.loss > copy_average_loss((26, *[1] * 24)) and found.kind == "minimum"
    assert (found.residual <= 1e-13) and found.method == "numerical" and found.statement == "perturbed_copy"


@pytest.mark.parametrize("k, n", RELU_LOSSES)
def test_relu_losses_and_signatures_agree_with_the_published_table(k, n):
    found = point(k, n, RELU)
    loss, negative = RELU_LOSSES[k, n]
    assert_allclose(found.loss, loss, atol=6e-11)
    assert (found.index, found.nullity, found.zero_modes) == (negative, n, {"rescaling": n})
    assert found.kind == ("saddle" if negative else "minimum")
    assert found.residual <= 3e-14
    full = np.linalg.eigvalsh(found.hessian)
    assert_allclose(found.spectrum, full, atol=1e-12 * full[-1])
    assert_allclose(found.student.a, 1.0)


@pytest.mark.parametrize("k, n", ((3, 2), (5, 4), (10, 2), (10, 6), (15, 3)))
def test_the_four_equations_hold_in_forty_digits(k, n):
    """L written a second time as a function of (x, y, z, a); mpmath's own root is the same."""
    q = COPIES.solution(ERF, k, n)
    with mpmath.workdps(40):

        def kernel(s, c, t):
            return 2 / mpmath.pi * mpmath.asin(c / mpmath.sqrt((1 + s) * (1 + t)))

        def loss(x, y, z, a):
            s = x**2 + (n - 1) * y**2 + (k - n) * z**2
            c = 2 * x * y + (n - 2) * y**2 + (k - n) * z**2
            own = n * kernel(s, s, s) + n * (n - 1) * kernel(s, c, s)
            shared = n * (kernel(s, x, 1) + (n - 1) * kernel(s, y, 1) + (k - n) * kernel(s, z, 1))
            return a**2 * own - 2 * a * shared + mpf(k) / 3

        def equations(*q):
            return [mpmath.diff(loss, q, tuple(int(i == j) for j in range(4))) for i in range(4)]

        root = mpmath.findroot(equations, [mpf(float(value)) for value in q], tol=1e-24)
        value = loss(*root)
    assert_allclose(q, [float(value) for value in root], rtol=1e-9)
    found = point(k, n)
    assert_allclose(found.loss, float(value), atol=1e-13)
    assert found.residual <= 1e-13


@pytest.mark.parametrize("activation, size", ((ERF, 4), (RELU, 3)))
def test_the_restricted_loss_is_the_loss_of_the_landscape_with_exact_derivatives(activation, size):
    k, n = 7, 4
    q = np.random.default_rng(size).normal(size=(5, size))
    coordinates = np.full((5, n, k), q[:, 2, None, None])
    coordinates[:, :, :n] = q[:, 1, None, None]
    coordinates[:, range(n), range(n)] = q[:, :1]
    a = np.broadcast_to(q[:, 3:] if size == 4 else 1.0, (5, n))
    landscape = PopulationLandscape(activation, orthonormal_teacher(k, k))
    theta = np.concatenate([coordinates.reshape(5, -1), a], axis=1)
    loss = copies_loss(activation, k, n)
    value, gradient, hessian = loss.jet(q)
    assert_allclose(value, landscape.value(theta), rtol=1e-12)
    # the map q -> theta is linear
    first = np.eye(n, k)
    block = np.pad(np.ones((n, n)), ((0, 0), (0, k - n))) - first
    parts = [first, block, 1 - first - block]
    map_ = np.array([np.concatenate([part.ravel(), np.zeros(n)]) for part in parts])
    if size == 4:
        map_ = np.vstack([map_, np.concatenate([np.zeros(n * k), np.ones(n)])])
    assert_allclose(gradient, landscape.gradient(theta) @ map_.T, rtol=1e-11, atol=1e-11)
    assert_allclose(hessian, map_ @ landscape.hessian(theta) @ map_.T, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("activation", (ERF, RELU))
@pytest.mark.parametrize("k, n", ((3, 2), (10, 2), (10, 6), (20, 7), (100, 50), (100, 99)))
def test_points_are_critical_in_any_frame_and_for_any_common_weight(activation, k, n):
    assert point(k, n, activation).residual <= 1e-12
    rng = np.random.default_rng(n)
    teacher = Network(ortho_group.rvs(k, random_state=rng), np.full(k, -1.5))
    turned = perturbed_copy(activation, teacher, n)
    assert turned.residual <= 1e-11
    assert_allclose(turned.loss, 1.5**2 * point(k, n, activation).loss, rtol=1e-9, atol=1e-12)
    assert turned.index == point(k, n, activation).index


@pytest.mark.parametrize("k", (3, 5, 10, 21, 22, 50))
def test_the_branch_reaches_two_neurons_up_to_twenty_one_teachers_and_folds_above_two_beyond(k):
    found = branch(COPIES, ERF, k)
    lowest = 2 if k <= 21 else 3
    assert sorted(found) == list(range(lowest, k))
    assert sorted(branch(COPIES, RELU, k)) == list(range(2, k))
    for n, (x, y, z, a) in found.items():
        assert x > 0 > y and 0 < z < x and a > 1
        assert np.linalg.eigvalsh(copies_loss(ERF, k, n).hessian(found[n]))[0] > 0
    if k > 21:
        with pytest.raises(
            OutsideTheorem, match=f"n >= 3 for k = {k}.*before it folds; given: n = 2; take n between 3"
        ):
            point(k, 2)


def test_the_branch_is_one_curve():
    """Neighbouring n differ by less than a step that could lead to another branch."""
    for k in (10, 20, 50):
        found = branch(COPIES, ERF, k)
        for n in range(max(4, min(found)), k - 1):
            x, y, z, a = found[n + 1] - found[n]
            assert x > 0 and a < 0 and abs(y) < 0.05 and 0 < z + 0.02 < 0.15


def test_orbits_count_which_teachers_are_copied():
    assert point(10, 6).orbit == 210 and point(3, 2, RELU).orbit == 3


@pytest.mark.parametrize("case", STATEMENT.cases, ids=str)
def test_every_case_of_the_statement_holds(case):
    assert case.keys() <= {"activation", "k", "n", "loss", "norm", "weight", "index"}
    found = point(case["k"], case["n"], ACTIVATIONS[case.get("activation", "erf")])
    assert_allclose(found.loss, case["loss"], atol=6e-10)
    if "norm" in case:
        assert_allclose(np.linalg.norm(found.student.W[0]), case["norm"], atol=6e-7)
        assert_allclose(found.student.a[0], case["weight"], atol=6e-7)
    assert found.index == case.get("index", 0)


@pytest.mark.parametrize("activation", (ERF, RELU))
def test_the_points_of_the_statement_are_those_of_every_number_of_neurons(activation):
    found = STATEMENT.point(activation, orthonormal_teacher(6, 7))
    assert [p.student.n for p in found] == [2, 3, 4, 5]
    assert all(p.residual < 1e-12 for p in found)


# --- crossings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", CROSSINGS)
def test_crossings_agree_with_the_published_table(k):
    assert crossings(k) == Crossings(k, *CROSSINGS[k])


@pytest.mark.parametrize("k", RELU_CROSSINGS)
def test_relu_crosses_earlier(k):
    assert crossings(k, RELU) == Crossings(k, *RELU_CROSSINGS[k])


@pytest.mark.parametrize("k", (5, 6, 8, 10))
def test_crossings_agree_with_the_full_hessian_and_the_losses_of_the_landscape(k):
    teacher = orthonormal_teacher(k, k + 1)
    for activation in (ERF, RELU):
        copies = {n: point(k, n, activation) for n in range(2, k)}
        if activation is ERF:
            averages = {n: copy_average(ERF, teacher, (k - n + 1, *[1] * (n - 1))) for n in range(2, k)}
        else:
            averages = {n: perturbed_copy_average(RELU, teacher, n) for n in range(2, k)}
        minimum = {n: np.linalg.eigvalsh(p.hessian)[0] > -1e-10 for points in (copies,) for n, p in points.items()}
        below = {n: copies[n].loss < averages[n].loss for n in copies}
        steady = {n: np.linalg.eigvalsh(p.hessian)[0] > -1e-10 for n, p in averages.items()}
        expected = Crossings(
            k,
            next((n for n in minimum if minimum[n]), None),
            next((n for n in below if all(below[m] for m in range(n, k))), None),
            max((n for n in steady if steady[n]), default=None),
        )
        assert crossings(k, activation) == expected


def test_fifty_teachers_cross_between_thirty_seven_and_thirty_eight_neurons():
    assert_allclose(point(50, 37).loss, 0.210016747, atol=6e-10)
    assert_allclose(copy_average_loss((14, *[1] * 36)), 0.209380365, atol=6e-10)
    assert_allclose(point(50, 38).loss, 0.193717503, atol=6e-10)
    assert_allclose(copy_average_loss((13, *[1] * 37)), 0.194283909, atol=6e-10)


# --- outside the theorem ----------------------------------------------------------------------------------------------

OUTSIDE = (
    ("the activation erf or relu", "tanh", orthonormal_teacher(4, 5), 3, "tanh"),
    ("orthonormal teacher vectors", "erf", equicorrelated_teacher(4, 5, 0.2), 3, "a mutual correlation of 0.2"),
    ("orthonormal teacher vectors", "erf", equicorrelated_teacher(4, 5, 0, 2.0), 3, "the norm 2"),
    (
        "orthonormal teacher vectors",
        "relu",
        orthonormal_teacher(4, 5, (1, 1, 1, 2)),
        3,
        "outgoing weights between 1 and 2",
    ),
    ("orthonormal teacher vectors", "relu", orthonormal_teacher(4, 5, 0.0), 3, "the weight 0"),
    ("k >= 3 teachers", "erf", orthonormal_teacher(2, 3), 1, "k = 2"),
    ("a number of neurons 2 <= n <= k - 1", "erf", orthonormal_teacher(4, 5), 4, "n = 4 and k = 4"),
    ("a number of neurons 2 <= n <= k - 1", "erf", orthonormal_teacher(4, 5), 1, "n = 1 and k = 4"),
)


@pytest.mark.parametrize("hypothesis, name, teacher, n, given", OUTSIDE)
def test_every_hypothesis_fails_by_name(hypothesis, name, teacher, n, given):
    with pytest.raises(OutsideTheorem, match=re.escape(given)) as refused:
        perturbed_copy(ACTIVATIONS[name], teacher, n)
    assert refused.value.hypothesis.startswith(hypothesis)


def test_every_hypothesis_is_tested():
    for hypothesis in STATEMENT.hypotheses:
        assert any(hypothesis.sentence.startswith(named) for named, *_ in OUTSIDE)


def test_the_number_of_neurons_is_a_whole_number():
    for n in (2.5, True, "3"):
        with pytest.raises(ValueError, match="n must be a whole number"):
            point(5, n)


def test_crossings_need_erf_or_relu_and_three_teachers():
    with pytest.raises(OutsideTheorem, match="sin"):
        crossings(5, ACTIVATIONS["sin"])
    with pytest.raises(OutsideTheorem, match="k = 2"):
        crossings(2)
