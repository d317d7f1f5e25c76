"""Run every check on every failed pull; hand over findings as they land."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from checks.graph import Catalog, Check
from checks.model import FailedPull, Finding, NotApplicable, Unavailable, Verdict, unknown
from checks.resolve import Memo, Resolver

log = logging.getLogger(__name__)


async def diagnose(
    catalog: Catalog, pulls: Iterable[FailedPull], roots: Mapping[Any, object], memo: Memo
) -> AsyncIterator[Finding]:
    """Yield each finding when its own facts are in, not when the slowest one is."""
    jobs = [
        asyncio.ensure_future(judge(check, pull, resolver))
        for pull in pulls
        for resolver in [Resolver(catalog, {**roots, FailedPull: pull}, memo)]
        for check in catalog.checks
    ]
    try:
        for done in asyncio.as_completed(jobs):
            if (finding := await done) is not None:
                yield finding
    finally:
        for job in jobs:
            job.cancel()


async def judge(check: Check, pull: FailedPull, resolver: Resolver) -> Finding | None:
    """One check on one pull; ``None`` where the check does not concern it."""
    verdict = await ask(check, resolver)
    if verdict is None:
        return None
    explains = check.explains(pull.symptom) if verdict.explains is None else verdict.explains
    return Finding(check.id, check.title, check.leg, pull, verdict, explains, check.place)


async def ask(check: Check, resolver: Resolver) -> Verdict | None:
    try:
        return check.fn(*await resolver.arguments(check.needs))
    except NotApplicable:
        return None
    except Unavailable as why:
        return unknown(str(why))
    except Exception as error:
        log.exception("check %s crashed", check.id)
        return unknown(f"this check crashed ({type(error).__name__}); the log has more")
