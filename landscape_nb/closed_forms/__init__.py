"""Published and derived closed forms, one result family per file, each with its Statement."""

from ..critical import Statement
from . import one_neuron_erf, one_neuron_linear, one_neuron_product, one_neuron_relu

#: All theorems by key.
STATEMENTS: dict[str, Statement] = {
    module.STATEMENT.key: module.STATEMENT
    for module in (one_neuron_erf, one_neuron_relu, one_neuron_product, one_neuron_linear)
}

__all__ = ["STATEMENTS"]
