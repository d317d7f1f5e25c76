"""Show incidents in every chat they belong to: newest state only, never a doubled message, never a lost one.

One worker per incident and chat, and only under a lease, for other replicas show the same incidents. Before
a post its key is noted; a key without a reference means that the answer was lost or that we were killed,
so the chat is asked before it is posted again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.chat.message import Message
from bot.chat.platform import CannotEdit, Chat, ChatDown, ChatRefused, Place
from bot.chat.present import present
from bot.chat.sync import Edit, Post, Withdraw, changes, digest
from bot.log import about_incident
from bot.store.ports import Posted, State, StoreDown
from bot.tenure import Tenure
from handlers.incident import CLOSED, Incident, Stage
from handlers.world import NoSuchIncident

log = logging.getLogger(__name__)

_STORE_RETRY_SECONDS = 2.0
_TURN_SECONDS = 0.5  # another replica is showing it just now
_REFUSED_SECONDS = 30.0  # somebody has to invite us, say, and may be waiting to see it work
_VERSIONS_KEPT = 1000


@dataclass(slots=True)
class _Worker:
    newest: Incident
    news: asyncio.Event
    waited: bool = False
    told: str = ""  # why the chat took nothing when it was last asked
    task: asyncio.Task[None] | None = None


class ChatScreen:
    """``channel_of(cluster, chat)`` answers the channel for a cluster's alerts in that chat, "" for none.

    ``patience``: seconds that an incident which is still being looked at waits before its root is
    posted; most are diagnosed by then, and those that turn out to be told already post nothing.
    ``pause`` waits for seconds before what failed is tried again. ``tenure``: our leases.
    """

    def __init__(
        self,
        state: State,
        chats: Sequence[Chat],
        channel_of: Callable[[str, str], str],
        *,
        patience: float = 2.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        tenure: Tenure | None = None,
    ) -> None:
        self._state = state
        self._chats = chats
        self._channel_of = channel_of
        self._patience = patience
        self._pause = pause
        self._tenure = tenure or Tenure(state)
        self._versions: dict[str, int] = {}
        self._workers: dict[tuple[str, str], _Worker] = {}
        self._refused: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._not_taken: set[tuple[str, str]] = set()  # posts, by chat and key: those are not looked for

    async def show(self, incident: Incident) -> None:
        if self._is_overtaken(incident):
            return
        for chat in self._chats:
            channel = self._channel_of(incident.cluster, chat.name)
            if channel:
                self._tell(incident, chat, channel)

    def _is_overtaken(self, incident: Incident) -> bool:
        """A save whose answer was lost for a while is shown after the one that followed it."""
        newest = self._versions.pop(incident.id, 0)
        self._versions[incident.id] = max(newest, incident.version)
        if len(self._versions) > _VERSIONS_KEPT:
            del self._versions[next(iter(self._versions))]
        return incident.version < newest

    def _tell(self, incident: Incident, chat: Chat, channel: str) -> None:
        key = (incident.id, chat.name)
        worker = self._workers.get(key)
        if worker is None:
            worker = self._workers[key] = _Worker(incident, asyncio.Event())
            worker.task = asyncio.create_task(self._work(key, worker, chat, channel), name=f"show {key}")
        worker.newest = incident
        worker.news.set()

    async def _work(self, key: tuple[str, str], worker: _Worker, chat: Chat, channel: str) -> None:
        with about_incident(key[0]):
            while worker.news.is_set():
                worker.news.clear()
                await self._wait_out(worker)
                try:
                    await self._take_a_turn(key, worker, chat, channel)
                    worker.told = ""
                except ChatRefused as why:
                    self._ask_again_later(key, worker.newest, chat, channel, why)
                except ChatDown as why:
                    if str(why) != worker.told:  # once, however long it lasts
                        log.warning("%s does not take messages now: %s", chat.name, why)
                    worker.told = str(why)
                    await self._pause(why.retry_after)  # even if there is news: the chat asked for it
                    worker.news.set()
                except StoreDown as why:
                    log.warning("the store does not answer: %s", why)
                    await self._pause(_STORE_RETRY_SECONDS)
                    worker.news.set()
                except Exception:
                    log.exception("an incident could not be shown in %s", chat.name)
            self._workers.pop(key, None)
            mine = {one for one in self._not_taken if one[0] == key[1] and one[1].startswith(key[0])}
            self._not_taken -= mine

    async def _take_a_turn(self, key: tuple[str, str], worker: _Worker, chat: Chat, channel: str) -> None:
        async with self._tenure.turn(f"show/{key[0]}/{key[1]}") as held:
            if held:
                worker.newest = await self._as_stored(worker.newest)
                await self._bring_in_line(worker.newest, chat, channel)
        if held:
            if (refused := self._refused.pop(key, None)) is not None:
                refused.cancel()
        else:
            await self._pause(_TURN_SECONDS)
            worker.news.set()

    async def _as_stored(self, incident: Incident) -> Incident:
        """What another replica has made of it meanwhile."""
        try:
            stored = await self._state.load(incident.id)
        except NoSuchIncident:
            return incident
        return max(incident, stored, key=lambda one: one.version)

    def _ask_again_later(
        self, key: tuple[str, str], incident: Incident, chat: Chat, channel: str, why: ChatRefused
    ) -> None:
        async def later() -> None:
            await self._pause(_REFUSED_SECONDS)
            self._tell(incident, chat, channel)

        known = self._refused.pop(key, None)
        if known is None:
            log.error("%s refuses messages to %s: %s", chat.name, channel, why)
        else:
            known.cancel()
        if incident.stage not in CLOSED:
            self._refused[key] = asyncio.create_task(later(), name=f"ask {key} again")

    async def _wait_out(self, worker: _Worker) -> None:
        """Give a diagnosis a moment before the first word about it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        while not worker.waited and worker.newest.stage is Stage.LOOKING and loop.time() < until:
            await _pause_or_news(worker, until - loop.time())
            worker.news.clear()
        worker.waited = True

    async def _bring_in_line(self, incident: Incident, chat: Chat, channel: str) -> None:
        posted = dict(await self._state.refs(incident.id, chat.name))
        if incident.stage is Stage.FOLDED and not await _was_seen(incident, chat, posted):
            return  # it is told elsewhere
        refused: ChatRefused | None = None
        for change in changes(present(incident), posted):
            try:
                await self._make(change, incident, chat, channel, posted)
            except ChatRefused as why:
                if "root" not in posted or not posted["root"].ref:
                    raise
                refused = refused or why  # the others may still tell the present state
        if refused is not None:
            raise refused

    async def _make(
        self,
        change: Post | Edit | Withdraw,
        incident: Incident,
        chat: Chat,
        channel: str,
        posted: dict[str, Posted],
    ) -> None:
        root = "" if change.message.key == "root" else posted["root"].ref
        awaited = incident.request is not None or bool(incident.changes)
        place = Place(posted["root"].channel if "root" in posted else channel, root, awaited)
        match change:
            case Post():
                ref = await self._post(incident.id, chat, place, change.message, posted)
            case Edit():
                ref = change.ref
                await _edit(chat, place, ref, change.message, _key(incident.id, change.message.key))
            case Withdraw():
                ref = await _found_and_edited(chat, place, change.message, incident.id)
                if not ref:
                    return  # a chat may list it only later, so the next state asks again
        seen = Posted(ref, digest(change.message), place.channel)
        await self._state.remember(incident.id, chat.name, change.message.key, seen)
        posted[change.message.key] = seen

    async def _post(
        self, incident_id: str, chat: Chat, place: Place, message: Message, posted: dict[str, Posted]
    ) -> str:
        key = _key(incident_id, message.key)
        if message.key in posted and (chat.name, key) not in self._not_taken:
            ref = await _found_and_edited(chat, place, message, incident_id)
            if ref:
                return ref
        await self._state.intend(incident_id, chat.name, message.key, place.channel)
        posted.setdefault(message.key, Posted("", "", place.channel))
        self._not_taken.discard((chat.name, key))
        try:
            return await chat.post(place, message, key)
        except ChatDown as why:
            if why.certain:
                self._not_taken.add((chat.name, key))
            raise

    async def settled(self) -> None:
        """Wait until everything that was to be shown is shown (or refused)."""
        while tasks := [worker.task for worker in self._workers.values() if worker.task]:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self, seconds: float) -> None:
        """Give what is on its way ``seconds`` to arrive."""
        for task in self._refused.values():
            task.cancel()
        await asyncio.gather(*self._refused.values(), return_exceptions=True)
        tasks: Iterable[asyncio.Task[None]] = [w.task for w in self._workers.values() if w.task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _found_and_edited(chat: Chat, place: Place, message: Message, incident_id: str) -> str:
    """Where the message is whose answer was lost, "" for nowhere. In which state it was posted is unknown."""
    key = _key(incident_id, message.key)
    ref = await chat.find(place, key)
    if ref is None:
        return ""
    await _edit(chat, place, ref, message, key)
    return ref


async def _edit(chat: Chat, place: Place, ref: str, message: Message, key: str) -> None:
    """What cannot be edited is left as it is, and not tried again for that."""
    try:
        await chat.edit(place, ref, message, key)
    except CannotEdit as why:
        log.info("%s leaves the message %s as it is: %s", chat.name, message.key, why)


async def _was_seen(incident: Incident, chat: Chat, posted: dict[str, Posted]) -> bool:
    root = posted.get("root")
    if root is None or root.ref:
        return root is not None
    # About to be posted when we last knew: the chat knows whether it was.
    return await chat.find(Place(root.channel), _key(incident.id, "root")) is not None


def _key(incident_id: str, message_key: str) -> str:
    return f"{incident_id}:{message_key}"


async def _pause_or_news(worker: _Worker, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await worker.news.wait()
    except TimeoutError:
        pass
