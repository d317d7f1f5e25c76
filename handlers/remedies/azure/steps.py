"""Role assignments in Azure, made and taken away, each as a compare-and-swap."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from checks.azure.facts import word
from checks.model import NotFound
from handlers.remedy import Conflict, Diff, Standing, Step


class ArmWriter(Protocol):
    """Azure under the identity that writes. Facts and checks cannot ask for it.

    Operations that take long are followed to their end; the answer is what is there then.

    :raises NotFound, Unavailable: as ``checks.azure.facts.Arm``; also where the operation ended badly, and
        something may be changed all the same.
    :raises Conflict: Azure noticed a concurrent change (409, 412).
    """

    async def get(self, path: str, query: Mapping[str, str] = ...) -> Mapping[str, Any]: ...

    async def put(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]: ...

    async def patch(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]: ...

    async def delete(self, path: str) -> None: ...


@dataclass(frozen=True, slots=True)
class AssignRole(Step):
    """Assign a role to a service principal or managed identity. ``role``: the id of its definition.

    The assignment's name follows from what it says, so that writing it twice makes one. ``otherwise``: the
    words of a command that does it, too, and more.
    """

    actions: ClassVar[tuple[str, ...]] = (
        "Microsoft.Authorization/roleAssignments/delete",
        "Microsoft.Authorization/roleAssignments/read",
        "Microsoft.Authorization/roleAssignments/write",
    )

    scope: str
    role: str
    role_name: str
    principal: str
    principal_words: str
    condition: str = ""
    otherwise: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        said = "|".join((self.scope.lower(), self.role.lower(), self.principal.lower(), self.condition))
        name = uuid.uuid5(uuid.NAMESPACE_URL, said)
        return f"{self.scope}/providers/Microsoft.Authorization/roleAssignments/{name}"

    def diff(self) -> Diff:
        only = f", where {self.condition}" if self.condition else ""
        return Diff(self.scope, "", f"{self.role_name} for {self.principal_words} ({self.principal}){only}")

    def commands(self) -> tuple[str, ...]:
        words = ["az", "role", "assignment", "create", "--assignee-object-id", self.principal]
        words += ["--assignee-principal-type", "ServicePrincipal", "--role", self.role_name]
        words += ["--scope", self.scope]
        if self.condition:
            words += ["--condition", self.condition, "--condition-version", "2.0"]
        other = (
            f"  # or, putting the whole cluster anew: {shlex.join(self.otherwise)}" if self.otherwise else ""
        )
        return (shlex.join(words) + other,)

    def inverse(self) -> UnassignRole:
        return UnassignRole(self)

    async def look(self, arm: ArmWriter) -> Standing:
        return Standing.AFTER if await _is_there(self, arm) else Standing.BEFORE

    async def write(self, arm: ArmWriter) -> AssignRole:
        properties = {
            "roleDefinitionId": self.role,
            "principalId": self.principal,
            "principalType": "ServicePrincipal",  # or a new identity may not be found yet
        }
        if self.condition:
            properties |= {"condition": self.condition, "conditionVersion": "2.0"}
        try:
            await arm.put(self.id, {"properties": properties})
        except NotFound as why:
            raise Conflict(f"{self.scope} changed meanwhile: {why}") from None
        return self


@dataclass(frozen=True, slots=True)
class UnassignRole(Step):
    """Only ever the way back from ``AssignRole``, and only of that very assignment."""

    made: AssignRole

    def diff(self) -> Diff:
        there = self.made.diff()
        return Diff(there.target, there.after, "")

    def commands(self) -> tuple[str, ...]:
        return (shlex.join(["az", "role", "assignment", "delete", "--ids", self.made.id]),)

    def inverse(self) -> AssignRole:
        return self.made

    async def look(self, arm: ArmWriter) -> Standing:
        return Standing.BEFORE if await _is_there(self.made, arm) else Standing.AFTER

    async def write(self, arm: ArmWriter) -> UnassignRole:
        await arm.delete(self.made.id)
        return self


async def _is_there(made: AssignRole, arm: ArmWriter) -> bool:
    """:raises Conflict: under this name something else is there"""
    try:
        found = await arm.get(made.id)
    except NotFound:
        return False
    if word(found, "properties", "principalId").lower() != made.principal.lower():
        raise Conflict(f"{made.id} is an assignment to somebody else")
    return True
