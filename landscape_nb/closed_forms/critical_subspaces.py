"""How many affine subspaces of critical points a wider network inherits from one critical point of a narrower one.

A critical point of r neurons, all different and none silenced, embeds into m >= r neurons by copying: every one of the m neurons repeats
one of the r, each is repeated at least once, and the outgoing weights of the copies sum to that of the original. Each assignment is one
affine subspace of dimension m - r; there are as many as functions from m onto r,

    G(r, m) = sum_(i=0..r) (-1)^i C(r, i) (r - i)^m = r! S2(m, r).

If the point is a global minimum of loss 0, its function may also be kept with neurons that cancel: u of the m neurons form groups of
equal w with outgoing weights that sum to 0, and these groups, whose w is free, have no names: Bell(u) ways,

    T(r, m) = sum_(u=0..m-r) C(m, u) G(r, m - u) Bell(u).

Both count subspaces that belong to one point up to the order of its neurons: G(r, r) = r!.

Source: Simsek, Ged, Jacot, Spadaro, Hongler, Gerstner & Brea, ICML 2021, arXiv 2105.12221 (G and T); the formulas derived here by
counting functions and partitions.
"""

from __future__ import annotations

from math import comb


def _sizes(r: int, m: int) -> None:
    for name, value in (("r", r), ("m", m)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; {name} = {value!r} was given")
    if m < r:
        raise ValueError(
            f"r neurons embed into m >= r neurons; r = {r} and m = {m} were given; raise m to at least {r}"
        )


def critical_subspaces(r: int, m: int) -> int:
    """G(r, m) = sum_i (-1)^i C(r, i) (r - i)^m: the affine subspaces of critical points of m neurons from one critical point of r.

    Source: Simsek et al., ICML 2021, arXiv 2105.12221 (the number); the formula derived.
    """
    _sizes(r, m)
    return sum((-1) ** i * comb(r, i) * (r - i) ** m for i in range(r + 1))


def minimal_subspaces(r: int, m: int) -> int:
    """T(r, m) = sum_u C(m, u) G(r, m - u) Bell(u): the affine subspaces of global minima of m neurons, where r are enough for loss 0.

    Source: Simsek et al., ICML 2021, arXiv 2105.12221 (the number); the formula derived.
    """
    _sizes(r, m)
    return sum(comb(m, u) * critical_subspaces(r, m - u) * _bell(u) for u in range(m - r + 1))


def _bell(u: int) -> int:
    """The number of partitions of u things: Bell(u + 1) = sum_i C(u, i) Bell(i)."""
    numbers = [1]
    for size in range(u):
        numbers.append(sum(comb(size, i) * numbers[i] for i in range(size + 1)))
    return numbers[u]
