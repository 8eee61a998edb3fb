"""Every activation against the oracle: kernel, slopes, curvatures, diagonal, and the ends of the domain."""

from fractions import Fraction
from functools import cache, partial

import mpmath
import numpy as np
import oracles
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles import COSINES, NORMS, error, is_zero

from landscape_nb.activations import ACTIVATIONS, leaky_relu

NAMES = oracles.NAMES
KINKED = (*oracles.CONTINUOUS_KINK, *oracles.JUMP)
SLOPES, CURVATURES = ("s", "c", "t"), ("ss", "sc", "st", "cc", "ct", "tt")
SHORT = (0.0, 2.0**-10, 1.0, 3.0, 30.0)

every_activation = pytest.mark.parametrize("name", NAMES)
every_cosine = pytest.mark.parametrize("cosine", COSINES)


def representable(name, norms, cosine):
    """The points of the grid where the kernel is a double: exp grows like e^((s + t)/2 + c)."""
    s, c, t = oracles.covariances(norms, cosine)
    return (s + t) / 2 + c < 700 if name == "exp" else np.ones(c.shape, bool)


def grid_truth(name, left, right, norms, cosine, allowed):
    """oracles.truth, which would overflow in the corners that are not allowed."""
    if name != "exp":
        return oracles.truth(name, left, right, norms, cosine)[allowed]
    s, c, t = oracles.covariances(norms, cosine)
    points = np.broadcast_arrays(s, c, t)
    return np.array(
        [oracles.exact(name, left, right, *p) for p in zip(*(part[allowed] for part in points), strict=True)]
    )


# --- the function -----------------------------------------------------------------------------------------------------


def test_the_eighteen_activations_are_there():
    assert set(ACTIVATIONS) >= set(NAMES) and len(NAMES) == 18
    assert all(ACTIVATIONS[name].name == name for name in NAMES)


@every_activation
@pytest.mark.parametrize("order", (0, 1, 2))
def test_sigma_and_its_derivatives_are_the_named_function(name, order):
    z = np.concatenate([np.linspace(-30, 30, 241), [1e-8, -1e-8, 1e-3, -1e-3]])
    act, true = ACTIVATIONS[name], oracles.SIGMA[name](z, order)
    value = act(z) if order == 0 else act.derivative(z, order)
    assert np.all(np.abs(value - true) <= 1e-13 * np.abs(true) + 1e-15)
    assert act.derivative(z, order).shape == z.shape


def test_the_first_derivative_is_the_default():
    assert ACTIVATIONS["cube"].derivative(2.0) == 12.0


def test_jumps_take_the_mean_of_both_sides():
    assert ACTIVATIONS["sign"](0.0) == 0.0
    assert ACTIVATIONS["step"](0.0) == 0.5


@every_activation
def test_the_stated_symmetry_and_homogeneity_hold(name):
    act, z = ACTIVATIONS[name], np.linspace(0.0, 5.0, 21)
    assert (act.odd, act.even) == (name in oracles.ODD, name in oracles.EVEN)
    if act.odd or act.even:
        assert np.array_equal(act(-z), act(z) * (-1 if act.odd else 1))
    degree = oracles.DEGREE.get(name, 1 if name in oracles.CONTINUOUS_KINK else 0 if name in oracles.JUMP else None)
    assert act.homogeneous == degree
    assert tuple(act.kinks) == ((0.0,) if name in KINKED else ())
    assert act.exact == ("mixture" if name in oracles.MIXTURES else "closed form")


@every_activation
def test_the_printed_form_has_no_memory_address(name):
    assert "0x" not in repr(ACTIVATIONS[name]) and name in repr(ACTIVATIONS[name])


# --- the kernel and its derivatives against the oracle ----------------------------------------------------------------


@every_activation
@every_cosine
def test_kernel_is_the_gaussian_expectation(name, cosine):
    allowed = representable(name, NORMS, cosine)
    true = grid_truth(name, 0, 0, NORMS, cosine, allowed)
    points = [part[allowed] for part in np.broadcast_arrays(*oracles.covariances(NORMS, cosine))]
    assert error(ACTIVATIONS[name].kernel(*points), true) <= 1e-12


@pytest.mark.parametrize("name", oracles.SMOOTH)
@every_cosine
def test_slopes_of_smooth_activations_obey_price(name, cosine):
    """K_s = E[sigma'' sigma]/2, K_c = E[sigma' sigma'], K_t = E[sigma sigma'']/2."""
    allowed = representable(name, NORMS, cosine)
    points = [part[allowed] for part in np.broadcast_arrays(*oracles.covariances(NORMS, cosine))]
    slopes = dict(zip(SLOPES, ACTIVATIONS[name].kernel_slopes(*points), strict=True))
    in_s = grid_truth(name, 2, 0, NORMS, cosine, np.ones_like(allowed) if name != "exp" else allowed) / 2
    in_t = in_s if name == "exp" else in_s.reshape(len(NORMS), -1).T.ravel()
    assert error(slopes["c"], grid_truth(name, 1, 1, NORMS, cosine, allowed)) <= 1e-10
    assert error(slopes["s"], in_s) <= 1e-10
    assert error(slopes["t"], in_t) <= 1e-10


@pytest.mark.parametrize(
    "name, cosine",
    [(name, u) for name in KINKED for u in COSINES if name in oracles.CONTINUOUS_KINK or abs(u) < 1],
)
def test_slopes_of_kinked_activations_obey_price_with_their_point_masses(name, cosine):
    for first in NORMS[1:]:
        for second in NORMS[1:]:
            point = first**2, cosine * first * second, second**2
            value = ACTIVATIONS[name].kernel_slopes(*point)
            assert error(value, oracles.kinked_slopes(name, *point)) <= 1e-10, point


@pytest.mark.parametrize("name", oracles.SMOOTH)
@every_cosine
def test_curvatures_of_smooth_activations_obey_price(name, cosine):
    """K_ss = E[sigma'''' sigma]/4, K_sc = E[sigma''' sigma']/2, K_st = K_cc/4, K_cc = E[sigma'' sigma'']."""
    norms = NORMS if name != "exp" else NORMS[:-1]
    value = dict(zip(CURVATURES, ACTIVATIONS[name].kernel_curvatures(*oracles.covariances(norms, cosine)), strict=True))
    true = {
        "ss": oracles.truth(name, 4, 0, norms, cosine) / 4,
        "sc": oracles.truth(name, 3, 1, norms, cosine) / 2,
        "cc": oracles.truth(name, 2, 2, norms, cosine),
    }
    true |= {"tt": true["ss"].T, "ct": true["sc"].T, "st": true["cc"] / 4}
    for key in CURVATURES:
        assert error(value[key], true[key]) <= 1e-10, key


@pytest.mark.parametrize("name", KINKED)
@pytest.mark.parametrize("cosine", COSINES[1:-1])
def test_curvatures_of_kinked_activations_are_derivatives_of_densities(name, cosine):
    for first in SHORT[1:]:
        for second in SHORT[1:]:
            point = first**2, cosine * first * second, second**2
            value = ACTIVATIONS[name].kernel_curvatures(*point)
            assert error(value, oracles.kinked_curvatures(name, *point)) <= 1e-10, point


@every_activation
@pytest.mark.parametrize("point", ((0.49, 0.2, 1.69), (4.0, 1.8, 1.0), (1.0, -1.35, 2.25), (100.0, -40.0, 30.0)))
def test_symbolic_and_numeric_forms_are_the_same(name, point):
    """SymPy differentiates kernel_symbol; the sum over the twelve nodes is the mixture."""
    act = ACTIVATIONS[name]
    numeric = [act.kernel(*point), *act.kernel_slopes(*point), *act.kernel_curvatures(*point)]
    symbolic = oracles.symbolic_jet(act, *point)
    assert error(numeric[:1], symbolic[:1]) <= 1e-13
    assert error(numeric[1:], symbolic[1:]) <= 1e-12


@every_activation
def test_the_symbol_is_the_function(name):
    z = sympy.Symbol("z", real=True)
    expression = ACTIVATIONS[name].symbol
    assert expression.free_symbols == {z}
    for value in (-3.7, -0.4, 0.0, 0.9, 5.0):
        assert float(expression.subs(z, value)) == pytest.approx(float(ACTIVATIONS[name](value)), rel=1e-14, abs=1e-15)


@every_activation
def test_kernel_symbol_is_symmetric_and_obeys_the_wave_equation_of_price(name):
    """Proofs: K(s, c, t) = K(t, c, s), and K_st = K_cc/4 since both are E[sigma'' sigma'']/4."""
    s, t, p, q = sympy.symbols("s t p q", positive=True)
    c = sympy.Symbol("c", real=True)
    kernel = ACTIVATIONS[name].kernel_symbol
    assert kernel.free_symbols <= ({s, c, t, p, q} if name in oracles.MIXTURES else {s, c, t})
    assert is_zero(kernel - kernel.subs({s: t, t: s, p: q, q: p}, simultaneous=True))
    assert is_zero(sympy.diff(kernel, s, t) - sympy.diff(kernel, c, 2) / 4)


@every_activation
def test_self_kernel_and_its_derivatives_agree_with_many_digits(name):
    """k(s) = E[sigma(X)^2], k' = E[sigma^2 He_2(x)]/(2s), k'' = E[sigma^2 He_4(x)]/(4 s^2) for X = sqrt(s) x."""
    many_digits = {
        "erf": lambda z: mpmath.erf(z / mpmath.sqrt(2)),
        "relu": lambda z: max(z, 0),
        "leaky_relu": lambda z: z if z > 0 else mpmath.mpf(0.1) * z,
        "step": lambda z: mpmath.mpf(z > 0),
        "sign": mpmath.sign,
        "gaussian": lambda z: mpmath.exp(-z * z / 2),
        "normal_cdf": mpmath.ncdf,
        "gelu": lambda z: z * mpmath.ncdf(z),
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
        "silu": lambda z: z / (1 + mpmath.exp(-z)),
        **{key: (lambda z, m=degree: z**m) for key, degree in oracles.DEGREE.items()},
    }
    sigma = many_digits.get(name) or getattr(mpmath, name)
    square = cache(lambda z: sigma(z) ** 2)  # all orders are integrated over the same nodes
    weights = (lambda x: 1, lambda x: (x * x - 1) / 2, lambda x: (x**4 - 6 * x * x + 3) / 4)
    for norm in (0.5, 6.0) if name != "exp" else (0.25, 1.0):
        for order, tolerance in enumerate((1e-12, 1e-12, 1e-11)):
            mean = oracles.mean_in_many_digits(square, norm, weights[order], digits=20)
            true = float(mean / mpmath.mpf(norm**2) ** order)
            assert error(ACTIVATIONS[name].self_kernel(norm**2, order), true) <= tolerance, (norm, order)


@every_activation
def test_self_kernel_is_the_diagonal_of_the_kernel(name):
    s = np.array(NORMS[:-1]) ** 2
    act = ACTIVATIONS[name]
    assert error(act.self_kernel(s), act.kernel(s, s, s)) <= 1e-13
    assert act.self_kernel(s).shape == s.shape


def test_self_kernel_has_three_orders():
    with pytest.raises(ValueError, match="3"):
        ACTIVATIONS["erf"].self_kernel(1.0, order=3)


# --- the ends of the domain -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", oracles.JUMP)
@pytest.mark.parametrize("s, t", ((1.0, 1.0), (4.0, 0.25), (900.0, 900.0)))
@pytest.mark.parametrize("side", (-1.0, 1.0))
def test_infinite_slopes_of_jumps_at_parallel_vectors(name, s, t, side):
    in_s, in_c, in_t = ACTIVATIONS[name].kernel_slopes(s, side * np.sqrt(s * t), t)
    assert in_c == np.inf
    assert not np.isnan([in_s, in_t]).any()


@pytest.mark.parametrize("name", KINKED)
def test_infinite_slope_of_kinks_at_a_dead_neuron(name):
    in_s, in_c, in_t = ACTIVATIONS[name].kernel_slopes(0.0, 0.0, 2.0)
    assert in_s == np.inf
    assert not np.isnan([in_c, in_t]).any()


@pytest.mark.parametrize("name", oracles.CONTINUOUS_KINK)
@pytest.mark.parametrize("side", (-1.0, 1.0))
def test_curvatures_of_kinks_at_parallel_vectors_are_infinite(name, side):
    k_ss, k_sc, k_st, k_cc, k_ct, k_tt = ACTIVATIONS[name].kernel_curvatures(1.0, side, 1.0)
    assert k_cc == k_st == np.inf
    assert np.isinf([k_ss, k_sc, k_ct, k_tt]).all()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_nan_at_any_corner(name):
    act = ACTIVATIONS[name]
    for cosine in (-1.0, 0.0, 1.0):
        norms = SHORT if name != "exp" else SHORT[:-1]
        point = oracles.covariances(norms, cosine)
        for values in ((act.kernel(*point),), act.kernel_slopes(*point), act.kernel_curvatures(*point)):
            assert not any(np.isnan(value).any() for value in values), cosine
        assert not any(np.isnan(act.self_kernel(np.array(norms) ** 2, order)).any() for order in (0, 1, 2))


def test_relu_slopes_at_an_exact_copy_are_numbers():
    """SymPy's own derivative of the ReLU kernel is NaN there."""
    for s in (0.49, 1.0, 7.3):
        assert ACTIVATIONS["relu"].kernel_slopes(s, s, s) == (0.0, 0.5, 0.0)


@every_activation
def test_a_covariance_slightly_too_large_is_clipped(name):
    act = ACTIVATIONS[name]
    for s, t in ((1.0, 1.0), (0.3, 0.7), (4.0, 9.0)):
        bound = np.sqrt(s * t)
        for side in (-1, 1):
            assert (
                error(act.kernel(s, side * bound * (1 + 1e-12), t), act.kernel(s, side * bound, t, area=0.0)) <= 1e-14
            )


@every_activation
def test_a_known_area_replaces_the_one_computed(name):
    """Parallel vectors of incommensurable length: the rounded covariance cannot tell, the area can."""
    act, first, second = ACTIVATIONS[name], 0.3, 1.7
    s, c, t = first * first, first * second, second * second
    sigma = oracles.SIGMA[name]
    parallel = oracles.means([sigma], sigma, 1.0, 0.0, [first], second)[0, 0]
    assert (
        error(act.kernel(s, c, t, area=0.0), parallel if name != "exp" else oracles.exact(name, 0, 0, s, c, t)) <= 1e-13
    )
    u, v = np.cos(1e-7), np.sin(1e-7)
    slope = partial(sigma, order=1)
    if name not in oracles.JUMP and name != "exp":
        true = oracles.means([slope], slope, u, v, [first], second, kinked=name in KINKED)[0, 0]
        assert error(act.kernel_slopes(s, c, t, area=first * second * v)[1], true) <= 1e-13


ALMOST_PARALLEL = [
    (1.0, 1.0),
    (0.3, 0.7),
    (2.1, 2.1000003),
    (899.3, 0.013),
    (7.7, 123.4),
    (6.429171614108774, 8.395331210859066),
]


@pytest.mark.parametrize("s, t", ALMOST_PARALLEL)
@pytest.mark.parametrize("angle", (0.0, 1e-8, 1e-7, 1e-5, 1e-3))
@pytest.mark.parametrize("side", (-1, 1))
def test_nearly_parallel_vectors_lose_no_digits(s, t, angle, side):
    """At the doubles as given: sqrt(st - c^2) in plain arithmetic or an arccosine would lose half the digits."""
    c = side * float(np.sqrt(s * t) * np.cos(angle))
    for covariance in (np.nextafter(c, 0.0), c, np.nextafter(c, 2 * c)):
        with mpmath.workdps(50):
            s_, c_, t_ = mpmath.mpf(s), mpmath.mpf(float(covariance)), mpmath.mpf(t)
            area = mpmath.sqrt(max(s_ * t_ - c_ * c_, 0))
            theta = mpmath.atan2(area, c_)
            relu = (area + c_ * (mpmath.pi - theta)) / (2 * mpmath.pi)
            relu_slopes = (
                area / (4 * mpmath.pi * s_),
                (mpmath.pi - theta) / (2 * mpmath.pi),
                area / (4 * mpmath.pi * t_),
            )
            step = mpmath.mpf(1) / 2 - theta / (2 * mpmath.pi)
            density = float(1 / (2 * mpmath.pi * area)) if area else np.inf
        point = (s, covariance, t)
        assert error(ACTIVATIONS["relu"].kernel(*point), float(relu)) <= 1e-14
        assert error(ACTIVATIONS["relu"].kernel_slopes(*point), [float(value) for value in relu_slopes]) <= 1e-14
        assert error(ACTIVATIONS["step"].kernel(*point), float(step)) <= 1e-14
        in_c, k_cc = ACTIVATIONS["step"].kernel_slopes(*point)[1], ACTIVATIONS["relu"].kernel_curvatures(*point)[3]
        if np.isinf(density):
            assert in_c == k_cc == np.inf
        else:
            assert in_c == pytest.approx(density, rel=1e-10) and k_cc == pytest.approx(density, rel=1e-10)


@pytest.mark.parametrize(
    "name, s, t", [(name, s, t) for name in NAMES for s, t in ALMOST_PARALLEL if name != "exp" or s < 100]
)
def test_kernels_of_nearly_parallel_vectors_agree_with_the_oracle_at_the_given_doubles(name, s, t):
    sigma = oracles.SIGMA[name]
    for cosine in (np.cos(1e-8), -np.cos(1e-6)):
        point = s, float(np.sqrt(s * t) * cosine), t
        if name in oracles.DEGREE or name in oracles.WAVES:
            true, slope = oracles.exact(name, 0, 0, *point), oracles.exact(name, 1, 1, *point)
        else:
            true = oracles.expectation(sigma, sigma, *point)
            slope = oracles.expectation(lambda z: sigma(z, 1), lambda z: sigma(z, 1), *point)
        assert error(ACTIVATIONS[name].kernel(*point), true) <= 1e-12
        if name not in oracles.JUMP:
            assert error(ACTIVATIONS[name].kernel_slopes(*point)[1], slope) <= 1e-10


@pytest.mark.parametrize("r", (1e2, 1e3, 1e4))
def test_erf_kernel_keeps_its_digits_at_very_long_weights(r):
    s = r * r
    with mpmath.workdps(40):
        s_ = mpmath.mpf(s)
        true = 2 / mpmath.pi * mpmath.asin(s_ / (1 + s_))
        slope = 2 / mpmath.pi / mpmath.sqrt(1 + 2 * s_)
    assert abs(ACTIVATIONS["erf"].kernel(s, s, s) - float(true)) <= 3e-16
    assert ACTIVATIONS["erf"].kernel_slopes(s, s, s)[1] == pytest.approx(float(slope), rel=1e-14)


# --- shapes and refusals ----------------------------------------------------------------------------------------------


@every_activation
def test_kernels_broadcast(name):
    act = ACTIVATIONS[name]
    s, c, t = np.array([[0.5], [1.0]]), np.array([-0.2, 0.0, 0.3]), 0.75
    for values in ((act.kernel(s, c, t),), act.kernel_slopes(s, c, t), act.kernel_curvatures(s, c, t)):
        assert all(value.shape == (2, 3) for value in values)
    one_by_one = [[act.kernel(a, b, t) for b in c] for a in s[:, 0]]
    assert np.allclose(act.kernel(s, c, t), one_by_one, rtol=1e-14, atol=1e-15)
    curvature = act.kernel_curvatures(s, c, t)[1]
    assert np.allclose(
        curvature, [[act.kernel_curvatures(a, b, t)[1] for b in c] for a in s[:, 0]], rtol=1e-13, atol=1e-15
    )


@every_activation
def test_scalars_give_scalars_and_nothing_gives_nothing(name):
    act, empty = ACTIVATIONS[name], np.zeros((0, 3))
    assert np.shape(act(0.5)) == np.shape(act.kernel(1.0, 0.5, 1.0)) == np.shape(act.self_kernel(1.0, 1)) == ()
    assert float(act.kernel(1, 0, 1)) == float(act.kernel(1.0, 0.0, 1.0))
    assert act(empty).shape == act.kernel(empty, empty, 1.0).shape == act.self_kernel(empty, 2).shape == (0, 3)
    assert all(value.shape == (0, 3) for value in act.kernel_slopes(empty, empty, empty))
    assert all(value.shape == (0, 3) for value in act.kernel_curvatures(empty, empty, empty))


def test_arguments_are_not_changed_in_place():
    point = [np.array([1.0, 2.0]), np.array([5.0, -5.0]), np.array([2.0, 0.0])]
    before = [part.copy() for part in point]
    for act in ACTIVATIONS.values():
        act.kernel(*point), act.kernel_slopes(*point), act.kernel_curvatures(*point)
    assert all(np.array_equal(a, b) for a, b in zip(point, before, strict=True))


@every_activation
@pytest.mark.parametrize(
    "point, sentence",
    (
        ((-0.1, 0.0, 1.0), r"s .*>= 0.*-0\.1"),
        ((1.0, 0.0, [-2.0, 1.0]), r"t .*>= 0.*-2"),
        ((np.nan, 0.0, 1.0), r"s .*finite.*nan"),
        ((1.0, np.nan, 1.0), r"c .*finite.*nan"),
        ((1.0, 0.0, np.inf), r"t .*finite.*inf"),
        ((np.ones(2), np.ones(3), 1.0), r"shape.*\(2,\).*\(3,\)"),
    ),
)
def test_bad_covariances_are_refused_in_a_sentence(name, point, sentence):
    act = ACTIVATIONS[name]
    for method in (act.kernel, act.kernel_slopes, act.kernel_curvatures):
        with pytest.raises(ValueError, match=sentence):
            method(*point)


@pytest.mark.parametrize("area", (np.nan, np.inf, -1.0, [0.1, -0.1], [0.1, 0.2, 0.3]))
def test_a_bad_area_is_refused_in_a_sentence(area):
    act = ACTIVATIONS["relu"]
    for method in (act.kernel, act.kernel_slopes, act.kernel_curvatures):
        with pytest.raises(ValueError, match=r"^area "):
            method([1.0, 1.0], 0.5, 1.0, area=area)


def test_an_admissible_covariance_above_the_rounded_bound_keeps_its_area():
    """sqrt(s) sqrt(t) may round below a c with st - c^2 > 0."""
    above = 0
    for s, t in np.random.default_rng(0).uniform(1, 80, (300, 2)).tolist():
        bound = np.sqrt(s) * np.sqrt(t)
        for c in (bound + np.spacing(bound) * np.arange(-2, 3)).tolist():
            area2 = Fraction(s) * Fraction(t) - Fraction(c) ** 2
            _, clipped, _, computed = ACTIVATIONS["relu"]._checked(s, c, t, None)
            assert computed == pytest.approx(max(float(area2), 0.0), rel=1e-10)
            assert clipped == c or area2 <= 0
            above += c > bound and area2 > 0
    assert above >= 5


def test_a_negative_or_undefined_variance_has_no_self_kernel():
    for bad in (-1.0, np.nan):
        with pytest.raises(ValueError, match=r"^s "):
            ACTIVATIONS["tanh"].self_kernel(bad)


# --- properties that need no oracle -----------------------------------------------------------------------------------

names = st.sampled_from(NAMES)
lengths = st.floats(0.0, 30.0, allow_subnormal=False).map(lambda r: 0.0 if r < 1e-6 else r)
cosines = st.one_of(st.floats(-1.0, 1.0, allow_subnormal=False), st.sampled_from((-1.0, 0.0, 1.0)))
properties = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def covariance(name, first, second, cosine):
    assume(name != "exp" or first + second < 30)
    return first * first, first * second * cosine, second * second


@properties
@given(names, lengths, lengths, cosines)
def test_cauchy_schwarz(name, first, second, cosine):
    s, c, t = covariance(name, first, second, cosine)
    act = ACTIVATIONS[name]
    bound = np.sqrt(act.self_kernel(s)) * np.sqrt(act.self_kernel(t))
    assert abs(act.kernel(s, c, t)) <= bound * (1 + 1e-12) + 1e-12


@properties
@given(names, lengths, lengths, cosines)
def test_the_two_neurons_may_change_places(name, first, second, cosine):
    s, c, t = covariance(name, first, second, cosine)
    act = ACTIVATIONS[name]
    assert error(act.kernel(s, c, t), act.kernel(t, c, s)) <= 1e-13
    forward, backward = act.kernel_slopes(s, c, t), act.kernel_slopes(t, c, s)
    finite = np.isfinite(forward)
    assert np.array_equal(finite, np.isfinite(backward[::-1]))
    assert error(np.array(forward)[finite], np.array(backward[::-1])[finite]) <= 1e-11


@properties
@given(names, lengths, lengths, cosines)
def test_symmetric_activations_have_symmetric_kernels(name, first, second, cosine):
    s, c, t = covariance(name, first, second, cosine)
    act = ACTIVATIONS[name]
    assume(act.odd or act.even)
    assert error(act.kernel(s, -c, t), act.kernel(s, c, t) * (-1 if act.odd else 1)) <= 1e-14


@properties
@given(st.sampled_from((*oracles.DEGREE, *KINKED)), lengths, lengths, cosines, st.floats(0.125, 8.0))
def test_homogeneous_activations_scale(name, first, second, cosine, factor):
    s, c, t = covariance(name, first, second, cosine)
    assume(c * c < s * t * (1 - 1e-12) or abs(cosine) < 1e-3 or s == 0 or t == 0)
    act = ACTIVATIONS[name]
    scaled = factor**act.homogeneous * act.kernel(s, c, t)
    assert error(act.kernel(factor**2 * s, factor * c, t), scaled) <= 1e-12


@properties
@given(names, lengths, cosines)
def test_a_dead_neuron_sees_a_constant(name, norm, cosine):
    """K(0, 0, t) = sigma(0) E[sigma(Y)] = sigma(0) h_0."""
    assume(name != "exp" or norm < 20)
    act = ACTIVATIONS[name]
    mean = (
        oracles.normal_mean(lambda y: oracles.SIGMA[name](norm * y), finest=0.02, widest=0.25) if name != "exp" else 1.0
    )
    true = act(0.0) * (mean if name != "exp" else np.exp(norm**2 / 2))
    assert error(act.kernel(0.0, 0.0, norm**2), true) <= 1e-12


@every_activation
@pytest.mark.parametrize("point", ((0.8, 0.3, 1.7), (2.5, -1.9, 2.0), (0.05, 0.02, 3.0)))
def test_taylor_models_of_first_and_second_order_have_errors_of_second_and_third(name, point):
    act, direction = ACTIVATIONS[name], np.array([0.013, -0.021, 0.017])
    value, slope, curvature = act.kernel(*point), np.array(act.kernel_slopes(*point)), act.kernel_curvatures(*point)
    ss, sc, st_, cc, ct, tt = curvature
    hessian = np.array([[ss, sc, st_], [sc, cc, ct], [st_, ct, tt]])
    steps = 0.5 ** np.arange(3, 7)
    exact = np.array([act.kernel(*(point + h * direction)) for h in steps])
    first = value + steps * (slope @ direction)
    second = first + steps**2 / 2 * (direction @ hessian @ direction)
    for order, model in ((2, first), (3, second)):
        errors = np.abs(exact - model)
        if errors[-1] > 1e3 * np.finfo(float).eps * max(1.0, abs(value)):  # polynomials may have no error at all
            rate = np.log2(errors[:-1] / errors[1:])
            assert np.all(np.abs(rate - order) < 0.35), (order, rate)
        else:
            assert errors[0] <= 1e-4 * 0.125**order


def test_leaky_relu_covers_relu_linear_and_the_absolute_value():
    point = oracles.covariances(NORMS[:-1], 0.40625)
    assert error(leaky_relu(0.0).kernel(*point), ACTIVATIONS["relu"].kernel(*point)) <= 1e-15
    assert error(leaky_relu(1.0).kernel(*point), ACTIVATIONS["linear"].kernel(*point)) <= 1e-15
    absolute = leaky_relu(-1.0)
    assert absolute.even and not absolute.odd and np.array_equal(absolute([-2.0, 0.0, 3.0]), [2.0, 0.0, 3.0])
    true = [[oracles.expectation(np.abs, np.abs, a * a, -0.5 * a * b, b * b) for b in NORMS] for a in NORMS]
    assert error(absolute.kernel(*oracles.covariances(NORMS, -0.5)), true) <= 1e-13


@pytest.mark.parametrize("slope", (-1.0, -0.3, 0.25, 2.0))
@pytest.mark.parametrize("cosine", (-1.0, -(1 - 2.0**-13), 0.40625, 1.0))
def test_leaky_relu_takes_any_slope(slope, cosine):

    def sigma(z):
        return np.where(z > 0, z, slope * z)

    for first, second in ((0.3125, 3.0), (30.0, 10.0)):
        point = first**2, cosine * first * second, second**2
        assert error(leaky_relu(slope).kernel(*point), oracles.expectation(sigma, sigma, *point)) <= 1e-12


@pytest.mark.parametrize("slope", (np.nan, np.inf))
def test_leaky_relu_needs_a_finite_slope(slope):
    with pytest.raises(ValueError, match=f"slope.*{slope}"):
        leaky_relu(slope)
