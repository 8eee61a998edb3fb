r"""Gradient flow theta' = -grad L, for a batch of students at once.

Paths are followed by exponential collocation (``collocation``): in the eigenvectors of a Hessian that serves as long as it can, decay
and growth are exact, and gradients at the nodes of long steps of order 7 do the rest. End points alone, and functions with kinks, take a
Rosenbrock method with the exact Hessian of every step (``rosenbrock``): cheaper where little accuracy or smoothness is to be had.

Every student has its own time and step size; the batch advances together and students that ended leave it. What a student does
depends on nothing but itself.

* Saddles. Rosenbrock methods are L-stable: with h -> infinity they are Newton's iteration, which a saddle attracts as well as a minimum.
  So h |lowest eigenvalue| is kept below a bound at which the growth exp(h |l|) along negative curvature is followed to ten times rtol.
  Exponential collocation has the growth exactly where curvature stays, and keeps h |l| below 1 to see it change. With both a step
  counts only if the loss does not rise.
* The end. Where the Hessian has no negative eigenvalue, and what is left of the path, H^-1 grad L, is shorter than the error that
  is allowed anyway, Newton's iteration takes over. It must contract, stay within that distance and lower the loss, or the flow goes
  on. The rest of the path is that of the linear flow around the minimum theta*,
  theta(t) = theta* + Q exp(-l (t - t_0)) Q^T (theta(t_0) - theta*), with H = Q diag(l) Q^T.

Source: that of the methods in their files. Guards against saddles and the end: derived.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .collocation import COLLOCATION, Collocator, ExponentialCollocation, ExponentialPieces, Frames, Step
from .critical import INDEX_TOLERANCE
from .display import number
from .networks import Network
from .rosenbrock import RODAS4, RODAS5P, Rosenbrock, RosenbrockPieces

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray
Event = Callable[[Array], Array]
Pieces = RosenbrockPieces | ExponentialPieces

#: Largest and smallest change of the step size from one step to the next, for Rosenbrock methods.
_GROW, _SHRINK = 8.0, 0.2
#: Largest growth of the step size of exponential collocation; of one whose iteration contracted slower than the third number; the
#: size of the next one where it failed.
_COLLOCATION_GROWS, _CAREFUL, _RELUCTANT, _RETREAT = 3.0, 0.7, 0.3, 0.4
#: The largest h |lowest eigenvalue| of exponential collocation where that is negative.
_GROWTH = 1.0
#: Eigenvalues below this share of the largest count as zero modes where Newton's iteration ends the flow.
_FLAT = 1e-10
#: Steps until a student that Newton's iteration did not settle is tried again.
_PATIENCE = 4
#: Newton iterations that end a flow, at most.
_NEWTON_STEPS = 6
#: The loss is known to this share of its value at the start.
_ROUNDING = 1e-13
#: A student whose time grows by less than the second number, with more than the third rejected among so many steps, stands at a kink.
_WINDOW, _STILL, _JUMPY = 64, 1e-3, 10
#: A flow stands still where t |grad L| is below this share of 1 + |theta|: along a power law theta ~ t^q that is q |theta| for ever.
_AT_REST = 1e-2
#: Hessians are asked for in blocks of so many entries.
_CACHED = 80_000
#: Gradients are asked for in blocks of so many students.
_BLOCK = 512


_NO_DERIVATIVE = "a neuron of a function with a kink has w = 0, or numbers are beyond the range of doubles"


class Interrupted(Exception):
    """Raised by ``progress`` where the work shall stop; a flow then keeps what is done."""


# the result -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Path:
    """Accepted steps of all students, sorted by student and time, and the linear flow at their ends."""

    offsets: Array  # (seeds + 1,): the steps of seed i are offsets[i] : offsets[i + 1]
    start: Array
    size: Array
    last: Array  # (steps, p)
    pieces: Pieces | None
    losses: Array
    dense: bool
    tails: dict[int, tuple[float, Array, Array, Array]]  # seed -> t_0, theta*, rates (p,), modes (p, p)


@dataclass(frozen=True, eq=False)
class Flow:
    """Students on their way down the gradient.

    end : the last student, a Network for one student of a network landscape, else theta (..., p).
    reason : why each one stopped, shape (...): "converged", "diverging", "time", "budget", "event", "refused" or "interrupted".
    sentence : the same in words, shape (...). residual : max |dL/dtheta_i| at the end. loss : L at the end. index : number of negative
    Hessian eigenvalues at the end of those that converged, -1 for others. time : how far each one came; where it converged, the
    time at which max |grad L| fell below the tolerance. steps, rejected : accepted and rejected steps.
    events : for every event function, the tuple of all its zeros as (student's number in the flattened batch, time, theta).
    """

    landscape: Any = field(repr=False)
    theta: Array = field(repr=False)
    start: Array = field(repr=False)
    reason: Any
    sentence: Any = field(repr=False)
    loss: Any = field(repr=False)
    residual: Any = field(repr=False)
    index: Any = field(repr=False)
    time: Any = field(repr=False)
    steps: Any = field(repr=False)
    rejected: Any = field(repr=False)
    _first_loss: Any = field(repr=False)
    events: tuple[tuple[tuple[int, float, Array], ...], ...] = field(repr=False)
    endpoint_only: bool = field(repr=False)
    t_max: float = field(repr=False)
    _path: _Path | None = field(repr=False)
    _single: bool = field(repr=False)
    _times: Array | None = field(repr=False, default=None)

    def __repr__(self) -> str:
        reasons, counts = np.unique(self.reason, return_counts=True)
        return f"Flow({', '.join(f'{count} {reason}' for reason, count in zip(reasons, counts))})"

    @property
    def end(self) -> Any:
        """The last student: a Network where the landscape has networks and one student was given, else theta (..., p)."""
        if self._single and hasattr(self.landscape, "network"):
            return self.landscape.network(self.theta)
        return self.theta

    def _recorded(self) -> tuple[Array, Array, Array]:
        if self._path is None:
            raise ValueError("this flow was asked for its end points only; leave endpoint_only out to record the path")
        path, p = self._path, self.theta.shape[-1]
        ends, starts = self.theta.reshape(-1, p), self.start.reshape(-1, p)
        time, loss = np.reshape(self.time, -1), np.reshape(self.loss, -1)
        counts = np.diff(path.offsets)
        rows = int(counts.max(initial=0)) + 2
        times = np.repeat(time[:, None], rows, axis=1)
        students, losses = np.repeat(ends[:, None, :], rows, axis=1), np.repeat(loss[:, None], rows, axis=1)
        students[:, 0], times[:, 0] = starts, 0.0
        seed = np.repeat(np.arange(len(ends)), counts)
        place = np.arange(len(seed)) - path.offsets[seed] + 1
        times[seed, place] = path.start + path.size
        students[seed, place] = path.last
        losses[seed, place] = path.losses
        late = np.nonzero(times > time[:, None])  # the last step may have ended after the arrival
        times[late], students[late], losses[late] = time[late[0]], ends[late[0]], loss[late[0]]
        losses[:, 0] = np.reshape(self._first_loss, -1)
        lead = np.shape(self.reason)
        return times.reshape(*lead, rows), students.reshape(*lead, rows, p), losses.reshape(*lead, rows)

    @property
    def times(self) -> Array:
        """The recorded times: those asked for, shape (T,), else those of the steps, shape (..., T), filled up with the last one."""
        return self._recorded()[0] if self._times is None else self._times

    @property
    def students(self) -> Array:
        """theta at the recorded times, shape (..., T, p)."""
        return self._recorded()[1] if self._times is None else self.at(self._times)

    @property
    def losses(self) -> Array:
        """L at the recorded times, shape (..., T)."""
        return self._recorded()[2] if self._times is None else np.asarray(self.landscape.value(self.students))

    def at(self, times: ArrayLike) -> Array:
        """theta(t), shape (..., p) for one time and (..., T, p) for T of them.

        Where a student converged, times beyond its last are on the linear flow into its end point. Raises ValueError for times before
        the start, beyond t_max, or beyond the end of a student that stopped before.
        """
        if self._path is None or not self._path.dense:
            raise ValueError("this flow kept no dense output; ask for it with dense=True and without endpoint_only")
        asked = np.asarray(times, dtype=float)
        grid = asked.reshape(-1)
        if not (grid >= 0).all():
            raise ValueError(f"times must be numbers of at least 0; {grid[~(grid >= 0)][0]} was given")
        path, p = self._path, self.theta.shape[-1]
        ends, starts = self.theta.reshape(-1, p), self.start.reshape(-1, p)
        reason, last_time = np.reshape(self.reason, -1), np.reshape(self.time, -1)
        result = np.empty((len(ends), grid.size, p))
        along = np.full((len(ends), grid.size), -1)  # the steps in which the times lie
        for i, (low, high) in enumerate(zip(path.offsets[:-1], path.offsets[1:])):
            converged = reason[i] == "converged"
            furthest = self.t_max if converged else last_time[i]
            if grid.size and grid.max() > furthest * (1 + 1e-14):
                raise ValueError(
                    f"student {i} was followed to t = {number(furthest)} ({reason[i]}); "
                    f"t = {number(grid.max())} was asked for: raise t_max, or ask for earlier times"
                )
            inside = np.ones(grid.size, dtype=bool)
            stepped = path.start[high - 1] + path.size[high - 1] if high > low else 0.0
            if i in path.tails:
                t0, minimum, rates, modes = path.tails[i]
                inside = grid <= t0
                result[i, ~inside] = minimum + np.exp(-np.outer(grid[~inside] - t0, rates)) @ modes
            elif converged:
                inside = grid <= stepped
                result[i, ~inside] = ends[i]
            if high == low:
                result[i, inside] = starts[i]
                continue
            along[i, inside] = low + np.clip(
                np.searchsorted(path.start[low:high], grid[inside], side="right") - 1, 0, None
            )
        seed, place = np.nonzero(along >= 0)
        block = max(1, _CACHED // (p * p))
        for low in range(0, len(seed), block):
            row, column = seed[low : low + block], place[low : low + block]
            step = along[row, column]
            share = np.clip((grid[column] - path.start[step]) / path.size[step], 0.0, 1.0)
            result[row, column] = cast(Pieces, path.pieces).take(step).at(share)
        return result.reshape(*np.shape(self.reason), *asked.shape, p)


# the integration ------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Active:
    """The students still on their way; replaced as a whole after every step, so that an interruption finds one moment."""

    seed: Array
    t: Array
    h: Array
    theta: Array
    loss: Array
    gradient: Array
    steps: Array
    rejected: Array
    failures: Array  # rejections since the last accepted step
    saddle: Array  # whether negative curvature bounds the step
    stop: Array  # i: this step shall end at the terminal event i; -1: at none; -2 - i: it did
    retry: Array  # the number of steps from which Newton's iteration may try to end the flow
    mark: Array  # (t, rejected steps) at the last multiple of _WINDOW steps, shape (..., 2)
    fresh: Array  # whether the Hessian belongs to theta
    hessian: Array
    frames: Frames  # of exponential collocation
    past: Any = None  # (record, past): the accepted steps

    def take(self, rows: Array) -> _Active:
        """The students of these rows, with copies of their numbers."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "past"})


@dataclass(eq=False)
class _Attempt:
    """A step of each active student, before it is judged."""

    active: _Active
    h: Array
    new: Array
    error: Array
    failed: Array
    most: Array  # the largest growth of the next step; for those that failed, its size
    pieces: Pieces | None
    step: Step | None


def value_and_gradient(landscape: Any, theta: Array) -> tuple[Array, Array]:
    """L and grad L, in one call where the landscape has one."""
    if hasattr(landscape, "value_and_gradient"):
        value, gradient = landscape.value_and_gradient(theta)
    else:
        value, gradient = landscape.value(theta), landscape.gradient(theta)
    return np.asarray(value, dtype=float), np.asarray(gradient, dtype=float)


def _hessians(landscape: Any, theta: Array) -> Array:
    """The Hessians of all rows, in blocks that fit the cache."""
    count, p = theta.shape
    block = max(1, _CACHED // (p * p))
    if count <= block:
        return np.asarray(landscape.hessian(theta), dtype=float)
    hessian = np.empty((count, p, p))
    for first in range(0, count, block):
        hessian[first : first + block] = landscape.hessian(theta[first : first + block])
    return hessian


def _apply(matrix: Array, vector: Array) -> Array:
    return (matrix @ vector[..., None])[..., 0]


def _norm(vector: Array, scale: Array) -> Array:
    """Root mean square of vector / scale, shape (...)."""
    return np.sqrt(np.mean((vector / scale) ** 2, axis=-1))


def _set_diagonal(matrix: Array, diagonal: Array) -> Array:
    i = np.arange(matrix.shape[-1])
    matrix[..., i, i] = diagonal
    return matrix


def _inverse(matrix: Array) -> Array:
    """The inverse of each matrix; NaN where it is singular."""
    try:
        return np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        inverse = np.full_like(matrix, np.nan)
        regular = np.linalg.slogdet(matrix)[0] != 0
        inverse[regular] = np.linalg.inv(matrix[regular])
        return inverse


def _solve(matrix: Array, vector: Array) -> Array:
    """matrix^-1 vector; NaN where the matrix is singular."""
    try:
        return np.linalg.solve(matrix, vector[..., None])[..., 0]
    except np.linalg.LinAlgError:
        return _apply(_inverse(matrix), vector)


def _bounded_by_saddles(hessian: Array, work: Array, h: Array, saddle: Array, reach: float) -> tuple[Array, Array]:
    """h cut to reach / |lowest eigenvalue| where that is negative, and whether the student is near this bound.

    work : a copy of the Hessian, whose diagonal is overwritten.
    """
    shifted = _set_diagonal(work, hessian.diagonal(0, -2, -1) + (reach / h)[:, None])
    free = ~saddle
    every = bool(free.all())
    h, saddle = h.copy(), saddle.copy()
    try:
        np.linalg.cholesky(shifted if every else shifted[free])
    except np.linalg.LinAlgError:
        lowest = np.linalg.eigvalsh(hessian[free])[:, 0]
        saddle[free] = lowest < -reach / h[free]
    if saddle.any():
        curvature = np.maximum(-np.linalg.eigvalsh(hessian[saddle])[:, 0], 0.0)
        h[saddle] = np.minimum(h[saddle], reach / curvature)
        saddle[saddle] = curvature * h[saddle] > 0.3 * reach
    return h, saddle


def _stands_still(time: Array, gradient: Array, theta: Array) -> Array:
    """Whether t |grad L| is small beside theta: what another factor e of time would change."""
    return time * np.linalg.norm(gradient, axis=-1) <= _AT_REST * (1.0 + np.linalg.norm(theta, axis=-1))


@dataclass(eq=False)
class _Settled:
    """Students that Newton's iteration ended: ``settled`` says which of those tried; the rest belongs to these."""

    settled: Array
    theta: Array
    loss: Array
    residual: Array
    values: Array
    vectors: Array


def _settle(landscape: Any, active: _Active, rows: Array, scale: Array, noise: Array, tolerance: float) -> _Settled:
    """Newton's iteration from students close to a minimum, with two more corrections for each Hessian.

    Refused: negative eigenvalues, a gradient or a motion along zero modes, a distance above ``scale``, a rising loss, a slow contraction.
    """
    start, hessian = active.theta[rows], active.hessian[rows]
    theta, loss, gradient = start.copy(), active.loss[rows].copy(), active.gradient[rows].copy()
    residual = np.abs(gradient).max(axis=-1)
    values, vectors = np.linalg.eigh(hessian)
    good = np.ones(len(rows), dtype=bool)
    working = good.copy()
    bent = np.zeros(len(rows), dtype=bool)
    for iteration in range(_NEWTON_STEPS):
        top = np.abs(values).max(axis=-1, keepdims=True)
        local = (gradient[:, None, :] @ vectors)[:, 0]
        zero = np.abs(values) <= _FLAT * top
        # beside a critical point a symmetry's zero mode has an eigenvalue of the size of the gradient, which it is orthogonal to
        symmetry = (np.abs(values) <= 10 * residual[:, None]) & (np.abs(local) <= 0.03 * residual[:, None])
        bent |= working & (symmetry & ~zero).any(axis=-1)
        flat = zero | symmetry
        along = np.where(zero, local, 0.0)
        stopped = np.abs(along).max(axis=-1) > np.maximum(tolerance, 1e-3 * residual)
        stopped |= ~_stands_still(active.t[rows], along, theta)
        good &= ~(working & (((values < 0) & ~flat).any(axis=-1) | stopped))
        working &= good
        inverse = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, values))
        if iteration == 0:
            good &= _norm(_apply(vectors, inverse * local), scale) <= 1.0
            working &= good
        if not working.any():
            break
        before = residual.copy()
        for _ in range(3):
            local = (gradient[:, None, :] @ vectors)[:, 0]
            trial = theta - _apply(vectors, inverse * local)
            new_loss, new_gradient = value_and_gradient(landscape, trial)
            new_residual = np.abs(new_gradient).max(axis=-1)
            better = working & (new_residual < residual) & (new_loss <= loss + noise)
            theta[better], loss[better] = trial[better], new_loss[better]
            gradient[better], residual[better] = new_gradient[better], new_residual[better]
        good &= ~working | (residual <= tolerance) | (residual <= 0.1 * before)
        good &= _norm(theta - start, scale) <= 2.0
        # once more below the tolerance: the digits of a soft mode are worth it
        working &= good & ((residual > tolerance) | (before > tolerance) & (residual > 1e-4 * tolerance))
        again = np.flatnonzero(working)
        if not again.size:
            break
        hessian = _hessians(landscape, theta[again])
        usable = np.isfinite(hessian).all(axis=(-2, -1))
        good[again[~usable]] = working[again[~usable]] = False
        values[again[usable]], vectors[again[usable]] = np.linalg.eigh(hessian[usable])
    good &= residual <= tolerance
    last = np.flatnonzero(bent & good)
    if last.size:
        hessian = _hessians(landscape, theta[last])
        usable = np.isfinite(hessian).all(axis=(-2, -1))
        good[last[~usable]] = False
        values[last[usable]], vectors[last[usable]] = np.linalg.eigh(hessian[usable])
        bound = np.maximum(_FLAT * np.abs(values[last]).max(axis=-1), 10 * tolerance)
        good[last] &= values[last, 0] >= -bound
    return _Settled(good, theta[good], loss[good], residual[good], values[good], vectors[good])


def _linear_flow(found: _Settled, theta: Array) -> tuple[Array, Array]:
    """Rates l and coordinates Q^T (theta - theta*) of the linear flow into the minimum; zero modes fade with the slowest others."""
    moving = found.values > _FLAT * np.abs(found.values).max(axis=-1, keepdims=True)
    slowest = np.where(moving, found.values, np.inf).min(axis=-1, keepdims=True)
    rates = np.where(moving, found.values, np.where(np.isfinite(slowest), slowest, 1.0))
    return rates, ((theta - found.theta)[:, None, :] @ found.vectors)[:, 0]


def _when_below(rates: Array, gradients: Array, vectors: Array, tolerance: float) -> Array:
    """The time at which max |Q exp(-l t) gradients| of the linear flow falls below the tolerance, to ten digits.

    It lies before the one at which exp(-min l t) |gradients| does, because Q is orthogonal; bisection from there.
    """
    with np.errstate(under="ignore", divide="ignore"):
        length = np.linalg.norm(gradients, axis=-1)
        high = np.maximum(np.log(length / tolerance) / rates.min(axis=-1), 0.0)
        low = np.zeros(len(rates))
        for _ in range(36):
            middle = 0.5 * (low + high)
            moved = _apply(vectors, np.exp(-rates * middle[:, None]) * gradients)
            late = np.abs(moved).max(axis=-1) > tolerance
            low, high = np.where(late, middle, low), np.where(late, high, middle)
    return high


def _spectra(matrices: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of each matrix; NaN where it holds numbers that are not finite."""
    usable = np.isfinite(matrices).all(axis=(-2, -1))
    if usable.all():
        values, vectors = np.linalg.eigh(matrices)
        return values, vectors
    values, vectors = np.full(matrices.shape[:-1], np.nan), np.full(matrices.shape, np.nan)
    values[usable], vectors[usable] = np.linalg.eigh(matrices[usable])
    return values, vectors


def _since_below(rates: Array, gradients: Array, vectors: Array, tolerance: float) -> Array:
    """For how long max |Q exp(-l t) gradients| of the linear flow has been below the tolerance at t = 0, where it is.

    Backwards every mode grows: those below a hundredth of the largest now are what the integration leaves of faded ones, and left out.
    """
    known = np.abs(gradients) >= 1e-2 * np.abs(gradients).max(axis=-1, keepdims=True)
    slowest = np.where(known, rates, np.inf).min(axis=-1)
    with np.errstate(under="ignore", divide="ignore", over="ignore", invalid="ignore"):
        length = np.linalg.norm(np.where(known, gradients, 0.0), axis=-1)
        # |gradient| grows at least as fast as its slowest mode, and is at most sqrt(p) times its largest entry
        back = np.log(math.sqrt(rates.shape[-1]) * tolerance / length) / slowest
        back = np.where(np.isfinite(back), np.maximum(back, 0.0), 0.0)
        then = np.where(known, gradients * np.exp(np.where(known, rates * back[:, None], 0.0)), 0.0)
    usable = np.isfinite(then).all(axis=-1)
    since = np.zeros(len(rates))
    since[usable] = back[usable] - _when_below(rates[usable], then[usable], vectors[usable], tolerance)
    return np.maximum(since, 0.0)


class _Integration:
    """One call of ``gradient_flow``: the landscape, the method, the results so far."""

    def __init__(
        self,
        landscape: Any,
        theta: Array,
        method: Rosenbrock | ExponentialCollocation,
        t_max: float,
        rtol: float,
        atol: float,
        tolerance: float,
        limit: float,
        max_steps: int,
        dense: bool,
        endpoint_only: bool,
        events: tuple[tuple[Event, bool], ...],
    ) -> None:
        self.landscape, self.method = landscape, method
        self.t_max, self.rtol, self.atol, self.tolerance = t_max, rtol, atol, tolerance
        self.limit, self.max_steps, self.dense, self.endpoint_only = limit, max_steps, dense, endpoint_only
        self.events = events
        self.collocator: Collocator | None = None
        if isinstance(method, Rosenbrock):
            self.reach = method.unstable_reach(max(10 * rtol, 1e-9))
        else:
            self.reach = _GROWTH
            self.collocator = Collocator(
                method,
                self._gradients,
                lambda theta: _spectra(_hessians(landscape, theta)),
                dense or bool(events),
                self.reach,
            )
        # in units of the allowed error: only where the end alone is asked for may the rest of the path be longer
        self.newton_reach = 10.0 if endpoint_only else 1.0
        count = len(theta)
        self.count = count
        loss, gradient = value_and_gradient(landscape, theta)
        constant = float(getattr(landscape, "constant", 0.0))
        self.noise = _ROUNDING * np.maximum(np.abs(loss), constant)
        self.theta, self.loss, self.first_loss = theta.copy(), loss.copy(), loss
        self.residual = np.abs(gradient).max(axis=-1)
        self.time = np.zeros(count)
        self.steps, self.rejected = np.zeros(count, dtype=int), np.zeros(count, dtype=int)
        self.reason = np.full(count, "", dtype="<U11")
        self.sentence = np.full(count, "", dtype=object)
        self.index = np.full(count, -1)
        self.tails: dict[int, tuple[float, Array, Array, Array]] = {}
        self.zeros: list[list[tuple[int, float, Array]]] = [[] for _ in events]
        size, speed = (_norm(vector, atol + rtol * np.abs(theta)) for vector in (theta, gradient))
        with np.errstate(divide="ignore", invalid="ignore"):
            h = np.where(speed > 0, 0.05 * np.maximum(size, 1.0) / speed, t_max)
        h = np.minimum(np.where(np.isfinite(h), h, 1.0), t_max)
        p = theta.shape[-1]
        no = np.zeros(count, dtype=bool)
        zero = np.zeros(count, dtype=int)
        self.active = _Active(
            np.arange(count),
            np.zeros(count),
            h,
            theta.copy(),
            loss,
            gradient,
            zero,
            zero,
            zero,
            no,
            zero - 1,
            zero.copy(),
            np.zeros((count, 2)),
            no.copy(),
            np.zeros((count, p, p)),
            Frames.none(count, p, method)
            if isinstance(method, ExponentialCollocation)
            else Frames.none(count, 0, COLLOCATION),
        )
        self.past: Any = None

    # ends -------------------------------------------------------------------------------------------------------------

    def _end(self, active: _Active, rows: Array, reason: str, sentence: Callable[[int], str]) -> None:
        """Write the results of these rows; the caller drops them from the active students."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        if not rows.size:
            return
        seed = active.seed[rows]
        self.theta[seed], self.loss[seed], self.time[seed] = active.theta[rows], active.loss[rows], active.t[rows]
        self.residual[seed] = np.abs(active.gradient[rows]).max(axis=-1)
        self.steps[seed], self.rejected[seed] = active.steps[rows], active.rejected[rows]
        self.reason[seed] = reason
        for place, row in zip(seed, rows):
            self.sentence[place] = sentence(row)

    def _sort_out(self, active: _Active) -> _Active:
        """End the students that are done, and give back the others."""
        finite = np.isfinite(active.loss) & np.isfinite(active.gradient).all(axis=-1)
        largest = np.abs(active.theta).max(axis=-1)
        residual = np.abs(active.gradient).max(axis=-1)
        converged = finite & (residual <= self.tolerance)
        if converged.any():
            rows = np.flatnonzero(converged)
            converged[rows] = _stands_still(active.t[rows], active.gradient[rows], active.theta[rows])
            rows = np.flatnonzero(converged)
            stale = rows[~active.fresh[rows]]
            if stale.size:
                active.hessian[stale] = _hessians(self.landscape, active.theta[stale])
                active.fresh[stale] = True
            self._converge(active, rows)
            usable = rows[np.isfinite(active.hessian[rows]).all(axis=(-2, -1))]
            if usable.size:
                self.index[active.seed[usable]] = self._negative(np.linalg.eigvalsh(active.hessian[usable]))
                self._last_digits(active, usable)
            self._name(active.seed[rows])
        event = finite & ~converged & (active.stop <= -2)
        time = finite & ~converged & ~event & (active.t >= self.t_max)
        left = finite & ~converged & ~event & ~time
        diverging = left & (largest > self.limit)
        left &= ~diverging
        budget = left & (active.steps + active.rejected >= self.max_steps)
        left &= ~budget
        stuck = left & (
            (active.failures > 12) & (active.t + active.h <= active.t * (1 + 1e-15)) | (active.failures > 60)
        )
        look = left & ((active.steps + active.rejected) % _WINDOW == 0)
        if look.any():
            still = active.t - active.mark[:, 0] < _STILL * active.t
            stuck |= look & still & (active.rejected - active.mark[:, 1] > _JUMPY)
            active.mark[look] = np.stack([active.t, active.rejected], axis=-1)[look]
        done = ~finite | converged | event | time | diverging | budget | stuck
        if not done.any():
            return active
        so_far = [f"t = {number(t)}, max |grad L| = {number(g, 3)}" for t, g in zip(active.t, residual)]
        self._end(active, ~finite, "refused", lambda i: f"the loss has no gradient at this student: {_NO_DERIVATIVE}")
        self._end(active, event, "event", lambda i: f"event {-2 - active.stop[i]} at {so_far[i]}")
        self._end(active, time, "time", lambda i: f"t_max was reached at {so_far[i]}; raise t_max to follow on")
        self._end(
            active,
            diverging,
            "diverging",
            lambda i: f"a parameter grew beyond {number(self.limit)} while the loss still falls, at {so_far[i]}",
        )
        self._end(
            active,
            budget,
            "budget",
            lambda i: f"{self.max_steps} steps were taken up to {so_far[i]}; raise max_steps to follow on",
        )
        self._end(
            active,
            stuck,
            "refused",
            lambda i: (
                f"the flow cannot be followed further than {so_far[i]}: every step is rejected or tiny, because the loss is not "
                "smooth here (a neuron of a function with a kink that shrinks to w = 0) or its derivatives are not its own"
            ),
        )
        return active.take(~done) if done.any() else active

    def _negative(self, spectrum: Array) -> Array:
        return np.sum(spectrum < -INDEX_TOLERANCE * np.abs(spectrum).max(axis=-1, keepdims=True), axis=-1)

    def _converge(self, active: _Active, rows: Array) -> None:
        self._end(active, rows, "converged", lambda i: "")

    def _last_digits(self, active: _Active, rows: Array) -> None:
        """Newton's iteration where the flow itself came below the tolerance, if it leads to a minimum."""
        noise = self.noise[active.seed[rows]]
        size = np.abs(active.theta[rows])
        scale = np.maximum(self.newton_reach * (self.atol + self.rtol * size), 1e-5 * (1.0 + size))
        found = _settle(self.landscape, active, rows, scale, noise, self.tolerance)
        rows = rows[found.settled]
        if not rows.size:
            return
        rates, local = _linear_flow(found, active.theta[rows])
        self._keep_tails(active, rows, found, rates, local)
        seed = active.seed[rows]
        self.theta[seed], self.loss[seed], self.residual[seed] = found.theta, found.loss, found.residual
        since = _since_below(rates, rates * local, found.vectors, self.tolerance)
        self.time[seed] = np.maximum(active.t[rows] - since, 0.0)

    def _keep_tails(self, active: _Active, rows: Array, found: _Settled, rates: Array, local: Array) -> None:
        if self.dense:
            for i, row in enumerate(rows):
                modes = local[i][:, None] * found.vectors[i].T
                self.tails[int(active.seed[row])] = (float(active.t[row]), found.theta[i], rates[i], modes)

    def _name(self, seeds: Array) -> None:
        for seed in seeds:
            index = self.index[seed]
            what = "a critical point whose Hessian does not exist" if index < 0 else "no negative eigenvalue"
            if index > 0:
                what = f"a saddle with {index} negative eigenvalue{'s' if index > 1 else ''}, from its stable manifold"
            where = what if index != 0 else "a point whose Hessian has no negative eigenvalue"
            self.sentence[seed] = (
                f"max |grad L| fell below {self.tolerance:.0e} at t = {number(self.time[seed])}: {where}".replace(
                    "e-0", "e-"
                )
            )

    def _settle_some(self, active: _Active, left: Array) -> Array:
        """End students near their minimum by Newton's iteration; whether each one ended. left : about what is left of the path."""
        scale = self.atol + self.rtol * np.abs(active.theta)
        done = np.zeros(len(active.seed), dtype=bool)
        near = ~active.saddle & (active.retry <= active.steps) & (_norm(left, scale) <= self.newton_reach)
        rows = np.flatnonzero(near)
        rows = rows[self._with_hessian(active, rows)]
        if not rows.size:
            return done
        hessian = active.hessian[rows]
        diagonal = hessian.diagonal(0, -2, -1)
        above_zero = diagonal + _FLAT * np.abs(diagonal).max(axis=-1, keepdims=True)
        left = _solve(_set_diagonal(hessian, above_zero), active.gradient[rows])
        downhill = np.sum(left * active.gradient[rows], axis=-1) > 0
        close = downhill & (_norm(left, scale[rows]) <= 1.02 * self.newton_reach)
        rows, left = rows[close], left[close]
        if not rows.size:
            return done
        # Newton's step itself, before the eigenvectors are made that say whether it may end the flow: it has to contract
        there = np.abs(self.landscape.gradient(active.theta[rows] - left)).max(axis=-1)
        near = there <= np.maximum(0.5 * np.abs(active.gradient[rows]).max(axis=-1), self.tolerance)
        active.retry[rows[~near]] = active.steps[rows[~near]] + _PATIENCE // 2
        rows = rows[near]
        if not rows.size:
            return done
        noise = self.noise[active.seed[rows]]
        found = _settle(self.landscape, active, rows, self.newton_reach * scale[rows], noise, self.tolerance)
        active.retry[rows[~found.settled]] = active.steps[rows[~found.settled]] + _PATIENCE
        rows = rows[found.settled]
        if not rows.size:
            return done
        rates, local = _linear_flow(found, active.theta[rows])
        when = active.t[rows] + _when_below(rates, rates * local, found.vectors, self.tolerance)
        late = np.zeros(len(rows), dtype=bool)
        if not self.endpoint_only:
            late = when > self.t_max
        ended = active.take(rows)
        ended.theta, ended.loss = found.theta.copy(), found.loss.copy()
        ended.t = np.where(late, self.t_max, when)
        if late.any():
            share = np.exp(-rates[late] * (self.t_max - active.t[rows[late]])[:, None]) * local[late]
            ended.theta[late] = found.theta[late] + _apply(found.vectors[late], share)
            ended.loss[late], ended.gradient[late] = value_and_gradient(self.landscape, ended.theta[late])
        residual = np.abs(ended.gradient).max(axis=-1)
        self._end(
            ended,
            late,
            "time",
            lambda i: (
                f"t = {number(self.t_max)} was reached with max |grad L| = {number(residual[i], 3)}, on the way into a minimum; "
                "raise t_max to follow on"
            ),
        )
        on_time = np.flatnonzero(~late)
        self._converge(ended, on_time)
        seeds = ended.seed[on_time]
        self.residual[seeds] = found.residual[on_time]
        self.index[seeds] = self._negative(found.values[on_time])
        self._name(seeds)
        self._keep_tails(active, rows, found, rates, local)
        done[rows] = True
        return done

    # one step ---------------------------------------------------------------------------------------------------------

    def _gradients(self, theta: Array) -> Array:
        """grad L of theta (..., p), in blocks that fit the cache."""
        flat = theta.reshape(-1, theta.shape[-1])
        gradient = np.empty_like(flat)
        for first in range(0, len(flat), _BLOCK):
            gradient[first : first + _BLOCK] = self.landscape.gradient(flat[first : first + _BLOCK])
        return gradient.reshape(theta.shape)

    def _with_hessian(self, active: _Active, rows: Array) -> Array:
        """See that these rows have the Hessian of their student; where it exists."""
        stale = rows[~active.fresh[rows]]
        every = len(rows) == len(active.seed)
        if every and len(stale) == len(rows):
            active.hessian = _hessians(self.landscape, active.theta)
            active.fresh[:] = True
        elif stale.size:
            active.hessian[stale] = _hessians(self.landscape, active.theta[stale])
            active.fresh[stale] = True
        # a sum is finite only where all its terms are, and infinities of both signs make NaN
        return np.isfinite((active.hessian if every else active.hessian[rows]).sum(axis=(-2, -1)))

    def _refuse(self, active: _Active, usable: Array) -> _Active:
        """End the students without a Hessian; the others."""
        self._end(
            active,
            ~usable,
            "refused",
            lambda i: f"the loss has no Hessian at the student of t = {number(active.t[i])}: {_NO_DERIVATIVE}",
        )
        return active.take(usable)

    def _rosenbrock(self, method: Rosenbrock) -> _Attempt | None:
        """A step of every active student by a Rosenbrock method; None if students ended instead."""
        active = self.active
        usable = self._with_hessian(active, np.arange(len(active.seed)))
        if not usable.all():
            self.active = self._refuse(active, usable)
            return None
        h = np.minimum(active.h, self.t_max - active.t)
        work = active.hessian.copy()
        h, active.saddle = _bounded_by_saddles(active.hessian, work, h, active.saddle, self.reach)
        diagonal = active.hessian.diagonal(0, -2, -1) + (1.0 / (method.gamma * h))[:, None]
        inverse = _inverse(_set_diagonal(work, diagonal))
        first_stage = -_apply(inverse, active.gradient)
        done = self._settle_some(active, first_stage)
        if done.any():
            active, h = active.take(~done), h[~done]
            inverse, first_stage = inverse[~done], first_stage[~done]
            if not active.seed.size:
                self.active = active
                return None
        count, p = active.theta.shape
        stages = np.empty((method.stages, count, p))
        stages[0] = first_stage
        step_inverse = (1.0 / h)[:, None]
        place = active.theta
        for i in range(1, method.stages):
            weights = method.A[i, :i, None, None]
            place = active.theta + (weights * stages[:i]).sum(axis=0)
            known = (method.C[i, :i, None, None] * stages[:i]).sum(axis=0)
            known *= step_inverse
            known -= self.landscape.gradient(place)
            stages[i] = _apply(inverse, known)
        new = place + stages[-1]
        pieces = None
        if self.dense or self.events:
            between = np.stack([(k[:, None, None] * stages).sum(axis=0) for k in method.D], axis=1)
            pieces = RosenbrockPieces(active.theta, new, between)
        scale = self.atol + self.rtol * np.maximum(np.abs(active.theta), np.abs(new))
        no = np.zeros(count, dtype=bool)
        return _Attempt(active, h, new, _norm(stages[-1], scale), no, np.full(count, _GROW), pieces, None)

    def _collocation(self, collocator: Collocator) -> _Attempt | None:
        """A step of every active student by exponential collocation; None if students ended instead."""
        active = self.active
        frames = active.frames
        missing = np.flatnonzero(frames.number < 0)
        if missing.size:
            usable = np.ones(len(active.seed), dtype=bool)
            usable[missing] = collocator.renew(frames, missing, active.theta[missing])
            if not usable.all():
                self.active = self._refuse(active, usable)
                return None
        lowest, top = frames.values[:, :1], np.abs(frames.values).max(axis=-1, keepdims=True)
        h = np.minimum(active.h, self.t_max - active.t)
        h = np.minimum(h, self.reach / np.maximum(-lowest[:, 0], 0.0))
        active.saddle = -lowest[:, 0] * h > 0.3 * self.reach
        moving = np.abs(frames.values) > _FLAT * top
        local = (active.gradient[:, None, :] @ frames.modes)[:, 0]
        left = _apply(frames.modes, np.where(moving, local, 0.0) / np.where(moving, frames.values, 1.0))
        done = self._settle_some(active, left)
        if done.any():
            active, h = active.take(~done), h[~done]
            if not active.seed.size:
                self.active = active
                return None
        frames = active.frames
        scale = self.atol + self.rtol * np.abs(active.theta)
        step = collocator.step(frames, active.theta, active.gradient, h, scale)
        pieces = None
        if self.dense or self.events:
            rates = h[:, None] * frames.values
            here = np.arange(len(h))
            pieces = ExponentialPieces(collocator.method, active.theta, rates, step.polynomial, frames.modes, here)
        with np.errstate(divide="ignore"):
            most = np.where(step.renewed, np.sqrt(_RELUCTANT / step.contraction), _COLLOCATION_GROWS)
        most = np.where(step.failed, _RETREAT, np.clip(most, _CAREFUL, _COLLOCATION_GROWS))
        return _Attempt(active, h, step.new, step.error, step.failed, most, pieces, step)

    def advance(self) -> None:
        """One step of every active student, each accepted or rejected by itself."""
        method = self.method
        attempt = (
            self._rosenbrock(method)
            if isinstance(method, Rosenbrock)
            else self._collocation(cast(Collocator, self.collocator))
        )
        if attempt is None:
            return
        active, h, new, error, pieces = attempt.active, attempt.h, attempt.new, attempt.error, attempt.pieces
        loss, gradient = value_and_gradient(self.landscape, new)
        sound = np.isfinite(error) & np.isfinite(loss) & np.isfinite(gradient).all(axis=-1)
        falls = loss <= active.loss + self.noise[active.seed] + 1e-15 * np.sum(new * new, axis=-1)
        accepted = sound & falls & (error <= 1.0)
        factor = 0.9 * np.maximum(np.where(sound, error, 1e10), 1e-12) ** (-1.0 / method.order)
        factor = np.clip(factor, _SHRINK, attempt.most)
        factor = np.where(accepted & (active.failures > 0), np.minimum(factor, 1.0), factor)
        factor = np.where(accepted, factor, np.where(sound & falls, np.minimum(factor, 0.9), np.minimum(factor, 0.5)))
        factor = np.where(attempt.failed, attempt.most, factor)
        stop = np.where(h == active.h, active.stop, -1)  # a step that was cut does not reach the event
        target = np.full(len(h), np.nan)
        if pieces is not None and self.events and accepted.any():
            target, found = self._look_for_events(active, h, new, pieces, accepted, stop)
            stop = np.where(accepted & (stop >= 0), -2 - stop, found)
        again = ~np.isnan(target)  # the same step once more, ending at the event
        accepted &= ~again
        column = accepted[:, None]
        if attempt.step is not None:
            active.frames.remember(accepted, attempt.step, h)
        following = replace(
            active,
            t=np.where(accepted, np.where(h >= self.t_max - active.t, self.t_max, active.t + h), active.t),
            h=np.where(again, target - active.t, h * factor),
            theta=np.where(column, new, active.theta),
            loss=np.where(accepted, loss, active.loss),
            gradient=np.where(column, gradient, active.gradient),
            steps=active.steps + accepted,
            rejected=active.rejected + (~accepted & ~again),
            failures=np.where(accepted, 0, active.failures + ~again),
            stop=stop,
            fresh=active.fresh & ~accepted,
        )
        if not self.endpoint_only and accepted.any():
            rows = np.flatnonzero(accepted)
            kept = None
            if pieces is not None and self.dense:
                kept = pieces.take(rows)
                if isinstance(kept, ExponentialPieces):
                    kept = replace(kept, modes=np.empty((0, 0, 0)), basis=active.frames.number[rows])
            following.past = ((active.seed[rows], active.t[rows], h[rows], new[rows], kept, loss[rows]), active.past)
        self.active = following

    def _look_for_events(
        self, active: _Active, h: Array, new: Array, pieces: Pieces, accepted: Array, stop: Array
    ) -> tuple[Array, Array]:
        """Note the zeros of the events in these steps; times and numbers of the terminal ones, NaN and -1 for none.

        A step with a terminal event is repeated with its end at the event, and only then noted.
        """
        first, which = np.full(len(active.seed), np.nan), np.full(len(active.seed), -1)
        crossings: list[tuple[int, Array, Array, Array]] = []
        for i, (event, terminal) in enumerate(self.events):
            before, after = np.asarray(event(active.theta)), np.asarray(event(new))
            crossed = accepted & (before != 0) & (np.sign(before) * np.sign(after) <= 0)
            if terminal:
                ending = np.flatnonzero(accepted & (stop == i))
                crossings.append((i, ending, active.t[ending] + h[ending], new[ending]))
                crossed &= stop < 0
            rows = np.flatnonzero(crossed)
            if not rows.size:
                continue
            sign, parts = np.sign(before[rows]), pieces.take(rows)
            low, high = np.zeros(rows.size), np.ones(rows.size)
            for _ in range(53):
                middle = 0.5 * (low + high)
                same = np.sign(event(parts.at(middle))) == sign
                low, high = np.where(same, middle, low), np.where(same, high, middle)
            when = np.maximum(active.t[rows] + high * h[rows], np.nextafter(active.t[rows], np.inf))
            if terminal:
                sooner = ~(when >= first[rows])
                first[rows[sooner]], which[rows[sooner]] = when[sooner], i
            else:
                crossings.append((i, rows, when, parts.at(high)))
        for i, rows, when, theta in crossings:
            for row, time, place in zip(rows, when, theta):
                if np.isnan(first[row]):
                    self.zeros[i].append((int(active.seed[row]), float(time), place))
        return first, which

    def sort_out(self) -> None:
        active = self._sort_out(self.active)
        if not active.seed.size or active is not self.active:
            self.past = active.past
        self.active = active

    def run(self, progress: Callable[[float], None]) -> None:
        try:
            self.sort_out()
            while self.active.seed.size:
                progress(self._share())
                self.advance()
                if self.active.seed.size:
                    self.sort_out()
        except (KeyboardInterrupt, Interrupted):
            active = self.active
            self._end(
                active,
                np.ones(len(active.seed), dtype=bool),
                "interrupted",
                lambda i: f"stopped from outside at t = {number(active.t[i])}",
            )

    def _share(self) -> float:
        ended = self.count - len(self.active.seed)
        on_the_way = (
            np.log1p(self.active.t) / math.log1p(self.t_max) if math.isfinite(self.t_max) else 0.0 * self.active.t
        )
        return float((ended + on_the_way.sum()) / self.count)

    def path(self) -> _Path | None:
        if self.endpoint_only:
            return None
        records, past = [], self.active.past
        while past is not None:
            record, past = past
            records.append(record)
        records.reverse()
        count, p = self.count, self.theta.shape[-1]
        if not records:
            none = np.empty(0)
            records.append((none.astype(int), none, none, np.empty((0, p)), None, none))
        seed = np.concatenate([record[0] for record in records])
        order = np.argsort(seed, kind="stable")

        def column(i: int) -> Array:
            return np.concatenate([record[i] for record in records])[order]

        offsets = np.concatenate([[0], np.cumsum(np.bincount(seed, minlength=count))])
        pieces = None
        if self.dense and seed.size:
            modes = self.collocator.all_modes if self.collocator else None
            parts = [record[4] for record in records]
            pieces = type(parts[0]).joined(parts, modes).take(order)
        return _Path(offsets, column(1), column(2), column(3), pieces, column(5), self.dense, self.tails)


def gradient_flow(
    landscape: Any,
    students: Any,
    t_max: float = 1e6,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    dense: bool = True,
    times: ArrayLike | None = None,
    events: Event | Iterable[Event] = (),
    endpoint_only: bool = False,
    max_steps: int = 10_000,
    tolerance: float = 1e-10,
    limit: float = 1e4,
    method: Rosenbrock | ExponentialCollocation | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Flow:
    """Follow theta' = -grad L from each student until it converges or t_max is reached.

    landscape : has value, gradient and hessian on theta (..., p). students : a Network, a sequence of them, or theta (..., p).
    rtol, atol : the error allowed in a step, root mean square over the parameters of error / (atol + rtol |theta|); 1e-7 and 1e-9 along
    a path. dense : keep what ``Flow.at`` needs. times : record at these times instead of at the steps.
    events : functions theta (..., p) -> (...) whose sign changes are located; one with ``terminal = True`` as attribute ends the flow.
    endpoint_only : keep no path; once the rest of the path is straight down to a minimum the limit t -> infinity is taken, even beyond
    t_max. rtol is 2e-2 then and atol 2e-3 (1e-6 and 1e-8 for functions with kinks, which larger steps would jump over).
    tolerance : a student has converged when max |grad L| is below it and the flow stands still, t |grad L| <= 0.01 (1 + |theta|): in a
    valley to infinity the gradient becomes as small as one likes, and the parameters move on by the same share in each decade.
    limit : a student whose parameters grow beyond it diverges. max_steps : the budget of each student, rejected steps included.
    method : COLLOCATION for paths; RODAS4 for end points; RODAS5P for both where the function has kinks. COLLOCATION keeps the
    eigenvectors of every Hessian for ``Flow.at``, p^2 numbers for each step at most; RODAS5P keeps 5 p for each of its six
    times as many steps. progress : called before each step with the share done; if it
    raises ``Interrupted``, or the keyboard interrupts, the flow comes back with what is done.

    Where the landscape is not differentiable, or its derivatives are no numbers, a student ends with the reason "refused" and
    a sentence; the others go on. Raises ValueError for arguments that make no sense.
    """
    theta, single = batch_of_students(students)
    if isinstance(students, Network) and hasattr(landscape, "value"):
        landscape.value(students)  # refuses another input dimension in its own words
    bent = bool(getattr(getattr(landscape, "activation", None), "kinks", ()))
    rough = endpoint_only and not bent
    usual = (2e-2, 2e-3) if rough else (1e-6, 1e-8) if endpoint_only else (1e-7, 1e-9)
    t_max, rtol, atol = (
        _positive(name, value)
        for name, value in (
            ("t_max", t_max),
            ("rtol", usual[0] if rtol is None else rtol),
            ("atol", usual[1] if atol is None else atol),
        )
    )
    tolerance, limit = _positive("tolerance", tolerance), _positive("limit", limit)
    if times is not None and (endpoint_only or not dense):
        raise ValueError("times asks for the path; leave out endpoint_only and dense=False, or times")
    if events is not None and callable(events):
        events = (events,)
    watched = tuple((event, bool(getattr(event, "terminal", False))) for event in events)
    lead, p = theta.shape[:-1], theta.shape[-1]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        run = _Integration(
            landscape,
            theta.reshape(-1, p),
            method or (RODAS4 if rough else RODAS5P if bent else COLLOCATION),
            t_max,
            rtol,
            atol,
            tolerance,
            limit,
            max_steps,
            dense and not endpoint_only,
            endpoint_only,
            watched,
        )
        run.run(progress)
    numbers: dict[str, Any] = {
        "reason": run.reason,
        "sentence": run.sentence,
        "loss": run.loss,
        "residual": run.residual,
        "index": run.index,
        "time": run.time,
        "steps": run.steps,
        "rejected": run.rejected,
        "_first_loss": run.first_loss,
    }
    flow = Flow(
        landscape,
        run.theta.reshape(theta.shape),
        theta,
        **{name: part.reshape(lead)[()] for name, part in numbers.items()},
        events=tuple(tuple(zeros) for zeros in run.zeros),
        endpoint_only=endpoint_only,
        t_max=t_max,
        _path=run.path(),
        _single=single,
    )
    if times is None:
        return flow
    grid = np.asarray(times, dtype=float)
    reached = np.min(np.where(flow.reason == "converged", t_max, flow.time))
    return replace(flow, _times=grid[grid <= reached])


def _positive(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not value > 0:
        raise ValueError(f"{name} must be a number > 0; {name} = {value!r} was given")
    return float(value)


def batch_of_students(students: Any) -> tuple[Array, bool]:
    """theta (..., p) of what was given, and whether it is one student."""
    if isinstance(students, Network):
        return students.theta, True
    if isinstance(students, Sequence) and students and all(isinstance(student, Network) for student in students):
        return np.stack([student.theta for student in students]), False
    theta = np.array(students, dtype=float)
    if theta.ndim == 0 or theta.size == 0:
        raise ValueError(
            f"students must be a Network, several of them, or theta of shape (..., p) with at least one student; "
            f"an array of shape {theta.shape} was given"
        )
    if theta.ndim == 1 and not np.isfinite(theta).all():
        raise ValueError(f"theta must hold finite numbers; it holds {theta[~np.isfinite(theta)][0]}")
    return theta, theta.ndim == 1
