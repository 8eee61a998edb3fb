"""Proofs for the arc-cosine family: relu, leaky_relu and the integrand of softplus."""

import numpy as np
import pytest
import sympy
from oracles import is_zero

from landscape_nb.activations import ACTIVATIONS, leaky_relu

s, t, p, q = sympy.symbols("s t p q", positive=True)
c = sympy.Symbol("c", real=True)


def kernel(name):
    return ACTIVATIONS[name].kernel_symbol


def test_price_leads_from_relu_to_the_step():
    assert is_zero(sympy.diff(kernel("relu"), c) - kernel("step"))


def test_price_leads_from_softplus_to_the_sigmoid():
    """Integrand by integrand, with the same two offsets."""
    assert is_zero(sympy.diff(kernel("softplus"), c) - kernel("sigmoid"))


def test_price_leads_from_leaky_relu_to_a_mixture_of_step_and_constant():
    """sigma' = al + (1 - al) step, so K_c = al^2 + al (1 - al) + (1 - al)^2 K[step]."""
    al = sympy.Rational(1, 10)
    assert is_zero(sympy.diff(kernel("leaky_relu"), c) - al**2 - al * (1 - al) - (1 - al) ** 2 * kernel("step"))


@pytest.mark.parametrize("name", ("relu", "softplus"))
def test_the_partial_derivatives_of_the_docstring(name):
    first, second = (0, 0) if name == "relu" else (p, q)
    a, b = first + s, second + t
    d = sympy.sqrt(a * b - c**2)
    k = kernel(name)
    assert is_zero(sympy.diff(k, s) - d / (4 * sympy.pi * a))
    assert is_zero(sympy.diff(k, c, 2) - 1 / (2 * sympy.pi * d))
    assert is_zero(sympy.diff(k, s, c) + c / (4 * sympy.pi * a * d))
    assert is_zero(sympy.diff(k, s, 2) - (c**2 - d**2) / (8 * sympy.pi * a**2 * d))


@pytest.mark.parametrize("name", ("relu", "leaky_relu"))
def test_the_kernel_is_homogeneous(name):
    """Euler's relation in the length of the first neuron: 2 s K_s + c K_c = K."""
    k = kernel(name)
    assert is_zero(2 * s * sympy.diff(k, s) + c * sympy.diff(k, c) - k)


def test_softplus_is_relu_at_enlarged_variances():
    assert is_zero(kernel("softplus") - kernel("relu").subs({s: p + s, t: q + t}, simultaneous=True))


def test_the_absolute_value_is_two_relus():
    """|z| = relu(z) + relu(-z): K = 2 K_relu(c) + 2 K_relu(-c)."""
    k = leaky_relu(-1).kernel_symbol
    assert is_zero(k - 2 * kernel("relu") - 2 * kernel("relu").subs(c, -c))


def test_the_hessian_of_parallel_relu_neurons_has_a_finite_limit():
    """K_cc diverges like 1/angle, but |v|^2 |w|^2 sin^2 K_cc, which a Hessian contains, vanishes like the angle."""
    relu = ACTIVATIONS["relu"]
    for angle in (1e-2, 1e-5, 1e-8, 1e-12):
        area = np.sin(angle)
        k_cc = relu.kernel_curvatures(1.0, np.cos(angle), 1.0, area=area)[3]
        assert area**2 * k_cc == pytest.approx(angle / (2 * np.pi), rel=1e-4)


def test_softplus_is_nowhere_singular():
    softplus = ACTIVATIONS["softplus"]
    for point in ((0.0, 0.0, 0.0), (0.0, 0.0, 4.0), (4.0, 4.0, 4.0), (4.0, -4.0, 4.0)):
        assert np.isfinite([*softplus.kernel_slopes(*point), *softplus.kernel_curvatures(*point)]).all()
    assert softplus([-800.0, 800.0]).tolist() == [0.0, 800.0]
