"""Where a registry's API is, as images name it."""

from __future__ import annotations

import pytest

from bot.clouds._registry import RegistryClient
from checks.image.reference import parse
from checks.model import NotApplicable
from checks.registry.facts import Endpoint, endpoint
from tests.fakes.registry_world import failed_pull

FORBIDDEN = "unexpected status: 403 Forbidden"


def of(image: str, message: str = FORBIDDEN) -> Endpoint:
    found: Endpoint = endpoint(failed_pull(image, message), parse(image).repository, RegistryClient())
    return found


@pytest.mark.parametrize(
    ("image", "secure"),
    [
        ("nginx", "https://registry-1.docker.io"),
        ("docker.io/library/nginx", "https://registry-1.docker.io"),
        ("ghcr.io/shop/web:1", "https://ghcr.io"),
        ("registry.example.com:5000/web", "https://registry.example.com:5000"),
        ("registry.example.com:443/web", "https://registry.example.com"),
        ("[fd12:0:0:0:0:0:0:5]:5000/web", "https://[fd12:0:0:0:0:0:0:5]:5000"),
        ("Registry.Example.com/web", "https://registry.example.com"),
        ("contoso.azurecr.io/web", "https://contoso.azurecr.io"),
        ("public.ecr.aws/nginx/nginx", "https://public.ecr.aws"),
    ],
)
def test_a_registry_is_at_the_host_of_its_images(image: str, secure: str) -> None:
    assert of(image).secure == secure


def test_without_https_the_port_is_written_out() -> None:
    assert of("registry.example.com/web").plain == "http://registry.example.com:443"


def test_a_registry_of_azure_lets_in_who_has_an_identity_there() -> None:
    assert of("contoso.azurecr.io/web").of_cloud
    assert not of("ghcr.io/shop/web").of_cloud


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("123456789012.dkr.ecr.us-west-2.amazonaws.com/web", FORBIDDEN),
        ("123456789012.dkr-ecr.us-west-2.on.aws/web", FORBIDDEN),
        ("ghcr.io/shop/web", "no space left on device"),
        ("contoso.azureacr.io/web", "dial tcp: lookup contoso.azureacr.io: no such host"),
    ],
)
def test_some_are_not_asked(image: str, message: str) -> None:
    with pytest.raises(NotApplicable):
        of(image, message)
