"""A diagnosis in an issue: what strangers wrote links nothing, notifies nobody and ends no block."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.terminal.markdown import as_markdown
from bot.terminal.report import Diagnosis
from bot.terminal.untrusted import block_in_markdown, code_in_markdown, in_markdown
from checks.model import failed
from handlers.remedy import Plan
from tests.bot.terminal.diagnoses import ADVICE, DENIED, DENY, UNREAD, WHOLE, Rewrite, finding, offer, pull

# Whatever CommonMark or a tracker's extensions give a meaning within a paragraph.
ACTIVE = "\\`*_{}[]()<>#+-.!|~&$:=^%"
HOSTILE = st.text(alphabet=f"{ACTIVE}@ \n\r\ta1\u2028\x1b")
ALL = st.one_of(st.text(), HOSTILE)


def test_it_reads_from_cause_to_remedy() -> None:
    text = as_markdown([WHOLE])
    assert text.startswith(
        "## `Deployment/ui-private` cannot pull its image\n\n"
        "**the statement 'new policy' denies eks\\-node the pull**\n\n"
        "- Image: `123456789012.dkr.ecr.us-west-2.amazonaws.com/retail-sample-app-ui:1.2.1`\n"
        "- Cluster: `prod`\n"
    )
    parts = ["### Cause", "### Also wrong", "### Not known", "✓ The node", "### Remedy", "```diff", "```sh"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "Risk medium, can be undone." in text
    assert "Mind: it may be meant" in text


def test_a_task_on_fargate_is_called_so() -> None:
    one = replace(pull(workload="Service/web", pods=("0ab1",), nodes=()), host_kind="fargate")
    text = as_markdown([Diagnosis(one, (DENIED,))])
    assert "- Tasks: `0ab1`\n- Runs on: `Fargate`\n" in text
    assert "Pods" not in text


def test_every_block_that_is_opened_is_closed() -> None:
    lines = as_markdown([WHOLE, WHOLE]).splitlines()
    fences = [line for line in lines if line.startswith("```")]
    assert fences == ["```", "```", "```diff", "```", "```sh", "```", "```sh", "```"] * 2


def test_a_refusal_keeps_its_json_in_a_block_of_its_own() -> None:
    policy = json.dumps(DENY, indent=2)
    text = as_markdown([Diagnosis(pull(), (UNREAD,), (offer(None, refused=f"by hand:\n{policy}"),))])
    told = text.partition("### Not offered, and why\n\n")[2].splitlines()
    assert told[0] == "- Lift the Deny for this role's pulls: by hand\\:"
    assert told[1:3] == ["", "  ```"]
    assert json.loads("\n".join(told[3:-1])) == DENY
    assert told[-1] == "  ```"


def test_advice_comes_after_what_can_be_done_with_its_commands_as_code() -> None:
    text = as_markdown([Diagnosis(pull(), (DENIED,), (ADVICE, offer()))])
    assert text.index("### Remedy") < text.index("### By hand: Lead the subnet out")
    assert text.endswith(
        "a person decides\nMind: it costs\n\n```sh\naws ec2 create-route --nat-gateway-id NAT_ID\naws x\n```"
    )
    assert "Not offered" not in text


def test_without_a_remedy_there_is_no_heading_for_one() -> None:
    text = as_markdown([Diagnosis(pull(message=""), (UNREAD,))])
    assert "Remedy" not in text
    assert "Not offered" not in text
    assert "(nothing: the pull hangs)" in text


@pytest.mark.parametrize("target", ["@everyone", "#1", "!7", "~bug", "%3", "&2", "$5"])
def test_nobody_is_notified_and_nothing_is_linked(target: str) -> None:
    shown = in_markdown(f"see {target}")
    assert target not in shown
    assert target not in shown.replace("\\", ""), "not either once the escapes are gone"


@pytest.mark.parametrize("url", ["https://evil.example/x", "http://evil", "www.evil.example", "mailto:a@b.c"])
def test_no_address_becomes_a_link(url: str) -> None:
    shown = in_markdown(url)
    assert not re.search(r"https?:|www\.|mailto:", shown)


@given(ALL)
def test_prose_has_no_active_character_without_an_escape(text: str) -> None:
    shown = in_markdown(text)
    assert "\n" not in shown
    left = re.sub(r"\\.", "", shown)
    assert not set(left) & set(ACTIVE)
    rendered = re.sub(r"\\(.)", r"\1", shown)
    assert not re.search(r"[@#!$%~&][^\s\u2060]", rendered), "a tracker looks at what is rendered"


@given(ALL)
def test_code_ends_where_we_end_it(text: str) -> None:
    shown = code_in_markdown(text)
    if not text:
        assert shown == ""
        return
    (fence,) = re.findall(r"^`+", shown)
    inner = shown[len(fence) : -len(fence)]
    assert "\n" not in shown
    assert shown.endswith(fence)
    assert fence not in re.findall(r"`+", inner), "only a run of the same length would end it"
    assert not inner.startswith("`")
    assert not inner.endswith("`")


@given(ALL)
def test_a_block_ends_where_we_end_it(text: str) -> None:
    first, *lines, last = block_in_markdown(text, "sh")
    assert first == f"{last}sh"
    assert set(last) == {"`"}
    assert not any(line.strip().startswith(last) for line in lines)
    assert all("\n" not in line and "\r" not in line for line in lines)


@given(ALL)
def test_strangers_add_no_heading_and_no_list_item(text: str) -> None:
    """Outside of blocks each line begins as we began it, whatever the image, the error or the policy says."""
    found = finding(failed(f"x{text}", (f"x{text}", text)), explains=True)
    offers = (offer(Plan((Rewrite(text, f"{text}!"),), caution=text)), offer(None, refused=text))
    told = as_markdown([Diagnosis(pull(image=text, message=text), (found,), offers)])
    usual = as_markdown([Diagnosis(pull(), (DENIED,), (offer(), offer(None, refused="x")))])
    assert set(_kinds(told)) <= set(_kinds(usual))


def _kinds(markdown: str) -> list[str]:
    """How each line outside of the fenced blocks begins."""
    kinds, fence = [], ""
    for line in markdown.split("\n"):
        bare = line.removeprefix("  ")
        run = re.match(r"`{3,}", bare)
        if fence:
            fence = "" if bare == fence else fence
        elif run and not bare.rstrip("shdif").strip("`"):
            fence = run[0]
        else:
            kinds.append(re.split(r"[\w`\\]", line)[0][:4])
    return kinds
