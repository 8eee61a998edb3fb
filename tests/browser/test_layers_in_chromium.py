"""In a real Chromium the two layers, one on the other, look like the still picture of the same figure."""

import io
from unittest import mock

import matplotlib.image
import numpy as np
import pytest

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron import one_neuron_points
from landscape_nb.figures import kernels, one_neuron, style
from landscape_nb.figures.layers import Layers, picture
from landscape_nb.labs import OneNeuron
from landscape_nb.labs.lab import _STYLE
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import orthonormal_teacher


def draw_one_neuron(figure, name, k, d, chosen):
    landscape = PopulationLandscape(ACTIVATIONS[name], orthonormal_teacher(k, d))
    points = one_neuron_points(landscape.activation, landscape.teacher)
    one_neuron.draw(figure, one_neuron.one_neuron_view(landscape, points, chosen))


def draw_kernels(figure, name, *numbers):
    kernels.draw(figure, kernels.kernel_view(ACTIVATIONS[name], *numbers))


STATES = [
    (draw_one_neuron, ("erf", 3, 4, 0)),
    (draw_one_neuron, ("gelu", 10, 12, 0)),
    (draw_one_neuron, ("erf", 1, 1, 0)),
    (draw_kernels, ("relu", 1.0, 1.0, 60.0)),
    (draw_kernels, ("sign", 0.1, 5.0, 180.0)),
]


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    yield page
    page.close()


def photograph(page, inside):
    """The pixels of these elements, 960 wide, in a page of their own."""
    page.set_content(
        "<style>body{margin:0} #sheet{position:relative;width:960px;background:white} "
        "#sheet>*{display:block} #sheet svg{width:960px;height:auto} .over{position:absolute;top:0;left:0}</style>"
        f"<div id='sheet'>{inside}</div>"
    )
    return matplotlib.image.imread(io.BytesIO(page.locator("#sheet").screenshot()))[..., :3]


@pytest.mark.parametrize("theme", style.THEMES)
def test_the_layers_look_like_the_still_picture(theme, page):
    sheets = {draw: (figure := style.new_figure(theme), Layers(figure)) for draw, _ in STATES}
    for draw, state in STATES:
        figure, layers = sheets[draw]
        draw(figure, *state)
        frames, moving = layers.render()
        over = "".join(f"<div class='over'>{picture(layer, layers.size, '')}</div>" for layer in (*frames[1:], moving))
        shown = photograph(page, f"<div>{picture(frames[0], layers.size, '')}</div>{over}")
        still = style.still(figure, "svg").decode()
        expected = photograph(page, still[still.index("<svg") :])
        assert shown.shape == expected.shape
        assert expected.std() > 0.05  # something is drawn
        differing = np.abs(shown - expected).max(axis=-1) > 0.1
        assert differing.mean() < 0.005, (state, differing.mean())


def stacked(lab):
    """The picture of a lab as its widgets stand in a page."""
    boxes = "".join(
        f"<div class='widget-html'><div class='widget-html-content'>{box.value}</div></div>"
        for box in (*lab._frame_boxes, lab._moving_box)
    )
    return f"<div>{_STYLE}<div class='lab-picture widget-box'>{boxes}</div></div>"


def test_frames_that_come_with_what_moves_hide_those_below(page):
    with mock.patch("landscape_nb.labs.lab._REST", 60.0):
        lab = OneNeuron(k=3, d=8)
        lab.controls["k"].value = 8
        lab._rest.cancel()
    assert "{opacity: 0}" in lab._moving_box.value
    carrying = photograph(page, stacked(lab))
    unhidden = photograph(page, stacked(lab).replace("{opacity: 0}", "{}"))
    expected = photograph(page, stacked(OneNeuron(k=8, d=8)))
    assert (np.abs(unhidden - expected).max(axis=-1) > 0.1).mean() > 1e-4  # two frames over each other
    assert np.abs(carrying - expected).max() < 0.02
    # a refusal dims it before the frames have settled: those below stay hidden (a curve over its grid is as dim as elsewhere, two
    # dimmed layers are a little darker there)
    dimmed, expected = (
        photograph(page, stacked(shown).replace("widget-box'", "widget-box lab-dimmed'"))
        for shown in (lab, OneNeuron(k=8, d=8))
    )
    assert np.abs(dimmed - expected).max() < 0.2 and np.abs(dimmed - carrying).max() > 0.3
