"""Give the identity that pulls the role to do so, on this registry alone.

It is what `az aks update --attach-acr` does, without that command's second half, which puts the whole cluster
anew. On a registry with rights per repository AcrPull is not honoured: there it is Repository Reader.
"""

from __future__ import annotations

from datetime import timedelta

from checks.azure.cluster import AksCluster
from checks.azure.identity_can_pull import identity_can_pull
from checks.azure.registry import Registry
from checks.azure.rights import PullRights
from checks.azure.roles import ACR_PULL, REPOSITORY_READER
from checks.model import NotApplicable, Status
from handlers.remedies.azure.steps import AssignRole
from handlers.remedy import Plan, Refused, Risk, remedy

# The credential provider keeps a token for an hour, but a refusal for no time at all; roles take ten minutes.
_SETTLES_IN = timedelta(minutes=15)


@remedy("Attach the registry to the cluster", cures=identity_can_pull, risk=Risk.LOW)
def attach_acr(rights: PullRights, cluster: AksCluster) -> Plan:
    if identity_can_pull(rights).status is not Status.FAIL:
        raise NotApplicable("it may pull")
    if rights.denials:
        raise Refused(f"the deny assignment {rights.denials[0].name} forbids it, and it wins over every role")
    by_repository = rights.registry.by_repository
    name = "Container Registry Repository Reader" if by_repository else "AcrPull"
    role = REPOSITORY_READER if by_repository else ACR_PULL
    subscription = rights.registry.id.subscription
    step = AssignRole(
        scope=str(rights.registry.id),
        role=f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        role_name=name,
        principal=rights.puller.object_id,
        principal_words=rights.puller.words,
        otherwise=() if by_repository else attaching(cluster, rights.registry),
    )
    return Plan((step,), settles_in=_SETTLES_IN)


def attaching(cluster: AksCluster, registry: Registry) -> tuple[str, ...]:
    """The words of the command that people know for it."""
    name, group = cluster.id.name, cluster.id.group
    return ("az", "aks", "update", "-n", name, "-g", group, "--attach-acr", str(registry.id))
