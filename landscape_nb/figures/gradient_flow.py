"""Where gradient flow goes: the loss over time, the student-teacher cosines over time, the end point, and the outcomes over (n, k)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator

from ..critical import CriticalPoint
from ..networks import Network
from ..plateaus import Plateau
from . import style
from .copy_or_average import draw_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray

#: Outcome families, in the order in which a cell is filled from below, with their colour and hatch.
FAMILIES: dict[str, dict[str, Any]] = {
    "copy-average": {"facecolor": style.TEACHER, "linewidth": 0.0},
    "n-copy": {"facecolor": style.STUDENT, "hatch": "////", "edgecolor": "white", "linewidth": 0.0},
    "exact copies": {"facecolor": style.SAMPLE, "hatch": "....", "edgecolor": "white", "linewidth": 0.0},
    "other": {"facecolor": "white", "edgecolor": style.CURRENT, "linewidth": 1.0},
}


@dataclass(frozen=True, eq=False)
class GradientFlowView:
    """Everything the picture shows, as numbers.

    times (T,), losses (T,), cosines (T, n, k) between student and teacher vectors, each student neuron taken with the sign of its outgoing
    weight where the activation is odd; plateaus of the path. end : the last student with the same signs, point : the critical point there
    (None if the flow did not arrive), outcome : its name. levels : (loss, words) of the known critical points. cells : (n, k) -> family ->
    share of seeds.
    """

    n: int
    k: int
    landscape: Any
    times: Array
    losses: Array
    cosines: Array
    plateaus: tuple[Plateau, ...]
    end: Network
    point: CriticalPoint | None
    outcome: str
    levels: tuple[tuple[float, str], ...]
    cells: Mapping[tuple[int, int], Mapping[str, float]]


def draw(figure: Figure, view: GradientFlowView) -> None:
    """Draw the four panels, on the axes that are there from the last time."""
    with style.drawing():
        loss, cosines, weights, outgoing, phases = style.panels(figure, _arrange)
        draw_loss(loss, view)
        draw_cosines(cosines, view)
        draw_weights(weights, outgoing, view.end, view.landscape.teacher)
        draw_phases(phases, view)


def _arrange(figure: Figure) -> None:
    grid = style.grid(figure, (1.15, 1.0), margins=(64, 16, 26, 46), gap=(78, 76))
    loss = figure.add_subplot(
        grid[0, 0], xscale="log", yscale="log", xlabel="time of gradient flow, log scale", ylabel="loss"
    )
    loss.set_title("Loss over time")
    cosines = figure.add_subplot(
        grid[1, 0], xscale="log", xlabel="time of gradient flow, log scale", ylabel="student neuron"
    )
    cosines.set_title("Cosine with each teacher: dark −1, light 1")
    cosines.grid(visible=False)
    cosines.set_autoscale_on(False)  # the strips are placed by hand on a logarithmic axis
    both = grid[0, 1].subgridspec(1, 2, width_ratios=(9, 1), wspace=0.06)
    weights = figure.add_subplot(both[0], xlabel="teacher", ylabel="student neuron")
    weights.set_title("Where it is at the end")
    outgoing = figure.add_subplot(both[1], xlabel="a")
    outgoing.yaxis.set_visible(False)
    outgoing.xaxis.set_major_locator(FixedLocator([]))
    phases = figure.add_subplot(grid[1, 1], xlabel="student neurons n", ylabel="teachers k")
    phases.set_title("Outcomes over many seeds")
    for axes in (weights, outgoing, phases):
        axes.grid(visible=False)
    for axes in (loss, cosines, weights, outgoing, phases):
        style.place_words(axes)
    style.whole_numbers(loss.xaxis, loss.yaxis, cosines.xaxis)
    phases.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    phases.yaxis.set_major_locator(MaxNLocator(10, integer=True))


def draw_loss(axes: Axes, view: GradientFlowView) -> None:
    """L over t on log axes; plateaus shaded with their number, the losses of known critical points as thin lines."""
    low = min(float(view.losses[-1]), *(loss for loss, _ in view.levels)) if view.levels else float(view.losses[-1])
    high = float(view.losses[0])
    floor = max(low, 1e-9 * high, 1e-14)
    lines = []
    for (level, words), pattern in zip(view.levels, ("--", ":", "-.")):
        if level <= floor * 0.5:
            continue
        look: dict[str, Any] = {"color": style.TEACHER, "linewidth": 1.4, "linestyle": pattern}
        lines.append(style.level(axes, level, label=words, **look))
    for number, plateau in enumerate(view.plateaus, start=1):
        style.band(axes, plateau.start, plateau.end)
        axes.text(
            float(np.sqrt(plateau.start * plateau.end)),
            0.06,
            str(number),
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontweight="bold",
        )
    style.line(axes, view.times, np.maximum(view.losses, floor * 0.5), color=style.STUDENT, linewidth=2.4)
    low, high = 0.6 * floor, 1.6 * high
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e3 * low else (1.0,)))
    axes.set(xlim=(view.times[0], view.times[-1]), ylim=(low, high))
    axes.minorticks_off()
    style.legend(axes, lines, loc="upper right")


def draw_cosines(axes: Axes, view: GradientFlowView) -> None:
    """One strip for each student neuron, in it one line for each teacher, over time."""
    steps, n, k = view.cosines.shape
    axes.imshow(
        view.cosines.reshape(steps, n * k).T,
        extent=(0.0, 1.0, 0.0, 1.0),
        origin="upper",
        transform=axes.transAxes,
        cmap=style.LOSS_MAP,
        vmin=-1.0,
        vmax=1.0,
        interpolation="nearest",
        aspect="auto",
    )
    axes.set(xlim=(view.times[0], view.times[-1]), ylim=(n * k, 0.0))
    for i in range(1, n):
        style.level(axes, i * k, color="white", linewidth=2.5)
    axes.yaxis.set_major_locator(FixedLocator([(i + 0.5) * k for i in range(n)]))
    axes.yaxis.set_major_formatter(style.Names([str(i + 1) for i in range(n)], [(i + 0.5) * k for i in range(n)]))


def draw_phases(axes: Axes, view: GradientFlowView) -> None:
    """A square for each (n, k), filled from below with the shares of its outcomes; the one shown has a black edge."""
    cells = view.cells
    corners: dict[str, list[Array]] = {name: [] for name in FAMILIES}
    for (n, k), shares in cells.items():
        bottom = 0.0
        for name in FAMILIES:
            share = shares.get(name, 0.0)
            if share > 0:
                x, y = n - 0.42, k - 0.42
                low, high = y + 0.84 * bottom, y + 0.84 * (bottom + share)
                corners[name].append(np.array([[x, low], [x + 0.84, low], [x + 0.84, high], [x, high]]))
                bottom += share
    handles = []
    for name, look in FAMILIES.items():
        if corners[name]:
            made = PathPatch(Path.make_compound_path_from_polys(np.array(corners[name])), **look)
            made.set_label(name)
            axes.add_artist(made)
            handles.append(made)
    most = max([view.k, *(k for _, k in cells)])
    axes.add_artist(
        Rectangle(
            (view.n - 0.5, view.k - 0.5), 1.0, 1.0, fill=False, edgecolor=style.CURRENT, linewidth=2.6, clip_on=False
        )
    )
    axes.set(xlim=(0.4, most + 0.6), ylim=(1.4, most + 0.6))
    if not cells:
        axes.text(  # n > k is empty: from n = 3 at the bottom
            0.97, 0.05, "none are stored", transform=axes.transAxes, ha="right", va="bottom",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85},
        )  # fmt: skip
    # n > k is not shown
    style.legend(axes, handles, loc="lower right", fontsize=10, labelspacing=0.25, handlelength=1.2, borderaxespad=0.0)
