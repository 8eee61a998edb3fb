"""What the renderer of moving pictures draws is what matplotlib's SVG renderer draws, in far fewer elements."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D
from svg_reading import SVG, Drawing, full_drawing, overtaken

from landscape_nb.figures import style
from landscape_nb.figures.layers import picture
from landscape_nb.figures.svg_renderer import FewElements


def text(axes, words, **look):
    axes.text(0.1, 0.4, words, **look)


def several(axes):
    shape = MarkerStyle("D")
    made = PathCollection([shape.get_path()], sizes=[30, 80], offsets=[(0.2, 0.2), (0.5, 0.8), (0.8, 0.5)])
    made.set(offset_transform=axes.transData, facecolors=["red", "0.5"], edgecolors="black", transform=Affine2D())
    axes.add_artist(made)


DRAWN = {
    "words": lambda axes: text(axes, "Hessian spectrum, −0.25", fontsize=13, color="#767676"),
    "bold words that lean": lambda axes: text(axes, "eigenvalue", rotation=35, fontweight="bold", alpha=0.5),
    "words upright along an axis": lambda axes: text(axes, "loss, log scale", rotation=90),
    "two lines of words": lambda axes: text(axes, "no finite\ncritical point", ha="center"),
    "a formula with a bar and a root": lambda axes: text(axes, r"$\frac{1}{2}\|\nabla L\|^2 \leq \sigma/\sqrt{N}$"),
    "a turned formula": lambda axes: text(axes, r"$\theta_1 - \overline{ab}$", rotation=-20, fontsize=17),
    "marks with an edge": lambda axes: style.line(
        axes, [0.1, 0.5, 0.52], [0.1, 0.5, 0.5], marker="^", mec="white", ms=20
    ),
    "marks through which one sees": lambda axes: style.line(
        axes, [0.5, 0.51], [0.5, 0.5], marker="+", ms=30, alpha=0.4
    ),
    "marks that are lines": lambda axes: style.line(axes, np.linspace(0, 1, 9), np.zeros(9), marker="x", ls="none"),
    "marks beyond the axes": lambda axes: style.line(axes, [-9, 0.5, 99], [0, 0.5, 1], marker="o", clip_on=False),
    "marks where there is no number": lambda axes: style.line(axes, [0.2, np.nan, 0.6], [0.2, 0.4, 0.6], marker="s"),
    "dashes": lambda axes: style.line(
        axes, [0, 1], [0, 1], ls="-.", lw=3, dash_capstyle="round", solid_joinstyle="bevel"
    ),
    "a collection of marks": several,
    **{
        f"the hatch {hatch}": lambda axes, hatch=hatch: axes.add_artist(
            Rectangle((0.1, 0.1), 0.6, 0.7, facecolor="#0072B2", edgecolor="white", hatch=hatch)
        )
        for hatch in (".", "..", "....", "////", "o", "..//")
    },
    "a hatch without a ground": lambda axes: axes.add_artist(Rectangle((0, 0), 1, 1, fill=False, hatch="..")),
}


def drawn(figure, artists):
    renderer = FewElements(tuple(72 * figure.get_size_inches()))
    with style.drawing({"svg.fonttype": "path", "svg.hashsalt": "a salt for the test"}):
        for artist in artists:
            artist.draw(renderer)
        return picture(renderer.fragment(), tuple(72 * figure.get_size_inches()), "")


def sheet(draw):
    figure = style.new_figure()
    with style.drawing():
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        axes.set_axis_off()
        draw(axes)
    return figure, style.content(axes)


@pytest.mark.parametrize("what", DRAWN)
def test_it_draws_what_matplotlib_draws(what):
    figure, artists = sheet(DRAWN[what])
    shown = Drawing(drawn(figure, artists))
    assert len(shown.looks) > 0
    assert overtaken(shown, Drawing(full_drawing(figure))) == []


@pytest.mark.parametrize("words", ["Hessian spectrum, −0.25", r"$\frac{1}{2}\|\nabla L\|^2$"])
def test_a_line_of_words_is_one_element(words):
    figure, artists = sheet(lambda axes: text(axes, words))
    elements = [element.tag.removeprefix(SVG) for element in ElementTree.fromstring(drawn(figure, artists)).iter()]
    assert elements == ["svg", "path"]


def test_the_same_words_at_another_place_are_the_same_steps_from_there():
    figure, artists = sheet(lambda axes: [axes.text(x, 0.5, "0.75") for x in (0.125, 0.625)])
    first, second = re.findall(r'<path d="([^"]*)"', drawn(figure, artists))
    assert first != second and re.sub(r"M[-\d. ]+", "M", first) == re.sub(r"M[-\d. ]+", "M", second)


def test_marks_that_hide_one_another_are_elements_of_their_own():
    """As one path the lower one would show through where they overlap."""
    figure, artists = sheet(DRAWN["marks with an edge"])
    assert drawn(figure, artists).count("<path") == 1 + 3  # the line and three marks


def test_a_dotted_hatch_is_a_small_tile():
    figure, artists = sheet(DRAWN["the hatch ...."])
    assert len(drawn(figure, artists)) < 6_000 < len(full_drawing(figure))
