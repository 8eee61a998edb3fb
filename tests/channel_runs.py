"""Labelled runs for the detection of channels: end points of flows, what they are, and the evidence for each label.

``python tests/channel_runs.py`` makes data/channel_runs.json anew (some minutes). No label comes from the detector: each is decided
here, from where the flow goes after the end point, from Newton's iteration, or from the construction of the student.

    channel   the flow is followed from the time t of the end point to 1000 t: of one pair of neurons the distance falls as t^(-1/4)
              and the difference of the outgoing weights grows as t^(1/4) over the last decade
    group     in the same way, all outgoing weights of a group (an output bias included) grow at one rate p, distances fall with -p/2,
              p = 1/3 in general, 1/6 where the loss falls to 0 with the residual
    diverging the flow goes on, a weight grows, and no pair does both
    minimum   Newton's iteration converges beside the end point, and all eigenvalues are positive
    plateau   the same with one zero mode, outgoing weight shared by two neurons in one place
    saddle    a critical point by construction, with a negative eigenvalue
    passing   the flow leaves: in the next decade of time the pair's eps (a_i - a_j) changes by more than a factor 2
"""

import itertools
import json
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import erf as error_function

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.critical import newton
from landscape_nb.flows import gradient_flow
from landscape_nb.landscapes import SampledLandscape, gaussian_line

FILE = Path(__file__).parent / "data" / "channel_runs.json"
SQRT2, SQRT3 = np.sqrt(2.0), np.sqrt(3.0)
PATH = {"endpoint_only": True, "rtol": 1e-5, "atol": 1e-7, "limit": 1e6}
FAR = 1e9  # beyond this time gradients are so small that only a hundredfold time is looked at


# landscapes -----------------------------------------------------------------------------------------------------------


@cache
def landscape_named(name):
    """toy; grid-softplus, grid-erf; square-tanh, ...; sines-0, sines-1, ..."""
    kind, _, rest = name.partition("-")
    if kind == "toy":
        x, weights = gaussian_line()
        y = error_function((5 * x + 2.5) / SQRT2) + error_function((5 * x - 2.5) / SQRT2)
        return SampledLandscape(ACTIVATIONS["erf"], x[:, None], y, weights)
    if kind == "grid":  # 12 x 12 points, the z-scored logarithm of the Rosenbrock function
        line = np.linspace(-SQRT3, SQRT3, 12)
        x1, x2 = (axis.ravel() for axis in np.meshgrid(line, line, indexing="ij"))
        y = np.log10(3 * (x2 + 1 - x1**2) ** 2 + (1 - x1) ** 2 + 0.1)
        return SampledLandscape(
            ACTIVATIONS[rest], np.stack([x1, x2, np.ones_like(x1)], axis=1), (y - y.mean()) / y.std(), output_bias=True
        )
    if kind == "square":
        x = np.linspace(-1, 1, 40)
        return SampledLandscape(ACTIVATIONS[rest], np.stack([x, np.ones(40)], axis=1), x**2, output_bias=True)
    # sums of six sines with random frequencies; activation, dimension and output bias by the number
    number = int(rest)
    rng = np.random.default_rng(1000 + number)
    activation = ACTIVATIONS[["erf", "tanh", "softplus", "sigmoid", "gelu"][number % 5]]
    d = 1 + number // 5 % 2
    line = np.linspace(-1.5, 1.5, 7)
    x = np.linspace(-2, 2, 40)[:, None] if d == 1 else np.array([[p, q] for p in line for q in line])
    X = np.column_stack([x, np.ones(len(x))])
    y = np.sin(X @ (2 * rng.normal(size=(6, d + 1))).T) @ rng.normal(size=6)
    return SampledLandscape(activation, X, (y - y.mean()) / y.std(), output_bias=bool(number // 10 % 2))


def runs():
    """The table: a list of rows with name, landscape, theta, label, pairs, group, bias and evidence."""
    return json.loads(FILE.read_text())["runs"]


# evidence -------------------------------------------------------------------------------------------------------------


def parts(landscape, theta):
    """W, a and b (0 where there is none) of students (..., p)."""
    n, d = theta.shape[-1] // (landscape.d + 1), landscape.d
    return theta[..., : n * d].reshape(*theta.shape[:-1], n, d), theta[..., n * d : n * d + n], theta[..., n * d + n :]


def later(landscape, theta, t, factors):
    """The students that the flow reaches from theta (at time t) at these multiples of t, theta first; None where it stops."""
    found, now = [np.asarray(theta)], t
    for factor in factors:
        flow = gradient_flow(landscape, found[-1], factor * t - now, max_steps=40_000, tolerance=1e-14, **PATH)
        if flow.reason != "time":
            return None
        found.append(np.asarray(flow.theta))
        now = factor * t
    return np.array(found)


def exponents(values):
    """Local exponents, for values at 1, 10, 100, ... times t."""
    return np.diff(np.log10(np.abs(values)), axis=0)


def motion(landscape, theta, t):
    """The label of a student whose flow goes on, with its evidence."""
    students = later(landscape, theta, t, (10, 100) if t > FAR else (10, 100, 1000))
    if students is None:
        return None
    W, a, b = parts(landscape, students)
    losses = landscape.value(students)
    loss = float(np.diff(np.log10(-np.diff(losses)))[-1])
    n = a.shape[-1]
    pairs, evidence = [], {"loss steps": round(loss, 3)}
    for i, j in itertools.combinations(range(n), 2):
        for sign in (1, -1) if landscape.activation.odd else (1,):
            distance = exponents(np.linalg.norm(W[:, i] - sign * W[:, j], axis=-1))
            gap = exponents(a[:, i] - sign * a[:, j])
            if abs(distance[-1] + 0.25) < 0.02 and abs(gap[-1] - 0.25) < 0.02:
                pairs.append([i, j])
                evidence |= {"distance": distance.round(3).tolist(), "gap": gap.round(3).tolist()}
    outgoing = np.concatenate([a, b], axis=-1)
    rates = exponents(outgoing)[-1]
    if not pairs:
        signs = np.sign(W[-1] @ W[-1][0]) if landscape.activation.odd else np.ones(n)
        spread = signs[:, None] * W
        shrink = exponents(np.linalg.norm(spread - spread.mean(axis=1, keepdims=True), axis=(-1, -2)))[-1]
        grown = outgoing.shape[-1] >= 3 and np.ptp(rates) < 0.03 and rates.min() > 0.14
        evidence |= {"outgoing": rates.round(3).tolist(), "spread": round(float(shrink), 3)}
        if grown and abs(shrink + rates.mean() / 2) < 0.02:
            return "group", [], list(range(n)), evidence
        largest = exponents(np.linalg.norm(W, axis=-1))[-1]
        evidence["incoming"] = largest.round(3).tolist()
        if max(largest.max(), np.abs(rates).max()) < 0.05:
            return None
        return "diverging", [], [], evidence
    return ("channel", pairs, [], evidence) if len(pairs) == 1 else None


def rest(landscape, theta):
    """The label of a student beside a critical point, with its evidence; None where there is none."""
    polished, residual, largest = newton(landscape, theta)
    moved = float(np.abs(polished - theta).max() / max(1.0, np.abs(theta).max()))
    if residual > 1e-12 * max(1.0, largest) or moved > 1e-4:
        return None
    values = np.linalg.eigvalsh(landscape.hessian(polished))
    evidence = {"moved": float(f"{moved:.1e}"), "eigenvalues": [float(f"{value:.3e}") for value in values[[0, 1, -1]]]}
    W, a, _ = parts(landscape, polished)
    zero = np.abs(values) < 1e-12 * values[-1]
    if values[0] < -1e-9 * values[-1]:
        return "saddle", [], [], evidence
    if not zero.any():
        return "minimum", [], [], evidence
    for i, j in itertools.combinations(range(len(a)), 2):
        for sign in (1, -1) if landscape.activation.odd else (1,):
            if np.abs(W[i] - sign * W[j]).max() < 1e-8 and zero.sum() == 1:
                return "plateau", [], [], evidence
    return None


def passing(landscape, theta, t):
    """The label of a student that the flow carries away."""
    flow = gradient_flow(landscape, theta, 9 * t, endpoint_only=True, rtol=1e-6, atol=1e-8)
    W, a, _ = parts(landscape, np.stack([theta, flow.theta]))
    size = np.linalg.norm(W[:, 0] - W[:, 1], axis=-1) * np.abs(a[:, 0] - a[:, 1])
    change = float(size[1] / size[0])
    return ("passing", [], [], {"change": round(change, 3)}) if max(change, 1 / change) > 2 else None


# the runs -------------------------------------------------------------------------------------------------------------


def normal_starts(landscape, n, seeds, scale=None):
    """W, then a from N(0, 1) or Glorot, b = 0; on the grid the input biases of Glorot are 0."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        if scale == "grid":
            W = np.column_stack([rng.normal(size=(n, 2)) * np.sqrt(2 / (2 + n)), np.zeros(n)])
            a = rng.normal(size=n) * np.sqrt(2 / (n + 1))
        else:
            W, a = rng.normal(size=(n, landscape.d)), rng.normal(size=n)
            if scale == "glorot":
                W, a = W * np.sqrt(2 / (landscape.d + n)), a * np.sqrt(2 / (n + 1))
        found.append(np.concatenate([W.ravel(), a, [0.0] * landscape.output_bias]))
    return np.array(found)


def near_the_line():
    """(name, t, theta) beside the splitting line of the toy's neuron: exactly on it, pushed off it, and on the way from it."""
    landscape = landscape_named("toy")
    one = newton(landscape, np.array([1.4, 2.15]))[0]
    for gamma in (0.65, 1.5, 2.0, 5.0):
        line = np.array([one[0], one[0], gamma * one[1], (1 - gamma) * one[1]])
        yield f"split gamma {gamma}", 0.0, line
        if gamma > 1:
            down = np.linalg.eigh(landscape.hessian(line))[1][:, 0]
            for sign in (1, -1):
                start = line + 1e-2 * sign * down
                if gamma == 2.0:
                    yield f"pushed off gamma {gamma} by {sign}", 10.0, start
                    flow = gradient_flow(landscape, start, 30.0, endpoint_only=True, rtol=1e-6, atol=1e-8)
                    yield f"left gamma {gamma} by {sign} for t = 30", 30.0, np.asarray(flow.theta)


def recipes():
    """(name, landscape's name, time, end point) of every run."""
    toy = landscape_named("toy")
    for kind, seeds in ((None, (*range(9), 13, 26, 55)), ("glorot", range(6))):
        ends = gradient_flow(toy, normal_starts(toy, 2, seeds, kind), 1e6, **PATH).theta
        yield from ((f"toy {kind or 'normal'} seed {seed}", "toy", 1e6, end) for seed, end in zip(seeds, ends))
    for name, t, theta in near_the_line():
        yield name, "toy", t, theta
    for name, n in (("softplus", 4), ("erf", 3)):
        landscape = landscape_named(f"grid-{name}")
        ends = gradient_flow(landscape, normal_starts(landscape, n, range(12), "grid"), 1e6, **PATH).theta
        yield from ((f"grid {name} seed {seed}", f"grid-{name}", 1e6, end) for seed, end in enumerate(ends))
    for name, seeds in (("tanh", (0, 1)), ("sigmoid", (1,)), ("softplus", (2,))):
        landscape = landscape_named(f"square-{name}")
        ends = gradient_flow(landscape, normal_starts(landscape, 2, seeds), 1e10, max_steps=40_000, **PATH).theta
        yield from ((f"x^2 {name} seed {seed}", f"square-{name}", 1e10, end) for seed, end in zip(seeds, ends))
    # finite minima with two close neurons of opposite effect, channels, groups of three, sharpening gates
    for number, seed in (
        (3, 2),
        (7, 2),
        (12, 0),
        (18, 0),
        (32, 3),
        (34, 1),
        (0, 0),
        (27, 1),
        (3, 1),
        (14, 0),
        (25, 3),
        (30, 0),
        (6, 0),
        (8, 3),
    ):
        name = f"sines-{number}"
        landscape = landscape_named(name)
        end = gradient_flow(landscape, normal_starts(landscape, 3, [seed]), 1e6, **PATH).theta[0]
        yield f"{name} seed {seed}", name, 1e6, end


def make():
    rows = []
    for name, where, t, theta in recipes():
        landscape = landscape_named(where)
        theta = np.asarray(theta, dtype=float)
        pushed = "pushed" in name or "left" in name
        found = (
            passing(landscape, theta, t) if pushed else rest(landscape, theta) or (t and motion(landscape, theta, t))
        )
        if not found:  # a slow flow may yet come to rest
            flow = gradient_flow(landscape, theta, 1e3 * t, max_steps=40_000, **PATH)
            if flow.reason == "converged" and rest(landscape, np.asarray(flow.theta)):
                label, pairs, group, evidence = rest(landscape, np.asarray(flow.theta))
                found = label, pairs, group, {**evidence, "reached at": float(f"{flow.time:.1e}")}
        if not found:
            print("no evidence:", name)
            continue
        label, pairs, group, evidence = found
        bias = bool(group) and landscape.output_bias
        print(name, label, pairs, group, evidence, flush=True)
        row = {
            "name": name,
            "landscape": where,
            "time": t,
            "label": label,
            "pairs": pairs,
            "group": group,
            "bias": bias,
        }
        rows.append({**row, "evidence": evidence, "theta": [float(f"{x:.12g}") for x in theta]})
    lines = ",\n".join(json.dumps(row) for row in rows)
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(f'{{"version": 1, "made by": "tests/channel_runs.py", "runs": [\n{lines}\n]}}\n')
    print(len(rows), "rows")


if __name__ == "__main__":
    make()
