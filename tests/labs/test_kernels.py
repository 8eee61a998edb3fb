"""What the lab of kernels says, and planted faults in its formulas and words; its states are swept in test_every_lab."""

import numpy as np
import pytest
from lab_invariants import check_lab, move_and_check
from lab_sweep import undrawn

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.display import number
from landscape_nb.figures import kernels as picture
from landscape_nb.labs import Kernels
from landscape_nb.labs import kernels as module

RELU = type(ACTIVATIONS["relu"])


@pytest.fixture
def without_drawing():
    with undrawn():
        yield


@pytest.fixture
def counted(monkeypatch):
    """How often each step of the computation runs from now on."""
    calls = []
    for name in ("normal_pairs", "kernel_curve", "sample_means", "kernel_view"):
        step = getattr(picture, name)

        def spy(*arguments, step=step, name=name):
            calls.append(name)
            return step(*arguments)

        monkeypatch.setattr(picture, name, spy)
    return calls


@pytest.mark.parametrize(
    "moved, steps",
    [
        ({"seed": 3}, ["normal_pairs", "sample_means", "kernel_view"]),
        ({"angle": 45}, ["sample_means", "kernel_view"]),
        ({"norm1": 2.0}, ["kernel_curve", "sample_means", "kernel_view"]),
        ({"activation": "erf"}, ["kernel_curve", "sample_means", "kernel_view"]),
        ({"angle": 60}, []),
    ],
)
def test_a_move_computes_only_what_depends_on_it(counted, moved, steps, without_drawing):
    lab = Kernels()
    del counted[:]
    lab.set(**moved)
    assert counted == steps
    lab.set(angle=60, seed=0, norm1=1.0, activation="relu")
    assert counted == steps, "what was computed once is computed again"


def test_parallel_and_opposite_neurons_are_exactly_so_whatever_their_norms(without_drawing):
    lab = Kernels(activation="step", norm1=0.1, norm2=1.0, angle=0)
    assert lab.result.slope == np.inf and "slope dK/dcos = inf" in lab.summary
    lab.set(activation="sign", norm1=0.3, norm2=4.7, angle=180)
    assert lab.result.slope == np.inf and lab.result.value == -1.0
    lab.set(activation="relu")
    assert lab.result.value == 0.0 and lab.result.slope == 0.0


def test_the_text_gives_the_theory_of_two_relu_neurons(without_drawing):
    lab = Kernels(activation="relu", angle=0)
    assert "K = 0.5, slope dK/dcos = 0.5" in lab.summary
    lab.set(angle=90)
    assert f"K = {number(1 / (2 * np.pi), 8)}, slope dK/dcos = 0.25" in lab.summary


# planted faults: each must turn the sweep red -------------------------------------------------------------------------


@pytest.fixture
def relu_lab(without_drawing):
    lab = Kernels(activation="relu", norm1=1.3, norm2=0.7, angle=55)
    check_lab(lab)
    return lab


def test_a_wrong_sign_in_a_kernels_slope_is_noticed(relu_lab, monkeypatch):
    jet = RELU.jet

    def wrong(self, s, c, t, area2, order):
        parts = jet(self, s, c, t, area2, order)
        return parts if order == 0 else (*parts[:2], -parts[2], *parts[3:])

    monkeypatch.setattr(RELU, "jet", wrong)
    with pytest.raises(AssertionError, match="the slope is not that of K"):
        move_and_check(relu_lab, angle=60)


def test_a_kernel_that_is_wrong_in_the_sixth_digit_is_noticed(relu_lab, monkeypatch):
    jet = RELU.jet
    monkeypatch.setattr(
        RELU, "jet", lambda self, *arguments: tuple(part * (1 + 1e-6) for part in jet(self, *arguments))
    )
    with pytest.raises(AssertionError):
        move_and_check(relu_lab, norm2=1.3, angle=60)


def test_a_wrong_digit_in_the_text_is_noticed(relu_lab, monkeypatch):
    def wrong(value, digits=6, scale=0.0):
        text = number(value, digits, scale)
        last = text[-1]
        return text[:-1] + str((int(last) + 1) % 10) if digits == 8 and last.isdigit() else text

    monkeypatch.setattr(module, "number", wrong)
    with pytest.raises(AssertionError, match="the summary says"):
        move_and_check(relu_lab, angle=60)


@pytest.mark.parametrize(
    "text, what", [("-0.000", "negative zero"), ("nan", "not a number"), ("<a object at 0x7f3a2c>", "address")]
)
def test_words_that_must_not_appear_are_noticed(relu_lab, monkeypatch, text, what):
    caption = Kernels._caption
    monkeypatch.setattr(Kernels, "_caption", lambda self, view: caption(self, view) + f" It is {text}.")
    with pytest.raises(AssertionError, match=what):
        move_and_check(relu_lab, angle=60)


def test_an_exception_in_a_callback_is_noticed(relu_lab, monkeypatch):
    def broken(*_):
        raise KeyError("planted")

    monkeypatch.setattr(Kernels, "_numbers", broken)
    with pytest.raises(AssertionError, match="this lab failed"):
        move_and_check(relu_lab, angle=60)


def test_a_text_of_another_state_is_noticed(relu_lab, monkeypatch):
    old = relu_lab.summary
    monkeypatch.setattr(Kernels, "_summary", lambda self, view: old)
    with pytest.raises(AssertionError):
        move_and_check(relu_lab, angle=60)


def test_a_formula_says_what_its_letters_are_and_whether_it_is_closed():
    for name, mark in (("relu", "✓"), ("tanh", "✗")):
        shown = Kernels(activation=name)._theorem_box.value
        assert f"{mark} a closed form of the kernel of {name}" in shown
        assert r"$s=|w|^2$, $c=w\cdot v$, $t=|v|^2$" in shown
