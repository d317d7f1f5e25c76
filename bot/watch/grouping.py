"""From single failures to pulls: one for all pods of a workload that fail alike on one kind of host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from bot.watch.pods import Failure, telling
from checks.image.symptom import classify
from checks.kubernetes.pods import Pod
from checks.model import FailedPull

HostKind = Callable[[Pod], str]
Group = tuple[str, str, str, str]


def grouped(cluster: str, failures: Iterable[Failure], host_kind: HostKind) -> tuple[FailedPull, ...]:
    """:param host_kind: of a pod's node"""
    return tuple(
        _pull(cluster, kind, mine) for (_, _, _, kind), mine in sorted(by_group(failures, host_kind).items())
    )


def by_group(failures: Iterable[Failure], host_kind: HostKind) -> dict[Group, list[Failure]]:
    found: dict[Group, list[Failure]] = defaultdict(list)
    for one in failures:
        found[one.pod.namespace, one.pod.workload, one.image, host_kind(one.pod)].append(one)
    return found


def steady(pull: FailedPull, before: FailedPull | None) -> FailedPull:
    """``pull`` with the message told before, if the new one says the same in other words.

    Messages carry request ids and addresses that change with every try.
    """
    if before is None or before.symptom != pull.symptom or before.message == pull.message:
        return pull
    if classify(before.message) != classify(pull.message):
        return pull
    return replace(pull, message=before.message)


def _pull(cluster: str, kind: str, mine: list[Failure]) -> FailedPull:
    mine = sorted(mine, key=lambda one: (one.pod.created, one.pod.name, one.container))
    message = telling(one.message for one in mine)
    teller = next(one for one in mine if one.message == message)
    first = mine[0].pod
    return FailedPull(
        cluster=cluster,
        namespace=first.namespace,
        workload=first.workload,
        container=min(one.container for one in mine),
        pods=tuple(sorted({one.pod.name for one in mine})),
        nodes=tuple(sorted({one.pod.node for one in mine if one.pod.node})),
        host_kind=kind,
        image=mine[0].image,
        symptom=teller.symptom,
        message=message,
        since=first.created,
    )
