"""One student neuron: all that is known in closed form, for whatever activation and teacher is asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..activations import Activation
from ..critical import CriticalPoint, OutsideTheorem, Statement
from ..landscapes import PopulationLandscape
from ..networks import Network
from ..search import OneNeuronPoints, search_one_neuron, trivial_point
from . import one_neuron_erf, one_neuron_linear, one_neuron_product, one_neuron_relu

#: The one-neuron theorems, at most one of which speaks about an activation.
ONE_NEURON_STATEMENTS: tuple[Statement, ...] = tuple(
    module.STATEMENT for module in (one_neuron_erf, one_neuron_relu, one_neuron_product, one_neuron_linear)
)


def statement_for(activation: Activation) -> Statement | None:
    """The one-neuron theorem about this activation, whatever the teacher."""
    for statement in ONE_NEURON_STATEMENTS:
        if statement.hypotheses[0].violation(activation, Network([[1.0]], [1.0])) is None:
            return statement
    return None


def one_neuron(activation: Activation, teacher: Network) -> OneNeuronPoints:
    """The critical points of L(w, a) = E[(a sigma(w.x) - f*(x))^2] that are known in closed form, lowest loss first.

    activation : erf, relu, normal_cdf, sin, exp, cos, gaussian or linear. teacher : alike neurons (orthonormal or equicorrelated, one norm,
    one common weight); linear takes any. Where it exists, the zero student (a = 0, the shortest w with sum_j b_j K(w, v_j) = 0)
    is among them, one representative of a hypersurface. cos and gaussian also list the direction of a single teacher, found
    numerically and labelled so.

    The result is a tuple of CriticalPoints that also says whether it is known to be ``complete``.
    Raises ``OutsideTheorem`` naming the hypothesis that fails; ``search_one_neuron`` then searches numerically.

    Source: the Statement named by ``.statement``.
    """
    landscape = PopulationLandscape(activation, teacher)
    statement = statement_for(activation)
    if statement is None:
        known = ", ".join(name for statement in ONE_NEURON_STATEMENTS for name in _names(statement))
        raise OutsideTheorem(
            "a one-neuron closed form",
            f"one of the activations {known}",
            activation.name,
            "use search_one_neuron, which finds critical points numerically",
        )
    points = statement.point(activation, teacher)
    proof = statement.complete(activation, teacher)
    zero = trivial_point(landscape)
    remark = proof or "the list is not known to be complete"
    return OneNeuronPoints([*points, *([zero] if zero else [])], bool(proof), remark, statement.key)


def _names(statement: Statement) -> list[str]:
    return statement.hypotheses[0].remedy.removeprefix("choose ").replace(" or ", ", ").split(", ")


def one_neuron_points(
    activation: Activation, teacher: Network, progress: Callable[[float], None] = lambda share: None
) -> OneNeuronPoints:
    """Closed forms where a theorem applies, and beside them what a numerical search finds where the list is not known to be complete.

    Without a theorem: the search alone. Each point says by its ``method`` which of the two it is. progress : see ``search_one_neuron``.
    """
    try:
        closed = one_neuron(activation, teacher)
    except OutsideTheorem:
        closed = None
    return completed(closed, activation, teacher, progress)


def completed(
    closed: OneNeuronPoints | None,
    activation: Activation,
    teacher: Network,
    progress: Callable[[float], None] = lambda share: None,
) -> OneNeuronPoints:
    """The points of a theorem (None without one), with what a search finds beside them where their list is not known to be complete."""
    if closed is None:
        return search_one_neuron(activation, teacher, progress=progress)
    if closed.complete:
        return closed
    found = search_one_neuron(activation, teacher, progress=progress)
    scale = PopulationLandscape(activation, teacher).constant
    new = [point for point in found if not any(_same(point, known, scale) for known in closed)]
    remark = closed.remark if not new else f"{closed.remark}; the search adds {len(new)}"
    return OneNeuronPoints([*closed, *new], False, remark, closed.statement, found.infimum)


def _same(first: CriticalPoint, second: CriticalPoint, scale: float) -> bool:
    """Equal loss and equal spectrum: one orbit."""
    if abs(first.loss - second.loss) > 1e-9 * scale:
        return False
    return bool(
        np.allclose(first.spectrum, second.spectrum, rtol=1e-6, atol=1e-7 * float(np.abs(second.spectrum).max()))
    )
