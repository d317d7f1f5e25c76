"""``pullbot permissions``: the least that must be granted, ready to apply."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from bot.permissions import (
    UnknownRemedy,
    as_yaml,
    aws_reads,
    aws_writes,
    kubernetes_reads,
    kubernetes_secrets,
    kubernetes_writes,
)
from bot.permissions_azure import azure_reads, azure_writes
from handlers.remedy import load_remedies
from handlers.world import Rules

if TYPE_CHECKING:  # pydantic takes its time
    from bot.settings_clusters import Cluster
    from checks.aws.facts import Grant


class Granting(Protocol):
    """The settings that this command looks at."""

    @property
    def rules(self) -> Rules: ...

    @property
    def clusters(self) -> tuple[Cluster, ...]: ...

    @property
    def automation_roles(self) -> tuple[str, ...]: ...

    @property
    def subscriptions(self) -> tuple[str, ...]: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "cloud",
        choices=["aws", "azure", "kubernetes"],
        help="an IAM policy (JSON), custom roles (JSON), or a ClusterRole (YAML)",
    )
    parser.add_argument(
        "--write", action="store_true", help="what the enabled remedies need, instead of what looking needs"
    )
    parser.add_argument(
        "--remedy", metavar="ID", action="append", default=[], help="what this one needs; may be repeated"
    )
    parser.add_argument(
        "--secrets",
        action="store_true",
        help="kubernetes: what judging pull secrets takes, to be bound where that is wanted",
    )
    parser.add_argument(
        "--partition", choices=["aws", "aws-cn", "aws-us-gov"], default="aws", help="AWS's part of the world"
    )


def run(arguments: argparse.Namespace, settings: Granting) -> int:
    """Exit status: 0, or 2 for a remedy that there is none of."""
    there = {one.id for one in load_remedies()}
    remedies = arguments.remedy or sorted(settings.rules.enabled & there)
    writes = bool(arguments.write or arguments.remedy)
    try:
        if arguments.cloud == "aws":
            roles, partition = settings.automation_roles, arguments.partition
            reads = aws_reads(partition, _queues(settings.clusters))
            print(json.dumps(aws_writes(remedies, partition, roles) if writes else reads, indent=2))
        elif arguments.cloud == "azure":
            print(
                json.dumps(
                    _roles(remedies, settings) if writes else azure_reads(settings.subscriptions), indent=2
                )
            )
        else:
            reading = kubernetes_secrets() if arguments.secrets else kubernetes_reads()
            print(as_yaml(kubernetes_writes(remedies) if writes else reading), end="")
    except UnknownRemedy as error:
        print(f"pullbot permissions: {error}", file=sys.stderr)
        return 2
    return 0


def _queues(clusters: Iterable[Cluster]) -> list[Grant]:
    """For the queues that are configured; before anything is, for one whose name has yet to be put in."""
    from bot.watch.ecs_events import queue_grant  # noqa: PLC0415  asyncio; other commands need none

    clusters = tuple(clusters)
    if not clusters:
        return [queue_grant("/QUEUE_NAME", "*")]
    return [queue_grant(one.queue, one.region or "*") for one in clusters if one.queue]


def _roles(remedies: list[str], settings: Granting) -> object:
    """One role as it is, for ``az`` takes them one by one; several as a list."""
    roles = azure_writes(remedies, settings.subscriptions)
    return roles[0] if len(roles) == 1 else roles
