"""The widgets for parameters: a slider with a number field and marks, or a list of names."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets

from .parameters import Choice, Logarithmic, Number, Parameter, Whole

_LABEL, _FIELD, _TRACK, _BUTTON = 118, 74, 150, 42  # pixels
_LETTER, _ARROW = 7, 34  # pixels of a letter in a list, and of its frame with the arrow
_LATE = 2.0  # seconds within which a slider on screen answers
#: How far the ends of a slider's track stand inside the slider, in pixels.
_INSET = 10


class Chooser:
    """A list of names with two buttons that step through it: JupyterLab keeps the arrow keys of a focused list to itself.

    options : names, or pairs (name, value). A value of None is shown, but not stepped to. width : in pixels, more where a name needs it.
    """

    def __init__(self, role: str, label: str, options: list[Any], label_width: int, width: int, tip: str = "") -> None:
        longest = max(len(name) for name, _ in _pairs(options))
        width = max(width, label_width + _LETTER * longest + _ARROW + 2 * _BUTTON + 8)
        self.width = width + 4
        self.list = ipywidgets.Dropdown(
            options=options,
            description=label,
            tooltip=tip,
            layout=ipywidgets.Layout(width=f"{width - 2 * _BUTTON - 8}px"),
            style={"description_width": f"{label_width}px"},
        )
        self._buttons = [self._button("prev", -1, f"previous {label}"), self._button("next", 1, f"next {label}")]
        self.view = ipywidgets.HBox([self.list, *self._buttons], layout=ipywidgets.Layout(width=f"{self.width}px"))
        self.view.add_class(f"lab-{role}")

    def _button(self, words: str, step: int, tip: str) -> Any:
        made = ipywidgets.Button(description=words, tooltip=tip)
        made.layout = ipywidgets.Layout(width=f"{_BUTTON}px", padding="0")
        made.on_click(lambda _: self._go(step))
        return made

    def _go(self, step: int) -> None:
        values = [value for _, value in _pairs(self.list.options) if value is not None]
        if values:
            here = values.index(self.list.value) if self.list.value in values else (-1 if step > 0 else 0)
            self.list.value = values[(here + step) % len(values)]

    @property
    def disabled(self) -> bool:
        return bool(self.list.disabled)

    @disabled.setter
    def disabled(self, disabled: bool) -> None:
        for part in (self.list, *self._buttons):
            part.disabled = disabled


def _pairs(options: Iterable[Any]) -> list[tuple[str, Any]]:
    return [option if isinstance(option, tuple) else (option, option) for option in options]


class Control:
    """One parameter on screen.

    value : what it asks for. widget : the slider or list. field : a labelled number field beside a slider, for exact values, keyboards
    and screen readers; None for a list. view : everything together. moved() is called when a hand moves it, refused(sentence) when
    somebody types what it cannot be; it then stays what it was.

    A slider on screen can only stand on its steps, and moves itself to the next one where ``value`` lies between two: ``value`` is
    kept here and does not follow that.
    """

    def __init__(
        self,
        parameter: Parameter,
        moved: Callable[[], None],
        lock: threading.RLock,
        refused: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.parameter = parameter
        self.value = parameter.default
        self._moved, self._refused = moved, refused
        self._lock = lock  # a hand and a program move it on different threads
        self._quiet = False
        self._asked: dict[Any, float] = {}  # where ``set`` sent the slider, and when
        self.field: Any = None
        self._chooser: Chooser | None = None
        self._marks = ipywidgets.HTML()
        self._marks.add_class("lab-marks")
        room = _LABEL + _FIELD + _TRACK + 12
        width = ipywidgets.Layout(width=f"{_LABEL + _FIELD}px")
        style = {"description_width": f"{_LABEL - 8}px"}
        if isinstance(parameter, Choice):
            names = list(parameter.options or {})
            self._chooser = Chooser(
                "chooser", parameter.label, names, _LABEL - 8, _LABEL + _FIELD + _TRACK, parameter.help
            )
            self.widget = self._chooser.list
            self.widget.value = parameter.default
            parts, room = [self._chooser.view], max(room, self._chooser.width + 8)
        elif isinstance(parameter, Number):
            ends: dict[str, Any] = {"min": parameter.low, "max": parameter.high, "step": parameter.step}
            both = {
                "value": parameter.default,
                "tooltip": f"{parameter.label}: {parameter.help}" if parameter.help else parameter.label,
            }
            slider, typed = ipywidgets.FloatSlider, {"value": parameter.default, "step": parameter.step}
            field = ipywidgets.FloatText  # without bounds, which would put another number in the place of the one typed
            if isinstance(parameter, Whole):
                slider = ipywidgets.IntSlider
            elif isinstance(parameter, Logarithmic):  # in a number field browsers write 1e12 as 1000000000000
                slider, (low, high) = ipywidgets.FloatLogSlider, parameter.exponents
                ends = {"min": low, "max": high, "step": parameter.step}
                field, typed = ipywidgets.Text, {"value": self._words(parameter.default)}
            self.widget = slider(
                **both, **ends, readout=False, layout=ipywidgets.Layout(width=f"{_TRACK}px", margin="2px 0")
            )
            self.field = field(
                **{**both, **typed},
                description=parameter.label,
                continuous_update=False,
                layout=width,
                style=style,
            )
            self.field.observe(self._typed, names="value")
            track = ipywidgets.VBox([self.widget, self._marks], layout=ipywidgets.Layout(overflow="visible"))
            parts = [self.field, track]
        else:
            raise TypeError(f"{parameter!r} has no widget")
        self.widget.observe(self._slid, names="value")
        self.view = ipywidgets.HBox(parts, layout=ipywidgets.Layout(width=f"{room}px"))
        self.view.add_class(f"lab-control-{parameter.name}")

    def set(self, value: Any) -> None:
        """Show and ask for this value, without a hand."""
        with self._lock:
            self.value = self.parameter.checked(value)
            self._quiet = True
            try:
                if isinstance(self.parameter, Choice) and self.value not in self.widget.options:
                    self.widget.options = list(self.parameter.options or {})  # names may have come since
                self.widget.value = self.value
                if self.field is not None:
                    self.field.value = self._words(self.value)
                self._asked[self._nearest_step()] = time.monotonic()
            finally:
                self._quiet = False

    def _slid(self, change: Any) -> None:
        with self._lock:
            value = self.parameter.checked(change["new"])
            if self._quiet or value in (self.value, self._nearest_step()) or self._is_late(change["new"], value):
                return
            self.value = value  # the slider itself stays as it is: a hand may be on its way already
            self._moved()
            if self.field is not None:  # with the picture and not before it: the browser has work enough meanwhile
                self._quiet = True
                try:
                    self.field.value = self._words(self.value)
                finally:
                    self._quiet = False

    def _words(self, value: Any) -> Any:
        """A value as the field holds it."""
        return self.parameter.text(value) if isinstance(self.parameter, Logarithmic) else value

    @property
    def typed(self) -> Any:
        """The value that the field says; ValueError with a sentence for what it cannot be."""
        assert isinstance(self.parameter, Number)
        value = self.field.value
        return self.parameter.read(value if isinstance(value, str) else f"{value:.12g}")

    def _is_late(self, given: Any, value: Any) -> bool:
        """Whether this is the screen's answer to an earlier ``set``: rounded by its own steps, and overtaken by a later value."""
        return given != value and time.monotonic() - self._asked.get(value, -_LATE) < _LATE

    def _typed(self, change: Any) -> None:
        with self._lock:
            if self._quiet:
                return
            before = self.value
            try:
                self.set(self.typed)
            except ValueError as error:
                self.set(before)
                self._refused(str(error))
            else:
                if self.value != before:
                    self._moved()

    def _nearest_step(self) -> Any:
        """Where the slider stands on screen."""
        if not isinstance(self.parameter, Number):
            return self.value
        return self.parameter.on_step(self.parameter.steps(self.value))

    def act_while_moving(self, live: bool) -> None:
        """Whether the slider acts while it moves, or when it is let go."""
        if self.field is not None and self.widget.continuous_update != live:
            self.widget.continuous_update = live

    def mark(self, marks: Iterable[tuple[float, str]]) -> None:
        """Ticks along the slider, each at a value with a sentence."""
        assert isinstance(self.parameter, Number)
        width = _TRACK - 2 * _INSET
        ticks = "".join(
            f"<span class='lab-mark' data-value='{value:.12g}' title='{html.escape(sentence, quote=True)}' "
            f"style='left:{_INSET + width * self.parameter.place(value):.2f}px'></span>"
            for value, sentence in marks
        )
        if self._marks.value != ticks:
            self._marks.value = ticks

    def lock(self, fixed: bool, hidden: bool) -> None:
        """Show it as free, as fixed or not at all."""
        self.view.layout.display = "none" if hidden else ""
        for part in (self._chooser or self.widget, self.field):
            if part is not None:
                part.disabled = fixed or hidden
