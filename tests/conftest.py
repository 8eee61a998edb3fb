"""What holds for every test."""

import gc
import os
from pathlib import Path

# One BLAS thread, set before NumPy loads: the same rounding on every machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Jupyter's new place for its files: without it jupyter_core warns at import, and warnings are errors here.
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")


#: The files that take longest: begun first, so that all processes end at about the same time.
LONGEST = (
    "labs/test_every_lab.py",
    "labs/test_lab.py",
    "test_sweeps.py",
    "test_search.py",
    "figures/test_layers.py",
    "test_flows.py",
    "activations/test_activation.py",
    "labs/test_one_neuron.py",
    "figures/test_one_neuron.py",
    "activations/test_numerical.py",
    "test_pages_go_red.py",
)


def pytest_collection_modifyitems(items):
    """A file goes to one process (``--dist loadfile``), which works out once what its tests share: the longest files first."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish():
    """Modules and tests stay to the end, and figures are many small objects: garbage is looked for less often, and not among the former."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5000, 10, 10)
