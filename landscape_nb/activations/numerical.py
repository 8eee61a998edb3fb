"""A user's own activation: its kernel is integrated numerically, with an error estimate, and labelled so.

K(s, c, t) = E[sigma(X) sigma(Y)] with X = sqrt(s) x and Y = sqrt(t) (u x + v y), u^2 + v^2 = 1, is a double integral over the
plane; composite Gauss-Legendre panels are split where X or Y meets a kink. Price's theorem and Stein's lemma turn every
partial derivative into such an integral again:

    K_c  = E[sigma' sigma']                    K_s  = (E[X sigma'(X) sigma(Y)] - c K_c) / (2 s)
    K_cc = E[sigma'' sigma'']                  K_sc = (E[X sigma''(X) sigma'(Y)] - c K_cc) / (2 s)
    K_ss = (E[X^2 sigma''(X) sigma(Y)]/s - 2 K_s - 4 c K_sc - c^2 K_cc/s) / (4 s)

(for s < 0.01 the forms E[sigma'' sigma]/2, E[sigma''' sigma']/2 and E[sigma'''' sigma]/4 replace the quotients). Derivatives of
sigma that are not given come from central differences of eighth order. The panels are doubled until the value settles; the
last change is the stated error estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from .activation import Activation, Array
from .hermite import panel_rule

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_CUT = 9.0
_SMALL_VARIANCE = 0.01
_PANELS = (3, 6, 12, 24, 48)
_SETTLED = 1e-13


def _central_weights(order: int) -> tuple[Array, Array]:
    """Offsets -m..m and weights of the central difference of eighth order for the derivative of this order."""
    reach = 4 + (order - 1) // 2
    offsets = np.arange(-reach, reach + 1.0)
    moments = np.zeros(offsets.size)
    moments[order] = factorial(order)
    return offsets, np.linalg.solve(np.vander(offsets, increasing=True).T, moments)


class NumericalActivation(Activation):
    """An activation given as a vectorised callable; ``exact`` is "numerical"."""

    def __init__(
        self,
        name: str,
        function: Callable[[Array], Array],
        derivative: Callable[[Array], Array] | None,
        second_derivative: Callable[[Array], Array] | None,
        kinks: tuple[float, ...],
        **kinds: Any,
    ) -> None:
        super().__init__(name, rf"\mathrm{{{name}}}(z)".replace("_", r"\_"), exact="numerical", kinks=kinks, **kinds)
        self._given = [given for given in (function, derivative, second_derivative) if given is not None]

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        z = np.asarray(z, dtype=float)
        known = min(order, len(self._given) - 1)
        if order > known and self.kinks:
            raise ValueError(
                f"{self.name} has kinks, and its derivative of order {order} was not given; "
                f"pass {'derivative' if order == 1 else 'second_derivative'}= to register_activation"
                if order <= 2
                else f"{self.name} has kinks: derivatives of order {order} do not exist"
            )
        if order == known:
            return np.asarray(self._given[known](z), dtype=float)
        missing = order - known
        step = (0.02, 0.03, 0.03, 0.04)[missing - 1]
        offsets, weights = _central_weights(missing)
        values = np.asarray(self._given[known](z[..., None] + step * offsets), dtype=float)
        return values @ weights / step**missing

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        if order == 2 and self.kinks:
            raise ValueError(f"{self.name} has kinks: its Hessian is not available numerically")
        shape = np.broadcast_shapes(s.shape, c.shape, t.shape, area2.shape)
        flat = [np.broadcast_to(part, shape).ravel() for part in (s, c, t, area2)]
        # equal pairs are integrated once: a teacher with symmetry has few different ones
        points, inverse = np.unique(np.stack(flat, axis=-1), axis=0, return_inverse=True)
        jets = np.array([self._jet_at(*point, order)[0] for point in points]).reshape(len(points), (1, 3, 6)[order])
        return tuple(jets[inverse.ravel(), i].reshape(shape) for i in range(jets.shape[1]))

    def kernel_error(self, s: ArrayLike, c: ArrayLike, t: ArrayLike) -> Array:
        """Estimated absolute error of kernel(s, c, t): the last change when the quadrature panels were doubled."""
        s, c, t, area2 = self._checked(s, c, t, None)
        flat = (part.ravel() for part in (s, c, t, area2))
        return np.array([self._jet_at(*point, 0)[1] for point in zip(*flat, strict=True)]).reshape(s.shape)[()]

    def _jet_at(self, s: float, c: float, t: float, area2: float, order: int) -> tuple[Array, float]:
        previous = self._integrate(s, c, t, area2, order, _PANELS[0])
        for panels in _PANELS[1:]:
            jet = self._integrate(s, c, t, area2, order, panels)
            change = np.abs(jet - previous)
            if np.all(change <= _SETTLED * np.maximum(1.0, np.abs(jet))):
                break
            previous = jet
        rounding = 4 * np.finfo(float).eps * max(1.0, abs(jet[0]))
        return jet, float(change[0] + rounding)

    def _integrate(self, s: float, c: float, t: float, area2: float, order: int, panels: int) -> Array:
        """(K,), (K, K_s, K_c) or the whole jet with this many panels between two neighbouring breaks."""
        first, second = np.sqrt(s), np.sqrt(t)
        size = first * second
        u, v = (c / size, np.sqrt(area2) / size) if size > 0 else (1.0, 0.0)
        inner_centres = [kink / second for kink in self.kinks] if second > 0 else []
        breaks = [kink / first for kink in self.kinks] if first > 0 else []
        for centre in inner_centres:  # where the inner integral changes over a width v / u
            if abs(u) > 1e-3:
                width = v / abs(u)
                breaks += [centre / u + side * width * scale for side in (-1, 1) for scale in (0.0, 1.0, 3.0, 9.0)]
        x, weight_x = self._line(breaks, panels)
        if v == 0.0:
            y_values, weights = second * u * x, weight_x
            x_values = first * x
        elif not inner_centres:
            y, weight_y = self._line([], panels)
            y_values = (second * (u * x[:, None] + v * y)).ravel()
            weights = np.outer(weight_x, weight_y).ravel()
            x_values = np.repeat(first * x, y.size)
        else:
            rows = [self._line([(centre - u * value) / v for centre in inner_centres], panels) for value in x]
            lengths = [row[0].size for row in rows]
            x_repeated = np.repeat(x, lengths)
            y_values = second * (u * x_repeated + v * np.concatenate([row[0] for row in rows]))
            weights = np.repeat(weight_x, lengths) * np.concatenate([row[1] for row in rows])
            x_values = first * x_repeated
        return self._assemble(s, c, x_values, y_values, weights, order)

    @staticmethod
    def _line(breaks: list[float], panels: int) -> tuple[Array, Array]:
        """Nodes and weights for the normal density on [-9, 9], split at the breaks."""
        inside = [point for point in breaks if -_CUT < point < _CUT]
        ends = np.unique(np.array([-_CUT, *inside, _CUT]))
        widths = np.diff(ends)
        counts = np.maximum(1, np.ceil(panels * widths / 4.5)).astype(int)
        fine = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(ends[:-1], ends[1:], counts, strict=True)]
        x, weight = panel_rule(np.append(np.concatenate(fine), _CUT))
        return x, weight * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)

    def _assemble(self, s: float, c: float, x: Array, y: Array, weights: Array, order: int) -> Array:
        value_y = self.derivative(y, 0)
        value = weights @ (self.derivative(x, 0) * value_y)
        if order == 0:
            return np.array([value])
        slope_x, slope_y = self.derivative(x, 1), self.derivative(y, 1)
        in_c = weights @ (slope_x * slope_y)
        if s >= _SMALL_VARIANCE:
            in_s = (weights @ (x * slope_x * value_y) - c * in_c) / (2 * s)
        elif self.kinks:
            in_s = np.inf if s == 0 else (weights @ (x * slope_x * value_y) - c * in_c) / (2 * s)
        else:
            in_s = 0.5 * (weights @ (self.derivative(x, 2) * value_y))
        if order == 1:
            return np.array([value, in_s, in_c])
        curve_x = self.derivative(x, 2)
        in_cc = weights @ (curve_x * self.derivative(y, 2))
        if s >= _SMALL_VARIANCE:
            in_sc = (weights @ (x * curve_x * slope_y) - c * in_cc) / (2 * s)
            radial = weights @ (x * x * curve_x * value_y)
            in_ss = (radial / s - 2 * in_s - 4 * c * in_sc - c * c * in_cc / s) / (4 * s)
        else:
            in_sc = 0.5 * (weights @ (self.derivative(x, 3) * slope_y))
            in_ss = 0.25 * (weights @ (self.derivative(x, 4) * value_y))
        return np.array([value, in_s, in_c, in_ss, in_sc, in_cc])

    @property
    def symbol(self) -> Any:
        raise ValueError(f"{self.name} is a user's callable: it has no symbolic form")

    @property
    def kernel_symbol(self) -> Any:
        raise ValueError(f"{self.name} is a user's callable: its kernel is numerical and has no symbolic form")
