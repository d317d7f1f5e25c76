"""A private DNS zone linked to a network, and the link taken away again."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from checks.azure.facts import ResourceId, block, rows, word
from checks.model import NotFound
from handlers.remedies.azure.removal import Removal
from handlers.remedies.azure.steps import ArmWriter, find
from handlers.remedy import Conflict, Diff, Standing, Step


@dataclass(frozen=True, slots=True)
class LinkZone(Step):
    """The link's name follows from the network, so that writing it twice makes one."""

    actions: ClassVar[tuple[str, ...]] = (
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks/delete",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks/read",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks/write",
        "Microsoft.Network/virtualNetworks/join/action",
    )

    zone: str
    network: str

    @property
    def id(self) -> str:
        network = ResourceId(self.network)
        own = uuid.uuid5(uuid.NAMESPACE_URL, network.key).hex[:8]
        return f"{self.zone}/virtualNetworkLinks/{network.name}-{own}"

    def diff(self) -> Diff:
        return Diff(self.zone, "", f"linked to {self.network}, without registering its machines")

    def commands(self) -> tuple[str, ...]:
        words = [*zone_link("create", self.id), "--virtual-network", self.network]
        return (shlex.join([*words, "--registration-enabled", "false"]),)

    def inverse(self) -> UnlinkZone:
        return UnlinkZone(self)

    async def look(self, arm: ArmWriter) -> Standing:
        found = await find(self.id, arm)
        if found is not None:
            return Standing.AFTER if self.is_described_by(found) else Standing.ELSEWHERE
        try:
            links = rows(await arm.get(f"{self.zone}/virtualNetworkLinks"), "value")
        except NotFound:
            return Standing.ELSEWHERE
        linked = {ResourceId(word(one, "properties", "virtualNetwork", "id")) for one in links}
        return Standing.ELSEWHERE if ResourceId(self.network) in linked else Standing.BEFORE

    async def write(self, arm: ArmWriter) -> LinkZone:
        properties = {"virtualNetwork": {"id": self.network}, "registrationEnabled": False}
        try:
            await arm.put(self.id, {"location": "global", "properties": properties})
        except NotFound as why:
            raise Conflict(f"the zone or the network is gone: {why}") from None
        return self

    def is_described_by(self, found: Mapping[str, Any]) -> bool:
        has = block(found, "properties")
        return (
            ResourceId(word(has, "virtualNetwork", "id")) == ResourceId(self.network)
            and has.get("registrationEnabled") is not True
            and word(has, "resolutionPolicy").lower() in ("", "default")
        )


@dataclass(frozen=True, slots=True)
class UnlinkZone(Removal):
    """Only ever the way back from ``LinkZone``, and only of that very link."""

    made: LinkZone

    def commands(self) -> tuple[str, ...]:
        return (shlex.join([*zone_link("delete", self.made.id), "--yes"]),)

    def inverse(self) -> LinkZone:
        return self.made


def zone_link(verb: str, id: str) -> list[str]:
    """The words of `az network private-dns link vnet` about one link."""
    link = ResourceId(id)
    where = ["--subscription", link.subscription, "--resource-group", link.group]
    words = ["az", "network", "private-dns", "link", "vnet", verb, *where]
    return [*words, "--zone-name", link.parent.name, "--name", link.name]
