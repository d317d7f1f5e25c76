"""The secret for a private registry: made, restored, or let be read by the execution role.

What is in it nobody knows but who has an account there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from checks.aws.ecs_credentials import RegistryCredentials
from checks.aws.ecs_definitions import Defined
from checks.aws.ecs_secret_keys import DECRYPT, SecretKey
from checks.aws.ecs_secrets import READ
from checks.aws.ecs_services import EcsService
from checks.aws.ecs_tasks import EcsTask
from checks.aws.execution_role_is_trusted import SERVICE
from checks.aws.registry_secret_is_readable import registry_secret_is_readable
from checks.aws.rulings import Says
from checks.image.hosts import ecr_host
from checks.image.reference import Repository
from checks.model import NotApplicable
from handlers.remedies.aws.cli import aws
from handlers.remedies.aws.definitions import next_revision
from handlers.remedies.aws.policy_edits import as_policy
from handlers.remedy import ByHand, by_hand

# Both keys, as a program on a disk may have them; the file keeps them out of the shell's history.
_CONTENT = ("--secret-string", "file://credentials.json")


@by_hand("Put the secret for the registry right", cures=registry_secret_is_readable)
def mend_registry_secret(
    task: EcsTask, repository: Repository, wanted: RegistryCredentials, service: EcsService | None
) -> ByHand:
    secret = wanted.secret
    if ecr_host(repository.host) is not None:
        return _for_ecr(task, wanted.defined, service)
    if secret.exists and secret.deleted:
        restore = aws("secretsmanager", "restore-secret", secret.name.region, "--secret-id", secret.name.arn)
        return ByHand("Who answers for the secret restores it, before it is gone for good", (restore,))
    if not secret.exists:
        return _make(wanted, task, service)
    if wanted.key is not None and wanted.key.key.state not in ("", "Enabled"):
        return _wake(wanted.key.key, wanted)
    return _let_read(wanted)


def _for_ecr(task: EcsTask, defined: Defined, service: EcsService | None) -> ByHand:
    change = f"{_container(defined)} |= del(.repositoryCredentials)"
    return ByHand(
        f"Who answers for {defined.definition.short} registers a revision without the secret: for ECR the "
        "execution role gets a token by itself",
        next_revision(defined.definition, change, task, service),
    )


def _make(wanted: RegistryCredentials, task: EcsTask, service: EcsService | None) -> ByHand:
    """A secret made anew has another ARN, whose last six characters are of AWS's choice."""
    name, defined = wanted.secret.name, wanted.defined
    change = f'{_container(defined)} |= (.repositoryCredentials.credentialsParameter = "SECRET_ARN")'
    return ByHand(
        "Who has an account in the registry makes the secret (credentials.json: "
        '{"username": "…", "password": "…"}), and the task definition names its ARN',
        (
            aws("secretsmanager", "create-secret", name.region, "--name", "SECRET_NAME", *_CONTENT),
            *next_revision(defined.definition, change, task, service),
        ),
    )


def _container(defined: Defined) -> str:
    """Its place, as jq finds it."""
    return f"(.containerDefinitions[] | select(.name == {json.dumps(defined.container.name)}))"


def _wake(key: SecretKey, wanted: RegistryCredentials) -> ByHand:
    region, of_it = wanted.secret.name.region, ("--key-id", key.arn)
    enable = aws("kms", "enable-key", region, *of_it)
    if key.state == "Disabled":
        return ByHand("Who answers for the key enables it", (enable,))
    if key.state == "PendingDeletion":
        keep = aws("kms", "cancel-key-deletion", region, *of_it)
        return ByHand("Who answers for the key keeps it, before it is gone for good", (keep, enable))
    to_another = ("--secret-id", wanted.secret.name.arn, "--kms-key-id", "alias/aws/secretsmanager")
    return ByHand(
        f"Without its key ({key.state}) nobody can read the secret: who has an account in the registry "
        "writes it anew, under another key",
        (aws("secretsmanager", "update-secret", region, *to_another, *_CONTENT),),
    )


def _let_read(wanted: RegistryCredentials) -> ByHand:
    """:raises NotApplicable: nobody is to read it, which is told by another check"""
    reader, name = wanted.reader, wanted.reader_name
    if reader is None:
        raise NotApplicable("the task has no execution role to read the secret")
    if not reader.exists:
        trust = as_policy({"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"})
        create = ("--role-name", name, "--assume-role-policy-document", trust)
        return ByHand(
            f"Who answers for the account makes the role {name} again, and gives it what it was for",
            (aws("iam", "create-role", "", *create),),
        )
    lacking = dict(_lacking(wanted)) or {"read-registry-secret": (READ, wanted.secret.arn)}
    grants = {
        policy: as_policy({"Effect": "Allow", "Action": action, "Resource": resource})
        for policy, (action, resource) in lacking.items()
    }
    put = ("iam", "put-role-policy", "", "--role-name", name, "--policy-name")
    return ByHand(
        f"Who answers for {name} decides whether it may read {wanted.secret.arn}",
        tuple(aws(*put, policy, "--policy-document", grant) for policy, grant in grants.items()),
        "a Deny, a boundary, or the secret's and the key's own policies may be in the way as well",
    )


def _lacking(wanted: RegistryCredentials) -> Iterator[tuple[str, tuple[str, str]]]:
    """What the reader is not known to be allowed, and on what; by a name for the policy that allows it."""
    if wanted.reader is not None and wanted.reader.ruling.says is not Says.ALLOWS:
        yield "read-registry-secret", (READ, wanted.secret.arn)
    if wanted.key is not None and wanted.key.ruling.says is not Says.ALLOWS:
        arn = wanted.key.key.arn
        yield "decrypt-registry-secret", (DECRYPT, arn if arn.startswith("arn:") else "KEY_ARN")
