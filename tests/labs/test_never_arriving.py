"""What the lab of page 07 says, its flow in the background, the claims of its presets, planted faults."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from lab_invariants import boxes, check_lab, snapshot, words
from lab_sweep import remembered, replaced, undrawn

from landscape_nb.labs import NeverArriving
from landscape_nb.labs import never_arriving as module
from landscape_nb.long_flows import LongFlow

STEPS = NeverArriving.steps  # which remember nothing


@pytest.fixture(autouse=True)
def without_drawing():
    with undrawn(), remembered():
        yield


# in the background ----------------------------------------------------------------------------------------------------


def test_a_flow_moved_by_hand_runs_in_the_background_tells_how_far_it_is_and_can_be_stopped(monkeypatch):
    lab = NeverArriving()
    before = snapshot(lab)
    entered, follow = threading.Event(), module.follow

    def slow(*asked, progress, **settings):
        def tell(share):
            entered.set()
            progress(share)
            threading.Event().wait(0.02)

        return follow(*asked, progress=tell, **settings)

    monkeypatch.setattr(module, "follow", slow)
    lab.controls["seed"].value = 17
    running = lab._job
    assert running is not None and entered.wait(30) and lab.message == "computing seed = 17"
    lab.stop()
    assert running.wait(10) and "stopped before seed = 17 was computed" in lab.message and snapshot(lab) == before
    monkeypatch.setattr(module, "follow", follow)
    lab.set(seed=1)
    check_lab(lab)


def test_the_time_moves_the_view_and_follows_no_new_flow(monkeypatch):
    lab = NeverArriving()
    flow, first = lab.result.flow, lab.summary
    monkeypatch.setattr(module, "follow", None)
    lab.set(time=100.0)
    assert lab.result.flow is flow and lab.summary != first and not lab._takes_long(lab.state | {"time": 3.0})
    assert lab._takes_long(lab.state | {"width": 5})
    check_lab(lab)


# what it says ---------------------------------------------------------------------------------------------------------


def theorem(lab):
    return words(lab._theorem_box.value)


def test_the_theorem_ticks_and_crosses_its_hypotheses():
    lab = NeverArriving()
    assert "applies" in theorem(lab) and "✗" not in theorem(lab)
    lab.set(width=3, target="x^3")
    shown = theorem(lab)
    assert "does not apply here" in shown and "✗ two neurons — 3 neurons given" in shown
    assert "labels that differ from x² by 2 given" in shown and "measured, numerical" in shown
    lab.set(width=1, target="x^2", activation="relu")
    assert "✗ an activation that is analytic — relu, whose slope jumps at 0 given" in theorem(lab)
    assert "✗ analytic — relu, whose slope jumps at 0" in theorem(lab) and "1 neuron given" in theorem(lab)
    lab.set(activation="square")
    assert "grows faster than linearly" in theorem(lab) and "✓ analytic" in theorem(lab)


@pytest.mark.parametrize("target, degree", (("x^4 - x", 4), ("degree 10", 10), ("degree 5 in two inputs", 5)))
def test_the_degree_of_the_target_stands_among_the_conditions(target, degree):
    lab = NeverArriving(target=target)
    assert f"degree at least 2: degree {degree}" in theorem(lab)
    assert ("input x = y" in lab.result.view.along) is target.endswith("two inputs")


def test_the_same_state_gives_the_same_words_twice():
    lab = NeverArriving()
    first = lab.summary, boxes(lab)
    lab.set(seed=0)
    assert lab.summary != first[0]
    lab._computation.forget()
    lab.set(seed=1)
    assert (lab.summary, boxes(lab)) == first


def test_where_a_kink_stops_the_flow_the_view_stops_too():
    lab = NeverArriving(activation="relu", seed=0)
    check_lab(lab)
    assert "not smooth there at t = 3" in lab.summary and lab.result.time < 40 and lab.state["time"] == 1e12


@pytest.mark.parametrize(
    "norm, loss, expected",
    (
        (lambda t: t ** (1 / 6) + 3, lambda t: 2 * t ** (-2 / 3), (1 / 6, -2 / 3)),
        (lambda t: 5 - t**-0.3, lambda t: 0.1 + t**-0.3, (np.nan, np.nan)),  # it arrives
        (lambda t: 1 + np.log(t + 2) ** 3, lambda t: 1 / (1 + (t / 1e3) ** 2), (np.nan, np.nan)),  # it bends
        (lambda t: 5 - 0 * t, lambda t: 1e-40 + t**-6, (np.nan, np.nan)),  # at rounding
    ),
)
def test_only_a_power_law_has_an_exponent(norm, loss, expected):
    times = np.geomspace(1e-2, 1e5, 141)
    found = module.exponents(times, norm(times), loss(times))
    assert np.allclose(found, expected, atol=1e-4, equal_nan=True)
    early = times < 5e3
    assert np.isnan(module.exponents(times[early], norm(times[early]), loss(times[early]))).all()


# presets, followed further than in the sweep ----------------------------------------------------------------------------


def slope(lab):
    """Of the loss from t = 1e6 to 1e7."""
    return np.log10(lab.result.view.losses[-1] / lab.result.view.losses[-21])


CLAIMS = {
    "two tanh neurons learn x^2": lambda lab: lab.result.valley is not None and lab.result.valley.biases[0] < 0,
    "sigmoid: opposite biases, a third valley": lambda lab: sum(lab.result.valley.biases) == 0,
    "softplus: a slower way": lambda lab: lab.result.valley is None and slope(lab) > -0.6,
    "degree 10: a start that arrives above zero": lambda lab: (
        lab.result.flow.reason == "arrived" and 1.2e-3 < lab.result.view.losses[-1] < 1.3e-3
    ),
    "relu: a flow that arrives": lambda lab: lab.result.flow.reason == "arrived" and lab.result.view.losses[-1] > 1e-3,
    "square: it is the target and arrives": lambda lab: (
        lab.result.flow.reason == "arrived" and lab.result.view.losses[-1] < 1e-20
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_preset_is_what_its_name_claims(name, monkeypatch):
    monkeypatch.setattr(module, "T_MAX", 1e7)
    monkeypatch.setattr(NeverArriving, "steps", STEPS)
    lab = NeverArriving(**NeverArriving.presets[name])
    assert CLAIMS[name](lab), lab.summary


# planted faults: each must turn the sweep red ---------------------------------------------------------------------------


def view_with(**changes):
    def wrong(result):
        return replace(result, view=replace(result.view, **{name: f(result.view) for name, f in changes.items()}))

    return wrong


def flow_with(**changes):
    def wrong(flow: LongFlow):
        return replace(flow, **{name: f(flow) for name, f in changes.items()})

    return wrong


def swapped(flow):
    students = flow.students.copy()
    students[[90, 100]] = students[[100, 90]]
    return students


FAULTS = {
    "nothing": ("result", lambda result: result, ""),
    "a start of another seed": (
        "flow",
        flow_with(students=lambda flow: np.vstack([flow.students[:1] + 1e-9, flow.students[1:]])),
        "starts somewhere else",
    ),
    "a loss that rises": ("flow", flow_with(students=swapped), "the loss rises|not those of the path"),
    "twice the time": ("flow", flow_with(times=lambda flow: 2 * flow.times), "no gradient flow"),
    "a wrong loss": ("result", view_with(losses=lambda view: view.losses * (1 + 1e-6)), "not those of the path"),
    "a wrong norm": ("result", view_with(norms=lambda view: view.norms * (1 + 1e-6)), ""),
    "another function": ("result", view_with(function=lambda view: view.function + 1e-9), "function is another one"),
    "another time": ("result", view_with(chosen=lambda view: view.chosen - 5), ""),
    "a wrong exponent": ("result", view_with(exponents=lambda view: (view.exponents[0], -0.9)), "is measured"),
    "another law": ("result", view_with(law_losses=lambda view: 1.001 * view.law_losses), ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(fault, monkeypatch):
    step, wrong, sentence = FAULTS[fault]
    replaced(monkeypatch, NeverArriving, step, wrong)
    lab = NeverArriving()
    if fault == "nothing":
        check_lab(lab)
        assert lab.result.valley is not None
    else:
        with pytest.raises(AssertionError, match=sentence or None):
            check_lab(lab)
