r"""Copy-average points: each of n neurons is the average of one group of teachers, and no teacher is left out.

Let the k teachers be partitioned into n groups G_i that are orthogonal to each other, the l_i teachers of a group being alike (norm s_i,
mutual cosine beta_i, weight b_i). For an activation with a product kernel K(w, v) = N(w) N(v) F(phi(w).phi(v)),

    erf, normal_cdf : phi = w/sqrt(1 + |w|^2), N = 1                 gaussian : the same phi, N = 1/sqrt(1 + |w|^2)
    sin, cos        : phi = w, N = exp(-|w|^2/2)                     exp      : phi = w, N = exp(+|w|^2/2)

the student with phi(w_i) = mean over G_i of phi(v_j) and a_i = l_i b_i N(v)/N(w_i) is critical. For phi(w_i).phi(v_j) = |phi(w_i)|^2 for
all j in G_i, so that the group's residual rho_i = a_i sigma(w_i.x) - sum_(G_i) b_i sigma(v_j.x) does not pull at its own neuron (one
neuron); and seen from a neuron w orthogonal to the group, to first order in w.w_i,

    E[rho_i sigma(w.x)] = N(w) {F(0) [a_i N(w_i) - l_i b_i N(v)] + F'(0) phi(w).[a_i N(w_i) phi(w_i) - b_i N(v) sum_j phi(v_j)]} = 0:

the residual has neither a mean nor a linear part, so orthogonal groups do not interact and L is the sum of their losses. relu's
residual has both, and its copy-average is not critical. For k orthonormal teachers of weight 1 and erf

    w_i = sum_(G_i) v_j / sqrt(l_i (2 l_i - 1)),    a_i = l_i,    L = sum_i L*(l_i),    L*(l) = l/3 - (2/pi) l^2 asin(1/(2 l)).

**The optimal partition is (k - n + 1, 1, ..., 1).** With T = |phi(v)|^2 and F = sum_m f_m z^m, the loss of l orthogonal teachers is
b^2 N^2 [l F(T) + l (l - 1) F(0) - l^2 F(T/l)] = b^2 N^2 sum_(m>=2) f_m T^m [l - l^(2-m)]: the terms m = 2 are affine in l, the
others concave because f_m >= 0 for all six activations (asin, 1/4 + asin/(2 pi), sinh, cosh, exp, 1/sqrt(1 - z^2)), strictly because
some f_m > 0 with m >= 3. As L*(1) = 0, moving a teacher from a smaller group to a larger one lowers the sum, until one group is left.

**A partition (l, 1, ..., 1) is not always a minimum.** In the l - 1 directions across the mean of the group, the averager (index 1) and the
n - 1 copies tilt together: for erf the Hessian there is (2/pi) times the block

    [[h, sqrt(q (n - 1))], [sqrt(q (n - 1)), n - 2 + 2/sqrt 3]],    h = 4 l^2 (2 l^2 - 1)/((2 l + 1) sqrt(4 l^2 - 1)),    q = l (2 l - 1),

(h: one neuron; 2/sqrt 3: one copy; q and 1: 2 a_i a_j K_c of averager and copy, and of two copies) and n - 2 eigenvalues 2/sqrt 3 - 1 > 0.
Its determinant h (n - 2 + 2/sqrt 3) - q (n - 1) changes sign at n_c(l) = [q - h (2 - 2/sqrt 3)]/(q - h): a minimum below, a saddle of
index l - 1 above.

Source: Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (erf, orthonormal: points, losses, optimal partition); the rest derived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import comb, factorial, inf, pi, prod, sqrt

import numpy as np

from ..activations import ACTIVATIONS, Activation
from ..critical import CriticalPoint, Hypothesis, Statement
from ..landscapes import PopulationLandscape
from ..networks import Equicorrelation, Network, equicorrelation
from .symmetry_blocks import symmetric_point

Array = np.ndarray
Groups = tuple[tuple[int, ...], ...]

_NAMES = ("erf", "normal_cdf", "sin", "cos", "exp", "gaussian")
_BOUNDED_FEATURE = ("erf", "normal_cdf", "gaussian")
_ORTHOGONAL = 1e-12
#: More partitions than this are not listed.
MOST_PARTITIONS = 200_000


# the point ------------------------------------------------------------------------------------------------------------


def group_average(activation: Activation, group: Equicorrelation) -> tuple[float, float]:
    """(|w|, a) of the average of one group: phi(w) = mean_j phi(v_j), a = l b N(v)/N(w)."""
    variance, share = group.norm**2, group.mean_cosine**2
    if activation.name in _BOUNDED_FEATURE:
        feature = share * variance / (1.0 + variance)
        squared = feature / (1.0 - feature)
        ratio = sqrt((1.0 + squared) / (1.0 + variance)) if activation.name == "gaussian" else 1.0
    else:
        squared = share * variance
        ratio = float(np.exp((0.5 if activation.name == "exp" else -0.5) * (variance - squared)))
    return sqrt(squared), group.k * group.weight * ratio


def group_loss(activation: Activation, group: Equicorrelation) -> float:
    """E[rho^2] of one group of l alike teachers and their average: b^2 [l K(v, v) + l (l - 1) K(v, v')] - a^2 K(w, w) (at the best a).

    Source: derived; for erf and orthonormal teachers L*(l) of Simsek, Bendjeddou, Gerstner & Brea 2023.
    """
    if group.k == 1 or group.correlation == 1.0:
        return 0.0
    variance = group.norm**2
    norm, a = group_average(activation, group)
    own, pair, average = (
        float(activation.kernel(s, c, s))
        for s, c in ((variance, variance), (variance, variance * group.correlation), (norm**2, norm**2))
    )
    return max(group.weight**2 * (group.k * own + group.k * (group.k - 1) * pair) - a**2 * average, 0.0)


def copy_average_loss(sizes: Sequence[int], activation: Activation = ACTIVATIONS["erf"]) -> float:
    """sum_i L*(l_i) for orthonormal teachers of weight 1 in groups of these sizes; for erf L*(l) = l/3 - (2/pi) l^2 asin(1/(2 l)).

    Source: Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (erf); derived for the other product kernels.
    """
    if activation.name not in _NAMES:
        STATEMENT.require(activation, Network([[1.0]], [1.0]))
    losses = {
        size: group_loss(activation, Equicorrelation(_positive("a group's size", size), 1.0, 0.0, 1.0))
        for size in set(sizes)
    }
    return sum(losses[size] for size in sorted(sizes))


def copy_average(
    activation: Activation, teacher: Network, groups: Sequence[int] | Sequence[Sequence[int]]
) -> CriticalPoint:
    """The copy-average point of a partition of the teachers: neuron i is the average of the teachers in groups[i].

    activation : erf, normal_cdf, sin, cos, exp or gaussian. groups : one sequence of teacher indices for each neuron, or sizes such as
    (3, 1, 1), which take the teachers in order. A group of one teacher is a copy. Teachers within a group are alike (one norm s, one
    mutual cosine beta, one weight b), groups are mutually orthogonal and together hold every teacher.

        w_i along sum_j v_j,    |phi(w_i)| = m_i |phi(v)|,  m_i^2 = (1 + (l_i - 1) beta_i)/l_i,    a_i = l_i b_i N(v)/N(w_i)

    The Hessian's spectrum comes from its symmetry blocks. Raises ``OutsideTheorem`` naming the hypothesis that fails, and
    ValueError if the groups overlap or name a teacher that is not there.

    Source: Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (erf, orthonormal); derived for the rest.
    """
    chosen = _groups(teacher, groups)
    replace(STATEMENT, hypotheses=_hypotheses(chosen)).require(activation, teacher)
    landscape = PopulationLandscape(activation, teacher)
    rows, weights = [], []
    for group, numbers in zip(chosen, _numbers(teacher, chosen)):
        norm, a = group_average(activation, numbers)
        mean = teacher.W[list(group)].mean(axis=0)
        rows.append(norm / np.linalg.norm(mean) * mean if len(group) > 1 else mean)
        weights.append(a)
    student = Network(np.array(rows), weights)
    sizes = tuple(sorted((len(group) for group in chosen), reverse=True))
    orbit = _orbit(sizes) if _any_partition(teacher) else None
    return symmetric_point(landscape, student, f"copy-average {type_name(sizes)}", "closed form", STATEMENT.key, orbit)


def copy_average_points(activation: Activation, teacher: Network, n: int) -> tuple[CriticalPoint, ...]:
    """One copy-average point of n neurons for each type of partition, the lowest loss first.

    The teacher's neurons are orthogonal and alike, so that every partition is allowed; ``orbit`` counts the partitions of the type.
    """
    replace(STATEMENT, hypotheses=(_ACTIVATION, ANY_PARTITION)).require(activation, teacher)
    found = [copy_average(activation, teacher, sizes) for sizes in partitions(teacher.n, n)]
    return tuple(sorted(found, key=lambda point: point.loss))


def type_name(sizes: Sequence[int]) -> str:
    """(3, 2), or (5, 1 x 20) where a size occurs more than three times."""
    parts = [
        text
        for size, count in Counter(sizes).items()
        for text in ([f"{size} x {count}"] if count > 3 else [str(size)] * count)
    ]
    return f"({', '.join(parts)})"


def _orbit(sizes: Sequence[int]) -> int:
    """How many partitions of the teachers have this type: k!/(prod l_i! prod_l m_l!), m_l the number of groups of size l."""
    return factorial(sum(sizes)) // (
        prod(factorial(size) for size in sizes) * prod(factorial(count) for count in Counter(sizes).values())
    )


def _positive(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1; {value!r} was given")
    return int(value)


def _groups(teacher: Network, groups: Sequence[int] | Sequence[Sequence[int]]) -> Groups:
    """The groups as tuples of teacher indices, checked to be disjoint and not empty."""
    listed = list(groups)
    k = teacher.n
    if not listed:
        raise ValueError("copy_average needs at least one group, one for each neuron; none was given")
    if all(isinstance(group, (int, np.integer)) for group in listed):
        sizes = [_positive("a group's size", group) for group in listed]  # type: ignore[arg-type]
        if sum(sizes) > k:
            raise ValueError(f"groups of sizes {type_name(sizes)} hold {sum(sizes)} teachers; the teacher has k = {k}")
        ends = np.cumsum(sizes).tolist()
        return tuple(tuple(range(end - size, end)) for size, end in zip(sizes, ends))
    if any(isinstance(group, (int, np.integer)) for group in listed):
        raise ValueError(f"groups are either all sizes or all sequences of teacher indices; {groups!r} was given")
    chosen = tuple(tuple(_index(j, k) for j in group) for group in listed)  # type: ignore[union-attr, attr-defined]
    if not all(chosen):
        raise ValueError(
            f"every group needs at least one teacher; group {[len(group) for group in chosen].index(0)} is empty"
        )
    twice = [j for j, count in Counter(j for group in chosen for j in group).items() if count > 1]
    if twice:
        raise ValueError(f"the groups of a partition do not overlap; teacher {twice[0]} occurs more than once")
    return chosen


def _index(j: int, k: int) -> int:
    if isinstance(j, bool) or not isinstance(j, (int, np.integer)) or not 0 <= j < k:
        raise ValueError(f"a group holds teacher indices between 0 and {k - 1}; {j!r} was given")
    return int(j)


def _numbers(teacher: Network, groups: Groups) -> list[Equicorrelation]:
    """Norm, correlation and weight of each group of alike teachers."""
    found = (equicorrelation(Network(teacher.W[list(group)], teacher.a[list(group)])) for group in groups)
    return [numbers for numbers in found if not isinstance(numbers, str)]


# hypotheses -----------------------------------------------------------------------------------------------------------


def _other_activation(activation: Activation, teacher: Network) -> str | None:
    if activation.name in _NAMES:
        return None
    if activation.name in ("relu", "leaky_relu"):
        return f"{activation.name}, whose one-neuron residual has a mean and a linear part, so that orthogonal groups pull at each other"
    return f"{activation.name}, whose kernel is not a product N(w) N(v) F(phi(w).phi(v))"


_ACTIVATION = Hypothesis(
    "the activation erf, normal_cdf, sin, cos, exp or gaussian",
    _other_activation,
    "choose erf, normal_cdf, sin, cos, exp or gaussian; for relu perturbed_copy_average is critical",
)


def _connected(teacher: Network) -> Groups:
    """The finest groups that are orthogonal to each other: the connected components of the non-zero correlations."""
    gram = np.abs(teacher.W @ teacher.W.T)
    lengths = np.sqrt(gram.diagonal())
    linked = gram > _ORTHOGONAL * np.outer(lengths, lengths)
    left, groups = set(range(teacher.n)), []
    while left:
        group = {min(left)}
        while (more := set(np.flatnonzero(linked[sorted(group)].any(axis=0)).tolist()) | group) != group:
            group = more
        left -= group
        groups.append(tuple(sorted(group)))
    return tuple(groups)


def _hypotheses(groups: Groups | None = None) -> tuple[Hypothesis, ...]:
    """The theorem's conditions for these groups; by default for the finest orthogonal groups that the teacher has."""

    def of(teacher: Network) -> Groups:
        return _connected(teacher) if groups is None else groups

    def left_out(activation: Activation, teacher: Network) -> str | None:
        missing = sorted(set(range(teacher.n)) - {j for group in of(teacher) for j in group})
        if not missing:
            return None
        named = f"teacher {missing[0]}" if len(missing) == 1 else f"teachers {', '.join(map(str, missing))}"
        return f"{named} in no group: what is left out stays in the residual and pulls at every neuron"

    def interacting(activation: Activation, teacher: Network) -> str | None:
        label = np.full(teacher.n, -1)
        for i, group in enumerate(of(teacher)):
            label[list(group)] = i
        gram = teacher.W @ teacher.W.T
        lengths = np.sqrt(gram.diagonal())
        cosines = np.abs(gram) / np.maximum(np.outer(lengths, lengths), 1e-300)
        cosines[label[:, None] == label[None, :]] = 0.0
        i, j = divmod(int(np.argmax(cosines)), teacher.n)
        if cosines[i, j] <= _ORTHOGONAL:
            return None
        return f"teachers {min(i, j)} and {max(i, j)} of different groups with the cosine {gram[i, j] / lengths[i] / lengths[j]:.3g}"

    def unlike(activation: Activation, teacher: Network) -> str | None:
        for i, group in enumerate(of(teacher)):
            found = equicorrelation(Network(teacher.W[list(group)], teacher.a[list(group)]))
            if isinstance(found, str):
                return f"{found} in group {i}"
        return None

    def no_mean(activation: Activation, teacher: Network) -> str | None:
        for i, numbers in enumerate(_numbers(teacher, of(teacher))):
            if numbers.weight == 0:
                return f"the weight 0 in group {i}"
            if numbers.mean_cosine < 1e-7:
                return f"a sum of length 0 in group {i}"
        return None

    return (
        _ACTIVATION,
        Hypothesis("every teacher in one of the groups", left_out, "put every teacher into a group"),
        Hypothesis(
            "mutually orthogonal groups of teachers", interacting, "put teachers that are not orthogonal into one group"
        ),
        Hypothesis(
            "teachers of one norm, one mutual correlation and one weight within each group",
            unlike,
            "group like with like: a teacher that differs can be a group of its own",
        ),
        Hypothesis(
            "a non-zero weight and a non-zero sum of vectors in each group",
            no_mean,
            "raise the correlation above -1/(l - 1) and choose a weight other than 0",
        ),
    )


def _any_partition(teacher: Network) -> bool:
    numbers = equicorrelation(teacher)
    return not isinstance(numbers, str) and (numbers.k == 1 or numbers.correlation == 0.0) and numbers.weight != 0


def _not_any_partition(activation: Activation, teacher: Network) -> str | None:
    if _any_partition(teacher):
        return None
    numbers = equicorrelation(teacher)
    if isinstance(numbers, str):
        return numbers
    return "the weight 0" if numbers.weight == 0 else f"a mutual correlation of {numbers.correlation:.6g}"


ANY_PARTITION = Hypothesis(
    "orthogonal teachers of one norm and one non-zero weight, so that every partition is allowed",
    _not_any_partition,
    "use an orthonormal teacher, or copy_average with groups of teachers that are alike",
)


# counts ---------------------------------------------------------------------------------------------------------------


@cache
def stirling(k: int, n: int) -> int:
    """S(k, n), the number of partitions of k things into n non-empty groups: S(k, n) = n S(k-1, n) + S(k-1, n-1)."""
    if n in (0, k):
        return int(n == k)
    row = [1] + [0] * n
    for _ in range(k):
        row = [0] + [m * row[m] + row[m - 1] for m in range(1, n + 1)]
    return row[n]


@cache
def number_of_types(k: int, n: int) -> int:
    """p(k, n), the number of partitions of the number k into n positive parts: p(k, n) = p(k-1, n-1) + p(k-n, n)."""
    table = [[0] * (n + 1) for _ in range(k + 1)]
    table[0][0] = 1
    for size in range(1, k + 1):
        for parts in range(1, min(size, n) + 1):
            table[size][parts] = table[size - 1][parts - 1] + table[size - parts][parts]
    return table[k][n]


@dataclass(frozen=True)
class Counts:
    """How many copy-average points n neurons have against k orthonormal teachers.

    labelled : with the order of the neurons and, for an odd activation, the sign of each, 2^n n! S(k, n). functions : S(k, n).
    optimal : functions of the type (k - n + 1, 1, ..., 1): C(k, n - 1), or 1 for n = k. types : p(k, n).
    """

    labelled: int
    functions: int
    optimal: int
    types: int


def _sizes(k: int, n: int) -> tuple[int, int]:
    k, n = _positive("k", k), _positive("n", n)
    if n > k:
        raise ValueError(f"n groups need n <= k, one teacher each at least; n = {n} and k = {k} were given")
    return k, n


def counts(k: int, n: int) -> Counts:
    """The numbers of copy-average points of n neurons, k orthonormal teachers.

    Source: derived (Stirling numbers of the second kind).
    """
    k, n = _sizes(k, n)
    functions = stirling(k, n)
    return Counts(2**n * factorial(n) * functions, functions, comb(k, n - 1) if n < k else 1, number_of_types(k, n))


def partitions(k: int, n: int) -> tuple[tuple[int, ...], ...]:
    """The types of partitions of k teachers into n groups: sizes in descending order, the lowest erf loss first.

    The first is (k - n + 1, 1, ..., 1). Raises ValueError where there are more than ``MOST_PARTITIONS``.
    """
    k, n = _sizes(k, n)
    count = number_of_types(k, n)
    if count > MOST_PARTITIONS:
        raise ValueError(
            f"there are {count} types of partitions of {k} teachers into {n} groups, too many to list; "
            f"take smaller k, or n closer to 1 or k (at most {MOST_PARTITIONS} are listed)"
        )

    def parts(total: int, number: int, largest: int) -> Iterator[tuple[int, ...]]:
        if number == 1:
            yield (total,)
            return
        for first in range(min(largest, total - number + 1), -(-total // number) - 1, -1):
            for rest in parts(total - first, number - 1, first):
                yield (first, *rest)

    losses = np.array([copy_average_loss((size,)) for size in range(1, k + 1)])
    types = list(parts(k, n, k))
    order = np.argsort(losses[np.array(types) - 1].sum(axis=1), kind="stable")
    return tuple(types[i] for i in order)


def set_partitions(k: int, n: int) -> tuple[Groups, ...]:
    """All S(k, n) partitions of the teachers 0..k-1 into n groups, each a tuple of index tuples: one for each copy-average function.

    Groups are ordered by their smallest teacher. Raises ValueError where there are more than ``MOST_PARTITIONS``.
    """
    k, n = _sizes(k, n)
    count = stirling(k, n)
    if count > MOST_PARTITIONS:
        raise ValueError(
            f"there are {count} partitions of {k} teachers into {n} groups, too many to list; take smaller k "
            f"(at most {MOST_PARTITIONS} are listed), or partitions({k}, {n}) for the types alone"
        )

    def extend(groups: Groups, j: int) -> Iterator[Groups]:
        if k - j < n - len(groups):
            return
        if j == k:
            yield groups
            return
        for i in range(len(groups)):
            yield from extend((*groups[:i], (*groups[i], j), *groups[i + 1 :]), j + 1)
        if len(groups) < n:
            yield from extend((*groups, (j,)), j + 1)

    return tuple(extend((), 0))


# where the optimal point is a minimum ---------------------------------------------------------------------------------


def reduced_block(l: int, n: int) -> Array:
    """The 2 x 2 block of the Hessian, l - 1 times present, in which the averager of l teachers and n - 1 copies tilt together (erf).

    (2/pi) [[h, sqrt(q (n - 1))], [sqrt(q (n - 1)), n - 2 + 2/sqrt 3]]: the first axis is the averager, the second the common tilt
    of the copies, both in a direction of the group across its mean.

    Source: derived.
    """
    l, n = _positive("l", l), _positive("n", n)
    h, q = _bending(l), l * (2 * l - 1)
    coupling = sqrt(q * (n - 1))
    return 2 / pi * np.array([[h, coupling], [coupling, n - 2 + 2 / sqrt(3)]])


def _bending(l: int) -> float:
    """h = 4 l^2 (2 l^2 - 1)/((2 l + 1) sqrt(4 l^2 - 1))."""
    return 4 * l**2 * (2 * l**2 - 1) / ((2 * l + 1) * sqrt(4 * l**2 - 1))


def threshold(l: int) -> float:
    """n_c(l): the erf copy-average point (l, 1, ..., 1) of n neurons is a minimum for n < n_c(l), a saddle of index l - 1 for n > n_c(l).

    n_c(l) = [q - h (2 - 2/sqrt 3)]/(q - h) for l >= 2, h = 4 l^2 (2 l^2 - 1)/((2 l + 1) sqrt(4 l^2 - 1)), q = l (2 l - 1); infinite for
    l = 1, the exact copies.

    Source: derived.
    """
    l = _positive("l", l)
    if l == 1:
        return inf
    h, q = _bending(l), l * (2 * l - 1)
    return (q - h * (2 - 2 / sqrt(3))) / (q - h)


# the statement --------------------------------------------------------------------------------------------------------


def _points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The optimal copy-average point for each number of neurons; for unlike groups the one of the finest orthogonal groups."""
    STATEMENT.require(activation, teacher)
    if not _any_partition(teacher):
        return (copy_average(activation, teacher, _connected(teacher)),)
    k = teacher.n
    return tuple(copy_average(activation, teacher, (k - n + 1, *[1] * (n - 1))) for n in range(1, k + 1))


STATEMENT = Statement(
    key="copy_average",
    title="the copy-average theorem",
    status="known for erf and orthonormal teachers, derived in general",
    source="Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (erf, orthonormal: points, losses, optimal partition); the rest derived.",
    claim=(
        r"Partition the $k$ teachers into $n$ groups $G_i$ of sizes $l_i$, orthogonal to each other. The student whose neuron $i$ is the "
        r"**average** of group $G_i$ (a **copy** if $l_i=1$) is a critical point, and its loss is the sum of the groups' losses. "
        r"erf, orthonormal teachers: $$w_i=\frac{1}{\sqrt{l_i(2l_i-1)}}\sum_{j\in G_i}v_j,\quad a_i=l_i,\quad L=\sum_iL^*(l_i),\quad "
        r"L^*(l)=\tfrac l3-\tfrac2\pi l^2\arcsin\tfrac1{2l}.$$ $L^*$ is concave and $L^*(1)=0$, so the lowest of these points are the "
        r"$\binom k{n-1}$ with **one average and copies**, sizes $(k-n+1,1,\dots,1)$. With $l=k-n+1\ge2$ this point is a **minimum** for "
        r"$n<n_c(l)$ and a **saddle** of index $l-1$ for $n>n_c(l)$, "
        r"$$n_c(l)=\frac{q-h\,(2-2/\sqrt3)}{q-h},\quad h=\frac{4l^2(2l^2-1)}{(2l+1)\sqrt{4l^2-1}},\quad q=l(2l-1).$$ "
        r"The points are critical for normal_cdf, sin, cos, exp and gaussian too (other indices), not for relu."
    ),
    hypotheses=_hypotheses(),
    cases=(
        {"sizes": (2, 1), "loss": 0.023221680625, "index": 0, "smallest": 0.007535},
        {"sizes": (3, 1), "loss": 0.040593177314, "index": 0, "smallest": 0.003039},
        {"sizes": (2, 2), "loss": 0.046443361251, "index": 2, "smallest": -0.008493},
        {"sizes": (3, 2), "loss": 0.063814857939, "index": 1, "smallest": -0.060805},
        {"sizes": (4, 1), "loss": 0.056754527741, "index": 0, "smallest": 0.001431},
        {"sizes": (2, 1, 1, 1, 1), "index": 0, "smallest": 0.001880953},
        {"sizes": (2, 1, 1, 1, 1, 1), "index": 1, "smallest": -0.010865978},
        {"sizes": (26, *[1] * 24), "loss": 0.390099428979, "index": 0},
        {"activation": "sin", "sizes": (3, 2), "loss": 0.270670878654, "index": 1},
        {"activation": "exp", "sizes": (3, 2), "loss": 6.621767788825, "index": 1},
        {"activation": "cos", "sizes": (3, 2), "loss": 0.625487940574, "index": 3},
    ),
    point=_points,
    figure="copy_or_average",
    verified=(
        "gradient at the point below 1e-12 for every partition of k <= 6",
        "spectrum against the full Hessian",
        "optimal partition against all partitions",
        "threshold against the sign of the smallest eigenvalue",
    ),
)
