"""A deployment of ECS goes by the image that a tag meant when it began."""

from __future__ import annotations

from checks.model import Status
from tests.fakes.aws_door import DENIED, Door
from tests.fakes.ecs_worlds import OLD_DIGEST, ecs_pinned, ecs_two_faults

CHECK, REMEDY = "aws/pinned_digest_exists", "aws/look_tag_up_anew"


async def test_a_tag_that_is_there_does_not_help_a_deployment_that_is_pinned_to_what_is_gone() -> None:
    world = await ecs_pinned()
    found = await world.look(Door(world.aws))
    assert [name for name, one in found.findings.items() if one.is_cause] == [CHECK]
    assert found.findings["registry/tag_exists"].verdict.status is Status.PASS
    assert ("Pinned to", OLD_DIGEST) in found.findings[CHECK].verdict.evidence
    [offer] = [one for one in found.offers if one.remedy == REMEDY]
    assert offer.plan is not None
    assert "--force-new-deployment" in offer.plan.steps[0].commands()[0]
    assert "sha256:1" in offer.plan.caution
    assert not [one for one in found.offers if one.plan and one.remedy != REMEDY]


async def test_without_the_tag_a_new_deployment_would_find_nothing_either() -> None:
    world = await ecs_pinned(tag_is_gone=True)
    found = await world.look(Door(world.aws))
    assert {name for name, one in found.findings.items() if one.is_cause} == {CHECK, "registry/tag_exists"}
    [offer] = [one for one in found.offers if one.remedy == REMEDY]
    assert "would not find it either" in offer.refused


async def test_what_the_tag_is_pinned_to_may_be_there() -> None:
    world = await ecs_pinned()
    world.aws.gone = frozenset()  # type: ignore[attr-defined]  # this world's AWS has it
    found = await world.look(Door(world.aws))
    assert found.findings[CHECK].verdict.status is Status.PASS


async def test_a_registry_that_may_not_be_read_leaves_it_open() -> None:
    world = await ecs_pinned()
    found = await world.look(Door(world.aws, {"ecr:DescribeImages": DENIED("ecr:DescribeImages")}))
    assert found.findings[CHECK].verdict.status is Status.UNKNOWN
    assert REMEDY not in {remedy for remedy, _ in found.plans}


async def test_it_is_not_asked_where_nothing_is_pinned() -> None:
    world = await ecs_two_faults()
    assert CHECK not in (await world.look(Door(world.aws))).findings
