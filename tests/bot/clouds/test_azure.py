"""Azure's clients on its bad days, over HTTP: what is said, what is tried again, and whom nobody asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.clouds.azure import Azure as Clients
from bot.clouds.azure import Endpoints, Identities
from bot.demo import azure_world as world
from bot.demo.azure_api import AzureApi
from checks.azure.facts import Arm, Graph
from checks.model import NotFound, Unavailable
from handlers.remedies.azure.steps import ArmWriter
from handlers.remedy import Conflict
from tests.fakes.azure_front import Fault, Front, denied

READ = "Microsoft.ContainerRegistry/registries/read"
REGISTRIES = f"/subscriptions/{world.SUBSCRIPTION}/providers/Microsoft.ContainerRegistry/registries"


@pytest.fixture
async def front(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    one = Front(world.public_world(), secret="only-here")
    await one.start()
    for name, value in one.environment().items():
        monkeypatch.setenv(name, value)
    yield one
    await one.stop()


@pytest.fixture
async def clients(front: Front) -> AsyncIterator[Clients]:
    one = Clients(Endpoints(front.url, front.url))
    yield one
    await one.close()


def arm(clients: Clients) -> Any:
    return clients.roots[Arm]


def graph(clients: Clients) -> Any:
    return clients.roots[Graph]


def hands(clients: Clients) -> Any:
    return clients.hands[ArmWriter]


async def refusal(front: Front, clients: Clients, fault: Fault) -> str:
    front.faults = [fault]
    with pytest.raises(Unavailable) as raised:
        await arm(clients).get(world.ACR)
    return str(raised.value)


# ---- denials


async def test_a_denial_names_the_action_and_who_is_denied(front: Front, clients: Clients) -> None:
    said = await refusal(front, clients, Fault(world.ACR, 403, denied(READ)))
    assert f"Azure denies {READ} on {world.ACR} to 9f0d7a55-5c8f-4a58-9a0e-0f6f6c0b3b51" in said
    assert "5c0a1f0e-2f2b-4f3c-9a3e-6a5a7d1b9c11" in said
    assert "pullbot permissions azure" in said


async def test_a_denial_without_a_word_names_the_action_all_the_same(front: Front, clients: Clients) -> None:
    assert f"denies {READ}" in await refusal(front, clients, Fault(world.ACR, 403))


async def test_a_policy_that_refuses_is_told_with_its_own_words(front: Front, clients: Clients) -> None:
    body = '{"error": {"code": "RequestDisallowedByPolicy", "message": "no registries in the west"}}'
    said = await refusal(front, clients, Fault(world.ACR, 403, body))
    assert "refuses" in said
    assert "RequestDisallowedByPolicy" in said
    assert "no registries in the west" in said


async def test_what_is_missing_on_a_linked_resource_is_what_is_named(front: Front, clients: Clients) -> None:
    message = (
        "The client 'me' with object id 'aaaa' has permission to perform action "
        "'Microsoft.Network/privateDnsZones/virtualNetworkLinks/write' on scope '/x'; however, it does not "
        "have permission to perform action(s) 'Microsoft.Network/virtualNetworks/join/action' on the linked "
        "scope(s) '/y' or the linked scope(s) are invalid."
    )
    body = f'{{"error": {{"code": "LinkedAuthorizationFailed", "message": "{message}"}}}}'
    front.faults = [Fault(world.ACR, 403, body, method="PUT")]
    with pytest.raises(Unavailable, match=r"denies Microsoft\.Network/virtualNetworks/join/action"):
        await hands(clients).put(world.ACR, {})


async def test_graph_names_its_own_kind_of_permission(front: Front, clients: Clients) -> None:
    body = '{"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}}'
    front.faults = [Fault("/v1.0/", 403, body)]
    with pytest.raises(Unavailable, match=r"application permission Application\.Read\.All"):
        await graph(clients).get("/servicePrincipals(appId='x')")


async def test_credentials_that_are_not_accepted_are_told(front: Front, clients: Clients) -> None:
    body = '{"error": {"code": "ExpiredAuthenticationToken", "message": "The access token expiry is over."}}'
    said = await refusal(front, clients, Fault(world.ACR, 401, body))
    assert "does not accept the credentials" in said
    assert "ExpiredAuthenticationToken" in said


# ---- what is not there


async def test_what_arm_says_is_not_there_is_an_answer(clients: Clients) -> None:
    with pytest.raises(NotFound) as raised:
        await arm(clients).get(f"{world.ACR}gone")
    assert raised.value.code == "ResourceNotFound"


@pytest.mark.parametrize("code", ["SubscriptionNotFound", "InvalidResourceType"])
async def test_a_question_that_arrived_nowhere_is_no_answer(
    front: Front, clients: Clients, code: str
) -> None:
    body = f'{{"error": {{"code": "{code}", "message": "could not be found"}}}}'
    assert code in await refusal(front, clients, Fault(world.ACR, 404, body))


async def test_a_page_of_somebody_elses_is_no_answer(front: Front, clients: Clients) -> None:
    for status in (200, 404):
        page = Fault(world.ACR, status, "<html>Sign in to the guest network</html>", kind="text/html")
        assert READ in await refusal(front, clients, page)


async def test_what_is_no_object_is_no_answer(front: Front, clients: Clients) -> None:
    assert "no object" in await refusal(front, clients, Fault(world.ACR, 200, "[1, 2]"))


@pytest.mark.parametrize("path", ["", "contoso", "/subscriptions/x/providers/Contoso.Things/boxes/one"])
async def test_an_id_that_is_none_is_not_asked_for(front: Front, clients: Clients, path: str) -> None:
    with pytest.raises(Unavailable):
        await arm(clients).get(path)
    assert front.asked == []


# ---- patience


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_passes_is_asked_again_and_counts_once(
    front: Front, clients: Clients, status: int
) -> None:
    front.faults = [Fault(world.ACR, status, headers={"Retry-After": "0"}, times=2)]
    assert (await arm(clients).get(world.ACR))["name"] == world.REGISTRY
    assert len(front.asked) == 3
    assert clients.calls == 1


async def test_who_is_throttled_for_long_is_told_at_once_when_to_come_back(
    front: Front, clients: Clients
) -> None:
    began = time.monotonic()
    said = await refusal(front, clients, Fault(world.ACR, 429, headers={"Retry-After": "120"}))
    assert said == f"Azure throttles {READ}; ask again in 120 seconds"
    assert len(front.asked) == 1
    assert time.monotonic() - began < 2


async def test_a_connection_that_breaks_off_is_tried_again(front: Front, clients: Clients) -> None:
    front.faults = [Fault(world.ACR, drop=True, times=1)]
    assert (await arm(clients).get(world.ACR))["name"] == world.REGISTRY


async def test_a_service_that_is_gone_is_told_by_what_was_asked(front: Front, clients: Clients) -> None:
    front.faults = [Fault(world.ACR, drop=True)]
    with pytest.raises(Unavailable, match=f"did not answer {READ}"):
        await arm(clients).get(world.ACR)


async def test_a_change_is_never_sent_twice_where_it_may_have_arrived(front: Front, clients: Clients) -> None:
    for fault in (Fault(world.ACR, drop=True, method="PATCH"), Fault(world.ACR, 503, method="PATCH")):
        front.faults, front.asked = [fault], []
        with pytest.raises(Unavailable):
            await hands(clients).patch(world.ACR, {"properties": {}})
        assert len(front.asked) == 1


async def test_a_change_that_was_turned_away_at_the_door_is_sent_again(
    front: Front, clients: Clients
) -> None:
    front.faults = [Fault(world.ACR, 429, headers={"Retry-After": "0"}, times=1, method="PUT")]
    await hands(clients).put(world.ACR, {"properties": {"sku": "x"}})
    assert [method for method, _ in front.asked] == ["PUT", "PUT"]


# ---- lists


async def test_a_list_is_whole_whatever_its_pages(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        front.azure.put({"id": f"{world.ACR}{number}", "name": str(number), "properties": {}})
    one_each = Front(front.azure, secret="only-here", page=1)
    await one_each.start()
    clients = Clients(Endpoints(one_each.url, one_each.url))
    try:
        assert len((await arm(clients).get(REGISTRIES))["value"]) == 5
    finally:
        await clients.close()
        await one_each.stop()


async def test_a_list_is_not_continued_elsewhere(front: Front, clients: Clients) -> None:
    """Whoever could write such a link would be handed our token."""
    stranger = Front(world.public_world())
    await stranger.start()
    body = f'{{"value": [], "nextLink": "{stranger.url}{REGISTRIES}"}}'
    front.faults = [Fault(REGISTRIES, 200, body)]
    try:
        with pytest.raises(Unavailable, match="which is not asked"):
            await arm(clients).get(REGISTRIES)
        assert stranger.asked == []
    finally:
        await stranger.stop()


async def test_a_list_without_end_is_given_up(front: Front, clients: Clients) -> None:
    body = f'{{"value": [{{}}], "nextLink": "{front.url}{REGISTRIES}?again"}}'
    front.faults = [Fault(REGISTRIES, 200, body)]
    with pytest.raises(Unavailable, match="has no end"):
        await arm(clients).get(REGISTRIES)


async def test_a_redirection_is_not_followed(front: Front, clients: Clients) -> None:
    elsewhere = Fault(world.ACR, 302, headers={"Location": f"{front.url}{world.AKS}"})
    assert "302" in await refusal(front, clients, elsewhere)
    assert len(front.asked) == 1


# ---- who is asked for whom


async def test_clusters_share_who_is_signed_in(front: Front) -> None:
    identities = Identities()
    several = [Clients(Endpoints(front.url, front.url), identities=identities) for _ in range(5)]
    await asyncio.gather(*(arm(one).get(world.ACR) for one in several))
    assert front.tokens == 1
    for one in several:
        await one.close()
    await identities.close()


async def test_without_credentials_everybody_is_told_so_in_a_line(
    front: Front, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    answers = await asyncio.gather(*(arm(clients).get(world.ACR) for _ in range(10)), return_exceptions=True)
    [said] = {str(one) for one in answers}
    assert said.startswith(f"no usable Azure credentials for {READ}: ManagedIdentityCredential:")
    assert len(said.splitlines()) == 1
    assert len(said) < 400
    assert front.tokens == 1
    assert front.asked == []


async def test_outside_of_azure_the_sentence_says_what_there_could_be(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = await a_door_that_is_shut()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", nobody)
    clients = Clients(Endpoints())
    try:
        with pytest.raises(Unavailable) as raised:
            await arm(clients).get(world.ACR)
    finally:
        await clients.close()
    assert str(raised.value) == (
        f"no usable Azure credentials for {READ}: there is no workload identity, no managed identity, "
        "no AZURE_CLIENT_SECRET and no `az login`"
    )
    assert [one.getMessage() for one in caplog.records if one.name.startswith("azure.identity")] == []


async def a_door_that_is_shut() -> str:
    api = AzureApi(world.public_world())
    url = await api.start()
    await api.stop()
    return url


async def test_who_is_configured_to_write_is_not_whoever_is_signed_in(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's own identity reads; were it asked, it would be at a place that does not exist."""
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.setenv(name, "the-reader")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://127.0.0.1:1")
    clients = Clients(Endpoints(front.url, front.url), write_client_id="the-writer")
    try:
        assert (await hands(clients).get(world.ACR))["name"] == world.REGISTRY
    finally:
        await clients.close()
    assert front.tokens == 1


# ---- what takes long


async def an_operation(front: Front, clients: Clients, *states: Fault) -> Any:
    front.faults = list(states)
    return await hands(clients).put(world.ACR, {"properties": {"changed": True}})


def begun(header: str, link: Callable[[], str]) -> Fault:
    headers = {header: link(), "Retry-After": "0"}
    return Fault(world.ACR, 202, "{}", headers, times=1, method="PUT")


@pytest.mark.parametrize("header", ["Azure-AsyncOperation", "Location"])
async def test_an_operation_is_followed_to_its_end(front: Front, clients: Clients, header: str) -> None:
    """Through a moment in which nobody can say how it goes."""
    there = await an_operation(
        front, clients,
        begun(header, lambda: f"{front.url}/operations/x"),
        Fault("/operations/x", 202, '{"status": "Scaling"}', {"Retry-After": "0"}, times=2),
        Fault("/operations/x", 503, "", {"Retry-After": "0"}, times=3),
        Fault("/operations/x", 200, '{"status": "Succeeded"}'),
    )  # fmt: skip
    assert there["name"] == world.REGISTRY


async def test_an_operation_tells_how_far_it_is(front: Front, clients: Clients) -> None:
    told: list[str] = []
    half = '{"status": "InProgress", "percentComplete": 50.0}'
    front.faults = [
        begun("Azure-AsyncOperation", lambda: f"{front.url}/operations/x"),
        Fault("/operations/x", 200, half, {"Retry-After": "0"}, times=1),
        Fault("/operations/x", 200, '{"status": "Succeeded"}'),
    ]
    await hands(clients).telling(told.append).put(world.ACR, {"properties": {"changed": True}})
    assert told == ["Azure says InProgress, 50 % done"]


@pytest.mark.parametrize("end", ["Failed", "Canceled"])
async def test_an_operation_that_ends_badly_may_have_changed_something(
    front: Front, clients: Clients, end: str
) -> None:
    """So it is no ``Conflict``, of which nothing is walked back."""
    body = f'{{"status": "{end}", "error": {{"code": "QuotaExceeded", "message": "too many"}}}}'
    with pytest.raises(Unavailable, match=f"ended .*write with {end}: QuotaExceeded too many"):
        await an_operation(
            front, clients,
            begun("Azure-AsyncOperation", lambda: f"{front.url}/operations/x"),
            Fault("/operations/x", 200, body),
        )  # fmt: skip


async def test_a_resource_that_is_still_being_made_is_waited_for(front: Front, clients: Clients) -> None:
    updating = '{"properties": {"provisioningState": "Updating"}}'
    there = await an_operation(
        front, clients,
        Fault(world.ACR, 200, updating, {"Retry-After": "0"}, times=1, method="PUT"),
        Fault(world.ACR, 200, updating, {"Retry-After": "0"}, times=1),
    )  # fmt: skip
    assert there["properties"]["provisioningState"] == "Succeeded"


async def test_nobody_is_asked_elsewhere_how_it_goes(front: Front, clients: Clients) -> None:
    with pytest.raises(NotFound):
        await an_operation(front, clients, begun("Location", lambda: f"{front.url}/operations/unknown"))


async def test_deleting_what_is_gone_is_no_failure(front: Front, clients: Clients) -> None:
    await hands(clients).delete(world.PULL_ASSIGNMENT)
    assert world.PULL_ASSIGNMENT.lower() not in front.azure.resources
    await hands(clients).delete(world.PULL_ASSIGNMENT)


@pytest.mark.parametrize("status", [409, 412])
async def test_another_change_meanwhile_is_a_conflict(front: Front, clients: Clients, status: int) -> None:
    body = '{"error": {"code": "AnotherOperationInProgress", "message": "wait"}}'
    front.faults = [Fault(world.ACR, status, body, method="PATCH")]
    with pytest.raises(Conflict, match="AnotherOperationInProgress"):
        await hands(clients).patch(world.ACR, {"tags": {}})
