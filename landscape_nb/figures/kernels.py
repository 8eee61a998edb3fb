"""What two neurons see of each other: the kernel over the cosine, a sample's estimate, and the Hermite coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

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


def _covariance_and_area(cosine: Array, norm1: float, norm2: float) -> tuple[Array, Array]:
    # the rounding of c = r1 r2 cos must not open the angle between parallel vectors: sign and step have a cusp there
    sine = np.sqrt((1.0 - cosine) * (1.0 + cosine))
    return cosine * norm1 * norm2, sine * norm1 * norm2


def kernel_and_slope(activation: Activation, norm1: float, norm2: float, cosine: Array) -> tuple[Array, Array]:
    """(K, dK/dcos) of two neurons at these cosines."""
    c, area = _covariance_and_area(cosine, norm1, norm2)
    with np.errstate(invalid="ignore"):
        slope = norm1 * norm2 * activation.kernel_slopes(norm1**2, c, norm2**2, area)[1]
    return activation.kernel(norm1**2, c, norm2**2, area), slope


def kernel_curve(activation: Activation, norm1: float, norm2: float) -> tuple[Array, Array, Array]:
    """(cosines from -1 to 1, K, dK/dcos)."""
    cosines = np.cos(np.linspace(np.pi, 0.0, 181))
    cosines[[0, 90, 180]] = -1.0, 0.0, 1.0
    return cosines, *kernel_and_slope(activation, norm1, norm2, cosines)


def normal_pairs(seed: int) -> Array:
    """One hundred thousand pairs of independent normal numbers from ``default_rng(seed)``, shape (2, 100000)."""
    return np.random.default_rng(seed).normal(size=(2, 100_000))


def sample_means(
    activation: Activation, norm1: float, norm2: float, cosine: float, pairs: Array
) -> tuple[Array, Array, Array]:
    """(sizes, running means of sigma(w.x) sigma(v.x), their standard errors) over the first N of these inputs."""
    x, y = pairs
    first = norm1 * x
    second = norm2 * (cosine * x + np.sqrt(max(1.0 - cosine**2, 0.0)) * y)
    products = activation(first) * activation(second)
    sizes = np.unique(np.round(np.geomspace(10, x.size, 25)).astype(int))
    sums, squares = np.cumsum(products)[sizes - 1], np.cumsum(products**2)[sizes - 1]
    estimates = sums / sizes
    spread = np.maximum(squares / sizes - estimates**2, 0.0)
    return sizes, estimates, np.sqrt(spread / (sizes - 1))


def kernel_view(
    activation: Activation,
    norm1: float,
    norm2: float,
    angle: float,
    seed: int = 0,
    curve: tuple[Array, Array, Array] | None = None,
    sample: tuple[Array, Array, Array] | None = None,
) -> KernelView:
    """The view of two neurons of these norms at this angle (degrees), with a sample drawn from ``default_rng(seed)``.

    curve, sample : ``kernel_curve`` and ``sample_means``, where they are at hand.
    """
    cosine = exact_cosine(angle)
    value, slope = kernel_and_slope(activation, norm1, norm2, np.asarray(cosine))
    return KernelView(
        activation,
        norm1,
        norm2,
        angle,
        float(value),
        float(slope),
        *(curve or kernel_curve(activation, norm1, norm2)),
        *(sample or sample_means(activation, norm1, norm2, cosine, normal_pairs(seed))),
        activation.hermite_coefficients(norm1, HERMITE_TERMS),
        activation.hermite_coefficients(norm2, HERMITE_TERMS),
    )


def draw(figure: Figure, view: KernelView) -> None:
    """Draw the four panels, on the axes that are there from the last time."""
    with style.drawing():
        kernel, neurons, sample, hermite, slopes = style.panels(figure, _arrange)
        draw_kernel(kernel, slopes, view)
        draw_neurons(neurons, view)
        draw_sample(sample, view)
        draw_hermite(hermite, view)


def _arrange(figure: Figure) -> None:
    grid = style.grid(figure, (1.2, 1.0), margins=(64, 12, 26, 42), gap=(130, 68))
    kernel, neurons, sample, hermite = (figure.add_subplot(grid[row, column]) for row in (0, 1) for column in (0, 1))
    kernel.set(xlim=(-1.03, 1.03), xlabel="cosine of the angle", ylabel="K", title="Kernel and its slope")
    slopes = kernel.twinx()
    slopes.spines["right"].set_visible(True)
    slopes.grid(visible=False)
    slopes.set_ylabel("dK / d cos")
    neurons.set(xlabel="along w", ylabel="across w", title="The two neurons")
    neurons.set_aspect("equal", adjustable="box")
    sample.set(xlabel="sample size N", ylabel="error of the mean", title="What a sample would tell you")
    sample.set(xscale="log", yscale="log")
    hermite.set(xlabel="degree m", ylabel="coefficient", title="Hermite coefficients", xlim=(-0.9, HERMITE_TERMS - 0.1))
    hermite.set_xticks(range(0, HERMITE_TERMS, 2))
    for axes in (kernel, neurons, sample, hermite, slopes):
        style.place_words(axes, y_label={slopes: 54, neurons: 36}.get(axes, 47), right=axes is slopes)
        style.whole_numbers(axes.xaxis, axes.yaxis)
    for axis in (kernel.xaxis, kernel.yaxis, slopes.yaxis, hermite.yaxis, neurons.yaxis):
        axis.set_major_locator(style.few_ticks())
    neurons.xaxis.set_major_locator(style.few_ticks(symmetric=True))


def draw_kernel(axes: Axes, slopes: Axes, view: KernelView) -> None:
    """K over the cosine with the tangent at the current point, and on the right axis its slope."""
    way = style.line_style(view.activation.exact)
    handles = [style.line(axes, view.cosines, view.values, linestyle=way, color=style.TEACHER, label="K (left axis)")]
    low, high = float(view.values.min()), float(view.values.max())
    room = max(0.06 * (high - low), 2e-3 * abs(high), 1e-12)
    axes.set_ylim(style.steady(low - room, high + room))
    if np.isfinite(view.slope):
        reach = np.clip(view.cosine + np.array([-0.3, 0.3]), -1.0, 1.0)
        style.line(axes, reach, view.value + view.slope * (reach - view.cosine), color=style.CURRENT, linewidth=1.4)
    dot: dict[str, Any] = {
        "color": style.CURRENT,
        "markersize": 10,
        "label": "your two neurons",
        "zorder": 5,
        "clip_on": False,
    }
    handles.append(style.line(axes, [view.cosine], [view.value], marker="o", linestyle="none", **dot))
    finite = np.isfinite(view.slopes)
    dashed: dict[str, Any] = {"color": style.STUDENT, "linewidth": 1.6, "label": "slope (right axis)"}
    handles.append(style.line(slopes, view.cosines[finite], view.slopes[finite], linestyle="-.", **dashed))
    inner = view.slopes[finite & (np.abs(view.cosines) < 0.98)]
    low, high = float(inner.min()), float(inner.max())
    room = max(0.06 * (high - low), 0.05 * max(abs(high), abs(low)), 1e-12)
    slopes.set_ylim(style.steady(low - room, high + room))
    # on the upper of the two axes, so that neither curve runs over its words
    style.legend(slopes, handles, loc=_free_corner(axes, slopes))


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


_W = Line2D([], [], color=style.STUDENT, linestyle="-", label="w")
_V = Line2D([], [], color=style.TEACHER, linestyle="--", label="v")


def draw_neurons(axes: Axes, view: KernelView) -> None:
    """The two weight vectors in their plane."""
    largest = 1.15 * max(view.norm1, view.norm2, 0.5)
    step = 0.5 if largest <= 2 else 1.0
    largest = float(np.ceil(largest / step) * step)
    turn = np.radians(view.angle)
    for (x, y), colour, style_of_line in (
        ((view.norm1, 0.0), style.STUDENT, "-"),
        ((view.norm2 * view.cosine, view.norm2 * np.sin(turn)), style.TEACHER, "--"),
    ):
        arrow: dict[str, Any] = {
            "arrowstyle": "-|>",
            "color": colour,
            "linewidth": 2.4,
            "linestyle": style_of_line,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        axes.annotate("", (x, y), (0, 0), arrowprops=arrow)
    arc = np.linspace(0.0, turn, 60)
    style.line(axes, 0.25 * largest * np.cos(arc), 0.25 * largest * np.sin(arc), color=style.CURRENT, linewidth=1.2)
    words = f"|w| = {number(view.norm1, 3)}, |v| = {number(view.norm2, 3)}, {view.angle:g}° apart"
    axes.text(0.5, 0.98, words, transform=axes.transAxes, ha="center", va="top", fontsize=style.SMALLEST_TYPE)
    axes.set(xlim=(-largest, largest), ylim=(-0.35 * largest, 1.25 * largest))
    style.legend(axes, [_W, _V], loc="lower center", ncol=2)


def draw_sample(axes: Axes, view: KernelView) -> None:
    """The error of the sample mean over the sample size, with its standard error and the 1/sqrt(N) law."""
    axes.set_xlim(view.sizes[0] / 1.25, view.sizes[-1] * 1.25)
    axes.yaxis.set_visible(bool(view.errors.any()))
    if not view.errors.any():  # two sign neurons with one w, for example
        words = "The product is the same\nnumber for every input x:\nany sample gives K exactly."
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center")
        style.legend(axes, [])
        return
    law = view.errors[-1] * np.sqrt(view.sizes[-1] / view.sizes)
    floor = 0.02 * float(law[-1]) + 1e-300
    error = np.maximum(np.abs(view.estimates - view.value), floor)
    dotted: dict[str, Any] = {"linestyle": style.MONTE_CARLO, "marker": ".", "label": "|estimate − exact|"}
    named = [style.line(axes, view.sizes, error, color=style.SAMPLE, **dotted)]
    axes.fill_between(view.sizes, floor, np.maximum(law, 2 * floor), color=style.SAMPLE, alpha=0.18)
    one: dict[str, Any] = {"color": style.CURRENT, "linewidth": 1.2, "label": r"one standard error $\sigma/\sqrt{N}$"}
    named.append(style.line(axes, view.sizes, np.maximum(law, floor), **one))
    axes.set_ylim(10.0 ** np.floor(np.log10(floor)), 10.0 ** np.ceil(np.log10(max(law.max(), error.max()))))
    style.legend(axes, named, loc="lower left")


def draw_hermite(axes: Axes, view: KernelView) -> None:
    """The Hermite coefficients h_m of both neurons."""
    m = np.arange(HERMITE_TERMS)
    first = style.bars(axes, m - 0.2, view.hermite1, 0.38, facecolor=style.STUDENT, label="w", edgecolor="white")
    hatched: dict[str, Any] = {"facecolor": style.TEACHER, "label": "v", "hatch": "///", "edgecolor": "white"}
    second = style.bars(axes, m + 0.2, view.hermite2, 0.38, **hatched)
    style.level(axes, 0.0, color=style.CURRENT, linewidth=0.8)
    every = np.concatenate([view.hermite1, view.hermite2])
    low, high = min(0.0, float(every.min())), max(0.0, float(every.max()))
    room = 0.04 * max(high - low, 1e-12)
    axes.set_ylim(style.steady(low - room * (low < 0), high + room))
    left, right = (float(np.abs(half).max()) for half in np.hsplit(np.stack([view.hermite1, view.hermite2]), 2))
    style.legend(axes, [first, second], loc="upper right" if left >= right else "upper left")
