"""A pod without a login for its registry, over HTTP: from what is wrong to a Secret that works, and back."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.clouds.connect import Connected, connect
from bot.clouds.kubeconfig import Context
from bot.demo import shapes
from bot.demo.kubernetes_api import KubernetesApi
from bot.settings_clusters import Cluster, RegistryLogin
from bot.store.codec import standard_codec
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.image.symptom import classify
from checks.model import FailedPull, Finding, Status, causes
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.execution import call
from handlers.incident import Incident
from handlers.proposal import offers_for
from handlers.remedy import Conflict, Plan, Standing, Step, load_advice, load_remedies
from tests.fakes import pull_secrets
from tests.fakes.kube_front import Front, serve, write_kubeconfig
from tests.fakes.pull_secrets import HOST, IMAGE, PASSWORD, docker_config, entry

RENEW = "kubernetes/renew_pull_secret"
REFUSED = (
    f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": pulling from host '
    f"{HOST} failed with status code [manifests 1.4]: 401 Unauthorized"
)
NEW_PASSWORD = "brand-new-battery"


@dataclass
class Story:
    api: KubernetesApi
    front: Front
    connected: Connected
    pull: FailedPull

    def put(self, *trees: dict[str, Any]) -> None:
        for one in trees:
            self.api.objects.put(one)

    def data(self, name: str = "regcred", namespace: str = "prod") -> Any:
        found = self.api.objects.find("secrets", name, namespace)
        return None if found is None else json.loads(base64.b64decode(found["data"][".dockerconfigjson"]))

    async def look(self) -> tuple[dict[str, Finding], dict[str, list[Offer]]]:
        catalog, memo, roots = Catalog.load(), Memo(), self.connected.roots
        found = [one async for one in diagnose(catalog, [self.pull], roots, memo)]
        offers = await offers_for(
            [self.pull], found, catalog=catalog, remedies=load_remedies(), roots=roots, memo=memo,
            advice=load_advice(),
        )  # fmt: skip
        by_name: dict[str, list[Offer]] = {}
        for one in offers:
            by_name.setdefault(one.remedy, []).append(one)
        return {one.check: one for one in found if one.check.startswith("kubernetes/pull_secret")}, by_name

    async def plan(self) -> Plan:
        _, offers = await self.look()
        [offer] = offers[RENEW]
        assert offer.plan is not None, offer.refused
        return offer.plan

    async def carry_out(self, plan: Plan) -> list[Step]:
        done: list[Any] = []
        for step in plan.steps:
            assert await call(step.look, self.connected.hands) is Standing.BEFORE
            done.append(await call(step.write, self.connected.hands))
            assert await call(done[-1].look, self.connected.hands) is Standing.AFTER
        return done

    async def undo(self, done: list[Step]) -> None:
        for step in reversed(done):
            back: Any = step.inverse()
            assert await call(back.look, self.connected.hands) is Standing.BEFORE
            await call(back.write, self.connected.hands)
            assert await call(back.look, self.connected.hands) is Standing.AFTER


def causes_of(found: dict[str, Finding]) -> list[str]:
    return [one.check for one in causes(tuple(found.values()))]


@pytest.fixture
def logins() -> tuple[RegistryLogin, ...]:
    """None are configured, unless a test says so."""
    return ()


@pytest.fixture
async def story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logins: tuple[RegistryLogin, ...]
) -> AsyncIterator[Story]:
    """A pod in ``prod`` that names ``regcred``, on a node of nobody's cloud."""
    api = KubernetesApi(token="only-here", bookmark_every=3600)
    async with serve(await api.start()) as front:
        where = write_kubeconfig(tmp_path / "config", front.url, {"token": "only-here"})
        monkeypatch.setenv("KUBECONFIG", where["KUBECONFIG"])
        connected = await connect(Context("prod", "prod"), Cluster(name="prod", registry_logins=logins))
        pull = FailedPull(
            "prod", "prod", "Deployment/web", "web", ("web-0",), ("node-1",), "node", IMAGE,
            classify(REFUSED).symptom, REFUSED,
        )  # fmt: skip
        made = Story(api, front, connected, pull)
        made.put(shapes.node("node-1"), pull_secrets.pod("regcred", namespace="prod"))
        yield made
        await connected.close()
    await api.stop()


def secret(namespace: str = "prod", **more: Any) -> dict[str, Any]:
    return pull_secrets.tree(docker_config(**{HOST: entry()}), namespace=namespace, **more)


async def test_a_good_secret_passes_and_nothing_is_offered(story: Story) -> None:
    story.put(secret())
    found, offers = await story.look()
    assert {one.verdict.status for one in found.values()} == {Status.PASS}
    assert len(found) == 3
    assert offers.keys().isdisjoint({RENEW, "kubernetes/make_pull_secret"})


async def test_a_secret_in_another_namespace_is_copied_and_the_copy_removed_again(story: Story) -> None:
    story.put(secret("default"))
    found, offers = await story.look()
    assert causes_of(found) == ["kubernetes/pull_secret_exists"]
    assert "there is one in default" in found["kubernetes/pull_secret_exists"].verdict.summary
    plans = {name for name, some in offers.items() if any(one.plan for one in some)}
    assert plans == {RENEW}
    plan = await story.plan()
    assert plan.reversible
    assert PASSWORD not in repr(plan)
    shown = plan.steps[0].diff().after.splitlines()
    assert shown[0].startswith("copy of default/regcred at ")
    assert shown[1:] == [f"{HOST}: (not shown)"]
    done = await story.carry_out(plan)
    assert story.data() == story.data(namespace="default")
    found, _ = await story.look()
    assert {one.verdict.status for one in found.values()} == {Status.PASS}
    await story.undo(done)
    assert story.data() is None
    assert story.data(namespace="default") is not None


async def test_only_the_approved_version_is_copied_and_only_ours_is_removed(story: Story) -> None:
    story.put(secret("default"))
    plan = await story.plan()
    [done] = await story.carry_out(plan)
    story.put(secret())  # somebody makes their own
    back: Any = done.inverse()
    assert await call(back.look, story.connected.hands) is Standing.ELSEWHERE
    with pytest.raises(Conflict):
        await call(back.write, story.connected.hands)
    story.api.objects.delete("secrets", "regcred", "prod")
    story.put(pull_secrets.tree(docker_config(**{HOST: entry("other")}), namespace="default"))
    with pytest.raises(Conflict, match="not what it was"):
        await call(plan.steps[0].write, story.connected.hands)


async def test_where_secrets_may_not_be_listed_default_is_looked_at(story: Story) -> None:
    story.put(secret("default"))
    story.front.trouble("GET /api/v1/secrets", status=403, message="secrets is forbidden")
    found, _ = await story.look()
    assert "there is one in default" in found["kubernetes/pull_secret_exists"].verdict.summary


async def test_where_secrets_may_not_be_read_it_is_unknown_and_the_right_is_named(story: Story) -> None:
    story.put(secret())
    story.front.trouble("/secrets", status=403, message="secrets is forbidden")
    found, offers = await story.look()
    assert {one.verdict.status for one in found.values()} == {Status.UNKNOWN}
    for one in found.values():
        assert "we may not get secrets regcred in namespace prod" in one.verdict.summary
    assert RENEW not in offers


async def test_where_secrets_may_not_be_read_kubelets_own_event_is_proof(story: Story) -> None:
    story.front.trouble("/secrets", status=403, message="secrets is forbidden")
    pod = story.api.objects.get("pods", "web-0", "prod")
    said = (
        "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
    )
    story.put(
        shapes.event(
            pod,
            field="",
            kind="Warning",
            reason="FailedToRetrieveImagePullSecret",
            message=said,
            by="kubelet",
            host="node-1",
            now="2026-11-24T10:00:00Z",
        )
    )
    found, offers = await story.look()
    assert causes_of(found) == ["kubernetes/pull_secret_exists"]
    [advice] = offers["kubernetes/make_pull_secret"]
    assert advice.by_hand is not None
    assert advice.by_hand.commands[0].startswith("kubectl create secret docker-registry regcred -n prod")


async def test_what_kubelet_says_of_the_secret_alone_is_enough(story: Story) -> None:
    message = (
        "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
    )
    story.pull = replace(story.pull, message=message, symptom=classify(message).symptom)
    story.put(secret("default"))
    found, _ = await story.look()
    assert causes_of(found) == ["kubernetes/pull_secret_exists"]


@pytest.mark.parametrize(
    "message",
    [
        "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.",
        'Error syncing pod, skipping: secrets "regcred" not found',
    ],
)
async def test_of_a_pod_that_is_gone_kubelets_words_name_the_secret(story: Story, message: str) -> None:
    story.api.objects.delete("pods", "web-0", "prod")
    story.pull = replace(story.pull, message=message, symptom=classify(message).symptom)
    found, _ = await story.look()
    assert causes_of(found) == ["kubernetes/pull_secret_exists"]
    assert "no pull secret regcred in prod" in found["kubernetes/pull_secret_exists"].verdict.summary


async def test_a_pod_that_is_gone_says_nothing(story: Story) -> None:
    story.api.objects.delete("pods", "web-0", "prod")
    found, _ = await story.look()
    assert found == {}


async def test_secrets_are_not_read_where_no_login_can_be_the_reason(story: Story) -> None:
    message = "dial tcp: lookup registry.example.com: no such host"
    story.pull = replace(story.pull, message=message, symptom=classify(message).symptom)
    found, _ = await story.look()
    assert found == {}
    assert story.front.count("/secrets") == 0


class TestFromAConfiguredLogin:
    @pytest.fixture
    def logins(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RegistryLogin, ...]:
        monkeypatch.setenv("REGCRED", f"robot2:{NEW_PASSWORD}")
        return (RegistryLogin(namespace="prod", name="regcred", host=HOST, source="env:REGCRED"),)

    async def test_a_missing_secret_is_made_and_removed_again(self, story: Story) -> None:
        plan = await story.plan()
        assert len(plan.steps) == 1
        done = await story.carry_out(plan)
        assert story.data() == {"auths": {HOST: entry("robot2", NEW_PASSWORD)}}
        assert {one.verdict.status for one in (await story.look())[0].values()} == {Status.PASS}
        await story.undo(done)
        assert story.data() is None

    async def test_a_broken_entry_is_replaced_and_others_stay(self, story: Story) -> None:
        before = {f"https://{HOST}/v1/": entry(password=f"{PASSWORD}\n"), "ghcr.io": entry("bot")}
        story.put(pull_secrets.tree(docker_config(**before), namespace="prod"))
        found, _ = await story.look()
        assert causes_of(found) == ["kubernetes/pull_secret_is_readable"]
        done = await story.carry_out(await story.plan())
        assert story.data() == {"auths": {"ghcr.io": entry("bot"), HOST: entry("robot2", NEW_PASSWORD)}}
        assert {one.verdict.status for one in (await story.look())[0].values()} == {Status.PASS}
        await story.undo(done)
        assert story.data() == {"auths": before}
        assert len(story.api.objects.trees("secrets", "prod", lambda tree: True)) == 1

    async def test_nothing_secret_is_in_what_is_shown_stored_or_logged(
        self, story: Story, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        story.put(pull_secrets.tree(docker_config(**{"ghcr.io": entry()}), namespace="prod"))
        found, offers = await story.look()
        plan = await story.plan()
        done = await story.carry_out(plan)
        shown = [repr(found), repr(offers), repr(done), caplog.text]
        for step in (*plan.steps, *(one.inverse() for one in done)):
            assert step is not None
            shown += [repr(step.diff()), *step.commands()]
        shown.append(stored(story, found, offers))
        for secret in (PASSWORD, NEW_PASSWORD):
            for form in (secret, base64.b64encode(secret.encode()).decode()[:-4]):
                assert not [one for one in shown if form in one]

    async def test_another_login_is_another_plan_and_is_not_written_for_the_old_one(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = await story.plan()
        assert (await story.plan()).digest == first.digest
        monkeypatch.setenv("REGCRED", f"robot2:{PASSWORD}")
        assert (await story.plan()).digest != first.digest
        with pytest.raises(Conflict, match="another one by now"):
            await call(first.steps[0].write, story.connected.hands)
        assert story.data() is None

    async def test_a_secret_that_somebody_changed_meanwhile_is_left_alone(self, story: Story) -> None:
        broken = docker_config(**{"ghcr.io": entry()})
        story.put(pull_secrets.tree(broken, namespace="prod"))
        keep, write = (await story.plan()).steps
        story.put(pull_secrets.tree(docker_config(**{"ghcr.io": entry("bot")}), namespace="prod"))
        assert await call(write.look, story.connected.hands) is Standing.ELSEWHERE
        for step in (keep, write):
            with pytest.raises(Conflict):
                await call(step.write, story.connected.hands)

    async def test_a_type_that_cannot_be_changed_is_refused_with_the_reason(self, story: Story) -> None:
        story.put(secret(kind="Opaque"))
        _, offers = await story.look()
        [offer] = offers[RENEW]
        assert offer.plan is None
        assert "deleted and made anew" in offer.refused

    async def test_a_source_that_is_empty_is_told(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("REGCRED")
        _, offers = await story.look()
        [offer] = offers[RENEW]
        assert "the environment variable REGCRED has no user name and password" in offer.refused


def stored(story: Story, found: dict[str, Finding], offers: dict[str, list[Offer]]) -> str:
    """As the store has it; read back, it is the same plan."""
    all = tuple(one for some in offers.values() for one in some)
    incident = Incident("12345678", "prod", datetime(2026, 11, 24, tzinfo=UTC), (story.pull,))
    written = standard_codec().encode(replace(incident, findings=tuple(found.values()), offers=all))
    again = standard_codec().decode(written)
    for before, after in zip(all, again.offers, strict=True):
        assert before.plan == after.plan
        if before.plan is not None and after.plan is not None:
            assert after.plan.digest == before.digest
    return written.decode()
