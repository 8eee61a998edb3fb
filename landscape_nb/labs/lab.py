"""What every lab is made of: parameters, a computation, a drawing, text, and a state that can be kept.

A lab computes a result from the values of its controls, draws it, and describes it in text. State, result, summary and picture always
belong together. When the controls ask for something that does not exist, the last good picture stays, dimmed and captioned with the
state it shows, and the status line says what was asked, what failed and what would do.

A hand that moved a slider one step will most often do so again: while it rests, the next step is computed and drawn on a second sheet.

The picture is stacked layers of SVG in HTML widgets (``figures.layers``): a move sends the moving layer and those frames of panels that
have changed. Everything works with the widgets of ipywidgets alone, in every front end, and an error in a callback cannot vanish unseen.
"""

from __future__ import annotations

import base64
import contextlib
import html
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import ipywidgets
from matplotlib.figure import Figure

from ..figures import style
from ..figures.layers import Layers, picture
from . import export, job, state_code
from .computation import Computation, Progress, without_progress
from .controls import Chooser, Control
from .description import description
from .history import History
from .parameters import Number, Parameter

_STYLE = """<style>
.lab-numbers table {border-collapse: collapse; font-variant-numeric: tabular-nums;}
.lab-numbers th, .lab-numbers td {padding: 2px 12px 2px 0; text-align: left; border-bottom: 1px solid #ddd;}
.lab-numbers, .lab-theorem, .lab-caption, .lab-status {font-size: 14px; line-height: 1.5;}
.lab-numbers .widget-html-content, .lab-theorem .widget-html-content, .lab-caption .widget-html-content,
.lab-status .widget-html-content {line-height: 1.5; overflow: visible;}
.lab-numbers td:first-child {white-space: nowrap;}
.lab-numbers table + table {margin-top: 14px;}
.lab-theme input {vertical-align: middle;}
.lab-theorem ul {list-style: none; padding-left: 0;}
.lab-badge {border: 1px solid #888; border-radius: 9px; padding: 0 8px; margin-right: 6px; font-size: 12px; white-space: nowrap;
  display: inline-block;}
.lab-picture.widget-box {display: grid; background: white;}
.lab-picture > * {grid-area: 1 / 1; margin: 0; width: 100%;}
.lab-picture .widget-html-content {line-height: 0; width: 100%;}
.lab-picture svg {display: block;}
:where(.lab-dimmed) svg {opacity: 0.35;}
.lab-dimmed ~ .lab-numbers, .lab-dimmed ~ .lab-theorem {opacity: 0.7;}
.lab-marks .widget-html-content {position: relative; height: 8px; line-height: 0; overflow: visible; width: 100%;}
.lab-marks {height: 8px; margin: -6px 0 0 0; overflow: visible;}
.lab-mark {position: absolute; top: 0; width: 2px; height: 8px; margin-left: -1px; background: #D55E00;}
.lab-code input {font-family: monospace;}
.lab-refused {border-left: 4px solid #D55E00; padding-left: 8px;}
.lab-view :is(button, input, select, a, .noUi-handle):focus-visible {outline: 3px solid #0072B2 !important; outline-offset: 1px;}
.lab-view .noUi-target[disabled] .noUi-handle {visibility: hidden;}
.lab-view .noUi-target[disabled] .noUi-touch-area {visibility: visible; background: #888; border-radius: 50%;}
</style>"""


_KINDS = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "csv": "text/csv",
    "json": "application/json",
}
#: Seconds after which the picture of the state before is dimmed while another one is computed.
_PATIENCE = 0.3
#: Seconds of rest after which the next step of a slider is drawn ahead: longer than between the steps of a drag.
_REST = 0.1


@dataclass(frozen=True, eq=False)
class _Prepared:
    """All that a lab shows of one state in one theme."""

    state: Mapping[str, Any]
    theme: str
    result: Any
    layers: tuple[tuple[str, ...], str]
    text: str
    numbers: str
    caption: str
    status: str
    theorem: str
    marks: Mapping[str, list[tuple[float, str]]]
    live: bool


class Lab:
    """A live figure with controls. ``controls`` maps names to widgets; ``set(**values)`` moves them like a hand would.

    code : a state code to open. theme : "screen", or "projector" for large type. values : of single parameters.

    A subclass is parameters, steps of a computation, presets (name -> values) and six ways to say what the result is: ``_draw``,
    ``_summary``, ``_caption``, ``_numbers``, ``_status`` and ``_tables``; where it has them also ``_theorem``, ``_marks`` and
    ``_takes_long``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    steps: ClassVar[tuple[Callable[..., Any], ...]]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    #: Name of a button -> (values of controls that it sets, what it does).
    buttons: ClassVar[Mapping[str, tuple[Mapping[str, Any], str]]] = {}
    looks_ahead: ClassVar[bool] = True
    _opened: ClassVar[set[str]] = set()  # the labs that the link of this page has opened
    _figure: Figure
    _layers: Layers
    _theme: str
    _picture: ipywidgets.Box
    _frame_boxes: tuple[Any, ...]  # one for each panel, below what moves
    _frames: tuple[str, ...]  # what they show, or will show as soon as the hand rests
    _moving_box: ipywidgets.HTML

    def __init__(self, code: str | None = None, *, theme: str = "screen", **values: Any) -> None:
        self._lock = threading.RLock()
        self._quiet = False  # the lab itself moves its widgets
        self._by_hand = False  # somebody waits in front of the screen: long work goes to the background
        self._job: job.Job | None = None
        self._spare: tuple[Figure, Layers] | None = None  # the sheet on which the next step is drawn ahead
        self._ahead: _Prepared | None = None
        self._rest: threading.Timer | None = None
        self._computation = Computation(*self.steps, parameters=tuple(parameter.name for parameter in self.parameters))
        self._history = History()
        self._state: dict[str, Any] = {}
        self._result: Any = None
        self._text = ""
        self._pictures = 0
        self._fixed: tuple[str, ...] = ()
        self._hidden: tuple[str, ...] = ()
        self.message = ""
        self._sheet(theme)
        self._controls = {
            parameter.name: Control(parameter, self._moved_by_hand, self._lock, self._refuse)
            for parameter in self.parameters
        }
        self.controls: Mapping[str, Any] = {name: control.widget for name, control in self._controls.items()}
        self._view = self._make_view()
        self._open(code, values)

    # for subclasses ---------------------------------------------------------------------------------------------------

    def _draw(self, figure: Figure, result: Any) -> None:
        """Draw on the axes that are there from the last time, or make them."""
        raise NotImplementedError

    def _summary(self, result: Any) -> str:
        """The picture as text: the string that is compared, read aloud and shown where there are no pictures."""
        raise NotImplementedError

    def _caption(self, result: Any) -> str:
        """What the axes are and what to see, in words."""
        raise NotImplementedError

    def _numbers(self, result: Any) -> str:
        """HTML: the numbers that change from move to move."""
        raise NotImplementedError

    def _status(self, result: Any) -> str:
        """The status line of a state that exists: what is shown and what it rests on."""
        raise NotImplementedError

    def _tables(self, result: Any) -> export.Tables:
        """The data behind the picture."""
        raise NotImplementedError

    def _theorem(self, result: Any) -> str:
        """HTML with LaTeX: formulas, hypotheses and how they are verified. Typesetting takes time: keep changing numbers out of it."""
        return ""

    def _marks(self, result: Any) -> Mapping[str, list[tuple[float, str]]]:
        """Bifurcation values along the sliders, each with a sentence."""
        return {}

    def _takes_long(self, state: Mapping[str, Any]) -> bool:
        """Whether this state takes more than 100 ms: moved there by hand, the lab computes in the background."""
        return False

    # for users --------------------------------------------------------------------------------------------------------

    def set(self, **values: Any) -> None:
        """Move several controls at once and refresh once, so that no state in between is asked for.

        Raises ValueError for an unknown control, a value outside its range or a locked control, before anything moves. A combination that
        does not exist is refused as by hand: see ``message``.
        """
        checked = self._checked(values)
        with self._lock:
            self._move(checked)
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

    @property
    def theme(self) -> str:
        """ "screen", or "projector": larger type."""
        return self._theme

    @theme.setter
    def theme(self, theme: str) -> None:
        with self._lock:
            before = self._figure, self._layers, self._theme
            try:
                self._sheet(theme)
                self._draw(self._figure, self._result)
                layers = self._layers.render()
            except Exception:
                self._figure, self._layers, self._theme = before
                raise
            finally:
                self._show_theme()
            self._show_picture(*layers, self._text)

    @property
    def code(self) -> str:
        """The state that the picture shows, with its locks, as a short line of text."""
        return state_code.encode(self.name, self.parameters, state_code.State(self._state, self._fixed, self._hidden))

    def restore(self, code: str) -> None:
        """Show the state of this code, and lock what it locks. ValueError with a sentence for a wrong code; nothing changes then."""
        asked = state_code.decode(self.name, self.parameters, code)
        with self._lock:
            self._check_locks(asked.values)
            self._move(asked.values)
            self._refresh(lambda: self._record_and_lock(asked.fixed, asked.hidden))

    def preset(self, name: str) -> None:
        """Show a preset; the parameters that it does not name take their defaults."""
        if name not in list(self.presets):
            raise ValueError(f"the {self.title} lab has no preset {name!r}; its presets are {', '.join(self.presets)}")
        values = {parameter.name: parameter.default for parameter in self.parameters} | dict(self.presets[name])
        with self._lock:
            self._check_locks(values)
            self._move(values)
            self._refresh()

    def reset(self) -> None:
        """Back to the state in which this lab was opened, or locked since."""
        with self._lock:
            self._move(self._start)
            self._refresh()

    def undo(self) -> None:
        """Back to the state before; from a refused move, to the state that the picture shows."""
        with self._lock:
            if self._astray():
                self._return_to(self._state, lambda: None)
            else:
                self._return_to(self._history.previous, self._history.undo)

    def redo(self) -> None:
        """Forward again to the state that was undone last."""
        with self._lock:
            self._return_to(self._history.next, self._history.redo)

    def lock(self, fixed: tuple[str, ...] | list[str] = (), hidden: tuple[str, ...] | list[str] = ()) -> str:
        """Fix these controls at the values that the picture shows, hide those, and return the code that opens the lab so for others.

        Undo and reset do not lead back behind a lock.
        """
        for name in (*fixed, *hidden):
            self._known(name)
        with self._lock:
            if self._astray():  # asked for, but not shown: refused, or still being computed
                self._return_to(self._state, lambda: None)
            self._lock_controls(tuple(fixed), tuple(hidden))
            self._show_buttons()
            self._show_code()
            return self.code

    def unlock(self) -> None:
        """Free all controls."""
        self.lock()

    def tables(self) -> export.Tables:
        """The data behind the picture: named tables of columns."""
        return self._tables(self._result)

    def exported(self, suffix: str, table: str | None = None) -> bytes:
        """The picture ("png", "svg", "pdf"), one table ("csv"; the first where none is named) or everything ("json") as a file's bytes."""
        with self._lock:
            if suffix == "csv":
                tables = self.tables()
                return export.as_csv(tables, next(iter(tables)) if table is None else table).encode()
            if suffix == "json":
                return export.as_json(self.name, self.code, self._state, self._text, self.tables()).encode()
            if suffix in style.STILLS:
                return style.still(self._figure, suffix)
        raise ValueError(f"a lab is saved as one of {', '.join(style.STILLS)}, csv, json; {suffix!r} was given")

    def save(self, path: str | Path, table: str | None = None) -> None:
        """Write the picture or the data to a file; its suffix says which: .png, .svg, .pdf, .csv (one table) or .json."""
        path = Path(path)
        path.write_bytes(self.exported(path.suffix.removeprefix("."), table))

    def stop(self) -> None:
        """Stop a computation in the background; the picture that is there stays."""
        with self._lock:
            if self._job is None:
                return
            self._end_job()
            self._refuse(f"stopped before {self._listed(self._asked_for())} was computed; move any control to go on")

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for a computation in the background; whether all is done."""
        running = self._job
        return running is None or running.wait(seconds)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        with self._lock:
            bundle: dict[str, Any] = {"text/plain": self.summary, "image/png": style.still(self._figure)}
        view = self._view._repr_mimebundle_()
        widget = "application/vnd.jupyter.widget-view+json"
        if view and widget in view:
            bundle[widget] = view[widget]
        return bundle

    def __repr__(self) -> str:
        return self.summary

    # moving -----------------------------------------------------------------------------------------------------------

    def _known(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise ValueError(f"the {self.title} lab has no control {name!r}; its controls are {', '.join(self.controls)}")

    def _checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        checked = {name: self._known(name).checked(value) for name, value in values.items()}
        self._check_locks(checked)
        return checked

    def _check_locks(self, values: Mapping[str, Any]) -> None:
        for name in (*self._fixed, *self._hidden):
            if name in values and values[name] != self._state[name]:
                shown = self._known(name).text(self._state[name])
                raise ValueError(
                    f"{name} is locked at {shown} here, {self._known(name).text(values[name])} was asked; unlock() frees it"
                )

    def _asked_for(self) -> dict[str, Any]:
        """The values of the controls."""
        return {name: control.value for name, control in self._controls.items()}

    def _astray(self) -> bool:
        """Whether the controls ask for another state than the picture shows."""
        return self._asked_for() != self._state

    def _listed(self, asked: Mapping[str, Any]) -> str:
        """What is asked for beyond what is shown: "k = 10, norm = 2"."""
        new = {name: value for name, value in asked.items() if self._state.get(name) != value} or asked
        return ", ".join(f"{name} = {self._known(name).text(value)}" for name, value in new.items())

    def _move(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            self._controls[name].set(value)

    def _set_by_hand(self, values: Mapping[str, Any]) -> None:
        self.set(**values)

    def _moved_by_hand(self) -> None:
        self._try(self._move_by_hand)

    def _move_by_hand(self) -> None:
        try:
            self._check_locks(self._asked_for())
        except ValueError:  # disabled on screen, but code can move the widget
            self._move({name: self._state[name] for name in (*self._fixed, *self._hidden)})
            raise
        self._refresh()

    def _return_to(self, state: dict[str, Any] | None, shown: Callable[[], None]) -> None:
        if state is not None:
            self._move(state)
            self._refresh(shown)

    # computing --------------------------------------------------------------------------------------------------------

    def _compute(self, state: dict[str, Any], progress: Progress = without_progress) -> Any:
        """The result for these control values; ValueError with a sentence where there is none."""
        return self._computation(state, progress)

    def _refresh(self, shown: Callable[[], None] | None = None) -> None:
        """Compute, then show everything or, if the state is refused, nothing but the reason.

        shown : is called when the state is shown, which may be later; it is recorded as a move where None.
        """
        self._end_job()
        asked = self._asked_for()
        shown = shown or (lambda: self._history.record(asked))
        try:
            waits = self._by_hand and job.THREADS and not self._computation.knows(asked)
            if waits and self._takes_long(asked):
                self._start_job(asked, shown)
                return
            result = self._compute(asked)
        except ValueError as error:
            self._refuse(str(error))
        except Exception as error:
            self._fail(error, asked)
        else:
            self._show(asked, result, shown)

    def _start_job(self, asked: dict[str, Any], shown: Callable[[], None]) -> None:
        def done(this: job.Job, result: Any, error: Exception | None) -> None:
            with self._lock:
                if this is not self._job:
                    return
                self._end_job()
                if error is None:
                    self._show(asked, result, shown)
                elif isinstance(error, ValueError):
                    self._refuse(str(error))
                else:
                    self._fail(error, asked)

        def report(this: job.Job, share: float) -> None:
            if self._lock.acquire(blocking=False):
                try:
                    if this is self._job:
                        if not self._dimmed() and this.seconds > _PATIENCE:
                            self._dim()
                        self._say_progress(asked, share)
                finally:
                    self._lock.release()

        self._job = job.Job(lambda progress: self._compute(asked, progress), done, report)
        self._stop_button.layout.display = ""
        self._say_progress(asked, 0.0)
        self._job.start()

    def _end_job(self) -> None:
        """Nobody waits for the computation in the background any more."""
        if self._job is not None:
            self._job.stop()
            self._job = None
            self._stop_button.layout.display = "none"

    def _say_progress(self, asked: dict[str, Any], share: float) -> None:
        self.message = f"computing {self._listed(asked)}"
        self._status_box.value = (
            f"<p role='status'>{html.escape(self.message)} … "
            f"<progress value='{share:.3f}' max='1' aria-label='share done'></progress></p>"
        )

    # showing ----------------------------------------------------------------------------------------------------------

    def _prepare(self, figure: Figure, layers: Layers, state: dict[str, Any], result: Any) -> _Prepared:
        """Draw a result on this sheet and put it into words."""
        with style.drawing():
            self._draw(figure, result)
            drawn = layers.render()
        words = self._summary(result), self._numbers(result), self._caption(result), self._status(result)
        rest = self._theorem(result), self._marks(result), not self._takes_long(state)
        return _Prepared(state, self._theme, result, drawn, *words, *rest)

    def _show(self, asked: dict[str, Any], result: Any, shown: Callable[[], None]) -> None:
        try:
            prepared = self._taken_from_ahead(asked, result)
            if prepared is None:
                prepared = self._prepare(self._figure, self._layers, asked, result)
        except Exception as error:
            self._draw_again()
            self._fail(error, asked)
            return
        before = self._state
        self._result, self._state, self._text, self.message = result, asked, prepared.text, ""
        self._picture.remove_class("lab-dimmed")
        rests = self._by_hand and self.looks_ahead and job.THREADS  # there will be a rest after this move
        self._show_picture(*prepared.layers, prepared.text, settle=not rests)
        self._numbers_box.value = prepared.numbers
        self._caption_box.value = f"<p>{html.escape(prepared.caption)}</p>"
        self._status_box.value = f"<p role='status'>{html.escape(prepared.status)}</p>"
        self._theorem_box.value = prepared.theorem
        shown()
        for name, control in self._controls.items():
            if isinstance(control.parameter, Number):
                control.mark(prepared.marks.get(name, ()))
            control.act_while_moving(prepared.live)
        self._show_buttons()
        self._show_code()
        if rests:
            self._rest = threading.Timer(_REST, self._at_rest, args=(self._next_step(before, asked),))
            self._rest.daemon = True
            self._rest.start()

    # looking ahead ----------------------------------------------------------------------------------------------------

    def _taken_from_ahead(self, asked: dict[str, Any], result: Any) -> _Prepared | None:
        """What was drawn ahead, if it is this; its sheet takes the place of the other."""
        if self._rest is not None:
            self._rest.cancel()
        ahead, self._ahead = self._ahead, None
        if ahead is None or self._spare is None:
            return None
        if ahead.state != asked or ahead.theme != self._theme or ahead.result is not result:
            return None
        (self._figure, self._layers), self._spare = self._spare, (self._figure, self._layers)
        return ahead

    def _next_step(self, before: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any] | None:
        """The state one step further on the slider that was moved."""
        moved = [parameter for parameter in self.parameters if before.get(parameter.name) != shown[parameter.name]]
        if len(moved) != 1 or not isinstance(moved[0], Number) or not before:
            return None
        slider = moved[0]
        value = shown[slider.name]
        following = slider.following(value, up=value > before[slider.name])
        return None if following is None else {**shown, slider.name: following}

    def _at_rest(self, following: dict[str, Any] | None) -> None:
        """The hand rests: new frames come into their boxes, and the next step is drawn."""
        if not self._lock.acquire(blocking=False):  # the hand is at work again
            return
        try:
            self._settle(range(len(self._frames)))
            if following is not None and self._job is None and not self._takes_long(following):
                if self._spare is None:
                    figure = style.new_figure(self._theme)
                    self._spare = figure, Layers(figure, like=self._layers)
                self._ahead = self._prepare(*self._spare, following, self._compute(following))
        except Exception:  # the move itself will say what is wrong, and what would do
            self._ahead, self._spare = None, None
        finally:
            self._lock.release()

    def _show_buttons(self) -> None:
        """What can be undone and redone, and the name of the preset that is shown."""
        self._undo_button.disabled = not self._history.can_undo
        self._redo_button.disabled = not self._history.can_redo
        self._quiet = True
        try:
            self._preset_box.value = next(
                (name for name, values in self._preset_states.items() if values == self._state), None
            )
            if self._preset_box.value is None:
                self._preset_box.index = 0  # ipywidgets would show an empty line
        finally:
            self._quiet = False

    def _show_picture(self, frames: Sequence[str], moving: str, text: str, settle: bool = True) -> None:
        """One message, one change on the screen: unless they settle at once, new frames come with what moves, and hide those below.

        A frame that is the same as in the picture before settles unseen, below the one that this picture has carried.
        """
        self._pictures += 1
        words = html.escape("; ".join(text.splitlines()), quote=True)
        if len(frames) != len(self._frame_boxes):
            self._frame_boxes = tuple(ipywidgets.HTML() for _ in frames)
            self._picture.children = (*self._frame_boxes, self._moving_box)
        before = self._frames
        names = [f"lab-frame-{self._layers.name}-{place}" for place in range(len(frames))]
        self._frames = tuple(
            picture(frame, self._layers.size, f"aria-hidden='true' class='{name}'")
            for frame, name in zip(frames, names)
        )
        self._settle([place for place, frame in enumerate(self._frames) if settle or frame in before])
        new = [place for place, box in enumerate(self._frame_boxes) if box.value != self._frames[place]]
        # hidden not by visibility, which would take away the clip paths of both, whose names are the same
        hidden = f"<style>{', '.join(f'.{names[place]}' for place in new)} {{opacity: 0}}</style>" if new else ""
        self._moving_box.value = picture(
            hidden + "".join(frames[place] for place in new) + moving,
            self._layers.size,
            f"role='img' aria-label='{words}' data-picture='{self._pictures}'",
        )

    def _settle(self, places: Sequence[int]) -> None:
        """The frames of these panels, which the picture has carried, come into their own boxes."""
        for place in places:
            self._frame_boxes[place].value = self._frames[place]

    def _show_code(self) -> None:
        code = self.code
        self._quiet = True
        try:
            self._code_box.value = code
        finally:
            self._quiet = False
        if state_code.links_work():
            address = html.escape(f"?{self.name}={quote(code, safe='~!*.-_')}", quote=True)
            self._link_box.value = f"<a href='{address}'>link to this state</a>"
        self._download_box.value = ""

    def _dimmed(self) -> bool:
        return "lab-dimmed" in self._picture._dom_classes

    def _dim(self) -> None:
        """The picture does not show what the controls ask for: say so and say what it shows."""
        self._picture.add_class("lab-dimmed")
        if self._state:
            shown = ", ".join(
                f"{parameter.name} = {parameter.text(self._state[parameter.name])}" for parameter in self.parameters
            )
            self._caption_box.value = (
                f"<p>The dimmed picture still shows the last possible state: {html.escape(shown)}.</p>"
            )

    def _refuse(self, sentence: str) -> None:
        self.message = sentence
        if self._astray():
            self._dim()
        self._undo_button.disabled = not self._state or not (self._astray() or self._history.can_undo)
        self._status_box.value = (
            f"<p role='alert' class='lab-refused'><b>Not possible:</b> {html.escape(sentence)}.</p>"
        )

    def _fail(self, error: Exception, asked: dict[str, Any]) -> None:
        """A fault in the lab itself must show, and must not freeze the controls."""
        self._refuse(f"this lab failed ({type(error).__name__}: {error}); please report it with the state {asked}")
        if not self._state:
            raise error

    def _draw_again(self) -> None:
        """The figure of the last possible state, after a drawing that failed half-way."""
        if self._state:
            with contextlib.suppress(Exception):  # its layers are shown in any case
                self._draw(self._figure, self._result)

    # the view ---------------------------------------------------------------------------------------------------------

    def _sheet(self, theme: str) -> None:
        """A new sheet to draw on."""
        self._figure = style.new_figure(theme)
        self._layers = Layers(self._figure)
        self._spare = self._ahead = None
        self._theme = theme

    def _make_view(self) -> Any:
        """All widgets; the parts that tests and style sheets look for carry classes."""
        wide = ipywidgets.Layout(width="100%", max_width="1000px")
        self._frame_boxes = self._frames = ()
        self._moving_box = ipywidgets.HTML()
        self._picture = ipywidgets.Box([self._moving_box], layout=wide)
        self._numbers_box, self._caption_box, self._status_box = (ipywidgets.HTML() for _ in range(3))
        self._theorem_box = ipywidgets.HTMLMath()
        panel = ipywidgets.HBox(
            [control.view for control in self._controls.values()],
            layout=ipywidgets.Layout(flex_flow="row wrap", max_width="1120px"),
        )
        parts = {
            "status": self._status_box,
            "picture": self._picture,
            "caption": self._caption_box,
            "numbers": self._numbers_box,
            "theorem": self._theorem_box,
        }
        for role, box in parts.items():
            box.add_class(f"lab-{role}")
        described = description(f"lab-{self.name}", f"the {self.title} lab", self.parameters)
        shown = [panel, self._make_bar(), *parts.values(), self._make_shelf()]
        view = ipywidgets.VBox([ipywidgets.HTML(_STYLE), *shown, described])
        view.add_class(f"lab-{self.name}")
        view.add_class("lab-view")
        return view

    def _make_bar(self) -> Any:
        """Presets, undo, redo, reset, theme, stop."""

        def button(role: str, words: str, act: Callable[[], None], tip: str) -> Any:
            made = ipywidgets.Button(description=words, tooltip=tip, layout=ipywidgets.Layout(width="72px"))
            made.add_class(f"lab-{role}")
            made.on_click(lambda _: self._try(act))
            return made

        self._preset_states = {
            name: {parameter.name: parameter.default for parameter in self.parameters} | dict(values)
            for name, values in self.presets.items()
        }
        names = [("choose a preset", None), *((name, name) for name in self.presets)]
        presets = Chooser("preset", "preset", names, label_width=50, width=430)
        self._preset_box = presets.list
        self._preset_box.observe(self._preset_by_hand, names="value")
        self._undo_button = button("undo", "Undo", self.undo, "back to the state before")
        self._redo_button = button("redo", "Redo", self.redo, "forward to the state that was undone")
        reset = button("reset", "Reset", self.reset, "back to the state in which this lab was opened")
        self._stop_button = button("stop", "Stop", self.stop, "stop the computation")
        self._stop_button.layout.display = "none"
        self._theme_box = ipywidgets.Checkbox(
            value=self._theme == "projector",
            description="large type",
            tooltip="for a projector",
            indent=False,
            layout=ipywidgets.Layout(width="110px"),
        )
        self._theme_box.add_class("lab-theme")
        self._theme_box.observe(self._theme_by_hand, names="value")
        own = [
            button(f"button-{name.lower()}", name, partial(self._set_by_hand, values), tip)
            for name, (values, tip) in self.buttons.items()
        ]
        for made in own:
            made.layout.width = "110px"
        row = [presets.view, self._undo_button, self._redo_button, reset, self._theme_box, *own, self._stop_button]
        return ipywidgets.HBox(row, layout=ipywidgets.Layout(flex_flow="row wrap", max_width="1120px"))

    def _make_shelf(self) -> Any:
        """The state code, and what can be taken home."""
        self._code_box = ipywidgets.Text(
            description="state code",
            tooltip="copy it to come back to this state; paste one and press Enter to open it",
            continuous_update=False,
            style={"description_width": "80px"},
            layout=ipywidgets.Layout(width="520px"),
        )
        self._code_box.add_class("lab-code")
        self._code_box.observe(self._code_by_hand, names="value")
        self._link_box, self._download_box = ipywidgets.HTML(), ipywidgets.HTML()
        self._link_box.add_class("lab-link")
        self._download_box.add_class("lab-download")
        files = [ipywidgets.Label("make a file:", layout=ipywidgets.Layout(width="86px"))]
        for suffix in (*style.STILLS, "csv", "json"):
            make = ipywidgets.Button(
                description=suffix.upper(),
                tooltip=f"offer {'the picture' if suffix in style.STILLS else 'the numbers'} as {suffix.upper()}",
                layout=ipywidgets.Layout(width="58px"),
            )
            make.add_class(f"lab-make-{suffix}")
            make.on_click(lambda _, suffix=suffix: self._try(lambda: self._offer(suffix)))
            files.append(make)
        rows = [[self._code_box, self._link_box], [*files, self._download_box]]
        wrap = ipywidgets.Layout(flex_flow="row wrap", max_width="1120px")
        return ipywidgets.VBox([ipywidgets.HBox(row, layout=wrap) for row in rows])

    def _open(self, code: str | None, values: dict[str, Any]) -> None:
        """The first state: of the code, of the link that opened this page, or of the values given."""
        if code is not None and values:
            raise ValueError(f"a lab opens with a state code or with values; both were given: {code!r} and {values}")
        if code is None:
            self._move(self._checked(values))
            self._refresh(self._begin)
        else:
            self._open_code(code)
        if not self._state:
            raise ValueError(self.message)
        asked = state_code.opening_code(self.name) if code is None and self.name not in self._opened else ""
        if asked:
            self._opened.add(self.name)
            try:
                self._open_code(asked)
            except ValueError as error:
                self._refuse(f"{error}; the link or the command that opened this page holds it")

    def _open_code(self, code: str) -> None:
        asked = state_code.decode(self.name, self.parameters, code)

        def shown() -> None:
            self._begin()
            self._lock_controls(asked.fixed, asked.hidden)

        self._move(asked.values)
        self._refresh(shown)

    def _begin(self) -> None:
        """From here on, undo and reset lead back to this state."""
        self._start = self.state
        self._history = History()
        self._history.record(self._start)

    def _record_and_lock(self, fixed: tuple[str, ...], hidden: tuple[str, ...]) -> None:
        """The state of a code is shown: its locks come to those that are there."""
        self._history.record(self._state)
        self._lock_controls((*self._fixed, *fixed), (*self._hidden, *hidden))

    def _lock_controls(self, fixed: tuple[str, ...], hidden: tuple[str, ...]) -> None:
        """Lock these controls at the values of the state that is shown, and free all others."""
        before = {*self._fixed, *self._hidden}
        self._hidden = tuple(dict.fromkeys(hidden))
        self._fixed = tuple(name for name in dict.fromkeys(fixed) if name not in hidden)
        for name, control in self._controls.items():
            control.lock(name in self._fixed, name in self._hidden)
        locked = {*self._fixed, *self._hidden}
        if locked - before:  # the states before have other values there
            self._begin()
        here = self._state
        free = [name for name, state in self._preset_states.items() if all(state[key] == here[key] for key in locked)]
        self._quiet = True
        try:
            self._preset_box.options = [("choose a preset", None), *((name, name) for name in free)]
        finally:
            self._quiet = False

    def _show_theme(self) -> None:
        self._quiet = True
        try:
            self._theme_box.value = self._theme == "projector"
        finally:
            self._quiet = False

    # by hand, beside the controls -------------------------------------------------------------------------------------

    def _preset_by_hand(self, change: Any) -> None:
        with self._lock:
            if change["new"] is not None and not self._quiet:
                self._try(lambda: self.preset(change["new"]))

    def _theme_by_hand(self, change: Any) -> None:
        with self._lock:
            if not self._quiet:
                self._try(lambda: setattr(self, "theme", "projector" if change["new"] else "screen"))

    def _code_by_hand(self, change: Any) -> None:
        with self._lock:
            if not self._quiet:
                self._try(lambda: self.restore(change["new"]))

    def _offer(self, suffix: str) -> None:
        """Links to files with the picture, or with the data: a table each as CSV."""
        links = []
        for table in self.tables() if suffix == "csv" else (None,):
            content = self.exported(suffix, table)
            name = "-".join([self.name, *(table.split() if table else [])]) + f".{suffix}"
            address = f"data:{_KINDS[suffix]};base64,{base64.b64encode(content).decode()}"
            links.append(f"<a download='{name}' href='{address}'>{name} ({len(content) / 1000:.1f} kB)</a>")
        self._download_box.value = " &nbsp; ".join(links)

    def _try(self, act: Callable[[], None]) -> None:
        """What a hand asks for; a wrong wish is answered in the status line."""
        with self._lock:
            self._by_hand = True
            try:
                act()
            except ValueError as error:
                self._refuse(str(error))
            except Exception as error:
                self._fail(error, self._asked_for())
            finally:
                self._by_hand = False
