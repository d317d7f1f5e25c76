"""Only what the Bot Connector signed for this bot, this place and this time passes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.teams.tokens import Gate, NotMicrosoft
from tests.bot.chat.teams.door import RELAXED, Door, anything, b64, raw_token, standing
from tests.fakes.entra import APP, ISSUER, SERVICE, TENANT, Key, Trouble, rsa_key


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with standing() as door:
        yield door


# ---- what passes


async def test_what_the_bot_connector_signed_passes(door: Door) -> None:
    await door.check()
    assert door.entra.asked == {"metadata": 1, "keys": 1}
    assert await door.gate.issuer() == ISSUER


@pytest.mark.parametrize(("ours", "theirs"), [(SERVICE, SERVICE[:-1]), (SERVICE[:-1], SERVICE)])
async def test_a_slash_at_the_end_of_the_service_url_makes_no_difference(
    door: Door, ours: str, theirs: str
) -> None:
    await door.check(door.signed(serviceurl=theirs), service_url=ours)


async def test_the_service_url_may_be_written_as_on_microsofts_page(door: Door) -> None:
    await door.check(door.signed(serviceurl=None, serviceUrl=SERVICE))
    await door.check(door.signed(serviceUrl=SERVICE))
    assert (await door.refusal(door.signed(serviceUrl="https://evil.example/"))).status == 403


async def test_clocks_may_differ_by_five_minutes(door: Door) -> None:
    now = int(door.time.now().timestamp())
    await door.check(door.signed(nbf=now - 4000, exp=now - 298))
    await door.check(door.signed(nbf=now + 298, exp=now + 4000))


async def test_the_scheme_may_be_written_as_http_allows(door: Door) -> None:
    await door.check(door.signed().replace("Bearer", "bearer"))


async def test_a_token_without_a_beginning_has_begun(door: Door) -> None:
    await door.check(door.signed(nbf=None))


async def test_the_issuer_is_whoever_the_metadata_says(door: Door) -> None:
    door.entra.issuer = "https://api.botframework.us"
    await door.check()
    assert await door.gate.issuer() == "https://api.botframework.us"
    assert (await door.refusal(door.signed(iss=ISSUER))).status == 401


# ---- what does not


def none(door: Door) -> str:
    head = {"alg": "none", "kid": door.entra.published[0].kid}
    return f"{b64(json.dumps(head))}.{b64(json.dumps(door.claims()))}.{b64('signed')}"


def hashed_with_the_public_key(door: Door) -> str:
    """The oldest trick: a secret that everybody knows."""
    key = door.entra.published[0]
    text = f"{b64(json.dumps({'alg': 'HS256', 'kid': key.kid}))}.{b64(json.dumps(door.claims()))}"
    public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{text}.{b64(hmac.digest(public, text.encode(), hashlib.sha256))}"


def with_another_algorithm(name: str) -> Callable[[Door], str]:
    def forge(door: Door) -> str:
        key = door.entra.published[0]
        return jwt.encode(door.claims(), key.private, algorithm=name, headers={"kid": key.kid})

    return forge


def signed_by_a_stranger(door: Door) -> str:
    stranger = Key(door.entra.published[0].kid, rsa_key(99))
    return door.entra.sign(door.claims(), key=stranger, jwk=stranger.jwk(), jku="https://evil.example/keys")


def with_other_claims(door: Door) -> str:
    head, _, signature = door.entra.sign(door.claims()).split(".")
    return f"{head}.{b64(json.dumps(door.claims(serviceurl='https://evil.example/')))}.{signature}"


def headed(**header: Any) -> Callable[[Door], str]:
    def forge(door: Door) -> str:
        key = door.entra.published[0]
        stated = {"alg": "RS256", "typ": "JWT", "kid": key.kid, **header}
        return raw_token({k: v for k, v in stated.items() if v is not None}, door.claims(), key)

    return forge


def claiming(**claims: Any) -> Callable[[Door], str]:
    return lambda door: (
        door.entra.sign(door.claims(**claims)) if _encodable(claims) else headless(claims)(door)
    )


def _encodable(claims: dict[str, Any]) -> bool:
    return isinstance(claims.get("iss", ""), str | None)


def headless(claims: dict[str, Any]) -> Callable[[Door], str]:
    def forge(door: Door) -> str:
        key = door.entra.published[0]
        return raw_token({"alg": "RS256", "kid": key.kid}, door.claims(**claims), key)

    return forge


def saying(claims: str) -> Callable[[Door], str]:
    return lambda door: raw_token(
        {"alg": "RS256", "kid": door.entra.published[0].kid}, claims, door.entra.published[0]
    )


def at(**claims: int) -> Callable[[Door], str]:
    """Times, from now."""
    return lambda door: door.entra.sign(
        door.claims(**{name: int(door.time.now().timestamp()) + one for name, one in claims.items()})
    )


FORGED: dict[str, Callable[[Door], str]] = {
    "no algorithm": none,
    "a hash of the public key": hashed_with_the_public_key,
    "RS512": with_another_algorithm("RS512"),
    "PS256": with_another_algorithm("PS256"),
    "a stranger's key under a known name, and where to find it": signed_by_a_stranger,
    "other claims under a signature": with_other_claims,
    "no key": headed(kid=None),
    "an empty key": headed(kid=""),
    "a number for a key": headed(kid=7),
    "a list for an algorithm": headed(alg=["RS256"]),
    "an extension that must be understood": headed(crit=["exp"], exp=1),
    "extensions that are no list": headed(crit={"a": 1}),
    "extensions that are lists": headed(crit=[["b64"]], b64=False),
    "a payload elsewhere": headed(crit=["b64"], b64=False),
    "the emulator's issuer": claiming(iss="https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/"),
    "a person's issuer": claiming(iss="https://login.microsoftonline.com/0c6f5f9b/v2.0", appid=APP),
    "another bot that calls us as its skill": claiming(iss="https://sts.windows.net/0c6f5f9b/", ver="1.0"),
    "an issuer that only begins so": claiming(iss=f"{ISSUER}.evil.example"),
    "no issuer": claiming(iss=None),
    "a list of issuers": claiming(iss=[ISSUER]),
    "another bot's": claiming(aud="11111111-55d0-4a52-8f57-1c1c6d8f0a11"),
    "several bots'": claiming(aud=[APP]),
    "nobody's": claiming(aud=None),
    "an object for a bot": claiming(aud={APP: 1}),
    "without an end": claiming(exp=None),
    "an end in words": claiming(exp="4102444800"),
    "an end that is true": claiming(exp=True),
    "a list of ends": claiming(exp=[4102444800]),
    "a beginning in words": claiming(nbf="now"),
    "a beginning that is true": claiming(nbf=True),
    "expired": at(exp=-301),
    "not yet": at(nbf=302),
    "no service url": claiming(serviceurl=None),
    "an empty service url": claiming(serviceurl=""),
    "a slash for a service url": claiming(serviceurl="/"),
    "a list of service urls": claiming(serviceurl=[SERVICE]),
    "an end that is no number": saying('{"exp": NaN}'),
    "a list of claims": saying("[1]"),
    "no JSON": saying("{"),
    "deep JSON": saying("[" * 2000),
    "long numbers": saying('{"exp": ' + "9" * 5000 + "}"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_whatever_the_bot_connector_did_not_sign_for_us_is_refused(
    door: Door, forge: Callable[[Door], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = forge(door)
    refused = await door.refusal(f"Bearer {token}")
    assert refused.status == 401
    said = "".join(traceback.format_exception(refused)) + caplog.text
    assert not [part for part in token.split(".") if len(part) > 8 and part in said]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a.b", "Bearer a.b.c.d", "Bearer a.b.c",
     "Bearer ..", "Bearer e30.e30.e30", "Bearer  {}", "Bearer {}\n", "Bearer {}=", "{}", "Bearer {} {}",
     "Bearer ü.é.ñ", "Bearer \udce9.b.c", "\x00", "Bearer " + "a" * 100_000,
     "Bearer " + ".".join(["a" * 50_000] * 3)],
)  # fmt: skip
async def test_a_header_that_bears_no_token_is_refused(door: Door, header: str) -> None:
    token = door.entra.sign(door.claims())
    assert (await door.refusal(header.replace("{}", token))).status == 401


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "https://smba.trafficmanager.net/amer/", f"{SERVICE}/", SERVICE.upper(),
     f"{SERVICE}x", "", "/"],
)  # fmt: skip
async def test_a_right_token_under_an_activity_from_elsewhere_is_refused(door: Door, elsewhere: str) -> None:
    assert (await door.refusal(service_url=elsewhere)).status == 403


@pytest.mark.parametrize("channel", ["webchat", "MSTEAMS", "", "directline", "msteams "])
async def test_a_key_signs_only_for_the_channels_it_is_endorsed_for(door: Door, channel: str) -> None:
    door.entra.endorse("msteams")
    assert (await door.refusal(channel_id=channel)).status == 403


@pytest.mark.parametrize("endorsements", [[], None, "msteams", {"msteams": 1}, [["msteams"], 7]])
async def test_a_key_without_endorsements_signs_for_no_channel(door: Door, endorsements: Any) -> None:
    door.entra.published[0].endorsements = endorsements
    assert (await door.refusal()).status == 403


async def test_a_key_of_which_nothing_is_said_signs_for_all_that_it_does(door: Door) -> None:
    silent = {name: value for name, value in door.entra.published[0].jwk().items() if name != "endorsements"}
    door.entra.trouble["keys"] = Trouble(200, json.dumps({"keys": [silent]}))
    await door.check()


async def test_a_token_that_names_a_tenant_is_of_ours(door: Door) -> None:
    gate = Gate(door.entra.metadata, APP, TENANT.upper())
    there = {"channel_id": "msteams", "service_url": SERVICE}
    await gate.check(door.signed(tid=TENANT), **there)
    await gate.check(door.signed(), **there)
    for other in ("99999999-0000-4000-8000-000000000000", "", 7):
        with pytest.raises(NotMicrosoft, match="another tenant") as refused:
            await gate.check(door.signed(tid=other), **there)
        assert refused.value.status == 403
    await gate.close()


def test_without_an_app_id_there_is_no_gate() -> None:
    with pytest.raises(ValueError, match="MICROSOFT_APP_ID"):
        Gate("https://login.botframework.com/v1/.well-known/openidconfiguration", "")


# ---- anything at all


@dataclass
class Still:
    """A door whose keys are read, and nothing more is asked: for many short questions."""

    door: Door
    runner: asyncio.Runner

    def verdict(self, authorization: str, **where: str) -> int:
        """200, or how it was refused."""
        try:
            self.runner.run(self.door.check(authorization, **where))
        except NotMicrosoft as refused:
            return refused.status
        return 200


@pytest.fixture(scope="module")
def still() -> Iterator[Still]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        door = runner.run(stack.enter_async_context(standing()))
        runner.run(door.check())
        yield Still(door, runner)
        runner.run(stack.aclose())
        assert door.entra.asked["keys"] <= 1 + 5  # whatever they name as their key


@settings(RELAXED, max_examples=300)
@given(
    st.text(st.characters(exclude_categories=[]))
    | st.lists(st.text("abcAB01-_=.+/ \n"), min_size=3, max_size=3).map(lambda one: "Bearer " + ".".join(one))
    | st.lists(st.binary(max_size=60), min_size=3, max_size=3).map(
        lambda one: "Bearer " + ".".join(map(b64, one))
    )
)
def test_any_header_is_refused_in_the_same_way(still: Still, header: str) -> None:
    assert still.verdict(header) == 401


@settings(RELAXED, max_examples=300)
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c"]), anything) | anything,
    st.dictionaries(
        st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "serviceurl"]), anything
    )
    | anything,
    st.booleans(),
    st.booleans(),
)
def test_tokens_that_say_anything_are_refused_unless_they_say_the_right_thing(
    still: Still, header: Any, claims: Any, headed_rightly: bool, claimed_rightly: bool
) -> None:
    key = still.door.entra.published[0]
    stated = header if isinstance(header, dict) else {}
    right = still.door.claims()
    head = (
        {"alg": "RS256", "kid": key.kid, **({} if headed_rightly else stated)} if headed_rightly else header
    )
    said = {**right, **claims} if claimed_rightly and isinstance(claims, dict) else claims
    verdict = still.verdict(f"Bearer {raw_token(head, said, key)}")
    exact = isinstance(said, dict) and all(
        said.get(one) == right[one] for one in ("iss", "aud", "serviceurl")
    )
    if not exact:
        assert verdict in (401, 403)
    else:
        assert verdict in (200, 401)  # by its times


@settings(RELAXED, max_examples=200)
@given(st.data())
def test_a_token_with_one_character_changed_is_refused(still: Still, data: st.DataObject) -> None:
    token = still.door.entra.sign(still.door.claims())
    where = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDxyz019-_.").filter(lambda one: one != token[where]))
    assert still.verdict(f"Bearer {token[:where]}{other}{token[where + 1 :]}") == 401
    assert still.verdict(f"Bearer {token}") == 200
