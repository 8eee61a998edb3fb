r"""With an input bias, some activations never have a plateau on a splitting line: the entry of B at the bias is zero.

Let one input be 1 throughout, the bias, and let

    sigma''(z) = alpha sigma(z) + (beta + gamma z) sigma'(z).

At a critical point with a != 0: <l' sigma> = 0 (derivative in a), <l' sigma' x> = 0 (derivative in w), so also <l' sigma'> = 0 (its bias
entry) and <l' sigma' w.x> = 0. Hence

    B_bias,bias = a < l' sigma'' > = a (alpha <l' sigma> + beta <l' sigma'> + gamma <l' sigma' w.x>) = 0.

A symmetric matrix with a zero on its diagonal is not definite, and is indefinite wherever the rest of that row is not zero: then every
point of the line but gamma = 0 and 1 is a saddle. It holds for

    erf, normal_cdf   sigma'' = -z sigma'                sin, cos   sigma'' = -sigma

(and for exp, sigma'' = sigma', where the bias only scales a and no minimum is strict), not for softplus, tanh, sigmoid or gelu. An output
bias adds <l'> = 0, and with it square (sigma'' = 2).

Source: derived.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..activations import Activation
from ..critical import CriticalPoint, Hypothesis, Statement
from ..landscapes import SampledLandscape, gaussian_line
from ..networks import Network
from .alike_teachers import activation_is
from .splitting import SplittingLine, lowest_of_one_neuron

#: The activations with sigma'' = alpha sigma + (beta + gamma z) sigma'.
NAMES = ("erf", "normal_cdf", "sin", "cos")


def landscape_with_bias(activation: Activation, teacher: Network) -> SampledLandscape:
    """One Gaussian input x and a bias: samples (x, 1), and y = sum_j b_j sigma(v_j.(x, 1)) of a teacher with two inputs."""
    x, weights = gaussian_line()
    inputs = np.column_stack([x, np.ones_like(x)])
    return SampledLandscape(activation, inputs, activation(inputs @ teacher.W.T) @ teacher.a, weights)


@lru_cache(maxsize=8)
def line_with_bias(activation: Activation, teacher: Network) -> SplittingLine | None:
    """The splitting line of the lowest strict minimum found of one neuron with a bias; None without one."""
    found = lowest_of_one_neuron(landscape_with_bias(activation, teacher))
    strict = found is not None and found.index == found.nullity == 0
    return SplittingLine(found.landscape, found.student, 0) if found is not None and strict else None


def _inputs(activation: Activation, teacher: Network) -> str | None:
    return None if teacher.d == 2 else f"{teacher.d} input{'s' if teacher.d > 1 else ''}"


def _no_minimum(activation: Activation, teacher: Network) -> str | None:
    if teacher.d != 2:
        return None  # ``TWO_INPUTS`` says so
    return None if line_with_bias(activation, teacher) is not None else "a teacher without one"


TWO_INPUTS = Hypothesis("a teacher of two inputs, the second of which is the bias", _inputs, "take d = 2")
HAS_MINIMUM = Hypothesis(
    "a strict minimum of one neuron with a bias", _no_minimum, "choose another teacher: two unequal steps have one"
)


def _points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The split points at gamma = -1/2, 1/2 and 3/2."""
    STATEMENT.require(activation, teacher)
    line = line_with_bias(activation, teacher)
    assert line is not None
    return tuple(line.point(gamma) for gamma in (-0.5, 0.5, 1.5))


STATEMENT = Statement(
    key="splitting_with_bias",
    title="no plateau with a bias",
    status="derived",
    source="derived.",
    claim=(
        r"Let one input be the constant 1 (a bias) and $\sigma''=\alpha\sigma+(\beta+\gamma z)\sigma'$: erf and normal_cdf "
        r"($\sigma''=-z\sigma'$), sin and cos ($\sigma''=-\sigma$). At a critical point $\langle\ell'\sigma\rangle=0$ and "
        r"$\langle\ell'\sigma'x\rangle=0$, hence $$B_{\rm bias,bias}=a\,\langle\ell'\sigma''\rangle=0.$$ So $B$ is **never "
        r"definite**, and where the rest of that row is not zero it is indefinite: every point of the splitting line other than "
        r"$\gamma=0,1$ is a saddle. softplus, tanh, sigmoid and gelu do not have this property."
    ),
    hypotheses=(activation_is(*NAMES), TWO_INPUTS, HAS_MINIMUM),
    cases=(
        {"activation": "erf", "W": ((5.0, 2.5), (5.0, -2.5)), "a": (1.0, 0.8)},
        {"activation": "normal_cdf", "W": ((1.0, 0.5), (2.0, -1.0)), "a": (1.0, 0.5)},
        {"activation": "sin", "W": ((1.0, 0.5), (2.0, -1.0)), "a": (1.0, 0.5)},
    ),
    point=_points,
    figure="splitting",
    verified=(
        "second derivatives with SymPy",
        "entry of B below 1e-12",
        "spectra of the split points against the full Hessian",
    ),
)
