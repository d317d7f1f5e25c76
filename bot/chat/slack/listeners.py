"""What people do in Slack, taken to the desk, and what the desk says, taken back.

Slack wants an answer within three seconds and asks again if there is none, so everything is acknowledged
first and done afterwards. Doing it twice is harmless: the desk looks at the event's id.
"""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.chat.actions import BadAction, parse_action
from bot.chat.clock import Pause
from bot.chat.errands import Errands
from bot.chat.platform import Answer, Desk, Mention, Place, Sender
from bot.chat.slack.api import Api
from bot.chat.slack.chat import SlackChat
from bot.chat.slack.people import SlackPeople
from bot.chat.slack.spoken import spoken

# On its lower levels it complains about how it is used here, and about events that we leave alone.
_library = logging.getLogger(f"{__name__}.library")
_library.setLevel(logging.ERROR)

Json = dict[str, Any]


class Listeners:
    """``app`` is Bolt's: requests in, acknowledgements out. What it starts is in ``errands``."""

    def __init__(
        self, api: Api, chat: SlackChat, people: SlackPeople, *, pause: Pause = asyncio.sleep
    ) -> None:
        self._api = api
        self._chat = chat
        self._people = people
        self.errands = Errands(pause)
        self._desk: Desk | None = None
        self.app = self._bolt()

    def serve(self, desk: Desk) -> None:
        self._desk = desk

    def _bolt(self) -> AsyncApp:
        # Listeners only start a task, so the acknowledgement may wait for them. Signatures are checked
        # where the request comes in, and Slack's socket needs none.
        async def authorize() -> AuthorizeResult:  # Bolt looks at the names of its parameters
            return await self._who_we_are()

        app = AsyncApp(
            client=self._api.web,
            authorize=authorize,
            logger=_library,
            process_before_response=True,
            request_verification_enabled=False,
        )
        app.event("app_mention")(self._on_mention)
        app.event("message")(self._on_message)
        app.event(re.compile(""))(self._on_anything_else)
        app.action(re.compile(""))(self._on_press)  # whatever the button is called
        return app

    async def _who_we_are(self) -> AuthorizeResult:
        """Who we are, asked once; Bolt would ask for itself, and lose the event while Slack is down."""
        us = await self._api.identity()
        return AuthorizeResult(
            enterprise_id=us.enterprise or None,
            team_id=us.team,
            bot_id=us.bot,
            bot_user_id=us.user,
            bot_token=self._api.web.token,
        )

    # ---- in

    async def _on_mention(self, body: Json, event: Json) -> None:
        if _is_said_by_a_person(event):
            self.errands.start(self._mentioned(body, event), f"what {event['user']} said")

    async def _on_message(self, body: Json, event: Json) -> None:
        """A direct message is for us, without any mention. Channels' messages are none of our business."""
        if event.get("channel_type") == "im" and _is_said_by_a_person(event):
            self.errands.start(self._mentioned(body, event), f"what {event['user']} said")

    async def _on_anything_else(self) -> None:
        """Events that somebody subscribed the app to; without an acknowledgement they would come again."""

    async def _on_press(self, ack: AsyncAck, body: Json) -> None:
        await ack()
        if body.get("channel") and body.get("user"):
            self.errands.start(self._pressed(body), f"what {body['user'].get('id')} pressed")

    # ---- to the desk and back

    async def _mentioned(self, body: Json, event: Json) -> None:
        us = await self._api.identity()
        mention = Mention(
            sender=await self._sender(str(event["user"])),
            channel=str(event["channel"]),
            thread=str(event.get("thread_ts", "")),
            ref=str(event["ts"]),
            text=spoken(str(event.get("text", "")), us.user),
            event=f"slack:{body.get('event_id') or event['ts']}",
            direct=event.get("channel_type") == "im",
        )
        await self._say(await self._serving.mention(mention), mention)

    async def _pressed(self, body: Json) -> None:
        message: Json = body.get("message", {})
        for action in body.get("actions", []):
            press = Mention(
                sender=await self._sender(str(body["user"]["id"])),
                channel=str(body["channel"]["id"]),
                thread=str(message.get("thread_ts", "")),
                ref=str(message.get("ts", "")),
                text=str(action.get("value", "")),
                event=_press_id(body, action),
            )
            self._hurry(press.text)
            await self._say(await self._serving.click(press.sender, press.text, press.event), press)

    def _hurry(self, pressed: str) -> None:
        with suppress(BadAction):  # the desk says so
            self._chat.hurry(parse_action(pressed).incident)

    @property
    def _serving(self) -> Desk:
        if self._desk is None:
            raise RuntimeError("somebody did something before there was a desk to take it to")
        return self._desk

    async def _sender(self, user: str) -> Sender:
        return Sender("slack", user, await self._people.name(user))

    async def _say(self, answer: Answer, to: Mention) -> None:
        """Publicly in the thread that it is about, or privately where the person looks at."""
        if answer.message is None:
            return
        message = answer.message
        if not answer.private:
            place = Place(to.channel, to.thread or to.ref, awaited=True)
            await self.errands.post(self._chat, place, message, to.event, to.sender.id)
            return

        async def tell() -> None:
            await self._chat.tell(Place(to.channel, to.thread), message, to.sender.user)

        await self.errands.tell(tell, to.sender.id)


def _press_id(body: Json, action: Json) -> str:
    """Not the trigger's id: that one is new when Slack delivers the same press again."""
    message = body.get("message", {}).get("ts", "")
    return f"slack:{body['user']['id']}:{message}:{action.get('action_id', '')}:{action.get('action_ts', '')}"


def _is_said_by_a_person(event: Json) -> bool:
    """Not by a bot (not even by us), and not an edit or a deletion of what was said."""
    return bool(event.get("user")) and not any(event.get(name) for name in ("bot_id", "subtype", "edited"))
