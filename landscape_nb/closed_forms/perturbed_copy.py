r"""Perturbed copies: every neuron leans towards one teacher and takes a share of those that nobody copies.

k orthonormal teachers e_1..e_k of common weight b, n < k neurons. Two families of critical points that permutations of the teachers
leave unchanged up to the order of the neurons:

* perturbed-n-copy:        w_i = x e_i + y sum_(m<=n, m!=i) e_m + z sum_(j>n) e_j,   a_i = a b                      (i = 1..n)
* perturbed copy-average:  w_0 = u sum_copied e_m + v sum_averaged e_j,
                           w_i = x e_i + y sum_(m copied, m!=i) e_m + z sum_averaged e_j,   a_i = b                 (relu)

By symmetry the gradient of L at such a student is again of this form, so grad L = 0 exactly where the loss restricted to the few numbers
q = (x, y, z, a), (x, y, z) or (v, u, x, z, y) is stationary. The restricted loss is a sum over the orbits p of pairs of neurons

    L(q) = sum_p m_p(q) K(s_p(q), c_p(q), t_p(q)),

with a quadratic form of (q, 1) each for the weight m_p (number of pairs times the outgoing weights) and for s_p = |w|^2, c_p = w.z and
t_p = |z|^2; gradient and Hessian follow by the chain rule from the slopes and curvatures of K. relu is homogeneous: its outgoing
weights are folded to 1.

No closed form is known. The system is solved at n = k - 1, where q is close to exact copies, and continued downwards with n as a real
number: the last two solutions extrapolated, then Newton's iteration; a step that moves too far from the extrapolation is halved. The
restricted Hessian is positive along the branch. For erf and k <= 21 it reaches every n down to 2 (and as a real number n = 1, where w_1
is the average of all teachers); for 22 <= k <= 100 it folds between n = 3 and n = 2. For relu it reaches n = 2 for all k <= 100.

Source: the public data of Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (the name; k = 50, n = 25); the rest derived.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import comb

import numpy as np

from ..activations import ACTIVATIONS, Activation
from ..critical import CriticalPoint, Hypothesis, OutsideTheorem, Statement, newton
from ..landscapes import PopulationLandscape
from ..networks import Network, equicorrelation, orthonormal_teacher
from .alike_teachers import activation_is
from .copy_average import copy_average_loss, threshold
from .symmetry_blocks import symmetric_point

Array = np.ndarray

_SMALLEST_STEP = 2.0**-12


# the loss on a symmetric subspace -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PairOrbits:
    """L(q) = sum_p m_p K(s_p, c_p, t_p) over orbits p of pairs; m_p, s_p, c_p, t_p = h^T A h, h = (q, 1), A of shape (orbits, m+1, m+1).

    own : the orbits of a neuron with itself, s = c = t, for which the self kernel stands. Broadcasts over leading axes of q (..., m).
    """

    activation: Activation
    weight: Array
    s: Array
    c: Array
    t: Array
    own: Array

    def jet(self, q: Array) -> tuple[Array, Array, Array]:
        """(L, dL/dq, d2L/dq2), shapes (...), (..., m) and (..., m, m)."""
        q = np.asarray(q, dtype=float)
        h = np.concatenate([q, np.ones((*q.shape[:-1], 1))], axis=-1)
        (m, dm), (s, ds), (c, dc), (t, dt) = (
            ((form @ h[..., None, :, None])[..., 0] @ h[..., :, None], 2 * (form @ h[..., None, :, None])[..., 0])
            for form in (self.weight, self.s, self.c, self.t)
        )
        m, s, c, t = m[..., 0], s[..., 0], c[..., 0], t[..., 0]
        own = self.own
        c, t = np.where(own, 0.0, c), np.where(own, 1.0, t)
        act = self.activation
        kernel = np.where(own, act.self_kernel(s), act.kernel(s, c, t))
        slopes = [np.where(own, 0.0, part) for part in act.kernel_slopes(s, c, t)]
        ss, sc, st, cc, ct, tt = (np.where(own, 0.0, part) for part in act.kernel_curvatures(s, c, t))
        slopes[0] = np.where(own, act.self_kernel(s, 1), slopes[0])
        ss = np.where(own, act.self_kernel(s, 2), ss)
        inner = np.stack([ds, dc, dt], axis=-1)  # (..., orbits, m + 1, 3)
        first = np.stack(slopes, axis=-1)
        second = np.stack([np.stack(row, axis=-1) for row in ((ss, sc, st), (sc, cc, ct), (st, ct, tt))], axis=-2)
        dk = (inner @ first[..., None])[..., 0]
        gradient = np.sum(kernel[..., None] * dm + m[..., None] * dk, axis=-2)
        bent = inner @ second @ np.swapaxes(inner, -1, -2)
        for part, form in zip(slopes, (self.s, self.c, self.t)):
            bent = bent + 2 * part[..., None, None] * form
        cross = dm[..., :, None] * dk[..., None, :]
        hessian = np.sum(
            2 * kernel[..., None, None] * self.weight + cross + np.swapaxes(cross, -1, -2) + m[..., None, None] * bent,
            axis=-3,
        )
        return np.sum(m * kernel, axis=-1), gradient[..., :-1], hessian[..., :-1, :-1]

    def gradient(self, q: Array) -> Array:
        """dL/dq, shape (..., m)."""
        return self.jet(q)[1]

    def hessian(self, q: Array) -> Array:
        """d2L/dq2, shape (..., m, m)."""
        return self.jet(q)[2]


def _orbits(activation: Activation, rows: list[tuple[Array, Array, Array, Array, bool]]) -> PairOrbits:
    weight, s, c, t, own = zip(*rows)
    weights, first, cross, second = (np.array([(form + form.T) / 2 for form in part]) for part in (weight, s, c, t))
    return PairOrbits(activation, weights, first, cross, second, np.array(own))


def _form(size: int, *terms: tuple[float, int, int]) -> Array:
    """The matrix of sum of coefficient * h_i * h_j."""
    form = np.zeros((size, size))
    for coefficient, i, j in terms:
        form[i, j] += coefficient
    return form


def copies_loss(activation: Activation, k: float, n: float) -> PairOrbits:
    """The loss of n perturbed copies of k orthonormal teachers of weight 1; q = (x, y, z, a), or (x, y, z) with a = 1 if homogeneous.

    s = x^2 + (n - 1) y^2 + (k - n) z^2,  w_1.w_2 = 2 x y + (n - 2) y^2 + (k - n) z^2,  w.v = x, y or z.
    """
    folded = activation.homogeneous is not None
    x, y, z, one = 0, 1, 2, 3 if folded else 4
    a = one if folded else 3
    size = one + 1
    s = _form(size, (1, x, x), (n - 1, y, y), (k - n, z, z))
    pair = _form(size, (2, x, y), (n - 2, y, y), (k - n, z, z))
    unit = _form(size, (1, one, one))
    rows = [
        (_form(size, (n, a, a)), s, s, s, True),
        (_form(size, (n * (n - 1), a, a)), s, pair, s, False),
        *(
            (_form(size, (-2 * number, a, one)), s, _form(size, (1, along, one)), unit, False)
            for number, along in ((n, x), (n * (n - 1), y), (n * (k - n), z))
        ),
        (k * unit, unit, unit, unit, True),
        (k * (k - 1) * unit, unit, 0 * unit, unit, False),
    ]
    return _orbits(activation, rows)


def averager_and_copies_loss(activation: Activation, k: float, n: float) -> PairOrbits:
    """The loss of one averager and n - 1 copies, outgoing weights 1; q = (v, u, x, z, y).

    l = k - n + 1 teachers are averaged, m = n - 1 copied. Averager: |w_0|^2 = l v^2 + m u^2; copies: s = x^2 + (m - 1) y^2 + l z^2,
    w_1.w_2 = 2 x y + (m - 2) y^2 + l z^2; w_0.w_1 = u (x + (m - 1) y) + l v z.
    """
    m, l = n - 1, k - n + 1
    v, u, x, z, y, one = range(6)
    s = _form(6, (1, x, x), (m - 1, y, y), (l, z, z))
    pair = _form(6, (2, x, y), (m - 2, y, y), (l, z, z))
    averager = _form(6, (l, v, v), (m, u, u))
    between = _form(6, (1, u, x), (m - 1, u, y), (l, v, z))
    unit = _form(6, (1, one, one))
    rows = [
        (unit, averager, averager, averager, True),
        (m * unit, s, s, s, True),
        (m * (m - 1) * unit, s, pair, s, False),
        (2 * m * unit, averager, between, s, False),
        *(
            (-2 * number * unit, variance, _form(6, (1, along, one)), unit, False)
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
    return _orbits(activation, rows)


# continuation in n ----------------------------------------------------------------------------------------------------

# family -> (restricted loss, where Newton's iteration starts at n = k - 1)
_FAMILIES = {
    "copies": (copies_loss, lambda k, homogeneous: (1.0, 0.0, 1.0 / k, 1.0)[: 3 if homogeneous else 4]),
    "averager": (averager_and_copies_loss, lambda k, homogeneous: (1.0, -0.3, 1.2, 0.1, 0.0)),
}


def _corrected(loss: PairOrbits, start: Array) -> Array | None:
    """Newton's iteration from an extrapolated point; None unless it converges and stays within a tenth of the largest entry."""
    q = start
    for _ in range(12):
        _, gradient, hessian = loss.jet(q)
        if not np.isfinite(hessian).all():
            return None
        step = _newton_step(gradient, hessian)
        q = q - step
        if not np.abs(q - start).max() <= 0.1 * np.abs(q).max():
            return None
        if (np.abs(step) <= 1e-8 * np.abs(q)).all():
            return _polished(loss, q)
    return None


def _newton_step(gradient: Array, hessian: Array) -> Array:
    """H^-1 g with H scaled to unit diagonal, because its soft mode is below the rounding of H; y, absent at a single copy, stays."""
    size = np.sqrt(np.abs(hessian.diagonal()))
    there = np.flatnonzero(size > 1e-9 * size.max())
    size, step = size[there], np.zeros_like(gradient)
    step[there] = np.linalg.solve(hessian[np.ix_(there, there)] / np.outer(size, size), gradient[there] / size) / size
    return step


def _polished(loss: PairOrbits, q: Array) -> Array:
    """Further Newton steps while they halve: quadratic convergence soon ends in rounding."""
    last = np.inf
    for _ in range(8):
        step = _newton_step(*loss.jet(q)[1:])
        if not np.abs(step).max() < 0.5 * last:
            break
        q, last = q - step, np.abs(step).max()
    return q


def _bends_up(loss: PairOrbits, q: Array) -> bool:
    """Whether the restricted Hessian, its diagonal scaled to 1, is positive (y, absent from the loss of a single copy, left aside).

    It is along the whole branch, and loses it at a fold, beyond which the iteration would end on another branch.
    """
    hessian = loss.hessian(q)
    size = np.sqrt(np.abs(hessian.diagonal()))
    present = size > 1e-9 * size.max()
    if not (hessian.diagonal()[present] > 0).all():
        return False
    hessian = (hessian / np.outer(size, size).clip(1e-300))[present][:, present]
    return bool(np.linalg.eigvalsh(hessian)[0] > 1e-12)


@cache
def _branch(family: str, activation: str, k: int) -> dict[int, Array]:
    """q at each whole n from k - 1 down to 2; the lowest n it reaches is where the continuation ends."""
    act = ACTIVATIONS[activation]
    loss, begin = _FAMILIES[family]
    first = loss(act, k, k - 1)
    start, residual, largest = newton(first, np.array(begin(k, act.homogeneous is not None)))
    if not residual <= 1e-12 * max(1.0, float(largest)):
        return {}
    start = _polished(first, start)
    found = {k - 1: start}
    n, q, step, slope = float(k - 1), start, 0.25, np.zeros_like(start)
    while n > 2:
        target = max(n - step, np.ceil(n) - 1)
        system = loss(act, k, target)
        moved = _corrected(system, q + (target - n) * slope)
        if moved is None or not _bends_up(system, moved):
            step /= 2
            if step < _SMALLEST_STEP:
                break
            continue
        slope = (moved - q) / (target - n)
        n, q, step = target, moved, min(2 * step, 1.0)
        if n == round(n):
            found[round(n)] = q
    return found


def _solution(family: str, activation: Activation, k: int, n: int) -> Array:
    branch = _branch(family, activation.name, k)
    if n not in branch:
        lowest = min(branch, default=k)
        raise OutsideTheorem(
            STATEMENT.title if family == "copies" else AVERAGE_STATEMENT.title,
            f"n >= {lowest} for k = {k}, down to where the continuation from n = k - 1 reaches",
            f"n = {n}",
            f"take n between {lowest} and {k - 1}",
        )
    return branch[n]


# the points -----------------------------------------------------------------------------------------------------------


def perturbed_copy(activation: Activation, teacher: Network, n: int) -> CriticalPoint:
    """The perturbed-n-copy point: neuron i leans towards teacher i, the k - n others are shared by all.

        w_i = x e_i + y sum_(m<=n, m!=i) e_m + z sum_(j>n) e_j,    a_i = a b;    relu: a = 1

    activation : erf or relu. teacher : k orthonormal vectors, one common weight b. n : 2 <= n <= k - 1. The four (three) numbers solve
    the restricted system of the module, to rounding; the spectrum comes from the symmetry blocks.

    Raises ``OutsideTheorem`` naming the hypothesis that fails, also where the continuation from n = k - 1 does not reach n.

    Source: the public data of Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (the name; k = 50, n = 25); the rest derived.
    """
    k = _checked(STATEMENT, activation, teacher, n)
    q = _solution("copies", activation, k, n)
    coordinates = np.full((n, k), q[2])
    coordinates[:, :n] = q[1]
    np.fill_diagonal(coordinates, q[0])
    a = q[3] if len(q) == 4 else 1.0
    student = Network(coordinates @ teacher.W, np.full(n, a * teacher.a[0]))
    landscape = PopulationLandscape(activation, teacher)
    return symmetric_point(landscape, student, f"perturbed-{n}-copy", "numerical", STATEMENT.key, comb(k, n))


def perturbed_copy_average(activation: Activation, teacher: Network, n: int) -> CriticalPoint:
    """The perturbed copy-average point of relu: neuron 0 averages the first k - n + 1 teachers, the others copy one each.

        w_0 = u sum_copied e_m + v sum_averaged e_j,    w_i = x e_i + y sum_(m copied, m!=i) e_m + z sum_averaged e_j,    a_i = b

    The exact average and copies are not critical for relu: the averager takes negative weights on the copied teachers, the copies
    positive ones on the averaged teachers. teacher : k orthonormal vectors, one common weight b. n : 2 <= n <= k - 1.

    Raises ``OutsideTheorem`` naming the hypothesis that fails, also where the continuation from n = k - 1 does not reach n.

    Source: derived.
    """
    k = _checked(AVERAGE_STATEMENT, activation, teacher, n)
    v, u, x, z, y = _solution("averager", activation, k, n)
    l = k - n + 1
    coordinates = np.full((n, k), y)
    coordinates[:, :l] = z
    coordinates[0] = np.where(np.arange(k) < l, v, u)
    coordinates[np.arange(1, n), np.arange(l, k)] = x
    student = Network(coordinates @ teacher.W, np.full(n, teacher.a[0]))
    name = f"perturbed copy-average ({l}{', 1' * (n - 1) if n <= 4 else f', 1 x {n - 1}'})"
    landscape = PopulationLandscape(activation, teacher)
    return symmetric_point(landscape, student, name, "numerical", AVERAGE_STATEMENT.key, comb(k, n - 1))


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
    branch = _branch("copies", activation.name, k)
    numbers = sorted(branch)
    minimum_from = next((n for n in numbers if perturbed_copy(activation, teacher, n).index == 0), None)
    above = [n for n in numbers if not _restricted_loss("copies", activation, k, n) < _average_loss(activation, k, n)]
    below_from = max(above, default=numbers[0] - 1) + 1
    return Crossings(
        k,
        minimum_from,
        below_from if below_from < k else None,
        next((n for n in reversed(range(2, k)) if _average_is_minimum(activation, teacher, n)), None),
    )


def _restricted_loss(family: str, activation: Activation, k: int, n: int) -> float:
    return float(_FAMILIES[family][0](activation, k, n).jet(_solution(family, activation, k, n))[0])


def _average_loss(activation: Activation, k: int, n: int) -> float:
    if activation.homogeneous is None:
        return copy_average_loss((k - n + 1, *[1] * (n - 1)), activation)
    return _restricted_loss("averager", activation, k, n)


def _average_is_minimum(activation: Activation, teacher: Network, n: int) -> bool:
    if activation.homogeneous is None:
        return n < threshold(teacher.n - n + 1)
    return perturbed_copy_average(activation, teacher, n).index == 0


def _checked(statement: Statement, activation: Activation, teacher: Network, n: int) -> int:
    """k, after the hypotheses of the theorem and the range of n."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise ValueError(f"n must be a whole number, the number of neurons; {n!r} was given")
    k = teacher.n
    too_many = Hypothesis(
        "a number of neurons 2 <= n <= k - 1",
        lambda activation, teacher: None if 2 <= n < k else f"n = {n} and k = {k}",
        "n = 1 is one_neuron, n = k the exact copies of copy_average",
    )
    replace(statement, hypotheses=(*statement.hypotheses, too_many)).require(activation, teacher)
    return k


# hypotheses and statements --------------------------------------------------------------------------------------------


def _not_orthonormal(activation: Activation, teacher: Network) -> str | None:
    numbers = equicorrelation(teacher)
    if isinstance(numbers, str):
        return numbers
    if numbers.weight == 0:
        return "the weight 0"
    if numbers.norm != 1.0:
        return f"the norm {numbers.norm:.6g}"
    return f"a mutual correlation of {numbers.correlation:.6g}" if numbers.correlation != 0 else None


ORTHONORMAL = Hypothesis(
    "orthonormal teacher vectors with one common non-zero weight",
    _not_orthonormal,
    "use an orthonormal teacher with equal weights",
)


def _at_least_three(activation: Activation, teacher: Network) -> str | None:
    return None if teacher.n >= 3 else f"k = {teacher.n}"


THREE_TEACHERS = Hypothesis(
    "k >= 3 teachers, so that some n has 2 <= n <= k - 1", _at_least_three, "take more teachers"
)


def _points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The perturbed-n-copy points for every n that the continuation reaches."""
    STATEMENT.require(activation, teacher)
    branch = _branch("copies", activation.name, teacher.n)
    return tuple(perturbed_copy(activation, teacher, n) for n in sorted(branch))


def _average_points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The perturbed copy-average points for every n that the continuation reaches."""
    AVERAGE_STATEMENT.require(activation, teacher)
    branch = _branch("averager", activation.name, teacher.n)
    return tuple(perturbed_copy_average(activation, teacher, n) for n in sorted(branch))


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

AVERAGE_STATEMENT = Statement(
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
    point=_average_points,
    figure="copy_or_average",
    verified=(
        "gradient at the point below 1e-12",
        "restricted loss against the landscape",
        "spectrum against the full Hessian",
        "loss against published numbers",
    ),
)
