"""sin, cos and exp: kernels from the characteristic function of a Gaussian.

    exp: K = e^{(s + t)/2 + c}      cos: K = e^{-(s + t)/2} cosh c      sin: K = e^{-(s + t)/2} sinh c

so that K_s = K/2 (exp) or -K/2 (sin, cos), K_c is the kernel of the derivative (exp -> exp, sin -> cos, cos -> sin) and
K_cc = K. The hyperbolic functions are assembled as e^{|c| - (s + t)/2} (1 +- e^{-2|c|})/2: cosh c alone overflows from norm
27 on, and sinh by difference loses digits at small c. exp overflows beyond (s + t)/2 + c = 709.

Source: E[e^{iX}] = e^{-s/2}; proved in the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .activation import Activation, Array
from .hermite import checked_norms

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Exponential(Activation):
    """sigma(z) = e^z."""

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        return np.exp(np.asarray(z, dtype=float))

    def needs_area(self, largest: float) -> bool:
        return False

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        value = np.exp(0.5 * (s + t) + c)
        return (value, 0.5 * value, value, 0.25 * value, 0.5 * value, value)[: (1, 3, 6)[order]]

    def hermite_coefficients(self, norm: ArrayLike, terms: int) -> Array:
        """h_m(r) = e^{r^2/2} r^m / sqrt(m!), shape norm.shape + (terms,); in logarithms, as r^m and m! leave the doubles."""
        norms = checked_norms(norm, terms)[..., None]
        m = np.arange(terms)
        log_factorial = np.cumsum(np.log(np.maximum(m, 1)))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            log_power = np.where(m == 0, 0.0, m * np.log(norms))
            return np.exp(0.5 * norms**2 + log_power - 0.5 * log_factorial)

    def _symbol(self, z: Any) -> Any:
        import sympy

        return sympy.exp(z)

    def _kernel_symbol(self, s: Any, c: Any, t: Any) -> Any:
        import sympy

        return sympy.exp((s + t) / 2 + c)


class Wave(Activation):
    """sin or cos."""

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        z = np.asarray(z, dtype=float)
        turns = (order + (0 if self.odd else 1)) % 4  # cos is the first derivative of sin
        return (np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x))[turns](z)

    def needs_area(self, largest: float) -> bool:
        return False

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        size = np.abs(c)
        half = 0.5 * np.exp(size - 0.5 * (s + t))
        cosine = half * (1.0 + np.exp(-2.0 * size))
        sine = np.sign(c) * half * -np.expm1(-2.0 * size)
        value, slope = (sine, cosine) if self.odd else (cosine, sine)
        return (value, -0.5 * value, slope, 0.25 * value, -0.5 * slope, value)[: (1, 3, 6)[order]]

    def _symbol(self, z: Any) -> Any:
        import sympy

        return sympy.sin(z) if self.odd else sympy.cos(z)

    def _kernel_symbol(self, s: Any, c: Any, t: Any) -> Any:
        import sympy

        return sympy.exp(-(s + t) / 2) * (sympy.sinh(c) if self.odd else sympy.cosh(c))


SIN = Wave("sin", r"\sin z", odd=True)
COS = Wave("cos", r"\cos z", even=True)
EXP = Exponential("exp", "e^{z}")
