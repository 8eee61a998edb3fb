r"""A polynomial target and two neurons: the minimum lies at infinity, and the flow towards it follows a power law.

Two neurons with input bias and output bias, f(x) = a_1 s(w_1 x + b_1) + a_2 s(w_2 x + b_2) + b, learn x^2 on samples that are symmetric
about 0. Take w_1 = -w_2 = w, b_1 = b_2 = beta, a_1 = a_2 = a and expand in w:

    f(x) = 2 a s(beta) + b + a s''(beta) w^2 x^2 + a s''''(beta) w^4 x^4/12 + a s^(6)(beta) w^6 x^6/360 + ...

With a = 1/(s''(beta) w^2) and b = -2 a s(beta) all that is left is O(w^2), so that L -> 0 as w -> 0 and a -> infinity.

**Biases that learn.** Where s''''(beta) = 0 != s^(5)(beta) the x^4 term goes as well. What is left is w^4 [k x^6 + q x^4 + p x^2 + c] with
k = s^(6)/(360 s''), and q, p, c are free: beta + kappa w^2, a (1 + O(w^4)) and b + O(w^4) set them. At their best

    L = C a^-4 (1 + O(1/a)),   C = (s^(6)/360)^2 D_6/s''^6,   D_2m = min over even q of degree 2m - 2 of <(x^2m - q(x))^2>.

Where s is point-symmetric, s(-z) = const - s(z) (tanh, erf, sigmoid, normal_cdf), a neuron (w, beta, a) may be replaced by (-w, -beta,
-a) and b by b + const a: done with one of the two, this makes a third valley, with the biases beta and -beta and the same C.

**Biases that are frozen** at a beta with s''''(beta) != 0 leave the x^4 term: L = C a^-2 (1 + O(1/a)), C = (s''''/12)^2 D_4/s''^4. Both
are m = 3 and m = 2 of L = C a^(2-2m), C = [2 s^(2m)/((2m)! s''^m)]^2 D_2m.

**Time.** Along the valley da_1 = da_2 = da, db = -2 s(beta) da, and w and beta move by O(a^(-3/2)) da: the squared length of a step is g
da^2 with g = 2 + 4 s(beta)^2 (2 + [s(beta) - s(-beta)]^2 for the third valley), and gradient flow restricted to the valley is g da/dt =
-dL/da. Hence

    a = (2m (2m - 2) C t/g)^(1/2m),    L = C a^(2-2m) ~ t^(-(m-1)/m),    |theta| = sqrt(g) a + O(1)

up to factors 1 + O(1/a): a ~ t^(1/6), L ~ t^(-2/3) with biases that learn, a ~ t^(1/4), L ~ t^(-1/2) with frozen ones. That the full flow
follows the valley is an assumption of this derivation (the eigenvalues across it exceed 1/t by more and more); the tests compare with
flows to t = 1e12.

**The published theorem**, by its abstract: an activation is SAD if it is sublinear (limsup |s(t x)|/t finite), analytic and definable in an
o-minimal structure. For a polynomial target and a sufficiently big architecture and data set the optimal loss value is zero and can only be
realised asymptotically, and any gradient flow with a sufficiently good initialisation diverges to infinity. The bounds are not explicit.

Source: Kranz, Gallon, Dereich & Jentzen, NeurIPS 2025 (that such minima lie at infinity; the targets); the valley, its constants and its
rates derived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import factorial
from typing import Any

import numpy as np

from ..activations import Activation, NumericalActivation
from ..critical import CriticalPoint, Hypothesis, OutsideTheorem, Statement
from ..landscapes import SampledLandscape
from ..networks import BiasedNetwork

Array = np.ndarray

#: Biases are looked for up to this size; beyond it the activations here are straight or flat to rounding.
_FURTHEST = 8.0
_SAME = 1e-9


# targets --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Polynomial:
    """sum of coefficient * x_1^e_1 x_2^e_2 ...; terms : (coefficient, (e_1, e_2, ...)). neurons : how many the flows of the page take."""

    name: str
    latex: str
    terms: tuple[tuple[float, tuple[int, ...]], ...]
    neurons: int

    @property
    def d(self) -> int:
        """The number of inputs."""
        return len(self.terms[0][1])

    @property
    def degree(self) -> int:
        """The highest sum of exponents."""
        return max(sum(exponents) for _, exponents in self.terms)

    def __call__(self, x: Array) -> Array:
        """Values at x (..., d), shape (...)."""
        x = np.asarray(x, dtype=float)
        return np.asarray(sum(c * np.prod(x ** np.array(exponents), axis=-1) for c, exponents in self.terms))


def _line(name: str, latex: str, coefficients: Mapping[int, float], neurons: int) -> Polynomial:
    return Polynomial(name, latex, tuple((float(c), (power,)) for power, c in coefficients.items()), neurons)


#: Targets by name. The last two are those of the SAD paper's experiments in one and two dimensions (there with three hidden layers).
POLYNOMIALS: dict[str, Polynomial] = {
    target.name: target
    for target in (
        _line("x^2", "x^2", {2: 1}, 2),
        _line("x^3", "x^3", {3: 1}, 3),
        _line("x^4 - x", "x^4-x", {4: 1, 1: -1}, 4),
        _line("degree 10", "x^{10}-2x^8+2x^5+3x^3-2x^2+5", {10: 1, 8: -2, 5: 2, 3: 3, 2: -2, 0: 5}, 4),
        Polynomial(
            "degree 5 in two inputs",
            "y^5-x^3y^2-4x^2y+3x^3-y^2+x+2",
            (
                (1.0, (0, 5)),
                (-1.0, (3, 2)),
                (-4.0, (2, 1)),
                (3.0, (3, 0)),
                (-1.0, (0, 2)),
                (1.0, (1, 0)),
                (2.0, (0, 0)),
            ),
            6,
        ),
    )
}


def polynomial_landscape(activation: Activation, target: str = "x^2", points: int | None = None) -> SampledLandscape:
    """The loss of networks with input bias and output bias on equally spaced samples of a polynomial on [-1, 1]^d.

    target : a name in ``POLYNOMIALS``. points : samples along each input, 40 for one input and 10 for two. Inputs are (x, 1) or (x, y, 1).
    """
    if target not in POLYNOMIALS:
        raise ValueError(f"target must be one of {', '.join(POLYNOMIALS)}; {target!r} was given")
    polynomial = POLYNOMIALS[target]
    count = (40 if polynomial.d == 1 else 10) if points is None else points
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 3:
        raise ValueError(f"points must be a whole number of at least 3; {points!r} was given")
    line = np.linspace(-1.0, 1.0, int(count))
    x = np.stack(np.meshgrid(*[line] * polynomial.d, indexing="ij"), axis=-1).reshape(-1, polynomial.d)
    return SampledLandscape(activation, np.column_stack([x, np.ones(len(x))]), polynomial(x), output_bias=True)


def normal_start(n: int, d: int, seed: int) -> BiasedNetwork:
    """W (n, d) with standard normal entries, then a (n,), from ``default_rng(seed)``; the output bias is 0. d counts the column of ones."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n, d))
    return BiasedNetwork(W, rng.normal(size=n), 0.0)


# counter-examples -----------------------------------------------------------------------------------------------------


def _elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0.0)))


def _elu_slope(z: Array) -> Array:
    return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0.0)))


def _elu_curvature(z: Array) -> Array:
    return np.where(z > 0, 0.0, np.exp(np.minimum(z, 0.0)))


def _softsign(z: Array) -> Array:
    return z / (1.0 + np.abs(z))


def _softsign_slope(z: Array) -> Array:
    return 1.0 / (1.0 + np.abs(z)) ** 2


def _softsign_curvature(z: Array) -> Array:
    return -2.0 * np.sign(z) / (1.0 + np.abs(z)) ** 3


#: elu (z for z > 0, exp(z) - 1 below) and softsign (z/(1 + |z|)): one continuous derivative, the second jumps at 0, so they are not
#: analytic.
ELU = NumericalActivation("elu", _elu, _elu_slope, _elu_curvature, (0.0,))
SOFTSIGN = NumericalActivation("softsign", _softsign, _softsign_slope, _softsign_curvature, (0.0,), odd=True)

#: Why an activation is no SAD activation: name -> the letter that fails and a phrase.
NOT_SAD: dict[str, tuple[str, str]] = {
    "relu": ("A", "relu, whose slope jumps at 0"),
    "leaky_relu": ("A", "leaky_relu, whose slope jumps at 0"),
    "elu": ("A", "elu, whose second derivative jumps at 0"),
    "softsign": ("A", "softsign, whose second derivative jumps at 0"),
    "step": ("A", "step, which jumps at 0"),
    "sign": ("A", "sign, which jumps at 0"),
    "square": ("S", "square, which grows faster than linearly"),
    "cube": ("S", "cube, which grows faster than linearly"),
    "exp": ("S", "exp, which grows faster than linearly"),
    "sin": ("D", "sin, which oscillates for ever"),
    "cos": ("D", "cos, which oscillates for ever"),
}
#: Sublinear, analytic, and built from exp and integrals of such functions, hence definable.
SAD = ("tanh", "sigmoid", "softplus", "silu", "gelu", "erf", "normal_cdf", "gaussian", "linear")


# the valley -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def tuned_biases(activation: Activation) -> tuple[float, ...]:
    """All beta in [-8, 8] with s''''(beta) = 0, s''(beta) != 0 and s^(5)(beta) != 0, in ascending order.

    tanh: tanh(beta)^2 = 2/3. softplus: beta = +-log((3 + sqrt 3)/(3 - sqrt 3)). erf: beta^2 = 3. Zeros of the fourth derivative by
    Brent's method between sign changes on a grid of spacing 0.005.
    """
    from scipy.optimize import brentq

    grid = np.linspace(-_FURTHEST, _FURTHEST, 3200)
    fourth = activation.derivative(grid, 4)
    size = [float(np.abs(activation.derivative(grid, order)).max()) for order in (2, 5)]
    found = []
    for i in np.flatnonzero(np.sign(fourth[1:]) * np.sign(fourth[:-1]) < 0):
        beta = brentq(lambda z: float(activation.derivative(np.array(z), 4)), grid[i], grid[i + 1], xtol=1e-15)
        second, fifth = (float(activation.derivative(np.array(beta), order)) for order in (2, 5))
        if abs(second) > 1e-3 * size[0] and abs(fifth) > 1e-6 * size[1]:
            found.append(float(beta))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Valley:
    """A valley of two neurons to infinity along which L = C a^(2 - 2 m).

    biases : beta of both neurons at the end of the valley, equal or opposite. order : m, 3 where s''''(beta) = 0 and the biases learn, 2
    for frozen biases. a is the size of both outgoing weights.
    """

    landscape: SampledLandscape = field(repr=False)
    biases: tuple[float, float]
    order: int = 3

    def __repr__(self) -> str:
        first, second = self.biases
        return f"Valley(biases {first:.6g}, {second:.6g}; loss ~ t^{self.loss_exponent:.4g}, norm ~ t^{self.norm_exponent:.4g})"

    def _derivative(self, order: int, z: float | None = None) -> float:
        return float(self.landscape.activation.derivative(np.array(self.biases[0] if z is None else z), order))

    @cached_property
    def _projection(self) -> tuple[float, Array]:
        """D_2m and the coefficients (c, p, ...) of the even polynomial with <(x^2m + c + p x^2 + ...)^2> = D_2m."""
        x, weights = self.landscape.X[:, 0], self.landscape.weights
        powers = np.stack([x ** (2 * j) for j in range(self.order + 1)], axis=1)
        root = np.sqrt(weights)[:, None]
        best, *_ = np.linalg.lstsq(root * powers[:, :-1], (root * powers)[:, -1], rcond=None)
        rest = powers[:, -1] - powers[:, :-1] @ best
        return float(np.sum(weights * rest**2)), -best

    @property
    def signs(self) -> tuple[float, float]:
        """The signs of the outgoing weights, those of s'' at the biases."""
        first = float(np.sign(self._derivative(2)))
        return first, first if self.biases[0] == self.biases[1] else -first

    @cached_property
    def constant(self) -> float:
        """C = [2 s^(2m)/((2m)! s''^m)]^2 D_2m."""
        m = self.order
        return (2 * self._derivative(2 * m) / (factorial(2 * m) * self._derivative(2) ** m)) ** 2 * self._projection[0]

    @cached_property
    def metric(self) -> float:
        """g = 2 + [sum_i sign_i s(beta_i)]^2, the squared length of a step with da = 1."""
        return 2.0 + sum(sign * self._derivative(0, bias) for sign, bias in zip(self.signs, self.biases)) ** 2

    @property
    def norm_exponent(self) -> float:
        """|theta| ~ t^(1/2m)."""
        return 1.0 / (2 * self.order)

    @property
    def loss_exponent(self) -> float:
        """L ~ t^(-(m-1)/m)."""
        return -(self.order - 1.0) / self.order

    def outgoing(self, times: Any) -> Array:
        """a = (2m (2m - 2) C t/g)^(1/2m), up to a factor 1 + O(1/a)."""
        m = self.order
        return (2 * m * (2 * m - 2) * self.constant * np.asarray(times, dtype=float) / self.metric) ** (1 / (2 * m))

    def loss(self, times: Any) -> Array:
        """L = C a(t)^(2 - 2m), up to a factor 1 + O(1/a)."""
        return self.constant * self.outgoing(times) ** (2 - 2 * self.order)

    def norm(self, times: Any) -> Array:
        """sqrt(g) a(t), up to a constant."""
        return np.sqrt(self.metric) * self.outgoing(times)

    def network(self, a: float) -> BiasedNetwork:
        """The student in the valley whose outgoing weights have the size a > 0: L = C a^(2 - 2m) (1 + O(1/a)).

        The coefficients of x^4 (m = 3), x^2 and 1 in f - x^2 are those of the best even polynomial, to leading order in 1/a.
        """
        if not (isinstance(a, (int, float, np.number)) and a > 0):
            raise ValueError(f"the size of the outgoing weights must be a number > 0; a = {a!r} was given")
        m, outgoing = self.order, self.signs[0] * float(a)
        scale = 2 * outgoing * self._derivative(2 * m) / factorial(2 * m) / (self._derivative(2) * outgoing) ** m
        best = scale * self._projection[1]  # coefficients of 1, x^2, ...
        bias = self.biases[0]
        if m == 3:
            bias += 12 * best[2] * self._derivative(2) ** 2 * outgoing / self._derivative(5)
        w = float(np.sqrt((1 + best[1]) / (outgoing * self._derivative(2, bias))))
        turned = 1.0 if self.biases[0] == self.biases[1] else -1.0  # the second neuron as it is, or (-w, -beta, -a)
        weights = np.array([outgoing, turned * outgoing])
        rows = np.array([[w, bias], [-turned * w, turned * bias]])
        mean = sum(weights[i] * self._derivative(0, float(rows[i, 1])) for i in (0, 1))
        return BiasedNetwork(rows, weights, float(best[0] - mean))


def _point_symmetric(activation: Activation) -> bool:
    """Whether s(z) + s(-z) is the same for all z."""
    z = np.linspace(0.0, 5.0, 11)
    return float(np.ptp(activation(z) + activation(-z))) < 1e-12


def valleys_to_infinity(activation: Activation, landscape: SampledLandscape) -> tuple[Valley, ...]:
    """The valleys of two neurons that learn x^2: the biases beta, beta for each of ``tuned_biases``, and beta, -beta where s is
    point-symmetric.

    The one with the lowest loss at late times comes first. Raises ``OutsideTheorem`` naming the hypothesis that fails. Source: derived.
    """
    STATEMENT.require(activation, landscape)  # type: ignore[arg-type] # samples stand for the teacher here
    biases = tuned_biases(activation)
    pairs = [(beta, beta) for beta in biases]
    if _point_symmetric(activation):
        pairs += [(beta, -beta) for beta in biases if beta > 0]
    found = [Valley(landscape, pair) for pair in pairs]
    return tuple(sorted(found, key=lambda valley: (float(f"{float(valley.loss(1.0)):.6g}"), valley.biases)))


def frozen_valley(landscape: SampledLandscape, bias: float) -> Valley:
    """The valley of two neurons whose input biases stay at this value: a ~ t^(1/4), L ~ t^(-1/2).

    Raises ``OutsideTheorem`` for other samples, and ValueError where s''(beta) = 0 (no valley) or s''''(beta) = 0 (the better one of
    biases that learn).
    """
    activation = landscape.activation
    for hypothesis in STATEMENT.hypotheses[2:]:
        _require(hypothesis, activation, landscape)
    second, fourth = (float(activation.derivative(np.array(float(bias)), order)) for order in (2, 4))
    if abs(second) < _SAME or abs(fourth) < _SAME:
        what = "s''" if abs(second) < _SAME else "s''''"
        raise ValueError(f"a frozen bias needs s''(beta) and s''''(beta) other than 0; {what}({bias:.6g}) = 0")
    return Valley(landscape, (float(bias), float(bias)), 2)


def nearest_valley(valleys: tuple[Valley, ...], student: BiasedNetwork) -> Valley | None:
    """The valley in which this student is, None for none.

    Needed: |w| and |a| of both neurons equal to 5 %, the signs of a and of w_1 w_2 those of the valley, input biases within 0.3 of its own.
    """
    if student.n != 2 or student.d != 2:
        return None
    w, b = student.W.T
    if any(np.ptp(sizes) > 0.05 * sizes.max() for sizes in (np.abs(w), np.abs(student.a))):
        return None
    for valley in valleys:
        if bool(w[0] * w[1] < 0) != (valley.biases[0] == valley.biases[1]):
            continue
        for order in ((0, 1), (1, 0)):
            near = [abs(b[i] - valley.biases[j]) < 0.3 for j, i in enumerate(order)]
            if all(near) and all(np.sign(student.a[i]) == valley.signs[j] for j, i in enumerate(order)):
                return valley
    return None


# the statement --------------------------------------------------------------------------------------------------------


def _kinked(activation: Activation, teacher: Any) -> str | None:
    if activation.kinks:
        return NOT_SAD.get(activation.name, ("", f"{activation.name}, which has a kink at {activation.kinks[0]:g}"))[1]
    return None


def _no_bias(activation: Activation, teacher: Any) -> str | None:
    if activation.kinks:
        return f"{activation.name}, whose fourth derivative does not exist everywhere"
    return None if tuned_biases(activation) else f"{activation.name}, whose fourth derivative has no such zero"


def _other_samples(activation: Activation, teacher: Any) -> str | None:
    if not isinstance(teacher, SampledLandscape):
        return "a teacher network with Gaussian inputs"
    if teacher.d != 2 or np.abs(teacher.X[:, 1] - 1.0).max() > 0:
        return f"inputs of dimension {teacher.d}" + (" without a column of ones" if teacher.d == 2 else "")
    x, y = teacher.X[:, 0], teacher.y
    away = np.abs(y - x**2)
    if away.max() > _SAME * max(1.0, float(np.abs(x).max()) ** 2):
        return f"labels that differ from x^2 by {away.max():.6g}"
    order, back = np.lexsort((teacher.weights, x)), np.lexsort((teacher.weights, -x))
    same = np.allclose(x[order], -x[back], atol=_SAME) and np.allclose(
        teacher.weights[order], teacher.weights[back], rtol=_SAME, atol=0.0
    )
    if not same:
        return "samples that are not symmetric about 0"
    distinct = np.unique(np.round(np.abs(x[teacher.weights > 0]), 12)).size
    return (
        None if distinct >= 4 else f"{distinct} different values of |x|, where a polynomial in x^2 passes through all"
    )


def _no_output_bias(activation: Activation, teacher: Any) -> str | None:
    return None if getattr(teacher, "output_bias", False) else "no output bias"


def _require(hypothesis: Hypothesis, activation: Activation, landscape: SampledLandscape) -> None:
    given = hypothesis.violation(activation, landscape)  # type: ignore[arg-type]
    if given is not None:
        raise OutsideTheorem(STATEMENT.title, hypothesis.sentence, given, hypothesis.remedy)


def _points(activation: Activation, teacher: Any) -> tuple[CriticalPoint, ...]:
    """None: the valley ends at infinity."""
    STATEMENT.require(activation, teacher)
    return ()


STATEMENT = Statement(
    key="sad",
    title="the valley to infinity of two neurons that learn x^2",
    status="derived; that such minima lie at infinity is known",
    source=(
        "Kranz, Gallon, Dereich & Jentzen, NeurIPS 2025 (that such minima lie at infinity; the targets); the valley, its constants and its "
        "rates derived."
    ),
    claim=(
        r"Two neurons with input and output bias learn $x^2$. Near a bias $\beta$ with $\sigma''''(\beta)=0$ there is a **valley** "
        r"$$w_1=-w_2=w,\quad b_1=b_2\to\beta,\quad a_1=a_2=a=\frac1{\sigma''(\beta)\,w^2},\qquad w\to0,$$ "
        r"along which $L\to0$ is never reached: $$L=C\,a^{-4}\,(1+O(1/a)),\qquad "
        r"C=\Big(\frac{\sigma^{(6)}(\beta)}{360}\Big)^2\frac{D_6}{\sigma''(\beta)^6},$$ "
        r"with $D_6$ the squared distance of $x^6$ from the polynomials $q\,x^4+p\,x^2+c$ on the samples. "
        r"Gradient flow in the valley has, with $g=2+4\sigma(\beta)^2$, "
        r"$$a=\Big(\frac{24\,C\,t}{g}\Big)^{1/6},\qquad L=C\,a^{-4}\sim t^{-2/3},\qquad |\theta|=\sqrt g\,a+O(1)\sim t^{1/6}.$$ "
        r"With input biases frozen elsewhere the $x^4$ term stays: $L\sim t^{-1/2}$, $|\theta|\sim t^{1/4}$."
    ),
    hypotheses=(
        Hypothesis("an activation that is analytic", _kinked, "choose tanh, sigmoid, softplus, silu, gelu or erf"),
        Hypothesis(
            "a bias beta with s''''(beta) = 0, s''(beta) != 0 and s'''''(beta) != 0",
            _no_bias,
            "choose tanh, sigmoid, softplus, silu, gelu or erf",
        ),
        Hypothesis(
            "samples of x^2, symmetric about 0, with inputs (x, 1)",
            _other_samples,
            "polynomial_landscape(activation, 'x^2') makes them; other targets are followed numerically",
        ),
        Hypothesis("a trainable output bias", _no_output_bias, "pass output_bias=True to SampledLandscape"),
    ),
    cases=(
        {"activation": "tanh", "bias": 1.1462158348, "constant": 2.3904871838e-05, "metric": 4.6666666667},
        {"activation": "sigmoid", "bias": -2.2924316696, "constant": 3.8247794940e-04, "metric": 2.0336735048},
        {"activation": "softplus", "bias": -1.3169578969, "constant": 2.0986444412e-06, "metric": 2.2254365331},
    ),
    point=_points,
    figure="never_arriving",
    verified=(
        "expansion with SymPy for a general activation",
        "loss of the student in the valley against C a^-4 as a grows",
        "flows of tanh, sigmoid and softplus to t = 1e12: loss and weights with their constants",
        "frozen biases by a flow of their own",
    ),
)
