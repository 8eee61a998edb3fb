"""What the lab of page 05 says, the claims of its presets, and faults planted into it."""

from dataclasses import replace

import numpy as np
import pytest
from lab_invariants import boxes, check_lab, words
from lab_sweep import undrawn

from landscape_nb.figures import splitting as picture
from landscape_nb.labs import Splitting
from landscape_nb.labs import splitting as module


@pytest.fixture(autouse=True)
def without_drawing():
    with undrawn():
        yield


# what the presets claim -----------------------------------------------------------------------------------------------

CLAIMS = {
    "two steps: a plateau between 0 and 1": ("inside", "local minimum on a plateau"),
    "two steps, outside: a saddle, and the way down": ("inside", "saddle"),
    "a silenced neuron": ("inside", "degenerate saddle"),
    "with a bias: never a plateau": ("nowhere", "saddle"),
    "erf: minima outside, saddles inside": ("outside", "saddle"),
    "softplus, the same teachers: minima inside": ("inside", "local minimum on a plateau"),
    "indefinite: saddles everywhere": ("nowhere", "saddle"),
    "two neurons: one has a plateau, one has none": ("inside", "local minimum on a plateau"),
    "outside the theorem: B has a zero eigenvalue": (None, "degenerate saddle"),
}


def test_every_preset_has_its_claim_here():
    assert CLAIMS.keys() == Splitting.presets.keys()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_preset_shows_what_its_name_says(name):
    lab = Splitting(**Splitting.presets[name])
    check_lab(lab)
    plateau, kind = CLAIMS[name]
    if plateau is None:
        assert "B negative semi-definite" in lab.result.outside and "given" in lab.result.outside
        assert "no rule says more" in boxes(lab)[2] and lab.result.view.plateaus is None
    else:
        assert lab.result.outside == "" and lab.result.view.line.plateau == plateau
    assert lab.summary.splitlines()[2].startswith(f"{kind}, index ")


def test_the_way_down_of_the_preset_leads_down():
    lab = Splitting(gamma=2.0, apart=-0.6)
    assert lab.summary.splitlines()[-1] == "copies pulled apart by s = -0.6: the loss changes by -0.004439"
    lab.set(apart=0.6)
    assert lab.summary.splitlines()[-1] == "copies pulled apart by s = 0.6: the loss changes by +0.01506"


def test_of_the_two_neurons_one_has_a_plateau_and_one_has_none():
    lab = Splitting(landscape="two neurons")
    assert lab.result.view.line.plateau == "nowhere"
    lab.set(neuron=2)
    assert lab.result.view.line.plateau == "inside" and "neuron 2 of 2 split" in lab.summary


# words ----------------------------------------------------------------------------------------------------------------


def test_the_theorem_ticks_its_hypotheses_and_crosses_the_one_that_fails():
    lab = Splitting()
    assert lab._theorem_box.value.count("✓") >= 4 and "✗" not in lab._theorem_box.value
    assert "The splitting line applies." in words(lab._theorem_box.value)
    lab.set(landscape="erf, orthonormal")
    assert lab._theorem_box.value.count("✗") == 1
    assert "B negative semi-definite" in words(lab._theorem_box.value)
    lab.set(landscape="two steps, bias")
    assert "No plateau with a bias." in words(lab._theorem_box.value)


def test_gamma_and_one_minus_gamma_are_the_same_point_with_the_copies_exchanged():
    lab, other = Splitting(landscape="erf", gamma=-0.4), Splitting(landscape="erf", gamma=1.4)
    assert lab.summary.splitlines()[1:] == other.summary.splitlines()[1:]


def test_a_neuron_that_is_not_there_is_said_to_be_missing():
    lab = Splitting(neuron=2)
    assert "the network has one neuron: that one is split" in boxes(lab)[2]
    assert "neuron 1 of 1 split" in lab.summary
    lab.set(landscape="two neurons")
    assert "that one is split" not in boxes(lab)[2] + lab.summary


def test_a_silenced_neuron_is_named_in_the_table():
    lab = Splitting(gamma=1.0)
    assert "one copy has outgoing weight 0" in words(boxes(lab)[0])
    assert lab._marks(lab.result)["gamma"][1] == (1.0, "γ = 1: the second copy is silenced, 2 zero eigenvalues")
    lab.set(landscape="erf")
    assert lab._marks(lab.result)["gamma"][0] == (0.0, "γ = 0: the first copy is silenced, 3 zero eigenvalues")


def test_a_move_of_gamma_works_out_neither_line_nor_surfaces_again(monkeypatch):
    lab = Splitting(landscape="softplus", gamma=0.3)

    def planted(*_):
        raise RuntimeError("worked out again")

    for name in ("_surface", "refine", "splitting_line"):
        monkeypatch.setattr(module, name, planted)
    lab.set(gamma=1.7)
    check_lab(lab)


# planted faults -------------------------------------------------------------------------------------------------------


def faulty(change):
    """The lab with a view that is wrong in one place."""
    steps = (
        *Splitting.steps[:-1],
        lambda landscape, line, spectra, surfaces, neuron, gamma, apart: replace(
            found := module.result(landscape, line, spectra, surfaces, neuron, gamma, apart), view=change(found.view)
        ),
    )
    return type("Faulty", (Splitting,), {"steps": steps})


FAULTS = {
    "a spectrum of another gamma": lambda view: replace(view, here=view.spectra[0]),
    "a spectrum with the wrong sign": lambda view: replace(view, spectra=-view.spectra),
    "a plateau on the wrong side": lambda view: replace(view, plateaus=((-np.inf, 0.0), (1.0, np.inf))),
    "a surface upside down": lambda view: replace(view, surface=replace(view.surface, rises=-view.surface.rises)),
    "a profile of another direction": lambda view: replace(view, profile=view.profile[::-1] + 1e-6),
    "copies at the wrong place": lambda view: replace(view, copies=view.copies + 1e-6),
    "a change of the loss with the wrong sign": lambda view: replace(view, rise=-view.rise),
    "a network that splitting changes": lambda view: replace(
        view, curve=picture.Curve(view.curve.inputs, view.curve.target, view.curve.output * 1.001, view.curve.apart)
    ),
    "the point of another gamma": lambda view: replace(view, point=view.line.point(0.123)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_numbers_is_noticed(fault):
    values = {"gamma": 0.4, "apart": 0.3}
    check_lab(Splitting(**values))
    with pytest.raises(AssertionError):
        check_lab(faulty(FAULTS[fault])(**values))
