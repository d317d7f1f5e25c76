"""Why a pull does not fail any more: it was pulled, or nobody asks for it, or it merely waits."""

from __future__ import annotations

from enum import Enum

from bot.watch.ports import Lists
from bot.watch.surroundings import Nodes
from checks.kubernetes.pods import Container, ImageState, Pod, moment, pod
from checks.model import FailedPull

RBAC = (("", "pods", "list"),)


class Fate(Enum):
    PULLED = "pulled"  # a pod that needed the image has it now
    GONE = "gone"  # no pod asks for it any more, or none that lacks it
    FAILING = "failing"
    WAITING = "waiting"  # pods ask for it; it is neither there nor refused yet


async def fate(kube: Lists, pull: FailedPull) -> Fate:
    """What became of ``pull``.

    :raises Unavailable: it cannot be read
    """
    asking = await _asking(kube, pull)
    wanted = [(one, box) for one in asking for box in one.containers if box.image == pull.image]
    present = {box.state for one, box in wanted if not one.over}
    if ImageState.FAILING in present:
        return Fate.FAILING
    if any(_has_it_since(one, box, pull) for one, box in wanted):
        return Fate.PULLED
    return Fate.WAITING if ImageState.AWAITED in present else Fate.GONE


async def _asking(kube: Lists, pull: FailedPull) -> list[Pod]:
    """The workload's pods that want this image on this kind of host; one without a host may come there."""
    found: dict[str, Pod] = {}
    async for tree in kube.pages(f"/api/v1/namespaces/{pull.namespace}/pods"):
        one = pod(tree)
        if one.workload == pull.workload and one.asks_for(pull.image) and not one.leaving:
            found[one.uid] = one
    if pull.host_kind == "node":
        return list(found.values())
    nodes = Nodes(kube)
    await nodes.learn(one.node for one in found.values() if not one.fargate_profile)
    return [one for one in found.values() if not one.node or nodes.kind(one) == pull.host_kind]


def _has_it_since(pod: Pod, box: Container, pull: FailedPull) -> bool:
    """A pod that had the image all along proves nothing."""
    if box.state is not ImageState.THERE:
        return False
    return pod.name in pull.pods or moment(pod.created) > moment(pull.since)
