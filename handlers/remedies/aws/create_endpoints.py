"""Make the endpoints that a private subnet lacks, after the model of those it has.

New ones for ECR get the subnets and security groups of the one that is there; S3's is a gateway endpoint in
the subnet's own route table. What they need (the VPC's DNS, a way into their group) is the plan's beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from checks.aws.connection import Connection
from checks.aws.destinations import Errand
from checks.aws.endpoint_security_group_lets_in import endpoint_security_group_lets_in
from checks.aws.endpoints import Endpoint
from checks.aws.endpoints_are_complete import endpoints_are_complete
from checks.aws.paths import Path, Unused
from checks.model import NotApplicable, Status
from handlers.outlook import joined
from handlers.remedies.aws.dns_switches import both_on
from handlers.remedies.aws.endpoint_groups import groups_to_open, let_in
from handlers.remedies.aws.endpoint_steps import CreateEndpoint, NewEndpoint
from handlers.remedies.aws.outlook import must_be_ours, must_fail, must_help
from handlers.remedies.aws.s3_routes import FOR_ALL, led_to
from handlers.remedies.aws.security_group_steps import AllowHttpsIn, HttpsRule
from handlers.remedies.aws.vpc_steps import LeadToEndpoint, SetEndpointPolicy, SetVpcDns
from handlers.remedy import Plan, Refused, Risk, Step, remedy

_FOR_ECR = (Errand.TOKEN, Errand.MANIFEST)
_GONE = ("deleted", "deleting", "expired", "failed", "rejected")
# EC2 takes a few minutes to make an endpoint, and kubelet's back-off comes on top.
_SETTLES_IN = timedelta(minutes=15)


@remedy("Create the missing endpoints", cures=endpoints_are_complete, risk=Risk.MEDIUM)
def create_endpoints(connection: Connection | None) -> Plan:
    now = must_fail(endpoints_are_complete, connection)
    if now.registry.region != now.interface.region:
        raise Refused(
            f"the registry is in {now.registry.region} and the VPC in {now.interface.region}; whether "
            "endpoints should lead to another region is for a person to decide"
        )
    dead = [one for one in now.paths.items if now.paths.lacks_an_endpoint(one)]
    missing = [one for one in dead if _is_missing(one, now)]
    if not missing:
        raise NotApplicable("no endpoint is missing")
    new = [_new(one.errand, now) for one in missing]
    first: tuple[SetVpcDns, ...] = ()
    making: list[CreateEndpoint | SetEndpointPolicy | LeadToEndpoint] = []
    then = now
    if any(not one.gateway for one in new):
        first, then = both_on(now)
    for path, one in zip(missing, new, strict=True):
        making.append(CreateEndpoint(one))
        then = _made(one, path.errand, then)
    for path in dead:
        if path.unused is Unused.NOT_ROUTED and path.endpoint is not None:
            leading, then = led_to(path.endpoint, then)
            making += leading
    letting, then = _let_in(then)
    steps = (*first, *letting, *making)
    stays = must_help(endpoints_are_complete, now, then)
    must_be_ours(now, steps)
    return Plan(steps, caution=joined(*_warnings(steps, now), stays), settles_in=_SETTLES_IN)


def _is_missing(path: Path, now: Connection) -> bool:
    """:raises Refused: there is one, in a state that has to pass, or that a person has to look at."""
    if path.unused is not Unused.NOT_AVAILABLE or path.endpoint is None:
        return path.unused is Unused.ABSENT
    one = path.endpoint
    if one.state == "deleted":
        return True  # EC2 lists it for a while
    if one.state in ("pending", "deleting"):
        raise Refused(f"{one.id} for {path.errand.value} is {one.state}; look again in a few minutes")
    raise Refused(
        f"{one.id} for {path.errand.value} is {one.state or 'in no known state'}. A person finds out "
        "why, and accepts it, or takes it away so that another can be made: aws ec2 delete-vpc-endpoints "
        f"--region {now.interface.region} --vpc-endpoint-ids {one.id}"
    )


def _new(errand: Errand, now: Connection) -> NewEndpoint:
    region, vpc = now.interface.region, now.vpc.id
    if errand is Errand.LAYERS:
        return NewEndpoint(region, vpc, f"com.amazonaws.{region}.s3", route_tables=(now.paths.table,))
    model = _model(now)
    prefix = model.service.partition(f".{region}.")[0]  # China's is cn.com.amazonaws
    return NewEndpoint(region, vpc, f"{prefix}.{region}.{errand.value}", model.subnets, model.security_groups)


def _model(now: Connection) -> Endpoint:
    """The endpoint for ECR that is there. :raises Refused: there is none to go by."""
    for one in now.network.endpoints.items:  # working ones first
        for_ecr = any(now.registry.is_served_by(one.service, each) for each in _FOR_ECR)
        if for_ecr and one.state not in _GONE and one.subnets and one.security_groups:
            return one
    make = "aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --private-dns-enabled"
    raise Refused(
        "in which subnets and security groups endpoints for ECR should be is not known: there is none to go "
        f"by. A person decides: {make} --region {now.interface.region} --vpc-id {now.vpc.id} --service-name "
        f"com.amazonaws.{now.interface.region}.ecr.dkr --subnet-ids SUBNETS --security-group-ids GROUPS"
    )


def _made(new: NewEndpoint, errand: Errand, now: Connection) -> Connection:
    """The connection with it, as it will be once it is available."""
    name = f"vpce-new (for {errand.value})"
    made = Endpoint(
        id=name, service=new.service, service_region="", gateway=new.gateway, state="available",
        private_dns=not new.gateway, subnets=new.subnets, security_groups=new.security_groups,
        route_tables=new.route_tables, policy="",
    )  # fmt: skip
    now = now.with_endpoint(made)
    return now.with_route_to(made, "the prefix list of S3") if new.gateway else now


def _let_in(now: Connection) -> tuple[tuple[AllowHttpsIn, ...], Connection]:
    """What it takes for the endpoints' groups to let in who pulls; nothing where they do.

    :raises Refused: what decides it could not be read
    """
    if now.paths.unread or now.filters.groups is None:
        why = now.paths.unread or "their security groups could not be read"
        raise Refused(f"whether the endpoints would let the pull in is not known: {why}")
    verdict, clients = now.says(endpoint_security_group_lets_in), now.interface.security_groups
    if verdict is None or verdict.status is not Status.FAIL or not clients:
        return (), now
    groups = groups_to_open(clients[0], now)
    rules = (HttpsRule(now.interface.region, one, egress=False, partner=clients[0]) for one in groups)
    return tuple(AllowHttpsIn(one) for one in rules), let_in(clients[0], groups, now)


def _warnings(steps: tuple[Step, ...], now: Connection) -> Iterator[str]:
    made = [one.endpoint for one in steps if isinstance(one, CreateEndpoint)]
    if any(not one.gateway for one in made):
        yield "AWS bills interface endpoints by the hour"
        yield f"from then on the registry's names lead to them from everywhere in {now.vpc.id}"
    if any(one.gateway for one in made) or any(isinstance(one, LeadToEndpoint) for one in steps):
        yield FOR_ALL.format(table=now.paths.table)
