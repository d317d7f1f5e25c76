"""Worlds of AKS and ACR, for what has to be so in every one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.clouds.azure import Azure as Clients
from bot.clouds.azure import Endpoints
from bot.demo import azure_world as public
from bot.demo.azure import Azure
from bot.demo.azure_api import AzureApi
from checks.azure.facts import Arm
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster
from checks.image.symptom import classify
from checks.kubernetes.facts import Kube
from checks.model import FailedPull, Finding
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedies.azure.steps import ArmWriter
from handlers.remedy import load_remedies
from tests.fakes import pull_secrets
from tests.fakes.aks import ANONYMOUS, IMAGE, OAUTH, PULL, Nodes
from tests.fakes.azure_door import ArmDoor, Failure, doors
from tests.fakes.pull_secrets import docker_config, entry

CATALOG = Catalog.load()
REMEDIES = load_remedies()

OTHER_SUBSCRIPTION = "9a4f0d52-3c67-4c3e-8b1c-3f8e1c5a7d20"
APPLICATION = "6f1d2c3b-4a5e-4f60-9b7a-8c9d0e1f2a3b"


@dataclass
class World:
    """What Azure holds, and what the pull says that fails there."""

    azure: Azure
    message: str = ANONYMOUS
    image: str = IMAGE
    provider_id: str = public.PROVIDER_ID
    cluster: Cluster = field(default_factory=lambda: Cluster("prod", "aks"))
    objects: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # in Kubernetes, by path

    @property
    def pull(self) -> FailedPull:
        said = classify(self.message)
        return replace(PULL, image=self.image, message=self.message, symptom=said.symptom)


Maker = Callable[[], World]


@dataclass(frozen=True)
class Seen:
    """What was found and offered, by name; and what Azure was asked for it."""

    findings: Mapping[str, Finding]
    offers: tuple[Offer, ...]
    asked: tuple[str, ...] = field(compare=False)

    @property
    def plans(self) -> set[str]:
        return {one.remedy for one in self.offers if one.plan is not None}

    @property
    def causes(self) -> set[str]:
        return {name for name, one in self.findings.items() if one.is_cause}


@dataclass
class Running:
    """A world whose Azure answers on loopback."""

    world: World
    clients: Clients

    async def look(self, failing: Mapping[str, Failure] | None = None) -> Seen:
        between = doors(self.clients.roots, failing)
        kube = Nodes(node=self.world.provider_id)
        kube.objects = self.world.objects
        roots: dict[Any, object] = {Kube: kube, Cluster: self.world.cluster, **between}
        pull, memo = self.world.pull, Memo()
        found = [one async for one in diagnose(CATALOG, [pull], roots, memo)]
        offers = await offers_for([pull], found, catalog=CATALOG, remedies=REMEDIES, roots=roots, memo=memo)
        return Seen({one.check: one for one in found}, tuple(offers), tuple(between[Arm].asked))

    @property
    def hands(self) -> ArmDoor:
        return ArmDoor(self.clients.hands[ArmWriter])


@asynccontextmanager
async def running(maker: Maker) -> AsyncIterator[Running]:
    """The environment has to say where tokens are: ``IDENTITY_ENDPOINT`` and its header."""
    world = maker()
    api = AzureApi(world.azure, page=2)
    url = await api.start()
    clients = Clients(Endpoints(url, url))
    try:
        yield Running(world, clients)
    finally:
        await clients.close()
        await api.stop()


# ---- who pulls, and may it


def healthy() -> World:
    return World(public.public_world())


def without_role() -> World:
    world = healthy()
    del world.azure.resources[public.PULL_ASSIGNMENT.lower()]
    return world


def by_repository() -> World:
    """Rights are given per repository, and the identity has the role that counted before."""
    world = healthy()
    registry = world.azure.get(public.ACR)
    registry["properties"]["roleAssignmentMode"] = "AbacRepositoryPermissions"
    return world


def service_principal() -> World:
    """A cluster that pulls as an application, which has no role."""
    world = without_role()
    world.message = OAUTH
    has = world.azure.get(public.AKS)["properties"]
    has["servicePrincipalProfile"] = {"clientId": APPLICATION}
    del has["identityProfile"]
    world.azure.entra["servicePrincipals", APPLICATION] = {
        "id": "3d0f4f7e-6c1b-4d2a-8e9f-0a1b2c3d4e5f",
        "appId": APPLICATION,
        "accountEnabled": True,
        "appOwnerOrganizationId": public.TENANT,
    }
    world.azure.entra["applications", APPLICATION] = {
        "id": "7c8d9e0f-1a2b-4c3d-8e4f-5a6b7c8d9e0f",
        "appId": APPLICATION,
        "passwordCredentials": [
            {"keyId": "1", "startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2099-01-01T00:00:00Z"}
        ],
        "keyCredentials": [],
    }
    return world


def elsewhere() -> World:
    """The registry is in a subscription of its own, and is found by asking for its name."""
    world = without_role()
    registry = world.azure.resources.pop(public.ACR.lower())
    there = public.ACR.replace(public.SUBSCRIPTION, OTHER_SUBSCRIPTION)
    world.azure.put({**registry, "id": there})
    where = {"id": f"/subscriptions/{OTHER_SUBSCRIPTION}", "subscriptionId": OTHER_SUBSCRIPTION}
    world.azure.put({**where, "tenantId": public.TENANT})
    return world


def another_tenant() -> World:
    """That subscription is of others, who let us look."""
    world = elsewhere()
    where = world.azure.get(f"/subscriptions/{OTHER_SUBSCRIPTION}")
    where["tenantId"] = "11111111-2222-4333-8444-555555555555"
    return world


# ---- who pulls by a secret of the pod's own


def _by_secret(user: str, world: World) -> World:
    written = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = docker_config(**{"contoso.azurecr.io": entry(user)})
    secret = pull_secrets.tree(text, name="acr-cred", written=written)
    world.objects = pull_secrets.objects(pull_secrets.pod("acr-cred", image=IMAGE), secret)
    world.message = OAUTH
    return world


def secret_of_application() -> World:
    """The pod logs in as an application, which has no role; nor have the nodes."""
    world = service_principal()
    cluster = public.public_world().get(public.AKS)
    world.azure.put(cluster)
    return _by_secret(APPLICATION, world)


def secret_of_token() -> World:
    """The pod logs in with a token of the registry that is for another repository."""
    world = without_role()
    map = f"{public.ACR}/scopeMaps/web"
    world.azure.put({"id": map, "properties": {"actions": ["repositories/shop/api/content/read"]}})
    properties = {
        "status": "enabled",
        "scopeMapId": map,
        "credentials": {"passwords": [{"name": "password1"}]},
    }
    world.azure.put({"id": f"{public.ACR}/tokens/ci", "properties": properties})
    return _by_secret("ci", world)


def secret_of_admin() -> World:
    """The pod logs in as the registry's admin, whose passwords were made anew since."""
    world = without_role()
    world.azure.get(public.ACR)["properties"]["adminUserEnabled"] = True
    world.azure.activity.append(regenerated(days_ago=2))
    return _by_secret(public.REGISTRY, world)


def regenerated(days_ago: int) -> dict[str, Any]:
    """An event of the activity log: somebody made a password of the admin anew."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return {
        "operationName": {"value": "Microsoft.ContainerRegistry/registries/regenerateCredential/action"},
        "status": {"value": "Succeeded"},
        "resourceId": public.ACR,
        "eventTimestamp": at.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "caller": "alice@contoso.example",
    }


SECRETS: tuple[Maker, ...] = (secret_of_application, secret_of_token, secret_of_admin)
RIGHTS: tuple[Maker, ...] = (
    healthy,
    without_role,
    by_repository,
    service_principal,
    elsewhere,
    another_tenant,
)
ALL: tuple[Maker, ...] = (
    *SECRETS,
    *RIGHTS,
)
