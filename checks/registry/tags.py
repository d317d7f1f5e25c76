"""The tags of a repository: whether it is there at all, and which tags are much like a missing one."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from checks.graph import fact
from checks.image.reference import Repository
from checks.model import NotApplicable, Unavailable
from checks.registry.challenge import Challenge, Wants
from checks.registry.facts import Answer, Registry
from checks.registry.readings import Outcome, Reading, Readings, decoded, error_codes

_ASKED_FOR = 1000
_LONGEST = 128  # letters of a tag


@dataclass(frozen=True, slots=True)
class Tags:
    """``exists`` is the repository's; ``None`` where the registry does not say.

    ``siblings``: the registry's other repositories, as far as they were needed and told.
    """

    exists: bool | None
    names: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()


@fact()
async def tags(challenge: Challenge, repository: Repository, readings: Readings, registry: Registry) -> Tags:
    reading = readings.telling
    if reading is None or reading.outcome is not Outcome.MISSING:
        raise NotApplicable("nothing is missing, or nobody could read")
    url = f"{challenge.base}/v2/{repository.path}/tags/list?n={_ASKED_FOR}"
    answer, siblings = await asyncio.gather(
        registry.fetch("GET", url, authorization=reading.authorization),
        _siblings(challenge, reading, registry),
    )
    if answer.status == 200:
        return Tags("tags" in decoded(answer.body) or None, _names(answer, "tags", _LONGEST))
    if answer.status == 404 and error_codes(answer) & {"NAME_UNKNOWN", "NOT_FOUND"}:
        return Tags(exists=False, siblings=siblings)
    return Tags(exists=None)


async def _siblings(challenge: Challenge, reading: Reading, registry: Registry) -> tuple[str, ...]:
    """A courtesy: none where it takes another token, is refused, or late."""
    if challenge.wants is Wants.BEARER:
        return ()
    url = f"{challenge.base}/v2/_catalog?n={_ASKED_FOR}"
    try:
        answer = await registry.fetch("GET", url, authorization=reading.authorization)
    except Unavailable:
        return ()
    return _names(answer, "repositories", 255) if answer.status == 200 else ()


def _names(answer: Answer, key: str, longest: int) -> tuple[str, ...]:
    """What a registry calls names: short words, and no more of them than were asked for."""
    listed = decoded(answer.body).get(key)
    rows = listed if isinstance(listed, list) else []
    return tuple(
        one
        for one in rows[:_ASKED_FOR]
        if isinstance(one, str) and one.isprintable() and 0 < len(one) <= longest
    )


def closest(name: str, names: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The ``limit`` names most like ``name``, best first; the same for any order of ``names``."""
    return tuple(difflib.get_close_matches(name, sorted(set(names)), n=limit, cutoff=0.6))
