"""A pair of neurons in channel coordinates: against two ordinary neurons, 40-digit arithmetic, differences and complex steps."""

import tracemalloc

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import SIGMA
from scipy.special import erf

from landscape_nb.activations import ACTIVATIONS, Activation
from landscape_nb.critical import CriticalPoint, newton, refine
from landscape_nb.flows import gradient_flow
from landscape_nb.landscapes import BiasedNetwork, ChannelLandscape, PopulationLandscape, SampledLandscape, sampled
from landscape_nb.landscapes import channel as module
from landscape_nb.networks import Network, orthonormal_teacher

ERF = ACTIVATIONS["erf"]
ETAS = (0.0, 1e-7, 1e-3, 0.2, -1.7)
EXACT = {
    "erf": lambda z: mpmath.erf(z / mpmath.sqrt(2)),
    "tanh": mpmath.tanh,
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "gelu": lambda z: z * mpmath.ncdf(z),
    "sin": mpmath.sin,
}


def samples(name="erf", bias=False, d=3, count=11, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(count, d - 1)), np.ones(count)])
    return SampledLandscape(
        ACTIVATIONS[name], X, rng.normal(size=count), rng.uniform(0.1, 1.0, count), output_bias=bias
    )


def some(landscape, batch=(), seed=1):
    return np.random.default_rng(seed).normal(size=(*batch, landscape.p))


def close(actual, desired, tolerance):
    assert_allclose(actual, desired, rtol=0, atol=tolerance * max(1.0, float(np.abs(desired).max())))


def written_out(landscape, theta, tau=None):
    """L of one student from the definition, one sample at a time; eta^2 = tau may be complex, at 0 it is the gated linear unit."""
    s, d, n = landscape.samples, landscape.d, landscape.n
    sigma = SIGMA[landscape.activation.name]
    rest, out = theta[: (n - 2) * d].reshape(n - 2, d), theta[(n - 2) * d : (n - 2) * (d + 1)]
    w, v, c = np.split(theta[(n - 2) * (d + 1) : (n - 2) * (d + 1) + 2 * d + 1], [d, 2 * d])
    eta = landscape.inverse_gap if tau is None else np.sqrt(tau)
    total = 0.0
    for x, y, m in zip(s.X, s.y, s.weights):
        f = sum(a * sigma(np.array([u @ x]), 0)[0] for u, a in zip(rest, out))
        z, q = np.array([w @ x]), np.array([v @ x])
        if eta == 0:
            f += (c * sigma(z, 0) + q * sigma(z, 1))[0]
        else:
            upper, lower = sigma(z + eta * q, 0), sigma(z - eta * q, 0)
            f += ((c + 1 / eta) / 2 * upper + (c - 1 / eta) / 2 * lower)[0]
        total += m * (f - y + (theta[-1] if s.output_bias else 0.0)) ** 2
    return total


# --- the same function ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, bias, n", (("erf", False, 2), ("softplus", True, 4), ("tanh", True, 2), ("silu", False, 3))
)
@pytest.mark.parametrize("eta", (0.2, -1.7))
def test_the_loss_is_that_of_the_ordinary_network(name, bias, n, eta):
    landscape = ChannelLandscape(samples(name, bias), n, eta)
    theta = some(landscape)
    network = landscape.network(theta)
    assert isinstance(network, BiasedNetwork) is bias and network.n == n
    assert network.a[-2] - network.a[-1] == pytest.approx(1 / eta, rel=1e-14)
    close(landscape.value(theta), landscape.samples.value(network), 1e-13)
    close(landscape.value(network), landscape.value(theta), 1e-13)
    close(landscape.value(theta), written_out(landscape, theta), 1e-13)
    again, back = ChannelLandscape.from_network(landscape.samples, network, n - 2, n - 1)
    close(back, theta, 1e-13)
    assert again.inverse_gap == pytest.approx(eta, rel=1e-13)


def test_any_two_neurons_can_be_the_pair_and_the_others_keep_their_order():
    landscape = samples("erf")
    network = Network(some(ChannelLandscape(landscape, 4, 1.0))[:12].reshape(4, 3), [1.0, -2.0, 0.5, 3.0])
    channel, theta = ChannelLandscape.from_network(landscape, network, 3, 1)
    assert channel.inverse_gap == 1 / 5.0
    student = channel.student(theta)
    assert_array_equal(student.rest.theta, Network(network.W[[0, 2]], network.a[[0, 2]]).theta)
    assert_allclose(student.w + channel.inverse_gap * student.v, network.W[3], atol=1e-15)
    assert_allclose(student.w - channel.inverse_gap * student.v, network.W[1], atol=1e-15)
    assert student.c == 1.0 and student.b is None
    assert student.eps == pytest.approx(np.linalg.norm(network.W[3] - network.W[1]) / 2, rel=1e-14)
    close(channel.value(theta), landscape.value(network), 1e-14)


@pytest.mark.parametrize("name", ("erf", "softplus", "exp"))
def test_at_eta_zero_the_pair_is_the_gated_linear_unit_and_eta_tends_to_it_with_its_square(name):
    limit = ChannelLandscape(samples(name, d=2), 2, 0.0)
    theta = 0.5 * some(limit, (3,))
    assert_allclose(limit.value(theta), [written_out(limit, row) for row in theta], rtol=1e-13)
    differences = [limit.at(eta).value(theta) - limit.value(theta) for eta in (1e-1, 1e-2)]
    assert_allclose(differences[0] / differences[1], 100.0, rtol=0.05)
    assert_allclose(limit.at(0.3).value(theta), limit.at(-0.3).value(theta), rtol=1e-15 * 4)


# --- digits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXACT)
def test_divided_differences_keep_their_digits_for_every_step(name):
    act, f = ACTIVATIONS[name], EXACT[name]
    with mpmath.workdps(80):
        for z in (0.0, -1.1, 2.7):
            series = [mpmath.mpf(t) * mpmath.factorial(k) for k, t in enumerate(mpmath.taylor(f, z, 13))]
            for p in (1e-14, 9e-10, 1.1e-9, 1.1e-5, 6e-3, 0.05, 0.11, 0.5, 0.51, 3.0):
                even, mean, bends = module._parts_of_pair(act, np.array([z]), np.array([p]), 3)
                P = mpmath.mpf(p)
                if p < 0.01:

                    def odd(k, start=0, P=P, series=series):
                        return [P ** (2 * j) / mpmath.factorial(2 * j + 1) * series[k + 2 * j] for j in range(start, 5)]

                    A = [sum(odd(k)) for k in (1, 2, 3)]
                    B = [sum(j * term / P**2 for j, term in enumerate(odd(k, 1), 1)) for k in (1, 2)]
                    C = sum(j * (j - 1) * term / P**4 for j, term in enumerate(odd(1, 2), 2))
                    E = [
                        sum(P ** (2 * j) / mpmath.factorial(2 * j) * series[k + 2 * j] for j in range(5))
                        for k in range(3)
                    ]
                else:
                    ends = [(mpmath.diff(f, z + P, k), mpmath.diff(f, z - P, k)) for k in range(3)]
                    E, A = [(u + v) / 2 for u, v in ends], [(u - v) / (2 * P) for u, v in ends]
                    B = [(E[k] - A[k - 1]) / (2 * P**2) for k in (1, 2)]
                    C = (A[2] / 2 - 3 * B[0]) / (2 * P**2)
                for actual, desired, tolerance in (
                    *zip(even, E, [2e-15] * 3),
                    *zip(mean, A, [4e-15] * 3),
                    *zip(bends, [*B, C], [1e-14, 1e-14, 1e-13]),
                ):
                    assert abs(float(actual[0]) - float(desired)) <= tolerance * max(1.0, abs(float(desired))), (z, p)


@pytest.mark.parametrize("name", ("erf", "tanh", "softplus"))
def test_differences_of_close_values_keep_their_digits(name):
    act, f = ACTIVATIONS[name], EXACT[name]
    with mpmath.workdps(80):
        for p in (1e-14, 1e-6, 0.02, 0.4, 0.7):
            z, P = 0.8, mpmath.mpf(p)
            even, mean = module._remainders(act, np.array([z]), np.array([p]))
            first = mpmath.diff(f, z, 1)
            assert float(even[0]) == pytest.approx(float((f(z + P) + f(z - P)) / 2 - f(z)), rel=3e-14)
            assert float(mean[0]) == pytest.approx(float((f(z + P) - f(z - P)) / (2 * P) - first), rel=3e-14)
            step = module._difference(act, 0, np.array([z]), np.array([p]))
            assert float(step[0]) == pytest.approx(float(f(z + P) - f(z)), rel=1e-14)


@pytest.mark.parametrize("bias, n", ((False, 2), (True, 4)))
def test_the_excess_over_the_limit_keeps_digits_that_the_losses_have_lost(bias, n):
    landscape = samples("softplus", bias, d=2, count=5)
    limit = ChannelLandscape(landscape, n, 0.0)
    start = some(limit)
    moves = some(limit, (2,), seed=3)
    for eta, size in ((0.3, 0.5), (1e-3, 1e-5), (1e-9, 1e-13)):
        theta = start + size * moves
        close(
            limit.at(eta).excess(theta, start),
            limit.at(eta).value(theta) - limit.value(start),
            1e-14,
        )
    # at a distance where the losses agree in all digits: the derivative along the straight line, exactly
    tiny = 1e-14 * np.sign(start) * np.abs(start).max()
    actual = limit.at(1e-10).excess(start + tiny, start)
    assert actual == pytest.approx(
        limit.gradient(start) @ ((start + tiny) - start) + 1e-20 * limit.slope(start), rel=1e-10
    )


# --- derivatives ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, bias, n", (("erf", False, 2), ("softplus", True, 4), ("tanh", False, 3)))
@pytest.mark.parametrize("eta", ETAS)
def test_gradient_and_hessian_are_those_of_differences(name, bias, n, eta):
    landscape = ChannelLandscape(samples(name, bias), n, eta)
    theta = some(landscape)
    value, gradient = landscape.value_and_gradient(theta)
    hessian = landscape.hessian(theta)
    assert value == landscape.value(theta) and np.array_equal(gradient, landscape.gradient(theta))
    assert_array_equal(hessian, hessian.T)
    step = 1e-4 * np.eye(landscape.p)

    def slopes(function):
        """Differences of sixth order."""
        weights = {1: 45 / 60, 2: -9 / 60, 3: 1 / 60}
        return sum(w * (function(theta + k * step) - function(theta - k * step)) for k, w in weights.items()) / 1e-4

    close(gradient, slopes(landscape.value), 3e-11)
    close(hessian, slopes(landscape.gradient), 3e-11)
    slope, mixed, _ = landscape.slope_derivatives(theta)
    assert slope == landscape.slope(theta)
    close(mixed, slopes(landscape.slope), 3e-10)


@pytest.mark.parametrize("name, bias, n", (("erf", False, 2), ("softplus", True, 3)))
@pytest.mark.parametrize("tau", (0.04, 1.3))
def test_slopes_in_eta_squared_are_those_of_differences(name, bias, n, tau):
    landscape = ChannelLandscape(samples(name, bias), n, np.sqrt(tau))
    theta = some(landscape, (3,))
    slope, _, bend = landscape.slope_derivatives(theta)
    step = 1e-3 * tau
    weights = {1: 45 / 60, 2: -9 / 60, 3: 1 / 60}
    for exact, function in ((slope, "value"), (bend, "slope")):
        differences = sum(
            w * (getattr(landscape.at(np.sqrt(tau + sign * k * step)), function)(theta)) * sign
            for k, w in weights.items()
            for sign in (1, -1)
        )
        close(exact, differences / step, 1e-9)


def test_at_the_limit_the_slope_is_the_mean_of_f2_times_the_derivative_of_the_loss():
    landscape = samples("tanh", d=2)
    limit = ChannelLandscape(landscape, 2, 0.0)
    theta = some(limit)
    (w, v), c = theta[:4].reshape(2, 2), theta[4]
    z, q = landscape.X @ w, landscape.X @ v
    sigma = SIGMA["tanh"]
    f2 = c / 2 * q**2 * sigma(z, 2) + q**3 / 6 * sigma(z, 3)
    residual = c * sigma(z, 0) + q * sigma(z, 1) - landscape.y
    assert limit.slope(theta) == pytest.approx(np.sum(landscape.weights * 2 * residual * f2), rel=1e-12)
    # and the second slope is continuous there
    _, mixed, bend = limit.slope_derivatives(theta)
    _, nearby, bent = limit.at(1e-4).slope_derivatives(theta)
    assert bent == pytest.approx(bend, rel=1e-6)
    close(nearby, mixed, 1e-6)


# --- batches, memory, students ----------------------------------------------------------------------------------------


def test_batches_and_parts_change_nothing_beyond_rounding(monkeypatch):
    landscape = ChannelLandscape(samples("softplus", True), 4, 0.05)
    theta = some(landscape, (2, 5))
    whole = [landscape.value(theta), landscape.gradient(theta), landscape.hessian(theta), landscape.slope(theta)]
    whole.append(landscape.excess(theta, theta[0, 0]))
    assert [part.shape for part in whole] == [(2, 5), (2, 5, 16), (2, 5, 16, 16), (2, 5), (2, 5)]
    for name, part in zip(("value", "gradient", "hessian", "slope"), whole):
        close(part[1, 3], getattr(landscape, name)(theta[1, 3]), 1e-13)
    monkeypatch.setattr(sampled, "_ENTRIES", 150)
    again = [landscape.value(theta), landscape.gradient(theta), landscape.hessian(theta), landscape.slope(theta)]
    again.append(landscape.excess(theta, theta[0, 0]))
    for part, other in zip(whole, again):
        close(other, part, 1e-12)


def test_a_large_batch_is_worked_through_in_bounded_memory():
    landscape = ChannelLandscape(samples("erf", d=2, count=400), 2, 1e-3)
    theta = some(landscape, (400,))
    landscape.gradient(theta[:2])
    tracemalloc.start()
    try:
        landscape.gradient(theta)
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()


def test_a_row_that_is_not_finite_is_nan_and_the_others_are_not():
    for eta in (0.0, 0.1):
        landscape = ChannelLandscape(samples(), 2, eta)
        theta = some(landscape, (3,))
        theta[1, 0] = np.inf
        for result in (landscape.value(theta), landscape.gradient(theta), landscape.hessian(theta)):
            assert np.isnan(result[1]).all() and np.isfinite(result[[0, 2]]).all()
        with pytest.raises(ValueError, match="theta must hold finite numbers; it holds inf"):
            landscape.value(theta[1])


def test_newton_refinement_critical_points_and_flows_work_on_it():
    x = np.linspace(-3, 3, 61)
    landscape = SampledLandscape(ERF, x[:, None], erf(5 * x + 2.5) + erf(5 * x - 2.5), np.exp(-(x**2) / 2) / 25)
    limit = ChannelLandscape(landscape, 2, 0.0)
    point = refine(limit, np.array([3.0, -6.0, 2.0]), "limit")
    assert isinstance(point, CriticalPoint) and point.kind == "minimum" and point.residual < 1e-13
    assert point.describe().startswith("limit: minimum (numerical)")
    assert_array_equal(point.student.theta, limit.network(point.student).theta)  # at infinity there is no Network
    flow = gradient_flow(limit, np.array([3.0, -6.0, 2.0]), 1e6)
    assert flow.reason == "converged" and flow.index == 0
    assert_allclose(flow.theta, point.student.theta, atol=1e-6)
    near = limit.at(0.01)
    theta, residual, _ = newton(near, point.student.theta)
    assert residual < 1e-13 and isinstance(near.network(theta), Network)
    assert refine(near, theta).kind == "minimum"


def test_symmetries_of_the_other_neurons_and_inputs_nobody_sees_are_named():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=9), np.zeros(9)])
    limit = ChannelLandscape(SampledLandscape(ERF, X, rng.normal(size=9), output_bias=True), 4, 0.0)
    theta = some(limit)
    theta[4] = 0.0  # one of the other neurons is silent
    directions = limit.symmetry_directions(theta)
    assert set(directions) == {"unseen input", "silenced neuron"}
    assert len(directions["unseen input"]) == 4
    for rows in directions.values():
        assert_allclose(limit.value(theta + rows), limit.value(theta), rtol=1e-13)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_in_a_sentence():
    landscape = samples()
    with pytest.raises(ValueError, match=r"a PopulationLandscape has none; for one input take .* gaussian_line\(\)"):
        ChannelLandscape(PopulationLandscape(ERF, orthonormal_teacher(2, 3)), 2, 0.0)
    with pytest.raises(ValueError, match="landscape must be a SampledLandscape; 3 was given"):
        ChannelLandscape(3, 2, 0.0)
    with pytest.raises(ValueError, match="given: relu, which has a kink at 0; choose a smooth one"):
        ChannelLandscape(samples("relu"), 2, 0.0)
    for n in (1, 2.5, True):
        with pytest.raises(ValueError, match=f"at least 2, the pair included; n = {n}"):
            ChannelLandscape(landscape, n, 0.0)
    for eta in (np.nan, np.inf, "0", True):
        with pytest.raises(ValueError, match="inverse_gap must be one finite number"):
            ChannelLandscape(landscape, 2, eta)
    limit = ChannelLandscape(landscape, 2, 0.0)
    with pytest.raises(ValueError, match=r"has 7 entries on its last axis; its shape is \(8,\)"):
        limit.value(np.zeros(8))
    with pytest.raises(ValueError, match="1/\\(a_i - a_j\\) = 0; a_i - a_j = 2 was given"):
        limit.value(Network(np.ones((2, 3)), [1.0, -1.0]))
    with pytest.raises(ValueError, match="n = 2 neurons; the network has 3"):
        limit.value(Network(np.ones((3, 3)), [1.0, -1.0, 1.0]))
    with pytest.raises(ValueError, match=r"the student has inverse_gap = 0\.1, the landscape 0"):
        limit.value(limit.at(0.1).student(np.zeros(7)))
    with pytest.raises(ValueError, match=r"student\(\) takes one student"):
        limit.student(np.zeros((2, 7)))
    with pytest.raises(ValueError, match="limit is one student"):
        limit.excess(np.zeros(7), np.zeros((2, 7)))
    pair = Network(np.ones((2, 3)), [1.0, 1.0])
    with pytest.raises(ValueError, match="neurons 0 and 1 have the same outgoing weight a = 1"):
        ChannelLandscape.from_network(landscape, pair, 0, 1)
    with pytest.raises(ValueError, match="two different neurons; neuron 1 was given twice"):
        ChannelLandscape.from_network(landscape, pair, 1, 1)
    with pytest.raises(ValueError, match="between 0 and 1; 2 was given"):
        ChannelLandscape.from_network(landscape, pair, 0, 2)


class Rough(Activation):
    """sin with two derivatives only."""

    def derivative(self, z, order=1):
        if order > 2:
            raise ValueError("no more derivatives")
        return ACTIVATIONS["sin"].derivative(z, order)


class Wild(Activation):
    """sin with a third derivative that is not finite."""

    def derivative(self, z, order=1):
        return ACTIVATIONS["sin"].derivative(z, order) + (np.inf if order == 3 else 0.0)


def test_an_activation_without_a_third_derivative_is_refused():
    for kind, reason in (
        (Rough, "whose third derivative is not known"),
        (Wild, "whose third derivative is not finite"),
    ):
        with pytest.raises(ValueError, match=f"given: own, {reason}"):
            ChannelLandscape(SampledLandscape(kind("own", "s"), np.ones((2, 1)), [0.0, 1.0]), 2, 0.0)
