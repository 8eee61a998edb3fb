"""Critical points found numerically, labelled so.

One student neuron. The loss depends on w only through summary statistics, the norm r = |w| and the cosines with the teacher vectors:
rotations of the complement of the teachers' span change nothing. So the search runs in the span and one dimension more, from many
starts at once, by a Newton iteration that does not care about the index, and then

* drops what did not converge and what ran away (a gradient can be small because the norm is large),
* counts points of equal loss, norm, weight and spectrum as one orbit (symmetric teachers have many copies of a point), and
  degenerate points of equal loss as one curve of critical points,
* asks whether the infimum lies at infinity: where r^-m sigma(r z) tends to a limit as r -> inf (step, sign or relu), the neuron
  a = rho r^-m has a limit loss, minimised over its direction; if it lies below every finite point, the search says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, islice
from typing import TYPE_CHECKING

import numpy as np

from .activations import Activation
from .critical import RESIDUAL_TOLERANCE, CriticalPoint, NotConverged, newton, refine
from .display import number
from .landscapes import PopulationLandscape
from .networks import Network, equicorrelation

if TYPE_CHECKING:
    from typing import Self

Array = np.ndarray
Progress = Callable[[float], None]

_LONGEST = 100.0  # in units of the longest teacher vector: beyond, a point counts as running away
_SAME = 1e-7


@dataclass(frozen=True)
class LimitAtInfinity:
    """The infimum of the loss where no finite student reaches it.

    loss : lim L as |w| -> inf along w = |w| direction, a = slope |w|^-degree. sentence : the same in words.
    """

    loss: float
    direction: Array
    slope: float
    degree: int
    sentence: str

    def __repr__(self) -> str:
        return f"LimitAtInfinity(loss={number(self.loss)})"


class OneNeuronPoints(tuple[CriticalPoint, ...]):
    """Critical points of a one-neuron student, lowest loss first.

    complete : True if no others (with a != 0, up to symmetry) exist, by proof. remark : what is known about that, in a sentence.
    statement : key of the theorem they come from, "" for a search. infimum : the limit at infinity that lies below all of them, or None.
    """

    complete: bool
    remark: str
    statement: str
    infimum: LimitAtInfinity | None

    def __new__(
        cls,
        points: Iterable[CriticalPoint],
        complete: bool = False,
        remark: str = "",
        statement: str = "",
        infimum: LimitAtInfinity | None = None,
    ) -> Self:
        new = super().__new__(cls, sorted(points, key=lambda point: round(point.loss, 10)))
        new.complete, new.remark, new.statement, new.infimum = complete, remark, statement, infimum
        return new


# trivial points: a = 0 ------------------------------------------------------------------------------------------------


def trivial_point(landscape: PopulationLandscape) -> CriticalPoint | None:
    """The shortest w with sum_j b_j K(w, v_j) = 0, and a = 0: the student is the zero function, L = E[f*^2].

    All such w form a hypersurface of critical points; this is one representative. None where the equation has no solution (a positive
    kernel and positive weights, for example) or where the loss has no Hessian at it (relu at w = 0). For a homogeneous activation
    with a kink the hypersurface is a cone without its tip, represented by a point with |w| = 1.
    """
    activation, d = landscape.activation, landscape.d
    scale = np.sqrt(landscape.constant) + 1e-300

    def overlap(w: Array) -> Array:  # sum_j b_j K(w, v_j) for any number of w; NaN or inf beyond the range of doubles
        with np.errstate(over="ignore", invalid="ignore"):
            return -0.5 * landscape.gradient(np.concatenate([w, np.zeros((*w.shape[:-1], 1))], axis=-1))[..., -1]

    name = "the zero student (a = 0)"
    if not activation.kinks:
        t = np.einsum("jd,jd->j", landscape.teacher.W, landscape.teacher.W)
        kernel, _, slope = activation.jet(np.zeros_like(t), np.zeros_like(t), t, np.zeros_like(t), 1)
        terms = landscape.teacher.a * kernel
        if abs(terms.sum()) <= 1e-14 * np.abs(terms).sum():  # w = 0 solves it, exactly or by cancellation
            return CriticalPoint(
                landscape,
                Network(np.zeros((1, d)), [0.0]),
                name,
                "closed form",
                known_spectrum=_spectrum_at_zero(landscape, slope),
            )
    elif activation.exact == "numerical" and activation.homogeneous is None:
        return None
    directions = _directions(landscape.teacher.W, np.random.default_rng(0), 64)
    cone = activation.homogeneous is not None
    radii = np.array([1.0]) if cone else np.linalg.norm(landscape.teacher.W, axis=1).max() * np.geomspace(1e-3, 30, 60)
    values = overlap(directions[:, None, :] * radii[:, None])
    values[~np.isfinite(values)] = 0.0
    if not values.min() < 0 < values.max():
        return None
    from scipy.optimize import brentq, minimize

    if cone:
        low = directions[int(values[:, 0].argmin())]
        # not opposite to it: the way between them must not pass through 0
        values[np.linalg.norm(directions + low, axis=1) <= 0.1] = -np.inf
        if not values.max() > 0:
            return None
        high = directions[int(values[:, 0].argmax())]

        def between(share: float) -> Array:
            w = (1 - share) * low + share * high
            return w / np.linalg.norm(w)

        w = between(brentq(lambda share: float(overlap(between(share))), 0.0, 1.0, xtol=1e-15, rtol=1e-15))
    else:
        starts: dict[int, Array] = {}  # where each ray first crosses the hypersurface
        for row, column in np.argwhere(np.diff(np.sign(values), axis=1) * np.sign(values[:, 1:]) == 2):
            unit = directions[row]
            bracket = radii[column], radii[column + 1]
            starts.setdefault(row, unit * brentq(lambda r, u=unit: float(overlap(r * u)), *bracket, xtol=1e-14))
        if not starts:
            return None
        candidates = sorted(starts.values(), key=np.linalg.norm)[:5]
        for start in candidates[:]:
            found = minimize(
                lambda w: float(w @ w),
                start,
                jac=lambda w: 2 * w,
                constraints={
                    "type": "eq",
                    "fun": lambda w: float(overlap(w)),
                    "jac": lambda w: -0.5 * landscape.hessian(np.append(w, 0.0))[:-1, -1],
                },
                method="SLSQP",
                options={"ftol": 1e-14, "maxiter": 500},
            )
            if abs(float(overlap(found.x))) < 1e-6 * scale:
                candidates.append(found.x)
        w = min(candidates, key=np.linalg.norm)
    for _ in range(6):  # back onto the hypersurface, along its normal, to rounding
        at_rest = np.append(w, 0.0)
        if not landscape.has_hessian(at_rest):
            return None
        normal = -0.5 * landscape.hessian(at_rest)[:-1, -1]
        if not np.linalg.norm(normal) > 0:
            return None
        w = w - float(overlap(w)) * normal / (normal @ normal)
    student = Network(w[None, :], [0.0])
    if not landscape.has_hessian(student):
        return None
    return CriticalPoint(landscape, student, name, "numerical")


def _spectrum_at_zero(landscape: PopulationLandscape, slope: Array) -> Array:
    """Eigenvalues at w = 0, a = 0: the Hessian is [[0, g], [g, 2 k(0)]] with g = -2 sum_j b_j K_c(0, v_j) v_j.

    slope : K_c(0, v_j). A sum that cancels to rounding counts as g = 0.
    """
    terms = 2 * (landscape.teacher.a * slope)[:, None] * landscape.teacher.W
    length = float(np.linalg.norm(terms.sum(axis=0)))
    if length <= 1e-13 * np.linalg.norm(terms, axis=1).sum():
        length = 0.0
    own = float(landscape.activation.self_kernel(0.0))
    spread = float(np.hypot(own, length))
    # own - spread without cancellation
    low = -(length**2) / (own + spread) if length else 0.0
    return np.concatenate([[low], np.zeros(landscape.d - 1), [own + spread]])


# the search -----------------------------------------------------------------------------------------------------------


def _directions(teachers: Array, rng: np.random.Generator, count: int) -> Array:
    """Unit vectors: single teachers, sums of few and of all, their opposites, and random ones; shape (many, d)."""
    k, d = teachers.shape
    sums = [
        teachers[list(group)].sum(axis=0) for size in (1, 2, 3, k) for group in islice(combinations(range(k), size), 20)
    ]
    rows = np.vstack([sums, [-row for row in sums], rng.normal(size=(count, d))])
    lengths = np.linalg.norm(rows, axis=1)
    rows = rows[lengths > 1e-9 * lengths.max()]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _at_rest(landscape: PopulationLandscape, student: Network) -> Network:
    """The student with w = 0 and the best a, if that is critical: Newton creeps towards it where it is degenerate."""
    zero = np.zeros((1, landscape.d))
    own = float(landscape.activation.self_kernel(0.0))
    if landscape.activation.kinks or own == 0:
        return student
    weight = -0.5 * float(landscape.gradient(Network(zero, [0.0]))[-1]) / own
    rested = Network(zero, [weight])
    bound = RESIDUAL_TOLERANCE * max(1.0, float(np.abs(landscape.hessian(rested)).max()))
    return rested if np.abs(landscape.gradient(rested)).max() <= bound else student


def _name(activation: Activation, student: Network, teacher: Network) -> str:
    """A phrase for where the student points: at the average, at some of the teachers, or nowhere (w = 0)."""
    norm = np.linalg.norm(student.W)
    lengths = np.linalg.norm(teacher.W, axis=1)
    if norm == 0:
        return "constant student (w = 0)"
    cosines = np.sort(teacher.W @ student.W[0] / (norm * np.where(lengths > 0, lengths, 1.0)))[::-1]
    steps = np.flatnonzero(-np.diff(cosines) > 1e-6)
    if np.abs(cosines).max() < 1e-6:
        return "across all teachers"
    if not steps.size:
        return "average of the teachers" if cosines[0] > 0 else "anti-average"
    if steps.size == 1 and teacher.n > 1 and not isinstance(equicorrelation(teacher), str):
        count = int(steps[0]) + 1
        if cosines[0] > -cosines[-1]:
            return "towards a single teacher" if count == 1 else f"towards {count} of {teacher.n} teachers"
        return f"away from {teacher.n - count} of {teacher.n} teachers"
    alignment = teacher.W @ student.W[0] / np.where(lengths > 0, lengths, 1.0)
    return f"towards teacher {int(np.argmax(np.abs(alignment) if activation.even else alignment)) + 1}"


class _Profile:
    """P(w) = min_a L(w, a), whose critical points are those of L with a != 0, and those with no overlap at all.

    L is quadratic in a, with curvature 2 k(|w|^2). In (w, a) a neuron that works almost linearly lies in a long bent valley
    a w = const, where Newton's iteration creeps; in w alone the valley is straight.
    """

    def __init__(self, landscape: PopulationLandscape) -> None:
        self.landscape = landscape

    def with_weight(self, w: Array) -> Array:
        """theta with the best a for each w, shape (..., d + 1)."""
        silent = np.concatenate([w, np.zeros((*w.shape[:-1], 1))], axis=-1)
        slope = self.landscape.gradient(silent)[..., -1]
        own = self.landscape.activation.self_kernel(np.minimum(np.sum(w * w, axis=-1), 1e300))
        silent[..., -1] = -0.5 * slope / own
        return silent

    def value(self, w: Array) -> Array:
        return self.landscape.value(self.with_weight(w))

    def gradient(self, w: Array) -> Array:
        return self.landscape.gradient(self.with_weight(w))[..., :-1]

    def hessian(self, w: Array) -> Array:
        """The Schur complement L_ww - L_wa L_aw / L_aa."""
        hessian = self.landscape.hessian(self.with_weight(w))
        cross = hessian[..., :-1, -1]
        return hessian[..., :-1, :-1] - cross[..., :, None] * cross[..., None, :] / hessian[..., -1:, -1:]


def _one_continuum(first: CriticalPoint, second: CriticalPoint, constant: float) -> bool:
    """Whether two degenerate points of one loss and index look like points of one curve of critical points."""
    same_loss = abs(first.loss - second.loss) <= 1e-10 * constant
    return same_loss and first.index == second.index and "genuine" in second.zero_modes


def _reduced(teacher: Network) -> tuple[Network, Array]:
    """The teacher in coordinates of its span and one dimension more, and the basis (d, d') of these coordinates."""
    _, sizes, rows = np.linalg.svd(teacher.W)
    rank = int(np.sum(sizes > 1e-12 * sizes.max(initial=1e-300)))
    basis = rows[: min(rank + 1, teacher.d)].T
    return Network(teacher.W @ basis, teacher.a), basis


def _limit_at_infinity(landscape: PopulationLandscape) -> LimitAtInfinity | None:
    """min over directions of the loss of a neuron of infinite norm; None if the activation has no such limit."""
    activation, teacher = landscape.activation, landscape.teacher
    limit_kernel = getattr(activation, "limit_kernel", None)
    if limit_kernel is None or activation.homogeneous is not None:
        return None
    gated = activation.name in ("gelu", "softplus", "silu")
    degree = 1 if gated else 0
    own = 1.0 if activation.odd else 0.5  # E[sign^2] = 1, E[step^2] = E[relu^2] = 1/2
    t = np.einsum("jd,jd->j", teacher.W, teacher.W)

    def overlap(rows: Array) -> tuple[Array, Array]:
        """G(u) = sum_j b_j lim r^-m K(r u, v_j) for unit vectors u, and its gradient across u."""
        unit = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
        c = unit @ teacher.W.T
        value, _, slope = limit_kernel(c, np.broadcast_to(t, c.shape), np.maximum(t - c * c, 0.0), 1)
        gradient = (slope * teacher.a) @ teacher.W
        return value @ teacher.a, gradient - np.sum(gradient * unit, axis=-1, keepdims=True) * unit

    from scipy.optimize import minimize

    rows = _directions(teacher.W, np.random.default_rng(0), 500)
    order = np.argsort(-np.abs(overlap(rows)[0]))[:5]
    best, best_row = -1.0, rows[0]
    for row in rows[order]:
        sign = np.sign(overlap(row[None])[0][0]) or 1.0

        def objective(x: Array, sign: float = float(sign)) -> tuple[float, Array]:
            value, gradient = overlap(x[None])
            return -sign * float(value[0]), -sign * gradient[0] / np.linalg.norm(x)

        found = minimize(objective, row, jac=True, method="BFGS", options={"gtol": 1e-13})
        value = abs(float(overlap(found.x[None])[0][0]))
        if value > best:
            best, best_row = value, found.x / np.linalg.norm(found.x)
    slope = float(overlap(best_row[None])[0][0]) / own
    loss = max(landscape.constant - best**2 / own, 0.0)
    shape = {0: "a jump", 1: "a relu neuron"}[degree]
    scaling = "a |w| fixed" if degree else "a fixed"
    sentence = (
        f"the infimum lies at infinity: as |w| -> inf with {scaling} = {number(slope)} the neuron becomes {shape} and the loss falls "
        f"towards {number(loss)}, which no finite student reaches"
    )
    return LimitAtInfinity(loss, best_row, slope, degree, sentence)


def _starts(reduced: PopulationLandscape, count: int, rng: np.random.Generator) -> tuple[Array, int]:
    """Weight vectors to start from, shape (many, d'), and how many of them (the first ones) are not random.

    The chosen ones point at single teachers, sums of few and of all, at several norms; ``count`` random ones follow.
    """
    activation, teachers = reduced.activation, reduced.teacher.W
    directions = _directions(teachers, rng, count)
    longest = float(np.linalg.norm(teachers, axis=1).max())
    structured = directions[: len(directions) - count]
    mirrored = activation.odd or activation.even
    if mirrored:
        structured = structured[: len(structured) // 2]  # the other half are their opposites
    norms = longest * np.exp(rng.uniform(np.log(0.1), np.log(4.0), count))
    principal = structured
    if activation.exact != "closed form":  # costly kernels: only single teachers and the sum of all at every size
        principal = np.vstack([teachers, teachers.sum(axis=0)])
        lengths = np.linalg.norm(principal, axis=1, keepdims=True)
        principal = np.divide(principal, lengths, out=np.zeros_like(principal), where=lengths > 1e-9 * longest)
        if not mirrored:
            principal = np.vstack([principal, -principal])
    sizes = [0.4 * longest, longest]
    if longest > 2:  # bounded activations answer long teachers with a neuron of norm about 1
        norms[::3] /= longest
        sizes.append(0.7)
    chosen = np.vstack([0.7 * longest * structured, *(size * principal for size in sizes)])
    if activation.even:  # w = 0 is critical by reflection
        chosen = np.vstack([chosen, 1e-4 * longest * structured[:1]])
    return np.vstack([chosen, directions[len(directions) - count :] * norms[:, None]]), len(chosen)


def _candidates(
    reduced: PopulationLandscape, w: Array, chosen: int, progress: Progress
) -> tuple[Array, Array, Array, int]:
    """theta, residual and largest eigenvalue where Newton's iteration ends, and how many rows come from it in (w, a).

    The rows after these come from the iteration in w alone, which straightens bent valleys but is flat far out.
    """
    activation, profile = reduced.activation, _Profile(reduced)
    with np.errstate(over="ignore", invalid="ignore"):  # exp: such starts are left out
        own = activation.self_kernel(np.sum(w * w, axis=-1))
        usable = np.isfinite(own) & (own > 1e-12)
        w = np.where(usable[:, None], w, w[np.argmax(usable)])
        theta = profile.with_weight(w)
        usable &= np.isfinite(theta).all(axis=-1) & np.isfinite(reduced.gradient(theta)).all(axis=-1)
    theta, residual, largest = newton(reduced, theta[usable], 150, _part(progress, 0.0, 0.5))
    count = len(theta)
    if activation.homogeneous is None:  # otherwise rescaling straightens the valley
        straight, _, _ = newton(profile, w[:chosen][usable[:chosen]], 100, _part(progress, 0.5, 0.8))
        more = newton(reduced, profile.with_weight(straight), 50, _part(progress, 0.8, 0.85))
        theta, residual, largest = (np.concatenate(pair) for pair in zip((theta, residual, largest), more, strict=True))
    return theta, residual, largest, count


def _bottoms(reduced: PopulationLandscape, theta: Array, residual: Array, largest: Array, progress: Progress) -> Array:
    """Minima below all converged rows, where Newton's iteration crept along a flat valley without reaching its lowest point.

    The lowest rows go on by a trust-region descent in w alone, and are then polished; shape (few, d' + 1), maybe empty.
    """
    from scipy.optimize import minimize

    longest = float(np.linalg.norm(reduced.teacher.W, axis=1).max())
    with np.errstate(over="ignore", invalid="ignore"):
        loss = reduced.value(theta)
    converged = residual <= RESIDUAL_TOLERANCE * np.maximum(1.0, largest)
    norms = np.linalg.norm(theta[:, :-1], axis=-1)
    near = np.isfinite(loss) & (norms > 1e-3 * longest) & (norms < 10 * longest)
    known = min([reduced.constant, *loss[converged & near]])
    lower = np.flatnonzero(near & ~converged & (loss < known - 1e-9 * reduced.constant))
    profile = _Profile(reduced)
    ends = []
    for row in lower[np.argsort(loss[lower])][:3]:
        try:
            found = minimize(
                profile.value,
                theta[row, :-1],
                jac=profile.gradient,
                hess=profile.hessian,
                method="trust-exact",
                callback=lambda _: progress(0.0),
                options={"gtol": 1e-11 * max(1.0, float(largest[row])), "maxiter": 100},
            )
        except (ValueError, np.linalg.LinAlgError):
            continue  # the way down crosses a place without derivatives
        ends.append(profile.with_weight(found.x))
    return np.array(ends).reshape(-1, theta.shape[-1])


class _Orbits:
    """The distinct points among the candidates: equal loss, norm, weight and spectrum are one orbit."""

    def __init__(self, reduced: PopulationLandscape) -> None:
        self.reduced = reduced
        self.longest = float(np.linalg.norm(reduced.teacher.W, axis=1).max())
        self.signatures: list[Array] = []
        self.places: list[tuple[float, Array]] = []

    def representative(self, theta: Array) -> Network | None:
        """The student in the form in which it is listed; None for the zero student, and for one that runs away."""
        activation, constant = self.reduced.activation, self.reduced.constant
        student = Network(theta[None, :-1], theta[-1:])
        norm = float(np.linalg.norm(student.W))
        if abs(student.a[0]) * np.sqrt(float(activation.self_kernel(norm**2))) <= 1e-6 * np.sqrt(constant):
            return None  # ``trivial_point`` has it
        if constant - float(self.reduced.value(student)) <= 1e-9 * constant:
            return None  # a plateau far out, where the student changes nothing
        if activation.homogeneous is not None:
            student = Network(student.W / norm, student.a * norm**activation.homogeneous)
        elif norm > _LONGEST * self.longest or norm * np.abs(self.reduced.gradient(student)).max() > 1e-10 * constant:
            return None
        if norm < 1e-3 * self.longest:
            student = _at_rest(self.reduced, student)
        return Network(-student.W, -student.a) if activation.odd and student.a[0] < 0 else student

    def is_new(self, student: Network) -> bool:
        """Whether no orbit seen so far has this student; it then counts as seen. False where there is no spectrum."""
        if not self.reduced.has_hessian(student):
            return False
        hessian = self.reduced.hessian(student)
        if not np.isfinite(hessian).all():
            return False
        loss, norm = float(self.reduced.value(student)), float(np.linalg.norm(student.W))
        signature = np.concatenate([[loss, norm, student.a[0]], np.linalg.eigvalsh(hessian)])
        size = np.maximum(np.abs(signature), np.abs(signature).max() * 1e-3)
        if any(np.all(np.abs(signature - other) <= _SAME * size) for other in self.signatures):
            return False
        # along a valley too flat for its end to be found, the same loss in the same direction is the same point
        cosines = np.sort(self.reduced.teacher.W @ student.W[0]) / (self.longest * max(norm, 1e-300))
        close = 1e-10 * self.reduced.constant
        if any(abs(loss - there) <= close and np.abs(cosines - at).max() <= 1e-4 for there, at in self.places):
            return False
        self.signatures.append(signature)
        self.places.append((loss, cosines))
        return True


def _part(progress: Progress, low: float, high: float) -> Progress:
    """The progress of one stage as a part of the whole."""
    return lambda share: progress(low + (high - low) * share)


def search_one_neuron(
    activation: Activation,
    teacher: Network,
    starts: int | None = None,
    seed: int = 0,
    progress: Progress = lambda share: None,
) -> OneNeuronPoints:
    """Critical points of the one-neuron problem for any activation and teacher, numerically; lowest loss first.

    starts : number of random starts, beside those along sums of teachers (default 150; 80 for a mixture, 60 for a
    user's activation). seed : of their directions and norms. progress : called now and then with the share done, 0 to 1; an exception
    that it raises ends the search.
    Every point is refined to max |grad L| <= 1e-13 max(1, largest Hessian eigenvalue). A search proves nothing about
    completeness; ``infimum`` tells if the loss falls below all points found as |w| -> inf.
    """
    if starts is None:
        starts = {"closed form": 150, "mixture": 80, "numerical": 60}[activation.exact]
    landscape = PopulationLandscape(activation, teacher)
    if landscape.constant == 0:
        raise ValueError(
            "the teacher is the zero function: every student with a = 0 has loss 0, there is nothing to search"
        )
    reduced_teacher, basis = _reduced(teacher)
    reduced = PopulationLandscape(activation, reduced_teacher)
    theta, residual, largest, direct = _candidates(
        reduced, *_starts(reduced, starts, np.random.default_rng(seed)), progress
    )
    if activation.homogeneous is None:
        bottoms = newton(
            reduced,
            _bottoms(reduced, theta, residual, largest, _part(progress, 0.85, 0.85)),
            50,
            _part(progress, 0.85, 0.9),
        )
        theta, residual, largest = (
            np.concatenate(pair) for pair in zip((theta, residual, largest), bottoms, strict=True)
        )

    points: list[CriticalPoint] = []
    orbits = _Orbits(reduced)
    converged = np.flatnonzero(residual <= RESIDUAL_TOLERANCE * np.maximum(1.0, largest))
    for place, row in enumerate(converged):
        progress(0.9 + 0.1 * place / len(converged))
        student = orbits.representative(theta[row])
        if student is None or not orbits.is_new(student):
            continue
        lifted = Network(student.W @ basis.T, student.a)
        point = CriticalPoint(landscape, lifted, _name(activation, lifted, teacher), "numerical")
        if point.residual > RESIDUAL_TOLERANCE * max(1.0, float(np.abs(point.spectrum).max())):
            try:
                point = refine(landscape, lifted, point.name)
            except NotConverged:
                continue
        if point.zero_modes.get("genuine"):
            one_curve = any(_one_continuum(point, other, landscape.constant) for other in points)
            if row >= direct or one_curve:
                continue
        points.append(point)

    with np.errstate(over="ignore", invalid="ignore"):
        near = np.isfinite(residual) & (np.linalg.norm(theta[:, :-1], axis=-1) <= _LONGEST * orbits.longest)
        reached = reduced.value(theta[near])
    lowest = min([landscape.constant, *(point.loss for point in points)])
    seen = min([lowest, *reached[np.isfinite(reached)]])
    limit = _limit_at_infinity(landscape)
    if limit is not None and limit.loss >= seen - 1e-9 * landscape.constant:
        limit = None
    zero = trivial_point(landscape)
    remark = "found by a numerical search; others may exist"
    if not points:
        remark = "the search found no finite critical point with a != 0"
    if activation.jumps:
        remark += (
            "; where w is parallel to a teacher the loss has a cusp, which is no critical point even if it is a minimum"
        )
    if limit is not None:
        remark += "; " + limit.sentence
    elif seen < lowest - 1e-9 * landscape.constant:
        remark += f"; a student of loss {number(seen)} lies below all of them"
    return OneNeuronPoints([*points, *([zero] if zero else [])], False, remark, "", limit)
