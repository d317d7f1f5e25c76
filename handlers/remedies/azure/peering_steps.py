"""One side of a peering: made and taken away, or told of what the other network has become.

A peering is a resource in each of two networks. As long as only one is there it is Initiated; with both, each
is Connected. Take one of them away, and the other is Disconnected from then on: it waits for nobody any more
(learn.microsoft.com/azure/virtual-network/virtual-network-manage-peering).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from checks.azure.facts import ResourceId, block, rows, word, words
from checks.model import NotFound
from handlers.remedies.azure.removal import Removal
from handlers.remedies.azure.steps import ArmWriter, find
from handlers.remedy import Conflict, Diff, Standing, Step

_WAITING = frozenset({"initiated", "connected"})


@dataclass(frozen=True, slots=True)
class MakePeering(Step):
    """``id`` is of the side that is missing, ``remote`` the other network, ``other`` the side that is there.

    ``gateway``: the other side uses this network's gateway, which it may only where this side lets it.
    """

    actions: ClassVar[tuple[str, ...]] = (
        "Microsoft.Network/virtualNetworks/peer/action",
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete",
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
    )

    id: str
    remote: str
    other: str
    gateway: bool = False

    @property
    def network(self) -> str:
        return str(ResourceId(self.id).parent)

    def diff(self) -> Diff:
        more = ", and lets it use this network's gateway" if self.gateway else ""
        return Diff(self.network, "", f"peered with {self.remote}: lets its traffic in{more}")

    def commands(self) -> tuple[str, ...]:
        words = [*peering("create", self.id), "--remote-vnet", self.remote, "--allow-vnet-access", "true"]
        words += ["--allow-gateway-transit", "true"] if self.gateway else []
        return (shlex.join(words),)

    def inverse(self) -> RemovePeering:
        return RemovePeering(self)

    async def look(self, arm: ArmWriter) -> Standing:
        found = await find(self.id, arm)
        if found is not None:
            return Standing.AFTER if self.is_described_by(found) else Standing.ELSEWHERE
        try:
            other = await arm.get(self.other)
            taken = rows(await arm.get(f"{self.network}/virtualNetworkPeerings"), "value")
        except NotFound:
            return Standing.ELSEWHERE
        remotes = {ResourceId(word(one, "properties", "remoteVirtualNetwork", "id")) for one in taken}
        waits = word(other, "properties", "peeringState").lower() in _WAITING
        return Standing.BEFORE if waits and ResourceId(self.remote) not in remotes else Standing.ELSEWHERE

    async def write(self, arm: ArmWriter) -> MakePeering:
        properties = {
            "remoteVirtualNetwork": {"id": self.remote},
            "allowVirtualNetworkAccess": True,
            "allowForwardedTraffic": False,
            "allowGatewayTransit": self.gateway,
            "useRemoteGateways": False,
        }
        try:
            await arm.put(self.id, {"properties": properties})
        except NotFound as why:
            raise Conflict(f"a network that should be peered is gone: {why}") from None
        return self

    def is_described_by(self, found: Mapping[str, Any]) -> bool:
        has = block(found, "properties")
        return (
            ResourceId(word(has, "remoteVirtualNetwork", "id")) == ResourceId(self.remote)
            and has.get("allowVirtualNetworkAccess") is not False
            and has.get("allowForwardedTraffic") is not True
            and (has.get("allowGatewayTransit") is True) is self.gateway
            and has.get("useRemoteGateways") is not True
        )


@dataclass(frozen=True, slots=True)
class RemovePeering(Removal):
    """Only ever the way back from ``MakePeering``; no remedy plans it."""

    made: MakePeering

    def commands(self) -> tuple[str, ...]:
        return (shlex.join(peering("delete", self.made.id)),)

    def inverse(self) -> MakePeering:
        return self.made


@dataclass(frozen=True, slots=True)
class SyncPeering(Step):
    """One side learns of the prefixes that the other network has by now. There is no way back."""

    actions: ClassVar[tuple[str, ...]] = MakePeering.actions

    id: str
    known: tuple[str, ...]
    current: tuple[str, ...]

    def diff(self) -> Diff:
        return Diff(self.id, f"leads to {', '.join(self.known)}", f"leads to {', '.join(self.current)}")

    def commands(self) -> tuple[str, ...]:
        return (shlex.join(peering("sync", self.id)),)

    def inverse(self) -> None:
        return None

    async def look(self, arm: ArmWriter) -> Standing:
        try:
            has = block(await arm.get(self.id), "properties")
        except NotFound:
            return Standing.ELSEWHERE
        known = set(words(has, "remoteAddressSpace", "addressPrefixes"))
        if known == set(self.current):
            return Standing.AFTER
        return Standing.BEFORE if known == set(self.known) else Standing.ELSEWHERE

    async def write(self, arm: ArmWriter) -> SyncPeering:
        """What is put is what was read a moment before, under its etag: only the query asks for more."""
        try:
            found = await arm.get(self.id)
            properties = dict(block(found, "properties"))
            sync = {"syncRemoteAddressSpace": "true"}
            await arm.put(self.id, {"properties": properties}, if_match=word(found, "etag"), query=sync)
        except NotFound as why:
            raise Conflict(f"the peering {self.id} is gone: {why}") from None
        return self


def peering(verb: str, id: str) -> list[str]:
    """The words of `az network vnet peering` about one side."""
    side = ResourceId(id)
    where = ["--subscription", side.subscription, "--resource-group", side.group]
    return [
        "az",
        "network",
        "vnet",
        "peering",
        verb,
        *where,
        "--vnet-name",
        side.parent.name,
        "--name",
        side.name,
    ]
