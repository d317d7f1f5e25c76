"""``pullbot why``: diagnose now, without chat, and exit.

It only reads: no remedy is carried out from here. Exit status 0: nothing fails; 1: a failing pull was
found; 2: it could not look.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, TextIO

from bot.terminal.live import Live, shown
from bot.terminal.markdown import as_markdown
from bot.terminal.report import Diagnosis, Effort, as_json
from bot.terminal.text import Palette, Text
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.model import FailedPull, Finding, Unavailable
from checks.resolve import Memo
from handlers.proposal import offers_for
from handlers.remedy import load_advice, load_remedies

if TYPE_CHECKING:  # loaded once it is known that there is something to ask: `--help` waits for nothing
    from bot.clouds.connect import Connected
    from bot.clouds.kubeconfig import Context
    from bot.settings import Cluster, Settings

_TARGETS = (
    "pod/NAME, deploy/NAME (also statefulset, daemonset, replicaset, job, cronjob), a pod's NAME, "
    "ecs:CLUSTER/TASK_ID or ecs:CLUSTER/service/NAME"
)


class CannotLook(Exception):
    """The question or the connection is wrong. The message says what, and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", metavar="TARGET", nargs="?", default="", help=f"{_TARGETS}; all that fail when left out"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-n", "--namespace", metavar="NS", default="", help="else the context's own")
    where.add_argument("-A", "--all-namespaces", action="store_true", help="everywhere")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--context", metavar="CTX", default="", help="of the kubeconfig; else the current one")
    which.add_argument("--cluster", metavar="NAME", default="", help="a cluster of the configuration")
    parser.add_argument("-o", dest="output", choices=["text", "json", "markdown"], default="text")
    parser.add_argument("--color", choices=["auto", "always", "never"], default="auto")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    # Facts that crash are told as unknown; their tracebacks are for who asks for them.
    if level := os.environ.get("PULLBOT_LOG_LEVEL", ""):
        from bot.log import start_logging  # noqa: PLC0415  most people do not ask

        start_logging(level)
    else:
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        diagnoses, effort = asyncio.run(_look(arguments, settings))
    except (CannotLook, Unavailable) as error:
        print(f"pullbot why: {error}", file=sys.stderr)
        return 2
    _print(arguments, diagnoses, effort)
    return 1 if diagnoses else 0


async def _look(arguments: argparse.Namespace, settings: Settings) -> tuple[list[Diagnosis], Effort]:
    from bot.watch.eyes import Patience  # noqa: PLC0415  see the top
    from bot.watch.targets import NoSuchTarget  # noqa: PLC0415  see the top

    started = time.monotonic()
    connected, namespace = await _connect(arguments, settings)
    patience = Patience(settings.watch.stall_after)
    live = Live(sys.stderr, Palette(_coloured(arguments, sys.stderr))) if _is_terminal(sys.stderr) else None
    try:
        async with shown(live):
            if live:
                live.doing(f"looking for failing pulls on {connected.cluster.name}")
            try:
                pulls = await connected.eyes.failing_now(namespace, arguments.target, patience)
            except NoSuchTarget as error:
                raise CannotLook(str(error)) from None
            diagnoses = await _diagnoses(pulls, connected, live)
        return diagnoses, Effort(connected.calls(), time.monotonic() - started)
    finally:
        await connected.close()


async def _diagnoses(
    pulls: tuple[FailedPull, ...], connected: Connected, live: Live | None
) -> list[Diagnosis]:
    catalog, remedies, advice, memo = Catalog.load(), load_remedies(), load_advice(), Memo()
    if live:
        live.doing("checking")
    findings: list[Finding] = []
    async for finding in diagnose(catalog, pulls, connected.roots, memo):
        findings.append(finding)
        if live:
            live.landed(finding)
    if live:
        live.doing("looking for remedies")
    diagnoses = []
    for pull in pulls:
        mine = tuple(finding for finding in findings if finding.subject == pull)
        offers = await offers_for(
            [pull],
            mine,
            catalog=catalog,
            remedies=remedies,
            roots=connected.roots,
            memo=memo,
            advice=advice,
        )
        diagnoses.append(Diagnosis(pull, mine, offers))
    return diagnoses


# ---- where to look


async def _connect(arguments: argparse.Namespace, settings: Settings) -> tuple[Connected, str]:
    """The cluster to ask, and in which of its namespaces; "" for all."""
    if arguments.target and arguments.all_namespaces:
        raise CannotLook("a TARGET is in one namespace; use -n NS with it, or leave it out with -A")
    from bot.clusters import registry_client  # noqa: PLC0415  see the top

    configured = _configured(arguments, settings)
    if arguments.target.startswith("ecs:") or (configured is not None and configured.kind == "ecs"):
        from bot.clouds.ecs import connect_ecs  # noqa: PLC0415  see the top

        return connect_ecs(_region(configured), configured, registry_client(settings)), arguments.namespace
    from bot.clouds.azure import Endpoints  # noqa: PLC0415  see the top
    from bot.clouds.connect import connect  # noqa: PLC0415  the Kubernetes client; see the top

    context, configured = _place(arguments, settings, configured)
    endpoints = Endpoints(settings.azure.resource_manager, settings.azure.graph)
    connected = await connect(context, configured, endpoints, registry=registry_client(settings))
    return connected, _namespace(arguments, context)


def _region(configured: Cluster | None) -> str:
    """Where ECS is asked: a task's name does not tell."""
    region = configured.region if configured is not None else None
    found = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    if not found:
        raise CannotLook(
            "in which region is that? Set AWS_REGION, or name a configured cluster with --cluster"
        )
    return found


def _place(
    arguments: argparse.Namespace, settings: Settings, configured: Cluster | None
) -> tuple[Context, Cluster | None]:
    """The context to connect to, and what is configured for it.

    Without a word the only configured cluster is meant, or else the kubeconfig's current context.
    """
    from bot.clouds.kubeconfig import BadKubeconfig, in_cluster, read_context  # noqa: PLC0415  see the top

    try:
        if configured is not None and configured.context is None:
            return in_cluster(), configured
        wanted = configured.context if configured and configured.context else arguments.context
        context = read_context(wanted, os.environ)
    except BadKubeconfig as error:
        raise CannotLook(str(error)) from None
    of_context = (one for one in settings.clusters if one.context == context.name)
    return context, configured or next(of_context, None)


def _configured(arguments: argparse.Namespace, settings: Settings) -> Cluster | None:
    in_ecs = arguments.target.startswith("ecs:")
    if not arguments.cluster:
        fitting = [one for one in settings.clusters if not in_ecs or one.kind == "ecs"]
        return fitting[0] if len(fitting) == 1 and not arguments.context else None
    found = settings.cluster(arguments.cluster)
    if found is None:
        there = ", ".join(one.name for one in settings.clusters) or "none; name one with --config"
        raise CannotLook(f"the configuration has no cluster {arguments.cluster!r}; it has {there}")
    if in_ecs and found.kind != "ecs":
        raise CannotLook(f"{found.name} is no ECS cluster; its kind in the configuration says so")
    return found


def _namespace(arguments: argparse.Namespace, context: Context) -> str:
    """ "" for all."""
    return "" if arguments.all_namespaces else arguments.namespace or context.namespace


# ---- how to tell it


def _print(arguments: argparse.Namespace, diagnoses: list[Diagnosis], effort: Effort) -> None:
    if arguments.output == "json":
        print(as_json(diagnoses, effort))
    elif not diagnoses:
        print("No pull is failing.")
    elif arguments.output == "markdown":
        print(as_markdown(diagnoses))
    else:
        text = Text(Palette(_coloured(arguments, sys.stdout)), shutil.get_terminal_size().columns)
        print(text.render(diagnoses))


def _coloured(arguments: argparse.Namespace, stream: TextIO) -> bool:
    """As https://no-color.org has it: a non-empty NO_COLOR turns colours off, an option wins over it."""
    if arguments.color == "auto":
        return _is_terminal(stream) and not os.environ.get("NO_COLOR")
    return str(arguments.color) == "always"


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
