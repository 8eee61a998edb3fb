"""Importing the package in a fresh process against importing what it depends on eagerly."""

import subprocess
import sys

import pytest

EAGER = "import numpy, scipy.special, scipy.optimize, sympy, matplotlib.figure, ipywidgets"
OURS = {
    "import landscape_nb": "import landscape_nb",
    "import and evaluate a first loss": "from landscape_nb import ACTIVATIONS, PopulationLandscape, orthonormal_teacher as o;"
    "PopulationLandscape(ACTIVATIONS['erf'], o(2, 2)).value_and_gradient(o(1, 2))",
}


def seconds_to_run(statement):
    code = f"from time import perf_counter as t; start = t(); {statement}; print(t() - start)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("question", OURS)
def test_import(record, question):
    statements = (OURS[question], EAGER)
    # once for byte code and disk cache, then in turns, so that a busy moment of the machine hits both
    times = [[seconds_to_run(statement) for statement in statements] for _ in range(8)][1:]
    mine, eager = (min(column) for column in zip(*times))
    record(f"{question}, fresh process", mine, "eager import of its dependencies", eager, asked=3)
