"""Undo and redo."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_LENGTH = 200


class History:
    """The states that a lab has shown. Moves of one control that follow each other closely, like those of a drag, count as one.

    pause : seconds after which a move of the same control counts as a new one. clock : seconds, for tests.
    """

    def __init__(self, pause: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._states: list[dict[str, Any]] = []
        self._at = -1
        self._pause, self._clock = pause, clock
        self._moved: set[str] = set()
        self._when = -float("inf")

    @property
    def can_undo(self) -> bool:
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        return self._at < len(self._states) - 1

    def record(self, state: dict[str, Any]) -> None:
        """This state is shown now. States that were undone are gone with it."""
        now = self._clock()
        if self._at >= 0:
            shown = self._states[self._at]
            moved = {name for name in state if state[name] != shown[name]}
            if not moved:
                return
            one_drag = len(moved) == 1 and moved == self._moved and now - self._when < self._pause
            del self._states[self._at + (0 if one_drag and self._at > 0 else 1) :]
            self._moved = moved
        self._states.append(dict(state))
        del self._states[:-_LENGTH]
        self._at, self._when = len(self._states) - 1, now

    def undo(self) -> dict[str, Any] | None:
        """The state before this one; None at the beginning."""
        return self._go(-1) if self.can_undo else None

    def redo(self) -> dict[str, Any] | None:
        """The state that was undone last; None if none was."""
        return self._go(1) if self.can_redo else None

    def _go(self, step: int) -> dict[str, Any]:
        self._at += step
        self._moved = set()
        return dict(self._states[self._at])
