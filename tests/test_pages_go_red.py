"""The proof of the proof: strict nbval passes what `make pages` stores and goes red when one digit of it changes."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "notebooks").glob("*.ipynb"))

SMALL_PAGE = [
    "from ipywidgets import IntSlider",
    "print('loss', 0.1234)",
    "from IPython.display import HTML, Latex, display\ndisplay(HTML('<b>index 0.1234</b>'))",
    "display(Latex('$0.1234$'))",
    # a lab in small: live view, still picture and summary in one output
    "class Lab:\n"
    "    def _repr_mimebundle_(self, **_):\n"
    "        picture = {'image/png': 'iVBORw0KGgo=', 'text/plain': 'loss 0.1234'}\n"
    "        return {**IntSlider()._repr_mimebundle_(), **picture}",
    "Lab()",
]


def refresh(page: Path) -> None:
    specification = importlib.util.spec_from_file_location("refresh", ROOT / "notebooks" / "refresh.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.refresh(page)


def nbval(folder: Path) -> dict[str, list[str]]:
    """Run strict nbval on every notebook of a folder as make test does: the cells that failed, by notebook."""
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-q", "-rA"]
    where = ["-c", str(ROOT / "pyproject.toml"), f"--rootdir={folder}", str(folder)]
    run = subprocess.run(
        [*command, *where, "--color=no"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=600,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    outcome: dict[str, list[str]] = {page.stem: [] for page in folder.glob("*.ipynb")}
    assert re.search(r"\d+ passed", run.stdout), run.stdout
    for stem, cell in re.findall(r"^FAILED \S*?(\w+)\.ipynb::(Cell \d+)", run.stdout, re.MULTILINE):
        outcome[stem].append(cell)
    assert run.stdout.count("Cell outputs differ") >= sum(map(len, outcome.values()))
    return outcome


def plant(page: Path, copy: Path, kind: str, only: str = "") -> str:
    """Change one digit of the first stored text of this kind (a MIME type or "stream"); the cell it is in, "" if none."""
    notebook = nbformat.read(page, as_version=4)
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        for output in cell.outputs if only in ("", f"Cell {number}") else []:
            is_stream = output.output_type == "stream"
            holder, key = (output, "text") if is_stream else (output.get("data", {}), kind)
            if (kind == "stream") == is_stream and re.search(r"\d", holder.get(key, "")):
                digits = list(re.finditer(r"\d", holder[key]))
                where = digits[len(digits) // 2].start()
                holder[key] = holder[key][:where] + str((int(holder[key][where]) + 1) % 10) + holder[key][where + 1 :]
                nbformat.write(notebook, copy)
                return f"Cell {number}"
    return ""


def test_a_changed_digit_goes_red_in_every_kind_of_text_and_only_that_cell(tmp_path):
    source = tmp_path / "unchanged.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in SMALL_PAGE])
    nbformat.write(notebook, source)
    refresh(source)
    stored = nbformat.read(source, as_version=4).cells[-1].outputs
    assert [sorted(output.data) for output in stored] == [["image/png"], ["text/plain"]]

    assert plant(source, tmp_path / "stream.ipynb", "stream")
    assert plant(source, tmp_path / "html.ipynb", "text/html")
    assert plant(source, tmp_path / "latex.ipynb", "text/latex")
    assert plant(source, tmp_path / "summary.ipynb", "text/plain", only="Cell 5")

    failed = nbval(tmp_path)
    assert failed.pop("unchanged") == []
    assert failed == {
        "stream": ["Cell 1"],
        "html": ["Cell 2"],
        "latex": ["Cell 3"],
        "summary": ["Cell 5"],
    }


def test_there_are_pages():
    assert [page.stem for page in PAGES][:3] == ["00_start", "01_kernels", "02_one_neuron"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem == "05_splitting"], ids=lambda page: page.stem)
def test_a_changed_digit_of_a_real_page_goes_red(page, tmp_path):
    shutil.copytree(
        page.parent, tmp_path / "pages", ignore=shutil.ignore_patterns("*.ipynb", "*.py", "__pycache__", ".*")
    )
    kinds = ("text/plain", "text/html", "text/latex", "text/markdown", "stream")
    planted: dict[str, list[str]] = {}  # copy -> its changed cells: as few copies as change no cell twice
    for kind in kinds:
        cell = plant(page, tmp_path / "tried.ipynb", kind)
        if not cell:
            continue
        stem = next((stem for stem, cells in planted.items() if cell not in cells), f"copy_{len(planted)}")
        copy = tmp_path / "pages" / f"{stem}.ipynb"
        assert plant(copy if copy.exists() else page, copy, kind) == cell
        planted.setdefault(stem, []).append(cell)
    assert planted, "the page shows no number in words"
    failed = nbval(tmp_path / "pages")
    assert {stem: [cell for cell in cells if cell not in failed[stem]] for stem, cells in planted.items()} == {
        stem: [] for stem in planted
    }
