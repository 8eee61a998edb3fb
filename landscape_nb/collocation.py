r"""Exponential collocation: one step of y' = -g(y) with a symmetric matrix H that stands for the derivative of g.

With H = Q diag(l) Q^T and y = y_0 + Q v the equation is v' = -l v - f(t), f = Q^T g(y) - l v, where f varies little if H is close to
the derivative of g along the step: constant, where g is linear. f is replaced by the polynomial of degree s through its values at the
nodes c_0 = 0 < c_1 < ... < c_s = 1 of the step, f = sum_m a_m x^m, x = (t - t_0)/h, and what is left is integrated exactly:

    v(x) = -h sum_m a_m M_m(h l, x),     M_m(z, x) = integral_0^x exp(-z (x - u)) u^m du = m! x^(m+1) phi_(m+1)(-z x)
    phi_1(z) = (exp(z) - 1)/z,  phi_(k+1)(z) = (phi_k(z) - 1/k!)/z

The values at the nodes are the fixed point of v -> f -> a -> v, an iteration that contracts with h |derivative of g - H| and needs
gradients alone. Q and l serve as long as it contracts; no equation is ever solved. Decay and growth along the eigenvectors of H are
exact, however stiff: such a step is neither damped at a minimum nor drawn into a saddle. The same formula gives the path between.

Lobatto nodes (zeros of x (1 - x) P_s'(2 x - 1)) make the end of the step exact to order 2 s where H = 0, the path between to order s + 1.
The error estimate compares with the polynomial of degree s - 1 that leaves the node in the middle out.

Source: exponential collocation of Hochbruck and Ostermann 2005 (Exponential Runge-Kutta methods for parabolic problems), here in
the eigenvectors of an exact Hessian and with Lobatto nodes; the error estimate derived. Tests compare with quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

Array = np.ndarray

#: The iteration has settled when what is left of it is less than this share of the allowed error.
_SETTLED = 0.01
#: New modes are made where the iteration contracts slower than the first number, or would need more passes than the second; steps
#: whose new modes need more than the third, or widen their first change by the fourth, are given up.
_SLOW, _IMPATIENT, _PATIENT, _HOPELESS = 0.6, 4, 10, 2.0
#: Passes through all nodes, at most.
_PASSES = 16
#: New modes are made at once where a step is expected to contract slower than this.
_EXPECTED = 0.1
#: In the next step of the same size, old modes contract so much slower: those made for the last step, and those older than it.
_AGEING, _AGED = 4.0, 2.0
#: How many times longer than the last one a step may be to start from its forces.
_FORESIGHT = 3.0
#: Nodes of the last step whose forces are remembered for that, at most.
_REMEMBERED = 5
# Below this |z| phi_k comes from its Taylor series, beyond it from the recurrence upwards, which then keeps its digits.
_SMALL = 1.5
_TERMS = 17


def phi_functions(z: Array, count: int) -> Array:
    """phi_1(-z), ..., phi_count(-z) of every number of z, shape (count, ...); count <= 9."""
    z = np.asarray(z, dtype=float)
    phi = np.empty((count, *z.shape))
    small = np.abs(z) < _SMALL
    inner = np.where(small, z, 0.0)
    last = phi[-1]
    last.fill(1.0)
    for n in range(_TERMS, 0, -1):
        last *= inner
        last *= -1.0 / (count + n)
        last += 1.0
    last *= 1.0 / math.factorial(count)
    for k in range(count - 1, 0, -1):
        np.multiply(inner, phi[k], out=phi[k - 1])
        np.subtract(1.0 / math.factorial(k), phi[k - 1], out=phi[k - 1])
    large = ~small
    if large.any():
        outer = z[large]
        current = -np.expm1(-outer) / outer
        for k in range(count):
            phi[k][large] = current
            current = (1.0 / math.factorial(k + 1) - current) / outer
    return phi


def _apply(matrix: Array, vectors: Array) -> Array:
    """matrix (..., p, p) times each of the vectors (nodes, ..., p), for every student by itself."""
    result = np.empty_like(vectors)
    np.matmul(np.swapaxes(vectors, 0, 1), np.swapaxes(matrix, -1, -2), out=np.swapaxes(result, 0, 1))
    return result


@dataclass(frozen=True, eq=False)
class ExponentialCollocation:
    """The method with Lobatto nodes of degree s: s gradients in each pass of the iteration.

    nodes : c_0 = 0, ..., c_s = 1, shape (s + 1,).
    """

    degree: int
    name: str = field(init=False)
    nodes: Array = field(init=False, repr=False)
    _monomials: Array = field(init=False, repr=False)  # a = _monomials @ f
    _left_out: Array = field(
        init=False, repr=False
    )  # monomials of the product of x - c_j over all nodes but the middle one

    def __post_init__(self) -> None:
        s = self.degree
        if not 2 <= s <= 8:
            raise ValueError(f"the degree must be one of 2 to 8, so that monomials keep their digits; {s!r} was given")
        inner = np.polynomial.legendre.Legendre.basis(s).deriv().roots().real
        nodes = np.concatenate([[0.0], (np.sort(inner) + 1.0) / 2.0, [1.0]])
        rest = np.delete(nodes, s // 2)
        for name, value in (
            ("name", f"exponential collocation of degree {s}"),
            ("nodes", nodes),
            ("_monomials", np.linalg.inv(np.vander(nodes, increasing=True))),
            ("_left_out", np.polynomial.polynomial.polyfromroots(rest)),
        ):
            object.__setattr__(self, name, value)

    @property
    def remembered(self) -> int:
        """Number of nodes, the last ones, whose forces serve to expect those of the next step."""
        return min(_REMEMBERED, self.degree + 1)

    @property
    def order(self) -> int:
        """Order of the path between the nodes, and of the error estimate."""
        return self.degree + 1

    def moments(self, z: Array, places: Array | None = None) -> Array:
        """M_m(z, x) at the nodes x = c_1..c_s, shape (s + 1, s, ...), or at the given places x that broadcast with z."""
        z = np.asarray(z, dtype=float)
        x = self.nodes[1:].reshape(-1, *[1] * z.ndim) if places is None else places
        moments = phi_functions(z * x, self.degree + 1)
        power = x
        for m in range(self.degree + 1):
            moments[m] *= math.factorial(m) * power
            power = power * x
        return moments

    def polynomial(self, forces: Array) -> Array:
        """a_0..a_s of the polynomial through the forces f at all nodes; both have the shape (s + 1, ..., p)."""
        result = np.empty_like(forces)
        np.matmul(self._monomials, np.swapaxes(forces, 0, -2), out=np.swapaxes(result, 0, -2))
        return result

    @staticmethod
    def travelled(moments: Array, polynomial: Array, h: Array) -> Array:
        """v = -h sum_m a_m M_m, shape (s, ..., p)."""
        v = moments[0] * polynomial[0]
        for moment, a in zip(moments[1:], polynomial[1:]):
            v += moment * a
        v *= -h[..., None]
        return v

    def doubt(self, moments: Array, polynomial: Array, h: Array) -> Array:
        """How much v changes at c_1..c_s if the middle node is left out, shape (s, ..., p)."""
        return self.travelled(moments, self._left_out[:, None, None] * polynomial[-1], h)


#: The method of smooth paths.
COLLOCATION = ExponentialCollocation(6)


@dataclass(frozen=True, eq=False)
class ExponentialPieces:
    """The path in steps of exponential collocation: y_0 + Q v(x).

    first : y_0 (steps, p). rates : h l (steps, p). polynomial : h a (steps, s + 1, p). modes : Q (bases, p, p).
    basis : which of them belongs to a step, (steps,).
    """

    method: ExponentialCollocation
    first: Array
    rates: Array
    polynomial: Array
    modes: Array
    basis: Array

    def take(self, rows: Array) -> ExponentialPieces:
        """The pieces of these rows."""
        return replace(
            self,
            first=self.first[rows],
            rates=self.rates[rows],
            polynomial=self.polynomial[rows],
            basis=self.basis[rows],
        )

    def at(self, share: Array) -> Array:
        """y at the share x of each step, (steps, p)."""
        moments = self.method.moments(self.rates, share[:, None])
        v = moments[0] * self.polynomial[:, 0]
        for m in range(1, len(moments)):
            v += moments[m] * self.polynomial[:, m]
        return self.first - (self.modes[self.basis] @ v[..., None])[..., 0]

    @staticmethod
    def joined(parts: Sequence[ExponentialPieces], modes: Array) -> ExponentialPieces:
        """The pieces of many steps as one, on these modes."""
        return ExponentialPieces(
            parts[0].method,
            np.concatenate([part.first for part in parts]),
            np.concatenate([part.rates for part in parts]),
            np.concatenate([part.polynomial for part in parts]),
            modes,
            np.concatenate([part.basis for part in parts]),
        )


# one step of many students --------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Frames:
    """The eigenvectors in which each student steps, and what it remembers of its last step in them.

    values : l (students, p). modes : Q (students, p, p). number : of these modes among all that were made, -1 for none yet.
    memory : f at the last nodes of the last step, as seen from its end, (students, nodes, p). size : h of that step; NaN where nothing
    is remembered. contraction : the one expected of the next step of this size in these modes.
    """

    values: Array
    modes: Array
    number: Array
    memory: Array
    size: Array
    contraction: Array

    @classmethod
    def none(cls, count: int, p: int, method: ExponentialCollocation) -> Frames:
        """The frames of students that have none yet."""
        return cls(
            np.zeros((count, p)),
            np.zeros((count, p, p)),
            np.full(count, -1),
            np.zeros((count, method.remembered, p)),
            np.full(count, np.nan),
            np.zeros(count),
        )

    def __getitem__(self, rows: Array) -> Frames:
        return Frames(*(getattr(self, part.name)[rows] for part in fields(self)))

    def remember(self, rows: Array, step: Step, h: Array) -> None:
        """Keep of the steps of these rows what helps the next one."""
        self.memory[rows], self.size[rows] = step.memory[rows], h[rows]
        self.contraction[rows] = (np.where(step.renewed, _AGEING, _AGED) * step.contraction)[rows]


@dataclass(eq=False)
class Step:
    """A step of each student: y_new, its error in units of the allowed one, and how the iteration went.

    contraction : mean factor by which a pass shrank the change of the one before. failed : it did not settle; y_new is y then.
    renewed : new modes were made in this step. polynomial : h a (students, s + 1, p). memory : see ``Frames``.
    """

    new: Array
    error: Array
    contraction: Array
    failed: Array
    renewed: Array
    polynomial: Array
    memory: Array

    @classmethod
    def failing(cls, y: Array, method: ExponentialCollocation) -> Step:
        """Steps that have not settled yet."""
        count, p = y.shape
        yes, no = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
        polynomial, memory = np.zeros((count, method.degree + 1, p)), np.zeros((count, method.remembered, p))
        return cls(y.copy(), np.full(count, np.nan), np.ones(count), yes, no, polynomial, memory)


@dataclass(eq=False)
class _Iterating:
    """The students whose iteration goes on. first : change in the first of the passes (as many as ``passed``) in their modes."""

    rows: Array
    y: Array
    gradient: Array
    h: Array
    scale: Array
    values: Array
    modes: Array
    first: Array
    passed: Array
    renewed: Array
    forces: Array  # (s + 1, students, p)
    v: Array  # (s, students, p)
    place: Array
    moments: Array  # (s + 1, s, students, p)

    def take(self, rows: Array) -> _Iterating:
        """These of them."""
        of_nodes = {name: getattr(self, name)[:, rows] for name in ("forces", "v", "place")}
        others = {
            part.name: getattr(self, part.name)[rows]
            for part in fields(self)
            if part.name not in of_nodes and part.name != "moments"
        }
        return _Iterating(**others, **of_nodes, moments=self.moments[:, :, rows])


def _worst(vectors: Array, scale: Array) -> Array:
    """Root mean square of vector / scale at the worst node, shape (students,)."""
    ratio = vectors / scale
    ratio *= ratio
    return np.sqrt(np.mean(ratio, axis=-1).max(axis=0))


#: Room for so many sets of modes for each student at the beginning, and for at most so many numbers (128 MB).
_ROOM, _MOST_ROOM = 40, 2**24


class Collocator:
    """Steps of exponential collocation for many students, and all the eigenvectors that were made for them.

    gradients : g (..., p) -> (..., p). spectra : y (students, p) -> l (students, p), Q (students, p, p), NaN where there is no H.
    keep : whether the eigenvectors are kept for the path between. reach : the largest h |l| of a negative l.

    A student keeps its modes from step to step. Where the iteration contracts too slowly in them, or is expected to, new ones are made
    from the Hessian in the middle of the step, as far as it is known by then, and the iteration goes on in those.
    """

    def __init__(
        self,
        method: ExponentialCollocation,
        gradients: Callable[[Array], Array],
        spectra: Callable[[Array], tuple[Array, Array]],
        keep: bool,
        reach: float,
    ) -> None:
        self.method, self.gradients, self.spectra, self.keep, self.reach = method, gradients, spectra, keep, reach
        self.made = 0
        self.kept = np.empty((0, 0, 0))

    def renew(self, frames: Frames, rows: Array, y: Array) -> Array:
        """New modes for these rows from the Hessian at y; whether there is one."""
        values, modes = self.spectra(y)
        usable = np.isfinite(values).all(axis=-1)
        if not usable.all():
            rows, values, modes = rows[usable], values[usable], modes[usable]
        frames.values[rows], frames.modes[rows] = values, modes
        frames.number[rows] = self.made + np.arange(len(rows))
        frames.size[rows] = np.nan
        made = self.made + len(rows)
        if self.keep:
            if made > len(self.kept):  # empty memory costs nothing until it is written to
                count = min(_ROOM * len(rows), max(_MOST_ROOM // modes[0].size, 1)) if self.made == 0 else 0
                room = np.empty((max(2 * made, count), *modes.shape[1:]))
                room[: self.made] = self.kept[: self.made] if self.made else 0.0
                self.kept = room
            self.kept[self.made : made] = modes
        self.made = made
        return usable

    @property
    def all_modes(self) -> Array:
        """Every Q that was kept, in the order of their numbers."""
        return self.kept[: self.made] if self.keep else self.kept

    def step(self, frames: Frames, y: Array, gradient: Array, h: Array, scale: Array) -> Step:
        """One step of size h from y for each student; frames that contract too slowly are renewed on the way, in place."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return self._iterate(frames, y, gradient, h, scale)

    def _iterate(self, frames: Frames, y: Array, gradient: Array, h: Array, scale: Array) -> Step:
        result = Step.failing(y, self.method)
        work = self._start(frames, y, gradient, h, scale)
        slow = frames.contraction * h > _EXPECTED * frames.size
        self._renew_some(frames, work, np.flatnonzero(slow), np.zeros(0, dtype=int))
        for _ in range(_PASSES):
            polynomial, change = self._pass(work)
            rate = np.power(
                change / work.first, 1.0 / work.passed
            )  # mean of these modes; passes differ, as errors rotate
            left = np.where(rate < 1.0, change * rate / (1.0 - rate), change)
            settled = (change <= 1e-2 * _SETTLED) | (work.passed > 0) & (left <= _SETTLED)
            needed = np.log(_SETTLED / change) / np.log(rate)
            slow = (rate > _SLOW) | (needed > np.where(work.renewed, _PATIENT, _IMPATIENT))
            slow &= ~settled & (~work.renewed | (work.passed > 1) | (rate > _HOPELESS))
            lost = ~settled & (slow & work.renewed | ~np.isfinite(change))
            work.first = np.where(work.passed > 0, work.first, change)
            work.passed = work.passed + 1
            if settled.any():
                self._note(result, work, np.flatnonzero(settled), polynomial, rate)
            going = ~(settled | lost)
            if not going.any():
                break
            if not going.all():
                work, slow, rate = work.take(going), slow[going], rate[going]
            self._renew_some(frames, work, np.flatnonzero(slow), np.flatnonzero(slow & (rate >= _HOPELESS)))
        frames.number[result.failed] = -1
        return result

    def _start(self, frames: Frames, y: Array, gradient: Array, h: Array, scale: Array) -> _Iterating:
        """The first guess: forces as the last step makes them expected, else constant."""
        method, count = self.method, len(y)
        moments = method.moments(h[:, None] * frames.values)
        forces = self._expected(frames, _apply(np.swapaxes(frames.modes, -1, -2), gradient[None])[0], h)
        v = method.travelled(moments, method.polynomial(forces), h)
        place = y + _apply(frames.modes, v)
        none, zero, no = np.full(count, np.nan), np.zeros(count, dtype=int), np.zeros(count, dtype=bool)
        values, modes = frames.values.copy(), frames.modes.copy()
        return _Iterating(
            np.arange(count), y, gradient, h, scale, values, modes, none, zero, no, forces, v, place, moments
        )

    def _expected(self, frames: Frames, force: Array, h: Array) -> Array:
        """f at all nodes: constant, or the polynomial through the last ones of the step before, (s + 1, students, p)."""
        nodes = self.method.nodes
        forces = np.empty((len(nodes), *force.shape))
        forces[:] = force
        rows = np.flatnonzero(h < _FORESIGHT * frames.size)
        if rows.size:
            x = nodes[1:, None] * (h[rows] / frames.size[rows])
            before = nodes[-self.method.remembered :] - 1.0
            expected = np.zeros((len(nodes) - 1, rows.size, force.shape[-1]))
            for k, node in enumerate(before):
                weight = np.prod([(x - other) / (node - other) for other in np.delete(before, k)], axis=0)
                expected += weight[..., None] * frames.memory[rows, k]
            forces[1:, rows] = expected
        return forces

    def _pass(self, work: _Iterating) -> tuple[Array, Array]:
        """Gradients at all nodes, and the places they lead to; the polynomial of the forces, and the change over the allowed error."""
        method = self.method
        work.forces[1:] = _apply(np.swapaxes(work.modes, -1, -2), self.gradients(work.place))
        work.forces[1:] -= work.values * work.v
        polynomial = method.polynomial(work.forces)
        work.v = method.travelled(work.moments, polynomial, work.h)
        place = work.y + _apply(work.modes, work.v)
        change = _worst(place - work.place, work.scale)
        work.place = place
        return polynomial, change

    def _renew_some(self, frames: Frames, work: _Iterating, rows: Array, astray: Array) -> None:
        """New modes for these rows from the middle of their step; those astray start again from constant forces."""
        if not rows.size:
            return
        method = self.method
        middle = work.place[method.degree // 2 - 1].copy()
        middle[astray] = work.y[astray]
        usable = self.renew(frames, work.rows[rows], middle[rows])
        work.renewed[rows], work.first[rows], work.passed[rows] = True, np.nan, 0
        rows = rows[usable]
        values, modes = frames.values[work.rows[rows]], frames.modes[work.rows[rows]]
        # growth that is too fast for this step: no change to compare with, so that the next pass gives it up
        steep = rows[-values[:, 0] * work.h[rows] > 2 * self.reach]
        work.first[steep], work.passed[steep] = 0.0, 1
        work.values[rows], work.modes[rows] = values, modes
        work.moments[:, :, rows] = method.moments(work.h[rows, None] * values)
        back = np.swapaxes(modes, -1, -2)
        work.forces[:, rows] = _apply(back, work.gradient[None, rows])
        work.v[:, rows] = _apply(back, work.place[:, rows] - work.y[rows])
        again = np.intersect1d(astray, rows)
        if again.size:
            polynomial = method.polynomial(work.forces[:, again])
            work.v[:, again] = method.travelled(work.moments[:, :, again], polynomial, work.h[again])
            work.place[:, again] = work.y[again] + _apply(work.modes[again], work.v[:, again])

    def _note(self, result: Step, work: _Iterating, settled: Array, polynomial: Array, rate: Array) -> None:
        """Write the steps whose iteration has settled."""
        if len(settled) < len(work.rows):
            work, polynomial, rate = work.take(settled), polynomial[:, settled], rate[settled]
        rows = work.rows
        result.new[rows] = work.place[-1]
        result.error[rows] = _worst(_apply(work.modes, self.method.doubt(work.moments, polynomial, work.h)), work.scale)
        result.contraction[rows] = np.where(np.isnan(rate), 0.0, rate)
        result.failed[rows] = False
        result.renewed[rows] = work.renewed
        result.polynomial[rows] = np.swapaxes(work.h[:, None] * polynomial, 0, 1)
        result.memory[rows] = np.swapaxes(work.forces[-self.method.remembered :] + work.values * work.v[-1], 0, 1)
