"""Exponents measured on known power laws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_nb.power_laws import decade_exponent, fit_power, local_exponents

TIMES = np.geomspace(1.0, 1e6, 61)


@pytest.mark.parametrize("exponent", (1 / 6, -2 / 3, 0.25, 2.0))
def test_the_measures_find_the_exponent_of_a_pure_power(exponent):
    values = 3.0 * TIMES**exponent
    assert_allclose(local_exponents(TIMES, values), exponent, rtol=1e-12)
    assert_allclose(decade_exponent(TIMES, values), exponent, rtol=1e-6)
    amplitude, offset, power, error = fit_power(TIMES, values, exponent)
    assert_allclose((amplitude, power), (3.0, exponent), rtol=1e-12)
    assert abs(offset) < 1e-9 * values.max() and error < 1e-12


def test_a_constant_offset_hides_the_local_exponent_only():
    values = 0.5 * TIMES ** (1 / 6) + 0.5
    assert (local_exponents(TIMES, values) < 0.152).all()
    assert_allclose(decade_exponent(TIMES, values), 1 / 6, rtol=1e-6)
    amplitude, offset, *_ = fit_power(TIMES, values, 1 / 6)
    assert_allclose((amplitude, offset), (0.5, 0.5), rtol=1e-9)


def test_decades_are_counted_back_from_the_last_time():
    times = np.geomspace(2.0, 3e5, 40)  # no time but the last stands at a whole decade
    assert_allclose(decade_exponent(times, 7 - 2 * times**-0.5), -0.5, rtol=1e-4)


@pytest.mark.parametrize(
    "measure, times, values, sentence",
    (
        (local_exponents, [1, 2], [1, 2], "no fewer than 3"),
        (local_exponents, [1, 2, 3], [1, 2, -1], "values > 0; the smallest is -1"),
        (local_exponents, [0, 1, 2], [1, 2, 3], "ascending times > 0"),
        (local_exponents, [1, 3, 2], [1, 2, 3], "ascending times > 0"),
        (local_exponents, [1, 2, 3], [1, np.inf, 3], "a finite value at each"),
        (decade_exponent, [1, 2, 3, 50], [1, 2, 3, 4], "needs two decades of time; from 1 to 50 there are 1.70"),
        (decade_exponent, [1, 10, 100, 1000], [1, 2, 1, 2], "only grow or only fall"),
        (lambda t, v: fit_power(t, v, 0.0), [1, 2, 3], [1, 2, 3], "other than 0; 0.0 was given"),
    ),
)
def test_what_cannot_be_measured_is_refused(measure, times, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        measure(np.array(times, float), np.array(values, float))
