"""What a person does about a login that the registry does not take, or that may not read the repository."""

from __future__ import annotations

from checks.image.reference import Repository
from checks.model import NotApplicable
from checks.registry.credentials_are_accepted import credentials_are_accepted
from checks.registry.readings import LoginReadings, Outcome
from handlers.remedies.kubernetes.login_steps import making
from handlers.remedy import ByHand, by_hand

_REFUSED = (Outcome.REFUSED, Outcome.NO_TOKEN)
_LOGS_IN_AT = {"docker.io": "https://index.docker.io/v1/"}


@by_hand("Log in with an account that may pull", cures=credentials_are_accepted)
def log_in_anew(readings: LoginReadings | None, repository: Repository) -> ByHand:
    refused = [one for one in readings.all if one.outcome in _REFUSED] if readings is not None else []
    logins = [one.login for one in refused if one.login is not None]
    if not logins:
        raise NotApplicable("no login was refused")
    mine = logins[0]
    host = repository.host
    return ByHand(
        f"Who runs {host} lets {mine.username or 'this login'} read {repository.path}, or gives it a new "
        f"password, which is then written into {mine.where}; look whether the repository's name is right, "
        "too",
        (making(mine.namespace, mine.secret, _LOGS_IN_AT.get(host, host), mine.username),),
        "the command leaves out what the Secret has for other registries",
    )
