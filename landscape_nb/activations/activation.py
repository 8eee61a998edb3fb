"""An activation function sigma and its Gaussian kernel K(s, c, t) = E[sigma(X) sigma(Y)].

(X, Y) is centred Gaussian with Var X = s, Cov(X, Y) = c, Var Y = t. For two neurons w and v that look at x ~ N(0, I_d):
s = |w|^2, c = w.v, t = |v|^2. These covariance coordinates have no 0/0 at zero weights, and Price's theorem makes every
derivative an expectation again:

    K_c = E[sigma'(X) sigma'(Y)]      K_s = E[sigma''(X) sigma(Y)] / 2      K_st = K_cc / 4

The last identity means that six functions carry everything up to second order: the *jet*
(K, K_s, K_c, K_ss, K_sc, K_cc). The slopes in t follow by exchanging s and t. Each family of activations writes its jet
once; a landscape calls it on arrays that are valid already, users call the checked methods ``kernel``, ``kernel_slopes``
and ``kernel_curvatures``.

Every jet takes the squared area D^2 = s t - c^2 of the parallelogram spanned by the two vectors as an argument of its own:
computed from rounded s, c, t it loses half its digits for nearly parallel vectors, and whoever knows the vectors knows it
better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import sympy
    from numpy.typing import ArrayLike

Array = np.ndarray


def _two_product(x: Array, y: Array) -> tuple[Array, Array]:
    """x * y as an unevaluated sum of two doubles (Dekker 1971, Veltkamp splitting)."""
    product = x * y
    splitter = 134217729.0  # 2^27 + 1
    x_high = splitter * x
    x_high = x_high - (x_high - x)
    y_high = splitter * y
    y_high = y_high - (y_high - y)
    x_low, y_low = x - x_high, y - y_high
    return product, ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low


def squared_area(s: Array, c: Array, t: Array) -> Array:
    """D^2 = s t - c^2 >= 0, correct to a few units in the last place even where the two products nearly cancel."""
    first, first_rest = _two_product(s, t)
    second, second_rest = _two_product(c, c)
    return np.maximum((first - second) + (first_rest - second_rest), 0.0)


class Activation:
    """An activation function with its derivatives and its Gaussian kernel.

    Attributes
    ----------
    name : the key in ``ACTIVATIONS``.
    latex : sigma(z) for display.
    odd, even : sigma(-z) = -sigma(z), sigma(-z) = sigma(z).
    homogeneous : m if sigma(lambda z) = lambda^m sigma(z) for every lambda > 0, else None.
    exact : "closed form", "mixture" (a 12-node average of closed forms, exact to rounding) or "numerical".
    kinks : the places z where sigma or one of its derivatives jumps.
    jumps : True if sigma itself jumps (step, sign): then K_c is infinite for parallel vectors.
    """

    def __init__(
        self,
        name: str,
        latex: str,
        *,
        odd: bool = False,
        even: bool = False,
        homogeneous: int | None = None,
        exact: str = "closed form",
        kinks: tuple[float, ...] = (),
        jumps: bool = False,
    ) -> None:
        self.name = name
        self.latex = latex
        self.odd = odd
        self.even = even
        self.homogeneous = homogeneous
        self.exact = exact
        self.kinks = kinks
        self.jumps = jumps
        #: True where k(s) is smooth but the partials of K are not (or are costly) for a neuron with itself.
        self.separate_diagonal = jumps or exact == "numerical"

    def __repr__(self) -> str:
        return f"Activation({self.name!r}, {self.exact})"

    # what a family provides -------------------------------------------------------------------------------------------

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        """The derivative sigma^(order)(z), elementwise; at a kink the mean of both sides, without the delta functions."""
        raise NotImplementedError

    def jet(self, s: Array, c: Array, t: Array, area2: Array, order: int) -> tuple[Array, ...]:
        """(K,), (K, K_s, K_c) or (K, K_s, K_c, K_ss, K_sc, K_cc) for order 0, 1, 2; arguments are not checked.

        s, c, t, area2 : arrays of one shape (or broadcasting to it) with s, t >= 0, |c| <= sqrt(st), area2 = st - c^2.
        """
        raise NotImplementedError

    def _symbol(self, z: Any) -> Any:
        raise NotImplementedError

    def _kernel_symbol(self, s: Any, c: Any, t: Any) -> Any:
        raise NotImplementedError

    def needs_area(self, largest: float) -> bool:
        """Whether nearly parallel vectors of squared lengths up to this need their area from the vectors themselves."""
        return True

    # what users call --------------------------------------------------------------------------------------------------

    def __call__(self, z: ArrayLike) -> Array:
        """sigma(z), elementwise."""
        return self.derivative(z, 0)

    def kernel(self, s: ArrayLike, c: ArrayLike, t: ArrayLike, area: ArrayLike | None = None) -> Array:
        """K(s, c, t) = E[sigma(X) sigma(Y)], broadcasting.

        s, t : variances, >= 0. c : covariance, clipped to |c| <= sqrt(st).
        area : sqrt(st - c^2) where it is known better than s, c, t tell, for example from the vectors themselves.
        Raises ValueError for negative or non-finite variances.
        """
        return self.jet(*self._checked(s, c, t, area), 0)[0][()]

    def kernel_slopes(
        self, s: ArrayLike, c: ArrayLike, t: ArrayLike, area: ArrayLike | None = None
    ) -> tuple[Array, Array, Array]:
        """(K_s, K_c, K_t), broadcasting like ``kernel``; inf where a slope is infinite (see the family's docstring)."""
        s, c, t, area2 = self._checked(s, c, t, area)
        _, in_s, in_c = self.jet(s, c, t, area2, 1)
        in_t = self.jet(t, c, s, area2, 1)[1]
        return in_s[()], in_c[()], in_t[()]

    def kernel_curvatures(
        self, s: ArrayLike, c: ArrayLike, t: ArrayLike, area: ArrayLike | None = None
    ) -> tuple[Array, Array, Array, Array, Array, Array]:
        """(K_ss, K_sc, K_st, K_cc, K_ct, K_tt), broadcasting like ``kernel``; K_st = K_cc / 4 by Price's theorem."""
        s, c, t, area2 = self._checked(s, c, t, area)
        in_ss, in_sc, in_cc = self.jet(s, c, t, area2, 2)[3:]
        in_tt, in_tc = self.jet(t, c, s, area2, 2)[3:5]
        return in_ss[()], in_sc[()], 0.25 * in_cc[()], in_cc[()], in_tc[()], in_tt[()]

    def self_kernel(self, s: ArrayLike, order: int = 0) -> Array:
        """k(s) = K(s, s, s) = E[sigma(X)^2] and its derivatives k'(s), k''(s) for order 1, 2.

        Finite where the partial derivatives of K are not: ReLU has k(s) = s/2, step and sign have a constant k.
        """
        s = self._variance("s", s)
        if order not in (0, 1, 2):
            raise ValueError(f"self_kernel has the orders 0, 1 and 2; order = {order!r} was given")
        return self._self_kernel(s, order)[()]

    def _self_kernel(self, s: Array, order: int) -> Array:
        jet = self.jet(s, s, s, np.zeros_like(s), order)
        if order == 0:
            return jet[0]
        if order == 1:
            return 2.0 * jet[1] + jet[2]
        # K_ss + K_tt + K_cc + 2 K_sc + 2 K_ct + 2 K_st with K_st = K_cc / 4
        return 2.0 * jet[3] + 1.5 * jet[5] + 4.0 * jet[4]

    @property
    def symbol(self) -> sympy.Expr:
        """sigma(z) as a SymPy expression in the real symbol z."""
        import sympy

        return self._symbol(sympy.Symbol("z", real=True))

    @property
    def kernel_symbol(self) -> sympy.Expr:
        """K(s, c, t) as a SymPy expression in positive s, t and real c.

        For an activation with ``exact == "mixture"`` the expression also has the positive offsets p and q:
        K is its average over p and q, see ``landscape_nb.activations.mixture``.
        """
        import sympy

        s, t = sympy.symbols("s t", positive=True)
        return self._kernel_symbol(s, sympy.Symbol("c", real=True), t)

    def hermite_coefficients(self, norm: ArrayLike, terms: int) -> Array:
        """h_m(r) = E[sigma(r x) He_m(x)] / sqrt(m!) for m < terms; shape norm.shape + (terms,).

        They are the coefficients of z -> sigma(r z) in normalised probabilists' Hermite polynomials, so that
        K = sum_m h_m(r1) h_m(r2) cos^m (Mehler's formula).
        """
        from .hermite import hermite_coefficients

        return hermite_coefficients(self, norm, terms)

    def mehler_kernel(self, s: ArrayLike, c: ArrayLike, t: ArrayLike, terms: int = 400) -> Array:
        """K(s, c, t) from Mehler's formula; only where the series converges fast, otherwise a ValueError says so."""
        from .hermite import mehler_kernel

        return mehler_kernel(self, s, c, t, terms)

    # checks -----------------------------------------------------------------------------------------------------------

    def _variance(self, name: str, value: ArrayLike) -> Array:
        array = np.asarray(value, dtype=float)
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must hold finite numbers; {name} = {value!r} was given")
        if (array < 0).any():
            raise ValueError(f"{name} is a variance and must be >= 0; its smallest value is {array.min():.6g}")
        return array

    def _checked(
        self, s: ArrayLike, c: ArrayLike, t: ArrayLike, area: ArrayLike | None
    ) -> tuple[Array, Array, Array, Array]:
        s, t = self._variance("s", s), self._variance("t", t)
        c = np.asarray(c, dtype=float)
        if not np.isfinite(c).all():
            raise ValueError(f"c must hold finite numbers; c = {c!r} was given")
        try:
            s, c, t = np.broadcast_arrays(s, c, t)
        except ValueError:
            shapes = f"{s.shape}, {c.shape}, {t.shape}"
            raise ValueError(f"s, c and t must broadcast to one shape; their shapes are {shapes}") from None
        # admissible is what has st - c^2 > 0: the rounded bound sqrt(s) sqrt(t) may lie an ulp below such a c
        area2 = squared_area(s, c, t)
        largest = np.sqrt(s) * np.sqrt(t)
        c = np.where(area2 > 0, c, np.clip(c, -largest, largest))
        if area is not None:
            area = np.asarray(area, dtype=float)
            if not (np.isfinite(area) & (area >= 0)).all():
                raise ValueError(f"area = sqrt(st - c^2) must hold finite numbers >= 0; area = {area!r} was given")
            try:
                area2 = np.square(np.broadcast_to(area, s.shape))
            except ValueError:
                shapes = f"{area.shape} and {s.shape}"
                raise ValueError(f"area must broadcast to the shape of s, c and t; the shapes are {shapes}") from None
        return s, c, t, area2
