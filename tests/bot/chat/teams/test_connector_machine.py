"""The connector among other parts: its token is seen nowhere, its threads keep nobody waiting."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.connector import Connector, Refused
from bot.chat.teams.tokens import KeysUnavailable
from tests.bot.chat.teams.connecting import (
    CARD,
    CHANNEL,
    TOKEN,
    Known,
    Time,
    edit,
    free_port,
    numbered,
    open_thread,
    post,
    read,
    scope,
    until,
)
from tests.fakes.authority import authority
from tests.fakes.connector import FakeConnector, serve_connector

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
    assert (teams.busy, teams.connections()) == (8, 8)
    for n in range(20):
        teams.add(f"19:{n}@thread.v2")
    teams.let_go()
    assert await asyncio.gather(*calls) == [()] * 20


async def test_connections_are_kept_and_those_of_service_urls_long_unused_are_closed(
    teams: FakeConnector, connector: Connector
) -> None:
    for _ in range(3):
        await connector.members(teams.url, CHANNEL)
    assert teams.connections() == 1
    for n in range(40):
        await connector.members(f"{teams.url}?moved={n}", CHANNEL)
    await until(lambda: teams.connections() == 16)
    await connector.close()
    await until(lambda: teams.connections() == 0)


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


async def test_what_nobody_waits_for_leaves_room_for_what_somebody_does(
    teams: FakeConnector, connector: Connector, time: Time
) -> None:
    nobody = asyncio.Event()
    for _ in range(60):
        await connector.send(teams.url, CHANNEL, CARD, nobody)
        if max(time.pauses, default=0.0) > 2.0:
            break
    assert 30.0 <= time.now < 32.0
    began = time.now
    for _ in range(6):
        await connector.send(teams.url, CHANNEL, CARD)
    assert time.now - began <= 2.0


async def test_who_begins_to_wait_for_a_message_moves_it_up(teams: FakeConnector, known: Known) -> None:
    async def forever(_: float) -> None:
        await asyncio.Event().wait()

    connector = Connector(known, scope, clock=lambda: 0.0, pause=forever)
    wanted = asyncio.Event()
    late = asyncio.gather(*(connector.send(teams.url, CHANNEL, CARD, wanted) for _ in range(7)))
    await until(lambda: len(teams.asked) == 6)
    wanted.set()
    async with asyncio.timeout(5):
        await late
    await connector.close()


async def test_what_nobody_waits_for_does_not_take_all_connections_of_a_slow_teams(
    teams: FakeConnector, connector: Connector
) -> None:
    other = [f"19:{number}@thread.tacv2" for number in range(8)]
    for one in other:
        teams.add(one)
        teams.hold_next()
    nobody = asyncio.Event()
    slow = asyncio.gather(*(connector.send(teams.url, one, CARD, nobody) for one in other))
    await until(lambda: teams.busy == 5)
    waited_for = asyncio.create_task(post(teams, connector))
    await until(lambda: teams.busy == 6)
    teams.let_go()
    await asyncio.gather(slow, waited_for)


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
