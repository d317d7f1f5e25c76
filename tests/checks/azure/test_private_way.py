"""private_endpoint_is_approved, private_dns_is_linked and peering_is_connected, on every kind of network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.demo import azure_world as world
from bot.demo.azure import Azure
from checks.azure.networks import NodePlace, NodeSubnet
from checks.azure.paths import Kind, RegistryPath, TurnedAway
from checks.azure.peering_is_connected import peering_is_connected
from checks.azure.private_dns import private_name
from checks.azure.private_dns_is_linked import private_dns_is_linked
from checks.azure.private_endpoint_is_approved import private_endpoint_is_approved
from checks.model import NotApplicable, Status, Unavailable
from tests.checks.azure.private_shelf import (
    BACK_OFF,
    FORBIDDEN,
    NO_NAME,
    NODE,
    OUTSIDE,
    SEEN,
    TIMEOUT,
    found,
    private,
    resolver,
    sure,
)
from tests.fakes import azure_private as parts
from tests.fakes.aks import ANONYMOUS

OF_LAYERS = 'Get "https://contoso.westeurope.data.azurecr.io/d": dial tcp 20.1.1.1:443: i/o timeout'
HUB_SERVERS = ["10.10.1.4", "10.10.1.5"]


def drop(azure: Azure, *ids: str) -> Azure:
    for id in ids:
        del azure.resources[id.lower()]
    return azure


def open_to(azure: Azure, default: str) -> Azure:
    registry = azure.get(world.ACR)["properties"]
    registry["publicNetworkAccess"] = "Enabled"
    registry["networkRuleSet"] = {"defaultAction": default, "ipRules": []}
    return azure


# ---- where the node is, and which address it dials


async def test_the_machines_subnet_counts_before_the_pools() -> None:
    azure = private()
    azure.get(world.AKS)["properties"]["agentPoolProfiles"][0]["vnetSubnetID"] = (
        f"{parts.SPOKE}/subnets/other"
    )
    place = await resolver(azure).get(NodePlace)
    assert (str(place.subnet), str(place.network)) == (parts.NODES, parts.SPOKE)


async def test_where_the_machines_tell_nothing_the_pool_does() -> None:
    azure = private()
    drop(azure, f"{world.NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{world.SCALE_SET}")
    assert str((await resolver(azure).get(NodePlace)).subnet) == parts.NODES


async def test_of_several_pools_without_a_label_none_is_guessed() -> None:
    azure = private()
    drop(azure, f"{world.NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{world.SCALE_SET}")
    pools = azure.get(world.AKS)["properties"]["agentPoolProfiles"]
    pools.append({"name": "np2", "vnetSubnetID": f"{parts.SPOKE}/subnets/other"})
    with pytest.raises(Unavailable, match="which of the cluster's pools"):
        await resolver(azure, node=replace(NODE, labels=())).get(NodePlace)


async def test_a_network_that_aks_made_is_in_the_nodes_group() -> None:
    azure = world.public_world()
    network = world.SUBNET.partition("/subnets/")[0]
    machines = azure.get(
        f"{world.NODE_HOME}/providers/Microsoft.Compute/virtualMachineScaleSets/{world.SCALE_SET}"
    )
    del machines["properties"]["virtualMachineProfile"]  # so that only the group tells
    subnet = azure.get(world.SUBNET)
    for one in ("networkSecurityGroup", "routeTable", "natGateway"):
        subnet["properties"][one] = {"id": f"{network}/{one}"}
    subnet["properties"]["serviceEndpoints"] = [{"service": "Microsoft.ContainerRegistry"}]
    read = await resolver(azure).get(NodeSubnet)
    assert str(read.network) == network
    assert read.prefixes == ("10.224.0.0/16",)
    assert str(read.security_group).endswith("networkSecurityGroup")
    assert str(read.route_table).endswith("routeTable")
    assert str(read.nat_gateway).endswith("natGateway")
    assert read.service_endpoints == ("Microsoft.ContainerRegistry",)


@pytest.mark.parametrize(
    ("message", "kind", "proven"),
    [
        ("", Kind.PRIVATE, False),
        (TIMEOUT, Kind.PRIVATE, True),
        (OUTSIDE, Kind.PUBLIC, True),
        (SEEN, Kind.PUBLIC, True),
        (FORBIDDEN, Kind.PRIVATE, False),
        (SEEN.replace("20.1.1.1", "10.1.0.4"), Kind.PRIVATE, False),
        (OF_LAYERS, Kind.PRIVATE, False),
    ],
)  # fmt: skip
async def test_what_the_message_tells_of_an_address_beats_what_is_configured(
    message: str, kind: Kind, proven: bool
) -> None:
    path = await resolver(private(), message).get(RegistryPath)
    assert (path.kind, path.proven) == (kind, proven)


async def test_a_registry_without_private_endpoints_is_public_without_a_read_of_networks() -> None:
    azure = private()
    azure.get(world.ACR)["properties"]["privateEndpointConnections"] = None
    asked = resolver(azure)
    assert (await asked.get(RegistryPath)).kind is Kind.PUBLIC
    told = await resolver(azure, TIMEOUT).get(RegistryPath)
    assert told.kind is Kind.UNKNOWN
    assert "has no private endpoint" in told.why


async def test_an_address_that_does_not_parse_is_none() -> None:
    assert await resolver(private(), "client with IP '999.1.1.1' is not allowed").get(
        TurnedAway
    ) == TurnedAway("")


@pytest.mark.parametrize("suffix", ["io", "cn", "us"])
def test_private_names_are_made_as_in_each_cloud(suffix: str) -> None:
    assert private_name(f"contoso.azurecr.{suffix}") == f"contoso.privatelink.azurecr.{suffix}"


# ---- private_dns_is_linked


async def test_a_missing_link_explains_a_refusal_and_a_silence_but_no_timeout_inside() -> None:
    azure = drop(private(), parts.SPOKE_LINK)
    for message in (FORBIDDEN, SEEN, BACK_OFF, OUTSIDE):
        finding = await sure(private_dns_is_linked, azure, message)
        assert finding.is_cause, message
    for message in (NO_NAME, "401 Unauthorized"):
        assert not (await sure(private_dns_is_linked, azure, message)).explains
    assert not (await sure(private_dns_is_linked, azure, TIMEOUT)).is_cause


async def test_an_endpoint_that_was_dialled_is_no_fault_of_the_names() -> None:
    azure = drop(private(), parts.SPOKE_LINK)
    azure.get(world.ACR)["properties"]["dataEndpointHostNames"] = []
    interface = azure.get(parts.INTERFACE)["properties"]
    interface["ipConfigurations"] = interface["ipConfigurations"][1:]
    assert (await sure(private_dns_is_linked, azure, TIMEOUT)).verdict.status is Status.PASS


async def test_a_registry_that_is_open_to_all_needs_no_private_name() -> None:
    azure = open_to(drop(private(), parts.SPOKE_LINK), "Allow")
    assert await found(private_dns_is_linked, azure, BACK_OFF) is None
    assert await found(peering_is_connected, azure, BACK_OFF) is None
    assert await found(private_endpoint_is_approved, azure, BACK_OFF) is None


async def test_an_endpoint_of_strangers_is_not_what_a_restricted_registry_means_for_us() -> None:
    azure = open_to(drop(private(), parts.SPOKE_LINK, parts.TO_HUB, parts.TO_SPOKE), "Deny")
    assert await found(private_dns_is_linked, azure, SEEN) is None


async def test_where_no_zone_is_seen_at_all_the_message_decides() -> None:
    azure = drop(private(), parts.ZONE, parts.SPOKE_LINK, parts.HUB_LINK)
    assert (await sure(private_dns_is_linked, azure, BACK_OFF)).verdict.status is Status.UNKNOWN
    assert (await sure(private_dns_is_linked, azure, FORBIDDEN)).verdict.status is Status.UNKNOWN
    assert (await sure(private_dns_is_linked, azure, SEEN)).is_cause


@pytest.mark.parametrize("denied", ["/virtualNetworkLinks", "/privateDnsZones"])
async def test_links_that_may_not_be_read_are_unknown(denied: str) -> None:
    azure = drop(private(), parts.SPOKE_LINK)
    for message in (FORBIDDEN, SEEN):
        finding = await sure(private_dns_is_linked, azure, message, denied)
        assert finding.verdict.status is Status.UNKNOWN
        assert "Azure denies" in finding.verdict.summary


async def test_records_that_may_not_be_read_are_unknown() -> None:
    finding = await sure(private_dns_is_linked, private(), BACK_OFF, "/privatelink.azurecr.io/A")
    assert finding.verdict.status is Status.UNKNOWN


async def test_subscriptions_that_may_not_be_listed_leave_those_that_are_near() -> None:
    azure = drop(private(), parts.SPOKE_LINK)
    assert (await sure(private_dns_is_linked, azure, FORBIDDEN, "/subscriptions")).is_cause


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_who_comes_over_the_internet_is_not_hindered_by_another_teams_endpoint(status: str) -> None:
    azure = drop(open_to(private(), "Deny"), parts.TO_HUB, parts.TO_SPOKE, parts.SPOKE_LINK)
    [connection] = azure.get(world.ACR)["properties"]["privateEndpointConnections"]
    connection["properties"]["privateLinkServiceConnectionState"]["status"] = status
    for message in (FORBIDDEN, SEEN):
        assert await found(private_endpoint_is_approved, azure, message) is None
        for unread in ("/virtualNetworkPeerings", parts.ENDPOINT):
            told = await sure(private_endpoint_is_approved, azure, message, unread)
            assert told.verdict.status is Status.UNKNOWN
            assert unread.rpartition("/")[2] in told.verdict.summary


async def test_without_any_zone_in_sight_a_refusal_tells_that_the_nodes_come_over_the_internet() -> None:
    """Other teams' endpoints of a registry that admits addresses."""
    azure = drop(open_to(private(), "Deny"), parts.TO_HUB, parts.TO_SPOKE, parts.ZONE)
    assert (await resolver(azure, FORBIDDEN).get(RegistryPath)).kind is Kind.PUBLIC
    assert (await resolver(azure, BACK_OFF).get(RegistryPath)).kind is Kind.UNKNOWN
    assert (await resolver(azure, FORBIDDEN, "/privateDnsZones").get(RegistryPath)).kind is Kind.UNKNOWN


async def test_an_endpoint_in_the_hub_beside_is_meant_for_the_nodes() -> None:
    azure = open_to(private(), "Deny")
    [connection] = azure.get(world.ACR)["properties"]["privateEndpointConnections"]
    connection["properties"]["privateLinkServiceConnectionState"]["status"] = "Pending"
    assert (await sure(private_endpoint_is_approved, azure, FORBIDDEN)).is_cause


async def test_the_endpoint_of_another_team_out_of_sight_hides_nothing_of_ours() -> None:
    azure = drop(private(), parts.SPOKE_LINK)
    theirs = parts.ENDPOINT.replace(world.SUBSCRIPTION, "theirs")
    connections = azure.get(world.ACR)["properties"]["privateEndpointConnections"]
    approved = connections[0]["properties"]["privateLinkServiceConnectionState"]
    another = {"privateEndpoint": {"id": theirs}, "privateLinkServiceConnectionState": approved}
    connections.append({"id": f"{world.ACR}/privateEndpointConnections/theirs", "properties": another})
    of_theirs = "/subscriptions/theirs/providers/Microsoft.Network/privateDnsZones"
    for message in (FORBIDDEN, SEEN):
        assert (await sure(private_dns_is_linked, azure, message, of_theirs, theirs)).is_cause


async def test_a_zone_in_a_subscription_of_its_own_is_found() -> None:
    azure = drop(private(), parts.ZONE, parts.SPOKE_LINK, parts.HUB_LINK)
    azure.put({"id": "/subscriptions/dns", "subscriptionId": "dns"})
    zone = parts.ZONE.replace(world.SUBSCRIPTION, "dns")
    azure.put({"id": zone, "name": "privatelink.azurecr.io", "properties": {}})
    azure.put(parts.link(f"{zone}/virtualNetworkLinks/spoke", parts.SPOKE))
    for id, address in ((parts.OWN_RECORD, parts.OWN), (parts.LAYERS_RECORD, parts.LAYERS)):
        azure.put(parts.record(id.replace(world.SUBSCRIPTION, "dns"), address))
    assert (await sure(private_dns_is_linked, azure)).verdict.status is Status.PASS


async def test_a_hubs_dns_servers_see_what_the_hub_is_linked_to() -> None:
    azure = drop(private(), parts.SPOKE_LINK)
    azure.get(parts.SPOKE)["properties"]["dhcpOptions"] = {"dnsServers": HUB_SERVERS}
    assert (await sure(private_dns_is_linked, azure, FORBIDDEN)).verdict.status is Status.PASS
    finding = await sure(private_dns_is_linked, drop(azure, parts.HUB_LINK), FORBIDDEN)
    assert finding.is_cause
    assert finding.verdict.about == parts.HUB


async def test_a_closed_registry_that_asks_who_pulls_was_reached_whatever_is_linked() -> None:
    azure = drop(private(), parts.SPOKE_LINK, parts.HUB_LINK)
    azure.get(parts.SPOKE)["properties"]["dhcpOptions"] = {"dnsServers": HUB_SERVERS}
    finding = await sure(private_dns_is_linked, azure, ANONYMOUS)
    assert finding.verdict.status is Status.UNKNOWN
    assert "by other means" in finding.verdict.summary
    assert (await sure(private_dns_is_linked, azure, FORBIDDEN)).is_cause


async def test_dns_servers_of_an_unknown_network_are_unknown() -> None:
    azure = drop(private(), parts.SPOKE_LINK)
    azure.get(parts.SPOKE)["properties"]["dhcpOptions"] = {"dnsServers": ["192.168.7.7"]}
    assert (await sure(private_dns_is_linked, azure, FORBIDDEN)).verdict.status is Status.UNKNOWN


async def test_a_record_is_called_what_it_says_with_or_without_an_id() -> None:
    azure = private()
    listed = [
        dict(azure.get(one), name=one.rpartition("/")[2]) for one in (parts.OWN_RECORD, parts.LAYERS_RECORD)
    ]
    for one in listed:
        azure.put(one)["id"] = ""
    assert (await sure(private_dns_is_linked, azure)).verdict.status is Status.PASS


async def test_azures_own_resolver_named_as_a_server_is_azures_own() -> None:
    azure = private()
    azure.get(parts.SPOKE)["properties"]["dhcpOptions"] = {"dnsServers": ["168.63.129.16"]}
    assert (await sure(private_dns_is_linked, azure)).verdict.status is Status.PASS


async def test_a_zone_that_redirects_what_it_does_not_know_leads_outside() -> None:
    azure = drop(private(), parts.OWN_RECORD)
    azure.put(parts.link(parts.SPOKE_LINK, parts.SPOKE, "NxDomainRedirect"))
    assert (await sure(private_dns_is_linked, azure, FORBIDDEN)).is_cause
    assert not (await sure(private_dns_is_linked, azure, NO_NAME)).explains


async def test_a_link_that_is_being_made_is_no_verdict() -> None:
    azure = private()
    azure.get(parts.SPOKE_LINK)["properties"]["virtualNetworkLinkState"] = "InProgress"
    assert (await sure(private_dns_is_linked, azure, FORBIDDEN)).verdict.status is Status.UNKNOWN


async def test_a_record_with_the_address_of_an_endpoint_that_was_replaced_explains_its_timeout() -> None:
    azure = private()
    azure.put(parts.record(parts.OWN_RECORD, "10.10.0.9"))
    finding = await sure(private_dns_is_linked, azure, TIMEOUT.replace("10.10.0.4", "10.10.0.9"))
    assert finding.is_cause
    assert "10.10.0.9" in finding.verdict.summary
    assert "10.10.0.4" in finding.verdict.summary
    assert not (await sure(private_dns_is_linked, azure, FORBIDDEN)).explains


async def test_addresses_that_may_not_be_read_leave_the_record_unjudged() -> None:
    finding = await sure(private_dns_is_linked, private(), BACK_OFF, "/networkInterfaces/acr-nic")
    assert finding.verdict.status is Status.UNKNOWN


async def test_an_endpoint_tells_its_addresses_where_its_interface_does_not() -> None:
    azure = drop(private(), parts.INTERFACE)
    azure.get(parts.ENDPOINT)["properties"]["customDnsConfigs"] = [
        {"fqdn": parts.HOST, "ipAddresses": [parts.OWN]},
        {"fqdn": parts.LAYERS_HOST, "ipAddresses": [parts.LAYERS]},
    ]
    assert (await sure(private_dns_is_linked, azure)).verdict.status is Status.PASS


async def test_the_members_of_an_interface_are_enough_where_it_tells_no_names() -> None:
    azure = private()
    for one in azure.get(parts.INTERFACE)["properties"]["ipConfigurations"]:
        del one["properties"]["privateLinkConnectionProperties"]["fqdns"]
    assert (await sure(private_dns_is_linked, azure)).verdict.status is Status.PASS


async def test_a_missing_record_of_layers_does_not_explain_what_the_registry_itself_answered() -> None:
    azure = drop(private(), parts.LAYERS_RECORD)
    assert not (await sure(private_dns_is_linked, azure, NO_NAME)).explains


async def test_layers_of_another_region_are_a_cause_only_where_the_message_names_them() -> None:
    azure = private()
    far = "contoso.eastus.data.azurecr.io"
    azure.get(world.ACR)["properties"]["dataEndpointHostNames"] = [parts.LAYERS_HOST, far]
    finding = await sure(private_dns_is_linked, azure, BACK_OFF)
    assert finding.verdict.status is Status.FAIL
    assert not finding.is_cause
    assert (await sure(private_dns_is_linked, azure, f"dial tcp: lookup {far}: no such host")).is_cause


async def test_a_private_zone_of_the_public_name_itself_is_asked_first() -> None:
    azure = private()
    zone = parts.ZONE.replace("privatelink.azurecr.io", "azurecr.io")
    azure.put({"id": zone, "name": "azurecr.io", "properties": {}})
    azure.put(parts.link(f"{zone}/virtualNetworkLinks/spoke", parts.SPOKE))
    assert (await sure(private_dns_is_linked, azure, NO_NAME)).is_cause
    azure.put(parts.record(f"{zone}/A/contoso", parts.OWN))
    azure.put(parts.record(f"{zone}/A/contoso.westeurope.data", parts.LAYERS))
    assert (await sure(private_dns_is_linked, azure, NO_NAME)).verdict.status is Status.PASS


async def test_names_that_nodes_leave_to_a_proxy_are_nothing_to_judge() -> None:
    azure = drop(private(), parts.SPOKE_LINK)
    azure.get(world.AKS)["properties"]["httpProxyConfig"] = {
        "httpsProxy": "http://10.1.9.9:3128",
        "noProxy": [],
    }
    with pytest.raises(NotApplicable):
        await resolver(azure, FORBIDDEN).get(RegistryPath)
    assert await found(private_dns_is_linked, azure, FORBIDDEN) is None
    assert await found(peering_is_connected, azure, TIMEOUT) is None


# ---- peering_is_connected


def behind(level: str, *known: str) -> dict[str, object]:
    return {"peeringSyncLevel": level, "remoteAddressSpace": {"addressPrefixes": list(known)}}


@pytest.mark.parametrize(
    ("side", "changes", "status"),
    [
        (parts.TO_HUB, {"peeringState": "Disconnected"}, Status.FAIL),
        (parts.TO_SPOKE, {"peeringState": "Disconnected"}, Status.FAIL),
        (parts.TO_HUB, {"allowVirtualNetworkAccess": False}, Status.FAIL),
        (parts.TO_SPOKE, {"allowVirtualNetworkAccess": False}, Status.FAIL),
        (parts.TO_HUB, behind("LocalNotInSync", "10.9.0.0/16"), Status.FAIL),
        (parts.TO_SPOKE, behind("RemoteNotInSync", "10.2.0.0/16"), Status.FAIL),
        (parts.TO_HUB, {"peeringSyncLevel": "LocalNotInSync"}, Status.PASS),
        (parts.TO_HUB, {"peeringSyncLevel": None, "remoteAddressSpace": None}, Status.PASS),
        (parts.TO_HUB, {"provisioningState": "Updating"}, Status.UNKNOWN),
        (parts.TO_HUB, {"peeringState": None}, Status.UNKNOWN),
        (parts.TO_HUB, {"peerCompleteVnets": False}, Status.UNKNOWN),
    ],
)  # fmt: skip
async def test_a_peering_is_as_its_two_sides_are(
    side: str, changes: dict[str, object], status: Status
) -> None:
    azure = private()
    azure.get(side)["properties"].update(changes)
    finding = await sure(peering_is_connected, azure, TIMEOUT)
    assert finding.verdict.status is status
    assert finding.is_cause is (status is Status.FAIL)


async def test_no_peering_explains_what_the_registry_answered() -> None:
    azure = private()
    azure.get(parts.TO_HUB)["properties"]["peeringState"] = "Disconnected"
    for message in (SEEN, OUTSIDE, "401 Unauthorized", NO_NAME):
        assert not (await sure(peering_is_connected, azure, message)).explains, message


async def test_networks_that_may_be_joined_by_a_hub_are_unknown() -> None:
    azure = drop(private(), parts.TO_HUB, parts.TO_SPOKE)
    azure.put(parts.peering(parts.TO_HUB, f"{parts.HUB}-of-firewalls", "10.20.0.0/16"))
    finding = await sure(peering_is_connected, azure, TIMEOUT)
    assert finding.verdict.status is Status.UNKNOWN
    assert "hub" in finding.verdict.summary


async def test_networks_that_are_joined_with_nothing_fail_only_where_the_message_says_so() -> None:
    azure = drop(private(), parts.TO_HUB, parts.TO_SPOKE)
    assert (await sure(peering_is_connected, azure, TIMEOUT)).is_cause
    assert (await sure(peering_is_connected, azure, BACK_OFF)).verdict.status is Status.UNKNOWN
    azure.get(parts.SPOKE)["properties"]["subnets"].append({"name": "GatewaySubnet"})
    assert (await sure(peering_is_connected, azure, TIMEOUT)).verdict.status is Status.UNKNOWN


async def test_a_hub_that_may_not_be_read_is_half_seen() -> None:
    denied = f"{parts.HUB}/virtualNetworkPeerings"
    finding = await sure(peering_is_connected, private(), TIMEOUT, denied)
    assert finding.verdict.status is Status.UNKNOWN
    azure = private()
    azure.get(parts.TO_HUB)["properties"]["peeringState"] = "Disconnected"
    assert (await sure(peering_is_connected, azure, TIMEOUT, denied)).is_cause


async def test_an_endpoint_beside_the_nodes_needs_no_peering() -> None:
    azure = drop(private(), parts.TO_HUB, parts.TO_SPOKE)
    azure.put(parts.endpoint(subnet=f"{parts.SPOKE}/subnets/endpoints"))
    assert await found(peering_is_connected, azure, TIMEOUT) is None


async def test_an_address_that_no_endpoint_has_is_unknown() -> None:
    finding = await sure(peering_is_connected, private(), TIMEOUT.replace("10.10.0.4", "10.10.0.77"))
    assert finding.verdict.status is Status.UNKNOWN


# ---- private_endpoint_is_approved


async def test_of_several_endpoints_the_one_that_is_dialled_counts() -> None:
    azure = private()
    other = f"{parts.HUB_GROUP}/providers/Microsoft.Network/privateEndpoints/other"
    nic = f"{parts.HUB_GROUP}/providers/Microsoft.Network/networkInterfaces/other-nic"
    azure.put(parts.endpoint(other, parts.ENDPOINTS, nic))
    azure.put(parts.interface(nic, "10.10.0.14", "10.10.0.15"))
    registry = azure.get(world.ACR)["properties"]
    registry["privateEndpointConnections"].append(parts.connection("Pending", other))
    assert (await sure(private_endpoint_is_approved, azure, TIMEOUT)).verdict.status is Status.PASS
    dialled = TIMEOUT.replace("10.10.0.4", "10.10.0.14")
    assert (await sure(private_endpoint_is_approved, azure, dialled)).is_cause


async def test_a_state_that_azure_leaves_out_is_unknown() -> None:
    azure = private()
    azure.get(world.ACR)["properties"]["privateEndpointConnections"] = [parts.connection("")]
    assert (await sure(private_endpoint_is_approved, azure, TIMEOUT)).verdict.status is Status.UNKNOWN


async def test_a_pending_endpoint_explains_a_refusal_or_a_silence_as_the_way_was() -> None:
    azure = private()
    azure.get(world.ACR)["properties"]["privateEndpointConnections"] = [parts.connection("Pending")]
    for message in (TIMEOUT, FORBIDDEN, SEEN, BACK_OFF):
        assert (await sure(private_endpoint_is_approved, azure, message)).is_cause, message
    for message in ("401 Unauthorized", OUTSIDE):
        assert not (await sure(private_endpoint_is_approved, azure, message)).explains, message
