"""Why a pull does not fail any more: it was pulled, or nobody asks for it, or it merely waits."""

from __future__ import annotations

from enum import Enum

from checks.kubernetes.askers import asking, boxes
from checks.kubernetes.facts import Kube
from checks.kubernetes.pods import ImageState, Pod, moment
from checks.model import FailedPull


class Fate(Enum):
    PULLED = "pulled"  # a pod that needed the image has it now
    GONE = "gone"  # no pod asks for it any more, or none that lacks it
    FAILING = "failing"
    WAITING = "waiting"  # pods ask for it; it is neither there nor refused yet


async def fate(kube: Kube, pull: FailedPull) -> Fate:
    """What became of ``pull``.

    :raises Unavailable: it cannot be read
    """
    found = [(one, box.state) for one in await asking(pull, kube) for box in boxes(one, pull)]
    present = {state for one, state in found if not one.over}
    if ImageState.FAILING in present:
        return Fate.FAILING
    if any(state is ImageState.THERE and _lacked_it(one, pull) for one, state in found):
        return Fate.PULLED
    return Fate.WAITING if ImageState.AWAITED in present else Fate.GONE


def _lacked_it(pod: Pod, pull: FailedPull) -> bool:
    """A pod that had the image all along proves nothing."""
    return pod.name in pull.pods or moment(pod.created) > moment(pull.since)
