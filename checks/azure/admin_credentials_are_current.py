"""A pull secret with the registry's admin account: is the account on, and the password still the same?

It has two passwords, each made anew by itself, so an event of that is likely the reason and no proof.
"""

from __future__ import annotations

from checks.azure.registry import Registry
from checks.azure.secret_admin import Regenerated
from checks.azure.secret_login import AdminLogin
from checks.graph import check
from checks.model import Leg, Symptom, Verdict, failed, passed, unknown


@check(
    "The admin password in the pull secret is current",
    leg=Leg.CREDENTIALS,
    explains={Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING, Symptom.CREDENTIALS_EXPIRED},
    page="https://learn.microsoft.com/en-us/azure/container-registry/container-registry-authentication",
)
def admin_credentials_are_current(
    admin: AdminLogin, registry: Registry, renewed: Regenerated | None
) -> Verdict:
    where = admin.login.where
    evidence = (("Secret", where), ("Registry", str(registry.id)), ("Secret written", admin.login.written))
    if not registry.admin_enabled:
        return failed(
            f"the pull secret {where} logs in as the admin of {registry.host}, and that account is off",
            *evidence[:2],
            about=where,
        )
    if renewed is None:
        return unknown(
            f"whether the admin password of {registry.host} was made anew since {where} was written could "
            "not be read (Microsoft.Insights/eventtypes/values/read)",
            *evidence,
        )
    if renewed.at is not None:
        by = (("By", renewed.by),) if renewed.by else ()
        return failed(
            f"a password of the admin of {registry.host} was made anew after {where} was written, most "
            "likely the one in it (there are two)",
            *evidence,
            ("Password made anew", f"{renewed.at:%Y-%m-%d %H:%M} UTC"),
            *by,
            about=where,
        )
    if not renewed.reaches:
        return unknown(
            f"{where} is older than Azure's activity log, so whether the admin password was made anew since "
            "is not known",
            *evidence,
        )
    return passed(f"no admin password of {registry.host} was made anew since {where} was written", *evidence)
