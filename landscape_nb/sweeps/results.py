"""Files of results: rows are added as they finish, a damaged file is refused with the line of the damage.

A file of results is refused if anything in it is damaged: every row carries a checksum. The one exception is a last line of a .csv
file without its end, which an interrupted write leaves behind: it is dropped, with a sentence, and computed again.

"""

from __future__ import annotations

import csv
import io
import json
import os
import warnings
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .rows import COLUMNS, Row

#: The layout of the files that this module writes.
RESULT_VERSION = 1


_FORMAT = "landscape_nb sweep"
_FIRST_LINE = f"# {_FORMAT}, version {{}}"


class Stored(NamedTuple):
    """The content of a results file."""

    settings: dict[str, Any]
    rows: list[Row]
    notes: tuple[str, ...]


def result_path(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix not in (".csv", ".json"):
        raise ValueError(f"a results file ends in .csv or .json; {path.name!r} was given")
    return path


def _texts(row: Row) -> list[str]:
    """The row as text that reads back to the same numbers."""
    index = "" if row.index is None else str(row.index)
    numbers = [repr(float(row.loss)), repr(float(row.residual)), index, repr(float(row.time))]
    return [str(row.seed), row.outcome, *numbers, row.reason, row.evidence]


def checksum(texts: Sequence[str]) -> str:
    return f"{zlib.crc32(chr(31).join(texts).encode()):08x}"


def _row(texts: Sequence[str], where: str) -> Row:
    """A row from its texts and their checksum; ValueError that names the place."""
    if len(texts) != len(COLUMNS) + 1:
        raise ValueError(f"{where} has {len(texts)} fields, a row has {len(COLUMNS) + 1}; {REMEDY}")
    *fields, check = texts
    if checksum(fields) != check:
        raise ValueError(f"{where} does not agree with its checksum; {REMEDY}")
    seed, name, loss, residual, index, time, reason, evidence = fields
    try:
        numbers = [float(loss), float(residual), int(index) if index else None, float(time)]
        return Row.from_values([int(seed), name, *numbers, reason, evidence])
    except ValueError as error:
        raise ValueError(f"{where} is no row of a sweep: {error}; {REMEDY}") from None


REMEDY = "restore the file, or delete what is damaged in it, or start another file"


def _line(texts: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(texts)
    return text.getvalue()


def _row_line(row: Row) -> str:
    texts = _texts(row)
    return _line([*texts, checksum(texts)])


def as_csv(settings: Mapping[str, Any], rows: Iterable[Row]) -> str:
    header = json.dumps(settings, allow_nan=False)
    first = f"{_FIRST_LINE.format(RESULT_VERSION)}\n# {checksum([header])} {header}\n"
    return first + _line([*COLUMNS, "check"]) + "".join(map(_row_line, rows))


def as_json(settings: Mapping[str, Any], rows: Iterable[Row]) -> str:
    """One row a line, so that a damaged one can be named by its line."""
    header = json.dumps(settings, allow_nan=False)
    lines = []
    for row in rows:
        texts = _texts(row)
        lines.append(json.dumps({**dict(zip(COLUMNS, row.values())), "check": checksum(texts)}, allow_nan=False))
    body = ",\n".join(lines)
    start = (
        f'"format": "{_FORMAT}", "version": {RESULT_VERSION},\n"settings": {header}, "check": "{checksum([header])}"'
    )
    return f'{{{start},\n"rows": [\n{body}\n]}}\n'


def write(path: Path, text: str) -> None:
    """Replace the file in one step: a reader sees the old or the new one, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def add_rows(path: Path, settings: Mapping[str, Any], before: Sequence[Row], rows: Sequence[Row]) -> None:
    """Add rows to the file: a .csv grows by whole lines in one write, a .json is replaced."""
    if path.suffix == ".json":
        write(path, as_json(settings, [*before, *rows]))
        return
    with open(path, "ab", buffering=0) as file:
        file.write("".join(map(_row_line, rows)).encode())
        os.fsync(file.fileno())


def opened(path: Path, settings: Mapping[str, Any]) -> Stored:
    """The rows that the file has for these settings; a new file if there is none. A torn last line is cut off."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, as_csv(settings, []) if path.suffix == ".csv" else as_json(settings, []))
        return Stored(dict(settings), [], ())
    stored = read_results(path)
    for name in settings:
        if stored.settings.get(name) != settings[name]:
            before, now = stored.settings.get(name), settings[name]
            line = 2
            whole = name in ("teacher", "data")  # too long to print
            told = f"{'another teacher' if name == 'teacher' else 'other data'}" if whole else f"{name} = {before!r}"
            asked = "" if whole else f", not {now!r}"
            raise ValueError(
                f"{path}, line {line}: this file belongs to a sweep with {told}{asked}; give it the same settings or another file"
            )
    if stored.notes:
        write(path, as_csv(settings, stored.rows))
        for note in stored.notes:
            warnings.warn(note, UserWarning, stacklevel=3)
    return stored


def read_results(path: Path) -> Stored:
    """The content of a results file; ValueError that names the file and the line of what is wrong."""
    if not path.is_file():
        raise ValueError(f"there is no results file {str(path)!r}")
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}, line {line}: it holds bytes that are no text; {REMEDY}") from None
    return _read_csv(path, text) if path.suffix == ".csv" else _read_json(path, text)


def check_version(path: Path, version: Any, line: int) -> None:
    if version != RESULT_VERSION:
        raise ValueError(
            f"{path}, line {line}: the file has the format version {version}, this is landscape_nb with version {RESULT_VERSION}; "
            "use the landscape_nb that wrote it, or another file"
        )


def header_of(path: Path, text: str, check: str, line: int) -> dict[str, Any]:
    if checksum([text]) != check:
        raise ValueError(f"{path}, line {line}: the settings do not agree with their checksum; {REMEDY}")
    return json.loads(text)


def _distinct(path: Path, rows: Sequence[tuple[int, Row]]) -> list[Row]:
    seen: dict[int, int] = {}
    for line, row in rows:
        if row.seed in seen:
            raise ValueError(
                f"{path}, line {line}: seed {row.seed} is there a second time, after line {seen[row.seed]}; {REMEDY}"
            )
        seen[row.seed] = line
    return [row for _, row in rows]


def _read_csv(path: Path, text: str) -> Stored:
    lines = text.split("\n")
    first = lines[0]
    if not first.startswith(f"# {_FORMAT}, version "):
        raise ValueError(f"{path}, line 1: this is no file of sweep results, which begins with '# {_FORMAT}, version'")
    check_version(path, int(first.split()[-1]) if first.split()[-1].isdigit() else first.split()[-1], 1)
    if len(lines) < 4 or not lines[1].startswith("# ") or lines[2] + "\n" != _line([*COLUMNS, "check"]):
        line = 2 if len(lines) < 3 or not lines[1].startswith("# ") else 3
        raise ValueError(f"{path}, line {line}: the header is damaged; {REMEDY}")
    check, _, header = lines[1][2:].partition(" ")
    settings = header_of(path, header, check, 2)
    notes: list[str] = []
    rows: list[tuple[int, Row]] = []
    for place, entry in enumerate(lines[3:], start=4):
        last = place == len(lines)
        if last and not entry:
            break
        where = f"{path}, line {place}:"
        try:
            fields = next(csv.reader([entry], strict=True), [])
            rows.append((place, _row(fields, where)))
        except (ValueError, csv.Error) as error:
            if not last:
                raise ValueError(
                    str(error) if isinstance(error, ValueError) else f"{where} {error}; {REMEDY}"
                ) from None
            notes.append(
                f"{path}, line {place}: the last line breaks off, as an interrupted write leaves it; "
                "it is dropped and its seed computed again"
            )
            break
        if last:  # complete but for its end
            notes.append(f"{path}, line {place}: the last line has no end; it is complete and kept")
    return Stored(settings, _distinct(path, rows), tuple(notes))


def _read_json(path: Path, text: str) -> Stored:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: it is no JSON: {error.msg}; {REMEDY}") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError(f'{path}, line 1: this is no file of sweep results, which has "format": "{_FORMAT}"')
    check_version(path, content.get("version"), 1)
    if not isinstance(content.get("settings"), dict) or not isinstance(content.get("rows"), list):
        raise ValueError(f"{path}, line 2: the header is damaged; {REMEDY}")
    settings = header_of(path, json.dumps(content["settings"]), str(content.get("check")), 2)
    lines = [i for i, line in enumerate(text.split("\n"), start=1) if '"seed"' in line]
    rows = []
    for place, entry in enumerate(content["rows"]):
        line = lines[place] if len(lines) == len(content["rows"]) else 1
        where = f"{path}, line {line}:"
        if not isinstance(entry, dict) or list(entry) != [*COLUMNS, "check"]:
            raise ValueError(f"{where} is no row with the fields {', '.join(COLUMNS)}, check; {REMEDY}")
        try:
            row = Row.from_values([entry[name] for name in COLUMNS])
        except ValueError as error:
            raise ValueError(f"{where} is no row of a sweep: {error}; {REMEDY}") from None
        if checksum(_texts(row)) != entry["check"]:
            raise ValueError(f"{where} does not agree with its checksum; {REMEDY}")
        rows.append((line, row))
    return Stored(settings, _distinct(path, rows), ())
