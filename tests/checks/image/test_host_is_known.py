"""A misspelt registry is told with what was meant; a private registry is never accused."""

from __future__ import annotations

import pytest

from checks.image.host_is_known import host_is_known
from checks.image.reference import Repository
from checks.model import Leg, NotApplicable, Status, Symptom


def of(host: str) -> Repository:
    return Repository(host, "team/app")


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.co", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
        ("123456789012.dkr.ecr.eu-west-1.amazonasw.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
        ("registry.gitlab.co", "registry.gitlab.com"),
        ("contoso.azurecr.com", "contoso.azurecr.io"),
        ("hub.docker.com", "docker.io"),
    ],
)
def test_a_misspelt_registry_is_told_with_what_was_meant(host: str, meant: str) -> None:
    verdict = host_is_known(of(host))
    assert verdict.status is Status.FAIL
    assert dict(verdict.evidence) == {"Host": host, "Probably meant": meant}
    assert verdict.about == host


@pytest.mark.parametrize(
    "host", ["docker.io", "quay.io", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "contoso.azurecr.io"]
)
def test_a_well_known_registry_passes(host: str) -> None:
    assert host_is_known(of(host)).status is Status.PASS


@pytest.mark.parametrize(
    "host", ["registry.internal", "localhost:5000", "10.0.0.7:5000", "harbor.example.com"]
)
def test_any_other_name_may_be_a_private_registry(host: str) -> None:
    with pytest.raises(NotApplicable):
        host_is_known(of(host))


def test_a_misspelt_host_is_met_before_anything_is_asked() -> None:
    assert host_is_known.leg is Leg.REFERENCE
    assert host_is_known.explains(Symptom.DNS_FAILURE)
    assert not host_is_known.explains(Symptom.DISK_FULL)
