"""The pages elsewhere: the site that `make site` builds, and the links that open them in Binder.

What a browser does with the site up to the point where Python starts is tested in tests/browser. Python, NumPy, SciPy, SymPy and
matplotlib for WebAssembly come from Pyodide's network: they are not tested, but what the project asks of them is compared with
what Pyodide has.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from email.parser import Parser
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

import landscape_nb

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
#: What the Pyodide of the pinned kernel brings (its lock file), and what the site itself serves.
PYODIDE = "314.0.6"
IN_PYODIDE = {
    "contourpy": "1.3.3",
    "matplotlib": "3.10.8",
    "numpy": "2.4.6",
    "pillow": "12.2.0",
    "scipy": "1.18.0",
    "sympy": "1.14.0",
    "tqdm": "4.67.3",
}
PURE_PYTHON = {"ipywidgets"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "dist"
    command = ["make", "site", f"SITE={folder}"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(site):
    (found,) = (site / "pypi").glob("landscape_nb-*.whl")
    return found


def requirements(wheel: Path) -> list[Requirement]:
    """What a plain installation asks for."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    asked = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    return [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]


def test_the_site_lists_every_page_and_holds_it(site):
    listed = json.loads((site / "api" / "contents" / "all.json").read_text())["content"]
    assert sorted(entry["path"] for entry in listed) == PAGES
    assert sorted(path.name for path in (site / "files").iterdir()) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_site_installs_the_project_and_is_otherwise_the_page(site, name):
    text = (site / "files" / name).read_text(encoding="utf-8")
    there = nbformat.reads(text, as_version=4)
    nbformat.validate(there)
    here = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    assert there.metadata.kernelspec.name == "python"
    assert 'await piplite.install("landscape_nb")' in there.cells[0].source
    assert there.cells[1:] == here.cells
    outputs = [output for cell in json.loads(text)["cells"] for output in cell.get("outputs", [])]
    texts = [entry for output in outputs for entry in (output.get("text", ""), *output.get("data", {}).values())]
    assert not [entry for entry in texts if isinstance(entry, list)], "JupyterLite would put commas between the lines"


def test_the_site_opens_at_the_start_page_in_jupyterlab(site):
    door = (site / "index.html").read_text()
    (target,) = re.findall(r"url=(\S+?)\"", door)
    path, _, page = target.partition("?path=")
    assert (site / path).is_file()
    assert (site / "files" / page).is_file()


def test_the_index_of_wheels_names_the_project_with_its_digest_and_version(site, wheel):
    index = site / "pypi" / "all.json"
    projects = {name.replace("-", "_"): project for name, project in json.loads(index.read_text()).items()}
    assert set(projects) == {"landscape_nb", "ipywidgets", "comm", "jupyterlab_widgets"}
    project = projects["landscape_nb"]
    ((version, (release,)),) = project["releases"].items()
    assert version == landscape_nb.__version__
    assert release["url"].split("?")[0] in (wheel.name, f"./{wheel.name}")
    assert release["digests"]["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    settings = json.loads((site / "jupyter-lite.json").read_text())["jupyter-config-data"]["litePluginSettings"]
    urls = settings["@jupyterlite/pyodide-kernel-extension:kernel"]["pipliteUrls"]
    assert f"./pypi/all.json?sha256={hashlib.sha256(index.read_bytes()).hexdigest()}" in urls


def test_the_wheel_is_pure_python_and_holds_every_module_and_page(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    package = ROOT / "landscape_nb"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {f"landscape_nb/{path.relative_to(package).as_posix()}" for path in package.rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert "landscape_nb/py.typed" in names
    assert {Path(name).name for name in names if name.endswith(".ipynb")} == set(PAGES)


def test_the_wheel_works_by_itself(wheel):
    """Imported from the archive, with nothing of this checkout: every public name, and one number."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import landscape_nb as library;"
        "assert library.__file__.startswith(sys.argv[1]), library.__file__;"
        "[getattr(library, name) for name in library.__all__]; import landscape_nb.labs, landscape_nb.__main__;"
        "print(round(library.one_neuron(library.ERF, library.orthonormal_teacher(k=2, d=3))[0].loss, 10))"
    )
    with tempfile.TemporaryDirectory() as elsewhere:
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        run = subprocess.run(
            [sys.executable, "-c", program, wheel],
            capture_output=True,
            text=True,
            cwd=elsewhere,
            env=clean,
            check=False,
        )
    assert (run.stdout, run.returncode) == ("0.0232216806\n", 0), run.stderr


def test_the_project_asks_only_for_what_the_kernel_of_the_site_has(site, wheel):
    kernel = site / "extensions" / "@jupyterlite" / "pyodide-kernel-extension"
    schema = json.loads((kernel / "static" / "schema" / "kernel.v0.schema.json").read_text())
    assert f"/v{PYODIDE}/" in schema["properties"]["pyodideUrl"]["default"], (
        "another Pyodide: compare IN_PYODIDE with its lock file"
    )
    for asked in requirements(wheel):
        if asked.name not in PURE_PYTHON:
            assert asked.specifier.contains(IN_PYODIDE[asked.name]), (
                f"Pyodide has {asked.name} {IN_PYODIDE[asked.name]}"
            )


def test_nothing_in_the_site_names_a_folder_of_this_machine(site):
    folders = {str(ROOT), tempfile.gettempdir() + "/tmp", sys.prefix, str(Path.home()) + "/"}
    # "/" and "/root/" are no folder of one machine
    marks = [folder.encode() for folder in folders if len(folder) > 2 and folder != "/root/"]
    for path in site.rglob("*"):
        if path.suffix in {".json", ".ipynb", ".html", ".whl"}:
            content = path.read_bytes()
            if path.suffix == ".whl":
                with zipfile.ZipFile(path) as archive:
                    content = b"".join(archive.read(name) for name in archive.namelist())
            assert not [mark for mark in marks if mark in content], path


def test_a_plain_installation_brings_no_server_and_no_test_tools(wheel):
    assert {asked.name for asked in requirements(wheel)} == {*IN_PYODIDE, *PURE_PYTHON}


# binder ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", ["README.md", "binder/README.md"])
def test_a_binder_link_opens_a_page_that_exists(document):
    targets = re.findall(
        r"urlpath=(?:lab|voila|notebooks)(?:/tree|/render|%2Ftree%2F)?/?(\S+?\.ipynb)", (ROOT / document).read_text()
    )
    if document.startswith("binder"):
        assert "notebooks/00_start.ipynb" in targets
    for target in targets:
        assert (ROOT / target.replace("%2F", "/")).is_file(), target


def test_binder_pins_what_its_links_open():
    pinned = {line.split("==")[0] for line in (ROOT / "binder" / "requirements.txt").read_text().splitlines()}
    assert {"jupyterlab", "notebook", "voila", "ipykernel", "ipywidgets", "numpy", "scipy"} <= pinned
