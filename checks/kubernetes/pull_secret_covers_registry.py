"""Kubelet has pull secrets, and none of them is for the registry that the image is in.

It compares the registry in the secret with the image's name, label by label; a near miss counts for nothing,
and no warning says so. Where the node's own identity opens the registry (ECR, ACR) no secret has to.
"""

from __future__ import annotations

from checks.graph import check
from checks.host import Host
from checks.image.reference import Repository
from checks.kubernetes.pull_secrets import PullSecrets, has_identity
from checks.kubernetes.pull_secrets_match import near_miss, shown
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown

_REFUSED = {Symptom.UNAUTHORIZED, Symptom.FORBIDDEN, Symptom.ACCESS_DENIED_OR_MISSING}
_NAMED = 8  # registries named in evidence


@check(
    "A pull secret is for the image's registry",
    leg=Leg.SECRET,
    explains=_REFUSED | {Symptom.RATE_LIMITED},
    page="https://kubernetes.io/docs/concepts/containers/images/#config-json",
)
def pull_secret_covers_registry(
    pull: FailedPull, secrets: PullSecrets, repository: Repository, host: Host | None
) -> Verdict:
    covering = [one.where for one in secrets.all if one.of(repository)]
    if covering:
        return passed(f"{', '.join(covering)} is for {repository.host}")
    read = [one for one in secrets.all if one.exists and not one.unread and not one.fault]
    if secrets.unread:
        return unknown(f"which registries the pull secrets are for is not known: {secrets.unread}")
    if not read:
        raise NotApplicable("there is no pull secret that could be for a registry, which is told already")
    entries = [(one, entry) for one in read for entry in one.entries]
    evidence = (
        ("Registry", repository.host),
        ("Secrets", ", ".join(one.where for one in read)),
        ("They are for", ", ".join([shown(entry.key) for _, entry in entries][:_NAMED])),
    )
    missed = [(one, entry, why) for one, entry in entries if (why := near_miss(entry.key, repository))]
    identity = has_identity(host, repository)
    if missed and not (identity and "registry in" in missed[0][2]):
        one, entry, why = missed[0]
        return failed(
            f"the pull secret {one.name} is for {shown(entry.key)}, and not for {repository.host}: {why}",
            *evidence,
            about=one.where,
        )
    if identity or (pull.symptom not in _REFUSED | {Symptom.PULL_SECRET_MISSING}):
        by = "by the node's identity" if identity else "without a login"
        return passed(f"no pull secret is for {repository.host}; kubelet asks {by}", *evidence)
    if len(read) < len(secrets.all):
        raise NotApplicable("one that is missing or broken may be the one for it, which is told already")
    return failed(
        f"none of the pod's pull secrets is for {repository.host}, so kubelet asks it without a login",
        *evidence,
        about=read[0].where,
    )
