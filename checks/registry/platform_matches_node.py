"""The image was built for other machines than the node is.

containerd chooses among the entries of an index, and fails if none fits. A single manifest it takes as it is:
that pulls, and crashes later with "exec format error". Where no registry can be asked from here, the node's
word that nothing in the index fits is enough.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.graph import check, fact
from checks.host import Host
from checks.image.reference import Image
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed
from checks.registry.facts import ImagePresence
from checks.registry.landing import Landing
from checks.registry.manifest import Manifest
from checks.registry.platform import Platform
from checks.registry.views import NODE

_NAMED = 12


@dataclass(frozen=True, slots=True)
class Inside:
    """``manifest`` is ``None`` where nobody could be asked, and the node's message is about it."""

    manifest: Manifest | None


# Tried in the order of their names. After a manifest that may not be read none is tried: that is unknown.
@fact()
def inside_as_read(manifest: Manifest) -> Inside:
    return Inside(manifest)


@fact()
def inside_by_message(pull: FailedPull, found: ImagePresence | None) -> Inside:
    if found is not None and not found.exists:
        raise NotApplicable("there is no image any more")
    if pull.symptom is not Symptom.PLATFORM_MISMATCH:
        raise NotApplicable("what the image is built for was not read, and is not why it fails")
    return Inside(None)


@check(
    "The image fits the node's platform",
    leg=Leg.PLATFORM,
    explains={Symptom.PLATFORM_MISMATCH},
    page="https://github.com/opencontainers/image-spec/blob/main/image-index.md",
)
def platform_matches_node(
    pull: FailedPull, image: Image, inside: Inside, host: Host, landing: Landing | None
) -> Verdict:
    manifest = inside.manifest
    if manifest is None:
        return _of_message(pull, image, host)
    if manifest.fault:
        raise NotApplicable("it is no image, which is told already")
    node = platform_of(host)
    if not node.architecture or not node.system:
        raise NotApplicable(f"{host.name} does not say what it is")
    at_node = ("Node", f"{host.name}: {node}")
    if not manifest.is_index:
        if pull.symptom is Symptom.PLATFORM_MISMATCH:
            raise NotApplicable("a single manifest is not compared with the node when it is pulled")
        return passed(f"{image} is one image, which is pulled whatever the node is", at_node)
    built = tuple(one for one in manifest.platforms if one is not None)
    evidence = (("Built for", _few(built) or "nothing"), at_node, *_others(built, landing))
    if len(built) < len(manifest.platforms) or any(node.runs(one) for one in built):
        return passed(f"{image} is built for {node}", *evidence)
    return failed(
        f"{image} is built for {_few(built) or 'no platform'}, and the node is {node}",
        *evidence,
        about=str(image),
    )


def _of_message(pull: FailedPull, image: Image, host: Host) -> Verdict:
    node = f"{host.name}: {platform_of(host)}"
    return failed(
        f"the node finds nothing for its platform in {image}; what that is built for was not read from here",
        ("Node", node.removesuffix(": ")),
        (NODE, " ".join(pull.message.split())[-400:]),
        about=str(image),
    )


def platform_of(host: Host) -> Platform:
    tree = {"os": host.operating_system, "architecture": host.architecture}
    return Platform.parse({**tree, "os.version": host.label("node.kubernetes.io/windows-build")})


def _others(built: tuple[Platform, ...], landing: Landing | None) -> tuple[tuple[str, str], ...]:
    """The other kinds of nodes that the pod may come to."""
    if landing is None:
        return ()
    fits = [f"{one.count} of {one.platform}" for one in landing.all if any(map(one.platform.runs, built))]
    fits_not = [
        f"{one.count} of {one.platform}" for one in landing.all if not any(map(one.platform.runs, built))
    ]
    rows = (("Nodes it may land on that fit", fits), ("Nodes it may land on that do not", fits_not))
    return tuple((name, ", ".join(found)) for name, found in rows if found)


def _few(platforms: tuple[Platform, ...]) -> str:
    names = [str(one) for one in dict.fromkeys(platforms)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
