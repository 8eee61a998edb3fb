"""Value, gradient and Hessian of an erf landscape: theta in, numbers out, against the same closed form elsewhere."""

import numpy as np
import pytest
from benchmarks.peers import Jax, Torch, sampled_gradient
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.landscapes.population import PopulationLandscape
from landscape_nb.networks import gaussian_teacher, orthonormal_teacher

BATCH = 100


def setting(n, k, d):
    """(landscape, theta, Jax, Torch)."""
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(k, d))
    theta = gaussian_teacher(n, d, np.random.default_rng(0)).theta
    return (
        landscape,
        theta,
        Jax(landscape.teacher, landscape.constant, n),
        Torch(landscape.teacher, landscape.constant, n),
    )


def agree(ours, theirs):
    for mine, other in zip(ours, theirs):
        assert_allclose(other, mine, rtol=0, atol=1e-10 * max(1.0, np.abs(mine).max()))


@pytest.mark.parametrize("n, k, d", [(4, 8, 8), (50, 100, 100), (200, 400, 400)])
def test_value_and_gradient(compare, n, k, d):
    landscape, theta, jax, torch = setting(n, k, d)
    ours = landscape.value_and_gradient(theta)
    agree(ours, jax.value_and_gradient(theta))
    agree(ours, torch.value_and_gradient(theta))
    compare(
        f"value + gradient, n, k, d = {n}, {k}, {d}",
        lambda: landscape.value_and_gradient(theta),
        {
            "jitted JAX": lambda: jax.value_and_gradient(theta),
            "torch autograd": lambda: torch.value_and_gradient(theta),
        },
        asked={"jitted JAX": 1.5, "torch autograd": 8} if n == 4 else None,
    )


def test_a_batch_against_students_one_by_one(compare):
    landscape, _, jax, _ = setting(4, 8, 8)
    students = np.random.default_rng(1).normal(size=(BATCH, 36)) / np.sqrt(8)
    values, gradients = landscape.value_and_gradient(students)
    agree((values, gradients), jax.value_and_gradient(students))
    agree((gradients,), ([landscape.gradient(theta) for theta in students],))

    def one_by_one():
        for theta in students:
            landscape.value_and_gradient(theta)

    compare(
        f"{BATCH} students at 4, 8, 8 in one batch",
        lambda: landscape.value_and_gradient(students),
        {"ours one by one": one_by_one, "JAX vmap": lambda: jax.value_and_gradient(students)},
        asked={"ours one by one": 8},
    )


@pytest.mark.parametrize("n", [4, 10])
def test_hessian(compare, n):
    landscape, theta, jax, torch = setting(n, 8, 8)
    ours = landscape.hessian(theta)
    agree((ours,), (jax.hessian(theta),))
    agree((ours,), (torch.hessian(theta),))
    compare(
        f"Hessian, n, k, d = {n}, 8, 8",
        lambda: landscape.hessian(theta),
        {"jitted JAX": lambda: jax.hessian(theta), "torch.func": lambda: torch.hessian(theta)},
    )


def test_monte_carlo_to_a_relative_gradient_error_of_one_thousandth(compare):
    landscape, theta, *_ = setting(4, 8, 8)
    exact, rng, samples = landscape.gradient(theta), np.random.default_rng(2), 100_000
    squares = [np.sum((sampled_gradient(theta, 4, landscape.teacher, samples, rng) - exact) ** 2) for _ in range(20)]
    error = np.sqrt(np.mean(squares) / np.sum(exact**2))
    assert error < 0.1  # it estimates this gradient
    needed = samples * (error / 1e-3) ** 2
    compare(
        "gradient at 4, 8, 8",
        lambda: landscape.value_and_gradient(theta),
        {
            f"Monte Carlo to 1e-3 ({needed:.1e} samples, extrapolated)": (
                lambda: sampled_gradient(theta, 4, landscape.teacher, samples, rng),
                needed / samples,
            )
        },
    )
