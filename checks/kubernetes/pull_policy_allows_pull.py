"""``imagePullPolicy: Never``: kubelet asks nobody, and the image has to be on the node already."""

from __future__ import annotations

from checks.graph import check
from checks.kubernetes.scope import Elsewhere
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed


@check(
    "The pull policy lets kubelet pull",
    leg=Leg.NODE,
    explains={Symptom.NEVER_PULL},
    page="https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy",
)
def pull_policy_allows_pull(pull: FailedPull, elsewhere: Elsewhere | None) -> Verdict:
    if pull.symptom is not Symptom.NEVER_PULL:
        raise NotApplicable("kubelet tried to pull it")
    where = f" {', '.join(pull.nodes)}" if pull.nodes else ""
    return failed(
        f"imagePullPolicy of {pull.container} is Never, and the image is not on the node{where}",
        ("Container", f"{pull.namespace}/{pull.workload}: {pull.container}"),
        *(elsewhere.evidence if elsewhere is not None else ()),
        about=f"{pull.namespace}/{pull.workload}",
    )
