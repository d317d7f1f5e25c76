"""May the identity that pulls do so, by the roles that it has on the registry and above it?

Without a role the credential provider on the node gets no registry token, kubelet pulls anonymously, and the
registry answers 401. `az aks check-acr` tries that token only, and so does not see rights per repository.
"""

from __future__ import annotations

from checks.azure.conditions import Holds
from checks.azure.rights import PullRights
from checks.graph import check
from checks.model import Leg, Symptom, Verdict, failed, passed, unknown


@check(
    "The identity that pulls may pull",
    leg=Leg.RIGHTS,
    explains={Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://learn.microsoft.com/en-us/azure/aks/cluster-container-registry-integration",
)
def identity_can_pull(rights: PullRights) -> Verdict:
    who = (
        ("Identity", f"{rights.puller.words} ({rights.puller.object_id})"),
        ("Registry", str(rights.registry.id)),
    )
    if rights.denials:
        names = ", ".join(one.name for one in rights.denials)
        return failed(
            f"the deny assignment {names} forbids it to {rights.puller.words}",
            *who,
            about=rights.puller.object_id,
        )
    sure = [one for one in rights.grants if one.role.permissions is not None and one.holds is Holds.YES]
    if sure and rights.unread:
        return unknown(f"{rights.puller.words} has a role, but {rights.unread}", *who)
    if sure:
        names = ", ".join(sorted({one.role.name for one in sure}))
        return passed(f"{rights.puller.words} may pull", *who, ("Allowed by", names))
    doubtful = [one for one in rights.grants if one.holds is Holds.UNKNOWN or one.role.permissions is None]
    if doubtful:
        return unknown(
            f"what {doubtful[0].role.name} allows to {rights.puller.words} could not be judged", *who
        )
    if rights.ignored and rights.registry.by_repository:
        names = ", ".join(sorted({one.role.name for one in rights.ignored}))
        return failed(
            f"{rights.registry.host} gives rights per repository (ABAC), and there {names} is not honoured",
            *who,
            about=rights.puller.object_id,
        )
    return failed(
        f"{rights.puller.words} has no role that lets it pull from {rights.registry.host}",
        *who,
        about=rights.puller.object_id,
    )
