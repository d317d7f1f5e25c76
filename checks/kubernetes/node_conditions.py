"""What the node says of its disk and its runtime, for pulls that may fail because of the node itself."""

from __future__ import annotations

from dataclasses import dataclass

from checks.graph import fact
from checks.image.symptom import classify
from checks.kubernetes.askers import pages
from checks.kubernetes.facts import HostName, Kube, Node, node
from checks.kubernetes.pods import moment, presentable
from checks.kubernetes.scope import Neighbours
from checks.model import SAYS_NOTHING, FailedPull, NotApplicable, Symptom

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "events", "list"),)

_OF_THE_NODE = SAYS_NOTHING | {Symptom.DISK_FULL, Symptom.RUNTIME_UNAVAILABLE, Symptom.CORRUPT_CONTENT}
_LONGEST = 400  # letters of a message that are shown
# pkg/kubelet/events/event.go, pkg/kubelet/images/image_gc_manager.go, pkg/kubelet/eviction
OF_THE_DISK = ("FreeDiskSpaceFailed", "ImageGCFailed", "EvictionThresholdMet", "InvalidDiskCapacity")


@dataclass(frozen=True, slots=True)
class SuspectNode:
    """The node of a pull whose message may be about the node. ``said``: the end of the message.

    ``others``: where the same pull fails on several nodes and it is not known which of them said it.
    """

    name: str
    said: str
    others: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return f"one of {', '.join((self.name, *self.others))}" if self.others else self.name


@fact()
def suspect_node(pull: FailedPull, where: HostName, neighbours: Neighbours | None, _: Kube) -> SuspectNode:
    if pull.symptom not in _OF_THE_NODE:
        raise NotApplicable("the node got as far as asking the registry")
    said = _who_said(pull, neighbours) if neighbours is not None and len(pull.nodes) > 1 else ()
    if said:
        return SuspectNode(said[0], last_words(pull.message))
    others = tuple(one for one in pull.nodes if one != where.name)
    return SuspectNode(where.name, last_words(pull.message), others)


def _who_said(pull: FailedPull, neighbours: Neighbours) -> tuple[str, ...]:
    """Nodes on which this pull fails with this symptom, by what kubelet says of each pod."""
    return tuple(
        sorted(
            one.node
            for one in neighbours.pods
            if one.node in pull.nodes and one.workload == pull.workload
            for box in one.failing
            if box.image == pull.image and classify(box.message, box.reason).symptom is pull.symptom
        )
    )


@dataclass(frozen=True, slots=True)
class SuspectState:
    """What the suspect says of itself."""

    node: Node


@fact()
async def suspect_state(suspect: SuspectNode, first: Node | None, kube: Kube) -> SuspectState:
    """:raises Unavailable: it cannot be read"""
    if first is not None and first.host.name == suspect.name:
        return SuspectState(first)
    return SuspectState(await node.fn(HostName(suspect.name), kube))


@dataclass(frozen=True, slots=True)
class DiskEvents:
    """What kubelet reported of the node's disk last, by reason: ``(reason, message)``."""

    all: tuple[tuple[str, str], ...]


@fact()
async def disk_events(suspect: SuspectNode, kube: Kube) -> DiskEvents:
    fields = f"involvedObject.kind=Node,involvedObject.name={suspect.name}"
    last: dict[str, tuple[str, str]] = {}
    # Events about what has no namespace are kept in this one.
    async for event in pages(kube, "/api/v1/namespaces/default/events", fieldSelector=fields):
        reason = str(event.get("reason") or "")
        at = str(event.get("lastTimestamp") or event.get("eventTime") or "")
        if reason in OF_THE_DISK and moment(at) >= moment(last.get(reason, ("", ""))[0]):
            last[reason] = (at, presentable(str(event.get("message") or "")))
    return DiskEvents(tuple((reason, last[reason][1]) for reason in OF_THE_DISK if reason in last))


def last_words(message: str) -> str:
    """The cause is at the end of what a runtime says."""
    text = " ".join(message.split())
    return text if len(text) <= _LONGEST else f"… {text[-_LONGEST:].partition(' ')[2]}"
