"""A Secret that the pod names, and that is in another namespace. And what kubelet itself says of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from checks.graph import fact
from checks.image.reference import Repository
from checks.kubernetes.askers import pages
from checks.kubernetes.facts import Kube
from checks.kubernetes.pull_secrets import PullSecret, PullSecrets, secret
from checks.model import FailedPull, NotApplicable, NotFound, Symptom, Unavailable
from checks.registry.own_secret import OwnSecret

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "events", "list"),)
RBAC_OPT_IN = (("", "secrets", "get"),)

NOT_RETRIEVED = "FailedToRetrieveImagePullSecret"


@dataclass(frozen=True, slots=True)
class SecretsElsewhere:
    """Secrets of the missing names in other namespaces, as far as they may be read: perhaps not all."""

    all: tuple[PullSecret, ...]


@fact()
async def secrets_elsewhere(secrets: PullSecrets, kube: Kube) -> SecretsElsewhere:
    missing = [one.name for one in secrets.all if not one.exists]
    if not missing:
        raise NotApplicable("every pull secret is there")
    found = await asyncio.gather(*(_of_name(name, secrets.pod.namespace, kube) for name in missing))
    return SecretsElsewhere(tuple(sorted((one for some in found for one in some), key=lambda one: one.where)))


async def _of_name(name: str, besides: str, kube: Kube) -> list[PullSecret]:
    """In all namespaces if they may be listed; if not, where people make things without thinking."""
    try:
        listed = pages(kube, "/api/v1/secrets", fieldSelector=f"metadata.name={name}")
        found = [secret(tree) async for tree in listed]
    except (NotFound, Unavailable):
        try:
            found = [secret(await kube.get(f"/api/v1/namespaces/default/secrets/{name}"), "default")]
        except (NotFound, Unavailable):
            return []
    return [one for one in found if one.name == name and one.namespace != besides]


@fact()
def own_secret(secrets: PullSecrets, repository: Repository, elsewhere: SecretsElsewhere | None) -> OwnSecret:
    """By what is in it; of one that is missing, by what is in its namesake."""
    twins = elsewhere.all if elsewhere is not None else ()
    names = {one.name for one in twins if one.of(repository)}
    mine = [one for one in secrets.all if one.of(repository) or (not one.exists and one.name in names)]
    if not mine:
        raise NotApplicable(f"no pull secret of the pod is meant for {repository.host}, as far as is known")
    return OwnSecret(mine[0].where)


@dataclass(frozen=True, slots=True)
class NotRetrieved:
    """What kubelet said last of pull secrets that it could not get."""

    message: str


@fact()
async def not_retrieved(pull: FailedPull, secrets: PullSecrets, kube: Kube) -> NotRetrieved:
    if pull.symptom is Symptom.PULL_SECRET_MISSING:
        return NotRetrieved(pull.message)
    if not secrets.unread:
        raise NotApplicable("the secrets themselves could be read")
    fields = f"involvedObject.kind=Pod,involvedObject.name={secrets.pod.pod},reason={NOT_RETRIEVED}"
    path = f"/api/v1/namespaces/{secrets.pod.namespace}/events"
    said = [str(event.get("message") or "") async for event in pages(kube, path, fieldSelector=fields)
            if event.get("reason") == NOT_RETRIEVED]  # fmt: skip
    if not said:
        raise NotApplicable("kubelet said nothing of its pull secrets")
    return NotRetrieved(said[-1])
