"""Whom a login may be shown to: the registry's own token service, and nobody who only looks like it."""

from __future__ import annotations

import pytest

from checks.registry.realm import may_see_login


@pytest.mark.parametrize(
    ("realm", "host"),
    [
        ("https://registry.example.com/token", "registry.example.com"),
        ("https://registry.example.com:5001/token", "registry.example.com"),
        ("https://auth.example.com/token", "registry.example.com"),
        ("https://gitlab.com/jwt/auth", "registry.gitlab.com"),
        ("https://auth.docker.io/token", "registry-1.docker.io"),
        ("https://ghcr.io/token", "ghcr.io"),
        ("https://quay.io/v2/auth", "quay.io"),
        ("https://authn.nvidia.com/token", "nvcr.io"),
        ("https://contoso.azurecr.io/oauth2/token", "contoso.azurecr.io"),
        ("https://docker-auth.elastic.co/auth", "docker.elastic.co"),
        ("https://gitlab.corp.example.co.uk/jwt/auth", "registry.corp.example.co.uk"),
        ("https://10.1.2.3:8443/token", "10.1.2.3"),
        ("http://127.0.0.1:5001/token", "127.0.0.1"),
        ("http://localhost:5001/token", "localhost"),
    ],
)
def test_a_service_of_the_registrys_own_may_see_it(realm: str, host: str) -> None:
    assert may_see_login(realm, host)


@pytest.mark.parametrize(
    ("realm", "host"),
    [
        ("https://evil.test/token", "registry.example.com"),
        ("https://registry.example.com.evil.test/token", "registry.example.com"),
        ("https://evilexample.com/token", "registry.example.com"),
        ("http://registry.example.com/token", "registry.example.com"),
        ("https://registry.example.com@evil.test/token", "registry.example.com"),
        ("https://user:pw@registry.example.com/token", "registry.example.com"),
        ("https://evil.azurecr.io/token", "contoso.azurecr.io"),
        ("https://evil.jfrog.io/token", "shop.jfrog.io"),
        ("https://evil.co.uk/token", "shop.co.uk"),
        ("https://evil.com.au/token", "shop.com.au"),
        ("https://x.s3.amazonaws.com/token", "y.elb.amazonaws.com"),
        ("https://evil.github.io/token", "shop.github.io"),
        ("https://10.1.2.4/token", "10.1.2.3"),
        ("http://10.1.2.3/token", "10.1.2.3"),
        ("http://127.0.0.1/token", "registry.example.com"),
        ("http://127.0.0.1.evil.test/token", "127.0.0.1"),
        ("http://localhost.evil.test/token", "localhost"),
        ("https://auth.docker.io.evil.test/token", "registry-1.docker.io"),
        ("https://evil.svc.cluster.local/token", "registry.svc.cluster.local"),
        ("https://[::1/token", "registry.example.com"),
        ("/token", "registry.example.com"),
        ("", "registry.example.com"),
        ("https://com/token", "registry.com"),
    ],
)
def test_strangers_may_not(realm: str, host: str) -> None:
    assert not may_see_login(realm, host)
