"""Are the layers there, and as long as the manifest says? Asked by HEAD, and of few."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from checks.graph import fact
from checks.image.reference import Repository
from checks.model import FailedPull, NotApplicable, Symptom, Unavailable
from checks.registry.challenge import Challenge
from checks.registry.facts import Registry
from checks.registry.manifest import Blob, Manifest
from checks.registry.readings import Outcome, Readings
from checks.secret import Secret

_ASKED = 2  # the message's own, or the largest


@dataclass(frozen=True, slots=True)
class Layers:
    """``faults``: digest and what is wrong with it, in words that follow its name."""

    faults: tuple[tuple[str, str], ...]


@fact()
async def layers(  # noqa: PLR0917  facts are given by type
    pull: FailedPull,
    challenge: Challenge,
    repository: Repository,
    manifest: Manifest,
    readings: Readings,
    registry: Registry,
) -> Layers:
    reading = readings.telling
    if pull.symptom is not Symptom.CORRUPT_CONTENT or reading is None or reading.outcome is not Outcome.FOUND:
        raise NotApplicable("the layers are not why it fails")
    parts = (*manifest.layers, *((manifest.config,) if manifest.config else ()))
    named = [one for one in parts if one.digest in pull.message]
    wanted = named or sorted(manifest.layers, key=lambda one: -one.size)
    if not wanted:
        raise NotApplicable("an index has no layers of its own")
    base = f"{challenge.base}/v2/{repository.path}/blobs"
    asked = (_fault(one, base, reading.authorization, registry) for one in wanted[:_ASKED])
    found = await asyncio.gather(*asked)
    return Layers(tuple((blob.digest, why) for blob, why in found if why))


async def _fault(
    blob: Blob, base: str, authorization: Secret[str] | None, registry: Registry
) -> tuple[Blob, str]:
    answer = await registry.fetch("HEAD", f"{base}/{blob.digest}", authorization=authorization)
    if answer.status == 404 and not answer.is_web_page:
        return blob, "is gone"
    if answer.status != 200:
        raise Unavailable(f"whether the layer {blob.digest} is there is not known: {answer.status}")
    length = answer.header("content-length")
    if blob.size >= 0 and length.isdecimal() and int(length) != blob.size:
        return blob, f"has {length} bytes, and the manifest says {blob.size}"
    return blob, ""
