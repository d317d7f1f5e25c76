"""What Teams sends, as values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.platform import Sender
from bot.chat.teams.activity import BadActivity, Moved, Nothing, Press, Refresh, Words, parse, tenants_of
from bot.chat.teams.places import Reference
from tests.bot.chat.teams.activities import (
    ALICE,
    BOT,
    CHANNEL,
    GROUP,
    SERVICE,
    TENANT,
    activity,
    mention,
    personal,
    pressed,
    said,
    submitted,
)


def test_words_in_a_thread_are_told_with_who_said_them_and_where() -> None:
    words = parse(said("why&nbsp;deploy/web"))
    assert isinstance(words, Words)
    assert words.text == "why deploy/web"
    assert not words.direct
    origin = words.origin
    assert origin.sender == Sender("teams", ALICE, "Alice")
    assert origin.place == Reference(SERVICE, CHANNEL, "channel", TENANT, GROUP, BOT)
    assert (origin.thread, origin.ref, origin.member) == ("1700000000001", "1700000000002", "29:alice")
    assert origin.event == f"teams:{CHANNEL}:1700000000002"


def test_who_begins_a_thread_is_in_none_yet() -> None:
    words = parse(said("why", conversation=f"{CHANNEL};messageid=1700000000002"))
    assert isinstance(words, Words)
    assert words.origin.thread == ""


def test_a_personal_chat_needs_no_mention() -> None:
    words = parse(personal("status"))
    assert isinstance(words, Words)
    assert (words.text, words.direct, words.origin.place.kind) == ("status", True, "personal")


def test_words_that_do_not_mention_us_are_not_for_us_whatever_they_call_somebody() -> None:
    theirs = activity("message", text="<at>pullbot</at> why", entities=[mention(who="29:another")])
    assert parse(theirs) == Nothing("message that does not mention us")
    assert parse(activity("message", text="<at>pullbot</at> why")) == Nothing(
        "message that does not mention us"
    )


def test_a_mention_of_somebody_else_stays_a_name() -> None:
    words = parse(said("mute 2h <at>Ben</at>") | {"entities": [mention(), mention("Ben", "29:ben")]})
    assert isinstance(words, Words)
    assert words.text == "mute 2h @Ben"


@pytest.mark.parametrize(
    ("told", "waits"), [(pressed("fix 1a2b3c4d"), True), (submitted("fix 1a2b3c4d"), False)]
)
def test_a_press_tells_the_button_the_message_and_whether_somebody_waits(told: Any, waits: bool) -> None:
    press = parse(told)
    assert isinstance(press, Press)
    assert (press.value, press.key, press.waits) == ("fix 1a2b3c4d", "1a2b3c4d:offer", waits)
    assert press.origin.on == "1700000000007"


def test_a_card_that_is_looked_at_asks_for_itself() -> None:
    told = parse(pressed("", "1a2b3c4d:request", verb="refresh"))
    assert isinstance(told, Refresh)
    assert told.key == "1a2b3c4d:request"


def test_who_a_card_says_somebody_is_counts_for_nothing() -> None:
    told = pressed("approve 1a2b3c4d")
    told["value"]["action"]["data"] |= {"aadObjectId": "someone", "from": {"aadObjectId": "someone"}}
    press = parse(told)
    assert isinstance(press, Press)
    assert press.origin.sender.user == ALICE


def test_somebody_without_an_object_id_is_nobody_that_an_approver_could_be() -> None:
    press = parse(pressed("approve 1a2b3c4d") | {"from": {"id": "29:guest", "name": "Guest"}})
    assert isinstance(press, Press)
    assert press.origin.sender == Sender("teams", "29:guest", "Guest")


@pytest.mark.parametrize(
    ("told", "gone"),
    [
        (activity("installationUpdate", action="add"), False),
        (activity("installationUpdate", action="remove"), True),
        (activity("conversationUpdate", membersAdded=[{"id": BOT}]), False),
        (activity("conversationUpdate", membersRemoved=[{"id": BOT}]), True),
        (activity("conversationUpdate", membersRemoved=[{"id": "29:ben"}]), False),
    ],
)
def test_the_app_comes_and_goes(told: Any, gone: bool) -> None:
    moved = parse(told)
    assert isinstance(moved, Moved)
    assert moved.gone is gone
    assert moved.origin.place.team == GROUP


@pytest.mark.parametrize("kind", ["typing", "messageReaction", "messageUpdate", "event"])
def test_what_is_none_of_our_business_is_heard_and_left_alone(kind: str) -> None:
    assert parse(activity(kind)) == Nothing(kind)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (activity("teleport"), 501),
        (activity(""), 400),
        ({}, 400),
        (activity("invoke", name="task/fetch"), 501),
        (pressed("fix", verb="execute"), 400),
        (activity("message", conversation="", text="why"), 400),
        (said("why", id=""), 400),
        ({**said("why"), "from": {"name": "Alice"}}, 400),
        ({**pressed("fix"), "from": {}}, 400),
        (activity("message", conversation="19:" + "x" * 500, text="why"), 400),
    ],
)
def test_what_nobody_can_do_anything_with_has_its_status(told: Any, status: int) -> None:
    with pytest.raises(BadActivity) as refused:
        parse(told)
    assert refused.value.status == status


def test_every_tenant_that_is_claimed_is_told() -> None:
    assert tenants_of(said("why")) == {TENANT}
    assert tenants_of(said("why") | {"channelData": {"tenant": {"id": "OTHER"}}}) == {TENANT, "other"}
    assert tenants_of({"conversation": [], "channelData": 5}) == frozenset()


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = sorted({*said("x"), *pressed("x"), "membersRemoved", "action"})


@given(
    st.sampled_from([said("why"), pressed("x"), submitted("x"), activity("conversationUpdate")]),
    st.dictionaries(st.sampled_from(_FIELDS), _ANY, max_size=4),
)
def test_whatever_shape_it_has_it_is_a_value_or_refused(told: dict[str, Any], bad: dict[str, Any]) -> None:
    try:
        understood = parse({**told, **bad})
    except BadActivity:
        return
    assert isinstance(understood, Words | Press | Refresh | Moved | Nothing)
