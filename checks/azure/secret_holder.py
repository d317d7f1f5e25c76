"""Whatever stands behind the pull secret's user name at the registry, as far as it can be looked up."""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.rights import PullRights
from checks.azure.secret_login import PassingLogin
from checks.azure.secret_principal import SecretPrincipal, SecretRights
from checks.azure.secret_token import RegistryToken
from checks.graph import fact
from checks.model import NotApplicable


@dataclass(frozen=True, slots=True)
class SecretHolder:
    """The admin account is none: of its passwords nothing is known but when they were made.

    ``rights``: of a service principal that can log in.
    """

    who: SecretPrincipal | RegistryToken | PassingLogin
    rights: PullRights | None = None


@fact()
def application_at_fault(who: SecretPrincipal) -> SecretHolder:
    """What it might do, if it could, need not be read."""
    if not who.fault:
        raise NotApplicable("it can log in")
    return SecretHolder(who)


@fact()
def application_with_rights(who: SecretPrincipal, found: SecretRights) -> SecretHolder:
    return SecretHolder(who, found.rights)


@fact()
def passing_holder(who: PassingLogin) -> SecretHolder:
    return SecretHolder(who)


@fact()
def token_holder(who: RegistryToken) -> SecretHolder:
    return SecretHolder(who)
