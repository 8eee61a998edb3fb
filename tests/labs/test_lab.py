"""The machinery common to all labs: one refresh, refusals, faults, threads, and what a front end is given."""

import html
import inspect
import random
import re
import threading

import ipywidgets
import numpy as np
import pytest
from lab_invariants import boxes, check_lab, check_refused, is_dimmed, snapshot, words

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron_erf import STATEMENT as ERF_STATEMENT
from landscape_nb.critical import OutsideTheorem
from landscape_nb.figures import kernels as kernel_picture
from landscape_nb.figures import one_neuron as neuron_picture
from landscape_nb.figures import style
from landscape_nb.labs import Kernels, OneNeuron
from landscape_nb.networks import equicorrelated_teacher

LABS = (Kernels, OneNeuron)
OTHER_STATE = {Kernels: {"angle": 75}, OneNeuron: {"k": 2}}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def without_drawing(monkeypatch):
    """Pictures cost a third of a second each: here each is a name for the call that made it."""
    count = iter(range(1_000_000))
    monkeypatch.setattr(style, "png", lambda figure: b"picture %d" % next(count))
    for module in (kernel_picture, neuron_picture):
        monkeypatch.setattr(module, "draw", lambda *_: None)


def counted(lab):
    """The states that the lab is asked to compute from now on."""
    asked, compute = [], lab._compute

    def spy(state):
        asked.append(dict(state))
        return compute(state)

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
    _, _, caption, status = boxes(lab)
    assert words(status).split() == f"Not possible: {lab.message}.".split()
    assert "role='alert'" in status
    assert "The dimmed picture still shows the last possible state" in caption
    # the controls stay where the hand put them, the state is that of the picture
    assert all(lab.controls[name].value == value for name, value in values.items())
    assert lab.state["k"] == 3 and lab.state["d"] == 4
    lab.set(k=3, d=4, correlation=0.0)
    check_lab(lab)
    assert "role='status'" in boxes(lab)[3]


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
    assert html.escape(caught.value.hypothesis) in lab._numbers_box.value
    assert "numerical" in boxes(lab)[3]


def test_special_characters_in_a_sentence_do_not_become_markup(without_drawing, monkeypatch):
    lab = Kernels()

    def refuse(state):
        raise ValueError("1 < 2 & <b>3</b>")

    lab._compute = refuse
    lab.set(angle=90)
    assert lab.message == "1 < 2 & <b>3</b>"
    assert "1 &lt; 2 &amp; &lt;b&gt;3&lt;/b&gt;" in boxes(lab)[3]


# faults ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab_class", LABS)
@pytest.mark.parametrize("step", ["_compute", "_draw", "_numbers", "_caption", "_summary", "_status"])
@pytest.mark.parametrize("error", [KeyError("planted"), ZeroDivisionError("planted")], ids=lambda error: repr(error))
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
        assert "this lab failed" in words(boxes(lab)[3])
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
    assert style.png(lab.figure) == lab._png


@pytest.mark.parametrize("lab_class", LABS)
def test_a_fault_while_opening_is_raised(lab_class, monkeypatch, without_drawing):
    def broken(*_):
        raise KeyError("planted")

    monkeypatch.setattr(lab_class, "_compute", broken)
    with pytest.raises(KeyError, match="planted"):
        lab_class()


# threads --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab_class", LABS)
def test_two_threads_that_move_sliders_leave_a_consistent_lab(lab_class, without_drawing):
    lab = lab_class()
    moves = {
        Kernels: [("norm1", [0.5, 1.0, 2.0]), ("angle", [0, 45, 180])],
        OneNeuron: [("k", [1, 2, 3, 6]), ("norm", [0.5, 1.0, 3.0])],
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
    if lab.message:  # k = 6 does not fit in d = 4
        assert lab.controls["k"].value == 6 and is_dimmed(lab)
        lab.set(k=2)
    check_lab(lab)
    assert lab.summary == lab_class(**lab.state).summary


# what a front end is given --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab_class", LABS)
def test_displaying_a_lab_gives_live_view_still_picture_and_text(lab_class):
    lab = lab_class()
    bundle = lab._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == lab.summary == repr(lab)
    assert bundle["image/png"].startswith(PNG) and bundle["image/png"] == lab._picture.value
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == lab._view.model_id
    check_lab(lab)


@pytest.mark.parametrize("lab_class", LABS)
def test_the_picture_changes_with_the_state_and_comes_back_with_it(lab_class):
    lab = lab_class()
    first, text = lab._png, lab.summary
    start = lab.state
    lab.set(**OTHER_STATE[lab_class])
    assert lab._png.startswith(PNG) and lab._png != first and lab.summary != text
    lab.set(**start)
    assert (lab._png, lab.summary) == (first, text)


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
    for name, control in lab.controls.items():
        assert control.description and f"lab-control-{name}" in control._dom_classes
        assert name in inspect.getdoc(lab_class), f"the docstring does not name the control {name}"
    assert set(lab.controls["activation"].options) == set(ACTIVATIONS)


@pytest.mark.parametrize("lab_class", LABS)
def test_a_lab_is_made_of_the_widgets_that_work_everywhere(lab_class, without_drawing):
    allowed = (
        ipywidgets.VBox,
        ipywidgets.HBox,
        ipywidgets.HTML,
        ipywidgets.HTMLMath,
        ipywidgets.Image,
        ipywidgets.Dropdown,
        ipywidgets.IntSlider,
        ipywidgets.FloatSlider,
    )
    waiting = [lab_class()._view]
    while waiting:
        widget = waiting.pop()
        assert isinstance(widget, allowed)
        waiting += getattr(widget, "children", ())


def test_sliders_act_while_they_move_where_a_theorem_answers_and_when_let_go_where_a_search_must(without_drawing):
    lab = OneNeuron(activation="erf")
    assert all(lab.controls[name].continuous_update for name in ("k", "norm"))
    lab.set(activation="gelu")
    assert not any(lab.controls[name].continuous_update for name in ("k", "norm"))
    lab.set(activation="erf")
    assert all(lab.controls[name].continuous_update for name in ("k", "norm"))
