r"""Gradient flow over many decades of time.

Where a minimum lies at infinity the flow never arrives: its loss falls like t^-p and its parameters grow like t^q. Then t |grad L| stays
of the size of theta, while the Hessian's eigenvalues along and across the valley differ by a factor that grows like t. A Rosenbrock step
is linear in the Hessian at its start, and a bent valley turns it by more than that factor allows: its steps become tiny against t. A
multistep method that solves its implicit equation by Newton's iteration stays in the valley at the end of each step, and takes some
hundred steps for each decade.

How far any flow can have come: |theta(t) - theta(0)| <= int_0^t |grad L| <= sqrt(t int_0^t |grad L|^2) = sqrt(t (L(0) - L(t))), by Cauchy
and Schwarz and dL/dt = -|grad L|^2.

Source: LSODA from Petzold 1983 (Automatic selection of methods for solving stiff and nonstiff systems of ordinary differential
equations), as SciPy has it; the bound derived.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .display import number
from .flows import Interrupted, gradient_flow
from .landscapes.sampled import first_jump
from .networks import Network

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

#: Times for each decade at which a long flow is recorded.
TIMES_OF_A_DECADE = 20
#: Where t |grad L| is below this share of |theta| at the end, the flow stands still: a power law keeps it at its exponent.
STILL = 1e-2
_RTOL, _ATOL = 1e-8, 1e-10
_MOST_STEPS = 200_000
_ONE_AT_A_TIME = threading.Lock()  # older versions of LSODA keep their state in global variables


@dataclass(frozen=True, eq=False)
class LongFlow:
    """One gradient flow recorded at times in equal steps of log t.

    times (T,), the first one 0; students theta (T, p); losses (T,). reason : "time", "arrived" (the flow stands still), "refused" (the
    loss is not smooth where the flow leads), "budget" or "interrupted". sentence : the same in words.
    """

    landscape: Any = field(repr=False)
    times: Array = field(repr=False)
    students: Array = field(repr=False)
    losses: Array = field(repr=False)
    reason: str
    sentence: str = field(repr=False)

    @property
    def end(self) -> Any:
        """The last student, a Network."""
        return self.landscape.network(self.students[-1])

    @property
    def norms(self) -> Array:
        """|theta| at the recorded times."""
        return np.linalg.norm(self.students, axis=-1)

    @property
    def travelled(self) -> Array:
        """|theta(t) - theta(0)| at the recorded times."""
        return np.linalg.norm(self.students - self.students[0], axis=-1)

    @property
    def bound(self) -> Array:
        """sqrt(t (L(0) - L(t))), which ``travelled`` cannot exceed."""
        return np.sqrt(self.times * np.maximum(self.losses[0] - self.losses, 0.0))

    def until(self, time: float) -> LongFlow:
        """The same flow up to this time."""
        kept = self.times <= time * (1 + 1e-9)
        return LongFlow(
            self.landscape, self.times[kept], self.students[kept], self.losses[kept], self.reason, self.sentence
        )


def long_flow(
    landscape: Any,
    student: Network | ArrayLike,
    t_max: float = 1e12,
    *,
    first: float = 1e-2,
    rtol: float = _RTOL,
    atol: float = _ATOL,
    progress: Callable[[float], None] = lambda share: None,
) -> LongFlow:
    """Follow theta' = -grad L from one student over decades of time.

    landscape : has value, gradient, hessian on theta (p,). t_max : the last time. first : the first recorded time after 0. rtol, atol :
    the error allowed in a step. progress : called before each step with the share of log t that is done; where it raises ``Interrupted``
    the flow comes back with what is recorded.

    A kinked activation (relu) has no Newton's iteration across its kinks: there ``gradient_flow`` goes as far as it can.
    Raises ValueError for several students, for numbers that make no sense, and where the loss has no gradient at the start.
    """
    theta = student.theta if isinstance(student, Network) else np.array(student, dtype=float)
    if theta.ndim != 1:
        raise ValueError(f"long_flow takes one student, theta of shape (p,); its shape is {theta.shape}")
    if not np.isfinite(theta).all():
        raise ValueError(f"theta must hold finite numbers; it holds {theta[~np.isfinite(theta)][0]}")
    if not 0 < first < t_max < np.inf:
        raise ValueError(f"times must be 0 < first < t_max < inf; first = {first!r} and t_max = {t_max!r} were given")
    landscape.gradient(theta)  # refuses what is no student of this landscape in its own words
    count = max(2, round(TIMES_OF_A_DECADE * np.log10(t_max / first)) + 1)
    grid = np.concatenate([[0.0], np.geomspace(first, t_max, count)])
    grid[-1] = t_max
    activation: Any = getattr(landscape, "activation", None)
    if any(first_jump(activation, kink) <= 1 for kink in getattr(activation, "kinks", ())):
        return _kinked(landscape, theta, grid, progress)
    students, reason, sentence = _multistep(landscape, theta, grid, rtol, atol, progress)
    times = grid[: len(students)]
    if reason == "time" and _stands_still(landscape, students[-1], t_max):
        reason = "arrived"
        sentence = f"t |grad L| is below {STILL:g} |theta| at t = {number(t_max)}: the flow stands still"
    return LongFlow(landscape, times, students, np.asarray(landscape.value(students)), reason, sentence)


def _stands_still(landscape: Any, theta: Array, time: float) -> bool:
    speed = float(np.linalg.norm(landscape.gradient(theta)))
    return speed * time < STILL * float(np.linalg.norm(theta))


def _multistep(
    landscape: Any, theta: Array, grid: Array, rtol: float, atol: float, progress: Callable[[float], None]
) -> tuple[Array, str, str]:
    """theta at the times of the grid that were reached, reason, sentence.

    Where the error allowed comes close to rounding, no step may be accepted: then the flow goes on from there with ten times that error.
    """
    from scipy.integrate import LSODA

    recorded, t, end, whole = [theta], 0.0, float(grid[-1]), float(np.log1p(grid[-1]))
    steps, failure = 0, ""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # LSODA's own words for a status that is looked at here
        for looser in (1.0, 10.0, 100.0, 1000.0):
            solver = LSODA(
                lambda _, y: -landscape.gradient(y),
                *(t, theta, end),
                rtol=rtol * looser,
                atol=atol * looser,
                jac=lambda _, y: -landscape.hessian(y),
            )
            while solver.status == "running":
                if steps == _MOST_STEPS:
                    return np.array(recorded), "budget", f"{steps} steps were taken up to t = {number(t)}"
                try:
                    progress(float(np.log1p(t)) / whole)
                    failure = solver.step() or ""
                except (KeyboardInterrupt, Interrupted):
                    return np.array(recorded), "interrupted", f"stopped from outside at t = {number(t)}"
                except ValueError as error:
                    return np.array(recorded), "refused", f"at t = {number(t)}: {error}"
                if solver.status == "failed":
                    break
                steps += 1
                if len(recorded) < len(grid) and solver.t >= grid[len(recorded)]:
                    between = solver.dense_output()
                    while len(recorded) < len(grid) and solver.t >= grid[len(recorded)]:
                        recorded.append(np.array(between(grid[len(recorded)])))
                t, theta = float(solver.t), solver.y.copy()
            if solver.status == "finished":
                return np.array(recorded), "time", f"t = {number(end)} was reached"
    return np.array(recorded), "refused", f"no step is accepted at t = {number(t)}: {failure}"


def _kinked(landscape: Any, theta: Array, grid: Array, progress: Callable[[float], None]) -> LongFlow:
    """With the errors that ``gradient_flow`` allows by itself: larger steps would jump over kinks that they cannot cross."""
    flow = gradient_flow(landscape, theta, float(grid[-1]), limit=1e8, progress=progress)
    names = {"converged": "arrived", "diverging": "budget"}
    times = grid if flow.reason == "converged" else grid[grid <= float(flow.time)]
    students = flow.at(times)
    reason = names.get(str(flow.reason), str(flow.reason))
    return LongFlow(landscape, times, students, np.asarray(landscape.value(students)), reason, str(flow.sentence))
