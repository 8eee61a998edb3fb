r"""What the end point of a flow is: its name up to the symmetries of the loss, and the evidence.

An end point in a population is named by comparison with closed forms, never by its loss alone. Two students are the same point if one
becomes the other by a permutation of neurons, sign flips (odd and even activations), rescaling (homogeneous ones) and an orthogonal map
of the inputs that fixes the teacher. After flips and rescaling what is left unchanged by the orthogonal maps is a, the overlaps
C_ij = w_i.v_j with the teachers and the Gram matrix w_i.w_j. Neurons and teachers are put in order by the teachers that a neuron looks at,

    G_i = {j : C_ij > max_m C_im / 2},

the largest groups first; then all entries of a, C and W W^T and the loss have to agree.

On samples there are no closed forms: an end point is named by its Hessian, or by the valley that it lies in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..activations import Activation
from ..closed_forms.channel_detection import detect_channels, detect_groups, falling
from ..closed_forms.copy_average import copy_average, type_name
from ..closed_forms.one_neuron import one_neuron
from ..closed_forms.perturbed_copy import perturbed_copy
from ..closed_forms.perturbed_copy_average import perturbed_copy_average
from ..critical import INDEX_TOLERANCE, RESIDUAL_TOLERANCE, CriticalPoint, OutsideTheorem, newton
from ..display import below, number
from ..landscapes import PopulationLandscape, SampledLandscape
from ..networks import Network

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

#: Overlaps and weights of an end point agree with a closed form to this share of the largest.
SAME = 1e-5
#: Losses agree to this share of E[f*^2].
SAME_LOSS = 1e-9
#: A polish that moves a student further than this share of its largest entry has gone to another place.
NEAR = 1e-3
#: Weights grow if the local exponent of their length, d log |theta|/d log t, is beyond this.
_GROWS = 0.02


@dataclass(frozen=True)
class Outcome:
    """What an end point is. name : "copies", "copy-average (4, 1)", ... evidence : the comparison behind it, as a sentence."""

    name: str
    evidence: str = field(repr=False)

    @property
    def kind(self) -> str:
        """The name without the type in brackets: "copy-average"."""
        return kind_of(self.name)


#: The outcomes that are closed forms, and those of samples that need no explanation.
REGULAR = ("copies", "copy-average", "perturbed copy-average", "perturbed-n-copy")
REGULAR_ON_SAMPLES = ("minimum", "plateau", "channel")


def is_regular(name: str, sampled: bool = False) -> bool:
    """Whether an outcome is one of the usual ones, not an exception that its evidence has to explain."""
    return kind_of(name) in (REGULAR_ON_SAMPLES if sampled else REGULAR)


def kind_of(name: str) -> str:
    """An outcome's name without the type in brackets."""
    return name.partition(" (")[0]


def outcome(
    landscape: PopulationLandscape | SampledLandscape, student: Network | ArrayLike, time: float | None = None
) -> Outcome:
    """What the student at the end of a flow is, up to the symmetries of the loss.

    In a population:

    * "copies": every neuron is a teacher neuron and every teacher is there;
    * "copy-average (l_1, l_2, ...)": the averages of groups of l_i teachers; "perturbed copy-average (...)" for relu;
    * "perturbed-n-copy": n neurons close to n teachers, tilted and stretched to make up for the others;
    * "duplicate-neuron saddle", "duplicate-neuron minimum": two neurons in one place, and what they are if they are merged;
    * "dead neurons": neurons that contribute nothing (or have shrunk to w = 0, where relu has a kink), and what the others are;
    * "channel": two neurons come ever closer while their outgoing weights grow with opposite signs and the loss still falls;
    * "other": none of these. The evidence says what it is instead.

    On samples:

    * "channel": two neurons lie in a valley that leads to infinity; "channel (2 pairs)", "channel (3 neurons)" and
      "channel (2 neurons and b)" in the same way;
    * "plateau": a minimum along a line, on which two neurons in one place share their outgoing weight; "minimum": any other critical point
      without a negative eigenvalue; "saddle": one with;
    * "diverging": weights grow, and it is no channel; "other": the loss still falls.

    student : a Network or theta (p,). Close to a critical point it is first polished by Newton's iteration. time : of the flow, if known.
    """
    network = student if isinstance(student, Network) else landscape.network(np.asarray(student, dtype=float))
    if isinstance(landscape, SampledLandscape):
        return _on_samples(landscape, network, time)
    shrunk = _shrunk(landscape, network)
    if shrunk:
        return _without(landscape, network, shrunk)
    gradient = landscape.gradient(network)
    scale = math.sqrt(landscape.constant)
    residual = float(np.abs(gradient).max())
    if residual > 1e-12 * scale:
        polished = _polished(landscape, network)
        if polished is None:
            return _moving(landscape, network, gradient)
        found = _critical(landscape, polished)
        return (_channel(landscape, network) if found.name == "other" else None) or found
    return _critical(landscape, network)


def _shrunk(landscape: PopulationLandscape, network: Network) -> list[int]:
    """Neurons at w = 0, or so close that they contribute nothing, and drawn further in: a kink of the loss from which no gradient leads."""
    activation = landscape.activation
    if not activation.kinks or not activation.homogeneous:
        return []
    norms = np.linalg.norm(network.W, axis=1)
    small = (_contributions(landscape, network) <= SAME) & (norms <= SAME)
    if not small.any():
        return []
    # with w = 0 itself replaced by a direction of its own the gradient exists
    W = np.where((norms == 0)[:, None], SAME * landscape.teacher.W.sum(axis=0), network.W)
    inwards = landscape.gradient(Network(W, network.a))[: W.size].reshape(W.shape)
    return np.flatnonzero(small & ((np.sum(inwards * W, axis=1) > 0) | (network.a == 0))).tolist()


def _without(landscape: PopulationLandscape, network: Network, shrunk: list[int]) -> Outcome:
    """The name of a student some of whose neurons have shrunk to w = 0."""
    weights = " and ".join(number(network.a[i], 4) for i in shrunk)
    have = "has" if len(shrunk) == 1 else "have"
    kink = f"where {landscape.activation.name} has a kink"
    what = f"{_listed('neuron', shrunk)} {have} shrunk to w = 0 with outgoing weight {weights}, {kink}"
    if len(shrunk) == network.n:
        return Outcome(
            "dead neurons",
            f"{what}; no other is left, the loss is that of the zero function, {number(landscape.constant, 9)}",
        )
    rest = Network(np.delete(network.W, shrunk, axis=0), np.delete(network.a, shrunk))
    found = outcome(landscape, rest)
    if found.evidence.startswith("not at a critical point"):
        return Outcome("other", f"{what}; the others are {found.evidence}")
    return Outcome("dead neurons", f"{what}; the others, counted without it, are {found.name}: {found.evidence}")


def _polished(landscape: PopulationLandscape | SampledLandscape, network: Network) -> Network | None:
    """The critical point next to the student, or None where Newton's iteration leads away or nowhere."""
    theta, residual, largest = newton(landscape, network.theta, 30)
    if not residual <= RESIDUAL_TOLERANCE * max(1.0, float(largest)):
        return None
    moved = np.abs(theta - network.theta).max()
    return landscape.network(theta) if moved <= NEAR * max(1.0, float(np.abs(network.theta).max())) else None


def _critical(landscape: PopulationLandscape, network: Network) -> Outcome:
    """The name of a critical point."""
    folded = _folded(landscape, network)
    alive, numbers, duplicates, dead = _merged(landscape, folded)
    found = Outcome("other", "no neuron contributes") if alive is None else _named(landscape, alive, numbers)
    if not duplicates and not dead:
        return (_channel(landscape, network) if found.name == "other" else None) or found
    what = "" if found.name == "other" else f"{found.name}: "
    if alive is None:
        left = f"no other is left, the student is the zero function of loss {number(landscape.constant, 9)}"
    else:
        left = f"the other {alive.n} are {what}{found.evidence}" if dead else f"merged, they are {what}{found.evidence}"
    pairs = ", ".join(
        f"{i} and {j} (outgoing weights {number(folded.a[i], 4)} and {number(folded.a[j], 4)})" for i, j in duplicates
    )
    if found.name == "copies" or (duplicates and float(landscape.value(network)) <= 1e-12 * landscape.constant):
        more = [f"neurons {pairs} share one place"] if duplicates else []
        more += [f"{_listed('neuron', dead)} contribute{'s' if len(dead) == 1 else ''} nothing"] if dead else []
        return Outcome(found.name, f"{'; '.join(more)}; {found.evidence}")
    index = morse_index(landscape, network)
    word = "of unknown index" if index is None else f"of index {index}"
    if dead:
        also = f", neurons {pairs} are in one place" if duplicates else ""
        who = f"{_listed('neuron', dead)} contribute{'s' if len(dead) == 1 else ''} nothing{also}"
        return Outcome("dead neurons", f"{who}; a critical point {word}; {left}")
    name = "duplicate-neuron saddle" if index is None or index > 0 else "duplicate-neuron minimum"
    return Outcome(name, f"neurons {pairs} are in one place; a critical point {word}; {left}")


def _listed(word: str, numbers: Sequence[int]) -> str:
    return f"{word}{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def morse_index(landscape: PopulationLandscape | SampledLandscape, network: Network) -> int | None:
    """The Morse index, None where the loss has no Hessian."""
    if not landscape.has_hessian(network):
        return None
    values = np.linalg.eigvalsh(landscape.hessian(network))
    return int(np.sum(values < -INDEX_TOLERANCE * np.abs(values).max()))


def _folded(landscape: PopulationLandscape, network: Network) -> Network:
    """The same function with |w| = 1 (homogeneous activations) and the largest overlap of each neuron positive (odd and even ones)."""
    activation = landscape.activation
    W, a = network.W.copy(), network.a.copy()
    if activation.homogeneous is not None:
        norms = np.linalg.norm(W, axis=1)
        norms = np.where(norms > 0, norms, 1.0)
        W /= norms[:, None]
        a *= norms**activation.homogeneous
    if activation.odd or activation.even:
        overlaps = W @ landscape.teacher.W.T
        largest = np.take_along_axis(overlaps, np.abs(overlaps).argmax(axis=1)[:, None], axis=1)[:, 0]
        sign = np.where(largest < 0, -1.0, 1.0)
        W *= sign[:, None]
        if activation.odd:
            a *= sign
    return Network(W, a)


def _contributions(landscape: PopulationLandscape, network: Network) -> Array:
    """sqrt(E[(a_i sigma(w_i.x))^2]) of each neuron, in units of sqrt(E[f*^2])."""
    own = landscape.activation.self_kernel(np.sum(network.W**2, axis=1))
    return np.abs(network.a) * np.sqrt(own / landscape.constant)


def _merged(
    landscape: PopulationLandscape, folded: Network
) -> tuple[Network | None, list[int], list[tuple[int, int]], list[int]]:
    """The student without neurons that are there twice or contribute nothing, the numbers of those left, of pairs, and of silent ones.

    A merged neuron carries the sum of the outgoing weights. None if no neuron is left.
    """
    silent = _contributions(landscape, folded) <= SAME
    dead = np.flatnonzero(silent).tolist()
    W, a = folded.W, folded.a.copy()
    mirrored = landscape.activation.odd or landscape.activation.even
    kept: list[int] = []
    duplicates: list[tuple[int, int]] = []
    for i in np.flatnonzero(~silent).tolist():
        for j in kept:
            size = max(float(np.abs(W[j]).max()), 1e-300)
            same = np.abs(W[i] - W[j]).max() <= SAME * size
            opposite = mirrored and np.abs(W[i] + W[j]).max() <= SAME * size
            if same or opposite:
                a[j] += a[i] if same or landscape.activation.even else -a[i]
                duplicates.append((j, i))
                break
        else:
            kept.append(i)
    if not kept:
        return None, [], duplicates, dead
    alive = Network(W[kept], a[kept])
    left = _contributions(landscape, alive) > SAME
    numbers = [i for i, stays in zip(kept, left) if stays]
    return (Network(alive.W[left], alive.a[left]) if numbers else None), numbers, duplicates, dead


# comparison with closed forms -----------------------------------------------------------------------------------------


class _Groups(NamedTuple):
    """Neurons and teachers in the order of the largest groups first, and the groups' sizes; teachers in no group come last."""

    neurons: tuple[int, ...]
    teachers: tuple[int, ...]
    sizes: tuple[int, ...]


def _groups(teacher: Network, folded: Network) -> _Groups | None:
    """Which teachers each neuron looks at; None where two neurons look at one teacher or one looks at none."""
    overlaps = folded.W @ teacher.W.T
    looked_at = (overlaps > 0.5 * overlaps.max(axis=1, keepdims=True)) & (overlaps > 0)
    if (looked_at.sum(axis=0) > 1).any() or not looked_at.any(axis=1).all():
        return None
    sizes = looked_at.sum(axis=1)
    order = np.argsort(-sizes, kind="stable").tolist()
    teachers = [j for i in order for j in np.flatnonzero(looked_at[i]).tolist()]
    left = [j for j in range(teacher.n) if j not in teachers]
    return _Groups(tuple(order), tuple(teachers + left), tuple(int(sizes[i]) for i in order))


def _distance(teacher: Network, one: Network, at: _Groups, other: Network, there: _Groups) -> float:
    """The largest difference of a, overlaps and Gram matrix, each in units of its largest entry."""
    worst = 0.0
    pairs = []
    for network, groups in ((one, at), (other, there)):
        W = network.W[list(groups.neurons)]
        pairs.append((network.a[list(groups.neurons)], W @ teacher.W[list(groups.teachers)].T, W @ W.T))
    for here, reference in zip(*pairs):
        size = max(float(np.abs(reference).max()), 1e-300)
        worst = max(worst, float(np.abs(here - reference).max()) / size)
    return worst


def _named(landscape: PopulationLandscape, folded: Network, numbers: Sequence[int]) -> Outcome:
    """The closed form that this student, whose neurons all differ and contribute, agrees with. numbers : what to call its neurons."""
    teacher = landscape.teacher
    loss = float(landscape.value(folded))
    copies = _copies(landscape, folded)
    if copies is not None:
        return Outcome(
            "copies", f"each of the {teacher.n} teachers has its copy, to {below(copies)}; loss {below(loss)}"
        )
    groups = _groups(teacher, folded)
    tried = []
    if groups is not None:
        for name, point in _references(landscape, folded.n, groups):
            reference = _folded(landscape, point.student)
            there = groups if point.statement == "copy_average" else _groups(teacher, reference)
            if there is None or there.sizes != groups.sizes:
                continue
            away = _distance(teacher, folded, groups, reference, there)
            same_loss = abs(loss - point.loss) <= SAME_LOSS * landscape.constant
            if away <= SAME and same_loss:
                how = f"weights, overlaps and loss {number(loss, 9)} agree with the closed form to {below(away)}"
                return Outcome(name, f"{how}; {_who(groups, numbers)}")
            tried.append((away, name, point.loss))
    index = morse_index(landscape, folded)
    word = "of unknown index" if index is None else f"of index {index}"
    sentence = f"a critical point {word} and loss {number(loss, 9)}"
    if loss <= 1e-12 * landscape.constant:
        return Outcome("other", f"{sentence}: the teacher's function, written with neurons that are no copies")
    if tried:
        away, name, there_loss = min(tried)
        sentence += f"; the nearest closed form, {name} of loss {number(there_loss, 9)}, differs by {number(away, 2)}"
    elif groups is None:
        sentence += "; neurons share a teacher that they look at most, as in no closed form"
    else:
        sentence += "; no closed form is known for this teacher and activation"
    return Outcome("other", sentence)


def _who(groups: _Groups, numbers: Sequence[int]) -> str:
    """Which neuron looks at which teachers, in the student's own numbering."""
    parts, place = [], 0
    for neuron, size in zip(groups.neurons, groups.sizes):
        parts.append((numbers[neuron], sorted(groups.teachers[place : place + size])))
        place += size
    told = ", ".join(f"{neuron}: {'+'.join(map(str, teachers))}" for neuron, teachers in sorted(parts))
    return f"neuron: teachers {told}"


def _copies(landscape: PopulationLandscape, folded: Network) -> float | None:
    """How far the student is from having every teacher neuron once, None if it is not that."""
    teacher = _folded(landscape, landscape.teacher)
    if folded.n != teacher.n:
        return None
    here, there = np.column_stack([folded.W, folded.a]), np.column_stack([teacher.W, teacher.a])
    apart = np.abs(here[:, None, :] - there[None, :, :]).max(axis=-1) / np.abs(there).max()
    nearest = apart.argmin(axis=1)
    if len(set(nearest.tolist())) < teacher.n:
        return None
    worst = float(apart.min(axis=1).max())
    return worst if worst <= SAME else None


def _references(landscape: PopulationLandscape, n: int, groups: _Groups) -> Iterator[tuple[str, CriticalPoint]]:
    """The closed forms with n neurons that look at groups of these sizes, each with its name."""
    activation, teacher = landscape.activation, landscape.teacher
    partition = sum(groups.sizes) == teacher.n
    kind = type_name(groups.sizes)
    if partition:
        ends = np.cumsum(groups.sizes).tolist()
        sets = [list(groups.teachers[end - size : end]) for end, size in zip(ends, groups.sizes)]
        ordered = [sets[groups.neurons.index(i)] for i in range(n)]
        try:
            yield f"copy-average {kind}", copy_average(activation, teacher, ordered)
        except OutsideTheorem:
            pass
        for average in _one_neuron(activation, teacher) if n == 1 else ():
            yield f"copy-average {kind}", average
    if n == 1:
        return
    tilted = _perturbed(activation, teacher, n, perturbed_copy_average) if partition else None
    if tilted:
        yield f"perturbed copy-average {kind}", tilted
    tilted = _perturbed(activation, teacher, n, perturbed_copy)
    if tilted:
        yield "perturbed-n-copy", tilted


@lru_cache(maxsize=256)
def _perturbed(
    activation: Activation, teacher: Network, n: int, make: Callable[[Activation, Network, int], CriticalPoint]
) -> CriticalPoint | None:
    """The point of ``perturbed_copy`` or ``perturbed_copy_average``, None outside the theorem."""
    try:
        return make(activation, teacher, n)
    except OutsideTheorem:
        return None


@lru_cache(maxsize=64)
def _one_neuron(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The one-neuron points in closed form with a != 0 and positive overlaps with all teachers."""
    try:
        points = one_neuron(activation, teacher)
    except OutsideTheorem:
        return ()
    return tuple(point for point in points if point.student.a[0] != 0 and (point.student.W @ teacher.W.T > 0).all())


# what is not a critical point -----------------------------------------------------------------------------------------


def _moving(landscape: PopulationLandscape, network: Network, gradient: Array) -> Outcome:
    """The name of a student on whose way the loss still falls."""
    channel = _channel(landscape, network)
    if channel is not None:
        return channel
    largest = float(np.abs(network.theta).max())
    grown = f"; the largest parameter is {number(largest, 3)}" if largest > 100 else ""
    return Outcome("other", f"not at a critical point: {falling(landscape, network)}{grown}")


def _channel(landscape: PopulationLandscape, network: Network) -> Outcome | None:
    """The channel that two neurons are in, None if no pair is."""
    channels = detect_channels(landscape, network)
    return Outcome("channel", channels[0].evidence) if channels else None


# on samples -----------------------------------------------------------------------------------------------------------


def _on_samples(landscape: SampledLandscape, network: Network, time: float | None) -> Outcome:
    """The name of a student of samples."""
    groups = detect_groups(landscape, network)
    if groups:
        count = f"{len(groups[0].neurons)} neurons{' and b' if groups[0].output_bias else ''}"
        return Outcome(f"channel ({count})", "; ".join(group.evidence for group in groups))
    channels = detect_channels(landscape, network)
    if channels:
        name = "channel" if len(channels) == 1 else f"channel ({len(channels)} pairs)"
        return Outcome(name, "; ".join(channel.evidence for channel in channels))
    polished = _polished(landscape, network)
    if polished is None:
        return _still_moving(landscape, network, time)
    point = CriticalPoint(landscape, polished)
    if not landscape.has_hessian(polished):
        return Outcome("other", f"a critical point of loss {number(point.loss, 9)}, where the loss has no Hessian")
    shared = _in_one_place(landscape, polished)
    told = f"a critical point of index {point.index} and loss {number(point.loss, 9)}, {point.describe_zero_modes()}"
    if shared:
        told += f"; neurons {shared} are in one place and share their outgoing weight"
    if point.index:
        return Outcome("saddle", told)
    return Outcome("plateau" if shared else "minimum", told)


def _in_one_place(landscape: SampledLandscape, network: Network) -> str:
    """Pairs of neurons that do the same on the samples, as text: "0 and 1, 2 and 4"."""
    z = network.W @ landscape.X[landscape.weights > 0].T
    mirrored = landscape.activation.odd or landscape.activation.even
    found = []
    for j in range(network.n):
        for i in range(j):
            size = SAME * max(float(np.abs(z[[i, j]]).max()), 1e-300)
            if np.abs(z[i] - z[j]).max() <= size or (mirrored and np.abs(z[i] + z[j]).max() <= size):
                found.append(f"{i} and {j}")
    return ", ".join(found)


def _still_moving(landscape: SampledLandscape, network: Network, time: float | None) -> Outcome:
    """The name of a student on whose way the loss still falls: with growing weights, or without."""
    theta, gradient = network.theta, landscape.gradient(network)
    told = falling(landscape, network)
    if time is not None and math.isfinite(time):
        exponent = -time * float(theta @ gradient) / max(float(theta @ theta), 1e-300)
        told += f"; |theta| = {number(float(np.linalg.norm(theta)), 3)} changes as t^{number(exponent, 2)}"
        if exponent > _GROWS:
            return Outcome("diverging", f"no critical point and no channel: {told}")
    return Outcome("other", f"not at a critical point: {told}")
