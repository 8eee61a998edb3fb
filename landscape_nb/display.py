"""Numbers as text: rounded to what is certain, the same on every machine, never -0.0000."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Rounding errors that accumulate in an eigenvalue, relative to the largest one.
_NOISE = 1e-13


def number(value: float, digits: int = 6, scale: float = 0.0) -> str:
    """``value`` with this many significant digits, fewer where ``scale`` (the size of the data) makes them uncertain.

    Zero, and everything below 1e-13 of the scale, is "0"; infinities are "inf" and "-inf".
    """
    value = float(value)
    if not np.isfinite(value):
        return str(value)
    if abs(value) <= max(_NOISE * scale, 1e-300):
        return "0"
    if scale > 0:
        certain = int(np.floor(np.log10(abs(value)) - np.log10(max(_NOISE * scale, 1e-300))))
        digits = max(1, min(digits, certain))
    rounded = f"{value:.{digits}g}"
    if "e" in rounded:
        mantissa, exponent = rounded.split("e")
        return f"{mantissa}e{int(exponent)}"
    return rounded


def vector(values: ArrayLike, digits: int = 6) -> str:
    """(1, 0.5, 0) with the same number of decimals' worth of certainty in each entry."""
    values = np.asarray(values, dtype=float)
    scale = float(np.abs(values).max(initial=0.0))
    return "(" + ", ".join(number(value, digits, scale) for value in values) + ")"


def below(value: float, bounds: tuple[float, ...] = (1e-12, 1e-9, 1e-6, 1e-3)) -> str:
    """A residual as "< 1e-12": the smallest bound it stays under, so that rounding noise does not show."""
    for bound in bounds:
        if abs(value) < bound:
            return f"< {bound:.0e}".replace("e-0", "e-")
    return number(value, 2)


def grouped(spectrum: ArrayLike, tolerance: float = 1e-9) -> list[tuple[float, int]]:
    """Eigenvalues in ascending order with their multiplicities; equal means equal to this share of the largest.

    What is rounding noise beside the largest is 0, as in ``number``, so that zeros make one group.
    """
    values = np.asarray(spectrum, dtype=float)
    scale = float(np.abs(values).max(initial=0.0))
    values = np.sort(np.where(np.abs(values) <= _NOISE * scale, 0.0, values))
    groups: list[list[float]] = []
    for value in values:
        near = groups and abs(value - groups[-1][-1]) <= tolerance * min(
            scale, max(abs(value), abs(groups[-1][-1])) * 1e3
        )
        if near:
            groups[-1].append(float(value))
        else:
            groups.append([float(value)])
    return [(float(np.mean(group)), len(group)) for group in groups]


def eigenvalues(spectrum: ArrayLike, digits: int = 6) -> str:
    """ "0.000846832, 23.684, 28.5014 (x4), 28.7922"."""
    scale = float(np.abs(np.asarray(spectrum, dtype=float)).max(initial=0.0))
    parts = []
    for value, count in grouped(spectrum):
        parts.append(number(value, digits, scale) + (f" (x{count})" if count > 1 else ""))
    return ", ".join(parts)


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A plain text table: columns aligned, numbers as given."""
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [header, *rows]
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
