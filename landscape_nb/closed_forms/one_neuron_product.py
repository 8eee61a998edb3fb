r"""One neuron whose kernel is a product: K = N(w) N(v) F(phi(w).phi(v)).

    normal_cdf : phi = w/sqrt(1 + |w|^2), N = 1                     gaussian : the same phi, N = 1/sqrt(1 + |w|^2)
    sin, cos   : phi = w, N = exp(-|w|^2/2)                         exp      : phi = w, N = exp(+|w|^2/2)

For alike teachers the student with phi(w) = mean_j phi(v_j) and a = k b N(v)/N(w) is critical: phi(w).phi(v_j) has the same value
|phi(w)|^2 for all j, so that f and f* have equal projections, a N(w) F = k b N(v) F for the derivative in a, and the derivative in w
is F' times a N(w) phi(w) - b N(v) sum_j phi(v_j) = 0 plus a multiple of the former. (erf is of this form too; it has a page of its own.)

Critical does not mean minimum: for cos and gaussian, which are even, the average of k orthonormal teachers is a saddle of index
k - 1, and the direction of a single teacher lies lower; that point has no closed form and is found by refinement beside it.

Source: derived.
"""

from __future__ import annotations

import numpy as np

from ..activations import Activation
from ..critical import CriticalPoint, NotConverged, Statement, refine
from ..landscapes import PopulationLandscape
from ..networks import Network
from .alike_teachers import ALIKE, HAS_MEAN, activation_is, alike
from .average_direction import average_spectrum, average_student
from .copy_average import group_average


def _single_teacher(landscape: PopulationLandscape, average: CriticalPoint) -> tuple[CriticalPoint, ...]:
    """The critical point near the direction of one teacher, refined from there; nothing if there is none below the average.

    The refinement may also end between the teachers: only a point closer to one of them than to the others counts.
    """
    teacher = landscape.teacher
    w = 0.6 * teacher.W[:1]
    overlap, own = (float(landscape.gradient(Network(w, [value]))[-1]) for value in (0.0, 1.0))
    try:
        point = refine(landscape, Network(w, [overlap / (overlap - own)]), "towards a single teacher")
    except NotConverged:
        return ()
    closest, *others = np.sort(np.abs(teacher.W @ point.student.W[0]))[::-1]
    if point.loss >= average.loss - 1e-9 * max(average.loss, 1e-3) or closest - others[0] < 1e-6 * closest:
        return ()
    return (CriticalPoint(landscape, point.student, point.name, "numerical", orbit=teacher.n),)


def one_neuron_product_points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The average in closed form; for cos and gaussian also the single-teacher direction, numerically."""
    STATEMENT.require(activation, teacher)
    numbers = alike(teacher)
    landscape = PopulationLandscape(activation, teacher)
    norm, weight = group_average(activation, numbers)
    average = CriticalPoint(
        landscape,
        average_student(teacher, norm, weight),
        "average of the teachers",
        "closed form",
        STATEMENT.key,
        average_spectrum(activation, numbers, teacher.d, norm, weight),
        orbit=1,
    )
    if activation.even and numbers.k > 1 and numbers.correlation < 1.0:
        return (average, *_single_teacher(landscape, average))
    return (average,)


STATEMENT = Statement(
    key="one_neuron_product",
    title="the product-kernel theorem",
    status="derived",
    source="derived.",
    claim=(
        r"If the kernel has the form $N(w)N(v)\,F(\varphi(w)\cdot\varphi(v))$, the student with "
        r"$$\varphi(w)=\tfrac1k\sum_j\varphi(v_j),\qquad a=k\,b\,N(v)/N(w)$$ is a critical point for $k$ alike teachers. "
        r"normal_cdf: $\varphi=w/\sqrt{1+|w|^2}$, $N=1$; gaussian: the same $\varphi$, $N=1/\sqrt{1+|w|^2}$; sin, cos: $\varphi=w$, "
        r"$N=e^{-|w|^2/2}$; exp: $\varphi=w$, $N=e^{|w|^2/2}$. The average of orthonormal teachers is a **minimum** for normal_cdf, "
        r"sin and exp, but a **saddle of index $k-1$** for cos and gaussian."
    ),
    hypotheses=(activation_is("normal_cdf", "sin", "exp", "cos", "gaussian"), ALIKE, HAS_MEAN),
    cases=(
        {"activation": "normal_cdf", "k": 3, "loss": 0.010148294328, "index": 0},
        {"activation": "sin", "k": 3, "loss": 0.172807161019, "index": 0},
        {"activation": "exp", "k": 3, "loss": 4.333848215398, "index": 0},
        {"activation": "cos", "k": 3, "loss": 0.413715414716, "index": 2, "lower": 0.406534, "lower_norm": 0.5885},
        {"activation": "gaussian", "k": 3, "loss": 0.168217832035, "index": 2},
    ),
    point=one_neuron_product_points,
    figure="one_neuron",
    verified=(
        "gradient at the point below 1e-12",
        "kernel factorisation proved with SymPy",
        "spectrum against the full Hessian",
    ),
)
