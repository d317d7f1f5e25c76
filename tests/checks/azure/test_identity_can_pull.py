"""What roles and deny assignments say of a pull, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from checks.azure.identity_can_pull import identity_can_pull
from checks.azure.puller import Puller
from checks.azure.roles import Denials, Role
from checks.azure.strangers import Stranger, Strangers, Tenants
from checks.azure.who_else import WhoElse
from checks.model import Status, Verdict
from checks.registry.account_identity import AccountIdentity
from tests.checks.azure.identities import (
    ACR,
    ACR_PULL_ROLE,
    GROUP,
    ME,
    NAME,
    OWNER,
    READER,
    REPOSITORIES,
    REPOSITORY_READER_ROLE,
    denial,
    held,
    permission,
    registry,
    rights,
)

BY_REPOSITORY = registry(by_repository=True)
ONLY_BACKEND = (
    f"((!(ActionMatches{{'{REPOSITORIES}/content/read'}}) "
    f"AND !(ActionMatches{{'{REPOSITORIES}/metadata/read'}}))"
    f" OR ({NAME} StringStartsWithIgnoreCase 'backend/'))"
)


def said(verdict: Verdict) -> str:
    return " ".join((verdict.summary, *(f"{name}: {value}" for name, value in verdict.evidence)))


@pytest.mark.parametrize("role", [ACR_PULL_ROLE, READER, OWNER], ids=lambda role: role.name)
@pytest.mark.parametrize(
    "scope",
    [ACR, ACR.upper(), GROUP, "/subscriptions/s1", "/", "/providers/Microsoft.Management/managementGroups/m"],
)
def test_a_role_that_allows_pulling_counts_wherever_above_it_is_given(role: Role, scope: str) -> None:
    verdict = identity_can_pull(rights(held(role, scope)))
    assert verdict.status is Status.PASS
    assert ("Allowed by", role.name) in verdict.evidence


def test_a_custom_role_counts_and_what_it_takes_back_does_not() -> None:
    all_but = permission("Microsoft.ContainerRegistry/*", without=("*/pull/read",))
    custom = Role("c", "Puller", (all_but,))
    assert identity_can_pull(rights(held(custom))).status is Status.FAIL
    both = Role("c", "Puller", (all_but, permission("Microsoft.ContainerRegistry/registries/pull/*")))
    assert identity_can_pull(rights(held(both))).status is Status.PASS


def test_a_role_that_only_lets_images_be_deleted_is_none() -> None:
    delete = Role("d", "AcrDelete", (permission("Microsoft.ContainerRegistry/registries/artifacts/delete"),))
    verdict = identity_can_pull(rights(held(delete)))
    assert verdict.status is Status.FAIL
    assert verdict.summary == (
        "the kubelet identity prod-agentpool has no role that lets it pull from contoso.azurecr.io"
    )
    assert verdict.about == ME


def test_a_role_that_cannot_be_found_is_not_judged() -> None:
    assert identity_can_pull(rights(held(Role("x", "x", None)))).status is Status.UNKNOWN


def test_a_role_by_a_group_passes_and_says_so() -> None:
    verdict = identity_can_pull(rights(held(ACR_PULL_ROLE, principal="g", kind="Group")))
    assert verdict.status is Status.PASS
    assert "member of a group" in said(verdict)
    assert "group" not in said(identity_can_pull(rights(held(ACR_PULL_ROLE))))


def test_by_repository_neither_acrpull_nor_owner_counts() -> None:
    verdict = identity_can_pull(rights(held(ACR_PULL_ROLE), held(OWNER, GROUP), of=BY_REPOSITORY))
    assert verdict.status is Status.FAIL
    assert verdict.summary == (
        "contoso.azurecr.io gives rights per repository (ABAC), and there AcrPull, Owner is not honoured"
    )


def test_by_repository_the_reader_of_repositories_counts_and_nowhere_else() -> None:
    assert identity_can_pull(rights(held(REPOSITORY_READER_ROLE), of=BY_REPOSITORY)).status is Status.PASS
    verdict = identity_can_pull(rights(held(REPOSITORY_READER_ROLE)))
    assert verdict.status is Status.FAIL
    assert "counts only where" in verdict.summary


@pytest.mark.parametrize(
    ("path", "expected"), [("backend/api", Status.PASS), ("backend", Status.FAIL), ("shop/web", Status.FAIL)]
)
def test_a_condition_leaves_other_repositories_out(path: str, expected: Status) -> None:
    given = held(REPOSITORY_READER_ROLE, condition=ONLY_BACKEND)
    verdict = identity_can_pull(rights(given, of=BY_REPOSITORY, path=path))
    assert verdict.status is expected
    if expected is Status.FAIL:
        assert f"its condition leaves {path} out" in verdict.summary
        assert ONLY_BACKEND in said(verdict)


def test_a_condition_that_cannot_be_judged_is_unknown_and_shown() -> None:
    verdict = identity_can_pull(
        rights(held(REPOSITORY_READER_ROLE, condition="@Environment[UtcNow] After 'x'"), of=BY_REPOSITORY)
    )
    assert verdict.status is Status.UNKNOWN
    assert "@Environment" in said(verdict)


def test_content_without_metadata_is_not_judged() -> None:
    half = Role("h", "Half", (permission(data=(f"{REPOSITORIES}/content/read",)),))
    assert identity_can_pull(rights(held(half), of=BY_REPOSITORY)).status is Status.UNKNOWN
    other = Role("h", "Half", (permission(data=(f"{REPOSITORIES}/metadata/read",)),))
    assert identity_can_pull(rights(held(other), of=BY_REPOSITORY)).status is Status.FAIL


def test_a_deny_for_everybody_wins_over_every_role() -> None:
    verdict = identity_can_pull(rights(held(OWNER), denials=Denials((denial("*"),))))
    assert verdict.status is Status.FAIL
    assert "Stack lock" in verdict.summary


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (denial("*", spared=((ME, "ServicePrincipal"),)), Status.PASS),
        (denial("*", spared=(("u", "User"),)), Status.FAIL),
        (denial("*", spared=(("g", "Group"),)), Status.UNKNOWN),
        (denial("*", to=((ME, "ServicePrincipal"),)), Status.FAIL),
        (denial("*", to=(("g", "Group"),)), Status.UNKNOWN),
        (denial("*", to=(("u", "User"), ("s", "ServicePrincipal"))), Status.PASS),
        (denial("*", conditional=True), Status.UNKNOWN),
        (denial("*/write", "*/delete"), Status.PASS),
        (denial(data=("*",)), Status.PASS),
    ],
)
def test_whom_a_deny_assignment_means(given: Any, expected: Status) -> None:
    assert identity_can_pull(rights(held(ACR_PULL_ROLE), denials=Denials((given,)))).status is expected


def test_deny_assignments_that_cannot_be_read_make_a_pass_unknown_and_a_missing_role_stays_one() -> None:
    unread = Denials((), "Azure denies Microsoft.Authorization/denyAssignments/read")
    allowed = identity_can_pull(rights(held(ACR_PULL_ROLE), denials=unread))
    assert allowed.status is Status.UNKNOWN
    assert "Microsoft.Authorization/denyAssignments/read" in allowed.summary
    assert identity_can_pull(rights(denials=unread)).status is Status.FAIL


def test_where_everybody_may_pull_nobody_needs_a_role() -> None:
    verdict = identity_can_pull(rights(of=registry(anonymous=True)))
    assert verdict.status is Status.PASS
    assert "anonymous pull" in said(verdict)
    principal = Puller(ME, "the service principal x", managed=False)
    assert identity_can_pull(rights(of=registry(anonymous=True), puller=principal)).status is Status.FAIL


def test_the_role_of_another_identity_is_told_by_name() -> None:
    former = Strangers("AcrPull", (Stranger("2", "/a", "aks-old"),))
    verdict = identity_can_pull.fn(rights(), strangers=former)
    assert verdict.summary.endswith("; AcrPull is with aks-old (2)")
    gone = identity_can_pull.fn(rights(), strangers=Strangers("AcrPull", (Stranger("2", "/a", ""),)))
    assert gone.summary.endswith("; AcrPull is with 2, which is gone")
    nameless = identity_can_pull.fn(rights(), strangers=Strangers("AcrPull", (Stranger("2", "/a", None),)))
    assert nameless.summary.endswith("; AcrPull is with 2")
    several = Strangers("AcrPull", (Stranger("2", "/a", "aks-old"), Stranger("3", "/b", "aks-dev")))
    verdict = identity_can_pull.fn(rights(), strangers=several)
    assert "aks-old" not in verdict.summary
    assert "aks-old (2), aks-dev (3)" in said(verdict)


def test_a_managed_identity_does_nothing_in_another_tenant_and_of_a_principal_nobody_knows() -> None:
    verdict = identity_can_pull(rights(), Tenants("t1", "t2"))
    assert verdict.status is Status.FAIL
    assert "another tenant" in verdict.summary
    principal = rights(puller=Puller(ME, "the service principal x", managed=False))
    assert identity_can_pull(principal, Tenants("t1", "t2")).status is Status.UNKNOWN
    assert "another tenant" not in identity_can_pull(rights(), Tenants("t1", "t1")).summary


def test_who_was_turned_away_by_the_firewall_was_not_asked_for_a_role() -> None:
    verdict = identity_can_pull.fn(rights(), who_else=WhoElse(turned_away=True))
    assert verdict.status is Status.FAIL
    assert verdict.explains is False
    assert identity_can_pull.fn(rights(), who_else=WhoElse()).explains is None


def test_a_pod_that_logs_in_by_its_own_secret_is_not_explained_by_the_nodes_identity() -> None:
    assert identity_can_pull.fn(rights(), who_else=WhoElse(by_secret=True)).explains is False


@pytest.mark.parametrize("given", [(), (held(ACR_PULL_ROLE),)])
def test_where_a_service_account_may_pull_nothing_is_said_of_the_nodes_identity(given: Any) -> None:
    verdict = identity_can_pull.fn(rights(*given), who_else=WhoElse(AccountIdentity("shop/web", "c1")))
    assert verdict.status is Status.UNKNOWN
    assert "shop/web" in verdict.summary
    assert "c1" in verdict.summary


def test_old_tokens_are_told_of_where_the_registry_refuses_them() -> None:
    assert "Azure Resource Manager" in said(
        identity_can_pull(rights(held(ACR_PULL_ROLE), of=registry(arm_tokens=False)))
    )
