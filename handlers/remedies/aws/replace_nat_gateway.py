"""A NAT gateway that works: it is billed by the hour, and where it belongs is for people to decide."""

from __future__ import annotations

from checks.aws.connection import Connection
from checks.aws.nat_gateway_works import nat_gateway_works
from checks.aws.routing import Way
from handlers.remedies.aws.cli import aws
from handlers.remedy import ByHand, by_hand


@by_hand("Make a NAT gateway that works", cures=nat_gateway_works)
def replace_nat_gateway(connection: Connection) -> ByHand:
    region, paths = connection.interface.region, connection.paths
    routes = {(one.route.to, one.via) for one in paths.by(Way.NAT) if one.route is not None}
    where = ("--subnet-id", "PUBLIC_SUBNET_ID", "--allocation-id", "EIP_ALLOCATION_ID")
    leading = (
        aws(
            "ec2", "replace-route", region, "--route-table-id", paths.table,
            "--destination-cidr-block", str(to), "--nat-gateway-id", "NEW_NAT_GATEWAY_ID",
        )
        for to in sorted({str(to) for to, _ in routes})
    )  # fmt: skip
    broken = ", ".join(sorted({via for _, via in routes}))
    return ByHand(
        f"A person looks at {broken}, and makes a NAT gateway that works in a subnet whose own route table "
        "leads to an internet gateway; once it is available the route leads there",
        (
            aws("ec2", "describe-nat-gateways", region, "--nat-gateway-ids", *sorted({v for _, v in routes})),
            aws("ec2", "create-nat-gateway", region, *where),
            *leading,
        ),
        "the route is for every subnet of that table: connections that last are cut",
    )
