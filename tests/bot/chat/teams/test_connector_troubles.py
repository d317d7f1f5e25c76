"""Posting to Teams on bad days: who may try again, who must act, and nothing is doubled."""

from __future__ import annotations

import json
import time as real

import pytest
import requests
from msrest.exceptions import ClientRequestError
from urllib3.exceptions import MaxRetryError, NameResolutionError, ProtocolError

from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams._botframework import unreached
from bot.chat.teams.connector import Connector, Refused
from bot.chat.teams.refusals import Passing
from tests.bot.chat.teams.connecting import (
    AGAIN,
    ANY,
    CARD,
    CHANNEL,
    NEW,
    TOKEN,
    Known,
    Made,
    Time,
    edit,
    free_port,
    post,
    read,
)
from tests.fakes.connector import FakeConnector, serve_connector

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
        assert down.value.certain
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
@pytest.mark.parametrize("status", [502, 503, 504])
async def test_what_can_be_done_twice_is_tried_again_when_teams_is_away(
    teams: FakeConnector, connector: Connector, make: Made, status: int
) -> None:
    await make(teams, connector)
    teams.asked.clear()
    teams.fail_next(status)
    await make(teams, connector)
    assert len(teams.asked) == 2


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


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        (requests.ConnectTimeout(), True),
        (requests.ConnectionError(MaxRetryError(None, "/", NameResolutionError("a", None, OSError()))), True),  # type: ignore[arg-type]  # as urllib3 makes them
        (requests.ReadTimeout(), False),
        (requests.ConnectionError(ProtocolError("Connection aborted.")), False),
        (requests.exceptions.ChunkedEncodingError(), False),
        (requests.exceptions.ContentDecodingError(), False),
    ],
)
def test_only_without_a_connection_it_is_certain_that_nothing_arrived(
    error: Exception, certain: bool
) -> None:
    down = unreached("a message", ClientRequestError("no answer", error))
    assert isinstance(down, Passing)
    assert down.certain == certain


async def test_a_fault_of_teams_own_is_not_tried_again_soon(
    teams: FakeConnector, connector: Connector
) -> None:
    teams.fail_next(500, "ServiceError")
    with pytest.raises(ChatDown, match="status 500 ServiceError") as down:
        await edit(teams, connector)
    assert down.value.retry_after == 15.0


async def test_with_a_token_that_is_not_taken_any_more_it_is_sent_with_another(
    teams: FakeConnector, connector: Connector, known: Known
) -> None:
    known.now, known.next = "revoked", TOKEN
    await post(teams, connector)
    assert len(teams.asked) == 2
    known.now = "revoked"
    with pytest.raises(Refused, match="Unauthorized"):
        await post(teams, connector)


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
        (302, '{"error": {"code": "Found", "message": "elsewhere"}}', "application/json"),
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
