"""Which entries of a pull secret kubelet uses for an image: its keyring's own rules."""

from __future__ import annotations

import pytest

from checks.image.reference import parse
from checks.kubernetes.pull_secrets_match import covers, near_miss, shown

ACR = "contoso.azurecr.io/shop/web"


@pytest.mark.parametrize(
    ("key", "image"),
    [
        ("contoso.azurecr.io", ACR),
        ("https://contoso.azurecr.io", ACR),
        ("http://contoso.azurecr.io/", ACR),
        ("https://contoso.azurecr.io/v2/", ACR),
        ("https://contoso.azurecr.io/v1/", ACR),
        ("contoso.azurecr.io/shop", ACR),
        ("contoso.azurecr.io/sh", ACR),  # a prefix of letters, not of parts
        ("*.azurecr.io", ACR),
        ("*.*.io", ACR),
        ("registry.example.com:5000", "registry.example.com:5000/web"),
        ("https://index.docker.io/v1/", "nginx"),
        ("index.docker.io", "docker.io/library/nginx"),
        ("docker.io", "nginx"),
        ("docker.io/library", "nginx"),
        ("user:secret@contoso.azurecr.io", ACR),
    ],
)
def test_kubelet_uses_the_entry(key: str, image: str) -> None:
    assert covers(key, parse(image).repository)
    assert not covers(key, parse("other.example/web").repository)


@pytest.mark.parametrize(
    ("key", "image", "why"),
    [
        ("https://contoso.azurecr.io/v2", ACR, "path /v2"),
        ("contoso.azurecr.io/other", ACR, "path /other"),
        ("Contoso.azurecr.io", ACR, "capital"),
        ("contoso.azurecr.io:443", ACR, "port 443"),
        ("registry.example.com", "registry.example.com:5000/web", "the image names 5000"),
        ("*.io", ACR, "one label"),
        ("https://registry-1.docker.io/v2/", "nginx", "index.docker.io/v1/ only"),
        ("https://index.docker.io/v1", "nginx", "index.docker.io/v1/ only"),
        ("hub.docker.com", "nginx", "index.docker.io/v1/ only"),
        ("registry.exmaple.com", "registry.example.com/web", "spelt"),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.us-west-2.amazonaws.com/web",
            "the registry in us-east-1",
        ),
        ("https://[contoso.azurecr.io", ACR, "no address"),
    ],
)
def test_a_near_miss_counts_for_nothing_and_is_told(key: str, image: str, why: str) -> None:
    repository = parse(image).repository
    assert not covers(key, repository)
    assert why in near_miss(key, repository)


@pytest.mark.parametrize(
    ("key", "image"),
    [
        ("gcr.io", "ghcr.io/team/web"),
        ("ghcr.io", "nginx"),
        ("quay.io", ACR),
        ("210987654321.dkr.ecr.us-west-2.amazonaws.com", "123456789012.dkr.ecr.us-west-2.amazonaws.com/web"),
        ("", ACR),
        ("docker.io", "ghcr.io/team/web"),
    ],
)
def test_a_secret_for_another_registry_was_not_meant_for_this_one(key: str, image: str) -> None:
    repository = parse(image).repository
    assert not covers(key, repository)
    assert near_miss(key, repository) == ""


def test_a_password_in_a_key_is_not_shown() -> None:
    assert shown("https://user:hunter2@registry.example.com/v2/team") == "registry.example.com/team"
    assert "hunter2" not in shown("https://user:hunter2@[broken")
