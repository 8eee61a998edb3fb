"""One sweep for every lab: states from its own parameters, walks, orders, undo, codes and locks.

A new lab is swept without a new line here."""

from __future__ import annotations

import inspect
import io
import os
import pickle
import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest import mock

import ipywidgets
import numpy as np
import pytest
from lab_invariants import check_lab, check_refused, layers, move_and_check, snapshot
from matplotlib.figure import Figure

from landscape_nb import labs
from landscape_nb.activations import Activation
from landscape_nb.figures import style
from landscape_nb.figures.layers import Layers
from landscape_nb.labs import Lab, state_code
from landscape_nb.labs.export import Tables
from landscape_nb.labs.parameters import Choice, Logarithmic, Number, Parameter, Whole

#: Times as many states as usual: LABS_SWEEP=20 for a long look.
LONGER = int(os.environ.get("LABS_SWEEP", "1"))
LABS: tuple[type[Lab], ...] = tuple(
    found
    for found in (getattr(labs, name) for name in labs.__all__)
    if isinstance(found, type) and issubclass(found, Lab) and found is not Lab
)
State = dict[str, Any]
#: A lab that integrates flows is swept over a few values of each control.
FEW: dict[type[Lab], dict[str, list[Any]]] = {
    labs.GradientFlow: {"k": [3, 4], "n": [1, 2], "seed": [0, 1], "start": ["Glorot", "small"]},
    labs.NeverArriving: {"activation": ["tanh", "square"], "width": [1, 2], "seed": [0, 1], "time": [1.0, 1e2, 1e4]},
    labs.IntoTheChannel: {"gamma": [0.65, 2.0], "size": [0.01, 0.02], "time": [1.0, 1e3, 1e6], "rate": [0.4, 1.0]},
}
#: Its steps that take long are worked out once in this process for what they are given, ``progress`` aside.
REMEMBERED: dict[type[Lab], tuple[str, ...]] = {
    labs.GradientFlow: ("path", "cells"),
    labs.NeverArriving: ("flow",),
    labs.IntoTheChannel: ("flow", "endings", "descent"),
}
#: What is shorter in the tests: the name of a constant, and its value there.
SHORTER: dict[str, Any] = {
    "landscape_nb.labs.never_arriving.T_MAX": 1e4,
    "landscape_nb.labs.never_arriving.TOLERANCES": {"rtol": 1e-5, "atol": 1e-7},
    "landscape_nb.labs.into_the_channel.T_MAX": 1e4,
    "landscape_nb.labs.into_the_channel.STEPS": 300,
    "landscape_nb.labs.into_the_channel.METHODS": ("trust-ncg",),
}
_FEW = {
    id(parameter): FEW[lab][parameter.name] for lab in FEW for parameter in lab.parameters if parameter.name in FEW[lab]
}


def names_of(lab_class: type[Lab]) -> list[tuple[type[Lab], str, str]]:
    """(lab, control, name) for each name in the first list of names of this lab."""
    lists = [parameter for parameter in lab_class.parameters if isinstance(parameter, Choice)]
    return [(lab_class, lists[0].name, name) for name in lists[0].options] if lists else []


# states ---------------------------------------------------------------------------------------------------------------


def values(parameter: Parameter) -> list[Any]:
    """The lattice of one control: all names; both ends, the default, the middle and zero."""
    if id(parameter) in _FEW:
        return list(_FEW[id(parameter)])
    if isinstance(parameter, Choice):
        return list(parameter.options)
    assert isinstance(parameter, Number)
    middle = on_step(parameter, 0.5)
    zero = [parameter.checked(0)] if parameter.low <= 0 <= parameter.high else []
    return list(
        dict.fromkeys(
            [parameter.checked(parameter.low), parameter.default, middle, *zero, parameter.checked(parameter.high)]
        )
    )


def on_step(parameter: Number, share: float) -> Any:
    """The step of the slider at this share of its way."""
    return parameter.on_step(share * round(parameter.steps(parameter.high)))


def latin(lab_class: type[Lab], count: int, rng: random.Random) -> Iterator[State]:
    """States of the lattice in which each control takes all its values about equally often (a latin hypercube)."""
    columns = {}
    for parameter in lab_class.parameters:
        column = values(parameter) * (count // len(values(parameter)) + 1)
        columns[parameter.name] = rng.sample(column, len(column))
    return ({name: column[i] for name, column in columns.items()} for i in range(count))


def inside(lab_class: type[Lab], rng: random.Random, steps: bool = False) -> State:
    """A random state between the ends; ``steps``: on the steps of the sliders, where a hand can put them."""
    state = {}
    for parameter in lab_class.parameters:
        if id(parameter) in _FEW:
            state[parameter.name] = rng.choice(_FEW[id(parameter)])
            continue
        if isinstance(parameter, Choice):
            state[parameter.name] = rng.choice(list(parameter.options))
        elif isinstance(parameter, Whole):
            state[parameter.name] = rng.randint(int(parameter.low), int(parameter.high))
        elif isinstance(parameter, Logarithmic):
            state[parameter.name] = parameter.checked(10.0 ** rng.uniform(*parameter.exponents))
        else:
            state[parameter.name] = parameter.checked(rng.uniform(parameter.low, parameter.high))
        if steps and isinstance(parameter, Number):
            state[parameter.name] = on_step(parameter, rng.random())
    return state


# without drawing ------------------------------------------------------------------------------------------------------


@contextmanager
def undrawn() -> Iterator[None]:
    """A picture costs more than the mathematics: here each is only a number that tells it from others.

    The widgets have no front end to write to, and a still picture is only the beginning of one."""
    count = iter(range(10**9))

    def nothing(*_: Any) -> None:
        """In the place of a method; a mock takes half a millisecond to make."""

    def render(self: Layers) -> tuple[tuple[str, ...], str]:
        return ("frame",), f"moving {next(count)}"

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(Layers, "render", render))
        patches.enter_context(mock.patch.object(ipywidgets.Widget, "open", nothing))
        patches.enter_context(mock.patch.object(style, "still", return_value=b"\x89PNG\r\n\x1a\n"))
        for lab in LABS:
            patches.enter_context(mock.patch.object(lab, "_draw", nothing))
        yield


_known: dict[Any, Any] = {}


class _Key(pickle.Pickler):
    """What a step was given, as bytes; an activation counts by its name."""

    def persistent_id(self, one: Any) -> str | None:
        return one.name if isinstance(one, Activation) else None


def _key(given: Any) -> bytes:
    buffer = io.BytesIO()
    _Key(buffer).dump(given)
    return buffer.getvalue()


def _remembered(step: Any) -> Any:
    names = list(inspect.signature(step).parameters)

    @wraps(step)
    def remembered(*asked: Any) -> Any:
        given = [one for name, one in zip(names, asked) if name != "progress"]
        key = step.__module__, step.__name__, _key(given)
        if key not in _known:
            _known[key] = step(*asked)
        return _known[key]

    return remembered


@contextmanager
def remembered() -> Iterator[None]:
    """Every flow of a lab is integrated once in this process, and not further than the tests need."""
    with ExitStack() as patches:
        for name, value in SHORTER.items():
            patches.enter_context(mock.patch(name, value))
        for lab, names in REMEMBERED.items():
            steps = tuple(_remembered(step) if step.__name__ in names else step for step in lab.steps)
            patches.enter_context(mock.patch.object(lab, "steps", steps))
        yield


@contextmanager
def followed_once() -> Iterator[None]:
    """Flows are remembered, so that their states are as quick as closed forms and are taken as such; few seeds for the live part."""
    with ExitStack() as patches:
        patches.enter_context(remembered())
        patches.enter_context(mock.patch("landscape_nb.labs.gradient_flow.FRESH", range(100, 103)))
        for lab in REMEMBERED:
            patches.enter_context(mock.patch.object(lab, "_takes_long", return_value=False))
        yield


def replaced(monkeypatch: pytest.MonkeyPatch, lab: type[Lab], name: str, wrong: Any) -> None:
    """This lab with the value of one of its steps changed by ``wrong``: a planted fault."""

    def other(step: Any) -> Any:
        @wraps(step)
        def changed(*asked: Any) -> Any:
            return wrong(step(*asked))

        return changed if step.__name__ == name else step

    assert name in [step.__name__ for step in lab.steps]
    monkeypatch.setattr(lab, "steps", tuple(other(step) for step in lab.steps))


def press(lab: Lab, role: str) -> None:
    """Click the button of this role."""
    found, todo = [], [lab._view]
    while todo:
        widget = todo.pop()
        todo += getattr(widget, "children", ())
        if f"lab-{role}" in getattr(widget, "_dom_classes", ()):
            found.append(widget)
    (button,) = found
    button.click()


@contextmanager
def one_salt() -> Iterator[None]:
    """Two labs in one state have the same layers: the salt in the names of their clip paths is the same here."""
    made = Layers.__init__

    def salted(self: Layers, figure: Figure, like: Layers | None = None) -> None:
        made(self, figure, like)
        self.name = "salt"

    with mock.patch.object(Layers, "__init__", salted):
        yield


# sweeps ---------------------------------------------------------------------------------------------------------------


def sweep(lab: Lab, states: Iterable[State], searches: int = 10**9) -> int:
    """Move through these states and check each; after ``searches`` states that take long the others of them are left out."""
    seen = 0
    for state in states:
        if lab._takes_long(state):
            if not searches:
                continue
            searches -= 1
        seen += move_and_check(lab, **state)
    return seen


def in_any_order(lab: Lab, target: State, rng: random.Random) -> int:
    """Move one control after the other to this state, as hands do; how many states on the way were refused."""
    refused = 0
    for name in rng.sample(list(target), len(target)):
        before = snapshot(lab)
        lab.controls[name].value = target[name]
        lab.wait()
        assert "this lab failed" not in lab.message, lab.message
        if lab.message:
            refused += 1
            check_refused(lab, before)
    return refused


def same(lab: Lab, other: Lab, pictures: bool = False) -> None:
    """Both show the same; the pictures too where they are drawn."""
    assert lab.state == other.state
    for part in ("_numbers_box", "_caption_box", "_status_box", "_theorem_box", "_code_box"):
        assert getattr(lab, part).value == getattr(other, part).value, part
    assert (lab.summary, lab.code) == (other.summary, other.code)
    assert same_tables(
        lab.tables(), other.tables()
    )  # with the state, the code and the summary all that an export holds
    for name, control in lab._controls.items():
        assert control._marks.value == other._controls[name]._marks.value
    if pictures:
        names = (*("frame" for _ in lab._frame_boxes), "moving layer")
        for mine, its, layer in zip(layers(lab), layers(other), names, strict=True):
            assert mine == its, f"the {layer} is another than that of a lab that was opened here"


def same_tables(mine: Tables, its: Tables) -> bool:
    """Whether two labs have the same names, columns and values, to the last digit."""
    if [(name, *table) for name, table in mine.items()] != [(name, *table) for name, table in its.items()]:
        return False
    for name, table in mine.items():
        for column, values in table.items():
            here, there = np.asarray(values), np.asarray(its[name][column])
            numbers = here.dtype.kind == there.dtype.kind == "f"
            if here.dtype != there.dtype or not np.array_equal(here, there, equal_nan=numbers):
                return False
    return True


def shown(lab: Lab, pictures: bool = False) -> tuple[Any, ...]:
    """All that a reader sees."""
    boxes = (lab._numbers_box, lab._caption_box, lab._status_box, lab._theorem_box, lab._code_box, lab._preset_box)
    return lab.state, lab.summary, *(box.value for box in boxes), *(layers(lab) if pictures else ())


def undo_and_redo(lab: Lab, states: Iterable[State], pictures: bool = False) -> int:
    """Walk, then undo all of it and redo all of it: each state is shown again as it was. How many there were."""
    lab._history._pause = 0.0  # each of these moves counts as one
    seen = [shown(lab, pictures)]
    for state in states:
        lab.set(**state)
        if lab.message:  # undo leads from a refused move to what the picture shows
            lab.undo()
            assert shown(lab, pictures) == seen[-1], (
                "undo leads from a refused move to another state than the picture's"
            )
        elif lab.state != seen[-1][0]:
            seen.append(shown(lab, pictures))
    for before in reversed(seen[:-1]):
        lab.undo()
        assert shown(lab, pictures) == before, "undo leads to another state"
        check_lab(lab)
    assert lab._undo_button.disabled
    lab.undo()
    assert shown(lab, pictures) == seen[0]
    for after in seen[1:]:
        lab.redo()
        assert shown(lab, pictures) == after, "redo leads to another state"
    assert lab._redo_button.disabled
    lab.redo()
    assert shown(lab, pictures) == seen[-1]
    return len(seen)


def through_its_code(lab: Lab, pictures: bool = False, brought: Lab | None = None) -> None:
    """The code opens a lab that shows the same, and brings another one there: ``brought``, or a new one."""
    opened = type(lab)(lab.code)
    check_lab(opened)
    same(lab, opened, pictures)
    brought = brought or type(lab)()
    brought.restore(lab.code)
    same(lab, brought, pictures)
    for there in (opened, brought):
        assert (set(there._fixed), set(there._hidden)) == (set(lab._fixed), set(lab._hidden)), "the code loses a lock"


def check_locks(lab: Lab, fixed: list[str], hidden: list[str], rng: random.Random) -> None:
    """A lab opened by a code with locks moves nothing that is locked, whatever is tried."""
    here = lab.state
    other = type(lab)(lab.lock(fixed, hidden))
    assert other.state == here == lab.state
    locked = {name: here[name] for name in (*fixed, *hidden)}
    for name in locked:
        control = other._controls[name]
        assert control.widget.disabled and (control.field is None or control.field.disabled)
        assert control.view.layout.display == ("none" if name in hidden else "")
        before = snapshot(other)
        elsewhere = rng.choice([value for value in values(control.parameter) if value != here[name]])
        with pytest.raises(ValueError, match="locked at"):
            other.set(**{name: elsewhere})
        with pytest.raises(ValueError, match="locked at"):
            other.restore(state_code.encode(lab.name, lab.parameters, state_code.State(here | {name: elsewhere})))
        far = mock.patch.object(type(other), "presets", {"far": {name: elsewhere}})
        with far, pytest.raises(ValueError, match="locked at"):
            other.preset("far")
        control.widget.value = elsewhere
        assert "locked at" in other.message and snapshot(other) == before
        assert control.value == control.widget.value == here[name]
    for act in (other.undo, other.redo, other.reset):
        act()
        assert {name: other.state[name] for name in locked} == locked
    other.unlock()
    assert not any(control.widget.disabled for control in other._controls.values())
    assert "!" not in other.code and "*" not in other.code
