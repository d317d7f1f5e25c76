"""Who is in an Entra group, and whether a message arrived; what Graph does not say is an error."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.chat.message import Message, Paragraph
from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.card import render
from bot.chat.teams.graph import Graph
from bot.chat.teams.identity import Unsigned
from bot.chat.teams.places import Reference
from checks.secret import Secret
from tests.fakes.graph import READ_CHANNEL, READ_CHAT, READ_GROUPS, FakeGraph, Trouble, Written, serve_graph

GROUP, TEAM = "5d2f1c7a-0000-4000-8000-00000000f00d", "7e0c4a9d-0000-4000-8000-0000000000aa"
APP, OTHER_APP = "9f0d7a55-5c8f-4a58-9a0e-0f6f6c0b3b51", "00000000-0000-4000-8000-000000000bad"
CHANNEL = Reference("https://teams.example", "19:abc@thread.tacv2", "channel", "tenant", TEAM, f"28:{APP}")
CARD = "application/vnd.microsoft.card.adaptive"
CHAT = Reference("https://teams.example", "19:abc@thread.v2", "groupChat", "tenant", "", f"28:{APP}")


class Signed:
    """An ``Identity`` with one token for one scope."""

    def __init__(self, it: str = "t0ken", next: str = "") -> None:
        self.it, self.next = it, next
        self.scopes: list[str] = []

    async def token(self, scope: str) -> Secret[str] | None:
        self.scopes.append(scope)
        return Secret(self.it)

    def refused(self, scope: str, token: Secret[str]) -> bool:
        self.it, renewed = self.next or self.it, bool(self.next)
        self.next = ""
        return renewed

    async def close(self) -> None: ...


@pytest.fixture
async def fake() -> AsyncIterator[FakeGraph]:
    async with serve_graph("t0ken") as fake:
        yield fake


@pytest.fixture
async def graph(fake: FakeGraph) -> AsyncIterator[Graph]:
    graph = Graph(f"{fake.url}/", Signed())
    yield graph
    await graph.close()


def card(key: str) -> dict[str, object]:
    return render(Message("answer", "It pulls.", (Paragraph(("It pulls.",)),)), key=key)


def ours(ref: str, key: str, root: str = "") -> Written:
    return Written(ref, card(key), APP, root)


# ---- groups


async def test_a_group_is_its_people_and_nothing_else(fake: FakeGraph, graph: Graph) -> None:
    fake.groups[GROUP] = ["AAAA-1", "bbbb-2", ("group", "cccc-3"), ("device", "dddd-4")]
    assert await graph.group_members(GROUP) == {"aaaa-1", "bbbb-2"}


async def test_an_empty_group_has_nobody(fake: FakeGraph, graph: Graph) -> None:
    fake.groups[GROUP] = []
    assert await graph.group_members(GROUP) == frozenset()


async def test_a_group_is_read_to_its_end(fake: FakeGraph, graph: Graph) -> None:
    fake.page = 3
    fake.groups[GROUP] = [f"u{number}" for number in range(10)]
    assert len(await graph.group_members(GROUP)) == 10
    assert len(fake.asked) == 4


async def test_members_are_asked_for_as_they_are_and_not_from_an_index(fake: FakeGraph, graph: Graph) -> None:
    fake.groups[GROUP] = ["u1"]
    await graph.group_members(GROUP)
    assert fake.asked == [f"/v1.0/groups/{GROUP}/transitiveMembers"]
    assert "ConsistencyLevel" not in fake.headers[0]


async def test_a_group_without_an_end_is_given_up(fake: FakeGraph, graph: Graph) -> None:
    fake.page = 1
    fake.groups[GROUP] = [f"u{number}" for number in range(101)]
    with pytest.raises(ChatRefused, match="too many to read"):
        await graph.group_members(GROUP)
    assert len(fake.asked) == 100


async def test_a_group_that_may_not_be_read_is_an_error_with_what_to_grant(
    fake: FakeGraph, graph: Graph
) -> None:
    fake.groups[GROUP] = ["u1"]
    fake.granted.remove(READ_GROUPS)
    with pytest.raises(ChatRefused, match=r"403 Authorization_RequestDenied.*GroupMember\.Read\.All"):
        await graph.group_members(GROUP)


async def test_a_group_that_is_not_there_is_an_error(graph: Graph) -> None:
    with pytest.raises(ChatRefused, match="object id of a group in this tenant"):
        await graph.group_members(GROUP)


@pytest.mark.parametrize("status", [408, 412, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_told_as_that(fake: FakeGraph, graph: Graph, status: int) -> None:
    fake.groups[GROUP] = ["u1"]
    fake.trouble.append(Trouble(status, headers={"Retry-After": "17"}))
    with pytest.raises(ChatDown, match=str(status)) as down:
        await graph.group_members(GROUP)
    assert down.value.retry_after == 17.0
    assert await graph.group_members(GROUP) == {"u1"}


@pytest.mark.parametrize("after", ["", "soon", "-3", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_strange_time_to_wait_is_none(fake: FakeGraph, graph: Graph, after: str) -> None:
    fake.trouble.append(Trouble(503, headers={"Retry-After": after}))
    with pytest.raises(ChatDown) as down:
        await graph.group_members(GROUP)
    assert down.value.retry_after == 5.0


async def test_nobody_waits_for_longer_than_five_minutes(fake: FakeGraph, graph: Graph) -> None:
    fake.trouble.append(Trouble(429, headers={"Retry-After": "86400"}))
    with pytest.raises(ChatDown) as down:
        await graph.group_members(GROUP)
    assert down.value.retry_after == 300.0


async def test_trouble_on_a_later_page_is_no_shorter_group(fake: FakeGraph, graph: Graph) -> None:
    more = {
        "value": [{"@odata.type": "#microsoft.graph.user", "id": "u1"}],
        "@odata.nextLink": f"{fake.url}/x",
    }
    fake.trouble = [Trouble(200, json.dumps(more)), Trouble(503)]
    with pytest.raises(ChatDown):
        await graph.group_members(GROUP)


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(200, "<html>Sign in to the network</html>"),
        Trouble(302, "", {"Location": "http://127.0.0.1:9/"}),
        Trouble(200, "[]"),
    ],
)
async def test_what_is_not_graphs_answer_is_none(fake: FakeGraph, graph: Graph, trouble: Trouble) -> None:
    fake.trouble.append(trouble)
    with pytest.raises(ChatDown):
        await graph.group_members(GROUP)
    assert len(fake.asked) == 1


async def test_who_hangs_up_did_not_answer(fake: FakeGraph, graph: Graph) -> None:
    fake.trouble = [Trouble(drop=True)] * 2  # a read is tried again at once, by the client
    with pytest.raises(ChatDown, match="did not answer for the members of the group"):
        await graph.group_members(GROUP)


async def test_a_link_that_leads_elsewhere_is_not_followed(fake: FakeGraph, graph: Graph) -> None:
    async with serve_graph() as elsewhere:
        fake.page, fake.next_page_at = 1, elsewhere.url
        fake.groups[GROUP] = elsewhere.groups[GROUP] = ["u1", "u2"]
        with pytest.raises(ChatRefused, match=r"leads to 127\.0\.0\.1:.*not followed"):
            await graph.group_members(GROUP)
        assert elsewhere.asked == []


@pytest.mark.parametrize("link", ["https://{host}/v1.0/x", "http://someone@{host}/v1.0/x", "//{host}/x", "x"])
async def test_a_link_with_another_scheme_or_a_login_is_not_followed(
    fake: FakeGraph, graph: Graph, link: str
) -> None:
    where = link.format(host=fake.url.removeprefix("http://"))
    fake.trouble.append(Trouble(200, f'{{"value": [], "@odata.nextLink": "{where}"}}'))
    with pytest.raises(ChatRefused, match="not followed"):
        await graph.group_members(GROUP)
    assert len(fake.asked) == 1


async def test_the_token_is_for_this_cloud(fake: FakeGraph) -> None:
    identity = Signed()
    graph = Graph(f"{fake.url}/", identity)
    fake.groups[GROUP] = []
    await graph.group_members(GROUP)
    await graph.close()
    assert identity.scopes == [f"{fake.url}/.default"]


async def test_another_token_is_asked_for_when_one_is_not_taken_any_more(fake: FakeGraph) -> None:
    graph = Graph(fake.url, Signed("revoked", next="t0ken"))
    fake.groups[GROUP] = []
    assert await graph.group_members(GROUP) == frozenset()
    await graph.close()


async def test_a_token_that_is_not_taken_is_an_error(fake: FakeGraph) -> None:
    graph = Graph(fake.url, Signed("another"))
    with pytest.raises(ChatRefused, match="401 InvalidAuthenticationToken"):
        await graph.group_members(GROUP)
    await graph.close()


async def test_without_a_login_only_this_machine_is_asked(fake: FakeGraph) -> None:
    far = Graph("https://graph.microsoft.com", Unsigned())
    with pytest.raises(ChatRefused, match="without a login"):
        await far.group_members(GROUP)
    assert await far.find(CHANNEL, "", "note:1") is None
    fake.token, fake.groups[GROUP] = "", ["u1"]
    near = Graph(fake.url, Unsigned())
    assert await near.group_members(GROUP) == {"u1"}
    assert "Authorization" not in fake.headers[0]
    await near.close()
    await far.close()


# ---- messages


async def test_a_root_is_found_by_its_key(fake: FakeGraph, graph: Graph) -> None:
    for number in range(3):
        fake.write(CHANNEL.conversation, ours(f"170{number}", f"note:{number}"), team=TEAM)
    assert await graph.find(CHANNEL, "", "note:1") == "1701"
    assert await graph.find(CHANNEL, "", "note:9") is None
    assert await graph.find(CHANNEL, "", "note:") is None, "a key is a whole one"


async def test_a_reply_is_found_in_its_thread_alone(fake: FakeGraph, graph: Graph) -> None:
    fake.write(CHANNEL.conversation, ours("1700", "root"), team=TEAM)
    fake.write(CHANNEL.conversation, ours("1701", "note:1", "1700"), team=TEAM)
    assert await graph.find(CHANNEL, "1700", "note:1") == "1701"
    assert await graph.find(CHANNEL, "", "note:1") is None
    assert await graph.find(CHANNEL, "1699", "note:1") is None
    assert await graph.find(CHANNEL, "1700", "root") is None


async def test_a_group_chat_has_no_threads(fake: FakeGraph, graph: Graph) -> None:
    fake.write(CHAT.conversation, ours("1700", "note:1"))
    assert await graph.find(CHAT, "", "note:1") == "1700"
    assert await graph.find(CHAT, "1699", "note:1") == "1700"


@pytest.mark.parametrize(
    "written",
    [
        Written("1700", card("note:1"), ""),
        Written("1700", card("note:1"), OTHER_APP),
        Written("1700", card("note:1"), APP, kind="application/vnd.microsoft.card.hero"),
        Written("1700", card("note:1"), APP, deleted=True),
        Written("1700", card("note:1"), APP, listed=False),
        Written("1700", None, APP),
        Written("1700", {"body": ["pullbot:note:1"]}, APP),
    ],
)
async def test_what_is_not_our_message_is_not_found(fake: FakeGraph, graph: Graph, written: Written) -> None:
    fake.write(CHANNEL.conversation, written, team=TEAM)
    assert await graph.find(CHANNEL, "", "note:1") is None


async def test_who_does_not_know_who_we_are_finds_nothing(fake: FakeGraph, graph: Graph) -> None:
    fake.write(CHANNEL.conversation, Written("1700", card("note:1"), ""), team=TEAM)
    assert await graph.find(replace(CHANNEL, bot=""), "", "note:1") is None


async def test_among_the_newest_two_hundred_and_no_further(fake: FakeGraph, graph: Graph) -> None:
    for number in range(201):
        fake.write(CHANNEL.conversation, ours(str(number), f"note:{number}"), team=TEAM)
    assert await graph.find(CHANNEL, "", "note:1") == "1"
    assert len(fake.asked) == 4
    assert await graph.find(CHANNEL, "", "note:0") is None
    assert len(fake.asked) == 8
    assert await graph.find(CHANNEL, "", "note:200") == "200"
    assert len(fake.asked) == 9


@pytest.mark.parametrize("place", [CHANNEL, CHAT])
async def test_without_the_permission_nothing_is_found_and_that_is_told_once(
    fake: FakeGraph, graph: Graph, place: Reference, caplog: pytest.LogCaptureFixture
) -> None:
    fake.write(place.conversation, ours("1700", "note:1"), team=place.team)
    fake.granted -= {READ_CHANNEL, READ_CHAT}
    with caplog.at_level(logging.INFO, "bot.chat.teams.graph"):
        assert [await graph.find(place, "", "note:1") for _ in range(3)] == [None, None, None]
    [told] = caplog.messages
    assert (READ_CHANNEL if place is CHANNEL else READ_CHAT) in told
    assert place.conversation in told


async def test_a_conversation_that_graph_does_not_know_has_no_message(graph: Graph) -> None:
    assert await graph.find(CHANNEL, "1700", "note:1") is None


async def test_where_graph_cannot_look_it_is_not_asked(fake: FakeGraph, graph: Graph) -> None:
    assert await graph.find(replace(CHANNEL, team=""), "", "note:1") is None
    assert await graph.find(replace(CHAT, kind="personal"), "", "note:1") is None
    assert fake.asked == []


async def test_while_graph_is_away_it_is_not_known_whether_it_arrived(fake: FakeGraph, graph: Graph) -> None:
    fake.write(CHANNEL.conversation, ours("1700", "note:1"), team=TEAM)
    fake.trouble = [
        Trouble(503),
        Trouble(429, headers={"Retry-After": "9"}),
        Trouble(drop=True),
        Trouble(drop=True),
    ]
    for _ in range(3):
        with pytest.raises(ChatDown, match="the messages in 19:abc@thread"):
            await graph.find(CHANNEL, "", "note:1")
    assert await graph.find(CHANNEL, "", "note:1") == "1700"


async def test_where_no_way_leads_to_graph_it_is_not_waited_for_without_end(
    fake: FakeGraph, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    graph = Graph(fake.url, Signed(), clock=lambda: now)
    fake.write(CHANNEL.conversation, ours("1700", "note:1"), team=TEAM)
    fake.trouble = [Trouble(503) for _ in range(5)]
    for now in (0.0, 59.0):  # noqa: B007  the clock
        with pytest.raises(ChatDown):
            await graph.find(CHANNEL, "", "note:1")
    now = 60.0
    assert [await graph.find(CHANNEL, "", "note:1") for _ in range(2)] == [None, None]
    [told] = caplog.messages
    assert "may be posted twice: Microsoft Graph answered 503" in told
    fake.trouble = []
    assert await graph.find(CHANNEL, "", "note:1") == "1700"
    fake.trouble = [Trouble(503)]
    with pytest.raises(ChatDown):
        await graph.find(CHANNEL, "", "note:1")
    await graph.close()


async def test_without_a_token_for_graph_a_message_is_not_kept_back(
    fake: FakeGraph, caplog: pytest.LogCaptureFixture
) -> None:
    class Refused(Signed):
        async def token(self, scope: str) -> Secret[str] | None:
            raise ChatRefused("Entra refuses the bot's token (AADSTS53003)")

    graph = Graph(fake.url, Refused())
    assert await graph.find(CHANNEL, "", "note:1") is None
    assert "AADSTS53003" in caplog.text


FROM_US = {"id": "1", "from": {"application": {"id": APP}}}


@pytest.mark.parametrize(
    "value",
    [
        "none",
        [1, None, {"from": 3}, {"from": {"application": {"id": None}}}],
        [FROM_US],
        [{**FROM_US, "attachments": {"a": 1}}],
        [{**FROM_US, "attachments": [0, {"contentType": CARD, "content": "{"}]}],
        [{**FROM_US, "attachments": [{"contentType": CARD, "content": "[]"}, {"contentType": CARD}]}],
    ],
)
async def test_whatever_shape_it_has_it_is_not_our_message(
    fake: FakeGraph, graph: Graph, value: object
) -> None:
    fake.trouble.append(Trouble(200, json.dumps({"value": value})))
    assert await graph.find(CHANNEL, "", "note:1") is None


async def test_ids_are_quoted_and_lead_nowhere_else(fake: FakeGraph, graph: Graph) -> None:
    odd = replace(CHANNEL, conversation="19:a/../../../chats/19:b@thread.v2")
    fake.write("19:b@thread.v2", ours("1700", "note:1"))
    assert await graph.find(odd, "", "note:1") is None
    assert await graph.find(CHANNEL, "1700/../..", "note:1") is None
