"""Is an entry of a pull secret for this image's registry? By the rules of kubelet's keyring.

``https://`` and ``http://`` are cut off, as is a leading ``/v1`` or ``/v2`` if a slash follows; the port must
be the same; every label of the host may be a pattern (``*.azurecr.io``) but must have its counterpart; a path
must be the beginning of the image's. Docker Hub is ``index.docker.io`` or ``docker.io`` and nothing else
(pkg/credentialprovider/keyring.go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from checks.image.hosts import ecr_host
from checks.image.misspelling import distance, is_familiar
from checks.image.reference import Repository

_DOCKER_HUB = "docker.io"
_ITS_KEY = "https://index.docker.io/v1/"
# What people write for Docker Hub, and kubelet does not know.
_TAKEN_FOR_IT = re.compile(r"(.*\.)?docker\.(io|com)")
_FEW_LETTERS = 2


@dataclass(frozen=True, slots=True)
class _Place:
    host: str
    port: str
    path: str


def covers(key: str, repository: Repository) -> bool:
    """Whether kubelet uses the entry under ``key`` for images of ``repository``."""
    place, wanted = _place(key), _wanted(repository)
    if place is None:
        return False
    if repository.host == _DOCKER_HUB and place == _Place("index.docker.io", "", ""):
        return True
    labels, its = place.host.split("."), wanted.host.split(".")
    return (
        place.port == wanted.port
        and len(labels) == len(its)
        and wanted.path.startswith(place.path)
        and all(_fits(pattern, label) for pattern, label in zip(labels, its, strict=True))
    )


def near_miss(key: str, repository: Repository) -> str:
    """Why an entry that was meant for this registry does not count for it; "" for one that was not."""
    place, wanted = _place(key), _wanted(repository)
    if place is None:
        return "it is no address" if wanted.host in key else ""
    if repository.host == _DOCKER_HUB and _TAKEN_FOR_IT.fullmatch(place.host.lower()):
        return f"kubelet knows Docker Hub as {_ITS_KEY} only"
    if place.host.lower() == wanted.host.lower():
        return _same_host(place, wanted)
    return _other_host(place.host.lower(), wanted.host.lower())


def _same_host(place: _Place, wanted: _Place) -> str:
    if place.port != wanted.port:
        return f"it is for port {place.port or '443'}, and the image names {wanted.port or 'none'}"
    if place.host != wanted.host:
        return "it differs in capital letters"
    return f"its path {place.path} is not the beginning of {wanted.path}"


def _other_host(host: str, wanted: str) -> str:
    if "*" in host and wanted.endswith(host.rpartition("*")[2]):
        return "a * stands for one label of the host, no more and no less"
    mine, other = ecr_host(wanted), ecr_host(host)
    if mine is not None and other is not None:
        same = mine.account == other.account and mine.region != other.region
        return f"it is for the registry in {other.region}" if same else ""
    # Between well-known registries a few letters are no slip: gcr.io is not ghcr.io.
    slip = not is_familiar(host) and distance(host, wanted, _FEW_LETTERS) <= _FEW_LETTERS
    return "it is spelt otherwise" if slip and "." in wanted else ""


def shown(key: str) -> str:
    """A key for people: without what stands before an ``@``, which may be a password."""
    place = _place(key)
    if place is None:
        return key.rpartition("@")[2]
    return f"{place.host}{f':{place.port}' if place.port else ''}{place.path}"


def _place(key: str) -> _Place | None:
    whole = key if key.startswith(("https://", "http://")) else f"https://{key}"
    try:
        parsed = urlsplit(whole)
    except ValueError:
        return None
    path = parsed.path
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    host, port = _split(parsed.netloc.rpartition("@")[2])
    return _Place(host, port, "" if path == "/" else path)


def _wanted(repository: Repository) -> _Place:
    host, port = _split(repository.host)
    return _Place(host, port, f"/{repository.path}")


def _split(netloc: str) -> tuple[str, str]:
    host, colon, port = netloc.rpartition(":")
    return (host, port) if colon and not netloc.endswith("]") else (netloc, "")


def _fits(pattern: str, label: str) -> bool:
    return fnmatchcase(label, pattern.replace("[^", "[!"))
