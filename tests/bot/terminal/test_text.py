"""The report at a terminal: the cause first, everything copyable, nothing obeyed."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.terminal.report import Diagnosis
from bot.terminal.text import Palette, Text
from checks.model import failed, unknown
from handlers.remedy import Plan, Risk
from tests.bot.terminal.diagnoses import (
    ADVICE,
    DENIED,
    DENY,
    FINE,
    UNREAD,
    WHOLE,
    Rewrite,
    finding,
    offer,
    pull,
)

_SGR = re.compile(r"\x1b\[\d+m")


def shown(*diagnoses: Diagnosis, width: int = 100, colours: bool = False) -> str:
    return Text(Palette(colours), width).render(diagnoses)


def test_the_cause_comes_first_then_what_else_and_then_what_to_do() -> None:
    text = shown(WHOLE)
    assert text.startswith(
        "✗ Deployment/ui-private cannot pull its image\n"
        "  the statement 'new policy' denies eks-node the pull\n\n"
        "  Image    123456789012.dkr.ecr.us-west-2.amazonaws.com/retail-sample-app-ui:1.2.1\n"
        "  Where    shop on prod, container ui\n"
    )
    parts = [
        "\nCause\n",
        "\nAlso wrong\n",
        "\nNot known\n",
        "\n✓ The node's",
        "\nRemedy: Lift",
        "By hand:",
        "undo:",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_advice_comes_after_what_can_be_done_with_its_commands_as_they_are() -> None:
    text = shown(Diagnosis(pull(), (DENIED,), (ADVICE, offer())))
    assert text.index("\nRemedy: Lift") < text.index("\nBy hand: Lead the subnet out\n")
    assert text.endswith(
        "  a person decides\n  Mind: it costs\n    aws ec2 create-route --nat-gateway-id NAT_ID\n    aws x"
    )
    assert "Not offered" not in text


def test_colours_are_all_that_they_add() -> None:
    assert "\x1b" not in shown(WHOLE)
    painted = shown(WHOLE, colours=True)
    assert "\x1b[31m✗ Deployment/ui-private cannot pull its image\x1b[0m" in painted
    assert "\x1b[31m-    " in painted
    assert _SGR.sub("", painted) == shown(WHOLE)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_prose_keeps_to_the_width(width: int) -> None:
    summary = "the statement denies the pull " * 12
    long = finding(failed(summary, ("Why", summary)), explains=True)
    lines = shown(Diagnosis(pull(message="no " * 80), (long, FINE)), width=width).splitlines()
    breakable = [line for line in lines if any(len(word) < width // 2 for word in line.split()[1:])]
    assert max(len(line) for line in breakable) <= width
    assert any(len(line) > width * 3 // 4 for line in breakable), "it fills the lines it has"


def test_a_terminal_of_any_width_gets_a_report() -> None:
    assert shown(WHOLE, width=0) == shown(WHOLE, width=40)
    assert shown(WHOLE, width=400) == shown(WHOLE, width=120)


@pytest.mark.parametrize("width", [40, 80])
def test_a_long_word_at_the_beginning_of_a_value_stays_whole(width: int) -> None:
    digest = f"{'r' * 90}@sha256:{'0' * 64}"
    about = finding(failed("so it is", ("Image", f"{digest} and more")), explains=True)
    lines = shown(Diagnosis(pull(image=digest), (about,)), width=width).splitlines()
    assert f"  Image    {digest}" in lines
    assert f"    Image  {digest}" in lines
    assert "           and more" in lines


def test_a_long_name_does_not_squeeze_its_value() -> None:
    name = "Way of the registry's token (ecr.api)"
    about = finding(failed("so it is", (name, "NAT gateway nat-1"), ("Subnet", "subnet-1")), explains=True)
    lines = shown(Diagnosis(pull(), (about,)), width=40).splitlines()
    assert lines[lines.index(f"    {name}") + 1].strip() == "NAT gateway nat-1"
    assert "    Subnet  subnet-1" in lines


def test_diffs_and_commands_are_never_wrapped() -> None:
    step = Rewrite("a " * 100, "b " * 100)
    lines = shown(Diagnosis(pull(), (DENIED,), (offer(Plan((step,))),)), width=40).splitlines()
    assert f"    -{'a ' * 100}" in lines
    assert f"    +{'b ' * 100}" in lines
    assert f"    aws ecr set-repository-policy --policy-text '{'b ' * 100}'" in lines
    assert f"    aws ecr set-repository-policy --policy-text '{'a ' * 100}'" in lines


def test_a_command_over_several_lines_can_be_copied_whole() -> None:
    typed = shown(WHOLE).partition("By hand:\n    ")[2].partition("\n  To undo:")[0]
    assert typed == WHOLE.offers[0].plan.steps[0].commands()[0]  # type: ignore[union-attr]  # it has one


@pytest.mark.parametrize(("risk", "code"), [(Risk.LOW, 32), (Risk.MEDIUM, 33), (Risk.HIGH, 31)])
def test_a_risk_has_its_colour_and_its_word(risk: Risk, code: int) -> None:
    text = shown(Diagnosis(pull(), (DENIED,), (offer(risk=risk),)), colours=True)
    assert f"\x1b[{code}mrisk {risk.name.lower()}\x1b[0m, can be undone" in text


def test_what_cannot_be_undone_says_so_and_names_no_way_back() -> None:
    text = shown(Diagnosis(pull(), (DENIED,), (offer(Plan((Rewrite("a", "b", one_way=True),))),)))
    assert "cannot be undone" in text
    assert "To undo" not in text
    assert "Mind:" not in text


def test_what_no_operator_enabled_is_shown_as_commands_all_the_same() -> None:
    assert not offer().enabled
    allowed = replace(offer(), enabled=True)
    assert shown(Diagnosis(pull(), (DENIED,), (offer(),))) == shown(Diagnosis(pull(), (DENIED,), (allowed,)))


def test_what_is_refused_says_why_and_keeps_its_json_readable() -> None:
    policy = json.dumps(DENY, indent=2)
    refused = offer(None, refused=f"a person has to decide; the statement would be:\n{policy}")
    text = shown(Diagnosis(pull(), (DENIED,), (offer(), refused)))
    told = text.partition("Not offered, and why\n")[2].splitlines()
    assert told[0] == "  Lift the Deny for this role's pulls: a person has to decide; the statement would be:"
    assert json.loads("\n".join(told[1:])) == DENY


def test_without_a_cause_it_says_that_it_does_not_know() -> None:
    text = shown(Diagnosis(pull(), (UNREAD,), (offer(None, refused="its policy could not be read"),)))
    assert "\n  the cause is not known: one check could not be decided\n" in text
    assert "\nCause" not in text
    assert "  ? The image is active\n    ecr:DescribeImages was denied\n" in text
    assert "Remedy:" not in text

    two = shown(Diagnosis(pull(), (UNREAD, finding(unknown("throttled")))))
    assert "the cause is not known: 2 checks could not be decided" in two
    none = shown(Diagnosis(pull(message=""), (FINE,)))
    assert "the cause is not known: nothing that was looked at explains it" in none
    assert "(nothing: the pull hangs)" in none


def test_two_causes_are_told_root_first() -> None:
    earlier = finding(failed("no role"), "aws/instance_has_role", "It has a role", FINE.leg, explains=True)
    text = shown(Diagnosis(pull(), (DENIED, earlier)))
    assert "\n  no role\n" in text
    assert "\nCauses, root first\n  ✗ It has a role\n" in text


def test_several_diagnoses_are_apart() -> None:
    other = Diagnosis(pull(workload="Deployment/checkout"), (DENIED,))
    text = shown(WHOLE, other)
    assert text == f"{shown(WHOLE)}\n\n{shown(other)}"
    assert shown() == ""


def test_many_pods_are_counted() -> None:
    many = pull(pods=tuple(f"web-{number}" for number in range(5)), nodes=())
    text = shown(Diagnosis(many, (DENIED,)))
    assert "  Pods     web-0, web-1, web-2 and 2 more\n" in text
    assert "  Nodes    (none yet)\n" in text


@pytest.mark.parametrize(
    ("workload", "kind", "nodes", "told"),
    [
        ("Service/web", "fargate", (), ("Tasks    web-1", "Runs on  Fargate")),
        ("Task/web", "ec2/cp", ("0ab1",), ("Tasks    web-1", "Runs on  0ab1")),
        ("Task/web", "external", (), ("Tasks    web-1", "Runs on  (not known)")),
        ("Deployment/web", "fargate/fp", (), ("Pods     web-1", "Nodes    Fargate")),
    ],
)
def test_what_runs_it_is_called_by_its_name(
    workload: str, kind: str, nodes: tuple[str, ...], told: tuple[str, ...]
) -> None:
    one = replace(pull(workload=workload, pods=("web-1",), nodes=nodes), host_kind=kind)
    text = shown(Diagnosis(one, (DENIED,)))
    assert [line for line in told if f"  {line}\n" not in text] == []


EVIL = "\x1b[2J\x1b]0;owned\x07\r\x9b31m\u202egpj\x00\u2028\x0b\x1c"


def test_control_characters_are_spelled_out_wherever_strangers_write() -> None:
    found = finding(failed(f"{EVIL}x", (EVIL, EVIL)), title=f"{EVIL}x", explains=True)
    step = Rewrite(EVIL, f"{EVIL}2")
    offers = (offer(Plan((step,), caution=EVIL), title=f"{EVIL}x"), offer(None, refused=EVIL))
    one = Diagnosis(
        pull(image=EVIL, message=EVIL, workload=f"{EVIL}x", pods=(EVIL,), nodes=(EVIL,)), (found,), offers
    )
    text = shown(one)
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert r"\x1b[2J\x1b]0;owned\x07\r\x9b31m\u202egpj\x00\u2028\x0b\x1c" in text


@given(st.text())
def test_no_text_moves_the_cursor_or_begins_a_line(text: str) -> None:
    found = finding(failed(text, (text, text)), explains=True)
    plain = shown(Diagnosis(pull(image=text, message=text), (found,)))
    assert all(char.isprintable() for line in plain.split("\n") for char in line)
    kinds = {line for line in plain.split("\n") if line and not line.startswith("  ")}
    assert kinds == {"✗ Deployment/ui-private cannot pull its image", "Cause"}
