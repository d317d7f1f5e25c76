"""Pods without a pull secret: when that is why, when it may be, and when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from checks.host import Host
from checks.image.reference import parse
from checks.kubernetes.pod_has_pull_secret import pod_has_pull_secret
from checks.kubernetes.pod_template import workload
from checks.kubernetes.pull_secrets import PodSecrets
from checks.kubernetes.service_account_secrets import ServiceAccountSecrets, service_account_secrets
from checks.model import NotApplicable, NotFound, Status, Symptom, Verdict
from handlers.remedies.kubernetes.give_pod_a_pull_secret import give_pod_a_pull_secret
from tests.fakes.pull_secrets import IMAGE, pull

POD = PodSecrets("shop", "web-0", (), "web")
NONE = ServiceAccountSecrets("shop/web", ())
LATER = ServiceAccountSecrets("shop/web", ("regcred",))
ON_PREM = Host("node", "vsphere://1", "amd64", "linux", ())
ON_AWS = Host("node", "aws:///us-west-2a/i-0abc", "amd64", "linux", ())
IN_ECR = "123456789012.dkr.ecr.us-west-2.amazonaws.com/web:1"


def judged(
    account: ServiceAccountSecrets | None = NONE,
    symptom: Symptom = Symptom.UNAUTHORIZED,
    image: str = IMAGE,
    host: Host = ON_PREM,
) -> Verdict:
    return pod_has_pull_secret(pull(symptom, image), POD, parse(image).repository, account, host)


def test_a_private_registry_that_wants_a_login_is_the_cause() -> None:
    verdict = judged()
    assert (verdict.status, verdict.explains, verdict.about) == (Status.FAIL, None, "shop/web")
    assert "without a login, and was refused" in verdict.summary


@pytest.mark.parametrize(
    ("symptom", "image"),
    [
        (Symptom.ACCESS_DENIED_OR_MISSING, "team/web:1"),
        (Symptom.UNAUTHORIZED, "quay.io/team/web:1"),
        (Symptom.FORBIDDEN, "ghcr.io/team/web:1"),
        (Symptom.FORBIDDEN, IMAGE),
    ],
)
def test_registries_that_hide_what_is_missing_leave_it_open(symptom: Symptom, image: str) -> None:
    assert judged(symptom=symptom, image=image).status is Status.UNKNOWN


def test_a_secret_that_the_account_got_after_the_pod_is_the_cause() -> None:
    verdict = judged(LATER, Symptom.ACCESS_DENIED_OR_MISSING, "team/web:1")
    assert (verdict.status, verdict.explains) == (Status.FAIL, None)
    assert "has regcred, but got it after the pod was made" in verdict.summary


def test_where_the_node_logs_in_itself_no_secret_is_missing() -> None:
    with pytest.raises(NotApplicable):
        judged(image=IN_ECR, host=ON_AWS)
    assert judged(LATER, image=IN_ECR, host=ON_AWS).explains is False


@pytest.mark.parametrize("symptom", [Symptom.RATE_LIMITED, Symptom.TAG_NOT_FOUND, Symptom.BACKOFF_ONLY])
def test_where_nobody_was_refused_nothing_is_said(symptom: Symptom) -> None:
    with pytest.raises(NotApplicable):
        judged(symptom=symptom)


class Accounts:
    def __init__(self, **trees: Mapping[str, Any]) -> None:
        self._trees = trees

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        try:
            return self._trees[path.removeprefix("/api/v1/namespaces/shop/serviceaccounts/")]
        except KeyError:
            raise NotFound("NotFound") from None


async def test_the_account_is_read_where_the_pod_names_none() -> None:
    kube = Accounts(web={"imagePullSecrets": [{"name": "regcred"}, {}, None]})
    assert await service_account_secrets(POD, kube) == LATER
    assert await service_account_secrets(POD, Accounts()) == NONE
    with pytest.raises(NotApplicable):
        await service_account_secrets(PodSecrets("shop", "web-0", ("regcred",), "web"), kube)


def test_what_a_person_does() -> None:
    repository, owner = parse(IMAGE).repository, workload(pull())
    again = give_pod_a_pull_secret(POD, repository, LATER, owner)
    assert again.commands == ("kubectl rollout restart deployment/web -n shop",)
    fresh = give_pod_a_pull_secret(POD, repository, None, owner)
    assert fresh.commands[0].startswith("kubectl create secret docker-registry NAME -n shop")
    assert fresh.commands[1].startswith("kubectl patch serviceaccount web -n shop")
