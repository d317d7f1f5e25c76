"""The secret with which a task's image is pulled from a private registry, and who may read it.

Only that it is there and whom it lets in is read, never what is in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.aws.ecs_definitions import Defined, ExecutionRole
from checks.aws.ecs_tasks import EcsTask
from checks.aws.facts import Aws, Grant
from checks.aws.identity import PolicyText, RolePolicies, RoleReads
from checks.aws.policy_language import Caller, Request
from checks.aws.rulings import Ruling, Says, both, certain, either, open_question, ruling, settled
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

GRANTS = (
    Grant(
        ("secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"),
        "arn:{partition}:secretsmanager:*:*:secret:*",
    ),
)

READ = "secretsmanager:GetSecretValue"


@dataclass(frozen=True, slots=True)
class SecretName:
    """``arn`` is as the task definition has it: an ARN, or a name in the task's own account and region."""

    arn: str
    region: str
    account: str


@fact()
def secret_name(task: EcsTask, defined: Defined) -> SecretName:
    arn = defined.container.credentials
    if not arn:
        raise NotApplicable(f"{defined.container.name} is pulled without a secret")
    parts = arn.split(":")
    if len(parts) < 7:
        return SecretName(arn, task.region, task.account)
    return SecretName(arn, region=parts[3], account=parts[4])


@dataclass(frozen=True, slots=True)
class RegistrySecret:
    """``key``: a key of the customer's own that it is encrypted with, or "". ``deleted``: since when it is on
    its way out, or "". ``policy``: who else it lets in; ``policy_unread``: why that is not known.
    """

    name: SecretName
    exists: bool
    arn: str = ""
    key: str = ""
    deleted: str = ""
    policy: str = ""
    policy_unread: str = ""


@fact()
async def registry_secret(name: SecretName, aws: Aws) -> RegistrySecret:
    where = {"region": name.region, "account": name.account, "SecretId": name.arn}
    try:
        found = await aws("secretsmanager", "describe_secret", **where)
    except NotFound:
        return RegistrySecret(name, exists=False)
    policy, unread = "", ""
    try:
        answer = await aws("secretsmanager", "get_resource_policy", **where)
        policy = answer.get("ResourcePolicy") or ""
    except (NotFound, Unavailable) as why:
        unread = str(why)
    deleted = found.get("DeletedDate")
    return RegistrySecret(
        name,
        exists=True,
        arn=found.get("ARN") or name.arn,
        key=found.get("KmsKeyId") or "",
        deleted=deleted.isoformat() if deleted else "",
        policy=policy,
        policy_unread=unread,
    )


@dataclass(frozen=True, slots=True)
class SecretReader:
    """The execution role, which reads it, and what its policies and the secret's say of that."""

    role_arn: str
    exists: bool
    ruling: Ruling


@fact(timeout=40.0)
async def secret_reader(secret: RegistrySecret, role: ExecutionRole, reads: RoleReads) -> SecretReader:
    if not role.arn or not secret.exists:
        raise NotApplicable("there is nobody to read it, or nothing to be read")
    found = await reads.start(role.arn, secret.name.region)
    return SecretReader(role.arn, found.exists, _ruling(secret, role.arn, found))


def _ruling(secret: RegistrySecret, role_arn: str, role: RolePolicies) -> Ruling:
    """In one account the role's or the secret's policies allow it, across accounts both have to."""
    bounded = None if role.boundary_unread else role.boundary is not None
    caller = Caller(role.arn or role_arn, role.id, bounded=bounded)
    request = Request(caller, READ, secret.arn, {"aws:principalarn": caller.role_arn})
    own, theirs = of_role(role, request), _of_secret(secret, request)
    across = caller.account != secret.name.account
    return settled(both(own, theirs) if across else either(own, theirs))


def of_role(role: RolePolicies, request: Request) -> Ruling:
    """What the role's own policies and its boundary say."""
    own = ruling("identity-based policy", role.allowing, request, role.unread)
    if role.boundary is not None:
        return both(own, ruling("permissions boundary", [role.boundary], request))
    if role.boundary_unread:
        return both(own, open_question("permissions boundary", role.boundary_unread))
    return own


def _of_secret(secret: RegistrySecret, request: Request) -> Ruling:
    layer = "the secret's policy"
    if secret.policy_unread:
        return open_question(layer, (secret.policy_unread,))
    if not secret.policy:
        return certain(Says.NOTHING, layer)
    return ruling(layer, [PolicyText(layer, secret.policy)], request)
