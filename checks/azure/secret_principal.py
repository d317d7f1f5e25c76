"""The application whose id and password are in a pull secret: is it there, and what may it do?

The application holds the passwords, its service principal the roles. Which password is in the Secret nobody
can see, but when the Secret was last written: what was made later is not in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from checks.azure.facts import Arm, Graph, rows, word
from checks.azure.puller import Puller
from checks.azure.registry import Registry
from checks.azure.rights import PullRights, pull_rights
from checks.azure.roles import Denials, assignments, roles
from checks.azure.secret_login import ApplicationLogin, moment
from checks.graph import fact
from checks.image.reference import Repository
from checks.model import NotApplicable, NotFound
from checks.registry.credentials import SecretLogin

READS = (
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleDefinitions/read",
)
GRAPH = ("Application.Read.All",)


@dataclass(frozen=True, slots=True)
class Password:
    """``None``: Entra ID does not say."""

    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SecretPrincipal:
    """``object_id``: of the service principal, "" where this tenant has none; ``enabled``: it may sign in.

    ``ours``: the application is registered in this tenant, and so its passwords are known.
    """

    login: SecretLogin
    application: str
    object_id: str
    name: str
    enabled: bool
    ours: bool
    passwords: tuple[Password, ...]
    asked: datetime

    @property
    def words(self) -> str:
        return f"the service principal {self.name or self.application}"

    @property
    def live(self) -> tuple[Password, ...]:
        return tuple(one for one in self.passwords if one.until is None or one.until > self.asked)

    @property
    def may_be_in_secret(self) -> tuple[Password, ...]:
        """Those that hold, and that were there when the Secret was last written, as far as is known."""
        written = moment(self.login.written)
        return tuple(one for one in self.live if written is None or one.since is None or one.since <= written)

    @property
    def fault(self) -> str:
        """Why nobody can log in so, as what follows "logs in as"; "" if perhaps somebody can."""
        if not self.object_id:
            why = "which has no service principal" if self.ours else "which Entra ID does not know"
            return f"the application {self.application}, {why}"
        if not self.enabled:
            return f"{self.words}, which may not sign in (it is disabled)"
        return f"{self.words}, {why}" if (why := self._no_password) else ""

    @property
    def _no_password(self) -> str:
        """Of an application of another tenant none are known."""
        if not self.passwords:
            return "which has no password" if self.ours else ""
        if not self.live:
            last = max((one.until for one in self.passwords if one.until is not None), default=None)
            return "whose passwords are all over" + (f", the last since {last:%Y-%m-%d}" if last else "")
        if not self.may_be_in_secret:
            return "whose valid passwords were all made after the secret was last written"
        return ""


@fact()
async def secret_principal(wanted: ApplicationLogin, graph: Graph) -> SecretPrincipal:
    id = wanted.application
    select = "passwordCredentials"
    principal, application = await asyncio.gather(
        _get(f"/servicePrincipals(appId='{id}')", f"id,displayName,accountEnabled,{select}", graph),
        _get(f"/applications(appId='{id}')", f"id,displayName,{select}", graph),
    )
    both = (*_passwords(application or {}), *_passwords(principal or {}))
    return SecretPrincipal(
        login=wanted.login,
        application=id,
        object_id=word(principal or {}, "id"),
        name=word(principal or application or {}, "displayName"),
        enabled=(principal or {}).get("accountEnabled") is not False,
        ours=application is not None,
        passwords=tuple(dict.fromkeys(both)),
        asked=datetime.now(UTC),
    )


@dataclass(frozen=True, slots=True)
class SecretRights:
    """What the service principal of the pull secret may do on the registry."""

    rights: PullRights


@fact()
async def secret_rights(
    principal: SecretPrincipal, registry: Registry, repository: Repository, denials: Denials, arm: Arm
) -> SecretRights:
    if principal.fault:
        raise NotApplicable("nobody logs in who could have a role")
    who = Puller(principal.object_id, principal.words, managed=False)
    held = await roles(await assignments(registry, who, arm), arm)
    return SecretRights(pull_rights(registry, repository, who, held, denials))


async def _get(path: str, select: str, graph: Graph) -> Mapping[str, Any] | None:
    try:
        return await graph.get(path, {"$select": select})
    except NotFound:
        return None


def _passwords(tree: Mapping[str, Any]) -> tuple[Password, ...]:
    return tuple(
        Password(moment(word(one, "startDateTime")), moment(word(one, "endDateTime")))
        for one in rows(tree, "passwordCredentials")
    )
