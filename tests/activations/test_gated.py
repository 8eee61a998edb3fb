"""Proofs for the gated family z g(z): gelu and the integrand of silu."""

import numpy as np
import oracles
import pytest
import sympy
from oracles import is_zero

from landscape_nb.activations import ACTIVATIONS

s, t, p, q = sympy.symbols("s t p q", positive=True)
c = sympy.Symbol("c", real=True)


@pytest.mark.parametrize("name, gate", (("gelu", "normal_cdf"), ("silu", "sigmoid")))
def test_the_kernel_follows_from_that_of_the_gate_by_stein(name, gate):
    """E[X Y g(X) g(Y)] = c G + 2 s c G_s + 2 t c G_t + (s t + c^2) G_c: Stein's lemma twice, then Price's theorem."""
    g = ACTIVATIONS[gate].kernel_symbol
    stein = c * g + 2 * s * c * sympy.diff(g, s) + 2 * t * c * sympy.diff(g, t) + (s * t + c**2) * sympy.diff(g, c)
    assert is_zero(ACTIVATIONS[name].kernel_symbol - stein)


def test_gelu_is_the_integrand_of_silu_at_offset_one():
    silu, gelu = (ACTIVATIONS[name].kernel_symbol for name in ("silu", "gelu"))
    assert is_zero(silu.subs({p: 1, q: 1}) - gelu)


def test_one_line_for_the_slope_of_gelu():
    """K_c = 1/4 + asin(c/sqrt(A B))/(2 pi) + c P (1 + 2 e) + P c (s t + c^2 e)/R^2."""
    a, b = 1 + s, 1 + t
    r2 = a * b - c**2
    bell, e = 1 / (2 * sympy.pi * sympy.sqrt(r2)), 1 / a + 1 / b - 1
    line = sympy.asin(c / sympy.sqrt(a * b)) / (2 * sympy.pi) + sympy.Rational(1, 4)
    line += c * bell * (1 + 2 * e) + bell * c * (s * t + c**2 * e) / r2
    assert is_zero(sympy.diff(ACTIVATIONS["gelu"].kernel_symbol, c) - line)


@pytest.mark.parametrize("name", ("gelu", "silu"))
@pytest.mark.parametrize("norms", ((30.0, 30.0), (30.0, 7.0), (20.0, 0.3)))
def test_opposite_long_neurons_cancel_without_losing_digits(name, norms):
    """z g(z) times -z g(-z) decays: the kernel is small although its two terms are of the size of s t."""
    sigma = oracles.SIGMA[name]
    for cosine in (-1.0, -(1 - 2.0**-30), -(1 - 2.0**-13)):
        point = norms[0] ** 2, cosine * norms[0] * norms[1], norms[1] ** 2
        true = oracles.expectation(sigma, sigma, *point)
        assert abs(ACTIVATIONS[name].kernel(*point) - true) <= 1e-12 * max(1.0, abs(true))


@pytest.mark.parametrize("name", ("gelu", "silu"))
def test_the_function_is_finite_in_its_tails(name):
    z = np.array([-800.0, -40.0, 40.0, 800.0])
    values = ACTIVATIONS[name](z)
    assert np.isfinite(values).all() and values[0] == 0.0 and values[-1] == 800.0
    assert values[1] <= 0 and abs(values[1]) < 1e-15
    assert all(np.isfinite(ACTIVATIONS[name].derivative(z, order)).all() for order in (1, 2))
