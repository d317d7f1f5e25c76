"""Which way each errand takes: names before routes, what is seen before what is guessed."""

from __future__ import annotations

from typing import Any

import pytest

from checks.aws.destinations import OF_EVERY_PULL, Errand
from checks.aws.facts import Aws
from checks.aws.interface import Interface
from checks.aws.paths import Paths, Unused
from checks.aws.routing import Way
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.model import FailedPull, Symptom, Unavailable
from checks.resolve import Memo, Resolver
from tests.fakes.aws_account import ACCOUNT, Account
from tests.fakes.aws_network import (
    Network,
    account,
    dhcp_options,
    endpoint_network,
    endpoint_of,
    failed_pull,
    nat_network,
    of,
    routes_of,
    without_endpoint,
)

HOST = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com"
CATALOG = Catalog.load()


def pull(message: str = "", host: str = HOST, symptom: Symptom = Symptom.CONNECT_TIMEOUT) -> FailedPull:
    return failed_pull(message, symptom, f"{host}/app:1.2.1")


def dialled(address: str, host: str = HOST) -> str:
    url = f"https://{host}/v2/app/manifests/1.2.1"
    return f'failed to do request: Head "{url}": dial tcp {address}:443: i/o timeout'


async def learn(
    wanted: Any, aws: Account, failure: FailedPull, memo: Memo | None = None, node: str = "i-0abc"
) -> Any:
    host = Host("ip-10-0-1-7", f"aws:///us-west-2a/{node}", "amd64", "linux", ())
    roots = {FailedPull: failure, Aws: aws, Cluster: Cluster("demo"), Host: host}
    return await aws.run(Resolver(CATALOG, roots, {} if memo is None else memo).get(wanted))


async def ways(network: Network, message: str = "", host: str = HOST) -> dict[Errand, Way]:
    found: Paths = await learn(Paths, account(network), pull(message, host))
    return {one.errand: one.way for one in found.items}


def all_by(way: Way) -> dict[Errand, Way]:
    return dict.fromkeys(OF_EVERY_PULL, way)


async def test_the_primary_interface_pulls_not_that_of_the_pods() -> None:
    found: Interface = await learn(Interface, account(nat_network()), pull())
    assert (found.subnet, found.security_groups, str(found.address)) == ("subnet-a", ("sg-1",), "10.0.1.7")
    assert found.ports == (32768, 60999)


async def test_everything_goes_through_the_nat_gateway_where_there_are_no_endpoints() -> None:
    assert await ways(nat_network()) == all_by(Way.NAT)


async def test_names_lead_to_interface_endpoints_and_a_route_to_the_gateway_endpoint() -> None:
    found: Paths = await learn(Paths, account(endpoint_network()), pull())
    assert {one.errand: (one.way, one.via) for one in found.items} == {
        Errand.TOKEN: (Way.ENDPOINT, "vpce-api"),
        Errand.MANIFEST: (Way.ENDPOINT, "vpce-dkr"),
        Errand.LAYERS: (Way.GATEWAY, "vpce-s3"),
    }


async def test_a_network_takes_three_rounds_and_is_read_once_for_all_nodes() -> None:
    """The instance; the VPC's lists; its DHCP options."""
    aws, memo = account(endpoint_network()), Memo()
    await learn(Paths, aws, pull(), memo)
    assert aws.rounds == 3
    before = len(aws.asked)
    await learn(Paths, aws, pull(), memo, node="i-0def")
    assert aws.asked[before:] == ["describe_instances"]


async def test_a_gateway_endpoint_beats_a_nat_gateway_for_layers_only() -> None:
    network = endpoint_network()
    network["describe_vpc_endpoints"]["VpcEndpoints"][:2] = []
    routes_of(network, "rtb-a").append(
        {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
    )
    assert await ways(network) == all_by(Way.NAT) | {Errand.LAYERS: Way.GATEWAY}


async def test_a_subnet_without_a_table_of_its_own_has_the_main_one() -> None:
    network = nat_network()
    of(network, "describe_route_tables", "rtb-a")["Associations"] = []
    assert await ways(network) == all_by(Way.NOWHERE)
    routes_of(network, "rtb-main").append(
        {"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1", "State": "active"}
    )
    assert await ways(network) == all_by(Way.ELSEWHERE)


async def test_an_internet_gateway_is_a_way_only_with_a_public_address() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1] = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
    assert await ways(network) == all_by(Way.NO_ADDRESS)
    instance = network["describe_instances"]["Reservations"][0]["Instances"][0]
    instance["NetworkInterfaces"][1]["Association"] = {"PublicIp": "203.0.113.9"}
    assert await ways(network) == all_by(Way.INTERNET)


async def test_a_route_whose_target_is_gone_is_a_blackhole() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1]["State"] = "blackhole"
    assert await ways(network) == all_by(Way.BLACKHOLE)


@pytest.mark.parametrize(
    "target",
    [
        {"TransitGatewayId": "tgw-1"},
        {"GatewayId": "vgw-1"},
        {"VpcPeeringConnectionId": "pcx-1"},
        {"NetworkInterfaceId": "eni-1", "InstanceId": "i-1"},
        {"GatewayId": "vpce-firewall"},
        {"LocalGatewayId": "lgw-1"},
        {"CoreNetworkArn": "arn:aws:networkmanager::1:core-network/x"},
    ],
)
async def test_networks_that_we_do_not_see_are_no_dead_end(target: dict[str, str]) -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1] = {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **target}
    assert await ways(network) == all_by(Way.ELSEWHERE)


async def test_two_halves_make_a_default_route() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1:] = [
        {"DestinationCidrBlock": half, "NatGatewayId": "nat-1"} for half in ("0.0.0.0/1", "128.0.0.0/1")
    ]
    assert await ways(network) == all_by(Way.NAT)


async def test_a_more_specific_route_counts_for_an_address_that_is_known() -> None:
    network = nat_network()
    routes_of(network, "rtb-a").append(
        {"DestinationCidrBlock": "34.208.0.0/12", "GatewayId": "vgw-1", "State": "blackhole"}
    )
    assert await ways(network, dialled("34.210.1.1")) == all_by(Way.NAT) | {Errand.MANIFEST: Way.BLACKHOLE}
    assert await ways(network, dialled("35.1.1.1")) == all_by(Way.NAT)


async def test_routes_for_some_public_addresses_leave_a_dead_default_route_open() -> None:
    network = nat_network()
    routes = routes_of(network, "rtb-a")
    routes[1]["State"] = "blackhole"
    routes.append({"DestinationCidrBlock": "34.208.0.0/12", "NatGatewayId": "nat-1", "State": "active"})
    assert await ways(network) == all_by(Way.UNCERTAIN)


@pytest.mark.parametrize(
    ("change", "unused"),
    [
        ({"State": "pending"}, Unused.NOT_AVAILABLE),
        ({"State": "Deleting"}, Unused.NOT_AVAILABLE),
        ({"PrivateDnsEnabled": False}, Unused.NO_PRIVATE_DNS),
        ({"ServiceName": "com.amazonaws.eu-west-1.ecr.dkr"}, Unused.ABSENT),
        ({"ServiceRegion": "eu-west-1"}, Unused.ABSENT),
    ],
)
async def test_endpoints_that_do_not_serve(change: dict[str, Any], unused: Unused) -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-dkr").update(change)
    found: Paths = await learn(Paths, account(network), pull())
    manifest = found.items[1]
    assert (manifest.errand, manifest.way, manifest.unused) == (Errand.MANIFEST, Way.NOWHERE, unused)


async def test_a_state_is_a_state_however_it_is_spelt() -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-dkr")["State"] = "Available"
    assert (await ways(network))[Errand.MANIFEST] is Way.ENDPOINT


async def test_chinas_endpoints_are_found_under_their_own_names() -> None:
    network = endpoint_network()
    host = f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn"
    for id, service in (("vpce-api", "ecr.api"), ("vpce-dkr", "ecr.dkr")):
        endpoint_of(network, id)["ServiceName"] = f"cn.com.amazonaws.cn-north-1.{service}"
    endpoint_of(network, "vpce-s3")["ServiceName"] = "com.amazonaws.cn-north-1.s3"
    found = await ways(network, host=host)
    assert found == all_by(Way.ENDPOINT) | {Errand.LAYERS: Way.GATEWAY}


async def test_endpoints_of_this_region_do_not_serve_an_image_of_another() -> None:
    host = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
    assert await ways(endpoint_network(), host=host) == all_by(Way.NOWHERE)


@pytest.mark.parametrize("host", [".dkr.ecr-fips.us-west-2.amazonaws.com", ".dkr-ecr.us-west-2.on.aws"])
async def test_which_endpoint_answers_for_fips_and_dual_stack_is_not_guessed(host: str) -> None:
    found = await ways(endpoint_network(), host=f"{ACCOUNT}{host}")
    assert found == all_by(Way.UNCERTAIN) | {Errand.LAYERS: Way.GATEWAY}
    assert await ways(nat_network(), host=f"{ACCOUNT}{host}") == all_by(Way.NAT)


async def test_private_names_need_both_attributes_of_the_vpc() -> None:
    network = endpoint_network()
    network["describe_vpc_attribute", "enableDnsHostnames"] = {"EnableDnsHostnames": {"Value": False}}
    found: Paths = await learn(Paths, account(network), pull())
    assert {one.unused for one in found.items[:2]} == {Unused.NO_VPC_DNS}


async def test_own_dns_servers_may_or_may_not_know_the_endpoints() -> None:
    network = endpoint_network()
    network["describe_dhcp_options"] = {"DhcpOptions": [dhcp_options("10.0.0.53", "10.0.1.53")]}
    assert await ways(network) == all_by(Way.UNCERTAIN) | {Errand.LAYERS: Way.GATEWAY}
    found = await ways(network, dialled("10.0.9.20"))
    assert found[Errand.MANIFEST] is Way.ENDPOINT


async def test_a_hosted_zone_for_the_name_leads_where_we_do_not_see() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1:] = []
    network["list_hosted_zones_by_vpc"] = {
        "HostedZoneSummaries": [{"Name": "dkr.ecr.us-west-2.amazonaws.com."}]
    }
    assert await ways(network) == all_by(Way.NOWHERE) | {Errand.MANIFEST: Way.UNCERTAIN}


async def test_a_hosted_zone_beats_a_gateway_endpoint() -> None:
    network = endpoint_network()
    network["list_hosted_zones_by_vpc"] = {"HostedZoneSummaries": [{"Name": "s3.us-west-2.amazonaws.com."}]}
    assert await ways(network) == all_by(Way.ENDPOINT) | {Errand.LAYERS: Way.UNCERTAIN}


async def test_a_network_of_public_addresses_does_not_lead_out_by_itself() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[:] = [{"DestinationCidrBlock": "11.0.0.0/16", "GatewayId": "local"}]
    assert await ways(network) == all_by(Way.NOWHERE)


async def test_a_private_address_was_dialled_without_an_endpoint_to_have_it() -> None:
    found = await ways(nat_network(), dialled("10.9.0.4"))
    assert found == all_by(Way.NAT) | {Errand.MANIFEST: Way.UNCERTAIN}


async def test_without_a_default_route_a_hub_may_still_have_the_endpoints() -> None:
    network = nat_network()
    routes_of(network, "rtb-a")[1] = {"DestinationCidrBlock": "10.0.0.0/8", "TransitGatewayId": "tgw-1"}
    assert await ways(network) == all_by(Way.UNCERTAIN)
    assert (await ways(network, dialled("34.1.1.1")))[Errand.MANIFEST] is Way.NOWHERE


async def test_the_owner_of_a_shared_network_may_have_endpoints_that_we_do_not_see() -> None:
    network = nat_network()
    table = of(network, "describe_route_tables", "rtb-a")
    table["OwnerId"] = "444455556666"
    assert await ways(network) == all_by(Way.NAT)
    table["Routes"][1:] = []
    assert await ways(network) == all_by(Way.UNCERTAIN)


async def test_an_interface_endpoint_for_s3_serves_layers_only_with_its_name() -> None:
    network = endpoint_network()
    endpoint_of(network, "vpce-s3").update(VpcEndpointType="Interface", PrivateDnsEnabled=True)
    routes_of(network, "rtb-a")[1:] = []
    assert (await ways(network))[Errand.LAYERS] is Way.ENDPOINT
    endpoint_of(network, "vpce-s3")["DnsOptions"] = {"PrivateDnsOnlyForInboundResolverEndpoint": True}
    assert (await ways(network))[Errand.LAYERS] is Way.NOWHERE


async def test_a_gateway_endpoint_of_another_table_does_not_serve() -> None:
    network = endpoint_network()
    routes_of(network, "rtb-a")[1:] = []
    found: Paths = await learn(Paths, account(network), pull())
    assert (found.items[2].way, found.items[2].unused) == (Way.NOWHERE, Unused.NOT_ROUTED)
    without_endpoint(network, "vpce-s3")
    found = await learn(Paths, account(network), pull())
    assert found.items[2].unused is Unused.ABSENT


@pytest.mark.parametrize("read", ["describe_route_tables", "describe_vpc_endpoints"])
async def test_without_routes_or_endpoints_no_way_is_known(read: str) -> None:
    aws = account(endpoint_network())
    aws.denied.add(read)
    with pytest.raises(Unavailable, match=read):
        await learn(Paths, aws, pull())


@pytest.mark.parametrize("read", ["describe_vpc_attribute", "describe_dhcp_options", "describe_vpcs"])
async def test_without_dns_only_endpoints_with_names_are_uncertain(read: str) -> None:
    aws = account(endpoint_network())
    aws.denied.add(read)
    found: Paths = await learn(Paths, aws, pull())
    assert [one.way for one in found.items] == [Way.UNCERTAIN, Way.UNCERTAIN, Way.GATEWAY]
    assert read in found.items[0].why
    aws = account(nat_network())
    aws.denied.add(read)
    assert {one.way for one in (await learn(Paths, aws, pull())).items} == {Way.NAT}
