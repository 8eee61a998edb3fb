"""The computation of a lab: steps that say by the names of their arguments what they need."""

from __future__ import annotations

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from ..flows import Interrupted as Interrupted  # the user stopped a computation, or asked for something else meanwhile

#: Called with the share done, 0 to 1, between the steps of long work; it raises ``Interrupted`` where the work shall stop.
Progress = Callable[[float], None]


def without_progress(share: float) -> None:
    """For work that nobody watches."""


class Computation:
    """Steps in the order in which they are computed; the value of the last one is the result.

    An argument of a step is a parameter of the lab, an earlier step (by the name of its function), or ``progress``. A step is computed
    again only where a parameter that it depends on, directly or through earlier steps, has another value: the last ``remember``
    values are kept.
    """

    def __init__(self, *steps: Callable[..., Any], parameters: tuple[str, ...], remember: int = 32) -> None:
        self._remember = remember
        self._steps = {step.__name__: (step, tuple(inspect.signature(step).parameters)) for step in steps}
        self._needs: dict[str, tuple[str, ...]] = {}
        for name, (_, arguments) in self._steps.items():
            needed: set[str] = set()
            for argument in arguments:
                if argument in self._needs:
                    needed.update(self._needs[argument])
                elif argument in parameters:
                    needed.add(argument)
                elif argument != "progress":
                    raise ValueError(
                        f"the step {name} asks for {argument}, which is neither a parameter nor an earlier step"
                    )
            self._needs[name] = tuple(parameter for parameter in parameters if parameter in needed)
        self._known: dict[str, OrderedDict[tuple[Any, ...], Any]] = {name: OrderedDict() for name in self._steps}
        self._lock = threading.Lock()  # a step may be computed in the background while another state is asked for

    def _key(self, name: str, state: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple((type(state[parameter]), state[parameter]) for parameter in self._needs[name])

    def knows(self, state: Mapping[str, Any], step: str | None = None) -> bool:
        """Whether the result for these parameters, or the value of this step, is at hand."""
        name = step or next(reversed(self._steps))
        return self._key(name, state) in self._known[name]

    def forget(self) -> None:
        """Compute everything anew from now on."""
        with self._lock:
            for known in self._known.values():
                known.clear()

    def __call__(
        self, state: Mapping[str, Any], progress: Progress = without_progress, until: str | None = None
    ) -> Any:
        """The value of the last step, or of the one called ``until``. What a step raises passes through; finished steps are kept."""
        values: dict[str, Any] = {"progress": progress, **state}
        for name, (step, arguments) in self._steps.items():
            known, key = self._known[name], self._key(name, state)
            with self._lock:
                at_hand = key in known
                if at_hand:
                    known.move_to_end(key)
                    values[name] = known[key]
            if not at_hand:
                values[name] = step(*(values[argument] for argument in arguments))
                with self._lock:
                    known[key] = values[name]
                    if len(known) > self._remember:
                        known.popitem(last=False)
            if name == until:
                break
        return values[name]
