"""What the image reference itself says, before anyone is asked."""

from __future__ import annotations

from dataclasses import dataclass

from checks.graph import fact
from checks.image.reference import BadReference, Image, Repository, parse
from checks.image.symptom import details
from checks.image.symptom.text import plain
from checks.model import FailedPull, NotApplicable, Symptom


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


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom the runtime was talking to when it failed, in the message's own words; "": it does not say.

    ``host`` was looked up or stands in a URL; the image's registry alone is no evidence for it.
    ``address`` is what was dialled, without the port; ``principal`` whom the registry denied.
    """

    symptom: Symptom
    host: str
    address: str
    principal: str


@fact()
def asked(pull: FailedPull) -> Asked:
    text = plain(pull.message)
    return Asked(
        symptom=pull.symptom,
        host=details.host(text, image="").partition(":")[0].lower(),
        address=details.dialled(text).rpartition(":")[0].strip("[]"),
        principal=details.principal_and_action(text)[0],
    )
