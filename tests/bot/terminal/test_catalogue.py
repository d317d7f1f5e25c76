"""``pullbot checks`` and ``pullbot remedies``: the code, as a list."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bot.__main__ import main
from checks.graph import Catalog
from checks.model import Leg, Symptom
from handlers.remedy import load_advice, load_remedies


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def listed(capsys: pytest.CaptureFixture[str], command: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(printed(capsys, command, "-o", "json"))
    return entries


def test_checks_are_all_there_with_what_they_explain(capsys: pytest.CaptureFixture[str]) -> None:
    entries = listed(capsys, "checks")
    assert [entry["id"] for entry in entries] == [one.id for one in Catalog.load().checks]
    assert all(list(entry) == ["id", "title", "station", "explains", "remedies"] for entry in entries)
    assert {name for entry in entries for name in entry["explains"]} <= {one.value for one in Symptom}
    assert {entry["station"] for entry in entries} <= {leg.name.lower() for leg in Leg}
    (denied,) = [entry for entry in entries if entry["id"] == "aws/repository_policy_allows_pull"]
    assert "forbidden" in denied["explains"]
    assert "aws/lift_repository_deny" in denied["remedies"]


def test_remedies_are_all_there_with_their_risk(capsys: pytest.CaptureFixture[str]) -> None:
    entries = listed(capsys, "remedies")
    ids = [one.id for one in load_remedies()] + [one.id for one in load_advice()]
    assert [entry["id"] for entry in entries] == ids
    by_id = {entry["id"]: entry for entry in entries}
    assert by_id["aws/attach_pull_policy"] == {
        "id": "aws/attach_pull_policy",
        "title": "Attach a pull policy to the role",
        "cures": "aws/role_can_pull",
        "risk": "low",
        "enabled_by_default": True,
    }
    assert by_id["kubernetes/restart_workload"]["cures"] is None
    assert by_id["aws/lift_repository_deny"]["enabled_by_default"] is False


def test_advice_is_listed_as_what_is_never_carried_out(capsys: pytest.CaptureFixture[str]) -> None:
    by_id = {entry["id"]: entry for entry in listed(capsys, "remedies")}
    assert by_id["aws/replace_nat_gateway"] == {
        "id": "aws/replace_nat_gateway",
        "title": "Make a NAT gateway that works",
        "cures": "aws/nat_gateway_works",
        "risk": "high",
        "enabled_by_default": False,
        "executed": "never; it is only explained",
    }
    assert all("executed" not in by_id[one.id] for one in load_remedies())
    [cured] = [one for one in listed(capsys, "checks") if one["id"] == "aws/nat_gateway_works"]
    assert cured["remedies"] == ["aws/replace_nat_gateway"]


def parts(page: str) -> list[str]:
    """The tables of checks, of what they read, of remedies and of advice."""
    return page.split("\n## ")[1:]


def rows_of(part: str) -> list[str]:
    return re.findall(r"^\| `.*$", part, re.MULTILINE)


def named(part: str) -> list[str]:
    return [row.split("`")[1] for row in rows_of(part)]


@pytest.mark.parametrize("command", ["checks", "remedies"])
def test_the_text_names_what_the_json_names(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, command)
    assert re.findall(r"^(\w+/\w+)$", text, re.MULTILINE) == [one["id"] for one in listed(capsys, command)]
    assert "None" not in text
    assert "[]" not in text


def test_the_page_has_a_row_for_each_and_what_to_grant(capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, "checks", "-o", "markdown")
    checks, _, remedies, advice = parts(page)
    assert sorted(named(checks)) == [one.id for one in Catalog.load().checks]
    assert sorted(named(remedies)) == [one.id for one in load_remedies()]
    assert sorted(named(advice)) == [one.id for one in load_advice()]
    widths = [{line.count(" | ") for line in part.splitlines() if line[:1] == "|"} for part in parts(page)]
    assert widths == [{5}, {1}, {5}, {2}]
    for row in re.findall(r"^\| `.*$", page, re.MULTILINE):
        last = row.rstrip(" |").rpartition(" | ")[2].split("`, `")
        assert len(last) == len(set(last)), row
    (attach,) = re.findall(r"^\| `aws/attach_pull_policy`.*$", page, re.MULTILINE)
    assert "`iam:AttachRolePolicy`" in attach
    (restart,) = re.findall(r"^\| `kubernetes/restart_workload`.*$", page, re.MULTILINE)
    assert "`deployments: get, patch`" in restart


def test_the_page_leads_to_the_vendors_pages(capsys: pytest.CaptureFixture[str]) -> None:
    checks, *_ = parts(printed(capsys, "checks", "-o", "markdown"))
    last = {row.split("`")[1]: row.rstrip(" |").rpartition(" | ")[2] for row in rows_of(checks)}
    for one in Catalog.load().checks:
        assert last[one.id] == (f"[{one.page.split('/')[2]}]({one.page})" if one.page else "-")
    assert last["aws/fargate_role_is_trusted"] == (
        "[docs.aws.amazon.com](https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html)"
    )


def test_the_page_tells_what_each_check_reads(capsys: pytest.CaptureFixture[str]) -> None:
    _, reads, *_ = parts(printed(capsys, "checks", "-o", "markdown"))
    told: dict[str, str] = {}
    for row in rows_of(reads):
        ids, _, granted = row.partition(" | ")
        told |= dict.fromkeys(re.findall(r"`(\w+/\w+)`", ids), granted.rstrip(" |"))
    assert told["aws/image_is_active"] == (
        "`ecr:DescribeImages`, `ecr:DescribeRepositories`, `ecr:GetRepositoryPolicy`, `ecr:ListImages`"
    )
    assert told["kubernetes/image_was_pulled"] == "`events: list`, `nodes: get`, `pods: list`"
    assert "image/reference_is_valid" not in told


def test_checks_are_in_the_order_in_which_a_pull_meets_them(capsys: pytest.CaptureFixture[str]) -> None:
    checks, *_ = parts(printed(capsys, "checks", "-o", "markdown"))
    stations = [row.split(" | ")[2] for row in rows_of(checks)]
    assert stations == sorted(stations, key=lambda one: Leg[one.upper()])
