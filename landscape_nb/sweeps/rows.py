r"""One batch of a sweep: starts, flow, polish, and the row of each seed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..activations import ACTIVATIONS, Activation, NumericalActivation
from ..critical import newton
from ..flows import gradient_flow
from ..landscapes import PopulationLandscape, SampledLandscape
from ..networks import Network
from .outcomes import NEAR, Outcome, kind_of, morse_index, outcome

Array = np.ndarray

#: Tolerances of the flow: its path to five digits, so that a seed ends where the exact flow does.
FLOW_TOLERANCES: Mapping[str, Any] = {"rtol": 1e-5, "atol": 1e-7}


# starts ---------------------------------------------------------------------------------------------------------------


def start_law(start: str) -> tuple[str, float]:
    """("glorot", 1) for "glorot", ("normal", s) for "normal:s"; ValueError for any other name."""
    name, colon, text = str(start).partition(":")
    try:
        scale = float(text) if colon else 1.0
    except ValueError:
        scale = math.nan
    if name not in ("glorot", "normal") or not (math.isfinite(scale) and scale > 0):
        raise ValueError(
            "start is 'glorot', or 'glorot:0.1' for a tenth of it (any number > 0), or 'normal' in the same way; "
            f"start = {start!r} was given"
        )
    return name, scale


def starts(
    n: int,
    d: int,
    seeds: Iterable[int],
    start: str = "glorot",
    *,
    bias_columns: Sequence[int] = (),
    output_bias: bool = False,
) -> Array:
    """The students from which the seeds start, shape (seeds, p): W, then a, from ``default_rng(seed)``; an output bias is 0.

        glorot : W = normal(size=(n, d)) sqrt(2/(d + n)),   a = normal(size=n) sqrt(2/(n + 1))
        normal : W = normal(size=(n, d)),   a = normal(size=n)                                  both times s for "glorot:s", "normal:s"

    bias_columns : columns of the input that are constant. Glorot's biases are 0, and d counts the other columns; "normal" draws all.

    Source: Glorot and Bengio 2010, as in Simsek, Bendjeddou, Gerstner & Brea 2023.
    """
    law, scale = start_law(start)
    inputs = [i for i in range(d) if i not in set(bias_columns)] if law == "glorot" else list(range(d))
    spread, outgoing = 1.0, 1.0
    if law == "glorot":
        spread, outgoing = math.sqrt(2 / (len(inputs) + n)), math.sqrt(2 / (n + 1))
    rows = []
    for seed in checked_seeds(seeds):
        rng = np.random.default_rng(seed)
        W = np.zeros((n, d))
        W[:, inputs] = rng.normal(size=(n, len(inputs))) * spread
        a = rng.normal(size=n) * outgoing
        rows.append(scale * np.concatenate([W.ravel(), a, [0.0] * output_bias]))
    return np.array(rows).reshape(len(rows), n * d + n + output_bias)


def bias_columns(landscape: PopulationLandscape | SampledLandscape) -> tuple[int, ...]:
    """The columns of the samples that are constant and not 0: input biases."""
    if isinstance(landscape, PopulationLandscape):
        return ()
    constant = (np.ptp(landscape.X, axis=0) == 0) & (landscape.X[0] != 0)
    return tuple(int(i) for i in np.flatnonzero(constant))


def checked_seeds(seeds: Iterable[int]) -> tuple[int, ...]:
    if isinstance(seeds, (int, np.integer)) or not isinstance(seeds, Iterable):
        raise ValueError(f"seeds are whole numbers, for example range(20); {seeds!r:.60} was given")
    found = []
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ValueError(f"seeds are whole numbers of at least 0; {seed!r:.60} was given")
        found.append(int(seed))
    if len(set(found)) < len(found):
        raise ValueError(
            f"every seed is asked for once; seed {next(s for s in found if found.count(s) > 1)} is there twice"
        )
    return tuple(found)


# one batch ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """Where one seed ended.

    outcome, evidence : see ``outcome``. loss, residual : L and max |grad L|. index : the Morse index, None where the flow has not come to
    a critical point or the loss has no Hessian. time : of the flow. reason : why it stopped, as in ``Flow.reason``.
    """

    seed: int
    outcome: str
    loss: float
    residual: float
    index: int | None
    time: float
    reason: str
    evidence: str = field(repr=False, default="")

    def values(self) -> list[Any]:
        """The fields for a file: None where a number is not finite."""
        values = [getattr(self, name) for name in COLUMNS]
        return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]

    @classmethod
    def from_values(cls, values: Sequence[Any]) -> Row:
        """The row with these fields; ValueError if they are no row."""
        if len(values) != len(COLUMNS):
            raise ValueError(f"{len(values)} fields, a row has {len(COLUMNS)}")
        seed, name, loss, residual, index, time, reason, evidence = values
        whole = [value for value in (seed, index) if value is not None]
        texts = (name, reason, evidence)
        numbers = [math.nan if value is None else value for value in (loss, residual, time)]
        if seed is None or any(isinstance(value, bool) or not isinstance(value, int) or value < 0 for value in whole):
            raise ValueError(f"seed {seed!r} and index {index!r}, which are whole numbers of at least 0")
        if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in numbers):
            raise ValueError(f"loss {loss!r}, residual {residual!r} and time {time!r}, which are numbers")
        if not all(isinstance(text, str) for text in texts) or not name or reason not in REASONS:
            raise ValueError(f"outcome {name!r} and reason {reason!r}; a flow ends by {', '.join(REASONS)}")
        loss, residual, time = map(float, numbers)
        return cls(seed, name, loss, residual, index, time, reason, evidence)

    @property
    def kind(self) -> str:
        """The outcome without the type in brackets."""
        return kind_of(self.outcome)


COLUMNS = ("seed", "outcome", "loss", "residual", "index", "time", "reason", "evidence")
REASONS = ("converged", "diverging", "time", "budget", "refused", "event")


@dataclass(frozen=True)
class Settings:
    """What the rows of a sweep depend on beside the seed."""

    landscape: PopulationLandscape | SampledLandscape
    n: int
    start: str = "glorot"
    t_max: float = 1.5e6

    @property
    def parameters(self) -> int:
        """The number p of parameters of a student."""
        return self.n * (self.landscape.d + 1) + bool(getattr(self.landscape, "output_bias", False))

    @property
    def teachers(self) -> int:
        """The number k of teacher neurons, 0 for samples."""
        return self.landscape.teacher.n if isinstance(self.landscape, PopulationLandscape) else 0

    @property
    def against(self) -> str:
        """ "k=5" teacher neurons, or "N=144" samples."""
        return f"N={len(self.landscape.y)}" if isinstance(self.landscape, SampledLandscape) else f"k={self.teachers}"

    def as_json(self) -> dict[str, Any]:
        """The same for a file; data are named by their size and a digest."""
        landscape = self.landscape
        what: dict[str, Any]
        if isinstance(landscape, PopulationLandscape):
            what = {"teacher": {"W": landscape.teacher.W.tolist(), "a": landscape.teacher.a.tolist()}}
        else:
            what = {
                "data": {"samples": len(landscape.y), "d": landscape.d, "digest": digest(landscape)},
                "output_bias": landscape.output_bias,
            }
        return {
            "activation": landscape.activation.name,
            **what,
            "n": self.n,
            "start": self.start,
            "t_max": self.t_max,
            **FLOW_TOLERANCES,
        }


def digest(landscape: SampledLandscape) -> str:
    """16 hexadecimal digits of the SHA-256 of X, y and weights as doubles in this order, the same on every machine."""
    found = hashlib.sha256()
    for array in (landscape.X, landscape.y, landscape.weights):
        found.update((np.ascontiguousarray(array) + 0.0).astype("<f8").tobytes())  # -0.0 is 0.0
    return found.hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Job:
    """One batch of seeds, in a form that other processes understand: a named activation is sent by its name.

    source : the teacher of a population, or (X, y, weights, output_bias) of samples.
    """

    activation: Activation | str
    source: Network | tuple[Array, Array, Array, bool]
    n: int
    start: str
    t_max: float
    seeds: tuple[int, ...]

    def landscape(self) -> PopulationLandscape | SampledLandscape:
        """The landscape of the job."""
        activation = ACTIVATIONS[self.activation] if isinstance(self.activation, str) else self.activation
        if isinstance(self.source, Network):
            return PopulationLandscape(activation, self.source)
        X, y, weights, output_bias = self.source
        return SampledLandscape(activation, X, y, weights, output_bias)


def job_of(settings: Settings, seeds: tuple[int, ...], away: bool) -> Job:
    landscape = settings.landscape
    activation: Activation | str = landscape.activation
    known = ACTIVATIONS.get(landscape.activation.name) is landscape.activation
    if away and known and not isinstance(activation, NumericalActivation):
        activation = landscape.activation.name
    source: Network | tuple[Array, Array, Array, bool]
    if isinstance(landscape, PopulationLandscape):
        source = landscape.teacher
    else:
        source = (landscape.X, landscape.y, landscape.weights, landscape.output_bias)
    return Job(activation, source, settings.n, settings.start, settings.t_max, seeds)


def flow_of_a_batch(job: Job, progress: Callable[[float], None] = lambda share: None) -> tuple[Row, ...]:
    """Flow, polish and name one batch of seeds. Seeds on which an interruption fell are left out."""
    landscape = job.landscape()
    theta = starts(
        job.n,
        landscape.d,
        job.seeds,
        job.start,
        bias_columns=bias_columns(landscape),
        output_bias=bool(getattr(landscape, "output_bias", False)),
    )
    flow = gradient_flow(landscape, theta, job.t_max, endpoint_only=True, progress=progress, **FLOW_TOLERANCES)
    end, loss, residual = flow.end.copy(), flow.loss.copy(), flow.residual.copy()
    index: list[int | None] = [None] * len(end)
    converged = np.flatnonzero(flow.reason == "converged")
    if converged.size:
        polished, small, _ = newton(landscape, end[converged], 6)
        moved = np.abs(polished - end[converged]).max(axis=-1)
        size = np.maximum(1.0, np.abs(end[converged]).max(axis=-1))
        better = (small <= residual[converged]) & (moved <= NEAR * size)
        rows = converged[better]
        end[rows], residual[rows] = polished[better], small[better]
        loss[rows] = landscape.value(end[rows])
        for row in converged.tolist():
            index[row] = morse_index(landscape, landscape.network(end[row]))
    found = []
    for row, seed in enumerate(job.seeds):
        if flow.reason[row] == "interrupted":
            continue
        if np.isfinite(end[row]).all() and np.isfinite(residual[row]):
            what = outcome(landscape, end[row], float(flow.time[row]))
        else:
            what = Outcome("other", str(flow.sentence[row]))
        evidence = what.evidence
        if what.name == "other" and flow.reason[row] != "converged":
            evidence = f"{evidence}; {flow.sentence[row]}"
        numbers = (float(x) if np.isfinite(x) else math.nan for x in (loss[row], residual[row], flow.time[row]))
        now, slope, time = numbers
        found.append(
            Row(seed, what.name, now, slope, index[row], time, str(flow.reason[row]), " ".join(evidence.split()))
        )
    return tuple(found)
