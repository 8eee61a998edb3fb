"""The lab of page 04: where the gradient flow of n student neurons goes, and what it ends in."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from ..activations import ACTIVATIONS
from ..closed_forms.copy_average import copy_average_loss
from ..closed_forms.perturbed_copy import perturbed_copy
from ..closed_forms.perturbed_copy_average import perturbed_copy_average
from ..critical import CriticalPoint, OutsideTheorem
from ..display import below, number
from ..figures import gradient_flow as picture
from ..flows import Flow
from ..flows import gradient_flow as follow
from ..landscapes import PopulationLandscape
from ..networks import Network, orthonormal_teacher
from ..plateaus import Plateau, plateaus_of
from ..sweeps import Outcome, outcome, starts, stored_phase_diagram, sweep
from . import cards
from .computation import Interrupted, Progress
from .export import Tables
from .lab import Lab
from .parameters import Choice, Whole

NAMES = ("erf", "normal_cdf")
#: What a flow starts from, by the name under which ``starts`` knows it.
STARTS = {"Glorot": "glorot", "small": "glorot:0.01", "large": "glorot:3"}
STORED, ANEW = "stored", "anew"
#: Until when a flow is followed.
T_MAX = 1.5e6
_TIMES = 241
#: Seeds of the live part: none of those that are stored.
FRESH = range(100, 120)
_FAMILY = {
    "copies": "exact copies",
    "copy-average": "copy-average",
    "perturbed copy-average": "copy-average",
    "perturbed-n-copy": "n-copy",
}
_ARRIVED = {
    "converged": "it has arrived",
    "diverging": "its weights grow without bound while the loss still falls",
    "time": "it is still on its way",
    "budget": "its steps were used up",
    "refused": "the loss has no Hessian there",
}


@dataclass(frozen=True, eq=False)
class Path:
    """One flow on a grid of times. words : one sentence for each plateau. outcome : what its end point is."""

    flow: Flow
    times: np.ndarray
    students: np.ndarray
    plateaus: tuple[Plateau, ...]
    words: tuple[str, ...]
    outcome: Outcome


@dataclass(frozen=True, eq=False)
class GradientFlowResult:
    """The view, the flow, what its end point is and why, and where the outcomes over many seeds come from."""

    view: picture.GradientFlowView
    path: Path
    provenance: str


def landscape(activation: str, k: int) -> PopulationLandscape:
    """k orthonormal teachers in k + 1 dimensions."""
    return PopulationLandscape(ACTIVATIONS[activation], orthonormal_teacher(k, k + 1))


def path(landscape: PopulationLandscape, n: int, seed: int, start: str, progress: Progress) -> Path:
    """The flow from this seed, its plateaus, and what it ends in."""
    k = landscape.teacher.n
    if n > k:
        raise ValueError(
            f"n <= k is shown here, fewer student neurons than teachers; n = {n} and k = {k} were given; lower n or raise k"
        )
    (theta,) = starts(n, landscape.d, [seed], STARTS[start])
    flow = follow(landscape, landscape.network(theta), T_MAX, progress=progress)
    if flow.reason == "interrupted":
        raise Interrupted
    times = np.geomspace(min(1e-2, 0.1 * float(flow.time)), float(flow.time), _TIMES)
    times[-1] = float(flow.time)
    students = flow.at(times)
    found = plateaus_of(landscape, times, students)
    words = tuple(_plateau(landscape, plateau) for plateau in found)
    return Path(flow, times, students, found, words, outcome(landscape, flow.end))


def cells(
    activation: str, landscape: PopulationLandscape, n: int, start: str, phases: str, progress: Progress
) -> tuple[dict[tuple[int, int], dict[str, float]], str]:
    """The shares of outcomes over (n, k), and where they come from; with the cell of these sliders computed anew where that is asked."""
    try:
        stored = stored_phase_diagram(activation)
        shares = {pair: _families(found) for pair, found in stored.shares().items()}
        about = (
            f"stored: {len(stored.provenance['seeds'])} seeds for each pair, Glorot starts, computed with landscape_nb "
            f"{stored.provenance['landscape_nb']} on {stored.provenance['date']}"
        )
    except ValueError:
        shares, about = {}, f"no outcomes of {activation} come with the package"
    if phases == ANEW:
        found = sweep(landscape, n, FRESH, start=STARTS[start], t_max=T_MAX, progress=progress)
        if found.missing:
            raise Interrupted
        counts = found.counts(kinds=True)
        shares[n, landscape.teacher.n] = _families({name: count / len(found) for name, count in counts.items()})
        listed = ", ".join(f"{count} {name}" for name, count in counts.items())
        about += (
            f"; (n, k) = ({n}, {landscape.teacher.n}) anew, seeds {FRESH[0]} to {FRESH[-1]}, {start} starts: {listed}"
        )
    return shares, about


def _families(shares: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, share in shares.items():
        family = _FAMILY.get(name, "other")
        found[family] = found.get(family, 0.0) + share
    return found


def levels(landscape: PopulationLandscape, n: int) -> tuple[tuple[float, str], ...]:
    """The losses of the two families of known critical points."""
    activation, teacher = landscape.activation, landscape.teacher
    found = []
    if activation.name == "erf":
        found.append((copy_average_loss((teacher.n - n + 1, *[1] * (n - 1))), "copy-average"))
    for make, name in ((perturbed_copy_average, "copy-average"), (perturbed_copy, "n-copy")):
        try:
            found.append((make(activation, teacher, n).loss, name))
        except OutsideTheorem:  # not for this activation, or not for this n
            continue
    return tuple(found)


def result(
    landscape: PopulationLandscape,
    n: int,
    path: Path,
    cells: tuple[dict[tuple[int, int], dict[str, float]], str],
    levels: tuple[tuple[float, str], ...],
) -> GradientFlowResult:
    """All of it."""
    teacher, d = landscape.teacher, landscape.d
    rows = path.students[:, : n * d].reshape(-1, n, d)
    lengths = np.linalg.norm(rows, axis=-1)[..., None] * np.linalg.norm(teacher.W, axis=-1)
    cosines = rows @ teacher.W.T / np.maximum(lengths, 1e-300)
    end: Network = path.flow.end
    if landscape.activation.odd:  # (w, a) and (-w, -a) are the same neuron
        cosines = cosines * np.where(path.students[:, n * d :] < 0, -1.0, 1.0)[..., None]
        signs = np.where(end.a < 0, -1.0, 1.0)
        end = Network(signs[:, None] * end.W, signs * end.a)
    arrived = path.flow.reason == "converged"
    point = CriticalPoint(landscape, end, path.outcome.name) if arrived else None
    losses = np.asarray(landscape.value(path.students))
    shares, about = cells
    view = picture.GradientFlowView(
        n,
        teacher.n,
        landscape,
        path.times,
        losses,
        cosines,
        path.plateaus,
        end,
        point,
        path.outcome.name,
        levels,
        shares,
    )
    return GradientFlowResult(view, path, about)


class GradientFlow(Lab):
    """The gradient flow of n student neurons against k orthonormal teachers: its loss, its plateaus, its end point by name.

    Controls: activation, k, n, seed, start (how large the random start is), phases (the outcomes of many seeds: stored, or the cell of n
    and k computed anew from 20 other seeds).
    """

    name = "gradient-flow"
    title = "gradient-flow"
    parameters = (
        Choice(
            *("activation", "activation", "erf", "the function sigma of all neurons"),
            options={name: ACTIVATIONS[name] for name in NAMES},
        ),
        Whole("k", "k (teachers)", 5, "number of teacher neurons", low=2, high=10),
        Whole("n", "n (students)", 4, "number of student neurons", low=1, high=10),
        Whole("seed", "seed", 0, "of the random start", low=0, high=99),
        Choice("start", "start", "Glorot", "how large the random start is", options=STARTS),
        Choice(
            *("phases", "outcomes", STORED, "of many seeds: those that are stored, or this n and k anew"),
            options={STORED: "come with the package", ANEW: "20 other seeds"},
        ),
    )
    steps = (landscape, path, cells, levels, result)
    presets: ClassVar = {
        "four neurons, five teachers: copy-average": {},
        "another seed: every neuron leans": {"seed": 1},
        "a small start: the first plateau": {"seed": 2, "start": "small"},
        "as many as the teachers: exact copies": {"n": 5},
        "ten teachers, eight neurons": {"k": 10, "n": 8},
        "a channel to infinity": {"k": 10, "n": 9, "seed": 3},
        "normal_cdf: the same with an offset": {"activation": "normal_cdf", "k": 3, "n": 2},
    }
    buttons: ClassVar = {
        "Recompute": ({"phases": ANEW}, "20 other seeds for this n and k, with progress; Stop ends it")
    }

    def _takes_long(self, state: Mapping[str, Any]) -> bool:
        """A flow takes a moment, twenty take longer."""
        return not self._computation.knows(state, "path") or not self._computation.knows(state, "cells")

    def _draw(self, figure: Figure, result: GradientFlowResult) -> None:
        picture.draw(figure, result.view)

    def _status(self, result: GradientFlowResult) -> str:
        flow = result.path.flow
        return f"{result.path.outcome.name}: {_ARRIVED.get(str(flow.reason), str(flow.reason))} after t = {number(float(flow.time), 3)}"

    def _theorem(self, result: GradientFlowResult) -> str:
        flow, point, name = result.path.flow, result.view.point, result.path.outcome.name
        on_its_way = "weights that grow without bound" if flow.reason == "diverging" else "a flow still on its way"
        verdicts = (
            (f"a smooth activation: {result.view.landscape.activation.name}", None),
            ("a flow that has arrived at a critical point", on_its_way if point is None else None),
            (
                "a minimum: no negative Hessian eigenvalue",
                "no critical point" if point is None else None if point.index == 0 else f"index {point.index}",
            ),
            ("an end point among the closed forms", None if name.split(" (")[0] in _FAMILY else name),
        )
        return (
            "<p><b>Outside every theorem: numerical.</b> The flow is integrated; what is said of its end rests on</p>"
            + cards.ticks(verdicts)
            + r"<p>Gradient flow: $\dot\theta=-\nabla L(\theta)$, so $\dot L=-|\nabla L|^2$ and the loss never rises. A plateau is a "
            r"stretch on which $t\,|\nabla L|^2/(L-L_{\rm end})$ is small, the share of what is left to fall that falls within a factor "
            "$e$ of time; the critical point nearby is found by Newton's iteration. The end point is compared with the closed forms of "
            "page 03 up to all symmetries.</p>"
            + cards.badges(
                (
                    "path against two other integrators",
                    "order conditions of the method",
                    "end point by Newton's iteration",
                    "name by weights, overlaps and loss",
                )
            )
        )

    def _numbers(self, result: GradientFlowResult) -> str:
        view, flow = result.view, result.path.flow
        rows = [
            ("loss at the end", number(float(flow.loss), 9)),
            ("time", number(float(flow.time), 3)),
            ("largest gradient entry", below(float(flow.residual))),
            ("why it stopped", html.escape(str(flow.sentence) or str(flow.reason))),
            ("end point", f"<b>{html.escape(result.path.outcome.name)}</b>"),
        ]
        if result.path.outcome.evidence:
            evidence = f"{result.path.outcome.evidence} (neurons and teachers counted from 0)"
            rows.append(("evidence", html.escape(evidence)))
        if view.point is not None:
            rows.append(
                (
                    "kind",
                    f"{view.point.kind}, index {view.point.index}, {html.escape(view.point.describe_zero_modes())}",
                )
            )
        for i, words in enumerate(result.path.words, start=1):
            rows.append((f"plateau {i}", html.escape(words)))
        body = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)
        return f"<table><tr><th>quantity</th><th>value</th></tr>{body}</table><p>Outcomes: {html.escape(result.provenance)}.</p>"

    def _caption(self, result: GradientFlowResult) -> str:
        signs = ", each neuron with the sign of its outgoing weight" if result.view.landscape.activation.odd else ""
        return (
            "Upper left: the loss along the flow on log axes; thin lines are the losses of known critical points, grey bands plateaus. "
            "Lower left: the cosine between each student neuron (a strip) and each teacher (a line in it) over the same "
            f"time{signs}. Upper right: the weights at the end, a row for each student neuron, the area of a square for how much of a "
            "teacher is in it. Lower right: what the flows of many seeds end in, a square for each n and k filled from below with the "
            "shares; the black square is the pair shown."
        )

    def _summary(self, result: GradientFlowResult) -> str:
        view, flow, state = result.view, result.path.flow, result.path.outcome
        lines = [
            f"{view.n} {view.landscape.activation.name} neuron{'s' if view.n > 1 else ''}, {view.k} orthonormal teachers: gradient flow "
            f"from loss {number(float(flow.losses[0]), 5)}",
            f"{flow.reason} at t = {number(float(flow.time), 3)}, loss {number(float(flow.loss), 8 if view.point else 4)}",
            f"end point: {state.name}"
            + (
                f", {view.point.kind}, index {view.point.index}, {view.point.describe_zero_modes()}"
                if view.point
                else ""
            ),
        ]
        lines += [f"plateau {i}: {words}" for i, words in enumerate(result.path.words, start=1)]
        shares = view.cells.get((view.n, view.k), {})
        if shares:
            listed = ", ".join(f"{number(100 * share, 3)} % {name}" for name, share in shares.items())
            lines.append(f"outcomes of many seeds at n = {view.n}, k = {view.k}: {listed}")
        lines.append(result.provenance)
        return "\n".join(lines)

    def _tables(self, result: GradientFlowResult) -> Tables:
        view = result.view
        steps, n, k = view.cosines.shape
        time, neuron, teacher = (part.ravel() for part in np.indices((steps, n, k)))
        shares = [(pair, name, share) for pair, found in view.cells.items() for name, share in found.items()]
        rows, columns = (part.ravel() for part in np.indices(view.end.W.shape))
        return {
            "path": {"time": view.times, "loss": view.losses},
            "cosines": {
                "time": view.times[time],
                "neuron": neuron + 1,
                "teacher": teacher + 1,
                "cosine": view.cosines.ravel(),
            },
            "end": {"neuron": rows + 1, "input": columns + 1, "w": view.end.W.ravel()},
            "outgoing weights": {"neuron": np.arange(1, n + 1), "a": view.end.a},
            "outcomes": {
                "n": [pair[0] for pair, _, _ in shares],
                "k": [pair[1] for pair, _, _ in shares],
                "outcome": [name for _, name, _ in shares],
                "share": [share for _, _, share in shares],
            },
        }


def _plateau(landscape: PopulationLandscape, plateau: Plateau) -> str:
    """ "from t = 1.2 to 13, loss 0.06478, degenerate critical set: duplicate-neuron saddle"."""
    words = f"from t = {number(plateau.start, 2)} to {number(plateau.end, 2)}, loss {number(plateau.loss, 4)}, {plateau.name}"
    if isinstance(plateau.nearby, CriticalPoint):
        named = outcome(landscape, plateau.nearby.student).name
        return words if named == "other" else f"{words}: {named}"
    return words
