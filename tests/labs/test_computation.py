"""A computation runs the steps that depend on what has moved, and no others."""

import threading

import pytest

from landscape_nb.labs.computation import Computation, Interrupted

STATE = {"p": 1, "q": 10}


@pytest.fixture
def runs():
    """The names of the steps that ran, in order."""
    return []


@pytest.fixture
def computation(runs):
    def sample(p):
        runs.append("sample")
        return 2 * p

    def search(q, progress):
        runs.append("search")
        progress(0.5)
        return 3 * q

    def total(sample, search):
        runs.append("total")
        return sample + search

    return Computation(sample, search, total, parameters=("p", "q"))


def test_the_result_is_that_of_the_last_step(computation):
    assert computation(STATE) == 32


@pytest.mark.parametrize(
    "moved, again",
    [
        ({}, []),
        ({"p": 2}, ["sample", "total"]),
        ({"q": 11}, ["search", "total"]),
        ({"p": 2, "q": 11}, ["sample", "search", "total"]),
    ],
)
def test_a_step_runs_again_only_where_something_it_needs_has_moved(computation, runs, moved, again):
    computation(STATE)
    del runs[:]
    state = STATE | moved
    assert computation(state) == 2 * state["p"] + 3 * state["q"]
    assert runs == again
    del runs[:]
    assert computation(STATE) == 32 and runs == [], "what was computed once is computed again"


def test_what_a_state_holds_beyond_the_parameters_of_a_step_does_not_matter(computation, runs):
    computation(STATE)
    del runs[:]
    computation(STATE | {"theme": "dark"})
    assert runs == []


def test_a_number_of_another_type_is_another_value(computation, runs):
    computation(STATE)
    del runs[:]
    computation({"p": 1.0, "q": 10})
    assert runs == ["sample", "total"]


def test_it_knows_what_is_at_hand_until_it_forgets(computation, runs):
    assert not computation.knows(STATE)
    computation(STATE)
    assert computation.knows(STATE) and not computation.knows(STATE | {"p": 2})
    computation.forget()
    assert not computation.knows(STATE)
    del runs[:]
    computation(STATE)
    assert runs == ["sample", "search", "total"]


def test_only_the_last_values_are_kept(runs):
    def double(p):
        runs.append(p)
        return 2 * p

    computation = Computation(double, parameters=("p",), remember=2)
    for p in (1, 2, 1, 3, 1, 2):  # 2 was used longest ago when 3 came
        assert computation({"p": p}) == 2 * p
    assert runs == [1, 2, 3, 2]


def test_what_a_step_raises_passes_through_and_is_not_remembered(runs):
    def first(p):
        runs.append("first")
        return p

    def fails_once(first):
        runs.append("second")
        if runs.count("second") == 1:
            raise ValueError("planted")
        return first

    computation = Computation(first, fails_once, parameters=("p",))
    with pytest.raises(ValueError, match="planted"):
        computation({"p": 1})
    assert not computation.knows({"p": 1})
    assert computation({"p": 1}) == 1
    assert runs == ["first", "second", "second"], "the step that had finished is kept"


def test_an_interrupted_step_is_not_remembered(computation, runs):
    def stop(share):
        raise Interrupted

    with pytest.raises(Interrupted):
        computation(STATE, stop)
    assert not computation.knows(STATE) and runs == ["sample", "search"]
    assert computation(STATE) == 32 and runs == ["sample", "search", "search", "total"]


def test_progress_is_handed_to_the_steps_that_ask_for_it(computation):
    shares = []
    computation(STATE, shares.append)
    assert shares == [0.5]


def test_a_step_that_asks_for_something_unknown_is_refused_by_name():
    def result(p, mystery):
        return p

    def late(p):
        return p

    def early(late):
        return late

    with pytest.raises(
        ValueError, match="the step result asks for mystery, which is neither a parameter nor an earlier step"
    ):
        Computation(result, parameters=("p",))
    with pytest.raises(ValueError, match="the step early asks for late"):
        Computation(early, late, parameters=("p",))


def test_several_threads_get_the_results_of_their_own_states():
    def square(p):
        return p * p

    def shifted(square, q):
        return square + q

    computation, wrong = Computation(square, shifted, parameters=("p", "q"), remember=3), []

    def ask(seed):
        for i in range(400):
            p, q = (seed + i) % 7, (seed * i) % 5
            if computation({"p": p, "q": q}) != p * p + q:
                wrong.append((p, q))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong and not any(thread.is_alive() for thread in threads)
