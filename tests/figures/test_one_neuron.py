"""What the picture of a one-neuron landscape shows is what the library computes, and it can be read."""

import numpy as np
import pytest
from figure_layout import bars, faults
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose
from scipy.interpolate import RegularGridInterpolator

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron import one_neuron_points
from landscape_nb.figures import style
from landscape_nb.figures.one_neuron import draw, one_neuron_view, place
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, equicorrelated_teacher, orthonormal_teacher
from landscape_nb.slices import best_weight


@pytest.fixture(scope="module")
def figure():
    return style.new_figure()


@pytest.fixture(scope="module")
def projected():
    return style.new_figure("projector")


def view_of(name, teacher, chosen=0):
    landscape = PopulationLandscape(ACTIVATIONS[name], teacher)
    points = one_neuron_points(ACTIVATIONS[name], teacher)
    return one_neuron_view(landscape, points, min(chosen, max(len(points) - 1, 0)))


def drawn(figure, name, teacher, chosen=0):
    view = view_of(name, teacher, chosen)
    draw(figure, view)
    return view, *figure.axes


def line(axes, label):
    return next(line for line in axes.get_lines() if line.get_label() == label)


def markers(axes):
    """{(x, y): Line2D} of the marks of single points."""
    return {
        tuple(np.round(line.get_xydata()[0], 9)): line
        for line in axes.get_lines()
        if len(line.get_xdata()) == 1 and line.get_marker() in "osDx"
    }


# the plane ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["erf", "relu", "cos", "gelu", "tanh"])
def test_the_surface_is_the_loss_at_the_best_weight(name, figure):
    view, plane, *_ = drawn(figure, name, orthonormal_teacher(3, 4))
    assert view.surface.shape == (81, 81) and view.x[0] == -view.x[-1] and view.y[0] == view.x[0]
    rng = np.random.default_rng(0)
    for i, j in rng.integers(0, 81, size=(12, 2)):
        if i == j == 40:
            continue
        w = view.x[j] * view.plane.along + view.y[i] * view.plane.across
        losses = [float(view.landscape.value(np.append(w, a))) for a in (-1.0, 0.0, 1.0)]
        curve, slope = 0.5 * (losses[0] + losses[2]) - losses[1], 0.5 * (losses[2] - losses[0])
        assert_allclose(view.surface[i, j], losses[1] - slope**2 / (4 * curve), atol=1e-9)
    (image,) = plane.images
    shade = image.get_array()
    lowest = min(np.nanmin(view.surface), view.points[0].loss)
    assert_allclose(
        shade.filled(np.nan), np.sqrt(np.maximum(view.surface - lowest, 0) / (np.nanmax(view.surface) - lowest))
    )
    assert image.get_extent() == [view.x[0], view.x[-1], view.y[0], view.y[-1]] and image.origin == "lower"
    assert image.get_cmap().name == style.LOSS_MAP


def test_the_contour_levels_crowd_at_the_minimum(figure):
    view, plane, *_ = drawn(figure, "erf", orthonormal_teacher(3, 4))
    (lines,) = (line for line in plane.lines if line.get_color() == "white")
    surface = RegularGridInterpolator((view.y, view.x), view.surface)
    points = np.column_stack([lines.get_ydata(), lines.get_xdata()])
    gaps = np.isnan(points[:, 0])
    pieces = [piece[~np.isnan(piece[:, 0])] for piece in np.split(points, np.flatnonzero(gaps))]
    heights = [surface(piece) for piece in pieces if len(piece)]
    width = np.diff([np.nanmin(view.surface), np.nanmax(view.surface)])[0]
    middles = np.array([np.nanmedian(height) for height in heights])  # where a piece passes by w = 0 the surface ends
    assert all(np.nanmax(np.abs(height - middle)) < 2e-3 * width for height, middle in zip(heights, middles))
    levels = np.unique(np.round(middles, 6))
    assert len(levels) == 20
    assert np.all(np.diff(levels) > 0) and np.all(np.diff(levels, 2) > 0)
    assert view.points[0].loss < levels[0] < levels[-1] < np.nanmax(view.surface)


@pytest.mark.parametrize(
    "name, k, d", [("erf", 3, 4), ("cos", 4, 4), ("exp", 3, 4), ("gaussian", 3, 3), ("relu", 3, 4)]
)
def test_every_critical_point_is_marked_where_it_is_with_its_index(name, k, d, figure):
    view, plane, *_ = drawn(figure, name, orthonormal_teacher(k, d))
    marks = markers(plane)
    labels = {tuple(np.round(text.xy, 9)): text.get_text() for text in plane.texts}
    for i, point in enumerate(view.points):
        x, y, inside = place(view, point)
        at = (round(x, 9) + 0.0, round(y, 9) + 0.0)
        assert at in marks, f"{point.name} is not marked"
        if not inside:
            continue
        if point.kind == "minimum":
            assert marks[at].get_markerfacecolor() == style.STUDENT
        elif point.kind == "saddle":
            assert marks[at].get_markerfacecolor() == "white" and labels[at] == str(point.index)
        assert (marks[at].get_markeredgecolor() == style.CURRENT) == (i == view.chosen)
        if point.student.a[0] != 0:
            found, _ = best_weight(view.landscape, np.array(x), np.array(y), view.plane)
            assert_allclose(found, point.loss, atol=1e-9 * view.landscape.constant)


def test_the_mirror_image_of_a_point_is_marked_where_the_activation_is_odd_or_even(figure):
    view, plane, *_ = drawn(figure, "erf", orthonormal_teacher(2, 3))
    r = 1 / np.sqrt(3)
    marks = markers(plane)
    assert (round(r, 9), 0.0) in marks and (round(-r, 9), 0.0) in marks
    view, plane, *_ = drawn(figure, "normal_cdf", orthonormal_teacher(2, 3))
    x = round(float(np.linalg.norm(view.points[0].student.W)), 9)
    assert (x, 0.0) in markers(plane) and (-x, 0.0) not in markers(plane)


def test_points_outside_the_plane_are_crosses_at_their_distance_from_its_axis(figure):
    teacher = equicorrelated_teacher(3, 4, 0.0, 3.0, [1.0, 1.4, 1.8])
    view, plane, *_ = drawn(figure, "cos", teacher)
    outside = [point for point in view.points if not place(view, point)[2]]
    assert outside
    crosses = [at for at, mark in markers(plane).items() if mark.get_marker() == "x"]
    assert len(crosses) == len(outside)
    for point in outside:
        w = point.student.W[0]
        x = w @ view.plane.along
        assert (round(x, 9), round(float(np.sqrt(w @ w - x * x)), 9)) in [tuple(np.round(at, 9)) for at in crosses]


def test_half_lines_are_drawn_where_only_the_direction_counts(figure):
    _, plane, *_ = drawn(figure, "relu", orthonormal_teacher(3, 4))
    lines = [line.get_xydata() for line in plane.get_lines() if line.get_linestyle() == "-"]
    rays = [ends for ends in lines if len(ends) == 2 and not ends[0].any()]
    assert len(rays) == 2
    assert all((ray[0] == 0).all() and abs(ray[1][1]) < 1e-9 for ray in rays)
    assert sorted(np.sign(ray[1][0]) for ray in rays) == [-1, 1]


def test_the_teachers_stand_at_their_projections(figure):
    teacher = equicorrelated_teacher(3, 4, 0.2, 1.3)
    view, plane, *_ = drawn(figure, "erf", teacher)
    shown = line(plane, "teacher (projected)").get_xydata()
    expected = np.column_stack([teacher.W @ view.plane.along, teacher.W @ view.plane.across])
    assert len(shown) == 2  # the second and the third fall on one place
    for at in expected:
        assert np.abs(shown - at).sum(axis=1).min() < 1e-8


def test_the_infimum_at_infinity_is_pointed_at(figure):
    view, plane, profile, _ = drawn(figure, "gelu", orthonormal_teacher(3, 4))
    assert "infimum at ∞" in [text.get_text() for text in plane.texts]
    limit = next(line for line in profile.get_lines() if str(line.get_label()).startswith("limit "))
    assert_allclose(limit.get_ydata(), view.points.infimum.loss)
    assert_allclose(float(limit.get_label().split()[1]), view.points.infimum.loss, rtol=1e-4)
    assert limit.get_linestyle() == "--"
    assert view.profile[-1] > view.points.infimum.loss
    assert_allclose(view.profile[-1], view.points.infimum.loss, rtol=2e-2)
    assert np.all(np.diff(view.profile[-20:]) < 0)


def test_in_one_dimension_the_plane_is_a_curve(figure):
    view, plane, *_ = drawn(figure, "erf", orthonormal_teacher(1, 1))
    assert view.surface.shape == (1, 81)
    curve = plane.get_lines()[0]
    assert_allclose(curve.get_ydata(), view.surface[0])
    assert plane.get_ylabel() == "loss" and not plane.images
    at = markers(plane)
    assert (1.0, 0.0) in at and (-1.0, 0.0) in at  # the teacher and its mirror image, loss 0


# the profile ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["erf", "exp", "sigmoid", "square"])
def test_the_profile_is_the_best_weight_along_the_point_shown(name, figure):
    view, _, profile, _ = drawn(figure, name, orthonormal_teacher(2, 3))
    norms, losses = profile.get_lines()[0].get_data()
    w = view.point.student.W[0] / np.linalg.norm(view.point.student.W[0])
    seen = np.isfinite(losses)
    for i in np.flatnonzero(seen)[::15]:
        values = [float(view.landscape.value(np.append(norms[i] * w, a))) for a in (-1.0, 0.0, 1.0)]
        curve, slope = 0.5 * (values[0] + values[2]) - values[1], 0.5 * (values[2] - values[0])
        scale = max(values)
        assert_allclose(losses[i], values[1] - slope**2 / (4 * curve), atol=1e-9 * max(1, scale))
    assert profile.get_xscale() == "log"
    assert view.point.loss <= np.nanmin(losses) + 1e-9 * view.landscape.constant


@pytest.mark.parametrize("name, chosen", [("erf", 0), ("cos", 1), ("gaussian", 2), ("tanh", 0)])
def test_the_point_shown_is_marked_on_its_profile(name, chosen, figure):
    view, _, profile, _ = drawn(figure, name, orthonormal_teacher(3, 4), chosen)
    norm = float(np.linalg.norm(view.point.student.W))
    ((x, y),) = markers(profile)
    assert_allclose([x, y], [norm, view.point.loss], atol=2e-9)
    assert_allclose(np.interp(norm, view.norms, view.profile), view.point.loss, rtol=5e-3)
    texts = [text.get_text() for text in profile.texts]
    assert texts == ([] if view.point.kind == "minimum" else [str(view.point.index)])


def test_a_half_line_is_a_line_in_the_profile(figure):
    view, _, profile, _ = drawn(figure, "relu", orthonormal_teacher(3, 4))
    assert_allclose(line(profile, "half-line of critical points").get_ydata(), view.point.loss)
    assert_allclose(view.profile, view.point.loss, rtol=1e-9)
    assert not markers(profile)


def test_a_flat_profile_is_drawn_flat_and_not_as_rounding_noise(figure):
    view, _, profile, _ = drawn(figure, "relu", orthonormal_teacher(1, 1))
    low, high = profile.get_ylim()
    assert high - low > 1e-3 * view.landscape.constant
    assert np.ptp(view.profile) < 1e-9


# the spectrum ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, k, d, chosen",
    [("erf", 3, 4, 0), ("erf", 3, 4, 1), ("erf", 10, 12, 0), ("relu", 3, 4, 1), ("cos", 4, 6, 2), ("square", 2, 3, 0)],
)
def test_the_bars_are_the_eigenvalues_and_zero_modes_are_hatched_and_named(name, k, d, chosen, figure):
    view, _, _, spectrum = drawn(figure, name, orthonormal_teacher(k, d), chosen)
    point = view.point
    shown = bars(spectrum)
    assert_allclose([place for place, *_ in shown], np.arange(1, d + 2))
    values = np.linalg.eigvalsh(view.landscape.hessian(point.student))
    largest = np.abs(values).max()
    for (_, bottom, top, bar), value in zip(shown, values):
        if abs(value) <= 1e-13 * largest:
            assert bar.get_hatch() == "////" and bar.get_facecolor() == to_rgba("white")
            assert bottom < 0 < top
        else:
            assert_allclose((bottom, top), (0, value), rtol=1e-6, atol=1e-8 * largest)
            assert bar.get_hatch() == (None if value > 0 else "..")  # told apart without colour
            assert bar.get_facecolor() == to_rgba(style.STUDENT if value > 0 else style.TEACHER)
    hatches = [bar.get_hatch() for *_, bar in shown]
    assert (hatches.count(".."), hatches.count("////")) == (point.index, point.nullity)
    legend = spectrum.get_legend()
    assert (legend is not None) == (point.nullity > 0)
    if legend is not None:
        words = legend.get_texts()[0].get_text()
        assert all(f"{mode} ({count})" in words for mode, count in point.zero_modes.items())
    low, high = spectrum.get_ylim()
    assert low <= min(values.min(), 0) and high >= values.max()


def test_without_a_finite_critical_point_the_panel_says_so(figure):
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(2, 3))
    from landscape_nb.search import OneNeuronPoints

    view = one_neuron_view(landscape, OneNeuronPoints([], remark="none"))
    assert view.point is None
    draw(figure, view)
    assert [text.get_text() for text in figure.axes[2].texts] == ["no finite critical point"]
    assert faults(figure) == []


# words ----------------------------------------------------------------------------------------------------------------


def test_every_panel_has_title_and_labels_and_the_plane_a_legend(figure):
    _, *panels = drawn(figure, "erf", orthonormal_teacher(3, 4))
    assert len(panels) == 3
    for panel in panels:
        assert panel.get_title() and panel.get_xlabel() and panel.get_ylabel()
    words = [text.get_text() for text in panels[0].get_legend().get_texts()]
    assert words == ["teacher (projected)", "minimum", "saddle (its index)", "point shown"]


STATES = {
    "start": (orthonormal_teacher(3, 4), 0),
    "smallest": (orthonormal_teacher(1, 1), 0),
    "largest": (orthonormal_teacher(10, 12), 1),
    "parallel": (equicorrelated_teacher(3, 4, 1.0), 0),
    "opposite": (equicorrelated_teacher(2, 4, -1.0, 3.0, [1.0, 1.5]), 1),
    "weights that differ": (equicorrelated_teacher(3, 4, 0.0, 0.2, [1.0, 2.0, 3.0]), 2),
}
# the wide and the narrow numbers, a cone, an infimum at infinity, many points, no points
ALL_STATES = ("erf", "relu", "exp", "gelu", "cos")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_picture_can_be_read_at_the_start_and_at_the_ends(name, figure, projected):
    for state, (teacher, chosen) in STATES.items():
        if name in ALL_STATES or state in ("start", "smallest"):
            view = view_of(name, teacher, chosen)
            for sheet in (projected, figure) if state == "start" else (projected,):  # there words are closest
                draw(sheet, view)
                assert faults(sheet) == [], state


def test_a_second_drawing_replaces_the_first(figure):
    drawn(figure, "erf", orthonormal_teacher(3, 4))
    first = style.still(figure)
    drawn(figure, "cos", Network([[1.0, 0.0], [0.3, 0.8]], [1.0, 2.0]))
    assert len(figure.axes) == 3 and style.still(figure) != first
    drawn(figure, "erf", orthonormal_teacher(3, 4))
    assert style.still(figure) == first
