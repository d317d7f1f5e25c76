"""A managed identity is of one tenant. Over its border a pull needs a service principal, as a pull secret."""

from __future__ import annotations

import shlex

from checks.azure.identity_can_pull import identity_can_pull
from checks.azure.rights import PullRights
from checks.azure.strangers import Tenants
from checks.model import FailedPull, NotApplicable
from handlers.remedy import ByHand, by_hand


@by_hand("Pull from the other tenant with a secret", cures=identity_can_pull)
def pull_across_tenants(rights: PullRights, tenants: Tenants, pull: FailedPull) -> ByHand:
    if not tenants.differ or not rights.puller.managed:
        raise NotApplicable("it is all one tenant")
    words = ["kubectl", "create", "secret", "docker-registry", "acr-pull", "--namespace", pull.namespace]
    words += ["--docker-server", rights.registry.host, "--docker-username", "APPLICATION_ID"]
    words += ["--docker-password", "SECRET"]
    return ByHand(
        f"Who answers for {rights.registry.host} makes a service principal that may pull in its tenant, "
        f"{tenants.registry}; {pull.workload} then names a pull secret that is made of it",
        (shlex.join(words),),
        "the secret ends some day, and has to be renewed before",
    )
