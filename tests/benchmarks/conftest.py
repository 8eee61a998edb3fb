"""Benchmarks run by `make bench` only: they report ratios measured in one run on one core, and assert no time.

Every peer must give the same numbers as the library before its time counts. The table of ratios is printed at the end.
"""

import os
import platform
from datetime import date
from pathlib import Path

import numpy as np
import pytest

TABLE = []


def pytest_ignore_collect(collection_path, config):
    """A plain run of the suite leaves the benchmarks out: it has neither their peers nor the quiet they need."""
    if not any("benchmarks" in str(argument) for argument in config.invocation_params.args):
        return True
    return None


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))  # the peers' own warnings are not ours to fix


@pytest.fixture(scope="session", autouse=True)
def _one_core():
    """All competitors on the same single core, whatever number of threads they would start."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.fixture
def record():
    """record(question, seconds of ours, peer, its seconds, asked=least ratio): one line of the table."""
    return lambda question, mine, name, taken, asked=None: TABLE.append((question, mine, name, taken, asked))


@pytest.fixture
def compare(benchmark, record):
    """compare(question, ours, peers, asked=...): time ours through pytest-benchmark and each peer, record the ratios.

    ours : a callable without arguments. peers : name -> callable, or (callable, factor) if its task is a part only.
    asked : name -> least ratio.
    """

    def run(question, ours, peers, asked=None):
        benchmark(ours)
        seconds = {}
        for name, peer in peers.items():
            function, factor = peer if isinstance(peer, tuple) else (peer, 1.0)
            seconds[name] = factor * best_time(function)
        mine = min(best_time(ours), benchmark.stats.stats.min)  # before and after the peers
        for name, taken in seconds.items():
            benchmark.extra_info[name] = taken / mine
            record(question, mine, name, taken, (asked or {}).get(name))

    return run


def best_time(function, budget=1.0, rounds=7):
    """Seconds per call: the least mean of several rounds that take the budget together."""
    from time import perf_counter

    start = perf_counter()
    function()
    calls = max(1, int(budget / rounds / max(perf_counter() - start, 1e-9)))
    best = np.inf
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(calls):
            function()
        best = min(best, (perf_counter() - start) / calls)
    return float(best)


def _machine():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _time(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def pytest_terminal_summary(terminalreporter):
    if not TABLE:
        return
    terminalreporter.section("ratios: time of the peer / time of landscape_nb")
    terminalreporter.write_line(
        f"{_machine()}, one core, Python {platform.python_version()}, {date.today().isoformat()}"
    )
    rows = [("question", "ours", "peer", "its time", "ratio", "asked for")]
    for question, mine, name, taken, least in TABLE:
        ratio = taken / mine
        verdict = "" if least is None else f">= {least:g}: {'yes' if ratio >= least else 'NO'}"
        rows.append((question, _time(mine), name, _time(taken), f"{ratio:.3g}", verdict))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    for row in rows:
        terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
