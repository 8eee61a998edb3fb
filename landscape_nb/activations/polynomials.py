"""Monomials sigma(z) = z^m: linear, square and cube.

With c_j = m! / (2^j j! (m - 2j)!), the Hermite expansion of z^m gives

    K = sum_j c_j^2 (m - 2j)! (s t)^j c^(m - 2j),     j = 0 .. floor(m/2)

that is c, s t + 2 c^2 and 9 s t c + 6 c^3 for m = 1, 2, 3; the partial derivatives follow term by term.

Source: Isserlis' theorem; proved in the tests by moments.
"""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from .activation import Activation, Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _power_derivative(x: Array, exponent: int, order: int) -> Array:
    """d^order/dx^order of x^exponent for a whole exponent >= 0 (zero beyond the exponent)."""
    if order > exponent:
        return np.zeros_like(x)
    return factorial(exponent) / factorial(exponent - order) * x ** (exponent - order)


class Monomial(Activation):
    """sigma(z) = z^degree."""

    def __init__(self, name: str, latex: str, degree: int) -> None:
        super().__init__(name, latex, odd=degree % 2 == 1, even=degree % 2 == 0, homogeneous=degree)
        self.degree = degree

    @property
    def _terms(self) -> list[tuple[int, int, int]]:
        """(coefficient, power of s t, power of c) of each term of the kernel."""
        m = self.degree
        halves = range(m // 2 + 1)
        coefficients = [factorial(m) // (2**j * factorial(j) * factorial(m - 2 * j)) for j in halves]
        return [(coefficients[j] ** 2 * factorial(m - 2 * j), j, m - 2 * j) for j in halves]

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        return _power_derivative(np.asarray(z, dtype=float), self.degree, order)

    def needs_area(self, largest: float) -> bool:
        return False

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        orders = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))[: (1, 3, 6)[order]]
        parts = []
        for in_s, in_c in orders:
            part = 0.0
            for coefficient, j, power in self._terms:
                slope_s, slope_c = _power_derivative(s, j, in_s), _power_derivative(c, power, in_c)
                part = part + coefficient * slope_s * t**j * slope_c
            parts.append(np.asarray(part))
        return tuple(parts)

    def _symbol(self, z: Any) -> Any:
        return z**self.degree

    def _kernel_symbol(self, s: Any, c: Any, t: Any) -> Any:
        return sum(coefficient * (s * t) ** j * c**power for coefficient, j, power in self._terms)


LINEAR = Monomial("linear", "z", 1)
SQUARE = Monomial("square", "z^2", 2)
CUBE = Monomial("cube", "z^3", 3)
