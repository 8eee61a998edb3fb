"""The lab of page 02: one student neuron, k teachers."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from ..activations import ACTIVATIONS
from ..closed_forms import bifurcations
from ..closed_forms.one_neuron import completed, one_neuron, statement_for
from ..critical import OutsideTheorem, Statement
from ..display import eigenvalues, number
from ..figures import one_neuron as picture
from ..landscapes import PopulationLandscape
from ..networks import Network, equicorrelated_teacher
from ..search import OneNeuronPoints
from . import cards
from .computation import Progress
from .export import Tables
from .lab import Lab
from .parameters import Choice, Real, Whole


@dataclass(frozen=True, eq=False)
class OneNeuronResult:
    """The view, the theorem about this activation (None if there is none), its verdicts on this teacher, and bifurcations by slider."""

    view: picture.OneNeuronView
    statement: Statement | None
    verdicts: cards.Verdicts
    bifurcations: Mapping[str, tuple[bifurcations.Bifurcation, ...]]

    @property
    def applies(self) -> bool:
        """Whether a theorem gives these points."""
        return self.statement is not None and all(given is None for _, given in self.verdicts)


def spread_weights(k: int, spread: float) -> np.ndarray:
    """Outgoing teacher weights from 1 to 1 + spread in equal steps."""
    return 1.0 + spread * np.arange(k) / max(k - 1, 1)


def teacher(k: int, d: int, correlation: float, norm: float, spread: float) -> Network:
    """The teacher of the sliders."""
    return equicorrelated_teacher(k, d, correlation, norm, spread_weights(k, spread))


def landscape(activation: str, teacher: Network) -> PopulationLandscape:
    """Its landscape for one neuron."""
    return PopulationLandscape(ACTIVATIONS[activation], teacher)


def closed(landscape: PopulationLandscape) -> OneNeuronPoints | None:
    """The critical points that a theorem gives; None without one."""
    try:
        return one_neuron(landscape.activation, landscape.teacher)
    except OutsideTheorem:
        return None


def points(landscape: PopulationLandscape, closed: OneNeuronPoints | None, progress: Progress) -> OneNeuronPoints:
    """All known critical points."""
    return completed(closed, landscape.activation, landscape.teacher, progress)


def surface(landscape: PopulationLandscape, points: OneNeuronPoints) -> picture.Surface:
    """The loss over a plane."""
    return picture.loss_surface(landscape, points)


def turning(
    activation: str, k: int, d: int, correlation: float, norm: float, spread: float
) -> dict[str, tuple[bifurcations.Bifurcation, ...]]:
    """The bifurcation values along the sliders, where the teachers are alike."""
    act, ranges = ACTIVATIONS[activation], {parameter.name: parameter for parameter in OneNeuron.parameters}
    found = {}
    for name, cosine in (
        ("correlation", 0.0),
        ("norm", correlation),
    ):  # at an end of its own range a teacher has no mean
        if cosine < 1.0 and k > d:
            continue
        limits = ranges[name]
        assert isinstance(limits, Real)
        alike = equicorrelated_teacher(k, d, cosine, norm, spread_weights(k, spread))
        found[name] = bifurcations.bifurcations(act, alike, name, limits.low, limits.high)
    return found


def result(
    landscape: PopulationLandscape,
    points: OneNeuronPoints,
    surface: picture.Surface,
    turning: dict[str, tuple[bifurcations.Bifurcation, ...]],
    point: int,
) -> OneNeuronResult:
    """All of it, with one of the points in detail."""
    statement = statement_for(landscape.activation)
    verdicts = statement.verdicts(landscape.activation, landscape.teacher) if statement else ()
    chosen = max(min(point, len(points)) - 1, 0)
    return OneNeuronResult(picture.one_neuron_view(landscape, points, chosen, surface), statement, verdicts, turning)


class OneNeuron(Lab):
    """The exact landscape of one student neuron that learns from k teachers, with all known critical points and their Morse index.

    Controls: activation, k, d, correlation and norm of the teacher vectors, spread of the outgoing weights (b runs from 1 to 1 + spread),
    point (which critical point is shown at the right, lowest loss first).
    """

    name = "one-neuron"
    title = "one-neuron"
    parameters = (
        Choice("activation", "activation", "erf", "the function sigma of all neurons", options=ACTIVATIONS),
        Whole("k", "k (teachers)", 3, "number of teacher neurons", low=1, high=10),
        Whole("d", "d (inputs)", 4, "dimension of the inputs", low=1, high=12),
        Real("correlation", "correlation", 0.0, "cosine of any two teacher vectors", low=-1.0, high=1.0, step=0.05),
        Real("norm", "teacher norm", 1.0, "length of the teacher vectors", low=0.2, high=3.0, step=0.1),
        Real("spread", "weight spread", 0.0, "outgoing weights run from 1 to 1 + spread", low=0.0, high=2.0, step=0.1),
        Whole("point", "point shown", 1, "which critical point, lowest loss first", low=1, high=6),
    )
    steps = (teacher, landscape, closed, points, surface, turning, result)
    presets: ClassVar = {
        "erf, three teachers": {},
        "erf, six teachers: a soft direction": {"k": 6, "d": 7},
        "erf, unequal weights: outside the theorem": {"spread": 1.0},
        "relu: a whole ray of minima": {"activation": "relu"},
        "relu, nearly opposite teachers: the average is a saddle": {"activation": "relu", "k": 2, "correlation": -0.7},
        "cos: critical, but no minimum": {"activation": "cos"},
        "gelu: the infimum lies at infinity": {"activation": "gelu"},
    }

    def _takes_long(self, state: Mapping[str, Any]) -> bool:
        """A search takes a moment; a complete closed form takes none."""
        try:
            closed = self._computation(state, until="closed")
        except ValueError:  # a teacher that does not exist is refused at once
            return False
        except OverflowError:
            return True
        return closed is None or not closed.complete

    def _draw(self, figure: Figure, result: OneNeuronResult) -> None:
        picture.draw(figure, result.view)

    def _status(self, result: OneNeuronResult) -> str:
        points = result.view.points
        source = (
            result.statement.title if result.applies and result.statement else "outside every theorem: numerical search"
        )
        shown = f"point {result.view.chosen + 1} of {len(points)}" if len(points) else "no finite critical point"
        return f"{shown}; {source}"

    def _marks(self, result: OneNeuronResult) -> dict[str, list[tuple[float, str]]]:
        return {
            name: [(one.value, f"{name} = {one.value:.4g}: {one.sentence}") for one in found]
            for name, found in result.bifurcations.items()
        }

    def _theorem(self, result: OneNeuronResult) -> str:
        if result.statement is None:
            name = html.escape(result.view.landscape.activation.name)
            return (
                f"<p><b>Outside every theorem: numerical.</b> No closed form is known here for one {name} neuron; the points come "
                "from a search.</p>"
            )
        marks = [
            (self._known(name).label, one.value, one.sentence)
            for name, found in result.bifurcations.items()
            for one in found
        ]
        otherwise = "the points come from a numerical search"
        return cards.theorem(result.statement, result.verdicts, otherwise) + cards.turning_points(marks)

    def _numbers(self, result: OneNeuronResult) -> str:
        view = result.view
        rows = []
        for i, point in enumerate(view.points):
            norm = float(np.linalg.norm(point.student.W))
            cells = (
                f"{'▶&nbsp;' if i == view.chosen else ''}{i + 1}",
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
        names = ("", "point", "loss <i>L</i>", "|<i>w</i>|", "<i>a</i>", "index", "zero modes", "kind", "found by")
        head = "".join(f"<th>{name}</th>" for name in names)
        remark = cards.typeset(_sentence(view.points.remark))
        return f"<table><tr>{head}</tr>{''.join(rows)}</table><p>{remark}</p>"

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

    def _tables(self, result: OneNeuronResult) -> Tables:
        view = result.view
        x, y = np.meshgrid(view.x, view.y)
        spectrum = view.point.spectrum if view.point is not None else np.empty(0)
        return {
            "critical points": {
                "point": [point.name for point in view.points],
                "kind": [point.kind for point in view.points],
                "index": [point.index for point in view.points],
                "nullity": [point.nullity for point in view.points],
                "loss": [point.loss for point in view.points],
                "norm": [float(np.linalg.norm(point.student.W)) for point in view.points],
                "a": [float(point.student.a[0]) for point in view.points],
                "found by": [point.method for point in view.points],
            },
            "spectrum": {"eigenvalue": spectrum},
            "profile": {"norm": view.norms, "loss": view.profile},
            "surface": {"along": x.ravel(), "across": y.ravel(), "loss": view.surface.ravel()},
        }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
