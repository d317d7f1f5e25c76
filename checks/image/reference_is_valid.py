"""kubelet refuses a reference that does not parse before it asks anyone: ``InvalidImageName``."""

from __future__ import annotations

from checks.graph import check
from checks.image.reference import BadReference, parse
from checks.model import FailedPull, Leg, Symptom, Verdict, failed, passed


@check(
    "The image reference is valid",
    leg=Leg.REFERENCE,
    explains={Symptom.INVALID_IMAGE_NAME},
    page="https://pkg.go.dev/github.com/distribution/reference",
)
def reference_is_valid(pull: FailedPull) -> Verdict:
    try:
        image = parse(pull.image)
    except BadReference as error:
        return failed(str(error), ("Image", pull.image), about=pull.image)
    return passed(f"it names {image}", ("Image", pull.image))
