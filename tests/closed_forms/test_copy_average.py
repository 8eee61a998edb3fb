"""Copy-average points: published losses, signatures and thresholds, SymPy proofs, partitions counted by brute force."""

import itertools
import re
from collections import Counter
from math import comb, factorial

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mpf
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms import copy_average as module
from landscape_nb.closed_forms.copy_average import (
    STATEMENT,
    copy_average,
    copy_average_loss,
    copy_average_points,
    counts,
    number_of_types,
    partitions,
    reduced_block,
    set_partitions,
    stirling,
    threshold,
)
from landscape_nb.closed_forms.one_neuron import one_neuron
from landscape_nb.critical import CriticalPoint, OutsideTheorem
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher

ERF, RELU = ACTIVATIONS["erf"], ACTIVATIONS["relu"]
PRODUCT_KERNELS = ("erf", "normal_cdf", "sin", "cos", "exp", "gaussian")

# sizes: smallest eigenvalue and number of negative ones, d = k + 1
SIGNATURES = {
    (3,): (0.003847, 0),
    (2, 1): (0.007535, 0),
    (1, 1, 1): (0.012575, 0),
    (4,): (0.001647, 0),
    (3, 1): (0.003039, 0),
    (2, 2): (-0.008493, 2),
    (2, 1, 1): (0.005689, 0),
    (5,): (0.000847, 0),
    (4, 1): (0.001431, 0),
    (3, 2): (-0.060805, 1),
    (3, 1, 1): (0.002516, 0),
    (2, 2, 1): (-0.020442, 2),
    (2, 1, 1, 1): (0.004535, 0),
    (6,): (0.000491, 0),
    (5, 1): (0.000772, 0),
    (4, 2): (-0.089074, 1),
    (3, 3): (-0.003898, 4),
    (4, 1, 1): (0.001266, 0),
    (3, 2, 1): (-0.065012, 1),
    (2, 2, 2): (-0.051394, 3),
    (3, 1, 1, 1): (0.002148, 0),
    (2, 2, 1, 1): (-0.030095, 2),
    (2, 1, 1, 1, 1): (0.001881, 0),
}
LOSSES = {  # by activation and sizes
    "erf": {(2, 1): 0.023221680625, (3, 1): 0.040593177314, (2, 2): 0.046443361251, (2, 1, 1): 0.023221680625,
            (4, 1): 0.056754527741, (3, 2): 0.063814857939, (26, *[1] * 24): 0.390099428979},
    "normal_cdf": {(3,): 0.010148294328, (3, 2): 0.015953714484},
    "sin": {(3,): 0.172807161019, (3, 2): 0.270670878654, (3, 2, 1, 1): 0.270670878654},
    "cos": {(3,): 0.413715414716, (3, 2): 0.625487940574},
    "exp": {(3,): 4.333848215398, (3, 2): 6.621767788825},
    "gaussian": {(3,): 0.168217832035, (3, 2): 0.257327252437},
}  # fmt: skip
COUNTS = {  # (k, n): S, 2^n n! S, optimal, types
    (3, 2): (3, 24, 3, 1),
    (4, 2): (7, 56, 4, 2),
    (4, 3): (6, 288, 6, 1),
    (5, 2): (15, 120, 5, 2),
    (5, 3): (25, 1200, 10, 2),
    (6, 3): (90, 4320, 15, 3),
    (10, 5): (42525, 163296000, 210, 7),
}
THRESHOLDS = dict(zip(range(2, 11), (5.1357, 11.3040, 19.9601, 31.0952, 44.7070, 60.7948, 79.3582, 100.3969, 123.9111)))
BOTH_SIDES = {  # l, n: smallest eigenvalue
    (2, 5): 0.001880953,
    (2, 6): -0.010865978,
    (3, 11): 0.001065454,
    (3, 12): -0.003790248,
    (4, 19): 0.000446351,
    (4, 20): -0.000122671,
    (5, 31): 0.000186182,
    (5, 32): -0.001745855,
}
MIXED = Network(  # three orthogonal groups: a long teacher; two correlated ones of weight 2; three short ones of weight -1
    [[1.5, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0], [0, 0.6, 0.8, 0, 0, 0, 0], *(0.5 * np.eye(7)[3:6])],
    [1, 2, 2, -1, -1, -1],
)
MIXED_GROUPS = ((1, 2), (0,), (3, 5, 4))


def point(sizes, name="erf", extra=1):
    k = sum(sizes)
    return copy_average(ACTIVATIONS[name], orthonormal_teacher(k, k + extra), sizes)


# --- points and losses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", (1, 2, 3, 4, 5, 6))
def test_every_partition_gives_a_critical_point_with_the_loss_of_its_groups(k):
    landscape_teacher = orthonormal_teacher(k, k + 2)
    for n in range(1, k + 1):
        for groups in set_partitions(k, n):
            found = copy_average(ERF, landscape_teacher, groups)
            assert found.residual <= 8e-15
            with mpmath.workdps(30):
                loss = sum(l / mpf(3) - 2 / mpmath.pi * l**2 * mpmath.asin(mpf(1) / (2 * l)) for l in map(len, groups))
            assert abs(found.loss - float(loss)) <= 4e-15
            for i, group in enumerate(groups):
                l = len(group)
                expected = landscape_teacher.W[list(group)].sum(axis=0) / np.sqrt(l * (2 * l - 1))
                assert_allclose(found.student.W[i], expected, atol=1e-15)
                assert_allclose(found.student.a[i], l, rtol=1e-15)


@pytest.mark.parametrize("k, n", ((7, 3), (12, 5), (20, 11), (50, 25)))
def test_random_groups_of_rotated_teachers_with_signs_are_critical_too(k, n):
    rng = np.random.default_rng(k)
    d = k + 3
    teacher = Network(ortho_group.rvs(d, random_state=rng)[:k], np.ones(k))
    label = rng.permutation(np.concatenate([np.arange(n), rng.integers(n, size=k - n)]))
    groups = [np.flatnonzero(label == i).tolist() for i in range(n)]
    found = copy_average(ERF, teacher, groups)
    signs = rng.choice([-1.0, 1.0], size=n)
    flipped = Network(found.student.W * signs[:, None], found.student.a * signs)
    other = CriticalPoint(found.landscape, flipped)
    assert max(found.residual, other.residual) <= 3e-14
    assert_allclose([found.loss, other.loss], copy_average_loss([len(group) for group in groups]), atol=1e-13)


@pytest.mark.parametrize("name, sizes", [(name, sizes) for name in LOSSES for sizes in LOSSES[name]])
def test_losses_agree_with_the_published_table(name, sizes):
    found = point(sizes, name)
    assert_allclose(found.loss, LOSSES[name][sizes], rtol=0, atol=1e-12)
    assert_allclose(
        copy_average_loss(sizes, ACTIVATIONS[name]), found.loss, rtol=0, atol=1e-13 * found.landscape.constant
    )
    assert found.residual <= 1e-14 * max(1, found.landscape.constant)


@pytest.mark.parametrize("name", PRODUCT_KERNELS)
def test_groups_may_differ_in_norm_correlation_and_weight(name):
    found = copy_average(ACTIVATIONS[name], MIXED, MIXED_GROUPS)
    assert found.residual <= 1e-13 * max(1, found.landscape.constant)
    alone = 0.0
    for i, group in enumerate(MIXED_GROUPS):
        teacher = Network(MIXED.W[list(group)], MIXED.a[list(group)])
        average = next(p for p in one_neuron(ACTIVATIONS[name], teacher) if p.name == "average of the teachers")
        assert_allclose(found.student.W[i], average.student.W[0], atol=1e-15)
        assert_allclose(found.student.a[i], average.student.a[0], rtol=1e-14)
        alone += average.loss
    assert_allclose(found.loss, alone, atol=1e-13 * max(1, found.landscape.constant))
    full = np.linalg.eigvalsh(found.hessian)
    assert_allclose(found.spectrum, full, atol=1e-13 * np.abs(full).max())
    assert STATEMENT.applies(ACTIVATIONS[name], MIXED)
    (finest,) = STATEMENT.point(ACTIVATIONS[name], MIXED)
    assert finest.student == copy_average(ACTIVATIONS[name], MIXED, ((0,), (1, 2), (3,), (4,), (5,))).student
    assert finest.orbit is None and finest.loss < found.loss


def test_groups_may_be_equal_teachers_and_a_single_group_is_the_one_neuron_average():
    twice = equicorrelated_teacher(3, 4, 1.0, 0.8, -2.0)
    found = copy_average(ERF, twice, (3,))
    assert found.loss <= 1e-15 and found.residual <= 1e-14 and (found.index, found.nullity) == (0, 0)
    assert_allclose(found.spectrum, np.linalg.eigvalsh(found.hessian), atol=1e-13)
    for k in (2, 5, 50):
        average = next(p for p in one_neuron(ERF, orthonormal_teacher(k, k + 1)) if p.student.a[0] != 0)
        assert_allclose(point((k,)).student.theta, average.student.theta, atol=1e-15, rtol=1e-14)
        assert_allclose(point((k,)).spectrum, average.spectrum, atol=1e-12 * average.spectrum[-1])


def test_the_order_of_the_groups_is_the_order_of_the_neurons_and_sizes_take_teachers_in_order():
    teacher = orthonormal_teacher(5, 5)
    by_sizes, by_indices = (
        copy_average(ERF, teacher, (1, 3, 1)),
        copy_average(ERF, teacher, [[0], (3, 1, 2), range(4, 5)]),
    )
    assert by_sizes.student == by_indices.student
    assert_allclose(by_sizes.student.a, [1, 3, 1])
    assert by_sizes.name == "copy-average (3, 1, 1)" and point((5, *[1] * 20)).name == "copy-average (5, 1 x 20)"


@pytest.mark.parametrize("k", (2, 3, 5))
def test_sympy_proves_that_a_residual_has_no_mean_and_no_linear_part_along_other_groups(k):
    """E[rho sigma(w.x)] to first order in eps, for w = cos * e_perp + eps * v_1 and any outer function F."""
    outer = sympy.Function("F")
    eps, T, reach, b = sympy.symbols("eps T N b", positive=True)
    phi = sympy.Matrix(k, k, lambda i, j: sympy.sqrt(T) if i == j else 0)
    average = sympy.Matrix([[sum(phi[:, j]) / k for j in range(k)]])
    other = sympy.Matrix([sympy.symbols(f"u1:{k + 1}")]) * eps
    pull = k * b * reach * outer(average.dot(other)) - sum(b * reach * outer(phi[j, :].dot(other)) for j in range(k))
    assert sympy.simplify(pull.subs(eps, 0).doit()) == 0
    assert sympy.simplify(pull.diff(eps).subs(eps, 0).doit()) == 0


def test_leaving_a_teacher_out_is_not_critical_and_refused():
    teacher = orthonormal_teacher(4, 5)
    with pytest.raises(OutsideTheorem, match="teacher 3 in no group: what is left out stays in the residual"):
        copy_average(ERF, teacher, ((0, 1), (2,)))
    with pytest.raises(OutsideTheorem, match="teachers 2, 3 in no group"):
        copy_average(ERF, teacher, (2,))
    incomplete = point((2, 1)).student
    left = CriticalPoint(
        PopulationLandscape(ERF, teacher), Network(np.pad(incomplete.W, ((0, 0), (0, 1))), incomplete.a)
    )
    assert_allclose(left.loss, copy_average_loss((2, 1)) + 1 / 3, atol=1e-14)
    assert_allclose(left.residual, 1.56, atol=5e-3)


@pytest.mark.parametrize("k, n, residual", ((3, 2, 0.156), (4, 2, 0.323), (5, 2, 0.498)))
def test_relu_is_refused_with_the_reason_and_its_copy_average_is_not_critical(k, n, residual):
    teacher = orthonormal_teacher(k, k + 1)
    sizes = (k - n + 1, *[1] * (n - 1))
    with pytest.raises(OutsideTheorem, match="residual has a mean and a linear part") as refused:
        copy_average(RELU, teacher, sizes)
    assert refused.value.hypothesis == STATEMENT.hypotheses[0].sentence
    l = k - n + 1
    average = one_neuron(RELU, orthonormal_teacher(l, l))[0].student
    w = np.concatenate([average.W[0], np.zeros(k + 1 - l)])
    student = Network([w, *np.eye(k + 1)[l:k]], [average.a[0], *[1.0] * (n - 1)])
    assert_allclose(CriticalPoint(PopulationLandscape(RELU, teacher), student).residual, residual, atol=6e-4)


# --- signatures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SIGNATURES, ids=str)
def test_signatures_and_smallest_eigenvalues_agree_with_the_published_table(sizes):
    found = point(sizes)
    smallest, negative = SIGNATURES[sizes]
    assert_allclose(found.spectrum[0], smallest, atol=6e-7)
    assert (found.index, found.nullity) == (negative, 0)
    assert (found.kind == "minimum") == (negative == 0) == (sizes[1:] == (1,) * (len(sizes) - 1))
    assert_allclose(found.spectrum, np.linalg.eigvalsh(found.hessian), atol=1e-13 * found.spectrum[-1])


def test_every_partition_of_at_most_six_is_in_the_table_or_exact_copies():
    for k in range(3, 7):
        for n in range(1, k):
            assert set(partitions(k, n)) <= SIGNATURES.keys()


@pytest.mark.parametrize(
    "name, index", (("erf", 1), ("normal_cdf", 1), ("sin", 1), ("exp", 1), ("cos", 3), ("gaussian", 3))
)
def test_the_index_of_other_activations_differs(name, index):
    assert point((3, 2), name).index == index
    assert point((2, 1, 1), name).index == (1 if name in ("cos", "gaussian") else 0)


@pytest.mark.parametrize("case", STATEMENT.cases, ids=str)
def test_every_case_of_the_statement_holds(case):
    assert case.keys() <= {"activation", "sizes", "loss", "index", "smallest"}
    found = point(case["sizes"], case.get("activation", "erf"))
    assert found.residual <= 1e-13 and found.index == case["index"]
    if "loss" in case:
        assert_allclose(found.loss, case["loss"], atol=1e-12)
    if "smallest" in case:
        assert_allclose(found.spectrum[0], case["smallest"], atol=6e-7)


@pytest.mark.parametrize("name", PRODUCT_KERNELS)
def test_the_points_of_the_statement_are_the_optimal_ones_for_each_number_of_neurons(name):
    found = STATEMENT.point(ACTIVATIONS[name], orthonormal_teacher(5, 6))
    assert [p.student.n for p in found] == [1, 2, 3, 4, 5]
    assert [p.orbit for p in found] == [1, 5, 10, 10, 1]
    assert all(p.statement == "copy_average" and p.residual < 1e-12 for p in found)
    assert found[-1].loss <= 1e-13


# --- the optimal partition --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRODUCT_KERNELS)
def test_the_optimal_partition_is_one_average_and_copies_among_all_partitions(name):
    losses = np.array([copy_average_loss((size,), ACTIVATIONS[name]) for size in range(1, 31)])
    for k in range(1, 31 if name == "erf" else 15):
        for n in range(1, k + 1):
            best = losses[k - n]
            types = [tuple(sizes) for sizes in all_types(k, n)]
            sums = losses[np.array(types) - 1].sum(axis=1)
            others = [total for sizes, total in zip(types, sums) if sizes[1:] != (1,) * (n - 1)]
            assert best < min(others, default=np.inf)


def all_types(k, n, largest=None):
    """Partitions of k into n parts, written a second time."""
    if n == 0:
        return [()] if k == 0 else []
    return [
        (first, *rest) for first in range(min(k, largest or k), 0, -1) for rest in all_types(k - first, n - 1, first)
    ]


@pytest.mark.parametrize("k, n", [(k, n) for k in range(1, 10) for n in range(1, k + 1)])
def test_partitions_are_all_types_by_rising_loss(k, n):
    found = partitions(k, n)
    assert sorted(found) == sorted(all_types(k, n)) and len(found) == number_of_types(k, n)
    assert found[0] == (k - n + 1, *[1] * (n - 1))
    losses = [copy_average_loss(sizes) for sizes in found]
    assert losses == sorted(losses)


def test_the_loss_of_one_group_is_strictly_concave_in_its_size():
    with mpmath.workdps(40):
        losses = [l / mpf(3) - 2 / mpmath.pi * l**2 * mpmath.asin(mpf(1) / (2 * l)) for l in range(1, 202)]
        second = [losses[i + 1] - 2 * losses[i] + losses[i - 1] for i in range(1, 200)]
        assert max(second) < 0 and abs(float(max(second)) + 3.4e-9) < 1e-10
    # and for every real l: the series of -l^2 asin(1/(2 l)) beyond its linear term has the terms -c l^(1 - 2 j), c > 0
    l = sympy.Symbol("l", positive=True)
    u = sympy.Symbol("u", positive=True)
    series = sympy.asin(u).series(u, 0, 14).removeO()
    for j in range(1, 7):
        term = -series.coeff(u, 2 * j + 1) * l**2 * (1 / (2 * l)) ** (2 * j + 1)
        assert sympy.simplify(term.diff(l, 2) * l ** (2 * j + 1)).is_negative


@pytest.mark.parametrize("name", PRODUCT_KERNELS)
def test_the_outer_functions_have_no_negative_coefficients(name):
    z = sympy.Symbol("z")
    outer = {
        "erf": 2 / sympy.pi * sympy.asin(z),
        "normal_cdf": sympy.Rational(1, 4) + sympy.asin(z) / (2 * sympy.pi),
        "sin": sympy.sinh(z),
        "cos": sympy.cosh(z),
        "exp": sympy.exp(z),
        "gaussian": 1 / sympy.sqrt(1 - z**2),
    }[name]
    coefficients = sympy.Poly(outer.series(z, 0, 12).removeO(), z).all_coeffs()
    assert all(coefficient >= 0 for coefficient in coefficients) and any(coefficients[:-3])
    # the loss of l orthonormal teachers is N^2 [l F(T) + l (l - 1) F(0) - l^2 F(T / l)]
    T, N = {
        "sin": (1, np.exp(-0.5)),
        "cos": (1, np.exp(-0.5)),
        "exp": (1, np.exp(0.5)),
        "gaussian": (0.5, 0.5**0.5),
    }.get(name, (0.5, 1.0))
    F = sympy.lambdify(z, outer)
    for l in (2, 3, 7):
        expected = N**2 * (l * F(T) + l * (l - 1) * F(0.0) - l**2 * F(T / l))
        assert_allclose(copy_average_loss((l,), ACTIVATIONS[name]), float(expected), rtol=1e-11)


# --- counts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k, n", COUNTS)
def test_counts_agree_with_the_published_table(k, n):
    functions, labelled, optimal, types = COUNTS[k, n]
    found = counts(k, n)
    assert (found.functions, found.labelled, found.optimal, found.types) == (functions, labelled, optimal, types)


@pytest.mark.parametrize("k", range(1, 8))
def test_counts_agree_with_brute_force(k):
    for n in range(1, k + 1):
        maps = [labels for labels in itertools.product(range(n), repeat=k) if len(set(labels)) == n]
        brute = {frozenset(frozenset(j for j in range(k) if labels[j] == i) for i in range(n)) for labels in maps}
        listed = set_partitions(k, n)
        assert {frozenset(map(frozenset, groups)) for groups in listed} == brute
        assert len(listed) == len(brute) == stirling(k, n) == counts(k, n).functions
        assert len(maps) == factorial(n) * counts(k, n).functions == counts(k, n).labelled // 2**n
        types = Counter(tuple(sorted(map(len, groups), reverse=True)) for groups in listed)
        assert types.keys() == set(partitions(k, n))
        teacher = orthonormal_teacher(k, k)
        assert {sizes: copy_average(ERF, teacher, sizes).orbit for sizes in types} == types
        assert counts(k, n).optimal == types[(k - n + 1, *[1] * (n - 1))]
    assert counts(100, 50).optimal == comb(100, 49)


def test_all_points_of_all_types_are_listed_lowest_first():
    found = copy_average_points(ERF, orthonormal_teacher(6, 7), 3)
    assert [p.name for p in found] == ["copy-average (4, 1, 1)", "copy-average (3, 2, 1)", "copy-average (2, 2, 2)"]
    assert [p.orbit for p in found] == [15, 60, 15]
    assert [p.loss for p in found] == sorted(p.loss for p in found)


def test_too_many_partitions_are_refused_with_their_number():
    with pytest.raises(ValueError, match=re.escape(f"there are {number_of_types(100, 20)} types")):
        partitions(100, 20)
    with pytest.raises(ValueError, match=f"there are {stirling(12, 6)} partitions"):
        set_partitions(12, 6)
    for bad in ((3, 4), (3, 0), (2.5, 1), (True, 1)):
        for function in (partitions, set_partitions, counts):
            with pytest.raises(ValueError, match=r"n <= k|whole number"):
                function(*bad)


# --- the threshold ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("l", THRESHOLDS)
def test_thresholds_agree_with_the_published_table(l):
    assert_allclose(threshold(l), THRESHOLDS[l], atol=6e-5)
    with mpmath.workdps(30):
        h = 4 * l**2 * (2 * l**2 - 1) / ((2 * l + 1) * mpmath.sqrt(4 * l**2 - 1))
        q, c = mpf(l * (2 * l - 1)), 2 / mpmath.sqrt(3)
        root = mpmath.findroot(lambda n: h * (n - 2 + c) - q * (n - 1), THRESHOLDS[l])
    assert_allclose(threshold(l), float(root), rtol=1e-12)
    assert h < q  # so that the determinant falls in n


def test_sympy_proves_the_threshold_and_that_h_stays_below_q():
    l, n, h, q = sympy.symbols("l n h q", positive=True)
    tilt = 2 / sympy.sqrt(3)
    determinant = h * (n - 2 + tilt) - q * (n - 1)
    (root,) = sympy.solve(determinant, n)
    assert sympy.simplify(root - (q - h * (2 - tilt)) / (q - h)) == 0
    # h < q: 16 l^2 (2 l^2 - 1)^2 < (2 l - 1)^2 (2 l + 1)^2 (4 l^2 - 1)
    gap = sympy.Poly(sympy.expand(((4 * l**2 - 1) ** 3 - 16 * l**2 * (2 * l**2 - 1) ** 2).subs(l, l + 1)), l)
    assert all(coefficient > 0 for coefficient in gap.all_coeffs())


@pytest.mark.parametrize("l, n", [(2, 2), (2, 5), (3, 4), (4, 2), (5, 7)])
def test_the_reduced_block_is_the_part_of_the_hessian_in_which_averager_and_copies_tilt_together(l, n):
    found = point((l, *[1] * (n - 1)))
    direction = np.zeros(l + n)
    direction[:2] = 1 / np.sqrt(2), -1 / np.sqrt(2)
    moves = np.zeros((2, found.student.theta.size))
    moves[0, : l + n] = direction
    moves[1, l + n : n * (l + n)] = np.tile(direction, n - 1) / np.sqrt(n - 1)
    assert_allclose(moves @ found.hessian @ moves.T, reduced_block(l, n), atol=1e-13 * l**2)
    assert_allclose(found.hessian @ moves[0], reduced_block(l, n)[0] @ moves, atol=1e-13 * l**2)
    values = np.linalg.eigvalsh(reduced_block(l, n))
    block = next(b for b in found.blocks if b.name == f"within the group of {l}")
    assert block.multiplicity == l - 1
    assert_allclose(block.eigenvalues, values, atol=1e-13 * l**2)


@pytest.mark.parametrize("l, n", BOTH_SIDES)
def test_the_smallest_eigenvalue_changes_sign_at_the_threshold(l, n):
    found = point((l, *[1] * (n - 1)))
    assert_allclose(found.spectrum[0], BOTH_SIDES[l, n], atol=6e-10)
    assert found.index == (0 if n < threshold(l) else l - 1)


@pytest.mark.parametrize("k, saddles", ((7, [6]), (10, [9]), (20, [18, 19]), (50, [45, 46, 47, 48, 49])))
def test_the_published_saddles_are_those_beyond_the_threshold(k, saddles):
    assert [n for n in range(2, k) if n > threshold(k - n + 1)] == saddles
    for n in (saddles[0] - 1, *saddles):
        found = point((k - n + 1, *[1] * (n - 1)))
        assert found.index == (k - n if n in saddles else 0)
    if k == 50:
        smallest = [point((51 - n, *[1] * (n - 1))).spectrum[0] for n in (44, 45)]
        assert_allclose(smallest, [9.9e-5, -3.95e-4], rtol=6e-3)
    assert point((1,) * k).kind == "minimum" and threshold(1) == np.inf


# --- outside the theorem ----------------------------------------------------------------------------------------------

PAIR = orthonormal_teacher(2, 3)
OUTSIDE = (
    (0, "relu", PAIR, (1, 1), "relu, whose one-neuron residual has a mean"),
    (0, "tanh", PAIR, (1, 1), "tanh, whose kernel is not a product"),
    (1, "erf", PAIR, ((1,),), "teacher 0 in no group"),
    (2, "erf", equicorrelated_teacher(2, 3, 0.3), (1, 1), "teachers 0 and 1 of different groups with the cosine 0.3"),
    (3, "erf", orthonormal_teacher(3, 3, (1, 2, 2)), (2, 1), "outgoing weights between 1 and 2 in group 0"),
    (3, "erf", Network([[1, 0], [0, 2]], [1, 1]), (2,), "norms between 1 and 2 in group 0"),
    (4, "erf", orthonormal_teacher(2, 3, (1, 0)), (1, 1), "the weight 0 in group 1"),
    (4, "erf", Network([[1, 0], [-1, 0]], [1, 1]), (2,), "a sum of length 0 in group 0"),
)


@pytest.mark.parametrize("which, name, teacher, groups, given", OUTSIDE)
def test_every_hypothesis_fails_by_name(which, name, teacher, groups, given):
    with pytest.raises(OutsideTheorem, match=re.escape(given)) as refused:
        copy_average(ACTIVATIONS[name], teacher, groups)
    assert refused.value.hypothesis == STATEMENT.hypotheses[which].sentence
    assert refused.value.remedy == STATEMENT.hypotheses[which].remedy
    assert str(refused.value).startswith("the copy-average theorem needs ")


def test_every_hypothesis_is_tested():
    assert {which for which, *_ in OUTSIDE} == set(range(len(STATEMENT.hypotheses)))


def test_lists_of_points_need_teachers_that_are_all_alike():
    for teacher, given in (
        (MIXED, "norms between"),
        (equicorrelated_teacher(3, 4, 0.2), "a mutual correlation of 0.2"),
        (orthonormal_teacher(3, 4, 0.0), "the weight 0"),
    ):
        with pytest.raises(OutsideTheorem, match=given):
            copy_average_points(ERF, teacher, 2)
    with pytest.raises(OutsideTheorem, match="relu"):
        copy_average_loss((2, 1), RELU)


@pytest.mark.parametrize(
    "groups, sentence",
    (
        ((), "needs at least one group"),
        ((3, 3), "hold 6 teachers; the teacher has k = 4"),
        ((0, 4), "a group's size must be a whole number"),
        ((True, 3), "a group's size must be a whole number"),
        (((0, 1), 2), "either all sizes or all sequences"),
        (((0, 1), (), (2, 3)), "group 1 is empty"),
        (((0, 1), (1, 2, 3)), "teacher 1 occurs more than once"),
        (((0, 1), (2, 4)), "indices between 0 and 3; 4 was given"),
        (((0, 1), (2, -1)), "indices between 0 and 3; -1 was given"),
    ),
)
def test_groups_that_are_no_partition_are_refused_in_a_sentence(groups, sentence):
    with pytest.raises(ValueError, match=sentence):
        copy_average(ERF, orthonormal_teacher(4, 5), groups)


@pytest.mark.parametrize("name", PRODUCT_KERNELS)
def test_a_millionth_beside_the_average_shows_in_the_residual(monkeypatch, name):
    true = module.group_average
    monkeypatch.setattr(module, "group_average", lambda *numbers: (true(*numbers)[0], true(*numbers)[1] * (1 + 1e-6)))
    assert point((3, 2), name).residual > 1e-8
