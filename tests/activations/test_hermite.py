"""Hermite coefficients and Mehler's series."""

from math import factorial

import numpy as np
import oracles
import pytest
from oracles import error

from landscape_nb.activations import ACTIVATIONS


def test_polynomials_have_finitely_many_coefficients():
    for norm in (0.0, 0.3, 1.0, 4.0):
        expected = {
            "linear": [0, norm, 0, 0, 0, 0],
            "square": [norm**2, 0, norm**2 * np.sqrt(2), 0, 0, 0],
            "cube": [0, 3 * norm**3, 0, norm**3 * np.sqrt(6), 0, 0],
        }
        for name, coefficients in expected.items():
            assert error(ACTIVATIONS[name].hermite_coefficients(norm, 6), coefficients) <= 1e-13


@pytest.mark.parametrize("norm", (0.0, 0.5, 1.0, 2.0))
def test_waves_have_the_coefficients_of_the_generating_function(norm):
    """exp(r x) = e^(r^2/2) sum_m r^m/sqrt(m!) he_m(x), and sin, cos with r -> i r."""
    m = np.arange(12)
    power = norm**m / np.sqrt([float(factorial(k)) for k in m])
    assert error(ACTIVATIONS["exp"].hermite_coefficients(norm, 12), np.exp(norm**2 / 2) * power) <= 1e-13
    for name, sign in (("cos", [1, 0, -1, 0]), ("sin", [0, 1, 0, -1])):
        true = np.exp(-(norm**2) / 2) * power * np.tile(sign, 3)
        assert error(ACTIVATIONS[name].hermite_coefficients(norm, 12), true) <= 1e-14


def test_relu_has_the_known_coefficients():
    """h_0 = 1/sqrt(2 pi), h_1 = 1/2, h_2 = 1/sqrt(4 pi), h_3 = 0, h_4 = -1/sqrt(48 pi), all times the norm."""
    known = np.array([1 / np.sqrt(2 * np.pi), 0.5, 1 / np.sqrt(4 * np.pi), 0.0, -1 / np.sqrt(48 * np.pi)])
    for norm in (1e-3, 1.0, 30.0):
        assert error(ACTIVATIONS["relu"].hermite_coefficients(norm, 5), norm * known) <= 1e-13


@pytest.mark.parametrize("name", [name for name in oracles.NAMES if name != "exp"])
@pytest.mark.parametrize("norm", (0.3, 1.0, 7.0))
def test_coefficients_are_gaussian_means(name, norm):
    orders = (0, 1, 2, 5, 12)
    polynomial = {m: np.polynomial.hermite_e.HermiteE.basis(m) / np.sqrt(float(factorial(m))) for m in orders}
    true = [
        oracles.normal_mean(lambda x, m=m: oracles.SIGMA[name](norm * x) * polynomial[m](x), finest=0.02, widest=0.25)
        for m in orders
    ]
    value = ACTIVATIONS[name].hermite_coefficients(norm, 13)[list(orders)]
    scale = max(1.0, float(np.sqrt(ACTIVATIONS[name].self_kernel(norm**2))))
    assert np.abs(value - true).max() <= 1e-11 * scale


@pytest.mark.parametrize("name", ("erf", "tanh", "gelu", "cube", "relu"))
def test_parseval(name):
    """sum_m h_m^2 = E[sigma(r x)^2]: from below, and almost all of it in the first terms for a smooth function."""
    act = ACTIVATIONS[name]
    total, true = np.sum(act.hermite_coefficients(1.0, 200) ** 2), act.self_kernel(1.0)
    assert total <= true * (1 + 1e-12)
    assert total == pytest.approx(true, abs=1e-4 if act.kinks else 1e-10)


def test_symmetric_activations_have_only_coefficients_of_their_parity():
    for name in oracles.ODD:
        assert not ACTIVATIONS[name].hermite_coefficients(1.7, 20)[0::2].any()
    for name in oracles.EVEN:
        assert not ACTIVATIONS[name].hermite_coefficients(1.7, 20)[1::2].any()


def test_norms_broadcast():
    norms = np.array([[0.0, 0.5, 1.0], [2.0, 3.0, 4.0]])
    table = ACTIVATIONS["erf"].hermite_coefficients(norms, 7)
    assert table.shape == (2, 3, 7)
    assert error(table[1, 2], ACTIVATIONS["erf"].hermite_coefficients(4.0, 7)) <= 1e-15


@pytest.mark.parametrize("name", [name for name in oracles.NAMES if name != "exp"])
def test_mehler_agrees_with_the_kernel_at_moderate_cosines(name):
    norms = (0.0, 2.0**-10, 0.3125, 1.0, 3.0, 30.0)
    for cosine in (-0.875, 0.0, 0.40625, 0.875):
        point = oracles.covariances(norms, cosine)
        assert error(ACTIVATIONS[name].mehler_kernel(*point), ACTIVATIONS[name].kernel(*point)) <= 1e-11


@pytest.mark.parametrize("norm", (1.0, 1.5, 3.0, 5.0, 10.0))
@pytest.mark.parametrize("cosine", (-0.9, 0.4, 0.9))
def test_mehler_of_exp_is_right_or_refused(norm, cosine):
    """Its coefficients e^(r^2/2) r^m/sqrt(m!) grow far beyond any fixed cut of the line."""
    point = norm**2, cosine * norm**2, norm**2
    try:
        value, refusal = ACTIVATIONS["exp"].mehler_kernel(*point), ""
    except ValueError as sentence:
        value, refusal = None, str(sentence)
    if refusal:
        assert norm > 1 and "converges" in refusal
    else:
        assert error(value, ACTIVATIONS["exp"].kernel(*point)) <= 1e-11


@pytest.mark.parametrize("name", oracles.SMOOTH)
def test_mehler_agrees_with_the_kernel_at_short_norms_up_to_parallel_vectors(name):
    for cosine in (-1.0, 1 - 2.0**-20, 1.0):
        point = oracles.covariances((0.0, 2.0**-10, 0.3125, 1.0), cosine)
        assert error(ACTIVATIONS[name].mehler_kernel(*point), ACTIVATIONS[name].kernel(*point)) <= 1e-11


@pytest.mark.parametrize("name, norm, reason", (("sin", 300.0, "varies"), ("cos", 1000.0, "varies")))
def test_what_the_quadrature_cannot_resolve_is_refused(name, norm, reason):
    with pytest.raises(ValueError, match=f"{name} are out of reach at norm {norm:g}.*{reason} too fast"):
        ACTIVATIONS[name].hermite_coefficients([1.0, norm], 5)


def test_a_fast_oscillation_within_reach_is_right():
    """E[cos(r x) he_2(x)] = -e^(-r^2/2) r^2/sqrt(2); and all mass of E[cos^2] lies beyond the first terms at r = 30."""
    assert np.abs(ACTIVATIONS["cos"].hermite_coefficients(30.0, 100)).max() <= 1e-15
    value = ACTIVATIONS["cos"].hermite_coefficients(5.0, 100)
    assert np.sum(value**2) == pytest.approx(ACTIVATIONS["cos"].self_kernel(25.0), abs=1e-13)


def test_a_series_that_cancels_is_refused():
    for norm, cosine in ((5.0, -0.9), (10.0, -0.4)):
        with pytest.raises(ValueError, match=r"exp converges too slowly at these norms.*cancellation"):
            ACTIVATIONS["exp"].mehler_kernel(norm**2, cosine * norm**2, norm**2)


def test_more_terms_come_closer():
    point = (1.0, 0.8, 1.0)
    errors = [
        abs(ACTIVATIONS["relu"].mehler_kernel(*point, terms=n) - ACTIVATIONS["relu"].kernel(*point))
        for n in (5, 15, 60)
    ]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


@pytest.mark.parametrize(
    "name, point", (("tanh", (9.0, 8.9, 9.0)), ("relu", (1.0, 1.0, 1.0)), ("erf", (1.2, -1.19, 1.2)))
)
def test_mehler_refuses_where_it_converges_slowly(name, point):
    with pytest.raises(ValueError, match=r"converges.*cosine"):
        ACTIVATIONS[name].mehler_kernel(*point)


@pytest.mark.parametrize("norm, terms", ((-1.0, 5), (np.nan, 5), (1.0, 0), (1.0, 10**6)))
def test_impossible_expansions_are_refused(norm, terms):
    with pytest.raises(ValueError, match=r"norm|terms"):
        ACTIVATIONS["erf"].hermite_coefficients(norm, terms)
