"""From what was posted to what should be said: the fewest posts and edits, root first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.chat.message import Message, Paragraph, Thread
from bot.chat.sync import Edit, Post, Withdraw, changes, digest, retired
from bot.store.ports import Posted


def message(key: str, text: str = "hello") -> Message:
    return Message(key, text, (Paragraph((text,)),))


def posted(*messages: Message) -> dict[str, Posted]:
    return {one.key: Posted(f"ref-{one.key}", digest(one), "C1") for one in messages}


def test_a_new_thread_is_posted_root_first() -> None:
    root, reply = message("root"), message("diagnosis")
    assert list(changes(Thread(root, (reply,)), {})) == [Post(root), Post(reply)]


def test_what_stands_already_is_left_alone() -> None:
    thread = Thread(message("root"), (message("diagnosis"),))
    assert list(changes(thread, posted(thread.root, *thread.replies))) == []


def test_only_what_changed_is_edited() -> None:
    before = posted(message("root", "looking"), message("diagnosis"))
    thread = Thread(message("root", "fixed"), (message("diagnosis"),))
    assert list(changes(thread, before)) == [Edit("ref-root", thread.root)]


def test_the_state_goes_first_then_what_is_new_then_what_changed() -> None:
    before = posted(message("root", "found"), message("diagnosis", "press me"))
    thread = Thread(message("root", "asked"), (message("diagnosis"), message("request:1")))
    assert list(changes(thread, before)) == [
        Edit("ref-root", thread.root),
        Post(thread.replies[1]),
        Edit("ref-diagnosis", thread.replies[0]),
    ]


def test_a_post_whose_answer_never_came_is_a_post_still() -> None:
    thread = Thread(message("root"))
    assert list(changes(thread, {"root": Posted("", "", "C1")})) == [Post(thread.root)]


def test_a_message_that_no_longer_counts_is_retired_once_and_can_come_back() -> None:
    offer = message("offer:1", "press me")
    before = posted(message("root"), offer)
    thread = Thread(message("root"))
    assert list(changes(thread, before)) == [Edit("ref-offer:1", retired("offer:1"))]
    before["offer:1"] = Posted("ref-offer:1", digest(retired("offer:1")), "C1")
    assert list(changes(thread, before)) == []
    assert list(changes(Thread(message("root"), (offer,)), before)) == [Edit("ref-offer:1", offer)]


def test_what_may_have_been_posted_and_is_not_wanted_any_more_is_withdrawn() -> None:
    before = {**posted(message("root")), "offer:1": Posted("", "", "C1")}
    thread = Thread(message("root"))
    assert list(changes(thread, before)) == [Withdraw(retired("offer:1"))]
    before["offer:1"] = Posted("ref-offer:1", digest(retired("offer:1")), "C1")
    assert list(changes(thread, before)) == []


KEYS = st.sampled_from(["diagnosis", "offer:1", "offer:2", "request:1", "change:0"])
REPLIES = st.lists(st.builds(message, KEYS, st.sampled_from(["a", "b"])), unique_by=lambda m: m.key)


@given(st.lists(REPLIES, max_size=8))
def test_whatever_was_said_before_the_thread_ends_as_it_should(threads: list[list[Message]]) -> None:
    shown: dict[str, Message] = {}
    known: dict[str, Posted] = {}
    for replies in threads:
        thread = Thread(message("root"), tuple(replies))
        for change in changes(thread, known):
            key = change.message.key
            assert isinstance(change, Edit) == (key in shown)
            shown[key] = change.message
            known[key] = Posted(f"ref-{key}", digest(change.message), "C1")
        assert list(changes(thread, known)) == []
        current = {one.key: one for one in (thread.root, *replies)}
        assert shown == {key: current.get(key, retired(key)) for key in shown}
        assert set(current) <= set(shown)
