"""What a registry asks for, in the many ways in which it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.registry.challenge import Wants, parse

TOKEN = 'Bearer realm="https://auth.example.com/token",service="registry.example.com"'


def test_a_bearer_challenge_names_its_realm_and_service() -> None:
    assert parse(TOKEN) == (
        Wants.BEARER,
        {"realm": "https://auth.example.com/token", "service": "registry.example.com"},
    )


@pytest.mark.parametrize(
    "header",
    [
        'bearer Realm="https://a.example/t" , Service="s"',
        'Bearer realm=https://a.example/t,service=s,scope="repository:a/b:pull,push"',
        'Basic realm="x", Bearer realm="https://a.example/t",service="s"',
        'Bearer realm="https://a.example/t",service="s", Basic realm="x"',
    ],
)
def test_the_same_written_otherwise(header: str) -> None:
    found = parse(header)
    assert found is not None
    wants, fields = found
    assert wants is Wants.BEARER
    assert (fields["realm"], fields["service"]) == ("https://a.example/t", "s")


def test_basic_alone_is_basic() -> None:
    found = parse('Basic realm="Sonatype Nexus Repository Manager"')
    assert found is not None
    assert found[0] is Wants.BASIC


@pytest.mark.parametrize("header", ["", "Negotiate", "Bearer", 'Digest realm="x"', "Bearer service=x"])
def test_what_is_neither_is_nothing(header: str) -> None:
    assert parse(header) is None


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_crash(header: str) -> None:
    parse(header)
