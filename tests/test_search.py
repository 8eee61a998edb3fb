"""The numerical search: it finds what the closed forms say, what is published, and says so where nothing is to be found."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracles import SIGMA, expectation

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron import one_neuron
from landscape_nb.critical import RESIDUAL_TOLERANCE, CriticalPoint
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, gaussian_teacher, orthonormal_teacher
from landscape_nb.search import OneNeuronPoints, search_one_neuron, trivial_point

CLOSED = ("erf", "relu", "normal_cdf", "sin", "exp", "cos", "gaussian", "linear")


def search(name, teacher, **more):
    return search_one_neuron(ACTIVATIONS[name], teacher, **more)


def nontrivial(points):
    return [point for point in points if point.student.a[0] != 0]


def overlap(name, teacher, w):
    """sum_j b_j K(w, v_j) from the kernel itself, for rows w."""
    kernel = ACTIVATIONS[name].kernel
    s, t = np.sum(w * w, axis=-1, keepdims=True), np.sum(teacher.W**2, axis=1)
    return kernel(s, w @ teacher.W.T, t) @ teacher.a


# --- against the closed forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize(
    "k, correlation, norm, weight",
    ((1, 0, 1, 1), (3, 0, 1, 1), (2, 0.3, 1, 1), (4, 0.2, 3, 1), (4, 0.2, 0.2, 1), (3, -0.2, 1, -2)),
)
def test_the_search_agrees_with_every_closed_form(name, k, correlation, norm, weight):
    teacher = equicorrelated_teacher(k, k + 1, correlation, norm, weight)
    found, known = search(name, teacher), one_neuron(ACTIVATIONS[name], teacher)
    scale = known[0].landscape.constant
    for point in nontrivial(known):
        norm_free = ACTIVATIONS[name].homogeneous is None
        matches = [
            other
            for other in nontrivial(found)
            if abs(other.loss - point.loss) <= 1e-10 * scale
            and other.index == point.index
            and (
                not norm_free or np.isclose(np.linalg.norm(other.student.W), np.linalg.norm(point.student.W), rtol=1e-4)
            )
        ]
        assert matches, (point, found)
        tolerance = 1e-8 * np.abs(point.spectrum).max()
        assert any(np.allclose(match.spectrum, point.spectrum, rtol=0, atol=tolerance) for match in matches)
    assert min(p.loss for p in found) <= min(p.loss for p in known) + 1e-10 * scale
    if known.complete:
        assert len(nontrivial(found)) == len(nontrivial(known))
    assert not found.complete and "others may exist" in found.remark and found.infimum is None
    assert all(point.method == "numerical" for point in nontrivial(found))


# --- published numbers ------------------------------------------------------------------------------------------------


def test_unequal_weights_have_the_published_strict_minimum():
    points = search("erf", orthonormal_teacher(2, 3, (1.0, 2.0)))
    (point,) = nontrivial(points)
    sign = np.sign(point.student.a[0])
    assert_allclose(sign * point.student.W[0], (0.314929874, 0.670199704, 0), atol=6e-10)
    assert_allclose(sign * point.student.a, 2.65566450, atol=6e-9)
    assert_allclose(point.loss, 0.0413356548, atol=6e-11)
    assert_allclose(point.spectrum, (0.0327961802, 3.36524913, 5.85958504, 6.20138512), atol=6e-9)
    assert point.kind == "minimum" and point.method == "numerical"
    assert point.name == "towards teacher 2" or point.name == "towards a single teacher"


@pytest.mark.parametrize("name", ("tanh", "softplus"))
@pytest.mark.parametrize("k", (3, 5))
def test_tanh_and_softplus_have_only_the_average_a_minimum(name, k):
    teacher = orthonormal_teacher(k, k + 1)
    points = search(name, teacher)
    (point,) = nontrivial(points)
    assert (point.name, point.kind, point.index) == ("average of the teachers", "minimum", 0)
    assert np.ptp(point.student.W[0, :k]) < 1e-10 and abs(point.student.W[0, k]) < 1e-10
    assert points.infimum is None
    # its own scalar equations: central differences of the loss, kernels by an independent quadrature
    r, a = float(np.linalg.norm(point.student.W)), float(point.student.a[0])
    step = 1e-3

    def loss(r, a):
        sigma, c = SIGMA[name], r / np.sqrt(k)
        own = expectation(sigma, sigma, r * r, r * r, r * r, kinked=False)
        return a * a * own - 2 * a * k * expectation(sigma, sigma, r * r, c, 1.0, kinked=False)

    slopes = (
        (loss(r + step, a) - loss(r - step, a)) / (2 * step),
        (loss(r, a + step) - loss(r, a - step)) / (2 * step),
    )
    assert_allclose(slopes, 0, atol=1e-4)


@pytest.mark.parametrize("k", (3, 5))
def test_gelu_has_no_finite_point_and_the_limit_at_infinity_is_right(k):
    teacher = orthonormal_teacher(k, k + 1)
    points = search("gelu", teacher)
    assert nontrivial(points) == []
    limit = points.infimum
    assert "no finite critical point with a != 0" in points.remark and limit.sentence in points.remark
    assert "relu neuron" in limit.sentence and "no finite student reaches" in limit.sentence
    assert "0x" not in repr(limit)
    # loss of a relu neuron against gelu teachers, directly: E[f*^2] - G^2 / E[relu^2], G = k E[relu(u.x) gelu(v.x)]
    gelu, relu = SIGMA["gelu"], SIGMA["relu"]
    own, cross = (expectation(gelu, gelu, 1.0, c, 1.0) for c in (1.0, 0.0))
    reach = k * expectation(relu, gelu, 1.0, 1 / np.sqrt(k), 1.0)
    assert_allclose(limit.loss, k * own + k * (k - 1) * cross - reach**2 / 0.5, atol=1e-11)
    assert_allclose(limit.slope, 2 * reach, rtol=1e-9)
    assert limit.degree == 1
    assert_allclose(limit.direction, [*[1 / np.sqrt(k)] * k, 0], atol=1e-7)
    # no other direction is lower, sampled
    rng = np.random.default_rng(k)
    for u in rng.normal(size=(20, k + 1)):
        u /= np.linalg.norm(u)
        other = sum(expectation(relu, gelu, 1.0, float(c), 1.0) for c in u[:k])
        assert abs(other) < reach
    # finite students along the direction: the loss falls towards the limit like 1/r^2
    landscape = PopulationLandscape(ACTIVATIONS["gelu"], teacher)
    above = []
    for r in (100.0, 1000.0, 10000.0):
        w = r * limit.direction
        unit = [float(landscape.gradient(np.append(w, a))[-1]) for a in (0.0, 1.0)]
        above.append(float(landscape.value(np.append(w, -unit[0] / (unit[1] - unit[0])))) - limit.loss)
    assert above[0] > above[1] > above[2] > 0
    assert_allclose(above[0] / above[1], 100, rtol=0.03)
    assert_allclose(above[1] / above[2], 100, rtol=0.03)
    for r in (1e2, 1e3, 1e4):  # with a |w| fixed, as the sentence says
        value = float(landscape.value(np.append(r * limit.direction, limit.slope / r)))
        assert 0 < value - limit.loss < 3 * above[0] * (100 / r) ** 2
    # and nothing finite lies below it
    radii = np.geomspace(0.05, 50, 60)
    w = radii[:, None] * limit.direction
    theta = np.column_stack([w, overlap("gelu", teacher, w) / ACTIVATIONS["gelu"].self_kernel(radii**2)])
    losses = landscape.value(theta)
    assert (np.diff(losses) < 0).all() and losses[-1] > limit.loss


def test_a_limit_at_infinity_is_not_claimed_where_something_finite_lies_lower():
    for name in ("tanh", "erf", "silu", "gelu"):
        for norm in (0.2, 0.5) if name in ("tanh", "erf") else (0.2,):
            points = search(name, equicorrelated_teacher(4, 5, 0.2, norm))
            assert points.infimum is None and nontrivial(points)[0].index == 0
    for name in ("erf", "tanh"):
        points = search(name, equicorrelated_teacher(3, 4, 0.1, 20.0))
        assert points.infimum is None and nontrivial(points)


# --- what every result holds ------------------------------------------------------------------------------------------

TEACHERS = {
    "random": gaussian_teacher(4, 3, np.random.default_rng(3)),
    "mixed signs": Network(np.random.default_rng(4).normal(size=(3, 2)), [1.0, -0.7, 0.5]),
    "one dimension": Network([[1.0], [2.0]], [1.0, -1.5]),
    "parallel": Network([[1.0, 0, 0], [2.0, 0, 0], [-1.0, 0, 0]], [1.0, 0.3, 0.2]),
    "an absent neuron": Network([[0.0, 0], [1.0, 0]], [1.0, 2.0]),
    "simplex": equicorrelated_teacher(3, 4, -0.5),
}


@pytest.mark.parametrize("teacher", TEACHERS.values(), ids=TEACHERS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_point_found_is_critical_for_any_activation_and_teacher(name, teacher):
    if name == "linear" and teacher is TEACHERS["simplex"]:
        with pytest.raises(ValueError, match="the teacher is the zero function"):
            search(name, teacher)
        return
    points = search(name, teacher, starts=15)
    assert isinstance(points, OneNeuronPoints) and points.statement == "" and not points.complete
    losses = [point.loss for point in points]
    constant = PopulationLandscape(ACTIVATIONS[name], teacher).constant
    assert losses == sorted(losses) or np.diff(losses).min() > -1e-9
    for point in points:
        assert isinstance(point, CriticalPoint)
        assert point.residual <= RESIDUAL_TOLERANCE * max(1.0, np.abs(point.spectrum).max())
        assert point.student.W.shape == (1, teacher.d)
        assert point.loss <= constant * (1 + 1e-12)
        assert "0x" not in repr(point)
        # no other student nearby at a minimum is lower
        if point.kind == "minimum":
            shake = np.random.default_rng(0).normal(size=(50, teacher.d + 1)) * 1e-3
            assert (point.landscape.value(point.student.theta + shake) >= point.loss - 1e-12 * constant).all()
    for first in range(len(points)):
        for second in range(first):
            same = abs(losses[first] - losses[second]) < 1e-12 * constant
            assert not (same and np.allclose(points[first].student.theta, points[second].student.theta, atol=1e-6))


@pytest.mark.parametrize("name", ("cos", "gaussian"))
@pytest.mark.parametrize("teacher", TEACHERS.values(), ids=TEACHERS)
def test_even_activations_have_the_constant_student(name, teacher):
    points = [point for point in search(name, teacher, starts=5) if np.linalg.norm(point.student.W) == 0]
    (point,) = nontrivial(points)
    assert point.name == "constant student (w = 0)"
    # the best constant a sigma(0), sigma(0) = 1: E[f*] by its own formulas
    s = np.sum(teacher.W**2, axis=1)
    mean = teacher.a @ (np.exp(-s / 2) if name == "cos" else 1 / np.sqrt(1 + s))
    assert_allclose(point.student.a, mean, rtol=1e-13)
    assert_allclose(point.loss, point.landscape.constant - mean**2, rtol=1e-12)


def test_the_same_seed_finds_the_same_points():
    teacher = TEACHERS["random"]
    first, second = (search("cos", teacher, seed=5) for _ in range(2))
    assert [p.student for p in first] == [p.student for p in second]
    assert first.remark == second.remark
    other = search("cos", teacher, seed=6)
    assert_allclose([p.loss for p in other][:2], [p.loss for p in first][:2], rtol=1e-9)


def test_a_search_in_many_dimensions_happens_in_the_span_of_the_teachers():
    small, large = (search("tanh", orthonormal_teacher(2, d), starts=10) for d in (3, 300))
    assert_allclose([p.loss for p in small], [p.loss for p in large], rtol=1e-10)
    assert large[0].student.d == 300 and large[0].index == 0


def test_the_list_is_sorted_by_loss_and_says_what_it_knows():
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(2, 3))
    students = [Network([[0.3 * i, 0.1, 0.0]], [1.0]) for i in (4, 1, 3, 2)]
    points = OneNeuronPoints((CriticalPoint(landscape, s) for s in students), True, "a remark", "a key")
    losses = [point.loss for point in points]
    assert losses == sorted(losses) and len(points) == 4
    assert (points.complete, points.remark, points.statement, points.infimum) == (True, "a remark", "a key", None)
    assert points[0] is next(iter(points))


# --- the zero student -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ("exp", "normal_cdf", "cos", "gaussian", "softplus", "sigmoid", "gelu", "silu", "erf", "square", "leaky_relu"),
)
def test_the_zero_student_has_the_shortest_w_without_overlap(name):
    teacher = Network([[1.0, 0.3], [-0.4, 0.9], [0.2, -1.1]], [1.0, -0.8, -0.4])
    point = trivial_point(PopulationLandscape(ACTIVATIONS[name], teacher))
    angles = np.linspace(0, 2 * np.pi, 721)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    radii = np.concatenate([[0.0], np.geomspace(1e-3, 8, 600)])
    values = np.empty((0, angles.size))  # (radius, angle), outwards as far as the first change of sign
    for part in np.array_split(radii, 60):
        with np.errstate(over="ignore"):
            values = np.concatenate([values, overlap(name, teacher, part[:, None, None] * directions)])
        crossings = np.sign(values[:-1]) != np.sign(values[1:])
        if crossings.any():
            break
    if point is None:  # nowhere a change of sign
        assert values.min() > 0 or values.max() < 0
        return
    w = point.student.W[0]
    assert point.student.a[0] == 0 and point.residual <= 1e-13
    assert abs(overlap(name, teacher, w)) <= 1e-14 * np.abs(teacher.a).sum()
    assert_allclose(point.loss, point.landscape.constant, rtol=1e-14)
    if ACTIVATIONS[name].kinks:
        assert_allclose(np.linalg.norm(w), 1.0, rtol=1e-12)
        return
    if np.linalg.norm(w) == 0:
        assert np.abs(values[0]).max() <= 1e-15
        assert point.method == "closed form"
        return
    first = np.argwhere(crossings.any(axis=1))[0, 0]  # the shortest radius at which some direction crosses
    assert radii[first] * 0.999 <= np.linalg.norm(w) <= radii[first + 1] * 1.001
    assert (point.method, point.index) == ("numerical", 1)


def test_equal_positive_weights_and_a_positive_kernel_leave_no_zero_student():
    for name in ("exp", "normal_cdf", "cos", "gaussian", "softplus", "sigmoid", "relu", "step"):
        assert trivial_point(PopulationLandscape(ACTIVATIONS[name], orthonormal_teacher(3, 4))) is None


def test_the_spectrum_of_the_zero_student_at_the_origin_is_known_in_closed_form():
    for name in ("erf", "tanh", "gelu", "sin", "linear", "square"):
        point = trivial_point(PopulationLandscape(ACTIVATIONS[name], gaussian_teacher(3, 4, np.random.default_rng(2))))
        assert_allclose(point.spectrum, np.linalg.eigvalsh(point.hessian), atol=1e-13)
        assert point.nullity == (5 if name == "square" else 3)
    # two opposite teachers of opposite weight cancel at w = 0, though cos 0 = 1
    cancel = Network([[1.0, 0], [0, 1.0]], [1.0, -1.0])
    point = trivial_point(PopulationLandscape(ACTIVATIONS["cos"], cancel))
    assert np.linalg.norm(point.student.W) == 0 and point.index == 0 and point.nullity == 2
    assert_allclose(point.spectrum, np.linalg.eigvalsh(point.hessian), atol=1e-13)


def test_teachers_whose_vectors_cancel_leave_a_degenerate_zero_student_not_rounding_noise():
    for name in ("erf", "sin", "tanh", "gelu"):
        point = trivial_point(PopulationLandscape(ACTIVATIONS[name], equicorrelated_teacher(3, 4, -0.5)))
        assert (point.index, point.nullity) == (0, 5)
        assert point.kind == "degenerate saddle"


def test_an_underflowing_kernel_is_no_solution():
    assert trivial_point(PopulationLandscape(ACTIVATIONS["cos"], orthonormal_teacher(2, 3, 1.0))) is None
    assert trivial_point(PopulationLandscape(ACTIVATIONS["cos"], equicorrelated_teacher(3, 4, 0.1, 20.0))) is None


def test_the_zero_teacher_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="every student with a = 0 has loss 0"):
        search("erf", orthonormal_teacher(2, 3, 0.0))
