"""What the image reference itself says, before anyone is asked."""

from __future__ import annotations

from checks.graph import fact
from checks.image.reference import BadReference, Image, Repository, parse
from checks.model import FailedPull, NotApplicable


@fact()
def image(pull: FailedPull) -> Image:
    """:raises NotApplicable: it does not parse, which ``image/reference_is_valid`` reports."""
    try:
        return parse(pull.image)
    except BadReference as error:
        raise NotApplicable(str(error)) from error


@fact()
def repository(image: Image) -> Repository:
    return image.repository
