"""A pod without any pull secret, and a registry that wants a login.

A pod gets its service account's secrets when it is made, so those that the account got later it lacks until
it is made anew. Where nobody names any, well-known registries leave open whether a login is missing or the
repository: they answer both alike.
"""

from __future__ import annotations

from checks.graph import check
from checks.host import Host
from checks.image.misspelling import is_familiar
from checks.image.reference import Repository
from checks.kubernetes.pull_secrets import PodSecrets, has_identity
from checks.kubernetes.service_account_secrets import ServiceAccountSecrets
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, unknown

_REFUSED = {Symptom.UNAUTHORIZED, Symptom.FORBIDDEN, Symptom.ACCESS_DENIED_OR_MISSING}


@check(
    "The pod has a pull secret",
    leg=Leg.SECRET,
    explains=_REFUSED,
    page="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
)
def pod_has_pull_secret(
    pull: FailedPull,
    pod: PodSecrets,
    repository: Repository,
    account: ServiceAccountSecrets | None,
    host: Host | None,
) -> Verdict:
    if pod.names or pull.symptom not in _REFUSED:
        raise NotApplicable("it has some, or none is missing")
    identity = has_identity(host, repository)
    evidence = (("Pod", f"{pod.namespace}/{pod.pod}"), ("Registry", repository.host))
    if account is not None and account.names:
        names = ", ".join(account.names)
        return failed(
            f"the service account {account.account} has {names}, but got it after the pod was made, which "
            "has no pull secret",
            *evidence,
            about=account.account,
            explains=False if identity else None,
        )
    if identity:
        raise NotApplicable("the node's own identity logs in")
    if pull.symptom is not Symptom.UNAUTHORIZED or is_familiar(repository.host):
        return unknown(
            f"kubelet asked {repository.host} without a login, as the pod names no pull secret; whether one "
            "is wanted, or the image is missing, the registry does not say",
            *evidence,
        )
    return failed(
        f"the pod names no pull secret, so kubelet asked {repository.host} without a login, and was refused",
        *evidence,
        about=f"{pod.namespace}/{pod.service_account}",
    )
