"""Have the pods ask for nodes that the image is built for, where the cluster has some that are ready.

Where it has none, the image has to be built for the nodes there are: that is a person's to do.
"""

from __future__ import annotations

from itertools import combinations

from checks.kubernetes.templates import Template
from checks.model import FailedPull, NotApplicable
from checks.registry.landing import Landing
from checks.registry.manifest import Manifest
from checks.registry.platform import Platform
from checks.registry.platform_matches_node import platform_matches_node
from handlers.remedies.kubernetes.rollouts import address_of, cautions, changeable
from handlers.remedies.kubernetes.template_steps import SelectNodes
from handlers.remedy import Plan, Refused, Risk, remedy

Labels = tuple[tuple[str, str], ...]


@remedy("Select nodes that the image is built for", cures=platform_matches_node, risk=Risk.MEDIUM)
def select_platform(
    pull: FailedPull, manifest: Manifest, landing: Landing | None, template: Template | None
) -> tuple[Plan, ...]:
    if landing is None:
        raise NotApplicable("which nodes there are is not known")
    if not manifest.is_index:
        raise NotApplicable("a single manifest is pulled wherever it is asked for")
    built = tuple(one for one in manifest.platforms if one is not None)
    fits = [one for one in landing.all if _runs(one.platform, built)]
    if not fits:
        raise NotApplicable("no ready node that the pod may land on is one that the image is built for")
    there, names = changeable(pull, template)
    if len(fits) == len(landing.all):
        raise Refused("every ready node that the pod may land on fits by now: it has to be made anew")
    by_labels: dict[Labels, int] = {}
    for one in fits:
        labels = _telling(one.platform, landing, built)
        by_labels[labels] = by_labels.get(labels, 0) + one.count
    by_labels.pop((), None)
    if not by_labels:
        raise Refused(
            "nodes that fit have no system and no architecture of their own: a label has to be found"
        )
    return tuple(_plan(labels, count, pull, there, names) for labels, count in by_labels.items())


def _plan(labels: Labels, count: int, pull: FailedPull, template: Template, names: tuple[str, ...]) -> Plan:
    now = dict(template.selector)
    before = tuple((label, now.get(label, "")) for label, _ in labels)
    step = SelectNodes(address_of(template), names, pull.image, before, after=labels)
    nodes = f"{count} ready node{'s' if count > 1 else ''}"
    caution = cautions(template, f"{nodes} can take it, if no taint and no lack of room keeps it away")
    return Plan((step,), choice=", ".join(f"{label}={value}" for label, value in labels), caution=caution)


def _telling(wanted: Platform, landing: Landing, built: tuple[Platform, ...]) -> Labels:
    """The fewest labels that leave only nodes on which the image runs; none where no labels do."""
    mine = _labels(wanted)
    for count in range(1, len(mine) + 1):
        for some in combinations(mine, count):
            left = [one.platform for one in landing.all if set(some) <= {*_labels(one.platform)}]
            if all(_runs(one, built) for one in left):
                return some
    return ()


def _labels(platform: Platform) -> Labels:
    return (("kubernetes.io/os", platform.system), ("kubernetes.io/arch", platform.architecture))


def _runs(node: Platform, built: tuple[Platform, ...]) -> bool:
    return any(node.runs(image) for image in built)
