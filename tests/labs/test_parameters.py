"""Parameters take what they allow, in their own type, and refuse all else with a sentence."""

import decimal
import fractions
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_nb.labs.parameters import Choice, Logarithmic, Parameter, Real, Whole

WHOLE = Whole("k", "k", 3, low=1, high=10)
REAL = Real("beta", "beta", 0.0, low=-1.0, high=1.0, step=0.05)
LOGARITHMIC = Logarithmic("eps", "eps", 0.1, low=1e-4, high=2.0, step=0.1)
POSITIVE = Real("norm", "norm", 1.0, low=1e-15, high=3.0)
CHOICE = Choice("activation", "activation", "erf", options={"erf": 1, "relu": 2})
NO_NUMBERS = [
    None,
    "3",
    True,
    [1],
    (),
    {},
    1j,
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    -(10**400),
    b"3",
    np.array([1, 2]),
]


@pytest.mark.parametrize(
    "value", [*NO_NUMBERS, 0, 11, 2.5, np.float64(3.5), fractions.Fraction(7, 2), decimal.Decimal(3)]
)
def test_a_whole_number_refuses_all_else_with_its_range(value):
    with pytest.raises(ValueError, match=r"^k must be a whole number between 1 and 10; .* was given$"):
        WHOLE.checked(value)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1.0000001, -2, np.float32(1.5)])
def test_a_real_number_refuses_all_else_with_its_range(value):
    with pytest.raises(ValueError, match=r"^beta must be a number between -1 and 1; .* was given$"):
        REAL.checked(value)


@pytest.mark.parametrize("value", [None, "ERF", "", 0, True, ["erf"], {"erf"}, b"erf", math.nan])
def test_a_choice_refuses_all_else_with_its_names(value):
    with pytest.raises(ValueError, match=r"^activation must be one of erf, relu; .* was given$"):
        CHOICE.checked(value)


@pytest.mark.parametrize("value", [3, 3.0, np.int8(3), np.float32(3), fractions.Fraction(3)])
def test_whole_numbers_of_any_kind_become_int(value):
    assert WHOLE.checked(value) == 3 and type(WHOLE.checked(value)) is int


@given(st.floats(-1.0, 1.0))
def test_a_real_number_becomes_a_float_of_twelve_digits_in_its_range_and_stays_it(value):
    checked = REAL.checked(value)
    assert type(checked) is float and -1.0 <= checked <= 1.0
    assert abs(checked - value) <= 2e-12
    assert REAL.checked(checked) == checked
    assert not (checked == 0.0 and math.copysign(1.0, checked) < 0), "a negative zero"


@pytest.mark.parametrize("value", [-0.0, -1 + 20 * 0.05, 5.6e-17, -5.6e-17, sum([0.1] * 10) - 1.0])
def test_the_rounding_of_a_sliders_steps_around_zero_is_zero(value):
    assert repr(REAL.checked(value)) == "0.0"


def test_small_numbers_are_kept_where_zero_is_out_of_range():
    assert POSITIVE.checked(2e-15) == 2e-15


@given(st.floats(1e-4, 2.0))
def test_a_logarithmic_number_has_four_digits_and_stays_in_its_range(value):
    checked = LOGARITHMIC.checked(value)
    assert type(checked) is float and 1e-4 <= checked <= 2.0
    assert abs(checked - value) <= 5e-4 * value and LOGARITHMIC.checked(checked) == checked


@pytest.mark.parametrize("value", [0.0, -1.0, 9e-5, 2.1, math.nan, "3"])
def test_a_logarithmic_number_refuses_all_else_with_its_range(value):
    with pytest.raises(ValueError, match=r"^eps must be a number between 0.0001 and 2; .* was given$"):
        LOGARITHMIC.checked(value)


@pytest.mark.parametrize("parameter", [WHOLE, REAL, LOGARITHMIC], ids=lambda parameter: parameter.name)
def test_the_steps_of_a_slider_lead_from_end_to_end(parameter):
    value, count = parameter.checked(parameter.low), 0
    while (following := parameter.following(value, up=True)) is not None:
        assert parameter.place(following) > parameter.place(value)
        assert parameter.on_step(parameter.steps(following)) == following
        assert parameter.steps(parameter.following(following, up=False)) == pytest.approx(count, abs=0.02)
        value, count = following, count + 1
    assert count == int(parameter.steps(parameter.high) + 1e-9)
    assert parameter.following(parameter.low, up=False) is None
    assert [parameter.place(end) for end in (parameter.low, parameter.high)] == [0.0, 1.0]


def test_names_are_asked_for_again_each_time():
    options = {"erf": 1}
    choice = Choice("activation", "activation", "erf", options=options)
    options["mine"] = 2
    assert choice.checked("mine") == "mine"


def test_a_parameter_says_its_value_as_a_reader_writes_it():
    assert [REAL.text(0.5), REAL.text(1.0), WHOLE.text(3), CHOICE.text("erf")] == ["0.5", "1", "3", "erf"]
    assert REAL.text(0.123456789) == "0.123456789"
    assert [LOGARITHMIC.text(value) for value in (1e-4, 1.259e-4, 0.001259, 0.4, 2.0)] == [
        *("1e-4", "1.259e-4", "0.001259", "0.4", "2")
    ]


@given(st.floats(1e-4, 2.0))
def test_a_logarithmic_number_is_read_as_it_is_written(value):
    value = LOGARITHMIC.checked(value)
    assert LOGARITHMIC.read(LOGARITHMIC.text(value)) == value


@pytest.mark.parametrize(
    ("words", "value"), [("1e-3", 1e-3), ("10^-2", 1e-2), (" 0.5 ", 0.5), ("10^\N{MINUS SIGN}2", 1e-2)]
)
def test_what_is_written_is_read(words, value):
    assert LOGARITHMIC.read(words) == value


@pytest.mark.parametrize("words", ["", "one", "1e", "10^", "5", "-1", "nan", "inf", "0"])
def test_what_cannot_be_is_not_read(words):
    with pytest.raises(ValueError, match=r"^eps must be a number between 0.0001 and 2; .* was given$"):
        LOGARITHMIC.read(words)


def test_a_parameter_without_a_kind_checks_nothing_silently():
    with pytest.raises(NotImplementedError):
        Parameter("x", "x", 0).checked(0)
