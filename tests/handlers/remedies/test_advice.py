"""What only a person may do: told for the fault that there is, in commands that AWS takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from checks.aws.ecr import ImageInEcr
from checks.aws.facts import Aws, EcrAddress
from checks.diagnose import diagnose
from checks.model import NotFound, Status
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedies.aws.restore_image import restore_image
from handlers.remedy import ByHand, load_advice, load_remedies
from tests.fakes.aws_account import ACCOUNT, Account, policy
from tests.fakes.aws_cli import understood
from tests.fakes.aws_door import DENIED, Door
from tests.fakes.aws_network import account, endpoint_network, endpoint_of, nat_network, of, routes_of
from tests.fakes.aws_network_worlds import broken_nat_gateway
from tests.fakes.aws_rights_worlds import archived_image, cache_without_secret, frozen_registry
from tests.fakes.aws_world import (
    CATALOG,
    FORBIDDEN,
    HOST,
    MISSING_TAG,
    SELF_MANAGED,
    TIMEOUT,
    UNAUTHORIZED,
    World,
    on_eks,
)
from tests.fakes.aws_worlds import Maker, made
from tests.fakes.ecs_advice_worlds import (
    ecs_key_disabled,
    ecs_key_going,
    ecs_key_gone,
    ecs_lone_task,
    ecs_missing_role,
    ecs_secret_for_ecr,
    ecs_secret_gone,
    ecs_secret_on_its_way_out,
    ecs_untrusted,
    ecs_without_role,
)
from tests.fakes.ecs_worlds import ecs_private_registry, ecs_secret_under_key

ADVICE = tuple(one for one in load_advice() if one.id.startswith("aws/"))
REMEDIES = load_remedies()
ROLE = f"arn:aws:iam::{ACCOUNT}:role/eks-node"
PUBLIC = TIMEOUT.replace("10.0.9.9", "34.210.1.1")


def no_route() -> World:
    network = nat_network()
    del routes_of(network, "rtb-a")[1:]
    return on_eks(account(network), PUBLIC, kind="nodegroup/default")


def blackhole() -> World:
    network = nat_network()
    routes_of(network, "rtb-a")[1]["State"] = "blackhole"
    return on_eks(account(network), PUBLIC, kind="nodegroup/default")


def no_address() -> World:
    network = nat_network()
    routes_of(network, "rtb-a")[1] = routes_of(network, "rtb-p")[1]
    return on_eks(account(network), PUBLIC, kind="nodegroup/default")


def blocked() -> World:
    network = nat_network()
    block = {"InternetGatewayBlockMode": "block-bidirectional"}
    of(network, "describe_subnets", "subnet-p")["BlockPublicAccessStates"] = block
    return on_eks(account(network), PUBLIC, kind="nodegroup/default")


def strict_endpoint(*statements: dict[str, Any]) -> World:
    network = endpoint_network()
    endpoint_of(network, "vpce-dkr")["PolicyDocument"] = policy(*statements)
    return on_eks(account(network), FORBIDDEN, kind="nodegroup/default")


def endpoint_for_others() -> World:
    return strict_endpoint({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"})


def endpoint_that_denies() -> World:
    everything = {"Principal": "*", "Action": "*", "Resource": "*"}
    return strict_endpoint(
        {"Effect": "Allow", **everything}, {"Sid": "Freeze", "Effect": "Deny", **everything}
    )


def role_with(document: Any = None, message: str = FORBIDDEN, **role: Any) -> World:
    aws = account(nat_network())
    aws.answers["get_role"] = {"Role": {"Arn": ROLE, "RoleId": "AROAEKSNODE", **role}}
    if document is not None:
        aws.answers |= {
            "list_role_policies": {"PolicyNames": ["freeze"]},
            "get_role_policy": {"PolicyDocument": json.loads(policy(document))},
        }
    return on_eks(aws, message, kind="nodegroup/default")


def denied_inline() -> World:
    return role_with({"Sid": "Freeze", "Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*"})


def bounded() -> World:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    world = role_with(PermissionsBoundary={"PermissionsBoundaryArn": boundary})
    assert isinstance(world.aws, Account)
    s3_only = json.loads(policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
    world.aws.answers["get_policy", boundary] = {"Policy": {"DefaultVersionId": "v1"}}
    world.aws.answers["get_policy_version", boundary] = {"PolicyVersion": {"Document": s3_only}}
    return world


def organization_says_no(kind: str = "service control policy") -> World:
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/eks-node/i-0abc"
    said = (
        f"{FORBIDDEN}: denied: User: {who} is not authorized to perform: ecr:BatchGetImage on resource: "
        f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/app with an explicit deny in a {kind}"
    )
    return role_with(message=said)


def resource_control() -> World:
    return organization_says_no("resource control policy")


def no_such_role() -> World:
    aws = account(nat_network())
    aws.answers["get_role"] = NotFound("NoSuchEntity")
    return on_eks(aws, UNAUTHORIZED, kind="nodegroup/default")


def empty_profile() -> World:
    aws = account(nat_network())
    aws.answers["get_instance_profile"] = {"InstanceProfile": {"Roles": []}}
    return on_eks(aws, UNAUTHORIZED, kind="nodegroup/default")


def gone_profile() -> World:
    aws = account(nat_network())
    aws.answers["get_instance_profile"] = NotFound("NoSuchEntity")
    return on_eks(aws, UNAUTHORIZED, host=SELF_MANAGED)


def no_metadata() -> World:
    aws = account(nat_network())
    [reservation] = aws.answers["describe_instances"]["Reservations"]
    reservation["Instances"][0]["MetadataOptions"] = {"HttpEndpoint": "disabled", "State": "applied"}
    return on_eks(aws, UNAUTHORIZED, kind="nodegroup/default")


def no_profile() -> World:
    aws = account(nat_network())
    [reservation] = aws.answers["describe_instances"]["Reservations"]
    del reservation["Instances"][0]["IamInstanceProfile"]
    return on_eks(aws, UNAUTHORIZED, host=SELF_MANAGED)


def pathless_principal() -> World:
    """The role has a path, and the repository's policy names it without."""
    world = another_accounts_repository()
    assert isinstance(world.aws, Account)
    full = ROLE.replace(":role/", ":role/team/")
    world.aws.answers["get_role"]["Role"]["Arn"] = full
    world.aws.answers["get_instance_profile"] = {"InstanceProfile": {"Roles": [{"Arn": full}]}}
    return world


def another_accounts_repository() -> World:
    world = role_with()
    assert isinstance(world.aws, Account)
    named = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": ["ecr:BatchGetImage", "ecr:Get*"]}
    world.aws.answers["get_repository_policy"] = {"policyText": policy(named)}
    return on_eks(
        world.aws, FORBIDDEN, image=f"{HOST.replace(ACCOUNT, '210987654321')}/app:1", kind="nodegroup/default"
    )


def cache_not_filled() -> World:
    """The role may pull, and not have the cache filled."""
    world = cache_without_secret()
    assert isinstance(world.aws, Account)
    [rule] = world.aws.answers["describe_pull_through_cache_rules"]["pullThroughCacheRules"]
    del rule["credentialArn"]
    return world


def being_restored() -> World:
    aws = account(nat_network())
    aws.answers["describe_images"] = {
        "imageDetails": [{"imageDigest": "sha256:1", "imageStatus": "ACTIVATING"}]
    }
    return on_eks(aws, MISSING_TAG, kind="nodegroup/default")


PUT_POLICY = "iam put-role-policy --role-name"
CASES: tuple[tuple[Maker, str, tuple[str, ...]], ...] = (
    (no_route, "lead_subnet_out", ("create-route", "rtb-a", "--nat-gateway-id NAT_GATEWAY_ID")),
    (blackhole, "lead_subnet_out", ("replace-route", "0.0.0.0/0")),
    (no_address, "lead_subnet_out", ("allocate-address", "associate-address", "--subnet-id subnet-a")),
    (broken_nat_gateway, "replace_nat_gateway", ("nat-1", "create-nat-gateway", "replace-route")),
    (blocked, "except_from_public_access_block", ("--vpc-id vpc-1", "allow-egress")),
    (endpoint_for_others, "let_role_through_endpoint", ("vpce-dkr", "aws:PrincipalArn", ROLE)),
    (endpoint_that_denies, "let_role_through_endpoint", ("--policy-document file://policy.json",)),
    (denied_inline, "unblock_role", ("get-role-policy", "put-role-policy", "--policy-name freeze")),
    (bounded, "unblock_role", ("get-policy-version", "create-policy-version", "policy/boundary")),
    (organization_says_no, "unblock_role", (f"--target-id {ACCOUNT} --filter SERVICE_CONTROL_POLICY",)),
    (resource_control, "unblock_role", ("--filter RESOURCE_CONTROL_POLICY", "update-policy")),
    (no_such_role, "unblock_role", ("create-role --role-name eks-node", "PullOnly", "ec2.amazonaws.com")),
    (frozen_registry, "spare_role_in_registry_policy", ("put-registry-policy", ROLE, "ArnNotEquals")),
    (archived_image, "restore_image", ("update-image-storage-class", "imageDigest=sha256:1", "STANDARD")),
    (being_restored, "restore_image", ("describe-images", "imageStatus=ANY")),
    (empty_profile, "give_instance_a_role", ("add-role-to-instance-profile", "--role-name eks-node")),
    (gone_profile, "give_instance_a_role", ("replace-iam-instance-profile-association",)),
    (no_metadata, "give_instance_a_role", ("modify-instance-metadata-options", "--http-endpoint enabled")),
    (no_profile, "give_instance_a_role", ("associate-iam-instance-profile", "i-0abc")),
    (pathless_principal, "correct_repository_policy", ("set-repository-policy", ":role/team/eks-node")),
    (cache_without_secret, "ready_pull_through_cache", ("create-secret", "update-pull-through-cache-rule")),
    (cache_not_filled, "ready_pull_through_cache", (f"{PUT_POLICY} eks-node", "repository/hub/*")),
    (
        ecs_without_role,
        "set_execution_role",
        ("register-task-definition", "executionRoleArn", "--service web"),
    ),
    (ecs_lone_task, "run_task_with_address", ("--cluster shop", "subnets=[subnet-p]", "sg-1")),
    (
        ecs_untrusted,
        "trust_ecs",
        ("update-assume-role-policy", "ecs-tasks.amazonaws.com", "aws:SourceAccount"),
    ),
    (ecs_missing_role, "unblock_role", ("AmazonECSTaskExecutionRolePolicy", "ecs-tasks.amazonaws.com")),
    (
        ecs_private_registry,
        "mend_registry_secret",
        (f"{PUT_POLICY} web-execution", "GetSecretValue"),
    ),
    (ecs_secret_under_key, "mend_registry_secret", (f"{PUT_POLICY} web-execution", "kms:Decrypt", "key/k")),
    (ecs_key_disabled, "mend_registry_secret", ("kms enable-key",)),
    (ecs_key_going, "mend_registry_secret", ("kms cancel-key-deletion", "kms enable-key")),
    (ecs_key_gone, "mend_registry_secret", ("update-secret", "--kms-key-id alias/aws/secretsmanager")),
    (ecs_secret_gone, "mend_registry_secret", ("create-secret", "SECRET_ARN")),
    (ecs_secret_on_its_way_out, "mend_registry_secret", ("restore-secret",)),
    (ecs_secret_for_ecr, "mend_registry_secret", ("del(.repositoryCredentials)", 'select(.name == "web")')),
)


async def told(world: World) -> list[Offer]:
    memo: Memo = {}
    roots = world.roots | {Aws: world.aws}

    async def found() -> list[Offer]:
        findings = [one async for one in diagnose(CATALOG, [world.pull], roots, memo)]
        offers = await offers_for(
            [world.pull], findings, catalog=CATALOG, remedies=REMEDIES, roots=roots, memo=memo, advice=ADVICE
        )
        failing = {one.check for one in findings if one.verdict.status is Status.FAIL}
        assert {one.cures for one in offers if one.by_hand} <= failing
        return list(offers)

    answer: list[Offer] = await world.run(found())
    return answer


@pytest.mark.parametrize(("maker", "name", "wanted"), CASES, ids=[f"{m.__name__}-{n}" for m, n, _ in CASES])
async def test_a_fault_is_answered_with_commands_that_make_sense(
    maker: Maker, name: str, wanted: tuple[str, ...]
) -> None:
    offers = await told(await made(maker))
    [said] = [one.by_hand for one in offers if one.remedy == f"aws/{name}"]
    assert said is not None
    assert said.words
    assert not said.words.endswith(".")
    assert said.commands
    for command in said.commands:
        understood(command)
    everything = "\n".join(said.commands)
    assert [one for one in wanted if one not in everything] == [], everything


def test_every_advice_is_tried_here() -> None:
    assert {f"aws/{name}" for _, name, _ in CASES} == {one.id for one in ADVICE}


@pytest.mark.parametrize("maker", [denied_inline, bounded, organization_says_no, no_such_role])
async def test_what_blocks_a_role_is_not_met_with_more_rights(maker: Maker) -> None:
    offers = await told(await made(maker))
    assert [one.remedy for one in offers if one.plan is not None] == []


async def test_what_the_organization_denies_is_not_met_with_more_rights_though_they_are_missing() -> None:
    world = organization_says_no()
    assert isinstance(world.aws, Account)
    world.aws.answers["list_attached_role_policies"] = {"AttachedPolicies": []}
    attach, advice = await told(world)
    assert attach.plan is None
    assert "still be blocked by an explicit Deny in a service control policy" in attach.refused
    assert advice.by_hand is not None
    assert "Who administers the organization" in advice.by_hand.words


@pytest.mark.parametrize("maker", [no_route, frozen_registry, archived_image, empty_profile])
async def test_where_the_read_behind_it_is_denied_nobody_is_advised(maker: Maker) -> None:
    """Not known is not wrong: nobody should change anything for it."""
    world = await made(maker)
    door = Door(world.aws)
    before = {one.remedy for one in await told(replace(world, aws=door)) if one.by_hand}
    assert before
    fewer = False
    for action in sorted(set(door.asked)):
        offers = await told(replace(world, aws=Door(world.aws, {action: DENIED(action)})))
        after = {one.remedy for one in offers if one.by_hand}
        assert after <= before, action
        fewer |= after < before
    assert fewer


def test_what_is_strange_in_a_name_is_quoted() -> None:
    address = EcrAddress(ACCOUNT, "us-west-2", "aws", "a b;$(reboot)")
    found = ImageInEcr(address, repository_exists=True, exists=True, digest="sha256:1", status="ARCHIVED")
    said: ByHand = restore_image(found)
    words = understood(said.commands[0])
    assert words[words.index("--repository-name") + 1] == "a b;$(reboot)"
