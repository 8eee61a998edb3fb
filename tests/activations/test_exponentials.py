"""Proofs for sin, cos and exp."""

import mpmath
import numpy as np
import oracles
import pytest
import sympy

from landscape_nb.activations import ACTIVATIONS

s, t = sympy.symbols("s t", positive=True)
c = sympy.Symbol("c", real=True)


def is_zero(expression):
    return sympy.simplify(expression.rewrite(sympy.exp)) == 0


@pytest.mark.parametrize("sigma, slope", (("sin", "cos"), ("cos", "sin"), ("exp", "exp")))
def test_price_leads_to_the_kernel_of_the_derivative(sigma, slope):
    assert is_zero(sympy.diff(ACTIVATIONS[sigma].kernel_symbol, c) - ACTIVATIONS[slope].kernel_symbol)


@pytest.mark.parametrize("name, sign", (("sin", -1), ("cos", -1), ("exp", 1)))
def test_eigenfunctions_of_the_second_derivative_have_exponential_kernels(name, sign):
    """sigma'' = +-sigma gives K_s = +-K/2, K_ss = K/4 and K_cc = K."""
    kernel = ACTIVATIONS[name].kernel_symbol
    assert is_zero(sympy.diff(kernel, s) - sign * kernel / 2)
    assert is_zero(sympy.diff(kernel, s, 2) - kernel / 4)
    assert is_zero(sympy.diff(kernel, c, 2) - kernel)


@pytest.mark.parametrize("norm", (0.0, 1e-3, 2.0, 10.0, 30.0))
def test_hermite_coefficients_of_exp_keep_their_relative_accuracy(norm):
    """e^(r^2/2) r^m/sqrt(m!), far beyond what a quadrature on [-13, 13] sees."""
    with mpmath.workdps(30):
        r = mpmath.mpf(norm)
        true = [float(mpmath.exp(r * r / 2) * r**m / mpmath.sqrt(mpmath.factorial(m))) for m in range(300)]
    value = ACTIVATIONS["exp"].hermite_coefficients([norm, norm], 300)
    assert value.shape == (2, 300)
    assert value[0] == pytest.approx(true, rel=2e-12, abs=1e-300)


def test_addition_theorem():
    """cos X cos Y + sin X sin Y = cos(X - Y), whose mean is exp(-(s - 2c + t)/2)."""
    total = ACTIVATIONS["cos"].kernel_symbol + ACTIVATIONS["sin"].kernel_symbol
    assert is_zero(total - sympy.exp(-(s - 2 * c + t) / 2))


@pytest.mark.parametrize("name", ("sin", "cos"))
@pytest.mark.parametrize("norm", (27.0, 30.0, 100.0))
def test_long_neurons_do_not_overflow(name, norm):
    """cosh c alone overflows from norm 27 on."""
    act, variance = ACTIVATIONS[name], norm * norm
    assert act.kernel(variance, variance, variance) == 0.5
    assert np.isfinite(
        [*act.kernel_slopes(variance, -variance, variance), *act.kernel_curvatures(variance, 0, 1.0)]
    ).all()


def test_sin_keeps_its_relative_accuracy_at_small_covariances():
    for covariance in (1e-3, 1e-9, 1e-18):
        true = oracles.exact("sin", 0, 0, 1.0, covariance, 1.0)
        assert ACTIVATIONS["sin"].kernel(1.0, covariance, 1.0) == pytest.approx(true, rel=1e-14)


def test_exp_is_accurate_up_to_the_end_of_the_doubles():
    for point in ((350.0, 340.0, 350.0), (1.0, -30.0, 900.0), (900.0, -899.99, 900.0)):
        true = oracles.exact("exp", 0, 0, *point)
        assert ACTIVATIONS["exp"].kernel(*point) == pytest.approx(true, rel=1e-12)
