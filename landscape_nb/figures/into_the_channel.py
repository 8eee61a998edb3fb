"""A flow that starts beside a splitting line: the loss above its limit, the gap of the outgoing weights, the functions, the sharpness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FixedLocator, LogLocator

from ..networks import Network
from ..plateaus import Plateau
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray

#: Optimiser -> how the line at its gap is dashed.
PATTERNS: dict[str, Any] = {
    "GD": "-",
    "BFGS": (0, (6, 2)),
    "CG": (0, (4, 2, 1, 2)),
    "L-BFGS-B": (0, (1, 1.5)),
    "trust-ncg": (0, (3, 1, 1, 1, 1, 1)),
}


@dataclass(frozen=True, eq=False)
class IntoTheChannelView:
    """Everything the picture shows, as numbers.

    times (T,), above (T,) the loss above the limit, NaN where that is below rounding; gaps (T,) = |a_1 - a_2|; sharpness, softest (T,) the
    largest and the smallest Hessian eigenvalue (off the splitting line where the flow comes back to it), NaN below rounding. above_law,
    gap_law, sharpness_law, softest_law (T,) : what the channel's limit predicts, NaN everywhere without a channel. time, student : the time
    shown and the network there. x (X,), target, function (X,), parts (2, X) : y, f, and each neuron alone. stops : (name, gap) of each
    optimiser that was run. edge : 2/rate. ends : where the flow ends, in a few words. arrived : the time at which it came to rest, None if
    it did not.
    """

    times: Array
    above: Array
    above_law: Array
    gaps: Array
    gap_law: Array
    sharpness: Array
    sharpness_law: Array
    softest: Array
    softest_law: Array
    plateaus: tuple[Plateau, ...]
    time: float
    student: Network
    x: Array
    target: Array
    function: Array
    parts: Array
    stops: tuple[tuple[str, float], ...]
    edge: float
    ends: str
    arrived: float | None


def draw(figure: Figure, view: IntoTheChannelView) -> None:
    """Draw the four panels, on the axes that are there from the last time."""
    with style.drawing():
        loss, gap, functions, eigenvalues, alone = style.panels(figure, _arrange)
        draw_loss(loss, view)
        draw_gap(gap, view)
        draw_functions(functions, alone, view)
        draw_eigenvalues(eigenvalues, view)


def _arrange(figure: Figure) -> None:
    grid = style.grid(figure, (1.0, 1.0), margins=(62, 17, 26, 42), gap=(132, 72))
    loss, gap, functions, eigenvalues = (figure.add_subplot(grid[row, column]) for row in (0, 1) for column in (0, 1))
    for axes in (loss, gap, eigenvalues):
        axes.set(xscale="log", yscale="log", xlabel="time of gradient flow, log scale")
        axes.xaxis.set_major_locator(FixedLocator([10.0**power for power in range(0, 13, 3)]))
    loss.set(ylabel="loss above its limit", title="Loss over time")
    gap.set(ylabel="gap |a₁ − a₂|", title="Gap of the outgoing weights")
    functions.set(xlabel="x", ylabel="f(x)", title="Functions at the time shown")
    eigenvalues.set(ylabel="Hessian eigenvalue", title="Sharpness over time")
    alone = functions.twinx()
    alone.spines["right"].set_visible(True)
    alone.grid(visible=False)
    alone.set_ylabel("one neuron alone")
    for axes in (loss, gap, functions, eigenvalues, alone):
        style.place_words(axes, y_label={functions: 38, alone: 40}.get(axes, 47), right=axes is alone)
        style.whole_numbers(axes.xaxis, axes.yaxis)
    for axis in (functions.xaxis, functions.yaxis):
        axis.set_major_locator(style.few_ticks())
    alone.yaxis.set_major_locator(style.few_ticks(symmetric=True))


def _decades(axes: Axes, low: float, high: float) -> None:
    """Limits at whole decades around the data, at most seven labelled."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    last = max(last, first + 1)
    axes.yaxis.set_major_locator(
        FixedLocator([10.0**power for power in range(first, last + 1, 1 + (last - first) // 7)])
    )
    axes.set_ylim(10.0**first, 10.0**last)
    axes.minorticks_off()


def _time_axis(axes: Axes, view: IntoTheChannelView) -> None:
    axes.set_xlim(view.times[0], view.times[-1])
    axes.minorticks_off()
    style.line(
        axes,
        [view.time, view.time],
        [0, 1],
        transform=axes.get_xaxis_transform(),
        color=style.CURRENT,
        linewidth=1.2,
        linestyle=":",
    )


def _dot(axes: Axes, view: IntoTheChannelView, values: Array) -> None:
    """The value at the time shown, between those of the grid; its size where it is negative."""
    sizes = np.abs(values)
    known = np.isfinite(sizes) & (sizes > 0)
    if not known[int(np.argmin(np.abs(np.log(view.times / view.time))))]:
        return
    here = 10.0 ** np.interp(np.log10(view.time), np.log10(view.times[known]), np.log10(sizes[known]))
    look: dict[str, Any] = {"marker": "o", "color": style.CURRENT, "markersize": 8, "linestyle": "none"}
    style.line(axes, [view.time], [here], zorder=5, clip_on=False, **look)


def round_time(time: float) -> str:
    """A time that is known to one digit."""
    return style.tick_words(float(f"{time:.1g}"))


def draw_loss(axes: Axes, view: IntoTheChannelView) -> None:
    """L - L_inf over t on log axes with its law; plateaus shaded."""
    for plateau in view.plateaus:
        style.band(axes, plateau.start, plateau.end)
    _time_axis(axes, view)
    handles = [style.line(axes, view.times, view.above, label="flow", color=style.STUDENT, linewidth=3.0)]
    known = view.above[view.above > 0]
    if np.isfinite(view.above_law).any():
        shown = view.above_law <= 3 * known.max()
        law = style.line(
            axes, view.times[shown], view.above_law[shown], label="√h |a| / (4√t)", color=style.TEACHER, linewidth=1.6
        )
        law.set_linestyle("--")
        handles.append(law)
    _dot(axes, view, view.above)
    _decades(axes, known.min(), known.max())
    if view.arrived is not None:
        axes.text(
            0.97, 0.62, f"{view.ends},\nat rest from t ≈ {round_time(view.arrived)} on",
            transform=axes.transAxes, ha="right", va="top", fontsize=style.SMALLEST_TYPE,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85},
        )  # fmt: skip
    style.legend(axes, handles, loc="upper right")


def draw_gap(axes: Axes, view: IntoTheChannelView) -> None:
    """|a_1 - a_2| over t with its law, and a line at the gap where each optimiser stopped."""
    _time_axis(axes, view)
    style.line(axes, view.times, view.gaps, label="flow", color=style.STUDENT, linewidth=3.0)
    handles = []
    everything = [view.gaps.min(), view.gaps.max(), *(gap for _, gap in view.stops)]
    if np.isfinite(view.gap_law).any():
        shown = view.gap_law >= 0.5 * view.gaps.min()
        law = style.line(
            axes, view.times[shown], view.gap_law[shown], label="⁴√(16 h a² t)", color=style.TEACHER, linewidth=1.6
        )
        law.set_linestyle("--")
        handles.append(law)
    _dot(axes, view, view.gaps)
    low, high = max(0.5 * min(everything), 1e-3), 2.0 * max(everything)
    axes.set_ylim(10.0 ** (np.floor(4 * np.log10(low)) / 4), 10.0 ** (np.ceil(4 * np.log10(high)) / 4))
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
    axes.minorticks_off()
    for name, gap, beside in _beside(axes, view.stops):
        style.level(axes, gap, color=style.CURRENT, linewidth=1.2, linestyle=PATTERNS[name])
        axes.text(
            beside,
            gap,
            name,
            transform=axes.get_yaxis_transform(),
            va="center",
            ha="left",
            fontsize=style.SMALLEST_TYPE,
            zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85},
        )
    style.legend(axes, handles, loc="lower right")


def _beside(axes: Axes, stops: tuple[tuple[str, float], ...]) -> list[tuple[str, float, float]]:
    """(name, gap, share of the width at which its name begins): names at one height stand side by side."""
    width = axes.get_window_extent().width
    placed: list[tuple[str, float, float]] = []
    taken: list[tuple[float, float]] = []  # where the name on a line ends, and the height of the line
    for name, gap in sorted(stops, key=lambda stop: stop[1]):
        height = float(axes.transData.transform((1.0, gap))[1])
        begin = max((end for end, other in taken if abs(other - height) < 13.0), default=0.02)
        placed.append((name, gap, begin))
        taken.append((begin + (6.0 * len(name) + 7.0) / width, height))
    return placed


def draw_functions(axes: Axes, alone: Axes, view: IntoTheChannelView) -> None:
    """Target and network; on the right axis each neuron alone, of opposite signs in a channel."""
    handles = [
        style.line(axes, view.x, view.target, label="target", color=style.TEACHER, linewidth=2.0),
        style.line(axes, view.x, view.function, label="network", color=style.STUDENT, linewidth=2.6, linestyle="--"),
        style.line(alone, view.x, view.parts[0], label="neuron 1", color=style.CURRENT, linewidth=1.2, linestyle=":"),
        style.line(
            alone, view.x, view.parts[1], label="neuron 2", color=style.ZERO_MODE, linewidth=1.2, linestyle="-."
        ),
    ]
    high = 1.1 * float(max(np.abs(view.target).max(), np.abs(view.function).max()))
    axes.set(xlim=(view.x[0], view.x[-1]), ylim=_with_room(high))
    alone.set_ylim(_with_room(1.1 * float(np.abs(view.parts).max())))
    style.legend(alone, handles, loc="upper center", ncols=2, handlelength=1.4, columnspacing=1.0, labelspacing=0.3)


def _with_room(high: float) -> tuple[float, float]:
    """Limits around -high and high, with room for the legend above; the zeros of two axes stand at one height."""
    _, top = style.steady(-high, high)
    return -top, 1.9 * top


def draw_eigenvalues(axes: Axes, view: IntoTheChannelView) -> None:
    """The largest and the smallest Hessian eigenvalue over t with their laws, and 2/rate."""
    _time_axis(axes, view)
    high = style.line(axes, view.times, view.sharpness, label="largest", color=style.STUDENT, linewidth=3.0)
    low = style.line(
        axes, view.times, np.where(view.softest > 0, view.softest, np.nan), label="smallest", color=style.STUDENT
    )
    low.set_linestyle("-.")
    negative = np.where(view.softest < 0, -view.softest, np.nan)
    below = style.line(axes, view.times, negative, label="−smallest", color=style.ZERO_MODE)
    below.set_linestyle((0, (1, 1)))
    edge = style.level(axes, view.edge, color=style.CURRENT, linewidth=1.4, label="2 / rate")
    handles = [high, edge, low]
    values = [np.abs(view.softest), view.sharpness]
    for law in (view.sharpness_law, view.softest_law):
        if np.isfinite(law).any():
            shown = law <= 3 * view.sharpness.max() if law is view.softest_law else law >= 0.3 * view.sharpness.min()
            line = style.line(axes, view.times[shown], law[shown], label="law", color=style.TEACHER, linewidth=1.6)
            line.set_linestyle("--")
            values.append(law[shown])
    _dot(axes, view, view.sharpness)
    _dot(axes, view, view.softest)
    known = np.concatenate([*values, [view.edge]])
    known = known[np.isfinite(known) & (known > 0)]
    _decades(axes, known.min(), known.max())
    style.legend(
        axes,
        handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 0.36),
        borderaxespad=0.0,
        handlelength=1.8,
        labelspacing=0.2,
    )
