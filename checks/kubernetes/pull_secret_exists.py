"""A pull secret that the pod names is not in the pod's namespace: kubelet pulls without it.

It looks nowhere else, so the commonest reason is a Secret that was made in another namespace. That it is
missing harms nothing where another login does: a second secret, or the identity of the node.
"""

from __future__ import annotations

import re

from checks.graph import check
from checks.host import Host
from checks.image.reference import Repository
from checks.kubernetes.pull_secrets import PullSecret, PullSecrets, has_identity
from checks.kubernetes.pull_secrets_elsewhere import NotRetrieved, SecretsElsewhere
from checks.model import FailedPull, Leg, Symptom, Verdict, failed, passed, unknown


@check(
    "The pull secrets are there",
    leg=Leg.SECRET,
    explains={
        Symptom.PULL_SECRET_MISSING,
        Symptom.UNAUTHORIZED,
        Symptom.FORBIDDEN,
        Symptom.ACCESS_DENIED_OR_MISSING,
    },
    page="https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/",
)
def pull_secret_exists(  # noqa: PLR0917  facts are given by type
    pull: FailedPull,
    secrets: PullSecrets,
    repository: Repository,
    elsewhere: SecretsElsewhere | None,
    said: NotRetrieved | None,
    host: Host | None,
) -> Verdict:
    missing = [one for one in secrets.all if not one.exists or (one.unread and _names(said, one.name))]
    if missing:
        twins = [one for one in elsewhere.all if one.exists] if elsewhere is not None else []
        return failed(
            _words(missing, twins, secrets.pod.namespace),
            ("Named by", f"pod {secrets.pod.namespace}/{secrets.pod.pod}"),
            *((("Found in", ", ".join(one.where for one in twins)),) if twins else ()),
            *((("Kubelet said", said.message),) if said is not None and said.message else ()),
            about=missing[0].where,
            explains=_explains(pull, secrets, repository, twins, identity=has_identity(host, repository)),
        )
    if secrets.unread:
        return unknown(f"whether the pull secrets are there is not known: {secrets.unread}")
    return passed(
        f"every pull secret that the pod names is in {secrets.pod.namespace}",
        ("Secrets", ", ".join(one.where for one in secrets.all)),
    )


def _words(missing: list[PullSecret], twins: list[PullSecret], namespace: str) -> str:
    names = ", ".join(one.name for one in missing)
    many = len(missing) > 1
    words = f"there {'are' if many else 'is'} no pull secret{'s' if many else ''} {names} in {namespace}"
    if twins:
        words += f"; there is one in {', '.join(one.namespace for one in twins)}, where kubelet does not look"
    return words


def _explains(
    pull: FailedPull,
    secrets: PullSecrets,
    repository: Repository,
    twins: list[PullSecret],
    *,
    identity: bool,
) -> bool | None:
    """It may have been meant for another registry. If the node can log in without it, something must tell."""
    if pull.symptom is Symptom.PULL_SECRET_MISSING:
        return True
    if any(not entry.fault for one in secrets.all for entry in one.of(repository)):
        return False
    if any(one.of(repository) for one in twins):
        return None
    return False if twins or identity else None


def _names(said: NotRetrieved | None, name: str) -> bool:
    """Names of Secrets are subdomains: what a dot or a dash joins is another name."""
    return said is not None and bool(re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", said.message))
