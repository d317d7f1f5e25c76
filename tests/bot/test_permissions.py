"""The printed policies: as small as the code, and large enough for it."""

from __future__ import annotations

import json

import pytest
import yaml

from bot import permissions
from bot.permissions_azure import azure_reads
from checks.graph import Catalog
from handlers.remedy import load_remedies


def test_reading_needs_no_action_that_writes() -> None:
    allow = [one for one in permissions.aws_reads()["Statement"] if one["Effect"] == "Allow"]
    actions = {action for one in allow for action in one["Action"]}
    assert "ecr:GetRepositoryPolicy" in actions
    # A manifest is only given by what also gives it to nodes; it changes nothing.
    named = {one.partition(":")[2] for one in actions - {"ecr:BatchGetImage"}}
    assert all(one.startswith(("Describe", "Get", "List")) for one in named)
    assert not actions & {"ecr:GetAuthorizationToken", "secretsmanager:GetSecretValue"}


def test_all_that_may_be_read_is_read_by_a_check_or_by_the_watch() -> None:
    catalog = Catalog.load()
    by_checks = {read for one in catalog.checks for read in permissions.reads_of(one, catalog)}
    allow = [one for one in permissions.aws_reads()["Statement"] if one["Effect"] == "Allow"]
    granted = {action for one in allow for action in one["Action"]} | set(azure_reads()["Actions"])
    assert granted - by_checks == {"ecs:ListClusters"}
    assert {one for one in by_checks if ": " not in one} <= granted


def test_what_a_check_reads_is_what_its_facts_read_and_those_that_these_need() -> None:
    catalog = Catalog.load()
    by_id = {one.id: permissions.reads_of(one, catalog) for one in catalog.checks}
    assert by_id["image/reference_is_valid"] == []
    assert "ec2:DescribeNetworkAcls" in by_id["aws/network_acl_lets_through"]
    assert "ec2:DescribeNetworkAcls" not in by_id["aws/subnet_routes_out"]
    assert "iam:GetRole" not in by_id["aws/subnet_routes_out"]
    assert "nodes: get" in by_id["aws/subnet_routes_out"]
    assert "pods: list" in by_id["kubernetes/image_was_pulled"]
    assert "Microsoft.Authorization/roleAssignments/read" in by_id["azure/identity_can_pull"]
    assert "Microsoft Graph: Application.Read.All" in by_id["azure/identity_can_pull"]


def test_ecr_is_limited_to_repositories_of_the_partition() -> None:
    statements = permissions.aws_reads("aws-cn")["Statement"]
    [ecr] = [one for one in statements if "ecr:DescribeImages" in one["Action"]]
    assert ecr["Resource"] == "arn:aws-cn:ecr:*:*:repository/*"


def test_attaching_is_limited_to_pull_policies() -> None:
    statements = permissions.aws_writes(["aws/attach_pull_policy"])["Statement"]
    [attach] = [one for one in statements if "iam:AttachRolePolicy" in one["Action"]]
    assert attach["Condition"] == {
        "ArnEquals": {
            "iam:PolicyARN": [
                "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly",
                "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
            ]
        }
    }
    assert not any("ecr:SetRepositoryPolicy" in one["Action"] for one in statements)


_PULLS = ("AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly")


@pytest.mark.parametrize(
    ("remedy", "policies"),
    [
        ("aws/attach_fargate_policy", {"AmazonEKSFargatePodExecutionRolePolicy"}),
        # On an instance of one's own the instance's role may be the one that pulls: both get a policy.
        ("aws/attach_execution_policy", {"service-role/AmazonECSTaskExecutionRolePolicy", *_PULLS}),
    ],
)
def test_each_role_of_aws_own_services_gets_its_own_policy_and_no_other(
    remedy: str, policies: set[str]
) -> None:
    statements = permissions.aws_writes([remedy], "aws-us-gov")["Statement"]
    attaching = [one for one in statements if "iam:AttachRolePolicy" in one["Action"]]
    assert all(one["Effect"] == "Allow" and list(one["Condition"]) == ["ArnEquals"] for one in attaching)
    allowed = [arn for one in attaching for arn in one["Condition"]["ArnEquals"]["iam:PolicyARN"]]
    assert set(allowed) == {f"arn:aws-us-gov:iam::aws:policy/{one}" for one in policies}


def test_only_one_remedy_may_change_whom_a_role_trusts() -> None:
    for remedy in load_remedies():
        if remedy.id.startswith("aws/"):
            written = permissions.aws_writes([remedy.id])["Statement"]
            may = {action for one in written if one["Effect"] == "Allow" for action in one["Action"]}
            assert ("iam:UpdateAssumeRolePolicy" in may) is (remedy.id == "aws/trust_fargate"), remedy.id


def test_reads_are_limited_to_what_they_are_about() -> None:
    scopes = {
        (action, one["Resource"])
        for one in permissions.aws_reads()["Statement"]
        if one["Effect"] == "Allow"
        for action in one["Action"]
    }
    assert {
        ("eks:DescribeFargateProfile", "arn:aws:eks:*:*:fargateprofile/*"),
        ("eks:DescribeCluster", "arn:aws:eks:*:*:cluster/*"),
        ("secretsmanager:DescribeSecret", "arn:aws:secretsmanager:*:*:secret:ecr-pullthroughcache/*"),
        ("ecr:GetRegistryPolicy", "*"),  # of these three IAM knows nothing narrower
        ("ecr:GetAccountSetting", "*"),
        ("ecr:DescribePullThroughCacheRules", "*"),
    } <= scopes


def test_a_write_role_may_not_widen_itself() -> None:
    [*_, never] = permissions.aws_writes(["aws/lift_repository_deny"])["Statement"]
    assert never["Effect"] == "Deny"
    assert {"iam:PutRolePolicy", "iam:PassRole", "ecr:PutRegistryPolicy"} <= set(never["Action"])


def writes_of(remedy: str) -> dict[str, list[tuple[str, dict[str, dict[str, list[str]]]]]]:
    """Where each action that changes something is allowed, and on which conditions."""
    found: dict[str, list[tuple[str, dict[str, dict[str, list[str]]]]]] = {}
    for one in permissions.aws_writes([remedy])["Statement"]:
        for action in one["Action"] if one["Effect"] == "Allow" else ():
            if not action.partition(":")[2].startswith(("Describe", "Get", "List")):
                where = one["Resource"].removeprefix("arn:aws:ec2:*:*:")
                found.setdefault(action, []).append((where, one.get("Condition", {})))
    return found


@pytest.mark.parametrize(
    ("remedy", "direction"),
    [("aws/open_security_group", "Egress"), ("aws/open_endpoint_security_group", "Ingress")],
)
def test_security_groups_are_opened_in_one_direction_only(remedy: str, direction: str) -> None:
    created = {"StringEquals": {"ec2:CreateAction": [f"AuthorizeSecurityGroup{direction}"]}}
    assert writes_of(remedy) == {
        f"ec2:AuthorizeSecurityGroup{direction}": [("security-group-rule/*", {}), ("security-group/*", {})],
        f"ec2:RevokeSecurityGroup{direction}": [("security-group/*", {})],
        "ec2:CreateTags": [("security-group-rule/*", created)],
    }


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        (
            "aws/open_network_acl",
            {
                "ec2:CreateNetworkAclEntry": [("network-acl/*", {})],
                "ec2:DeleteNetworkAclEntry": [("network-acl/*", {})],
            },
        ),
        ("aws/turn_on_vpc_dns", {"ec2:ModifyVpcAttribute": [("vpc/*", {})]}),
        (
            "aws/turn_on_private_dns",
            {"ec2:ModifyVpcAttribute": [("vpc/*", {})], "ec2:ModifyVpcEndpoint": [("vpc-endpoint/*", {})]},
        ),
        (
            "aws/add_s3_route",
            {"ec2:ModifyVpcEndpoint": [("route-table/*", {}), ("vpc-endpoint/*", {})]},
        ),
        ("aws/allow_layers_in_s3_endpoint", {"ec2:ModifyVpcEndpoint": [("vpc-endpoint/*", {})]}),
    ],
)
def test_a_remedy_may_change_one_kind_of_thing(remedy: str, expected: object) -> None:
    assert writes_of(remedy) == expected


def test_only_endpoints_for_pulls_are_made_and_only_those_are_deleted() -> None:
    writes = writes_of("aws/create_endpoints")
    assert writes["ec2:DeleteVpcEndpoints"] == [
        ("vpc-endpoint/*", {"StringEquals": {"aws:ResourceTag/pullbot": ["managed"]}})
    ]
    made = dict(writes["ec2:CreateVpcEndpoint"])
    condition = made.pop("vpc-endpoint/*")
    assert made == {"route-table/*": {}, "security-group/*": {}, "subnet/*": {}, "vpc/*": {}}
    services = condition["StringLike"]["ec2:VpceServiceName"]
    assert condition["StringEquals"] == {"aws:RequestTag/pullbot": ["managed"]}
    assert {one.removeprefix("cn.") for one in services} == {
        f"com.amazonaws.*.{one}" for one in ("ecr.api", "ecr.dkr", "s3", "sts")
    }


def test_every_remedy_declares_what_its_steps_do() -> None:
    for remedy in load_remedies():
        if remedy.id.startswith("aws/"):
            assert len(permissions.aws_writes([remedy.id])["Statement"]) > 1, remedy.id
        if remedy.id.startswith("kubernetes/"):
            assert permissions.kubernetes_writes([remedy.id])["rules"], remedy.id


def test_an_unknown_remedy_is_told_with_those_there_are() -> None:
    with pytest.raises(permissions.UnknownRemedy, match="aws/attach_pull_policy"):
        permissions.aws_writes(["aws/atach_pull_policy"])


def test_the_documents_are_ready_to_apply() -> None:
    assert json.loads(json.dumps(permissions.aws_reads()))["Version"] == "2012-10-17"
    role = yaml.safe_load(permissions.as_yaml(permissions.kubernetes_writes(["kubernetes/restart_workload"])))
    assert role["kind"] == "ClusterRole"
    assert role["rules"] == [
        {
            "apiGroups": ["apps"],
            "resources": ["daemonsets", "deployments", "statefulsets"],
            "verbs": ["get", "patch"],
        }
    ]


def test_the_runbook_gets_the_configured_role_and_no_other() -> None:
    role, other = "arn:aws:iam::123456789012:role/runbook", "arn:aws:iam::123456789012:role/second"
    statements = permissions.aws_writes(["aws/troubleshoot_task"], automation_roles=[role, role, other])[
        "Statement"
    ]
    passes = [one for one in statements if "iam:PassRole" in one["Action"]]
    assert [(one["Effect"], one.get("Resource")) for one in passes] == [
        ("Allow", role), ("Allow", other), ("Deny", None),
    ]  # fmt: skip
    assert all(
        one["Condition"] == {"StringEquals": {"iam:PassedToService": ["ssm.amazonaws.com"]}}
        for one in passes[:2]
    )
    assert passes[2]["NotResource"] == [role, other]
    [never] = [one for one in statements if one["Effect"] == "Deny" and one.get("Resource") == "*"]
    assert "iam:CreateRole" in never["Action"]
    named = {resource for resource, _ in writes_of("aws/troubleshoot_task")["ssm:StartAutomationExecution"]}
    assert named == {
        "arn:aws:ssm:*:*:automation-definition/AWSSupport-TroubleshootECSTaskFailedToStart:*",
        "arn:aws:ssm:*:*:automation-execution/*",
        "arn:aws:ssm:*:*:document/AWSSupport-TroubleshootECSTaskFailedToStart",
    }


def test_without_a_configured_role_its_place_is_shown() -> None:
    statements = permissions.aws_writes(["aws/troubleshoot_task"], "aws-us-gov")["Statement"]
    place = "arn:aws-us-gov:iam::ACCOUNT_ID:role/AUTOMATION_ROLE"
    assert statements[-1]["NotResource"] == [place]
    assert place in [one.get("Resource") for one in statements]


def test_nobody_else_may_pass_a_role_or_start_a_runbook() -> None:
    assert all(
        "iam:PassRole" in never["Action"] and never["Resource"] == "*"
        for remedy in load_remedies()
        if remedy.id.startswith("aws/") and not remedy.asks
        for never in permissions.aws_writes([remedy.id], automation_roles=["arn:aws:iam::1:role/r"])[
            "Statement"
        ][-1:]
    )
    reads = [
        action
        for one in permissions.aws_reads()["Statement"]
        if one["Effect"] == "Allow"
        for action in one["Action"]
    ]
    assert not [one for one in reads if one.startswith("ssm:")]
