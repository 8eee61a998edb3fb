"""Product kernels: the factorisation and the criticality proved with SymPy, the numbers in fifty digits."""

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mpf
from numpy.testing import assert_allclose
from one_neuron_in_many_digits import KERNELS, AlikeTeachers

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms import STATEMENTS, one_neuron_product
from landscape_nb.closed_forms.one_neuron import one_neuron
from landscape_nb.critical import CriticalPoint
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher

NAMES = ("normal_cdf", "sin", "exp", "cos", "gaussian")
LOSSES_OF_THREE = {
    "normal_cdf": 0.010148294328,
    "sin": 0.172807161019,
    "cos": 0.413715414716,
    "exp": 4.333848215398,
    "gaussian": 0.168217832035,
}
s, t = sympy.symbols("s t", positive=True)
c = sympy.Symbol("c", real=True)
# N as a function of the squared norm, phi.phi' as a function of (s, c, t), F
FACTORS = {
    "normal_cdf": (
        lambda s: 1,
        c / sympy.sqrt((1 + s) * (1 + t)),
        lambda z: sympy.Rational(1, 4) + sympy.asin(z) / (2 * sympy.pi),
    ),
    "gaussian": (
        lambda s: 1 / sympy.sqrt(1 + s),
        c / sympy.sqrt((1 + s) * (1 + t)),
        lambda z: 1 / sympy.sqrt(1 - z**2),
    ),
    "sin": (lambda s: sympy.exp(-s / 2), c, sympy.sinh),
    "cos": (lambda s: sympy.exp(-s / 2), c, sympy.cosh),
    "exp": (lambda s: sympy.exp(s / 2), c, sympy.exp),
}


def average(name, k, d=None, correlation=0.0, norm=1.0, weight=1.0):
    found = one_neuron(ACTIVATIONS[name], equicorrelated_teacher(k, d or k + 1, correlation, norm, weight))
    (point,) = (point for point in found if point.name == "average of the teachers")
    return point


@pytest.mark.parametrize("name", NAMES)
def test_sympy_proves_that_the_kernel_is_a_product(name):
    n, feature, outer = FACTORS[name]
    kernel = ACTIVATIONS[name].kernel_symbol
    symbols = {symbol.name: symbol for symbol in kernel.free_symbols}
    kernel = kernel.subs({symbols["s"]: s, symbols["t"]: t, symbols["c"]: c})
    product = n(s) * n(t) * outer(feature)
    difference = sympy.simplify((kernel - product).rewrite(sympy.exp))
    if (
        difference != 0
    ):  # asin against atan: equal slopes in c, equal at c = 0, where both are smooth for c^2 < (1+s)(1+t)
        assert sympy.simplify((kernel - product).subs(c, 0)) == 0
        first, second = kernel.diff(c), product.diff(c)
        assert sympy.simplify(first**2 - second**2) == 0
        assert first.subs({c: 0, s: 1, t: 2}).is_positive and second.subs({c: 0, s: 1, t: 2}).is_positive
    with mpmath.workdps(30):
        for numbers in ((0.7, -0.4, 1.9), (2.0, 1.1, 0.9)):
            value = product.subs(dict(zip((s, c, t), map(sympy.Float, numbers))))
            assert_allclose(float(value), float(KERNELS[name](*map(mpf, numbers))), rtol=1e-13)


def test_sympy_proves_that_the_average_of_the_features_is_critical_for_any_outer_function():
    outer = sympy.Function("F")
    p, reach, b = sympy.symbols("p N b", positive=True)  # |phi(v)|, N(v), weight
    amplitude = sympy.Symbol("A", real=True)  # a N(w)
    phi = sympy.symbols("phi1:5", real=True)
    for correlated in (sympy.Integer(0), sympy.Rational(1, 3)):  # three features in four dimensions, alike
        features = [[p if i == j else p * correlated for i in range(4)] for j in range(3)]
        for feature in features:
            feature[3] = sympy.Integer(0)
        dot = lambda x, y: sum(a * b for a, b in zip(x, y))  # noqa: E731
        loss = amplitude**2 * outer(dot(phi, phi)) - 2 * amplitude * b * reach * sum(
            outer(dot(phi, f)) for f in features
        )
        mean = {phi[i]: sum(f[i] for f in features) / 3 for i in range(4)} | {amplitude: 3 * b * reach}
        for variable in (amplitude, *phi):
            assert sympy.simplify(loss.diff(variable).subs(mean).doit()) == 0


@pytest.mark.parametrize("name", NAMES)
def test_losses_of_three_teachers_agree_with_the_published_table(name):
    assert_allclose(average(name, 3).loss, LOSSES_OF_THREE[name], rtol=0, atol=6e-13)


@pytest.mark.parametrize("k", (1, 2, 3, 5, 10))
def test_losses_of_sin_and_exp_are_the_published_formulas(k):
    e = np.e
    assert_allclose(average("sin", k).loss, (k * np.sinh(1) - k**2 * np.sinh(1 / k)) / e, atol=1e-13 * k)
    assert_allclose(average("exp", k).loss, k * e**2 + k * (k - 1) * e - k**2 * np.exp(1 + 1 / k), atol=1e-12 * k * k)


@pytest.mark.parametrize("k", (2, 3, 5, 10))
@pytest.mark.parametrize("name", NAMES)
def test_the_average_is_a_minimum_or_a_saddle_of_index_k_minus_1(name, k):
    point = average(name, k)
    assert point.residual <= 2e-14 * max(1, point.landscape.constant)
    saddle = name in ("cos", "gaussian")
    assert (point.kind, point.index, point.nullity) == (("saddle", k - 1, 0) if saddle else ("minimum", 0, 0))
    assert np.sum(np.linalg.eigvalsh(point.hessian) < 0) == point.index
    w, a = point.student.W[0], float(point.student.a[0])
    if name in ("sin", "cos", "exp"):
        assert_allclose(w[:k], 1 / k, rtol=1e-14)
        assert_allclose(a, k * np.exp((1 - 1 / k) / 2 * (1 if name == "exp" else -1)), rtol=1e-14)
    else:
        assert_allclose(np.linalg.norm(w), 1 / np.sqrt(2 * k - 1), rtol=1e-14)
    if name == "normal_cdf":
        erf = next(p for p in one_neuron(ACTIVATIONS["erf"], orthonormal_teacher(k, k + 1)) if p.student.a[0] != 0)
        assert_allclose(point.student.theta, erf.student.theta, rtol=1e-14)
        assert_allclose(4 * point.loss, erf.loss, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "k, correlation, norm, weight", ((1, 0, 1, 1), (2, 0, 1, 1), (5, 0.3, 0.8, -2), (4, -0.2, 1.5, 1), (3, 1.0, 1.2, 1))
)
def test_stationarity_and_spectrum_hold_in_fifty_digits_and_in_the_full_hessian(name, k, correlation, norm, weight):
    d = k + 2
    point = average(name, k, d, correlation, norm, weight)
    with mpmath.workdps(50):
        squared, variance = (1 + (k - 1) * mpf(correlation)) / k, mpf(norm) ** 2
        if name in ("normal_cdf", "gaussian"):
            feature = squared * variance / (1 + variance)
            r = mpmath.sqrt(feature / (1 - feature))
            ratio = mpf(1) if name == "normal_cdf" else mpmath.sqrt((1 + r * r) / (1 + variance))
        else:
            r = mpmath.sqrt(squared * variance)
            ratio = mpmath.exp((variance - r * r) / 2 * (1 if name == "exp" else -1))
        a = k * mpf(weight) * ratio
        alike = AlikeTeachers(name, k, correlation, norm, weight)
        for order in ((1, 0), (0, 1)):
            assert abs(mpmath.diff(alike.loss, (r, a), order)) < 1e-20
        loss = float(alike.loss(r, a))
    largest = np.abs(point.spectrum).max()
    assert_allclose(np.linalg.norm(point.student.W), float(r), rtol=1e-14)
    assert_allclose(point.student.a[0], float(a), rtol=1e-14)
    assert_allclose(point.loss, loss, rtol=0, atol=1e-14 * max(1, k * point.landscape.constant))
    assert_allclose(point.spectrum, alike.spectrum(r, a, d), rtol=0, atol=2e-13 * largest)
    assert_allclose(point.spectrum, np.linalg.eigvalsh(point.hessian), rtol=0, atol=2e-13 * largest)


def test_a_single_teacher_lies_lower_for_cos():
    lowest, above = (p for p in one_neuron(ACTIVATIONS["cos"], orthonormal_teacher(3, 4)) if p.student.a[0] != 0)
    w = lowest.student.W[0]
    # its own scalar equation: with w = r v_1 and the best a the profile is -(overlap)^2/own
    with mpmath.workdps(30):
        overlap = lambda r: mpmath.exp(-(r * r + 1) / 2) * (mpmath.cosh(r) + 2)  # noqa: E731
        own = lambda r: (1 + mpmath.exp(-2 * r * r)) / 2  # noqa: E731
        r = mpmath.findroot(lambda r: mpmath.diff(lambda x: overlap(x) ** 2 / own(x), r), 0.6)
        constant = 3 * own(1) + 6 * mpmath.exp(-1)
        loss = constant - overlap(r) ** 2 / own(r)
    assert_allclose(np.sort(np.abs(w)), [0, 0, 0, float(r)], atol=1e-12)
    assert_allclose(float(r), 0.5885, atol=6e-5)
    assert_allclose(lowest.loss, float(loss), atol=1e-13)
    assert_allclose(lowest.loss, 0.406534, atol=6e-7)
    assert (lowest.index, lowest.nullity, lowest.method, lowest.orbit) == (0, 0, "numerical", 3)
    assert (above.index, above.method) == (2, "closed form") and lowest.loss < above.loss


@pytest.mark.parametrize("k", (2, 3, 5))
def test_a_single_teacher_lies_lower_for_gaussian_too(k):
    lowest, above = (p for p in one_neuron(ACTIVATIONS["gaussian"], orthonormal_teacher(k, k + 1)) if p.student.a[0])
    cosines = np.sort(np.abs(lowest.student.W[0]) / np.linalg.norm(lowest.student.W))
    assert_allclose(cosines, [*[0] * k, 1], atol=1e-10)
    assert lowest.loss < above.loss and lowest.index == 0 and lowest.residual <= 1e-12


@pytest.mark.parametrize("name", ("cos", "gaussian"))
@pytest.mark.parametrize("k, correlation", ((2, -0.9), (2, -0.5), (4, -0.3), (4, 0.0), (3, 0.5), (2, 0.3)))
@pytest.mark.parametrize("norm", (0.3, 1.0, 3.0))
def test_what_is_called_a_single_teacher_is_closer_to_one_than_to_the_others(name, k, correlation, norm):
    teacher = equicorrelated_teacher(k, k + 1, correlation, norm)
    for point in one_neuron(ACTIVATIONS[name], teacher):
        assert point.residual <= 1e-12
        if point.name == "towards a single teacher":
            overlaps = np.sort(np.abs(teacher.W @ point.student.W[0]))
            assert overlaps[-1] > overlaps[-2] * (1 + 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_completeness_is_not_claimed(name):
    found = one_neuron(ACTIVATIONS[name], orthonormal_teacher(3, 4))
    assert not found.complete and found.remark == "the list is not known to be complete"


@pytest.mark.parametrize("case", STATEMENTS["one_neuron_product"].cases, ids=str)
def test_every_case_of_the_statement_holds(case):
    assert case.keys() <= {"activation", "k", "loss", "index", "lower", "lower_norm"}
    point = average(case["activation"], case["k"])
    assert_allclose(point.loss, case["loss"], atol=6e-13)
    assert point.index == case["index"]
    if "lower" in case:
        lowest = one_neuron(ACTIVATIONS[case["activation"]], orthonormal_teacher(case["k"], case["k"] + 1))[0]
        assert_allclose(lowest.loss, case["lower"], atol=6e-7)
        assert_allclose(np.linalg.norm(lowest.student.W), case["lower_norm"], atol=6e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_millionth_beside_the_average_shows_in_the_residual(monkeypatch, name):
    true = one_neuron_product.average_student
    monkeypatch.setattr(one_neuron_product, "average_student", lambda t, r, a: true(t, r, a * (1 + 1e-6)))
    assert average(name, 3).residual > 1e-8


def test_an_exchanged_ratio_of_norms_shows_in_the_residual():
    for name, ratio in (("sin", np.e ** (1 - 1 / 3)), ("exp", np.e ** (1 / 3 - 1)), ("gaussian", 5 / 3)):
        point = average(name, 3)
        wrong = Network(point.student.W, point.student.a * ratio)
        assert CriticalPoint(point.landscape, wrong).residual > 1e-2
