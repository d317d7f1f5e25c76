"""An archived image is listed like any other, and cannot be pulled: ECR answers 404 until it is restored.

(docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html)
"""

from __future__ import annotations

from checks.aws.ecr import ImageInEcr
from checks.graph import check
from checks.image.reference import Image
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown


@check(
    "The image is not archived",
    leg=Leg.EXISTENCE,
    explains={Symptom.TAG_NOT_FOUND, Symptom.REPOSITORY_NOT_FOUND, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html",
)
def image_is_active(found: ImageInEcr, image: Image) -> Verdict:
    if not found.exists:
        raise NotApplicable("there is no such image")
    what = f"{image.repository.path}{f'@{image.digest}' if image.digest else f':{image.tag}'}"
    evidence = (("Image", found.digest or what), ("Status", found.status))
    match found.status:
        case "ACTIVE":
            return passed(f"{what} is active", *evidence)
        case "ARCHIVED":
            return failed(
                f"{what} is archived: nobody can pull it until it is restored",
                *evidence,
                about=f"{found.address.arn}@{found.digest}",
            )
        case "ACTIVATING":
            return failed(
                f"{what} is being restored from the archive; it can be pulled when it is active",
                *evidence,
                about=f"{found.address.arn}@{found.digest}",
            )
    return unknown(
        f"ECR says that {what} is {found.status or 'of no status'}, which we do not know", *evidence
    )
