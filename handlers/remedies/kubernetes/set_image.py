"""Give the workload an image that is there: a tag much like the missing one, or the name spelt right.

Only a person knows which one is meant, so each is a plan of its own. What a registry holds stays as it is.
"""

from __future__ import annotations

from checks.image.host_is_known import host_is_known
from checks.image.reference import Image
from checks.kubernetes.templates import Template
from checks.model import FailedPull, NotApplicable
from checks.registry.facts import ImagePresence, RepositoryPresence
from checks.registry.repository_exists import repository_exists
from checks.registry.tag_exists import tag_exists
from handlers.remedies.kubernetes.candidates import Candidate, candidates
from handlers.remedies.kubernetes.rollouts import address_of, cautions, changeable
from handlers.remedies.kubernetes.template_steps import SetImage
from handlers.remedy import Plan, Risk, remedy


@remedy(
    "Set the image",
    cures=tag_exists,
    also_cures=(repository_exists, host_is_known),
    risk=Risk.MEDIUM,
)
def set_image(
    pull: FailedPull,
    image: Image,
    template: Template | None,
    repository: RepositoryPresence | None,
    found: ImagePresence | None,
) -> tuple[Plan, ...]:
    if pull.workload.startswith(("Service/", "Task/")):
        raise NotApplicable("not of a cluster of Kubernetes")
    meant = candidates(pull.image, image, repository, found)
    if not meant:
        raise NotApplicable("no image is known that may be meant")
    there, names = changeable(pull, template)
    return tuple(_plan(one, pull, there, names) for one in meant)


def _plan(meant: Candidate, pull: FailedPull, template: Template, names: tuple[str, ...]) -> Plan:
    step = SetImage(address_of(template), names, before=pull.image, after=meant.image)
    unseen = "" if meant.seen else "nobody has looked whether this image is there"
    return Plan((step,), choice=meant.image, caution=cautions(template, unseen))
