"""The lab of page 05: the line of critical points that splitting a neuron draws, and which of its points are minima."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from ..activations import ERF, SOFTPLUS
from ..closed_forms.splitting import STATEMENT, TEACHER, SplittingLine, splitting_line
from ..closed_forms.splitting_with_bias import STATEMENT as WITH_BIAS
from ..critical import OutsideTheorem, refine
from ..display import below, eigenvalues, number
from ..figures import splitting as picture
from ..landscapes import PopulationLandscape, SampledLandscape, gaussian_line
from ..networks import Network, orthonormal_teacher
from . import cards
from .export import Tables
from .lab import Lab
from .parameters import Choice, Real, Whole

LOW, HIGH, FARTHEST = -2.0, 3.0, 1.5
_INPUTS = np.linspace(-3.0, 3.0, 241)
#: The steep teacher neurons sigma(5 x + 2.5) and sigma(5 x - 2.5), as rows (weight, bias).
_STEPS = ((5.0, 2.5), (5.0, -2.5))
_OTHER = Network([[1.0, -1.0], [1.0, 2.0], [-2.0, -0.5]], [1.0, 1.0, 2.0])
_PAIR = Network([[-0.5, 3.0], [1.0, 1.0], [1.0, 0.0]], [1.0, 1.0, -1.0])


@dataclass(frozen=True, eq=False)
class Scene:
    """A landscape and where its critical point is found. about : what it is, in words; teacher : what made the target of two inputs."""

    landscape: Callable[[], Any]
    start: tuple[float, ...]
    about: str
    teacher: Network | None = None
    exact: bool = True


def _one_input(heights: tuple[float, float], bias: bool) -> SampledLandscape:
    """One Gaussian input, two erf steps of these heights; with a bias a column of ones."""
    x, weights = gaussian_line()
    X = np.column_stack([x, np.ones_like(x)]) if bias else x[:, None]
    return SampledLandscape(ERF, X, _two_steps(x, heights), weights)


def _two_steps(x: np.ndarray, heights: tuple[float, float]) -> np.ndarray:
    return sum((height * ERF(c * x + b) for height, (c, b) in zip(heights, _STEPS)), np.zeros_like(x))


def _grid(teacher: Network) -> SampledLandscape:
    """7 x 7 points of [-1.5, 1.5]^2 with the labels of an erf teacher."""
    side = np.linspace(-1.5, 1.5, 7)
    X = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    return SampledLandscape(ERF, X, ERF(X @ teacher.W.T) @ teacher.a)


SCENES: dict[str, Scene] = {
    "two steps": Scene(
        lambda: _one_input((1.0, 1.0), False), (1.4, 2.15), "one erf neuron, one Gaussian input, two steps"
    ),
    "two steps, bias": Scene(
        lambda: _one_input((1.0, 0.8), True),
        (1.423, 0.099, 1.928),
        "one erf neuron with a bias, one Gaussian input, two steps",
    ),
    "erf": Scene(
        lambda: PopulationLandscape(ERF, TEACHER),
        (-1.323, 1.517, 3.299),
        "one erf neuron, three teachers, population",
        TEACHER,
    ),
    "softplus": Scene(
        lambda: PopulationLandscape(SOFTPLUS, TEACHER),
        (-2.823, 2.945, 1.551),
        "one softplus neuron, the same three teachers, population",
        TEACHER,
    ),
    "softplus, orthonormal": Scene(
        lambda: PopulationLandscape(SOFTPLUS, orthonormal_teacher(2, 2)),
        (0.461, 0.461, 2.168),
        "one softplus neuron, two orthonormal teachers, population",
        orthonormal_teacher(2, 2),
    ),
    "erf, orthonormal": Scene(
        lambda: PopulationLandscape(ERF, orthonormal_teacher(2, 2)),
        (0.408, 0.408, 2.0),
        "one erf neuron, two orthonormal teachers, population",
        orthonormal_teacher(2, 2),
    ),
    "two neurons": Scene(
        lambda: PopulationLandscape(ERF, _PAIR),
        (0.007, 1.949, 1.334, -0.732, 1.504, -0.413),
        "two erf neurons, three teachers, population",
        _PAIR,
    ),
    "grid": Scene(
        lambda: _grid(TEACHER), (-1.241, 1.402, 3.376), "one erf neuron, 7 x 7 points, three teachers", TEACHER
    ),
    "grid, steep": Scene(
        lambda: _grid(_OTHER), (-3.601, -0.772, 0.985), "one erf neuron, 7 x 7 points, three other teachers", _OTHER
    ),
}


@dataclass(frozen=True, eq=False)
class Spectra:
    """Along the line: gammas (G,), eigenvalues off the line (G, P - 1), curvature of the pure splitting directions (G, d)."""

    gammas: np.ndarray
    eigenvalues: np.ndarray
    pure: np.ndarray


@dataclass(frozen=True, eq=False)
class SplittingResult:
    """The view, the scene, the sentence of what fails ("" where the rule applies), and the neuron asked for."""

    view: picture.SplittingView
    scene: Scene
    outside: str
    neuron: int

    @property
    def remark(self) -> str:
        """What to say where the network has no such neuron."""
        return "the network has one neuron: that one is split" if self.neuron > self.view.line.student.n else ""


@cache  # nine scenes, the same for every lab of this session
def line(landscape: str, neuron: int) -> SplittingLine:
    """The splitting line of this neuron, of the last one where there are fewer."""
    scene = SCENES[landscape]
    point = refine(scene.landscape(), np.array(scene.start))
    return splitting_line(point.landscape, point.student, min(neuron, point.student.n) - 1)


def off_the_line(spectra: np.ndarray) -> np.ndarray:
    """Sorted eigenvalues (..., P) without the zero of the line itself: the one nearest 0."""
    away = np.argmin(np.abs(spectra), axis=-1, keepdims=True)
    places = np.arange(spectra.shape[-1] - 1) + (np.arange(spectra.shape[-1] - 1) >= away)
    return np.take_along_axis(spectra, places, axis=-1)


@cache
def spectra(line: SplittingLine) -> Spectra:
    """The spectrum at steps of 1/25 in gamma."""
    gammas = np.linspace(LOW, HIGH, 126)
    return Spectra(gammas, off_the_line(line.spectrum(gammas)), line.pure_curvature(gammas))


@cache
def surfaces(line: SplittingLine) -> tuple[picture.Surface, picture.Surface]:
    """The loss around the line in the direction that decides between gamma = 0 and 1, and in that which decides outside."""
    vectors = np.linalg.eigh(line.B)[1]
    inside = _surface(line, vectors[:, 0])
    return inside, inside if len(line.B) == 1 else _surface(line, vectors[:, -1])


def _surface(line: SplittingLine, delta: np.ndarray) -> picture.Surface:
    delta = delta * np.sign(delta[np.argmax(np.abs(delta))]) * np.linalg.norm(line.student.W[line.neuron])
    gammas = np.linspace(LOW, HIGH, 59)  # neither 0 nor 1 is among them: there all is equal
    steps = np.linspace(-FARTHEST, FARTHEST, 22)  # an even number, so that the line itself lies between
    rises = line.landscape.value(line.moved(gammas[None, :], delta, _length(steps[:, None], gammas)))
    return picture.Surface(gammas, steps, rises - line.original.loss, delta)


def _length(steps: Any, gammas: Any) -> Any:
    """The multiple of delta that makes a step of length s |delta| along the pure splitting direction."""
    return steps / np.sqrt(gammas**2 + (1.0 - gammas) ** 2)


def _reach(line: SplittingLine) -> float:
    """How far the pictures look around the line: the length of w, to one digit."""
    length = float(np.linalg.norm(line.student.W[line.neuron]))
    unit = 10.0 ** np.floor(np.log10(length))
    return float(unit * np.ceil(length / unit))


def result(
    landscape: str,
    line: SplittingLine,
    spectra: Spectra,
    surfaces: tuple[picture.Surface, picture.Surface],
    neuron: int,
    gamma: float,
    apart: float,
) -> SplittingResult:
    """All of it."""
    scene = SCENES[landscape]
    outside = ""
    plateaus: tuple[tuple[float, float], ...] | None = None
    try:
        plateaus = line.intervals
    except OutsideTheorem as error:
        outside = str(error)
    middle = 2.0 if plateaus and not any(low < 0.5 < high for low, high in plateaus) else 0.5
    escape, reference = line.escape(gamma), line.escape(middle)
    steps = np.linspace(-1.0, 1.0, 81) * 0.5 * _reach(line)
    profile, other = (_profile(line, at, way, steps) for at, (_, way) in ((gamma, escape), (middle, reference)))
    surface = surfaces[0 if 0.0 <= gamma <= 1.0 else 1]
    moved = line.landscape.network(line.moved(gamma, surface.delta, _length(apart, gamma)))
    view = picture.SplittingView(
        line,
        gamma,
        spectra.gammas,
        spectra.eigenvalues,
        off_the_line(line.spectrum(gamma)),
        spectra.pure,
        plateaus,
        surface,
        steps,
        profile,
        other,
        middle,
        escape,
        apart,
        moved.W[line.neuron : line.neuron + 2],
        float(line.landscape.value(moved)) - line.original.loss if apart else 0.0,
        line.point(gamma),
        _curve(landscape, line, moved if apart else None) if scene.teacher is None else None,
        scene.teacher,
    )
    return SplittingResult(view, scene, outside, neuron)


def _profile(line: SplittingLine, gamma: float, way: np.ndarray, steps: np.ndarray) -> np.ndarray:
    moved = line.students(gamma) + steps[:, None] * way
    return np.asarray(line.landscape.value(moved) - line.original.loss)


def _curve(name: str, line: SplittingLine, moved: Network | None) -> picture.Curve:
    """Target and network as functions of one input, and the network with its copies pulled apart."""
    X = np.column_stack([_INPUTS, np.ones_like(_INPUTS)])[:, : line.student.d]

    def output(student: Network) -> np.ndarray:
        return np.asarray(line.landscape.activation(X @ student.W.T) @ student.a)

    target = _two_steps(_INPUTS, (1.0, 0.8) if "bias" in name else (1.0, 1.0))
    return picture.Curve(_INPUTS, target, output(line.student), None if moved is None else output(moved))


class Splitting(Lab):
    """The line of critical points on which one neuron is split into two, with its spectrum, plateau and the loss around it.

    Controls: landscape (the loss and its critical point), neuron (which of its neurons is split), gamma (the share of the outgoing weight
    that the first copy gets), apart (how far the copies are pulled apart, in units of |w|).
    """

    name = "splitting"
    title = "splitting"
    parameters = (
        Choice("landscape", "landscape", "two steps", "the loss, and its critical point that is split", options=SCENES),
        Whole("neuron", "neuron", 1, "which neuron is split; the only one where there is one", low=1, high=2),
        Real("gamma", "γ", 0.5, "share of the outgoing weight that the first copy gets", low=LOW, high=HIGH, step=0.05),
        Real(
            "apart",
            "s (apart)",
            0.0,
            "how far the copies are pulled apart, in units of |w|",
            low=-FARTHEST,
            high=FARTHEST,
            step=0.05,
        ),
    )
    steps = (line, spectra, surfaces, result)
    presets: ClassVar = {
        "two steps: a plateau between 0 and 1": {},
        "two steps, outside: a saddle, and the way down": {"gamma": 2.0, "apart": -0.6},
        "a silenced neuron": {"gamma": 1.0},
        "with a bias: never a plateau": {"landscape": "two steps, bias"},
        "erf: minima outside, saddles inside": {"landscape": "erf"},
        "softplus, the same teachers: minima inside": {"landscape": "softplus"},
        "indefinite: saddles everywhere": {"landscape": "softplus, orthonormal"},
        "two neurons: one has a plateau, one has none": {"landscape": "two neurons", "neuron": 2},
        "outside the theorem: B has a zero eigenvalue": {"landscape": "erf, orthonormal"},
    }

    def _draw(self, figure: Figure, result: SplittingResult) -> None:
        picture.draw(figure, result.view)

    def _marks(self, result: SplittingResult) -> dict[str, list[tuple[float, str]]]:
        d = result.view.line.student.d
        zeros = f"{1 + d} zero eigenvalues"
        return {
            "gamma": [
                (0.0, f"γ = 0: the first copy is silenced, {zeros}"),
                (1.0, f"γ = 1: the second copy is silenced, {zeros}"),
            ]
        }

    def _status(self, result: SplittingResult) -> str:
        remark = f"; {result.remark}" if result.remark else ""
        if result.outside:
            return f"{_verdict(result)}; no rule says more: {result.outside}{remark}"
        rule = f"B is {result.view.line.definiteness}: {_rule(result).replace('gamma', 'γ')}"
        return f"{_verdict(result)} (index {result.view.point.index}); {rule}{remark}"

    def _theorem(self, result: SplittingResult) -> str:
        line = result.view.line
        otherwise = "index and nullity come from H_original and B all the same, the kind of point from the loss nearby"
        card = cards.theorem(STATEMENT, line.verdicts, otherwise)
        if line.landscape.d == 2 and result.scene.teacher is None:
            title = WITH_BIAS.title[:1].upper() + WITH_BIAS.title[1:]
            claim = html.escape(WITH_BIAS.claim, quote=False).replace("**", "")
            card += f"<p><b>{title}.</b> <i>{WITH_BIAS.status}</i></p><p>{claim}</p>"
        return card

    def _numbers(self, result: SplittingResult) -> str:
        view = result.view
        line, point = view.line, view.point
        silenced = view.gamma in (0.0, 1.0)
        rows = [
            ("landscape", html.escape(result.scene.about)),
            ("loss on the line", number(line.original.loss, 10, line.landscape.constant)),
            ("largest gradient entry", below(point.residual)),
            ("eigenvalues of B", eigenvalues(line.matrix_spectrum)),
            ("eigenvalues of H<sub>original</sub>", eigenvalues(line.original.spectrum)),
            (
                "outgoing weights γ<i>a</i>, (1 − γ)<i>a</i>",
                ", ".join(number(a, 6, abs(line.student.a[line.neuron])) for a in _shares(view)),
            ),
            ("eigenvalues here", eigenvalues(point.spectrum)),
            ("index, zero modes", f"{point.index}, {html.escape(point.describe_zero_modes())}"),
            ("γ(1 − γ) times B", eigenvalues(view.gamma * (1 - view.gamma) * line.matrix_spectrum)),
            ("kind", f"<b>{_verdict(result)}</b>"),
        ]
        if view.apart:
            rows.append((f"change of the loss with s = {view.apart:g}", _signed(view.rise, line)))
        if silenced:
            rows.append(
                ("silenced", "one copy has outgoing weight 0: its weights can be changed freely to second order")
            )
        body = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)
        return f"<table><tr><th>quantity</th><th>value</th></tr>{body}</table>"

    def _caption(self, result: SplittingResult) -> str:
        view = result.view
        last = (
            "Lower right: the target and the function of the network, the same for every γ; dashed with the copies pulled apart by s."
            if view.curve is not None
            else "Lower right: the weight vectors; crosses are the copies pulled apart by s, for s = 0 arrows show the lowest direction."
        )
        band = "The grey band is the plateau. " if view.plateaus else ""
        return (
            "Upper left: the eigenvalues of the Hessian along the line, on an axis that is linear around 0; "
            f"dotted the curvature along the pure splitting directions. {band}Lower left: the loss over γ and over the distance s to which "
            "the copies are pulled apart, in units of |w|; dark is low, black the loss of the line itself, the thick part of the line "
            "are minima. Upper "
            f"right: the loss along the lowest direction here, its second order dashed; for comparison that at γ = {view.middle:g}. {last}"
        )

    def _summary(self, result: SplittingResult) -> str:
        view = result.view
        line, point = view.line, view.point
        lines = [
            f"{result.scene.about}: neuron {line.neuron + 1} of {line.student.n} split, gamma = {view.gamma:g}",
            f"loss {number(line.original.loss, 10, line.landscape.constant)} for every gamma, eigenvalues of B "
            f"{eigenvalues(line.matrix_spectrum)}: {line.definiteness}",
            f"{_verdict(result)}, index {point.index}, {point.describe_zero_modes()}",
            f"Hessian spectrum {eigenvalues(point.spectrum)}",
        ]
        if result.outside:
            lines.append(f"outside the theorem: {result.outside}")
        else:
            lines.append(f"theorem: {_rule(result)}")
        if result.remark:
            lines.append(result.remark)
        if view.apart:
            lines.append(f"copies pulled apart by s = {view.apart:g}: the loss changes by {_signed(view.rise, line)}")
        return "\n".join(lines)

    def _tables(self, result: SplittingResult) -> Tables:
        view = result.view
        surface = view.surface
        gammas, steps = np.meshgrid(surface.gammas, surface.steps)
        return {
            "spectrum": {
                "gamma": view.gammas,
                **{f"eigenvalue {i + 1}": column for i, column in enumerate(view.spectra.T)},
                **{f"pure splitting {i + 1}": column for i, column in enumerate(view.pure.T)},
            },
            "surface": {"gamma": gammas.ravel(), "apart": steps.ravel(), "rise": surface.rises.ravel()},
            "profile": {"step": view.steps, "rise": view.profile, f"rise at gamma {view.middle:g}": view.reference},
            "here": {"eigenvalue": view.point.spectrum},
        }


def _signed(rise: float, line: SplittingLine) -> str:
    """ "+0.0123" or "-0.0123", or "0" where the loss is that of the line to its digits."""
    words = number(rise, 4, line.landscape.constant)
    return words if words == "0" or words.startswith("-") else f"+{words}"


def _shares(view: picture.SplittingView) -> tuple[float, float]:
    a = float(view.line.student.a[view.line.neuron])
    return view.gamma * a, (1.0 - view.gamma) * a


def _verdict(result: SplittingResult) -> str:
    """ "local minimum on a plateau", "saddle", "degenerate saddle at the end of the plateau"."""
    view = result.view
    if view.plateaus is None or view.gamma in (0.0, 1.0):
        return view.point.kind
    if any(low < view.gamma < high for low, high in view.plateaus):
        return "local minimum on a plateau"
    return "saddle"


def _rule(result: SplittingResult) -> str:
    return {
        "inside": "minima for 0 < gamma < 1, saddles outside",
        "outside": "minima for gamma < 0 and gamma > 1, saddles between",
        "nowhere": "saddles for every gamma other than 0 and 1",
    }[result.view.line.plateau]
