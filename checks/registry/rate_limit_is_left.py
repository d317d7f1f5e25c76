"""The registry counts pulls, and the node's are used up.

What it counts belongs to an address or an account: what is left from here is not what is left for the node.
"""

from __future__ import annotations

import re

from checks.graph import check
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown
from checks.registry.challenge import printable
from checks.registry.facts import Answer, Endpoint
from checks.registry.readings import Outcome, Readings
from checks.registry.views import NODE

_ALLOWANCE = re.compile(r"(?P<count>\d{1,9})(?:;w=(?P<seconds>\d{1,9}))?")


@check(
    "Pulls are left",
    leg=Leg.RIGHTS,
    explains={Symptom.RATE_LIMITED},
    page="https://docs.docker.com/docker-hub/usage/pulls/",
)
def rate_limit_is_left(pull: FailedPull, endpoint: Endpoint, readings: Readings | None) -> Verdict:
    limited = [one for one in readings.all if one.outcome is Outcome.LIMITED] if readings else []
    seen = [row for one in readings.all for row in _left(one.who, one.answer)] if readings else []
    if pull.symptom is Symptom.RATE_LIMITED:
        return failed(
            f"{endpoint.name} takes no more pulls from the node for now",
            (NODE, " ".join(pull.message.split())[-400:]),
            *seen,
            about=endpoint.name,
        )
    if limited:
        return unknown(
            f"{endpoint.name} takes no more requests from pullbot; the node may have some left", *seen
        )
    if not seen:
        raise NotApplicable(f"{endpoint.name} counts no pulls, or does not say")
    none = any(value.startswith("0 of") for _, value in seen)
    words = f"{endpoint.name} counts pulls, and of those of pullbot's own address "
    return unknown(words + "none are left", *seen) if none else passed(words + "some are left", *seen)


def _left(who: str, answer: Answer) -> list[tuple[str, str]]:
    """What an answer says of it, as seen from here."""
    limit, remaining = (_ALLOWANCE.match(answer.header(f"ratelimit-{one}")) for one in ("limit", "remaining"))
    if limit is None or remaining is None:
        return []
    hours = int(limit["seconds"] or 0) / 3600
    span = f" in {hours:g} h" if hours else ""
    source = printable(answer.header("docker-ratelimit-source"))[:60]
    by = f", counted for {source}" if source else ""
    return [(f"Left from here, {who}", f"{remaining['count']} of {limit['count']}{span}{by}")]
