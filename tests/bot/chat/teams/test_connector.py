"""Posting to Teams on good days and bad: who may try again, who must act, and that no token is seen."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import time as real
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.connector import Connector, Member, Refused
from bot.chat.teams.identity import Identity
from bot.chat.teams.tokens import KeysUnavailable
from checks.secret import Secret
from tests.fakes.authority import authority
from tests.fakes.connector import FakeConnector, serve_connector

CHANNEL = "19:alerts@thread.tacv2"
TENANT = "0c6f5f9b-2a3e-4a0a-9c1b-7e1f0f2b9d10"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJib3QifQ.c2lnbmF0dXJl"
CARD: dict[str, Any] = {
    "type": "message",
    "summary": "down",
    "attachments": [
        {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "type": "AdaptiveCard",
                "body": [{"type": "TextBlock", "text": "Zoë’s döwn", "wrap": True}],
            },
        }
    ],
}
EDITED = {**CARD, "summary": "up"}
BOT = "28:7a1f0c7e-55d0-4a52-8f57-1c1c6d8f0a11"
ANA = {
    "id": "29:ana",
    "objectId": "AAAAAAAA-0000-4000-8000-00000000000A",
    "userPrincipalName": "ana@example.com",
    "name": "Ana",
}
ZOE = {
    "id": "29:zoe",
    "objectId": "CCCCCCCC-0000-4000-8000-00000000000C",
    "userPrincipalName": "zoe@example.com",
    "name": "Zoë Ørsted",
}


class Known(Identity):
    """An identity that has its token, or a reason why not."""

    def __init__(self) -> None:
        self.now = TOKEN
        self.scopes: list[str] = []
        self.failure: Exception | None = None

    async def token(self, scope: str) -> Secret[str] | None:
        self.scopes.append(scope)
        if self.failure is not None:
            raise self.failure
        return Secret(self.now) if self.now else None

    async def close(self) -> None:
        pass


class Time:
    """Passes only while somebody waits; ``meanwhile`` something may happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        if self.meanwhile is not None:
            await self.meanwhile()
            self.meanwhile = None


async def scope() -> str:
    return "https://api.botframework.com/.default"


@pytest.fixture
async def teams() -> AsyncIterator[FakeConnector]:
    async with serve_connector(TOKEN, page=2) as teams:
        teams.add(CHANNEL)
        teams.people[ANA["id"]] = ANA
        yield teams


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
async def connector(time: Time, known: Known) -> AsyncIterator[Connector]:
    connector = Connector(known, scope, clock=time, pause=time.pause, spread=lambda: 0.5)
    connector.open()
    yield connector
    await connector.close()


def numbered(number: int) -> dict[str, Any]:
    return {**CARD, "summary": str(number)}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  what is waited for happens in a server and its clients
            await asyncio.sleep(0.001)


Made = Callable[[FakeConnector, Connector], Awaitable[object]]


async def post(teams: FakeConnector, connector: Connector) -> str:
    return await connector.send(teams.url, CHANNEL, CARD)


async def open_thread(teams: FakeConnector, connector: Connector) -> str:
    return await connector.start_thread(teams.url, CHANNEL, TENANT, CARD)


async def edit(teams: FakeConnector, connector: Connector) -> None:
    if not teams.conversations[CHANNEL].said:
        await connector.send(teams.url, CHANNEL, CARD)
        teams.asked.clear()
    await connector.update(teams.url, CHANNEL, teams.conversations[CHANNEL].said[0].id, EDITED)


async def read(teams: FakeConnector, connector: Connector) -> tuple[Member, ...]:
    return await connector.members(teams.url, CHANNEL)


async def open_chat(teams: FakeConnector, connector: Connector) -> str:
    return await connector.start_chat(teams.url, TENANT, BOT, ANA["id"])


NEW = [post, open_thread]  # what must not be there twice
ANY = [post, open_thread, edit, read, open_chat]
AGAIN = [edit, read, open_chat]


# ---- good days


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


async def test_one_member_is_found_by_either_id(teams: FakeConnector, connector: Connector) -> None:
    teams.add(CHANNEL, [ANA, ZOE])
    by_id = await connector.member(teams.url, CHANNEL, "29:zoe")
    assert (by_id.name, by_id.upn) == ("Zoë Ørsted", "zoe@example.com")
    assert await connector.member(teams.url, CHANNEL, ZOE["objectId"]) == by_id
    with pytest.raises(Refused) as refused:
        await connector.member(teams.url, CHANNEL, "29:nobody")
    assert refused.value.code == "MemberNotFoundInConversation"


# ---- days on which Teams has too much to do


@pytest.mark.parametrize("make", ANY)
@pytest.mark.parametrize("status", [412, 429])
async def test_what_was_certainly_not_done_is_tried_again_when_teams_said(
    teams: FakeConnector, connector: Connector, time: Time, make: Made, status: int
) -> None:
    await make(teams, connector)
    teams.asked.clear()
    teams.fail_next(status, "Throttled", headers={"Retry-After": "7"})
    await make(teams, connector)
    assert len(teams.asked) == 2
    assert sum(time.pauses) == pytest.approx(7.5)


async def test_waits_become_longer_and_are_spread(
    teams: FakeConnector, connector: Connector, time: Time
) -> None:
    for _ in range(4):
        teams.fail_next(429, "Throttled")
    await post(teams, connector)
    assert time.pauses == [1.5, 2.5, 4.5, 8.5]


@pytest.mark.parametrize("make", ANY)
async def test_after_five_tries_it_is_left_to_who_asked(
    teams: FakeConnector, connector: Connector, make: Made
) -> None:
    await make(teams, connector)
    teams.asked.clear()
    for _ in range(9):
        teams.fail_next(429, "Throttled")
    with pytest.raises(ChatDown, match="too many at once"):
        await make(teams, connector)
    assert len(teams.asked) == 5


async def test_whoever_would_have_to_wait_for_long_is_told_so_at_once_and_others_with_them(
    teams: FakeConnector, connector: Connector, time: Time
) -> None:
    teams.fail_next(429, "Throttled", headers={"Retry-After": "90"})
    for expected in (90, 90.5):
        with pytest.raises(ChatDown) as down:
            await post(teams, connector)
        assert down.value.retry_after == expected
    assert (len(teams.asked), time.pauses) == (1, [])


# ---- days on which answers are lost


@pytest.mark.parametrize("make", NEW)
@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_message_that_may_have_arrived_is_not_sent_again(
    teams: FakeConnector, connector: Connector, make: Made, status: int
) -> None:
    teams.fail_next(status)
    with pytest.raises(ChatDown, match=f"status {status}"):
        await make(teams, connector)
    assert len(teams.asked) == 1


@pytest.mark.parametrize("make", NEW)
async def test_a_message_whose_answer_is_lost_is_there_once(
    teams: FakeConnector, connector: Connector, make: Made
) -> None:
    teams.lose_next_answer()
    with pytest.raises(ChatDown, match="did not answer"):
        await make(teams, connector)
    assert len(teams.conversations[CHANNEL].said) == 1
    assert len(teams.asked) == 1


@pytest.mark.parametrize("make", AGAIN)
async def test_edits_reads_and_chats_are_tried_again_whatever_happened(
    teams: FakeConnector, connector: Connector, make: Made
) -> None:
    await make(teams, connector)
    teams.asked.clear()
    teams.lose_next_answer()
    teams.drop_next()
    teams.fail_next(502)
    teams.answer_next(504, "<html>Gateway Timeout</html>")
    await make(teams, connector)
    assert len(teams.asked) == 5


async def test_where_nothing_listens_is_soon_known_and_a_message_may_be_tried_again(
    connector: Connector, time: Time
) -> None:
    began = real.monotonic()
    with pytest.raises(ChatDown, match=r"did not answer a message to 19:alerts.* \(ConnectionError\)"):
        await connector.send(f"http://127.0.0.1:{free_port()}/", CHANNEL, CARD)
    assert len(time.pauses) == 4
    assert real.monotonic() - began < 3  # with msrest's own tries it was 4.8 s for each of ours


async def test_a_fault_of_teams_own_is_not_tried_again_soon(
    teams: FakeConnector, connector: Connector
) -> None:
    teams.fail_next(500, "ServiceError")
    with pytest.raises(ChatDown, match="status 500 ServiceError") as down:
        await edit(teams, connector)
    assert down.value.retry_after == 60.0


# ---- days on which a person must act


@pytest.mark.parametrize(
    ("status", "code", "what_to_do"),
    [
        (400, "BadSyntax", "please report it"),
        (401, "BotNotRegistered", "MICROSOFT_APP_ID"),
        (403, "BotNotInConversationRoster", "install the app there"),
        (403, "BotDisabledByAdmin", "administrators"),
        (403, "ConversationBlockedByUser", "unblock"),
        (403, "ForbiddenOperationException", "installed the app for themselves"),
        (403, "InvalidBotApiHost", "teams.service_url"),
        (403, "SomethingNew", "“SomethingNew, said the Connector”"),
        (404, "ConversationNotFound", "`channels`"),
        (404, "ActivityNotFoundInConversation", "deleted the message"),
        (413, "MessageSizeTooBig", "larger than Teams takes"),
        (418, "Teapot", "docs/teams.md"),
    ],
)
async def test_a_refusal_has_teams_own_code_and_says_what_to_do(
    teams: FakeConnector, connector: Connector, status: int, code: str, what_to_do: str
) -> None:
    teams.fail_next(status, code)
    with pytest.raises(Refused, match=what_to_do) as refused:
        await post(teams, connector)
    assert refused.value.code == code
    assert len(teams.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, "", "Unauthorized"),
        (401, '{"message":"Authorization has been denied for this request."}', "Unauthorized"),
        (413, "<html>too large</html>", "MessageSizeTooBig"),
        (
            403,
            json.dumps({"errorCode": 209, "message": '{"subCode": "MessageWritesBlocked", "details": "no"}'}),
            "MessageWritesBlocked",
        ),
        (403, '{"errorCode": 123, "message": "not JSON"}', "123"),
        (403, '{"error": "Forbidden", "message": "go away"}', "Forbidden"),
    ],
)
async def test_older_forms_of_refusals_are_understood(
    teams: FakeConnector, connector: Connector, status: int, body: str, code: str
) -> None:
    teams.answer_next(status, body, "application/json" if body.startswith("{") else "text/html")
    with pytest.raises(Refused) as refused:
        await post(teams, connector)
    assert refused.value.code == code


async def test_a_strangers_words_are_one_line_without_secrets(
    teams: FakeConnector, connector: Connector
) -> None:
    words = f"line one\nline two {TOKEN} " + "x" * 500
    teams.answer_next(403, json.dumps({"error": {"code": "New", "message": words}}), "application/json")
    with pytest.raises(Refused) as refused:
        await post(teams, connector)
    assert "\n" not in str(refused.value)
    assert TOKEN not in str(refused.value)
    assert len(str(refused.value)) < 400


# ---- what is not the Connector


@pytest.mark.parametrize(
    "answer",
    [
        (200, "<html>Please log in</html>", "text/html"),
        (200, "[]", "application/json"),
        (200, "{", "application/json"),
        (200, "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "application/json"),
        (403, "<html>Blocked by your company</html>", "text/html"),
        (404, "404 page not found", "text/plain"),
        (404, "null", "application/json"),
    ],
)
@pytest.mark.parametrize("make", ANY)
async def test_what_is_not_the_connector_is_called_so(
    teams: FakeConnector, connector: Connector, make: Made, answer: tuple[int, str, str]
) -> None:
    await make(teams, connector)
    teams.answer_next(*answer)
    with pytest.raises(ChatDown, match="not the Bot Connector"):
        await make(teams, connector)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("make", [post, edit, read])
async def test_no_redirect_is_followed_so_the_token_goes_nowhere_else(
    teams: FakeConnector, connector: Connector, make: Made, status: int
) -> None:
    await make(teams, connector)
    async with serve_connector() as elsewhere:
        teams.redirect_next(f"{elsewhere.url}v3/conversations", status)
        with pytest.raises(ChatDown, match="not the Bot Connector"):
            await make(teams, connector)
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://smba.trafficmanager.net/emea/",
        "http://127.0.0.1.example.com/",
        "ftp://127.0.0.1/",
        "smba.trafficmanager.net",
        "https://",
        "https://[::1",
        "https://{conversationId}/",
        "",
    ],
)
async def test_a_token_goes_only_where_it_is_encrypted_or_stays_on_this_machine(
    connector: Connector, known: Known, url: str
) -> None:
    with pytest.raises(ChatRefused, match="over https"):
        await connector.send(url, CHANNEL, CARD)
    assert known.scopes == []


# ---- tokens


async def test_each_call_asks_for_a_token_of_the_connectors_scope(
    teams: FakeConnector, connector: Connector, known: Known
) -> None:
    await post(teams, connector)
    known.now = "another"
    with pytest.raises(Refused, match=r"\(Unauthorized\): check that MICROSOFT_APP_ID"):
        await post(teams, connector)
    assert known.scopes == [await scope()] * 2
    assert [one.headers["Authorization"] for one in teams.asked] == [f"Bearer {TOKEN}", "Bearer another"]


async def test_where_nothing_is_signed_nothing_is_sent_as_a_token(connector: Connector, known: Known) -> None:
    known.now = ""
    async with serve_connector() as teams:
        teams.add(CHANNEL)
        await post(teams, connector)
        assert "Authorization" not in teams.asked[0].headers


@pytest.mark.parametrize("failure", [ChatDown("Entra is down"), ChatRefused("the secret has expired")])
async def test_without_a_token_nothing_is_asked_and_the_reason_is_the_identitys(
    teams: FakeConnector, connector: Connector, known: Known, failure: Exception
) -> None:
    known.failure = failure
    for make in (post, read):
        with pytest.raises(type(failure), match=str(failure)):
            await make(teams, connector)
    assert teams.asked == []


async def test_while_microsofts_metadata_cannot_be_read_a_message_is_sent_later(
    teams: FakeConnector, known: Known, time: Time
) -> None:
    async def unknown() -> str:
        raise KeysUnavailable("login.botframework.com does not answer")

    connector = Connector(known, unknown, clock=time, pause=time.pause)
    with pytest.raises(ChatDown, match=r"login\.botframework\.com does not answer"):
        await post(teams, connector)
    await connector.close()


async def test_no_log_and_no_error_has_the_token_or_what_is_said(
    teams: FakeConnector, connector: Connector, known: Known, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors = []
    await edit(teams, connector)
    await read(teams, connector)
    teams.drop_next()
    teams.fail_next(403, "New")
    teams.answer_next(200, "x")
    for _ in range(3):
        try:
            await post(teams, connector)
        except (ChatDown, ChatRefused) as error:
            errors.append("".join(traceback.format_exception(error)) + repr(error))
    with pytest.raises(ChatDown):
        await connector.send(f"http://127.0.0.1:{free_port()}/", CHANNEL, CARD)
    assert len(errors) == 3
    assert any(one.name.startswith("urllib3") for one in caplog.records)
    for seen in (caplog.text, *errors, repr(connector), *(str(vars(one)) for one in caplog.records)):
        assert TOKEN not in seen
        assert "döwn" not in seen


# ---- the machine around it


async def test_slow_calls_keep_no_other_threads_of_the_service_waiting(
    teams: FakeConnector, connector: Connector
) -> None:
    teams.add(CHANNEL)
    for _ in range(20):
        teams.hold_next()
    calls = [asyncio.create_task(connector.members(teams.url, f"19:{n}@thread.v2")) for n in range(20)]
    async with asyncio.timeout(5):
        await until(lambda: teams.busy == 8)
        assert await asyncio.gather(*(asyncio.to_thread(lambda: 42) for _ in range(40))) == [42] * 40
    assert (teams.busy, teams.connections) == (8, 8)
    for n in range(20):
        teams.add(f"19:{n}@thread.v2")
    teams.let_go()
    assert await asyncio.gather(*calls) == [()] * 20


async def test_connections_are_kept_and_those_of_service_urls_long_unused_are_closed(
    teams: FakeConnector, connector: Connector
) -> None:
    for _ in range(3):
        await connector.members(teams.url, CHANNEL)
    assert teams.connections == 1
    for n in range(40):
        await connector.members(f"{teams.url}?moved={n}", CHANNEL)
    await until(lambda: teams.connections == 16)
    await connector.close()
    await until(lambda: teams.connections == 0)


async def test_after_the_end_nothing_is_sent(teams: FakeConnector, connector: Connector) -> None:
    await post(teams, connector)
    await connector.close()
    for make in (post, edit, read):
        with pytest.raises(ChatDown, match="about to end"):
            await make(teams, connector)
    assert len(teams.asked) == 1


async def test_of_edits_that_wait_the_newest_is_sent_and_none_overtakes_another(
    teams: FakeConnector, connector: Connector
) -> None:
    ref = await post(teams, connector)
    teams.hold_next("PUT")
    first = asyncio.create_task(connector.update(teams.url, CHANNEL, ref, numbered(0)))
    await until(lambda: teams.busy == 1)
    later = [asyncio.create_task(connector.update(teams.url, CHANNEL, ref, numbered(n))) for n in range(1, 9)]
    await asyncio.sleep(0)
    teams.let_go()
    await asyncio.gather(first, *later)
    assert [one.body["summary"] for one in teams.asked if one.method == "PUT"] == ["0", "8"]
    assert teams.conversations[CHANNEL].said[0].activity == numbered(8)


async def test_an_edit_that_is_tried_again_has_become_the_newest(
    teams: FakeConnector, connector: Connector, time: Time
) -> None:
    ref = await post(teams, connector)
    teams.fail_next(429, "Throttled", method="PUT")
    later: list[asyncio.Task[None]] = []

    async def news() -> None:
        later.append(asyncio.create_task(connector.update(teams.url, CHANNEL, ref, numbered(2))))
        await asyncio.sleep(0)

    time.meanwhile = news
    await connector.update(teams.url, CHANNEL, ref, numbered(1))
    await asyncio.gather(*later)
    assert [one.body["summary"] for one in teams.asked if one.method == "PUT"] == ["1", "2"]


async def test_threads_of_a_channel_share_its_limits(
    teams: FakeConnector, connector: Connector, time: Time
) -> None:
    roots = [await open_thread(teams, connector) for _ in range(4)]
    for root in roots:
        await connector.send(teams.url, f"{CHANNEL};messageid={root}", CARD)
    assert time.pauses == [1.0]  # seven in a second


def test_the_package_is_loaded_only_where_teams_is_used() -> None:
    seen = "import sys, bot.chat.teams.side; print([n for n in sys.modules if n in ('msrest', 'botbuilder')])"
    found = subprocess.run([sys.executable, "-c", seen], capture_output=True, check=True, timeout=60)
    assert found.stdout == b"[]\n"


# ---- companies' networks


async def test_a_proxy_of_the_environment_is_asked(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        lines.append(asked.decode())
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(ChatDown, match="HTTPS_PROXY"):
            await connector.send("https://smba.example/teams/", CHANNEL, CARD)
    assert {one.splitlines()[0] for one in lines} == {"CONNECT smba.example:443 HTTP/1.0"}
    assert len(lines) == 5  # nothing has arrived, so even a message is tried again
    assert TOKEN not in "".join(lines)


async def test_a_companys_certificates_are_trusted_and_a_netrc_replaces_no_token(
    connector: Connector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text(authority().pem)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with serve_connector(TOKEN, tls=authority().server("127.0.0.1")) as teams:
        teams.add(CHANNEL)
        with pytest.raises(ChatDown, match="REQUESTS_CA_BUNDLE"):
            await post(teams, connector)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        await post(teams, connector)
        assert len(teams.conversations[CHANNEL].said) == 1
        await connector.close()
