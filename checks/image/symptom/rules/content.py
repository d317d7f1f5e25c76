"""What arrived: an image for other machines, in a form nobody reads, or in broken bytes."""

from __future__ import annotations

from checks.image.symptom.rules.rule import rule
from checks.model import Symptom

FORM = (
    rule(
        Symptom.PLATFORM_MISMATCH,
        "containerd, docker and containers/image choose from an index; `not found` behind it is "
        "about that choice",
        'failed to pull and unpack image "r.example/web:1": no match for platform in manifest: not found',
        r"no match for platform",
        r"no matching manifest",
        r"contain descriptor matching platform",
        r"find a descriptor for platform",
        r"no image found in (the )?(manifest list|image index|index)",
        r"choosing (an )?image (instance )?from manifest list",
        r"no child with platform",
        r"no supported platform",
    ),
    rule(
        Symptom.PLATFORM_MISMATCH,
        "docker and hcsshim: the image's system is not the host's, also one Windows build and another",
        'image operating system "linux" cannot be used on this platform: operating system is not supported',
        r"cannot be used on this platform",
        r"operating system .{0,60}(does not|doesn't|cannot) (match|be used)",
        r"operating system is not supported",
        r"image platform .{0,120}(does not|doesn't|cannot) match",
        r"architecture .{0,80}(does not|doesn't|cannot) match",
        r"does not match the (specified|expected|host|detected).{0,20} platform",
        r"not compatible with the (host|container)",
        r"incompatible with (a|the|this) .{0,40}host",
        r"unsupported (os|platform|architecture)\b",
        r"download image with operating system",
        r"platform .{0,60}not (found|supported|available)",
        r"exec format error",
    ),
    rule(
        Symptom.UNSUPPORTED_MANIFEST,
        "schema 1 in every wording; containerd converted it until 2.0 (core/remotes/docker/schema1)",
        "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed",
        r"schema ?(version ?)?1\b",
        r"schemaversion ?1",
        r"docker image format v1",
        r"\[deprecation notice\]",
        r"prettyjws",
        r"failed to get converter",
        r"\bno signatures$",
        r"missing signature key",
    ),
    rule(
        Symptom.UNSUPPORTED_MANIFEST,
        "a media type that the runtime does not know or did not ask for, such as a proxy's web page",
        "failed to unpack image on snapshotter overlayfs: unexpected media type text/html for "
        "sha256:0a1b: not found",
        r"unexpected media ?type",
        r"media ?type .{0,160}(unsupported|not supported|no longer supported|unknown|unrecogni|should be)",
        r"mediatype .{0,160}(should be|not supported|unknown)",
        r"unsupported (manifest )?(media|mime|content)[- ]?types?",
        r"unknown (manifest )?(media|mime|content)[- ]?types?",
        r"invalid (manifest )?(media|mime|content)[- ]?types?",
        r"unrecogni[sz]ed (manifest )?(media|mime|content)[- ]?types?",
        r"no processor for media-type",
        r"encountered unknown type",
        r"encountered remote .{0,160}when fetching",
        r"media-type: expected ",
        r"unimplemented, content media type",
    ),
    rule(
        Symptom.UNSUPPORTED_MANIFEST,
        "a manifest format that one side does not speak (containers/image, distribution)",
        "manifest unknown: OCI index found, but Accept header does not support OCI indexes",
        r"does not support oci ",
        r"unimplemented (manifest )?mime type",
        r"invalid mixed ",
        r"accept header does not support",
        r"unsupported (manifest|schema)\b",
        r"unknown (schema|manifest (type|format|version))",
        r"unrecogni[sz]ed (manifest|schema)",
        r"manifest (schema|version|type|format).{0,60}(unsupported|not supported|unknown|unrecogni)",
    ),
)

BYTES = (
    rule(
        Symptom.CORRUPT_CONTENT,
        "a body that ended early, or a layer that does not unpack (io.ErrUnexpectedEOF, archive/tar)",
        "failed to extract layer sha256:0a1b: mount callback failed on /tmp/m: archive/tar: invalid "
        "tar header",
        r"unexpected eof",
        r"invalid tar header",
        r"archive/tar:",
        r"gzip\b.{0,40}(invalid|corrupt|checksum|magic|error|mismatch)",
        r"zlib\b.{0,40}(invalid|corrupt|checksum|magic|error|mismatch)",
        r"zstd\b.{0,40}(invalid|corrupt|checksum|magic|error|mismatch)",
        r"flate\b.{0,40}(invalid|corrupt|checksum|magic|error|mismatch)",
        r"bzip2\b.{0,40}(invalid|corrupt|checksum|magic|error|mismatch)",
        r"magic number mismatch",
        r"invalid (tar|gzip|zip|layer|header|checksum|archive|diff ?id)\b",
        r"corrupt(ed)? (content|image|data|input|layer|blob)",
        r"content .{0,60}corrupt",
        r"short read",
        r"truncated (input|file|layer|tar|body|header|stream|data)",
        r"expected number of bytes",
        r"unexpected number of bytes",
    ),
    rule(
        Symptom.CORRUPT_CONTENT,
        "a digest or a size that is not the one in the manifest (containerd content.Commit, docker, "
        "containers/image)",
        'failed commit on ref "layer-sha256:0a1b": unexpected commit digest sha256:0c, expected sha256:0a: '
        "failed precondition",
        r"failed (size|digest) validation",
        r"unexpected (commit )?(digest|size)",
        r"wrong diff ?id",
        r"digest.{0,120}(mismatch|does ?n.t match|do not match|does not match|did not match)",
        r"checksum.{0,120}(mismatch|does ?n.t match|do not match|does not match|did not match)",
        r"size .{0,60}(mismatch|does ?n.t match|does not match|did not match)",
        r"hash .{0,60}(mismatch|does ?n.t match|does not match|did not match)",
        r"diff ?ids?.{0,120}(mismatch|match)",
        r"does not match.{0,60}(digest|checksum|size|diff)",
        r"does not match (the )?(expected|computed|configured) (digest|size|checksum|diff|hash|value|…)",
        r"mismatch(ed)? .{0,40}(digest|checksum|size|diff|rootfs)",
        r"layer verification failed",
        r"digest verification failed",
        r"blob verification failed",
        r"manifest verification failed",
        r"verification failed for digest",
        r"layers from manifest don't match",
        r"failed to verify .{0,40}(digest|layer|blob)",
    ),
    rule(
        Symptom.CORRUPT_CONTENT,
        "containerd's fetcher asks for a blob by the name that the manifest has for it: the image was found "
        "and a part of it was not (core/remotes/docker/fetcher.go)",
        "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:0a1b "
        "(application/vnd.oci.image.config.v1+json) from remote: not found",
        r"fetch content descriptor .{0,300}: not found",
    ),
)

UNREADABLE = (
    rule(
        Symptom.OTHER,
        "the ECS agent cuts long reasons off, here before the cause",
        'CannotPullContainerError: pull command failed: error="failed to extract layer sha256:0a1b: '
        "write /var/lib...",
        r"failed to (extract|register|apply) layer .{0,300}\.\.\.\W{0,3}$",
    ),
    rule(
        Symptom.CORRUPT_CONTENT,
        "encoding/json on a manifest or a configuration; a page where JSON was due gives the same",
        "initializing image from source: invalid character '<' looking for beginning of value",
        r"invalid character .{0,20}(looking for|after|in )",
        r"unexpected end of json input",
        r"cannot unmarshal",
    ),
    rule(
        Symptom.CORRUPT_CONTENT,
        "a layer was not applied, and no better reason is given",
        "CannotPullContainerError: failed to register layer: re-exec error",
        r"failed to (extract|register|apply|unpack) layer",
        r"error processing tar",
    ),
)
