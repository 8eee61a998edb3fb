"""Critical points with their Morse index, the Newton iteration that refines them, and theorems as objects.

The Morse index of a critical point is the number of negative eigenvalues of the Hessian, its nullity the number of zero ones.
Both need a stated tolerance: by default 1e-13 of the largest eigenvalue, or none where the spectrum is known in closed form. Zero
modes that a symmetry of the loss explains are named (``zero_modes``); a point is called degenerate only if others remain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .activations import Activation
from .display import below, eigenvalues, number
from .networks import Network

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

#: Eigenvalues below this share of the largest count as zero.
INDEX_TOLERANCE = 1e-13
#: A refined critical point has max |grad L| below this times max(1, largest eigenvalue).
RESIDUAL_TOLERANCE = 1e-13


class TwiceDifferentiable(Protocol):
    """What Newton's iteration needs of a function of flat parameters (..., p)."""

    def gradient(self, student: Any) -> Array: ...
    def hessian(self, student: Any) -> Array: ...


class Landscape(TwiceDifferentiable, Protocol):
    """What a critical point needs of a landscape: exact derivatives on flat parameters, and its symmetries."""

    def value(self, student: Any) -> Array: ...
    def network(self, theta: ArrayLike) -> Network: ...
    def symmetry_directions(self, student: Any) -> dict[str, Array]: ...


class OutsideTheorem(ValueError):
    """A closed form was asked for outside its hypotheses. ``hypothesis`` is the sentence of the one that failed."""

    def __init__(self, statement: str, hypothesis: str, given: str, remedy: str) -> None:
        super().__init__(f"{statement} needs {hypothesis}; given: {given}; {remedy}")
        self.statement, self.hypothesis, self.given, self.remedy = statement, hypothesis, given, remedy


class NotConverged(ValueError):
    """No critical point was reached. ``student`` is the best point found, ``residual`` its largest |dL/dtheta_i|."""

    def __init__(self, sentence: str, student: Network, residual: float) -> None:
        super().__init__(sentence)
        self.student, self.residual = student, residual


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """A point theta with grad L = 0, and what the Hessian says about it.

    landscape : the loss. student : the Network. method : "closed form" or "numerical". name : a phrase for people.
    statement : key in ``STATEMENTS`` of the theorem it comes from, or "". known_spectrum : eigenvalues in closed form.
    orbit : how many such points the teacher's symmetry makes of it, where known.
    """

    landscape: Any
    student: Network
    name: str = "critical point"
    method: str = "numerical"
    statement: str = ""
    known_spectrum: Array | None = field(default=None, repr=False)
    orbit: int | None = None

    def __repr__(self) -> str:
        return f"CriticalPoint({self.name}, {self.kind}, loss={number(self.loss)}, index={self.index}, {self.method})"

    @cached_property
    def loss(self) -> float:
        """L, without the factor 1/2."""
        return float(self.landscape.value(self.student))

    @cached_property
    def residual(self) -> float:
        """max_i |dL/dtheta_i|."""
        return float(np.abs(self.landscape.gradient(self.student)).max())

    @cached_property
    def hessian(self) -> Array:
        """The exact Hessian, shape (p, p); ValueError if the loss has none at this point."""
        hessian = self.landscape.hessian(self.student)
        if not np.isfinite(hessian).all():
            raise ValueError(
                f"the loss has no finite Hessian at this point ({self.name}), so it has no spectrum and no index; "
                "move the student a little"
            )
        return hessian

    @cached_property
    def spectrum(self) -> Array:
        """Eigenvalues of the Hessian in ascending order: in closed form where known, else computed from the exact Hessian."""
        if self.known_spectrum is not None:
            return np.sort(self.known_spectrum)
        return np.linalg.eigvalsh(self.hessian)

    @property
    def tolerance(self) -> float:
        """Eigenvalues of at most this size count as zero."""
        if self.known_spectrum is not None:
            return 0.0
        return INDEX_TOLERANCE * float(np.abs(self.spectrum).max())

    @property
    def index(self) -> int:
        """Morse index: the number of negative eigenvalues."""
        return int(np.sum(self.spectrum < -self.tolerance))

    @property
    def nullity(self) -> int:
        """The number of zero eigenvalues, symmetry directions included."""
        return int(np.sum(np.abs(self.spectrum) <= self.tolerance))

    @cached_property
    def zero_modes(self) -> dict[str, int]:
        """How many zero modes each symmetry explains, by its name; "genuine" counts the rest. Empty if there are none."""
        if self.nullity == 0:
            return {}
        largest = float(np.abs(self.spectrum).max())
        found = np.empty((0, self.hessian.shape[0]))
        counts: dict[str, int] = {}
        for name, rows in self.landscape.symmetry_directions(self.student).items():
            rows = rows - (rows @ found.T) @ found
            _, sizes, basis = np.linalg.svd(rows, full_matrices=False)
            basis = basis[sizes > 1e-9 * max(1.0, float(sizes.max(initial=0.0)))]
            if not len(basis):
                continue
            left, stretch, _ = np.linalg.svd(basis @ self.hessian)
            stretch = np.append(stretch, np.zeros(len(basis) - len(stretch)))
            # a Hessian that is known to vanish annihilates everything, whatever its entries' rounding
            null = left.T[stretch <= (1e2 * INDEX_TOLERANCE * largest if largest > 0 else np.inf)] @ basis
            null = null[: self.nullity - len(found)]
            if len(null):
                counts[name] = len(null)
                found = np.vstack([found, null])
        if self.nullity > len(found):
            counts["genuine"] = self.nullity - len(found)
        return counts

    @cached_property
    def kind(self) -> str:
        """ "minimum", "saddle", "maximum", "degenerate minimum" or "degenerate saddle" (zero modes of symmetry left aside).

        Where genuine zero modes remain the Hessian does not decide: with index 0 the loss is evaluated nearby, and the point is a
        "degenerate saddle" if some direction leads down at every distance tried, else a "degenerate minimum". A silenced or idle
        neuron is looked at in the same way, because moving its w and a together can lower the loss.
        """
        modes = self.zero_modes
        degenerate = "degenerate " if modes.get("genuine", 0) else ""
        if self.index == 0:
            doubtful = modes.keys() & {"genuine", "silenced neuron", "idle neuron"}
            return "degenerate saddle" if doubtful and self._leads_down() else f"{degenerate}minimum"
        if self.index == self.spectrum.size - self.nullity and not degenerate:
            return "maximum"
        return f"{degenerate}saddle"

    def _leads_down(self) -> bool:
        """Whether the loss falls along some zero mode, at several distances down to a hundredth.

        Each step along the zero modes is followed by a Newton step across them, so that bent valleys are seen as well as straight ones.
        """
        values, vectors = np.linalg.eigh(self.hessian)
        order = np.argsort(np.abs(values))
        flat, stiff = vectors[:, order[: self.nullity]].T, vectors[:, order[self.nullity :]]
        directions = np.random.default_rng(0).normal(size=(200, len(flat))) @ flat
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        theta = self.student.theta
        sizes = np.array([0.01, 0.03, 0.1]) * max(1.0, float(np.abs(theta).max()))
        moved = theta + sizes[:, None, None] * directions
        settled = moved - (self.landscape.gradient(moved) @ stiff / values[order[self.nullity :]]) @ stiff.T
        noise = 1e-13 * max(self.loss, float(getattr(self.landscape, "constant", 0.0)))
        lower = [self.landscape.value(nearby) < self.loss - noise for nearby in (moved, settled)]
        return bool(np.logical_or(*lower).all(axis=0).any())

    def describe_zero_modes(self) -> str:
        """ "nullity 1 (rescaling 1)" or "nullity 0"."""
        parts = ", ".join(f"{name} {count}" for name, count in self.zero_modes.items())
        return f"nullity {self.nullity}" + (f" ({parts})" if parts else "")

    def describe(self) -> str:
        """A few lines of text that name the point, its loss, index and spectrum; the same on every machine."""
        scale = float(getattr(self.landscape, "constant", 0.0))
        lines = [
            f"{self.name}: {self.kind} ({self.method})",
            f"loss {number(self.loss, 10, scale)}, residual {below(self.residual)}",
            f"index {self.index}, {self.describe_zero_modes()}",
            f"Hessian spectrum {eigenvalues(self.spectrum)}",
        ]
        return "\n".join(lines)


# refinement -----------------------------------------------------------------------------------------------------------


def newton(
    landscape: TwiceDifferentiable,
    theta: ArrayLike,
    iterations: int = 100,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[Array, Array, Array]:
    """Safeguarded Newton iteration on grad L = 0 for a batch of students, towards critical points of any index.

    Levenberg-Marquardt on the gradient: with H = Q diag(l) Q^T the step is -Q diag(l / (l^2 + mu)) Q^T grad L, taken only where
    it shortens the gradient; mu falls after good steps and rises after bad ones. Eigenvalues below 1e-13 of the largest (zero
    modes) do not move. theta : (..., p). progress : called before each iteration with the share done; what it raises ends the work.

    Returns (theta, residual max |grad L|, largest |eigenvalue|), the latter two of shape (...). Rows that did not converge come
    back at their best point: compare the residual with ``RESIDUAL_TOLERANCE * max(1, largest)``.
    """
    # a trial step may leave the range of doubles (exp) or of the derivatives (relu at 0): it is rejected, not warned about
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _newton(landscape, np.array(theta, dtype=float), iterations, progress)


def _newton(
    landscape: TwiceDifferentiable, theta: Array, iterations: int, progress: Callable[[float], None]
) -> tuple[Array, Array, Array]:
    lead, p = theta.shape[:-1], theta.shape[-1]
    theta = theta.reshape(-1, p)
    gradient = landscape.gradient(theta)
    size = np.linalg.norm(gradient, axis=-1)
    size[~np.isfinite(size)] = np.inf
    largest, damping, growth = np.ones(len(theta)), np.full(len(theta), 1e-2), np.full(len(theta), 2.0)
    settled = ~np.isfinite(size)
    stalled = np.zeros(len(theta), dtype=int)
    for iteration in range(iterations):
        progress(iteration / iterations)
        active = np.flatnonzero(~settled)
        if not active.size:
            break
        hessian = landscape.hessian(theta[active])
        usable = np.isfinite(hessian).all(axis=(-2, -1))
        settled[active[~usable]] = True
        active, hessian = active[usable], hessian[usable]
        if not active.size:
            break
        values, vectors = np.linalg.eigh(hessian)
        top = np.abs(values).max(axis=-1)
        largest[active] = top
        local = (vectors.swapaxes(-1, -2) @ gradient[active][..., None])[..., 0]
        moving = np.abs(values) > INDEX_TOLERANCE * top[:, None]
        mu = (
            damping[active, None]
            * (top[:, None] * np.minimum(1.0, size[active, None] / np.maximum(top[:, None], 1e-300))) ** 2
        )
        coefficients = np.where(moving, local * values / (values**2 + mu), 0.0)
        trial = theta[active] - (vectors @ coefficients[..., None])[..., 0]
        bounded = np.isfinite(trial).all(axis=-1) & (np.abs(trial).max(axis=-1) < 1e8)
        trial[~bounded] = theta[active][~bounded]
        new_gradient = landscape.gradient(trial)
        new_size = np.linalg.norm(new_gradient, axis=-1)
        better = bounded & (new_size < size[active])
        clearly = better & (new_size < 0.9 * size[active])
        accepted = active[better]
        theta[accepted], gradient[accepted], size[accepted] = trial[better], new_gradient[better], new_size[better]
        good, bad = active[clearly], active[~better]
        damping[good] = np.maximum(damping[good] / 8, 1e-30)
        growth[good] = 2.0
        damping[bad] = np.minimum(damping[bad] * growth[bad], 1e12)
        growth[bad] = np.minimum(2 * growth[bad], 64)
        stalled[good] = 0
        stalled[active[~clearly]] += 1
        residual = np.abs(gradient[active]).max(axis=-1)
        small = residual <= RESIDUAL_TOLERANCE * np.maximum(1.0, top)
        # below the tolerance a few more steps cost nothing and reach rounding; then, or when nothing moves, stop
        settled[active] = (small & ~clearly) | (residual <= 1e-16 * top) | (stalled[active] >= 12)
    residual = np.abs(gradient).max(axis=-1)
    residual[~np.isfinite(residual)] = np.inf
    return theta.reshape(*lead, p), residual.reshape(lead), largest.reshape(lead)


def refine(
    landscape: Landscape, student: Network | ArrayLike, name: str = "critical point", iterations: int = 200
) -> CriticalPoint:
    """The critical point that the safeguarded Newton iteration reaches from this student.

    Ends with max |grad L| <= 1e-13 max(1, largest Hessian eigenvalue), or raises ``NotConverged``, which says how far it got
    and carries the best student.
    """
    theta = student.theta if isinstance(student, Network) else np.asarray(student, dtype=float)
    if theta.ndim != 1:
        raise ValueError(f"refine takes one student of shape (p,); theta has the shape {theta.shape}")
    refined, residual, largest = newton(landscape, theta, iterations)
    network = landscape.network(refined)
    bound = RESIDUAL_TOLERANCE * max(1.0, float(largest))
    if not residual <= bound:
        away = float(np.linalg.norm(refined - theta))
        raise NotConverged(
            f"no critical point reached: max |grad L| = {float(residual):.3g} after at most {iterations} Newton steps, "
            f"{bound:.1g} is needed, and the student moved by {away:.3g}; start closer to a critical point, "
            "or look for one at infinity if the weights keep growing",
            network,
            float(residual),
        )
    return CriticalPoint(landscape, network, name)


# theorems -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hypothesis:
    """A condition of a theorem as code.

    sentence : what is needed, completing "... needs". violation(activation, teacher) : None where it holds, else a phrase that
    says what was given. remedy : what would do.
    """

    sentence: str
    violation: Callable[[Activation, Network], str | None] = field(repr=False)
    remedy: str


@dataclass(frozen=True, repr=False)
class Statement:
    """A theorem as an object: read by the tests, the pages, the labs and the command line.

    key : in ``STATEMENTS``. title : a phrase. status : "known" (published) or "derived" (here, with the proof in the module).
    source : paper or "derived". claim : sentences in Markdown with LaTeX. hypotheses : conditions as code. cases : settings with
    numbers that the tests check. point(activation, teacher) : its critical points. figure : the module of ``figures`` that draws it.
    verified : how the tests prove it. complete(activation, teacher) : whether these are known to be all non-trivial points.
    """

    key: str
    title: str
    status: str
    source: str
    claim: str
    hypotheses: tuple[Hypothesis, ...]
    cases: tuple[Mapping[str, Any], ...] = field(repr=False)
    point: Callable[[Activation, Network], tuple[CriticalPoint, ...]] = field(repr=False)
    figure: str
    verified: tuple[str, ...]
    complete: Callable[[Activation, Network], str] = field(repr=False, default=lambda activation, teacher: "")

    def __repr__(self) -> str:
        return f"Statement({self.key!r}, {self.status})"

    def _repr_markdown_(self) -> str:
        needs = "\n".join(f"* {hypothesis.sentence}" for hypothesis in self.hypotheses)
        checks = "; ".join(self.verified)
        title = self.title[:1].upper() + self.title[1:]
        return (
            f"**{title}** ({self.status})\n\n{self.claim}\n\nIt needs\n\n{needs}\n\n"
            f"*Source:* {self.source}\n\n*Checked by:* {checks}."
        )

    def verdicts(self, activation: Activation, teacher: Network) -> tuple[tuple[str, str | None], ...]:
        """Each hypothesis with None where it holds, else what was given."""
        return tuple((hypothesis.sentence, hypothesis.violation(activation, teacher)) for hypothesis in self.hypotheses)

    def applies(self, activation: Activation, teacher: Network) -> bool:
        """Whether every hypothesis holds."""
        return all(given is None for _, given in self.verdicts(activation, teacher))

    def require(self, activation: Activation, teacher: Network) -> None:
        """Raise ``OutsideTheorem`` with the first hypothesis that fails."""
        for hypothesis in self.hypotheses:
            given = hypothesis.violation(activation, teacher)
            if given is not None:
                raise OutsideTheorem(self.title, hypothesis.sentence, given, hypothesis.remedy)
