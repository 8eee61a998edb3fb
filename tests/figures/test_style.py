"""The look that all pictures share: readable in greyscale, drawn off screen."""

import io
import struct

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from landscape_nb.figures import style


def luminance(colour) -> float:
    """Relative luminance of sRGB: what a greyscale projector shows."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_lines_of_different_standing_differ_without_colour():
    assert len({style.CLOSED_FORM, style.NUMERICAL, style.MONTE_CARLO}) == 3
    assert style.line_style("closed form") == style.line_style("mixture") == style.CLOSED_FORM
    assert style.line_style("numerical") == style.NUMERICAL


@pytest.mark.parametrize("colour", [style.TEACHER, style.STUDENT, style.CURRENT, style.SAMPLE])
def test_every_role_can_be_seen_on_white_in_greyscale(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 3.0  # the contrast WCAG asks of graphics


def test_the_loss_map_is_as_monotone_in_greyscale_as_in_colour():
    values = [luminance(matplotlib.colormaps[style.LOSS_MAP](x)[:3]) for x in np.linspace(0, 1, 64)]
    assert np.all(np.diff(values) > 0) and values[-1] - values[0] > 0.5


def test_a_figure_has_no_pyplot_behind_it():
    figure = style.new_figure()
    assert type(figure.canvas).__name__ == "FigureCanvasAgg"
    assert figure.get_size_inches().tolist() == [10.0, 6.4]


def test_the_png_has_the_size_of_the_figure_and_names_no_machine_or_version():
    figure = style.new_figure(4, 3, dpi=50)
    data = style.png(figure)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (200, 150)
    assert b"Software" not in data and b"Matplotlib" not in data
    assert style.png(figure) == data
    assert matplotlib.image.imread(io.BytesIO(data)).shape[:2] == (150, 200)


def test_drawing_leaves_the_users_settings_of_matplotlib_alone():
    before = dict(matplotlib.rcParams)
    style.png(style.new_figure(2, 2))
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    "kind, marker, filled",
    [
        ("minimum", "o", True),
        ("saddle", "o", False),
        ("maximum", "s", False),
        ("degenerate minimum", "D", False),
        ("degenerate saddle", "D", False),
    ],
)
def test_critical_points_differ_by_marker_and_filling_and_carry_their_index(kind, marker, filled):
    axes = style.new_figure().add_subplot()
    style.mark_point(axes, 0.3, 0.4, 2, kind)
    style.mark_point(axes, 0.1, 0.2, 2, kind, current=True)
    other, current = axes.get_lines()
    assert other.get_marker() == marker and other.get_xydata().tolist() == [[0.3, 0.4]]
    assert (other.get_markerfacecolor() == style.STUDENT) == filled
    assert current.get_markersize() > other.get_markersize()
    assert current.get_markeredgecolor() == style.CURRENT != other.get_markeredgecolor()
    assert [text.get_text() for text in axes.texts] == ([] if filled else ["2", "2"])
