"""A token of the registry whose name is in a pull secret: is it on, do its passwords hold, for this
repository?

learn.microsoft.com/azure/container-registry/container-registry-token-based-repository-permissions
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from checks.azure.facts import Arm, rows, word, words
from checks.azure.registry import Registry
from checks.azure.secret_login import TokenLogin, moment
from checks.graph import fact
from checks.image.reference import Repository
from checks.model import NotFound, Unavailable
from checks.registry.credentials import SecretLogin

READS = (
    "Microsoft.ContainerRegistry/registries/scopeMaps/read",
    "Microsoft.ContainerRegistry/registries/tokens/read",
)


@dataclass(frozen=True, slots=True)
class RegistryToken:
    """``live``: passwords that hold and may be in the Secret. ``opens``: it may read the repository;
    ``None``: that could not be read.
    """

    login: SecretLogin
    name: str
    exists: bool
    enabled: bool = False
    passwords: int = 0
    live: int = 0
    opens: bool = False
    unread: str = ""


@fact()
async def registry_token(
    wanted: TokenLogin, registry: Registry, repository: Repository, arm: Arm
) -> RegistryToken:
    try:
        tree = await arm.get(f"{registry.id}/tokens/{wanted.token}")
    except NotFound:
        return RegistryToken(wanted.login, wanted.token, exists=False)
    passwords = rows(tree, "properties", "credentials", "passwords")
    now, written = datetime.now(UTC), moment(wanted.login.written)
    live = 0
    for one in passwords:
        made, ends = moment(word(one, "creationTime")), moment(word(one, "expiry"))
        later = written is not None and made is not None and made > written
        live += (ends is None or ends > now) and not later
    opens, unread = await _opens(word(tree, "properties", "scopeMapId"), repository, arm)
    return RegistryToken(
        login=wanted.login,
        name=wanted.token,
        exists=True,
        enabled=word(tree, "properties", "status") != "disabled",
        passwords=len(passwords),
        live=live,
        opens=opens,
        unread=unread,
    )


async def _opens(scope_map: str, repository: Repository, arm: Arm) -> tuple[bool, str]:
    try:
        tree = await arm.get(scope_map)
    except NotFound:
        return False, f"what the token may read, {scope_map}, is gone or not shown to us"
    except Unavailable as why:
        return False, str(why)
    return any(_is_for(action, repository.path) for action in words(tree, "properties", "actions")), ""


def _is_for(action: str, path: str) -> bool:
    """``repositories/shop/web/content/read``; ``shop/*`` and ``*`` stand for all that begin so."""
    name = action.removeprefix("repositories/").removesuffix("/content/read")
    if not action.endswith("/content/read"):
        return False
    return name == path or (name.endswith("*") and path.startswith(name[:-1]))
