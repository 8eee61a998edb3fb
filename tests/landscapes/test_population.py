"""The exact loss, its gradient and its Hessian against expectations over inputs, many digits and published numbers.

In one and two input dimensions everything is integrated directly over the inputs x, with activations written out a
second time; nothing of the kernels, of Price's theorem or of the chain rule to vectors enters these oracles.
"""

import re
import tracemalloc

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import CONTINUOUS_KINK, JUMP, NAMES, SIGMA, SMOOTH, expectation, normal_mean

from landscape_nb.activations import ACTIVATIONS, leaky_relu, register_activation
from landscape_nb.landscapes.population import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, gaussian_teacher, orthonormal_teacher, permute

MIXTURES = ("tanh", "sigmoid", "softplus", "silu")


def landscape(name, teacher):
    return PopulationLandscape(ACTIVATIONS[name], teacher)


def some(n, d, seed, norm=1.0):
    """A network with norms within a few percent of the one asked for."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n, d))
    W *= (norm * rng.uniform(0.9, 1.1, size=n) / np.linalg.norm(W, axis=1))[:, None]
    return Network(W, rng.normal(size=n))


def close(actual, desired, tolerance):
    """Within the tolerance times the largest entry, or 1 if that is smaller."""
    assert_allclose(actual, desired, rtol=0, atol=tolerance * max(1.0, np.abs(desired).max()))


# --- expectations over the inputs -----------------------------------------------------------------------------------


def regular_expectations(name, student, teacher, x, weight):
    """(L, gradient, Hessian) by summing over inputs x (points, d), without the point masses of derivatives at kinks."""
    sigma, n, d = SIGMA[name], student.n, student.d
    z = x @ student.W.T
    rest = sigma(z) @ student.a - sigma(x @ teacher.W.T) @ teacher.a
    slope = (sigma(z, 1) * student.a)[:, :, None] * x[:, None, :]
    jacobian = np.concatenate([slope.reshape(len(x), n * d), sigma(z)], axis=1)
    hessian = 2 * jacobian.T @ (weight[:, None] * jacobian)
    for i in range(n):
        w, a = slice(i * d, i * d + d), n * d + i
        hessian[w, w] += 2 * student.a[i] * (x.T * (weight * rest * sigma(z[:, i], 2))) @ x
        cross = 2 * (weight * rest * sigma(z[:, i], 1)) @ x
        hessian[w, a] += cross
        hessian[a, w] += cross
    return weight @ rest**2, 2 * (weight * rest) @ jacobian, hessian


def on_the_line(name, student, teacher):
    """In one dimension x delta(x) = 0: the point masses at the kink 0 do not count."""
    nodes = []
    normal_mean(lambda x: nodes.append(x) or x, finest=0.02)
    weights = normal_mean(lambda x: np.eye(x.size), finest=0.02)
    return regular_expectations(name, student, teacher, nodes[0][:, None], weights)


def on_the_plane(name, student, teacher):
    """In two dimensions: the trapezoid rule for smooth sigma, polar coordinates for homogeneous sigma with a kink."""
    if name in SMOOTH:
        line = np.arange(-13.0, 13.1, 0.2)
        x = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        return regular_expectations(name, student, teacher, x, 0.04 * np.exp(-0.5 * np.sum(x**2, axis=1)) / (2 * np.pi))
    # x = rho e(phi): rho^0 for a jump or rho^2 for a kink, E[rho^2] = 2, times the mean over phi, split where w.e = 0
    quarter_turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    normals = np.concatenate([student.W, teacher.W]) @ quarter_turn.T
    crossings = np.arctan2(normals[:, 1], normals[:, 0])
    breaks = np.unique(np.concatenate([crossings, crossings + np.pi, crossings - np.pi, [-np.pi, np.pi]]))
    breaks = breaks[(breaks >= -np.pi) & (breaks <= np.pi)]
    node, w = np.polynomial.legendre.leggauss(40)
    phi = ((breaks[1:] + breaks[:-1]) / 2 + np.outer(node, np.diff(breaks) / 2)).ravel()
    weight = np.outer(w, np.diff(breaks) / 2).ravel() / (2 * np.pi)
    e = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    kink = name in CONTINUOUS_KINK
    value, gradient, hessian = regular_expectations(name, student, teacher, e, weight * (2 if kink else 1))
    # point masses: sigma' or sigma'' has jump * delta(w.x), which lives on the line x = rho e, e orthogonal to w
    sigma, a, n = SIGMA[name], student.a, student.n
    for i, w in enumerate(student.W):
        size = np.linalg.norm(w)
        e = quarter_turn @ w / size
        others = np.arange(n) != i  # the neuron itself sits on its kink
        ahead, behind = (
            sigma(student.W[others] @ x) @ a[others] + a[i] * sigma(np.zeros(1))[0] - sigma(teacher.W @ x) @ teacher.a
            for x in (e, -e)
        )
        own = slice(2 * i, 2 * i + 2)
        if kink:
            hessian[own, own] += 2 * a[i] * CONTINUOUS_KINK[name] / size * (ahead + behind) / np.pi * np.outer(e, e)
            continue
        density = JUMP[name] / (np.pi * size)
        gradient[own] += density * a[i] * (ahead - behind) * e
        # derivatives of the same in a_j and in w: e/|w| = quarter_turn w / |w|^2
        cross = density * np.outer(e, a[i] * (sigma(student.W @ e) - sigma(-student.W @ e)))
        cross[:, i] = density * (ahead - behind) * e
        hessian[own, 2 * n :] += cross
        hessian[2 * n :, own] += cross.T
        turn = quarter_turn @ (np.eye(2) - 2 * np.outer(w, w) / size**2)
        hessian[own, own] += density * a[i] * (ahead - behind) * turn / size
    return value, gradient, hessian


PLANE = {
    "two against two": (some(2, 2, 0, 0.8), some(2, 2, 1)),
    "one against three": (some(1, 2, 2, 1.2), some(3, 2, 3, 0.7)),
    "three against one": (some(3, 2, 4, 0.6), some(1, 2, 5)),
}


@pytest.mark.parametrize("case", PLANE)
@pytest.mark.parametrize("name", NAMES)
def test_value_gradient_and_hessian_are_expectations_over_a_plane_of_inputs(name, case):
    student, teacher = PLANE[case]
    value, gradient, hessian = on_the_plane(name, student, teacher)
    loss = landscape(name, teacher)
    rounding = 100 if name in MIXTURES else 1
    close(loss.value(student), value, 1e-13 * rounding)
    close(loss.gradient(student), gradient, 1e-13 * rounding)
    close(loss.hessian(student), hessian, 2e-13 * rounding)


@pytest.mark.parametrize("name", NAMES)
def test_value_gradient_and_hessian_are_expectations_over_a_line_of_inputs(name):
    student, teacher = Network([[0.4], [-0.55]], [1.3, 0.7]), Network([[0.6], [0.25], [-0.5]], [1.0, -0.4, 0.8])
    value, gradient, hessian = on_the_line(name, student, teacher)
    loss = landscape(name, teacher)
    rounding = 100 if name in MIXTURES else 1
    close(loss.value(student), value, 1e-13 * rounding)
    close(loss.gradient(student), gradient, 1e-13 * rounding)
    close(loss.hessian(student), hessian, 2e-13 * rounding)


@pytest.mark.parametrize("name", CONTINUOUS_KINK)
def test_parallel_and_opposite_neurons_of_relu_have_a_hessian(name):
    student = Network([[0.6, -0.8], [0.9, -1.2], [-0.3, 0.4]], [1.1, -0.6, 0.7])
    teacher = Network([[1.2, -1.6], [-0.3, 0.4], [0.8, 0.6]], [0.5, 0.9, -1.3])
    value, gradient, hessian = on_the_plane(name, student, teacher)
    loss = landscape(name, teacher)
    close(loss.value(student), value, 1e-13)
    close(loss.gradient(student), gradient, 1e-13)
    close(loss.hessian(student), hessian, 1e-13)
    assert loss.has_hessian(student)


@pytest.mark.parametrize("name", NAMES)
def test_in_four_dimensions_the_value_is_the_sum_of_the_pairwise_expectations(name):
    student, teacher = some(2, 4, 0, 0.7), some(2, 4, 1)
    z, q = np.concatenate([student.W, teacher.W]), np.concatenate([student.a, -teacher.a])
    gram, sigma = z @ z.T, SIGMA[name]
    kernel = [[expectation(sigma, sigma, gram[i, i], gram[i, j], gram[j, j]) for j in range(4)] for i in range(4)]
    close(landscape(name, teacher).value(student), q @ kernel @ q, 1e-12)


# --- derivatives of one another -------------------------------------------------------------------------------------

STUDENT, TEACHER = some(3, 4, 6), some(4, 4, 7)


def central_differences(function, theta, step=2e-3):
    """d function / d theta, sixth order."""
    rows = []
    for direction in np.eye(theta.size):
        values = [function(theta + m * step * direction) for m in (-3, -2, -1, 1, 2, 3)]
        rows.append(np.tensordot([-1 / 60, 3 / 20, -3 / 4, 3 / 4, -3 / 20, 1 / 60], values, axes=1) / step)
    return np.array(rows)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_the_derivative_of_the_value(name):
    loss = landscape(name, TEACHER)
    close(loss.gradient(STUDENT), central_differences(loss.value, STUDENT.theta), 1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_hessian_is_the_derivative_of_the_gradient(name):
    loss = landscape(name, TEACHER)
    close(loss.hessian(STUDENT), central_differences(loss.gradient, STUDENT.theta), 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_models_of_first_and_second_order_err_by_second_and_third_order(name):
    loss, theta = landscape(name, TEACHER), STUDENT.theta
    direction = np.random.default_rng(8).normal(size=theta.size)
    direction /= np.linalg.norm(direction)
    slope = loss.gradient(theta) @ direction
    curvature = direction @ loss.hessian(theta) @ direction
    steps = 2.0 ** -np.arange(6, 12)
    change = loss.value(theta + steps[:, None] * direction) - loss.value(theta)
    for errors, order in ((change - steps * slope, 2), (change - steps * slope - 0.5 * steps**2 * curvature, 3)):
        fitted = np.polyfit(np.log(steps), np.log(np.abs(errors)), 1)[0]
        assert abs(fitted - order) < 0.15


@pytest.mark.parametrize("name", NAMES)
def test_the_hessian_is_exactly_symmetric(name):
    hessian = landscape(name, TEACHER).hessian(STUDENT)
    assert_array_equal(hessian, hessian.T)


@pytest.mark.parametrize("name", NAMES)
def test_the_hessian_vector_product_is_the_hessian_times_the_vector(name):
    loss = landscape(name, TEACHER)
    rng = np.random.default_rng(9)
    students, directions = rng.normal(size=(2, 3, STUDENT.theta.size)), rng.normal(size=(2, 3, STUDENT.theta.size))
    expected = np.einsum("...pq,...q->...p", loss.hessian(students), directions)
    close(loss.hessian_vector_product(students, directions), expected, 1e-13)
    direction = directions[0, 0]
    close(loss.hessian_vector_product(STUDENT, direction), loss.hessian(STUDENT) @ direction, 1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_the_hessian_vector_product_broadcasts_one_student_over_directions_and_the_reverse(name):
    loss, p = landscape(name, TEACHER), STUDENT.theta.size
    rng = np.random.default_rng(14)
    students, directions = rng.normal(size=(3, p)), rng.normal(size=(2, 3, p))
    hessians = loss.hessian(students)
    close(loss.hessian_vector_product(students[0], directions), directions @ hessians[0], 1e-13)
    close(loss.hessian_vector_product(students, directions[0, 0]), hessians @ directions[0, 0], 1e-13)
    expected = np.einsum("spq,msq->msp", hessians, directions)
    close(loss.hessian_vector_product(students, directions), expected, 1e-13)
    with pytest.raises(ValueError, match=f"as many entries on its last axis as theta, {p}; its shape is \\(2,\\)"):
        loss.hessian_vector_product(students, [1.0, 2.0])


@pytest.mark.parametrize("name", ("erf", "relu", "leaky_relu", "sin"))
def test_the_hessian_vector_product_takes_less_memory_than_the_hessian(name):
    loss = landscape(name, orthonormal_teacher(40, 41))
    theta = np.random.default_rng(15).normal(size=40 * 42)
    loss.hessian_vector_product(theta, theta)
    tracemalloc.start()
    try:
        loss.hessian_vector_product(theta, theta)
        assert tracemalloc.get_traced_memory()[1] < theta.size**2 * 8 / 2
    finally:
        tracemalloc.stop()


# --- students in all forms ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_gives_what_its_students_give_one_by_one(name):
    loss, p = landscape(name, TEACHER), STUDENT.theta.size
    students = np.random.default_rng(10).normal(size=(2, 3, p))
    value, gradient = loss.value_and_gradient(students)
    hessian = loss.hessian(students)
    assert value.shape == (2, 3) and gradient.shape == (2, 3, p) and hessian.shape == (2, 3, p, p)
    assert loss.has_hessian(students).shape == (2, 3)
    for index in np.ndindex(2, 3):
        close(value[index], loss.value(students[index]), 1e-14)
        close(gradient[index], loss.gradient(students[index]), 1e-13)
        close(hessian[index], loss.hessian(students[index]), 1e-13)
    assert_array_equal(loss.value(students), value)
    assert_array_equal(loss.gradient(students), gradient)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_may_be_empty(name):
    loss, students = landscape(name, TEACHER), np.empty((0, STUDENT.theta.size))
    assert loss.value(students).shape == loss.has_hessian(students).shape == (0,)
    assert loss.gradient(students).shape == students.shape
    assert loss.hessian(students).shape == (0, STUDENT.theta.size, STUDENT.theta.size)
    assert loss.hessian_vector_product(students, students).shape == students.shape


def test_networks_and_parameter_vectors_are_the_same_students():
    loss, theta = landscape("erf", TEACHER), STUDENT.theta
    assert loss.value(STUDENT) == loss.value(theta) == loss.value(list(theta))
    assert_array_equal(loss.gradient(STUDENT), loss.gradient(theta))
    assert_array_equal(loss.hessian(STUDENT), loss.hessian(theta))
    assert_array_equal(loss.hessian_vector_product(STUDENT, theta), loss.hessian_vector_product(theta, theta))
    assert loss.network(theta) == STUDENT
    assert isinstance(loss.value(theta), float) and np.shape(loss.has_hessian(theta)) == ()


def test_a_landscape_leaves_its_arguments_alone():
    loss = landscape("relu", TEACHER)
    theta = STUDENT.theta
    theta.setflags(write=False)
    loss.value_and_gradient(theta), loss.hessian(theta), loss.hessian_vector_product(theta, theta)
    first = loss.gradient(theta)
    first[:] = 0.0
    assert loss.gradient(theta).any()


def test_a_landscape_knows_its_sizes_and_the_loss_of_silence():
    loss = landscape("erf", orthonormal_teacher(3, 4))
    assert (loss.d, loss.teacher.n) == (4, 3)
    assert repr(loss) == "PopulationLandscape(erf, k=3, d=4)"
    assert_allclose(loss.constant, 1.0)  # E[erf^2] = (2/pi) asin(1/2) = 1/3 for each of three neurons
    assert_allclose(loss.value(Network(np.ones((1, 4)), [0.0])), loss.constant)


@pytest.mark.parametrize("method", ["value", "gradient", "hessian", "has_hessian"])
def test_a_student_that_does_not_fit_is_told_what_would(method):
    ask = getattr(landscape("erf", TEACHER), method)
    with pytest.raises(ValueError, match="the student has input dimension 3, the teacher 4; both see the same inputs"):
        ask(some(2, 3, 0))
    for shape in ((), (0,), (14,), (5, 16), (2, 0)):
        sentence = "theta must have n d + n entries on its last axis, a multiple of 5 for d = 4; its shape is "
        with pytest.raises(ValueError, match=re.escape(sentence + str(shape))):
            ask(np.ones(shape))


def test_a_landscape_that_cannot_be_built_says_what_is_missing():
    with pytest.raises(
        ValueError, match=r"activation must be an Activation such as ACTIVATIONS\['erf'\]; 'erf' was given"
    ):
        PopulationLandscape("erf", TEACHER)
    with pytest.raises(ValueError, match=r"teacher must be a Network\(W, a\); array"):
        PopulationLandscape(ACTIVATIONS["erf"], np.eye(2))
    with pytest.raises(
        ValueError, match=r"network\(\) takes one student of shape \(p,\); theta has the shape \(2, 15\)"
    ):
        landscape("erf", TEACHER).network(np.ones((2, 15)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_one_student_that_is_not_finite_is_refused_and_in_a_batch_it_is_nan(name, wrong):
    loss, theta = landscape(name, TEACHER), STUDENT.theta
    broken = theta.copy()
    broken[1] = wrong
    for ask in (loss.value, loss.gradient, loss.hessian, loss.has_hessian):
        with pytest.raises(ValueError, match=f"theta must hold finite numbers; it holds {wrong}"):
            ask(broken)
    batch = np.stack([theta, broken])
    for ask in (loss.value, loss.gradient, loss.hessian):
        result = ask(batch)
        close(result[0], ask(theta), 1e-13)
        assert np.isnan(result[1]).all()
    assert_array_equal(loss.has_hessian(batch), [True, False])


# --- symmetries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_turning_the_inputs_turns_the_gradient_and_leaves_the_loss(name):
    turn, _ = np.linalg.qr(np.random.default_rng(11).normal(size=(4, 4)))
    turned = landscape(name, Network(TEACHER.W @ turn, TEACHER.a))
    value, gradient = turned.value_and_gradient(Network(STUDENT.W @ turn, STUDENT.a))
    expected = landscape(name, TEACHER).gradient(STUDENT)
    expected = np.concatenate([(expected[:12].reshape(3, 4) @ turn).ravel(), expected[12:]])
    close(value, landscape(name, TEACHER).value(STUDENT), 1e-13)
    close(gradient, expected, 1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_permuting_the_neurons_permutes_gradient_and_hessian(name):
    loss, order = landscape(name, TEACHER), np.array([2, 0, 1])
    places = np.concatenate([(4 * order[:, None] + np.arange(4)).ravel(), 12 + order])
    permuted = permute(STUDENT, order)
    close(loss.gradient(permuted), loss.gradient(STUDENT)[places], 1e-14)
    close(loss.hessian(permuted), loss.hessian(STUDENT)[np.ix_(places, places)], 1e-13)


# --- exact copies and nearly parallel neurons -----------------------------------------------------------------------


@pytest.mark.parametrize("norm", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("name", NAMES)
def test_a_student_equal_to_the_teacher_has_loss_zero(name, norm):
    norm = min(norm, 3.0) if name == "exp" else norm
    rng = np.random.default_rng(12)
    teacher = equicorrelated_teacher(4, 5, 0.3, norm, rng.normal(size=4))
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    teacher = Network(teacher.W @ turn, teacher.a)
    loss = landscape(name, teacher)
    # what rounding allows: the size of the terms that cancel; s + t - 2 c in an exponent is rounded to eps norm^2
    scale = max(1.0, loss.activation.kernel(norm**2, norm**2, norm**2)) * np.abs(teacher.a).sum() ** 2
    scale *= max(1.0, norm**2) if name in ("sin", "cos", "exp") else 1.0
    assert 0.0 <= loss.value(teacher) <= 2e-16 * scale
    if name not in JUMP:
        doubled = Network(np.concatenate([teacher.W, teacher.W]), np.concatenate([0.3 * teacher.a, 0.7 * teacher.a]))
        for student in (teacher, doubled):
            assert np.abs(loss.gradient(student)).max() <= 1e-15 * scale


@pytest.mark.parametrize("norm", [1.0, 30.0])
@pytest.mark.parametrize("name", ["erf", "tanh", "sigmoid", "normal_cdf", "gaussian"])
def test_a_bounded_neuron_equal_to_the_teacher_has_loss_and_gradient_zero_to_rounding(name, norm):
    teacher = equicorrelated_teacher(2, 3, 0.3, norm)
    loss = landscape(name, teacher)
    assert loss.value(teacher) <= 1e-15
    assert np.abs(loss.gradient(teacher)).max() <= 1e-14


def relu_kernel_in_many_digits(slope):
    def kernel(w, z):
        s, t = sum(x * x for x in w), sum(x * x for x in z)
        c = sum(x * y for x, y in zip(w, z))
        area = mpmath.sqrt(s * t - c * c)
        return (1 - slope) ** 2 * (area + c * mpmath.atan2(area, -c)) / (2 * mpmath.pi) + slope * c

    return kernel, lambda w: (1 + slope**2) / 2 * sum(x * x for x in w)


def gelu_kernel_in_many_digits():
    def kernel(w, z):
        s, t = sum(x * x for x in w), sum(x * x for x in z)
        c = sum(x * y for x, y in zip(w, z))
        root = mpmath.sqrt((1 + s) * (1 + t) - c * c)
        gate = mpmath.mpf(1) / 4 + mpmath.atan2(c, root) / (2 * mpmath.pi)
        return c * gate + (s * t + c * c * (1 / (1 + s) + 1 / (1 + t) - 1)) / (2 * mpmath.pi * root)

    return kernel, lambda w: kernel(w, w)


def erf_kernel_in_many_digits():
    def kernel(w, z):
        s, t = sum(x * x for x in w), sum(x * x for x in z)
        return 2 / mpmath.pi * mpmath.asin(sum(x * y for x, y in zip(w, z)) / mpmath.sqrt((1 + s) * (1 + t)))

    return kernel, lambda w: kernel(w, w)


def derivatives_in_many_digits(kernels, student, teacher):
    """(gradient, Hessian) of the loss by central differences in ninety digits, at the given doubles."""
    kernel, self_kernel = kernels
    n, d = student.n, student.d
    with mpmath.workdps(90):
        step = mpmath.mpf(10) ** -25
        v, b = [[mpmath.mpf(x) for x in row] for row in teacher.W.tolist()], [mpmath.mpf(x) for x in teacher.a.tolist()]

        def loss(theta):
            w, a = [theta[i * d : i * d + d] for i in range(n)], theta[n * d :]
            total = sum(a[i] ** 2 * self_kernel(w[i]) for i in range(n))
            total += 2 * sum(a[i] * a[j] * kernel(w[i], w[j]) for i in range(n) for j in range(i))
            return total - 2 * sum(a[i] * b[j] * kernel(w[i], v[j]) for i in range(n) for j in range(teacher.n))

        theta = [mpmath.mpf(x) for x in student.theta.tolist()]

        def moved(*changes):
            new = list(theta)
            for i, sign in changes:
                new[i] += sign * step
            return loss(new)

        p = len(theta)
        gradient = [(moved((i, 1)) - moved((i, -1))) / (2 * step) for i in range(p)]
        hessian = np.empty((p, p))
        for i in range(p):
            for j in range(i + 1):
                signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
                corners = [moved((i, first), (j, second)) for first, second in signs]
                hessian[i, j] = hessian[j, i] = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * step**2)
        return np.array([float(x) for x in gradient]), hessian


def nearly_parallel(angle, size=1.0):
    """Two students and a teacher, all within a few times the angle from one line, some pointing the other way."""
    directions = [
        [np.cos(turn), np.sin(turn)] for turn in (0.3, 0.3 + angle, 0.3 - 2 * angle, 0.3 + np.pi + 0.5 * angle)
    ]
    first, second, third, fourth = size * np.array(directions) * np.array([[1.0], [1.3], [0.8], [1.1]])
    return Network([first, fourth], [0.9, -0.7]), Network([second, third], [1.2, 0.6])


@pytest.mark.parametrize("angle", [1e-1, 1e-3, 1e-5, 1e-7, 1e-9])
@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_nearly_parallel_relu_neurons_lose_no_digits(angle, slope):
    student, teacher = nearly_parallel(angle)
    gradient, hessian = derivatives_in_many_digits(relu_kernel_in_many_digits(mpmath.mpf(slope)), student, teacher)
    loss = PopulationLandscape(leaky_relu(slope) if slope else ACTIVATIONS["relu"], teacher)
    close(loss.gradient(student), gradient, 2e-15)
    close(loss.hessian(student), hessian, 3e-15)


@pytest.mark.parametrize("angle", [1e-2, 1e-5, 1e-9])
@pytest.mark.parametrize(
    "name, kernels", [("erf", erf_kernel_in_many_digits()), ("gelu", gelu_kernel_in_many_digits())]
)
def test_long_nearly_parallel_neurons_lose_no_digits(name, kernels, angle):
    student, teacher = nearly_parallel(angle, size=25.0)
    gradient, hessian = derivatives_in_many_digits(kernels, student, teacher)
    loss = landscape(name, teacher)
    close(loss.gradient(student), gradient, 1e-13)
    close(loss.hessian(student), hessian, 1e-12)


# --- where derivatives do not exist ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONTINUOUS_KINK)
def test_a_relu_neuron_at_zero_has_a_value_but_no_derivatives(name):
    loss, student = landscape(name, orthonormal_teacher(2, 2)), Network([[0.0, 0.0], [0.3, 0.4]], [1.0, 2.0])
    silent = Network([[0.3, 0.4]], [2.0])
    assert_allclose(loss.value(student), loss.value(silent), rtol=1e-14)
    for method, what in (("gradient", "gradient"), ("hessian", "Hessian")):
        with pytest.raises(
            ValueError, match=f"the loss of {name} has no {what} at this student: a neuron has w = 0; move it"
        ):
            getattr(loss, method)(student)
    with pytest.raises(ValueError, match="has no Hessian at this student"):
        loss.hessian_vector_product(student, student.theta)
    assert not loss.has_hessian(student)


@pytest.mark.parametrize("name", [*CONTINUOUS_KINK, *JUMP])
def test_in_a_batch_a_student_without_derivatives_is_nan_and_flagged(name):
    loss, good = landscape(name, orthonormal_teacher(2, 2)), some(2, 2, 13).theta
    bad = good.copy()
    bad[:2] = 0.0
    batch = np.stack([good, bad])
    assert_array_equal(loss.has_hessian(batch), [True, False])
    assert np.isfinite(loss.value(batch)).all()
    for result in (loss.gradient(batch), loss.hessian(batch), loss.hessian_vector_product(batch, batch)):
        assert np.isfinite(result[0]).all()
        assert np.isnan(result[1]).any()
    assert np.isnan(loss.hessian(batch)[1]).all()


def test_a_silenced_relu_neuron_at_zero_has_a_gradient_but_no_hessian():
    loss, student = landscape("relu", orthonormal_teacher(2, 2)), Network([[0.0, 0.0], [0.3, 0.4]], [0.0, 2.0])
    gradient = loss.gradient(student)
    assert_array_equal(gradient[:2], 0.0)
    assert_allclose(gradient[2:4], loss.gradient(Network([[0.3, 0.4]], [2.0]))[:2])
    assert not loss.has_hessian(student)


@pytest.mark.parametrize("name", JUMP)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_parallel_neurons_of_step_and_sign_have_a_value_but_no_derivatives(name, sign):
    loss = landscape(name, Network([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0]))
    generic = np.array([0.61, 0.83])  # parallel up to rounding only
    for student in (Network([[sign * 2.0, 0.0]], [0.5]), Network([generic, sign * 1.7 * generic], [0.5, 0.7])):
        turned = Network(student.W + 1e-12 * np.array([[0.3, 1.0]]), student.a)
        assert_allclose(loss.value(student), loss.value(turned), atol=1e-11)
        for method in ("gradient", "hessian"):
            with pytest.raises(ValueError, match="a neuron has w = 0 or is parallel to another one; move it a little"):
                getattr(loss, method)(student)
        assert not loss.has_hessian(student)


@pytest.mark.parametrize("name", JUMP)
def test_a_parallel_neuron_of_step_or_sign_that_is_silent_disturbs_no_gradient(name):
    teacher = Network([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0])  # the second is not there
    loss, alone = landscape(name, teacher), Network([[0.0, 2.0]], [0.5])
    assert loss.has_hessian(alone)
    value, gradient, hessian = on_the_plane(name, alone, Network([[1.0, 0.0]], [1.0]))
    close(loss.value(alone), value, 1e-13)
    close(loss.gradient(alone), gradient, 1e-13)
    close(loss.hessian(alone), hessian, 1e-13)
    pair = Network([[0.0, 2.0], [0.0, 3.0]], [0.5, 0.0])
    close(loss.gradient(pair)[:2], gradient[:2], 1e-13)
    assert not loss.has_hessian(pair)  # its outgoing weight would count at once


@pytest.mark.parametrize("name", JUMP)
def test_in_one_dimension_step_and_sign_have_flat_directions(name):
    loss = landscape(name, Network([[1.0], [-2.0]], [1.0, 0.3]))
    student = Network([[0.5], [0.7]], [0.4, -0.9])
    assert_array_equal(loss.gradient(student)[:2], 0.0)
    assert loss.has_hessian(student)
    with pytest.raises(ValueError, match="has no gradient at this student: a neuron has w = 0"):
        loss.gradient(Network([[0.0], [0.7]], [0.4, -0.9]))


@pytest.mark.parametrize("name", NAMES)
def test_a_teacher_neuron_at_zero_is_a_constant(name):
    student = some(2, 2, 14)
    with_zero = Network([[0.0, 0.0], [0.6, 0.8]], [0.7, 1.0])
    loss, theta = landscape(name, with_zero), student.theta
    assert loss.has_hessian(student)
    close(loss.gradient(student), central_differences(loss.value, theta), 1e-10)
    close(loss.hessian(student), central_differences(loss.gradient, theta), 1e-9)


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_activations_have_derivatives_everywhere(name):
    loss = landscape(name, Network([[1.0, 0.0], [0.0, 0.0]], [1.0, -0.5]))
    student = Network([[0.0, 0.0], [2.0, 0.0], [-1.0, 0.0]], [1.0, 0.3, 0.0])
    assert loss.has_hessian(student)
    close(loss.gradient(student), central_differences(loss.value, student.theta), 1e-9)
    close(loss.hessian(student), central_differences(loss.gradient, student.theta), 1e-8)


# --- an activation of one's own -------------------------------------------------------------------------------------


@pytest.fixture
def own_activation():
    """register_activation, undone afterwards."""
    before = dict(ACTIVATIONS)
    yield register_activation
    for name in set(ACTIVATIONS) - set(before):
        del ACTIVATIONS[name]


def test_a_smooth_activation_of_ones_own_has_the_whole_landscape(own_activation):
    mine = PopulationLandscape(own_activation("my_tanh", np.tanh, odd=True), TEACHER)
    built_in = landscape("tanh", TEACHER)
    close(mine.value(STUDENT), built_in.value(STUDENT), 1e-12)
    close(mine.gradient(STUDENT), built_in.gradient(STUDENT), 1e-10)
    close(mine.hessian(STUDENT), built_in.hessian(STUDENT), 1e-8)
    assert mine.has_hessian(STUDENT)


def test_an_activation_of_ones_own_with_a_kink_has_a_hessian_away_from_parallel_neurons(own_activation):
    activation = own_activation(
        "my_relu", lambda z: np.maximum(z, 0.0), derivative=lambda z: np.heaviside(z, 0.5), kinks=(0.0,)
    )
    mine, built_in = PopulationLandscape(activation, TEACHER), landscape("relu", TEACHER)
    close(mine.gradient(STUDENT), built_in.gradient(STUDENT), 1e-9)
    parallel = Network([TEACHER.W[0], STUDENT.W[1]], [1.0, 2.0])
    close(mine.gradient(parallel), built_in.gradient(parallel), 1e-9)
    assert not mine.has_hessian(parallel)
    with pytest.raises(
        ValueError, match=r"my_relu has no Hessian .*: it has kinks, and a neuron has w = 0 or a cosine beyond 0\.9"
    ):
        mine.hessian(parallel)
    batch = np.stack([parallel.theta, parallel.theta])
    assert np.isnan(mine.hessian(batch)).all()


# --- published numbers (converted to the loss without 1/2) ----------------------------------------------------------


@pytest.mark.parametrize(
    "k, loss_value",
    [
        (1, 0.0),
        (2, 0.023221680625337),
        (3, 0.040593177313954),
        (5, 0.072452645203670),
        (10, 0.148906686001264),
        (50, 0.750907087301314),
        (100, 1.502212084342922),
    ],
)
def test_one_erf_neuron_averages_an_orthonormal_teacher(k, loss_value):
    loss = landscape("erf", orthonormal_teacher(k, k + 1))
    student = Network(np.eye(k, k + 1).sum(axis=0, keepdims=True) / np.sqrt(k * (2 * k - 1)), [k])
    assert_allclose(loss.value(student), loss_value, rtol=0, atol=2e-14 * k)
    assert np.abs(loss.gradient(student)).max() <= 1e-15 * k**2


@pytest.mark.parametrize(
    "k, spectrum",
    [
        (2, [0.011955644, 2.676759915, 3.681989213, 3.944988442]),
        (3, [0.003846584, 7.127036623, 9.408047099, 9.408047099, 9.684754367]),
        (5, [0.000846832, 23.683955089, *4 * [28.501382103], 28.792212533]),
        (10, [0.000106121, 109.638607298, *9 * [120.805706108], 121.109238032]),
    ],
)
def test_the_average_of_one_erf_neuron_has_the_published_spectrum(k, spectrum):
    loss = landscape("erf", orthonormal_teacher(k, k + 1))
    student = Network(np.eye(k, k + 1).sum(axis=0, keepdims=True) / np.sqrt(k * (2 * k - 1)), [k])
    assert_allclose(np.linalg.eigvalsh(loss.hessian(student)), spectrum, rtol=0, atol=1.1e-9)


RELU_AVERAGE = [(2, 1.510818329858, 0.1770238732658), (3, 1.985053952954, 0.4847100604824)] + [
    (5, 2.871566077016, 1.5601529945035),
    (10, 4.924760594293, 7.1973114227214),
    (50, 19.610450022369, 222.6447355352),
]


@pytest.mark.parametrize("k, product, loss_value", RELU_AVERAGE)
def test_one_relu_neuron_averages_an_orthonormal_teacher(k, product, loss_value):
    loss = landscape("relu", orthonormal_teacher(k, k + 1))
    for norm in (0.5, 1.0, 3.0):  # a half-line of critical points: only the product a r is fixed
        student = Network(norm * np.eye(k, k + 1).sum(axis=0, keepdims=True) / np.sqrt(k), [product / norm])
        assert_allclose(loss.value(student), loss_value, rtol=1e-12)
        assert np.abs(loss.gradient(student)).max() < 1e-10 * k


def test_the_average_of_one_relu_neuron_has_the_published_spectrum():
    loss = landscape("relu", orthonormal_teacher(2, 3))
    spectrum = np.linalg.eigvalsh(loss.hessian(Network([[0.5**0.5, 0.5**0.5, 0.0]], [1.510818329858])))
    assert_allclose(spectrum, [0.0, 0.9223576, 1.6024648, 3.282572], atol=1e-6)


@pytest.mark.parametrize("k, product, loss_value", [(2, 0.096604767, 1.3136436456), (3, 0.253003145, 2.4229243628)])
def test_the_relu_neuron_opposite_to_the_average_is_a_saddle(k, product, loss_value):
    loss = landscape("relu", orthonormal_teacher(k, k + 1))
    student = Network(-np.eye(k, k + 1).sum(axis=0, keepdims=True) / np.sqrt(k), [product])
    assert_allclose(loss.value(student), loss_value, rtol=1e-10)
    assert np.abs(loss.gradient(student)).max() < 1e-8
    spectrum = np.linalg.eigvalsh(loss.hessian(student))
    assert (spectrum[:k] < -1e-3).all() and abs(spectrum[k]) < 1e-8 and spectrum[k + 1] > 1e-3


def with_isotropy(k, a, b, c, e, f):
    """W with diagonal a, off-diagonal b and last column c in its first k - 1 rows, and the last row (e, ..., e, f)."""
    W = np.full((k, k), float(b))
    np.fill_diagonal(W, a)
    W[:-1, -1], W[-1, :-1], W[-1, -1] = c, e, f
    return W


FAMILIES = {
    "II, k = 6": (6, (0.986704, -0.050413, 0.308011, 0.224516, -0.601512), 0.02508058, 0.00470, 4),
    "II, k = 7": (7, (0.9969228, -0.0350802, 0.2616911, 0.1859910, -0.6327039), 0.02320271, 0.01406, 5),
    "II, k = 20": (20, (1.003004, -0.003655, 0.093187, 0.063715, -0.810021), 0.01127558, 0.05509, 18),
    "I, k = 7": (7, (-0.657965, 0.326230, -0.012028, 0.018183, 1.069425), 0.05532161, 0.00166, 10),
    "A, k = 7": (7, (-0.712628, 0.283495, 0.283495, 0.283495, -0.712628), 0.06221098, 0.00685, 15),
    "saddle, k = 7": (7, (1.099097, -0.035368, 0.149770, 0.089053, 0.071802), 0.05832781, -0.67618, 1),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_symmetric_relu_families_have_their_published_losses_and_smallest_eigenvalues(family):
    k, entries, half_loss, half_eigenvalue, multiplicity = FAMILIES[family]
    loss, size = landscape("relu", orthonormal_teacher(k, k)), k * k
    theta = np.concatenate([with_isotropy(k, *entries).ravel(), np.ones(k)])
    for _ in range(4):  # Newton in W alone, from the printed digits
        theta[:size] -= np.linalg.solve(loss.hessian(theta)[:size, :size], loss.gradient(theta)[:size])
    assert np.abs(loss.gradient(theta)[:size]).max() < 1e-13
    assert_allclose(loss.value(theta), 2 * half_loss, rtol=0, atol=1.1e-8)
    spectrum = np.linalg.eigvalsh(loss.hessian(theta)[:size, :size])
    assert_allclose(spectrum[:multiplicity], 2 * half_eigenvalue, rtol=0, atol=1.1e-5)
    assert spectrum[multiplicity] > spectrum[0] + 1e-4
    assert_allclose(theta[:size].reshape(k, k), with_isotropy(k, *entries), rtol=0, atol=1e-6)


@pytest.mark.parametrize("k", [3, 6, 9])
def test_the_relu_hessian_at_the_global_minimum_has_the_published_spectrum(k):
    loss = landscape("relu", orthonormal_teacher(k, k))
    hessian = loss.hessian(orthonormal_teacher(k, k))[: k * k, : k * k]
    pi = np.pi
    pair = np.roots([1.0, -(0.5 + k / 4), k / 16 + 1 / 16 + 1 / (4 * pi) - 1 / (4 * pi**2)])
    trivial = np.linalg.eigvals([[0.5 + (k - 1) / (2 * pi), (k - 1) / 4], [0.25, k / 4 + 1 / (2 * pi)]])
    half = [0.25 - 0.5 / pi] * ((k - 1) * (k - 2) // 2 + k - 1) + [0.25 + 0.5 / pi] * (k * (k - 3) // 2)
    half += [*np.repeat(pair, k - 1), *trivial]
    assert_allclose(np.linalg.eigvalsh(hessian), 2 * np.sort(half), atol=1e-13 * k)
    if k == 6:
        levels = np.unique(np.round(2 * np.array(half), 6))
        assert_allclose(levels, [0.181690, 0.574163, 0.818310, 1.779325, 3.425837, 4.130534], atol=1e-6)


@pytest.mark.parametrize(
    "k, half_loss, eigenvalue, multiplicity",
    [
        (2, 0.0116108403, -0.1314996, 1),
        (3, 0.0202965887, -0.0922358, 4),
        (5, 0.0362263226, -0.0581661, 16),
        (10, 0.0744533430, -0.0303532, 81),
    ],
)
def test_the_specialisation_plateau_has_its_published_loss_and_escape_rates(k, half_loss, eigenvalue, multiplicity):
    loss = landscape("erf", orthonormal_teacher(k, k))
    plateau = np.concatenate([np.full(k * k, 1 / np.sqrt(k * (2 * k - 1))), np.ones(k)])
    assert_allclose(loss.value(plateau), 2 * half_loss, rtol=0, atol=2.1e-10)
    assert np.abs(loss.gradient(plateau)[: k * k]).max() < 1e-14
    spectrum = np.linalg.eigvalsh(loss.hessian(plateau)[: k * k, : k * k])
    assert_allclose(spectrum[:multiplicity], eigenvalue, rtol=0, atol=1e-6)
    assert np.sum(spectrum < -1e-9) == multiplicity == (k - 1) ** 2


# --- memory ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["erf", "relu", "tanh"])
def test_value_and_gradient_of_two_hundred_neurons_stay_far_below_a_hundred_megabytes(name):
    loss = landscape(name, gaussian_teacher(400, 400, np.random.default_rng(0)))
    student = gaussian_teacher(200, 400, np.random.default_rng(1)).theta
    tracemalloc.start()
    try:
        loss.value_and_gradient(student)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40e6


@pytest.mark.parametrize("name, norm", (("exp", 40.0), ("cube", 1e60)))
def test_a_teacher_beyond_the_range_of_doubles_is_refused_in_a_sentence(name, norm):
    with pytest.raises(ValueError, match=r"beyond the range of floating-point numbers .* take shorter teacher vectors"):
        PopulationLandscape(ACTIVATIONS[name], equicorrelated_teacher(2, 3, 0.0, norm))
