"""The registry speaks plain HTTP where the node wants HTTPS, or TLS that the node cannot speak.

containerd goes over to HTTP by itself for this machine only; for others its hosts.toml has to say so.
"""

from __future__ import annotations

from checks.graph import check
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown
from checks.registry.views import HERE, Views


@check(
    "The registry speaks HTTPS",
    leg=Leg.CONNECTION,
    explains={Symptom.TLS_PROTOCOL},
    page="https://github.com/containerd/containerd/blob/main/docs/hosts.md",
)
def speaks_https(pull: FailedPull, views: Views) -> Verdict:
    line = views.line
    place = f"{views.endpoint.host}:{views.endpoint.port}"
    if not line.connected:
        raise NotApplicable(f"{place} takes no connection from here, which is told already")
    here = (HERE, "plain HTTP" if line.plain else line.no_tls or "TLS")
    if pull.symptom is not Symptom.TLS_PROTOCOL or views.elsewhere:
        if line.plain or line.no_tls:
            return unknown(f"{place} does not speak TLS with pullbot", here)
        return passed(f"{place} speaks TLS", here)
    if line.plain:
        return failed(f"{place} speaks plain HTTP, and the node wants HTTPS", views.node, here, about=place)
    if line.no_tls:
        return failed(
            f"{place} speaks TLS neither with the node nor with pullbot", views.node, here, about=place
        )
    return unknown(
        f"{place} speaks TLS with pullbot and not with the node: somebody may answer in its place, or they "
        "agree on no version",
        views.node,
        here,
    )
