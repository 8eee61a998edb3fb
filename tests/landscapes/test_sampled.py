"""The loss on weighted samples against the population loss, a loop over the samples, complex steps and differences.

The loop writes activations out a second time, takes one sample and one neuron at a time and knows nothing of batches, of
the parts in which large data are worked through, or of matrix products.
"""

import re
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import CONTINUOUS_KINK, JUMP, NAMES, SIGMA, SMOOTH
from scipy.special import erf

from landscape_nb.activations import ACTIVATIONS, register_activation
from landscape_nb.critical import CriticalPoint, refine
from landscape_nb.flows import gradient_flow
from landscape_nb.landscapes import (
    BiasedNetwork,
    PopulationLandscape,
    SampledLandscape,
    Samples,
    gaussian_line,
    load_samples,
)
from landscape_nb.landscapes import sampled as module
from landscape_nb.networks import Network, orthonormal_teacher

ERF, RELU, TANH = ACTIVATIONS["erf"], ACTIVATIONS["relu"], ACTIVATIONS["tanh"]


def data(seed=0, count=7, d=2, weighted=True):
    """Inputs with a column of ones, labels and weights."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(count, d - 1)), np.ones(count)])
    return X, rng.normal(size=count), rng.uniform(0.1, 1.0, size=count) if weighted else None


def some(n, d, bias=False, seed=1, batch=()):
    return np.random.default_rng(seed).normal(size=(*batch, n * d + n + bias))


def close(actual, desired, tolerance):
    """Within the tolerance times the largest entry, or 1 if that is smaller."""
    assert_allclose(actual, desired, rtol=0, atol=tolerance * max(1.0, np.abs(desired).max()))


def loop(name, theta, X, y, weights, bias):
    """(L, gradient, Hessian), one sample and one neuron at a time."""
    sigma, d, p = SIGMA[name], X.shape[1], theta.size
    n = (p - bias) // (d + 1)
    W, a = theta[: n * d].reshape(n, d), theta[n * d : n * d + n]
    value, gradient, hessian = 0.0, np.zeros(p), np.zeros((p, p))
    for x, label, weight in zip(X, y, weights):
        rest = (theta[-1] if bias else 0.0) - label
        first, second = np.zeros(p), np.zeros((p, p))
        if bias:
            first[-1] = 1.0
        for i in range(n):
            z = np.array([sum(W[i] * x)])
            s, s1, s2 = (float(sigma(z, order)[0]) for order in range(3))
            rest += a[i] * s
            first[n * d + i] = s
            for k in range(d):
                first[i * d + k] = a[i] * s1 * x[k]
                second[i * d + k, n * d + i] = second[n * d + i, i * d + k] = s1 * x[k]
                for m in range(d):
                    second[i * d + k, i * d + m] = a[i] * s2 * x[k] * x[m]
        value += weight * rest**2
        gradient += 2 * weight * rest * first
        hessian += 2 * weight * (np.outer(first, first) + rest * second)
    return value, gradient, hessian


# --- value, gradient and Hessian ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bias", (False, True))
def test_everything_agrees_with_a_loop_over_the_samples(name, bias):
    X, y, weights = data()
    landscape = SampledLandscape(ACTIVATIONS[name], X, y, weights, output_bias=bias)
    theta = some(3, 2, bias)
    value, gradient, hessian = loop(name, theta, X, y, weights, bias)
    close(landscape.value(theta), value, 1e-13)
    close(landscape.gradient(theta), gradient, 1e-12)
    close(landscape.hessian(theta), hessian, 1e-12)
    assert_array_equal(landscape.hessian(theta), landscape.hessian(theta).T)
    assert landscape.has_hessian(theta)


def tensor_line(d, points, span):
    x, weights = gaussian_line(points, span)
    if d == 1:
        return x[:, None], weights
    grid = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid, np.outer(weights, weights).ravel()


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("d", (1, 2))
def test_many_nodes_give_the_population_loss_with_gradient_and_hessian(name, d):
    rng = np.random.default_rng(3)
    teacher, student = (Network(rng.uniform(-1, 1, (n, d)), rng.normal(size=n)) for n in (2, 3))
    activation = ACTIVATIONS[name]
    X, weights = tensor_line(d, 151 if d == 1 else 121, 10.0)
    y = activation(X @ teacher.W.T) @ teacher.a
    sampled, population = SampledLandscape(activation, X, y, weights), PopulationLandscape(activation, teacher)
    close(sampled.constant, population.constant, 1e-10)
    close(sampled.value(student), population.value(student), 1e-10)
    close(sampled.gradient(student), population.gradient(student), 1e-10)
    close(sampled.hessian(student), population.hessian(student), 1e-10)


def test_the_gradient_is_the_complex_step_of_the_loss():
    X, y, weights = data(5, 11, 3)
    theta = some(4, 3, True)
    landscape = SampledLandscape(TANH, X, y, weights, output_bias=True)

    def value(theta):
        return np.sum(weights * (np.tanh(X @ theta[:12].reshape(4, 3).T) @ theta[12:16] + theta[16] - y) ** 2)

    steps = [value(theta + 1e-30j * unit).imag / 1e-30 for unit in np.eye(17)]
    close(landscape.gradient(theta), steps, 1e-13)
    close(landscape.value(theta), value(theta), 1e-14)


@pytest.mark.parametrize("name", (*SMOOTH, *CONTINUOUS_KINK))
def test_the_hessian_is_the_difference_of_gradients(name):
    X, y, weights = data(5, 11, 2)
    theta, step = some(3, 2, True), 1e-5
    landscape = SampledLandscape(ACTIVATIONS[name], X, y, weights, output_bias=True)
    shifts = step * np.eye(theta.size)
    differences = (landscape.gradient(theta + shifts) - landscape.gradient(theta - shifts)) / (2 * step)
    close(landscape.hessian(theta), differences, 1e-8)


@pytest.mark.parametrize("name", ("erf", "relu"))
@pytest.mark.parametrize("bias", (False, True))
def test_the_hessian_times_directions_needs_no_hessian(name, bias):
    X, y, weights = data()
    landscape = SampledLandscape(ACTIVATIONS[name], X, y, weights, output_bias=bias)
    theta, directions = some(3, 2, bias), some(3, 2, bias, 2, (4,))
    close(landscape.hessian_vector_product(theta, directions), directions @ landscape.hessian(theta), 1e-13)
    students = some(3, 2, bias, 5, (2, 1))
    expected = np.einsum("bcpq,eq->bep", landscape.hessian(students), directions)
    close(landscape.hessian_vector_product(students, directions), expected, 1e-13)
    assert landscape.hessian_vector_product(theta, directions[0]).shape == theta.shape


# --- weights, bias, batches -----------------------------------------------------------------------------------------


def test_weights_are_repeated_samples():
    X, y, _ = data(weighted=False)
    times = np.array([1, 3, 0, 2, 1, 0, 4])
    weighted = SampledLandscape(ERF, X, y, times / times.sum())
    repeated = SampledLandscape(ERF, np.repeat(X, times, axis=0), np.repeat(y, times))
    theta = some(2, 2)
    close(weighted.value(theta), repeated.value(theta), 1e-14)
    close(weighted.gradient(theta), repeated.gradient(theta), 1e-14)
    close(weighted.hessian(theta), repeated.hessian(theta), 1e-14)
    close(weighted.constant, repeated.constant, 1e-14)


def test_weights_are_used_as_they_are_and_default_to_the_mean():
    X, y, _ = data(weighted=False)
    theta = some(2, 2)
    mean = SampledLandscape(ERF, X, y)
    assert_array_equal(mean.weights, np.full(7, 1 / 7))
    assert_allclose(SampledLandscape(ERF, X, y, np.ones(7)).value(theta), 7 * mean.value(theta), rtol=1e-14)
    assert_allclose(mean.constant, np.mean(y**2), rtol=1e-14)
    assert_allclose(mean.value(np.zeros(6)), mean.constant, rtol=1e-14)


def test_the_output_bias_shifts_the_labels():
    X, y, weights = data()
    plain = SampledLandscape(ERF, X, y - 0.7, weights)
    biased = SampledLandscape(ERF, X, y, weights, output_bias=True)
    theta = some(2, 2)
    with_bias = np.append(theta, 0.7)
    close(biased.value(with_bias), plain.value(theta), 1e-14)
    close(biased.gradient(with_bias)[:-1], plain.gradient(theta), 1e-14)
    close(biased.hessian(with_bias)[:-1, :-1], plain.hessian(theta), 1e-14)


def test_a_biased_network_is_a_network_whose_theta_ends_with_b():
    X, y, weights = data()
    landscape = SampledLandscape(ERF, X, y, weights, output_bias=True)
    theta = some(3, 2, True)
    network = landscape.network(theta)
    assert isinstance(network, Network)
    assert_array_equal(network.theta, theta)
    assert network.b == theta[-1] and (network.n, network.d) == (3, 2)
    assert landscape.value(network) == landscape.value(theta)
    assert network == BiasedNetwork.from_theta(theta, 3, 2) and hash(network) == hash(landscape.network(theta))
    assert network != BiasedNetwork(network.W, network.a, 0.0) and network != Network(network.W, network.a)
    plain = SampledLandscape(ERF, X, y, weights).network(theta[:-1])
    assert type(plain) is Network and plain == Network(network.W, network.a)
    assert repr(BiasedNetwork([[1.0, 2.0]], [1.0], 0.25)) == "BiasedNetwork(n=1, d=2, b=0.25)"


@pytest.mark.parametrize("name", ("erf", "relu", "exp"))
@pytest.mark.parametrize("bias", (False, True))
def test_results_do_not_depend_on_the_batch_or_on_the_parts(name, bias, monkeypatch):
    X, y, weights = data(2, 23, 3)
    landscape = SampledLandscape(ACTIVATIONS[name], X, y, weights, output_bias=bias)
    theta = some(2, 3, bias, batch=(2, 5))
    directions = some(2, 3, bias, 9, (5,))

    def everything(theta, directions):
        return (
            landscape.value(theta),
            *landscape.value_and_gradient(theta),
            landscape.hessian(theta),
            landscape.hessian_vector_product(theta, directions),
            landscape.hessian_vector_product(theta.reshape(-1, theta.shape[-1])[0], directions),
        )

    whole = everything(theta, directions)
    assert [part.shape for part in whole[:4]] == [(2, 5), (2, 5), theta.shape, (*theta.shape, theta.shape[-1])]
    for i in range(2):
        for j in range(5):
            alone = everything(theta[i, j], directions[j])
            for part, row in zip(whole[:5], alone[:5]):
                close(part[i, j], row, 1e-14)
    for entries in (1, 40, 300):  # one student and one sample; several samples; several students
        monkeypatch.setattr(module, "_ENTRIES", entries)
        for part, again in zip(whole, everything(theta, directions)):
            close(again, part, 1e-13)


@pytest.mark.parametrize("count, students", ((20000, 40), (200, 4000), (20000, 1)))
def test_the_memory_does_not_grow_with_samples_or_students(count, students, monkeypatch):
    monkeypatch.setattr(module, "_ENTRIES", 2**15)  # arrays of 256 kB; the Jacobians of all would take up to 96 MB
    X, y, _ = data(0, count, 2, weighted=False)
    landscape = SampledLandscape(ERF, X, y)
    theta = some(5, 2, batch=(students,))
    for work in (landscape.value, landscape.gradient, lambda theta: landscape.hessian_vector_product(theta, theta)):
        tracemalloc.start()
        work(theta)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * (8 * 2**15 + 4 * theta.size)
    tracemalloc.start()
    landscape.hessian(theta)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * (8 * 2**15 + 4 * 15 * theta.size)  # the result itself has 15 theta.size entries


def test_an_empty_batch_is_fine():
    X, y, weights = data()
    landscape = SampledLandscape(ERF, X, y, weights)
    none = np.empty((0, 6))
    assert landscape.value(none).shape == (0,)
    assert landscape.gradient(none).shape == (0, 6)
    assert landscape.hessian(none).shape == (0, 6, 6)
    assert landscape.hessian_vector_product(none, none).shape == (0, 6)


# --- kinks and numbers that are not finite --------------------------------------------------------------------------


def on_the_kink():
    """relu, a sample at w.x = 0 for the first neuron, with a residual."""
    X = np.array([[1.0, 1.0], [-2.0, 1.0], [0.5, 1.0]])
    return X, np.array([0.3, -1.0, 2.0]), np.array([1.0, -1.0, 0.4, 0.2, 0.8, -0.6])


def test_relu_has_neither_gradient_nor_hessian_where_a_sample_sits_on_the_kink():
    X, y, theta = on_the_kink()
    landscape = SampledLandscape(RELU, X, y)
    assert np.isfinite(landscape.value(theta))
    assert not landscape.has_hessian(theta)
    with pytest.raises(ValueError, match=r"no gradient at this student: a neuron has a sample on its kink, w.x = 0"):
        landscape.gradient(theta)
    with pytest.raises(ValueError, match=r"no Hessian at this student"):
        landscape.hessian(theta)
    with pytest.raises(ValueError, match=r"no Hessian at this student"):
        landscape.hessian_vector_product(theta, theta)
    moved = theta + [0.01, 0, 0, 0, 0, 0]
    batch = np.stack([theta, moved])
    assert_array_equal(landscape.has_hessian(batch), [False, True])
    for whole, alone in (
        (landscape.gradient(batch), landscape.gradient(moved)),
        (landscape.hessian(batch), landscape.hessian(moved)),
        (landscape.hessian_vector_product(batch, theta), landscape.hessian_vector_product(moved, theta)),
    ):
        assert np.isnan(whole[0]).all()
        assert_array_equal(whole[1], alone)
    left, right = landscape.gradient(theta - 1e-9 * np.eye(6)[0]), landscape.gradient(theta + 1e-9 * np.eye(6)[0])
    assert np.abs(left - right).max() > 0.1


def test_a_kink_that_no_sample_shows_is_none():
    X, y, theta = on_the_kink()
    assert SampledLandscape(RELU, X, y, [0.0, 1.0, 1.0]).has_hessian(theta)  # no weight
    silenced = theta.copy()
    silenced[4] = 0.0  # a = 0: a gradient, but no derivative of it
    landscape = SampledLandscape(RELU, X, y)
    assert np.isfinite(landscape.gradient(silenced)).all()
    assert not landscape.has_hessian(silenced)
    origin = SampledLandscape(RELU, [[0.0], [1.0]], [1.0, 2.0])  # at x = 0 nothing depends on w
    assert origin.has_hessian([0.7, 0.3])
    assert np.isfinite(origin.hessian([0.7, 0.3])).all()
    assert not origin.has_hessian([0.0, 0.3])


def test_a_kink_of_the_slope_leaves_the_gradient():
    name = "elu_of_the_sampled_tests"
    elu = register_activation(
        name,
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        derivative=lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0))),
        second_derivative=lambda z: np.where(z > 0, 0.0, np.exp(np.minimum(z, 0))),
        kinks=(0.0,),
    )
    try:
        X, y, theta = on_the_kink()
        landscape = SampledLandscape(elu, X, y)
        assert np.isfinite(landscape.gradient(theta)).all()
        assert not landscape.has_hessian(theta)
        silenced = theta.copy()
        silenced[4] = 0.0
        assert landscape.has_hessian(silenced)
        shifts = 1e-6 * np.eye(6)
        differences = (landscape.gradient(silenced + shifts) - landscape.gradient(silenced - shifts)) / 2e-6
        close(landscape.hessian(silenced), differences, 1e-5)
    finally:
        del ACTIVATIONS[name]


@pytest.mark.parametrize("name", JUMP)
def test_a_jump_on_a_sample_has_no_derivatives(name):
    X, y, theta = on_the_kink()
    landscape = SampledLandscape(ACTIVATIONS[name], X, y)
    assert not landscape.has_hessian(theta)
    with pytest.raises(ValueError, match="no gradient"):
        landscape.gradient(theta)


@pytest.mark.parametrize("name", ("erf", "step"))
def test_theta_that_is_not_finite_is_refused_alone_and_nan_in_a_batch(name):
    X, y, weights = data()
    landscape = SampledLandscape(ACTIVATIONS[name], X, y, weights)
    theta = some(2, 2, batch=(3,))
    theta[1, 0], theta[2, 5] = np.nan, np.inf
    with pytest.raises(ValueError, match="theta must hold finite numbers; it holds nan"):
        landscape.value(theta[1])
    for result in (
        landscape.value(theta),
        landscape.gradient(theta),
        landscape.hessian(theta),
        landscape.hessian_vector_product(theta, np.ones(6)),
    ):
        assert np.isfinite(result[0]).all() and np.isnan(result[1:]).all()
    assert_array_equal(landscape.has_hessian(theta), [True, False, False])


# --- symmetries -----------------------------------------------------------------------------------------------------


def assert_the_loss_is_constant_along(landscape, student, names):
    directions = landscape.symmetry_directions(student)
    assert set(directions) == set(names)
    theta = student.theta
    for name, rows in directions.items():
        assert rows.shape[1] == theta.size
        for row in rows:
            step = 1e-4 * row / np.linalg.norm(row)
            change = landscape.value(theta + step) - landscape.value(theta - step)
            assert abs(change) <= (1e-11 if name == "rescaling" else 1e-15) * max(1, landscape.value(theta)), name
    return {name: len(rows) for name, rows in directions.items()}


@pytest.mark.parametrize("name", (*SMOOTH, *CONTINUOUS_KINK))
def test_a_generic_student_has_the_symmetries_of_its_activation(name):
    X, y, weights = data(0, 9, 3)
    landscape = SampledLandscape(ACTIVATIONS[name], X, y, weights)
    homogeneous = ACTIVATIONS[name].homogeneous is not None
    counts = assert_the_loss_is_constant_along(
        landscape, landscape.network(some(2, 3)), ("rescaling",) if homogeneous else ()
    )
    assert counts == ({"rescaling": 2} if homogeneous else {})


@pytest.mark.parametrize("bias", (False, True))
def test_duplicates_and_silenced_neurons_are_named(bias):
    X, y, weights = data(0, 9, 2)
    landscape = SampledLandscape(ERF, X, y, weights, output_bias=bias)
    W, a = np.array([[0.4, 0.2], [-0.4, -0.2], [0.7, 0.1], [0.0, 0.0]]), np.array([0.3, 0.5, 0.0, 0.2])
    student = BiasedNetwork(W, a, 0.3) if bias else Network(W, a)
    counts = assert_the_loss_is_constant_along(landscape, student, ("splitting", "silenced neuron", "idle neuron"))
    assert counts == {"splitting": 1, "silenced neuron": 2, "idle neuron": 1}


def test_inputs_that_no_sample_reaches_and_neurons_that_are_constant_are_named():
    t = np.linspace(-1, 1, 9)
    X = np.column_stack([t, 2 * t, np.ones(9)])  # (2, -1, 0) is orthogonal to all samples
    landscape = SampledLandscape(ERF, X, np.sin(3 * t), output_bias=True)
    W = np.array([[0.3, 0.1, 0.2], [0.3 + 2, 0.1 - 1, 0.2], [2.0, -1.0, 0.5]])  # equal, and constant, on the samples
    student = BiasedNetwork(W, [0.4, 0.7, 0.2], 0.1)
    counts = assert_the_loss_is_constant_along(landscape, student, ("unseen input", "splitting", "constant neuron"))
    assert counts == {"unseen input": 3, "splitting": 1, "constant neuron": 1}
    assert CriticalPoint(landscape, student).zero_modes == {"unseen input": 3}


def test_the_loss_of_permuted_and_flipped_students_is_the_same():
    X, y, weights = data()
    landscape = SampledLandscape(ERF, X, y, weights)
    student = landscape.network(some(3, 2))
    value = landscape.value(student)
    close(landscape.value(Network(student.W[[2, 0, 1]], student.a[[2, 0, 1]])), value, 1e-15)
    close(landscape.value(Network(-student.W, -student.a)), value, 1e-15)


# --- with the rest of the library -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", (False, True))
def test_flows_end_where_newton_ends(bias):
    x = np.linspace(-1.5, 1.5, 13)
    X = np.column_stack([x, np.ones(13)])
    y = erf(1.5 * x + 0.4) + 0.1 * np.cos(4 * x) + 0.3 * bias
    landscape = SampledLandscape(ERF, X, y, output_bias=bias)
    start = np.pad([[2.0, 0.4, 0.8], [3.0, 0.9, 1.3]], ((0, 0), (0, int(bias))))
    flow = gradient_flow(landscape, start, 1e5, endpoint_only=True)
    assert list(flow.reason) == ["converged"] * 2
    point = refine(landscape, flow.end[0])
    assert point.residual <= 1e-13 * max(1, point.spectrum.max())
    assert isinstance(point.student, BiasedNetwork) == bias
    assert_allclose(point.student.theta, flow.end[0], atol=1e-7)
    assert point.kind == "minimum" and point.index == 0
    assert "minimum" in point.describe()
    again = gradient_flow(landscape, point.student, 10.0)
    assert again.reason == "converged" and isinstance(again.end, BiasedNetwork) == bias


def test_the_flow_of_a_population_and_of_its_nodes_is_the_same():
    x, weights = gaussian_line()
    teacher = Network([[1.2]], [0.9])
    sampled = SampledLandscape(ERF, x[:, None], erf(1.2 * x / np.sqrt(2)) * 0.9, weights)
    start, times = np.array([0.4, 1.5]), np.array([0.0, 1.0, 10.0, 100.0])
    paths = [
        gradient_flow(landscape, start, 100.0, times=times).students
        for landscape in (sampled, PopulationLandscape(ERF, teacher))
    ]
    assert_allclose(*paths, atol=1e-8)


def toy(x, weights):
    """Target s(5x + 2.5) + s(5x - 2.5) with s(z) = erf(z / sqrt 2) on nodes for x ~ N(0, 1)."""
    y = erf((5 * x + 2.5) / np.sqrt(2)) + erf((5 * x - 2.5) / np.sqrt(2))
    return SampledLandscape(ERF, x[:, None], y, weights)


def test_the_toy_of_the_channels_paper_has_its_published_numbers():
    landscape = toy(*gaussian_line())
    point = refine(landscape, [1.4, 2.1])
    assert_allclose(point.loss, 0.0471160274967, rtol=1e-11)
    assert_allclose(point.student.theta, [1.3995541, 2.1527836], atol=1e-7)
    assert_allclose(point.spectrum, [0.1530, 1.3662], atol=5e-5)
    w, a = point.student.theta
    halves = CriticalPoint(landscape, Network([[w], [w]], [0.65 * a, 0.35 * a]))
    assert_allclose(halves.spectrum, [0, 0.02324, 0.1131, 2.058], atol=5e-4)
    assert halves.zero_modes == {"splitting": 1} and halves.kind == "minimum" and halves.residual < 1e-13
    outside = CriticalPoint(landscape, Network([[w], [w]], [1.5 * a, -0.5 * a]))
    assert_allclose(outside.spectrum, [-0.01928, 0, 0.3128, 2.959], atol=5e-4)
    assert outside.index == 1


def test_gauss_hermite_gets_the_loss_of_the_toy_wrong():
    steep, exact = [5.0, 1.0], toy(*gaussian_line(1601)).value([5.0, 1.0])
    assert_allclose(toy(*gaussian_line()).value(steep), exact, rtol=1e-12)
    for points in (20, 50, 100):
        x, weights = np.polynomial.hermite_e.hermegauss(points)
        assert abs(toy(x, weights / weights.sum()).value(steep) / exact - 1) > 1e-3


# --- nodes for one-dimensional populations --------------------------------------------------------------------------


def second_moment(w, x, weights):
    """E[erf(w x / sqrt 2)^2], exactly 2/pi arcsin(w^2 / (1 + w^2))."""
    return weights @ erf(w * x / np.sqrt(2)) ** 2


def exact(w):
    return 2 / np.pi * np.arcsin(w**2 / (1 + w**2))


def test_the_line_is_normalised_symmetric_and_knows_the_moments():
    x, weights = gaussian_line()
    assert x.shape == weights.shape == (161,) and (x[0], x[-1]) == (-8, 8)
    assert_array_equal(x, -x[::-1])
    assert_array_equal(weights, weights[::-1])
    for power, moment in ((0, 1), (2, 1), (4, 3), (6, 15)):
        assert_allclose(weights @ x**power, moment, rtol=1e-10 if power else 1e-15)
    kernel = ERF.self_kernel(25.0)
    assert_allclose(exact(5.0), kernel, rtol=1e-15)
    assert abs(second_moment(5.0, x, weights) / kernel - 1) < 1e-12


def test_a_steep_neuron_needs_a_fine_line_and_breaks_gauss_hermite():
    for points in (50, 161, 300):
        x, weights = np.polynomial.hermite_e.hermegauss(points)
        weights = weights / weights.sum()
        assert abs(second_moment(0.5, x, weights) / exact(0.5) - 1) < 1e-9  # a mild neuron: nothing seems wrong
        assert abs(second_moment(100.0, x, weights) / exact(100.0) - 1) > 5e-3
    x, weights = gaussian_line(3201)  # h w = 1/2
    assert abs(second_moment(100.0, x, weights) / exact(100.0) - 1) < 1e-12
    x, weights = gaussian_line()  # h w = 10
    assert abs(second_moment(100.0, x, weights) / exact(100.0) - 1) > 1e-3


def test_the_end_nodes_carry_half_a_weight():
    x, weights = gaussian_line(3, 1.0)
    assert_array_equal(x, [-1, 0, 1])
    half = 0.5 * np.exp(-0.5)
    assert_allclose(weights, np.array([half, 1, half]) / (1 + 2 * half), rtol=1e-15)


@pytest.mark.parametrize("name, reach", (("erf", 0.5), ("sigmoid", 0.5), ("tanh", 0.25)))
def test_how_steep_a_neuron_the_spacing_resolves(name, reach):
    activation, w = ACTIVATIONS[name], 10.0

    def moment(step):
        x, weights = gaussian_line(round(16 * w / step) + 1)
        return weights @ activation(w * x) ** 2

    assert_allclose(moment(reach), moment(0.05), rtol=1e-14)
    assert abs(moment(2.5 * reach) / moment(0.05) - 1) > 1e-10


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ((2,), "points must be a whole number of at least 3; points = 2 was given"),
        ((10.5,), "points must be a whole number of at least 3; points = 10.5 was given"),
        ((161, 0.0), "span must be a finite number > 0; span = 0.0 was given"),
        ((161, np.nan), "span must be a finite number > 0"),
        (
            (4, 1e4),
            "no node of span = 10000 with 4 points lies where the normal density is positive; take a span near 8",
        ),
    ],
)
def test_lines_that_make_no_sense_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        gaussian_line(*arguments)


# --- files and arrays -----------------------------------------------------------------------------------------------


def csv_file(folder, text, name="data.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("header", ("", "x, bias, y\n", "\ufeffx,bias,y\r\n", '"first, input",bias,y\n\n'))
def test_a_csv_file_holds_inputs_and_then_y(tmp_path, header):
    path = csv_file(tmp_path, header + "0.5,1,2\n\n -1e-3 , 1, 3\r\n")
    X, y, weights = load_samples(path)
    assert_array_equal(X, [[0.5, 1], [-1e-3, 1]])
    assert_array_equal(y, [2, 3])
    assert weights is None
    assert load_samples(str(path)).X.shape == (2, 2)


@pytest.mark.parametrize("text", ("weights,x,y\n2,0.5,3\n1,0.25,4\n", "x,y,Weight\n0.5,3,2\n0.25,4,1\n"))
def test_a_column_of_weights_is_found_by_its_name(tmp_path, text):
    X, y, weights = load_samples(csv_file(tmp_path, text))
    assert_array_equal(X, [[0.5], [0.25]])
    assert_array_equal(y, [3, 4])
    assert_array_equal(weights, [2, 1])


@pytest.mark.parametrize("weighted", (True, False))
def test_npz_files_and_arrays_hold_the_same_samples(tmp_path, weighted):
    X, y, weights = data(weighted=weighted)
    content = {"X": X, "y": y} | ({"weights": weights} if weighted else {})
    np.savez(tmp_path / "data.npz", **content)
    sources = (tmp_path / "data.npz", content, tuple(content.values()), list(content.values()), Samples(X, y, weights))
    theta = some(2, 2)
    expected = SampledLandscape(ERF, X, y, weights).value(theta)
    for source in sources:
        samples = load_samples(source)
        for array, original in zip(samples, (X, y, weights)):
            assert_array_equal(array, original)
        assert SampledLandscape(ERF, *samples).value(theta) == expected


def test_the_landscape_keeps_its_own_copies():
    X, y, weights = data()
    landscape = SampledLandscape(ERF, X, y, weights)
    before = landscape.value(some(2, 2))
    X[:], y[:], weights[:] = 0, 0, 1
    assert landscape.value(some(2, 2)) == before
    with pytest.raises(ValueError, match="read-only"):
        landscape.X[0, 0] = 1.0


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "data.csv is empty; it needs at least one sample"),
        ("\n\n", "data.csv holds only blank lines and no sample; it needs at least one line of numbers"),
        ("x,y\n", "data.csv holds only a header and no sample"),
        ("x,y\n1,2\n3,abc\n", "data.csv, line 3, column 2 holds 'abc', which is not a number"),
        ("1,2\n3,\n", "data.csv, line 2, column 2 holds '', which is not a number"),
        ("1,2\nx,y\n", "data.csv, line 2, column 1 holds 'x', which is not a number"),
        ("1,y\n3,4\n", "data.csv, line 1, column 2 holds 'y', which is not a number"),
        ("1_0,2\n3,4\n", "data.csv, line 1, column 1 holds '1_0', which is not a number"),
        ("1;2\n3;4\n", "is not a number; cells hold numbers such as 0.5, separated by commas"),
        ("x,y\n1,2\n\nnan,4\n", "data.csv, line 4, column 1 holds nan; numbers must be finite: fill it in"),
        ("1,2\n3,-inf\n", "data.csv, line 2, column 2 holds -inf; numbers must be finite"),
        ("1,2\n3,1e999\n", "data.csv, line 2, column 2 holds 1e999; numbers must be finite"),
        (
            "x,y\n" + 200_000 * "1" + ",2\n",
            "data.csv cannot be read as text with commas: field larger than field limit",
        ),
        ("x,y\n1,2\n3\n", "data.csv, line 3 has 1 cell where line 1 has 2; every line needs the same number"),
        ("1\n2\n", "data.csv has 1 column besides weights; it needs at least two, the inputs and then y"),
        ("x,weights\n1,2\n", "data.csv has 1 column besides weights"),
        ("weight,x,weights,y\n1,1,1,1\n", "data.csv has 2 columns of weights; it needs one at most"),
        (
            "x,y,weights\n1,2,-1\n",
            "data.csv: weights must be >= 0; the smallest is -1, in row 1: leave that sample out",
        ),
        ("x,y,weights\n1,2,0\n", "data.csv: all weights are 0; at least one must be positive"),
        (b"\xff\xfe1,2", "data.csv cannot be read as text with commas: 'utf-8' codec can't decode"),
    ],
)
def test_a_csv_file_that_cannot_be_meant_is_refused(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as refusal:
        load_samples(csv_file(tmp_path, text))
    assert "\n" not in str(refusal.value)


def test_a_csv_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    path = csv_file(tmp_path, "1,2\n")

    def forbidden(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", forbidden)
    with pytest.raises(
        ValueError, match=re.escape("data.csv cannot be read: Permission denied; check its permissions")
    ):
        load_samples(path)


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", "data.npz is empty; it needs at least one sample"),
        (b"no archive", "data.npz cannot be read as an .npz archive of arrays: it is not a zip archive, or cut short"),
        ({"X": np.ones((2, 1))}, "data.npz needs the keys X and y (weights is optional); its keys are: X"),
        (
            {"X": np.array([[None]], dtype=object), "y": [1.0]},
            "data.npz cannot be read as an .npz archive of arrays: Object arrays cannot be loaded",
        ),
        ({"X": np.ones((2, 1)), "y": np.ones(3)}, "data.npz: y must hold one number for each of the 2 rows of X"),
        ({"X": [[1.0], [np.nan]], "y": [1.0, 2.0]}, "data.npz: X holds nan in row 2, column 1; numbers must be finite"),
    ],
)
def test_an_npz_file_that_cannot_be_meant_is_refused(tmp_path, content, sentence):
    path = tmp_path / "data.npz"
    path.write_bytes(content) if isinstance(content, bytes) else np.savez(path, **content)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        load_samples(path)


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("data.txt", "a file of samples ends in .csv or .npz; 'data.txt' was given"),
        ("nothing.csv", "there is no file of samples"),
        ("folder.npz", "there is no file of samples"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path, name, sentence):
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ValueError, match=sentence):
        load_samples(tmp_path / name)


@pytest.mark.parametrize(
    "arrays, sentence",
    [
        (
            (np.ones(3), np.ones(3)),
            "X must have the shape (N, d) with N, d >= 1, one sample a row; its shape is (3,); x[:, None]",
        ),
        (
            (np.ones((0, 2)), np.ones(0)),
            "X must have the shape (N, d) with N, d >= 1, one sample a row; its shape is (0, 2)",
        ),
        (
            (np.ones((3, 2)), np.ones((3, 1))),
            "y must hold one number for each of the 3 rows of X, shape (3,); its shape is (3, 1)",
        ),
        ((np.ones((3, 2)), np.ones(3), np.ones(2)), "weights must hold one number for each of the 3 rows of X"),
        (([["a"]], [1.0]), "X must be an array of real numbers; [['a']] was given"),
        (([[1.0], [1.0, 2.0]], [1.0, 2.0]), "X must be an array of real numbers"),
        (([[1j]], [1.0]), "X must be an array of real numbers"),
        (([[1.0]], ["2"]), "y must be an array of real numbers; ['2'] was given"),
        (([[1.0, 2.0], [3.0, np.inf]], [1.0, 2.0]), "X holds inf in row 2, column 2; numbers must be finite"),
        (
            ([[1.0], [2.0]], [1.0, np.nan]),
            "y holds nan in row 2; numbers must be finite: fill it in, or leave the sample out",
        ),
        (([[1.0], [2.0]], [1.0, 2.0], [np.inf, 1.0]), "weights holds inf in row 1"),
        (([[1.0], [2.0]], [1.0, 2.0], [1.0, -0.5]), "weights must be >= 0; the smallest is -0.5, in row 2"),
        (([[1.0], [2.0]], [1.0, 2.0], [0.0, 0.0]), "all weights are 0; at least one must be positive"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_wherever_they_come_from(arrays, sentence):
    for refuse in (load_samples, lambda arrays: SampledLandscape(ERF, *arrays)):
        with pytest.raises(ValueError, match=re.escape(f"the samples: {sentence}")):
            refuse(arrays)


@pytest.mark.parametrize(
    "source, sentence",
    [
        (3.0, "samples are the path of a .csv or .npz file, arrays (X, y) or (X, y, weights)"),
        ((np.ones((2, 1)),), "samples are the path of a .csv or .npz file"),
        ({"X": [[1.0]]}, "samples need the keys X and y (weights is optional); the keys given are: X"),
    ],
)
def test_sources_that_are_none_are_refused(source, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        load_samples(source)


def test_labels_beyond_the_range_of_numbers_are_refused():
    with pytest.raises(
        ValueError, match=r"beyond the range of floating-point numbers \(1e308\); the largest \|y\| is 1e\+200"
    ):
        SampledLandscape(ERF, [[1.0]], [1e200])


def test_arguments_that_are_none_are_refused():
    with pytest.raises(ValueError, match="activation must be an Activation such as"):
        SampledLandscape("erf", [[1.0]], [1.0])
    with pytest.raises(ValueError, match="output_bias must be True or False"):
        SampledLandscape(ERF, [[1.0]], [1.0], output_bias=0.5)
    with pytest.raises(ValueError, match="the output bias b must be one finite number; b = nan was given"):
        BiasedNetwork([[1.0]], [1.0], np.nan)
    with pytest.raises(ValueError, match=r"with an output bias has n d \+ n \+ 1 = 5 entries; its shape is \(4,\)"):
        BiasedNetwork.from_theta(np.ones(4), 2, 1)
    with pytest.raises(ValueError, match=r"would lose the output bias b = 0\.5; save theta"):
        BiasedNetwork([[1.0]], [1.0], 0.5).save("network.npz")


def test_students_that_do_not_fit_are_refused():
    X, y, _ = data()
    plain, biased = SampledLandscape(ERF, X, y), SampledLandscape(ERF, X, y, output_bias=True)
    with pytest.raises(ValueError, match="the student has input dimension 3, the samples 2; a column of ones"):
        plain.value(Network(np.ones((1, 3)), [1.0]))
    with pytest.raises(ValueError, match="has an output bias b and the Network has none; give BiasedNetwork"):
        biased.value(Network(np.ones((1, 2)), [1.0]))
    with pytest.raises(ValueError, match=r"the student has an output bias, b = 0\.5, and this landscape has none"):
        plain.value(BiasedNetwork(np.ones((1, 2)), [1.0], 0.5))
    with pytest.raises(ValueError, match=re.escape("theta must have n d + n entries, a multiple of 3 for d = 2")):
        plain.value(np.ones(4))
    with pytest.raises(
        ValueError, match=re.escape("n d + n + 1 entries (the last is b), one more than a multiple of 3")
    ):
        biased.value(np.ones(6))
    with pytest.raises(ValueError, match="on its last axis"):
        biased.value(np.ones(1))
    with pytest.raises(ValueError, match="network\\(\\) takes one student"):
        plain.network(np.ones((2, 3)))
    with pytest.raises(
        ValueError, match=r"a direction has as many entries on its last axis as theta, 3; its shape is \(4,\)"
    ):
        plain.hessian_vector_product(np.ones(3), np.ones(4))


def test_the_landscape_says_what_it_is():
    X, y, _ = data()
    assert repr(SampledLandscape(ERF, X, y)) == "SampledLandscape(erf, N=7, d=2)"
    assert repr(SampledLandscape(ERF, X, y, output_bias=True)) == "SampledLandscape(erf, N=7, d=2, output_bias=True)"


def test_a_population_landscape_refuses_a_student_with_an_output_bias():
    student = BiasedNetwork([[1.0, 0.0]], [1.0], 0.5)
    with pytest.raises(ValueError, match=r"has no output bias; a student with one was given"):
        PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(2, 2)).value(student)
