"""The manifest of an image as ECR's API gives it, for pulls whose message is about what is in it."""

from __future__ import annotations

from checks.aws.ecr import ImageInEcr
from checks.aws.facts import Aws, Grant
from checks.graph import fact
from checks.image.reference import Image
from checks.model import NotApplicable, NotFound
from checks.registry.manifest import InQuestion, Manifest, read
from checks.registry.readings import ACCEPT

GRANTS = (Grant(("ecr:BatchGetImage",), "arn:{partition}:ecr:*:*:repository/*"),)

_TYPES = [one for one in ACCEPT.split(", ") if one != "*/*"]


@fact()
async def manifest_in_ecr(_: InQuestion, found: ImageInEcr, image: Image, aws: Aws) -> Manifest:
    if not found.exists:
        raise NotApplicable(f"there is no {image}")
    wanted = {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag}
    try:
        answer = await aws(
            "ecr",
            "batch_get_image",
            **found.address.call,
            imageIds=[wanted],
            acceptedMediaTypes=_TYPES,
        )
    except NotFound:
        answer = {}
    images = answer.get("images") or ()
    if not images:
        raise NotApplicable("ECR gives no manifest for it")
    one = images[0]
    # ECR has computed the digest itself.
    return read(one["imageManifest"].encode(), one.get("imageManifestMediaType") or "application/json")
