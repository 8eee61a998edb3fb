"""Kernels by the 12-node scale mixture against two-dimensional quadrature of the same accuracy, norms up to 3."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS

PAIRS, FEW = 10_000, 40


def trapezoid(sigma, s, c, t, points):
    """E[sigma(X) sigma(Y)] by the tensor trapezoid rule with Gaussian weights on [-8.5, 8.5]^2, pair by pair."""
    line = np.linspace(-8.5, 8.5, points)
    weight = np.exp(-0.5 * line**2)
    weight /= weight.sum()
    along, across = c / np.sqrt(s), np.sqrt(np.maximum(t - c * c / s, 0.0))
    kernel = np.empty(s.size)
    for i in range(s.size):
        inner = sigma(along[i] * line[:, None] + across[i] * line) @ weight
        kernel[i] = (weight * sigma(np.sqrt(s[i]) * line)) @ inner
    return kernel


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu"])
def test_mixture_kernel(compare, name):
    activation, rng = ACTIVATIONS[name], np.random.default_rng(0)
    first, second, cosine = rng.uniform(0.1, 3.0, PAIRS), rng.uniform(0.1, 3.0, PAIRS), rng.uniform(-1.0, 1.0, PAIRS)
    first[0], second[0], cosine[0] = 3.0, 3.0, 0.99  # the hardest pair is among the few
    s, c, t = first**2, first * second * cosine, second**2
    few = s[:FEW], c[:FEW], t[:FEW]
    reference = trapezoid(activation, *few, 401)
    scale = np.maximum(1.0, np.abs(reference))
    own_error = np.max(np.abs(activation.kernel(*few) - reference) / scale)
    assert_allclose(activation.kernel(*few) / scale, reference / scale, rtol=0, atol=1e-12)
    for points in range(61, 401, 20):
        error = np.max(np.abs(trapezoid(activation, *few, points) - reference) / scale)
        if error <= max(own_error, 1e-13):
            break
    compare(
        f"{name} kernel of {PAIRS} pairs",
        lambda: activation.kernel(s, c, t),
        {f"trapezoid, {points}^2 nodes": (lambda: trapezoid(activation, *few, points), PAIRS / FEW)},
    )
