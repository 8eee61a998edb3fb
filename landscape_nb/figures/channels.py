"""A channel to infinity: the function and its gated linear unit, the loss over the channel, and loss and sharpness against eps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray

#: Contour levels: above the end of a channel, as shares of the way up to the saddle line; above the line, as shares of the deepest fall.
_INSIDE = (1e-3, 3e-3, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 0.9)
_ABOVE = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_EPS = (1e-4, 1.0)


@dataclass(frozen=True, eq=False)
class Functions:
    """Functions of one input x, (X,): target, network, gated linear unit with the same w, v, c; their difference over eps^2, and f2."""

    x: Array
    name: str
    target: Array
    network: Array
    limit: Array
    difference: Array
    law: Array


@dataclass(frozen=True, eq=False)
class ChannelMap:
    """The loss over s = |a_i - a_j| and the mean weight: gap (S,) in equal ratios, mean (M,), losses (M, S), NaN where there is none."""

    gap: Array
    mean: Array
    losses: Array


@dataclass(frozen=True, eq=False)
class PathView:
    """eps, L - L_inf and the largest Hessian eigenvalue along a channel, (T,)."""

    eps: Array
    gap: Array
    sharpness: Array


@dataclass(frozen=True, eq=False)
class ChannelsView:
    """Everything the picture shows, as numbers.

    surface : the map; mean_name : its second axis. floors : (s, mean weight) along each channel. ends : (mean weight, loss) of each at
    infinity. chosen : which is shown. line : (mean weight, s where its plateau ends, index at infinity) of the saddle line; its loss is
    line_loss. here : (s, mean weight) of the network. eps, gap, sharpness : of the network. path : of the channel. h, sharpness_law : of
    the laws h eps^2 and sharpness_law/eps^2. threshold : 2/rate. edge : the eps at which the sharpness is that, or None.
    """

    channel: str
    functions: Functions
    surface: ChannelMap
    mean_name: str
    floors: tuple[tuple[Array, Array], ...]
    ends: tuple[tuple[float, float], ...]
    chosen: int
    line: tuple[float, float, int]
    line_loss: float
    here: tuple[float, float]
    eps: float
    gap: float
    sharpness: float
    path: PathView
    h: float
    sharpness_law: float
    threshold: float
    edge: float | None


def draw(figure: Figure, view: ChannelsView) -> None:
    """Draw the panels, on the axes that are there from the last time."""
    with style.drawing():
        functions, difference, surface, loss, sharpness = style.panels(figure, _arrange)
        draw_functions(functions, difference, view)
        draw_map(surface, view)
        draw_loss(loss, view)
        draw_sharpness(sharpness, view)


def _arrange(figure: Figure) -> None:
    grid = style.grid(figure, (1.0, 1.0), margins=(64, 18, 26, 46), gap=(80, 74))
    grid.set_height_ratios((1.4, 1.0))
    both = grid[0, 0].subgridspec(2, 1, height_ratios=(2.0, 1.0), hspace=0.1)
    functions = figure.add_subplot(both[0], ylabel="function")
    functions.set_title("Two neurons and their limit")
    functions.xaxis.set_major_formatter(style.Names((), ()))
    difference = figure.add_subplot(both[1], ylabel="diff./ε²")
    surface = figure.add_subplot(grid[0, 1], xscale="log", xlabel="gap s = |a₁ − a₂|, log scale", ylabel="w")
    surface.set_title("Loss over the channels")
    surface.grid(visible=False)
    surface.set_autoscale_on(False)
    loss = figure.add_subplot(grid[1, 0], xscale="log", yscale="log", xlabel="ε, log scale", ylabel="loss − its limit")
    loss.set_title("Loss along the channel")
    sharpness = figure.add_subplot(grid[1, 1], xscale="log", yscale="log", xlabel="ε, log scale", ylabel="sharpness")
    sharpness.set_title("Largest Hessian eigenvalue")
    for axes in (functions, difference, surface, loss, sharpness):
        style.place_words(axes)
    for axes in (functions, difference):
        axes.yaxis.set_major_locator(MaxNLocator(3 if axes is difference else 4, steps=(1, 2, 5, 10)))
        style.whole_numbers(axes.yaxis)
    style.whole_numbers(difference.xaxis, surface.xaxis, surface.yaxis)
    for axes in (loss, sharpness):
        axes.xaxis.set_major_locator(FixedLocator([1e-4, 1e-3, 1e-2, 0.1, 1.0]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set(xlim=_EPS)
        style.whole_numbers(axes.xaxis, axes.yaxis)


def draw_functions(axes: Axes, below: Axes, view: ChannelsView) -> None:
    """Target, network and gated linear unit; below, their difference over eps^2 beside its law f2."""
    shown = view.functions
    lines = [
        Line2D(shown.x, shown.target, color=style.TEACHER, linewidth=3.4, label="target"),
        Line2D(shown.x, shown.network, color=style.STUDENT, linewidth=2.2, linestyle="-.", label="two neurons"),
        Line2D(shown.x, shown.limit, color=style.CURRENT, linewidth=1.4, linestyle="--", label="gated linear unit"),
    ]
    for line in lines:
        axes.add_artist(line)
    both = np.concatenate([shown.target, shown.network, shown.limit])
    axes.set(xlim=(shown.x[0], shown.x[-1]), ylim=style.steady(float(both.min()), float(both.max())))
    style.legend(axes, lines, loc="lower right", fontsize=10, labelspacing=0.2, handlelength=2.6, borderaxespad=0.2)
    law = Line2D(shown.x, shown.law, color=style.TEACHER, linewidth=2.6, label="law f₂")
    here = Line2D(shown.x, shown.difference, color=style.CURRENT, linewidth=1.4, linestyle="--", label="difference")
    for line in (law, here):
        below.add_artist(line)
    both = np.concatenate([shown.law, shown.difference])
    below.set(
        xlim=(shown.x[0], shown.x[-1]), ylim=style.steady(float(both.min()), float(both.max())), xlabel=shown.name
    )


def levels(view: ChannelsView) -> Array:
    """Contour levels that resolve each valley up to the saddle line, and the slopes above it."""
    lowest = min(loss for _, loss in view.ends)
    inside = [loss + share * (view.line_loss - loss) for _, loss in view.ends for share in _INSIDE]
    return np.array(sorted([*inside, *(view.line_loss + share * (view.line_loss - lowest) for share in _ABOVE)]))


def draw_map(axes: Axes, view: ChannelsView) -> None:
    """The loss as colours with contour lines, floors dashed, the saddle line, and at the right edge the ends at infinity."""
    surface = view.surface
    lowest = min(loss for _, loss in view.ends)
    span = 1.2 * (view.line_loss - lowest)
    axes.imshow(
        np.ma.masked_invalid(np.clip((surface.losses - lowest) / span, 0.0, 1.0) ** 0.5),
        extent=(0.0, 1.0, 0.0, 1.0),
        transform=axes.transAxes,
        origin="lower",
        cmap=style.LOSS_MAP,
        vmin=0.0,
        vmax=1.0,
        interpolation="nearest",
        aspect="auto",
    )
    look: dict[str, Any] = {"color": "white", "linewidth": 0.8, "alpha": 0.75}
    style.contours(axes, surface.gap, surface.mean, surface.losses, levels(view), **look)
    right = float(surface.gap[-1])
    mean, plateau, index = view.line
    saddle = style.line(axes, [plateau, right], [mean, mean], color=style.CURRENT, linewidth=1.6, label="saddle line")
    style.line(axes, [surface.gap[0], plateau], [mean, mean], color=style.CURRENT, linewidth=1.6, linestyle=":")
    for gaps, means in view.floors:
        floor = style.line(
            axes, gaps, means, color=style.STUDENT, linewidth=2.4, linestyle="--", label="floor of a channel"
        )
    axes.set(xlim=(surface.gap[0], right), ylim=(surface.mean[0], surface.mean[-1]), ylabel=view.mean_name)
    style.legend(axes, [floor, saddle], loc="upper right", fontsize=10, labelspacing=0.2, borderaxespad=0.2)
    axes.minorticks_off()
    style.mark_point(axes, right, mean, index, "saddle")
    for number, (at, _) in enumerate(view.ends):
        style.mark_point(axes, right, at, 0, "minimum", current=number == view.chosen)
    _mark(axes, *view.here, zorder=8)


def draw_loss(axes: Axes, view: ChannelsView) -> None:
    """L - L_inf against eps: the law h eps^2 solid, the followed channel dashed, the network as the black disc."""
    eps = np.array(_EPS)
    law = Line2D(eps, view.h * eps**2, color=style.TEACHER, linewidth=2.6, label="law h ε²")
    path = Line2D(view.path.eps, view.path.gap, color=style.STUDENT, linewidth=2.0, linestyle="--", label="followed")
    for line in (law, path):
        axes.add_artist(line)
    _mark(axes, view.eps, view.gap)
    low, high = view.h * _EPS[0] ** 2, max(view.h, float(view.path.gap[-1]))
    axes.set(ylim=(0.3 * low, 5.0 * high))
    style.legend(axes, [law, path], loc="upper left", fontsize=10, labelspacing=0.2, borderaxespad=0.2)


def draw_sharpness(axes: Axes, view: ChannelsView) -> None:
    """The largest Hessian eigenvalue against eps with its law, and the value 2/rate up to which gradient descent is stable."""
    eps = np.array(_EPS)
    law = Line2D(eps, view.sharpness_law / eps**2, color=style.TEACHER, linewidth=2.6, label="law, ~ 1/ε²")
    path = Line2D(
        view.path.eps, view.path.sharpness, color=style.STUDENT, linewidth=2.0, linestyle="--", label="followed"
    )
    limit = Line2D(eps, [view.threshold] * 2, color=style.CURRENT, linewidth=1.2, linestyle=":", label="2/rate")
    for line in (law, path, limit):
        axes.add_artist(line)
    if view.edge is not None:
        style.line(
            axes,
            [view.edge],
            [view.threshold],
            marker="x",
            color=style.CURRENT,
            markersize=11,
            markeredgewidth=2.4,
            linestyle="none",
            zorder=6,
        )
    _mark(axes, view.eps, view.sharpness)
    low = min(view.sharpness_law, float(view.path.sharpness.min()), 2.0)
    axes.set(ylim=(0.3 * low, 5.0 * view.sharpness_law / _EPS[0] ** 2))
    style.legend(axes, [law, path, limit], loc="upper right", fontsize=10, labelspacing=0.2, borderaxespad=0.2)


def _mark(axes: Axes, x: float, y: float, zorder: float = 7) -> None:
    """The disc of the state under the sliders."""
    style.line(
        axes,
        [x],
        [y],
        marker="o",
        markersize=10,
        markerfacecolor=style.CURRENT,
        markeredgecolor="white",
        markeredgewidth=1.6,
        linestyle="none",
        zorder=zorder,
        clip_on=False,
    )
