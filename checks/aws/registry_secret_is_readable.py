"""Is the secret for a private registry there, and may the execution role read it?

For an image in ECR there must be none: a user and a password take the place of the token that ECR wants.
"""

from __future__ import annotations

import re

from checks.aws.denials import Accusation
from checks.aws.ecs_secrets import READ, RegistryCredentials
from checks.aws.rulings import Says
from checks.graph import check
from checks.image.hosts import ecr_host
from checks.image.reference import Repository
from checks.model import FailedPull, Leg, Symptom, Verdict, failed, passed, unknown

_REFUSED = {Symptom.UNAUTHORIZED, Symptom.FORBIDDEN, Symptom.ACCESS_DENIED_OR_MISSING}
_TELLS_OF_A_SECRET = re.compile(r"\basm\b|secrets ?manager|CannotPullContainerAuthError", re.IGNORECASE)


@check(
    "The secret for the registry can be read",
    leg=Leg.SECRET,
    explains={Symptom.PULL_SECRET_MISSING, *_REFUSED},
    page="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html",
)
def registry_secret_is_readable(
    pull: FailedPull, repository: Repository, wanted: RegistryCredentials, accusation: Accusation | None
) -> Verdict:
    secret, reader = wanted.secret, wanted.reader
    evidence = wanted.evidence()
    if ecr_host(repository.host) is not None:
        return failed(
            "ECR takes no user and password, and the task definition gives it a secret with them",
            *evidence,
            about=wanted.defined.definition.arn,
        )
    named = accusation is not None and accusation.action.lower() == READ.lower()
    fault = wanted.fault() or (f"{wanted.reader_name} may not read the secret ({READ})" if named else "")
    if fault:
        return failed(fault, *evidence, about=secret.name.arn, explains=_explains(pull))
    if reader is None:
        return unknown("who reads the secret is not known", *evidence)
    if reader.ruling.says is Says.UNKNOWN:
        why = "; ".join(reader.ruling.unread)
        return unknown(f"whether {wanted.reader_name} may read the secret is not known: {why}", *evidence)
    unless = ", unless its key keeps it from decrypting" if secret.key else ""
    return passed(f"{wanted.reader_name} may read the secret{unless}", *evidence)


def _explains(pull: FailedPull) -> bool | None:
    """A registry is only asked once the secret was read: its refusal has another cause."""
    if _TELLS_OF_A_SECRET.search(pull.message):
        return True
    return False if pull.symptom in _REFUSED else None
