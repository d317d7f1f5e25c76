"""Worlds where the way from AKS to ACR is broken, public and private."""

from __future__ import annotations

from bot.demo import azure_world as public
from tests.fakes import azure_network as net
from tests.fakes import azure_private as private
from tests.fakes.aks import ANONYMOUS, IMAGE
from tests.fakes.azure_worlds import APPLICATION, Maker, World, healthy, service_principal

_FAILED = f'Failed to pull image "{IMAGE}": failed to resolve reference "{IMAGE}": '
_MANIFEST = "https://contoso.azurecr.io/v2/shop/web/manifests/1.4"
FORBIDDEN = f"{_FAILED}failed to authorize: failed to fetch anonymous token: unexpected status: 403 Forbidden"
TIMEOUT = f'{_FAILED}failed to do request: Head "{_MANIFEST}": dial tcp 20.61.97.128:443: i/o timeout'
PRIVATE_TIMEOUT = f'{_FAILED}failed to do request: Head "{_MANIFEST}": dial tcp 10.10.0.4:443: i/o timeout'
NO_NAME = (
    f'{_FAILED}failed to do request: Head "{_MANIFEST}": dial tcp: lookup contoso.azurecr.io: no such host'
)


# ---- in a network of its owner's, to the public endpoint


def own_network(message: str = TIMEOUT) -> World:
    return World(net.own_network(public.public_world()), message)


def others_admitted() -> World:
    """The registry's firewall admits others only."""
    world = own_network(FORBIDDEN)
    net.restrict(world.azure, "198.51.100.7")
    return world


def others_admitted_behind_nat() -> World:
    """As before, and the nodes leave by a NAT gateway, with an address and a block of them."""
    world = others_admitted()
    several = net.address(world.azure, "a", "20.6.0.1"), net.address(world.azure, "b", "20.6.1.0/28")
    net.through_nat(world.azure, *several)
    return world


def others_admitted_behind_firewall() -> World:
    world = others_admitted()
    net.egress(world.azure)
    return world


def others_admitted_from_nodes() -> World:
    """Each node has a public address of its own."""
    world = others_admitted()
    world.azure.get(public.AKS)["properties"]["agentPoolProfiles"][0]["enableNodePublicIP"] = True
    id = f"{net.SCALE_SET}/publicipaddresses/pub1"
    world.azure.put({"id": id, "name": "pub1", "properties": {"ipAddress": "20.7.0.1"}})
    return world


def shut_by_group() -> World:
    world = own_network()
    net.guard(world.azure, net.SUBNET_GROUP, net.rule("no-internet", 200, "Deny", "Internet"))
    return world


def led_nowhere() -> World:
    """A route that drops everything."""
    world = own_network()
    net.routes(world.azure, everything="0.0.0.0/0 None")
    return world


def shut_by_firewall() -> World:
    world = own_network()
    net.egress(world.azure)
    group = f"{net.POLICY}/ruleCollectionGroups/aks"
    del world.azure.resources[group.lower()]
    names = net.by_name("others", "*.example.com")
    net.put_group(world.azure, net.POLICY, net.group("aks", 200, net.collection("x", 100, "Allow", names)))
    return world


def shut_by_firewall_for_a_group() -> World:
    """A rule for a group of addresses that the nodes are in goes before the one that lets pulls through."""
    world = own_network()
    net.egress(world.azure)
    nodes = net.ip_group(world.azure, "nodes", "10.1.0.0/16")
    rule = net.by_name("registries", "*.azurecr.io", sourceAddresses=[], sourceIpGroups=[nodes])
    net.put_group(world.azure, net.POLICY, net.group("no", 100, net.collection("y", 100, "Deny", rule)))
    return world


def shut_by_group_on_a_lone_machine() -> World:
    """A node that is in no scale set; the subnet is told by its network interface."""
    world = shut_by_group()
    machine = f"{public.NODE_HOME}/providers/Microsoft.Compute/virtualMachines/lone"
    interface = f"{public.NETWORK}/networkInterfaces/lone"
    identity = world.azure.get(net.SCALE_SET)["identity"]
    attached = {"networkInterfaces": [{"id": interface, "properties": {"primary": True}}]}
    where = {"subnet": {"id": private.NODES}, "privateIPAddress": "10.1.0.4", "primary": True}
    addresses = {"ipConfigurations": [{"name": "ipconfig1", "properties": where}], "primary": True}
    more = {"location": "westeurope"}
    world.azure.put(
        {"id": machine, "name": "lone", "identity": identity, "properties": {"networkProfile": attached}}
        | more
    )
    world.azure.put({"id": interface, "name": "lone", "properties": addresses} | more)
    world.provider_id = f"azure://{machine}"
    return world


def taken_identity(world: World) -> World:
    """The node's machine does not have the identity that kubelet is told to be."""
    name = world.provider_id.removeprefix("azure://").partition("/virtualMachines/")
    machine = name[0] if "Sets/" in name[0] else "".join(name)
    world.azure.get(machine)["identity"] = {"type": "None"}
    world.message = ANONYMOUS
    return world


def without_identity() -> World:
    return taken_identity(healthy())


def without_identity_on_a_lone_machine() -> World:
    world = shut_by_group_on_a_lone_machine()
    net.guard(world.azure, net.SUBNET_GROUP)
    return taken_identity(world)


# ---- by a private endpoint in another network


def hub_and_spoke(message: str = PRIVATE_TIMEOUT) -> World:
    return World(private.private_world(public.public_world()), message)


def unlinked_zone() -> World:
    world = hub_and_spoke(FORBIDDEN)
    del world.azure.resources[private.SPOKE_LINK.lower()]
    return world


def one_sided_peering() -> World:
    world = hub_and_spoke()
    del world.azure.resources[private.TO_SPOKE.lower()]
    world.azure.get(private.TO_HUB)["properties"]["peeringState"] = "Initiated"
    return world


def unlinked_and_unpeered() -> World:
    """The name leads elsewhere, and the peering is but begun."""
    world = unlinked_zone()
    del world.azure.resources[private.TO_HUB.lower()]
    world.azure.get(private.TO_SPOKE)["properties"]["peeringState"] = "Initiated"
    return world


def pending_endpoint() -> World:
    world = hub_and_spoke()
    registry = world.azure.get(public.ACR)["properties"]
    registry["privateEndpointConnections"] = [private.connection("Pending")]
    return world


def missing_record() -> World:
    world = hub_and_spoke(NO_NAME)
    del world.azure.resources[private.OWN_RECORD.lower()]
    return world


def application_in_private() -> World:
    """A cluster of a service principal in the spoke: the longest way to a diagnosis."""
    world = service_principal()
    assert APPLICATION in world.azure.get(public.AKS)["properties"]["servicePrincipalProfile"].values()
    private.private_world(world.azure)
    return world


PUBLIC: tuple[Maker, ...] = (
    healthy,
    own_network,
    others_admitted,
    others_admitted_behind_nat,
    others_admitted_behind_firewall,
    others_admitted_from_nodes,
    shut_by_group,
    shut_by_group_on_a_lone_machine,
    without_identity,
    without_identity_on_a_lone_machine,
    led_nowhere,
    shut_by_firewall,
    shut_by_firewall_for_a_group,
)
PRIVATE: tuple[Maker, ...] = (
    hub_and_spoke,
    unlinked_zone,
    one_sided_peering,
    unlinked_and_unpeered,
    pending_endpoint,
    missing_record,
    application_in_private,
)
ALL: tuple[Maker, ...] = (*PUBLIC, *PRIVATE)
