"""What may be changed in a service of ECS: planned exactly, refused where it would not help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.aws.ecs_interfaces import FargateNetwork
from checks.aws.ecs_services import AwsVpc, EcsService
from checks.aws.ecs_tasks import EcsTask
from checks.aws.routing import Way
from checks.model import NotApplicable
from handlers.remedies.aws.assign_public_ip import assign_public_ip
from handlers.remedies.aws.redeploy_service import redeploy_service
from handlers.remedies.aws.service_steps import RedeployService, ServiceAddress, SetPublicAddress
from handlers.remedy import Conflict, Refused, Standing
from tests.fakes.aws_account import ACCOUNT
from tests.fakes.ecs import EcsAccount
from tests.fakes.ecs_paths import paths_by

DEFINITION = f"arn:aws:ecs:us-west-2:{ACCOUNT}:task-definition/web:1"
SERVICE = EcsService(
    arn=f"arn:aws:ecs:us-west-2:{ACCOUNT}:service/shop/web",
    name="web",
    active=True,
    desired=1,
    running=0,
    definition_arn=DEFINITION,
    definitions=(DEFINITION,),
    deployment="ecs-svc/1",
    launch_type="FARGATE",
    rolling=True,
    network=AwsVpc(("subnet-a", "subnet-b"), ("sg-1",), public_address=False),
)
NETWORK = FargateNetwork(
    ACCOUNT, "us-west-2", "subnet-a", ("sg-1",), "10.0.0.9", public_address=False, windows=False
)
TASK = EcsTask(
    f"arn:aws:ecs:us-west-2:{ACCOUNT}:task/shop/0f2c", DEFINITION, "FARGATE", deployment="ecs-svc/1"
)


def test_the_whole_network_is_passed_back_and_one_word_of_it_is_changed() -> None:
    [plan] = assign_public_ip(SERVICE, NETWORK, paths_by(Way.NO_ADDRESS), None)
    [step] = plan.steps
    assert isinstance(step, SetPublicAddress)
    assert (step.diff().before, step.diff().after) == ("assignPublicIp: DISABLED", "assignPublicIp: ENABLED")
    assert step.commands() == (
        "aws ecs update-service --region us-west-2 --cluster shop --service web --network-configuration "
        "'awsvpcConfiguration={subnets=[subnet-a,subnet-b],securityGroups=[sg-1],assignPublicIp=ENABLED}' "
        "--force-new-deployment",
    )
    assert step.inverse().inverse() == step
    assert "from the internet" in plan.caution
    assert plan.reversible


def test_an_address_of_no_use_is_not_offered() -> None:
    with pytest.raises(Refused, match="of no use"):
        assign_public_ip(SERVICE, NETWORK, paths_by(Way.NAT), None)
    with pytest.raises(Refused, match="another system"):
        assign_public_ip(replace(SERVICE, rolling=False), NETWORK, paths_by(Way.NO_ADDRESS), None)
    for service, network in (
        (replace(SERVICE, network=None), NETWORK),
        (SERVICE, replace(NETWORK, public_address=True)),
    ):
        with pytest.raises(NotApplicable):
            assign_public_ip(service, network, paths_by(Way.NO_ADDRESS), None)


def test_a_new_deployment_is_planned_once() -> None:
    [plan] = redeploy_service(SERVICE, TASK)
    assert redeploy_service.cures is None
    assert not plan.reversible
    assert plan.steps == (RedeployService(ServiceAddress.of(SERVICE), "ecs-svc/1"),)
    assert redeploy_service(SERVICE, None)[0].digest == plan.digest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rolling": False}, "another system"),
        ({"desired": 0}, "wants no tasks"),
        ({"active": False}, "wants no tasks"),
        ({"deployment": ""}, "names no deployment"),
        ({"deployment": "ecs-svc/2"}, "has begun already"),
    ],
)
def test_a_new_deployment_is_refused_where_it_is_none_of_ours(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        redeploy_service(replace(SERVICE, **changes), TASK)


# ---- the steps, on ECS


class Writable(EcsAccount):
    """ECS that carries ``update_service`` out."""

    updates: int = 0

    async def __call__(self, service: str, operation: str, /, **params: Any) -> Any:
        if operation != "update_service":
            return await super().__call__(service, operation, **params)
        found = self.services[params["service"]]
        found["networkConfiguration"] = params.get("networkConfiguration", found["networkConfiguration"])
        self.updates += 1
        assert params["forceNewDeployment"] is True
        found["deployments"][0]["id"] = f"ecs-svc/{1 + self.updates}"
        return {"service": found}


@pytest.fixture
def aws() -> Writable:
    made = Writable()
    made.serve(made.define("web:1"))
    return made


def public_address() -> SetPublicAddress:
    return SetPublicAddress(ServiceAddress.of(SERVICE), ("subnet-p",), ("sg-1",), before=False, after=True)


async def test_public_addresses_come_and_go(aws: Writable) -> None:
    step = public_address()
    assert await step.look(aws) is Standing.BEFORE
    done = await step.write(aws)
    assert await step.look(aws) is Standing.AFTER
    await done.inverse().write(aws)
    assert await step.look(aws) is Standing.BEFORE


async def test_a_network_that_somebody_changed_is_elsewhere(aws: Writable) -> None:
    aws.services["web"]["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = ["subnet-q"]
    assert await public_address().look(aws) is Standing.ELSEWHERE


async def test_a_new_deployment_is_begun_once_whoever_begins_it(aws: Writable) -> None:
    step = RedeployService(ServiceAddress.of(SERVICE), "ecs-svc/1")
    assert await step.look(aws) is Standing.BEFORE
    assert await step.write(aws) == step
    assert await step.look(aws) is Standing.AFTER


async def test_a_service_that_is_gone_is_a_conflict(aws: Writable) -> None:
    del aws.services["web"]
    for step in (public_address(), RedeployService(ServiceAddress.of(SERVICE), "ecs-svc/1")):
        with pytest.raises(Conflict, match="is gone"):
            await step.look(aws)
