"""The simulated Azure of a private registry, read without HTTP: what a check says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.demo import azure_world as world
from bot.demo.azure import Azure, Tree
from checks.azure.facts import Arm, Graph
from checks.diagnose import judge
from checks.graph import Catalog, Check
from checks.host import Cluster, Host
from checks.image.symptom import classify
from checks.model import FailedPull, Finding, NotFound, Unavailable
from checks.resolve import Resolver
from tests.fakes.azure_private import private_world

CATALOG = Catalog.load()
NODE = Host("node", world.PROVIDER_ID, "amd64", "linux", (("kubernetes.azure.com/agentpool", "np1"),))
TIMEOUT = 'Head "https://contoso.azurecr.io/v2/": dial tcp 10.10.0.4:443: i/o timeout'
OUTSIDE = 'Head "https://contoso.azurecr.io/v2/": dial tcp 20.61.99.1:443: i/o timeout'
FORBIDDEN = "failed to authorize: failed to fetch anonymous token: unexpected status: 403 Forbidden"
SEEN = f"{FORBIDDEN}: client with IP '20.1.1.1' is not allowed access."
NO_NAME = "dial tcp: lookup contoso.azurecr.io: no such host"
BACK_OFF = "Back-off pulling image"


def private() -> Azure:
    return private_world(world.public_world())


class Shelf:
    """The port ``Arm``; ``denied``: ends of paths that may not be read."""

    def __init__(self, azure: Azure, *denied: str) -> None:
        self.azure = azure
        self.denied = denied
        self.asked: list[str] = []

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Tree:
        self.asked.append(path)
        if any(path.lower().endswith(one.lower()) for one in self.denied):
            raise Unavailable(f"Azure denies {path}")
        parts = path.rpartition("/providers/")[2].strip("/").split("/")
        if path == "/subscriptions" or ("/providers/" in path and len(parts) % 2 == 0):
            return {"value": self.azure.listed(path)}
        try:
            return self.azure.get(path)
        except KeyError:
            raise NotFound("ResourceNotFound") from None

    async def search(self, query: str) -> tuple[Tree, ...]:
        return ()


def resolver(azure: Azure, message: str = "", *denied: str, node: Host = NODE) -> Resolver:
    pull = FailedPull(
        "prod", "shop", "Deployment/web", "web", ("web-0",), ("node",), "agentpool/np1",
        "contoso.azurecr.io/shop/web:1.4", classify(message).symptom, message,
    )  # fmt: skip
    roots: dict[Any, object] = {
        Arm: Shelf(azure, *denied),
        Graph: Shelf(azure),
        Host: node,
        Cluster: Cluster("prod", "aks"),
        FailedPull: pull,
    }
    return Resolver(CATALOG, roots, {})


async def found(check: Check, azure: Azure, message: str = "", *denied: str) -> Finding | None:
    """What the check says of this world and this message; ``None``: nothing."""
    asked = resolver(azure, message, *denied)
    return await judge(check, await asked.get(FailedPull), asked)


async def sure(check: Check, azure: Azure, message: str = "", *denied: str) -> Finding:
    finding = await found(check, azure, message, *denied)
    assert finding is not None
    return finding
