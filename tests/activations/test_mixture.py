"""The Gauss rule for the Kolmogorov law that turns erf into tanh."""

import numpy as np
import oracles
import pytest
from scipy.special import erf

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.activations.mixture import kolmogorov_density, kolmogorov_rule


def test_the_twelve_nodes_and_weights_are_those_of_the_table():
    nodes, weights = kolmogorov_rule(12)
    table = np.array(oracles.KOLMOGOROV_NODES, dtype=float)
    assert np.all(np.abs(nodes - table[:, 0]) <= 2e-15 * table[:, 0])
    assert np.all(np.abs(weights - table[:, 1]) <= 5e-15)
    assert np.all(np.abs(weights - table[:, 1]) <= 1e-12 * table[:, 1])


@pytest.mark.parametrize("count", (4, 8, 12, 20))
def test_the_weights_sum_to_one(count):
    nodes, weights = kolmogorov_rule(count)
    assert nodes.shape == weights.shape == (count,)
    assert np.all(np.diff(nodes) > 0) and np.all(weights > 0)
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)


def test_the_density_is_that_of_the_kolmogorov_distribution():
    x = np.concatenate([np.linspace(0.1, 6.0, 60), [0.7499999, 0.75, 0.7500001]])
    true = [oracles.kolmogorov_density(value) for value in x]
    assert kolmogorov_density(x) == pytest.approx(true, rel=1e-13, abs=1e-40)


def test_the_rule_integrates_polynomials_in_log_k_up_to_degree_twenty_three():
    """Twelve nodes, degree 2 * 12 - 1; the reference is a trapezoid sum, which converges geometrically."""
    nodes, weights = kolmogorov_rule(12)
    log_k = np.linspace(np.log(0.08), np.log(8.0), 300)
    density = np.array([oracles.kolmogorov_density(k) for k in np.exp(log_k)])
    mass = density * np.exp(log_k) * (log_k[1] - log_k[0])
    for degree in range(24):
        assert weights @ np.log(nodes) ** degree == pytest.approx(mass @ log_k**degree, abs=1e-13, rel=1e-12)


def test_the_moments_of_the_kolmogorov_law():
    nodes, weights = kolmogorov_rule(12)
    assert weights @ nodes == pytest.approx(np.sqrt(np.pi / 2) * np.log(2), abs=1e-12)
    assert weights @ nodes**2 == pytest.approx(np.pi**2 / 12, abs=1e-12)


def test_tanh_itself_is_reproduced_to_nine_digits_only():
    """The rule is for kernels: the Gaussian average smooths its error. The function must not be evaluated with it."""
    nodes, weights = kolmogorov_rule(12)
    x = np.linspace(0, 8, 401)
    difference = np.abs(erf(x[:, None] / (np.sqrt(2) * nodes)) @ weights - np.tanh(x)).max()
    assert 1e-10 < difference < 2e-9
    assert np.abs(ACTIVATIONS["tanh"](x) - np.tanh(x)).max() < 1e-15


def test_the_shared_rule_cannot_be_changed():
    for array in kolmogorov_rule(12):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


@pytest.mark.parametrize("name", oracles.MIXTURES)
def test_twelve_nodes_reach_rounding_error_near_their_worst_norms(name):
    """tanh is worst at norms .7 to 1, softplus and silu at the largest, where the kernel itself is 1e2 to 1e3."""
    for cosine in (-1.0, 0.3, 0.9):
        norms = (0.5, 0.7, 0.85, 1.0, 1.2, 20.0)
        value = ACTIVATIONS[name].kernel(*oracles.covariances(norms, cosine))
        assert oracles.error(value, oracles.table(name, 0, 0, norms, cosine)) <= 2e-13
