"""Does the VPC resolve names, and those of its endpoints privately?

Without ``enableDnsSupport`` Amazon's resolver does not answer at all; the private names of interface
endpoints need ``enableDnsHostnames`` as well, which is off in a VPC made through the API. What DNS servers of
one's own answer is not seen from here. It concerns every registry, not ECR alone
(docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html).
"""

from __future__ import annotations

from checks.aws.clue import LOST, Clue
from checks.aws.destinations import Registry
from checks.aws.dns import DnsAttributes, DnsServers
from checks.aws.interface import VpcId
from checks.aws.paths import Paths, Unused
from checks.aws.routing import Way
from checks.aws.subnet_routes_out import errands
from checks.graph import check
from checks.model import Leg, Place, Symptom, Verdict, failed, passed, unknown


@check(
    "The VPC's DNS is on",
    leg=Leg.NAME,
    place=Place.RESOLVER,
    explains=LOST | {Symptom.DNS_FAILURE},
    page="https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html",
)
def vpc_dns_is_on(  # noqa: PLR0917  facts are given by type
    vpc: VpcId,
    attributes: DnsAttributes,
    servers: DnsServers,
    clue: Clue,
    paths: Paths | None,
    registry: Registry | None,
) -> Verdict:
    if attributes.unread:
        return unknown(attributes.unread)
    evidence = (
        ("VPC", vpc.id),
        ("enableDnsSupport", _onoff(attributes.support)),
        ("enableDnsHostnames", _onoff(attributes.hostnames)),
        ("DNS servers", ", ".join(servers.servers) or servers.unread),
    )
    if not attributes.support and servers.amazon:
        return failed(
            f"enableDnsSupport of {vpc.id} is off: no name is resolved",
            *evidence,
            about=vpc.id,
            explains=clue.nameless_explains(),
        )
    if doubt := _doubt(vpc, attributes, servers, clue):
        return unknown(doubt, *evidence)
    if attributes.hostnames or registry is None:
        return passed(f"the DNS of {vpc.id} is on", *evidence)
    return _without_hostnames(vpc, evidence, paths)


def _doubt(vpc: VpcId, attributes: DnsAttributes, servers: DnsServers, clue: Clue) -> str:
    """Why it is not known who answers, or ""."""
    if servers.unread:
        return f"which DNS servers {vpc.id} uses is not known: {servers.unread}"
    if not servers.amazon and (not attributes.support or clue.symptom is Symptom.DNS_FAILURE):
        return f"what {', '.join(servers.servers)} answer is not seen from here"
    if not servers.handed_out and clue.symptom is Symptom.DNS_FAILURE and not clue.asked_a_server:
        return f"{vpc.id} has no set of DHCP options: its nodes may know no DNS server"
    return ""


def _without_hostnames(vpc: VpcId, evidence: tuple[tuple[str, str], ...], paths: Paths | None) -> Verdict:
    if paths is None:
        return unknown(
            f"enableDnsHostnames of {vpc.id} is off; whether that matters is not known without its endpoints "
            "and routes (ec2:DescribeVpcEndpoints, ec2:DescribeRouteTables)",
            *evidence,
        )
    nameless = [one for one in paths.items if one.unused is Unused.NO_VPC_DNS]
    dead = [one for one in nameless if paths.lacks_an_endpoint(one)]
    if dead:
        return failed(
            f"enableDnsHostnames of {vpc.id} is off, so endpoints have no private names, and nothing else "
            f"leads out: {errands(dead)} cannot be reached",
            *evidence,
            *paths.evidence(),
            about=vpc.id,
            explains=paths.explain(dead),
        )
    unsure = [one for one in nameless if one.way is Way.UNCERTAIN]
    if unsure:
        return unknown(f"enableDnsHostnames of {vpc.id} is off, but {unsure[0].why}", *evidence)
    return passed(f"{vpc.id} resolves names, and needs none of endpoints", *evidence)


def _onoff(on: bool) -> str:
    return "on" if on else "off"
