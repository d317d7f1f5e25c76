"""What a person does about a node whose disk is full: kubelet has removed what it could by itself."""

from __future__ import annotations

from checks.kubernetes.node_conditions import SuspectNode
from checks.kubernetes.node_has_room import node_has_room
from handlers.remedies.kubernetes.node_commands import cordon, drain
from handlers.remedy import ByHand, by_hand


@by_hand("Make room on the node", cures=node_has_room)
def make_room(suspect: SuspectNode) -> ByHand:
    name = "NODE" if suspect.others else suspect.name
    return ByHand(
        f"Who runs the nodes keeps new pods off {suspect.words} and looks, on the node, what fills its disk "
        "and removes images that nobody uses; if that is not enough, the node is replaced by one with a "
        "larger disk",
        (cordon(name), "df -h /var/lib", "crictl rmi --prune", drain(name)),
        "the last command moves every pod of the node, and what they keep in emptyDir volumes is lost",
    )
