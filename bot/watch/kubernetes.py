"""What cannot pull its image on a Kubernetes cluster: asked once, or watched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from bot.watch.fates import Fate, fate
from bot.watch.grouping import grouped
from bot.watch.pods import Failure, failures, is_told, may_be_stalled
from bot.watch.ports import Lists
from bot.watch.surroundings import Nodes, histories
from bot.watch.targets import NoSuchTarget, Target, check_namespace, expect_namespace, target
from bot.watch.watch import Watch
from checks.host import Cluster
from checks.kubernetes.pods import Pod, moment, pod
from checks.model import FailedPull, NotFound, Unavailable

__all__ = ["Fate", "NoSuchTarget", "Watch", "failing_now", "fate"]

RBAC = (("", "pods", "get"), ("", "pods", "list"))
STALL_AFTER = timedelta(minutes=5)


async def failing_now(
    kube: Lists,
    cluster: Cluster,
    namespace: str,
    target: str,
    *,
    stall_after: timedelta = STALL_AFTER,
) -> tuple[FailedPull, ...]:
    """What fails at this moment.

    :param namespace: "" for all
    :param target: ``deploy/NAME``, ``pod/NAME`` and so on, or a pod's NAME; "" for all that is there
    :raises NoSuchTarget: see there
    :raises Unavailable: it cannot be seen
    """
    check_namespace(namespace)
    suspects = await _suspects(kube, namespace, target)
    now = datetime.now(UTC)
    found = {one.uid: failures(one, (), as_of=now, stall_after=stall_after) for one in suspects}
    asked = [one for one in suspects if _events_may_help(one, found[one.uid], now - stall_after)]
    for uid, history in (await histories(kube, asked)).items():
        one = next(one for one in asked if one.uid == uid)
        found[uid] = failures(one, history, as_of=now, stall_after=stall_after)
    failing = [failure for some in found.values() for failure in some]
    nodes = Nodes(kube)
    await nodes.learn({one.pod.node for one in failing if not one.pod.fargate_profile})
    return grouped(cluster.name, failing, nodes.kind)


def _events_may_help(pod: Pod, found: tuple[Failure, ...], stalled_before: datetime) -> bool:
    if any(not is_told(one) for one in found):
        return True
    return may_be_stalled(pod) and moment(pod.created) <= stalled_before


async def _suspects(kube: Lists, namespace: str, wanted: str) -> list[Pod]:
    """The pods meant that fail to pull, or may."""
    if not wanted:
        found, any_there = [], False
        async for one in _pods(kube, namespace):
            any_there = True
            if _is_suspect(one):
                found.append(one)
        if namespace and not any_there:
            with suppress(Unavailable):  # no pods is an answer, if a poor one
                await expect_namespace(kube, namespace)
        return found
    meant = target(namespace, wanted)
    mine = await _one_pod(kube, meant) if meant.is_pod else await _pods_of(kube, meant)
    return [one for one in mine if _is_suspect(one)]


async def _one_pod(kube: Lists, meant: Target) -> list[Pod]:
    try:
        return [pod(await kube.get(meant.path))]
    except NotFound:
        raise meant.missing([one async for one in _pods(kube, meant.namespace)]) from None


async def _pods_of(kube: Lists, meant: Target) -> list[Pod]:
    there = [one async for one in _pods(kube, meant.namespace)]
    mine = [one for one in there if meant.owns(one)]
    if not mine:
        try:
            await kube.get(meant.path)
        except NotFound:
            raise meant.missing(there) from None
    return mine


async def _pods(kube: Lists, namespace: str) -> AsyncIterator[Pod]:
    path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
    seen: set[str] = set()
    async for tree in kube.pages(path):
        one = pod(tree)
        if one.uid not in seen:  # a list that starts over tells some twice
            seen.add(one.uid)
            yield one


def _is_suspect(one: Pod) -> bool:
    return bool(one.failing) or may_be_stalled(one)
