"""A splitting line: its Hessian spectrum over gamma, the loss around it, the profile along the lowest direction, the network itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

from ..closed_forms.splitting import SplittingLine
from ..critical import CriticalPoint
from ..networks import Network
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Surface:
    """L - L_original over (gamma, s): the copies pulled apart by s |w| along the unit pure splitting direction of delta.

    gammas (G,), steps (S,), rises (S, G); delta (d,), of length |w|, is along the eigenvector of B that decides on this side.
    """

    gammas: Array
    steps: Array
    rises: Array
    delta: Array


@dataclass(frozen=True, eq=False)
class Curve:
    """Functions of one input: inputs (X,), target (X,), output (X,) of the network, apart (X,) with its copies pulled apart or None."""

    inputs: Array
    target: Array
    output: Array
    apart: Array | None


@dataclass(frozen=True, eq=False)
class SplittingView:
    """Everything the picture shows, as numbers.

    gammas (G,), spectra (G, P - 1) : eigenvalues off the line in ascending order, here (P - 1,) : those at gamma, pure (G, d) : the
    curvature along the pure splitting directions. plateaus : the open intervals of gamma with minima, None where no theorem says.
    steps (S,), profile (S,) and reference (S,) : L - L_original along the lowest direction at gamma, and at ``middle``. escape : lowest
    eigenvalue at gamma and its unit eigenvector. apart : s, how far the copies are pulled apart; copies (2, d) : their weight vectors
    then; rise : L - L_original there. curve : for one input, None for two. teacher : the network that made the target, None for one.
    """

    line: SplittingLine
    gamma: float
    gammas: Array
    spectra: Array
    here: Array
    pure: Array
    plateaus: tuple[tuple[float, float], ...] | None
    surface: Surface
    steps: Array
    profile: Array
    reference: Array
    middle: float
    escape: tuple[float, Array]
    apart: float
    copies: Array
    rise: float
    point: CriticalPoint
    curve: Curve | None
    teacher: Network | None


def draw(figure: Figure, view: SplittingView) -> None:
    """Draw the four panels, on the axes that are there from the last time."""
    with style.drawing():
        spectrum, surface, profile, network = style.panels(figure, _arrange)
        draw_spectrum(spectrum, view)
        draw_surface(surface, view)
        draw_profile(profile, view)
        if view.curve is not None:
            draw_curve(network, view.curve)
        else:
            draw_neurons(network, view)


def _arrange(figure: Figure) -> None:
    grid = style.grid(figure, (1.2, 1.0), margins=(64, 16, 26, 46), gap=(82, 98))
    spectrum = figure.add_subplot(grid[0, 0], xlabel="γ", ylabel="eigenvalue")
    spectrum.set_title("Hessian spectrum along the line")
    surface = figure.add_subplot(grid[1, 0], xlabel="γ", ylabel="s, copies apart")
    surface.set_title("Loss around the line: dark is low")
    surface.grid(visible=False)
    profile = figure.add_subplot(grid[0, 1], xlabel="step along the lowest direction", ylabel="rise of the loss")
    profile.set_title("Across the line at γ")
    network = figure.add_subplot(grid[1, 1])
    for axes in (spectrum, surface, network):
        style.place_words(axes)
    style.place_words(profile, y_label=57.0)
    style.whole_numbers(surface.xaxis, surface.yaxis, spectrum.xaxis, profile.xaxis, profile.yaxis)
    style.whole_numbers(network.xaxis, network.yaxis)
    for axis in (surface.yaxis, profile.yaxis, profile.xaxis, network.xaxis, network.yaxis):
        axis.set_major_locator(style.few_ticks())


# the spectrum ---------------------------------------------------------------------------------------------------------

_LOWEST = Line2D([], [], color=style.STUDENT, linewidth=3.0, label="lowest")
_OTHERS = Line2D([], [], color=style.STUDENT, linewidth=1.2, label="others")
_PURE = Line2D([], [], color=style.TEACHER, linestyle=":", linewidth=2.2, label="pure splitting")
_PLATEAU = Rectangle((0, 0), 1, 1, facecolor=style.ZERO_MODE, alpha=0.25, linewidth=0, label="plateau")


def _bands(axes: Axes, view: SplittingView) -> None:
    """The plateau as grey bands over its intervals of gamma, and thin lines at gamma = 0 and 1."""
    low, high = float(view.gammas[0]), float(view.gammas[-1])
    for start, end in view.plateaus or ():
        style.band(axes, max(start, low), min(end, high))
    _ends(axes)


def _ends(axes: Axes) -> None:
    line = Line2D(
        [0.0, 0.0, np.nan, 1.0, 1.0], [0, 1, np.nan, 0, 1], transform=axes.get_xaxis_transform(), color=style.ZERO_MODE
    )
    line.set(linewidth=1.0, linestyle="--")
    axes.add_artist(line)


def _together(gammas: Array, columns: Array, **look: Any) -> Line2D:
    """Curves (G, C) over gamma as one line, which is quicker to draw than C of them."""
    x = np.tile(np.append(gammas, np.nan), columns.shape[1])
    return Line2D(x, np.vstack([columns, np.full(columns.shape[1], np.nan)]).T.ravel(), **look)


def draw_spectrum(axes: Axes, view: SplittingView) -> None:
    """Eigenvalues off the line over gamma, on an axis that is linear around 0 and logarithmic beyond; the current gamma as marks."""
    lowest, largest = view.spectra[:, 0], float(view.spectra.max())
    near = float(np.abs(np.concatenate([lowest, view.pure.ravel()])).max())
    threshold = 10.0 ** np.floor(np.log10(max(near, 1e-9 * largest)))
    if getattr(axes.yaxis.get_transform(), "linthresh", None) != threshold:
        axes.set_yscale("symlog", linthresh=threshold, linscale=1.0)
    low = min(float(lowest.min()), float(view.pure.min()))
    decades = int(np.ceil(np.log10(1.2 * largest / threshold)))
    step = max(1, int(np.ceil(decades / 4)))
    powers = [threshold * 10.0**power for power in range(0, decades + 1, step)]
    below = int(np.ceil(np.log10(max(1.5 * abs(min(low, 0.0)) / threshold, 1.0))))
    negative = [-threshold * 10.0**power for power in range(below, -1, -1)] if low < -0.2 * threshold else []
    axes.yaxis.set_major_locator(FixedLocator([*negative, 0.0, *powers]))
    axes.minorticks_off()
    style.whole_numbers(axes.yaxis)
    axes.set(
        xlim=(view.gammas[0], view.gammas[-1]),
        ylim=(1.6 * negative[0] if negative else -0.6 * threshold, 2 * powers[-1]),
    )
    _bands(axes, view)
    zero = Line2D([view.gammas[0], view.gammas[-1]], [0, 0], color=style.ZERO_MODE, linewidth=1.6, linestyle="-.")
    zero.set_label("the line: 0")
    axes.add_artist(zero)
    axes.add_artist(_together(view.gammas, view.spectra[:, 1:], color=style.STUDENT, linewidth=1.2))
    axes.add_artist(_together(view.gammas, view.pure, color=style.TEACHER, linestyle=":", linewidth=2.2))
    style.line(axes, view.gammas, lowest, color=style.STUDENT, linewidth=3.0)
    _current(axes, view)
    here = Line2D(np.full(view.here.size, view.gamma), view.here, marker="o", markersize=6, color=style.CURRENT)
    here.set_linestyle("none")
    axes.add_artist(here)
    style.legend(axes, [_LOWEST, _OTHERS, _PURE, zero, *([_PLATEAU] if view.plateaus else [])], **_below(3))


def _below(columns: int) -> dict[str, Any]:
    """A legend below the axis label, where it hides no curve."""
    return {
        "loc": "upper center",
        "bbox_to_anchor": (0.46, 0.0),
        "borderaxespad": 3.6,
        "ncol": columns,
        "fontsize": 10,
        "labelspacing": 0.2,
        "columnspacing": 0.9,
        "handlelength": 1.6,
        "handletextpad": 0.4,
    }


def _current(axes: Axes, view: SplittingView) -> None:
    line = Line2D([view.gamma, view.gamma], [0, 1], transform=axes.get_xaxis_transform(), color=style.CURRENT)
    line.set_linewidth(1.6)
    axes.add_artist(line)


# the loss -------------------------------------------------------------------------------------------------------------


def scales(rises: Array) -> tuple[float, float]:
    """How deep and how high the colours reach: nine tenths of what lies below the line, and above it, is within."""
    below, above = -rises[rises < 0], rises[rises > 0]
    return tuple(float(np.quantile(part, 0.9)) if part.size else 1e-300 for part in (below, above))  # type: ignore[return-value]


def shades(rises: Array) -> Array:
    """0 for the deepest, 1/2 for the loss of the line, 1 for the highest, by square roots on both sides."""
    deep, high = scales(rises)
    sides = np.where(rises < 0, -np.sqrt(np.maximum(-rises, 0.0) / deep), np.sqrt(np.maximum(rises, 0.0) / high))
    return np.asarray(0.5 + 0.5 * np.clip(sides, -1.0, 1.0))


def draw_surface(axes: Axes, view: SplittingView) -> None:
    """The loss over gamma and s as colours with contour lines, the level of the line itself in black, the line with its minima."""
    surface = view.surface
    reach = float(surface.steps[-1])
    low, high = float(surface.gammas[0]), float(surface.gammas[-1])
    axes.imshow(
        shades(surface.rises),
        extent=(low, high, -reach, reach),
        origin="lower",
        cmap=style.LOSS_MAP,
        vmin=0.0,
        vmax=1.0,
        interpolation="bilinear",
        aspect="auto",
    )
    axes.set(xlim=(low, high), ylim=(-reach, reach))
    deep, top = scales(surface.rises)
    levels = [*(-deep * np.linspace(1.25, 0, 6)[:-1] ** 2), *(top * np.linspace(0, 1.25, 6)[1:] ** 2)]
    style.contours(
        axes, surface.gammas, surface.steps, surface.rises, np.array(levels), color="white", linewidth=0.8, alpha=0.7
    )
    style.contours(axes, surface.gammas, surface.steps, surface.rises, np.zeros(1), color=style.CURRENT, linewidth=1.8)
    _ends(axes)
    look: dict[str, Any] = {"color": "white", "linewidth": 1.6, "linestyle": "--"}
    style.line(axes, [low, high], [0.0, 0.0], **look)
    for start, end in view.plateaus or ():
        style.line(axes, [max(start, low), min(end, high)], [0.0, 0.0], color=style.STUDENT, linewidth=5.0)
    _current(axes, view)
    style.mark_point(axes, view.gamma, 0.0, view.point.index, view.point.kind, current=True)
    if view.apart:
        style.line(axes, [view.gamma], [view.apart], **_APART)


#: The student whose copies are pulled apart.
_APART: dict[str, Any] = {
    "marker": "X",
    "markersize": 13,
    "color": style.CURRENT,
    "markeredgecolor": "white",
    "linestyle": "none",
    "zorder": 7,
}


# the profile ----------------------------------------------------------------------------------------------------------


def draw_profile(axes: Axes, view: SplittingView) -> None:
    """L along the lowest direction at gamma, with its second order dashed, and the same at the middle of the plateau (or of the line)."""
    value, _ = view.escape
    second = 0.5 * value * view.steps**2
    seen = np.concatenate([view.profile, second])
    low, high = float(seen.min()), float(seen.max())
    low, high = min(low, 0.3 * float(view.reference.min())), max(high, 0.3 * float(view.reference.max()))
    room = 0.1 * max(high - low, 1e-9 * max(view.line.original.loss, 1e-9))
    axes.set(xlim=(view.steps[0], view.steps[-1]), ylim=style.steady(low - room, high + room))
    style.line(axes, [view.steps[0], view.steps[-1]], [0, 0], color=style.ZERO_MODE, linewidth=1.0)
    lines = [
        Line2D(view.steps, view.reference, color=style.TEACHER, linewidth=1.6, linestyle="-."),
        Line2D(view.steps, view.profile, color=style.STUDENT, linewidth=3.0),
        Line2D(view.steps, second, color=style.CURRENT, linewidth=1.6, linestyle="--"),
    ]
    for line, words in zip(lines, (f"γ = {view.middle:g}", "this γ", "second order")):
        line.set_label(words)
        axes.add_artist(line)
    style.mark_point(axes, 0.0, 0.0, view.point.index, view.point.kind, current=True)
    style.legend(axes, lines, **_below(2))


# the network ----------------------------------------------------------------------------------------------------------


def draw_curve(axes: Axes, curve: Curve) -> None:
    """One input: the target and the function of the network, which splitting leaves as it is; dashed with the copies pulled apart."""
    _name(axes, "Target and network", "x", "f(x)")
    lines = [
        Line2D(curve.inputs, curve.target, color=style.TEACHER, linewidth=1.8, label="target"),
        Line2D(curve.inputs, curve.output, color=style.STUDENT, linewidth=3.0, linestyle="-.", label="network"),
    ]
    functions = [curve.target, curve.output]
    if curve.apart is not None:
        lines.append(
            Line2D(curve.inputs, curve.apart, color=style.CURRENT, linewidth=1.8, linestyle="--", label="copies apart")
        )
        functions.append(curve.apart)
    low, high = (float(pick([pick(function) for function in functions])) for pick in (np.min, np.max))
    axes.set(
        xlim=(curve.inputs[0], curve.inputs[-1]),
        ylim=style.steady(low - 0.05 * (high - low), high + 0.05 * (high - low)),
    )
    for line in lines:
        axes.add_artist(line)
    style.legend(axes, lines, loc="lower right", fontsize=10, labelspacing=0.2)


def draw_neurons(axes: Axes, view: SplittingView) -> None:
    """Two inputs: the weight vectors of students and teacher; the copies pulled apart, or arrows in the lowest direction."""
    _name(axes, "Weight vectors", "first input", "second input")
    student = view.line.student
    _, way = view.escape
    d, first = student.d, view.line.neuron * student.d
    apart = way[first : first + 2 * d].reshape(2, d)
    length = float(np.linalg.norm(apart, axis=1).max())
    teachers = view.teacher.W if view.teacher is not None else np.empty((0, d))
    reach = max(float(np.abs(np.concatenate([student.W, teachers])).max()), 1.0)
    w = student.W[view.line.neuron]
    tips = w + 0.35 * reach / max(length, 1e-300) * apart if length > 1e-3 else np.empty((0, d))
    if view.apart:
        tips = view.copies
    low, high = style.steady(-1.1 * reach, 1.1 * reach)
    outside = float(np.abs(tips).max(initial=0.0))
    if outside > high:
        low, high = style.steady(-outside, outside)
    axes.set(xlim=(low, high), ylim=(low, high))
    handles = []
    if len(teachers):
        look: dict[str, Any] = {"marker": "^", "color": style.TEACHER, "markeredgecolor": "white", "markersize": 11}
        handles.append(Line2D(teachers[:, 0], teachers[:, 1], linestyle="none", label="teacher", **look))
    look = {"marker": "o", "color": style.STUDENT, "markersize": 9, "linestyle": "none"}
    others = np.delete(student.W, view.line.neuron, axis=0)
    if len(others):
        handles.append(Line2D(others[:, 0], others[:, 1], label="other student", **look))
    look = {**look, "markeredgecolor": style.CURRENT, "markeredgewidth": 2.4, "markersize": 12}
    handles.append(Line2D([w[0]], [w[1]], label="split neuron", **look))
    for handle in handles:
        axes.add_artist(handle)
    if view.apart:
        handles.append(Line2D(tips[:, 0], tips[:, 1], label="copies", **{**_APART, "markersize": 10}))
        axes.add_artist(handles[-1])
    for tip in tips if not view.apart else ():
        arrow = {"arrowstyle": "-|>", "color": style.CURRENT, "linewidth": 1.8, "shrinkA": 6, "shrinkB": 0}
        axes.annotate("", tuple(tip), tuple(w), arrowprops=arrow, annotation_clip=False)
    style.legend(
        axes,
        handles,
        loc=_free_corner(np.concatenate([student.W, teachers, tips]) / high),
        fontsize=10,
        handletextpad=0.2,
    )


def _free_corner(places: Array) -> str:
    """The corner in which the fewest of these places (in [-1, 1]^2) lie."""
    taken = {}
    for words, sign in (
        ("upper left", (-1, 1)),
        ("upper right", (1, 1)),
        ("lower left", (-1, -1)),
        ("lower right", (1, -1)),
    ):
        inside = (places * sign > (-0.2, 0.1)).all(axis=1)
        taken[words] = int(inside.sum())
    return min(taken, key=lambda words: taken[words])


def _name(axes: Axes, title: str, x: str, y: str) -> None:
    if axes.get_title() != title:
        axes.set_title(title, y=1.0)
        axes.set(xlabel=x, ylabel=y)
