"""The ways out of a subnet of which all errands take one."""

from __future__ import annotations

from ipaddress import IPv4Network

from checks.aws.clue import Clue
from checks.aws.destinations import OF_EVERY_PULL, Destination, Registry
from checks.aws.interface import Interface
from checks.aws.paths import Path, Paths
from checks.aws.routing import Way
from checks.aws.vpc import Route
from checks.model import Symptom
from tests.fakes.aws_account import ACCOUNT


def paths_by(way: Way) -> Paths:
    interface = Interface(
        ACCOUNT,
        "us-west-2",
        "vpc-1",
        "subnet-a",
        ("sg-1",),
        None,
        "",
        (32768, 60999),
        "the task's own interface",
    )
    host = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com"
    route = Route(IPv4Network("0.0.0.0/0"), "igw-1", active=True)
    return Paths(
        interface,
        Destination(host, ecr=Registry(host, "us-west-2", "aws", "amazonaws.com", plain=True)),
        Clue(Symptom.CONNECT_TIMEOUT, None, stranger=False, address=""),
        "rtb-1",
        tuple(Path(errand, way, route) for errand in OF_EVERY_PULL),
        meant_to_be_private=False,
    )
