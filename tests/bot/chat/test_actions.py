"""What a button carries comes back whole, and nothing else is taken for a button."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.actions import Action, BadAction, Verb, parse_action

INCIDENT = st.text("0123456789abcdef", min_size=8, max_size=8)
DIGEST = st.one_of(st.just(""), st.text("0123456789abcdef", min_size=16, max_size=16))


@given(verb=st.sampled_from(Verb), incident=INCIDENT, digest=DIGEST)
def test_a_button_comes_back_as_it_was_made(verb: Verb, incident: str, digest: str) -> None:
    action = Action(verb, incident, digest)
    assert parse_action(str(action)) == action


@given(st.text())
def test_any_text_is_a_button_of_ours_or_refused(text: str) -> None:
    try:
        action = parse_action(text)
    except BadAction:
        return
    assert str(action) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "approve",
        "approve 1a2b3c4d ",
        " approve 1a2b3c4d",
        "approve 1a2b3c4d\n",
        "approve  1a2b3c4d",
        "Approve 1a2b3c4d",
        "delete 1a2b3c4d",
        "approve 1A2B3C4D",
        "approve 1a2b3c4d 0123",
        "approve 1a2b3c4d 0123456789abcdef0",
        "approve 1a2b3c4d 0123456789abcdef extra",
        "approve ../../etc 0123456789abcdef",
        '{"verb": "approve"}',
    ],
)
def test_what_is_almost_a_button_is_refused(value: str) -> None:
    with pytest.raises(BadAction, match="not one that pullbot made"):
        parse_action(value)
