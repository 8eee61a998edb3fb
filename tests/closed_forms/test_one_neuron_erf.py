"""One erf neuron: published numbers, fifty digits, and SymPy proofs of what the module docstring says."""

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mpf
from numpy.testing import assert_allclose
from one_neuron_in_many_digits import AlikeTeachers

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms import STATEMENTS, one_neuron_erf
from landscape_nb.closed_forms.one_neuron import one_neuron
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher

ERF = ACTIVATIONS["erf"]

NORMS = {
    1: 1.0,
    2: 0.577350269190,
    3: 0.447213595500,
    5: 0.333333333333,
    10: 0.229415733871,
    26: 0.140028,
    50: 0.100503781526,
}
LOSSES = {
    1: 0.0,
    2: 0.023221680625337,
    3: 0.040593177313954,
    4: 0.056754527740750,
    5: 0.072452645203670,
    6: 0.087923261120336,
    7: 0.103265065005952,
    8: 0.118526792197708,
    9: 0.133735316951632,
    10: 0.148906686001264,
    15: 0.224467070725174,
    20: 0.299805610815522,
    26: 0.390099428979427,
    30: 0.450261262150862,
    40: 0.600606289867715,
    50: 0.750907087301314,
    100: 1.502212084342922,
}
SPECTRA = {  # d = k + 1
    2: (0.011955644, 2.676759915, 3.681989213, 3.944988442),
    3: (0.003846584, 7.127036623, *[9.408047099] * 2, 9.684754367),
    5: (0.000846832, 23.683955089, *[28.501382103] * 4, 28.792212533),
    10: (0.000106121, 109.638607298, *[120.805706108] * 9, 121.109238032),
    50: (8.4885e-7, 3089.033715865, *[3151.110274369] * 49, 3151.425448431),
}
# k, correlation, norm, weight: r, L
GENERAL = {
    (2, 0.5, 1.0, 1.0): (0.774596669, 0.009530811374),
    (5, 0.3, 1.0, 1.0): (0.531085005, 0.053474514597),
    (5, -0.2, 1.0, 1.0): (0.142857143, 0.072964338833),
    (10, 0.9, 1.0, 2.0): (0.913708042, 0.019472562353),
    (4, 0.25, 2.0, -1.5): (0.733799386, 0.579171899371),
    (7, 0.0, 0.5, 1.0): (0.171498585, 0.005930049096),
    (3, 1.0, 1.0, 1.0): (1.0, 0.0),
}


def average(k, d=None, correlation=0.0, norm=1.0, weight=1.0):
    """The non-trivial point."""
    teacher = equicorrelated_teacher(k, d or k + 1, correlation, norm, weight)
    (point,) = (point for point in one_neuron(ERF, teacher) if point.student.a[0] != 0)
    return point


# --- orthonormal teachers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(1, 101))
def test_the_average_of_k_orthonormal_teachers_is_the_published_strict_minimum(k):
    point = average(k)
    w, a = point.student.W[0], point.student.a[0]
    with mpmath.workdps(40):
        loss = float(mpf(k) / 3 - 2 / mpmath.pi * k**2 * mpmath.asin(mpf(1) / (2 * k)))
    assert_allclose(np.linalg.norm(w), 1 / np.sqrt(2 * k - 1), rtol=1e-14)
    assert_allclose(w[:k], 1 / np.sqrt(k * (2 * k - 1)), rtol=1e-14)
    assert w[k] == 0 and a == k
    assert_allclose(point.loss, loss, rtol=0, atol=1e-14 * k)
    assert point.loss >= 0
    assert point.residual <= 1e-12
    assert (point.index, point.nullity, point.kind, point.method) == (0, 0, "minimum", "closed form")
    assert point.spectrum.size == k + 2 and point.spectrum[0] > 0


@pytest.mark.parametrize("k", LOSSES)
def test_losses_and_norms_agree_with_the_published_table(k):
    point = average(k)
    assert_allclose(point.loss, LOSSES[k], rtol=0, atol=1e-15 + 1e-14 * k)
    if k in NORMS:
        assert_allclose(np.linalg.norm(point.student.W), NORMS[k], rtol=0, atol=6e-13 if k != 26 else 6e-7)


@pytest.mark.parametrize("k", SPECTRA)
def test_spectra_agree_with_the_published_table(k):
    assert_allclose(average(k).spectrum, SPECTRA[k], rtol=0, atol=6e-10)
    assert_allclose(average(k).spectrum[0], SPECTRA[k][0], rtol=1e-5)


def test_the_loss_per_teacher_tends_to_a_third_minus_one_over_pi():
    for k in (50, 100):
        series = k * (1 / 3 - 1 / np.pi) - 1 / (24 * np.pi * k)
        assert abs(average(k).loss - series) < 1.5e-8
    assert_allclose(1 / 3 - 1 / np.pi, 0.015023447, atol=6e-10)


@pytest.mark.parametrize("k", (1, 2, 3, 10, 50, 100))
def test_the_soft_eigenvalue_and_all_others_agree_with_fifty_digits(k):
    with mpmath.workdps(50):
        norm = 1 / mpmath.sqrt(2 * k - 1)
    exact = AlikeTeachers("erf", k).spectrum(norm, k, k + 3)
    assert_allclose(average(k, k + 3).spectrum, exact, rtol=1e-13)


def test_the_soft_eigenvalue_falls_like_the_third_power_of_k():
    scaled = [average(k).spectrum[0] * 3 * np.pi * k**3 for k in (10, 30, 100)]
    assert all(abs(value - 1) < 0.2 / k for value, k in zip(scaled, (10, 30, 100)))


def test_the_soft_mode_is_lost_in_the_assembled_hessian_but_not_in_the_closed_form():
    point = average(100)
    assembled = np.linalg.eigvalsh(point.hessian)
    assert_allclose(assembled, point.spectrum, rtol=0, atol=1e-13 * point.spectrum[-1])
    assert 0 < point.spectrum[0] < 1e-11 * point.spectrum[-1]


def test_the_closed_form_eigenvalues_are_the_published_expressions():
    for k in (2, 7, 40):
        spectrum = average(k, k + 4).spectrum
        flat = 4 * k**2 / np.pi * np.sqrt((2 * k - 1) / (2 * k + 1))
        across = 4 * k**2 / np.pi * (4 * k**2 - 2) / ((2 * k + 1) * np.sqrt(4 * k**2 - 1))
        for value, count in ((flat, 4), (across, k - 1)):
            assert np.sum(np.isclose(spectrum, value, rtol=1e-13)) == count


# --- alike teachers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", GENERAL)
def test_norm_correlation_and_weight_generalise_it(setting):
    k, correlation, norm, weight = setting
    r, loss = GENERAL[setting]
    point = average(k, k + 1, correlation, norm, weight)
    assert_allclose(np.linalg.norm(point.student.W), r, atol=6e-10)
    assert_allclose(point.student.a, k * weight, rtol=1e-15)
    assert_allclose(point.loss, loss, rtol=0, atol=2e-12)
    assert point.residual <= 4e-14
    assert (point.kind, point.index, point.nullity) == ("minimum", 0, 0)
    if correlation == -0.2:
        assert_allclose(point.spectrum[0], 6.8e-6, atol=5e-8)


@pytest.mark.parametrize("setting", [*GENERAL, (20, -0.05, 3.0, 1.0), (2, -0.99, 1.0, 1.0), (6, 0.5, 20.0, 2.0)])
def test_the_loss_is_the_arcsine_formula_and_the_point_is_stationary_in_fifty_digits(setting):
    k, correlation, norm, weight = setting
    point = average(k, k + 1, correlation, norm, weight)
    with mpmath.workdps(50):
        beta, big_t = mpf(correlation), mpf(norm) ** 2 / (1 + mpf(norm) ** 2)
        squared = (1 + (k - 1) * beta) / k
        terms = k * mpmath.asin(big_t) + k * (k - 1) * mpmath.asin(beta * big_t)
        loss = mpf(weight) ** 2 * 2 / mpmath.pi * (terms - k**2 * mpmath.asin(squared * big_t))
        r = mpmath.sqrt(squared * big_t / (1 - squared * big_t))
        alike = AlikeTeachers("erf", k, correlation, norm, weight)
        assert abs(alike.loss(r, k * mpf(weight)) - loss) < 1e-40
        for order in ((1, 0), (0, 1)):
            assert abs(mpmath.diff(alike.loss, (r, k * mpf(weight)), order)) < 1e-20
    assert_allclose(point.loss, float(loss), rtol=0, atol=1e-14 * max(1.0, point.landscape.constant))
    assert_allclose(point.spectrum, alike.spectrum(r, k * weight, k + 1), rtol=2e-12)


@pytest.mark.parametrize("correlation", (-0.2, 0.0, 0.3, 1.0))
@pytest.mark.parametrize("beyond", (0, 1, 5))
def test_spectra_agree_with_the_full_hessian(beyond, correlation):
    for k, norm, weight in ((2, 1.0, 1.0), (5, 1.0, 1.0), (5, 2.5, -0.5)):
        point = average(k, k + beyond, correlation, norm, weight)
        full = np.linalg.eigvalsh(point.hessian)
        assert_allclose(point.spectrum, full, rtol=0, atol=1e-13 * full[-1])


def test_negative_outgoing_weights_are_the_same_case_with_opposite_teachers():
    one = average(4, 5, 0.2, 1.3, -2.0)
    teacher = equicorrelated_teacher(4, 5, 0.2, 1.3, 2.0)
    other = one_neuron(ERF, Network(-teacher.W, teacher.a))[0]
    assert_allclose(one.loss, other.loss, rtol=1e-13)
    assert_allclose(one.spectrum, other.spectrum, rtol=1e-12)


# --- proofs -----------------------------------------------------------------------------------------------------------


def test_sympy_proves_stationarity_in_the_norm_and_the_weight():
    r, m, norm, x, y, b, k = sympy.symbols("r m s x y b k", positive=True)
    a = sympy.Symbol("a", real=True)
    # with x = r/sqrt(1 + r^2), y = m s/sqrt(1 + s^2) the two cosines of the features are x^2 and x y
    reduced = {x: r / sympy.sqrt(1 + r**2), y: m * norm / sympy.sqrt(1 + norm**2)}
    assert sympy.simplify((x**2).subs(reduced) - r**2 / (1 + r**2)) == 0
    assert sympy.simplify((x * y).subs(reduced) - r * m * norm / sympy.sqrt((1 + r**2) * (1 + norm**2))) == 0
    loss = 2 / sympy.pi * (a**2 * sympy.asin(x**2) - 2 * a * b * k * sympy.asin(x * y))
    for variable in (x, a):
        assert sympy.simplify(loss.diff(variable).subs({x: y, a: b * k})) == 0


def test_sympy_proves_that_the_norm_is_unique():
    x, y, t, bk = sympy.symbols("x y t bk", positive=True)
    a = sympy.Symbol("a", real=True)
    loss = a**2 * sympy.asin(x**2) - 2 * a * bk * sympy.asin(x * y)
    (best,) = sympy.solve(loss.diff(a), a)

    def remaining(z):  # F(sin t) = t cot t
        return sympy.asin(z) * sympy.sqrt(1 - z**2) / z

    # eliminating a leaves x^2 y (F(x y) - F(x^2)) times something positive
    positive = 2 * best * bk / (sympy.asin(x**2) * sympy.sqrt(1 - x**4) * sympy.sqrt(1 - x**2 * y**2))
    slope = loss.diff(x).subs(a, best)
    assert sympy.simplify(slope / positive - x**2 * y * (remaining(x * y) - remaining(x**2))) == 0
    # F decreases on (0, pi/2): d/dt (t cot t) = (sin 2t - 2t)/(2 sin^2 t), and 2t - sin 2t grows from 0
    derivative = (t * sympy.cot(t)).diff(t)
    assert sympy.simplify(derivative - (sympy.sin(2 * t) - 2 * t) / (2 * sympy.sin(t) ** 2)) == 0
    assert sympy.simplify((2 * t - sympy.sin(2 * t)).diff(t) - 4 * sympy.sin(t) ** 2) == 0
    for value in (0.1, 0.8, 1.5):
        assert_allclose(float(remaining(sympy.Float(np.sin(value)))), value / np.tan(value), rtol=1e-12)


def test_sympy_proves_that_the_direction_is_unique():
    first, second, total = sympy.symbols("c1 c2 AB", real=True)
    difference = first**2 * (total - first**2) - second**2 * (total - second**2)
    assert sympy.expand(difference - (first**2 - second**2) * (total - first**2 - second**2)) == 0


def test_sympy_proves_the_radial_block_and_its_determinant():
    r, y, k, b, tau = sympy.symbols("r y k b tau", positive=True)
    a = sympy.Symbol("a", real=True)
    x = r / sympy.sqrt(1 + r**2)
    loss = 2 / sympy.pi * (a**2 * sympy.asin(x**2) - 2 * a * b * k * sympy.asin(x * y))
    at = lambda f: f.subs({a: b * k, y: sympy.sqrt(tau)}).subs(r, sympy.sqrt(tau / (1 - tau)))  # noqa: E731
    rr, ra, aa = (at(loss.diff(*v)) for v in ((r, r), (r, a), (a, a)))
    root = sympy.sqrt(1 - tau**2)
    claims = (
        (rr, 4 * (b * k) ** 2 / sympy.pi * (1 - tau) ** 3 / root**3),
        (ra, 4 * b * k * sympy.sqrt(tau) / sympy.pi * (1 - tau) ** sympy.Rational(3, 2) / root),
        (aa, 4 / sympy.pi * sympy.asin(tau)),
        (
            rr * aa - ra**2,
            16 * (b * k) ** 2 / sympy.pi**2 * (1 - tau) ** 3 / root**2 * (sympy.asin(tau) / root - tau),
        ),
    )
    for found, claimed in claims:
        for value in (sympy.Rational(1, 4), sympy.Rational(1, 2), sympy.Rational(4, 5)):
            assert sympy.simplify((found - claimed).subs(tau, value)) == 0


@pytest.mark.parametrize("tau", (1e-9, 1e-4, 0.1, 0.5, 0.59999, 0.60001, 0.9, 1 - 1e-9))
def test_the_bracket_of_the_determinant_has_all_its_digits(tau):
    with mpmath.workdps(50):
        exact = mpmath.asin(mpf(tau)) / mpmath.sqrt(1 - mpf(tau) ** 2) - mpf(tau)
    assert_allclose(one_neuron_erf._bracket(tau), float(exact), rtol=1e-14)


@pytest.mark.parametrize("k", (2, 3, 5, 10, 50, 200))
def test_the_profile_over_the_norm_has_a_single_stationary_point(k):
    x = np.linspace(1e-4, 1 - 1e-8, 200001)[1:-1]  # r/sqrt(1 + r^2)
    profile = -((k * np.arcsin(x / np.sqrt(2 * k))) ** 2) / np.arcsin(x**2)
    turns = np.flatnonzero(np.diff(np.sign(np.diff(profile))) != 0)
    turns = turns[x[turns] > 0.01]  # below, differences of the profile are rounding
    assert turns.size == 1
    assert_allclose(x[turns[0] + 1], 1 / np.sqrt(2 * k), atol=1e-5)


# --- the proof would notice -------------------------------------------------------------------------------------------
# At the average the gradient of *any* product kernel N N F(phi.phi) vanishes, so a wrong F (a flipped sign of K_s, K_c
# without its c^2) leaves the residual at zero: there the spectrum in fifty digits is what notices.


def mutated(part):
    """erf's jet with one formula wrong."""
    true_jet = ERF.jet

    def jet(s, c, t, area2, order):
        parts = list(true_jet(s, c, t, area2, order))
        if part == "the sign of K_s" and order:
            parts[1] = -parts[1]
        if part == "K_c without c^2" and order:
            parts[2] = 2 / np.pi / np.sqrt((1 + s) * (1 + t)) + 0 * c
        if part == "an offset in K":
            parts[0] = 2 / np.pi * np.arcsin(np.clip(c / np.sqrt((1 + s) * (1e-9 + t)), -1, 1))
        return tuple(parts)

    return jet


@pytest.mark.parametrize("part", ("the sign of K_s", "K_c without c^2"))
def test_a_wrong_slope_of_the_kernel_shows_in_the_spectrum(monkeypatch, part):
    exact = AlikeTeachers("erf", 3).spectrum(1 / mpmath.sqrt(5), 3, 4)
    monkeypatch.setattr(ERF, "jet", mutated(part))
    point = average(3, 4)
    assert np.abs(point.spectrum / exact - 1).max() > 1e-3
    assert np.abs(np.linalg.eigvalsh(point.hessian) / exact - 1).max() > 1e-3


def test_a_wrong_kernel_shows_in_the_residual(monkeypatch):
    monkeypatch.setattr(ERF, "jet", mutated("an offset in K"))
    assert average(3).residual > 1e-2


@pytest.mark.parametrize("norm, weight", ((1.0, 1 + 1e-6), (1 + 1e-6, 1.0)))
def test_a_millionth_beside_the_point_shows_in_the_residual(monkeypatch, norm, weight):
    true = one_neuron_erf.average_student
    monkeypatch.setattr(one_neuron_erf, "average_student", lambda t, r, a, *rest: true(t, norm * r, weight * a, *rest))
    assert average(3).residual > 1e-8


def test_a_wrong_closed_form_spectrum_shows_beside_the_hessian(monkeypatch):
    true = one_neuron_erf._bracket
    monkeypatch.setattr(one_neuron_erf, "_bracket", lambda tau: 1.001 * true(tau))
    point = average(3)
    assert np.abs(point.spectrum - np.linalg.eigvalsh(point.hessian)).max() > 1e-7


# --- the statement ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", STATEMENTS["one_neuron_erf"].cases, ids=str)
def test_every_case_of_the_statement_holds(case):
    k = case["k"]
    point = average(k, k + 1, case.get("correlation", 0.0), case.get("norm", 1.0), case.get("weight", 1.0))
    assert_allclose(point.loss, case["loss"], rtol=0, atol=2e-12)
    assert case.keys() <= {"k", "correlation", "norm", "weight", "loss", "norm_found", "spectrum", "soft"}
    if "norm_found" in case:
        assert_allclose(np.linalg.norm(point.student.W), case["norm_found"], atol=6e-10)
    if "spectrum" in case:
        assert_allclose(point.spectrum, case["spectrum"], atol=6e-10)
    if "soft" in case:
        assert_allclose(point.spectrum[0], case["soft"], rtol=0.01)


def test_the_list_is_called_complete_for_orthogonal_teachers_only():
    assert one_neuron(ERF, orthonormal_teacher(3, 4)).complete
    assert one_neuron(ERF, equicorrelated_teacher(3, 4, 0.0, 2.0, -3.0)).complete
    assert one_neuron(ERF, orthonormal_teacher(1, 2)).complete
    assert one_neuron(ERF, equicorrelated_teacher(3, 4, 1.0)).complete
    assert not one_neuron(ERF, equicorrelated_teacher(3, 4, 0.3)).complete
    assert "orthogonal" in one_neuron(ERF, orthonormal_teacher(3, 4)).remark
