r"""One relu neuron, k alike teachers: the average direction, the anti-average direction, each a half-line of critical points.

Teacher vectors of norm s, mutual correlation beta, common weight b; m^2 = (1 + (k - 1) beta)/k, u = +-m the cosine of w with every
teacher and h(u) = (sqrt(1 - u^2) + u (pi - acos u))/(2 pi). Along a direction the loss depends on rho = a r alone:

    L = rho^2/2 - 2 rho b s k h(u) + const    =>    a r = 2 b s k h(u),    L = const - 2 (b s k h(u))^2

and across it the gradient vanishes by symmetry. u = +m: the average; u = -m: the anti-average, a saddle of index d - 1 (k >= 2).
The average is a minimum while m (pi - acos m) > sqrt(1 - m^2)/(k - 1): always for beta >= 0; for strongly negative correlations, from
beta = -0.609 down for k = 2, the neuron leaves towards fewer teachers and the average is a saddle of index k - 1. For orthonormal teachers,

    a r = (sqrt k/pi)(sqrt(k - 1) + pi - acos(1/sqrt k)),    const = k/2 + k (k - 1)/(2 pi).

For orthogonal teachers and k >= 2 these are all critical points with w != 0 and a != 0. With c = cos(w, v_j): w lies in the span and
(pi - acos u_j) = lambda u_j for all j. lambda < 0: acos(v)/v with v = -u_j is strictly decreasing, so all u_j are equal.
lambda > 0: (pi - acos u)/u falls on (0, 0.94] and rises after; two different solutions need one u <= 1/sqrt 2, where the ratio is at
least 3 pi/(2 sqrt 2) = 3.33, and one beyond 0.94, where it is at most pi. lambda = 0 would need all u_j = -1.

Source: Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (orthonormal case: the symmetric solution); the rest derived.
"""

from __future__ import annotations

import numpy as np

from ..activations import Activation
from ..critical import CriticalPoint, Statement
from ..landscapes import PopulationLandscape
from ..networks import Network
from .alike_teachers import ALIKE, HAS_MEAN, activation_is, alike
from .average_direction import average_spectrum, average_student


def angular_factor(u: float) -> float:
    """h(u) = E[relu(X) relu(Y)] for unit variances and correlation u."""
    return float((np.sqrt((1.0 - u) * (1.0 + u)) + u * (np.pi - np.arccos(u))) / (2 * np.pi))


def one_neuron_relu_points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The average and the anti-average, each represented by its point with |w| = 1."""
    STATEMENT.require(activation, teacher)
    numbers = alike(teacher)
    landscape = PopulationLandscape(activation, teacher)
    points = []
    for sign, name in ((1.0, "average of the teachers"), (-1.0, "anti-average")):
        cosine = min(numbers.mean_cosine, 1.0)
        if sign < 0 and 1.0 - cosine < 1e-9:
            continue  # opposite to the only teacher direction: h(-1) = 0, no point with a != 0
        product = 2 * numbers.weight * numbers.norm * numbers.k * angular_factor(sign * cosine)
        points.append(
            CriticalPoint(
                landscape,
                average_student(teacher, 1.0, product, sign),
                f"{name} (half-line a |w| = {product:.6g})",
                "closed form",
                STATEMENT.key,
                average_spectrum(activation, numbers, teacher.d, 1.0, product, sign),
                orbit=1,
            )
        )
    return tuple(points)


def _complete(activation: Activation, teacher: Network) -> str:
    numbers = alike(teacher)
    if numbers.correlation == 0.0 and numbers.k >= 2:
        return "no other critical point with a != 0 and w != 0: proved for orthogonal teachers"
    return ""


STATEMENT = Statement(
    key="one_neuron_relu",
    title="the one-neuron relu theorem",
    status="known for orthonormal teachers, derived in general",
    source="Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (orthonormal case: the symmetric solution); the rest derived.",
    claim=(
        r"One relu neuron that learns from $k$ alike teachers has two half-lines of critical points, because only $a\,|w|$ matters: "
        r"along $u=+m$ (the **average**) and along $u=-m$ (the **anti-average**), $m^2=(1+(k-1)\beta)/k$, "
        r"$$a\,|w|=2\,b\,s\,k\,h(u),\qquad h(u)=\frac{\sqrt{1-u^2}+u(\pi-\arccos u)}{2\pi}.$$ "
        r"The anti-average is a saddle of index $d-1$ (for $k\ge2$). The average is a minimum while "
        r"$m(\pi-\arccos m)>\sqrt{1-m^2}/(k-1)$, hence for every $\beta\ge0$, and a saddle of index $k-1$ for more negative correlations. "
        r"Orthonormal teachers, average: $L^*=\tfrac{k}{2}+\tfrac{k(k-1)}{2\pi}"
        r"-\tfrac{k}{2\pi^2}\left(\sqrt{k-1}+\pi-\arccos\tfrac{1}{\sqrt k}\right)^2$."
    ),
    hypotheses=(activation_is("relu"), ALIKE, HAS_MEAN),
    cases=(
        {
            "k": 2,
            "product": 1.510818329858,
            "loss": 0.1770238732658,
            "opposite": 0.096604767,
            "opposite_loss": 1.3136436456,
        },
        {
            "k": 3,
            "product": 1.985053952954,
            "loss": 0.4847100604824,
            "opposite": 0.253003145,
            "opposite_loss": 2.4229243628,
        },
        {"k": 5, "product": 2.871566077016, "loss": 1.5601529945035, "opposite": 0.6354981},
        {"k": 10, "product": 4.924760594293, "loss": 7.1973114227214, "opposite": 1.7624829},
        {"k": 50, "product": 19.610450022369, "loss": 222.6447355352},
    ),
    point=one_neuron_relu_points,
    figure="one_neuron",
    verified=(
        "gradient at the point below 1e-12",
        "spectrum against the full Hessian",
        "loss against published numbers",
    ),
    complete=_complete,
)
