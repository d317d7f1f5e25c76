"""Worlds where the identity that pulls may not, for one of the rarer reasons."""

from __future__ import annotations

from bot.demo import azure_world as public
from tests.fakes.azure_worlds import (
    APPLICATION,
    Maker,
    World,
    by_repository,
    healthy,
    service_principal,
    without_role,
)

FORMER = "e0a4c2d8-11b7-4ff4-9d52-6c1de0a7f001"
READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"
_AUTHORIZATION = "/providers/Microsoft.Authorization"
_REPOSITORIES = "Microsoft.ContainerRegistry/registries/repositories"
ONLY_X = (
    f"((!(ActionMatches{{'{_REPOSITORIES}/content/read'}}) "
    f"AND !(ActionMatches{{'{_REPOSITORIES}/metadata/read'}}))"
    f" OR (@Request[{_REPOSITORIES}:name] StringStartsWithIgnoreCase 'x/'))"
)


def role_with_another() -> World:
    """The role was left with the identity of before."""
    world = healthy()
    world.azure.put(public.assigned(public.PULL_ASSIGNMENT, FORMER, public.ACR_PULL, public.ACR))
    world.azure.entra["servicePrincipals", "former"] = {"id": FORMER, "displayName": "prod-old-agentpool"}
    return world


def role_for_other_repositories() -> World:
    world = by_repository()
    id = f"{public.ACR}{_AUTHORIZATION}/roleAssignments/2f3a7c1e-0c1a-4b54-9d2f-8f4c6f0d7e12"
    bound = {"condition": ONLY_X, "conditionVersion": "2.0"}
    world.azure.put(public.assigned(id, public.KUBELET, READER, public.ACR, **bound))
    return world


def denied() -> World:
    """A deployment stack keeps everybody from reading."""
    world = healthy()
    id = f"{public.HOME}{_AUTHORIZATION}/denyAssignments/3a4b7c1e-0c1a-4b54-9d2f-8f4c6f0d7e13"
    nobody = {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}
    has = {
        "denyAssignmentName": "stack-lock",
        "scope": public.HOME,
        "principals": [nobody],
        "excludePrincipals": [],
        "permissions": [{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}],
        "doNotApplyToChildScopes": False,
    }
    kind = "Microsoft.Authorization/denyAssignments"
    world.azure.put({"id": id, "name": id.rpartition("/")[2], "type": kind, "properties": has})
    return world


def anonymous() -> World:
    world = without_role()
    world.azure.get(public.ACR)["properties"]["anonymousPullEnabled"] = True
    return world


def identity_gone() -> World:
    world = healthy()
    del world.azure.resources[public.IDENTITY.lower()]
    return world


def secret_over() -> World:
    world = service_principal()
    [secret] = world.azure.entra["applications", APPLICATION]["passwordCredentials"]
    secret["endDateTime"] = "2021-01-01T00:00:00Z"
    return world


def application_elsewhere() -> World:
    """The service principal stands for an application of another tenant."""
    world = service_principal()
    del world.azure.entra["applications", APPLICATION]
    principal = world.azure.entra["servicePrincipals", APPLICATION]
    principal["appOwnerOrganizationId"] = "11111111-2222-4333-8444-555555555555"
    return world


ALL: tuple[Maker, ...] = (
    role_with_another,
    role_for_other_repositories,
    denied,
    anonymous,
    identity_gone,
    secret_over,
    application_elsewhere,
)
