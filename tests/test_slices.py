"""The profile min_a L: against the loss itself, and its stationary points against those of the whole problem."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron import one_neuron_points
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import (
    Network,
    equicorrelated_teacher,
    gaussian_teacher,
    orthonormal_teacher,
)
from landscape_nb.slices import Plane, best_weight, mean_plane

RNG = np.random.default_rng(5)
NAMES = ["erf", "relu", "leaky_relu", "square", "cos", "exp", "step", "sign", "gelu", "softplus", "silu"]
TEACHERS = {
    "orthonormal": orthonormal_teacher(3, 4),
    "weights that differ": equicorrelated_teacher(3, 4, 0.3, 1.4, [1.0, 2.0, -0.5]),
    "opposite": equicorrelated_teacher(2, 3, -1.0, 0.8, [1.0, 0.4]),
    "gaussian": gaussian_teacher(5, 3, np.random.default_rng(2)),
    "one dimension": Network([[0.7], [-1.2]], [1.0, 0.6]),
}


def minimum_over_a(landscape, w):
    """min_a L(w, a) from three values of the loss, which is quadratic in a."""
    at = np.array([landscape.value(np.append(w, a)) for a in (-1.0, 0.0, 1.0)])
    curve, slope = 0.5 * (at[0] + at[2]) - at[1], 0.5 * (at[2] - at[0])
    return at[1] - slope**2 / (4 * curve), -slope / (2 * curve)


def planes(landscape):
    plane = mean_plane(landscape)
    yield plane
    if landscape.d > 1:
        basis, _ = np.linalg.qr(RNG.normal(size=(landscape.d, 2)))
        yield Plane(basis[:, 0], basis[:, 1], "", "")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("teacher", TEACHERS)
def test_the_best_weight_is_the_minimum_of_the_loss_over_a(name, teacher):
    landscape = PopulationLandscape(ACTIVATIONS[name], TEACHERS[teacher])
    for plane in planes(landscape):
        x, y = RNG.normal(size=(2, 8))
        if not plane.across.any():
            y = np.zeros(8)
        losses, weights = best_weight(landscape, x, y, plane)
        for w, loss, weight in zip(plane.point(x, y), losses, weights):
            expected, a = minimum_over_a(landscape, w)
            assert_allclose(loss, expected, atol=1e-11 * landscape.constant * max(1, 1e-2 * a * a))
            assert_allclose(weight, a, rtol=1e-8, atol=1e-10)
            assert_allclose(landscape.value(np.append(w, weight)), loss, atol=1e-12 * landscape.constant)
            for away in (-1e-3, 1e-3):
                assert landscape.value(np.append(w, weight * (1 + away) + away)) > loss


def test_golden_section_agrees():
    from scipy.optimize import minimize_scalar

    landscape = PopulationLandscape(ACTIVATIONS["tanh"], TEACHERS["weights that differ"])
    plane = mean_plane(landscape)
    for x, y in ((0.3, 0.1), (-1.2, 0.8), (4.0, -2.0)):
        w = plane.point(np.array(x), np.array(y))
        found = minimize_scalar(lambda a, w=w: float(landscape.value(np.append(w, a))), (-3, 3), method="golden")
        loss, weight = best_weight(landscape, np.array(x), np.array(y), plane)
        assert_allclose([loss, weight], [found.fun, found.x], rtol=1e-6)


def test_it_broadcasts_over_a_grid():
    landscape = PopulationLandscape(ACTIVATIONS["erf"], TEACHERS["orthonormal"])
    plane = mean_plane(landscape)
    x, y = np.linspace(-1, 1, 5), np.linspace(-2, 2, 4)
    losses, weights = best_weight(landscape, x[None, :], y[:, None], plane)
    assert losses.shape == weights.shape == (4, 5)
    single, _ = best_weight(landscape, x[3], y[1], plane)
    assert losses[1, 3] == single


def test_teachers_that_look_the_same_from_the_plane_are_counted_together_without_losing_digits():
    teacher = equicorrelated_teacher(10, 12, 1 / 3, 1 / 3, 1 / 7)
    landscape = PopulationLandscape(ACTIVATIONS["cube"], teacher)
    plane = mean_plane(landscape)
    x, y = RNG.normal(size=(2, 6))
    losses, _ = best_weight(landscape, x, y, plane)
    expected = [minimum_over_a(landscape, w)[0] for w in plane.point(x, y)]
    assert_allclose(losses, expected, rtol=0, atol=1e-12 * landscape.constant)


@pytest.mark.parametrize("name", ["erf", "relu", "sin", "square"])
def test_a_neuron_that_is_zero_has_no_best_weight(name):
    landscape = PopulationLandscape(ACTIVATIONS[name], TEACHERS["orthonormal"])
    loss, weight = best_weight(landscape, np.array([0.0, 1.0]), np.array([0.0, 0.0]), mean_plane(landscape))
    assert np.isnan([loss[0], weight[0]]).all() and np.isfinite([loss[1], weight[1]]).all()


def test_beyond_the_range_of_doubles_there_is_no_number_and_no_warning():
    landscape = PopulationLandscape(ACTIVATIONS["exp"], TEACHERS["orthonormal"])
    norms = np.array([1.0, 18.0, 19.0, 60.0])  # k = exp(2 |w|^2) overflows at |w| = 18.8
    losses, weights = best_weight(landscape, norms, np.zeros(4), mean_plane(landscape))
    assert np.isfinite(losses).tolist() == np.isfinite(weights).tolist() == [True, True, False, False]


# the plane ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("teacher", TEACHERS)
def test_the_plane_has_orthonormal_directions_and_says_what_they_are(teacher):
    landscape = PopulationLandscape(ACTIVATIONS["erf"], TEACHERS[teacher])
    plane = mean_plane(landscape)
    assert_allclose(plane.along @ plane.along, 1.0)
    assert plane.along_name and bool(plane.across_name) == (landscape.d > 1)
    if landscape.d == 1:
        assert not plane.across.any()
        return
    assert_allclose([plane.across @ plane.across, plane.along @ plane.across], [1.0, 0.0], atol=1e-12)


def test_the_mean_counts_directions_by_the_size_of_their_weights():
    teacher = Network([[2.0, 0.0, 0.0], [0.0, 0.5, 0.0]], [1.0, -3.0])
    plane = mean_plane(PopulationLandscape(ACTIVATIONS["erf"], teacher))
    assert_allclose(plane.along, np.array([1.0, 3.0, 0.0]) / np.sqrt(10))
    assert_allclose(np.abs(plane.across @ [0, 0, 1.0]), 0.0, atol=1e-12)
    assert plane.along_name == "mean of the teachers"


def test_where_the_mean_vanishes_the_first_teacher_takes_its_place():
    plane = mean_plane(PopulationLandscape(ACTIVATIONS["relu"], equicorrelated_teacher(2, 3, -1.0)))
    assert plane.along_name == "first teacher"
    assert_allclose(np.abs(plane.along[0]), 1.0)


def test_the_plane_can_go_through_a_chosen_direction():
    landscape = PopulationLandscape(ACTIVATIONS["erf"], TEACHERS["orthonormal"])
    plane = mean_plane(landscape, np.array([0.0, 0.0, 0.0, 3.0]))
    assert_allclose(plane.along, [0, 0, 0, 1])
    assert_allclose(plane.across, [1, 0, 0, 0])


def test_coordinates_and_points_are_inverse_and_the_rest_is_the_distance():
    plane = mean_plane(PopulationLandscape(ACTIVATIONS["erf"], TEACHERS["orthonormal"]))
    w = plane.point(np.array(0.3), np.array(-0.7))
    assert_allclose(plane.coordinates(w), (0.3, -0.7, 0.0), atol=1e-15)
    normal = np.linalg.svd(np.vstack([plane.along, plane.across]))[2][-1]
    assert_allclose(plane.coordinates(w + 0.2 * normal), (0.3, -0.7, 0.2), atol=1e-15)


# stationary points ----------------------------------------------------------------------------------------------------


def profile_hessian(landscape, w, step=1e-4):
    """Hessian of w -> min_a L by differences of the profile alone."""
    d = w.size

    def value(v):
        length = np.linalg.norm(v)
        return float(best_weight(landscape, np.array(length), np.array(0.0), Plane(v / length, np.zeros(d), "", ""))[0])

    hessian = np.empty((d, d))
    units = step * np.eye(d)
    for i in range(d):
        for j in range(d):
            hessian[i, j] = (
                value(w + units[i] + units[j])
                - value(w + units[i] - units[j])
                - value(w - units[i] + units[j])
                + value(w - units[i] - units[j])
            ) / (4 * step**2)
    slope = np.array([(value(w + u) - value(w - u)) / (2 * step) for u in units])
    return slope, hessian


@pytest.mark.parametrize(
    "name, teacher",
    [
        ("erf", orthonormal_teacher(3, 3)),
        ("relu", orthonormal_teacher(3, 4)),
        ("cos", orthonormal_teacher(3, 3)),
        ("gaussian", orthonormal_teacher(2, 3)),
        ("exp", orthonormal_teacher(2, 2)),
        ("sin", equicorrelated_teacher(2, 2, 0.2, 1.0, [1.0, 1.5])),
        ("tanh", Network([[1.0], [-0.4]], [1.0, 0.5])),
        ("softplus", orthonormal_teacher(2, 2)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"k={value.n},d={value.d}",
)
def test_stationary_points_of_the_profile_have_the_index_of_the_whole_problem(name, teacher):
    landscape = PopulationLandscape(ACTIVATIONS[name], teacher)
    points = [p for p in one_neuron_points(ACTIVATIONS[name], teacher) if p.student.a[0] != 0 and p.student.W.any()]
    assert points
    for point in points:
        w = point.student.W[0]
        slope, hessian = profile_hessian(landscape, w)
        size = float(np.abs(hessian).max())
        assert np.abs(slope).max() <= 1e-6 * max(size, landscape.constant)
        values = np.linalg.eigvalsh(0.5 * (hessian + hessian.T))
        # the Schur complement of L_aa > 0: as many negative directions as the Hessian of L
        full = landscape.hessian(point.student)
        schur = full[:-1, :-1] - np.outer(full[:-1, -1], full[-1, :-1]) / full[-1, -1]
        assert full[-1, -1] > 0
        noise = 3e-7 * landscape.constant + 1e-5 * size
        assert_allclose(values, np.linalg.eigvalsh(schur), atol=noise)
        soft = np.abs(point.spectrum[np.abs(point.spectrum) > point.tolerance]).min()
        if soft > 10 * noise:
            assert int(np.sum(values < -noise)) == point.index
