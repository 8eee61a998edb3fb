"""The pictures can be read by people who see colours otherwise, and in greyscale."""

import io
import itertools

import matplotlib.image
import numpy as np
import pytest
from figure_layout import linear, luminance
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.text import Text

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron import one_neuron_points
from landscape_nb.figures import kernels, one_neuron, style
from landscape_nb.labs import LABS
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import equicorrelated_teacher, orthonormal_teacher

ROLES = {"teacher": style.TEACHER, "student": style.STUDENT, "current": style.CURRENT, "sample": style.SAMPLE}
# Machado, Oliveira & Fernandes (2009), A Physiologically-based Model for Simulation of Color Vision Deficiency, IEEE
# Transactions on Visualization and Computer Graphics 15(6), 1291-1298: severity 1.0, on linear RGB.
SEEN = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(light):
    """CIE L*a*b* of linear sRGB under D65, (..., 3)."""
    ratio = np.clip(light, 0, 1) @ XYZ.T / XYZ.sum(axis=1)
    x, y, z = np.moveaxis(np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def seen(colour, how):
    return lab(linear(colour) @ np.array(SEEN[how]).T)


def distance(first, second, how="usual"):
    """CIE 1976 colour difference; 2.3 can just be noticed (Mahy, Van Eycken & Oosterlinck 1994)."""
    return float(np.linalg.norm(seen(first, how) - seen(second, how)))


def contrast(first, second) -> float:
    """The contrast of WCAG 2."""
    low, high = sorted((luminance(to_rgb(first)), luminance(to_rgb(second))))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(scope="module")
def drawn():
    """Figures of all labs in both themes: as they open, and two of them in states that show every kind of mark."""
    landscape = PopulationLandscape(ACTIVATIONS["cos"], equicorrelated_teacher(3, 4, 0.0, 3.0, [1.0, 1.4, 1.8]))
    other = PopulationLandscape(ACTIVATIONS["gelu"], orthonormal_teacher(10, 12))
    shown = {}
    for theme in style.THEMES:
        for name, state in (("points outside the plane", landscape), ("an infimum and zero modes", other)):
            points = one_neuron_points(state.activation, state.teacher)
            figure = shown[theme, name] = style.new_figure(theme)
            one_neuron.draw(figure, one_neuron.one_neuron_view(state, points, len(points) - 1))
        for name, arguments in (("kernel", ("erf", 1.0, 1.5, 60.0)), ("no spread", ("sign", 0.1, 5.0, 180.0))):
            figure = shown[theme, name] = style.new_figure(theme)
            kernels.draw(figure, kernels.kernel_view(ACTIVATIONS[arguments[0]], *arguments[1:]))
    for lab_class in LABS.values():
        opened = lab_class()
        for theme in style.THEMES:
            opened.theme = theme
            shown[theme, opened.name] = opened.figure
    return shown


def texts(figure):
    """Every text that is drawn."""
    figure.canvas.draw()
    for axes in figure.axes:
        labels = [axes.title]
        for axis in (axis for axis in (axes.xaxis, axes.yaxis) if axis.get_visible()):
            labels += [axis.label, *axis.get_ticklabels(), *axis.get_ticklabels(minor=True), axis.get_offset_text()]
        legend = axes.get_legend()
        labels += [*axes.texts, *(legend.findobj(Text) if legend is not None else [])]
        yield from (text for text in labels if text.get_visible() and text.get_text().strip())


def test_the_simulation_knows_which_colours_are_confused():
    assert distance("#ff0000", "#00ff00") > 150
    for how in ("protanopia", "deuteranopia"):
        assert distance((0.75, 0.35, 0.35), (0.55, 0.5, 0.35), how) < 0.6 * distance(
            (0.75, 0.35, 0.35), (0.55, 0.5, 0.35)
        )
        assert distance("#ffffff", "#888888", how) == pytest.approx(distance("#ffffff", "#888888"), rel=0.02)


@pytest.mark.parametrize("how", SEEN)
@pytest.mark.parametrize("first, second", list(itertools.combinations(ROLES, 2)))
def test_two_roles_differ_in_colour_for_everyone(first, second, how):
    assert distance(ROLES[first], ROLES[second], how) > 15, (first, second)


@pytest.mark.parametrize("how", SEEN)
@pytest.mark.parametrize("role", ROLES)
def test_every_role_stands_out_from_the_white_ground_for_everyone(role, how):
    assert distance(ROLES[role], "white", how) > 40


@pytest.mark.parametrize("how", SEEN)
def test_the_loss_map_rises_in_lightness_for_everyone(how):
    lightness = seen(matplotlib.colormaps[style.LOSS_MAP](np.linspace(0, 1, 64))[:, :3], how)[:, 0]
    assert np.all(np.diff(lightness) > -0.1) and lightness[-1] - lightness[0] > 60


def course(line):
    """What a line without colour is known by beside its pattern: it runs across the panel, or along it, or it is a curve."""
    x, y = (values[np.isfinite(values)] for values in np.array(line.get_data(), dtype=float))
    return "upright" if np.ptp(x) == 0 < np.ptp(y) else "level" if np.ptp(y) == 0 < np.ptp(x) else "curve"


def test_in_greyscale_roles_of_one_panel_differ_by_marker_line_or_hatch(drawn):
    for (theme, name), figure in drawn.items():
        for axes in figure.axes:
            looks = {}
            for line in axes.get_lines():
                if line.get_xdata() is not None and len(line.get_xdata()):
                    alone = line.get_linestyle() == "None"
                    colour = to_rgba(line.get_markerfacecolor() if alone else line.get_color())
                    light = round(float(luminance(colour[:3])), 1)
                    pattern = str(line._unscaled_dash_pattern)  # get_linestyle calls all patterns of one's own "--"
                    looks.setdefault((pattern, line.get_marker(), course(line), light), set()).add(colour[:3])
            for patch in (patch for patch in axes.patches if patch.get_fill()):
                colour = patch.get_facecolor()
                look = "bar", patch.get_hatch() or None, round(float(luminance(colour[:3])), 1)
                looks.setdefault(look, set()).add(colour)
            assert all(len(colours) == 1 for colours in looks.values()), (theme, name, looks)


@pytest.mark.parametrize("how", ["protanopia", "deuteranopia", "greyscale"])
def test_in_a_drawn_picture_the_marks_stand_out_from_what_is_around_them(how, drawn):
    """Every teacher and every critical point in the plane, against the loss map around it."""
    figure = drawn["screen", "points outside the plane"]
    pixels = matplotlib.image.imread(io.BytesIO(style.still(figure)))[..., :3]
    light = linear(pixels) if how == "greyscale" else linear(pixels) @ np.array(SEEN[how]).T
    if how == "greyscale":
        light = np.repeat((light @ (0.2126, 0.7152, 0.0722))[..., None], 3, axis=-1)
    colours = lab(light)
    plane = figure.axes[0]
    per_point = style.STILL_WIDTH / (72 * style.THEMES["screen"][0])
    marks = [line for line in plane.get_lines() if line.get_marker() in "osD^"]
    assert len(marks) > 5
    for line in marks:
        for x, y in plane.transData.transform(line.get_xydata()) * per_point:
            row, column, reach = round(len(pixels) - y), round(x), 14
            patch = colours[max(row - reach, 0) : row + reach, max(column - reach, 0) : column + reach].reshape(-1, 3)
            ground = np.median(patch, axis=0)
            apart = np.linalg.norm(patch - ground, axis=1)
            assert (apart > 20).sum() > 40, (line.get_marker(), x, y)


def test_type_has_a_contrast_of_4_5_and_at_least_10_points_in_both_themes(drawn):
    for (theme, name), figure in drawn.items():
        found = list(texts(figure))
        assert len(found) > 30
        for text in found:
            assert contrast(to_rgb(text.get_color()), "white") >= 4.5, (theme, name, text)
            assert text.get_fontsize() >= style.SMALLEST_TYPE == 10.0, (theme, name, text)
            assert not set("^_") & set(text.get_text()), f"an exponent or an index in smaller type: {text}"


@pytest.mark.parametrize("colour", [*ROLES.values(), style.ZERO_MODE])
def test_marks_have_the_contrast_that_wcag_asks_of_graphics(colour):
    assert contrast(colour, "white") >= 3.0
