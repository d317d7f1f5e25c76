"""What the checks of pull secrets say of secrets that are missing, broken, or for another registry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.host import Host
from checks.image.reference import Repository, parse
from checks.kubernetes.pull_secret_covers_registry import pull_secret_covers_registry
from checks.kubernetes.pull_secret_exists import pull_secret_exists
from checks.kubernetes.pull_secret_has_not_expired import pull_secret_has_not_expired
from checks.kubernetes.pull_secret_is_readable import pull_secret_is_readable
from checks.kubernetes.pull_secrets import PullSecret, secret_logins
from checks.kubernetes.pull_secrets_elsewhere import NotRetrieved, SecretsElsewhere
from checks.model import NotApplicable, Status, Symptom, Unavailable, Verdict
from checks.registry.credentials import SecretLogin, SecretLogins
from tests.fakes.pull_secrets import HOST, IMAGE, PASSWORD, b64, entry, of, pull, secrets

REPOSITORY = parse(IMAGE).repository
ECR = "123456789012.dkr.ecr.us-west-2.amazonaws.com"
IN_ECR = parse(f"{ECR}/web").repository
MISSING = PullSecret("shop", "regcred", exists=False)
DENIED = PullSecret("shop", "regcred", unread="we may not get secrets regcred in namespace shop")
GOOD = of({HOST: entry()})
SAID = NotRetrieved(
    "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
)


def node(provider_id: str = "") -> Host:
    return Host("node", provider_id, "amd64", "linux", ())


ON_AWS, ON_PREM = node("aws:///us-west-2a/i-0abc"), node("vsphere://1")


def exists(
    *all: PullSecret,
    elsewhere: tuple[PullSecret, ...] | None = None,
    said: NotRetrieved | None = None,
    host: Host | None = ON_PREM,
    symptom: Symptom = Symptom.UNAUTHORIZED,
    repository: Repository = REPOSITORY,
) -> Verdict:
    there = SecretsElsewhere(elsewhere) if elsewhere is not None else None
    return pull_secret_exists(pull(symptom), secrets(*all), repository, there, said, host)


def test_secrets_that_are_there_pass() -> None:
    verdict = exists(GOOD)
    assert (verdict.status, verdict.evidence) == (Status.PASS, (("Secrets", "shop/regcred"),))


def test_a_missing_secret_fails_and_explains_a_refusal() -> None:
    verdict = exists(MISSING)
    assert (verdict.status, verdict.explains, verdict.about) == (Status.FAIL, None, "shop/regcred")
    assert verdict.summary == "there is no pull secret regcred in shop"


def test_a_secret_in_another_namespace_is_named() -> None:
    verdict = exists(MISSING, elsewhere=(of({HOST: entry()}, namespace="default"),))
    assert verdict.explains is None
    assert verdict.summary == (
        "there is no pull secret regcred in shop; there is one in default, where kubelet does not look"
    )
    assert ("Found in", "default/regcred") in verdict.evidence


def test_a_secret_that_was_for_another_registry_is_not_the_cause() -> None:
    assert exists(MISSING, elsewhere=(of({"ghcr.io": entry()}, namespace="default"),)).explains is False


def test_a_secret_of_the_same_name_for_this_registry_counts_even_where_the_node_logs_in_itself() -> None:
    twin = of({ECR: entry("AWS")}, namespace="default")
    assert exists(MISSING, elsewhere=(twin,), host=ON_AWS, repository=IN_ECR).explains is None
    assert exists(MISSING, elsewhere=(), host=ON_AWS, repository=IN_ECR).explains is False
    assert exists(MISSING, elsewhere=None, host=None, repository=IN_ECR).explains is False
    assert exists(MISSING, elsewhere=None, host=ON_PREM, repository=IN_ECR).explains is None


def test_what_kubelet_says_counts_everywhere() -> None:
    verdict = exists(MISSING, said=SAID, symptom=Symptom.PULL_SECRET_MISSING, host=ON_AWS, repository=IN_ECR)
    assert verdict.explains is True
    assert ("Kubelet said", SAID.message) in verdict.evidence


def test_a_missing_secret_beside_a_good_one_is_not_the_cause() -> None:
    assert exists(replace(MISSING, name="old"), GOOD).explains is False


def test_secrets_that_may_not_be_read_are_unknown() -> None:
    verdict = exists(DENIED)
    assert verdict.status is Status.UNKNOWN
    assert "we may not get secrets regcred in namespace shop" in verdict.summary


def test_secrets_that_may_not_be_read_fail_if_kubelet_says_so() -> None:
    assert exists(DENIED, said=SAID).status is Status.FAIL


@pytest.mark.parametrize("name", ["reg", "cred", "my-regcred", "regcred-2", "regcred.old"])
def test_kubelets_words_about_another_secret_prove_nothing(name: str) -> None:
    said = NotRetrieved(SAID.message.replace("regcred", name))
    assert exists(DENIED, said=said).status is Status.UNKNOWN


def test_several_missing_secrets_are_told_at_once() -> None:
    verdict = exists(MISSING, replace(MISSING, name="other"))
    assert verdict.summary == "there are no pull secrets regcred, other in shop"


def readable(*all: PullSecret, host: Host | None = ON_PREM, repository: Repository = REPOSITORY) -> Verdict:
    return pull_secret_is_readable(pull(), secrets(*all), repository, host)


def test_a_readable_secret_passes() -> None:
    assert readable(GOOD).status is Status.PASS


def test_a_secret_of_another_type_fails() -> None:
    verdict = readable(of({HOST: entry()}, kind="Opaque"))
    assert (verdict.status, verdict.explains, verdict.about) == (Status.FAIL, None, "shop/regcred")
    assert "Opaque" in verdict.summary


def test_a_secret_of_another_type_is_not_the_cause_beside_a_good_one_or_on_a_node_that_logs_in() -> None:
    wrong = of({HOST: entry()}, name="old", kind="Opaque")
    assert readable(wrong, GOOD).explains is False
    assert readable(wrong, host=ON_AWS, repository=IN_ECR).explains is False


def test_a_secret_that_cannot_be_parsed_breaks_even_what_a_good_one_opens() -> None:
    poison = of({HOST: {"auth": "no base64 !"}}, name="old")
    verdict = readable(GOOD, poison, host=ON_AWS)
    assert (verdict.status, verdict.explains, verdict.about) == (Status.FAIL, None, "shop/old")


def test_a_mangled_password_fails_if_it_is_for_this_registry() -> None:
    mangled = {"auth": b64(f"robot:{PASSWORD}\n")}
    verdict = readable(of({HOST: mangled}))
    assert (verdict.status, verdict.explains) == (Status.FAIL, None)
    assert "line break" in verdict.summary
    assert PASSWORD not in repr(verdict)
    assert readable(of({"ghcr.io": mangled})).status is Status.PASS


def test_what_is_in_secrets_that_may_not_be_read_is_unknown() -> None:
    assert readable(DENIED).status is Status.UNKNOWN


def test_of_missing_secrets_nothing_more_is_said() -> None:
    with pytest.raises(NotApplicable):
        readable(MISSING)


def covered(
    *all: PullSecret,
    host: Host | None = ON_PREM,
    symptom: Symptom = Symptom.UNAUTHORIZED,
    repository: Repository = REPOSITORY,
) -> Verdict:
    return pull_secret_covers_registry(pull(symptom), secrets(*all), repository, host)


def test_a_secret_for_the_registry_passes() -> None:
    assert covered(of({"ghcr.io": entry()}, name="other"), GOOD).status is Status.PASS


def test_a_secret_for_another_registry_fails() -> None:
    verdict = covered(of({"ghcr.io": entry()}))
    assert (verdict.status, verdict.explains, verdict.about) == (Status.FAIL, None, "shop/regcred")
    assert ("They are for", "ghcr.io") in verdict.evidence


def test_a_secret_for_another_registry_is_not_accused_beside_a_missing_or_a_broken_one() -> None:
    other = of({"ghcr.io": entry()}, name="other")
    for suspect in (MISSING, replace(GOOD, entries=(), fault="it is no JSON")):
        with pytest.raises(NotApplicable, match="told already"):
            covered(suspect, other)


def test_a_near_miss_is_explained() -> None:
    verdict = covered(of({"https://registry.example.com/v2": entry()}))
    assert verdict.status is Status.FAIL
    assert verdict.summary == (
        "the pull secret regcred is for registry.example.com/v2, and not for registry.example.com: "
        "its path /v2 is not the beginning of /shop/web"
    )


def test_where_the_node_logs_in_itself_no_secret_has_to() -> None:
    other = of({"ghcr.io": entry()})
    assert covered(other, host=ON_AWS, repository=IN_ECR).status is Status.PASS
    assert covered(other, host=None, repository=IN_ECR).status is Status.PASS
    assert covered(other, host=ON_PREM, repository=IN_ECR).status is Status.FAIL


def test_a_secret_for_another_region_is_no_fault_where_the_node_logs_in_itself() -> None:
    other = of({"123456789012.dkr.ecr.us-east-1.amazonaws.com": entry("AWS")})
    assert covered(other, host=ON_AWS, repository=IN_ECR).status is Status.PASS
    assert "us-east-1" in covered(other, host=ON_PREM, repository=IN_ECR).summary


def test_a_key_that_was_meant_for_this_registry_is_a_fault_even_there() -> None:
    assert (
        covered(of({f"https://{ECR}/v2": entry("AWS")}), host=ON_AWS, repository=IN_ECR).status is Status.FAIL
    )


def test_a_symptom_that_no_login_would_cure_is_not_explained_by_its_absence() -> None:
    assert covered(of({"ghcr.io": entry()}), symptom=Symptom.RATE_LIMITED).status is Status.PASS


def test_a_secret_meant_for_docker_hub_explains_a_rate_limit() -> None:
    hub = parse("nginx").repository
    verdict = covered(
        of({"https://index.docker.io/v1": entry()}), symptom=Symptom.RATE_LIMITED, repository=hub
    )
    assert (verdict.status, verdict.explains) == (Status.FAIL, None)


def test_for_which_registries_unread_secrets_are_is_unknown() -> None:
    assert covered(DENIED, of({"ghcr.io": entry()}, name="other")).status is Status.UNKNOWN
    assert covered(DENIED, of({HOST: entry()}, name="other")).status is Status.PASS


def test_of_a_secret_that_is_missing_or_empty_it_is_told_elsewhere() -> None:
    for one in (MISSING, of({HOST: entry()}, kind="Opaque")):
        with pytest.raises(NotApplicable):
            covered(one)


def login(user: str, expires: str, *, expired: bool) -> SecretLogin:
    return SecretLogin("shop", "regcred", ECR, user, "2026-11-24T10:00:00Z", expires, expired)


OVER = login("AWS", "2026-11-24T22:00:00+00:00", expired=True)
HOLDS = login("AWS", "2099-01-01T00:00:00+00:00", expired=False)


def test_a_token_that_is_over_fails() -> None:
    verdict = pull_secret_has_not_expired(SecretLogins((OVER,)))
    assert (verdict.status, verdict.about) == (Status.FAIL, "shop/regcred")
    assert "ECR's do after twelve hours" in verdict.summary
    assert ("Secret", "shop/regcred, until 2026-11-24T22:00:00+00:00") in verdict.evidence


def test_a_token_that_holds_passes_as_does_one_beside_another_that_is_over() -> None:
    assert pull_secret_has_not_expired(SecretLogins((HOLDS,))).status is Status.PASS
    assert pull_secret_has_not_expired(SecretLogins((OVER, HOLDS))).status is Status.PASS


def test_a_login_that_never_ends_is_not_judged() -> None:
    for one in (
        login("robot", "", expired=False),
        login("00000000-0000-0000-0000-000000000000", "2026-11-24", expired=True),
    ):
        with pytest.raises(NotApplicable):
            pull_secret_has_not_expired(SecretLogins((one,)))


@pytest.mark.parametrize(
    ("written", "expired"), [("2026-01-01T00:00:00Z", True), ("2099-01-01T00:00:00Z", False), ("", False)]
)
def test_a_token_of_ecr_ends_twelve_hours_after_the_secret_was_written(written: str, expired: bool) -> None:
    there = of({ECR: entry("AWS")}, written=written)
    [found] = secret_logins(secrets(there), IN_ECR).all
    assert found.expired is expired
    assert bool(found.expires) is bool(written)


def test_logins_that_no_registry_takes_or_that_a_broken_secret_blocks_are_none() -> None:
    for some in ([of({HOST: {}})], [GOOD, of({HOST: {"auth": "?"}}, name="old")], [of({"ghcr.io": entry()})]):
        with pytest.raises(NotApplicable):
            secret_logins(secrets(*some), REPOSITORY)
    with pytest.raises(Unavailable, match="we may not"):
        secret_logins(secrets(DENIED), REPOSITORY)
