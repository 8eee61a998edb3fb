"""The oracle itself: it must be better than what it judges."""

from functools import partial

import mpmath
import numpy as np
import oracles
import pytest


@pytest.mark.parametrize("cosine", (-1.0, 0.40625, 1 - 2.0**-20))
@pytest.mark.parametrize("name", oracles.DEGREE)
def test_quadrature_reproduces_the_exact_moments_of_polynomials(name, cosine):
    true = oracles.truth(name, 0, 0, oracles.NORMS, cosine)
    norm_to_power = np.array(oracles.NORMS) ** oracles.DEGREE[name]
    scale = (1, 1, 3, 15)[oracles.DEGREE[name]] * np.outer(norm_to_power, norm_to_power)  # Cauchy-Schwarz
    value = oracles.table(name, 0, 0, oracles.NORMS, cosine)
    assert np.all(np.abs(value - true) <= 1e-14 * np.maximum(1, scale))


@pytest.mark.parametrize("cosine", (-(1 - 2.0**-13), 0.40625, 1.0))
@pytest.mark.parametrize(
    "name, norms", (("sin", (0.0, 1.0, 30.0)), ("cos", (0.0, 1.0, 30.0)), ("exp", (0.0, 0.3125, 0.5)))
)
def test_quadrature_reproduces_the_generating_function_of_a_gaussian(name, norms, cosine):
    assert oracles.error(oracles.table(name, 0, 0, norms, cosine), oracles.truth(name, 0, 0, norms, cosine)) < 1e-14


@pytest.mark.parametrize(
    "name", [name for name in oracles.NAMES if name not in oracles.DEGREE and name not in oracles.WAVES]
)
@pytest.mark.parametrize("cosine", (-(1 - 2.0**-13), 0.40625))
def test_more_and_smaller_panels_change_nothing(name, cosine):
    norms = (1.0, 30.0)
    coarse = oracles.table(name, 0, 0, norms, cosine)
    fine = oracles.table(name, 0, 0, norms, cosine, widest=0.5, points=22)
    assert oracles.error(coarse, fine) < 2e-14
    assert oracles.error(coarse, coarse.T) < 2e-14  # x and y play different roles in the quadrature


@pytest.mark.parametrize(
    "norms, cosine", (((1.0, 1.0), -0.5), ((0.3, 7.0), 0.4), ((30.0, 30.0), 0.999999), ((20.0, 3.0), -0.9999))
)
def test_quadrature_reproduces_two_textbook_integrals(norms, cosine):
    s, c, t = norms[0] ** 2, cosine * norms[0] * norms[1], norms[1] ** 2
    with mpmath.workdps(40):
        s_, c_, t_ = mpmath.mpf(s), mpmath.mpf(c), mpmath.mpf(t)
        orthant = mpmath.mpf(1) / 4 + mpmath.asin(c_ / mpmath.sqrt(s_ * t_)) / (2 * mpmath.pi)  # Sheppard
        williams = 2 / mpmath.pi * mpmath.asin(c_ / mpmath.sqrt((1 + s_) * (1 + t_)))
    for name, true in (("step", orthant), ("erf", williams)):
        sigma = oracles.SIGMA[name]
        assert abs(oracles.expectation(sigma, sigma, s, c, t) - float(true)) < 1e-14


@pytest.mark.parametrize("name", oracles.SMOOTH)
def test_the_derivatives_written_out_are_those_of_the_function(name):
    """The eighth-order central difference of each order gives the next one."""
    z, h = np.linspace(-4.7, 5.1, 23), 0.02
    weights = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
    for order in range(4):
        low = partial(oracles.SIGMA[name], order=order)
        slope = sum(w * (low(z + k * h) - low(z - k * h)) for k, w in enumerate(weights, 1)) / h
        assert oracles.error(slope, oracles.SIGMA[name](z, order + 1)) < 1e-10
