"""A pull secret that is there, and of which kubelet makes nothing: another type, another key, no JSON, no
password.

Of another type it is passed over without a word; one that kubelet cannot parse makes every pull of the pod
fail, whatever the registry. An entry with an empty or mangled password is sent as it is, and refused.
"""

from __future__ import annotations

from checks.graph import check
from checks.host import Host
from checks.image.reference import Repository
from checks.kubernetes.pull_secrets import PullSecret, PullSecrets, has_identity
from checks.kubernetes.pull_secrets_match import shown
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown

_REFUSED = {
    Symptom.UNAUTHORIZED,
    Symptom.FORBIDDEN,
    Symptom.ACCESS_DENIED_OR_MISSING,
    Symptom.CREDENTIALS_EXPIRED,
}


@check(
    "Kubelet can read the pull secrets",
    leg=Leg.SECRET,
    explains=_REFUSED,
    page="https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets",
)
def pull_secret_is_readable(
    pull: FailedPull, secrets: PullSecrets, repository: Repository, host: Host | None
) -> Verdict:
    there = [one for one in secrets.all if one.exists and not one.unread]
    faults = [(one, one.fault) for one in sorted(there, key=lambda one: not one.poisons) if one.fault]
    faults += [
        (one, f"in its entry for {shown(entry.key)} {entry.fault}")
        for one in there
        for entry in one.of(repository)
        if entry.fault
    ]
    if faults:
        worst, words = faults[0]
        return failed(
            f"kubelet makes nothing of the pull secret {worst.name}: {words}",
            *(("Secret", f"{one.where}: {fault}") for one, fault in faults),
            about=worst.where,
            explains=_explains(worst, there, repository, identity=has_identity(host, repository)),
        )
    if secrets.unread:
        return unknown(f"what is in the pull secrets is not known: {secrets.unread}")
    if not there:
        raise NotApplicable("the pull secrets are missing, which is told already")
    return passed("kubelet can read the pull secrets", ("Secrets", ", ".join(one.where for one in there)))


def _explains(
    worst: PullSecret, there: list[PullSecret], repository: Repository, *, identity: bool
) -> bool | None:
    if worst.poisons or worst.of(repository):
        return None
    if any(not entry.fault for one in there for entry in one.of(repository)):
        return False
    # What it was for nobody can tell, and the node logs in without it.
    return False if identity else None
