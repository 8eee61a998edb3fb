"""One relu neuron: published numbers, the half-lines, the index of the anti-average, and the lemma behind uniqueness."""

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mpf
from numpy.testing import assert_allclose
from one_neuron_in_many_digits import AlikeTeachers

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms import STATEMENTS, one_neuron_relu
from landscape_nb.closed_forms.one_neuron import one_neuron
from landscape_nb.critical import CriticalPoint
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher

RELU = ACTIVATIONS["relu"]

PRODUCTS = {2: 1.510818329858, 3: 1.985053952954, 5: 2.871566077016, 10: 4.924760594293, 50: 19.610450022369}
LOSSES = {
    2: 0.1770238732658,
    3: 0.4847100604824,
    4: 0.942832939,
    5: 1.5601529945035,
    6: 2.34254630,
    7: 3.29436251,
    10: 7.1973114227214,
    20: 32.09173305,
    50: 222.6447355352,
}
OPPOSITE_PRODUCTS = {2: 0.096604767, 3: 0.253003145, 5: 0.6354981, 10: 1.7624829}
OPPOSITE_LOSSES = {2: 1.3136436456, 3: 2.4229243628}


def points(k, d=None, correlation=0.0, norm=1.0, weight=1.0):
    """The average and, where it exists, the anti-average."""
    found = one_neuron(RELU, equicorrelated_teacher(k, d or k + 1, correlation, norm, weight))
    average = [point for point in found if point.name.startswith("average")]
    return *average, *(point for point in found if point.name.startswith("anti-average"))


def product(point):
    return float(np.linalg.norm(point.student.W) * point.student.a[0])


@pytest.mark.parametrize("k", LOSSES)
def test_the_average_has_the_published_product_and_loss(k):
    average, _ = points(k)
    digits = 5e-13 if k in (2, 3, 5, 10, 50) else 6e-9
    assert_allclose(average.loss, LOSSES[k], rtol=0, atol=max(digits, 5e-13) * (200 if k == 50 else 1))
    if k in PRODUCTS:
        assert_allclose(product(average), PRODUCTS[k], rtol=0, atol=6e-13)
    root = np.sqrt(k - 1) + np.pi - np.arccos(1 / np.sqrt(k))
    assert_allclose(product(average), np.sqrt(k) / np.pi * root, rtol=1e-14)
    assert_allclose(average.loss, k / 2 + k * (k - 1) / (2 * np.pi) - k / (2 * np.pi**2) * root**2, rtol=1e-12)
    assert average.residual <= 1e-12
    assert_allclose(average.student.W[0, :k], 1 / np.sqrt(k), rtol=1e-14)


@pytest.mark.parametrize(
    "k, half, norm", ((6, 1.17127315, 3.296089), (7, 1.64718126, 3.712181), (20, 16.04586652, 8.762094))
)
def test_losses_with_the_factor_one_half_convert(k, half, norm):
    average, _ = points(k)
    assert_allclose(average.loss / 2, half, atol=6e-9)
    assert_allclose(product(average), norm, atol=6e-7)


@pytest.mark.parametrize("k", OPPOSITE_PRODUCTS)
def test_the_anti_average_has_the_published_product_and_loss(k):
    _, opposite = points(k)
    assert_allclose(product(opposite), OPPOSITE_PRODUCTS[k], rtol=0, atol=6e-8 if k > 3 else 6e-10)
    if k in OPPOSITE_LOSSES:
        assert_allclose(opposite.loss, OPPOSITE_LOSSES[k], atol=6e-11)
    assert opposite.residual <= 1e-12
    assert_allclose(opposite.student.W[0, :k], -1 / np.sqrt(k), rtol=1e-14)
    assert points(k)[0].loss < opposite.loss < opposite.landscape.constant


@pytest.mark.parametrize("r", (1e-3, 0.1, 1.0, 7.0, 1e3))
@pytest.mark.parametrize("k", (2, 5))
def test_every_point_of_both_half_lines_is_critical_with_the_same_loss_index_and_one_zero_mode(k, r):
    for point in points(k):
        scaled = CriticalPoint(point.landscape, Network(r * point.student.W, point.student.a / r))
        assert scaled.residual <= 1e-13 * max(1, scaled.spectrum[-1])
        assert_allclose(scaled.loss, point.loss, rtol=1e-13)
        if 1e-2 <= r <= 1e2:  # at r = 1000 the eigenvalues across, (a/r)^2, are 1e-14 of the largest, 2 r^2
            assert (scaled.index, scaled.zero_modes) == (point.index, {"rescaling": 1})


@pytest.mark.parametrize("beyond", (0, 1, 4))
@pytest.mark.parametrize("k", (2, 3, 5, 10))
def test_the_average_is_a_minimum_and_the_anti_average_a_saddle_of_index_d_minus_1(k, beyond):
    average, opposite = points(k, k + beyond)
    assert (average.kind, average.index, average.zero_modes) == ("minimum", 0, {"rescaling": 1})
    assert (opposite.kind, opposite.index, opposite.zero_modes) == ("saddle", k + beyond - 1, {"rescaling": 1})
    assert np.sum(opposite.spectrum > 0) == 1
    for point in (average, opposite):
        numerical = CriticalPoint(point.landscape, point.student)
        assert (numerical.index, numerical.zero_modes) == (point.index, {"rescaling": 1})


def test_the_spectrum_at_k_2_is_the_published_one():
    assert_allclose(points(2)[0].spectrum, (0, 0.9223576, 1.6024648, 3.282572), atol=6e-8 * 10)


@pytest.mark.parametrize("correlation", (-0.2, 0.0, 0.3, 0.9))
@pytest.mark.parametrize("k, norm, weight", ((2, 1.0, 1.0), (5, 1.0, 1.0), (5, 2.5, -0.5)))
def test_spectra_agree_with_the_full_hessian_and_with_fifty_digits(k, norm, weight, correlation):
    for point, sign in zip(points(k, k + 2, correlation, norm, weight), (1, -1)):
        full = np.linalg.eigvalsh(point.hessian)
        assert_allclose(point.spectrum, full, rtol=0, atol=1e-13 * np.abs(full).max())
        exact = AlikeTeachers("relu", k, correlation, norm, weight).spectrum(mpf(sign), mpf(product(point)), k + 2)
        assert_allclose(point.spectrum, exact, rtol=0, atol=1e-12 * np.abs(full).max())
        slopes = AlikeTeachers("relu", k, correlation, norm, weight).slopes(sign, product(point))
        assert_allclose(slopes, 0, atol=1e-13 * np.abs(full).max())


@pytest.mark.parametrize("k, correlation", ((1, 0.0), (2, 1.0), (4, 1.0)))
def test_a_single_teacher_direction_is_learned_exactly_and_has_no_anti_average(k, correlation):
    (average,) = points(k, 3, correlation, 2.0, 1.5)
    assert average.loss < 1e-13 and average.residual <= 1e-12
    assert_allclose(product(average), 1.5 * 2.0 * k, rtol=1e-14)
    assert np.isfinite(average.spectrum).all()
    assert_allclose(average.spectrum, np.linalg.eigvalsh(average.hessian), atol=1e-12 * average.spectrum[-1])
    assert (average.kind, average.zero_modes) == ("minimum", {"rescaling": 1})


@pytest.mark.parametrize("k, threshold", ((2, -0.609058762570), (3, -0.396497168484), (5, -0.224005684500)))
def test_strongly_negative_correlations_turn_the_average_into_a_saddle(k, threshold):
    m = np.sqrt((1 + (k - 1) * threshold) / k)
    assert_allclose(m * (np.pi - np.arccos(m)), np.sqrt(1 - m * m) / (k - 1), rtol=1e-9)
    above, below = (points(k, k + 1, threshold + step)[0] for step in (1e-4, -1e-4))
    assert (above.index, below.index) == (0, k - 1)
    for point in (above, below):
        assert np.sum(np.linalg.eigvalsh(point.hessian) < -1e-9) == point.index
    assert points(k, k + 1, threshold - 1e-4)[1].index == k


@pytest.mark.parametrize("k", (2, 3, 5, 8))
@pytest.mark.parametrize("correlation", (0.0, 0.2, 0.7))
def test_the_average_is_a_minimum_at_every_correlation_from_zero_on(k, correlation):
    average, opposite = points(k, k + 1, correlation)
    assert (average.index, opposite.index) == (0, k)


# --- proofs -----------------------------------------------------------------------------------------------------------


def test_sympy_proves_the_product_and_the_loss_along_a_direction():
    rho, b, s, k, h, constant = sympy.symbols("rho b s k h const", real=True)
    loss = rho**2 / 2 - 2 * rho * b * s * k * h + constant
    (best,) = sympy.solve(loss.diff(rho), rho)
    assert sympy.simplify(best - 2 * b * s * k * h) == 0
    assert sympy.simplify(loss.subs(rho, best) - (constant - 2 * (b * s * k * h) ** 2)) == 0
    u = sympy.Symbol("u", real=True)
    factor = (sympy.sqrt(1 - u**2) + u * (sympy.pi - sympy.acos(u))) / (2 * sympy.pi)
    # across the direction K_c is proportional to h'(u), which is what the lemma below is about
    assert sympy.simplify(factor.diff(u) - (sympy.pi - sympy.acos(u)) / (2 * sympy.pi)) == 0
    for value in (-1.0, -0.3, 0.0, 0.8, 1.0):
        assert_allclose(one_neuron_relu.angular_factor(value), float(factor.subs(u, value)), atol=1e-15)


def test_the_lemma_that_no_two_different_cosines_solve_the_equation_of_the_direction():
    ratio = lambda u: (mpmath.pi - mpmath.acos(u)) / u  # noqa: E731
    with mpmath.workdps(30):
        least = mpmath.findroot(lambda u: mpmath.diff(ratio, u), (0.9, 0.97), solver="anderson").real
        assert abs(least - mpf("0.94")) < mpf("0.005")
        angle = mpmath.acos(least)
        assert abs(mpmath.tan(angle) * (mpmath.pi - angle) - 1) < 1e-20
        middle = ratio(1 / mpmath.sqrt(2))
        assert abs(middle - 3 * mpmath.pi / (2 * mpmath.sqrt(2))) < 1e-25 and 3.33 < middle < 3.34
        assert abs(ratio(mpf(1)) - mpmath.pi) < 1e-25
    u = np.linspace(1e-6, 1, 400001)
    values = (np.pi - np.arccos(u)) / u
    falling = np.diff(values) < 0
    turn = int(np.argmin(values))
    assert_allclose(u[turn], float(least), atol=1e-4)
    assert falling[: turn - 1].all() and not falling[turn + 1 :].any()
    assert values[u <= np.sqrt(0.5)].min() > 3.33 > np.pi >= values[turn:].max() - 1e-15
    # the other sign: acos(v)/v falls strictly
    assert (np.diff(np.arccos(u) / u) < 0).all()


@pytest.mark.parametrize("k", (2, 3, 5))
def test_no_other_direction_is_critical_in_a_scan(k):
    # gradient of -(sum_j h(u_j))^2 on the sphere, at random directions polished by descent and ascent alike
    landscape = PopulationLandscape(RELU, orthonormal_teacher(k, k))
    w = np.random.default_rng(k).normal(size=(300, k))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    angular = lambda u: (np.sqrt(1 - u**2) + u * (np.pi - np.arccos(u))) / (2 * np.pi)  # noqa: E731
    a = 2 * angular(w).sum(axis=1)
    loss = landscape.value(np.column_stack([w, a]))
    assert_allclose(loss, landscape.constant - a**2 / 2, rtol=1e-12)
    tangent = np.pi - np.arccos(w)
    tangent -= np.sum(tangent * w, axis=1, keepdims=True) * w
    spread = np.ptp(w, axis=1)
    # nowhere but at equal cosines does the tangent gradient vanish
    assert np.linalg.norm(tangent, axis=1)[spread > 0.05].min() > 1e-3


def test_completeness_is_claimed_for_orthogonal_teachers_only():
    assert one_neuron(RELU, orthonormal_teacher(3, 4)).complete
    assert one_neuron(RELU, equicorrelated_teacher(2, 4, 0.0, 3.0, -1.0)).complete
    assert not one_neuron(RELU, equicorrelated_teacher(3, 4, 0.2)).complete
    assert not one_neuron(RELU, orthonormal_teacher(1, 2)).complete


@pytest.mark.parametrize("case", STATEMENTS["one_neuron_relu"].cases, ids=str)
def test_every_case_of_the_statement_holds(case):
    average, opposite = points(case["k"])
    assert case.keys() <= {"k", "product", "loss", "opposite", "opposite_loss"}
    assert_allclose(product(average), case["product"], atol=6e-13)
    assert_allclose(average.loss, case["loss"], rtol=1e-12)
    if "opposite" in case:
        assert_allclose(product(opposite), case["opposite"], atol=6e-8)
    if "opposite_loss" in case:
        assert_allclose(opposite.loss, case["opposite_loss"], atol=6e-11)


def test_a_millionth_beside_the_half_line_shows_in_the_residual(monkeypatch):
    true = one_neuron_relu.average_student
    monkeypatch.setattr(one_neuron_relu, "average_student", lambda t, r, a, s: true(t, r, a * (1 + 1e-6), s))
    assert points(3)[0].residual > 1e-7
