"""The way back from a step that made a resource of Azure's: taken away again, if it is as it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

from handlers.remedies.azure.steps import ArmWriter, find
from handlers.remedy import Diff, Standing, Step


class Made(Protocol):
    """A step that makes the resource of this id where there is none."""

    @property
    def id(self) -> str: ...

    def diff(self) -> Diff: ...

    def is_described_by(self, found: Mapping[str, Any]) -> bool:
        """Whether what is there is what this makes; else it is somebody else's."""
        ...


class Removal(Step):
    """Only ever the way back; no remedy plans it."""

    made: Made

    def diff(self) -> Diff:
        there = self.made.diff()
        return Diff(there.target, there.after, "")

    async def look(self, arm: ArmWriter) -> Standing:
        found = await find(self.made.id, arm)
        if found is None:
            return Standing.AFTER
        return Standing.BEFORE if self.made.is_described_by(found) else Standing.ELSEWHERE

    async def write(self, arm: ArmWriter) -> Self:
        await arm.delete(self.made.id)
        return self
