"""The bot's own tokens: asked for seldom and by one, and what to do is said when there is none."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.chat.platform import ChatDown, ChatRefused
from bot.chat.teams.identity import ClientSecret, Identity, ManagedIdentity, Unsigned
from checks.secret import Secret
from tests.bot.chat.teams.door import Time
from tests.fakes.authority import authority
from tests.fakes.entra import APP, DOWN, GARBAGE, SLOW, TENANT, Entra, Trouble

SCOPE = "https://api.botframework.com/.default"
GRAPH = "https://graph.microsoft.com/.default"
SECRET = "the~Secret.of-the_bot"


@pytest.fixture
async def entra() -> AsyncIterator[Entra]:
    entra = Entra()
    await entra.start()
    yield entra
    await entra.stop()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def bot(entra: Entra, time: Time) -> AsyncIterator[ClientSecret]:
    bot = ClientSecret(entra.authority, TENANT, APP, Secret(SECRET), clock=time.clock)
    yield bot
    await bot.close()


@pytest.fixture
async def machine(
    entra: Entra, time: Time, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ManagedIdentity]:
    """On App Service, where the identity of the fake's ``managed`` is assigned."""
    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_", "IMDS_")):
            monkeypatch.delenv(name)
    for name, value in entra.environment().items():
        monkeypatch.setenv(name, value)
    machine = ManagedIdentity(APP, clock=time.clock)
    yield machine
    await machine.close()


async def refusal(identity: Identity, *kinds: type[Exception]) -> Any:
    with pytest.raises(kinds) as raised:
        await identity.token(SCOPE)
    return raised.value


# ---- an app's secret


async def test_a_token_is_kept_for_each_scope(entra: Entra, bot: ClientSecret) -> None:
    first, again, other = await bot.token(SCOPE), await bot.token(SCOPE), await bot.token(GRAPH)
    assert first.reveal() == again.reveal()
    assert entra.is_of(f"Bearer {first.reveal()}")
    assert entra.is_of(f"Bearer {other.reveal()}", scope=GRAPH)
    assert entra.asked["token"] == 2


async def test_one_asks_for_all_who_come_at_once(entra: Entra, bot: ClientSecret) -> None:
    entra.trouble["token"] = SLOW
    waiting = [asyncio.create_task(bot.token(SCOPE)) for _ in range(20)]
    await entra.until(lambda: entra.asked["token"] == 1)
    entra.let_go()
    assert len({one.reveal() for one in await asyncio.gather(*waiting)}) == 1
    assert entra.asked["token"] == 1


async def test_if_who_asks_goes_away_the_next_one_asks(entra: Entra, bot: ClientSecret) -> None:
    entra.trouble["token"] = SLOW
    impatient, patient = asyncio.create_task(bot.token(SCOPE)), asyncio.create_task(bot.token(SCOPE))
    await entra.until(lambda: entra.asked["token"] == 1)
    impatient.cancel()
    await entra.until(lambda: entra.asked["token"] == 2)
    entra.let_go()
    assert (await patient).reveal() in entra.issued


@pytest.mark.parametrize(("lives", "renewed_after"), [(3600, 3300), (86400, 86100), (200, 100), (0, 0)])
async def test_a_token_is_renewed_before_it_expires(
    entra: Entra, bot: ClientSecret, time: Time, lives: int, renewed_after: int
) -> None:
    entra.lives = lives
    first = await bot.token(SCOPE)
    if renewed_after:
        time.wait(renewed_after - 1)
        assert (await bot.token(SCOPE)).reveal() == first.reveal()
        time.wait(1)
    assert (await bot.token(SCOPE)).reveal() != first.reveal()


async def test_while_one_renews_the_others_use_what_still_lives(
    entra: Entra, bot: ClientSecret, time: Time
) -> None:
    old = await bot.token(SCOPE)
    time.wait(3300)
    entra.trouble["token"] = SLOW
    renewing = asyncio.create_task(bot.token(SCOPE))
    await entra.until(lambda: entra.asked["token"] == 2)
    assert (await bot.token(SCOPE)).reveal() == old.reveal()
    entra.let_go()
    assert (await renewing).reveal() != old.reveal()


async def test_a_token_that_is_not_taken_any_more_is_not_used_until_it_expires(
    entra: Entra, bot: ClientSecret, time: Time
) -> None:
    old = await bot.token(SCOPE)
    time.wait(61)
    assert bot.refused(SCOPE, old)
    new = await bot.token(SCOPE)
    assert new.reveal() != old.reveal()
    assert bot.refused(SCOPE, old)  # by another call that was on its way
    assert (await bot.token(SCOPE)).reveal() == new.reveal()
    assert not bot.refused(SCOPE, new)  # it is not the token, then, and Entra is left alone
    assert (await bot.token(SCOPE)).reveal() == new.reveal()
    assert entra.asked["token"] == 2


@pytest.mark.parametrize(
    "trouble", [DOWN, GARBAGE, Trouble(401, '{"error_description": "AADSTS7000222: x"}')]
)
async def test_a_token_that_lives_is_used_while_it_cannot_be_renewed(
    entra: Entra, bot: ClientSecret, time: Time, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    old = await bot.token(SCOPE)
    entra.trouble["token"] = trouble
    time.wait(3300)
    while time.passed < 3590:
        assert (await bot.token(SCOPE)).reveal() == old.reveal()
        time.wait(2)
    assert len(caplog.records) == 1
    assert "was not renewed" in caplog.text
    assert entra.asked["token"] < 60
    time.wait(300)
    await refusal(bot, ChatDown, ChatRefused)
    entra.trouble.clear()
    time.wait(60)
    assert (await bot.token(SCOPE)).reveal() != old.reveal()


def refuse(entra: Entra, code: str) -> None:
    match code:
        case "7000215":
            entra.apps[APP] = "another"
        case "7000222":
            entra.expired.add(SECRET)
        case "700016":
            entra.apps.clear()
        case "90002":
            entra.tenants.clear()


@pytest.mark.parametrize(
    ("code", "what_to_do"),
    [
        ("7000215", "set MICROSOFT_APP_PASSWORD to the value (not the id) of a client secret"),
        ("7000222", "make a new client secret in the app's registration, and renew MICROSOFT_APP_PASSWORD"),
        ("700016", "MICROSOFT_APP_ID and MICROSOFT_APP_TENANT_ID"),
        ("90002", "is MICROSOFT_APP_TENANT_ID right, and teams.authority"),
    ],
)
async def test_what_a_person_has_to_mend_is_said(
    entra: Entra, bot: ClientSecret, time: Time, code: str, what_to_do: str
) -> None:
    refuse(entra, code)
    said = str(await refusal(bot, ChatRefused))
    assert f"AADSTS{code}" in said
    assert what_to_do in said
    assert SECRET not in said
    assert "\n" not in said


async def test_entra_is_not_asked_again_and_again_with_a_wrong_secret(
    entra: Entra, bot: ClientSecret, time: Time
) -> None:
    entra.apps[APP] = "another"
    for _ in range(59):
        await refusal(bot, ChatRefused)
        time.wait(1)
    assert entra.asked["token"] == 1
    entra.apps[APP] = SECRET
    time.wait(1)
    assert (await bot.token(SCOPE)).reveal() in entra.issued


async def test_a_code_that_is_not_known_here_is_looked_up_at_microsofts(
    entra: Entra, bot: ClientSecret
) -> None:
    entra.trouble["token"] = Trouble(400, '{"error": "x", "error_description": "AADSTS50076: MFA"}')
    said = str(await refusal(bot, ChatRefused))
    assert "https://login.microsoftonline.com/error?code=50076" in said


@pytest.mark.parametrize(
    ("trouble", "kind", "says"),
    [
        (DOWN, ChatDown, "status 503"),
        (Trouble(500, '{"error_description": "AADSTS90033: A transient error"}'), ChatDown, "status 500"),
        (Trouble(429, "", {"Retry-After": "17"}), ChatDown, "status 429"),
        (Trouble(400, '{"error": "temporarily_unavailable"}'), ChatDown, "temporarily unavailable"),
        (GARBAGE, ChatDown, "is teams.authority right?"),
        (Trouble(404, "not found"), ChatDown, "is teams.authority right?"),
        (Trouble(400, "[]"), ChatDown, "is teams.authority right?"),
        (Trouble(200, "{}"), ChatDown, "is teams.authority right?"),
        (Trouble(200, '{"access_token": 7, "expires_in": 3600}'), ChatDown, "is teams.authority right?"),
        (Trouble(200, '{"access_token": "", "expires_in": 3600}'), ChatDown, "is teams.authority right?"),
        (Trouble(200, '{"access_token": "x", "expires_in": "1h"}'), ChatDown, "is teams.authority right?"),
        (Trouble(200, '{"access_token": "x", "expires_in": true}'), ChatDown, "is teams.authority right?"),
        (Trouble(200, " " * 1_100_000), ChatDown, "is teams.authority right?"),
        (Trouble(400, "{}"), ChatRefused, "does not say why"),
        (Trouble(401, '{"error_description": ["AADSTS"]}'), ChatRefused, "does not say why"),
    ],
)
async def test_what_may_pass_is_told_from_what_will_not(
    entra: Entra, bot: ClientSecret, trouble: Trouble, kind: type[Exception], says: str
) -> None:
    entra.trouble["token"] = trouble
    assert says in str(await refusal(bot, kind))


async def test_entra_says_when_to_come_again(entra: Entra, bot: ClientSecret, time: Time) -> None:
    entra.trouble["token"] = Trouble(429, "", {"Retry-After": "17"})
    assert (await refusal(bot, ChatDown)).retry_after == 17
    time.wait(10)
    assert (await refusal(bot, ChatDown)).retry_after == 7
    assert entra.asked["token"] == 1
    entra.trouble.clear()
    time.wait(7)
    await bot.token(SCOPE)


async def test_a_redirect_does_not_carry_the_secret_elsewhere(entra: Entra, bot: ClientSecret) -> None:
    other = Entra()
    await other.start()
    entra.trouble["token"] = Trouble(307, "", {"Location": f"{other.url}/{TENANT}/oauth2/v2.0/token"})
    await refusal(bot, ChatDown)
    assert not other.asked
    await other.stop()


async def test_where_nobody_listens_it_is_down(entra: Entra, bot: ClientSecret) -> None:
    await entra.stop()
    assert "did not answer" in str(await refusal(bot, ChatDown))


async def test_an_entra_that_says_nothing_is_not_waited_for_without_end(entra: Entra) -> None:
    entra.trouble["token"] = SLOW
    bot = ClientSecret(entra.authority, TENANT, APP, Secret(SECRET), patience=0.05)
    assert "did not answer" in str(await refusal(bot, ChatDown))
    await bot.close()


async def test_a_tenant_is_a_name_and_no_path(entra: Entra) -> None:
    bot = ClientSecret(entra.authority + "/", "../../msi/token?x=", APP, Secret(SECRET))
    await refusal(bot, ChatRefused)
    assert entra.asked == {"token": 1}
    await bot.close()


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
@pytest.mark.parametrize(
    "body",
    [
        '{{"error": "{0}", "error_description": "AADSTS7000215: {0}", "error_codes": ["{0}"]}}',
        '{{"error": "invalid_client", "error_description": "{0}"}}',
        '{{"access_token": ["{0}"], "expires_in": "{0}"}}',
        "{0}",
    ],
)
async def test_no_secret_is_in_what_is_said_or_logged(
    entra: Entra, bot: ClientSecret, status: int, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = await bot.token(GRAPH)
    entra.trouble["token"] = Trouble(status, body.format(SECRET))
    error = await refusal(bot, ChatDown, ChatRefused)
    said = "".join(traceback.format_exception(error)) + caplog.text + repr(vars(bot)) + repr(token)
    assert SECRET not in said
    assert token.reveal() not in said


async def test_on_this_machine_nothing_is_signed() -> None:
    nobody: Identity = Unsigned()
    assert await nobody.token("") is None
    await nobody.close()


# ---- a managed identity


async def test_the_identity_of_the_machine_is_the_bots(
    entra: Entra, machine: ManagedIdentity, time: Time
) -> None:
    first, again = await machine.token(SCOPE), await machine.token(SCOPE)
    assert first.reveal() == again.reveal()
    assert entra.is_of(f"Bearer {first.reveal()}")
    assert entra.is_of(f"Bearer {(await machine.token(GRAPH)).reveal()}", scope=GRAPH)
    assert entra.asked["identity"] == 2


async def test_an_identity_that_is_not_assigned_is_a_persons_to_mend(
    entra: Entra, machine: ManagedIdentity
) -> None:
    entra.managed.clear()
    said = str(await refusal(machine, ChatRefused))
    assert "assign the bot's managed identity" in said
    assert "status 400" in said


async def test_a_virtual_machine_without_the_identity_says_the_same(
    entra: Entra, machine: ManagedIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in entra.environment():
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", entra.url)  # where its metadata service is
    entra.managed.clear()
    assert "assign the bot's managed identity" in str(await refusal(machine, ChatRefused))


@pytest.mark.parametrize("trouble", [GARBAGE, Trouble(200, "{}"), Trouble(302, "", {"Location": "/"})])
async def test_an_endpoint_that_is_not_azures_may_become_it(
    entra: Entra, machine: ManagedIdentity, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    entra.trouble["identity"] = trouble
    assert "no managed identity answered" in str(await refusal(machine, ChatDown))
    assert not caplog.records


@pytest.mark.parametrize("trouble", [DOWN, SLOW])
async def test_an_endpoint_that_is_down_is_not_waited_for_without_end(
    entra: Entra, machine: ManagedIdentity, trouble: Trouble
) -> None:
    entra.trouble["identity"] = trouble
    hasty = ManagedIdentity(APP, patience=0.3)
    assert "no managed identity answered" in str(await refusal(hasty, ChatDown))
    await hasty.close()


async def test_no_token_of_a_machine_is_in_what_is_said_or_logged(
    entra: Entra, machine: ManagedIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = await machine.token(GRAPH)
    body = f'{{"access_token": "{SECRET}", "error_description": "{SECRET}"}}'
    entra.trouble["identity"] = Trouble(400, body)
    error = await refusal(machine, ChatRefused)
    said = "".join(traceback.format_exception(error)) + caplog.text
    for one in (SECRET, token.reveal(), entra.identity_header):
        assert one not in said


def test_without_an_app_id_no_identity_is_the_bots() -> None:
    with pytest.raises(ValueError, match="MICROSOFT_APP_ID"):
        ManagedIdentity("")


# ---- a workload identity


async def test_half_a_workload_identity_is_a_persons_to_mend(
    machine: ManagedIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token")
    assert "AZURE_TENANT_ID" in str(await refusal(machine, ChatRefused))


_ASKS = f"""
import asyncio
from bot.chat.teams.identity import ManagedIdentity

async def main():
    for app in {APP!r}, "11111111-55d0-4a52-8f57-1c1c6d8f0a11":
        machine = ManagedIdentity(app)
        try:
            print((await machine.token({SCOPE!r})).reveal())
        except Exception as error:
            print(type(error).__name__, error)
        await machine.close()

asyncio.run(main())
"""


async def test_in_a_cluster_the_service_accounts_token_is_changed_for_the_bots(tmp_path: Path) -> None:
    """A process of its own, because Entra is asked over TLS and who is trusted is settled by the start."""
    (tmp_path / "ca.pem").write_text(authority().pem)
    (tmp_path / "token").write_text("of-the-service-account")
    entra = Entra()
    await entra.start(ssl_context=authority().server("127.0.0.1"))
    entra.federated.add("of-the-service-account")
    environment = {
        "PATH": os.environ["PATH"],
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "AZURE_AUTHORITY_HOST": entra.url,
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": "of-something-else-in-the-pod",
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
    }
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ASKS, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(run.communicate(), 60)
    await entra.stop()
    lines = out.decode().splitlines()
    assert len(lines) == 2, err.decode()
    assert entra.is_of(f"Bearer {lines[0]}")
    assert lines[1].startswith(
        "ChatRefused Entra refuses the bot's token (AADSTS700016): the tenant has no such app"
    )
