"""ECS whose tasks fail: moto keeps the services, this keeps their tasks, and forgets them as ECS does.

moto starts no task by itself and stops none for a reason, so the calls about tasks are answered here and all
others are passed on.
"""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bot.demo.aws_world import ACCOUNT
from checks.model import NotFound, Unavailable
from tests.fakes.relay import Relay, Response, listening

_TIMES = ("createdAt", "startedAt", "pullStoppedAt", "stoppedAt")


@dataclass
class FakeEcs:
    """``tasks`` by id, as an event's detail has them. ``running`` counts what services are said to have.

    ``listed``: how often tasks were listed; ``described``: the ids that were asked for, each time.
    """

    region: str = "us-west-2"
    url: str = ""
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    clusters: set[str] = field(default_factory=lambda: {"shop"})
    listed: int = 0
    described: list[str] = field(default_factory=list)

    def stop(
        self,
        definition: Mapping[str, Any],
        cluster: str,
        reason: str,
        *,
        service: str = "",
        subnet: str = "",
        in_container: bool = False,
        at: datetime | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """A task that could not be started, and is shown until ``forget``."""
        at = at or datetime.now(UTC)
        task = self._task(definition, cluster, service, subnet, at)
        task |= {"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": "TaskFailedToStart"}
        task |= {"stoppedAt": at.isoformat(), "stoppedReason": "Task failed to start", **more}
        if in_container:
            task["containers"][0]["reason"] = reason
        else:
            task["stoppedReason"] = reason
        return self._keep(task)

    def run(
        self,
        definition: Mapping[str, Any],
        cluster: str,
        *,
        service: str = "",
        subnet: str = "",
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """A task that has started."""
        at = at or datetime.now(UTC)
        task = self._task(definition, cluster, service, subnet, at)
        task |= {"lastStatus": "RUNNING", "desiredStatus": "RUNNING"}
        task |= {"pullStoppedAt": at.isoformat(), "startedAt": at.isoformat()}
        self.running[service] = self.running.get(service, 0) + 1
        return self._keep(task)

    def forget(self, task: Mapping[str, Any]) -> None:
        del self.tasks[id_of(task)]

    def _keep(self, task: dict[str, Any]) -> dict[str, Any]:
        self.tasks[id_of(task)] = task
        return task

    def _task(
        self, definition: Mapping[str, Any], cluster: str, service: str, subnet: str, at: datetime
    ) -> dict[str, Any]:
        prefix = f"arn:aws:ecs:{self.region}:{ACCOUNT}"
        id = uuid.uuid4().hex
        details = [
            {"name": "subnetId", "value": subnet},
            {"name": "networkInterfaceId", "value": "eni-0task"},
            {"name": "privateIPv4Address", "value": "10.0.0.9"},
        ]
        return {
            "taskArn": f"{prefix}:task/{cluster}/{id}",
            "clusterArn": f"{prefix}:cluster/{cluster}",
            "taskDefinitionArn": definition["taskDefinitionArn"],
            "group": f"service:{service}" if service else f"family:{definition['family']}",
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "createdAt": at.isoformat(),
            "overrides": {},
            "attachments": [{"type": "eni", "status": "DELETED", "details": details}] if subnet else [],
            "containers": [
                {"name": one["name"], "image": one["image"], "lastStatus": "STOPPED"}
                for one in definition["containerDefinitions"]
            ],
        }

    # ---- what is asked

    def answer(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        """``None`` for what is not about tasks of a known cluster."""
        if asked.get("cluster") not in self.clusters:
            return None
        match operation:
            case "ListTasks":
                self.listed += 1
                return {"taskArns": [one["taskArn"] for one in self.tasks.values() if _is_meant(one, asked)]}
            case "DescribeTasks":
                ids = [one.rpartition("/")[2] for one in asked["tasks"]]
                self.described += ids
                gone = [{"arn": one, "reason": "MISSING"} for one in ids if one not in self.tasks]
                shown = [_as_described(self.tasks[one]) for one in ids if one in self.tasks]
                return {"tasks": shown, "failures": gone}
        return None

    def edit(self, operation: str, answer: dict[str, Any]) -> dict[str, Any]:
        if operation in ("DescribeServices", "UpdateService"):
            services = answer.get("services") or [answer.get("service")]
            for one in filter(None, services):
                count = self.running.get(one["serviceName"], 0)
                for each in (one, *one["deployments"]):
                    each["runningCount"] = count
                    each["pendingCount"] = one["desiredCount"] - count
        return answer


@dataclass(eq=False)  # a client is itself, whatever it holds: facts are remembered by it
class EcsAccount:
    """The port ``Aws`` on an ECS in memory. ``services`` and ``definitions`` by name and by ARN, as ECS has
    them; ``others`` has the answers of other services by operation. ``dark``: nothing is answered.
    """

    ecs: FakeEcs = field(default_factory=FakeEcs)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    instances: list[dict[str, Any]] = field(default_factory=list)
    others: dict[str, Any] = field(default_factory=dict)
    dark: bool = False

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        if self.dark:
            raise Unavailable(f"AWS denies {service}:{operation}; grant it")
        if service != "ecs":
            found = self.others[operation]
            if isinstance(found, Exception):
                raise found
            return dict(found)
        if params.get("cluster", "shop") not in self.ecs.clusters:
            raise NotFound("ClusterNotFoundException", "Cluster not found.")
        match operation:
            case "list_clusters":
                return {
                    "clusterArns": [f"arn:aws:ecs:{region}:{ACCOUNT}:cluster/{c}" for c in self.ecs.clusters]
                }
            case "describe_services":
                found = [self.services[one] for one in params["services"] if one in self.services]
                return self.ecs.edit("DescribeServices", copy.deepcopy({"services": found}))
            case "describe_container_instances":
                return {"containerInstances": self.instances}
            case "describe_task_definition":
                return {"taskDefinition": self.definitions[params["taskDefinition"]]}
        camel = "".join(part.capitalize() for part in operation.split("_"))
        answer = self.ecs.answer(camel, params)
        assert answer is not None, operation
        return _with_times(answer)

    def define(self, image: str, revision: int = 1, **more: Any) -> dict[str, Any]:
        arn = f"arn:aws:ecs:{self.ecs.region}:{ACCOUNT}:task-definition/web:{revision}"
        self.definitions[arn] = {
            "taskDefinitionArn": arn,
            "family": "web",
            "containerDefinitions": [{"name": "web", "image": image}],
            **more,
        }
        return self.definitions[arn]

    def serve(self, definition: Mapping[str, Any], name: str = "web", **more: Any) -> dict[str, Any]:
        """A service of one task on Fargate."""
        deployment = {"id": "ecs-svc/1", "status": "PRIMARY", "desiredCount": 1}
        network = {"subnets": ["subnet-p"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
        self.services[name] = {
            "serviceArn": f"arn:aws:ecs:{self.ecs.region}:{ACCOUNT}:service/shop/{name}",
            "serviceName": name,
            "status": "ACTIVE",
            "desiredCount": 1,
            "launchType": "FARGATE",
            "taskDefinition": definition["taskDefinitionArn"],
            "deployments": [{**deployment, "taskDefinition": definition["taskDefinitionArn"]}],
            "networkConfiguration": {"awsvpcConfiguration": network},
            **more,
        }
        return self.services[name]


def _with_times(answer: Mapping[str, Any]) -> dict[str, Any]:
    """As boto3 gives them."""
    tasks = [
        {k: datetime.fromtimestamp(v, UTC) if k in _TIMES else v for k, v in one.items()}
        for one in answer.get("tasks", ())
    ]
    return {**answer, "tasks": tasks} if "tasks" in answer else dict(answer)


def event(task: Mapping[str, Any], region: str = "us-west-2") -> dict[str, Any]:
    """The event that EventBridge sends of a task."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": "2026-01-01T03:00:00Z",
        "region": region,
        "resources": [task["taskArn"]],
        "detail": dict(task),
    }


def id_of(task: Mapping[str, Any]) -> str:
    return str(task["taskArn"]).rpartition("/")[2]


def _is_meant(task: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    family = task["taskDefinitionArn"].rpartition("/")[2].partition(":")[0]
    return (
        task["clusterArn"].rpartition("/")[2] == asked["cluster"]
        and task["desiredStatus"] == asked.get("desiredStatus", "RUNNING")
        and asked.get("serviceName") in (None, task["group"].removeprefix("service:"))
        and asked.get("family") in (None, family)
    )


def _as_described(task: Mapping[str, Any]) -> dict[str, Any]:
    """``describe_tasks`` gives times as numbers, and calls an interface by its whole name."""
    numbers = {name: datetime.fromisoformat(task[name]).timestamp() for name in _TIMES if name in task}
    attachments = [{**one, "type": "ElasticNetworkInterface"} for one in task["attachments"]]
    return {**task, **numbers, "attachments": attachments}


@contextmanager
def serve_ecs(upstream: str, region: str = "us-west-2") -> Iterator[FakeEcs]:
    """In front of another AWS on loopback."""
    ecs = FakeEcs(region)

    class Handler(Relay):
        target = urlsplit(upstream).netloc

        def answer_to(self, body: bytes) -> Response:
            name = self.headers.get("X-Amz-Target", "")
            operation = name.rpartition(".")[2] if "EC2ContainerService" in name else ""
            answer = ecs.answer(operation, json.loads(body)) if operation else None
            if answer is not None:
                return 200, "application/x-amz-json-1.1", json.dumps(answer).encode()
            status, kind, found = self.passed_on(body)
            if operation and status == 200:
                found = json.dumps(ecs.edit(operation, json.loads(found))).encode()
            return status, kind, found

    with listening(Handler) as ecs.url:
        yield ecs
