"""``pullbot permissions``: documents that can be piped on, or one line that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has none
import pytest
import yaml

from bot.__main__ import main


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["permissions", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def allowed(policy: str) -> set[str]:
    statements = json.loads(policy)["Statement"]
    return {action for one in statements if one["Effect"] == "Allow" for action in one["Action"]}


def verbs(role: str) -> set[str]:
    made: dict[str, Any] = yaml.safe_load(role)
    kubernetes_validate.validate(made, "1.33", strict=True)
    return {verb for rule in made["rules"] for verb in rule["verbs"]}


@pytest.fixture
def config(tmp_path: Path) -> str:
    written = tmp_path / "pullbot.yaml"
    written.write_text("remedies: {enabled: [aws/lift_repository_deny]}\n")
    return str(written)


def test_looking_asks_for_nothing_that_writes(capsys: pytest.CaptureFixture[str]) -> None:
    actions = allowed(printed(capsys, "aws"))
    # Events are taken out of a queue, which is how it is read.
    actions -= {"sqs:DeleteMessage"}
    # ECR gives manifests by nothing else.
    actions -= {"ecr:BatchGetImage"}
    assert {one.partition(":")[2][:3] for one in actions} <= {"Des", "Get", "Lis", "Rec"}
    assert verbs(printed(capsys, "kubernetes")) == {"get", "list", "watch"}


@pytest.mark.parametrize(
    ("clusters", "queue"),
    [
        ("", "arn:aws:sqs:*:*:QUEUE_NAME"),
        (
            "clusters: [{name: shop, kind: ecs, region: eu-west-1, "
            "queue: 'https://sqs.eu-west-1.amazonaws.com/123456789012/pullbot'}]",
            "arn:aws:sqs:eu-west-1:123456789012:pullbot",
        ),
        ("clusters: [{name: shop, kind: ecs, region: eu-west-1}]", None),
    ],
    ids=["nothing is configured", "a queue is", "no queue is"],
)
def test_a_queue_of_events_is_read_and_no_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clusters: str, queue: str | None
) -> None:
    written = tmp_path / "pullbot.yaml"
    written.write_text(clusters)
    statements = json.loads(printed(capsys, "aws", "--config", str(written)))["Statement"]
    found = [one for one in statements if any(action.startswith("sqs:") for action in one["Action"])]
    assert [one["Resource"] for one in found] == ([queue] if queue else [])
    assert all(one["Action"] == ["sqs:DeleteMessage", "sqs:ReceiveMessage"] for one in found)


def test_secrets_are_asked_for_apart_and_only_to_be_read_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "secrets" not in printed(capsys, "kubernetes")
    role = yaml.safe_load(printed(capsys, "kubernetes", "--secrets"))
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]


def test_writing_asks_for_what_is_enabled(capsys: pytest.CaptureFixture[str], config: str) -> None:
    actions = allowed(printed(capsys, "aws", "--write", "--config", config))
    assert "ecr:SetRepositoryPolicy" in actions
    assert "iam:AttachRolePolicy" not in actions
    assert verbs(printed(capsys, "kubernetes", "--write")) == {"get", "patch"}


def test_a_remedy_asks_for_its_own_only(capsys: pytest.CaptureFixture[str], config: str) -> None:
    one = printed(capsys, "aws", "--remedy", "aws/attach_pull_policy", "--config", config)
    assert "iam:AttachRolePolicy" in allowed(one)
    assert "ecr:SetRepositoryPolicy" not in allowed(one)
    both = printed(
        capsys, "aws", "--remedy", "aws/attach_pull_policy", "--remedy", "aws/lift_repository_deny"
    )
    assert {"iam:AttachRolePolicy", "ecr:SetRepositoryPolicy"} <= allowed(both)
    restart = printed(capsys, "kubernetes", "--remedy", "kubernetes/restart_workload")
    assert verbs(restart) == {"get", "patch"}


def test_a_remedy_of_a_cloud_asks_nothing_of_the_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    role = yaml.safe_load(printed(capsys, "kubernetes", "--remedy", "aws/attach_pull_policy"))
    assert role["rules"] == []


def test_other_partitions_have_their_own_arns(capsys: pytest.CaptureFixture[str]) -> None:
    assert "arn:aws-us-gov:ecr:" in printed(capsys, "aws", "--partition", "aws-us-gov")
    assert "arn:aws:" not in printed(capsys, "aws", "--partition", "aws-us-gov")


@pytest.mark.parametrize("cloud", ["aws", "azure", "kubernetes"])
def test_a_remedy_that_there_is_none_of_is_one_line(cloud: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["permissions", cloud, "--remedy", "aws/atach_pull_policy"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "there is no remedy aws/atach_pull_policy" in err
    assert "aws/attach_pull_policy" in err


def test_a_cloud_that_it_does_not_know_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["permissions", "gcp"])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "gcp" in err


def test_the_role_of_the_runbook_is_the_configured_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    role = "arn:aws:iam::123456789012:role/runbook"
    written = tmp_path / "pullbot.yaml"
    written.write_text(
        f"clusters: [{{name: tasks, kind: ecs, region: us-west-2, aws: {{automation_role: '{role}'}}}}]\n"
        "remedies: {enabled: [aws/troubleshoot_task]}\n"
    )
    policy = printed(capsys, "aws", "--write", "--config", str(written))
    assert {"iam:PassRole", "ssm:StartAutomationExecution", "ssm:GetAutomationExecution"} <= allowed(policy)
    assert f'"Resource": "{role}"' in policy
    assert "ACCOUNT_ID" not in policy


def test_azure_is_given_roles_that_can_be_created_as_they_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    written = tmp_path / "pullbot.yaml"
    written.write_text(
        "clusters: [{name: shop, kind: aks, azure: {subscription: mine, resource_group: g, cluster: c}}]\n"
        "remedies: {enabled: [azure/attach_acr, aws/attach_pull_policy]}\n"
    )
    reading = json.loads(printed(capsys, "azure", "--config", str(written)))
    assert reading["AssignableScopes"] == ["/subscriptions/mine"]
    writing = json.loads(printed(capsys, "azure", "--write", "--config", str(written)))
    assert writing["Name"] == "pullbot attach_acr"
    assert json.loads(printed(capsys, "azure", "--remedy", "aws/attach_pull_policy")) == []
