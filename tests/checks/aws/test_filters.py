"""Sets of addresses and lists of rules, against the plain definition: packet by packet, rule by rule."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.aws.addresses import PUBLIC, Lets, common, is_private, without
from checks.aws.network_acls import IMPLICIT, Entry, NetworkAcl
from checks.aws.security_groups import Openings

# A small world, so that rules overlap: 16 addresses, 16 ports.
WORLD = IPv4Network("10.0.0.0/28")
PORTS = (0, 15)


@st.composite
def blocks(draw: st.DrawFn) -> IPv4Network:
    length = draw(st.integers(28, 32))
    return IPv4Network((int(WORLD[draw(st.integers(0, 15))]), length), strict=False)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    first, last = sorted((draw(st.integers(0, 15)), draw(st.integers(0, 15))))
    return Entry(
        number=draw(st.integers(1, 100)),
        allows=draw(st.booleans()),
        egress=draw(st.booleans()),
        block=draw(blocks()),
        ports=(first, last),
    )


def passes(acl: NetworkAcl, egress: bool, port: int, address: IPv4Address) -> bool:
    for one in acl.entries:
        if one.egress is egress and one.ports[0] <= port <= one.ports[1] and address in one.block:
            return one.allows
    return False


@given(rules=st.lists(entries(), max_size=6), space=blocks(), egress=st.booleans())
def test_an_acl_decides_as_if_every_packet_were_tried(
    rules: list[Entry], space: IPv4Network, egress: bool
) -> None:
    acl = NetworkAcl("acl", False, (), tuple(sorted(rules, key=lambda one: one.number)))
    decision = acl.decide(egress=egress, ports=PORTS, space=(space,))
    by_port = [{passes(acl, egress, port, one) for one in space} for port in range(16)]
    if {False} in by_port:
        assert decision.lets is Lets.NONE
        first, last = decision.ports
        assert all(by_port[port] == {False} for port in range(first, last + 1))
    elif any(False in each for each in by_port):
        assert decision.lets is Lets.SOME
    else:
        assert decision.lets is Lets.ALL
    assert decision.rule in {0, IMPLICIT, *(one.number for one in rules if not one.allows)}


@given(open_to=st.lists(blocks(), max_size=5), space=blocks())
def test_openings_reach_what_they_cover(open_to: list[IPv4Network], space: IPv4Network) -> None:
    covered = {any(one in block for block in open_to) for one in space}
    expected = Lets.SOME if len(covered) > 1 else Lets.ALL if True in covered else Lets.NONE
    assert Openings(tuple(open_to)).reach((space,)) is expected


@given(space=st.lists(blocks(), max_size=1), taken=blocks())
def test_a_space_falls_into_what_is_taken_and_what_is_left(
    space: list[IPv4Network], taken: IPv4Network
) -> None:
    parts = (*without(tuple(space), taken), *common(tuple(space), taken))
    assert sorted(one for part in parts for one in part) == sorted(one for part in space for one in part)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("10.0.9.20", True),
        ("172.31.255.1", True),
        ("172.32.0.1", False),
        ("100.64.0.1", True),
        ("34.210.1.1", False),
        ("fd00::1", True),
        ("2600:1f14::1", False),
    ],
)
def test_private_addresses(address: str, private: bool) -> None:
    assert is_private(address) is private


def test_public_space_holds_no_private_address() -> None:
    inside = [any(IPv4Address(one) in part for part in PUBLIC) for one in ("52.1.1.1", "10.1.1.1")]
    assert inside == [True, False]
