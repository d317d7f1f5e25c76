"""What a pull secret's user name tells, and what is said where little is known of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from checks.azure.admin_credentials_are_current import admin_credentials_are_current
from checks.azure.facts import LoginServer, ResourceId
from checks.azure.pull_secret_principal_is_valid import pull_secret_principal_is_valid
from checks.azure.registry import Registry
from checks.azure.secret_admin import Regenerated
from checks.azure.secret_holder import SecretHolder
from checks.azure.secret_login import (
    AdminLogin,
    PassingLogin,
    admin_login,
    application_login,
    passing_login,
    token_login,
)
from checks.image.reference import parse
from checks.model import NotApplicable, Status
from checks.registry.credentials import SecretLogin, SecretLogins

HOST = "contoso.azurecr.io"
SERVER = LoginServer(HOST, "contoso", "azurecr.io")
REPOSITORY = parse(f"{HOST}/shop/web").repository
NOBODY = "00000000-0000-0000-0000-000000000000"
APPLICATION = "3B1F0C9E-0c57-4f0f-8b7e-0e1b6a7c5d11"


def registry(*, admin_enabled: bool = True) -> Registry:
    return Registry(
        id=ResourceId(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"
        ),
        host=HOST,
        location="westeurope",
        sku="Premium",
        by_repository=False,
        public=True,
        admits_all=True,
        admitted=(),
        admitted_subnets=(),
        admin_enabled=admin_enabled,
        anonymous=False,
        takes_arm_tokens=True,
        data_hosts=(),
        private=(),
    )


def login(user: str, *, written: str = "2026-11-24T10:00:00Z", expires: str = "") -> SecretLogin:
    return SecretLogin("shop", "acr-cred", HOST, user, written, expires)


def kinds(user: str) -> set[str]:
    logins, found = SecretLogins((login(user),)), set()
    facts: dict[str, Any] = {
        "application": lambda: application_login(SERVER, logins),
        "passing": lambda: passing_login(SERVER, logins),
        "admin": lambda: admin_login(logins, registry()),
        "token": lambda: token_login(logins, registry()),
    }
    for name, ask in facts.items():
        try:
            ask()
        except NotApplicable:
            continue
        found.add(name)
    return found


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        (APPLICATION, {"application"}),
        (NOBODY, {"passing"}),
        ("Contoso", {"admin"}),
        ("ci-pull", {"token"}),
        ("alice@contoso.example", set()),
        ("../other/tokens/x", set()),
    ],
)
def test_the_user_name_tells_what_the_password_is(user: str, kind: set[str]) -> None:
    assert kinds(user) == kind


def test_a_token_of_which_nothing_tells_the_age_is_unknown() -> None:
    passing = passing_login(SERVER, SecretLogins((login(NOBODY, written=""),)))
    assert passing == PassingLogin(login(NOBODY, written=""), None, over=False)
    assert pull_secret_principal_is_valid(REPOSITORY, SecretHolder(passing)).status is Status.UNKNOWN


ADMIN = AdminLogin(login("contoso"))


def test_the_admin_account_that_is_off_fails_whatever_the_log_says() -> None:
    off = registry(admin_enabled=False)
    assert admin_credentials_are_current(ADMIN, off, None).status is Status.FAIL


def test_a_log_that_cannot_be_read_or_does_not_reach_back_is_unknown() -> None:
    assert admin_credentials_are_current(ADMIN, registry(), None).status is Status.UNKNOWN
    short = Regenerated(None, "", reaches=False)
    assert admin_credentials_are_current(ADMIN, registry(), short).status is Status.UNKNOWN


def test_a_password_that_was_made_anew_is_said_to_be_likely_and_not_sure() -> None:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    verdict = admin_credentials_are_current(ADMIN, registry(), Regenerated(at, "alice", reaches=True))
    assert verdict.status is Status.FAIL
    assert "most likely the one in it (there are two)" in verdict.summary
    assert ("Password made anew", "2026-11-24 12:00 UTC") in verdict.evidence
