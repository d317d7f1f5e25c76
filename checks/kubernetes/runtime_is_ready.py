"""A container runtime that is down, or whose own files cannot be written: nothing can be pulled into it.

A node that has fallen silent is another matter: what its runtime does is not known.
"""

from __future__ import annotations

from checks.graph import check
from checks.kubernetes.facts import Condition
from checks.kubernetes.node_conditions import SuspectNode, SuspectState
from checks.kubernetes.scope import Elsewhere
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown

# pkg/kubelet/runtime.go and pkg/kubelet/kubelet.go: what makes a node not ready because of its runtime.
_OF_THE_RUNTIME = ("container runtime", "pleg is not healthy", "rpc error", "runtime is down", "cri ")


@check(
    "The node's container runtime is ready",
    leg=Leg.NODE,
    explains={Symptom.RUNTIME_UNAVAILABLE},
    page="https://kubernetes.io/docs/setup/production-environment/container-runtimes/",
)
def runtime_is_ready(
    pull: FailedPull, suspect: SuspectNode, state: SuspectState | None, elsewhere: Elsewhere | None
) -> Verdict:
    name, node = suspect.name, state.node if state is not None else None
    ready = node.condition("Ready") if node is not None else None
    evidence = [("Node", name), *_told(ready)]
    if pull.symptom is Symptom.RUNTIME_UNAVAILABLE:
        evidence += [("The node says", suspect.said), *(elsewhere.evidence if elsewhere is not None else ())]
        return failed(
            f"the container runtime of {suspect.words} cannot do its work, so no registry was to blame",
            *evidence,
            about=name,
        )
    if node is None:
        return unknown(f"{name} could not be read, so what its runtime does is not known", *evidence)
    if ready is None:
        raise NotApplicable("the node does not say whether it is ready")
    if ready.status == "False" and _is_of_the_runtime(ready):
        return failed(f"{name} is not ready: {ready.message}", *evidence, about=name)
    if ready.status == "True":
        return passed(f"{name} is ready, its container runtime included", *evidence)
    return unknown(f"{name} is not ready ({ready.message or ready.reason or ready.status})", *evidence)


def _told(ready: Condition | None) -> list[tuple[str, str]]:
    if ready is None:
        return []
    since = f" since {ready.since}" if ready.since else ""
    words = f": {ready.message}" if ready.message else ""
    return [("Ready", f"{ready.status}{since}{words}")]


def _is_of_the_runtime(ready: Condition) -> bool:
    # A missing network plugin makes a node unready too, by a message that begins with the runtime's name.
    text = ready.message.lower()
    return (
        "network plugin" not in text
        and "networkready" not in text
        and any(words in text for words in _OF_THE_RUNTIME)
    )
