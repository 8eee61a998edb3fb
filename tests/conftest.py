"""What holds for every test."""

import gc
import os

# One BLAS thread, set before NumPy loads: the same rounding on every machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Jupyter's new place for its files: without it jupyter_core warns at import, and warnings are errors here.
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")


def pytest_collection_finish():
    """Modules and tests stay to the end, and figures are many small objects: garbage is looked for less often, and not among the former."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5000, 10, 10)
