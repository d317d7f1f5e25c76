"""What ECR says about the repository and the image."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass

from checks.aws.facts import Aws, EcrAddress, Grant, is_of_aws
from checks.aws.pull_through import Caching
from checks.graph import fact
from checks.image.hosts import ecr_host
from checks.image.reference import Image, Repository
from checks.model import NotApplicable, NotFound, Unavailable
from checks.registry.facts import ImagePresence, RepositoryPresence

GRANTS = (
    Grant(
        ("ecr:DescribeImages", "ecr:DescribeRepositories", "ecr:GetRepositoryPolicy", "ecr:ListImages"),
        "arn:{partition}:ecr:*:*:repository/*",
    ),
)

# Names much like a missing one are a courtesy: nobody waits long for them.
_COURTESY_SECONDS = 3.0
_NAMES_TO_COMPARE = 1000


@dataclass(frozen=True, slots=True)
class ImageInEcr:
    """``status`` is ECR's ``imageStatus``: ACTIVE, ARCHIVED or ACTIVATING; empty if there is no image."""

    address: EcrAddress
    repository_exists: bool
    exists: bool
    digest: str = ""
    status: str = ""


@fact()
async def image_in_ecr(address: EcrAddress, image: Image, aws: Aws) -> ImageInEcr:
    wanted = {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag}
    try:
        answer = await aws(
            "ecr",
            "describe_images",
            **address.call,
            imageIds=[wanted],
            # Without it an archived image looks as if it were gone.
            filter={"imageStatus": "ANY"},
        )
    except NotFound as why:
        return ImageInEcr(address, repository_exists=why.code != "RepositoryNotFoundException", exists=False)
    details = answer.get("imageDetails", ())
    if not details:
        return ImageInEcr(address, repository_exists=True, exists=False)
    one = details[0]
    return ImageInEcr(
        address,
        repository_exists=True,
        exists=True,
        digest=one.get("imageDigest", ""),
        status=one.get("imageStatus", "ACTIVE"),
    )


@fact()
async def repository_presence(found: ImageInEcr, caching: Caching, aws: Aws) -> RepositoryPresence:
    address = found.address
    if found.repository_exists:
        return RepositoryPresence(exists=True, where=address.arn)
    caching.refuse_missing(f"repository {address.name}")
    return RepositoryPresence(
        exists=False,
        where=address.arn,
        near=closest(address.name, await _courtesy(_repositories(address, aws))),
    )


@fact()
async def image_presence(found: ImageInEcr, image: Image, caching: Caching, aws: Aws) -> ImagePresence:
    address = found.address
    if not found.repository_exists:
        raise NotApplicable(f"there is no repository {address.name}")
    if found.exists:
        return ImagePresence(exists=True, where=address.arn)
    caching.refuse_missing(f"{image.digest or image.tag} in {address.name}")
    if not image.tag:
        return ImagePresence(exists=False, where=address.arn)
    return ImagePresence(
        exists=False, where=address.arn, near=closest(image.tag, await _courtesy(_tags(address, aws)))
    )


async def _repositories(address: EcrAddress, aws: Aws) -> list[str]:
    answer = await aws(
        "ecr",
        "describe_repositories",
        region=address.region,
        account=address.account,
        registryId=address.account,
        PaginationConfig={"MaxItems": _NAMES_TO_COMPARE},
    )
    return [one["repositoryName"] for one in answer.get("repositories", ())]


async def _tags(address: EcrAddress, aws: Aws) -> list[str]:
    answer = await aws(
        "ecr",
        "list_images",
        **address.call,
        filter={"tagStatus": "TAGGED"},
        PaginationConfig={"MaxItems": _NAMES_TO_COMPARE},
    )
    return [one["imageTag"] for one in answer.get("imageIds", ()) if "imageTag" in one]


async def _courtesy(names: Awaitable[list[str]]) -> list[str]:
    try:
        async with asyncio.timeout(_COURTESY_SECONDS):
            return await names
    except (NotFound, Unavailable, TimeoutError):
        return []


def closest(name: str, names: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The ``limit`` names most like ``name``, best first; the same for any order of ``names``."""
    return tuple(difflib.get_close_matches(name, sorted(set(names)), n=limit, cutoff=0.6))


@dataclass(frozen=True, slots=True)
class RepositoryPolicy:
    """``text`` is the JSON exactly as ECR returned it; ``None``: the repository has no policy.

    ``unread`` says why it could not be read, which says nothing about the policy. It is no error here:
    the registry's own denial may tell what the policy does. ``of_aws``: nobody but AWS can read it, and it
    lets everybody pull; the role's own policies still have to.
    """

    address: EcrAddress
    text: str | None
    unread: str = ""
    of_aws: bool = False


@fact()
def policy_of_aws(repository: Repository) -> RepositoryPolicy:
    host = ecr_host(repository.host)
    if host is None or not is_of_aws(host.account):
        raise NotApplicable(f"{repository.host} is no registry of AWS itself")
    address = EcrAddress(host.account, host.region, host.partition, repository.path)
    return RepositoryPolicy(address, None, of_aws=True)


@fact()
async def repository_policy(address: EcrAddress, aws: Aws) -> RepositoryPolicy:
    try:
        answer = await aws("ecr", "get_repository_policy", **address.call)
    except NotFound as why:
        if why.code == "RepositoryPolicyNotFoundException":
            return RepositoryPolicy(address, None)
        raise NotApplicable(f"there is no repository {address.name}") from None
    except Unavailable as why:
        return RepositoryPolicy(address, None, unread=str(why))
    return RepositoryPolicy(address, answer["policyText"])
