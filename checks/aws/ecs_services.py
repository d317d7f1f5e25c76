"""What a service of ECS asks for: which tasks, how many, and in which network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.aws.facts import Aws, Grant
from checks.graph import fact
from checks.host import Cluster
from checks.model import FailedPull, NotApplicable, NotFound

GRANTS = (Grant(("ecs:DescribeServices",)),)


@dataclass(frozen=True, slots=True)
class AwsVpc:
    """``awsvpcConfiguration``: what each task's own interface is made from."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    public_address: bool


@dataclass(frozen=True, slots=True)
class EcsService:
    """``deployment`` is the id of the newest one; ``definitions`` are those of all that are under way.

    ``rolling``: ECS itself replaces its tasks, not CodeDeploy or somebody else.
    ``network`` is ``None`` where tasks share their host's.
    """

    arn: str
    name: str
    active: bool
    desired: int
    running: int
    definition_arn: str
    definitions: tuple[str, ...]
    deployment: str
    launch_type: str
    rolling: bool
    network: AwsVpc | None

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def cluster(self) -> str:
        """The cluster's name; an ARN of the old form has none."""
        parts = self.arn.split("/")
        return parts[1] if len(parts) == 3 else ""

    def task_arn(self, task: str) -> str:
        return f"{self.arn.partition(':service/')[0]}:task/{self.cluster}/{task}"


def parse_service(tree: Mapping[str, Any]) -> EcsService:
    """From an answer of ``describe_services``."""
    deployments = tree.get("deployments") or ()
    newest: Mapping[str, Any] = next((one for one in deployments if one.get("status") == "PRIMARY"), {})
    network = tree.get("networkConfiguration") or newest.get("networkConfiguration")
    definition = tree.get("taskDefinition") or newest.get("taskDefinition") or ""
    definitions = {definition, *(one.get("taskDefinition") or "" for one in deployments)} - {""}
    return EcsService(
        arn=tree["serviceArn"],
        name=tree["serviceName"],
        active=tree.get("status") == "ACTIVE",
        desired=tree.get("desiredCount") or 0,
        running=tree.get("runningCount") or 0,
        definition_arn=definition,
        definitions=tuple(sorted(definitions)),
        deployment=newest.get("id") or "",
        launch_type=tree.get("launchType") or _by_strategy(tree),
        rolling=(tree.get("deploymentController") or {}).get("type", "ECS") == "ECS",
        network=_network(network or {}),
    )


def _by_strategy(tree: Mapping[str, Any]) -> str:
    providers = [one.get("capacityProvider", "") for one in tree.get("capacityProviderStrategy") or ()]
    return "FARGATE" if providers and all(one.startswith("FARGATE") for one in providers) else "EC2"


def _network(tree: Mapping[str, Any]) -> AwsVpc | None:
    found = tree.get("awsvpcConfiguration")
    if not found:
        return None
    return AwsVpc(
        subnets=tuple(sorted(found.get("subnets") or ())),
        security_groups=tuple(sorted(found.get("securityGroups") or ())),
        public_address=found.get("assignPublicIp") == "ENABLED",
    )


@dataclass(frozen=True, slots=True)
class ServiceName:
    region: str
    cluster: str
    name: str


@fact()
def service_name(pull: FailedPull, cluster: Cluster) -> ServiceName:
    kind, _, name = pull.workload.partition("/")
    if cluster.kind != "ecs" or kind != "Service":
        raise NotApplicable("this is no service of ECS")
    return ServiceName(cluster.region, pull.namespace, name)


@fact()
async def ecs_service(wanted: ServiceName, aws: Aws) -> EcsService:
    try:
        answer = await aws(
            "ecs", "describe_services", region=wanted.region, cluster=wanted.cluster, services=[wanted.name]
        )
    except NotFound as why:
        raise NotApplicable(str(why)) from None
    for one in answer.get("services", ()):
        return parse_service(one)
    raise NotApplicable(f"{wanted.cluster} has no service {wanted.name}")
