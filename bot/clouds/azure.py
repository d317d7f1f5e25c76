"""What a cluster is given of Azure: reading and changing are different clients, of different identities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.clouds._azure import ArmReader, GraphReader
from bot.clouds._azure_credentials import Identities
from bot.clouds._azure_hands import AzureHands
from bot.clouds._azure_http import AzureConnection
from checks.azure.facts import Arm, Graph
from handlers.remedies.azure.steps import ArmWriter

__all__ = ["Azure", "Endpoints", "Identities"]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where ARM and Microsoft Graph are; sovereign clouds have their own."""

    resource_manager: str = "https://management.azure.com"
    graph: str = "https://graph.microsoft.com"


class Azure:
    """Nothing is asked, and nothing of the SDK imported, before a fact wants something.

    :param write_client_id: of the managed or workload identity that plans are carried out as; "" for the
        one that reads, too
    :param identities: shared with other clusters, and closed by whoever made them; ``None`` for own ones
    """

    def __init__(
        self, endpoints: Endpoints, write_client_id: str = "", identities: Identities | None = None
    ) -> None:
        known = identities or Identities()
        self._own = known if identities is None else None
        self._arm = AzureConnection(endpoints.resource_manager, known.of())
        self._graph = AzureConnection(endpoints.graph, known.of())
        self._hands = AzureConnection(endpoints.resource_manager, known.of(write_client_id))
        # Facts are remembered by the clients that they asked: each is always the same.
        self.roots: dict[Any, object] = {Arm: ArmReader(self._arm), Graph: GraphReader(self._graph)}
        self.hands: dict[Any, object] = {ArmWriter: AzureHands(self._hands)}

    @property
    def calls(self) -> int:
        """Reads, as they went out; pages count, retries do not."""
        return self._arm.calls + self._graph.calls

    async def close(self) -> None:
        for one in (self._arm, self._graph, self._hands):
            await one.close()
        if self._own is not None:
            await self._own.close()
