"""The image was built for other machines than the node is.

containerd chooses among the entries of an index, and fails if none fits. A single manifest it takes as it is:
that pulls, and crashes later with "exec format error".
"""

from __future__ import annotations

from checks.graph import check
from checks.host import Host
from checks.image.reference import Image
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed
from checks.registry.landing import Landing
from checks.registry.manifest import Manifest
from checks.registry.platform import Platform

_NAMED = 12


@check(
    "The image fits the node's platform",
    leg=Leg.PLATFORM,
    explains={Symptom.PLATFORM_MISMATCH},
    page="https://github.com/opencontainers/image-spec/blob/main/image-index.md",
)
def platform_matches_node(
    pull: FailedPull, image: Image, manifest: Manifest, host: Host, landing: Landing | None
) -> Verdict:
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
