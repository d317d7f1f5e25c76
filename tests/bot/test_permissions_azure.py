"""Azure's roles as they are printed: as small as the code, and no way to become more."""

from __future__ import annotations

import re

import pytest

from bot.permissions import UnknownRemedy
from bot.permissions_azure import azure_reads, azure_writes, only_pull_roles
from checks.azure.roles import ACR_PULL, REPOSITORY_READER
from handlers.remedy import load_remedies

AZURE = [one.id for one in load_remedies() if one.id.startswith("azure/")]
ACTION = re.compile(r"Microsoft\.[A-Za-z]+(/[A-Za-z]+)+/(read|write|delete|action)")
# Each hands out a secret, runs something, or lets its holder become more than they are.
NEVER = {
    "Microsoft.Authorization/roleDefinitions/write",
    "Microsoft.ContainerRegistry/registries/generateCredentials/action",
    "Microsoft.ContainerRegistry/registries/listCredentials/action",
    "Microsoft.ContainerRegistry/registries/regenerateCredential/action",
    "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",
    "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
    "Microsoft.ContainerService/managedClusters/runcommand/action",
}


def test_reading_needs_no_action_that_writes() -> None:
    role = azure_reads()
    assert "Microsoft.ContainerRegistry/registries/read" in role["Actions"]
    assert all(one.endswith("/read") and ACTION.fullmatch(one) for one in role["Actions"])
    assert role["DataActions"] == []


def test_what_no_role_grants_is_told_apart() -> None:
    role = azure_reads()
    assert "Application.Read.All" in role["Description"]
    assert not [one for one in role["Actions"] if "Application" in one]


def test_a_role_is_for_the_subscriptions_that_are_configured() -> None:
    assert azure_reads(["b", "a", "b"])["AssignableScopes"] == ["/subscriptions/a", "/subscriptions/b"]
    assert azure_reads()["AssignableScopes"] == ["/subscriptions/SUBSCRIPTION_ID"]


@pytest.mark.parametrize("remedy", AZURE)
def test_each_remedy_has_a_role_of_its_own(remedy: str) -> None:
    [role] = azure_writes([remedy])
    assert remedy in role["Description"]
    assert role["Name"] == f"pullbot {remedy.removeprefix('azure/')}"
    assert all(ACTION.fullmatch(one) for one in role["Actions"])
    assert not NEVER & set(role["Actions"])
    assert len(role["Description"]) <= 2048  # Azure takes no more


def test_who_may_assign_roles_may_only_assign_those_for_pulling() -> None:
    for role in azure_writes(AZURE):
        assigns = "Microsoft.Authorization/roleAssignments/write" in role["Actions"]
        assert (only_pull_roles() in role["Description"]) is assigns
    condition = only_pull_roles()
    assert condition.count(ACR_PULL) == condition.count(REPOSITORY_READER) == 2
    assert condition.count("(") == condition.count(")")
    assert "Microsoft.Authorization/roleAssignments/delete" in condition


def test_remedies_of_other_clouds_need_nothing_of_azure() -> None:
    assert azure_writes(["aws/attach_pull_policy", "kubernetes/restart_workload"]) == ()


def test_a_remedy_that_there_is_none_of_is_told() -> None:
    with pytest.raises(UnknownRemedy, match="there is no remedy azure/attach_arc"):
        azure_writes(["azure/attach_arc"])
