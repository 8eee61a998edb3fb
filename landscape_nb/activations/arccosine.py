"""The arc-cosine family: relu, leaky_relu(slope) and softplus.

With offsets p, q >= 0, S = p + s, T = q + t, D^2 = S T - c^2 and theta = atan2(D, c), the kernel of relu is

    K    = (D + c (pi - theta)) / (2 pi)
    K_c  = (pi - theta) / (2 pi)      K_s  = D / (4 pi S)
    K_cc = 1 / (2 pi D)               K_sc = -c / (4 pi S D)           K_ss = (c^2 - D^2) / (8 pi S^2 D)

relu and leaky_relu: p = q = 0; their second partials are infinite for parallel vectors (D = 0) and K_s is infinite at
s = 0, t > 0. leaky_relu with slope al for z < 0: (1 - al)^2 K_relu + al c. softplus: p and q distributed like 4 k^2
(``mixture``), where nothing is singular.

Source: Cho & Saul 2009 (Kernel methods for deep learning) for the value; the rest is derived here and proved in the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .activation import Array
from .arcsine import LOGISTIC_OFFSETS, sigmoid_derivative
from .offsets import OffsetActivation, shifted_square

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def arccosine_component(
    s: Array, c: Array, t: Array, area2: Array, p: Array | float, q: Array | float, order: int
) -> tuple[Array, ...]:
    """Jet of the relu kernel at the variances p + s, q + t and the covariance c."""
    square = shifted_square(s, t, area2, p, q)
    area = np.sqrt(square)
    supplement = np.arctan2(area, 0.0 - c)  # pi - theta, accurate also where it is small; 0 at zero weights
    value = (area + c * supplement) / (2 * np.pi)
    if order == 0:
        return (value,)
    first = p + s
    in_c = supplement / (2 * np.pi)
    in_s = area / (4 * np.pi * first)
    if order == 1:
        return value, in_s, in_c
    in_cc = 1.0 / (2 * np.pi * area)
    return value, in_s, in_c, (c * c - square) / (4 * first**2) * in_cc, -c / (2 * first) * in_cc, in_cc


class Arccosine(OffsetActivation):
    """relu, leaky_relu or softplus. ``slope`` is sigma'(z) for z < 0."""

    def __init__(self, name: str, latex: str, offsets: tuple[Array, Array], slope: float = 0.0, **kinds: Any) -> None:
        super().__init__(name, latex, arccosine_component, offsets, **kinds)
        self.slope = slope

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        z = np.asarray(z, dtype=float)
        if self.exact == "mixture":
            return np.logaddexp(0.0, z) if order == 0 else sigmoid_derivative(z, order - 1)
        if order > 1:
            return np.zeros_like(z)
        step = np.heaviside(z, 0.5)
        slope = self.slope + (1.0 - self.slope) * step
        return slope if order == 1 else slope * z

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        if self.exact == "mixture":
            return super().jet(s, c, t, area2, order)
        with np.errstate(divide="ignore", invalid="ignore"):
            jet = arccosine_component(s, c, t, area2, 0.0, 0.0, order)
        if order > 0:  # 0/0 only at zero weights and, in second order, for parallel vectors
            in_s = np.where(np.isnan(jet[1]), np.where(np.equal(t, 0.0), 0.0, np.inf), jet[1])
            jet = jet[0], in_s, jet[2], *(np.where(np.isnan(part), np.inf, part) for part in jet[3:])
        if self.slope == 0.0:
            return jet
        value, *rest = (np.square(1.0 - self.slope) * part for part in jet)
        if order > 0:
            rest[1] = rest[1] + self.slope
        return value + self.slope * c, *rest

    def _self_kernel(self, s: Array, order: int) -> Array:
        if self.exact == "mixture":
            return super()._self_kernel(s, order)
        half = 0.5 * (1.0 + np.square(self.slope))
        return (half * s, np.full_like(s, half), np.zeros_like(s))[order]

    def _symbol(self, z: Any) -> Any:
        import sympy

        if self.exact == "mixture":
            return sympy.log(1 + sympy.exp(z))
        return sympy.Max(z, 0) + sympy.nsimplify(self.slope) * sympy.Min(z, 0)

    def _kernel_symbol(self, s: Any, c: Any, t: Any) -> Any:
        import sympy

        if self.exact == "mixture":
            p, q = sympy.symbols("p q", positive=True)
            s, t = p + s, q + t
        slope = sympy.nsimplify(self.slope)
        relu = (sympy.sqrt(s * t - c**2) + c * (sympy.pi - sympy.acos(c / sympy.sqrt(s * t)))) / (2 * sympy.pi)
        return (1 - slope) ** 2 * relu + slope * c


def leaky_relu(slope: float) -> Arccosine:
    """sigma(z) = max(z, 0) + slope min(z, 0); slope -1 is the absolute value. Raises ValueError unless slope is finite."""
    slope = float(slope)
    if not np.isfinite(slope):
        raise ValueError(f"the slope of leaky_relu must be a finite number; slope = {slope!r} was given")
    return Arccosine(
        f"leaky_relu({slope:g})",
        rf"\max(z,0)+{slope:g}\min(z,0)",
        _ZERO,
        slope,
        odd=slope == 1.0,
        even=slope == -1.0,
        homogeneous=1,
        kinks=() if slope == 1.0 else (0.0,),
    )


_ZERO = (np.zeros(1), np.ones(1))
RELU = Arccosine("relu", r"\max(z,0)", _ZERO, homogeneous=1, kinks=(0.0,))
LEAKY_RELU = leaky_relu(0.1)
SOFTPLUS = Arccosine("softplus", r"\log(1+e^{z})", LOGISTIC_OFFSETS, exact="mixture")
