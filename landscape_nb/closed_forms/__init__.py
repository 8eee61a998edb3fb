"""Published and derived closed forms, one result family per file, each with its Statement."""

from ..critical import Statement
from . import (
    channels,
    copy_average,
    embeddings,
    one_neuron_erf,
    one_neuron_linear,
    one_neuron_product,
    one_neuron_relu,
    perturbed_copy,
    perturbed_copy_average,
    sad,
    splitting,
    splitting_with_bias,
)

#: All theorems by key.
STATEMENTS: dict[str, Statement] = {
    module.STATEMENT.key: module.STATEMENT
    for module in (
        one_neuron_erf,
        one_neuron_relu,
        one_neuron_product,
        one_neuron_linear,
        copy_average,
        perturbed_copy,
        perturbed_copy_average,
        splitting,
        embeddings,
        splitting_with_bias,
        channels,
        sad,
    )
}

__all__ = ["STATEMENTS"]
