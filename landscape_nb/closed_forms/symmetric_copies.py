r"""What the perturbed-n-copy and the perturbed copy-average points share: a loss of few numbers, continued in the number of neurons.

k orthonormal teachers e_1..e_k, n < k neurons, a family of students that permutations of the teachers leave unchanged up to the order of
the neurons. By symmetry the gradient of L at such a student is again of this form, so grad L = 0 exactly where the loss restricted to the
few numbers q of the family is stationary. The restricted loss is a sum over the orbits p of pairs of neurons

    L(q) = sum_p m_p(q) K(s_p(q), c_p(q), t_p(q)),

with a quadratic form of (q, 1) each for the weight m_p (number of pairs times the outgoing weights) and for s_p = |w|^2, c_p = w.z and
t_p = |z|^2; gradient and Hessian follow by the chain rule from the slopes and curvatures of K.

No closed form is known. The system is solved at n = k - 1, where q is close to exact copies, and continued downwards with n as a real
number: the last two solutions extrapolated, then Newton's iteration; a step that moves too far from the extrapolation, or to where the
restricted Hessian is not positive, is halved, until it is too small: there the branch ends, at a fold.

Source: derived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ..activations import Activation
from ..critical import Hypothesis, OutsideTheorem, Statement, newton
from ..networks import Network, equicorrelation

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


def pair_orbits(activation: Activation, rows: list[tuple[Array, Array, Array, Array, bool]]) -> PairOrbits:
    """From one (m, s, c, t, own) for each orbit.

    The matrices need not be symmetric.
    """
    weight, s, c, t, own = zip(*rows)
    weights, first, cross, second = (
        np.array([(matrix + matrix.T) / 2 for matrix in part]) for part in (weight, s, c, t)
    )
    return PairOrbits(activation, weights, first, cross, second, np.array(own))


def form(size: int, *terms: tuple[float, int, int]) -> Array:
    """The matrix of sum of coefficient * h_i * h_j."""
    matrix = np.zeros((size, size))
    for coefficient, i, j in terms:
        matrix[i, j] += coefficient
    return matrix


# continuation in n ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """Students of a few numbers q for every n.

    title : of the theorem. loss(activation, k, n) : restricted to them. start(activation, k) : of Newton's iteration at n = k - 1.
    """

    title: str
    loss: Callable[[Activation, float, float], PairOrbits]
    start: Callable[[Activation, int], tuple[float, ...]]

    def solution(self, activation: Activation, k: int, n: int) -> Array:
        """q of the critical point with n neurons. Raises ``OutsideTheorem`` where the continuation does not reach n."""
        found = branch(self, activation, k)
        if not found:
            raise OutsideTheorem(
                self.title,
                "a start at n = k - 1",
                f"none found for k = {k} by Newton's iteration from nearly exact copies",
                "take another k",
            )
        if n not in found:
            lowest = min(found)
            raise OutsideTheorem(
                self.title,
                f"n >= {lowest} for k = {k}, down to where the branch from n = k - 1 reaches before it folds",
                f"n = {n}",
                f"take n between {lowest} and {k - 1}",
            )
        return found[n]

    def restricted_loss(self, activation: Activation, k: int, n: int) -> float:
        """L at the critical point with n neurons, teachers of weight 1."""
        return float(self.loss(activation, k, n).jet(self.solution(activation, k, n))[0])


@cache
def branch(family: Family, activation: Activation, k: int) -> dict[int, Array]:
    """q at each whole n from k - 1 down to 2; the lowest n it reaches is where the continuation ends."""
    first = family.loss(activation, k, k - 1)
    start, residual, largest = newton(first, np.array(family.start(activation, k)))
    if not residual <= 1e-12 * max(1.0, float(largest)):
        return {}
    start = _polished(first, start)
    found = {k - 1: start}
    n, q, step, slope = float(k - 1), start, 0.25, np.zeros_like(start)
    while n > 2:
        target = max(n - step, np.ceil(n) - 1)
        system = family.loss(activation, k, target)
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


# hypotheses -----------------------------------------------------------------------------------------------------------


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


def require(statement: Statement, activation: Activation, teacher: Network, n: int) -> int:
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
