"""Directions in parameter space along which a network's loss cannot change, by name.

A critical point of a symmetric loss comes with a whole orbit; the orbit's tangent directions are zero modes of the Hessian that
say nothing about the landscape. They are told apart from genuine degeneracy by naming them:

* rescaling: (w_i, -m a_i) for an activation homogeneous of degree m;
* rotation: turning all neurons in a subspace in which the teacher looks the same from every side: the complement of the
  teacher's span; for linear the complement of sum b_j v_j, for square every eigenspace of sum b_j v_j v_j^T;
* splitting: moving outgoing weight between two neurons with the same (or, for odd and even sigma, opposite) w;
* silenced neuron: any change of w_i where a_i = 0;
* idle neuron: any change of a_i where w_i = 0, a_i != 0 and sigma(0) = 0.

The last two leave the function unchanged, but need not be zero modes: only those directions that the Hessian annihilates count.
Where w_i = 0 and a_i = 0 the two meet, and changing both changes the function: only the former is listed there.
"""

from __future__ import annotations

import numpy as np

from ..activations import Activation
from ..networks import Network

Array = np.ndarray
_SAME = 1e-10


def _invariant_subspaces(activation: Activation, teacher: Network) -> list[Array]:
    """Orthonormal bases, each of shape (d, c), of the subspaces in which the teacher is invariant under rotation."""
    if activation.name == "linear":
        form = np.outer(teacher.a @ teacher.W, teacher.a @ teacher.W)
    elif activation.name == "square":
        form = teacher.W.T @ (teacher.a[:, None] * teacher.W)
    else:
        form = teacher.W.T @ teacher.W
    values, vectors = np.linalg.eigh(form)
    scale = max(float(np.abs(values).max()), 1e-300)
    if activation.name not in ("linear", "square"):
        return [vectors[:, np.abs(values) <= _SAME * scale]]
    starts = np.flatnonzero(np.diff(values, prepend=-np.inf) > _SAME * scale)
    return [vectors[:, start:end] for start, end in zip(starts, [*starts[1:], values.size], strict=True)]


def _rotations(w: Array, basis: Array) -> list[Array]:
    """Tangents of W -> W exp(A) for the rotations A of the subspace that move W, each of shape (n, d)."""
    inside = w @ basis
    _, sizes, directions = np.linalg.svd(inside)
    rank = int(np.sum(sizes > _SAME * max(1.0, float(np.abs(w).max()))))
    tangents = []
    for i in range(rank):
        for j in range(i + 1, basis.shape[1]):
            turned = np.outer(inside @ directions[i], directions[j]) - np.outer(inside @ directions[j], directions[i])
            tangents.append(turned @ basis.T)
    return tangents


def symmetry_directions(activation: Activation, teacher: Network, student: Network) -> dict[str, Array]:
    """Name -> directions of shape (count, p) along which the student's loss is constant to first order and beyond."""
    n, d = student.n, student.d
    w, a = student.W, student.a
    directions: dict[str, list[Array]] = {}

    def add(name: str, dw: Array, da: Array) -> None:
        directions.setdefault(name, []).append(np.concatenate([dw.ravel(), da]))

    scale = max(float(np.abs(w).max()), 1e-300)
    alive = np.abs(w).max(axis=1) > _SAME * scale
    if activation.homogeneous is not None:
        for i in np.flatnonzero(alive).tolist():
            dw, da = np.zeros((n, d)), np.zeros(n)
            dw[i], da[i] = w[i], -activation.homogeneous * a[i]
            add("rescaling", dw, da)
    for basis in _invariant_subspaces(activation, teacher):
        for tangent in _rotations(w, basis):
            add("rotation", tangent, np.zeros(n))
    for i in range(n):
        for j in range(i):
            same = np.abs(w[i] - w[j]).max() <= _SAME * scale
            opposite = (activation.odd or activation.even) and np.abs(w[i] + w[j]).max() <= _SAME * scale
            if alive[i] and (same or opposite):
                da = np.zeros(n)
                da[i], da[j] = 1.0, 1.0 if opposite and activation.odd else -1.0
                add("splitting", np.zeros((n, d)), da)
    silent = np.abs(a) <= _SAME * max(float(np.abs(a).max()), 1.0)
    for i in np.flatnonzero(silent).tolist():
        for axis in range(d):
            dw = np.zeros((n, d))
            dw[i, axis] = 1.0
            add("silenced neuron", dw, np.zeros(n))
    if float(activation(0.0)) == 0.0:
        for i in np.flatnonzero(~alive & ~silent).tolist():
            da = np.zeros(n)
            da[i] = 1.0
            add("idle neuron", np.zeros((n, d)), da)
    return {name: np.array(rows) for name, rows in directions.items()}
