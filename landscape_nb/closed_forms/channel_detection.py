r"""Whether a trained student is in a channel to infinity: two neurons that come ever closer while their outgoing weights diverge.

A large norm, two parallel neurons or a small gradient prove nothing: gates of softplus neurons sharpen without end, neurons in one place
make plateaus, and a student may just pass a saddle line. A pair is in a channel if the valley it lies in leads to infinity, and that
is computed.

**On samples** (smooth activations). In the coordinates theta = (rest, w, v, c) of the pair at its own eta_1 = 1/(a_i - a_j)
(``ChannelLandscape``; signs first, (w, a) ~ (-w, -a) for odd activations, (w, a) ~ (-w, a) for even ones):

1. a descent at fixed eta_1 ends near by, at a point theta(eta_1) with a positive Hessian: the pair lies in a valley;
2. so do descents at 0.7, 0.35 and 0 times eta_1, each from the last one: the valley has an end at infinity, near by, and that is a
   minimum of the limit problem;
3. along the valley the loss falls towards eta = 0: by the envelope theorem dL/d(eta^2) = Phi_tau, the derivative at fixed theta, is
   positive at all four, at eta = 0 as a^2 h > 0. How far the valley lies above its end is told in units of h eps^2.

Directions in which other neurons still drift (a sharpening gate has no end) are held: those of small curvature whose Newton step is not
small. A pair that drifts itself is in no channel.

**In a population** (where all derivatives are exact but the pair has no coordinates of its own): two neurons of opposite effect are nearly
parallel, and the velocity of the flow, once its fast modes are at rest, lets their outgoing weights grow and closes their angle.

**Three and more.** m neurons within eps of each other make the (m-1)-th derivative of sigma with outgoing weights A/eps^(m-1) that
cancel; an output bias that grows with them counts as one. The velocity of the flow, in the modes that are not at rest, has to
show this law: all outgoing weights grow at one rate g, and the distances shrink at the rate g/(m-1). With L - L_inf ~ h eps^2 and
a ~ A/eps^2 for three, a' ~ h A/a^2: a grows as t^(1/3), eps falls as t^(-1/6).

Source: derived; the limit problem and h from "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, appendix C.2, whose own
test (norm, cosine, share of the update, appendix B.3) knows no signs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display import number
from ..landscapes import BiasedNetwork, ChannelLandscape, PopulationLandscape, SampledLandscape
from ..landscapes.channel import not_smooth
from ..networks import Network, flip
from .channels import ChannelPoint, to_channel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

#: Neurons are looked at where eps <= _APART |w|, or where (w_i - w_j).x/2 is below _WITHIN, root mean square: sigma is straight there.
_APART, _WITHIN = 0.5, 0.6
#: A pair whose linear part contributes less than this share of sqrt(<y^2>) is in one place.
_TOGETHER = 1e-3
#: How far the valley at the pair's own eta, and its end, may be from the student, as a share of each of w, v, c and the rest.
_NEAR, _NEAR_END = 0.3, 1.5
#: A direction is held if its curvature is below the first share of the largest and its Newton step beyond the second share of theta.
_SOFT, _DRIFT = 1e-4, 0.02
#: Curvatures within this share of the largest are zero: symmetries of the other neurons.
_ZERO = 1e-12
#: Where the valley is looked at, as shares of the pair's own eta.
_SHARES = (1.0, 0.7, 0.35, 0.0)
#: Neurons of a group lie within this share of the length of their mean, or closer than _WITHIN.
_CLOSE = 0.4
#: In a group of m the outgoing weights grow at rates that differ by at most this factor, and eps falls at 1/(m-1) of it up to this factor.
_RATES = 2.0
#: Two neurons of a channel of a population: their cosine is beyond this, and the gradient below this share of sqrt(E[f*^2]).
_COSINE, _GRADIENT = 0.99, 1e-3
#: Modes whose eigenvalue is beyond this share of the largest are fast beside the motion in a channel.
_FAST = 1e-5
#: Fast modes are taken out only where that moves the student by less than this share of its largest entry.
_SETTLED = 1e-3


@dataclass(frozen=True, eq=False)
class DetectedChannel:
    """Two neurons in a channel to infinity.

    i, j : their numbers, i < j. flipped : whether the sign of neuron j has to be changed first, so that the neurons come close. point : the
    pair in channel coordinates, after that. evidence : why, as a sentence. loss : the loss at the end of the channel, at infinity,
    and h with L - loss = h eps^2 near it; both None in a population.
    """

    i: int
    j: int
    flipped: bool
    point: ChannelPoint = field(repr=False)
    evidence: str = field(repr=False)
    loss: float | None = None
    h: float | None = field(repr=False, default=None)


@dataclass(frozen=True, eq=False)
class DetectedGroup:
    """Three or more neurons that approach one place while their outgoing weights diverge.

    neurons : their numbers. flipped : which of them change sign first. output_bias : whether the output bias is one of the group, and grows
    with it. evidence : why, as a sentence.
    """

    neurons: tuple[int, ...]
    flipped: tuple[bool, ...]
    output_bias: bool
    evidence: str = field(repr=False)


def detect_channels(
    landscape: SampledLandscape | PopulationLandscape, network: Network | ArrayLike
) -> tuple[DetectedChannel, ...]:
    """The pairs of neurons that are in a channel to infinity, the closest first; empty if there is none.

    landscape : a SampledLandscape or a PopulationLandscape. network : the student, a Network or theta (p,). The module's docstring says
    what counts as evidence. On samples an activation with kinks has no channels of this kind (a cusp at every sample): the result is
    empty. Pairs within a group of three or more are left to ``detect_groups``.
    """
    student = _student(landscape, network)
    found: list[DetectedChannel | str | None]
    if isinstance(landscape, PopulationLandscape):
        found = [_passing(landscape, student, i, j) for i, j in _parallel(landscape, student)]
    elif not_smooth(landscape.activation):
        return ()
    else:
        pairs = [(i, j) for j in range(student.n) for i in range(j)]
        found = [examine_pair(landscape, student, i, j) for i, j in pairs]
    channels = [pair for pair in found if isinstance(pair, DetectedChannel)]
    if channels:
        groups = detect_groups(landscape, student)
        channels = [pair for pair in channels if not any({pair.i, pair.j} <= set(group.neurons) for group in groups)]
    return tuple(sorted(channels, key=lambda pair: pair.point.eps / max(float(np.linalg.norm(pair.point.w)), 1e-300)))


def _student(landscape: Any, network: Network | ArrayLike) -> Network:
    if not isinstance(landscape, (SampledLandscape, PopulationLandscape)):
        raise ValueError(
            f"channels are detected on a SampledLandscape or a PopulationLandscape; {landscape!r:.60} was given"
        )
    student = network if isinstance(network, Network) else landscape.network(np.asarray(network, dtype=float))
    landscape.value(student)  # refuses what does not fit in its own words
    return student


def _folds(landscape: Any, W: Array) -> Array:
    """-1 for pairs of neurons whose opposite is the closer one, where activation and function allow that; else 1. Shape (n, n)."""
    mirrored = landscape.activation.odd or landscape.activation.even
    return np.where(mirrored & (W @ W.T < 0), -1.0, 1.0)


def _spread(landscape: Any, v: Array) -> Array:
    """The root mean square of v.x, shape (...) for v of shape (..., d)."""
    if isinstance(landscape, PopulationLandscape):
        return np.linalg.norm(v, axis=-1)
    return np.sqrt((v @ landscape.X.T) ** 2 @ landscape.weights / landscape.weights.sum())


def _effects(landscape: Any, student: Network, folds: Array) -> Array:
    """a_i a_j after the change of signs: negative where two neurons work against each other."""
    return np.outer(student.a, student.a) * (folds if landscape.activation.odd else 1.0)


# on samples -----------------------------------------------------------------------------------------------------------


def examine_pair(landscape: SampledLandscape, network: Network | ArrayLike, i: int, j: int) -> DetectedChannel | str:
    """The channel that the neurons i and j are in, or a phrase that says why they are in none.

    Raises ValueError for an activation with kinks, a population, or neurons that are not there.
    """
    student = _student(landscape, network)
    for neuron in (i, j):
        if isinstance(neuron, bool) or not isinstance(neuron, (int, np.integer)) or not 0 <= neuron < student.n:
            raise ValueError(f"a neuron has a number between 0 and {student.n - 1}; {neuron!r:.60} was given")
    if i == j:
        raise ValueError(f"a pair needs two different neurons; neuron {i} was given twice")
    ChannelLandscape(landscape, student.n, 0.0)  # refuses what has no limit problem
    i, j = min(int(i), int(j)), max(int(i), int(j))
    folds = _folds(landscape, student.W)
    flipped = bool(folds[i, j] < 0)
    if not _effects(landscape, student, folds)[i, j] < 0:
        return "their outgoing weights have the same effect"
    turned = flip(student, j, landscape.activation) if flipped else student
    apart, common = (0.5 * float(np.linalg.norm(turned.W[i] + s * turned.W[j])) for s in (-1.0, 1.0))
    if not (apart <= _APART * common or _spread(landscape, 0.5 * (turned.W[i] - turned.W[j])) <= _WITHIN):
        return f"they are apart: |w_i - w_j| / |w_i + w_j| = {number(apart / max(common, 1e-300), 3)}"
    if apart == 0:
        return "they are in one place, on a splitting line"
    own, theta = ChannelLandscape.from_network(landscape, turned, i, j)
    here = own.student(theta)
    slopes = landscape.activation.derivative(landscape.X @ here.w, 1)
    linear = math.sqrt(float(np.sum(landscape.weights * (slopes * (landscape.X @ here.v)) ** 2)))
    if linear <= _TOGETHER * math.sqrt(landscape.constant):
        return "they are in one place up to the accuracy of the student, beside a splitting line"
    point = to_channel(turned, i, j)
    return _valley(own, theta, i, j, flipped, point)


def _valley(
    own: ChannelLandscape, theta: Array, i: int, j: int, flipped: bool, point: ChannelPoint
) -> DetectedChannel | str:
    """Follow the valley from the student to eta = 0."""
    held, free = _held(own, theta)
    settled, softest = _descend(own, theta, free)
    moved = _away(own, theta, settled)
    if moved > _NEAR:
        return f"at this a_i - a_j the loss has no valley near by: descent leads away by {number(moved, 2)}"
    held, free = _held(own, settled)
    pair = slice(own.p - 2 * own.d - 1 - own.output_bias, own.p - own.output_bias)
    if held.size and (np.sum(held[pair] ** 2, axis=0) > 0.5).any():
        return "the pair itself has not come to rest at this a_i - a_j"
    if softest < -_ZERO:
        return "at this a_i - a_j the student lies on a saddle"
    eta, here = own.inverse_gap, settled
    slopes, at = [], own
    for k, share in enumerate(_SHARES):
        if k:
            before, at = at, own.at(eta * share)
            mixed = before.slope_derivatives(here)[1]
            values, vectors = np.linalg.eigh(free.T @ before.hessian(here) @ free)
            step = free @ (vectors @ ((vectors.T @ (free.T @ mixed)) / np.maximum(values, _ZERO * values[-1])))
            guess = here - (at.inverse_gap**2 - before.inverse_gap**2) * step
            here, softest = _descend(at, guess if at.value(guess) < at.value(here) else here, free)
            if softest < -_ZERO:
                return f"at {number(share, 2)} times 1/(a_i - a_j) the valley ends on a saddle"
            moved = _away(own, settled, here)
            if moved > _NEAR_END:
                return f"the valley leads elsewhere: by {number(moved, 2)} at {number(share, 2)} times 1/(a_i - a_j)"
        slopes.append(float(at.slope(here)))
        if not slopes[-1] > 0.1 * abs(slopes[0]):
            where = "at infinity" if share == 0 else f"at {number(share, 2)} times 1/(a_i - a_j)"
            return f"the loss does not fall towards infinity: its slope along the valley is {number(slopes[-1], 2)} {where}"
    limit = at.student(here)
    h = slopes[-1] / limit.a**2
    law = float(own.excess(settled, here)) / (slopes[-1] * eta**2)
    loss = float(at.value(here))
    drift = ""
    if held.shape[1]:
        ways = f"{held.shape[1]} direction{'s' if held.shape[1] > 1 else ''}"
        drift = f" (other neurons still drift, in {ways} that {'are' if held.shape[1] > 1 else 'is'} held)"
    signs = "equal signs at opposite w, so opposite effect" if flipped and own.activation.odd else "opposite signs"
    start, end = 0.5 * (point.c + point.a / point.eps), 0.5 * (point.c - point.a / point.eps)
    last = -end if flipped and own.activation.odd else end
    return DetectedChannel(
        i,
        j,
        flipped,
        point,
        f"neurons {i} and {j}, outgoing weights {number(start, 4)} and {number(last, 4)} ({signs}), lie in a valley that leads to "
        f"infinity: from eps = {number(point.eps, 3)} to 0 the loss falls to {number(loss, 6)}, at a minimum of the limit problem{drift} "
        f"with a = {number(limit.a, 4)} and h = {number(h, 3)} > 0, and L - L_inf = {number(law, 3)} h eps^2",
        loss,
        h,
    )


def _held(landscape: ChannelLandscape, theta: Array) -> tuple[Array, Array]:
    """Orthonormal columns: directions in which the student still drifts, and those in which it is free (symmetries belong to neither)."""
    values, vectors = np.linalg.eigh(landscape.hessian(theta))
    local = np.abs(vectors.T @ landscape.gradient(theta))
    flat = np.abs(values) <= _ZERO * values[-1]
    reach = _DRIFT * max(1.0, float(np.abs(theta).max()))
    drifts = (local > reach * np.abs(values)) & (np.abs(values) <= _SOFT * values[-1]) & ~flat
    return vectors[:, drifts], vectors[:, ~drifts & ~flat]


def _descend(landscape: ChannelLandscape, theta: Array, free: Array, iterations: int = 30) -> tuple[Array, float]:
    """A damped Newton descent in the free directions, and the lowest curvature there as a share of the largest.

    It ends early where it has left the neighbourhood.
    """
    start = theta
    loss, gradient = landscape.value_and_gradient(theta)
    noise = 1e-14 * max(landscape.constant, abs(float(loss)))
    damping, lowest = 0.0, 0.0
    for _ in range(iterations):
        values, vectors = np.linalg.eigh(free.T @ landscape.hessian(theta) @ free)
        top = float(np.abs(values).max())
        lowest = float(values[0]) / top
        local = vectors.T @ (free.T @ gradient)
        for _ in range(12):
            step = free @ (vectors @ (local / np.maximum(np.abs(values) + damping, 1e-300)))
            trial = theta - step
            new_loss, new_gradient = landscape.value_and_gradient(trial)
            if new_loss <= loss + noise:
                break
            damping = max(4.0 * damping, 1e-9 * top)
        else:
            return theta, lowest
        theta, loss, gradient = trial, new_loss, new_gradient
        small = float(np.abs(step).max()) <= 1e-7 * max(1.0, float(np.abs(theta).max()))
        if (small and damping == 0.0) or _away(landscape, start, theta) > _NEAR_END:
            break
        damping = 0.1 * damping if damping > 1e-11 * top else 0.0
    return theta, lowest


def _away(landscape: ChannelLandscape, theta: Array, other: Array) -> float:
    """The largest change of w, v, c and the other parameters, each as a share of its own size (c: of c and a)."""
    d, p, bias = landscape.d, landscape.p, int(landscape.output_bias)
    first = p - 2 * d - 1 - bias
    change, size = np.abs(other - theta), np.abs(theta)
    shares = []
    for place in (slice(first, first + d), slice(first + d, first + 2 * d)):
        shares.append(np.linalg.norm(change[place]) / max(float(np.linalg.norm(size[place])), 1e-300))
    a = float(np.linalg.norm(size[first + d : first + 2 * d]))
    shares.append(change[first + 2 * d] / max(float(size[first + 2 * d]), a))
    if first:
        shares.append(np.linalg.norm(change[:first]) / max(float(np.linalg.norm(size[:first])), 1e-300))
    return float(max(shares))


# by the motion of the flow --------------------------------------------------------------------------------------------


def _calm(landscape: Any, student: Network) -> bool:
    """Whether the gradient is as small as it is in a channel."""
    return bool(np.abs(landscape.gradient(student)).max() <= _GRADIENT * math.sqrt(landscape.constant))


def _parallel(landscape: PopulationLandscape, student: Network) -> list[tuple[int, int]]:
    """Pairs of nearly parallel neurons of opposite effect, the closest first, where the gradient is small."""
    if not _calm(landscape, student):
        return []
    unit = student.W / np.maximum(np.linalg.norm(student.W, axis=1), 1e-300)[:, None]
    cosines = unit @ unit.T
    folds = _folds(landscape, student.W)
    candidates = np.triu((folds * cosines > _COSINE) & (_effects(landscape, student, folds) < 0), 1)
    return sorted(((int(i), int(j)) for i, j in np.argwhere(candidates)), key=lambda pair: -folds[pair] * cosines[pair])


def _passing(landscape: PopulationLandscape, student: Network, i: int, j: int) -> DetectedChannel | None:
    """The channel of a population that these two neurons are in: their outgoing weights grow and their angle closes."""
    growth, turning = slow_motion(landscape, student)
    unit = student.W / np.maximum(np.linalg.norm(student.W, axis=1), 1e-300)[:, None]
    fold = float(_folds(landscape, student.W)[i, j])
    growing = min(growth[i] * student.a[i], growth[j] * student.a[j]) > 0
    approaching = np.sum((unit[i] - fold * unit[j]) * (turning[i] - fold * turning[j])) < 0
    turned = flip(student, j, landscape.activation) if fold < 0 else student
    if not (growing and approaching) or np.array_equal(turned.W[i], turned.W[j]):
        return None
    opposite = fold > 0 or not landscape.activation.odd
    signs = "opposite signs" if opposite else "equal signs at opposite w, so opposite effect"
    return DetectedChannel(
        i,
        j,
        fold < 0,
        to_channel(turned, i, j),
        f"neurons {i} and {j} have cosine {number(float(unit[i] @ unit[j]), 6)} and come closer, their outgoing weights "
        f"{number(student.a[i], 4)} and {number(student.a[j], 4)} ({signs}) grow, and {falling(landscape, student)}",
    )


def falling(landscape: Any, student: Network) -> str:
    """ "the loss 0.039198 still falls (max |grad L| = 2.1e-7)"."""
    residual = float(np.abs(landscape.gradient(student)).max())
    return f"the loss {number(float(landscape.value(student)), 6)} still falls (max |grad L| = {number(residual, 2)})"


def slow_motion(landscape: Any, student: Network) -> tuple[Array, Array]:
    """The slow velocity of the outgoing weights (n,) and of the neurons' directions (n, d).

    Outgoing weights are measured in units of |w|^m for an activation homogeneous of degree m.
    """
    settled, dW, da = _slow_velocity(landscape, student)
    norms = np.maximum(np.linalg.norm(settled.W, axis=1), 1e-300)
    unit = settled.W / norms[:, None]
    radial = np.sum(dW * unit, axis=1)
    degree = landscape.activation.homogeneous or 0
    growth = da + degree * settled.a * radial / norms
    return growth, (dW - radial[:, None] * unit) / norms[:, None]


def _slow_velocity(landscape: Any, student: Network) -> tuple[Network, Array, Array]:
    """The student with the fast modes of the flow at rest, and the velocity there of W and a.

    In a long valley most of the gradient is what the integration leaves in the fast modes. Newton's iteration in the modes above 1e-5 of
    the largest eigenvalue takes it out.
    """
    theta = student.theta
    for _ in range(3):
        if not landscape.has_hessian(theta):
            break
        values, vectors = np.linalg.eigh(landscape.hessian(theta))
        fast = values > _FAST * values[-1]
        step = vectors[:, fast] @ ((vectors[:, fast].T @ landscape.gradient(theta)) / values[fast])
        if np.abs(step).max() > _SETTLED * max(1.0, float(np.abs(theta).max())):
            break
        theta = theta - step
    n, d = student.n, student.d
    velocity = -landscape.gradient(theta)
    return landscape.network(theta), velocity[: n * d].reshape(n, d), velocity[n * d : n * d + n]


# three and more -------------------------------------------------------------------------------------------------------


def linked(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Groups of numbers that are connected by pairs (single linkage), the largest first."""
    groups: list[set[int]] = []
    for i, j in pairs:
        touched = [group for group in groups if i in group or j in group]
        groups = [group for group in groups if group not in touched] + [{i, j}.union(*touched)]
    return tuple(sorted((tuple(sorted(group)) for group in groups), key=lambda group: (-len(group), group)))


def detect_groups(
    landscape: SampledLandscape | PopulationLandscape, network: Network | ArrayLike
) -> tuple[DetectedGroup, ...]:
    """Groups of three and more neurons, an output bias included, that approach one place while their outgoing weights diverge.

    Candidates are neurons linked by distances below half their length, or so small that sigma hardly bends between them, after the
    change of signs (single linkage), where the gradient is small. A group of m counts if its outgoing weights cancel and all grow at one
    rate g while its distances shrink at g/(m-1), in the velocity of the flow along the modes that are not at rest. Activations with kinks
    on samples have none.
    """
    student = _student(landscape, network)
    if student.n < 2 or not _calm(landscape, student) or not landscape.has_hessian(student):
        return ()
    if isinstance(landscape, SampledLandscape) and not_smooth(landscape.activation):
        return ()
    folds = _folds(landscape, student.W)
    turned = folds[:, :, None] * student.W
    apart, common = (np.linalg.norm(student.W[:, None, :] + s * turned, axis=-1) for s in (-1.0, 1.0))
    near = (apart <= _APART * common) | (_spread(landscape, 0.5 * (student.W[:, None, :] - turned)) <= _WITHIN)
    candidates = linked((int(i), int(j)) for i, j in np.argwhere(np.triu(near, 1)))
    if not candidates:
        return ()
    motion = _drift(landscape, student.theta)
    found = [_growing(landscape, student, group, folds[group[0], list(group)], motion) for group in candidates]
    return tuple(group for group in found if group is not None)


def _drift(landscape: Any, theta: Array) -> Array:
    """The velocity of the flow in the modes that are not at rest: those whose Newton step is not small."""
    values, vectors = np.linalg.eigh(landscape.hessian(theta))
    local = vectors.T @ landscape.gradient(theta)
    moving = np.abs(local) > _DRIFT * max(1.0, float(np.abs(theta).max())) * np.abs(values)
    return -vectors[:, moving] @ local[moving]


def _growing(
    landscape: Any, student: Network, group: tuple[int, ...], sign: Array, motion: Array
) -> DetectedGroup | None:
    """The group of these neurons, if their outgoing weights cancel and grow as eps^-(m-1)."""
    n, d, rows = student.n, student.d, list(group)
    outgoing = student.a[rows] * (sign if landscape.activation.odd else 1.0)
    speeds = motion[n * d : n * d + n][rows] * (sign if landscape.activation.odd else 1.0)
    spread, closing = sign[:, None] * student.W[rows], sign[:, None] * motion[: n * d].reshape(n, d)[rows]
    centre = spread.mean(axis=0)
    spread, closing = spread - centre, closing - closing.mean(axis=0)
    eps = math.sqrt(float(np.mean(np.sum(spread**2, axis=1))))
    total = float(outgoing.sum())
    bias = False
    if isinstance(student, BiasedNetwork) and student.b != 0:
        height = float(landscape.weights @ landscape.activation(landscape.X @ centre)) / float(landscape.weights.sum())
        together = np.append(outgoing * height, student.b)
        bias = motion[-1] * student.b > 0 and abs(motion[-1] / student.b) * _RATES >= np.abs(speeds / outgoing).max()
        if bias:
            total = float(together.sum()) * float(np.abs(outgoing).max()) / float(np.abs(together).max())
            outgoing, speeds = np.append(outgoing, student.b), np.append(speeds, motion[-1])
    order = len(outgoing) - 1
    wide = math.sqrt(float(np.mean(_spread(landscape, spread) ** 2)))
    close = eps <= _CLOSE * float(np.linalg.norm(centre)) or wide <= _WITHIN
    if order < 2 or eps == 0 or not close or not outgoing.all():
        return None
    rates = speeds / outgoing
    shrink = -float(np.sum(spread * closing)) / (len(rows) * eps**2)
    law = order * shrink / max(float(np.abs(rates).max()), 1e-300)
    cancel = abs(total) < float(np.abs(outgoing).max())
    if not (rates.min() > 0 and rates.max() <= _RATES * rates.min() and 1 / _RATES <= law <= _RATES and cancel):
        return None
    weights = ", ".join(number(weight, 4) for weight in student.a[rows])
    who = f"neurons {', '.join(map(str, group))}{' and the output bias' if bias else ''}"
    return DetectedGroup(
        group,
        tuple(bool(fold < 0) for fold in sign),
        bias,
        f"{who}: within {number(eps, 3)} of one place, and closer at {number(law, 2)} times the rate of a law eps^-{order} of the outgoing "
        f"weights {weights}{f' and {number(outgoing[-1], 4)}' if bias else ''}, which cancel and grow at one rate; "
        f"{falling(landscape, student)}",
    )
