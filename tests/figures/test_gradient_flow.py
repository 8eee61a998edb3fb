"""What the picture of a gradient flow shows is the flow, its end and the stored outcomes, and it can be read."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from figure_layout import faults, luminance
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch, Rectangle
from numpy.testing import assert_allclose

from landscape_nb.closed_forms.copy_average import copy_average_loss
from landscape_nb.figures import style
from landscape_nb.figures.gradient_flow import FAMILIES, draw
from landscape_nb.labs import GradientFlow
from landscape_nb.labs.computation import Computation
from landscape_nb.networks import Network
from landscape_nb.sweeps import stored_phase_diagram

COMPUTATION = Computation(
    *GradientFlow.steps, parameters=tuple(parameter.name for parameter in GradientFlow.parameters)
)
STATES = {
    "the start": {},
    "a small start": {"k": 4, "n": 3, "seed": 2, "start": "small"},
    "exact copies": {"k": 2, "n": 2},
    "one neuron": {"k": 2, "n": 1},
    "nothing stored": {"activation": "normal_cdf", "k": 2, "n": 1},
}


@cache
def view_of(state):
    if state == "a channel":  # two neurons run off along each other with weights of opposite sign
        here = view_of("the start")
        W, a = here.end.W.copy(), here.end.a.copy()
        W[1], a[0], a[1] = W[0] + 0.01 * W[1], 60.0, -59.0
        return replace(here, end=Network(W, a), point=None, outcome="channel to infinity", levels=here.levels[:1])
    if state == "ten teachers":
        here = view_of("the start")
        teachers = COMPUTATION(
            {one.name: one.default for one in GradientFlow.parameters} | {"k": 10}, until="landscape"
        )
        rng = np.random.default_rng(0)
        end = Network(np.eye(8, 11) + 0.1 * rng.normal(size=(8, 11)), np.ones(8))
        cosines = np.tanh(np.linspace(0, 1, len(here.times))[:, None, None] * 3 * rng.normal(size=(8, 10)))
        return replace(here, n=8, k=10, landscape=teachers, end=end, cosines=cosines)
    return COMPUTATION({one.name: one.default for one in GradientFlow.parameters} | STATES[state]).view


EVERY = (*STATES, "a channel", "ten teachers")


@cache
def sheet(state, theme="projector"):
    """Each state is drawn once."""
    figure = style.new_figure(theme)
    draw(figure, view_of(state))
    return figure


def drawn(state):
    return view_of(state), *sheet(state).axes


# the loss -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_line_is_the_loss_along_the_flow(state):
    view, axes, *_ = drawn(state)
    (path,) = (line for line in axes.get_lines() if line.get_color() == style.STUDENT)
    times, losses = path.get_data()
    assert np.array_equal(times, view.times) and axes.get_xlim() == (times[0], times[-1])
    low, high = axes.get_ylim()
    inside = view.losses > low
    assert np.array_equal(losses[inside], view.losses[inside]) and (losses[~inside] < low).all()
    assert view.losses[0] < high and (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert inside[0] and (state == "exact copies" or inside.all())
    assert_allclose(view.losses[-1], float(view.landscape.value(view.end)), atol=1e-9)


@pytest.mark.parametrize("state", STATES)
def test_the_losses_of_known_critical_points_are_lines_with_their_names(state):
    view, axes, *_ = drawn(state)
    lines = [line for line in axes.get_lines() if line.get_color() == style.TEACHER]
    shown = [(line.get_ydata()[0], line.get_label()) for line in lines]
    assert all(np.ptp(line.get_ydata()) == 0 for line in lines)
    expected = [(level, words) for level, words in view.levels if level > axes.get_ylim()[0]]
    assert shown == expected
    assert len({line.get_linestyle() for line in lines}) == len(lines)
    legend = axes.get_legend()
    assert ([text.get_text() for text in legend.get_texts()] if legend else []) == [words for _, words in expected]
    if "activation" not in STATES[state] and view.n < view.k:
        assert_allclose(
            {words: level for level, words in shown}["copy-average"],
            copy_average_loss((view.k - view.n + 1, *[1] * (view.n - 1))),
        )


def test_plateaus_are_numbered_bands_over_their_times():
    seen = 0
    for state in STATES:
        view, axes, *_ = drawn(state)
        bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
        assert_allclose(np.reshape(bands, (-1, 2)), np.reshape([(p.start, p.end) for p in view.plateaus], (-1, 2)))
        assert [text.get_text() for text in axes.texts] == [str(i + 1) for i in range(len(bands))]
        for (start, end), text, patch in zip(bands, axes.texts, axes.patches):
            assert start < text.get_position()[0] < end
            assert patch.get_y() == 0.0 and patch.get_height() == 1.0
        seen += len(bands)
    assert seen >= 2


def test_the_numbers_of_plateaus_do_not_lie_on_each_other():
    for state in STATES:
        _, axes, *_ = drawn(state)
        boxes = [text.get_window_extent(sheet(state).canvas.get_renderer()) for text in axes.texts]
        assert all(before.x1 < after.x0 for before, after in pairwise(boxes)), state


# the cosines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_cosines_are_those_of_the_students_on_the_path(state):
    view = view_of(state)
    path = COMPUTATION({one.name: one.default for one in GradientFlow.parameters} | STATES[state], until="path")
    n, k = view.n, view.k
    for step in (0, 100, 240):
        student = view.landscape.network(path.students[step])
        for i in range(n):
            w = student.W[i] * (-1 if student.a[i] < 0 and view.landscape.activation.odd else 1)
            assert_allclose(view.cosines[step, i], w[:k] / np.linalg.norm(w), atol=1e-12)


@pytest.mark.parametrize("state", EVERY)
def test_the_strips_are_an_image_of_the_cosines(state):
    view, _, axes, *_ = drawn(state)
    steps, n, k = view.cosines.shape
    (image,) = axes.images
    shown = image.get_array()
    assert shown.shape == (n * k, steps)
    for i in range(n):
        for j in range(k):
            assert np.array_equal(shown[i * k + j], view.cosines[:, i, j])
    assert image.get_clim() == (-1.0, 1.0) and image.get_cmap().name == style.LOSS_MAP
    gaps = np.diff(np.log(view.times))
    assert_allclose(gaps, gaps[0], rtol=1e-6)  # a column for each time on the logarithmic axis
    places = [(i + 0.5) * k for i in range(n)]
    assert list(axes.yaxis.get_major_locator()()) == places
    assert [axes.yaxis.get_major_formatter()(place) for place in places] == [str(i + 1) for i in range(n)]
    assert [line.get_ydata()[0] for line in axes.get_lines()] == [i * k for i in range(1, n)]


def test_on_the_sheet_each_strip_stands_at_its_neuron_and_its_time():
    """The colours that are there, where the axes say they are."""
    view, figure = view_of("the start"), sheet("the start", "screen")
    axes = figure.axes[1]
    figure.canvas.draw()
    colours = np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255
    steps, n, k = view.cosines.shape
    checked = 0
    for step in range(5, steps - 5, 15):
        for i in range(n):
            for j in range(1, k - 1):  # white lines stand between the neurons
                near = view.cosines[step - 2 : step + 3, i, j]
                if np.ptp(near) > 0.02:
                    continue
                x, y = axes.transData.transform((view.times[step], i * k + j + 0.5))
                seen = colours[int(len(colours) - y), int(x)]
                expected = matplotlib.colormaps[style.LOSS_MAP]((view.cosines[step, i, j] + 1) / 2)[:3]
                assert np.abs(seen - expected).max() < 0.03, (step, i, j)
                checked += 1
    assert checked > 50


# the end --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", EVERY)
def test_the_squares_are_the_weights_at_the_end(state):
    view, _, _, weights, outgoing, _ = drawn(state)
    for axes, values in ((weights, view.end.W[:, : view.k]), (outgoing, view.end.a[:, None])):
        sizes = np.sqrt(np.abs(values) / np.abs(values).max())
        signs = np.zeros(values.shape)
        for patch in axes.patches:
            for corners in patch.get_path().to_polygons():
                x, y = np.round((corners.min(axis=0) + corners.max(axis=0)) / 2).astype(int)
                i, j = y - 1, (x - 1 if axes is weights else 0)
                signs[i, j] = 1 if patch.get_facecolor() == to_rgba(style.STUDENT) else -1
                wide, high = np.ptp(axes.transData.transform(corners), axis=0)
                assert abs(wide - high) < 1e-6 * wide
        seen = 0.9 * sizes > 0.02
        assert np.array_equal(signs, np.where(seen, np.sign(values), 0))
    if view.landscape.activation.odd and state != "a channel":
        assert (view.end.a > 0).all()


# the outcomes ---------------------------------------------------------------------------------------------------------


def test_each_square_is_filled_from_below_with_the_stored_shares():
    *_, axes = drawn("the start")
    family = {"copies": "exact copies", "copy-average": "copy-average", "perturbed-n-copy": "n-copy"}
    stored = {}
    for pair, shares in stored_phase_diagram("erf").shares().items():
        stored[pair] = dict.fromkeys(FAMILIES, 0.0)
        for name, share in shares.items():
            stored[pair][family.get(name, "other")] += share
    assert len(stored) > 20
    heights = {pair: dict.fromkeys(FAMILIES, (0.0, 0.0)) for pair in stored}
    for patch in axes.patches:
        if isinstance(patch, PathPatch):
            for corners in patch.get_path().to_polygons():
                (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
                n = round((left + right) / 2)
                k = int(np.floor(low + 0.5))
                assert_allclose([left, right], [n - 0.42, n + 0.42])
                heights[n, k][patch.get_label()] = low, high
    for pair, shares in stored.items():
        bottom = pair[1] - 0.42
        for name in FAMILIES:
            low, high = heights[pair][name]
            assert_allclose((high - low) / 0.84, shares[name], atol=1e-9)
            if shares[name]:
                assert_allclose(low, bottom, atol=1e-9)
                bottom = high
        assert_allclose(bottom, pair[1] + 0.42, atol=1e-9)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [name for name in FAMILIES if any(shares[name] for shares in stored.values())]


@pytest.mark.parametrize("state", EVERY)
def test_the_pair_shown_has_a_black_edge(state):
    view, *_, axes = drawn(state)
    (edge,) = (patch for patch in axes.patches if type(patch) is Rectangle)
    assert (edge.get_x() + 0.5, edge.get_y() + 0.5, edge.get_width(), edge.get_height()) == (view.n, view.k, 1.0, 1.0)
    assert edge.get_edgecolor() == to_rgba(style.CURRENT) and not edge.get_fill()
    low, high = axes.get_xlim()
    assert low < view.n < high and axes.get_ylim()[0] < view.k < axes.get_ylim()[1]


def test_where_no_outcomes_are_stored_the_panel_says_so():
    view, *_, axes = drawn("nothing stored")
    assert not view.cells and [text.get_text() for text in axes.texts] == ["none are stored"]
    assert axes.get_legend() is None
    *_, axes = drawn("the start")
    assert not axes.texts


# words and looks ------------------------------------------------------------------------------------------------------


def test_every_panel_has_a_title_and_labels():
    _, loss, cosines, weights, outgoing, phases = drawn("the start")
    for axes in (loss, cosines, weights, phases):
        assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()
    assert outgoing.get_xlabel() == "a"


@pytest.mark.parametrize("state", EVERY)
def test_the_picture_can_be_read(state):
    for theme in style.THEMES if state in ("the start", "ten teachers") else ("projector",):
        assert faults(sheet(state, theme)) == [], theme


def test_in_greyscale_what_differs_in_colour_differs_otherwise_too():
    for state in ("the start", "a small start"):
        for axes in sheet(state).axes:
            looks = {}
            for found in axes.get_lines():
                colour = to_rgba(found.get_color())
                looks.setdefault((found.get_linestyle(), round(float(luminance(colour[:3])), 1)), set()).add(colour)
            for patch in axes.patches:
                colour = patch.get_facecolor()
                light = round(float(luminance(colour[:3])), 1)
                looks.setdefault(("patch", patch.get_hatch(), light, patch.get_fill()), set()).add(colour)
            assert all(len(colours) == 1 for colours in looks.values()), (state, axes.get_title(), looks)
    filled = [(look.get("hatch"), round(float(luminance(look["facecolor"])), 1)) for look in FAMILIES.values()]
    assert len(set(filled)) == len(FAMILIES)
