"""boto3 behind the port, against a real AWS server on loopback: answers, errors, roles, paging, counting."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import exceptions as sdk

from bot.clouds._aws import AwsHands, AwsReader, Roles, iam_action
from bot.clouds._aws_errors import translated
from bot.clouds._aws_sessions import Sessions
from bot.demo.aws_world import ACCOUNT, client, push
from checks.model import NotFound, Unavailable
from handlers.remedy import Conflict
from tests.fakes.aws_front import BOT, Front, serve

REGION = "us-west-2"
POLICY = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "ecr:ListImages"}
]}"""
OWNER = "444455556666"


@pytest.fixture
def front(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    with serve(aws_url) as door:
        monkeypatch.setenv("AWS_ENDPOINT_URL", door.url)
        yield door


@pytest.fixture
def aws(front: Front) -> Iterator[AwsReader]:
    reader = AwsReader(Sessions(), Roles(owners={OWNER: f"arn:aws:iam::{OWNER}:role/pullbot-read"}))
    yield reader
    reader.close()


async def test_a_missing_thing_is_an_answer_with_the_services_own_code(aws: AwsReader) -> None:
    with pytest.raises(NotFound) as found:
        await aws("iam", "get_role", region=REGION, RoleName="nobody")
    assert found.value.code == "NoSuchEntity"


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("iam", "get_role", {"RoleName": "r"}),
        ("ec2", "describe_instances", {"InstanceIds": ["i-1"]}),
        ("ecr", "get_repository_policy", {"repositoryName": "app"}),
        ("eks", "describe_nodegroup", {"clusterName": "c", "nodegroupName": "n"}),
    ],
)
async def test_a_denied_read_names_the_action_and_who_lacks_it(
    service: str, operation: str, params: dict[str, Any], aws: AwsReader, front: Front
) -> None:
    action = iam_action(service, operation)
    front.denied.add(action)
    with pytest.raises(Unavailable) as why:
        await aws(service, operation, region=REGION, **params)
    assert action in str(why.value)
    assert BOT in str(why.value)
    assert "pullbot permissions aws" in str(why.value)


async def test_another_accounts_resource_is_read_under_the_owners_role(
    aws: AwsReader, front: Front, aws_url: str
) -> None:
    push(aws_url, REGION, "shared", "1", account=OWNER)
    front.closed.add(OWNER)
    params = {"registryId": OWNER, "repositoryName": "shared"}
    answer = await aws("ecr", "describe_images", region=REGION, account=OWNER, **params)
    assert [one["imageTags"] for one in answer["imageDetails"]] == [["1"]]
    assert "sts:AssumeRole" in front.asked
    with pytest.raises(Unavailable, match="ecr:DescribeImages"):
        await aws("ecr", "describe_images", region=REGION, **params)


async def test_a_role_that_may_not_be_assumed_is_told_as_such(aws: AwsReader, front: Front) -> None:
    front.denied.add("sts:AssumeRole")
    with pytest.raises(Unavailable, match=f"sts:AssumeRole in account {OWNER}"):
        await aws("ecr", "describe_repositories", region=REGION, account=OWNER, registryId=OWNER)


async def test_lists_are_complete_whatever_the_paging(aws: AwsReader, aws_url: str) -> None:
    ecr = client(aws_url, "ecr", REGION)
    for number in range(130):
        ecr.create_repository(repositoryName=f"r{number}")
    params: dict[str, Any] = {"PaginationConfig": {"PageSize": 50}}
    answer = await aws("ecr", "describe_repositories", region=REGION, **params)
    assert len(answer["repositories"]) == 130


async def test_a_policy_version_is_fetched_once_because_it_never_changes(
    aws: AwsReader, front: Front
) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
    for _ in range(2):
        answer = await aws("iam", "get_policy_version", region=REGION, PolicyArn=arn, VersionId="v1")
        assert "ecr:BatchGetImage" in str(answer)
    assert front.asked.count("iam:GetPolicyVersion") == 1
    assert aws.calls == 1


@pytest.mark.parametrize(
    "operation", ["set_repository_policy", "delete_repository_policy", "get_authorization_token"]
)
async def test_the_reader_refuses_what_is_not_a_read(operation: str, aws: AwsReader, front: Front) -> None:
    with pytest.raises(ValueError, match="not a read"):
        await aws("ecr", operation, region=REGION)
    assert front.asked == []


async def test_the_hands_write(front: Front, aws_url: str) -> None:
    push(aws_url, REGION, "app", "1")
    hands = AwsHands(Sessions(), Roles())
    await hands("ecr", "set_repository_policy", region=REGION, repositoryName="app", policyText=POLICY)
    answer = await hands("ecr", "get_repository_policy", region=REGION, repositoryName="app")
    assert answer["policyText"] == POLICY
    hands.close()


@pytest.mark.parametrize(
    "roles",
    [
        Roles(closed=frozenset({OWNER})),
        Roles(own=f"arn:aws:iam::{ACCOUNT}:role/pullbot-write", closed=frozenset({OWNER})),
        Roles(own=f"arn:aws:iam::{ACCOUNT}:role/pullbot-write"),
    ],
    ids=["ambient credentials", "the cluster's own role", "an account that nobody named"],
)
async def test_nothing_is_written_in_another_account_without_a_role_of_its_own(
    front: Front, aws_url: str, roles: Roles
) -> None:
    hands = AwsHands(Sessions(), roles)
    with pytest.raises(Unavailable, match=f'clusters\\[\\].aws.owners."{OWNER}".write_role'):
        await hands("ecr", "set_repository_policy", region=REGION, account=OWNER, policyText=POLICY)
    assert front.asked == []
    hands.close()


def test_the_clusters_own_account_needs_no_role_of_an_owner() -> None:
    own = Roles(own=f"arn:aws:iam::{ACCOUNT}:role/pullbot-write", closed=frozenset({ACCOUNT}))
    assert own.may_reach(ACCOUNT)
    assert Roles().may_reach(ACCOUNT)
    assert Roles(own.own, {OWNER: f"arn:aws:iam::{OWNER}:role/pullbot-write"}).may_reach(OWNER)


async def test_who_am_i(aws: AwsReader) -> None:
    assert f":{ACCOUNT}:" in await aws.who(REGION)


async def test_no_credentials_is_one_clear_sentence(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    reader = AwsReader(Sessions(), Roles())
    with pytest.raises(Unavailable, match="no usable AWS credentials"):
        await reader.who(REGION)
    assuming = AwsReader(Sessions(), Roles(own="arn:aws:iam::1:role/r"))
    with pytest.raises(Unavailable, match="no usable AWS credentials"):
        await assuming("ecr", "describe_repositories", region=REGION)


async def test_an_unknown_profile_is_one_clear_sentence(front: Front) -> None:
    with pytest.raises(Unavailable, match="nosuchprofile"):
        await AwsReader(Sessions(profile="nosuchprofile"), Roles()).who(REGION)


async def test_nobody_listens(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{probe.getsockname()[1]}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Unavailable, match="did not answer sts:GetCallerIdentity"):
        await AwsReader(Sessions(), Roles()).who(REGION)


async def test_iam_is_never_asked_more_than_five_things_at_once(aws: AwsReader, front: Front) -> None:
    front.latency = 0.05
    names = [f"r{number}" for number in range(12)]
    asked = (aws("iam", "get_role", region=REGION, RoleName=name) for name in names)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, NotFound) for one in answers)
    assert front.most_at_once == 5


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("RepositoryPolicyNotFoundException", NotFound, ""),
        ("InvalidInstanceID.NotFound", NotFound, ""),
        ("NoSuchEntity", NotFound, ""),
        ("AccessDeniedException", Unavailable, "denies ecr:X"),
        ("UnauthorizedOperation", Unavailable, "denies ecr:X"),
        ("ExpiredTokenException", Unavailable, "renew"),
        ("UnrecognizedClientException", Unavailable, "renew"),
        ("ThrottlingException", Unavailable, "throttles"),
        ("RequestLimitExceeded", Unavailable, "throttles"),
        ("ServerException", Unavailable, "ServerException"),
        ("ConcurrentModification", Conflict, "another change"),
    ],
)
def test_every_code_has_its_meaning(code: str, kind: type[Exception], says: str) -> None:
    error = sdk.ClientError({"Error": {"Code": code, "Message": "m"}}, "X")
    said = translated(error, "ecr:X", "")
    assert type(said) is kind
    assert says in str(said)


def test_a_page_instead_of_an_answer_is_told_in_one_line() -> None:
    page = "<!doctype html>\n<title>500</title>\n" + "<p>the proxy is sorry</p>\n" * 100
    error = sdk.ClientError({"Error": {"Code": "500", "Message": page}}, "DescribeTasks")
    said = str(translated(error, "ecs:DescribeTasks", ""))
    assert said.startswith("AWS answered ecs:DescribeTasks with 500: <!doctype html> <title>500</title>")
    assert "\n" not in said
    assert len(said) < 400


def test_iam_has_one_client_for_all_regions_of_a_partition(aws_url: str) -> None:
    sessions = Sessions()
    assert sessions.client("iam", "us-west-2") is sessions.client("iam", "eu-central-1")
    assert sessions.client("iam", "cn-northwest-1") is not sessions.client("iam", "us-west-2")
    assert sessions.client("ecr", "us-west-2") is not sessions.client("ecr", "eu-central-1")
