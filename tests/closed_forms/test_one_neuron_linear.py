"""One linear neuron: the whole landscape is |a w - u|^2."""

import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms import STATEMENTS
from landscape_nb.closed_forms.one_neuron import one_neuron
from landscape_nb.critical import OutsideTheorem
from landscape_nb.networks import Network, equicorrelated_teacher, gaussian_teacher

LINEAR = ACTIVATIONS["linear"]


def teachers():
    return (
        equicorrelated_teacher(3, 4, 0.0),
        equicorrelated_teacher(3, 5, 0.4, 2.0, -1.5),
        Network([[1.0, 2.0, 0.5]], [-0.7]),
        Network([[2.0]], [3.0]),
        Network(np.random.default_rng(5).normal(size=(6, 3)), [1, -2, 0.5, 3, 0, -1]),
    )


@pytest.mark.parametrize("teacher", teachers(), ids=repr)
def test_the_teacher_is_learned_exactly_and_the_zero_student_is_a_saddle_of_index_1(teacher):
    learned, zero = one_neuron(LINEAR, teacher)
    u = teacher.a @ teacher.W
    assert_allclose(learned.student.a * learned.student.W[0], u, atol=1e-14 * np.abs(u).max())
    assert learned.loss <= 1e-13 * (u @ u)
    for point in (learned, zero):
        full = np.linalg.eigvalsh(point.hessian)
        assert_allclose(point.spectrum, full, rtol=0, atol=1e-13 * np.abs(full).max())
        assert point.residual <= 1e-12
    assert (learned.kind, learned.zero_modes) == ("minimum", {"rescaling": 1})
    assert_allclose(zero.loss, u @ u, rtol=1e-13)
    assert (zero.kind, zero.index) == ("saddle", 1)
    assert zero.zero_modes == ({"silenced neuron": teacher.d - 1} if teacher.d > 1 else {})
    assert_allclose(zero.spectrum[[0, -1]], 2 * np.linalg.norm(u) * np.array([-1, 1]), rtol=1e-12)
    assert np.linalg.norm(zero.student.W) == 0 and zero.student.a == 0


def test_sympy_proves_the_loss_its_gradient_and_its_spectrum():
    a = sympy.Symbol("a", real=True)
    w, u = sympy.symbols("w1:4", real=True), sympy.symbols("u1:4", real=True)
    rest = [a * x - y for x, y in zip(w, u)]
    loss = sum(r**2 for r in rest)
    assert [sympy.expand(loss.diff(x) - 2 * a * r) for x, r in zip(w, rest)] == [0, 0, 0]
    assert sympy.expand(loss.diff(a) - 2 * sum(x * r for x, r in zip(w, rest))) == 0
    length = sympy.Symbol("L", positive=True)
    point = {w[0]: 1, w[1]: 0, w[2]: 0, a: length, u[0]: length, u[1]: 0, u[2]: 0}
    hessian = sympy.hessian(loss, (*w, a)).subs(point)
    eigenvalues = {sympy.expand(value): count for value, count in hessian.eigenvals().items()}
    assert eigenvalues == {0: 1, 2 * length**2: 2, 2 + 2 * length**2: 1}


def test_the_kernel_is_the_covariance_so_the_loss_is_a_squared_distance():
    rng = np.random.default_rng(1)
    teacher = gaussian_teacher(4, 3, rng)
    landscape = one_neuron(LINEAR, teacher)[0].landscape
    for _ in range(5):
        theta = rng.normal(size=4)
        rest = theta[3] * theta[:3] - teacher.a @ teacher.W
        assert_allclose(landscape.value(theta), rest @ rest, rtol=1e-12)


def test_the_list_is_complete():
    found = one_neuron(LINEAR, equicorrelated_teacher(3, 4, 0.4))
    assert found.complete and "proved" in found.remark


def test_a_teacher_that_is_the_zero_function_is_outside_the_theorem():
    with pytest.raises(OutsideTheorem, match=r"needs a teacher with sum_j b_j v_j != 0; given: a sum of length"):
        one_neuron(LINEAR, Network([[1.0, 0.0], [1.0, 0.0]], [1.0, -1.0]))


@pytest.mark.parametrize("case", STATEMENTS["one_neuron_linear"].cases, ids=str)
def test_every_case_of_the_statement_holds(case):
    teacher = equicorrelated_teacher(
        case["k"], case["k"] + 1, case.get("correlation", 0.0), case.get("norm", 1.0), case.get("weight", 1.0)
    )
    assert_allclose(one_neuron(LINEAR, teacher)[0].loss, case["loss"], atol=1e-12)
