"""Symmetry directions: the loss is constant along them, and they carry the right names and numbers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import expm

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.critical import CriticalPoint
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.landscapes.symmetries import symmetry_directions
from landscape_nb.networks import Network, equicorrelated_teacher, gaussian_teacher, orthonormal_teacher

NAMES = tuple(ACTIVATIONS)


def directions(name, teacher, student):
    return symmetry_directions(ACTIVATIONS[name], teacher, student)


def rank(rows):
    return int(np.linalg.matrix_rank(rows)) if len(rows) else 0


def some(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return Network(rng.normal(size=(n, d)), rng.normal(size=n))


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_has_no_component_along_any_direction(name):
    teacher = gaussian_teacher(2, 4, np.random.default_rng(3))
    base = some(4, 4)
    W, a = base.W.copy(), base.a.copy()
    W[1], a[2] = W[0], 0.0
    if name not in ("step", "sign"):
        W[3] = 0.0
    if ACTIVATIONS[name].kinks and name not in ("step", "sign"):
        W[3] = -2.0 * W[2]  # these have no gradient at w = 0
    if name in ("step", "sign"):
        W[1] = base.W[1]  # nor these for parallel neurons
    student = Network(W, a)
    gradient = PopulationLandscape(ACTIVATIONS[name], teacher).gradient(student)
    for which, rows in directions(name, teacher, student).items():
        assert_allclose(rows @ gradient, 0, atol=1e-11 * max(1, np.abs(gradient).max()), err_msg=which)


@pytest.mark.parametrize("name", ("relu", "leaky_relu", "linear", "square", "cube"))
def test_rescaling_is_the_tangent_of_the_rescaled_network(name):
    activation = ACTIVATIONS[name]
    student = some(2, 3)
    rows = directions(name, orthonormal_teacher(2, 3), student)["rescaling"]
    step = 1e-6
    for i, row in enumerate(rows):
        W, a = student.W.copy(), student.a.copy()
        W[i] *= 1 + step
        a[i] /= (1 + step) ** activation.homogeneous
        assert_allclose((np.concatenate([W.ravel(), a]) - student.theta) / step, row, atol=1e-4)


def test_activations_that_are_not_homogeneous_have_no_rescaling():
    for name in NAMES:
        found = directions(name, orthonormal_teacher(2, 3), some(2, 3))
        assert ("rescaling" in found) == (ACTIVATIONS[name].homogeneous is not None)


@pytest.mark.parametrize("name", ("erf", "relu", "gelu"))
def test_rotations_turn_the_complement_of_the_teachers_and_nothing_else(name):
    teacher = orthonormal_teacher(2, 5)
    rotations = directions(name, teacher, some(1, 5))["rotation"]
    assert rank(rotations) == 2  # one vector in a complement of three dimensions: a sphere of two
    assert rank(directions(name, teacher, some(2, 5))["rotation"]) == 3  # all of SO(3)
    assert_allclose(rotations[:, :2], 0, atol=1e-15)
    inside = Network(np.eye(5)[:1] + np.eye(5)[1:2], [1.0])
    assert "rotation" not in directions(name, teacher, inside)


def test_a_linear_teacher_is_one_vector_and_a_square_one_a_quadratic_form():
    teacher, student = orthonormal_teacher(3, 4), some(1, 4)
    assert (
        rank(directions("linear", teacher, student)["rotation"]) == 2
    )  # complement of sum v: a sphere in three dimensions
    assert rank(directions("square", teacher, student)["rotation"]) == 2  # all three teachers are equal under rotation
    unequal = orthonormal_teacher(3, 4, (1.0, 2.0, 3.0))
    assert "rotation" not in directions("square", unequal, student)


@pytest.mark.parametrize(
    "name, basis",
    (
        ("erf", np.eye(5)[:, 2:]),  # the complement of both teachers
        ("square", np.eye(5)[:, 2:]),
        ("square", np.eye(5)[:, :2]),  # equal teachers span a form that is the same from every side
        ("linear", np.linalg.qr(np.column_stack([np.eye(5)[0] + np.eye(5)[1], np.eye(5)]))[0][:, 1:5]),
    ),
)
def test_the_loss_is_constant_along_finite_rotations_and_their_tangents_are_listed(name, basis):
    teacher, student = orthonormal_teacher(2, 5), some(2, 5)
    landscape = PopulationLandscape(ACTIVATIONS[name], teacher)
    rows = directions(name, teacher, student)["rotation"]
    for seed in range(3):
        free = np.random.default_rng(seed).normal(size=(basis.shape[1],) * 2)
        generator = basis @ (free - free.T) @ basis.T
        turned = Network(student.W @ expm(generator), student.a)
        assert_allclose(landscape.value(turned), landscape.value(student), rtol=1e-12)
        tangent = np.concatenate([(student.W @ generator).ravel(), np.zeros(2)])
        assert rank(np.vstack([rows, tangent])) == rank(rows)


def test_splitting_moves_weight_between_equal_and_opposite_neurons():
    w = np.array([0.3, -0.4, 1.0])
    teacher = orthonormal_teacher(2, 3)
    same, opposite = Network([w, w, [1.0, 0, 0]], [1.0, 2.0, 3.0]), Network([w, -w], [1.0, 2.0])
    for name in NAMES:
        (row,) = directions(name, teacher, same)["splitting"]
        assert_allclose(np.sort(row[-3:]), [-1, 0, 1])
        found = directions(name, teacher, opposite)
        activation = ACTIVATIONS[name]
        assert ("splitting" in found) == (activation.odd or activation.even)
        if activation.odd:
            assert_allclose(found["splitting"][0][-2:], [1, 1])
        if activation.even:
            assert_allclose(found["splitting"][0][-2:].sum(), 0)


def test_silenced_and_idle_neurons_are_found_and_never_both_at_once():
    teacher = orthonormal_teacher(2, 3)
    student = Network([[1.0, 0, 0], [0, 1.0, 0.5], [0, 0, 0], [0, 0, 0]], [1.0, 0.0, 0.7, 0.0])
    found = directions("erf", teacher, student)
    assert rank(found["silenced neuron"]) == 6  # neurons 2 and 4, three dimensions each
    (idle,) = found["idle neuron"]
    assert_allclose(idle, np.eye(16)[12 + 2])
    assert "idle neuron" not in directions("cos", teacher, student)  # cos 0 = 1: the weight of a constant matters


def test_a_generic_student_has_no_symmetry_but_that_of_its_activation():
    assert directions("erf", orthonormal_teacher(3, 3), some(3, 3)) == {}


def test_all_zero_modes_of_an_exact_copy_are_named():
    teacher = equicorrelated_teacher(2, 4, 0.3)
    for name in ("erf", "sin", "gelu", "tanh", "relu", "leaky_relu"):
        point = CriticalPoint(PopulationLandscape(ACTIVATIONS[name], teacher), teacher)
        assert point.zero_modes == ({"rescaling": 2} if ACTIVATIONS[name].homogeneous else {})
        assert point.kind == "minimum" and point.loss < 1e-14
