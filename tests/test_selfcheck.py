"""The selfcheck says the same text wherever everything works, and goes red for each capability that is broken."""

import re
import time

import numpy as np
import pytest

from landscape_nb import ERF, GAUSSIAN, PopulationLandscape, register_activation, selfcheck
from landscape_nb.activations import ACTIVATIONS, Activation, NumericalActivation
from landscape_nb.activations.bell import Bell
from landscape_nb.closed_forms import one_neuron_erf, one_neuron_product, one_neuron_relu
from landscape_nb.closed_forms.splitting import SplittingLine
from landscape_nb.figures import kernels as drawn_kernels
from landscape_nb.figures import style
from landscape_nb.flows import Flow
from landscape_nb.labs import kernels as kernels_lab
from landscape_nb.labs.lab import Lab
from landscape_nb.landscapes import ChannelLandscape, SampledLandscape
from landscape_nb.selfcheck import CHECKS, Failed, Outcome, agree, outcomes, report

NAMES = [check.__name__ for check in CHECKS]


@pytest.fixture(scope="module")
def results():
    start = time.process_time()
    found = outcomes()
    return found, time.process_time() - start


def test_every_capability_works_here(results):
    assert [result.name for result in results[0] if not result.passed] == []


def test_there_is_one_line_per_capability(results):
    lines = report(results[0]).splitlines()
    assert len(lines) == len(CHECKS) + 1
    for line, name in zip(lines, NAMES):
        assert line.startswith(name.replace("_", " ") + ": ")
        assert line.endswith(" ... ok")
    assert lines[-1] == f"all {len(CHECKS)} capabilities work"


def test_it_takes_a_few_seconds_at_most(results):
    assert results[1] < 10  # 2 to 3 on a laptop; processor time, so that a busy machine does not matter


def test_its_text_is_the_same_for_everyone():
    text = "\n".join(f"{check.__name__}: {check.__doc__}" for check in CHECKS)
    assert not re.search(r"\d\.\d+\.\d+|\d\s?(ms|s|seconds)\b|0x|site-packages", text)
    assert not re.search(r"\n\s", text), "a claim is one line"


def test_running_it_twice_says_the_same(monkeypatch):
    monkeypatch.setattr(selfcheck, "CHECKS", (selfcheck.kernels, selfcheck.search, selfcheck.labs))
    first = selfcheck.selfcheck()
    assert first == selfcheck.selfcheck()
    assert first.endswith("all 3 capabilities work")


def test_a_user_s_own_activation_does_not_change_it(monkeypatch):
    monkeypatch.setattr(selfcheck, "CHECKS", (selfcheck.kernels, selfcheck.slopes, selfcheck.hermite_series))
    before = selfcheck.selfcheck()
    register_activation("selfcheck_guest", lambda z: np.arctan(z), odd=True)
    try:
        assert selfcheck.selfcheck() == before
    finally:
        del ACTIVATIONS["selfcheck_guest"]


# what breaks, so that each line goes red ------------------------------------------------------------------------------


def scaled(function, part=None, factor=1 + 1e-6):
    """The function with its result, or one part of it, off by a millionth."""

    def off(*arguments, **keywords):
        result = function(*arguments, **keywords)
        if part is None:
            return result * factor
        return tuple(value * factor if i == part else value for i, value in enumerate(result))

    return off


BREAK = {
    "kernels": (Bell, "jet", lambda old: scaled(old, 0), "the kernel of gaussian is"),
    "slopes": (Activation, "kernel_slopes", lambda old: scaled(old, 0), "K_s of erf is"),
    "hermite_series": (Activation, "mehler_kernel", scaled, "the Hermite series of erf is"),
    "symbolic_forms": (Bell, "_kernel_symbol", lambda old: scaled(old, factor=2), "K of gaussian is"),
    "own_activation": (NumericalActivation, "jet", lambda old: scaled(old, 0), "the kernel of tanh, integrated, is"),
    "landscape": (PopulationLandscape, "hessian", scaled, "an entry of the erf Hessian is"),
    "erf_theorem": (
        one_neuron_erf,
        "average_student",
        lambda old: lambda teacher, norm, weight: old(teacher, norm * (1 + 1e-6), weight),
        "r* at k = 1 is",
    ),
    "relu_theorem": (one_neuron_relu, "angular_factor", scaled, "a |w| of the average"),
    "other_theorems": (one_neuron_product, "group_average", lambda old: scaled(old, 1), "the residual of the"),
    "search": (
        PopulationLandscape,
        "value",
        lambda old: scaled(old, factor=1 + 1e-3),
        "the loss found for k = 3 is",
    ),
    "copy_or_average": (PopulationLandscape, "value", scaled, "the loss of the copy-average"),
    "flows": (Flow, "at", lambda old: scaled(old, factor=1.001), "theta after t = 5 is"),
    "samples": (SampledLandscape, "hessian", scaled, "the hessian on nodes is"),
    "splitting": (SplittingLine, "spectrum", scaled, "an eigenvalue at gamma"),
    "channels": (ChannelLandscape, "excess", lambda old: scaled(old, factor=1.001), "(L - L_inf)/(h eps^2)"),
    "figures": (
        drawn_kernels,
        "kernel_view",
        lambda old: lambda activation, *rest: old(ERF, *rest),
        "the drawn curve is",
    ),
    "labs": (kernels_lab, "number", lambda old: lambda *_: "0", "the kernels lab does not show"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_formula_turns_its_line_red(monkeypatch, name):
    place, attribute, broken, sentence = BREAK[name]
    monkeypatch.setattr(selfcheck, "CHECKS", (getattr(selfcheck, name),))
    selfcheck.plane.cache_clear()
    monkeypatch.setattr(place, attribute, broken(getattr(place, attribute)))
    (outcome,) = outcomes()
    assert not outcome.passed
    assert sentence in outcome.failure
    assert report((outcome,)).splitlines()[-1] == "1 of 1 capabilities FAILED"


@pytest.mark.parametrize(
    "place, attribute, broken, name, sentence",
    [
        (PopulationLandscape, "value", scaled, "landscape", "a loss of erf is"),
        (PopulationLandscape, "gradient", scaled, "landscape", "an entry of the erf gradient is"),
        (style, "still", lambda old: lambda figure: b"", "figures", "the picture is not a PNG file"),
        (Lab, "_refuse", lambda old: lambda self, sentence: None, "labs", "does not refuse 5 orthonormal teachers"),
        (Activation, "kernel_curvatures", lambda old: scaled(old, 3), "slopes", "K_cc of erf is"),
        (one_neuron_product, "average_spectrum", scaled, "other_theorems", "an eigenvalue of the"),
        (NumericalActivation, "kernel_error", lambda old: lambda *_: 1.0, "own_activation", "the stated error is 1"),
    ],
)
def test_other_faults_turn_their_line_red_too(monkeypatch, place, attribute, broken, name, sentence):
    monkeypatch.setattr(selfcheck, "CHECKS", (getattr(selfcheck, name),))
    monkeypatch.setattr(place, attribute, broken(getattr(place, attribute)))
    (outcome,) = outcomes()
    assert sentence in outcome.failure


def test_a_check_that_breaks_down_does_not_stop_the_others(monkeypatch):
    def missing() -> None:
        """a library that is not there"""
        import no_such_library  # noqa: F401

    monkeypatch.setattr(selfcheck, "CHECKS", (missing, selfcheck.erf_theorem))
    first, second, verdict = selfcheck.selfcheck().splitlines()
    assert first == (
        "missing: a library that is not there ... FAILED: ModuleNotFoundError: No module named 'no_such_library'"
    )
    assert second.endswith(" ... ok")
    assert verdict == "1 of 2 capabilities FAILED"


# the pieces -----------------------------------------------------------------------------------------------------------


def test_agree_names_the_worst_entry_and_does_not_pass_nan():
    agree("a number", [1.0, 1e9], [1.0, 1e9 + 1e-4], 1e-12)
    with pytest.raises(Failed, match="an entry is 2 where 3 is expected"):
        agree("an entry", [1.0, 2.0], [1.0, 3.0], 1e-12)
    with pytest.raises(Failed, match="an entry is nan where 1 is expected"):
        agree("an entry", [1.0, np.nan], 1.0, 1e-12)


@pytest.mark.parametrize("s, c, t", [*selfcheck.COVARIANCES, (1.3, 0.0, 0.2), (1.0, 0.99, 1.0)])
def test_its_rule_for_the_plane_has_the_moments_of_the_normal_law(s, c, t):
    x, y, weight = selfcheck.plane(s, c, t)
    for found, expected in (
        (1.0, 1.0),
        (x * x, s),
        (x * y, c),
        (y * y, t),
        (x * x * y * y, s * t + 2 * c * c),
        (np.abs(x), np.sqrt(2 * s / np.pi)),
        (np.abs(y), np.sqrt(2 * t / np.pi)),
        (np.sign(x) * np.sign(y), 2 / np.pi * np.arcsin(c / np.sqrt(s * t))),
    ):
        assert np.sum(weight * found) == pytest.approx(expected, abs=1e-13)


def test_an_outcome_reads_as_a_line():
    assert str(Outcome("search", "finds it", "")) == "search: finds it ... ok"
    assert str(Outcome("search", "finds it", "it did not")) == "search: finds it ... FAILED: it did not"
    assert GAUSSIAN in list(selfcheck.built_in())
