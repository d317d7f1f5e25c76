"""Does the pod's service account name an identity of its own for pulling from Azure's registries?

Where kubelet hands the account's token to the credential provider, this annotation decides who pulls
(cloud-provider-azure, pkg/credentialprovider). Whether kubelet does, nothing in the cluster's API tells.
"""

from __future__ import annotations

from checks.graph import fact
from checks.host import Host
from checks.image.hosts import acr_host
from checks.image.reference import Repository
from checks.kubernetes.facts import Kube
from checks.kubernetes.pull_secrets import PodSecrets
from checks.model import NotApplicable, NotFound
from checks.registry.account_identity import AccountIdentity

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "serviceaccounts", "get"),)

_CLIENT_ID = "kubernetes.azure.com/acr-client-id"


@fact()
async def account_identity(
    pod: PodSecrets, host: Host, repository: Repository, kube: Kube
) -> AccountIdentity:
    if acr_host(repository.host) is None or not host.provider_id.startswith("azure:"):
        raise NotApplicable("neither an Azure registry nor a node in Azure")
    name = pod.service_account
    try:
        found = await kube.get(f"/api/v1/namespaces/{pod.namespace}/serviceaccounts/{name}")
    except NotFound:
        raise NotApplicable(f"the service account {name} is gone") from None
    annotations = (found.get("metadata") or {}).get("annotations") or {}
    client_id = str(annotations.get(_CLIENT_ID) or "")
    if not client_id:
        raise NotApplicable(f"the service account {name} names no identity")
    return AccountIdentity(f"{pod.namespace}/{name}", client_id)
