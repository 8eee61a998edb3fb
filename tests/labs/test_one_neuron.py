"""What the lab of one neuron says, its bifurcations along the sliders, and planted faults; its states are swept in test_every_lab."""

import re
from dataclasses import replace

import numpy as np
import pytest
from lab_invariants import check_bifurcations, check_critical_point, check_lab, check_marks, marks_shown, move_and_check
from lab_sweep import LONGER, undrawn

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms import bifurcations, one_neuron_product
from landscape_nb.closed_forms import one_neuron as closed_forms
from landscape_nb.critical import CriticalPoint
from landscape_nb.display import number
from landscape_nb.labs import OneNeuron
from landscape_nb.labs import one_neuron as module
from landscape_nb.labs.one_neuron import spread_weights
from landscape_nb.search import OneNeuronPoints

ARCSINE = type(ACTIVATIONS["erf"])


@pytest.fixture(autouse=True)
def without_drawing():
    with undrawn():
        yield


@pytest.fixture
def without_search(monkeypatch):
    """Closed forms alone: no search beside them."""
    monkeypatch.setattr(closed_forms, "search_one_neuron", lambda *_, **__: OneNeuronPoints([]))
    monkeypatch.setattr(one_neuron_product, "_single_teacher", lambda landscape, average: ())


@pytest.fixture
def counted(monkeypatch):
    """How often the steps of the computation run from now on."""
    calls = []
    for owner, name in (
        (module, "completed"),
        (module.picture, "loss_surface"),
        (bifurcations, "bifurcations"),
    ):
        step = getattr(owner, name)

        def spy(*arguments, step=step, name=name):
            calls.append(name)
            return step(*arguments)

        monkeypatch.setattr(owner, name, spy)
    return calls


def test_another_point_is_shown_without_a_search_and_without_a_surface(counted):
    lab = OneNeuron(activation="cos", k=3, d=4)
    assert counted.count("completed") == counted.count("loss_surface") == 1
    del counted[:]
    for point in (2, 3, 1):
        lab.set(point=point)
        check_lab(lab)
    assert counted == []
    lab.set(norm=1.1)
    lab.set(norm=1.0)
    assert counted.count("completed") == counted.count("loss_surface") == 1


@pytest.mark.parametrize("point", range(1, 7))
def test_every_point_can_be_shown(point):
    lab = OneNeuron(activation="cos", k=5, d=6, point=point)
    check_lab(lab)
    assert len(lab.result.view.points) >= 6
    assert lab.result.view.point is lab.result.view.points[point - 1]
    assert f"Hessian spectrum of point {point}:" in lab.summary


# bifurcations ---------------------------------------------------------------------------------------------------------


def walk_along(lab, name, grid):
    """Move a slider and check that the average has the declared index on each stretch; (changes seen, changes declared)."""
    declared, indices = None, {}
    for value in grid:
        lab.set(**{name: value})
        assert lab.message == ""
        check_marks(lab)
        check_bifurcations(lab)
        found = lab.result.bifurcations.get(name, ())
        shown = marks_shown(lab).get(name, [])
        assert [mark for mark, _ in shown] == pytest.approx([one.value for one in found], rel=1e-11), (
            "the ticks are others"
        )
        if declared is None:
            declared = found
        assert [one.value for one in found] == pytest.approx([one.value for one in declared], rel=1e-9)
        if any(abs(one.value - value) < 1e-9 for one in declared) or lab.state["correlation"] in (-1.0, 1.0):
            continue
        average = [point for point in lab.result.view.points if point.name.startswith(bifurcations.AVERAGE)]
        assert len(average) == 1
        check_critical_point(average[0])
        stretch = sum(one.value < value for one in declared)
        seen = indices.setdefault(stretch, (average[0].index, average[0].nullity))
        assert seen == (average[0].index, average[0].nullity), (
            f"{name} = {value}: {seen} changes where nothing is declared"
        )
        if declared:
            expected = declared[stretch].before if stretch < len(declared) else declared[-1].after
            assert average[0].index == expected, f"{name} = {value}: index {average[0].index}, declared {expected}"
    return len(indices) - 1, len(declared or ())


#: Activation, k, d, and the other quantity: with values along at least one of the sliders, and without any.
WALKS = [
    ("erf", 4, 5, 0.2, 1.3),
    ("normal_cdf", 3, 3, 0.1, 2.0),
    ("relu", 2, 3, 0.3, 1.0),
    ("relu", 4, 4, 0.0, 2.0),
    ("sin", 3, 4, 0.1, 2.8),
    ("cos", 3, 4, 0.2, 1.0),
    ("exp", 2, 3, 0.1, 1.7),
    ("exp", 4, 5, 0.3, 2.5),
    ("gaussian", 2, 4, 0.3, 1.0),
    ("gaussian", 5, 6, 0.1, 0.6),
]


@pytest.mark.parametrize("along", ["correlation", "norm"])
@pytest.mark.parametrize("name, k, d, correlation, norm", WALKS)
def test_the_index_changes_along_a_slider_where_a_tick_stands_and_nowhere_else(
    without_search, name, k, d, correlation, norm, along
):
    lab = OneNeuron(activation=name, k=k, d=d, correlation=correlation, norm=norm)
    limits = lab._known(along)
    low = max(limits.low, -1 / (k - 1)) + 1e-3 if along == "correlation" else limits.low
    high = limits.high - 1e-3 if along == "correlation" else limits.high
    seen, declared = walk_along(lab, along, np.round(np.linspace(low, high, 27 * LONGER), 6))
    assert seen == declared


def test_the_walks_cross_bifurcations_along_both_sliders(without_search):
    crossed = {"correlation": set(), "norm": set()}
    for name, k, d, correlation, norm in WALKS:
        found = OneNeuron(activation=name, k=k, d=d, correlation=correlation, norm=norm).result.bifurcations
        for along in crossed:
            crossed[along] |= {name} if found[along] else set()
    assert crossed == {
        "correlation": {"relu", "sin", "cos", "exp", "gaussian"},
        "norm": {"sin", "cos", "exp", "gaussian"},
    }


def test_where_no_theorem_speaks_no_tick_stands():
    for values in ({"activation": "gelu"}, {"activation": "relu", "spread": 0.5}, {"activation": "relu", "k": 1}):
        lab = OneNeuron(**values)
        check_lab(lab)
        assert marks_shown(lab) == {}


def test_a_bifurcation_at_a_wrong_value_is_noticed(without_search, monkeypatch):
    right = bifurcations.bifurcations
    monkeypatch.setattr(
        bifurcations, "bifurcations", lambda *a: tuple(replace(one, value=one.value + 0.1) for one in right(*a))
    )
    lab = OneNeuron(activation="relu", k=2, d=3)
    with pytest.raises(AssertionError, match="bifurcations along correlation say"):
        walk_along(lab, "correlation", np.linspace(-0.95, 0.95, 39))


def test_a_missing_bifurcation_is_noticed(without_search, monkeypatch):
    monkeypatch.setattr(bifurcations, "bifurcations", lambda *a: ())
    lab = OneNeuron(activation="relu", k=2, d=3)
    with pytest.raises(AssertionError, match="changes where nothing is declared"):
        walk_along(lab, "correlation", np.linspace(-0.95, 0.95, 39))


def test_an_invented_bifurcation_is_noticed(without_search, monkeypatch):
    invented = bifurcations.Bifurcation(0.5, bifurcations.AVERAGE, 2, 0, "an invention")
    monkeypatch.setattr(bifurcations, "bifurcations", lambda activation, teacher, along, *a: (invented,))
    with pytest.raises(AssertionError):
        walk_along(OneNeuron(activation="erf", k=3, d=4), "correlation", np.linspace(-0.45, 0.95, 15))


def test_a_bifurcation_with_a_wrong_index_is_noticed(without_search, monkeypatch):
    right = bifurcations.bifurcations
    monkeypatch.setattr(
        bifurcations, "bifurcations", lambda *a: tuple(replace(one, after=one.after + 1) for one in right(*a))
    )
    with pytest.raises(AssertionError):
        walk_along(OneNeuron(activation="relu", k=2, d=3), "correlation", np.linspace(-0.95, 0.95, 39))


# corners --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("name", ["relu", "exp", "cos", "normal_cdf"])
def test_parallel_teachers_whose_cosine_rounds_below_one_are_parallel(name, d):
    lab = OneNeuron(activation=name, k=3, d=4)
    assert move_and_check(lab, k=3, d=d, correlation=1.0, norm=0.2)
    assert lab.result.applies


def test_a_zero_student_at_a_cusp_is_left_out_and_nothing_is_refused():
    lab = OneNeuron(activation="sign")
    assert move_and_check(lab, k=2, d=12, correlation=-0.5, norm=0.2, spread=2.0)


# what the text says ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 6, 10])
def test_the_text_gives_the_erf_theorem(k):
    lab = OneNeuron(activation="erf", k=k, d=k + 1)
    loss = k / 3 - 2 / np.pi * k**2 * np.arcsin(1 / (2 * k))
    first = next(line for line in lab.summary.splitlines() if line.startswith("1. "))
    assert f"a = {k}," in first and f"|w| = {number(1 / np.sqrt(2 * k - 1), 6)}," in first
    assert abs(float(re.search(r"loss (\S+),", first)[1]) - loss) < 1e-8
    assert "minimum, index 0" in first and "closed form" in first


def test_the_text_says_that_gelus_infimum_lies_at_infinity_and_where():
    lab = OneNeuron(activation="gelu", k=3, d=4)
    assert "the infimum lies at infinity" in lab.summary
    limit = lab.result.view.points.infimum.loss
    assert f"falls towards {number(limit)}" in lab.summary


def test_the_weights_run_from_one_to_one_and_the_spread():
    assert spread_weights(1, 2.0).tolist() == [1.0]
    assert spread_weights(3, 0.0).tolist() == [1.0, 1.0, 1.0]
    assert spread_weights(3, 2.0).tolist() == [1.0, 2.0, 3.0]
    lab = OneNeuron(k=3, d=4, spread=2.0)
    assert lab.result.view.landscape.teacher.a.tolist() == [1.0, 2.0, 3.0]


# planted faults: each must turn the sweep red -------------------------------------------------------------------------


@pytest.fixture
def erf_lab():
    lab = OneNeuron(activation="erf", k=3, d=4)
    check_lab(lab)
    return lab


def test_a_wrong_sign_in_a_kernels_slope_is_noticed(erf_lab, monkeypatch):
    jet = ARCSINE.jet

    def wrong(self, *arguments):
        parts = jet(self, *arguments)
        return parts[:1] if len(parts) == 1 else (parts[0], -parts[1], *parts[2:])

    monkeypatch.setattr(ARCSINE, "jet", wrong)
    with pytest.raises(AssertionError, match="the Hessian has 1 negative"):
        move_and_check(erf_lab, k=2)


def test_a_wrong_kernel_with_its_own_right_looking_gradient_is_noticed(erf_lab, monkeypatch):
    """A search that descends a wrong gradient reports zeros of it: only differences of the loss tell."""
    jet = ARCSINE.jet

    def wrong(self, *arguments):
        parts = jet(self, *arguments)
        return (parts[0], *(-part for part in parts[1:]))

    monkeypatch.setattr(ARCSINE, "jet", wrong)
    with pytest.raises(AssertionError):
        move_and_check(erf_lab, k=2, spread=1.0)


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_wrong_index_is_noticed(erf_lab, monkeypatch, shift):
    monkeypatch.setattr(
        CriticalPoint, "index", property(lambda self: int(np.sum(self.spectrum < -self.tolerance)) + shift)
    )
    with pytest.raises(AssertionError, match="are claimed"):
        move_and_check(erf_lab, k=2)


def test_a_wrong_eigenvalue_in_a_closed_form_spectrum_is_noticed(erf_lab, monkeypatch):
    points = module.completed

    def wrong(closed, activation, teacher, progress):
        found = points(closed, activation, teacher, progress)
        spectrum = found[0].spectrum.copy()
        spectrum[0] *= -1
        object.__setattr__(found[0], "known_spectrum", spectrum)
        found[0].__dict__.pop("spectrum", None)
        return found

    monkeypatch.setattr(module, "completed", wrong)
    with pytest.raises(AssertionError, match="are claimed"):
        move_and_check(erf_lab, k=2)


def test_a_point_that_is_not_critical_is_noticed(erf_lab, monkeypatch):
    points = module.completed

    def wrong(closed, activation, teacher, progress):
        found = points(closed, activation, teacher, progress)
        object.__setattr__(found[0], "student", type(teacher)(found[0].student.W * (1 + 1e-9), found[0].student.a))
        return found

    monkeypatch.setattr(module, "completed", wrong)
    with pytest.raises(AssertionError, match=r"max \|grad L\|"):
        move_and_check(erf_lab, k=2)


def test_a_missing_minimum_is_noticed(erf_lab, monkeypatch):
    points = module.completed

    def wrong(closed, activation, teacher, progress):
        found = points(closed, activation, teacher, progress)
        return type(found)(found[1:], found.complete, found.remark, found.statement)

    monkeypatch.setattr(module, "completed", wrong)
    with pytest.raises(AssertionError, match="the lowest known loss"):
        move_and_check(erf_lab, k=2)


@pytest.mark.parametrize("digits, what", [(8, "loss"), (6, None)])
def test_a_wrong_digit_in_the_text_is_noticed(erf_lab, monkeypatch, digits, what):
    def wrong(value, given=6, scale=0.0):
        text = number(value, given, scale)
        return text[:-1] + str((int(text[-1]) + 1) % 10) if given == digits and text[-1:].isdigit() else text

    monkeypatch.setattr(module, "number", wrong)
    with pytest.raises(AssertionError, match=what):
        move_and_check(erf_lab, k=2)


def test_a_wrong_kind_in_the_text_is_noticed(erf_lab, monkeypatch):
    summary = OneNeuron._summary
    monkeypatch.setattr(
        OneNeuron, "_summary", lambda self, result: summary(self, result).replace(": minimum", ": saddle")
    )
    with pytest.raises(AssertionError):
        move_and_check(erf_lab, k=2)


def test_a_table_of_another_state_is_noticed(erf_lab, monkeypatch):
    old = erf_lab._numbers_box.value
    monkeypatch.setattr(OneNeuron, "_numbers", lambda self, result: old)
    with pytest.raises(AssertionError):
        move_and_check(erf_lab, k=2)


def test_an_exception_in_a_callback_is_noticed(erf_lab, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(OneNeuron, "_caption", broken)
    with pytest.raises(AssertionError, match="this lab failed"):
        move_and_check(erf_lab, k=2)


def test_a_picture_that_a_refusal_does_not_dim_is_noticed(erf_lab, monkeypatch):
    monkeypatch.setattr(erf_lab._picture, "add_class", lambda name: None)
    with pytest.raises(AssertionError):
        move_and_check(erf_lab, k=5)


def test_a_refusal_in_strange_words_is_noticed(erf_lab, monkeypatch):
    def broken(*_):
        raise np.linalg.LinAlgError("SVD did not converge")  # a ValueError, but no sentence of the library

    monkeypatch.setattr(OneNeuron, "_compute", broken)
    with pytest.raises(AssertionError, match="SVD did not converge"):
        move_and_check(erf_lab, k=2)
