"""Two-layer networks, teachers, and the symmetries that leave the function unchanged.

f(x) = sum_i a_i sigma(w_i . x), with W of shape (n, d) whose rows are the neurons' weight vectors, and outgoing weights
a of shape (n,). As a parameter vector: theta = concat(W.ravel(), a), of length p = n d + n. An input bias is an input that is 1
throughout; an output bias b, where there is one, is the last entry of theta.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .activations import Activation

# Vectors that differ by less than this share of the largest entry are the same.
_SAME = 1e-10

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _finite(name: str, value: ArrayLike) -> np.ndarray:
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be an array of numbers; {value!r:.80} was given") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must hold finite numbers; it holds {array[~np.isfinite(array)][0]}")
    array.setflags(write=False)
    return array


def finite_rows(theta: np.ndarray) -> np.ndarray:
    """theta (..., p) whose rows with an entry that is not finite are NaN; one student (p,) with such an entry raises ValueError."""
    finite = np.isfinite(theta)
    if finite.all():
        return theta
    if theta.ndim == 1:
        raise ValueError(f"theta must hold finite numbers; it holds {theta[~finite][0]}")
    return np.where(finite.all(axis=-1, keepdims=True), theta, np.nan)


def _whole(name: str, value: int, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or value % 1 != 0 or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}; {name} = {value!r} was given")
    return int(value)


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """f(x) = sum_i a_i sigma(w_i . x): incoming weights W of shape (n, d) and outgoing weights a of shape (n,).

    Frozen: both arrays are copies and cannot be written to. Raises ValueError for shapes that do not fit or numbers
    that are not finite.
    """

    W: np.ndarray
    a: np.ndarray

    def __init__(self, W: ArrayLike, a: ArrayLike) -> None:
        W, a = _finite("W", W), _finite("a", a)
        if W.ndim != 2 or 0 in W.shape:
            raise ValueError(
                f"W must have shape (n, d) with n, d >= 1, one row for each neuron; its shape is {W.shape}"
            )
        if a.shape != (W.shape[0],):
            raise ValueError(
                f"a must hold one outgoing weight for each of the {W.shape[0]} rows of W, shape ({W.shape[0]},); "
                f"its shape is {a.shape}"
            )
        object.__setattr__(self, "W", W)
        object.__setattr__(self, "a", a)

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.W.shape[0]

    @property
    def d(self) -> int:
        """Input dimension."""
        return self.W.shape[1]

    @property
    def theta(self) -> np.ndarray:
        """concat(W.ravel(), a), shape (n d + n,); a new array."""
        return np.concatenate([self.W.ravel(), self.a])

    @classmethod
    def from_theta(cls, theta: ArrayLike, n: int, d: int) -> Network:
        """The network with theta = concat(W.ravel(), a)."""
        theta = np.asarray(theta, dtype=float)
        if theta.shape != (n * d + n,):
            raise ValueError(
                f"theta of {n} neurons in {d} dimensions has n d + n = {n * d + n} entries; its shape is {theta.shape}"
            )
        return cls(theta[: n * d].reshape(n, d), theta[n * d :])

    def with_neurons(self, W: ArrayLike, a: ArrayLike) -> Network:
        """A network with these neurons in place of its own, and all else as here (an output bias)."""
        return Network(W, a)

    def __repr__(self) -> str:
        return f"Network(n={self.n}, d={self.d})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        return np.array_equal(self.W, other.W) and np.array_equal(self.a, other.a)

    def __hash__(self) -> int:
        return hash((self.W.shape, (self.W + 0.0).tobytes(), (self.a + 0.0).tobytes()))  # -0.0 == 0.0

    def save(self, path: str | Path) -> Path:
        """Write W and a to a .npz or .json file; both formats give back the same doubles."""
        path = Path(path)
        if path.suffix == ".npz":
            np.savez(path, W=self.W, a=self.a)
        elif path.suffix == ".json":
            path.write_text(json.dumps({"version": 1, "W": self.W.tolist(), "a": self.a.tolist()}) + "\n")
        else:
            raise ValueError(f"a network file ends in .npz or .json; {path.name!r} was given")
        return path

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read a network file (.npz or .json with the keys W and a). Raises ValueError in one sentence otherwise."""
        path = Path(path)
        if path.suffix not in (".npz", ".json"):
            raise ValueError(f"a network file ends in .npz or .json; {path.name!r} was given")
        if not path.is_file():
            raise ValueError(f"there is no network file {str(path)!r}")
        try:
            if path.suffix == ".npz":
                if not zipfile.is_zipfile(path):
                    raise ValueError("it is not a zip archive, or cut short")
                with np.load(path, allow_pickle=False) as stored:
                    content = {key: stored[key] for key in stored.files}
            else:
                content = json.loads(path.read_text())
        except Exception as error:
            kind = "an .npz archive of arrays" if path.suffix == ".npz" else "JSON text"
            raise ValueError(f"{path.name} cannot be read as {kind}: {error}") from None
        if not isinstance(content, dict) or not {"W", "a"} <= content.keys():
            raise ValueError(f"{path.name} is not a network file: it needs the keys W and a")
        try:
            return cls(content["W"], content["a"])
        except ValueError as error:
            raise ValueError(f"{path.name} does not hold a network: {error}") from None


class BiasedNetwork(Network):
    """f(x) = sum_i a_i sigma(w_i . x) + b: a Network with an output bias b, theta = concat(W.ravel(), a, [b]).

    What a SampledLandscape with ``output_bias=True`` takes and gives. Network files hold W and a alone, so ``save`` refuses.
    """

    b: float

    def __init__(self, W: ArrayLike, a: ArrayLike, b: float = 0.0) -> None:
        super().__init__(W, a)
        try:
            bias = np.asarray(b, dtype=float)
        except (TypeError, ValueError, OverflowError):
            bias = np.array(np.nan)
        if bias.ndim != 0 or not np.isfinite(bias):
            raise ValueError(f"the output bias b must be one finite number; b = {b!r:.60} was given")
        object.__setattr__(self, "b", float(bias))

    @property
    def theta(self) -> np.ndarray:
        """concat(W.ravel(), a, [b]), shape (n d + n + 1,); a new array."""
        return np.concatenate([self.W.ravel(), self.a, [self.b]])

    @classmethod
    def from_theta(cls, theta: ArrayLike, n: int, d: int) -> BiasedNetwork:
        """The network with theta = concat(W.ravel(), a, [b])."""
        theta = np.asarray(theta, dtype=float)
        if theta.shape != (n * d + n + 1,):
            raise ValueError(
                f"theta of {n} neurons in {d} dimensions with an output bias has n d + n + 1 = {n * d + n + 1} entries; "
                f"its shape is {theta.shape}"
            )
        return cls(theta[: n * d].reshape(n, d), theta[n * d : -1], theta[-1])

    def with_neurons(self, W: ArrayLike, a: ArrayLike) -> BiasedNetwork:
        """A network with these neurons and the same output bias."""
        return BiasedNetwork(W, a, self.b)

    def save(self, path: str | Path) -> Path:
        """Refused: a network file has no place for b."""
        raise ValueError(
            f"a network file holds W and a, and would lose the output bias b = {self.b:.6g}; "
            "save theta with numpy.save, or Network(W, a) if b does not matter"
        )

    def __repr__(self) -> str:
        return f"BiasedNetwork(n={self.n}, d={self.d}, b={self.b:.6g})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BiasedNetwork):
            return NotImplemented if not isinstance(other, Network) else False
        return np.array_equal(self.theta, other.theta) and self.n == other.n

    def __hash__(self) -> int:
        return hash((self.W.shape, (self.theta + 0.0).tobytes()))


# teachers -------------------------------------------------------------------------------------------------------------


def _outgoing(a: ArrayLike, k: int) -> np.ndarray:
    a = _finite("a", a)
    if a.ndim > 0 and a.shape != (k,):
        raise ValueError(f"a must be one number or {k} numbers, one for each teacher neuron; its shape is {a.shape}")
    return np.broadcast_to(a, (k,))


def orthonormal_teacher(k: int, d: int, a: ArrayLike = 1.0) -> Network:
    """k orthonormal teacher vectors, the first k unit vectors of R^d, with outgoing weights a (common or one each)."""
    return equicorrelated_teacher(k, d, 0.0, 1.0, a)


def equicorrelated_teacher(k: int, d: int, correlation: float, norm: float = 1.0, a: ArrayLike = 1.0) -> Network:
    """k teacher vectors of one norm, any two at the same cosine ``correlation``, with outgoing weights a.

    correlation : in [-1/(k-1), 1]. The vectors span k dimensions, k - 1 at correlation -1/(k-1) and one at 1.
    Raises ValueError if the correlation is not admissible or the vectors do not fit in d dimensions.
    """
    k, d = _whole("k", k), _whole("d", d)
    if not (np.isfinite(norm) and norm > 0):
        raise ValueError(f"the teachers' norm must be a finite number > 0; norm = {norm!r} was given")
    lowest = -1.0 / (k - 1) if k > 1 else -1.0
    if not lowest - 1e-12 <= correlation <= 1.0 + 1e-12:
        raise ValueError(
            f"{k} vectors can have a common correlation between {lowest:.6g} and 1; "
            f"correlation = {correlation!r} was given"
        )
    correlation = min(max(float(correlation), lowest), 1.0)
    if k == 1 or abs(correlation - 1.0) < 1e-15:
        rank = 1
    else:
        rank = k - 1 if abs(correlation - lowest) < 1e-12 else k
    if rank > d:
        which = f"teacher vectors of correlation {correlation:.6g}"
        if correlation == 0:
            which = f"{'orthonormal' if norm == 1 else 'orthogonal'} teacher vectors"
        raise ValueError(f"{k} {which} do not fit in dimension {d}; raise d to at least {rank}")
    if k == 1 or abs(correlation - 1.0) < 1e-15:
        vectors = np.ones((k, 1))
    elif rank == k:
        # the symmetric square root of the Gram matrix (1 - beta) I + beta 11^T
        side = np.sqrt(1.0 - correlation)
        diagonal = (np.sqrt(1.0 + (k - 1) * correlation) - side) / k
        vectors = side * np.eye(k) + diagonal
    else:
        # a regular simplex: the columns of the Helmert matrix, an orthonormal basis orthogonal to (1, ..., 1)
        j = np.arange(1, k)
        helmert = np.where(np.arange(k)[:, None] < j, 1.0, np.where(np.arange(k)[:, None] == j, -j.astype(float), 0.0))
        vectors = helmert / np.sqrt(j * (j + 1.0)) * np.sqrt(k / (k - 1.0))
    return Network(np.pad(norm * vectors, ((0, 0), (0, d - rank))), _outgoing(a, k))


def gaussian_teacher(k: int, d: int, rng: np.random.Generator) -> Network:
    """k random vectors with entries N(0, 1/d) (norms near 1) and outgoing weights N(0, 1), drawn in this order."""
    k, d = _whole("k", k), _whole("d", d)
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, for example default_rng(0); {rng!r:.60} was given")
    return Network(rng.normal(size=(k, d)) / np.sqrt(d), rng.normal(size=k))


@dataclass(frozen=True)
class Equicorrelation:
    """A teacher whose neurons are alike: k vectors of one norm and mutual cosine, and one common outgoing weight."""

    k: int
    norm: float
    correlation: float
    weight: float

    @property
    def mean_cosine(self) -> float:
        """m = cos(v_j, sum v) = sqrt((1 + (k - 1) correlation) / k)."""
        return float(np.sqrt(max(1.0 + (self.k - 1) * self.correlation, 0.0) / self.k))


def equicorrelation(teacher: Network, tolerance: float = 1e-12) -> Equicorrelation | str:
    """The teacher's (k, norm, correlation, weight) if its neurons are alike, else a phrase that says what differs."""
    norms = np.linalg.norm(teacher.W, axis=1)
    if np.ptp(norms) > tolerance * norms.max():
        return f"norms between {norms.min():.6g} and {norms.max():.6g}"
    if norms.max() == 0:
        return "teacher vectors of norm 0"
    if np.ptp(teacher.a) > tolerance * np.abs(teacher.a).max():
        return f"outgoing weights between {teacher.a.min():.6g} and {teacher.a.max():.6g}"
    k, norm = teacher.n, float(norms.mean())
    cosines = (teacher.W @ teacher.W.T)[~np.eye(k, dtype=bool)] / norm**2
    if k > 1 and np.ptp(cosines) > 10 * tolerance:
        return f"correlations between {cosines.min():.6g} and {cosines.max():.6g}"
    correlation = float(cosines.mean()) if k > 1 else 0.0
    if abs(correlation) < 10 * tolerance:
        correlation = 0.0
    if abs(correlation - 1.0) < 10 * tolerance:  # |v|^2 of norm 0.2 rounds to a cosine of 1 - 2e-16
        correlation = 1.0
    if abs(norm - 1.0) < tolerance:
        norm = 1.0
    return Equicorrelation(k, norm, correlation, float(teacher.a.mean()))


# symmetries -----------------------------------------------------------------------------------------------------------


def permute(network: Network, order: ArrayLike) -> Network:
    """The same function with its neurons in another order."""
    order = np.asarray(order)
    if order.dtype.kind not in "iu" or order.shape != (network.n,) or set(order.tolist()) != set(range(network.n)):
        raise ValueError(f"order must be a permutation of 0..{network.n - 1}; {order.tolist()} was given")
    return network.with_neurons(network.W[order], network.a[order])


def _neuron(network: Network, neuron: int) -> int:
    if not 0 <= _whole("neuron", neuron, 0) < network.n:
        raise ValueError(f"neuron must lie between 0 and {network.n - 1}; neuron = {neuron!r} was given")
    return int(neuron)


def flip(network: Network, neuron: int, activation: Activation) -> Network:
    """The same function with one w replaced by -w: a becomes -a for an odd activation and stays for an even one.

    Raises ValueError for an activation that is neither.
    """
    i = _neuron(network, neuron)
    if not (activation.odd or activation.even):
        raise ValueError(f"{activation.name} is neither odd nor even: changing the sign of w changes the function")
    W, a = network.W.copy(), network.a.copy()
    W[i] = -W[i]
    if activation.odd:
        a[i] = -a[i]
    return network.with_neurons(W, a)


def rescale(network: Network, neuron: int, factor: float, activation: Activation) -> Network:
    """The same function with one w replaced by factor w and its a by a / factor^m, m the degree of homogeneity.

    Raises ValueError for an activation that is not positively homogeneous, or unless factor > 0.
    """
    i = _neuron(network, neuron)
    if activation.homogeneous is None:
        raise ValueError(f"{activation.name} is not homogeneous: rescaling w changes the function")
    if not (np.isfinite(factor) and factor > 0):
        raise ValueError(f"factor must be a finite number > 0; factor = {factor!r} was given")
    W, a = network.W.copy(), network.a.copy()
    W[i] *= factor
    a[i] /= factor**activation.homogeneous
    return network.with_neurons(W, a)


def canonical(network: Network, activation: Activation) -> Network:
    """The representative of the network's orbit under permutation, sign flip and rescaling.

    |w| = 1 for homogeneous activations (w = 0 stays, with a = -1, 0 or 1); a > 0, or a first non-zero entry of w > 0
    where a = 0 or the activation is even; neurons in descending order of (a, w_1, w_2, ...), compared after
    rounding to 12 digits of the largest entry.
    """
    W, a = network.W.copy(), network.a.copy()
    if activation.homogeneous is not None:
        norms = np.linalg.norm(W, axis=1)
        if activation.homogeneous > 0:
            a = np.where(norms == 0, np.sign(a), a)  # rescaling w = 0 changes a alone
        norms[norms == 0] = 1.0
        W /= norms[:, None]
        a *= norms**activation.homogeneous
    if activation.odd or activation.even:
        largest = np.abs(W).max(axis=1, keepdims=True)
        first = np.take_along_axis(W, np.argmax(np.abs(W) > 1e-12 * largest, axis=1)[:, None], axis=1)[:, 0]
        decides = a if activation.odd else first
        sign = np.where(np.where(decides != 0, decides, first) < 0, -1.0, 1.0)
        W *= sign[:, None]
        if activation.odd:
            a *= sign
    key = np.column_stack([a, W])
    largest = np.abs(key).max(axis=0)
    key = np.round(key / np.where(largest > 0, largest, 1.0), 12)
    order = np.lexsort(-key.T[::-1])
    return network.with_neurons(W[order] + 0.0, a[order] + 0.0)


def split(network: Network, neuron: int, gamma: float) -> Network:
    """The same function with one neuron (w, a) replaced by two: (w, gamma a) in its place and (w, (1 - gamma) a) behind it.

    gamma : any finite number.

    Source: Fukumizu & Amari, Neural Networks 13 (2000) 317, Theorem 1 (the line of critical points that this draws).
    """
    i = _neuron(network, neuron)
    if isinstance(gamma, bool) or not isinstance(gamma, (int, float, np.number)) or not np.isfinite(gamma):
        raise ValueError(f"gamma must be a finite number; gamma = {gamma!r:.60} was given")
    a = np.insert(network.a, i, gamma * network.a[i])
    a[i + 1] = (1.0 - gamma) * network.a[i]
    return network.with_neurons(np.insert(network.W, i, network.W[i], axis=0), a)


def merge(network: Network, i: int, j: int) -> Network:
    """The same function with two neurons of the same w replaced by one, (w_i, a_i + a_j), in the place of the first of them.

    The same means to 1e-10 of the largest entry of W. Undoes ``split``. Raises ValueError where they differ: of an odd or even activation,
    ``flip`` one of two opposite neurons first.
    """
    i, j = _neuron(network, i), _neuron(network, j)
    if i == j:
        raise ValueError(f"merge takes two different neurons; i = j = {i} was given")
    apart = float(np.abs(network.W[i] - network.W[j]).max())
    if apart > _SAME * float(np.abs(network.W).max()):
        raise ValueError(
            f"neurons {i} and {j} must have the same w; theirs differ by {apart:.3g} in an entry: merging them would change the function"
        )
    a = network.a.copy()
    a[i] += a[j]
    order = [m for m in range(network.n) if m != max(i, j)]
    a[min(i, j)] = a[i]
    W = network.W.copy()
    W[min(i, j)] = W[i]
    return network.with_neurons(W[order], a[order])
