"""Whatever an API server does, the watch loses nothing, says when it sees nothing, and pesters nobody."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.clouds._kube import KubeReader
from bot.demo.kubernetes_api import KubernetesApi
from bot.demo.objects import Objects
from tests.bot.watch.watching import watching
from tests.fakes import kubelet
from tests.fakes.kube_front import CUT, DROP, NOTHING, Front
from tests.fakes.kubelet import FORBIDDEN, Clock, Tree, of_deployment, waiting

DENIED = waiting("ErrImagePull", FORBIDDEN)
WEB = "web-6bc68cc94d-00001"


def web(state: Tree, number: int = 1) -> Tree:
    return of_deployment("web", number, state)


def ending(api: KubernetesApi, holds: Callable[[], bool]) -> Callable[[], bool]:
    """End watches until it holds: one that was asked for may not have begun yet."""

    def looked_at() -> bool:
        if holds():
            return True
        api.end_watches()
        return False

    return looked_at


@pytest.mark.parametrize("how", ["event", "status"])
async def test_a_forgotten_version_means_a_new_list(
    how: str, kube: KubeReader, clock: Clock, api: KubernetesApi
) -> None:
    api.objects.put(web(DENIED))
    async with watching(kube, clock) as it:
        await it.told_of("Deployment/web")
        if how == "event":
            api.end_watches(gone=True)
        else:
            api.compact()
            api.end_watches()
            api.compact()
        api.objects.delete("pods", WEB, "shop")
        api.objects.put(of_deployment("api", 2, DENIED))
        api.compact()
        await it.told_of("Deployment/api")
        assert it.ups == [True]


async def test_nothing_is_lost_when_watches_end_or_break(
    kube: KubeReader, clock: Clock, api: KubernetesApi, front: Front
) -> None:
    async with watching(kube, clock) as it:
        await it.told_of()
        expected = []
        for number in range(12):
            front.trouble("watch=true", status=(DROP, CUT, 500, 429)[number % 4], times=1)
            api.end_watches()
            api.objects.put(of_deployment(f"web{number}", number, DENIED))
            expected.append(f"Deployment/web{number}")
            await it.told_of(*expected)
        assert front.count("/pods", "limit=") == 2  # one list of each phase was enough


async def test_one_watch_that_breaks_is_nothing_to_speak_of(
    kube: KubeReader, clock: Clock, api: KubernetesApi, front: Front
) -> None:
    async with watching(kube, clock) as it:
        await it.told_of()
        front.trouble("watch=true", status=500, times=1)
        await it.until(ending(api, lambda: front.troubles[0].times == 0))
        api.objects.put(web(DENIED))
        await it.told_of("Deployment/web")
        assert it.ups == [True]


async def test_a_watch_goes_on_from_the_last_version_seen(
    kube: KubeReader, clock: Clock, api: KubernetesApi, front: Front
) -> None:
    async with watching(kube, clock) as it:
        await it.told_of()
        api.objects.put(web(DENIED))
        await it.told_of("Deployment/web")
        last = f"resourceVersion={api.objects.revision}"  # known to both from the bookmark at the end
        await it.until(
            ending(api, lambda: all(front.count(one, "watch=true", last) for one in ("/pods", "/events")))
        )
        api.compact()
        api.end_watches()
        api.objects.put(of_deployment("api", 2, DENIED))
        await it.told_of("Deployment/api", "Deployment/web")
        assert front.count("limit=") == 3  # Pending and Running pods, and events: each listed once


async def test_who_cannot_see_says_so_and_says_when_it_is_over(
    kube: KubeReader, clock: Clock, api: KubernetesApi, front: Front
) -> None:
    front.trouble("/pods", status=403)
    async with watching(kube, clock) as it:
        await it.until(lambda: it.ups == [False])
        assert it.told == []  # not seeing is not "nothing fails"
        front.heal()
        await it.told_of()
        await it.until(lambda: it.ups == [False, True])
        front.trouble("watch=true", status=DROP)
        await it.until(ending(api, lambda: it.ups == [False, True, False]))
        front.heal()
        api.objects.put(web(DENIED))
        put = api.objects.put(kubelet.pod("other", DENIED))
        api.objects.put(kubelet.failed(put, FORBIDDEN))
        await it.told_of("Deployment/web", "Pod/other")
        await it.until(lambda: it.ups[-1])


async def test_without_the_right_to_see_events_much_is_still_seen(
    kube: KubeReader, clock: Clock, objects: Objects, front: Front
) -> None:
    front.trouble("/events", status=403)
    objects.put(web(DENIED))
    async with watching(kube, clock) as it:
        await it.told_of("Deployment/web")
        assert True not in it.ups


async def test_a_server_that_ends_watches_at_once_is_not_pestered(
    kube: KubeReader, clock: Clock, front: Front
) -> None:
    async with watching(kube, clock) as it:
        await it.told_of()
        front.trouble("watch=true", status=NOTHING)
        before = len(it.time.backoffs)
        front.asked.clear()
        await it.until(lambda: front.count("watch=true") >= 12)
        waited = it.time.backoffs[before:]
        assert len(waited) >= front.count("watch=true") - 2  # no watch without a pause before it
        assert sum(waited) > 60  # and the pauses grow
