"""The table itself: every rule earns its place, and none can be slow."""

from __future__ import annotations

import pytest

from checks.image.symptom import classify, deciding_rule
from checks.image.symptom.rules import RULES
from checks.image.symptom.rules.rule import Rule, rule
from checks.image.symptom.text import plain
from checks.model import Symptom


@pytest.mark.parametrize("one", RULES, ids=lambda one: f"{one.symptom.value}: {one.example[:40]}")
def test_a_rules_example_is_read_by_that_rule_and_no_other(one: Rule) -> None:
    assert deciding_rule(plain(one.example)) is one
    assert classify(one.example).symptom is one.symptom


def test_every_rule_says_why() -> None:
    assert all(len(one.why) > 20 for one in RULES)


def test_every_symptom_that_a_message_can_say_has_a_rule() -> None:
    assert {one.symptom for one in RULES} == set(Symptom) - {Symptom.STALLED}


def test_no_phrase_is_listed_twice() -> None:
    phrases = [
        phrase.pattern.pattern if phrase.pattern else phrase.needle for one in RULES for phrase in one.phrases
    ]
    assert sorted(phrases) == sorted(set(phrases))


@pytest.mark.parametrize(
    "phrase",
    [r"(not|never) found", r"ab?c", r"no", r"denied.*", r"denied \w+", r"denied.{3,}", r"denied|refused", ""],
)
def test_a_phrase_that_could_be_slow_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="plain words"):
        rule(Symptom.OTHER, "why", "example", phrase)


def test_plain_words_need_no_pattern() -> None:
    (plain_one,) = rule(Symptom.OTHER, "why", "example", "no such host").phrases
    (bounded,) = rule(Symptom.OTHER, "why", "example", r"\bcancell?ed.{0,20}(a|b)").phrases
    assert (plain_one.needle, plain_one.pattern) == ("no such host", None)
    assert bounded.needle == "cancel"
    assert bounded.pattern
