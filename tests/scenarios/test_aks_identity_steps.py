"""Steps that change who pulls in Azure, over HTTP: roles, and a cluster that is put anew."""

from __future__ import annotations

import shlex
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from azure.mgmt.containerservice.models import ManagedCluster

from bot.demo import azure_world as world
from handlers.remedies.azure.cluster_steps import ReconcileCluster, writable
from handlers.remedies.azure.steps import ArmWriter, AssignRole, FoundAssigned, UnassignRole
from handlers.remedy import Conflict, Standing
from tests.fakes.aks import Aks

MACHINES = f"{world.NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{world.SCALE_SET}"
RECONCILE = ReconcileCluster(world.AKS, world.IDENTITY, MACHINES)
ROLE = (
    f"/subscriptions/{world.SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{world.ACR_PULL}"
)
ASSIGN = AssignRole(
    world.ACR, ROLE, "AcrPull", "11111111-0000-0000-0000-000000000001", "the identity of o'brien"
)


def hands_of(aks: Aks) -> Any:
    return aks.clients.hands[ArmWriter]


async def test_a_role_is_given_once_however_often_it_is_written(aks: Aks) -> None:
    hands = hands_of(aks)
    before = deepcopy(aks.azure.resources)
    assert await ASSIGN.look(hands) is Standing.BEFORE
    await ASSIGN.write(hands)
    await ASSIGN.write(hands)
    assert len(aks.azure.resources) == len(before) + 1
    back = ASSIGN.inverse()
    assert await back.look(hands) is Standing.BEFORE
    await back.write(hands)
    await back.write(hands)
    assert await back.look(hands) is Standing.AFTER
    assert back.inverse() == ASSIGN
    assert aks.azure.resources == before


async def test_only_our_own_assignment_is_taken_away(aks: Aks) -> None:
    aks.azure.put(world.assigned(ASSIGN.id, "somebody-else", world.ACR_PULL, world.ACR))
    for step in (ASSIGN, UnassignRole(ASSIGN)):
        with pytest.raises(Conflict, match="somebody else"):
            await step.look(hands_of(aks))


async def test_a_role_of_somebody_else_that_is_taken_back_is_not_there_any_more(aks: Aks) -> None:
    found = FoundAssigned(ASSIGN, world.PULL_ASSIGNMENT)
    assert await found.look(hands_of(aks)) is Standing.AFTER
    del aks.azure.resources[world.PULL_ASSIGNMENT.lower()]
    assert await found.look(hands_of(aks)) is Standing.ELSEWHERE
    assert found.commands() == ()
    with pytest.raises(Conflict):
        await found.write(hands_of(aks))


async def test_the_same_role_under_another_condition_is_no_success(aks: Aks) -> None:
    there = f"{world.ACR}/providers/Microsoft.Authorization/roleAssignments/other"
    aks.azure.put(world.assigned(there, ASSIGN.principal, world.ACR_PULL, world.ACR, condition="x"))
    with pytest.raises(Conflict, match="RoleAssignmentExists"):
        await ASSIGN.write(hands_of(aks))


def test_commands_are_quoted_and_differ_by_condition() -> None:
    bound = replace(ASSIGN, condition="@Request[x:name] StringEqualsIgnoreCase 'a'")
    assert bound.id != ASSIGN.id
    words = shlex.split(bound.commands()[0])
    assert words[words.index("--condition") + 1] == bound.condition
    attached = replace(ASSIGN, otherwise=("az", "aks", "update", "--attach-acr", world.ACR))
    assert "# or, putting the whole cluster anew: az aks update --attach-acr" in attached.commands()[0]
    assert attached.id == ASSIGN.id


def test_a_cluster_is_written_without_what_only_azure_says() -> None:
    body = writable(world.public_world().get(world.AKS))
    has = body["properties"]
    assert {"id", "name", "type", "eTag"} & body.keys() == set()
    assert body["identity"] == {"type": "SystemAssigned"}
    assert {"provisioningState", "powerState"} & has.keys() == set()
    assert has["networkProfile"]["loadBalancerProfile"] == {}
    assert has["identityProfile"]["kubeletidentity"]["objectId"] == world.KUBELET
    assert has["agentPoolProfiles"][0]["name"] == "np1"


def test_what_is_written_is_all_that_azures_own_library_lets_one_write() -> None:
    """By its own account of what is read-only, everywhere in a cluster."""
    full = _example()
    mine = writable(full)
    theirs = ManagedCluster(full).as_dict(exclude_readonly=True)
    assert mine == theirs


def _example() -> dict[str, Any]:
    """A cluster with every field that only Azure says."""
    pool = {
        "name": "np1", "count": 3, "eTag": "p", "currentOrchestratorVersion": "1.34.1",
        "provisioningState": "Succeeded", "vmSize": "Standard_D2s_v5",
        "status": {"provisioningError": {"code": "x"}},
    }  # fmt: skip
    pod = {"name": "a", "namespace": "b", "provisioningState": "Assigned", "provisioningInfo": {"error": {}}}
    there = [{"id": world.OUTBOUND}]
    properties = {
        "provisioningState": "Succeeded", "powerState": {"code": "Running"}, "maxAgentPools": 100,
        "kubernetesVersion": "1.34", "currentKubernetesVersion": "1.34.1", "fqdn": "f", "privateFQDN": "p",
        "azurePortalFQDN": "z", "resourceUID": "u", "nodeResourceGroup": world.NODE_GROUP,
        "agentPoolProfiles": [pool],
        "addonProfiles": {"azurepolicy": {"enabled": True, "identity": {"objectId": "o"}}},
        "oidcIssuerProfile": {"enabled": True, "issuerURL": "https://issuer.example/"},
        "networkProfile": {
            "networkPlugin": "azure",
            "loadBalancerProfile": {"effectiveOutboundIPs": there, "allocatedOutboundPorts": 0},
            "natGatewayProfile": {"effectiveOutboundIPs": there, "idleTimeoutInMinutes": 4},
        },
        "podIdentityProfile": {"enabled": True, "userAssignedIdentities": [pod]},
        "privateLinkResources": [{"id": "i", "name": "management", "privateLinkServiceID": "s"}],
        "ingressProfile": {"webAppRouting": {"enabled": True, "identity": {"objectId": "o"}}},
    }  # fmt: skip
    return {
        "id": world.AKS, "name": "prod", "type": "t", "location": "westeurope", "tags": {"a": "b"},
        "eTag": "e", "systemData": {"createdBy": "x"}, "sku": {"name": "Base", "tier": "Free"},
        "identity": {
            "type": "UserAssigned", "principalId": "p", "tenantId": "t",
            "userAssignedIdentities": {world.IDENTITY: {"clientId": "c", "principalId": "p"}},
        },
        "properties": properties,
    }  # fmt: skip


async def test_somebody_elses_change_in_the_same_moment_is_not_lost(aks: Aks) -> None:
    hands = hands_of(aks)

    class Late:
        """The port ``ArmWriter``, of which somebody is a moment faster."""

        async def get(self, path: str, query: Any = None) -> Any:
            found = deepcopy(await hands.get(path))
            aks.azure.get(world.AKS)["eTag"] = "another"
            return found

        async def put(self, path: str, body: Any, if_match: str = "") -> Any:
            return await hands.put(path, body, if_match)

    before = deepcopy(aks.azure.get(world.AKS)) | {"eTag": "another"}
    late: Any = Late()
    with pytest.raises(Conflict, match="PreconditionFailed"):
        await RECONCILE.write(late)
    assert aks.azure.get(world.AKS) == before


async def test_machines_or_a_cluster_that_are_gone_stop_it(aks: Aks) -> None:
    del aks.azure.resources[MACHINES.lower()]
    assert await RECONCILE.look(hands_of(aks)) is Standing.ELSEWHERE
    del aks.azure.resources[world.AKS.lower()]
    with pytest.raises(Conflict, match="is gone"):
        await RECONCILE.write(hands_of(aks))
