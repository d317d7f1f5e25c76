"""The registry's name has no address, for the node. Nodes do not ask the cluster's own DNS: pulls go by what
is in the node's resolv.conf.
"""

from __future__ import annotations

from checks.graph import check
from checks.model import FailedPull, Leg, Symptom, Verdict, failed, passed, unknown
from checks.registry.views import HERE, Views


@check(
    "The registry's name resolves",
    leg=Leg.NAME,
    explains={Symptom.DNS_FAILURE},
    page="https://kubernetes.io/docs/concepts/containers/images/",
)
def host_resolves(pull: FailedPull, views: Views) -> Verdict:
    line, host = views.line, views.host
    if views.elsewhere and pull.symptom is Symptom.DNS_FAILURE:
        return failed(f"the node cannot resolve {host}, which the pull led it to", views.node, about=host)
    here = (HERE, line.unresolved or line.barred or ", ".join(line.addresses))
    if pull.symptom is Symptom.DNS_FAILURE:
        if line.unresolved:
            return failed(
                f"{host} does not resolve, neither on the node nor from here", views.node, here, about=host
            )
        return failed(
            f"the node cannot resolve {host}, which resolves from here: its DNS differs, or was down",
            views.node,
            here,
            about=host,
        )
    if line.unresolved:
        words = f"{views.endpoint.host} does not resolve from here; whether it does on the node is not known"
        return unknown(words, here)
    if line.barred:
        return unknown(f"{line.barred}", here)
    return passed(f"{views.endpoint.host} resolves from here", here)
