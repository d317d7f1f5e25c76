"""May the identity that pulls do so, by the roles that it has on the registry and above it?

Without a role the credential provider on the node gets no registry token, kubelet pulls anonymously, and the
registry answers 401. `az aks check-acr` tries that token only, and so does not see rights per repository.
"""

from __future__ import annotations

from checks.azure.rights import PullRights
from checks.azure.strangers import Strangers, Tenants
from checks.azure.who_else import WhoElse
from checks.graph import check
from checks.model import Leg, Symptom, Verdict, failed, passed, unknown


@check(
    "The identity that pulls may pull",
    leg=Leg.RIGHTS,
    explains={Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://learn.microsoft.com/en-us/azure/aks/cluster-container-registry-integration",
)
def identity_can_pull(
    rights: PullRights,
    tenants: Tenants | None = None,
    strangers: Strangers | None = None,
    who_else: WhoElse | None = None,
) -> Verdict:
    who_else = who_else or WhoElse()
    if who_else.account is not None:
        account, other = who_else.account.account, who_else.account.client_id
        return unknown(
            f"the service account {account} names the identity {other}, which may pull instead of "
            f"{rights.puller.words}; what that one may do is not looked at",
            *_who(rights),
        )
    explains = False if who_else.turned_away or who_else.by_secret else None
    return _judged(rights, tenants, strangers, explains)


def _judged(
    rights: PullRights, tenants: Tenants | None, strangers: Strangers | None, explains: bool | None
) -> Verdict:
    if rights.registry.anonymous and rights.puller.managed and (rights.denials or not rights.allowing):
        return passed(
            f"{rights.registry.host} lets everybody pull; {rights.puller.words} needs no role there",
            *_who(rights),
            ("Note", "anonymous pull is on for all repositories of the registry"),
        )
    if rights.denials:
        names = ", ".join(one.name for one in rights.denials)
        return _failed(rights, f"the deny assignment {names} forbids it to {rights.puller.words}", explains)
    if rights.allowing:
        return _allowed(rights)
    if rights.undecided:
        return _undecided(rights)
    if tenants is not None and tenants.differ:
        return _of_another_tenant(rights, tenants, explains)
    return _failed(rights, _lacks(rights, strangers), explains, *_notes(rights, strangers))


def _who(rights: PullRights) -> tuple[tuple[str, str], ...]:
    return (
        ("Identity", f"{rights.puller.words} ({rights.puller.object_id})"),
        ("Registry", str(rights.registry.id)),
    )


def _failed(rights: PullRights, summary: str, explains: bool | None, *evidence: tuple[str, str]) -> Verdict:
    return failed(summary, *_who(rights), *evidence, about=rights.puller.object_id, explains=explains)


def _allowed(rights: PullRights) -> Verdict:
    if rights.doubts:
        why = "; ".join(rights.doubts)
        return unknown(f"{rights.puller.words} has a role, but {why}", *_who(rights))
    names = ", ".join(sorted({one.role.name for one in rights.allowing}))
    notes = []
    if all(one.assignment.is_by_group(rights.puller) for one in rights.allowing):
        notes.append("it has the role as a member of a group; a new membership takes hours to be known")
    if rights.registry.by_repository:
        notes.append(
            "rights are given per repository (ABAC); credentials from before a switch to that are refused "
            "until the node asks for new ones"
        )
    if not rights.registry.takes_arm_tokens:
        notes.append(
            "the registry refuses tokens for Azure Resource Manager, which old node images come with"
        )
    return passed(
        f"{rights.puller.words} may pull",
        *_who(rights),
        ("Allowed by", names),
        *(("Note", one) for one in notes),
    )


def _undecided(rights: PullRights) -> Verdict:
    first = rights.undecided[0]
    if first.role.permissions is None:
        why = f"the role {first.role.name} was deleted, or is not shown to us"
    elif first.assignment.condition:
        why = f"the condition of its role {first.role.name} could not be judged"
    else:
        why = f"its role {first.role.name} allows to read content, but not metadata"
    said = (("Condition", first.assignment.condition),) if first.assignment.condition else ()
    return unknown(f"whether {rights.puller.words} may pull is open: {why}", *_who(rights), *said)


def _of_another_tenant(rights: PullRights, tenants: Tenants, explains: bool | None) -> Verdict:
    where = (("Tenants", f"cluster {tenants.cluster}, registry {tenants.registry}"),)
    if rights.puller.managed:
        return _failed(
            rights,
            f"{rights.puller.words} is of another tenant than {rights.registry.host}, where a managed "
            "identity can do nothing",
            explains,
            *where,
        )
    return unknown(
        f"{rights.registry.host} is of another tenant, where {rights.puller.words} has another id",
        *_who(rights),
        *where,
    )


def _lacks(rights: PullRights, strangers: Strangers | None) -> str:
    who, host = rights.puller.words, rights.registry.host
    if rights.narrow:
        names = ", ".join(sorted({one.role.name for one in rights.narrow}))
        return f"{who} has {names}, but its condition leaves {rights.repository.path} out"
    if rights.ignored and rights.registry.by_repository:
        names = ", ".join(sorted({one.role.name for one in rights.ignored}))
        return f"{host} gives rights per repository (ABAC), and there {names} is not honoured"
    if rights.ignored:
        names = ", ".join(sorted({one.role.name for one in rights.ignored}))
        return f"{who} has {names}, which counts only where rights are given per repository (ABAC)"
    summary = f"{who} has no role that lets it pull from {host}"
    if strangers is not None and len(strangers.all) == 1:
        return f"{summary}; {strangers.role} is with {strangers.all[0].words}"
    return summary


def _notes(rights: PullRights, strangers: Strangers | None) -> list[tuple[str, str]]:
    notes = [("Condition", one.assignment.condition) for one in rights.narrow]
    if strangers is not None and strangers.all:
        names = ", ".join(one.words for one in strangers.all)
        notes.append((f"Has {strangers.role}", f"{names}; was this the cluster's identity before?"))
    if rights.ignored and rights.registry.by_repository:
        notes.append(("Note", "nodes may use what they had before a switch of the mode for up to an hour"))
    return notes
