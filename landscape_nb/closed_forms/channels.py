r"""Channels to infinity: two neurons that approach each other while their outgoing weights diverge with opposite signs.

**Coordinates** of a pair i, j:

    w = (w_i + w_j)/2,  eps = |w_i - w_j|/2,  Delta = (w_i - w_j)/|w_i - w_j|,  c = a_i + a_j,  a = eps (a_i - a_j)
    w_i = w + eps Delta,  w_j = w - eps Delta,  a_i = (c + a/eps)/2,  a_j = (c - a/eps)/2

With v = a Delta and eta = 1/(a_i - a_j) = eps/a they are those of ``ChannelLandscape``.

**The limit problem.** The pair adds f = f0 + eps^2 f2 + O(eps^4) to the student: the term linear in eps cancels, and

    f0 = c sigma(w.x) + a (Delta.x) sigma'(w.x),     f2 = (c/2) (Delta.x)^2 sigma''(w.x) + (a/6) (Delta.x)^3 sigma'''(w.x).

So L = L0 + eps^2 h + O(eps^4) with h = <f2 l'(f0, y)>, l' = 2 (f0 - y). Where theta_0 is a minimum of L0 whose Hessian has positive
eigenvalues, Newton's iteration has a solution for every small eta (implicit function theorem, L is analytic in eta^2), and along these
solutions the loss falls with eps if h > 0: a valley that leads to infinity and attracts. If h < 0 the flow comes back along it.

**Fourth order.** With tau = eta^2, Phi(theta, tau) = L and the Hessian H of L0, the valley is theta_0 - tau H^-1 Phi_theta,tau + O(tau^2)
and

    L - L_inf = tau Phi_tau + tau^2 (Phi_tau,tau - Phi_tau,theta H^-1 Phi_theta,tau)/2 + O(tau^3),     Phi_tau = a^2 h,

in which eps^2 = tau |v|^2 with the v of the valley.

**Time.** Along the valley L = L_inf + h a^2/s^2 with s = a_i - a_j, and both outgoing weights move, a_i' = -dL/ds and a_j' = +dL/ds:
s' = -2 dL/ds = 4 h a^2/s^3, so s^4 = 16 h a^2 t, eps = |a|/s, L - L_inf = sqrt(h) |a|/(4 sqrt t); the curvature along the unit vector
(1, -1)/sqrt 2 is 2 d2L/ds2 = 12 h a^2/s^4 = 3/(4 t). Across, the direction (1, -1)/sqrt 2 of (w_i, w_j) moves f by (a/eps)/sqrt 2
(u.x) sigma'(w.x): lambda_max eps^2 -> a^2 lambda_max(<sigma'(w.x)^2 x x^T>), and gradient descent with the rate r stops where that is 2/r.

**The Hessian in the original coordinates.** At a point of the valley the gradient in (theta, eta) has an eta-component alone, and eta = 1/s
is a function of the original coordinates with the second derivative 2 eta^3 in s. With the Jacobian S of the original coordinates in
(theta, eta) the original Hessian is S^-T M S^-1,

    M = [[H, 2 eta Phi_theta,tau], [2 eta Phi_tau,theta, 6 Phi_tau + 4 tau Phi_tau,tau]],

so that M has its number of negative eigenvalues, and the softest one is the inverse of the largest eigenvalue of S M^-1 S^T: with all
digits, where the eigenvalues of the original Hessian itself span more than doubles can hold.

**Three neurons.** With the orthonormal u0 = (1, 1, 1)/sqrt 3, u1 = (1, 0, -1)/sqrt 2, u2 = (1, -2, 1)/sqrt 6 across the neurons,
incoming weights u0 omega0 + eps u1 omega1 + eps^2 u2 omega2 and outgoing weights u0 alpha0 + u1 alpha1/eps + u2 alpha2/eps^2, the limit at
z = omega0.x/sqrt 3 is

    sqrt 3 alpha0 sigma(z) + (alpha1 omega1.x + alpha2 omega2.x) sigma'(z) + alpha2/(2 sqrt 6) (omega1.x)^2 sigma''(z),

with an error O(eps^2): sum u2 u1^2 = 1/sqrt 6, and the terms linear in eps have the factors sum u1^3 = sum u1 u2^2 = sum u1^3 u2 = 0.

Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, arXiv 2506.14951, Eq. 3 and appendix C
(coordinates, limit, h, three neurons, toy); laws in time, fourth order and original Hessian derived.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ..activations import ERF, Activation
from ..critical import CriticalPoint, Hypothesis, NotConverged, OutsideTheorem, Statement, newton, refine
from ..display import number
from ..flows import gradient_flow
from ..landscapes import BiasedNetwork, ChannelLandscape, SampledLandscape, gaussian_line
from ..landscapes.channel import not_smooth
from ..networks import Network, flip

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

#: A pair with |v| below this share of max(1, |c|) is at the end of the splitting line: a = 0.
_NO_GAP = 1e-8
#: Newton's solutions count as such up to this max |dL/dtheta|, as a share of max(1, largest eigenvalue).
_REACHED = 1e-11


def channel_toy(points: int = 161, span: float = 8.0) -> SampledLandscape:
    """The toy of two channels: erf neurons, x ~ N(0, 1), target erf((5 x + 2.5)/sqrt 2) + erf((5 x - 2.5)/sqrt 2), no biases.

    points, span : of ``gaussian_line``; the default has the losses to 2e-13.

    Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, Fig. 6 and C.3.3.
    """
    x, weights = gaussian_line(points, span)
    return SampledLandscape(ERF, x[:, None], ERF(5.0 * x + 2.5) + ERF(5.0 * x - 2.5), weights)


# coordinates ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ChannelPoint:
    """A pair of neurons as (w, Delta, eps, c, a), and the other neurons.

    w, direction : (d,), |direction| = 1 (in one dimension +1 or -1; (Delta, eps) and (-Delta, -eps) are the same pair, and so are
    (Delta, a) and (-Delta, -a) with i and j exchanged). rest : the other neurons, or None. b : the output bias, or None.
    places : (i, j), where the pair stands in the network; the last two places if None.
    """

    w: Array
    direction: Array
    eps: float
    c: float
    a: float
    rest: Network | None = None
    b: float | None = None
    places: tuple[int, int] | None = None

    @property
    def v(self) -> Array:
        """a Delta, shape (d,)."""
        return self.a * self.direction

    @property
    def inverse_gap(self) -> float:
        """eta = 1/(a_i - a_j) = eps/a."""
        return self.eps / self.a

    @property
    def theta(self) -> Array:
        """Parameters in ``ChannelLandscape(samples, n, point.inverse_gap)``."""
        others = [] if self.rest is None else [self.rest.W.ravel(), self.rest.a]
        return np.concatenate([*others, self.w, self.v, [self.c], [] if self.b is None else [self.b]])


def _neuron(network: Network, neuron: int) -> int:
    if isinstance(neuron, bool) or not isinstance(neuron, (int, np.integer)) or not 0 <= neuron < network.n:
        raise ValueError(f"a neuron has a number between 0 and {network.n - 1}; {neuron!r:.60} was given")
    return int(neuron)


def _pair(network: Network, i: int, j: int) -> tuple[int, int]:
    if _neuron(network, i) == _neuron(network, j):
        raise ValueError(f"a pair needs two different neurons; neuron {i} was given twice")
    return int(i), int(j)


def to_channel(network: Network, i: int, j: int) -> ChannelPoint:
    """(w, Delta, eps, c, a) of the neurons i and j of a network, eps > 0.

    Of an odd or even activation ``flip`` one of two opposite neurons first. Raises ValueError if i = j or w_i = w_j: there is no direction.

    Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, Eq. 3.
    """
    i, j = _pair(network, i, j)
    half = 0.5 * (network.W[i] - network.W[j])
    eps = float(np.linalg.norm(half))
    if eps == 0:
        raise ValueError(
            f"neurons {i} and {j} have the same w, so that Delta = (w_i - w_j)/|w_i - w_j| does not exist: the network lies on a "
            "splitting line; move the two apart"
        )
    others = [m for m in range(network.n) if m not in (i, j)]
    rest = Network(network.W[others], network.a[others]) if others else None
    return ChannelPoint(
        0.5 * (network.W[i] + network.W[j]),
        half / eps,
        eps,
        float(network.a[i] + network.a[j]),
        eps * float(network.a[i] - network.a[j]),
        rest,
        network.b if isinstance(network, BiasedNetwork) else None,
        (i, j),
    )


def from_channel(point: ChannelPoint) -> Network:
    """The network with the other neurons and this pair, w_i, w_j = w +- eps Delta, a_i, a_j = (c +- a/eps)/2.

    Undoes ``to_channel`` up to rounding. Raises ValueError for eps = 0, the point at infinity.
    """
    if not (np.isfinite(point.eps) and point.eps != 0):
        raise ValueError(
            f"a network has eps != 0: eps -> 0 lies at infinity (channel_limits has that point); eps = {point.eps!r} was given"
        )
    count = 2 + (0 if point.rest is None else point.rest.n)
    i, j = point.places or (count - 2, count - 1)
    others = [m for m in range(count) if m not in (i, j)]
    W, outgoing = np.empty((count, len(point.w))), np.empty(count)
    if point.rest is not None:
        W[others], outgoing[others] = point.rest.W, point.rest.a
    W[i], W[j] = point.w + point.eps * point.direction, point.w - point.eps * point.direction
    outgoing[i], outgoing[j] = 0.5 * (point.c + point.a / point.eps), 0.5 * (point.c - point.a / point.eps)
    return Network(W, outgoing) if point.b is None else BiasedNetwork(W, outgoing, point.b)


# the limit problem ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ChannelLimit:
    """A stationary point of the limit problem L0: where a channel ends, at infinity.

    point : the CriticalPoint of ``ChannelLandscape(samples, n, 0)``. pair : the neurons (i, j) of the network it was reached from, or None.
    """

    point: CriticalPoint
    pair: tuple[int, int] | None = None

    def __repr__(self) -> str:
        c, a, h = (number(value) for value in (self.c, self.a, self.h))
        return f"ChannelLimit({self.kind}, loss={number(self.loss)}, a={a}, c={c}, h={h})"

    @property
    def landscape(self) -> ChannelLandscape:
        """The limit problem, eta = 0."""
        return self.point.landscape

    @property
    def theta(self) -> Array:
        """theta_0 in channel coordinates."""
        return self.point.student.theta

    @property
    def w(self) -> Array:
        """(d,)."""
        return self.point.student.w  # type: ignore[attr-defined]

    @cached_property
    def _split(self) -> tuple[Array, float]:
        v, c = self.point.student.v, self.c  # type: ignore[attr-defined]
        size = float(np.linalg.norm(v))
        if size > _NO_GAP * max(1.0, abs(c)):
            sign = 1.0 if v[np.argmax(np.abs(v))] > 0 else -1.0
            return sign * v / size, sign * size
        start = self.landscape.p - self.landscape.output_bias - 1 - len(v)
        block = self.point.hessian[start : start + len(v), start : start + len(v)]
        direction = np.linalg.eigh(block)[1][:, 0]
        return direction * (1.0 if direction[np.argmax(np.abs(direction))] > 0 else -1.0), 0.0

    @property
    def direction(self) -> Array:
        """Delta, (d,), of length 1 and with its largest component positive; where a = 0, the direction of least curvature."""
        return self._split[0]

    @property
    def a(self) -> float:
        """v = a Delta; 0 at the end of a splitting line."""
        return self._split[1]

    @property
    def c(self) -> float:
        """a_i + a_j."""
        return self.point.student.c  # type: ignore[attr-defined]

    @property
    def rest(self) -> Network | None:
        """The other neurons."""
        return self.point.student.rest  # type: ignore[attr-defined]

    @property
    def b(self) -> float | None:
        """The output bias."""
        return self.point.student.b  # type: ignore[attr-defined]

    @property
    def loss(self) -> float:
        """L_inf = L0(theta_0)."""
        return self.point.loss

    @property
    def minimum(self) -> bool:
        """Whether theta_0 is a minimum of L0: no negative eigenvalue of the whole Hessian."""
        return self.point.index == 0

    @cached_property
    def h(self) -> float:
        """<f2 l'(f0, y)>, the coefficient of eps^2 in L - L_inf; a channel attracts if it is positive."""
        return channel_h(self.landscape.samples, self.theta, self.direction, self.a)

    @property
    def stable(self) -> bool:
        """Whether a channel leads here: a minimum of L0, h > 0 and a != 0."""
        return self.minimum and self.h > 0 and self.a != 0

    @property
    def kind(self) -> str:
        """ "channel", "repelling" (a minimum with h <= 0), "end of the splitting line" (a = 0) or "saddle"."""
        if self.a == 0:
            return "end of the splitting line"
        return "saddle" if not self.minimum else "channel" if self.h > 0 else "repelling"

    @cached_property
    def _along(self) -> tuple[float, Array, float]:
        """Phi_tau, the valley's direction -H^-1 Phi_theta,tau, and the coefficient of tau^2 in L - L_inf."""
        slope, mixed, bend = self.landscape.slope_derivatives(self.theta)
        values, vectors = np.linalg.eigh(self.point.hessian)
        moving = np.abs(values) > self.point.tolerance
        valley = -(vectors[:, moving] / values[moving]) @ (vectors[:, moving].T @ mixed)
        return float(slope), valley, 0.5 * float(bend + mixed @ valley)

    @property
    def fourth(self) -> float:
        """k in L - L_inf = h eps^2 + k eps^4 + O(eps^6) along the channel; NaN where a = 0."""
        if self.a == 0:
            return float("nan")
        start = self.landscape.p - self.landscape.output_bias - 1 - len(self.w)
        v, moved = self.a * self.direction, self._along[1][start : start + len(self.w)]
        return (self._along[2] - 2.0 * self.h * float(v @ moved)) / self.a**4

    @cached_property
    def gram(self) -> float:
        """lambda_max(<sigma'(w.x)^2 x x^T>)."""
        samples = self.landscape.samples
        slope = samples.activation.derivative(samples.X @ self.w, 1)
        return float(np.linalg.eigvalsh((samples.X * (samples.weights * slope**2)[:, None]).T @ samples.X)[-1])

    def gap_at_eps(self, eps: ArrayLike) -> Array:
        """L - L_inf up to O(eps^6): h eps^2 + k eps^4."""
        square = np.asarray(eps, dtype=float) ** 2
        return self.h * square + self.fourth * square**2

    def sharpness_at_eps(self, eps: ArrayLike) -> Array:
        """lambda_max of the Hessian far in the channel: a^2 lambda_max(<sigma'(w.x)^2 x x^T>)/eps^2.

        Source: the power is that of the paper, the constant derived.
        """
        return self.a**2 * self.gram / np.asarray(eps, dtype=float) ** 2

    def edge_of_stability(self, rate: ArrayLike) -> Array:
        """eps at which gradient descent of this rate stops, lambda_max = 2/rate: |a| sqrt(rate lambda_max(<sigma'^2 x x^T>)/2)."""
        return abs(self.a) * np.sqrt(np.asarray(rate, dtype=float) * self.gram / 2.0)

    def separation_at_time(self, t: ArrayLike) -> Array:
        """|a_i - a_j| of gradient flow at late times: (16 h a^2 t)^(1/4)."""
        self._attracts()
        return (16.0 * self.h * self.a**2 * np.asarray(t, dtype=float)) ** 0.25

    def eps_at_time(self, t: ArrayLike) -> Array:
        """eps = |a|/|a_i - a_j| of gradient flow at late times, ~ t^(-1/4)."""
        return abs(self.a) / self.separation_at_time(t)

    def gap_at_time(self, t: ArrayLike) -> Array:
        """L - L_inf of gradient flow at late times: sqrt(h) |a|/(4 sqrt t)."""
        self._attracts()
        return sqrt(self.h) * abs(self.a) / (4.0 * np.sqrt(np.asarray(t, dtype=float)))

    def _attracts(self) -> None:
        if not self.stable:
            raise OutsideTheorem(
                STATEMENT.title,
                "a minimum theta_0 of the limit problem with a != 0 and h > 0",
                f"{self.kind}, index {self.point.index}, a = {number(self.a)}, h = {number(self.h)}",
                "no flow follows this one to infinity: take a limit whose ``stable`` is True",
            )


def softest_at_time(t: ArrayLike) -> Array:
    """The lowest Hessian eigenvalue of gradient flow at late times in a channel: 3/(4 t), whatever the channel.

    Source: derived.
    """
    return 0.75 / np.asarray(t, dtype=float)


def channel_h(landscape: SampledLandscape, theta: ArrayLike, direction: ArrayLike, a: float) -> float:
    """h = <f2 l'(f0, y)>, f2 = (c/2) (Delta.x)^2 sigma''(w.x) + (a/6) (Delta.x)^3 sigma'''(w.x), l' = 2 (f0 - y).

    theta : (W_rest, a_rest, w, v, c[, b]) of one student of the limit problem. direction, a : Delta and a with v = a Delta.

    Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, appendix C.2.
    """
    theta, X, act = np.asarray(theta, dtype=float), landscape.X, landscape.activation
    d, bias = landscape.d, landscape.output_bias
    others = (theta.size - bias - 2 * d - 1) // (d + 1)
    start = others * (d + 1)
    w, v, c = theta[start : start + d], theta[start + d : start + 2 * d], theta[start + 2 * d]
    z = X @ w
    f0 = act(X @ theta[: others * d].reshape(others, d).T) @ theta[others * d : start] + c * act(z)
    f0 = f0 + (X @ v) * act.derivative(z, 1) + (theta[-1] if bias else 0.0)
    along = X @ np.asarray(direction, dtype=float)
    f2 = 0.5 * c * along**2 * act.derivative(z, 2) + a / 6.0 * along**3 * act.derivative(z, 3)
    return float(np.sum(landscape.weights * 2.0 * (f0 - landscape.y) * f2))


@dataclass(frozen=True, eq=False)
class LimitProfile:
    """The limit problem of one pair with everything but w eliminated.

    w : (..., d). loss : l(w, 0) = min over v, c (and b) of L0, (...). slope : dl/dw, (..., d). v : (..., d). c : (...).
    b : (...), zero without output bias. h : <f2 l'>, (...), with a = |v| (in one dimension the sign of a is that of v).
    """

    w: Array
    loss: Array
    slope: Array
    v: Array
    c: Array
    b: Array
    h: Array


def limit_profile(landscape: SampledLandscape, w: ArrayLike) -> LimitProfile:
    """l(w, 0): the limit problem of two neurons at fixed w, solved for v, c (and b), in which it is linear.

    w : (..., d), for one input also one number. v and c are the least-squares solution of smallest norm.

    Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, Fig. 6c (erf, one dimension).
    """
    _require_smooth(landscape.activation)
    X, m, act, d = landscape.X, landscape.weights, landscape.activation, landscape.d
    w = np.asarray(w, dtype=float)
    if d == 1 and w.ndim == 0:
        w = w[None]
    if w.ndim == 0 or w.shape[-1] != d:
        raise ValueError(f"w has d = {d} entries on its last axis; its shape is {w.shape}")
    flat = w.reshape(-1, d)
    root, rows = np.sqrt(m), max(1, 2**20 // (len(X) * (d + 2)))
    results: list[tuple[Array, ...]] = []
    for first in range(0, len(flat), rows):
        z = flat[first : first + rows] @ X.T
        s, s1, s2, s3 = (act.derivative(z, k) for k in range(4))
        columns = [s[..., None], s1[..., None] * X]
        if landscape.output_bias:
            columns.append(np.ones((*z.shape, 1)))
        matrix = np.concatenate(columns, axis=-1)
        solution = (np.linalg.pinv(matrix * root[:, None], rcond=1e-13) @ (root * landscape.y))[..., None]
        rest = (matrix @ solution)[..., 0] - landscape.y
        c, v = solution[:, 0], solution[:, 1 : d + 1, 0]
        q = v @ X.T
        pull = 2.0 * m * rest
        slope = (pull * (c * s1 + q * s2)) @ X
        size = np.linalg.norm(v, axis=-1, keepdims=True)
        a = v if d == 1 else size
        along = X[:, 0] if d == 1 else (q / np.where(size > 0, size, 1.0))
        h = np.sum(pull * (0.5 * c * along**2 * s2 + a / 6.0 * along**3 * s3), axis=-1)
        b = solution[:, -1, 0] if landscape.output_bias else np.zeros(len(z))
        results.append((np.sum(m * rest**2, axis=-1), slope, v, c[:, 0], b, h))
    loss, slope, v, c_flat, b, h = (np.concatenate(parts) for parts in zip(*results))
    lead = w.shape[:-1]
    scalars = [value.reshape(lead)[()] for value in (loss, c_flat, b, h)]
    return LimitProfile(w, scalars[0], slope.reshape(w.shape), v.reshape(w.shape), scalars[1], scalars[2], scalars[3])


def _one_input(landscape: SampledLandscape) -> None:
    if landscape.d != 1:
        raise ValueError(
            f"the stationary points of l(w, 0) are found along a line for one input; the samples have d = {landscape.d}: "
            "channel_limits starts from a network in any dimension"
        )


def _crossings(grid: Array, function: Callable[[Array], Array]) -> Array:
    """The zeros of a function between the grid points at which it changes its sign, by bisection."""
    values = function(grid)
    at = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    low, high, sign = grid[at].copy(), grid[at + 1].copy(), np.sign(values[at])
    for _ in range(52 if at.size else 0):
        middle = 0.5 * (low + high)
        same = np.sign(function(middle)) == sign
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return 0.5 * (low + high)


def limits_on_a_line(
    landscape: SampledLandscape, low: float = 0.01, high: float = 5.0, points: int = 500
) -> tuple[ChannelLimit, ...]:
    """The stationary points of the limit problem of two neurons with one input, low <= w <= high, in ascending w.

    Found where dl(w, 0)/dw changes its sign between neighbours of ``points`` equally spaced ones, and refined by Newton's iteration on
    L0. For odd and even activations -w is the same pair. Raises ValueError for more than one input.
    """
    _one_input(landscape)
    grid = np.linspace(low, high, points)
    zeros = _crossings(grid, lambda w: limit_profile(landscape, w[:, None]).slope[:, 0])
    zero, found = ChannelLandscape(landscape, 2, 0.0), []
    for w in zeros:
        at = limit_profile(landscape, w)
        start = np.concatenate([[w], at.v, [at.c], [at.b] if landscape.output_bias else []])
        found.append(ChannelLimit(refine(zero, start, "limit of a channel")))
    return tuple(found)


def attracting_stretches(
    landscape: SampledLandscape, low: float = 0.01, high: float = 5.0, points: int = 500
) -> tuple[tuple[float, float], ...]:
    """The intervals of w, within low <= w <= high, on which h > 0 along l(w, 0): one input, two neurons.

    Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, Fig. 6c.
    """
    _one_input(landscape)
    grid = np.linspace(low, high, points)
    ends = [low, *_crossings(grid, lambda w: limit_profile(landscape, w[:, None]).h).tolist(), high]
    middles = 0.5 * (np.array(ends[:-1]) + np.array(ends[1:]))
    inside = limit_profile(landscape, middles[:, None]).h > 0
    return tuple((ends[i], ends[i + 1]) for i in np.flatnonzero(inside))


def _facing(network: Network, i: int, j: int, activation: Activation) -> Network:
    """The same function with w_j on the side of w_i, where the activation is odd or even."""
    if (activation.odd or activation.even) and float(network.W[i] @ network.W[j]) < 0:
        return flip(network, j, activation)
    return network


def _opposite(landscape: SampledLandscape, network: Network) -> list[tuple[int, int]]:
    """The pairs whose outgoing weights have opposite signs once both neurons face the same side."""
    found = []
    for i in range(network.n):
        for j in range(i + 1, network.n):
            a = _facing(network, i, j, landscape.activation).a
            if a[i] * a[j] < 0:
                found.append((i, j))
    return found


def channel_limits(
    landscape: SampledLandscape, network: Network, pairs: Sequence[tuple[int, int]] | None = None
) -> tuple[ChannelLimit, ...]:
    """The limits that a network's pairs of neurons lead to, lowest loss first.

    For each pair: Newton's iteration at the pair's fixed eta = 1/(a_i - a_j) to the bottom of the valley, then at half of eta, a quarter,
    ..., and 0, each from the one before; where this ends in no minimum, the flow at fixed eta goes first. Opposite neurons of odd and even
    activations are turned to one side before. Limits that agree in loss, |a|, |c| and h are listed once. Not every pair has a limit: one
    whose continuation ends on the way is left out; of one pair asked for alone this raises ``NotConverged``.

    pairs : (i, j) to look at; by default those with outgoing weights of opposite signs. A limit attracts only if it is ``stable``.
    """
    if isinstance(landscape, SampledLandscape):
        _require_smooth(landscape.activation)
    else:
        ChannelLandscape(landscape, 2, 0.0)  # refuses it in its own words
    if network.n < 2:
        raise ValueError(f"a channel needs two neurons; the network has n = {network.n}")
    chosen = _opposite(landscape, network) if pairs is None else [_pair(network, i, j) for i, j in pairs]
    found: list[ChannelLimit] = []
    for i, j in chosen:
        try:
            limit = _continued(landscape, network, i, j)
        except NotConverged:
            if pairs is not None and len(chosen) == 1:
                raise
            continue
        alike = (
            np.allclose(
                [limit.loss, abs(limit.a), abs(limit.c), limit.h],
                [other.loss, abs(other.a), abs(other.c), other.h],
                rtol=1e-6,
                atol=1e-9,
            )
            for other in found
        )
        if not any(alike):
            found.append(limit)
    return tuple(sorted(found, key=lambda limit: limit.loss))


def _continued(landscape: SampledLandscape, network: Network, i: int, j: int) -> ChannelLimit:
    network = _facing(network, i, j, landscape.activation)
    if network.a[i] == network.a[j]:
        raise NotConverged(f"the pair ({i}, {j}) has a_i = a_j and no eta = 1/(a_i - a_j)", network, inf)
    channel, start = ChannelLandscape.from_network(landscape, network, i, j)
    for flowing in (False, True):
        if flowing:
            start = gradient_flow(channel, start, 1e6, endpoint_only=True, limit=1e6, max_steps=200).theta
        theta, residual, largest = newton(channel, start)
        solved = bool(residual <= _REACHED * max(1.0, float(largest)))
        if solved and np.linalg.eigvalsh(channel.hessian(theta))[0] >= -1e-9 * float(largest):
            break
    lost = channel.inverse_gap
    if solved:
        theta, lost, left = _track(channel, theta, 0.0)
        residual = np.asarray(left)
    if lost != 0:
        raise NotConverged(
            f"the valley of the pair ({i}, {j}) was lost at eta = {number(lost)}: max |grad L| = {float(residual):.3g}; "
            "start further along the channel, or from another pair",
            network,
            float(residual),
        )
    return ChannelLimit(refine(channel.at(0.0), theta, "limit of a channel"), (i, j))


def _tangent(here: ChannelLandscape, theta: Array) -> Array:
    """dtheta/dtau of the critical points at fixed eta: -H^-1 Phi_theta,tau, zero modes left aside."""
    values, vectors = np.linalg.eigh(here.hessian(theta))
    moving = np.abs(values) > 1e-13 * np.abs(values).max()
    return -(vectors[:, moving] / values[moving]) @ (vectors[:, moving].T @ here.slope_derivatives(theta)[1])


def _corrected(there: ChannelLandscape, theta: Array) -> tuple[Array, float, bool]:
    """A few undamped Newton steps, zero modes left aside: (theta, max |grad L|, whether that is zero up to rounding)."""
    best, least, solved = theta, inf, False
    for _ in range(12):
        residual = float(np.abs(there.gradient(theta)).max())
        if not residual < (0.5 if solved else 1e3) * least:
            break
        values, vectors = np.linalg.eigh(there.hessian(theta))
        top = float(np.abs(values).max())
        best, least, solved = theta, residual, residual <= _REACHED * max(1.0, top)
        if residual <= 1e-16 * top:
            break
        moving = np.abs(values) > 1e-13 * top
        theta = theta - (vectors[:, moving] / values[moving]) @ (vectors[:, moving].T @ there.gradient(theta))
    return best, least, solved


def _track(here: ChannelLandscape, theta: Array, eta: float) -> tuple[Array, float, float]:
    """The critical point theta of one eta followed to another in tau, by tangent and Newton's iteration, which must stay near the tangent.

    (theta, the eta that was reached, max |grad L|).
    """
    now, goal, residual = here.inverse_gap**2, eta**2, 0.0
    step, smallest = goal - now, 1e-4 * max(goal, now)
    for _ in range(60):
        if now == goal:
            break
        tangent, failed = _tangent(here, theta), False
        while True:
            new = now + step if abs(step) < abs(goal - now) else goal
            there, move = here.at(eta if new == goal else sqrt(new)), (new - now) * tangent
            found, residual, solved = _corrected(there, theta + move)
            strayed = np.linalg.norm(found - theta - move) > 0.5 * np.linalg.norm(move) + 1e-6 * np.linalg.norm(theta)
            if solved and not strayed:
                break
            if abs(step) < smallest:
                return theta, sqrt(now), residual
            step, failed = 0.25 * step, True
        here, theta, now = there, found, new
        step *= 1.0 if failed else 3.0
    return theta, eta if now == goal else sqrt(now), residual


# following a channel --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ChannelPath:
    """A channel: the critical points at fixed eta = 1/(a_i - a_j), from its limit outwards, in the order asked for.

    limit : where it ends. inverse_gaps : eta, (T,). theta : channel coordinates, (T, p). residuals : max |dL/dtheta| at fixed eta, (T,).
    gap_to_limit : L - L_inf from differences of residuals, which keeps its digits where the losses agree in all of theirs, (T,).
    """

    limit: ChannelLimit
    inverse_gaps: Array
    theta: Array
    residuals: Array
    gap_to_limit: Array

    def __repr__(self) -> str:
        low, high = number(float(self.eps.min())), number(float(self.eps.max()))
        return f"ChannelPath({len(self.eps)} points, eps from {low} to {high}, to {self.limit!r})"

    def _at(self, k: int) -> ChannelLandscape:
        return self.limit.landscape.at(float(self.inverse_gaps[k]))

    @property
    def eps(self) -> Array:
        """|w_i - w_j|/2 = |eta| |v|, (T,)."""
        start = self.limit.landscape.p - self.limit.landscape.output_bias - 1 - len(self.limit.w)
        return np.abs(self.inverse_gaps) * np.linalg.norm(self.theta[:, start : start + len(self.limit.w)], axis=-1)

    @cached_property
    def losses(self) -> Array:
        """L, (T,)."""
        return np.array([float(self._at(k).value(theta)) for k, theta in enumerate(self.theta)])

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The ordinary networks, the pair last. At eps below 1e-8 they have lost the digits of Delta that the channel coordinates keep."""
        return tuple(self._at(k).network(theta) for k, theta in enumerate(self.theta))

    @cached_property
    def sharpness(self) -> Array:
        """The largest eigenvalue of the Hessian in the original coordinates, (T,)."""
        samples = self.limit.landscape.samples
        return np.array([np.linalg.eigvalsh(samples.hessian(network))[-1] for network in self.networks])

    @cached_property
    def _in_channel(self) -> tuple[Array, Array]:
        """M, and the Jacobian S of the original parameters in (theta, eta), at each point."""
        found = [channel_hessian(self._at(k), theta) for k, theta in enumerate(self.theta)]
        return np.array([m for m, _ in found]), np.array([s for _, s in found])

    @cached_property
    def softest(self) -> Array:
        """The eigenvalue of least size of the Hessian in the original coordinates, from the channel coordinates, (T,): ~ 12 h a^2 eta^4."""
        matrices, jacobians = self._in_channel
        inverse = jacobians @ np.linalg.inv(matrices) @ jacobians.swapaxes(-1, -2)
        values = np.linalg.eigvalsh(inverse)
        return 1.0 / np.take_along_axis(values, np.argmax(np.abs(values), axis=-1)[:, None], axis=-1)[:, 0]

    @cached_property
    def index(self) -> Array:
        """The number of negative eigenvalues of the Hessian in the original coordinates, (T,): those of M."""
        return np.sum(np.linalg.eigvalsh(self._in_channel[0]) < 0, axis=-1)


def channel_hessian(landscape: ChannelLandscape, theta: ArrayLike) -> tuple[Array, Array]:
    """(M, S): the original Hessian at a point of the valley is S^-T M S^-1, with the Jacobian S of the original parameters in (theta, eta).

    M = [[H, 2 eta Phi_theta,tau], [2 eta Phi_tau,theta, 6 Phi_tau + 4 tau Phi_tau,tau]]. Rows of S : (W_rest, w_i, w_j, a_rest, a_i,
    a_j[, b]). Holds where dL/dtheta = 0 at fixed eta. Raises ValueError for eta = 0.

    Source: derived (see the module).
    """
    eta, d, m, p = landscape.inverse_gap, landscape.d, landscape.n - 2, landscape.p
    if eta == 0:
        raise ValueError("the original coordinates end before eta = 0; take a ChannelLandscape with inverse_gap != 0")
    student = landscape.student(theta)
    slope, mixed, bend = landscape.slope_derivatives(student)
    matrix = np.empty((p + 1, p + 1))
    matrix[:p, :p] = landscape.hessian(student)
    matrix[p, :p] = matrix[:p, p] = 2.0 * eta * mixed
    matrix[p, p] = 6.0 * slope + 4.0 * eta**2 * bend
    jacobian, one = np.zeros((p + 1, p + 1)), np.eye(d)
    w, v, c = m * (d + 1), m * (d + 1) + d, m * (d + 1) + 2 * d
    incoming, outgoing = m * d, (m + 2) * d + m
    jacobian[:incoming, :incoming] = np.eye(incoming)
    jacobian[(m + 2) * d : outgoing, incoming:w] = np.eye(m)
    for row, sign in ((0, 1.0), (1, -1.0)):
        here = slice(incoming + row * d, incoming + (row + 1) * d)
        jacobian[here, w:v], jacobian[here, v:c], jacobian[here, p] = one, sign * eta * one, sign * student.v
        jacobian[outgoing + row, c], jacobian[outgoing + row, p] = 0.5, -sign * 0.5 / eta**2
    if landscape.output_bias:
        jacobian[-1, p - 1] = 1.0
    return matrix, jacobian


def follow_channel(
    landscape: SampledLandscape,
    start: ChannelLimit | Network,
    eps: ArrayLike | None = None,
    inverse_gaps: ArrayLike | None = None,
) -> ChannelPath:
    """A channel at these eps (or eta): Newton's iteration at fixed eta, from the limit outwards, each from the one before.

    start : the limit; or a network, whose stable limit of lowest loss is taken (of all its limits, if none is stable).
    eps : |w_i - w_j|/2, positive; eta is adjusted until they are met. inverse_gaps : eta instead; by default 25 eps from 1e-8 to 0.1.
    Where eps is small the coordinates hardly move, so that 1e-8 is as near as 1e-2: only the ordinary networks run out of digits there.
    Raises ``NotConverged`` where the channel ends before a given eps or eta, and ValueError for arguments that make no sense.
    """
    if isinstance(start, Network):
        limits = channel_limits(landscape, start)
        if not limits:
            raise NotConverged("no pair of this network leads to a limit at infinity", start, inf)
        limit = next((found for found in limits if found.stable), limits[0])
    else:
        limit = start
    if (eps is None) == (inverse_gaps is None) and eps is not None:
        raise ValueError("follow_channel takes eps or inverse_gaps, and both were given")
    by_eps = inverse_gaps is None
    wanted = np.atleast_1d(
        np.asarray(np.geomspace(1e-8, 0.1, 25) if by_eps and eps is None else eps if by_eps else inverse_gaps, float)
    )
    if wanted.ndim != 1 or not wanted.size or not np.isfinite(wanted).all() or (by_eps and not (wanted > 0).all()):
        raise ValueError(
            f"{'eps must be positive finite numbers' if by_eps else 'inverse_gaps must be finite numbers'}; "
            f"{wanted.tolist()!r:.60} was given"
        )
    if not by_eps and (wanted == 0).any():
        raise ValueError("inverse_gaps = 0 is the limit itself; leave it out")
    if by_eps and limit.a == 0:
        raise ValueError(
            "this limit is the end of a splitting line, a = 0, where every network has eps = 0; "
            "give inverse_gaps to look along the line"
        )
    zero, d = limit.landscape, limit.landscape.d
    first = zero.p - zero.output_bias - 1 - d
    here, theta = zero, limit.theta
    etas, thetas = np.empty(wanted.size), np.empty((wanted.size, zero.p))
    residuals, gaps = np.empty(wanted.size), np.empty(wanted.size)
    for k in np.argsort(np.abs(wanted)):
        size = float(np.linalg.norm(theta[first : first + d]))
        eta = wanted[k] / size if by_eps else float(wanted[k])
        for _ in range(20):
            theta, reached, residual = _track(here, theta, eta)
            here = zero.at(reached)
            if reached != eta or not by_eps:
                break
            v, moved = theta[first : first + d], _tangent(here, theta)[first : first + d]
            found = eta * float(np.linalg.norm(v))
            if abs(found - wanted[k]) <= 4e-16 * wanted[k]:
                break
            closer = eta * (wanted[k] / found) ** (1.0 / (1.0 + 2.0 * eta**2 * float(v @ moved) / float(v @ v)))
            if not closer > 0 or abs(closer - eta) <= 4e-16 * eta:
                break
            eta = closer
        away = (
            abs(abs(here.inverse_gap) * float(np.linalg.norm(theta[first : first + d])) - wanted[k]) if by_eps else 0.0
        )
        if here.inverse_gap != eta or away > 1e-12 * wanted[k]:
            raise NotConverged(
                f"the channel was lost at eta = {number(here.inverse_gap)} on the way to {'eps' if by_eps else 'eta'} = "
                f"{number(float(wanted[k]))}: it bends back, or ends, before; ask for smaller ones",
                here.network(theta),
                residual,
            )
        etas[k], thetas[k], residuals[k] = eta, theta, float(np.abs(here.gradient(theta)).max())
        gaps[k] = here.excess(theta, limit.theta)
    return ChannelPath(limit, etas, thetas, residuals, gaps)


def jump_procedure(
    landscape: SampledLandscape, network: Network, pair: tuple[int, int], halvings: int = 9, time: float = 1e3
) -> tuple[Network, ...]:
    """The literature's way along a channel: eps is halved at fixed (c, a, w, Delta), then the flow relaxes for a time; once per halving.

    pair : (i, j). Returns the network after the first relaxation and after each halving, halvings + 1 of them.

    Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025 (there with ODE solvers and time limits of their own).
    """
    i, j = pair
    found = []
    for k in range(halvings + 1):
        if k:
            point = to_channel(network, i, j)
            network = from_channel(replace(point, eps=0.5 * point.eps))
        network = gradient_flow(landscape, network, time, dense=False).end
        found.append(network)
    return tuple(found)


# three neurons --------------------------------------------------------------------------------------------------------

#: u0, u1, u2: the orthonormal patterns across three neurons that meet.
_PATTERNS = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]]) / np.sqrt([[3.0], [2.0], [6.0]])


@dataclass(frozen=True, eq=False)
class ChannelTriplet:
    """Three neurons that meet: W = u0 omega0 + eps u1 omega1 + eps^2 u2 omega2, a = u0 alpha0 + u1 alpha1/eps + u2 alpha2/eps^2.

    omega : (3, d), |omega1| = 1 fixes eps. alpha : (3,). eps : > 0.
    """

    omega: Array
    alpha: Array
    eps: float

    def limit(self, activation: Activation, X: ArrayLike) -> Array:
        """The function for eps -> 0 on inputs X (..., d): gated by sigma' and sigma''.

        sqrt 3 alpha0 sigma(z) + (alpha1 omega1.x + alpha2 omega2.x) sigma'(z) + alpha2/(2 sqrt 6) (omega1.x)^2 sigma''(z) at
        z = omega0.x/sqrt 3. Raises ``OutsideTheorem`` for an activation that is not smooth.

        Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, appendix C.6; the factor 1/(2 sqrt 6) derived.
        """
        _require_smooth(activation)
        first, second, third = np.moveaxis(np.asarray(X, dtype=float) @ self.omega.T, -1, 0)
        z = first / sqrt(3.0)
        gate = (self.alpha[1] * second + self.alpha[2] * third) * activation.derivative(z, 1)
        bend = self.alpha[2] / (2.0 * sqrt(6.0)) * second**2 * activation.derivative(z, 2)
        return sqrt(3.0) * self.alpha[0] * activation(z) + gate + bend


def to_triplet(network: Network, i: int, j: int, k: int) -> ChannelTriplet:
    """(omega, alpha, eps) of three neurons, eps = |w_i - w_k|/sqrt 2; j is the one in between. Raises ValueError if w_i = w_k."""
    chosen = [_neuron(network, place) for place in (i, j, k)]
    if len(set(chosen)) < 3:
        raise ValueError(f"a triplet needs three different neurons; {(i, j, k)} was given")
    omega, alpha = _PATTERNS @ network.W[chosen], _PATTERNS @ network.a[chosen]
    eps = float(np.linalg.norm(omega[1]))
    if eps == 0:
        raise ValueError(
            f"neurons {i} and {k} have the same w, and no direction omega1; take those furthest apart as i and k"
        )
    powers = eps ** np.arange(3)
    return ChannelTriplet(omega / powers[:, None], alpha * powers, eps)


def from_triplet(triplet: ChannelTriplet) -> Network:
    """The three neurons. Undoes ``to_triplet`` up to rounding; raises ValueError for eps = 0."""
    if not (np.isfinite(triplet.eps) and triplet.eps != 0):
        raise ValueError(f"a network has eps != 0: eps -> 0 is ``limit``; eps = {triplet.eps!r} was given")
    powers = triplet.eps ** np.arange(3)
    return Network(_PATTERNS.T @ (triplet.omega * powers[:, None]), _PATTERNS.T @ (triplet.alpha / powers))


# the statement --------------------------------------------------------------------------------------------------------


def _kinked(activation: Activation, teacher: Network) -> str | None:
    return not_smooth(activation)


_SMOOTH = Hypothesis(
    "an activation with three derivatives (h contains sigma''')",
    _kinked,
    "choose a smooth one, such as erf, tanh or softplus; with kinks, channels on finite data end in cusps",
)


def _require_smooth(activation: Activation) -> None:
    refused = not_smooth(activation)
    if refused:
        raise OutsideTheorem(STATEMENT.title, _SMOOTH.sentence, refused, _SMOOTH.remedy)


def _dimension(activation: Activation, teacher: Network) -> str | None:
    return None if teacher.d in (1, 2) else f"a teacher with d = {teacher.d} inputs"


def teacher_on_a_line(activation: Activation, teacher: Network) -> SampledLandscape:
    """x ~ N(0, 1) with the labels of a teacher that sees x (d = 1) or (x, 1) (d = 2: its biases); students have no biases."""
    x, weights = gaussian_line()
    inputs = np.column_stack([x, np.ones_like(x)])[:, : teacher.d]
    return SampledLandscape(activation, x[:, None], activation(inputs @ teacher.W.T) @ teacher.a, weights)


def _ends(activation: Activation, teacher: Network) -> tuple[ChannelLimit, ...]:
    """All stationary points of the limit problem, where the first two hypotheses let it be looked at."""
    if _kinked(activation, teacher) or _dimension(activation, teacher):
        return ()
    return limits_on_a_line(teacher_on_a_line(activation, teacher))


def _no_minimum(activation: Activation, teacher: Network) -> str | None:
    limits = _ends(activation, teacher)
    if any(limit.minimum and limit.a != 0 for limit in limits):
        return None
    if _kinked(activation, teacher) or _dimension(activation, teacher):
        return None  # refused before
    kinds = ", ".join(f"{limit.kind} at w = {number(float(limit.w[0]))}" for limit in limits)
    return f"a limit problem with {kinds or 'no stationary point'} in 0 < w <= 5"


def _repels(activation: Activation, teacher: Network) -> str | None:
    ends = [limit for limit in _ends(activation, teacher) if limit.minimum and limit.a != 0]
    if not ends or any(limit.h > 0 for limit in ends):
        return None
    return f"h = {', '.join(number(limit.h) for limit in ends)}"


def _points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The limits of attracting channels of two neurons, as minima of the limit problem."""
    STATEMENT.require(activation, teacher)
    return tuple(
        replace(limit.point, name="limit of a channel", statement=STATEMENT.key)
        for limit in _ends(activation, teacher)
        if limit.stable
    )


STATEMENT = Statement(
    key="channels",
    title="channels to infinity",
    status="known (coordinates, limit, condition), derived (laws in time, fourth order)",
    source=(
        '"Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, arXiv 2506.14951, Eq. 3 and appendix C '
        "(coordinates, limit, h, three neurons, toy); laws in time, fourth order and original Hessian derived."
    ),
    claim=(
        r"Write two neurons as $w_{i,j}=w\pm\epsilon\Delta$, $a_{i,j}=\tfrac12(c\pm a/\epsilon)$, $|\Delta|=1$. For $\epsilon\to0$, "
        r"at infinity, they become a **gated linear unit** $$c\,\sigma(w\cdot x)+a\,(\Delta\cdot x)\,\sigma'(w\cdot x),$$ and "
        r"$L=L_0+\epsilon^2h+O(\epsilon^4)$ with $h=\langle f_2\,l'(f_0,y)\rangle$, "
        r"$f_2=\tfrac c2(\Delta\cdot x)^2\sigma''(w\cdot x)+\tfrac a6(\Delta\cdot x)^3\sigma'''(w\cdot x)$. Where $L_0$ has a minimum with "
        r"positive Hessian and $h>0$, a **channel** leads to it: a valley in which the loss falls for ever, "
        r"$|a_i-a_j|\simeq(16ha^2t)^{1/4}$, $L-L_\infty\simeq\sqrt h\,|a|/(4\sqrt t)$, while the sharpness grows, "
        r"$\lambda_{\max}\epsilon^2\to a^2\lambda_{\max}(\langle\sigma'(w\cdot x)^2xx^\top\rangle)$, and the softest eigenvalue falls as "
        r"$3/(4t)$. If $h<0$ the same minimum repels."
    ),
    hypotheses=(
        _SMOOTH,
        Hypothesis(
            "one Gaussian input, with or without a teacher's bias (teacher.d = 1 or 2), to list all limits",
            _dimension,
            "channel_limits(landscape, network) finds those that a network leads to, in any dimension",
        ),
        Hypothesis(
            "a minimum of the limit problem with a != 0",
            _no_minimum,
            "take a rougher target, such as the toy Network([[5, 2.5], [5, -2.5]], [1, 1])",
        ),
        Hypothesis(
            "h > 0 at such a minimum", _repels, "take another target: here the flow comes back along the valley"
        ),
    ),
    cases=(
        {"w": 0.866296, "loss": 0.0423721520, "a": 1.496685, "c": 1.667556, "h": 0.00709138, "kind": "channel"},
        {"w": 1.399554, "loss": 0.0471160275, "a": 0.0, "c": 2.152784, "kind": "end of the splitting line"},
        {"w": 3.150432, "loss": 0.00077333254, "a": -6.511116, "c": 2.017815, "h": 0.00101470, "kind": "channel"},
    ),
    point=_points,
    figure="channels",
    verified=(
        "gated linear unit against two neurons at small eps",
        "h against differences of the loss in eps^2 and against SymPy",
        "both channels followed to eps = 1e-8",
        "gradient flow to t = 1e12 against the laws in time",
        "spectrum in the original coordinates against 60-digit arithmetic",
    ),
)
