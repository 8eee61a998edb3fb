"""Proofs for the arcsine family: erf, sign, tanh and their shifted copies normal_cdf, step, sigmoid."""

import numpy as np
import pytest
import sympy
from oracles import is_zero

from landscape_nb.activations import ACTIVATIONS

s, t, p, q = sympy.symbols("s t p q", positive=True)
c = sympy.Symbol("c", real=True)


def kernel(name):
    return ACTIVATIONS[name].kernel_symbol


@pytest.mark.parametrize(
    "sigma, slope, factor", (("erf", "gaussian", 2 / sympy.pi), ("normal_cdf", "gaussian", 1 / (2 * sympy.pi)))
)
def test_price_leads_to_the_kernel_of_the_bell(sigma, slope, factor):
    """erf(z/sqrt 2)' = sqrt(2/pi) exp(-z^2/2), hence K_c = (2/pi) K[gaussian]."""
    assert is_zero(sympy.diff(kernel(sigma), c) - factor * kernel(slope))


@pytest.mark.parametrize("odd, positive", (("erf", "normal_cdf"), ("sign", "step")))
def test_the_positive_member_is_half_of_one_plus_the_odd_one(odd, positive):
    """sigma = (1 + sigma_odd)/2 gives K = 1/4 + K_odd/4: the mean of an odd function is zero."""
    assert is_zero(kernel(positive) - (1 + kernel(odd)) / 4)


@pytest.mark.parametrize("name, offset", (("erf", 1), ("sign", 0)))
def test_members_are_one_kernel_with_shifted_variances(name, offset):
    assert is_zero(kernel("tanh").subs({p: offset, q: offset}) - kernel(name))
    assert is_zero(kernel("sigmoid") - (1 + kernel("tanh")) / 4)


@pytest.mark.parametrize("name", ("erf", "sign", "tanh", "normal_cdf", "step", "sigmoid"))
def test_the_partial_derivatives_of_the_docstring(name):
    first, second = {"erf": (1, 1), "normal_cdf": (1, 1), "sign": (0, 0), "step": (0, 0)}.get(name, (p, q))
    a, b = first + s, second + t
    r = sympy.sqrt(a * b - c**2)
    k = kernel(name)
    k_c = 2 / sympy.pi / r / (1 if ACTIVATIONS[name].odd else 4)
    k_s = -c * k_c / (2 * a)
    assert is_zero(sympy.diff(k, c) - k_c)
    assert is_zero(sympy.diff(k, s) - k_s)
    assert is_zero(sympy.diff(k, c, 2) - c * k_c / r**2)
    assert is_zero(sympy.diff(k, s, c) + b * k_c / (2 * r**2))
    assert is_zero(sympy.diff(k, s, 2) + k_s * (1 / a + b / (2 * r**2)))


def test_the_kernel_of_a_jump_depends_on_the_angle_only():
    for name in ("sign", "step"):
        k = kernel(name)
        assert is_zero(2 * s * sympy.diff(k, s) + c * sympy.diff(k, c))


def test_the_erf_kernel_grows_into_that_of_the_sign():
    angles = np.cos(np.linspace(0.1, 3.0, 7))
    values = [ACTIVATIONS["erf"].kernel(r * r, angles * r * r, r * r) for r in (1e2, 1e4)]
    true = ACTIVATIONS["sign"].kernel(1.0, angles, 1.0)
    assert np.abs(values[0] - true).max() < 1e-2
    assert np.abs(values[1] - true).max() < 1e-6


@pytest.mark.parametrize("name", ("tanh", "sigmoid"))
def test_derivatives_in_the_tails_underflow_quietly(name):
    z = np.array([-800.0, -40.0, 40.0, 800.0])
    for order in (0, 1, 2):
        assert np.isfinite(ACTIVATIONS[name].derivative(z, order)).all()
    assert ACTIVATIONS[name].derivative(40.0, 1) > 0  # 1 - tanh^2 would round to 0
