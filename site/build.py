"""Build the pages as a static site that runs Python in the reader's browser, for `make site`: JupyterLite and Pyodide.

What the site serves itself: JupyterLab, the kernel's own parts, the pages, and as wheels landscape_nb and ipywidgets. What the
reader's browser fetches elsewhere when a page runs: Python, NumPy, SciPy, SymPy and matplotlib for WebAssembly, from Pyodide's
network. There are no threads in Pyodide: a lab computes there in the order in which its controls were moved.
"""

import argparse
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

ROOT = Path(__file__).resolve().parents[1]
START = "00_start.ipynb"
#: The browser sides that the site takes from this environment; it holds others that need a server.
EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@jupyterlite/pyodide-kernel-extension", "jupyterlab_pygments")
#: What the first cell of a page does there: the one thing that pip has done on a laptop.
INSTALL = 'import piplite\n\nawait piplite.install("landscape_nb")  # from this site, once for each start of the kernel'
KERNEL = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {"appName": "landscape_nb", "defaultKernelName": "python"},
}
DOOR = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>landscape_nb</title>
<meta http-equiv="refresh" content="0; url=lab/index.html?path={START}">
<!-- every application of JupyterLite looks for this in the root of its site -->
<script id="jupyter-config-data" type="application/json" data-jupyter-lite-root=".">{{}}</script></head>
<body><p><a href="lab/index.html?path={START}">landscape_nb: exact loss landscapes</a></p></body>
</html>
"""


def wheel(folder: Path) -> Path:
    """The wheel of the project as it stands here, built from a copy: what an earlier build left behind stays out."""
    source = folder / "source"
    no_caches = shutil.ignore_patterns("__pycache__", ".*", "*.py[co]")
    for name in ("landscape_nb", "notebooks"):
        shutil.copytree(ROOT / name, source / name, ignore=no_caches)
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "wheel", source], check=True)
    (built,) = (folder / "wheel").glob("*.whl")
    return built


def contents(folder: Path) -> Path:
    """Copies of the pages for Pyodide: its kernel, and a first cell that installs the project. They keep what they show."""
    pages = folder / "contents"
    pages.mkdir()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page = nbformat.read(path, as_version=4)
        page.metadata.kernelspec = KERNEL
        page.cells.insert(0, nbformat.v4.new_code_cell(INSTALL, id="install"))
        # not nbformat.write: it cuts texts into lists of lines, and JupyterLite shows a list of lines with commas
        (pages / path.name).write_text(json.dumps(page, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return pages


def build(output: Path) -> None:
    """Build the site into this folder, anew."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        settings = folder / "settings"
        settings.mkdir()
        (settings / "jupyter-lite.json").write_text(json.dumps(SETTINGS))
        # the others were put there with this environment: the kernel itself asks for comm, landscape_nb for ipywidgets
        wheels = [wheel(folder), *sorted((Path(sys.prefix) / "wheels").glob("*.whl"))]
        installed = Path(sysconfig.get_path("data")) / "share" / "jupyter" / "labextensions"
        config = {
            "federated_extensions": [str(installed / name) for name in EXTENSIONS],
            "ignore_sys_prefix": ["federated_extensions"],
            "no_sourcemaps": True,
            "apps": ["lab", "notebooks", "tree"],
            "contents": [str(contents(folder))],
            "output_dir": str(folder / "site"),
        }
        (settings / "jupyter_lite_config.json").write_text(
            json.dumps({"LiteBuildConfig": config, "PipliteAddon": {"piplite_urls": [str(path) for path in wheels]}})
        )
        command = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", str(settings)]
        made = subprocess.run(
            command, cwd=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if made.returncode:
            sys.exit(f"jupyter lite build failed:\n{made.stdout[-3000:]}")
        (folder / "site" / "index.html").write_text(DOOR)
        if output.exists():
            shutil.rmtree(output)
        shutil.copytree(folder / "site", output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "site" / "dist", help="default site/dist")
    arguments = parser.parse_args()
    build(arguments.output)
    size = sum(file.stat().st_size for file in arguments.output.rglob("*") if file.is_file())
    print(f"{arguments.output}: {size / 1e6:.0f} MB; look at it with python -m http.server -d {arguments.output}")
