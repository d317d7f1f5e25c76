"""The kubelet's identity: on the node's scale set, not on it, or gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.azure.cluster import KubeletIdentity
from checks.azure.facts import ResourceId
from checks.azure.kubelet_identity import IdentityResource
from checks.azure.kubelet_identity_is_on_nodes import kubelet_identity_is_on_nodes
from checks.azure.machines import NodeMachines
from checks.model import NotApplicable, Status, Verdict
from tests.checks.azure.identities import CLUSTER

GROUP = "/subscriptions/s/resourceGroups/MC_g_c/providers"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/c-agentpool"
SCALE = f"{GROUP}/Microsoft.Compute/virtualMachineScaleSets/aks-np1-vmss"
MANAGED = replace(CLUSTER, kubelet=KubeletIdentity("o", "c", ResourceId(IDENTITY)), service_principal="")


def verdict_of(*assigned: str, exists: bool | None = True, unread: str = "") -> Verdict:
    machines = NodeMachines(ResourceId(SCALE), tuple(map(ResourceId, assigned)), None, None)
    return kubelet_identity_is_on_nodes(MANAGED, machines, IdentityResource(exists, unread))


def test_ids_are_compared_as_azure_does() -> None:
    assert verdict_of("/other", IDENTITY.upper()).status is Status.PASS


@pytest.mark.parametrize("assigned", [(), ("/other",)])
@pytest.mark.parametrize("exists", [True, None])
def test_a_scale_set_without_it_is_at_fault(assigned: tuple[str, ...], exists: bool | None) -> None:
    verdict = verdict_of(*assigned, exists=exists, unread="denied")
    assert verdict.status is Status.FAIL
    assert verdict.summary == "the kubelet identity c-agentpool is not assigned to aks-np1-vmss"
    assert verdict.about == SCALE


def test_an_identity_that_is_gone_is_at_fault_itself() -> None:
    verdict = verdict_of(IDENTITY, exists=False)
    assert verdict.status is Status.FAIL
    assert verdict.about == IDENTITY


def test_whether_it_is_there_may_not_be_known() -> None:
    verdict = verdict_of(IDENTITY, exists=None, unread="Azure denies Microsoft.ManagedIdentity/x/read")
    assert verdict.status is Status.UNKNOWN
    assert "Microsoft.ManagedIdentity/x/read" in verdict.summary


def test_a_cluster_of_a_service_principal_has_none() -> None:
    machines = NodeMachines(ResourceId(SCALE), (), None, None)
    with pytest.raises(NotApplicable):
        kubelet_identity_is_on_nodes(CLUSTER, machines, IdentityResource(exists=True))
