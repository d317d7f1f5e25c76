"""What a cluster is given of Azure: reading and changing are different clients, of different identities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.clouds._azure import ArmReader, AzureConnection, Credential, GraphReader
from bot.clouds._azure_hands import AzureHands
from checks.azure.facts import Arm, Graph
from handlers.remedies.azure.steps import ArmWriter


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where ARM and Microsoft Graph are; sovereign clouds have their own."""

    resource_manager: str = "https://management.azure.com"
    graph: str = "https://graph.microsoft.com"


class Azure:
    """Nothing is asked, and nothing of the SDK imported, before a fact wants something.

    :param write_client_id: of the managed or workload identity that plans are carried out as; "" for the
        one that reads, too
    """

    def __init__(self, endpoints: Endpoints, write_client_id: str = "") -> None:
        self._reading = Credential()
        self._writing = Credential(write_client_id) if write_client_id else self._reading
        self._arm = AzureConnection(endpoints.resource_manager, self._reading)
        self._graph = AzureConnection(endpoints.graph, self._reading)
        self._hands = AzureConnection(endpoints.resource_manager, self._writing)

    @property
    def calls(self) -> int:
        """Reads, as they went out; pages count, retries do not."""
        return self._arm.calls + self._graph.calls

    @property
    def roots(self) -> dict[Any, object]:
        return {Arm: ArmReader(self._arm), Graph: GraphReader(self._graph)}

    @property
    def hands(self) -> dict[Any, object]:
        return {ArmWriter: AzureHands(self._hands)}

    async def close(self) -> None:
        for one in (self._arm, self._graph, self._hands, self._reading, self._writing):
            await one.close()
