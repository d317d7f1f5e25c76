"""A service principal's secret is over: only a person may make a new one, and AKS replaces nodes for it."""

from __future__ import annotations

import shlex

from checks.azure.cluster import AksCluster
from checks.azure.service_principal import Application, ServicePrincipal
from checks.azure.service_principal_is_current import service_principal_is_current
from handlers.remedy import ByHand, by_hand

_CAUTION = (
    "AKS then upgrades the node image of every node, which restarts all pods; a new secret takes up to half "
    "an hour to be known everywhere, and there is no way back"
)


@by_hand("Give the cluster's service principal a new secret", cures=service_principal_is_current)
def reset_service_principal(
    cluster: AksCluster, principal: ServicePrincipal, application: Application
) -> ByHand:
    where = ("--resource-group", cluster.id.group, "--name", cluster.id.name)
    id = principal.application
    if not principal.object_id or not application.exists:
        words = (
            "Who may make applications in Entra ID makes a new service principal, gives it the roles of the "
            f"old one, and {cluster.id.name} is told of it; or the cluster moves to a managed identity"
        )
        made = ("az", "ad", "sp", "create-for-rbac", "--name", f"aks-{cluster.id.name}")
        return ByHand(words, (shlex.join(made), _told("APPLICATION_ID", where)), _CAUTION)
    if not principal.enabled:
        words = (
            f"Who answers for the service principal {id} says why it is disabled, and lets it sign in again"
        )
        allowed = ("az", "ad", "sp", "update", "--id", id, "--set", "accountEnabled=true")
        return ByHand(words, (shlex.join(allowed),))
    words = (
        f"An owner of the application {id} makes a new secret, and {cluster.id.name} is told of it; the old "
        "ones stay with --append"
    )
    reset = ["az", "ad", "app", "credential", "reset", "--id", id, "--append"]
    return ByHand(
        words, (shlex.join([*reset, "--query", "password", "--output", "tsv"]), _told(id, where)), _CAUTION
    )


def _told(application: str, where: tuple[str, ...]) -> str:
    words = ("az", "aks", "update-credentials", *where, "--reset-service-principal")
    return shlex.join((*words, "--service-principal", application, "--client-secret", "SECRET"))
