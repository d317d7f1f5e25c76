"""What comes of a question: whoever was asked is listened to until the answer is there, or its time is up.

However it ends, the incident is where it was before: an answer is for people to judge, and cures nothing.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

from checks.model import NotFound, Unavailable
from checks.redaction import redact
from handlers.decision import Change
from handlers.execution import call
from handlers.incident import Incident
from handlers.question import Heard, Question
from handlers.world import Entry, Hands, World

log = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
# An incident is stored and shown whole, and a message of a chat holds little more.
_PARTS = 12
_TITLE = 100
_PART = 2000
_ALL = 8000


async def hear(incident: Incident, world: World) -> AsyncIterator[Incident]:
    """The handler of HEARING: ask again and again; what could not be read is no answer."""
    change = incident.changes[-1]
    assert change.finished is not None  # noqa: S101  narrows the type; only what was asked is listened to
    deadline = change.finished + change.settles_in
    while True:
        heard = await _listen(change, world.hands(incident.cluster))
        if not await _is_still(incident, world):
            return
        if heard.over:
            await _note(incident, "question answered", heard, world)
            yield incident.heard(heard).answered()
            return
        if world.now() >= deadline:
            await _note(incident, "question not answered", heard, world)
            minutes = int(change.settles_in.total_seconds() // 60)
            note = f"no answer within {minutes} minutes; the thread says how to look at what still runs"
            yield incident.heard(heard).answered(note)
            return
        if heard != change.heard:
            yield (incident := incident.heard(heard))
            change = incident.changes[-1]
        await world.pause(EVERY_SECONDS)


async def _listen(change: Change, hands: Hands) -> Heard:
    before = change.heard or Heard()
    try:
        [question] = (step for step in change.steps if isinstance(step, Question))
        return bounded(await call(question.hear, hands))
    except (NotFound, Unavailable) as why:
        return replace(before, trouble=redact(str(why))[:_PART])
    except Exception as error:
        log.exception("the answer to %s could not be understood", change.remedy)
        why_not = f"it could not be understood ({type(error).__name__}); the log has more"
        return replace(before, trouble=why_not)


def bounded(heard: Heard) -> Heard:
    """Without what looks like a secret, and no longer than a thread bears."""
    room, parts = _ALL, []
    for title, text in heard.parts[:_PARTS]:
        kept = _cut(redact(text), min(_PART, room))
        parts.append((_cut(redact(title), _TITLE), kept))
        room -= len(kept)
        if room <= 0:
            break
    left = len(heard.parts) - len(parts)
    if left > 0:
        parts.append(("More", f"{left} more parts are not shown here"))
    return replace(heard, state=_cut(redact(heard.state), _TITLE), parts=tuple(parts))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


async def _is_still(incident: Incident, world: World) -> bool:
    now = await world.store.load(incident.id)
    return now.stage is incident.stage and now.changes == incident.changes


async def _note(incident: Incident, what: str, heard: Heard, world: World) -> None:
    details = (("state", heard.state), ("trouble", heard.trouble))
    await world.journal.append(Entry(world.now(), incident.id, "pullbot", what, details))
