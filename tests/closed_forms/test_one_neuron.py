"""The one-neuron closed forms together: which theorem speaks, what the list holds and what it says about itself."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron import ONE_NEURON_STATEMENTS, one_neuron, statement_for
from landscape_nb.critical import CriticalPoint, OutsideTheorem
from landscape_nb.networks import equicorrelated_teacher, orthonormal_teacher

KNOWN = {
    "erf": "one_neuron_erf",
    "relu": "one_neuron_relu",
    "normal_cdf": "one_neuron_product",
    "sin": "one_neuron_product",
    "exp": "one_neuron_product",
    "cos": "one_neuron_product",
    "gaussian": "one_neuron_product",
    "linear": "one_neuron_linear",
}


def test_at_most_one_theorem_speaks_about_an_activation():
    for name, activation in ACTIVATIONS.items():
        speaking = [
            s.key
            for s in ONE_NEURON_STATEMENTS
            if s.hypotheses[0].violation(activation, orthonormal_teacher(2, 2)) is None
        ]
        assert speaking == ([KNOWN[name]] if name in KNOWN else [])
        found = statement_for(activation)
        assert (found.key if found else None) == KNOWN.get(name)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - set(KNOWN)))
def test_an_activation_without_a_theorem_is_told_which_have_one(name):
    with pytest.raises(OutsideTheorem) as failure:
        one_neuron(ACTIVATIONS[name], orthonormal_teacher(2, 3))
    assert str(failure.value) == (
        "a one-neuron closed form needs one of the activations erf, relu, normal_cdf, sin, exp, cos, gaussian, linear; "
        f"given: {name}; use search_one_neuron, which finds critical points numerically"
    )


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize(
    "k, correlation, norm, weight", ((1, 0, 1, 1), (3, 0, 1, 1), (3, 0.3, 1.5, -1), (4, -0.2, 0.5, 2))
)
def test_the_list_is_sorted_by_loss_and_every_point_is_critical(name, k, correlation, norm, weight):
    teacher = equicorrelated_teacher(k, k + 1, correlation, norm, weight)
    found = one_neuron(ACTIVATIONS[name], teacher)
    assert isinstance(found, tuple) and len(found) >= 1
    losses = [point.loss for point in found]
    assert_allclose(losses, sorted(losses), atol=1e-9)
    assert found.statement == KNOWN[name] and found.infimum is None
    assert found.remark and isinstance(found.complete, bool)
    for point in found:
        assert isinstance(point, CriticalPoint)
        assert point.residual <= 1e-12 * max(1.0, point.landscape.constant)
        full = np.linalg.eigvalsh(point.hessian)
        assert_allclose(point.spectrum, full, rtol=0, atol=1e-12 * np.abs(full).max())


@pytest.mark.parametrize("name", ("erf", "sin", "linear"))
def test_the_zero_student_of_an_odd_activation_is_a_saddle_of_index_1_with_the_loss_of_nothing(name):
    zero = one_neuron(ACTIVATIONS[name], equicorrelated_teacher(3, 5, 0.2, 1.2, -0.7))[-1]
    assert zero.student.a[0] == 0 and np.linalg.norm(zero.student.W) == 0
    assert_allclose(zero.loss, zero.landscape.constant, rtol=1e-14)
    assert (zero.kind, zero.index, zero.zero_modes) == ("saddle", 1, {"silenced neuron": 4})


@pytest.mark.parametrize("name", ("relu", "normal_cdf", "exp", "cos", "gaussian"))
def test_positive_kernels_leave_no_zero_student_to_equal_weights(name):
    assert all(point.student.a[0] != 0 for point in one_neuron(ACTIVATIONS[name], orthonormal_teacher(3, 4)))


def test_the_names_say_what_is_closed_form_and_what_is_numerical():
    for name in KNOWN:
        for point in one_neuron(ACTIVATIONS[name], orthonormal_teacher(3, 4)):
            numerical = point.name == "towards a single teacher"
            assert point.method == ("numerical" if numerical else "closed form")
