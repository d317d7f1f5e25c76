"""Images that may be meant where the one that is asked for is not there, in the words of who wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from checks.image.misspelling import misspelling
from checks.image.reference import BadReference, Image, parse
from checks.registry.facts import ImagePresence, RepositoryPresence


@dataclass(frozen=True, slots=True)
class Candidate:
    """``seen``: it was read that the image is there."""

    image: str
    seen: bool


def candidates(
    written: str, image: Image, repository: RepositoryPresence | None, found: ImagePresence | None
) -> tuple[Candidate, ...]:
    """Best first; ``written`` is the image as the template has it."""
    return (
        *_of_host(written, image),
        *(_of_repository(image, repository) if repository is not None else ()),
        *(_of_tag(written, image, found) if found is not None else ()),
    )


def _of_host(written: str, image: Image) -> tuple[Candidate, ...]:
    host = image.repository.host
    wrong = misspelling(host)
    if wrong is None or not wrong.meant or not written.startswith(f"{host}/"):
        return ()
    return _that_parse([wrong.meant + written.removeprefix(host)], seen=False)


def _of_repository(image: Image, found: RepositoryPresence) -> tuple[Candidate, ...]:
    if found.exists:
        return ()
    pin = str(image).removeprefix(str(image.repository))
    return _that_parse([f"{image.repository.host}/{path}{pin}" for path in found.near], seen=False)


def _of_tag(written: str, image: Image, found: ImagePresence) -> tuple[Candidate, ...]:
    if found.exists:
        return ()
    name = written.partition("@")[0]
    head, slash, last = name.rpartition("/")
    untagged = f"{head}{slash}{last.partition(':')[0]}"
    near = [one for one in found.near if one != image.tag or image.digest]
    return _that_parse([f"{untagged}:{tag}" for tag in near], seen=True)


def _that_parse(images: list[str], *, seen: bool) -> tuple[Candidate, ...]:
    """A registry may say anything; what is no reference is no candidate."""
    return tuple(Candidate(one, seen) for one in images if _parses(one))


def _parses(text: str) -> bool:
    try:
        parse(text)
    except BadReference:
        return False
    return True
