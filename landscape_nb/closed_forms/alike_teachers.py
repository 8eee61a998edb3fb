"""Hypotheses that several theorems share: which activation, and teachers that are alike."""

from __future__ import annotations

from ..activations import Activation
from ..critical import Hypothesis, OutsideTheorem
from ..networks import Equicorrelation, Network, equicorrelation


def activation_is(*names: str) -> Hypothesis:
    """The activation is one of these."""
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]

    def violation(activation: Activation, teacher: Network) -> str | None:
        return None if activation.name in names else activation.name

    return Hypothesis(f"the activation {listed}", violation, f"choose {listed}")


def _unlike(activation: Activation, teacher: Network) -> str | None:
    alike = equicorrelation(teacher)
    return alike if isinstance(alike, str) else None


ALIKE = Hypothesis(
    "teacher vectors of one norm and one mutual correlation with one common outgoing weight",
    _unlike,
    "use an orthonormal or equicorrelated teacher with equal weights, or search_one_neuron for this one",
)


def _no_mean(activation: Activation, teacher: Network) -> str | None:
    alike = equicorrelation(teacher)
    if isinstance(alike, str):
        return None  # ``ALIKE`` says so
    if alike.weight == 0:
        return "the weight 0"
    return "a sum of length 0" if alike.mean_cosine < 1e-7 else None


HAS_MEAN = Hypothesis(
    "a non-zero common weight and teacher vectors whose sum is not zero",
    _no_mean,
    "raise the correlation above -1/(k - 1) and choose a weight other than 0",
)


def alike(teacher: Network) -> Equicorrelation:
    """The numbers of a teacher that fulfils ``ALIKE``."""
    numbers = equicorrelation(teacher)
    if isinstance(numbers, str):
        raise OutsideTheorem("the average direction", ALIKE.sentence, numbers, ALIKE.remedy)
    return numbers


def orthogonal(numbers: Equicorrelation) -> bool:
    """Orthogonal teachers, or a single one (k teachers of correlation 1 count as one)."""
    return numbers.correlation == 0.0 or numbers.k == 1 or numbers.correlation == 1.0
