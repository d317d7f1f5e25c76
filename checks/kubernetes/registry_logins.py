"""Where a login for a pull secret may be had anew, as far as the operator has said. Never a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from checks.graph import fact
from checks.image.reference import Repository
from checks.kubernetes.pull_secrets import PullSecrets
from checks.kubernetes.pull_secrets_match import covers
from checks.model import NotApplicable


@dataclass(frozen=True, slots=True)
class LoginSource:
    """A login for ``host`` that may be written into the Secret ``namespace``/``name``. ``words`` say where it
    is.

    ``print`` is another for every other login, and of no use to who would like to guess it. ``unread``: why
    there is no login to be had there now, or "".
    """

    namespace: str
    name: str
    host: str
    words: str
    username: str = ""
    print: str = ""
    unread: str = ""


class RegistryLogins(Protocol):
    """What the operator has configured, without passwords."""

    async def sources(self, namespace: str, name: str) -> tuple[LoginSource, ...]: ...


@dataclass(frozen=True, slots=True)
class LoginSources:
    """Those for the image's registry and a Secret that the pod names, in the pod's order."""

    all: tuple[LoginSource, ...]


@fact()
async def login_sources(secrets: PullSecrets, repository: Repository, logins: RegistryLogins) -> LoginSources:
    found = [one for name in secrets.pod.names for one in await logins.sources(secrets.pod.namespace, name)]
    mine = tuple(one for one in found if covers(one.host, repository))
    if not mine:
        raise NotApplicable(f"no source of a login for {repository.host} is configured")
    return LoginSources(mine)
