"""Hermite expansion of an activation and Mehler's formula for its kernel.

With the normalised probabilists' Hermite polynomials he_m = He_m / sqrt(m!), orthonormal under N(0, 1),

    h_m(r) = E[sigma(r x) he_m(x)],      K(r1^2, r1 r2 cos, r2^2) = sum_m h_m(r1) h_m(r2) cos^m     (Mehler)

The coefficients show what a neuron sees of a function degree by degree. As a way to compute kernels the series is only good
where it converges fast: it is a cross-check of the closed forms, not their replacement.

The quadrature is composite Gauss-Legendre on [-13, 13], split and graded at the kinks. It checks itself: the panels are halved
until the mean square and the first coefficients stay the same, and the integrand must have died out at the ends of the line.

Source: Mehler 1866.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .activation import Activation

Array = np.ndarray

_CUT = 13.0  # he_m(x) exp(-x^2/2) is below 1e-17 beyond, for every m up to several hundred
_RULE = np.polynomial.legendre.leggauss(16)
FINEST = 3  # how often the panels are halved at most
_FEW = 400  # so many terms are resolved by panels of width 1/2, some thousand by panels of width 1/4
_PROBES = 64  # coefficients compared when the panels are halved
RESOLVED = 1e-13  # a projection is good if it changes by less than this share of sqrt(E[sigma^2])


def panel_rule(breaks: Array) -> tuple[Array, Array]:
    """Composite 16-point Gauss-Legendre nodes and weights on the panels between sorted breaks, along the last axis."""
    half = 0.5 * np.diff(breaks)[..., None]
    middle = 0.5 * (breaks[..., 1:] + breaks[..., :-1])[..., None]
    shape = (*breaks.shape[:-1], -1)
    return (middle + half * _RULE[0]).reshape(shape), (half * _RULE[1]).reshape(shape)


def normal_density(x: ArrayLike) -> Array:
    """exp(-x^2/2) / sqrt(2 pi)."""
    return np.exp(-0.5 * np.square(x)) / np.sqrt(2 * np.pi)


def _line(centres: tuple[float, ...], level: int, low: float = -_CUT) -> tuple[Array, Array]:
    """Nodes on [low, 13], graded towards the centres, panels halved level times, and the weights of the normal density."""
    graded = 2.0 ** np.arange(-24.0, 0.0)
    near = [centre + side * graded for centre in centres for side in (-1.0, 1.0)]
    breaks = np.unique(np.clip(np.concatenate([np.arange(-_CUT, _CUT + 0.25, 0.5), *near, centres]), low, _CUT))
    for _ in range(level):
        breaks = np.sort(np.concatenate([breaks, 0.5 * (breaks[1:] + breaks[:-1])]))
    x, weight = panel_rule(breaks)
    return x, weight * normal_density(x)


def _polynomials(x: Array, terms: int) -> Array:
    """he_0 .. he_{terms - 1} at the nodes x, shape (x.size, terms), by the three-term recurrence."""
    table = np.empty((terms, x.size))
    before, current = np.zeros_like(x), np.ones_like(x)
    for m in range(terms):
        table[m] = current
        before, current = current, (x * current - np.sqrt(m) * before) / np.sqrt(m + 1)
    return table.T


@lru_cache(maxsize=8)
def _half_line(terms: int, level: int) -> tuple[Array, Array, Array, Array]:
    """Nodes x > 0 graded towards 0, their weights, and the matrices weight * he_m(x) of the even and of the odd degrees.

    For functions with a kink at 0 at most: all norms share the nodes, and parity halves them.
    """
    x, weight = _line((0.0,), level, 0.0)
    table = weight[:, None] * _polynomials(x, terms)
    return x, weight, np.ascontiguousarray(table[:, ::2]), np.ascontiguousarray(table[:, 1::2])


def project(
    function: Callable[[Array], Array], norms: Array, terms: int, kinks: tuple[float, ...] = (), level: int = 0
) -> tuple[Array, Array]:
    """E[function(r x) he_m(x)] for m < terms and each r in norms, shape norms.shape + (terms,), and sqrt(E[function(r x)^2])."""
    flat = np.asarray(norms, dtype=float).ravel()
    rows, squares = np.empty((flat.size, terms)), np.empty(flat.size)
    level += terms > _FEW  # he_m oscillates with the frequency sqrt(m)
    if all(kink == 0.0 for kink in kinks):
        x, weight, even, odd = _half_line(terms, level)
        for start in range(0, flat.size, 256):  # a few megabytes at a time
            part = slice(start, start + 256)
            z = flat[part, None] * x
            right, left = function(z), function(-z)
            rows[part, ::2], rows[part, 1::2] = (right + left) @ even, (right - left) @ odd
            squares[part] = (right**2 + left**2) @ weight
    else:
        for i, r in enumerate(flat):
            x, weight = _line((0.0, *(kink / r for kink in kinks if abs(kink) < _CUT * r)), level)
            values = function(r * x)
            rows[i], squares[i] = (weight * values) @ _polynomials(x, terms), weight @ values**2
    shape = np.shape(norms)
    return rows.reshape(*shape, terms), np.sqrt(squares).reshape(shape)


def settled_level(
    function: Callable[[Array], Array], norm: float, terms: int, kinks: tuple[float, ...] = ()
) -> tuple[int, float, str]:
    """How fine the panels must be for norms up to this one: (level, change, reason).

    change : by how much mean square and coefficients still move when the panels are halved once more, as a share of
    sqrt(E[function^2]), or how much of the integrand the ends of the line cut off, as a share of E|function|. reason : in
    words, "" if change <= ``RESOLVED``.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        rows, size = project(function, np.array(norm), _PROBES, kinks, 0)
        ends = np.abs(function(np.array([-_CUT, _CUT]) * norm)).max()
        cut_off = float(ends * normal_density(_CUT) * np.abs(_polynomials(np.array([_CUT]), terms)).max())
        mean = float(project(lambda z: np.abs(function(z)), np.array(norm), 1, kinks)[0][0])
        if not cut_off <= RESOLVED * mean:
            return FINEST, cut_off / mean, "it grows too fast"
        change = np.inf
        for level in range(FINEST + 1):
            finer, finer_size = project(function, np.array(norm), _PROBES, kinks, level + 1)
            change = max(np.abs(finer - rows).max(), abs(finer_size - size)) / max(finer_size, 1e-300)
            if change <= RESOLVED:
                return level, float(change), ""
            rows, size = finer, finer_size
    return FINEST, float(change), "it varies too fast, or has kinks that were not declared"


def checked_norms(norm: ArrayLike, terms: int) -> Array:
    """The norms as an array; ValueError unless they are finite and >= 0 and terms lies between 1 and 1000."""
    norms = np.asarray(norm, dtype=float)
    if not (np.isfinite(norms).all() and (norms >= 0).all()):
        raise ValueError(f"a norm must be a finite number >= 0; norm = {norm!r} was given")
    if not 1 <= terms <= 1000:
        raise ValueError(f"terms must lie between 1 and 1000; terms = {terms!r} was given")
    return norms


def hermite_coefficients(activation: Activation, norm: ArrayLike, terms: int) -> Array:
    """h_m(r) = E[sigma(r x) He_m(x)] / sqrt(m!), m < terms, for each norm r >= 0; shape norm.shape + (terms,).

    Raises ValueError where sigma grows or varies too fast for the quadrature at the largest norm.
    """
    norms = checked_norms(norm, terms)
    largest = float(norms.max(initial=0.0))
    level, _, reason = settled_level(activation, largest, terms, activation.kinks)
    if reason:
        raise ValueError(
            f"the Hermite coefficients of {activation.name} are out of reach at norm {largest:.6g} with {terms} terms: "
            f"{reason}; a smaller norm would do"
        )
    coefficients, _ = project(activation, norms, terms, activation.kinks, level)
    # exact zeros of odd and even functions instead of rounding noise
    if activation.odd:
        coefficients[..., ::2] = 0.0
    if activation.even:
        coefficients[..., 1::2] = 0.0
    return coefficients


def mehler_kernel(activation: Activation, s: ArrayLike, c: ArrayLike, t: ArrayLike, terms: int = 400) -> Array:
    """sum_{m < terms} h_m(sqrt s) h_m(sqrt t) cos^m with cos = c / sqrt(st).

    Raises ValueError where the series does not reach 1e-12 in a few hundred terms: it needs |cos| <= 0.9, or norms <= 1 and
    an activation without kinks, and at the long norms of exp its summands grow first and cancel.
    """
    s, c, t, _ = activation._checked(s, c, t, None)
    first, second = np.sqrt(s), np.sqrt(t)
    size = first * second
    cosine = np.divide(c, size, out=np.zeros_like(size), where=size > 0)
    short = (np.maximum(first, second) <= 1.0 + 1e-12) & (len(activation.kinks) == 0)
    if not np.all(short | (np.abs(cosine) <= 0.9 + 1e-12)):
        worst = np.abs(np.where(short, 0.0, cosine)).max()
        condition = "cosines <= 0.9" if activation.kinks else "norms <= 1 or cosines <= 0.9"
        raise ValueError(
            f"the Hermite series of {activation.name} converges fast for {condition}; "
            f"a cosine of {worst:.6g} was given: use kernel(s, c, t)"
        )
    norms, inverse = np.unique(np.stack([first, second]), return_inverse=True)
    table = activation.hermite_coefficients(norms, terms)
    rows = inverse.reshape((2, *first.shape))
    powers = cosine[..., None] ** np.arange(terms)
    with np.errstate(over="ignore", invalid="ignore"):
        summands = table[rows[0]] * table[rows[1]] * powers
        value = np.sum(summands, axis=-1)
    sizes, scale = np.abs(summands), np.maximum(1.0, np.abs(value))
    cancelled = np.finfo(float).eps * sizes.sum(axis=-1)
    unfinished = sizes[..., -8:].max(axis=-1, initial=0.0) if terms >= 400 else 0.0
    if not np.all(np.maximum(cancelled, unfinished) <= 1e-12 * scale):
        raise ValueError(
            f"the Hermite series of {activation.name} converges too slowly at these norms, or loses its digits by cancellation: "
            "use kernel(s, c, t)"
        )
    return value[()]
