"""Deny assignments are made by Azure for managed applications and deployment stacks; nobody edits them."""

from __future__ import annotations

import shlex

from checks.azure.identity_can_pull import identity_can_pull
from checks.azure.rights import PullRights
from checks.model import NotApplicable
from handlers.remedy import ByHand, by_hand


@by_hand("Have the deny assignment lifted", cures=identity_can_pull)
def lift_deny_assignment(rights: PullRights) -> ByHand:
    if not rights.denials:
        raise NotApplicable("nothing is denied")
    names = ", ".join(one.name for one in rights.denials)
    looked = ("az", "rest", "--method", "get", "--url")
    return ByHand(
        f"Who owns the deployment stack or the managed application that made {names} adds "
        f"{rights.puller.words} ({rights.puller.object_id}) to whom it spares; a role cannot help",
        tuple(shlex.join((*looked, f"{one.id}?api-version=2022-04-01")) for one in rights.denials),
        "it protects what its owner wants protected",
    )
