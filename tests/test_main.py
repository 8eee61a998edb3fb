"""The command line: numbers, sentences, exit codes, and what happens at the other end of the pipe."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from math import asin, pi, sqrt
from pathlib import Path

import numpy as np
import pytest

import landscape_nb
from landscape_nb import (
    ACTIVATIONS,
    CriticalPoint,
    Network,
    PopulationLandscape,
    __main__,
    equicorrelated_teacher,
    labs,
)
from landscape_nb.__main__ import COMMANDS, LARGEST, LARGEST_SEARCHED, PACKAGES, main, page_named, pages

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(capsys):
    """Run main in this process: (exit code, stdout, stderr)."""

    def run(*argv):
        code = main([str(word) for word in argv])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def printed(run):
    """stdout of a command that must succeed in silence."""

    def printed(*argv):
        code, out, err = run(*argv)
        assert (code, err) == (0, "")
        return out

    return printed


def process(*argv, **options):
    """A process of its own, as a user starts it."""
    command = [sys.executable, "-W", "error", "-m", "landscape_nb", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def cells(out):
    """The table of the text form as dictionaries; columns are cut where the line of dashes is."""
    lines = out.splitlines()
    rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
    starts = [0, *(i + 1 for i, (a, b) in enumerate(zip(lines[rule], lines[rule][1:])) if (a, b) == (" ", "-"))]
    ends = [*starts[1:], None]

    def cut(line):
        return [line[start:end].strip() for start, end in zip(starts, ends)]

    header = cut(lines[rule - 1])
    rows = []
    for line in lines[rule + 1 :]:
        if not line:
            break
        rows.append(dict(zip(header, cut(line))))
    return rows


# numbers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "k, loss",
    [(1, 0.0), (2, 0.023221680625337), (3, 0.040593177313954), (10, 0.148906686001264), (100, 1.502212084342922)],
)
def test_erf_prints_the_published_numbers(printed, k, loss):
    first = cells(printed("one-neuron", "--activation", "erf", "--k", k))[0]
    assert float(first["loss"]) == pytest.approx(loss, rel=1e-9)
    assert float(first["|w|"]) == pytest.approx(1 / sqrt(2 * k - 1), rel=1e-5)
    assert (first["a"], first["index"], first["nullity"]) == (str(k), "0", "0")
    assert (first["kind"], first["method"], first["name"]) == ("minimum", "closed form", "average of the teachers")


def test_erf_says_which_theorem_it_is_and_that_the_list_is_complete(printed):
    out = printed("one-neuron", "--k", 5)
    assert out.startswith("One erf neuron, 5 teacher neurons (orthonormal) in 6 dimensions, E[f*^2] = 1.666666667\n")
    assert "\ntheorem   one_neuron_erf: the one-neuron erf theorem (known" in out
    assert "\nsource    Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023" in out
    assert "\ncomplete  yes: no other critical point with a != 0" in out
    assert "infimum" not in out
    assert "earch" not in out


def test_relu_names_its_zero_mode_and_its_saddle(printed):
    average, opposite = cells(printed("one-neuron", "--activation", "relu", "--k", 3))
    assert float(average["loss"]) == pytest.approx(0.4847100604824, rel=1e-9)
    assert float(average["a"]) == pytest.approx(1.985053952954, rel=1e-5)
    assert average["nullity"] == "1 (rescaling 1)"
    assert average["kind"] == "minimum"
    assert float(opposite["loss"]) == pytest.approx(2.4229243628, rel=1e-9)
    assert (opposite["kind"], opposite["index"]) == ("saddle", "3")


def test_the_settings_reach_the_teacher(printed):
    out = printed("one-neuron", "--k", 4, "--d", 7, "--correlation", 0.25, "--norm", 2, "--weight", -1.5)
    assert "4 teacher neurons (correlation 0.25, norm 2, weight -1.5) in 7 dimensions" in out
    first = cells(out)[0]
    assert float(first["loss"]) == pytest.approx(0.579171899371, rel=1e-9)
    assert float(first["|w|"]) == pytest.approx(0.733799386, rel=1e-5)
    assert first["a"] == "-6"


def test_outside_the_theorem_it_searches_and_says_which_hypothesis_failed(printed):
    out = printed("one-neuron", "--k", 2, "--d", 3, "--weight", "1,2")
    reason = out.splitlines()[1]
    assert reason.startswith("Numerical search, because the one-neuron erf theorem needs")
    assert "one common outgoing weight; given: outgoing weights between 1 and 2" in reason
    first = cells(out)[0]
    assert (first["method"], first["index"], first["loss"]) == ("numerical", "0", "0.0413356548")
    assert first["a"] == "2.65566"
    assert "\ncomplete  not known: found by a numerical search" in out
    assert "theorem   " not in out


def test_a_numerical_search_can_be_asked_for_and_agrees_with_the_theorem(printed):
    searched = printed("one-neuron", "--k", 3, "--numerical")
    closed = printed("one-neuron", "--k", 3)
    assert "Numerical search, as asked for" in searched
    first, same = cells(searched)[0], cells(closed)[0]
    assert (first.pop("method"), same.pop("method")) == ("numerical", "closed form")
    assert first == same


def test_an_incomplete_list_says_how_to_look_for_more(printed):
    out = printed("one-neuron", "--activation", "cos", "--k", 3)
    single, average = cells(out)
    assert (single["method"], single["index"]) == ("numerical", "0")
    assert float(single["loss"]) == pytest.approx(0.406534, abs=1e-6)
    assert (average["method"], average["index"]) == ("closed form", "2")
    assert float(average["loss"]) == pytest.approx(0.413715414716, rel=1e-9)
    assert "not known: the list is not known to be complete; --numerical searches for others" in out


def test_where_no_finite_student_is_best_the_limit_is_printed(printed):
    out = printed("one-neuron", "--activation", "gelu", "--k", 3)
    assert [row["name"] for row in cells(out)] == ["the zero student (a = 0)"]
    assert "no finite critical point with a != 0" in out
    limit = next(line for line in out.splitlines() if line.startswith("infimum"))
    # a relu neuron along the average: E[f*^2] - 2 (sum_j E[relu(X) gelu(Y)])^2, by quadrature over the half plane
    r, r_weight = np.polynomial.legendre.leggauss(200)
    x, x_weight = 6.0 * (r + 1.0), 6.0 * r_weight
    y, y_weight = 12.0 * r, 12.0 * r_weight
    density = np.exp(-0.5 * (x[:, None] ** 2 + y**2)) / (2 * pi) * x_weight[:, None] * y_weight
    overlap = 3 * np.sum(density * x[:, None] * ACTIVATIONS["gelu"]((x[:, None] + sqrt(2) * y) / sqrt(3)))
    constant = float(out.split("E[f*^2] = ")[1].split()[0])
    assert float(limit.split()[1].rstrip(",")) == pytest.approx(constant - 2 * overlap**2, abs=1e-8)
    assert limit.endswith("at infinity")


def test_leaky_relu_takes_its_slope(printed):
    assert "One leaky_relu(0.2) neuron" in printed("one-neuron", "--activation", "leaky_relu:0.2", "--k", 3)
    assert "One leaky_relu neuron" in printed("one-neuron", "--activation", "leaky_relu", "--k", 2)


def test_what_is_no_closed_form_is_labelled(printed):
    out = printed("one-neuron", "--activation", "tanh", "--k", 2)
    assert out.startswith("One tanh neuron (kernel: mixture), 2 teacher neurons")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_gives_points_or_says_why_not(printed, name):
    out = printed("one-neuron", "--activation", name, "--k", 2)
    assert not re.search(r"(?<![\w.])-0(\.0+)?(?![\d.])", out), "a negative zero"
    assert cells(out) or "no finite critical point" in out
    assert "complete  " in out


# JSON -----------------------------------------------------------------------------------------------------------------


def test_json_carries_everything_that_was_found(printed):
    result = json.loads(printed("one-neuron", "--k", 5, "--json"))
    assert result["version"] == 1
    assert result["landscape_nb"] == landscape_nb.__version__
    assert result["inputs"]["activation"] == "erf"
    assert (result["inputs"]["k"], result["inputs"]["d"]) == (5, 6)
    assert (result["complete"], result["statement"], result["outside"]) == (True, "one_neuron_erf", None)
    assert result["infimum"] is None
    assert result["remark"].startswith("no other critical point")
    keys = "loss residual index nullity zero_modes kind method name W a spectrum".split()
    assert [list(point) for point in result["points"]] == [keys, keys]
    assert result["points"][0]["loss"] == pytest.approx(5 / 3 - 50 / pi * asin(0.1), abs=1e-14)
    assert result["points"][0]["residual"] <= 1e-12
    assert result["points"][1]["zero_modes"] == {"silenced neuron": 5}


@pytest.mark.parametrize(
    "name, settings",
    [
        ("erf", {}),
        ("relu", {"correlation": 0.2}),
        ("gelu", {}),
        ("tanh", {"norm": 1.3, "weight": (1.0, -0.5)}),
        ("exp", {}),
    ],
)
def test_json_read_again_gives_the_same_critical_points_to_the_last_digit(printed, name, settings):
    options = []
    for key, value in settings.items():
        options += [f"--{key}", ",".join(map(str, value)) if key == "weight" else value]
    result = json.loads(printed("one-neuron", "--activation", name, "--k", 2, *options, "--json"))
    teacher = equicorrelated_teacher(
        2, 3, settings.get("correlation", 0.0), settings.get("norm", 1.0), settings.get("weight", 1.0)
    )
    population = PopulationLandscape(ACTIVATIONS[name], teacher)
    assert result["constant"] == population.constant
    assert result["points"]
    for stored in result["points"]:
        point = CriticalPoint(population, Network(stored["W"], stored["a"]))
        assert point.loss == stored["loss"]
        assert point.residual == stored["residual"]
        assert (point.index, point.kind) == (stored["index"], stored["kind"])
        assert point.spectrum == pytest.approx(stored["spectrum"], rel=1e-9, abs=1e-12 * max(stored["spectrum"]))
    if name == "gelu":
        assert result["infimum"]["loss"] < min(stored["loss"] for stored in result["points"])
        assert result["infimum"]["degree"] == 1
    assert (result["outside"] is None) == (result["statement"] is not None)


# the user's own teacher -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_teacher_of_ones_own_is_read_from_a_file(printed, tmp_path, suffix):
    teacher = Network([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [1.0, 2.0])
    path = teacher.save(tmp_path / f"mine{suffix}")
    out = printed("one-neuron", "--teacher", path)
    assert f"2 teacher neurons of mine{suffix} in 3 dimensions" in out
    assert cells(out)[0]["loss"] == "0.0413356548"
    result = json.loads(printed("one-neuron", "--teacher", path, "--json"))
    assert Network(result["inputs"]["teacher"]["W"], result["inputs"]["teacher"]["a"]) == teacher
    spectrum = [0.0327961802, 3.36524913, 5.85958504, 6.20138512]
    assert result["points"][0]["spectrum"] == pytest.approx(spectrum, rel=1e-6)


def test_an_orthonormal_teacher_from_a_file_is_recognised(printed, tmp_path):
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))
    path = Network(rotation[:3], np.ones(3)).save(tmp_path / "rotated.npz")
    out = printed("one-neuron", "--teacher", path)
    assert "theorem   one_neuron_erf" in out
    assert float(cells(out)[0]["loss"]) == pytest.approx(0.040593177313954, rel=1e-9)


# bad input ------------------------------------------------------------------------------------------------------------

BAD_INPUT = {
    "--k 5 --activation rleu": "there is no activation 'rleu'; did you mean relu",
    "--k 5 --activation ReLU": "there is no activation 'ReLU'; did you mean relu",
    "--k 5 --activation xyzzy": "the known ones are erf, relu, leaky_relu",
    "--k 5 --activation erf:3": "only leaky_relu takes a number",
    "--k 5 --activation leaky_relu:x": "leaky_relu takes a finite slope (leaky_relu:0.2); leaky_relu:x was given",
    "--k 5 --activation leaky_relu:nan": "leaky_relu takes a finite slope",
    "--k 5 --activation leaky_relu:1e300": "beyond the range of floating-point numbers",
    "": "which teacher? --k 5 takes five orthonormal vectors, --teacher FILE one of your own",
    "--k": "--k expected one argument",
    "--k 0": "k must be a whole number of at least 1; k = 0 was given",
    "--k -3": "k must be a whole number of at least 1; k = -3 was given",
    "--k 2.5": "--k expects a whole number; '2.5' was given",
    "--k many": "--k expects a whole number; 'many' was given",
    "--k 4 --d 3": "4 orthonormal teacher vectors do not fit in dimension 3; raise d to at least 4",
    "--k 4 --d 0": "d must be a whole number of at least 1",
    "--k 5 --correlation -0.5": "between -0.25 and 1; correlation = -0.5 was given",
    "--k 5 --correlation 1.01": "between -0.25 and 1; correlation = 1.01 was given",
    "--k 5 --correlation nan": "--correlation expects a finite number; 'nan' was given",
    "--k 5 --norm 0": "the teachers' norm must be a finite number > 0",
    "--k 5 --norm -1e-3": "the teachers' norm must be a finite number > 0; norm = -0.001 was given",
    "--k 5 --norm inf": "--norm expects a finite number; 'inf' was given",
    "--k 5 --weight nan": "--weight expects a finite number; 'nan' was given",
    "--k 5 --weight 1,2": "--weight takes one number or k = 5 of them; 2 were given",
    "--k 2 --weight 1,x": "--weight expects a finite number; 'x' was given",
    "--k 2 --weight 0": "this teacher is the zero function",
    "--k 2 --activation linear --weight 1,-1 --correlation 1": "this teacher is the zero function",
    "--k 2 --weight 1e200": "beyond the range of floating-point numbers",
    "--k 2 --norm 40 --activation exp": "beyond the range of floating-point numbers",
    "--k 100000": f"100000 teacher neurons are too many: full spectra of Hessians this large would take minutes and "
    f"gigabytes; stay at or below {LARGEST}",
    "--k 99999999999999999999999": "too many",
    "--k 3 --d 100000": "100000 input dimensions are too many",
    f"--k {LARGEST_SEARCHED + 1} --activation tanh": f"stay at or below {LARGEST_SEARCHED}",
    "--k 3 --teacher mine.npz": "a teacher file already says what --k would; give one or the other",
    "--teacher mine.npz --d 3 --norm 2": "a teacher file already says what --d and --norm would",
    "--teacher missing.npz": "there is no network file 'missing.npz'",
    "--teacher mine.txt": "a network file ends in .npz or .json; 'mine.txt' was given",
    "--k 3 --colour red": "unknown argument --colour red; landscape-nb one-neuron --help lists the known ones",
    "--k 3 --act erf": "unknown argument --act erf",
}


def one_line(err):
    assert err.startswith("landscape-nb: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err.removeprefix("landscape-nb: ").rstrip()


@pytest.mark.parametrize("words", BAD_INPUT)
def test_bad_input_is_answered_in_one_line_with_exit_code_2(run, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("one-neuron", *words.split())
    assert (code, out) == (2, "")
    assert BAD_INPUT[words] in one_line(err)


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("cut.npz", b"PK\x03\x04", "cut.npz cannot be read as an .npz archive"),
        ("empty.npz", b"", "empty.npz cannot be read as an .npz archive"),
        ("words.json", b"not json", "words.json cannot be read as JSON text"),
        ("binary.json", b"\xff\xfe\x00", "binary.json cannot be read as JSON text"),
        ("list.json", b"[1, 2]", "it needs the keys W and a"),
        ("half.json", b'{"W": [[1, 0]]}', "it needs the keys W and a"),
        ("ragged.json", b'{"W": [[1, 0], [1]], "a": [1, 1]}', "W must be an array of numbers"),
        ("nan.json", b'{"W": [[1, NaN]], "a": [1]}', "W must hold finite numbers; it holds nan"),
        ("shape.json", b'{"W": [[1, 0]], "a": [1, 2]}', "one outgoing weight for each of the 1 rows"),
        ("zero.json", b'{"W": [[1, 0]], "a": [0]}', "this teacher is the zero function"),
        ("wide.json", json.dumps({"W": [[1.0] * (LARGEST + 2)], "a": [1]}).encode(), "input dimensions are too many"),
    ],
)
def test_a_malformed_file_is_answered_in_one_line(run, tmp_path, name, content, sentence):
    path = tmp_path / name
    path.write_bytes(content)
    code, out, err = run("one-neuron", "--teacher", path)
    assert (code, out) == (2, "")
    assert sentence in one_line(err)


@pytest.mark.parametrize("words, sentence", [("grade", "there is no command 'grade'"), ("--fast", "--fast")])
def test_an_unknown_command_is_answered_in_one_line(run, words, sentence):
    code, out, err = run(words)
    assert (code, out) == (2, "")
    assert sentence in one_line(err)


# the program ----------------------------------------------------------------------------------------------------------


def test_python_m_prints_what_main_prints_and_nothing_on_stderr(printed):
    started = process("one-neuron", "--k", 2, "--weight", "-1,1")
    assert (started.returncode, started.stderr) == (0, "")
    assert started.stdout == printed("one-neuron", "--k", 2, "--weight", "-1,1")


def test_python_m_ends_with_exit_code_2_and_without_a_traceback():
    started = process("one-neuron", "--activation", "exp", "--k", 3, "--norm", 1e9)
    assert (started.returncode, started.stdout) == (2, "")
    assert "beyond the range" in one_line(started.stderr)


def test_the_installed_command_is_this_program():
    from importlib.metadata import entry_points

    (command,) = entry_points(group="console_scripts", name="landscape-nb")
    assert command.load() is main


def test_without_a_command_it_shows_what_there_is(printed):
    out = printed()
    assert all(name in out for name in COMMANDS)


@pytest.mark.parametrize("argv", [["--version"], ["--help"], *([name, "--help"] for name in COMMANDS)])
def test_version_and_help_end_well(argv, capsys):
    with pytest.raises(SystemExit) as end:
        main(argv)
    out, err = capsys.readouterr()
    assert (end.value.code, err) == (0, "")
    assert out.startswith(
        f"landscape-nb {landscape_nb.__version__}" if argv == ["--version"] else "usage: landscape-nb"
    )


@pytest.mark.skipif(os.name == "nt", reason="pipes of Windows report no reader's end")
@pytest.mark.parametrize("argv", [["one-neuron", "--k", "3", "--json"], ["--help"], []])
def test_a_reader_that_has_gone_is_no_error(argv):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "landscape_nb", *argv]
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    started = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=usual
    )
    os.close(writer)
    assert (started.returncode, started.stderr) == (141, "")


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal on Windows")
def test_ctrl_c_ends_it_in_one_line():
    program = (
        "import sys, time; from landscape_nb import __main__ as command;"
        "command.searched = lambda *_: (print('searching', flush=True), time.sleep(60));"
        "sys.exit(command.main(['one-neuron', '--k', '3', '--numerical']))"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "searching\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == 130
    assert one_line(err) == "interrupted"


# sweep ----------------------------------------------------------------------------------------------------------------


def test_sweep_counts_where_gradient_flow_ends(printed):
    out = printed("sweep", "--activation", "erf", "--k", 5, "--n", 4, "--seeds", "0:20")
    first = (
        "erf, 4 student neurons, 5 teacher neurons (orthonormal) in 6 dimensions, start glorot, t_max 1.5e6: 20 seeds"
    )
    assert out.splitlines()[0] == first
    counted = {row["outcome"]: (row["seeds"], row["loss"], row["index"], row["reason"]) for row in cells(out)}
    assert counted == {
        "copy-average (2, 1, 1, 1)": ("11", "0.0232216806", "0", "converged"),
        "perturbed-n-copy": ("9", "0.0233817675", "0", "converged"),
    }


def test_sweep_explains_every_exception(printed):
    out = printed("sweep", "--k", 10, "--n", 9, "--seeds", "2:4")
    assert {row["outcome"]: row["index"] for row in cells(out)} == {"channel": "-", "perturbed-n-copy": "0"}
    (explained,) = [line for line in out.splitlines() if line.startswith("seed ")]
    assert explained.startswith("seed 3, channel: neurons 0 and 5 have cosine -0.99921")


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_sweep_writes_a_file_and_goes_on_with_it_when_asked(printed, run, tmp_path, suffix):
    from landscape_nb.sweeps import Sweep

    file = tmp_path / f"rows.{suffix}"
    out = printed("sweep", "--k", 3, "--n", 2, "--seeds", "0:3", "--out", file)
    assert out.endswith(f"\nrows in {file}\n")
    before = file.read_bytes()
    code, out, err = run("sweep", "--k", 3, "--n", 2, "--seeds", "0:5", "--out", file)
    assert (code, out) == (2, "") and file.read_bytes() == before
    assert one_line(err) == f"{file} exists; --resume goes on with it, or name another file"
    assert (
        "5 seeds" in printed("sweep", "--k", 3, "--n", 2, "--seeds", "0:5", "--out", file, "--resume").splitlines()[0]
    )
    assert [row.seed for row in Sweep.load(file)] == [0, 1, 2, 3, 4]
    code, out, err = run("sweep", "--k", 3, "--n", 1, "--seeds", "0:5", "--out", file, "--resume")
    assert (code, out) == (2, "")
    assert f"{file}, line 2: this file belongs to a sweep with n = 2, not 1" in one_line(err)


def test_sweep_says_that_a_torn_line_was_computed_again(printed, run, tmp_path):
    file = tmp_path / "rows.csv"
    whole = printed("sweep", "--k", 3, "--n", 2, "--seeds", "0:3", "--out", file)
    file.write_text(file.read_text()[:-20])
    code, out, err = run("sweep", "--k", 3, "--n", 2, "--seeds", "0:3", "--out", file, "--resume")
    assert (code, out) == (0, whole)
    assert f"{file}, line 6: the last line breaks off" in one_line(err)


def test_sweep_refuses_a_damaged_file(printed, run, tmp_path):
    file = tmp_path / "rows.csv"
    printed("sweep", "--k", 3, "--n", 2, "--seeds", "0:3", "--out", file)
    file.write_text(file.read_text().replace(",converged", ",diverging", 1))
    code, out, err = run("sweep", "--k", 3, "--n", 2, "--seeds", "0:3", "--out", file, "--resume")
    assert (code, out) == (2, "")
    assert f"{file}, line 4: does not agree with its checksum" in one_line(err)


def test_sweep_uses_processes_when_asked_and_takes_single_seeds(printed):
    alone = printed("sweep", "--k", 3, "--n", 2, "--seeds", "7,0:3,12")
    assert "5 seeds" in alone
    assert printed("sweep", "--k", 3, "--n", 2, "--seeds", "7,0:3,12", "--workers", 2) == alone


def test_sweep_takes_a_teacher_of_ones_own(printed, tmp_path):
    path = Network([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [1.0, 2.0]).save(tmp_path / "mine.json")
    out = printed("sweep", "--teacher", path, "--n", 1, "--seeds", "0:4")
    assert "1 student neuron, 2 teacher neurons of mine.json in 3 dimensions" in out
    (row,) = cells(out)
    assert (row["outcome"], row["loss"], row["index"]) == ("other", "0.0413356548", "0")
    assert "seed 3, other: a critical point of index 0 and loss 0.0413356548" in out


def test_sweep_takes_samples_and_finds_their_channels(printed, run, tmp_path):
    from channel_runs import landscape_named

    landscape = landscape_named("toy")
    file, rows = tmp_path / "toy.csv", tmp_path / "rows.csv"
    lines = [",".join(map(repr, map(float, row))) for row in zip(landscape.weights, landscape.X[:, 0], landscape.y)]
    file.write_text("weights,x,y\n" + "\n".join(lines) + "\n")
    words = ("sweep", "--data", file, "--n", 2, "--seeds", "0:2", "--start", "normal", "--t-max", 1e5)
    out = printed(*words, "--out", rows)
    assert out.splitlines()[0].startswith(
        "erf, 2 student neurons, 161 samples of toy.csv in 1 dimensions, start normal"
    )
    assert sorted(row["outcome"] for row in cells(out)) == ["channel", "plateau"]
    file.write_text(file.read_text().replace(lines[80], lines[80] + "1"))  # another digit of one label
    code, out, err = run(*words, "--out", rows, "--resume")
    assert (code, out) == (2, "")
    assert "this file belongs to a sweep with other data; give it the same settings or another file" in one_line(err)


BAD_SWEEPS = {
    "--data none.csv --n 1": "there is no file",
    "--data none.csv --n 1 --k 3 --d 4": "--data takes the place of a teacher, which --k and --d would describe",
    "--k 3 --n 1 --output-bias": "--output-bias belongs to samples; name their file with --data FILE",
    "--k 5": "how many student neurons? --n 4 takes four",
    "--n 3": "which teacher? --k 5 takes five orthonormal vectors",
    "--k 5 --n 0": "n is the number of student neurons, at least 1; n = 0 was given",
    "--k 5 --n -1": "n is the number of student neurons, at least 1; n = -1 was given",
    "--k 5 --n x": "--n expects a whole number; 'x' was given",
    "--k 5 --n 4 --seeds 5:3": "--seeds expects seeds such as 0:20, 7 or 0,3,10:15; '5:3' was given",
    "--k 5 --n 4 --seeds -1": "--seeds expects seeds such as 0:20, 7 or 0,3,10:15; '-1' was given",
    "--k 5 --n 4 --seeds x": "--seeds expects seeds such as 0:20, 7 or 0,3,10:15; 'x' was given",
    "--k 5 --n 4 --seeds 0:999999999": "--seeds names more than 100000 seeds",
    "--k 5 --n 4 --seeds 3,1:5": "every seed is asked for once; seed 3 is there twice",
    "--k 5 --n 4 --workers 0": "--workers is the number of processes, at least 1; 0 was given",
    "--k 5 --n 4 --out rows.txt": "a results file ends in .csv or .json; 'rows.txt' was given",
    "--k 5 --n 4 --resume": "--resume goes on with a file; name it with --out FILE",
    "--k 5 --n 4 --start he": "start is 'glorot', or 'glorot:0.1' for a tenth of it",
    "--k 5 --n 4 --t-max 0": "t_max is a finite time > 0; t_max = 0.0 was given",
    "--k 5 --n 4 --t-max inf": "--t-max expects a finite number; 'inf' was given",
    "--k 2 --n 1 --weight 0": "this teacher is the zero function",
    "--k 200 --n 100": "20200 parameters n (d + 1) of the student are too many",
    "--k 5 --n 4 --activation rleu": "there is no activation 'rleu'; did you mean relu",
    "--k 5 --n 4 --colour red": "unknown argument --colour red; landscape-nb sweep --help lists the known ones",
}


@pytest.mark.parametrize("words", BAD_SWEEPS)
def test_bad_input_of_sweep_is_answered_in_one_line_with_exit_code_2(run, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("sweep", *words.split())
    assert (code, out) == (2, "")
    assert BAD_SWEEPS[words] in one_line(err)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_sweep_prints_what_is_done_and_how_to_go_on(run, monkeypatch, tmp_path):
    from landscape_nb import sweeps

    def interrupted(landscape, n, seeds, **options):
        part = sweeps.over_seeds.sweep(landscape, n, list(seeds)[:2], **options)
        return sweeps.Sweep(part.settings, part.rows, list(seeds)[2:])

    monkeypatch.setattr(sweeps, "sweep", interrupted)
    file = tmp_path / "rows.csv"
    code, out, err = run("sweep", "--k", 3, "--n", 2, "--seeds", "0:6", "--out", file)
    assert code == 130
    assert "2 seeds" in out.splitlines()[0]
    assert one_line(err) == f"interrupted with 4 seeds to do; --resume --out {file} goes on"


# lab ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch):
    """The commands that would have been run."""
    commands = []

    def record(command, environment):
        commands.append((command, environment))
        return 0

    monkeypatch.setattr(__main__, "run_until_it_ends", record)
    return commands


def test_lab_opens_the_start_page_in_jupyterlab(run, started):
    assert run("lab") == (0, "", "")
    ((command, environment),) = started
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert Path(command[3]) == ROOT / "notebooks" / "00_start.ipynb"
    assert environment["JUPYTER_PREFER_ENV_PATH"] == "1"


@pytest.mark.parametrize(
    "name", ["2", "02", "one_neuron", "one-neuron", "02_one_neuron", "notebooks/02_one_neuron.ipynb"]
)
def test_lab_opens_the_page_that_is_named(run, started, name):
    assert run("lab", name) == (0, "", "")
    assert Path(started[0][0][3]).name == "02_one_neuron.ipynb"


def test_lab_passes_everything_else_on_to_jupyterlab(run, started, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    run("lab", "1", "--port", 8899, "--no-browser", "--ip", "0.0.0.0", "--ServerApp.token=abc")
    command = started[0][0]
    assert Path(command[3]).name == "01_kernels.ipynb"
    assert command[4:] == ["--port", "8899", "--no-browser", "--ip", "0.0.0.0", "--ServerApp.token=abc"]
    run("lab", "--port", 8899)
    assert Path(started[1][0][3]).name == "00_start.ipynb"


def test_lab_works_for_root_as_in_a_container(run, started, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    run("lab")
    assert "--allow-root" in started[0][0]


def test_lab_says_which_pages_there_are(run, started):
    code, out, err = run("lab", "a page")
    assert (code, out, started) == (2, "", [])
    assert one_line(err).startswith("there is no page 'a page'; the pages are 00_start, 01_kernels, 02_one_neuron")


@pytest.mark.parametrize("package", ["jupyterlab", "ipykernel"])
def test_lab_says_what_to_install(run, started, monkeypatch, package):
    monkeypatch.setattr(__main__, "find_spec", lambda name: None if name == package else name)
    code, out, err = run("lab")
    assert (code, out, started) == (2, "", [])
    assert one_line(err) == f"{package} is not installed; pip install 'landscape_nb[lab]' brings what the pages need"


def test_lab_finds_the_pages_of_an_installed_copy_or_says_that_there_are_none(monkeypatch, tmp_path):
    monkeypatch.setattr(__main__, "__file__", str(tmp_path / "lib" / "landscape_nb" / "__main__.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(ValueError, match="the pages are not installed with this copy of landscape_nb"):
        pages()
    folder = tmp_path / "share" / "landscape_nb" / "notebooks"
    folder.mkdir(parents=True)
    (folder / "00_start.ipynb").write_text("{}")
    assert pages() == folder
    assert page_named("0", folder) == folder / "00_start.ipynb"


def test_lab_ends_with_the_exit_code_of_jupyterlab():
    assert __main__.run_until_it_ends([sys.executable, "-c", "raise SystemExit(7)"], dict(os.environ)) == 7


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize(
    "sent, program, code",
    [
        ("SIGTERM", "import time; print('up', flush=True); time.sleep(60)", -signal.SIGTERM),
        # the server handles Ctrl-C itself; the command must wait for it
        (
            "SIGINT",
            "import signal, time; signal.signal(signal.SIGINT, lambda *_: exit(5)); print('up', flush=True); time.sleep(60)",
            5,
        ),
    ],
)
def test_a_signal_ends_the_server_and_leaves_nothing_behind(sent, program, code):
    outer = (
        "import os, sys; from landscape_nb.__main__ import run_until_it_ends;"
        f"print('code', run_until_it_ends([sys.executable, '-c', {program!r}], dict(os.environ)))"
    )
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", outer], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert child.stdout.readline() == "up\n"
        if sent == "SIGINT":
            os.killpg(child.pid, signal.SIGINT)  # a terminal sends it to both
        else:
            child.terminate()
        assert child.communicate(timeout=20)[0] == f"code {code}\n"
    finally:
        child.kill()


def test_lab_opens_any_notebook_by_its_path(run, started, tmp_path):
    mine = tmp_path / "mine.ipynb"
    mine.write_text("{}")
    assert run("lab", mine) == (0, "", "")
    assert started[0][0][3] == str(mine)
    code, _, err = run("lab", tmp_path / "missing.ipynb")
    assert code == 2
    assert "missing.ipynb'; the pages are" in one_line(err)


CODE = "one-neuron~1~erf~3~10~0.0~1.0~0.0~1~0i9"


@pytest.mark.parametrize("server", ["lab", "dashboard"])
@pytest.mark.parametrize(
    "code, sentence",
    [
        ("nonsense", "'nonsense' is no state code"),
        (CODE.replace("~10~", "~11~"), "incomplete or mistyped"),
        ("two-neurons~1~erf~3~abc", "belongs to the lab 'two-neurons'; here is kernels or one-neuron"),
    ],
)
def test_a_wrong_state_code_is_refused_before_a_server_starts(run, started, server, code, sentence):
    exit_code, out, err = run(server, "2", "--no-browser", "--state", code)
    assert (exit_code, out, started) == (2, "", [])
    assert sentence in one_line(err)


@pytest.mark.parametrize("server", ["lab", "dashboard"])
def test_a_state_code_reaches_the_kernels(run, started, monkeypatch, server):
    monkeypatch.delenv("LANDSCAPE_NB_STATE", raising=False)
    assert run(server, "2", "--no-browser", "--state", CODE)[0] == 0
    assert started[0][1]["LANDSCAPE_NB_STATE"] == CODE
    assert run(server, "2", "--no-browser")[0] == 0
    assert "LANDSCAPE_NB_STATE" not in started[1][1]


@pytest.mark.parametrize("server", ["lab", "dashboard"])
def test_an_empty_state_code_is_refused(run, started, server):
    code, out, err = run(server, "2", "--no-browser", "--state", " ")
    assert (code, out, started) == (2, "", [])
    assert one_line(err) == "--state expects the code that a lab shows; an empty one was given"


@pytest.mark.parametrize("server", ["lab", "dashboard"])
def test_a_state_code_alone_opens_a_page_that_shows_its_lab(run, started, server):
    for lab, page in (
        (labs.OneNeuron, "00_start"),
        (labs.Kernels, "01_kernels"),
        (labs.CopyOrAverage, "03_copy_or_average"),
        (labs.Splitting, "05_splitting"),
    ):
        started.clear()
        code, out, err = run(server, "--no-browser", "--state", lab().code)
        assert (code, err) == (0, "")
        assert page in f"{started[0][0]} {out}"


@pytest.mark.parametrize("server", ["lab", "dashboard"])
def test_a_state_code_of_a_lab_that_the_page_does_not_show_is_refused(run, started, server):
    code, out, err = run(server, "03", "--no-browser", "--state", CODE)
    assert (code, out, started) == (2, "", [])
    assert one_line(err) == (
        "--state holds a state of the one-neuron lab, which 03_copy_or_average does not show; it is on 00_start and 02_one_neuron"
    )


def test_a_notebook_of_ones_own_may_show_the_lab_of_a_state_in_its_own_way(run, started, tmp_path):
    mine = tmp_path / "mine.ipynb"
    mine.write_text("{}")
    assert run("lab", mine, "--state", CODE)[0] == 0
    assert started[0][0][3] == str(mine)


def test_lab_says_that_a_port_is_none(run, started):
    code, out, err = run("lab", "2", "--port", 70000)
    assert (code, out, started) == (2, "", [])
    assert one_line(err) == "--port expects a number between 1 and 65535; 70000 was given"


# dashboard ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened_in_browser(monkeypatch):
    """The addresses that would have been opened."""
    addresses = []
    monkeypatch.setattr(__main__.webbrowser, "open", addresses.append)
    return addresses


def test_dashboard_serves_the_folder_of_the_page_and_says_where_the_page_is(run, started, opened_in_browser):
    port = __main__.free_port(None)
    code, out, err = run("dashboard", "one-neuron", "--port", port, "--no-browser", "--Voila.ip=0.0.0.0")
    assert (code, err) == (0, "")
    assert out == f"02_one_neuron: http://localhost:{port}/voila/render/02_one_neuron.ipynb\n"
    ((command, environment),) = started
    assert "from voila.app import Voila" in command[2]
    assert command[3:6] == [str(ROOT / "notebooks"), "--no-browser", f"--port={port}"]
    assert command[-1] == "--Voila.ip=0.0.0.0"
    assert environment["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert opened_in_browser == []


def test_dashboard_opens_the_page_once_the_server_answers(opened_in_browser):
    port = __main__.free_port(None)
    __main__.open_once_it_answers("http://nobody", port, patience=0.3)
    assert opened_in_browser == []
    with socket.create_server(("127.0.0.1", port)):
        __main__.open_once_it_answers("http://somebody", port, patience=10)
    assert opened_in_browser == ["http://somebody"]


def test_dashboard_takes_another_port_when_the_usual_one_is_taken(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(__main__, "DASHBOARD_PORT", other.getsockname()[1])
        assert __main__.free_port(None) != other.getsockname()[1]


def test_dashboard_says_that_a_port_is_taken_or_is_none(run, started):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        code, out, err = run("dashboard", "2", "--port", taken)
    assert (code, out, started) == (2, "", [])
    assert one_line(err) == f"port {taken} cannot be used, another program may have it; give another --port, or none"
    code, out, err = run("dashboard", "2", "--port", 70000)
    assert (code, out, started) == (2, "", [])
    assert one_line(err) == "--port expects a number between 1 and 65535; 70000 was given"


def test_dashboard_says_which_pages_there_are(run, started):
    code, out, err = run("dashboard", "nowhere.ipynb")
    assert (code, out, started) == (2, "", [])
    assert one_line(err).startswith("there is no page 'nowhere.ipynb'; the pages are 00_start")


@pytest.mark.parametrize("package", ["voila", "ipykernel"])
def test_dashboard_says_what_to_install(run, started, monkeypatch, package):
    monkeypatch.setattr(__main__, "find_spec", lambda name: None if name == package else name)
    code, out, err = run("dashboard")
    assert (code, out, started) == (2, "", [])
    assert one_line(err) == f"{package} is not installed; pip install 'landscape_nb[lab]' brings what the pages need"


# selfcheck ------------------------------------------------------------------------------------------------------------


def test_selfcheck_prints_versions_only_when_asked(run, monkeypatch):
    from landscape_nb import selfcheck

    monkeypatch.setattr(selfcheck, "CHECKS", (selfcheck.erf_theorem,))
    code, plain, _ = run("selfcheck")
    assert code == 0
    assert [line.split(":")[0] for line in plain.splitlines()] == ["erf theorem", "all 1 capabilities work"]
    code, full, _ = run("selfcheck", "--versions")
    assert code == 0
    assert full.startswith(plain)
    rows = dict(line.split(None, 1) for line in full.splitlines()[len(plain.splitlines()) + 3 :])
    assert set(rows) == {"landscape_nb", "python", *PACKAGES}
    assert rows["numpy"] == np.__version__


def test_selfcheck_fails_with_exit_code_1_and_says_why(run, monkeypatch):
    from landscape_nb import selfcheck
    from landscape_nb.closed_forms import one_neuron_relu

    monkeypatch.setattr(selfcheck, "CHECKS", (selfcheck.relu_theorem, selfcheck.erf_theorem))
    factor = one_neuron_relu.angular_factor
    monkeypatch.setattr(one_neuron_relu, "angular_factor", lambda u: 1.001 * factor(u))
    code, out, err = run("selfcheck")
    assert (code, err) == (1, "")
    relu, erf, verdict = out.splitlines()
    assert "FAILED: a |w| of the average of the teachers" in relu
    assert "where 1.985" in relu
    assert erf.endswith("... ok")
    assert verdict == "1 of 2 capabilities FAILED"
