"""The command line: ``landscape-nb`` or ``python -m landscape_nb``.

    landscape-nb one-neuron --activation erf --k 5      critical points of one neuron that learns from k teachers
    landscape-nb sweep --k 5 --n 4 --seeds 0:20         where gradient flow ends, from one start for each seed
    landscape-nb sweep --data FILE.csv --n 4            the same on samples
    landscape-nb lab [PAGE]                             the pages in JupyterLab
    landscape-nb dashboard [PAGE]                       one page without its code, served by Voila
    landscape-nb selfcheck                              one line per capability

A command is one function that takes the parsed arguments and returns the exit code, and one that declares its arguments. Bad input
ends with one line on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from . import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .activations import Activation
    from .critical import CriticalPoint, OutsideTheorem
    from .labs import Lab
    from .landscapes import PopulationLandscape, SampledLandscape
    from .networks import Network
    from .search import OneNeuronPoints

PROGRAM = "landscape-nb"
#: The full Hessian of one student has (d + 1)^2 entries and a kernel of k teachers k^2: more than this takes long.
LARGEST = 300
#: The numerical search diagonalises some hundred Hessians of the teachers' span at each step.
LARGEST_SEARCHED = 50
#: Gradient flow factorises a Hessian of p^2 entries at each of some hundred steps.
LARGEST_STUDENT = 5000
#: The layout of the JSON that ``one-neuron --json`` writes.
RESULT_VERSION = 1


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(re.sub(r"^argument (\S+): ", r"\1 ", message))


# one-neuron -----------------------------------------------------------------------------------------------------------


def declare_landscape(parser: argparse.ArgumentParser) -> None:
    """Activation and teacher."""
    parser.add_argument("--activation", default="erf", metavar="NAME", help="erf (default), relu, leaky_relu:0.2, ...")
    parser.add_argument("--k", type=whole, help="number of teacher neurons")
    parser.add_argument("--d", type=whole, help="input dimension (default k + 1)")
    parser.add_argument("--correlation", type=real, help="cosine of any two teacher vectors (default 0)")
    parser.add_argument("--norm", type=real, help="length of the teacher vectors (default 1)")
    parser.add_argument("--weight", type=reals, metavar="B", help="outgoing weight, one for all or k of them: 1,2,-1")
    parser.add_argument(
        "--teacher", metavar="FILE", help="a teacher of your own: .npz or .json with W (k, d) and a (k)"
    )


def declare_one_neuron(parser: argparse.ArgumentParser) -> None:
    declare_landscape(parser)
    parser.add_argument("--numerical", action="store_true", help="search numerically even where a theorem applies")
    parser.add_argument("--json", action="store_true", help="write JSON with all digits, students and spectra")


@dataclass(frozen=True, eq=False)
class Answer:
    """What was asked and what was found. constant : E[f*^2]. outside : why no theorem applies, None if one does."""

    arguments: argparse.Namespace
    activation: Activation
    teacher: Network
    constant: float
    points: OneNeuronPoints
    outside: OutsideTheorem | None


def one_neuron(arguments: argparse.Namespace) -> int:
    """Print the critical points of one neuron: in closed form where a theorem applies, else found numerically."""

    from .critical import OutsideTheorem
    from .landscapes import PopulationLandscape

    activation = activation_named(arguments.activation)
    teacher = teacher_asked_for(arguments)
    constant = PopulationLandscape(activation, teacher).constant
    if constant == 0:
        raise ValueError(
            "this teacher is the zero function, E[f*^2] = 0: there is nothing to learn; change its weights"
        )
    outside: OutsideTheorem | None = None
    if arguments.numerical:
        points = searched(activation, teacher)
    else:
        from .closed_forms.one_neuron import one_neuron as in_closed_form

        try:
            points = in_closed_form(activation, teacher)
        except OutsideTheorem as error:
            outside, points = error, searched(activation, teacher)
    answer = Answer(arguments, activation, teacher, constant, points, outside)
    print(as_json(answer) if arguments.json else as_text(answer))
    return 0


def activation_named(name: str) -> Activation:
    """The activation of this name; leaky_relu takes its slope after a colon."""
    from .activations import ACTIVATIONS, leaky_relu

    base, colon, slope = name.partition(":")
    if base == "leaky_relu" and colon:
        try:
            return leaky_relu(float(slope))
        except ValueError:
            raise ValueError(f"leaky_relu takes a finite slope (leaky_relu:0.2); {name} was given") from None
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if base in ACTIVATIONS:
        raise ValueError(f"only leaky_relu takes a number (leaky_relu:0.2); --activation {name} was given")
    close = get_close_matches(name.lower(), ACTIVATIONS, n=3, cutoff=0.5)
    known = f"did you mean {' or '.join(close)}?" if close else f"the known ones are {', '.join(ACTIVATIONS)}"
    raise ValueError(f"there is no activation {name!r}; {known}")


def teacher_asked_for(arguments: argparse.Namespace) -> Network:
    """The teacher from the user's file, or k alike vectors."""
    from .networks import Network, equicorrelated_teacher

    built_in = {name: getattr(arguments, name) for name in ("k", "d", "correlation", "norm", "weight")}
    given = [f"--{name}" for name, value in built_in.items() if value is not None]
    if arguments.teacher is not None:
        if given:
            raise ValueError(f"a teacher file already says what {' and '.join(given)} would; give one or the other")
        teacher = Network.load(arguments.teacher)
        check_size("teacher neurons", teacher.n, LARGEST)
        check_size("input dimensions", teacher.d, LARGEST + 1)
        return teacher
    k, d, correlation, norm, weight = built_in.values()
    if k is None:
        raise ValueError("which teacher? --k 5 takes five orthonormal vectors, --teacher FILE one of your own")
    check_size("teacher neurons", k, LARGEST)
    d = k + 1 if d is None else d
    check_size("input dimensions", d, LARGEST + 1)
    if weight is None:
        weight = [1.0]
    if len(weight) not in (1, k):
        raise ValueError(f"--weight takes one number or k = {k} of them; {len(weight)} were given")
    return equicorrelated_teacher(
        k,
        d,
        0.0 if correlation is None else correlation,
        1.0 if norm is None else norm,
        weight[0] if len(weight) == 1 else weight,
    )


def check_size(what: str, size: int, largest: int) -> None:
    """Refuse what would not end."""
    if size > largest:
        raise ValueError(
            f"{size} {what} are too many: full spectra of Hessians this large would take minutes "
            f"and gigabytes; stay at or below {largest}"
        )


def searched(activation: Activation, teacher: Network) -> OneNeuronPoints:
    """The numerical search, unless it is too large for it."""
    import numpy as np

    from .search import search_one_neuron

    rank = int(np.linalg.matrix_rank(teacher.W))
    if rank > LARGEST_SEARCHED:
        raise ValueError(
            f"teacher vectors that span {rank} dimensions are too many for the numerical search, which diagonalises "
            f"hundreds of Hessians of that size at each step; stay at or below {LARGEST_SEARCHED}"
        )
    return search_one_neuron(activation, teacher)


def as_text(answer: Answer) -> str:
    """The critical points as a table, and what is known about them."""
    import numpy as np

    from .closed_forms import STATEMENTS
    from .display import number, table

    activation, teacher, points, outside = answer.activation, answer.teacher, answer.points, answer.outside
    exactness = "" if activation.exact == "closed form" else f" (kernel: {activation.exact})"
    neurons = f"{teacher.n} teacher neuron{'s' if teacher.n > 1 else ''}"
    dimensions = f"{teacher.d} dimension{'s' if teacher.d > 1 else ''}"
    lines = [
        f"One {activation.name} neuron{exactness}, {neurons}{described(answer.arguments)} in {dimensions}, "
        f"E[f*^2] = {number(answer.constant, 10)}"
    ]
    if outside is not None:
        reason = f"{outside.statement} needs {outside.hypothesis}; given: {outside.given}"
        lines.append(f"Numerical search, because {reason}")
    elif answer.arguments.numerical:
        lines.append("Numerical search, as asked for")
    if points:
        rows: list[tuple[str, ...]] = [
            (
                number(point.loss, 10, answer.constant),
                number(float(np.linalg.norm(point.student.W))),
                number(float(point.student.a[0])),
                str(point.index),
                point.describe_zero_modes().removeprefix("nullity "),
                point.kind,
                point.method,
                point.name,
            )
            for point in points
        ]
        header = ("loss", "|w|", "a", "index", "nullity", "kind", "method", "name")
        lines += ["", table(header, rows), ""]
    if points.statement:
        statement = STATEMENTS[points.statement]
        lines.append(f"theorem   {statement.key}: {statement.title} ({statement.status})")
        lines.append(f"source    {statement.source}")
    more = "; --numerical searches for others" if points.statement and not points.complete else ""
    lines.append(f"complete  {'yes' if points.complete else 'not known'}: {points.remark}{more}")
    if points.infimum is not None:
        lines.append(f"infimum   {number(points.infimum.loss, 10, answer.constant)}, at infinity")
    return "\n".join(lines)


def described(arguments: argparse.Namespace) -> str:
    """What sets this teacher apart, in the words of the command line."""
    if arguments.teacher is not None:
        return f" of {Path(arguments.teacher).name}"
    given = {"correlation": arguments.correlation, "norm": arguments.norm}
    parts = [f"{name} {value:g}" for name, value in given.items() if value is not None]
    if arguments.weight is not None:
        parts.append("weight " + ",".join(f"{weight:g}" for weight in arguments.weight))
    return f" ({', '.join(parts)})" if parts else " (orthonormal)"


def as_json(answer: Answer) -> str:
    """The same with all digits, for programs."""
    arguments, teacher, points = answer.arguments, answer.teacher, answer.points
    infimum = points.infimum
    content = {
        "version": RESULT_VERSION,
        "landscape_nb": __version__,
        "inputs": {
            "activation": arguments.activation,
            "kernel": answer.activation.exact,
            "k": teacher.n,
            "d": teacher.d,
            "correlation": arguments.correlation,
            "norm": arguments.norm,
            "weight": arguments.weight,
            "teacher": None
            if arguments.teacher is None
            else {"file": arguments.teacher, "W": teacher.W.tolist(), "a": teacher.a.tolist()},
            "numerical": arguments.numerical,
        },
        "constant": answer.constant,
        "points": [point_as_json(point) for point in points],
        "complete": points.complete,
        "remark": points.remark,
        "statement": points.statement or None,
        "outside": str(answer.outside) if answer.outside else None,
        "infimum": None
        if infimum is None
        else {
            "loss": infimum.loss,
            "direction": infimum.direction.tolist(),
            "slope": infimum.slope,
            "degree": infimum.degree,
            "sentence": infimum.sentence,
        },
    }
    return json.dumps(content, indent=1, allow_nan=False)


def point_as_json(point: CriticalPoint) -> dict[str, Any]:
    """One critical point; W and a as in a network file."""
    return {
        "loss": point.loss,
        "residual": point.residual,
        "index": point.index,
        "nullity": point.nullity,
        "zero_modes": point.zero_modes,
        "kind": point.kind,
        "method": point.method,
        "name": point.name,
        "W": point.student.W.tolist(),
        "a": point.student.a.tolist(),
        "spectrum": point.spectrum.tolist(),
    }


# sweep ----------------------------------------------------------------------------------------------------------------


def declare_sweep(parser: argparse.ArgumentParser) -> None:
    declare_landscape(parser)
    parser.add_argument("--n", type=whole, help="number of student neurons")
    parser.add_argument("--seeds", type=seeds_named, default="0:20", help="0:20 (default), 7, or 0,3,10:15")
    parser.add_argument(
        "--data", metavar="FILE", help="samples instead of a teacher: .csv (the last column is y) or .npz (X, y)"
    )
    parser.add_argument(
        "--output-bias", action="store_true", help="with --data: the students have a trainable output bias"
    )
    parser.add_argument("--start", default="glorot", help="glorot (default) or normal, or glorot:0.1 for a tenth of it")
    parser.add_argument("--t-max", type=real, default=1.5e6, help="time at which a flow is ended (default 1.5e6)")
    parser.add_argument("--workers", type=whole, help="processes with one BLAS thread each (default: this one)")
    parser.add_argument("--out", metavar="FILE", help="a .csv or .json file; rows are written as they finish")
    parser.add_argument("--resume", action="store_true", help="go on with the file, computing what it does not have")


def sweep(arguments: argparse.Namespace) -> int:
    """Follow gradient flow from one start for each seed and count what the end points are."""
    import warnings

    from .display import number
    from .sweeps import sweep as over_seeds

    if arguments.n is None:
        raise ValueError("how many student neurons? --n 4 takes four")
    if arguments.workers is not None and arguments.workers < 1:
        raise ValueError(f"--workers is the number of processes, at least 1; {arguments.workers} was given")
    if arguments.resume and arguments.out is None:
        raise ValueError("--resume goes on with a file; name it with --out FILE")
    if arguments.out is not None and Path(arguments.out).exists() and not arguments.resume:
        raise ValueError(f"{arguments.out} exists; --resume goes on with it, or name another file")
    landscape, against = landscape_to_sweep(arguments)
    check_size("parameters n (d + 1) of the student", arguments.n * (landscape.d + 1), LARGEST_STUDENT)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")  # they are said below, as sentences of the result
        found = over_seeds(
            landscape,
            arguments.n,
            arguments.seeds,
            start=arguments.start,
            t_max=arguments.t_max,
            executor=arguments.workers,
            results=arguments.out,
            progress=sys.stderr.isatty(),
        )
    for note in found.notes:
        print(f"{PROGRAM}: {note}", file=sys.stderr)
    students = f"{arguments.n} student neuron{'s' if arguments.n > 1 else ''}"
    count = f"{len(found)} seed{'s' if len(found) != 1 else ''}"
    asked = f"start {arguments.start}, t_max {number(arguments.t_max)}: {count}"
    lines = [f"{landscape.activation.name}, {students}, {against}, {asked}", "", found.table()]
    if found.exceptions():
        lines += ["", *(f"seed {row.seed}, {row.outcome}: {row.evidence}" for row in found.exceptions())]
    if arguments.out is not None:
        lines += ["", f"rows in {arguments.out}"]
    print("\n".join(lines))
    if found.missing:
        hint = f"; --resume --out {arguments.out} goes on" if arguments.out is not None else ""
        print(f"{PROGRAM}: interrupted with {len(found.missing)} seeds to do{hint}", file=sys.stderr)
        return 130
    return 0


def landscape_to_sweep(arguments: argparse.Namespace) -> tuple[PopulationLandscape | SampledLandscape, str]:
    """The landscape of the user's samples, or of a teacher, and what the students learn in words."""
    from .landscapes import PopulationLandscape, SampledLandscape, load_samples

    activation = activation_named(arguments.activation)
    if arguments.data is None:
        if arguments.output_bias:
            raise ValueError("--output-bias belongs to samples; name their file with --data FILE")
        teacher = teacher_asked_for(arguments)
        population = PopulationLandscape(activation, teacher)
        if population.constant == 0:
            raise ValueError(
                "this teacher is the zero function, E[f*^2] = 0: there is nothing to learn; change its weights"
            )
        neurons = f"{teacher.n} teacher neuron{'s' if teacher.n > 1 else ''}{described(arguments)}"
        return population, f"{neurons} in {teacher.d} dimensions"
    teachers = ("teacher", "k", "d", "correlation", "norm", "weight")
    given = [f"--{name}" for name in teachers if getattr(arguments, name) is not None]
    if given:
        raise ValueError(
            f"--data takes the place of a teacher, which {' and '.join(given)} would describe; give one or the other"
        )
    landscape = SampledLandscape(activation, *load_samples(arguments.data), output_bias=arguments.output_bias)
    bias = " and an output bias" if arguments.output_bias else ""
    return landscape, f"{len(landscape.y)} samples of {Path(arguments.data).name} in {landscape.d} dimensions{bias}"


# lab ------------------------------------------------------------------------------------------------------------------


def declare_lab(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{PROGRAM} lab [PAGE] [--port PORT] [--no-browser] [--state CODE] [options of JupyterLab]"
    declare_server(parser)


def declare_server(parser: argparse.ArgumentParser) -> None:
    """What the commands that serve pages have in common."""
    parser.epilog = "PAGE is a name, number or path: 02_one_neuron, one_neuron, 2. Default: the start page, or one with the lab of --state."
    parser.add_argument("--port", type=whole, help="the port of the server")
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")
    parser.add_argument("--state", metavar="CODE", help="the state in which the labs of the page start")


def lab(arguments: argparse.Namespace) -> int:
    """Open the pages in JupyterLab and stay until it ends."""
    page, passed_on = page_asked_for(arguments)
    check_port(arguments.port)
    require("jupyterlab", "ipykernel")
    command = [sys.executable, "-m", "jupyterlab", str(page)]
    if arguments.port is not None:
        command += ["--port", str(arguments.port)]
    if arguments.no_browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # JupyterLab refuses root otherwise; containers often have no other user
    return run_until_it_ends([*command, *passed_on], environment_of_kernels(arguments.state))


def page_asked_for(arguments: argparse.Namespace) -> tuple[Path, list[str]]:
    """The page that a command for a server names, and the words that are meant for the server."""
    passed_on = list(arguments.rest)
    named = bool(passed_on) and not passed_on[0].startswith("-")
    page = page_named(passed_on.pop(0) if named else "00_start")
    if arguments.state is not None:
        lab = lab_of_state(arguments.state)
        home = [other for other in sorted(page.parent.glob("*.ipynb")) if shows(other, lab)]
        if not named and page not in home and home:
            page = home[0]
        elif page.parent == pages() and page not in home:
            raise ValueError(
                f"--state holds a state of the {lab.title} lab, which {page.stem} does not show; "
                f"it is on {' and '.join(other.stem for other in home)}"
            )
    return page, passed_on


def shows(page: Path, lab: type[Lab]) -> bool:
    """Whether a page shows this lab."""
    return re.search(rf"\b{lab.__name__}\(", page.read_text(encoding="utf-8")) is not None


def require(*packages: str) -> None:
    """Say what to install where one of them is missing."""
    for package in packages:
        if find_spec(package) is None:
            raise ValueError(f"{package} is not installed; pip install 'landscape_nb[lab]' brings what the pages need")


def environment_of_kernels(state: str | None) -> dict[str, str]:
    """The environment that a server hands to its kernels; the labs read LANDSCAPE_NB_STATE."""
    # the kernel of this environment, and not one of the same name in the home directory
    environment = {"JUPYTER_PREFER_ENV_PATH": "1", **os.environ}
    if state is not None:
        environment["LANDSCAPE_NB_STATE"] = state
    return environment


def lab_of_state(code: str) -> type[Lab]:
    """The lab of a state code; ValueError for one that no lab could read: the one place where the command line looks at codes."""
    if not code.strip():
        raise ValueError("--state expects the code that a lab shows; an empty one was given")
    from .labs import LABS
    from .labs.state_code import decode, lab_of

    lab = LABS[lab_of(code, tuple(LABS))[0]]
    decode(lab.name, lab.parameters, code)
    return lab


def pages() -> Path:
    """The folder of the notebooks: beside the package in a checkout, else where an installed wheel puts it."""
    folders = (
        Path(__file__).resolve().parents[1] / "notebooks",
        Path(sys.prefix) / "share" / "landscape_nb" / "notebooks",
    )
    for folder in folders:
        if (folder / "00_start.ipynb").is_file():
            return folder
    raise ValueError(
        "the pages are not installed with this copy of landscape_nb; get the repository and run make lab there, "
        "or install from it with pip install --editable '.[lab]'"
    )


def page_named(name: str, folder: Path | None = None) -> Path:
    """The page of this name, number or file name: 02_one_neuron, one_neuron, 2; or any notebook by its path."""
    if name.endswith(".ipynb") and Path(name).is_file():
        return Path(name).resolve()
    folder = folder or pages()
    known = {page.stem: page for page in sorted(folder.glob("*.ipynb"))}
    wanted = Path(name).name.removesuffix(".ipynb").replace("-", "_")
    for stem, page in known.items():
        number, _, words = stem.partition("_")
        if wanted in (stem, words) or (wanted.isdigit() and number.isdigit() and int(wanted) == int(number)):
            return page
    raise ValueError(f"there is no page {name!r}; the pages are {', '.join(known)}")


def run_until_it_ends(command: list[str], environment: dict[str, str]) -> int:
    """Run a program that handles Ctrl-C itself; being told to end ends it too."""
    process = subprocess.Popen(command, env=environment)
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # the server has received it as well; JupyterLab asks whether to shut down
    finally:
        signal.signal(signal.SIGTERM, before)


# dashboard ------------------------------------------------------------------------------------------------------------

#: Where Voila listens unless --port says otherwise.
DASHBOARD_PORT = 8866
#: Voila's template asks a content delivery network for icons that the pages do not use. With this policy the reader's
#: browser asks this server only: the page works without the web, and nobody else learns who reads it.
THIS_SERVER_ONLY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' ws: wss: data: blob:; "
    "frame-ancestors 'self'"
)
#: What ``python -m voila`` does, with a dictionary that its own command line takes only with a warning.
VOILA = "from voila.app import Voila; Voila.launch_instance(tornado_settings={!r})"
#: The kernel of a reader who has left ends after this time.
IDLE_SECONDS = 600
#: JupyterLab's other extensions are made for JupyterLab; in Voila some of them fail, loudly.
DASHBOARD_EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8")


def declare_dashboard(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{PROGRAM} dashboard [PAGE] [--port PORT] [--no-browser] [--state CODE] [options of Voila]"
    declare_server(parser)


def dashboard(arguments: argparse.Namespace) -> int:
    """Serve a page without its code, through Voila, and stay until it ends."""
    page, passed_on = page_asked_for(arguments)
    require("voila", "ipykernel")
    environment = environment_of_kernels(arguments.state)
    port = free_port(arguments.port)
    # its folder is served, so that the links between the pages work
    address = f"http://localhost:{port}/voila/render/{quote(page.name)}"
    print(f"{page.stem}: {address}", flush=True)
    program = VOILA.format({"headers": {"Content-Security-Policy": THIS_SERVER_ONLY}})
    command = [sys.executable, "-c", program, str(page.parent), "--no-browser", f"--port={port}"]
    command.append("--Voila.port_retries=0")
    command += [f"--VoilaConfiguration.extension_allowlist={name}" for name in DASHBOARD_EXTENSIONS]
    command.append(f"--MappingKernelManager.cull_idle_timeout={IDLE_SECONDS}")
    if not arguments.no_browser:
        Thread(target=open_once_it_answers, args=(address, port), daemon=True).start()
    return run_until_it_ends([*command, *passed_on], environment)


def check_port(asked: int | None) -> None:
    """Refuse what is no port."""
    if asked is not None and not 0 < asked < 65536:
        raise ValueError(f"--port expects a number between 1 and 65535; {asked} was given")


def free_port(asked: int | None) -> int:
    """The port that was asked for; without one the usual one, or any other if that is taken."""
    check_port(asked)
    for port in (DASHBOARD_PORT, 0) if asked is None else (asked,):
        with socket.socket() as probe:
            if os.name != "nt":  # a port whose last server has just ended counts as free, as it does for the server
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
    raise ValueError(f"port {asked} cannot be used, another program may have it; give another --port, or none")


def open_once_it_answers(address: str, port: int, patience: float = 60.0) -> None:
    """Open the address in the user's browser as soon as the server listens."""
    deadline = monotonic() + patience
    while monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            webbrowser.open(address)
            return
        sleep(0.1)


# selfcheck ------------------------------------------------------------------------------------------------------------

PACKAGES = ("numpy", "scipy", "sympy", "matplotlib", "ipywidgets", "ipykernel", "jupyterlab", "notebook", "voila")


def declare_selfcheck(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--versions", action="store_true", help="also print the versions of Python and the libraries")


def selfcheck(arguments: argparse.Namespace) -> int:
    """Print one line per capability; exit code 1 if one of them fails."""
    from .selfcheck import outcomes, report

    results = outcomes()
    print(report(results))
    if arguments.versions:
        print()
        print(versions())
    return 0 if all(result.passed for result in results) else 1


def versions() -> str:
    """Python and what the package stands on."""
    from importlib.metadata import PackageNotFoundError, version

    from .display import table

    rows: list[tuple[str, ...]] = [("landscape_nb", __version__), ("python", sys.version.split()[0])]
    for package in PACKAGES:
        try:
            rows.append((package, version(package)))
        except PackageNotFoundError:
            rows.append((package, "not installed"))
    return table(("package", "version"), rows)


# arguments ------------------------------------------------------------------------------------------------------------

COMMANDS = {
    "one-neuron": (one_neuron, declare_one_neuron),
    "sweep": (sweep, declare_sweep),
    "lab": (lab, declare_lab),
    "dashboard": (dashboard, declare_dashboard),
    "selfcheck": (selfcheck, declare_selfcheck),
}


def whole(text: str) -> int:
    """An integer."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expects a whole number; {text!r} was given") from None


#: More seeds than this in one command are taken for a slip.
MOST_SEEDS = 100_000


def seeds_named(text: str) -> list[int]:
    """Seeds as in 0:20 (20 of them, from 0 to 19), 7, or 0,3,10:15."""
    found: list[int] = []
    for part in text.split(","):
        low, colon, high = part.partition(":")
        try:
            first = int(low)
            last = int(high) if colon else first + 1
        except ValueError:
            first, last = 0, 0
        if not 0 <= first < last:
            raise argparse.ArgumentTypeError(f"expects seeds such as 0:20, 7 or 0,3,10:15; {text!r} was given")
        if last - first > MOST_SEEDS:
            raise argparse.ArgumentTypeError(f"names more than {MOST_SEEDS} seeds; {text!r} was given")
        found += range(first, last)
    return found


def reals(text: str) -> list[float]:
    """Finite numbers separated by commas."""
    return [real(part) for part in text.split(",")]


def real(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise argparse.ArgumentTypeError(f"expects a finite number; {text!r} was given")
    return value


def parser() -> Parser:
    """The parser of all commands."""
    top = Parser(prog=PROGRAM, description="Exact loss landscapes of two-layer networks.", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, (run, declare) in COMMANDS.items():
        sentence = (run.__doc__ or "").splitlines()[0]
        one = commands.add_parser(name, help=sentence, description=sentence, allow_abbrev=False)
        one.set_defaults(run=run)
        declare(one)
    return top


def joined(argv: Sequence[str]) -> list[str]:
    """argv with ``--weight -1,2`` as ``--weight=-1,2``: argparse takes -1,2 and -1e-3 for options."""
    result: list[str] = []
    for word in argv:
        if (
            result
            and re.fullmatch(r"--(weight|correlation|norm|k|d|n|seeds|t-max|workers)", result[-1])
            and re.match(r"-[\d.]", word)
        ):
            result[-1] += f"={word}"
        else:
            result.append(word)
    return result


def dispatch(words: list[str]) -> int:
    """Find the command and run it."""
    asked = next((word for word in words if not word.startswith("-")), None)
    if asked is not None and asked not in COMMANDS:
        raise ValueError(f"there is no command {asked!r}; the commands are {', '.join(COMMANDS)}")
    everything = parser()
    arguments, rest = everything.parse_known_args(words)
    if rest and asked not in ("lab", "dashboard"):
        place = f"{PROGRAM} {asked}" if asked else PROGRAM
        raise ValueError(f"unknown argument {' '.join(rest)}; {place} --help lists the known ones")
    if asked is None:
        everything.print_help()
        return 0
    arguments.rest = rest
    return arguments.run(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    try:
        try:
            return dispatch(joined(sys.argv[1:] if argv is None else argv))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough: landscape-nb ... | head -1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except (ValueError, OSError) as error:
        print(f"{PROGRAM}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
