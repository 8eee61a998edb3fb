"""The layers of the package: an import may only point up this list, and heavy libraries enter where the design says."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "landscape_nb"

# Top to bottom; names on one line are one layer. A new module is entered here, the commit says why at this place.
LAYERS = [
    {"display"},  # numbers as text: knows nothing of the mathematics, everything may print
    {"activations"},
    {"networks"},
    {"rosenbrock", "collocation"},  # methods of integration: know nothing of networks
    {"landscapes"},
    {"critical"},
    {"flows", "plateaus", "power_laws"},
    {"descent", "long_flows"},  # stand on flows: what is at rest, and long ones
    {"search"},
    {"closed_forms"},
    {"sweeps"},  # names its outcomes by the closed forms, and flows from many starts
    {"summary_statistics"},
    {"slices"},
    {"figures"},
    {"labs"},
    {"course", "selfcheck"},
    {"__main__"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
ENTRANCE = {"matplotlib": "figures", "ipywidgets": "labs", "IPython": "labs"}  # the layer where a library enters
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path) for path in MODULES}


def layer(module: str) -> str | None:
    """The layer of landscape_nb.x.y is x; the package itself has none."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


@cache
def imports(path: Path) -> tuple[tuple[str, int, bool], ...]:
    """(imported module, line, for type checkers only) of every import, those inside functions included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = dotted(path) if path.name == "__init__.py" else dotted(path).rpartition(".")[0]
    typing_only = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno, node.lineno in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                submodule = f"{base}.{alias.name}"
                found.append((submodule if submodule in NAMES else base, node.lineno, node.lineno in typing_only))
    return tuple(found)


def own_imports(path: Path, with_types: bool = True) -> list[tuple[str, int]]:
    return [
        (name, line)
        for name, line, typing_only in imports(path)
        if name.split(".")[0] == "landscape_nb" and (with_types or not typing_only)
    ]


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_every_module_has_its_place_in_the_layers(path):
    assert dotted(path) == "landscape_nb" or layer(dotted(path)) in RANK, (
        f"{dotted(path)} belongs to no layer; name it by the field's word and enter it in LAYERS and in the design"
    )


@pytest.mark.parametrize("path", [path for path in MODULES if dotted(path) != "landscape_nb"], ids=dotted)
def test_imports_point_up(path):
    own = layer(dotted(path))
    for name, line in own_imports(path):
        other = layer(name)
        where = f"{dotted(path)}:{line} imports {name}"
        if other is None:
            assert own in {"__main__", "selfcheck", "course"}, f"{where}: import from the module that defines the name"
        elif other != own:
            assert RANK[other] < RANK[own], f"{where}, which lies below it"


def test_no_import_is_circular():
    graph = defaultdict(set)
    for path in MODULES:
        if dotted(path) != "landscape_nb":
            graph[dotted(path)] = {name for name, _ in own_imports(path, with_types=False) if name != dotted(path)}

    def walk(module, trail):
        assert module not in trail, "circular import: " + " -> ".join([*trail[trail.index(module) :], module])
        for other in sorted(graph[module] - done):
            walk(other, [*trail, module])
        done.add(module)

    done: set[str] = set()
    for module in sorted(graph):
        walk(module, [])


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_drawing_and_widgets_enter_where_the_design_says(path):
    own = layer(dotted(path))
    for name, line, _ in imports(path):
        entrance = ENTRANCE.get(name.split(".")[0])
        where = f"{dotted(path)}:{line} imports {name}"
        assert entrance is None or (own is not None and RANK[own] >= RANK[entrance]), f"{where} above {entrance}/"
        assert name != "matplotlib.pyplot", (
            f"{where}: pictures are drawn on a Figure with the Agg canvas, without pyplot"
        )
        if name == "matplotlib":
            text = path.read_text(encoding="utf-8").splitlines()[line - 1]
            assert "pyplot" not in text, f"{where}: pictures are drawn on a Figure with the Agg canvas, without pyplot"


def test_importing_the_package_loads_nothing_heavier_than_numpy():
    heavy = ["scipy", "sympy", "matplotlib", "ipywidgets", "IPython", "mpmath"]
    program = f"import sys, landscape_nb; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout == "[]\n"


def test_every_exported_name_exists():
    program = (
        "import landscape_nb; missing = [n for n in landscape_nb.__all__ if getattr(landscape_nb, n, None) is None];"
        "print(missing, sorted(set(landscape_nb.__all__) - set(dir(landscape_nb))))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (run.stdout, run.stderr) == ("[] []\n", "")


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_modules_are_named_by_what_they_are_about(path):
    assert not re.search(r"util|helper|misc|common|tools?$", path.stem), f"{path.stem} names no concept of the field"


def tracked_texts() -> list[Path]:
    """The project's text files that version control knows; without version control, all beside the package."""
    try:
        listing = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT, check=True).stdout
        paths = [ROOT / name for name in listing.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    binary = {".png", ".jpg", ".npz", ".pdf", ".ico"}
    return [path for path in paths if path.is_file() and path.suffix not in binary and path != Path(__file__)]


OUT_OF_PLACE = {
    "a path of one machine": r"(?<![\w.~/:-])/(home|Users|root|work|mnt)/\w",
    "a package index of one machine": r"--(extra-)?index-url|--find-links|--trusted-host|\bfile:///",
    "a login": r"https?://[^/\s:@]+:[^/\s@]+@",
    "a reference that a reader cannot follow": r"\bissues? #?\d+\b|\bas (asked|requested) (in|by)\b|\bper the brief\b",
}


@pytest.mark.parametrize("what", OUT_OF_PLACE)
def test_no_file_holds(what):
    pattern = re.compile(OUT_OF_PLACE[what], re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked_texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) < 5000 and pattern.search(line)  # longer lines are stored pictures
    ]
    assert not found, "\n".join(found)


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    program = "import landscape_nb; print(landscape_nb.__version__)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == version, "reinstall the project after changing its version"
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("pins", ["binder/requirements.txt", "tests/requirements.txt"])
def test_pins_are_exact(pins):
    lines = [line for line in (ROOT / pins).read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    loose = [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*", line)]
    assert lines
    assert not loose
