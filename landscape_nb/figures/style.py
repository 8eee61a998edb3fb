"""One look for all pictures: colour-blind-safe, readable on a projector and in greyscale.

Colours from Okabe & Ito's palette; each role also has a marker or a line style of its own, so that no meaning hangs on colour alone.
Sizes are in points. A theme is the size of the sheet: on the smaller sheet of the projector theme the same type fills more of the screen.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from contourpy import LineType, contour_generator
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

Array = np.ndarray

#: Theme -> (width, height) of the sheet in inches.
THEMES: dict[str, tuple[float, float]] = {"screen": (10.0, 6.4), "projector": (7.8, 5.6)}
#: How a picture can be written.
STILLS = ("png", "svg", "pdf")
#: No word and no number is smaller, in points on the sheet.
SMALLEST_TYPE = 10.0
#: Pixels across a still picture, whatever the theme.
STILL_WIDTH = 960

TEACHER = "#0072B2"  # blue, solid, up-pointing triangles
STUDENT = "#D55E00"  # vermilion
CURRENT = "#000000"  # the state under the sliders: black
SAMPLE = "#009E73"  # bluish green, dotted
ZERO_MODE = "#767676"  # the lightest grey with a contrast of 4.5 on white
LOSS_MAP = "cividis"

CLOSED_FORM = "-"
NUMERICAL = "--"
MONTE_CARLO = ":"

RC: dict[str, Any] = {
    "font.size": 12,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 13,
    "axes.labelsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.8,
    "legend.fontsize": 10.5,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "none",
    "lines.linewidth": 2.2,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "mathtext.fontset": "dejavusans",
    "axes.unicode_minus": True,
}


def line_style(exact: str) -> str:
    """Solid for closed forms and mixtures, dashed for what was integrated or searched numerically."""
    return NUMERICAL if exact == "numerical" else CLOSED_FORM


_ONE_AT_A_TIME = threading.RLock()  # matplotlib's settings are global, labs draw on several threads
_in_force: list[dict[str, Any]] = []  # the settings of the drawings under way, the innermost last


@contextmanager
def drawing(settings: Mapping[str, Any] | None = None) -> Iterator[None]:
    """matplotlib with the look of this project, and these further settings; afterwards the user's own settings hold again."""
    with _ONE_AT_A_TIME:
        asked = {**RC, **(settings or {})}
        held = _in_force[-1] if _in_force else {}
        new = {name: value for name, value in asked.items() if name not in held or held[name] != value}
        before = {
            name: matplotlib.rcParams[name] for name in new
        }  # all of them, as rc_context keeps, take a millisecond
        _in_force.append({**held, **asked})
        try:
            matplotlib.rcParams.update(new)
            yield
        finally:
            matplotlib.rcParams.update(before)
            _in_force.pop()


def new_figure(theme: str = "screen") -> Figure:
    """An off-screen figure with an Agg canvas: no pyplot, no global state. theme : "screen" or "projector"."""
    if theme not in THEMES:
        raise ValueError(f"theme must be one of {', '.join(THEMES)}; {theme!r} was given")
    with drawing():
        figure = Figure(figsize=THEMES[theme], dpi=72, facecolor="white")
        FigureCanvasAgg(figure)
    return figure


def still(figure: Figure, suffix: str = "png") -> bytes:
    """The figure as a file: "png", "svg" or "pdf"; the same bytes for the same picture, without date or version."""
    buffer = io.BytesIO()
    width = float(figure.get_size_inches()[0])
    nameless: dict[str, dict[str, Any]] = {
        "png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}, "dpi": STILL_WIDTH / width},
        "svg": {"metadata": {"Date": None, "Creator": None}},
        "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
    }
    if suffix not in STILLS:
        raise ValueError(f"a picture is written as one of {', '.join(STILLS)}; {suffix!r} was given")
    with drawing({"svg.hashsalt": "landscape_nb", "svg.fonttype": "path"}):
        figure.savefig(buffer, format=suffix, **nameless[suffix])
    return buffer.getvalue()


def panels(figure: Figure, arrange: Callable[[Figure], object]) -> list[Axes]:
    """The axes of this figure, emptied; made by ``arrange(figure)`` the first time."""
    if not figure.axes:
        arrange(figure)
    for axes in figure.axes:
        wipe(axes)
    return list(figure.axes)


def content(axes: Axes) -> list[Artist]:
    """What was drawn into these axes, in that order: images, lines, areas, markers and words, not axis, spines, title and legend."""
    drawn = {*axes.images, *axes.collections, *axes.patches, *axes.lines, *axes.texts, *axes.artists}
    return [artist for artist in axes.get_children() if artist in drawn]


def wipe(axes: Axes) -> None:
    """Take the content out and leave the axes, their settings and their legend as they are."""
    for artist in content(axes):
        artist.remove()


def grid(
    figure: Figure,
    columns: tuple[float, ...],
    margins: tuple[float, float, float, float],
    gap: tuple[float, float],
    rows: int = 2,
) -> GridSpec:
    """Places for panels, with margins (left, right, top, bottom) and gaps (across, down) in points whatever the theme.

    columns : their shares of the width.
    """
    width, height = (72.0 * float(side) for side in figure.get_size_inches())
    left, right, top, bottom = margins
    return GridSpec(
        rows,
        len(columns),
        figure,
        width_ratios=columns,
        left=left / width,
        right=1 - right / width,
        top=1 - top / height,
        bottom=bottom / height,
        wspace=gap[0] / ((width - left - right - gap[0] * (len(columns) - 1)) / len(columns)),
        hspace=gap[1] / ((height - top - bottom - gap[1] * (rows - 1)) / rows),
    )


def place_words(axes: Axes, x_label: float = 21.0, y_label: float = 47.0, right: bool = False) -> None:
    """Axis labels at fixed distances in points, and the title at a fixed height.

    matplotlib would measure every tick label to place them, at more than the cost of drawing these; and labels that keep
    their place do not jump while a slider moves.
    """
    inches = axes.figure.dpi_scale_trans
    below = axes.transAxes + ScaledTranslation(0.0, -x_label / 72, inches)
    beside = axes.transAxes + ScaledTranslation((y_label if right else -y_label) / 72, 0.0, inches)
    axes.xaxis.set_label_coords(0.5, 0.0, transform=below)
    axes.yaxis.set_label_coords(1.0 if right else 0.0, 0.5, transform=beside)
    axes.set_title(axes.get_title(), y=1.0)


def legend(axes: Axes, handles: list[Any], **options: Any) -> None:
    """A legend of these labelled handles, none for an empty list; one that says the same already stays as it is."""
    entries = tuple((type(handle), str(handle.get_label()), _look(handle)) for handle in handles)
    asked = entries, tuple(sorted(options.items()))
    present = axes.get_legend()
    if present is not None and getattr(present, "says", None) == asked:
        return
    if present is not None:
        present.remove()
    if handles:
        made = axes.legend(handles, [str(handle.get_label()) for handle in handles], **options)
        made.set_zorder(10)  # above every curve and marker
        made.says = asked  # type: ignore[attr-defined]


def _look(handle: Any) -> tuple[Any, ...]:
    """How a labelled handle is drawn in a legend."""
    names = (
        "color",
        "linestyle",
        "linewidth",
        "marker",
        "markersize",
        "markerfacecolor",
        "facecolor",
        "hatch",
        "alpha",
    )
    return tuple(str(getattr(handle, f"get_{name}")()) for name in names if hasattr(handle, f"get_{name}"))


def steady(low: float, high: float, parts: int = 6) -> tuple[float, float]:
    """Round limits around a range, which stay the same while the range changes little: a frame that stays costs nothing."""
    edges = MaxNLocator(parts, steps=(1, 2, 2.5, 5, 10)).tick_values(low, high)
    return float(edges[0]), float(edges[-1])


def line(axes: Axes, x: Any, y: Any, **look: Any) -> Line2D:
    """A line, or marks, at these places; ``axes.plot`` would measure them, for limits that are set by hand here."""
    made = Line2D(x, y, **look)
    axes.add_artist(made)
    return made


def level(axes: Axes, y: float, **look: Any) -> Line2D:
    """A line at this height over the whole width."""
    return line(axes, [0.0, 1.0], [y, y], transform=axes.get_yaxis_transform(), **look)


def band(axes: Axes, start: float, end: float) -> None:
    """A grey band over the whole height, from start to end on the x axis: a plateau."""
    axes.add_artist(
        Rectangle(
            (start, 0.0),
            end - start,
            1.0,
            transform=axes.get_xaxis_transform(),
            facecolor=ZERO_MODE,
            alpha=0.25,
            linewidth=0,
        )
    )


def bars(axes: Axes, places: Array, heights: Array, width: float, bottom: float = 0.0, **look: Any) -> PathPatch:
    """Bars of these heights over the places on the x axis, as one artist: matplotlib spends half a millisecond on each."""
    left, right, low, high = np.broadcast_arrays(places - width / 2, places + width / 2, bottom, bottom + heights)
    corners = np.moveaxis(np.array([[left, low], [left, high], [right, high], [right, low]]), -1, 0)
    made = PathPatch(Path.make_compound_path_from_polys(corners), **look)
    axes.add_artist(made)  # ``add_patch`` would measure them all, for limits that are set by hand here
    return made


def contours(axes: Axes, x: Array, y: Array, values: Array, levels: Array, **look: Any) -> Line2D:
    """Contour lines of ``values`` (y.size, x.size) at these levels as one line: matplotlib's own set of them costs four times as much."""
    found = contour_generator(x, y, np.ma.masked_invalid(values), line_type=LineType.ChunkCombinedNan)
    pieces = [points for level in levels for points in found.lines(float(level))[0] if points is not None]
    gap = np.full((1, 2), np.nan)
    return line(axes, *np.concatenate([part for piece in pieces for part in (piece, gap)] or [gap]).T, **look)


def whole_numbers(*axes_of_numbers: Axis) -> None:
    """Tick labels that each give the whole number: no factor apart at the end of the axis, no exponent in smaller type."""
    for axis in axes_of_numbers:
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick_words(value)))
        axis.set_minor_formatter(NullFormatter())


class Names(FuncFormatter):
    """Words instead of numbers at these places of an axis; ``seq`` tells whether they are the same as before."""

    def __init__(self, names: Sequence[str], places: Sequence[float]) -> None:
        self.seq = (*names, *places)
        words = {round(float(place), 6): name for name, place in zip(names, places)}
        super().__init__(lambda value, _: words.get(round(float(value), 6), ""))


def few_ticks(symmetric: bool = False) -> MaxNLocator:
    """At most six ticks, at numbers of few digits."""
    return MaxNLocator(5, steps=(1, 2, 5, 10), symmetric=symmetric)


def tick_words(value: float) -> str:
    """0.25, −3, 1e5, 2.5e−7: at most six significant digits, powers of ten from 10^4 on and below 10^-3."""
    words = f"{value:.6g}"
    if value and not 1e-3 <= abs(value) < 1e4:
        digits, power = f"{value:.5e}".split("e")
        words = f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    return words.replace("-", "\N{MINUS SIGN}")


def mark_point(
    axes: Axes, x: float, y: float, index: int, kind: str, current: bool = False, size: float = 15.0
) -> None:
    """A critical point in the project's grammar: minima discs, saddles rings with their index, maxima squares, degenerate diamonds.

    The one under the sliders has a black edge and is larger.
    """
    marker = {"minimum": "o", "saddle": "o", "maximum": "s"}.get(kind, "D")
    filled = kind == "minimum"
    line(  # beside the limits, which are set by hand
        axes,
        [x],
        [y],
        marker=marker,
        markersize=size if current else size - 3,
        markerfacecolor=STUDENT if filled else "white",
        markeredgecolor=CURRENT if current else STUDENT,
        markeredgewidth=2.6 if current else 2.0,
        linestyle="none",
        zorder=6 if current else 5,
        clip_on=False,
    )
    if not filled:
        axes.annotate(
            str(index),
            (x, y),
            ha="center",
            va="center_baseline",
            fontsize=SMALLEST_TYPE,
            fontweight="bold",
            color=CURRENT,
            zorder=7,
        )
