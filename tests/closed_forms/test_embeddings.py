"""Many copies of one neuron, and how many affine subspaces of critical points they make."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from landscape_nb.activations import ACTIVATIONS, ERF, SOFTPLUS
from landscape_nb.closed_forms.critical_subspaces import critical_subspaces, minimal_subspaces
from landscape_nb.closed_forms.embeddings import EXAMPLES, STATEMENT, Embedding
from landscape_nb.closed_forms.splitting import TEACHER, splitting_line
from landscape_nb.critical import OutsideTheorem, refine
from landscape_nb.landscapes import PopulationLandscape, SampledLandscape, gaussian_line
from landscape_nb.networks import Network, orthonormal_teacher


def two_steps():
    x, weights = gaussian_line()
    return SampledLandscape(ERF, x[:, None], ERF(5 * x + 2.5) + ERF(5 * x - 2.5), weights)


POINTS = {
    "B > 0, one input": (two_steps, [1.4, 2.15], 0),
    "B < 0": (lambda: PopulationLandscape(ERF, TEACHER), [-1.3231, 1.517, 3.2987], 0),
    "B > 0": (lambda: PopulationLandscape(SOFTPLUS, TEACHER), [-2.8233, 2.9449, 1.5515], 0),
    "B indefinite": (lambda: PopulationLandscape(SOFTPLUS, orthonormal_teacher(2, 2)), [0.4607, 0.4607, 2.1679], 0),
    "the second of two neurons": (
        lambda: PopulationLandscape(ERF, Network([[-0.5, 3.0], [1.0, 1.0], [1.0, 0.0]], [1.0, 1.0, -1.0])),
        [0.0074, 1.9493, 1.3343, -0.7316, 1.5043, -0.4134],
        1,
    ),
}
WEIGHTS = (
    [1.0],
    [0.25, 0.75],
    [1.5, -0.5],
    [0.5, 0.3, 0.2],
    [2.0, -0.25, -0.75],
    [0.75, 0.5, -0.25],
    [0.5, 0.0, 0.5],
    [1.0, 0.0, 0.0],
    [1.25, 0.0, -0.25],
    [0.1, 0.2, 0.3, 0.4],
    [3.0, -1.5, -0.25, -0.25],
    [-0.5, 1.0, 1.0, -0.5],
)


@pytest.fixture(scope="module")
def lines():
    made = {}
    for name, (landscape, start, neuron) in POINTS.items():
        point = refine(landscape(), np.array(start))
        made[name] = splitting_line(point.landscape, point.student, neuron)
    return made


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_copies_are_a_critical_point_with_the_hessian_and_index_of_the_block_form(lines, name, weights):
    embedded = Embedding(lines[name], weights)
    point = embedded.point
    assert embedded.network.n == lines[name].student.n + len(weights) - 1
    assert point.residual <= 2e-13 * max(1.0, float(point.spectrum[-1]))
    assert_allclose(point.loss, lines[name].original.loss, rtol=1e-11)
    assert_allclose(embedded.hessian, point.hessian, rtol=0, atol=1e-13 * float(point.spectrum[-1]))
    assert_allclose(embedded.spectrum, point.spectrum, rtol=0, atol=1e-13 * float(point.spectrum[-1]))
    assert (embedded.index, embedded.nullity) == (point.index, point.nullity)


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_copies_are_a_plateau_exactly_where_no_loss_nearby_is_lower(lines, name, weights):
    embedded = Embedding(lines[name], weights)
    line, theta = lines[name], embedded.network.theta
    rng = np.random.default_rng(3)
    ways = rng.normal(size=(600, theta.size))
    values, vectors = np.linalg.eigh(embedded.hessian)
    ways[: theta.size] = vectors.T
    ways *= 0.02 / np.linalg.norm(ways, axis=1, keepdims=True)
    nearby = np.concatenate([theta + ways, theta - ways])
    if 0.0 in weights:  # a silenced copy leaves towards w + u, and then through its outgoing weight
        silent, d = weights.index(0.0) + line.neuron, line.student.d
        values_of_b, vectors_of_b = np.linalg.eigh(line.B)
        moved = np.stack([theta, theta])
        moved[:, silent * d : silent * d + d] += [[0.2], [-0.2]] * vectors_of_b[:, np.argmax(np.abs(values_of_b))]
        outgoing = embedded.network.n * d + silent
        own = line.landscape.hessian(moved)[:, outgoing, outgoing]
        moved[:, outgoing] -= line.landscape.gradient(moved)[:, outgoing] / own
        nearby = np.concatenate([nearby, moved])
    rise = line.landscape.value(nearby).min() - line.original.loss
    if embedded.is_plateau:
        assert rise >= -1e-14 * line.landscape.constant
    else:
        assert rise < -1e-9 and values[0] < 1e-12


def test_two_copies_are_the_splitting_line(lines):
    line = lines["B < 0"]
    for gamma in (-0.5, 0.25, 1.0):
        pair = Embedding(line, [gamma, 1 - gamma])
        assert pair.network == line.network(gamma)
        assert_array_equal(pair.hessian, line.hessian(gamma))
        assert (pair.index, pair.nullity) == (line.index(gamma), line.nullity(gamma))


@pytest.mark.parametrize("seed", range(3))
def test_the_middle_factor_has_the_signs_of_the_weights_without_one_plus(seed):
    rng = np.random.default_rng(seed)
    for m in (2, 3, 5, 8):
        g = rng.normal(size=m)
        g /= g.sum()
        first = g[:-1]
        values = np.linalg.eigvalsh(np.diag(first) - np.outer(first, first))
        assert np.sum(values < 0) == np.sum(g < 0)
        assert_allclose(np.prod(values), np.prod(g), rtol=1e-10)


def test_the_plateau_rule_for_many_copies(lines):
    verdicts = {name: [Embedding(lines[name], weights).is_plateau for weights in EXAMPLES] for name in POINTS}
    assert verdicts["B > 0"] == verdicts["B > 0, one input"] == [True, False, False]
    assert verdicts["B < 0"] == [False, False, True]
    assert verdicts["B indefinite"] == [False, False, False]


@pytest.mark.parametrize("weights", [[0.5, 0.6], [], [[0.5, 0.5]], [np.nan, 1.0], [0.5, 0.499999]])
def test_weights_that_do_not_sum_to_one_are_refused(lines, weights):
    with pytest.raises(
        ValueError, match=r"must sum to 1, so that .* they sum to \S+$|must be a list of finite numbers"
    ):
        Embedding(lines["B > 0"], weights)


def test_outside_the_hypotheses_the_rule_names_the_one_that_fails():
    landscape = PopulationLandscape(ERF, orthonormal_teacher(2, 2))
    line = splitting_line(landscape, refine(landscape, [0.41, 0.41, 2.0]).student)
    embedded = Embedding(line, [0.5, 0.25, 0.25])
    with pytest.raises(OutsideTheorem, match="B that is definite or indefinite; given: B negative semi-definite"):
        embedded.is_plateau  # noqa: B018
    assert (embedded.index, embedded.nullity) == (embedded.point.index, embedded.point.nullity)
    assert repr(embedded) == "Embedding(copies=3, weights=[0.5, 0.25, 0.25])"


@pytest.mark.parametrize("case", STATEMENT.cases, ids=lambda case: case["activation"])
def test_the_cases_of_the_statement_hold(case):
    points = STATEMENT.point(ACTIVATIONS[case["activation"]], TEACHER)
    assert tuple(point.index for point in points) == case["indices"]
    assert all(point.student.n == 3 and point.residual <= 1e-12 and point.nullity == 2 for point in points)


# --- counts -----------------------------------------------------------------------------------------------------------


def onto(r, m):
    """Functions from m onto r, listed."""
    return sum(set(function) == set(range(r)) for function in product(range(r), repeat=m))


def partitions(things):
    """The partitions of a list, listed."""
    if not things:
        return [[]]
    first, *rest = things
    found = []
    for partition in partitions(rest):
        found.append([[first], *partition])
        found += [[*partition[:i], [first, *block], *partition[i + 1 :]] for i, block in enumerate(partition)]
    return found


def configurations(r, m):
    """Each of m neurons is a copy of one of r, all of which occur, or belongs to an unlabelled group that cancels; listed."""
    total = 0
    for function in product(range(r + 1), repeat=m):
        if set(range(r)) <= set(function):
            total += len(partitions([i for i, value in enumerate(function) if value == r]))
    return total


@pytest.mark.parametrize("r, m", [(r, m) for m in range(1, 7) for r in range(1, m + 1)])
def test_the_counts_are_those_of_a_list(r, m):
    assert critical_subspaces(r, m) == onto(r, m)
    assert minimal_subspaces(r, m) == configurations(r, m)


def test_the_counts_of_small_networks():
    assert [critical_subspaces(*sizes) for sizes in ((1, 2), (2, 3), (3, 5), (4, 6))] == [1, 6, 150, 1560]
    sizes = ((1, 2), (2, 3), (3, 5), (4, 4), (4, 5), (4, 6))
    assert [minimal_subspaces(*pair) for pair in sizes] == [3, 12, 450, 24, 360, 3720]
    assert critical_subspaces(3, 4) > minimal_subspaces(4, 4) and critical_subspaces(3, 5) < minimal_subspaces(4, 5)
    assert critical_subspaces(5, 5) == minimal_subspaces(5, 5) == 120


@pytest.mark.parametrize("count", [critical_subspaces, minimal_subspaces])
@pytest.mark.parametrize(
    "r, m, sentence", [(0, 2, "r must be a whole"), (2, 1.5, "m must be"), (3, 2, "raise m to at least 3")]
)
def test_sizes_that_do_not_fit_are_refused(count, r, m, sentence):
    with pytest.raises(ValueError, match=sentence):
        count(r, m)
