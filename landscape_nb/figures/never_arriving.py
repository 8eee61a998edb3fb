"""A flow that never arrives: norm and loss over decades of time, the function at one time, and the neurons in the plane of their inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray

#: No more than so many decades of loss are shown.
_DECADES = 14
#: The law of a valley is drawn from this time on.
_LATE = 1e2
#: A difference is made larger by no more than this power of ten: beyond is rounding.
_LARGER = 8


@dataclass(frozen=True, eq=False)
class NeverArrivingView:
    """Everything the picture shows, as numbers.

    times (T,) > 0, norms and losses (T,) along the flow; bound (T,): |theta(0)| + sqrt(t (L(0) - L(t))). chosen : the number of the time
    under the slider. law_norms, law_losses (T,) of the valley that the flow is in, or None. exponents : (norm, loss) measured before the
    chosen time, NaN for none; derived : (norm, loss) of the valley, or None. line (P,) : places along the inputs, target and function
    there (P,); along : the name of this axis. weights, inputs, outgoing (T, n) : incoming weight (its length for two inputs), input bias
    and outgoing weight of each neuron. biases : those of the valleys.
    """

    times: Array
    norms: Array
    losses: Array
    bound: Array
    chosen: int
    law_norms: Array | None
    law_losses: Array | None
    exponents: tuple[float, float]
    derived: tuple[float, float] | None
    line: Array
    target: Array
    function: Array
    along: str
    weights: Array
    inputs: Array
    outgoing: Array
    biases: tuple[float, ...]


def draw(figure: Figure, view: NeverArrivingView) -> None:
    """Draw the four panels, on the axes that are there from the last time."""
    with style.drawing():
        norm, loss, function, neurons = style.panels(figure, _arrange)
        draw_norm(norm, view)
        draw_loss(loss, view)
        draw_function(function, view)
        draw_neurons(neurons, view)


def _arrange(figure: Figure) -> None:
    grid = style.grid(figure, (1.1, 1.0), margins=(64, 16, 26, 46), gap=(74, 76))
    norm = figure.add_subplot(grid[0, 0], xscale="log", yscale="log", xlabel="time of gradient flow, log scale")
    norm.set(ylabel="norm of all weights", title="Norm over time")
    loss = figure.add_subplot(grid[1, 0], xscale="log", yscale="log", xlabel="time of gradient flow, log scale")
    loss.set(ylabel="loss", title="Loss over time")
    function = figure.add_subplot(grid[0, 1], ylabel="output")
    function.set_title("The function at the chosen time")
    neurons = figure.add_subplot(grid[1, 1], ylabel="input bias")
    neurons.set_title("The neurons and their ways")
    for axes in (norm, loss, function, neurons):
        style.place_words(axes)
    style.whole_numbers(norm.xaxis, norm.yaxis, loss.xaxis, loss.yaxis)
    for axes in (norm, loss):
        axes.xaxis.set_major_locator(LogLocator(numticks=6))
        axes.minorticks_off()
    for axis in (function.xaxis, function.yaxis, neurons.xaxis, neurons.yaxis):
        axis.set_major_locator(style.few_ticks())


def _over_time(axes: Axes, view: NeverArrivingView, values: Array, law: Array | None, k: int, place: str) -> None:
    """A quantity over time: the flow dashed, strong up to the chosen time; the law solid; exponents as slopes in the legend."""
    now = view.chosen
    style.line(axes, view.times, values, color=style.STUDENT, linewidth=1.2, linestyle=style.NUMERICAL, alpha=0.45)
    flow = Line2D(
        view.times[: now + 1], values[: now + 1], color=style.STUDENT, linewidth=2.6, linestyle=style.NUMERICAL
    )
    measured = view.exponents[k]
    flow.set_label(f"flow: slope {style.tick_words(round(measured, 4))}" if np.isfinite(measured) else "flow")
    handles = [flow]
    if law is not None:
        late = view.times >= _LATE
        valley = Line2D(view.times[late], law[late], color=style.TEACHER, linewidth=1.6, linestyle=style.CLOSED_FORM)
        valley.set_label(f"valley: slope {fraction(view.derived[k])}" if view.derived else "valley")
        axes.add_artist(valley)
        handles.append(valley)
    axes.add_artist(flow)
    style.line(
        axes,
        [view.times[now]],
        [values[now]],
        marker="o",
        markersize=9,
        color=style.CURRENT,
        linestyle="none",
        zorder=6,
        clip_on=False,
    )
    axes.set_xlim(view.times[0], view.times[-1])
    style.legend(axes, handles, loc=place, handlelength=1.6, borderaxespad=0.2)


def fraction(exponent: float) -> str:
    """ "1/6" or "−2/3" for a fraction with a small denominator."""
    for bottom in (1, 2, 3, 4, 6):
        top = exponent * bottom
        if abs(top - round(top)) < 1e-12:
            words = f"{abs(round(top))}" + (f"/{bottom}" if bottom > 1 else "")
            return words if exponent > 0 else f"\N{MINUS SIGN}{words}"
    return style.tick_words(exponent)


def draw_norm(axes: Axes, view: NeverArrivingView) -> None:
    """|theta| over t on log axes, with the general bound as far as it is inside."""
    low, high = float(view.norms.min()), float(view.norms.max())
    below = min(max(2.5, (high / low) ** 0.7), 8.0)  # for the legend, below the flow
    bottom = 10.0 ** (np.floor(2 * np.log10(low / below)) / 2)
    top = 10.0 ** (np.ceil(2 * np.log10(max(high, 3 * low)) + 0.2) / 2)
    style.line(axes, view.times, view.bound, color=style.ZERO_MODE, linewidth=1.4, linestyle="-.")
    _over_time(axes, view, view.norms, view.law_norms, 0, "lower right")
    axes.set_ylim(bottom, top)
    high_up = bottom * (top / bottom) ** 0.8
    inside = int(np.argmax(view.bound >= high_up))  # the bound never falls: 0 where it stays below
    if inside:
        words = axes.text(view.times[inside], high_up, "bound ", ha="right", va="center", color=style.ZERO_MODE)
        words.set_clip_on(True)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if top < 300 * bottom else (1.0,), numticks=8))
    axes.minorticks_off()


def draw_loss(axes: Axes, view: NeverArrivingView) -> None:
    """L over t on log axes."""
    high = float(view.losses.max())
    floor = max(float(view.losses.min()), high * 10.0**-_DECADES, 1e-16)
    bottom = 10.0 ** np.floor(np.log10(floor) - 0.3)
    _over_time(axes, view, np.maximum(view.losses, bottom), view.law_losses, 1, "upper right")
    room = 0.2 + 0.1 * np.log10(high / bottom)  # for the legend, above the flow
    axes.set_ylim(bottom, 10.0 ** np.ceil(np.log10(high) + room))
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.minorticks_off()


def magnified(difference: Array, size: float) -> int:
    """The power of ten by which a difference is drawn larger, so that it can be seen beside something of this size."""
    largest = float(np.abs(difference).max())
    return 0 if largest <= 0 or size <= 0 else max(0, int(np.floor(np.log10(0.4 * size / largest))))


def draw_function(axes: Axes, view: NeverArrivingView) -> None:
    """Target and function along the inputs, and their difference, larger by a power of ten."""
    difference = view.function - view.target
    larger = min(magnified(difference, float(np.ptp(view.target))), _LARGER)
    target = Line2D(view.line, view.target, color=style.TEACHER, linewidth=3.2, linestyle=style.CLOSED_FORM, alpha=0.75)
    target.set_label("target")
    function = Line2D(view.line, view.function, color=style.STUDENT, linewidth=2.0, linestyle=style.NUMERICAL)
    function.set_label("network")
    rest = Line2D(view.line, difference * 10.0**larger, color=style.CURRENT, linewidth=1.3, linestyle="-.")
    rest.set_label(f"difference × {style.tick_words(10.0**larger)}" if larger else "difference")
    for line in (target, function, rest):
        axes.add_artist(line)
    shown = np.concatenate([view.target, difference * 10.0**larger, np.clip(view.function, *_around(view.target))])
    axes.set(xlim=(-1.0, 1.0), ylim=style.steady(float(shown.min()), float(shown.max()) + 0.7 * float(np.ptp(shown))))
    axes.set_xlabel(view.along)
    style.legend(
        axes, [target, function, rest], loc="upper center", ncols=2, fontsize=10, columnspacing=0.8, handlelength=1.5
    )


def _around(values: Array) -> tuple[float, float]:
    """The range of these values, widened by half of it on both sides."""
    half = 0.5 * max(float(np.ptp(values)), 1e-9)
    return float(values.min()) - half, float(values.max()) + half


def draw_neurons(axes: Axes, view: NeverArrivingView) -> None:
    """Each neuron's way in the plane (incoming weight, input bias); filled for a > 0, hollow for a < 0, larger for larger |a|."""
    now, n = view.chosen, view.weights.shape[1]
    for i in range(n):
        style.line(axes, view.weights[:, i], view.inputs[:, i], color=style.ZERO_MODE, linewidth=1.0)
    x_low, x_high = style.steady(float(view.weights.min()), float(view.weights.max()))
    heights = np.append(view.inputs.ravel(), view.biases)
    y_low, y_high = style.steady(float(heights.min()), float(heights.max()))
    for bias in view.biases:
        style.line(axes, [0, 1], [bias, bias], transform=axes.get_yaxis_transform(), color=style.TEACHER, linewidth=1.2)
    for i in range(n):
        a = float(view.outgoing[now, i])
        style.line(
            axes,
            [view.weights[now, i]],
            [view.inputs[now, i]],
            marker="o",
            linestyle="none",
            markersize=8.0 + 4.0 * np.log10(1.0 + abs(a)),
            markerfacecolor=style.STUDENT if a > 0 else "white",
            markeredgecolor=style.CURRENT,
            markeredgewidth=1.8,
            clip_on=False,
            zorder=5,
        )
    axes.set(xlim=(x_low, x_high), ylim=(y_low, y_high))
    axes.set_xlabel("incoming weight" if view.along == "input x" else "length of the incoming weights")
