"""The lab of page 06 on motion: gradient flow from beside a splitting line into a channel, or back, and where optimisers stop."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from ..closed_forms.channel_detection import DetectedChannel, detect_channels
from ..closed_forms.channels import ChannelLimit, channel_toy, limits_on_a_line, softest_at_time
from ..closed_forms.splitting import SplittingLine, splitting_line
from ..critical import refine
from ..descent import Descent, Ending, OptimiserEndings, gradient_descent, optimiser_endings
from ..display import number
from ..figures import into_the_channel as picture
from ..flows import Flow, gradient_flow
from ..landscapes import SampledLandscape
from ..networks import Network
from ..plateaus import Plateau, plateaus_of
from . import cards
from .computation import Interrupted, Progress
from .export import Tables
from .lab import Lab
from .parameters import Choice, Logarithmic, Real

Array = np.ndarray

#: Which way the kick moves the neurons apart: the sign of w_1 - w_2.
KICKS = {"plus": 1.0, "minus": -1.0}
OFF, RUN = "off", "run"
#: Until when the flow is followed.
T_MAX = 1e12
#: Steps of gradient descent, at most.
STEPS = 20_000
METHODS = ("BFGS", "CG", "L-BFGS-B", "trust-ncg")
#: What this one says depends on rounding.
UNSURE = ("BFGS",)
_PER_DECADE = 20
_X = np.linspace(-4.0, 4.0, 321)
#: Below this the components of a gradient computed far out in a channel are rounding errors of the solver.
_GRADIENT_NOISE = 1e-7
#: A Hessian eigenvalue below this share of the largest one is not resolved by doubles.
_EIGENVALUE_NOISE = 50 * float(np.finfo(float).eps)
#: A loss within this of its limit is not resolved by doubles.
_LOSS_NOISE = 1e-15


@dataclass(frozen=True, eq=False)
class Path:
    """One flow on a grid of times (T,), with the students (T, 4) there.

    detected, limit : the channel that it is in at the end and the limit of that channel, None where it is in none. ends : where it ends, in
    words; evidence : why. level : the loss that it tends to. sharpest, softest (T,) : the largest and the smallest Hessian eigenvalue,
    the latter off the splitting line where the flow comes back to it.
    """

    flow: Flow
    times: Array
    students: Array
    losses: Array
    sharpest: Array
    softest: Array
    plateaus: tuple[Plateau, ...]
    detected: DetectedChannel | None
    limit: ChannelLimit | None
    ends: str
    evidence: str
    level: float


@dataclass(frozen=True)
class Moment:
    """One time of the flow: gap = |a_1 - a_2|, eps = |w_1 - w_2|/2, L above its limit, local exponents of the first and the last, slope =
    |grad L|, the largest and the smallest Hessian eigenvalue. NaN where doubles do not resolve it."""

    gap: float
    eps: float
    above: float
    gap_exponent: float
    above_exponent: float
    slope: float
    sharpness: float
    softest: float


@dataclass(frozen=True, eq=False)
class IntoTheChannelResult:
    """The view, the flow, the numbers at the time shown, and the optimisers if they were run.

    channel : the limit of the channel in which the flow ends, None if it ends in none. ends : in words. table : the optimisers, as text.
    """

    view: picture.IntoTheChannelView
    path: Path
    moment: Moment
    endings: OptimiserEndings | None
    descent: Descent | None

    @property
    def channel(self) -> ChannelLimit | None:
        return self.path.limit

    @property
    def ends(self) -> str:
        return self.path.ends

    @property
    def table(self) -> str:
        if self.endings is None or self.descent is None:
            return "the optimisers were not run"
        return f"{self.endings.table(UNSURE)}\ngradient descent: {told(self.descent)}"


@cache
def landscape() -> SampledLandscape:
    """The toy of two channels."""
    return channel_toy()


@cache
def limits(landscape: SampledLandscape) -> tuple[ChannelLimit, ...]:
    """Its channels, in the order of w."""
    return tuple(limit for limit in limits_on_a_line(landscape) if limit.stable)


@cache
def line(landscape: SampledLandscape) -> SplittingLine:
    """The splitting line of its minimum with one neuron."""
    return splitting_line(landscape, refine(landscape, Network([[1.4]], [2.15])).student)


def start(line: SplittingLine, gamma: float, kick: str, size: float) -> Network:
    """split(gamma) plus the kick along the direction of least curvature across the line."""
    _, way = line.escape(gamma)
    way = way * (1.0 if way[0] > way[1] else -1.0)
    network: Network = line.landscape.network(line.network(gamma).theta + KICKS[kick] * size * way)
    return network


def flow(landscape: SampledLandscape, start: Network, progress: Progress) -> Flow:
    """The flow from there."""
    found = gradient_flow(landscape, start, T_MAX, tolerance=1e-12, progress=progress)
    if found.reason == "interrupted":
        raise Interrupted
    return found


def path(landscape: SampledLandscape, limits: tuple[ChannelLimit, ...], line: SplittingLine, flow: Flow) -> Path:
    """The flow on a grid of times, and what it ends in."""
    reached = T_MAX if flow.reason == "converged" else float(flow.time)
    times = np.geomspace(1.0, reached, round(_PER_DECADE * np.log10(reached)) + 1)
    times[-1] = reached
    students = flow.at(times)
    detected, limit, level = None, None, float(flow.loss)
    if flow.reason == "converged":
        ends, evidence = at_rest(line, flow)
    else:
        ends, evidence = f"still on its way at t = {number(reached, 2)}", str(flow.sentence)
        for detected in detect_channels(landscape, flow.end)[:1]:
            evidence = detected.evidence
            limit = min(limits, key=lambda one: abs(one.loss - (detected.loss or 0.0)))
            level = limit.loss
            ends = f"channel {limits.index(limit) + 1}"
    sharpest, softest = extremes(landscape, students, flow.reason == "converged")
    return Path(
        flow,
        times,
        students,
        np.asarray(landscape.value(students)),
        sharpest,
        softest,
        plateaus_of(landscape, times, students),
        detected,
        limit,
        ends,
        evidence,
        level,
    )


def at_rest(line: SplittingLine, flow: Flow) -> tuple[str, str]:
    """The point at which the flow has come to rest, and how it is known."""
    end = flow.end
    network = line.landscape.network(end)
    point_loss = abs(float(flow.loss) - line.original.loss)
    if abs(network.W[0, 0] - network.W[1, 0]) < 1e-6 and point_loss < 1e-12:
        gamma = float(network.a[0] / network.a.sum())
        return (
            "back on the plateau",
            f"both neurons have the same w again, the loss of one neuron, and gamma = {number(gamma, 4)}",
        )
    return "another critical point", str(flow.sentence)


def extremes(landscape: SampledLandscape, students: Array, off_the_line: bool) -> tuple[Array, Array]:
    """The largest and the smallest Hessian eigenvalue of students (..., 4); the latter without the direction (0, 0, 1, -1) if asked."""
    hessian = landscape.hessian(students)
    sharpest = np.linalg.eigvalsh(hessian)[..., -1]
    if off_the_line:
        across = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)]])
        hessian = across @ hessian @ across.T
    return sharpest, np.linalg.eigvalsh(hessian)[..., 0]


def endings(
    landscape: SampledLandscape, start: Network, optimisers: str, progress: Progress
) -> OptimiserEndings | None:
    """Where SciPy's optimisers end, None while they are off."""
    if optimisers == OFF:
        return None
    rows: list[Ending] = []
    for place, method in enumerate(METHODS):
        progress(place / len(METHODS))
        rows += optimiser_endings(landscape, start, (method,))
    return OptimiserEndings(rows)


def descent(
    landscape: SampledLandscape, start: Network, rate: float, optimisers: str, progress: Progress
) -> Descent | None:
    """Gradient descent with this rate, None while the optimisers are off."""
    if optimisers == OFF:
        return None
    found = gradient_descent(landscape, start, rate, STEPS, progress=progress)
    if found.reason == "interrupted":
        raise Interrupted
    return found


def gaps_of(students: Array, flipped: bool = False) -> Array:
    """|a_1 - a_2| of students (..., 4), the second neuron with its sign changed if asked."""
    other = -students[..., 3] if flipped else students[..., 3]
    return np.abs(students[..., 2] - other)


def told(descent: Descent) -> str:
    """Where gradient descent got to, in words."""
    rate = f"rate {number(descent.rate, 4)}"
    if descent.reason == "diverging":
        return f"{rate}: the weights grow without bound; take a smaller rate"
    if descent.reason == "converged":
        return f"{rate}: comes to rest"
    where = (
        f"{rate}, {number(int(descent.taken))} steps: |a_1 - a_2| = {number(float(stopped_at(descent)), 2)}, "
        f"lambda_max rate/2 = {number(float(descent.edge), 2)}"
    )
    on_edge = abs(float(descent.edge) - 1.0) <= 0.01
    return f"{where}, {'at the edge of stability' if on_edge else 'still on its way'}"


def stopped_at(descent: Descent) -> float:
    """The gap at which gradient descent ended, the mean over its last two steps."""
    return float(np.mean(gaps_of(np.stack([descent.previous, descent.theta]))))


def moment(landscape: SampledLandscape, path: Path, time: float) -> Moment:
    """The numbers at this time."""
    last = float(path.times[-1])
    time = min(time, last)
    near = np.clip(time * 10.0 ** np.array([-0.25, 0.0, 0.25]), None, last)
    students = path.flow.at(near)
    flipped = path.detected is not None and path.detected.flipped
    above, gaps = np.asarray(landscape.value(students)) - path.level, gaps_of(students, flipped)
    apart = students[1, 0] - (-students[1, 1] if flipped else students[1, 1])
    sharpest, softest = extremes(landscape, students[1], path.flow.reason == "converged")
    step = np.log(near[2] / near[0])
    known = above.min() > _LOSS_NOISE
    return Moment(
        float(gaps[1]),
        0.5 * abs(float(apart)),
        float(above[1]) if above[1] > _LOSS_NOISE else 0.0,
        float(np.log(gaps[2] / gaps[0]) / step),
        float(np.log(above[2] / above[0]) / step) if known else float("nan"),
        float(np.linalg.norm(landscape.gradient(students[1]))),
        float(sharpest),
        float(softest) if abs(softest) > _EIGENVALUE_NOISE * sharpest else float("nan"),
    )


def decimals(value: float) -> str:
    """Three of them, and never -0.000."""
    return f"{round(value, 3) + 0.0:.3f}"


def result(
    landscape: SampledLandscape,
    path: Path,
    moment: Moment,
    endings: OptimiserEndings | None,
    descent: Descent | None,
    time: float,
    rate: float,
) -> IntoTheChannelResult:
    """All of it."""
    times, limit = path.times, path.limit
    time = min(time, float(times[-1]))
    flipped = path.detected is not None and path.detected.flipped
    student = landscape.network(path.flow.at(time))
    act = landscape.activation
    parts = student.a[:, None] * act(student.W[:, :1] * _X)
    above = path.losses - path.level
    nothing = np.full(len(times), np.nan)
    sharpest, softest = path.sharpest, path.softest
    gaps = gaps_of(path.students, flipped)
    stops: list[tuple[str, float]] = []
    if descent is not None and descent.reason != "diverging":
        stops.append(("GD", stopped_at(descent)))
    if endings is not None:
        stops += [(row.method, row.gap) for row in endings]
    view = picture.IntoTheChannelView(
        times,
        np.where(above > _LOSS_NOISE, above, np.nan),
        nothing if limit is None else limit.gap_at_time(times),
        gaps,
        nothing if limit is None else limit.separation_at_time(times),
        sharpest,
        nothing if limit is None else limit.sharpness_at_eps(limit.eps_at_time(times)),
        np.where(np.abs(softest) > _EIGENVALUE_NOISE * sharpest, softest, np.nan),
        nothing if limit is None else softest_at_time(times),
        path.plateaus,
        time,
        student,
        _X,
        act(5.0 * _X + 2.5) + act(5.0 * _X - 2.5),
        parts.sum(axis=0),
        parts,
        tuple(stops),
        2.0 / rate,
        path.ends,
        float(path.flow.time) if path.flow.reason == "converged" else None,
    )
    return IntoTheChannelResult(view, path, moment, endings, descent)


class IntoTheChannel(Lab):
    """Gradient flow from beside the splitting line of the toy into one of its two channels, or back, and where optimisers stop.

    Controls: gamma (how the neuron is split), kick and size (which way and how far the copies are moved apart), time (the moment shown),
    rate (of gradient descent), optimisers (off, or run from the same start).
    """

    name = "into-the-channel"
    title = "into-the-channel"
    parameters = (
        Real(
            *("gamma", "gamma", 2.0, "the neuron (w, a) is split into (w, gamma a) and (w, (1 - gamma) a)"),
            low=-1.0,
            high=3.0,
            step=0.05,
        ),
        Choice("kick", "kick", "plus", "which way the two are moved apart: w1 > w2 (plus) or w1 < w2", options=KICKS),
        Logarithmic(
            "size", "size of the kick", 0.01, "how far the start is from the line", low=0.001, high=1.0, step=0.25
        ),
        Logarithmic("time", "time", 1e6, "the moment of the flow that is shown", low=1.0, high=1e12, step=0.1),
        Logarithmic("rate", "learning rate", 0.4, "of gradient descent", low=0.04, high=1.0, step=0.1),
        Choice(
            *("optimisers", "optimisers", OFF, "gradient descent and four of SciPy, from the same start"),
            options={OFF: "only the flow", RUN: "all of them"},
        ),
    )
    steps = (landscape, limits, line, start, flow, path, endings, descent, moment, result)
    presets: ClassVar = {
        "into channel 1": {},
        "the other way: channel 2": {"kick": "minus"},
        "the end of time": {"time": 1e12},
        "between 0 and 1: back to the plateau": {"gamma": 0.65},
        "a plateau too sharp for the rate": {"gamma": 0.65, "rate": 1.0, "optimisers": RUN},
        "where optimisers stop": {"optimisers": RUN},
    }
    buttons: ClassVar = {
        "Optimise": ({"optimisers": RUN}, "gradient descent and SciPy's optimisers from this start; Stop ends it")
    }

    def _takes_long(self, state: Mapping[str, Any]) -> bool:
        """The flow takes seconds, and so do the optimisers."""
        known = self._computation.knows
        return not known(state, "flow") or (
            state["optimisers"] == RUN and not (known(state, "endings") and known(state, "descent"))
        )

    def _marks(self, result: IntoTheChannelResult) -> Mapping[str, list[tuple[float, str]]]:
        sharpest = float(result.path.sharpest[0])
        marks = {
            "gamma": [
                (0.0, "gamma = 0: the first copy is silenced; from here to 1 the line is a plateau"),
                (1.0, "gamma = 1: the second copy is silenced; from here on the line is made of saddles"),
            ]
        }
        if 0.04 <= 2.0 / sharpest <= 1.0:
            marks["rate"] = [(2.0 / sharpest, f"2/rate = {number(sharpest, 4)}, the sharpness at t = 1")]
        return marks

    def _draw(self, figure: Figure, result: IntoTheChannelResult) -> None:
        picture.draw(figure, result.view)

    def _status(self, result: IntoTheChannelResult) -> str:
        limit = result.channel
        if limit is None:
            arrived = result.view.arrived
            when = "" if arrived is None else f", at rest from about t = {picture.round_time(arrived)} on"
            return f"{result.ends}{when}"
        return (
            f"{result.ends}: the loss falls towards {number(limit.loss, 6)}, at w = {number(abs(float(limit.w[0])), 5)} and infinite "
            f"outgoing weights; at t = {number(result.view.time, 4)} the gap is {number(result.moment.gap, 4)}"
        )

    def _theorem(self, result: IntoTheChannelResult) -> str:
        limit = result.channel
        verdicts: tuple[tuple[str, str | None], ...] = (
            ("an activation with three derivatives", None),
            ("a flow that is in a channel at its end", None if limit is not None else result.ends),
        )
        if limit is not None:
            verdicts += (
                ("a minimum of the limit problem with a != 0", None if limit.minimum and limit.a != 0 else limit.kind),
                (f"h > 0: h = {number(limit.h)}", None if limit.h > 0 else f"h = {number(limit.h)}"),
            )
        applies = "apply" if all(given is None for _, given in verdicts) else "do not apply here: all is numerical"
        return (
            f"<p><b>The laws of the channel {applies}.</b></p>"
            + cards.ticks(verdicts)
            + r"<p>In a channel $L=L_\infty+h\,a^2/s^2$ with $s=|a_1-a_2|$, and both outgoing weights move: $\dot s=4ha^2/s^3$. So "
            r"$s\simeq(16\,h\,a^2t)^{1/4}$, $L-L_\infty\simeq\sqrt h\,|a|/(4\sqrt t)$, $\lambda_{\min}\simeq 3/(4t)$, while "
            r"$\lambda_{\max}\,\epsilon^2\to a^2\lambda_{\max}(\langle\sigma'^2xx^\top\rangle)$ across the channel: it grows as $\sqrt t$. "
            r"Gradient descent moves on while $\lambda_{\max}<2/\text{rate}$. Beside the splitting line the loss curves by "
            r"$\gamma(1-\gamma)B$ times a positive factor, here $B>0$: a plateau for $0<\gamma<1$, saddles outside.</p>"
            + cards.badges(
                (
                    "flow at two tolerances and with another solver",
                    "laws against the flow",
                    "channel by its valley and its limit",
                    "minima by a flow from where an optimiser stopped",
                )
            )
        )

    def _rows(self, result: IntoTheChannelResult) -> list[tuple[str, str, str]]:
        """(quantity, value at the time shown, what the limit predicts)."""
        now, limit, t = result.moment, result.channel, result.view.time
        quiet = number(now.slope, 2) if now.slope > _GRADIENT_NOISE else "< 1e-7"
        soft = "too small beside the largest" if np.isnan(now.softest) else number(now.softest, 2)
        if limit is None:
            return [
                ("gap |a_1 - a_2|", number(now.gap, 4), ""),
                ("eps = |w_1 - w_2|/2", number(now.eps, 3) if now.eps > 1e-6 else "< 1e-6", ""),
                ("loss above its end", number(now.above, 3) if now.above > 1e-12 else "< 1e-12", ""),
                ("largest eigenvalue", number(now.sharpness, 4), ""),
                ("smallest one off the line" if result.view.arrived else "smallest eigenvalue", soft, ""),
                ("|grad L|", quiet, ""),
            ]
        law = float(limit.gap_at_time(t))
        eps = float(limit.eps_at_time(t))
        return [
            ("gap |a_1 - a_2|", number(now.gap, 4), number(float(limit.separation_at_time(t)), 4)),
            ("eps = |w_1 - w_2|/2", number(now.eps, 4), number(eps, 4)),
            ("loss above its limit", number(now.above, 4), number(law, 4)),
            ("local exponent of the gap", decimals(now.gap_exponent), "0.250"),
            ("local exponent of the loss", decimals(now.above_exponent), "-0.500"),
            ("largest eigenvalue", number(now.sharpness, 4), number(float(limit.sharpness_at_eps(eps)), 4)),
            ("smallest eigenvalue", soft, number(float(softest_at_time(t)), 2)),
            ("|grad L|", quiet, number(float(np.sqrt(law / (2.0 * t))), 2)),
        ]

    def _numbers(self, result: IntoTheChannelResult) -> str:
        rows = "".join(
            f"<tr><td>{cards.typeset(name)}</td><td>{value}</td><td>{law}</td></tr>"
            for name, value, law in self._rows(result)
        )
        evidence = result.path.evidence.replace("neurons 0 and 1", "neurons 1 and 2")  # as the picture counts them
        text = (
            f"<p>The flow ends: <b>{html.escape(result.ends)}</b>. {cards.typeset(evidence[:1].upper() + evidence[1:])}.</p>"
            f"<table><tr><th>at t = {number(result.view.time, 4)}</th><th>flow</th><th>law of the channel</th></tr>{rows}</table>"
        )
        if result.endings is None or result.descent is None:
            return text + "<p>Optimise runs gradient descent and four optimisers of SciPy from this start.</p>"
        lines = [line for line in result.endings.table(UNSURE).splitlines() if not line.startswith("--")]
        cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in cells[0])
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in cells[1:])
        return (
            text
            + f"<p></p><table><tr>{head}</tr>{body}</table><p>Gradient descent, {cards.typeset(told(result.descent))}.</p>"
        )

    def _caption(self, result: IntoTheChannelResult) -> str:
        seen = (
            "the law of the channel is dashed"
            if result.channel is not None
            else "there is no channel here, and so no law"
        )
        stops = "; horizontal lines are the gaps at which optimisers stopped" if result.view.stops else ""
        return (
            f"Upper left: the loss above its limit over time on log axes, {seen}; grey bands are plateaus, the dotted line is the time "
            f"shown. Upper right: the gap of the outgoing weights over the same time{stops}. Lower left: the target, the network, and on "
            "the right axis each neuron alone. Lower right: the largest and the smallest Hessian eigenvalue, as far as doubles resolve it "
            "(grey dots: minus the smallest, where that is negative), and 2/rate: gradient descent moves on only below that line."
        )

    def _summary(self, result: IntoTheChannelResult) -> str:
        state = result.view
        lines = [
            f"two erf neurons from beside the splitting line: loss {number(float(result.path.losses[0]), 6)} at t = 1",
            f"ends: {result.ends}"
            + ("" if result.channel is None else f", loss {number(result.channel.loss, 6)} at infinity"),
            f"at t = {number(state.time, 4)}: "
            + ", ".join(
                f"{name} {value}" + (f" (law {law})" if law else "") for name, value, law in self._rows(result)
            ),
            f"2/rate = {number(state.edge, 4)}",
        ]
        if result.endings is not None:
            lines += result.table.splitlines()
        return "\n".join(lines)

    def _tables(self, result: IntoTheChannelResult) -> Tables:
        view = result.view
        tables: dict[str, Mapping[str, Any]] = {
            "path": {
                "time": view.times,
                "loss": result.path.losses,
                "gap": view.gaps,
                "largest eigenvalue": view.sharpness,
                "smallest eigenvalue": view.softest,
            },
            "functions": {
                "x": view.x,
                "target": view.target,
                "network": view.function,
                "neuron 1": view.parts[0],
                "neuron 2": view.parts[1],
            },
            "network": {"w": view.student.W[:, 0], "a": view.student.a},
        }
        if result.endings is not None:
            tables["optimisers"] = {
                "method": [row.method for row in result.endings],
                "success": [str(row.success) for row in result.endings],
                "minimum": [str(row.minimum) for row in result.endings],
                "gap": [row.gap for row in result.endings],
            }
        return tables
