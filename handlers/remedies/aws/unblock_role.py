"""What keeps a role from pulling though somebody gave it the right: a Deny, a boundary, the organization.

Each is a limit that somebody drew on purpose, and more rights for the role would not move it. So its owner is
told what is in the way, and how to look at it. A role that is gone is made again by who knows what it did.
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html)
"""

from __future__ import annotations

from checks.aws.denials import Accusation
from checks.aws.puller import Kind
from checks.aws.rights import ACTIONS, PullRights, Ruling, Says
from checks.aws.role_can_pull import role_can_pull
from checks.model import NotApplicable
from handlers.remedies.aws.attaching import PULLS
from handlers.remedies.aws.cli import aws
from handlers.remedies.aws.policy_edits import as_policy
from handlers.remedy import ByHand, by_hand

_FILE = "file://policy.json"
_MADE_FOR = {
    Kind.NODE: ("ec2.amazonaws.com", "AmazonEC2ContainerRegistryPullOnly"),
    Kind.FARGATE: ("eks-fargate-pods.amazonaws.com", "AmazonEKSFargatePodExecutionRolePolicy"),
    Kind.EXECUTION: ("ecs-tasks.amazonaws.com", "service-role/AmazonECSTaskExecutionRolePolicy"),
}


@by_hand("Lift what keeps the role from pulling", cures=role_can_pull)
def unblock_role(rights: PullRights, accusation: Accusation | None) -> ByHand:
    if not rights.role.exists:
        return _made_again(rights)
    better = rights.with_attached(PULLS)
    blocked = {action: better.of_role(action) for action in ACTIONS}
    blocked = {action: one for action, one in blocked.items() if one.says in (Says.DENIES, Says.NOTHING)}
    if blocked:
        first = next(iter(blocked.values()))
        mine = ", ".join(action for action, one in blocked.items() if one.policy == first.policy)
        return _in_policy(rights, first, mine)
    if accusation is not None and accusation.of_organization:
        return _in_organization(rights, accusation)
    raise NotApplicable(f"nothing keeps {rights.puller.role_name} from pulling but that nothing allows it")


def _in_policy(rights: PullRights, blocker: Ruling, actions: str) -> ByHand:
    name, policy = rights.puller.role_name, blocker.policy or "POLICY_ARN"
    of_it = ("--policy-arn", policy)
    statement = f"its statement {blocker.sid!r}" if blocker.sid else "its Deny"
    if blocker.layer == "permissions boundary":
        lets = f"{statement} spares" if blocker.says is Says.DENIES else "it allows"
        words = (
            f"Who answers for the permissions boundary {policy} decides whether {lets} {actions} for {name}"
        )
    elif not policy.startswith("arn:"):
        inline = ("--role-name", name, "--policy-name", policy)
        return ByHand(
            f"Who answers for {name} decides whether {statement} in the inline policy spares {actions}",
            (
                aws("iam", "get-role-policy", "", *inline),
                aws("iam", "put-role-policy", "", *inline, "--policy-document", _FILE),
            ),
        )
    elif ":iam::aws:" in policy:
        return ByHand(
            f"Who answers for {name} decides whether it keeps {policy}, which denies it {actions}",
            (aws("iam", "detach-role-policy", "", "--role-name", name, *of_it),),
        )
    else:
        words = f"Who answers for the policy {policy} decides whether {statement} spares {actions} for {name}"
    return ByHand(
        words,
        (
            aws("iam", "get-policy", "", *of_it, "--query", "Policy.DefaultVersionId"),
            aws("iam", "get-policy-version", "", *of_it, "--version-id", "VERSION_ID"),
            aws("iam", "create-policy-version", "", *of_it, "--policy-document", _FILE, "--set-as-default"),
        ),
        "it is for everybody who has this policy; only five versions are kept",
    )


def _in_organization(rights: PullRights, accusation: Accusation) -> ByHand:
    """The policies of an account and of all units above it apply; each may be the one."""
    target, kind = rights.puller.account, "SERVICE_CONTROL_POLICY"
    if accusation.layer == "resource control policy":
        target, kind = rights.repository.address.account, "RESOURCE_CONTROL_POLICY"
    wanted = ("--target-id", target, "--filter", kind)
    return ByHand(
        f"Who administers the organization of account {target} decides whether a {accusation.layer} of the "
        f"account, or of a unit above it, spares {accusation.action} for {rights.puller.role_name}",
        (
            aws("organizations", "list-policies-for-target", "", *wanted),
            aws("organizations", "list-parents", "", "--child-id", target),
            aws("organizations", "describe-policy", "", "--policy-id", "POLICY_ID"),
            aws("organizations", "update-policy", "", "--policy-id", "POLICY_ID", "--content", _FILE),
        ),
        "it is for every account that the policy is attached to",
    )


def _made_again(rights: PullRights) -> ByHand:
    arn, name = rights.principal_arn, rights.puller.role_name
    path = arn.partition(":role")[2].removesuffix(name)
    service, policy = _MADE_FOR[rights.puller.kind]
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    role = ("--role-name", name)
    in_path = ("--path", path) if path != "/" else ()
    return ByHand(
        f"Who answers for account {rights.puller.account} makes the role {name} again",
        (
            aws(
                "iam",
                "create-role",
                "",
                *role,
                *in_path,
                "--assume-role-policy-document",
                as_policy(statement),
            ),
            aws("iam", "attach-role-policy", "", *role, "--policy-arn", rights.managed_policy(policy)),
        ),
        "what else it was for is not known here, and policies that name the old one by its id do not match",
    )
