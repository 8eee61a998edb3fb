"""A sweep: the outcome of gradient flow for each of many seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from ..display import number, table
from ..landscapes import PopulationLandscape, SampledLandscape
from .executors import progress_bar, work
from .outcomes import is_regular
from .results import Stored, add_rows, as_csv, as_json, opened, read_results, result_path, write
from .rows import Row, Settings, checked_seeds, start_law


class Sweep(Sequence[Row]):
    """The rows of a sweep in the order of its seeds.

    settings : what they depend on, as in a results file. missing : seeds that were not done when it was interrupted. notes : sentences
    about the results file.
    """

    def __init__(
        self, settings: Mapping[str, Any], rows: Iterable[Row], missing: Iterable[int] = (), notes: Iterable[str] = ()
    ) -> None:
        self.settings = dict(settings)
        self.rows = tuple(rows)
        self.missing = tuple(missing)
        self.notes = tuple(notes)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Any) -> Any:
        return self.rows[place]

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in self.counts().items()) or "no rows"
        left = f"; interrupted, {len(self.missing)} seeds to do" if self.missing else ""
        return f"Sweep({told}{left})"

    def counts(self, kinds: bool = False) -> dict[str, int]:
        """Outcome -> number of seeds, the most frequent first. kinds : without types in brackets."""
        return counted(self.rows, kinds)

    def table(self) -> str:
        """The outcomes as text: how many seeds, their losses, indices and reasons."""
        rows: list[tuple[str, ...]] = []
        for name, count in self.counts().items():
            here = [row for row in self.rows if row.outcome == name]
            losses = [row.loss for row in here]
            spread = max(losses) - min(losses) <= 1e-9 * max(1.0, abs(max(losses)))
            loss = _loss_text(losses[0]) if spread else f"{_loss_text(min(losses))} to {_loss_text(max(losses))}"
            indices = sorted({"-" if row.index is None else str(row.index) for row in here})
            rows.append((name, str(count), loss, ", ".join(indices), ", ".join(sorted({row.reason for row in here}))))
        return table(("outcome", "seeds", "loss", "index", "reason"), rows)

    def exceptions(self) -> tuple[Row, ...]:
        """The rows that are neither copies, copy-averages nor perturbed copies; their evidence says why.

        On samples, those that are neither minima, plateaus nor channels.
        """
        return tuple(row for row in self.rows if not is_regular(row.outcome, sampled="data" in self.settings))

    def save(self, path: str | Path) -> Path:
        """Write a .csv or .json file that ``sweep`` resumes from."""
        path = result_path(path)
        write(path, as_csv(self.settings, self.rows) if path.suffix == ".csv" else as_json(self.settings, self.rows))
        return path

    @classmethod
    def load(cls, path: str | Path) -> Sweep:
        """Read a file that a sweep has written, rows in the order of the seeds; ValueError in one sentence if it is damaged."""
        stored = read_results(result_path(path))
        return cls(stored.settings, sorted(stored.rows, key=lambda row: row.seed), (), stored.notes)


def counted(rows: Iterable[Row], kinds: bool) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        name = row.kind if kinds else row.outcome
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _loss_text(loss: float) -> str:
    return "< 1e-12" if abs(loss) < 1e-12 else number(loss, 9)


def sweep(
    landscape: PopulationLandscape | SampledLandscape,
    n: int,
    seeds: Iterable[int],
    *,
    start: str = "glorot",
    t_max: float = 1.5e6,
    executor: Executor | str | int | None = None,
    results: str | Path | None = None,
    progress: bool | Callable[[float], None] = True,
    batch: int | None = None,
) -> Sweep:
    """Gradient flow of n neurons from one start for each seed, and what it ends in: one row for each seed.

    landscape : a PopulationLandscape, or a SampledLandscape, whose end points are minima, plateaus, saddles or channels. seeds : whole
    numbers, for example range(20). start : "glorot" or "normal", "glorot:0.1" for a tenth of it; see ``starts``. t_max : of
    theta' = -grad L. executor : None for this process, a number of processes or "processes" for as many as there are cores (one BLAS
    thread each), or any ``concurrent.futures.Executor``, for example ``client.get_executor()`` of dask.
    results : a .csv or .json file into which rows are written as they finish; seeds that it has are not computed again. progress : True for
    a bar, False for none, or a function of the share done; if that raises ``flows.Interrupted`` the sweep stops as with Ctrl-C: it returns
    the rows that are done and names the others in ``missing``. batch : how many seeds flow together.

    Raises ValueError for wrong input, and for a results file that is damaged or belongs to another sweep.
    """
    settings = checked_settings(landscape, n, start, t_max)
    wanted = checked_seeds(seeds)
    path = None if results is None else result_path(results)
    stored = Stored(settings.as_json(), [], ())
    if path is not None:
        stored = opened(path, settings.as_json())
    rows = {row.seed: row for row in stored.rows}
    todo = tuple(seed for seed in wanted if seed not in rows)

    def take(_: Settings, found: tuple[Row, ...]) -> None:
        if path is not None:
            add_rows(path, settings.as_json(), [*rows.values()], found)
        rows.update((row.seed, row) for row in found)

    with progress_bar(progress, len(todo), f"{landscape.activation.name} n={n} {settings.against}") as show:
        work([(settings, todo)], executor, batch, take, show)
    missing = [seed for seed in wanted if seed not in rows]
    return Sweep(settings.as_json(), [rows[seed] for seed in wanted if seed in rows], missing, stored.notes)


def checked_settings(landscape: PopulationLandscape | SampledLandscape, n: int, start: str, t_max: float) -> Settings:
    if not isinstance(landscape, (PopulationLandscape, SampledLandscape)):
        raise ValueError(
            "a sweep takes a PopulationLandscape, whose end points have closed forms, or a SampledLandscape; "
            f"{landscape!r:.60} was given"
        )
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"n is the number of student neurons, at least 1; n = {n!r} was given")
    start_law(start)
    if (
        isinstance(t_max, bool)
        or not isinstance(t_max, (int, float, np.number))
        or not (math.isfinite(t_max) and t_max > 0)
    ):
        raise ValueError(f"t_max is a finite time > 0; t_max = {t_max!r} was given")
    return Settings(landscape, int(n), str(start), float(t_max))
