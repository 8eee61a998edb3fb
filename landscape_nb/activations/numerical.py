"""A user's own activation: its kernel is integrated numerically, with an error estimate, and labelled so.

Away from parallel vectors Mehler's series K = sum_m h_m(r1) h_m(r2) u^m converges geometrically (u the cosine, r1 = sqrt s,
r2 = sqrt t), and integrating by parts against the Hermite polynomials gives the slopes without a derivative of sigma:

    r h_m'(r) = m h_m(r) + sqrt((m + 1)(m + 2)) h_{m+2}(r)

so that one-dimensional integrals of sigma alone give K and its first and second partial derivatives. The same rule applied to
sigma^2 gives the self kernel k(s) = E[sigma(sqrt(s) x)^2] with k' and k''.

For nearly parallel vectors the series does not settle, and K is a double integral: X = r1 x, Y = r2 (u x + v y), u^2 + v^2 = 1;
composite Gauss-Legendre panels are split where X or Y meets a kink and doubled until the value settles. There Price's theorem
and Stein's lemma give the partial derivatives,

    K_c  = E[sigma'(X) sigma'(Y)]              K_s  = (E[X sigma'(X) sigma(Y)] - c K_c) / (2 s)
    K_cc = E[sigma''(X) sigma''(Y)]            K_sc = (E[X sigma''(X) sigma'(Y)] - c K_cc) / (2 s)
    K_ss = (E[X^2 sigma''(X) sigma(Y)]/s - 2 K_s - 4 c K_sc - c^2 K_cc/s) / (4 s)

(for s < 0.01, expectations of higher derivatives of sigma replace the quotients). Derivatives of sigma that are not given come
from central differences of eighth order; across kinks the second partials are not available there.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from .activation import Activation, Array
from .hermite import panel_rule, project

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_CUT = 9.0
_SMALL_VARIANCE = 0.01
_PANELS = (3, 6, 12, 24, 48)
_SETTLED = 1e-13
# K, its slopes, its curvatures: differences of sigma leave noise of this size in the latter
_SETTLED_JET = np.array([1e-13, 1e-11, 1e-11, 1e-9, 1e-9, 1e-9])
_TERMS = 400
_TINY_VARIANCE = 1e-4  # below, the quotients by s in the series' slopes lose their digits


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
            missing = {1: "derivative=", 2: "second_derivative="}.get(order)
            remedy = (
                f"pass {missing} to register_activation" if missing else "its derivatives of that order do not exist"
            )
            raise ValueError(f"{self.name} has kinks, and its derivative of order {order} was not given; {remedy}")
        if order == known:
            return np.asarray(self._given[known](z), dtype=float)
        missing_orders = order - known
        step = (0.02, 0.03, 0.03, 0.04)[missing_orders - 1]
        offsets, weights = _central_weights(missing_orders)
        values = np.asarray(self._given[known](z[..., None] + step * offsets), dtype=float)
        return values @ weights / step**missing_orders

    # Mehler's series --------------------------------------------------------------------------------------------------

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        shape = np.broadcast_shapes(s.shape, c.shape, t.shape, area2.shape)
        s, c, t, area2 = (np.broadcast_to(part, shape).ravel() for part in (s, c, t, area2))
        rows, tail = self._series(s, c, t, order)
        for i in np.flatnonzero(tail > _SETTLED * np.maximum(1.0, np.abs(rows[0]))):
            if order == 2 and self.kinks:
                rows[:, i] = np.nan  # second partials across kinks are not available here: no Hessian
            else:
                rows[:, i] = self._integral(s[i], c[i], t[i], area2[i], order)[0]
        return tuple(row.reshape(shape) for row in rows)

    def kernel_error(self, s: ArrayLike, c: ArrayLike, t: ArrayLike) -> Array:
        """Estimated absolute error of kernel(s, c, t).

        The size of the last terms of the series, or where it does not settle the last change when the quadrature panels were
        doubled; never below a few rounding errors.
        """
        s, c, t, area2 = self._checked(s, c, t, None)
        shape = s.shape
        s, c, t, area2 = (part.ravel() for part in (s, c, t, area2))
        rows, tail = self._series(s, c, t, 0)
        error = tail + 16 * np.finfo(float).eps * np.maximum(1.0, np.abs(rows[0]))
        for i in np.flatnonzero(tail > _SETTLED * np.maximum(1.0, np.abs(rows[0]))):
            error[i] = self._integral(s[i], c[i], t[i], area2[i], 0)[1]
        return error.reshape(shape)[()]

    def _series(self, s: Array, c: Array, t: Array, order: int) -> tuple[Array, Array]:
        """The jet by Mehler's series, shape (1 | 3 | 6, points), and the size of its last terms (inf where it is no use)."""
        norms, inverse = np.unique(np.sqrt(np.concatenate([s, t])), return_inverse=True)
        table = project(lambda z: self.derivative(z, 0), norms, _TERMS + 4, self.kinks)
        m = np.arange(_TERMS + 2.0)
        lift = np.sqrt((m + 1) * (m + 2))
        once = m * table[:, :-2] + lift * table[:, 2:]  # r h_m'
        twice = m[:-2] * once[:, :-2] + lift[:-2] * once[:, 2:]  # r (r h_m')'
        first, second = inverse[: s.size], inverse[s.size :]
        m = m[:_TERMS]
        own, radial, radial2 = table[first, :_TERMS], once[first, :_TERMS], twice[first, :_TERMS]
        other = table[second, :_TERMS]
        product = np.sqrt(s * t)
        u = np.divide(c, product, out=np.zeros_like(product), where=product > 0)
        # u^m and its first two derivatives in u
        powers = [u[:, None] ** m]
        powers.append(np.pad(m[1:] * powers[0][:, :-1], ((0, 0), (1, 0))))
        powers.append(np.pad(m[1:] * powers[1][:, :-1], ((0, 0), (1, 0))))

        def total(coefficients: Array, derivative: int) -> Array:
            return np.einsum("im,im,im->i", coefficients, other, powers[derivative])

        value = total(own, 0)
        last = np.abs(own * other * powers[0] * np.maximum(1.0, m) ** order)[:, -8:].max(axis=-1, initial=0.0)
        tail = np.where((order == 0) | ((s >= _TINY_VARIANCE) & (t > 0)), _TERMS * last, np.inf)
        if order == 0:
            return value[None], tail
        with np.errstate(divide="ignore", invalid="ignore"):
            in_c = total(own, 1) / product
            in_s = (total(radial, 0) - c * in_c) / (2 * s)
            if order == 1:
                return np.array([value, in_s, in_c]), tail
            in_cc = total(own, 2) / product**2
            in_sc = (total(radial, 1) / product - in_c - c * in_cc) / (2 * s)
            squared = total(radial2, 0) - total(radial, 0)  # r^2 d2K/dr2 at fixed u
            in_ss = (squared / s - 2 * in_s - 4 * c * in_sc - c * c * in_cc / s) / (4 * s)
        return np.array([value, in_s, in_c, in_ss, in_sc, in_cc]), tail

    def _self_kernel(self, s: Array, order: int) -> Array:
        moments = project(lambda z: self.derivative(z, 0) ** 2, np.sqrt(s), 5, self.kinks)
        if order == 0:
            return moments[..., 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.sqrt(2.0) * moments[..., 2] / (2 * s)  # r dk/dr = 2 s k'
            if order == 1:
                return slope
            twice = np.sqrt(2.0) * (2 * moments[..., 2] + np.sqrt(12.0) * moments[..., 4])  # 4 s^2 k'' + 4 s k'
            return (twice - 4 * s * slope) / (4 * s * s)

    # the double integral ----------------------------------------------------------------------------------------------

    def _integral(self, s: float, c: float, t: float, area2: float, order: int) -> tuple[Array, float]:
        """The jet at one point by quadrature, and the estimated error of K."""
        previous = self._integrate(s, c, t, area2, order, _PANELS[0])
        for panels in _PANELS[1:]:
            jet = self._integrate(s, c, t, area2, order, panels)
            change = np.abs(jet - previous)
            if np.all(change <= _SETTLED_JET[: jet.size] * np.maximum(1.0, np.abs(jet))):
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
        if s < _SMALL_VARIANCE and not self.kinks:
            in_s = 0.5 * (weights @ (self.derivative(x, 2) * value_y))
        else:
            in_s = np.inf if s == 0 else (weights @ (x * slope_x * value_y) - c * in_c) / (2 * s)
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
