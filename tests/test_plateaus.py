"""Plateaus of flows whose every number is known in closed form, and of the flows of a landscape."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.critical import CriticalPoint
from landscape_nb.flows import gradient_flow
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, orthonormal_teacher
from landscape_nb.plateaus import DECADES, SLOW, plateaus_of
from landscape_nb.sweeps import starts

TIMES = np.geomspace(1e-2, 60.0, 1201)


class Plane:
    """A landscape of two parameters (x, y): a network of one neuron with one input."""

    def network(self, theta):
        return Network([[theta[0]]], [theta[1]])

    def symmetry_directions(self, student):
        return {}

    def value(self, student):
        return self.loss(*np.moveaxis(self._flat(student), -1, 0))

    def gradient(self, student):
        return np.stack(self.slopes(*np.moveaxis(self._flat(student), -1, 0)), axis=-1)

    def hessian(self, student):
        theta = self._flat(student)
        found = np.zeros((*theta.shape, 2))
        found[..., 0, 0], found[..., 1, 1] = self.bends(*np.moveaxis(theta, -1, 0))
        return found

    def _flat(self, student):
        return student.theta if isinstance(student, Network) else np.asarray(student, dtype=float)


class Saddle(Plane):
    """L = x^2/2 + (1 - y^2)^2/4: a saddle at (0, 0), minima at (0, 1) and (0, -1)."""

    def loss(self, x, y):
        return x**2 / 2 + (1 - y**2) ** 2 / 4

    def slopes(self, x, y):
        return x, y**3 - y

    def bends(self, x, y):
        return 1.0, 3 * y**2 - 1

    def flow(self, t, y):
        """From (1, y): x' = -x, y' = y - y^3, solved by 1/y^2 = 1 + (1/y_0^2 - 1) exp(-2 t)."""
        return np.stack([np.exp(-t), (1 + (1 / y**2 - 1) * np.exp(-2 * t)) ** -0.5], axis=-1)


class Bowl(Plane):
    """L = (x^2 + c y^2)/2."""

    def __init__(self, c):
        self.c = c

    def loss(self, x, y):
        return (x**2 + self.c * y**2) / 2

    def slopes(self, x, y):
        return x, self.c * y

    def bends(self, x, y):
        return 1.0, self.c

    def flow(self, t):
        return np.stack([np.exp(-t), np.exp(-self.c * t)], axis=-1)


class Bottleneck(Plane):
    """dL/dx = (x^2 + e)(x + 1): slow at x = 0, where no critical point is; the only one is the minimum x = -1, y = 0."""

    def __init__(self, e):
        self.e = e

    def loss(self, x, y):
        return x**4 / 4 + x**3 / 3 + self.e * (x**2 / 2 + x) + 1 / 12 + self.e / 2 + y**2 / 2

    def slopes(self, x, y):
        return (x**2 + self.e) * (x + 1), y

    def bends(self, x, y):
        return 2 * x * (x + 1) + x**2 + self.e, 1.0

    def flow(self, t):
        asked = {"t_eval": t, "method": "Radau", "rtol": 1e-9, "atol": 1e-12}
        return solve_ivp(lambda _, x: -(x**2 + self.e) * (x + 1), (0, t[-1]), [1.0], **asked).y[0]


def fallen(landscape, way, t):
    """s(t) as it is defined, -d log(L - L_end)/d log t, by differences of a path that is known at every time."""
    step = 1e-5
    up, down = (np.log(landscape.value(way(t * np.exp(sign * step)))) for sign in (1, -1))
    return -(up - down) / (2 * step)


# the flow past a saddle, in closed form -------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [1e-4, 1e-6, 1e-9])
def test_a_flow_past_a_saddle_has_one_plateau_between_the_times_that_the_closed_form_gives(y):
    landscape = Saddle()
    (plateau,) = plateaus_of(landscape, TIMES, landscape.flow(TIMES, y))
    middle = 0.5 * np.log(1 / y)  # of exp(-2 t) + y^2 exp(2 t)
    # L_end = 0 here, so s(t) needs no other subtraction
    slow = lambda t: float(fallen(landscape, lambda at: landscape.flow(at, y), t)) - SLOW  # noqa: E731
    start, end = brentq(slow, 0.5, middle), brentq(slow, middle, 2 * middle)
    ratio = TIMES[1] / TIMES[0]
    assert start <= plateau.start <= start * ratio and end / ratio <= plateau.end <= end
    assert middle / ratio <= plateau.time <= middle * ratio
    assert_allclose(plateau.loss, 0.25, atol=2 * y)
    assert plateau.name == "saddle of index 1" and np.abs(plateau.nearby.student.theta).max() < 1e-12
    there, last = landscape.flow(plateau.time, y), landscape.flow(plateau.end, y)
    assert_allclose(plateau.distance, np.linalg.norm(there) / np.linalg.norm(last), rtol=1e-9)


@pytest.mark.parametrize("y", [0.5, 0.05])
def test_a_flow_that_passes_a_saddle_at_a_distance_has_no_plateau(y):
    assert plateaus_of(Saddle(), TIMES, Saddle().flow(TIMES, y)) == ()


def test_what_counts_as_slow_and_as_long_can_be_said():
    students = Saddle().flow(TIMES, 1e-6)
    (usual,) = plateaus_of(Saddle(), TIMES, students)
    (stricter,) = plateaus_of(Saddle(), TIMES, students, slow=SLOW / 10, decades=0.2)
    assert usual.start < stricter.start < stricter.end < usual.end
    length = np.log10(usual.end / usual.start)
    assert length > DECADES
    assert plateaus_of(Saddle(), TIMES, students, decades=length + 1e-9) == ()
    assert len(plateaus_of(Saddle(), TIMES, students, decades=length - 1e-9)) == 1


def test_a_flow_that_begins_beside_a_saddle_begins_with_a_plateau():
    at = Saddle().flow(TIMES, 1e-6)
    at[:, 0] = 0.0
    (plateau,) = plateaus_of(Saddle(), TIMES, at)
    assert plateau.start == plateau.time == TIMES[0] and plateau.name == "saddle of index 1"


@pytest.mark.parametrize("c", [1.0, 0.1, 1e-3, 1e-5])
def test_a_bowl_has_no_plateau_however_narrow_it_is(c):
    """In a narrow one the loss hardly falls for decades, but the gradient does: nothing is passed by."""
    times = np.geomspace(1e-2, 30 / c, 2001)
    assert plateaus_of(Bowl(c), times, Bowl(c).flow(times)) == ()
    if c < 0.01:
        share = times * (Bowl(c).gradient(Bowl(c).flow(times)) ** 2).sum(axis=-1) / Bowl(c).value(Bowl(c).flow(times))
        assert (share[(times > 12) & (times < 0.05 / c)] < SLOW).all()


def test_where_no_critical_point_is_near_the_stretch_is_called_slow():
    times = np.geomspace(1e-2, 300.0, 801)
    x = Bottleneck(1e-3).flow(times)
    (plateau,) = plateaus_of(Bottleneck(1e-3), times, np.stack([x, np.zeros_like(x)], axis=-1))
    assert plateau.name == "slow stretch" and plateau.nearby is None and plateau.distance == np.inf
    assert abs(np.interp(plateau.time, times, x)) < 0.03
    assert_allclose(plateau.loss, Bottleneck(1e-3).loss(0.0, 0.0), rtol=1e-2)


def test_a_set_that_newtons_iteration_hardly_leaves_is_called_degenerate():
    times = np.geomspace(1e-2, 4e4, 801)
    x = Bottleneck(1e-8).flow(times)
    (plateau,) = plateaus_of(Bottleneck(1e-8), times, np.stack([x, np.zeros_like(x)], axis=-1))
    assert plateau.name == "degenerate critical set" and isinstance(plateau.nearby, Network)
    assert abs(plateau.nearby.theta[0]) < 1e-2


# wrong input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "times, students",
    [
        (np.ones((2, 2)), np.ones((2, 2, 2))),
        ([1.0, 2.0, 3.0], np.ones((2, 2))),
        ([1.0, 2.0], np.ones((2, 2, 2))),
        ([2.0, 1.0], np.ones((2, 2))),
        ([1.0, 1.0], np.ones((2, 2))),
        ([0.0, 1.0], np.ones((2, 2))),
        ([np.nan, 1.0], np.ones((2, 2))),
    ],
    ids=["two axes of time", "too few students", "a batch", "descending", "twice the same", "from 0", "not a number"],
)
def test_what_does_not_fit_is_refused(times, students):
    with pytest.raises(ValueError, match="ascending positive times"):
        plateaus_of(Saddle(), times, students)


# the flows of a landscape ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_start_near_zero_begins_with_the_saddle_of_index_n(n):
    """Where a = 0 and the students see nothing of the teacher, each neuron alone can fall: its w along sum_j v_j together with its a."""
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(3, 4))
    (theta,) = starts(n, 4, [5], "glorot:0.01")
    flow = gradient_flow(landscape, landscape.network(theta), 1e4)
    times = np.geomspace(1e-2, float(flow.time), 241)
    first, *others = plateaus_of(landscape, times, flow.at(times))
    assert first.start == times[0] and first.name.endswith(f"saddle of index {n}")
    there = first.nearby.student
    assert np.abs(there.a).max() < 1e-12 and np.abs(there.W).max() < 0.02
    assert_allclose(first.nearby.loss, landscape.constant, rtol=1e-12)
    values = np.linalg.eigvalsh(landscape.hessian(np.zeros(5 * n)))
    assert (values < -1e-9).sum() == n
    assert_allclose(first.loss, landscape.constant, rtol=1e-3)
    assert all(before.end < after.start for before, after in zip([first, *others], others))


def test_the_plateaus_of_a_landscape_are_where_the_loss_hardly_falls():
    """Against differences of log(L - L_end) along the path, which know no gradient."""
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(4, 5))
    (theta,) = starts(3, 5, [2], "glorot:0.01")
    flow = gradient_flow(landscape, landscape.network(theta), 1.5e6)
    assert flow.reason == "converged"
    times = np.geomspace(1e-2, float(flow.time), 481)
    times[-1] = float(flow.time)
    students = flow.at(times)
    left = landscape.value(students) - landscape.value(students[-1])
    known = left > 1e-7 * landscape.constant
    slope = -np.gradient(np.log(np.maximum(left, 1e-300)), np.log(times))
    found = plateaus_of(landscape, times, students)
    assert found
    for plateau in found:
        inside = np.flatnonzero((times > plateau.start) & (times < plateau.end) & known)[2:-2]
        assert len(inside) > 10 and (slope[inside] < 1.1 * SLOW).all()
        for outside in (np.searchsorted(times, plateau.start) - 3, np.searchsorted(times, plateau.end) + 3):
            assert outside < 0 or not known[outside] or slope[outside] > 0.8 * SLOW
        if isinstance(plateau.nearby, CriticalPoint):
            assert np.abs(landscape.gradient(plateau.nearby.student)).max() < 1e-12


def test_the_slow_beginning_of_a_flow_far_from_critical_points_is_no_plateau():
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(10, 11))
    (start,) = starts(9, 11, [3])
    flow = gradient_flow(landscape, landscape.network(start), t_max=1e3)
    times = np.geomspace(1e-2, 1e3, 120)
    squared = (landscape.gradient(flow.at(times)) ** 2).sum(axis=-1)
    losses = landscape.value(flow.at(times))
    assert (times[:15] * squared[:15] < SLOW * (losses[:15] - losses[-1])).all()  # slow for more than the least length
    assert all(plateau.start > times[0] for plateau in plateaus_of(landscape, times, flow.at(times)))
