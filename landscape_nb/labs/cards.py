"""Theorems and how they are verified, as pieces of HTML for the labs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from ..critical import Statement

Verdicts = tuple[tuple[str, str | None], ...]


def badges(checks: Iterable[str]) -> str:
    """How a formula is verified, one badge for each way."""
    shown = "".join(f"<span class='lab-badge'>✓ {html.escape(check)}</span>" for check in checks)
    return f"<p>Verified by {shown}</p>"


def theorem(statement: Statement, verdicts: Verdicts, otherwise: str) -> str:
    """A statement with its hypotheses ticked or crossed; ``otherwise`` says what is shown where it does not apply."""
    applies = all(given is None for _, given in verdicts)
    ticks = "".join(
        f"<li>{'✓' if given is None else '✗'} {html.escape(sentence)}"
        + (f" — {html.escape(given)} given" if given else "")
        + "</li>"
        for sentence, given in verdicts
    )
    verdict = "applies" if applies else f"does not apply here: {otherwise}"
    claim = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(statement.claim, quote=False))
    title = statement.title[:1].upper() + statement.title[1:]
    return (
        f"<p><b>{html.escape(title)} {verdict}.</b> <i>{html.escape(statement.status)}</i></p>"
        f"<ul>{ticks}</ul><p>{claim}</p>{badges(statement.verified)}"
    )


def turning_points(marks: Iterable[tuple[str, float, str]]) -> str:
    """The bifurcation values along the sliders in words: (label of the slider, value, sentence)."""
    items = "".join(
        f"<li>{html.escape(label)} = {value:.6g}: {html.escape(sentence)}</li>" for label, value, sentence in marks
    )
    return f"<p>Bifurcations, the ticks along the sliders:</p><ul>{items}</ul>" if items else ""
