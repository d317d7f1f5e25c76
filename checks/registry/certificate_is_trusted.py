"""The node does not trust the registry's certificate: it is over, of another name, or of a strange authority.

Where it is trusted from here, the node lacks the authority, its clock is wrong, or somebody answers in the
registry's place.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from checks.graph import check
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown
from checks.registry.facts import Certificate
from checks.registry.views import HERE, Views

_NAMED = 5
_SOON = timedelta(days=14)


@check(
    "The registry's certificate is trusted",
    leg=Leg.CONNECTION,
    explains={Symptom.TLS_UNTRUSTED},
    page="https://github.com/containerd/containerd/blob/main/docs/hosts.md",
)
def certificate_is_trusted(pull: FailedPull, views: Views) -> Verdict:
    line, host = views.line, views.endpoint.host
    shown = _shown(line.certificate) if line.certificate else ()
    if pull.symptom is Symptom.TLS_UNTRUSTED:
        if views.elsewhere:
            return failed(
                f"the node does not trust the certificate of {views.host}", views.node, about=views.host
            )
        if line.untrusted:
            words = (
                f"the certificate of {host} is trusted neither by the node nor from here: {line.untrusted}"
            )
            return failed(words, views.node, (HERE, line.untrusted), *shown, about=host)
        if line.certificate:
            words = (
                f"the node does not trust the certificate of {host}, which is trusted from here: the node "
                "lacks its authority, has a wrong clock, or is answered by somebody else"
            )
            return failed(words, views.node, (HERE, "trusted"), *shown, about=host)
        return failed(f"the node does not trust the certificate of {host}", views.node, about=host)
    if line.untrusted:
        return unknown(
            f"the certificate of {host} is not trusted from here ({line.untrusted}); the node may know its "
            "authority",
            (HERE, line.untrusted),
            *shown,
        )
    if line.certificate is None:
        raise NotApplicable(f"{host} shows no certificate here")
    return passed(f"the certificate of {host} is trusted from here{_soon(line.certificate)}", *shown)


def _shown(certificate: Certificate) -> tuple[tuple[str, str], ...]:
    names = certificate.names
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    rows = (
        ("For", ", ".join(names[:_NAMED]) + more),
        ("Issued by", certificate.issuer),
        ("Valid from", certificate.begins),
        ("Valid until", certificate.ends),
    )
    return tuple((name, value) for name, value in rows if value)


def _soon(certificate: Certificate) -> str:
    try:
        left = datetime.fromisoformat(certificate.ends) - datetime.now(UTC)
    except ValueError:
        return ""
    return f", and ends in {left.days} days" if left < _SOON else ""
