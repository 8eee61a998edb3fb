"""The lab of page 02: one student neuron, k teachers."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from ..activations import ACTIVATIONS
from ..closed_forms.one_neuron import one_neuron_points, statement_for
from ..critical import Statement
from ..display import eigenvalues, number
from ..figures import one_neuron as picture
from ..landscapes import PopulationLandscape
from ..networks import Network, equicorrelated_teacher
from ..search import OneNeuronPoints
from .lab import Lab


@dataclass(frozen=True, eq=False)
class OneNeuronResult:
    """The view, the theorem about this activation (None if there is none) and its verdicts on this teacher."""

    view: picture.OneNeuronView
    statement: Statement | None
    verdicts: tuple[tuple[str, str | None], ...]

    @property
    def applies(self) -> bool:
        """Whether a theorem gives these points."""
        return self.statement is not None and all(given is None for _, given in self.verdicts)


def spread_weights(k: int, spread: float) -> np.ndarray:
    """Outgoing teacher weights from 1 to 1 + spread in equal steps."""
    return 1.0 + spread * np.arange(k) / max(k - 1, 1)


@lru_cache(maxsize=256)
def _points(name: str, teacher: Network) -> OneNeuronPoints:
    return one_neuron_points(ACTIVATIONS[name], teacher)


class OneNeuron(Lab):
    """The exact landscape of one student neuron that learns from k teachers, with all known critical points and their Morse index.

    Controls: activation, k, d, correlation and norm of the teacher vectors, spread of the outgoing weights (b runs from 1 to 1 + spread),
    point (which critical point is shown at the right, lowest loss first).
    """

    name = "one-neuron"
    title = "one-neuron"

    def _make_controls(self) -> Mapping[str, Any]:
        def real(value: float, low: float, high: float, step: float, label: str) -> Any:
            return ipywidgets.FloatSlider(
                value=value, min=low, max=high, step=step, description=label, readout_format=".2f"
            )

        return {
            "activation": ipywidgets.Dropdown(options=list(ACTIVATIONS), value="erf", description="activation"),
            "k": ipywidgets.IntSlider(value=3, min=1, max=10, description="k (teachers)"),
            "d": ipywidgets.IntSlider(value=4, min=1, max=12, description="d (inputs)"),
            "correlation": real(0.0, -1.0, 1.0, 0.05, "correlation"),
            "norm": real(1.0, 0.2, 3.0, 0.1, "teacher norm"),
            "spread": real(0.0, 0.0, 2.0, 0.1, "weight spread"),
            "point": ipywidgets.IntSlider(value=1, min=1, max=6, description="point shown"),
        }

    def _compute(self, state: dict[str, Any]) -> OneNeuronResult:
        activation, k = ACTIVATIONS[state["activation"]], state["k"]
        teacher = equicorrelated_teacher(
            k, state["d"], round(state["correlation"], 9), state["norm"], spread_weights(k, state["spread"])
        )
        landscape = PopulationLandscape(activation, teacher)
        points = _points(activation.name, teacher)
        statement = statement_for(activation)
        verdicts = statement.verdicts(activation, teacher) if statement else ()
        chosen = max(min(state["point"], len(points)) - 1, 0)
        return OneNeuronResult(picture.one_neuron_view(landscape, points, chosen), statement, verdicts)

    def _draw(self, figure: Figure, result: OneNeuronResult) -> None:
        picture.draw(figure, result.view)
        # a search takes a moment: the sliders then act when they are let go
        for control in self.controls.values():
            if hasattr(control, "continuous_update"):
                control.continuous_update = result.applies

    def _status(self, result: OneNeuronResult) -> str:
        points = result.view.points
        source = (
            result.statement.title if result.applies and result.statement else "outside every theorem: numerical search"
        )
        shown = f"point {result.view.chosen + 1} of {len(points)}" if len(points) else "no finite critical point"
        return f"{shown}; {source}"

    def _numbers(self, result: OneNeuronResult) -> str:
        view = result.view
        parts = [_theorem(result)]
        rows = []
        for i, point in enumerate(view.points):
            norm = float(np.linalg.norm(point.student.W))
            cells = (
                f"{'▶ ' if i == view.chosen else ''}{i + 1}",
                html.escape(point.name),
                number(point.loss, 8, view.landscape.constant),
                number(norm, 6),
                number(float(point.student.a[0]), 6),
                f"{point.index}",
                html.escape(point.describe_zero_modes()),
                f"<b>{point.kind}</b>",
                point.method,
            )
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        head = "".join(
            f"<th>{cell}</th>"
            for cell in ("", "point", "$L$", "$|w|$", "$a$", "index", "zero modes", "kind", "found by")
        )
        parts.append(f"<table><tr>{head}</tr>{''.join(rows)}</table>")
        parts.append(f"<p>{html.escape(_sentence(view.points.remark))}</p>")
        return "".join(parts)

    def _caption(self, result: OneNeuronResult) -> str:
        view = result.view
        outside = [point for point in view.points if view.y.size > 1 and not picture.place(view, point)[2]]
        crosses = " Crosses are critical points outside this plane, at their distance from its axis." if outside else ""
        ray = (
            " Only the direction of w matters to this activation: each critical point is a whole ray."
            if view.landscape.activation.homogeneous
            else ""
        )
        across = f" and, across it, the direction {view.plane.across_name}" if view.plane.across_name else ""
        return (
            f"Left: the loss over the weight vectors w spanned by the {view.plane.along_name}{across}, each with its "
            "best outgoing weight; dark is low, contour levels crowd at the minimum; discs are minima, rings saddles with their index."
            f"{crosses}{ray} Upper right: the same loss over |w| along the point shown. Lower right: its Hessian spectrum, negative "
            "eigenvalues below the axis, zero modes hatched and named."
        )

    def _summary(self, result: OneNeuronResult) -> str:
        view = result.view
        teacher, activation = view.landscape.teacher, view.landscape.activation
        teachers = (
            f"{teacher.n} teacher{'s' if teacher.n > 1 else ''} in {teacher.d} dimension{'s' if teacher.d > 1 else ''}"
        )
        lines = [f"One {activation.name} neuron, {teachers}, E[f*^2] = {number(view.landscape.constant, 8)}"]
        if result.applies and result.statement:
            lines.append(f"theorem: {result.statement.title} ({result.statement.status}); {view.points.remark}")
        else:
            failed = [f"needs {sentence}; given: {given}" for sentence, given in result.verdicts if given is not None]
            lines.append(
                "outside every theorem: numerical"
                + "".join(f"; {result.statement.title} {text}" for text in failed[:1] if result.statement)
            )
            lines.append(view.points.remark)
        for i, point in enumerate(view.points):
            lines.append(
                f"{i + 1}. {point.name}: {point.kind}, index {point.index}, {point.describe_zero_modes()}, "
                f"loss {number(point.loss, 8, view.landscape.constant)}, |w| = {number(float(np.linalg.norm(point.student.W)), 6)}, "
                f"a = {number(float(point.student.a[0]), 6)}, {point.method}"
            )
        if view.point is not None:
            lines.append(f"Hessian spectrum of point {view.chosen + 1}: {eigenvalues(view.point.spectrum)}")
        return "\n".join(lines)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _theorem(result: OneNeuronResult) -> str:
    """The statement with its hypotheses ticked or crossed."""
    activation = result.view.landscape.activation
    if result.statement is None:
        return (
            f"<p><b>Outside every theorem: numerical.</b> No closed form is known here for one {html.escape(activation.name)} neuron; "
            "the points below come from a search.</p>"
        )
    statement = result.statement
    ticks = "".join(
        f"<li>{'✓' if given is None else '✗'} {html.escape(sentence)}"
        + (f" — {html.escape(given)} given" if given else "")
        + "</li>"
        for sentence, given in result.verdicts
    )
    verdict = "applies" if result.applies else "does not apply here: the points below come from a numerical search"
    checks = "; ".join(statement.verified)
    claim = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", statement.claim)
    return (
        f"<p><b>{html.escape(statement.title[:1].upper() + statement.title[1:])} {verdict}.</b> <i>{html.escape(statement.status)}</i></p>"
        f"<p>{claim}</p>"
        f"<ul style='list-style:none;padding-left:0'>{ticks}</ul><p style='color:#555'>Checked by: {html.escape(checks)}.</p>"
    )
