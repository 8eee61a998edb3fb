"""Long flows against two other integrators and published figures."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from landscape_nb.activations import RELU, SOFTPLUS, SQUARE, TANH
from landscape_nb.closed_forms.sad import ELU, normal_start, polynomial_landscape
from landscape_nb.flows import Interrupted, gradient_flow
from landscape_nb.long_flows import long_flow


@pytest.fixture(scope="module")
def tanh_flow():
    landscape = polynomial_landscape(TANH)
    return long_flow(landscape, normal_start(2, 2, 1))


# long flows -----------------------------------------------------------------------------------------------------------


def test_the_flow_of_two_tanh_neurons_has_the_known_norms_and_losses(tanh_flow):
    assert tanh_flow.reason == "time" and tanh_flow.times[-1] == 1e12 and tanh_flow.times[0] == 0
    known = {1e4: (4.48, 4.9e-6), 1e6: (5.73, 9.4e-7), 1e8: (10.95, 4.50e-8)}
    for time, (norm, loss) in known.items():
        i = int(np.argmin(np.abs(tanh_flow.times - time)))
        assert_allclose(tanh_flow.times[i], time)
        assert_allclose(tanh_flow.norms[i], norm, atol=0.006)
        assert_allclose(tanh_flow.losses[i], loss, rtol=0.006)


def test_the_flow_is_that_of_two_other_integrators(tanh_flow):
    landscape, start, grid = tanh_flow.landscape, tanh_flow.students[0], tanh_flow.times[:121]
    assert_allclose(grid[-1], 8912.509, rtol=1e-6)
    rosenbrock = gradient_flow(landscape, start, 1e4, rtol=1e-6, atol=1e-8).at(grid)
    assert_allclose(tanh_flow.students[:121], rosenbrock, atol=3e-4)
    radau = solve_ivp(
        lambda t, y: -landscape.gradient(y),
        *((0.0, 100.0), start),
        method="Radau",
        jac=lambda t, y: -landscape.hessian(y),
        t_eval=grid[:81],
        rtol=1e-6,
        atol=1e-8,
    )
    assert_allclose(tanh_flow.students[:81], radau.y.T, atol=3e-4)


def test_the_loss_never_rises_and_the_path_is_shorter_than_the_bound(tanh_flow):
    assert (np.diff(tanh_flow.losses) < 0).all()
    assert_allclose(tanh_flow.losses, tanh_flow.landscape.value(tanh_flow.students))
    bound = np.sqrt(tanh_flow.times * (tanh_flow.losses[0] - tanh_flow.losses))
    assert_allclose(tanh_flow.bound, bound)
    assert (tanh_flow.travelled <= bound).all() and tanh_flow.travelled[1] > 0.99 * bound[1]
    assert tanh_flow.travelled[-1] < 1e-3 * bound[-1]
    assert np.array_equal(tanh_flow.end.theta, tanh_flow.students[-1])


def test_the_flow_up_to_a_time_is_a_part_of_it(tanh_flow):
    part = tanh_flow.until(1e8)
    assert_allclose(part.times[-1], 1e8)
    assert np.array_equal(part.students, tanh_flow.students[: len(part.times)])
    assert np.array_equal(part.losses, tanh_flow.losses[: len(part.times)])


def test_a_flow_into_a_minimum_arrives():
    flow = long_flow(polynomial_landscape(SQUARE), normal_start(2, 2, 1), 1e6)
    assert flow.reason == "arrived" and flow.losses[-1] < 1e-25 and "stands still" in flow.sentence
    assert np.ptp(flow.norms[flow.times > 1e4]) < 1e-9


def test_relu_goes_as_far_as_its_kinks_allow():
    arrived = long_flow(polynomial_landscape(RELU), normal_start(2, 2, 2), 1e6)
    assert arrived.reason == "arrived"
    x = np.linspace(-1, 1, 40)
    assert_allclose(arrived.losses[-1], np.var(x**2), rtol=1e-9)  # both neurons silent, the output bias is the mean
    refused = long_flow(polynomial_landscape(RELU), normal_start(2, 2, 0), 1e6)
    assert refused.reason == "refused" and "not smooth here" in refused.sentence
    assert 10 < refused.times[-1] < 40


def test_a_jump_of_the_second_derivative_does_not_stop_a_flow():
    flow = long_flow(polynomial_landscape(ELU), normal_start(2, 2, 1), 1e5)
    assert flow.reason == "time" and (np.diff(flow.losses) < 0).all() and flow.losses[-1] < 1e-4


def test_a_flow_tells_how_far_it_is_and_can_be_stopped():
    told = []

    def tell(share):
        told.append(share)
        if share > 0.3:
            raise Interrupted

    flow = long_flow(polynomial_landscape(SOFTPLUS), normal_start(2, 2, 2), 1e8, progress=tell)
    assert told[0] == 0 and told == sorted(told)
    assert flow.reason == "interrupted" and 1 < flow.times[-1] < 1e4 and len(flow.students) == len(flow.times)


class Steep:
    """x^2/2 whose gradient is not known beyond x < 1/2."""

    def value(self, theta):
        return 0.5 * np.sum(np.asarray(theta) ** 2, axis=-1)

    def gradient(self, theta):
        if np.abs(theta).max() < 0.5:
            raise ValueError("nothing is known here")
        return np.asarray(theta)

    def hessian(self, theta):
        return np.eye(len(theta))


def test_where_the_landscape_refuses_the_flow_ends_with_its_sentence():
    flow = long_flow(Steep(), np.array([1.0]), 10.0)
    assert flow.reason == "refused" and "nothing is known here" in flow.sentence
    assert 0.4 < flow.times[-1] < np.log(2) + 1e-6
    assert_allclose(flow.students[:, 0], np.exp(-flow.times), rtol=1e-6)


@pytest.mark.parametrize(
    "student, settings, sentence",
    (
        (np.ones((2, 7)), {}, r"takes one student, theta of shape \(p,\); its shape is \(2, 7\)"),
        (np.full(7, np.nan), {}, "must hold finite numbers; it holds nan"),
        (np.ones(7), {"t_max": np.inf}, "0 < first < t_max < inf"),
        (np.ones(7), {"first": 0.0}, "0 < first < t_max < inf"),
    ),
)
def test_what_makes_no_sense_is_refused(student, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        long_flow(polynomial_landscape(TANH), student, **settings)
