"""What the picture of copy-average points shows is what the library computes, and it can be read."""

from functools import cache
from itertools import combinations, pairwise

import numpy as np
import pytest
from figure_layout import faults, luminance
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.copy_average import copy_average_loss, threshold
from landscape_nb.closed_forms.perturbed_copy import crossings, perturbed_copy
from landscape_nb.figures import style
from landscape_nb.figures.copy_or_average import draw, draw_weights, lettered
from landscape_nb.labs import CopyOrAverage
from landscape_nb.labs.computation import Computation
from landscape_nb.networks import Network, orthonormal_teacher

COMPUTATION = Computation(
    *CopyOrAverage.steps, parameters=tuple(parameter.name for parameter in CopyOrAverage.parameters)
)
STATES = {
    "the start": {},
    "every neuron leans": {"family": "n-copy", "k": 8, "n": 5},
    "exact copies": {"n": 5},
    "one neuron": {"k": 2, "n": 1},
    "many partitions": {"k": 12, "n": 4, "partition": 15},
    "relu": {"activation": "relu", "n": 3},
    "a saddle of cos": {"activation": "cos", "n": 2, "partition": 2},
    "large numbers": {"activation": "exp", "k": 6, "n": 2, "partition": 3},
    "fifty teachers": {"k": 50, "n": 25},
    "fifty teachers, every neuron leans": {"k": 50, "n": 25, "family": "n-copy"},
}
WEIGHTS, OUTGOING, LOSSES, BRANCHES, BLOCKS = range(5)


def computed(**values):
    return COMPUTATION({one.name: one.default for one in CopyOrAverage.parameters} | values).view


@cache
def view_of(state):
    return computed(**STATES[state])


@cache
def sheet(state, theme="projector"):
    """Each state is drawn once."""
    figure = style.new_figure(theme)
    draw(figure, view_of(state))
    return figure


def drawn(state):
    return view_of(state), *sheet(state).axes


def line(axes, label):
    return next(line for line in axes.get_lines() if line.get_label() == label)


def rings(axes):
    """Where the point shown is ringed."""
    return [
        tuple(at)
        for line in axes.get_lines()
        for at in line.get_xydata()
        if line.get_markersize() == 14 and line.get_markerfacecolor() == "none"
    ]


def squares(axes):
    """{middle: (width and height in pixels, patch)} of all squares."""
    found = {}
    for patch in axes.patches:
        for corners in patch.get_path().to_polygons():
            middle = tuple(np.round((corners.min(axis=0) + corners.max(axis=0)) / 2, 6))
            assert middle not in found, f"two squares at {middle}"
            found[middle] = np.ptp(axes.transData.transform(corners), axis=0), patch
    return found


def check_squares(axes, values, places):
    """Areas in proportion to the sizes of the values, down to those that could not be seen."""
    found = squares(axes)
    largest = max(sides[0] for sides, _ in found.values())
    ratios = np.abs(values) / np.abs(values).max()
    for value, ratio, place in zip(values, ratios, places):
        if 0.9 * np.sqrt(ratio) <= 0.02:
            assert tuple(place) not in found
            continue
        (width, height), patch = found.pop(tuple(place))
        assert abs(width - height) < 1e-6 * width
        area = (0.2 / 0.9) ** 2 if 0.9 * np.sqrt(ratio) < 0.2 else ratio
        assert abs((width / largest) ** 2 - area) < 1e-6 * area
        assert patch.get_facecolor() == to_rgba(style.STUDENT if value > 0 else "white")
        assert patch.get_edgecolor()[3] == (0.0 if value > 0 else 1.0)
        assert value > 0 or patch.get_edgecolor() == to_rgba(style.STUDENT)
    assert not found, f"there is nothing to show at {list(found)}"


# the weights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_squares_are_the_weights(state):
    view, weights, outgoing, *_ = drawn(state)
    student, k = view.point.student, view.k
    rows, columns = np.indices((view.n, k))
    check_squares(weights, student.W[:, :k].ravel(), np.column_stack([columns.ravel() + 1, rows.ravel() + 1]))
    check_squares(outgoing, student.a, np.column_stack([np.zeros(view.n), np.arange(view.n) + 1]))
    low, high = sorted(weights.get_ylim())
    assert low < 1 < view.n < high or view.n == 1
    assert weights.get_ylim()[0] > weights.get_ylim()[1], "the first neuron is the upper one"
    assert weights.get_ylim() == outgoing.get_ylim()


def test_no_square_reaches_into_the_next_one():
    for state in STATES:
        _, weights, *_ = drawn(state)
        column, row = (
            abs(np.diff(weights.transData.transform([[1.0, 1.0], [2.0, 2.0]]), axis=0)[0][axis]) for axis in (0, 1)
        )
        assert all(sides.max() <= 0.9 * min(column, row) + 1e-6 for sides, _ in squares(weights).values())


def test_how_much_of_a_teacher_is_in_a_neuron_counts_in_units_of_the_teacher():
    """A neuron that is a teacher has a full square, however long the teacher is; its other squares follow from the angles."""
    figure = style.new_figure()
    draw(figure, view_of("the start"))
    weights, outgoing = figure.axes[WEIGHTS], figure.axes[OUTGOING]
    for axes in (weights, outgoing):
        style.wipe(axes)
    teacher = Network([[2.0, 0.0], [0.0, 0.5]], [1.0, 1.0])
    with style.drawing():
        draw_weights(weights, outgoing, Network([[2.0, 0.0], [-1.0, 0.5]], [1.0, -0.25]), teacher)
    check_squares(weights, np.array([1.0, 0.0, -0.5, 1.0]), [(1, 1), (2, 1), (1, 2), (2, 2)])
    check_squares(outgoing, np.array([1.0, -0.25]), [(0, 1), (0, 2)])


# the partitions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_losses_of_all_partitions_stand_by_rank_and_the_one_shown_is_ringed(state):
    view = drawn(state)[0]
    losses = sheet(state).axes[LOSSES]
    ranks, heights = line(losses, "partitions").get_data()
    assert np.array_equal(ranks, np.arange(1, len(view.types) + 1))
    name = view.point.landscape.activation.name
    if name == "erf":
        sizes = np.array(view.types, dtype=float)
        assert_allclose(
            heights, (sizes / 3 - 2 / np.pi * sizes**2 * np.arcsin(1 / (2 * sizes))).sum(axis=1), atol=1e-12
        )
    elif name != "relu":
        assert_allclose(heights, [copy_average_loss(sizes, ACTIVATIONS[name]) for sizes in view.types], rtol=1e-12)
    assert (np.diff(heights) >= 0).all()
    if view.sizes is None:
        assert rings(losses) == []
    else:
        assert view.types[view.rank] == view.sizes
        assert rings(losses) == [(view.rank + 1, heights[view.rank])]
        assert_allclose(heights[view.rank], view.point.loss, atol=1e-11)
    other = view.other if view.sizes else view.point
    dashed = [found for found in losses.get_lines() if found.get_linestyle() == "--"]
    assert len(dashed) == (other is not None)
    if dashed:
        assert_allclose(dashed[0].get_ydata(), other.loss)
        assert dashed[0].get_label() == other.name
    low, high = losses.get_ylim()
    for found in losses.get_lines():
        assert (found.get_ydata() >= low).all() and (found.get_ydata() <= high).all()


# along n --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["the start", "many partitions", "relu", "fifty teachers"])
def test_both_families_stand_along_n_as_ratios_filled_where_they_are_minima(state):
    view = drawn(state)[0]
    axes, k, activation = sheet(state).axes[BRANCHES], view.k, view.point.landscape.activation
    ns, ratios = line(axes, "copy-average").get_data()
    assert np.array_equal(ns, np.arange(1, k)) and np.array_equal(ratios, np.ones(k - 1))
    ns, ratios = line(axes, "n-copy").get_data()
    teacher = orthonormal_teacher(k, k)
    copies = {int(n): perturbed_copy(activation, teacher, int(n)) for n in ns}
    average = dict(zip(view.branches[0].n.tolist(), view.branches[0].losses.tolist()))
    for n, ratio in zip(ns, ratios):
        base = copy_average_loss((k - n + 1, *[1] * (n - 1))) if activation.name == "erf" else average[n]
        assert_allclose(ratio, copies[n].loss / base, rtol=1e-9)
    minima = {("n-copy", n): point.index == 0 for n, point in copies.items()}
    if activation.name == "erf":
        minima |= {("copy-average", n): n < threshold(k - n + 1) for n in range(1, k)}
    else:
        minima |= {("copy-average", n): view.branches[0].minimum[n - 1] for n in range(1, k)}
    seen = {}
    for found in axes.get_lines():
        if found.get_linestyle() == "None" and found.get_markersize() < 14:
            looks = {(style.TEACHER, "o"): "copy-average", (style.STUDENT, "s"): "n-copy"}
            family = looks.get((found.get_markeredgecolor(), found.get_marker()))
            for n in found.get_xdata():
                assert family is not None and (family, n) not in seen
                seen[family, n] = found.get_markerfacecolor() != "white"
    assert seen == minima
    here = average[view.n]
    ((x, y),) = rings(axes)
    assert x == view.n
    assert_allclose(y, view.point.loss / here, rtol=1e-12)
    low, high = axes.get_ylim()
    assert low < ratios.min() and high > ratios.max() and low < 1 < high and low < y < high


def test_the_bifurcations_are_numbered_lines_where_they_are():
    view = drawn("many partitions")[0]
    axes, found = sheet("many partitions").axes[BRANCHES], crossings(12)
    expected = {
        found.average_minimum_up_to + 0.5,
        found.perturbed_minimum_from - 0.5,
        found.perturbed_below_from - 0.5,
    }
    upright = [one for one in axes.get_lines() if len(one.get_xdata()) == 2 and np.ptp(one.get_xdata()) == 0]
    assert {one.get_xdata()[0] for one in upright} == expected
    assert all(list(one.get_ydata()) == [0, 1] for one in upright)
    numbers = {}
    for text in axes.texts:
        for number in text.get_text().split(", "):
            numbers[int(number)] = text.get_position()[0]
    assert [numbers[i] for i in sorted(numbers)] == [n for n, _ in view.marks]


@pytest.mark.parametrize("theme", style.THEMES)
def test_the_numbers_of_the_bifurcations_do_not_lie_on_each_other(theme):
    figure, several = style.new_figure(theme), 0
    for k in (5, 8, 10, 12, 50):
        draw(figure, computed(k=k, n=2))
        renderer = figure.canvas.get_renderer()
        boxes = [text.get_window_extent(renderer) for text in figure.axes[BRANCHES].texts]
        several += len(boxes) > 1
        for first, second in combinations(boxes, 2):
            assert not first.overlaps(second), f"k = {k}"
    assert several > 3


# the spectrum ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_marks_of_each_block_are_its_eigenvalues(state):
    view = drawn(state)[0]
    axes, named = sheet(state).axes[BLOCKS], lettered(view)[:12]
    shown = []
    for found in axes.get_lines():
        if found.get_linestyle() == "None":
            sign = {"o": 1, "v": -1, "s": 0}[found.get_marker()]
            face = {1: style.STUDENT, -1: style.TEACHER, 0: "white"}[sign]
            assert found.get_markerfacecolor() == face
            shown += [(x, y, sign) for x, y in found.get_xydata()]
    expected = [
        (place, value, int(np.sign(value)))
        for place, (_, block) in enumerate(named, start=1)
        for value in block.eigenvalues
    ]
    assert sorted(shown) == sorted(expected)
    names = axes.xaxis.get_major_formatter()
    assert [names(place) for place in range(1, len(named) + 1)] == [letter for letter, _ in named]
    low, high = axes.get_ylim()
    assert all(low < value < high for _, value, _ in shown)
    assert all(round(min(a.eigenvalues), 9) <= round(min(b.eigenvalues), 9) for (_, a), (_, b) in pairwise(named))


@pytest.mark.parametrize("state", ["the start", "every neuron leans", "one neuron", "a saddle of cos", "large numbers"])
def test_the_blocks_repeated_are_the_spectrum_of_the_full_hessian(state):
    view = view_of(state)
    values = np.linalg.eigvalsh(view.point.landscape.hessian(view.point.student))
    found = np.sort(np.concatenate([np.tile(block.eigenvalues, block.multiplicity) for _, block in lettered(view)]))
    assert_allclose(found, values, atol=1e-10 * np.abs(values).max())


# words and looks ------------------------------------------------------------------------------------------------------


def test_every_panel_has_a_title_and_labels():
    _, weights, outgoing, *others = drawn("the start")
    for axes in (weights, *others):
        assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()
    assert outgoing.get_xlabel() == "a"


@pytest.mark.parametrize("state", STATES)
def test_the_picture_can_be_read(state):
    for theme in style.THEMES if state in ("the start", "fifty teachers") else ("projector",):
        assert faults(sheet(state, theme)) == [], theme


def test_in_greyscale_what_differs_in_colour_differs_otherwise_too():
    for state in ("every neuron leans", "many partitions", "a saddle of cos"):
        for axes in sheet(state).axes:
            looks = {}
            for found in axes.get_lines():
                alone = found.get_linestyle() == "None"
                colour = to_rgba(found.get_markerfacecolor() if alone else found.get_color())
                light = round(float(luminance(colour[:3])), 1)
                upright = not alone and np.ptp(found.get_xdata()) == 0  # a bifurcation, with its number
                look = found.get_linestyle(), found.get_marker(), light, colour[3], upright
                looks.setdefault(look, set()).add(colour)
            for patch in axes.patches:
                colour = patch.get_facecolor()
                looks.setdefault(("patch", round(float(luminance(colour[:3])), 1)), set()).add(colour)
            assert all(len(colours) == 1 for colours in looks.values()), (state, axes.get_title(), looks)
