"""The pod's own logins, for asking its registry whether an image is there that strangers are not shown.

No login is suspected here: where the Secrets may not be read, the registry is asked without.
"""

from __future__ import annotations

from checks.graph import fact
from checks.image.reference import Repository
from checks.kubernetes.facts import Kube
from checks.kubernetes.pull_secrets import named_by_pod, pull_secrets, secret_logins
from checks.model import FailedPull, NotApplicable, Symptom
from checks.registry.credentials import AskingLogins
from checks.registry.facts import Endpoint

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "pods", "get"),)
RBAC_OPT_IN = (("", "secrets", "get"),)

_OF_THE_IMAGE = frozenset(
    {
        Symptom.TAG_NOT_FOUND,
        Symptom.PLATFORM_MISMATCH,
        Symptom.UNSUPPORTED_MANIFEST,
        Symptom.CORRUPT_CONTENT,
    }
)


@fact()
async def logins_to_ask_with(
    pull: FailedPull, _: Endpoint, repository: Repository, kube: Kube
) -> AskingLogins:
    if pull.symptom not in _OF_THE_IMAGE:
        raise NotApplicable("the image itself is not in question")
    pod = await named_by_pod(pull, kube)
    secrets = await pull_secrets(pod, kube)
    return AskingLogins(secret_logins(secrets, repository).all)
