"""Pulls that fail on AKS, from the message to the fix and back, over HTTP with azure-identity's own chain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.clouds.azure import Azure as Clients
from bot.clouds.azure import Endpoints
from bot.demo import azure_world as world
from bot.demo.azure_api import Azure, AzureApi
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster
from checks.image.symptom import classify
from checks.kubernetes.facts import Kube
from checks.model import FailedPull, Finding, NotFound, Status, causes
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedies.azure.steps import ArmWriter
from handlers.remedy import Standing, load_remedies

ANONYMOUS = (
    'Failed to pull image "contoso.azurecr.io/shop/web:1.4": failed to pull and unpack image '
    '"contoso.azurecr.io/shop/web:1.4": failed to resolve reference "contoso.azurecr.io/shop/web:1.4": failed to '
    "authorize: failed to fetch anonymous token: unexpected status from GET request to "
    "https://contoso.azurecr.io/oauth2/token?scope=repository%3Ashop%2Fweb%3Apull&service=contoso.azurecr.io: "
    "401 Unauthorized"
)


class Nodes:
    """The port ``Kube`` on nodes of AKS."""

    def __init__(self, **provider_ids: str) -> None:
        self.provider_ids = provider_ids

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        try:
            provider_id = self.provider_ids[path.rpartition("/")[2]]
        except KeyError:
            raise NotFound("NotFound") from None
        return {
            "metadata": {"labels": {"kubernetes.azure.com/agentpool": "np1"}},
            "spec": {"providerID": provider_id},
            "status": {"nodeInfo": {"architecture": "amd64", "operatingSystem": "linux"}},
        }


@dataclass
class Aks:
    azure: Azure
    api: AzureApi
    clients: Clients
    kube: Nodes = field(default_factory=lambda: Nodes(node=world.PROVIDER_ID))
    pull: FailedPull = FailedPull(
        "prod", "shop", "Deployment/web", "web", ("web-0",), ("node",), "agentpool/np1",
        "contoso.azurecr.io/shop/web:1.4", classify(ANONYMOUS).symptom, ANONYMOUS,
    )  # fmt: skip

    def says(self, message: str, image: str = "") -> None:
        said = classify(message)
        self.pull = replace(self.pull, message=message, symptom=said.symptom, image=image or self.pull.image)

    async def look(self) -> tuple[dict[str, Finding], dict[str, Offer]]:
        catalog, memo = Catalog.load(), Memo()
        roots: dict[Any, object] = {Kube: self.kube, Cluster: Cluster("prod", "aks"), **self.clients.roots}
        found = {one.check: one async for one in diagnose(catalog, [self.pull], roots, memo)}
        offers = await offers_for(
            [self.pull], found.values(), catalog=catalog, remedies=load_remedies(), roots=roots, memo=memo
        )
        return found, {one.remedy: one for one in offers}

    async def carry_out(self, offer: Offer) -> None:
        """And back, and forth again: what is done can be undone."""
        assert offer.plan is not None
        hands: Any = self.clients.hands[ArmWriter]
        for step in offer.plan.steps:
            assert await step.look(hands) is Standing.BEFORE
            done = await step.write(hands)
            assert await done.look(hands) is Standing.AFTER


@pytest.fixture
async def aks(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Aks]:
    api = AzureApi(world.public_world(), secret="only-here", page=2)
    url = await api.start()
    for name, value in api.environment().items():
        monkeypatch.setenv(name, value)
    clients = Clients(Endpoints(url, url))
    yield Aks(api.azure, api, clients)
    await clients.close()
    await api.stop()


def root_causes(findings: Mapping[str, Finding]) -> list[str]:
    return [one.check for one in causes(tuple(findings.values()))]


async def test_a_healthy_cluster_may_pull(aks: Aks) -> None:
    found, offers = await aks.look()
    assert found["azure/identity_can_pull"].verdict.status is Status.PASS
    assert not [name for name, one in offers.items() if one.plan is not None]


async def test_without_the_role_the_registry_is_attached_and_detached_again(aks: Aks) -> None:
    before = dict(aks.azure.resources)
    del aks.azure.resources[world.PULL_ASSIGNMENT.lower()]
    found, offers = await aks.look()
    assert root_causes(found) == ["azure/identity_can_pull"]
    assert [name for name, one in offers.items() if one.plan is not None] == ["azure/attach_acr"]
    offer = offers["azure/attach_acr"]
    await aks.carry_out(offer)
    found, _ = await aks.look()
    assert found["azure/identity_can_pull"].verdict.status is Status.PASS
    assert offer.plan is not None
    [step] = offer.plan.steps
    back = step.inverse()
    assert back is not None
    await back.write(aks.clients.hands[ArmWriter])
    assert aks.azure.resources.keys() == before.keys() - {world.PULL_ASSIGNMENT.lower()}
