"""Is the secret for a private registry there, and may the execution role read it?

Where it is encrypted with a key of the customer's own, the role has to be let in by that, too. For an image
in ECR there must be no secret: a user and a password take the place of the token that ECR wants.
"""

from __future__ import annotations

import re

from checks.aws.denials import Accusation
from checks.aws.ecs_credentials import RegistryCredentials
from checks.aws.ecs_secret_keys import DECRYPT
from checks.aws.ecs_secrets import READ
from checks.graph import check
from checks.image.hosts import ecr_host
from checks.image.reference import Repository
from checks.model import FailedPull, Leg, Symptom, Verdict, failed, passed, unknown

_REFUSED = {Symptom.UNAUTHORIZED, Symptom.FORBIDDEN, Symptom.ACCESS_DENIED_OR_MISSING}
_SECRET = re.compile(r"arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[^\s\"']+")
_NO_KEY = "Access to KMS is not allowed"
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
    another = _names_another(pull, wanted)
    fault = wanted.fault() or ("" if another else _told(pull, wanted.reader_name, accusation))
    if fault:
        return failed(fault, *evidence, about=secret.name.arn, explains=False if another else _explains(pull))
    if reader is None:
        return unknown("who reads the secret is not known", *evidence)
    if wanted.unread:
        why = "; ".join(wanted.unread)
        return unknown(f"whether {wanted.reader_name} may read the secret is not known: {why}", *evidence)
    return passed(f"{wanted.reader_name} may read the secret", *evidence)


def _names_another(pull: FailedPull, wanted: RegistryCredentials) -> bool:
    """Whether the message tells of other secrets alone: containers are given some, too."""
    own = (wanted.secret.arn or wanted.secret.name.arn, wanted.secret.name.arn)
    named = _SECRET.findall(pull.message)
    return bool(named) and not any(one.startswith(own) for one in named)


def _told(pull: FailedPull, reader: str, accusation: Accusation | None) -> str:
    """What the message itself says is wrong, or ""."""
    action = accusation.action.lower() if accusation is not None else ""
    if action == DECRYPT.lower() or _NO_KEY in pull.message:
        return f"{reader} may not use the key of the secret ({DECRYPT}), says AWS"
    return f"{reader} may not read the secret ({READ})" if action == READ.lower() else ""


def _explains(pull: FailedPull) -> bool | None:
    """A registry is only asked once the secret was read: its refusal has another cause."""
    if _TELLS_OF_A_SECRET.search(pull.message):
        return True
    return False if pull.symptom in _REFUSED else None
