"""Do the secrets of the cluster's service principal still hold?

Those that AKS made end after a year. Which one the cluster uses nobody can see: only that all are over is
proof.
"""

from __future__ import annotations

from datetime import timedelta

from checks.azure.cluster import AksCluster
from checks.azure.service_principal import Application, ServicePrincipal
from checks.graph import check
from checks.model import FailedPull, Leg, Symptom, Verdict, failed, passed, unknown

_SOON = timedelta(days=14)


@check(
    "The cluster's service principal is current",
    leg=Leg.CREDENTIALS,
    explains={Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING, Symptom.CREDENTIALS_EXPIRED},
    page="https://learn.microsoft.com/en-us/azure/aks/update-credentials",
)
def service_principal_is_current(
    cluster: AksCluster, principal: ServicePrincipal, application: Application, pull: FailedPull
) -> Verdict:
    id = principal.application
    who = (("Application", id), ("Cluster", str(cluster.id)))
    if not principal.object_id:
        return failed(f"Entra ID has no service principal of the application {id}", *who, about=id)
    if not principal.enabled:
        return failed(f"the service principal of {id} may not sign in (it is disabled)", *who, about=id)
    if application.exists is None:
        return unknown(f"the application {id} is of the tenant {principal.home}, which is not asked", *who)
    if not application.exists:
        return failed(f"Entra ID has no application {id}", *who, about=id)
    return _judged(application, id, who, pull)


def _judged(application: Application, id: str, who: tuple[tuple[str, str], ...], pull: FailedPull) -> Verdict:
    secrets, live = application.credentials, application.live
    if not secrets:
        return failed(f"the application {id} has no secret and no certificate", *who, about=id)
    until = application.last
    last = (("Ends", f"{until:%Y-%m-%d %H:%M} UTC"),) if until is not None else ()
    if not live:
        when = f" on {until:%Y-%m-%d}" if until is not None else ""
        return failed(f"every secret of the application {id} is over, the last{when}", *who, *last, about=id)
    if len(secrets) > 1 and pull.symptom is Symptom.UNAUTHORIZED:
        return unknown(
            f"the application {id} has {len(secrets)} secrets, {len(secrets) - len(live)} of them over; "
            "which one the cluster uses, and whether it is right, cannot be seen",
            *who,
            *last,
        )
    if all(one.until is not None and one.until < application.asked + _SOON for one in live):
        return passed(f"a secret of the application {id} holds, but not for two weeks more", *who, *last)
    return passed(f"a secret of the application {id} holds", *who, *last)
