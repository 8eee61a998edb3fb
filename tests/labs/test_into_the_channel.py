"""What the lab of the flow into a channel says, the flow to 1e12 in numbers, the claims of its presets, planted faults."""

import re
import threading
from dataclasses import replace

import numpy as np
import pytest
from lab_invariants import boxes, check_lab, snapshot, words
from lab_sweep import press, remembered, replaced, undrawn

from landscape_nb.descent import gradient_descent
from landscape_nb.flows import gradient_flow
from landscape_nb.labs import IntoTheChannel
from landscape_nb.labs import into_the_channel as module


@pytest.fixture(autouse=True)
def short_flows():
    with remembered(), undrawn():
        yield


# to the end of time ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def to_the_end():
    """Channel 2, followed as far as the lab does it."""
    with undrawn():
        return IntoTheChannel(kick="minus", time=1e12)


def shown(lab, name):
    """What the table says of this quantity: (flow, law)."""
    rows = lab._rows(lab.result)
    return next((value, law) for quantity, value, law in rows if quantity.startswith(name))


def test_the_flow_reaches_the_published_numbers_to_four_digits(to_the_end):
    """Theory: s = 910.861 (law 910.840), L - L_inf = 5.1850e-8 (law 5.1852e-8), eps = 7.1e-3 at t = 1e12 by another integrator."""
    lab = to_the_end
    assert float(lab.result.path.flow.time) == 1e12 and lab.result.ends == "channel 2"
    assert shown(lab, "gap") == ("910.9", "910.8")
    assert shown(lab, "loss above") == ("5.185e-8", "5.185e-8")
    assert shown(lab, "eps")[0].startswith("0.0071")
    assert (shown(lab, "local exponent of the gap"), shown(lab, "local exponent of the loss")) == (
        ("0.250", "0.250"),
        ("-0.500", "-0.500"),
    )
    check_lab(lab)


def test_on_the_way_it_passes_the_published_numbers(to_the_end):
    """Theory: s = 29.399, eps = .2230, L - L_inf = 5.09e-5, lambda_min = 7.43e-7 at t = 1e6."""
    lab = to_the_end
    lab.set(time=1e6)
    assert [shown(lab, name)[0] for name in ("gap", "eps", "loss above", "smallest")] == [
        "29.4",
        "0.223",
        "5.09e-5",
        "7.4e-7",
    ]
    assert abs(lab.result.moment.gap - 29.399) < 2e-3 and abs(lab.result.moment.softest - 7.43e-7) < 1e-9
    lab.set(time=1e12)


def test_the_law_of_the_loss_holds_within_half_a_percent_from_1e9_on(to_the_end):
    view = to_the_end.result.view
    late = view.times >= 1e9
    assert late.sum() > 50
    assert np.abs(view.above[late] / view.above_law[late] - 1).max() < 5e-3
    assert np.abs(view.gaps[late] / view.gap_law[late] - 1).max() < 5e-3
    slopes = np.diff(np.log(view.above[late])) / np.diff(np.log(view.times[late]))
    assert np.abs(slopes + 0.5).max() < 2.5e-3


def test_nothing_that_is_noise_is_shown(to_the_end):
    """Eigenvalues and gradients below what doubles resolve are left out, and said to be small."""
    lab = to_the_end
    view = lab.result.view
    known = np.isfinite(view.softest)
    assert not known[-1] and view.times[known][-1] > 1e8
    late = known & (view.times > 1e6)
    assert np.abs(view.softest[late] / view.softest_law[late] - 1).max() < 0.02
    assert shown(lab, "smallest")[0] == "too small beside the largest" and shown(lab, "|grad L|")[0] == "< 1e-7"
    assert "7.5e-13" in lab.summary  # the law


def test_the_digits_do_not_depend_on_the_tolerance(to_the_end):
    path = to_the_end.result.path
    other = gradient_flow(path.flow.landscape, path.flow.start, 1e6, rtol=1e-6, atol=1e-8)
    for time in (1e2, 1e4, 1e6):
        mine, its = module.gaps_of(path.flow.at(time)), module.gaps_of(other.at(time))
        assert abs(mine / its - 1) < 1e-4, time


# in the background ----------------------------------------------------------------------------------------------------


def test_a_flow_moved_by_hand_can_be_stopped_and_the_picture_stays(monkeypatch):
    lab = IntoTheChannel()
    before = snapshot(lab)
    entered, follow = threading.Event(), module.gradient_flow

    def spied(*asked, progress, **settings):
        def tell(share):
            entered.set()
            progress(share)

        return follow(*asked, progress=tell, **settings)

    monkeypatch.setattr(module, "gradient_flow", spied)
    monkeypatch.setattr(module, "T_MAX", 1e12)
    lab.controls["gamma"].value = 2.5
    running = lab._job
    assert running is not None and entered.wait(30)
    assert lab.message == "computing gamma = 2.5" and lab._stop_button.layout.display == ""
    lab.stop()
    assert running.wait(5.0), "the flow goes on"
    assert "stopped before gamma = 2.5 was computed" in lab.message and snapshot(lab) == before


def test_the_time_moves_without_a_flow():
    lab = IntoTheChannel()
    assert not lab._takes_long(lab.state | {"time": 10.0}) and not lab._takes_long(lab.state | {"rate": 0.2})
    assert lab._takes_long(lab.state | {"gamma": 2.5}) and lab._takes_long(lab.state | {"optimisers": "run"})


def test_the_button_runs_the_optimisers_and_undo_takes_them_away(monkeypatch):
    told, descend = [], module.gradient_descent

    def spied(*asked, progress, **settings):
        def tell(share):
            told.append(share)
            progress(share)

        return descend(*asked, progress=tell, **settings)

    monkeypatch.setattr(module, "gradient_descent", spied)
    lab = IntoTheChannel(rate=0.3)
    assert lab.result.table == "the optimisers were not run" and not lab.result.view.stops
    press(lab, "button-optimise")
    assert lab.wait(60) and lab.state["optimisers"] == "run" and told
    check_lab(lab)
    assert [name for name, _ in lab.result.view.stops] == ["GD", "trust-ncg"]
    lab.undo()
    assert lab.wait(60) and lab.state["optimisers"] == "off" and "trust-ncg" not in lab.summary


# what it says ---------------------------------------------------------------------------------------------------------


def test_gradient_descent_is_told_with_its_edge(monkeypatch):
    lab = IntoTheChannel(optimisers="run")
    landscape, start = (
        lab.result.path.flow.landscape,
        lab.result.path.flow.landscape.network(lab.result.path.flow.start),
    )
    descent = gradient_descent(landscape, start, 0.4, 3000)
    edge = module.told(descent)
    assert edge.endswith("lambda_max rate/2 = 1, at the edge of stability") and "3000 steps" in edge
    assert abs(module.stopped_at(descent) - 1.496685 / 0.268) < 0.4  # |a|/eps of the published asymptotic edge
    assert abs(float(re.search(r"a_2\| = (\S+),", edge)[1]) - module.stopped_at(descent)) < 0.06
    assert "still on its way" in module.told(gradient_descent(landscape, start, 0.1, 10))
    assert "grow without bound" in module.told(gradient_descent(landscape, start, 1.0, 3000))
    lab.set(rate=1.0)
    assert lab.result.descent.reason == "diverging" and "GD" not in dict(lab.result.view.stops)
    assert "grow without bound" in lab.summary and "grow without bound" in words(lab._numbers_box.value)


def test_gamma_and_one_minus_gamma_exchange_the_neurons():
    one, other = IntoTheChannel(gamma=2.0, kick="plus"), IntoTheChannel(gamma=-1.0, kick="minus")
    np.testing.assert_allclose(one.result.view.gaps, other.result.view.gaps, rtol=1e-9)
    assert one.result.ends == other.result.ends == "channel 1"
    np.testing.assert_allclose(one.result.view.student.a, other.result.view.student.a[::-1], rtol=1e-8)


def test_the_ends_of_the_plateau_are_ticks_and_so_is_the_rate_that_is_too_large():
    lab = IntoTheChannel()
    marks = lab._marks(lab.result)
    assert [value for value, _ in marks["gamma"]] == [0.0, 1.0]
    (rate,) = (value for value, _ in marks["rate"])
    theta = lab.result.path.students[0]
    assert abs(2 / rate - np.linalg.eigvalsh(lab.result.path.flow.landscape.hessian(theta))[-1]) < 1e-9


def test_the_same_state_gives_the_same_words_twice():
    lab = IntoTheChannel(time=1e3)
    first = lab.summary, boxes(lab)
    lab.set(time=10.0)
    assert lab.summary != first[0]
    lab._computation.forget()
    lab.set(time=1e3)
    assert (lab.summary, boxes(lab)) == first


def test_a_plateau_is_left_by_a_large_kick_only():
    ends = {size: IntoTheChannel(gamma=0.9, size=size).result.ends for size in (0.01, 1.0)}
    assert ends == {0.01: "back on the plateau", 1.0: "channel 1"}


CLAIMS = {
    "into channel 1": lambda lab: lab.result.ends == "channel 1",
    "the other way: channel 2": lambda lab: lab.result.ends == "channel 2" and lab.result.channel.loss < 1e-3,
    "the end of time": lambda lab: lab.state["time"] == 1e12 and lab.result.ends == "channel 1",
    "between 0 and 1: back to the plateau": lambda lab: (
        lab.result.channel is None and lab.result.ends == "back on the plateau"
    ),
    "a plateau too sharp for the rate": lambda lab: (
        lab.result.ends == "back on the plateau" and lab.result.view.edge < lab.result.moment.sharpness
    ),
    "where optimisers stop": lambda lab: (
        lab.result.endings is not None and not any(row.minimum for row in lab.result.endings)
    ),
}


@pytest.mark.parametrize("name", IntoTheChannel.presets)
def test_every_preset_is_what_its_name_claims(name):
    lab = IntoTheChannel(**IntoTheChannel.presets[name])
    check_lab(lab)
    assert CLAIMS[name](lab), lab.summary


def test_descent_leaves_the_plateau_that_is_too_sharp():
    lab = IntoTheChannel(**IntoTheChannel.presets["a plateau too sharp for the rate"])
    flow = lab.result.path.flow
    slow, fast = gradient_descent(flow.landscape, flow.start, np.array([0.4, 1.0]), 2000).theta
    assert abs(module.gaps_of(slow) - lab.result.moment.gap) < 1e-6
    assert module.gaps_of(fast) > lab.result.moment.gap + 0.15


# planted faults: each must turn the sweep red -------------------------------------------------------------------------


def moved(network, change):
    theta = network.theta + np.asarray(change)
    return type(network).from_theta(theta, network.n, network.d)


def exchanged(path):
    students, losses = path.students.copy(), path.losses.copy()
    students[[20, 60]], losses[[20, 60]] = students[[60, 20]], losses[[60, 20]]
    return replace(path, students=students, losses=losses)


class Faster:
    """The same path in half the time."""

    def __init__(self, flow):
        self._flow = flow

    def __getattr__(self, name):
        return getattr(self._flow, name)

    def at(self, times):
        return self._flow.at(np.minimum(2 * np.asarray(times), float(self._flow.time)))


FAULTS = {
    "a start with a larger kick": ("start", lambda start: moved(start, [1e-4, 0, 0, 0]), "another kick"),
    "a start to the other side": (
        "start",
        lambda start: type(start)(start.W[::-1].copy(), start.a),
        "the kick goes to the other side",
    ),
    "a loss that rises": ("path", exchanged, "the loss rises"),
    "a wrong loss": ("path", lambda path: replace(path, losses=path.losses * (1 + 1e-6)), "not that of the students"),
    "twice the speed": ("flow", Faster, "this is no gradient flow"),
    "another channel": ("path", lambda path: replace(path, ends="channel 2"), None),
    "a wrong gap": ("moment", lambda moment: replace(moment, gap=1.01 * moment.gap), None),
    "a wrong sharpness": ("moment", lambda moment: replace(moment, sharpness=1.01 * moment.sharpness), None),
    "a wrong loss above the limit": ("moment", lambda moment: replace(moment, above=1.01 * moment.above), None),
    "a wrong law": (
        "result",
        lambda result: replace(result, view=replace(result.view, gap_law=1.01 * result.view.gap_law)),
        None,
    ),
    "a wrong function": (
        "result",
        lambda result: replace(result, view=replace(result.view, function=1.01 * result.view.function)),
        None,
    ),
    "a wrong gap of an optimiser": (
        "result",
        lambda result: replace(
            result, view=replace(result.view, stops=tuple((name, gap + 1) for name, gap in result.view.stops))
        ),
        None,
    ),
}


def test_nothing_is_noticed_where_nothing_is_wrong(monkeypatch):
    replaced(monkeypatch, IntoTheChannel, "path", lambda path: replace(path))
    check_lab(IntoTheChannel(optimisers="run"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_noticed(fault, monkeypatch):
    step, wrong, match = FAULTS[fault]
    replaced(monkeypatch, IntoTheChannel, step, wrong)
    with pytest.raises(AssertionError, match=match):
        check_lab(IntoTheChannel(optimisers="run"))


def test_a_wrong_number_in_the_text_is_noticed(monkeypatch):
    right = IntoTheChannel._summary

    def wrong(self, result):
        return re.sub(r"(gap \|a_1 - a_2\|) \S+", r"\1 1", right(self, result))

    monkeypatch.setattr(IntoTheChannel, "_summary", wrong)
    with pytest.raises(AssertionError, match="the summary says 1 at t"):
        check_lab(IntoTheChannel())
