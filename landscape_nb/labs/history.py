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
        if not self._states or self._states[-1] != state:  # a drag may end where it began
            self._states.append(dict(state))
        del self._states[:-_LENGTH]
        self._at, self._when = len(self._states) - 1, now

    @property
    def previous(self) -> dict[str, Any] | None:
        """The state before the one that is shown; None at the beginning."""
        return dict(self._states[self._at - 1]) if self.can_undo else None

    @property
    def next(self) -> dict[str, Any] | None:
        """The state that was undone last; None if none was."""
        return dict(self._states[self._at + 1]) if self.can_redo else None

    def undo(self) -> None:
        """The previous state is shown again."""
        self._go(-1 if self.can_undo else 0)

    def redo(self) -> None:
        """The next state is shown again."""
        self._go(1 if self.can_redo else 0)

    def _go(self, step: int) -> None:
        self._at += step
        self._moved = set()
