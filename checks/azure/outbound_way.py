"""Everything that decides how a pull's packets fare on their way to the registry, in one value.

Remedies change one thing of it on paper and ask the same checks again: what would not help is not offered,
and what would not help alone says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from checks.azure.cluster import AksCluster
from checks.azure.firewalls import FirewallRules, Firewalls
from checks.azure.networks import NodePlace, NodeSubnet
from checks.azure.outbound_admission import Admission
from checks.azure.outbound_endpoints import EndpointSide, EndpointSides
from checks.azure.outbound_errands import Destinations
from checks.azure.paths import RegistryPath
from checks.azure.registry import Registry
from checks.azure.route_tables import RouteTable, Ways
from checks.azure.security_groups import SecurityGroups
from checks.azure.security_rules import SecurityGroup
from checks.graph import Check, fact
from checks.image.facts import Asked
from checks.model import Verdict


@dataclass(frozen=True, slots=True, eq=False)  # large, and made once for each pull
class Terrain:
    """Where the nodes are, and where they go. What could not be read is ``None``."""

    asked: Asked
    wanted: Destinations | None
    subnet: NodeSubnet | None
    sides: EndpointSides | None
    ways: Ways | None

    @property
    def table(self) -> RouteTable | None:
        return self.ways.table if self.ways else None


@fact()
def terrain(
    asked: Asked,
    wanted: Destinations | None,
    subnet: NodeSubnet | None,
    sides: EndpointSides | None,
    ways: Ways | None,
) -> Terrain:
    return Terrain(asked, wanted, subnet, sides, ways)


@dataclass(frozen=True, slots=True, eq=False)  # as above
class Guards:
    """What lets packets through. What could not be read is ``None``."""

    groups: SecurityGroups | None
    firewalls: Firewalls | None
    rules: FirewallRules | None
    admission: Admission | None


@fact()
def guards(
    groups: SecurityGroups | None,
    firewalls: Firewalls | None,
    rules: FirewallRules | None,
    admission: Admission | None,
) -> Guards:
    return Guards(groups, firewalls, rules, admission)


@dataclass(frozen=True, slots=True, eq=False)  # as above
class WayOut:
    registry: Registry
    path: RegistryPath
    cluster: AksCluster
    terrain: Terrain
    guards: Guards

    def says(self, check: Check) -> Verdict | None:
        """The check's verdict; ``None`` where it has none, or lacks a fact."""
        return check.judge(self._known())

    def _known(self) -> Mapping[Any, object]:
        terrain, guards = self.terrain, self.guards
        place = NodePlace(terrain.subnet.id) if terrain.subnet else None
        return {
            Registry: self.registry, RegistryPath: self.path, AksCluster: self.cluster, NodePlace: place,
            Asked: terrain.asked,
            Destinations: terrain.wanted, NodeSubnet: terrain.subnet, EndpointSides: terrain.sides,
            RouteTable: terrain.table, Ways: terrain.ways, SecurityGroups: guards.groups,
            Firewalls: guards.firewalls, FirewallRules: guards.rules, Admission: guards.admission,
        }  # fmt: skip

    def with_group(self, changed: SecurityGroup) -> WayOut:
        """With this security group in place of the one of its id, wherever that stands."""

        def instead(one: SecurityGroup) -> SecurityGroup:
            return changed if one.id == changed.id else one

        def beside(one: EndpointSide) -> EndpointSide:
            return replace(one, group=instead(one.group)) if one.group else one

        groups, sides = self.guards.groups, self.terrain.sides
        return replace(
            self,
            guards=replace(
                self.guards, groups=SecurityGroups(tuple(map(instead, groups.all))) if groups else None
            ),
            terrain=replace(
                self.terrain, sides=EndpointSides(tuple(map(beside, sides.all))) if sides else None
            ),
        )

    def with_admitted(self, *addresses: str) -> WayOut:
        admitted = (*self.registry.admitted, *addresses)
        return replace(self, registry=replace(self.registry, admitted=admitted))


@fact()
def way_out(
    registry: Registry, path: RegistryPath, cluster: AksCluster, terrain: Terrain, guards: Guards
) -> WayOut:
    return WayOut(registry, path, cluster, terrain, guards)
