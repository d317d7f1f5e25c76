"""Whose name a pull secret has for an Azure container registry. It tells what the password is.

An application's id: the password is one of the application's. The registry's own name: the admin account. The
id of nobody: a token from ``az acr login --expose-token``, good for three hours. Any other: a token that was
made in the registry (learn.microsoft.com/azure/container-registry/container-registry-authentication).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from checks.azure.facts import LoginServer
from checks.azure.registry import Registry
from checks.graph import fact
from checks.model import NotApplicable
from checks.registry.credentials import SecretLogin, SecretLogins

_APPLICATION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NOBODY = "00000000-0000-0000-0000-000000000000"
_LIVES = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class ApplicationLogin:
    login: SecretLogin
    application: str


@dataclass(frozen=True, slots=True)
class AdminLogin:
    login: SecretLogin


@dataclass(frozen=True, slots=True)
class TokenLogin:
    login: SecretLogin
    token: str


@dataclass(frozen=True, slots=True)
class PassingLogin:
    """``ends``: ``None`` where neither the token nor the Secret says when."""

    login: SecretLogin
    ends: datetime | None
    over: bool


@fact()
def application_login(server: LoginServer, logins: SecretLogins) -> ApplicationLogin:
    first = logins.all[0]
    if not _APPLICATION.fullmatch(first.username) or first.username == _NOBODY:
        raise NotApplicable(f"the user of {first.where} is no application of Entra ID")
    return ApplicationLogin(first, first.username)


@fact()
def passing_login(server: LoginServer, logins: SecretLogins) -> PassingLogin:
    first = logins.all[0]
    if first.username != _NOBODY:
        raise NotApplicable(f"the user of {first.where} has a name")
    ends = moment(first.expires)
    if ends is None and (written := moment(first.written)) is not None:
        ends = written + _LIVES
    return PassingLogin(first, ends, over=ends is not None and ends <= datetime.now(UTC))


@fact()
def admin_login(logins: SecretLogins, registry: Registry) -> AdminLogin:
    first = logins.all[0]
    if first.username.lower() != registry.id.name.lower():
        raise NotApplicable(f"the user of {first.where} is not the admin of {registry.host}")
    return AdminLogin(first)


@fact()
def token_login(logins: SecretLogins, registry: Registry) -> TokenLogin:
    first = logins.all[0]
    others = _APPLICATION.fullmatch(first.username) or first.username.lower() == registry.id.name.lower()
    if others or not re.fullmatch(r"[A-Za-z0-9-]{1,50}", first.username):
        raise NotApplicable(f"the user of {first.where} is no token of {registry.host}")
    return TokenLogin(first, first.username)


def moment(text: str) -> datetime | None:
    """A time as Azure and Kubernetes write it; ``None`` for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
