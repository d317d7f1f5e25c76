"""What somebody means by ``ecs:prod/service/web`` or ``ecs:prod/0f2c…``, or by the ARN of one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.watch.targets import NoSuchTarget

PREFIX = "ecs:"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
# That of a task or a service names its cluster, but for the short form of long ago.
_ARN = re.compile(
    r"arn:[\w-]+:ecs:(?P<region>[\w-]+):\d{12}:(?P<kind>cluster|service|task)/(?P<cluster>[^/]+)(?:/(?P<name>.+))?"
)
_FORMS = "ecs:CLUSTER/TASK_ID or ecs:CLUSTER/service/NAME"


@dataclass(frozen=True, slots=True)
class EcsTarget:
    """``cluster`` is empty for all; ``service`` and ``task`` for all of a cluster.

    ``region`` is empty where it is not said.
    """

    cluster: str = ""
    service: str = ""
    task: str = ""
    region: str = ""


def ecs_target(namespace: str, text: str) -> EcsTarget:
    """:raises NoSuchTarget: that cannot be one"""
    if not text:
        return EcsTarget(_name(namespace, "cluster") if namespace else "")
    if not text.startswith(PREFIX):
        raise NoSuchTarget(f"{text!r} is nothing in ECS; name {_FORMS}")
    if text.startswith(f"{PREFIX}arn:"):
        return _by_arn(text)
    match text.removeprefix(PREFIX).split("/"):
        case [cluster]:
            return EcsTarget(_name(cluster, "cluster"))
        case [cluster, task]:
            return EcsTarget(_name(cluster, "cluster"), task=_name(task, "task"))
        case [cluster, "service", service]:
            return EcsTarget(_name(cluster, "cluster"), service=_name(service, "service"))
    raise NoSuchTarget(f"{text!r} is not understood; name {_FORMS}")


def _by_arn(text: str) -> EcsTarget:
    found = _ARN.fullmatch(text.removeprefix(PREFIX))
    if found is None or (found["kind"] == "cluster") is not (found["name"] is None):
        raise NoSuchTarget(f"{text!r} is no ARN that tells a cluster and what is in it; name {_FORMS}")
    cluster, region = _name(found["cluster"], "cluster"), found["region"]
    named = {found["kind"]: _name(found["name"], found["kind"])} if found["name"] else {}
    return EcsTarget(cluster, service=named.get("service", ""), task=named.get("task", ""), region=region)


def _name(text: str, kind: str) -> str:
    if not _NAME.fullmatch(text):
        raise NoSuchTarget(f"{text!r} cannot be the name of a {kind} in ECS")
    return text
