r"""One neuron embedded into many: m copies of the neuron (w, a) of a critical point with outgoing weights g_j a, sum_j g_j = 1.

The function, the loss and the zero gradient stay. By the same second-order expansion as for two copies, with ubar = sum_j g_j u_j,

    Hessian ~ H_original (+) (diag g - g g^T) restricted (x) B (+) 0_(m-1),        B = < l' a sigma''(w.x) x x^T >

because sum_j g_j u_j^T B u_j - ubar^T B ubar = sum_ij (diag g - g g^T)_ij u_i^T B u_j. This form does not see (v, .., v), so that it
lives on the m - 1 differences u_j - u_m, where it is diag(g') - g' g'^T with g' = (g_1..g_(m-1)). Both diag(g') - g' g'^T and g_m are
Schur complements of

    [ 1   g'^T     ]
    [ g'  diag(g') ]

one of the corner 1, the other of diag(g'); so the form has the signs of g_1..g_m without one plus (the determinant is g_1 ... g_m). With
q negative and z zero weights the index of the embedded point is that of the original plus  q n_+(B) + (m - 1 - q - z) n_-(B).  Where
H_original > 0:

    B > 0          local minima exactly where all g_j > 0
    B < 0          local minima exactly where one g_j > 0 and all others < 0
    B indefinite   saddles wherever no g_j is 0

A silenced copy (g_j = 0) is never in a plateau for B != 0: moved to w + u it feels dL/da_j = u^T B u/(2 a) + O(|u|^3).

Source: derived; m = 2 is Fukumizu & Amari, Neural Networks 13 (2000) 317, Theorem 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from ..critical import CriticalPoint, Statement
from ..networks import Network
from .splitting import CONDITIONS, SplittingLine, copied_hessian, line_of_one_neuron, of_one_neuron, require

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

# Weights that sum to 1 do so to this share of their largest.
_SUM = 1e-12


@dataclass(frozen=True, eq=False, init=False)
class Embedding:
    """The neuron of a splitting line replaced by m copies (w, g_j a).

    line : ``splitting_line(landscape, student, neuron)``. weights : g, at least one number, which sum to 1. Raises ValueError otherwise.
    """

    line: SplittingLine
    weights: Array

    def __init__(self, line: SplittingLine, weights: ArrayLike) -> None:
        g = np.array(weights, dtype=float)
        if g.ndim != 1 or not g.size or not np.isfinite(g).all():
            raise ValueError(f"weights must be a list of finite numbers, one for each copy; {weights!r:.60} was given")
        if abs(g.sum() - 1.0) > _SUM * max(1.0, float(np.abs(g).max())):
            raise ValueError(
                f"the weights of the copies must sum to 1, so that the function stays the same; they sum to {g.sum():.12g}"
            )
        g.setflags(write=False)
        object.__setattr__(self, "line", line)
        object.__setattr__(self, "weights", g)

    def __repr__(self) -> str:
        return f"Embedding(copies={self.weights.size}, weights={self.weights.tolist()})"

    @property
    def network(self) -> Network:
        """The student with the copies side by side in the place of the neuron."""
        student, neuron, m = self.line.student, self.line.neuron, self.weights.size
        order = np.repeat(np.arange(student.n), np.where(np.arange(student.n) == neuron, m, 1))
        a = student.a[order]
        a[neuron : neuron + m] = self.weights * student.a[neuron]
        return student.with_neurons(student.W[order], a)

    @property
    def point(self) -> CriticalPoint:
        """The critical point, whose Hessian is the landscape's own."""
        require(self.line, *CONDITIONS[:1])
        return CriticalPoint(self.line.landscape, self.network, f"{self.weights.size} copies", statement="embeddings")

    @property
    def hessian(self) -> Array:
        """The exact Hessian by the block form."""
        require(self.line, *CONDITIONS[:2])
        line = self.line
        return copied_hessian(line.original.hessian, line.B, line.neuron, line.student.n, self.weights)

    @property
    def spectrum(self) -> Array:
        """Its eigenvalues in ascending order."""
        return np.linalg.eigvalsh(self.hessian)

    @property
    def _signs(self) -> tuple[int, int, int]:
        """How many eigenvalues of diag g - g g^T off (1, .., 1) are positive, negative and zero."""
        negative, zero = int(np.sum(self.weights < 0)), int(np.sum(self.weights == 0))
        return self.weights.size - 1 - negative - zero, negative, zero

    @property
    def index(self) -> int:
        """Morse index: that of the original point, plus q n_+(B) + (m - 1 - q - z) n_-(B)."""
        require(self.line, *CONDITIONS[:2])
        positive, negative, _ = self._signs
        inertia = self.line.inertia
        return self.line.original.index + negative * inertia.positive + positive * inertia.negative

    @property
    def nullity(self) -> int:
        """The number of zero eigenvalues: m - 1 for the outgoing weights, d for each silenced copy, and those of H_original and B."""
        require(self.line, *CONDITIONS[:2])
        positive, negative, zero = self._signs
        own = zero * self.line.student.d + (positive + negative) * self.line.inertia.zero
        return self.line.original.nullity + self.weights.size - 1 + own

    @property
    def is_plateau(self) -> bool:
        """Whether the point is a local minimum. Raises ``OutsideTheorem`` naming the hypothesis that fails."""
        require(self.line, *CONDITIONS)
        positive, negative, zero = self._signs
        if zero:
            return False
        return {"positive definite": negative == 0, "negative definite": positive == 0}.get(
            self.line.definiteness, self.weights.size == 1
        )


#: The weights of the examples: all positive, one negative, one positive.
EXAMPLES = ((0.5, 0.3, 0.2), (0.75, 0.5, -0.25), (2.0, -0.25, -0.75))


def _points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """Three copies of the neuron with each of the weights of ``EXAMPLES``."""
    STATEMENT.require(activation, teacher)
    line = line_of_one_neuron(activation, teacher)
    assert line is not None
    return tuple(Embedding(line, weights).point for weights in EXAMPLES)


STATEMENT = Statement(
    key="embeddings",
    title="one neuron embedded into many",
    status="derived",
    source="derived; m = 2 is Fukumizu & Amari, Neural Networks 13 (2000) 317, Theorem 3.",
    claim=(
        r"Replace a neuron $(w,a)$ of a critical point by $m$ copies $(w,g_ja)$ with $\sum_jg_j=1$. The Hessian is congruent to "
        r"$$H_{\rm original}\;\oplus\;(\operatorname{diag}g-gg^{\mathsf T})\big|_{m-1}\otimes B\;\oplus\;0_{m-1},$$ and the middle "
        r"factor has the signs of $g_1,\dots,g_m$ without one plus. If $H_{\rm original}>0$: for $B>0$ the point is a local minimum "
        r"exactly where all $g_j>0$; for $B<0$ exactly where one $g_j>0$ and all others are negative; for $B$ indefinite and all "
        r"$g_j\ne0$ it is a saddle."
    ),
    hypotheses=tuple(of_one_neuron(condition) for condition in CONDITIONS),
    cases=(
        {"activation": "erf", "indices": (4, 2, 0)},
        {"activation": "softplus", "indices": (0, 2, 4)},
    ),
    point=_points,
    figure="splitting",
    verified=(
        "gradient at the point below 1e-12",
        "block form against the full Hessian",
        "index against the full spectrum for random weights",
    ),
)
