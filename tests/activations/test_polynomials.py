"""Proofs for the monomials."""

import numpy as np
import oracles
import pytest
import sympy

from landscape_nb.activations import ACTIVATIONS

s, t = sympy.symbols("s t", positive=True)
c = sympy.Symbol("c", real=True)


def kernel(name):
    return ACTIVATIONS[name].kernel_symbol


def test_price_leads_down_the_degrees():
    assert sympy.expand(sympy.diff(kernel("cube"), c) - 9 * kernel("square")) == 0
    assert sympy.expand(sympy.diff(kernel("square"), c) - 4 * kernel("linear")) == 0
    assert sympy.diff(kernel("linear"), c) == 1


@pytest.mark.parametrize("name", oracles.DEGREE)
def test_the_kernel_is_the_moment_of_wick(name):
    """Isserlis: E[X^m Y^m] summed over all pairings, by brute force."""
    degree = oracles.DEGREE[name]

    def pairings(items):
        if not items:
            yield 1
            return
        first, rest = items[0], items[1:]
        for i, other in enumerate(rest):
            covariance = c if first != other else (s if first == "x" else t)
            for remainder in pairings(rest[:i] + rest[i + 1 :]):
                yield covariance * remainder

    assert sympy.expand(kernel(name) - sum(pairings("x" * degree + "y" * degree))) == 0


@pytest.mark.parametrize("name", oracles.DEGREE)
def test_second_slope_of_price_is_a_moment(name):
    """K_s = E[sigma'' sigma]/2 = m (m - 1)/2 E[X^(m-2) Y^m]."""
    degree = oracles.DEGREE[name]
    rng = np.random.default_rng(3)
    for first, second, cosine in rng.uniform((0.1, 0.1, -1), (5, 5, 1), (20, 3)):
        point = first**2, first * second * cosine, second**2
        true = degree * (degree - 1) / 2 * float(oracles.moment(degree - 2, degree, *point)) if degree > 1 else 0.0
        assert ACTIVATIONS[name].kernel_slopes(*point)[0] == pytest.approx(true, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("name", oracles.DEGREE)
def test_derivatives_beyond_the_degree_vanish(name):
    for order in range(oracles.DEGREE[name] + 1, 5):
        assert np.array_equal(ACTIVATIONS[name].derivative([-1.0, 0.0, 2.0], order), np.zeros(3))
