"""The loss of a two-layer network on weighted samples: finite data sets, and one-dimensional populations through nodes.

    L(theta) = sum_mu m_mu r_mu^2,   r_mu = f(x_mu) - y_mu,   f(x) = sum_i a_i sigma(w_i.x) (+ b)

(no factor 1/2). With the Jacobian J of f at the samples, J_mu = (a_i sigma'(w_i.x_mu) x_mu, sigma(w_i.x_mu)(, 1)),

    dL/dtheta    = 2 sum_mu m_mu r_mu J_mu
    d2L/dtheta2  = 2 sum_mu m_mu J_mu J_mu^T + [i = j] terms
        (w_i, w_i)   2 a_i sum_mu m_mu r_mu sigma''(w_i.x_mu) x_mu x_mu^T
        (w_i, a_i)   2 sum_mu m_mu r_mu sigma'(w_i.x_mu) x_mu

An input bias is a column of ones in X. The output bias b, where there is one, is the last entry of theta.

Where a sample sits on a kink of sigma (relu: w_i.x_mu = 0 with x_mu != 0) and the first derivative of sigma that jumps is
sigma^(g), the loss lacks its gradient for g = 0, and for g = 1 unless a_i r_mu = 0; it lacks its Hessian for g = 0, for
g = 1 unless a_i = r_mu = 0, and for g = 2 unless a_i r_mu = 0. (For g = 0 the cases where the jump does not show, as
a_i = r_mu = 0 for the gradient, are refused all the same.)

Source: derived by the chain rule; tests compare with the population loss, loops over the samples and differences.
"""

from __future__ import annotations

import csv
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..activations import Activation
from ..networks import BiasedNetwork, Network, finite_rows
from .symmetries import symmetry_directions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

# Intermediate arrays (students, parameters, samples) have at most this many entries: 16 MB.
_ENTRIES = 2**21
# Vectors that differ by less than this share of the largest are the same.
_SAME = 1e-10


class SampledLandscape:
    """The loss L(theta) = sum_mu m_mu (f(x_mu) - y_mu)^2 on samples x_mu with labels y_mu and weights m_mu.

    activation : sigma. X : (N, d), one sample a row; an input bias is a column of ones. y : (N,). weights : m, (N,), finite,
    >= 0 and not all zero; 1/N each if left out, and used as they are (not normalised) otherwise.
    output_bias : f has a trainable bias b, the last entry of theta.

    A student is a Network or an array theta (..., p) of any number of students, p = n d + n for n neurons; with an output
    bias it is a BiasedNetwork or p = n d + n + 1. Results have the leading axes of theta. Large batches and large data sets
    are worked through in parts, which bounds the memory and changes no result beyond rounding. Where the loss has no gradient or
    no Hessian (a sample on a kink, see the module) and where theta is not finite, one student raises ValueError, and in a
    batch the rows in question are NaN: ``has_hessian`` is the flag.
    """

    def __init__(
        self,
        activation: Activation,
        X: ArrayLike,
        y: ArrayLike,
        weights: ArrayLike | None = None,
        output_bias: bool = False,
    ) -> None:
        if not isinstance(activation, Activation):
            raise ValueError(
                f"activation must be an Activation such as ACTIVATIONS['erf']; {activation!r:.60} was given"
            )
        if not isinstance(output_bias, (bool, np.bool_)):
            raise ValueError(f"output_bias must be True or False; {output_bias!r:.60} was given")
        self.activation = activation
        self.output_bias = bool(output_bias)
        samples = _checked("the samples", X, y, weights)
        self.X, self.y = samples.X, samples.y
        #: m, shape (N,).
        self.weights = np.full(len(self.y), 1.0 / len(self.y)) if samples.weights is None else samples.weights
        for array in (self.X, self.y, self.weights):
            array.setflags(write=False)
        #: Input dimension, a column of ones included.
        self.d = self.X.shape[1]
        with np.errstate(over="ignore", invalid="ignore"):
            #: sum_mu m_mu y_mu^2, the loss of the student that is zero everywhere.
            self.constant = float(np.sum(self.weights * self.y**2))
        if not math.isfinite(self.constant):
            raise ValueError(
                "sum_mu weights_mu y_mu^2 is beyond the range of floating-point numbers (1e308); "
                f"the largest |y| is {np.abs(self.y).max():.6g}: scale the labels down"
            )
        counted = self.weights > 0  # the others never matter, not even on a kink
        self._x, self._y, self._m = self.X[counted], self.y[counted], self.weights[counted]
        self._columns = np.ascontiguousarray(self._x.T)
        self._moves = (self._x != 0).any(axis=1)  # at x = 0 the neuron does not depend on w
        self._kinks = tuple((kink, first_jump(activation, kink)) for kink in activation.kinks)

    def __repr__(self) -> str:
        bias = ", output_bias=True" if self.output_bias else ""
        return f"SampledLandscape({self.activation.name}, N={len(self.y)}, d={self.d}{bias})"

    def network(self, theta: ArrayLike) -> Network:
        """theta of one student, shape (p,), as a Network; as a BiasedNetwork with its b if the landscape has an output bias."""
        theta = self._theta(theta)
        if theta.ndim != 1:
            raise ValueError(f"network() takes one student of shape (p,); theta has the shape {theta.shape}")
        kind = BiasedNetwork if self.output_bias else Network
        return kind.from_theta(theta, theta.size // (self.d + 1), self.d)

    def value(self, student: Network | ArrayLike) -> Array:
        """L, shape (...)."""
        theta = self._theta(student)
        flat = theta.reshape(-1, theta.shape[-1])
        value = np.zeros(len(flat))
        for rows, part in self._parts(len(flat), flat.shape[-1]):
            rest = self._forward(flat[rows], part)[-1]
            value[rows] += np.sum(self._m[part] * rest * rest, axis=-1)
        value[~np.isfinite(flat).all(axis=-1)] = np.nan
        return value.reshape(theta.shape[:-1])[()]

    def gradient(self, student: Network | ArrayLike) -> Array:
        """dL/dtheta, shape (..., p)."""
        return self.value_and_gradient(student)[1]

    def value_and_gradient(self, student: Network | ArrayLike) -> tuple[Array, Array]:
        """(L, dL/dtheta), shapes (...) and (..., p), at the cost of the gradient alone."""
        theta = self._theta(student)
        flat = theta.reshape(-1, theta.shape[-1])
        n, d = self._sizes(flat)
        value, gradient = np.zeros(len(flat)), np.zeros(flat.shape)
        missing = ~np.isfinite(flat).all(axis=-1)
        value[missing] = np.nan
        for rows, part in self._parts(*flat.shape):
            a, z, s, rest = self._forward(flat[rows], part)
            missing[rows] |= self._missing(a, z, rest, part, 1)
            pull = 2.0 * self._m[part] * rest
            value[rows] += 0.5 * np.sum(pull * rest, axis=-1)
            along = self.activation.derivative(z, 1) * pull[:, None, :]
            gradient[rows, : n * d] += (a[..., None] * (along @ self._x[part])).reshape(-1, n * d)
            gradient[rows, n * d : n * d + n] += (s @ pull[..., None])[..., 0]
            if self.output_bias:
                gradient[rows, -1] += np.sum(pull, axis=-1)
        self._refuse(theta, missing, "gradient")
        gradient[missing] = np.nan
        return value.reshape(theta.shape[:-1])[()], gradient.reshape(theta.shape)

    def hessian(self, student: Network | ArrayLike) -> Array:
        """d2L/dtheta2, shape (..., p, p), exactly symmetric."""
        theta = self._theta(student)
        flat = theta.reshape(-1, theta.shape[-1])
        n, d = self._sizes(flat)
        count, p = flat.shape
        hessian, own, cross = np.zeros((count, p, p)), np.zeros((count, n, d, d)), np.zeros((count, n, d))
        missing = ~np.isfinite(flat).all(axis=-1)
        for rows, part in self._parts(*flat.shape):
            a, z, s, rest = self._forward(flat[rows], part)
            missing[rows] |= self._missing(a, z, rest, part, 2)
            slope, columns = self.activation.derivative(z, 1), self._columns[:, part]
            jacobian = np.ones((len(a), p, s.shape[-1]))
            weighted = (a[..., None] * slope)[:, :, None, :] * columns
            jacobian[:, : n * d] = weighted.reshape(len(a), n * d, -1)
            jacobian[:, n * d : n * d + n] = s
            jacobian *= np.sqrt(2.0 * self._m[part])
            hessian[rows] += jacobian @ jacobian.swapaxes(-1, -2)
            pull = (2.0 * self._m[part] * rest)[:, None, :]
            cross[rows] += (slope * pull) @ self._x[part]
            bend = a[..., None] * self.activation.derivative(z, 2) * pull
            own[rows] += (bend[:, :, None, :] * columns) @ self._x[part]
        incoming, outgoing = np.arange(n * d).reshape(n, d), np.arange(n * d, n * d + n)[:, None]
        hessian[:, incoming[:, :, None], incoming[:, None, :]] += own
        hessian[:, incoming, outgoing] += cross
        hessian[:, outgoing, incoming] += cross
        hessian += hessian.swapaxes(-1, -2).copy()
        hessian *= 0.5
        self._refuse(theta, missing, "Hessian")
        hessian[missing] = np.nan
        return hessian.reshape(*theta.shape[:-1], p, p)

    def hessian_vector_product(self, student: Network | ArrayLike, direction: ArrayLike) -> Array:
        """d2L/dtheta2 @ direction, shape (..., p), without forming the Hessian.

        The leading axes of student and direction broadcast: one student takes many directions (m, p) at the cost of one
        evaluation of the activation.
        """
        theta, direction = self._theta(student), np.asarray(direction, dtype=float)
        if direction.shape[-1:] != theta.shape[-1:]:
            raise ValueError(
                f"a direction has as many entries on its last axis as theta, {theta.shape[-1]}; its shape is {direction.shape}"
            )
        shape = np.broadcast_shapes(theta.shape, direction.shape)
        p = shape[-1]
        single = theta.size == p
        flat = theta.reshape(1, p) if single else np.broadcast_to(theta, shape).reshape(-1, p)
        moves = np.broadcast_to(direction, shape).reshape(-1, p)
        n, d = self._sizes(flat)
        result = np.zeros(moves.shape)
        missing = ~np.isfinite(flat).all(axis=-1)
        known: tuple[int, tuple[Array, ...]] | None = None  # one student: what the directions share on a part
        for rows, part in self._parts(*moves.shape):
            if known is None or not single or known[0] != part.start:
                here = slice(None) if single else rows
                a, z, s, rest = self._forward(flat[here], part)
                missing[here] |= self._missing(a, z, rest, part, 2)
                slope = self.activation.derivative(z, 1)
                bend = a[..., None] * self.activation.derivative(z, 2)
                known = part.start, (a, s, rest, slope, bend)
            a, s, rest, slope, bend = known[1]
            dw, da = moves[rows, : n * d].reshape(-1, n, d), moves[rows, n * d : n * d + n]
            dz = dw @ self._columns[:, part]
            d_rest = (da[:, None, :] @ s)[:, 0, :] + np.sum(a[..., None] * slope * dz, axis=1)
            if self.output_bias:
                d_rest += moves[rows, -1:]
            weights = 2.0 * self._m[part]
            d_rest *= weights
            pull = (weights * rest)[:, None, :]
            change = a[..., None] * slope * d_rest[:, None, :] + (da[..., None] * slope + bend * dz) * pull
            result[rows, : n * d] += (change @ self._x[part]).reshape(-1, n * d)
            along = s @ d_rest[..., None] + np.sum(slope * dz * pull, axis=-1, keepdims=True)
            result[rows, n * d : n * d + n] += along[..., 0]
            if self.output_bias:
                result[rows, -1] += np.sum(d_rest, axis=-1)
        self._refuse(theta, missing, "Hessian")
        result[np.broadcast_to(missing, len(result))] = np.nan
        return result.reshape(shape)

    def has_hessian(self, student: Network | ArrayLike) -> Array:
        """True where the loss is twice differentiable, shape (...)."""
        theta = self._theta(student)
        flat = theta.reshape(-1, theta.shape[-1])
        exists = np.isfinite(flat).all(axis=-1)
        if self._kinks:
            for rows, part in self._parts(*flat.shape):
                a, z, _, rest = self._forward(flat[rows], part)
                exists[rows] &= ~self._missing(a, z, rest, part, 2)
        return exists.reshape(theta.shape[:-1])[()]

    def symmetry_directions(self, student: Network | ArrayLike) -> dict[str, Array]:
        """Name -> directions (count, p) along which the loss of this one student is constant.

        Besides those of any network (rescaling, splitting, silenced and idle neurons): "unseen input", a change of w_i along
        which no sample of positive weight has a component; "constant neuron", outgoing weight moved into b from a neuron that has
        the same output on all samples. Neurons count as equal, or as zero, if they are so on the samples.
        """
        network = student if isinstance(student, Network) else self.network(student)
        self._theta(network)  # refuses what does not fit
        n, d = network.n, self.d
        _, sizes, basis = np.linalg.svd(self._x, full_matrices=True)
        rank = int(np.sum(sizes > max(self._x.shape) * np.finfo(float).eps * sizes[0])) if sizes[0] > 0 else 0
        unseen = basis[rank:]
        w = network.W if rank == d else network.W - (network.W @ unseen.T) @ unseen
        directions: dict[str, Array] = {}
        if rank < d:
            directions["unseen input"] = np.pad(np.kron(np.eye(n), unseen), ((0, 0), (0, n)))
        # rotations belong to a Gaussian population: samples have none
        everything = Network(np.eye(d), np.ones(d))
        shared = symmetry_directions(self.activation, everything, Network(w, network.a))
        directions.update({name: rows for name, rows in shared.items() if name != "rotation"})
        if not self.output_bias:
            return directions
        directions = {name: np.pad(rows, ((0, 0), (0, 1))) for name, rows in directions.items()}
        z = w @ self._columns
        height = np.asarray(self.activation(z[:, 0]))
        scale = max(float(np.abs(z).max()), 1e-300)
        level = np.flatnonzero((np.ptp(z, axis=1) <= _SAME * scale) & (height != 0))
        if level.size:
            moved = np.zeros((level.size, n * d + n + 1))
            moved[np.arange(level.size), n * d + level] = 1.0
            moved[:, -1] = -height[level]
            directions["constant neuron"] = moved
        return directions

    # parts ------------------------------------------------------------------------------------------------------------

    def _theta(self, student: Network | ArrayLike) -> Array:
        if isinstance(student, Network):
            if student.d != self.d:
                raise ValueError(
                    f"the student has input dimension {student.d}, the samples {self.d}; a column of ones in X counts as one"
                )
            if self.output_bias and not isinstance(student, BiasedNetwork):
                raise ValueError(
                    "this landscape has an output bias b and the Network has none; "
                    "give BiasedNetwork(W, a, b), or theta that ends with b"
                )
            if isinstance(student, BiasedNetwork) and not self.output_bias:
                raise ValueError(
                    f"the student has an output bias, b = {student.b:.6g}, and this landscape has none; "
                    "make the landscape with output_bias=True, or give Network(W, a)"
                )
            return student.theta
        theta = np.asarray(student, dtype=float)
        size = theta.shape[-1] - self.output_bias if theta.ndim else 0
        if size <= 0 or size % (self.d + 1):
            wanted = "n d + n + 1 entries (the last is b), one more than" if self.output_bias else "n d + n entries,"
            raise ValueError(
                f"theta must have {wanted} a multiple of {self.d + 1} for d = {self.d}, on its last axis; "
                f"its shape is {theta.shape}"
            )
        return finite_rows(theta)

    def _sizes(self, theta: Array) -> tuple[int, int]:
        """(n, d)."""
        return theta.shape[-1] // (self.d + 1), self.d

    def _parts(self, count: int, p: int) -> Iterator[tuple[slice, slice]]:
        """Slices of students and of samples; how the samples are cut does not depend on the number of students."""
        total = len(self._y)
        samples = min(total, max(1, _ENTRIES // p))
        rows = max(1, _ENTRIES // (p * samples))
        for first in range(0, total, samples):
            for start in range(0, count, rows):
                yield slice(start, start + rows), slice(first, first + samples)

    def _forward(self, theta: Array, part: slice) -> tuple[Array, ...]:
        """a, z = W x, sigma(z) and the residuals r on these samples, shapes (s, n), (s, n, N), (s, n, N), (s, N)."""
        n, d = self._sizes(theta)
        a = theta[:, n * d : n * d + n]
        z = theta[:, : n * d].reshape(-1, n, d) @ self._columns[:, part]
        s = self.activation(z)
        rest = (a[:, None, :] @ s)[:, 0, :] - self._y[part]
        if self.output_bias:
            rest += theta[:, -1:]
        return a, z, s, rest

    def _missing(self, a: Array, z: Array, rest: Array, part: slice, order: int) -> Array:
        """Whether the derivative of this order does not exist because of these samples, shape (s,)."""
        missing = np.zeros(len(z), dtype=bool)
        for kink, jump in self._kinks:
            if jump > order:
                continue
            at = (z == kink) & self._moves[part]
            if not at.any():
                continue
            if jump > 0:
                outgoing, remains = (a != 0)[..., None], (rest != 0)[:, None, :]
                at &= (outgoing & remains) if jump == order else (outgoing | remains)
            missing |= at.any(axis=(-2, -1))
        return missing

    def _refuse(self, theta: Array, missing: Array, what: str) -> None:
        """One student without the derivative asked for is an error; in a batch it becomes NaN."""
        if theta.ndim == 1 and missing.any():
            kinks = ", ".join(f"{kink:.6g}" for kink, _ in self._kinks)
            raise ValueError(
                f"the loss of {self.activation.name} has no {what} at this student: a neuron has a sample on its kink, "
                f"w.x = {kinks}; move it a little"
            )


def first_jump(activation: Activation, kink: float) -> int:
    """The order of the first derivative of sigma that jumps at the kink or is not known there, 3 if none up to the second does."""
    sides = kink + 1e-9 * max(1.0, abs(kink)) * np.array([-1.0, 1.0])
    for order in range(3):
        try:
            low, high = activation.derivative(sides, order)
        except ValueError:  # a user's function without this derivative: whoever asks for it gets the sentence
            return order
        if abs(high - low) > 1e-6 * max(1.0, abs(low), abs(high)):
            return order
    return 3


# samples --------------------------------------------------------------------------------------------------------------


def gaussian_line(points: int = 161, span: float = 8.0) -> tuple[Array, Array]:
    """Nodes x and weights, both of shape (points,), with sum_mu weights_mu g(x_mu) = E[g(x)] for x ~ N(0, 1).

    The trapezoid rule on [-span, span] with the normal density, normalised to sum 1. Where g is analytic its error falls exponentially
    in 1/h with the spacing h = 2 span / (points - 1): a neuron sigma(w x) is resolved to rounding for h |w| <= 1/2 (erf, sigmoid) or 1/4
    (tanh), and at twice that spacing to about seven digits. The default, h = 0.1, is for |w| up to 5 (tanh 2.5). Gauss-Hermite nodes are
    no way out: a steep neuron needs the same spacing at the centre, where theirs shrinks as the square root of their number only.
    As samples: ``SampledLandscape(activation, x[:, None], y(x), weights)``.
    """
    whole = isinstance(points, (int, float, np.number)) and not isinstance(points, bool) and points % 1 == 0
    if not whole or points < 3:
        raise ValueError(f"points must be a whole number of at least 3; points = {points!r:.60} was given")
    if isinstance(span, bool) or not isinstance(span, (int, float, np.number)) or not 0 < span < 1e100:
        raise ValueError(f"span must be a finite number > 0; span = {span!r:.60} was given")
    x = np.linspace(-float(span), float(span), int(points))
    x = 0.5 * (x - x[::-1])  # symmetric to the last digit
    weights = np.exp(-0.5 * x * x)
    weights[[0, -1]] *= 0.5
    total = weights.sum()
    if not total > 0:
        raise ValueError(
            f"no node of span = {span:.6g} with {int(points)} points lies where the normal density is positive; "
            "take a span near 8, or more points"
        )
    return x, weights / total


class Samples(NamedTuple):
    """X of shape (N, d), y of shape (N,), and weights of shape (N,) or None: ``SampledLandscape(activation, *samples)``."""

    X: Array
    y: Array
    weights: Array | None = None


def load_samples(source: str | Path | Sequence[Any] | Mapping[str, Any]) -> Samples:
    """Samples from a .csv or .npz file, or from arrays: (X, y), (X, y, weights) or a mapping with these keys.

    .csv : commas, one sample a line, a header of names optional. The last column is y, the others are X; a column that the
    header calls "weights" (or "weight") holds the weights, wherever it stands. .npz : the arrays X, y and, optionally, weights.
    An input bias is a column of ones in X, and nobody adds it here. Raises ValueError in one sentence that names the file, what was found
    and what would do: numbers that are not finite (with row and column, counted from 1), shapes that do not fit, cells that
    are not numbers (with their line), empty or unreadable files.
    """
    if isinstance(source, (str, Path)):
        return _from_file(Path(source))
    if isinstance(source, Mapping):
        if not {"X", "y"} <= source.keys():
            found = ", ".join(map(str, source)) or "none"
            raise ValueError(f"samples need the keys X and y (weights is optional); the keys given are: {found}")
        return _checked("the samples", source["X"], source["y"], source.get("weights"))
    if isinstance(source, (tuple, list)) and len(source) in (2, 3):
        return _checked("the samples", *source)
    raise ValueError(
        "samples are the path of a .csv or .npz file, arrays (X, y) or (X, y, weights), or a mapping with these keys; "
        f"{source!r:.60} was given"
    )


def _from_file(path: Path) -> Samples:
    if path.suffix.lower() not in (".csv", ".npz"):
        raise ValueError(f"a file of samples ends in .csv or .npz; {path.name!r} was given")
    if not path.is_file():
        raise ValueError(f"there is no file of samples {str(path)!r}; check the path")
    try:
        if path.stat().st_size == 0:
            raise ValueError(f"{path.name} is empty; it needs at least one sample")
        if path.suffix.lower() == ".csv":
            return _from_csv(path)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}; check its permissions") from None
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("it is not a zip archive, or cut short")
        with np.load(path, allow_pickle=False) as stored:
            content = {key: stored[key] for key in stored.files}
    except Exception as error:
        raise ValueError(
            f"{path.name} cannot be read as an .npz archive of arrays: {error}; write it with numpy.savez(path, X=X, y=y)"
        ) from None
    if not {"X", "y"} <= content.keys():
        found = ", ".join(content) or "none"
        raise ValueError(f"{path.name} needs the keys X and y (weights is optional); its keys are: {found}")
    return _checked(path.name, content["X"], content["y"], content.get("weights"))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _from_csv(path: Path) -> Samples:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path.name} cannot be read as text with commas: {error}; save it as a UTF-8 .csv file"
        ) from None
    lines = [(line, row) for line, row in lines if row and row != [""]]
    names: list[str] = []
    if lines and any(lines[0][1]) and not any(map(_is_number, lines[0][1])):
        names = [name.lower() for name in lines[0][1]]
        width, begin = len(names), 1
    else:
        width, begin = len(lines[0][1]) if lines else 0, 0
    if len(lines) == begin:
        what = "only a header" if begin else "only blank lines"
        raise ValueError(f"{path.name} holds {what} and no sample; it needs at least one line of numbers")
    for line, row in lines[begin:]:
        if len(row) != width:
            raise ValueError(
                f"{path.name}, line {line} has {len(row)} cell{'s' * (len(row) != 1)} where line {lines[0][0]} has {width}; "
                "every line needs the same number, separated by commas"
            )
        for column, cell in enumerate(row, start=1):
            if not _is_number(cell):
                raise ValueError(
                    f"{path.name}, line {line}, column {column} holds {cell[:40]!r}, which is not a number; "
                    "cells hold numbers such as 0.5, separated by commas, and only the first line may hold names instead"
                )
            if not math.isfinite(float(cell)):
                raise ValueError(
                    f"{path.name}, line {line}, column {column} holds {cell[:40]}; "
                    "numbers must be finite: fill it in, or leave the line out"
                )
    table = np.array([row for _, row in lines[begin:]], dtype=float)
    marked = [column for column, name in enumerate(names) if name in ("weight", "weights")]
    if len(marked) > 1:
        raise ValueError(f"{path.name} has {len(marked)} columns of weights; it needs one at most")
    weights = table[:, marked[0]] if marked else None
    table = np.delete(table, marked, axis=1)
    if table.shape[1] < 2:
        raise ValueError(
            f"{path.name} has {table.shape[1]} column{'s' * (table.shape[1] != 1)} besides weights; it needs at least two, "
            "the inputs and then y"
        )
    return _checked(path.name, table[:, :-1], table[:, -1], weights)


def _numbers(where: str, name: str, value: Any) -> Array:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biufO":
            raise TypeError
        return np.array(array, dtype=float, order="C")
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{where}: {name} must be an array of real numbers; {value!r:.60} was given") from None


def _checked(where: str, X: Any, y: Any, weights: Any = None) -> Samples:
    """Copies of the arrays with shapes that fit and finite numbers, or a ValueError."""
    X, y = _numbers(where, "X", X), _numbers(where, "y", y)
    if X.ndim != 2 or 0 in X.shape:
        one = "; x[:, None] makes one column of a vector" if X.ndim == 1 and X.size else ""
        raise ValueError(
            f"{where}: X must have the shape (N, d) with N, d >= 1, one sample a row; its shape is {X.shape}{one}"
        )
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(
            f"{where}: X holds {X[row, column]} in row {row + 1}, column {column + 1}; "
            "numbers must be finite: fill it in, or leave the sample out"
        )
    vectors = {"y": y}
    if weights is not None:
        vectors["weights"] = weights = _numbers(where, "weights", weights)
    for name, vector in vectors.items():
        if vector.shape != (len(X),):
            raise ValueError(
                f"{where}: {name} must hold one number for each of the {len(X)} rows of X, shape ({len(X)},); "
                f"its shape is {vector.shape}"
            )
        if not np.isfinite(vector).all():
            row = int(np.flatnonzero(~np.isfinite(vector))[0])
            raise ValueError(
                f"{where}: {name} holds {vector[row]} in row {row + 1}; "
                "numbers must be finite: fill it in, or leave the sample out"
            )
    if weights is not None:
        if (weights < 0).any():
            row = int(np.argmin(weights))
            raise ValueError(
                f"{where}: weights must be >= 0; the smallest is {weights[row]:.6g}, in row {row + 1}: leave that sample out"
            )
        if not (weights > 0).any():
            raise ValueError(f"{where}: all weights are 0; at least one must be positive")
    return Samples(X, y, weights)
