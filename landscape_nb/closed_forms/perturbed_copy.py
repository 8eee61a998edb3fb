r"""The perturbed-n-copy point: every neuron leans towards one teacher and takes a share of those that nobody copies.

k orthonormal teachers e_1..e_k of common weight b, n < k neurons:

    w_i = x e_i + y sum_(m<=n, m!=i) e_m + z sum_(j>n) e_j,    a_i = a b        (i = 1..n)

critical where the loss restricted to (x, y, z, a) is stationary: four equations, solved by continuation in n from n = k - 1 downwards.
relu is homogeneous: a is folded to 1, three equations. The restricted Hessian is positive along the branch.

For erf and k <= 21 it reaches every n down to 2 (and as a real number n = 1, where w_1 is the average of all teachers); for
22 <= k <= 100 it folds between n = 3 and n = 2. For relu it reaches n = 2 for all k <= 100.

Source: the public data of Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (the name; k = 50, n = 25); the rest derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb

import numpy as np

from ..activations import ACTIVATIONS, Activation
from ..critical import CriticalPoint, Statement
from ..landscapes import PopulationLandscape
from ..networks import Network, orthonormal_teacher
from .alike_teachers import activation_is
from .copy_average import copy_average_loss, threshold
from .perturbed_copy_average import AVERAGER_AND_COPIES, perturbed_copy_average
from .symmetric_copies import ORTHONORMAL, THREE_TEACHERS, Family, PairOrbits, branch, form, pair_orbits, require
from .symmetry_blocks import symmetric_point


def copies_loss(activation: Activation, k: float, n: float) -> PairOrbits:
    """The loss of n perturbed copies of k orthonormal teachers of weight 1; q = (x, y, z, a), or (x, y, z) with a = 1 if homogeneous.

    s = x^2 + (n - 1) y^2 + (k - n) z^2,  w_1.w_2 = 2 x y + (n - 2) y^2 + (k - n) z^2,  w.v = x, y or z.
    """
    folded = activation.homogeneous is not None
    x, y, z, one = 0, 1, 2, 3 if folded else 4
    a = one if folded else 3
    size = one + 1
    s = form(size, (1, x, x), (n - 1, y, y), (k - n, z, z))
    pair = form(size, (2, x, y), (n - 2, y, y), (k - n, z, z))
    unit = form(size, (1, one, one))
    rows = [
        (form(size, (n, a, a)), s, s, s, True),
        (form(size, (n * (n - 1), a, a)), s, pair, s, False),
        *(
            (form(size, (-2 * number, a, one)), s, form(size, (1, along, one)), unit, False)
            for number, along in ((n, x), (n * (n - 1), y), (n * (k - n), z))
        ),
        (k * unit, unit, unit, unit, True),
        (k * (k - 1) * unit, unit, 0 * unit, unit, False),
    ]
    return pair_orbits(activation, rows)


COPIES = Family(
    "the perturbed-n-copy point",
    copies_loss,
    lambda activation, k: (1.0, 0.0, 1.0 / k, 1.0)[: 4 if activation.homogeneous is None else 3],
)


def perturbed_copy(activation: Activation, teacher: Network, n: int) -> CriticalPoint:
    """The perturbed-n-copy point: neuron i leans towards teacher i, the k - n others are shared by all.

        w_i = x e_i + y sum_(m<=n, m!=i) e_m + z sum_(j>n) e_j,    a_i = a b;    relu: a = 1

    activation : erf or relu. teacher : k orthonormal vectors, one common weight b. n : 2 <= n <= k - 1. The four (three) numbers solve
    the restricted system of the module, to rounding; the spectrum comes from the symmetry blocks.

    Raises ``OutsideTheorem`` naming the hypothesis that fails, also where the continuation from n = k - 1 does not reach n.

    Source: the public data of Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (the name; k = 50, n = 25); the rest derived.
    """
    k = require(STATEMENT, activation, teacher, n)
    q = COPIES.solution(activation, k, n)
    coordinates = np.full((n, k), q[2])
    coordinates[:, :n] = q[1]
    np.fill_diagonal(coordinates, q[0])
    a = q[3] if len(q) == 4 else 1.0
    student = Network(coordinates @ teacher.W, np.full(n, a * teacher.a[0]))
    landscape = PopulationLandscape(activation, teacher)
    return symmetric_point(landscape, student, f"perturbed-{n}-copy", "numerical", STATEMENT.key, comb(k, n))


# where one kind of point takes over from the other --------------------------------------------------------------------


@dataclass(frozen=True)
class Crossings:
    """The numbers of neurons n < k at which the two kinds of points change roles; None where there is no such n.

    perturbed_minimum_from : the first n at which the perturbed-n-copy point is a minimum. perturbed_below_from : the first n from which on
    its loss is below that of the optimal (perturbed) copy-average. average_minimum_up_to : the last n at which the latter is a minimum.
    """

    k: int
    perturbed_minimum_from: int | None
    perturbed_below_from: int | None
    average_minimum_up_to: int | None


@cache
def crossings(k: int, activation: Activation = ACTIVATIONS["erf"]) -> Crossings:
    """The crossings in n for k orthonormal teachers, from the exact losses and indices of both kinds of points, 2 <= n <= k - 1.

    activation : erf or relu. Raises ``OutsideTheorem`` for another one, or for k < 3.

    Source: derived.
    """
    teacher = orthonormal_teacher(k, k)
    STATEMENT.require(activation, teacher)
    numbers = sorted(branch(COPIES, activation, k))
    minimum_from = next((n for n in numbers if perturbed_copy(activation, teacher, n).index == 0), None)
    above = [n for n in numbers if not COPIES.restricted_loss(activation, k, n) < _average_loss(activation, k, n)]
    below_from = max(above, default=numbers[0] - 1) + 1
    return Crossings(
        k,
        minimum_from,
        below_from if below_from < k else None,
        next((n for n in reversed(range(2, k)) if _average_is_minimum(activation, teacher, n)), None),
    )


def _average_loss(activation: Activation, k: int, n: int) -> float:
    if activation.homogeneous is None:
        return copy_average_loss((k - n + 1, *[1] * (n - 1)), activation)
    return AVERAGER_AND_COPIES.restricted_loss(activation, k, n)


def _average_is_minimum(activation: Activation, teacher: Network, n: int) -> bool:
    if activation.homogeneous is None:
        return n < threshold(teacher.n - n + 1)
    return perturbed_copy_average(activation, teacher, n).index == 0


def _points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The perturbed-n-copy points for every n that the continuation reaches."""
    STATEMENT.require(activation, teacher)
    return tuple(perturbed_copy(activation, teacher, n) for n in sorted(branch(COPIES, activation, teacher.n)))


STATEMENT = Statement(
    key="perturbed_copy",
    title="the perturbed-n-copy point",
    status="derived",
    source="the public data of Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (the name; k = 50, n = 25); the rest derived.",
    claim=(
        r"$n<k$ neurons against $k$ orthonormal teachers: $$w_i=x\,e_i+y\sum_{m\le n,\,m\ne i}e_m+z\sum_{j>n}e_j,\qquad a_i=a,$$ is "
        r"critical where four equations in $(x,y,z,a)$ hold (relu: three, $a=1$). No closed form is known; the solution is continued in "
        r"$n$ from $n=k-1$ downwards. For erf and $n/k$ above about 0.76 it lies **below the optimal copy-average point**; it is a minimum "
        r"from a smaller $n$ on ($k=50$: from $n=22$ on a strict minimum, from $n=38$ on the lower of the two)."
    ),
    hypotheses=(activation_is("erf", "relu"), ORTHONORMAL, THREE_TEACHERS),
    cases=(
        {"k": 5, "n": 4, "loss": 0.023381768},
        {"k": 10, "n": 6, "norm": 0.696942, "weight": 1.795409, "loss": 0.078481014},
        {"k": 10, "n": 7, "norm": 0.782192, "weight": 1.478092, "loss": 0.059085933},
        {"k": 10, "n": 8, "norm": 0.861248, "weight": 1.263297, "loss": 0.039422921},
        {"k": 10, "n": 9, "norm": 0.933861, "weight": 1.111371, "loss": 0.019682157},
        {"k": 50, "n": 25, "norm": 0.719374, "weight": 1.809205, "loss": 0.406575880},
        {"activation": "relu", "k": 3, "n": 2, "loss": 0.1553247328, "index": 1},
        {"activation": "relu", "k": 5, "n": 4, "loss": 0.1295224718, "index": 0},
        {"activation": "relu", "k": 6, "n": 3, "loss": 0.5922744997, "index": 2},
        {"activation": "relu", "k": 10, "n": 6, "loss": 0.6524041761, "index": 0},
    ),
    point=_points,
    figure="copy_or_average",
    verified=(
        "gradient at the point below 1e-12",
        "restricted loss against the landscape",
        "spectrum against the full Hessian",
        "loss against published numbers",
    ),
)
