r"""Splitting a neuron: a critical point with n neurons becomes a line of critical points with n + 1, and B says which of them are minima.

The neuron (w, a) of a critical point is replaced by two, (w, gamma a) and (w, (1 - gamma) a), for any real gamma: the network computes the
same function, the loss is the same and its gradient is zero on the whole line. With l' = 2 (f - y) and <.> the mean of the loss,

    B = < l' a sigma''(w.x) x x^T >        (d, d)

and the Hessian of the split point is congruent to  H_original (+) gamma (1 - gamma) B (+) 0.

Proof. Move the two copies by (u_1, alpha_1) and (u_2, alpha_2), all other parameters by phi, and put g = (gamma, 1 - gamma),
ubar = sum_j g_j u_j. To second order the function changes as the original network does for (ubar, alpha_1 + alpha_2, phi), plus

    sum_j alpha_j u_j.x sigma' - (alpha_1 + alpha_2) ubar.x sigma'  +  (a/2) [ sum_j g_j (u_j.x)^2 - (ubar.x)^2 ] sigma''

The loss changes by <df^2> + <l' df>. As <l' a sigma' x> = 0 and a != 0, the first two terms drop out, and the third leaves half of

    sum_j g_j u_j^T B u_j - ubar^T B ubar = gamma (1 - gamma) delta^T B delta,      delta = u_1 - u_2.

In the coordinates (ubar, alpha_1 + alpha_2, phi), delta and (alpha_1 - alpha_2) that is the block form, and by Sylvester's law the split
point has the index of the original plus the number of negative eigenvalues of gamma (1 - gamma) B. Hence, where H_original > 0:

    B > 0          minima exactly for 0 < gamma < 1, saddles of index d outside
    B < 0          minima exactly for gamma < 0 or gamma > 1, saddles of index d between
    B indefinite   saddles for every gamma other than 0 and 1

These minima form a plateau: they are local minima, as H > 0 across the line (Morse & Bott), but not strict ones. At gamma = 0 and 1 one
neuron is silenced, and 1 + d eigenvalues are zero; for B != 0 no neighbourhood of these ends is free of lower loss, because a silenced
neuron moved to w + u feels dL/da = u^T B u/(2 a) + O(|u|^3). For any landscape B = 2 (H_11 - H_12), with the blocks of the Hessian
at gamma = 1/2 between the incoming weights of the copies.

Along the pure splitting direction u_1 = (1 - gamma) delta, u_2 = -gamma delta (ubar = 0) the curvature per unit length is
gamma (1 - gamma) delta^T B delta/((gamma^2 + (1 - gamma)^2) |delta|^2), which tends to that of -B/2 as gamma grows; the lowest
eigenvalue of the Hessian is at most that, because these directions are coupled to the others. One input and no bias: B is a number, so one
side is a plateau unless B = 0. One output only: with several, <l'_o sigma' x> = 0 no longer follows, and a further condition comes in.

Source: Fukumizu & Amari, Neural Networks 13 (2000) 317, Theorems 1 and 3 (line, stability for B definite); the exact block form, the
index and the ends derived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation
from ..critical import RESIDUAL_TOLERANCE, CriticalPoint, Hypothesis, Landscape, OutsideTheorem, Statement, newton
from ..display import eigenvalues, number
from ..landscapes import PopulationLandscape
from ..networks import Network, split

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

# A gradient below this share of the largest eigenvalue (at least 1) is zero: the block form then holds to about as many digits.
_CRITICAL = 1e-9
# Eigenvalues of B below this share of the largest entry of H_original in the incoming weights are zero.
_ZERO = 1e-11

TITLE = "the splitting line"


def splitting_matrix(landscape: Landscape, student: Network | ArrayLike, neuron: int) -> Array:
    """B = < l' a sigma''(w.x) x x^T > of one neuron (w, a), shape (d, d), with l' = 2 (f - y); symmetric.

    landscape : any, population or samples. student : a Network, or theta of one student. Needs no critical point: it is read off the
    Hessian at the student whose neuron is split in halves, B = 2 (H_11 - H_12), with H_11 and H_12 the blocks of the incoming weights.
    Raises ValueError where the loss has no Hessian.

    Source: Fukumizu & Amari, Neural Networks 13 (2000) 317, Theorem 3; the way to compute it derived.
    """
    network = student if isinstance(student, Network) else landscape.network(student)
    halves = split(network, neuron, 0.5)
    hessian = landscape.hessian(halves)
    first = slice(int(neuron) * network.d, (int(neuron) + 1) * network.d)
    second = slice(first.stop, first.stop + network.d)
    matrix = 2.0 * (hessian[first, first] - hessian[first, second])
    return 0.5 * (matrix + matrix.T)


def copied_hessian(hessian: Array, matrix: Array, neuron: int, n: int, weights: ArrayLike) -> Array:
    """The Hessian at the point whose neuron (w, a) is replaced by m copies (w, g_j a), sum_j g_j = 1, by the exact block form.

        H = J^T H_original J + (diag g - g g^T) (x) B

    with J the change of the original parameters: w by sum_j g_j u_j, a by sum_j alpha_j. hessian : H_original (p, p) at a critical point of
    n neurons. matrix : B (d, d). weights : g, shape (..., m). Shape (..., P, P) with P = p + (m - 1)(d + 1); the copies stand side by side.

    Source: derived (see the module).
    """
    g = np.asarray(weights, dtype=float)
    lead, m, d = g.shape[:-1], g.shape[-1], len(matrix)
    p, own, copies = len(hessian), neuron * d, m * d
    size = p + (m - 1) * (d + 1)
    change = np.zeros((*lead, p, size))
    before, after = np.arange(own), np.arange(own + d, n * d)
    change[..., before, before] = 1.0
    change[..., after, after + copies - d] = 1.0
    for axis in range(d):
        change[..., own + axis, own + axis : own + copies : d] = g
    outgoing = size - p + n * d - (m - 1)  # where the outgoing weights begin: (n + m - 1) d
    for i in range(n):
        at = outgoing + i + (m - 1) * (i > neuron)
        change[..., n * d + i, at : at + (m if i == neuron else 1)] = 1.0
    rest = np.arange(n * d + n, p)  # an output bias
    change[..., rest, rest + size - p] = 1.0
    full = change.swapaxes(-1, -2) @ hessian @ change
    between = np.eye(m) * g[..., None, :] - g[..., :, None] * g[..., None, :]
    block = between[..., :, None, :, None] * matrix[:, None, :]
    full[..., own : own + copies, own : own + copies] += block.reshape(*lead, copies, copies)
    return 0.5 * (full + full.swapaxes(-1, -2))


@dataclass(frozen=True)
class Inertia:
    """How many eigenvalues of a symmetric matrix are positive, negative and zero."""

    positive: int
    negative: int
    zero: int


@dataclass(frozen=True, eq=False)
class SplittingLine:
    """The line theta_gamma: neuron (w, a) of the student replaced by (w, gamma a) and (w, (1 - gamma) a), gamma any real number.

    Everything comes from two matrices, H_original (p, p) and B (d, d): no landscape is evaluated along the line.
    """

    landscape: Any
    student: Network
    neuron: int

    def __repr__(self) -> str:
        return f"SplittingLine(neuron={self.neuron}, B={eigenvalues(self.matrix_spectrum)}, loss={number(self.original.loss)})"

    @cached_property
    def original(self) -> CriticalPoint:
        """The point before splitting."""
        return CriticalPoint(self.landscape, self.student, "original")

    @cached_property
    def B(self) -> Array:
        """< l' a sigma''(w.x) x x^T >, shape (d, d)."""
        return splitting_matrix(self.landscape, self.student, self.neuron)

    @cached_property
    def matrix_spectrum(self) -> Array:
        """Eigenvalues of B in ascending order, rounding noise beside H_original set to 0."""
        d, first = self.student.d, self.neuron * self.student.d
        values = np.linalg.eigvalsh(self.B)
        scale = float(np.abs(self.original.hessian[first : first + d, first : first + d]).max())
        return np.where(np.abs(values) <= _ZERO * max(scale, float(np.abs(values).max())), 0.0, values)

    @property
    def inertia(self) -> Inertia:
        """The signs of the eigenvalues of B."""
        return Inertia(*(int(np.sum(np.sign(self.matrix_spectrum) == sign)) for sign in (1, -1, 0)))

    @property
    def definiteness(self) -> str:
        """ "positive definite", "negative definite", "indefinite", "zero", "positive semi-definite" or "negative semi-definite"."""
        signs = self.inertia
        if signs.positive and signs.negative:
            return "indefinite"
        if not (signs.positive or signs.negative):
            return "zero"
        return f"{'positive' if signs.positive else 'negative'} {'semi-' if signs.zero else ''}definite"

    # the points of the line -------------------------------------------------------------------------------------------

    def network(self, gamma: float) -> Network:
        """The split student."""
        return split(self.student, self.neuron, gamma)

    def students(self, gammas: ArrayLike) -> Array:
        """theta of the split students, shape (..., P)."""
        gammas = np.asarray(gammas, dtype=float)
        start = self.network(0.0).theta
        return start + gammas[..., None] * (self.network(1.0).theta - start)

    @cached_property
    def direction(self) -> Array:
        """Unit vector along the line, shape (P,): +1 and -1 at the two outgoing weights, over sqrt 2."""
        along = np.zeros(self.network(0.0).theta.size)
        first = (self.student.n + 1) * self.student.d + self.neuron
        along[[first, first + 1]] = np.array([1.0, -1.0]) / np.sqrt(2.0)
        return along

    def point(self, gamma: float) -> CriticalPoint:
        """The critical point at gamma, whose Hessian is the landscape's own."""
        require(self, CRITICAL)
        return CriticalPoint(self.landscape, self.network(gamma), f"split at gamma = {gamma:g}", statement="splitting")

    # second order -----------------------------------------------------------------------------------------------------

    def hessian(self, gammas: ArrayLike) -> Array:
        """The exact Hessian along the line by the block form, shape (..., P, P). OutsideTheorem unless the original point is critical."""
        require(self, CRITICAL, ALIVE)
        gammas = np.asarray(gammas, dtype=float)
        weights = np.stack([gammas, 1.0 - gammas], axis=-1)
        return copied_hessian(self.original.hessian, self.B, self.neuron, self.student.n, weights)

    def spectrum(self, gammas: ArrayLike) -> Array:
        """Eigenvalues along the line in ascending order, shape (..., P)."""
        return np.linalg.eigvalsh(self.hessian(gammas))

    def escape(self, gamma: float) -> tuple[float, Array]:
        """The lowest eigenvalue at gamma off the line itself, and its unit eigenvector (P,): where it is negative, the way down."""
        hessian = self.hessian(gamma)
        lifted = hessian + 2.0 * float(np.abs(hessian).max()) * len(hessian) * np.outer(self.direction, self.direction)
        values, vectors = np.linalg.eigh(lifted)
        lowest = vectors[:, 0]
        first = lowest[np.argmax(np.abs(lowest) > 0.5 * np.abs(lowest).max())]
        return float(values[0]), lowest * (1.0 if first > 0 else -1.0)

    def index(self, gamma: float) -> int:
        """Morse index at gamma: that of the original point plus the negative eigenvalues of gamma (1 - gamma) B."""
        require(self, CRITICAL, ALIVE)
        product = gamma * (1.0 - gamma)
        signs = self.inertia
        return self.original.index + (signs.negative if product > 0 else signs.positive if product < 0 else 0)

    def nullity(self, gamma: float) -> int:
        """The number of zero eigenvalues: 1 for the line, d more at gamma = 0 and 1, and those of H_original and B."""
        require(self, CRITICAL, ALIVE)
        return self.original.nullity + 1 + (self.student.d if gamma in (0.0, 1.0) else self.inertia.zero)

    def pure_curvature(self, gammas: ArrayLike) -> Array:
        """gamma (1 - gamma)/(gamma^2 + (1 - gamma)^2) times the eigenvalues of B, shape (..., d): the curvature per unit length of
        u_1 = (1 - gamma) delta, u_2 = -gamma delta for each eigenvector delta; -B/2 in the limit of large gamma."""
        gammas = np.asarray(gammas, dtype=float)[..., None]
        return gammas * (1.0 - gammas) / (gammas**2 + (1.0 - gammas) ** 2) * self.matrix_spectrum

    def moved(self, gammas: ArrayLike, delta: ArrayLike, steps: ArrayLike) -> Array:
        """theta with the copies pulled apart, w + s (1 - gamma) delta and w - s gamma delta; gammas and steps broadcast, (..., P)."""
        gammas, steps = np.broadcast_arrays(np.asarray(gammas, dtype=float), np.asarray(steps, dtype=float))
        theta = self.students(gammas)
        d, first = self.student.d, self.neuron * self.student.d
        apart = np.asarray(delta, dtype=float)
        theta[..., first : first + d] += ((1.0 - gammas) * steps)[..., None] * apart
        theta[..., first + d : first + 2 * d] -= (gammas * steps)[..., None] * apart
        return theta

    # the theorem ------------------------------------------------------------------------------------------------------

    @property
    def verdicts(self) -> tuple[tuple[str, str | None], ...]:
        """Each hypothesis of the plateau rule with None where it holds, else what was given."""
        return tuple((condition.sentence, condition.given(self)) for condition in CONDITIONS)

    @cached_property
    def plateau(self) -> str:
        """Where the points of the line are local minima: "inside" (0 < gamma < 1), "outside" (gamma < 0 or > 1) or "nowhere".

        Raises ``OutsideTheorem`` naming the hypothesis that fails.
        """
        require(self, *CONDITIONS)
        return {"positive definite": "inside", "negative definite": "outside"}.get(self.definiteness, "nowhere")

    @property
    def intervals(self) -> tuple[tuple[float, float], ...]:
        """The open intervals of gamma that ``plateau`` names."""
        ends = {"inside": ((0.0, 1.0),), "outside": ((-np.inf, 0.0), (1.0, np.inf)), "nowhere": ()}
        return ends[self.plateau]


def splitting_line(landscape: Landscape, student: Network | ArrayLike, neuron: int = 0) -> SplittingLine:
    """The line of students that splitting this neuron makes, with B, spectra, indices and the plateau.

    landscape : any, population or samples, with one output. student : a Network, or theta of one student: a critical point, from
    ``refine`` or a closed form. Raises ValueError for a neuron that is not there or a loss without a Hessian.

    Source: Fukumizu & Amari, Neural Networks 13 (2000) 317, Theorems 1 and 3; the exact block form, the index and the ends derived.
    """
    network = student if isinstance(student, Network) else landscape.network(student)
    split(network, neuron, 0.5)  # refuses a neuron that is not there
    return SplittingLine(landscape, network, int(neuron))


# hypotheses -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """A hypothesis about a line. given(line) : None where it holds, else a phrase."""

    sentence: str
    given: Callable[[SplittingLine], str | None]
    remedy: str


def _slope(line: SplittingLine) -> str | None:
    bound = _CRITICAL * max(1.0, float(np.abs(line.original.spectrum).max()))
    return None if line.original.residual <= bound else f"max |dL/dtheta_i| = {number(line.original.residual, 3)}"


def _silenced(line: SplittingLine) -> str | None:
    return None if line.student.a[line.neuron] != 0 else f"a = 0 of neuron {line.neuron}"


def _not_strict(line: SplittingLine) -> str | None:
    original = line.original
    if original.index == original.nullity == 0:
        return None
    return f"index {original.index}, {original.describe_zero_modes()}"


def _undecided(line: SplittingLine) -> str | None:
    if line.definiteness in ("positive definite", "negative definite", "indefinite"):
        return None
    return f"B {line.definiteness}, with eigenvalues {eigenvalues(line.matrix_spectrum)}"


CRITICAL = Condition(
    "an original point with zero gradient", _slope, "refine the student first: refine(landscape, student)"
)
ALIVE = Condition(
    "a neuron with an outgoing weight a other than 0",
    _silenced,
    "split another neuron, or start from another critical point",
)
STRICT = Condition(
    "an original point whose Hessian is positive definite",
    _not_strict,
    "start from a strict minimum; index and nullity of the line hold without this",
)
DECIDED = Condition(
    "a matrix B that is definite or indefinite",
    _undecided,
    "change the target a little: where B is semi-definite with a zero eigenvalue the second order does not decide",
)
CONDITIONS = (CRITICAL, ALIVE, STRICT, DECIDED)


def require(line: SplittingLine, *conditions: Condition) -> None:
    """Raise ``OutsideTheorem`` with the first of these conditions that fails."""
    for condition in conditions:
        given = condition.given(line)
        if given is not None:
            raise OutsideTheorem(TITLE, condition.sentence, given, condition.remedy)


# as a statement about one neuron and a teacher ------------------------------------------------------------------------


def lowest_of_one_neuron(landscape: Any) -> CriticalPoint | None:
    """The lowest critical point found of one neuron, strict minima first; None where the search finds none.

    Newton's iteration from the 8 lowest of 400 fixed weight vectors, each with its best outgoing weight.
    """
    w = 1.5 * np.random.default_rng(0).normal(size=(400, landscape.d))
    without, unit = (np.column_stack([w, np.full(len(w), a)]) for a in (0.0, 1.0))
    overlap = landscape.gradient(without)[:, -1]
    own = np.maximum(landscape.gradient(unit)[:, -1] - overlap, 1e-300)  # 2 E[sigma^2]: the loss is quadratic in a
    starts = np.column_stack([w, -overlap / own])
    theta, residual, largest = newton(landscape, starts[np.argsort(overlap**2 / -own, kind="stable")[:8]], 60)
    found = theta[residual <= RESIDUAL_TOLERANCE * np.maximum(1.0, largest)]
    points = [CriticalPoint(landscape, landscape.network(row), "one neuron") for row in found]
    return min(points, key=lambda point: (point.index + point.nullity > 0, point.loss), default=None)


@lru_cache(maxsize=64)
def line_of_one_neuron(activation: Activation, teacher: Network) -> SplittingLine | None:
    """The splitting line of the lowest critical point found of one neuron that learns from this teacher; None where there is none."""
    found = lowest_of_one_neuron(PopulationLandscape(activation, teacher))
    return None if found is None else SplittingLine(found.landscape, found.student, 0)


def of_one_neuron(condition: Condition) -> Hypothesis:
    """A condition on a line as a hypothesis about the lowest critical point found of one neuron."""

    def violation(activation: Activation, teacher: Network) -> str | None:
        line = line_of_one_neuron(activation, teacher)
        return "no finite critical point of one neuron" if line is None else condition.given(line)

    return Hypothesis(condition.sentence, violation, condition.remedy)


def _points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The split points at gamma = -1/2, 1/2 and 3/2."""
    STATEMENT.require(activation, teacher)
    line = line_of_one_neuron(activation, teacher)
    assert line is not None
    return tuple(line.point(gamma) for gamma in (-0.5, 0.5, 1.5))


#: Three teachers for which one neuron has a definite B: erf a negative one, softplus a positive one.
TEACHER = Network([[0.5, -2.0], [-0.5, 0.0], [-2.0, 2.0]], [-1.0, 1.0, 2.0])

STATEMENT = Statement(
    key="splitting",
    title=TITLE,
    status="known (line, stability for B definite), derived (exact block form, index, ends)",
    source=(
        "Fukumizu & Amari, Neural Networks 13 (2000) 317, Theorems 1 and 3 (line, stability for B definite); the exact block form, "
        "the index and the ends derived."
    ),
    claim=(
        r"Replace a neuron $(w,a)$ of a critical point by two, $(w,\gamma a)$ and $(w,(1-\gamma)a)$: for every real $\gamma$ the "
        r"loss is the same and its gradient is zero. With $\ell'=2(f-y)$ and $$B=\langle\ell'\,a\,\sigma''(w\cdot x)\,x\,x^{\mathsf "
        r"T}\rangle$$ the Hessian of the split point is congruent to $$H_{\rm original}\;\oplus\;\gamma(1-\gamma)\,B\;\oplus\;0.$$ "
        r"If $H_{\rm original}>0$: for $B>0$ the points with $0<\gamma<1$ are local minima (a **plateau**) and those outside "
        r"saddles of index $d$; for $B<0$ it is the other way round; for $B$ indefinite all with $\gamma\ne0,1$ are saddles. At "
        r"$\gamma=0$ and $1$, where a neuron is **silenced**, $1+d$ eigenvalues are zero. Along the pure splitting direction the "
        r"curvature is $\gamma(1-\gamma)/(\gamma^2+(1-\gamma)^2)$ times that of $B$: it tends to that of $-B/2$ for large $\gamma$. "
        r"One input without bias: $B$ is a number, so one side is always a plateau unless $B=0$. One output only."
    ),
    hypotheses=tuple(of_one_neuron(condition) for condition in CONDITIONS),
    cases=(
        {"activation": "erf", "B": (-0.36043778, -0.03110960), "plateau": "outside", "loss": 0.0391601609},
        {"activation": "softplus", "B": (0.00225921, 0.04643873), "plateau": "inside", "loss": 1.3366576404},
    ),
    point=_points,
    figure="splitting",
    verified=(
        "gradient on the line below 1e-12",
        "block form against the full Hessian",
        "B against its integral",
        "loss near the plateau and its ends",
    ),
)
