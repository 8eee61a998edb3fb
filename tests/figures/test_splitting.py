"""What the picture of a splitting line shows is the spectrum along it, the loss around it and the network, and it can be read."""

from functools import cache

import numpy as np
import pytest
from figure_layout import faults, luminance
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose

from landscape_nb.figures import style
from landscape_nb.figures.splitting import draw, scales, shades
from landscape_nb.labs import Splitting
from landscape_nb.labs.computation import Computation

COMPUTATION = Computation(*Splitting.steps, parameters=tuple(parameter.name for parameter in Splitting.parameters))
STATES = {
    "the start": {},
    "a saddle, the copies apart": {"gamma": 2.0, "apart": -0.6},
    "a silenced neuron": {"gamma": 1.0},
    "with a bias": {"landscape": "two steps, bias", "gamma": -1.0, "apart": 0.5},
    "a plateau outside": {"landscape": "erf", "gamma": -0.4, "apart": 0.3},
    "indefinite": {"landscape": "softplus, orthonormal", "gamma": 2.0},
    "two neurons": {"landscape": "two neurons", "neuron": 2},
    "no rule": {"landscape": "erf, orthonormal", "gamma": 0.25},
    "the steep grid": {"landscape": "grid, steep", "gamma": 3.0, "apart": 1.5},
}
EVERY = pytest.mark.parametrize("state", STATES)


@cache
def view_of(state):
    return COMPUTATION({one.name: one.default for one in Splitting.parameters} | STATES[state]).view


@cache
def sheet(state, theme="projector"):
    """Each state is drawn once."""
    figure = style.new_figure(theme)
    draw(figure, view_of(state))
    return figure


def drawn(state):
    return view_of(state), *sheet(state).axes


def pieces(line):
    """The curves that one line with gaps is made of."""
    x, y = (np.asarray(data, dtype=float) for data in line.get_data())
    ends = np.flatnonzero(np.isnan(x))
    parts = np.split(np.arange(x.size), ends)
    return [(x[part][~np.isnan(x[part])], y[part][~np.isnan(x[part])]) for part in parts if np.isfinite(x[part]).any()]


# the spectrum ---------------------------------------------------------------------------------------------------------


@EVERY
def test_the_curves_are_the_eigenvalues_of_the_hessian(state):
    view, axes, *_ = drawn(state)
    curves = [line for line in axes.get_lines() if line.get_color() == style.STUDENT]
    (lowest,) = (line for line in curves if line.get_linewidth() == 3.0)
    (others,) = (line for line in curves if line.get_linewidth() < 3.0)
    found = [lowest.get_data(), *pieces(others)]
    landscape, line = view.line.landscape, view.line
    assert len(found) == line.network(0.5).theta.size - 1
    for k in (0, 60, 120):
        values = np.linalg.eigvalsh(landscape.hessian(line.network(view.gammas[k])))
        shown = [y[np.argmin(np.abs(x - view.gammas[k]))] for x, y in found]
        assert_allclose(np.sort([*shown, 0.0]), values, atol=1e-12 * values[-1])
        assert shown[0] == min(shown)


@EVERY
def test_dotted_is_the_curvature_of_the_pure_splitting_directions(state):
    view, axes, *_ = drawn(state)
    (dotted,) = (line for line in axes.get_lines() if line.get_linestyle() == ":")
    values = np.linalg.eigvalsh(view.line.B)
    curves = pieces(dotted)
    assert len(curves) == values.size
    for (x, y), value in zip(curves, values):
        assert_allclose(y, x * (1 - x) / (x**2 + (1 - x) ** 2) * value, atol=1e-12)


@EVERY
def test_the_band_is_the_plateau_and_the_line_stands_at_gamma(state):
    view, axes, surface, *_ = drawn(state)
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    low, high = view.gammas[[0, -1]]
    expected = [(max(start, low), min(end, high)) for start, end in view.plateaus or ()]
    assert bands == expected
    for gamma in (-1.5, 0.5, 2.5):
        inside = any(start < gamma < end for start, end in bands)
        if view.plateaus is not None:
            assert inside == (np.linalg.eigvalsh(view.line.landscape.hessian(view.line.network(gamma)))[0] > -1e-9)
    for panel in (axes, surface):
        upright = [
            line for line in panel.get_lines() if line.get_color() == style.CURRENT and line.get_linestyle() == "-"
        ]
        assert any(np.array_equal(line.get_xdata(), [view.gamma, view.gamma]) for line in upright)
        (ends,) = (
            line for line in panel.get_lines() if line.get_linestyle() == "--" and line.get_color() == style.ZERO_MODE
        )
        assert {x for x in np.asarray(ends.get_xdata(), dtype=float) if np.isfinite(x)} == {0.0, 1.0}
    (marks,) = (line for line in axes.get_lines() if line.get_marker() == "o" and line.get_linestyle() == "None")
    assert_allclose(np.sort(marks.get_ydata()), view.here, atol=1e-15)
    assert set(marks.get_xdata()) == {view.gamma}
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["lowest", "others", "pure splitting", "the line: 0", *(["plateau"] if bands else [])]


@EVERY
def test_all_eigenvalues_lie_within_the_axis_and_zero_has_a_tick(state):
    view, axes, *_ = drawn(state)
    low, high = axes.get_ylim()
    assert low < min(view.spectra.min(), view.pure.min()) and view.spectra.max() < high
    assert axes.get_yscale() == "symlog" and 0.0 in axes.get_yticks()


# the loss around the line ---------------------------------------------------------------------------------------------


@EVERY
def test_the_colours_are_the_loss_around_the_line(state):
    view, _, axes, *_ = drawn(state)
    (image,) = axes.images
    surface = view.surface
    assert np.array_equal(image.get_array(), shades(surface.rises))
    assert image.get_extent() == [surface.gammas[0], surface.gammas[-1], surface.steps[0], surface.steps[-1]]
    line, student = view.line, view.line.student
    i, d, p = line.neuron, student.d, student.n + 1
    for row, column in ((2, 9), (20, 44)):
        gamma, length = surface.gammas[column], surface.steps[row] * np.linalg.norm(student.W[i])
        theta = line.network(gamma).theta
        unit = surface.delta / np.linalg.norm(surface.delta)
        way = np.zeros(theta.size)
        way[i * d : i * d + d], way[i * d + d : i * d + 2 * d] = (1 - gamma) * unit, -gamma * unit
        moved = theta + length * way / np.linalg.norm(way)
        assert theta.size == p * d + p
        assert_allclose(surface.rises[row, column], line.landscape.value(moved) - line.original.loss, atol=1e-12)


def test_shades_tell_below_from_above_and_deep_from_shallow():
    rises = np.array([[-4.0, -1.0, -0.01], [0.0, 0.01, 9.0]])
    shown = shades(rises)
    assert (shown[rises < 0] < 0.5).all() and (shown[rises > 0] > 0.5).all() and shown[1, 0] == 0.5
    assert (
        np.array_equal(np.argsort(shown.ravel()), np.argsort(rises.ravel())) and shown.min() >= 0 and shown.max() <= 1
    )
    assert_allclose(scales(rises), [np.quantile([4, 1, 0.01], 0.9), np.quantile([0.01, 9.0], 0.9)])
    assert (shades(np.array([[0.5, 1.0]])) > 0.5).all()


@EVERY
def test_the_thick_part_of_the_line_are_minima_and_the_mark_is_the_point(state):
    view, _, axes, *_ = drawn(state)
    thick = [line.get_xdata() for line in axes.get_lines() if line.get_linewidth() == 5.0]
    low, high = view.gammas[[0, -1]]
    assert [tuple(x) for x in thick] == [(max(start, low), min(end, high)) for start, end in view.plateaus or ()]
    marks = [line for line in axes.get_lines() if line.get_marker() in ("o", "D", "s")]
    (mark,) = marks
    assert mark.get_xydata().tolist() == [[view.gamma, 0.0]]
    words = [text.get_text() for text in axes.texts]
    assert words == ([] if view.point.kind == "minimum" else [str(view.point.index)])
    crosses = [line.get_xydata().tolist() for line in axes.get_lines() if line.get_marker() == "X"]
    assert crosses == ([[[view.gamma, view.apart]]] if view.apart else [])


@EVERY
def test_the_black_contour_is_where_the_loss_is_that_of_the_line(state):
    view, _, axes, *_ = drawn(state)
    (black,) = (line for line in axes.get_lines() if line.get_color() == style.CURRENT and line.get_linewidth() == 1.8)
    surface = view.surface
    scale = np.abs(surface.rises).max()
    for x, y in pieces(black):
        for gamma, step in list(zip(x, y))[:: max(1, len(x) // 10)]:
            theta = view.line.moved(gamma, surface.delta, step / np.hypot(gamma, 1 - gamma))
            rise = float(view.line.landscape.value(theta)) - view.line.original.loss
            assert abs(rise) <= 0.03 * scale
        if state == "a plateau outside":  # beyond it nothing near the line is lower
            assert (x > -0.02).all() and (x < 1.02).all()


# the profile ----------------------------------------------------------------------------------------------------------


@EVERY
def test_the_profile_is_the_loss_along_the_lowest_direction(state):
    view, _, _, axes, _ = drawn(state)
    drawn_lines = {line.get_label(): line.get_data() for line in axes.get_lines()}
    value, way = view.escape
    theta = view.line.network(view.gamma).theta
    x, y = drawn_lines["this γ"]
    for k in (3, 30, 70):
        rise = float(view.line.landscape.value(theta + x[k] * way)) - view.line.original.loss
        assert_allclose(y[k], rise, atol=1e-12)
    x, y = drawn_lines["second order"]
    assert_allclose(y, 0.5 * value * x**2, atol=1e-15)
    assert_allclose(value, min(view.here), atol=1e-10)
    assert f"γ = {view.middle:g}" in drawn_lines
    low, high = axes.get_ylim()
    assert low < view.profile.min() and view.profile.max() < high
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        f"γ = {view.middle:g}",
        "this γ",
        "second order",
    ]


# the network ----------------------------------------------------------------------------------------------------------


@EVERY
def test_one_input_shows_functions_and_two_show_weight_vectors(state):
    view, *_, axes = drawn(state)
    if view.curve is not None:
        assert axes.get_title() == "Target and network"
        shown = {line.get_label(): line.get_data() for line in axes.get_lines()}
        assert shown.keys() == {"target", "network", *(["copies apart"] if view.apart else [])}
        assert np.array_equal(shown["target"][1], view.curve.target)
        assert np.array_equal(shown["network"][1], view.curve.output)
        return
    assert axes.get_title() == "Weight vectors"
    shown = {line.get_label(): line.get_xydata() for line in axes.get_lines()}
    assert_allclose(shown["teacher"], view.teacher.W)
    assert_allclose(shown["split neuron"], view.line.student.W[[view.line.neuron]])
    assert ("other student" in shown) == (view.line.student.n > 1)
    if view.apart:
        assert_allclose(shown["copies"], view.copies)
    else:
        arrows = [note for note in axes.texts if note.arrow_patch is not None]
        d, first = view.line.student.d, view.line.neuron * view.line.student.d
        along = view.escape[1][first : first + 2 * d].reshape(2, d)
        tips = np.array([note.xy for note in arrows]) - view.line.student.W[view.line.neuron]
        assert len(arrows) == 2
        assert_allclose(tips[0, 0] * along[:, 1], along[0, 0] * tips[:, 1], atol=1e-12)
    low, high = axes.get_xlim()
    assert (np.abs(np.concatenate(list(shown.values()))) <= max(high, -low)).all()


# words and looks ------------------------------------------------------------------------------------------------------


def test_every_panel_has_a_title_and_labels():
    for state in ("the start", "two neurons"):
        for axes in sheet(state).axes:
            assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()


@EVERY
def test_the_picture_can_be_read(state):
    for theme in style.THEMES if state in ("the start", "two neurons") else ("projector",):
        assert faults(sheet(state, theme)) == [], theme


def test_in_greyscale_what_differs_in_colour_differs_otherwise_too():
    for state in ("the start", "two neurons", "a plateau outside"):
        for axes in sheet(state).axes:
            looks = {}
            for found in axes.get_lines():
                colour = to_rgba(found.get_color())
                look = (
                    found.get_linestyle(),
                    found.get_marker(),
                    found.get_linewidth(),
                    round(float(luminance(colour[:3])), 1),
                )
                looks.setdefault(look, set()).add(colour)
            assert all(len(colours) == 1 for colours in looks.values()), (state, axes.get_title(), looks)
