"""A misspelt host still answers, or answers nothing: 401, 404, no such host, a timeout.

The kubelet has no credentials for it either: its credential provider does not recognise the name.
"""

from __future__ import annotations

from checks.graph import check
from checks.image.misspelling import is_familiar, misspelling
from checks.image.reference import Repository
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed

_WHATEVER_ANSWERS_THERE = {
    Symptom.DNS_FAILURE,
    Symptom.CONNECT_TIMEOUT,
    Symptom.CONNECT_FAILED,
    Symptom.TLS_UNTRUSTED,
    Symptom.TLS_PROTOCOL,
    Symptom.UNAUTHORIZED,
    Symptom.FORBIDDEN,
    Symptom.ACCESS_DENIED_OR_MISSING,
    Symptom.REPOSITORY_NOT_FOUND,
    Symptom.TAG_NOT_FOUND,
    Symptom.UNSUPPORTED_MANIFEST,
    Symptom.REGISTRY_ERROR,
}


@check(
    "The registry's host is spelt right",
    leg=Leg.REFERENCE,
    explains=_WHATEVER_ANSWERS_THERE,
    page="https://kubernetes.io/docs/concepts/containers/images/#image-names",
)
def host_is_known(repository: Repository) -> Verdict:
    host = repository.host
    wrong = misspelling(host)
    if wrong is not None:
        hint = (("Probably meant", wrong.meant),) if wrong.meant else ()
        return failed(f"the host {host} {wrong.why}", ("Host", host), *hint, about=host)
    if not is_familiar(host):
        raise NotApplicable("any name may be a private registry's")
    return passed(f"{host} is a registry's host", ("Host", host))
