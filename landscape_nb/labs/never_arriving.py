"""The lab of page 07: gradient flow towards a minimum at infinity, over twelve decades of time."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from ..activations import ACTIVATIONS, Activation
from ..closed_forms.sad import (
    ELU,
    NOT_SAD,
    POLYNOMIALS,
    SAD,
    SOFTSIGN,
    STATEMENT,
    Valley,
    nearest_valley,
    normal_start,
    polynomial_landscape,
    valleys_to_infinity,
)
from ..display import number, vector
from ..figures import never_arriving as picture
from ..landscapes import SampledLandscape
from ..long_flows import LongFlow
from ..long_flows import long_flow as follow
from ..power_laws import decade_exponent, local_exponents
from . import cards
from .computation import Interrupted, Progress
from .export import Tables
from .lab import Lab
from .parameters import Choice, Logarithmic, Whole

NAMES = ("tanh", "sigmoid", "softplus", "erf", "gelu", "silu")
#: Names of activations, those outside the published theorem last.
OPTIONS: dict[str, Activation] = {
    **{name: ACTIVATIONS[name] for name in NAMES},
    "elu": ELU,
    "softsign": SOFTSIGN,
    "relu": ACTIVATIONS["relu"],
    "square": ACTIVATIONS["square"],
}
#: Until when a flow is followed, and the error allowed in a step.
T_MAX = 1e12
TOLERANCES = {"rtol": 1e-8, "atol": 1e-10}
#: Exponents are measured over so many decades before the chosen time, of which all are later than 1.
_DECADES = 3
#: Exponents of single decades may differ by this share of their mean, or there is no power law.
_UNEVEN = 0.15
_POINTS = 161
_ENDED = {
    "time": "it is still on its way",
    "arrived": "it has arrived: it stands still at a finite point",
    "refused": "it cannot be followed further: the loss is not smooth there",
    "budget": "its steps were used up",
}


@dataclass(frozen=True, eq=False)
class NeverArrivingResult:
    """The view, the flow, the valley that its end is in (None for none) and the theorem's verdicts."""

    view: picture.NeverArrivingView
    flow: LongFlow
    valley: Valley | None
    time: float
    verdicts: cards.Verdicts
    target: str


def landscape(target: str, activation: str) -> SampledLandscape:
    """Equally spaced samples of the target on [-1, 1]^d, with input and output bias."""
    return polynomial_landscape(OPTIONS[activation], target)


def flow(landscape: SampledLandscape, width: int, seed: int, progress: Progress) -> LongFlow:
    """The flow from the normal start of this seed."""
    found = follow(landscape, normal_start(width, landscape.d, seed), T_MAX, progress=progress, **TOLERANCES)
    if found.reason == "interrupted":
        raise Interrupted
    return found


def verdicts(landscape: SampledLandscape, width: int) -> cards.Verdicts:
    """The hypotheses of the derived law, and the number of neurons."""
    found = STATEMENT.verdicts(landscape.activation, landscape)  # type: ignore[arg-type] # samples stand for the teacher
    return (*found, ("two neurons", None if width == 2 else f"{width} neuron{'s' if width > 1 else ''}"))


def valley(landscape: SampledLandscape, flow: LongFlow, verdicts: cards.Verdicts) -> Valley | None:
    """The valley that the end of the flow is in, where the theorem applies."""
    if any(given is not None for _, given in verdicts):
        return None
    return nearest_valley(valleys_to_infinity(landscape.activation, landscape), flow.end)


def result(
    landscape: SampledLandscape,
    flow: LongFlow,
    verdicts: cards.Verdicts,
    valley: Valley | None,
    target: str,
    width: int,
    time: float,
) -> NeverArrivingResult:
    """All of it, at the recorded time closest to the one chosen."""
    d, polynomial = landscape.d, POLYNOMIALS[target]
    times = flow.times[1:]  # the first is 0
    students = flow.students[1:]
    chosen = int(np.argmin(np.abs(np.log(times / min(max(time, times[0]), times[-1])))))
    rows = students[:, : width * d].reshape(-1, width, d)
    outgoing = students[:, width * d : -1]
    line = np.linspace(-1.0, 1.0, _POINTS)
    places = np.repeat(line[:, None], polynomial.d, axis=1)
    hidden = landscape.activation(np.column_stack([places, np.ones(_POINTS)]) @ rows[chosen].T)
    weights = rows[..., 0] if polynomial.d == 1 else np.linalg.norm(rows[..., :-1], axis=-1)
    norms, losses = flow.norms[1:], flow.losses[1:]
    view = picture.NeverArrivingView(
        times,
        norms,
        losses,
        flow.norms[0] + flow.bound[1:],
        chosen,
        None if valley is None else valley.norm(times),
        None if valley is None else valley.loss(times),
        exponents(times[: chosen + 1], norms[: chosen + 1], losses[: chosen + 1]),
        None if valley is None else (valley.norm_exponent, valley.loss_exponent),
        line,
        polynomial(places),
        hidden @ outgoing[chosen] + students[chosen, -1],
        "input x" if polynomial.d == 1 else "input x = y",
        weights,
        rows[..., -1],
        outgoing,
        () if valley is None else tuple(sorted(set(valley.biases))),
    )
    return NeverArrivingResult(view, flow, valley, float(times[chosen]), verdicts, target)


def exponents(times: np.ndarray, norms: np.ndarray, losses: np.ndarray) -> tuple[float, float]:
    """(norm, loss) over the last three decades, NaN where there is no power law.

    Of the norm by its increments over decades, of the loss by the mean slope; none before t = 1e4, for a norm that does not grow
    throughout or by less than 1 %, for a loss at rounding, and where the exponents of single decades differ by
    more than 15 %.
    """
    per_decade = round(1.0 / float(np.log10(times[1] / times[0]))) if len(times) > 1 else 0
    steps = np.arange(_DECADES, -1, -1) * per_decade
    if len(times) <= steps[0] or times[-1] < 1e4 * 0.999:
        return float("nan"), float("nan")
    t, norm, loss = (values[-1 - steps[0] :] for values in (times, norms, losses))
    whole = -1 - steps
    of_norm = of_loss = float("nan")
    increments, slopes = np.diff(norms[whole]), np.diff(np.log10(np.maximum(losses[whole], 1e-300)))
    if (np.diff(norm) > 0).all() and norm[-1] > 1.01 * norm[0] and _even(np.diff(np.log10(increments))):
        found = decade_exponent(t, norm)
        of_norm = found if found > 0 else of_norm  # below 0 the norm grows towards a limit
    at_rounding = loss[-1] <= 1e-14 * losses[0]
    if (np.diff(loss) < 0).all() and not at_rounding and loss[-1] < 0.99 * loss[0] and _even(slopes):
        of_loss = float(np.mean(local_exponents(t, loss)))
    return of_norm, of_loss


def _even(slopes: np.ndarray) -> bool:
    return float(np.ptp(slopes)) <= _UNEVEN * abs(float(np.mean(slopes)))


class NeverArriving(Lab):
    """A network with input and output bias learns a polynomial, and its gradient flow is followed over twelve decades of time.

    Controls: target, activation, width (number of neurons), seed (of the normal start), time (of the view; the flow is followed once).
    """

    name = "never-arriving"
    title = "never-arriving"
    parameters = (
        Choice("target", "target", "x^2", "the polynomial to learn", options=POLYNOMIALS),
        Choice("activation", "activation", "tanh", "the function sigma of all neurons", options=OPTIONS),
        Whole("width", "width", 2, "number of neurons", low=1, high=8),
        Whole("seed", "seed", 1, "of the random start", low=0, high=99),
        Logarithmic(
            "time", "time", 1e12, "at which the function and the neurons are shown", low=1.0, high=1e12, step=0.1
        ),
    )
    steps = (landscape, flow, verdicts, valley, result)
    presets: ClassVar = {
        "two tanh neurons learn x^2": {},
        "softplus: the same law, another constant": {"activation": "softplus", "seed": 2},
        "sigmoid: opposite biases, a third valley": {"activation": "sigmoid", "seed": 0},
        "softplus: a slower way": {"activation": "softplus", "seed": 0},
        "three neurons learn x^3": {"target": "x^3", "width": 3, "seed": 0},
        "degree 10, six neurons": {"target": "degree 10", "width": 6, "seed": 0},
        "degree 10: a start that arrives above zero": {"target": "degree 10", "width": 4, "seed": 0},
        "elu: not analytic, no such valley": {"activation": "elu", "seed": 1},
        "relu: a flow that arrives": {"activation": "relu", "width": 4, "seed": 2},
        "relu: a flow that a kink stops": {"activation": "relu", "seed": 0},
        "square: it is the target and arrives": {"activation": "square"},
    }

    def _takes_long(self, state: Mapping[str, Any]) -> bool:
        return not self._computation.knows(state, "flow")

    def _draw(self, figure: Figure, result: NeverArrivingResult) -> None:
        picture.draw(figure, result.view)

    def _ended(self, result: NeverArrivingResult) -> str:
        return f"{_ENDED[result.flow.reason]} at t = {number(float(result.flow.times[-1]), 3)}"

    def _law(self, result: NeverArrivingResult) -> str:
        """What the exponents rest on."""
        if result.valley is not None:
            return "in a valley of the theorem"
        if all(given is None for _, given in result.verdicts):
            return "in none of the theorem's valleys, numerical"
        return "outside the theorem, numerical"

    def _status(self, result: NeverArrivingResult) -> str:
        return f"{self._law(result)}: {self._ended(result)}"

    def _theorem(self, result: NeverArrivingResult) -> str:
        activation, target = result.flow.landscape.activation, POLYNOMIALS[result.target]
        reason = NOT_SAD.get(activation.name)
        letters = {
            "S": r"sublinear: $\limsup_{t\to\infty}|\sigma(tx)|/t<\infty$",
            "A": "analytic",
            "D": "definable (built from exp, its integrals and inverses; no oscillation for ever)",
        }
        known = activation.name in SAD
        ticks = [
            f"<li>{'✓' if known or (reason and reason[0] != letter) else '✗'} {words}"
            + (f" — {html.escape(reason[1])}" if reason and reason[0] == letter else "")
            + "</li>"
            for letter, words in letters.items()
        ]
        ticks.append(f"<li>✓ a polynomial target of degree at least 2: degree {target.degree}</li>")
        ticks.append("<li>? a network and a data set that are large enough: no bound is known</li>")
        return (
            cards.theorem(STATEMENT, result.verdicts, "the exponents shown are measured, numerical")
            + "<p><b>The published theorem</b> (Kranz, Gallon, Dereich & Jentzen, NeurIPS 2025, by its abstract; not proved here): under "
            r"these conditions $L(\theta)&gt;0$ everywhere, $\inf L=0$, and gradient flow from a good enough start has "
            rf"$|\theta|\to\infty$ and $L\to0$.</p><ul>{''.join(ticks)}</ul>"
            r"<p>Always: $|\theta(t)-\theta(0)|\le\sqrt{t\,(L(0)-L(t))}$, the grey line.</p>"
        )

    def _loss(self, result: NeverArrivingResult) -> str:
        """Residuals are known to rounding, the loss to its square."""
        return number(float(result.view.losses[result.view.chosen]), 4, 1e-12 * result.flow.landscape.constant)

    def _rows(self, result: NeverArrivingResult) -> list[tuple[str, str]]:
        view, now = result.view, result.view.chosen
        rows = [
            ("time", number(result.time, 4)),
            ("loss", self._loss(result)),
            ("norm of all weights", number(float(view.norms[now]), 4)),
            ("exponent of the loss", _exponent(view, 1)),
            ("exponent of the norm", _exponent(view, 0)),
        ]
        if view.law_losses is not None and view.law_norms is not None:
            rows.append(("loss of the valley's law", number(float(view.law_losses[now]), 4)))
            rows.append(("norm of the valley's law", number(float(view.law_norms[now]), 4)))
        return rows

    def _numbers(self, result: NeverArrivingResult) -> str:
        view, now = result.view, result.view.chosen
        body = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in self._rows(result))
        neurons = "".join(
            f"<tr><td>{i + 1}</td><td>{number(w, 4, scale)}</td><td>{number(b, 4, scale)}</td><td>{number(a, 4, scale)}</td></tr>"
            for i, (w, b, a) in enumerate(zip(view.weights[now], view.inputs[now], view.outgoing[now]))
            for scale in [1e6]
        )
        head = "incoming weight" if view.along == "input x" else "length of incoming weights"
        return (
            f"<table><tr><th>quantity</th><th>value</th></tr>{body}</table>"
            f"<table><tr><th>neuron</th><th>{head}</th><th>input bias</th><th>outgoing weight</th></tr>{neurons}</table>"
        )

    def _caption(self, result: NeverArrivingResult) -> str:
        law = "; the solid line is the law of the valley, derived" if result.valley is not None else ""
        levels = "; horizontal lines are the biases to which the valley leads" if result.valley is not None else ""
        return (
            f"Left: norm of all weights and loss along the flow on log axes, dashed{law}; the black dot is the chosen time, the grey line "
            "above a bound that holds for every flow. Upper right: target and network at that time, and their difference, made larger by "
            "the power of ten that is named. Lower right: the way of each neuron in the plane of incoming weight and input bias; a disc "
            f"is where it is, filled for a positive outgoing weight, larger for a larger one{levels}."
        )

    def _summary(self, result: NeverArrivingResult) -> str:
        view, now = result.view, result.view.chosen
        n, target = view.weights.shape[1], result.target
        lines = [
            f"{n} {result.flow.landscape.activation.name} neuron{'s' if n > 1 else ''} with biases learn {target}: {self._law(result)}",
            f"t = {number(result.time, 4)}: loss {self._loss(result)}, norm {number(float(view.norms[now]), 4)}",
            f"loss ~ t^{_exponent(view, 1)}, norm ~ t^{_exponent(view, 0)}",
        ]
        if result.valley is not None:
            lines.append(
                f"valley with the input biases {vector(result.valley.biases, 5)}: loss ~ {number(result.valley.constant, 5)} a^-4, "
                f"at this time by the law {number(float(result.valley.loss(result.time)), 4)}"
            )
        lines.append(self._ended(result))
        return "\n".join(lines)

    def _tables(self, result: NeverArrivingResult) -> Tables:
        view = result.view
        steps, n = view.weights.shape
        time, neuron = (part.ravel() for part in np.indices((steps, n)))
        path: dict[str, Any] = {"time": view.times, "norm": view.norms, "loss": view.losses, "bound": view.bound}
        if view.law_norms is not None and view.law_losses is not None:
            path |= {"norm of the law": view.law_norms, "loss of the law": view.law_losses}
        return {
            "path": path,
            "function": {"input": view.line, "target": view.target, "network": view.function},
            "neurons": {
                "time": view.times[time],
                "neuron": neuron + 1,
                "incoming weight": view.weights.ravel(),
                "input bias": view.inputs.ravel(),
                "outgoing weight": view.outgoing.ravel(),
            },
        }


def _exponent(view: picture.NeverArrivingView, k: int) -> str:
    """ "-0.6667 (derived -2/3)", or "(none measured)"."""
    measured = f"{view.exponents[k]:.4f}" if np.isfinite(view.exponents[k]) else "(none measured)"
    derived = (
        "" if view.derived is None else f" (derived {picture.fraction(view.derived[k])})".replace("\N{MINUS SIGN}", "-")
    )
    return measured + derived
