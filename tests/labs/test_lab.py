"""The machinery common to all labs: moves, refusals, faults, codes, undo, background work, threads, files, what a front end is given."""

import csv
import html
import inspect
import io
import json
import random
import re
import threading
import xml.etree.ElementTree as ElementTree

import ipywidgets
import matplotlib.image
import numpy as np
import pytest
from lab_invariants import boxes, check_lab, check_refused, is_dimmed, layers, snapshot, words
from lab_sweep import LABS, followed_once, remembered, undrawn

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron_erf import STATEMENT as ERF_STATEMENT
from landscape_nb.critical import OutsideTheorem
from landscape_nb.figures import kernels as kernel_picture
from landscape_nb.figures import style
from landscape_nb.labs import (
    Channels,
    CopyOrAverage,
    GradientFlow,
    IntoTheChannel,
    Kernels,
    Lab,
    NeverArriving,
    OneNeuron,
    Splitting,
    job,
    state_code,
)
from landscape_nb.labs import one_neuron as one_neuron_module
from landscape_nb.labs.parameters import Choice
from landscape_nb.networks import equicorrelated_teacher

OTHER_STATE = {
    Kernels: {"angle": 75},
    OneNeuron: {"k": 2},
    CopyOrAverage: {"k": 6},
    GradientFlow: {"seed": 1},
    Splitting: {"gamma": 2.0},
    Channels: {"eps": 0.05},
    IntoTheChannel: {"time": 1e3},
    NeverArriving: {"time": 1e3},
}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def without_drawing():
    with undrawn():
        yield


@pytest.fixture
def flows_once():
    with followed_once():
        yield


@pytest.fixture(autouse=True)
def flows_are_integrated_once():
    with remembered():
        yield


@pytest.fixture(autouse=True)
def no_thread_is_left_behind():
    before = threading.active_count()
    yield
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon and "pytest" not in thread.name:
            thread.join(0 if "execnet" in thread.name else 5)
    assert threading.active_count() <= before


def counted(lab):
    """The states that the lab is asked to compute from now on."""
    asked, compute = [], lab._compute

    def spy(state, *progress):
        asked.append(dict(state))
        return compute(state, *progress)

    lab._compute = spy
    return asked


# moving controls ------------------------------------------------------------------------------------------------------


def test_set_moves_all_controls_and_then_computes_once(without_drawing):
    lab = OneNeuron()
    asked = counted(lab)
    lab.set(k=5, d=6, correlation=0.2, norm=1.5)
    assert len(asked) == 1
    assert {name: asked[0][name] for name in ("k", "d", "correlation", "norm")} == {
        "k": 5,
        "d": 6,
        "correlation": 0.2,
        "norm": 1.5,
    }
    check_lab(lab)


def test_set_passes_no_refused_state_on_its_way(without_drawing):
    lab = OneNeuron(k=3, d=4)
    lab.set(k=10, d=12)  # k = 10 alone would not fit
    assert lab.message == "" and lab.state["k"] == 10
    lab.set(k=2, d=2)  # d = 2 alone would not fit
    assert lab.message == "" and lab.state["d"] == 2


def test_moving_one_widget_computes_once_and_setting_it_to_its_own_value_not_at_all(without_drawing):
    lab = Kernels()
    asked = counted(lab)
    lab.controls["angle"].value = 90
    assert len(asked) == 1 and lab.state["angle"] == 90
    lab.controls["angle"].value = 90
    assert len(asked) == 1


def test_a_lab_can_be_opened_in_any_state(without_drawing):
    lab = OneNeuron(activation="relu", k=2, d=3, spread=0.5)
    assert {name: lab.state[name] for name in ("activation", "k", "d", "spread")} == {
        "activation": "relu",
        "k": 2,
        "d": 3,
        "spread": 0.5,
    }
    assert all(lab.controls[name].value == value for name, value in lab.state.items())
    check_lab(lab)


def test_a_lab_does_not_open_in_a_state_that_does_not_exist():
    with pytest.raises(ValueError, match="do not fit in dimension 2; raise d to at least 3"):
        OneNeuron(k=3, d=2)
    with pytest.raises(ValueError, match="no control 'teachers'"):
        OneNeuron(teachers=3)


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"teachers": 3}, r"the one-neuron lab has no control 'teachers'; its controls are activation, k, d"),
        ({"k": 0}, r"k must be a whole number between 1 and 10; 0 was given"),
        ({"k": 11}, r"k must be a whole number between 1 and 10; 11 was given"),
        ({"k": 2.5}, r"k must be a whole number between 1 and 10; 2\.5 was given"),
        ({"k": "3"}, r"k must be a whole number between 1 and 10; '3' was given"),
        ({"k": True}, r"k must be a whole number between 1 and 10; True was given"),
        ({"k": None}, r"k must be a whole number between 1 and 10; None was given"),
        ({"norm": float("nan")}, r"norm must be a number between 0\.2 and 3; nan was given"),
        ({"norm": float("inf")}, r"norm must be a number between 0\.2 and 3; inf was given"),
        ({"norm": [1.0]}, r"norm must be a number between 0\.2 and 3; \[1\.0\] was given"),
        ({"correlation": -1.01}, r"correlation must be a number between -1 and 1; -1\.01 was given"),
        ({"activation": "ReLU"}, r"activation must be one of erf, relu, .*; 'ReLU' was given"),
        ({"activation": ["erf"]}, r"activation must be one of erf, relu, .*; \['erf'\] was given"),
    ],
)
def test_impossible_values_are_refused_before_anything_moves(values, sentence, without_drawing):
    lab = OneNeuron()
    before, asked = snapshot(lab), counted(lab)
    with pytest.raises(ValueError, match=sentence):
        lab.set(d=6, **values)  # d would be possible
    assert asked == [] and snapshot(lab) == before
    assert lab.controls["d"].value == 4
    assert lab.message == "" and not is_dimmed(lab)


def test_numbers_of_numpy_and_whole_floats_are_numbers(without_drawing):
    lab = OneNeuron()
    lab.set(k=np.int64(2), d=3.0, norm=np.float64(1.5), correlation=0)
    assert (lab.state["k"], lab.state["d"], lab.state["norm"], lab.state["correlation"]) == (2, 3, 1.5, 0.0)
    assert [type(lab.state[name]) for name in ("k", "d", "norm", "correlation")] == [int, int, float, float]


def test_the_state_that_is_handed_out_is_a_copy(without_drawing):
    lab = Kernels()
    lab.state["angle"] = 0
    assert lab.state["angle"] == 60


# refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values", [{"k": 5}, {"d": 2}, {"correlation": -0.9}, {"k": 2, "correlation": -1.0}], ids=lambda values: str(values)
)
def test_a_refused_combination_keeps_the_last_picture_dimmed_and_says_the_librarys_own_sentence(
    values, without_drawing
):
    lab = OneNeuron()
    before = snapshot(lab)
    lab.set(**values)
    check_refused(lab, before)
    if values == {"k": 2, "correlation": -1.0}:  # two opposite erf neurons cancel
        assert "the zero function" in lab.message
    else:
        with pytest.raises(ValueError, match="^" + re.escape(lab.message) + "$"):
            equicorrelated_teacher(*({"k": 3, "d": 4, "correlation": 0.0} | values).values())
    _, caption, status = boxes(lab)
    assert words(status).split() == f"Not possible: {lab.message}.".split()
    assert "role='alert'" in status
    assert "The dimmed picture still shows the last possible state" in caption
    # the controls stay where the hand put them, the state is that of the picture
    assert all(lab.controls[name].value == value for name, value in values.items())
    assert lab.state["k"] == 3 and lab.state["d"] == 4
    lab.set(k=3, d=4, correlation=0.0)
    check_lab(lab)
    assert "role='status'" in boxes(lab)[2]


def test_a_refused_move_by_hand_is_refused_like_set_and_recovers(without_drawing):
    lab = OneNeuron()
    for name, value in (("k", 8), ("k", 7), ("d", 5)):
        before = snapshot(lab)
        lab.controls[name].value = value
        check_refused(lab, before)
    lab.controls["d"].value = 7
    check_lab(lab)
    assert (lab.state["k"], lab.state["d"]) == (7, 7)


def test_outside_a_theorem_the_lab_says_which_hypothesis_fails_in_the_theorems_words(without_drawing):
    lab = OneNeuron(activation="erf", spread=1.0)
    landscape = lab.result.view.landscape
    with pytest.raises(OutsideTheorem) as caught:
        ERF_STATEMENT.require(landscape.activation, landscape.teacher)
    assert not lab.result.applies
    assert caught.value.hypothesis in lab.summary and caught.value.given in lab.summary
    assert html.escape(caught.value.hypothesis) in lab._theorem_box.value
    assert "numerical" in boxes(lab)[2]


def test_special_characters_in_a_sentence_do_not_become_markup(without_drawing, monkeypatch):
    lab = Kernels()

    def refuse(state, *progress):
        raise ValueError("1 < 2 & <b>3</b>")

    lab._compute = refuse
    lab.set(angle=90)
    assert lab.message == "1 < 2 & <b>3</b>"
    assert "1 &lt; 2 &amp; &lt;b&gt;3&lt;/b&gt;" in boxes(lab)[2]


# faults ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab_class", LABS)
@pytest.mark.parametrize(
    "step, error",
    [
        *(
            (step, KeyError("planted"))
            for step in ("_compute", "_draw", "_numbers", "_caption", "_summary", "_status", "_theorem", "_marks")
        ),
        ("_draw", ZeroDivisionError("planted")),
    ],
    ids=str,
)
def test_a_fault_in_any_step_shows_and_does_not_freeze_the_lab(lab_class, step, error, without_drawing, monkeypatch):
    lab = lab_class()
    before = snapshot(lab)

    def broken(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(lab_class, step, broken)
        lab.set(**OTHER_STATE[lab_class])  # does not raise, as in a slider's callback
        assert lab.message.startswith(f"this lab failed ({type(error).__name__}: ")
        assert "planted" in lab.message and "please report it with the state" in lab.message
        assert snapshot(lab) == before and is_dimmed(lab)
        assert "this lab failed" in words(boxes(lab)[2])
    lab.set(**OTHER_STATE[lab_class])  # nothing moves, and yet it is tried again
    check_lab(lab)
    assert lab.state != before[0]


@pytest.mark.parametrize("lab_class", LABS)
@pytest.mark.parametrize("step", ["_draw", "_numbers", "_caption", "_summary", "_status"])
def test_a_value_error_beside_the_computation_is_a_fault_and_no_refusal(lab_class, step, without_drawing, monkeypatch):
    lab = lab_class()

    def broken(*_):
        raise ValueError("contour levels must be increasing")

    monkeypatch.setattr(lab_class, step, broken)
    lab.set(**OTHER_STATE[lab_class])
    assert lab.message.startswith("this lab failed (ValueError: contour levels must be increasing)")


def test_a_drawing_that_fails_half_way_leaves_the_figure_of_the_last_state(monkeypatch):
    lab = Kernels(angle=60)
    draw, calls = kernel_picture.draw, []

    def fails_once(figure, view):
        calls.append(view.angle)
        if len(calls) == 1:
            figure.clear()
            raise RuntimeError("planted")
        draw(figure, view)

    monkeypatch.setattr(kernel_picture, "draw", fails_once)
    lab.set(angle=120)
    assert "planted" in lab.message and calls == [120.0, 60.0]
    assert style.still(lab.figure) == style.still(Kernels(angle=60).figure)


@pytest.mark.parametrize("lab_class", LABS)
def test_a_fault_while_opening_is_raised(lab_class, monkeypatch, without_drawing):
    def broken(*_):
        raise KeyError("planted")

    monkeypatch.setattr(lab_class, "_compute", broken)
    with pytest.raises(KeyError, match="planted"):
        lab_class()


# threads --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab_class", LABS)
def test_two_threads_that_move_sliders_leave_a_consistent_lab(lab_class, without_drawing, flows_once):
    lab = lab_class()
    moves = {
        Kernels: [("norm1", [0.5, 1.0, 2.0]), ("angle", [0, 45, 180])],
        OneNeuron: [("k", [1, 2, 3, 6]), ("norm", [0.5, 1.0, 3.0])],
        CopyOrAverage: [("k", [4, 5, 6]), ("partition", [1, 2, 3])],
        GradientFlow: [("k", [4, 5]), ("seed", [0, 1])],
        Splitting: [("gamma", [-1.0, 0.0, 0.5, 2.0]), ("landscape", ["two steps", "erf", "two neurons"])],
        Channels: [("eps", [1e-4, 0.1, 0.3]), ("rate", [1e-3, 0.1])],
        NeverArriving: [("time", [1.0, 10.0, 1e3]), ("activation", ["tanh", "square"])],
        IntoTheChannel: [("time", [1.0, 10.0, 1e3]), ("kick", ["plus", "minus"])],
    }[lab_class]
    errors = []

    def move(name, values, seed):
        rng = random.Random(seed)
        try:
            for i in range(25):
                value = rng.choice(values)
                if i % 2:
                    lab.set(**{name: value})
                else:
                    lab.controls[name].value = value
                    lab.wait(30)
                bundle = lab._repr_mimebundle_()
                assert bundle["text/plain"]
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=move, args=(*moves[i], i)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert not lab._quiet
    assert lab.wait(30)
    if lab.message:  # k = 6 does not fit in d = 4
        assert lab.controls["k"].value == 6 and is_dimmed(lab)
        lab.set(k=2)
    check_lab(lab)
    assert lab.summary == lab_class(**lab.state).summary


def test_a_hand_that_moves_while_the_lab_writes_its_own_widgets_is_not_overheard(without_drawing):
    """JupyterLab runs callbacks on a thread of their own, cells on another."""
    lab = Kernels()
    hands = []

    def a_hand_comes(_):
        if not hands:
            hands.append(threading.Thread(target=lambda: setattr(lab.controls["angle"], "value", 90)))
            hands[0].start()
            hands[0].join(0.2)  # it has to wait

    lab._code_box.observe(a_hand_comes, names="value")
    lab.set(norm1=2.0)
    hands[0].join(10)
    assert lab.message == "" and (lab.state["angle"], lab.state["norm1"]) == (90, 2.0)
    check_lab(lab)


# undo, presets, codes and locks ---------------------------------------------------------------------------------------


def test_undo_from_a_refused_move_leads_to_what_the_picture_shows(without_drawing):
    lab = OneNeuron()
    lab.set(norm=2.0)
    before = snapshot(lab)
    lab.controls["k"].value = 8
    assert is_dimmed(lab) and not lab._undo_button.disabled
    lab._undo_button.click()
    check_lab(lab)
    assert snapshot(lab)[0] == before[0]
    lab._undo_button.click()
    assert lab.state["norm"] == 1.0
    lab._redo_button.click()
    assert lab.state["norm"] == 2.0


@pytest.mark.parametrize("act", ["undo", "reset"])
def test_nothing_leads_back_behind_a_lock(act, without_drawing):
    lab = OneNeuron(k=3, d=4)
    lab.set(k=2)
    lab.lock(fixed=["k"])
    getattr(lab, act)()
    check_lab(lab)
    assert lab.state["k"] == 2 and lab.code.split("~")[3] == "2!"
    lab.set(d=6)
    getattr(lab, act)()
    assert (lab.state["k"], lab.state["d"]) == (2, 4)


def test_a_lock_holds_what_the_picture_shows_and_not_a_refused_wish(without_drawing):
    lab = OneNeuron(k=3, d=4)
    lab.controls["k"].value = 8
    assert is_dimmed(lab)
    lab.lock(fixed=["k"])
    check_lab(lab)
    assert lab.state["k"] == lab.controls["k"].value == 3


def test_a_code_of_a_preset_with_locks_opens_it(without_drawing, monkeypatch):
    code = OneNeuron(k=6, d=7).lock(fixed=["k"])
    for lab in (OneNeuron(code), OneNeuron()):
        lab.restore(code)
        check_lab(lab)
        assert lab._preset_box.value == "erf, six teachers: a soft direction"
        assert [name for name, _ in lab._preset_box.options[1:]] == ["erf, six teachers: a soft direction"]
    monkeypatch.setattr(OneNeuron, "_opened", set())
    monkeypatch.setenv(state_code.OPENING, code)
    lab = OneNeuron()
    check_lab(lab)
    assert lab.state["k"] == 6 and lab.controls["k"].disabled


def test_a_code_whose_state_does_not_exist_is_refused_like_a_move_and_locks_nothing(without_drawing):
    lab = OneNeuron()
    state = state_code.State(lab.state | {"k": 8, "d": 2}, fixed=("k",))
    before = snapshot(lab)
    lab.restore(state_code.encode(lab.name, lab.parameters, state))
    check_refused(lab, before)
    assert not lab.controls["k"].disabled
    with pytest.raises(ValueError, match="do not fit"):
        OneNeuron(state_code.encode(lab.name, lab.parameters, state))


@pytest.mark.parametrize("nonsense", ["nonsense", "", "~~~", "kernels~1~relu~1.0~1.0~60~0~p6n", "one-neuron~9~x~y~abc"])
def test_a_wrong_code_pasted_by_hand_gives_a_sentence_and_neither_dims_nor_moves(nonsense, without_drawing):
    lab = OneNeuron()
    before = snapshot(lab)
    lab._code_box.value = nonsense
    assert snapshot(lab) == before and not is_dimmed(lab)
    assert len(lab.message) > 20 and html.escape(lab.message) in boxes(lab)[2]
    assert "this lab failed" not in lab.message
    lab._code_box.value = OneNeuron(k=2).code + " "
    check_lab(lab)
    assert lab.state["k"] == 2


@pytest.mark.parametrize("nonsense", ["nonsense", "", None, 5, b"kernels", ["kernels"], "\ud800~1~2~3"])
def test_a_wrong_code_in_a_program_is_a_value_error_with_a_sentence(nonsense, without_drawing):
    lab = Kernels()
    before = snapshot(lab)
    with pytest.raises(ValueError, match="code"):
        lab.restore(nonsense)
    assert snapshot(lab) == before
    if nonsense is not None:
        with pytest.raises(ValueError, match="code"):
            Kernels(nonsense)


def test_a_lab_opens_with_a_code_or_with_values_and_not_with_both():
    with pytest.raises(ValueError, match="both were given"):
        Kernels(Kernels().code, angle=30)


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (lambda lab: lab.preset("no such"), "has no preset 'no such'; its presets are"),
        (lambda lab: lab.preset(None), "has no preset None"),
        (lambda lab: lab.preset(["x"]), "has no preset"),
        (lambda lab: lab.lock(fixed=["teachers"]), "no control 'teachers'"),
        (lambda lab: lab.lock(hidden=[None]), "no control None"),
        (lambda lab: setattr(lab, "theme", "dark"), "theme must be one of screen, projector; 'dark' was given"),
        (lambda lab: setattr(lab, "theme", None), "theme must be one of"),
        (lambda lab: lab.exported("docx"), "a lab is saved as one of png, svg, pdf, csv, json; 'docx' was given"),
        (lambda lab: lab.exported(None), "a lab is saved as one of"),
        (lambda lab: lab.exported("csv", "no such"), "there is no table 'no such'; the tables here are"),
        (lambda lab: lab.save("picture.jpeg"), "'jpeg' was given"),
        (lambda lab: lab.save("picture"), "'' was given"),
        (lambda lab: lab.set(**{"": 1}), "no control ''"),
        (lambda lab: lab.set(angle=10**400), "angle must be a whole number between 0 and 180"),
        (lambda lab: lab.set(norm1=10**400), "norm1 must be a number between"),
        (lambda lab: lab.set(norm1=1j), "norm1 must be a number between"),
    ],
)
def test_bad_input_is_refused_with_a_sentence_and_changes_nothing(
    wrong, sentence, without_drawing, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    lab = Kernels()
    before = snapshot(lab), lab.theme
    with pytest.raises(ValueError, match=re.escape(sentence)):
        wrong(lab)
    assert (snapshot(lab), lab.theme) == before
    assert not list(tmp_path.iterdir())
    check_lab(lab)


def test_an_activation_that_was_registered_after_the_lab_was_opened_can_be_chosen(without_drawing, monkeypatch):
    lab = Kernels(angle=30)
    monkeypatch.setitem(ACTIVATIONS, "later", ACTIVATIONS["erf"])
    lab.set(angle=75, activation="later")
    assert lab.message == "" and lab.state["activation"] == lab.controls["activation"].value == "later"
    lab.set(activation="relu")
    assert lab.state["activation"] == "relu" and lab.state["angle"] == 75


# links ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh_page(monkeypatch):
    monkeypatch.setattr(Lab, "_opened", set())
    monkeypatch.delenv("QUERY_STRING", raising=False)
    monkeypatch.delenv(state_code.OPENING, raising=False)


@pytest.mark.parametrize("way", ["QUERY_STRING", state_code.OPENING])
def test_a_link_opens_the_first_lab_of_its_name_only(way, fresh_page, monkeypatch, without_drawing):
    code = OneNeuron(k=2, norm=1.25).lock(hidden=["spread"])
    monkeypatch.setenv(way, f"a=b&one-neuron={code}" if way == "QUERY_STRING" else code)
    kernels = Kernels()
    assert kernels.state["angle"] == 60 and kernels.message == ""
    first, second = OneNeuron(norm=2.0), OneNeuron(norm=2.0)
    assert (first.state["k"], first.state["norm"], first._hidden) == (2, 1.25, ("spread",))
    assert (second.state["k"], second.state["norm"], second._hidden) == (3, 2.0, ())
    assert first._undo_button.disabled
    first.set(k=1)
    first.reset()
    assert first.state["k"] == 2
    check_lab(first)


def test_a_code_that_the_program_gives_goes_before_the_link(fresh_page, monkeypatch, without_drawing):
    codes = [Kernels(angle=angle).code for angle in (15, 45)]
    monkeypatch.setenv(state_code.OPENING, codes[0])
    assert Kernels(codes[1]).state["angle"] == 45
    assert Kernels().state["angle"] == 15, "the link is still there for the next one"


@pytest.mark.parametrize("wrong", ["one-neuron~1~erf", "one-neuron~1~erf~6~7~0.0~1.0~0.0~1~x4b", "one-neuron~7~q~abc"])
def test_a_wrong_link_leaves_the_lab_usable_and_says_so(wrong, fresh_page, monkeypatch, without_drawing):
    monkeypatch.setenv("QUERY_STRING", f"one-neuron={wrong}")
    lab = OneNeuron()
    assert "the link or the command that opened this page holds it" in lab.message and repr(wrong) in lab.message
    assert html.escape(lab.message) in boxes(lab)[2] and not is_dimmed(lab)
    assert lab.state["k"] == 3
    lab.set(k=2)
    check_lab(lab)


def test_a_link_is_shown_where_the_front_end_reads_links(fresh_page, monkeypatch, without_drawing):
    lab = Kernels()
    assert lab._link_box.value == ""
    monkeypatch.setenv("QUERY_STRING", "")
    lab.set(angle=75)
    address = re.search(r"href='([^']*)'", lab._link_box.value)[1]
    monkeypatch.setenv("QUERY_STRING", html.unescape(address).removeprefix("?"))
    monkeypatch.setattr(Lab, "_opened", set())
    assert Kernels().state == lab.state


# background work ------------------------------------------------------------------------------------------------------


class Slow(OneNeuron):
    """The lab of one neuron whose search waits until it is let go.

    Controls: activation, k, d, correlation, norm, spread, point.
    """

    def __init__(self, **values):
        self.entered, self.go_on, self.computed = threading.Event(), threading.Event(), []
        self.go_on.set()
        super().__init__(**values)
        self.go_on.clear()

    def _compute(self, state, progress=lambda share: None):
        while not self.go_on.wait(0.01):
            self.entered.set()
            progress(0.25)
        self.computed.append(state["activation"])
        return super()._compute(state, progress)


@pytest.fixture
def slow(without_drawing):
    lab = Slow()
    yield lab
    lab.stop()
    lab.go_on.set()


def test_a_search_moved_by_hand_runs_in_the_background_and_then_shows(without_drawing):
    lab = OneNeuron()
    text = lab.summary
    lab.controls["activation"].value = "silu"
    assert lab.wait(60)
    check_lab(lab)
    assert lab.state["activation"] == "silu" and lab.summary != text
    assert lab._stop_button.layout.display == "none" and lab.wait(0)


def test_while_it_computes_a_lab_says_how_far_it_is_and_shows_the_state_before(slow):
    before = snapshot(slow)
    slow.controls["activation"].value = "silu"
    assert slow.entered.wait(10) and not slow.wait(0)
    assert snapshot(slow) == before
    assert slow.message == "computing activation = silu"
    deadline = threading.Event()
    for _ in range(100):
        if "value='0.250'" in boxes(slow)[2] and is_dimmed(slow):
            break
        deadline.wait(0.05)
    assert "<progress value='0.250'" in boxes(slow)[2] and "role='status'" in boxes(slow)[2]
    assert is_dimmed(slow) and slow._stop_button.layout.display == ""
    slow.go_on.set()
    assert slow.wait(60)
    check_lab(slow)


def test_stop_interrupts_within_a_second_and_keeps_the_picture(slow):
    before = snapshot(slow)
    slow.controls["activation"].value = "silu"
    assert slow.entered.wait(10)
    running = slow._job
    slow._stop_button.click()
    assert running.wait(1.0), "the computation goes on"
    assert snapshot(slow) == before and is_dimmed(slow)
    assert slow.message.startswith("stopped before activation = silu was computed")
    assert slow._stop_button.layout.display == "none" and slow.computed == ["erf"]
    slow.go_on.set()
    slow.controls["activation"].value = "erf"
    check_lab(slow)


def test_a_new_move_takes_the_place_of_the_running_computation(slow):
    slow.controls["activation"].value = "silu"
    assert slow.entered.wait(10)
    first = slow._job
    slow.controls["activation"].value = "gelu"
    assert first.wait(1.0)
    slow.go_on.set()
    assert slow.wait(60)
    check_lab(slow)
    assert slow.state["activation"] == "gelu" and slow.computed == ["erf", "gelu"]


def test_set_during_a_computation_computes_in_place_and_forgets_the_other(slow):
    slow.controls["activation"].value = "silu"
    assert slow.entered.wait(10)
    first = slow._job
    slow.go_on.set()
    slow.set(activation="relu", k=2)
    check_lab(slow)
    assert (slow.state["activation"], slow.state["k"]) == ("relu", 2)
    assert first.wait(30)
    assert slow.state["activation"] == "relu" and slow.message == ""


@pytest.mark.parametrize("act", ["undo", "reset", "restore", "preset"])
def test_whatever_is_pressed_during_a_computation_wins(slow, act):
    slow.go_on.set()
    slow.set(norm=1.5)
    slow.go_on.clear()
    code = OneNeuron(k=2).code
    slow.controls["activation"].value = "silu"
    assert slow.entered.wait(10)
    first = slow._job
    threading.Timer(0.1, slow.go_on.set).start()
    getattr(slow, act)(*{"restore": [code], "preset": ["erf, three teachers"]}.get(act, []))
    assert first.wait(30) and slow.wait(30)
    check_lab(slow)
    assert slow.state["activation"] == "erf"
    assert (slow.state["norm"], slow.state["k"]) == {"undo": (1.5, 3), "restore": (1.0, 2)}.get(act, (1.0, 3))


def test_undo_that_has_to_compute_and_is_stopped_loses_no_state(slow):
    slow.go_on.set()
    slow.set(activation="gelu")
    slow.set(activation="erf", k=2)
    slow._computation.forget()
    slow.go_on.clear()
    slow.entered.clear()
    slow._undo_button.click()
    assert slow.entered.wait(10)
    slow._stop_button.click()
    assert slow.state["k"] == 2
    slow.go_on.set()
    slow.undo()  # back to what the picture shows
    check_lab(slow)
    assert (slow.state["activation"], slow.state["k"]) == ("erf", 2)
    slow.undo()
    assert (slow.state["activation"], slow.state["k"]) == ("gelu", 3)
    slow.redo()
    assert (slow.state["activation"], slow.state["k"]) == ("erf", 2)


@pytest.mark.parametrize(
    "error, says",
    [(KeyError("planted"), "this lab failed (KeyError: 'planted')"), (ValueError("no such thing"), "no such thing")],
)
def test_a_fault_in_the_background_shows_and_does_not_freeze_the_lab(error, says, without_drawing, monkeypatch):
    lab = OneNeuron()
    before = snapshot(lab)

    def broken(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(one_neuron_module, "completed", broken)
        lab.controls["activation"].value = "silu"
        assert lab.wait(30)
        assert lab.message.startswith(says) and snapshot(lab) == before and is_dimmed(lab)
    lab.set(activation="silu")
    check_lab(lab)


def test_a_locked_code_of_a_search_pasted_by_hand_locks_when_it_is_shown(slow):
    slow.go_on.set()
    code = OneNeuron(activation="gelu").lock(fixed=["activation"])
    slow.go_on.clear()
    slow._code_box.value = code
    assert slow.entered.wait(10)
    assert not slow.controls["activation"].disabled
    slow.go_on.set()
    assert slow.wait(60)
    check_lab(slow)
    assert slow.controls["activation"].disabled and slow.code == code and slow._undo_button.disabled


def test_where_there_are_no_threads_it_computes_in_place(without_drawing, monkeypatch):
    monkeypatch.setattr(job, "THREADS", False)
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread"))
    lab = OneNeuron()
    lab.controls["activation"].value = "silu"
    check_lab(lab)
    assert lab.state["activation"] == "silu" and lab.wait()


# files and themes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab_class", LABS)
def test_what_is_saved_can_be_read_by_others(lab_class, tmp_path):
    lab = lab_class()
    other = lab_class()
    for suffix in ("png", "svg", "pdf", "csv", "json"):
        lab.save(tmp_path / f"lab.{suffix}")
        assert (tmp_path / f"lab.{suffix}").read_bytes() == other.exported(suffix)
    picture = matplotlib.image.imread(tmp_path / "lab.png")
    assert picture.shape[1] == style.STILL_WIDTH and picture.std() > 0.05
    assert ElementTree.parse(tmp_path / "lab.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert (tmp_path / "lab.pdf").read_bytes().startswith(b"%PDF")
    with (tmp_path / "lab.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(next(iter(lab.tables().values()))) and len(rows) > 1
    content = json.loads((tmp_path / "lab.json").read_text())
    with undrawn():
        opened = lab_class(content["code"])
    assert content["parameters"] == lab.state and opened.summary == lab.summary == content["summary"]
    with pytest.raises(FileNotFoundError):
        lab.save(tmp_path / "no" / "such" / "folder.png")
    for table in lab.tables():
        assert next(csv.reader(io.StringIO(lab.exported("csv", table).decode()))) == list(lab.tables()[table])


@pytest.mark.parametrize("lab_class", LABS)
def test_the_theme_changes_the_sheet_and_not_the_state(lab_class):
    lab = lab_class()
    lab.set(**OTHER_STATE[lab_class])
    state, text, screen = lab.state, lab.summary, layers(lab)
    lab.theme = "projector"
    check_lab(lab)
    assert (lab.state, lab.summary, lab.theme) == (state, text, "projector")
    width, height = style.THEMES["projector"]
    assert f'viewBox="0 0 {72 * width:g} {72 * height:g}"' in lab._frame_boxes[0].value and layers(lab) != screen
    lab.set(**{parameter.name: parameter.default for parameter in lab.parameters})
    check_lab(lab)
    assert matplotlib.image.imread(io.BytesIO(lab.exported("png"))).shape[1] == style.STILL_WIDTH
    lab.theme = "screen"
    assert f'viewBox="0 0 {72 * style.THEMES["screen"][0]:g}' in lab._frame_boxes[0].value
    with undrawn():
        assert lab_class(theme="projector").theme == "projector"


def test_a_drawing_that_fails_on_a_new_sheet_keeps_the_old_one(monkeypatch):
    lab = Kernels()
    figure, shown = lab.figure, layers(lab)

    def broken(*_):
        raise RuntimeError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(Kernels, "_draw", broken)
        with pytest.raises(RuntimeError, match="planted"):
            lab.theme = "projector"
    assert (lab.theme, lab.figure) == ("screen", figure) and layers(lab) == shown
    lab.set(angle=75)
    check_lab(lab)


# what a front end is given --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab_class", LABS)
def test_displaying_a_lab_gives_live_view_still_picture_and_text(lab_class):
    lab = lab_class()
    bundle = lab._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == lab.summary == repr(lab)
    assert bundle["image/png"].startswith(PNG) and bundle["image/png"] == lab.exported("png")
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == lab._view.model_id
    check_lab(lab)


@pytest.mark.parametrize("lab_class", LABS)
def test_the_picture_changes_with_the_state_and_comes_back_with_it(lab_class):
    lab = lab_class()
    first, still, text = layers(lab), lab.exported("png"), lab.summary
    start = lab.state
    lab.set(**OTHER_STATE[lab_class])
    assert layers(lab)[-1] != first[-1] and lab.exported("png") != still and lab.summary != text
    lab.set(**start)
    assert (layers(lab), lab.exported("png"), lab.summary) == (first, still, text)


@pytest.mark.parametrize(
    "lab_class, moved",
    [
        (Kernels, {"activation": "tanh", "norm1": 0.1, "norm2": 5.0, "angle": 0, "seed": 20}),
        (
            OneNeuron,
            {"activation": "tanh", "k": 1, "d": 12, "correlation": 0.5, "norm": 3.0, "spread": 2.0, "point": 2},
        ),
    ],
)
def test_every_control_changes_what_is_shown(lab_class, moved, without_drawing):
    lab = lab_class(activation="erf")
    start, text = lab.state, lab.summary
    assert list(moved) == list(lab.controls)
    for name, value in moved.items():
        lab.set(**{name: value})
        assert lab.message == "" and lab.summary != text, f"{name} changes nothing"
        lab.set(**{name: start[name]})
        assert lab.summary == text


@pytest.mark.parametrize("lab_class", LABS)
def test_every_control_has_a_name_a_class_for_finding_it_and_a_readable_label(lab_class, without_drawing):
    lab = lab_class()
    assert f"lab-{lab.name}" in lab._view._dom_classes
    for name, control in lab._controls.items():
        assert control.parameter.label in (control.field or control.widget).description
        assert f"lab-control-{name}" in control.view._dom_classes
        assert re.search(rf"\b{name}\b", inspect.getdoc(lab_class)), f"the docstring does not name the control {name}"
    for parameter in lab.parameters:
        if isinstance(parameter, Choice) and parameter.name == "activation":
            names = set(lab.controls["activation"].options)
            own = {"elu", "softsign"} if lab_class is NeverArriving else set()  # counter-examples of its theorem
            assert names <= set(ACTIVATIONS) | own and (
                names == set(ACTIVATIONS) or lab_class in (CopyOrAverage, GradientFlow, NeverArriving)
            )
        assert parameter.help and parameter.label


def test_the_code_of_the_state_shown_takes_back_what_was_refused(without_drawing):
    lab = OneNeuron()
    lab._code_box.value = "nonsense"
    assert "is no state code" in lab.message
    lab._code_box.value = lab.code
    assert lab.message == "" and "Not possible" not in lab._status_box.value and not lab._history.can_undo
    lab._code_box.value = ""
    assert "Not possible" in lab._status_box.value
    lab.controls["k"].value = 9
    assert lab._dimmed()
    lab._code_box.value = f" {lab.code} "
    assert not lab._dimmed() and lab.controls["k"].value == lab.state["k"] and lab._code_box.value == lab.code


def test_a_number_out_of_range_typed_by_hand_gives_a_sentence_and_neither_dims_nor_moves(without_drawing):
    lab = OneNeuron()
    before, field = lab.state, lab._controls["k"].field
    for typed, given in ((11.0, "11"), (2.5, "2.5")):
        field.value = typed
        assert lab.message == f"k must be a whole number between 1 and 10; {given} was given"
        assert lab.message in lab._status_box.value and "Not possible" in lab._status_box.value
        assert lab.state == before and field.value == 3 and not lab._dimmed()
        assert lab._undo_button.disabled, "there is nothing to undo"
    field.value = 4.0
    assert lab.message == "" and lab.state == {**before, "k": 4} and not lab._undo_button.disabled


@pytest.mark.parametrize("lab_class", LABS)
def test_a_lab_is_made_of_the_widgets_that_work_everywhere(lab_class, without_drawing):
    allowed = {
        *("VBox", "HBox", "Box", "HTML", "HTMLMath", "Dropdown", "Checkbox", "Button", "Text", "Label"),
        *("IntSlider", "FloatSlider", "FloatLogSlider", "FloatText"),
    }
    waiting = [lab_class()._view]
    while waiting:
        widget = waiting.pop()
        assert type(widget).__name__ in allowed and type(widget) is getattr(ipywidgets, type(widget).__name__)
        waiting += getattr(widget, "children", ())


def test_sliders_act_while_they_move_where_a_theorem_answers_and_when_let_go_where_a_search_must(without_drawing):
    lab = OneNeuron(activation="erf")
    assert all(lab.controls[name].continuous_update for name in ("k", "norm"))
    lab.set(activation="gelu")
    assert not any(lab.controls[name].continuous_update for name in ("k", "norm"))
    lab.set(activation="erf")
    assert all(lab.controls[name].continuous_update for name in ("k", "norm"))
