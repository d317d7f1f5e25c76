"""The watch tells the complete set whenever it changes, whatever the API server does."""

from __future__ import annotations

import gc

from bot.clouds._kube import KubeReader
from bot.demo.objects import Objects
from checks.kubernetes.pods import Pod
from checks.model import Symptom
from tests.bot.watch.watching import SETTLE, watching
from tests.fakes import kubelet
from tests.fakes.kube_front import Front
from tests.fakes.kubelet import BACK_OFF, FORBIDDEN, NOT_FOUND, Clock, Tree, of_deployment, waiting

DENIED = waiting("ErrImagePull", FORBIDDEN)
CREATING = waiting("ContainerCreating")
WEB = "web-6bc68cc94d-00001"


def web(state: Tree, number: int = 1, **more: object) -> Tree:
    return of_deployment("web", number, state, **more)


# ---- what is told


async def test_a_healthy_cluster_is_told_as_such(kube: KubeReader, clock: Clock, objects: Objects) -> None:
    objects.put(web(kubelet.running(), phase="Running"))
    async with watching(kube, clock) as it:
        assert await it.told_of() == ()


async def test_what_fails_before_and_after_the_start_is_told_until_it_is_over(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    objects.put(web(DENIED))
    async with watching(kube, clock) as it:
        [pull] = await it.told_of("Deployment/web")
        assert (pull.cluster, pull.pods, pull.symptom) == ("prod", (WEB,), Symptom.FORBIDDEN)
        objects.put(of_deployment("api", 2, CREATING))
        objects.put(of_deployment("api", 2, DENIED))
        await it.told_of("Deployment/api", "Deployment/web")
        objects.put(web(kubelet.running(), phase="Running"))
        await it.told_of("Deployment/api")
        objects.delete("pods", "api-6bc68cc94d-00002", "shop")
        await it.told_of()


async def test_a_rollout_is_told_once_it_has_settled(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    async with watching(kube, clock) as it:
        await it.told_of()
        it.time.hold(SETTLE)
        for number in range(30):
            objects.put(web(DENIED, number))
        await it.until(lambda: it.watch.kept >= 30)  # all are seen, none is told
        assert len(it.told) == 1
        for _ in range(20):
            it.time.release(SETTLE)
        [pull] = await it.told_of("Deployment/web")
        assert len(pull.pods) == 30
        assert len(it.told) == 2


async def test_changes_without_end_do_not_postpone_the_news(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    async with watching(kube, clock) as it:
        await it.told_of()
        it.time.hold(SETTLE)
        rounds = it.time.pauses.count(SETTLE)

        def pauses_again(done: int) -> bool:
            return it.time.pauses.count(SETTLE) > rounds + done or len(it.told) > 1

        for number in range(100):
            objects.put(web(DENIED, number))  # one change more before each pause is over
            await it.until(lambda: it.watch.kept > number)  # noqa: B023  called at once
            if number:
                it.time.release(SETTLE)
            await it.until(lambda: pauses_again(number))  # noqa: B023  called at once
            if len(it.told) > 1:
                break
        assert 5 < number < 20
        assert len(it.told[1][0].pods) > number


async def test_who_fails_already_does_not_postpone_news_of_others(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    objects.put(web(DENIED))
    async with watching(kube, clock) as it:
        await it.told_of("Deployment/web")
        it.time.hold(SETTLE)
        rounds = it.time.pauses.count(SETTLE)
        objects.put(of_deployment("api", 2, DENIED))
        await it.until(lambda: it.time.pauses.count(SETTLE) > rounds)
        for number in range(20):
            reason = ("ErrImagePull", "ImagePullBackOff")[number % 2]  # another try, another back-off
            objects.put(web(waiting(reason, f"{BACK_OFF}: ErrImagePull: {FORBIDDEN}")))
            kept = it.watch.kept
            objects.put(web(CREATING, number + 2))  # seen after that, and no failure
            await it.until(lambda: it.watch.kept > kept)  # noqa: B023  called at once
            rounds = it.time.pauses.count(SETTLE)
            it.time.release(SETTLE)
            await it.until(lambda: it.time.pauses.count(SETTLE) > rounds or len(it.told) > 1)  # noqa: B023  as above
            if len(it.told) > 1:
                break
        await it.told_of("Deployment/api", "Deployment/web")
        assert number <= 2


async def test_the_same_failure_in_other_words_is_not_told_again(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    objects.put(web(waiting("ErrImagePull", f"{FORBIDDEN} (request 1)")))
    async with watching(kube, clock) as it:
        await it.told_of("Deployment/web")
        objects.put(web(waiting("ErrImagePull", f"{FORBIDDEN} (request 2)")))
        objects.put(web(waiting("ImagePullBackOff", f"{BACK_OFF}: ErrImagePull: {FORBIDDEN}")))
        objects.put(of_deployment("api", 2, DENIED))
        [_, again] = await it.told_of("Deployment/api", "Deployment/web")
        assert again == it.told[0][0]


async def test_what_could_not_be_told_is_told_again(kube: KubeReader, clock: Clock, objects: Objects) -> None:
    async with watching(kube, clock) as it:
        await it.told_of()
        it.deaf = 3
        objects.put(web(DENIED))
        await it.told_of("Deployment/web")
        assert it.deaf == 0
        assert len(it.time.backoffs) >= 3


async def test_namespaces_that_are_not_watched_are_not_told(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    objects.put(web(DENIED, namespace="playground"))
    ran = objects.put(kubelet.pod("ran", DENIED, namespace="playground", phase="Running"))
    objects.put(kubelet.failed(ran, FORBIDDEN))
    async with watching(kube, clock, watched=lambda namespace: namespace != "playground") as it:
        await it.told_of()
        objects.put(kubelet.failed(ran, NOT_FOUND))
        objects.put(of_deployment("api", 2, DENIED))
        await it.told_of("Deployment/api")
        assert not any("playground" in pull.namespace for pulls in it.told for pull in pulls)


# ---- causes, hosts, silence


async def test_a_cause_that_only_an_event_tells_is_found_before_and_after(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    old = objects.put(of_deployment("old", 1, waiting("ImagePullBackOff", BACK_OFF)))
    objects.put(kubelet.failed(old, FORBIDDEN))
    async with watching(kube, clock) as it:
        [pull] = await it.told_of("Deployment/old")
        assert pull.symptom is Symptom.FORBIDDEN
        new = objects.put(web(waiting("ImagePullBackOff", BACK_OFF)))
        await it.told_of("Deployment/old", "Deployment/web")
        objects.put(kubelet.failed(new, NOT_FOUND))
        await it.until(lambda: Symptom.TAG_NOT_FOUND in {pull.symptom for pull in it.told[-1]})
        objects.delete("pods", old["metadata"]["name"], "shop")
        objects.put(web(kubelet.running(), phase="Running"))
        await it.told_of()
        assert it.watch.kept == 0


async def test_a_node_is_read_once_and_one_that_cannot_be_read_stays_unknown(
    kube: KubeReader, clock: Clock, objects: Objects, front: Front
) -> None:
    objects.put(kubelet.node("node-1", karpenter_sh__nodepool="general"))
    objects.put(web(DENIED))
    objects.put(of_deployment("far", 1, DENIED, node="node-2"))
    async with watching(kube, clock) as it:
        pulls = await it.told_of("Deployment/far", "Deployment/web")
        assert {pull.workload: pull.host_kind for pull in pulls} == {
            "Deployment/web": "nodepool/general",
            "Deployment/far": "node",
        }
        objects.put(kubelet.node("node-2", karpenter_sh__nodepool="general"))
        objects.put(web(DENIED, 2))
        await it.until(lambda: len(it.told) == 2)
        assert [pull.host_kind for pull in it.told[-1]] == ["node", "nodepool/general"]
        assert (front.count("/nodes/node-1"), front.count("/nodes/node-2")) == (1, 1)


async def test_a_pull_that_hangs_is_told_after_a_while_and_then_its_failure(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    put = objects.put(web(CREATING))
    objects.put(kubelet.pulling(put, "2026-01-01T03:00:01Z"))
    objects.put(of_deployment("volumes", 2, CREATING))  # nothing was said of a pull
    async with watching(kube, clock) as it:
        await it.told_of()
        clock.set("2026-01-01T03:06:00Z")
        it.tick()
        [pull] = await it.told_of("Deployment/web")
        assert (pull.symptom, pull.message) == (Symptom.STALLED, "")
        objects.put(web(DENIED))
        await it.until(lambda: [pull.symptom for pull in it.told[-1]] == [Symptom.FORBIDDEN])


async def test_a_pull_that_came_through_while_nobody_looked_is_not_stalled(
    kube: KubeReader, clock: Clock, objects: Objects, front: Front
) -> None:
    put = objects.put(web(CREATING))
    objects.put(kubelet.pulling(put, "2026-01-01T03:04:00Z"))
    async with watching(kube, clock) as it:
        await it.told_of()
        clock.set("2026-01-01T03:06:00Z")
        it.tick()
        await it.until(lambda: front.count(f"name%3D{WEB}") == 1)
        objects.put(kubelet.pulled(put, "2026-01-01T03:07:00Z"))  # and creating the container takes long
        clock.set("2026-01-01T03:12:00Z")
        it.tick()
        await it.until(lambda: front.count(f"name%3D{WEB}") == 2)
        objects.put(of_deployment("api", 2, DENIED))
        await it.told_of("Deployment/api")


async def test_a_pull_that_hangs_and_comes_through_is_told_no_more(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    put = objects.put(web(CREATING))
    objects.put(kubelet.pulling(put, "2026-01-01T03:00:01Z"))
    clock.set("2026-01-01T03:06:00Z")
    async with watching(kube, clock) as it:
        it.tick()
        await it.told_of("Deployment/web")
        objects.put(web(kubelet.running(), phase="Running"))
        await it.told_of()


# ---- pods that ran before


async def test_a_pod_that_ran_and_fails_to_pull_again_is_noticed_by_its_event(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    objects.put(web(kubelet.running(), phase="Running"))
    async with watching(kube, clock) as it:
        await it.told_of()
        failing = objects.put(web(DENIED, phase="Running", restarts=1))
        objects.put(kubelet.event(failing, "Failed", "Error: ErrImagePull"))
        await it.told_of("Deployment/web")
        objects.put(web(kubelet.running(), phase="Running", restarts=2))
        it.tick()  # nothing else tells
        await it.told_of()


async def test_a_pod_that_ran_and_fails_is_found_at_the_start_without_events(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    objects.put(web(DENIED, phase="Running", restarts=1))
    async with watching(kube, clock) as it:
        await it.told_of("Deployment/web")
        objects.delete("pods", WEB, "shop")
        it.tick()
        await it.told_of()


async def test_a_pod_that_is_pending_again_and_then_runs_is_told_no_more(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    objects.put(web(DENIED, phase="Running"))
    async with watching(kube, clock) as it:
        await it.told_of("Deployment/web")
        objects.put(web(DENIED))
        objects.put(web(kubelet.running(), phase="Running"))
        await it.told_of()  # without any tick


async def test_an_event_about_the_pod_before_of_the_same_name_says_nothing(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    objects.put(web(DENIED))
    async with watching(kube, clock) as it:
        await it.told_of("Deployment/web")
        kept = it.watch.kept
        objects.put(kubelet.failed(web(DENIED), NOT_FOUND))  # its uid is not the one of the pod that is there
        objects.put(kubelet.pod("api", DENIED))
        await it.told_of("Deployment/web", "Pod/api")
        assert it.watch.kept == kept + 2  # a pod and a pull


async def test_events_about_other_trouble_cost_no_reads(
    kube: KubeReader, clock: Clock, objects: Objects, front: Front
) -> None:
    running = objects.put(web(waiting("CrashLoopBackOff", "back-off"), phase="Running", restarts=3))
    async with watching(kube, clock) as it:
        await it.told_of()
        objects.put(kubelet.event(running, "Failed", "Error: failed to create containerd task"))
        objects.put(of_deployment("api", 2, DENIED))
        await it.told_of("Deployment/api")
        assert front.count(f"/pods/{WEB}") == 0


async def test_an_event_about_a_pod_that_is_gone_changes_nothing(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    async with watching(kube, clock) as it:
        await it.told_of()
        objects.put(kubelet.failed(web(DENIED), FORBIDDEN))
        objects.put(of_deployment("api", 2, DENIED))
        await it.told_of("Deployment/api")


# ---- how much is kept


async def test_what_is_kept_follows_what_fails_and_not_the_cluster(
    kube: KubeReader, clock: Clock, objects: Objects
) -> None:
    for number in range(5000):
        objects.put(of_deployment("fine", number, kubelet.running(), phase="Running"))
    for number in range(10):
        objects.put(web(DENIED, number))
    async with watching(kube, clock) as it:
        [pull] = await it.told_of("Deployment/web")
        assert len(pull.pods) == 10
        assert it.watch.kept <= 10 + 2  # the pods, a node, a pull
        assert _pods_in_memory() <= 20
        for number in range(200):  # come and go
            objects.put(of_deployment("next", number, CREATING))
            objects.put(of_deployment("next", number, kubelet.running(), phase="Running"))
        objects.put(of_deployment("api", 2, DENIED))
        await it.told_of("Deployment/api", "Deployment/web")
        assert it.watch.kept <= 11 + 3


def _pods_in_memory() -> int:
    gc.collect()
    return sum(isinstance(one, Pod) for one in gc.get_objects())


async def test_messages_of_megabytes_are_not_kept(kube: KubeReader, clock: Clock, objects: Objects) -> None:
    put = objects.put(web(waiting("ErrImagePull", "x " * 500_000 + FORBIDDEN)))
    objects.put(kubelet.failed(put, "y " * 500_000 + FORBIDDEN))
    async with watching(kube, clock) as it:
        [pull] = await it.told_of("Deployment/web")
        assert len(pull.message) < 9_000
        assert pull.symptom is Symptom.FORBIDDEN
