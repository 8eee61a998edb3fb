r"""Discrete optimisers: gradient descent with a constant rate, and those of SciPy with what they say beside what is true.

Gradient descent theta -> theta - rate grad L follows the gradient flow while rate lambda_max < 2, lambda_max the largest eigenvalue of the
Hessian. In a channel to infinity lambda_max grows as 1/eps^2 while the loss still falls, so descent comes to the **edge of stability**,
lambda_max rate/2 = 1, and stays there: it oscillates across the channel and moves along it no more. What is close to 1 there is the
mean of lambda_max rate/2 over two consecutive steps, which are the two ends of the oscillation.

Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, arXiv 2506.14951 (descent ends at the edge of
stability, optimisers end inside channels); the oscillation and the numbers are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .display import below, number
from .display import table as text_table
from .flows import Interrupted, batch_of_students, gradient_flow, value_and_gradient
from .networks import Network

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

#: Steps that are recorded unless asked otherwise, in equal ratios.
RECORDS = 60
#: lambda_max rate/2 within this of 1 is the edge of stability.
AT_THE_EDGE = 0.05
#: An end from which the flow moves by more than this share of its largest entry was at no critical point.
NEAR = 1e-3
#: The time within which it has to come to rest.
_LONG = 1e9


# gradient descent -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Descent:
    """Students on their way down the gradient in steps of a constant rate.

    recorded : the numbers of the recorded steps, (R,), the first 0. students : theta there, (..., R, p); one that stopped before stays
    where it was. losses : L there, (..., R). theta, previous : the last two students, (..., p). taken : steps taken, (...). rate : (...).
    reason : "converged", "diverging", "steps" or "interrupted", (...). residual : max |dL/dtheta_i| at the end, (...).
    """

    landscape: Any = field(repr=False)
    rate: Any
    recorded: Array = field(repr=False)
    students: Array = field(repr=False)
    losses: Array = field(repr=False)
    theta: Array = field(repr=False)
    previous: Array = field(repr=False)
    reason: Any
    taken: Any = field(repr=False)
    loss: Any = field(repr=False)
    residual: Any = field(repr=False)
    _single: bool = field(repr=False, default=False)

    def __repr__(self) -> str:
        reasons, counts = np.unique(self.reason, return_counts=True)
        return f"Descent({', '.join(f'{count} {reason}' for reason, count in zip(reasons, counts))})"

    @property
    def end(self) -> Any:
        """The last student: a Network where the landscape has networks and one student was given, else theta (..., p)."""
        if self._single and self.theta.ndim == 1 and hasattr(self.landscape, "network"):
            return self.landscape.network(self.theta)
        return self.theta

    @cached_property
    def sharpness(self) -> Array:
        """lambda_max, the largest eigenvalue of the Hessian, at the recorded steps, shape (..., R); NaN where there is none."""
        return _sharpness(self.landscape, self.students)

    @cached_property
    def edge(self) -> Any:
        """lambda_max rate/2 at the end, the mean over the last two students, shape (...): 1 is the edge of stability."""
        last = np.stack([self.previous, self.theta], axis=-2)
        return (0.5 * np.asarray(self.rate) * _sharpness(self.landscape, last).mean(axis=-1))[()]

    @property
    def sentence(self) -> Any:
        """Why each one stopped, in words, shape (...)."""
        lead = np.shape(self.reason)
        parts = [np.reshape(np.asarray(part), -1) for part in (self.reason, self.taken, self.residual, self.edge)]
        found = np.empty(parts[0].size, dtype=object)
        for i, (reason, taken, residual, edge) in enumerate(zip(*parts)):
            told = (
                f"after {int(taken)} steps, max |grad L| = {number(residual, 2)}, lambda_max rate/2 = {number(edge, 4)}"
            )
            if reason == "converged":
                found[i] = f"converged {told}"
            elif reason == "diverging":
                found[i] = f"the weights grew without bound {told}; take a smaller rate"
            elif abs(edge - 1.0) <= AT_THE_EDGE:
                found[i] = f"at the edge of stability {told}: more steps lead no further, a smaller rate does"
            else:
                found[i] = f"{'interrupted' if reason == 'interrupted' else 'on its way'} {told}"
        return found.reshape(lead)[()]


def _sharpness(landscape: Any, theta: Array) -> Array:
    """The largest eigenvalue of the Hessian for theta (..., p), NaN where it does not exist."""
    flat = theta.reshape(-1, theta.shape[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        hessian = landscape.hessian(flat)
    finite = np.isfinite(hessian).all(axis=(-2, -1))
    largest = np.full(len(flat), np.nan)
    if finite.any():
        largest[finite] = np.linalg.eigvalsh(hessian[finite])[:, -1]
    return largest.reshape(theta.shape[:-1])


def gradient_descent(
    landscape: Any,
    students: Any,
    rate: ArrayLike,
    steps: int = 20_000,
    *,
    record: int | Sequence[int] = RECORDS,
    tolerance: float = 1e-10,
    limit: float = 1e4,
    progress: Callable[[float], None] = lambda share: None,
) -> Descent:
    """theta -> theta - rate grad L, for a batch of students and rates at once.

    landscape : has value_and_gradient (or value and gradient) and hessian on theta (..., p). students : a Network, a sequence of them, or
    theta (..., p). rate : a number > 0, or an array that broadcasts against the leading axes of the students: one student takes many
    rates. record : how many steps are recorded, in equal ratios, or their numbers. tolerance : a student has converged when
    max |grad L| is below it. limit : one whose parameters grow beyond it, or are no numbers any more, diverges. progress : called now
    and then with the share done; if it raises ``Interrupted``, what is done comes back.

    Raises ValueError for arguments that make no sense.
    """
    theta, single = batch_of_students(students)
    if isinstance(students, Network) and hasattr(landscape, "value"):
        landscape.value(students)  # refuses another input dimension in its own words
    rates = _rates(rate)
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"steps is a whole number of at least 1; {steps!r:.60} was given")
    for name, value in (("tolerance", tolerance), ("limit", limit)):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not value > 0:
            raise ValueError(f"{name} must be a number > 0; {name} = {value!r:.60} was given")
    try:
        lead = np.broadcast_shapes(theta.shape[:-1], rates.shape)
    except ValueError:
        raise ValueError(
            f"rates of shape {rates.shape} do not broadcast against students of shape {theta.shape[:-1]}; "
            "give one rate, or one for each student"
        ) from None
    recorded = _recorded(record, int(steps))
    p = theta.shape[-1]
    now = np.broadcast_to(theta, (*lead, p)).reshape(-1, p).copy()
    speed = np.broadcast_to(rates, lead).reshape(-1)
    count = len(now)
    before = now.copy()
    path, losses = np.empty((count, len(recorded), p)), np.empty((count, len(recorded)))
    reason, taken = np.full(count, "steps", dtype="<U11"), np.zeros(count, dtype=int)
    loss, residual = np.empty(count), np.empty(count)
    going, place = np.arange(count), 0
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(int(steps) + 1):
            here, gradient = value_and_gradient(landscape, now[going])
            size = np.abs(gradient).max(axis=-1)
            loss[going], residual[going], taken[going] = here, size, step
            if place < len(recorded) and recorded[place] == step:
                path[:, place], losses[:, place] = now, loss
                place += 1
            lost = ~(np.isfinite(size) & (np.abs(now[going]).max(axis=-1) <= limit))
            there = size <= tolerance
            if lost.any() or there.any():
                reason[going[there]], reason[going[lost]] = "converged", "diverging"
                gradient, going = gradient[~(lost | there)], going[~(lost | there)]
            if step == steps or not going.size:
                break
            try:
                if step % 256 == 0:
                    progress(step / steps)
            except (Interrupted, KeyboardInterrupt):
                reason[going] = "interrupted"
                break
            before[going] = now[going]
            now[going] = now[going] - speed[going, None] * gradient
    path[:, place:], losses[:, place:] = now[:, None], loss[:, None]
    return Descent(
        landscape,
        speed.reshape(lead)[()],
        recorded,
        path.reshape(*lead, len(recorded), p),
        losses.reshape(*lead, len(recorded)),
        now.reshape(*lead, p),
        before.reshape(*lead, p),
        reason.reshape(lead)[()],
        taken.reshape(lead)[()],
        loss.reshape(lead)[()],
        residual.reshape(lead)[()],
        single,
    )


def _rates(rate: ArrayLike) -> Array:
    try:
        rates = np.asarray(rate, dtype=float)
    except (TypeError, ValueError):
        rates = np.array(np.nan)
    if isinstance(rate, bool) or not (np.isfinite(rates) & (rates > 0)).all() or not rates.size:
        raise ValueError(f"rate is a finite number > 0, or an array of them; {rate!r:.60} was given")
    return rates


def _recorded(record: int | Sequence[int], steps: int) -> Array:
    """The numbers of the steps to record, ascending, 0 and the last included."""
    if isinstance(record, (int, np.integer)) and not isinstance(record, bool):
        if record < 2:
            raise ValueError(f"record is the number of recorded steps, at least 2; {record!r} was given")
        wanted = np.concatenate([[0], np.geomspace(1, steps, int(record) - 1)])
    else:
        wanted = np.asarray(record)
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu" or (wanted < 0).any() or (wanted > steps).any():
            raise ValueError(
                f"record is a number of steps, or numbers of steps between 0 and {steps}; {record!r:.60} was given"
            )
    return np.unique(np.round(np.concatenate([[0], wanted, [steps]])).astype(int))


# the optimisers of SciPy ----------------------------------------------------------------------------------------------

#: Methods of scipy.optimize.minimize that take the gradient, and whether they take the Hessian too.
METHODS = {
    "BFGS": False,
    "CG": False,
    "L-BFGS-B": False,
    "SLSQP": False,
    "TNC": False,
    "Newton-CG": True,
    "dogleg": True,
    "trust-ncg": True,
    "trust-krylov": True,
    "trust-exact": True,
    "trust-constr": True,
}


@dataclass(frozen=True)
class Ending:
    """Where one optimiser ended: what it says, and what is true.

    success, message : of SciPy. loss, residual : L and max |grad L|. norm : of theta. gap : |a_i - a_j| of the two neurons that were asked
    for. lowest, highest : the smallest and the largest eigenvalue of the Hessian. minimum : whether there is a minimum within a
    thousandth of theta. above : L minus the limit, None if no limit was given. iterations : of SciPy.
    """

    method: str
    success: bool
    message: str
    loss: float
    residual: float
    norm: float
    gap: float
    lowest: float
    highest: float
    minimum: bool
    above: float | None
    iterations: int
    student: Network | Array = field(repr=False, compare=False)


class OptimiserEndings(Sequence[Ending]):
    """The rows of ``optimiser_endings``; ``table()`` gives them as text."""

    def __init__(self, rows: Sequence[Ending]) -> None:
        self.rows = tuple(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Any) -> Any:
        return self.rows[place]

    def __iter__(self) -> Iterator[Ending]:
        return iter(self.rows)

    def __repr__(self) -> str:
        claimed = sum(row.success for row in self.rows)
        true = sum(row.minimum for row in self.rows)
        return f"OptimiserEndings({len(self)} methods, {claimed} report success, {true} at a minimum)"

    def table(self, unsure: Sequence[str] = ()) -> str:
        """What SciPy says against what is true, as text. Sizes are coarse bounds: digits belong to one machine and version of SciPy.

        unsure : methods whose word is left out. In a channel BFGS reports success from about half of the starts that agree to nine digits,
        and loss of precision or too many iterations from the others.
        """
        limited = any(row.above is not None for row in self.rows)
        rows = []
        for row in self.rows:
            word = "success" if row.success else "failure"
            cells = [row.method, "depends on rounding" if row.method in unsure else word]
            cells += [
                "yes" if row.minimum else "no",
                "> 10" if row.gap > 10 else "< 10",
                below(row.residual, (1e-9, 1e-2)),
            ]
            if limited:
                cells.append("-" if row.above is None else below(row.above, (1e-9, 1e-3)))
            rows.append(tuple(cells))
        header = ("method", "SciPy says", "at a minimum", "|a_i - a_j|", "max |grad L|")
        return text_table((*header, "loss above the limit") if limited else header, rows)


def optimiser_endings(
    landscape: Any,
    student: Network | ArrayLike,
    methods: Sequence[str] = ("BFGS", "CG", "L-BFGS-B", "trust-ncg"),
    *,
    pair: tuple[int, int] = (0, 1),
    limit: float | None = None,
) -> OptimiserEndings:
    """Where SciPy's optimisers end with their default tolerances and exact derivatives, and whether that is a minimum.

    student : where all start. methods : of ``scipy.optimize.minimize``, those that take a gradient. pair : the neurons whose
    outgoing weights are compared. limit : a loss, for example that of a channel's end; ``above`` is then the distance to it.

    Raises ValueError for unknown methods, or a pair that the student does not have.
    """
    from scipy.optimize import minimize

    unknown = [method for method in methods if method not in METHODS]
    if isinstance(methods, str) or unknown:
        raise ValueError(f"methods are some of {', '.join(METHODS)}; {methods!r:.80} was given")
    network = student if isinstance(student, Network) else landscape.network(np.asarray(student, dtype=float))
    landscape.value(network)
    i, j = pair
    if i == j or not all(0 <= neuron < network.n for neuron in pair):
        raise ValueError(f"pair holds two different neurons between 0 and {network.n - 1}; {pair!r} was given")
    rows = []
    for method in methods:
        with np.errstate(over="ignore", invalid="ignore"):
            found = minimize(
                lambda theta: value_and_gradient(landscape, theta),
                network.theta,
                jac=True,
                hess=landscape.hessian if METHODS[method] else None,
                method=method,
            )
        end = landscape.network(found.x)
        spectrum = np.linalg.eigvalsh(landscape.hessian(end))
        loss = float(landscape.value(end))
        rows.append(
            Ending(
                method,
                bool(found.success),
                " ".join(str(found.message).split()),
                loss,
                float(np.abs(landscape.gradient(end)).max()),
                float(np.linalg.norm(found.x)),
                float(abs(end.a[i] - end.a[j])),
                float(spectrum[0]),
                float(spectrum[-1]),
                bool(is_at_a_minimum(landscape, found.x)),
                None if limit is None else loss - float(limit),
                int(getattr(found, "nit", -1)),
                end,
            )
        )
    return OptimiserEndings(rows)


def is_at_a_minimum(landscape: Any, theta: ArrayLike) -> Any:
    """Whether theta (..., p) lies beside a minimum: whether its gradient flow comes to rest within a thousandth of it.

    A small gradient proves nothing in a channel, where Newton's step is a third of the way to infinity however far one has come. The
    flow comes to rest only where Newton's iteration closes the rest of the path.
    """
    theta = np.asarray(theta, dtype=float)
    flow = gradient_flow(landscape, theta, _LONG, endpoint_only=True, rtol=1e-4, atol=1e-6, tolerance=1e-12)
    moved = np.abs(flow.theta - theta).max(axis=-1) <= NEAR * np.maximum(1.0, np.abs(theta).max(axis=-1))
    return ((flow.reason == "converged") & (flow.index == 0) & moved)[()]
