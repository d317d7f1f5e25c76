"""What kubelet gets out of a Secret, and that no password gets out of the parser."""

from __future__ import annotations

import base64
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.kubernetes.pull_secrets_content import content
from tests.fakes.pull_secrets import HOST, PASSWORD, b64, docker_config, entry

JSON = "kubernetes.io/dockerconfigjson"
OLD = "kubernetes.io/dockercfg"


def test_a_secret_as_kubectl_makes_it_is_read() -> None:
    found = content(JSON, {".dockerconfigjson": b64(docker_config(**{HOST: entry()}))})
    assert (found.fault, found.poisons) == ("", False)
    [one] = found.entries
    assert (one.key, one.username, one.fault, one.expires) == (HOST, "robot", "", "")


def test_a_secret_in_the_old_layout_is_read() -> None:
    [one] = content(OLD, {".dockercfg": b64(json.dumps({HOST: entry()}))}).entries
    assert (one.key, one.username, one.fault) == (HOST, "robot", "")


def test_auth_alone_and_fields_alone_are_enough() -> None:
    auths = {"a.example": {"auth": b64("u:p")}, "b.example": {"Username": "u", "Password": "p"}}
    found = content(JSON, {".dockerconfigjson": b64(docker_config(**auths))})
    assert [(one.username, one.fault) for one in found.entries] == [("u", ""), ("u", "")]


def test_auth_may_lack_its_padding_and_a_password_may_hold_colons() -> None:
    auths = {HOST: {"auth": b64("robot:a:b:c").rstrip("=")}}
    [one] = content(JSON, {".dockerconfigjson": b64(docker_config(**auths))}).entries
    assert (one.username, one.fault) == ("robot", "")


@pytest.mark.parametrize(
    ("kind", "data", "fault"),
    [
        ("Opaque", {".dockerconfigjson": b64("{}")}, "its type is Opaque"),
        ("", {}, "its type is Opaque"),
        (JSON, {}, "it has no .dockerconfigjson"),
        (JSON, {"config.json": b64("{}")}, "it has config.json"),
        (OLD, {".dockerconfigjson": b64("{}")}, "it has no .dockercfg"),
        (JSON, {".dockerconfigjson": b64("{}")}, "no auths"),
        (JSON, {".dockerconfigjson": b64('{"auths": {}}')}, "no auths"),
        (JSON, {".dockerconfigjson": b64(json.dumps({HOST: entry()}))}, "layout of .dockercfg"),
    ],
)
def test_kubelet_passes_over_it_without_a_word(kind: str, data: dict[str, str], fault: str) -> None:
    found = content(kind, data)
    assert fault in found.fault
    assert not found.poisons
    assert found.entries == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b64(docker_config(**{HOST: entry()})), "base64 twice"),
        (f"{PASSWORD} is no json", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "no object"),
        ('{"auths": []}', "auths"),
        ('{"auths": [1]}', "auths"),
        (docker_config(**{HOST: PASSWORD}), "entry for registry.example.com is no object"),
        (docker_config(**{HOST: {"password": 1}}), "the password of its entry"),
        (docker_config(**{HOST: {"auth": "no base64 !"}}), "not base64 of user:password"),
        (docker_config(**{HOST: {"auth": b64("nocolon")}}), "not base64 of user:password"),
    ],
)
def test_kubelet_cannot_parse_it_and_pulls_nothing(text: str, fault: str) -> None:
    found = content(JSON, {".dockerconfigjson": b64(text)})
    assert fault in found.fault
    assert PASSWORD not in found.fault
    assert found.poisons or fault == "auths"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"auth": b64(f"robot:{PASSWORD}\n")}, "password begins or ends with a line break"),
        ({"username": "robot\n", "password": PASSWORD}, "user name begins or ends with a line break"),
        ({"username": "", "password": PASSWORD}, "no user name"),
        ({"username": "robot", "password": ""}, "no password"),
        ({}, "no user name and password"),
        ({"auth": b64("0:"), "identitytoken": PASSWORD}, "an identity token"),
        ({**entry(), "auth": b64("robot:old")}, "kubelet goes by auth"),
        ({**entry(), "username": "other"}, "kubelet goes by auth"),
    ],
)
def test_no_registry_takes_the_login(fields: dict[str, str], fault: str) -> None:
    [one] = content(JSON, {".dockerconfigjson": b64(docker_config(**{HOST: fields}))}).entries
    assert fault in one.fault
    assert PASSWORD not in repr(one)


def test_a_copy_of_a_machines_own_config_has_its_passwords_in_a_store() -> None:
    text = json.dumps({"auths": {HOST: {}}, "credsStore": "desktop"})
    [one] = content(JSON, {".dockerconfigjson": b64(text)}).entries
    assert "credsStore" in one.fault


def test_the_end_of_a_token_of_ecr_is_read_from_the_token() -> None:
    token = b64(json.dumps({"payload": "x", "version": "2", "type": "DATA_KEY", "expiration": 1_700_000_000}))
    auths = {HOST: {"username": "AWS", "password": token}}
    [one] = content(JSON, {".dockerconfigjson": b64(docker_config(**auths))}).entries
    assert one.expires == "2023-11-14T22:13:20+00:00"


def test_the_end_of_a_json_web_token_is_read_from_the_token() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1_700_000_000}).encode()).decode().rstrip("=")
    auths = {HOST: {"username": "00000000-0000-0000-0000-000000000000", "password": f"e30.{claims}.x"}}
    [one] = content(JSON, {".dockerconfigjson": b64(docker_config(**auths))}).entries
    assert one.expires == "2023-11-14T22:13:20+00:00"


@pytest.mark.parametrize(
    "password", ["a.b.c", "AWS", b64("[]"), b64('{"expiration": true}'), b64('{"expiration": 1e30}')]
)
def test_what_is_no_token_has_no_end(password: str) -> None:
    auths = {HOST: {"username": "AWS", "password": password}}
    [one] = content(JSON, {".dockerconfigjson": b64(docker_config(**auths))}).entries
    assert one.expires == ""


@given(st.text(alphabet=string.printable, max_size=60))
def test_whatever_is_in_it_the_parser_does_not_crash(text: str) -> None:
    content(JSON, {".dockerconfigjson": text})
    content(JSON, {".dockerconfigjson": b64(text)})
    content(JSON, {".dockerconfigjson": b64(docker_config(**{HOST: {"auth": text}}))})
