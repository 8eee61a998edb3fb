"""What every lab is made of: controls, one picture, numbers, words, and a status line.

A lab computes a result from the values of its controls, draws it on one reused off-screen figure, and describes it in text. State,
result, summary and picture always belong together. When the controls ask for something that does not exist, the last good picture
stays, dimmed and captioned with the state it shows, and the status line says what was asked, what failed and what would do.

Pictures travel as bytes in an Image widget and text in HTML widgets: this works in every front end, needs no plotting back end, and an
error in a callback cannot vanish unseen.
"""

from __future__ import annotations

import contextlib
import html
import numbers
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

import ipywidgets
from matplotlib.figure import Figure

from ..figures import style

_STYLE = """<style>
.lab-numbers table {border-collapse: collapse; font-variant-numeric: tabular-nums;}
.lab-numbers th, .lab-numbers td {padding: 2px 12px 2px 0; text-align: left; border-bottom: 1px solid #ddd;}
.lab-numbers, .lab-caption, .lab-status {font-size: 14px; line-height: 1.5;}
.lab-numbers .widget-html-content, .lab-caption .widget-html-content {line-height: 1.5; overflow: visible;}
img.lab-dimmed, .lab-dimmed img {opacity: 0.35;}
</style>"""


class Lab:
    """A live figure with controls. ``controls`` maps names to widgets; ``set(**values)`` moves them like a hand would.

    A subclass provides ``name``, ``title``, ``_make_controls``, ``_compute``, ``_draw``, ``_numbers``, ``_caption`` and ``_summary``.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, **values: Any) -> None:
        self._lock = threading.RLock()
        self._quiet = False
        self._figure = style.new_figure()
        self._png = b""
        self._state: dict[str, Any] = {}
        self._result: Any = None
        self._text = ""
        self.message = ""
        self.controls: Mapping[str, Any] = self._make_controls()
        for name, control in self.controls.items():
            control.add_class(f"lab-control-{name}")
            control.style.description_width = "115px"
            control.layout.width = "350px"
            control.observe(self._changed, names="value")
        self._picture = ipywidgets.Image(
            format="png", layout=ipywidgets.Layout(width="100%", max_width="960px", object_fit="contain")
        )
        self._numbers_box = ipywidgets.HTMLMath()
        self._caption_box = ipywidgets.HTML()
        self._status_box = ipywidgets.HTML()
        for box, role in (
            (self._picture, "picture"),
            (self._numbers_box, "numbers"),
            (self._caption_box, "caption"),
            (self._status_box, "status"),
        ):
            box.add_class(f"lab-{role}")
        panel = ipywidgets.HBox(
            list(self.controls.values()), layout=ipywidgets.Layout(flex_flow="row wrap", max_width="1120px")
        )
        self._view = ipywidgets.VBox(
            [ipywidgets.HTML(_STYLE), panel, self._status_box, self._picture, self._caption_box, self._numbers_box]
        )
        self._view.add_class(f"lab-{self.name}")
        if values:
            self._check(values)
            self._move(values)
        self._refresh()
        if not self._state:
            raise ValueError(self.message)

    # for subclasses ---------------------------------------------------------------------------------------------------

    def _make_controls(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def _compute(self, state: dict[str, Any]) -> Any:
        """The result for these control values; ValueError with a sentence where there is none."""
        raise NotImplementedError

    def _draw(self, figure: Figure, result: Any) -> None:
        raise NotImplementedError

    def _numbers(self, result: Any) -> str:
        """HTML with LaTeX: formulas with their values."""
        raise NotImplementedError

    def _caption(self, result: Any) -> str:
        """What the axes are and what to see, in words."""
        raise NotImplementedError

    def _summary(self, result: Any) -> str:
        """The picture as text: the string that is compared, read aloud and shown where there are no pictures."""
        raise NotImplementedError

    # for users --------------------------------------------------------------------------------------------------------

    def set(self, **values: Any) -> None:
        """Move several controls at once and refresh once, so that no state in between is asked for.

        Raises ValueError for an unknown control or a value outside its range, before anything moves. A combination that does not exist
        is refused as by hand: see ``message``.
        """
        self._check(values)
        with self._lock:
            self._move(values)
            self._refresh()

    @property
    def state(self) -> dict[str, Any]:
        """The control values that the picture shows."""
        return dict(self._state)

    @property
    def result(self) -> Any:
        """The numbers behind the picture."""
        return self._result

    @property
    def summary(self) -> str:
        """The picture as text."""
        return self._text

    @property
    def figure(self) -> Figure:
        """The off-screen matplotlib figure."""
        return self._figure

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        with self._lock:
            bundle: dict[str, Any] = {"text/plain": self.summary, "image/png": self._png}
        view = self._view._repr_mimebundle_()
        widget = "application/vnd.jupyter.widget-view+json"
        if view and widget in view:
            bundle[widget] = view[widget]
        return bundle

    def __repr__(self) -> str:
        return self.summary

    # the machinery ----------------------------------------------------------------------------------------------------

    def _check(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(
                    f"the {self.title} lab has no control {name!r}; its controls are {', '.join(self.controls)}"
                )
            control = self.controls[name]
            options = getattr(control, "options", None)
            if options is not None:
                if value not in options:
                    raise ValueError(f"{name} must be one of {', '.join(map(str, options))}; {value!r} was given")
                continue
            whole = isinstance(control.value, int)
            if (
                isinstance(value, bool)
                or not isinstance(value, numbers.Real)
                or not control.min <= value <= control.max
                or (whole and float(value) % 1 != 0)
            ):
                kind = "a whole number" if whole else "a number"
                raise ValueError(
                    f"{name} must be {kind} between {control.min:g} and {control.max:g}; {value!r} was given"
                )

    def _move(self, values: Mapping[str, Any]) -> None:
        self._quiet = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._quiet = False

    def _changed(self, _: Any) -> None:
        if not self._quiet:
            with self._lock:
                self._refresh()

    def _refresh(self) -> None:
        """Compute, then show everything or, if the state is refused, nothing but the reason."""
        asked = {name: control.value for name, control in self.controls.items()}
        try:
            result = self._compute(asked)
        except ValueError as error:
            self._refuse(str(error))
            return
        except Exception as error:
            self._fail(error, asked)
            return
        try:
            self._draw(self._figure, result)
            picture, text = style.png(self._figure), self._summary(result)
            numbers, caption, status = self._numbers(result), self._caption(result), self._status(result)
        except Exception as error:
            self._draw_again()
            self._fail(error, asked)
            return
        self._result, self._state, self._png, self._text, self.message = result, asked, picture, text, ""
        self._picture.remove_class("lab-dimmed")
        self._picture.value = picture
        self._numbers_box.value = numbers
        self._caption_box.value = f"<p>{html.escape(caption)}</p>"
        self._status_box.value = f"<p role='status'>{html.escape(status)}</p>"

    def _fail(self, error: Exception, asked: dict[str, Any]) -> None:
        """A fault in the lab itself must show, and must not freeze the controls."""
        self._refuse(f"this lab failed ({type(error).__name__}: {error}); please report it with the state {asked}")
        if not self._state:
            raise error

    def _draw_again(self) -> None:
        """The figure of the last possible state, after a drawing that failed half-way."""
        if self._state:
            with contextlib.suppress(Exception):  # the PNG of that state is shown in any case
                self._draw(self._figure, self._result)

    def _status(self, result: Any) -> str:
        """The status line of a state that exists."""
        return ""

    def _refuse(self, sentence: str) -> None:
        self.message = sentence
        self._picture.add_class("lab-dimmed")
        shown = ", ".join(f"{name} = {_plain(value)}" for name, value in self._state.items())
        self._status_box.value = (
            f"<p role='alert' style='color:#a32d00'><b>Not possible:</b> {html.escape(sentence)}.</p>"
        )
        if self._state:
            self._caption_box.value = (
                f"<p>The dimmed picture still shows the last possible state: {html.escape(shown)}.</p>"
            )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
