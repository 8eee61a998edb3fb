"""Hermite expansion of an activation and Mehler's formula for its kernel.

With the normalised probabilists' Hermite polynomials he_m = He_m / sqrt(m!), orthonormal under N(0, 1),

    h_m(r) = E[sigma(r x) he_m(x)],      K(r1^2, r1 r2 cos, r2^2) = sum_m h_m(r1) h_m(r2) cos^m     (Mehler)

The coefficients show what a neuron sees of a function degree by degree. As a way to compute kernels the series is only good
where it converges fast: it is a cross-check of the closed forms, not their replacement.

Source: Mehler 1866; coefficients by composite Gauss-Legendre quadrature split and graded at the kinks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from .activation import Activation, Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_CUT = 13.0  # he_m(x) exp(-x^2/2) is below 1e-17 beyond, for every m up to several hundred
_RULE = np.polynomial.legendre.leggauss(16)


def panel_rule(breaks: Array) -> tuple[Array, Array]:
    """Composite 16-point Gauss-Legendre nodes and weights on the panels between sorted breaks."""
    half = 0.5 * np.diff(breaks)[:, None]
    middle = 0.5 * (breaks[1:] + breaks[:-1])[:, None]
    return (middle + half * _RULE[0]).ravel(), (half * _RULE[1]).ravel()


def _line(centres: tuple[float, ...]) -> tuple[Array, Array]:
    """Nodes on [-13, 13], graded towards the centres, and the weights of the standard normal density."""
    graded = 2.0 ** np.arange(-24.0, 0.0)
    near = [centre + side * graded for centre in centres for side in (-1.0, 1.0)]
    breaks = np.unique(np.clip(np.concatenate([np.linspace(-_CUT, _CUT, 105), *near, centres]), -_CUT, _CUT))
    x, weight = panel_rule(breaks)
    return x, weight * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


def _polynomials(x: Array, terms: int) -> Array:
    """he_0 .. he_{terms - 1} at the nodes x, shape (x.size, terms), by the three-term recurrence."""
    table = np.empty((terms, x.size))
    before, current = np.zeros_like(x), np.ones_like(x)
    for m in range(terms):
        table[m] = current
        before, current = current, (x * current - np.sqrt(m) * before) / np.sqrt(m + 1)
    return table.T


@cache
def _standard_line(terms: int) -> tuple[Array, Array]:
    """Nodes graded towards 0 and the matrix weight * he_m(node), shared by all norms of functions with a kink at 0 at most."""
    x, weight = _line((0.0,))
    return x, weight[:, None] * _polynomials(x, terms)


def project(function: Callable[[Array], Array], norms: Array, terms: int, kinks: tuple[float, ...] = ()) -> Array:
    """E[function(r x) he_m(x)] for m < terms and each r in norms, shape norms.shape + (terms,)."""
    flat = np.asarray(norms, dtype=float).ravel()
    if all(kink == 0.0 for kink in kinks):
        x, table = _standard_line(terms)
        rows = function(flat[:, None] * x) @ table
    else:
        rows = np.empty((flat.size, terms))
        for i, r in enumerate(flat):
            inside = tuple(kink / r for kink in kinks if abs(kink) < _CUT * r)
            x, weight = _line((0.0, *inside))
            rows[i] = (weight * function(r * x)) @ _polynomials(x, terms)
    return rows.reshape(*np.shape(norms), terms)


def hermite_coefficients(activation: Activation, norm: ArrayLike, terms: int) -> Array:
    """h_m(r) = E[sigma(r x) He_m(x)] / sqrt(m!), m < terms, for each norm r >= 0; shape norm.shape + (terms,)."""
    norms = np.asarray(norm, dtype=float)
    if not (np.isfinite(norms).all() and (norms >= 0).all()):
        raise ValueError(f"a norm must be a finite number >= 0; norm = {norm!r} was given")
    if not 1 <= terms <= 1000:
        raise ValueError(f"terms must lie between 1 and 1000; terms = {terms!r} was given")
    coefficients = project(activation, norms, terms, activation.kinks)
    # exact zeros of odd and even functions instead of rounding noise
    if activation.odd:
        coefficients[..., ::2] = 0.0
    if activation.even:
        coefficients[..., 1::2] = 0.0
    return coefficients


def mehler_kernel(activation: Activation, s: ArrayLike, c: ArrayLike, t: ArrayLike, terms: int = 400) -> Array:
    """sum_{m < terms} h_m(sqrt s) h_m(sqrt t) cos^m with cos = c / sqrt(st).

    Raises ValueError where the series does not reach 1e-12 in a few hundred terms: it needs |cos| <= 0.9, or norms <= 1 and
    an activation without kinks.
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
    table = hermite_coefficients(activation, norms, terms)
    rows = inverse.reshape((2, *first.shape))
    powers = cosine[..., None] ** np.arange(terms)
    return np.sum(table[rows[0]] * table[rows[1]] * powers, axis=-1)[()]
