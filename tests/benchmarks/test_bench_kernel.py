"""What a page costs the machine that serves it: memory of a kernel, and time until the first picture stands there.

The numbers are reported, not asserted: 250 MB for a kernel after page 02 has run, 5 s from its start to the first picture.
"""

import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
FIRST_PICTURE = (
    "from landscape_nb.labs import OneNeuron; lab = OneNeuron(activation='erf', k=3, d=4); lab._repr_mimebundle_()"
)
WIDGETS_ONLY = "import numpy, scipy.special, scipy.optimize, sympy, matplotlib.figure, ipywidgets"


@pytest.fixture
def kernel():
    """start(): a fresh kernel of this environment and its client, as JupyterLab starts one. All end with the test."""
    from jupyter_client import KernelManager

    running = []

    def start():
        manager = KernelManager(kernel_name="python3")
        manager.kernel_spec.argv[0] = sys.executable  # and not one of the same name in the home directory
        manager.start_kernel(cwd=str(NOTEBOOKS), stderr=subprocess.DEVNULL)
        client = manager.blocking_client()
        running.append((manager, client))
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return client

    yield start
    for manager, client in running:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, source):
    """Run a cell to its end; what it printed."""
    printed = []

    def listen(message):
        content = message["content"]
        if message["header"]["msg_type"] == "stream" and content["name"] == "stdout":
            printed.append(content["text"])

    reply = client.execute_interactive(source, timeout=300, output_hook=listen)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed)


def megabytes(client):
    """The resident set of the kernel, by its own account (Linux)."""
    status = run(client, "print(open('/proc/self/status').read())")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="the resident set is read from /proc")
def test_memory_of_a_kernel_after_page_02(benchmark, kernel):
    page = nbformat.read(NOTEBOOKS / "02_one_neuron.ipynb", as_version=4)
    client = kernel()
    empty = megabytes(client)

    def whole_page():
        for cell in page.cells:
            if cell.cell_type == "code":
                run(client, cell.source)

    benchmark.pedantic(whole_page, rounds=1)
    libraries = kernel()
    run(libraries, WIDGETS_ONLY)
    benchmark.extra_info["MB of an empty kernel"] = round(empty)
    benchmark.extra_info["MB with the libraries imported"] = round(megabytes(libraries))
    benchmark.extra_info["MB after page 02"] = after = round(megabytes(client))
    print(f"\nkernel: {empty:.0f} MB empty, {after} MB after page 02 (promised: below 250)")


def test_time_from_the_start_of_a_kernel_to_the_first_picture(benchmark, kernel):
    def first_picture():
        start = perf_counter()
        client = kernel()
        ready = perf_counter()
        run(client, FIRST_PICTURE)
        return ready - start, perf_counter() - ready

    # without a warm-up round it would be the disk that is measured
    ready, drawn = benchmark.pedantic(first_picture, rounds=3, warmup_rounds=1)
    benchmark.extra_info["seconds until the kernel answers"] = round(ready, 2)
    benchmark.extra_info["seconds from there to the picture"] = round(drawn, 2)
    print(f"\nkernel: {ready:.2f} s to answer, {drawn:.2f} s more to the first picture (promised: below 5 together)")
