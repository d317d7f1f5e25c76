"""A pull secret with a token that is over: ECR's last for twelve hours, and somebody has to write them anew.

Registries answer with 403 as if a right were missing; kubelet then tries what the node has, so a pull fails
for this where the node may not pull either.
"""

from __future__ import annotations

from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed
from checks.registry.credentials import SecretLogins

_OF_AZURE = "00000000-0000-0000-0000-000000000000"  # which is looked at with Azure's own checks


@check(
    "The token in the pull secret still holds",
    leg=Leg.SECRET,
    explains={
        Symptom.CREDENTIALS_EXPIRED,
        Symptom.FORBIDDEN,
        Symptom.UNAUTHORIZED,
        Symptom.ACCESS_DENIED_OR_MISSING,
    },
    page="https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html",
)
def pull_secret_has_not_expired(logins: SecretLogins) -> Verdict:
    ending = [one for one in logins.all if one.expires and one.username != _OF_AZURE]
    if not ending:
        raise NotApplicable("no login of the pod's ends by itself")
    evidence = [("Secret", f"{one.where}, until {one.expires}") for one in ending]
    if all(one.expired for one in logins.all):
        last = max(ending, key=lambda one: one.expires)
        hours = ", as ECR's do after twelve hours" if last.username == "AWS" else ""
        return failed(f"the token in {last.where} is over{hours}", *evidence, about=last.where)
    return passed("a token of the pod's pull secrets still holds", *evidence)
