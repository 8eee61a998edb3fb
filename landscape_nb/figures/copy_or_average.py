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
#: So many symmetry blocks are drawn, those with the lowest eigenvalues; the table has all.
MOST_BLOCKS = 12


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
    grid = style.grid(figure, (1.0, 1.0), margins=(61, 16, 26, 46), gap=(84, 76))
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
    branches = figure.add_subplot(grid[1, 0], xlabel="student neurons n", ylabel="loss / copy-average's")
    branches.set_title("Along the number of neurons")
    blocks = figure.add_subplot(grid[1, 1], xlabel="symmetry block, by its letter below", ylabel="eigenvalue")
    blocks.set_title("Hessian spectrum by symmetry")
    for axes in (weights, losses, branches, blocks):
        style.place_words(axes)
    style.place_words(outgoing)
    for axes in (losses, branches):
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(style.few_ticks())
        style.whole_numbers(axes.yaxis)


def _hinton(axes: Axes, x: Array, y: Array, values: Array, unit: tuple[float, float]) -> None:
    """A square for each value, its area in proportion, the largest 0.9 of the unit wide: filled for positive values, hollow for negative.

    unit : the width of the largest possible square, in units of x and of y.
    """
    sides = 0.9 * np.sqrt(np.abs(values) / max(float(np.abs(values).max()), 1e-300))
    seen = sides > 0.02
    sides = np.maximum(sides, 0.2)  # still seen
    for chosen, look in (
        (seen & (values > 0), {"facecolor": style.STUDENT, "edgecolor": "none"}),
        (
            seen & (values < 0),
            {"facecolor": "white", "edgecolor": style.STUDENT, "linewidth": 1.4 if values.size < 300 else 0.6},
        ),
    ):
        if chosen.any():
            across, up = (0.5 * sides[chosen] * size for size in unit)
            left, right, low, high = x[chosen] - across, x[chosen] + across, y[chosen] - up, y[chosen] + up
            corners = np.moveaxis(np.array([[left, low], [right, low], [right, high], [left, high]]), -1, 0)
            axes.add_artist(PathPatch(Path.make_compound_path_from_polys(corners), **look))


def draw_weights(axes: Axes, outgoing: Axes, student: Network, teacher: Network) -> None:
    """How much of each teacher is in each student neuron, as squares: a row for each neuron; the outgoing weights beside them."""
    lengths = np.linalg.norm(teacher.W, axis=1)
    shares = student.W @ teacher.W.T / lengths**2  # how much of teacher j is in neuron i
    n, k = shares.shape
    axes.set(xlim=(0.3, k + 0.7), ylim=(n + 0.7, 0.3))
    width, height = (72.0 * float(side) for side in axes.figure.get_size_inches())  # type: ignore[union-attr]
    place, beside = axes.get_position(), outgoing.get_position()
    column, row = place.width * width / (k + 0.4), place.height * height / (n + 0.4)  # in points
    side = min(column, row)
    x, y = np.meshgrid(np.arange(1, k + 1, dtype=float), np.arange(1, n + 1, dtype=float))
    _hinton(axes, x.ravel(), y.ravel(), shares.ravel(), (side / column, side / row))
    for axis, most in ((axes.xaxis, k), (axes.yaxis, n)):
        step = next(step for step in (1, 2, 5, 10, 20, 50) if most / step <= 10)
        axis.set_major_locator(FixedLocator([*range(1, most + 1)] if step == 1 else [1, *range(step, most + 1, step)]))
    side = min(row, beside.width * width)
    outgoing.set(xlim=(-0.5, 0.5), ylim=(n + 0.7, 0.3))
    _hinton(
        outgoing, np.zeros(n), np.arange(1, n + 1, dtype=float), student.a, (side / (beside.width * width), side / row)
    )


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
    other = view.point if view.sizes is None else view.other
    if other is not None:
        ends, height = [0.5, ranks[-1] + 0.5], [other.loss, other.loss]
        lines.append(Line2D(ends, height, color=style.STUDENT, linestyle="--", linewidth=2.0, label=other.name))
        axes.add_artist(lines[-1])
        low, high = min(low, other.loss), max(high, other.loss)
    room = 0.08 * (high - low) if high - low > 1e-9 else max(0.1 * high, 0.01)
    axes.set(xlim=(0.5, ranks[-1] + 0.5), ylim=style.steady(low - room, high + 10 * room))  # the legend stands above
    style.legend(axes, lines, loc="upper left")


def draw_branches(axes: Axes, view: CopyOrAverageView) -> None:
    """Both families along n, relative to the first: filled where they are minima, hollow where they are saddles; bifurcations as lines."""
    average = dict(zip(view.branches[0].n.tolist(), view.branches[0].losses.tolist()))
    looks: Sequence[dict[str, Any]] = (
        {"color": style.TEACHER, "linestyle": "-"},
        {"color": style.STUDENT, "linestyle": "--"},
    )
    lines = []
    highest, lowest = 1.01, 0.99
    for branch, look, marker in zip(view.branches, looks, "os"):  # told apart without colour
        inside = branch.n < view.k  # at n = k both are the exact copies
        numbers, kinds = branch.n[inside], [kind for kind, n in zip(branch.minimum, branch.n) if n < view.k]
        ratios = branch.losses[inside] / np.array([average[n] for n in numbers.tolist()])
        highest, lowest = max(highest, *ratios), min(lowest, *ratios)
        line = style.line(axes, numbers, ratios, linewidth=1.6, label=branch.name, **look)
        lines.append(line)
        size = 7.0 if view.k <= 20 else 3.5
        for kind, face in ((True, look["color"]), (False, "white")):
            chosen = np.array([found is kind for found in kinds], dtype=bool)
            if chosen.any():
                style.line(
                    axes,
                    *(numbers[chosen], ratios[chosen]),
                    linestyle="",
                    marker=marker,
                    markersize=size,
                    markerfacecolor=face,
                    markeredgecolor=look["color"],
                    markeredgewidth=1.5,
                    clip_on=False,
                )
    beside = axes.get_xaxis_transform()
    for place in dict.fromkeys(n for n, _ in view.marks):
        style.line(axes, [place, place], [0, 1], color=style.ZERO_MODE, linewidth=1.2, transform=beside, zorder=1)
        words = ", ".join(str(number) for number, (n, _) in enumerate(view.marks, start=1) if n == place)
        ground = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
        axes.text(place, 0.96, words, transform=beside, ha="center", va="top", fontweight="bold", bbox=ground)
    shown: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": style.CURRENT, "markeredgewidth": 2.6}
    here_ratio = [view.point.loss / average[view.n]] if view.n < view.k else []
    style.line(
        axes, [view.n] * len(here_ratio), here_ratio, linestyle="", marker="o", markersize=14, clip_on=False, **shown
    )
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
    highest, lowest = max(highest, *here_ratio, 0.0), min(lowest, *here_ratio, 1.0)
    room = highest - lowest
    axes.set(xlim=(0.5, view.k + 0.5), ylim=style.steady(lowest - 0.7 * room, highest + 0.3 * room))
    style.legend(axes, lines, loc="lower left", ncol=2, columnspacing=1.0, handletextpad=0.5)


def lettered(view: CopyOrAverageView) -> list[tuple[str, Block]]:
    """The symmetry blocks in the order of their lowest eigenvalues, each with the letter it has in the picture."""
    ordered = sorted(view.blocks, key=lambda block: (round(float(np.min(block.eigenvalues)), 9), block.name))
    return [(chr(ord("A") + i) if i < 26 else f"A{chr(ord('A') + i - 26)}", block) for i, block in enumerate(ordered)]


def draw_blocks(axes: Axes, view: CopyOrAverageView) -> None:
    """The eigenvalues of each symmetry block as ticks; negative ones below the axis, zero modes on it."""
    named = lettered(view)[:MOST_BLOCKS]
    blocks = [block for _, block in named]
    values = np.concatenate([block.eigenvalues for block in blocks])
    tolerance = view.point.tolerance
    sizes = np.abs(values[np.abs(values) > tolerance])
    threshold = 10.0 ** np.floor(np.log10(float(sizes.min(initial=1.0))))
    if getattr(axes.yaxis.get_transform(), "linthresh", None) != threshold:
        axes.set_yscale("symlog", linthresh=threshold, linscale=0.6)
    places = np.concatenate([np.full(block.eigenvalues.size, place) for place, block in enumerate(blocks, start=1)])
    for chosen, marker, face, edge in (
        (values > tolerance, "o", style.STUDENT, style.STUDENT),
        (values < -tolerance, "v", style.TEACHER, style.TEACHER),
        (np.abs(values) <= tolerance, "s", "white", style.ZERO_MODE),
    ):
        if chosen.any():
            marks = Line2D(places[chosen], values[chosen], linestyle="", marker=marker, markersize=8, clip_on=False)
            marks.set(markerfacecolor=face, markeredgecolor=edge, markeredgewidth=1.6)
            axes.add_artist(marks)
    style.level(axes, 0.0, color=style.CURRENT, linewidth=1.0)
    axes.xaxis.set_major_locator(FixedLocator([*range(1, len(blocks) + 1)]))
    names = [letter for letter, _ in named]
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
