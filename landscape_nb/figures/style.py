"""One look for all pictures: colour-blind-safe, readable on a projector and in greyscale.

Colours from Okabe & Ito's palette; each role also has a marker or a line style of its own, so that no meaning hangs on colour alone.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TEACHER = "#0072B2"  # blue, solid, up-pointing triangles
STUDENT = "#D55E00"  # vermilion
CURRENT = "#000000"  # the state under the sliders: black
SAMPLE = "#009E73"  # bluish green, dotted
ZERO_MODE = "#999999"
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


def new_figure(width: float = 10.0, height: float = 6.4, dpi: int = 96) -> Figure:
    """An off-screen figure with an Agg canvas: no pyplot, no global state."""
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
        FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(RC):
        figure.savefig(buffer, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": 3})
    return buffer.getvalue()


def mark_point(
    axes: Axes, x: float, y: float, index: int, kind: str, current: bool = False, size: float = 15.0
) -> None:
    """A critical point in the project's grammar: minima discs, saddles rings with their index, maxima squares, degenerate diamonds.

    The one under the sliders has a black edge and is larger.
    """
    marker = {"minimum": "o", "saddle": "o", "maximum": "s"}.get(kind, "D")
    filled = kind == "minimum"
    axes.plot(
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
            fontsize=10 if size > 12 else 7.5,
            fontweight="bold",
            color=CURRENT,
            zorder=7,
        )
