"""Independent values of E[f(X) g(Y)] for centred Gaussian (X, Y): what the tests of the kernels are measured against.

Nothing here is taken from the package. Activations and their derivatives up to the fourth are written out again in
plain NumPy; expectations come from composite Gauss-Legendre quadrature, from exact rational moments (polynomials), or
from forty-digit arithmetic.

The quadrature writes X = r1 x and Y = r2 (u x + v y) with independent standard normal x and y, u^2 + v^2 = 1. The inner
variable y is split where Y sits on a kink, the outer variable x where X does; around these points the panels shrink
geometrically down to the width of the steepest feature, so that every panel sees a function that is analytic in a
comfortable neighbourhood.
"""

from fractions import Fraction
from functools import cache, partial
from math import factorial, isqrt

import mpmath
import numpy as np
import sympy
from numpy.polynomial import Polynomial
from scipy.special import expit, ndtr

CUT = 9.5  # the standard normal density is 1e-20 there
MIXTURES = ("tanh", "sigmoid", "softplus", "silu")
SMOOTH = ("erf", "linear", "square", "cube", "sin", "cos", "exp", "gaussian", "normal_cdf", "gelu", *MIXTURES)
CONTINUOUS_KINK = {"relu": 1.0, "leaky_relu": 0.9}  # the jump of the derivative at 0
JUMP = {"step": 1.0, "sign": 2.0}  # the jump of the activation at 0
NAMES = (*SMOOTH, *CONTINUOUS_KINK, *JUMP)
ODD = ("erf", "linear", "cube", "sin", "sign", "tanh")
EVEN = ("square", "cos", "gaussian")
DEGREE = {"linear": 1, "square": 2, "cube": 3}
WAVES = {
    "exp": {1: 1},
    "cos": {1j: 0.5, -1j: 0.5},
    "sin": {1j: -0.5j, -1j: 0.5j},
}  # sum of coefficients times e^(rate z)

# Norms and cosines with few binary digits: the variances and covariances built from them are exact, so that "parallel"
# means exactly parallel and the given doubles are the point that is meant.
NORMS = (0.0, 2.0**-10, 0.3125, 1.0, 3.0, 10.0, 30.0)
COSINES = (-1.0, -(1 - 2.0**-13), -0.5, 0.0, 0.40625, 1 - 2.0**-20, 1.0)


# --- activations and their derivatives, once more -------------------------------------------------------------------


def _density(z, order=0):
    """The standard normal density and its derivatives."""
    return (
        (-1) ** order
        * np.polynomial.hermite_e.hermeval(z, [0.0] * order + [1.0])
        * np.exp(-z * z / 2)
        / np.sqrt(2 * np.pi)
    )


@cache
def _power_of(rule, order):
    """The polynomial P_order with d^order f = P_order(f) for a function with f' = rule(f)."""
    return Polynomial([0.0, 1.0]) if order == 0 else _power_of(rule, order - 1).deriv() * Polynomial(rule)


def _logistic(z, order=0):
    small = expit(-np.abs(z))  # evaluated on the decaying side: no cancellation in 1 - S
    value = _power_of((0.0, 1.0, -1.0), order)(small)
    return expit(z) if order == 0 else value * np.where(z < 0, 1.0, (-1.0) ** (order + 1))


def _monomial(degree):
    return lambda z, order=0: (
        0.0 * z if order > degree else factorial(degree) // factorial(degree - order) * z ** (degree - order)
    )


def _times_argument(inner):
    """z -> z h(z) with (z h)^(m) = z h^(m) + m h^(m-1)."""
    return lambda z, order=0: z * inner(z, order) + (order * inner(z, order - 1) if order else 0.0)


def _normal_cdf(z, order=0):
    return ndtr(z) if order == 0 else _density(z, order - 1)


def _softplus(z, order=0):
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z))) if order == 0 else _logistic(z, order - 1)


SIGMA = {
    "erf": lambda z, order=0: 2 * _normal_cdf(z, order) - (order == 0),
    "linear": _monomial(1),
    "square": _monomial(2),
    "cube": _monomial(3),
    "sin": lambda z, order=0: (np.sin(z), np.cos(z), -np.sin(z), -np.cos(z))[order % 4],
    "cos": lambda z, order=0: (np.cos(z), -np.sin(z), -np.cos(z), np.sin(z))[order % 4],
    "exp": lambda z, order=0: np.exp(z),
    "gaussian": lambda z, order=0: np.sqrt(2 * np.pi) * _density(z, order),
    "normal_cdf": _normal_cdf,
    "gelu": _times_argument(_normal_cdf),
    "tanh": lambda z, order=0: np.tanh(z) if order == 0 else 2.0 ** (order + 1) * _logistic(2 * z, order),
    "sigmoid": _logistic,
    "softplus": _softplus,
    "silu": _times_argument(_logistic),
    # regular parts only: the point masses at 0 are added by kinked_slopes and kinked_curvatures
    "relu": lambda z, order=0: np.maximum(z, 0.0) if order == 0 else np.heaviside(z, 0.5) * (order == 1),
    "leaky_relu": lambda z, order=0: (
        np.where(z > 0, z, 0.1 * z) if order == 0 else np.heaviside(0.9 * z, 0.5) * 0.9 + 0.1 if order == 1 else 0.0 * z
    ),
    "step": lambda z, order=0: np.heaviside(z, 0.5) * (order == 0),
    "sign": lambda z, order=0: np.sign(z) * (order == 0),
}


# --- quadrature -----------------------------------------------------------------------------------------------------


def _graded(centres, finest, widest):
    """Breakpoints in [-CUT, CUT] that shrink by factors of two towards the centres (..., number of centres); sorted."""
    count = max(0, int(np.ceil(np.log2(widest / finest)))) if finest < widest else 0
    steps = finest * 2.0 ** np.arange(count)
    offsets = np.concatenate([-steps[::-1], [0.0], steps])
    centres = np.asarray(centres, float)
    near = np.clip(centres[..., None] + offsets, -CUT, CUT).reshape(*centres.shape[:-1], -1)
    uniform = np.linspace(-CUT, CUT, int(np.ceil(2 * CUT / widest)) + 1)
    return np.sort(np.concatenate([near, np.broadcast_to(uniform, (*near.shape[:-1], uniform.size))], axis=-1), axis=-1)


_legendre = cache(np.polynomial.legendre.leggauss)


def _nodes(breaks, points):
    """Gauss-Legendre nodes and weights, the normal density included, on the panels between the breaks (..., b)."""
    node, weight = _legendre(points)
    middle, half = (breaks[..., 1:] + breaks[..., :-1]) / 2, (breaks[..., 1:] - breaks[..., :-1]) / 2
    x = (middle[..., None] + half[..., None] * node).reshape(*breaks.shape[:-1], -1)
    w = (half[..., None] * weight).reshape(x.shape)
    w *= np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return x, w


def normal_mean(function, finest=0.05, centres=(0.0,), widest=0.5, points=20):
    """E[function(x)] for a standard normal x; the function may return (..., number of nodes)."""
    x, w = _nodes(_graded(np.array(centres), finest, widest), points)
    return function(x) @ w


def means(lefts, right, u, v, left_norms, right_norm, kinks=(0.0,), kinked=False, widest=1.0, points=16):
    """E[left(r x) right(right_norm (u x + v y))] for every left and every r in left_norms, in one pass."""
    left_norms = np.asarray(left_norms, float)
    finest = 1 / max(1.0, right_norm, left_norms.max())
    centres = np.array([k / r for k in kinks for r in {*left_norms, right_norm * u} if abs(k) < CUT * abs(r)] or [0.0])
    x, w = _nodes(_graded(centres, min(finest, v) if kinked and v > 0 else finest, widest), points)
    if v == 0 or right_norm == 0:
        inner = right(right_norm * (u * x))
    else:
        inner = np.empty_like(x)
        for start in range(0, x.size, 128):  # blocks that stay in the cache
            block = x[start : start + 128]
            centres = np.stack([(k / right_norm - u * block) / v for k in kinks], axis=-1)
            y, wy = _nodes(_graded(centres, 1 / max(1.0, right_norm * v), widest), points)
            values = right(right_norm * (u * block[:, None] + v * y))
            inner[start : start + 128] = np.einsum("ij,ij->i", values, wy)
    return np.array([left(left_norms[:, None] * x) @ (w * inner) for left in lefts])


def angle(s, c, t):
    """(r1, r2, u, v) of the given doubles, with v^2 = 1 - c^2/(s t) in exact rational arithmetic."""
    s, c, t = Fraction(float(s)), Fraction(float(c)), Fraction(float(t))
    if s == 0 or t == 0:
        return float(s) ** 0.5, float(t) ** 0.5, 0.0, 1.0
    square = max(Fraction(0), 1 - c * c / (s * t))
    # square roots of tiny rationals: scale into the integers first
    root = lambda q: isqrt((q.numerator << 400) // q.denominator) / 2.0**200  # noqa: E731
    u = root(min(Fraction(1), c * c / (s * t)))
    return root(s), root(t), (u if c > 0 else -u), root(square)


def expectation(left, right, s, c, t, kinks=(0.0,), kinked=True, **accuracy):
    """E[left(X) right(Y)] at the given doubles, c clipped to |c| <= sqrt(s t)."""
    r1, r2, u, v = angle(s, c, t)
    return float(means([left], right, u, v, [r1], r2, kinks, kinked, **accuracy)[0, 0])


@cache
def _all_left_orders(name, right_order, norms, cosine, **accuracy):
    sigma, sine = SIGMA[name], float(np.sqrt((1 - cosine) * (1 + cosine)))
    lefts = [lambda z, order=order: sigma(z, order) for order in range(5)]
    accuracy = {"widest": 0.25, **accuracy} if name in WAVES else accuracy
    right = partial(sigma, order=right_order)
    columns = [means(lefts, right, cosine, sine, norms, r, kinked=name not in SMOOTH, **accuracy) for r in norms]
    return np.stack(columns, axis=-1)


def table(name, left_order, right_order, norms, cosine, **accuracy):
    """E[sigma^(left_order)(X) sigma^(right_order)(Y)] for all pairs of norms, regular parts only; a square matrix."""
    return _all_left_orders(name, right_order, tuple(norms), cosine, **accuracy)[left_order]


# --- point masses of kinked activations ----------------------------------------------------------------------------
# X = 0 has density p1 = 1/sqrt(2 pi s); given X = x, Y is normal with mean (c/s) x and variance D^2/s, D^2 = s t - c^2.


def kinked_slopes(name, s, c, t):
    """(K_s, K_c, K_t) of relu, leaky_relu (s, t > 0), step and sign (D > 0) by Price's theorem."""
    r1, r2, _, v = angle(s, c, t)
    sigma, p1 = SIGMA[name], 1 / np.sqrt(2 * np.pi)
    if name in CONTINUOUS_KINK:  # K_s = 1/2 jump p1(0) E[sigma(Y) | X = 0]
        jump = CONTINUOUS_KINK[name]
        given_zero = [
            normal_mean(lambda y, r=r: sigma(r * v * y)) if v else float(sigma(np.zeros(1))[0]) for r in (r2, r1)
        ]
        k_c = expectation(lambda z: sigma(z, 1), lambda z: sigma(z, 1), s, c, t)
        return 0.5 * jump * p1 / r1 * given_zero[0], k_c, 0.5 * jump * p1 / r2 * given_zero[1]
    jump = JUMP[name]  # E[delta(X) delta(Y)] and 1/2 E[delta'(X) step(Y)], the density and its derivative at the origin
    density = 1 / (2 * np.pi * r1 * r2 * v)
    return -0.5 * jump**2 * (c / s) * density, jump**2 * density, -0.5 * jump**2 * (c / t) * density


def kinked_curvatures(name, s, c, t):
    """(K_ss, K_sc, K_st, K_cc, K_ct, K_tt) of the same four at D > 0, from derivatives of densities at 0."""
    r1, r2, _, v = angle(s, c, t)
    sigma, area_squared = SIGMA[name], (r1 * r2 * v) ** 2
    density = 1 / (2 * np.pi * r1 * r2 * v)

    def one_sided(s, c, t, r1, r2):
        """K_ss and K_sc."""
        p1, slope = 1 / (np.sqrt(2 * np.pi) * r1), c / s
        if name in CONTINUOUS_KINK:
            jump, given_zero = CONTINUOUS_KINK[name], normal_mean(lambda y: sigma(r2 * v * y))
            k_ss = 0.25 * jump * (-p1 / s * given_zero + jump * slope**2 * density)  # E[delta''(X) sigma(Y)]/4
            return k_ss, -0.5 * jump**2 * slope * density  # E[delta'(X) sigma'(Y)]/2
        jump, given_zero = JUMP[name], JUMP[name] * density / p1  # p(Y = 0 | X = 0) times the jump
        third = 3 * (-p1 / s) * slope * given_zero + p1 * slope**3 * given_zero * (-s / area_squared)
        return -0.25 * jump * third, -0.5 * jump**2 * density * t / area_squared

    k_ss, k_sc = one_sided(s, c, t, r1, r2)
    k_tt, k_ct = one_sided(t, c, s, r2, r1)
    k_cc = (
        CONTINUOUS_KINK[name] ** 2 * density
        if name in CONTINUOUS_KINK
        else JUMP[name] ** 2 * density * c / area_squared
    )
    return k_ss, k_sc, k_cc / 4, k_cc, k_ct, k_tt


# --- exact values ----------------------------------------------------------------------------------------------------


def moment(i, j, s, c, t):
    """E[X^i Y^j] at the given doubles, exact (Isserlis' recursion in rational numbers)."""
    s, c, t = (Fraction(float(value)) for value in (s, c, t))

    @cache
    def m(i, j):
        if i < 0 or j < 0:
            return Fraction(0)
        if i == 0:
            return Fraction(1) if j == 0 else (j - 1) * t * m(0, j - 2)
        return (i - 1) * s * m(i - 2, j) + j * c * m(i - 1, j - 1)

    return m(i, j)


def tilted(a, b, s, c, t, digits=40):
    """E[exp(a X + b Y)] for complex a, b, by the moment generating function, as an mpmath number."""
    with mpmath.workdps(digits):
        s, c, t = mpmath.mpf(float(s)), mpmath.mpf(float(c)), mpmath.mpf(float(t))
        return mpmath.exp((a * a * s + 2 * a * b * c + b * b * t) / 2)


def exact(name, left_order, right_order, s, c, t):
    """E[sigma^(left_order)(X) sigma^(right_order)(Y)] of monomials and of exp, sin, cos, correctly rounded."""
    if name in DEGREE:
        degree = DEGREE[name]
        if max(left_order, right_order) > degree:
            return 0.0
        i, j = degree - left_order, degree - right_order
        return float(factorial(degree) ** 2 // (factorial(i) * factorial(j)) * moment(i, j, s, c, t))
    with mpmath.workdps(40):
        waves = WAVES[name].items()
        pairs = ((a, p * q * a**left_order * b**right_order, b) for a, p in waves for b, q in waves)
        return float(mpmath.re(sum(weight * tilted(a, b, s, c, t) for a, weight, b in pairs)))


def truth(name, left_order, right_order, norms, cosine):
    """The same for all pairs of norms, exactly where that is possible and by quadrature otherwise."""
    if name not in DEGREE and name not in WAVES:
        return table(name, left_order, right_order, norms, cosine)
    return np.array(
        [[exact(name, left_order, right_order, a * a, cosine * a * b, b * b) for b in norms] for a in norms]
    )


def covariances(norms, cosine):
    """(s, c, t) for all pairs of norms."""
    norms = np.array(norms)
    return norms[:, None] ** 2, cosine * np.outer(norms, norms), norms[None, :] ** 2


def error(value, true):
    """Largest error relative to max(1, |true|)."""
    value, true = np.asarray(value, float), np.asarray(true, float)
    return float(np.max(np.abs(value - true) / np.maximum(1.0, np.abs(true)), initial=0.0))


@cache
def _density_in_many_digits(x, bits):
    """The standard normal density to so many bits, the working precision here; several integrals share their nodes."""
    return mpmath.npdf(x)


def mean_in_many_digits(function, norm, weight=lambda x: 1, digits=25):
    """E[function(norm x) weight(x)] for a standard normal x by mpmath's own quadrature, panels graded towards 0."""
    with mpmath.workdps(digits):
        norm = mpmath.mpf(float(norm))
        marks = sorted({mpmath.mpf(m) for m in (0, 1.5, 4, 7, 13)} | {f / norm for f in (1, 3, 8) if f < 12 * norm})
        marks = [-m for m in marks[:0:-1]] + marks
        return mpmath.quad(lambda x: function(norm * x) * weight(x) * _density_in_many_digits(x, mpmath.mp.prec), marks)


# The Gauss rule in log k for the Kolmogorov law, computed with forty digits outside this project: nodes and weights.
KOLMOGOROV_NODES = (
    ("0.27742390338042257", "6.5156863996768170e-6"),
    ("0.33887484494846302", "0.00063468969194390482"),
    ("0.41141821108008934", "0.011054560381193747"),
    ("0.50207366329508298", "0.066803591397149170"),
    ("0.61812325671515578", "0.18634620490848934"),
    ("0.76771950549309994", "0.28258267830094210"),
    ("0.95873661469098095", "0.25666119286146376"),
    ("1.1964528397379089001", "0.14306434548266153"),
    ("1.4834573626368167", "0.045497709898706830"),
    ("1.8240636790121747", "0.0069637656335712068"),
    ("2.2308254295579904", "0.00038094132478774426"),
    ("2.7442657476829209", "3.8044326909891163e-6"),
)


def symbolic_jet(activation, s, c, t):
    """(K, K_s, K_c, K_t, K_ss, K_sc, K_st, K_cc, K_ct, K_tt): SymPy's derivatives of kernel_symbol in 30 digits.

    A mixture is summed over the table of nodes above, with offsets k^2 for tanh and 4 k^2 for the logistic ones.
    """
    evaluate = _compiled(activation.name, activation.kernel_symbol)
    with mpmath.workdps(30):
        point = [mpmath.mpf(float(value)) for value in (s, c, t)]
        if activation.exact != "mixture":
            return [float(value) for value in evaluate(*point, 0, 0)]
        factor = 1 if activation.name == "tanh" else 4
        rule = [(factor * mpmath.mpf(k) ** 2, mpmath.mpf(weight)) for k, weight in KOLMOGOROV_NODES]
        terms = [(v * w, evaluate(*point, p, q)) for p, v in rule for q, w in rule]
        return [float(sum(weight * term[i] for weight, term in terms)) for i in range(10)]


@cache
def _compiled(name, kernel):
    s, t, p, q = sympy.symbols("s t p q", positive=True)
    c = sympy.Symbol("c", real=True)
    orders = ((), (s,), (c,), (t,), (s, s), (s, c), (s, t), (c, c), (c, t), (t, t))
    return sympy.lambdify(
        (s, c, t, p, q), [kernel.diff(*order) if order else kernel for order in orders], "mpmath", cse=True
    )


def is_zero(expression):
    """SymPy's proof that an expression vanishes; factoring is the quick way, simplification the thorough one."""
    return sympy.factor(expression) == 0 or sympy.simplify(expression.rewrite(sympy.asin)) == 0


def kolmogorov_density(x, digits=60):
    """The alternating series in so many digits that its cancellation at small x does no harm."""
    with mpmath.workdps(digits):
        x = mpmath.mpf(float(x))
        terms = int(mpmath.sqrt(digits * mpmath.log(10) / 2) / x) + 2
        series = mpmath.fsum((-1) ** (m + 1) * m * m * mpmath.exp(-2 * m * m * x * x) for m in range(1, terms))
        return float(8 * x * series)
