"""A cluster of AKS and its registry that can be broken, diagnosed and mended, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.clouds.azure import Azure as Clients
from bot.demo import azure_world as world
from bot.demo.azure import Azure
from bot.demo.azure_api import AzureApi
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster
from checks.image.symptom import classify
from checks.kubernetes.facts import Kube
from checks.model import FailedPull, Finding, NotFound, causes
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedies.azure.steps import ArmWriter
from handlers.remedy import Standing, load_advice, load_remedies

IMAGE = "contoso.azurecr.io/shop/web:1.4"
_FAILED = (
    f'Failed to pull image "{IMAGE}": failed to pull and unpack image "{IMAGE}": failed to resolve reference '
    f'"{IMAGE}": failed to authorize: failed to fetch '
)
_TOKEN = (
    "https://contoso.azurecr.io/oauth2/token?scope=repository%3Ashop%2Fweb%3Apull&service=contoso.azurecr.io"
)
ANONYMOUS = f"{_FAILED}anonymous token: unexpected status from GET request to {_TOKEN}: 401 Unauthorized"
OAUTH = f"{_FAILED}oauth token: unexpected status: 401 Unauthorized"


class Nodes:
    """The port ``Kube`` on nodes of AKS. ``objects``: what else there is, by path."""

    def __init__(self, **provider_ids: str) -> None:
        self.provider_ids = provider_ids
        self.objects: dict[str, Mapping[str, Any]] = {}

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        if path in self.objects:
            return self.objects[path]
        if path.endswith("/pods"):
            return {"items": []}  # of a list the API never says that it is not there
        try:
            provider_id = self.provider_ids[path.rpartition("/")[2]]
        except KeyError:
            raise NotFound("NotFound") from None
        return {
            "metadata": {"labels": {"kubernetes.azure.com/agentpool": "np1"}},
            "spec": {"providerID": provider_id},
            "status": {"nodeInfo": {"architecture": "amd64", "operatingSystem": "linux"}},
        }


PULL = FailedPull(
    "prod", "shop", "Deployment/web", "web", ("web-0",), ("node",), "agentpool/np1",
    IMAGE, classify(ANONYMOUS).symptom, ANONYMOUS,
)  # fmt: skip


@dataclass
class Aks:
    """Also answers what was found and what is offered. Change ``azure.resources``, and look again."""

    azure: Azure
    api: AzureApi
    clients: Clients
    kube: Nodes = field(default_factory=lambda: Nodes(node=world.PROVIDER_ID))
    pull: FailedPull = PULL

    def says(self, message: str, image: str = "") -> None:
        said = classify(message)
        self.pull = replace(self.pull, message=message, symptom=said.symptom, image=image or self.pull.image)

    async def look(self) -> tuple[dict[str, Finding], dict[str, Offer]]:
        catalog, memo = Catalog.load(), Memo()
        roots: dict[Any, object] = {Kube: self.kube, Cluster: Cluster("prod", "aks"), **self.clients.roots}
        found = {one.check: one async for one in diagnose(catalog, [self.pull], roots, memo)}
        offers = await offers_for(
            [self.pull],
            found.values(),
            catalog=catalog,
            remedies=load_remedies(),
            roots=roots,
            memo=memo,
            advice=load_advice(),
        )
        return found, {one.remedy: one for one in offers}

    async def plans(self) -> dict[str, Offer]:
        _, offers = await self.look()
        return {name: one for name, one in offers.items() if one.plan is not None}

    async def carry_out(self, offer: Offer) -> None:
        assert offer.plan is not None
        hands: Any = self.clients.hands[ArmWriter]
        for step in offer.plan.steps:
            assert await step.look(hands) is Standing.BEFORE
            done = await step.write(hands)
            assert await done.look(hands) is Standing.AFTER

    async def undo(self, offer: Offer) -> None:
        assert offer.plan is not None
        hands: Any = self.clients.hands[ArmWriter]
        for step in reversed(offer.plan.steps):
            back: Any = step.inverse()
            assert await back.look(hands) is Standing.BEFORE
            done = await back.write(hands)
            assert await done.look(hands) is Standing.AFTER


def root_causes(findings: Mapping[str, Finding]) -> list[str]:
    return [one.check for one in causes(tuple(findings.values()))]
