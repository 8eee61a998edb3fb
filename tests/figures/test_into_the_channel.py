"""What the picture of a flow into a channel shows is the flow, its laws and where optimisers stopped, and it can be read."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from figure_layout import faults, luminance
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose
from scipy.special import erf

from landscape_nb.figures import style
from landscape_nb.figures.into_the_channel import PATTERNS, draw
from landscape_nb.labs import IntoTheChannel
from landscape_nb.labs.computation import Computation

COMPUTATION = Computation(*IntoTheChannel.steps, parameters=tuple(one.name for one in IntoTheChannel.parameters))
DEFAULTS = {one.name: one.default for one in IntoTheChannel.parameters}
#: Three flows to t = 1e6, and what others end like on their grid.
FLOWS = {"channel 1": {}, "channel 2, at its end": {"kick": "minus"}, "back": {"gamma": 0.65}}
STOPS = (("GD", 5.2), ("BFGS", 538.0), ("CG", 15.7), ("L-BFGS-B", 131.0), ("trust-ncg", 10.3))


@cache
def view_of(state):
    if state == "optimisers":
        return replace(view_of("channel 1"), stops=STOPS)
    if state == "back, optimisers":
        here = view_of("back")
        return replace(here, stops=tuple((name, 0.96 if name == "GD" else here.gaps[-1]) for name, _ in STOPS))
    if state == "to 1e12":  # the same curves, stretched over the times of the lab
        here = view_of("channel 1")
        return replace(here, times=here.times**2, time=1e12, parts=40 * here.parts)
    with mock.patch("landscape_nb.labs.into_the_channel.T_MAX", 1e6):
        return COMPUTATION(DEFAULTS | FLOWS[state]).view


EVERY = (*FLOWS, "optimisers", "back, optimisers", "to 1e12")


@cache
def sheet(state, theme="projector"):
    """Each state is drawn once."""
    figure = style.new_figure(theme)
    draw(figure, view_of(state))
    return figure


def drawn(state):
    return view_of(state), *sheet(state).axes


def labelled(axes, label):
    (line,) = (line for line in axes.get_lines() if line.get_label() == label)
    return line


def dashed_law(axes):
    return [line for line in axes.get_lines() if line.get_color() == style.TEACHER and line.get_linestyle() == "--"]


@pytest.mark.parametrize("state", EVERY)
def test_the_loss_is_drawn_above_its_limit_as_far_as_doubles_hold_it(state):
    view, axes, *_ = drawn(state)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlim() == (view.times[0], view.times[-1])
    x, y = labelled(axes, "flow").get_data()
    assert np.array_equal(x, view.times) and np.array_equal(y, view.above, equal_nan=True)
    low, high = axes.get_ylim()
    known = view.above[np.isfinite(view.above)]
    assert low <= known.min() and known.max() <= high and known.min() >= 1e-15


@pytest.mark.parametrize("state", EVERY)
def test_laws_are_dashed_where_there_is_a_channel_and_only_there(state):
    view, loss, gap, _, eigenvalues, _ = drawn(state)
    channel = not state.startswith("back")
    assert [len(dashed_law(axes)) for axes in (loss, gap, eigenvalues)] == ([1, 1, 2] if channel else [0, 0, 0])
    if channel:
        for axes, law in ((loss, view.above_law), (gap, view.gap_law)):
            x, y = dashed_law(axes)[0].get_data()
            assert_allclose(y, law[np.isin(view.times, x)])
            assert len(x) > 40 and x[-1] == view.times[-1]
        assert {round(np.polyfit(*np.log(line.get_data()), 1)[0], 6) for line in dashed_law(eigenvalues)} <= {
            *(0.5, -1.0, 0.25, -0.5)  # over times, or over their squares
        }


def test_plateaus_are_bands_over_their_times():
    view, axes, *_ = drawn("channel 1")
    (plateau,) = view.plateaus
    (band,) = axes.patches
    assert_allclose([band.get_x(), band.get_x() + band.get_width()], [plateau.start, plateau.end])
    assert 50 < plateau.end < 200 and not drawn("back")[1].patches


@pytest.mark.parametrize("state", EVERY)
def test_the_time_shown_is_a_line_with_dots_on_the_curves(state):
    view, loss, gap, _, eigenvalues, _ = drawn(state)
    for axes, values in ((loss, [view.above]), (gap, [view.gaps]), (eigenvalues, [view.sharpness, view.softest])):
        (line,) = (one for one in axes.get_lines() if list(one.get_xdata()) == [view.time, view.time])
        assert line.get_linestyle() == ":"
        dots = [one.get_ydata()[0] for one in axes.get_lines() if one.get_marker() == "o"]
        at = int(np.argmin(np.abs(np.log(view.times / view.time))))
        expected = [abs(curve[at]) for curve in values if np.isfinite(curve[at])]
        assert_allclose(dots, expected, rtol=0.05)


@pytest.mark.parametrize("state", ["optimisers", "back, optimisers"])
def test_a_line_with_its_name_stands_at_the_gap_of_each_optimiser(state):
    view, _, axes, *_ = drawn(state)
    found = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert found == dict(view.stops)
    heights = {}
    for line in axes.get_lines():
        if list(line.get_xdata()) == [0, 1]:
            heights.setdefault(line.get_ydata()[0], 0)
            heights[line.get_ydata()[0]] += 1
    assert sum(heights.values()) == len(view.stops) and set(heights) == set(found.values())
    low, high = axes.get_ylim()
    assert all(low < gap < high for gap in found.values())
    assert {name for name, _ in view.stops} == set(PATTERNS)
    assert not drawn("channel 1")[2].texts


@pytest.mark.parametrize("state", ["optimisers", "back, optimisers"])
@pytest.mark.parametrize("theme", style.THEMES)
def test_the_names_of_optimisers_do_not_lie_on_each_other_and_stay_inside(state, theme):
    figure = sheet(state, theme)
    axes = figure.axes[1]
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    frame = axes.get_window_extent()
    for i, first in enumerate(boxes):
        assert frame.x0 <= first.x0 and first.x1 <= frame.x1
        assert not any(first.overlaps(second) for second in boxes[i + 1 :])


def test_the_functions_are_those_of_the_network_at_the_time_shown():
    for state in FLOWS:
        view, _, _, axes, _, alone = drawn(state)
        student = view.student
        each = student.a[:, None] * erf(student.W * view.x / np.sqrt(2))
        target = erf((5 * view.x + 2.5) / np.sqrt(2)) + erf((5 * view.x - 2.5) / np.sqrt(2))
        assert_allclose(labelled(axes, "target").get_ydata(), target, atol=1e-12)
        assert_allclose(labelled(axes, "network").get_ydata(), each.sum(axis=0), atol=1e-12)
        for i in range(2):
            assert_allclose(labelled(alone, f"neuron {i + 1}").get_ydata(), each[i], atol=1e-12)
        for one in (axes, alone):  # the zeros of both axes stand at one height
            low, high = one.get_ylim()
            assert_allclose(high / low, -1.9)
        assert np.abs(each).max() < alone.get_ylim()[1] and np.abs(target).max() < axes.get_ylim()[1]


@pytest.mark.parametrize("state", EVERY)
def test_the_eigenvalues_are_drawn_with_the_line_that_descent_cannot_cross(state):
    view, *_, axes, _ = drawn(state)
    assert np.array_equal(labelled(axes, "largest").get_ydata(), view.sharpness)
    assert list(labelled(axes, "2 / rate").get_ydata()) == [view.edge] * 2
    low, below = labelled(axes, "smallest").get_ydata(), labelled(axes, "−smallest").get_ydata()
    assert np.array_equal(np.where(np.isfinite(low), low, -below), view.softest, equal_nan=True)
    assert (np.isfinite(low) != np.isfinite(below))[np.isfinite(view.softest)].all()
    assert axes.get_ylim()[0] <= np.nanmin(np.abs(view.softest)) and axes.get_ylim()[1] >= view.sharpness.max()


def test_the_flow_that_comes_back_says_so():
    view, axes, *_ = drawn("back")
    (text,) = axes.texts
    assert text.get_text().startswith("back on the plateau,\nat rest from t ≈ ")
    assert 100 < float(text.get_text().split()[-2]) < 2000 and view.arrived is not None
    assert not drawn("channel 1")[1].texts


# words and looks ------------------------------------------------------------------------------------------------------


def test_every_panel_has_a_title_and_labels():
    _, *panels = drawn("channel 1")
    for axes in panels[:4]:
        assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()
    assert panels[4].get_ylabel()


@pytest.mark.parametrize("state", EVERY)
def test_the_picture_can_be_read(state):
    for theme in style.THEMES if "optimisers" in state else ("projector",):
        figure = sheet(state, theme)
        assert faults(figure) == [], theme
        for axes in figure.axes:
            low, high = axes.get_ylim()
            labels = [one for one in axes.get_yticklabels() if one.get_text() and low <= one.get_position()[1] <= high]
            boxes = sorted((one.get_window_extent() for one in labels), key=lambda box: box.y0)
            assert len(boxes) >= 2 and all(one.y1 <= other.y0 + 1 for one, other in pairwise(boxes)), theme


def test_in_greyscale_what_differs_in_colour_differs_otherwise_too():
    for state in ("optimisers", "back"):
        for axes in sheet(state).axes:
            looks = {}
            for line in axes.get_lines():
                colour = to_rgba(line.get_color())
                look = (str(line.get_linestyle()), line.get_linewidth(), round(float(luminance(colour[:3])), 1))
                looks.setdefault(look, set()).add(colour)
            assert all(len(colours) == 1 for colours in looks.values()), (state, axes.get_title(), looks)
