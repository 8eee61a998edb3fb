"""A user's own activation: its kernel is integrated numerically, with an error estimate, and labelled so.

Away from parallel vectors Mehler's series K = sum_m h_m(r1) h_m(r2) u^m converges geometrically (u the cosine, r1 = sqrt s,
r2 = sqrt t), and integrating by parts against the Hermite polynomials gives the slopes without a derivative of sigma:

    r h_m'(r) = m h_m(r) + sqrt((m + 1)(m + 2)) h_{m+2}(r)

so that one-dimensional integrals of sigma alone give K and its first and second partial derivatives. The same rule applied to
sigma^2 gives the self kernel k(s) = E[sigma(sqrt(s) x)^2] with k' and k''. What the series leaves out is bounded by Cauchy and
Schwarz: with R(r) = E[sigma(r x)^2] - sum_{m < M} h_m(r)^2, at most |u|^M sqrt(R(r1) R(r2)). For a smooth sigma and very short
vectors, where quotients by s and t lose their digits, Price's theorem with the coefficients of sigma', sigma'', ... replaces them.

For nearly parallel vectors the series does not settle, and K is a double integral: X = r1 x, Y = r2 (u x + v y), u^2 + v^2 = 1,
by composite Gauss-Legendre panels split where X or Y meets a kink. There Price's theorem and Stein's lemma give

    K_c  = E[sigma'(X) sigma'(Y)]              K_s  = (E[X sigma'(X) sigma(Y)] - c K_c) / (2 s)
    K_cc = E[sigma''(X) sigma''(Y)]            K_sc = (E[X sigma''(X) sigma'(Y)] - c K_cc) / (2 s)
    K_ss = (E[X^2 sigma''(X) sigma(Y)]/s - 2 K_s - 4 c K_sc - c^2 K_cc/s) / (4 s)

Across kinks sigma'' has point masses; there the second partials are the derivatives of the Gaussian density instead,

    d/dc E[f(X) g(Y)] = E[f g (e1 e2 - P12)]   d/ds E[f(X) g(Y)] = E[f g (e1^2 - P11)] / 2
    e1 = (x - (u/v) y)/r1,  e2 = y/(r2 v),  P11 = 1/(s v^2),  P12 = -u/(r1 r2 v^2)

with f g = sigma' sigma' for K_cc and K_sc, and f g = X sigma' sigma for the slope of E[X sigma'(X) sigma(Y)] in K_ss. Their
rounding errors grow as 1/v^2: below v = 0.001 they are NaN.

Derivatives of sigma that are not given come from central differences of twelfth order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from .activation import Activation, Array
from .hermite import RESOLVED, normal_density, panel_rule, project, settled_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_EPSILON = float(np.finfo(float).eps)
_TERMS = (396, 796, 1596)  # the longer series are tried where the shorter ones do not settle
_SHORT_VARIANCE = 1e-3
_PROBE = 0.9871  # no power of two: hidden kinks at round places must not fall on the ends of panels
_SETTLED = (2e-14, 2e-14, 1e-12)  # what may be left out of the series, by order of the partial derivatives
_CUT = 9.0
_PANELS = tuple(3 * 2**k for k in range(10))
_MOST_NODES = 700_000
_KNOWN = 1e-6  # a kernel with a larger estimated error counts as unknown
_UNKNOWN = 0  # in place of a number of panels
# K, its slopes, its curvatures: differences of sigma leave noise of this size in the latter
_SETTLED_JET = np.array([1e-13, 1e-11, 1e-11, 1e-9, 1e-9, 1e-9])
_NARROWEST = 1e-3  # sine of the angle below which the second partials across kinks are not available
_OFFSETS = np.arange(-6, 7.0)


def _central_weights() -> Array:
    """Weights of the central differences at the offsets -6..6 for the derivatives 0..4, shape (13, 5)."""
    moments = np.diag([float(factorial(k)) for k in range(5)])
    return np.linalg.solve(np.vander(_OFFSETS, increasing=True).T, np.pad(moments, ((0, 8), (0, 0))))


_DIFFERENCES = _central_weights()


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
        self._given = [function, *([derivative] if derivative else [])]
        if derivative and second_derivative:
            self._given.append(second_derivative)
        self._levels: dict[tuple[int, str], tuple[int, float, str]] = {}
        self._panels: dict[tuple[int | None, ...], int] = {}

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        return self._derivatives(np.asarray(z, dtype=float), (order,))[0]

    def _derivatives(self, z: Array, orders: tuple[int, ...]) -> list[Array]:
        """sigma^(order)(z) for each of the orders; all that are not given share one stencil."""
        known = len(self._given) - 1
        if max(orders) > known and self.kinks:
            order = max(orders)
            missing = {1: "derivative=", 2: "second_derivative="}.get(order)
            remedy = (
                f"pass {missing} to register_activation" if missing else "its derivatives of that order do not exist"
            )
            raise ValueError(f"{self.name} has kinks, and its derivative of order {order} was not given; {remedy}")
        values = {order: np.asarray(self._given[order](z), dtype=float) for order in orders if order <= known}
        if max(orders) > known:
            step = self._step
            stencil = np.asarray(self._given[known](z[..., None] + step * _OFFSETS), dtype=float)
            for order in orders:
                if order > known:
                    values[order] = stencil @ _DIFFERENCES[:, order - known] / step ** (order - known)
        return [values[order] for order in orders]

    @cached_property
    def _step(self) -> float:
        """The longest step of the differences at which halving it changes the next derivative by rounding only."""
        z = np.linspace(-8.0, 8.0, 1601)
        steps = 0.08 * 0.5 ** np.arange(7)
        slopes = [self._given[-1](z[:, None] + step * _OFFSETS) @ _DIFFERENCES[:, 1] / step for step in steps]
        changes = np.array([np.abs(slope - finer).max() for slope, finer in pairwise(slopes)])
        good = changes <= 1e-12 * (1.0 + np.abs(slopes[-1]).max())
        return float(steps[int(np.argmax(good)) if good.any() else int(changes.argmin())])

    # the jet ----------------------------------------------------------------------------------------------------------

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        """The jet; NaN where K is not known to 1e-6 max(1, |K|), and second partials across kinks for parallel vectors."""
        return self._jet_with_error(s, c, t, area2, order, verify=False)[0]

    def kernel(self, s: ArrayLike, c: ArrayLike, t: ArrayLike, area: ArrayLike | None = None) -> Array:
        """K(s, c, t) as for every activation, with the error ``kernel_error``; ValueError where that exceeds 1e-6 max(1, |K|)."""
        value = super().kernel(s, c, t, area)
        if np.isnan(value).any():
            raise ValueError(
                f"the kernel of {self.name} is not known to six digits at these norms: the function grows or varies too fast "
                "for the quadrature, or has kinks that were not declared; pass kinks=, or take shorter vectors"
            )
        return value

    def kernel_error(self, s: ArrayLike, c: ArrayLike, t: ArrayLike) -> Array:
        """Estimated absolute error of kernel(s, c, t).

        What the series leaves out, or where it does not settle what the double integral still changes when its panels are
        doubled and what its ends cut off; with the change when the panels of the projections are halved; never below a few
        rounding errors.
        """
        return self._jet_with_error(*self._checked(s, c, t, None), 0, verify=True)[1][()]

    def _jet_with_error(
        self, s: Array, c: Array, t: Array, area2: Array, order: int, verify: bool
    ) -> tuple[tuple[Array, ...], Array]:
        """The jet, and the estimated error of K; where the integral is not needed ``verify`` makes no difference."""
        shape = np.broadcast_shapes(s.shape, c.shape, t.shape, area2.shape)
        s, c, t, area2 = (np.broadcast_to(part, shape).ravel() for part in (s, c, t, area2))
        jet = np.full(((1, 3, 6)[order], s.size), np.nan)
        left_out, error = np.full(s.size, np.inf), np.full(s.size, np.inf)
        pending = np.flatnonzero(np.isfinite(s + c + t))
        for terms in _TERMS:
            if any(self.kinks) and terms > _TERMS[0]:
                break  # each norm has nodes of its own: the integral is cheaper
            for start in range(0, pending.size, 512):  # a few tens of megabytes at a time
                part = pending[start : start + 512]
                jet[:, part], left_out[part], error[part] = self._series(s[part], c[part], t[part], order, terms)
            pending = pending[~(left_out[pending] <= _SETTLED[order] * np.maximum(1.0, np.abs(jet[0, pending])))]
            if not pending.size:
                break
        for i in pending:
            jet[:, i], error[i] = self._integral(s[i], c[i], t[i], area2[i], order, verify)
        error += 16 * _EPSILON * np.maximum(1.0, np.abs(jet[0]))
        return tuple(row.reshape(shape) for row in jet), error.reshape(shape)

    # Mehler's series --------------------------------------------------------------------------------------------------

    def _project(
        self, function: Callable[[Array], Array], norms: Array, terms: int, name: str = ""
    ) -> tuple[Array, Array, Array]:
        """``project`` with panels as fine as the norms need, and what they cannot resolve.

        name : of a function with needs of its own; asked once for all norms within a factor of two.
        """
        rows, size = np.empty((norms.size, terms)), np.empty(norms.size)
        octaves = np.where(norms > 1.0, np.frexp(norms)[1], 0)
        for octave in set(octaves.tolist()):
            if (octave, name) not in self._levels:
                probe, most = (function, terms) if name else (self, _TERMS[0])
                self._levels[octave, name] = settled_level(probe, _PROBE * 2.0**octave, most, self.kinks)
        settled = [self._levels[octave, name] for octave in octaves.tolist()]
        levels, moved = (
            np.array([level for level, _, _ in settled], dtype=int),
            np.array([move for _, move, _ in settled]),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            for level in set(levels.tolist()):
                part = np.flatnonzero(levels == level)
                rows[part], size[part] = project(function, norms[part], terms, self.kinks, level)
            change = moved * size
        return rows, size, change

    def _coefficients(self, norms: Array, terms: int, order: int = 0) -> tuple[Array, Array, Array]:
        """h_m(r) of sigma^(order), sqrt(E[sigma^(order)^2]) and the change when the panels are halved.

        Coefficients behind the last one that exceeds rounding are 0, so that high powers of m do not amplify their noise.
        """
        rows, size, change = self._project(lambda z: self.derivative(z, order), norms, terms)
        above = np.abs(rows) > 2 * _EPSILON * size[:, None]
        rows[~np.logical_or.accumulate(above[:, ::-1], axis=1)[:, ::-1]] = 0.0
        return rows, size, change

    def _series(self, s: Array, c: Array, t: Array, order: int, terms: int) -> tuple[Array, Array, Array]:
        """The jet by Mehler's series, shape (1 | 3 | 6, points), what it leaves out (inf where it is no use), the error of K."""
        norms, inverse = np.unique(np.sqrt(np.concatenate([s, t])), return_inverse=True)
        first, second = inverse[: s.size], inverse[s.size :]
        product = np.sqrt(s) * np.sqrt(t)
        u = np.divide(c, product, out=np.zeros_like(product), where=product > 0)
        table, size, change = self._coefficients(norms, terms + 4)
        rest = size**2 - np.sum(table**2, axis=1)
        rest[rest < 1e-12 * size**2] = 0.0  # rounding: the last coefficients tell more
        rest = np.maximum(rest, terms * np.max(table[:, -8:] ** 2, axis=1))
        with np.errstate(invalid="ignore"):
            left_out = np.sqrt(rest[first] * rest[second]) * np.abs(u) ** terms
            error = left_out + change[first] * size[second] + size[first] * change[second]
            left_out *= float(terms) ** order
        unresolved = ~(change <= RESOLVED * size)
        left_out[unresolved[first] | unresolved[second]] = np.inf
        m = np.arange(terms + 2.0)
        powers = np.empty((s.size, terms))
        powers[:, 0], powers[:, 1:] = 1.0, u[:, None]
        np.cumprod(powers, axis=1, out=powers)

        def total(own: Array, other: Array, derivative: int = 0) -> Array:
            """sum_m own_m other_m d^k(u^m)/du^k."""
            factor = (1.0, m[:terms], m[:terms] * (m[:terms] - 1))[derivative]
            weighted = (other[:, :terms] * factor)[:, derivative:]
            return np.einsum(
                "im,im,im->i", own[first, derivative:terms], weighted[second], powers[:, : terms - derivative]
            )

        value = total(table, table)
        if order == 0:
            return value[None], left_out, error
        once = m * table[:, :-2] + np.sqrt((m + 1) * (m + 2)) * table[:, 2:]  # r h_m'
        with np.errstate(divide="ignore", invalid="ignore"):
            in_c = total(table, table, 1) / product
            in_s = (total(once, table) - c * in_c) / (2 * s)
            jet = [value, in_s, in_c]
            if order == 2:
                m2 = m[:-2]
                twice = m2 * once[:, :-2] + np.sqrt((m2 + 1) * (m2 + 2)) * once[:, 2:]  # r (r h_m')'
                in_cc = total(table, table, 2) / product**2
                in_sc = (total(once, table, 1) / product - in_c - c * in_cc) / (2 * s)
                squared = total(twice, table) - total(once, table)  # r^2 d2K/dr2 at fixed u
                jet += [(squared / s - 2 * in_s - 4 * c * in_sc - c * c * in_cc / s) / (4 * s), in_sc, in_cc]
        rows = np.array(jet)
        short = np.minimum(s, t) < _SHORT_VARIANCE
        if self.kinks:
            left_out[np.minimum(s, t) == 0] = np.inf
        elif short.any():
            rows[:, short] = self._short_series(s[short], t[short], u[short], order)
        return rows, left_out, error

    def _short_series(self, s: Array, t: Array, u: Array, order: int) -> Array:
        """The jet for a smooth sigma and a very short vector, by Price's theorem; few terms are enough."""
        norms, inverse = np.unique(np.sqrt(np.concatenate([s, t])), return_inverse=True)
        h = [self._coefficients(norms, _TERMS[0], k)[0] for k in range(2 * order + 1)]
        powers = u[:, None] ** np.arange(_TERMS[0])

        def mean(left: int, right: int) -> Array:
            """E[sigma^(left)(X) sigma^(right)(Y)]"""
            return np.einsum("im,im,im->i", h[left][inverse[: s.size]], h[right][inverse[s.size :]], powers)

        jet = [mean(0, 0), 0.5 * mean(2, 0), mean(1, 1)]
        return np.array(jet if order == 1 else [*jet, 0.25 * mean(4, 0), 0.5 * mean(3, 1), mean(2, 2)])

    def _self_kernel(self, s: Array, order: int) -> Array:
        """As for every activation; NaN where E[sigma^2] is not known to six digits."""
        flat = s.ravel()
        norms = np.sqrt(flat)
        moments, size, change = self._project(lambda z: self.derivative(z, 0) ** 2, norms, 5, "square")
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.sqrt(2.0) * moments[:, 2] / (2 * flat)  # r dk/dr = 2 s k'
            twice = np.sqrt(2.0) * (2 * moments[:, 2] + np.sqrt(12.0) * moments[:, 4])  # 4 s^2 k'' + 4 s k'
            result = (moments[:, 0], slope, (twice - 4 * flat * slope) / (4 * flat * flat))[order]
        short = flat < _SHORT_VARIANCE
        if order > 0 and not self.kinks and short.any():

            def price(z: Array) -> Array:
                """(sigma^2)''/2 or (sigma^2)''''/4, whose means are k' and k''."""
                f = self._derivatives(z, tuple(range(2 * order + 1)))
                if order == 1:
                    return f[1] ** 2 + f[0] * f[2]
                return 1.5 * f[2] ** 2 + 2 * f[1] * f[3] + 0.5 * f[0] * f[4]

            result[short] = self._project(price, norms[short], 1)[0][:, 0]
        result[~(change <= _KNOWN * size)] = np.nan
        return result.reshape(s.shape)

    # the double integral ----------------------------------------------------------------------------------------------

    def _integral(self, s: float, c: float, t: float, area2: float, order: int, verify: bool) -> tuple[Array, float]:
        """The jet at one point by quadrature, and the estimated error of K.

        The panels are doubled until the jet settles; without ``verify`` the number that sufficed at the first point of this
        size (norms and angle within a factor of two) is taken as it is.
        """
        sine2 = area2 / (s * t) if s * t > 0 else 0.0
        key = (*(int(np.frexp(x)[1]) if x > 0 else None for x in (s, t, sine2)), order)
        if not verify and self._panels.get(key) == _UNKNOWN:
            return np.full((1, 3, 6)[order], np.nan), np.inf
        if not verify and key in self._panels:
            return self._integrate(s, c, t, area2, order, self._panels[key])[0], np.nan
        with np.errstate(over="ignore", invalid="ignore"):
            jet = self._integrate(s, c, t, area2, order, _PANELS[0])[0]
            for panels in _PANELS[1:]:
                previous = jet
                jet, ends, nodes = self._integrate(s, c, t, area2, order, panels)
                change = np.abs(jet - previous)
                settled = not np.any(change > _SETTLED_JET[: jet.size] * np.maximum(1.0, np.abs(jet)))
                if settled or 4 * nodes > _MOST_NODES:
                    break
            error = float(change[0] + ends)
            known = error <= _KNOWN * max(1.0, abs(jet[0]))
        if not verify:
            self._panels[key] = (panels // 2 if settled else panels) if known else _UNKNOWN
            if not known:
                jet[:] = np.nan
        return jet, error

    def _integrate(
        self, s: float, c: float, t: float, area2: float, order: int, panels: int
    ) -> tuple[Array, float, int]:
        """The jet with this many panels on a quarter of each line, what the ends of the lines hold of K, the number of nodes."""
        first, second = np.sqrt(s), np.sqrt(t)
        size = first * second
        u, v = (c / size, np.sqrt(area2) / size) if size > 0 else (1.0, 0.0)
        x, weight = self._outer_line(first, second * u, v / abs(u) if abs(u) > 1e-3 else 0.0, panels)
        y, inner = self._inner_lines(x, second, u, v, panels)
        short = s < _SHORT_VARIANCE and not self.kinks
        highest = min(order, 1) if self.kinks else order
        f = self._derivatives(first * x, tuple(range(2 * order + 1 if short else highest + 1)))
        g = self._derivatives(second * (u * x[:, None] + v * y), tuple(range(highest + 1)))

        def given_x(k: int, power: int = 0) -> Array:
            """E[y^power sigma^(k)(Y) | x]"""
            return np.sum(g[k] * (inner * y**power), axis=1)

        def mean(of_x: Array, of_y: Array) -> float:
            return float((weight * of_x) @ of_y)

        means = [given_x(k) for k in range(highest + 1)]
        beyond = np.abs(x) > _CUT - 0.5
        ends = mean(np.abs(f[0] * beyond), np.abs(means[0]))
        if v > 0:
            ends += mean(np.abs(f[0]), np.sum(np.abs(g[0]) * inner * (np.abs(y) > _CUT - 0.5), axis=1))
        jet = [mean(f[0], means[0])]
        if order >= 1:
            in_c = mean(f[1], means[1])
            radial = first * x * f[1]  # X sigma'(X)
            if short:
                in_s = 0.5 * mean(f[2], means[0])
            else:
                in_s = (mean(radial, means[0]) - c * in_c) / (2 * s) if s > 0 else np.inf
            jet += [in_s, in_c]
        if order == 2 and not self.kinks:
            in_cc = mean(f[2], means[2])
            if short:
                in_sc, in_ss = 0.5 * mean(f[3], means[1]), 0.25 * mean(f[4], means[0])
            else:
                in_sc = (mean(first * x * f[2], means[1]) - c * in_cc) / (2 * s)
                squared = mean(x * x * f[2], means[0])
                in_ss = (squared - 2 * in_s - 4 * c * in_sc - c * c * in_cc / s) / (4 * s)
            jet += [in_ss, in_sc, in_cc]
        elif order == 2 and v >= _NARROWEST:
            with_y, with_y2 = ([given_x(k, power) for k in (0, 1)] for power in (1, 2))
            ratio = u / v

            def in_variance(of_x: Array, k: int) -> float:
                """d/ds E[f(X) sigma^(k)(Y)] = E[f sigma^(k) (e1^2 - P11)]/2"""
                score = (x * x - 1) * means[k] - 2 * ratio * x * with_y[k] + ratio**2 * (with_y2[k] - means[k])
                return 0.5 * mean(of_x, score) / s

            in_cc = mean(f[1], x * with_y[1] - ratio * (with_y2[1] - means[1])) / (size * v)
            in_sc = in_variance(f[1], 1)
            jet += [(in_variance(radial, 0) - c * in_sc) / (2 * s) - in_s / s, in_sc, in_cc]
        elif order == 2:
            jet += 3 * [np.nan]
        return np.array(jet), ends, y.shape[1] * x.size

    def _outer_line(self, first: float, slope: float, width: float, panels: int) -> tuple[Array, Array]:
        """Nodes for x, split at the kinks of sigma(first x) and around those of E[sigma(slope x + ...) | x], smooth over the width."""
        breaks = [kink / first for kink in self.kinks] if first > 0 else []
        if slope != 0:
            scales = np.array([-9.0, -3.0, -1.0, 0.0, 1.0, 3.0, 9.0])
            breaks += [kink / slope + width * scale for kink in self.kinks for scale in scales]
        ends = np.unique([-_CUT, *(point for point in breaks if -_CUT < point < _CUT), _CUT])
        counts = np.ceil(np.maximum(panels * np.diff(ends) / (_CUT / 2), panels / 3)).astype(int)
        fine = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(ends[:-1], ends[1:], counts)]
        x, weight = panel_rule(np.append(np.concatenate(fine), _CUT))
        return x, weight * normal_density(x)

    def _inner_lines(self, x: Array, second: float, u: float, v: float, panels: int) -> tuple[Array, Array]:
        """Nodes for y, shape (x.size | 1, count), split where sigma(second (u x + v y)) has a kink."""
        if v == 0:
            return np.zeros((1, 1)), np.ones((1, 1))
        kinks = np.array(self.kinks)
        crossings = np.clip((kinks / second - u * x[:, None]) / v, -_CUT, _CUT) if kinks.size else np.empty((1, 0))
        ends = np.pad(np.sort(crossings, axis=1), ((0, 0), (1, 1)), constant_values=((0, 0), (-_CUT, _CUT)))
        count = 2 * panels if kinks.size else 4 * panels
        breaks = ends[:, :-1, None] + np.diff(ends, axis=1)[:, :, None] * np.arange(count) / count
        y, weight = panel_rule(np.append(breaks.reshape(len(ends), -1), ends[:, -1:], axis=1))
        return y, weight * normal_density(y)

    @property
    def symbol(self) -> Any:
        raise ValueError(f"{self.name} is a user's callable: it has no symbolic form")

    @property
    def kernel_symbol(self) -> Any:
        raise ValueError(f"{self.name} is a user's callable: its kernel is numerical and has no symbolic form")
