"""A sweep of the lab of kernels over its control values, and planted faults that turn it red."""

import os
import random
from itertools import product

import numpy as np
import pytest
from lab_invariants import check_lab, move_and_check

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.display import number
from landscape_nb.figures import kernels as picture
from landscape_nb.figures import style
from landscape_nb.labs import Kernels
from landscape_nb.labs import kernels as module

RELU = type(ACTIVATIONS["relu"])
#: Times as many random states as usual: LABS_SWEEP=20 for a long look.
LONGER = int(os.environ.get("LABS_SWEEP", "1"))


@pytest.fixture
def without_drawing(monkeypatch):
    monkeypatch.setattr(style, "png", lambda figure: b"picture")
    monkeypatch.setattr(picture, "draw", lambda *_: None)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_state_of_the_lattice_fails(name, without_drawing):
    lab = Kernels(activation=name)
    seeds = iter([0, 20] * 1000)
    for norm1, norm2, angle in product((0.1, 1.0, 5.0), (0.1, 1.0, 5.0), (0, 5, 90, 175, 180)):
        assert move_and_check(lab, norm1=norm1, norm2=norm2, angle=angle, seed=next(seeds))


def test_no_state_between_them_fails(without_drawing):
    lab, rng = Kernels(), random.Random(1)
    for _ in range(200 * LONGER):
        assert move_and_check(
            lab,
            activation=rng.choice(list(ACTIVATIONS)),
            norm1=rng.randint(1, 50) / 10,
            norm2=rng.uniform(0.1, 5.0),
            angle=rng.randint(0, 180),
            seed=rng.randint(0, 20),
        )


def test_the_order_of_the_moves_does_not_matter(without_drawing):
    lab, rng = Kernels(), random.Random(2)
    for _ in range(15 * LONGER):
        target = {
            "activation": rng.choice(list(ACTIVATIONS)),
            "norm1": rng.randint(1, 50) / 10,
            "norm2": rng.randint(1, 50) / 10,
            "angle": 5 * rng.randint(0, 36),
            "seed": rng.randint(0, 20),
        }
        for name in rng.sample(list(target), len(target)):
            lab.controls[name].value = target[name]
            check_lab(lab)
        assert lab.state == target
        assert lab.summary == Kernels(**target).summary


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
