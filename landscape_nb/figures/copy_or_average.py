"""Copy or average: the weights of a critical point, the losses of all partitions, its Hessian by symmetry, and the losses along n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from ..closed_forms.symmetry_blocks import Block
from ..critical import CriticalPoint
from ..networks import Network
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray
_MOST_BLOCKS = 12


@dataclass(frozen=True, eq=False)
class Branch:
    """One family of critical points along the number n of neurons.

    n, losses : where it exists. minimum : whether the point is a minimum there, None where that is not computed.
    """

    name: str
    n: Array
    losses: Array
    minimum: tuple[bool | None, ...]


@dataclass(frozen=True, eq=False)
class CopyOrAverageView:
    """Everything the picture shows, as numbers.

    point : the critical point shown, and ``sizes`` its partition (None for a point that is no copy-average). types : all partitions of the
    k teachers into n groups with their losses, lowest first, and ``rank`` of the one shown (counted from 0). blocks : the Hessian's
    spectrum by symmetry. branches : families along n. marks : (n, words) of the bifurcations along n.
    """

    point: CriticalPoint
    sizes: tuple[int, ...] | None
    types: tuple[tuple[int, ...], ...]
    losses: Array
    rank: int | None
    blocks: tuple[Block, ...]
    branches: tuple[Branch, ...]
    marks: tuple[tuple[float, str], ...]
    other: CriticalPoint | None

    @property
    def n(self) -> int:
        """Student neurons."""
        return self.point.student.n

    @property
    def k(self) -> int:
        """Teacher neurons."""
        return int(self.point.landscape.teacher.n)


def draw(figure: Figure, view: CopyOrAverageView) -> None:
    """Draw the four panels, on the axes that are there from the last time."""
    with style.drawing():
        weights, outgoing, losses, branches, blocks = style.panels(figure, _arrange)
        draw_weights(weights, outgoing, view.point.student, view.point.landscape.teacher)
        draw_losses(losses, view)
        draw_branches(branches, view)
        draw_blocks(blocks, view)


def _arrange(figure: Figure) -> None:
    grid = style.grid(figure, (1.0, 1.0), margins=(58, 16, 26, 46), gap=(84, 76))
    both = grid[0, 0].subgridspec(1, 2, width_ratios=(9, 1), wspace=0.06)
    weights = figure.add_subplot(both[0], xlabel="teacher", ylabel="student neuron")
    outgoing = figure.add_subplot(both[1], xlabel="a")
    weights.set_title("Incoming weights w, outgoing weights a")
    outgoing.yaxis.set_visible(False)
    outgoing.xaxis.set_major_locator(NullLocator())
    for axes in (weights, outgoing):
        axes.grid(visible=False)
    losses = figure.add_subplot(grid[0, 1], xlabel="partitions, lowest loss first", ylabel="loss")
    losses.set_title("Losses of all partitions")
    branches = figure.add_subplot(grid[1, 0], xlabel="student neurons n", ylabel="loss")
    branches.set_title("Along the number of neurons")
    blocks = figure.add_subplot(grid[1, 1], xlabel="symmetry block, with its multiplicity", ylabel="eigenvalue")
    blocks.set_title("Hessian spectrum by symmetry")
    for axes in (weights, losses, branches, blocks):
        style.place_words(axes)
    style.place_words(outgoing)
    for axes in (losses, branches):
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_locator(style.few_ticks())
        style.whole_numbers(axes.yaxis)


def _squares(x: Array, y: Array, sides: Array) -> Path:
    """Squares around these places, with these sides."""
    half = sides / 2
    corners = np.moveaxis(
        np.array([[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]]), -1, 0
    )
    return Path.make_compound_path_from_polys(corners)


def _hinton(axes: Axes, x: Array, y: Array, values: Array, scale: float) -> None:
    """A square for each value, its area in proportion: filled for positive ones, hollow for negative ones."""
    sides = 0.9 * np.sqrt(np.abs(values) / max(scale, 1e-300))
    seen = sides > 0.02
    for chosen, look in (
        (values > 0, {"facecolor": style.STUDENT, "edgecolor": "none"}),
        (values < 0, {"facecolor": "white", "edgecolor": style.STUDENT, "linewidth": 1.4}),
    ):
        if np.any(chosen & seen):
            shown = chosen & seen
            axes.add_artist(PathPatch(_squares(x[shown], y[shown], sides[shown]), **look))


def draw_weights(axes: Axes, outgoing: Axes, student: Network, teacher: Network) -> None:
    """How much of each teacher is in each student neuron, as squares: a row for each neuron; the outgoing weights beside them."""
    lengths = np.linalg.norm(teacher.W, axis=1)
    shares = student.W @ teacher.W.T / lengths**2  # how much of teacher j is in neuron i
    n, k = shares.shape
    x, y = np.meshgrid(np.arange(1, k + 1, dtype=float), np.arange(1, n + 1, dtype=float))
    _hinton(axes, x.ravel(), y.ravel(), shares.ravel(), float(np.abs(shares).max()))
    axes.set(xlim=(0.3, k + 0.7), ylim=(n + 0.7, 0.3))
    for axis, most in ((axes.xaxis, k), (axes.yaxis, n)):
        step = max(1, int(np.ceil(most / 8)))
        axis.set_major_locator(FixedLocator([1, *range(step, most + 1, step)] if step > 1 else [*range(1, most + 1)]))
    rows = np.arange(1, n + 1, dtype=float)
    largest = float(np.abs(student.a).max())
    _hinton(outgoing, np.zeros(n), rows, student.a, largest)
    half = max(0.6, 0.055 * (k + 0.4))  # a square is as wide as beside it
    outgoing.set(xlim=(-half, half), ylim=(n + 0.7, 0.3))


def draw_losses(axes: Axes, view: CopyOrAverageView) -> None:
    """The loss of each partition by rank, the one shown ringed; a dashed line where the other family stands."""
    ranks = np.arange(1, view.losses.size + 1)
    crowded = view.losses.size > 60
    look: dict[str, Any] = {"linestyle": "-", "linewidth": 2.0} if crowded else {"marker": "o", "linestyle": ""}
    lines = [Line2D(ranks, view.losses, color=style.TEACHER, markersize=7, label="partitions", **look)]
    axes.add_artist(lines[0])
    if view.rank is not None:
        ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": style.CURRENT, "markeredgewidth": 2.6}
        x, y = [view.rank + 1], [float(view.losses[view.rank])]
        lines.append(Line2D(x, y, linestyle="", marker="o", markersize=14, clip_on=False, label="point shown", **ring))
        axes.add_artist(lines[-1])
    low, high = float(view.losses.min()), float(view.losses.max())
    others = [point for point in (view.other, None if view.sizes else view.point) if point is not None]
    for point in others[:1]:
        lines.append(
            Line2D(
                *([0.5, ranks[-1] + 0.5], [point.loss, point.loss]),
                color=style.STUDENT,
                linestyle="--",
                linewidth=2.0,
                label=point.name,
            )
        )
        axes.add_artist(lines[-1])
        low, high = min(low, point.loss), max(high, point.loss)
    room = 0.08 * (high - low) if high - low > 1e-9 else max(0.1 * high, 0.01)
    axes.set(xlim=(0.5, ranks[-1] + 0.5), ylim=style.steady(low - room, high + 2 * room))
    style.legend(axes, lines, loc="upper left")


def draw_branches(axes: Axes, view: CopyOrAverageView) -> None:
    """The families of critical points along n: filled where they are minima, hollow where they are saddles; bifurcations as thin lines."""
    looks: Sequence[dict[str, Any]] = (
        {"color": style.TEACHER, "linestyle": "-"},
        {"color": style.STUDENT, "linestyle": "--"},
    )
    lines = []
    for branch, look in zip(view.branches, looks):
        line = Line2D(branch.n, branch.losses, linewidth=1.6, label=branch.name, **look)
        axes.add_artist(line)
        lines.append(line)
        size = 7.0 if view.k <= 20 else 4.5
        for kind, face in ((True, look["color"]), (False, "white")):
            chosen = np.array([found is kind for found in branch.minimum])
            if chosen.any():
                axes.add_artist(
                    Line2D(
                        *(branch.n[chosen], branch.losses[chosen]),
                        linestyle="",
                        marker="o",
                        markersize=size,
                        markerfacecolor=face,
                        markeredgecolor=look["color"],
                        markeredgewidth=1.5,
                        clip_on=False,
                    )
                )
    for n, words in view.marks:
        axes.add_artist(
            Line2D([n, n], [0, 1], color=style.ZERO_MODE, linewidth=1.2, transform=axes.get_xaxis_transform())
        )
        axes.text(
            *(n, 0.98, words),
            transform=axes.get_xaxis_transform(),
            rotation=90,
            ha="right",
            va="top",
            fontsize=style.SMALLEST_TYPE,
            color=style.CURRENT,
        )
    shown: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": style.CURRENT, "markeredgewidth": 2.6}
    here = Line2D([view.n], [view.point.loss], linestyle="", marker="o", markersize=14, clip_on=False, **shown)
    axes.add_artist(here)
    lines += [
        Line2D([], [], linestyle="", marker="o", markersize=7, color=style.CURRENT, label="minimum"),
        Line2D(
            [],
            [],
            linestyle="",
            marker="o",
            markersize=7,
            markerfacecolor="white",
            markeredgecolor=style.CURRENT,
            label="saddle",
        ),
    ]
    highest = max(float(branch.losses.max()) for branch in view.branches)
    axes.set(xlim=(0.5, view.k + 0.5), ylim=style.steady(-0.02 * highest, 1.05 * max(highest, view.point.loss)))
    style.legend(axes, lines, loc="lower left")


def draw_blocks(axes: Axes, view: CopyOrAverageView) -> None:
    """The eigenvalues of each symmetry block as ticks; negative ones below the axis, zero modes on it."""
    blocks = sorted(view.blocks, key=lambda block: float(np.min(block.eigenvalues)))[:_MOST_BLOCKS]
    values = np.concatenate([block.eigenvalues for block in blocks])
    tolerance = 1e-10 * float(np.abs(values).max())
    sizes = np.abs(values[np.abs(values) > tolerance])
    threshold = 10.0 ** np.floor(np.log10(float(sizes.min(initial=1.0))))
    if getattr(axes.yaxis.get_transform(), "linthresh", None) != threshold:
        axes.set_yscale("symlog", linthresh=threshold, linscale=0.6)
    for place, block in enumerate(blocks, start=1):
        for kind, look in (
            (
                block.eigenvalues > tolerance,
                {"marker": "o", "markerfacecolor": style.STUDENT, "markeredgecolor": style.STUDENT},
            ),
            (
                block.eigenvalues < -tolerance,
                {"marker": "v", "markerfacecolor": style.TEACHER, "markeredgecolor": style.TEACHER},
            ),
            (
                np.abs(block.eigenvalues) <= tolerance,
                {"marker": "s", "markerfacecolor": "white", "markeredgecolor": style.ZERO_MODE},
            ),
        ):
            shown = np.where(np.abs(block.eigenvalues[kind]) <= tolerance, 0.0, block.eigenvalues[kind])
            if shown.size:
                axes.add_artist(
                    Line2D(
                        *(np.full(shown.size, place), shown),
                        linestyle="",
                        markersize=8,
                        markeredgewidth=1.6,
                        clip_on=False,
                        **look,
                    )
                )
    axes.add_artist(Line2D([0, 1], [0, 0], color=style.CURRENT, linewidth=1.0, transform=axes.get_yaxis_transform()))
    axes.xaxis.set_major_locator(FixedLocator([*range(1, len(blocks) + 1)]))
    names = [f"{chr(ord('A') + i)} ×{block.multiplicity}" for i, block in enumerate(blocks)]
    axes.xaxis.set_major_formatter(style.Names(names, range(1, len(blocks) + 1)))
    low, high = float(values.min()), float(values.max())
    decades = max(1, int(np.ceil(np.log10(max(high, threshold) / threshold))))
    step = max(1, int(np.ceil(decades / 3)))
    powers = [threshold * 10.0**power for power in range(step, decades + step, step)]
    ticks = [*([-tick for tick in reversed(powers)] if low < -tolerance else []), 0.0, *powers]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    style.whole_numbers(axes.yaxis)
    axes.minorticks_off()
    bottom = -1.3 * powers[-1] if low < -tolerance else -0.4 * threshold
    axes.set(xlim=(0.4, len(blocks) + 0.6), ylim=(bottom, 1.3 * powers[-1]))
