"""Exponential collocation against quadrature, many-digit arithmetic and flows that are known."""

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from landscape_nb.collocation import COLLOCATION, Collocator, ExponentialCollocation, Frames, phi_functions

DEGREES = pytest.mark.parametrize(
    "method", [ExponentialCollocation(s) for s in (2, 3, 6, 8)], ids=lambda method: method.name
)


def test_phi_functions_keep_their_digits_from_growth_to_stiffness():
    z = np.concatenate([-np.geomspace(1e-3, 5.0, 20), [0.0], np.geomspace(1e-12, 1e9, 60), [1.4999999, 1.5, 1.5000001]])
    computed = phi_functions(z, 9)
    with mpmath.workdps(150):
        for i, number in enumerate(z):
            x = mpmath.mpf(-float(number))
            for k in range(1, 10):
                exact = (
                    (mpmath.exp(x) - sum(x**j / mpmath.factorial(j) for j in range(k))) / x**k
                    if x
                    else 1 / mpmath.factorial(k)
                )
                assert abs(computed[k - 1, i] / exact - 1) < 2e-11, (number, k)


@DEGREES
def test_the_moments_are_integrals_of_monomials_against_the_decay(method):
    u, weights = np.polynomial.legendre.leggauss(60)
    z = np.array([-1.0, 0.0, 1e-3, 0.7, 3.0, 40.0])
    moments = method.moments(z)
    for i, x in enumerate(method.nodes[1:]):
        points, measure = 0.5 * x * (u + 1), 0.5 * x * weights
        for m in range(method.degree + 1):
            exact = np.sum(measure * np.exp(-z[:, None] * (x - points)) * points**m, axis=1)
            assert_allclose(moments[m, i], exact, rtol=1e-10, atol=1e-15)
    assert_array_equal(method.moments(z, np.full(6, method.nodes[2]))[:, :], moments[:, 1])


@DEGREES
def test_the_nodes_are_those_of_lobatto_and_their_rule_integrates_to_degree_2s_minus_1(method):
    s = method.degree
    rule = method.moments(np.zeros(1))[:, -1, 0] @ np.linalg.inv(np.vander(method.nodes, increasing=True))
    for power in range(2 * s):
        assert abs(rule @ method.nodes**power - 1 / (power + 1)) < 1e-11
    assert abs(rule @ method.nodes ** (2 * s) - 1 / (2 * s + 1)) > 1e-10


@DEGREES
def test_the_doubt_is_the_difference_to_the_polynomial_without_the_middle_node(method):
    rng = np.random.default_rng(1)
    forces, h = rng.normal(size=(method.degree + 1, 3, 2)), np.array([0.1, 1.0, 5.0])
    z = h[:, None] * np.array([-0.1, 2.0])
    moments, polynomial = method.moments(z), method.polynomial(forces)
    rest = np.delete(np.arange(method.degree + 1), method.degree // 2)
    lower = np.zeros_like(polynomial)
    lower[:-1] = np.tensordot(np.linalg.inv(np.vander(method.nodes[rest], increasing=True)), forces[rest], 1)
    difference = method.travelled(moments, polynomial, h) - method.travelled(moments, lower, h)
    assert_allclose(method.doubt(moments, polynomial, h), difference, rtol=1e-7, atol=1e-10)


def test_degrees_whose_monomials_lose_digits_are_refused():
    with pytest.raises(ValueError, match="one of 2 to 8"):
        ExponentialCollocation(9)


# steps ----------------------------------------------------------------------------------------------------------------


def collocator(gradient, hessian, method=COLLOCATION, reach=1.0):
    return Collocator(method, gradient, lambda y: np.linalg.eigh(hessian(y)), True, reach)


def one_step(gradient, hessian, y, h, method=COLLOCATION, tolerance=1e-9):
    """The step from y (p,) with new modes, and the frames and all modes after it."""
    y = np.atleast_2d(y)
    steps = collocator(gradient, hessian, method)
    frames = Frames.none(*y.shape, method)
    steps.renew(frames, np.arange(len(y)), y)
    return steps.step(frames, y, gradient(y), np.full(len(y), h), np.full(y.shape, tolerance)), frames, steps


def test_a_linear_flow_is_exact_in_one_step_however_stiff_or_unstable():
    rng = np.random.default_rng(2)
    Q = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    rates = np.array([-0.3, 0.0, 1e-3, 2.0, 1e6])
    H, y = Q * rates @ Q.T, rng.normal(size=5)
    step, _, steps = one_step(lambda x: x @ H, lambda x: np.broadcast_to(H, (len(x), 5, 5)), y, 3.0)
    assert not step.failed[0] and step.error[0] < 1 and not step.renewed[0] and steps.made == 1
    assert_allclose(step.new[0], Q @ (np.exp(-3.0 * rates) * (Q.T @ y)), rtol=0, atol=1e-9)


def cubic(y):
    return y**3 - y


def curvature(y):
    return (3 * y**2 - 1)[..., None]


def height(y, t):
    """y' = y - y^3 from y."""
    return y * np.exp(t) / np.sqrt(1 + y**2 * np.expm1(2 * t))


@pytest.mark.parametrize("degree", [2, 3])
def test_the_end_of_a_step_has_twice_the_order_of_the_degree_at_least(degree):
    sizes = np.array([0.4, 0.2, 0.1])
    method = ExponentialCollocation(degree)
    errors = [abs(one_step(cubic, curvature, [0.4], h, method, 1e-14)[0].new[0, 0] - height(0.4, h)) for h in sizes]
    assert (np.diff(np.log(errors)) / np.diff(np.log(sizes)) > 2 * degree + 0.5).all()


def test_the_estimate_is_above_the_error():
    for h in (0.5, 0.25, 0.125):
        step, _, _ = one_step(cubic, curvature, [0.4], h, tolerance=1e-12)
        assert abs(step.new[0, 0] - height(0.4, h)) < 1e-12 * step.error[0] + 1e-15


def test_old_modes_serve_as_long_as_they_contract_and_new_ones_are_made_from_the_middle():
    asked = []

    def hessian(y):
        asked.append(y.copy())
        return curvature(y)

    short, _, steps = one_step(cubic, hessian, [0.4], 0.05, tolerance=1e-6)
    assert not short.failed[0] and not short.renewed[0] and steps.made == 1
    asked.clear()
    long, frames, steps = one_step(cubic, hessian, [0.4], 1.5, tolerance=1e-9)
    assert long.renewed[0] and steps.made == 2 and frames.number[0] == 1
    assert abs(asked[1][0, 0] - height(0.4, 0.75)) < 0.1  # the second Hessian, from the middle of the step
    assert abs(long.new[0, 0] - height(0.4, 1.5)) < 1e-9 * max(long.error[0], 1)
    assert_array_equal(steps.all_modes, np.ones((2, 1, 1)))


def test_a_step_that_does_not_settle_fails_and_stays_where_it_was():
    step, frames, _ = one_step(cubic, lambda y: 0 * curvature(y) + 5.0, [3.0], 2.0)
    assert step.failed[0] and np.isnan(step.error[0]) and frames.number[0] == -1
    assert_array_equal(step.new, [[3.0]])


def test_a_step_depends_on_no_other_student():
    y = np.array([[0.4], [3.0], [-0.2], [1e-8]])
    together, _, _ = one_step(cubic, curvature, y, 0.8)
    for i in range(4):
        alone, _, _ = one_step(cubic, curvature, y[i], 0.8)
        assert_array_equal(alone.new[0], together.new[i])
        assert_array_equal(alone.error[0], together.error[i])


def test_the_forces_of_the_next_step_are_expected_from_those_of_the_last():
    h, y = 0.2, np.array([[0.4]])
    step, frames, steps = one_step(cubic, curvature, y, h, tolerance=1e-6)
    frames.remember(np.array([True]), step, np.array([h]))
    force = cubic(step.new) * frames.modes[0]
    expected = steps._expected(frames, force, np.array([h]))
    moved = frames.modes[0] * (height(0.4, h + h * COLLOCATION.nodes[:, None]) - step.new[0])
    exact = frames.modes[0] * cubic(step.new[0] + frames.modes[0] * moved) - frames.values[0] * moved
    assert_allclose(expected[:, 0], exact, rtol=0, atol=1e-2 * np.abs(exact - exact[0]).max())
    far = steps._expected(frames, force, np.array([10 * h]))
    assert_array_equal(far[:, 0], np.repeat(force, len(far), axis=0))
