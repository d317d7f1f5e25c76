"""Secrets of a service principal: over, about to be, one of several, or nobody's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checks.azure.service_principal import Application, Credential, ServicePrincipal, credentials
from checks.azure.service_principal_is_current import service_principal_is_current
from checks.model import Status, Symptom, Verdict
from tests.checks.azure.identities import CLUSTER
from tests.fakes.aks import PULL

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PRINCIPAL = ServicePrincipal("app", "object", "aks", enabled=True, home="", credentials=())


def secret(days: float | None, key: str = "k") -> Credential:
    return Credential(key, None if days is None else NOW + timedelta(days=days))


def verdict_of(
    *secrets: Credential,
    principal: ServicePrincipal = PRINCIPAL,
    exists: bool | None = True,
    symptom: Symptom = Symptom.UNAUTHORIZED,
) -> Verdict:
    return service_principal_is_current(
        CLUSTER, principal, Application(exists, secrets, NOW), replace(PULL, symptom=symptom)
    )


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((200,), Status.PASS),
        ((5,), Status.PASS),
        ((None,), Status.PASS),
        ((-1,), Status.FAIL),
        ((-1, -200), Status.FAIL),
        ((0,), Status.FAIL),
        ((), Status.FAIL),
        ((-1, 100), Status.UNKNOWN),
        ((100, 200), Status.UNKNOWN),
    ],
)
def test_what_the_ends_of_its_secrets_tell(days: tuple[float | None, ...], expected: Status) -> None:
    assert verdict_of(*(secret(one, str(at)) for at, one in enumerate(days))).status is expected


def test_which_of_several_is_used_matters_only_where_a_login_was_refused() -> None:
    both = (secret(-1, "a"), secret(100, "b"))
    assert verdict_of(*both, symptom=Symptom.CONNECT_TIMEOUT).status is Status.PASS


def test_a_secret_that_ends_within_two_weeks_is_told() -> None:
    assert "not for two weeks more" in verdict_of(secret(13)).summary
    assert "not for two weeks more" not in verdict_of(secret(15)).summary


def test_the_day_of_the_end_is_told() -> None:
    assert (
        verdict_of(secret(-3)).summary
        == "every secret of the application app is over, the last on 2026-11-21"
    )


def test_what_entra_does_not_have_or_does_not_let_in_fails() -> None:
    gone = replace(PRINCIPAL, object_id="", enabled=False)
    assert "no service principal" in verdict_of(principal=gone, exists=False).summary
    assert "disabled" in verdict_of(secret(9), principal=replace(PRINCIPAL, enabled=False)).summary
    assert verdict_of(exists=False).status is Status.FAIL


def test_an_application_of_another_tenant_is_not_judged() -> None:
    assert verdict_of(principal=replace(PRINCIPAL, home="t"), exists=None).status is Status.UNKNOWN


def test_times_and_certificates_are_read_as_graph_writes_them() -> None:
    tree = {
        "passwordCredentials": [{"keyId": "p", "endDateTime": "2026-11-24T00:00:00Z", "hint": "abc"}, None],
        "keyCredentials": [{"keyId": "c", "endDateTime": "2027-01-01T00:00:00.1234567Z"}, {"keyId": "n"}],
    }
    assert credentials(tree) == (
        Credential("p", NOW),
        Credential("c", datetime(2027, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)),
        Credential("n", None),
    )
    assert credentials({"passwordCredentials": None}) == ()
