"""The form for programs: exactly these keys, in this order, of these types."""

from __future__ import annotations

import json
from typing import Any

from bot.terminal.report import Diagnosis, Effort, as_json
from checks.model import Status
from handlers.remedy import Plan
from tests.bot.terminal.diagnoses import (
    ADVICE,
    ALSO,
    DENIED,
    FINE,
    IMAGE,
    UNREAD,
    WHOLE,
    Rewrite,
    offer,
    pull,
)

EFFORT = Effort({"aws": 11, "azure": 0, "kubernetes": 3, "registry": 0}, 0.8437)


def objects(*diagnoses: Diagnosis) -> list[dict[str, Any]]:
    parsed = json.loads(as_json(diagnoses, EFFORT))
    assert isinstance(parsed, list)
    return parsed


def test_the_whole_object_is_as_programs_know_it() -> None:
    (one,) = objects(Diagnosis(pull(), (FINE, UNREAD, DENIED), (offer(Plan((Rewrite("a", "b"),))),)))
    assert list(one.items()) == [
        ("schema", "pullbot/diagnosis/v1"),
        ("cluster", "prod"),
        ("namespace", "shop"),
        ("workload", "Deployment/ui-private"),
        ("pods", ["ui-private-1"]),
        ("nodes", ["ip-10-0-1-10"]),
        ("image", IMAGE),
        ("symptom", "forbidden"),
        ("message", "403 Forbidden"),
        (
            "findings",
            [
                {
                    "check": "aws/repository_policy_allows_pull",
                    "status": "fail",
                    "summary": "the statement 'new policy' denies eks-node the pull",
                    "evidence": [["Statement", "new policy"]],
                },
                {
                    "check": "aws/image_is_active",
                    "status": "unknown",
                    "summary": "ecr:DescribeImages was denied",
                    "evidence": [["Permission", "ecr:DescribeImages"]],
                },
                {
                    "check": "aws/instance_has_role",
                    "status": "pass",
                    "summary": "it has one",
                    "evidence": [],
                },
            ],
        ),
        ("causes", ["aws/repository_policy_allows_pull"]),
        (
            "remedies",
            [
                {
                    "id": "aws/lift_repository_deny",
                    "cures": "aws/repository_policy_allows_pull",
                    "title": "Lift the Deny for this role's pulls",
                    "risk": "medium",
                    "offered": True,
                    "refused": None,
                    "reversible": True,
                    "diff": "arn:aws:ecr:us-west-2:123456789012:repository/ui\n@@ -1 +1 @@\n-a\n+b",
                    "commands": ["aws ecr set-repository-policy --policy-text 'b'"],
                }
            ],
        ),
        ("calls", {"aws": 11, "azure": 0, "kubernetes": 3, "registry": 0}),
        ("seconds", 0.84),
    ]
    assert list(one["remedies"][0]) == [
        *("id", "cures", "title", "risk", "offered", "refused", "reversible", "diff", "commands")
    ]
    assert list(one["findings"][0]) == ["check", "status", "summary", "evidence"]


def test_what_is_refused_has_a_reason_and_no_commands() -> None:
    (one,) = objects(Diagnosis(pull(), (DENIED,), (offer(None, refused="it would not be enough"),)))
    (remedy,) = one["remedies"]
    assert remedy["offered"] is False
    assert remedy["refused"] == "it would not be enough"
    assert (remedy["reversible"], remedy["diff"], remedy["commands"]) == (None, None, [])


def test_advice_is_never_offered_and_brings_its_commands() -> None:
    (one,) = objects(Diagnosis(pull(), (DENIED,), (ADVICE,)))
    assert one["remedies"] == [
        {
            "id": "aws/lead_subnet_out",
            "cures": "aws/subnet_routes_out",
            "title": "Lead the subnet out",
            "risk": "high",
            "offered": False,
            "refused": "a person decides. Mind: it costs",
            "reversible": False,
            "diff": "",
            "commands": ["aws ec2 create-route --nat-gateway-id NAT_ID", "aws x"],
        }
    ]


def test_whether_an_operator_enabled_it_changes_nothing() -> None:
    """``offered``: it fits. What the bot may carry out is the configuration's matter."""
    (one,) = objects(Diagnosis(pull(), (DENIED,), (offer(),)))
    assert not offer().enabled
    assert one["remedies"][0]["offered"] is True


def test_no_way_back_is_told() -> None:
    plan = Plan((Rewrite("a", "b", one_way=True),))
    (one,) = objects(Diagnosis(pull(), (DENIED,), (offer(plan),)))
    assert one["remedies"][0]["reversible"] is False


def test_steps_are_told_in_their_order() -> None:
    plan = Plan((Rewrite("a", "b"), Rewrite("c", "d")))
    (one,) = objects(Diagnosis(pull(), (DENIED,), (offer(plan),)))
    (remedy,) = one["remedies"]
    assert [line for line in remedy["diff"].splitlines() if line[0] in "+-"] == ["-a", "+b", "-c", "+d"]
    assert [command[-3:] for command in remedy["commands"]] == ["'b'", "'d'"]


def test_causes_come_first_then_what_fails_is_unknown_and_passes() -> None:
    (one,) = objects(WHOLE)
    assert [finding["status"] for finding in one["findings"]] == ["fail", "fail", "unknown", "pass"]
    assert one["findings"][0]["check"] == one["causes"][0]
    assert one["findings"][1]["check"] == ALSO.check
    assert {finding["status"] for finding in one["findings"]} == {status.value for status in Status}


def test_nothing_failing_is_an_empty_list() -> None:
    assert as_json([], EFFORT) == "[]"


def test_any_text_comes_through_and_no_terminal_obeys_it() -> None:
    evil = "\x1b[2J\u202e\u2028ü"
    told = as_json([Diagnosis(pull(message=evil), (DENIED,))], EFFORT)
    assert told.isascii()
    assert "\x1b" not in told
    assert json.loads(told)[0]["message"] == evil
