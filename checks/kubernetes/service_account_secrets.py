"""The pull secrets of a service account, where its pod names none."""

from __future__ import annotations

from dataclasses import dataclass

from checks.graph import fact
from checks.kubernetes.facts import Kube
from checks.kubernetes.pull_secrets import PodSecrets
from checks.model import NotApplicable, NotFound

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "serviceaccounts", "get"),)


@dataclass(frozen=True, slots=True)
class ServiceAccountSecrets:
    """``names`` are those that a pod made now would get. ``account``: namespace and name."""

    account: str
    names: tuple[str, ...]


@fact()
async def service_account_secrets(pod: PodSecrets, kube: Kube) -> ServiceAccountSecrets:
    if pod.names:
        raise NotApplicable("the pod names pull secrets of its own")
    account = f"{pod.namespace}/{pod.service_account}"
    try:
        tree = await kube.get(f"/api/v1/namespaces/{pod.namespace}/serviceaccounts/{pod.service_account}")
    except NotFound:
        return ServiceAccountSecrets(account, ())
    named = [str((one or {}).get("name") or "") for one in tree.get("imagePullSecrets") or ()]
    return ServiceAccountSecrets(account, tuple(filter(None, named)))
