r"""One linear neuron: f* = u.x with u = sum_j b_j v_j, so one neuron is enough and L = |a w - u|^2.

Critical points: a w = u (L = 0), a curve because (w, a) and (lambda w, a/lambda) are the same function; and w = 0, a = 0, a saddle of
index 1 with L = |u|^2. If a w != u then the gradient 2 a (a w - u), 2 w.(a w - u) vanishes only for a = 0 and w.u = 0, of which
w = 0 is the shortest.

Source: Baldi & Hornik 1989 (the scalar case); derived here in two lines.
"""

from __future__ import annotations

import numpy as np

from ..activations import Activation
from ..critical import CriticalPoint, Hypothesis, Statement
from ..landscapes import PopulationLandscape
from ..networks import Network
from .alike_teachers import activation_is


def _no_sum(activation: Activation, teacher: Network) -> str | None:
    length = float(np.linalg.norm(teacher.a @ teacher.W))
    scale = float(np.abs(teacher.a) @ np.linalg.norm(teacher.W, axis=1))
    return f"a sum of length {length:.3g}" if length <= 1e-12 * scale or scale == 0 else None


HAS_FUNCTION = Hypothesis(
    "a teacher with sum_j b_j v_j != 0",
    _no_sum,
    "change a weight or a vector so that the teacher is not the zero function",
)


def one_neuron_linear_points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The minima a w = u, represented by the point with |w| = 1."""
    STATEMENT.require(activation, teacher)
    target = teacher.a @ teacher.W
    length = float(np.linalg.norm(target))
    spectrum = np.concatenate([[0.0], np.full(teacher.d - 1, 2 * length**2), [2 * (1 + length**2)]])
    point = CriticalPoint(
        PopulationLandscape(activation, teacher),
        Network(target[None, :] / length, [length]),
        "the teacher itself (curve a w = sum b v)",
        "closed form",
        STATEMENT.key,
        spectrum,
        orbit=1,
    )
    return (point,)


STATEMENT = Statement(
    key="one_neuron_linear",
    title="the one-neuron linear theorem",
    status="derived",
    source="Baldi & Hornik 1989 (the scalar case); derived here in two lines.",
    claim=(
        r"A linear teacher is one neuron: $f^*=u\cdot x$ with $u=\sum_j b_jv_j$, and $L=|a\,w-u|^2$. The critical points are the curve "
        r"$a\,w=u$ of global minima with $L=0$ and, with $a=0$, the saddles $w\cdot u=0$."
    ),
    hypotheses=(activation_is("linear"), HAS_FUNCTION),
    cases=({"k": 3, "loss": 0.0}, {"k": 3, "correlation": 0.4, "norm": 2.0, "weight": -1.5, "loss": 0.0}),
    point=one_neuron_linear_points,
    figure="one_neuron",
    verified=("gradient at the point below 1e-12", "spectrum against the full Hessian"),
    complete=lambda activation, teacher: "no other critical point with a != 0: proved",
)
