"""The frame and the moving layer together are what a full drawing of the figure is, whatever was drawn before."""

import re
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
from svg_reading import SVG, Drawing, full_drawing, overtaken

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron import one_neuron_points
from landscape_nb.figures import channels, copy_or_average, gradient_flow, kernels, one_neuron, splitting, style
from landscape_nb.figures.layers import Layers, picture
from landscape_nb.labs import Channels, CopyOrAverage, GradientFlow, Splitting
from landscape_nb.labs.computation import Computation
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import equicorrelated_teacher, orthonormal_teacher
from landscape_nb.search import OneNeuronPoints


def one(name, teacher, chosen=0, points=True):
    landscape = PopulationLandscape(ACTIVATIONS[name], teacher)
    found = one_neuron_points(ACTIVATIONS[name], teacher) if points else OneNeuronPoints([], remark="none")
    return one_neuron.one_neuron_view(landscape, found, chosen)


ONE_NEURON = {
    "the start": lambda: one("erf", orthonormal_teacher(3, 4)),
    "a saddle with zero modes": lambda: one("erf", orthonormal_teacher(10, 12), 1),
    "a curve in one dimension": lambda: one("erf", orthonormal_teacher(1, 1)),
    "half-lines": lambda: one("relu", orthonormal_teacher(3, 4), 1),
    "an infimum at infinity": lambda: one("gelu", orthonormal_teacher(3, 4)),
    "points outside the plane": lambda: one("cos", equicorrelated_teacher(3, 4, 0.0, 3.0, [1.0, 1.4, 1.8]), 4),
    "large numbers": lambda: one("exp", equicorrelated_teacher(3, 6, 0.3, 3.0), 1),
    "no critical point": lambda: one("erf", orthonormal_teacher(2, 3), points=False),
}
KERNELS = {
    "the start": lambda: kernels.kernel_view(ACTIVATIONS["relu"], 1.0, 1.0, 60.0),
    "the two neurons at the end of the curve": lambda: kernels.kernel_view(ACTIVATIONS["tanh"], 0.5, 2.0, 0.0),
    "a sample without spread": lambda: kernels.kernel_view(ACTIVATIONS["sign"], 0.1, 5.0, 180.0),
    "large numbers": lambda: kernels.kernel_view(ACTIVATIONS["exp"], 5.0, 5.0, 30.0),
    "small numbers": lambda: kernels.kernel_view(ACTIVATIONS["sigmoid"], 0.1, 0.1, 135.0),
    "the current point below the other curve": lambda: kernels.kernel_view(ACTIVATIONS["cos"], 1.0, 1.0, 120.0),
}


def shown_by(lab, **values):
    """What this lab shows in this state, computed without the lab."""
    computation = Computation(*lab.steps, parameters=tuple(one.name for one in lab.parameters))
    return computation({one.name: one.default for one in lab.parameters} | values).view


COPY_OR_AVERAGE = {
    "the start": lambda: shown_by(CopyOrAverage),
    "many squares, every neuron leans": lambda: shown_by(CopyOrAverage, family="n-copy", k=20, n=12),
    "negative eigenvalues": lambda: shown_by(CopyOrAverage, activation="cos", n=2, partition=2),
}
GRADIENT_FLOW = {
    "the start": lambda: shown_by(GradientFlow, k=3, n=2, start="small"),
    "nothing stored": lambda: shown_by(GradientFlow, activation="normal_cdf", k=2, n=1),
}
SPLITTING = {
    "the start": lambda: shown_by(Splitting),
    "weight vectors and a plateau outside": lambda: shown_by(Splitting, landscape="erf", gamma=1.5),
    "copies apart": lambda: shown_by(Splitting, landscape="two neurons", gamma=-1.0, apart=0.5),
}
CHANNELS = {
    "the start": lambda: shown_by(Channels),
    "an end at infinity with two ways down": lambda: shown_by(Channels, channel="two inputs", eps=0.3),
}
PICTURES = {
    "one_neuron": (one_neuron.draw, ONE_NEURON),
    "kernels": (kernels.draw, KERNELS),
    "copy_or_average": (copy_or_average.draw, COPY_OR_AVERAGE),
    "gradient_flow": (gradient_flow.draw, GRADIENT_FLOW),
    "splitting": (splitting.draw, SPLITTING),
    "channels": (channels.draw, CHANNELS),
}
STATES = [(name, state) for name, (_, states) in PICTURES.items() for state in states]


@pytest.fixture(scope="module")
def views():
    return {(name, state): PICTURES[name][1][state]() for name, state in STATES}


def sheet(theme="screen", salt="a salt for the test"):
    """A new figure and its layers, with names that can be compared."""
    figure = style.new_figure(theme)
    layers = Layers(figure)
    layers.name = salt
    return figure, layers


def joined(layers):
    """All layers on one sheet."""
    frames, moving = layers.render()
    return "".join(frames) + moving


# one drawing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, state, theme",
    [*((name, state, "screen") for name, state in STATES), *((name, "the start", "projector") for name in PICTURES)],
)
def test_all_layers_together_are_the_full_drawing(name, state, theme, views):
    figure, layers = sheet(theme)
    PICTURES[name][0](figure, views[name, state])
    shown = Drawing(picture(joined(layers), layers.size, ""))
    full = Drawing(full_drawing(figure))
    assert len(shown.looks) > 300
    assert overtaken(shown, full) == []


def test_a_legend_lies_over_the_marks_and_over_the_panels_below_it():
    figure, layers = sheet()
    with style.drawing():
        axes = figure.add_subplot()
        upper = axes.twinx()
        for x in np.linspace(0, 1, 9):
            style.mark_point(axes, x, x, 2, "saddle", current=True)
            style.mark_point(upper, x, 1 - x, 1, "minimum")
        style.legend(axes, axes.get_lines()[:1], loc="center")
        style.legend(upper, upper.get_lines()[:1], loc="upper center")
        for panel in (axes, upper):
            style.place_words(panel)
    shown = Drawing(picture(joined(layers), layers.size, ""))
    assert overtaken(shown, Drawing(full_drawing(figure))) == []


@pytest.mark.parametrize("name", PICTURES)
def test_after_many_other_pictures_the_layers_are_those_of_a_new_sheet(name, views):
    draw, states = PICTURES[name]
    used, layers = sheet()
    fresh = {}
    for state in states:
        figure, new = sheet()
        draw(figure, views[name, state])
        fresh[state] = new.render()
    rng = np.random.default_rng(0)
    way = [*states, *rng.choice(list(states), len(states))]
    for before, state in zip(["nothing", *way], way):
        draw(used, views[name, state])
        frame, moving = layers.render()
        assert frame == fresh[state][0], f"the frame of {state} after {before}"
        assert moving == fresh[state][1], f"what moves in {state} after {before}"


def test_the_layers_of_one_picture_are_the_same_when_asked_again(views):
    figure, layers = sheet()
    kernels.draw(figure, views["kernels", "the start"])
    assert layers.render() == layers.render()


# what changes, and what stays -----------------------------------------------------------------------------------------


def test_the_frame_stays_while_only_the_content_changes():
    figure, layers = sheet()
    kernels.draw(figure, kernels.kernel_view(ACTIVATIONS["relu"], 1.0, 1.0, 60.0))
    frame, moving = layers.render()
    kernels.draw(figure, kernels.kernel_view(ACTIVATIONS["relu"], 1.0, 1.0, 63.0))
    frame_after, moving_after = layers.render()
    assert frame_after == frame and moving_after != moving


CHANGES = {
    "limits": lambda axes: axes.set_xlim(-2, 2),
    "an axis label": lambda axes: axes.set_ylabel("another"),
    "ticks": lambda axes: axes.set_xticks([-0.3, 0.7]),
    "tick labels": lambda axes: axes.set_xticks([-1, 1], ["left", "right"]),
    "the title": lambda axes: axes.set_title("another"),
    "the scale": lambda axes: axes.set_yscale("symlog"),
    "an axis that is hidden": lambda axes: axes.yaxis.set_visible(False),
    "the place": lambda axes: axes.set_position([0.2, 0.2, 0.3, 0.3]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_frame_changes_with(change, views):
    figure, layers = sheet()
    kernels.draw(figure, views["kernels", "the start"])
    frame, _ = layers.render()
    with style.drawing():
        CHANGES[change](figure.axes[0])
    assert layers.render()[0] != frame


def test_a_legend_that_says_something_else_is_drawn_anew():
    figure, layers = sheet()
    axes = figure.add_subplot()
    shown = set()
    with style.drawing():
        for look in ({"label": "one"}, {"label": "two"}, {"label": "two", "color": "red"}, {"label": "two", "ls": ":"}):
            style.legend(axes, axes.plot([0.2], [0.2], **look))
            style.wipe(axes)
            shown.add(layers.render()[1])
        style.legend(axes, [])
        shown.add(layers.render()[1])
    assert len(shown) == 5


# on one page with others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, state", [("one_neuron", "the start"), ("kernels", "the start")])
def test_the_layers_bring_no_style_no_author_and_no_names_of_groups_to_the_page(name, state, views):
    figure, layers = sheet()
    PICTURES[name][0](figure, views[name, state])
    frames, moving = layers.render()
    for layer in (*frames, moving):
        root = ElementTree.fromstring(picture(layer, layers.size, 'aria-hidden="true"'))
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {"svg", "g", "defs", "path", "use", "image", "clipPath", "rect", "pattern"}
        assert not [element for element in root.iter(f"{SVG}g") if element.get("id")]
        assert "<!--" not in layer and "<?xml" not in layer and "<!DOCTYPE" not in layer


def test_two_pictures_on_one_page_do_not_share_the_names_of_their_clip_paths(views):
    names = []
    for _ in range(2):
        figure = style.new_figure()
        one_neuron.draw(figure, views["one_neuron", "a saddle with zero modes"])
        names.append(set(re.findall(r'<(?:clipPath|pattern)[^>]*? id="([^"]*)"', joined(Layers(figure)))))
    assert len(names[0]) == len(names[1]) >= 4
    assert not names[0] & names[1]


def test_layers_leave_the_users_settings_of_matplotlib_alone(views):
    figure, layers = sheet()
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "none", "axes.grid": False, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        kernels.draw(figure, views["kernels", "the start"])
        odd = layers.render()
        assert dict(matplotlib.rcParams) == before
    figure, layers = sheet()
    kernels.draw(figure, views["kernels", "the start"])
    assert layers.render() == odd  # and the user's settings leave the picture alone


def test_two_threads_draw_what_one_draws_after_the_other(views):
    def pictures(name):
        draw, states = PICTURES[name]
        figure, layers = sheet(salt=name)
        shown = []
        for state in list(states)[:4]:
            draw(figure, views[name, state])
            shown.append(layers.render())
        return shown

    expected = [pictures(name) for name in PICTURES]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(pictures, PICTURES)) == expected
