"""The limit of an infinitely long neuron."""

import numpy as np
import oracles
import pytest

from landscape_nb.activations import ACTIVATIONS

LIMITS = {"erf": "sign", "tanh": "sign", "normal_cdf": "step", "sigmoid": "step"}
LIMITS |= {"gelu": "relu", "softplus": "relu", "silu": "relu"}


@pytest.mark.parametrize("name, limit", LIMITS.items())
@pytest.mark.parametrize("cosine", (-(1 - 2.0**-13), -0.5, 0.40625))
def test_a_long_neuron_becomes_its_scale_free_limit(name, limit, cosine):
    left, right = oracles.SIGMA[limit], oracles.SIGMA[name]
    for norm in (0.3125, 1.0, 10.0):
        c, t = np.array([cosine * norm]), np.array([norm**2])
        value = ACTIVATIONS[name].limit_kernel(c, t, t - c**2)[0]
        assert oracles.error(value, oracles.expectation(left, right, 1.0, c[0], t[0])) <= 1e-12


@pytest.mark.parametrize("name, limit", LIMITS.items())
def test_the_kernel_approaches_that_limit(name, limit):
    degree = ACTIVATIONS[limit].homogeneous
    c, t = np.array([0.6]), np.array([2.0])
    true = ACTIVATIONS[name].limit_kernel(c, t, t - c**2)[0]
    errors = [abs(ACTIVATIONS[name].kernel(r * r, r * c, t) / r**degree - true)[0] for r in (1e2, 1e3)]
    assert errors[1] < errors[0] / 5 and errors[1] < 1e-3
