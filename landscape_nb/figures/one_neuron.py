"""The landscape of one student neuron: the (along, across) plane, the profile over the norm, and a Hessian spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..critical import CriticalPoint
from ..display import grouped, number
from ..landscapes import PopulationLandscape
from ..networks import equicorrelation
from ..search import OneNeuronPoints
from ..slices import Plane, best_weight, mean_plane
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray
_GRID = 81


@dataclass(frozen=True, eq=False)
class OneNeuronView:
    """Everything the picture shows, as numbers.

    points : the critical points, and ``chosen`` the one whose profile and spectrum are shown. plane : its directions, and ``surface`` the
    loss min_a L on it over x (along) and y (across). profile : min_a L over the norms along the chosen direction.
    """

    landscape: PopulationLandscape
    points: OneNeuronPoints
    chosen: int
    plane: Plane
    x: Array
    y: Array
    surface: Array
    norms: Array
    profile: Array

    @property
    def point(self) -> CriticalPoint | None:
        """The chosen critical point; None if there is none."""
        return self.points[self.chosen] if len(self.points) else None


def one_neuron_view(landscape: PopulationLandscape, points: OneNeuronPoints, chosen: int = 0) -> OneNeuronView:
    """Compute the view of these critical points; ``chosen`` counts from 0, lowest loss first."""
    plane = mean_plane(landscape, _toward(landscape, points))
    longest = float(np.linalg.norm(landscape.teacher.W, axis=1).max())
    reach = 1.25 * max([0.8 * longest, *(float(np.linalg.norm(point.student.W)) for point in points)])
    x = np.linspace(-reach, reach, _GRID)
    y = x if plane.across.any() else np.zeros(1)
    surface, _ = best_weight(landscape, x[None, :], y[:, None], plane)
    norms = np.geomspace(0.02, 50.0, 121) * longest
    direction = _direction(landscape, points, chosen)
    across = np.zeros(landscape.d)
    profile, _ = best_weight(landscape, norms, np.zeros_like(norms), Plane(direction, across, "", ""))
    return OneNeuronView(landscape, points, chosen, plane, x, y, surface, norms, profile)


def _toward(landscape: PopulationLandscape, points: OneNeuronPoints) -> Array | None:
    """Where the teachers differ, the plane goes through the lowest critical point instead of their mean."""
    if not isinstance(equicorrelation(landscape.teacher), str):
        return None
    found = [point.student.W[0] for point in points if point.student.a[0] != 0 and point.student.W.any()]
    return found[0] if found else None


def _direction(landscape: PopulationLandscape, points: OneNeuronPoints, chosen: int) -> Array:
    w = points[chosen].student.W[0] if len(points) else np.zeros(landscape.d)
    if points.infimum is not None and not (len(points) and points[chosen].student.a[0] != 0):
        w = points.infimum.direction
    length = float(np.linalg.norm(w))
    return w / length if length > 0 else mean_plane(landscape).along


def draw(figure: Figure, view: OneNeuronView) -> None:
    """Draw the three panels on a cleared figure."""
    with matplotlib.rc_context(style.RC):
        figure.clear()
        grid = figure.add_gridspec(
            2, 2, width_ratios=(1.1, 1.0), left=0.095, right=0.975, top=0.93, bottom=0.1, wspace=0.27, hspace=0.5
        )
        draw_plane(figure.add_subplot(grid[:, 0]), view)
        draw_profile(figure.add_subplot(grid[0, 1]), view)
        draw_spectrum(figure.add_subplot(grid[1, 1]), view)


def place(view: OneNeuronView, point: CriticalPoint) -> tuple[float, float, bool]:
    """Where a point stands in the plane: x, y, and whether it (or a copy of it with the teachers in another order) lies in it."""
    w = point.student.W[0]
    x, y, distance = view.plane.coordinates(w)
    size = max(float(np.linalg.norm(w)), 1e-12)
    if distance <= 1e-6 * size:
        return x, y, True
    rest = w - x * view.plane.along
    across = float(np.linalg.norm(rest))
    for sign in (1.0, -1.0):  # a copy in the plane has the same loss and the same angle with the mean
        found, _ = best_weight(view.landscape, np.array(x), np.array(sign * across), view.plane)
        if point.student.a[0] != 0 and abs(float(found) - point.loss) <= 1e-9 * view.landscape.constant:
            return x, sign * across, True
    return x, across, False


def draw_plane(axes: Axes, view: OneNeuronView) -> None:
    """min_a L over the plane, contour levels that crowd at the minimum, and all critical points by index."""
    lowest = float(np.nanmin(view.surface))
    if view.points and view.point is not None:
        lowest = min(lowest, view.points[0].loss)
    ceiling = float(np.nanmax(view.surface))
    span = max(ceiling - lowest, 1e-6 * view.landscape.constant)  # a flat plane is flat, not rounding noise
    levels = lowest + span * np.linspace(0.0, 1.0, 22) ** 2
    axes.set(title="Loss, best outgoing weight", xlabel=f"w along the {view.plane.along_name}")
    axes.grid(visible=False)
    reach = float(view.x[-1])
    if view.y.size > 1:
        shade = (np.maximum(view.surface - lowest, 0.0) / span) ** 0.5
        axes.imshow(
            np.ma.masked_invalid(shade),
            extent=(-reach, reach, -reach, reach),
            origin="lower",
            cmap=style.LOSS_MAP,
            vmin=0.0,
            vmax=1.0,
            interpolation="bilinear",
            aspect="equal",
        )
        if ceiling - lowest > 1e-6 * view.landscape.constant:
            axes.contour(view.x, view.y, view.surface, levels=levels[1:-1], colors="white", linewidths=0.8, alpha=0.75)
        axes.set_ylabel(f"w across it, {view.plane.across_name}")
        axes.set_anchor("N")
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5, symmetric=True))
        teacher = view.landscape.teacher
        shown = [(v @ view.plane.along, v @ view.plane.across) for v in teacher.W]
        distinct = np.unique(np.round(shown, 9), axis=0)
        axes.plot(
            distinct[:, 0],
            distinct[:, 1],
            "^",
            color=style.TEACHER,
            markeredgecolor="white",
            markersize=11,
            label="teacher (projected)",
        )
    else:
        axes.plot(view.x, view.surface[0], color=style.CURRENT)
        axes.set(ylabel="loss", xlim=(-reach, reach))
        axes.set_box_aspect(1)  # leaves the room for the legend that a plane leaves
    for i, point in enumerate(view.points):
        x, y, inside = place(view, point)
        if view.y.size == 1:
            y = point.loss
        if view.landscape.activation.homogeneous is not None and np.hypot(x, y) > 0 and view.y.size > 1 and inside:
            end = 2 * reach / np.hypot(x, y)
            axes.plot([0, end * x], [0, end * y], "-", color=style.STUDENT, linewidth=1.6, scalex=False, scaley=False)
        if inside and (view.landscape.activation.odd or view.landscape.activation.even) and np.hypot(x, y) > 0:
            style.mark_point(axes, -x, -y if view.y.size > 1 else y, point.index, point.kind, size=11.0)
        if inside or view.y.size == 1:
            style.mark_point(axes, x, y, point.index, point.kind, current=i == view.chosen)
        else:
            axes.plot([x], [y], "x", color=style.STUDENT, markersize=9, markeredgewidth=2.2)
            if i == view.chosen:
                axes.plot(
                    [x],
                    [y],
                    "o",
                    markerfacecolor="none",
                    markeredgecolor=style.CURRENT,
                    markersize=16,
                    markeredgewidth=2.6,
                )
    if view.points.infimum is not None and view.y.size > 1:
        x, y, _ = view.plane.coordinates(view.points.infimum.direction)
        axes.annotate(
            "infimum at ∞",
            (0.96 * reach * x, 0.96 * reach * y),
            (0.45 * reach * x, 0.45 * reach * y),
            color=style.CURRENT,
            ha="center",
            fontsize=11,
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            arrowprops={"arrowstyle": "-|>", "color": "white", "linewidth": 2.2},
        )
    axes.plot([], [], "o", color=style.STUDENT, label="minimum")
    axes.plot(
        [],
        [],
        "o",
        markerfacecolor="white",
        markeredgecolor=style.STUDENT,
        markeredgewidth=2,
        label="saddle (its index)",
    )
    axes.plot(
        [],
        [],
        "o",
        markerfacecolor="none",
        markeredgecolor=style.CURRENT,
        markeredgewidth=2.4,
        markersize=11,
        label="shown at the right",
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=2, columnspacing=1.2, handletextpad=0.4)


def draw_profile(axes: Axes, view: OneNeuronView) -> None:
    """min_a L over |w| along the direction of the chosen point, with the limit at infinity where it is the infimum."""
    line = style.line_style(view.landscape.activation.exact)
    axes.semilogx(view.norms, view.profile, line, color=style.TEACHER)
    point = view.point
    norm = float(np.linalg.norm(point.student.W)) if point is not None else 0.0
    if point is not None and point.student.a[0] != 0 and view.norms[0] <= norm <= view.norms[-1]:
        if view.landscape.activation.homogeneous is None:
            style.mark_point(axes, norm, point.loss, point.index, point.kind, current=True)
        else:
            axes.plot(
                view.norms,
                np.full_like(view.norms, point.loss),
                "-",
                color=style.STUDENT,
                linewidth=4,
                alpha=0.5,
                label="half-line of critical points",
            )
    if view.points.infimum is not None:
        axes.axhline(
            view.points.infimum.loss,
            linestyle="--",
            color=style.CURRENT,
            linewidth=1.4,
            label=f"limit {number(view.points.infimum.loss, 5)}",
        )
    low, high = float(np.nanmin(view.profile)), float(np.nanmax(view.profile))
    room = 0.1 * (high - low)
    if high - low <= 1e-6 * view.landscape.constant:  # a flat profile is flat, not rounding noise
        room = 0.02 * max(high, view.landscape.constant)
    axes.set_ylim(low - room, high + room)
    axes.set(xlabel="|w|, log scale", ylabel="loss", title="Profile over the norm")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best")


def draw_spectrum(axes: Axes, view: OneNeuronView) -> None:
    """The eigenvalues of the Hessian, zero modes hatched and named, negative ones below the axis."""
    point = view.point
    axes.set(title="Hessian spectrum", xlabel="eigenvalues, in ascending order", ylabel="eigenvalue")
    if point is None:
        axes.text(0.5, 0.5, "no finite critical point", transform=axes.transAxes, ha="center")
        axes.set(xticks=[], yticks=[])
        return
    groups = grouped(point.spectrum)
    largest = float(np.abs(point.spectrum).max())
    positive = [abs(value) for value, _ in groups if abs(value) > point.tolerance]
    smallest = min(positive, default=1.0)
    if largest <= 0:
        largest = smallest = 1.0
    threshold = 10.0 ** np.floor(np.log10(smallest))
    decades = int(np.ceil(np.log10(largest / threshold)))
    axes.set_yscale("symlog", linthresh=threshold, linscale=0.6)
    names = ", ".join(f"{name} ({count})" for name, count in point.zero_modes.items())
    start = 0
    for value, count in groups:
        places = np.arange(start, start + count) + 1
        start += count
        if abs(value) <= point.tolerance:
            axes.bar(
                places,
                np.full(count, 0.5 * threshold),
                0.75,
                bottom=-0.25 * threshold,
                color="white",
                edgecolor=style.ZERO_MODE,
                hatch="////",
                label=f"zero: {names}",
            )
        else:
            colour = style.STUDENT if value > 0 else style.TEACHER
            axes.bar(
                places, np.full(count, value), 0.75, color=colour, hatch=None if value > 0 else "..", edgecolor="white"
            )
    axes.axhline(0.0, color=style.CURRENT, linewidth=1.0)
    step = max(1, int(np.ceil(decades / 3)))
    ticks = [threshold * 10.0**power for power in range(0, decades + 1, step)]
    if (point.spectrum < -point.tolerance).any():
        ticks = [-tick for tick in reversed(ticks)] + [0.0] + ticks
    else:
        ticks = [0.0, *ticks]
        axes.set_ylim(bottom=-0.4 * threshold)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.margins(y=0.12)
    if names:
        axes.legend(loc="best")
