"""Did it help? The pods that could not pull have the image now, or others pulled it after the fix.

A pod that had the image all along proves nothing: it would run on without any fix. Events tell of a real
pull, but they expire, and then what kubelet says of the containers decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks.graph import check, fact
from checks.kubernetes.askers import asking, boxes, pages
from checks.kubernetes.facts import Kube
from checks.kubernetes.pods import Container, ImageState, Pod, moment
from checks.kubernetes.rollout_has_image import Given
from checks.model import FailedPull, Leg, NotApplicable, Since, Unavailable, Verdict, failed, passed

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "events", "list"),)
_NAMED = 5  # pods named in evidence


@dataclass(frozen=True, slots=True)
class PullsSince:
    """Names of the workload's pods, by what became of the image in them since the fix.

    ``said``: what kubelet says now of the first that fails. ``bystanders`` had the image before.
    """

    pulled: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    bystanders: tuple[str, ...] = ()
    said: str = ""


@fact(timeout=30)
async def pulls_since(pull: FailedPull, since: Since, given: Given | None, kube: Kube) -> PullsSince:
    if given is not None:
        raise NotApplicable("the pods ask for something else now, which is looked at instead")
    fixed = moment(since.time)
    mine = await asking(pull, kube)
    failing: list[Pod] = []
    waiting: list[Pod] = []
    has_it: list[Pod] = []
    for one in mine:
        states = {box.state for box in boxes(one, pull)}
        if ImageState.FAILING in states and not one.over:
            failing.append(one)
        elif ImageState.THERE in states:
            has_it.append(one)
        elif not one.over:
            waiting.append(one)
    proof = {one.uid for one in has_it if any(_is_proof(one, box, pull, fixed) for box in boxes(one, pull))}
    if has_it and not proof and not failing:
        proof = await _pulled_by_events(pull, fixed, kube) & {one.uid for one in has_it}
    return PullsSince(
        pulled=_names(one for one in has_it if one.uid in proof),
        failing=_names(failing),
        waiting=_names(waiting),
        bystanders=_names(one for one in has_it if one.uid not in proof),
        said=next((box.message or box.reason for one in failing for box in boxes(one, pull)), ""),
    )


@check(
    "The image has been pulled since the fix",
    leg=Leg.LAYERS,
    explains=set(),
    proof=True,
    page="https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff",
)
def image_was_pulled(pull: FailedPull, since: PullsSince) -> Verdict:
    counts = [("Pulled since the fix", since.pulled), ("Still failing", since.failing)]
    evidence = [(what, _few(names)) for what, names in counts if names]
    if since.failing:
        told = [("Message", since.said)] if since.said else []
        some = "every pod" if not since.pulled else "some pods"
        return failed(f"{some} of {pull.workload} still cannot pull {pull.image}", *evidence, *told)
    if since.pulled:
        return passed(f"{pull.image} was pulled after the fix", *evidence)
    if since.waiting:
        return failed(f"no pod has pulled {pull.image} since the fix yet", ("Waiting", _few(since.waiting)))
    return failed(f"no pod of {pull.workload} has asked for {pull.image} since the fix")


def _is_proof(pod: Pod, box: Container, pull: FailedPull, fixed: datetime) -> bool:
    """Whether having the image now means that it was pulled: it was missing then, or the pod is newer."""
    if box.state is not ImageState.THERE:
        return False
    if pod.name in pull.pods or moment(pod.created) > fixed:
        return True
    return box.restarts == 0 and moment(box.started) > fixed


async def _pulled_by_events(pull: FailedPull, fixed: datetime, kube: Kube) -> set[str]:
    """Uids of pods that kubelet pulled the image for after the fix; none where events cannot be read."""
    wanted = f'Successfully pulled image "{pull.image}"'
    path, fields = f"/api/v1/namespaces/{pull.namespace}/events", "reason=Pulled,involvedObject.kind=Pod"
    try:
        return {
            str((event.get("involvedObject") or {}).get("uid") or "")
            async for event in pages(kube, path, fieldSelector=fields)
            if str(event.get("message") or "").startswith(wanted) and _last_said(event) > fixed
        }
    except Unavailable:
        return set()


def _last_said(event: Mapping[str, Any]) -> datetime:
    return moment(str(event.get("lastTimestamp") or event.get("eventTime") or ""))


def _names(pods: Iterable[Pod]) -> tuple[str, ...]:
    return tuple(sorted(one.name for one in pods))


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
