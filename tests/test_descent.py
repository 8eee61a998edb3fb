"""Discrete optimisers in the toy of the channels paper: descent stops at the edge of stability, SciPy reports success inside channels."""

import numpy as np
import pytest
from scipy.special import erf

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.descent import gradient_descent, is_at_a_minimum, optimiser_endings
from landscape_nb.flows import Interrupted
from landscape_nb.landscapes import PopulationLandscape, SampledLandscape, gaussian_line
from landscape_nb.networks import Network, orthonormal_teacher

# one neuron, and the losses at the ends of both channels: the channels paper's toy
W_ONE, A_ONE = 1.3995541, 2.1527836
CHANNELS = {1: 0.0423721520, 2: 0.00077333254}


def toy():
    x, weights = gaussian_line()
    y = erf((5 * x + 2.5) / np.sqrt(2)) + erf((5 * x - 2.5) / np.sqrt(2))
    return SampledLandscape(ACTIVATIONS["erf"], x[:, None], y, weights)


TOY = toy()


# gradient descent -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def descents():
    """Channel 1 with the rate .4, a rate that does not reach the edge, and one that is too large for the start."""
    line = np.array([W_ONE, W_ONE, 1.5 * A_ONE, -0.5 * A_ONE])
    down = np.linalg.eigh(TOY.hessian(line))[1][:, 0]
    start = line + 0.3 * np.sign(down[0] - down[1]) * down
    return gradient_descent(TOY, start, [0.4, 0.1, 40.0], 6000)


def test_descent_in_a_channel_ends_at_the_edge_of_stability(descents):
    assert descents.reason[0] == "steps"
    assert descents.edge[0] == pytest.approx(1.0005, abs=1e-4)  # theory: 1.0005
    eps = [abs(student[0] - student[1]) / 2 for student in (descents.theta[0], descents.previous[0])]
    assert min(eps) == pytest.approx(0.286, abs=1e-3)  # theory: eps = .286, at one end of the oscillation
    # the asymptotic law says .268: |a| sqrt(rate lambda/2) with lambda = <s'^2 x^2> = (2/pi) (1 + 2 w^2)^(-3/2)
    law = 1.496685 * np.sqrt(0.2 * 2 / np.pi * (1 + 2 * 0.866296**2) ** -1.5)
    assert law == pytest.approx(0.2685, abs=1e-4)
    assert np.mean(eps) == pytest.approx(law, rel=0.15)
    assert abs(descents.theta[0, 2] - descents.theta[0, 3]) > 5 and descents.loss[0] > CHANNELS[1] + 1e-3
    assert "at the edge of stability after 6000 steps" in descents.sentence[0]


def test_the_two_last_students_are_the_two_ends_of_one_oscillation(descents):
    once_more = descents.theta[0] - 0.4 * TOY.gradient(descents.theta[0])
    across = np.abs(descents.theta[0] - descents.previous[0]).max()
    assert np.abs(once_more - descents.previous[0]).max() < 0.02 * across
    ends = [0.2 * np.linalg.eigvalsh(TOY.hessian(one))[-1] for one in (descents.theta[0], descents.previous[0])]
    assert max(ends) > 1.004 and min(ends) < 0.997
    assert np.mean(ends) == pytest.approx(descents.edge[0], rel=1e-12)


def test_a_small_rate_follows_the_flow_and_is_still_on_its_way(descents):
    from landscape_nb.flows import gradient_flow

    assert descents.edge[1] < 0.9
    assert descents.sentence[1].startswith("on its way after 6000 steps")
    flow = gradient_flow(TOY, descents.students[1, 0], 600.0, endpoint_only=True, rtol=1e-6, atol=1e-8)
    assert np.abs(flow.theta - descents.theta[1]).max() < 1e-3


def test_a_rate_that_is_too_large_diverges(descents):
    assert descents.reason[2] == "diverging" and descents.taken[2] < 6000
    assert "the weights grew without bound" in descents.sentence[2]


def test_what_is_recorded_is_the_path(descents):
    assert descents.recorded[0] == 0 and descents.recorded[-1] == 6000
    assert descents.students.shape == (3, descents.recorded.size, 4)
    assert np.array_equal(descents.losses[:2], TOY.value(descents.students[:2]))
    assert (np.diff(descents.losses[1]) < 0).all()
    assert np.allclose(descents.sharpness[0, 0], np.linalg.eigvalsh(TOY.hessian(descents.students[0, 0]))[-1])
    assert np.array_equal(descents.students[0, -1], descents.theta[0])


def test_each_step_is_the_formula():
    found = gradient_descent(TOY, [0.5, 1.0, -0.3, 0.8], 0.2, 3, record=[1, 2])
    theta = np.array([0.5, 1.0, -0.3, 0.8])
    assert np.array_equal(found.recorded, [0, 1, 2, 3])
    for step in range(4):
        assert np.allclose(found.students[step], theta, rtol=1e-14)
        theta = theta - 0.2 * TOY.gradient(theta)


def test_descent_to_a_strict_minimum_converges_and_says_so():
    found = gradient_descent(TOY, Network([[W_ONE + 0.1]], [A_ONE]), 0.5, 5000)
    assert found.reason == "converged" and found.residual <= 1e-10 and found.taken < 1000
    assert found.end.W[0, 0] == pytest.approx(W_ONE, abs=1e-7)
    assert found.sentence.startswith("converged after ")
    assert repr(found) == "Descent(1 converged)"


def test_students_and_rates_broadcast_and_do_not_disturb_each_other():
    starts = np.array([[1.0, 0.5], [2.0, 1.0]])
    together = gradient_descent(TOY, starts[:, None, :], [0.1, 0.3], 20)
    assert together.theta.shape == (2, 2, 2) and together.rate.shape == (2, 2)
    alone = gradient_descent(TOY, starts[1], 0.3, 20)
    assert np.allclose(together.theta[1, 1], alone.theta, rtol=1e-13)


def test_a_population_descends_too():
    landscape = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(2, 3))
    found = gradient_descent(landscape, Network([[0.5, 0.4, 0.1]], [1.5]), 0.5, 3000)
    assert found.reason == "converged"
    assert found.end.a[0] == pytest.approx(2.0, abs=1e-8)  # the copy-average of two: a = 2


def test_an_interrupted_descent_comes_back():
    def stop(share):
        if share > 0:
            raise Interrupted

    found = gradient_descent(TOY, [0.5, 1.0], 0.01, 5000, progress=stop)
    assert found.reason == "interrupted" and found.taken == 256


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"rate": 0.0}, "rate is a finite number > 0"),
        ({"rate": "fast"}, "rate is a finite number > 0"),
        ({"rate": np.ones(3), "students": np.ones((2, 4))}, "do not broadcast against students"),
        ({"steps": 0}, "steps is a whole number of at least 1"),
        ({"record": 1}, "record is the number of recorded steps, at least 2"),
        ({"record": [7, 11]}, "numbers of steps between 0 and 10"),
        ({"tolerance": -1.0}, "tolerance must be a number > 0"),
        ({"students": Network([[1.0, 2.0]], [1.0])}, "input dimension 2"),
    ],
)
def test_what_makes_no_sense_is_refused(change, sentence):
    arguments = {"students": np.ones(4), "rate": 0.1, "steps": 10, **change}
    with pytest.raises(ValueError, match=sentence):
        gradient_descent(TOY, **arguments)


# what SciPy says ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[1, 2])
def endings(request):
    side = 0.3 if request.param == 1 else -0.3
    start = Network([[W_ONE + side], [W_ONE - side]], [2 * A_ONE, -A_ONE])
    return request.param, optimiser_endings(TOY, start, limit=CHANNELS[request.param])


def test_optimisers_report_success_and_none_is_at_a_minimum(endings):
    _, rows = endings
    assert [row.method for row in rows] == ["BFGS", "CG", "L-BFGS-B", "trust-ncg"]
    assert all(
        row.success for row in rows[1:]
    )  # what BFGS says depends on the last digits: success from about half of the starts
    assert all(row.message for row in rows)
    assert not any(row.minimum for row in rows)
    assert repr(rows).endswith("report success, 0 at a minimum)")


def test_all_stopped_inside_the_channel_above_its_end(endings):
    channel, rows = endings
    h, a = {1: (0.00709138, 1.496685), 2: (0.00101470, 6.511116)}[channel]
    for row in rows:
        assert 5 < row.gap < 1e4
        assert row.residual < 1e-2
        # L - L_inf = h a^2/s^2 is what is left of the channel once the fast modes are at rest
        assert 0.5 * h * a**2 / row.gap**2 < row.above < 1e-3
        assert abs(row.lowest) < 1e-4 < row.highest
        assert row.gap / np.sqrt(2) < row.norm < row.gap  # |(s/2, -s/2)| = s/sqrt 2, and a little more
    assert rows[0].gap > 40 and rows[2].gap > 40


def test_the_table_is_words_and_bounds(endings):
    assert endings[1].table(unsure=("BFGS",)).splitlines() == [
        "method     SciPy says           at a minimum  |a_i - a_j|  max |grad L|  loss above the limit",
        "---------  -------------------  ------------  -----------  ------------  --------------------",
        "BFGS       depends on rounding  no            > 10         < 1e-2        < 1e-3",
        "CG         success              no            > 10         < 1e-2        < 1e-3",
        "L-BFGS-B   success              no            > 10         < 1e-2        < 1e-3",
        "trust-ncg  success              no            > 10         < 1e-2        < 1e-3",
    ]


def test_where_a_minimum_is_found_the_table_says_so():
    rows = optimiser_endings(TOY, Network([[W_ONE + 0.1], [W_ONE - 0.1]], [1.0, 1.0]), ("BFGS", "Newton-CG"))
    assert all(row.success and row.minimum for row in rows)  # on the plateau 0 < gamma < 1
    assert all(row.loss == pytest.approx(0.0471160275, abs=1e-8) for row in rows)
    assert rows[0].above is None and "loss above" not in rows.table()


def test_the_end_of_a_channel_is_no_minimum_however_small_its_gradient():
    eps = 1e-3
    w, a, c = 0.866296, 1.496685, 1.667556
    deep = np.array([w + eps, w - eps, (c + a / eps) / 2, (c - a / eps) / 2])
    plateau = np.array([W_ONE, W_ONE, 0.4 * A_ONE, 0.6 * A_ONE])
    assert list(is_at_a_minimum(TOY, np.stack([deep, plateau, [1.0, 0.5, 1.0, 1.0]]))) == [False, True, False]


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"methods": ("Powell",)}, "methods are some of BFGS"),
        ({"methods": "BFGS"}, "methods are some of BFGS"),
        ({"pair": (0, 2)}, "two different neurons between 0 and 1"),
        ({"pair": (1, 1)}, "two different neurons"),
    ],
)
def test_unknown_optimisers_and_pairs_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        optimiser_endings(TOY, np.array([1.0, 0.5, 1.0, 1.0]), **change)
