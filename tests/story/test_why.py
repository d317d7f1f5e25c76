"""``pullbot why`` on the story, with nothing but a kubeconfig and the credentials of whoever asks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.story.rig import StoryWorld, story_world


async def diagnosed(it: StoryWorld, *words: str) -> tuple[int, list[dict[str, Any]]]:
    status, out, err = await it.pullbot("why", *words, "-o", "json")
    assert err == ""
    return status, json.loads(out)


def only_line(told: tuple[int, str, str]) -> str:
    """What was said by a command that could not look: one line, and no traceback."""
    status, out, err = told
    assert (status, out) == (2, "")
    [line] = err.splitlines()
    assert line.startswith("pullbot why: ")
    return line


async def test_without_any_configuration_it_names_the_policy_and_how_to_lift_it(
    moto_url: str, tmp_path: Path
) -> None:
    async with story_world(moto_url, tmp_path) as it:
        await it.until(lambda: it.fails("ui-private"))
        status, [one] = await diagnosed(it)
        assert status == 1
        assert one["schema"] == "pullbot/diagnosis/v1"
        assert (one["namespace"], one["workload"]) == ("default", "Deployment/ui-private")
        assert one["image"] == it.aws.image
        assert one["symptom"] == "forbidden"
        assert one["causes"] == ["aws/repository_policy_allows_pull"]
        findings = {found["check"]: found for found in one["findings"]}
        assert ["Statement", "new policy"] in findings["aws/repository_policy_allows_pull"]["evidence"]
        assert findings["aws/role_can_pull"]["status"] == "pass"
        remedies = {remedy["id"]: remedy for remedy in one["remedies"]}
        lift = remedies["aws/lift_repository_deny"]
        assert lift["offered"] is True  # it fits; who may let the bot do it is another matter
        assert lift["reversible"] is True
        assert '-        "ecr:BatchGetImage",' in lift["diff"]
        assert lift["commands"][0].startswith("aws ecr set-repository-policy ")
        assert not any(o["offered"] for o in one["remedies"] if o["id"] == "aws/attach_pull_policy")
        assert one["calls"]["aws"] == len(it.front.asked) < 40
        await what_only_a_person_may_do(it)
        await questions_that_cannot_be_answered(it)
        await expired_credentials_accuse_nobody(it)
        await everything_works(it)


async def what_only_a_person_may_do(it: StoryWorld) -> None:
    """Somebody denies the role itself: more rights would not help, so its owner is told what to look at."""
    role, frozen = {"RoleName": it.aws.role_name, "PolicyName": "freeze"}, deny_pulls()
    it.aws.client("iam").put_role_policy(**role, PolicyDocument=frozen)
    (_, [one]), (_, text, _) = await asyncio.gather(diagnosed(it), it.pullbot("why"))
    [advice] = [told for told in one["remedies"] if told["id"] == "aws/unblock_role"]
    assert (advice["offered"], advice["reversible"], advice["diff"]) == (False, False, "")
    assert advice["cures"] == "aws/role_can_pull"
    look = f"aws iam get-role-policy --role-name {it.aws.role_name} --policy-name freeze"
    assert advice["commands"][0] == look
    assert f"    {look}\n" in text
    assert not any(told["offered"] for told in one["remedies"])
    it.aws.client("iam").delete_role_policy(**role)


def deny_pulls() -> str:
    statement = {"Sid": "Freeze", "Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def questions_that_cannot_be_answered(it: StoryWorld) -> None:
    away = it.folder / "away"
    away.write_text(it.cluster.kubeconfig.read_text("utf-8").replace(it.cluster.url, "http://127.0.0.1:9"))
    unknown, nowhere, unreachable = await asyncio.gather(
        it.pullbot("why", "deploy/nowhere"),
        it.pullbot("why", KUBECONFIG=str(it.folder / "none")),
        it.pullbot("why", KUBECONFIG=str(away)),
    )
    assert "nowhere" in only_line(unknown)
    assert "there is no kubeconfig" in only_line(nowhere)
    assert "127.0.0.1:9" in only_line(unreachable)


async def expired_credentials_accuse_nobody(it: StoryWorld) -> None:
    it.front.expired = True
    status, [one] = await diagnosed(it)
    it.front.expired = False
    assert status == 1
    assert one["causes"] == []
    assert not any(found["status"] == "fail" for found in one["findings"])
    unknown = {f["check"]: f["summary"] for f in one["findings"] if f["status"] == "unknown"}
    assert {"aws/repository_policy_allows_pull", "aws/role_can_pull", "registry/tag_exists"} <= set(unknown)
    assert "AWS does not accept the credentials" in unknown["registry/tag_exists"]
    assert "(ExpiredTokenException); renew them" in unknown["registry/tag_exists"]
    assert "(RequestExpired); renew them" in unknown["aws/instance_has_role"]
    assert not any(remedy["offered"] for remedy in one["remedies"])


async def everything_works(it: StoryWorld) -> None:
    it.aws.client("ecr").delete_repository_policy(repositoryName=it.aws.repository)
    await it.until(it.runs)
    as_json, as_text = await asyncio.gather(it.pullbot("why", "-o", "json"), it.pullbot("why"))
    assert as_json == (0, "[]\n", "")
    assert as_text == (0, "No pull is failing.\n", "")
