"""The labs against ipywidgets.interact with the same picture: from a key to the picture, a drag, and the time that Python takes.

Both run side by side in one JupyterLab with one Chromium, move by move in turns.
"""

import inspect
import os
import statistics
from time import perf_counter, process_time
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
from benchmarks.lab_in_jupyterlab import MOVES, VALUES, WARM_UP, FigureInJupyterLab, bounce, median
from browser.conftest import browser, chromium_path, jupyterlab  # noqa: F401

from landscape_nb import labs

DRAGS = 3
GOALS = "goals: < 60 ms, >= 5 x sooner, >= 20 of 35 pictures, >= 10 x less time in Python"


# ---- the same pictures as interact shows them: these two functions are the notebooks, too


def one_neuron(k=3, norm=1.0):
    from landscape_nb import ACTIVATIONS, PopulationLandscape, equicorrelated_teacher
    from landscape_nb.closed_forms.one_neuron import one_neuron_points
    from landscape_nb.figures.one_neuron import draw, one_neuron_view

    teacher = equicorrelated_teacher(k, 10, 0.0, norm)
    landscape = PopulationLandscape(ACTIVATIONS["erf"], teacher)
    figure = plt.figure(figsize=(10, 6.4))
    draw(figure, one_neuron_view(landscape, one_neuron_points(ACTIVATIONS["erf"], teacher)))
    plt.show()


def kernels(angle=60):
    from landscape_nb import ACTIVATIONS
    from landscape_nb.figures.kernels import draw, kernel_view

    figure = plt.figure(figsize=(10, 6.4))
    draw(figure, kernel_view(ACTIVATIONS["relu"], 1.0, 1.0, float(angle)))
    plt.show()


SLIDERS = {  # of the labs, and the same for interact
    "k": "IntSlider(value=3, min=1, max=10)",
    "norm": "FloatSlider(value=1.0, min=0.2, max=3.0, step=0.1)",
    "angle": "IntSlider(value=60, min=0, max=180, step=5)",
}
LABS = {  # the lab, the function for interact and its sliders
    "one_neuron": ("OneNeuron(activation='erf', k=3, d=10)", one_neuron, ("k", "norm")),
    "kernels": ("Kernels(activation='relu')", kernels, ("angle",)),
}
CASES = {  # lab, slider: its steps, and where it starts, counted from its left end
    ("one_neuron", "k"): (9, 2),
    ("one_neuron", "norm"): (28, 8),
    ("kernels", "angle"): (36, 12),
}
ALONE = {  # the other labs, whose pictures ``interact`` is not measured with: how it is made, its slider, steps and start
    "copy_or_average": ("CopyOrAverage(k=30)", "n", 49, 3),
    "splitting": ("Splitting()", "gamma", 100, 50),
    "channels": ("Channels(eps=1e-3)", "eps", 40, 10),
    "into_the_channel": ("IntoTheChannel()", "time", 120, 60),
    "never_arriving": ("NeverArriving()", "time", 120, 120),
}


def notebook_of_the_lab(made):
    return [f"from landscape_nb import labs\nlabs.{made}"]


def notebook_of_interact(name):
    _, function, sliders = LABS[name]
    made = "".join(f"{slider} = {SLIDERS[slider]}\n{slider}.add_class('bench-{slider}')\n" for slider in sliders)
    return [
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nfrom ipywidgets import FloatSlider, IntSlider, interact",
        inspect.getsource(function),
        f"{made}interact({name}, {', '.join(f'{slider}={slider}' for slider in sliders)});",
    ]


# ---- in the browser


class PageClock:
    """The clock of a benchmark whose seconds were counted by the page in the browser."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


PAGE_CLOCK = PageClock()
ROWS = []


class Table:
    """Printed after the table of ratios."""

    def pytest_terminal_summary(self, terminalreporter):
        if not ROWS:
            return
        terminalreporter.section("labs in JupyterLab, beside interact with the same picture")
        head = (
            *("lab, slider", "way", "key to picture, median (least)", "message arrived", "in the page", "messages"),
            *("times sooner", f"pictures in a drag over {VALUES} values (seconds it took)"),
        )
        widths = [max(len(row[i]) for row in (head, *ROWS)) for i in range(len(head))]
        for row in (head, *ROWS):
            terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        terminalreporter.write_line(GOALS)


@pytest.fixture(scope="module")
def opened(request):
    """``lab(name)``, ``both(name)``: the lab, and interact beside it, each on a page of its own; they stay open for all its sliders."""
    if not request.config.pluginmanager.hasplugin("labs-in-jupyterlab"):
        request.config.pluginmanager.register(Table(), "labs-in-jupyterlab")
    pinned = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if pinned:  # server, kernels and browser may use all cores, as on a reader's machine
        os.sched_setaffinity(0, range(os.cpu_count()))
    try:
        server, chromium = request.getfixturevalue("jupyterlab"), request.getfixturevalue("browser")
    finally:
        if pinned:
            os.sched_setaffinity(0, pinned)
    pages = {}

    def close():
        for page in pages.values():
            page.close()
        pages.clear()

    def opened_page(way, name, cells, root, control):
        if (way, name) not in pages:
            if {other for _, other in pages} - {name}:
                close()
            pages[way, name] = FigureInJupyterLab(chromium, server, f"{way}_{name}", cells, root, control)
        return pages[way, name]

    def open_lab(name):
        made = LABS[name][0] if name in LABS else ALONE[name][0]
        root = f".lab-{name.replace('_', '-')}"
        return opened_page("lab", name, notebook_of_the_lab(made), root, ".lab-control-{name}")

    def open_both(name):
        interact = opened_page("interact", name, notebook_of_interact(name), ".widget-interact", ".bench-{name}")
        return open_lab(name), interact

    yield SimpleNamespace(lab=open_lab, both=open_both)
    close()


@pytest.mark.parametrize("name, slider", CASES, ids=lambda word: word)
@pytest.mark.benchmark(timer=PAGE_CLOCK)
def test_from_a_key_to_the_picture(name, slider, opened, benchmark):
    lab, interact = opened.both(name)
    steps, start = CASES[name, slider]
    keys = bounce(steps, start), bounce(steps, start)
    moves = [], []

    def move_interact():
        moves[1].append(interact.press(slider, next(keys[1])))

    def move_lab():
        moves[0].append(lab.press(slider, next(keys[0])))
        PAGE_CLOCK.now += moves[0][-1].painted / 1e3

    benchmark.pedantic(move_lab, setup=move_interact, rounds=MOVES, warmup_rounds=WARM_UP)
    ours, theirs = (found[WARM_UP:] for found in moves)
    drags = [[page.drag(slider, steps) for page in (lab, interact)] for _ in range(DRAGS)]
    sooner = median(theirs, "painted") / median(ours, "painted")
    seen = [sorted((drag.pictures, drag.seconds) for drag in column)[DRAGS // 2] for column in zip(*drags)]
    benchmark.extra_info.update(
        lab_ms=median(ours, "painted"),
        interact_ms=median(theirs, "painted"),
        sooner=sooner,
        lab_pictures_in_a_drag=seen[0][0],
        interact_pictures_in_a_drag=seen[1][0],
    )
    for way, found, (pictures, seconds), ratio in zip(("lab", "interact"), (ours, theirs), seen, (f"{sooner:.1f}", "")):
        add_row(f"{name}, {slider}", way, found, ratio, f"{pictures} ({seconds:.1f} s)")


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.benchmark(timer=PAGE_CLOCK)
def test_from_a_key_to_the_picture_in_the_other_labs(name, opened, benchmark):
    lab = opened.lab(name)
    _, slider, steps, start = ALONE[name]
    keys, moves = bounce(steps, start), []

    def move():
        moves.append(lab.press(slider, next(keys)))
        PAGE_CLOCK.now += moves[-1].painted / 1e3

    benchmark.pedantic(move, rounds=MOVES, warmup_rounds=WARM_UP)
    add_row(f"{name}, {slider}", "lab", moves[WARM_UP:])


def add_row(what, way, moves, ratio="", drag=""):
    painted = [move.painted for move in moves]
    ROWS.append(
        (
            *(what, way, f"{statistics.median(painted):.0f} ms ({min(painted):.0f})"),
            *(f"{median(moves, 'arrived'):.0f} ms", f"{median(moves, 'in_document'):.0f} ms"),
            *(f"{median(moves, 'size') / 1000:.0f} kB", ratio, drag),
        )
    )


# ---- in Python alone


def states(slider):
    """The values of a slider to and fro, from its start."""
    low, step, decimals = {"k": (1, 1, 0), "norm": (0.2, 0.1, 1), "angle": (0, 5, 0)}[slider]
    steps, place = next(case for (_, name), case in CASES.items() if name == slider)
    for key in bounce(steps, place):
        place += 1 if key == "ArrowRight" else -1
        value = round(low + step * place, decimals)
        yield value if decimals else int(value)


@pytest.mark.parametrize("name, slider", CASES, ids=lambda word: word)
def test_time_in_python_per_picture(name, slider, benchmark, record, monkeypatch):
    from IPython.core.pylabtools import print_figure

    made, function, _ = LABS[name]
    monkeypatch.setattr(labs.Lab, "looks_ahead", False)  # what a picture costs, whenever it is drawn
    lab = eval(f"labs.{made}", {"labs": labs})
    plt.switch_backend("agg")

    def show():  # as the inline back end shows a figure
        print_figure(plt.gcf(), fmt="png", bbox_inches="tight", base64=True)
        plt.close("all")

    monkeypatch.setattr(plt, "show", show)
    values = [], [], [], []  # wall and CPU time of the lab, of interact
    ours, theirs = states(slider), states(slider)

    def interact():
        value, wall, cpu = next(theirs), perf_counter(), process_time()
        function(**{slider: value})
        values[2].append(perf_counter() - wall)
        values[3].append(process_time() - cpu)

    def move():
        value, wall, cpu = next(ours), perf_counter(), process_time()
        lab.controls[slider].value = value
        values[0].append(perf_counter() - wall)
        values[1].append(process_time() - cpu)
        assert lab.state[slider] == value

    benchmark.pedantic(move, setup=interact, rounds=MOVES, warmup_rounds=WARM_UP)
    lab_wall, lab_cpu, interact_wall, interact_cpu = (statistics.median(column[WARM_UP:]) for column in values)
    benchmark.extra_info.update(
        lab_wall=lab_wall, lab_cpu=lab_cpu, interact_wall=interact_wall, interact_cpu=interact_cpu
    )
    record(f"Python per picture, {name}, {slider}", lab_wall, "interact, time", interact_wall)
    record(f"Python per picture, {name}, {slider}", lab_cpu, "interact, CPU time", interact_cpu, asked=10)
