"""Numbers as text: no rounding noise, no -0, the same on every machine."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_nb.display import below, eigenvalues, grouped, number, table, vector

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
ORDINARY = st.floats(min_value=1e-6, max_value=1e6) | st.floats(min_value=-1e6, max_value=-1e-6)


@pytest.mark.parametrize(
    "value, text",
    (
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.5, "0.5"),
        (-2.25, "-2.25"),
        (9.9999999, "10"),
        (-9.9999999, "-10"),
        (0.0724526452, "0.0724526"),
        (1234567.0, "1.23457e6"),
        (8.4885e-7, "8.4885e-7"),
        (1e-300, "0"),
        (np.inf, "inf"),
        (-np.inf, "-inf"),
        (np.nan, "nan"),
    ),
)
def test_a_number_has_six_significant_digits_and_no_padding(value, text):
    assert number(value) == text


@given(FINITE, st.integers(1, 15), st.just(0.0) | st.floats(min_value=1e-10, max_value=1e10))
def test_a_number_reads_back_within_its_digits(value, digits, scale):
    text = number(value, digits, scale)
    assert not re.fullmatch(r"-0(\.0*)?(e.*)?", text)
    assert re.fullmatch(r"-?\d+(\.\d*[1-9])?(e-?[1-9]\d*)?", text), text
    error = abs(float(text) - value)
    assert error <= max(0.5000001 * 10.0 ** (1 - digits) * abs(value), 50.0001e-13 * scale, 1e-300)


@given(st.floats(min_value=-1e-14, max_value=1e-14), st.floats(min_value=1.0, max_value=1e6))
def test_what_is_noise_beside_the_data_is_zero(value, scale):
    assert number(value, 6, scale) == "0"


@given(ORDINARY, st.integers(1, 8))
def test_rounding_errors_do_not_change_the_text_away_from_halfway_cases(value, digits):
    texts = {number(value * (1 + shift), digits, abs(value)) for shift in (-1e-15, 0.0, 1e-15)}
    mantissa = abs(value) / 10.0 ** np.floor(np.log10(abs(value))) * 10.0 ** (digits - 1)
    halfway = abs(mantissa % 1 - 0.5) < 1e-6
    assert len(texts) == 1 or halfway


def test_digits_that_the_scale_makes_uncertain_are_not_shown():
    assert number(1.23456789e-10, 6, 1.0) == "1.23e-10"
    assert number(1.23456789e-12, 6, 1.0) == "1e-12"
    assert number(1.23456789, 6, 1.0) == "1.23457"


def test_a_vector_shows_noise_as_zero():
    assert vector([1.0, 0.5, -1e-17]) == "(1, 0.5, 0)"
    assert vector([]) == "()"
    assert vector([-0.0]) == "(0)"


@pytest.mark.parametrize(
    "value, text",
    ((0.0, "< 1e-12"), (-3e-16, "< 1e-12"), (1e-12, "< 1e-9"), (2e-8, "< 1e-6"), (5e-4, "< 1e-3"), (0.0123, "0.012")),
)
def test_a_residual_is_shown_by_its_bound(value, text):
    assert below(value) == text


def test_equal_eigenvalues_are_grouped_with_their_multiplicity():
    assert grouped([3.0, 1.0, 3.0 + 1e-12, 3.0 - 1e-12]) == [(1.0, 1), (pytest.approx(3.0), 3)]
    assert eigenvalues([28.7922, 28.501382103, 0.000846832, 23.683955] + [28.501382103 + 1e-13] * 3) == (
        "0.000846832, 23.684, 28.5014 (x4), 28.7922"
    )


def test_zeros_make_one_group_whatever_their_rounding():
    assert eigenvalues([-1.5, 0.0, 0.0, 3e-17, -2e-16, 1.5]) == "-1.5, 0 (x4), 1.5"
    assert eigenvalues([0.0, 0.0]) == "0 (x2)"
    assert eigenvalues([]) == ""


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_grouping_is_independent_of_order_and_of_rounding(values, random):
    exact = eigenvalues(np.array(values, dtype=float))
    shaken = np.array(values) * (1 + 1e-14 * np.array([random.uniform(-1, 1) for _ in values]))
    shaken = shaken + 1e-15 * max(abs(v) for v in values)
    random.shuffle(shuffled := list(shaken))
    assert eigenvalues(shuffled) == exact
    assert sum(count for _, count in grouped(shuffled)) == len(values)
    assert [round(value) for value, _ in grouped(shuffled)] == sorted(set(values))


def test_eigenvalues_that_differ_are_not_grouped_even_where_both_are_small():
    assert [count for _, count in grouped([1e-7, 2e-7, 3000.0, 3000.001])] == [1, 1, 1, 1]


def test_a_table_is_aligned():
    text = table(("point", "loss"), [("average", "0.07"), ("zero", "1.66667")])
    assert text.splitlines() == ["point    loss", "-------  -------", "average  0.07", "zero     1.66667"]
