"""What people are told to do themselves about who pulls on AKS."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from checks.azure.cluster import KubeletIdentity
from checks.azure.facts import ResourceId
from checks.azure.kubelet_identity import IdentityResource
from checks.azure.roles import Denials
from checks.azure.service_principal import Application, ServicePrincipal
from checks.azure.strangers import Stranger, Strangers, Tenants
from checks.model import NotApplicable
from handlers.remedies.azure.lift_deny_assignment import lift_deny_assignment
from handlers.remedies.azure.pull_across_tenants import pull_across_tenants
from handlers.remedies.azure.replace_kubelet_identity import replace_kubelet_identity
from handlers.remedies.azure.reset_service_principal import reset_service_principal
from handlers.remedies.azure.take_role_from_former_identity import take_role_from_former_identity
from tests.checks.azure.identities import CLUSTER, denial, rights
from tests.fakes.aks import PULL

PRINCIPAL = ServicePrincipal("app", "object", "aks", enabled=True, home="", credentials=())
HERE = Application(exists=True, credentials=(), asked=datetime(2026, 11, 24, tzinfo=UTC))


def test_a_new_secret_is_added_and_the_cluster_told() -> None:
    said = reset_service_principal(CLUSTER, PRINCIPAL, HERE)
    assert said.commands == (
        "az ad app credential reset --id app --append --query password --output tsv",
        "az aks update-credentials --resource-group g --name c --reset-service-principal "
        "--service-principal app --client-secret SECRET",
    )
    assert "node image of every node" in said.caution


def test_a_principal_that_is_gone_is_made_anew_and_one_that_is_disabled_let_in() -> None:
    gone = reset_service_principal(CLUSTER, replace(PRINCIPAL, object_id="", enabled=False), HERE)
    assert gone.commands[0] == "az ad sp create-for-rbac --name aks-c"
    assert "APPLICATION_ID" in gone.commands[1]
    disabled = reset_service_principal(CLUSTER, replace(PRINCIPAL, enabled=False), HERE)
    assert disabled.commands == ("az ad sp update --id app --set accountEnabled=true",)
    assert disabled.caution == ""


def test_an_identity_that_is_gone_is_replaced_and_only_that() -> None:
    identity = KubeletIdentity(
        "o", "c", ResourceId("/subscriptions/s/resourceGroups/g/providers/M/i/c-agentpool")
    )
    managed = replace(CLUSTER, kubelet=identity)
    said = replace_kubelet_identity(managed, IdentityResource(exists=False))
    assert said.words.startswith("c-agentpool is gone")
    assert "--assign-kubelet-identity KUBELET_IDENTITY_ID" in said.commands[1]
    for cluster, resource in (
        (managed, IdentityResource(exists=True)),
        (CLUSTER, IdentityResource(exists=False)),
    ):
        with pytest.raises(NotApplicable):
            replace_kubelet_identity(cluster, resource)


def test_a_role_is_taken_from_who_is_gone_or_from_the_only_other_one() -> None:
    gone, one, two = Stranger("1", "/a b", ""), Stranger("2", "/b", "x"), Stranger("3", "/c", None)
    said = take_role_from_former_identity(Strangers("AcrPull", (gone, one, two)))
    assert [shlex.split(line)[-1] for line in said.commands] == ["/a b"]
    assert "x (2)" in take_role_from_former_identity(Strangers("AcrPull", (one,))).words
    for several in ((one, two), ()):
        with pytest.raises(NotApplicable):
            take_role_from_former_identity(Strangers("AcrPull", several))


def test_who_owns_a_deny_assignment_is_asked_to_spare_us() -> None:
    said = lift_deny_assignment(rights(denials=Denials((denial("*"),))))
    assert "Stack lock" in said.words
    assert "denyAssignments/d?api-version=2022-04-01" in said.commands[0]
    with pytest.raises(NotApplicable):
        lift_deny_assignment(rights())


def test_over_a_tenants_border_a_secret_pulls() -> None:
    said = pull_across_tenants(rights(), Tenants("t1", "t2"), PULL)
    assert "--namespace shop --docker-server contoso.azurecr.io" in said.commands[0]
    for tenants in (Tenants("t1", "t1"), Tenants("", "", "denied")):
        with pytest.raises(NotApplicable):
            pull_across_tenants(rights(), tenants, PULL)
