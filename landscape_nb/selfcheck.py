"""Does it work here? One line per capability, each computed anew against something else than itself.

A check is one function: its name is the capability, its docstring the claim, and it raises ``Failed`` with a sentence. The text holds
no times, versions or digits of this machine, so that a page that shows it does not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import asin, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .activations import Activation

Array = np.ndarray


class Failed(Exception):
    """A capability does not do what it claims; the message says what was found and what was expected."""


@dataclass(frozen=True)
class Outcome:
    """A capability, its claim, and why it failed ("" if it did not)."""

    name: str
    claim: str
    failure: str

    @property
    def passed(self) -> bool:
        return not self.failure

    def __str__(self) -> str:
        return f"{self.name}: {self.claim} ... {'ok' if self.passed else f'FAILED: {self.failure}'}"


def agree(what: str, found: ArrayLike, expected: ArrayLike, tolerance: float) -> None:
    """Raise ``Failed`` unless |found - expected| <= tolerance max(1, |expected|) everywhere."""
    found, expected = np.broadcast_arrays(np.asarray(found, dtype=float), np.asarray(expected, dtype=float))
    excess = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
    if not (excess <= tolerance).all():  # NaN is not
        worst = np.unravel_index(np.argmax(np.where(np.isnan(excess), np.inf, excess)), excess.shape)
        raise Failed(f"{what} is {found[worst]:.15g} where {expected[worst]:.15g} is expected")


def built_in() -> Iterator[Activation]:
    """All activations except those that a user registered."""
    from .activations import ACTIVATIONS

    return (activation for activation in ACTIVATIONS.values() if activation.exact != "numerical")


COVARIANCES = ((0.7, 0.5, 1.6), (1.0, -0.6, 0.5))


@cache
def plane(s: float, c: float, t: float) -> tuple[Array, Array, Array]:
    """Nodes X, Y and weights of a rule for E[g(X, Y)], split where X = 0 and where Y = 0: there activations have kinks."""
    node, weight = np.polynomial.legendre.leggauss(80)
    cut = 11.0

    def panels(middle: Array) -> tuple[Array, Array]:
        """Nodes and weights of the standard normal density on [-cut, middle] and [middle, cut], on the last axis."""
        ends = np.stack([np.full_like(middle, -cut), middle, np.full_like(middle, cut)], axis=-1)
        half = 0.5 * np.diff(ends)[..., None]
        z = (ends[..., :-1, None] + half * (1.0 + node)).reshape(*middle.shape, -1)
        return z, (half * weight).reshape(*middle.shape, -1) * np.exp(-0.5 * z * z) / sqrt(2 * pi)

    first, first_weight = panels(np.array(0.0))
    along, across = c / sqrt(s), sqrt(t - c * c / s)
    second, second_weight = panels(np.clip(-along * first / across, -cut, cut))
    return sqrt(s) * first[:, None], along * first[:, None] + across * second, first_weight[:, None] * second_weight


# the capabilities -----------------------------------------------------------------------------------------------------


def kernels() -> None:
    """K = E[sigma(X) sigma(Y)] by quadrature, for every activation"""
    for activation in built_in():
        for s, c, t in COVARIANCES:
            x, y, weight = plane(s, c, t)
            expected = np.sum(weight * activation(x) * activation(y))
            agree(f"the kernel of {activation.name}", activation.kernel(s, c, t), expected, 1e-12)


def slopes() -> None:
    """Price's theorem by quadrature, K_c = E[sigma' sigma'] and K_s = E[sigma'' sigma]/2, and K_cc = E[sigma'' sigma'']"""
    for activation in built_in():
        for s, c, t in COVARIANCES:
            x, y, weight = plane(s, c, t)
            in_s, in_c, _ = activation.kernel_slopes(s, c, t)
            slope, bend = activation.derivative(x, 1), activation.derivative(x, 2)
            other_slope, other_bend = activation.derivative(y, 1), activation.derivative(y, 2)
            if not activation.jumps:
                agree(f"K_c of {activation.name}", in_c, np.sum(weight * slope * other_slope), 1e-10)
            if not activation.kinks:
                agree(f"K_s of {activation.name}", in_s, 0.5 * np.sum(weight * bend * activation(y)), 1e-10)
                in_cc = activation.kernel_curvatures(s, c, t)[3]
                agree(f"K_cc of {activation.name}", in_cc, np.sum(weight * bend * other_bend), 1e-10)


def hermite_series() -> None:
    """Mehler's formula, sum_m h_m(r1) h_m(r2) cos^m = K"""
    for activation in built_in():
        agree(
            f"the Hermite series of {activation.name}",
            activation.mehler_kernel(0.81, 0.3, 0.49, 120),
            activation.kernel(0.81, 0.3, 0.49),
            1e-12,
        )


def symbolic_forms() -> None:
    """the SymPy kernels and their derivatives have the values that are computed"""
    import sympy

    s, t = sympy.symbols("s t", positive=True)
    c = sympy.Symbol("c", real=True)
    place = COVARIANCES[0]
    for activation in built_in():
        if activation.exact == "mixture":
            continue
        kernel = activation.kernel_symbol
        computed = (activation.kernel(*place), *activation.kernel_slopes(*place))
        for symbol, value in zip((None, s, c, t), computed, strict=True):
            expression = kernel if symbol is None else sympy.diff(kernel, symbol)
            exact = float(expression.subs(dict(zip((s, c, t), map(sympy.Float, place), strict=True))))
            name = "K" if symbol is None else f"K_{symbol}"
            agree(f"{name} of {activation.name}", value, exact, 1e-12)


def own_activation() -> None:
    """a function of one's own gets its kernel by integration, here tanh, within its stated error"""
    from .activations import TANH, NumericalActivation

    mine = NumericalActivation("own tanh", np.tanh, None, None, (), odd=True)
    for place in COVARIANCES:
        stated = float(mine.kernel_error(*place))
        if not stated <= 1e-9:
            raise Failed(f"the stated error is {stated:.3g}, below 1e-9 is expected")
        agree("the kernel of tanh, integrated,", mine.kernel(*place), TANH.kernel(*place), 1e-13 + stated)


def landscape() -> None:
    """loss by direct integration, gradient and Hessian by differences, unchanged by the symmetries"""
    from .activations import ERF, RELU
    from .landscapes import PopulationLandscape
    from .networks import Network, flip, orthonormal_teacher, permute, rescale

    x, _, weight = plane(1.0, 0.0, 1.0)
    teacher, student = Network([[0.8], [-1.7]], [1.0, -0.6]), Network([[0.3], [1.2]], [0.7, 1.1])
    for activation in (ERF, RELU):
        difference = sum(
            side * activation(w * x) * a
            for side, network in ((1.0, student), (-1.0, teacher))
            for w, a in zip(network.W[:, 0], network.a)
        )
        value = PopulationLandscape(activation, teacher).value(student)
        agree(f"a loss of {activation.name}", value, np.sum(weight * difference**2), 1e-12)
    rng = np.random.default_rng(0)
    student = Network(rng.normal(size=(2, 3)), rng.normal(size=2))
    steps = 1e-5 * np.eye(student.theta.size)
    for activation in (ERF, RELU):
        population = PopulationLandscape(activation, orthonormal_teacher(3, 3))
        for what, function, derivative in (
            ("gradient", population.value, population.gradient(student)),
            ("Hessian", population.gradient, population.hessian(student)),
        ):
            by_differences = (function(student.theta + steps) - function(student.theta - steps)) / 2e-5
            agree(f"an entry of the {activation.name} {what}", derivative, by_differences, 1e-7)
        moved = flip(student, 0, ERF) if activation is ERF else rescale(student, 0, 1.7, RELU)
        agree("the loss after a symmetry", population.value(permute(moved, [1, 0])), population.value(student), 1e-13)


def erf_theorem() -> None:
    """r* = 1/sqrt(2k - 1), a* = k, L* = k/3 - (2/pi) k^2 asin(1/(2k)), residual < 1e-12, index 0, for k up to 100"""
    from .activations import ERF
    from .closed_forms.one_neuron import one_neuron
    from .networks import orthonormal_teacher

    for k in (1, 2, 5, 20, 100):
        point = one_neuron(ERF, orthonormal_teacher(k, k + 1))[0]
        agree(f"r* at k = {k}", np.linalg.norm(point.student.W), 1 / sqrt(2 * k - 1), 1e-14)
        agree(f"a* at k = {k}", point.student.a[0], k, 1e-14)
        agree(f"L* at k = {k}", point.loss, k / 3 - 2 / pi * k**2 * asin(1 / (2 * k)), 1e-12)
        agree(f"the residual at k = {k}", point.residual, 0.0, 1e-12)
        agree(f"the index at k = {k}", point.index, 0, 0.0)
    agree("the softest eigenvalue at k = 100", point.spectrum[0] * 3 * pi * 100**3, 1.0, 1e-4)


def relu_theorem() -> None:
    """a |w| and loss of the average and the anti-average of k = 3 teachers, a minimum and a saddle of index d - 1"""
    from .activations import RELU
    from .closed_forms.one_neuron import one_neuron
    from .networks import orthonormal_teacher

    points = one_neuron(RELU, orthonormal_teacher(3, 4))
    agree("the number of points", len(points), 2, 0.0)
    published = ((1.985053952954, 0.4847100604824, 0), (0.253003145, 2.4229243628, 3))
    for point, (product, loss, index) in zip(points, published, strict=True):
        agree(f"a |w| of the {point.name}", point.student.a[0] * np.linalg.norm(point.student.W), product, 1e-9)
        agree(f"the loss of the {point.name}", point.loss, loss, 1e-9)
        agree(f"the residual of the {point.name}", point.residual, 0.0, 1e-12)
        agree(f"the index of the {point.name}", point.index, index, 0.0)


def other_theorems() -> None:
    """the gradient vanishes and the spectrum is that of the full Hessian, in one case of every statement"""
    from .closed_forms import STATEMENTS
    from .networks import equicorrelated_teacher

    teacher = equicorrelated_teacher(3, 5, 0.2, 1.3, -0.8)
    for statement in STATEMENTS.values():
        for activation in built_in():
            if not statement.applies(activation, teacher):
                continue
            for point in statement.point(activation, teacher):
                what = f"of the {activation.name} point ({point.name})"
                agree(f"the residual {what}", point.residual, 0.0, 1e-11)
                agree(f"an eigenvalue {what}", point.spectrum, np.linalg.eigvalsh(point.hessian), 1e-9)


def search() -> None:
    """finds the point of the erf theorem, and the published one of teachers with the weights 1 and 2"""
    from .activations import ERF
    from .networks import orthonormal_teacher
    from .search import search_one_neuron

    for k, weights, loss in ((3, 1.0, 0.040593177313954), (2, [1.0, 2.0], 0.0413356548)):
        point = search_one_neuron(ERF, orthonormal_teacher(k, k + 1, weights), starts=10)[0]
        agree(f"the loss found for k = {k}", point.loss, loss, 1e-10)
        agree(f"the residual for k = {k}", point.residual, 0.0, 1e-12)


def copy_or_average() -> None:
    """the loss of a copy-average point from its partition, the threshold of pairs, and both families critical for k = 5, n = 4"""
    from .activations import ERF
    from .closed_forms.copy_average import copy_average, threshold
    from .closed_forms.perturbed_copy import perturbed_copy
    from .networks import orthonormal_teacher

    teacher = orthonormal_teacher(5, 5)
    expected = sum(size / 3 - 2 / pi * size**2 * asin(1 / (2 * size)) for size in (2, 1, 1, 1))
    for point, loss in ((copy_average(ERF, teacher, (2, 1, 1, 1)), expected), (perturbed_copy(ERF, teacher, 4), None)):
        if loss is not None:
            agree(f"the loss of the {point.name}", point.loss, loss, 1e-13)
        agree(f"the residual of the {point.name}", point.residual, 0.0, 1e-12)
        agree(f"the index of the {point.name}", point.index, 0, 0.0)
    agree("the threshold of a pair", threshold(2), 5.14, 5e-3 / 5)


def flows() -> None:
    """gradient flow is the path that SciPy's LSODA finds, and ends where its name says"""
    from scipy.integrate import solve_ivp

    from .activations import ERF
    from .flows import gradient_flow
    from .landscapes import PopulationLandscape
    from .networks import orthonormal_teacher
    from .sweeps import outcome, starts

    population = PopulationLandscape(ERF, orthonormal_teacher(2, 3))
    (start,) = starts(1, 3, [0])
    flow = gradient_flow(population, population.network(start), 1e6, rtol=1e-8, atol=1e-10)
    there = solve_ivp(lambda _, y: -population.gradient(y), (0.0, 5.0), start, "LSODA", rtol=1e-10, atol=1e-12)
    agree("theta after t = 5", flow.at(5.0), there.y[:, -1], 1e-5)
    name = outcome(population, flow.end).name
    if (str(flow.reason), name) != ("converged", "copy-average (2)"):
        raise Failed(f"a flow of one neuron ends with {flow.reason}, {name!r} where 'copy-average (2)' is expected")


def samples() -> None:
    """on nodes of a line with normal weights the loss, its gradient and its Hessian are those of the population"""
    from .activations import ERF
    from .landscapes import PopulationLandscape, SampledLandscape, gaussian_line
    from .networks import Network

    x, weights = gaussian_line()
    teacher, student = Network([[0.8], [-1.7]], [1.0, -0.6]), Network([[0.3], [1.2]], [0.7, 1.1])
    target = ERF(x[:, None] @ teacher.W.T) @ teacher.a
    sampled, population = SampledLandscape(ERF, x[:, None], target, weights), PopulationLandscape(ERF, teacher)
    for what in ("value", "gradient", "hessian"):
        agree(f"the {what} on nodes", getattr(sampled, what)(student), getattr(population, what)(student), 1e-12)


def splitting() -> None:
    """a neuron that is split stays critical, with the Hessian that the matrix B gives"""
    from .closed_forms.channels import channel_toy
    from .closed_forms.splitting import splitting_line
    from .critical import refine

    landscape = channel_toy()
    line = splitting_line(landscape, refine(landscape, [1.4, 2.15]).student)
    agree("w* of the toy", abs(line.student.W[0, 0]), 1.3995541, 1e-7)
    agree("B of the toy", line.B[0, 0], 0.0568977, 1e-7)
    for gamma in (-0.7, 0.5, 3.0):
        found = landscape.hessian(line.network(gamma))
        agree(f"an eigenvalue at gamma = {gamma}", line.spectrum(gamma), np.linalg.eigvalsh(found), 1e-11)


def channels() -> None:
    """both channels of the toy end at their published limits, and close to them L - L_inf = h eps^2"""
    from .closed_forms.channels import channel_toy, follow_channel, limits_on_a_line

    ends = [limit for limit in limits_on_a_line(channel_toy(), 0.5, 4.0) if limit.stable]
    published = ((0.866296, 0.042372152, 0.00709138), (3.150432, 0.00077333254, 0.0010147))
    agree("the number of channels", len(ends), len(published), 0.0)
    for limit, (w, loss, h) in zip(sorted(ends, key=lambda limit: abs(limit.w[0])), published, strict=True):
        agree("w at the end of a channel", abs(limit.w[0]), w, 1e-6)
        agree("the loss at the end of a channel", limit.loss, loss, 1e-10)
        agree("h", limit.h, h, 1e-8)
        path = follow_channel(limit.landscape.samples, limit, eps=[1e-4])
        agree("(L - L_inf)/(h eps^2) at eps = 1e-4", path.gap_to_limit[-1] / (limit.h * path.eps[-1] ** 2), 1.0, 1e-6)


def figures() -> None:
    """a drawn kernel is a picture of the kernel"""
    from .activations import RELU
    from .figures import kernels, style

    figure = style.new_figure()
    kernels.draw(figure, kernels.kernel_view(RELU, 1.0, 1.0, 60.0))
    line = figure.axes[0].get_lines()[0]
    cosines, values = (np.asarray(data, dtype=float) for data in line.get_data())
    agree("the drawn curve", values, (np.sqrt(1 - cosines**2) + cosines * (pi - np.arccos(cosines))) / (2 * pi), 1e-12)
    if not style.still(figure).startswith(b"\x89PNG"):
        raise Failed("the picture is not a PNG file")


def labs() -> None:
    """move like under a hand, show the right numbers, and refuse what does not exist in a sentence"""
    from .labs import Kernels, OneNeuron

    lab: Kernels | OneNeuron = Kernels()
    lab.set(activation="relu", angle=90)
    if f"{1 / (2 * pi):.8g}" not in lab.summary:
        raise Failed("the kernels lab does not show K = 1/(2 pi) for two orthogonal relu neurons of norm 1")
    lab = OneNeuron(activation="erf", k=5, d=6)
    if "0.072452645" not in lab.summary:
        raise Failed("the one-neuron lab does not show L* = 0.072452645 for erf and k = 5")
    lab.set(d=3)
    if "raise d to at least 5" not in lab.message or lab.state["d"] != 6:
        raise Failed("the one-neuron lab does not refuse 5 orthonormal teachers in 3 dimensions")


CHECKS = (
    kernels,
    slopes,
    hermite_series,
    symbolic_forms,
    own_activation,
    landscape,
    erf_theorem,
    relu_theorem,
    other_theorems,
    search,
    copy_or_average,
    flows,
    samples,
    splitting,
    channels,
    figures,
    labs,
)


# the report -----------------------------------------------------------------------------------------------------------


def outcomes() -> tuple[Outcome, ...]:
    """Run all checks. One that breaks down has failed, and does not keep the others from running."""
    results = []
    for check in CHECKS:
        try:
            check()
            failure = ""
        except Failed as error:
            failure = str(error)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        claim = (check.__doc__ or "").strip()
        results.append(Outcome(check.__name__.replace("_", " "), claim, " ".join(failure.split())))
    return tuple(results)


def report(results: tuple[Outcome, ...]) -> str:
    """One line per capability and a verdict."""
    failed = sum(not result.passed for result in results)
    verdict = f"{failed} of {len(results)} capabilities FAILED" if failed else f"all {len(results)} capabilities work"
    return "\n".join([*map(str, results), verdict])


def selfcheck() -> str:
    """The report on this installation, the same text wherever everything works."""
    return report(outcomes())
