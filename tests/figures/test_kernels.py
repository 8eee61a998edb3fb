"""What the picture of a kernel shows is what the library computes, and it can be read."""

import matplotlib
import numpy as np
import pytest
from figure_layout import bars, faults
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose, assert_array_equal

from landscape_nb.activations import ACTIVATIONS, register_activation
from landscape_nb.figures import style
from landscape_nb.figures.kernels import HERMITE_TERMS, draw, exact_cosine, kernel_view


@pytest.fixture(scope="module")
def figure():
    return style.new_figure()


@pytest.fixture(scope="module")
def projected():
    return style.new_figure("projector")


def drawn(figure, *arguments, **keywords):
    view = kernel_view(*arguments, **keywords)
    draw(figure, view)
    kernel, neurons, sample, hermite, slopes = figure.axes
    return view, kernel, neurons, sample, hermite, slopes


def line(axes, label):
    return next(line for line in axes.get_lines() if line.get_label() == label)


@pytest.mark.parametrize("degrees, cosine", [(0.0, 1.0), (90.0, 0.0), (180.0, -1.0), (60.0, 0.5), (45.0, np.sqrt(0.5))])
def test_quarter_turns_have_exact_cosines(degrees, cosine):
    if degrees % 90:
        assert exact_cosine(degrees) == pytest.approx(cosine, abs=1e-15)
    else:
        assert exact_cosine(degrees) == cosine


@pytest.mark.parametrize("name", ["relu", "erf", "tanh", "step", "exp", "cube"])
def test_the_curves_are_the_kernel_and_its_slope_on_the_grid(name, figure):
    act, r1, r2 = ACTIVATIONS[name], 1.4, 0.6
    _, kernel, _, _, _, slopes = drawn(figure, act, r1, r2, 50.0)
    x, y = line(kernel, "K (left axis)").get_data()
    assert x[0] == -1.0 and x[90] == 0.0 and x[-1] == 1.0 and np.all(np.diff(x) > 0) and x.size == 181
    inner = slice(1, -1)  # at the ends the rounding of c is not that of the angle
    assert_allclose(y[inner], act.kernel(r1**2, r1 * r2 * x[inner], r2**2), rtol=1e-11, atol=1e-13)
    x, y = line(slopes, "slope (right axis)").get_data()
    keep = np.abs(x) < 0.999
    # central differences of the kernel over the angle, an independent slope
    angle, step = np.arccos(x[keep]), 1e-5
    ahead, behind = (act.kernel(r1**2, r1 * r2 * np.cos(angle + h), r2**2) for h in (step, -step))
    expected = (ahead - behind) / (2 * step) / -np.sin(angle)
    assert_allclose(y[keep], expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("angle", [0.0, 35.0, 90.0, 180.0])
def test_the_dot_and_the_tangent_stand_at_the_two_neurons(angle, figure):
    act, r1, r2 = ACTIVATIONS["softplus"], 0.8, 2.0
    view, kernel, *_ = drawn(figure, act, r1, r2, angle)
    dot = line(kernel, "your two neurons")
    (x,), (y,) = dot.get_data()
    assert x == exact_cosine(angle)
    assert_allclose(y, act.kernel(r1**2, r1 * r2 * x, r2**2), rtol=1e-12)
    tangent = next(line for line in kernel.get_lines() if len(line.get_xdata()) == 2)
    (x0, x1), (y0, y1) = tangent.get_data()
    assert_allclose((y1 - y0) / (x1 - x0), view.slope, rtol=1e-9)
    assert_allclose(np.interp(x, [x0, x1], [y0, y1]), y, rtol=1e-9)
    assert -1.0 <= x0 <= x <= x1 <= 1.0


def test_an_infinite_slope_has_no_tangent_and_no_point_in_the_curve(figure):
    view, kernel, *_, slopes = drawn(figure, ACTIVATIONS["sign"], 0.1, 1.0, 0.0)
    assert view.slope == np.inf and view.value == 1.0
    assert not [line for line in kernel.get_lines() if len(line.get_xdata()) == 2]
    shown = line(slopes, "slope (right axis)").get_ydata()
    assert np.isfinite(shown).all() and shown.size == 179


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 135.0, 180.0])
def test_the_arrows_have_the_norms_and_the_angle(angle, figure):
    _, _, neurons, *_ = drawn(figure, ACTIVATIONS["relu"], 2.5, 0.7, angle)
    w, v = (np.array(text.xy) for text in neurons.texts if not text.get_text())
    assert_allclose([np.hypot(*w), np.hypot(*v)], [2.5, 0.7])
    assert_allclose(w @ v / (2.5 * 0.7), np.cos(np.radians(angle)), atol=1e-12)
    (words,) = (text.get_text() for text in neurons.texts if text.get_text())
    assert words == f"|w| = 2.5, |v| = 0.7, {angle:g}° apart"
    assert [text.get_text() for text in neurons.get_legend().get_texts()] == ["w", "v"]
    assert neurons.get_aspect() == 1.0
    assert neurons.get_xlim()[0] <= min(w[0], v[0], 0) and neurons.get_xlim()[1] >= max(w[0], v[0])


def test_the_errors_are_those_of_a_sample_drawn_anew(figure):
    act, r1, r2, angle, seed = ACTIVATIONS["gelu"], 1.5, 0.9, 70.0, 3
    view, _, _, sample, *_ = drawn(figure, act, r1, r2, angle, seed=seed)
    x, y = np.random.default_rng(seed).normal(size=(2, 100_000))
    turn = np.radians(angle)
    products = act(r1 * x) * act(r2 * (np.cos(turn) * x + np.sin(turn) * y))
    exact = float(act.kernel(r1**2, r1 * r2 * np.cos(turn), r2**2))
    sizes, errors = line(sample, "|estimate − exact|").get_data()
    assert_array_equal(sizes, view.sizes)
    expected = [abs(products[: int(size)].mean() - exact) for size in sizes]
    law_of_all = products.std() / np.sqrt(100_000)
    assert_allclose(errors, np.maximum(expected, 0.02 * law_of_all), rtol=1e-4)
    sizes, law = line(sample, r"one standard error $\sigma/\sqrt{N}$").get_data()
    assert_allclose(law, products.std() / np.sqrt(sizes), rtol=1e-3)
    assert sample.get_xscale() == sample.get_yscale() == "log"
    assert_allclose(view.errors[-1], products.std() / np.sqrt(100_000), rtol=1e-4)
    assert_allclose(view.estimates[-1], products.mean(), rtol=1e-12)


def test_the_seed_changes_the_sample_and_nothing_else():
    first, second = (kernel_view(ACTIVATIONS["relu"], 1.0, 1.0, 60.0, seed) for seed in (0, 1))
    again = kernel_view(ACTIVATIONS["relu"], 1.0, 1.0, 60.0, 0)
    assert_array_equal(first.estimates, again.estimates)
    assert not np.array_equal(first.estimates, second.estimates)
    assert first.value == second.value
    assert_array_equal(first.hermite1, second.hermite1)


@pytest.mark.parametrize("name, angle", [("sign", 0.0), ("sign", 180.0), ("relu", 180.0), ("step", 180.0)])
def test_a_product_without_spread_is_said_in_words(name, angle, figure):
    _, _, _, sample, *_ = drawn(figure, ACTIVATIONS[name], 0.1, 5.0, angle)
    assert "any sample gives K exactly" in sample.texts[0].get_text()
    assert not sample.get_lines()
    assert sample.get_title() and sample.get_xlabel()


@pytest.mark.parametrize("name", ["relu", "sin", "silu"])
def test_the_bars_are_the_hermite_coefficients(name, figure):
    act, r1, r2 = ACTIVATIONS[name], 0.8, 1.7
    _, _, _, _, hermite, _ = drawn(figure, act, r1, r2, 50.0)
    z, weights = np.polynomial.hermite_e.hermegauss(300)
    weights = weights / np.sqrt(2 * np.pi)
    m = np.arange(HERMITE_TERMS)
    factorial = np.cumprod(np.maximum(m, 1)).astype(float)
    basis = np.polynomial.hermite_e.hermevander(z, HERMITE_TERMS - 1) / np.sqrt(factorial)
    for name, norm in (("w", r1), ("v", r2)):
        expected = (weights * act(norm * z)) @ basis
        places, bottoms, tops = zip(*(bar[:3] for bar in bars(hermite) if bar[3].get_label() == name))
        assert_allclose(tops, expected, atol=2e-3 if act.kinks else 1e-10)
        assert_allclose(np.round(places), m)
        assert not np.any(bottoms)
    assert [text.get_text() for text in hermite.get_legend().get_texts()] == ["w", "v"]


def test_the_two_neurons_and_the_two_curves_differ_without_colour(figure):
    _, kernel, neurons, _, hermite, slopes = drawn(figure, ACTIVATIONS["relu"], 1.0, 1.0, 60.0)
    assert line(kernel, "K (left axis)").get_linestyle() != line(slopes, "slope (right axis)").get_linestyle()
    arrows = [text.arrow_patch for text in neurons.texts if hasattr(text, "arrow_patch")]
    assert len({arrow.get_linestyle() for arrow in arrows}) == len(arrows) == 2
    assert len({handle.get_linestyle() for handle in neurons.get_legend().get_lines()}) == 2
    first, second = hermite.patches
    assert first.get_hatch() is None and second.get_hatch() == "///"
    assert first.get_facecolor() == to_rgba(style.STUDENT)


def test_a_kernel_that_is_integrated_numerically_is_dashed(figure):
    act = register_activation("figure_test_bump", lambda z: np.exp(-((z - 0.3) ** 2)))
    try:
        _, kernel, *_ = drawn(figure, act, 0.8, 0.9, 60.0)
        assert line(kernel, "K (left axis)").get_linestyle() == style.NUMERICAL
        _, kernel, *_ = drawn(figure, ACTIVATIONS["tanh"], 0.8, 0.9, 60.0)
        assert line(kernel, "K (left axis)").get_linestyle() == style.CLOSED_FORM
    finally:
        del ACTIVATIONS["figure_test_bump"]


def test_every_panel_has_title_labels_and_legend(figure):
    _, *panels, slopes = drawn(figure, ACTIVATIONS["erf"], 1.0, 1.0, 60.0)
    for panel in panels:
        assert panel.get_title() and panel.get_xlabel() and panel.get_ylabel()
    assert slopes.get_ylabel()
    legends = [panel.get_legend() for panel in (slopes, *panels[1:])]
    assert all(legend is not None for legend in legends)
    words = [text.get_text() for text in legends[0].get_texts()]
    assert words == ["K (left axis)", "your two neurons", "slope (right axis)"]


@pytest.mark.parametrize("name", ["relu", "erf", "cube", "cos", "exp", "linear"])
@pytest.mark.parametrize("angle", [0.0, 90.0, 180.0])
def test_the_legend_does_not_hide_the_two_neurons(name, angle, figure):
    _, kernel, *_, slopes = drawn(figure, ACTIVATIONS[name], 1.0, 1.0, angle)
    figure.canvas.draw()
    dot = kernel.transData.transform(line(kernel, "your two neurons").get_xydata()[0])
    box = slopes.get_legend().get_window_extent(figure.canvas.get_renderer())
    assert not (box.x0 - 5 <= dot[0] <= box.x1 + 5 and box.y0 - 5 <= dot[1] <= box.y1 + 5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_picture_can_be_read_at_the_start_and_at_the_ends(name, figure, projected):
    states = [((0.1, 0.1), 135.0)]
    if name in ("exp", "cube", "sign", "relu"):  # the largest numbers, and no spread
        states += [((1.0, 1.0), 60.0), ((5.0, 5.0), 0.0), ((0.1, 5.0), 180.0)]
    for norms, angle in states:
        view = kernel_view(ACTIVATIONS[name], *norms, angle)
        # on the projector's sheet words are closest
        for sheet in (projected, figure) if name == "exp" else (projected,):
            draw(sheet, view)
            assert faults(sheet) == [], (norms, angle)


def test_a_second_drawing_replaces_the_first_and_leaves_the_settings_alone(figure):
    before = dict(matplotlib.rcParams)
    drawn(figure, ACTIVATIONS["relu"], 1.0, 1.0, 60.0)
    first = style.still(figure)
    drawn(figure, ACTIVATIONS["cube"], 5.0, 1.0, 0.0)
    assert len(figure.axes) == 5
    drawn(figure, ACTIVATIONS["relu"], 1.0, 1.0, 60.0)
    assert style.still(figure) == first
    assert dict(matplotlib.rcParams) == before


def test_the_check_of_the_layout_sees_clipped_and_crossing_words():
    figure = style.new_figure()
    drawn(figure, ACTIVATIONS["relu"], 1.0, 1.0, 60.0)
    kernel = figure.axes[0]
    kernel.yaxis.set_label_coords(-0.5, 0.5)
    assert any("leaves the canvas" in fault for fault in faults(figure))
    style.place_words(kernel)
    assert faults(figure) == []
    figure.axes[3].set_xticks(np.linspace(0, 11, 40))
    assert any("lies on" in fault for fault in faults(figure))
