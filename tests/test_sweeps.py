"""Sweeps over seeds: end points are named by what they are, rows depend on their seed alone, and nothing that is done gets lost."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from math import asin, pi

import numpy as np
import pytest
from channel_runs import landscape_named
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape_nb.activations import ACTIVATIONS, Activation
from landscape_nb.closed_forms.copy_average import copy_average, partitions
from landscape_nb.closed_forms.one_neuron import one_neuron
from landscape_nb.closed_forms.perturbed_copy import perturbed_copy, perturbed_copy_average
from landscape_nb.flows import Interrupted, gradient_flow
from landscape_nb.landscapes import PopulationLandscape, SampledLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, gaussian_teacher, orthonormal_teacher
from landscape_nb.sweeps import (
    PhaseDiagram,
    Sweep,
    outcome,
    phase_diagram,
    rows,
    starts,
    stored_phase_diagram,
    sweep,
)
from landscape_nb.sweeps.executors import worker_processes

ERF, RELU = ACTIVATIONS["erf"], ACTIVATIONS["relu"]


def erf(k, d=None):
    return PopulationLandscape(ERF, orthonormal_teacher(k, d or k + 1))


def quiet(landscape, n, seeds, **options):
    return sweep(landscape, n, seeds, progress=False, **options)


@pytest.fixture(scope="module")
def four_of_five():
    """20 seeds of n = 4, k = 5, in one batch."""
    return quiet(erf(5), 4, range(20), batch=20)


# outcomes: named by what they are -------------------------------------------------------------------------------------


def turned(landscape, student, rng):
    """The same point of the loss in other clothes: every symmetry that activation and teacher have, drawn at random.

    The teacher is orthonormal: the first k unit vectors, of one weight. Permutations of these and rotations across them leave f* alone.
    """
    k, d = landscape.teacher.n, landscape.d
    inputs = np.eye(d)
    inputs[:k, :k] = np.eye(k)[rng.permutation(k)]
    inputs[k:, k:] = np.linalg.qr(rng.normal(size=(d - k, d - k)))[0]
    W, a = student.W @ inputs, student.a.copy()
    order = rng.permutation(student.n)
    W, a = W[order], a[order]
    if landscape.activation.odd:
        sign = rng.choice([-1.0, 1.0], size=student.n)
        W, a = W * sign[:, None], a * sign
    if landscape.activation.homogeneous:
        factor = rng.uniform(0.3, 3.0, size=student.n)
        W, a = W * factor[:, None], a / factor
    return Network(W, a)


def known_points():
    """(landscape, student, name) with the names known from how the students are made."""
    found = []
    for k, n in [(3, 1), (3, 2), (5, 2), (5, 3), (6, 4), (7, 7)]:
        landscape = erf(k, k + 2)
        for sizes in partitions(k, n):
            name = f"copy-average ({', '.join(map(str, sizes))})" if n < k else "copies"
            found.append((landscape, copy_average(ERF, landscape.teacher, sizes).student, name))
    for k, n in [(5, 4), (5, 3), (10, 8)]:
        landscape = erf(k, k + 2)
        found.append((landscape, perturbed_copy(ERF, landscape.teacher, n).student, "perturbed-n-copy"))
    for k, n in [(3, 2), (4, 2), (6, 3), (5, 4)]:
        landscape = PopulationLandscape(RELU, orthonormal_teacher(k, k + 2))
        average = f"perturbed copy-average ({', '.join(map(str, (k - n + 1, *[1] * (n - 1))))})"
        found.append((landscape, perturbed_copy_average(RELU, landscape.teacher, n).student, average))
        found.append((landscape, perturbed_copy(RELU, landscape.teacher, n).student, "perturbed-n-copy"))
    landscape = PopulationLandscape(RELU, orthonormal_teacher(4, 6))
    found.append((landscape, one_neuron(RELU, landscape.teacher)[0].student, "copy-average (4)"))
    for name in ("relu", "gelu", "sin", "gaussian", "tanh"):
        landscape = PopulationLandscape(ACTIVATIONS[name], orthonormal_teacher(3, 5))
        found.append((landscape, landscape.teacher, "copies"))
    exp = PopulationLandscape(ACTIVATIONS["exp"], orthonormal_teacher(4, 6))
    found.append((exp, copy_average(exp.activation, exp.teacher, (2, 2)).student, "copy-average (2, 2)"))
    return found


KNOWN = known_points()


@pytest.mark.parametrize("case", range(len(KNOWN)), ids=lambda i: f"{KNOWN[i][0].activation.name}-{KNOWN[i][2]}")
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_closed_form_keeps_its_name_under_every_symmetry_of_the_loss(case, seed):
    landscape, student, name = KNOWN[case]
    again = turned(landscape, student, np.random.default_rng(seed))
    assert float(landscape.value(again)) == pytest.approx(float(landscape.value(student)), abs=1e-12)
    found = outcome(landscape, again)
    assert found.name == name, found.evidence
    assert "to < 1e-" in found.evidence


@pytest.mark.parametrize("case", [0, 3, 9, 12, 14, 18], ids=lambda i: f"{KNOWN[i][0].activation.name}-{KNOWN[i][2]}")
def test_a_point_nearby_is_polished_before_it_is_named(case):
    landscape, student, name = KNOWN[case]
    moved = student.theta + 1e-7 * np.random.default_rng(0).normal(size=student.theta.size)
    assert np.abs(landscape.gradient(moved)).max() > 1e-9
    assert outcome(landscape, moved).name == name


def test_the_groups_of_a_copy_average_are_named_with_their_teachers():
    landscape = erf(5)
    found = outcome(landscape, copy_average(ERF, landscape.teacher, [[1, 4], [2], [0, 3]]).student)
    assert found.name == "copy-average (2, 2, 1)"
    assert found.evidence.endswith("neuron: teachers 0: 1+4, 1: 2, 2: 0+3")


def test_many_copies_are_counted_in_the_name():
    landscape = erf(8)
    assert (
        outcome(landscape, copy_average(ERF, landscape.teacher, (2, *[1] * 6)).student).name
        == "copy-average (2, 1 x 6)"
    )


def test_groups_of_unlike_teachers_are_copy_averages_too():
    alike, other = equicorrelated_teacher(2, 5, 0.3, 1.2, -0.7), orthonormal_teacher(5, 5)
    teacher = Network(np.vstack([alike.W, other.W[2:4]]), [-0.7, -0.7, 2.0, 1.0])
    landscape = PopulationLandscape(ERF, teacher)
    student = copy_average(ERF, teacher, [[0, 1], [2], [3]]).student
    assert outcome(landscape, Network(-student.W[::-1], -student.a[::-1])).name == "copy-average (2, 1, 1)"


def test_copies_of_any_teacher_are_recognised():
    teacher = gaussian_teacher(4, 6, np.random.default_rng(0))
    for activation in (ERF, RELU, ACTIVATIONS["softplus"]):
        landscape = PopulationLandscape(activation, teacher)
        assert outcome(landscape, Network(teacher.W[::-1], teacher.a[::-1])).name == "copies"


def test_the_loss_alone_decides_nothing():
    landscape = PopulationLandscape(ACTIVATIONS["linear"], orthonormal_teacher(2, 3))
    student = Network([[2.0, 0.5, 0.0], [-1.0, 0.5, 0.0]], [1.0, 1.0])
    assert float(landscape.value(student)) == 0.0
    found = outcome(landscape, student)
    assert found.name == "other"
    assert "the teacher's function, written with neurons that are no copies" in found.evidence


class Level(PopulationLandscape):
    """The same loss with all gradients hidden, so that every student passes for a critical point."""

    def gradient(self, student):
        return np.zeros_like(super().gradient(student))


@pytest.mark.parametrize("kind", [PopulationLandscape, Level])
def test_a_student_of_the_same_loss_and_the_same_groups_is_no_copy_average(kind):
    from scipy.optimize import brentq

    landscape = kind(ERF, orthonormal_teacher(5, 6))
    point = copy_average(ERF, landscape.teacher, (3, 2)).student  # a saddle: other students have its loss as well
    values, vectors = np.linalg.eigh(landscape.hessian(point))
    loss = float(landscape.value(point))

    def moved(size):
        return point.theta + 0.02 * vectors[:, 0] + size * vectors[:, -1]

    same = moved(brentq(lambda size: float(landscape.value(moved(size))) - loss, 0.0, 0.2, xtol=1e-15))
    assert values[0] < 0 and float(landscape.value(same)) == pytest.approx(loss, rel=1e-12)
    assert 1e-3 < np.abs(same - point.theta).max() < 0.1
    found = outcome(landscape, same)
    assert found.name == "other"
    if kind is Level:
        assert "the nearest closed form, copy-average (3, 2) of loss 0.0638148579, differs by" in found.evidence
        assert outcome(landscape, point).name == "copy-average (3, 2)"


def test_a_critical_point_without_a_closed_form_says_what_it_is():
    teacher = Network(np.eye(2, 3), [1.0, 2.0])  # unequal weights: no closed form for the average
    landscape = PopulationLandscape(ERF, teacher)
    found = outcome(landscape, Network([[0.314929874, 0.670199704, 0.0]], [2.65566450]))
    assert found.name == "other"
    assert found.evidence.startswith("a critical point of index 0 and loss 0.0413356548")
    assert "no closed form is known" in found.evidence


@pytest.mark.parametrize("gamma, word", [(0.4, "saddle"), (0.9, "saddle"), (-0.5, "minimum"), (1.2, "minimum")])
def test_a_split_neuron_is_seen_and_the_rest_is_named(gamma, word):
    landscape = erf(4)
    point = copy_average(ERF, landscape.teacher, (3, 1)).student
    split = Network(np.vstack([point.W[0], -point.W[0], point.W[1]]), [gamma * 3, -(1 - gamma) * 3, 1.0])
    index = int(np.sum(np.linalg.eigvalsh(landscape.hessian(split)) < -1e-12))
    assert (index > 0) == (word == "saddle")
    found = outcome(landscape, split)
    assert found.name == f"duplicate-neuron {word}"
    assert found.evidence.startswith("neurons 0 and 1 (outgoing weights")
    assert (
        f"of index {index}; merged, they are copy-average (3, 1): weights, overlaps and loss 0.0405931773"
        in found.evidence
    )


def test_two_neurons_in_one_place_can_be_a_minimum():
    landscape = PopulationLandscape(RELU, orthonormal_teacher(4, 5))
    point = perturbed_copy_average(RELU, landscape.teacher, 2).student
    average = int(np.argmax((landscape.teacher.W @ point.W.T > 0.5 * point.W.max(axis=1)).sum(axis=0)))
    W, a = np.vstack([point.W, 2 * point.W[average]]), np.append(point.a, -0.25 * point.a[average])
    a[average] *= 1.5  # 1.5 - 2 * 0.25 = 1
    student = Network(W, a)
    assert np.abs(landscape.gradient(student)).max() < 1e-12
    assert np.linalg.eigvalsh(landscape.hessian(student)).min() > -1e-12
    found = outcome(landscape, student)
    assert found.name == "duplicate-neuron minimum"
    assert "merged, they are perturbed copy-average (3, 1)" in found.evidence


def test_more_neurons_than_teachers_can_share_copies():
    landscape = erf(2)
    shared = Network([[1.0, 0, 0], [0, 1.0, 0], [0, -1.0, 0]], [1.0, 0.25, -0.75])
    found = outcome(landscape, shared)
    assert found.name == "copies"
    assert "neurons 1 and 2 (outgoing weights 0.25 and 0.75) share one place" in found.evidence


def test_opposite_neurons_outside_of_the_teachers_span_cancel():
    landscape = erf(1, 3)
    cancelling = Network([[1.0, 0, 0], [0, 0.6, 0.8], [0, -0.6, -0.8]], [1.0, 0.5, 0.5])
    assert float(landscape.value(cancelling)) < 1e-15
    assert outcome(landscape, cancelling).name == "copies"


def test_a_neuron_that_contributes_nothing_is_dead_and_the_others_are_named():
    landscape = erf(4)
    point = copy_average(ERF, landscape.teacher, (3, 1)).student
    found = outcome(landscape, Network(np.vstack([np.zeros(5), point.W]), np.append(0.0, point.a)))
    assert found.name == "dead neurons"
    assert found.evidence.startswith("neuron 0 contributes nothing; a critical point of index ")
    assert "the other 2 are copy-average (3, 1)" in found.evidence
    assert found.evidence.endswith("neuron: teachers 1: 0+1+2, 2: 3")
    nothing = outcome(landscape, Network(np.zeros((2, 5)), [0.0, 0.0]))
    assert nothing.name == "dead neurons"
    assert "no other is left, the student is the zero function" in nothing.evidence


def test_a_relu_neuron_that_has_shrunk_to_nothing_is_dead():
    landscape = PopulationLandscape(RELU, orthonormal_teacher(3, 4))
    found = outcome(landscape, Network([[1e-9, 2e-9, 0.0, 0.0]], [-0.3]))
    assert found.name == "dead neurons"
    assert found.evidence == (
        "neuron 0 has shrunk to w = 0 with outgoing weight -0.3, where relu has a kink; no other is left, "
        "the loss is that of the zero function, 2.45492966"
    )
    point = perturbed_copy_average(RELU, landscape.teacher, 2).student
    beside = Network(np.vstack([point.W, np.zeros(4)]), np.append(point.a, 0.0))
    found = outcome(landscape, beside)
    assert found.name == "dead neurons"
    assert "the others, counted without it, are perturbed copy-average (2, 1)" in found.evidence
    growing = outcome(landscape, Network([[1e-9, 2e-9, 0.0, 0.0]], [0.3]))  # drawn outwards: only passing by
    assert growing.name == "other"


def test_relu_flows_that_end_at_the_kink_are_named():
    landscape = PopulationLandscape(RELU, orthonormal_teacher(3, 4))
    found = quiet(landscape, 1, range(10))
    assert found.counts() == {"copy-average (3)": 7, "dead neurons": 3}
    assert all(row.reason == "refused" for row in found.exceptions())


def test_a_start_is_named_other_and_says_that_the_loss_falls():
    found = outcome(erf(5), starts(4, 6, [0])[0])
    assert found.name == "other"
    assert found.evidence.startswith("not at a critical point: the loss ")
    assert "still falls (max |grad L| = " in found.evidence


# channels -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def channel():
    """(landscape, where seed 3 of n = 9, k = 10 is at t = 1e6, and at 1.5e6)."""
    landscape = erf(10, 12)
    start = np.zeros((1, 9 * 13))
    start[:, : 9 * 12].reshape(9, 12)[:, :11] = starts(9, 11, [3])[0, : 9 * 11].reshape(9, 11)
    start[:, 9 * 12 :] = starts(9, 11, [3])[:, 9 * 11 :]
    flow = gradient_flow(landscape, start, 1.5e6, rtol=1e-7, atol=1e-9, times=np.array([0.0, 1e6, 1.5e6]))
    assert str(flow.reason[0]) == "time"
    return landscape, landscape.network(flow.students[0, 1]), landscape.network(flow.students[0, 2])


def test_a_channel_is_named_with_its_evidence(channel):
    landscape, _, student = channel
    found = outcome(landscape, student)
    assert found.name == "channel"
    assert found.evidence.startswith(
        "neurons 0 and 5 have cosine -0.999218 and come closer, their outgoing weights -2.924 and -4.213"
    )
    assert "equal signs at opposite w, so opposite effect" in found.evidence
    assert "the loss 0.039198 still falls (max |grad L| = " in found.evidence


def test_what_the_evidence_of_a_channel_claims_is_what_the_flow_does(channel):
    landscape, earlier, later = channel
    cosines = [
        network.W[0] @ network.W[5] / np.linalg.norm(network.W[[0, 5]], axis=1).prod() for network in (earlier, later)
    ]
    assert cosines[1] < cosines[0] < -0.99
    assert (np.abs(later.a[[0, 5]]) > np.abs(earlier.a[[0, 5]])).all()
    assert float(landscape.value(later)) < float(landscape.value(earlier))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_channel_stays_one_under_every_symmetry_of_the_loss(channel, seed):
    landscape, _, student = channel
    assert outcome(landscape, turned(landscape, student, np.random.default_rng(seed))).name == "channel"


def test_two_close_neurons_that_pull_together_are_no_channel(channel):
    landscape, _, student = channel
    a = student.a.copy()
    a[0] = -a[0]  # the effects of neurons 0 and 5 now have one sign
    assert outcome(landscape, Network(student.W, a)).name == "other"


@pytest.mark.parametrize("t_max", [1e9, 1e11])
def test_a_channel_is_recognised_however_far_it_was_followed(t_max):
    row = quiet(erf(10), 9, [3], t_max=t_max)[0]
    assert row.outcome == "channel", row.evidence
    assert 0.03919590 < row.loss < 0.0391980


# samples --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toy_sweep():
    """The toy of the channels paper from N(0, 1)."""
    return quiet(landscape_named("toy"), 2, range(30), start="normal", t_max=1e5)


def test_random_starts_of_the_toy_end_on_plateaus_and_in_both_channels(toy_sweep):
    assert toy_sweep.counts().keys() == {"channel", "plateau"}
    share = toy_sweep.counts()["plateau"] / len(toy_sweep)
    assert 0.3 < share < 0.7  # theory: 55 of 100, with other starts
    ends = {"plateau": [0.0471160275], "channel": [0.0423721520, 0.00077333254]}
    for row in toy_sweep:
        distance = min(row.loss - end for end in ends[row.outcome] if row.loss > end - 1e-10)
        assert -1e-10 < distance < (1e-9 if row.outcome == "plateau" else 3e-4)
        assert row.reason == ("converged" if row.outcome == "plateau" else "time")
        assert row.index == (0 if row.outcome == "plateau" else None)
    assert sum(row.loss < 0.01 for row in toy_sweep) == 2  # channel 2, the global optimum, is rare
    assert toy_sweep.exceptions() == ()


def test_what_the_rows_of_samples_say(toy_sweep):
    plateau = next(row for row in toy_sweep if row.outcome == "plateau")
    assert plateau.evidence.startswith("a critical point of index 0 and loss 0.0471160275, nullity 1 (splitting 1); ")
    assert plateau.evidence.endswith("neurons 0 and 1 are in one place and share their outgoing weight")
    channel = next(row for row in toy_sweep if row.outcome == "channel")
    assert "lie in a valley that leads to infinity: from eps = " in channel.evidence


def test_the_grid_gives_the_channels_of_the_theory_and_diverging_gates():
    found = quiet(landscape_named("grid-softplus"), 4, [0, 1, 3, 4], t_max=1e5)
    assert [row.outcome for row in found] == ["channel", "diverging", "channel", "diverging"]
    assert [row.seed for row in found.exceptions()] == [1, 4]
    assert "no critical point and no channel: the loss" in found[1].evidence and "changes as t^0." in found[1].evidence


def test_rows_of_samples_do_not_depend_on_processes():
    landscape = landscape_named("square-tanh")
    alone = quiet(landscape, 2, range(4), start="normal", t_max=1e4)
    away = quiet(landscape, 2, range(4), start="normal", t_max=1e4, executor=1, batch=2)
    same_rows(alone, away)
    assert {row.kind for row in alone} <= {"channel", "diverging", "other"}


def test_a_file_of_other_data_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.normal(size=20)
    file = tmp_path / "rows.json"
    first = quiet(SampledLandscape(ERF, X, y), 1, [0, 1], results=file, t_max=100.0)
    assert first.settings["data"].keys() == {"samples", "d", "digest"}
    same_rows(
        quiet(SampledLandscape(ERF, X.copy(), y, np.full(20, 1 / 20)), 1, [0, 1], results=file, t_max=100.0), first
    )
    y[3] = np.nextafter(y[3], 1.0)
    with pytest.raises(ValueError, match="this file belongs to a sweep with other data; give it the same settings"):
        quiet(SampledLandscape(ERF, X, y), 1, [0, 1], results=file, t_max=100.0)
    with pytest.raises(ValueError, match="this file belongs to a sweep with another teacher"):
        quiet(erf(2), 1, [0], results=file, t_max=100.0)


@pytest.mark.parametrize(
    "student, name, phrase",
    [
        (
            Network([[1.3995541]], [2.1527836]),
            "minimum",
            "a critical point of index 0 and loss 0.0471160275, nullity 0",
        ),
        (Network([[1.3995541]] * 2, [4.3055672, -2.1527836]), "saddle", "neurons 0 and 1 are in one place"),
        (Network([[1.0]], [1.0]), "other", "not at a critical point: the loss"),
    ],
)
def test_other_ends_on_samples_have_their_names(student, name, phrase):
    found = outcome(landscape_named("toy"), student)
    assert found.name == name and phrase in found.evidence


# starts ---------------------------------------------------------------------------------------------------------------


def test_starts_are_glorot_drawn_weights_first_from_a_generator_for_each_seed():
    n, d = 4, 6
    theta = starts(n, d, [7, 3])
    for row, seed in zip(theta, (7, 3)):
        rng = np.random.default_rng(seed)
        W = rng.normal(size=(n, d)) * np.sqrt(2 / (d + n))
        a = rng.normal(size=n) * np.sqrt(2 / (n + 1))
        assert np.array_equal(row, np.concatenate([W.ravel(), a]))
    assert np.array_equal(starts(n, d, [3])[0], theta[1])
    assert np.allclose(starts(n, d, [3], "glorot:0.1"), 0.1 * theta[1], rtol=1e-15)


def test_normal_starts_are_drawn_in_the_same_order_and_an_output_bias_is_0():
    rng = np.random.default_rng(5)
    W, a = rng.normal(size=(3, 2)), rng.normal(size=3)
    assert np.array_equal(starts(3, 2, [5], "normal")[0], np.concatenate([W.ravel(), a]))
    assert np.array_equal(
        starts(3, 2, [5], "normal:2", output_bias=True)[0], np.concatenate([2 * W.ravel(), 2 * a, [0]])
    )


def test_biases_of_glorot_are_0_and_do_not_count_as_inputs():
    rng = np.random.default_rng(5)
    W, a = rng.normal(size=(3, 2)) * np.sqrt(2 / 5), rng.normal(size=3) * np.sqrt(2 / 4)
    expected = np.concatenate([np.column_stack([W, np.zeros(3)]).ravel(), a])
    assert np.allclose(starts(3, 3, [5], bias_columns=(2,))[0], expected, rtol=1e-15)
    assert rows.bias_columns(landscape_named("grid-erf")) == (2,)
    assert rows.bias_columns(landscape_named("toy")) == rows.bias_columns(erf(2)) == ()


@pytest.mark.parametrize("start", ["he", "glorot:0", "glorot:x", "glorot:nan", "glorot:-1", ""])
def test_an_unknown_start_is_refused(start):
    with pytest.raises(ValueError, match=r"start is 'glorot', or 'glorot:0\.1'"):
        quiet(erf(2), 1, [0], start=start)


# what the theory says -------------------------------------------------------------------------------------------------


def average_loss(l):
    """L*(l) = l/3 - (2/pi) l^2 asin(1/(2 l))."""
    return l / 3 - 2 / pi * l**2 * asin(1 / (2 * l))


@pytest.mark.parametrize("n, name", [(1, "(5)"), (2, "(4, 1)"), (3, "(3, 1, 1)")])
def test_few_neurons_end_in_the_optimal_copy_average(n, name):
    found = quiet(erf(5), n, range(20))
    assert found.counts() == {f"copy-average {name}": 20}
    for row in found:
        assert row.loss == pytest.approx(average_loss(6 - n), abs=1e-13)
        assert (row.index, row.reason) == (0, "converged")
        assert row.residual < 1e-12


def test_as_many_neurons_as_teachers_end_in_copies():
    found = quiet(erf(5), 5, range(20))
    assert found.counts() == {"copies": 20}
    assert max(row.loss for row in found) < 1e-14


def test_four_neurons_of_five_end_in_both_kinds_of_minimum_and_no_other(four_of_five):
    assert four_of_five.counts() == {"copy-average (2, 1, 1, 1)": 11, "perturbed-n-copy": 9}
    assert four_of_five.exceptions() == ()
    for row in four_of_five:
        expected = average_loss(2) if row.kind == "copy-average" else 0.023381768
        assert row.loss == pytest.approx(expected, abs=6e-10)
        assert row.index == 0


@pytest.mark.parametrize(
    "n, counts",
    [
        (5, {"copy-average (6, 1 x 4)": 12}),
        (6, {"copy-average (5, 1 x 5)": 11, "perturbed-n-copy": 1}),
        (7, {"copy-average (4, 1 x 6)": 6, "perturbed-n-copy": 6}),
        (8, {"perturbed-n-copy": 8, "copy-average (3, 1 x 7)": 4}),
        (9, {"perturbed-n-copy": 11, "channel": 1}),
    ],
)
def test_ten_teachers_give_the_mixture_found_with_lsoda(n, counts):
    found = quiet(erf(10), n, range(12))
    assert found.counts() == counts
    assert [row.seed for row in found.exceptions()] == ([3] if n == 9 else [])
    for row in found.exceptions():
        assert (row.reason, row.index) == ("time", None)
        assert row.loss == pytest.approx(0.0391980, abs=1e-7)


def test_relu_ends_in_its_own_copies_averages_and_minima_with_duplicates():
    landscape = PopulationLandscape(RELU, orthonormal_teacher(4, 5))
    found = quiet(landscape, 3, range(10))
    kinds = found.counts()
    assert kinds["perturbed-n-copy"] >= 5
    assert kinds.keys() <= {"perturbed-n-copy", "duplicate-neuron minimum", "duplicate-neuron saddle"}
    for row in found.exceptions():
        assert "merged, they are perturbed copy-average (3, 1)" in row.evidence


# rows depend on nothing but the seed ----------------------------------------------------------------------------------


def same_rows(one, other):
    assert [row.seed for row in one] == [row.seed for row in other]
    assert [(row.outcome, row.index, row.reason) for row in one] == [
        (row.outcome, row.index, row.reason) for row in other
    ]
    assert max(abs(a.loss - b.loss) for a, b in zip(one, other)) < 1e-10


@pytest.mark.parametrize("batch", [1, 7])
def test_rows_do_not_depend_on_the_batch(four_of_five, batch):
    same_rows(quiet(erf(5), 4, range(20), batch=batch), four_of_five)


def test_rows_do_not_depend_on_the_order_of_the_seeds(four_of_five):
    seeds = [11, 3, 17, 0]
    found = quiet(erf(5), 4, seeds)
    same_rows(found, [four_of_five[seed] for seed in seeds])


def test_rows_do_not_depend_on_processes(four_of_five):
    same_rows(quiet(erf(5), 4, range(20), executor=2, batch=5), four_of_five)


def test_rows_do_not_depend_on_threads(four_of_five):
    with ThreadPoolExecutor(2) as pool:
        same_rows(quiet(erf(5), 4, range(20), executor=pool, batch=6), four_of_five)
        assert pool.submit(abs, -1).result() == 1  # an executor that was given is left open


@pytest.mark.filterwarnings("default")
def test_rows_do_not_depend_on_a_dask_cluster(four_of_five, tmp_path, monkeypatch):
    distributed = pytest.importorskip(
        "distributed",
        reason="dask.distributed is NOT INSTALLED, sweeps on a cluster are untested: pip install distributed",
    )
    monkeypatch.chdir(tmp_path)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = set(client.run(os.getpid).values())
        assert len(pids) == 2 and os.getpid() not in pids
        file = tmp_path / "rows.csv"
        same_rows(quiet(erf(5), 4, range(20), executor=client.get_executor(), batch=4, results=file), four_of_five)
    same_rows(Sweep.load(file), four_of_five)


def test_worker_processes_have_one_blas_thread_and_leave_the_environment_alone(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with worker_processes(1) as (pool, parallel):
        assert parallel == 1
        assert pool.submit(os.getenv, "OPENBLAS_NUM_THREADS").result(timeout=60) == "1"
        assert pool.submit(os.getpid).result(timeout=60) != os.getpid()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "2"
    assert "MKL_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("executor", [0, -1, True, "threads", 1.5])
def test_what_is_no_executor_is_refused(executor):
    with pytest.raises(ValueError, match=r"executor is None, 'processes', a number of processes"):
        quiet(erf(2), 1, [0], executor=executor)


def test_named_activations_travel_by_name_and_others_must_be_sendable():
    quartered = PopulationLandscape(ACTIVATIONS["normal_cdf"], orthonormal_teacher(2, 3))
    with pytest.raises(AttributeError):
        pickle.dumps(quartered.activation)
    alone = quiet(quartered, 1, range(2))
    same_rows(quiet(quartered, 1, range(2), executor=1), alone)

    class Mine(type(ERF)):  # a class that no other process can import
        pass

    mine = Mine.__new__(Mine)
    mine.__dict__.update(ERF.__dict__)
    assert isinstance(mine, Activation)
    with pytest.raises(ValueError, match="the activation erf cannot be sent to other processes"):
        quiet(PopulationLandscape(mine, orthonormal_teacher(2, 3)), 1, [0], executor=1)


# input ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seeds, sentence",
    [
        (20, r"seeds are whole numbers, for example range\(20\); 20 was given"),
        ([1, -1], "seeds are whole numbers of at least 0; -1 was given"),
        ([0.5], "seeds are whole numbers of at least 0; 0.5 was given"),
        ([True], "seeds are whole numbers of at least 0; True was given"),
        ([3, 4, 3], "every seed is asked for once; seed 3 is there twice"),
    ],
)
def test_wrong_seeds_are_refused(seeds, sentence):
    with pytest.raises(ValueError, match=sentence):
        quiet(erf(2), 1, seeds)


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"n": 0}, "n is the number of student neurons, at least 1; n = 0 was given"),
        ({"n": 1.5}, "n is the number of student neurons"),
        ({"t_max": 0}, "t_max is a finite time > 0; t_max = 0 was given"),
        ({"t_max": float("inf")}, "t_max is a finite time > 0; t_max = inf was given"),
        ({"batch": 0}, "batch is the number of seeds that flow together, at least 1; 0 was given"),
        ({"results": "rows.txt"}, "a results file ends in .csv or .json; 'rows.txt' was given"),
        (
            {"landscape": "erf"},
            "a sweep takes a PopulationLandscape, whose end points have closed forms, or a SampledLandscape; 'erf' was given",
        ),
    ],
)
def test_wrong_arguments_are_refused(options, sentence):
    arguments = {"landscape": erf(2), "n": 1, "seeds": [0], **options}
    with pytest.raises(ValueError, match=sentence):
        quiet(arguments.pop("landscape"), arguments.pop("n"), arguments.pop("seeds"), **arguments)


def test_no_seeds_give_no_rows():
    found = quiet(erf(2), 1, [])
    assert len(found) == 0 and found.counts() == {}
    assert repr(found) == "Sweep(no rows)"


# a sweep as a result --------------------------------------------------------------------------------------------------


def test_a_sweep_reads_as_a_table(four_of_five):
    assert repr(four_of_five) == "Sweep(11 copy-average (2, 1, 1, 1), 9 perturbed-n-copy)"
    assert four_of_five.counts(kinds=True) == {"copy-average": 11, "perturbed-n-copy": 9}
    assert four_of_five.table().splitlines() == [
        "outcome                    seeds  loss          index  reason",
        "-------------------------  -----  ------------  -----  ---------",
        "copy-average (2, 1, 1, 1)  11     0.0232216806  0      converged",
        "perturbed-n-copy           9      0.0233817675  0      converged",
    ]
    assert len(four_of_five[3:5]) == 2 and four_of_five[0].seed == 0


def test_progress_counts_up_to_one_and_a_bar_counts_seeds(capsys):
    shares = []
    sweep(erf(2), 1, range(6), progress=shares.append, batch=2)
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 6
    sweep(erf(2), 1, range(6))
    assert "6/6" in capsys.readouterr().err


# files: nothing that is done gets lost --------------------------------------------------------------------------------


class Watched:
    """Which seeds are computed."""

    def __init__(self, monkeypatch):
        from landscape_nb.sweeps import executors

        self.seeds = []

        def flow_of_a_batch(job, *rest):
            self.seeds += job.seeds
            return rows.flow_of_a_batch(job, *rest)

        monkeypatch.setattr(executors, "flow_of_a_batch", flow_of_a_batch)


@pytest.fixture
def watched(monkeypatch):
    return Watched(monkeypatch)


@pytest.fixture(params=["csv", "json"])
def file(request, tmp_path):
    return tmp_path / f"rows.{request.param}"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Interrupted])
def test_an_interrupted_sweep_keeps_its_rows_and_goes_on(four_of_five, file, watched, kind):
    def stop(share):
        if share > 0.45:
            raise kind

    part = sweep(erf(5), 4, range(20), results=file, batch=4, progress=stop)
    assert 8 <= len(part) < 20
    assert len(part) + len(part.missing) == 20
    assert repr(part).endswith(f"; interrupted, {len(part.missing)} seeds to do)")
    assert [row.seed for row in Sweep.load(file)] == [row.seed for row in part]
    watched.seeds.clear()
    whole = quiet(erf(5), 4, range(20), results=file)
    assert sorted(watched.seeds) == sorted(part.missing)
    assert whole.missing == ()
    same_rows(whole, four_of_five)
    assert sorted(row.seed for row in Sweep.load(file)) == list(range(20))


def test_seeds_of_a_batch_that_ended_before_the_interruption_are_kept(file):
    def stop(share):
        if share > 0.9:
            raise Interrupted

    part = sweep(erf(5), 4, range(20), results=file, batch=20, progress=stop)
    assert 0 < len(part) < 20
    assert [row.seed for row in Sweep.load(file)] == [row.seed for row in part]


def test_an_interruption_of_an_executor_keeps_what_is_done(file):
    def stop(share):
        if share > 0.3:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        part = sweep(erf(5), 4, range(20), results=file, executor=pool, batch=2, progress=stop)
    assert 6 <= len(part) < 20
    assert sorted(row.seed for row in Sweep.load(file)) == sorted(row.seed for row in part)


def test_an_error_in_one_batch_keeps_the_rows_of_the_others(file, monkeypatch):
    from landscape_nb.sweeps import executors

    def fails_later(job):
        if 8 in job.seeds:
            time.sleep(0.5)
            raise ZeroDivisionError("seed 8")
        return rows.flow_of_a_batch(job)

    monkeypatch.setattr(executors, "flow_of_a_batch", fails_later)
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError, match="seed 8"):
        quiet(erf(3), 2, range(12), results=file, executor=pool, batch=2)
    assert {0, 1, 2, 3, 4, 5, 6, 7} <= {row.seed for row in Sweep.load(file)}


def test_a_finished_sweep_computes_nothing_again_and_grows_by_new_seeds(file, watched):
    first = quiet(erf(3), 2, range(4), results=file)
    assert watched.seeds == [0, 1, 2, 3]
    again = quiet(erf(3), 2, range(4), results=file)
    assert watched.seeds == [0, 1, 2, 3]
    assert list(again) == list(first)
    more = quiet(erf(3), 2, range(2, 6), results=file)
    assert watched.seeds == [0, 1, 2, 3, 4, 5]
    assert [row.seed for row in more] == [2, 3, 4, 5]
    assert len(Sweep.load(file)) == 6


def test_saved_rows_are_the_same_rows(four_of_five, file):
    loaded = Sweep.load(four_of_five.save(file))
    assert list(loaded) == list(four_of_five)
    assert [row.evidence for row in loaded] == [row.evidence for row in four_of_five]
    assert loaded.settings == four_of_five.settings
    assert loaded.settings["n"] == 4 and loaded.settings["activation"] == "erf"


def test_a_csv_file_is_read_by_other_programs(four_of_five, tmp_path):
    import csv

    with open(four_of_five.save(tmp_path / "rows.csv"), newline="") as stream:
        entries = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    assert [float(entry["loss"]) for entry in entries] == [row.loss for row in four_of_five]
    assert [entry["outcome"] for entry in entries] == [row.outcome for row in four_of_five]


def test_a_row_without_a_finite_loss_survives_the_file(file, four_of_five):
    odd = rows.Row(5, "other", float("nan"), float("nan"), None, 2.0, "refused", 'no "Hessian", there')
    loaded = Sweep.load(Sweep(four_of_five.settings, [odd]).save(file))[0]
    assert np.isnan(loaded.loss) and loaded.index is None and loaded.evidence == odd.evidence


def test_a_torn_last_line_is_dropped_with_a_sentence_and_computed_again(tmp_path, four_of_five, watched):
    file = four_of_five.save(tmp_path / "rows.csv")
    text = file.read_text()
    file.write_text(text[:-30])
    with pytest.warns(UserWarning, match=r"rows.csv, line 23: the last line breaks off"):
        whole = quiet(erf(5), 4, range(20), results=file)
    assert watched.seeds == [19]
    assert "the last line breaks off" in whole.notes[0]
    same_rows(whole, four_of_five)
    assert len(Sweep.load(file)) == 20 and Sweep.load(file).notes == ()


def test_a_file_cut_off_anywhere_is_refused_or_gives_the_rows_before_the_cut(tmp_path, four_of_five):
    content = Sweep(four_of_five.settings, four_of_five[:3]).save(tmp_path / "whole.csv").read_bytes()
    header = content.index(b"\n0,") + 1
    for cut in range(0, len(content), 3):
        file = tmp_path / "cut.csv"
        file.write_bytes(content[:cut])
        if cut < header - 1:
            with pytest.raises(ValueError, match=r"cut.csv, line [123]: "):
                Sweep.load(file)
        elif cut >= header:
            kept = list(Sweep.load(file))
            assert kept == list(four_of_five[: len(kept)])
            assert len(kept) >= content[header:cut].count(b"\n")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_changed_character_never_changes_a_row_unnoticed(tmp_path_factory, four_of_five, data):
    suffix = data.draw(st.sampled_from(["csv", "json"]))
    folder = tmp_path_factory.mktemp("damage")
    file = Sweep(four_of_five.settings, four_of_five[:3]).save(folder / f"rows.{suffix}")
    text = file.read_text()
    place = data.draw(st.integers(0, len(text) - 1))
    file.write_text(text[:place] + data.draw(st.sampled_from('0179.,"{}[] x\n')) + text[place + 1 :])
    sentence, loaded = "", None
    try:
        loaded = Sweep.load(file)
    except ValueError as error:
        sentence = str(error)
    if loaded is None:
        assert f"{file}, line " in sentence
        return
    if list(loaded) != list(four_of_five[:3]) or loaded.settings != four_of_five.settings:
        # only the very end of a .csv can look like an interrupted write
        assert suffix == "csv" and place == len(text) - 1
        assert list(loaded) == list(four_of_five[:2]) and loaded.notes


def test_damage_is_named_with_file_and_line(four_of_five, file):
    text = four_of_five.save(file).read_text()
    lines = text.splitlines()
    place = next(i for i, line in enumerate(lines) if "0.0233817" in line)
    lines[place] = lines[place].replace("0.0233817", "0.0233917", 1)
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(
        ValueError, match=rf"{file.name}, line {place + 1}: does not agree with its checksum; restore the file"
    ):
        quiet(erf(5), 4, range(20), results=file)
    assert file.read_text() == "\n".join(lines) + "\n"  # refused, not touched


def test_a_seed_that_is_there_twice_is_refused(four_of_five, file):
    text = Sweep(four_of_five.settings, [*four_of_five[:3], four_of_five[1]]).save(file).read_text()
    line = len(text.splitlines()) - (1 if file.suffix == ".json" else 0)
    with pytest.raises(ValueError, match=f"line {line}: seed 1 is there a second time, after line"):
        Sweep.load(file)


@pytest.mark.parametrize(
    "settings_, sentence",
    [
        ({"k": 4, "d": 6}, "belongs to a sweep with another teacher; give it the same settings or another file"),
        ({"n": 3}, "belongs to a sweep with n = 4, not 3"),
        ({"t_max": 10.0}, "belongs to a sweep with t_max = 1500000.0, not 10.0"),
        ({"start": "glorot:0.5"}, "belongs to a sweep with start = 'glorot', not 'glorot:0.5'"),
        ({"activation": "sin"}, "belongs to a sweep with activation = 'erf', not 'sin'"),
    ],
)
def test_a_file_of_another_sweep_is_refused(four_of_five, file, settings_, sentence):
    before = four_of_five.save(file).read_bytes()
    options = dict(settings_)
    teacher = orthonormal_teacher(options.pop("k", 5), options.pop("d", 6))
    landscape = PopulationLandscape(ACTIVATIONS[options.pop("activation", "erf")], teacher)
    with pytest.raises(ValueError, match=sentence):
        quiet(landscape, options.pop("n", 4), range(20), results=file, **options)
    assert file.read_bytes() == before


def test_a_file_of_another_version_is_refused(four_of_five, file):
    text = four_of_five.save(file).read_text()
    file.write_text(text.replace("version 1", "version 2").replace('"version": 1', '"version": 2'))
    with pytest.raises(
        ValueError, match="line 1: the file has the format version 2, this is landscape_nb with version 1"
    ):
        Sweep.load(file)


@pytest.mark.parametrize(
    "content", [b"", b"seed,loss\n1,2\n", b"[1, 2]", b'{"rows": []}', b"\xff\xfe\x00", b"\n\n\n\n"]
)
def test_a_file_of_something_else_is_refused_and_not_overwritten(file, content):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{file.name}, line \d+: "):
        quiet(erf(2), 1, [0], results=file)
    assert file.read_bytes() == content


def test_a_missing_file_is_named_when_it_is_loaded(file):
    with pytest.raises(ValueError, match="there is no results file"):
        Sweep.load(file)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("workers", [None, 2])
def test_ctrl_c_ends_the_command_with_its_rows_in_the_file(tmp_path, workers):
    file = tmp_path / "rows.csv"
    program = (
        "from landscape_nb.sweeps import sweep; from landscape_nb import ERF, PopulationLandscape, orthonormal_teacher\n"
        "if __name__ == '__main__':\n"
        "    landscape = PopulationLandscape(ERF, orthonormal_teacher(5, 6))\n"
        f"    print(repr(sweep(landscape, 4, range(400), results={str(file)!r}, executor={workers}, batch=4, progress=False)))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(program)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (file.exists() and len(file.read_bytes().splitlines()) > 8):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    kept = Sweep.load(file)
    assert 5 < len(kept) < 400
    assert out.rstrip().endswith(f"; interrupted, {400 - len(kept)} seeds to do)")
    assert kept.notes == ()


# phase diagrams -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_diagram():
    return phase_diagram(ERF, [3, (4, 5)], range(4), progress=False, date="2026-01-02")


def test_a_phase_diagram_has_the_shares_of_each_pair(small_diagram, four_of_five):
    assert list(small_diagram) == [(1, 3), (2, 3), (3, 3), (4, 5)]
    assert small_diagram.shares()[2, 3] == {"copy-average": 1.0}
    assert small_diagram.shares()[3, 3] == {"copies": 1.0}
    kinds = [row.kind for row in four_of_five[:4]]
    assert small_diagram.shares()[4, 5] == {kind: kinds.count(kind) / 4 for kind in dict.fromkeys(kinds)}
    assert small_diagram.counts(kinds=False)[1, 3] == {"copy-average (3)": 4}
    assert small_diagram.provenance["date"] == "2026-01-02" and small_diagram.provenance["seeds"] == [0, 1, 2, 3]
    assert small_diagram.table().splitlines()[0].split() == ["k", "n", "copies", "copy-average", "perturbed-n-copy"]


def test_a_phase_diagram_goes_on_from_its_file(tmp_path, watched, small_diagram):
    file = tmp_path / "phases.json"

    def stop(share):
        if share > 0.4:
            raise Interrupted

    part = phase_diagram(ERF, [3, (4, 5)], range(4), results=file, progress=stop, batch=2, date="2026-01-02")
    assert part.missing and "interrupted" in repr(part)
    left = {(seed, pair) for pair, seeds in part.missing.items() for seed in seeds}
    watched.seeds.clear()
    whole = phase_diagram(ERF, [3, (4, 5)], range(4), results=file, progress=False, date="2026-01-02")
    assert len(watched.seeds) == len(left)
    assert not whole.missing
    assert whole.counts() == small_diagram.counts()
    loaded = PhaseDiagram.load(file)
    assert loaded.shares() == small_diagram.shares() and loaded.provenance == small_diagram.provenance
    assert dict(loaded) == dict(whole)
    watched.seeds.clear()
    phase_diagram(ERF, [(1, 2)], range(1), results=file, progress=False)
    assert watched.seeds == [0]
    assert len(PhaseDiagram.load(file)) == 5


def test_a_phase_diagram_of_something_else_is_refused(tmp_path, small_diagram):
    file = small_diagram.save(tmp_path / "phases.json")
    with pytest.raises(ValueError, match="belongs to a phase diagram with activation = 'erf', not 'sin'"):
        phase_diagram(ACTIVATIONS["sin"], [2], [0], results=file, progress=False)
    text = file.read_text()
    file.write_text(text.replace("copies", "copied", 1))
    with pytest.raises(ValueError, match=r"phases.json, line \d+: does not agree with its checksum"):
        PhaseDiagram.load(file)
    file.write_text(text[:-200])
    with pytest.raises(ValueError, match=r"phases.json, line \d+: it is no JSON"):
        PhaseDiagram.load(file)
    file.write_text(json.dumps({"format": "another"}))
    with pytest.raises(ValueError, match="this is no phase diagram"):
        PhaseDiagram.load(file)


@pytest.mark.parametrize("pairs", [[0], [(1, 0)], ["a"], [(1, 2, 3)], [1.5], [True]])
def test_wrong_pairs_are_refused(pairs):
    with pytest.raises(ValueError, match=r"pairs are \(n, k\) of whole numbers"):
        phase_diagram(ERF, pairs, [0], progress=False)


def test_the_stored_phase_diagram_says_where_it_comes_from():
    stored = stored_phase_diagram("erf")
    assert {key: stored.provenance[key] for key in ("activation", "start", "t_max", "rtol", "date")} == {
        "activation": "erf",
        "start": "glorot",
        "t_max": 1.5e6,
        "rtol": rows.FLOW_TOLERANCES["rtol"],
        "date": "2026-11-21",
    }
    assert stored.provenance["landscape_nb"]
    assert list(stored) == [(n, k) for k in range(2, 11) for n in range(1, k + 1)]
    assert all([row.seed for row in rows_] == list(range(20)) for rows_ in stored.values())
    assert not stored.missing


def test_the_stored_phase_diagram_agrees_with_the_closed_forms_and_with_the_theory():
    stored = stored_phase_diagram("erf")
    for (n, k), rows_ in stored.items():
        for row in rows_:
            if row.outcome == "copies":
                assert n == k and row.loss < 1e-13
            elif row.kind == "copy-average":
                assert row.loss == pytest.approx(average_loss(k - n + 1), abs=1e-11)
            elif row.kind == "perturbed-n-copy":
                assert row.loss == pytest.approx(perturbed_copy(ERF, orthonormal_teacher(k, k + 1), n).loss, abs=1e-11)
            else:
                assert row.outcome == "channel" and row.evidence and row.reason == "time"
    first_twelve = {n: [row.kind for row in stored[n, 10][:12]] for n in (6, 7, 8, 9)}
    averages = {n: kinds.count("copy-average") for n, kinds in first_twelve.items()}
    assert averages == {6: 11, 7: 6, 8: 4, 9: 0}
    assert stored.shares()[4, 5] == {"copy-average": 0.55, "perturbed-n-copy": 0.45}


@pytest.mark.parametrize("pair", [(2, 4), (5, 6), (6, 8)])
def test_the_stored_phase_diagram_is_what_is_computed_today(pair):
    stored = stored_phase_diagram("erf")[pair]
    today = phase_diagram(ERF, [pair], range(6), progress=False)[pair]
    same_rows(today, stored[:6])


def test_a_phase_diagram_that_is_not_stored_is_named():
    with pytest.raises(ValueError, match=r"no phase diagram of 'cube' comes with the package \(there are: erf"):
        stored_phase_diagram("cube")
