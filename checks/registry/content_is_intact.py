"""What the registry serves is not what it says: a manifest with another digest, of a type that no runtime
reads, or layers that are gone or shorter than they should be.

Layers are not downloaded here: that they are there and how long they are is asked, and no more.
"""

from __future__ import annotations

from checks.graph import check
from checks.image.reference import Image
from checks.model import FailedPull, Leg, Symptom, Verdict, failed, passed, unknown
from checks.registry.layers import Layers
from checks.registry.manifest import Manifest
from checks.registry.views import HERE


@check(
    "What the registry serves is intact",
    leg=Leg.LAYERS,
    explains={Symptom.CORRUPT_CONTENT, Symptom.UNSUPPORTED_MANIFEST},
    page="https://github.com/opencontainers/image-spec/blob/main/descriptor.md#verification",
)
def content_is_intact(pull: FailedPull, image: Image, manifest: Manifest, layers: Layers | None) -> Verdict:
    about = str(image)
    evidence = [("Type", manifest.media_type), ("Digest", manifest.digest)]
    wanted = image.digest or manifest.claimed
    if wanted.startswith("sha256:") and wanted != manifest.digest:
        return failed(
            f"the manifest of {image} is not what its digest says",
            *evidence,
            ("It should be", wanted),
            about=about,
        )
    if manifest.fault:
        return failed(f"no runtime makes an image of {image}: {manifest.fault}", *evidence, about=about)
    if layers is not None and layers.faults:
        digest, why = layers.faults[0]
        part = "configuration" if manifest.config and manifest.config.digest == digest else "layer"
        return failed(f"the {part} {digest} of {image} {why}", *evidence, *layers.faults, about=about)
    if pull.symptom is Symptom.CORRUPT_CONTENT:
        seen = "the manifest and the layers that were asked for" if layers else "the manifest"
        return unknown(
            f"what {image} consists of looks whole from here; what arrives at the node is not seen",
            (HERE, f"{seen}, whole"),
            *evidence,
        )
    return passed(f"the manifest of {image} is what its digest says", *evidence)
