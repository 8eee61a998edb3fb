"""Bifurcation values: the blocks proved with SymPy, no value missed against full Hessians and dense scans, ten digits against fifty."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mpf
from numpy.testing import assert_allclose
from one_neuron_in_many_digits import AlikeTeachers

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms import one_neuron_product
from landscape_nb.closed_forms.bifurcations import Bifurcation, bifurcations
from landscape_nb.closed_forms.one_neuron import one_neuron, statement_for
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher

NAMES = [name for name in ACTIVATIONS if statement_for(ACTIVATIONS[name])]
#: Independent of the module: F''/F' of the product kernels as functions of tau.
RATIO = {
    "erf": lambda tau: tau / (1 - tau**2),
    "normal_cdf": lambda tau: tau / (1 - tau**2),
    "sin": np.tanh,
    "cos": lambda tau: 1 / np.tanh(tau),
    "exp": lambda tau: 1 + 0 * tau,
    "gaussian": lambda tau: 1 / tau + 3 * tau / (1 - tau**2),
}


def values(name, k, along, correlation=0.0, norm=1.0, weight=1.0, low=None, high=None, d=None):
    low, high = {"correlation": (-1.0, 1.0), "norm": (0.2, 3.0)}[along] if low is None else (low, high)
    teacher = equicorrelated_teacher(k, d or k + 1, correlation, norm, weight)
    return bifurcations(ACTIVATIONS[name], teacher, along, low, high)


def closed_points(name, teacher):
    """The closed-form points with their names."""
    activation = ACTIVATIONS[name]
    return [p for p in statement_for(activation).point(activation, teacher) if p.method == "closed form"]


def index_of_full_hessian(landscape, student):
    eigenvalues = np.linalg.eigvalsh(landscape.hessian(student))
    return int(np.sum(eigenvalues < -1e-12 * np.abs(eigenvalues).max()))


@pytest.fixture
def without_search(monkeypatch):
    """cos and gaussian also search beside the average, which takes time and is not about closed forms."""
    monkeypatch.setattr(one_neuron_product, "_single_teacher", lambda landscape, average: ())


# --- no crossing is missed, none is invented --------------------------------------------------------------------------


def assert_full_hessians_have_the_declared_indices(name, k, d, along, grid, correlation, norm, weight):
    declared = values(name, k, along, correlation, norm, weight, grid[0], grid[-1], d)
    found = [b.value for b in declared]
    assert found == sorted(found)
    seen = {}
    for x in grid:
        if any(abs(x - value) < 1e-4 for value in found):
            continue
        beta, s = (x, norm) if along == "correlation" else (correlation, x)
        teacher = equicorrelated_teacher(k, d, beta, s, weight)
        landscape = PopulationLandscape(ACTIVATIONS[name], teacher)
        for point in closed_points(name, teacher):
            short = point.name.partition(" (")[0]
            index = index_of_full_hessian(landscape, point.student)
            own = [b for b in declared if b.point == short]
            between = sum(b.value < x for b in own)
            if own:
                assert index == (own[between].before if between < len(own) else own[-1].after), (x, short)
            else:
                assert seen.setdefault(short, index) == index, (x, short)
    for first, second in pairwise(declared):
        assert first.after == second.before


@pytest.mark.parametrize("along", ("correlation", "norm"))
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", NAMES)
def test_full_hessians_along_a_slider_have_the_index_that_is_declared(without_search, name, seed, along):
    rng = np.random.default_rng(100 * seed + len(name))
    k = int(rng.integers(2, 7))
    d = k + int(rng.integers(0, 3))
    weight = float(rng.choice([-1, 1]) * rng.uniform(0.5, 2))
    lowest = -1 / (k - 1)
    correlation = float(lowest + (1 - lowest) * rng.uniform(0.1, 0.95)) if seed else float(rng.uniform(0.02, 0.4))
    norm = float(rng.uniform(0.2, 3)) if seed else float(rng.uniform(2.2, 3))
    grid = np.linspace(lowest + 1e-3, 1 - 1e-3, 83) if along == "correlation" else np.linspace(0.2, 3, 83)
    assert_full_hessians_have_the_declared_indices(name, k, d, along, grid, correlation, norm, weight)


@pytest.mark.parametrize("norm", (0.3, 1.0, 2.6))
@pytest.mark.parametrize("name", NAMES)
def test_the_listed_index_is_constant_between_the_values_at_every_step_of_the_correlation(without_search, name, norm):
    k, d = 4, 6
    declared = values(name, k, "correlation", norm=norm, d=d)
    for beta in np.round(np.arange(-0.3, 1.0, 0.05), 9):
        if any(abs(b.value - beta) < 1e-9 for b in declared):
            continue
        average = closed_points(name, equicorrelated_teacher(k, d, beta, norm))[0]
        before = [b for b in declared if b.value < beta]
        # every activation with a theorem is a minimum towards correlation 1
        expected = before[-1].after if before else declared[0].before if declared else 0
        assert average.index == expected


@pytest.mark.parametrize("k", (2, 3, 4, 7, 12))
@pytest.mark.parametrize("name", RATIO)
def test_a_dense_scan_of_the_decisive_eigenvalue_changes_sign_as_often_as_values_are_declared(name, k):
    bounded = name in ("erf", "normal_cdf", "gaussian")

    def is_minimum(beta, s):
        T = s**2 / (1 + s**2) if bounded else s**2
        return T * (1 - beta) / k * RATIO[name](T * (1 + (k - 1) * beta) / k) < 1

    def compare(grid, minimum, declared):
        turns = np.flatnonzero(np.diff(minimum.astype(int)))
        assert len(turns) == len(declared)
        for turn, found in zip(turns, declared):
            assert grid[turn] <= found.value <= grid[turn + 1]
            assert (found.before == 0, found.after == 0) == (minimum[turn], minimum[turn + 1])

    correlations = np.linspace(-1 / (k - 1), 1, 30002)[1:-1]
    for s in (0.05, 0.2, 0.7, 1.0, 1.3, 1.9, 2.4, 3.0, 5.0, 12.0):
        declared = values(name, k, "correlation", 0.0, s, low=correlations[0], high=correlations[-1])
        compare(correlations, is_minimum(correlations, s), declared)
    norms = np.geomspace(0.02, 12, 30001)
    for beta in (-0.99 / (k - 1), -0.4 / (k - 1), 0.0, 1e-3, 0.03, 0.2, 0.4, 0.7, 0.9, 0.99):
        declared = values(name, k, "norm", beta, low=norms[0], high=norms[-1])
        minimum = is_minimum(beta, norms)
        if beta == 0 and name in ("cos", "gaussian"):
            assert declared == ()  # the ratio touches 1 from above as s -> 0
        else:
            compare(norms, minimum, declared)


# --- ten digits --------------------------------------------------------------------------------------------------------

SETTINGS = [
    *((name, k, "correlation", 0.0, s) for name in ("relu", "cos", "gaussian") for k in (2, 3, 5) for s in (0.3, 1, 3)),
    *((name, k, "correlation", 0.0, s) for name in ("exp", "sin") for k, s in ((2, 1.8), (3, 2.0), (5, 3.0))),
    *((name, k, "norm", 0.02, 1.0) for name in ("sin", "cos", "exp", "gaussian") for k in (2, 3, 5)),
    *((name, 2, "norm", 0.4, 1.0) for name in ("sin", "cos", "exp", "gaussian")),
    *((name, 3, "norm", -0.3, 1.0) for name in ("sin", "exp")),
]


@pytest.mark.parametrize("name, k, along, correlation, norm", SETTINGS)
def test_the_curvature_across_the_mean_changes_sign_within_ten_digits_of_each_value(
    without_search, name, k, along, correlation, norm
):
    declared = values(name, k, along, correlation, norm, weight=-0.7)
    assert declared
    for found in declared:
        for side, index in ((-1, found.before), (1, found.after)):
            x = found.value + side * 1e-10
            beta, s = (x, norm) if along == "correlation" else (correlation, x)
            student = closed_points(name, equicorrelated_teacher(k, k, beta, s, -0.7))[0].student
            exact = AlikeTeachers(name, k, beta, s, -0.7)
            with mpmath.workdps(50):
                radius, a = mpf(float(np.linalg.norm(student.W))), mpf(float(student.a[0]))
                curvature = mpmath.diff(lambda y: exact.loss(radius, a, y=y), 0, 2)  # noqa: B023
            assert (curvature < 0) == (index == k - 1) and index in (0, k - 1)


@pytest.mark.parametrize("k, threshold", ((2, -0.609058762570), (3, -0.396497168484), (5, -0.224005684500)))
@pytest.mark.parametrize("norm", (0.2, 1.0, 3.0))
def test_relu_turns_at_the_known_correlations_whatever_the_norm(k, threshold, norm):
    (found,) = values("relu", k, "correlation", 0.3, norm)
    assert_allclose(found.value, threshold, atol=6e-13)
    assert (found.point, found.before, found.after) == ("average of the teachers", k - 1, 0)
    assert values("relu", k, "norm", threshold - 0.01) == values("relu", k, "norm", threshold + 0.01) == ()


@pytest.mark.parametrize("k", (2, 3, 5, 8))
def test_exp_turns_where_the_squared_norm_across_the_mean_is_k(k):
    (found,) = values("exp", k, "norm", -0.05)
    assert_allclose(found.value, np.sqrt(k / 1.05), rtol=1e-15)
    (found,) = values("exp", k, "correlation", norm=3.0)
    assert_allclose(found.value, 1 - k / 9, atol=1e-15)
    assert values("exp", k, "correlation", norm=np.sqrt(k - 1) * 0.999) == ()


def test_the_average_of_orthogonal_teachers_turns_for_sin_where_x_tanh_x_is_1():
    x = float(mpmath.findroot(lambda x: x * mpmath.tanh(x) - 1, 1.2))
    for k in (2, 3, 5, 7):
        (found,) = values("sin", k, "norm")
        assert_allclose(found.value, np.sqrt(k * x), rtol=1e-14)
        assert (found.before, found.after) == (0, k - 1)


def test_the_average_of_orthogonal_teachers_never_turns_for_cos_and_gaussian():
    for k in (2, 3, 5, 7):
        assert values("cos", k, "norm") == values("gaussian", k, "norm") == ()


def test_a_gaussian_far_beyond_the_sliders_keeps_its_value_and_one_that_rounds_to_an_end_is_dropped():
    # T -> 1: (1 - p) [(k - 1) p (1 + p) - 1 - 2 p^2] = 0, whose bracket vanishes at p = 1/2 for k = 3 and nowhere for k = 2
    (found,) = values("gaussian", 3, "correlation", norm=1e9)
    assert_allclose(found.value, 0.25, atol=1e-14)
    assert values("gaussian", 2, "correlation", norm=1e9) == ()


# --- touching zero is no bifurcation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", (2, 3, 5))
def test_two_values_of_sin_meet_and_vanish_together(k):
    with mpmath.workdps(30):  # (T - tau) tanh tau = k - 1 and its slope vanishes
        T, _ = mpmath.findroot(
            lambda T, tau: [(T - tau) * mpmath.tanh(tau) - (k - 1), mpmath.sinh(2 * tau) - 2 * (T - tau)],
            (k + 1, 1.2),
        )
        meeting = float(mpmath.sqrt(T))
    assert values("sin", k, "correlation", norm=meeting * (1 - 1e-9)) == ()
    first, second = values("sin", k, "correlation", norm=meeting * (1 + 1e-9))
    assert 0 < second.value - first.value < 1e-3
    assert (first.before, first.after, second.before, second.after) == (0, k - 1, k - 1, 0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", (2, 3, 5))
def test_the_ends_of_the_correlation_are_no_bifurcations(name, k):
    for s in (0.2, 1.0, np.sqrt(k - 1), 3.0):
        for found in values(name, k, "correlation", norm=s):
            assert -1 / (k - 1) < found.value < 1
        assert values(name, k, "correlation", norm=s, low=1.0, high=1.0) == ()
        assert values(name, k, "correlation", norm=s, low=-1.0, high=-1 / (k - 1)) == ()


def test_the_range_includes_its_ends_and_nothing_beyond():
    (found,) = values("relu", 3, "correlation")
    assert values("relu", 3, "correlation", low=found.value, high=found.value) == (found,)
    assert values("relu", 3, "correlation", low=found.value + 1e-12, high=1.0) == ()
    assert values("relu", 3, "correlation", low=-1.0, high=found.value - 1e-12) == ()
    first, second = values("sin", 5, "correlation", norm=2.5)
    middle = (first.value + second.value) / 2
    assert values("sin", 5, "correlation", norm=2.5, low=middle, high=1.0) == (second,)
    assert values("sin", 5, "correlation", norm=2.5, low=-1.0, high=middle) == (first,)


# --- what is taken from the teacher -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("along", ("correlation", "norm"))
def test_the_values_depend_neither_on_the_common_weight_nor_on_the_dimension(name, along):
    plain = values(name, 3, along, 0.1, 2.0)
    assert values(name, 3, along, 0.1, 2.0, weight=-1.0) == plain
    assert values(name, 3, along, 0.1, 2.0, weight=1e-3, d=3) == plain
    assert values(name, 3, along, 0.1, 2.0, weight=40.0, d=9) == plain


@pytest.mark.parametrize("name", NAMES)
def test_the_quantity_that_moves_is_not_taken_from_the_teacher(name):
    found = [[b.value for b in values(name, 3, "correlation", beta, 2.0)] for beta in (-0.3, 0.0, 0.6, 1.0)]
    for other in found[1:]:
        assert_allclose(other, found[0], atol=1e-13)
    found = [[b.value for b in values(name, 3, "norm", 0.1, s)] for s in (0.2, 1.0, 3.0)]
    for other in found[1:]:
        assert_allclose(other, found[0], atol=1e-13)


def test_a_rotated_teacher_has_the_same_values():
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    for along in ("correlation", "norm"):
        teacher = equicorrelated_teacher(4, 5, 0.15, 2.2)
        turned = Network(teacher.W @ rotation, teacher.a)
        plain, other = (bifurcations(ACTIVATIONS["cos"], t, along, -1, 3) for t in (teacher, turned))
        assert len(plain) == 1
        assert_allclose([b.value for b in other], [b.value for b in plain], atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("along", ("correlation", "norm"))
def test_there_are_none_without_a_span_across_the_mean_or_outside_the_theorem(name, along):
    activation = ACTIVATIONS[name]
    outside = [
        orthonormal_teacher(1, 3),  # k = 1
        equicorrelated_teacher(3, 2, 1.0, 2.0),  # three teachers of correlation below 1 do not fit
        Network([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], [1.0, 1.0]),  # unlike norms
        orthonormal_teacher(2, 3, [1.0, 2.0]),  # unlike weights
        orthonormal_teacher(2, 3, 0.0),  # the zero function
        equicorrelated_teacher(3, 3, -0.5),  # the mean is zero
        equicorrelated_teacher(3, 2, -0.5),
    ]
    for teacher in outside:
        assert bifurcations(activation, teacher, along, -1.0, 3.0) == ()
    assert bifurcations(activation, equicorrelated_teacher(3, 4, 1.0, 2.0), "norm", 0.2, 3.0) == ()


@pytest.mark.parametrize("name", ("erf", "normal_cdf", "linear"))
def test_erf_normal_cdf_and_linear_have_none(name):
    for k in (2, 3, 5, 10):
        for along in ("correlation", "norm"):
            assert values(name, k, along, -0.05, 2.5) == ()


def test_an_activation_without_a_theorem_has_none():
    for name in sorted(set(ACTIVATIONS) - set(NAMES)):
        assert values(name, 3, "correlation") == values(name, 3, "norm") == ()


# --- what is said -------------------------------------------------------------------------------------------------------


def test_a_bifurcation_says_what_turns_into_what():
    (found,) = values("relu", 3, "correlation")
    assert isinstance(found, Bifurcation)
    assert found.sentence == "the average of the teachers turns from a saddle of index 2 into a minimum"
    (found,) = values("exp", 4, "norm")
    assert found.sentence == "the average of the teachers turns from a minimum into a saddle of index 3"
    names = [p.name for p in one_neuron(ACTIVATIONS["relu"], orthonormal_teacher(3, 4))]
    assert any(name.startswith(found.point) for name in names)


def test_a_question_that_makes_no_sense_is_answered_with_a_sentence():
    with pytest.raises(ValueError, match='run along "correlation" or "norm"; along = \'weight\' was given'):
        bifurcations(ACTIVATIONS["relu"], orthonormal_teacher(2, 3), "weight", 0.0, 1.0)
    for low, high in ((1.0, -1.0), (np.nan, 1.0), (0.0, np.nan)):
        with pytest.raises(ValueError, match=r"need low <= high; low = .* and high = .* were given"):
            bifurcations(ACTIVATIONS["relu"], orthonormal_teacher(2, 3), "correlation", low, high)


# --- proofs -------------------------------------------------------------------------------------------------------------


def test_sympy_proves_the_blocks_of_a_product_kernel_for_any_outer_function():
    outer = sympy.Function("F")
    size, beta, B, z = sympy.symbols("T beta B z", positive=True)
    A, x, y, n = sympy.symbols("A x y n", real=True)
    for k in (2, 3, 4):
        m = sympy.sqrt((1 + (k - 1) * beta) / k)
        tau, q = size * m**2, size * (1 - beta) / k
        across = sympy.sqrt(size * (1 - beta) / 2)  # phi_1 and phi_2 along the unit vector of phi_1 - phi_2: +- this
        along = x * sympy.sqrt(size) * m
        overlap = outer(along + across * y) + outer(along - across * y) + (k - 2) * outer(along)
        loss = A**2 * outer(x**2 + y**2 + n**2) - 2 * A * B * overlap

        def second(u, v, loss=loss, k=k, m=m):
            there = {y: 0, n: 0, A: k * B, x: sympy.sqrt(size) * m}
            return sympy.simplify(loss.diff(u, v).subs(there).doit())

        value, slope, curve = (outer(z).diff(z, order).subs(z, tau).doit() for order in range(3))
        expected = {
            (n, n): 2 * (k * B) ** 2 * slope,
            (y, y): 2 * (k * B) ** 2 * (slope - q * curve),
        }
        for (u, v), formula in expected.items():
            assert sympy.simplify(second(u, v) - formula) == 0
        determinant = second(x, x) * second(A, A) - second(x, A) ** 2
        formula = 4 * (k * B) ** 2 * (value * slope + tau * (value * curve - slope**2))
        assert sympy.simplify(determinant - formula) == 0


def test_sympy_proves_the_ratio_of_each_activation():
    tau = sympy.Symbol("tau", positive=True)
    outer = {
        "erf": sympy.asin(tau),
        "normal_cdf": sympy.Rational(1, 4) + sympy.asin(tau) / (2 * sympy.pi),
        "sin": sympy.sinh(tau),
        "cos": sympy.cosh(tau),
        "exp": sympy.exp(tau),
        "gaussian": 1 / sympy.sqrt(1 - tau**2),
    }
    for name, function in outer.items():
        ratio = sympy.lambdify(tau, function.diff(tau, 2) / function.diff(tau), "numpy")
        elasticity = sympy.lambdify(tau, tau * function.diff(tau) / function, "numpy")
        grid = np.linspace(1e-3, 0.999, 4000)
        assert_allclose(ratio(grid) * np.ones_like(grid), RATIO[name](grid), rtol=1e-11)
        assert (np.diff(elasticity(grid)) > 0).all()  # the (length, A) block is positive definite


def test_sympy_proves_the_curvatures_across_the_mean_for_relu():
    u, beta, k = sympy.symbols("u beta k", positive=True)
    y = sympy.Symbol("y", real=True)
    cosine = sympy.Symbol("m", real=True)
    angular = lambda z: (sympy.sqrt(1 - z**2) + z * (sympy.pi - sympy.acos(z))) / (2 * sympy.pi)  # noqa: E731
    slope, curve = angular(u).diff(u), angular(u).diff(u, 2)
    assert sympy.simplify(slope - (sympy.pi - sympy.acos(u)) / (2 * sympy.pi)) == 0
    assert sympy.simplify(curve - 1 / (2 * sympy.pi * sympy.sqrt(1 - u**2))) == 0
    # two teachers at +- across the mean of two: n_j^2 = (1 - beta)/2, m^2 = (1 + beta)/2
    side = sympy.sqrt((1 - beta) / 2)
    total = sum(angular(cosine * sympy.cos(y) + sign * side * sympy.sin(y)) for sign in (1, -1))
    second = -total.diff(y, 2).subs(y, 0)
    formula = 2 * cosine * angular(u).diff(u).subs(u, cosine) - (1 - beta) * curve.subs(u, cosine)
    assert sympy.simplify(second - formula) == 0
    # the eigenvalue's sign at u = m: 1 - beta = k (1 - m^2)/(k - 1)
    decisive = k * u * slope - k * (1 - u**2) / (k - 1) * curve
    expected = k / (2 * sympy.pi) * (u * (sympy.pi - sympy.acos(u)) - sympy.sqrt(1 - u**2) / (k - 1))
    assert_allclose(
        [float((decisive - expected).subs({u: sympy.Rational(a, 10), k: b})) for a in range(1, 10) for b in (2, 5)],
        0,
        atol=1e-14,
    )


def test_sympy_proves_that_gaussian_has_one_value_along_the_correlation_and_its_value_along_the_norm():
    p, T, k, beta = sympy.symbols("p T k beta", positive=True)
    tau, q = p * T, T * (1 - p) / (k - 1)
    balance = (k - 1) * p * (1 - tau**2) - (1 - p) * (1 + 2 * tau**2)
    assert sympy.expand((tau * (1 - tau**2) - q * (1 + 2 * tau**2)) * (k - 1) / T - balance).simplify() == 0
    slope = balance.diff(p)
    assert sympy.expand(slope - (k - 4 * T**2 * p + 3 * (3 - k) * T**2 * p**2)) == 0
    # k = 2: the discriminant of the slope is negative for T < 1; k >= 3: the slope falls on p > 0
    assert sympy.expand(sympy.discriminant(slope.subs(k, 2), p) - T**2 * (16 * T**2 - 24)) == 0
    assert sympy.expand(slope.diff(p) - T**2 * (-4 + 6 * (3 - k) * p)) == 0
    square = k * beta / (3 + (k - 3) * beta)
    share = (1 + (k - 1) * beta) / k
    assert sympy.simplify((1 - beta) / k * (1 + 2 * square) - share * (1 - square)) == 0
