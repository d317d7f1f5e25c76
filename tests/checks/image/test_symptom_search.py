"""The index leaves nothing out: what a text holds is among what is tried, and in the table's order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.image.symptom.rules import RULES
from checks.image.symptom.rules.search import Search

NEEDLES = [phrase.needle for one in RULES for phrase in one.phrases]
SEARCH = Search(NEEDLES, [one.example for one in RULES])
SMALL = Search(
    ["manifest unknown", "eof", "…]: 5", "tls: ", "unauthori", "no such host"], ["manifest no such host"]
)


def held(text: str, needles: list[str]) -> set[int]:
    return {number for number, needle in enumerate(needles) if needle in text}


@given(st.lists(st.sampled_from([*NEEDLES, " ", "…", "x", "-", ": ", "403", "é"]), max_size=12))
def test_whatever_a_text_holds_is_tried(parts: list[str]) -> None:
    for joint in ("", " ", "x"):
        text = joint.join(parts)
        found = SEARCH.candidates(text)
        assert held(text, NEEDLES) <= set(found)
        assert found == sorted(set(found))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("manifest unknown", [0]),
        ("(manifest unknown)", [0]),
        ("unknown manifests", [0]),  # tried, and no more than that
        ("geofence", [1]),
        ("url …]: 502", [2]),
        ("tls: handshake of an unauthorized", [3, 4]),
        ("nosuchhost", []),
        ("", []),
        ("\ud800é", []),
    ],
)
def test_a_phrase_is_tried_for_the_sake_of_its_rarest_word(text: str, numbers: list[int]) -> None:
    assert SMALL.candidates(text) == numbers
