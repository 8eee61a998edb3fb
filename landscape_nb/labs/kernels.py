"""The lab of page 01: what two neurons see of each other."""

from __future__ import annotations

import html
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from ..activations import ACTIVATIONS, Activation
from ..display import number
from ..figures import kernels as picture
from . import cards
from .export import Tables
from .lab import Lab
from .parameters import Choice, Real, Whole

_LABEL = {
    "closed form": "closed form",
    "mixture": "12-node mixture of closed forms",
    "numerical": "numerical integration",
}
#: How the tests verify a kernel, by what it is.
_VERIFIED = {
    "closed form": (
        "two-dimensional quadrature",
        "symbolic form with SymPy",
        "slopes by Price's theorem",
        "Mehler's series",
    ),
    "mixture": ("two-dimensional quadrature", "nodes in 40 digits", "slopes by Price's theorem", "Mehler's series"),
    "numerical": ("an error estimate with every value", "Mehler's series"),
}


def pairs(seed: int) -> np.ndarray:
    """The inputs of the sample."""
    return picture.normal_pairs(seed)


def curve(activation: str, norm1: float, norm2: float) -> tuple[np.ndarray, ...]:
    """The kernel over all cosines."""
    return picture.kernel_curve(ACTIVATIONS[activation], norm1, norm2)


def sample(activation: str, norm1: float, norm2: float, angle: int, pairs: np.ndarray) -> tuple[np.ndarray, ...]:
    """What the sample says."""
    return picture.sample_means(ACTIVATIONS[activation], norm1, norm2, picture.exact_cosine(float(angle)), pairs)


def view(
    activation: str, norm1: float, norm2: float, angle: int, seed: int, curve: Any, sample: Any
) -> picture.KernelView:
    """All of it."""
    return picture.kernel_view(ACTIVATIONS[activation], norm1, norm2, float(angle), seed, curve, sample)


class Kernels(Lab):
    """Two neurons of an activation, their norms and their angle: the kernel, its slope, a sample's estimate, the Hermite coefficients.

    Controls: activation, norm1, norm2 (0.1 to 5), angle (degrees), seed of the sample.
    """

    name = "kernels"
    title = "kernels"
    parameters = (
        Choice("activation", "activation", "relu", "the function sigma of both neurons", options=ACTIVATIONS),
        Real("norm1", "norm of w", 1.0, "length of the first weight vector", low=0.1, high=5.0, step=0.1, digits=1),
        Real("norm2", "norm of v", 1.0, "length of the second weight vector", low=0.1, high=5.0, step=0.1, digits=1),
        Whole("angle", "angle (degrees)", 60, "between the two weight vectors", low=0, high=180, step=5),
        Whole("seed", "sample seed", 0, "of the random inputs", low=0, high=20),
    )
    steps = (pairs, curve, sample, view)
    presets: ClassVar = {
        "two relu neurons at 60 degrees": {},
        "parallel sign neurons: a cusp": {"activation": "sign", "angle": 0},
        "opposite relu neurons: never active together": {"angle": 180},
        "a long erf neuron saturates": {"activation": "erf", "norm1": 5.0},
        "square: opposite is as good as parallel": {"activation": "square", "angle": 120},
        "tanh: a mixture": {"activation": "tanh", "norm1": 2.0, "angle": 30},
    }

    def _draw(self, figure: Figure, view: picture.KernelView) -> None:
        picture.draw(figure, view)

    def _theorem(self, view: picture.KernelView) -> str:
        act = view.activation
        formulas = (
            rf"$\sigma(z)={act.latex}$ &nbsp; {kernel_formula(act)} &nbsp; with $s=|w|^2$, $c=w\cdot v$, $t=|v|^2$",
            r"$K=\mathbb E[\sigma(w\cdot x)\,\sigma(v\cdot x)]$, "
            r"$\;\partial K/\partial\cos=|w||v|\,\mathbb E[\sigma'(w\cdot x)\,\sigma'(v\cdot x)]$",
        )
        given = None if act.exact == "closed form" else f"{_LABEL[act.exact]}, as none is known,"
        verdicts = (
            ("standard normal inputs x: what the two neurons see of them is jointly normal", None),
            (f"a closed form of the kernel of {act.name}", given),
        )
        lines = "".join(f"<p>{formula}</p>" for formula in formulas)
        return cards.ticks(verdicts) + lines + cards.badges(_VERIFIED[act.exact])

    def _numbers(self, view: picture.KernelView) -> str:
        act = view.activation
        rows = [
            ("kernel K", number(view.value, 8), _LABEL[act.exact]),
            ("slope dK/dcos", number(view.slope, 8), _LABEL[act.exact]),
            (
                f"sample mean, N = {int(view.sizes[-1])}",
                f"{number(view.estimates[-1], 5)} ± {number(view.errors[-1], 2)}",
                "Monte Carlo",
            ),
        ]
        if act.exact == "numerical":
            s, t = view.norm1**2, view.norm2**2
            error = float(act.kernel_error(s, view.cosine * view.norm1 * view.norm2, t))  # type: ignore[attr-defined]
            rows.append(("estimated error of K", number(error, 2), "numerical integration"))
        body = "".join(f"<tr><td>{a}</td><td><b>{b}</b></td><td>{html.escape(c)}</td></tr>" for a, b, c in rows)
        return f"<table><tr><th>quantity</th><th>value</th><th>how it is computed</th></tr>{body}</table>"

    def _status(self, view: picture.KernelView) -> str:
        return f"{view.activation.name}: {_LABEL[view.activation.exact]}"

    def _caption(self, view: picture.KernelView) -> str:
        return (
            "Upper left: the kernel K (solid) and its slope (dash-dotted, right axis) over the cosine of the angle, the black dot and "
            "tangent at your two neurons. Upper right: the two weight vectors. Lower left: how far a sample mean is from the exact K as "
            "the sample grows. Lower right: the Hermite coefficients of both neurons; K is the sum of their "
            "products times the m-th powers of the cosine."
        )

    def _summary(self, view: picture.KernelView) -> str:
        within = abs(view.estimates[-1] - view.value) / view.errors[-1] if view.errors[-1] > 0 else 0.0
        coefficients = ", ".join(number(value, 4, 1.0) for value in view.hermite1[:5])
        return "\n".join(
            [
                f"Kernel of {view.activation.name} ({_LABEL[view.activation.exact]}), norms {number(view.norm1, 3)} and "
                f"{number(view.norm2, 3)}, angle {view.angle:g} degrees",
                f"K = {number(view.value, 8)}, slope dK/dcos = {number(view.slope, 8)}",
                f"sample of {int(view.sizes[-1])}: {number(view.estimates[-1], 5)} +- {number(view.errors[-1], 2)}, "
                f"{number(within, 2)} standard errors from the exact value",
                f"Hermite coefficients of w, degrees 0 to 4: {coefficients}",
            ]
        )

    def _tables(self, view: picture.KernelView) -> Tables:
        degrees = np.arange(view.hermite1.size)
        return {
            "kernel": {"cosine": view.cosines, "K": view.values, "slope": view.slopes},
            "neurons": {
                "norm of w": [view.norm1],
                "norm of v": [view.norm2],
                "angle in degrees": [view.angle],
                "K": [view.value],
                "slope": [view.slope],
            },
            "sample": {"N": view.sizes, "mean": view.estimates, "standard error": view.errors},
            "hermite": {"degree": degrees, "w": view.hermite1, "v": view.hermite2},
        }


@lru_cache(maxsize=64)
def kernel_formula(activation: Activation) -> str:
    """K as LaTeX from the symbolic form that the tests compare with the numbers."""
    if activation.exact == "numerical":
        return "its kernel is integrated numerically"
    import sympy

    formula = sympy.latex(activation.kernel_symbol)
    if activation.exact == "mixture":
        return rf"$\displaystyle K=\mathbb E_{{p,q}}\left[{formula}\right]$, averaged over the offsets $p,q$"
    return rf"$\displaystyle K={formula}$"
