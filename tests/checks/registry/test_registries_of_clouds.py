"""A registry that lets in identities of its cloud: what it says to strangers is not worth a line."""

from __future__ import annotations

import pytest

from checks.image.reference import parse
from checks.model import NotApplicable, Status, Unavailable
from checks.registry.challenge import Challenge, Wants
from checks.registry.credentials_are_accepted import credentials_are_accepted
from checks.registry.facts import Answer, Endpoint
from checks.registry.presence import image_at_registry, repository_at_registry
from checks.registry.readings import AnonymousReading, LoginReadings, Outcome, Reading, Readings
from tests.fakes.registry_world import failed_pull, login

IMAGE = parse("contoso.azurecr.io/shop/web:1.2")
PULL = failed_pull(str(IMAGE), "failed to fetch anonymous token: unexpected status: 401 Unauthorized")
CHALLENGE = Challenge("https://contoso.azurecr.io", Wants.BEARER, "https://contoso.azurecr.io/oauth2/token")
REFUSED = Answer(401, (), b"")
FIREWALL = "403 DENIED client with IP '192.0.2.7' is not allowed access"


def endpoint(*, of_cloud: bool = True) -> Endpoint:
    return Endpoint("contoso.azurecr.io", "contoso.azurecr.io", 443, of_cloud)


def stranger(outcome: Outcome = Outcome.NO_TOKEN) -> AnonymousReading:
    return AnonymousReading(Reading(None, outcome, REFUSED, "401"))


def test_that_strangers_are_refused_is_not_told() -> None:
    with pytest.raises(NotApplicable):
        credentials_are_accepted.fn(endpoint(), IMAGE.repository, None, stranger())
    for fact, of in ((repository_at_registry, IMAGE.repository), (image_at_registry, IMAGE)):
        with pytest.raises(NotApplicable):
            fact(PULL, endpoint(), CHALLENGE, of, Readings((stranger().reading,)), None)


def test_elsewhere_it_is_unknown() -> None:
    verdict = credentials_are_accepted.fn(endpoint(of_cloud=False), IMAGE.repository, None, stranger())
    assert verdict.status is Status.UNKNOWN
    pull = failed_pull(str(IMAGE), "failed to resolve reference: not found")
    readings = Readings((stranger().reading,))
    with pytest.raises(Unavailable, match="does not let pullbot read"):
        image_at_registry(pull, endpoint(of_cloud=False), CHALLENGE, IMAGE, readings, None)


def test_what_strangers_may_read_is_told() -> None:
    verdict = credentials_are_accepted.fn(endpoint(), IMAGE.repository, None, stranger(Outcome.FOUND))
    assert verdict.status is Status.PASS


def test_a_firewall_that_turns_pullbot_away_accuses_no_login() -> None:
    turned_away = Reading(login(), Outcome.NO_TOKEN, Answer(403, (), b""), FIREWALL)
    verdict = credentials_are_accepted.fn(endpoint(), IMAGE.repository, LoginReadings((turned_away,)), None)
    assert verdict.status is Status.UNKNOWN
    assert "192.0.2.7" in dict(verdict.evidence)["Asked shop/regcred (robot)"]


def test_one_login_that_is_good_is_enough() -> None:
    bad = Reading(login("x"), Outcome.NO_TOKEN, REFUSED, "401")
    good = Reading(login(name="other"), Outcome.MISSING, Answer(404, (), b""), "404")
    verdict = credentials_are_accepted.fn(endpoint(), IMAGE.repository, LoginReadings((bad, good)), None)
    assert verdict.status is Status.PASS
    assert "shop/other" in verdict.summary
