"""The arcsine family: erf, tanh and sign; normal_cdf, sigmoid and step, which are (1 + the former)/2 with other slopes.

With offsets p, q >= 0, A = p + s, B = q + t and R^2 = A B - c^2:

    K    = (2/pi) atan2(c, R)  [= (2/pi) asin(c / sqrt(A B))]
    K_c  = (2/pi) / R              K_s  = -c K_c / (2 A)
    K_cc = c K_c / R^2             K_sc = -B K_c / (2 R^2)             K_ss = -K_s (1/A + B / (2 R^2))

erf(z/sqrt 2): p = q = 1. sign: p = q = 0, where K_c is infinite for parallel vectors and K_s for parallel vectors and at
s = 0. tanh: p, q distributed like k^2 (``mixture``). normal_cdf, step and sigmoid have 1/4 + K/4 with offsets 1, 0 and 4 k^2.

Source: Williams 1998 (Computation with infinite neural networks) for erf; the partial derivatives are derived here and
proved with SymPy in the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .activation import Array
from .mixture import kolmogorov_rule
from .offsets import OffsetActivation, shifted_square

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_TWO_OVER_PI = np.array(2.0 / np.pi)  # an array of no dimension multiplies small arrays faster than a number


def arcsine_component(
    s: Array, c: Array, t: Array, area2: Array, p: Array | float, q: Array | float, order: int
) -> tuple[Array, ...]:
    """Jet of K = (2/pi) atan2(c, R) with offsets p, q."""
    square = shifted_square(s, t, area2, p, q)
    root = np.sqrt(square)
    value = np.arctan2(c, root)
    value *= _TWO_OVER_PI
    if order == 0:
        return (value,)
    first = p + s
    in_c = _TWO_OVER_PI / root
    in_s = c * in_c
    in_s /= -2.0 * first
    if order == 1:
        return value, in_s, in_c
    second = q + t
    ratio = second / (2.0 * square)
    return value, in_s, in_c, -in_s * (1.0 / first + ratio), -ratio * in_c, c * in_c / square


def singular_arcsine_component(
    s: Array, c: Array, t: Array, area2: Array, p: Array | float, q: Array | float, order: int
) -> tuple[Array, ...]:
    """The same at an offset 0, where parallel vectors have infinite slopes: inf instead of 0/0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        jet = arcsine_component(s, c, t, area2, p, q, order)
    if order == 0:
        return jet
    return jet[0], *(np.where(np.isnan(part), np.inf, part) for part in jet[1:])


def quarter(component: Any) -> Any:
    """The jet of 1/4 + K/4 from the jet of K: two activations (1 + sigma)/2 with an odd sigma."""

    def quartered(*arguments: Any) -> tuple[Array, ...]:
        value, *rest = component(*arguments)
        return 0.25 + 0.25 * value, *(0.25 * part for part in rest)

    return quartered


def bell_derivative(z: Array, order: int) -> Array:
    """d^order/dz^order of the normal density: (-1)^order He_order(z) phi(z)."""
    polynomial = np.polynomial.hermite_e.hermeval(z, [0.0] * order + [(-1.0) ** order])
    return polynomial * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def normal_cdf_derivative(z: Array, order: int) -> Array:
    """d^order/dz^order of the standard normal distribution function."""
    if order == 0:
        from scipy.special import ndtr

        return ndtr(z)
    return bell_derivative(z, order - 1)


def sigmoid_derivative(z: Array, order: int) -> Array:
    """d^order/dz^order of 1/(1 + exp(-z)), a polynomial in the sigmoid itself."""
    value = np.exp(-np.logaddexp(0.0, -z))
    if order == 0:
        return value
    # y' = y (1 - y): write the next derivative as y (1 - y) Q(y), which keeps its sign and size in both tails
    factor = np.polynomial.Polynomial([1.0])
    logistic = np.polynomial.Polynomial([0.0, 1.0, -1.0])
    for _ in range(order - 1):
        factor = logistic.deriv() * factor + logistic * factor.deriv()
    return value * np.exp(-np.logaddexp(0.0, z)) * factor(value)


def tanh_derivative(z: Array, order: int) -> Array:
    """d^order/dz^order of tanh z = 2 sigmoid(2 z) - 1."""
    return np.tanh(z) if order == 0 else 2.0 ** (order + 1) * sigmoid_derivative(2.0 * z, order)


class Arcsine(OffsetActivation):
    """erf, tanh, sign, normal_cdf, sigmoid or step."""

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        z = np.asarray(z, dtype=float)
        if self.name == "erf":
            if order == 0:
                from scipy.special import erf

                return erf(z / np.sqrt(2.0))
            return 2.0 * bell_derivative(z, order - 1)
        if self.name == "tanh":
            return tanh_derivative(z, order)
        if self.name == "normal_cdf":
            return normal_cdf_derivative(z, order)
        if self.name == "sigmoid":
            return sigmoid_derivative(z, order)
        if order > 0:
            return np.zeros_like(z)
        return np.sign(z) if self.name == "sign" else np.heaviside(z, 0.5)

    def _self_kernel(self, s: Array, order: int) -> Array:
        if not self.jumps:
            return super()._self_kernel(s, order)
        if order > 0:
            return np.zeros_like(s)
        return np.where(s > 0, 1.0, 0.0) if self.odd else np.where(s > 0, 0.5, 0.25)

    def _symbol(self, z: Any) -> Any:
        import sympy

        return {
            "erf": sympy.erf(z / sympy.sqrt(2)),
            "tanh": sympy.tanh(z),
            "sign": sympy.sign(z),
            "normal_cdf": (1 + sympy.erf(z / sympy.sqrt(2))) / 2,
            "sigmoid": 1 / (1 + sympy.exp(-z)),
            "step": sympy.Heaviside(z, sympy.Rational(1, 2)),
        }[self.name]

    def _kernel_symbol(self, s: Any, c: Any, t: Any) -> Any:
        import sympy

        p, q = sympy.symbols("p q", positive=True)
        if self.exact == "closed form":
            p = q = sympy.Integer(int(self.offsets[0][0]))
        angle = sympy.asin(c / sympy.sqrt((p + s) * (q + t)))
        if self.odd:
            return 2 / sympy.pi * angle
        return sympy.Rational(1, 4) + angle / (2 * sympy.pi)


_ONE, _ZERO = (np.ones(1), np.ones(1)), (np.zeros(1), np.ones(1))
_K, _WEIGHTS = kolmogorov_rule()
# The logistic law is that of 2 k Z: the sigmoid has the offset 4 k^2, tanh(z) = 2 sigmoid(2z) - 1 has k^2.
LOGISTIC_OFFSETS = (4.0 * _K**2, _WEIGHTS)

ERF = Arcsine("erf", r"\operatorname{erf}(z/\sqrt{2})", arcsine_component, _ONE, odd=True)
TANH = Arcsine("tanh", r"\tanh z", arcsine_component, (_K**2, _WEIGHTS), odd=True, exact="mixture")
NORMAL_CDF = Arcsine("normal_cdf", r"\Phi(z)", quarter(arcsine_component), _ONE)
SIGMOID = Arcsine("sigmoid", r"1/(1+e^{-z})", quarter(arcsine_component), LOGISTIC_OFFSETS, exact="mixture")
SIGN = Arcsine(
    "sign",
    r"\operatorname{sign} z",
    singular_arcsine_component,
    _ZERO,
    odd=True,
    homogeneous=0,
    kinks=(0.0,),
    jumps=True,
)
STEP = Arcsine("step", r"1_{z>0}", quarter(singular_arcsine_component), _ZERO, homogeneous=0, kinks=(0.0,), jumps=True)
