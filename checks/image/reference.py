"""What an image reference names: registry, repository, tag, digest.

``docker-image-py`` follows the grammar of github.com/distribution/reference, the one kubelet,
containerd, CRI-O and docker parse with. What it leaves out we add: an error that says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from docker_image.digest import InvalidDigest  # type: ignore[import-untyped]  # ships no types
from docker_image.reference import InvalidReference, Reference  # type: ignore[import-untyped]  # the same

# Host 253 + port 6 + path 255 + tag 129 + digest 136, with room; longer is no reference at all.
_LONGEST = 1024


class BadReference(ValueError):
    """The text is no image reference. The message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where an image lives, without the tag: everything that all its tags share.

    ``host`` is kept as written, with its port: kubelet compares it byte by byte with the
    registries of a pull secret. Docker Hub is ``docker.io``, and its official images ``library/…``.
    """

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"


@dataclass(frozen=True, slots=True)
class Image:
    """``tag`` is ``latest`` if nothing was named, and empty where only a digest was.

    Where both are named the digest governs: the runtime never looks at the tag.
    """

    repository: Repository
    tag: str
    digest: str | None

    def __str__(self) -> str:
        pin = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"{self.repository}{pin}"


def parse(reference: str) -> Image:
    """Parse ``reference`` as kubelet does, ``latest`` included.

    >>> str(parse("nginx"))
    'docker.io/library/nginx:latest'
    >>> parse("localhost:5000/team/app").repository.host
    'localhost:5000'

    :raises BadReference: kubelet would answer ``InvalidImageName``.
    """
    if len(reference) > _LONGEST:
        raise BadReference(f"the image reference is {len(reference)} characters long; shorten it")
    for is_wrong, says in _COMMON_MISTAKES:
        if is_wrong(reference):
            raise BadReference(f"{reference!r}: {says}")
    try:
        named = Reference.parse_normalized_named(reference)
    except (InvalidReference, InvalidDigest) as error:
        raise BadReference(
            f"{reference!r}: {error}; write it as [host[:port]/]path[:tag][@sha256:digest]"
        ) from error
    host, path = named.split_hostname()
    tag, digest = named["tag"], named["digest"]
    return Image(Repository(host, path), tag or ("" if digest else "latest"), digest)


def _searches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda reference: compiled.search(reference) is not None


def _has_upper_case_path(reference: str) -> bool:
    """The first component may have capitals if it is a host; the path may not."""
    head, slash, rest = reference.partition("@")[0].partition("/")
    if slash and ("." in head or ":" in head):
        head = ""
    path = f"{head}/{rest}" if slash else head
    before_tag, colon, after = path.rpartition(":")
    name = before_tag if colon and "/" not in after else path
    return name != name.lower()


# What people write and the grammar only calls "invalid reference format", most telling first.
_COMMON_MISTAKES: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda text: not text.strip(), "no image is named; set the container's image field"),
    (
        _searches(r"\$\{|\$\(|\{\{|\}\}|<[^>]*>"),
        "a placeholder was not filled in; check the template or variable that sets the image",
    ),
    (_searches(r"^[a-zA-Z][a-zA-Z0-9+.-]*://"), "an image reference has no scheme; remove it up to //"),
    (_searches(r"\s|[\x00-\x1f\x7f]"), "it holds white space or a line break; remove it"),
    (_searches(r"^[^/@\[]*:[^/@0-9][^/@]*/"), "the colon in the host is not followed by a port; remove it"),
    (_searches(r"::"), "two colons follow each other; the variable between them may be empty"),
    (_searches(r":(@|$)"), "the tag after the colon is empty; name a tag or remove the colon"),
    (_searches(r"@$"), "the digest after @ is empty; name a digest or remove the @"),
    (_searches(r"/(:|@|$)"), "the path ends in a slash; name the repository after it"),
    (_searches(r"^/|//"), "a part of the path is empty; remove the extra slash"),
    (_has_upper_case_path, "the repository's path must be lower case"),
    (_searches(r":[^:@/]{129,}"), "the tag is longer than 128 characters; shorten it"),
)
