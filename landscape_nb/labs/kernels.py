"""The lab of page 01: what two neurons see of each other."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from ..activations import ACTIVATIONS
from ..display import number
from ..figures import kernels as picture
from .lab import Lab

_LABEL = {
    "closed form": "closed form",
    "mixture": "12-node mixture of closed forms",
    "numerical": "numerical integration",
}


class Kernels(Lab):
    """Two neurons of an activation, their norms and their angle: the kernel, its slope, a sample's estimate, the Hermite coefficients.

    Controls: activation, norm1, norm2 (0.1 to 5), angle (degrees), seed of the sample.
    """

    name = "kernels"
    title = "kernels"

    def _make_controls(self) -> Mapping[str, Any]:
        def norm(value: float, label: str) -> Any:
            return ipywidgets.FloatSlider(
                value=value, min=0.1, max=5.0, step=0.1, description=label, readout_format=".1f"
            )

        return {
            "activation": ipywidgets.Dropdown(options=list(ACTIVATIONS), value="relu", description="activation"),
            "norm1": norm(1.0, "norm of w"),
            "norm2": norm(1.0, "norm of v"),
            "angle": ipywidgets.IntSlider(value=60, min=0, max=180, step=5, description="angle (degrees)"),
            "seed": ipywidgets.IntSlider(value=0, min=0, max=20, description="sample seed"),
        }

    def _compute(self, state: dict[str, Any]) -> picture.KernelView:
        activation = ACTIVATIONS[state["activation"]]
        return picture.kernel_view(activation, state["norm1"], state["norm2"], float(state["angle"]), state["seed"])

    def _draw(self, figure: Figure, result: picture.KernelView) -> None:
        picture.draw(figure, result)

    def _numbers(self, view: picture.KernelView) -> str:
        act = view.activation
        rows = [
            (r"$K=\mathbb E[\sigma(w\cdot x)\,\sigma(v\cdot x)]$", number(view.value, 8), _LABEL[act.exact]),
            (
                r"$\partial K/\partial\cos=|w||v|\,\mathbb E[\sigma'(w\cdot x)\,\sigma'(v\cdot x)]$",
                number(view.slope, 8),
                _LABEL[act.exact],
            ),
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
        return rf"<p>$\sigma(z)={act.latex}$ &nbsp; {kernel_formula(act)}</p><table>{body}</table>"

    def _status(self, view: picture.KernelView) -> str:
        return f"{view.activation.name}: {_LABEL[view.activation.exact]}"

    def _caption(self, view: picture.KernelView) -> str:
        return (
            "Upper left: the kernel K (solid) and its slope (dash-dotted, right axis) over the cosine of the angle, the black dot and "
            "tangent at your two neurons. Upper right: the two weight vectors. Lower left: how far a sample mean is from the exact K as "
            "the sample grows. Lower right: the Hermite coefficients of both neurons; K is the sum of their products times cos^m."
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


def kernel_formula(activation: Any) -> str:
    """K as LaTeX from the symbolic form that the tests compare with the numbers."""
    if activation.exact == "numerical":
        return "its kernel is integrated numerically"
    import sympy

    formula = sympy.latex(activation.kernel_symbol)
    if activation.exact == "mixture":
        return rf"$\displaystyle K=\mathbb E_{{p,q}}\left[{formula}\right]$, averaged over the offsets $p,q$"
    return rf"$\displaystyle K={formula}$"
