"""The parameters of a lab: what can be chosen, from which values, and how each is called."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = str | int | float


@dataclass(frozen=True)
class Parameter:
    """What all parameters have.

    name : of the control and in code. label : what stands beside the control. default : its value at the start. help : what it does, in a
    sentence. since : the version of the lab's state code that first held it. before : its value in older codes (the default where None).
    """

    name: str
    label: str
    default: Any
    help: str = ""
    since: int = 1
    before: Any = None

    def checked(self, value: Any) -> Value:
        """``value`` in the parameter's own type; ValueError with the values that would do."""
        raise NotImplementedError

    def text(self, value: Any) -> str:
        """``value`` as a reader writes it."""
        return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Choice(Parameter):
    """One of several names. options : a mapping whose keys are the names, asked again each time, because users register activations."""

    options: Mapping[str, Any] | None = None

    def checked(self, value: Any) -> Value:
        names = list(self.options or {})
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"{self.name} must be one of {', '.join(names)}; {value!r} was given")
        return value


@dataclass(frozen=True)
class Number(Parameter):
    """A number from low to high, both included."""

    low: float = 0
    high: float = 1
    step: float = 1

    kind = "a number"

    def _is_one(self, value: Any) -> bool:
        return True

    def checked(self, value: Any) -> Value:
        if (
            isinstance(value, bool)
            or not isinstance(value, numbers.Real)
            or not self.low <= value <= self.high  # type: ignore[operator] # compares exactly, however large
            or not self._is_one(value)
        ):
            raise ValueError(
                f"{self.name} must be {self.kind} between {self.low:g} and {self.high:g}; {value!r} was given"
            )
        return type(self.default)(value)


@dataclass(frozen=True)
class Whole(Number):
    """A whole number."""

    kind = "a whole number"

    def _is_one(self, value: Any) -> bool:
        return value % 1 == 0


@dataclass(frozen=True)
class Real(Number):
    """A real number; ``digits`` after the point are shown beside the slider."""

    digits: int = 2

    def checked(self, value: Any) -> Value:
        """Rounded to twelve digits: the steps of a slider add up to 0.15000000000000002, or to 5.6e-17 and -0.0 instead of 0."""
        rounded = float(f"{super().checked(value):.12g}")
        return 0.0 if abs(rounded) < 1e-12 * (self.high - self.low) and self.low <= 0.0 else rounded
