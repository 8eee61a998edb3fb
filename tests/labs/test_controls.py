"""A slider with its number field and its ticks, and a list with its buttons: they always say the same."""

import html
import re
import threading
from unittest import mock

import ipywidgets
import pytest

from landscape_nb.labs import LABS
from landscape_nb.labs.controls import Chooser, Control
from landscape_nb.labs.parameters import Choice, Logarithmic, Parameter, Real, Whole

OPTIONS = {"erf": 1, "relu": 2, "cos": 3}
WHOLE = Whole("k", "k (teachers)", 3, "number of teachers", low=1, high=10)
REAL = Real("beta", "correlation", 0.0, "of any two", low=-1.0, high=1.0, step=0.05)
LOGARITHMIC = Logarithmic("eps", "distance", 0.1, "of two neurons", low=1e-4, high=1.0, step=0.1)
CHOICE = Choice("activation", "activation", "erf", "of all neurons", options=OPTIONS)


@pytest.fixture
def moves():
    return []


@pytest.fixture(params=[WHOLE, REAL, LOGARITHMIC, CHOICE], ids=lambda parameter: parameter.name)
def control(request, moves):
    made = Control(request.param, lambda: moves.append(made.value), threading.RLock())
    return made


@pytest.fixture
def real(moves):
    made = Control(REAL, lambda: moves.append(made.value), threading.RLock())
    return made


def says(control):
    """What all its parts say."""
    return {control.value, control.widget.value, *([control.typed] if control.field is not None else [])}


def type_into(control, value):
    """What somebody writes into the field and ends with Enter."""
    control.field.value = str(value) if isinstance(control.field, ipywidgets.Text) else value


OTHERS = {
    "k": (7, 1, 10),
    "beta": (0.35, -1.0, 1.0),
    "eps": (0.01, 1e-4, 1.0),
    "activation": ("relu", "cos", "erf"),
}


def test_it_starts_at_the_default(control, moves):
    assert says(control) == {control.parameter.default} and moves == []
    assert f"lab-control-{control.parameter.name}" in control.view._dom_classes


def test_what_a_hand_slides_all_parts_say_and_the_lab_hears_once(control, moves):
    for value in OTHERS[control.parameter.name]:
        control.widget.value = value
        assert says(control) == {value}
    assert moves == list(OTHERS[control.parameter.name])


@pytest.mark.parametrize("control", [WHOLE, REAL, LOGARITHMIC], ids=["k", "beta", "eps"], indirect=True)
def test_what_a_hand_types_all_parts_say_and_the_lab_hears_once(control, moves):
    for value in OTHERS[control.parameter.name]:
        type_into(control, value)
        assert says(control) == {value}
    assert moves == list(OTHERS[control.parameter.name])


def test_what_a_program_sets_all_parts_say_and_the_lab_does_not_hear(control, moves):
    for value in OTHERS[control.parameter.name]:
        control.set(value)
        assert says(control) == {value}
    assert moves == []


def test_what_is_out_of_range_is_not_set(control):
    for wrong in (None, "no such", 1e9, float("nan")):
        with pytest.raises(ValueError, match=f"{control.parameter.name} must be"):
            control.set(wrong)
        assert says(control) == {control.parameter.default}


@pytest.mark.parametrize(
    ("parameter", "typed", "sentence"),
    [
        (REAL, 7.0, "beta must be a number between -1 and 1; 7 was given"),
        (WHOLE, 2.5, "k must be a whole number between 1 and 10; 2.5 was given"),
        (WHOLE, 11, "k must be a whole number between 1 and 10; 11 was given"),
        (LOGARITHMIC, "2", "eps must be a number between 0.0001 and 1; 2 was given"),
        (LOGARITHMIC, "a lot", "eps must be a number between 0.0001 and 1; 'a lot' was given"),
        (LOGARITHMIC, "", "eps must be a number between 0.0001 and 1; '' was given"),
        (LOGARITHMIC, "nan", "eps must be a number between 0.0001 and 1; nan was given"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_the_field_shows_again_what_is(parameter, typed, sentence, moves):
    sentences = []
    made = Control(parameter, lambda: moves.append(made.value), threading.RLock(), sentences.append)
    made.field.value = typed
    assert says(made) == {parameter.default} and moves == []
    assert sentences == [sentence]


def test_a_field_on_a_logarithmic_slider_writes_and_reads_powers_of_ten(moves):
    made = Control(
        Logarithmic("time", "time", 1e6, low=1.0, high=1e12, step=0.1),
        lambda: moves.append(made.value),
        threading.RLock(),
    )
    assert made.field.value == "1e6"
    for typed, shown in (
        ("1e12", "1e12"),
        ("10^9", "1e9"),
        ("2500000", "2.5e6"),
        ("1234.4", "1234"),
        ("1.5E+4", "1.5e4"),
    ):
        made.field.value = typed
        assert made.field.value == shown
    assert moves == [1e12, 1e9, 2.5e6, 1234.0, 1.5e4]
    made.field.value = "15000"  # the same, written otherwise, is no move
    assert made.field.value == "1.5e4" and len(moves) == 5
    made.widget.value = 1e9
    assert made.field.value == "1e9"


def test_a_slider_that_stands_on_its_steps_does_not_round_what_was_typed(real, moves):
    real.field.value = 0.37
    assert real.value == 0.37 and moves == [0.37]
    real.widget.value = 0.35  # the front end moves the slider to the nearest of its steps
    assert real.value == 0.37 and moves == [0.37]
    real.widget.value = 0.4  # a hand
    assert real.value == real.field.value == 0.4 and moves == [0.37, 0.4]


def test_the_rounding_of_steps_is_no_move(real, moves):
    real.widget.value = 0.1 + 0.2
    assert real.value == 0.3 and moves == [0.3]
    real.widget.value = 0.3
    assert moves == [0.3]


def test_a_logarithmic_slider_stands_on_parts_of_a_decade_and_its_field_takes_any_number(moves):
    made = Control(LOGARITHMIC, lambda: moves.append(made.value), threading.RLock())
    assert isinstance(made.widget, ipywidgets.FloatLogSlider) and (made.widget.min, made.widget.max) == (-4.0, 0.0)
    type_into(made, 0.0123)
    assert made.value == 0.0123
    made.widget.value = 10.0**-1.9  # the front end moves the slider to the nearest of its steps
    assert made.value == 0.0123 and moves == [0.0123]
    made.widget.value = 10.0**-2.4  # a hand
    assert made.value == made.typed == 0.003981 and moves == [0.0123, 0.003981]
    made.mark([(1e-4, "left"), (0.01, "middle"), (1.0, "right")])
    assert re.findall(r"left:(\S+)px", made._marks.value) == ["10.00", "75.00", "140.00"]


def test_a_slider_acts_while_it_moves_or_when_it_is_let_go(real):
    real.act_while_moving(False)
    assert not real.widget.continuous_update
    real.act_while_moving(True)
    assert real.widget.continuous_update


def test_ticks_stand_where_the_slider_would(real):
    real.mark([(-1.0, "left"), (-0.5, "a < b & 'c'"), (0.0, "middle"), (1.0, "right")])
    found = re.findall(
        r"<span class='lab-mark' data-value='(\S+)' title='([^']*)' style='left:(\S+)px'></span>", real._marks.value
    )
    assert [float(value) for value, _, _ in found] == [-1.0, -0.5, 0.0, 1.0]
    assert [html.unescape(sentence) for _, sentence, _ in found] == ["left", "a < b & 'c'", "middle", "right"]
    assert real.widget.layout.width == "150px"  # with 10 pixels to each end of the track
    assert [float(left) for _, _, left in found] == [10.0, 42.5, 75.0, 140.0]
    real.mark([])
    assert real._marks.value == ""


def test_a_fixed_control_shows_and_does_not_answer_and_a_hidden_one_is_not_there(control):
    parts = [control.widget, *([control.field] if control.field is not None else [])]
    control.lock(fixed=True, hidden=False)
    assert all(part.disabled for part in parts) and control.view.layout.display == ""
    control.lock(fixed=False, hidden=True)
    assert all(part.disabled for part in parts) and control.view.layout.display == "none"
    control.lock(fixed=False, hidden=False)
    assert not any(part.disabled for part in parts) and control.view.layout.display == ""


def test_a_name_that_came_later_can_be_set(moves):
    options = dict(OPTIONS)
    parameter = Choice("activation", "activation", "erf", options=options)
    control = Control(parameter, lambda: moves.append(control.value), threading.RLock())
    options["mine"] = 4
    control.set("mine")
    assert says(control) == {"mine"} and moves == []
    control.widget.value = "erf"
    assert moves == ["erf"]


def test_a_hand_waits_until_a_program_has_moved_the_control(moves):
    lock = threading.RLock()
    control = Control(WHOLE, lambda: moves.append(control.value), lock)
    hand = threading.Thread(target=lambda: setattr(control.widget, "value", 5))
    with lock:
        hand.start()
        hand.join(0.1)
        assert moves == []
    hand.join(10)
    assert moves == [5] and says(control) == {5}


def test_a_parameter_of_no_known_kind_has_no_widget():
    with pytest.raises(TypeError, match="has no widget"):
        Control(Parameter("x", "x", 0), lambda: None, threading.RLock())


# lists ----------------------------------------------------------------------------------------------------------------


def buttons(chooser):
    return [part for part in chooser.view.children if isinstance(part, ipywidgets.Button)]


def test_two_buttons_step_through_a_list_and_round_its_ends():
    chooser = Chooser("names", "name", list(OPTIONS), 50, 300)
    back, on = buttons(chooser)
    seen = []
    for button in (on, on, on, back, back):
        button.click()
        seen.append(chooser.list.value)
    assert seen == ["relu", "cos", "erf", "cos", "relu"]


def test_the_buttons_step_over_what_is_only_a_heading():
    chooser = Chooser("presets", "preset", [("choose", None), ("one", 1), ("two", 2)], 50, 300)
    back, on = buttons(chooser)
    assert chooser.list.value is None
    on.click()
    assert chooser.list.value == 1
    back.click()
    assert chooser.list.value == 2
    chooser.list.value = None
    back.click()
    assert chooser.list.value == 2
    Chooser("none", "none", [("choose", None)], 50, 300)._go(1)


def test_a_list_and_its_buttons_are_disabled_together():
    chooser = Chooser("names", "name", list(OPTIONS), 50, 300)
    for disabled in (True, False):
        chooser.disabled = disabled
        assert chooser.disabled == disabled
        assert all(part.disabled == disabled for part in (chooser.list, *buttons(chooser)))


def test_a_field_has_room_for_the_longest_number_and_still_for_its_label():
    """A digit of a browser's field takes up to eight pixels, the frame sixteen; a letter of the label seven."""
    long = Logarithmic("time", "time", 1e6, "of a flow", low=1.0, high=1e12, step=0.1)
    for parameter in (WHOLE, REAL, LOGARITHMIC, long):
        steps = range(int(parameter.steps(parameter.high)) + 1)
        longest = max(len(parameter.text(parameter.on_step(place))) for place in steps)
        made = Control(parameter, lambda: None, threading.RLock())
        whole, label = (
            int(text.removesuffix("px")) for text in (made.field.layout.width, made.field.style.description_width)
        )
        assert whole - label >= 8 * longest + 16 and label >= 7 * len(parameter.label)


@pytest.mark.parametrize("lab_class", LABS.values(), ids=LABS)
def test_every_list_has_room_for_its_longest_name(lab_class):
    """A letter of a browser's list takes about seven pixels, its frame and arrow thirty."""
    with mock.patch.object(lab_class, "_open"):  # the widgets without a state
        lab = lab_class()
    lists = [lab._preset_box, *(control.widget for control in lab._controls.values() if control.field is None)]
    for chooser in lists:
        whole, label = (
            int(text.removesuffix("px")) for text in (chooser.layout.width, chooser.style.description_width)
        )
        names = [option if isinstance(option, str) else option[0] for option in chooser.options]
        assert whole - label >= 7 * max(map(len, names)) + 30
