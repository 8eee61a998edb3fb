"""The valley to infinity of two neurons that learn x^2: SymPy for any activation, and flows to t = 1e12 with their constants."""

import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.sad import (
    ELU,
    NOT_SAD,
    POLYNOMIALS,
    SAD,
    SOFTSIGN,
    STATEMENT,
    Valley,
    frozen_valley,
    nearest_valley,
    normal_start,
    polynomial_landscape,
    tuned_biases,
    valleys_to_infinity,
)
from landscape_nb.critical import OutsideTheorem
from landscape_nb.flows import gradient_flow
from landscape_nb.landscapes import SampledLandscape
from landscape_nb.long_flows import long_flow
from landscape_nb.networks import BiasedNetwork, Network
from landscape_nb.power_laws import decade_exponent, fit_power, local_exponents

X = np.linspace(-1, 1, 40)
SMOOTH = ("tanh", "sigmoid", "softplus", "erf", "gelu", "silu", "gaussian")
LONG = {"tanh": 1, "sigmoid": 1, "softplus": 2}


@pytest.fixture(scope="module")
def flows():
    return {
        name: long_flow(polynomial_landscape(ACTIVATIONS[name]), normal_start(2, 2, seed))
        for name, seed in LONG.items()
    }


def valleys_of(name):
    activation = ACTIVATIONS[name]
    return valleys_to_infinity(activation, polynomial_landscape(activation))


# the expansion --------------------------------------------------------------------------------------------------------


def test_the_expansion_for_any_activation_leaves_what_the_module_says():
    """f - x^2 for a general s, a power series in w whose coefficients are polynomials in x: SymPy."""
    x, w, kappa = sympy.symbols("x w kappa")
    s = sympy.symbols("s0:9")

    def series(z, bias):  # s(beta + bias + z) by Taylor's formula
        return sum(s[k] * (z + bias) ** k / sympy.factorial(k) for k in range(9))

    def left(fourth, shift):
        a = 1 / (s[2] * w**2)
        f = a * (series(w * x, shift) + series(-w * x, shift)) - 2 * a * s[0] - x**2
        return sympy.Poly(sympy.expand(f.subs(s[4], fourth)), w, x)

    generic = left(s[4], 0)
    assert sympy.simplify(generic.coeff_monomial(w**2 * x**4) - s[4] / (12 * s[2])) == 0
    assert all(power[0] >= 2 for power in generic.monoms())
    tuned = left(0, 0)
    assert sympy.simplify(tuned.coeff_monomial(w**4 * x**6) - s[6] / (360 * s[2])) == 0
    assert all(power[0] >= 4 for power in tuned.monoms())
    moved = left(0, kappa * w**2)
    assert sympy.simplify(moved.coeff_monomial(w**4 * x**4) - kappa * s[5] / (12 * s[2])) == 0
    assert all(power[1] <= 2 for power in moved.monoms() if power[0] < 4)  # what a and b then take away


def test_the_reduced_flow_solves_its_equation_in_sympy():
    t, C, g = sympy.symbols("t C g", positive=True)
    for m in (2, 3):
        a = (2 * m * (2 * m - 2) * C * t / g) ** sympy.Rational(1, 2 * m)
        u = sympy.Symbol("u", positive=True)
        slope = sympy.diff(C * u ** (2 - 2 * m), u).subs(u, a)
        assert sympy.simplify(g * sympy.diff(a, t) + slope) == 0
        loss = sympy.simplify(C * a ** (2 - 2 * m))
        assert sympy.simplify(t * sympy.diff(loss, t) / loss) == -sympy.Rational(m - 1, m)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_biases_are_the_zeros_of_the_fourth_derivative_by_sympy(name):
    symbol = ACTIVATIONS[name].symbol
    (z,) = symbol.free_symbols
    found = tuned_biases(ACTIVATIONS[name])
    assert found and list(found) == sorted(found)
    assert_allclose(found, [-beta for beta in reversed(found)], atol=1e-12)  # here s is even or odd up to a line
    for beta in found:
        values = [float(sympy.diff(symbol, z, order).subs(z, sympy.Float(beta, 40)).evalf(30)) for order in (2, 4, 5)]
        assert abs(values[1]) < 1e-13 and min(abs(values[0]), abs(values[2])) > 1e-3


def test_the_biases_in_closed_form():
    assert_allclose(np.tanh(tuned_biases(ACTIVATIONS["tanh"])) ** 2, 2 / 3)
    assert_allclose(tuned_biases(ACTIVATIONS["sigmoid"]), 2 * np.array(tuned_biases(ACTIVATIONS["tanh"])))
    assert_allclose(tuned_biases(ACTIVATIONS["softplus"])[0], np.log((3 - np.sqrt(3)) / (3 + np.sqrt(3))))
    assert_allclose(np.square(tuned_biases(ACTIVATIONS["erf"])), 3)
    assert_allclose(np.square(tuned_biases(ACTIVATIONS["gaussian"])), [3 + 6**0.5, 3 - 6**0.5, 3 - 6**0.5, 3 + 6**0.5])
    for name in ("exp", "sin", "cos", "linear", "square", "cube"):
        assert tuned_biases(ACTIVATIONS[name]) == ()


# the valley -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMOOTH)
def test_the_loss_in_the_valley_tends_to_its_constant_with_a_correction_of_order_one_over_a(name):
    landscape = polynomial_landscape(ACTIVATIONS[name])
    for valley in valleys_of(name):
        sizes = np.array([150.0, 300.0, 600.0])
        students = [valley.network(a) for a in sizes]
        ratios = np.array([float(landscape.value(student)) for student in students]) / (valley.constant * sizes**-4)
        off = np.abs(ratios - 1)
        assert off[2] < 0.02
        if off[2] > 1e-3:  # those whose correction is not close to rounding
            assert_allclose(off[1] / off[2], 2.0, atol=0.3)
        assert all(nearest_valley((valley,), student) is valley for student in students)
        assert [np.sign(one) for one in students[0].a] == list(valley.signs)


def test_the_distance_of_x6_from_lower_even_powers_is_that_of_orthogonal_polynomials():
    """On a fine grid of [-1, 1] D_2m is the squared norm of the monic Legendre polynomial: (2^n n!^2/(2n)!)^2/(2n+1), n = 2m."""
    x = np.linspace(-1, 1, 4001)
    landscape = SampledLandscape(ACTIVATIONS["tanh"], np.column_stack([x, np.ones(4001)]), x**2, output_bias=True)
    for valley, n in ((valleys_to_infinity(ACTIVATIONS["tanh"], landscape)[0], 6), (frozen_valley(landscape, 0.5), 4)):
        monic = 2.0**n * np.prod(np.arange(1.0, n + 1)) ** 2 / np.prod(np.arange(1.0, 2 * n + 1))
        assert_allclose(valley._projection[0], monic**2 / (2 * n + 1), rtol=5e-3)


@pytest.mark.parametrize("name", ("tanh", "sigmoid", "erf"))
def test_a_point_symmetric_activation_has_a_third_valley_with_opposite_biases(name):
    found = valleys_of(name)
    assert sorted(len({abs(round(bias, 9)) for bias in valley.biases}) for valley in found) == [1, 1, 1]
    assert {valley.biases[0] == valley.biases[1] for valley in found} == {True, False}
    assert_allclose([valley.constant for valley in found], found[0].constant)
    if name == "sigmoid":
        sizes = ACTIVATIONS[name](np.array([-2.2924316696, 2.2924316696]))
        metrics = sorted([2 + 4 * sizes[0] ** 2, 2 + np.ptp(sizes) ** 2, 2 + 4 * sizes[1] ** 2])
        assert_allclose([valley.metric for valley in found], metrics)  # the lowest loss first
    else:  # odd: the three are one up to the sign of a neuron
        assert_allclose([valley.metric for valley in found], found[0].metric)


@pytest.mark.parametrize("case", STATEMENT.cases, ids=lambda case: case["activation"])
def test_the_numbers_of_the_statement(case):
    (valley,) = (one for one in valleys_of(case["activation"]) if np.allclose(one.biases, case["bias"], atol=1e-8))
    assert_allclose((valley.constant, valley.metric), (case["constant"], case["metric"]), rtol=1e-9)
    assert STATEMENT.point(ACTIVATIONS[case["activation"]], valley.landscape) == ()


# flows ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LONG)
def test_the_flow_falls_with_the_derived_exponent_and_constant(name, flows):
    flow = flows[name]
    assert flow.reason == "time"
    valley = nearest_valley(valleys_of(name), flow.end)
    assert valley is not None and valley.loss_exponent == -2 / 3
    late = flow.times >= 0.999e9
    exponents = local_exponents(flow.times[late], flow.losses[late])
    assert abs(np.mean(exponents) / (-2 / 3) - 1) < 0.005 and abs(exponents[-1] / (-2 / 3) - 1) < 0.0005
    assert_allclose(flow.losses[-1], valley.loss(1e12), rtol=6e-4)
    assert_allclose(np.abs(flow.end.a), valley.outgoing(1e12), rtol=0.007)
    assert_allclose(flow.end.W[:, 1], valley.biases, atol=0.04)


@pytest.mark.parametrize("name, exponent", (("tanh", 0.1676), ("sigmoid", 0.1694), ("softplus", 0.1743)))
def test_the_norm_grows_with_the_derived_exponent_above_a_constant(name, exponent, flows):
    flow = flows[name]
    valley = nearest_valley(valleys_of(name), flow.end)
    late = flow.times >= 0.999e9
    times, norms = flow.times[late], flow.norms[late]
    assert_allclose(decade_exponent(times, norms), exponent, atol=2e-4)  # 1/6 + O(1/a)
    amplitude, offset, _, error = fit_power(times, norms, 1 / 6)
    assert_allclose(amplitude, valley.norm(1.0), rtol=0.016)
    assert 0.2 < offset < 0.75 and error < 0.003
    whole = [int(np.argmin(np.abs(flow.times / 10.0**k - 1))) for k in (9, 10, 11, 12)]
    increments = np.diff(flow.norms[whole])
    if name == "tanh":
        assert_allclose(np.log10(increments[1:] / increments[:-1]), 1 / 6, atol=0.0015)


class FrozenBiases:
    """A landscape of two neurons whose input biases stay: theta = (w_1, w_2, a_1, a_2, b)."""

    free = np.array([0, 2, 4, 5, 6])

    def __init__(self, landscape, bias):
        self.landscape, self.bias = landscape, bias

    def whole(self, theta):
        theta = np.asarray(theta, float)
        full = np.full((*theta.shape[:-1], 7), self.bias)
        full[..., self.free] = theta
        return full

    def value(self, theta):
        return self.landscape.value(self.whole(theta))

    def gradient(self, theta):
        return self.landscape.gradient(self.whole(theta))[..., self.free]

    def hessian(self, theta):
        return self.landscape.hessian(self.whole(theta))[..., self.free[:, None], self.free]


def test_with_frozen_biases_the_flow_is_slower_and_has_its_own_constant():
    landscape = polynomial_landscape(ACTIVATIONS["softplus"])
    valley = frozen_valley(landscape, 0.5)
    start = np.concatenate([[0.7, -0.5], [1.0, 1.3], [0.0]])
    flow = long_flow(FrozenBiases(landscape, 0.5), start, 1e10)
    late = flow.times > 0.999e8
    assert_allclose(local_exponents(flow.times[late], flow.losses[late]), -0.5, rtol=0.005)
    assert_allclose(flow.losses[-1], valley.loss(1e10), rtol=1e-3)
    assert_allclose(flow.students[-1, 2:4], valley.outgoing(1e10), rtol=0.01)
    assert_allclose(decade_exponent(flow.times[late], flow.norms[late]), 0.25, rtol=0.01)


def test_a_start_beside_the_valley_stays_and_a_start_elsewhere_may_end_above():
    """Empirical: all starts below a loss end in the valley, some of those above it do not."""
    landscape = polynomial_landscape(ACTIVATIONS["tanh"])
    rng = np.random.default_rng(0)
    near = valleys_of("tanh")[0].network(4.0).theta + 0.03 * rng.normal(size=(8, 7))
    far = np.array([normal_start(2, 2, seed).theta for seed in (2, 3, 7, 11)]) * [10, 10, 10, 10, 1, 1, 1]
    flow = gradient_flow(landscape, np.vstack([near, far]), 1e4, dense=False, rtol=1e-4, atol=1e-6)
    assert landscape.value(near).max() < 0.05 < landscape.value(far).min()
    assert flow.loss[:8].max() < 1e-4 and flow.loss[8:].min() > 0.05


# targets, starts, hypotheses ------------------------------------------------------------------------------------------


def test_the_targets_are_the_polynomials_of_their_names():
    for target in POLYNOMIALS.values():
        symbols = sympy.symbols("x y")[: target.d]
        text = target.latex.replace("{", "").replace("}", "").replace("^", "**")
        text = "".join(
            f"*{c}" if c in "xy" and i and (text[i - 1].isdigit() or text[i - 1] in "xy") else c
            for i, c in enumerate(text)
        )
        formula = sympy.sympify(text)
        assert sympy.Poly(formula, *symbols).total_degree() == target.degree
        points = np.random.default_rng(1).uniform(-1, 1, size=(5, target.d))
        assert_allclose(target(points), [float(formula.subs(dict(zip(symbols, point)))) for point in points])


def test_the_samples_are_a_grid_with_a_column_of_ones():
    landscape = polynomial_landscape(ACTIVATIONS["tanh"], "x^4 - x")
    assert np.array_equal(landscape.X, np.column_stack([X, np.ones(40)])) and landscape.output_bias
    assert_allclose(landscape.y, X**4 - X, atol=1e-15)
    two = polynomial_landscape(ACTIVATIONS["tanh"], "degree 5 in two inputs", points=4)
    assert two.X.shape == (16, 3) and (two.X[:, 2] == 1).all() and len(np.unique(two.X[:, :2], axis=0)) == 16
    with pytest.raises(ValueError, match=r"target must be one of x\^2, x\^3, .* 'x' was given"):
        polynomial_landscape(ACTIVATIONS["tanh"], "x")
    with pytest.raises(ValueError, match="at least 3; 2 was given"):
        polynomial_landscape(ACTIVATIONS["tanh"], "x^2", points=2)


def test_the_start_is_drawn_as_the_published_table_needs():
    rng = np.random.default_rng(5)
    W, a = rng.normal(size=(3, 2)), rng.normal(size=3)
    assert normal_start(3, 2, 5) == BiasedNetwork(W, a, 0.0)


def test_every_activation_is_sad_or_not_with_a_reason():
    assert set(SAD) | set(NOT_SAD) >= set(ACTIVATIONS) - {"linear"} and not set(SAD) & set(NOT_SAD)
    for name in SAD:
        act = ACTIVATIONS[name]
        assert not act.kinks
        far = act(np.array([-1e6, -1e3, 1e3, 1e6])) / np.array([1e6, 1e3, 1e3, 1e6])
        assert np.abs(far).max() <= 1.0 + 1e-9
    for name, (letter, _) in NOT_SAD.items():
        act = {"elu": ELU, "softsign": SOFTSIGN}.get(name) or ACTIVATIONS[name]
        assert letter in "SAD" and (bool(act.kinks) == (letter == "A"))
        if letter == "S":
            assert abs(float(act(np.array(30.0)))) > 100 * 1.0


def samples(x, y=None, weights=None, output_bias=True, columns=None):
    x = np.asarray(x, float)
    inputs = np.column_stack([x, np.ones(x.size)]) if columns is None else columns
    return SampledLandscape(ACTIVATIONS["tanh"], inputs, x**2 if y is None else y, weights, output_bias)


@pytest.mark.parametrize(
    "name, given, phrase",
    (
        ("relu", samples(X), "slope jumps at 0"),
        ("elu", samples(X), "second derivative jumps at 0"),
        ("exp", samples(X), "no such zero"),
        ("tanh", Network([[1.0, 0.0]], [1.0]), "a teacher network"),
        ("tanh", samples(X, X**4), "labels that differ from x^2 by 0.24"),
        ("tanh", samples(X + 0.1), "not symmetric about 0"),
        ("tanh", samples(X, weights=1 + X + 1e-9), "not symmetric about 0"),
        ("tanh", samples([-1, -0.5, 0, 0.5, 1]), "3 different values of |x|"),
        ("tanh", samples(X, columns=X[:, None]), "inputs of dimension 1"),
        ("tanh", samples(X, columns=np.column_stack([X, 2 + 0 * X])), "without a column of ones"),
        ("tanh", samples(X, output_bias=False), "no output bias"),
    ),
)
def test_outside_the_theorem_the_error_names_the_hypothesis(name, given, phrase):
    activation = {"elu": ELU}.get(name) or ACTIVATIONS[name]
    with pytest.raises(OutsideTheorem) as failure:
        valleys_to_infinity(activation, given)
    assert phrase in failure.value.given


def test_weights_that_are_symmetric_are_inside():
    weights = 1 + X**2
    landscape = samples(X, weights=weights / weights.sum())
    valley = valleys_to_infinity(ACTIVATIONS["tanh"], landscape)[0]
    assert_allclose(float(landscape.value(valley.network(2000.0))) / (valley.constant * 2000.0**-4), 1, atol=1e-3)


def test_a_frozen_bias_without_a_valley_is_refused():
    landscape = polynomial_landscape(ACTIVATIONS["tanh"])
    with pytest.raises(ValueError, match=r"s''\(0\) = 0"):
        frozen_valley(landscape, 0.0)
    with pytest.raises(ValueError, match=r"s''''\(1.14622\) = 0"):
        frozen_valley(landscape, np.arctanh(np.sqrt(2 / 3)))
    with pytest.raises(OutsideTheorem, match="no output bias"):
        frozen_valley(samples(X, output_bias=False), 0.5)
    with pytest.raises(ValueError, match="a number > 0; a = -1 was given"):
        valleys_of("tanh")[0].network(-1)


def test_a_student_elsewhere_is_in_no_valley():
    valleys = valleys_of("sigmoid")
    inside = valleys[0].network(30.0)
    assert nearest_valley(valleys, inside) is valleys[0]
    for change in (
        BiasedNetwork(inside.W * [1, 1.3], inside.a, inside.b),
        BiasedNetwork(inside.W, inside.a * [1, 1.2], inside.b),
        BiasedNetwork(inside.W * [[1, 1], [2, 1]], inside.a, inside.b),
        BiasedNetwork(inside.W, -inside.a, inside.b),
        BiasedNetwork(np.abs(inside.W) * [1, -1], inside.a, inside.b),
        normal_start(3, 2, 0),
    ):
        assert nearest_valley(valleys, change) is None


def test_a_valley_shows_its_laws():
    assert repr(Valley(polynomial_landscape(ACTIVATIONS["tanh"]), (1.25, 1.25), 2)) == (
        "Valley(biases 1.25, 1.25; loss ~ t^-0.5, norm ~ t^0.25)"
    )
