"""Networks say what is wrong with their arguments and keep their doubles; their symmetries leave the loss unchanged."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from landscape_nb import landscapes
from landscape_nb.activations import ACTIVATIONS, leaky_relu
from landscape_nb.landscapes.population import PopulationLandscape
from landscape_nb.landscapes.sampled import SampledLandscape
from landscape_nb.networks import (
    BiasedNetwork,
    Equicorrelation,
    Network,
    canonical,
    equicorrelated_teacher,
    equicorrelation,
    flip,
    gaussian_teacher,
    merge,
    orthonormal_teacher,
    permute,
    rescale,
    split,
)

BUILT_IN = tuple(ACTIVATIONS)  # what tests elsewhere register comes later
ODD = {"erf", "linear", "cube", "sin", "sign", "tanh"}
EVEN = {"square", "cos", "gaussian"}
HOMOGENEOUS = {"relu": 1, "leaky_relu": 1, "linear": 1, "square": 2, "cube": 3, "step": 0, "sign": 0}


def some_network(n=3, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return Network(rng.normal(size=(n, d)), rng.normal(size=n))


# --- a network ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "W, a, sentence",
    [
        ([1.0, 2.0], [1.0], r"W must have shape \(n, d\) with n, d >= 1, .*; its shape is \(2,\)"),
        (np.zeros((0, 3)), [], r"W must have shape \(n, d\) .* its shape is \(0, 3\)"),
        (np.zeros((2, 0)), [1, 1], r"W must have shape \(n, d\) .* its shape is \(2, 0\)"),
        (np.eye(2), [1.0], r"a must hold one outgoing weight for each of the 2 rows of W, .* its shape is \(1,\)"),
        (np.eye(2), [[1.0, 1.0]], r"a must hold one outgoing weight .* its shape is \(1, 2\)"),
        (np.eye(2), 1.0, r"a must hold one outgoing weight .* its shape is \(\)"),
        ([[1.0, np.nan]], [1.0], "W must hold finite numbers; it holds nan"),
        ([[1.0, 2.0]], [-np.inf], "a must hold finite numbers; it holds -inf"),
        ([[1.0, 2.0], [3.0]], [1.0, 1.0], "W must be an array of numbers; .* was given"),
        ([["one", "two"]], [1.0], "W must be an array of numbers; .* was given"),
        ([[10**400]], [1.0], "W must be an array of numbers; .* was given"),
        (None, [1.0], "W must "),
    ],
)
def test_a_network_says_what_is_wrong_with_its_arrays(W, a, sentence):
    with pytest.raises(ValueError, match=sentence) as refusal:
        Network(W, a)
    assert "\n" not in str(refusal.value)


def test_a_network_is_frozen_and_owns_its_arrays():
    W, a = np.eye(2), np.ones(2)
    network = Network(W, a)
    W[0, 0], a[0] = 7.0, 7.0
    assert network.W[0, 0] == network.a[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        network.W[0, 0] = 7.0
    with pytest.raises(ValueError, match="read-only"):
        network.a += 1.0
    with pytest.raises(AttributeError):
        network.W = W
    network.theta[0] = 7.0  # theta is a new array
    assert network.W[0, 0] == 1.0


def test_whole_numbers_become_floats():
    network = Network([[1, 2]], [3])
    assert network.W.dtype == network.a.dtype == np.float64


def test_theta_lists_the_rows_of_w_and_then_a():
    network = Network([[1, 2, 3], [4, 5, 6]], [7, 8])
    assert (network.n, network.d) == (2, 3)
    assert_array_equal(network.theta, [1, 2, 3, 4, 5, 6, 7, 8])


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_theta_gives_the_network_back(n, d, seed):
    network = some_network(n, d, seed)
    assert Network.from_theta(network.theta, n, d) == network


@pytest.mark.parametrize("shape", [(7,), (9,), (2, 8), ()])
def test_theta_of_another_length_is_refused(shape):
    with pytest.raises(ValueError, match=r"theta of 2 neurons in 3 dimensions has n d \+ n = 8 entries; its shape is"):
        Network.from_theta(np.zeros(shape), 2, 3)


def test_equal_networks_have_equal_hashes():
    one, same, other = Network([[0.0, 1.0]], [1.0]), Network([[-0.0, 1.0]], [1.0]), Network([[0.0, 1.0]], [2.0])
    assert one == same and hash(one) == hash(same)
    assert one != other and one != "a network"
    assert len({one, same, other}) == 2


def test_the_repr_says_sizes_only():
    assert repr(some_network(3, 4)) == "Network(n=3, d=4)"


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_file_gives_back_the_same_doubles(tmp_path, suffix):
    rng = np.random.default_rng(0)
    W = rng.normal(size=(6, 5)) * 10.0 ** rng.integers(-300, 300, size=(6, 5))
    W[0] = 0.1 + 0.2, 1 / 3, 5e-324, np.finfo(float).max, -0.0
    network = Network(W, rng.normal(size=6))
    path = network.save(tmp_path / f"network{suffix}")
    loaded = Network.load(str(path))
    assert loaded.W.tobytes() == network.W.tobytes() and loaded.a.tobytes() == network.a.tobytes()


def test_a_file_written_by_hand_can_be_read(tmp_path):
    path = tmp_path / "network.json"
    path.write_text('{"W": [[1, 2]], "a": [3]}')
    assert Network.load(path) == Network([[1.0, 2.0]], [3.0])
    np.savez_compressed(tmp_path / "network.npz", W=np.array([[1, 2]]), a=np.array([3]), remark="mine")
    assert Network.load(tmp_path / "network.npz") == Network([[1.0, 2.0]], [3.0])


@pytest.mark.parametrize("act", [lambda path: some_network().save(path), Network.load], ids=["save", "load"])
@pytest.mark.parametrize("name", ["network.txt", "network", "network.npy"])
def test_other_suffixes_are_refused(tmp_path, act, name):
    with pytest.raises(ValueError, match=rf"a network file ends in \.npz or \.json; '{name}' was given"):
        act(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["absent.npz", "absent.json", "folder.json"])
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ValueError, match=f"there is no network file .*{name}"):
        Network.load(tmp_path / name)


MALFORMED_JSON = {
    "not JSON": (b"W = 1", "cannot be read as JSON text: "),
    "empty": (b"", "cannot be read as JSON text: "),
    "cut short": (b'{"W": [[1, 2]], "a": [3', "cannot be read as JSON text: "),
    "binary": (b"\xff\xfe\x00\x81", "cannot be read as JSON text: "),
    "a list": (b"[[1, 2], [3]]", "is not a network file: it needs the keys W and a"),
    "no a": (b'{"W": [[1, 2]]}', "is not a network file: it needs the keys W and a"),
    "ragged": (b'{"W": [[1, 2], [3]], "a": [1, 2]}', "does not hold a network: W must be an array of numbers"),
    "words": (b'{"W": [["x", "y"]], "a": [1]}', "does not hold a network: W must be an array of numbers"),
    "an object": (b'{"W": {"x": 1}, "a": [1]}', "does not hold a network: W must be an array of numbers"),
    "NaN": (b'{"W": [[1, NaN]], "a": [1]}', "does not hold a network: W must hold finite numbers; it holds nan"),
    "null": (b'{"W": [[1, null]], "a": [1]}', "does not hold a network: W must hold finite numbers"),
    "too large": (b'{"W": [[1e999]], "a": [1]}', "does not hold a network: W must hold finite numbers; it holds inf"),
    "huge": (b'{"W": [[1' + b"0" * 400 + b']], "a": [1]}', "does not hold a network: W must be an array of numbers"),
    "wrong W": (b'{"W": [1, 2], "a": [1]}', r"does not hold a network: W must have shape \(n, d\)"),
    "wrong a": (b'{"W": [[1, 2]], "a": [1, 2]}', "does not hold a network: a must hold one outgoing weight"),
}


def _archive(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


WHOLE = _archive(W=np.eye(2), a=np.ones(2))
MALFORMED_NPZ = {
    "cut short": (WHOLE[: len(WHOLE) // 2], "cannot be read as an .npz archive of arrays: it is not a zip archive"),
    "damaged": (WHOLE.replace(b"NUMPY", b"NUMPI"), "cannot be read as an .npz archive of arrays: "),
    "text": (b"not an archive at all", "cannot be read as an .npz archive of arrays: it is not a zip archive"),
    "empty": (b"", "cannot be read as an .npz archive of arrays: it is not a zip archive"),
    "one array": (_npy(np.eye(2)), "cannot be read as an .npz archive of arrays: it is not a zip archive"),
    "pickled": (
        _archive(W=np.array([[1, 2], [3]], dtype=object), a=np.ones(2)),
        "cannot be read as an .npz archive of arrays: Object arrays cannot be loaded",
    ),
    "no W": (_archive(w=np.eye(2), a=np.ones(2)), "is not a network file: it needs the keys W and a"),
    "NaN": (_archive(W=[[np.nan]], a=[1.0]), "does not hold a network: W must hold finite numbers; it holds nan"),
    "wrong shape": (_archive(W=np.eye(2), a=1.0), "does not hold a network: a must hold one outgoing weight"),
    "words": (_archive(W=[["x"]], a=[1.0]), "does not hold a network: W must be an array of numbers"),
}


@pytest.mark.parametrize(
    "suffix, content, sentence",
    [pytest.param(".json", *case, id=f"json {name}") for name, case in MALFORMED_JSON.items()]
    + [pytest.param(".npz", *case, id=f"npz {name}") for name, case in MALFORMED_NPZ.items()],
)
def test_a_malformed_file_gives_one_clear_sentence(tmp_path, suffix, content, sentence):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"broken{suffix} {sentence}") as refusal:
        Network.load(path)
    assert "\n" not in str(refusal.value)


def test_a_json_file_says_its_version(tmp_path):
    assert json.loads(some_network().save(tmp_path / "network.json").read_text())["version"] == 1


# --- teachers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k, d", [(1, 1), (1, 3), (2, 2), (4, 6)])
def test_an_orthonormal_teacher_is_the_first_unit_vectors(k, d):
    teacher = orthonormal_teacher(k, d)
    assert_array_equal(teacher.W, np.eye(k, d))
    assert_array_equal(teacher.a, np.ones(k))


CORRELATIONS = [
    (k, correlation)
    for k, lowest in ((2, -1.0), (3, -0.5), (5, -0.25), (40, -1 / 39))
    for correlation in (lowest, lowest + 1e-9, 0.5 * lowest, 0.0, 1e-12, 0.3, 0.999999, 1 - 1e-9, 1.0)
]


@pytest.mark.parametrize("k, correlation", CORRELATIONS)
@pytest.mark.parametrize("norm", [1.0, 2.5])
def test_an_equicorrelated_teacher_has_the_gram_matrix_asked_for(k, correlation, norm):
    teacher = equicorrelated_teacher(k, k + 1, correlation, norm)
    gram = norm**2 * ((1 - correlation) * np.eye(k) + correlation)
    assert_allclose(teacher.W @ teacher.W.T, gram, rtol=0, atol=4e-15 * norm**2 * k)


@pytest.mark.parametrize("correlation", [-1.0, 0.0, 0.4, 1.0])
def test_a_single_teacher_neuron_has_no_correlation(correlation):
    assert_array_equal(equicorrelated_teacher(1, 2, correlation, norm=3.0).W, [[3.0, 0.0]])


@pytest.mark.parametrize("k, correlation, least", [(2, -1.0, 1), (2, 1.0, 1), (5, 1.0, 1), (5, -0.25, 4), (5, 0.1, 5)])
def test_the_ends_of_the_correlation_need_fewer_dimensions(k, correlation, least):
    assert np.linalg.matrix_rank(equicorrelated_teacher(k, least, correlation).W, tol=1e-8) == least
    if least > 1:
        with pytest.raises(ValueError, match=f"do not fit in dimension {least - 1}; raise d to at least {least}"):
            equicorrelated_teacher(k, least - 1, correlation)


def test_outgoing_weights_are_common_or_one_each():
    assert_array_equal(orthonormal_teacher(3, 3, 2.0).a, [2, 2, 2])
    assert_array_equal(equicorrelated_teacher(3, 3, 0.1, 1.0, [1, -2, 3]).a, [1, -2, 3])
    with pytest.raises(ValueError, match=r"a must be one number or 3 numbers, .*; its shape is \(2,\)"):
        orthonormal_teacher(3, 3, [1, 2])
    with pytest.raises(ValueError, match="a must hold finite numbers; it holds nan"):
        orthonormal_teacher(3, 3, np.nan)
    with pytest.raises(ValueError, match="a must be an array of numbers"):
        orthonormal_teacher(3, 3, "two")


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ((4, 3, 0.0), "4 orthonormal teacher vectors do not fit in dimension 3; raise d to at least 4"),
        ((4, 3, 0.0, 2.0), "4 orthogonal teacher vectors do not fit in dimension 3; raise d to at least 4"),
        ((4, 3, 0.5), "4 teacher vectors of correlation 0.5 do not fit in dimension 3; raise d to at least 4"),
        ((5, 3, -0.25), "5 teacher vectors of correlation -0.25 do not fit in dimension 3; raise d to at least 4"),
        ((3, 3, -0.6), "3 vectors can have a common correlation between -0.5 and 1; correlation = -0.6 was given"),
        ((3, 3, 1.1), "3 vectors can have a common correlation between -0.5 and 1; correlation = 1.1 was given"),
        ((3, 3, np.nan), "3 vectors can have a common correlation between -0.5 and 1; correlation = nan was given"),
        ((3, 3, 0.0, 0.0), "the teachers' norm must be a finite number > 0; norm = 0.0 was given"),
        ((3, 3, 0.0, np.inf), "the teachers' norm must be a finite number > 0; norm = inf was given"),
        ((0, 3, 0.0), "k must be a whole number of at least 1; k = 0 was given"),
        ((2.5, 3, 0.0), "k must be a whole number of at least 1; k = 2.5 was given"),
        (("3", 3, 0.0), "k must be a whole number of at least 1; k = '3' was given"),
        ((np.nan, 3, 0.0), "k must be a whole number of at least 1; k = nan was given"),
        ((True, 3, 0.0), "k must be a whole number of at least 1; k = True was given"),
        ((3, None, 0.0), "d must be a whole number of at least 1; d = None was given"),
    ],
)
def test_a_teacher_that_cannot_be_built_says_what_would(arguments, sentence):
    with pytest.raises(ValueError) as refusal:
        equicorrelated_teacher(*arguments)
    assert str(refusal.value) == sentence


def test_orthonormal_teachers_that_do_not_fit_say_which_dimension_would():
    with pytest.raises(
        ValueError, match=r"^4 orthonormal teacher vectors do not fit in dimension 3; raise d to at least 4$"
    ):
        orthonormal_teacher(4, 3)


def test_a_gaussian_teacher_is_reproducible_and_draws_its_vectors_first():
    teacher = gaussian_teacher(3, 5, np.random.default_rng(7))
    assert teacher == gaussian_teacher(3, 5, np.random.default_rng(7))
    assert teacher != gaussian_teacher(3, 5, np.random.default_rng(8))
    rng = np.random.default_rng(7)
    assert_array_equal(teacher.W, rng.normal(size=(3, 5)) / np.sqrt(5))
    assert_array_equal(teacher.a, rng.normal(size=3))


def test_the_vectors_of_a_gaussian_teacher_have_norms_near_one():
    teacher = gaussian_teacher(200, 400, np.random.default_rng(0))
    assert_allclose(np.mean(np.sum(teacher.W**2, axis=1)), 1.0, atol=0.02)


@pytest.mark.parametrize("rng", [None, 0, np.random, np.random.RandomState(0)])
def test_a_gaussian_teacher_needs_a_generator(rng):
    with pytest.raises(
        ValueError, match=r"rng must be a numpy\.random\.Generator, for example default_rng\(0\); .* given"
    ):
        gaussian_teacher(3, 3, rng)


@pytest.mark.parametrize("k, correlation", CORRELATIONS)
def test_an_equicorrelated_teacher_is_recognised(k, correlation):
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(k + 1, k + 1)))
    teacher = equicorrelated_teacher(k, k + 1, correlation, 1.7, -0.5)
    alike = equicorrelation(Network(teacher.W @ rotation, teacher.a))
    assert isinstance(alike, Equicorrelation)
    assert (alike.k, alike.weight) == (k, -0.5)
    assert_allclose([alike.norm, alike.correlation], [1.7, correlation], rtol=1e-12, atol=1e-11)
    total = teacher.W.sum(axis=0)
    if correlation > -1 / (k - 1):
        cosine = teacher.W[0] @ total / (1.7 * np.linalg.norm(total))
        assert_allclose(alike.mean_cosine, cosine, atol=1e-6)


def test_an_orthonormal_teacher_is_recognised_exactly():
    assert equicorrelation(orthonormal_teacher(4, 5)) == Equicorrelation(4, 1.0, 0.0, 1.0)
    assert equicorrelation(orthonormal_teacher(1, 5, 3.0)) == Equicorrelation(1, 1.0, 0.0, 3.0)


@pytest.mark.parametrize(
    "W, a, phrase",
    [
        ([[1, 0], [0, 2]], [1, 1], "norms between 1 and 2"),
        ([[0, 0], [0, 0]], [1, 1], "teacher vectors of norm 0"),
        ([[1, 0], [0, 1]], [1, 3], "outgoing weights between 1 and 3"),
        ([[1, 0], [0, 1], [-1, 0]], [1, 1, 1], "correlations between -1 and 0"),
    ],
)
def test_a_teacher_of_different_neurons_is_told_what_differs(W, a, phrase):
    assert equicorrelation(Network(W, a)) == phrase


# --- symmetries -----------------------------------------------------------------------------------------------------


def exact_loss(name, student):
    return PopulationLandscape(ACTIVATIONS[name], gaussian_teacher(2, student.d, np.random.default_rng(1))).value(
        student
    )


@pytest.mark.parametrize("name", BUILT_IN)
def test_permuting_the_neurons_leaves_the_loss_unchanged(name):
    student = some_network()
    assert_allclose(exact_loss(name, permute(student, [2, 0, 1])), exact_loss(name, student), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("order", [[0, 1], [0, 1, 1], [0, 1, 3], [0.0, 1.0, 2.0], [[0, 1, 2]], [0, -2, 2]])
def test_what_is_not_a_permutation_is_refused(order):
    with pytest.raises(ValueError, match=r"order must be a permutation of 0\.\.2; \[.*\] was given"):
        permute(some_network(), order)


@pytest.mark.parametrize("name", BUILT_IN)
def test_flipping_a_neuron_leaves_the_loss_unchanged_or_is_refused(name):
    student, activation = some_network(), ACTIVATIONS[name]
    if name in ODD | EVEN:
        flipped = flip(student, 1, activation)
        assert_array_equal(flipped.W[1], -student.W[1])
        assert flipped.a[1] == (-student.a[1] if name in ODD else student.a[1])
        assert_allclose(exact_loss(name, flipped), exact_loss(name, student), rtol=1e-13, atol=1e-13)
    else:
        with pytest.raises(
            ValueError, match=f"{name} is neither odd nor even: changing the sign of w changes the function"
        ):
            flip(student, 1, activation)


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_rescaling_a_neuron_leaves_the_loss_unchanged_or_is_refused(name, factor):
    student, activation = some_network(), ACTIVATIONS[name]
    if name in HOMOGENEOUS:
        rescaled = rescale(student, 2, factor, activation)
        assert_allclose(rescaled.W[2], factor * student.W[2])
        assert_allclose(rescaled.a[2], student.a[2] / factor ** HOMOGENEOUS[name])
        loss = exact_loss(name, student)
        assert_allclose(exact_loss(name, rescaled), loss, rtol=1e-13, atol=1e-13)
    else:
        with pytest.raises(ValueError, match=f"{name} is not homogeneous: rescaling w changes the function"):
            rescale(student, 2, factor, activation)


@pytest.mark.parametrize("factor", [0.0, -1.0, np.inf, np.nan])
def test_only_positive_factors_rescale(factor):
    with pytest.raises(ValueError, match=r"factor must be a finite number > 0; factor = .* was given"):
        rescale(some_network(), 0, factor, ACTIVATIONS["relu"])


@pytest.mark.parametrize("neuron", [3, -1, 0.5, "w"])
def test_a_neuron_that_does_not_exist_is_refused(neuron):
    for change in (
        lambda: flip(some_network(), neuron, ACTIVATIONS["erf"]),
        lambda: rescale(some_network(), neuron, 2.0, ACTIVATIONS["relu"]),
    ):
        with pytest.raises(ValueError, match=r"neuron must .* was given"):
            change()


def test_leaky_relu_is_odd_or_even_at_the_ends_of_its_slope():
    student = some_network()
    assert_array_equal(flip(student, 0, leaky_relu(-1)).a, student.a)
    assert flip(student, 0, leaky_relu(1)).a[0] == -student.a[0]


# entries on a coarse grid, so that ties, zeros and equal neurons are common
coarse = st.integers(-4, 4).map(lambda i: i / 4)


@st.composite
def an_orbit(draw):
    """An activation, a network and another point of its orbit."""
    activation = draw(st.sampled_from([ACTIVATIONS[name] for name in BUILT_IN] + [leaky_relu(-1), leaky_relu(1)]))
    n, d = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    scale = 10.0 ** draw(st.integers(-6, 6))
    network = Network(
        draw(st.lists(st.lists(coarse, min_size=d, max_size=d), min_size=n, max_size=n)),
        scale * np.array(draw(st.lists(coarse, min_size=n, max_size=n))),
    )
    moved = permute(network, draw(st.permutations(range(n))))
    for i in range(n):
        if (activation.odd or activation.even) and draw(st.booleans()):
            moved = flip(moved, i, activation)
        if activation.homogeneous is not None:
            moved = rescale(moved, i, draw(st.floats(0.01, 100)), activation)
    return activation, network, moved


@given(an_orbit())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_canonical_form_is_the_same_on_the_whole_orbit(orbit):
    activation, network, moved = orbit
    first, second = canonical(network, activation), canonical(moved, activation)
    size = np.abs(first.a).max()
    assert_allclose(second.W, first.W, rtol=0, atol=1e-13)
    assert_allclose(second.a, first.a, rtol=0, atol=1e-13 * size)


@given(an_orbit())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_the_canonical_form_is_its_own_canonical_form_and_the_same_function(orbit):
    activation, network, _ = orbit
    once = canonical(network, activation)
    twice = canonical(once, activation)
    assert_allclose(twice.W, once.W, rtol=0, atol=1e-15)
    assert_allclose(twice.a, once.a, rtol=1e-15)
    x = np.random.default_rng(0).normal(size=(7, network.d)) / 4
    outputs = [activation(x @ each.W.T) @ each.a for each in (network, once)]
    assert_allclose(outputs[1], outputs[0], rtol=1e-12, atol=1e-12 * (1 + np.abs(network.a).max()))


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_canonical_form_has_the_signs_and_norms_it_promises(name):
    activation = ACTIVATIONS[name]
    form = canonical(some_network(6, 3), activation)
    if name in ODD:
        assert (form.a > 0).all()
    if name in EVEN:
        assert (form.W[:, 0] > 0).all()
    if name in HOMOGENEOUS:
        assert_allclose(np.linalg.norm(form.W, axis=1), 1.0)
    assert (np.diff(form.a) <= 0).all()


# --- splitting and merging --------------------------------------------------------------------------------------------


def biased_network(n=3, d=4, seed=0):
    network = some_network(n, d, seed)
    return BiasedNetwork(network.W, network.a, 0.375)


def biased_loss(name, student):
    rng = np.random.default_rng(5)
    return SampledLandscape(
        ACTIVATIONS[name], rng.normal(size=(6, student.d)), rng.normal(size=6), output_bias=True
    ).value(student)


@pytest.mark.parametrize("gamma", [0.3, 0, 1, -1.5, np.float64(50)])
@pytest.mark.parametrize("name", BUILT_IN)
def test_splitting_a_neuron_leaves_the_loss_unchanged(name, gamma):
    student = some_network()
    halves = split(student, 1, gamma)
    assert_array_equal(halves.W, student.W[[0, 1, 1, 2]])
    assert_array_equal(halves.a, [student.a[0], gamma * student.a[1], (1 - gamma) * student.a[1], student.a[2]])
    size = 1 + abs(float(gamma))
    assert_allclose(exact_loss(name, halves), exact_loss(name, student), rtol=1e-13 * size**2, atol=1e-13 * size**2)


def test_halves_that_are_merged_are_the_neuron_again():
    student = some_network()
    for neuron in range(3):
        assert merge(split(student, neuron, 0.5), neuron, neuron + 1) == student
        back = merge(split(student, neuron, -7.25), neuron + 1, neuron)
        assert_array_equal(back.W, student.W)
        assert_allclose(back.a, student.a, rtol=1e-15 * 20)


def test_neurons_far_apart_are_merged_in_the_place_of_the_first():
    student = Network([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]], [0.5, 7.0, -0.125])
    for pair in ((0, 2), (2, 0)):
        assert merge(student, *pair) == Network([[1.0, 2.0], [3.0, 4.0]], [0.375, 7.0])


def test_only_equal_neurons_are_merged():
    student = some_network()
    with pytest.raises(
        ValueError, match=r"^neurons 0 and 2 must have the same w; theirs differ by \S+ in an entry: merg"
    ):
        merge(student, 0, 2)
    with pytest.raises(ValueError, match=r"^merge takes two different neurons; i = j = 1 was given$"):
        merge(student, 1, 1)
    with pytest.raises(ValueError, match=r"neuron must lie between 0 and 2; neuron = 3 was given"):
        merge(student, 3, 1)
    nearly = Network([[1.0, 2.0], [1.0, 2.0 + 1e-9]], [1.0, 1.0])
    with pytest.raises(ValueError, match=r"differ by 1e-09"):
        merge(nearly, 0, 1)


@pytest.mark.parametrize("gamma", [np.nan, np.inf, "half", None, True])
def test_gamma_must_be_a_finite_number(gamma):
    with pytest.raises(ValueError, match=r"^gamma must be a finite number; gamma = .* was given$"):
        split(some_network(), 0, gamma)


def test_a_neuron_that_is_not_there_cannot_be_split():
    with pytest.raises(ValueError, match=r"neuron must lie between 0 and 2; neuron = 3 was given"):
        split(some_network(), 3, 0.5)


@pytest.mark.parametrize(
    "name, change",
    [
        ("erf", lambda student: permute(student, [2, 0, 1])),
        ("erf", lambda student: flip(student, 1, ACTIVATIONS["erf"])),
        ("cos", lambda student: flip(student, 1, ACTIVATIONS["cos"])),
        ("relu", lambda student: rescale(student, 2, 3.0, ACTIVATIONS["relu"])),
        ("erf", lambda student: canonical(student, ACTIVATIONS["erf"])),
        ("relu", lambda student: canonical(student, ACTIVATIONS["relu"])),
        ("softplus", lambda student: split(student, 0, 0.25)),
        ("softplus", lambda student: merge(split(student, 0, 0.25), 0, 1)),
        ("softplus", lambda student: student.with_neurons(student.W, student.a)),
    ],
)
def test_every_symmetry_keeps_the_output_bias(name, change):
    student = biased_network()
    changed = change(student)
    assert isinstance(changed, BiasedNetwork) and changed.b == 0.375
    assert_allclose(biased_loss(name, changed), biased_loss(name, student), rtol=1e-13)
    plain = change(Network(student.W, student.a))
    assert type(plain) is Network
    assert_array_equal(plain.W, changed.W)


def test_sampled_landscapes_give_the_same_kind_of_network():
    assert landscapes.BiasedNetwork is BiasedNetwork
    assert landscapes.sampled.BiasedNetwork is BiasedNetwork
