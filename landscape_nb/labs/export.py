"""The data behind a picture as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: The layout of exported JSON.
VERSION = 1
#: A named table: its columns, all of one length.
Table = Mapping[str, Sequence[Any] | np.ndarray]
Tables = Mapping[str, Table]


def as_csv(tables: Tables, name: str) -> str:
    """One table with a line of names above; numbers with all digits."""
    if name not in tables:
        raise ValueError(f"there is no table {name!r}; the tables here are {', '.join(tables)}")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [_plain(column) for column in tables[name].values()]
    writer.writerow(tables[name])
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def as_json(lab: str, code: str, state: Mapping[str, Any], summary: str, tables: Tables) -> str:
    """Everything: the lab, its parameters and code, its text, and all tables by columns."""
    content = {
        "format": "landscape_nb lab",
        "version": VERSION,
        "lab": lab,
        "code": code,
        "parameters": dict(state),
        "summary": summary,
        "tables": {
            name: {column: _finite(_plain(values)) for column, values in table.items()}
            for name, table in tables.items()
        },
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(values: Any) -> list[Any]:
    """A column as Python numbers and words."""
    array = np.asarray(values)
    return array.tolist() if array.dtype != object else list(values)


def _finite(values: list[Any]) -> list[Any]:
    """JSON has no infinities: they become words."""
    return [str(value) if isinstance(value, float) and not np.isfinite(value) else value for value in values]
