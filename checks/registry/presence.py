"""Is the image there? As the registry tells it to somebody who may read.

Registries hide what a stranger may not see, some as 404. So "not there" is only believed of one who may read,
of a registry that lets everybody read, or where the node was told the same.
"""

from __future__ import annotations

from checks.graph import fact
from checks.image.reference import Image, Repository
from checks.model import FailedPull, NotApplicable, Symptom, Unavailable
from checks.registry.challenge import Challenge, Wants
from checks.registry.facts import Endpoint, ImagePresence, RepositoryPresence
from checks.registry.readings import Outcome, Reading, Readings
from checks.registry.tags import Tags, closest

_NODE_WAS_TOLD = frozenset({Symptom.TAG_NOT_FOUND, Symptom.REPOSITORY_NOT_FOUND})


@fact()
def repository_at_registry(  # noqa: PLR0917  facts are given by type
    pull: FailedPull,
    endpoint: Endpoint,
    challenge: Challenge,
    repository: Repository,
    readings: Readings,
    tags: Tags | None,
) -> RepositoryPresence:
    reading = _telling(readings, endpoint)
    where = str(repository)
    if reading.outcome is Outcome.FOUND or (tags is not None and tags.exists):
        return RepositoryPresence(exists=True, where=where)
    if tags is None or tags.exists is None:
        raise Unavailable(f"{endpoint.name} does not say whether it has a repository {repository.path}")
    _believed(pull, challenge, reading, f"repository {repository.path}")
    return RepositoryPresence(exists=False, where=where, near=closest(repository.path, tags.siblings))


@fact()
def image_at_registry(  # noqa: PLR0917  facts are given by type
    pull: FailedPull,
    endpoint: Endpoint,
    challenge: Challenge,
    image: Image,
    readings: Readings,
    tags: Tags | None,
) -> ImagePresence:
    if readings.telling is None and pull.symptom not in _NODE_WAS_TOLD:
        raise NotApplicable("that nobody could read the repository is told of that")
    reading = _telling(readings, endpoint)
    where = str(image.repository)
    if reading.outcome is Outcome.FOUND:
        return ImagePresence(exists=True, where=where)
    if tags is not None and tags.exists is False:
        raise NotApplicable(f"there is no repository {image.repository.path}")
    if tags is None or not tags.exists:
        _believed(pull, challenge, reading, f"{image.digest or image.tag} in {image.repository.path}")
    if tags is not None and image.tag in tags.names and not image.digest:
        raise Unavailable(f"{endpoint.name} lists {image.tag}, and has no manifest for it")
    near = closest(image.tag, tags.names) if tags is not None and image.tag else ()
    return ImagePresence(exists=False, where=where, near=near)


def _telling(readings: Readings, endpoint: Endpoint) -> Reading:
    reading = readings.telling
    if reading is not None:
        return reading
    if endpoint.of_cloud:
        raise NotApplicable(f"{endpoint.name} lets nobody read whom we could ask as")
    told = "; ".join(f"{one.who}: {one.said}" for one in readings.all)
    raise Unavailable(f"{endpoint.name} does not let pullbot read this repository ({told})")


def _believed(pull: FailedPull, challenge: Challenge, reading: Reading, what: str) -> None:
    """:raises Unavailable: that it is missing may only mean that strangers are not shown it"""
    open_to_all = challenge.wants is Wants.NOTHING
    if reading.login is None and not open_to_all and pull.symptom not in _NODE_WAS_TOLD:
        raise Unavailable(
            f"{challenge.host} shows strangers no {what}, which may be there for those who log in"
        )
