"""Theorems and how they are verified, as pieces of HTML for the labs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from ..critical import Statement

Verdicts = tuple[tuple[str, str | None], ...]


_SIGNS = {
    "!=": "\N{NOT EQUAL TO}",
    "<=": "\N{LESS-THAN OR EQUAL TO}",
    ">=": "\N{GREATER-THAN OR EQUAL TO}",
    "->": "\N{RIGHTWARDS ARROW}",
    "grad L": "\N{NABLA}L",
}
_RAISED, _LOWERED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"), str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LETTERS = {"sigma": "σ", "beta": "β", "gamma": "γ", "eps": "ε", "lambda": "λ", "Delta": "Δ"}


def typeset(sentence: str) -> str:
    """A sentence as HTML with its plain mathematics as a book writes it: a_1, eps^2, s''(beta) != 0."""
    for plain, sign in _SIGNS.items():
        sentence = sentence.replace(plain, sign)
    sentence = re.sub(rf"\b({'|'.join(_LETTERS)})(?![a-zA-Z])", lambda found: _LETTERS[found[0]], sentence)
    sentence = html.escape(sentence, quote=False)
    sentence = re.sub(r"\^(-?\d+)", lambda found: found[1].translate(_RAISED), sentence)
    sentence = re.sub(r"\b([^\W\d_])_(\d)\b", lambda found: found[1] + found[2].translate(_LOWERED), sentence)
    return re.sub(r"\b([^\W\d_])_(\w+)", r"\1<sub>\2</sub>", sentence)


def badges(checks: Iterable[str]) -> str:
    """How a formula is verified, one badge for each way."""
    shown = "".join(f"<span class='lab-badge'>✓ {typeset(check)}</span>" for check in checks)
    return f"<p>Verified by {shown}</p>"


def ticks(verdicts: Verdicts) -> str:
    """Hypotheses, ticked or crossed, each cross with what is given instead."""
    items = "".join(
        f"<li>{'✓' if given is None else '✗'} {typeset(sentence)}"
        + (f" — {typeset(given)} given" if given else "")
        + "</li>"
        for sentence, given in verdicts
    )
    return f"<ul>{items}</ul>"


def theorem(statement: Statement, verdicts: Verdicts, otherwise: str) -> str:
    """A statement with its hypotheses ticked or crossed; ``otherwise`` says what is shown where it does not apply."""
    applies = all(given is None for _, given in verdicts)
    verdict = "applies" if applies else f"does not apply here: {otherwise}"
    claim = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(statement.claim, quote=False))
    title = statement.title[:1].upper() + statement.title[1:]
    return (
        f"<p><b>{typeset(title)} {verdict}.</b> <i>{html.escape(statement.status)}</i></p>"
        f"{ticks(verdicts)}<p>{claim}</p>{badges(statement.verified)}"
    )


def turning_points(marks: Iterable[tuple[str, float, str]]) -> str:
    """The bifurcation values along the sliders in words: (label of the slider, value, sentence)."""
    items = "".join(
        f"<li>{html.escape(label)} = {value:.6g}: {html.escape(sentence)}</li>" for label, value, sentence in marks
    )
    return f"<p>Bifurcations, the ticks along the sliders:</p><ul>{items}</ul>" if items else ""
