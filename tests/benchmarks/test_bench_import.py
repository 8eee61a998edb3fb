"""Importing the package in a fresh process against importing what it depends on eagerly."""

import subprocess
import sys

EAGER = "numpy, scipy.special, scipy.optimize, sympy, matplotlib.figure, ipywidgets"


def seconds_to_import(modules):
    code = f"from time import perf_counter as t; start = t(); import {modules}; print(t() - start)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def test_import(record):
    seconds_to_import("landscape_nb"), seconds_to_import(EAGER)  # byte code and disk cache
    # in turns, so that a busy moment of the machine hits both
    times = [(seconds_to_import("landscape_nb"), seconds_to_import(EAGER)) for _ in range(7)]
    mine, eager = (min(column) for column in zip(*times))
    record("import in a fresh process", mine, "its dependencies, eagerly", eager, asked=3)
