"""What two neurons see of each other: the kernel over the cosine, a sample's estimate, and the Hermite coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.ticker import MaxNLocator

from ..activations import Activation
from ..display import number
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray
HERMITE_TERMS = 12


@dataclass(frozen=True, eq=False)
class KernelView:
    """Everything the picture shows, as numbers.

    K and its slope in the cosine, dK/dcos = r1 r2 K_c, at the current angle and over all cosines; running Monte Carlo estimates with
    their standard errors at growing sample sizes; Hermite coefficients of both neurons.
    """

    activation: Activation
    norm1: float
    norm2: float
    angle: float  # degrees
    value: float
    slope: float
    cosines: Array
    values: Array
    slopes: Array
    sizes: Array
    estimates: Array
    errors: Array
    hermite1: Array
    hermite2: Array

    @property
    def cosine(self) -> float:
        """cos of the angle, exactly 0 and +-1 at 90, 0 and 180 degrees."""
        return exact_cosine(self.angle)


def exact_cosine(degrees: float) -> float:
    """cos of an angle in degrees, without the rounding of pi at the quarter turns."""
    quarter, rest = divmod(degrees, 90.0)
    if rest == 0.0:
        return (1.0, 0.0, -1.0, 0.0)[int(quarter) % 4]
    return float(np.cos(np.radians(degrees)))


def kernel_view(activation: Activation, norm1: float, norm2: float, angle: float, seed: int = 0) -> KernelView:
    """Compute the view for two neurons of these norms at this angle (degrees), with a sample drawn from ``default_rng(seed)``."""
    cosine = exact_cosine(angle)
    cosines = np.cos(np.linspace(np.pi, 0.0, 181))
    cosines[[0, 90, 180]] = -1.0, 0.0, 1.0
    s, t = norm1**2, norm2**2

    def covariance_and_area(cosine: Array) -> tuple[Array, Array]:
        # the rounding of c = r1 r2 cos must not open the angle between parallel vectors: sign and step have a cusp there
        sine = np.sqrt((1.0 - cosine) * (1.0 + cosine))
        return cosine * norm1 * norm2, sine * norm1 * norm2

    def kernel(cosine: Array) -> Array:
        c, area = covariance_and_area(cosine)
        return activation.kernel(s, c, t, area)

    def slope(cosine: Array) -> Array:
        c, area = covariance_and_area(cosine)
        with np.errstate(invalid="ignore"):
            return norm1 * norm2 * activation.kernel_slopes(s, c, t, area)[1]

    x, y = np.random.default_rng(seed).normal(size=(2, 100_000))
    first = norm1 * x
    second = norm2 * (cosine * x + np.sqrt(max(1.0 - cosine**2, 0.0)) * y)
    products = activation(first) * activation(second)
    sizes = np.unique(np.round(np.geomspace(10, x.size, 25)).astype(int))
    sums, squares = np.cumsum(products)[sizes - 1], np.cumsum(products**2)[sizes - 1]
    estimates = sums / sizes
    spread = np.maximum(squares / sizes - estimates**2, 0.0)
    return KernelView(
        activation,
        norm1,
        norm2,
        angle,
        float(kernel(np.asarray(cosine))),
        float(slope(np.asarray(cosine))),
        cosines,
        kernel(cosines),
        slope(cosines),
        sizes,
        estimates,
        np.sqrt(spread / (sizes - 1)),
        activation.hermite_coefficients(norm1, HERMITE_TERMS),
        activation.hermite_coefficients(norm2, HERMITE_TERMS),
    )


def draw(figure: Figure, view: KernelView) -> None:
    """Draw the four panels on a cleared figure."""
    with matplotlib.rc_context(style.RC):
        figure.clear()
        panels = figure.subplots(2, 2, gridspec_kw={"width_ratios": (1.25, 1.0)})
        figure.subplots_adjust(left=0.105, right=0.98, top=0.94, bottom=0.1, wspace=0.56, hspace=0.42)
        draw_kernel(panels[0, 0], view)
        draw_neurons(panels[0, 1], view)
        draw_sample(panels[1, 0], view)
        draw_hermite(panels[1, 1], view)


def draw_kernel(axes: Axes, view: KernelView) -> None:
    """K over the cosine with the tangent at the current point."""
    line = style.line_style(view.activation.exact)
    axes.plot(view.cosines, view.values, line, color=style.TEACHER, label="K (left axis)")
    low, high = float(view.values.min()), float(view.values.max())
    room = 0.12 * max(high - low, 1e-3 * max(abs(high), 1e-12))
    axes.set_ylim(low - room, high + room)
    if np.isfinite(view.slope):
        reach = np.clip(view.cosine + np.array([-0.3, 0.3]), -1.0, 1.0)
        axes.plot(reach, view.value + view.slope * (reach - view.cosine), "-", color=style.CURRENT, linewidth=1.4)
    axes.plot([view.cosine], [view.value], "o", color=style.CURRENT, markersize=10, label="your two neurons", zorder=5)
    axes.set(xlim=(-1.03, 1.03), xlabel="cosine of the angle", ylabel="K", title="Kernel and its slope")
    slopes = axes.twinx()
    slopes.spines["right"].set_visible(True)
    slopes.grid(visible=False)
    finite = np.isfinite(view.slopes)
    slopes.plot(
        view.cosines[finite], view.slopes[finite], "-.", color=style.STUDENT, linewidth=1.6, label="slope (right axis)"
    )
    inner = view.slopes[finite & (np.abs(view.cosines) < 0.98)]
    low, high = float(inner.min()), float(inner.max())
    room = 0.12 * max(high - low, 0.05 * max(abs(high), abs(low), 1e-12))
    slopes.set_ylim(low - room, high + room)
    slopes.set_ylabel("dK / d cos", color=style.STUDENT)
    handles = [*axes.get_legend_handles_labels()[0], *slopes.get_legend_handles_labels()[0]]
    axes.xaxis.set_major_locator(MaxNLocator(5))
    for panel in (axes, slopes):
        panel.yaxis.set_major_locator(MaxNLocator(5))
        panel.ticklabel_format(axis="y", scilimits=(-3, 4))
    # on the upper of the two axes, so that neither curve runs over its words
    slopes.legend(handles, [str(handle.get_label()) for handle in handles], loc=_free_corner(axes, slopes))


def _free_corner(axes: Axes, slopes: Axes) -> str:
    """The corner of a panel where a legend hides least of the curves; the current point counts most."""
    corners = {"upper left": (0, 1), "lower left": (0, 0), "upper right": (1, 1), "lower right": (1, 0)}
    hidden = dict.fromkeys(corners, 0)
    for panel in (axes, slopes):
        for line in panel.get_lines():
            x, y = panel.transAxes.inverted().transform(panel.transData.transform(line.get_xydata())).T
            for name, (right, top) in corners.items():
                inside = (abs(x - right) < 0.58) & (abs(y - top) < 0.4) & (y > 0) & (y < 1)
                hidden[name] += int(inside.sum()) * (1000 if x.size == 1 else 1)
    return min(hidden, key=lambda name: hidden[name])


def draw_neurons(axes: Axes, view: KernelView) -> None:
    """The two weight vectors in their plane."""
    largest = 1.15 * max(view.norm1, view.norm2, 0.5)
    turn = np.radians(view.angle)
    ends = {"w": (view.norm1, 0.0), "v": (view.norm2 * view.cosine, view.norm2 * np.sin(turn))}
    for (name, (x, y)), colour, style_of_line in zip(
        ends.items(), (style.STUDENT, style.TEACHER), ("-", "--"), strict=True
    ):
        axes.annotate(
            "",
            (x, y),
            (0, 0),
            arrowprops={
                "arrowstyle": "-|>",
                "color": colour,
                "linewidth": 2.4,
                "linestyle": style_of_line,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
        axes.plot([], [], style_of_line, color=colour, label=f"{name}, norm {number(np.hypot(x, y), 3)}")
    arc = np.linspace(0.0, turn, 60)
    axes.plot(0.25 * largest * np.cos(arc), 0.25 * largest * np.sin(arc), "-", color=style.CURRENT, linewidth=1.2)
    axes.set(
        xlim=(-largest, largest), ylim=(-0.35 * largest, 1.1 * largest), title=f"Two neurons, {view.angle:g}° apart"
    )
    axes.set_aspect("equal", adjustable="box")
    axes.set(xlabel="along w", ylabel="across w")
    axes.legend(loc="lower center", ncol=2)


def draw_sample(axes: Axes, view: KernelView) -> None:
    """The error of the sample mean over the sample size, with its standard error and the 1/sqrt(N) law."""
    axes.set(xlabel="sample size N", ylabel="error of the mean", title="What a sample would tell you")
    if not view.errors.any():  # two sign neurons with one w, for example
        axes.set(xscale="log", xlim=(view.sizes[0], view.sizes[-1]), yticks=[])
        words = "The product is the same number\nfor every input x:\nany sample gives K exactly."
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center")
        return
    law = view.errors[-1] * np.sqrt(view.sizes[-1] / view.sizes)
    floor = 0.02 * float(law[-1]) + 1e-300
    error = np.maximum(np.abs(view.estimates - view.value), floor)
    axes.loglog(view.sizes, error, style.MONTE_CARLO, marker=".", color=style.SAMPLE, label="|estimate − exact|")
    axes.fill_between(view.sizes, floor, np.maximum(law, 2 * floor), color=style.SAMPLE, alpha=0.18)
    axes.loglog(
        view.sizes,
        np.maximum(law, floor),
        "-",
        color=style.CURRENT,
        linewidth=1.2,
        label=r"one standard error $\sigma/\sqrt{N}$",
    )
    axes.legend(loc="lower left")


def draw_hermite(axes: Axes, view: KernelView) -> None:
    """The Hermite coefficients h_m of both neurons."""
    m = np.arange(HERMITE_TERMS)
    axes.bar(m - 0.2, view.hermite1, 0.38, color=style.STUDENT, label="w", edgecolor="white")
    axes.bar(m + 0.2, view.hermite2, 0.38, color=style.TEACHER, label="v", hatch="///", edgecolor="white")
    axes.axhline(0.0, color=style.CURRENT, linewidth=0.8)
    axes.set(xlabel="degree m", ylabel=r"$h_m$", title="Hermite coefficients")
    axes.set_xticks(m)
    axes.ticklabel_format(axis="y", scilimits=(-3, 4))
    axes.legend(loc="upper right")
