"""The look that all pictures share: readable in greyscale, drawn off screen."""

import io
import struct

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from figure_layout import bars, luminance

from landscape_nb.figures import style


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


@pytest.mark.parametrize("theme", style.THEMES)
def test_a_png_has_one_width_and_the_shape_of_its_sheet(theme):
    data = style.still(style.new_figure(theme))
    width, height = style.THEMES[theme]
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (960, int(960 * height / width))
    assert matplotlib.image.imread(io.BytesIO(data)).shape[1] == 960


@pytest.mark.parametrize("suffix, beginning", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_still_is_the_same_bytes_again_and_names_no_machine_version_or_day(suffix, beginning):
    stills = []
    for _ in range(2):
        figure = style.new_figure()
        with style.drawing():
            figure.add_subplot(xlabel="words").plot([0, 1], [1, 0])
        stills.append(style.still(figure, suffix))
    assert stills[0] == stills[1] and stills[0].startswith(beginning)
    for word in (b"Software", b"Matplotlib v", b"matplotlib.org", b"CreationDate", b"<dc:date", b"<dc:creator"):
        assert word not in stills[0]


def test_an_unknown_theme_or_kind_of_file_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match="theme must be one of screen, projector; 'cinema' was given"):
        style.new_figure("cinema")
    with pytest.raises(ValueError, match="written as one of png, svg, pdf; 'gif' was given"):
        style.still(style.new_figure(), "gif")


def test_type_is_28_percent_larger_on_a_projector():
    (screen, _), (projector, _) = style.THEMES["screen"], style.THEMES["projector"]
    assert screen / projector == pytest.approx(1.28, abs=0.005)


@pytest.mark.parametrize("low, high", [(0.0, 1.0), (-3e-7, 2e-7), (2.41, 2.42), (1.1e21, 5e22), (-1.0, 0.0)])
def test_steady_limits_hold_the_range_are_not_much_wider_and_stay_for_small_changes(low, high):
    bottom, top = style.steady(low, high)
    assert bottom <= low < high <= top
    assert top - bottom <= 1.6 * (high - low)
    moved = [style.steady(low, high - part * (high - low)) for part in np.linspace(0, 0.2, 41)]
    assert len(set(moved)) <= 5


@pytest.mark.parametrize(
    "value, words",
    [(0, "0"), (0.25, "0.25"), (-3, "−3"), (0.1 + 0.2, "0.3"), (1e5, "1e5"), (-2.5e-7, "−2.5e−7"), (9999, "9999")],
)
def test_a_tick_gives_the_whole_number(value, words):
    assert style.tick_words(value) == words


@pytest.mark.parametrize("suffix", style.STILLS)
def test_bars_stand_on_their_foot_at_their_place_as_one_artist(suffix):
    axes = style.new_figure().add_subplot()
    made = style.bars(axes, np.array([1.0, 3.0]), np.array([2.0, -1.0]), 0.5, 0.25, label="bars", hatch="//")
    assert axes.patches[:] == [made]
    assert bars(axes) == [(1.0, 0.25, 2.25, made), (3.0, 0.25, -0.75, made)]
    style.legend(axes, [made])
    assert style.still(axes.figure, suffix)


def test_the_panels_of_a_figure_are_made_once_and_emptied_afterwards():
    figure = style.new_figure()
    made = style.panels(figure, lambda figure: figure.subplots(1, 2))
    made[0].plot([1, 2], label="a curve")
    made[0].text(0.5, 0.5, "words")
    made[1].fill_between([0, 1], [0, 1])
    made[1].imshow(np.eye(2))
    style.legend(made[0], made[0].get_lines())
    again = style.panels(figure, lambda figure: pytest.fail("made again"))
    assert again == made and not any(style.content(axes) for axes in again)
    assert made[0].get_legend() is not None  # stays, to be compared with the next one
    style.legend(made[0], [])
    assert made[0].get_legend() is None


def test_the_content_of_a_panel_comes_in_the_order_in_which_it_was_drawn():
    axes = style.new_figure().add_subplot(title="words around")
    first = axes.text(0, 0, "first")
    second, third = axes.plot([1, 2])[0], axes.fill_between([0, 1], [0, 1])
    assert style.content(axes) == [first, second, third]


def test_a_legend_that_says_the_same_stays_and_another_takes_its_place():
    axes = style.new_figure().add_subplot()
    style.legend(axes, axes.plot([1], label="one", marker="o"))
    legend = axes.get_legend()
    style.legend(axes, axes.plot([2], label="one", marker="o", color=axes.get_lines()[0].get_color()))
    assert axes.get_legend() is legend
    for other in ({"marker": "s"}, {"linestyle": ":"}, {"color": "red"}, {"label": "two"}):
        style.legend(axes, axes.plot([2], **{"label": "one", "marker": "o", **other}))
        assert axes.get_legend() is not legend
        legend = axes.get_legend()


def test_drawing_leaves_the_users_settings_of_matplotlib_alone():
    before = dict(matplotlib.rcParams)
    style.still(style.new_figure())
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
