"""While the hand rests, a lab draws the next step of the slider that was moved; what it shows is the same as without."""

import re
from unittest import mock

import pytest
from lab_invariants import check_lab, is_dimmed, layers
from lab_sweep import LABS, one_salt, same

from landscape_nb.labs import Kernels, Lab, OneNeuron

SLIDER = {OneNeuron: ("k", (4, 5, 6)), Kernels: ("angle", (65, 70, 75))}
ROOM = {OneNeuron: {"d": 8}, Kernels: {}}
LABS_WITH_SLIDERS = [lab for lab in LABS if lab in SLIDER]


@pytest.fixture(autouse=True)
def looking_ahead(nothing_is_drawn_ahead):
    with mock.patch.object(Lab, "looks_ahead", True), mock.patch("landscape_nb.labs.lab._REST", 0.01):
        yield


def rest(lab):
    """Until the next step is drawn, or it is clear that none will be."""
    assert lab._rest is not None
    lab._rest.join()


def drawings(lab, monkeypatch):
    """The states that are drawn from now on."""
    seen, draw = [], type(lab)._draw
    monkeypatch.setattr(
        type(lab), "_draw", lambda self, figure, result: (seen.append(figure), draw(self, figure, result))[1]
    )
    return seen


@pytest.mark.parametrize("lab_class", LABS_WITH_SLIDERS)
def test_a_step_drawn_ahead_is_shown_without_drawing_and_is_the_picture_of_a_lab_opened_there(lab_class, monkeypatch):
    slider, (first, second, third) = SLIDER[lab_class]
    with one_salt():
        lab = lab_class(**ROOM[lab_class])
        lab.controls[slider].value = first
        rest(lab)
        assert lab._ahead is not None and lab._ahead.state[slider] == second
        seen = drawings(lab, monkeypatch)
        lab.controls[slider].value = second
        assert lab.state[slider] == second and seen == []
        check_lab(lab)
        same(lab, lab_class(**lab.state), pictures=True)
        rest(lab)
        lab.controls[slider].value = third
        same(lab, lab_class(**lab.state), pictures=True)


@pytest.mark.parametrize("lab_class", LABS_WITH_SLIDERS)
def test_another_move_than_the_one_foreseen_is_drawn_as_ever(lab_class):
    slider, (first, _, third) = SLIDER[lab_class]
    with one_salt():
        lab = lab_class(**ROOM[lab_class])
        lab.controls[slider].value = first
        rest(lab)
        lab.controls[slider].value = third
        assert lab.state[slider] == third
        same(lab, lab_class(**lab.state), pictures=True)


def test_a_file_made_after_a_step_drawn_ahead_holds_its_picture():
    lab = Kernels()
    lab.controls["angle"].value = 65
    rest(lab)
    lab.controls["angle"].value = 70
    assert lab.exported("png") == Kernels(angle=70).exported("png")


def test_what_was_drawn_ahead_in_another_theme_is_not_shown():
    lab = Kernels()
    lab.controls["angle"].value = 65
    rest(lab)
    lab.theme = "projector"
    lab.controls["angle"].value = 70
    other = Kernels(angle=70, theme="projector")
    assert lab.exported("png") == other.exported("png") and 'viewBox="0 0 561.6 403.2"' in layers(lab)[0]


def test_a_fault_ahead_is_heard_of_only_when_the_hand_gets_there(monkeypatch):
    lab = Kernels()
    lab.controls["angle"].value = 65
    compute = Lab._compute

    def broken(self, state, *rest):
        if state["angle"] == 70:
            raise KeyError("planted")
        return compute(self, state, *rest)

    monkeypatch.setattr(Lab, "_compute", broken)
    rest(lab)
    assert lab._ahead is None and not lab.message
    check_lab(lab)
    lab.controls["angle"].value = 70
    assert lab.message.startswith("this lab failed (KeyError") and is_dimmed(lab) and lab.state["angle"] == 65
    lab.controls["angle"].value = 75
    assert lab.state["angle"] == 75 and not lab.message


def test_a_refused_step_ahead_changes_nothing():
    lab = OneNeuron(k=3, d=4)
    lab.controls["k"].value = 4  # five orthonormal teachers do not fit into four dimensions
    rest(lab)
    assert lab._ahead is None and not lab.message
    check_lab(lab)


def test_nothing_is_drawn_ahead_for_names_for_code_and_at_the_end_of_a_slider():
    lab = Kernels()
    for move in (
        lambda: lab.set(angle=65),
        lambda: setattr(lab.controls["activation"], "value", "erf"),
        lambda: setattr(lab.controls["angle"], "value", 180),
    ):
        move()
        if lab._rest is not None:
            rest(lab)
        assert lab._ahead is None


def carried(lab):
    """The panels whose frames came with what moves."""
    hidden = re.search("<style>(.*?) {opacity: 0}</style>", lab._moving_box.value)
    return [int(name.rsplit("-")[-1]) for name in hidden[1].split(", ")] if hidden else []


def test_new_frames_come_with_what_moves_and_settle_while_the_hand_rests():
    with one_salt():
        lab = OneNeuron(k=3, d=8)
        below = [box.value for box in lab._frame_boxes]
        assert carried(lab) == []
        with mock.patch("landscape_nb.labs.lab._REST", 60.0):  # a hand that does not rest
            for k in (4, 8, 5):
                before = lab._frames
                lab.controls["k"].value = k
                new = [place for place in range(3) if lab._frames[place] != before[place]]
                assert carried(lab) == new and new
                same(lab, OneNeuron(**lab.state), pictures=True)
            lab._rest.cancel()
        lab.controls["k"].value = 6
        rest(lab)
        assert [box.value for box in lab._frame_boxes] == list(lab._frames) != below
        same(lab, OneNeuron(**lab.state), pictures=True)
        lab.set(k=3)
        assert carried(lab) == [] and [box.value for box in lab._frame_boxes] == below
