"""The port that changes Azure, and role assignments: made and taken away, each as a compare-and-swap."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from checks.azure.facts import rows, word
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

    async def put(
        self, path: str, body: Mapping[str, Any], if_match: str = ..., query: Mapping[str, str] = ...
    ) -> Mapping[str, Any]:
        """``if_match``: an eTag; Azure refuses where the resource has another. ``query`` as in ``get``."""
        ...

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

    async def write(self, arm: ArmWriter) -> AssignRole | FoundAssigned:
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
        except Conflict:
            if await _is_there(self, arm):
                return self
            if theirs := await _of_somebody_else(self, arm):
                return FoundAssigned(self, theirs)
            raise
        return self


@dataclass(frozen=True, slots=True)
class FoundAssigned(Step):
    """Somebody gave the very role in the same moment. It is theirs, and so not ours to take away."""

    wanted: AssignRole
    theirs: str

    def diff(self) -> Diff:
        there = self.wanted.diff()
        return Diff(there.target, there.after, f"{there.after}, as somebody else gave it meanwhile")

    def commands(self) -> tuple[str, ...]:
        return ()

    def inverse(self) -> None:
        return None

    async def look(self, arm: ArmWriter) -> Standing:
        try:
            await arm.get(self.theirs)
        except NotFound:
            return Standing.ELSEWHERE
        return Standing.AFTER

    async def write(self, arm: ArmWriter) -> FoundAssigned:
        raise Conflict(f"there is nothing to do for {self.theirs}")


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


async def find(id: str, arm: ArmWriter) -> Mapping[str, Any] | None:
    """The resource as it is now, ``None`` if it is not there."""
    try:
        return await arm.get(id)
    except NotFound:
        return None


async def _is_there(made: AssignRole, arm: ArmWriter) -> bool:
    """:raises Conflict: under this name something else is there"""
    found = await find(made.id, arm)
    if found is None:
        return False
    if word(found, "properties", "principalId").lower() != made.principal.lower():
        raise Conflict(f"{made.id} is an assignment to somebody else")
    return True


async def _of_somebody_else(wanted: AssignRole, arm: ArmWriter) -> str:
    """The id of an assignment of the same role to the same principal at the same scope, or ""."""
    found = await arm.get(
        f"{wanted.scope}/providers/Microsoft.Authorization/roleAssignments",
        {"$filter": f"atScope() and assignedTo('{wanted.principal}')"},
    )
    same = (
        one for one in rows(found, "value")
        if word(one, "properties", "principalId").lower() == wanted.principal.lower()
        and word(one, "properties", "scope").rstrip("/").lower() == wanted.scope.rstrip("/").lower()
        and word(one, "properties", "roleDefinitionId").rpartition("/")[2].lower()
        == wanted.role.rpartition("/")[2].lower()
    )  # fmt: skip
    return next(
        (word(one, "id") for one in same if word(one, "properties", "condition") == wanted.condition), ""
    )
