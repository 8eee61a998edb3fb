"""The pages as a reader meets them in JupyterLab: they read without a kernel, run without an error, follow the sliders.

A new page needs a few lines in STORIES: the lab, and for each move what is pressed and which state that must give. What
the page must then show is computed here by the same library in the same state.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import nbformat
import pytest
from browser.page_in_jupyterlab import NOTEBOOKS, PageInJupyterLab, words

PAGES = sorted(NOTEBOOKS.glob("*.ipynb"))
WORDS = ("numbers", "theorem", "caption", "status")  # the parts of a lab that say something in words


@dataclass(frozen=True)
class Move:
    """One thing that a reader does to a control, and what follows from it."""

    control: str
    action: str | int  # so many ArrowRight (or ArrowLeft, if negative) on a slider; the name of a choice; a key
    state: dict[str, Any]  # the values that this gives, the control's own among them
    shows: Callable[[], tuple[str, ...]] = tuple  # further words that must stand in the lab, by theory
    refused: str = ""  # a part of the sentence that is shown one step outside of what the lab can do


@dataclass(frozen=True)
class Story:
    """What happens to one lab of one page."""

    page: str
    lab: str  # the name in landscape_nb.labs
    moves: tuple[Move, ...]
    start: dict[str, Any] = field(default_factory=dict)  # what the page passes to the lab

    @property
    def css(self) -> str:
        """OneNeuron is found by the class lab-one-neuron."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", self.lab).lower()

    def make(self):
        from landscape_nb import labs

        return getattr(labs, self.lab)(**self.start)


def kernel(name: str, norm1: float, norm2: float, degrees: float) -> tuple[str, ...]:
    """The kernel and its slope over the cosine, as the lab prints them."""
    from landscape_nb import ACTIVATIONS
    from landscape_nb.display import number

    point = norm1**2, norm1 * norm2 * math.cos(math.radians(degrees)), norm2**2
    slope = norm1 * norm2 * ACTIVATIONS[name].kernel_slopes(*point)[1]
    return number(ACTIVATIONS[name].kernel(*point), 8), number(slope, 8)


def erf_average(k: int) -> tuple[str, ...]:
    """Loss, norm and outgoing weight of one erf neuron that averages k orthonormal teachers, as the lab prints them."""
    from landscape_nb.display import number

    loss = k / 3 - 2 / math.pi * k**2 * math.asin(1 / (2 * k))
    return number(loss, 8), number(1 / math.sqrt(2 * k - 1), 6), "index", "minimum", "applies"


def copies_and_averages(*sizes: int) -> str:
    """The loss of a partition into groups of these sizes (erf), as the lab prints it."""
    from landscape_nb.display import number

    return number(sum(l / 3 - 2 / math.pi * l**2 * math.asin(1 / (2 * l)) for l in sizes), 10)


def gap_in_channel_2(t: float) -> str:
    """The law of |a_1 - a_2| over time with the published a and h, as the lab prints it."""
    from landscape_nb.display import number

    return number((16 * 0.00101470 * 6.511116**2 * t) ** 0.25, 4)


def in_the_valley(name: str, time: float) -> str:
    """The loss of the law of the valley with the lowest loss, as the lab prints it."""
    from landscape_nb import ACTIVATIONS, polynomial_landscape, valleys_to_infinity
    from landscape_nb.display import number

    valleys = valleys_to_infinity(ACTIVATIONS[name], polynomial_landscape(ACTIVATIONS[name]))
    return number(float(valleys[0].loss(time)), 4)


STORIES = (
    Story(
        "01_kernels",
        "Kernels",
        start={"activation": "tanh", "norm1": 2.0, "norm2": 1.0, "angle": 30},  # where the page leaves its lab
        moves=(
            Move("activation", "relu", {"activation": "relu"}, lambda: kernel("relu", 2, 1, 30)),
            Move("angle", 6, {"angle": 60}, lambda: kernel("relu", 2, 1, 60)),
            Move("norm1", -10, {"norm1": 1.0}, lambda: (*kernel("relu", 1, 1, 60), "Monte Carlo")),
            Move("activation", "erf", {"activation": "erf"}, lambda: kernel("erf", 1, 1, 60)),
            Move("seed", 1, {"seed": 1}, lambda: kernel("erf", 1, 1, 60)),
        ),
    ),
    Story(
        "02_one_neuron",
        "OneNeuron",
        start={"activation": "erf", "k": 3, "d": 4},
        moves=(
            Move("k", 1, {"k": 4}, lambda: erf_average(4)),
            Move("k", 1, {"k": 5}, refused="do not fit in dimension 4"),
            Move("d", 1, {"d": 5}, lambda: erf_average(5)),
            Move("k", -3, {"k": 2}, lambda: erf_average(2)),
            Move("correlation", 4, {"correlation": 0.2}, lambda: ("applies",)),
            Move("spread", 1, {"spread": 0.1}, lambda: ("outside every theorem", "numerical search", "given")),
            Move("spread", -1, {"spread": 0.0}, lambda: ("applies",)),
            Move("activation", "relu", {"activation": "relu"}, lambda: ("rescaling", "applies")),
            Move("point", 1, {"point": 2}, lambda: ("point 2 of",)),
        ),
    ),
    Story(
        "03_copy_or_average",
        "CopyOrAverage",
        start={"activation": "erf", "k": 5, "n": 3},
        moves=(
            Move("n", 1, {"n": 4}, lambda: ("copy-average (2, 1, 1, 1)", copies_and_averages(2, 1, 1, 1), "minimum")),
            Move("n", -2, {"n": 2}, lambda: ("copy-average (4, 1)", copies_and_averages(4, 1), "minimum")),
            Move(
                "partition", 1, {"partition": 2}, lambda: ("copy-average (3, 2)", copies_and_averages(3, 2), "saddle")
            ),
            Move("family", "n-copy", {"family": "n-copy"}, lambda: ("perturbed-2-copy", "the perturbed-n-copy point")),
            Move("family", "copy-average", {"family": "copy-average"}, lambda: ("copy-average (3, 2)",)),
            Move(
                "activation",
                "relu",
                {"activation": "relu"},
                lambda: ("perturbed copy-average", "rescaling", "0.7055572267"),
            ),
            Move("n", 3, {"n": 5}, lambda: ("exact copies",)),
            Move("n", 1, {"n": 6}, refused="n <= k"),
        ),
    ),
    Story(
        "04_where_gradient_flow_goes",
        "GradientFlow",
        start={"activation": "erf", "k": 5, "n": 4, "seed": 0},
        moves=(
            Move("seed", 1, {"seed": 1}, lambda: ("perturbed-n-copy", "0.0233817675")),
            Move("n", 1, {"n": 5}, lambda: ("copies", "it has arrived")),
            Move("n", 1, {"n": 6}, refused="n <= k"),
            Move("n", -2, {"n": 4}, lambda: ("perturbed-n-copy",)),
            Move("start", "small", {"start": "small"}, lambda: ("plateau 1", "saddle of index 4")),
        ),
    ),
    Story(
        "05_splitting",
        "Splitting",
        moves=(
            Move("gamma", 10, {"gamma": 1.0}, lambda: ("degenerate saddle", "silenced neuron 1", "0.0471160275")),
            Move("gamma", 2, {"gamma": 1.1}, lambda: ("saddle", "(index 1)", "B is positive definite", "0.0568977")),
            Move("apart", -4, {"apart": -0.2}, lambda: ("change of the loss with s = -0.2",)),
            Move(
                "landscape",
                "erf",
                {"landscape": "erf"},
                lambda: ("local minimum on a plateau", "B is negative definite"),
            ),
            Move("landscape", "two neurons", {"landscape": "two neurons"}, lambda: ("saddle", "B is indefinite")),
            Move("neuron", 1, {"neuron": 2}, lambda: ("saddle", "(index 2)", "B is positive definite")),
            Move("gamma", -4, {"gamma": 0.9}, lambda: ("local minimum on a plateau",)),
            Move("neuron", -1, {"neuron": 1}, lambda: ("saddle", "B is indefinite")),
            Move("landscape", "erf, orthonormal", {"landscape": "erf, orthonormal"}, lambda: ("no rule says more",)),
        ),
    ),
    Story(
        "06_channels",
        "Channels",
        moves=(
            Move("eps", -10, {"eps": 0.01}, lambda: ("7.09081e-7", "everywhere below ε = 0.04264")),
            Move("rate", -10, {"rate": 0.001}, lambda: ("everywhere below ε = 0.01343",)),
            Move("eps", 16, {"eps": 0.3981}, lambda: ("stable here, down to ε = 0.01343",)),
            Move("eps", 1, {"eps": 0.5012}, refused="channel 1 begins at eps = 0.4918"),
            Move("channel", "channel 2", {"channel": "channel 2"}, lambda: ("0.000773332542", "applies")),
            Move("channel", "two inputs", {"channel": "two inputs"}, lambda: ("0.453433851",)),
        ),
    ),
    Story(
        "06_channels",
        "IntoTheChannel",
        start={"gamma": 0.65, "kick": "plus", "size": 0.3},  # where the page leaves its lab
        moves=(
            Move("kick", "minus", {"kick": "minus"}, lambda: ("back on the plateau", "the same w again")),
            Move("gamma", 6, {"gamma": 0.95}, lambda: ("channel 2", "0.000773333")),
            Move("time", 10, {"time": 1e7}, lambda: (gap_in_channel_2(1e7), "at t = 1e7")),
            Move("kick", "plus", {"kick": "plus"}, lambda: ("channel 1", "0.0423722")),
            Move("rate", -3, {"rate": 0.2005}, lambda: ("channel 1",)),
            Move("optimisers", "run", {"optimisers": "run"}, lambda: ("trust-ncg", "success", "20000 steps")),
        ),
    ),
    Story(
        "07_never_arriving",
        "NeverArriving",
        moves=(
            Move("time", -20, {"time": 1e10}, lambda: (in_the_valley("tanh", 1e10), "applies", "derived -2/3")),
            Move("activation", "softplus", {"activation": "softplus"}, lambda: (in_the_valley("softplus", 1e10),)),
            Move("width", 1, {"width": 3}, lambda: ("does not apply here", "3 neurons given", "numerical")),
            Move(
                "activation", "square", {"activation": "square"}, lambda: ("grows faster than linearly", "has arrived")
            ),
            Move("target", "x^3", {"target": "x^3"}, lambda: ("outside the theorem", "labels that differ from x²")),
            Move("seed", 1, {"seed": 2}),
        ),
    ),
)


def in_order(widget) -> Iterator[Any]:
    """A widget and all within it, in the order of the document."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from in_order(child)


def expected(story: Story, lab, part: str) -> str:
    """The words that a part of the lab shows, in the order of the document."""
    from ipywidgets import Widget

    kept = [widget for widget in vars(lab).values() if isinstance(widget, Widget)]
    root = next(widget for widget in kept if f"lab-{story.css}" in getattr(widget, "_dom_classes", ()))
    return " ".join(words(widget.value) for widget in in_order(root) if f"lab-{part}" in widget._dom_classes)


def act(page: PageInJupyterLab, story: Story, move: Move) -> None:
    if isinstance(move.action, int):
        page.press(story.css, move.control, *["ArrowRight" if move.action > 0 else "ArrowLeft"] * abs(move.action))
    elif page.control(story.css, move.control).evaluate("element => element.tagName") == "SELECT":
        # not by arrow keys: JupyterLab takes them for itself while a cell is selected
        page.control(story.css, move.control).select_option(label=move.action)
    else:
        page.press(story.css, move.control, move.action)


@pytest.fixture
def opened(browser, jupyterlab):
    """Open a page by its name; it is closed, and its kernel shut down, after the test."""
    pages = []

    def open_page(name: str) -> PageInJupyterLab:
        pages.append(PageInJupyterLab(browser, jupyterlab.address, f"{name}.ipynb"))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()


BROKEN_PAGE = [
    "from ipywidgets import IntSlider\ndef broken(change): raise ValueError('the callback broke')",
    "slider = IntSlider()\nslider.add_class('lab-broken')\nslider.observe(broken, 'value')",
    "slider",
]


def test_a_callback_that_breaks_does_not_go_unnoticed(opened, jupyterlab):
    cells = [nbformat.v4.new_code_cell(source) for source in BROKEN_PAGE]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), jupyterlab.pages / "broken.ipynb")
    page = opened("broken")
    page.run()
    assert page.errors() == []
    handle = page.tab.locator(".lab-broken .noUi-handle")
    handle.focus()
    handle.press("ArrowRight")
    assert page.wait_until(page.errors)
    assert "ValueError: the callback broke" in page.errors()[0]


@pytest.mark.parametrize("name", [page.stem for page in PAGES])
def test_a_page_reads_without_running_and_runs_without_an_error(name, opened):
    page = opened(name)
    stored = page.outputs()
    assert "Error displaying widget" not in stored
    assert "model not found" not in stored
    assert page.tab.locator(".jp-OutputArea-output img").count() > 0, "no still picture is stored"
    assert not page.untypeset(), "formulas that were not typeset"
    page.saved("stored")

    page.run()
    page.saved("run")
    assert page.errors() == []
    assert not page.untypeset(), "formulas that were not typeset"
    assert page.outside == [], "the page asks another host"

    for lab in page.labs():
        page.wait_until(lambda: page.nameless(lab) == [], seconds=10)  # noqa: B023
        assert page.nameless(lab) == []
        assert page.unreachable(lab) == []
        assert page.faint(lab) == []
        for control in page.sliders(lab):
            before = [page.read(lab, part) for part in WORDS], page.picture(lab)
            for key in ("ArrowRight", "ArrowLeft"):  # at the right end of a slider only the second one moves
                page.press(lab, control, key)
                changed = page.wait_until(
                    lambda: ([page.read(lab, part) for part in WORDS], page.picture(lab)) != before,  # noqa: B023
                    seconds=5 if key == "ArrowRight" else 30,
                )
                if changed:
                    break
            assert changed, f"the slider {control} of {lab} changes neither words nor picture"
            field = page.lab(lab).locator(f".lab-control-{control} input")
            assert page.wait_until(lambda: float(page.spoken(lab, control)) == float(field.input_value())), (  # noqa: B023
                f"the slider {control} of {lab} says {page.spoken(lab, control)}, its field {field.input_value()}"
            )
    page.rest()
    assert page.errors() == []


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.page}-{story.lab}")
def test_a_lab_follows_its_controls_to_the_right_values(story, opened):
    page, lab = opened(story.page), story.make()
    page.run()
    assert page.errors() == []
    state = dict(story.start)
    for number, move in enumerate(story.moves, start=1):
        picture = page.picture(story.css)
        act(page, story, move)
        state |= move.state
        lab.set(**state)
        for part in WORDS:
            wanted = expected(story, lab, part)
            assert page.wait_until(lambda: page.read(story.css, part) == wanted), (  # noqa: B023
                f"after {move}: {part} reads {page.read(story.css, part)!r} instead of {wanted!r}"
            )
        shown = " ".join(page.read(story.css, part) for part in WORDS)
        for word in (*move.shows(), move.refused):
            assert word in shown, f"after {move}: {word!r} does not stand in {shown!r}"
        assert page.dimmed(story.css) == bool(move.refused), f"after {move}: only a refused state dims the picture"
        if not move.refused:
            words_of_it = "; ".join(lab.summary.splitlines())
            assert page.wait_until(lambda: page.picture(story.css)["words"] == words_of_it), (  # noqa: B023
                f"after {move}: the picture is described by {page.picture(story.css)['words']!r} instead of {words_of_it!r}"
            )
            assert page.picture(story.css)["content"] != picture["content"], f"after {move}: the same picture"
        page.lab(story.css).scroll_into_view_if_needed()
        page.saved(f"{story.css}_{number}_{move.control}")
    page.rest()
    assert page.errors() == []
    assert page.outside == []


# what surrounds a lab: one page for all of these tests, which begin with its first state --------------------------------

HERE = "one-neuron"


@pytest.fixture(scope="module")
def one_page(browser, jupyterlab):
    page = PageInJupyterLab(browser, jupyterlab.address, "02_one_neuron.ipynb")
    page.run()
    yield page
    page.close()


@pytest.fixture
def page(one_page):
    """The page with its lab in the state in which it was opened; nothing may have gone wrong when a test ends."""
    root = one_page.lab(HERE)
    root.locator(".lab-reset").click()
    assert restored(one_page, START)
    yield one_page
    one_page.rest()
    assert one_page.errors() == []
    assert one_page.outside == []


START = "one-neuron~1~erf~3~4~0.0~1.0~0.0~1~hh5"


def restored(page: PageInJupyterLab, code: str) -> bool:
    """Whether the lab shows the state of this code."""
    return page.wait_until(lambda: page.lab(HERE).locator(".lab-code input").input_value() == code)


def described(page: PageInJupyterLab, lab) -> bool:
    """Whether the picture of the page is that of this lab, by its words."""
    return page.wait_until(lambda: page.picture(HERE)["words"] == "; ".join(lab.summary.splitlines()))


def test_a_state_is_undone_kept_and_restored_by_buttons_and_codes(page):
    from landscape_nb.labs import OneNeuron

    lab, root = OneNeuron(START), page.lab(HERE)

    preset = "erf, six teachers: a soft direction"
    root.locator(".lab-preset select").select_option(label=preset)
    lab.preset(preset)
    six = lab.code
    assert restored(page, six)
    assert described(page, lab)
    root.locator(".lab-undo").click()
    assert restored(page, START)
    root.locator(".lab-redo").click()
    assert restored(page, six)
    root.locator(".lab-reset").click()
    assert restored(page, START)

    field = root.locator(".lab-code input")
    lab.set(activation="relu", k=2, d=5, correlation=0.35)
    field.fill(lab.code)
    field.press("Enter")
    assert described(page, lab)
    chosen = root.locator(".lab-preset select").evaluate("list => list.selectedOptions[0]?.text.replace(/\\s/g, ' ')")
    assert chosen == "choose a preset", "a state that is no preset leaves the list empty"
    field.fill(lab.code[:-1] + "?")
    field.press("Enter")
    assert page.wait_until(lambda: "incomplete or mistyped" in page.read(HERE, "status"))
    assert not page.dimmed(HERE), "a wrong code asks for no other picture"
    page.saved("wrong_code")

    small = page.picture(HERE)["sheet"]
    root.get_by_label("large type", exact=True).check()
    assert page.wait_until(lambda: page.picture(HERE)["sheet"] != small)
    page.saved("projector")
    root.get_by_label("large type", exact=True).uncheck()
    assert page.wait_until(lambda: page.picture(HERE)["sheet"] == small)


@pytest.mark.parametrize("suffix, beginning", [("pdf", b"%PDF"), ("csv", b"point,kind"), ("json", b"{")])
def test_a_file_is_made_and_downloaded(suffix, beginning, page):
    root = page.lab(HERE)
    root.get_by_role("button", name=suffix.upper(), exact=True).click()
    link = root.locator(".lab-download a").first
    link.wait_for()
    with page.tab.expect_download() as download:
        link.click()
    assert download.value.suggested_filename.endswith(f".{suffix}")
    with open(download.value.path(), "rb") as file:
        assert file.read().startswith(beginning)


def test_a_long_search_tells_how_far_it_is_and_can_be_stopped(page):
    root = page.lab(HERE)
    page.control(HERE, "d").scroll_into_view_if_needed()
    for name, value in (("d", "11"), ("k", "10")):
        entry = root.locator(f".lab-control-{name} input")
        entry.fill(value)
        entry.press("Enter")
        assert page.wait_until(lambda: f"~{value}~" in root.locator(".lab-code input").input_value())  # noqa: B023
    shown = page.settled(HERE)
    root.locator(".lab-control-activation select").select_option(label="silu")
    assert page.wait_until(lambda: root.locator(".lab-status progress").count() == 1)
    root.get_by_role("progressbar", name="share done").wait_for()
    root.locator(".lab-stop").click()
    assert page.wait_until(lambda: "stopped before activation = silu" in page.read(HERE, "status"))
    assert page.dimmed(HERE) and page.picture(HERE)["content"] == shown["content"]
    page.saved("stopped")
    root.locator(".lab-control-activation select").select_option(label="erf")
    assert page.wait_until(lambda: not page.dimmed(HERE) and "theorem" in page.read(HERE, "status"))


def test_everything_can_be_reached_by_keyboard_and_has_a_name(page):
    root = page.lab(HERE)
    from landscape_nb.labs import OneNeuron

    for parameter in OneNeuron.parameters:
        field = root.get_by_label(parameter.label, exact=True)
        assert field.count() == 1, f"{parameter.name} has no labelled control"
        if field.evaluate("element => element.tagName") == "INPUT":
            assert root.get_by_role("slider", name=f"move {parameter.label}", exact=True).count() == 1
        assert field.evaluate("element => element.tabIndex >= 0 && ['INPUT', 'SELECT'].includes(element.tagName)")
    for button in ("Undo", "Redo", "Reset", "PNG", "SVG", "PDF", "CSV", "JSON"):
        assert root.get_by_role("button", name=button, exact=True).count() == 1
    for label in ("preset", "large type", "state code"):
        assert root.get_by_label(label, exact=True).count() == 1
    assert root.get_by_role("img").count() == 1, "one picture, whose frame is not read out a second time"
    assert "average of the teachers: minimum" in root.get_by_role("img").get_attribute("aria-label")
    assert root.get_by_role("status").count() == 1
    assert root.locator(".lab-status [aria-live=polite]").count() == 1, "the status is announced when it changes"
    # one Tab leads from the number to its slider, and keys move both
    entry = root.get_by_label("k (teachers)", exact=True)
    entry.focus()
    page.tab.keyboard.press("Tab")
    assert page.tab.evaluate("document.activeElement.classList.contains('noUi-handle')")
    page.tab.keyboard.press("ArrowRight")
    assert page.wait_until(lambda: entry.input_value() == "4")
    # JupyterLab keeps the arrow keys of a list: its two buttons take the keyboard
    button = root.locator(".lab-control-activation button").last
    button.focus()
    page.tab.keyboard.press("Space")
    assert page.wait_until(lambda: root.locator(".lab-control-activation select").input_value() == "relu")
    root.locator(".lab-control-activation button").first.focus()
    page.tab.keyboard.press("Enter")
    assert page.wait_until(lambda: root.locator(".lab-control-activation select").input_value() == "erf")
    # an exact value can be typed, also one between the steps of the slider
    entry = root.get_by_label("correlation", exact=True)
    entry.fill("0.123")
    entry.press("Enter")
    assert page.wait_until(lambda: "~0.123~" in root.locator(".lab-code input").input_value())


def test_a_control_that_is_fixed_takes_no_focus_and_its_slider_is_not_read_out(page):
    root = page.lab(HERE)
    entry = root.locator(".lab-code input")
    from landscape_nb.labs import OneNeuron

    entry.fill(OneNeuron(START).lock(fixed=["k"]))
    entry.press("Enter")
    assert page.wait_until(lambda: root.get_by_label("k (teachers)", exact=True).is_disabled())
    try:
        assert page.wait_until(lambda: root.get_by_role("slider").count() == len(OneNeuron.parameters) - 2)
        assert root.get_by_role("slider", name="move k (teachers)", exact=True).count() == 0
        assert page.unreachable(HERE) == []
        page.saved("locked")
    finally:  # by hand a lock cannot be opened
        page.execute("lab.unlock()")


def test_words_can_be_read_in_the_dark_theme_also_those_of_a_refusal(page):
    root = page.lab(HERE)
    page.theme("JupyterLab Dark")
    try:
        entry = root.get_by_label("k (teachers)", exact=True)
        entry.fill("7")
        entry.press("Enter")
        assert page.wait_until(lambda: "Not possible" in page.read(HERE, "status"))
        root.scroll_into_view_if_needed()
        page.saved("dark")
        assert page.faint(HERE) == []
        assert page.unreachable(HERE) == []
    finally:
        page.theme("JupyterLab Light")


def test_the_marks_along_a_slider_stand_where_its_handle_would(page):
    root = page.lab(HERE)
    preset = "relu, nearly opposite teachers: the average is a saddle"
    root.locator(".lab-preset select").select_option(label=preset)
    mark = root.locator(".lab-control-correlation .lab-mark")
    mark.first.wait_for()
    value = mark.first.get_attribute("data-value")
    assert abs(float(value) + 0.609) < 1e-3
    entry = root.get_by_label("correlation", exact=True)
    entry.fill(value)
    entry.press("Enter")
    handle = root.locator(".lab-control-correlation .noUi-handle")
    middle = "element => { const box = element.getBoundingClientRect(); return box.x + box.width / 2; }"

    def apart() -> float:
        return abs(mark.first.evaluate(middle) - handle.evaluate(middle))

    assert page.wait_until(lambda: apart() < 2.0), f"the mark is {apart():.1f} pixels beside the handle"
    page.saved("marks")
