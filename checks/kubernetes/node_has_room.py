"""A node whose disk is full: layers cannot be unpacked, and the image collector finds nothing to free.

The message decides. Pressure alone is told too, as a node under it may lose any pull.
"""

from __future__ import annotations

from checks.graph import check
from checks.kubernetes.node_conditions import DiskEvents, SuspectNode, SuspectState
from checks.kubernetes.scope import Elsewhere
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown

_TAINT = "node.kubernetes.io/disk-pressure"


@check(
    "The node has room for the image",
    leg=Leg.NODE,
    explains={Symptom.DISK_FULL},
    page="https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/",
)
def node_has_room(
    pull: FailedPull,
    suspect: SuspectNode,
    state: SuspectState | None,
    events: DiskEvents | None,
    elsewhere: Elsewhere | None,
) -> Verdict:
    name, node = suspect.name, state.node if state is not None else None
    evidence = [("Node", name)]
    pressure = node.condition("DiskPressure") if node is not None else None
    if pressure is not None:
        since = f" since {pressure.since}" if pressure.since else ""
        evidence.append(("DiskPressure", f"{pressure.status}{since}"))
    evidence += [
        ("Taint", one) for one in (node.taints if node is not None else ()) if one.startswith(_TAINT)
    ]
    evidence += events.all if events is not None else ()
    if pull.symptom is Symptom.DISK_FULL:
        evidence += [("The node says", suspect.said), *(elsewhere.evidence if elsewhere is not None else ())]
        return failed(
            f"the disk of {suspect.words} is full, so the image cannot be unpacked there",
            *evidence,
            about=name,
        )
    if node is None:
        return unknown(f"{name} could not be read, so whether its disk is full is not known", *evidence)
    if pressure is None:
        raise NotApplicable("the node does not speak of its disk")
    if pressure.status == "True":
        words = pressure.message or "its disk is nearly full"
        return failed(f"{name} is under disk pressure: {words}", *evidence, about=name)
    if pressure.status != "False":
        return unknown(f"{name} no longer reports whether its disk is full", *evidence)
    return passed(f"{name} is not short of disk space", *evidence)
