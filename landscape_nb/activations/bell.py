"""The bell exp(-z^2/2), a radial feature.

With A = 1 + s, B = 1 + t and R^2 = A B - c^2:

    K    = 1/R
    K_c  = c / R^3                         K_s  = -B / (2 R^3)
    K_cc = 1 / R^3 + 3 c^2 / R^5           K_sc = -3 B c / (2 R^5)          K_ss = 3 B^2 / (4 R^5)

Source: a Gaussian integral; proved in the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .activation import Activation, Array
from .arcsine import bell_derivative
from .offsets import shifted_square

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Bell(Activation):
    """sigma(z) = exp(-z^2/2)."""

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        return np.sqrt(2 * np.pi) * bell_derivative(np.asarray(z, dtype=float), order)

    def needs_area(self, largest: float) -> bool:
        return largest > 100.0  # R^2 inherits a relative error of at most eps min(s, t) from D^2

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        square = shifted_square(s, t, area2, 1.0, 1.0)
        value = 1.0 / np.sqrt(square)
        if order == 0:
            return (value,)
        second = 1.0 + t
        cubed = value / square
        in_s, in_c = -0.5 * second * cubed, c * cubed
        if order == 1:
            return value, in_s, in_c
        fifth = cubed / square
        return value, in_s, in_c, 0.75 * second**2 * fifth, -1.5 * second * c * fifth, cubed + 3 * c * c * fifth

    def _symbol(self, z: Any) -> Any:
        import sympy

        return sympy.exp(-(z**2) / 2)

    def _kernel_symbol(self, s: Any, c: Any, t: Any) -> Any:
        import sympy

        return 1 / sympy.sqrt((1 + s) * (1 + t) - c**2)


GAUSSIAN = Bell("gaussian", r"e^{-z^2/2}", even=True)
