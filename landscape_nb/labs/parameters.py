"""The parameters of a lab: what can be chosen, from which values, and how each is called."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..display import number

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
        return number(value, 12) if isinstance(value, float) else str(value)


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
            raise ValueError(self._refusal(repr(value)))
        return type(self.default)(value)

    def _refusal(self, given: str) -> str:
        return f"{self.name} must be {self.kind} between {number(self.low)} and {number(self.high)}; {given} was given"

    def read(self, words: str) -> Value:
        """The value that somebody has written: 1000000, 1e6 or 10^6; ValueError with the values that would do."""
        written = re.sub(r"^\s*10\^", "1e", words.replace("\N{MINUS SIGN}", "-"))
        try:
            value = float(written)
        except ValueError:
            raise ValueError(self._refusal(repr(words))) from None
        try:
            return self.checked(value)
        except ValueError:
            raise ValueError(self._refusal(words.strip())) from None

    def place(self, value: float) -> float:
        """Where this value stands on the slider, as a share of its way; outside 0 to 1 beyond its ends."""
        return (value - self.low) / (self.high - self.low)

    def on_step(self, steps: float) -> Value:
        """The value so many steps after the lowest, at most the highest."""
        return self.checked(min(self.low + self.step * round(steps), self.high))

    def steps(self, value: float) -> float:
        """How many steps this value is after the lowest."""
        return (value - self.low) / self.step

    def following(self, value: float, up: bool) -> Value | None:
        """The value one step on, None at the end of the range."""
        try:
            return self.checked(value + (self.step if up else -self.step))
        except ValueError:
            return None


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


@dataclass(frozen=True)
class Logarithmic(Real):
    """A positive number on a logarithmic slider; ``step`` is a part of a decade: 0.1 makes ten steps of it.

    Values have four digits: a slider's step of 0.1 after 0.001 is 0.001259.
    """

    def checked(self, value: Any) -> Value:
        """Rounded to four significant digits, within the range."""
        return min(max(float(f"{super(Real, self).checked(value):.4g}"), float(self.low)), float(self.high))

    def text(self, value: Any) -> str:
        """ "0.4", "1e6": a power of ten from 10^4 on and below 10^-3, where nobody counts zeros."""
        if 1e-3 <= value < 1e4:
            return f"{value:g}"
        digits, power = f"{value:.3e}".split("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"

    @property
    def exponents(self) -> tuple[float, float]:
        """The decadic logarithms of the ends."""
        return math.log10(self.low), math.log10(self.high)

    def place(self, value: float) -> float:
        """Where this value stands on the slider, as a share of its way."""
        low, high = self.exponents
        return (math.log10(value) - low) / (high - low)

    def on_step(self, steps: float) -> Value:
        """The value so many steps after the lowest, at most the highest."""
        low, high = self.exponents
        return self.checked(10.0 ** min(low + self.step * round(steps), high))

    def steps(self, value: float) -> float:
        """How many steps this value is after the lowest."""
        return (math.log10(value) - self.exponents[0]) / self.step

    def following(self, value: float, up: bool) -> Value | None:
        """The value one step on from where the slider stands, None at the end of the range."""
        steps = round(self.steps(value)) + (1 if up else -1)
        return self.on_step(steps) if 0 <= steps <= self.steps(self.high) + 1e-9 else None
