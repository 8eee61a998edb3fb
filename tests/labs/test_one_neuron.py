"""A sweep of the lab of one neuron over its control values, and planted faults that turn it red."""

import os
import random
import re
from itertools import product

import numpy as np
import pytest
from lab_invariants import check_lab, check_refused, move_and_check, snapshot

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.critical import CriticalPoint
from landscape_nb.display import number
from landscape_nb.figures import one_neuron as picture
from landscape_nb.figures import style
from landscape_nb.labs import OneNeuron
from landscape_nb.labs import one_neuron as module
from landscape_nb.labs.one_neuron import spread_weights

ARCSINE = type(ACTIVATIONS["erf"])
#: Times as many random states as usual: LABS_SWEEP=20 for a long look.
LONGER = int(os.environ.get("LABS_SWEEP", "1"))
LATTICE = {
    "k": (1, 2, 3, 5, 10),
    "d": (1, 2, 4, 12),
    "correlation": (-1.0, -0.5, -0.1, 0.0, 0.5, 0.95, 1.0),
    "norm": (0.2, 1.0, 3.0),
    "spread": (0.0, 0.5, 2.0),
    "point": (1, 2, 6),
}
START = {"k": 3, "d": 4, "correlation": 0.0, "norm": 1.0, "spread": 0.0, "point": 1}


@pytest.fixture(autouse=True)
def without_drawing(monkeypatch):
    """Pictures are proved in tests/figures: here only numbers and words."""
    monkeypatch.setattr(style, "png", lambda figure: b"picture")
    monkeypatch.setattr(picture, "draw", lambda *_: None)
    module._points.cache_clear()


def latin(rng, count):
    """``count`` states of the lattice in which each control takes all its values about equally often."""
    columns = {}
    for name, values in LATTICE.items():
        column = [*values] * (count // len(values) + 1)
        columns[name] = rng.sample(column, len(column))
    return [{name: column[i] for name, column in columns.items()} for i in range(count)]


def fits(state):
    """Whether the teachers of this state exist and are not the zero function."""
    k, d, correlation = state["k"], state["d"], state["correlation"]
    lowest = -1 / (k - 1) if k > 1 else -1.0
    rank = 1 if k == 1 or correlation == 1 else k - 1 if abs(correlation - lowest) < 1e-9 else k
    return correlation >= lowest - 1e-9 and rank <= d


# the sweep ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_state_of_the_lattice_fails(name):
    lab, rng = OneNeuron(activation=name), random.Random(name)
    seen = 0
    for state in latin(rng, 14 * LONGER):
        exists = move_and_check(lab, **state)
        assert exists == fits(state) or "the zero function" in lab.message
        seen += exists
    assert seen >= 3
    assert move_and_check(lab, **START)


@pytest.mark.parametrize("name", ["erf", "relu", "linear"])
def test_no_state_of_the_whole_lattice_fails_where_a_theorem_answers_completely(name):
    lab = OneNeuron(activation=name)
    for k, d, norm, correlation in product(LATTICE["k"], LATTICE["d"], LATTICE["norm"], (0.0, 1.0)):
        if (correlation == 0 and k > 1) or name == "linear":
            state = {"k": k, "d": d, "norm": norm, "correlation": correlation, "spread": 0.0}
            assert move_and_check(lab, **state, point=1) == fits(state)


@pytest.mark.parametrize("point", range(1, 7))
def test_every_point_can_be_shown(point):
    lab = OneNeuron(activation="cos", k=5, d=6, point=point)
    check_lab(lab)
    assert len(lab.result.view.points) >= 6
    assert lab.result.view.point is lab.result.view.points[point - 1]
    assert f"Hessian spectrum of point {point}:" in lab.summary


def test_no_state_between_them_fails():
    lab, rng, seen = OneNeuron(), random.Random(3), 0
    for _ in range(20 * LONGER):
        k = rng.randint(1, 10)
        state = {
            "activation": rng.choice(["erf", "relu", "linear", *ACTIVATIONS]),
            "k": k,
            "d": rng.randint(min(k, 12), 12),
            "correlation": rng.choice([0.0, rng.randint(-2, 20) / 20, rng.uniform(-0.1, 1.0)]),
            "norm": rng.randint(2, 30) / 10,
            "spread": rng.choice([0.0, 0.0, rng.randint(0, 20) / 10]),
            "point": rng.randint(1, 6),
        }
        exists = move_and_check(lab, **state)
        assert exists == fits(state), state
        seen += exists
    assert seen > 8 * LONGER


def test_the_order_of_the_moves_does_not_matter_though_some_pass_through_refused_states():
    lab, rng, refused = OneNeuron(), random.Random(4), 0
    for _ in range(8 * LONGER):
        k = rng.randint(1, 10)
        target = {
            "activation": rng.choice(["erf", "relu", "linear", "gelu"]),
            "k": k,
            "d": rng.randint(k, 12),
            "correlation": rng.choice([0.0, 0.0, 0.3, 1.0]),
            "norm": rng.randint(2, 30) / 10,
            "spread": rng.choice([0.0, 0.0, 1.0]),
            "point": rng.randint(1, 6),
        }
        for name in rng.sample(list(target), len(target)):
            before = snapshot(lab)
            lab.controls[name].value = target[name]
            assert "this lab failed" not in lab.message, lab.message
            if lab.message:
                refused += 1
                check_refused(lab, before)
            else:
                check_lab(lab)
        assert lab.message == "" and lab.state == target
        fresh = OneNeuron(**target)
        assert (lab.summary, lab._numbers_box.value, lab._caption_box.value) == (
            fresh.summary,
            fresh._numbers_box.value,
            fresh._caption_box.value,
        )
    assert refused >= 3


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("name", ["relu", "exp", "cos", "normal_cdf"])
def test_parallel_teachers_whose_cosine_rounds_below_one_are_parallel(name, d):
    lab = OneNeuron(activation=name, k=3, d=4)
    assert move_and_check(lab, k=3, d=d, correlation=1.0, norm=0.2)
    assert lab.result.applies


def test_a_zero_student_at_a_cusp_is_left_out_and_nothing_is_refused():
    lab = OneNeuron(activation="sign")
    assert move_and_check(lab, k=2, d=12, correlation=-0.5, norm=0.2, spread=2.0)


# what the text says ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 6, 10])
def test_the_text_gives_the_erf_theorem(k):
    lab = OneNeuron(activation="erf", k=k, d=k + 1)
    loss = k / 3 - 2 / np.pi * k**2 * np.arcsin(1 / (2 * k))
    first = next(line for line in lab.summary.splitlines() if line.startswith("1. "))
    assert f"a = {k}," in first and f"|w| = {number(1 / np.sqrt(2 * k - 1), 6)}," in first
    assert abs(float(re.search(r"loss (\S+),", first)[1]) - loss) < 1e-8
    assert "minimum, index 0" in first and "closed form" in first


def test_the_text_says_that_gelus_infimum_lies_at_infinity_and_where():
    lab = OneNeuron(activation="gelu", k=3, d=4)
    assert "the infimum lies at infinity" in lab.summary
    limit = lab.result.view.points.infimum.loss
    assert f"falls towards {number(limit)}" in lab.summary


def test_the_weights_run_from_one_to_one_and_the_spread():
    assert spread_weights(1, 2.0).tolist() == [1.0]
    assert spread_weights(3, 0.0).tolist() == [1.0, 1.0, 1.0]
    assert spread_weights(3, 2.0).tolist() == [1.0, 2.0, 3.0]
    lab = OneNeuron(k=3, d=4, spread=2.0)
    assert lab.result.view.landscape.teacher.a.tolist() == [1.0, 2.0, 3.0]


# planted faults: each must turn the sweep red -------------------------------------------------------------------------


@pytest.fixture
def erf_lab():
    lab = OneNeuron(activation="erf", k=3, d=4)
    check_lab(lab)
    return lab


def test_a_wrong_sign_in_a_kernels_slope_is_noticed(erf_lab, monkeypatch):
    jet = ARCSINE.jet

    def wrong(self, *arguments):
        parts = jet(self, *arguments)
        return parts[:1] if len(parts) == 1 else (parts[0], -parts[1], *parts[2:])

    monkeypatch.setattr(ARCSINE, "jet", wrong)
    with pytest.raises(AssertionError, match="the Hessian has 1 negative"):
        move_and_check(erf_lab, k=2)


def test_a_wrong_kernel_with_its_own_right_looking_gradient_is_noticed(erf_lab, monkeypatch):
    """A search that descends a wrong gradient reports zeros of it: only differences of the loss tell."""
    jet = ARCSINE.jet

    def wrong(self, *arguments):
        parts = jet(self, *arguments)
        return (parts[0], *(-part for part in parts[1:]))

    monkeypatch.setattr(ARCSINE, "jet", wrong)
    with pytest.raises(AssertionError):
        move_and_check(erf_lab, k=2, spread=1.0)


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_wrong_index_is_noticed(erf_lab, monkeypatch, shift):
    monkeypatch.setattr(
        CriticalPoint, "index", property(lambda self: int(np.sum(self.spectrum < -self.tolerance)) + shift)
    )
    with pytest.raises(AssertionError, match="are claimed"):
        move_and_check(erf_lab, k=2)


def test_a_wrong_eigenvalue_in_a_closed_form_spectrum_is_noticed(erf_lab, monkeypatch):
    points = module.one_neuron_points

    def wrong(activation, teacher):
        found = points(activation, teacher)
        spectrum = found[0].spectrum.copy()
        spectrum[0] *= -1
        object.__setattr__(found[0], "known_spectrum", spectrum)
        found[0].__dict__.pop("spectrum", None)
        return found

    monkeypatch.setattr(module, "one_neuron_points", wrong)
    with pytest.raises(AssertionError, match="are claimed"):
        move_and_check(erf_lab, k=2)


def test_a_point_that_is_not_critical_is_noticed(erf_lab, monkeypatch):
    points = module.one_neuron_points

    def wrong(activation, teacher):
        found = points(activation, teacher)
        object.__setattr__(found[0], "student", type(teacher)(found[0].student.W * (1 + 1e-9), found[0].student.a))
        return found

    monkeypatch.setattr(module, "one_neuron_points", wrong)
    with pytest.raises(AssertionError, match=r"max \|grad L\|"):
        move_and_check(erf_lab, k=2)


def test_a_missing_minimum_is_noticed(erf_lab, monkeypatch):
    points = module.one_neuron_points

    def wrong(activation, teacher):
        found = points(activation, teacher)
        return type(found)(found[1:], found.complete, found.remark, found.statement)

    monkeypatch.setattr(module, "one_neuron_points", wrong)
    with pytest.raises(AssertionError, match="the lowest known loss"):
        move_and_check(erf_lab, k=2)


@pytest.mark.parametrize("digits, what", [(8, "loss"), (6, None)])
def test_a_wrong_digit_in_the_text_is_noticed(erf_lab, monkeypatch, digits, what):
    def wrong(value, given=6, scale=0.0):
        text = number(value, given, scale)
        return text[:-1] + str((int(text[-1]) + 1) % 10) if given == digits and text[-1:].isdigit() else text

    monkeypatch.setattr(module, "number", wrong)
    with pytest.raises(AssertionError, match=what):
        move_and_check(erf_lab, k=2)


def test_a_wrong_kind_in_the_text_is_noticed(erf_lab, monkeypatch):
    summary = OneNeuron._summary
    monkeypatch.setattr(
        OneNeuron, "_summary", lambda self, result: summary(self, result).replace(": minimum", ": saddle")
    )
    with pytest.raises(AssertionError):
        move_and_check(erf_lab, k=2)


def test_a_table_of_another_state_is_noticed(erf_lab, monkeypatch):
    old = erf_lab._numbers_box.value
    monkeypatch.setattr(OneNeuron, "_numbers", lambda self, result: old)
    with pytest.raises(AssertionError):
        move_and_check(erf_lab, k=2)


def test_an_exception_in_a_callback_is_noticed(erf_lab, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(OneNeuron, "_caption", broken)
    with pytest.raises(AssertionError, match="this lab failed"):
        move_and_check(erf_lab, k=2)


def test_a_picture_that_a_refusal_does_not_dim_is_noticed(erf_lab, monkeypatch):
    monkeypatch.setattr(erf_lab._picture, "add_class", lambda name: None)
    with pytest.raises(AssertionError):
        move_and_check(erf_lab, k=5)


def test_a_refusal_in_strange_words_is_noticed(erf_lab, monkeypatch):
    def broken(*_):
        raise np.linalg.LinAlgError("SVD did not converge")  # a ValueError, but no sentence of the library

    monkeypatch.setattr(OneNeuron, "_compute", broken)
    with pytest.raises(AssertionError, match="SVD did not converge"):
        move_and_check(erf_lab, k=2)
