"""What a role may do to a whole registry, such as make a repository in it.

The registry's policy grants as a repository's does, and for filling a cache whatever its scope. So it takes
the place of the repository's policy, which is none as long as there is no repository.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.aws.ecr import RepositoryPolicy
from checks.aws.facts import EcrAddress
from checks.aws.identity import RolePolicies
from checks.aws.puller import Puller
from checks.aws.registry_policy import RegistryPolicy
from checks.aws.rights import PullRights
from checks.aws.rulings import Ruling
from checks.graph import fact


@dataclass(frozen=True, slots=True)
class RegistryRights:
    """``rights`` has the registry's policy for that of the repository."""

    rights: PullRights

    def to(self, action: str) -> Ruling:
        return self.rights.overall(action)


@fact()
def registry_rights(
    puller: Puller, role: RolePolicies, address: EcrAddress, policy: RegistryPolicy | None
) -> RegistryRights:
    text, unread = (None, "it took too long") if policy is None else (policy.text, policy.unread)
    if unread:
        unread = f"what the registry's policy grants is not known: {unread}"
    return RegistryRights(PullRights(puller, role, RepositoryPolicy(address, text, unread)))
