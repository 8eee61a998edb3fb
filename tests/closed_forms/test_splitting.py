"""A split neuron draws a line of critical points, and B says on which part of it they are minima."""

import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose, assert_array_equal

from landscape_nb.activations import ACTIVATIONS, ERF, RELU, SOFTPLUS, TANH
from landscape_nb.closed_forms import splitting_with_bias
from landscape_nb.closed_forms.splitting import STATEMENT, TEACHER, splitting_line, splitting_matrix
from landscape_nb.critical import OutsideTheorem, refine
from landscape_nb.landscapes import PopulationLandscape, SampledLandscape, gaussian_line
from landscape_nb.networks import BiasedNetwork, Network, orthonormal_teacher, split

GAMMAS = np.array([-7.5, -1.5, -0.1, 0.0, 0.2, 0.5, 0.65, 1.0, 1.25, 2.0, 5.0])


def two_steps():
    """One Gaussian input, two erf steps."""
    x, weights = gaussian_line()
    return SampledLandscape(ERF, x[:, None], ERF(5 * x + 2.5) + ERF(5 * x - 2.5), weights)


def grid(teacher):
    """erf on 7 x 7 points."""
    side = np.linspace(-1.5, 1.5, 7)
    X = np.array([(x, y) for x in side for y in side])
    return SampledLandscape(ERF, X, ERF(X @ teacher.W.T) @ teacher.a)


def with_biases():
    """Two tanh neurons, ten points, an input bias and an output bias."""
    x = np.linspace(-2.0, 2.0, 10)
    y = np.sin(2 * x) + 0.4 * x**2
    return SampledLandscape(TANH, np.column_stack([x, np.ones_like(x)]), y, output_bias=True)


TWO_TEACHERS = Network([[-0.5, 3.0], [1.0, 1.0], [1.0, 0.0]], [1.0, 1.0, -1.0])
# landscape, a start near a critical point, the neuron that is split, what B is, the plateau
EXAMPLES = {
    "two steps": (two_steps, [1.4, 2.15], 0, "positive definite", "inside"),
    "erf population": (
        lambda: PopulationLandscape(ERF, TEACHER),
        [-1.3231, 1.517, 3.2987],
        0,
        "negative definite",
        "outside",
    ),
    "softplus population": (
        lambda: PopulationLandscape(SOFTPLUS, TEACHER),
        [-2.8233, 2.9449, 1.5515],
        0,
        "positive definite",
        "inside",
    ),
    "softplus, orthonormal": (
        lambda: PopulationLandscape(SOFTPLUS, orthonormal_teacher(2, 2)),
        [0.4607, 0.4607, 2.1679],
        0,
        "indefinite",
        "nowhere",
    ),
    "two neurons, the first": (
        lambda: PopulationLandscape(ERF, TWO_TEACHERS),
        [0.0074, 1.9493, 1.3343, -0.7316, 1.5043, -0.4134],
        0,
        "indefinite",
        "nowhere",
    ),
    "two neurons, the second": (
        lambda: PopulationLandscape(ERF, TWO_TEACHERS),
        [0.0074, 1.9493, 1.3343, -0.7316, 1.5043, -0.4134],
        1,
        "positive definite",
        "inside",
    ),
    "grid, negative": (lambda: grid(TEACHER), [-1.2409, 1.4016, 3.3757], 0, "negative definite", "outside"),
    "grid, positive": (
        lambda: grid(Network([[1.0, -1.0], [1.0, 2.0], [-2.0, -0.5]], [1.0, 1.0, 2.0])),
        [-3.601, -0.7717, 0.9845],
        0,
        "positive definite",
        "inside",
    ),
}


@pytest.fixture(scope="module")
def lines():
    made = {}
    for name, (landscape, start, neuron, *_) in EXAMPLES.items():
        point = refine(landscape(), np.array(start))
        assert np.abs(point.student.theta - start).max() < 5e-3
        made[name] = splitting_line(point.landscape, point.student, neuron)
    return made


def each(test):
    return pytest.mark.parametrize("name", EXAMPLES)(test)


# --- the line ---------------------------------------------------------------------------------------------------------


@each
def test_every_point_of_the_line_is_critical_and_has_the_same_loss(lines, name):
    line = lines[name]
    students = line.students(GAMMAS)
    for gamma, theta in zip(GAMMAS, students):
        assert_allclose(line.network(gamma).theta, theta, rtol=1e-14, atol=1e-14)
    size = max(1.0, float(np.abs(line.original.spectrum).max()))
    assert np.abs(line.landscape.gradient(students)).max() <= 1e-12 * size
    assert_allclose(line.landscape.value(students), line.original.loss, rtol=0, atol=1e-12 * line.landscape.constant)
    assert_allclose(
        (students[4] - students[5]) / np.linalg.norm(students[4] - students[5]),
        -np.sign(line.student.a[line.neuron]) * line.direction,
        atol=1e-12,
    )


@each
def test_the_block_form_is_the_hessian(lines, name):
    line = lines[name]
    computed = line.landscape.hessian(line.students(GAMMAS))
    size = np.abs(computed).max(axis=(1, 2), keepdims=True)
    assert (np.abs(line.hessian(GAMMAS) - computed) <= 3e-14 * size).all()
    assert_allclose(line.spectrum(GAMMAS), np.linalg.eigvalsh(computed), atol=1e-13 * float(size.max()))
    assert_allclose(line.spectrum(1 - GAMMAS), line.spectrum(GAMMAS), atol=1e-13 * float(size.max()))


@each
def test_index_and_nullity_are_those_of_the_full_hessian(lines, name):
    line = lines[name]
    for gamma in GAMMAS:
        point = line.point(float(gamma))
        assert (line.index(gamma), line.nullity(gamma)) == (point.index, point.nullity)
        silenced = line.student.d if gamma in (0, 1) else 0
        assert point.zero_modes == {"splitting": 1, **({"silenced neuron": silenced} if silenced else {})}


@each
def test_b_and_the_plateau_are_as_listed(lines, name):
    line = lines[name]
    *_, definiteness, plateau = EXAMPLES[name]
    assert (line.definiteness, line.plateau) == (definiteness, plateau)
    assert all(given is None for _, given in line.verdicts)
    inside = [low < gamma < high for gamma in GAMMAS for low, high in line.intervals]
    minima = [line.point(gamma).index == 0 and gamma not in (0, 1) for gamma in GAMMAS.tolist()]
    assert np.array(inside).reshape(len(GAMMAS), -1).any(axis=1).tolist() == minima


@each
def test_b_is_its_integral(lines, name):
    """< l' a sigma'' x x^T > by sums over the samples, or by a trapezoid over two Gaussian inputs."""
    line = lines[name]
    landscape, student, i = line.landscape, line.student, line.neuron
    if isinstance(landscape, SampledLandscape):
        X, weights, y = landscape.X, landscape.weights, landscape.y
    else:
        x, each_weight = gaussian_line(141, 7.0)
        X = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
        weights = np.outer(each_weight, each_weight).ravel()
        y = landscape.activation(X @ landscape.teacher.W.T) @ landscape.teacher.a
    z = X @ student.W.T
    pull = 2 * (landscape.activation(z) @ student.a - y) * student.a[i] * landscape.activation.derivative(z[:, i], 2)
    assert_allclose(line.B, (X * (weights * pull)[:, None]).T @ X, rtol=1e-8, atol=1e-10)


@each
def test_pulled_apart_the_copies_change_the_loss_as_b_says(lines, name):
    line = lines[name]
    gammas, step = np.array([-1.0, 0.3, 0.5, 2.0]), 1e-3
    values, vectors = np.linalg.eigh(line.B)
    for value, delta in zip(values, vectors.T):
        both = [line.landscape.value(line.moved(gammas, sign * step * delta, 1.0)) for sign in (1, -1)]
        rise = np.mean(both, axis=0) - line.original.loss
        expected = 0.5 * gammas * (1 - gammas) * value * step**2
        assert_allclose(rise, expected, atol=2e-2 * np.abs(expected).max() + 3e-16 * line.landscape.constant)
        other = line.moved(gammas[1], delta, step)
        assert_allclose(other, line.moved(gammas, step * delta, 1.0)[1], rtol=1e-14)


@each
def test_the_pure_splitting_direction_has_the_curvature_of_the_formula(lines, name):
    line = lines[name]
    for gamma in (-2.0, 0.3, 3.0):
        hessian = line.landscape.hessian(line.network(gamma))
        found = []
        for delta in np.linalg.eigh(line.B)[1].T:
            way = line.moved(gamma, delta, 1.0) - line.network(gamma).theta
            found.append(way @ hessian @ way / (way @ way))
        assert_allclose(line.pure_curvature(gamma), found, rtol=1e-7, atol=1e-10)
        assert line.spectrum(gamma)[0] <= min(line.pure_curvature(gamma).min(), 0) + 1e-12
    assert_allclose(line.pure_curvature(1e9), -line.matrix_spectrum / 2, rtol=1e-8)


@each
def test_the_way_of_escape_is_the_lowest_eigenvector_off_the_line(lines, name):
    line = lines[name]
    for gamma in (-1.0, 0.3, 2.0):
        value, way = line.escape(gamma)
        assert_allclose(line.landscape.hessian(line.network(gamma)) @ way, value * way, atol=1e-10)
        assert abs(way @ line.direction) < 1e-10 and abs(np.linalg.norm(way) - 1) < 1e-12
        others = np.sort(np.delete(line.spectrum(gamma), np.argmin(np.abs(line.spectrum(gamma)))))
        assert_allclose(value, others[0], atol=1e-10)


# --- local minima and the ends ----------------------------------------------------------------------------------------


@each
def test_near_a_plateau_no_loss_is_lower_and_off_it_some_is(lines, name):
    line = lines[name]
    rng = np.random.default_rng(4)
    for gamma in (-0.7, 0.5, 1.6):
        theta = line.network(gamma).theta
        ways = rng.normal(size=(400, theta.size))
        ways[0] = line.escape(gamma)[1]
        ways *= 0.01 / np.linalg.norm(ways, axis=1, keepdims=True)
        lowest = (line.landscape.value(theta + ways) - line.original.loss).min()
        if any(low < gamma < high for low, high in line.intervals):
            assert lowest >= -1e-15 * line.landscape.constant
        else:
            assert lowest < -1e-9


@each
def test_the_ends_of_a_plateau_are_no_minima(lines, name):
    """A silenced neuron moved to w + u feels the slope u.B u/(2 a) in its outgoing weight."""
    line = lines[name]
    values, vectors = np.linalg.eigh(line.B)
    decisive = np.argmax(np.abs(values))
    step = 5e-2 * vectors[:, decisive]
    a = line.student.a[line.neuron]
    silenced = line.network(0.0)
    W = silenced.W.copy()
    d, i = line.student.d, line.neuron
    slopes = []
    for sign in (1, -1):
        W[i] = silenced.W[i] + sign * step
        moved = Network(W, silenced.a)
        assert_allclose(line.landscape.value(moved), line.original.loss, rtol=0, atol=1e-14 * line.landscape.constant)
        slopes.append(line.landscape.gradient(moved)[(line.student.n + 1) * d + i])
    assert_allclose(np.mean(slopes), values[decisive] * 25e-4 / (2 * a), rtol=0.05)
    own = line.landscape.hessian(moved)[(line.student.n + 1) * d + i, (line.student.n + 1) * d + i]
    lower = Network(W, silenced.a - slopes[1] / own * np.eye(silenced.n)[i])
    assert_allclose(line.landscape.value(lower) - line.original.loss, -(slopes[1] ** 2) / (2 * own), rtol=0.01)


# --- the toy with two steps -------------------------------------------------------------------------------------------

SPECTRA = {  # as printed: the last digit is rounded
    0.5: "0 0.02845 0.1025 2.039",
    0.65: "0 0.02324 0.1131 2.058",
    1.5: "-0.01928 0 0.3128 2.959",
    2: "-0.02749 0 0.4098 4.223",
    5: "-0.0362 0 0.558 23.6",
    50: "-0.03756 0 0.585 2653",
    0: "0 0 0.1854 2.255",
    1: "0 0 0.1854 2.255",
}


def test_two_steps_have_the_numbers_of_the_reference_simulator(lines):
    line = lines["two steps"]
    assert_allclose(line.student.theta, [1.3995541, 2.1527836], atol=1e-7)
    assert_allclose(line.original.loss, 0.0471160274967, rtol=1e-11)
    assert_allclose(line.original.spectrum, [0.1530, 1.3662], atol=1e-4)
    assert_allclose(line.B, [[0.0568977]], atol=1e-7)
    for gamma, expected in SPECTRA.items():
        for value, printed in zip(line.spectrum(gamma), expected.split()):
            unit = 10.0 ** -len(printed.partition(".")[2]) if printed != "0" else 2e-12
            assert abs(value - float(printed)) <= 0.501 * unit, (gamma, printed)
    assert_allclose(line.escape(50.0)[0], -0.03756, atol=1e-5)
    assert_allclose(line.pure_curvature(50.0), [-0.02844306], atol=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_one_input_without_bias_always_has_a_plateau_on_one_side(seed):
    rng = np.random.default_rng(seed)
    x, weights = gaussian_line()
    c, b, a = rng.uniform(1, 4, size=3), rng.normal(size=3), rng.normal(size=3)
    landscape = SampledLandscape(ERF, x[:, None], ERF(np.outer(x, c) + b) @ a, weights)
    overlap, own = (landscape.gradient(np.array([2.0, value]))[1] for value in (0.0, 1.0))
    point = refine(landscape, [2.0, overlap / (overlap - own)])
    line = splitting_line(landscape, point.student)
    assert point.index == point.nullity == 0
    sides = {line.point(gamma).index for gamma in (0.5, 2.0)}
    assert sides == {0, 1}
    assert line.plateau == ("inside" if line.B[0, 0] > 0 else "outside")


# --- several neurons and biases ---------------------------------------------------------------------------------------


def test_the_block_form_holds_for_saddles_and_with_an_output_bias():
    landscape = with_biases()
    point = refine(landscape, np.array([2.192, 0.089, 1.168, 2.019, 1.231, -2.866, 2.711]))
    assert point.index == 1
    assert isinstance(point.student, BiasedNetwork) and point.student.n == 2
    for neuron in (0, 1):
        line = splitting_line(landscape, point.student.theta, neuron)
        assert isinstance(line.network(0.3), BiasedNetwork)
        computed = landscape.hessian(line.students(GAMMAS))
        assert (
            np.abs(line.hessian(GAMMAS) - computed).max(axis=(1, 2)) <= 1e-13 * np.abs(computed).max(axis=(1, 2))
        ).all()
        for gamma in (-1.0, 0.4, 1.0):
            assert line.index(gamma) == line.point(gamma).index


def test_b_needs_no_critical_point():
    landscape, student = two_steps(), Network([[0.7], [-1.3]], [1.5, 0.4])
    x, z = landscape.X[:, 0], landscape.X @ student.W.T
    rest = ERF(z) @ student.a - landscape.y
    for i in (0, 1):
        expected = np.sum(landscape.weights * 2 * rest * student.a[i] * ERF.derivative(z[:, i], 2) * x * x)
        assert_allclose(splitting_matrix(landscape, student, i), [[expected]], rtol=1e-12)
        assert_array_equal(splitting_matrix(landscape, student.theta, i), splitting_matrix(landscape, student, i))


# --- outside the theorem ----------------------------------------------------------------------------------------------


def test_outside_its_hypotheses_the_plateau_says_which_one_fails(lines):
    line = lines["two steps"]
    moved = splitting_line(line.landscape, Network(line.student.W * 1.01, line.student.a))
    for ask in (lambda: moved.plateau, lambda: moved.hessian(0.5), lambda: moved.point(0.5), lambda: moved.index(0.5)):
        with pytest.raises(
            OutsideTheorem, match=r"needs an original point with zero gradient; given: max .* refine the"
        ):
            ask()
    silenced = splitting_line(
        line.landscape, Network(np.repeat(line.student.W, 2, axis=0), [line.student.a[0], 0.0]), 1
    )
    with pytest.raises(
        OutsideTheorem, match=r"an outgoing weight a other than 0; given: a = 0 of neuron 1; split another"
    ):
        silenced.spectrum(0.5)
    again = splitting_line(line.landscape, line.network(0.5))
    with pytest.raises(
        OutsideTheorem, match=r"Hessian is positive definite; given: index 0, nullity 1 \(splitting 1\)"
    ):
        again.plateau  # noqa: B018
    assert again.index(0.5) == again.point(0.5).index == 0
    assert again.nullity(0.5) == again.point(0.5).nullity


def test_the_average_of_alike_teachers_leaves_the_second_order_undecided():
    """Where the residual is orthogonal to all sigma(r w.x), B vanishes along w."""
    landscape = PopulationLandscape(ERF, orthonormal_teacher(2, 2))
    line = splitting_line(landscape, refine(landscape, [0.41, 0.41, 2.0]).student)
    assert line.definiteness == "negative semi-definite" and line.matrix_spectrum[1] == 0
    assert_allclose(line.B @ line.student.W[0], 0, atol=1e-14)
    with pytest.raises(
        OutsideTheorem, match=r"B that is definite or indefinite; given: B negative semi-definite, with eigen"
    ):
        line.plateau  # noqa: B018
    for gamma in (0.5, 2.0):
        assert (line.index(gamma), line.nullity(gamma)) == (line.point(gamma).index, line.point(gamma).nullity)


def test_relu_has_a_flat_direction_and_no_rule():
    landscape = PopulationLandscape(RELU, orthonormal_teacher(2, 2))
    line = splitting_line(landscape, refine(landscape, [0.8, 0.8, 1.3]).student)
    assert_allclose(line.B @ line.student.W[0], 0, atol=1e-13)
    with pytest.raises(OutsideTheorem, match=r"given: index 0, nullity 1 \(rescaling 1\)"):
        line.plateau  # noqa: B018


def test_a_neuron_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"neuron must lie between 0 and 0; neuron = 1 was given"):
        splitting_line(two_steps(), Network([[1.0]], [1.0]), 1)


def test_a_line_says_what_it_is(lines):
    assert repr(lines["two steps"]) == "SplittingLine(neuron=0, B=0.0568977, loss=0.047116)"


# --- statements -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", STATEMENT.cases, ids=lambda case: case["activation"])
def test_the_cases_of_the_statement_hold(case):
    before, at, after = STATEMENT.point(ACTIVATIONS[case["activation"]], TEACHER)
    assert_allclose([before.loss, at.loss, after.loss], case["loss"], rtol=1e-9)
    assert max(point.residual for point in (before, at, after)) <= 1e-12
    merged = Network(at.student.W[:1], [at.student.a.sum()])
    assert at.student == split(merged, 0, 0.5)
    assert_allclose(np.linalg.eigvalsh(splitting_matrix(at.landscape, merged, 0)), case["B"], atol=1e-8)
    assert [point.index for point in (before, at, after)] == {"outside": [0, 2, 0], "inside": [2, 0, 2]}[
        case["plateau"]
    ]


# --- with a bias ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", splitting_with_bias.NAMES)
def test_the_second_derivative_is_made_of_lower_ones(name):
    """sigma'' = alpha sigma + (beta + gamma z) sigma', with SymPy; and for exp, but not for softplus."""
    z = sympy.Symbol("z", real=True)

    def dependent(symbol):
        """Whether sigma'', sigma, sigma' and z sigma' are linearly dependent: their determinant at four places, to 30 digits."""
        slope = symbol.diff(z)
        functions = (slope.diff(z), symbol, slope, z * slope)
        rows = [[function.subs(z, place).evalf(30) for function in functions] for place in (-1.25, 0.5, 0.75, 2)]
        return abs(sympy.Matrix(rows).det()) < 1e-20

    assert dependent(ACTIVATIONS[name].symbol) and dependent(sympy.exp(z))
    assert not dependent(sympy.log(1 + sympy.exp(z))) and not dependent(sympy.tanh(z))


@pytest.mark.parametrize("case", splitting_with_bias.STATEMENT.cases, ids=lambda case: case["activation"])
def test_with_a_bias_b_has_a_zero_and_no_plateau(case):
    activation, teacher = ACTIVATIONS[case["activation"]], Network(case["W"], case["a"])
    points = splitting_with_bias.STATEMENT.point(activation, teacher)
    line = splitting_with_bias.line_with_bias(activation, teacher)
    assert abs(line.B[1, 1]) <= 1e-13 and abs(line.B[0, 1]) > 1e-3
    x, z = line.landscape.X, line.landscape.X @ line.student.W[0]
    pull = 2 * (line.student.a[0] * activation(z) - line.landscape.y) * line.student.a[0] * activation.derivative(z, 2)
    assert_allclose(line.B, (x * (line.landscape.weights * pull)[:, None]).T @ x, atol=1e-13)
    assert line.plateau == "nowhere"
    for point in points:
        assert point.residual <= 1e-12 and point.index == 1 and point.kind == "saddle"


def test_other_activations_can_have_a_plateau_with_a_bias():
    """tanh does not have the property: the entry of B at the bias is not zero."""
    teacher = Network([[5.0, 2.5], [5.0, -2.5]], [1.0, 0.8])
    line = splitting_with_bias.line_with_bias(TANH, teacher)
    assert abs(line.B[1, 1]) > 1e-2
    with pytest.raises(OutsideTheorem, match="tanh"):
        splitting_with_bias.STATEMENT.require(TANH, teacher)
