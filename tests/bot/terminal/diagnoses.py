"""Diagnoses made by hand: what a terminal has to show, without anything that looked for it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bot.terminal.report import Diagnosis
from checks.model import FailedPull, Finding, Leg, Symptom, Verdict, failed, passed, unknown
from handlers.decision import Offer
from handlers.remedy import ByHand, Diff, Plan, Risk, Step

HOST = "123456789012.dkr.ecr.us-west-2.amazonaws.com"
IMAGE = f"{HOST}/retail-sample-app-ui:1.2.1"
DENY = {
    "Sid": "new policy",
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["ecr:BatchGetImage", "ecr:PutImage"],
}
LIFTED = {**DENY, "Action": ["ecr:PutImage"]}


@dataclass(frozen=True)
class Rewrite(Step):
    """Something that has a text before and after; ``one_way`` if nobody can put it back."""

    before: str
    after: str
    one_way: bool = False

    def diff(self) -> Diff:
        return Diff("arn:aws:ecr:us-west-2:123456789012:repository/ui", self.before, self.after)

    def commands(self) -> tuple[str, ...]:
        return (f"aws ecr set-repository-policy --policy-text '{self.after}'",)

    def inverse(self) -> Rewrite | None:
        return None if self.one_way else Rewrite(self.after, self.before)


LIFT = Plan((Rewrite(json.dumps(DENY, indent=2), json.dumps(LIFTED, indent=2)),), caution="it may be meant")


def pull(
    *,
    image: str = IMAGE,
    message: str = "403 Forbidden",
    workload: str = "Deployment/ui-private",
    pods: tuple[str, ...] = ("ui-private-1",),
    nodes: tuple[str, ...] = ("ip-10-0-1-10",),
) -> FailedPull:
    return FailedPull(
        cluster="prod",
        namespace="shop",
        workload=workload,
        container="ui",
        pods=pods,
        nodes=nodes,
        host_kind="nodegroup/default",
        image=image,
        symptom=Symptom.FORBIDDEN,
        message=message,
    )


def finding(
    verdict: Verdict,
    check: str = "aws/repository_policy_allows_pull",
    title: str = "The repository policy allows the pull",
    leg: Leg = Leg.RIGHTS,
    *,
    explains: bool = False,
    subject: FailedPull | None = None,
) -> Finding:
    return Finding(check, title, leg, subject or pull(), verdict, explains)


DENIED = finding(
    failed("the statement 'new policy' denies eks-node the pull", ("Statement", "new policy")), explains=True
)
ALSO = finding(failed("tag 9 is gone", ("Tag", "9")), "registry/tag_exists", "The tag exists", Leg.EXISTENCE)
UNREAD = finding(
    unknown("ecr:DescribeImages was denied", ("Permission", "ecr:DescribeImages")),
    "aws/image_is_active",
    "The image is active",
    Leg.EXISTENCE,
)
FINE = finding(
    passed("it has one"), "aws/instance_has_role", "The node's instance has a role", Leg.CREDENTIALS
)


def offer(plan: Plan | None = LIFT, *, refused: str = "", risk: Risk = Risk.MEDIUM, title: str = "") -> Offer:
    return Offer(
        remedy="aws/lift_repository_deny",
        title=title or "Lift the Deny for this role's pulls",
        risk=risk,
        cures="aws/repository_policy_allows_pull",
        plan=plan,
        refused=refused,
    )


ADVICE = Offer(
    remedy="aws/lead_subnet_out",
    title="Lead the subnet out",
    risk=Risk.HIGH,
    cures="aws/subnet_routes_out",
    plan=None,
    refused="a person decides",
    by_hand=ByHand("a person decides", ("aws ec2 create-route --nat-gateway-id NAT_ID", "aws x"), "it costs"),
)
WHOLE = Diagnosis(pull(), (FINE, UNREAD, ALSO, DENIED), (offer(),))
