"""Fetch facts: each one once, concurrently, shared by everyone who asks.

A fact is remembered under ``(fact, its inputs)``. Two workloads that run the same
image therefore share one lookup, and nobody has to declare a scope:
*to share more, ask for less*.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Mapping
from typing import Any

from checks.graph import Catalog, Fact, Need
from checks.model import NotApplicable, Unavailable

log = logging.getLogger(__name__)

Memo = dict[tuple[str, tuple[Any, ...]], "asyncio.Task[Any]"]


class Resolver:
    """Answers "what is the X here?" for one subject, from roots and facts."""

    def __init__(self, catalog: Catalog, roots: Mapping[Any, object], memo: Memo) -> None:
        self._catalog = catalog
        self._roots = roots
        self._memo = memo
        # By type: what many ask for, in many ways, is looked for once.
        self._looked_for: dict[Any, asyncio.Task[Any]] = {}

    async def arguments(self, needs: tuple[Need, ...]) -> tuple[Any, ...]:
        """The values for ``needs``, in order. Raises ``NotApplicable`` before ``Unavailable``."""
        got = await asyncio.gather(*(self._one(need) for need in needs), return_exceptions=True)
        for kind in (NotApplicable, BaseException):
            for value in got:
                if isinstance(value, kind):
                    raise value
        return tuple(got)

    async def _one(self, need: Need) -> Any:
        try:
            return await self.get(need.type)
        except (NotApplicable, Unavailable):
            if need.optional:
                return None
            raise

    async def get(self, wanted: Any) -> Any:
        """The root or the first applicable fact of type ``wanted``.

        :raises NotApplicable: nothing gives it here.
        :raises Unavailable: it exists, but could not be read.
        """
        if wanted in self._roots:
            return self._roots[wanted]
        if wanted not in self._looked_for:
            self._looked_for[wanted] = asyncio.create_task(self._look_for(wanted))
            self._looked_for[wanted].add_done_callback(_noticed)
        return await asyncio.shield(self._looked_for[wanted])

    async def _look_for(self, wanted: Any) -> Any:
        for one in self._catalog.facts.get(wanted, ()):
            try:
                return await self._fetch(one)
            except NotApplicable:
                continue
        raise NotApplicable(f"nothing here gives {wanted.__name__}")

    async def _fetch(self, one: Fact) -> Any:
        inputs = await self.arguments(one.needs)
        key = (one.id, inputs)
        if key not in self._memo:
            self._memo[key] = asyncio.create_task(_run(one, inputs), name=one.id)
        # Shielded: others may wait for the same task after this caller gives up.
        return await asyncio.shield(self._memo[key])


def _noticed(task: asyncio.Task[Any]) -> None:
    """Whoever asked may have given up; an error that nobody hears of is none."""
    if not task.cancelled():
        task.exception()


async def _run(one: Fact, inputs: tuple[Any, ...]) -> Any:
    limit = asyncio.timeout(one.timeout)
    try:
        async with limit:
            value = one.fn(*inputs)
            return await value if inspect.isawaitable(value) else value
    except (NotApplicable, Unavailable):
        raise
    except Exception as error:
        if limit.expired():
            raise Unavailable(f"{one.id} took longer than {one.timeout:g} s") from None
        log.exception("fact %s crashed", one.id)
        raise Unavailable(f"{one.id} crashed ({type(error).__name__}); the log has more") from error
