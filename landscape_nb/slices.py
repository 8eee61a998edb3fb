"""Planes and lines through a one-neuron landscape, the outgoing weight at its best.

The loss of one neuron is quadratic in a, L = k(|w|^2) a^2 - 2 a G(w) + const with G(w) = sum_j b_j K(w, v_j), so that

    min_a L = const - G(w)^2 / k(|w|^2),      at a = G(w) / k(|w|^2).

Its critical points with a != 0 are those of L, with the same Morse index (the direction of a has positive curvature). In a plane
only the projections of the teacher vectors on it matter, so teachers with equal projections and lengths are counted together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .landscapes import PopulationLandscape

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Plane:
    """The points w = x along + y across: two orthonormal directions of shape (d,) and what they are, in words."""

    along: Array
    across: Array
    along_name: str
    across_name: str

    def point(self, x: Array, y: Array) -> Array:
        """w at the coordinates x, y; shape (..., d)."""
        return np.asarray(x)[..., None] * self.along + np.asarray(y)[..., None] * self.across

    def coordinates(self, w: Array) -> tuple[float, float, float]:
        """x, y and the distance of w from the plane."""
        x, y = float(w @ self.along), float(w @ self.across)
        return x, y, float(np.linalg.norm(w - x * self.along - y * self.across))


def mean_plane(landscape: PopulationLandscape, toward: Array | None = None) -> Plane:
    """The plane of the teachers' mean, or of another direction, and the first teacher.

    along : the unit vector of sum_j |b_j| v_j / |v_j| (of the first teacher where that vanishes), or of ``toward`` where given.
    across : the rest of the first teacher that is not along it; where nothing is left, of the next one, or any other direction.
    """
    teacher = landscape.teacher
    lengths = np.linalg.norm(teacher.W, axis=1)
    units = teacher.W / np.where(lengths > 0, lengths, 1.0)[:, None]
    along, along_name = np.abs(teacher.a) @ units, "mean of the teachers"
    if toward is not None:
        along, along_name = toward, "lowest critical point"
    elif np.linalg.norm(along) < 1e-9 * max(1.0, float(np.abs(teacher.a).sum())):
        along, along_name = units[0], "first teacher"
    along = along / np.linalg.norm(along)
    candidates = [*(units[j] for j in range(teacher.n)), *np.eye(landscape.d)]
    names = [f"towards teacher {j + 1}" for j in range(teacher.n)] + ["in another input direction"] * landscape.d
    for candidate, name in zip(candidates, names, strict=True):
        rest = candidate - (candidate @ along) * along
        if np.linalg.norm(rest) > 1e-6:
            return Plane(along, rest / np.linalg.norm(rest), along_name, name)
    return Plane(along, np.zeros(landscape.d), along_name, "")


def best_weight(landscape: PopulationLandscape, x: Array, y: Array, plane: Plane) -> tuple[Array, Array]:
    """(min_a L, the a that attains it) at w = x along + y across, broadcasting over x and y.

    NaN where k(|w|^2) = 0 or leaves the range of doubles.
    """
    activation, teacher = landscape.activation, landscape.teacher
    x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    s = x * x + y * y
    projections = np.column_stack(
        [teacher.W @ plane.along, teacher.W @ plane.across, np.einsum("jd,jd->j", teacher.W, teacher.W)]
    )
    _, first, inverse = np.unique(np.round(projections, 12) + 0.0, axis=0, return_index=True, return_inverse=True)
    distinct = projections[first]
    weights = np.bincount(inverse.ravel(), weights=teacher.a, minlength=len(distinct))
    overlap = np.zeros(s.shape)
    norms, places = np.unique(s, return_inverse=True)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for (p, q, t), weight in zip(distinct, weights, strict=True):
            c = p * x + q * y
            # s t - c^2 = s (t - p^2 - q^2) + (x q - y p)^2, which does not cancel along a teacher
            area2 = s * max(t - p * p - q * q, 0.0) + (x * q - y * p) ** 2
            overlap += weight * activation.jet(s, c, np.full_like(s, t), area2, 0)[0]
        own = activation.self_kernel(norms)[places.reshape(s.shape)]
        a = np.where((own > 0) & np.isfinite(own), overlap / own, np.nan)
        return np.maximum(landscape.constant - a * overlap, 0.0), a
