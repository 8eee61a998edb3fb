r"""Bifurcation values of one neuron at the average of alike teachers: where its Morse index changes with correlation or norm.

k teacher vectors of norm s, mutual correlation beta, common weight b != 0; p = m^2 = (1 + (k - 1) beta)/k is the share of |v|^2
along the mean, so that (1 - beta)/k = (1 - p)/(k - 1). L(w, a) with weight b is b^2 times L(w, a/b) with weight 1, and
(w, a) -> (w, a/b) is linear and invertible: by Sylvester's law no index depends on b, its sign included.

**Product kernels** K = N(w) N(v) F(phi(w).phi(v)) (erf, normal_cdf, sin, cos, exp, gaussian). With A = a N(w), B = b N(v) the map
(w, a) -> (phi, A) is a diffeomorphism, so the index at a critical point may be read off

    L = A^2 F(|phi|^2) - 2 A B sum_j F(phi.phi_j) + const,    at phi = mean_j phi_j, A = k B,    T = |phi(v)|^2, tau = |phi|^2 = p T.

* complement of the span, d - k times:   2 A^2 F'(tau) > 0
* span across the mean, k - 1 times:     2 A^2 [F'(tau) - q F''(tau)],    q = T (1 - beta)/k = T (1 - p)/(k - 1)
* (length, A) block: L_AA = 2 F > 0 and determinant 4 A^2 [F F' + tau (F F'' - F'^2)] = 4 A^2 F^2 d/dtau [tau F'/F] > 0, because
  tau F'/F is tau coth tau (sin), tau tanh tau (cos), tau (exp), tau^2/(1 - tau^2) (gaussian), and with tau = sin y
  tan(y)/y (erf) and tan(y)/(y + pi/2) (normal_cdf): all rise.

So the index is k - 1 where q F''/F' > 1 and 0 where q F''/F' < 1, with F''/F' of

    erf, normal_cdf : tau/(1 - tau^2)        q tau <= (T - tau) tau < 1 - tau^2: always a minimum, no bifurcation
    exp             : 1                      beta = 1 - k/s^2,  s^2 = k/(1 - beta)
    sin             : tanh tau               q tanh tau = 1
    cos             : coth tau               q = tanh tau
    gaussian        : (1 + 2 tau^2)/(tau (1 - tau^2))       q (1 + 2 tau^2) = tau (1 - tau^2)

*Along beta* (T fixed, p from 0 to 1) nothing is missed:
exp, one value if s^2 > k - 1. cos: (k - 1) tanh(pT)/T - (1 - p) rises from -1 to a positive number, one value.
gaussian: times (k - 1)/T the condition is f(p) = (k - 1) p (1 - T^2 p^2) - (1 - p)(1 + 2 T^2 p^2) = 0 with f(0) = -1 < 0 < f(1);
f' = k - 4 T^2 p + 3 (3 - k) T^2 p^2 has no zero for k = 2 (T < 1) and falls for k >= 3, so f rises, or rises and then falls: one value.
sin: log(q tanh tau) is concave in p and -infinity at both ends: two values if its maximum, where sinh 2 tau = 2 (T - tau), is
positive, else none (at a maximum of exactly 0 the eigenvalue touches zero and keeps its sign). Towards beta = 1, q -> 0: a minimum.

*Along s* (p fixed, 0 < p < 1) at most one value, a minimum below it and a saddle above it:
exp, always. sin: x tanh x = p (k - 1)/(1 - p) with x = p s^2; the left side rises from 0 to infinity, one value. cos: tanh(x)/x, which
falls from 1 to 0, equals (1 - p)/((k - 1) p) = 1 - beta/p: one value for beta > 0. gaussian: tau^2 = k beta/(3 + (k - 3) beta), T = tau/p,
s^2 = T/(1 - T): one value if beta > 0 and T < 1. Without a value cos and gaussian are a saddle for beta <= 0, gaussian a minimum for
beta > 0.

**relu.** On the rays w = r (cos y e + sin y n), L = rho^2/2 - 2 rho b s sum_j h(u_j), rho = a r = 2 b s k h(u), u = +-m. The second
derivatives in y are those of -sum_j h(u_j) up to a positive factor: k u h'(u) in the complement and k u h'(u) - (1 - beta) h''(u) in
the span, with h' = (pi - acos u)/(2 pi) and h'' = 1/(2 pi sqrt(1 - u^2)). At u = -m both are negative: the anti-average has index d - 1
throughout. At u = m the index changes where

    m (pi - acos m) = sqrt(1 - m^2)/(k - 1),

whose difference rises in m from -1/(k - 1) to pi: one value of beta for each k >= 2, whatever s.

**linear.** The spectrum 0, 2 |u|^2, 2 (1 + |u|^2), u = sum_j b_j v_j, keeps its signs while u != 0: no bifurcation.

At beta = 1 the span across the mean is gone, at beta = -1/(k - 1) the mean is zero: neither is a bifurcation.

Source: derived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import acos, asinh, pi, sinh, sqrt, tanh

from ..activations import Activation
from ..networks import Equicorrelation, Network, equicorrelation
from .one_neuron import statement_for

AVERAGE = "average of the teachers"


@dataclass(frozen=True)
class Bifurcation:
    """A value of a teacher's correlation or norm at which a closed-form critical point changes its Morse index.

    value : of the quantity that moves. point : how the name of the ``CriticalPoint`` begins.
    before, after : its Morse index just below and just above the value; at the value itself |after - before| more eigenvalues vanish.
    sentence : "the average of the teachers turns from a saddle of index 2 into a minimum".
    """

    value: float
    point: str
    before: int
    after: int
    sentence: str


def _sentence(before: int, after: int) -> str:
    was, becomes = (f"a saddle of index {index}" if index else "a minimum" for index in (before, after))
    return f"the {AVERAGE} turns from {was} into {becomes}"


def bifurcations(
    activation: Activation, teacher: Network, along: str, low: float, high: float
) -> tuple[Bifurcation, ...]:
    """The values in [low, high] at which a closed-form one-neuron point changes its Morse index, in ascending order.

    along : "correlation" or "norm", the quantity that moves; k, d, the common weight and the other quantity are the teacher's.
    A correlation is one of -1/(k - 1) < beta < 1, a norm is positive; parts of [low, high] beyond hold no value.

    Empty where no theorem speaks (``statement_for``) or its hypotheses fail for this teacher, for k = 1, and where k teachers of
    correlation below 1 do not fit (d < k). Values are exact to 1e-10 up to what the rounding of the teacher's own norm and
    correlation does to them: more where two values of sin are closer than 1e-5, and to norms at correlations below 1e-6.
    Raises ValueError for another ``along``, or unless low <= high.

    Source: derived, with the proof that no value is missed in the module's docstring.
    """
    if along not in ("correlation", "norm"):
        raise ValueError(f'bifurcations run along "correlation" or "norm"; along = {along!r} was given')
    if not low <= high:
        raise ValueError(f"bifurcations need low <= high; low = {low!r} and high = {high!r} were given")
    statement = statement_for(activation)
    if statement is None or not statement.applies(activation, teacher):
        return ()
    numbers = equicorrelation(teacher)
    if isinstance(numbers, str) or numbers.k == 1 or teacher.d < numbers.k:  # the linear theorem takes any teacher
        return ()
    k = numbers.k
    if along == "correlation":
        shares = _SHARES[activation.name](k, numbers.norm) if activation.name in _SHARES else []
        values = [(k * p - 1.0) / (k - 1.0) for p in shares]
        # a minimum towards beta = 1; below it minima and saddles alternate
        indices = [0 if (len(values) - i) % 2 == 0 else k - 1 for i in range(len(values) + 1)]
        inside = [-1.0 / (k - 1.0) < value < 1.0 for value in values]
    else:
        values = _NORMS[activation.name](numbers) if activation.name in _NORMS and numbers.correlation < 1.0 else []
        indices, inside = [0, k - 1], [True] * len(values)
    return tuple(
        Bifurcation(value, AVERAGE, indices[i], indices[i + 1], _sentence(indices[i], indices[i + 1]))
        for i, value in enumerate(values)
        if inside[i] and low <= value <= high
    )


def _zero(function: Callable[[float], float], low: float, high: float) -> float:
    """The zero between two places where the function has opposite signs, to rounding."""
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-300, rtol=1e-15))


# along the correlation: the shares p = m^2 in (0, 1) at which k - 1 eigenvalues vanish, ascending -------------------------


def _relu_shares(k: int, norm: float) -> list[float]:
    """m (pi - acos m) = sqrt(1 - m^2)/(k - 1)."""
    m = _zero(lambda m: m * (pi - acos(m)) - sqrt((1.0 - m) * (1.0 + m)) / (k - 1), 0.0, 1.0)
    return [m * m]


def _exp_shares(k: int, norm: float) -> list[float]:
    """q = s^2 (1 - p)/(k - 1) = 1."""
    return [1.0 - (k - 1) / norm**2] if norm**2 > k - 1 else []


def _sin_shares(k: int, norm: float) -> list[float]:
    """q tanh tau = 1: on both sides of the maximum, where sinh 2 tau = 2 (T - tau)."""
    T = norm**2

    def excess(p: float) -> float:
        return T * (1.0 - p) * tanh(T * p) - (k - 1)

    top = _zero(lambda tau: sinh(2 * tau) - 2 * (T - tau), 0.0, asinh(2 * T) / 2) / T
    return [_zero(excess, 0.0, top), _zero(excess, top, 1.0)] if excess(top) > 0 else []


def _cos_shares(k: int, norm: float) -> list[float]:
    """tanh tau = q."""
    T = norm**2
    return [_zero(lambda p: (k - 1) * tanh(T * p) - T * (1.0 - p), 0.0, 1.0)]


def _gaussian_shares(k: int, norm: float) -> list[float]:
    """tau (1 - tau^2) = q (1 + 2 tau^2)."""
    rest = 1.0 / (1.0 + norm**2)  # 1 - T, which subtraction would round to 0 at large norms
    T = norm**2 * rest

    def balance(p: float) -> float:
        tau = T * p
        return (k - 1) * p * (rest + T * (1.0 - p)) * (1.0 + tau) - (1.0 - p) * (1.0 + 2 * tau**2)

    return [_zero(balance, 0.0, 1.0)]


_SHARES: dict[str, Callable[[int, float], list[float]]] = {
    "relu": _relu_shares,
    "exp": _exp_shares,
    "sin": _sin_shares,
    "cos": _cos_shares,
    "gaussian": _gaussian_shares,
}


# along the norm: the values of s at which k - 1 eigenvalues vanish, for beta < 1 ------------------------------------------


def _exp_norms(teacher: Equicorrelation) -> list[float]:
    """q = s^2 (1 - beta)/k = 1."""
    return [sqrt(teacher.k / (1.0 - teacher.correlation))]


def _sin_norms(teacher: Equicorrelation) -> list[float]:
    """x tanh x = p k/(1 - beta), s^2 = x/p."""
    p = teacher.mean_cosine**2
    product = p * teacher.k / (1.0 - teacher.correlation)
    # (y + 1) tanh(y + 1) > y for all y >= 0, since 2 x < e^(2x) + 1
    return [sqrt(_zero(lambda x: x * tanh(x) - product, 0.0, product + 1.0) / p)]


def _cos_norms(teacher: Equicorrelation) -> list[float]:
    """tanh x = x (1 - beta)/(k p), s^2 = x/p."""
    if teacher.correlation <= 0:
        return []
    p = teacher.mean_cosine**2
    slope = (1.0 - teacher.correlation) / (teacher.k * p)
    # tanh x > x - x^3/3 makes the difference positive at x^2 = 2 (1 - slope); tanh x < 1 makes it negative at x = 2/slope
    start = sqrt(2 * teacher.correlation / p)
    return [sqrt(_zero(lambda x: tanh(x) - slope * x, start, 2.0 / slope) / p)]


def _gaussian_norms(teacher: Equicorrelation) -> list[float]:
    """tau^2 = k beta/(3 + (k - 3) beta), tau/p = s^2/(1 + s^2)."""
    k, beta = teacher.k, teacher.correlation
    if beta <= 0:
        return []
    T = sqrt(k * beta / (3.0 + (k - 3) * beta)) / teacher.mean_cosine**2
    return [sqrt(T / (1.0 - T))] if T < 1 else []


_NORMS: dict[str, Callable[[Equicorrelation], list[float]]] = {
    "exp": _exp_norms,
    "sin": _sin_norms,
    "cos": _cos_norms,
    "gaussian": _gaussian_norms,
}
