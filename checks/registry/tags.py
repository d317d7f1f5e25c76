"""The tags of a repository: whether it is there at all, and which tags are much like a missing one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from checks.graph import fact
from checks.image.reference import Repository
from checks.model import NotApplicable
from checks.registry.challenge import Challenge
from checks.registry.facts import Registry
from checks.registry.readings import Outcome, Readings, decoded, error_codes

_ASKED_FOR = 1000
_LONGEST = 128  # letters of a tag


@dataclass(frozen=True, slots=True)
class Tags:
    """``exists`` is the repository's; ``None`` where the registry does not say."""

    exists: bool | None
    names: tuple[str, ...] = ()


@fact()
async def tags(challenge: Challenge, repository: Repository, readings: Readings, registry: Registry) -> Tags:
    reading = readings.telling
    if reading is None or reading.outcome is not Outcome.MISSING:
        raise NotApplicable("nothing is missing, or nobody could read")
    url = f"{challenge.base}/v2/{repository.path}/tags/list?n={_ASKED_FOR}"
    answer = await registry.fetch("GET", url, authorization=reading.authorization)
    if answer.status == 200:
        listed = decoded(answer.body).get("tags")
        rows = listed if isinstance(listed, list) else []
        names = (one for one in rows if isinstance(one, str) and 0 < len(one) <= _LONGEST)
        return Tags("tags" in decoded(answer.body) or None, tuple(names))
    if answer.status == 404 and error_codes(answer) & {"NAME_UNKNOWN", "NOT_FOUND"}:
        return Tags(exists=False)
    return Tags(exists=None)


def closest(name: str, names: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The ``limit`` names most like ``name``, best first; the same for any order of ``names``."""
    return tuple(difflib.get_close_matches(name, sorted(set(names)), n=limit, cutoff=0.6))
