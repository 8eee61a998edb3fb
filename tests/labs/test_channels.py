"""What the lab of page 06 computes, against SciPy and many digits: channels, map, edge of stability; presets; planted faults."""

import threading
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from lab_invariants import check_lab, check_refused, marks_shown, snapshot
from lab_sweep import replaced, undrawn
from scipy.optimize import fsolve, minimize
from scipy.special import erf

from landscape_nb.activations import ERF, TANH
from landscape_nb.critical import NotConverged
from landscape_nb.labs import Channels
from landscape_nb.labs import channels as module
from landscape_nb.labs.computation import without_progress

CASES = (module.FIRST, module.TWO_INPUTS)


@pytest.fixture(autouse=True)
def without_drawing():
    with undrawn():
        yield


def valley(channel):
    return module.valley(channel, without_progress)


def sigma(z):
    return erf(z / np.sqrt(2))


def bell(z):
    return np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2)


# the landscapes and what lies in them ---------------------------------------------------------------------------------


def test_the_labels_of_two_inputs_are_log_rosenbrock_with_mean_0_and_variance_1():
    landscape = module.rosenbrock_grid()
    assert landscape.X.shape == (144, 2) and np.abs(landscape.X).max() == np.sqrt(3)
    assert abs(landscape.y.mean()) < 1e-14 and abs(landscape.y.var() - 1) < 1e-14
    assert module.log_rosenbrock(np.array([1.0, 0.0])) == pytest.approx(-1)
    assert module.log_rosenbrock(np.array([-1.0, 1.0])) == pytest.approx(np.log10(3 + 4 + 0.1))


@pytest.mark.parametrize("channel", CASES)
def test_the_best_neuron_alone_is_the_lowest_that_scipy_finds_from_other_starts(channel):
    found = valley(channel)
    landscape, rng = found.landscape, np.random.default_rng(0)
    starts = rng.normal(size=(8, landscape.d + 1)) * 2
    ends = [minimize(landscape.value, start, jac=landscape.gradient, method="BFGS").fun for start in starts]
    assert found.single.index == 0 and found.single.residual < 1e-12
    assert found.single.loss == pytest.approx(min(ends), abs=1e-7)
    assert found.line.loss == pytest.approx(found.single.loss, abs=1e-14) and found.line.a == 0


@pytest.mark.parametrize("channel", CASES)
def test_every_limit_is_a_minimum_with_positive_h_and_the_lowest_is_that_of_many_starts(channel):
    found = valley(channel)
    zero, rng = found.line.landscape, np.random.default_rng(1)
    starts = rng.normal(size=(10, zero.p)) * 1.5
    ends = [minimize(zero.value, start, jac=zero.gradient, method="BFGS").fun for start in starts]
    lowest = min(limit.loss for limit in found.limits)
    assert all(limit.stable and limit.h > 0 for limit in found.limits)
    assert lowest <= min(ends) + 1e-9 and min(ends) == pytest.approx(lowest, abs=1e-6)


def test_channel_1_begins_where_a_neuron_is_silent():
    """With a_2 = 0 the floor needs <r s'(w_1 x) x> = <r s'(w_2 x) x> = 0 and <r s(w_1 x)> + <r s(w_2 x)> = 0, r = a_1 s(w_1 x) - y."""
    landscape = valley(module.FIRST).landscape
    x, y, m = landscape.X[:, 0], landscape.y, landscape.weights

    def conditions(unknown):
        first, second, a = unknown
        pull = m * (a * sigma(first * x) - y)
        outgoing = [pull @ sigma(w * x) for w in (first, second)]
        return pull @ (bell(first * x) * x), pull @ (bell(second * x) * x), sum(outgoing)

    (first, second, a), _, ended, _ = fsolve(conditions, (1.4, 0.42, 2.1), full_output=True, xtol=1e-13)
    assert ended == 1 and a == pytest.approx(2.14413, abs=1e-4)
    begin = valley(module.FIRST).ends[0]
    assert begin == pytest.approx((first - second) / 2, abs=2e-8)
    path = valley(module.FIRST).paths[0]
    lowest = [np.linalg.eigvalsh(path._at(k).hessian(theta))[0] for k, theta in enumerate(path.theta)]
    inside = path.eps < begin
    assert (np.array(lowest)[inside] > 0).all() and (np.array(lowest)[~inside] < 0).all() and (~inside).sum() >= 2


@pytest.mark.parametrize("channel", (*CASES, module.SECOND))
def test_the_network_has_the_eps_asked_for_and_is_on_the_floor(channel):
    path = valley(channel).paths[module._place(channel)]
    for eps in (1e-4, 3.7e-3, 0.0911, 0.49):
        found = module.at_eps(path, eps)
        network = found.networks[0]
        assert np.linalg.norm(network.W[0] - network.W[1]) / 2 == pytest.approx(eps, rel=1e-9)
        assert found.residuals[0] < 1e-13 and found.index[0] == 0


def test_a_path_that_is_lost_says_so(monkeypatch):
    limit = valley(module.FIRST).limits[0]
    monkeypatch.setattr(module, "newton", lambda landscape, theta: (theta, np.float64(1e-3), np.float64(2.0)))
    with pytest.raises(
        NotConverged, match=r"the channel was lost at eta = 0.1: .* = 0.001; follow it in smaller steps"
    ):
        module.solved(limit.landscape.at(0.1), limit.theta)


@pytest.mark.parametrize("channel, rate", [(module.FIRST, 0.4), (module.SECOND, 1e-3), (module.TWO_INPUTS, 0.02)])
def test_at_the_edge_of_stability_the_largest_eigenvalue_is_2_over_the_rate(channel, rate):
    k = module._place(channel)
    path, end = valley(channel).paths[k], valley(channel).ends[k]
    edge = module.edge_of_stability(path, end, rate)
    assert module.at_eps(path, edge).sharpness[0] == pytest.approx(2 / rate, rel=1e-4)
    assert path.limit.edge_of_stability(rate) == pytest.approx(edge, rel=0.001 + 0.6 * edge)
    assert module.edge_of_stability(path, end, 1e3) is None


# the map --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CASES)
def test_the_map_is_the_least_loss_over_v_and_c_that_scipy_finds_nearby(channel):
    found = valley(channel)
    landscape, surface = found.landscape, found.surface
    X, y, m = landscape.X, landscape.y, landscape.weights
    start = found.limits[0].w
    for i, j in ((20, 25), (40, 30), (10, 71), (50, 40)):
        s, w = surface.gap[j], start + (surface.mean[i] - found.u @ start) * found.u

        def loss(unknown, s=s, w=w):
            v, c = unknown[:-1], unknown[-1]
            f = (c + s) / 2 * sigma(X @ (w + v / s)) + (c - s) / 2 * sigma(X @ (w - v / s))
            return m @ (f - y) ** 2

        z = X @ w
        linear = np.column_stack([bell(z)[:, None] * X, sigma(z)])
        guess = np.linalg.lstsq(linear * np.sqrt(m)[:, None], y * np.sqrt(m), rcond=None)[0]
        end = minimize(loss, guess, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 2000})
        assert surface.losses[i, j] == pytest.approx(end.fun, abs=1e-8), (i, j)


def test_along_the_splitting_line_the_map_is_the_loss_of_one_neuron():
    found = valley(module.FIRST)
    surface, w = found.surface, found.single.student.W[0, 0]
    i = int(np.argmin(np.abs(surface.mean - w)))
    near = surface.losses[i, surface.gap > 3]
    bend = np.ptp(surface.losses[i - 1 : i + 2, surface.gap > 3], axis=0)
    assert (np.abs(near - found.single.loss) <= bend).all() and bend.max() < 4e-4


def test_far_out_the_map_is_linear_in_the_inverse_square_of_the_gap():
    found = valley(module.FIRST)
    near, far = (
        module.channel_map(found.landscape, found.limits[0].w, found.u, (0.6, 4.4, 9), gaps).losses[:, -1]
        for gaps in ((250.0, 299.99, 3), (250.0, 300.01, 3))
    )
    assert np.abs(far - near).max() < 1e-8  # one computed, the other interpolated from 274 and infinity


def test_where_the_sheet_of_minima_has_ended_it_does_not_come_back():
    for channel in CASES:
        losses = valley(channel).surface.losses
        missing = np.isnan(losses)
        assert missing.any() and not missing[:, -1].any()
        for row in missing:
            ended = np.flatnonzero(row)
            assert ended.size == 0 or row[: ended[-1] + 1].all()


def test_no_saddle_is_shown_on_the_map(monkeypatch):
    found = valley(module.FIRST)
    theta = np.array([[1.0, 0.5, 2.0], [1.0, 9.0, -7.0], [1.0, -30.0, 2.0], [1.0, 0.0, 2.0]])

    def elsewhere(landscape, start, iterations):
        return theta if len(start) == 4 else start, np.zeros(len(start)), 1.0

    monkeypatch.setattr(module, "newton", elsewhere)
    shown = module.channel_map(found.landscape, found.limits[0].w, found.u, (1.0, 1.0, 4), (1.5, 500.0, 2)).losses
    near = found.line.landscape.at(1 / 1.5).hessian(theta)[:, 1:, 1:]
    bends = np.linalg.eigvalsh(near)[:, 0]
    assert np.array_equal(np.isnan(shown[:, 0]), bends <= 0) and (bends <= 0).any() and (bends > 0).any()


# the functions --------------------------------------------------------------------------------------------------------


def test_the_difference_to_the_gated_linear_unit_keeps_its_digits():
    z, q, c = np.array([-1.3, 0.0, 0.4, 2.2]), np.array([1.5, 0.0, -3.0, 8.0]), 1.7
    with mpmath.workdps(40):
        for eta in (1e-5, 0.01, 0.1):
            expected = []
            for one, two in zip(z, q):
                p = mpmath.mpf(eta) * two
                up, down = mpmath.tanh(one + p), mpmath.tanh(one - p)
                pair = (c + 1 / mpmath.mpf(eta)) / 2 * up + (c - 1 / mpmath.mpf(eta)) / 2 * down
                expected.append(float(pair - c * mpmath.tanh(one) - two * mpmath.sech(one) ** 2))
            assert module.difference(TANH, z, q, c, eta) == pytest.approx(expected, rel=1e-11, abs=1e-30)


def test_at_small_eps_the_difference_is_its_law():
    lab = Channels(eps=1e-4)
    shown = lab.result.view.functions
    assert np.abs(shown.difference - shown.law).max() < 1e-7 * np.abs(shown.law).max()
    z = np.array([0.3])
    f2 = 0.5 * 2.0 * ERF.derivative(z, 2) + 3.0 / 6 * ERF.derivative(z, 3)
    assert module.difference(ERF, z, np.array([3.0]), 2.0, 1e-4 / 3) / 1e-8 == pytest.approx(f2, rel=1e-7)


# what it says ---------------------------------------------------------------------------------------------------------


def test_beyond_the_beginning_of_channel_1_a_sentence_says_why_and_a_tick_shows_it():
    lab = Channels()
    assert [value for value, sentence in marks_shown(lab)["eps"] if "begins" in sentence] == pytest.approx([0.491788])
    before = snapshot(lab)
    lab.set(eps=0.6)
    assert lab.message.startswith("channel 1 begins at eps = 0.4918") and "eps = 0.6 was given" in lab.message
    check_refused(lab, before)
    lab.set(channel="channel 2")
    check_lab(lab)


def test_the_tick_of_the_rate_is_where_its_edge_of_stability_is_here():
    lab = Channels(channel="channel 2", eps=0.05)
    ((rate, _),) = marks_shown(lab)["rate"]
    lab.set(rate=rate)
    assert lab.result.view.edge == pytest.approx(0.05, rel=1e-3)
    lab.set(eps=1e-4)
    assert "rate" not in marks_shown(lab)  # smaller than the slider goes


def test_the_theorem_ticks_its_hypotheses_with_the_numbers_of_the_limit():
    lab = Channels()
    assert lab._theorem_box.value.count("✓") >= 3 and "✗" not in lab._theorem_box.value
    assert "h = 0.00709138" in lab._theorem_box.value and "applies" in lab._theorem_box.value


def test_moved_by_hand_to_another_landscape_it_computes_in_the_background_and_can_be_stopped(monkeypatch):
    lab = Channels()
    monkeypatch.setattr(module, "_known", {"toy": module._known["toy"]})
    entered, following = threading.Event(), module.followed

    def followed(limit):
        entered.set()
        return following(limit)

    monkeypatch.setattr(module, "followed", followed)
    before = snapshot(lab)
    lab.controls["channel"].value = "two inputs"
    running = lab._job
    assert running is not None and entered.wait(30)
    assert lab.message == "computing channel = two inputs"
    lab.stop()
    assert running.wait(10) and "stopped before channel = two inputs was computed" in lab.message
    assert snapshot(lab) == before and module.TWO_INPUTS not in module._known


CLAIMS = {
    "channel 1 of the toy": lambda lab, view: view.ends[view.chosen][1] == pytest.approx(0.042372152),
    "channel 2, the global optimum, almost at infinity": lambda lab, view: (
        view.ends[1][1] == min(loss for _, loss in view.ends) and view.eps == pytest.approx(1e-4)
    ),
    "the edge of stability": lambda lab, view: view.sharpness == pytest.approx(view.threshold, rel=1e-3),
    "where channel 1 begins": lambda lab, view: abs(lab.result.here.networks[0].a).min() < 0.05,
    "two inputs": lambda lab, view: lab.result.valley.landscape.d == 2,
}


@pytest.mark.parametrize("name", Channels.presets)
def test_every_preset_is_what_its_name_claims(name):
    lab = Channels(**Channels.presets[name])
    check_lab(lab)
    assert CLAIMS[name](lab, lab.result.view)


# planted faults: each must turn the check red --------------------------------------------------------------------------


def with_view(monkeypatch, **changed):
    """The lab with these parts of the view computed from the right ones."""

    def wrong(result):
        view = replace(result.view, **{name: change(result.view) for name, change in changed.items()})
        return replace(result, view=view)

    replaced(monkeypatch, Channels, "result", wrong)


def test_nothing_is_noticed_where_nothing_is_wrong(monkeypatch):
    with_view(monkeypatch, gap=lambda view: view.gap)
    check_lab(Channels())


@pytest.mark.parametrize(
    "name, change",
    [
        ("gap", lambda view: -view.gap),
        ("gap", lambda view: view.gap * (1 + 1e-7)),
        ("sharpness", lambda view: view.sharpness * (1 + 1e-5)),
        ("h", lambda view: view.h * (1 + 1e-8)),
        ("sharpness_law", lambda view: 2 * view.sharpness_law),
        ("edge", lambda view: 1.1 * view.edge),
        ("edge", lambda view: None),
        ("threshold", lambda view: 0.5 * view.threshold),
        ("here", lambda view: (view.here[0], view.here[1] + 1e-6)),
        ("functions", lambda view: replace(view.functions, network=view.functions.network + 1e-8)),
        ("functions", lambda view: replace(view.functions, law=-view.functions.law)),
        ("surface", lambda view: replace(view.surface, losses=view.surface.losses - 0.01)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_part_of_the_picture_is_noticed(name, change, monkeypatch):
    with_view(monkeypatch, **{name: change})
    with pytest.raises(AssertionError):
        check_lab(Channels())


def test_a_network_beside_the_floor_is_noticed(monkeypatch):
    right = module.at_eps

    def beside(path, eps):
        found = right(path, eps)
        return replace(found, theta=found.theta + np.array([1e-6, 0.0, 0.0]))

    monkeypatch.setattr(module, "at_eps", beside)
    with pytest.raises(AssertionError, match="this is not the floor of the channel"):
        check_lab(Channels())


def test_another_eps_is_noticed(monkeypatch):
    right = module.at_eps
    monkeypatch.setattr(module, "at_eps", lambda path, eps: right(path, 1.0001 * eps))
    with pytest.raises(AssertionError, match="another eps"):
        check_lab(Channels())
