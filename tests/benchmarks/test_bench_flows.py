"""Gradient flow of 100 erf students (n, k, d) = (4, 6, 6) from Glorot starts, against SciPy's LSODA and diffrax.

Paths are compared at equal accuracy: the peer keeps its usual tolerances, its error along the path is measured against a reference, and
ours runs at the loosest tolerance (by factors of 10^(1/4)) whose error along the same times is no larger. So the ratio printed is at
least the one at equal path accuracy; both errors stand beside it. End points are compared at the same residual and in the same minimum.
"""

from functools import cache
from time import perf_counter

import numpy as np
import pytest
from benchmarks.conftest import best_time
from benchmarks.peers import closed_form
from numpy.testing import assert_allclose
from scipy.integrate import LSODA, solve_ivp

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.flows import gradient_flow
from landscape_nb.landscapes.population import PopulationLandscape
from landscape_nb.networks import orthonormal_teacher

N, K, D = 4, 6, 6
SEEDS = 100
SOME = 10  # of the seeds, for peers that take them one by one
LANDSCAPE = PopulationLandscape(ACTIVATIONS["erf"], orthonormal_teacher(K, D))
TIMES = np.concatenate([[0.0], np.geomspace(1e-2, 1e4, 40)])


def start(seed):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(N, D)) * np.sqrt(2 / (D + N))
    return np.concatenate([W.ravel(), rng.normal(size=N) * np.sqrt(2 / (N + 1))])


STARTS = np.array([start(seed) for seed in range(SEEDS)])


def down(t, theta):
    return -LANDSCAPE.gradient(theta)


def jacobian(t, theta):
    return -LANDSCAPE.hessian(theta)


def lsoda_to_the_end(theta):
    """SciPy's LSODA with the exact Hessian until max |grad L| < 1e-10; at most the student."""
    solver = LSODA(down, 0.0, theta, 1e9, rtol=1e-7, atol=1e-12, jac=jacobian)
    while solver.status == "running" and np.abs(LANDSCAPE.gradient(solver.y)).max() >= 1e-10:
        solver.step()
    return solver.y


def lsoda_path(theta, rtol, atol):
    return solve_ivp(down, (0, TIMES[-1]), theta, "LSODA", TIMES, rtol=rtol, atol=atol, jac=jacobian).y.T


@cache
def reference():
    """Paths of some seeds, five digits tighter than those compared."""
    return np.array([lsoda_path(theta, 1e-12, 1e-14) for theta in STARTS[:SOME]])


def error(paths):
    """The largest error along each path, median over the seeds: times at which a saddle is left are ill-conditioned for few."""
    return float(np.median(np.abs(paths[:SOME] - reference()).max(axis=(-2, -1))))


def test_end_points(record):
    begin = perf_counter()
    theirs = np.array([lsoda_to_the_end(theta) for theta in STARTS])
    taken = perf_counter() - begin
    flow = gradient_flow(LANDSCAPE, STARTS, endpoint_only=True)
    assert (flow.reason == "converged").all() and flow.residual.max() < 1e-10
    same = np.abs(flow.theta - theirs).max(axis=-1) < 1e-5
    record(
        f"{SEEDS} seeds to |grad| < 1e-10, {np.mean(same):.0%} in LSODA's minimum",
        best_time(lambda: gradient_flow(LANDSCAPE, STARTS[same], endpoint_only=True), rounds=3),
        "LSODA with the exact Hessian",
        taken * np.mean(same),
        asked=40,
    )
    assert same.mean() > 0.95


def ours_at(target):
    """Our flow at the loosest tolerance (by factors of 10^(1/4)) whose error does not exceed the target."""
    for rtol in 10.0 ** -np.arange(3, 11, 0.25):
        ours = gradient_flow(LANDSCAPE, STARTS[:SOME], TIMES[-1], rtol=rtol, atol=rtol / 100, times=TIMES).students
        if error(ours) <= target:
            return rtol, error(ours)
    raise AssertionError(f"no tolerance reaches {target}")


def equal_accuracy(rtol, ours, theirs):
    return f"{SEEDS} paths to t = 1e4 at equal path accuracy: errors {ours:.1e} (rtol {rtol:.1e}), theirs {theirs:.1e}"


def test_paths_at_equal_accuracy(record):
    begin = perf_counter()
    theirs = np.array([lsoda_path(theta, 1e-7, 1e-12) for theta in STARTS[:SOME]])
    taken = (perf_counter() - begin) * SEEDS / SOME
    rtol, reached = ours_at(error(theirs))
    mine = best_time(
        lambda: gradient_flow(LANDSCAPE, STARTS, TIMES[-1], rtol=rtol, atol=rtol / 100, times=TIMES).students, rounds=3
    )
    question = equal_accuracy(rtol, reached, error(theirs))
    record(question, mine, "LSODA with the exact Hessian", taken, asked=12)


def vmapped_diffrax(save, rtol, atol):
    """starts -> students at the times saved; compiled at the first call."""
    diffrax = pytest.importorskip("diffrax")
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    v, b = jnp.asarray(LANDSCAPE.teacher.W), jnp.asarray(LANDSCAPE.teacher.a)
    gradient = jax.grad(lambda theta: closed_form(jnp, jnp.arcsin, theta, N, v, b, LANDSCAPE.constant))
    term = diffrax.ODETerm(lambda t, theta, _: -gradient(theta))

    def solve(theta):
        return diffrax.diffeqsolve(
            term,
            diffrax.Kvaerno5(),
            t0=0.0,
            t1=float(TIMES[-1]),
            dt0=1e-3,
            y0=theta,
            saveat=save(diffrax),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
            max_steps=100_000,
        ).ys

    batched = jax.jit(jax.vmap(solve))
    return lambda starts: np.asarray(batched(jnp.asarray(starts)).block_until_ready())


def seconds(function):
    """Seconds of one call: for peers that take many of them."""
    begin = perf_counter()
    function()
    return perf_counter() - begin


def test_diffrax_end_points(record):
    solve = vmapped_diffrax(lambda diffrax: diffrax.SaveAt(t1=True), 1e-4, 1e-6)
    theirs = solve(STARTS)[:, 0]  # compiles
    flow = gradient_flow(LANDSCAPE, STARTS, endpoint_only=True)
    same = np.abs(flow.theta - theirs).max(axis=-1) < 1e-3
    residual = np.abs(LANDSCAPE.gradient(theirs)).max()
    assert same.mean() > 0.9
    record(
        f"{SEEDS} end points (diffrax at rtol 1e-4: |grad| < {residual:.0e}, {np.mean(same):.0%} the same)",
        best_time(lambda: gradient_flow(LANDSCAPE, STARTS, endpoint_only=True), rounds=3),
        "diffrax Kvaerno5, vmapped",
        seconds(lambda: solve(STARTS)),
        asked=1,
    )


def test_diffrax_paths_at_equal_accuracy(record):
    solve = vmapped_diffrax(lambda diffrax: diffrax.SaveAt(ts=TIMES), 1e-6, 1e-9)
    theirs = solve(STARTS)  # compiles
    rtol, reached = ours_at(error(theirs))
    record(
        equal_accuracy(rtol, reached, error(theirs)),
        seconds(lambda: gradient_flow(LANDSCAPE, STARTS, TIMES[-1], rtol=rtol, atol=rtol / 100, times=TIMES).students),
        "diffrax Kvaerno5, vmapped",
        seconds(lambda: solve(STARTS)),
        asked=1,
    )


def test_the_errors_are_measured_against_a_reference_that_agrees_with_itself():
    tight = gradient_flow(LANDSCAPE, STARTS[:SOME], TIMES[-1], rtol=1e-10, atol=1e-12, times=TIMES).students
    assert_allclose(error(tight), 0.0, atol=1e-8)
