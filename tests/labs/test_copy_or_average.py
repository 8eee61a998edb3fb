"""What the lab of page 03 says, its bifurcations along n, the claims of its presets, and planted faults."""

import html

import numpy as np
import pytest
from lab_invariants import check_lab, check_refused, marks_shown, move_and_check, snapshot
from lab_sweep import replaced, undrawn

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.copy_average import threshold
from landscape_nb.closed_forms.perturbed_copy import crossings, perturbed_copy
from landscape_nb.closed_forms.symmetry_blocks import SymmetricPoint
from landscape_nb.labs import CopyOrAverage
from landscape_nb.labs import copy_or_average as module
from landscape_nb.networks import orthonormal_teacher


@pytest.fixture(autouse=True)
def without_drawing():
    with undrawn():
        yield


# bifurcations ---------------------------------------------------------------------------------------------------------


def expected_marks(activation, k):
    """Where the crossings say that something changes between two numbers of neurons."""
    found = crossings(k, ACTIVATIONS[activation])
    marks = []
    if found.average_minimum_up_to is not None and found.average_minimum_up_to < k - 1:
        changes = "becomes a saddle" if activation == "erf" else "changes kind"
        marks.append((found.average_minimum_up_to + 0.5, f"copy-average {changes}"))
    first = next(n for n in range(2, k) if exists(activation, k, n))
    if found.perturbed_minimum_from is not None and found.perturbed_minimum_from > first:
        marks.append((found.perturbed_minimum_from - 0.5, "n-copy becomes a minimum"))
    if found.perturbed_below_from is not None:
        marks.append((found.perturbed_below_from - 0.5, "n-copy becomes the lower"))
    return sorted(marks)


def exists(activation, k, n):
    try:
        return bool(perturbed_copy(ACTIVATIONS[activation], orthonormal_teacher(k, k), n))
    except ValueError:
        return False


@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_the_marks_along_n_are_the_crossings(activation):
    lab = CopyOrAverage(activation=activation, n=2)
    seen = set()
    for k in (*range(5, 13), 50):
        lab.set(k=k)
        assert lab.message == ""
        expected = expected_marks(activation, k)
        assert list(lab.result.view.marks) == expected, f"k = {k}"
        shown = marks_shown(lab).get("n", [])
        assert [value for value, _ in shown] == [n for n, _ in expected]
        assert [sentence for _, sentence in shown] == [f"n = {n:g}: {words}" for n, words in expected]
        for n, words in expected:
            assert f"between n = {n - 0.5:g} and {n + 0.5:g}: {words}" in lab.summary
        seen |= {words for _, words in expected}
    assert len(seen) >= 2
    assert (
        expected
        == {
            "erf": [
                (21.5, "n-copy becomes a minimum"),
                (37.5, "n-copy becomes the lower"),
                (44.5, "copy-average becomes a saddle"),
            ],
            "relu": [
                (6.5, "n-copy becomes a minimum"),
                (16.5, "n-copy becomes the lower"),
                (41.5, "copy-average changes kind"),
            ],
        }[activation]
    )


# presets --------------------------------------------------------------------------------------------------------------


def leans(view):
    """Each neuron looks most at a teacher of its own, and a little at all others."""
    W = view.point.student.W[:, : view.k]
    return len(set(W.argmax(axis=1))) == view.n and (np.abs(W) > 1e-6).all() and (W.max(axis=1) > 0.5).all()


CLAIMS = {
    "four neurons, five teachers": lambda view: (view.n, view.k, view.sizes) == (4, 5, (2, 1, 1, 1)),
    "the same, every neuron leans": lambda view: (view.n, view.k) == (4, 5) and leans(view),
    "(2, 2) instead of (3, 1): a saddle": lambda view: (
        view.types[0] == (3, 1) and view.sizes == (2, 2) and view.point.kind == "saddle" and view.point.index > 0
    ),
    "seven teachers, six neurons: the average splits": lambda view: (
        (view.n, view.k) == (6, 7)
        and view.sizes == (2, 1, 1, 1, 1, 1)
        and view.point.index > 0
        and view.n > threshold(2) > 5
    ),
    "fifty teachers, twenty-five neurons": lambda view: (view.n, view.k) == (25, 50) and view.point.index == 0,
    "fifty teachers, forty-five neurons: no longer a minimum": lambda view: (
        (view.n, view.k) == (45, 50)
        and view.point.index > 0
        and view.branches[0].minimum[43]
        and not view.branches[0].minimum[44]
    ),
    "relu: perturbed copies and average": lambda view: (
        view.point.landscape.activation.name == "relu"
        and view.point.name.startswith("perturbed copy-average")
        and view.other.name == "perturbed-3-copy"
    ),
    "cos: critical, but no minimum": lambda view: (
        view.point.landscape.activation.name == "cos" and view.point.index > 0 and view.point.residual < 1e-13
    ),
}


def test_every_preset_is_what_its_name_claims():
    assert CLAIMS.keys() == CopyOrAverage.presets.keys()
    lab = CopyOrAverage()
    for name, holds in CLAIMS.items():
        lab.preset(name)
        check_lab(lab)
        assert holds(lab.result.view), name


def test_the_name_of_the_statement_is_shown_and_the_counts_are_those_of_stirling():
    lab = CopyOrAverage(k=4, n=2)
    assert "7 partitions of 2 types, 4 of them optimal" in html.unescape(lab._numbers_box.value)
    lab.set(activation="relu")
    assert "of the partitions only the optimal one is followed" in lab._numbers_box.value


def test_a_partition_beyond_the_last_one_shows_the_last_one():
    lab = CopyOrAverage(k=6, n=3, partition=40)
    check_lab(lab)
    assert lab.result.view.rank == 2 == len(lab.result.view.types) - 1


def test_more_neurons_than_teachers_are_refused_with_a_sentence():
    lab = CopyOrAverage(k=4, n=4)
    before = snapshot(lab)
    lab.set(n=5)
    assert "n <= k; n = 5 and k = 4 were given" in lab.message
    check_refused(lab, before)


@pytest.mark.parametrize("values", [{"activation": "cos"}, {"n": 1}, {"n": 5}])
def test_where_no_neuron_leans_the_reason_is_said(values):
    lab = CopyOrAverage()
    assert not move_and_check(lab, family="n-copy", **values)
    assert "perturbed-n-copy point needs" in lab.message


def test_another_partition_follows_no_family_anew(monkeypatch):
    calls = []
    right = module.leaning
    monkeypatch.setattr(module, "leaning", lambda landscape, n: calls.append(n) or right(landscape, n))
    lab = CopyOrAverage(k=8, n=3)
    assert len(calls) >= 8
    del calls[:]
    for partition in (2, 3, 1):
        lab.set(partition=partition)
        check_lab(lab)
    assert calls == [3, 3]  # the third is known


# planted faults: each must turn the sweep red -------------------------------------------------------------------------


def test_a_wrong_loss_of_a_partition_is_noticed(monkeypatch):
    replaced(monkeypatch, CopyOrAverage, "losses", lambda losses: losses * (1 + 1e-6))
    with pytest.raises(AssertionError, match=r"a loss is not the sum of L\*"):
        check_lab(CopyOrAverage(k=6, n=3))


def test_a_wrong_loss_of_the_point_is_noticed(monkeypatch):
    lab = CopyOrAverage(k=6, n=3)
    check_lab(lab)
    monkeypatch.setattr(
        SymmetricPoint, "loss", property(lambda self: float(self.landscape.value(self.student)) * (1 + 1e-7))
    )
    with pytest.raises(AssertionError):
        move_and_check(lab, n=4)


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_wrong_index_is_noticed(monkeypatch, shift):
    lab = CopyOrAverage(k=4, n=3)
    check_lab(lab)
    monkeypatch.setattr(SymmetricPoint, "index", property(lambda self: int((self.spectrum < 0).sum()) + shift))
    with pytest.raises(AssertionError, match="index"):
        move_and_check(lab, n=2, partition=2)


def test_partitions_in_a_wrong_order_are_noticed(monkeypatch):
    replaced(monkeypatch, CopyOrAverage, "types", lambda types: types[::-1])
    with pytest.raises(AssertionError, match="not in the order of their losses"):
        check_lab(CopyOrAverage(k=6, n=3))


def test_losses_that_belong_to_other_partitions_are_noticed(monkeypatch):
    replaced(monkeypatch, CopyOrAverage, "types", lambda types: (types[0], *types[:0:-1]))
    replaced(monkeypatch, CopyOrAverage, "losses", np.sort)
    with pytest.raises(AssertionError):
        check_lab(CopyOrAverage(k=6, n=3))


def test_a_missing_partition_at_the_front_is_noticed(monkeypatch):
    replaced(monkeypatch, CopyOrAverage, "types", lambda types: types[1:])
    with pytest.raises(AssertionError, match="the first partition is not the optimal one"):
        check_lab(CopyOrAverage(k=6, n=3))


@pytest.mark.parametrize("by", [-1, 1])
def test_a_bifurcation_at_a_wrong_place_is_noticed(monkeypatch, by):
    replaced(monkeypatch, CopyOrAverage, "marks", lambda marks: tuple((n + by, words) for n, words in marks))
    with pytest.raises(AssertionError):
        check_lab(CopyOrAverage(k=12, n=3))


def test_a_family_with_a_wrong_kind_is_noticed(monkeypatch):
    def wrong(families):
        for branch in families:
            object.__setattr__(branch, "minimum", tuple(not found for found in branch.minimum))
        return families

    replaced(monkeypatch, CopyOrAverage, "families", wrong)
    with pytest.raises(AssertionError, match="minimum or not"):
        check_lab(CopyOrAverage(k=6, n=3))


def test_a_wrong_kind_in_the_text_is_noticed(monkeypatch):
    lab = CopyOrAverage(k=6, n=3)
    summary = CopyOrAverage._summary
    monkeypatch.setattr(
        CopyOrAverage, "_summary", lambda self, result: summary(self, result).replace(": minimum", ": saddle")
    )
    with pytest.raises(AssertionError):
        move_and_check(lab, n=4)


def test_a_table_of_another_state_is_noticed(monkeypatch):
    lab = CopyOrAverage(k=6, n=3)
    old = lab._numbers_box.value
    monkeypatch.setattr(CopyOrAverage, "_numbers", lambda self, result: old)
    with pytest.raises(AssertionError):
        move_and_check(lab, n=4)
