"""``pullbot run``: from the settings to a running service, and back down on SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any

from bot.chat.platform import Side
from bot.clouds.kubeconfig import BadKubeconfig
from bot.clusters import connect_all, unguarded, without_runbook
from bot.log import start_logging
from bot.people import Approvers, Directory, People
from bot.service import Service
from bot.settings import Settings, SettingsError
from bot.store.opening import open_state
from bot.store.ports import State, StoreDown, StoreUnusable
from checks.model import Unavailable

log = logging.getLogger(__name__)

_USAGE = 2
_CANCELLED_AGAIN_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything is in the configuration."""
    del parser


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    del arguments
    if faults := settings.missing_to_run():
        return _cannot(str(SettingsError(faults)))
    start_logging(os.environ.get("PULLBOT_LOG_LEVEL") or "INFO")
    for warning in settings.warnings:
        log.warning("%s", warning)
    try:
        asyncio.run(_serve(settings))
    except (BadKubeconfig, StoreUnusable, Unavailable) as why:
        return _cannot(str(why))
    except StoreDown as why:
        return _cannot(f"the store does not answer: {why}")
    except OSError as why:
        return _cannot(f"{settings.http.listen} (http.listen) cannot be used: {why.strerror or why}")
    return 0


def _cannot(why: str) -> int:
    print(f"pullbot: {why}", file=sys.stderr)  # noqa: T201  somebody started this in a terminal, or reads its log
    return _USAGE


async def _serve(settings: Settings) -> None:
    """Until told to stop; heard from the beginning, for a container's first process ignores it by default."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with AsyncExitStack() as afterwards:
        state = open_state(settings.store)
        afterwards.push_async_callback(state.close)
        clusters = await connect_all(settings, os.environ)
        afterwards.push_async_callback(clusters.close)
        for warning in (*unguarded(settings, clusters), *without_runbook(settings)):
            log.warning("%s", warning)
        sides, people = _chats(settings, state)
        service = Service(settings, state, clusters, sides, people)
        afterwards.push_async_callback(service.stop)
        await _unless(told, _start(service, state))
        await told.wait()
        log.info("stopping")


async def _start(service: Service, state: State) -> None:
    for concern in await state.concerns():
        log.warning("%s", concern)
    for host, port in await service.start():
        log.info("listening on %s:%d", host, port)


async def _unless(told: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do ``work``, or leave it where it is when told. What it raises is only told if it was left alone."""
    working = asyncio.create_task(work, name="start")
    hearing = asyncio.create_task(told.wait(), name="signals")
    await asyncio.wait((working, hearing), return_when=asyncio.FIRST_COMPLETED)
    hearing.cancel()
    while not working.done():  # more than once: a client that connects just then swallows it
        working.cancel()
        await asyncio.wait((working,), timeout=_CANCELLED_AGAIN_SECONDS)
    if told.is_set():
        await asyncio.gather(working, return_exceptions=True)
    else:
        await working


def _chats(settings: Settings, state: State) -> tuple[Sequence[Side], People]:
    """The chats that clusters have channels in, and who may approve. Who uses a chat pays for its import."""
    approvals = settings.approvals
    approvers = Approvers(approvals.approvers, (one.accounts for one in approvals.people))
    sides: list[Side] = []
    directories: dict[str, Directory] = {}
    if any(cluster.channels.slack for cluster in settings.clusters):
        from bot.chat.slack.side import SlackSide  # noqa: PLC0415  see above

        slack = SlackSide(settings.slack, settings.secrets)
        sides.append(slack)
        directories["slack"] = slack.people
    if any(cluster.channels.teams for cluster in settings.clusters):
        from bot.chat.teams.side import TeamsSide  # noqa: PLC0415  see above

        teams = TeamsSide(settings.teams, settings.azure.graph, settings.secrets, state, approvers)
        sides.append(teams)
        directories["teams"] = teams.people
    return sides, People(approvers, directories)
