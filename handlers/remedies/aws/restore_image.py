"""An archived image is restored by who pays for its storage; it takes a while, and cannot be hurried."""

from __future__ import annotations

from checks.aws.ecr import ImageInEcr
from checks.aws.image_is_active import image_is_active
from handlers.remedies.aws.cli import aws
from handlers.remedy import ByHand, by_hand


@by_hand("Restore the image from the archive", cures=image_is_active)
def restore_image(found: ImageInEcr) -> ByHand:
    address = found.address
    repository = ("--registry-id", address.account, "--repository-name", address.name)
    image = f"imageDigest={found.digest}"
    restore = aws(
        "ecr", "update-image-storage-class", address.region, *repository,
        "--image-id", image, "--target-storage-class", "STANDARD",
    )  # fmt: skip
    look = aws(
        "ecr", "describe-images", address.region, *repository,
        "--image-ids", image, "--filter", "imageStatus=ANY", "--query", "imageDetails[].imageStatus",
    )  # fmt: skip
    if found.status == "ACTIVATING":
        return ByHand("Somebody has it restored already; it can be pulled once it is ACTIVE", (look,))
    return ByHand(
        f"Who answers for {address.name} has it restored; it can be pulled once it is ACTIVE",
        (restore, look),
        "a lifecycle rule that archived it may do so again",
    )
