"""Activation functions and their Gaussian kernels, one family per file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .activation import Activation, squared_area
from .arccosine import LEAKY_RELU, RELU, SOFTPLUS, leaky_relu
from .arcsine import ERF, NORMAL_CDF, SIGMOID, SIGN, STEP, TANH
from .bell import GAUSSIAN
from .exponentials import COS, EXP, SIN
from .gated import GELU, SILU
from .numerical import NumericalActivation
from .polynomials import CUBE, LINEAR, SQUARE

LEAKY_RELU.name = "leaky_relu"

#: All activations by name; ``register_activation`` adds to it.
ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        ERF,
        RELU,
        LEAKY_RELU,
        LINEAR,
        SQUARE,
        CUBE,
        SIN,
        COS,
        EXP,
        GAUSSIAN,
        STEP,
        SIGN,
        NORMAL_CDF,
        GELU,
        TANH,
        SIGMOID,
        SOFTPLUS,
        SILU,
    )
}

_BUILT_IN = frozenset(ACTIVATIONS)


def register_activation(
    name: str,
    function: Callable[[np.ndarray], np.ndarray],
    derivative: Callable[[np.ndarray], np.ndarray] | None = None,
    second_derivative: Callable[[np.ndarray], np.ndarray] | None = None,
    kinks: tuple[float, ...] = (),
    odd: bool = False,
    even: bool = False,
) -> NumericalActivation:
    """Add your own activation to ``ACTIVATIONS``; its kernel is integrated numerically and labelled "numerical".

    function, derivative, second_derivative : sigma, sigma', sigma'' on arrays, elementwise. Missing derivatives of a smooth
        sigma come from central differences; with kinks, the derivative must be given.
    kinks : the places where sigma' jumps (sigma itself must be continuous there).
    odd, even : sigma's symmetry, checked on a sample. That sigma is homogeneous is noticed on the sample as well.
    Raises ValueError with the reason if the callable is not elementwise, not finite, not as symmetric as declared, or does
    not agree with the derivative given.
    """
    if not name.isidentifier():
        raise ValueError(f"an activation's name must be a plain identifier; name = {name!r} was given")
    if name in _BUILT_IN:
        raise ValueError(f"{name!r} is a built-in activation; choose another name")
    activation = NumericalActivation(
        name, function, derivative, second_derivative, tuple(float(kink) for kink in kinks), odd=odd, even=even
    )
    sample = np.array([-30.0, -3.7, -1.3, -0.41, 0.29, 0.83, 2.1, 30.0])
    if kinks and derivative is None:
        raise ValueError(f"{name} has kinks: pass its derivative= as well")
    for order, given in enumerate((function, derivative, second_derivative)):
        if given is None:
            continue
        for points in (sample, sample.reshape(2, 4)):
            try:
                values = np.asarray(given(points), dtype=float)
            except Exception as error:
                raise ValueError(f"{name} failed on an array of shape {points.shape}: {error}") from error
            if values.shape != points.shape:
                raise ValueError(
                    f"{name} must work elementwise: an array of shape {points.shape} gave one of shape {values.shape}"
                )
            if not np.isfinite(values).all():
                bad = points[~np.isfinite(values)][0]
                raise ValueError(
                    f"{name} must be finite for |z| <= 30; at z = {bad:g} it gave {values[points == bad][0]}"
                )
            if not np.allclose(
                values, np.asarray(given(points.ravel())).reshape(points.shape), rtol=1e-12, atol=1e-300
            ):
                raise ValueError(f"{name} must work elementwise: its values depend on the shape of the array")
        if order > 0:
            step = 1e-4
            lower = activation.derivative
            moderate = sample[np.abs(sample) < 10]
            moderate = moderate[[min((abs(z - kink) for kink in kinks), default=1.0) > 2 * step for z in moderate]]
            slope = (lower(moderate + step, order - 1) - lower(moderate - step, order - 1)) / (2 * step)
            if not np.allclose(slope, activation.derivative(moderate, order), rtol=1e-4, atol=1e-4):
                raise ValueError(
                    f"the derivative of order {order} given for {name} is not the derivative of the one before"
                )
    for declared, sign, word in ((odd, -1.0, "odd"), (even, 1.0, "even")):
        if declared and not np.allclose(activation(-sample), sign * activation(sample), rtol=1e-12, atol=1e-12):
            raise ValueError(f"{name} was declared {word}, but sigma(-z) is not {'-' if sign < 0 else ''}sigma(z)")
    for degree in (1, 2, 3):
        if np.allclose(activation(0.37 * sample), 0.37**degree * activation(sample), rtol=1e-13, atol=0.0):
            activation.homogeneous = degree
    ACTIVATIONS[name] = activation
    return activation


__all__ = [
    "ACTIVATIONS",
    "COS",
    "CUBE",
    "ERF",
    "EXP",
    "GAUSSIAN",
    "GELU",
    "LEAKY_RELU",
    "LINEAR",
    "NORMAL_CDF",
    "RELU",
    "SIGMOID",
    "SIGN",
    "SILU",
    "SIN",
    "SOFTPLUS",
    "SQUARE",
    "STEP",
    "TANH",
    "Activation",
    "NumericalActivation",
    "leaky_relu",
    "register_activation",
    "squared_area",
]
