"""The page as a chat: posts, edits, finding again, and who sees what."""

from __future__ import annotations

import asyncio

import pytest

from bot.chat.message import Message, Paragraph
from bot.chat.page.chat import PageChat, Persona
from bot.chat.platform import ChatRefused, Place

ANA = Persona("ana", "Ana", "Developer")
BEN = Persona("ben", "Ben", "On call")
ALERTS = Place("alerts")


def message(text: str) -> Message:
    return Message("root", text, (Paragraph((text,)),))


@pytest.fixture
def page() -> PageChat:
    return PageChat([ANA, BEN])


async def test_a_message_is_found_again_by_its_key_and_place(page: PageChat) -> None:
    root = await page.post(ALERTS, message("down"), "1a2b3c4d:root")
    reply = await page.post(Place("alerts", root), message("why"), "1a2b3c4d:diagnosis")
    assert await page.find(ALERTS, "1a2b3c4d:root") == root
    assert await page.find(Place("alerts", root), "1a2b3c4d:diagnosis") == reply
    assert await page.find(ALERTS, "1a2b3c4d:diagnosis") is None


async def test_an_edit_replaces_the_content_in_place(page: PageChat) -> None:
    root = await page.post(ALERTS, message("down"), "k")
    seen = page.version
    await page.edit(ALERTS, root, message("up"), "k")
    (post,) = page.since(seen, "ana")
    assert (post.ref, post.content["fallback"], post.edited) == (root, "up", True)


async def test_an_edit_that_changes_nothing_is_no_news(page: PageChat) -> None:
    root = await page.post(ALERTS, message("down"), "k")
    seen = page.version
    await page.edit(ALERTS, root, message("down"), "k")
    assert page.since(seen, "ana") == ()


async def test_places_that_do_not_exist_are_refused(page: PageChat) -> None:
    with pytest.raises(ChatRefused, match="no channel #nowhere"):
        await page.post(Place("nowhere"), message("x"), "k")
    with pytest.raises(ChatRefused, match="m99"):
        await page.post(Place("alerts", "m99"), message("x"), "k")
    with pytest.raises(ChatRefused, match="m99"):
        await page.edit(ALERTS, "m99", message("x"), "k")


async def test_a_private_answer_is_for_one_person(page: PageChat) -> None:
    root = await page.post(ALERTS, message("down"), "k")
    page.answered(Place("alerts", root), message("you may not"), only_for="ana")
    assert [post.content["fallback"] for post in page.since(0, "ana")] == ["down", "you may not"]
    assert [post.content["fallback"] for post in page.since(0, "ben")] == ["down"]


async def test_who_watches_is_woken_by_news_and_let_go_at_the_end(page: PageChat) -> None:
    waiting = asyncio.create_task(page.changed(page.version))
    await page.post(ALERTS, message("down"), "k")
    assert await asyncio.wait_for(waiting, 5)
    waiting = asyncio.create_task(page.changed(page.version))
    page.close()
    assert not await asyncio.wait_for(waiting, 5)
