"""Files that other programs read back to the last digit."""

import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_nb.labs import export

TABLES = {
    "numbers": {"x": np.array([0.1, 1 / 3, 1e-300]), "n": [1, 2, 3]},
    "words": {"name": ["a, b", 'the "mean"', "two\nlines"], "value": [math.inf, -math.inf, math.nan]},
    "empty": {"eigenvalue": np.empty(0)},
}


def rows(name):
    return list(csv.reader(io.StringIO(export.as_csv(TABLES, name), newline="")))


def test_a_table_has_its_names_above_and_all_digits():
    assert rows("numbers") == [["x", "n"], ["0.1", "1"], [repr(1 / 3), "2"], ["1e-300", "3"]]
    assert rows("empty") == [["eigenvalue"]]


def test_words_with_commas_quotes_and_lines_come_back():
    assert rows("words")[1:] == [["a, b", "inf"], ['the "mean"', "-inf"], ["two\nlines", "nan"]]


@given(st.lists(st.floats(allow_nan=False)))
def test_every_float_comes_back(values):
    text = export.as_csv({"t": {"x": np.array(values)}}, "t")
    assert [float(row[0]) for row in list(csv.reader(io.StringIO(text)))[1:]] == values
    content = json.loads(export.as_json("lab", "code", {}, "", {"t": {"x": np.array(values)}}))
    assert [float(value) for value in content["tables"]["t"]["x"]] == values


def test_json_holds_everything_with_its_version_and_no_infinities():
    text = export.as_json("lab", "lab~1~a~abc", {"k": 3, "name": "é"}, "two\nlines", TABLES)

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    content = json.loads(text, parse_constant=refuse)
    assert content | {"tables": None} == {
        "format": "landscape_nb lab",
        "version": export.VERSION,
        "lab": "lab",
        "code": "lab~1~a~abc",
        "parameters": {"k": 3, "name": "é"},
        "summary": "two\nlines",
        "tables": None,
    }
    assert content["tables"]["words"]["value"] == ["inf", "-inf", "nan"]
    assert content["tables"]["numbers"] == {"x": [0.1, 1 / 3, 1e-300], "n": [1, 2, 3]}


@pytest.mark.parametrize("name", ["surface", "", None, 3])
def test_a_table_that_is_not_there_is_refused_with_the_names_of_those_that_are(name):
    with pytest.raises(ValueError, match=r"there is no table .*; the tables here are numbers, words, empty"):
        export.as_csv(TABLES, name)


def test_columns_of_unequal_length_are_a_fault():
    with pytest.raises(ValueError, match="shorter"):
        export.as_csv({"t": {"x": [1, 2], "y": [1]}}, "t")
