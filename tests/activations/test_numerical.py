"""A user's own activation: numerical kernel with an error estimate, labelled so."""

import numpy as np
import oracles
import pytest
from oracles import error

from landscape_nb.activations import ACTIVATIONS, register_activation
from landscape_nb.critical import CriticalPoint
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher
from landscape_nb.search import search_one_neuron

POINTS = [
    (a * a, u * a * b, b * b) for u in (-1.0, -0.5, 0.40625, 1 - 2.0**-20, 1.0) for a, b in ((0.3125, 1.0), (3.0, 3.0))
]
POINTS += [(0.0, 0.0, 1.0), (100.0, -50.0, 100.0), (1.0, 15.0, 900.0)]


@pytest.fixture
def register():
    """register_activation that forgets at the end of the test."""
    known = set(ACTIVATIONS)
    yield register_activation
    for name in set(ACTIVATIONS) - known:
        del ACTIVATIONS[name]


def tanh_cubed(z):
    return np.tanh(z) ** 3


def soft_threshold(z):
    return np.sign(z) * np.maximum(np.abs(z) - 1.0, 0.0)


def soft_threshold_derivative(z):
    return np.where(np.abs(z) > 1.0, 1.0, np.where(np.abs(z) == 1.0, 0.5, 0.0))


def test_a_smooth_callable_gets_a_kernel_within_its_stated_error(register):
    act = register("tanh_cubed", lambda z: np.tanh(z) ** 3, odd=True)
    assert ACTIVATIONS["tanh_cubed"] is act and act.exact == "numerical" and act.odd and act.kinks == ()
    assert "numerical" in repr(act) and "0x" not in repr(act)
    for point in POINTS:
        true = oracles.expectation(tanh_cubed, tanh_cubed, *point)
        stated = act.kernel_error(*point)
        assert abs(act.kernel(*point) - true) <= 2 * stated + 2e-15, point
        assert stated <= 1e-10, point


def test_a_kinked_callable_gets_a_kernel_within_its_stated_error(register):
    act = register("soft_threshold", soft_threshold, soft_threshold_derivative, kinks=(-1.0, 1.0), odd=True)
    assert act.kinks == (-1.0, 1.0)
    for point in POINTS:
        true = oracles.expectation(soft_threshold, soft_threshold, *point, kinks=(-1.0, 1.0))
        stated = act.kernel_error(*point)
        assert abs(act.kernel(*point) - true) <= 2 * stated + 2e-15 * max(1.0, abs(true)), point
        assert stated <= 1e-9 * max(1.0, abs(true)), point


def test_slopes_and_curvatures_of_a_smooth_callable_obey_price(register):
    """With and without the derivatives given; tanh, so that the oracle has all four."""
    sigma = oracles.SIGMA["tanh"]
    given = register("given", sigma, lambda z: sigma(z, 1), lambda z: sigma(z, 2))
    bare = register("bare", sigma)
    for point in ((0.0, 0.0, 1.0), (0.09, 0.1, 1.0), (1.0, 0.3, 2.0), (9.0, -8.0, 9.0)):
        mean = {
            (i, j): oracles.expectation(lambda z, i=i: sigma(z, i), lambda z, j=j: sigma(z, j), *point)
            for i, j in ((2, 0), (1, 1), (0, 2), (4, 0), (3, 1), (2, 2), (1, 3), (0, 4))
        }
        slopes = mean[2, 0] / 2, mean[1, 1], mean[0, 2] / 2
        curvatures = (mean[4, 0] / 4, mean[3, 1] / 2, mean[2, 2] / 4, mean[2, 2], mean[1, 3] / 2, mean[0, 4] / 4)
        assert error(given.kernel_slopes(*point), slopes) <= 1e-9
        assert error(bare.kernel_slopes(*point), slopes) <= 1e-7
        assert error(given.kernel_curvatures(*point), curvatures) <= 1e-7
        assert error(bare.kernel_curvatures(*point), curvatures) <= 1e-4


def test_slopes_of_a_kinked_callable_have_their_point_masses(register):
    """relu again, as a stranger: K_s = E[delta(X) relu(Y)]/2."""
    act = register("my_relu", oracles.SIGMA["relu"], lambda z: oracles.SIGMA["relu"](z, 1), kinks=(0.0,))
    for point in ((1.0, 0.3, 2.0), (9.0, -8.0, 9.0), (0.25, 0.49, 1.0)):
        assert error(act.kernel_slopes(*point), oracles.kinked_slopes("relu", *point)) <= 1e-9
        assert error(act.kernel(*point), ACTIVATIONS["relu"].kernel(*point)) <= 1e-12


@pytest.mark.parametrize("cosine", (-0.9, -0.5, 0.40625, 0.9))
def test_curvatures_of_a_kinked_callable_at_moderate_cosines(register, cosine):
    act = register("my_relu", oracles.SIGMA["relu"], lambda z: oracles.SIGMA["relu"](z, 1), kinks=(0.0,))
    for first, second in ((0.5, 1.0), (3.0, 3.0)):
        point = first**2, cosine * first * second, second**2
        assert error(act.kernel_curvatures(*point), oracles.kinked_curvatures("relu", *point)) <= 1e-9


STEEP = {
    "tanh(20 z)": (
        lambda z: np.tanh(20 * z),
        lambda s, c, t: oracles.expectation(np.tanh, np.tanh, 400 * s, 400 * c, 400 * t),
    ),
    "sin(10 z)": (lambda z: np.sin(10 * z), lambda s, c, t: oracles.exact("sin", 0, 0, 100 * s, 100 * c, 100 * t)),
    "z^4/24": (lambda z: z**4 / 24, lambda s, c, t: float(oracles.moment(4, 4, s, c, t)) / 24**2),
}


@pytest.mark.parametrize("formula", STEEP)
@pytest.mark.parametrize("cosine", (-0.5, 0.90625, 1.0))
def test_a_steep_or_growing_callable_has_an_honest_error_estimate(register, formula, cosine):
    """It may be inaccurate, or refuse, but it must not claim an accuracy that it does not have."""
    sigma, truth = STEEP[formula]
    act = register("steep", sigma)
    for first, second in ((1.0, 1.0), (3.0, 3.0), (30.0, 30.0)):
        point = first**2, cosine * first * second, second**2
        true, stated = truth(*point), act.kernel_error(*point)
        if stated > 1e-6 * max(1.0, abs(true)):
            with pytest.raises(ValueError, match="steep is not known to six digits"):
                act.kernel(*point)
        else:
            assert abs(act.kernel(*point) - true) <= 3 * stated + 1e-12 * max(1.0, abs(true)), (point, stated)


def test_the_error_estimate_knows_that_the_line_is_cut(register):
    """exp(z/3) at norms 1 and 10: the integrand is centred more than three standard deviations from the origin."""
    act = register("slow_exponential", lambda z: np.exp(z / 3))
    for cosine in (-0.5, 0.4, 0.99, 1.0):
        point = (1.0, 10 * cosine, 100.0)
        true = np.exp((1 + 20 * cosine + 100) / 18)
        assert abs(act.kernel(*point) - true) <= 3 * act.kernel_error(*point) + 1e-12 * true, point


def test_a_function_that_outgrows_the_line_is_refused_and_the_landscape_with_it(register):
    """exp(z/3) at norm 30 has its weight ten standard deviations away."""
    act = register("slow_exponential", lambda z: np.exp(z / 3))
    assert act.kernel(1.0, 0.5, 1.0) == pytest.approx(np.exp(3 / 18), rel=1e-14)
    for method in (act.kernel, lambda *point: PopulationLandscape(act, Network([[30.0]], [1.0]))):
        with pytest.raises(ValueError, match=r"slow_exponential is not known to six digits.*grows"):
            method(900.0, 450.0, 900.0)
    assert act.kernel_error(900.0, 450.0, 900.0) > 1e6
    assert np.isnan(act.self_kernel(900.0)) and act.self_kernel(25.0) == pytest.approx(np.exp(50 / 9), rel=1e-13)
    with pytest.raises(ValueError, match="grows too fast"):
        act.hermite_coefficients(30.0, 5)


@pytest.mark.parametrize("kink", (0.5, 1.0, np.pi / 2))
def test_a_kink_that_was_not_declared_shows_in_the_error_estimate(register, kink):
    """A kink at a round place must not hide on the end of a panel."""
    act = register("hidden", lambda z: np.maximum(z - kink, 0.0))
    for first, second, cosine in ((1.3, 1.1, 0.5), (3.0, 2.7, 0.95)):
        point = first**2, cosine * first * second, second**2
        assert act.kernel_error(*point) > 1e-9
        with pytest.raises(ValueError, match=r"out of reach.*kinks that were not declared"):
            act.hermite_coefficients(first, 20)


def test_a_fast_oscillation_is_integrated_or_refused_never_aliased(register):
    act = register("fast", lambda z: np.cos(10 * z), even=True)
    for norm in (1.0, 3.0):
        true = float(oracles.exact("cos", 0, 0, *(3 * [100 * norm**2])))
        assert act.kernel(*(3 * [norm**2])) == pytest.approx(true, abs=1e-11)
        assert act.self_kernel(norm**2) == pytest.approx(true, abs=1e-12)
    assert act.kernel_error(900.0, 900.0, 900.0) > 1e-12 or act.kernel(900.0, 900.0, 900.0) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="varies too fast"):
        act.hermite_coefficients(100.0, 5)


def test_differences_fit_their_step_to_the_function(register):
    for rate in (0.1, 1.0, 20.0):
        act = register("scaled", lambda z, rate=rate: np.tanh(rate * z))
        z = np.linspace(-3, 3, 101)
        for order, digits in ((1, 1e-11), (2, 1e-9)):
            true = rate**order * oracles.SIGMA["tanh"](rate * z, order)
            assert error(act.derivative(z, order) / rate**order, true / rate**order) <= digits


@pytest.mark.parametrize("first, second", ((0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1e-5, 1.0), (0.02, 0.01), (1e-3, 30.0)))
def test_very_short_vectors_have_all_partials(register, first, second):
    """Quotients by s and t would be 0/0."""
    act = register("bare", oracles.SIGMA["sigmoid"])
    point = first**2, 0.6 * first * second, second**2
    assert error(act.kernel_slopes(*point), ACTIVATIONS["sigmoid"].kernel_slopes(*point)) <= 1e-11
    assert error(act.kernel_curvatures(*point), ACTIVATIONS["sigmoid"].kernel_curvatures(*point)) <= 1e-8
    for order, digits in ((0, 1e-13), (1, 1e-11), (2, 1e-9)):
        true = ACTIVATIONS["sigmoid"].self_kernel(first**2, order)
        assert act.self_kernel(first**2, order) == pytest.approx(true, abs=digits)


@pytest.mark.parametrize("cosine", (-(1 - 1e-6), -0.99, 0.93, 0.98, 0.9999, 1 - 1e-6))
def test_curvatures_of_a_kinked_callable_close_to_parallel_vectors(register, cosine):
    """From the derivatives of the density: their rounding errors grow as 1/sin^2."""
    sine2 = (1 - cosine) * (1 + cosine)
    act = register("my_relu", oracles.SIGMA["relu"], lambda z: oracles.SIGMA["relu"](z, 1), kinks=(0.0,))
    point, area = (2.25, 1.5 * 0.7 * cosine, 0.49), 1.5 * 0.7 * np.sqrt(sine2)
    value = act.kernel_curvatures(*point, area=area)
    assert error(value, ACTIVATIONS["relu"].kernel_curvatures(*point, area=area)) <= 1e-12 + 1e-14 / sine2
    bent = register(
        "elu",
        lambda z: np.where(z > 0, 2 * z, np.expm1(np.minimum(z, 0.0))),
        lambda z: np.where(z > 0, 2.0, np.where(z == 0, 1.5, np.exp(np.minimum(z, 0.0)))),
        kinks=(0.0,),
    )
    if sine2 > 1e-3:  # K_cc and K_sc against differences of K_c
        h, steps, differences = 1e-3, np.array([-2, -1, 1, 2]), np.array([1, -8, 8, -1]) / 12
        s, c, t = point
        in_cc, in_sc = bent.kernel_curvatures(*point)[3], bent.kernel_curvatures(*point)[1]
        assert in_cc == pytest.approx(
            bent.kernel_slopes(s, c + h * sine2 * steps, t)[1] @ differences / (h * sine2), rel=1e-6
        )
        assert in_sc == pytest.approx(
            bent.kernel_slopes(s + h * sine2 * steps, c, t)[1] @ differences / (h * sine2), rel=1e-6
        )


def test_parallel_vectors_of_a_kinked_callable_have_slopes_but_no_curvatures(register):
    act = register("my_relu", oracles.SIGMA["relu"], lambda z: oracles.SIGMA["relu"](z, 1), kinks=(0.0,))
    assert error(act.kernel_slopes(1.0, 2.0, 4.0), ACTIVATIONS["relu"].kernel_slopes(1.0, 2.0, 4.0)) <= 1e-13
    assert np.isnan(act.kernel_curvatures(1.0, 2.0, 4.0)).all()


def test_homogeneity_is_noticed(register):
    kinked = register("my_abs", np.abs, np.sign, kinks=(0.0,), even=True)
    assert kinked.homogeneous == 1 and register("my_cube", lambda z: z**3).homogeneous == 3
    assert register("my_softplus", lambda z: np.logaddexp(0.0, z)).homogeneous is None


TEACHERS = {
    "orthonormal": orthonormal_teacher(3, 4),
    "unequal": equicorrelated_teacher(4, 4, 0.3, 1.5, [1.0, 2.0, -1.0, 0.5]),
}


@pytest.mark.parametrize("teacher", TEACHERS)
@pytest.mark.parametrize("name", ("tanh", "relu"))
def test_the_search_finds_with_a_strangers_kernel_what_it_finds_with_its_own(register, name, teacher):
    """The unequal relu teacher has its minimum at a cosine of 0.918 with one of the teachers."""
    if name == "tanh":
        act = register("my_tanh", np.tanh, odd=True)
    else:
        act = register("my_relu", oracles.SIGMA["relu"], lambda z: oracles.SIGMA["relu"](z, 1), kinks=(0.0,))
    found = search_one_neuron(act, TEACHERS[teacher])
    expected = search_one_neuron(ACTIVATIONS[name], TEACHERS[teacher])
    value, true = (
        [(point.loss, point.index) for point in points if point.student.a[0] != 0] for points in (found, expected)
    )
    assert value == [(pytest.approx(loss, abs=1e-9), index) for loss, index in true] and len(true) >= 1
    assert {point.kind for point in found} == {point.kind for point in expected}


def test_a_critical_point_without_a_hessian_says_so():
    class Kink:
        def hessian(self, student):
            return np.full((2, 2), np.nan)

    with pytest.raises(ValueError, match=r"no finite Hessian at this point \(a cusp\)"):
        CriticalPoint(Kink(), Network([[1.0]], [1.0]), "a cusp").index  # noqa: B018


def test_it_broadcasts_like_the_others(register):
    act = register("tanh_cubed", tanh_cubed)
    s, c, t = np.array([[0.5], [1.0]]), np.array([-0.2, 0.0, 0.3]), 0.75
    values = act.kernel(s, c, t)
    assert values.shape == act.kernel_error(s, c, t).shape == (2, 3)
    assert values[1, 2] == pytest.approx(act.kernel(1.0, 0.3, 0.75), abs=1e-14)
    assert np.shape(act.kernel(1.0, 0.5, 1.0)) == np.shape(act.kernel_error(1.0, 0.5, 1.0)) == ()
    assert act.kernel(np.zeros(0), 0.0, 1.0).shape == act.kernel_error(np.zeros(0), 0.0, 1.0).shape == (0,)
    assert all(part.shape == (0,) for part in act.kernel_curvatures(np.zeros(0), 0.0, 1.0))


def test_its_self_kernel_is_the_diagonal(register):
    act = register("tanh_cubed", tanh_cubed)
    assert act.self_kernel(2.0) == pytest.approx(act.kernel(2.0, 2.0, 2.0), abs=1e-14)
    h = 1e-4
    difference = (act.self_kernel(2.0 + h) - act.self_kernel(2.0 - h)) / (2 * h)
    assert act.self_kernel(2.0, 1) == pytest.approx(difference, abs=1e-8)


def test_it_has_hermite_coefficients(register):
    act = register("my_erf", oracles.SIGMA["erf"], odd=True)
    assert error(act.hermite_coefficients(1.3, 20), ACTIVATIONS["erf"].hermite_coefficients(1.3, 20)) <= 1e-13
    assert error(act.mehler_kernel(4.0, 2.0, 4.0), ACTIVATIONS["erf"].kernel(4.0, 2.0, 4.0)) <= 1e-11


def test_it_has_no_symbolic_form_and_says_so(register):
    act = register("tanh_cubed", tanh_cubed)
    for attribute in ("symbol", "kernel_symbol"):
        with pytest.raises(ValueError, match="tanh_cubed"):
            getattr(act, attribute)


def test_registering_again_replaces(register):
    register("mine", np.tanh)
    second = register("mine", np.sin)
    assert ACTIVATIONS["mine"] is second


@pytest.mark.parametrize(
    "name, options, sentence",
    (
        ("mean", {"function": lambda z: np.mean(z)}, "elementwise"),
        ("short", {"function": lambda z: z[..., :1]}, "elementwise"),
        ("sorted_", {"function": lambda z: np.sort(z.ravel()).reshape(z.shape)[..., ::-1]}, "elementwise"),
        ("nan", {"function": lambda z: np.where(z > 0, z, np.nan)}, "finite"),
        ("infinite", {"function": lambda z: np.where(z > 20, np.inf, z)}, "finite"),
        ("broken", {"function": lambda z: z.no_such_thing}, "broken failed.*no_such_thing"),
        ("wrong", {"function": np.sin, "derivative": np.sin}, "not the derivative"),
        ("wrong2", {"function": np.sin, "derivative": np.cos, "second_derivative": np.cos}, "not the derivative"),
        ("even_", {"function": np.sin, "even": True}, "even"),
        ("odd_", {"function": np.cos, "odd": True}, "odd"),
        ("kinked", {"function": np.abs, "kinks": (0.0,)}, "derivative="),
        ("erf", {"function": np.sin}, "built-in"),
        ("not a name", {"function": np.sin}, "identifier"),
    ),
)
def test_a_bad_callable_is_refused_in_a_sentence(register, name, options, sentence):
    before = dict(ACTIVATIONS)
    with pytest.raises(ValueError, match=sentence):
        register(name, **options)
    assert before == ACTIVATIONS


def test_an_object_that_cannot_be_called_is_refused(register):
    with pytest.raises((ValueError, TypeError), match="call"):
        register("nothing", 3.0)
