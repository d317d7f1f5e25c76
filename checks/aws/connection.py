"""Everything that decides how a pull's packets fare, in one value: what if one thing of it were changed?

Remedies change it on paper and ask the same checks again; nothing is offered that would not help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from checks.aws.clue import Clue
from checks.aws.destinations import Destination, Registry
from checks.aws.dns import DnsAttributes, DnsServers
from checks.aws.endpoints import Endpoint, Endpoints
from checks.aws.interface import Interface, VpcId
from checks.aws.network_acls import NetworkAcl, NetworkAcls
from checks.aws.path_finding import Network, paths
from checks.aws.paths import Path, Paths
from checks.aws.security_groups import SecurityGroup, SecurityGroups
from checks.aws.vpc import NatGateways, Route, RouteTable, RouteTables, Subnets
from checks.graph import Check, fact
from checks.model import Verdict


@dataclass(frozen=True, slots=True, eq=False)  # large, and made once for each VPC
class Filters:
    """What lets packets through, and where. What could not be read is ``None``."""

    groups: SecurityGroups | None
    acls: NetworkAcls | None
    subnets: Subnets | None
    gateways: NatGateways | None


@fact()
def filters(
    groups: SecurityGroups | None,
    acls: NetworkAcls | None,
    subnets: Subnets | None,
    gateways: NatGateways | None,
) -> Filters:
    return Filters(groups, acls, subnets, gateways)


@dataclass(frozen=True, slots=True, eq=False)  # large, and made once for each pull
class Connection:
    interface: Interface
    destination: Destination
    clue: Clue
    network: Network
    filters: Filters

    @property
    def registry(self) -> Registry:
        """:raises NotApplicable: it is none of ECR."""
        return self.destination.registry

    @property
    def vpc(self) -> VpcId:
        return VpcId(self.interface.region, self.interface.vpc)

    @property
    def groups(self) -> tuple[SecurityGroup, ...]:
        """The security groups that EC2 shows us."""
        return self.filters.groups.items if self.filters.groups else ()

    @property
    def acls(self) -> tuple[NetworkAcl, ...]:
        """The network ACLs that EC2 shows us."""
        return self.filters.acls.items if self.filters.acls else ()

    @property
    def paths(self) -> Paths:
        found: Paths = paths(self.interface, self.destination, self.clue, self.network)
        return found

    def says(self, check: Check, only: tuple[Path, ...] = ()) -> Verdict | None:
        """The check's verdict (on ``only`` these paths); ``None`` where it has none or lacks a fact."""
        return check.judge(self._known(only))

    def _known(self, only: tuple[Path, ...]) -> Mapping[Any, object]:
        network = self.network
        ways = replace(self.paths, items=only) if only else self.paths
        return {
            VpcId: self.vpc, Clue: self.clue, Paths: ways, RouteTables: network.tables,
            Registry: self.destination.ecr,
            DnsAttributes: network.attributes, DnsServers: network.servers,
            SecurityGroups: self.filters.groups, NetworkAcls: self.filters.acls,
            Subnets: self.filters.subnets, NatGateways: self.filters.gateways,
        }  # fmt: skip

    def with_group(self, changed: SecurityGroup) -> Connection:
        found = tuple(changed if one.id == changed.id else one for one in self.groups)
        return replace(self, filters=replace(self.filters, groups=SecurityGroups(found)))

    def with_acl(self, changed: NetworkAcl) -> Connection:
        found = tuple(changed if one.id == changed.id else one for one in self.acls)
        return replace(self, filters=replace(self.filters, acls=NetworkAcls(found)))

    def with_dns(self, *, support: bool, hostnames: bool) -> Connection:
        attributes = DnsAttributes(support, hostnames)
        return replace(self, network=replace(self.network, attributes=attributes))

    def with_public_address(self) -> Connection:
        return replace(self, interface=replace(self.interface, public_address="one of AWS's choice"))

    def with_endpoint(self, changed: Endpoint) -> Connection:
        """With it instead of the one of its id, or one more."""
        others = tuple(one for one in self.network.endpoints.items if one.id != changed.id)
        return replace(self, network=replace(self.network, endpoints=Endpoints((*others, changed))))

    def with_route_to(self, endpoint: Endpoint, prefix_list: str) -> Connection:
        """With a route to a gateway endpoint in the table of the subnet."""

        def led(table: RouteTable) -> RouteTable:
            route = Route(prefix_list, endpoint.id, active=True)
            return replace(table, routes=(*table.routes, route)) if table.id == self.paths.table else table

        tables = RouteTables(tuple(led(one) for one in self.network.tables.items))
        return replace(self, network=replace(self.network, tables=tables))


@fact()
def connection(
    interface: Interface, destination: Destination, clue: Clue, network: Network, filters: Filters
) -> Connection:
    return Connection(interface, destination, clue, network, filters)
