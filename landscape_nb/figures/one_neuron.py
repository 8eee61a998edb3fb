"""The landscape of one student neuron: the (along, across) plane, the profile over the norm, and a Hessian spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator

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


@dataclass(frozen=True, eq=False)
class Surface:
    """min_a L over w = x along + y across of a plane: values of shape (y.size, x.size); y is (0,) where there is nothing across."""

    plane: Plane
    x: Array
    y: Array
    values: Array


def loss_surface(landscape: PopulationLandscape, points: OneNeuronPoints) -> Surface:
    """The plane of the teachers' mean, or of the lowest point where the teachers differ, wide enough for all these points."""
    plane = mean_plane(landscape, _toward(landscape, points))
    longest = float(np.linalg.norm(landscape.teacher.W, axis=1).max())
    reach = _round_up(1.2 * max([0.8 * longest, *(float(np.linalg.norm(point.student.W)) for point in points)]))
    x = np.linspace(-reach, reach, _GRID)
    y = x if plane.across.any() else np.zeros(1)
    values, _ = best_weight(landscape, x[None, :], y[:, None], plane)
    return Surface(plane, x, y, values)


def one_neuron_view(
    landscape: PopulationLandscape, points: OneNeuronPoints, chosen: int = 0, surface: Surface | None = None
) -> OneNeuronView:
    """The view of these critical points; ``chosen`` counts from 0, lowest loss first. surface : ``loss_surface``, where it is at hand."""
    if surface is None:
        surface = loss_surface(landscape, points)
    longest = float(np.linalg.norm(landscape.teacher.W, axis=1).max())
    norms = np.geomspace(10.0 ** np.floor(np.log10(0.02 * longest)), 10.0 ** np.ceil(np.log10(10 * longest)), 121)
    direction = _direction(landscape, points, chosen)
    across = np.zeros(landscape.d)
    profile, _ = best_weight(landscape, norms, np.zeros_like(norms), Plane(direction, across, "", ""))
    return OneNeuronView(landscape, points, chosen, surface.plane, surface.x, surface.y, surface.values, norms, profile)


def _round_up(length: float) -> float:
    """The next of 1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.4, 8, 10, ...: axes that keep their limits while a slider moves a little."""
    decade = 10.0 ** np.floor(np.log10(length))
    return float(
        decade * min(step for step in (1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.4, 8, 10) if step * decade >= length)
    )


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
    """Draw the three panels, on the axes that are there from the last time."""
    with style.drawing():
        plane, profile, spectrum = style.panels(figure, _arrange)
        draw_plane(plane, view)
        draw_profile(profile, view)
        draw_spectrum(spectrum, view)


def _arrange(figure: Figure) -> None:
    grid = style.grid(figure, (1.1, 1.0), margins=(64, 16, 26, 42), gap=(80, 72))
    plane = figure.add_subplot(grid[:, 0])
    plane.grid(visible=False)
    plane.set_box_aspect(1)
    plane.set_anchor("N")  # the legend stands below
    plane.set_title("Loss, best outgoing weight")
    profile = figure.add_subplot(grid[0, 1], xscale="log", xlabel="|w|, log scale", ylabel="loss")
    profile.set_title("Profile over the norm")
    profile.yaxis.set_major_locator(style.few_ticks())
    spectrum = figure.add_subplot(grid[1, 1], xlabel="eigenvalues, in ascending order", ylabel="eigenvalue")
    spectrum.set_title("Hessian spectrum")
    spectrum.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    for axes in (plane, profile, spectrum):
        style.place_words(axes)
    style.whole_numbers(plane.xaxis, plane.yaxis, profile.xaxis, profile.yaxis)
    plane.xaxis.set_major_locator(style.few_ticks(symmetric=True))


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
    reach = float(view.x[-1])
    axes.set(xlabel=f"w along the {view.plane.along_name}", xlim=(-reach, reach))
    flat = view.y.size == 1
    if flat:
        style.line(axes, view.x, view.surface[0], color=style.CURRENT)
        axes.set(ylabel="loss", ylim=style.steady(*_with_room(lowest, ceiling, view)))
        axes.yaxis.set_major_locator(style.few_ticks())
    else:
        _draw_surface(axes, view, lowest, ceiling, span)
    for i, point in enumerate(view.points):
        _draw_point(axes, view, point, i == view.chosen, flat)
    if view.points.infimum is not None and not flat:
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
    below: dict[str, Any] = {
        "loc": "upper center",
        "bbox_to_anchor": (0.42, 0.0),
        "borderaxespad": 3.4,
        "ncol": 2,
        "columnspacing": 0.8,
        "handlelength": 1.0,
        "handletextpad": 0.4,
    }
    style.legend(axes, [*_TEACHERS[flat:], *_MARKS], **below)


_TEACHERS = [
    Line2D(
        [],
        [],
        marker="^",
        color=style.TEACHER,
        markeredgecolor="white",
        markersize=11,
        linestyle="",
        label="teacher (projected)",
    )
]
_MARKS = [
    Line2D([], [], marker="o", color=style.STUDENT, markersize=8, linestyle="", label="minimum"),
    Line2D(
        *([], []),
        marker="o",
        markerfacecolor="white",
        markeredgecolor=style.STUDENT,
        markeredgewidth=2,
        markersize=8,
        linestyle="",
        label="saddle (its index)",
    ),
    Line2D(
        *([], []),
        marker="o",
        markerfacecolor="none",
        markeredgecolor=style.CURRENT,
        markeredgewidth=2.4,
        markersize=11,
        linestyle="",
        label="point shown",
    ),
]


def _draw_surface(axes: Axes, view: OneNeuronView, lowest: float, ceiling: float, span: float) -> None:
    """The loss as colours with contour lines, and the teachers' projections."""
    reach = float(view.x[-1])
    shade = (np.maximum(view.surface - lowest, 0.0) / span) ** 0.5
    axes.imshow(
        np.ma.masked_invalid(shade),
        extent=(-reach, reach, -reach, reach),
        origin="lower",
        cmap=style.LOSS_MAP,
        vmin=0.0,
        vmax=1.0,
        interpolation="bilinear",
        aspect="auto",
    )
    if ceiling - lowest > 1e-6 * view.landscape.constant:
        levels = lowest + span * np.linspace(0.0, 1.0, 22) ** 2
        style.contours(axes, view.x, view.y, view.surface, levels[1:-1], color="white", linewidth=0.8, alpha=0.75)
    axes.set(ylabel=f"w across it, {view.plane.across_name}", ylim=(-reach, reach))
    axes.yaxis.set_major_locator(style.few_ticks(symmetric=True))
    shown = [(v @ view.plane.along, v @ view.plane.across) for v in view.landscape.teacher.W]
    distinct = np.unique(np.round(shown, 9), axis=0)
    style.line(
        axes,
        distinct[:, 0],
        distinct[:, 1],
        marker="^",
        linestyle="none",
        color=style.TEACHER,
        markeredgecolor="white",
        markersize=11,
        label="teacher (projected)",
    )


def _draw_point(axes: Axes, view: OneNeuronView, point: CriticalPoint, chosen: bool, flat: bool) -> None:
    """One critical point in the plane, with its half-line or its mirror image; a cross for one outside the plane."""
    x, y, inside = place(view, point)
    activation, reach = view.landscape.activation, float(view.x[-1])
    if flat:
        y = point.loss
    away = np.hypot(x, y) > 0
    if activation.homogeneous is not None and away and inside and not flat:
        end = 2 * reach / np.hypot(x, y)
        style.line(axes, [0, end * x], [0, end * y], color=style.STUDENT, linewidth=1.6)
    if inside and (activation.odd or activation.even) and away:
        style.mark_point(axes, -x, y if flat else -y, point.index, point.kind, size=14.0)
    if inside or flat:
        style.mark_point(axes, x, y, point.index, point.kind, current=chosen)
        return
    style.line(axes, [x], [y], marker="x", linestyle="none", color=style.STUDENT, markersize=9, markeredgewidth=2.2)
    if chosen:
        ring: dict[str, Any] = {
            "marker": "o",
            "linestyle": "none",
            "markerfacecolor": "none",
            "markeredgecolor": style.CURRENT,
            "markersize": 16,
            "markeredgewidth": 2.6,
        }
        style.line(axes, [x], [y], **ring)


def draw_profile(axes: Axes, view: OneNeuronView) -> None:
    """min_a L over |w| along the direction of the chosen point, with the limit at infinity where it is the infimum."""
    way = style.line_style(view.landscape.activation.exact)
    style.line(axes, view.norms, view.profile, linestyle=way, color=style.TEACHER)
    named = []
    point = view.point
    norm = float(np.linalg.norm(point.student.W)) if point is not None else 0.0
    if point is not None and point.student.a[0] != 0 and view.norms[0] <= norm <= view.norms[-1]:
        if view.landscape.activation.homogeneous is None:
            style.mark_point(axes, norm, point.loss, point.index, point.kind, current=True)
        else:
            half_line: dict[str, Any] = {
                "color": style.STUDENT,
                "linewidth": 4,
                "alpha": 0.5,
                "label": "half-line of critical points",
            }
            named.append(style.line(axes, view.norms, np.full_like(view.norms, point.loss), **half_line))
    low, high = float(np.nanmin(view.profile)), float(np.nanmax(view.profile))
    if view.points.infimum is not None:
        limit = view.points.infimum.loss
        named.append(
            style.level(
                axes, limit, linestyle="--", color=style.CURRENT, linewidth=1.4, label=f"limit {number(limit, 5)}"
            )
        )
        low = min(low, limit)
    axes.set(xlim=(view.norms[0], view.norms[-1]), ylim=style.steady(*_with_room(low, high, view)))
    style.legend(axes, named, loc="upper right")


def _with_room(low: float, high: float, view: OneNeuronView) -> tuple[float, float]:
    """A range of losses with room for the marks at its ends; a flat one is flat, not rounding noise."""
    room = 0.08 * (high - low)
    if high - low <= 1e-6 * view.landscape.constant:
        room = 0.02 * max(high, view.landscape.constant)
    return low - room, high + room


def draw_spectrum(axes: Axes, view: OneNeuronView) -> None:
    """The eigenvalues of the Hessian, zero modes hatched and named, negative ones below the axis."""
    point = view.point
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_visible(point is not None)
    if point is None:
        axes.text(0.5, 0.5, "no finite critical point", transform=axes.transAxes, ha="center")
        style.legend(axes, [])
        return
    groups = grouped(point.spectrum)
    largest = float(np.abs(point.spectrum).max())
    positive = [abs(value) for value, _ in groups if abs(value) > point.tolerance]
    smallest = min(positive, default=1.0)
    if largest <= 0:
        largest = smallest = 1.0
    threshold = 10.0 ** np.floor(np.log10(smallest))
    decades = max(1, int(np.ceil(np.log10(largest / threshold))))
    scale = axes.yaxis.get_transform()
    if getattr(scale, "linthresh", None) != threshold:
        axes.set_yscale("symlog", linthresh=threshold, linscale=0.6)
    names = ",\n".join(f"{name} ({count})" for name, count in point.zero_modes.items())
    start, zeros = 0, []
    for value, count in groups:
        places = np.arange(start, start + count) + 1
        start += count
        if abs(value) <= point.tolerance:
            hatched: dict[str, Any] = {
                "facecolor": "white",
                "edgecolor": style.ZERO_MODE,
                "hatch": "////",
                "label": f"zero: {names}",
            }
            zeros = [style.bars(axes, places, np.full(count, 0.5 * threshold), 0.75, -0.25 * threshold, **hatched)]
        else:
            colour, hatch = (style.STUDENT, None) if value > 0 else (style.TEACHER, "..")
            style.bars(axes, places, np.full(count, value), 0.75, facecolor=colour, hatch=hatch, edgecolor="white")
    style.level(axes, 0.0, color=style.CURRENT, linewidth=1.0)
    step = max(1, int(np.ceil(decades / 3)))
    negative = bool((point.spectrum < -point.tolerance).any())
    crowded = decades > (3 if negative else 6)  # then the threshold's own label would lie on that of 0
    powers = [threshold * 10.0**power for power in range(step if crowded else 0, decades + step, step)]
    ticks = [*([-tick for tick in reversed(powers)] if negative else []), 0.0, *powers]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    style.whole_numbers(axes.yaxis)
    axes.minorticks_off()
    bottom = -1.3 * powers[-1] if negative else -0.4 * threshold
    axes.set(xlim=(0.4, point.spectrum.size + 0.6), ylim=(bottom, 1.3 * powers[-1]))
    # narrow, so that it does not reach the bars at the right, which are the highest
    narrow = {"handlelength": 1.0, "handletextpad": 0.4, "borderaxespad": 0.0, "borderpad": 0.2}
    style.legend(axes, zeros if names else [], loc="upper left", **narrow)
