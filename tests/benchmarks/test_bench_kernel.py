"""What a page costs the machine that serves it: memory of a kernel, and time until the first picture stands there.

The numbers are reported, not asserted: promised are 250 MB for a kernel after a page has run from top to bottom, and 5 s from the
kernel's start to the first picture of a lab.
"""

import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PAGES = sorted(NOTEBOOKS.glob("*.ipynb"))
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
    """Run a cell to its end; what it printed, and whether it showed a picture."""
    printed, pictures = [], []

    def listen(message):
        content = message["content"]
        if message["header"]["msg_type"] == "stream" and content["name"] == "stdout":
            printed.append(content["text"])
        pictures.append("image/png" in content.get("data", {}))

    reply = client.execute_interactive(source, timeout=300, output_hook=listen)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed), any(pictures)


def megabytes(client):
    """The resident set of the kernel, by its own account (Linux)."""
    status, _ = run(client, "print(open('/proc/self/status').read())")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="the resident set is read from /proc")
def test_memory_of_a_kernel_before_a_page_runs(benchmark, kernel):
    empty, libraries = kernel(), kernel()
    benchmark.pedantic(lambda: run(libraries, WIDGETS_ONLY), rounds=1)
    benchmark.extra_info["MB of an empty kernel"] = round(megabytes(empty))
    benchmark.extra_info["MB with the libraries imported"] = round(megabytes(libraries))
    print(f"\nkernel: {megabytes(empty):.0f} MB empty, {megabytes(libraries):.0f} MB with the libraries imported")


@pytest.mark.skipif(sys.platform != "linux", reason="the resident set is read from /proc")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_memory_of_a_kernel_after_a_page_and_time_to_its_first_picture(page, benchmark, kernel):
    cells = [cell.source for cell in nbformat.read(page, as_version=4).cells if cell.cell_type == "code"]

    def whole_page():
        """From top to bottom, as a reader runs it: (seconds to the first picture, MB after the last cell)."""
        start, picture = perf_counter(), None
        client = kernel()
        for cell in cells:
            shown = run(client, cell)[1]
            if shown and picture is None:
                picture = perf_counter() - start
        return picture, megabytes(client)

    # without a warm-up round it would be the disk that is measured
    picture, after = benchmark.pedantic(whole_page, rounds=1, warmup_rounds=1)
    benchmark.extra_info["seconds from the start of the kernel to the first picture"] = round(picture, 2)
    benchmark.extra_info["MB after the page"] = round(after)
    print(
        f"\n{page.stem}: first picture after {picture:.2f} s (promised: below 5), {after:.0f} MB (promised: below 250)"
    )
