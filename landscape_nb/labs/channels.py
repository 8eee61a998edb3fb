"""The lab of page 06: a channel to infinity, its gated linear unit, the loss over it, and how far gradient descent can follow its floor."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure
from scipy.interpolate import CubicSpline

from ..activations import ERF, Activation
from ..closed_forms.channels import (
    STATEMENT,
    ChannelLimit,
    ChannelPath,
    channel_toy,
    limit_profile,
    limits_on_a_line,
)
from ..critical import CriticalPoint, NotConverged, newton, refine
from ..display import below, eigenvalues, number, vector
from ..figures import channels as picture
from ..flows import gradient_flow
from ..landscapes import ChannelLandscape, SampledLandscape
from . import cards
from .computation import Progress, without_progress
from .export import Tables
from .lab import Lab
from .parameters import Choice, Logarithmic

Array = np.ndarray

FIRST, SECOND, TWO_INPUTS = "channel 1", "channel 2", "two inputs"
#: The range of eps, and how far paths are followed beyond its upper end.
LEAST, MOST, BEYOND = 1e-4, 1.0, 1.1
#: The largest |a_i - a_j| of the map.
FARTHEST = 1e5
#: Newton's solutions count as such up to this max |dL/dtheta|, as a share of max(1, largest eigenvalue).
_REACHED = 1e-11
#: |a_i - a_j| from which on the map is linear in eta^2 to 1e-8.
_LINEAR = 300.0


@dataclass(frozen=True, eq=False)
class Valley:
    """A landscape with its channels: what all values of eps and rate have in common.

    single : the best neuron alone. line : the end of its splitting line at infinity. limits, paths : of the channels, in the order of their
    names. ends : the largest eps of each. u : (d,), the mean weight is shown along it. surface : the map.
    """

    landscape: SampledLandscape
    single: CriticalPoint
    line: ChannelLimit
    limits: tuple[ChannelLimit, ...]
    paths: tuple[ChannelPath, ...]
    ends: tuple[float, ...]
    u: Array
    surface: picture.ChannelMap


@dataclass(frozen=True, eq=False)
class ChannelsResult:
    """The view, the channel, the network at this eps, and the eps at which its floor is too sharp for gradient descent (None: nowhere)."""

    view: picture.ChannelsView
    valley: Valley
    limit: ChannelLimit
    here: ChannelPath
    rate: float


# the two landscapes ---------------------------------------------------------------------------------------------------


def log_rosenbrock(X: Array) -> Array:
    """log10(3 (x2 + 1 - x1^2)^2 + (1 - x1)^2 + 0.1) of inputs (..., 2).

    Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, settings, in two dimensions.
    """
    first, second = X[..., 0], X[..., 1]
    return np.log10(3.0 * (second + 1.0 - first**2) ** 2 + (1.0 - first) ** 2 + 0.1)


def rosenbrock_grid(points: int = 12) -> SampledLandscape:
    """erf neurons without biases on a grid of two inputs between -sqrt 3 and sqrt 3; labels log-Rosenbrock with mean 0 and variance 1."""
    line = np.linspace(-np.sqrt(3.0), np.sqrt(3.0), points)
    X = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    y = log_rosenbrock(X)
    return SampledLandscape(ERF, X, (y - y.mean()) / y.std())


def _mean_weights(d: int) -> Array:
    """Mean weights from which limits are looked for, (count, d): one of w and -w, which are the same for odd neurons."""
    line = np.linspace(-4.0, 4.0, 13)
    axes = [*[line] * (d - 1), np.linspace(1.0 / 3.0, 4.0, 12)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, d)


def lowest_limit(landscape: SampledLandscape) -> ChannelLimit:
    """The minimum of the limit problem to which the flow leads from the lowest of a grid of mean weights, v and c solved for."""
    W = _mean_weights(landscape.d)
    profile = limit_profile(landscape, W)
    best = int(np.argmin(profile.loss))
    start = np.concatenate([W[best], profile.v[best], [profile.c[best]]])
    zero = ChannelLandscape(landscape, 2, 0.0)
    return ChannelLimit(refine(zero, gradient_flow(zero, start, 1e8, endpoint_only=True).theta, "limit of a channel"))


def one_neuron(landscape: SampledLandscape) -> CriticalPoint:
    """The minimum of one neuron to which the flow leads from the lowest of a grid of weights, the outgoing weight solved for."""
    W = _mean_weights(landscape.d)
    values = landscape.activation(landscape.X @ W.T)
    square = landscape.weights @ values**2
    a = (landscape.weights * landscape.y) @ values / np.where(square > 0, square, np.inf)
    best = int(np.argmin(landscape.value(np.column_stack([W, a]))))
    start = np.append(W[best], a[best])
    return refine(landscape, gradient_flow(landscape, start, 1e8, endpoint_only=True).theta, "one neuron")


def valley(channel: str, progress: Progress) -> Valley:
    """The landscape of this channel, all channels in it, and the map; computed once."""
    name = _landscape_of(channel)
    if name not in _known:
        _known[name] = _computed(name, progress)
    return _known[name]


def _landscape_of(channel: str) -> str:
    return TWO_INPUTS if channel == TWO_INPUTS else "toy"


_known: dict[str, Valley] = {}


def _computed(name: str, progress: Progress) -> Valley:
    limits: tuple[ChannelLimit, ...]
    if name == TWO_INPUTS:
        landscape = rosenbrock_grid()
        limits = (lowest_limit(landscape),)
        low, high, least = 0.4, 6.4, 4.0
    else:
        landscape = channel_toy()
        limits = tuple(limit for limit in limits_on_a_line(landscape) if limit.stable)
        low, high, least = 0.6, 4.4, 1.2
    single = one_neuron(landscape)
    w, a = single.student.W[0], float(single.student.a[0])
    zero = ChannelLandscape(landscape, 2, 0.0)
    line = ChannelLimit(refine(zero, np.concatenate([w, np.zeros(landscape.d), [a]]), "end of the splitting line"))
    away = w - limits[0].w
    u = away / np.linalg.norm(away)
    u = u if float(u @ w) > 0 else -u
    paths = []
    for k, limit in enumerate(limits):
        paths.append(followed(limit))
        progress(0.4 * (k + 1) / len(limits))
    ends = tuple(largest_eps(path) for path in paths)
    surface = channel_map(
        landscape, limits[0].w, u, (low, high, 64), (least, FARTHEST, 72), lambda share: progress(0.4 + 0.6 * share)
    )
    return Valley(landscape, single, line, limits, tuple(paths), ends, u, surface)


# along a channel ------------------------------------------------------------------------------------------------------


def followed(limit: ChannelLimit) -> ChannelPath:
    """The channel from eps = 1e-4 outwards, to eps = 1.1 or to where it has begun: Newton's iteration at fixed eta, each from those before.

    It begins where one of the two outgoing weights is 0, |c| = 1/eta: there its neuron is free, and beyond a saddle.
    """
    first = 0.9 * LEAST / abs(limit.a)
    etas = [*np.geomspace(first, 300.0 * first, 9)]
    known: dict[float, Array] = {0.0: limit.theta}
    residuals, gaps = {}, {}

    def step(eta: float, guess: Array) -> bool:
        here = limit.landscape.at(eta)
        known[eta], residuals[eta] = solved(here, guess)
        gaps[eta] = float(here.excess(known[eta], limit.theta))
        student = here.student(known[eta])
        return student.eps < BEYOND and abs(student.c) * eta < 1.0

    while True:
        eta, (before, last) = etas.pop(0), (list(known)[-2:] if len(known) > 1 else [0.0, 0.0])
        slope = (known[last] - known[before]) / (last**2 - before**2) if last else 0.0 * limit.theta
        if not step(float(eta), known[last] + (eta**2 - last**2) * slope):  # the path is smooth in eta^2
            break
        etas = etas or [1.1 * eta]
    if abs(limit.landscape.at(eta).student(known[eta]).c) * eta >= 1.0:  # more closely around the beginning
        path = CubicSpline(list(known), list(known.values()))
        begin = _begin(np.array(list(known)), np.array(list(known.values()))[:, 2 * limit.landscape.d])
        for near in begin * np.array([0.97, 0.99, 1.01, 1.03]):
            step(float(near), path(near))
    order = sorted(residuals)
    arrays = (np.array([found[eta] for eta in order]) for found in (known, residuals, gaps))
    return ChannelPath(limit, np.array(order), *arrays)


def _begin(etas: Array, c: Array) -> float:
    """eta with |c| eta = 1, on the spline through c(eta); infinite if there is none."""
    roots = CubicSpline(etas, np.abs(c) * etas - 1.0).roots(extrapolate=False)
    return float(roots.min()) if roots.size else np.inf


def solved(landscape: ChannelLandscape, theta: Array) -> tuple[Array, float]:
    """(theta, max |dL/dtheta|) at this eta, by Newton's iteration; NotConverged where it fails."""
    theta, residual, largest = newton(landscape, theta)
    if not residual <= _REACHED * max(1.0, float(largest)):
        raise NotConverged(
            f"the channel was lost at eta = {number(landscape.inverse_gap)}: max |dL/dtheta| = {float(residual):.3g}; "
            "follow it in smaller steps",
            landscape.network(theta),
            float(residual),
        )
    return theta, float(residual)


def largest_eps(path: ChannelPath) -> float:
    """The eps at which the channel begins, at most 1."""
    begin = _begin(path.inverse_gaps, path.theta[:, 2 * path.limit.landscape.d])
    if not np.isfinite(begin):
        return MOST
    return min(MOST, float(CubicSpline(path.inverse_gaps, path.eps)(begin)))


def at_eps(path: ChannelPath, eps: float) -> ChannelPath:
    """The one network of the channel with this eps = eta |v|: Newton's iteration at fixed eta, and eta moved until eps is met."""
    limit = path.limit
    inverse = CubicSpline(np.log(path.eps), np.log(path.inverse_gaps))
    coordinates = CubicSpline(np.append(0.0, path.inverse_gaps**2), np.vstack([limit.theta, path.theta]))
    eta, slope = float(np.exp(inverse(np.log(eps)))), float(inverse(np.log(eps), 1))
    for _ in range(20):
        here = limit.landscape.at(eta)
        theta, residual = solved(here, coordinates(eta**2))
        away = float(np.log(here.student(theta).eps / eps))
        if abs(away) <= 1e-12:
            gap = np.atleast_1d(here.excess(theta, limit.theta))
            return ChannelPath(limit, np.array([eta]), theta[None], np.array([residual]), gap)
        eta = float(eta * np.exp(-slope * away))
    raise NotConverged(f"no point of the channel with eps = {number(eps)} was found", here.network(theta), residual)


class _AtFixedMean:
    """A loss at fixed mean weight w: what Newton's iteration sees of it has no gradient and no curvature along w."""

    def __init__(self, landscape: ChannelLandscape) -> None:
        self._landscape, self._free = landscape, np.arange(landscape.p) >= landscape.d

    def gradient(self, theta: Array) -> Array:
        return self._landscape.gradient(theta) * self._free

    def hessian(self, theta: Array) -> Array:
        return self._landscape.hessian(theta) * self._free * self._free[:, None]


def channel_map(
    landscape: SampledLandscape,
    start: Array,
    u: Array,
    mean: tuple[float, float, int],
    gap: tuple[float, float, int],
    progress: Progress = without_progress,
) -> picture.ChannelMap:
    """The loss of two neurons over s = |a_i - a_j| and the mean weight w on a line, least over v and c.

    start, u : the line start + t u. mean, gap : (low, high, points) of u.w and, in equal ratios and from below 300, of s. Shown is the
    sheet of minima that reaches to infinity: from the limit problem inwards, Newton's iteration at fixed s and w; NaN where it has
    ended. Beyond s = 300 the loss is linear in 1/s^2 to 1e-8, and interpolated.
    """
    along, gaps = np.linspace(*mean), np.geomspace(*gap)
    W = start + (along - float(u @ start))[:, None] * u
    profile = limit_profile(landscape, W)
    theta = np.concatenate([W, profile.v, profile.c[:, None]], axis=-1)
    zero = ChannelLandscape(landscape, 2, 0.0)
    taus = [0.0, *(gaps[gaps < _LINEAR][::-1] ** -2.0)]
    losses = np.full((len(taus), len(along)), np.nan)
    inside = np.ones(len(along), dtype=bool)
    for k, tau in enumerate(taus):
        fixed = _AtFixedMean(zero.at(float(np.sqrt(tau))))
        theta[inside], residual, _ = newton(fixed, theta[inside], iterations=8)
        lowest = np.linalg.eigvalsh(fixed.hessian(theta[inside])[:, landscape.d :, landscape.d :])[:, 0]
        inside[inside] = (residual < 1e-7) & (lowest > 0)
        losses[k, inside] = zero.at(float(np.sqrt(tau))).value(theta[inside])
        progress((k + 1) / len(taus))
    far = gaps[gaps >= _LINEAR]
    beyond = losses[0] + (far[:, None] ** -2.0 / taus[1]) * (losses[1] - losses[0])
    return picture.ChannelMap(gaps, along, np.concatenate([losses[:0:-1], beyond]).T)


# the steps ------------------------------------------------------------------------------------------------------------


def point(channel: str, valley: Valley, eps: float) -> ChannelPath:
    """The network of this channel at this eps."""
    k = _place(channel)
    if eps > valley.ends[k]:
        raise ValueError(
            f"{channel} begins at eps = {number(valley.ends[k], 4)}, where one of the outgoing weights is 0; "
            f"eps = {eps:g} was given; lower eps"
        )
    return at_eps(valley.paths[k], eps)


def _place(channel: str) -> int:
    return 1 if channel == SECOND else 0


def result(channel: str, valley: Valley, point: ChannelPath, rate: float) -> ChannelsResult:
    """All of it."""
    k = _place(channel)
    path, limit, end = valley.paths[k], valley.limits[k], valley.ends[k]
    student = limit.landscape.at(float(point.inverse_gaps[0])).student(point.theta[0])
    view = picture.ChannelsView(
        channel=channel,
        functions=_functions(valley.landscape, student.w, student.v, student.c, student.inverse_gap, channel),
        surface=valley.surface,
        mean_name="mean weight w" if valley.landscape.d == 1 else "w along a line",
        floors=tuple(_floor(found, ending, valley.u) for found, ending in zip(valley.paths, valley.ends)),
        ends=tuple((float(valley.u @ found.w), found.loss) for found in valley.limits),
        chosen=k,
        line=(float(valley.u @ valley.line.w), abs(valley.line.c), valley.line.point.index),
        line_loss=valley.line.loss,
        here=(float(1.0 / student.inverse_gap), float(valley.u @ student.w)),
        eps=float(point.eps[0]),
        gap=float(point.gap_to_limit[0]),
        sharpness=float(point.sharpness[0]),
        path=picture.PathView(*_until(path, end)),
        h=limit.h,
        sharpness_law=limit.a**2 * limit.gram,
        threshold=2.0 / rate,
        edge=edge_of_stability(path, end, rate),
    )
    return ChannelsResult(view, valley, limit, point, rate)


def _floor(path: ChannelPath, end: float, u: Array) -> tuple[Array, Array]:
    """(s, u.w) along a channel, from the right edge of the map to ``end``."""
    means = path.theta[:, : len(u)] @ u
    inside, x = path.eps < end * (1.0 - 1e-6), np.log(path.eps)
    last_gap = np.exp(CubicSpline(x, -np.log(path.inverse_gaps))(np.log(end)))
    gaps = [FARTHEST, *(1.0 / path.inverse_gaps[inside]), last_gap]
    return np.array(gaps), np.array([path.limit.w @ u, *means[inside], CubicSpline(x, means)(np.log(end))])


def _until(path: ChannelPath, end: float) -> tuple[Array, Array, Array]:
    """(eps, L - L_inf, lambda_max) along the channel, its last point at ``end``."""
    x = np.log(path.eps)
    eps = np.append(path.eps[path.eps < end * (1.0 - 1e-6)], end)
    at = np.log(eps)
    return (
        eps,
        np.exp(CubicSpline(x, np.log(path.gap_to_limit))(at)),
        np.exp(CubicSpline(x, np.log(path.sharpness))(at)),
    )


def edge_of_stability(path: ChannelPath, end: float, rate: float) -> float | None:
    """The eps at which lambda_max = 2/rate, on the spline through the channel; None where lambda_max is larger everywhere."""
    x, y = np.log(path.eps), np.log(path.sharpness * rate / 2.0)
    roots = CubicSpline(x, y).roots(extrapolate=False)
    inside = [float(np.exp(root)) for root in roots if LEAST <= np.exp(root) <= end]
    return max(inside) if inside else None


def _functions(
    landscape: SampledLandscape, w: Array, v: Array, c: float, eta: float, channel: str
) -> picture.Functions:
    """Target, pair and gated linear unit along the direction of w, and their difference without loss of digits."""
    act = landscape.activation
    x = np.linspace(-3.0, 3.0, 241) if landscape.d == 1 else np.linspace(-1.8, 1.8, 241)
    unit = w / np.linalg.norm(w)
    z, q = x * float(w @ unit), x * float(v @ unit)
    limit = c * act(z) + q * act.derivative(z, 1)
    size = float(np.linalg.norm(v))
    delta = q / size
    law = 0.5 * c * delta**2 * act.derivative(z, 2) + size / 6.0 * delta**3 * act.derivative(z, 3)
    if landscape.d == 1:
        target = ERF(5.0 * x + 2.5) + ERF(5.0 * x - 2.5)
    else:
        labels = log_rosenbrock(landscape.X)
        target = (log_rosenbrock(x[:, None] * unit) - labels.mean()) / labels.std()
    share = difference(act, z, q, c, eta) / (eta * size) ** 2
    name = "input x" if landscape.d == 1 else "input along w"
    return picture.Functions(x, name, target, limit + share * (eta * size) ** 2, limit, share, law)


def difference(act: Activation, z: Array, q: Array, c: float, eta: float) -> Array:
    """The pair minus its gated linear unit: c [E_0 - sigma(z)] + q [A_1 - sigma'(z)], for p = eta q and even parts E_k at z +- p.

    Both brackets as Taylor's remainders, p^2 int_0^1 (1 - u) E_2(p u) du and p^2 int_0^1 (1 - u)^2 E_3(p u)/2 du, by 24 Gauss-Legendre
    nodes: they keep their digits where eps is small.
    """
    nodes, weights = np.polynomial.legendre.leggauss(24)
    u = 0.5 * (1.0 + nodes)[:, None]
    p = eta * q
    second, third = (0.5 * (act.derivative(z + p * u, order) + act.derivative(z - p * u, order)) for order in (2, 3))
    return p**2 * (0.5 * weights @ ((1.0 - u) * c * second + 0.5 * (1.0 - u) ** 2 * q * third))


# words ----------------------------------------------------------------------------------------------------------------


def _weights(values: Array, digits: int = 8) -> str:
    return number(float(values[0]), digits) if len(values) == 1 else vector(values, digits)


class Channels(Lab):
    """A channel to infinity: two neurons at a distance eps, their limit, the loss over the channel, its sharpness.

    Controls: channel (two of the toy with one input, one of a data set with two), eps (half the distance of the incoming weights), rate (of
    gradient descent, which follows the floor until its sharpness is 2/rate).
    """

    name = "channels"
    title = "channels"
    parameters = (
        Choice(
            *("channel", "channel", FIRST, "two channels of the toy with one input, one of a data set with two"),
            options={FIRST: "toy", SECOND: "toy", TWO_INPUTS: "log-Rosenbrock on a grid"},
        ),
        Logarithmic("eps", "ε", 0.1, "half the distance of the incoming weights", low=LEAST, high=MOST, step=0.1),
        Logarithmic("rate", "learning rate", 0.01, "of gradient descent", low=1e-4, high=1.0, step=0.1),
    )
    steps = (valley, point, result)
    presets: ClassVar = {
        "channel 1 of the toy": {},
        "channel 2, the global optimum, almost at infinity": {"channel": SECOND, "eps": LEAST, "rate": 1e-4},
        "the edge of stability": {"eps": 0.3201, "rate": 0.4},
        "where channel 1 begins": {"eps": 0.49},
        "two inputs": {"channel": TWO_INPUTS, "eps": 0.3, "rate": 0.01},
    }

    def _takes_long(self, state: Mapping[str, Any]) -> bool:
        """Paths and map of a landscape take a second or two, once."""
        return _landscape_of(state["channel"]) not in _known

    def _draw(self, figure: Figure, result: ChannelsResult) -> None:
        picture.draw(figure, result.view)

    def _marks(self, result: ChannelsResult) -> Mapping[str, list[tuple[float, str]]]:
        view = result.view
        end = result.valley.ends[view.chosen]
        eps = []
        if view.edge is not None:
            eps.append((view.edge, f"edge of stability: the sharpness is 2/rate = {number(view.threshold, 4)}"))
        if end < MOST:
            eps.append((end, f"{view.channel} begins: one of the outgoing weights is 0"))
        fits = 2.0 / view.sharpness
        here = [(fits, "the rate whose edge of stability is this ε")] if 1e-4 <= fits <= 1.0 else []
        return {"eps": eps, "rate": here}

    def _status(self, result: ChannelsResult) -> str:
        view = result.view
        rate = f"for gradient descent with rate {number(result.rate, 4)} the floor is"
        if view.edge is None:
            stops = f"{rate} unstable everywhere"
        elif view.sharpness > view.threshold:
            stops = f"{rate} unstable here, and everywhere below ε = {number(view.edge, 4)}"
        else:
            stops = f"{rate} stable here, down to ε = {number(view.edge, 4)}"
        return (
            f"{view.channel} at ε = {number(view.eps, 4)}: the loss is {number(view.gap, 4)} above its limit; {stops}"
        )

    def _theorem(self, result: ChannelsResult) -> str:
        limit = result.limit
        smooth = STATEMENT.hypotheses[0]
        spectrum = eigenvalues(limit.point.spectrum)
        minimum = f"a minimum of the limit problem with a != 0: eigenvalues {spectrum}, a = {number(limit.a)}"
        verdicts = (
            (smooth.sentence, smooth.violation(result.valley.landscape.activation, result.valley.single.student)),
            (minimum, None if limit.minimum and limit.a != 0 else limit.kind),
            (f"h > 0: h = {number(limit.h)}", None if limit.h > 0 else f"h = {number(limit.h)}"),
        )
        return cards.theorem(STATEMENT, verdicts, "no channel leads here")

    def _rows(self, result: ChannelsResult) -> list[tuple[str, str, str]]:
        """(quantity, value, its law far in the channel)."""
        view, limit = result.view, result.limit
        path = result.here
        student = limit.landscape.at(float(path.inverse_gaps[0])).student(path.theta[0])
        a = path.networks[0].a
        eps = view.eps
        edge = "nowhere" if view.edge is None else number(view.edge, 4)
        lowest = 12.0 * limit.h * eps**4 / limit.a**2
        return [
            ("mean weight w", _weights(student.w), _weights(limit.w)),
            ("v = a Δ", _weights(student.v), _weights(limit.a * limit.direction)),
            ("c = a₁ + a₂", number(student.c, 8), number(limit.c, 8)),
            ("outgoing weights a₁, a₂", f"{number(a[0], 6)}, {number(a[1], 6)}", "± |a|/(2 ε)"),
            ("gap s = |a₁ − a₂|", number(1.0 / student.inverse_gap, 6), number(abs(limit.a) / eps, 6)),
            ("loss", number(float(path.losses[0]), 9), number(limit.loss, 9)),
            ("loss above the limit", number(view.gap, 6), number(limit.h * eps**2, 6)),
            ("largest Hessian eigenvalue", number(view.sharpness, 6), number(view.sharpness_law / eps**2, 6)),
            ("softest Hessian eigenvalue", number(float(path.softest[0]), 5), number(lowest, 5)),
            ("negative eigenvalues", str(int(path.index[0])), "0"),
            ("time of gradient flow to here", "", number(limit.a**2 / (16.0 * limit.h * eps**4), 3)),
            (
                f"edge of stability, rate {number(result.rate, 4)}",
                edge,
                number(float(limit.edge_of_stability(result.rate)), 4),
            ),
            ("max |∂L| at fixed gap", below(float(path.residuals[0])), "0"),
        ]

    def _numbers(self, result: ChannelsResult) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{value}</td><td>{law}</td></tr>"
            for name, value, law in self._rows(result)
        )
        return f"<table><tr><th>quantity</th><th>at ε = {number(result.view.eps, 4)}</th><th>limit or law for ε → 0</th></tr>{rows}</table>"

    def _caption(self, result: ChannelsResult) -> str:
        several = "s of the channels" if len(result.valley.limits) > 1 else " of the channel"
        one = result.valley.landscape.d == 1
        along = "" if one else ", along the direction of w"
        line = "" if one else " on the line through the channel and the saddle line"
        return (
            "Upper left: the target, the network of two neurons on the floor of the channel and the gated linear unit with the same w, v "
            f"and c{along}; below, network minus gated linear unit, divided by ε² (dashed), and its law f₂. Upper right: the loss over the "
            f"gap of the outgoing weights and the mean weight w{line}, least over v and c, dark is low, white where this sheet of minima "
            f"ends; dashed the floor{several}, black the splitting line of the best single neuron (dotted where it is a plateau), the "
            "black disc the network shown; at the right edge the ends at infinity. Lower left: how far the loss is above its limit. Lower "
            "right: the sharpness; the cross is where it is 2/rate, the edge of stability of gradient descent. In the lower panels "
            "infinity, ε → 0, is at the left."
        )

    def _summary(self, result: ChannelsResult) -> str:
        view, limit, d = result.view, result.limit, result.valley.landscape.d
        here = {name: value for name, value, _ in self._rows(result)}
        laws = {name: law for name, _, law in self._rows(result)}
        points = len(result.valley.landscape.X)
        inputs = "one Gaussian input" if d == 1 else f"a grid of {points} points with two inputs"
        edge = "none" if view.edge is None else f"eps = {number(view.edge, 4)}"
        lines = [
            f"{view.channel}: two erf neurons, {inputs}, eps = {number(view.eps, 4)}, gap {here['gap s = |a₁ − a₂|']}",
            f"w = {here['mean weight w']}, v = {here['v = a Δ']}, c = {here['c = a₁ + a₂']}, a = {here['outgoing weights a₁, a₂']}",
            f"loss {here['loss']}, above the limit by {here['loss above the limit']}, law {laws['loss above the limit']}",
            *(f"{name} {here[name]}, law {laws[name]}" for name in here if name.endswith("Hessian eigenvalue")),
            f"limit: gated linear unit with w = {_weights(limit.w)}, a = {number(limit.a, 8)}, c = {number(limit.c, 8)}, "
            f"loss {number(limit.loss, 9)}, h = {number(limit.h, 6)}, {limit.point.kind}",
            f"edge of stability of gradient descent with rate {number(result.rate, 4)}: {edge}",
        ]
        return "\n".join(lines)

    def _tables(self, result: ChannelsResult) -> Tables:
        view, path = result.view, result.valley.paths[result.view.chosen]
        shown = view.functions
        mean, gap = (part.ravel() for part in np.meshgrid(view.surface.mean, view.surface.gap, indexing="ij"))
        weights = {f"w{k + 1}": path.theta[:, k] for k in range(len(result.limit.w))}
        return {
            "channel": {
                "eps": path.eps,
                "gap": 1.0 / path.inverse_gaps,
                **weights,
                "c": path.theta[:, -1],
                "loss": path.losses,
                "loss above the limit": path.gap_to_limit,
                "sharpness": path.sharpness,
            },
            "functions": {
                "x": shown.x,
                "target": shown.target,
                "network": shown.network,
                "gated linear unit": shown.limit,
                "difference over eps^2": shown.difference,
                "f2": shown.law,
            },
            "map": {"gap": gap, "w": mean, "loss": view.surface.losses.ravel()},
            "here": {
                "eps": [view.eps],
                "loss above the limit": [view.gap],
                "sharpness": [view.sharpness],
                "softest": [float(result.here.softest[0])],
            },
        }
