"""What the picture of a channel shows is the network, its limit, the map and both laws, and it can be read."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from figure_layout import faults, luminance
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose

from landscape_nb.figures import style
from landscape_nb.figures.channels import draw, levels
from landscape_nb.labs import Channels
from landscape_nb.labs.computation import Computation

COMPUTATION = Computation(*Channels.steps, parameters=tuple(parameter.name for parameter in Channels.parameters))
STATES = {
    "the start": {},
    "almost at infinity": {"channel": "channel 2", "eps": 1e-4, "rate": 1e-4},
    "the beginning": {"eps": 0.4917, "rate": 1.0},
    "two inputs": {"channel": "two inputs", "eps": 0.3},
    "the widest": {"channel": "two inputs", "eps": 1.0, "rate": 1.0},
}


@cache
def view_of(state):
    return COMPUTATION({one.name: one.default for one in Channels.parameters} | STATES[state]).view


@cache
def sheet(state, theme="projector"):
    """Each state is drawn once."""
    figure = style.new_figure(theme)
    draw(figure, view_of(state))
    return figure


def drawn(state):
    return view_of(state), *sheet(state).axes


def labelled(axes):
    return {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}


# the functions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_curves_are_target_network_and_gated_linear_unit(state):
    view, axes, *_ = drawn(state)
    lines, shown = labelled(axes), view.functions
    expected = {"target": shown.target, "two neurons": shown.network, "gated linear unit": shown.limit}
    assert lines.keys() == expected.keys()
    for name, values in expected.items():
        x, y = lines[name].get_data()
        assert np.array_equal(x, shown.x) and np.array_equal(y, values)
        low, high = axes.get_ylim()
        assert (low <= values).all() and (values <= high).all()
    assert lines["target"].get_color() == style.TEACHER and lines["two neurons"].get_color() == style.STUDENT
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(expected)


@pytest.mark.parametrize("state", STATES)
def test_the_strip_below_is_the_difference_over_eps_squared_and_its_law(state):
    view, _, axes, *_ = drawn(state)
    lines, shown = labelled(axes), view.functions
    assert np.array_equal(lines["law f₂"].get_ydata(), shown.law) and lines["law f₂"].get_linestyle() == "-"
    assert np.array_equal(lines["difference"].get_ydata(), shown.difference)
    assert lines["difference"].get_linestyle() == "--" and axes.get_xlabel() == shown.name
    low, high = axes.get_ylim()
    assert low <= min(shown.law.min(), shown.difference.min()) and high >= max(shown.law.max(), shown.difference.max())


# the map --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["the start", "two inputs"])
def test_the_colours_rise_with_the_loss_and_are_missing_where_there_is_none(state):
    view, _, _, axes, *_ = drawn(state)
    (image,) = axes.images
    shown, losses = image.get_array(), view.surface.losses
    assert np.array_equal(np.ma.getmaskarray(shown), np.isnan(losses))
    order = np.argsort(losses[~np.isnan(losses)])
    assert (np.diff(shown.compressed()[order]) >= 0).all() and image.get_cmap().name == style.LOSS_MAP
    inside = losses < view.line_loss
    assert (shown[inside] < 1).all(), "the channels are resolved up to the saddle line"
    gaps = np.diff(np.log(view.surface.gap))
    assert_allclose(gaps, gaps[0], rtol=1e-9)  # a column for each gap on the logarithmic axis
    assert axes.get_xlim() == (view.surface.gap[0], view.surface.gap[-1]) and axes.get_xscale() == "log"
    assert axes.get_ylim() == (view.surface.mean[0], view.surface.mean[-1])


def test_on_the_sheet_each_colour_stands_at_its_gap_and_its_mean_weight():
    view, figure = view_of("the start"), sheet("the start", "screen")
    axes, surface = figure.axes[2], view.surface
    figure.canvas.draw()
    colours = np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255
    dark = []
    for s in (50.0, 1e3, 2e4):
        column = []
        for w in (2.0, 2.5, 3.0, 3.32, 3.7):
            x, y = axes.transData.transform((s, w))
            patch = colours[int(len(colours) - y) - 3 : int(len(colours) - y) + 4, int(x) - 3 : int(x) + 4]
            column.append(float(np.median(patch @ (0.2126, 0.7152, 0.0722))))
        dark.append(column)
        i = [int(np.argmin(np.abs(surface.mean - w))) for w in (2.0, 2.5, 3.0, 3.32, 3.7)]
        losses = surface.losses[i, int(np.argmin(np.abs(surface.gap - s)))]
        assert np.array_equal(np.argsort(column), np.argsort(losses)), (s, column, losses)
    assert_allclose(dark[1], dark[2], atol=0.05)


@pytest.mark.parametrize("state", STATES)
def test_contour_levels_resolve_every_channel_up_to_the_saddle_line(state):
    view = view_of(state)
    found = levels(view)
    assert (np.diff(found) > 0).all()
    for _, loss in view.ends:
        inside = found[(found > loss) & (found < view.line_loss)]
        assert len(inside) >= 8 and inside[0] <= loss + 2e-3 * (view.line_loss - loss)
    assert (found > view.line_loss).sum() >= 5


@pytest.mark.parametrize("state", STATES)
def test_floors_saddle_line_ends_and_the_network_stand_where_they_are(state):
    view, _, _, axes, *_ = drawn(state)
    dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    for line, (gaps, means) in zip(dashed, view.floors, strict=True):
        assert np.array_equal(line.get_xdata(), gaps) and np.array_equal(line.get_ydata(), means)
        assert line.get_color() == style.STUDENT and line.get_xdata().max() == view.surface.gap[-1]
    mean, plateau, index = view.line
    saddle = labelled(axes)["saddle line"]
    assert list(saddle.get_xdata()) == [plateau, view.surface.gap[-1]] and list(saddle.get_ydata()) == [mean, mean]
    right = [line for line in axes.get_lines() if len(line.get_xdata()) == 1 and line.get_xdata()[0] == 1e5]
    filled = [line for line in right if line.get_markerfacecolor() == style.STUDENT]
    assert [line.get_ydata()[0] for line in filled] == [at for at, _ in view.ends]
    assert [line.get_markeredgecolor() == style.CURRENT for line in filled] == [
        k == view.chosen for k in range(len(view.ends))
    ]
    (ring,) = (line for line in right if line.get_markerfacecolor() == "white")
    assert ring.get_ydata()[0] == mean and [text.get_text() for text in axes.texts] == [str(index)]
    (here,) = (
        line for line in axes.get_lines() if line.get_marker() == "o" and line.get_markerfacecolor() == style.CURRENT
    )
    assert (here.get_xdata()[0], here.get_ydata()[0]) == view.here
    # the network lies on the floor of its channel
    gaps, means = view.floors[view.chosen]
    assert np.interp(np.log(view.here[0]), np.log(gaps[::-1]), means[::-1]) == pytest.approx(view.here[1], abs=5e-3)


# both laws ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_loss_and_sharpness_are_drawn_with_their_laws_and_the_network(state):
    view, _, _, _, loss, sharpness = drawn(state)
    for axes, law, power, values, here in (
        (loss, view.h, 2, view.path.gap, view.gap),
        (sharpness, view.sharpness_law, -2, view.path.sharpness, view.sharpness),
    ):
        solid, dashed = list(labelled(axes).values())[:2]
        assert_allclose(solid.get_ydata(), law * solid.get_xdata() ** power)
        assert solid.get_linestyle() == "-" and dashed.get_linestyle() == "--"
        assert np.array_equal(dashed.get_xdata(), view.path.eps) and np.array_equal(dashed.get_ydata(), values)
        (disc,) = (line for line in axes.get_lines() if line.get_marker() == "o")
        assert (disc.get_xdata()[0], disc.get_ydata()[0]) == (view.eps, here)
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        assert left <= view.eps <= right and low < here < high and low < values.min() and values.max() < high
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


@pytest.mark.parametrize("state", STATES)
def test_the_cross_is_where_the_sharpness_is_2_over_the_rate(state):
    view, *_, axes = drawn(state)
    line = labelled(axes)["2/rate"]
    assert set(line.get_ydata()) == {view.threshold} and line.get_linestyle() == ":"
    crosses = [(one.get_xdata()[0], one.get_ydata()[0]) for one in axes.get_lines() if one.get_marker() == "x"]
    assert crosses == ([] if view.edge is None else [(view.edge, view.threshold)])
    assert axes.get_ylim()[0] < view.threshold < axes.get_ylim()[1]


def test_without_an_edge_of_stability_there_is_no_cross():
    figure = style.new_figure()
    draw(figure, replace(view_of("the start"), edge=None))
    assert not [line for line in figure.axes[4].get_lines() if line.get_marker() == "x"]


# words and looks ------------------------------------------------------------------------------------------------------


def test_every_panel_has_a_title_and_labels():
    _, functions, difference, *others = drawn("the start")
    assert functions.get_title() and functions.get_ylabel() and difference.get_xlabel() and difference.get_ylabel()
    assert all(axes.get_title() and axes.get_xlabel() and axes.get_ylabel() for axes in others)


@pytest.mark.parametrize("state", STATES)
def test_the_picture_can_be_read(state):
    for theme in style.THEMES if state in ("the start", "two inputs") else ("projector",):
        assert faults(sheet(state, theme)) == [], theme


@pytest.mark.parametrize("state", STATES)
def test_no_legend_hides_the_network(state):
    figure = sheet(state)
    figure.canvas.draw()
    for axes in figure.axes:
        for line in axes.get_lines():
            if axes.get_legend() is not None and len(line.get_xdata()) == 1:
                x, y = axes.transData.transform((line.get_xdata()[0], line.get_ydata()[0]))
                box = axes.get_legend().get_window_extent()
                assert not (box.x0 < x < box.x1 and box.y0 < y < box.y1), (axes.get_title(), line.get_marker())


def test_in_greyscale_what_differs_in_colour_differs_otherwise_too():
    for axes in sheet("the start").axes:
        looks = {}
        for line in axes.get_lines():
            colour = to_rgba(line.get_color())[:3]
            light = round(float(luminance(colour)), 1)
            looks.setdefault((line.get_linestyle(), line.get_marker(), light, line.get_linewidth()), set()).add(colour)
        assert all(len(colours) == 1 for colours in looks.values()), (axes.get_title(), looks)
