"""An image that unpacks: one layer with one file."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass

from tests.fakes.oci_registry import CONFIG, MANIFEST, OciRegistry, digest_of

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Built:
    config: bytes
    layer: bytes
    manifest: bytes
    media_type: str = MANIFEST


def build(*, media_type: str = MANIFEST, architecture: str = "amd64", words: str = "hello") -> Built:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        entry = tarfile.TarInfo("hello")
        entry.size = len(words)
        tar.addfile(entry, io.BytesIO(words.encode()))
    layer = gzip.compress(raw.getvalue(), mtime=0)
    rootfs = {"type": "layers", "diff_ids": [digest_of(raw.getvalue())]}
    config = json.dumps({"os": "linux", "architecture": architecture, "rootfs": rootfs}).encode()
    tree = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": digest_of(layer), "size": len(layer)}],
    }
    return Built(config, layer, json.dumps(tree).encode(), media_type)


def store(registry: OciRegistry, name: str, tag: str, image: Built) -> None:
    for blob in (image.config, image.layer):
        registry.blobs[digest_of(blob)] = blob
    registry.push(name, tag, image.media_type, image.manifest)
