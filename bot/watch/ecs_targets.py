"""What somebody means by ``ecs:prod/service/web`` or ``ecs:prod/0f2c…``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.watch.targets import NoSuchTarget

PREFIX = "ecs:"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_FORMS = "ecs:CLUSTER/TASK_ID or ecs:CLUSTER/service/NAME"


@dataclass(frozen=True, slots=True)
class EcsTarget:
    """``cluster`` is empty for all; ``service`` and ``task`` for all of a cluster."""

    cluster: str = ""
    service: str = ""
    task: str = ""


def ecs_target(namespace: str, text: str) -> EcsTarget:
    """:raises NoSuchTarget: that cannot be one"""
    if not text:
        return EcsTarget(_name(namespace, "cluster") if namespace else "")
    if not text.startswith(PREFIX):
        raise NoSuchTarget(f"{text!r} is nothing in ECS; name {_FORMS}")
    match text.removeprefix(PREFIX).split("/"):
        case [cluster]:
            return EcsTarget(_name(cluster, "cluster"))
        case [cluster, task]:
            return EcsTarget(_name(cluster, "cluster"), task=_name(task, "task"))
        case [cluster, "service", service]:
            return EcsTarget(_name(cluster, "cluster"), service=_name(service, "service"))
    raise NoSuchTarget(f"{text!r} is not understood; name {_FORMS}")


def _name(text: str, kind: str) -> str:
    if not _NAME.fullmatch(text):
        raise NoSuchTarget(f"{text!r} cannot be the name of a {kind} in ECS")
    return text
