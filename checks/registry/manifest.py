"""The manifest of an image, or the index of several, as whoever holds it gave it: ECR's API or the registry.

What it says of itself is compared with what it is: a digest names the bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.graph import fact
from checks.image.reference import Image
from checks.model import FailedPull, NotApplicable, Unavailable
from checks.registry.platform import Platform
from checks.registry.readings import OF_CONTENT, Depth, Outcome, Readings, decoded

_INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_SINGLES = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
_CHART = "application/vnd.cncf.helm.config.v1+json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOST = 200  # entries of an index that are looked at


@dataclass(frozen=True, slots=True)
class Blob:
    """``size`` is in bytes, -1 where it is none."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """``digest`` is of the bytes; ``claimed`` what the registry calls them, "" if it does not say.

    ``fault``: why no runtime makes anything of it, or "". ``platforms`` are an index's, without the
    attestations; an entry without a platform fits everywhere.
    """

    media_type: str
    digest: str
    claimed: str = ""
    fault: str = ""
    is_index: bool = False
    platforms: tuple[Platform | None, ...] = ()
    config: Blob | None = None
    layers: tuple[Blob, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """The inside of an image matters to this pull. Without it nobody is told that it could not be read."""

    of_message: bool


@fact()
def wanted(pull: FailedPull, depth: Depth) -> Wanted:
    if not depth.whole:
        raise NotApplicable("what is in the image is not why it fails")
    return Wanted(pull.symptom in OF_CONTENT)


@dataclass(frozen=True, slots=True)
class InQuestion:
    """The message is about the inside of the image."""


@fact()
def in_question(wanted: Wanted) -> InQuestion:
    if not wanted.of_message:
        raise NotApplicable("the message does not speak of what is in the image")
    return InQuestion()


@fact()
def manifest_at_registry(_: Wanted, readings: Readings, image: Image) -> Manifest:
    """:raises NotApplicable: nobody could read it, or it is not there"""
    found = readings.telling
    if found is None or found.outcome is not Outcome.FOUND:
        raise NotApplicable(f"{image} was not read")
    answer = found.answer
    return read(answer.body, answer.header("content-type"), answer.header("docker-content-digest"))


def read(raw: bytes, content_type: str, claimed: str = "") -> Manifest:
    """:raises Unavailable: it has a digest of a kind that cannot be computed here"""
    if claimed and not _DIGEST.fullmatch(claimed):
        raise Unavailable(f"the manifest's digest is {claimed[:80]!r}, which pullbot cannot compute")
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    tree: Mapping[str, Any] = decoded(raw)
    media_type = _type(tree, content_type)
    if not tree:
        return Manifest(
            media_type, digest, claimed, fault=f"it is no JSON object, but {media_type or 'nothing'}"
        )
    if media_type in _INDEXES:
        entries = [one for one in _rows(tree, "manifests")[:_MOST] if not _is_attestation(one)]
        return Manifest(media_type, digest, claimed, is_index=True, platforms=tuple(map(_platform, entries)))
    if media_type in _SINGLES:
        layers = tuple(blob for one in _rows(tree, "layers")[:_MOST] if (blob := _blob(one)))
        config = _blob(tree.get("config"))
        fault = ("" if config else "it names no config") or _no_image(tree["config"])
        return Manifest(media_type, digest, claimed, fault, config=config, layers=layers)
    if tree.get("schemaVersion") == 1:
        fault = "it is of Docker's schema 1, which containerd 2 does not read any more"
        return Manifest(media_type, digest, claimed, fault)
    return Manifest(media_type, digest, claimed, fault=f"its type is {media_type[:100] or 'not named'}")


def _type(tree: Mapping[str, Any], content_type: str) -> str:
    """As containerd sees it: the header counts, and what is within where that says nothing."""
    told = content_type.partition(";")[0].strip().lower()
    if told in _INDEXES | _SINGLES:
        return told
    within = tree.get("mediaType")
    if isinstance(within, str) and within in _INDEXES | _SINGLES and told in ("", "application/json"):
        return within
    return told


def _no_image(config: Mapping[str, Any]) -> str:
    """What else is kept as an image is (helm.sh/docs/topics/registries): why it is none, or ""."""
    return "it is a Helm chart" if config.get("mediaType") == _CHART else ""


def _rows(tree: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = tree.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _is_attestation(entry: Mapping[str, Any]) -> bool:
    """BuildKit's provenance and SBOMs stand in the index as images for no platform."""
    platform = entry.get("platform")
    return isinstance(platform, Mapping) and platform.get("os") == "unknown"


def _platform(entry: Mapping[str, Any]) -> Platform | None:
    tree = entry.get("platform")
    return Platform.parse(tree) if isinstance(tree, Mapping) else None


def _blob(tree: Any) -> Blob | None:
    if not isinstance(tree, Mapping) or not _DIGEST.fullmatch(str(tree.get("digest") or "")):
        return None
    size = tree.get("size")
    return Blob(str(tree["digest"]), size if isinstance(size, int) and not isinstance(size, bool) else -1)
