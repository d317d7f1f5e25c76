"""The least that Azure must grant, as custom roles: from the modules that ask, and from the steps that write.

Modules that read declare ARM's actions beside their calls (``READS``) and what they ask of Microsoft Graph
(``GRAPH``), which no role of Azure grants; steps declare theirs on the class (``actions``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.permissions import modules_of, steps_of
from checks.azure.roles import ACR_PULL, REPOSITORY_READER

SOME_SUBSCRIPTION = "SUBSCRIPTION_ID"  # for who has not configured one
_ASSIGN = "Microsoft.Authorization/roleAssignments"


def azure_reads(subscriptions: Iterable[str] = ()) -> dict[str, Any]:
    """The role for diagnosing, as ``az role definition create`` takes it."""
    modules = [*modules_of("checks.azure")]
    graph = sorted({one for module in modules for one in getattr(module, "GRAPH", ())})
    told = "What pullbot reads."
    if graph:
        told += (
            f" Of Microsoft Graph it also reads, where you let it, with the application permission "
            f"{', '.join(graph)}: no role of Azure grants that, and without it a few checks are unknown."
        )
    actions = {one for module in modules for one in getattr(module, "READS", ())}
    return _role("pullbot read", told, actions, subscriptions)


def azure_writes(remedies: Iterable[str], subscriptions: Iterable[str] = ()) -> tuple[dict[str, Any], ...]:
    """A role for each of the ``remedies`` (ids) that changes something in Azure.

    :raises UnknownRemedy: there is none of this id.
    """
    where = tuple(subscriptions)
    roles = []
    for one in dict.fromkeys(remedies):
        actions = {action for step in steps_of([one]) for action in getattr(step, "actions", ())}
        if not actions:
            continue
        told = f"What pullbot's {one} changes, looks at and puts back."
        if f"{_ASSIGN}/write" in actions:
            told += f' Assign it with --condition-version 2.0 and --condition "{only_pull_roles()}"'
        roles.append(_role(f"pullbot {one.rpartition('/')[2]}", told, actions, where))
    return tuple(roles)


def only_pull_roles() -> str:
    """The condition under which roles may be handed out and taken back: those for pulling, to no person.

    Without it, who may assign roles may make themselves owner
    (learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples).
    """
    roles = f"{{{ACR_PULL}, {REPOSITORY_READER}}}"
    made = f"@Request[{_ASSIGN}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {roles}"
    whom = (
        f"@Request[{_ASSIGN}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'ServicePrincipal'}}"
    )
    gone = f"@Resource[{_ASSIGN}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {roles}"
    return (
        f"((!(ActionMatches{{'{_ASSIGN}/write'}})) OR ({made} AND {whom}))"
        f" AND ((!(ActionMatches{{'{_ASSIGN}/delete'}})) OR ({gone}))"
    )


def _role(
    name: str, description: str, actions: Iterable[str], subscriptions: Iterable[str]
) -> dict[str, Any]:
    return {
        "Name": name,
        "IsCustom": True,
        "Description": description,
        "Actions": sorted(set(actions)),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [
            f"/subscriptions/{one}" for one in sorted(set(subscriptions)) or (SOME_SUBSCRIPTION,)
        ],
    }
