"""Give the identity that pulls the role to do so, on this registry alone.

It is what `az aks update --attach-acr` does, without that command's second half, which puts the whole cluster
anew. On a registry with rights per repository AcrPull is not honoured: there it is Repository Reader.
"""

from __future__ import annotations

from datetime import timedelta

from checks.azure.actions import CONTENT, METADATA
from checks.azure.cluster import AksCluster
from checks.azure.identity_can_pull import identity_can_pull
from checks.azure.machines import NodeMachines
from checks.azure.registry import Registry
from checks.azure.rights import PullRights
from checks.azure.roles import ACR_PULL, REPOSITORY_READER
from checks.azure.strangers import Tenants
from checks.model import NotApplicable
from checks.registry.own_secret import OwnSecret
from handlers.remedies.azure.steps import AssignRole
from handlers.remedy import Plan, Refused, Risk, remedy

# A role takes ten minutes to be known everywhere. Where the mode was switched, nodes hold tokens for an hour
# that the registry does not take any more.
_SETTLES_IN = timedelta(minutes=15)
_SETTLES_IN_BY_REPOSITORY = timedelta(minutes=75)


@remedy("Attach the registry to the cluster", cures=identity_can_pull, risk=Risk.LOW)
def attach_acr(
    rights: PullRights,
    cluster: AksCluster,
    tenants: Tenants | None = None,
    machines: NodeMachines | None = None,
    own: OwnSecret | None = None,
) -> Plan:
    registry = rights.registry
    if rights.denials:
        raise Refused(f"the deny assignment {rights.denials[0].name} forbids it, and it wins over every role")
    if not rights.lacking or (registry.anonymous and rights.puller.managed):
        raise NotApplicable("it may pull, or nobody knows")
    if tenants is not None and tenants.unread:
        raise Refused(f"whether {registry.host} is of the cluster's tenant is not known: {tenants.unread}")
    if tenants is not None and tenants.differ:
        raise Refused(f"{registry.host} is of another tenant than the cluster")
    if own is not None:
        raise Refused(
            f"the pod pulls by its own secret {own.where}, which is what is to be mended; a role for the "
            "nodes would let all their pods pull"
        )
    caution = _caution(rights, cluster, machines)
    if registry.by_repository:
        return Plan((_reader(rights),), caution=caution, settles_in=_SETTLES_IN_BY_REPOSITORY)
    step = AssignRole(
        scope=str(registry.id),
        role=_definition(registry, ACR_PULL),
        role_name="AcrPull",
        principal=rights.puller.object_id,
        principal_words=rights.puller.words,
        otherwise=attaching(cluster, registry),
    )
    return Plan((step,), caution=caution, settles_in=_SETTLES_IN)


def _caution(rights: PullRights, cluster: AksCluster, machines: NodeMachines | None) -> str:
    doubts = list(rights.doubts)
    if machines is not None and cluster.kubelet and cluster.kubelet.resource not in machines.identities:
        doubts.append(f"{rights.puller.words} is not assigned to {machines.id.name} either")
    return f"the role alone may not be enough: {'; '.join(doubts)}" if doubts else ""


def _reader(rights: PullRights) -> AssignRole:
    """For all repositories, or for this one where somebody has given others one by one."""
    registry = rights.registry
    for one in rights.narrow:
        at_it = registry.id.key == one.assignment.scope.rstrip("/").lower()
        if at_it and one.assignment.role.lower().endswith(REPOSITORY_READER):
            raise Refused(
                f"{rights.puller.words} has {one.role.name} at {registry.id.name} already, with a condition "
                f"that leaves {rights.repository.path} out; nobody has a role twice, so who wrote that "
                "condition has to widen it"
            )
    return AssignRole(
        scope=str(registry.id),
        role=_definition(registry, REPOSITORY_READER),
        role_name="Container Registry Repository Reader",
        principal=rights.puller.object_id,
        principal_words=rights.puller.words,
        condition=only(rights.repository.path) if rights.narrow else "",
    )


def _definition(registry: Registry, role: str) -> str:
    where = f"/subscriptions/{registry.id.subscription}/providers/Microsoft.Authorization"
    return f"{where}/roleDefinitions/{role}"


def only(repository: str) -> str:
    """The condition that binds reading to one repository."""
    name = "@Request[Microsoft.ContainerRegistry/registries/repositories:name]"
    return (
        f"((!(ActionMatches{{'{CONTENT}'}}) AND !(ActionMatches{{'{METADATA}'}})) "
        f"OR ({name} StringEqualsIgnoreCase '{repository}'))"
    )


def attaching(cluster: AksCluster, registry: Registry) -> tuple[str, ...]:
    """The words of the command that people know for it."""
    name, group = cluster.id.name, cluster.id.group
    return ("az", "aks", "update", "-n", name, "-g", group, "--attach-acr", str(registry.id))
