"""The same loss of erf networks as others would write it: jitted JAX, torch autograd, and Monte Carlo in NumPy."""

import numpy as np


def closed_form(xp, asin, theta, n, v, b, constant):
    """E[(f - f*)^2] by the arcsine kernel with the array functions of xp."""
    d = v.shape[1]
    w, a = theta[: n * d].reshape(n, d), theta[n * d :]
    own, cross = w @ w.T, w @ v.T
    s, t = 1 + xp.sum(w * w, 1), 1 + xp.sum(v * v, 1)
    students = asin(own / xp.sqrt(s[:, None] * s))
    teachers = asin(cross / xp.sqrt(s[:, None] * t))
    return (2 / np.pi) * (a @ (students @ a) - 2 * a @ (teachers @ b)) + constant


class Jax:
    """theta (NumPy) in, numbers (NumPy) out; compiled once, in double precision."""

    def __init__(self, teacher, constant, n):
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp

        v, b = jnp.asarray(teacher.W), jnp.asarray(teacher.a)

        def loss(theta):
            return closed_form(jnp, jnp.arcsin, theta, n, v, b, constant)

        self._value_and_gradient = jax.jit(jax.value_and_grad(loss))
        self._batch = jax.jit(jax.vmap(jax.value_and_grad(loss)))
        self._hessian = jax.jit(jax.hessian(loss))

    def value_and_gradient(self, theta):
        value, gradient = (self._batch if theta.ndim == 2 else self._value_and_gradient)(theta)
        return np.asarray(value), np.asarray(gradient.block_until_ready())

    def hessian(self, theta):
        return np.asarray(self._hessian(theta).block_until_ready())


class Torch:
    """theta (NumPy) in, numbers (NumPy) out; float64 autograd."""

    def __init__(self, teacher, constant, n):
        import torch

        torch.set_num_threads(1)
        self._torch = torch
        v, b = torch.tensor(teacher.W), torch.tensor(teacher.a)
        self._loss = lambda theta: closed_form(torch, torch.asin, theta, n, v, b, constant)

    def value_and_gradient(self, theta):
        theta = self._torch.from_numpy(theta).requires_grad_()
        value = self._loss(theta)
        value.backward()
        return value.item(), theta.grad.numpy()

    def hessian(self, theta):
        return self._torch.func.hessian(self._loss)(self._torch.from_numpy(theta)).numpy()


def sampled_gradient(theta, n, teacher, samples, rng, block=20_000):
    """The gradient of the loss estimated from Gaussian inputs, in blocks that fit the cache."""
    from scipy.special import erf

    d = teacher.d
    w, a = theta[: n * d].reshape(n, d), theta[n * d :]
    total = np.zeros(theta.size)
    for start in range(0, samples, block):
        x = rng.normal(size=(min(block, samples - start), d))
        z = x @ w.T
        neurons = erf(z / np.sqrt(2))
        rest = neurons @ a - erf(x @ teacher.W.T / np.sqrt(2)) @ teacher.a
        slope = rest[:, None] * (np.sqrt(2 / np.pi) * np.exp(-0.5 * z * z)) * a
        total[: n * d] += (slope.T @ x).ravel()
        total[n * d :] += rest @ neurons
    return 2 * total / samples
