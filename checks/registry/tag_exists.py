"""A tag or digest that is not in its repository: never pushed, expired by a lifecycle policy, misspelt."""

from __future__ import annotations

from checks.graph import check
from checks.image.reference import Image
from checks.model import Leg, Symptom, Verdict, failed, passed
from checks.registry.facts import ImagePresence


@check(
    "The tag exists",
    leg=Leg.EXISTENCE,
    explains={Symptom.TAG_NOT_FOUND, Symptom.REPOSITORY_NOT_FOUND},
    page="https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests",
)
def tag_exists(image: Image, found: ImagePresence) -> Verdict:
    what = f"digest {image.digest}" if image.digest else f"tag {image.tag}"
    evidence = ("Image", str(image))
    if found.exists:
        return passed(f"the {what} is in {image.repository.path}", evidence)
    near = (("Tags like it", ", ".join(found.near)),) if found.near else ()
    hint = f"; there is {found.near[0]}" if found.near else ""
    return failed(
        f"there is no {what} in {image.repository.path}{hint}", evidence, *near, about=f"{found.where}:{what}"
    )
