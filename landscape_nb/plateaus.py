"""Plateaus: the stretches of a gradient flow that pass close by a critical point.

Near a saddle the gradient is small, so the loss hardly falls over decades of time. With L_end the loss at the end of the flow, the
share of what is left to fall that falls within a factor e of time is

    s(t) = -d log(L - L_end)/d log t = t |grad L|^2/(L - L_end),

exact at every time, because dL/dt = -|grad L|^2. A plateau is a stretch over which s stays below a bound, with a local minimum of |grad L|
inside: the place where the flow is closest to the point that slows it down. Newton's iteration from there names the point. The stretch
with which every flow begins counts as a plateau only where it begins beside a critical point.

Source: derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .critical import CriticalPoint, NotConverged, refine
from .networks import Network

Array = np.ndarray

#: Share of the remaining loss that falls within a factor e of time, below which the flow is on a plateau.
SLOW = 0.15
#: Least length of a plateau, in decades of time.
DECADES = 0.4
#: A plateau belongs to a critical point within this distance, relative to the length of theta at the end of the plateau.
NEAR = 0.5
#: A degenerate set of critical points, which Newton's iteration approaches slowly, is recognised by this residual.
NEARLY_CRITICAL = 1e-6


@dataclass(frozen=True, eq=False)
class Plateau:
    """One stretch of a flow on which little happens.

    start, end : its times. time : where |grad L| is smallest on it. loss : L there. nearby : the critical point, or the nearly critical
    student, that Newton's iteration reaches from there; None if none is near. distance : between them, relative to the length of
    theta at the end of the plateau.
    """

    start: float
    end: float
    time: float
    loss: float
    nearby: CriticalPoint | Network | None
    distance: float

    @property
    def name(self) -> str:
        """ "saddle of index 2", "degenerate critical set", or "slow stretch" where no critical point is near."""
        if self.nearby is None:
            return "slow stretch"
        if isinstance(self.nearby, Network):
            return "degenerate critical set"
        return f"{self.nearby.kind} of index {self.nearby.index}"


def plateaus_of(
    landscape: Any, times: Array, students: Array, slow: float = SLOW, decades: float = DECADES
) -> tuple[Plateau, ...]:
    """The plateaus of one flow, in the order of time.

    times : (T,), ascending and positive, best in equal steps of log t. students : theta at these times, shape (T, p); the last one is the
    end of the flow. slow, decades : what counts as a plateau, see the module's docstring. Raises ValueError for other shapes.
    """
    times, students = np.asarray(times, dtype=float), np.asarray(students, dtype=float)
    if times.ndim != 1 or students.shape[:-1] != times.shape or not (np.diff(times) > 0).all() or not (times > 0).all():
        raise ValueError(
            "plateaus_of needs ascending positive times (T,) and the students at them (T, p); "
            f"the shapes {times.shape} and {students.shape} were given"
        )
    squared = (landscape.gradient(students) ** 2).sum(axis=-1)
    losses = landscape.value(students)
    left = np.maximum(losses - losses[-1], 1e-300)
    known = losses - losses[-1] > 1e-9 * max(float(losses[0]), 1e-300)  # beyond that the end itself is near
    calm = (times * squared / left < slow) & known
    edges = np.flatnonzero(np.diff(np.concatenate([[False], calm, [False]]).astype(int)))
    found = []
    for first, last in zip(edges[::2], edges[1::2] - 1):
        lowest = first + int(np.argmin(squared[first : last + 1]))
        if lowest == last or np.log10(times[last] / times[first]) < decades:
            continue
        nearby, distance = _near(landscape, students[lowest], float(np.linalg.norm(students[last])))
        if nearby is None if first == 0 else lowest == first:
            continue
        start, end, time = (float(times[i]) for i in (first, last, lowest))
        found.append(Plateau(start, end, time, float(losses[lowest]), nearby, distance))
    return tuple(found)


def _near(landscape: Any, theta: Array, length: float) -> tuple[CriticalPoint | Network | None, float]:
    """The critical point that slows the flow down here, and its distance relative to this length."""
    nearby: CriticalPoint | Network
    try:
        nearby = refine(landscape, theta)
        student = nearby.student
    except NotConverged as error:
        if error.residual > NEARLY_CRITICAL:
            return None, np.inf
        nearby = student = error.student
    except ValueError:  # no Hessian there
        return None, np.inf
    distance = float(np.linalg.norm(student.theta - theta) / max(length, 1e-300))
    return (nearby, distance) if distance < NEAR else (None, distance)
