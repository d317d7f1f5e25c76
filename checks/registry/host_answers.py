"""Nothing takes the connection. Where it does from here and not from the node, the way between is at fault,
and that is told by the checks of the network, if somebody can.
"""

from __future__ import annotations

from checks.graph import check
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown
from checks.registry.views import HERE, Views

_NO_CONNECTION = {Symptom.CONNECT_TIMEOUT, Symptom.CONNECT_FAILED}


@check(
    "The registry answers",
    leg=Leg.CONNECTION,
    explains=_NO_CONNECTION,
    page="https://github.com/opencontainers/distribution-spec/blob/main/spec.md#determining-support",
)
def host_answers(pull: FailedPull, views: Views) -> Verdict:
    line, endpoint = views.line, views.endpoint
    if line.unresolved or line.barred:
        raise NotApplicable(f"{endpoint.host} has no address here that could be asked")
    place = f"{endpoint.host}:{endpoint.port}"
    here = (HERE, line.unconnected or f"{place} takes connections")
    if pull.symptom not in _NO_CONNECTION or views.elsewhere:
        if line.unconnected:
            return unknown(
                f"{place} does not answer from here; whether it does to the node is not known", here
            )
        return passed(f"{place} answers from here", here)
    if line.unconnected:
        return failed(f"{place} answers neither the node nor pullbot", views.node, here, about=endpoint.host)
    return unknown(
        f"{place} answers from here and not to the node: what lies between them is not seen from here",
        views.node,
        here,
    )
