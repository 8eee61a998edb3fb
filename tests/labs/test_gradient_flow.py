"""What the lab of page 04 says, flows in the background, outcomes computed anew, the claims of its presets, planted faults."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from lab_invariants import boxes, check_lab, check_refused, snapshot
from lab_sweep import followed_once, press, replaced, undrawn

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.labs import GradientFlow
from landscape_nb.labs import gradient_flow as module
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import orthonormal_teacher
from landscape_nb.sweeps import Outcome, stored_phase_diagram, sweep

SEEDS = range(100, 104)
SMALL = {"k": 2, "n": 1}
FAMILY = {"copies": "exact copies", "copy-average": "copy-average", "perturbed-n-copy": "n-copy"}


@pytest.fixture(autouse=True)
def without_drawing(monkeypatch):
    monkeypatch.setattr(module, "FRESH", SEEDS)
    with undrawn():
        yield


def in_families(counts, total):
    shares = {}
    for name, count in counts.items():
        family = FAMILY.get(name, "other")
        shares[family] = shares.get(family, 0.0) + count / total
    return shares


# in the background ----------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(monkeypatch):
    """Set as soon as a flow asks whether it shall go on."""
    entered, follow = threading.Event(), module.follow

    def spied(landscape, start, t_max, *, progress):
        def tell(share):
            entered.set()
            progress(share)

        return follow(landscape, start, t_max, progress=tell)

    monkeypatch.setattr(module, "follow", spied)
    return entered


def test_a_flow_moved_by_hand_runs_in_the_background_and_then_shows():
    lab = GradientFlow(**SMALL)
    text = lab.summary
    lab.controls["seed"].value = 4
    assert lab._job is not None or lab.state["seed"] == 4
    assert lab.wait(60)
    check_lab(lab)
    assert lab.state["seed"] == 4 and lab.summary != text and lab._stop_button.layout.display == "none"


def test_a_flow_in_the_background_can_be_stopped_and_the_picture_stays(watched):
    lab = GradientFlow(**SMALL)
    before = snapshot(lab)
    watched.clear()
    lab.controls["k"].value = 10
    assert lab.wait(60)
    watched.clear()
    before = snapshot(lab)
    lab.controls["n"].value = 9
    running = lab._job
    assert running is not None and watched.wait(30)
    assert lab.message == "computing n = 9" and lab._stop_button.layout.display == ""
    lab.stop()
    assert running.wait(5.0), "the flow goes on"
    assert "stopped before n = 9 was computed" in lab.message and snapshot(lab) == before
    assert lab._job is None and lab._stop_button.layout.display == "none"
    lab.set(**SMALL)
    check_lab(lab)


# outcomes computed anew -----------------------------------------------------------------------------------------------


def test_the_button_computes_one_cell_anew_with_progress_and_undo_brings_the_stored_one_back(monkeypatch):
    told, swept = [], module.sweep

    def spied(*asked, progress, **settings):
        def tell(share):
            told.append(share)
            progress(share)

        return swept(*asked, progress=tell, **settings)

    monkeypatch.setattr(module, "sweep", spied)
    lab = GradientFlow(k=3, n=2)
    stored = {pair: dict(shares) for pair, shares in lab.result.view.cells.items()}
    press(lab, "button-recompute")
    assert lab.wait(120) and lab.message == ""
    assert lab.state["phases"] == "anew" and "stored" in lab.result.provenance
    assert told and told == sorted(told) and 0 <= told[0] and told[-1] <= 1
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(3, 4))
    found = sweep(landscape, 2, SEEDS, start="glorot", progress=False)
    cells = lab.result.view.cells
    assert cells[2, 3] == pytest.approx(in_families(found.counts(kinds=True), len(SEEDS)))
    assert {pair: shares for pair, shares in cells.items() if pair != (2, 3)} == {
        pair: shares for pair, shares in stored.items() if pair != (2, 3)
    }
    assert "(n, k) = (2, 3) anew, seeds 100 to 103, Glorot starts: " in lab.summary
    check_lab(lab)
    lab.undo()
    assert lab.wait(60) and lab.state["phases"] == "stored"
    assert lab.result.view.cells == stored and "anew" not in lab.summary
    check_lab(lab)


def test_without_stored_outcomes_the_cell_that_is_computed_is_the_only_one():
    lab = GradientFlow(activation="normal_cdf", **SMALL)
    assert lab.result.view.cells == {} and "no outcomes of normal_cdf come with the package" in lab.summary
    lab.set(phases="anew")
    assert list(lab.result.view.cells) == [(1, 2)]
    check_lab(lab)


def test_the_stored_shares_are_those_of_the_phase_diagram():
    lab = GradientFlow(**SMALL)
    diagram = stored_phase_diagram("erf")
    seeds = len(diagram.provenance["seeds"])
    assert lab.result.view.cells.keys() == diagram.shares().keys()
    for pair, shares in diagram.shares().items():
        assert lab.result.view.cells[pair] == pytest.approx(in_families(shares, 1))
    assert f"stored: {seeds} seeds for each pair" in lab.summary and not set(diagram.provenance["seeds"]) & set(SEEDS)


# what it says ---------------------------------------------------------------------------------------------------------


def test_more_neurons_than_teachers_are_refused_with_a_sentence():
    lab = GradientFlow(**SMALL)
    before = snapshot(lab)
    lab.set(n=3)
    assert "n <= k is shown here" in lab.message and "n = 3 and k = 2 were given" in lab.message
    check_refused(lab, before)


def test_the_same_state_gives_the_same_words_twice():
    lab = GradientFlow(seed=7, **SMALL)
    first = lab.summary, boxes(lab)
    lab.set(seed=8)
    assert lab.summary != first[0]
    lab._computation.forget()
    lab.set(seed=7)
    assert (lab.summary, boxes(lab)) == first


def begins_at_zero(lab):
    (first, *_), times = lab.result.view.plateaus, lab.result.view.times
    return first.start == times[0] and first.name.endswith(f"saddle of index {lab.state['n']}")


def is_channel(lab):
    """Two neurons, each with the sign of its weight, stand against each other, and both weights grow as long as the flow is followed."""
    view, path = lab.result.view, lab.result.path
    W = view.end.W / np.linalg.norm(view.end.W, axis=1, keepdims=True)
    first, second = np.unravel_index((W @ W.T).argmin(), (view.n, view.n))
    weights = np.abs(path.students[:, view.n * (view.k + 1) :][:, [first, second]])
    late = weights[view.times > 1e-2 * view.times[-1]]
    grow = (np.diff(late, axis=0) > 0).all() and (late[-1] > 1.1 * late[0]).all()
    return path.outcome.name == "channel" and view.point is None and W[first] @ W[second] < -0.99 and grow


CLAIMS = {
    "four neurons, five teachers: copy-average": lambda lab: (
        lab.result.path.outcome.name == "copy-average (2, 1, 1, 1)"
    ),
    "another seed: every neuron leans": lambda lab: lab.result.path.outcome.name == "perturbed-n-copy",
    "a small start: the first plateau": begins_at_zero,
    "as many as the teachers: exact copies": lambda lab: (
        lab.result.path.outcome.name == "copies" and lab.result.view.losses[-1] < 1e-9
    ),
    "a channel to infinity": is_channel,
    "normal_cdf: the same with an offset": lambda lab: (
        lab.result.view.landscape.activation.name == "normal_cdf" and "copy-average" in lab.result.path.outcome.name
    ),
}


def test_every_preset_has_a_claim():
    name = "ten teachers, eight neurons"  # no more than its numbers
    assert GradientFlow.presets[name] == {"k": 10, "n": 8}
    assert {*CLAIMS, name} == GradientFlow.presets.keys()


@pytest.mark.parametrize("name", CLAIMS)
def test_every_preset_is_what_its_name_claims(name):
    lab = GradientFlow(**GradientFlow.presets[name])
    check_lab(lab)
    assert CLAIMS[name](lab), lab.summary


# planted faults: each must turn the sweep red -------------------------------------------------------------------------


@pytest.fixture
def known_flows(monkeypatch):
    """The flow beneath a fault is followed once."""
    with followed_once():
        steps = GradientFlow.steps
    monkeypatch.setattr(GradientFlow, "steps", steps)


def test_nothing_is_noticed_where_nothing_is_wrong(known_flows, monkeypatch):
    replaced(monkeypatch, GradientFlow, "path", lambda path: replace(path))
    check_lab(GradientFlow(**SMALL))


def test_a_wrong_outcome_name_is_noticed(monkeypatch):
    monkeypatch.setattr(module, "outcome", lambda landscape, student: Outcome("copies", ""))
    with pytest.raises(AssertionError, match="the name depends on"):
        check_lab(GradientFlow(**SMALL))


def test_a_loss_that_rises_is_noticed(known_flows, monkeypatch):
    def wrong(path):
        students = path.students.copy()
        students[[60, 100]] = students[[100, 60]]
        return replace(path, students=students)

    replaced(monkeypatch, GradientFlow, "path", wrong)
    with pytest.raises(AssertionError, match="the loss rises along the flow"):
        check_lab(GradientFlow(**SMALL))


def test_a_wrong_loss_is_noticed(known_flows, monkeypatch):
    def wrong(result):
        return replace(result, view=replace(result.view, losses=result.view.losses * (1 + 1e-6)))

    replaced(monkeypatch, GradientFlow, "result", wrong)
    with pytest.raises(AssertionError):
        check_lab(GradientFlow(**SMALL))


def test_another_start_than_the_seeds_is_noticed(monkeypatch):
    right = module.starts
    monkeypatch.setattr(module, "starts", lambda n, d, seeds, start: right(n, d, [seeds[0] + 1], start))
    with pytest.raises(AssertionError, match="the flow starts somewhere else"):
        check_lab(GradientFlow(**SMALL))


def test_times_that_are_not_those_of_the_path_are_noticed(monkeypatch):
    right = module.follow

    class Faster:
        """The same path in half the time."""

        def __init__(self, flow):
            self._flow = flow

        def __getattr__(self, name):
            return getattr(self._flow, name)

        def at(self, times):
            return self._flow.at(np.minimum(2 * np.asarray(times), float(self._flow.time)))

    monkeypatch.setattr(module, "follow", lambda *asked, **settings: Faster(right(*asked, **settings)))
    with pytest.raises(AssertionError, match="this is no gradient flow"):
        check_lab(GradientFlow(**SMALL))


def test_a_wrong_share_is_noticed(known_flows, monkeypatch):
    def wrong(cells):
        shares, about = cells
        return shares | {(1, 2): {name: 1.1 * share for name, share in shares[1, 2].items()}}, about

    replaced(monkeypatch, GradientFlow, "cells", wrong)
    with pytest.raises(AssertionError):
        check_lab(GradientFlow(**SMALL))


def test_a_wrong_cosine_is_noticed(known_flows, monkeypatch):
    replaced(
        monkeypatch,
        GradientFlow,
        "result",
        lambda result: replace(result, view=replace(result.view, cosines=0.99 * result.view.cosines)),
    )
    with pytest.raises(AssertionError):
        check_lab(GradientFlow(**SMALL))


def test_a_plateau_beyond_the_path_is_noticed(known_flows, monkeypatch):
    def wrong(result):
        late = [replace(one, end=2 * result.view.times[-1]) for one in result.view.plateaus]
        assert late
        return replace(result, view=replace(result.view, plateaus=tuple(late)))

    replaced(monkeypatch, GradientFlow, "result", wrong)
    with pytest.raises(AssertionError):
        check_lab(GradientFlow(start="small", **SMALL))


def test_a_wrong_index_at_the_end_is_noticed(monkeypatch):
    lab = GradientFlow(**SMALL)
    check_lab(lab)
    point = type(lab.result.view.point)
    monkeypatch.setattr(point, "index", property(lambda self: int((self.spectrum < -self.tolerance).sum()) + 1))
    lab.set(seed=3)
    with pytest.raises(AssertionError):
        check_lab(lab)


def test_a_wrong_reason_in_the_text_is_noticed(known_flows, monkeypatch):
    summary = GradientFlow._summary
    monkeypatch.setattr(
        GradientFlow, "_summary", lambda self, result: summary(self, result).replace("converged at", "time at")
    )
    with pytest.raises(AssertionError):
        check_lab(GradientFlow(**SMALL))


def test_what_is_said_of_the_end_names_what_it_rests_on():
    lab = GradientFlow()
    shown = lab._theorem(lab.result)
    assert "Outside every theorem: numerical" in shown and shown.count("<li>✓") == 4 and "✗" not in shown
    on_its_way = replace(lab.result, view=replace(lab.result.view, point=None))
    shown = lab._theorem(on_its_way)
    assert "✗ a flow that has arrived at a critical point — a flow still on its way given" in shown
    assert "✗ a minimum: no negative Hessian eigenvalue — no critical point given" in shown
    assert "neurons and teachers counted from 0" in lab._numbers(lab.result)
