"""A user's own activation: numerical kernel with an error estimate, labelled so."""

import numpy as np
import oracles
import pytest
from oracles import error

from landscape_nb.activations import ACTIVATIONS, register_activation

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
    """It may be inaccurate, but it must not claim an accuracy that it does not have."""
    sigma, truth = STEEP[formula]
    act = register("steep", sigma)
    for first, second in ((1.0, 1.0), (3.0, 3.0), (30.0, 30.0)):
        point = first**2, cosine * first * second, second**2
        true, stated = truth(*point), act.kernel_error(*point)
        assert abs(act.kernel(*point) - true) <= 3 * stated + 1e-12 * max(1.0, abs(true)), (point, stated)


def test_the_error_estimate_knows_that_the_line_is_cut(register):
    """exp(z/3) at norms 1 and 10: the integrand is centred more than three standard deviations from the origin."""
    act = register("slow_exponential", lambda z: np.exp(z / 3))
    for cosine in (-0.5, 0.4, 0.99, 1.0):
        point = (1.0, 10 * cosine, 100.0)
        true = np.exp((1 + 20 * cosine + 100) / 18)
        assert abs(act.kernel(*point) - true) <= 3 * act.kernel_error(*point) + 1e-12 * true, point


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
