"""Any text is read, and none takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.image.symptom import classify
from checks.image.symptom.rules import RULES

MEGABYTE = 1_000_000
NEEDLES = sorted({phrase.needle for one in RULES for phrase in one.phrases})
FRAGMENTS = (
    "a", "-", "a-", "a.", '"', '"a', "[", ", failed to pull image ", "(Mirrors also failed: [", "]): ",
    "\\", '\\"', "lookup ", "https://", "</", "<html ", "manifest a in ", "User: arn:",
    "client 'x' with object id ", "dial tcp ", "error:", "a/", "a@", '{"code":"', 'image "',
    "repository … ", "\x00", " ", "\n", "é", "\ud800",
)  # fmt: skip


def seconds(message: str) -> float:
    """Of this process; if long, the best of three: a busy machine must not fail a test."""
    spent = []
    for _ in range(3):
        started = time.process_time()
        classify(message)
        spent.append(time.process_time() - started)
        if spent[-1] < 0.05:
            break
    return min(spent)


@given(st.text(), st.text(max_size=20))
def test_any_text_is_read(message: str, reason: str) -> None:
    classify(message, reason)


@given(st.lists(st.sampled_from([*NEEDLES, *FRAGMENTS]), max_size=400))
def test_any_mixture_of_what_runtimes_say_is_read_quickly(parts: list[str]) -> None:
    assert seconds(" ".join(parts)) < 0.1


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_megabyte_of_anything_is_read_at_once(fragment: str) -> None:
    assert seconds(fragment * (MEGABYTE // len(fragment))) < 0.05


def test_a_megabyte_of_any_rules_words_is_read_at_once() -> None:
    slow = [one for one in NEEDLES if seconds(f"{one} … " * (MEGABYTE // len(one))) > 0.05]
    assert slow == []


def test_thousands_of_messages_a_second() -> None:
    """Ten times less than what one core does, so that only a blunder fails it."""
    messages = [f"{one.example} ({number})" for number in range(40) for one in RULES]
    started = time.process_time()
    for message in messages:
        classify(message)
    assert len(messages) / (time.process_time() - started) > 2_000
