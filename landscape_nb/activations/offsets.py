"""Activations whose kernel is a closed form in variances shifted by offsets, or an average of such forms.

erf, sign and tanh are one family: K = (2/pi) atan2(c, R), R^2 = (p + s)(q + t) - c^2, with the offset p = 1 for erf,
p = 0 for sign, and p distributed like k^2 for tanh. ``OffsetActivation`` averages a component over the offsets of both
neurons; a single offset costs nothing extra.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .activation import Activation, Array

Component = Callable[..., tuple[Array, ...]]

# Offset pairs times points evaluated at once: large enough to amortise calls, small enough to stay in the cache.
_BLOCK = 32768


def shifted_square(s: Array, t: Array, area2: Array, p: Array | float, q: Array | float) -> Array:
    """R^2 = (p + s)(q + t) - c^2 written as q (p + s) + p t + (s t - c^2), which does not cancel at large norms."""
    square = q * (p + s) + p * t
    square += area2
    return square


def average_over_offsets(
    component: Component,
    s: Array,
    c: Array,
    t: Array,
    area2: Array,
    order: int,
    first: tuple[Array, Array],
    second: tuple[Array, Array],
) -> tuple[Array, ...]:
    """sum_ij weight_i weight_j component(s, c, t, area2, p_i, q_j, order), in blocks that fit the cache."""
    p, q = np.meshgrid(first[0], second[0], indexing="ij")
    weights = np.outer(first[1], second[1]).ravel()
    p, q = p.reshape(-1, 1), q.reshape(-1, 1)
    shape = np.broadcast_shapes(s.shape, c.shape, t.shape, area2.shape)
    s, c, t, area2 = (np.broadcast_to(part, shape).ravel() for part in (s, c, t, area2))
    results = np.empty(((1, 3, 6)[order], s.size))
    step = max(1, _BLOCK // weights.size)
    for start in range(0, s.size, step):
        block = slice(start, start + step)
        for row, part in zip(results, component(s[block], c[block], t[block], area2[block], p, q, order), strict=True):
            row[block] = weights @ part
    return tuple(row.reshape(shape) for row in results)


class OffsetActivation(Activation):
    """An activation whose kernel is ``component`` averaged over the offset laws of its two neurons.

    offsets : (nodes, weights) of the law of the offset p; one node for the elementary closed forms.
    Sent to infinity, the norm of a neuron makes its offset negligible: ``limit_kernel``.
    """

    def __init__(
        self, name: str, latex: str, component: Component, offsets: tuple[Array, Array], **kinds: object
    ) -> None:
        super().__init__(name, latex, **kinds)  # type: ignore[arg-type]
        self.component = component
        self.offsets = offsets
        self._smallest_offset = float(offsets[0].min())

    def needs_area(self, largest: float) -> bool:
        # R^2 = p q + p t + q s + D^2 inherits a relative error of at most eps min(s, t) / p from D^2
        return self._smallest_offset == 0.0 or largest > 100.0 * self._smallest_offset

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        nodes = self.offsets[0]
        if nodes.size == 1:
            offset = nodes.reshape(())
            return self.component(s, c, t, area2, offset, offset, order)
        return average_over_offsets(self.component, s, c, t, area2, order, self.offsets, self.offsets)

    def limit_kernel(self, c: Array, t: Array, area2: Array, order: int = 0) -> tuple[Array, ...]:
        """Jet of lim_{r -> inf} r^-m E[sigma(r X) sigma(Y)] with Var X = 1, Cov(X, Y) = c, Var Y = t.

        The limit of the first neuron is the activation of the same family with offset 0: sign for erf and tanh, step for
        normal_cdf and sigmoid (m = 0), relu for gelu, softplus and silu (m = 1).
        """
        at_zero = (np.zeros(1), np.ones(1))
        one = np.ones_like(c)
        return average_over_offsets(self.component, one, c, t, area2, order, at_zero, self.offsets)
