"""What people do, from any chat: done once, or refused with one clear sentence to them alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.chat.desk import FrontDesk
from bot.chat.message import Message, Mono, Pairs, Paragraph
from bot.chat.platform import Answer, Mention, Sender
from bot.chat.present import present
from bot.clouds.connect import Connected
from bot.clusters import Clusters
from bot.store.codec import Codec
from bot.store.ports import Posted, StoreDown
from bot.store.sqlite import SqliteState
from bot.watch.kubernetes import NoSuchTarget
from checks.host import Cluster
from checks.model import FailedPull, Unavailable
from handlers.decision import Person
from handlers.flow import advance
from handlers.incident import Incident, Stage
from handlers.world import World
from tests.fakes.doors import ANA, BEN, House, Turn, pull

OAK = "r.example/oak:1"


class Town(Clusters):
    """Clusters whose failing pulls are written down instead of looked up."""

    def __init__(self, *names: str) -> None:
        async def close() -> None: ...

        def connected(name: str) -> Connected:
            return Connected(Cluster(name), cast(Any, None), {}, {}, dict, close)  # nobody asks its API here

        channels = {("test", "alerts"): names[:1], ("test", "everything"): names}
        super().__init__(
            {name: connected(name) for name in names}, channels, stall_after=timedelta(minutes=5)
        )
        self.failing: dict[str, list[FailedPull]] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.dark = False

    async def failing_now(self, name: str, namespace: str, target: str) -> tuple[FailedPull, ...]:
        self.asked.append((name, namespace, target))
        if self.dark:
            raise Unavailable("pods may not be listed: grant get, list on pods")
        if target == "deploy/nowhere":
            raise NoSuchTarget("there is no deployment nowhere; did you mean web?")
        return tuple(self.failing.get(name, ()))


class Book:
    """Who may approve, by user."""

    async def person(self, sender: Sender) -> Person:
        known = {"ana": ANA, "ben": BEN}
        return known.get(sender.user, Person(sender.id, sender.name))


class Shelf(SqliteState):
    down = False
    dark = False

    async def save(self, incident: Incident) -> None:
        if self.down:
            raise StoreDown("SQLite: the disk is full")
        await super().save(incident)

    async def load(self, incident_id: str) -> Incident:
        if self.dark:
            raise StoreDown("SQLite: the disk is gone")
        return await super().load(incident_id)


@dataclass(slots=True)
class Front:
    """A desk, everything behind it, and the people before it."""

    state: Shelf
    house: House = field(default_factory=House)
    town: Town = field(default_factory=lambda: Town("prod", "test"))
    events: int = 0

    @property
    def world(self) -> World:
        return replace(self.house.world(), store=self.state, journal=self.state)

    @property
    def desk(self) -> FrontDesk:
        return FrontDesk(self.world, self.state, Book(), self.town)

    async def click(self, user: str, value: str, *, event: str = "") -> Answer:
        return await self.desk.click(Sender("test", user, user.title()), value, event or self._event())

    async def say(
        self,
        text: str,
        *,
        channel: str = "alerts",
        thread: str = "",
        user: str = "ana",
        event: str = "",
        direct: bool = False,
    ) -> Answer:
        sender = Sender("test", user, user.title())
        return await self.desk.mention(
            Mention(sender, channel, thread, "m9", text, event or self._event(), direct)
        )

    def _event(self) -> str:
        self.events += 1
        return f"event {self.events}"

    async def found(self, *pulls: FailedPull) -> Incident:
        """An incident whose cause is found and whose thread is ``m1`` in #alerts."""
        self.house.doors.shut.add(OAK)
        await self.state.save(Incident("1a2b3c4d", "prod", self.house.clock.now(), pulls or (pull(),)))
        await self.state.remember("1a2b3c4d", "test", "root", Posted("m1", "d", "alerts"))
        return await advance("1a2b3c4d", self.world)

    async def stage(self) -> Stage:
        return (await self.state.load("1a2b3c4d")).stage


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    state = Shelf(tmp_path / "pullbot.db", Codec([Turn]))
    yield Front(state)
    await state.close()


def text(answer: Answer) -> str:
    assert answer.message is not None
    return told(answer.message)


def told(message: Message) -> str:
    said = []
    for block in message.blocks:
        if isinstance(block, Paragraph):
            said.append("".join(span if isinstance(span, str) else span.text for span in block.line))
        elif isinstance(block, Pairs):
            said += [f"{name}: {what}" for name, what in block.rows]
    return "\n".join(said)


def is_refusal(answer: Answer) -> bool:
    """A sentence to the sender alone."""
    return answer.private and re.fullmatch(r"[A-Z“`@].+", text(answer), re.S) is not None


# ---- buttons


async def test_from_fix_to_undo_by_buttons_alone(front: Front) -> None:
    digest = (await front.found()).offers[0].digest
    pressed = [
        ("ana", "fix", Stage.REQUESTED),
        ("ben", "approve", Stage.APPROVED),
    ]
    for user, verb, stage in pressed:
        assert await front.click(user, f"{verb} 1a2b3c4d {digest}") == Answer(None)
        assert await front.stage() is stage
    await advance("1a2b3c4d", front.world)
    assert await front.stage() is Stage.RESOLVED
    await front.click("ben", f"undo 1a2b3c4d {digest}")
    await advance("1a2b3c4d", front.world)
    assert await front.stage() is Stage.UNDONE
    assert front.house.doors.turns == [f"{OAK} open", f"{OAK} shut"]
    assert set(front.house.driven) == {"1a2b3c4d"}


async def test_what_is_delivered_twice_is_done_once(front: Front) -> None:
    digest = (await front.found()).offers[0].digest
    for _ in range(3):
        assert await front.click("ana", f"fix 1a2b3c4d {digest}", event="same") == Answer(None)
    entries = [entry.what async for entry in front.state.entries("1a2b3c4d")]
    assert entries == ["requested"]


async def test_who_may_not_is_told_so_and_nothing_changes(front: Front) -> None:
    digest = (await front.found()).offers[0].digest
    await front.click("ana", f"fix 1a2b3c4d {digest}")
    answer = await front.click("mallory", f"approve 1a2b3c4d {digest}")
    assert is_refusal(answer)
    assert text(answer).startswith("Mallory is not an approver")
    assert await front.stage() is Stage.REQUESTED


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("rm -rf /", "not one that pullbot made"),
        ("", "not one that pullbot made"),
        ("approve 1a2b3c4d 0123456789abcdef", "past that: cause found"),
        ("fix 1a2b3c4d 0123456789abcdef", "not the current one any more"),
        ("undo 1a2b3c4d 0123456789abcdef", "nothing to undo"),
        ("fix ffffffff 0123456789abcdef", "not on record any more"),
    ],
)
async def test_a_forged_or_old_button_does_nothing_and_is_answered(
    front: Front, value: str, says: str
) -> None:
    await front.found()
    answer = await front.click("ben", value)
    assert is_refusal(answer)
    assert says in text(answer)
    assert await front.stage() is Stage.FOUND


async def test_check_again_looks_anew(front: Front) -> None:
    await front.found()
    front.house.doors.shut.clear()
    assert await front.click("ana", "check_again 1a2b3c4d") == Answer(None)
    assert await front.stage() is Stage.LOOKING


async def test_mute_is_for_the_workloads_of_the_incident(front: Front) -> None:
    await front.found()
    answer = await front.click("ana", "mute 1a2b3c4d")
    assert answer.private
    assert text(answer) == "No new alerts for Deployment/web for 2 hours; unmute ends that"
    now = front.house.clock.now()
    assert await front.state.muted(now) == {"prod/shop/Deployment/web"}
    assert await front.state.muted(now + timedelta(hours=2)) == frozenset()


async def test_a_store_that_is_away_is_told_and_nobody_acts(front: Front) -> None:
    digest = (await front.found()).offers[0].digest
    front.state.down = True
    answer = await front.click("ana", f"fix 1a2b3c4d {digest}")
    assert is_refusal(answer)
    assert "could not be saved" in text(answer)
    front.state.down = False
    assert await front.stage() is Stage.FOUND
    assert await front.click("ana", f"fix 1a2b3c4d {digest}") == Answer(None)


# ---- words


async def test_help_lists_what_is_understood(front: Front) -> None:
    for words in ("help", "", "HELP?"):
        answer = await front.say(words)
        assert not answer.private
        assert "why: " in text(answer)
        assert "mute 2h [TARGET]: " in text(answer)


async def test_wrong_words_are_answered_with_a_hint(front: Front) -> None:
    answer = await front.say("wyh")
    assert "did you mean why?" in text(answer)
    assert answer.message is not None
    (said,) = answer.message.blocks
    assert isinstance(said, Paragraph)
    assert Mono("why") in said.line, "what is to be typed stands out, and without marks of Markdown"
    assert "`" not in answer.message.fallback
    odd = await front.say("a`b")
    assert "“a`b”" in text(odd), "a mark of their own is text"


async def test_why_looks_at_the_channels_own_clusters(front: Front) -> None:
    assert text(await front.say("why")) == "No pull is failing now: on prod."
    assert text(await front.say("why", channel="everything")) == "No pull is failing now: on prod, test."
    await front.say("why deploy/web -n shop -c test")
    assert front.town.asked == [
        ("prod", "", ""), ("prod", "", ""), ("test", "", ""), ("test", "shop", "deploy/web")
    ]  # fmt: skip


async def test_why_opens_an_incident_for_what_fails_and_says_which(front: Front) -> None:
    front.town.failing["prod"] = [pull()]
    answer = await front.say("why")
    [opened] = await front.state.unfinished()
    assert opened.pulls == (pull(),)
    assert opened.id in text(answer)
    assert "Deployment/web on prod · looking" in text(answer)
    again = await front.say("why")
    assert opened.id in text(again)
    assert len(await front.state.unfinished()) == 1


async def test_why_looks_at_what_is_muted_as_well(front: Front) -> None:
    front.town.failing["prod"] = [pull()]
    await front.say("mute prod")
    assert "Deployment/web" in text(await front.say("why"))


async def test_why_in_a_thread_looks_at_its_incident_again(front: Front) -> None:
    await front.found()
    answer = await front.say("why", thread="m1")
    assert "Looking again" in text(answer)
    assert await front.stage() is Stage.LOOKING
    assert front.town.asked == []


@pytest.mark.parametrize("asked", ["why", "check_again 1a2b3c4d"])
async def test_what_is_fixed_and_works_keeps_its_story(front: Front, asked: str) -> None:
    found = await front.found()
    await front.state.save(replace(found.resolved("verified"), version=found.version + 1))
    said = front.say("why", thread="m1") if asked == "why" else front.click("ana", asked)
    answer = await said
    assert text(answer) == "None of this fails now; it was: the door r.example/oak:1 is shut."
    assert answer.private == (asked != "why")
    assert await front.stage() is Stage.RESOLVED
    assert front.town.asked == [("prod", "shop", "")]


async def test_what_was_fixed_and_fails_again_is_looked_at_again(front: Front) -> None:
    found = await front.found()
    await front.state.save(replace(found.resolved("verified"), version=found.version + 1))
    front.town.failing["prod"] = [pull()]
    assert "Looking again" in text(await front.say("why", thread="m1"))
    assert await front.stage() is Stage.LOOKING


async def test_whether_what_was_fixed_fails_is_said_to_be_unknown_if_it_is(front: Front) -> None:
    found = await front.found()
    await front.state.save(replace(found.resolved("verified"), version=found.version + 1))
    front.town.dark = True
    assert "may not be listed" in text(await front.say("why", thread="m1"))
    assert await front.stage() is Stage.RESOLVED


async def test_why_in_a_strangers_thread_looks_at_the_channel(front: Front) -> None:
    await front.found()
    await front.say("why", thread="m7")
    assert front.town.asked == [("prod", "", "")]
    assert await front.stage() is Stage.FOUND


@pytest.mark.parametrize(
    ("words", "channel", "says"),
    [
        ("why deploy/nowhere", "alerts", "did you mean web?"),
        ("why -c mars", "alerts", "there is no cluster 'mars'; there is prod, test"),
        ("why", "general", "name one with -c: prod, test"),
    ],
)
async def test_what_is_not_there_is_told_with_what_is(
    front: Front, words: str, channel: str, says: str
) -> None:
    assert says.lower() in text(await front.say(words, channel=channel)).lower()


async def test_a_cluster_that_cannot_be_read_is_not_called_healthy(front: Front) -> None:
    front.town.dark = True
    answer = await front.say("why")
    assert "grant get, list on pods" in text(answer)
    assert "No pull is failing" not in text(answer)


async def test_a_channel_lists_what_is_of_its_clusters_and_a_direct_message_everything(front: Front) -> None:
    await front.found()
    other = Incident("9f8e7d6c", "test", front.house.clock.now(), (pull(cluster="test"),))
    await front.state.save(other)
    for words in ("status", "history"):
        assert "9f8e7d6c" not in text(await front.say(words))
        assert "9f8e7d6c" in text(await front.say(words, channel="everything"))
        assert "9f8e7d6c" in text(await front.say(f"{words} -c test"))
        assert "belongs to no cluster" in text(await front.say(words, channel="lounge"))
        everything = text(await front.say(words, channel="D1", direct=True))
        assert "9f8e7d6c" in everything
        assert "1a2b3c4d" in everything


async def test_what_is_pressed_for_a_cluster_that_is_gone_is_refused_and_not_saved(front: Front) -> None:
    before = await front.found()
    front.town = Town("test")
    for value in (f"fix 1a2b3c4d {before.offers[0].digest}", "check_again 1a2b3c4d", "mute 1a2b3c4d"):
        answer = await front.click("ana", value)
        assert is_refusal(answer)
        assert text(answer) == "There is no cluster 'prod'; there is test"
    assert "there is no cluster 'prod'" in text(await front.say("why", thread="m1")).lower()
    assert await front.state.load("1a2b3c4d") == before


async def test_status_and_history_list_incidents(front: Front) -> None:
    assert text(await front.say("status")) == "Nothing is open."
    assert text(await front.say("history")) == "There has been none yet."
    incident = await front.found()
    line = f"1a2b3c4d Deployment/web on prod · cause found: {incident.causes[0].verdict.summary}"
    assert text(await front.say("status")) == line
    assert text(await front.say("history")) == line


async def test_mute_and_unmute_by_words(front: Front) -> None:
    now = front.house.clock.now()
    assert text(await front.say("mute 30m")) == "No new alerts for prod for 0.5 h; unmute ends that."
    assert await front.state.muted(now) == {"prod"}
    assert text(await front.say("unmute")) == "Alerts again for prod."
    await front.say("mute 1d prod/shop/Deployment/web")
    assert await front.state.muted(now + timedelta(hours=23)) == {"prod/shop/Deployment/web"}


async def test_mute_in_a_thread_is_for_its_workloads(front: Front) -> None:
    await front.found(pull(), pull("api"))
    await front.say("mute", thread="m1")
    muted = {"prod/shop/Deployment/web", "prod/shop/Deployment/api"}
    assert await front.state.muted(front.house.clock.now()) == muted


async def test_a_target_that_cannot_be_muted_is_told(front: Front) -> None:
    answer = await front.say("mute 2h web")
    assert "CLUSTER/NAMESPACE/KIND/NAME" in text(answer)
    assert await front.state.muted(front.house.clock.now()) == frozenset()


async def test_words_that_are_delivered_twice_are_obeyed_once(front: Front) -> None:
    assert (await front.say("help", event="same")).message is not None
    assert await front.say("help", event="same") == Answer(None)


async def test_whatever_is_said_the_desk_never_raises(front: Front) -> None:
    for words in (
        "why \x00",
        "mute 9999d",
        "-n",
        "why -n ''",
        "“",
        "why `x`",
        "a" * 10_000,
        "mute 0h",
        "\ud800",
    ):
        answer = await front.say(words)
        assert answer.message is not None, words
        assert "went wrong" not in text(answer), words


async def test_a_message_that_was_posted_is_shown_as_it_is_now(front: Front) -> None:
    found = await front.found()
    shown = await front.desk.shown("test", "alerts", "1a2b3c4d:root")
    assert shown == Answer(present(found).root)
    await front.state.remember("1a2b3c4d", "test", "offer:gone", Posted("m2", "d", "alerts"))
    gone = await front.desk.shown("test", "alerts", "1a2b3c4d:offer:gone")
    assert "No longer current" in text(gone)
    assert not gone.private


@pytest.mark.parametrize(
    ("chat", "channel", "key"),
    [
        ("test", "elsewhere", "1a2b3c4d:root"),
        ("slack", "alerts", "1a2b3c4d:root"),
        ("test", "alerts", "1a2b3c4d:diagnosis"),
        ("test", "alerts", "00000000:root"),
        ("test", "alerts", "answer:0123"),
        ("test", "alerts", ""),
        ("test", "alerts", "\0:\0"),
    ],
)
async def test_a_message_that_was_not_posted_there_is_shown_to_nobody(
    front: Front, chat: str, channel: str, key: str
) -> None:
    await front.found()
    answer = await front.desk.shown(chat, channel, key)
    assert answer.private
    assert "not on record any more" in text(answer)


async def test_that_the_store_is_away_does_not_mean_that_something_is_not_on_record(front: Front) -> None:
    await front.found()
    front.state.dark = True
    answer = await front.desk.shown("test", "alerts", "1a2b3c4d:root")
    assert answer.private
    assert "cannot be read just now" in text(answer)
