"""The printed policies: as small as the code, and large enough for it."""

from __future__ import annotations

import json

import pytest
import yaml

from bot import permissions
from handlers.remedy import load_remedies


def test_reading_needs_no_action_that_writes() -> None:
    allow = [one for one in permissions.aws_reads()["Statement"] if one["Effect"] == "Allow"]
    actions = {action for one in allow for action in one["Action"]}
    assert "ecr:GetRepositoryPolicy" in actions
    assert all(one.partition(":")[2].startswith(("Describe", "Get", "List")) for one in actions)
    assert not actions & {"ecr:GetAuthorizationToken", "secretsmanager:GetSecretValue"}


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


def test_a_write_role_may_not_widen_itself() -> None:
    [*_, never] = permissions.aws_writes(["aws/lift_repository_deny"])["Statement"]
    assert never["Effect"] == "Deny"
    assert {"iam:PutRolePolicy", "iam:PassRole", "ecr:PutRegistryPolicy"} <= set(never["Action"])


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
