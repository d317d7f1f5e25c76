"""What people do in Teams, taken to the desk, and what the desk says, taken back.

Words are acknowledged first and answered afterwards, in their thread. A press waits for its answer, for that
is the one thing that Teams shows to the presser alone; if the answer takes too long it comes as a message.
"""

from __future__ import annotations

import asyncio
import logging
from typing import assert_never

from bot.chat.clock import Pause
from bot.chat.errands import Errands
from bot.chat.message import Message, Paragraph
from bot.chat.platform import Answer, Desk, Mention, Place
from bot.chat.teams.activity import Inbound, Json, Moved, Nothing, Origin, Press, Refresh, Words
from bot.chat.teams.chat import TeamsChat
from bot.chat.teams.people import TeamsPeople
from bot.chat.teams.places import Places
from bot.store.ports import StoreDown

log = logging.getLogger(__name__)

# No page names a time for a press. Other invokes have "five seconds", and the card is yet to be made.
# https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/action-commands/respond-to-task-module-submit
PATIENCE_SECONDS = 3.0
_SLOW = "I am at it, and it takes longer than a click may; the thread shows how it goes."
# A copy of a card, in a chat where its incident is not told: who pressed it counts, not where.
_TAKEN = "Taken. The incident's own thread shows how it goes."


class Listeners:
    """What they start is in ``errands``."""

    def __init__(
        self,
        chat: TeamsChat,
        places: Places,
        people: TeamsPeople,
        *,
        pause: Pause = asyncio.sleep,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._chat = chat
        self._places = places
        self._people = people
        self.errands = Errands(pause)
        self._patience = patience
        self._desk: Desk | None = None

    def serve(self, desk: Desk) -> None:
        self._desk = desk

    async def take(self, inbound: Inbound) -> Json | None:
        """Gives what the request is answered with; ``None``: that it was heard."""
        match inbound:
            case Words():
                await self._met(inbound.origin)
                self.errands.start(self._said(inbound), f"what {inbound.origin.sender.id} said")
                return None
            case Press():
                await self._met(inbound.origin)
                self._chat.hurry(inbound.key)
                return await self._pressed(inbound)
            case Refresh():
                return await self._as_it_is_now(inbound.origin, inbound.key)
            case Moved():
                await self._moved(inbound)
                return None
            case Nothing(kind):
                log.debug("not for us: %s", kind)
                return None
            case _:
                assert_never(inbound)

    # ---- where people are

    async def _met(self, origin: Origin) -> None:
        """A store that is down costs an address for later, and no answer now."""
        self._people.met(origin.sender, origin.member, origin.place)
        try:
            await self._places.learn(origin.place, origin.sender.user, origin.team)
        except StoreDown as why:
            log.warning("the place of a conversation could not be noted: %s", why)

    async def _moved(self, moved: Moved) -> None:
        try:
            if moved.gone:
                await self._places.forget(moved.origin.place, moved.origin.sender.user)
            else:
                await self._places.learn(moved.origin.place, moved.origin.sender.user, moved.origin.team)
        except StoreDown as why:
            log.warning("the place of a conversation could not be noted: %s", why)

    # ---- to the desk and back

    async def _said(self, words: Words) -> None:
        origin = words.origin
        mention = Mention(
            sender=origin.sender,
            channel=origin.place.conversation,
            thread=origin.thread,
            ref=origin.ref,
            text=words.text,
            event=origin.event,
            direct=words.direct,
        )
        answer = await self._serving.mention(mention)
        if answer.message is not None:
            place = Place(mention.channel, mention.thread or mention.ref, awaited=True)
            await self.errands.post(self._chat, place, answer.message, origin.event, origin.sender.id)

    async def _pressed(self, press: Press) -> Json | None:
        origin = press.origin
        clicking = self.errands.start(
            self._serving.click(origin.sender, press.value, origin.event),
            f"what {origin.sender.id} pressed",
        )
        if not press.waits:
            self.errands.start(self._told_afterwards(clicking, origin), f"the answer to {origin.sender.id}")
            return None
        done, _ = await asyncio.wait((clicking,), timeout=self._patience)
        if not done:
            self.errands.start(self._told_afterwards(clicking, origin), f"the answer to {origin.sender.id}")
            return _word(_SLOW)
        answer = clicking.result()
        if answer.message is not None:
            return _word(answer.message.fallback)
        return await self._as_it_is_now(origin, press.key, otherwise=_TAKEN)

    async def _as_it_is_now(self, origin: Origin, key: str, otherwise: str = "") -> Json:
        """For who looks at the card; everybody else's is edited.

        :param otherwise: what to say instead of why it cannot be shown
        """
        answer = await self._serving.shown("teams", origin.place.conversation, key)
        assert answer.message is not None  # noqa: S101  there is always something to say
        if answer.private:
            return _word(otherwise or answer.message.fallback)
        card = await self._chat.card(origin.place, answer.message, key)
        return {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": card}

    async def _told_afterwards(self, clicking: asyncio.Task[Answer], origin: Origin) -> None:
        answer = await clicking
        if answer.message is None:
            return
        message, to = answer.message, origin.sender

        async def tell() -> None:
            await self._chat.tell(origin.place, to.user, origin.member, message)

        if await self.errands.tell(tell, to.id):
            return
        log.info("%s cannot be told alone, so their thread is", to.id)
        addressed = f"{to.name}: {message.fallback}"
        place = Place(origin.place.conversation, origin.thread or origin.on, awaited=True)
        aloud = Message("answer", addressed, (Paragraph((addressed,)),))
        await self.errands.post(self._chat, place, aloud, origin.event, to.id)

    @property
    def _serving(self) -> Desk:
        if self._desk is None:
            raise RuntimeError("somebody did something before there was a desk to take it to")
        return self._desk


def _word(text: str) -> Json:
    """Shown to the presser alone."""
    return {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": text}
