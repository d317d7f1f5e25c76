"""The pull secrets of a failing pod: which ones it names, and what kubelet gets out of them.

A pod has those of its own spec; its service account's were copied there when it was made, and only if it
named none itself. Reading Secrets is a right that operators give or do not: without it nothing is said about
them but what kubelet's own event proves. They are only read where a login can be why the pull fails; a
password is kept as a ``Secret``, to ask its own registry whether it is good.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.graph import fact
from checks.host import Host
from checks.image.hosts import acr_host, ecr_host
from checks.image.reference import Repository
from checks.kubernetes.facts import Kube
from checks.kubernetes.pods import moment
from checks.kubernetes.pull_secrets_content import KEY_OF_TYPE, Entry, content
from checks.kubernetes.pull_secrets_match import covers
from checks.model import FailedPull, NotApplicable, NotFound, Symptom, Unavailable
from checks.registry.credentials import SecretLogin, SecretLogins

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "pods", "get"),)
# What an operator may grant beside these, in the namespaces whose Secrets may be read.
RBAC_OPT_IN = (("", "secrets", "get"),)

# Where a login, or its absence, can be the reason. A name that does not resolve was not asked for one.
_A_LOGIN_COUNTS = frozenset(
    {
        Symptom.PULL_SECRET_MISSING,
        Symptom.UNAUTHORIZED,
        Symptom.FORBIDDEN,
        Symptom.ACCESS_DENIED_OR_MISSING,
        Symptom.CREDENTIALS_EXPIRED,
        Symptom.REPOSITORY_NOT_FOUND,
        Symptom.RATE_LIMITED,
        Symptom.REGISTRY_ERROR,
        Symptom.KUBELET_THROTTLED,
        Symptom.BACKOFF_ONLY,
        Symptom.OTHER,
    }
)
_ECR_TOKENS_LIVE = timedelta(hours=12)  # docs.aws.amazon.com/AmazonECR/latest/APIReference
_PODS_TRIED = 3
_NAMES = re.compile(r"image pull secrets? \((?P<names>[\w., -]+)\)|secrets? \"(?P<name>[\w.-]+)\" not found")


@dataclass(frozen=True, slots=True)
class PodSecrets:
    """``names``: of the Secrets that the pod names, in its order."""

    namespace: str
    pod: str
    names: tuple[str, ...]
    service_account: str


@fact()
async def pod_secrets(pull: FailedPull, kube: Kube) -> PodSecrets:
    if pull.symptom not in _A_LOGIN_COUNTS:
        raise NotApplicable("no login is why this pull fails")
    return await named_by_pod(pull, kube)


async def named_by_pod(pull: FailedPull, kube: Kube) -> PodSecrets:
    """:raises NotApplicable: the pods are gone"""
    for name in pull.pods[:_PODS_TRIED]:
        try:
            tree = await kube.get(f"/api/v1/namespaces/{pull.namespace}/pods/{name}")
        except NotFound:
            continue
        spec = tree.get("spec") or {}
        named = [str((one or {}).get("name") or "") for one in spec.get("imagePullSecrets") or ()]
        return PodSecrets(
            pull.namespace, name, tuple(dict.fromkeys(filter(None, named))),
            str(spec.get("serviceAccountName") or "default"),
        )  # fmt: skip
    raise NotApplicable("the pods that could not pull are gone")


@fact()
def secrets_as_told(pull: FailedPull) -> PodSecrets:
    """Tried where the pods themselves are gone: kubelet's words name what it could not get."""
    found = _NAMES.search(pull.message)
    if pull.symptom is not Symptom.PULL_SECRET_MISSING or found is None:
        raise NotApplicable("the message names no pull secret")
    names = [one.strip() for one in (found["names"] or found["name"]).split(",")]
    return PodSecrets(pull.namespace, next(iter(pull.pods), ""), tuple(filter(None, names)), "default")


@dataclass(frozen=True, slots=True)
class PullSecret:
    """``unread``: why nothing is known of it, or "". ``fault``: why kubelet gets nothing out of it, or "";
    ``poisons``: nor out of the pod's others. ``written``: when last, RFC 3339.
    """

    namespace: str
    name: str
    exists: bool = True
    unread: str = ""
    fault: str = ""
    poisons: bool = False
    entries: tuple[Entry, ...] = ()
    written: str = ""
    kind: str = ""
    fixed: bool = False  # neither its data nor its type can be changed any more
    version: str = ""

    @property
    def where(self) -> str:
        return f"{self.namespace}/{self.name}"

    def of(self, repository: Repository) -> tuple[Entry, ...]:
        """The entries that kubelet uses for the image's registry."""
        return tuple(one for one in self.entries if covers(one.key, repository))


@dataclass(frozen=True, slots=True)
class PullSecrets:
    """All that the pod names, in its order."""

    pod: PodSecrets
    all: tuple[PullSecret, ...]

    @property
    def unread(self) -> str:
        """Why some of them are not known, or ""."""
        return "; ".join(one.unread for one in self.all if one.unread)


@fact()
async def pull_secrets(pod: PodSecrets, kube: Kube) -> PullSecrets:
    """:raises NotApplicable: the pod names none"""
    if not pod.names:
        raise NotApplicable(f"{pod.pod} names no pull secret")
    found = await asyncio.gather(*(_secret(pod.namespace, name, kube) for name in pod.names))
    return PullSecrets(pod, tuple(found))


async def _secret(namespace: str, name: str, kube: Kube) -> PullSecret:
    try:
        tree = await kube.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
    except NotFound:
        return PullSecret(namespace, name, exists=False)
    except Unavailable as why:
        return PullSecret(namespace, name, unread=str(why))
    return secret(tree, namespace)


def secret(tree: Mapping[str, Any], namespace: str = "") -> PullSecret:
    """A Secret as the API gave it, without what is secret in it."""
    metadata = tree.get("metadata") or {}
    kind = str(tree.get("type") or "")
    found = content(kind, tree.get("data") or {})
    return PullSecret(
        namespace=str(metadata.get("namespace") or namespace),
        name=str(metadata.get("name") or ""),
        fault=found.fault,
        poisons=found.poisons,
        entries=found.entries,
        written=_last_write(metadata),
        kind=kind,
        fixed=bool(tree.get("immutable")) or kind not in KEY_OF_TYPE,
        version=str(metadata.get("resourceVersion") or ""),
    )


def _last_write(metadata: Mapping[str, Any]) -> str:
    times = [
        metadata.get("creationTimestamp"),
        *(one.get("time") for one in metadata.get("managedFields") or ()),
    ]
    return max((str(one) for one in times if one), key=moment, default="")


@fact()
def secret_logins(secrets: PullSecrets, repository: Repository) -> SecretLogins:
    """:raises NotApplicable: kubelet has no login of the pod's for this registry
    :raises Unavailable: whether it has is not known
    """
    found = tuple(
        login(one, entry, repository)
        for one in secrets.all
        for entry in one.of(repository)
        if not entry.fault and not any(other.poisons for other in secrets.all)
    )
    if found:
        return SecretLogins(found)
    if secrets.unread:
        raise Unavailable(secrets.unread)
    raise NotApplicable(f"no pull secret of the pod is for {repository.host}")


def login(secret: PullSecret, entry: Entry, repository: Repository) -> SecretLogin:
    expires = entry.expires
    if not expires and secret.written and entry.username == "AWS" and ecr_host(repository.host):
        expires = (moment(secret.written) + _ECR_TOKENS_LIVE).isoformat()
    over = bool(expires) and moment(expires) <= datetime.now(UTC)
    return SecretLogin(
        secret.namespace,
        secret.name,
        entry.key,
        entry.username,
        secret.written,
        expires,
        over,
        entry.password,
    )


def has_identity(host: Host | None, repository: Repository) -> bool:
    """Whether the node's credential provider may log in to this registry; where the host is not known, it
    may.
    """
    provider = host.provider_id if host is not None else ""
    for cloud, mine in (("aws://", ecr_host), ("azure://", acr_host)):
        if mine(repository.host) is not None:
            return not provider or provider.startswith(cloud)
    return provider.startswith("gce://") and repository.host.endswith((".pkg.dev", "gcr.io"))
