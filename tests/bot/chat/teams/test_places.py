"""Where Teams is reached is what the store says, whoever wrote it there; nothing outlives the app."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.chat.teams.places import Places, Reference
from bot.settings_shape import Teams
from tests.fakes.teams_desk import Shelf

SETTINGS = Teams(app_id="1c2d3e4f-0000-4000-8000-00000000abcd")
HERE = Reference("https://smba.trafficmanager.net/emea/", "19:a@thread.tacv2", "channel", "t", "g", "28:us")
MOVED = replace(HERE, service_url="https://smba.trafficmanager.net/apac/")
ALONE = Reference(HERE.service_url, "a:1alice", "personal", "t", bot="28:us")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def replicas(shelf: Shelf) -> tuple[Places, Places]:
    return Places(shelf, SETTINGS), Places(shelf, SETTINGS)


async def test_what_one_replica_forgot_another_learns_anew(replicas: tuple[Places, Places]) -> None:
    one, other = replicas
    await one.learn(HERE)
    await other.forget(HERE)
    assert (await one.of(HERE.conversation)).team == ""
    await one.learn(HERE)
    assert await one.of(HERE.conversation) == await other.of(HERE.conversation) == HERE


async def test_what_was_told_last_counts_whichever_replica_heard_it(replicas: tuple[Places, Places]) -> None:
    one, other = replicas
    await one.learn(HERE)
    await other.learn(MOVED)
    await one.learn(HERE)
    assert await other.of(HERE.conversation) == HERE


async def test_nothing_is_left_of_a_chat_that_the_app_was_removed_from(
    shelf: Shelf, replicas: tuple[Places, Places]
) -> None:
    one, other = replicas
    await one.learn(ALONE, "alice")
    assert await other.chat_with("alice") == ALONE
    await other.forget(ALONE, "alice")
    assert await one.chat_with("alice") is None
    assert [place for _, place in shelf.kept] == ["service"]


async def test_a_message_in_a_channel_is_of_the_team_that_an_installation_told(
    replicas: tuple[Places, Places],
) -> None:
    one, other = replicas
    await one.learn(HERE, team="19:general@thread.tacv2")
    await other.learn(replace(MOVED, team=""), team="19:general@thread.tacv2")
    assert await one.of(HERE.conversation) == MOVED


async def test_a_channel_that_nothing_was_heard_from_is_guessed_to_be_of_the_team_with_the_app(
    replicas: tuple[Places, Places],
) -> None:
    one, other = replicas
    unheard = "19:b@thread.tacv2"
    assert (await one.of(unheard)).team == ""
    await one.learn(replace(HERE, conversation="19:general@thread.tacv2"), team="19:general@thread.tacv2")
    assert await other.of(unheard) == Reference(
        HERE.service_url, unheard, "channel", SETTINGS.tenant_id, "g", f"28:{SETTINGS.app_id}"
    )
    assert (await other.of("19:c@thread.v2")).team == ""
