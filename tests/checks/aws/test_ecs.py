"""Tasks of ECS: which role pulls, by which interface, with which secret, and whether a fix is proven."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.watch.ecs_book import StoppedTasks
from bot.watch.ecs_failures import failure, pull_of
from checks.aws.ecs_credentials import RegistryCredentials
from checks.aws.ecs_definitions import Defined, DefinedContainer, ExecutionRole, TaskDefinition
from checks.aws.ecs_interfaces import FargateNetwork
from checks.aws.ecs_secrets import RegistrySecret, SecretName, SecretReader
from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask, TaskBook, parse_task
from checks.aws.execution_role_is_set import execution_role_is_set
from checks.aws.execution_role_is_trusted import ExecutionTrust, execution_role_is_trusted
from checks.aws.facts import Aws
from checks.aws.interface import Interface
from checks.aws.nodes import InstanceId
from checks.aws.puller import Kind, Puller
from checks.aws.registry_secret_is_readable import registry_secret_is_readable
from checks.aws.routing import Way
from checks.aws.rulings import Says, certain, open_question
from checks.aws.task_has_public_ip import task_has_public_ip
from checks.aws.task_was_started import StartsSince, starts_since, task_was_started
from checks.graph import Catalog
from checks.host import Cluster
from checks.image.reference import parse
from checks.model import FailedPull, NotApplicable, NotFound, Since, Status, Unavailable
from checks.resolve import Resolver
from tests.fakes.aws_account import ACCOUNT
from tests.fakes.ecs import EcsAccount
from tests.fakes.ecs_paths import paths_by

HOST = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com"
IMAGE = f"{HOST}/web:1"
HUB = "quay.example/web:1"
EXECUTION, TASK_ROLE = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("web-execution", "web-task"))
INSTANCE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop/instance"
TIMEOUT = "CannotPullContainerError: dial tcp 44.234.1.7:443: i/o timeout"
CATALOG = Catalog.load()


@dataclass
class Case:
    """One task that failed, and what is asked of it."""

    aws: EcsAccount = field(default_factory=EcsAccount)
    book: StoppedTasks = field(default_factory=StoppedTasks)
    roots: dict[Any, object] = field(default_factory=dict)

    def fails(self, reason: str = TIMEOUT, **more: Any) -> FailedPull:
        definition = next(iter(self.aws.definitions.values()))
        tree = self.aws.ecs.stop(definition, "shop", reason, service="web", subnet="subnet-p", **more)
        found = failure(parse_task(tree))
        assert found is not None
        pull = pull_of("prod", "shop", [found])
        cluster = Cluster("prod", "ecs", "us-west-2")
        self.roots = {Aws: self.aws, TaskBook: self.book, Cluster: cluster, FailedPull: pull}
        return pull

    def fails_with(self, message: str) -> FailedPull:
        self.aws.define(IMAGE)
        return self.fails(message)

    async def get(self, wanted: type[Any]) -> Any:
        return await Resolver(CATALOG, self.roots, {}).get(wanted)


@pytest.fixture
def case() -> Case:
    made = Case()
    made.aws.serve(made.aws.define(IMAGE, executionRoleArn=EXECUTION, taskRoleArn=TASK_ROLE))
    made.aws.others["describe_subnets"] = {"Subnets": [{"SubnetId": "subnet-p", "VpcId": "vpc-1"}]}
    return made


def on_instance(case: Case, **more: Any) -> None:
    """``i-0abc`` has a role of its own."""
    case.aws.instances = [{"ec2InstanceId": "i-0abc"}]
    case.aws.others |= {
        "describe_instances": {
            "Reservations": [
                {
                    "OwnerId": ACCOUNT,
                    "Instances": [
                        {
                            "VpcId": "vpc-1",
                            "SubnetId": "subnet-i",
                            "PrivateIpAddress": "10.0.1.7",
                            "SecurityGroups": [{"GroupId": "sg-i"}],
                            "IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/shop"},
                        }
                    ],
                }
            ]
        },
        "get_instance_profile": {"InstanceProfile": {"Roles": [{"Arn": INSTANCE_ROLE}]}},
        **more,
    }


def denial(who: str, action: str = "ecr:BatchGetImage") -> str:
    return f"CannotPullContainerError: User: {who} is not authorized to perform: {action} on resource: x"


EC2: Mapping[str, Any] = {
    "launchType": "EC2",
    "containerInstanceArn": "arn:aws:ecs:us-west-2:1:container-instance/shop/ci",
}


# ---- who pulls


async def test_on_fargate_the_execution_role_pulls_and_never_the_task_role(case: Case) -> None:
    case.fails()
    puller: Puller = await case.get(Puller)
    assert (puller.role_arn, puller.kind) == (EXECUTION, Kind.EXECUTION)
    assert "web:1" in puller.how


async def test_a_tasks_own_execution_role_wins(case: Case) -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    case.fails(overrides={"executionRoleArn": other})
    assert (await case.get(Puller)).role_arn == other


async def test_a_denial_tells_the_session_of_the_execution_role(case: Case) -> None:
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/web-execution/0f2c"
    case.fails(denial(who))
    puller: Puller = await case.get(Puller)
    assert (puller.role_arn, puller.session) == (EXECUTION, "0f2c")


async def test_a_denial_of_a_secret_does_not_say_who_pulls(case: Case) -> None:
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/somebody/0f2c"
    case.fails(
        "unable to pull secrets or registry auth: unable to retrieve secret from asm: User: "
        f"{who} is not authorized to perform: secretsmanager:GetSecretValue on resource: x"
    )
    assert (await case.get(Puller)).role_arn == EXECUTION


async def test_on_an_instance_without_an_execution_role_the_instances_role_pulls(case: Case) -> None:
    case.aws.serve(case.aws.define(IMAGE))
    on_instance(case)
    case.fails(**EC2)
    puller: Puller = await case.get(Puller)
    assert (puller.role_arn, puller.session, puller.kind) == (INSTANCE_ROLE, "i-0abc", Kind.NODE)


async def test_on_an_instance_with_both_roles_nobody_guesses(case: Case) -> None:
    on_instance(case)
    case.fails(**EC2)
    with pytest.raises(Unavailable, match=r"web-execution or with .*instance"):
        await case.get(Puller)


async def test_a_denial_names_the_instances_role_and_its_path_is_known(case: Case) -> None:
    on_instance(case)
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/instance/i-0abc"
    case.fails(denial(who), **EC2)
    puller: Puller = await case.get(Puller)
    assert (puller.role_arn, puller.path_known) == (INSTANCE_ROLE, True)


OTHER = f"arn:aws:sts::{ACCOUNT}:assumed-role/other/x"


async def test_a_denial_of_another_role_does_not_beat_the_execution_role(case: Case) -> None:
    case.fails(denial(OTHER))
    puller: Puller = await case.get(Puller)
    assert (puller.role_arn, puller.rival) == (EXECUTION, f"arn:aws:iam::{ACCOUNT}:role/other")
    assert not puller.hearsay
    assert "nothing gives to this task" in puller.drift


async def test_a_denial_of_neither_role_leaves_it_open(case: Case) -> None:
    on_instance(case)
    case.fails(denial(OTHER), **EC2)
    with pytest.raises(Unavailable, match=r"the message says that .*/other/x was denied"):
        await case.get(Puller)


async def test_where_the_instances_role_is_hidden_the_message_may_name_it(case: Case) -> None:
    on_instance(case, get_instance_profile=Unavailable("AWS denies iam:GetInstanceProfile"))
    case.fails(denial(OTHER), **EC2)
    puller: Puller = await case.get(Puller)
    assert (puller.role_name, puller.hearsay) == ("other", True)


async def test_an_instance_whose_role_may_not_be_read_leaves_it_open(case: Case) -> None:
    on_instance(case, get_instance_profile=Unavailable("AWS denies iam:GetInstanceProfile"))
    case.fails(**EC2)
    with pytest.raises(Unavailable, match="iam:GetInstanceProfile"):
        await case.get(Puller)


# ---- by which interface


async def test_a_task_on_fargate_has_an_interface_of_its_own(case: Case) -> None:
    case.fails()
    found: Interface = await case.get(Interface)
    assert (found.vpc, found.subnet, found.security_groups) == ("vpc-1", "subnet-p", ("sg-1",))
    assert (str(found.address), found.public_address) == ("10.0.0.9", "")


async def test_on_an_instance_it_is_the_hosts_although_the_task_has_one(case: Case) -> None:
    on_instance(case)
    case.fails(**EC2)
    found: Interface = await case.get(Interface)
    assert (found.subnet, found.security_groups) == ("subnet-i", ("sg-i",))


async def test_a_service_that_may_not_be_read_is_told_with_what_to_grant(case: Case) -> None:
    case.fails()
    case.book.note(next(iter(case.aws.ecs.tasks.values())))
    case.aws.dark = True
    with pytest.raises(Unavailable, match="ecs:describe_services; grant it"):
        await case.get(Interface)


async def test_a_task_of_no_service_takes_most_of_its_network_with_it(case: Case) -> None:
    case.aws.others["describe_network_interfaces"] = NotFound("InvalidNetworkInterfaceID.NotFound")
    case.fails(group="family:web")
    found: Interface = await case.get(Interface)
    assert (found.vpc, found.subnet, str(found.address)) == ("vpc-1", "subnet-p", "10.0.0.9")
    assert (found.security_groups, found.public_address) == ((), "")
    assert "eni-0task is deleted, and it is no service's" in found.unread


async def test_an_interface_that_is_still_there_tells_everything(case: Case) -> None:
    case.aws.others["describe_network_interfaces"] = {
        "NetworkInterfaces": [
            {"Groups": [{"GroupId": "sg-2"}, {"GroupId": "sg-1"}], "Association": {"PublicIp": "34.1.1.1"}}
        ]
    }
    case.fails(group="service:gone")
    found: Interface = await case.get(Interface)
    assert (found.security_groups, bool(found.public_address), found.unread) == (("sg-1", "sg-2"), True, "")


async def test_an_interface_that_may_not_be_read_is_told_with_what_to_grant(case: Case) -> None:
    case.aws.others["describe_network_interfaces"] = Unavailable("AWS denies ec2:DescribeNetworkInterfaces")
    case.fails(group="family:web")
    assert "ec2:DescribeNetworkInterfaces" in (await case.get(Interface)).unread


async def test_without_a_word_of_its_network_a_task_of_no_service_is_nowhere(case: Case) -> None:
    case.fails(group="family:web", attachments=[])
    with pytest.raises(Unavailable, match="in which network the task"):
        await case.get(Interface)


async def test_an_instance_that_ecs_manages_is_one_like_any_other_but_for_its_role(case: Case) -> None:
    on_instance(case)
    case.fails(**{**EC2, "launchType": "MANAGED_INSTANCES"})
    found: Interface = await case.get(Interface)
    assert (found.subnet, found.security_groups) == ("subnet-i", ("sg-i",))
    assert (await case.get(InstanceId)).managed
    assert (await case.get(Puller)).role_arn == EXECUTION


async def test_a_machine_outside_of_aws_has_a_network_that_we_do_not_see(case: Case) -> None:
    case.fails(**{**EC2, "launchType": "EXTERNAL"})
    with pytest.raises(Unavailable, match="ECS Anywhere"):
        await case.get(Interface)
    assert (await case.get(Puller)).role_arn == EXECUTION


async def test_what_is_gone_is_taken_from_the_service_unless_that_wants_something_else(case: Case) -> None:
    pull = case.fails()
    del case.aws.ecs.tasks[pull.pods[0]]
    assert (await case.get(Interface)).subnet == "subnet-p"
    assert (await case.get(Defined)).container.image == IMAGE
    case.aws.serve(case.aws.define(f"{HOST}/web:2", 2))
    with pytest.raises(Unavailable, match="web:2 has no container web"):
        await case.get(Defined)


async def test_a_task_of_no_service_that_is_gone_is_not_known(case: Case) -> None:
    pull = case.fails(group="family:web")
    del case.aws.ecs.tasks[pull.pods[0]]
    with pytest.raises(Unavailable, match="forgets tasks after an hour"):
        await case.get(EcsTask)


NETWORK = FargateNetwork(
    ACCOUNT, "us-west-2", "subnet-a", ("sg-1",), "10.0.0.9", public_address=False, windows=False
)


def test_whether_a_lone_task_had_a_public_address_is_not_guessed() -> None:
    hidden = replace(NETWORK, unread="its interface is deleted")
    there = paths_by(Way.UNCERTAIN)
    found = replace(there, items=tuple(replace(one, why=hidden.unread) for one in there.items))
    verdict = task_has_public_ip(found, hidden)
    assert (verdict.status, verdict.summary) == (Status.UNKNOWN, "its interface is deleted")
    with pytest.raises(NotApplicable):
        task_has_public_ip(paths_by(Way.NAT), hidden)


def test_a_public_address_is_missed_only_behind_an_internet_gateway() -> None:
    assert task_has_public_ip(paths_by(Way.NO_ADDRESS), NETWORK).status is Status.FAIL
    assert task_has_public_ip(paths_by(Way.INTERNET), NETWORK).status is Status.PASS
    for way in (Way.NAT, Way.ENDPOINT, Way.NOWHERE, Way.ELSEWHERE):
        with pytest.raises(NotApplicable):
            task_has_public_ip(paths_by(way), NETWORK)


# ---- the execution role


DEFINITION = TaskDefinition(
    "arn:aws:ecs:us-west-2:1:task-definition/web:1", "", TASK_ROLE, "awsvpc", windows=False, containers=()
)
FARGATE_TASK = EcsTask("arn:aws:ecs:us-west-2:123456789012:task/shop/0f2c", DEFINITION.arn, "FARGATE")
EC2_TASK = EcsTask(FARGATE_TASK.arn, DEFINITION.arn, "EC2")


def role_is_set(task: EcsTask, image: str, *, role: str = "", secret: str = "") -> Status:
    defined = Defined(DEFINITION, DefinedContainer("web", image, secret))
    repository = parse(image).repository
    return execution_role_is_set(task, ExecutionRole(role, ""), defined, repository).status


def test_an_execution_role_is_needed_for_ecr_on_fargate_and_for_secrets_anywhere() -> None:
    assert role_is_set(FARGATE_TASK, IMAGE) is Status.FAIL
    assert role_is_set(FARGATE_TASK, IMAGE, role=EXECUTION) is Status.PASS
    assert role_is_set(EC2_TASK, HUB, secret="arn:of:a:secret") is Status.FAIL
    for task, image in ((EC2_TASK, IMAGE), (FARGATE_TASK, HUB)):
        with pytest.raises(NotApplicable):
            role_is_set(task, image)


def test_the_task_role_is_named_as_what_does_not_pull() -> None:
    defined = Defined(DEFINITION, DefinedContainer("web", IMAGE, ""))
    verdict = execution_role_is_set(FARGATE_TASK, ExecutionRole("", ""), defined, parse(IMAGE).repository)
    assert ("Task role (does not pull)", TASK_ROLE) in verdict.evidence


# ---- the secret


NAME = SecretName(f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:hub-AbCdEf", "us-west-2", ACCOUNT)
SECRET = RegistrySecret(NAME, exists=True, arn=NAME.arn)
MAY, MAY_NOT = certain(Says.ALLOWS, "policy"), certain(Says.NOTHING, "policy")
NO_SECRET = "unable to pull secrets or registry auth: unable to retrieve secret from asm"
REFUSED = "CannotPullContainerError: 401 Unauthorized"


def secret_is_readable(
    secret: RegistrySecret, reader: SecretReader | None, message: str = NO_SECRET, image: str = HUB
) -> Any:
    case = Case()
    case.aws.define(image)
    pull = case.fails(message)
    defined = Defined(DEFINITION, DefinedContainer("web", image, NAME.arn))
    wanted = RegistryCredentials(defined, secret, reader)
    return registry_secret_is_readable(pull, parse(image).repository, wanted, None)


def reader(ruling: Any = MAY, *, exists: bool = True) -> SecretReader:
    return SecretReader(EXECUTION, exists, ruling)


def test_a_secret_that_may_be_read_passes() -> None:
    assert secret_is_readable(SECRET, reader()).status is Status.PASS


@pytest.mark.parametrize(
    ("secret", "who", "said"),
    [
        (RegistrySecret(NAME, exists=False), None, "does not exist"),
        (RegistrySecret(NAME, exists=True, deleted="2026-01-01"), reader(), "was deleted"),
        (SECRET, reader(MAY_NOT), "web-execution may not read"),
        (SECRET, reader(exists=False), "does not exist"),
    ],
)
def test_a_secret_that_cannot_be_read_is_the_cause_if_the_text_is_of_it(
    secret: RegistrySecret, who: SecretReader | None, said: str
) -> None:
    verdict = secret_is_readable(secret, who)
    assert (verdict.status, verdict.explains) == (Status.FAIL, True)
    assert said in verdict.summary
    assert secret_is_readable(secret, who, REFUSED).explains is False


def test_what_is_not_known_of_a_secret_is_no_fault() -> None:
    assert secret_is_readable(SECRET, None).status is Status.UNKNOWN
    unread = reader(open_question("policy", ["AWS denies iam:GetRole"]))
    assert "iam:GetRole" in secret_is_readable(SECRET, unread).summary


def test_ecr_takes_no_secret() -> None:
    assert "ECR takes no user" in secret_is_readable(SECRET, reader(), image=IMAGE).summary


async def secret_of(case: Case, **answers: Any) -> RegistryCredentials:
    box = {"name": "web", "image": HUB, "repositoryCredentials": {"credentialsParameter": NAME.arn}}
    case.aws.serve(case.aws.define(HUB, executionRoleArn=EXECUTION, containerDefinitions=[box]))
    case.aws.others |= {
        "describe_secret": {"ARN": NAME.arn},
        "get_resource_policy": {},
        "get_role": {"Role": {"Arn": EXECUTION, "RoleId": "AROAWEB"}},
        "list_attached_role_policies": {"AttachedPolicies": []},
        "list_role_policies": {"PolicyNames": []},
        **answers,
    }
    case.fails(NO_SECRET)
    found: RegistryCredentials = await case.get(RegistryCredentials)
    return found


async def test_a_secrets_own_policy_may_let_the_role_in(case: Case) -> None:
    assert "may not read" in (await secret_of(case)).fault()
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": EXECUTION},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    assert (await secret_of(case, get_resource_policy={"ResourcePolicy": text})).fault() == ""


async def test_a_secrets_policy_that_may_not_be_read_leaves_it_open(case: Case) -> None:
    found = await secret_of(case, get_resource_policy=Unavailable("AWS denies it"))
    assert found.fault() == ""
    assert found.reader is not None
    assert found.reader.ruling.says is Says.UNKNOWN


KEY = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/k"
READS = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
DECRYPTS = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY}
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
TO_THE_ACCOUNT = {"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*"}
TO_THE_ROLE = {**TO_THE_ACCOUNT, "Principal": {"AWS": EXECUTION}, "Action": "kms:Decrypt"}
VIA = {"StringEquals": {"kms:ViaService": "secretsmanager.us-west-2.amazonaws.com"}}


async def encrypted(case: Case, key: Any, *own: Mapping[str, Any], **answers: Any) -> RegistryCredentials:
    """With a secret of the customer's own key, whose policy is ``key``."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": [key]})
    found = {
        "describe_secret": {"ARN": NAME.arn, "KmsKeyId": KEY},
        "describe_key": {"KeyMetadata": {"Arn": KEY, "KeyState": "Enabled", "KeyManager": "CUSTOMER"}},
        "get_key_policy": {"Policy": policy},
        "list_role_policies": {"PolicyNames": ["own"]},
        "get_role_policy": {"PolicyDocument": {"Version": "2012-10-17", "Statement": list(own)}},
    }
    return await secret_of(case, **{**found, **answers})


@pytest.mark.parametrize(
    ("key", "own", "may"),
    [
        (TO_THE_ACCOUNT, (READS, DECRYPTS), True),
        (TO_THE_ACCOUNT, (READS,), False),
        (TO_THE_ROLE, (READS,), True),
        ({**TO_THE_ROLE, "Condition": VIA}, (READS,), True),
        ({**TO_THE_ROLE, "Principal": {"AWS": TASK_ROLE}}, (READS, DECRYPTS), False),
    ],
)
async def test_the_secrets_own_key_has_to_let_the_role_in(case: Case, key: Any, own: Any, may: bool) -> None:
    found = await encrypted(case, key, *own)
    assert found.unread == ()
    assert found.fault() == (
        "" if may else f"web-execution may not use the key of the secret (kms:Decrypt on {KEY})"
    )


async def test_a_key_that_is_turned_off_decrypts_for_nobody(case: Case) -> None:
    off = {"KeyMetadata": {"Arn": KEY, "KeyState": "PendingDeletion", "KeyManager": "CUSTOMER"}}
    found = await encrypted(case, TO_THE_ROLE, READS, describe_key=off)
    assert "is PendingDeletion" in found.fault()


@pytest.mark.parametrize("call", ["describe_key", "get_key_policy"])
async def test_a_key_that_may_not_be_read_leaves_it_open(case: Case, call: str) -> None:
    found = await encrypted(case, TO_THE_ROLE, READS, **{call: Unavailable(f"AWS denies {call}")})
    assert found.fault() == ""
    assert found.unread == (f"AWS denies {call}",)


async def test_a_key_of_aws_itself_needs_no_word(case: Case) -> None:
    own = {"KeyMetadata": {"Arn": KEY, "KeyState": "Enabled", "KeyManager": "AWS"}}
    assert (await encrypted(case, TO_THE_ACCOUNT, READS, describe_key=own)).key is None


NO_KEY = (
    f"{NO_SECRET}: failed to fetch secret {{}} from secrets manager: AccessDeniedException: "
    "Access to KMS is not allowed"
)


def test_what_aws_says_of_the_key_convicts() -> None:
    verdict = secret_is_readable(SECRET, reader(), NO_KEY.format(NAME.arn))
    assert (verdict.status, verdict.explains) == (Status.FAIL, True)
    assert "kms:Decrypt" in verdict.summary


def test_the_containers_secrets_are_not_the_registrys() -> None:
    other = f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:db-XyZabc"
    assert secret_is_readable(SECRET, reader(), NO_KEY.format(other)).status is Status.PASS
    verdict = secret_is_readable(SECRET, reader(MAY_NOT), NO_KEY.format(other))
    assert (verdict.status, verdict.explains) == (Status.FAIL, False)


async def test_a_secret_that_is_not_there(case: Case) -> None:
    found = await secret_of(case, describe_secret=NotFound("ResourceNotFoundException"))
    assert "does not exist" in found.fault()


# ---- the proof


SERVICE = EcsService(
    f"arn:aws:ecs:us-west-2:{ACCOUNT}:service/shop/web", "web", True, 2, 2, DEFINITION.arn, (), "ecs-svc/1",
    "FARGATE", True, None,
)  # fmt: skip


def proven(case: Case, since: StartsSince, **changes: Any) -> Any:
    return task_was_started(case.fails(), since, replace(SERVICE, **changes))


def test_a_newer_task_proves_it_and_nothing_less(case: Case) -> None:
    assert task_was_started.proof
    assert proven(case, StartsSince(("a",))).status is Status.PASS
    assert proven(case, StartsSince()).status is Status.FAIL
    assert proven(case, StartsSince(("a",)), running=1).status is Status.FAIL
    told = proven(case, StartsSince(("a",), ("b",), TIMEOUT), running=1)
    assert ("Message", TIMEOUT) in told.evidence


async def test_only_what_started_after_the_fix_counts(case: Case) -> None:
    pull = case.fails()
    fixed = datetime.now(UTC)
    definition = next(iter(case.aws.definitions.values()))
    for minutes in (-5, 5):
        case.aws.ecs.run(definition, "shop", service="web", at=fixed + timedelta(minutes=minutes))
    later = case.fails(at=fixed + timedelta(minutes=6)).pods
    case.roots |= {FailedPull: pull, Since: Since(fixed.isoformat())}
    found: StartsSince = await case.get(StartsSince)
    assert (len(found.started), found.failing, found.said) == (1, later, TIMEOUT)
    assert starts_since.gives is StartsSince


def test_a_task_of_its_own_has_to_be_run_again(case: Case) -> None:
    pull = case.fails(group="family:web")
    assert "start it again" in task_was_started(pull, StartsSince(), None).summary


async def test_nothing_of_it_is_asked_on_other_clusters(case: Case) -> None:
    case.fails()
    case.roots[Cluster] = Cluster("prod", "eks", "us-west-2")
    for wanted in (EcsTask, EcsService, FargateNetwork):
        with pytest.raises(NotApplicable):
            await case.get(wanted)


# ---- trust


def is_trusted(message: str, *statements: Mapping[str, Any], unread: str = "") -> Any:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)}) if statements else ""
    return execution_role_is_trusted(
        Case().fails_with(message), FARGATE_TASK, ExecutionTrust(EXECUTION, policy, unread)
    )


def trusting(service: str = "ecs-tasks.amazonaws.com", **conditions: Any) -> dict[str, Any]:
    found = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {**found, "Condition": conditions} if conditions else found


NOT_ASSUMED = (
    "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web-execution' that was provided"
)


def test_a_role_that_ecs_may_become() -> None:
    here = {"aws:SourceArn": f"arn:aws:ecs:us-west-2:{ACCOUNT}:*"}
    for statement in (
        trusting(),
        trusting(ArnLike=here),
        trusting(StringEquals={"aws:SourceAccount": ACCOUNT}),
    ):
        assert is_trusted(NOT_ASSUMED, statement).status is Status.PASS


def test_a_role_that_others_may_become_is_the_cause_where_ecs_says_so() -> None:
    verdict = is_trusted(NOT_ASSUMED, trusting("ec2.amazonaws.com"))
    assert (verdict.status, verdict.explains) == (Status.FAIL, True)
    assert "ec2.amazonaws.com" in verdict.summary
    assert is_trusted(TIMEOUT, trusting("ec2.amazonaws.com")).explains is False
    elsewhere = {"aws:SourceAccount": "444455556666"}
    assert is_trusted(NOT_ASSUMED, trusting(StringEquals=elsewhere)).status is Status.FAIL


def test_a_trust_policy_that_may_not_be_read_is_no_fault() -> None:
    verdict = is_trusted(NOT_ASSUMED, unread="AWS denies iam:GetRole")
    assert (verdict.status, "iam:GetRole" in verdict.summary) == (Status.UNKNOWN, True)
