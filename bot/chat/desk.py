"""Where everything that people do in a chat arrives, whichever chat it is.

The desk looks up who they are and what they mean, does it or refuses it with one clear sentence (a press:
to them alone; words: in the thread), and never raises.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from bot.chat.actions import Action, BadAction, Verb, parse_action
from bot.chat.message import Block, Bold, Heading, Message, Mono, Pairs, Paragraph
from bot.chat.platform import Answer, Mention, Sender
from bot.chat.present import headline, present, subject
from bot.chat.sync import retired
from bot.chat.words import HELP, Words, WrongWords, parse_words
from bot.clusters import ClusterDown, Clusters
from bot.log import about_incident
from bot.store.ports import State, StoreDown
from bot.watch.kubernetes import NoSuchTarget
from checks.model import FailedPull, Unavailable
from handlers import commands, intake
from handlers.decision import NotAllowed, NotNow, Person
from handlers.incident import CLOSED, Incident, Stage
from handlers.world import Entry, NoSuchIncident, Stale, World

log = logging.getLogger(__name__)

_REMEMBERED = timedelta(hours=24)
_MUTE = timedelta(hours=2)
_LISTED = 20
_LATEST = 10
_REMEMBERED_INCIDENTS = 100  # of which some are of the clusters that are asked for
NOTHING = Answer(None)


class PeopleBook(Protocol):
    async def person(self, sender: Sender) -> Person: ...


class FrontDesk:
    """The ``Desk`` of ``bot.chat.platform``."""

    def __init__(self, world: World, state: State, people: PeopleBook, clusters: Clusters) -> None:
        self._world = world
        self._state = state
        self._people = people
        self._clusters = clusters

    async def click(self, sender: Sender, value: str, event: str) -> Answer:
        async def act() -> Answer:
            action = parse_action(value)
            with about_incident(action.incident):
                log.info("button %s pressed by %s", action.verb.value, sender.id)
                return await self._act(action, await self._people.person(sender))

        return await self._once(event, act)

    async def mention(self, mention: Mention) -> Answer:
        async def act() -> Answer:
            words = parse_words(mention.text)
            log.info("command %s by %s", words.command, mention.sender.id)
            return await self._obey(words, mention)

        # Words that everybody reads are answered where everybody reads; only a press is refused in private.
        return replace(await self._once(mention.event, act), private=False)

    async def shown(self, chat: str, channel: str, key: str) -> Answer:
        incident, _, name = key.partition(":")

        async def look() -> Answer:
            try:
                posted = (await self._state.refs(incident, chat)).get(name)
                if posted is None or posted.channel != channel:
                    raise NoSuchIncident(incident)
                thread = present(await self._state.load(incident))
            except StoreDown as why:
                log.warning("the message %s could not be shown anew: %s", key[:80], why)
                return _private("how things are cannot be read just now; look again in a moment")
            same = (one for one in (thread.root, *thread.replies) if one.key == name)
            return Answer(next(same, retired(name)))

        return await self._answered(look)

    async def _once(self, event: str, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do it once, however often it is delivered."""

        async def once() -> Answer:
            return await act() if await self._state.first_time(event, _REMEMBERED) else NOTHING

        return await self._answered(once)

    async def _answered(self, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """Whatever goes wrong is a sentence to who asked."""
        try:
            return await act()
        except (BadAction, WrongWords, NotNow, NotAllowed, NoSuchTarget, ClusterDown, Unavailable) as why:
            log.info("refused: %s", why)
            return _private(str(why))
        except NoSuchIncident:
            return _private("this incident is not on record any more; `@pullbot why` looks at the present")
        except (Stale, StoreDown) as why:
            log.warning("could not be done now: %s", why)
            return _private("that could not be saved just now; look whether the thread moved, or try again")
        except Exception:
            log.exception("a chat command crashed")
            return _private("something went wrong on my side; the thread says what was done, my log why")

    async def _act(self, action: Action, by: Person) -> Answer:
        world, incident, digest = self._world, action.incident, action.digest
        self._clusters.expect((await self._state.load(incident)).cluster)
        match action.verb:
            case Verb.FIX:
                await commands.request(incident, digest, by, world)
            case Verb.APPROVE:
                await commands.approve(incident, digest, by, world)
            case Verb.REJECT:
                await commands.reject(incident, digest, by, world)
            case Verb.UNDO:
                await commands.undo(incident, digest, by, world)
            case Verb.CHECK_AGAIN:
                if over := await self._is_over(await self._state.load(incident)):
                    return _private(over)
                await commands.check_again(incident, by, world)
            case Verb.MUTE:
                muted = await commands.mute(incident, by, _MUTE, world)
                return _private(f"no new alerts for {subject(muted)} for 2 hours; `unmute` ends that")
        return NOTHING

    async def _obey(self, words: Words, mention: Mention) -> Answer:
        match words.command:
            case "why":
                return await self._why(words, mention)
            case "status":
                open_ones = self._theirs(await self._state.unfinished(), words, mention)
                return _listed("Open incidents", open_ones, "nothing is open")
            case "history":
                latest = self._theirs(await self._state.recent(_REMEMBERED_INCIDENTS), words, mention)
                return _listed("Latest incidents", latest[:_LATEST], "there has been none yet")
            case "mute" | "unmute":
                return await self._mute(words, mention)
            case _:
                return Answer(
                    Message("help", "What I understand", (Heading("What I understand"), Pairs(HELP)))
                )

    def _theirs(
        self, incidents: tuple[Incident, ...], words: Words, mention: Mention
    ) -> tuple[Incident, ...]:
        """Those of the channel's clusters, or of the one that is named; who asks us alone is told of all."""
        if mention.direct and not words.cluster:
            return incidents
        names = self._clusters.for_channel(mention.sender.chat, mention.channel, words.cluster)
        return tuple(one for one in incidents if one.cluster in names)

    async def _why(self, words: Words, mention: Mention) -> Answer:
        if mention.thread and not words.target:
            incident = await self._state.find_thread(mention.sender.chat, mention.channel, mention.thread)
            if incident is not None:
                return await self._look_again(incident, mention)
        names = self._clusters.for_channel(mention.sender.chat, mention.channel, words.cluster, words.target)
        pulls: list[FailedPull] = []
        for name in names:
            pulls += await self._clusters.failing_now(name, words.namespace, words.target)
        if not pulls:
            what = words.target or f"on {', '.join(names)}"
            return _public(f"No pull is failing now: {what}.")
        await intake.failing(pulls, self._world, asked_for=True)
        told = [
            i for i in await self._state.unfinished() if {p.key for p in i.pulls} & {p.key for p in pulls}
        ]
        return _listed("Failing now; each has its thread", tuple(told), "nothing is open")

    async def _look_again(self, incident: str, mention: Mention) -> Answer:
        stored = await self._state.load(incident)
        if stored.folded_into:
            return _public(
                f"This is told in the thread of incident {stored.folded_into}, which has the same cause."
            )
        self._clusters.expect(stored.cluster)
        if over := await self._is_over(stored):
            return _public(over)
        await commands.check_again(incident, await self._people.person(mention.sender), self._world)
        return _public("Looking again; the thread shows what I find.")

    async def _is_over(self, incident: Incident) -> str:
        """What is fixed and works is not looked at anew, for its thread tells how it was fixed; "" if not so.

        :raises ClusterDown, Unavailable: it cannot be told
        """
        if incident.stage is not Stage.RESOLVED:
            return ""
        mine = {pull.key for pull in incident.pulls}
        for namespace in sorted({pull.namespace for pull in incident.pulls}):
            failing = await self._clusters.failing_now(incident.cluster, namespace, "")
            if mine & {pull.key for pull in failing}:
                return ""
        return f"None of this fails now; {headline(incident)}."

    async def _mute(self, words: Words, mention: Mention) -> Answer:
        targets = await self._mute_targets(words, mention)
        until = self._world.now() + words.length
        for target in targets:
            details: tuple[tuple[str, str], ...] = (("target", target), ("name", mention.sender.name))
            if words.command == "unmute":
                await self._state.unmute(target)
            else:
                await self._state.mute(target, until)
                details = (*details, ("until", until.isoformat()))
            entry = Entry(self._world.now(), "", mention.sender.id, f"{words.command}d", details)
            await self._state.append(entry)
        named = ", ".join(targets)
        if words.command == "unmute":
            return _public(f"Alerts again for {named}.")
        hours = words.length.total_seconds() / 3600
        return _public(f"No new alerts for {named} for {hours:g} h; `unmute` ends that.")

    async def _mute_targets(self, words: Words, mention: Mention) -> tuple[str, ...]:
        if not words.target and mention.thread:
            incident = await self._state.find_thread(mention.sender.chat, mention.channel, mention.thread)
            if incident is not None:
                pulls = (await self._state.load(incident)).pulls
                return tuple(sorted({f"{p.cluster}/{p.namespace}/{p.workload}" for p in pulls}))
        if words.target.count("/") == 3:
            return (words.target,)
        names = self._clusters.for_channel(mention.sender.chat, mention.channel, words.cluster)
        if not words.target or words.target in names:
            return (words.target,) if words.target else names
        raise WrongWords(
            "a mute's target is CLUSTER/NAMESPACE/KIND/NAME or a cluster; in a thread none is needed"
        )


def _listed(title: str, incidents: tuple[Incident, ...], nothing: str) -> Answer:
    if not incidents:
        return _public(f"{nothing[0].upper()}{nothing[1:]}.")
    blocks: list[Block] = [Heading(title)]
    for one in incidents[:_LISTED]:
        state = one.stage.value if one.stage in CLOSED else f"{one.stage.value}: {headline(one)}"
        blocks.append(Paragraph((Mono(one.id), " ", Bold(subject(one)), f" on {one.cluster} · {state}")))
    if len(incidents) > _LISTED:
        blocks.append(Paragraph((f"… and {len(incidents) - _LISTED} more",)))
    return Answer(Message("list", title, tuple(blocks)))


def _public(text: str) -> Answer:
    return Answer(_said(text))


def _private(text: str) -> Answer:
    return Answer(_said(f"{text[0].upper()}{text[1:]}" if text else "That did not work."), private=True)


def _said(sentence: str) -> Message:
    """What stands between `` ` `` and `` ` `` is to be typed: no chat shows the marks by itself."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:
        return Message("answer", sentence, (Paragraph((sentence,)),))
    line = tuple(Mono(one) if at % 2 else one for at, one in enumerate(parts) if one)
    return Message("answer", "".join(parts), (Paragraph(line),))
