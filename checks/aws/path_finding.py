"""How it is found out which way each errand of a pull takes out of its subnet.

The VPC's resolver answers first: where an interface endpoint has private DNS, its name leads to it from the
whole VPC, from public subnets too. Then the route table: a gateway endpoint's prefix list is more specific
than any default route, so layers take it even where there is a NAT gateway. Else the public way. What may
be answered by somebody whom we do not see (a hub's hosted zone, an own DNS server) is uncertain, not dead.

To a registry that is none of ECR there is the public way only, where it is on the internet at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks.aws.addresses import is_private
from checks.aws.clue import Clue
from checks.aws.destinations import Destination, Errand
from checks.aws.dns import DnsAttributes, DnsServers, HostedZones
from checks.aws.endpoints import Endpoint, Endpoints
from checks.aws.interface import Interface
from checks.aws.paths import Path, Paths, Unused
from checks.aws.routing import DEAD, Outward, Way, outward, to_other_networks
from checks.aws.vpc import RouteTable, RouteTables
from checks.graph import fact


@dataclass(frozen=True, slots=True, eq=False)  # large, and made once for each VPC
class Network:
    """What decides in a whole VPC, whoever is in it."""

    tables: RouteTables
    endpoints: Endpoints
    attributes: DnsAttributes
    servers: DnsServers
    zones: HostedZones


@fact()
def network(
    tables: RouteTables,
    endpoints: Endpoints,
    attributes: DnsAttributes,
    servers: DnsServers,
    zones: HostedZones,
) -> Network:
    return Network(tables, endpoints, attributes, servers, zones)


@fact()
def paths(interface: Interface, destination: Destination, clue: Clue, network: Network) -> Paths:
    table = network.tables.of(interface.subnet)
    engine = _Engine(interface, destination, clue, network, table)
    for_ecr = (Errand.TOKEN, Errand.MANIFEST)
    asked = destination.errands
    if clue.errand is not None and clue.errand not in asked:
        asked = (clue.errand, *asked)
    return Paths(
        interface=interface,
        destination=destination,
        clue=clue,
        table=table.id,
        items=tuple(engine.path(errand) for errand in asked),
        meant_to_be_private=any(engine.serving(errand) for errand in for_ecr),
    )


@dataclass(frozen=True, slots=True)
class _Engine:
    interface: Interface
    destination: Destination
    clue: Clue
    network: Network
    table: RouteTable

    def serving(self, errand: Errand) -> list[Endpoint]:
        """The VPC's endpoints for the errand, whatever their state."""
        ecr = self.destination.ecr
        if ecr is None:
            return []
        return [
            one
            for one in self.network.endpoints.items
            if ecr.is_served_by(one.service, errand) and one.service_region in ("", ecr.region)
        ]

    def path(self, errand: Errand) -> Path:
        ecr = self.destination.ecr
        return self._elsewhere(errand) if ecr is None else self._in_ecr(errand, plain=ecr.plain)

    def _elsewhere(self, errand: Errand) -> Path:
        path = Path(errand, Way.NOWHERE, port=self.destination.port)
        dialled = self.clue.dialled(errand)
        if dialled and is_private(dialled):
            why = f"{dialled} was dialled, and where that is, is not seen from here"
            return replace(path, way=Way.UNCERTAIN, why=why, inside=True)
        why = "" if dialled else self._may_be_private()
        if why:
            return replace(path, way=Way.UNCERTAIN, why=why)
        path = self._public(path if dialled else self._by_hosted_zone(path))
        if path.way is Way.NOWHERE and not dialled and not self.interface.managed:
            return replace(path, way=Way.UNCERTAIN, why=f"{self.table.id} leads out to a proxy at most")
        return path

    def _may_be_private(self) -> str:
        """Why the name may stand for a private address, for all that is seen, or ""."""
        host, names = self.destination.host, self.network
        if not self.destination.familiar:
            return f"whether {host} is on the internet is not known"
        doubt = names.zones.unread or names.servers.unread
        if not doubt and not names.servers.amazon:
            doubt = f"the VPC has DNS servers of its own, which may answer for {host}"
        return doubt

    def _in_ecr(self, errand: Errand, *, plain: bool) -> Path:
        serving = self.serving(errand)
        by_name = [one for one in serving if not one.gateway]
        if by_name and not plain:
            return Path(errand, Way.UNCERTAIN, why="whether an endpoint answers for this name is not certain")
        path = self._by_name(errand, by_name) if by_name else Path(errand, Way.NOWHERE, unused=Unused.ABSENT)
        if path.way is Way.NOWHERE:
            path = self._by_hosted_zone(path)
        if path.way is Way.NOWHERE and errand is Errand.LAYERS:
            path = self._by_gateway(path, [one for one in serving if one.gateway])
        return self._public(path)

    def _by_name(self, errand: Errand, serving: list[Endpoint]) -> Path:
        """By an interface endpoint, or NOWHERE with the reason why not."""
        best = min(serving, key=lambda one: (not one.available, not one.private_dns, one.id))
        if not best.available:
            return Path(errand, Way.NOWHERE, endpoint=best, unused=Unused.NOT_AVAILABLE)
        if not best.private_dns:
            return Path(errand, Way.NOWHERE, endpoint=best, unused=Unused.NO_PRIVATE_DNS)
        attributes, servers = self.network.attributes, self.network.servers
        if not (attributes.support and attributes.hostnames):
            return Path(errand, Way.NOWHERE, endpoint=best, unused=Unused.NO_VPC_DNS)
        unread = attributes.unread or servers.unread
        doubt = unread
        if not doubt and not servers.amazon:
            doubt = f"whether the VPC's own DNS servers know {best.id} is not known"
        if not doubt or self._dialled_privately(errand):
            return Path(errand, Way.ENDPOINT, endpoint=best)
        return Path(errand, Way.UNCERTAIN, endpoint=best, why=doubt, unread=unread)

    def _dialled_privately(self, errand: Errand) -> bool:
        dialled = self.clue.dialled(errand)
        return bool(dialled) and is_private(dialled)

    def _by_gateway(self, path: Path, serving: list[Endpoint]) -> Path:
        """By a gateway endpoint in the route table, or NOWHERE with the reason why not."""
        known = {one.id: one for one in self.network.endpoints.items}
        for route in self.table.routes:
            if not isinstance(route.to, str) or not route.via.startswith("vpce-"):
                continue
            endpoint = known.get(route.via)
            if endpoint is None:
                return replace(path, way=Way.UNCERTAIN, route=route, why=f"EC2 does not show {route.via}")
            if endpoint not in serving:
                continue  # DynamoDB's, or that of S3 in another region
            if route.active and endpoint.available:
                return Path(path.errand, Way.GATEWAY, route, endpoint)
            return Path(path.errand, Way.BLACKHOLE, route, endpoint, Unused.NOT_AVAILABLE)
        if serving and path.unused is Unused.ABSENT:
            unused = Unused.NOT_ROUTED if serving[0].available else Unused.NOT_AVAILABLE
            return replace(path, endpoint=serving[0], unused=unused)
        return path

    def _by_hosted_zone(self, path: Path) -> Path:
        """To wherever a private name leads, which we do not see, or NOWHERE."""
        zone = self.network.zones.zone_of(self.destination.host_of(path.errand))
        dialled = self.clue.dialled(path.errand)
        why = f"the private hosted zone {zone} answers for the name" if zone else ""
        if not why and self._dialled_privately(path.errand):
            why = f"{dialled} was dialled, and no endpoint of this VPC is known to have it"
        return replace(path, way=Way.UNCERTAIN, why=why) if why else path

    def _public(self, path: Path) -> Path:
        """By the route table, unless the way may be hidden from us."""
        dialled = self.clue.dialled(path.errand)
        public = dialled if dialled and ":" not in dialled else ""
        if path.way is not Way.NOWHERE:
            return path
        found = outward(self.table, self.interface.public_address, public)
        if self.interface.unread and found.way in (Way.INTERNET, Way.NO_ADDRESS):
            return replace(path, way=Way.UNCERTAIN, route=found.route, why=self.interface.unread)
        if found.way in DEAD and not public:
            found = self._unless_hidden(path, found)
            if found.way in DEAD and (why := self._by_ipv6()):
                return replace(path, way=Way.UNCERTAIN, route=found.route, why=why, six=True)
        return replace(path, way=found.way, route=found.route, why=found.why)

    def _by_ipv6(self) -> str:
        """The way that may be open to IPv6 where there is none for IPv4, in words, or ""."""
        table = self.table
        if self.destination.dual_stack and table.six:
            return f"the name has addresses of IPv6, too, and {table.id} leads those to {table.six}"
        return f"with DNS64, {table.id} leads to {table.nat64} by IPv6" if table.nat64 else ""

    def _unless_hidden(self, path: Path, found: Outward) -> Outward:
        """A dead end on paper may be none where names or endpoints are out of our sight."""
        others = to_other_networks(self.table)
        names = self.network
        if others:
            why = f"the name may lead to an endpoint behind the route {others[0]}"
            return Outward(Way.UNCERTAIN, found.route, why)
        if self.table.owner not in ("", self.interface.account):
            why = f"the network belongs to account {self.table.owner}, whose endpoints we do not see"
            return Outward(Way.UNCERTAIN, found.route, why)
        if path.unused is Unused.NO_PRIVATE_DNS and (names.zones.unread or not names.servers.amazon):
            why = names.zones.unread or names.servers.unread or "the VPC has DNS servers of its own"
            return Outward(Way.UNCERTAIN, found.route, why)
        return found
