"""Phase diagrams: the shares of outcomes for each number of students and teachers, computed or stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..activations import Activation
from ..display import table
from ..landscapes import PopulationLandscape
from ..networks import orthonormal_teacher
from .executors import progress_bar, work
from .outcomes import REGULAR, is_regular
from .over_seeds import checked_settings, counted
from .results import REMEDY, RESULT_VERSION, check_version, checksum, header_of, write
from .rows import COLUMNS, FLOW_TOLERANCES, Row, Settings, checked_seeds

Pair = tuple[int, int]
_PHASES = "landscape_nb phase diagram"
_TEACHER = "k orthonormal neurons of weight 1 in d = k + 1 dimensions"


class PhaseDiagram(Mapping[Pair, tuple[Row, ...]]):
    """(n, k) -> the rows of a sweep of n neurons against k orthonormal teachers in d = k + 1 dimensions.

    provenance : activation, seeds, start, t_max, tolerances, the version that computed it and the date given to it.
    missing : pairs whose seeds were not all done when it was interrupted, with these seeds.
    """

    def __init__(
        self,
        provenance: Mapping[str, Any],
        cells: Mapping[Pair, Iterable[Row]],
        missing: Mapping[Pair, Iterable[int]] | None = None,
    ) -> None:
        self.provenance = dict(provenance)
        self._cells = {pair: tuple(rows) for pair, rows in sorted(cells.items(), key=lambda item: item[0][::-1])}
        self.missing = {pair: tuple(seeds) for pair, seeds in (missing or {}).items()}

    def __getitem__(self, pair: Pair) -> tuple[Row, ...]:
        return self._cells[pair]

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __repr__(self) -> str:
        seeds = sum(map(len, self._cells.values()))
        left = f", interrupted with {sum(map(len, self.missing.values()))} seeds to do" if self.missing else ""
        return f"PhaseDiagram({self.provenance['activation']}, {len(self)} pairs (n, k), {seeds} seeds{left})"

    def counts(self, kinds: bool = True) -> dict[Pair, dict[str, int]]:
        """(n, k) -> outcome -> number of seeds. kinds : without types in brackets."""
        return {pair: counted(rows, kinds) for pair, rows in self._cells.items()}

    def shares(self, kinds: bool = True) -> dict[Pair, dict[str, float]]:
        """(n, k) -> outcome -> share of the seeds that are done. Pairs without a seed are left out."""
        return {
            pair: {name: count / len(self._cells[pair]) for name, count in found.items()}
            for pair, found in self.counts(kinds).items()
            if found
        }

    def table(self) -> str:
        """The number of seeds of each kind of outcome for each pair, as text."""
        found = self.counts()
        names = sorted({name for counts in found.values() for name in counts})
        names.sort(key=lambda name: REGULAR.index(name) if name in REGULAR else len(REGULAR))
        rows = [(str(k), str(n), *(str(found[n, k].get(name, "")) for name in names)) for n, k in found]
        return table(("k", "n", *names), rows)

    def exceptions(self) -> dict[Pair, tuple[Row, ...]]:
        """(n, k) -> the rows that are neither copies, copy-averages nor perturbed copies."""
        found = {pair: tuple(row for row in rows if not is_regular(row.outcome)) for pair, rows in self._cells.items()}
        return {pair: rows for pair, rows in found.items() if rows}

    def save(self, path: str | Path) -> Path:
        """Write the .json file that ``phase_diagram`` resumes from."""
        path = _phases_path(path)
        write(path, _phases_text(self.provenance, self._cells))
        return path

    @classmethod
    def load(cls, path: str | Path) -> PhaseDiagram:
        """Read a stored phase diagram; ValueError in one sentence if it is damaged."""
        return cls(*_read_phases(_phases_path(path)))


def phase_diagram(
    activation: Activation,
    pairs: Iterable[Pair | int],
    seeds: Iterable[int],
    *,
    start: str = "glorot",
    t_max: float = 1.5e6,
    executor: Executor | str | int | None = None,
    results: str | Path | None = None,
    progress: bool | Callable[[float], None] = True,
    batch: int | None = None,
    date: str = "",
) -> PhaseDiagram:
    """What gradient flow ends in for each pair (n, k): a sweep against k orthonormal teachers in d = k + 1 dimensions.

    pairs : of student and teacher neurons; a number k stands for all (n, k) with n <= k. results : a .json file that grows while the
    work goes on; what it has is not computed again, pairs that were not asked for stay in it. date : written into the provenance.
    The other arguments are those of ``sweep``.
    """
    wanted = _pairs(pairs)
    asked = checked_seeds(seeds)
    every: dict[Pair, Settings] = {}
    for n, k in wanted:
        every[n, k] = checked_settings(PopulationLandscape(activation, orthonormal_teacher(k, k + 1)), n, start, t_max)
    provenance = {
        "landscape_nb": _package_version(),
        "date": date,
        "activation": activation.name,
        "teacher": _TEACHER,
        "seeds": sorted(asked),
        "start": str(start),
        "t_max": float(t_max),
        **FLOW_TOLERANCES,
    }
    path = None if results is None else _phases_path(results)
    cells: dict[Pair, dict[int, Row]] = {}
    if path is not None and path.exists():
        stored, found = _read_phases(path)
        for name in ("activation", "teacher", "start", "t_max", *FLOW_TOLERANCES):
            if stored.get(name) != provenance[name]:
                raise ValueError(
                    f"{path}, line 2: this file belongs to a phase diagram with {name} = {stored.get(name)!r}, not {provenance[name]!r}; "
                    "give it the same settings or another file"
                )
        cells = {pair: {row.seed: row for row in rows} for pair, rows in found.items()}
        same = all(set(asked) <= cells.get(pair, {}).keys() for pair in wanted)
        known = {seed for rows in found.values() for seed in (row.seed for row in rows)}
        provenance = stored if same else {**provenance, "seeds": sorted(known.union(asked))}
    for pair in wanted:
        cells.setdefault(pair, {})
    todo = [(every[pair], tuple(seed for seed in asked if seed not in cells[pair])) for pair in wanted]
    todo = [(settings, left) for settings, left in todo if left]

    def take(settings: Settings, found: tuple[Row, ...]) -> None:
        cells[settings.n, settings.teachers].update((row.seed, _brief(row)) for row in found)
        if path is not None:
            write(path, _phases_text(provenance, {pair: rows.values() for pair, rows in cells.items() if rows}))

    with progress_bar(progress, sum(len(left) for _, left in todo), f"{activation.name} phase diagram") as show:
        work(todo, executor, batch, take, show)
    chosen = {pair: [cells[pair][seed] for seed in asked if seed in cells[pair]] for pair in wanted}
    missing = {pair: left for pair in wanted if (left := [seed for seed in asked if seed not in cells[pair]])}
    return PhaseDiagram(provenance, chosen, missing)


def stored_phase_diagram(activation: str = "erf") -> PhaseDiagram:
    """The phase diagram that comes with the package; ValueError where there is none for this activation.

    The one of erf has all pairs n <= k for k = 2..10 and 20 seeds each: ``phase_diagram(ERF, range(2, 11), range(20), results=FILE,
    date=DATE)``.
    """
    folder = Path(__file__).parents[1] / "data"
    path = folder / f"phase_diagram_{activation}.json"
    if not path.is_file():
        known = ", ".join(
            sorted(file.stem.removeprefix("phase_diagram_") for file in folder.glob("phase_diagram_*.json"))
        )
        raise ValueError(
            f"no phase diagram of {activation!r} comes with the package (there are: {known or 'none'}); phase_diagram(...) computes one"
        )
    return PhaseDiagram.load(path)


def _package_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("landscape_nb")
    except PackageNotFoundError:  # a source tree that nobody installed
        return "0+unknown"


def _pairs(pairs: Iterable[Pair | int]) -> tuple[Pair, ...]:
    found: list[Pair] = []
    for entry in pairs:
        if isinstance(entry, (int, np.integer)) and not isinstance(entry, bool) and entry >= 1:
            found += [(n, int(entry)) for n in range(1, int(entry) + 1)]
            continue
        try:
            n, k = entry  # type: ignore[misc]
        except (TypeError, ValueError):
            n, k = 0, 0
        if not all(isinstance(m, (int, np.integer)) and not isinstance(m, bool) and m >= 1 for m in (n, k)):
            raise ValueError(f"pairs are (n, k) of whole numbers of at least 1, or numbers k; {entry!r:.60} was given")
        found.append((int(n), int(k)))
    return tuple(dict.fromkeys(found))


def _brief(row: Row) -> Row:
    """The row as it is stored: the loss to 13 digits, the time to six, the residual to two, evidence of what is no closed form only."""
    evidence = "" if is_regular(row.outcome) else row.evidence
    loss = float(f"{row.loss:.13g}")
    return replace(
        row, loss=loss, residual=float(f"{row.residual:.1e}"), time=float(f"{row.time:.6g}"), evidence=evidence
    )


def _phases_path(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix != ".json":
        raise ValueError(f"the file of a phase diagram ends in .json; {path.name!r} was given")
    return path


def _phases_text(provenance: Mapping[str, Any], cells: Mapping[Pair, Iterable[Row]]) -> str:
    """One pair a line."""
    lines = []
    for (n, k), rows in sorted(cells.items(), key=lambda item: item[0][::-1]):
        ordered = sorted(rows, key=lambda row: row.seed)
        values = [row.values() for row in ordered]
        text = json.dumps(values, allow_nan=False, separators=(",", ":"))
        lines.append(f'{{"n": {n}, "k": {k}, "check": "{checksum([str(n), str(k), text])}", "rows": {text}}}')
    header = json.dumps(provenance, allow_nan=False)
    body = ",\n".join(lines)
    start = (
        f'"format": "{_PHASES}", "version": {RESULT_VERSION},\n"provenance": {header}, "check": "{checksum([header])}"'
    )
    return f'{{{start},\n"columns": {json.dumps(COLUMNS)},\n"cells": [\n{body}\n]}}\n'


def _row(values: Any, where: str) -> Row:
    try:
        return Row.from_values(values)
    except ValueError as error:
        raise ValueError(f"{where} holds what is no row of a sweep: {error}; {REMEDY}") from None


def _read_phases(path: Path) -> tuple[dict[str, Any], dict[Pair, list[Row]]]:
    if not path.is_file():
        raise ValueError(f"there is no file of a phase diagram {str(path)!r}")
    try:
        text = path.read_bytes().decode()
        content = json.loads(text)
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}, line {line}: it holds bytes that are no text; {REMEDY}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: it is no JSON: {error.msg}; {REMEDY}") from None
    if not isinstance(content, dict) or content.get("format") != _PHASES:
        raise ValueError(f'{path}, line 1: this is no phase diagram, which has "format": "{_PHASES}"')
    check_version(path, content.get("version"), 1)
    if not isinstance(content.get("provenance"), dict) or not isinstance(content.get("cells"), list):
        raise ValueError(f"{path}, line 2: the header is damaged; {REMEDY}")
    provenance = header_of(path, json.dumps(content["provenance"]), str(content.get("check")), 2)
    lines = [i for i, line in enumerate(text.split("\n"), start=1) if '"rows"' in line]
    cells: dict[Pair, list[Row]] = {}
    for place, cell in enumerate(content["cells"]):
        where = f"{path}, line {lines[place] if len(lines) == len(content['cells']) else 1}:"
        try:
            n, k, values = cell["n"], cell["k"], cell["rows"]
            dumped = json.dumps(values, separators=(",", ":"))
            if checksum([str(n), str(k), dumped]) != cell["check"]:
                raise ValueError(f"{where} does not agree with its checksum; {REMEDY}")
            if (n, k) in cells:
                raise ValueError(f"{where} the pair n = {n}, k = {k} is there a second time; {REMEDY}")
            cells[n, k] = [_row(row, where) for row in values]
        except (TypeError, KeyError):
            raise ValueError(f"{where} is no pair of a phase diagram; {REMEDY}") from None
    return provenance, cells
