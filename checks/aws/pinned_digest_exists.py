"""Is what ECS pinned a tag to still in the repository?

A service's deployment looks its tags up once, and every later task pulls by that digest: what was pushed
under the tag since then is not started, and once the old image is deleted no task starts at all, although
the tag is there (docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.aws.ecr import ImageInEcr
from checks.aws.ecs_tasks import EcsTask
from checks.aws.facts import Aws
from checks.graph import check, fact
from checks.image.reference import Image
from checks.model import FailedPull, Leg, NotApplicable, NotFound, Symptom, Verdict, failed, passed

_DIGEST = re.compile(r"@(sha256:[a-f0-9]{64})\b")


@dataclass(frozen=True, slots=True)
class PinnedTo:
    digest: str


@fact()
def pinned_to(pull: FailedPull, task: EcsTask, image: Image) -> PinnedTo:
    """As ECS tells it of the container, or else as the message does, if it names one."""
    known = next((one.digest for one in task.containers if one.name == pull.container), "")
    named = set(_DIGEST.findall(pull.message))
    if not known and len(named) == 1:
        known = named.pop()
    if image.digest or not known:
        raise NotApplicable("no digest is known that a tag was pinned to")
    return PinnedTo(known)


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a tag was when the deployment began. ``now``: what it is today, "" if there is no such tag."""

    tag: str
    digest: str
    exists: bool
    now: str


@fact()
async def pinned(to: PinnedTo, image: Image, found: ImageInEcr, aws: Aws) -> Pinned:
    digest = to.digest
    if not found.repository_exists:
        raise NotApplicable(f"there is no repository {found.address.name}")
    if found.digest == digest:
        return Pinned(image.tag, digest, exists=True, now=digest)
    try:
        answer = await aws(
            "ecr",
            "describe_images",
            **found.address.call,
            imageIds=[{"imageDigest": digest}],
            filter={"imageStatus": "ANY"},
        )
    except NotFound:
        answer = {}
    return Pinned(image.tag, digest, exists=bool(answer.get("imageDetails")), now=found.digest)


@check(
    "The image that ECS pinned the tag to exists",
    leg=Leg.EXISTENCE,
    explains={Symptom.TAG_NOT_FOUND},
    page="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html",
)
def pinned_digest_exists(pinned: Pinned, found: ImageInEcr) -> Verdict:
    name = found.address.name
    evidence = [("Pinned to", pinned.digest), ("The tag is now", pinned.now or "not there")]
    if pinned.exists:
        return passed(f"what {pinned.tag} was pinned to is in {name}", *evidence)
    return failed(
        f"the deployment pinned {pinned.tag} to an image that is not in {name} any more",
        *evidence,
        about=f"{found.address.arn}:digest {pinned.digest}",
    )
