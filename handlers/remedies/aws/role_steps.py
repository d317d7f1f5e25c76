"""What may be changed of the roles that Fargate and ECS pull with, each as a compare-and-swap.

IAM takes no precondition, so the comparison is made right before the write and a window of milliseconds
remains. Nothing in IAM limits what a trust policy may be changed into: whoever may change it can hand the
role to anybody. So that right belongs to no other step.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from typing import ClassVar

from checks.aws.facts import Grant
from handlers.remedies.aws.steps import (
    AttachRolePolicy,
    AwsWriter,
    ask_iam,
    attaching_grants,
    pretty_policy,
    role_name,
    same_policy,
    the_role,
)
from handlers.remedy import Diff, Standing, Step

FARGATE_POLICIES = ("AmazonEKSFargatePodExecutionRolePolicy",)
EXECUTION_POLICIES = ("service-role/AmazonECSTaskExecutionRolePolicy",)


@dataclass(frozen=True, slots=True)
class AttachFargatePolicy(AttachRolePolicy):
    """``AttachRolePolicy`` with a right to no other policy than that of Fargate."""

    grants: ClassVar[tuple[Grant, ...]] = attaching_grants(FARGATE_POLICIES)


@dataclass(frozen=True, slots=True)
class AttachExecutionPolicy(AttachRolePolicy):
    """``AttachRolePolicy`` with a right to no other policy than that of task execution roles."""

    grants: ClassVar[tuple[Grant, ...]] = attaching_grants(EXECUTION_POLICIES)


@dataclass(frozen=True, slots=True)
class SetTrustPolicy(Step):
    """Who may become a role. ``before`` and ``after`` are JSON; they are compared by meaning.

    ``region`` only says in which partition IAM is asked.
    """

    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(("iam:GetRole", "iam:UpdateAssumeRolePolicy"), "arn:{partition}:iam::*:role/*"),
    )

    role_arn: str
    before: str
    after: str
    region: str

    def diff(self) -> Diff:
        return Diff(self.role_arn, pretty_policy(self.before), pretty_policy(self.after))

    def commands(self) -> tuple[str, ...]:
        words = ["aws", "iam", "update-assume-role-policy", "--role-name", role_name(self.role_arn)]
        return (shlex.join([*words, "--policy-document", self.after]),)

    def inverse(self) -> SetTrustPolicy:
        return replace(self, before=self.after, after=self.before)

    async def look(self, aws: AwsWriter) -> Standing:
        document = (await the_role(self.role_arn, self.region, aws))["AssumeRolePolicyDocument"]
        now = document if isinstance(document, str) else json.dumps(document)
        if same_policy(now, self.before):
            return Standing.BEFORE
        return Standing.AFTER if same_policy(now, self.after) else Standing.ELSEWHERE

    async def write(self, aws: AwsWriter) -> SetTrustPolicy:
        await the_role(self.role_arn, self.region, aws)
        await ask_iam("update_assume_role_policy", self.role_arn, self.region, aws, PolicyDocument=self.after)
        return self
