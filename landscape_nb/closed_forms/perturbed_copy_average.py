r"""The perturbed copy-average point of relu: one neuron averages a group of teachers, the others copy one each, all of them tilted.

For relu the exact average and copies are not critical, because the residual of one neuron has a mean and a linear part. Nearby lies, for k
orthonormal teachers e_1..e_k of common weight b, m over the n - 1 copied teachers and j over the l = k - n + 1 averaged ones,

    w_0 = u sum_m e_m + v sum_j e_j,    w_i = x e_i + y sum_(m!=i) e_m + z sum_j e_j,    a_i = b

(outgoing weights folded to b by homogeneity), critical where the loss restricted to (v, u, x, z, y) is stationary: five equations, solved
by continuation in n from n = k - 1 downwards; it reaches n = 2 for all k <= 100.

Source: derived.
"""

from __future__ import annotations

from math import comb

import numpy as np

from ..activations import Activation
from ..critical import CriticalPoint, Statement
from ..landscapes import PopulationLandscape
from ..networks import Network
from .alike_teachers import activation_is
from .symmetric_copies import ORTHONORMAL, THREE_TEACHERS, Family, PairOrbits, branch, form, pair_orbits, require
from .symmetry_blocks import symmetric_point


def averager_and_copies_loss(activation: Activation, k: float, n: float) -> PairOrbits:
    """The loss of one averager and n - 1 copies, outgoing weights 1; q = (v, u, x, z, y).

    l = k - n + 1 teachers are averaged, m = n - 1 copied. Averager: |w_0|^2 = l v^2 + m u^2; copies: s = x^2 + (m - 1) y^2 + l z^2,
    w_1.w_2 = 2 x y + (m - 2) y^2 + l z^2; w_0.w_1 = u (x + (m - 1) y) + l v z.
    """
    m, l = n - 1, k - n + 1
    v, u, x, z, y, one = range(6)
    s = form(6, (1, x, x), (m - 1, y, y), (l, z, z))
    pair = form(6, (2, x, y), (m - 2, y, y), (l, z, z))
    averager = form(6, (l, v, v), (m, u, u))
    between = form(6, (1, u, x), (m - 1, u, y), (l, v, z))
    unit = form(6, (1, one, one))
    rows = [
        (unit, averager, averager, averager, True),
        (m * unit, s, s, s, True),
        (m * (m - 1) * unit, s, pair, s, False),
        (2 * m * unit, averager, between, s, False),
        *(
            (-2 * number * unit, variance, form(6, (1, along, one)), unit, False)
            for number, variance, along in (
                (l, averager, v),
                (m, averager, u),
                (m, s, x),
                (m * (m - 1), s, y),
                (m * l, s, z),
            )
        ),
        (k * unit, unit, unit, unit, True),
        (k * (k - 1) * unit, unit, 0 * unit, unit, False),
    ]
    return pair_orbits(activation, rows)


AVERAGER_AND_COPIES = Family(
    "the perturbed copy-average point", averager_and_copies_loss, lambda activation, k: (1.0, -0.3, 1.2, 0.1, 0.0)
)


def perturbed_copy_average(activation: Activation, teacher: Network, n: int) -> CriticalPoint:
    """The perturbed copy-average point of relu: neuron 0 averages the first k - n + 1 teachers, the others copy one each.

        w_0 = u sum_copied e_m + v sum_averaged e_j,    w_i = x e_i + y sum_(m copied, m!=i) e_m + z sum_averaged e_j,    a_i = b

    The exact average and copies are not critical for relu: the averager takes negative weights on the copied teachers, the copies
    positive ones on the averaged teachers. teacher : k orthonormal vectors, one common weight b. n : 2 <= n <= k - 1.

    Raises ``OutsideTheorem`` naming the hypothesis that fails, also where the continuation from n = k - 1 does not reach n.

    Source: derived.
    """
    k = require(STATEMENT, activation, teacher, n)
    v, u, x, z, y = AVERAGER_AND_COPIES.solution(activation, k, n)
    l = k - n + 1
    coordinates = np.full((n, k), y)
    coordinates[:, :l] = z
    coordinates[0] = np.where(np.arange(k) < l, v, u)
    coordinates[np.arange(1, n), np.arange(l, k)] = x
    student = Network(coordinates @ teacher.W, np.full(n, teacher.a[0]))
    name = f"perturbed copy-average ({l}{', 1' * (n - 1) if n <= 4 else f', 1 x {n - 1}'})"
    landscape = PopulationLandscape(activation, teacher)
    return symmetric_point(landscape, student, name, "numerical", STATEMENT.key, comb(k, n - 1))


def _points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The perturbed copy-average points for every n that the continuation reaches."""
    STATEMENT.require(activation, teacher)
    return tuple(
        perturbed_copy_average(activation, teacher, n)
        for n in sorted(branch(AVERAGER_AND_COPIES, activation, teacher.n))
    )


STATEMENT = Statement(
    key="perturbed_copy_average",
    title="the perturbed copy-average point",
    status="derived",
    source="derived.",
    claim=(
        r"For relu the average of one group of teachers with exact copies of the others is not critical. Nearby lies $$w_0=u\sum_{m}e_m+"
        r"v\sum_{j}e_j,\qquad w_i=x\,e_i+y\sum_{m\ne i}e_m+z\sum_{j}e_j,$$ ($m$ over the $n-1$ copied teachers, $j$ over the $k-n+1$ "
        r"averaged ones, outgoing weights 1): the averager takes **negative** weights $u$ on the copied teachers, the copies positive "
        r"ones $z$ on the averaged teachers. The perturbed-n-copy point lies below it from smaller $n$ on than for "
        r"erf ($k=10$: from $n=6$ on, erf $n=8$), and the share $n/k$ falls with $k$ ($k=100$: from $n=22$ on, erf $n=76$)."
    ),
    hypotheses=(activation_is("relu"), ORTHONORMAL, THREE_TEACHERS),
    cases=(
        {"k": 3, "n": 2, "loss": 0.1536677175, "index": 0},
        {"k": 4, "n": 3, "loss": 0.1409923677, "index": 1},
        {"k": 5, "n": 3, "loss": 0.3332572518, "index": 0},
        {"k": 6, "n": 2, "loss": 1.1203022323, "index": 0},
        {"k": 10, "n": 8, "loss": 0.2538380594, "index": 2},
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
