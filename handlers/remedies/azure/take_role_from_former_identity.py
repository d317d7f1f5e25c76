"""A role that was left with an identity of before: whether somebody else pulls with it only people know."""

from __future__ import annotations

import shlex

from checks.azure.identity_can_pull import identity_can_pull
from checks.azure.strangers import Strangers
from checks.model import NotApplicable
from handlers.remedy import ByHand, by_hand


@by_hand("Take the role from the identity of before", cures=identity_can_pull)
def take_role_from_former_identity(strangers: Strangers) -> ByHand:
    """Said of identities that are gone, or of one alone: several are other clusters' more likely than not."""
    gone = tuple(one for one in strangers.all if one.name == "")
    those = gone or strangers.all
    if not gone and len(those) != 1:
        raise NotApplicable("nobody can tell which was the cluster's")
    names = ", ".join(one.words for one in those)
    return ByHand(
        f"Once the cluster pulls again, who answers for the registry takes {strangers.role} from {names}, "
        "if it is nobody's any more",
        tuple(shlex.join(("az", "role", "assignment", "delete", "--ids", one.assignment)) for one in those),
        "another cluster or service may pull with it",
    )
