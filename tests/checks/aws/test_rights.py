"""Who may pull: every way in which policies allow, deny, are silent, or cannot be judged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from checks.aws.denials import Accusation, accusation
from checks.aws.ecr import RepositoryPolicy
from checks.aws.facts import EcrAddress
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.instance_has_role import instance_has_role
from checks.aws.nodes import InstanceId, InstanceProfile, Nodegroup
from checks.aws.puller import Puller
from checks.aws.repository_policy_allows_pull import repository_policy_allows_pull
from checks.aws.repository_policy_names_roles import repository_policy_names_roles
from checks.aws.rights import ACTIONS, PullRights
from checks.aws.role_can_pull import role_can_pull
from checks.model import FailedPull, NotApplicable, Since, Status, Symptom, Verdict
from tests.fakes.aws_account import ACCOUNT, PULL, policy

OWNER = "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/eks-node"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/eks-node/i-0abc"
APP = EcrAddress(ACCOUNT, "us-west-2", "aws", "app")
THEIRS = EcrAddress(OWNER, "us-west-2", "aws", "app")
PULLER = Puller(ROLE, "us-west-2", "i-0abc", "i-0abc has the instance profile eks-node")
ON_APP = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def own(*documents: Any, **changes: Any) -> RolePolicies:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in documents]
    policies = tuple(PolicyText(f"p{number}", text) for number, text in enumerate(texts))
    return replace(RolePolicies(True, ROLE, "AROAMINE", (), policies), **changes)


def rights(
    role: RolePolicies | None = None,
    repository: str | None = None,
    address: EcrAddress = APP,
    unread: str = "",
    puller: Puller = PULLER,
) -> PullRights:
    return PullRights(puller, role or own(PULL), RepositoryPolicy(address, repository, unread))


def statement(effect: str, actions: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": actions, "Resource": resource, **more}


def on_repository(effect: str, principal: Any, actions: Any = None, **more: Any) -> dict[str, Any]:
    return {"Sid": "it", "Effect": effect, "Principal": principal, "Action": actions or ON_APP, **more}


def words(layer: str, action: str = "ecr:BatchGetImage", *, explicit: bool = False) -> Accusation:
    return Accusation(SESSION, action, APP.arn, layer, explicit)


def role_verdict(it: PullRights, said: Accusation | None = None, since: Since | None = None) -> Verdict:
    return role_can_pull.fn(it, said, since)


def repository_verdict(it: PullRights, said: Accusation | None = None, since: Since | None = None) -> Verdict:
    return repository_policy_allows_pull.fn(it, said, since)


TOKEN = statement("Allow", "ecr:GetAuthorizationToken")


@pytest.mark.parametrize(
    "document",
    [
        PULL,
        {"Statement": statement("Allow", "*")},
        {"Statement": statement("Allow", "ecr:*")},
        {"Statement": [TOKEN, statement("Allow", ["ECR:batchget*", "ecr:GetDownloadUrlFor?ayer"], APP.arn)]},
        {"Statement": {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}},
        {"Statement": [TOKEN, statement("Allow", "ecr:*", "arn:aws:ecr:*:*:repository/a*")]},
        {"Statement": [TOKEN, {"Effect": "Allow", "Action": "ecr:*", "NotResource": "arn:aws:s3:::x"}]},
        {"Statement": statement("Allow", "*", Condition={"Bool": {"aws:SecureTransport": "true"}})},
    ],
)
def test_policies_that_let_the_role_pull(document: Any) -> None:
    verdict = role_verdict(rights(own(document)))
    assert verdict.status is Status.PASS
    assert dict(verdict.evidence)["Principal"] == ROLE


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        ({"Statement": []}, list(ACTIONS)),
        ({"Statement": TOKEN}, ON_APP),
        ({"Statement": [TOKEN, statement("Allow", "ecr:BatchGetImage")]}, ["ecr:GetDownloadUrlForLayer"]),
        ({"Statement": statement("Allow", "ecr:*", APP.arn)}, ["ecr:GetAuthorizationToken"]),
        ({"Statement": [TOKEN, statement("Allow", "ecr:*", APP.arn.replace("aws", "aws-cn"))]}, ON_APP),
        ({"Statement": [TOKEN, statement("Allow", "ecr:*", APP.arn.replace("app", "other"))]}, ON_APP),
        (
            {"Statement": [statement("Allow", "*"), statement("Deny", "ecr:BatchGetImage")]},
            ["ecr:BatchGetImage"],
        ),
    ],
)
def test_policies_that_do_not(document: Any, missing: list[str]) -> None:
    verdict = role_verdict(rights(own(document)))
    assert verdict.status is Status.FAIL
    assert dict(verdict.evidence)["Missing actions"] == ", ".join(missing)
    assert verdict.about == ROLE


def test_a_push_side_action_is_not_needed() -> None:
    document = {"Statement": [statement("Allow", "*"), statement("Deny", "ecr:BatchCheckLayerAvailability")]}
    assert role_verdict(rights(own(document))).status is Status.PASS


def test_a_boundary_that_leaves_the_pull_out_is_named() -> None:
    edge = PolicyText("arn:aws:iam::1:policy/edge", json.dumps({"Statement": TOKEN}))
    verdict = role_verdict(rights(own(PULL, boundary=edge)))
    assert verdict.status is Status.FAIL
    assert ("Layer", "permissions boundary") in verdict.evidence


def test_a_deleted_role_cannot_pull() -> None:
    verdict = role_verdict(rights(RolePolicies(exists=False)))
    assert verdict.status is Status.FAIL
    assert "does not exist" in verdict.summary


@pytest.mark.parametrize("document", [PULL, {"Statement": TOKEN}, {"Statement": []}])
def test_a_policy_that_was_not_read_may_hold_anything(document: Any) -> None:
    """A Deny beats the Allows that are known; an Allow may be the one that is missed."""
    verdict = role_verdict(rights(own(document, unread=("p9: AWS denies iam:GetPolicyVersion",))))
    assert verdict.status is Status.UNKNOWN
    assert "iam:GetPolicyVersion" in verdict.summary


def test_a_deny_that_is_known_decides_whatever_was_not_read() -> None:
    denied = own({"Statement": statement("Deny", "ecr:*")}, unread=("p9 is hidden",))
    assert role_verdict(rights(denied)).status is Status.FAIL


def test_an_unread_boundary_leaves_it_open() -> None:
    verdict = role_verdict(rights(own(PULL, boundary_unread=("iam:GetRole is denied",))))
    assert verdict.status is Status.UNKNOWN
    assert "iam:GetRole" in verdict.summary


@pytest.mark.parametrize("text", ["{", "[]", '{"Statement": [1]}', '{"Statement": {"Effect": "Maybe"}}'])
def test_a_policy_that_cannot_be_understood_is_unknown(text: str) -> None:
    assert role_verdict(rights(own(text))).status is Status.UNKNOWN
    verdict = repository_verdict(rights(repository=text))
    assert verdict.status is Status.UNKNOWN
    assert "cannot be understood" in verdict.summary


def test_a_condition_that_cannot_be_judged_is_unknown_only_where_it_matters() -> None:
    unsure = statement("Allow", "*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    assert role_verdict(rights(own({"Statement": unsure}))).status is Status.UNKNOWN
    assert role_verdict(rights(own(PULL, {"Statement": unsure}))).status is Status.PASS
    deny = {**unsure, "Effect": "Deny"}
    assert role_verdict(rights(own(PULL, {"Statement": deny}))).status is Status.UNKNOWN


def test_in_its_account_the_repository_may_grant_the_pull_but_not_the_token() -> None:
    granted = policy(on_repository("Allow", {"AWS": ROLE}))
    assert role_verdict(rights(own({"Statement": TOKEN}), granted)).status is Status.PASS
    verdict = role_verdict(rights(own({"Statement": []}), granted))
    assert dict(verdict.evidence)["Missing actions"] == "ecr:GetAuthorizationToken"
    delegated = policy(on_repository("Allow", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    assert role_verdict(rights(own({"Statement": TOKEN}), delegated)).status is Status.FAIL


def test_in_its_account_no_policy_is_fine() -> None:
    assert repository_verdict(rights()).status is Status.PASS
    unrelated = policy(on_repository("Allow", {"AWS": f"arn:aws:iam::{ACCOUNT}:role/ci"}))
    assert repository_verdict(rights(repository=unrelated)).status is Status.PASS


@pytest.mark.parametrize(
    "deny",
    [
        on_repository("Deny", {"AWS": ROLE}),
        on_repository("Deny", {"AWS": [SESSION]}),
        on_repository("Deny", {"AWS": "AROAMINE"}),
        on_repository("Deny", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        on_repository("Deny", {"AWS": ACCOUNT}),
        on_repository("Deny", "*"),
        on_repository("Deny", "*", "ecr:*"),
        on_repository("Deny", "*", ["ecr:GetDownloadUrlForLayer"]),
        {"Sid": "it", "Effect": "Deny", "NotPrincipal": {"AWS": f"{ROLE}2"}, "Action": "ecr:*"},
        {"Sid": "it", "Effect": "Deny", "Principal": "*", "NotAction": "ecr:PutImage"},
        on_repository("Deny", "*", Condition={"ArnNotEquals": {"aws:PrincipalArn": f"{ROLE}2"}}),
        on_repository("Deny", "*", Condition={"StringLike": {"aws:userid": "AROAMINE:*"}}),
        on_repository("Deny", "*", Condition={"StringNotEquals": {"aws:PrincipalAccount": OWNER}}),
        on_repository("Deny", "*", Condition={"Null": {"aws:username": "true"}}),
    ],
)
def test_a_deny_that_matches_stops_the_pull_whatever_allows_it(deny: dict[str, Any]) -> None:
    it = rights(own({"Statement": statement("Allow", "*")}), policy(on_repository("Allow", "*"), deny))
    verdict = repository_verdict(it)
    assert verdict.status is Status.FAIL
    assert dict(verdict.evidence)["Statement"] == "it"
    assert verdict.about == APP.arn
    assert role_verdict(it).status is Status.PASS


@pytest.mark.parametrize(
    "deny",
    [
        on_repository("Deny", {"AWS": f"arn:aws:iam::{ACCOUNT}:role/eks-node"}),
        on_repository("Deny", {"AWS": SESSION.replace("i-0abc", "i-0def")}),
        on_repository("Deny", {"AWS": "AROAOTHER"}),
        on_repository("Deny", {"AWS": OWNER}),
        on_repository("Deny", {"Service": "codebuild.amazonaws.com"}),
        on_repository("Deny", "*", ["ecr:PutImage", "ecr:BatchCheckLayerAvailability"]),
        {"Effect": "Deny", "NotPrincipal": {"AWS": [ROLE, SESSION, ACCOUNT]}, "Action": "ecr:*"},
        {"Effect": "Deny", "Principal": "*", "NotAction": "ecr:*"},
        on_repository("Deny", "*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        on_repository(
            "Deny", "*", Condition={"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/team/*"}}
        ),
        on_repository("Deny", "*", Condition={"StringEquals": {"aws:PrincipalAccount": OWNER}}),
    ],
)
def test_a_deny_that_does_not_match_stops_nothing(deny: dict[str, Any]) -> None:
    assert repository_verdict(rights(repository=policy(deny))).status is Status.PASS


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
        {"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "x"}},
        {"ArnLike": {"aws:PrincipalArn": "*eks-node"}},
        {"StringNotEquals": {"aws:PrincipalArn": "${aws:username}"}},
        {"StringEquals": {"aws:PrincipalArn": "${aws:SourceIdentity}"}},
    ],
)
def test_a_deny_that_cannot_be_judged_is_unknown(condition: Any) -> None:
    verdict = repository_verdict(rights(repository=policy(on_repository("Deny", "*", Condition=condition))))
    assert verdict.status is Status.UNKNOWN


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": ROLE},
        {"AWS": SESSION},
        {"AWS": ACCOUNT},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "*",
    ],
)
def test_another_account_lets_the_role_in(principal: Any) -> None:
    it = rights(repository=policy(on_repository("Allow", principal)), address=THEIRS)
    assert repository_verdict(it).status is Status.PASS


@pytest.mark.parametrize(
    "text", [None, policy(), policy(on_repository("Allow", {"AWS": OWNER}))], ids=["none", "empty", "others"]
)
def test_another_account_that_does_not_is_at_fault(text: str | None) -> None:
    verdict = repository_verdict(rights(repository=text, address=THEIRS))
    assert verdict.status is Status.FAIL
    assert OWNER in verdict.summary
    assert dict(verdict.evidence)["Missing actions"] == ", ".join(ON_APP)


def test_another_account_grants_nothing_to_a_role_that_may_not_ask() -> None:
    granted = policy(on_repository("Allow", {"AWS": ROLE}))
    it = rights(own({"Statement": TOKEN}), granted, THEIRS)
    assert role_verdict(it).status is Status.FAIL
    assert repository_verdict(it).status is Status.PASS


def test_a_policy_that_may_not_be_read_is_neither_good_nor_bad() -> None:
    verdict = repository_verdict(rights(unread="AWS denies it", address=THEIRS))
    assert verdict.status is Status.UNKNOWN
    assert "AWS denies it" in verdict.summary


def test_the_registrys_words_convict_what_could_not_be_read() -> None:
    hidden = rights(unread="AWS denies it", address=THEIRS)
    verdict = repository_verdict(hidden, words("resource-based policy"))
    assert verdict.status is Status.FAIL
    assert dict(verdict.evidence)["The registry says"] == "no Allow in a resource-based policy"
    assert repository_verdict(hidden, words("identity-based policy")).status is Status.UNKNOWN
    dark = rights(own(unread=("iam is hidden",)))
    assert role_verdict(dark, words("identity-based policy")).status is Status.FAIL
    assert role_verdict(dark, words("permissions boundary", explicit=True)).status is Status.FAIL
    assert role_verdict(dark, words("resource-based policy")).status is Status.UNKNOWN


@pytest.mark.parametrize("kind", ["service control policy", "resource control policy"])
def test_only_the_registry_can_tell_what_the_organization_denies(kind: str) -> None:
    said = words(kind, explicit=True)
    for it in (rights(own(PULL)), rights(own(unread=("iam is hidden",)))):
        verdict = role_verdict(it, said)
        assert verdict.status is Status.FAIL
        assert verdict.explains is None
        assert f"an explicit Deny in a {kind} of the organization" in verdict.summary
    only_told = rights(own(PULL))
    only_told = replace(only_told, puller=replace(only_told.puller, hearsay=True))
    assert role_verdict(only_told, said).status is Status.UNKNOWN
    assert repository_verdict(rights(own(PULL)), said).status is Status.PASS


@pytest.mark.parametrize(
    ("layer", "explicit", "words_told"),
    [
        ("identity-based policy", False, "no Allow in an identity-based policy"),
        ("session policy", True, "an explicit Deny in a session policy"),
        ("permissions boundary", True, "an explicit Deny in a permissions boundary"),
    ],
)
def test_a_role_that_may_pull_as_we_read_it_does_not_pass_against_the_registry(
    layer: str, explicit: bool, words_told: str
) -> None:
    verdict = role_verdict(rights(), words(layer, explicit=explicit))
    assert verdict.status is Status.UNKNOWN
    assert "may pull" in verdict.summary
    assert words_told in verdict.summary


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("text", [None, policy(on_repository("Allow", "*"))])
def test_a_repository_that_is_in_nobodys_way_does_not_pass_against_the_registry(
    text: str | None, explicit: bool
) -> None:
    verdict = repository_verdict(rights(repository=text), words("resource-based policy", explicit=explicit))
    assert verdict.status is Status.UNKNOWN
    assert "does not stand in the way" in verdict.summary
    assert "in a resource-based policy" in verdict.summary


def test_the_registrys_words_on_another_action_or_another_side_contradict_nothing() -> None:
    assert role_verdict(rights(), words("resource-based policy")).status is Status.PASS
    assert repository_verdict(rights(), words("identity-based policy")).status is Status.PASS
    fills = words("identity-based policy", "ecr:CreateRepository")
    assert role_verdict(rights(), fills).status is Status.PASS
    assert repository_verdict(rights(), words("resource-based policy", "ecr:PutImage")).status is Status.PASS


def test_the_registrys_words_do_not_outlive_a_fix() -> None:
    """The message stays what it was until the next pull; once we put the policies right, they count."""
    fixed = Since("2026-01-01T03:00:00Z")
    assert role_verdict(rights(), words("identity-based policy"), fixed).status is Status.PASS
    said = words("resource-based policy", explicit=True)
    assert repository_verdict(rights(), said, fixed).status is Status.PASS


def test_an_implicit_denial_knows_of_no_deny() -> None:
    it = rights(repository=policy(on_repository("Deny", "*", ["ecr:BatchGetImage"])))
    assert repository_verdict(it, words("identity-based policy")).status is Status.UNKNOWN
    assert repository_verdict(it, words("identity-based policy", "ecr:PutImage")).status is Status.FAIL
    denied = rights(own(PULL, {"Statement": statement("Deny", "ecr:BatchGetImage")}))
    assert role_verdict(denied, words("resource-based policy")).status is Status.UNKNOWN


def test_a_role_whose_path_is_not_known_is_not_compared() -> None:
    bare = replace(PULLER, role_arn=ROLE.replace("/team", ""), path_known=False)
    hidden = own(arn="", id="", boundary_unread=("iam:GetRole is denied",), attached=None)
    it = rights(hidden, policy(on_repository("Deny", {"AWS": ROLE})), puller=bare)
    verdict = repository_verdict(it)
    assert verdict.status is Status.UNKNOWN
    assert "iam:GetRole" in verdict.summary


def named_roles(it: PullRights) -> Verdict:
    return repository_policy_names_roles.fn(it)


def test_a_principal_that_cannot_match_is_at_fault_if_it_would_help_put_right() -> None:
    profile = f"arn:aws:iam::{ACCOUNT}:instance-profile/eks-node"
    wrong = policy(on_repository("Allow", {"AWS": profile}))
    verdict = named_roles(rights(repository=wrong, address=THEIRS))
    assert verdict.status is Status.FAIL
    assert dict(verdict.evidence)["Principal that would match"] == ROLE
    assert named_roles(rights(repository=wrong)).status is Status.PASS  # nothing depends on it
    both = policy(on_repository("Allow", {"AWS": [profile, ROLE]}))
    assert named_roles(rights(repository=both, address=THEIRS)).status is Status.PASS
    other = policy(on_repository("Allow", {"AWS": profile}, ["ecr:PutImage"]))
    assert named_roles(rights(repository=other, address=THEIRS)).status is Status.PASS


def test_principals_are_not_judged_for_a_role_that_the_message_does_not_name() -> None:
    profile = ROLE.replace(":role/team/", ":instance-profile/")
    it = rights(repository=policy(on_repository("Allow", {"AWS": profile})), address=THEIRS)
    assert named_roles(it).status is Status.FAIL
    verdict = named_roles(replace(it, puller=replace(it.puller, rival=f"arn:aws:iam::{OWNER}:role/other")))
    assert verdict.status is Status.UNKNOWN
    assert "role/other was denied" in verdict.summary


def test_principals_are_not_judged_where_there_are_none_or_they_are_hidden() -> None:
    with pytest.raises(NotApplicable):
        named_roles(rights())
    assert named_roles(rights(unread="AWS denies it")).status is Status.UNKNOWN
    assert named_roles(rights(repository="{")).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("end", "layer", "explicit"),
    [
        (" because no identity-based policy allows the ecr:X action", "identity-based policy", False),
        (" because no resource-based policy allows the ecr:X action", "resource-based policy", False),
        (" because no permissions boundary allows the ecr:X action", "permissions boundary", False),
        (" because no VPC endpoint policy allows the ecr:X action", "vpc endpoint policy", False),
        (" with an explicit deny in a resource-based policy", "resource-based policy", True),
        (
            " with an explicit deny in an identity-based policy: arn:aws:iam::1:p",
            "identity-based policy",
            True,
        ),
        (" with an explicit deny in a service control policy", "service control policy", True),
        (" with an explicit deny in a permissions boundary", "permissions boundary", True),
        ("", "", False),
        (" for some reason", "", False),
    ],
)
def test_a_denials_words(end: str, layer: str, explicit: bool) -> None:
    message = f"denied: User: {SESSION} is not authorized to perform: ecr:X on resource: {APP.arn}{end}"
    said: Accusation = accusation.fn(failing(message))
    assert said == Accusation(SESSION, "ecr:X", APP.arn, layer, explicit)


def test_other_words_accuse_nobody() -> None:
    with pytest.raises(NotApplicable):
        accusation.fn(failing("403 Forbidden"))


def failing(message: str) -> FailedPull:
    return FailedPull(
        cluster="demo",
        namespace="default",
        workload="Deployment/ui",
        container="ui",
        pods=("ui-1",),
        nodes=("n",),
        host_kind="node",
        image="r/app:1",
        symptom=Symptom.FORBIDDEN,
        message=message,
    )


@pytest.mark.parametrize(
    ("profile", "status", "says"),
    [
        (InstanceProfile("arn:p/x", True, ROLE), Status.PASS, "has a role"),
        (InstanceProfile("", False, ""), Status.FAIL, "no instance profile"),
        (InstanceProfile("arn:p/x", True, ""), Status.FAIL, "holds no role"),
        (InstanceProfile("arn:p/x", False, ""), Status.FAIL, "does not exist any more"),
        (InstanceProfile("arn:p/x", True, "", unread="AWS denies it"), Status.UNKNOWN, "AWS denies it"),
    ],
)
def test_an_instance_and_its_role(profile: InstanceProfile, status: Status, says: str) -> None:
    group = Nodegroup("demo", "us-west-2", "default", ROLE, "AL2023", ())
    verdict = instance_has_role.fn(InstanceId("us-west-2", "us-west-2a", "i-0abc"), profile, APP, group, None)
    assert verdict.status is status
    assert says in verdict.summary
