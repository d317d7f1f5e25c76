"""What a person does about a node whose container runtime does not work: look why, or give up the node."""

from __future__ import annotations

from checks.kubernetes.node_conditions import SuspectNode
from checks.kubernetes.runtime_is_ready import runtime_is_ready
from handlers.remedies.kubernetes.node_commands import cordon, drain
from handlers.remedy import ByHand, by_hand


@by_hand("Mend the node's container runtime", cures=runtime_is_ready)
def mend_runtime(suspect: SuspectNode) -> ByHand:
    name = "NODE" if suspect.others else suspect.name
    return ByHand(
        f"Who runs the nodes keeps new pods off {suspect.words} and reads, on the node, what kubelet and the "
        "runtime say; a node that does not recover is replaced",
        (
            cordon(name),
            "journalctl -u kubelet -u containerd -u crio -u docker --since -1h --no-pager",
            "df -h /var/lib && mount | grep -w ro",
            drain(name),
        ),
        "the last command moves every pod of the node, and what they keep in emptyDir volumes is lost",
    )
