"""The widgets for parameters: a slider with a number field and marks, or a list of names."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import ipywidgets

from .parameters import Choice, Number, Parameter, Whole

_LABEL, _FIELD, _TRACK = 118, 70, 150  # pixels
#: How far the ends of a slider's track stand inside the slider, in pixels.
_INSET = 10


class Control:
    """One parameter on screen.

    widget : the slider or list whose ``value`` counts. field : a labelled number field beside a slider, for exact values, keyboards
    and screen readers; None for a list. view : everything together.
    """

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.field: Any = None
        self._marks = ipywidgets.HTML()
        self._marks.add_class("lab-marks")
        width = ipywidgets.Layout(width=f"{_LABEL + _FIELD}px")
        style = {"description_width": f"{_LABEL - 8}px"}
        if isinstance(parameter, Choice):
            self.widget = ipywidgets.Dropdown(
                options=list(parameter.options or {}),
                value=parameter.default,
                description=parameter.label,
                tooltip=parameter.help,
                layout=ipywidgets.Layout(width=f"{_LABEL + _FIELD + _TRACK}px"),
                style=style,
            )
            parts = [self.widget]
        elif isinstance(parameter, Number):
            whole = isinstance(parameter, Whole)
            numbers = {
                "value": parameter.default,
                "min": parameter.low,
                "max": parameter.high,
                "step": parameter.step,
                "tooltip": f"{parameter.label}: {parameter.help}" if parameter.help else parameter.label,
            }
            slider, field = (
                (ipywidgets.IntSlider, ipywidgets.BoundedIntText)
                if whole
                else (ipywidgets.FloatSlider, ipywidgets.BoundedFloatText)
            )
            self.widget = slider(
                **numbers, readout=False, layout=ipywidgets.Layout(width=f"{_TRACK}px", margin="2px 0")
            )
            self.field = field(
                **numbers, description=parameter.label, continuous_update=False, layout=width, style=style
            )
            self.field.observe(self._typed, names="value")
            track = ipywidgets.VBox([self.widget, self._marks], layout=ipywidgets.Layout(overflow="visible"))
            parts = [self.field, track]
        else:
            raise TypeError(f"{parameter!r} has no widget")
        self.view = ipywidgets.HBox(parts, layout=ipywidgets.Layout(width=f"{_LABEL + _FIELD + _TRACK + 12}px"))
        self.view.add_class(f"lab-control-{parameter.name}")

    def _typed(self, change: Any) -> None:
        self.widget.value = change["new"]

    def show_value(self) -> None:
        """Let the number field say what the slider says."""
        if self.field is not None and self.field.value != self.widget.value:
            self.field.unobserve(self._typed, names="value")
            try:
                self.field.value = self.widget.value
            finally:
                self.field.observe(self._typed, names="value")

    def act_while_moving(self, live: bool) -> None:
        """Whether the slider acts while it moves, or when it is let go."""
        if self.field is not None and self.widget.continuous_update != live:
            self.widget.continuous_update = live

    def mark(self, marks: Iterable[tuple[float, str]]) -> None:
        """Ticks along the slider, each at a value with a sentence."""
        assert isinstance(self.parameter, Number)
        low, high = self.parameter.low, self.parameter.high
        width = _TRACK - 2 * _INSET
        ticks = "".join(
            f"<span class='lab-mark' data-value='{value:.12g}' title='{html.escape(sentence, quote=True)}' "
            f"style='left:{_INSET + width * (value - low) / (high - low):.2f}px'></span>"
            for value, sentence in marks
        )
        if self._marks.value != ticks:
            self._marks.value = ticks

    def lock(self, fixed: bool, hidden: bool) -> None:
        """Show it as free, as fixed or not at all."""
        self.view.layout.display = "none" if hidden else ""
        for part in (self.widget, self.field):
            if part is not None:
                part.disabled = fixed or hidden
