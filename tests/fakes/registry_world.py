"""One failed pull from a registry on loopback, looked at with everything that asks registries."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.clouds._registry import RegistryClient
from bot.clouds._registry_addresses import Resolve
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.image.symptom import classify
from checks.model import FailedPull, Finding
from checks.registry.credentials import SecretLogin, SecretLogins
from checks.registry.facts import Registry
from checks.resolve import Memo
from checks.secret import Secret
from tests.fakes.authority import authority
from tests.fakes.oci_registry import PASSWORD, USER, OciRegistry, serve

NAME = "registry.example.com"
REPOSITORY = "shop/web"
_CATALOG = Catalog.load()
NODE = Host("node-1", "", "amd64", "linux", ())


def login(password: str = PASSWORD, user: str = USER, name: str = "regcred") -> SecretLogin:
    return SecretLogin("shop", name, NAME, user, "", password=Secret(password))


def failed_pull(image: str, message: str) -> FailedPull:
    return FailedPull(
        cluster="prod",
        namespace="shop",
        workload="Deployment/web",
        container="web",
        pods=("web-1",),
        nodes=("node-1",),
        host_kind="node",
        image=image,
        symptom=classify(message).symptom,
        message=message,
    )


@dataclass
class RegistryWorld:
    """``names`` are what names resolve to; what is not there does not. Of ``roots`` facts are given."""

    registry: OciRegistry
    client: RegistryClient
    resolve: Resolve
    names: dict[str, tuple[str, ...]]
    roots: dict[Any, object] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return self.registry.authority

    def image(self, tag: str = "1.2", repository: str = REPOSITORY) -> str:
        return f"{self.host}/{repository}:{tag}"

    def log_in(self, *logins: SecretLogin) -> None:
        self.roots[SecretLogins] = SecretLogins(logins or (login(),))

    async def look(self, message: str, image: str = "") -> Mapping[str, Finding]:
        """Findings by check, of those that ask registries."""
        return {one.check: one for one in await self.look_at(message, image or self.image())}

    async def look_at(self, message: str, *images: str) -> list[Finding]:
        """The same of several pulls at once."""
        pulls = [failed_pull(image, message) for image in images]
        roots = {Cluster: Cluster("prod"), Host: NODE, Registry: self.client, **self.roots}
        memo: Memo = {}
        found = [one async for one in diagnose(_CATALOG, pulls, roots, memo)]
        return [one for one in found if one.check.startswith("registry/")]


@asynccontextmanager
async def registry_world(
    *, tls: bool = True, certificate: ssl.SSLContext | None = None, seconds: float = 5.0, **how: Any
) -> AsyncIterator[RegistryWorld]:
    names: dict[str, tuple[str, ...]] = {NAME: ("127.0.0.1",)}

    async def resolve(host: str) -> tuple[str, ...]:
        if host not in names:
            raise OSError("Name or service not known")
        return names[host]

    context = (certificate or authority().server(NAME)) if tls else None
    async with serve(context, name=NAME, **how) as registry:
        client = RegistryClient(
            (registry.authority,), names=resolve, trust=authority().trust, seconds=seconds
        )
        try:
            yield RegistryWorld(registry, client, resolve, names)
        finally:
            await client.close()
