"""A sweep in two processes against the same sweep in one, each with one BLAS thread."""

import os
from time import perf_counter

import pytest

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import orthonormal_teacher
from landscape_nb.sweeps import sweep

SEEDS = 450


@pytest.fixture
def all_cores():
    """The other benchmarks share one core, this one needs two."""
    if not hasattr(os, "sched_setaffinity"):
        yield os.cpu_count()
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count()))
    yield len(os.sched_getaffinity(0))
    os.sched_setaffinity(0, before)


def test_two_processes_on_a_minute_of_work(record, all_cores):
    if all_cores < 2:
        pytest.skip("one core: two processes cannot be faster")
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(10, 11))
    seconds, found = {}, {}
    for processes in (2, 1):
        start = perf_counter()
        found[processes] = sweep(landscape, 8, range(SEEDS), executor=processes, batch=10, progress=False)
        seconds[processes] = perf_counter() - start
    assert [(row.outcome, row.reason) for row in found[1]] == [(row.outcome, row.reason) for row in found[2]]
    assert max(abs(a.loss - b.loss) for a, b in zip(found[1], found[2])) < 1e-10
    record(f"{SEEDS} seeds of n, k, d = 8, 10, 11, two processes", seconds[2], "one process", seconds[1], asked=1.6)
