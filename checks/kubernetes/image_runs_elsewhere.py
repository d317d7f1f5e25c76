"""The same image, or another tag of it, runs beside the pod that cannot pull it: not everything is wrong.

An image that runs was pulled once, perhaps long ago. So this narrows the search, and excludes nothing.
"""

from __future__ import annotations

from checks.graph import check
from checks.kubernetes.scope import Elsewhere
from checks.model import FailedPull, Leg, NotApplicable, Verdict, passed


@check("The image runs elsewhere in the namespace", leg=Leg.LAYERS, explains=set())
def image_runs_elsewhere(pull: FailedPull, elsewhere: Elsewhere | None) -> Verdict:
    if elsewhere is None or not (elsewhere.same or elsewhere.others):
        raise NotApplicable("it does not, or that could not be read")
    if not elsewhere.same:
        return passed("another tag of it runs in the namespace", *elsewhere.evidence)
    nodes = {node for _, node, _ in elsewhere.same}
    where = "on the same node" if nodes & {*pull.nodes} else "on another node"
    return passed(f"the same image runs {where}, where it was pulled once", *elsewhere.evidence)
