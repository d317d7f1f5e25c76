"""Nothing takes the connection. Where it does from here and not from the node, the way between is at fault,
and that is told by the checks of the network, if somebody can.
"""

from __future__ import annotations

from checks.graph import check
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown
from checks.registry.challenge import Front, said
from checks.registry.views import HERE, Views

_NO_CONNECTION = {Symptom.CONNECT_TIMEOUT, Symptom.CONNECT_FAILED}


@check(
    "The registry answers",
    leg=Leg.CONNECTION,
    explains=_NO_CONNECTION | {Symptom.REGISTRY_ERROR},
    page="https://github.com/opencontainers/distribution-spec/blob/main/spec.md#determining-support",
)
def host_answers(pull: FailedPull, views: Views, front: Front | None) -> Verdict:
    line, endpoint = views.line, views.endpoint
    if line.unresolved or line.barred:
        raise NotApplicable(f"{endpoint.host} has no address here that could be asked")
    place = f"{endpoint.host}:{endpoint.port}"
    here = (HERE, line.unconnected or f"{place} takes connections")
    if pull.symptom is Symptom.REGISTRY_ERROR and front is not None and not views.elsewhere:
        return _of_errors(views, front)
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


def _of_errors(views: Views, front: Front) -> Verdict:
    host, status = views.endpoint.host, front.answer.status
    here = (HERE, f"{status}{said(front.answer, ' ')}")
    if status >= 500:
        return failed(f"{host} answers the node and pullbot with errors", views.node, here, about=host)
    return unknown(f"{host} answers the node with an error, and pullbot as it should", views.node, here)
