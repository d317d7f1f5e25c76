"""Who pulls on AKS, and may it: every fault alone, what is offered for it, and the way back."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.demo import azure_world as world
from bot.demo.azure import Azure
from checks.azure.facts import Arm
from checks.model import Status
from handlers.decision import Offer
from handlers.remedies.azure.steps import ArmWriter, AssignRole, FoundAssigned
from handlers.remedy import Conflict, Standing
from tests.fakes.aks import OAUTH, Aks, root_causes

SCALE = f"{world.NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{world.SCALE_SET}"
APPLICATION = "3b1f0c9e-0c57-4f0f-8b7e-0e1b6a7c5d11"
PRINCIPAL = "7f2f9a30-6a8e-4c55-9f0d-2f1c3e4d5a6b"
FORMER = "e0a4c2d8-11b7-4ff4-9d52-6c1de0a7f001"
CAN_PULL = "azure/identity_can_pull"
CURRENT = "azure/service_principal_is_current"
ON_NODES = "azure/kubelet_identity_is_on_nodes"


def with_service_principal(azure: Azure, ends: timedelta) -> None:
    """The cluster of old: its service principal may pull, and its secret ends so much from now."""
    cluster = azure.get(world.AKS)
    del cluster["identity"], cluster["properties"]["identityProfile"]
    cluster["properties"]["servicePrincipalProfile"] = {"clientId": APPLICATION}
    del azure.get(SCALE)["identity"]
    secret = {
        "keyId": "k1",
        "startDateTime": "2024-01-01T00:00:00Z",
        "endDateTime": (datetime.now(UTC) + ends).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    azure.entra["applications", APPLICATION] = {
        "id": "obj", "appId": APPLICATION, "passwordCredentials": [secret], "keyCredentials": [],
    }  # fmt: skip
    azure.entra["servicePrincipals", APPLICATION] = {
        "id": PRINCIPAL, "appId": APPLICATION, "displayName": "aks-prod", "accountEnabled": True,
        "passwordCredentials": [], "keyCredentials": [],
    }  # fmt: skip
    azure.put(world.assigned(world.PULL_ASSIGNMENT, PRINCIPAL, world.ACR_PULL, world.ACR))


def by_repository(azure: Azure) -> None:
    azure.get(world.ACR)["properties"]["roleAssignmentMode"] = "AbacRepositoryPermissions"


def without_role(azure: Azure) -> None:
    del azure.resources[world.PULL_ASSIGNMENT.lower()]


def plan_of(offer: Offer) -> Any:
    assert offer.plan is not None
    return offer.plan


async def only_this_fails(aks: Aks, check: str) -> None:
    found, _ = await aks.look()
    assert root_causes(found) == [check]
    failing = [name for name, one in found.items() if one.verdict.status is Status.FAIL]
    assert failing == [check]


async def test_a_healthy_cluster_passes_every_check_of_its_identity(aks: Aks) -> None:
    found, offers = await aks.look()
    assert {name: found[name].verdict.status for name in (CAN_PULL, ON_NODES)} == {
        CAN_PULL: Status.PASS,
        ON_NODES: Status.PASS,
    }
    assert CURRENT not in found
    assert not offers


async def test_a_registry_by_repository_gets_the_reader_of_repositories_and_is_not_attached(aks: Aks) -> None:
    by_repository(aks.azure)
    before = deepcopy(aks.azure.resources)
    await only_this_fails(aks, CAN_PULL)
    plans = await aks.plans()
    assert list(plans) == ["azure/attach_acr"]
    [step] = plan_of(plans["azure/attach_acr"]).steps
    assert step.role_name == "Container Registry Repository Reader"
    assert "--attach-acr" not in " ".join(step.commands())
    assert "AcrPull" not in " ".join(step.commands())
    await aks.carry_out(plans["azure/attach_acr"])
    found, _ = await aks.look()
    assert found[CAN_PULL].verdict.status is Status.PASS
    await aks.undo(plans["azure/attach_acr"])
    assert aks.azure.resources == before


async def test_a_role_for_other_repositories_is_joined_by_one_for_this(aks: Aks) -> None:
    by_repository(aks.azure)
    writer = "2a1e307c-b015-4ebd-883e-5b7698a07328"
    data = ["Microsoft.ContainerRegistry/registries/repositories/*/read"]
    aks.azure.put(world.role(writer, "Container Registry Repository Writer", [], data))
    others = (
        "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringStartsWithIgnoreCase 'x/'"
    )
    id = f"{world.ACR}/providers/Microsoft.Authorization/roleAssignments/w"
    aks.azure.put(world.assigned(id, world.KUBELET, writer, world.ACR, condition=others))
    plans = await aks.plans()
    [step] = plan_of(plans["azure/attach_acr"]).steps
    assert "'shop/web'" in step.condition
    await aks.carry_out(plans["azure/attach_acr"])
    found, _ = await aks.look()
    assert found[CAN_PULL].verdict.status is Status.PASS


async def test_a_reader_of_other_repositories_is_not_given_twice(aks: Aks) -> None:
    by_repository(aks.azure)
    reader = "b93aa761-3e63-49ed-ac28-beffa264f7ac"
    others = (
        "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringStartsWithIgnoreCase 'x/'"
    )
    id = f"{world.ACR}/providers/Microsoft.Authorization/roleAssignments/r"
    aks.azure.put(world.assigned(id, world.KUBELET, reader, world.ACR, condition=others))
    found, offers = await aks.look()
    assert found[CAN_PULL].verdict.summary.endswith("its condition leaves shop/web out")
    assert offers["azure/attach_acr"].plan is None
    assert "widen" in offers["azure/attach_acr"].refused


async def test_a_group_a_subscription_or_a_management_group_may_give_the_role(aks: Aks) -> None:
    reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    for scope in (
        f"/subscriptions/{world.SUBSCRIPTION}",
        "/providers/Microsoft.Management/managementGroups/m",
    ):
        aks.azure.resources.pop(world.PULL_ASSIGNMENT.lower(), None)
        id = f"{scope}/providers/Microsoft.Authorization/roleAssignments/a"
        aks.azure.groups["g"] = {world.KUBELET}
        aks.azure.put(world.assigned(id, "g", reader, scope, principalType="Group"))
        found, _ = await aks.look()
        assert found[CAN_PULL].verdict.status is Status.PASS
        assert ("Allowed by", "Reader") in found[CAN_PULL].verdict.evidence
        assert "group" in str(found[CAN_PULL].verdict.evidence)
        del aks.azure.resources[id.lower()]


async def test_a_deny_assignment_is_left_to_people(aks: Aks) -> None:
    everybody = {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}
    id = f"{world.HOME}/providers/Microsoft.Authorization/denyAssignments/d"
    denies: dict[str, Any] = {
        "denyAssignmentName": "stack-lock", "scope": world.HOME, "principals": [everybody],
        "excludePrincipals": [], "permissions": [{"actions": ["*"], "notActions": ["*/write"]}],
    }  # fmt: skip
    aks.azure.put({"id": id, "name": "d", "properties": denies})
    await only_this_fails(aks, CAN_PULL)
    _, offers = await aks.look()
    assert "stack-lock" in offers["azure/attach_acr"].refused
    assert offers["azure/lift_deny_assignment"].by_hand is not None
    denies["doNotApplyToChildScopes"] = True
    found, _ = await aks.look()
    assert found[CAN_PULL].verdict.status is Status.PASS


async def test_the_role_of_an_identity_of_before_is_told_and_left_to_people(aks: Aks) -> None:
    aks.azure.put(world.assigned(world.PULL_ASSIGNMENT, FORMER, world.ACR_PULL, world.ACR))
    aks.azure.entra["servicePrincipals", "of-before"] = {"id": FORMER, "displayName": "prod-old-agentpool"}
    found, offers = await aks.look()
    assert found[CAN_PULL].verdict.summary.endswith(f"AcrPull is with prod-old-agentpool ({FORMER})")
    assert offers["azure/attach_acr"].plan is not None
    by_hand = offers["azure/take_role_from_former_identity"].by_hand
    assert by_hand is not None
    assert world.PULL_ASSIGNMENT in by_hand.commands[0]
    del aks.azure.entra["servicePrincipals", "of-before"]
    found, _ = await aks.look()
    assert found[CAN_PULL].verdict.summary.endswith("which is gone")


async def test_a_registry_of_another_tenant_wants_a_secret(aks: Aks) -> None:
    without_role(aks.azure)
    theirs = "11111111-2222-3333-4444-555555555555"
    aks.azure.put({"id": f"/subscriptions/{theirs}", "tenantId": "99999999-0000-0000-0000-000000000000"})
    registry = aks.azure.resources.pop(world.ACR.lower())
    aks.azure.put(registry | {"id": world.ACR.replace(world.SUBSCRIPTION, theirs)})
    await only_this_fails(aks, CAN_PULL)
    found, offers = await aks.look()
    assert "another tenant" in found[CAN_PULL].verdict.summary
    assert offers["azure/attach_acr"].plan is None
    assert offers["azure/pull_across_tenants"].by_hand is not None


async def test_where_everybody_may_pull_a_missing_role_is_none(aks: Aks) -> None:
    without_role(aks.azure)
    aks.azure.get(world.ACR)["properties"]["anonymousPullEnabled"] = True
    found, offers = await aks.look()
    assert found[CAN_PULL].verdict.status is Status.PASS
    assert not offers


async def test_a_service_principal_may_pull_and_is_attached(aks: Aks) -> None:
    with_service_principal(aks.azure, timedelta(days=200))
    aks.says(OAUTH)
    found, offers = await aks.look()
    assert found[CURRENT].verdict.status is Status.PASS
    assert found[CAN_PULL].verdict.status is Status.PASS
    assert ON_NODES not in found
    assert not offers
    without_role(aks.azure)
    await only_this_fails(aks, CAN_PULL)
    plans = await aks.plans()
    [step] = plan_of(plans["azure/attach_acr"]).steps
    assert step.principal == PRINCIPAL
    await aks.carry_out(plans["azure/attach_acr"])
    found, _ = await aks.look()
    assert found[CAN_PULL].verdict.status is Status.PASS


async def test_a_secret_that_is_over_is_left_to_people_with_what_it_costs(aks: Aks) -> None:
    with_service_principal(aks.azure, timedelta(days=-3))
    aks.says(OAUTH)
    await only_this_fails(aks, CURRENT)
    found, offers = await aks.look()
    assert found[CURRENT].verdict.summary.startswith(f"every secret of the application {APPLICATION} is over")
    assert [name for name, one in offers.items() if one.plan is not None] == []
    by_hand = offers["azure/reset_service_principal"].by_hand
    assert by_hand is not None
    assert "node image" in by_hand.caution
    assert by_hand.commands[1].startswith("az aks update-credentials --resource-group shop --name prod")


async def test_a_service_principal_that_is_gone_is_told(aks: Aks) -> None:
    with_service_principal(aks.azure, timedelta(days=200))
    del aks.azure.entra["servicePrincipals", APPLICATION]
    del aks.azure.entra["applications", APPLICATION]
    aks.says(OAUTH)
    await only_this_fails(aks, CURRENT)
    found, offers = await aks.look()
    assert found[CAN_PULL].verdict.status is Status.UNKNOWN
    assert offers["azure/reset_service_principal"].by_hand is not None


async def test_an_identity_that_was_taken_from_a_scale_set_is_given_back_by_aks(aks: Aks) -> None:
    other = SCALE.replace("np1", "np2")
    aks.azure.put({**deepcopy(aks.azure.get(SCALE)), "id": other})
    aks.azure.get(other)["identity"] = {"type": "None"}
    found, _ = await aks.look()
    assert found[ON_NODES].verdict.status is Status.PASS
    aks.kube.provider_ids["node"] = world.PROVIDER_ID.replace("np1", "np2")
    aks.azure.slow["Microsoft.ContainerService/managedClusters"] = 2
    cluster = deepcopy(aks.azure.get(world.AKS))
    await only_this_fails(aks, ON_NODES)
    plans = await aks.plans()
    assert list(plans) == ["azure/reconcile_cluster"]
    plan = plan_of(plans["azure/reconcile_cluster"])
    assert not plan.reversible
    assert plan.steps[0].commands() == (
        f"az aks update --resource-group shop --name prod --subscription {world.SUBSCRIPTION}",
    )
    await aks.carry_out(plans["azure/reconcile_cluster"])
    found, _ = await aks.look()
    assert found[ON_NODES].verdict.status is Status.PASS
    after = aks.azure.get(world.AKS)
    assert after.pop("eTag") != cluster.pop("eTag")
    assert after == cluster


async def test_a_cluster_that_is_busy_or_stopped_is_not_put_anew(aks: Aks) -> None:
    aks.azure.get(SCALE)["identity"] = {"type": "None"}
    plan = plan_of((await aks.plans())["azure/reconcile_cluster"])
    has = aks.azure.get(world.AKS)["properties"]
    has["provisioningState"] = "Updating"
    _, offers = await aks.look()
    assert "busy" in offers["azure/reconcile_cluster"].refused
    hands: Any = aks.clients.hands[ArmWriter]
    with pytest.raises(Conflict, match="Updating"):
        await plan.steps[0].write(hands)
    has |= {"provisioningState": "Succeeded", "powerState": {"code": "Stopped"}}
    _, offers = await aks.look()
    assert "not running" in offers["azure/reconcile_cluster"].refused


async def test_an_identity_that_was_deleted_is_left_to_people(aks: Aks) -> None:
    del aks.azure.resources[world.IDENTITY.lower()]
    await only_this_fails(aks, ON_NODES)
    _, offers = await aks.look()
    assert "gone" in offers["azure/reconcile_cluster"].refused
    assert offers["azure/replace_kubelet_identity"].by_hand is not None


async def test_of_two_faults_each_remedy_tells_that_the_other_is_left(aks: Aks) -> None:
    without_role(aks.azure)
    aks.azure.get(SCALE)["identity"] = {"type": "None"}
    found, _ = await aks.look()
    assert root_causes(found) == [ON_NODES, CAN_PULL]
    plans = await aks.plans()
    assert "is not assigned to" in plan_of(plans["azure/attach_acr"]).caution
    assert "may not pull" in plan_of(plans["azure/reconcile_cluster"]).caution
    for offer in plans.values():
        await aks.carry_out(offer)
    found, _ = await aks.look()
    assert root_causes(found) == []


async def test_a_role_that_somebody_gives_in_the_same_moment_stays_theirs(aks: Aks) -> None:
    without_role(aks.azure)
    plan = plan_of((await aks.plans())["azure/attach_acr"])
    [step] = plan.steps
    assert isinstance(step, AssignRole)
    hands: Any = aks.clients.hands[ArmWriter]
    aks.azure.put(world.assigned(world.PULL_ASSIGNMENT, world.KUBELET, world.ACR_PULL, world.ACR))
    done = await step.write(hands)
    assert isinstance(done, FoundAssigned)
    assert await done.look(hands) is Standing.AFTER
    assert not replace(plan, steps=(done,)).reversible
    assert step.id.lower() not in aks.azure.resources


async def test_a_denied_read_is_named_and_accuses_nobody(aks: Aks) -> None:
    del aks.azure.resources[world.ACR.lower()]
    found, offers = await aks.look()
    assert found[CAN_PULL].verdict.status is Status.UNKNOWN
    assert "no registry contoso.azurecr.io is shown to us" in found[CAN_PULL].verdict.summary
    assert not [one for one in offers.values() if one.plan is not None]


async def test_it_takes_no_more_than_four_rounds_and_twelve_calls(aks: Aks) -> None:
    arm: Any = aks.clients.roots[Arm]
    await aks.look()
    assert arm.calls <= 12
