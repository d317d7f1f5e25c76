"""One real message, read, and looked into with everything that asks registries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.clouds._registry import RegistryClient
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.image.reference import parse
from checks.model import Finding, Status, Symptom
from checks.registry.credentials import SecretLogin, SecretLogins
from checks.registry.facts import Registry
from checks.resolve import Memo
from tests.fakes.authority import authority
from tests.fakes.registry_world import NAME, NODE, failed_pull

_CATALOG = Catalog.load()
# Where the names of the node's hosts file lead, for pullbot, too.
_NAMES: Mapping[str, tuple[str, ...]] = {
    NAME: ("127.0.0.1",),
    "mirror.example.com": ("127.0.0.1",),
}


@dataclass(frozen=True, repr=False)
class Seen:
    """``failing``: the checks that fail. The message and all findings are for whoever reads a failure."""

    symptom: Symptom
    failing: set[str]
    message: str = field(default="", compare=False)
    findings: tuple[Finding, ...] = field(default=(), compare=False)

    def __repr__(self) -> str:
        told = [f"{one.check}: {one.verdict.status.value}: {one.verdict.summary}" for one in self.findings]
        return "\n  ".join((f"{self.symptom.name} {sorted(self.failing)}", self.message, *told))


async def look(image: str, message: str, *logins: SecretLogin) -> Seen:
    host = parse(image).repository.host
    client = RegistryClient((host,), names=_resolve, trust=authority().trust, seconds=5)
    roots: dict[Any, object] = {Cluster: Cluster("prod"), Host: NODE, Registry: client}
    if logins:
        roots[SecretLogins] = SecretLogins(logins)
    pull, memo = failed_pull(image, message), Memo()
    try:
        found = tuple([one async for one in diagnose(_CATALOG, [pull], roots, memo)])
    finally:
        await client.close()
    failing = {one.check for one in found if one.verdict.status is Status.FAIL}
    return Seen(pull.symptom, failing, message, found)


async def _resolve(host: str) -> tuple[str, ...]:
    if host not in _NAMES:
        raise OSError("Name or service not known")
    return _NAMES[host]
