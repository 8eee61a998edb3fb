"""The lab of page 03: n student neurons, k orthonormal teachers. Copy some and average the rest, or lean towards all?"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from ..activations import ACTIVATIONS
from ..closed_forms import STATEMENTS
from ..closed_forms.copy_average import copy_average, copy_average_loss, counts, partitions, threshold
from ..closed_forms.one_neuron import one_neuron
from ..closed_forms.perturbed_copy import perturbed_copy
from ..closed_forms.perturbed_copy_average import perturbed_copy_average
from ..closed_forms.symmetry_blocks import symmetric_point
from ..critical import CriticalPoint, OutsideTheorem, Statement
from ..display import eigenvalues, number
from ..figures import copy_or_average as picture
from ..landscapes import PopulationLandscape
from ..networks import Network, orthonormal_teacher
from . import cards
from .computation import Progress
from .export import Tables
from .lab import Lab
from .parameters import Choice, Whole

#: The activations with copy-average points in closed form; relu's are perturbed.
NAMES = ("erf", "relu", "normal_cdf", "sin", "cos", "exp", "gaussian")
AVERAGE, COPIES = "copy-average", "n-copy"
_MOST = 50
_MANY = 5000  # partitions, which take a tenth of a second to list


@dataclass(frozen=True, eq=False)
class CopyOrAverageResult:
    """The view, the statement about the point shown, and its verdicts."""

    view: picture.CopyOrAverageView
    statement: Statement
    verdicts: cards.Verdicts


def landscape(activation: str, k: int) -> PopulationLandscape:
    """k orthonormal teachers in k + 1 dimensions: one input that no teacher uses."""
    return PopulationLandscape(ACTIVATIONS[activation], orthonormal_teacher(k, k + 1))


def types(activation: str, k: int, n: int) -> tuple[tuple[int, ...], ...]:
    """All partitions of k teachers into n groups, the lowest loss first; for relu the first alone: the others are not critical."""
    if n > k:
        raise ValueError(
            f"each student neuron needs at least one teacher, n <= k; n = {n} and k = {k} were given; lower n or raise k"
        )
    if activation == "relu":
        return (_optimal(k, n),)
    found = partitions(k, n)
    return tuple(found[i] for i in np.argsort(_losses(activation, found), kind="stable"))


def losses(activation: str, landscape: PopulationLandscape, types: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """L of each partition."""
    if activation == "relu":
        return np.array([averaged(landscape, types[0]).loss])
    return _losses(activation, types)


def _losses(activation: str, types: tuple[tuple[int, ...], ...]) -> np.ndarray:
    sizes = np.array(types)
    table = np.zeros(sizes.max() + 1)
    for size in np.unique(sizes).tolist():
        table[size] = copy_average_loss((size,), ACTIVATIONS[activation])
    return np.asarray(table[sizes].sum(axis=1))


def _optimal(k: int, n: int) -> tuple[int, ...]:
    return (k - n + 1, *[1] * (n - 1))


def averaged(landscape: PopulationLandscape, sizes: tuple[int, ...]) -> CriticalPoint:
    """The copy-average point of this partition; for relu the perturbed one, and what it becomes at n = 1 and n = k."""
    activation, teacher = landscape.activation, landscape.teacher
    if activation.name != "relu":
        return copy_average(activation, teacher, sizes)
    if len(sizes) == 1:
        return one_neuron(activation, teacher)[0]
    if len(sizes) == teacher.n:
        student = Network(teacher.W, teacher.a)
        return symmetric_point(landscape, student, "exact copies", "closed form", "perturbed_copy_average", 1)
    return perturbed_copy_average(activation, teacher, len(sizes))


def leaning(landscape: PopulationLandscape, n: int) -> CriticalPoint | str:
    """The perturbed-n-copy point, or why there is none."""
    try:
        return perturbed_copy(landscape.activation, landscape.teacher, n)
    except OutsideTheorem as refusal:
        return str(refusal)


def families(activation: str, landscape: PopulationLandscape, k: int, progress: Progress) -> tuple[picture.Branch, ...]:
    """Both families along n, with where each is a minimum."""
    numbers = np.arange(1, k + 1)
    copies: dict[int, CriticalPoint] = {}
    average: list[tuple[float, bool]] = []
    for n in numbers.tolist():
        progress((n - 1) / k)
        if activation == "erf":  # its threshold is a theorem
            average.append((copy_average_loss(_optimal(k, n)), n < threshold(k - n + 1)))
        else:
            point = averaged(landscape, _optimal(k, n))
            average.append((point.loss, point.index == 0))
        found = leaning(landscape, n)
        if not isinstance(found, str):
            copies[n] = found
    losses, minima = zip(*average)
    branches = [picture.Branch(AVERAGE, numbers, np.array(losses), minima)]
    if copies:
        losses, minima = zip(*((point.loss, point.index == 0) for point in copies.values()))
        branches.append(picture.Branch(COPIES, np.array(list(copies)), np.array(losses), minima))
    return tuple(branches)


def marks(activation: str, k: int, families: tuple[picture.Branch, ...]) -> tuple[tuple[float, str], ...]:
    """The bifurcations along n: between two whole numbers, or where the threshold is known."""
    found: list[tuple[float, str]] = []
    average = families[0]
    if activation == "erf":
        last = max((n for n in range(1, k) if n < threshold(k - n + 1)), default=k)
        if last < k - 1:
            found.append((last + 0.5, "copy-average becomes a saddle"))
    elif any(average.minimum[:-1]) and not all(average.minimum):
        flips = [i for i in range(k - 1) if average.minimum[i] != average.minimum[i + 1]]
        found += [(float(average.n[i]) + 0.5, "copy-average changes kind") for i in flips[:1]]
    if len(families) == 2:
        copies = families[1]
        firsts = [int(n) for n, minimum in zip(copies.n, copies.minimum) if minimum]
        if firsts and firsts[0] > copies.n[0]:
            found.append((firsts[0] - 0.5, "n-copy becomes a minimum"))
        lower = [int(n) for n, loss in zip(copies.n, copies.losses) if loss < average.losses[int(n) - 1]]
        if lower:
            found.append((lower[0] - 0.5, "n-copy becomes the lower"))
    return tuple(sorted(found))


def result(
    landscape: PopulationLandscape,
    types: tuple[tuple[int, ...], ...],
    losses: np.ndarray,
    families: tuple[picture.Branch, ...],
    marks: tuple[tuple[float, str], ...],
    family: str,
    n: int,
    partition: int,
) -> CopyOrAverageResult:
    """One point in detail, among all others."""
    rank = min(partition, len(types)) - 1
    other = leaning(landscape, n)
    if family == COPIES:
        if isinstance(other, str):
            raise ValueError(other)
        point, sizes, shown = other, None, None
    else:
        point, sizes, shown = averaged(landscape, types[rank]), types[rank], rank
    statement = STATEMENTS[point.statement if point.statement in STATEMENTS else "copy_average"]
    view = picture.CopyOrAverageView(
        point,
        sizes,
        types,
        losses,
        shown,
        _blocks(landscape, point),
        families,
        marks,
        None if isinstance(other, str) else other,
    )
    return CopyOrAverageResult(view, statement, statement.verdicts(landscape.activation, landscape.teacher))


def _blocks(landscape: PopulationLandscape, point: CriticalPoint) -> tuple[Any, ...]:
    blocks = getattr(point, "blocks", ())
    if blocks:
        return tuple(blocks)
    return symmetric_point(landscape, point.student, point.name, point.method, point.statement, None).blocks


class CopyOrAverage(Lab):
    """n student neurons and k orthonormal teachers: the copy-average point of every partition, and the perturbed-n-copy point.

    Controls: activation, family, k, n, partition (which one, lowest loss first).
    """

    name = "copy-or-average"
    title = "copy-or-average"
    parameters = (
        Choice(
            *("activation", "activation", "erf", "the function sigma of all neurons"),
            options={name: ACTIVATIONS[name] for name in NAMES},
        ),
        Choice(
            *("family", "critical point", AVERAGE, "which family the point shown belongs to"),
            options={AVERAGE: "a group of teachers for each neuron", COPIES: "each neuron leans towards one teacher"},
        ),
        Whole("k", "k (teachers)", 5, "number of teacher neurons", low=2, high=_MOST),
        Whole("n", "n (students)", 4, "number of student neurons", low=1, high=_MOST),
        Whole("partition", "partition", 1, "which partition, lowest loss first", low=1, high=40),
    )
    steps = (landscape, types, losses, families, marks, result)
    presets: ClassVar = {
        "four neurons, five teachers": {},
        "the same, every neuron leans": {"family": COPIES},
        "(2, 2) instead of (3, 1): a saddle": {"k": 4, "n": 2, "partition": 2},
        "seven teachers, six neurons: the average splits": {"k": 7, "n": 6},
        "fifty teachers, twenty-five neurons": {"k": 50, "n": 25},
        "fifty teachers, forty-five neurons: no longer a minimum": {"k": 50, "n": 45},
        "relu: perturbed copies and average": {"activation": "relu", "k": 5, "n": 3},
        "cos: critical, but no minimum": {"activation": "cos", "k": 5, "n": 2, "partition": 2},
    }

    def _takes_long(self, state: Mapping[str, Any]) -> bool:
        """The families of many teachers are followed along n once, many partitions are listed once."""
        k, n = state["k"], state["n"]
        knows = self._computation.knows
        if (k > 10 or state["activation"] == "relu") and not knows(state, "families"):
            return True
        return bool(n <= k and counts(k, n).types > _MANY and not knows(state, "types"))

    def _draw(self, figure: Figure, result: CopyOrAverageResult) -> None:
        picture.draw(figure, result.view)

    def _status(self, result: CopyOrAverageResult) -> str:
        view = result.view
        if view.rank is None:
            return f"{view.point.name}; {result.statement.title}"
        return f"partition {view.rank + 1} of {len(view.types)}: {view.point.name}; {result.statement.title}"

    def _marks(self, result: CopyOrAverageResult) -> dict[str, list[tuple[float, str]]]:
        return {"n": [(n, f"n = {n:g}: {words}") for n, words in result.view.marks]}

    def _theorem(self, result: CopyOrAverageResult) -> str:
        marks = [(self._known("n").label, n, words) for n, words in result.view.marks]
        return cards.theorem(
            result.statement, result.verdicts, "the point is computed numerically"
        ) + cards.turning_points(marks)

    def _numbers(self, result: CopyOrAverageResult) -> str:
        view = result.view
        rows = [(view.point, "▶ ")]
        if view.rank is None:
            rows.append((averaged(view.point.landscape, view.types[0]), ""))
        elif view.other is not None:
            rows.append((view.other, ""))
        cells = "".join(
            "<tr>"
            + "".join(
                f"<td>{cell}</td>"
                for cell in (
                    f"{mark}{html.escape(point.name)}",
                    number(point.loss, 10),
                    f"{point.index}",
                    html.escape(point.describe_zero_modes()),
                    f"<b>{point.kind}</b>",
                    point.method,
                )
            )
            + "</tr>"
            for point, mark in rows
        )
        head = "".join(
            f"<th>{name}</th>" for name in ("point", "loss <i>L</i>", "index", "zero modes", "kind", "found by")
        )
        blocks = "".join(
            f"<tr><td>{letter}</td><td>{html.escape(block.name)}</td><td>{block.multiplicity}</td>"
            f"<td>{eigenvalues(block.eigenvalues)}</td></tr>"
            for letter, block in picture.lettered(view)
        )
        return (
            f"<table><tr>{head}</tr>{cells}</table><p>{html.escape(self._counted(view))}</p>"
            "<table><tr><th>block</th><th>directions</th><th>repeated</th><th>eigenvalues</th></tr>"
            f"{blocks}</table>"
        )

    def _counted(self, view: picture.CopyOrAverageView) -> str:
        if view.point.landscape.activation.name == "relu":
            return "The copy-average points of relu are perturbed; of the partitions only the optimal one is followed."
        found = counts(view.k, view.n)
        return (
            f"{found.functions} partitions of {found.types} type{'s' if found.types > 1 else ''}, {found.optimal} of them optimal; "
            f"with the order of the neurons and their signs {number(found.labelled, 6)} points."
        )

    def _caption(self, result: CopyOrAverageResult) -> str:
        marks = "; ".join(f"{number}: {words}" for number, (_, words) in enumerate(result.view.marks, start=1))
        most = picture.MOST_BLOCKS
        which = f" (the {most} with the lowest eigenvalues)" if len(result.view.blocks) > most else ""
        lines = f"thin lines are bifurcations, {marks}. " if marks else "no bifurcation lies between. "
        return (
            "Upper left: how much of each teacher (column) is in each student neuron (row), as the area of a square, filled for positive "
            "and hollow for negative; at its right the outgoing weights. Upper right: the loss of every partition, the lowest first. Lower "
            "left: the loss of both families, over that of the optimal copy-average, along the number of neurons: filled where they are "
            f"minima, hollow where they are saddles; {lines}Lower right: the eigenvalues of the Hessian, a column for each symmetry "
            f"block{which}; triangles are negative."
        )

    def _summary(self, result: CopyOrAverageResult) -> str:
        view = result.view
        act = view.point.landscape.activation
        lines = [
            f"{view.n} {act.name} neuron{'s' if view.n > 1 else ''}, {view.k} orthonormal teachers",
            f"{view.point.name}: {view.point.kind}, index {view.point.index}, {view.point.describe_zero_modes()}, "
            f"loss {number(view.point.loss, 10)}, {view.point.method}",
        ]
        if view.rank is not None:
            lines.append(
                f"partition {view.rank + 1} of {len(view.types)}, losses from {number(view.losses[0], 8)} to {number(view.losses[-1], 8)}"
            )
        if view.other is not None and view.rank is not None:
            lower = "lower" if view.other.loss < view.point.loss else "higher"
            lines.append(
                f"{view.other.name}: {view.other.kind}, index {view.other.index}, loss {number(view.other.loss, 10)}, {lower}"
            )
        for n, words in view.marks:
            lines.append(f"between n = {n - 0.5:g} and {n + 0.5:g}: {words}")
        for letter, block in picture.lettered(view):
            lines.append(f"block {letter}, {block.name}, {block.multiplicity} times: {eigenvalues(block.eigenvalues)}")
        return "\n".join(lines)

    def _tables(self, result: CopyOrAverageResult) -> Tables:
        view = result.view
        student = view.point.student
        neurons, inputs = np.indices(student.W.shape)
        families = [(branch, i) for branch in view.branches for i in range(len(branch.n))]
        return {
            "point": {
                "name": [view.point.name],
                "loss": [view.point.loss],
                "index": [view.point.index],
                "nullity": [view.point.nullity],
            },
            "incoming weights": {"neuron": neurons.ravel() + 1, "input": inputs.ravel() + 1, "w": student.W.ravel()},
            "outgoing weights": {"neuron": np.arange(1, view.n + 1), "a": student.a},
            "partitions": {
                "rank": np.arange(1, len(view.types) + 1),
                "sizes": [" ".join(map(str, sizes)) for sizes in view.types],
                "loss": view.losses,
            },
            "families": {
                "family": [branch.name for branch, _ in families],
                "n": [int(branch.n[i]) for branch, i in families],
                "loss": [float(branch.losses[i]) for branch, i in families],
                "kind": ["minimum" if branch.minimum[i] else "saddle" for branch, i in families],
            },
            "spectrum": {
                "block": [block.name for block in view.blocks for _ in block.eigenvalues],
                "repeated": [block.multiplicity for block in view.blocks for _ in block.eigenvalues],
                "eigenvalue": np.concatenate([block.eigenvalues for block in view.blocks]),
            },
        }
