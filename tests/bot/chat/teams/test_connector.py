"""What is posted in Teams arrives as it was given, and rosters are read whole."""

from __future__ import annotations

import pytest

from bot.chat.teams.connector import Connector, Member, Refused
from tests.bot.chat.teams.connecting import (
    ANA,
    BOT,
    CARD,
    CHANNEL,
    EDITED,
    TENANT,
    ZOE,
    open_chat,
)
from tests.fakes.connector import FakeConnector


async def test_a_thread_its_reply_and_an_edit_arrive_as_they_were_given(
    teams: FakeConnector, connector: Connector
) -> None:
    root = await connector.start_thread(teams.url, CHANNEL, TENANT, CARD)
    thread = f"{CHANNEL};messageid={root}"
    reply = await connector.send(teams.url, thread, CARD)
    await connector.update(teams.url, thread, reply, EDITED)
    [said] = teams.conversations[CHANNEL].said
    assert (said.id, said.activity) == (root, CARD)
    assert [(one.id, one.activity, one.edits) for one in said.replies] == [(reply, EDITED, 1)]


async def test_ids_are_quoted_in_paths_and_a_thread_is_made_in_its_channel_and_tenant(
    teams: FakeConnector, connector: Connector
) -> None:
    root = await connector.start_thread(teams.url, CHANNEL, TENANT, CARD)
    await connector.send(teams.url, f"{CHANNEL};messageid={root}", CARD)
    [thread, reply] = teams.asked
    assert thread.body["channelData"] == {"channel": {"id": CHANNEL}, "tenant": {"id": TENANT}}
    assert thread.body["isGroup"] is True
    assert reply.path == f"/teams/v3/conversations/19%3Aalerts%40thread.tacv2%3Bmessageid%3D{root}/activities"
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_what_teams_adds_to_the_protocol_is_kept(teams: FakeConnector, connector: Connector) -> None:
    told = {**CARD, "channelData": {"notification": {"alert": True}}, "importance": "high"}
    await connector.send(teams.url, CHANNEL, told)
    assert teams.conversations[CHANNEL].said[0].activity == told


async def test_a_chat_with_somebody_is_the_same_whenever_it_is_asked_for(
    teams: FakeConnector, connector: Connector
) -> None:
    first, second = [await open_chat(teams, connector) for _ in range(2)]
    assert first == second
    assert teams.asked[0].body == {
        "isGroup": False,
        "bot": {"id": BOT},
        "members": [{"id": ANA["id"]}],
        "tenantID": TENANT,
        "channelData": {"tenant": {"id": TENANT}},
    }
    await connector.send(teams.url, first, CARD)
    assert [one.activity for one in teams.conversations[first].said] == [CARD]


async def test_all_pages_of_a_roster_are_read_and_ids_are_entras_in_lower_case(
    teams: FakeConnector, connector: Connector
) -> None:
    people = [ANA, ZOE, {"id": "29:guest"}, {"id": "29:ben", "aadObjectId": "B" * 8}, ANA]
    teams.add(CHANNEL, people)
    assert await connector.members(teams.url, CHANNEL) == (
        Member("29:ana", "aaaaaaaa-0000-4000-8000-00000000000a", "ana@example.com", "Ana"),
        Member("29:zoe", "cccccccc-0000-4000-8000-00000000000c", "zoe@example.com", "Zoë Ørsted"),
        Member("29:guest", "", "", ""),
        Member("29:ben", "bbbbbbbb", "", ""),
    )
    assert len(teams.asked) == 3


async def test_a_roster_that_goes_round_in_circles_is_read_once(
    teams: FakeConnector, connector: Connector
) -> None:
    for _ in range(9):
        page = '{"members": [{"id": "29:ana"}], "continuationToken": "same"}'
        teams.answer_next(200, page, "application/json")
    assert await connector.members(teams.url, CHANNEL) == (Member("29:ana", "", "", ""),)
    assert len(teams.asked) == 2


async def test_one_member_is_found_by_either_id(teams: FakeConnector, connector: Connector) -> None:
    teams.add(CHANNEL, [ANA, ZOE])
    by_id = await connector.member(teams.url, CHANNEL, "29:zoe")
    assert (by_id.name, by_id.upn) == ("Zoë Ørsted", "zoe@example.com")
    assert await connector.member(teams.url, CHANNEL, ZOE["objectId"]) == by_id
    with pytest.raises(Refused) as refused:
        await connector.member(teams.url, CHANNEL, "29:nobody")
    assert refused.value.code == "MemberNotFoundInConversation"
