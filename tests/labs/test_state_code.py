"""State codes: exact, quotable, hard to mistype, and readable in later releases."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_sweep import LABS, undrawn

from landscape_nb.labs import Kernels, OneNeuron, state_code
from landscape_nb.labs.parameters import Choice, Real, Whole
from landscape_nb.labs.state_code import State, decode, encode

NAMES = {"erf", "relu", "a~b", "c!", "d*", "*", "!", "~", "50%", "é", "σ", "🙂", "a b", "x&y=z", "+", "%7E", "/?#", ""}
FIRST = (
    Choice("name", "name", "erf", options=dict.fromkeys(sorted(NAMES))),
    Whole("k", "k", 3, low=-5, high=10),
    Real("beta", "beta", 0.0, low=-1e300, high=1e300),
)
#: The same lab in a later release: a parameter came in the middle, with another default than what older codes meant.
SECOND = (FIRST[0], Real("bias", "bias", 0.5, low=0.0, high=1.0, since=2, before=0.0), *FIRST[1:])
THIRD = (*SECOND, Whole("seed", "seed", 7, low=0, high=9, since=3))
DIGITS = set("0123456789abcdefghijkmnpqrstuvwx")

states = st.fixed_dictionaries(
    {
        "name": st.sampled_from(sorted(NAMES)),
        "k": st.integers(-5, 10),
        "beta": st.floats(-1e300, 1e300).map(FIRST[2].checked),
    }
)
locks = st.lists(st.sampled_from(["name", "k", "beta"]), unique=True, max_size=3)


def code_of(text):
    """This text with the check characters that belong to it."""
    return f"{text}~{state_code._check(text)}"


# there and back -------------------------------------------------------------------------------------------------------


@given(states, locks, st.integers(0, 3))
def test_a_code_gives_back_the_very_state_with_its_locks(values, locked, cut):
    state = State(values, tuple(locked[:cut]), tuple(locked[cut:]))
    found = decode("lab", FIRST, encode("lab", FIRST, state))
    assert found.values == values and [type(found.values[name]) for name in values] == [type(values[n]) for n in values]
    assert (set(found.fixed), set(found.hidden)) == (set(state.fixed), set(state.hidden))


@given(states)
def test_a_code_needs_no_quoting_in_a_link_and_none_in_a_shell(values):
    code = encode("lab", FIRST, State(values))
    assert set(code) <= set(string.ascii_letters + string.digits + "~-_.%+"), code
    assert "+" not in code.split("~")[2], "a plus sign in a link is a space"


def test_spaces_around_a_pasted_code_do_not_matter():
    code = encode("lab", FIRST, State({"name": "a b", "k": 1, "beta": 0.5}))
    assert decode("lab", FIRST, f"  {code}\n") == decode("lab", FIRST, code)


# mistyped -------------------------------------------------------------------------------------------------------------


def mistypes(code):
    """Every code with one other character, and every one with two neighbours swapped."""
    for i, here in enumerate(code):
        yield from (code[:i] + other + code[i + 1 :] for other in string.printable[:95] if other != here)
        if i and code[i - 1] != here:
            yield code[: i - 1] + here + code[i - 1] + code[i + 1 :]


def slips(code):
    """Every code with one character missing, and every one with one more."""
    for i in range(len(code)):
        yield code[:i] + code[i + 1 :]
        yield from (code[:i] + other + code[i:] for other in string.printable[:95])


def default_code(lab_class):
    state = State({parameter.name: parameter.default for parameter in lab_class.parameters})
    return encode(lab_class.name, lab_class.parameters, state)


def opens(lab_class, code):
    """Whether this code opens a state; where it does not, a sentence says why."""
    try:
        decode(lab_class.name, lab_class.parameters, code)
    except ValueError as error:
        sentence = str(error)
    else:
        return True
    assert len(sentence) > 30 and "code" in sentence
    return False


@pytest.mark.parametrize("lab_class", LABS)
def test_no_code_with_a_wrong_character_or_two_swapped_ones_opens_a_state(lab_class):
    code = default_code(lab_class)
    assert opens(lab_class, code)
    assert [wrong for wrong in mistypes(code) if wrong.strip() != code and opens(lab_class, wrong)] == []


@pytest.mark.parametrize("lab_class", LABS)
def test_of_the_codes_with_a_character_more_or_less_at_most_one_in_thousands_opens_a_state(lab_class):
    code = default_code(lab_class)
    wrong = [slip for slip in slips(code) if slip.strip() != code]
    assert sum(opens(lab_class, slip) for slip in wrong) <= 1 + len(wrong) / 5000  # 1 in 32768 is expected


def remainder(content):
    """The remainder of these bytes as a polynomial over GF(2) times x^15, by schoolbook division."""
    number = int.from_bytes(content, "big") << 15
    divisor = sum(1 << power for power in (15, 14, 10, 8, 7, 4, 3, 0))
    while number.bit_length() > 15:
        number ^= divisor << (number.bit_length() - 16)
    return number


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_the_check_is_the_remainder_of_crc_15(text):
    """Which misses no run of wrong bits up to 15 long: so no wrong character, and (below) no swapped neighbours."""
    digits = "0123456789abcdefghijkmnpqrstuvwx"
    number = 0
    for digit in state_code._check(text):
        number = 32 * number + digits.index(digit)
    assert number == remainder(text.encode())


def test_no_two_swapped_neighbours_are_missed():
    """Swapping a and b adds (a + b)(x^8 + 1), which the divisor does not divide for any two bytes."""
    for difference in range(1, 256):
        assert remainder(bytes([difference, difference])) != 0


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_any_text_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match="code"):
        decode("lab", FIRST, text)


@pytest.mark.parametrize(
    "code, sentence",
    [
        (None, "a state code is text; None was given"),
        (7, "a state code is text; 7 was given"),
        (b"lab~1~erf~3~0.0~000", "a state code is text"),
        (["lab"], "a state code is text"),
        ("", "'' is no state code; one looks like lab~1~"),
        ("lab", "'lab' is no state code"),
        ("~~~", "belongs to the lab ''; here is lab"),
        ("other~1~erf~3~0.0~000", "belongs to the lab 'other'; here is lab"),
        ("lab~1~erf~3~0.0~000", "is incomplete or mistyped: its last characters do not fit the rest; copy it anew"),
        ("lab~1~erf~3~0.0~\ud800", "is incomplete or mistyped"),
        (code_of("lab~1~erf~\ud800~0.0"), "k must be a number"),
        (code_of("lab~2~erf~3~0.0"), "has the version 2, this release reads versions 1 to 1; update landscape_nb"),
        (code_of("lab~0~erf~3~0.0"), "has the version 0"),
        (code_of("lab~-1~erf~3~0.0"), "has the version -1"),
        (code_of("lab~x~erf~3~0.0"), "has the version x"),
        (code_of("lab~²~erf~3~0.0"), "has the version ²"),
        (code_of("lab~1~erf~3"), "has 2 values, a code of version 1 has 3"),
        (code_of("lab~1~erf~3~0.0~1"), "has 4 values, a code of version 1 has 3"),
        (code_of("lab~1~ERF~3~0.0"), "does not fit this lab: name must be one of"),
        (
            code_of("lab~1~erf~99~0.0"),
            "does not fit this lab: k must be a whole number between -5 and 10; 99 was given",
        ),
        (code_of("lab~1~erf~3.5~0.0"), "does not fit this lab: k must be a number; '3.5' was given"),
        (code_of("lab~1~erf~~0.0"), "does not fit this lab: k must be a number; '' was given"),
        (code_of("lab~1~erf~3~nan"), "does not fit this lab: beta must be a number between"),
        (code_of("lab~1~erf~3~inf"), "does not fit this lab: beta must be a number between"),
        (code_of("lab~1~erf~3~1e999"), "does not fit this lab: beta must be a number between"),
    ],
)
def test_a_wrong_code_is_refused_with_a_sentence(code, sentence):
    with pytest.raises(ValueError) as caught:
        decode("lab", FIRST, code)
    assert sentence in str(caught.value)


# releases -------------------------------------------------------------------------------------------------------------


@given(states, st.floats(0.0, 1.0).map(SECOND[1].checked))
def test_codes_of_older_releases_stay_readable(values, bias):
    first = encode("lab", FIRST, State(values, ("k",), ("beta",)))
    assert first.startswith("lab~1~")
    assert decode("lab", SECOND, first) == State(values | {"bias": 0.0}, ("k",), ("beta",))
    assert decode("lab", THIRD, first).values == values | {"bias": 0.0, "seed": 7}
    second = encode("lab", SECOND, State(values | {"bias": bias}, ("bias",)))
    assert second.startswith("lab~2~")
    assert decode("lab", SECOND, second) == State(values | {"bias": bias}, ("bias",))
    assert decode("lab", THIRD, second).values == values | {"bias": bias, "seed": 7}
    with pytest.raises(ValueError, match="has the version 2, this release reads versions 1 to 1"):
        decode("lab", FIRST, second)


def test_a_new_parameter_takes_the_last_field_wherever_it_stands_in_the_lab():
    code = encode("lab", SECOND, State({"name": "erf", "k": 1, "beta": 2.0, "bias": 0.25}))
    assert code.split("~")[2:-1] == ["erf", "1", "2.0", "0.25"]


#: Written down once; they are never to change. A lab that grows keeps reading them.
RELEASED = [
    (OneNeuron, "one-neuron~1~erf~6~7~0.0~1.0~0.0~1~x4a", {"k": 6, "d": 7}, (), ()),
    (
        OneNeuron,
        "one-neuron~1~relu!~2~5~-0.35~1.25~0.5*~2~de8",
        {"activation": "relu", "k": 2, "d": 5, "correlation": -0.35, "norm": 1.25, "spread": 0.5, "point": 2},
        ("activation",),
        ("spread",),
    ),
    (Kernels, "kernels~1~relu~1.0~1.0~60~0~p6n", {}, (), ()),
    (
        Kernels,
        "kernels~1~leaky_relu~0.123456789012~5.0!~180~20*~tab",
        {"activation": "leaky_relu", "norm1": 0.123456789012, "norm2": 5.0, "angle": 180, "seed": 20},
        ("norm2",),
        ("seed",),
    ),
]


@pytest.mark.parametrize("lab_class, code, values, fixed, hidden", RELEASED)
def test_codes_of_release_0_2_stay_readable(lab_class, code, values, fixed, hidden):
    with undrawn():
        lab = lab_class(code)
    expected = {parameter.name: parameter.default for parameter in lab_class.parameters} | values
    assert {name: lab.state[name] for name in expected} == expected
    assert (lab._fixed, lab._hidden) == (fixed, hidden)
    assert lab.code == code


# opening --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query, variable, code",
    [
        ("", "", ""),
        ("lab=lab~1~x", "", "lab~1~x"),
        ("a=b&lab=lab~1~x%2520&c", "", "lab~1~x%20"),
        ("lab=first&lab=second", "", "second"),
        ("other=other~1~x", "", ""),
        ("", "lab~1~y", "lab~1~y"),
        ("", "laboratory~1~y", ""),
        ("", "nonsense", ""),
        ("lab=lab~1~x", "lab~1~y", "lab~1~x"),
        ("other=other~1~x", "lab~1~y", "lab~1~y"),
    ],
)
def test_the_code_to_open_comes_from_the_link_or_else_from_the_command(query, variable, code, monkeypatch):
    monkeypatch.setenv("QUERY_STRING", query)
    monkeypatch.setenv(state_code.OPENING, variable)
    assert state_code.opening_code("lab") == code
    assert state_code.links_work()


def test_without_a_link_and_a_command_nothing_is_opened(monkeypatch):
    monkeypatch.delenv("QUERY_STRING", raising=False)
    monkeypatch.delenv(state_code.OPENING, raising=False)
    assert state_code.opening_code("lab") == "" and not state_code.links_work()
