"""Pods on AKS that log in by a secret of their own: as an application, a token, or the registry's admin."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.demo import azure_world as world
from checks.model import Status
from handlers.remedy import ByHand
from tests.fakes import pull_secrets
from tests.fakes.aks import IMAGE, OAUTH, Aks, root_causes
from tests.fakes.azure_worlds import regenerated
from tests.fakes.pull_secrets import PASSWORD, docker_config, entry

APPLICATION = "3b1f0c9e-0c57-4f0f-8b7e-0e1b6a7c5d11"
PRINCIPAL = "7f2f9a30-6a8e-4c55-9f0d-2f1c3e4d5a6b"
ITS_ROLE = (
    f"{world.ACR}/providers/Microsoft.Authorization/roleAssignments/2d2c7c1e-0c1a-4b54-9d2f-8f4c6f0d7e22"
)
HOST = "contoso.azurecr.io"
IS_VALID = "azure/pull_secret_principal_is_valid"
IS_CURRENT = "azure/admin_credentials_are_current"
ROLE_IS_THERE = "azure/identity_can_pull"


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def by_secret(aks: Aks, user: str, password: str = PASSWORD, *, written: str = "", key: str = HOST) -> None:
    """The pod names a Secret with this login; the kubelet's identity has no role, nor does it need one."""
    aks.azure.resources.pop(world.PULL_ASSIGNMENT.lower(), None)
    text = docker_config(**{key: entry(user, password)})
    secret = pull_secrets.tree(text, name="acr-cred", written=written or ago(days=30))
    aks.kube.objects = pull_secrets.objects(pull_secrets.pod("acr-cred", image=IMAGE), secret)
    aks.says(OAUTH)


def as_application(
    aks: Aks, *, since: str = "2024-01-01T00:00:00Z", until: str = "2099-01-01T00:00:00Z"
) -> None:
    """A healthy one, with a role of its own."""
    by_secret(aks, APPLICATION)
    passwords = [{"keyId": "k1", "startDateTime": since, "endDateTime": until}]
    aks.azure.entra["applications", APPLICATION] = {
        "id": "obj", "appId": APPLICATION, "displayName": "web-pull", "passwordCredentials": passwords,
    }  # fmt: skip
    aks.azure.entra["servicePrincipals", APPLICATION] = {
        "id": PRINCIPAL, "appId": APPLICATION, "displayName": "web-pull", "accountEnabled": True,
        "passwordCredentials": [],
    }  # fmt: skip
    aks.azure.put(world.assigned(ITS_ROLE, PRINCIPAL, world.ACR_PULL, world.ACR))


async def verdict_of(aks: Aks, check: str) -> Any:
    found, _ = await aks.look()
    assert PASSWORD not in repr(found)
    return found[check].verdict


async def test_an_application_with_a_password_and_a_role_may_pull(aks: Aks) -> None:
    as_application(aks)
    found, offers = await aks.look()
    assert root_causes(found) == []
    assert found[IS_VALID].verdict.status is Status.PASS
    # The nodes' own identity has no role: true, and not why this pull fails.
    assert [name for name, one in found.items() if one.verdict.status is Status.FAIL] == [ROLE_IS_THERE]
    assert "azure/attach_acr" not in {name for name, one in offers.items() if one.plan is not None}


async def test_an_application_without_a_role_is_the_cause_and_the_cluster_gets_none(aks: Aks) -> None:
    as_application(aks)
    del aks.azure.resources[ITS_ROLE.lower()]
    found, offers = await aks.look()
    assert root_causes(found) == [IS_VALID]
    assert "web-pull, which has no role that lets it pull" in found[IS_VALID].verdict.summary
    assert offers["azure/attach_acr"].plan is None
    assert "the pod pulls by its own secret shop/acr-cred" in offers["azure/attach_acr"].refused
    assert found[IS_VALID].verdict.about == "shop/acr-cred"


async def advised(aks: Aks) -> ByHand:
    _, offers = await aks.look()
    found = offers["azure/mend_secret_login"].by_hand
    assert found is not None
    return found


async def test_what_a_person_does_is_said_by_what_is_wrong(aks: Aks) -> None:
    as_application(aks)
    del aks.azure.resources[ITS_ROLE.lower()]
    assert (
        (await advised(aks))
        .commands[0]
        .startswith(f"az role assignment create --assignee-object-id {PRINCIPAL}")
    )
    as_application(aks, until="2025-06-01T00:00:00Z")
    by_password = await advised(aks)
    assert by_password.commands[0] == f"az ad sp credential reset --id {APPLICATION} --append"
    assert f"--docker-username={APPLICATION}" in by_password.commands[1]
    as_application(aks)
    aks.azure.entra["servicePrincipals", APPLICATION]["accountEnabled"] = False
    assert (await advised(aks)).commands == (f"az ad sp update --id {APPLICATION} --set accountEnabled=true",)
    del aks.azure.entra["servicePrincipals", APPLICATION]
    assert (await advised(aks)).commands[0] == f"az ad sp create --id {APPLICATION}"
    aks.azure.entra.clear()  # nobody can make a password for what is not there
    assert "az ad" not in str(await advised(aks))
    registry_token(aks, status="disabled")
    assert (await advised(aks)).commands == ("az acr token update -n ci -r contoso --status enabled",)
    registry_token(aks, credentials=OVER)
    assert "az acr token credential generate" in (await advised(aks)).commands[0]
    as_admin(aks)
    aks.azure.activity.append(regenerated(days_ago=2))
    by_admin = await advised(aks)
    assert by_admin.commands[0].startswith("kubectl create secret docker-registry acr-cred -n shop")
    assert "regenerate" not in str(by_admin)


async def test_an_application_that_nobody_knows(aks: Aks) -> None:
    as_application(aks)
    aks.azure.entra.clear()
    found, _ = await aks.look()
    assert root_causes(found) == [IS_VALID]
    assert "which Entra ID does not know" in found[IS_VALID].verdict.summary


async def test_an_application_whose_passwords_are_all_over(aks: Aks) -> None:
    as_application(aks, until="2025-06-01T00:00:00Z")
    found, _ = await aks.look()
    assert root_causes(found) == [IS_VALID]
    assert "all over, the last since 2025-06-01" in found[IS_VALID].verdict.summary


async def test_a_password_that_is_younger_than_the_secret_is_not_in_it(aks: Aks) -> None:
    as_application(aks, since=ago(days=2))
    verdict = await verdict_of(aks, IS_VALID)
    assert verdict.status is Status.FAIL
    assert "made after the secret was last written" in verdict.summary


async def test_an_application_that_is_disabled_or_has_no_service_principal(aks: Aks) -> None:
    as_application(aks)
    aks.azure.entra["servicePrincipals", APPLICATION]["accountEnabled"] = False
    assert "may not sign in" in (await verdict_of(aks, IS_VALID)).summary
    del aks.azure.entra["servicePrincipals", APPLICATION]
    assert "which has no service principal" in (await verdict_of(aks, IS_VALID)).summary


async def test_the_passwords_of_an_application_of_another_tenant_are_not_known(aks: Aks) -> None:
    as_application(aks)
    del aks.azure.entra["applications", APPLICATION]
    verdict = await verdict_of(aks, IS_VALID)
    assert verdict.status is Status.UNKNOWN
    assert "another tenant" in verdict.summary


async def test_the_role_that_counts_is_the_one_of_the_registrys_mode(aks: Aks) -> None:
    as_application(aks)
    aks.azure.get(world.ACR)["properties"]["roleAssignmentMode"] = "AbacRepositoryPermissions"
    assert (await verdict_of(aks, IS_VALID)).status is Status.FAIL


@pytest.mark.parametrize(("hours", "status"), [(1, Status.PASS), (4, Status.FAIL)])
async def test_a_token_from_a_login_is_good_for_three_hours(aks: Aks, hours: int, status: Status) -> None:
    by_secret(aks, "00000000-0000-0000-0000-000000000000", written=ago(hours=hours))
    assert (await verdict_of(aks, IS_VALID)).status is status


async def test_a_token_says_itself_when_it_ends(aks: Aks) -> None:
    claims = json.dumps({"exp": int((datetime.now(UTC) + timedelta(hours=1)).timestamp())}).encode()
    token = f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.x"
    by_secret(aks, "00000000-0000-0000-0000-000000000000", token, written=ago(hours=9))
    assert (await verdict_of(aks, IS_VALID)).status is Status.PASS


def registry_token(aks: Aks, **properties: Any) -> None:
    by_secret(aks, "ci")
    map = f"{world.ACR}/scopeMaps/web"
    aks.azure.put({"id": map, "properties": {"actions": ["repositories/shop/*/content/read"]}})
    password = {"name": "password1", "creationTime": ago(days=60), "expiry": "2099-01-01T00:00:00Z"}
    whole = {"status": "enabled", "scopeMapId": map, "credentials": {"passwords": [password]}, **properties}
    aks.azure.put({"id": f"{world.ACR}/tokens/ci", "properties": whole})


async def test_a_token_of_the_registry_may_pull(aks: Aks) -> None:
    registry_token(aks)
    found, _ = await aks.look()
    assert found[IS_VALID].verdict.status is Status.PASS
    assert root_causes(found) == []


OVER = {"passwords": [{"name": "password1", "expiry": "2025-01-01T00:00:00Z"}]}
YOUNGER = {"passwords": [{"name": "password1", "creationTime": ago(days=1)}]}


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"status": "disabled"}, "is disabled"),
        ({"credentials": OVER}, "no password left"),
        ({"credentials": YOUNGER}, "no password left"),
        ({"credentials": {}}, "has no password"),
    ],
)
async def test_a_token_of_the_registry_that_is_of_no_use(aks: Aks, properties: Any, words: str) -> None:
    registry_token(aks, **properties)
    found, _ = await aks.look()
    assert root_causes(found) == [IS_VALID]
    assert words in found[IS_VALID].verdict.summary


async def test_a_token_of_the_registry_for_other_repositories(aks: Aks) -> None:
    registry_token(aks)
    aks.azure.get(f"{world.ACR}/scopeMaps/web")["properties"]["actions"] = [
        "repositories/shop/api/content/read", "repositories/shop/web/metadata/read",
    ]  # fmt: skip
    assert "does not open shop/web" in (await verdict_of(aks, IS_VALID)).summary


async def test_a_user_name_that_the_registry_does_not_know(aks: Aks) -> None:
    by_secret(aks, "nobody")
    found, _ = await aks.look()
    assert root_causes(found) == [IS_VALID]
    assert "has no token of that name" in found[IS_VALID].verdict.summary


def as_admin(aks: Aks, *, written: str = "") -> None:
    by_secret(aks, world.REGISTRY, written=written)
    aks.azure.get(world.ACR)["properties"]["adminUserEnabled"] = True


async def test_the_admin_may_pull(aks: Aks) -> None:
    as_admin(aks)
    aks.azure.activity.append(regenerated(days_ago=40))
    found, _ = await aks.look()
    assert found[IS_CURRENT].verdict.status is Status.PASS
    assert root_causes(found) == []
    assert IS_VALID not in found


async def test_the_admins_password_was_made_anew(aks: Aks) -> None:
    as_admin(aks)
    aks.azure.activity += [regenerated(days_ago=9), regenerated(days_ago=2)]
    found, _ = await aks.look()
    assert root_causes(found) == [IS_CURRENT]
    assert "most likely the one in it" in found[IS_CURRENT].verdict.summary
    assert ("By", "alice@contoso.example") in found[IS_CURRENT].verdict.evidence


async def test_another_registrys_event_or_a_failed_one_proves_nothing(aks: Aks) -> None:
    as_admin(aks)
    other, failed = regenerated(days_ago=2), regenerated(days_ago=2)
    other["resourceId"] += "2"
    failed["status"]["value"] = "Failed"
    aks.azure.activity += [other, failed]
    assert (await verdict_of(aks, IS_CURRENT)).status is Status.PASS


async def test_the_admin_account_is_off(aks: Aks) -> None:
    as_admin(aks)
    aks.azure.get(world.ACR)["properties"]["adminUserEnabled"] = False
    found, _ = await aks.look()
    assert root_causes(found) == [IS_CURRENT]
    assert "that account is off" in found[IS_CURRENT].verdict.summary


async def test_the_log_does_not_reach_back_to_an_old_secret(aks: Aks) -> None:
    as_admin(aks, written=ago(days=200))
    assert (await verdict_of(aks, IS_CURRENT)).status is Status.UNKNOWN


async def test_a_secret_that_is_in_another_namespace_is_copied_and_the_cluster_gets_no_role(aks: Aks) -> None:
    as_application(aks)
    there = aks.kube.objects.pop("/api/v1/namespaces/shop/secrets/acr-cred")
    elsewhere = {**there, "metadata": {**there["metadata"], "namespace": "default"}}
    aks.kube.objects["/api/v1/secrets"] = {"items": [elsewhere]}
    found, offers = await aks.look()
    assert root_causes(found) == ["kubernetes/pull_secret_exists"]
    assert [name for name, one in offers.items() if one.plan is not None] == ["kubernetes/renew_pull_secret"]


async def test_a_key_that_kubelet_does_not_take_for_the_registry(aks: Aks) -> None:
    as_application(aks)
    by_secret(aks, APPLICATION, key=f"https://{HOST}/v2")
    found, _ = await aks.look()
    assert root_causes(found)[0] == "kubernetes/pull_secret_covers_registry"
    assert IS_VALID not in found
