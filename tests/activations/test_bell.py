"""Proofs for the bell exp(-z^2/2)."""

import mpmath
import pytest
import sympy

from landscape_nb.activations import ACTIVATIONS

s, t = sympy.symbols("s t", positive=True)
c = sympy.Symbol("c", real=True)


def test_the_kernel_is_a_determinant():
    """E[exp(-(X^2 + Y^2)/2)] = det(1 + C)^(-1/2) for the covariance matrix C."""
    determinant = (sympy.eye(2) + sympy.Matrix([[s, c], [c, t]])).det()
    assert sympy.simplify(ACTIVATIONS["gaussian"].kernel_symbol - 1 / sympy.sqrt(determinant)) == 0


def test_a_second_derivative_of_the_bell_closes_the_hierarchy():
    """sigma'' = (z^2 - 1) sigma, so that K_s = (E[X^2 sigma(X) sigma(Y)] - K)/2 by Price's theorem."""
    kernel, rate = ACTIVATIONS["gaussian"].kernel_symbol, sympy.Symbol("rate", positive=True)
    # weight exp(-rate X^2/2) instead of exp(-X^2/2): its derivative brings down -X^2/2
    weighted = 1 / sympy.sqrt((sympy.eye(2) + sympy.Matrix([[rate * s, rate * c], [c, t]])).det())
    squared = -2 * sympy.diff(weighted, rate).subs(rate, 1)
    assert sympy.simplify(sympy.diff(kernel, s) - (squared - kernel) / 2) == 0


@pytest.mark.parametrize("norm", (30.0, 1e3, 1e5))
def test_long_parallel_neurons_keep_their_digits(norm):
    value = norm * norm
    with mpmath.workdps(40):
        true = float(1 / mpmath.sqrt(1 + 2 * mpmath.mpf(value)))
    assert ACTIVATIONS["gaussian"].kernel(value, value, value) == pytest.approx(true, rel=1e-15)
