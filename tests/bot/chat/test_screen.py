"""Never a doubled message, never a lost last state: whatever happens to the chat, the store or us."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat.platform import ChatDown
from bot.chat.present import present
from bot.chat.screen import ChatScreen
from bot.chat.sync import retired
from bot.store.codec import Codec
from bot.store.ports import Posted, StoreDown
from bot.store.sqlite import SqliteState
from handlers.incident import Incident, Stage
from tests.fakes.chat import Room
from tests.fakes.doors import BEN
from tests.fakes.stages import AT, executed, found, looking, requested


class Shelf(SqliteState):
    """SQLite that is away now and then. ``away``: what the next calls are told, by name of the call."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Codec([]))
        self.away: list[str] = []

    def _answer(self, call: str) -> None:
        if call in self.away:
            self.away.remove(call)
            raise StoreDown(f"{call}: the disk is full")

    async def intend(self, incident_id: str, chat: str, key: str, channel: str = "") -> None:
        self._answer("intend")
        await super().intend(incident_id, chat, key, channel)

    async def remember(self, incident_id: str, chat: str, key: str, posted: Posted) -> None:
        self._answer("remember")
        await super().remember(incident_id, chat, key, posted)


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    shelf = Shelf(tmp_path / "pullbot.db")
    yield shelf
    await shelf.close()


@pytest.fixture
def room() -> Room:
    return Room()


class Pauses:
    """Time that passes only in pauses; ``meanwhile`` is what happens during the next ones."""

    def __init__(self) -> None:
        self.now = 0.0
        self.taken: list[float] = []
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        if self.meanwhile:
            await self.meanwhile.pop(0)()
        self.now += seconds
        await asyncio.sleep(0)


def screen_of(
    shelf: Shelf, *rooms: Room, patience: float = 0.0, pause: Callable[[float], Awaitable[None]] | None = None
) -> ChatScreen:
    return ChatScreen(shelf, rooms, lambda cluster, chat: "C1", patience=patience, pause=pause or Pauses())


async def shown(screen: ChatScreen, *states: Incident) -> None:
    """Show the states one after the other, each until it stands."""
    for one in states:
        await screen.show(one)
        async with asyncio.timeout(5):
            await screen.settled()


def stands(room: Room, incident: Incident) -> bool:
    """Whether the one thread says all that it should now, and everything else in it is retired."""
    wanted = present(incident)
    [thread] = room.threads()
    said = {one.key: one for one in (thread.root, *thread.replies)}
    now = {one.key: one for one in (wanted.root, *wanted.replies)}
    return len(room.keys()) == len(set(room.keys())) and said == {
        key: now.get(key, retired(key)) for key in {*said, *now}
    }


# ---- good days


async def test_an_incident_becomes_a_thread(shelf: Shelf, room: Room) -> None:
    await shown(screen_of(shelf, room), found())
    assert stands(room, found())
    assert room.keys()[0] == "1a2b3c4d:root"
    assert {one.place.channel for one in room.said.values()} == {"C1"}


async def test_keys_are_of_the_form_that_every_chat_can_carry(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room)
    for make in AT.values():
        await shown(screen, make())
    assert all(re.fullmatch(r"[a-z0-9:-]{1,64}", key) for key in room.keys())  # noqa: SIM118  not a dict


@pytest.mark.parametrize("last", [stage for stage in Stage if stage is not Stage.FOLDED])
async def test_any_state_stands_after_any_other(shelf: Shelf, room: Room, last: Stage) -> None:
    screen = screen_of(shelf, room)
    for make in AT.values():
        await shown(screen, make())
    await shown(screen, AT[last]())
    assert stands(room, AT[last]())


async def test_what_somebody_asked_for_is_awaited_from_the_root_on(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room)
    await shown(screen, found())
    assert not any(one.place.awaited for one in room.said.values())
    before = set(room.said)
    await shown(screen, requested(), executed())
    touched = [one for ref, one in room.said.items() if one.edits or ref not in before]
    assert {"1a2b3c4d:root", "1a2b3c4d:change:0"} <= {one.key for one in touched}
    assert all(one.place.awaited for one in touched)


async def test_a_button_that_no_longer_counts_goes(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room)
    await shown(screen, requested())
    assert {"Approve", "Reject"} <= set(room.buttons())
    await shown(screen, requested().rejected(requested().offers[0].digest, BEN))
    assert not {"Approve", "Reject"} & set(room.buttons())


async def test_what_stands_already_is_not_said_again(shelf: Shelf, room: Room) -> None:
    await shown(screen_of(shelf, room), found())
    before = list(room.calls)
    await shown(screen_of(shelf, room), found())
    assert room.calls == before


async def test_many_states_at_once_become_few_calls(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room)
    states = [replace(found(), note=f"state {n}", version=n) for n in range(100)]
    for one in states:
        await screen.show(one)
    await screen.settled()
    assert not [call for call in room.calls if call[0] == "edit"]
    assert stands(room, states[-1])


async def test_states_that_come_while_one_is_being_shown_are_coalesced(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room)
    states = [replace(found(), note=f"state {n}", version=n) for n in range(50)]
    await screen.show(states[0])
    await room.until(lambda: "1a2b3c4d:root" in room.keys())  # noqa: SIM118  not a dict
    for one in states[1:]:
        await screen.show(one)
    await screen.settled()
    assert room.calls.count(("edit", "1a2b3c4d:root")) <= 2
    assert stands(room, states[-1])


async def test_a_state_that_is_told_late_does_not_overwrite_a_newer_one(shelf: Shelf, room: Room) -> None:
    old, new = replace(found(), version=5), replace(executed().resolved(), version=6)
    await shown(screen_of(shelf, room), new, old)
    assert stands(room, new)


async def test_incidents_have_a_thread_each(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room)
    for n in range(5):
        await screen.show(replace(found(), id=f"0000000{n}"))
    await screen.settled()
    assert len(room.threads()) == 5
    assert len({one.place.thread for one in room.said.values()} - {""}) == 5


async def test_a_cluster_without_a_channel_is_shown_nowhere(shelf: Shelf, room: Room) -> None:
    screen = ChatScreen(shelf, [room], lambda cluster, chat: "", patience=0)
    await shown(screen, found())
    assert room.calls == []


async def test_a_thread_stays_in_its_channel_when_the_configuration_names_another(
    shelf: Shelf, room: Room
) -> None:
    await shown(screen_of(shelf, room), looking())
    elsewhere = ChatScreen(shelf, [room], lambda cluster, chat: "C2", patience=0)
    await shown(elsewhere, found())
    assert {one.place.channel for one in room.said.values()} == {"C1"}
    assert stands(room, found())


# ---- patience


async def test_a_diagnosis_that_is_quick_needs_no_first_word(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room, patience=3600)
    await screen.show(looking())
    await screen.show(replace(looking().found([]), version=1))
    await shown(screen, replace(found(), version=2))
    assert {what for what, _ in room.calls} == {"post"}
    assert stands(room, found())


async def test_a_diagnosis_that_takes_its_time_is_announced(shelf: Shelf, room: Room) -> None:
    await shown(screen_of(shelf, room, patience=0.01), looking())
    assert stands(room, looking())


async def test_what_is_told_elsewhere_and_was_never_seen_is_not_shown(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room, patience=3600)
    await screen.show(looking())
    await shown(screen, replace(looking().folded("4d3c2b1a"), version=1))
    assert room.calls == []


async def test_what_is_told_elsewhere_but_was_seen_says_so(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room)
    await shown(screen, looking(), looking().folded("4d3c2b1a"))
    assert stands(room, looking().folded("4d3c2b1a"))
    assert "4d3c2b1a" in repr(room.threads()[0].root)


async def test_told_elsewhere_after_a_kill_the_chat_is_asked_whether_anybody_saw_it(
    shelf: Shelf, room: Room
) -> None:
    await shelf.intend("1a2b3c4d", "room", "root", "C1")  # killed before the chat took it
    await shown(screen_of(shelf, room), looking().folded("4d3c2b1a"))
    assert room.keys() == []


# ---- bad days


async def test_a_chat_that_is_down_is_told_the_newest_state_when_it_is_back(shelf: Shelf, room: Room) -> None:
    pauses = Pauses()
    screen = screen_of(shelf, room, pause=pauses)
    room.down = [ChatDown("503", retry_after=7.0)] * 3
    pauses.meanwhile.append(lambda: screen.show(replace(executed(), version=1)))
    await shown(screen, found())
    assert stands(room, executed())
    assert pauses.taken == [7.0, 7.0, 7.0]


async def test_a_chat_that_is_down_for_long_is_said_to_be_so_once(
    shelf: Shelf, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.down = [ChatDown("503")] * 5
    await shown(screen_of(shelf, room), found())
    assert stands(room, found())
    assert caplog.text.count("room does not take messages now: 503") == 1


async def test_a_chat_that_asks_for_time_gets_it_whatever_happens_meanwhile(shelf: Shelf, room: Room) -> None:
    pauses = Pauses()
    screen = screen_of(shelf, room, pause=pauses)
    at: list[float] = []
    room.at_call = lambda: at.append(pauses.now)
    room.down = [ChatDown("slow down", retry_after=30.0)]
    pauses.meanwhile.append(lambda: screen.show(replace(requested(), version=1)))
    await shown(screen, found())
    assert at[0] == 0.0
    assert min(at[1:]) == 30.0


@pytest.mark.parametrize("lost", [1, 2, 5])
async def test_a_post_whose_answer_was_lost_is_found_and_not_repeated(
    shelf: Shelf, room: Room, lost: int
) -> None:
    room.loses = lost
    await shown(screen_of(shelf, room), found(), executed())
    assert stands(room, executed())


async def test_a_post_that_was_certainly_not_taken_is_not_looked_for(shelf: Shelf, room: Room) -> None:
    room.down = [ChatDown("429", certain=True)] * 3
    await shown(screen_of(shelf, room), found())
    assert not [call for call in room.calls if call[0] == "find"]
    assert stands(room, found())


async def test_a_message_that_was_found_again_is_brought_up_to_date(shelf: Shelf, room: Room) -> None:
    pauses = Pauses()
    screen = screen_of(shelf, room, pause=pauses)
    room.loses = 1
    pauses.meanwhile.append(lambda: screen.show(replace(executed(), version=1)))
    await shown(screen, found())  # the root was taken as of FOUND; EXECUTED came while it was unknown
    assert stands(room, executed())


async def test_a_message_that_was_found_again_and_cannot_be_edited_is_left_as_it_is(
    shelf: Shelf, room: Room
) -> None:
    pauses = Pauses()
    screen = screen_of(shelf, room, pause=pauses)
    await shown(screen, found())
    room.loses = 1  # the request's
    room.refuses = {f"1a2b3c4d:{present(requested()).replies[-1].key}"}
    await shown(screen, requested())
    assert room.keys().count(room.keys()[-1]) == 1
    assert pauses.taken == [1.0], "it was asked again once, for the answer that was lost"
    room.calls.clear()
    await shown(screen, requested())
    assert room.calls == []


async def test_a_message_whose_answer_was_lost_and_that_is_not_wanted_any_more_loses_its_buttons(
    shelf: Shelf, room: Room
) -> None:
    asked = requested()
    rejected = replace(asked.rejected(asked.offers[0].digest, BEN), version=asked.version + 1)
    pauses = Pauses()
    screen = screen_of(shelf, room, pause=pauses)
    await shown(screen, found())

    async def is_rejected() -> None:
        await screen.show(rejected)

    room.loses = 1  # the request's
    pauses.meanwhile.append(is_rejected)
    await shown(screen, asked)
    assert [key for what, key in room.calls if what == "find"] == [room.keys()[-1]]
    assert not {"Approve", "Reject"} & set(room.buttons())
    assert stands(room, rejected)


@pytest.mark.parametrize("call", ["intend", "remember"])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_store_that_is_away_doubles_nothing(shelf: Shelf, room: Room, call: str, times: int) -> None:
    shelf.away = [call] * times
    await shown(screen_of(shelf, room), found(), executed())
    assert shelf.away == []
    assert stands(room, executed())


@pytest.mark.parametrize("when", range(4))
async def test_killed_while_posting_it_goes_on_where_it_was(shelf: Shelf, room: Room, when: int) -> None:
    before = screen_of(shelf, room)
    await before.show(found())
    await room.until(lambda: len(room.said) >= when)
    room.stalls = True  # the next post is taken, and its answer reaches nobody
    if when < len(present(found()).replies) + 1:
        await room.until(lambda: len(room.said) > when)
    await before.stop(0)
    room.stalls = False
    await shown(screen_of(shelf, room), executed())
    assert stands(room, executed())


async def test_killed_before_the_chat_took_it_it_is_posted_once(shelf: Shelf, room: Room) -> None:
    await shelf.intend("1a2b3c4d", "room", "root", "C1")
    await shown(screen_of(shelf, room), found())
    assert room.calls[:2] == [("find", "1a2b3c4d:root"), ("post", "1a2b3c4d:root")]
    assert stands(room, found())


async def test_a_channel_that_is_not_there_is_tried_again_with_the_next_state(
    shelf: Shelf, room: Room
) -> None:
    async def pause(_: float) -> None:
        await asyncio.Event().wait()

    room.refuses = {"C1"}
    screen = screen_of(shelf, room, pause=pause)
    await shown(screen, found())
    assert room.said == {}
    room.refuses.clear()
    await shown(screen, replace(executed(), version=1))
    assert stands(room, executed())


async def test_a_channel_that_we_are_invited_to_late_gets_what_is_open(
    shelf: Shelf, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    async def invite() -> None:
        room.refuses.clear()

    room.refuses = {"C1"}
    pauses = Pauses()
    pauses.meanwhile = [_nothing, _nothing, invite]
    screen = screen_of(shelf, room, pause=pauses)
    await screen.show(found())
    await room.until(lambda: len(room.said) == 1 + len(present(found()).replies))
    await screen.settled()
    assert stands(room, found())
    assert pauses.taken == [30.0] * 3
    assert caplog.text.count("refuses messages to C1") == 1


async def test_a_thread_that_is_closed_to_us_for_a_while_is_told_afterwards_what_it_missed(
    shelf: Shelf, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    async def let_in() -> None:
        room.refuses.clear()

    pauses = Pauses()
    screen = screen_of(shelf, room, pause=pauses)
    await shown(screen, found())
    pauses.meanwhile = [_nothing, let_in]
    room.refuses = {"C1"}
    await screen.show(requested())
    await room.until(lambda: "Approve" in room.buttons())
    await screen.settled()
    assert stands(room, requested())
    assert pauses.taken == [30.0] * 2
    assert caplog.text.count("refuses messages to C1") == 1


async def _nothing() -> None: ...


async def test_what_is_over_is_not_offered_again_to_a_channel_that_refuses_it(
    shelf: Shelf, room: Room
) -> None:
    room.refuses = {"C1"}
    pauses = Pauses()
    await shown(screen_of(shelf, room, pause=pauses), replace(executed(), stage=Stage.RESOLVED))
    assert pauses.taken == []


async def test_a_message_that_somebody_deleted_does_not_hide_the_others(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room)
    await shown(screen, requested())
    room.refuses = {"1a2b3c4d:root", "1a2b3c4d:diagnosis"}
    await shown(screen, executed())
    assert "Undo" in room.buttons()
    assert not {"Approve", "Reject"} & set(room.buttons())
    room.calls.clear()
    await shown(screen, executed())
    assert room.calls == [], "it is not tried again before it has something else to say"


async def test_one_chat_that_is_down_holds_up_no_other(shelf: Shelf) -> None:
    sick, well = Room("sick"), Room("well")
    forever = asyncio.Event()

    async def pause(_: float) -> None:
        await forever.wait()

    sick.down = [ChatDown("503")]
    screen = screen_of(shelf, sick, well, pause=pause)
    await screen.show(found())
    replies = len(present(found()).replies)
    await well.until(lambda: len(well.said) == 1 + replies)
    assert stands(well, found())
    assert sick.said == {}
    forever.set()
    await screen.settled()
    assert stands(sick, found())


@pytest.mark.parametrize("seed", range(30))
async def test_after_any_series_of_bad_days_the_last_state_stands_once(
    shelf: Shelf, room: Room, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  days, not keys
    states = [make() for stage, make in AT.items() if stage is not Stage.FOLDED]
    screen = screen_of(shelf, room)
    for version in range(12):
        last = replace(chance.choice(states), note=f"day {version}", version=version)
        room.down = [ChatDown("503")] * chance.choice((0, 0, 1, 3))
        room.loses = chance.choice((0, 0, 1))
        shelf.away = chance.choices(("intend", "remember"), k=chance.choice((0, 0, 2)))
        await screen.show(last)
        if chance.random() < 0.4:
            for _ in range(chance.randrange(40)):
                await asyncio.sleep(0)
            await screen.stop(0)  # as killed
            screen = screen_of(shelf, room)
    room.down.clear()
    await shown(screen, last)
    assert stands(room, last)


async def test_stop_lets_what_is_on_its_way_arrive(shelf: Shelf, room: Room) -> None:
    screen = screen_of(shelf, room)
    await screen.show(found())
    await screen.stop(5)
    assert stands(room, found())
