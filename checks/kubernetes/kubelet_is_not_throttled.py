"""Kubelet asks for a few images a second only, and puts the others off: nothing was asked for them yet.

Kubelet tries again by itself, and then the true cause is told. So this is no cause: many pulls that fail at
once are put off because they fail.
"""

from __future__ import annotations

from checks.graph import check
from checks.kubernetes.facts import HostName
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed


@check(
    "Kubelet may ask for images as often as it wants to",
    leg=Leg.NODE,
    explains=set(),
    page="https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/",
)
def kubelet_is_not_throttled(pull: FailedPull, where: HostName) -> Verdict:
    if pull.symptom is not Symptom.KUBELET_THROTTLED:
        raise NotApplicable("kubelet asked")
    return failed(
        f"kubelet on {_few(pull.nodes)} put this pull off, and will try again: it asks for few at once",
        ("Nodes", ", ".join(pull.nodes)),
        (
            "Limits of kubelet",
            "registryPullQPS (5 a second) and registryBurst (10) unless configured otherwise",
        ),
        about=where.name,
        explains=False,
    )


def _few(nodes: tuple[str, ...]) -> str:
    """Which of several has put it off is not known."""
    return nodes[0] if len(nodes) == 1 else f"one of {len(nodes)} nodes"
