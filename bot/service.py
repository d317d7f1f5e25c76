"""The service, wired together: clusters are watched, incidents move, chats show them and take clicks.

Everything it needs is handed in, so ``pullbot run``, ``pullbot demo`` and the tests start the same thing with
other parts at its edges.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.alerts import eventbridge
from bot.chat.desk import FrontDesk, PeopleBook
from bot.chat.platform import Side
from bot.chat.screen import ChatScreen
from bot.clusters import Clusters
from bot.driver import Driver
from bot.schedule import Alarms
from bot.settings import Settings
from bot.sightings import Sightings
from bot.store.ports import State, StoreDown
from bot.tenure import RENEWED_EVERY, Tenure
from bot.watch.eyes import Patience
from bot.web import Glance, Listener, Metrics, application
from checks.graph import Catalog
from handlers import commands
from handlers.flow import NEXT, advance
from handlers.incident import CLOSED, Incident
from handlers.remedy import load_advice, load_remedies
from handlers.world import World

log = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 30.0
_LEASE_PAUSE_SECONDS = 2.0
_STORE_LOOK_SECONDS = 3.0
_CLOSED_SHOWN_AGAIN = 20
_GOODBYE_SECONDS = 5.0


class Service:
    """:param people: who may approve

    :param patience: see ``ChatScreen``
    :param remind_every: seconds after which incidents that should move are driven, whoever forgot to
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        clusters: Clusters,
        sides: Sequence[Side],
        people: PeopleBook,
        *,
        patience: float = 2.0,
        remind_every: float = 15.0,
    ) -> None:
        self._settings = settings
        self._state = state
        self._clusters = clusters
        self._sides = sides
        self._remind_every = remind_every
        self._metrics = Metrics()
        self._tenure = Tenure(state)
        self._screen = ChatScreen(
            state,
            [side.chat for side in sides],
            settings.channel_of,
            patience=patience,
            tenure=self._tenure,
        )
        self._alarms = Alarms(lambda incident: commands.expire(incident, self.world))
        self._driver = Driver(
            lambda incident: advance(incident, self.world),
            lambda incident: self._tenure.hold(f"incident/{incident}"),
            lambda incident: self._tenure.release(f"incident/{incident}"),
            lambda seconds, call: asyncio.get_running_loop().call_later(seconds, call),
        )
        self.world = World(
            catalog=Catalog.load(),
            remedies=load_remedies(),
            advice=load_advice(),
            rules=settings.rules,
            roots=clusters.roots,
            hands=clusters.hands,
            store=state,
            journal=state,
            screen=self,
            now=lambda: datetime.now(UTC),
            clock=time.monotonic,
            pause=asyncio.sleep,
            wake_at=self._alarms.wake_at,
            drive=self._driver.drive,
        )
        self.desk = FrontDesk(self.world, state, people, clusters)
        self._sightings = {
            name: Sightings(name, one.eyes.fate, self.world) for name, one in clusters.connected.items()
        }
        self._store = Glance(self._look_at_store, _STORE_LOOK_SECONDS)
        self._up = dict.fromkeys(clusters.connected, False)
        self._listener: Listener | None = None
        self._watches: list[asyncio.Task[None]] = []

    # ---- from start to stop

    async def start(self) -> Sequence[tuple[str, int]]:
        """:returns: the addresses of its web server

        :raises OSError: it may not listen where it should
        :raises StoreDown: there is no store; nothing was started
        """
        unfinished = await self._state.unfinished()
        routes = [route for side in self._sides for route in side.routes(self.desk)]
        if token := self._settings.secrets.pullbot_alerts_token:
            routes.append(eventbridge(token, self._hear))
        self._listener = Listener(
            application(self._why_not_ready, self._metrics, routes), *self._settings.listen
        )
        addresses = await self._listener.start()
        self._alarms.start()
        self._alarms.every(RENEWED_EVERY, self._tenure.renew)
        self._alarms.every(self._remind_every, self._remind)
        for side in self._sides:
            await side.start(self.desk)
        await self._resume(unfinished)
        self._watches = [asyncio.create_task(self._watch(name), name=f"watch {name}") for name in self._up]
        for name, one in self._sightings.items():
            if not self._clusters.connected[name].eyes.repeats:
                self._alarms.every(_LOOK_AGAIN_SECONDS, one.again)
            log.info("watching %s", name)
        return addresses

    async def stop(self) -> None:
        """Take nothing any more, finish what is on its way; incidents resume where they are.

        To be called whatever became of ``start``.
        """
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for side in self._sides:
            await side.stop()
        await self._alarms.stop()
        await self._driver.stop()
        await self._screen.stop(_GOODBYE_SECONDS)
        for side in self._sides:
            await side.close()
        if self._listener is not None:
            await self._listener.stop()

    async def _resume(self, unfinished: Sequence[Incident]) -> None:
        """What we were killed at goes on; chats are brought in line with what they missed."""
        self._alarms.wake_for(unfinished)
        for incident in await self._state.recent(_CLOSED_SHOWN_AGAIN):
            if incident.stage in CLOSED:  # perhaps its last word was not said any more
                await self._screen.show(incident)
        for incident in unfinished:
            if incident.cluster not in self._clusters.connected:
                log.warning("%s is not configured; its incident %s rests", incident.cluster, incident.id)
                continue
            await self._screen.show(incident)
            self._driver.drive(incident.id)

    async def _remind(self) -> None:
        """A save whose answer was lost, or a replica that died, leaves an incident that nobody drives."""
        unfinished = await self._state.unfinished()
        self._alarms.wake_for(unfinished)
        for incident in unfinished:
            if incident.stage in NEXT and incident.cluster in self._clusters.connected:
                await self._screen.show(incident)
                self._driver.remind(incident.id)

    async def _watch(self, name: str) -> None:
        """One replica watches a cluster; the others wait for it to go away."""
        lease = f"watch/{name}"
        while True:
            while not await self._holds(lease):  # noqa: ASYNC110  nobody tells us when a lease ends
                await asyncio.sleep(_LEASE_PAUSE_SECONDS)
            watching = asyncio.create_task(self._eyes_on(name), name=f"eyes on {name}")
            lost = asyncio.create_task(self._tenure.lost(lease), name=f"lease of {name}")
            try:
                await asyncio.wait((watching, lost), return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    return await watching
            finally:
                for task in (watching, lost):
                    task.cancel()
                await asyncio.gather(watching, lost, return_exceptions=True)
                await self._tenure.release(lease)
            self._is_up(name, False)
            await self._sightings[name].forget()

    async def _eyes_on(self, name: str) -> None:
        configured = self._settings.cluster(name)
        await self._clusters.connected[name].eyes.watch(
            configured.namespaces.watched if configured else lambda namespace: True,
            self._sightings[name].tell,
            lambda up: self._is_up(name, up),
            Patience(self._settings.watch.stall_after, self._settings.watch.settle),
        )

    async def _holds(self, lease: str) -> bool:
        try:
            return await self._tenure.hold(lease)
        except StoreDown as why:
            log.warning("the store does not answer: %s", why)
            return False

    # ---- what others ask

    async def show(self, incident: Incident) -> None:
        """The ``Screen`` of the handlers: every state that is saved comes by here."""
        self._metrics.reached(incident.id, incident.stage.value)
        if (one := self._clusters.connected.get(incident.cluster)) is not None:
            for api, count in one.calls().items():
                self._metrics.calls.labels(cluster=incident.cluster, api=api).set(count)
        await self._screen.show(incident)

    def _hear(self, event: Any) -> bool:
        """An event of a cloud; every cluster is told, and knows its own."""
        taken = [one.eyes.heard(event) for one in self._clusters.connected.values()]
        return any(taken)

    def _is_up(self, name: str, up: bool) -> None:
        self._up[name] = up
        self._metrics.watches.labels(cluster=name).set(up)

    async def _why_not_ready(self) -> str:
        reasons = [await self._store()]
        reasons += [side.why_not_ready() for side in self._sides]
        reasons += [f"the watch of {name} is not connected" for name, up in self._up.items() if not up]
        return "; ".join(reason for reason in reasons if reason)

    async def _look_at_store(self) -> str:
        try:
            await self._state.muted(datetime.now(UTC))
        except StoreDown as why:
            return f"the store does not answer: {why}"
        return ""
