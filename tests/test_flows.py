"""Gradient flow against SciPy's integrators, closed-form flows, conservation laws, and itself in other company."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import solve_ivp

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.collocation import COLLOCATION
from landscape_nb.flows import Flow, Interrupted, gradient_flow
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, orthonormal_teacher, permute
from landscape_nb.rosenbrock import RODAS4, RODAS5P

ROSENBROCK = pytest.mark.parametrize("method", [RODAS4, RODAS5P], ids=lambda method: method.name)
METHODS = pytest.mark.parametrize("method", [RODAS4, RODAS5P, COLLOCATION], ids=lambda method: method.name)


class Function:
    """A loss of a few parameters from three formulas on theta (..., p)."""

    def __init__(self, value, gradient, hessian):
        self.value, self.gradient, self.hessian = value, gradient, hessian


class Quadratic(Function):
    """L = 1/2 (theta - m).H (theta - m), whose flow is m + exp(-H t) (theta(0) - m)."""

    def __init__(self, rates, seed=0):
        rng = np.random.default_rng(seed)
        self.rates = np.asarray(rates, dtype=float)
        self.Q = np.linalg.qr(rng.normal(size=(len(rates), len(rates))))[0]
        self.H = self.Q * self.rates @ self.Q.T
        self.m = rng.normal(size=len(rates))
        super().__init__(
            lambda x: 0.5 * np.sum((x - self.m) * ((x - self.m) @ self.H), axis=-1),
            lambda x: (x - self.m) @ self.H,
            lambda x: np.broadcast_to(self.H, (*x.shape, x.shape[-1])).copy(),
        )

    def exact(self, start, t):
        local = (start - self.m) @ self.Q
        return self.m + (np.exp(-np.multiply.outer(t, self.rates)) * local) @ self.Q.T


def diagonal(*second):
    """Hessians with these second derivatives, arrays (...), on the diagonal."""
    return np.stack(second, axis=-1)[..., None] * np.eye(len(second))


#: L = x^4/4: x(t) = x(0) / sqrt(1 + 2 x(0)^2 t), a degenerate minimum that is approached as t^(-1/2)
QUARTIC = Function(lambda x: x[..., 0] ** 4 / 4, lambda x: x**3, lambda x: 3 * x[..., None] ** 2)
#: L = (1 - tanh x)/2 never ends: x grows like log(t)/2
SLOPE = Function(
    lambda x: 0.5 * (1 - np.tanh(x[..., 0])),
    lambda x: -0.5 / np.cosh(x) ** 2,
    lambda x: (np.tanh(x) / np.cosh(x) ** 2)[..., None],
)
#: L = x^2/2 - y^2/2 + y^4/4: minima at y = +-1, a saddle between them; y(t) is known in closed form
TWO_VALLEYS = Function(
    lambda x: 0.5 * x[..., 0] ** 2 - 0.5 * x[..., 1] ** 2 + 0.25 * x[..., 1] ** 4,
    lambda x: np.stack([x[..., 0], x[..., 1] ** 3 - x[..., 1]], axis=-1),
    lambda x: diagonal(np.ones_like(x[..., 0]), 3 * x[..., 1] ** 2 - 1),
)


def valley_height(y, t):
    """y' = y - y^3 from y."""
    return y * np.exp(t) / np.sqrt(1 + y**2 * np.expm1(2 * t))


@cache
def population(name, k, d):
    return PopulationLandscape(ACTIVATIONS[name], orthonormal_teacher(k, d))


def glorot(n, d, seeds):
    rows = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        W = rng.normal(size=(n, d)) * np.sqrt(2 / (d + n))
        rows.append(Network(W, rng.normal(size=n) * np.sqrt(2 / (n + 1))).theta)
    return np.array(rows)


def scipy_flow(landscape, start, times, method="LSODA", rtol=1e-11, atol=1e-13):
    solution = solve_ivp(
        lambda t, x: -landscape.gradient(x),
        (0.0, times[-1]),
        start,
        method=method,
        t_eval=times,
        rtol=rtol,
        atol=atol,
        jac=lambda t, x: -landscape.hessian(x),
    )
    assert solution.success
    return solution.y.T


# the method -----------------------------------------------------------------------------------------------------------


def standard_form(method):
    """alpha, gamma, b, b^ of k_i = f(y + sum alpha_ij k_j) h + h J sum gamma_ij k_j (Hairer and Wanner, IV.7)."""
    gamma = np.linalg.inv(np.eye(method.stages) / method.gamma - method.C)
    embedded = method.A[-1]
    return method.A @ gamma, gamma, (embedded + np.eye(method.stages)[-1]) @ gamma, embedded @ gamma


@ROSENBROCK
def test_the_coefficients_satisfy_the_order_conditions(method):
    alpha, gamma, b, embedded = standard_form(method)
    beta = alpha + gamma
    one = np.ones(method.stages)
    a, c = alpha @ one, beta @ one
    conditions = {  # Hairer and Wanner, table IV.7.1, with a autonomous right-hand side
        1: [(one, 1.0)],
        2: [(c, 1 / 2)],
        3: [(a**2, 1 / 3), (beta @ c, 1 / 6)],
        4: [(a**3, 1 / 4), (a * (alpha @ c), 1 / 8), (beta @ a**2, 1 / 12), (beta @ beta @ c, 1 / 24)],
    }
    for order, terms in conditions.items():
        for vector, value in terms:
            assert abs(b @ vector - value) < 1e-12, order
            if order < method.order:
                assert abs(embedded @ vector - value) < 1e-12, order
    fifth = [(a**4, 1 / 5), (a**2 * (alpha @ c), 1 / 10), ((alpha @ c) ** 2, 1 / 20), (a * (alpha @ a**2), 1 / 15)]
    fifth += [(a * (alpha @ beta @ c), 1 / 30), (beta @ a**3, 1 / 20), (beta @ (a * (alpha @ c)), 1 / 40)]
    fifth += [(beta @ beta @ a**2, 1 / 60), (beta @ beta @ beta @ c, 1 / 120)]
    assert (max(abs(b @ vector - value) for vector, value in fifth) < 1e-12) == (method.order == 5)


@ROSENBROCK
def test_the_method_is_stable_at_infinity_and_follows_growth_within_its_reach(method):
    assert abs(method.growth(-1e14)) < 1e-10  # L-stable
    assert np.abs(method.growth(-np.geomspace(1e-3, 1e12, 500))).max() < 1.0
    for tolerance in (1e-8, 1e-4):
        reach = method.unstable_reach(tolerance)
        z = np.linspace(0.01, reach, 100)
        assert np.abs(method.growth(z) * np.exp(-z) - 1).max() <= tolerance
        assert abs(method.growth(reach + 0.05) * np.exp(-reach - 0.05) - 1) > 0.5 * tolerance


@METHODS
def test_the_error_falls_with_the_order_of_the_method(method):
    landscape = population("erf", 3, 3)
    start = glorot(2, 3, [1])[0]
    exact = scipy_flow(landscape, start, np.array([0.0, 2.0]))[-1]
    errors, counts = [], []
    for rtol in 10.0 ** -np.arange(5, 10):
        flow = gradient_flow(landscape, start, 2.0, rtol=rtol, atol=rtol, method=method)
        errors.append(np.abs(flow.theta - exact).max())
        counts.append(flow.steps)
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert method.order - 0.7 < order
    assert order < method.order + 1.2 or method is COLLOCATION  # whose nodes are better than the path between them


@METHODS
def test_one_step_of_the_dense_output_is_as_good_as_the_step(method):
    start = np.array([0.3, 0.4])
    worst = []
    for rtol in (1e-5, 1e-8):
        flow = gradient_flow(TWO_VALLEYS, start, 3.0, rtol=rtol, atol=rtol, method=method)
        t = np.linspace(0, 3, 301)
        worst.append(np.abs(flow.at(t)[:, 1] - valley_height(0.4, t)).max())
        assert np.abs(flow.at(t)[:, 0] - 0.3 * np.exp(-t)).max() < 30 * rtol
    assert worst[0] < 3e-4 and worst[1] < 3e-7


# flows that are known -------------------------------------------------------------------------------------------------


def test_a_stiff_quadratic_follows_the_matrix_exponential_over_nine_decades():
    landscape = Quadratic([1e-4, 1e-2, 1.0, 30.0, 1e4])
    start = np.random.default_rng(3).normal(size=5)
    flow = gradient_flow(landscape, start, 1e7, rtol=1e-9, atol=1e-11)
    t = np.concatenate([[0.0], np.geomspace(1e-6, 1e7, 200)])
    assert_allclose(flow.at(t), landscape.exact(start, t), rtol=0, atol=2e-7)
    assert flow.reason == "converged" and flow.index == 0 and isinstance(flow.end, np.ndarray)
    assert_allclose(flow.end, landscape.m, rtol=0, atol=1e-11)
    moment = landscape.exact(start, np.array(flow.time))
    assert 1e-14 < np.abs(landscape.gradient(moment)).max() <= 1.001e-10  # it fell below the tolerance in the last step
    assert flow.steps < 2500


def test_a_degenerate_minimum_is_approached_as_slowly_as_it_should():
    flow = gradient_flow(QUARTIC, np.array([1.5]), 1e9, rtol=1e-8, atol=1e-12)
    t = np.geomspace(1e-2, flow.time, 50)
    assert_allclose(flow.at(t)[:, 0], 1.5 / np.sqrt(1 + 4.5 * t), rtol=2e-5)
    assert flow.reason == "converged"
    stopped = gradient_flow(QUARTIC, np.array([1.5]), 1e4, rtol=1e-8, atol=1e-12)
    assert stopped.reason == "time" and stopped.time == 1e4
    assert_allclose(stopped.theta, 1.5 / np.sqrt(1 + 4.5e4), rtol=1e-5)


@METHODS
@pytest.mark.parametrize("stiff", [0.0, 1e4])
def test_a_small_gradient_on_the_way_to_infinity_is_no_convergence(method, stiff):
    # L = x^-2/2 on x > 0: x^4 = x(0)^4 + 4 t, so |grad L| = x^-3 falls below any tolerance and x grows for ever; beside a stiff
    # direction the slow one looks like a zero mode
    sizes = np.array([0.0, stiff])

    def hessian(x):
        return np.stack([3.0 * x[..., 0] ** -4.0, 0.0 * x[..., 1] + stiff], axis=-1)[..., None] * np.eye(2)

    power = Function(
        lambda x: 0.5 * x[..., 0] ** -2.0 + 0.5 * stiff * x[..., 1] ** 2,
        lambda x: sizes * x - np.stack([x[..., 0] ** -3.0, 0.0 * x[..., 1]], axis=-1),
        hessian,
    )
    flow = gradient_flow(power, np.array([1.0, 1e-3]), 1e12, tolerance=1e-6, method=method, max_steps=3000)
    assert flow.reason == "time" and flow.residual < 1e-8
    assert_allclose(flow.theta[0], (1.0 + 4e12) ** 0.25, rtol=1e-5)


def test_a_slope_without_end_is_followed_until_the_time_is_over_or_the_limit_is_passed():
    flow = gradient_flow(SLOPE, np.array([0.0]), 1e8, rtol=1e-8)
    # 2 cosh(x)^2 x' = 1
    x = flow.theta[0]
    assert_allclose(x + np.sinh(2 * x) / 2, 1e8, rtol=1e-5)
    assert flow.reason == "time" and "t_max" in flow.sentence
    diverging = gradient_flow(SLOPE, np.array([0.0]), 1e8, limit=5.0)
    assert diverging.reason == "diverging" and diverging.theta[0] > 5 and "falls" in diverging.sentence
    assert diverging.time < 1e8


@pytest.mark.parametrize(
    "name, n, k, seed", [("erf", 4, 6, 0), ("erf", 3, 3, 1), ("relu", 3, 4, 2), ("tanh", 2, 3, 3), ("exp", 2, 2, 4)]
)
@pytest.mark.parametrize("method", ["LSODA", "BDF"])
def test_the_path_is_that_of_scipy_at_tight_tolerance(name, n, k, seed, method):
    landscape = population(name, k, k)
    start = glorot(n, k, [seed])[0]
    times = np.concatenate([[0.0], np.geomspace(1e-2, 300.0, 25)])
    flow = gradient_flow(landscape, start, 300.0, rtol=1e-9, atol=1e-11, times=times)
    theirs = scipy_flow(landscape, start, times, method, 1e-10, 1e-12)
    assert_array_equal(flow.times, times)
    assert_allclose(flow.students, theirs, rtol=0, atol=2e-6)
    assert_allclose(flow.losses, landscape.value(theirs), rtol=1e-6, atol=1e-9)


def test_at_the_end_of_a_very_long_flow_the_gradient_is_zero_to_rounding():
    landscape = population("erf", 6, 6)
    flow = gradient_flow(landscape, glorot(4, 6, range(6)), 1e7)
    assert (flow.reason == "converged").all() and (flow.index == 0).all()
    assert flow.residual.max() < 1e-13
    assert_array_equal(flow.residual, np.abs(landscape.gradient(flow.theta)).max(axis=-1))
    late = flow.at(np.geomspace(1e6, 1e7, 5))
    assert_allclose(late, np.repeat(flow.theta[:, None], 5, axis=1), rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", [RODAS5P, COLLOCATION], ids=lambda method: method.name)
def test_the_time_of_arrival_is_when_the_gradient_falls_below_the_tolerance_however_long_the_steps_are(method):
    landscape, start = population("erf", 5, 6), glorot(4, 6, [0])[0]
    flow = gradient_flow(landscape, start, 1e6, rtol=1e-7, atol=1e-9, method=method)
    assert flow.reason == "converged" and flow.residual < 1e-13
    assert flow.times[-1] == flow.time and (np.diff(flow.times) >= 0).all()
    tight = gradient_flow(landscape, start, 1e6, rtol=1e-10, atol=1e-12)
    assert_allclose(np.abs(landscape.gradient(tight.at(flow.time))).max(), 1e-10, rtol=5e-2)


def test_a_channel_to_infinity_is_followed_as_an_independent_integration_found_it():
    # k = 10, n = 9, seed 3: LSODA at rtol 1e-9 to t = 0.5e6 and 1.5e6 in units of this flow
    landscape = population("erf", 10, 11)
    flow = gradient_flow(landscape, glorot(9, 11, [3])[0], 1.5e6, rtol=1e-8, atol=1e-10, times=[0.5e6, 1.5e6])
    assert_allclose(np.sort(flow.students[:, -9:])[:, :2], [[-3.36, -2.07], [-4.21, -2.92]], atol=5e-3)
    assert_allclose(flow.losses, [0.0391996, 0.0391980], atol=5e-8)
    assert_allclose(flow.residual, 5.9e-7, rtol=1e-2)
    assert flow.reason == "time"


def test_relu_conserves_the_balance_of_every_neuron():
    landscape = population("relu", 4, 4)
    flow = gradient_flow(landscape, glorot(3, 4, range(1, 5)), 1e5, rtol=1e-9, atol=1e-11)
    t = np.concatenate([[0.0], np.geomspace(1e-3, 1e5, 80)])
    students = flow.at(t)
    balance = np.sum(students[..., :12].reshape(4, -1, 3, 4) ** 2, axis=-1) - students[..., 12:] ** 2
    assert np.abs(balance - balance[:, :1]).max() < 1e-6
    assert (flow.reason == "converged").all()  # rescaling makes zero modes, Newton's iteration knows them
    assert flow.residual.max() < 1e-12


def test_the_loss_falls_along_every_recorded_path():
    for name in ("erf", "relu", "gelu"):
        landscape = population(name, 4, 4)
        flow = gradient_flow(landscape, glorot(3, 4, range(6)), 1e6)
        assert flow.losses.shape == flow.times.shape == flow.students.shape[:-1]
        assert np.diff(flow.losses, axis=-1).max() <= 1e-13 * landscape.constant
        assert (np.diff(flow.times, axis=-1) >= 0).all()
        assert_allclose(flow.losses, landscape.value(flow.students), rtol=0, atol=1e-12)


# saddles --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_only", [False, True])
@pytest.mark.parametrize("height", [1e-4, 1e-8, 1e-12, -1e-15])
@pytest.mark.parametrize("softness", [1.0, 1e-3])
def test_a_saddle_that_the_flow_passes_does_not_attract_it(height, endpoint_only, softness):
    # the softer the way out, the longer a step that Newton's iteration would send into the saddle looks accurate
    landscape = Function(
        lambda x: 0.5 * x[..., 0] ** 2 + softness * (0.25 * x[..., 1] ** 4 - 0.5 * x[..., 1] ** 2),
        lambda x: np.stack([x[..., 0], softness * (x[..., 1] ** 3 - x[..., 1])], axis=-1),
        lambda x: diagonal(np.ones_like(x[..., 0]), softness * (3 * x[..., 1] ** 2 - 1)),
    )
    flow = gradient_flow(landscape, np.array([1.0, height]), 1e6, endpoint_only=endpoint_only, tolerance=1e-19)
    assert_allclose(flow.theta, [0.0, np.sign(height)], rtol=0, atol=1e-9)
    if not endpoint_only:  # it leaves the saddle when it should
        t = np.linspace(0.0, 50.0, 500)
        assert_allclose(flow.at(t / softness)[:, 1], valley_height(height, t), rtol=0, atol=2e-3)


@pytest.mark.parametrize("endpoint_only", [False, True])
def test_every_valley_of_a_washboard_keeps_its_students(endpoint_only):
    # L = 1 - cos x + 0.1 x: minima at -asin 0.1 + 2 pi m, maxima at pi + asin 0.1 + 2 pi m
    landscape = Function(
        lambda x: 1 - np.cos(x[..., 0]) + 0.1 * x[..., 0], lambda x: np.sin(x) + 0.1, lambda x: np.cos(x)[..., None]
    )
    offsets = np.linspace(-np.pi + np.arcsin(0.1) + 1e-3, np.pi + np.arcsin(0.1) - 1e-3, 301)
    starts = (offsets + 2 * np.pi * np.arange(-2, 3)[:, None])[..., None]
    flow = gradient_flow(landscape, starts, endpoint_only=endpoint_only)
    minima = -np.arcsin(0.1) + 2 * np.pi * np.arange(-2, 3)
    assert_allclose(flow.theta[..., 0], np.repeat(minima[:, None], 301, axis=1), rtol=0, atol=1e-10)


def test_a_flow_on_the_stable_manifold_of_a_saddle_ends_there_and_says_so():
    flow = gradient_flow(TWO_VALLEYS, np.array([1.0, 0.0]), 1e4)
    assert flow.reason == "converged" and flow.index == 1 and abs(flow.theta[0]) < 1e-9 and flow.theta[1] == 0
    assert "saddle with 1 negative eigenvalue" in flow.sentence
    resting = gradient_flow(TWO_VALLEYS, np.zeros(2))
    assert resting.reason == "converged" and resting.index == 1 and resting.time == 0 and resting.steps == 0


def test_end_points_alone_are_those_of_the_paths():
    for n, k in ((4, 5), (2, 4)):
        landscape = population("erf", k, k + 1)
        starts = glorot(n, k + 1, range(12))
        path, ends = gradient_flow(landscape, starts), gradient_flow(landscape, starts, endpoint_only=True)
        assert (path.reason == "converged").all() and (ends.reason == "converged").all()
        assert_allclose(ends.theta, path.theta, rtol=0, atol=1e-10)
        assert_allclose(ends.loss, path.loss, rtol=0, atol=1e-15)
        assert (ends.steps < path.steps).all()
        rosenbrock = gradient_flow(landscape, starts, method=RODAS5P)
        assert_allclose(rosenbrock.theta, path.theta, rtol=0, atol=1e-10)
        assert (ends.steps < rosenbrock.steps / 3).all() and (path.steps < rosenbrock.steps / 3).all()
    assert np.isin(
        np.round(gradient_flow(population("erf", 5, 6), glorot(4, 6, range(12))).loss, 9), [0.023221681, 0.023381768]
    ).all()


# batches --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_only", [False, True])
def test_a_student_does_not_depend_on_its_company(endpoint_only):
    landscape = population("erf", 5, 6)
    starts = glorot(4, 6, range(40))
    together = gradient_flow(landscape, starts, endpoint_only=endpoint_only)
    for rows in ([7], [3, 7, 11], list(range(30, 5, -1))):
        some = gradient_flow(landscape, starts[rows], endpoint_only=endpoint_only)
        for name in ("steps", "rejected", "reason"):
            assert_array_equal(getattr(some, name), getattr(together, name)[rows], err_msg=name)
        # matrix products of other batch sizes may round otherwise
        for name, share in (("theta", 1e-11), ("loss", 1e-11), ("time", 1e-6)):
            assert_allclose(getattr(some, name), getattr(together, name)[rows], rtol=share, atol=1e-12, err_msg=name)
    alone = gradient_flow(landscape, starts[7], endpoint_only=endpoint_only)
    assert_allclose(alone.theta, together.theta[7], rtol=0, atol=1e-12)
    assert alone.reason == "converged" and isinstance(alone.end, Network) and isinstance(float(alone.loss), float)
    assert_array_equal(alone.end.theta, alone.theta)
    grid = gradient_flow(landscape, starts[:6].reshape(2, 3, -1), endpoint_only=endpoint_only)
    assert_allclose(grid.theta.reshape(6, -1), together.theta[:6], rtol=0, atol=1e-12)
    assert grid.reason.shape == (2, 3)


def test_permuted_neurons_flow_as_permuted():
    landscape = population("erf", 5, 5)
    student = Network.from_theta(glorot(4, 5, [3])[0], 4, 5)
    order = [2, 0, 3, 1]
    flow, other = gradient_flow(landscape, student), gradient_flow(landscape, permute(student, order))
    t = np.geomspace(1e-2, 1e6, 30)
    theirs = other.at(t)
    for ours, permuted in zip(flow.at(t), theirs):
        assert_allclose(permute(landscape.network(ours), order).theta, permuted, rtol=0, atol=1e-7)
    assert_allclose(permute(flow.end, order).theta, other.end.theta, rtol=0, atol=1e-11)


def test_networks_lists_of_them_and_arrays_are_the_same_students():
    landscape = population("erf", 3, 3)
    starts = glorot(2, 3, range(2))
    networks = [landscape.network(theta) for theta in starts]
    ends = gradient_flow(landscape, starts).theta
    assert_array_equal(gradient_flow(landscape, networks).theta, ends)
    assert_array_equal(gradient_flow(landscape, networks[1]).theta, ends[1])


# events ---------------------------------------------------------------------------------------------------------------


def test_events_are_found_where_the_closed_form_has_them():
    heights = np.array([[0.5, 0.1], [0.5, 0.3], [0.5, 0.95]])

    def halfway(theta):
        return theta[..., 1] - 0.7

    def narrow(theta):
        return theta[..., 0] - 0.2

    flow = gradient_flow(TWO_VALLEYS, heights, 100.0, rtol=1e-10, atol=1e-12, events=(halfway, narrow))
    assert [student for student, _, _ in flow.events[0]] == [1, 0]
    for student, time, theta in flow.events[0]:
        assert_allclose(valley_height(heights[student, 1], time), 0.7, rtol=0, atol=1e-8)
        assert_allclose(theta[1], 0.7, rtol=0, atol=1e-12)
    assert len(flow.events[1]) == 3
    assert_allclose([time for _, time, _ in flow.events[1]], np.log(2.5), rtol=0, atol=1e-8)
    assert (flow.reason == "converged").all()


def test_a_terminal_event_ends_its_student_there():
    def halfway(theta):
        return theta[..., 1] - 0.7

    def early(theta):
        return theta[..., 0] - 0.4

    def late(theta):
        return theta[..., 0] - 1e-3

    halfway.terminal = True
    starts = np.array([[0.5, 0.1], [0.5, 0.95]])
    flow = gradient_flow(TWO_VALLEYS, starts, 100.0, rtol=1e-10, atol=1e-12, events=(halfway, early, late))
    assert list(flow.reason) == ["event", "converged"]
    assert_allclose(flow.theta[0, 1], 0.7, rtol=0, atol=1e-8)
    assert_allclose(valley_height(0.1, flow.time[0]), 0.7, rtol=0, atol=1e-8)
    assert [student for student, _, _ in flow.events[0]] == [0]
    assert sorted(student for student, _, _ in flow.events[1]) == [0, 1]
    assert [student for student, _, _ in flow.events[2]] == [1]
    assert flow.times[0].max() == flow.time[0]
    with pytest.raises(ValueError, match="student 0 was followed to t ="):
        flow.at(50.0)


# stops ----------------------------------------------------------------------------------------------------------------


def test_a_budget_is_kept_and_named():
    flow = gradient_flow(population("erf", 6, 6), glorot(4, 6, range(3)), max_steps=20)
    assert (flow.reason == "budget").all() and (flow.steps + flow.rejected == 20).all()
    assert "20 steps were taken" in flow.sentence[0] and "max_steps" in flow.sentence[0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, Interrupted])
@pytest.mark.parametrize("place", ["progress", "hessian", "gradient"])
def test_an_interruption_keeps_what_is_done(error, place):
    inner = population("erf", 6, 6)
    starts = glorot(4, 6, range(3))
    calls, last = 0, np.inf

    def count(*given):
        nonlocal calls
        calls += 1
        if calls == last:
            raise error
        return getattr(inner, place)(*given) if place != "progress" else None

    landscape = Function(inner.value, inner.gradient, inner.hessian)
    if place != "progress":
        setattr(landscape, place, count)
    progress = count if place == "progress" else lambda share: None
    whole = gradient_flow(landscape, starts, progress=progress)
    calls, last = 0, int(0.8 * calls)
    flow = gradient_flow(landscape, starts, progress=progress)
    assert "interrupted" in flow.reason and set(flow.reason) <= {"interrupted", "converged"}
    for i in range(3):
        assert_allclose(flow.at(0.5 * flow.time.min())[i], whole.at(0.5 * flow.time.min())[i], rtol=0, atol=1e-12)
        if flow.reason[i] == "interrupted":
            assert_allclose(flow.theta[i], whole.at(flow.time[i])[i], rtol=0, atol=1e-12)
            assert flow.times[i].max() == flow.time[i] and 0 < flow.steps[i] < whole.steps[i]


def test_other_errors_of_progress_are_not_swallowed():
    def broken(share):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gradient_flow(QUARTIC, np.array([1.0]), progress=broken)


def test_progress_goes_from_none_to_all():
    shares = []
    gradient_flow(population("erf", 3, 3), glorot(2, 3, range(4)), progress=shares.append)
    assert shares[0] == 0 and shares[-1] > 0.5 and max(shares) <= 1
    assert all(later >= sooner - 1e-12 for sooner, later in pairwise(shares))


def test_a_student_without_a_hessian_is_refused_in_words_and_the_others_go_on():
    landscape = population("relu", 3, 3)
    starts = glorot(2, 3, range(3))
    starts[1, :3] = 0.0
    flow = gradient_flow(landscape, starts, 1e4)
    assert flow.reason[1] == "refused" and "has w = 0" in flow.sentence[1]
    assert_array_equal(flow.theta[1], starts[1])
    assert flow.reason[0] == flow.reason[2] == "converged"
    assert_array_equal(flow.theta[[0, 2]], gradient_flow(landscape, starts[[0, 2]], 1e4).theta)
    starts[1, 0] = np.nan
    flow = gradient_flow(landscape, starts, 1e4)
    assert flow.reason[1] == "refused" and "no gradient" in flow.sentence[1] and flow.reason[0] == "converged"


def test_derivatives_that_do_not_belong_to_the_loss_never_raise_it():
    uphill = Function(TWO_VALLEYS.value, lambda x: -TWO_VALLEYS.gradient(x), TWO_VALLEYS.hessian)
    flow = gradient_flow(uphill, np.array([0.5, 0.5]), max_steps=2000)
    assert flow.reason in ("refused", "budget") and flow.time < 1e-3
    assert np.diff(flow.losses).max() < 1e-12


@pytest.mark.parametrize("endpoint_only", [False, True])
def test_a_relu_neuron_that_shrinks_to_nothing_is_named(endpoint_only):
    # seed 0: |w|^2 - a^2 is conserved and negative, w points to where the force drives it back to 0 at t = 0.1077
    flow = gradient_flow(population("relu", 4, 4), glorot(3, 4, [0, 1]), endpoint_only=endpoint_only)
    assert list(flow.reason) == ["refused", "converged"]
    assert "shrinks to w = 0" in flow.sentence[0] and flow.steps[0] < 1500
    assert_allclose(flow.time[0], 0.10769, atol=1e-5)
    assert np.linalg.norm(flow.theta[0, :4]) < 1e-5


def test_a_wall_of_nan_is_not_stepped_over():
    def inside(x):
        return np.where(x > 0, x, np.nan)

    landscape = Function(
        lambda x: inside(x)[..., 0] ** 1.5,
        lambda x: 1.5 * inside(x) ** 0.5,
        lambda x: 0.75 * inside(x)[..., None] ** -0.5,
    )
    flow = gradient_flow(landscape, np.array([1.0]), 10.0)  # reaches the wall x = 0 as (1 - 3t/4)^2 at t = 4/3
    assert flow.time < 4 / 3 + 1e-6 and flow.theta[0] < 1e-6
    assert flow.reason in ("refused", "converged")


def test_a_singular_matrix_in_one_step_does_not_disturb_the_others():
    # W = H + I/(h gamma) with a zero Hessian everywhere: L = -x, no end
    line = Function(lambda x: -x[..., 0], lambda x: -np.ones_like(x), lambda x: np.zeros((*x.shape, 1)))
    flow = gradient_flow(line, np.array([[0.0], [1.0]]), 100.0)
    assert list(flow.reason) == ["time", "time"]
    assert_allclose(flow.theta[:, 0], [100.0, 101.0], rtol=1e-12)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"t_max": 0.0}, "t_max must be a number > 0"),
        ({"t_max": np.nan}, "t_max must be a number > 0"),
        ({"rtol": -1e-3}, "rtol must be a number > 0"),
        ({"times": [1.0], "endpoint_only": True}, "times asks for the path"),
        ({"students": np.zeros((0, 2))}, "at least one student"),
        ({"students": [np.nan, 1.0]}, "finite numbers"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(given, message):
    arguments = {"students": np.array([1.0, 0.5]), **given}
    with pytest.raises(ValueError, match=message):
        gradient_flow(TWO_VALLEYS, **arguments)


def test_what_was_not_kept_is_not_invented():
    ends = gradient_flow(TWO_VALLEYS, np.array([1.0, 0.5]), endpoint_only=True)
    for ask in (lambda: ends.times, lambda: ends.students, lambda: ends.losses):
        with pytest.raises(ValueError, match="end points only"):
            ask()
    with pytest.raises(ValueError, match="no dense output"):
        ends.at(1.0)
    thin = gradient_flow(TWO_VALLEYS, np.array([1.0, 0.5]), dense=False)
    assert thin.losses.shape == thin.times.shape
    with pytest.raises(ValueError, match="no dense output"):
        thin.at(1.0)
    full = gradient_flow(TWO_VALLEYS, np.array([1.0, 0.5]), 50.0)
    with pytest.raises(ValueError, match="at least 0"):
        full.at([-1.0, 1.0])
    with pytest.raises(ValueError, match="raise t_max"):
        full.at(51.0)
    assert isinstance(full, Flow) and "converged" in repr(full)
    assert replace(full, reason="time").reason == "time"
