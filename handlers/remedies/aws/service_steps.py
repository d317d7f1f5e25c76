"""What may be changed in a service of ECS. Both changes replace its tasks, and ECS itself sees to the order.

UpdateService takes no precondition, so the comparison is made right before the write. A network is always
written whole: what is left out of it would be taken away.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import ClassVar

from checks.aws.ecs_services import AwsVpc, EcsService, parse_service
from checks.aws.ecs_tasks import EcsTask
from checks.aws.facts import Grant
from checks.model import NotFound
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedy import Conflict, Diff, Refused, Standing, Step

ALL_REPLACED = "every task of the service is replaced, the healthy ones too"

_GRANTS = (Grant(("ecs:DescribeServices", "ecs:UpdateService"), "arn:{partition}:ecs:*:*:service/*"),)


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    arn: str
    region: str
    cluster: str
    name: str

    @classmethod
    def of(cls, service: EcsService) -> ServiceAddress:
        return cls(service.arn, service.region, service.cluster, service.name)

    async def read(self, aws: AwsWriter) -> EcsService:
        """:raises Conflict: it is gone"""
        try:
            answer = await aws(
                "ecs", "describe_services", region=self.region, cluster=self.cluster, services=[self.name]
            )
        except NotFound:
            answer = {}
        for one in answer.get("services", ()):
            found = parse_service(one)
            if found.active:
                return found
        raise Conflict(f"the service {self.name} is gone from {self.cluster}")

    def command(self, *more: str) -> str:
        words = ["aws", "ecs", "update-service", "--region", self.region, "--cluster", self.cluster]
        return shlex.join([*words, "--service", self.name, *more, "--force-new-deployment"])


@dataclass(frozen=True, slots=True)
class SetPublicAddress(Step):
    """Whether new tasks are given a public address; their subnets and security groups stay as they are."""

    grants: ClassVar[tuple[Grant, ...]] = _GRANTS

    service: ServiceAddress
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    before: bool
    after: bool

    def diff(self) -> Diff:
        return Diff(
            self.service.arn, f"assignPublicIp: {_word(self.before)}", f"assignPublicIp: {_word(self.after)}"
        )

    def commands(self) -> tuple[str, ...]:
        subnets, groups = ",".join(self.subnets), ",".join(self.security_groups)
        network = (
            f"awsvpcConfiguration={{subnets=[{subnets}],securityGroups=[{groups}],"
            f"assignPublicIp={_word(self.after)}}}"
        )
        return (self.service.command("--network-configuration", network),)

    def inverse(self) -> SetPublicAddress:
        return replace(self, before=self.after, after=self.before)

    async def look(self, aws: AwsWriter) -> Standing:
        network = (await self.service.read(aws)).network
        if network == self._network(self.before):
            return Standing.BEFORE
        return Standing.AFTER if network == self._network(self.after) else Standing.ELSEWHERE

    async def write(self, aws: AwsWriter) -> SetPublicAddress:
        wanted = {
            "subnets": list(self.subnets),
            "securityGroups": list(self.security_groups),
            "assignPublicIp": _word(self.after),
        }
        await _update(self.service, aws, networkConfiguration={"awsvpcConfiguration": wanted})
        return self

    def _network(self, public: bool) -> AwsVpc:
        return AwsVpc(self.subnets, self.security_groups, public)


@dataclass(frozen=True, slots=True)
class RedeployService(Step):
    """Start all tasks anew, from the same definition. ``before`` is the id of the newest deployment.

    There is no way back, and nothing to go back to.
    """

    grants: ClassVar[tuple[Grant, ...]] = _GRANTS

    service: ServiceAddress
    before: str

    def diff(self) -> Diff:
        return Diff(self.service.arn, f"deployment: {self.before}", "deployment: a new one")

    def commands(self) -> tuple[str, ...]:
        return (self.service.command(),)

    def inverse(self) -> None:
        return None

    async def look(self, aws: AwsWriter) -> Standing:
        """Whoever began a newer deployment: its tasks are new."""
        found = await self.service.read(aws)
        return Standing.BEFORE if found.deployment == self.before else Standing.AFTER

    async def write(self, aws: AwsWriter) -> RedeployService:
        await _update(self.service, aws)
        return self


def new_deployment(service: EcsService, task: EcsTask | None) -> RedeployService:
    """:raises Refused: it is another's to begin, or of no use"""
    if not service.rolling:
        raise Refused(f"another system makes the deployments of {service.name}; start one there")
    if not service.active or not service.desired:
        raise Refused(f"{service.name} wants no tasks")
    if not service.deployment:
        raise Refused(f"ECS names no deployment of {service.name}")
    if task is not None and task.deployment not in ("", service.deployment):
        raise Refused(f"a newer deployment of {service.name} has begun already")
    return RedeployService(ServiceAddress.of(service), before=service.deployment)


async def _update(service: ServiceAddress, aws: AwsWriter, **changes: object) -> None:
    where = {"region": service.region, "cluster": service.cluster, "service": service.name}
    try:
        await aws("ecs", "update_service", **where, **changes, forceNewDeployment=True)  # type: ignore[arg-type]  # account is not among the changes
    except NotFound as why:
        raise Conflict(f"the service {service.name} changed meanwhile: {why}") from None


def _word(public: bool) -> str:
    return "ENABLED" if public else "DISABLED"
