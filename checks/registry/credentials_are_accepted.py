"""The registry does not take the login in the pod's pull secret, or does not let it read this repository.

It is asked with the very login that kubelet has. What it says to strangers is told, but decides nothing: a
node may have a login that nobody here knows of.
"""

from __future__ import annotations

import re

from checks.graph import check
from checks.image.reference import Repository
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown
from checks.registry.facts import Endpoint
from checks.registry.readings import AnonymousReading, LoginReadings, Outcome, Reading

_MAY_READ = frozenset({Outcome.FOUND, Outcome.MISSING})
# Said of an address, not of a login: pullbot's is another than the node's.
_OF_AN_ADDRESS = re.compile(r"\b(ip|address|firewall|network|allow-?list|white-?list)\b", re.I)


@check(
    "The registry accepts the login",
    leg=Leg.CREDENTIALS,
    explains={
        Symptom.UNAUTHORIZED,
        Symptom.FORBIDDEN,
        Symptom.ACCESS_DENIED_OR_MISSING,
        Symptom.CREDENTIALS_EXPIRED,
        Symptom.REPOSITORY_NOT_FOUND,
    },
    page="https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/",
)
def credentials_are_accepted(
    endpoint: Endpoint,
    repository: Repository,
    logins: LoginReadings | None,
    anonymous: AnonymousReading | None,
) -> Verdict:
    stranger = anonymous.reading if anonymous is not None else None
    if logins is not None and logins.withheld:
        return unknown(f"the pull secret's login was not shown to {endpoint.name}: {logins.withheld}")
    if logins is not None and logins.all:
        return _of_logins(logins.all, endpoint, repository)
    if stranger is None:
        raise NotApplicable(f"{endpoint.name} was not asked for this repository")
    if stranger.outcome in _MAY_READ:
        return passed(f"{endpoint.name} lets everybody read {repository.path}", _row(stranger))
    if endpoint.of_cloud or stranger.outcome not in (Outcome.REFUSED, Outcome.NO_TOKEN):
        raise NotApplicable(f"what {endpoint.name} says to strangers tells nothing of the node")
    return unknown(
        f"{endpoint.name} wants a login for {repository.path}, or has no such repository; pullbot has none",
        _row(stranger),
    )


def _of_logins(readings: tuple[Reading, ...], endpoint: Endpoint, repository: Repository) -> Verdict:
    rows = tuple(_row(one) for one in readings)
    good = next((one for one in readings if one.outcome in _MAY_READ), None)
    if good is not None:
        return passed(f"{endpoint.name} lets {good.who} read {repository.path}", *rows)
    refused = [one for one in readings if one.outcome in (Outcome.REFUSED, Outcome.NO_TOKEN)]
    if len(refused) < len(readings) or any(_is_of_an_address(one) for one in refused):
        return unknown(f"whether {endpoint.name} accepts the pull secret's login is not known", *rows)
    worst = refused[0]
    if worst.outcome is Outcome.NO_TOKEN or worst.answer.status == 401:
        words = f"{endpoint.name} does not accept the login in {worst.who}"
        if worst.outcome is Outcome.REFUSED:
            words += f" for {repository.path}, or has no such repository"
        return failed(words, *rows, about=worst.who)
    return failed(
        f"{endpoint.name} does not let the login in {worst.who} read {repository.path}, or has no such "
        "repository",
        *rows,
        about=worst.who,
    )


def _is_of_an_address(reading: Reading) -> bool:
    return reading.answer.status == 403 and bool(_OF_AN_ADDRESS.search(reading.said))


def _row(reading: Reading) -> tuple[str, str]:
    name = f"{reading.who} ({reading.login.username})" if reading.login is not None else reading.who
    return (f"Asked {name}", reading.said or reading.outcome.value)
