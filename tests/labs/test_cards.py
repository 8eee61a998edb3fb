"""Theorems as HTML: balanced, quoted, and true to their verdicts."""

import pytest
from lab_invariants import words

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron import ONE_NEURON_STATEMENTS, statement_for
from landscape_nb.labs import cards
from landscape_nb.networks import Network, orthonormal_teacher

BY_KEY = pytest.mark.parametrize("statement", ONE_NEURON_STATEMENTS, ids=lambda statement: statement.key)


@BY_KEY
def test_a_theorem_that_applies_says_so_with_a_tick_for_each_hypothesis(statement):
    verdicts = tuple((sentence, None) for sentence in ("one hypothesis", "another"))
    text = words(cards.theorem(statement, verdicts, "nothing"))
    assert "applies." in text and "does not apply" not in text and "nothing" not in text
    assert text.count("✓") == 2 + len(statement.verified) and "✗" not in text
    assert statement.title[1:] in text and statement.status in text


def test_a_theorem_that_does_not_apply_says_which_hypothesis_fails_and_what_was_given():
    activation, teacher = ACTIVATIONS["erf"], Network([[1.0, 0.0], [0.0, 1.0]], [1.0, 2.0])
    statement = statement_for(activation)
    verdicts = statement.verdicts(activation, teacher)
    failed = [(sentence, given) for sentence, given in verdicts if given is not None]
    assert failed
    text = words(cards.theorem(statement, verdicts, "a search answers"))
    assert "does not apply here: a search answers" in text
    assert text.count("✗") == len(failed)
    for sentence, given in failed:
        assert f"✗ {sentence} — {given} given" in text
    assert all(given is None for _, given in statement.verdicts(activation, orthonormal_teacher(2, 3)))


@BY_KEY
def test_words_do_not_become_markup(statement):
    card = cards.theorem(statement, (("1 < 2 & <b>", "<i>x</i>"),), "otherwise")
    assert "1 &lt; 2 &amp; &lt;b&gt; — &lt;i&gt;x&lt;/i&gt; given" in card
    assert "&lt;script&gt;" in cards.badges(["<script>"])
    assert "**" not in card


def test_turning_points_are_listed_with_their_sliders_and_none_leave_nothing():
    text = words(cards.turning_points([("teacher norm", 2.449489742783178, "a < b"), ("correlation", -0.25, "c")]))
    assert "teacher norm = 2.44949: a < b" in text and "correlation = -0.25: c" in text
    assert cards.turning_points([]) == ""


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("s''''(beta) = 0, s''(beta) != 0", "s''''(β) = 0, s''(β) ≠ 0"),
        ("gap |a_1 - a_2|, |grad L|", "gap |a₁ - a₂|, |∇L|"),
        ("L - L_inf = 1 h eps^2", "L - L<sub>inf</sub> = 1 h ε²"),
        ("(w, a) -> (-w, -a) for k <= 6 and x^-4 >= 1e-8", "(w, a) → (-w, -a) for k ≤ 6 and x⁻⁴ ≥ 1e-8"),
        ("normal_cdf, epsilon < 1 & sigmas", "normal_cdf, epsilon &lt; 1 &amp; sigmas"),
    ],
)
def test_plain_mathematics_is_typeset(plain, shown):
    assert cards.typeset(plain) == shown
