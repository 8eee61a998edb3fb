"""A lab's state as a short line of text: it restores the lab in any session and in later releases.

    one-neuron~1~erf~6~7~0.0~1.0~0.0~1~x4a

are the lab, the version of its code, one field for each parameter in the order of their declaration, and three characters that
a mistyped code gets wrong: always where one character or two neighbours are wrong, else all but once in 32768 times. A field ends
with "!" where the control is fixed and with "*" where it is hidden. Nothing in a code needs to be quoted in a link. Numbers are
written with all digits.

A lab that gets a new parameter declares it with ``since`` = the next version: new codes then carry that version, and old codes stay
readable, with the parameter's value ``before``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, unquote

from .parameters import Choice, Parameter

_FIXED, _HIDDEN = "!", "*"
_DIGITS = "0123456789abcdefghijkmnpqrstuvwx"  # 32, without the letters that look like others
#: Where a server puts the code with which the labs of a page shall open.
OPENING = "LANDSCAPE_NB_STATE"


class State(NamedTuple):
    """What a code holds."""

    values: dict[str, Any]
    fixed: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


def encode(lab: str, parameters: Sequence[Parameter], state: State) -> str:
    """The code of this state of a lab."""
    ordered = _ordered(parameters)
    fields = [lab, str(max(parameter.since for parameter in ordered))]
    for parameter in ordered:
        value = state.values[parameter.name]
        mark = _FIXED if parameter.name in state.fixed else _HIDDEN if parameter.name in state.hidden else ""
        # quote() leaves "~" alone, which separates the fields here
        fields.append(quote(value if isinstance(value, str) else repr(value), safe="").replace("~", "%7E") + mark)
    text = "~".join(fields)
    return f"{text}~{_check(text)}"


def decode(lab: str, parameters: Sequence[Parameter], code: str) -> State:
    """The state that this code holds; ValueError with a sentence if it is not a code of this lab."""
    fields = lab_of(code, (lab,))
    newest = max(parameter.since for parameter in parameters)
    if not fields[1].isdecimal() or not 1 <= int(fields[1]) <= newest:
        raise ValueError(
            f"the code {code!r} has the version {fields[1]}, this release reads versions 1 to {newest}; "
            "update landscape_nb to open it"
        )
    held = [parameter for parameter in _ordered(parameters) if parameter.since <= int(fields[1])]
    given = fields[2:-1]
    if len(given) != len(held):
        raise ValueError(f"the code {code!r} has {len(given)} values, a code of version {fields[1]} has {len(held)}")
    values = {
        parameter.name: parameter.default if parameter.before is None else parameter.before for parameter in parameters
    }
    fixed, hidden = [], []
    for parameter, field in zip(held, given, strict=True):
        if field.endswith(_FIXED):
            fixed.append(parameter.name)
        elif field.endswith(_HIDDEN):
            hidden.append(parameter.name)
        try:
            values[parameter.name] = parameter.checked(_read(parameter, field.rstrip(_FIXED + _HIDDEN)))
        except ValueError as error:
            raise ValueError(f"the code {code!r} does not fit this lab: {error}") from None
    return State(values, tuple(fixed), tuple(hidden))


def lab_of(code: str, labs: Sequence[str]) -> list[str]:
    """The fields of a code of one of these labs, its name first; ValueError with a sentence if it is none."""
    if not isinstance(code, str):
        raise ValueError(f"a state code is text; {code!r} was given")
    fields = code.strip().split("~")
    if len(fields) < 4:
        raise ValueError(
            f"{code!r} is no state code; one looks like {labs[0]}~1~...~abc, as a lab shows it below its picture"
        )
    if fields[0] not in labs:
        raise ValueError(f"the code {code!r} belongs to the lab {fields[0]!r}; here is {' or '.join(labs)}")
    if _check("~".join(fields[:-1])) != fields[-1]:
        raise ValueError(
            f"the code {code!r} is incomplete or mistyped: its last characters do not fit the rest; copy it anew"
        )
    return fields


def opening_code(lab: str) -> str:
    """The code with which this page was asked to open this lab, "" if none.

    It comes from the link (``?one-neuron=CODE``, where the front end passes the link's question on, as Voila does) or from the
    command that started the server.
    """
    asked = parse_qs(os.environ.get("QUERY_STRING", "")).get(lab, [""])[-1]
    if asked:
        return asked
    code = os.environ.get(OPENING, "")
    return code if code.split("~")[0] == lab else ""


def links_work() -> bool:
    """Whether this front end hands the question of a link to the kernel, as Voila does."""
    return "QUERY_STRING" in os.environ


def _ordered(parameters: Sequence[Parameter]) -> list[Parameter]:
    return sorted(parameters, key=lambda parameter: parameter.since)


def _read(parameter: Parameter, field: str) -> Any:
    text = unquote(field)
    if isinstance(parameter, Choice):
        return text
    try:
        return type(parameter.default)(text)
    except ValueError:
        raise ValueError(f"{parameter.name} must be a number; {text!r} was given") from None


def _check(text: str) -> str:
    """Three characters of 5 bits each: the remainder of CRC-15 (x^15 + x^14 + x^10 + x^8 + x^7 + x^4 + x^3 + 1)."""
    number = 0
    for byte in text.encode("utf-8", "surrogatepass"):  # a front end may send half a character
        number ^= byte << 7
        for _ in range(8):
            number = (number << 1 ^ (0x4599 if number & 0x4000 else 0)) & 0x7FFF
    return "".join(_DIGITS[number >> shift & 31] for shift in (10, 5, 0))
