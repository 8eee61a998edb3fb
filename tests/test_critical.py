"""Critical points: index, nullity, kind and named zero modes; Newton's refinement; theorems as objects."""

import importlib
import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms import STATEMENTS
from landscape_nb.closed_forms.one_neuron import ONE_NEURON_STATEMENTS, one_neuron, statement_for
from landscape_nb.closed_forms.sad import polynomial_landscape
from landscape_nb.critical import (
    INDEX_TOLERANCE,
    RESIDUAL_TOLERANCE,
    CriticalPoint,
    NotConverged,
    OutsideTheorem,
    newton,
    refine,
)
from landscape_nb.landscapes import PopulationLandscape, SampledLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher


class Toy:
    """sum_i c_i x_i^p_i, critical at 0; theta as one neuron."""

    def __init__(self, coefficients, powers=None):
        self.c = np.array(coefficients, float)
        self.p = np.full(self.c.size, 2) if powers is None else np.array(powers)

    def value(self, student):
        return np.sum(self.c * self._theta(student) ** self.p, axis=-1)

    def gradient(self, student):
        return self.c * self.p * self._theta(student) ** (self.p - 1)

    def hessian(self, student):
        second = self.c * self.p * (self.p - 1) * self._theta(student) ** (self.p - 2)
        return second[..., None] * np.eye(self.c.size)

    def _theta(self, student):
        return student.theta if isinstance(student, Network) else np.asarray(student, float)

    def network(self, theta):
        return Network.from_theta(theta, 1, self.c.size - 1)

    def symmetry_directions(self, student):
        return {}


def at_zero(coefficients, powers=None, **more):
    toy = Toy(coefficients, powers)
    return CriticalPoint(toy, toy.network(np.zeros(toy.c.size)), **more)


# --- index, nullity, kind ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "coefficients, powers, index, nullity, kind",
    (
        ((1, 2, 3), None, 0, 0, "minimum"),
        ((1, -2, 3), None, 1, 0, "saddle"),
        ((-1, -2, -3), None, 3, 0, "maximum"),
        ((1, 2, 3), (2, 2, 4), 0, 1, "degenerate minimum"),
        ((1, 2, 3), (2, 2, 3), 0, 1, "degenerate saddle"),
        ((1, 2, -3), (2, 2, 4), 0, 1, "degenerate saddle"),
        ((1, -2, 3), (2, 2, 4), 1, 1, "degenerate saddle"),
        ((-1, -2, -3), (2, 2, 4), 2, 1, "degenerate saddle"),
        ((1, 2, 3), (4, 4, 4), 0, 3, "degenerate minimum"),
    ),
)
def test_the_hessian_and_where_it_is_silent_the_loss_nearby_decide_the_kind(coefficients, powers, index, nullity, kind):
    point = at_zero(coefficients, powers)
    assert (point.index, point.nullity, point.kind, point.residual) == (index, nullity, kind, 0.0)
    assert point.zero_modes == ({"genuine": nullity} if nullity else {})
    assert_allclose(point.spectrum, np.sort(np.diag(point.hessian)))


def test_eigenvalues_up_to_the_stated_share_of_the_largest_count_as_zero():
    assert INDEX_TOLERANCE == 1e-13
    assert at_zero((1.0, 2e-13)).nullity == 0
    assert at_zero((1.0, 0.5e-13)).nullity == 1
    assert at_zero((1.0, -2e-13)).index == 1
    assert at_zero((1.0, -0.5e-13)).index == 0
    assert_allclose(at_zero((1.0, 1e-20)).tolerance, 2e-13)


def test_a_spectrum_in_closed_form_has_no_tolerance():
    point = at_zero((1.0, 2e-17), known_spectrum=np.array([4e-17, 2.0]))
    assert (point.tolerance, point.nullity, point.index, point.kind) == (0.0, 0, 0, "minimum")
    assert at_zero((1.0, 0.0), known_spectrum=np.array([2.0, 0.0])).nullity == 1
    assert_allclose(at_zero((1.0, 2.0), known_spectrum=np.array([4.0, 2.0])).spectrum, [2, 4])


def test_the_soft_mode_of_100_teachers_is_no_zero_mode():
    point = one_neuron(ACTIVATIONS["erf"], orthonormal_teacher(100, 100))[0]
    assert 7e-12 < point.spectrum[0] / point.spectrum[-1] < 9e-12
    assert (point.index, point.nullity) == (0, 0)
    assert CriticalPoint(point.landscape, point.student).nullity == 0


# --- zero modes by name -----------------------------------------------------------------------------------------------

V = np.eye(4)[:2] + 0.1 * np.eye(4)[1:3]  # two teachers in general position


def copy_and(name, W, a, teacher=None):
    teacher = teacher or Network(V, [1.0, 1.0])
    return CriticalPoint(PopulationLandscape(ACTIVATIONS[name], teacher), Network(W, a))


def null_space(point):
    """Zero modes of an exact copy without second-order terms: the kernel of the Jacobian, by sampling the network."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, point.student.d))
    activation, W, a = ACTIVATIONS[point.landscape.activation.name], point.student.W, point.student.a
    jacobian = [a[i] * activation.derivative(x @ W[i])[:, None] * x for i in range(point.student.n)]
    jacobian.append(np.stack([activation(x @ w) for w in W], axis=1))
    sizes = np.linalg.svd(np.concatenate(jacobian, axis=1), compute_uv=False)
    return int(np.sum(sizes < 1e-10 * sizes[0]))


@pytest.mark.parametrize(
    "name, W, a, zero_modes",
    (
        ("erf", [V[0], V[1]], [1, 1], {}),
        ("relu", [V[0], V[1]], [1, 1], {"rescaling": 2}),
        ("relu", [3 * V[0], V[1] / 5], [1 / 3, 5], {"rescaling": 2}),
        ("cube", [V[0], V[1]], [1, 1], {"rescaling": 2}),
        # w_3 is free where a_3 = 0; changing a_3 is felt
        ("erf", [V[0], V[1], 0.3 * V[0] - V[1]], [1, 1, 0], {"silenced neuron": 4}),
        ("erf", [V[0], V[1], [0.3, -0.2, 0.5, 1.0]], [1, 1, 0], {"rotation": 1, "silenced neuron": 3}),
        # a_3 is free where w_3 = 0; changing w_3 is felt
        ("erf", [V[0], V[1], [0, 0, 0, 0]], [1, 1, 0.5], {"idle neuron": 1}),
        # both: the second-order change of the function is a_3 w_3
        ("erf", [V[0], V[1], [0, 0, 0, 0]], [1, 1, 0], {"silenced neuron": 4, "genuine": 1}),
        # weight moves between the halves of a split neuron; that they part costs only at higher order
        ("erf", [V[0], V[0], V[1]], [0.4, 0.6, 1], {"splitting": 1, "genuine": 4}),
        ("erf", [V[0], -V[0], V[1]], [0.4, -0.6, 1], {"splitting": 1, "genuine": 4}),
        ("cos", [V[0], -V[0], V[1]], [0.4, 0.6, 1], {"splitting": 1, "genuine": 4}),
        ("erf", [V[0], V[0], V[0], V[1]], [0.4, 0.4, 0.2, 1], {"splitting": 2, "genuine": 8}),
    ),
)
def test_zero_modes_of_hand_made_copies_are_named(name, W, a, zero_modes):
    point = copy_and(name, W, a)
    assert point.residual < 1e-14 and point.loss < 1e-14
    assert point.zero_modes == zero_modes
    assert point.nullity == sum(zero_modes.values()) == null_space(point)
    assert point.kind == ("degenerate minimum" if "genuine" in zero_modes else "minimum")
    assert point.index == 0


def test_rotations_are_named_and_told_apart_from_rescaling():
    teacher = Network([[1.0, 0, 0]], [1.0])
    point = copy_and("linear", [[1, 1, 0], [1, -1, 0]], [0.5, 0.5], teacher)
    assert point.zero_modes == {"rescaling": 2, "rotation": 1, "genuine": 2}
    assert null_space(point) == 5
    one = refine(
        PopulationLandscape(ACTIVATIONS["square"], orthonormal_teacher(3, 4)), Network([[0.8, 0.6, 0, 0]], [1.6])
    )
    assert one.zero_modes == {"rescaling": 1, "rotation": 2}


def test_the_zero_student_of_square_and_cube_is_no_minimum():
    for name in ("square", "cube"):
        point = copy_and(name, [[0, 0, 0, 0]], [0.0])
        assert (point.index, point.nullity, point.kind) == (0, 5, "degenerate saddle")
        assert point.zero_modes == {"silenced neuron": 4, "genuine": 1}


def test_names_of_zero_modes_read_as_a_phrase():
    assert copy_and("erf", V, [1, 1]).describe_zero_modes() == "nullity 0"
    assert copy_and("relu", V, [1, 1]).describe_zero_modes() == "nullity 2 (rescaling 2)"


# --- text -------------------------------------------------------------------------------------------------------------


def test_a_critical_point_describes_itself_without_noise_or_addresses():
    point = one_neuron(ACTIVATIONS["erf"], orthonormal_teacher(5, 6))[0]
    assert repr(point) == "CriticalPoint(average of the teachers, minimum, loss=0.0724526, index=0, closed form)"
    assert point.describe().splitlines() == [
        "average of the teachers: minimum (closed form)",
        "loss 0.0724526452, residual < 1e-12",
        "index 0, nullity 0",
        "Hessian spectrum 0.000846832, 23.684, 28.5014 (x4), 28.7922",
    ]


def test_no_repr_holds_an_address():
    for statement in STATEMENTS.values():
        for thing in (statement, *statement.hypotheses):
            assert not re.search(r"0x[0-9a-f]{6}|<function|<lambda", repr(thing)), repr(thing)
    for name in ("erf", "relu", "cos", "linear"):
        found = one_neuron(ACTIVATIONS[name], orthonormal_teacher(3, 4))
        assert "0x" not in repr(found) + "".join(point.describe() for point in found)


# --- refinement -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ("erf", "relu", "normal_cdf", "sin", "exp", "cos", "gaussian", "linear"))
def test_refinement_reaches_rounding_from_perturbed_starts(name):
    for k in (2, 4):
        for exact in one_neuron(ACTIVATIONS[name], orthonormal_teacher(k, k + 1)):
            if exact.student.a[0] == 0:
                continue
            shake = np.random.default_rng(k).normal(size=exact.student.theta.size)
            start = exact.student.theta * (1 + 0.02 * shake) + 0.002 * shake
            point = refine(exact.landscape, start, "refined")
            assert point.residual <= RESIDUAL_TOLERANCE * max(1.0, point.spectrum[-1])
            assert point.method == "numerical" and point.name == "refined"
            assert_allclose(point.loss, exact.loss, rtol=0, atol=1e-13 * exact.landscape.constant)
            assert point.index == exact.index
            if ACTIVATIONS[name].homogeneous is None:
                assert_allclose(point.student.theta, exact.student.theta, atol=1e-7)


def test_refinement_converges_to_saddles_as_well():
    landscape = PopulationLandscape(ACTIVATIONS["cos"], orthonormal_teacher(3, 4))
    point = refine(landscape, Network([[0.33, 0.34, 0.335, 0.001]], [2.1]))
    assert point.index == 2 and point.residual <= 1e-12


def test_refinement_of_several_neurons_reaches_the_teacher():
    teacher = Network(V, [1.0, -0.5])
    landscape = PopulationLandscape(ACTIVATIONS["tanh"], teacher)
    point = refine(landscape, teacher.theta + 0.01 * np.arange(10) / 10)
    assert_allclose(point.student.theta, teacher.theta, atol=1e-9)


def test_refinement_says_why_it_failed_and_keeps_the_best_student():
    landscape = PopulationLandscape(ACTIVATIONS["gelu"], orthonormal_teacher(3, 4))
    start = Network([[0.9, 0.9, 0.9, 0.0]], [1.2])
    with pytest.raises(NotConverged, match=r"no critical point reached: max \|grad L\| = .* start closer") as failure:
        refine(landscape, start, iterations=30)
    error = failure.value
    assert isinstance(error, ValueError) and isinstance(error.student, Network)
    assert error.residual > 1e-13
    assert_allclose(np.abs(landscape.gradient(error.student)).max(), error.residual, rtol=1e-12)
    assert error.residual < np.abs(landscape.gradient(start)).max()


def test_refinement_from_a_place_without_derivatives_says_so_too():
    landscape = PopulationLandscape(ACTIVATIONS["relu"], orthonormal_teacher(2, 3))
    with pytest.raises(ValueError, match=r"relu|no critical point"):
        refine(landscape, Network([[0.0, 0, 0]], [1.0]))


def test_refinement_takes_one_student():
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(2, 3))
    with pytest.raises(ValueError, match=r"one student of shape \(p,\); theta has the shape \(2, 4\)"):
        refine(landscape, np.ones((2, 4)))


def test_a_batch_is_refined_row_by_row():
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(3, 4))
    starts = np.random.default_rng(2).normal(size=(3, 5, 5)) * 0.4 + [0.3, 0.3, 0.3, 0, 2.5]
    theta, residual, largest = newton(landscape, starts)
    assert theta.shape == (3, 5, 5) and residual.shape == largest.shape == (3, 5)
    assert_allclose(np.abs(landscape.gradient(theta)).max(axis=-1), residual)
    converged = residual <= RESIDUAL_TOLERANCE * np.maximum(1, largest)
    assert converged.any()
    for index in zip(*np.nonzero(converged)):
        alone, one_residual, one_largest = newton(landscape, starts[index])
        assert_allclose(alone, theta[index], atol=1e-7)
        assert one_residual <= RESIDUAL_TOLERANCE * max(1, one_largest)


def test_refinement_of_a_toy_ends_at_the_exact_place():
    toy = Toy((1.0, -2.0, 0.5))
    theta, residual, largest = newton(toy, np.array([0.3, -0.7, 2.0]))
    assert_allclose(theta, 0, atol=1e-13)
    assert residual <= 1e-13 and largest == 4.0


# --- theorems as objects ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", STATEMENTS)
def test_a_statement_is_what_its_module_says(key):
    statement = STATEMENTS[key]
    module = importlib.import_module(f"landscape_nb.closed_forms.{key}")
    assert module.STATEMENT is statement and statement.key == key
    (source,) = re.findall(r"^Source: (.*?)\s*(?:\n\n|\Z)", module.__doc__, flags=re.MULTILINE | re.DOTALL)
    assert " ".join(source.split()) == statement.source
    assert statement.status.startswith(("known", "derived"))
    assert statement.claim.count("$") % 2 == 0
    assert statement.cases and statement.verified and statement.hypotheses
    importlib.import_module(f"landscape_nb.figures.{statement.figure}")
    for hypothesis in statement.hypotheses:
        assert hypothesis.sentence and hypothesis.remedy


WITHOUT_OUTPUT_BIAS = SampledLandscape(
    ACTIVATIONS["tanh"], [[-2, 1], [-1, 1], [-0.5, 1], [0, 1], [0.5, 1], [1, 1], [2, 1]], [4, 1, 0.25, 0, 0.25, 1, 4]
)
OUTSIDE = (
    # activation, teacher, what was given, for every hypothesis of every statement
    ("one_neuron_erf", 0, "relu", orthonormal_teacher(2, 3), "relu", "choose erf"),
    (
        "one_neuron_erf",
        1,
        "erf",
        orthonormal_teacher(2, 3, (1.0, 2.0)),
        "outgoing weights between 1 and 2",
        "search_one_neuron",
    ),
    ("one_neuron_erf", 1, "erf", Network([[1, 0], [0, 2]], [1, 1]), "norms between 1 and 2", "search_one_neuron"),
    (
        "one_neuron_erf",
        1,
        "erf",
        Network([[1, 0, 0], [0, 1, 0], [0.6, 0.8, 0]], [1, 1, 1]),
        "correlations between 0 and 0.8",
        "equicorrelated",
    ),
    ("one_neuron_erf", 2, "erf", equicorrelated_teacher(3, 4, -0.5), "a sum of length 0", "-1/(k - 1)"),
    ("one_neuron_erf", 2, "erf", orthonormal_teacher(2, 3, 0.0), "the weight 0", "a weight other than 0"),
    ("one_neuron_relu", 0, "gelu", orthonormal_teacher(2, 3), "gelu", "choose relu"),
    ("one_neuron_relu", 1, "relu", orthonormal_teacher(2, 3, (1.0, 2.0)), "outgoing weights", "search_one_neuron"),
    ("one_neuron_relu", 2, "relu", equicorrelated_teacher(2, 3, -1.0), "a sum of length 0", "raise the correlation"),
    (
        "one_neuron_product",
        0,
        "tanh",
        orthonormal_teacher(2, 3),
        "tanh",
        "choose normal_cdf, sin, exp, cos or gaussian",
    ),
    ("one_neuron_product", 1, "cos", orthonormal_teacher(2, 3, (1.0, 2.0)), "outgoing weights", "search_one_neuron"),
    ("one_neuron_product", 2, "sin", equicorrelated_teacher(2, 3, -1.0), "a sum of length 0", "raise the correlation"),
    ("one_neuron_linear", 0, "cube", orthonormal_teacher(2, 3), "cube", "choose linear"),
    ("one_neuron_linear", 1, "linear", equicorrelated_teacher(2, 3, -1.0), "a sum of length", "change a weight"),
    ("copy_average", 0, "relu", orthonormal_teacher(2, 3), "relu, whose one-neuron residual", "perturbed_copy_average"),
    ("copy_average", 3, "erf", Network([[1, 0], [1, 1]], [1, 1]), "norms", "group like with like"),
    ("copy_average", 4, "erf", orthonormal_teacher(2, 3, 0.0), "the weight 0 in group 0", "a weight other than 0"),
    ("perturbed_copy", 0, "sin", orthonormal_teacher(3, 4), "sin", "choose erf or relu"),
    (
        "perturbed_copy",
        1,
        "erf",
        equicorrelated_teacher(3, 4, 0.2),
        "a mutual correlation of 0.2",
        "orthonormal teacher",
    ),
    ("perturbed_copy", 2, "erf", orthonormal_teacher(2, 3), "k = 2", "take more teachers"),
    ("perturbed_copy_average", 0, "erf", orthonormal_teacher(3, 4), "erf", "choose relu"),
    (
        "perturbed_copy_average",
        1,
        "relu",
        equicorrelated_teacher(3, 4, 0.2),
        "correlation of 0.2",
        "orthonormal teacher",
    ),
    ("perturbed_copy_average", 2, "relu", orthonormal_teacher(2, 3), "k = 2", "take more teachers"),
    ("sad", 0, "relu", polynomial_landscape(ACTIVATIONS["relu"]), "slope jumps at 0", "choose tanh"),
    ("sad", 1, "exp", polynomial_landscape(ACTIVATIONS["exp"]), "no such zero", "choose tanh"),
    ("sad", 2, "tanh", orthonormal_teacher(2, 3), "a teacher network", "polynomial_landscape"),
    ("sad", 3, "tanh", WITHOUT_OUTPUT_BIAS, "no output bias", "output_bias=True"),
    *(
        row
        for key in ("splitting", "embeddings")
        for row in (
            (key, 0, "gelu", orthonormal_teacher(2, 2), "no finite critical point of one neuron", "refine the student"),
            (key, 1, "erf", orthonormal_teacher(2, 2, 0.0), "a = 0 of neuron 0", "split another neuron"),
            (
                key,
                2,
                "relu",
                orthonormal_teacher(2, 2),
                "index 0, nullity 1 (rescaling 1)",
                "start from a strict minimum",
            ),
            (key, 3, "erf", orthonormal_teacher(2, 2), "B negative semi-definite", "change the target a little"),
        )
    ),
    ("channels", 0, "relu", Network([[5, 2.5], [5, -2.5]], [1, 1]), "relu, which has a kink at 0", "such as erf"),
    ("channels", 1, "erf", orthonormal_teacher(3, 3), "d = 3 inputs", "channel_limits"),
    ("channels", 2, "erf", Network([[1.0], [3.0]], [1, 1]), "end of the splitting line at w = ", "rougher target"),
    ("channels", 3, "erf", Network([[1.0], [3.0]], [1, -1]), "h = -0.000782731", "another target"),
    ("splitting_with_bias", 0, "softplus", orthonormal_teacher(2, 2), "softplus", "choose erf, normal_cdf, sin or cos"),
    ("splitting_with_bias", 1, "erf", orthonormal_teacher(2, 3), "3 inputs", "take d = 2"),
    ("splitting_with_bias", 2, "erf", orthonormal_teacher(2, 2, 0.0), "a teacher without one", "two unequal steps"),
)


@pytest.mark.parametrize("key, which, name, teacher, given, remedy", OUTSIDE)
def test_outside_a_theorem_the_error_names_hypothesis_given_and_remedy(key, which, name, teacher, given, remedy):
    statement, activation = STATEMENTS[key], ACTIVATIONS[name]
    hypothesis = statement.hypotheses[which]
    assert not statement.applies(activation, teacher)
    assert [verdict is None for _, verdict in statement.verdicts(activation, teacher)][:which] == [True] * which
    with pytest.raises(OutsideTheorem) as failure:
        statement.point(activation, teacher)
    error = failure.value
    assert isinstance(error, ValueError)
    assert (error.statement, error.hypothesis, error.remedy) == (
        statement.title,
        hypothesis.sentence,
        hypothesis.remedy,
    )
    assert given in error.given and remedy in error.remedy
    assert str(error) == f"{statement.title} needs {error.hypothesis}; given: {error.given}; {error.remedy}"
    if which and statement_for(activation) is statement:
        with pytest.raises(OutsideTheorem, match=re.escape(str(error))):
            one_neuron(activation, teacher)


#: Conditions on the groups, which a teacher alone cannot violate: test_copy_average.py has them.
OF_GROUPS = {("copy_average", 1), ("copy_average", 2)}


def test_every_hypothesis_of_every_statement_is_among_these():
    assert {(key, which) for key, which, *_ in OUTSIDE} | OF_GROUPS == {
        (key, which) for key, statement in STATEMENTS.items() for which in range(len(statement.hypotheses))
    }


@pytest.mark.parametrize("statement", ONE_NEURON_STATEMENTS, ids=lambda statement: statement.key)
def test_inside_its_hypotheses_a_statement_applies(statement):
    names = [name for name in ACTIVATIONS if statement_for(ACTIVATIONS[name]) is statement]
    assert names
    for name in names:
        for teacher in (orthonormal_teacher(2, 3), equicorrelated_teacher(3, 3, -0.2, 0.7, -2.0)):
            assert statement.applies(ACTIVATIONS[name], teacher)
            assert all(verdict is None for _, verdict in statement.verdicts(ACTIVATIONS[name], teacher))
            statement.require(ACTIVATIONS[name], teacher)
            for point in statement.point(ACTIVATIONS[name], teacher):
                assert point.residual <= 1e-12 * max(1.0, point.landscape.constant)
                assert point.statement == (statement.key if point.method == "closed form" else "")


def test_a_statement_is_complete_only_where_it_says_why():
    without = replace(STATEMENTS["one_neuron_product"])
    assert without.complete(ACTIVATIONS["sin"], orthonormal_teacher(2, 3)) == ""
    for key, name, complete in (("one_neuron_erf", "erf", True), ("one_neuron_linear", "linear", True)):
        assert bool(STATEMENTS[key].complete(ACTIVATIONS[name], orthonormal_teacher(2, 3))) is complete
