"""The things that may be changed in AWS, each as a compare-and-swap.

ECR's SetRepositoryPolicy takes no condition, so the comparison is made right before the write and a
window of milliseconds remains. ``force``, which would let a caller lock itself out, is never sent.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from checks.aws.facts import EcrAddress, Grant
from checks.model import NotFound
from handlers.remedy import Conflict, Diff, Standing, Step

# AWS's managed policies that let a role pull, the one that EKS's guides attach first.
PULL_POLICIES = ("AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly")


class AwsWriter(Protocol):
    """AWS under the write role; called as ``checks.aws.facts.Aws`` is. Facts and checks cannot ask for it.

    :raises NotFound, Unavailable: as ``Aws``.
    :raises Conflict: the service noticed a concurrent change.
    """

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class SetRepositoryPolicy(Step):
    """``before`` and ``after`` are exact texts; ``None``: the repository has no policy.

    They are compared by meaning, as ECR may normalise what it is given; what is written is exact.
    """

    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(
            ("ecr:DeleteRepositoryPolicy", "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"),
            "arn:{partition}:ecr:*:*:repository/*",
        ),
    )

    address: EcrAddress
    before: str | None
    after: str | None

    def diff(self) -> Diff:
        return Diff(self.address.arn, pretty_policy(self.before), pretty_policy(self.after))

    def commands(self) -> tuple[str, ...]:
        operation = "delete-repository-policy" if self.after is None else "set-repository-policy"
        words = ["aws", "ecr", operation, "--region", self.address.region]
        words += ["--registry-id", self.address.account, "--repository-name", self.address.name]
        if self.after is not None:
            words += ["--policy-text", self.after]
        return (shlex.join(words),)

    def inverse(self) -> SetRepositoryPolicy:
        return replace(self, before=self.after, after=self.before)

    async def look(self, aws: AwsWriter) -> Standing:
        now = await self._now(aws)
        if same_policy(now, self.before):
            return Standing.BEFORE
        return Standing.AFTER if same_policy(now, self.after) else Standing.ELSEWHERE

    async def write(self, aws: AwsWriter) -> SetRepositoryPolicy:
        try:
            if self.after is None:
                await aws("ecr", "delete_repository_policy", **self.address.call)
                return self
            answer = await aws("ecr", "set_repository_policy", **self.address.call, policyText=self.after)
        except NotFound as why:
            raise Conflict(f"{self.address.name} changed meanwhile: {why.code}") from None
        return replace(self, after=answer.get("policyText", self.after))

    async def _now(self, aws: AwsWriter) -> str | None:
        try:
            answer = await aws("ecr", "get_repository_policy", **self.address.call)
        except NotFound as why:
            if why.code != "RepositoryPolicyNotFoundException":
                raise Conflict(f"the repository {self.address.name} is gone") from None
            return None
        return str(answer["policyText"])


def attaching_grants(policies: tuple[str, ...]) -> tuple[Grant, ...]:
    """To attach these policies of AWS's own, and no others; detaching is the way back."""
    arns = tuple(f"arn:{{partition}}:iam::aws:policy/{name}" for name in policies)
    return (
        Grant(("iam:GetRole", "iam:ListAttachedRolePolicies")),
        Grant(
            ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
            condition=(("ArnEquals", "iam:PolicyARN", arns),),
        ),
    )


@dataclass(frozen=True, slots=True)
class AttachRolePolicy(Step):
    """Attach a managed policy to a role. ``region`` only says in which partition IAM is asked."""

    grants: ClassVar[tuple[Grant, ...]] = attaching_grants(PULL_POLICIES)

    role_arn: str
    policy_arn: str
    region: str

    def diff(self) -> Diff:
        return Diff(self.role_arn, "", self.policy_arn)

    def commands(self) -> tuple[str, ...]:
        return (_iam_command("attach-role-policy", self.role_arn, self.policy_arn),)

    def inverse(self) -> DetachRolePolicy:
        return DetachRolePolicy(self.role_arn, self.policy_arn, self.region)

    async def look(self, aws: AwsWriter) -> Standing:
        attached = await _is_attached(self.role_arn, self.policy_arn, self.region, aws)
        return Standing.AFTER if attached else Standing.BEFORE

    async def write(self, aws: AwsWriter) -> AttachRolePolicy:
        await the_role(self.role_arn, self.region, aws)
        await ask_iam("attach_role_policy", self.role_arn, self.region, aws, PolicyArn=self.policy_arn)
        return self


@dataclass(frozen=True, slots=True)
class DetachRolePolicy(Step):
    """Only ever the way back from ``AttachRolePolicy``; no remedy plans it."""

    role_arn: str
    policy_arn: str
    region: str

    def diff(self) -> Diff:
        return Diff(self.role_arn, self.policy_arn, "")

    def commands(self) -> tuple[str, ...]:
        return (_iam_command("detach-role-policy", self.role_arn, self.policy_arn),)

    def inverse(self) -> AttachRolePolicy:
        return AttachRolePolicy(self.role_arn, self.policy_arn, self.region)

    async def look(self, aws: AwsWriter) -> Standing:
        attached = await _is_attached(self.role_arn, self.policy_arn, self.region, aws)
        return Standing.BEFORE if attached else Standing.AFTER

    async def write(self, aws: AwsWriter) -> DetachRolePolicy:
        await the_role(self.role_arn, self.region, aws)
        await ask_iam("detach_role_policy", self.role_arn, self.region, aws, PolicyArn=self.policy_arn)
        return self


async def _is_attached(role_arn: str, policy_arn: str, region: str, aws: AwsWriter) -> bool:
    await the_role(role_arn, region, aws)
    answer = await ask_iam("list_attached_role_policies", role_arn, region, aws)
    return policy_arn in {one["PolicyArn"] for one in answer["AttachedPolicies"]}


async def the_role(role_arn: str, region: str, aws: AwsWriter) -> Mapping[str, Any]:
    """The role as IAM has it. IAM is asked by its name, and every account may have a role of that name.

    :raises Conflict: it is another role, or none
    """
    role: Mapping[str, Any] = (await ask_iam("get_role", role_arn, region, aws))["Role"]
    if role["Arn"] != role_arn:
        raise Conflict(
            f"these credentials look at {role['Arn']}, and not at {role_arn}: set aws.write_role or "
            "aws.owners to a role in its account"
        )
    return role


async def ask_iam(
    operation: str, role_arn: str, region: str, aws: AwsWriter, **params: str
) -> Mapping[str, Any]:
    """One call about a role, in the role's own account.

    :raises Conflict: the role is gone, or what was to be detached from it
    """
    account = role_arn.split(":")[4]
    try:
        return await aws(
            "iam", operation, region=region, account=account, RoleName=role_name(role_arn), **params
        )
    except NotFound as why:
        raise Conflict(f"{role_arn} changed meanwhile: {why}") from None


def _iam_command(operation: str, role_arn: str, policy_arn: str) -> str:
    words = ["aws", "iam", operation, "--role-name", role_name(role_arn), "--policy-arn", policy_arn]
    return shlex.join(words)


def role_name(arn: str) -> str:
    """The last part: a role's path is in its ARN, not in its name."""
    return arn.rpartition("/")[2]


def same_policy(one: str | None, other: str | None) -> bool:
    """Whether two policy texts mean the same: white space, the order of lists and lists of one aside."""
    return one == other or (one is not None and other is not None and _meaning(one) == _meaning(other))


def _meaning(text: str) -> Any:
    try:
        return _ordered(json.loads(text))
    except ValueError:
        return text


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(one) for key, one in value.items()}
    if isinstance(value, list):
        parts = sorted((_ordered(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
        return parts[0] if len(parts) == 1 else parts
    return value


def pretty_policy(policy: str | None) -> str:
    """A policy laid out for people; "" for none, and as it is where it is no JSON."""
    if policy is None:
        return ""
    try:
        return json.dumps(json.loads(policy), indent=2)
    except ValueError:
        return policy
