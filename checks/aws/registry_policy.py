"""The policy of a whole registry: one for an account and a region, besides those of its repositories.

Since its scope can be "V2" it rules every request; under "V1" it rules only replication and what a
pull-through cache does (docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html).
The two calls know no registry but the caller's own, so the answer's account is looked at.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from checks.aws.facts import Aws, EcrAddress, Grant
from checks.graph import fact
from checks.model import NotFound, Unavailable

GRANTS = (Grant(("ecr:GetAccountSetting", "ecr:GetRegistryPolicy")),)

_ACCOUNT = re.compile(r"\b\d{12}\b")


@dataclass(frozen=True, slots=True)
class RegistryId:
    """Where all repositories of an account in a region are."""

    account: str
    region: str


@fact()
def registry_id(address: EcrAddress) -> RegistryId:
    return RegistryId(address.account, address.region)


@dataclass(frozen=True, slots=True)
class RegistryPolicy:
    """``text`` is the JSON as ECR returned it; ``None``: the registry has no policy.

    ``scope`` is V1 or V2, or "" where it could not be read. ``unread`` and ``scope_unread`` say why a
    read failed, which says nothing about the policy.
    """

    registry: RegistryId
    text: str | None
    scope: str = ""
    unread: str = ""
    scope_unread: str = ""

    @property
    def on_pulls(self) -> str | None:
        """The text, if it is known to rule pulls; ``None``: it is not."""
        return self.text if self.scope == "V2" else None


@fact()
async def registry_policy(registry: RegistryId, aws: Aws) -> RegistryPolicy:
    (text, unread), (scope, scope_unread) = await asyncio.gather(
        _policy(registry, aws), _scope(registry, aws)
    )
    return RegistryPolicy(registry, text, scope, unread, scope_unread)


async def _policy(registry: RegistryId, aws: Aws) -> tuple[str | None, str]:
    try:
        answer = await aws("ecr", "get_registry_policy", region=registry.region, account=registry.account)
        account, text = answer.get("registryId", registry.account), answer["policyText"]
    except NotFound as why:
        # "Registry policy does not exist in the registry with id '123456789012'"
        named = _ACCOUNT.search(str(why))
        account, text = named[0] if named else registry.account, None
    except Unavailable as why:
        return None, str(why)
    if account != registry.account:
        return None, f"only a role in account {registry.account} can read its registry's policy"
    return text, ""


async def _scope(registry: RegistryId, aws: Aws) -> tuple[str, str]:
    where = {"region": registry.region, "account": registry.account}
    try:
        answer = await aws("ecr", "get_account_setting", **where, name="REGISTRY_POLICY_SCOPE")
    except (NotFound, Unavailable) as why:
        return "", str(why)
    return answer.get("value", ""), ""
