"""The form of the pages: what a reader without a kernel sees, and what keeps the comparison of outputs meaningful."""

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PAGES = sorted(NOTEBOOKS.glob("*.ipynb"))
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
pytestmark = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)

# A title says what the reader does or what happens; a new page may bring its own verb.
VERBS = set(
    "ask begin build change choose climb compare compute count cross decide derive draw enter escape explore fall find fit "
    "follow grow learn look lose measure meet merge move open predict prove reach read run see share slide split start "
    "step take test think train trace turn try understand use walk watch".split()
)
# Sections by the word that must stand in a heading, or for the first ones in the opening text.
OPENING = {
    "what you will see": r"\bsee\b",
    "what you need": r"\bneed",
    "how long it takes": r"\b\d+\s*(–|-|to)?\s*\d*\s*minutes?\b",
}
HEADINGS = {
    "the statement": r"statement|theorem|formula",
    "the lab": r"\blab\b|sliders?|laboratory",
    "guided moves": r"moves?\b|guided|try",
    "exercises": r"exercise",
    "summary": r"summary|takeaway|what (you|we) (have )?(saw|seen|learn)",
    "sources": r"source|reference|literature",
}
START_PAGE_HEADINGS = ["summary", "sources"]  # the start page has a map and a first figure instead of a theorem

NOT_IN_OUTPUTS = {
    "a timing": r"\d\s?(ms|µs|us|ns|seconds|sec)\b",
    "a path of one machine": r"(?<![\w.~-])/(home|Users|root|usr|tmp|work|mnt|opt)/|site-packages|\b[A-Z]:\\",
    "a memory address": r"\b0x[0-9a-f]{6,}",
    "a negative zero": r"(?<![\w.])[-−]0(\.0+)?(?![\d.e])",
    "a bare NumPy scalar": r"\bnp\.(float|int|bool)",
    "a warning": r"Warning:",
    "an environment that differs between machines": r"\bPython 3\.\d+\.\d+|\blinux\b|\bx86_64\b|\bdarwin\b",
}
FORBIDDEN_NODES = {ast.FunctionDef: "def", ast.AsyncFunctionDef: "def", ast.ClassDef: "class", ast.Lambda: "lambda"}
FORBIDDEN_NAMES = {"interact", "interactive", "interactive_output", "Output", "pyplot", "plt"}
MOST_LINES_OF_A_CELL = 12


@cache
def read(page: Path) -> nbformat.NotebookNode:
    return nbformat.read(page, as_version=4)


def code_cells(page: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(page).cells if cell.cell_type == "code"]


def markdown(page: Path) -> list[str]:
    return [cell.source for cell in read(page).cells if cell.cell_type == "markdown"]


def headings(page: Path) -> list[str]:
    return [line.lstrip("# ") for source in markdown(page) for line in source.splitlines() if re.match(r"#+ ", line)]


def texts(cell: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """(kind, text) of everything that a cell shows in words."""
    found = [("stream", output.text) for output in cell.outputs if output.output_type == "stream"]
    for output in cell.outputs:
        found += [(mime, text) for mime, text in output.get("data", {}).items() if mime.startswith("text/")]
    return found


def test_it_is_a_valid_notebook(page):
    nbformat.validate(read(page))
    assert read(page).nbformat == 4
    assert len({cell.id for cell in read(page).cells}) == len(read(page).cells)


def test_it_was_run_from_top_to_bottom_and_stored(page):
    cells = code_cells(page)
    assert cells
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run make pages"
    assert any(cell.outputs for cell in cells)
    assert not [cell for cell in cells for output in cell.outputs if output.output_type == "error"]


def test_no_cell_is_taken_out_of_the_comparison(page):
    for cell in code_cells(page):
        assert "NBVAL" not in cell.source.upper()
        assert not cell.metadata.get("tags"), "tags can switch the comparison off"


def test_it_carries_no_widget_state_and_no_live_view(page):
    assert set(read(page).metadata) <= {"kernelspec", "language_info"}
    assert read(page).metadata.kernelspec.name == "python3"
    for cell in code_cells(page):
        assert "execution" not in cell.metadata, "timings of a run"
        for output in cell.outputs:
            assert WIDGET_VIEW not in output.get("data", {}), (
                "without a kernel a live view hides the picture: make pages"
            )


@pytest.mark.parametrize("what", NOT_IN_OUTPUTS)
def test_no_output_holds(page, what):
    for cell in code_cells(page):
        for kind, text in texts(cell):
            found = re.search(NOT_IN_OUTPUTS[what], text)
            assert not found, f"{kind} output of {cell.source!r} holds {found.group(0)!r}"


def test_every_picture_has_words_beside_it(page):
    for cell in code_cells(page):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            words = [text for kind, text in texts(cell) if not text.startswith("<") or kind != "text/plain"]
            assert len("".join(words)) > 40, f"the picture of {cell.source!r} has no text alternative"


def test_every_picture_carries_its_words_for_converters_that_show_it_without_what_is_below(page):
    for cell in code_cells(page):
        below = ["; ".join(text.splitlines()) for kind, text in texts(cell) if kind == "text/plain"]
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert output.metadata["image/png"]["alt"] in below


def test_it_drives_the_library_and_defines_nothing(page):
    for cell in code_cells(page):
        assert not re.search(r"^\s*[%!]", cell.source, re.MULTILINE), f"a magic or shell command in {cell.source!r}"
        assert len(cell.source.splitlines()) <= MOST_LINES_OF_A_CELL, f"too long for a page: {cell.source!r}"
        for node in ast.walk(ast.parse(cell.source)):
            assert type(node) not in FORBIDDEN_NODES, f"{FORBIDDEN_NODES.get(type(node))} in {cell.source!r}"
            names = {getattr(node, field, None) for field in ("id", "attr", "name")}
            assert not names & FORBIDDEN_NAMES, f"{names & FORBIDDEN_NAMES} in {cell.source!r}"


def test_its_title_has_a_verb(page):
    first = read(page).cells[0]
    assert first.cell_type == "markdown"
    title = first.source.splitlines()[0]
    assert re.match(r"# \w", title)
    words = set(re.findall(r"[a-z]+", title.lower()))
    stems = words | {word.removesuffix(end) for word in words for end in ("s", "es", "ing", "ed")}
    assert stems & VERBS, f"{title!r} has no verb of the list; say what the reader does, or add the verb to VERBS"


def test_it_opens_with_what_you_will_see_and_need_and_how_long_it_takes(page):
    opening = "\n".join(source for source in markdown(page)[:3])
    missing = [name for name, pattern in OPENING.items() if not re.search(pattern, opening, re.IGNORECASE)]
    assert not missing


def test_it_has_the_sections_of_a_page(page):
    wanted = START_PAGE_HEADINGS if page.stem == "00_start" else list(HEADINGS)
    found = "\n".join(headings(page))
    missing = [name for name in wanted if not re.search(HEADINGS[name], found, re.IGNORECASE)]
    assert not missing, f"headings are: {headings(page)}"


def test_its_links_to_other_pages_lead_somewhere(page):
    for source in markdown(page):
        for target in re.findall(r"\]\(([^)#\s]+)", source):
            if not re.match(r"https?:|mailto:", target):
                assert (NOTEBOOKS / target).exists(), f"no such page: {target}"
