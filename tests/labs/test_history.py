"""Undo and redo over a clock that the tests turn."""

import pytest

from landscape_nb.labs.history import _LENGTH, History


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def history(clock):
    made = History(pause=1.0, clock=clock)
    made.record({"k": 3, "d": 4})
    return made


def drag(history, clock, seconds, *states):
    for state in states:
        clock.now += seconds
        history.record(state)


def way_back(history):
    """All states that undo leads to, the last one first."""
    states = []
    while history.can_undo:
        states.append(history.previous)
        history.undo()
    return states


def test_a_new_history_leads_nowhere(history):
    assert not history.can_undo and not history.can_redo
    assert history.previous is None and history.next is None
    history.undo()
    history.redo()
    assert not history.can_undo and not history.can_redo
    assert History().previous is None


def test_undo_and_redo_lead_back_and_forth(history, clock):
    drag(history, clock, 5, {"k": 4, "d": 4}, {"k": 4, "d": 9})
    assert way_back(history) == [{"k": 4, "d": 4}, {"k": 3, "d": 4}]
    forth = []
    while history.can_redo:
        forth.append(history.next)
        history.redo()
    assert forth == [{"k": 4, "d": 4}, {"k": 4, "d": 9}]


def test_asking_for_the_state_before_does_not_go_there(history, clock):
    drag(history, clock, 5, {"k": 4, "d": 4})
    assert history.previous == history.previous == {"k": 3, "d": 4}


def test_the_moves_of_a_drag_count_as_one(history, clock):
    drag(history, clock, 0.3, {"k": 4, "d": 4}, {"k": 5, "d": 4}, {"k": 6, "d": 4})
    drag(history, clock, 0.3, {"k": 6, "d": 7})
    assert way_back(history) == [{"k": 6, "d": 4}, {"k": 3, "d": 4}]


def test_a_pause_ends_a_drag(history, clock):
    drag(history, clock, 0.3, {"k": 4, "d": 4}, {"k": 5, "d": 4})
    drag(history, clock, 1.0, {"k": 6, "d": 4})
    assert way_back(history) == [{"k": 5, "d": 4}, {"k": 3, "d": 4}]


def test_two_controls_that_move_at_once_are_no_drag(history, clock):
    drag(history, clock, 0.1, {"k": 4, "d": 5}, {"k": 5, "d": 6})
    assert way_back(history) == [{"k": 4, "d": 5}, {"k": 3, "d": 4}]


def test_a_drag_that_ends_where_it_began_leaves_no_state_twice(history, clock):
    drag(history, clock, 0.3, {"k": 4, "d": 4}, {"k": 3, "d": 4})
    assert not history.can_undo
    drag(history, clock, 5, {"k": 4, "d": 4})
    assert way_back(history) == [{"k": 3, "d": 4}]


def test_the_same_state_again_is_no_move(history, clock):
    drag(history, clock, 5, {"k": 3, "d": 4})
    assert not history.can_undo


def test_a_new_move_after_undo_forgets_what_was_undone(history, clock):
    drag(history, clock, 5, {"k": 4, "d": 4}, {"k": 5, "d": 4})
    history.undo()
    assert history.can_redo
    drag(history, clock, 0.1, {"k": 6, "d": 4})
    assert not history.can_redo
    assert way_back(history) == [{"k": 4, "d": 4}, {"k": 3, "d": 4}]


def test_a_drag_does_not_go_on_over_an_undo(history, clock):
    drag(history, clock, 0.1, {"k": 4, "d": 4})
    history.undo()
    history.redo()
    drag(history, clock, 0.1, {"k": 5, "d": 4})
    assert history.previous == {"k": 4, "d": 4}


def test_the_oldest_states_are_forgotten(history, clock):
    drag(history, clock, 5, *({"k": i, "d": 0} for i in range(_LENGTH + 50)))
    back = way_back(history)
    assert len(back) == _LENGTH - 1 and back[-1] == {"k": 50, "d": 0}


def test_what_is_handed_out_and_taken_in_are_copies(history, clock):
    state = {"k": 4, "d": 4}
    drag(history, clock, 5, state)
    state["k"] = 99
    history.previous["k"] = 99
    assert history.previous == {"k": 3, "d": 4}
    history.undo()
    assert history.next == {"k": 4, "d": 4}
