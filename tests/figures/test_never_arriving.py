"""What the picture of a flow that never arrives shows are its numbers, and it can be read."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from figure_layout import faults, luminance
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.sad import polynomial_landscape, valleys_to_infinity
from landscape_nb.figures import style
from landscape_nb.figures.never_arriving import NeverArrivingView, draw, fraction, magnified

TIMES = np.geomspace(1e-2, 1e12, 281)


@cache
def view_of(state):
    """The valley itself as the flow, beside it other ways that a flow can go; no flow is followed here."""
    landscape = polynomial_landscape(ACTIVATIONS["tanh"])
    valley = valleys_to_infinity(landscape.activation, landscape)[0]
    sizes = valley.outgoing(np.maximum(TIMES, 1e5))
    students = np.array([valley.network(a).theta for a in sizes])
    line = np.linspace(-1, 1, 161)
    norms, losses = np.linalg.norm(students, axis=1), np.asarray(landscape.value(students))
    losses = np.where(TIMES < 1e2, 0.1, losses)  # the network is a constant first
    chosen = 200
    here = landscape.network(students[chosen])
    function = np.tanh(np.column_stack([line, np.ones(161)]) @ here.W.T) @ here.a + here.b
    view = NeverArrivingView(
        *(TIMES, norms, losses, norms[0] + np.sqrt(TIMES * losses[0]), chosen, valley.norm(TIMES), valley.loss(TIMES)),
        *((0.1676, -0.6668), (1 / 6, -2 / 3), line, line**2, function, "input x"),
        *(students[:, [0, 2]], students[:, [1, 3]], students[:, 4:6], tuple(sorted(set(valley.biases)))),
    )
    nan = float("nan")
    if state == "outside":
        view = replace(view, law_norms=None, law_losses=None, derived=None, exponents=(nan, nan), biases=())
    if state == "arrived":
        view = replace(
            view_of("outside"),
            losses=np.maximum(np.exp(-TIMES), 1e-33),
            norms=2 + 0 * TIMES,
            function=line**2,
            chosen=280,
        )
    if state == "six neurons":
        rng = np.random.default_rng(0)
        ways = np.cumsum(rng.normal(size=(281, 6)), axis=0)
        view = replace(
            view_of("outside"),
            target=5 + 3 * line**3,
            function=5 + 3 * line**3 + 0.01,
            weights=ways,
            inputs=ways[:, ::-1],
            outgoing=50 * rng.normal(size=(281, 6)),
            norms=np.geomspace(3, 900, 281),
        )
    if state == "two inputs":
        view = replace(view_of("six neurons"), along="input x = y", chosen=0)
    return view


EVERY = ("valley", "outside", "arrived", "six neurons", "two inputs")


@cache
def sheet(state, theme="projector"):
    figure = style.new_figure(theme)
    draw(figure, view_of(state))
    return figure


def lines_of(axes, colour, least=0.0):
    return [line for line in axes.get_lines() if line.get_color() == colour and line.get_linewidth() > least]


@pytest.mark.parametrize("state", EVERY)
def test_norm_and_loss_are_dashed_up_to_the_chosen_time_with_a_dot_there(state):
    view, (norm, loss, *_) = view_of(state), sheet(state).axes
    for axes, values in ((norm, view.norms), (loss, view.losses)):
        low, high = axes.get_ylim()
        (path,) = lines_of(axes, style.STUDENT, 2.0)
        times, drawn = path.get_data()
        assert np.array_equal(times, view.times[: view.chosen + 1]) and path.get_linestyle() == style.NUMERICAL
        assert np.array_equal(drawn, np.maximum(values, low)[: view.chosen + 1]) and drawn.max() <= high
        (dot,) = (line for line in axes.get_lines() if line.get_marker() == "o")
        assert_allclose(dot.get_data(), ([view.times[view.chosen]], [max(values[view.chosen], low)]))
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert axes.get_xlim() == (view.times[0], view.times[-1])
    (bound,) = lines_of(norm, style.ZERO_MODE)
    assert np.array_equal(bound.get_ydata(), view.bound)


def test_the_law_is_solid_where_there_is_one_and_the_exponents_stand_in_the_legend():
    view, (norm, loss, *_) = view_of("valley"), sheet("valley").axes
    for axes, law, words in (
        (norm, view.law_norms, ["flow: slope 0.1676", "valley: slope 1/6"]),
        (loss, view.law_losses, ["flow: slope −0.6668", "valley: slope −2/3"]),
    ):
        (line,) = lines_of(axes, style.TEACHER)
        assert line.get_linestyle() == style.CLOSED_FORM
        assert np.array_equal(line.get_ydata(), law[view.times >= 1e2])
        assert [text.get_text() for text in axes.get_legend().get_texts()] == words
    norm, loss, *_ = sheet("outside").axes
    for axes in (norm, loss):
        assert not lines_of(axes, style.TEACHER)
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["flow"]


@pytest.mark.parametrize("state", EVERY)
def test_the_difference_is_drawn_larger_by_the_power_of_ten_that_its_label_names(state):
    view, axes = view_of(state), sheet(state).axes[2]
    by_name = {line.get_label().split(" × ")[0]: line for line in axes.get_lines()}
    assert np.array_equal(by_name["target"].get_ydata(), view.target)
    assert np.array_equal(by_name["network"].get_ydata(), view.function)
    label = by_name["difference"].get_label()
    factor = float(label.split(" × ")[1]) if " × " in label else 1.0
    difference = view.function - view.target
    assert_allclose(by_name["difference"].get_ydata(), difference * factor)
    size = np.ptp(view.target)
    if difference.any() and factor < 1e8:
        assert 0.03 * size < factor * np.abs(difference).max() <= 0.4 * size
    assert axes.get_xlabel() == view.along


def test_how_much_larger():
    assert magnified(np.array([1e-5, -3e-5]), 1.0) == 4
    assert magnified(np.array([0.9]), 1.0) == 0 and magnified(np.zeros(3), 1.0) == 0
    assert [fraction(x) for x in (1 / 6, -2 / 3, 0.25, -0.5, 2.0)] == ["1/6", "−2/3", "1/4", "−1/2", "2"]


@pytest.mark.parametrize("state", EVERY)
def test_the_discs_are_the_neurons_at_the_chosen_time(state):
    view, axes = view_of(state), sheet(state).axes[3]
    discs = [line for line in axes.get_lines() if line.get_marker() == "o"]
    places = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in discs]
    assert places == list(zip(view.weights[view.chosen], view.inputs[view.chosen]))
    filled = [to_rgba(line.get_markerfacecolor()) == to_rgba(style.STUDENT) for line in discs]
    assert filled == list(view.outgoing[view.chosen] > 0)
    sizes = np.array([line.get_markersize() for line in discs])
    assert (np.argsort(sizes, kind="stable") == np.argsort(np.abs(view.outgoing[view.chosen]), kind="stable")).all()
    assert [line.get_ydata()[0] for line in lines_of(axes, style.TEACHER)] == list(view.biases)
    (x_low, x_high), (y_low, y_high) = axes.get_xlim(), axes.get_ylim()
    assert x_low <= view.weights.min() <= view.weights.max() <= x_high
    assert y_low <= view.inputs.min() <= view.inputs.max() <= y_high
    assert view.along == "input x" or "length" in axes.get_xlabel()


@pytest.mark.parametrize("state", EVERY)
def test_the_picture_can_be_read(state):
    for theme in style.THEMES if state == "valley" else ("projector",):
        assert faults(sheet(state, theme)) == [], theme
    for axes in sheet(state).axes:
        assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()


def test_the_legends_lie_on_no_flow():
    for state in EVERY:
        for axes in sheet(state).axes[:2]:
            box = axes.get_legend().get_window_extent(sheet(state).canvas.get_renderer())
            (path,) = lines_of(axes, style.STUDENT, 2.0)
            assert not box.contains(*axes.transData.transform(np.transpose(path.get_data())).mean(axis=0))
            inside = [box.contains(*point) for point in axes.transData.transform(np.transpose(path.get_data()))]
            assert not any(inside), (state, axes.get_title())


def test_in_greyscale_what_differs_in_colour_differs_otherwise_too():
    for state in ("valley", "six neurons"):
        for axes in sheet(state).axes:
            looks = {}
            for found in axes.get_lines():
                colour = to_rgba(found.get_color())
                key = (
                    found.get_linestyle(),
                    found.get_marker(),
                    found.get_linewidth(),
                    round(float(luminance(colour[:3])), 1),
                )
                looks.setdefault(key, set()).add(colour)
            assert all(len(colours) == 1 for colours in looks.values()), (state, axes.get_title(), looks)
