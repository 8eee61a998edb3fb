"""Symmetry blocks against the full Hessian, multiplicities against the number of parameters, no matrix of the Hessian's size."""

import time
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.copy_average import copy_average, partitions
from landscape_nb.closed_forms.one_neuron import one_neuron
from landscape_nb.closed_forms.perturbed_copy import perturbed_copy, perturbed_copy_average
from landscape_nb.closed_forms.symmetry_blocks import Block, index, spectrum, symmetry_blocks
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher

ERF, RELU, SIN, COS = (ACTIVATIONS[name] for name in ("erf", "relu", "sin", "cos"))


def agrees(landscape, student, tolerance=1e-12):
    """Blocks against the full Hessian; the blocks."""
    blocks = symmetry_blocks(landscape, student)
    full = np.linalg.eigvalsh(landscape.hessian(student))
    assert sum(block.multiplicity * block.eigenvalues.size for block in blocks) == full.size
    assert_allclose(spectrum(blocks), full, rtol=0, atol=tolerance * np.abs(full).max())
    return blocks


def theta_of(x, y, z, a, n, k, d):
    W = np.full((n, k), z)
    W[:, :n] = y
    np.fill_diagonal(W, x)
    return Network(np.pad(W, ((0, 0), (0, d - k))), [a] * n)


@pytest.mark.parametrize("k", range(1, 9))
def test_every_type_of_copy_average_has_the_spectrum_of_the_full_hessian(k):
    for n in range(1, k + 1):
        for sizes in partitions(k, n):
            for d in (k, k + 1, k + 3) if k <= 5 else (k + 1,):
                found = copy_average(ERF, orthonormal_teacher(k, d), sizes)
                agrees(found.landscape, found.student)


@pytest.mark.parametrize("name", ("normal_cdf", "sin", "cos", "exp", "gaussian"))
@pytest.mark.parametrize("sizes", ((3, 3, 2, 1, 1), (2, 2, 2, 2), (5, 5), (4, 3, 2, 1), (1, 1, 1, 1, 1)))
def test_other_activations_agree_too(name, sizes):
    found = copy_average(ACTIVATIONS[name], orthonormal_teacher(sum(sizes), sum(sizes) + 2), sizes)
    agrees(found.landscape, found.student)


@pytest.mark.parametrize("sizes", ((5, 5, 3, 3, 3, 1, 1), (4, 4, 2, 2, 1, 1), (3, 3, 3, 3, 2), (6, 2, 2, 2, 2)))
def test_large_types_agree_with_the_full_hessian(sizes):
    found = copy_average(ERF, orthonormal_teacher(sum(sizes), sum(sizes) + 1), sizes)
    blocks = agrees(found.landscape, found.student)
    assert max(block.eigenvalues.size for block in blocks) <= 15
    assert found.index == index(blocks) == int(np.sum(np.linalg.eigvalsh(found.hessian) < 0))


@pytest.mark.parametrize("k, n", [(k, n) for k in (3, 4, 5, 6, 8) for n in range(2, k)])
def test_perturbed_points_agree_with_the_full_hessian_and_their_zeros_are_exact(k, n):
    teacher = orthonormal_teacher(k, k + 2)
    agrees((erf := perturbed_copy(ERF, teacher, n)).landscape, erf.student)
    for found in (perturbed_copy(RELU, teacher, n), perturbed_copy_average(RELU, teacher, n)):
        blocks = agrees(found.landscape, found.student)
        zeros = sum(block.multiplicity * int(np.sum(block.eigenvalues == 0)) for block in blocks)
        assert zeros == found.nullity == n and found.zero_modes == {"rescaling": n}
        assert sum(block.multiplicity * block.zero_modes for block in blocks) == n
        full = np.sort(np.abs(np.linalg.eigvalsh(found.hessian)))
        assert full[n - 1] < 1e-12 * full[-1] < full[n]


@pytest.mark.parametrize("name", ("erf", "tanh", "relu", "gaussian", "cube"))
@pytest.mark.parametrize("n, k, d", ((2, 3, 3), (3, 4, 6), (4, 6, 7), (5, 6, 6), (3, 3, 4)))
def test_symmetric_students_need_not_be_critical_nor_the_teachers_orthogonal(name, n, k, d):
    for teacher in (orthonormal_teacher(k, d), equicorrelated_teacher(k, d, 0.3, 0.9, -1.5)):
        agrees(PopulationLandscape(ACTIVATIONS[name], teacher), theta_of(0.9, -0.2, 0.3, 1.3, n, k, d))


def test_neurons_and_teachers_may_stand_in_any_order_in_any_frame():
    rng = np.random.default_rng(3)
    found = copy_average(ERF, orthonormal_teacher(9, 11), (3, 3, 2, 1))
    turn = ortho_group.rvs(11, random_state=rng)
    teachers, neurons = rng.permutation(9), rng.permutation(4)
    teacher = Network(found.landscape.teacher.W[teachers] @ turn, np.ones(9))
    student = Network(found.student.W[neurons] @ turn, found.student.a[neurons])
    blocks = agrees(PopulationLandscape(ERF, teacher), student)
    assert_allclose(spectrum(blocks), found.spectrum, atol=1e-12 * found.spectrum[-1])
    assert sorted(block.multiplicity for block in blocks) == sorted(block.multiplicity for block in found.blocks)


@pytest.mark.parametrize("k", (1, 2, 5))
def test_one_neuron_has_the_spectrum_of_its_own_theorem(k):
    for name in ("erf", "relu", "sin", "gaussian"):
        for correlation in (0.0, 0.3, 1.0):
            found = one_neuron(ACTIVATIONS[name], equicorrelated_teacher(k, k + 2, correlation))[0]
            if found.method == "closed form":
                blocks = symmetry_blocks(found.landscape, found.student)
                assert_allclose(spectrum(blocks), found.spectrum, atol=1e-12 * np.abs(found.spectrum).max())


def test_equal_neurons_and_equal_teachers_are_classes_of_their_own():
    landscape = PopulationLandscape(ERF, equicorrelated_teacher(4, 6, 0.2))
    mean = landscape.teacher.W.mean(axis=0)
    agrees(landscape, Network([mean, mean, 2 * mean], [0.4, 0.4, 1.0]))
    agrees(PopulationLandscape(ERF, equicorrelated_teacher(3, 4, 1.0)), Network([[0.5, 0, 0, 0]], [1.0]))


def test_a_student_without_symmetry_is_one_block_and_the_complement():
    rng = np.random.default_rng(4)
    landscape = PopulationLandscape(SIN, Network(rng.normal(size=(3, 5)), rng.normal(size=3)))
    student = Network(rng.normal(size=(2, 3)) @ landscape.teacher.W, rng.normal(size=2))
    blocks = agrees(landscape, student)
    assert [(block.multiplicity, block.eigenvalues.size) for block in blocks] == [(2, 2), (1, 8)]


def test_multiplicities_are_the_dimensions_of_the_representations():
    found = copy_average(ERF, orthonormal_teacher(17, 20), (3, 3, 3, 2, 2, 1, 1, 1, 1))
    table = {block.name: (block.multiplicity, block.eigenvalues.size) for block in found.blocks}
    assert table["outside the teachers"] == (3, 3)
    assert table["outside the teachers, copies against each other"] == (3 * 3, 1)
    assert table["within the groups of 3"] == (3 * 2, 4)
    assert table["within the groups of 3, other averages of 3 against each other"] == (3 * 2 * 1, 1)
    assert table["within the groups of 3, copies against each other"] == (3 * 2 * 3, 1)
    assert table["all alike"] == (1, 9 + 3 + 3)
    assert table["copies against each other"] == (3, 3 + 2 + 2 + 1)
    assert table["averages of 2 against each other"] == (1, 2 + 2 + 2 + 1)
    assert table["averages of 3 against each other, copies against each other"] == (2 * 3, 2)
    assert table["pairs of averages of 3, antisymmetric"] == (1, 1)
    assert table["pairs of copies, antisymmetric"] == (3, 1) and table["pairs of copies, symmetric"] == (2, 1)


HUNDRED = orthonormal_teacher(100, 101)


@pytest.mark.parametrize(
    "make",
    (
        lambda: copy_average(ERF, HUNDRED, (20, *[1] * 80)),
        lambda: copy_average(ERF, HUNDRED, (50, 50)),
        lambda: copy_average(ERF, HUNDRED, (22, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)),
        lambda: perturbed_copy(ERF, HUNDRED, 42),
        lambda: perturbed_copy(RELU, HUNDRED, 90),
        lambda: perturbed_copy_average(RELU, HUNDRED, 60),
    ),
)
def test_a_hundred_teachers_take_little_time_and_memory(make):
    found = make()
    tracemalloc.start()
    try:
        began = time.process_time()
        blocks = symmetry_blocks(found.landscape, found.student)
        seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    parameters = found.student.theta.size
    assert sum(block.multiplicity * block.eigenvalues.size for block in blocks) == parameters
    assert seconds < 10 and peak < max(8 * parameters**2 / 2, 4e8)
    # each block's eigenvalues are eigenvalues of the Hessian: the trace, by random vectors of signs, agrees
    signs = np.random.default_rng(1).choice([-1.0, 1.0], size=(40, parameters))
    quadratic = np.sum(signs * found.landscape.hessian_vector_product(found.student, signs), axis=1)
    error = np.std(quadratic) / np.sqrt(40)
    assert abs(quadratic.mean() - found.spectrum.sum()) < 5 * error + 1e-9 * np.abs(found.spectrum).sum()


@pytest.mark.parametrize("n, smallest", ((21, -9e-6), (22, 1.4e-5)))
def test_the_softest_mode_of_fifty_teachers_keeps_its_published_sign(n, smallest):
    found = perturbed_copy(ERF, orthonormal_teacher(50, 51), n)
    assert_allclose(found.spectrum[0], smallest, rtol=0.06)
    assert found.index == (0 if n == 22 else n - 1)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_student_outside_the_span_of_the_teachers_is_refused():
    with pytest.raises(ValueError, match="in the span of the teachers; this one leaves it"):
        symmetry_blocks(PopulationLandscape(ERF, orthonormal_teacher(2, 3)), Network([[1, 0, 0.1]], [1]))


def test_a_neuron_that_vanishes_for_relu_is_refused_by_the_landscape():
    with pytest.raises(ValueError, match="a neuron has w = 0"):
        symmetry_blocks(PopulationLandscape(RELU, orthonormal_teacher(2, 3)), Network([[0, 0, 0]], [1]))


def test_linearly_dependent_teachers_are_refused():
    with pytest.raises(ValueError, match="linearly dependent"):
        symmetry_blocks(PopulationLandscape(ERF, equicorrelated_teacher(3, 3, -0.5)), Network([[1, 0, 0]], [1]))


def test_a_landscape_that_lacks_the_symmetry_is_found_out():
    landscape = PopulationLandscape(ERF, orthonormal_teacher(4, 4))

    class Tilted(PopulationLandscape):
        def hessian_vector_product(self, student, direction):
            return super().hessian_vector_product(student, direction) + 1e-3 * np.asarray(direction)[..., :1]

    student = theta_of(0.9, 0.1, 0.2, 1.0, 3, 4, 4)
    symmetry_blocks(landscape, student)
    with pytest.raises(ValueError, match=r"does not keep the block .* to itself"):
        symmetry_blocks(Tilted(ERF, landscape.teacher), student)


def test_a_student_with_too_little_symmetry_is_refused_before_any_work():
    rng = np.random.default_rng(5)
    landscape = PopulationLandscape(ERF, orthonormal_teacher(60, 60))
    with pytest.raises(ValueError, match="too little symmetry: its largest block has 1830 rows, 1500 are allowed"):
        symmetry_blocks(landscape, Network(rng.normal(size=(30, 60)), np.ones(30)))


def test_blocks_read_as_name_multiplicity_and_eigenvalues():
    assert repr(Block("all alike", 3, np.array([0.5, 2.0]))) == "Block('all alike', 3 x [0.5, 2])"
    assert spectrum((Block("a", 2, np.array([3.0, -1.0])), Block("b", 1, np.array([0.0])))).tolist() == [
        -1,
        -1,
        0,
        3,
        3,
    ]
    assert index((Block("a", 2, np.array([3.0, -1.0])), Block("b", 1, np.array([0.0])))) == 2
