"""Every lab through the one sweep, and planted faults that turn it red."""

import random
from itertools import pairwise
from types import SimpleNamespace

import pytest
from lab_invariants import CHECKS, EXISTS, check_lab, layers, marks_shown, move_and_check, snapshot
from lab_sweep import (
    LABS,
    LONGER,
    check_locks,
    followed_once,
    in_any_order,
    inside,
    latin,
    names_of,
    one_salt,
    same,
    sweep,
    through_its_code,
    undo_and_redo,
    undrawn,
    values,
)

from landscape_nb.labs import Lab, export, state_code
from landscape_nb.labs.controls import Control
from landscape_nb.labs.history import History

NAMES = [case for lab_class in LABS for case in names_of(lab_class)]
EVERY = pytest.mark.parametrize("lab_class", LABS, ids=lambda lab_class: lab_class.name)


@pytest.fixture
def without_drawing():
    with undrawn():
        yield


@pytest.fixture(autouse=True)
def flows_are_followed_once():
    with followed_once():
        yield


def quick(lab, states):
    """Those of these states that exist and that no search is needed for."""
    exists = EXISTS.get(lab.name, lambda state: True)
    return [state for state in states if not lab._takes_long(state) and exists(state)]


def test_every_lab_is_found_and_has_a_check_of_its_own():
    assert {lab_class.name for lab_class in LABS} == set(CHECKS)
    assert all(issubclass(lab_class, Lab) for lab_class in LABS) and len(LABS) >= 2


# states ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab_class, control, name", NAMES, ids=[f"{lab.name}-{name}" for lab, _, name in NAMES])
def test_no_state_of_the_lattice_fails(lab_class, control, name, without_drawing):
    lab, rng = lab_class(), random.Random(name)
    states = [state | {control: name} for state in latin(lab_class, 10 * LONGER, rng)]
    possible = [state for state in states if not lab._takes_long(state)] + [lab.state | {control: name}]
    possible += [state for state in states if lab._takes_long(state)]
    assert sweep(lab, possible, searches=2 * LONGER) >= 1


@EVERY
def test_no_state_between_them_fails(lab_class, without_drawing):
    lab, rng = lab_class(), random.Random(1)
    assert sweep(lab, (inside(lab_class, rng) for _ in range(40 * LONGER)), searches=6 * LONGER) >= 3


@EVERY
def test_every_preset_is_shown_drawn_named_and_left_again(lab_class):
    lab = lab_class()
    assert len(lab.presets) >= 3
    for name in lab.presets:
        lab.preset(name)
        check_lab(lab)
        assert lab._preset_box.value == name
        expected = {parameter.name: parameter.default for parameter in lab.parameters} | dict(lab.presets[name])
        assert lab.state == expected
    lab.reset()
    check_lab(lab)
    assert lab.state == {parameter.name: parameter.default for parameter in lab.parameters}


# ways -----------------------------------------------------------------------------------------------------------------


@EVERY
def test_the_order_of_the_moves_does_not_matter_though_some_pass_through_refused_states(lab_class, without_drawing):
    lab, rng = lab_class(), random.Random(4)
    refused = 0
    for number in range(20 * LONGER):
        if number >= 2 * LONGER and (refused or lab_class.name != "one-neuron"):
            break
        target = inside(lab_class, rng, steps=True)
        refused += in_any_order(lab, target, rng)
        if lab.message:  # this state does not exist
            lab.undo()
            continue
        check_lab(lab)
        same(lab, lab_class(**target))
    assert refused or lab_class.name != "one-neuron"


@EVERY
def test_a_lab_that_was_moved_or_brought_by_a_code_shows_the_very_layers_of_a_lab_opened_there(lab_class):
    rng = random.Random(5)
    with one_salt():
        lab = lab_class()
        states = quick(lab, latin(lab_class, 60 * LONGER, rng))[: 6 * LONGER]
        compared = 0
        for state in states:
            if move_and_check(lab, **state):
                same(lab, lab_class(**state), pictures=True)
                compared += 1
        assert compared >= 2
        brought = lab_class()
        for name in list(lab.presets)[:3]:
            lab.preset(name)
            through_its_code(lab, pictures=True, brought=brought)


@EVERY
def test_undo_and_redo_lead_through_every_state_of_a_walk(lab_class, without_drawing):
    lab, rng = lab_class(), random.Random(6)
    assert undo_and_redo(lab, walk(lab, rng, 40 * LONGER)) >= 10


@EVERY
def test_undo_and_redo_bring_the_very_layers_back(lab_class):
    lab, rng = lab_class(), random.Random(7)
    assert undo_and_redo(lab, walk(lab, rng, 10), pictures=True) >= 3


def walk(lab, rng, steps):
    """Moves of one or two controls at a time, also to states that do not exist."""
    state, found = lab.state, []
    for _ in range(steps):
        moved = {
            parameter.name: rng.choice(values(parameter)) for parameter in rng.sample(lab.parameters, rng.randint(1, 2))
        }
        if not lab._takes_long(state | moved):
            state = state | moved
            found.append(moved)
    assert len(found) >= steps // 5
    return found


@EVERY
def test_a_code_opens_the_same_state_with_its_locks(lab_class, without_drawing):
    lab, rng = lab_class(), random.Random(8)
    for state in quick(lab, [inside(lab_class, rng) for _ in range(60 * LONGER)])[: 6 * LONGER]:
        lab.unlock()
        if not move_and_check(lab, **state):
            continue
        locked = rng.sample(list(state), rng.randint(0, 3))
        lab.lock(fixed=locked[:2], hidden=locked[2:])
        check_lab(lab)
        through_its_code(lab)


@EVERY
def test_what_a_code_locks_stays_where_it_is_whatever_is_tried(lab_class, without_drawing):
    rng = random.Random(9)
    for count in range(1, len(lab_class.parameters) + 1):
        lab = lab_class()
        locked = rng.sample(list(lab.state), count)
        check_locks(lab, locked[: count // 2], locked[count // 2 :], rng)


# planted faults: each must turn the sweep red -------------------------------------------------------------------------


@EVERY
def test_a_fault_in_a_callback_is_noticed(lab_class, without_drawing, monkeypatch):
    lab, rng = lab_class(), random.Random(10)
    target = next(
        state for state in iter(lambda: inside(lab_class, rng, steps=True), None) if not lab._takes_long(state)
    )
    monkeypatch.setattr(Control, "_slid", lambda self, change: None)  # the slider moves and nobody listens
    lab = lab_class()
    in_any_order(lab, target, rng)
    with pytest.raises(AssertionError):
        check_lab(lab)


@EVERY
@pytest.mark.parametrize("step", ["_numbers", "_caption", "_summary", "_status", "_theorem", "_marks", "_takes_long"])
def test_a_fault_in_any_part_of_a_move_is_noticed(lab_class, step, without_drawing, monkeypatch):
    lab = lab_class()
    target = other(lab)

    def broken(*_):
        raise KeyError("planted")

    monkeypatch.setattr(lab_class, step, broken)
    with pytest.raises(AssertionError, match="this lab failed"):
        move_and_check(lab, **target)


def other(lab):
    """A state of the presets beside the one that is shown, without a search."""
    states = [lab.state | dict(values) for values in lab.presets.values()]
    return next(state for state in states if state != lab.state and not lab._takes_long(state))


@EVERY
def test_a_picture_with_the_words_of_another_state_is_noticed(lab_class, without_drawing, monkeypatch):
    lab, show = lab_class(), lab_class._show_picture
    old = lab.summary
    monkeypatch.setattr(
        lab_class,
        "_show_picture",
        lambda self, frames, moving, text, *rest, **further: show(self, frames, moving, old, *rest, **further),
    )
    with pytest.raises(AssertionError, match="the picture's words are not the summary"):
        move_and_check(lab, **other(lab))


@EVERY
def test_a_text_of_another_state_is_noticed(lab_class, without_drawing, monkeypatch):
    lab = lab_class()
    old = lab.summary
    monkeypatch.setattr(lab_class, "_summary", lambda self, result: old)
    with pytest.raises(AssertionError):
        move_and_check(lab, **other(lab))


@EVERY
@pytest.mark.parametrize("field", [0, -1])
def test_a_wrong_field_in_a_state_code_is_noticed(lab_class, field, without_drawing, monkeypatch):
    encode = state_code.encode

    def wrong(lab, parameters, state):
        parameter = parameters[field]
        value = next(value for value in values(parameter) if value != state.values[parameter.name])
        return encode(lab, parameters, state._replace(values=state.values | {parameter.name: value}))

    monkeypatch.setattr(state_code, "encode", wrong)
    with pytest.raises(AssertionError, match="the code says"):
        check_lab(lab_class())


@EVERY
def test_two_fields_of_a_code_that_are_read_in_the_wrong_order_are_noticed(lab_class, without_drawing, monkeypatch):
    decode = state_code.decode

    def wrong(lab, parameters, code):
        state = decode(lab, parameters, code)
        names = [parameter.name for parameter in parameters]
        swapped = dict(state.values)
        first, second = next(
            (a, b) for a in names for b in names if type(swapped[a]) is type(swapped[b]) and swapped[a] != swapped[b]
        )
        swapped[first], swapped[second] = swapped[second], swapped[first]
        return state._replace(values=swapped)

    lab = lab_class()
    monkeypatch.setattr(state_code, "decode", wrong)
    with pytest.raises((AssertionError, ValueError)):
        through_its_code(lab)


@EVERY
def test_a_lock_that_a_code_loses_is_noticed(lab_class, without_drawing, monkeypatch):
    decode = state_code.decode
    monkeypatch.setattr(state_code, "decode", lambda *arguments: decode(*arguments)._replace(fixed=()))
    lab = lab_class()
    with pytest.raises(AssertionError):
        check_locks(lab, [lab.parameters[0].name], [], random.Random(1))


@EVERY
def test_an_export_of_another_table_is_noticed(lab_class, without_drawing, monkeypatch):
    as_csv = export.as_csv
    monkeypatch.setattr(export, "as_csv", lambda tables, name: as_csv(tables, next(reversed(tables))))
    with pytest.raises(AssertionError):
        check_lab(lab_class())


@EVERY
def test_an_export_that_loses_digits_is_noticed(lab_class, without_drawing, monkeypatch):
    plain = export._plain
    monkeypatch.setattr(
        export,
        "_plain",
        lambda column: [round(value, 9) if isinstance(value, float) else value for value in plain(column)],
    )
    with pytest.raises(AssertionError):
        check_lab(lab_class())


@EVERY
def test_an_export_with_the_text_of_another_state_is_noticed(lab_class, without_drawing, monkeypatch):
    as_json = export.as_json
    monkeypatch.setattr(
        export, "as_json", lambda lab, code, state, summary, tables: as_json(lab, code, state, summary + ".", tables)
    )
    with pytest.raises(AssertionError):
        check_lab(lab_class())


@EVERY
def test_an_undo_that_leads_too_far_is_noticed(lab_class, without_drawing, monkeypatch):
    previous = History.previous
    monkeypatch.setattr(
        History,
        "previous",
        property(lambda self: dict(self._states[max(self._at - 2, 0)]) if self.can_undo else previous.fget(self)),
    )
    lab = lab_class()
    with pytest.raises(AssertionError, match="undo leads to another state"):
        undo_and_redo(lab, walk(lab, random.Random(6), 20))


@EVERY
def test_a_history_that_forgets_a_state_is_noticed(lab_class, without_drawing, monkeypatch):
    record, calls = History.record, []

    def forgetful(self, state):
        calls.append(dict(state))
        if (
            sum(before != after for before, after in pairwise(calls)) != 4
        ):  # the fifth state, also where it is asked for again
            record(self, state)

    monkeypatch.setattr(History, "record", forgetful)
    lab = lab_class()
    with pytest.raises(AssertionError):
        undo_and_redo(lab, walk(lab, random.Random(6), 40))


@EVERY
def test_a_frame_that_stays_from_another_state_is_noticed(lab_class, monkeypatch):
    with one_salt():
        lab = lab_class()
        piece = type(lab._layers)._piece
        stale = SimpleNamespace(_kept={})

        def careless(self, name, axes, signature, artists):
            key = name, *axes.get_position().bounds
            if self is lab._layers:
                stale._kept.setdefault(key, piece(self, name, axes, signature, artists))
                return stale._kept[key]
            return piece(self, name, axes, signature, artists)

        monkeypatch.setattr(type(lab._layers), "_piece", careless)
        lab.set(**lab.state)
        lab.set(**other(lab))
        with pytest.raises(AssertionError, match="the frame is another than that of a lab that was opened here"):
            same(lab, lab_class(**lab.state), pictures=True)


def test_a_tick_at_the_wrong_place_is_noticed(without_drawing, monkeypatch):
    lab = next(lab_class for lab_class in LABS if lab_class.name == "one-neuron")(activation="relu", k=2)
    assert marks_shown(lab)["correlation"]
    before = snapshot(lab), layers(lab)
    mark = Control.mark
    monkeypatch.setattr(
        Control, "mark", lambda self, marks: mark(self, [(value + 0.01, sentence) for value, sentence in marks])
    )
    with pytest.raises(AssertionError):
        move_and_check(lab, correlation=0.5)
    assert before[0][0] != lab.state
