"""Detection of channels on a table of runs whose labels come from elsewhere, and on students made for one trap each."""

from collections import Counter
from copy import deepcopy

import numpy as np
import pytest
from channel_runs import landscape_named, motion, passing, rest, runs
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.channel_detection import (
    DetectedChannel,
    detect_channels,
    detect_groups,
    examine_pair,
    linked,
)
from landscape_nb.closed_forms.channels import ChannelPoint, from_channel
from landscape_nb.critical import newton
from landscape_nb.landscapes import ChannelLandscape, PopulationLandscape, SampledLandscape
from landscape_nb.networks import Network, flip, orthonormal_teacher, permute

TOY = landscape_named("toy")
RUNS = runs()
BY_NAME = {row["name"]: row for row in RUNS}
# channels of the toy: w, a, c, loss and h of the limit problem
CHANNEL_1 = (0.866296, 1.496685, 1.667556, 0.0423721520, 0.00709138)
CHANNEL_2 = (3.150432, -6.511116, 2.017815, 0.00077333254, 0.00101470)


def student_of(row):
    return landscape_named(row["landscape"]).network(np.array(row["theta"]))


def detected(row):
    """What the detector says of a row: pairs and groups."""
    landscape, student = landscape_named(row["landscape"]), student_of(row)
    pairs = [[found.i, found.j] for found in detect_channels(landscape, student)]
    return pairs, [[list(found.neurons), found.output_bias] for found in detect_groups(landscape, student)]


def mistakes(rows, answers):
    """The names of the rows of which the detector does not say what their label says."""
    wrong = []
    for row, (pairs, groups) in zip(rows, answers, strict=True):
        expected = [[row["group"], row["bias"]]] if row["label"] == "group" else []
        if pairs != (row["pairs"] if row["label"] == "channel" else []) or groups != expected:
            wrong.append(row["name"])
    return wrong


@pytest.fixture(scope="module")
def answers():
    return [detected(row) for row in RUNS]


# the table ------------------------------------------------------------------------------------------------------------


def test_detection_makes_no_mistake_on_the_table(answers):
    assert mistakes(RUNS, answers) == []


def test_the_table_holds_what_can_be_mistaken():
    labels = Counter(row["label"] for row in RUNS)
    assert sum(labels.values()) == 68
    least = {"channel": 25, "plateau": 9, "diverging": 7, "minimum": 6, "group": 6, "saddle": 3, "passing": 4}
    assert all(labels[label] >= count for label, count in least.items()) and labels.keys() == least.keys()
    # the recipes of the channels paper's examples: 5 of 12, at these seeds; 12 of 12, four of them with flipped signs
    softplus = [row for row in RUNS if row["name"].startswith("grid softplus")]
    assert [int(row["name"].split()[-1]) for row in softplus if row["label"] == "channel"] == [0, 2, 3, 6, 10]
    erf = [row for row in RUNS if row["name"].startswith("grid erf")]
    assert [row["label"] for row in erf] == 12 * ["channel"]


@pytest.mark.parametrize("change", ["label", "pair", "group", "student"])
def test_a_wrong_row_is_noticed(answers, change):
    rows, found = deepcopy(RUNS), list(answers)
    at = next(i for i, row in enumerate(rows) if row["name"] == "grid softplus seed 0")
    name = rows[at]["name"]
    if change == "label":
        rows[at]["label"] = "diverging"
    elif change == "pair":
        rows[at]["pairs"] = [[0, 1]]
    elif change == "group":
        at = next(i for i, row in enumerate(rows) if row["label"] == "group")
        rows[at]["label"], name = "minimum", rows[at]["name"]
    else:  # one outgoing weight of the pair with the other sign
        rows[at]["theta"][12] *= -1
        found[at] = detected(rows[at])
    assert mistakes(rows, found) == [name]


def test_every_label_has_its_evidence():
    for row in RUNS:
        evidence, label = row["evidence"], row["label"]
        if label == "channel":
            assert abs(evidence["distance"][-1] + 0.25) < 0.02 and abs(evidence["gap"][-1] - 0.25) < 0.02
            assert abs(evidence["loss steps"] + 0.5) < 0.04
        elif label == "group":
            power = {"square": 1 / 6, "sines": 1 / 3}[row["landscape"].partition("-")[0]]
            assert all(abs(rate - power) < 0.02 for rate in evidence["outgoing"])
            assert abs(evidence["spread"] + power / 2) < 0.01
        elif label == "diverging":
            assert max(evidence["incoming"]) > 0.05
            alone = row["name"] == "grid softplus seed 9"  # one neuron far out
            assert alone or max(evidence["outgoing"]) < 0.01
        elif label == "passing":
            assert evidence["change"] > 2
        else:
            lowest, second, largest = evidence["eigenvalues"]
            if label == "minimum":
                assert lowest > 1e-10 * largest and lowest > 1e-7
            else:
                assert lowest < -1e-3 if label == "saddle" else abs(lowest) < 1e-12 < second


def test_the_evidence_is_that_of_the_students_in_the_file():
    for row in RUNS:
        landscape, theta = landscape_named(row["landscape"]), np.array(row["theta"])
        if row["label"] in ("plateau", "saddle"):
            label, _, _, evidence = rest(landscape, theta)
            assert label == row["label"]
            assert np.allclose(evidence["eigenvalues"], row["evidence"]["eigenvalues"], rtol=1e-2, atol=1e-10)
    for name in ("toy normal seed 13", "sines-0 seed 0"):
        row = BY_NAME[name]
        label, pairs, group, evidence = motion(landscape_named(row["landscape"]), np.array(row["theta"]), row["time"])
        assert (label, pairs, group) == (row["label"], row["pairs"], row["group"])
        assert evidence["loss steps"] == pytest.approx(row["evidence"]["loss steps"], abs=0.01)
    row = BY_NAME["left gamma 2.0 by -1 for t = 30"]
    assert passing(TOY, np.array(row["theta"]), 30.0)[0] == "passing"


# what is said of a channel --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, channel", [("toy normal seed 0", CHANNEL_1), ("toy normal seed 13", CHANNEL_2)])
def test_a_channel_of_the_toy_comes_with_its_end(name, channel):
    (found,) = detect_channels(TOY, student_of(BY_NAME[name]))
    w, a, _, loss, h = channel
    assert found.loss == pytest.approx(loss, rel=1e-8)
    assert found.h == pytest.approx(h, rel=1e-5)
    assert abs(found.point.w[0]) == pytest.approx(w, abs=0.02) and abs(found.point.a) == pytest.approx(abs(a), rel=0.05)
    assert "lie in a valley that leads to infinity" in found.evidence
    assert f"the loss falls to {loss:.6g}, at a minimum of the limit problem with a = {abs(a):.4g}" in found.evidence


def test_flipped_copies_are_found_and_said_to_be_flipped():
    landscape, flipped = landscape_named("grid-erf"), []
    for row in (row for row in RUNS if row["name"].startswith("grid erf")):
        student = student_of(row)
        (found,) = detect_channels(landscape, student)
        assert found.flipped == (student.W[found.i] @ student.W[found.j] < 0)
        assert (
            np.linalg.norm(found.point.w) > 1 and found.point.eps < 0.1
        )  # the coordinates are those after the change of sign
        assert ("equal signs at opposite w" in found.evidence) == found.flipped
        flipped.append(found.flipped)
    assert sum(flipped) == 4  # those that a plain cosine misses


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_channel_is_one_under_permutations_and_flips(seed):
    landscape, rng = landscape_named("grid-erf"), np.random.default_rng(seed)
    row = BY_NAME["grid erf seed 3"]
    student, order = student_of(row), rng.permutation(3)
    turned = permute(student, order)
    for neuron in range(3):
        if rng.random() < 0.5:
            turned = flip(turned, neuron, landscape.activation)
    (found,) = detect_channels(landscape, turned)
    assert sorted(order[[found.i, found.j]].tolist()) == row["pairs"][0]


@pytest.mark.parametrize("eps", [0.1, 1e-3, 1e-6])
@pytest.mark.parametrize("channel", [CHANNEL_1, CHANNEL_2])
def test_a_channel_is_found_however_deep(channel, eps):
    w, a, c, _, h = channel
    student = from_channel(ChannelPoint(np.array([w]), np.array([1.0]), eps, c, a))
    (found,) = detect_channels(TOY, student)
    assert found.h == pytest.approx(h, rel=1e-5)
    assert found.point.eps == pytest.approx(eps, rel=1e-9)


def bent(sign):
    """A landscape whose limit problem has its minimum at w = (1, .3), Delta along (1, -1), with h of this sign, and a student near it.

    y = f0 - sign delta g with g = f2 orthogonal to all df0/dtheta: theta_0 stays critical, and h = <2 sign delta g f2>.
    """
    rng, act = np.random.default_rng(5), ACTIVATIONS["tanh"]
    X = rng.normal(size=(60, 2))
    w, v, c = np.array([1.0, 0.3]), np.array([0.8, -0.8]), 0.7
    z, q = X @ w, X @ v
    s = [act.derivative(z, k) for k in range(4)]
    f0, f2 = c * s[0] + q * s[1], (c / 2 * q**2 * s[2] + q**3 * s[3] / 6) / (v @ v)
    tangents = np.column_stack([(c * s[1] + q * s[2])[:, None] * X, s[1][:, None] * X, s[0]])
    g = f2 - tangents @ np.linalg.lstsq(tangents, f2, rcond=None)[0]
    landscape = SampledLandscape(act, X, f0 - sign * 0.02 * g / np.sqrt(np.mean(g**2)))
    a = float(np.linalg.norm(v))
    student = from_channel(ChannelPoint(w, v / a, 0.05, c, a))
    h = float(np.mean(2 * sign * 0.02 * g / np.sqrt(np.mean(g**2)) * f2))
    return landscape, student, h


def test_the_sign_of_h_decides():
    landscape, student, h = bent(1)
    found = examine_pair(landscape, student, 0, 1)
    assert isinstance(found, DetectedChannel) and found.h == pytest.approx(h, rel=1e-6) and h > 0
    landscape, student, h = bent(-1)
    assert h < 0
    assert "the loss does not fall towards infinity" in examine_pair(landscape, student, 0, 1)


def test_a_pair_away_from_the_valley_is_none():
    w, a, c, *_ = CHANNEL_1
    student = from_channel(ChannelPoint(np.array([w]), np.array([1.0]), 0.02, c, 3 * a))
    assert "the loss has no valley near by: descent leads away" in examine_pair(TOY, student, 0, 1)


def test_a_saddle_of_the_limit_problem_is_none():
    rng, act = np.random.default_rng(3), ACTIVATIONS["tanh"]
    X = rng.normal(size=(60, 2))
    w, v, c = np.array([1.0, 0.3]), np.array([0.8, -0.8]), 0.7
    z, q = X @ w, X @ v
    s = [act.derivative(z, k) for k in range(4)]
    tangents = np.column_stack([(c * s[1] + q * s[2])[:, None] * X, s[1][:, None] * X, s[0]])
    rest = rng.normal(size=60)
    rest -= tangents @ np.linalg.lstsq(tangents, rest, rcond=None)[0]  # theta_0 is critical
    rest *= -np.sign(rest @ (c / 2 * q**2 * s[2] + q**3 * s[3] / 6))  # and h > 0
    landscape = SampledLandscape(act, X, c * s[0] + q * s[1] + 2 * rest)
    zero = ChannelLandscape(landscape, 2, 0.0)
    values = np.linalg.eigvalsh(zero.hessian(np.concatenate([w, v, [c]])))
    assert values[0] < -0.1 and zero.slope(np.concatenate([w, v, [c]])) > 0
    a = float(np.linalg.norm(v))
    student = from_channel(ChannelPoint(w, v / a, 1e-5, c, a))
    assert examine_pair(landscape, student, 0, 1) == "at this a_i - a_j the student lies on a saddle"


# what is none ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, i, j, phrase",
    [
        ("toy normal seed 1", 0, 1, "their outgoing weights have the same effect"),
        ("split gamma 2.0", 0, 1, "they are in one place, on a splitting line"),
        ("pushed off gamma 2.0 by 1", 0, 1, "descent leads away by"),
        ("grid softplus seed 1", 0, 1, "they are apart|same effect"),
        ("x^2 tanh seed 1", 0, 1, "their outgoing weights have the same effect"),
    ],
)
def test_why_a_pair_is_in_no_channel(name, i, j, phrase):
    import re

    row = BY_NAME[name]
    found = examine_pair(landscape_named(row["landscape"]), student_of(row), i, j)
    assert isinstance(found, str) and re.search(phrase, found)


def test_a_plateau_beyond_all_decimals_is_none():
    row = BY_NAME["toy normal seed 1"]
    theta = np.array(row["theta"])
    theta[0] += 1e-7  # what an integration may leave
    assert detect_channels(TOY, theta) == () and detect_groups(TOY, theta) == ()


def test_a_plateau_outside_of_the_neuron_is_none():
    """B < 0: two neurons in one place with large outgoing weights of opposite signs are minima, at every distance from the neuron."""
    line = np.linspace(-1.5, 1.5, 7)
    X = np.array([[p, q] for p in line for q in line])
    rng = np.random.default_rng(18)
    act = ACTIVATIONS["erf"]
    one = np.array([2.0, 0.5, -1.5])
    y = -1.5 * act(X @ one[:2]) + 0.3 * rng.normal(size=49)
    landscape = SampledLandscape(act, X, y)
    w1, w2, a = newton(landscape, one)[0]
    for gamma in (-30.0, 0.5, 2.0, 30.0):
        for off in (1e-9, 1e-7):
            noise = off * np.array([1.0, -1.0])
            student = Network([[w1, w2] + noise, [w1, w2] - noise], [gamma * a, (1 - gamma) * a])
            assert detect_channels(landscape, student) == ()
    assert "in one place up to the accuracy of the student" in examine_pair(
        landscape, Network([[w1, w2 + 1e-9], [w1, w2]], [2 * a, -a]), 0, 1
    )


def test_large_outgoing_weights_on_a_splitting_line_are_none():
    one = np.array([1.3995541, 2.1527836])
    student = Network([[one[0] + 1e-5], [one[0] - 1e-5]], [300 * one[1], -299 * one[1]])
    assert detect_channels(TOY, student) == ()


def test_activations_with_kinks_have_no_such_channels_on_samples():
    rng = np.random.default_rng(0)
    landscape = SampledLandscape(ACTIVATIONS["relu"], rng.normal(size=(20, 2)), rng.normal(size=20))
    student = Network([[1.0, 0.3], [1.01, 0.31]], [30.0, -29.0])
    assert detect_channels(landscape, student) == () and detect_groups(landscape, student) == ()
    with pytest.raises(ValueError, match="relu, which has a kink at 0"):
        examine_pair(landscape, student, 0, 1)


def test_what_is_no_landscape_or_no_pair_is_refused():
    student = student_of(BY_NAME["toy normal seed 0"])
    with pytest.raises(ValueError, match="channels are detected on a SampledLandscape or a PopulationLandscape"):
        detect_channels("toy", student)
    with pytest.raises(ValueError, match="input dimension 2"):
        detect_channels(TOY, Network([[1.0, 2.0]], [1.0]))
    with pytest.raises(ValueError, match="a neuron has a number between 0 and 1; 2 was given"):
        examine_pair(TOY, student, 0, 2)
    with pytest.raises(ValueError, match="a pair needs two different neurons"):
        examine_pair(TOY, student, 1, 1)
    population = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(2, 3))
    with pytest.raises(ValueError, match="a channel is followed on samples"):
        examine_pair(population, Network(np.eye(2, 3), [1.0, -1.0]), 0, 1)
    assert detect_channels(population, Network(np.eye(2, 3), [1.0, -1.0])) == ()


# groups ---------------------------------------------------------------------------------------------------------------


def test_three_neurons_make_a_group_and_no_pair():
    row = BY_NAME["sines-0 seed 0"]
    landscape, student = landscape_named(row["landscape"]), student_of(row)
    (group,) = detect_groups(landscape, student)
    assert group.neurons == (0, 1, 2) and not group.output_bias
    assert "the rate of a law eps^-2 of the outgoing weights" in group.evidence
    signs = np.where(group.flipped, -1.0, 1.0)
    assert np.ptp(signs[:, None] * student.W, axis=0).max() < 0.7
    assert abs(np.sum(signs * student.a)) < np.abs(student.a).min()


def test_two_neurons_and_the_output_bias_make_a_group():
    row = BY_NAME["x^2 sigmoid seed 1"]
    (group,) = detect_groups(landscape_named("square-sigmoid"), student_of(row))
    assert group.neurons == (0, 1) and group.output_bias
    assert group.evidence.startswith("neurons 0, 1 and the output bias: within 0.")


@pytest.mark.parametrize("change", ["opening", "slow closing", "one shrinks", "one grows slower"])
def test_a_group_has_to_close_and_to_grow_by_its_law(monkeypatch, change):
    from landscape_nb.closed_forms import channel_detection

    row, true = BY_NAME["sines-0 seed 0"], channel_detection._drift
    landscape, student = landscape_named(row["landscape"]), student_of(row)
    assert len(detect_groups(landscape, student)) == 1

    def changed(*arguments):
        motion = true(*arguments)
        if change == "one shrinks":
            motion[-1] *= -1
        elif change == "one grows slower":
            motion[-1] *= 0.3
        else:
            motion[:6] *= -1 if change == "opening" else 0.3
        return motion

    monkeypatch.setattr(channel_detection, "_drift", changed)
    assert detect_groups(landscape, student) == ()


def test_links_make_groups():
    assert linked([(0, 1), (3, 4), (1, 2), (5, 6), (4, 6)]) == ((3, 4, 5, 6), (0, 1, 2))
    assert linked([]) == ()
