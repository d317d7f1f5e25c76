"""When the passwords of a registry's admin account were last made anew, as far as Azure's activity log
reaches.

The passwords themselves could be read, and are not: whoever may read them may push.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.azure.facts import Arm, rows, word
from checks.azure.registry import Registry
from checks.azure.secret_login import AdminLogin, moment
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

READS = ("Microsoft.Insights/eventtypes/values/read",)

_REGENERATED = "microsoft.containerregistry/registries/regeneratecredential/action"
_EVENTS = "/providers/Microsoft.Insights/eventtypes/management/values"
_KEPT = timedelta(days=90)  # learn.microsoft.com/azure/azure-monitor/essentials/activity-log


@dataclass(frozen=True, slots=True)
class Regenerated:
    """``at``: when a password was last made anew since the Secret was written, ``None`` if none was.

    ``reaches``: the log goes back to when the Secret was written.
    """

    at: datetime | None
    by: str
    reaches: bool


@fact()
async def regenerated(login: AdminLogin, registry: Registry, arm: Arm) -> Regenerated:
    if not registry.admin_enabled:
        raise NotApplicable("the admin account is off, whatever its passwords are")
    written = moment(login.login.written)
    if written is None:
        return Regenerated(None, "", reaches=False)
    now = datetime.now(UTC)
    start = max(written, now - _KEPT + timedelta(hours=1))
    where = f"/subscriptions/{registry.id.subscription}{_EVENTS}"
    between = f"eventTimestamp ge '{_zulu(start)}' and eventTimestamp le '{_zulu(now)}'"
    try:
        found = await arm.get(where, {"$filter": f"{between} and resourceUri eq '{registry.id}'"})
    except NotFound:
        raise Unavailable(
            f"Azure has no activity log of the subscription {registry.id.subscription}"
        ) from None
    events = [
        (at, word(one, "caller"))
        for one in rows(found, "value")
        if _is_regeneration(one, registry)
        and (at := moment(word(one, "eventTimestamp"))) is not None
        and at > written
    ]
    last = max(events, default=None)
    return Regenerated(last[0] if last else None, last[1] if last else "", reaches=start == written)


def _is_regeneration(event: Mapping[str, Any], registry: Registry) -> bool:
    return (
        word(event, "operationName", "value").lower() == _REGENERATED
        and word(event, "status", "value").lower() in ("", "succeeded")
        and word(event, "resourceId").lower() in ("", registry.id.key)
    )


def _zulu(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
