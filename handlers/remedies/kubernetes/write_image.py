"""What a person does about an image that is not there, or is none, where nobody here knows which is meant."""

from __future__ import annotations

from checks.image.host_is_known import host_is_known
from checks.image.reference import Image
from checks.image.reference_is_valid import reference_is_valid
from checks.kubernetes.pod_template import Workload
from checks.kubernetes.templates import Template
from checks.model import FailedPull, NotApplicable
from checks.registry.facts import ImagePresence, RepositoryPresence
from checks.registry.repository_exists import repository_exists
from checks.registry.tag_exists import tag_exists
from handlers.remedies.kubernetes.candidates import Candidate, candidates
from handlers.remedies.kubernetes.rollouts import changeable
from handlers.remedies.kubernetes.workload_commands import set_image
from handlers.remedy import ByHand, Refused, by_hand


@by_hand(
    "Name an image that is there",
    cures=(reference_is_valid, host_is_known, repository_exists, tag_exists),
)
def write_image(  # noqa: PLR0917  facts are given by type
    pull: FailedPull,
    workload: Workload,
    image: Image | None,
    template: Template | None,
    repository: RepositoryPresence | None,
    found: ImagePresence | None,
) -> ByHand:
    meant = candidates(pull.image, image, repository, found) if image is not None else ()
    if meant and _can_be_set(pull, template):
        raise NotApplicable("one of them can be set")
    where = pull.workload.replace("/", " ", 1)
    pushed = " or pushes the one that is missing" if image is not None else ""
    words = f"Who answers for the {where} names an image that is there{_such_as(meant)},{pushed}"
    command = set_image(workload, pull.container, meant[0].image if meant else "IMAGE")
    if workload.kind in ("Pod", "Job"):
        words += f"; a {workload.kind} that somebody made by hand is better made anew"
    return ByHand(words.rstrip(","), (command,) if command else ())


def _can_be_set(pull: FailedPull, template: Template | None) -> bool:
    try:
        changeable(pull, template)
    except Refused:
        return False
    return True


def _such_as(meant: tuple[Candidate, ...]) -> str:
    return f" (such as {meant[0].image})" if meant else ""
