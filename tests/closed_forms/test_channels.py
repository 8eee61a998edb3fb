"""Channels to infinity: the published toy to all digits, paths to eps = 1e-8, the flow to t = 1e12, many digits as oracles."""

import mpmath
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose, assert_array_equal
from oracles import SIGMA

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms import channels as module
from landscape_nb.closed_forms.channels import (
    STATEMENT,
    ChannelLimit,
    ChannelTriplet,
    attracting_stretches,
    channel_h,
    channel_hessian,
    channel_limits,
    channel_toy,
    follow_channel,
    from_channel,
    from_triplet,
    jump_procedure,
    limit_profile,
    limits_on_a_line,
    softest_at_time,
    teacher_on_a_line,
    to_channel,
    to_triplet,
)
from landscape_nb.critical import NotConverged, OutsideTheorem, refine
from landscape_nb.flows import gradient_flow
from landscape_nb.landscapes import BiasedNetwork, ChannelLandscape, PopulationLandscape, SampledLandscape
from landscape_nb.networks import Network, flip, orthonormal_teacher, permute, split

ERF, RELU, SOFTPLUS, TANH = (ACTIVATIONS[name] for name in ("erf", "relu", "softplus", "tanh"))
TOY = channel_toy()
#: The far end of gradient flow: enough for four digits, and a fifth of the default's time.
LOOSE = {"rtol": 1e-6, "atol": 1e-8}


@pytest.fixture(scope="module")
def limits():
    return limits_on_a_line(TOY)


@pytest.fixture(scope="module")
def one_neuron():
    return refine(TOY, Network([[1.4]], [2.15]))


@pytest.fixture(scope="module")
def many_digits():
    """(w, a, c, L, h) of both channels in 30 digits: a root of the gradient of L0, written out, on nodes of their own."""
    with mpmath.workdps(30):
        return [limit_in_many_digits(*start) for start in ((0.8663, 1.4967, 1.6676), (3.1504, -6.5111, 2.0178))]


def nodes():
    """The half x >= 0 of nodes on [-9, 9]: all functions here are odd. Spacing 1/10 is exact far beyond double precision."""
    x = [mpmath.mpf(k) / 10 for k in range(91)]
    weights = [mpmath.exp(-(z**2) / 2) * (2 if z else 1) for z in x]
    total = sum(weights)
    return x, [m / total for m in weights]


def sigma(z, order):
    """Derivatives of erf(z/sqrt 2)."""
    if order == 0:
        return mpmath.erf(z / mpmath.sqrt(2))
    bell = mpmath.sqrt(2 / mpmath.pi) * mpmath.exp(-(z**2) / 2)
    return bell * (1, -z, z**2 - 1, 3 * z - z**3)[order - 1]


def limit_in_many_digits(w, a, c):
    x, m = nodes()
    y = [sigma(5 * t + mpmath.mpf("2.5"), 0) + sigma(5 * t - mpmath.mpf("2.5"), 0) for t in x]

    def gradient(w, a, c):
        total = [mpmath.mpf(0)] * 3
        for t, weight, label in zip(x, m, y):
            s = [sigma(w * t, k) for k in range(3)]
            pull = 2 * weight * (c * s[0] + a * t * s[1] - label)
            for k, part in enumerate((t * (c * s[1] + a * t * s[2]), t * s[1], s[0])):
                total[k] += pull * part
        return total

    solution = mpmath.findroot(gradient, (w, a, c), tol=1e-36)
    w, a, c = solution
    loss = h = mpmath.mpf(0)
    for t, weight, label in zip(x, m, y):
        s = [sigma(w * t, k) for k in range(4)]
        rest = c * s[0] + a * t * s[1] - label
        loss += weight * rest**2
        h += weight * 2 * rest * (c / 2 * t**2 * s[2] + a / 6 * t**3 * s[3])
    return w, a, c, loss, h


# --- coordinates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", (False, True))
@pytest.mark.parametrize("i, j", ((0, 1), (3, 1)))
def test_channel_coordinates_are_those_of_the_paper_and_lead_back(i, j, bias):
    rng = np.random.default_rng(0)
    W, a = rng.normal(size=(4, 3)), rng.normal(size=4)
    network = BiasedNetwork(W, a, 0.7) if bias else Network(W, a)
    point = to_channel(network, i, j)
    assert_allclose(point.w, (W[i] + W[j]) / 2)
    assert_allclose(point.direction, (W[i] - W[j]) / np.linalg.norm(W[i] - W[j]))
    assert point.eps == pytest.approx(np.linalg.norm(W[i] - W[j]) / 2)
    assert (point.c, point.a) == pytest.approx((a[i] + a[j], point.eps * (a[i] - a[j])))
    assert_allclose(from_channel(point).theta, network.theta, atol=1e-14)
    landscape = SampledLandscape(ERF, rng.normal(size=(5, 3)), rng.normal(size=5), output_bias=bias)
    channel, theta = ChannelLandscape.from_network(landscape, network, i, j)
    assert channel.inverse_gap == pytest.approx(point.inverse_gap)
    assert_allclose(point.theta, theta, atol=1e-14)
    swapped = to_channel(network, j, i)
    assert_allclose([*swapped.v, swapped.eps, swapped.c], [*point.v, point.eps, point.c])


def test_in_one_dimension_the_direction_is_a_sign_and_eps_may_have_it_instead():
    network = Network([[1.0], [1.4]], [3.0, -2.0])
    point = to_channel(network, 0, 1)
    assert point.direction == [-1.0] and point.eps == pytest.approx(0.2) and point.a == pytest.approx(1.0)
    turned = module.replace(point, direction=-point.direction, eps=-point.eps, a=-point.a)
    assert_allclose(from_channel(turned).theta, network.theta)
    assert_allclose(turned.v, point.v)


def test_pairs_without_coordinates_are_refused():
    network = Network([[1.0], [1.0], [2.0]], [3.0, -2.0, 1.0])
    with pytest.raises(
        ValueError, match=r"neurons 0 and 1 have the same w, .* on a splitting line; move the two apart"
    ):
        to_channel(network, 0, 1)
    with pytest.raises(ValueError, match="two different neurons; neuron 2 was given twice"):
        to_channel(network, 2, 2)
    with pytest.raises(ValueError, match="between 0 and 2; 3 was given"):
        to_channel(network, 0, 3)
    for eps in (0.0, np.nan):
        with pytest.raises(ValueError, match="eps -> 0 lies at infinity"):
            from_channel(module.replace(to_channel(network, 0, 2), eps=eps))


# --- the toy ----------------------------------------------------------------------------------------------------------


def test_one_neuron_of_the_toy_and_where_its_splitting_line_ends(one_neuron, limits):
    student = one_neuron.student
    assert_allclose([student.W[0, 0], student.a[0]], [1.3995541, 2.1527836], atol=5.1e-8)  # published to 7 digits
    assert one_neuron.loss == pytest.approx(0.0471160275, abs=5e-11)
    assert one_neuron.loss == pytest.approx(
        0.0471160274967, abs=1e-12
    )  # data of flavio-martinelli/channels-to-infinity
    end = limits[1]
    assert end.kind == "end of the splitting line" and end.a == 0 and not end.stable and end.point.index == 1
    assert_allclose([end.w[0], end.c, end.loss], [student.W[0, 0], student.a[0], one_neuron.loss], rtol=1e-12)
    assert 2 * end.h == pytest.approx(0.0568977, abs=5e-8)  # B
    assert end.direction == [1.0] and np.isnan(end.fourth)


@pytest.mark.parametrize("which", (0, 1))
def test_both_channels_have_the_published_numbers_and_those_of_thirty_digits(which, limits, many_digits):
    limit = limits[2 * which]
    case = STATEMENT.cases[2 * which]
    for name, digits in (("w", 6), ("a", 6), ("c", 6)):
        value = limit.w[0] if name == "w" else getattr(limit, name)
        assert value == pytest.approx(case[name], abs=0.51 * 10.0**-digits), name
    assert limit.loss == pytest.approx(case["loss"], rel=5e-9)
    assert limit.h == pytest.approx(case["h"], rel=2e-6)
    actual = [limit.w[0], limit.a, limit.c, limit.loss, limit.h]
    assert_allclose(actual, [float(value) for value in many_digits[which]], rtol=1e-10)
    assert limit.minimum and limit.stable and limit.kind == "channel" and limit.point.residual < 1e-14


def test_the_default_nodes_are_fine_enough_for_ten_digits(limits):
    for coarse, fine in zip(limits, limits_on_a_line(channel_toy(481, 9.0))):
        assert_allclose(
            [coarse.w[0], coarse.c, coarse.loss, coarse.h], [fine.w[0], fine.c, fine.loss, fine.h], rtol=1e-10
        )


def test_the_profile_of_the_limit_problem_has_the_published_stretch_where_it_attracts(limits):
    ((low, high),) = attracting_stretches(TOY)
    assert (low, high) == pytest.approx((0.799218, 3.202270), abs=5.1e-7)
    assert limit_profile(TOY, [low]).h == pytest.approx(0.0, abs=1e-15)
    profile = limit_profile(TOY, np.linspace(0.2, 5, 49)[:, None])
    assert ((profile.h > 0) == ((profile.w[:, 0] > low) & (profile.w[:, 0] < high))).all()
    assert limit_profile(TOY, [3.150432]).loss == pytest.approx(7.733325e-4, abs=5e-11)
    # everything but w is eliminated: the gradient of L0 has a w-component alone, the slope of the profile
    theta = np.column_stack([profile.w, profile.v, profile.c])
    gradient = ChannelLandscape(TOY, 2, 0.0).gradient(theta)
    assert_allclose(gradient[:, 1:], 0, atol=1e-13)
    assert_allclose(gradient[:, 0], profile.slope[:, 0], atol=1e-13)
    for limit in limits:
        at = limit_profile(TOY, limit.w)
        assert_allclose([at.loss, at.c, at.h, at.v[0]], [limit.loss, limit.c, limit.h, limit.a], atol=1e-9)


def test_the_profile_in_more_dimensions_and_with_an_output_bias():
    rng = np.random.default_rng(0)
    landscape = SampledLandscape(SOFTPLUS, rng.normal(size=(12, 2)), rng.normal(size=12), output_bias=True)
    profile = limit_profile(landscape, rng.normal(size=(2, 3, 2)))
    assert profile.loss.shape == profile.h.shape == (2, 3) and profile.slope.shape == (2, 3, 2)
    theta = np.concatenate([profile.w, profile.v, profile.c[..., None], profile.b[..., None]], axis=-1)
    limit = ChannelLandscape(landscape, 2, 0.0)
    assert_allclose(limit.value(theta), profile.loss, rtol=1e-12)
    assert_allclose(limit.gradient(theta)[..., 2:], 0, atol=1e-11)
    assert_allclose(limit.slope(theta), profile.h * np.sum(profile.v**2, axis=-1), rtol=1e-9)
    with pytest.raises(ValueError, match=r"w has d = 2 entries on its last axis; its shape is \(3,\)"):
        limit_profile(landscape, np.zeros(3))
    with pytest.raises(ValueError, match="found along a line for one input; the samples have d = 2"):
        limits_on_a_line(landscape)


def test_f2_is_the_coefficient_of_eps_squared_and_the_term_linear_in_eps_cancels():
    eps, w, q, a, c = sympy.symbols("eps w q a c")
    s = sympy.Function("s")
    pair = (c + a / eps) / 2 * s(w + eps * q) + (c - a / eps) / 2 * s(w - eps * q)
    series = sympy.series(pair, eps, 0, 4).doit().removeO()
    z = sympy.Symbol("z")
    order = [sympy.diff(s(z), z, k).subs(z, w) for k in range(4)]
    coefficients = [sympy.expand(series).coeff(eps, k) for k in range(3)]
    test = {s: sympy.Lambda(z, sympy.tanh(z) + z**5)}

    def same(left, right):
        difference = (left - right).subs(s, test[s]).doit()
        values = {w: sympy.Rational(1, 3), q: 2, a: 5, c: -7}
        return abs(sympy.N(difference.subs(values), 30)) < 1e-20

    assert same(coefficients[0], c * order[0] + a * q * order[1])
    assert same(coefficients[1], sympy.Integer(0))
    assert same(coefficients[2], c / 2 * q**2 * order[2] + a / 6 * q**3 * order[3])
    assert not same(coefficients[2], c / 2 * q**2 * order[2] - a / 6 * q**3 * order[3])


@pytest.mark.parametrize("bias, n", ((False, 2), (True, 3)))
def test_h_is_the_slope_of_the_loss_in_eps_squared(bias, n):
    rng = np.random.default_rng(3)
    landscape = SampledLandscape(TANH, rng.normal(size=(9, 2)), rng.normal(size=9), output_bias=bias)
    limit = ChannelLandscape(landscape, n, 0.0)
    theta = rng.normal(size=limit.p)
    v = limit.student(theta).v
    a = np.linalg.norm(v)
    h = channel_h(landscape, theta, v / a, a)
    assert limit.slope(theta) == pytest.approx(a**2 * h, rel=1e-12)
    point = module.ChannelPoint(
        limit.student(theta).w,
        v / a,
        1e-3,
        limit.student(theta).c,
        a,
        limit.student(theta).rest,
        limit.student(theta).b,
    )
    assert (landscape.value(from_channel(point)) - limit.value(theta)) / 1e-6 == pytest.approx(h, rel=1e-4)


# --- from a network to its limit --------------------------------------------------------------------------------------


def near_the_line(one_neuron, apart):
    line = split(one_neuron.student, 0, 2.0)
    return Network(line.W + [[apart], [-apart]], line.a)


def test_the_sign_of_the_step_off_the_line_decides_the_channel(one_neuron, limits):
    for apart, which in ((0.05, 0), (-0.05, 2)):
        network = near_the_line(one_neuron, apart)
        (found,) = channel_limits(TOY, network)
        assert found.stable and found.pair == (0, 1)
        assert_allclose(found.theta, limits[which].theta, rtol=1e-9)
        # the same function with the second neuron turned round, and with the neurons exchanged
        (turned,) = channel_limits(TOY, flip(network, 1, ERF))
        (swapped,) = channel_limits(TOY, permute(network, [1, 0]))
        for other in (turned, swapped):
            assert (other.loss, abs(other.a), other.h) == pytest.approx((found.loss, abs(found.a), found.h), rel=1e-9)


def test_from_a_plateau_there_is_no_channel_but_the_end_of_the_line(one_neuron):
    network = split(one_neuron.student, 0, 0.65)
    assert channel_limits(TOY, network) == ()  # both outgoing weights are positive
    (end,) = channel_limits(TOY, network, [(0, 1)])
    assert end.kind == "end of the splitting line" and not end.stable
    with pytest.raises(OutsideTheorem, match="no flow follows this one to infinity"):
        end.separation_at_time(1e6)
    with pytest.raises(ValueError, match="end of a splitting line, a = 0"):
        follow_channel(TOY, end, eps=0.01)


def test_a_pair_without_a_valley_is_left_out_or_said_so():
    network = Network([[1.0], [3.0]], [1.0, 1.0])
    with pytest.raises(NotConverged, match=r"the pair \(0, 1\) has a_i = a_j and no eta"):
        channel_limits(TOY, network, [(0, 1)])
    with pytest.raises(ValueError, match="a channel needs two neurons; the network has n = 1"):
        channel_limits(TOY, Network([[1.0]], [1.0]))
    with pytest.raises(ValueError, match="a PopulationLandscape has none"):
        channel_limits(PopulationLandscape(ERF, orthonormal_teacher(2, 1 + 1)), Network(np.eye(2), [1.0, -1.0]))


def test_kinks_are_outside_the_theorem():
    landscape = SampledLandscape(RELU, [[1.0], [2.0]], [1.0, -1.0])
    for ask in (
        lambda: channel_limits(landscape, Network([[1.0], [2.0]], [1.0, -1.0])),
        lambda: limit_profile(landscape, [1.0]),
        lambda: limits_on_a_line(landscape),
        lambda: to_triplet(Network(np.eye(3), np.ones(3)), 0, 1, 2).limit(RELU, np.eye(3)),
    ):
        with pytest.raises(OutsideTheorem, match=r"three derivatives .* given: relu, which has a kink at 0"):
            ask()


# --- along a channel --------------------------------------------------------------------------------------------------

EPS = np.array([0.1, 1e-2, 1e-4, 1e-6, 1e-8])


@pytest.fixture(scope="module")
def paths(limits):
    return [follow_channel(TOY, limit, EPS) for limit in (limits[0], limits[2])]


def test_channels_are_followed_to_the_eps_asked_for(paths):
    for path in paths:
        assert_allclose(path.eps, EPS, rtol=1e-13)
        assert path.residuals.max() < 1e-14
        assert_allclose([to_channel(network, 0, 1).eps for network in path.networks[:4]], EPS[:4], rtol=1e-9)
        assert_allclose(path.losses - path.limit.loss, path.gap_to_limit, atol=1e-15)


def test_the_gap_to_the_limit_is_h_eps_squared_with_all_digits(paths):
    for path in paths:
        relative = path.gap_to_limit / (path.limit.h * path.eps**2) - 1
        assert np.abs(relative[-2:]).max() < 2e-12
        assert_allclose(relative[1] / EPS[1] ** 2, path.limit.fourth / path.limit.h, rtol=1e-3)
        # with the fourth order the error is O(eps^6): relative eps^4
        rest = np.abs(path.gap_to_limit / path.limit.gap_at_eps(path.eps) - 1)
        assert rest[0] < 3e-4 and rest[1] < 3e-8 and rest[2:].max() < 1e-12
        assert rest[0] / rest[1] == pytest.approx(1e4, rel=0.2)


def test_the_sharpness_approaches_its_law_for_erf_in_closed_form(paths):
    for path, published in zip(paths, (None, 0.283477)):
        limit = path.limit
        closed = limit.a**2 * 2 / np.pi * (1 + 2 * limit.w[0] ** 2) ** -1.5
        assert limit.a**2 * limit.gram == pytest.approx(closed, rel=1e-12)
        if published:
            assert closed == pytest.approx(published, abs=5e-7)
        assert_allclose(path.sharpness[1:], limit.sharpness_at_eps(EPS[1:]), rtol=1e-3)
        assert_allclose(path.sharpness[2:], limit.sharpness_at_eps(EPS[2:]), rtol=1e-7)
        rate = 2 / path.sharpness[2]
        assert limit.edge_of_stability(rate) == pytest.approx(EPS[2], rel=1e-7)


def test_the_original_hessian_in_channel_coordinates_is_the_original_hessian(paths):
    for path in paths:
        matrix, jacobian = path._in_channel[0][0], path._in_channel[1][0]
        inverse = np.linalg.inv(jacobian)
        hessian = TOY.hessian(path.networks[0])
        assert_allclose(inverse.T @ matrix @ inverse, hessian, atol=1e-11 * np.abs(hessian).max())
        assert path.softest[0] == pytest.approx(np.linalg.eigvalsh(hessian)[0], rel=1e-7)
        assert path.index.tolist() == [0] * len(EPS)
        law = 12 * path.limit.h * path.limit.a**2 * path.inverse_gaps**4
        assert_allclose(path.softest[1:], law[1:], rtol=1e-3)
        assert_allclose(path.softest[3:], law[3:], rtol=1e-11)  # where the eigenvalues span 32 decades and more


def test_the_softest_eigenvalue_is_that_of_sixty_digits(paths):
    path = paths[1]
    with mpmath.workdps(60):
        w, v, c = (mpmath.mpf(value) for value in path.theta[2])
        eta = mpmath.mpf(path.inverse_gaps[2])
        W, a = (w + eta * v, w - eta * v), ((c + 1 / eta) / 2, (c - 1 / eta) / 2)
        matrix = mpmath.zeros(4)
        for x, m, y in zip(TOY.X[:, 0], TOY.weights, TOY.y):
            x, s = mpmath.mpf(float(x)), [[sigma(u * mpmath.mpf(float(x)), k) for k in range(3)] for u in W]
            rest = sum(out * values[0] for out, values in zip(a, s)) - mpmath.mpf(float(y))
            first = [a[0] * s[0][1] * x, a[1] * s[1][1] * x, s[0][0], s[1][0]]
            for i in range(4):
                for j in range(4):
                    matrix[i, j] += 2 * mpmath.mpf(float(m)) * first[i] * first[j]
            for i in range(2):
                matrix[i, i] += 2 * mpmath.mpf(float(m)) * rest * a[i] * s[i][2] * x**2
                matrix[i, i + 2] += 2 * mpmath.mpf(float(m)) * rest * s[i][1] * x
                matrix[i + 2, i] = matrix[i, i + 2]
        values = mpmath.eigsy(matrix, eigvals_only=True)
        assert path.softest[2] == pytest.approx(float(min(values)), rel=1e-8)
        assert path.sharpness[2] == pytest.approx(float(max(values)), rel=1e-8)


def test_along_the_splitting_line_the_channel_hessian_has_the_line_as_a_zero_mode(one_neuron, limits):
    path = follow_channel(TOY, limits[1], inverse_gaps=[0.2, 1.2])
    assert_allclose(path.gap_to_limit, 0, atol=1e-17)
    assert_array_equal(path.eps < 1e-12, True)
    assert path._in_channel[0][0][-1, -1] == pytest.approx(0.0, abs=1e-12)
    # gamma(1 - gamma) B < 0 beyond the plateau |a_i - a_j| < a*, > 0 within
    lowest = [
        np.linalg.eigvalsh(channel_hessian(path._at(k), theta)[0][:3, :3])[0] for k, theta in enumerate(path.theta)
    ]
    assert lowest[0] < 0 < lowest[1]


def test_a_channel_is_followed_from_a_network_and_says_where_it_ends(one_neuron, limits):
    path = follow_channel(TOY, near_the_line(one_neuron, 0.05))
    assert_allclose(path.limit.theta, limits[0].theta, rtol=1e-9)
    assert (path.eps.min(), path.eps.max()) == pytest.approx((1e-8, 0.1)) and len(path.networks) == 25
    assert repr(path).startswith("ChannelPath(25 points, eps from 1e-8 to 0.1, to ChannelLimit(channel, loss=0.0423722")
    with pytest.raises(NotConverged, match=r"the channel was lost at eta = .* ask for smaller ones"):
        follow_channel(TOY, limits[0], eps=50.0)
    with pytest.raises(ValueError, match="eps or inverse_gaps, and both were given"):
        follow_channel(TOY, limits[0], eps=0.1, inverse_gaps=0.1)
    for eps in (0.0, -0.1, np.nan, []):
        with pytest.raises(ValueError, match="eps must be positive finite numbers"):
            follow_channel(TOY, limits[0], eps=eps)
    with pytest.raises(ValueError, match="inverse_gaps = 0 is the limit itself"):
        follow_channel(TOY, limits[0], inverse_gaps=[0.1, 0.0])
    with pytest.raises(ValueError, match="eta = 0; take a ChannelLandscape"):
        channel_hessian(limits[0].landscape, limits[0].theta)


def test_the_jump_procedure_comes_as_far_as_its_halvings(one_neuron, limits):
    networks = jump_procedure(TOY, near_the_line(one_neuron, -0.05), (0, 1), halvings=7, time=100.0)
    points = [to_channel(network, 0, 1) for network in networks]
    assert 100 < 1 / points[-1].eps < 500 < 1e8  # the path above has 1/eps = 1e8
    gap = float(TOY.value(networks[-1])) - limits[2].loss
    assert gap / points[-1].eps ** 2 == pytest.approx(0.001015, abs=1e-6)


# --- in time ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flow(one_neuron):
    """From the line at gamma = 2, a hundredth along its direction of descent to both sides, to t = 1e12."""
    line = split(one_neuron.student, 0, 2.0)
    down = np.linalg.eigh(TOY.hessian(line))[1][:, 0]
    down *= np.sign(down[0] - down[1])  # w_1 > w_2: channel 1
    return gradient_flow(TOY, line.theta + 1e-2 * np.array([[1], [-1]]) * down, 1e12, limit=1e6, **LOOSE)


def test_the_flow_reaches_the_published_numbers_at_1e12(flow, limits):
    assert flow.reason.tolist() == ["time", "time"]
    for theta, limit, published, predicted, gap in zip(
        flow.theta, (limits[0], limits[2]), (710.037, 910.861), (710.032, 910.840), (3.1509e-8, 5.1850e-8)
    ):
        distance = abs(theta[2] - theta[3])
        assert distance == pytest.approx(published, rel=1e-4)
        assert limit.separation_at_time(1e12) == pytest.approx(predicted, abs=1e-3)
        assert limit.eps_at_time(1e12) == pytest.approx(abs(limit.a) / predicted, rel=1e-5)
        channel, start = ChannelLandscape.from_network(TOY, Network.from_theta(theta, 2, 1), 0, 1)
        excess = channel.excess(start, limit.theta)
        assert excess == pytest.approx(gap, rel=1e-4)
        assert excess == pytest.approx(limit.gap_at_time(1e12), rel=1e-4)
        assert excess == pytest.approx(limit.h * limit.a**2 / distance**2, rel=5e-5)


def test_the_local_exponents_are_a_quarter_and_minus_a_half(flow, limits):
    students = flow.at(np.array([1e11, 1e12]))
    for path, limit in zip(students, (limits[0], limits[2])):
        distance = np.abs(path[:, 2] - path[:, 3])
        gap = TOY.value(path) - limit.loss
        assert np.log10(distance[1] / distance[0]) == pytest.approx(0.25, abs=5e-5)
        assert np.log10(gap[1] / gap[0]) == pytest.approx(-0.5, abs=5e-5)


def test_on_the_way_the_softest_eigenvalue_is_three_quarters_over_t(flow, limits):
    for path, published in zip(flow.at(np.array([1e6])), (None, (29.399, 5.09e-5, 7.43e-7))):
        lowest = np.linalg.eigvalsh(TOY.hessian(path[0]))[0]
        assert lowest == pytest.approx(softest_at_time(1e6), rel=0.03)
        if published:
            assert abs(path[0, 2] - path[0, 3]) == pytest.approx(published[0], rel=1e-4)
            assert TOY.value(path[0]) - limits[2].loss == pytest.approx(published[1], rel=2e-3)
            assert lowest == pytest.approx(published[2], rel=2e-3)


# --- more neurons, data -----------------------------------------------------------------------------------------------


def test_a_channel_of_four_neurons_with_biases_on_data():
    """12 x 12 points of the log-Rosenbrock function, softplus 2-4-1 with biases, Glorot start of seed 0."""
    line = np.linspace(-np.sqrt(3), np.sqrt(3), 12)
    x, y = (grid.ravel() for grid in np.meshgrid(line, line, indexing="ij"))
    target = np.log10(3 * (y + 1 - x**2) ** 2 + (1 - x) ** 2 + 0.1)
    target = (target - target.mean()) / target.std()
    landscape = SampledLandscape(SOFTPLUS, np.column_stack([x, y, np.ones(144)]), target, output_bias=True)
    rng = np.random.default_rng(0)
    W = np.column_stack([rng.normal(size=(4, 2)) * np.sqrt(2 / 6), np.zeros(4)])
    start = BiasedNetwork(W, rng.normal(size=4) * np.sqrt(2 / 5))
    flow = gradient_flow(landscape, start, 1e6, endpoint_only=True)
    assert flow.loss == pytest.approx(0.068806, abs=5e-6)
    (limit,) = channel_limits(landscape, flow.end, [(0, 2)])
    assert limit.stable and limit.rest.n == 2 and limit.b is not None and limit.point.residual < 1e-12
    path = follow_channel(landscape, limit, [1e-2, 1e-4])
    assert_allclose(path.gap_to_limit, limit.gap_at_eps(path.eps), rtol=1e-9)
    assert_allclose(path.softest[1], 12 * limit.h * limit.a**2 * path.inverse_gaps[1] ** 4, rtol=1e-6)
    assert_allclose(path.sharpness[1], limit.sharpness_at_eps(1e-4), rtol=1e-6)
    inverse = np.linalg.inv(path._in_channel[1][0])
    hessian = landscape.hessian(path.networks[0])
    assert_allclose(inverse.T @ path._in_channel[0][0] @ inverse, hessian, atol=1e-8 * np.abs(hessian).max())


@pytest.mark.parametrize("name", ("erf", "softplus", "exp"))
def test_three_neurons_that_meet_are_gated_by_the_second_derivative(name):
    rng = np.random.default_rng(5)
    X, omega, alpha = rng.normal(size=(7, 2)), rng.normal(size=(3, 2)), rng.normal(size=3)
    omega[1] /= np.linalg.norm(omega[1])
    sigma_of = SIGMA[name]
    z = X @ omega[0] / np.sqrt(3)
    written = np.sqrt(3) * alpha[0] * sigma_of(z, 0) + (alpha[1] * X @ omega[1] + alpha[2] * X @ omega[2]) * sigma_of(
        z, 1
    )
    written += alpha[2] / (2 * np.sqrt(6)) * (X @ omega[1]) ** 2 * sigma_of(z, 2)
    errors = []
    for eps in (1e-2, 1e-3):
        triplet = ChannelTriplet(omega, alpha, eps)
        network = from_triplet(triplet)
        assert_allclose(triplet.limit(ACTIVATIONS[name], X), written, rtol=1e-12)
        errors.append(np.abs(sigma_of(X @ network.W.T, 0) @ network.a - written).max())
        back = to_triplet(network, 0, 1, 2)
        assert back.eps == pytest.approx(eps, rel=1e-9)
        assert_allclose(back.omega, omega, atol=1e-8)
        assert_allclose(back.alpha, alpha, atol=1e-8)
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.02)
    assert errors[0] < 20e-4
    with pytest.raises(ValueError, match="three different neurons"):
        to_triplet(network, 0, 1, 1)
    with pytest.raises(ValueError, match="neurons 0 and 2 have the same w"):
        to_triplet(Network([[1.0], [2.0], [1.0]], [1.0, 1.0, 1.0]), 0, 1, 2)
    with pytest.raises(ValueError, match="a network has eps != 0"):
        from_triplet(module.replace(triplet, eps=0.0))


def test_two_neurons_in_the_form_of_the_paper_are_the_pair():
    """u0 = (1, 1)/sqrt 2, u1 = (1, -1)/sqrt 2: c = sqrt 2 alpha0, a = alpha1, w = omega0/sqrt 2, Delta = omega1, eps' = eps/sqrt 2."""
    network = Network([[1.0, 2.0], [0.5, 2.2]], [3.0, -1.0])
    patterns = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    omega, alpha = patterns @ network.W, patterns @ network.a
    eps = np.linalg.norm(omega[1])
    point = to_channel(network, 0, 1)
    assert_allclose(point.w, omega[0] / np.sqrt(2))
    assert_allclose(point.direction, omega[1] / eps)
    assert (point.c, point.a) == pytest.approx((np.sqrt(2) * alpha[0], eps * alpha[1]))
    assert point.eps == pytest.approx(eps / np.sqrt(2))


# --- the statement ----------------------------------------------------------------------------------------------------


def test_the_statement_has_the_channels_of_the_toy(limits):
    teacher = Network([[5.0, 2.5], [5.0, -2.5]], [1.0, 1.0])
    assert STATEMENT.applies(ERF, teacher)
    points = STATEMENT.point(ERF, teacher)
    assert [point.statement for point in points] == ["channels"] * 2
    for point, limit in zip(points, (limits[0], limits[2])):
        assert_allclose(point.student.theta, limit.theta, rtol=1e-9)
        assert point.kind == "minimum"
    assert [limit.kind for limit in limits] == [case["kind"] for case in STATEMENT.cases]


def test_a_minimum_of_the_limit_problem_with_negative_h_repels():
    landscape = teacher_on_a_line(ERF, Network([[1.0], [3.0]], [1.0, -1.0]))
    (limit,) = limits_on_a_line(landscape)
    assert isinstance(limit, ChannelLimit) and limit.minimum and limit.kind == "repelling" and not limit.stable
    # the flow comes back: from far out in the valley it leaves eps small behind
    path = follow_channel(landscape, limit, eps=0.2)
    assert path.gap_to_limit < 0
    flow = gradient_flow(landscape, path.networks[0], 1e5)
    ends = [to_channel(Network.from_theta(theta, 2, 1), 0, 1).eps for theta in (flow.start, flow.theta)]
    assert ends[1] > 1.2 * ends[0] and flow.loss < limit.loss
