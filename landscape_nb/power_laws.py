r"""Power laws along a flow, and what hides them.

The measures of a power law v(t) = A t^p + B, of which B hides p for long:

    local exponent      d log v / d log t                    tends to p only like t^-p if B != 0 and p > 0
    decade exponent     the slope of log10(v(10 t) - v(t)) over log10 t: B is gone
    fit                 A and B by least squares for a p that is known

Source: derived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray


class PowerFit(NamedTuple):
    """v = amplitude t^exponent + offset; error : the largest difference, relative to the largest |v|."""

    amplitude: float
    offset: float
    exponent: float
    error: float


def _columns(times: ArrayLike, values: ArrayLike, least: int) -> tuple[Array, Array]:
    times, values = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    fine = times.ndim == 1 and times.shape == values.shape and len(times) >= least
    if not fine or not (times > 0).all() or not (np.diff(times) > 0).all() or not np.isfinite(values).all():
        raise ValueError(
            f"a power law is measured at no fewer than {least} ascending times > 0, with a finite value at each; "
            f"the shapes {times.shape} and {values.shape} were given"
        )
    return times, values


def local_exponents(times: ArrayLike, values: ArrayLike) -> Array:
    """d log v / d log t at each time by second-order differences, shape (T,); values > 0."""
    times, values = _columns(times, values, 3)
    if not (values > 0).all():
        raise ValueError(f"local exponents need values > 0; the smallest is {values.min():.6g}")
    return np.gradient(np.log(values), np.log(times), edge_order=2)


def decade_exponent(times: ArrayLike, values: ArrayLike) -> float:
    """p of v = A t^p + B from the increments of v over whole decades, counted back from the last time.

    The least-squares slope of log10 |v(10 t) - v(t)| over log10 t; needs two decades, in which v only grows or only falls. Values at
    whole decades are interpolated by a cubic spline in log t.
    """
    from scipy.interpolate import CubicSpline

    times, values = _columns(times, values, 4)
    logs = np.log10(times)
    decades = int(np.floor(logs[-1] - logs[0] + 1e-9))
    if decades < 2:
        raise ValueError(
            f"a decade exponent needs two decades of time; from {times[0]:g} to {times[-1]:g} there are "
            f"{logs[-1] - logs[0]:.2f}"
        )
    places = np.clip(logs[-1] - np.arange(decades, -1, -1.0), logs[0], logs[-1])
    increments = np.diff(CubicSpline(logs, values)(places))
    if not ((increments > 0).all() or (increments < 0).all()):
        raise ValueError("a decade exponent needs values that only grow or only fall; these do both, or neither")
    return float(np.polyfit(np.arange(decades), np.log10(np.abs(increments)), 1)[0])


def fit_power(times: ArrayLike, values: ArrayLike, exponent: float) -> PowerFit:
    """A and B of v = A t^p + B by least squares over the times given, for this p."""
    times, values = _columns(times, values, 2)
    if not np.isfinite(exponent) or exponent == 0:
        raise ValueError(f"the exponent must be a finite number other than 0; {exponent!r} was given")
    powers = times**exponent
    size = np.abs(powers).max()
    (amplitude, offset), *_ = np.linalg.lstsq(
        np.stack([powers / size, np.ones_like(powers)], axis=1), values, rcond=None
    )
    error = np.abs(amplitude * powers / size + offset - values).max() / max(np.abs(values).max(), 1e-300)
    return PowerFit(float(amplitude / size), float(offset), float(exponent), float(error))
