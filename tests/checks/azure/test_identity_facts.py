"""How the cluster, its machines, its identity and the registry are read, and what is said where not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.demo import azure_world as world
from checks.azure.cluster import (
    AksCluster,
    AksId,
    Machine,
    aks_as_configured,
    aks_cluster,
    aks_of_machine,
    machine,
)
from checks.azure.facts import LoginServer, ResourceId
from checks.azure.firewalls import Appliances, firewalls
from checks.azure.kubelet_identity import identity_resource
from checks.azure.machines import node_machines
from checks.azure.networks import NodePlace, Peerings
from checks.azure.puller import managed_puller, principal_puller, unnamed_puller
from checks.azure.registry import registry
from checks.azure.roles import Assignments, Denials, assignments, denials, roles
from checks.azure.service_principal import ServicePrincipal, application, service_principal
from checks.host import Cluster, Host
from checks.model import NotApplicable, NotFound, Unavailable
from tests.checks.azure.identities import ACR, CLUSTER, ME, PULLER
from tests.checks.azure.identities import registry as acr

SERVER = LoginServer("contoso.azurecr.io", "contoso", "azurecr.io")
NODE = Machine(world.SUBSCRIPTION, world.NODE_GROUP, world.SCALE_SET, "0")
SUBSCRIPTION = f"/subscriptions/{world.SUBSCRIPTION}"
CLUSTERS = f"{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters"
REGISTRIES = f"{SUBSCRIPTION}/providers/Microsoft.ContainerRegistry/registries"
DENIED = Unavailable("Azure denies it")
UNNAMED = Cluster("prod")


class Answers:
    """The ports ``Arm`` and ``Graph`` with answers by path; what is an exception is raised."""

    def __init__(self, answers: Mapping[str, Any], found: tuple[str, ...] = ()) -> None:
        self.answers = {path.lower(): answer for path, answer in answers.items()}
        self.found = found

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        answer = self.answers.get(path.lower(), NotFound("ResourceNotFound"))
        if isinstance(answer, Exception):
            raise answer
        found: Mapping[str, Any] = answer
        return found

    async def search(self, query: str) -> tuple[Mapping[str, Any], ...]:
        return tuple({"id": id} for id in self.found)


def host(provider_id: str) -> Host:
    return Host("node", provider_id, "amd64", "linux", ())


async def cluster_of(**properties: Any) -> AksCluster:
    tree = {"id": world.AKS, "properties": properties}
    found: AksCluster = await aks_cluster(AksId(ResourceId(world.AKS)), Answers({world.AKS: tree}))
    return found


def test_a_machine_is_read_from_the_id_of_its_provider() -> None:
    assert machine(host(world.PROVIDER_ID)) == NODE
    alone = f"azure://{world.NODE_HOME}/providers/Microsoft.Compute/virtualMachines/aks-1"
    assert machine(host(alone)).id == ResourceId(alone.removeprefix("azure://"))
    for other in ("", "aws:///eu-west-1a/i-1", "azure:///subscriptions/s"):
        with pytest.raises(NotApplicable):
            machine(host(other))


async def test_the_group_of_the_nodes_tells_the_cluster() -> None:
    groups = Answers({world.NODE_HOME: {"managedBy": world.AKS}})
    assert (await aks_of_machine(NODE, groups)).id == ResourceId(world.AKS)


def test_a_cluster_that_is_configured_needs_no_node_but_none_that_is_elsewhere() -> None:
    configured = Cluster("prod", cloud_id="/x")
    for known in (None, host(world.PROVIDER_ID)):
        assert aks_as_configured(configured, known).id == ResourceId("/x")
    with pytest.raises(NotApplicable):
        aks_as_configured(configured, host("virtual-kubelet://aci"))
    with pytest.raises(NotApplicable):
        aks_as_configured(Cluster("prod"), host(world.PROVIDER_ID))


async def test_where_the_group_is_silent_the_clusters_of_the_subscription_are_looked_through() -> None:
    listed = {"value": [{"id": world.AKS, "properties": {"nodeResourceGroup": world.NODE_GROUP.upper()}}]}
    answers = Answers({world.NODE_HOME: {"id": world.NODE_HOME}, CLUSTERS: listed})
    assert (await aks_of_machine(NODE, answers)).id == ResourceId(world.AKS)
    with pytest.raises(NotApplicable):
        await aks_of_machine(NODE, Answers({world.NODE_HOME: {}, CLUSTERS: {"value": []}}))
    with pytest.raises(Unavailable, match="denies"):
        await aks_of_machine(NODE, Answers({world.NODE_HOME: DENIED}))
    with pytest.raises(Unavailable, match="is not in subscription"):
        await aks_of_machine(NODE, Answers({}))


async def test_a_cluster_names_an_identity_or_a_principal_or_neither() -> None:
    kubelet = {"kubeletidentity": {"objectId": "o", "clientId": "c", "resourceId": world.IDENTITY}}
    managed = await cluster_of(identityProfile=kubelet, servicePrincipalProfile={"clientId": "msi"})
    assert managed_puller(managed).words == "the kubelet identity prod-agentpool"
    of_old = await cluster_of(servicePrincipalProfile={"clientId": "app"})
    with pytest.raises(NotApplicable):
        managed_puller(of_old)
    assert of_old.service_principal == "app"
    neither = await cluster_of(identityProfile=None, servicePrincipalProfile={"clientId": "msi"})
    with pytest.raises(NotApplicable):
        await service_principal(neither, Answers({}))
    with pytest.raises(Unavailable, match="does not say which identity"):
        unnamed_puller(neither)
    with pytest.raises(Unavailable, match="deleted, or not shown"):
        await aks_cluster(AksId(ResourceId(world.AKS)), Answers({}))


async def test_a_principal_is_called_by_its_name_and_one_that_is_gone_pulls_nothing() -> None:
    path = "/servicePrincipals(appId='app')"
    found = await service_principal(CLUSTER, Answers({path: {"id": "o", "displayName": "aks-prod"}}))
    assert principal_puller(found).words == "the service principal aks-prod"
    assert found.enabled
    gone = await service_principal(CLUSTER, Answers({}))
    with pytest.raises(Unavailable, match="knows no service principal"):
        principal_puller(gone)


async def test_an_application_that_is_not_here_is_another_tenants_or_gone() -> None:
    principal = ServicePrincipal("app", "o", "aks", enabled=True, home="T1", credentials=())
    for tenant, expected in (("t1", False), ("t2", None)):
        arm = Answers({"/subscriptions/s": {"tenantId": tenant}})
        assert (await application(principal, CLUSTER, Answers({}), arm)).exists is expected
    assert (await application(principal, CLUSTER, Answers({}), Answers({}))).exists is None
    nobody = replace(principal, home="")
    assert (await application(nobody, CLUSTER, Answers({}), Answers({}))).exists is False


async def test_the_resource_of_an_identity_is_there_or_gone_or_not_known() -> None:
    kubelet = {"kubeletidentity": {"objectId": "o", "resourceId": world.IDENTITY}}
    cluster = await cluster_of(identityProfile=kubelet)
    assert (await identity_resource(cluster, Answers({world.IDENTITY: {}}))).exists is True
    assert (await identity_resource(cluster, Answers({}))).exists is False
    unread = await identity_resource(cluster, Answers({world.IDENTITY: DENIED}))
    assert (unread.exists, unread.unread) == (None, "Azure denies it")
    nameless = await cluster_of(identityProfile={"kubeletidentity": {"objectId": "o"}})
    assert (await identity_resource(nameless, Answers({}))).exists is None
    with pytest.raises(NotApplicable):
        await identity_resource(CLUSTER, Answers({}))


async def test_a_lone_machine_has_its_subnet_by_its_interface() -> None:
    alone = Machine(world.SUBSCRIPTION, world.NODE_GROUP, "", "aks-1")
    card = f"{world.NETWORK}/networkInterfaces/nic"
    tree = {
        "identity": {"userAssignedIdentities": {world.IDENTITY: {}}},
        "properties": {"networkProfile": {"networkInterfaces": [{"id": card}]}},
    }
    addresses = {"ipConfigurations": [{"properties": {"subnet": {"id": "/subnet"}}}]}
    found = await node_machines(alone, Answers({str(alone.id): tree, card: {"properties": addresses}}))
    assert found.identities == (ResourceId(world.IDENTITY),)
    assert found.subnet == ResourceId("/subnet")
    assert (await node_machines(alone, Answers({str(alone.id): tree}))).subnet is None
    with pytest.raises(Unavailable):
        await node_machines(alone, Answers({}))


async def test_a_registry_is_found_by_its_login_server_here_or_elsewhere() -> None:
    tree = {"id": ACR, "properties": {"loginServer": "Contoso.azurecr.io"}}
    other = {"id": "/o", "properties": {"loginServer": "other.azurecr.io"}}
    listed = Answers({REGISTRIES: {"value": [other, tree]}})
    assert (await registry(SERVER, UNNAMED, NODE, listed)).id == ResourceId(ACR)
    for here in ({"value": [other]}, DENIED, NotFound("SubscriptionNotFound")):
        elsewhere = Answers({REGISTRIES: here, ACR: tree}, (ACR,))
        assert (await registry(SERVER, UNNAMED, NODE, elsewhere)).id == ResourceId(ACR)
    assert (await registry(SERVER, UNNAMED, None, Answers({ACR: tree}, (ACR,)))).id == ResourceId(ACR)


class WithoutSearch(Answers):
    async def search(self, query: str) -> tuple[Mapping[str, Any], ...]:
        raise Unavailable("Azure has no Resource Graph here")


async def test_where_azure_has_no_search_the_other_subscriptions_are_looked_through() -> None:
    tree = {"id": ACR, "properties": {"loginServer": "contoso.azurecr.io"}}
    every = {"value": [{"id": "/subscriptions/shut"}, {"id": "/subscriptions/other"}, {"id": SUBSCRIPTION}]}
    other = {
        "/subscriptions/other/providers/Microsoft.ContainerRegistry/registries": {"value": [tree]},
        "/subscriptions/shut/providers/Microsoft.ContainerRegistry/registries": DENIED,
    }
    here = {REGISTRIES: {"value": []}, "/subscriptions": every}
    found = await registry(SERVER, UNNAMED, NODE, WithoutSearch({**here, **other}))
    assert found.id == ResourceId(ACR)
    with pytest.raises(Unavailable, match="no Resource Graph"):
        await registry(SERVER, UNNAMED, NODE, WithoutSearch(here))
    with pytest.raises(Unavailable, match="denies"):
        await registry(SERVER, UNNAMED, NODE, WithoutSearch({**here, REGISTRIES: DENIED}))


async def test_without_a_node_the_registry_is_looked_for_beside_the_cluster_that_is_configured() -> None:
    tree = {"id": ACR, "properties": {"loginServer": "contoso.azurecr.io"}}
    configured = Cluster("prod", cloud_id=world.AKS)
    assert (
        await registry(SERVER, configured, None, Answers({REGISTRIES: {"value": [tree]}}))
    ).id.name == "contoso"


async def test_a_registry_that_is_not_shown_is_not_known_to_be_missing() -> None:
    with pytest.raises(Unavailable, match="no registry"):
        await registry(SERVER, UNNAMED, NODE, Answers({REGISTRIES: {"value": []}}))
    with pytest.raises(Unavailable, match="denies"):
        await registry(SERVER, UNNAMED, NODE, Answers({REGISTRIES: DENIED}))
    with pytest.raises(Unavailable, match="no registry"):
        await registry(SERVER, UNNAMED, NODE, Answers({REGISTRIES: {"value": []}}, (ACR,)))


async def test_assignments_to_others_and_elsewhere_are_left_out() -> None:
    where = f"{ACR}/providers/Microsoft.Authorization/roleAssignments"
    role = "/providers/Microsoft.Authorization/roleDefinitions/r"
    mine = {
        "principalId": ME.upper(),
        "principalType": "ServicePrincipal",
        "scope": ACR,
        "roleDefinitionId": role,
    }
    several = [
        mine,
        mine | {"principalId": "x"},
        mine | {"scope": "/subscriptions/other"},
        {},
        mine | {"scope": None},
    ]
    listed = {"value": [{"id": str(at), "properties": one} for at, one in enumerate(several)]}
    answers = Answers({where: listed, role: {"properties": {"roleName": "R", "permissions": None}}})
    found = await assignments(acr(), PULLER, answers)
    assert [str(one.id) for one in found.all] == ["0", "4"]
    held = (await roles(found, answers)).held
    assert [(one.name, one.permissions) for _, one in held] == [("R", None), ("R", None)]
    [(_, gone)] = (await roles(Assignments(found.all[:1]), Answers({}))).held
    assert (gone.name, gone.permissions) == ("r", None)
    with pytest.raises(Unavailable, match="does not know the kubelet identity"):
        await assignments(acr(), PULLER, Answers({}))


async def test_deny_assignments_that_stay_above_are_left_out() -> None:
    where = f"{ACR}/providers/Microsoft.Authorization/denyAssignments"
    has = {
        "denyAssignmentName": "d",
        "scope": "/subscriptions/s1",
        "principals": [{"id": ME}],
        "permissions": None,
    }
    several = [
        has,
        has | {"doNotApplyToChildScopes": True},
        has | {"doNotApplyToChildScopes": True, "scope": ACR},
    ]
    listed = {"value": [{"id": str(at), "properties": one} for at, one in enumerate(several)]}
    found = await denials(acr(), Answers({where: listed}))
    assert [str(one.id) for one in found.all] == ["0", "2"]
    assert (await denials(acr(), Answers({where: DENIED}))).unread == "Azure denies it"
    assert await denials(acr(), Answers({})) == Denials(())


async def test_a_subscription_without_a_list_of_firewalls_says_nothing_of_the_appliance() -> None:
    place = NodePlace(ResourceId(world.SUBNET))
    with pytest.raises(Unavailable, match="lists no firewalls"):
        await firewalls(Appliances(("10.0.0.4",)), place, Peerings(place.network, ()), Answers({}))
