"""The gated family z Psi(z): gelu = z Phi(z) and silu = z sigmoid(z).

For sigma(z) = z g(z), where g has the two-point function G = 1/4 + atan2(c, R) / (2 pi) with offsets p, q, A = p + s,
B = q + t, R^2 = A B - c^2, Stein's lemma applied twice gives

    K = c G + P N,     P = 1 / (2 pi R),     N = s t + c^2 e,     e = p/A + q/B - 1

    P_c = P c / R^2                 P_s = -P B / (2 R^2)
    N_c = 2 c e                     N_s = t - p c^2 / A^2           G_c = P          G_s = -c P / (2 A)
    P_cc = P (R^2 + 3 c^2) / R^4    P_sc = -3 P B c / (2 R^4)       P_ss = 3 P B^2 / (4 R^4)
    N_cc = 2 e                      N_sc = -2 p c / A^2             N_ss = 2 p c^2 / A^3

and the partial derivatives of K by the product rule. gelu: p = q = 1. silu: p, q distributed like 4 k^2 (``mixture``).
N is evaluated as D^2 + c^2 (p/A + q/B) and G as atan2(R, -c) / (2 pi), which do not cancel for long or opposite vectors.

Source: derived; proved in the tests with SymPy and by quadrature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .activation import Array
from .arcsine import LOGISTIC_OFFSETS, normal_cdf_derivative, sigmoid_derivative
from .offsets import OffsetActivation, shifted_square

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def gated_component(
    s: Array, c: Array, t: Array, area2: Array, p: Array | float, q: Array | float, order: int
) -> tuple[Array, ...]:
    """Jet of K = c G + P N with offsets p, q."""
    square = shifted_square(s, t, area2, p, q)
    root = np.sqrt(square)
    first, second = p + s, q + t
    gate = np.arctan2(root, 0.0 - c) / (2 * np.pi)
    peak = 1.0 / (2 * np.pi * root)
    shares = p / first + q / second
    factor = area2 + c * c * shares
    value = c * gate + peak * factor
    if order == 0:
        return (value,)
    e = shares - 1.0
    peak_c, peak_s = peak * c / square, -peak * second / (2 * square)
    factor_c, factor_s = 2 * c * e, t - p * (c / first) ** 2
    gate_s = -c * peak / (2 * first)
    in_c = gate + c * peak + peak_c * factor + peak * factor_c
    in_s = c * gate_s + peak_s * factor + peak * factor_s
    if order == 1:
        return value, in_s, in_c
    peak_cc = peak * (square + 3 * c * c) / square**2
    peak_sc = -1.5 * peak * second * c / square**2
    peak_ss = 0.75 * peak * (second / square) ** 2
    factor_cc, factor_sc, factor_ss = 2 * e, -2 * p * c / first**2, 2 * p * c * c / first**3
    gate_ss = -c * peak_s / (2 * first) + c * peak / (2 * first**2)
    in_cc = 2 * peak + c * peak_c + peak_cc * factor + 2 * peak_c * factor_c + peak * factor_cc
    in_sc = gate_s + c * peak_s + peak_sc * factor + peak_c * factor_s + peak_s * factor_c + peak * factor_sc
    in_ss = c * gate_ss + peak_ss * factor + 2 * peak_s * factor_s + peak * factor_ss
    return value, in_s, in_c, in_ss, in_sc, in_cc


class Gated(OffsetActivation):
    """gelu or silu."""

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        z = np.asarray(z, dtype=float)
        gate = normal_cdf_derivative if self.name == "gelu" else sigmoid_derivative
        value = z * gate(z, order)
        return value if order == 0 else value + order * gate(z, order - 1)

    def _symbol(self, z: Any) -> Any:
        import sympy

        if self.name == "gelu":
            return z * (1 + sympy.erf(z / sympy.sqrt(2))) / 2
        return z / (1 + sympy.exp(-z))

    def _kernel_symbol(self, s: Any, c: Any, t: Any) -> Any:
        import sympy

        p, q = sympy.symbols("p q", positive=True)
        if self.exact == "closed form":
            p = q = sympy.Integer(1)
        a, b = p + s, q + t
        gate = sympy.Rational(1, 4) + sympy.asin(c / sympy.sqrt(a * b)) / (2 * sympy.pi)
        return c * gate + (s * t + c**2 * (p / a + q / b - 1)) / (2 * sympy.pi * sympy.sqrt(a * b - c**2))


GELU = Gated("gelu", r"z\,\Phi(z)", gated_component, (np.ones(1), np.ones(1)))
SILU = Gated("silu", r"z/(1+e^{-z})", gated_component, LOGISTIC_OFFSETS, exact="mixture")
