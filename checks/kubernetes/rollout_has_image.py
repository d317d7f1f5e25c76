"""Did it help to give a workload another image, or other nodes? Its new pods have to have the image.

Nobody asks for the old image any more, so that it can be pulled again proves nothing. Pods of before that run
need no pull: they are replaced in time. Going back to what most pods run still leaves nothing to pull.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checks.graph import check, fact
from checks.kubernetes.askers import pages
from checks.kubernetes.facts import Kube
from checks.kubernetes.pods import ImageState, Pod, pod
from checks.kubernetes.templates import containers, selector_of
from checks.model import FailedPull, Leg, Verdict, failed, passed

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "pods", "list"),)
_NAMED = 5  # pods named in evidence


@dataclass(frozen=True, slots=True)
class Given:
    """A root that only the verification of such a change has: what the workload's new pods were given.

    ``selector``: labels of nodes that they ask for.
    """

    containers: tuple[str, ...]
    image: str
    selector: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rollout:
    """Names of pods, by what became of the image. ``left``: of before the change, that cannot pull.

    ``said``: what kubelet says of the first that fails.
    """

    has: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    said: str = ""


@fact(timeout=30)
async def rollout(pull: FailedPull, given: Given, kube: Kube) -> Rollout:
    groups: dict[str, list[Pod]] = {"has": [], "failing": [], "waiting": [], "left": []}
    said = ""
    async for tree in pages(kube, f"/api/v1/namespaces/{pull.namespace}/pods"):
        one = pod(tree)
        if one.workload != pull.workload or one.leaving:
            continue
        states = {box.state for box in one.containers if box.name in given.containers}
        if not _is_new(tree, given):
            if states - {ImageState.THERE} and not one.over:
                groups["left"].append(one)
        elif ImageState.FAILING in states and not one.over:
            groups["failing"].append(one)
            said = said or next((box.message or box.reason for box in one.failing), "")
        elif states == {ImageState.THERE}:
            groups["has"].append(one)
        elif not one.over:
            groups["waiting"].append(one)
    return Rollout(**{group: _names(pods) for group, pods in groups.items()}, said=said)


@check(
    "The workload's pods have the image that they were given",
    leg=Leg.LAYERS,
    explains=set(),
    proof=True,
    page="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/",
)
def rollout_has_image(pull: FailedPull, given: Given, rollout: Rollout) -> Verdict:
    counts = [("Have it", rollout.has), ("Still failing", rollout.failing), ("Not replaced", rollout.left)]
    evidence = [(what, _few(names)) for what, names in counts if names]
    if rollout.failing:
        told = [("Message", rollout.said)] if rollout.said else []
        return failed(f"new pods of {pull.workload} cannot pull {given.image}", *evidence, *told)
    # Jobs that were started keep their image; those of a CronJob that come have the new one.
    if rollout.left and not pull.workload.startswith("CronJob/"):
        return failed(f"pods of {pull.workload} that cannot pull are not replaced yet", *evidence)
    if rollout.has:
        return passed(f"pods of {pull.workload} have {given.image}, and none waits for another", *evidence)
    if rollout.waiting:
        return failed(f"no pod has pulled {given.image} yet", ("Waiting", _few(rollout.waiting)))
    return failed(f"{pull.workload} has no pod yet that asks for {given.image}")


def _is_new(tree: Mapping[str, Any], given: Given) -> bool:
    spec = tree.get("spec") or {}
    images = {str(one.get("name")): str(one.get("image")) for _, one in containers(spec)}
    wanted = set(given.selector) <= set(selector_of(spec).items())
    return wanted and all(images.get(name) == given.image for name in given.containers)


def _names(pods: Iterable[Pod]) -> tuple[str, ...]:
    return tuple(sorted(one.name for one in pods))


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
