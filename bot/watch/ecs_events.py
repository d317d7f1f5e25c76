"""Events that EventBridge sends of ECS, and what of them is a task that has stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STATE_CHANGE = "ECS Task State Change"


def stopped_task(event: Any, region: str) -> Mapping[str, Any] | None:
    """The detail of an event on a task in ``region`` that has stopped; ``None`` for any other.

    What comes in is a stranger's: it may be anything that JSON can say.
    """
    if not isinstance(event, Mapping) or event.get("detail-type") != _STATE_CHANGE:
        return None
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or event.get("source") != "aws.ecs":
        return None
    if event.get("region") != region or detail.get("lastStatus") != "STOPPED":
        return None
    return detail
