"""The keys are read when they must be, by one, and seldom; until they are, nobody is let in or accused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from bot.chat.platform import ChatDown
from bot.chat.teams.keys import Keys, KeysUnavailable, parse
from tests.bot.chat.teams.door import RELAXED, Door, anything, standing
from tests.fakes.entra import DOWN, GARBAGE, ISSUER, SLOW, Key, Trouble, rsa_key

MINUTE, DAY = 60.0, 24 * 3600.0


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with standing() as door:
        yield door


# ---- one reads for all


async def test_the_keys_are_read_once_for_all_who_come_at_once(door: Door) -> None:
    door.entra.trouble["keys"] = SLOW
    waiting = [asyncio.create_task(door.check()) for _ in range(20)]
    await door.entra.until(lambda: door.entra.asked["keys"] == 1)
    door.entra.let_go()
    await asyncio.gather(*waiting)
    assert door.entra.asked == {"metadata": 1, "keys": 1}


async def test_who_goes_away_while_the_keys_are_read_takes_nobody_along(door: Door) -> None:
    door.entra.trouble["keys"] = SLOW
    impatient, patient = asyncio.create_task(door.check()), asyncio.create_task(door.check())
    await door.entra.until(lambda: door.entra.asked["keys"] == 1)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    door.entra.let_go()
    await patient
    assert impatient.cancelled()


# ---- the keys change


async def test_a_new_key_is_found_at_once(door: Door) -> None:
    await door.check()
    door.entra.rotate()
    await door.check()
    assert door.entra.asked["keys"] == 2


async def from_a_stranger(door: Door, number: int) -> None:
    stranger = Key(f"stranger-{number}", rsa_key(99))
    refused = await door.refusal(f"Bearer {door.entra.sign(door.claims(), key=stranger)}")
    assert "does not publish" in str(refused)


async def test_strangers_do_not_make_us_ask_without_end(door: Door) -> None:
    await door.check()
    for number in range(60):
        await from_a_stranger(door, number)
    assert door.entra.asked["keys"] == 1 + 5
    for number in range(60, 120):
        door.time.wait(1.5)
        await from_a_stranger(door, number)
    assert door.entra.asked["keys"] == 1 + 5 + 7  # one each twelve seconds
    await door.check()


async def test_strangers_do_not_keep_a_new_key_waiting_for_long(door: Door) -> None:
    await door.check()
    for number in range(60):
        await from_a_stranger(door, number)
    door.entra.rotate()
    await door.refusal()
    for number in range(60, 72):
        door.time.wait(1)
        await from_a_stranger(door, number)
    await door.check()


async def test_what_is_not_even_signed_in_our_way_makes_us_ask_nothing(door: Door) -> None:
    stranger = Key("stranger", rsa_key(99))
    for token in ("x.y.z", door.entra.sign(door.claims(), key=stranger, alg="PS256")):
        await door.refusal(f"Bearer {token}")
    assert not door.entra.asked


async def test_a_key_that_was_withdrawn_is_not_believed_once_the_list_was_read(door: Door) -> None:
    old = door.entra.published[0]
    await door.check()
    door.entra.rotate()
    door.time.wait(MINUTE)
    await door.check()
    assert (await door.refusal(f"Bearer {door.entra.sign(door.claims(), key=old)}")).status == 401


async def test_after_a_day_the_list_is_read_anew_and_nobody_waits_for_it(door: Door) -> None:
    old = door.entra.published[0]
    await door.check()
    door.time.wait(DAY)
    door.entra.rotate()
    door.entra.trouble["keys"] = SLOW
    by_the_old_one = f"Bearer {door.entra.sign(door.claims(), key=old)}"
    await door.check(by_the_old_one)
    await door.entra.until(lambda: door.entra.asked["keys"] == 2)
    door.entra.let_go()
    await door.check()  # waits for the same reading
    assert door.entra.asked["keys"] == 2
    assert (await door.refusal(by_the_old_one)).status == 401


# ---- Microsoft's bad days


UNREADABLE: dict[str, tuple[str, Trouble]] = {
    "metadata down": ("metadata", DOWN),
    "keys down": ("keys", DOWN),
    "metadata of a hotel": ("metadata", GARBAGE),
    "keys of a hotel": ("keys", GARBAGE),
    "an empty list": ("keys", Trouble(200, '{"keys": []}')),
    "no list": ("keys", Trouble(200, '{"keys": {"kty": "RSA"}}')),
    "a list of nothing": ("keys", Trouble(200, '{"keys": [null, 1, "RSA", [], {}]}')),
    "a list of metadata": ("metadata", Trouble(200, "[]")),
    "nothing": ("metadata", Trouble(200, "null")),
}


@pytest.mark.parametrize(("part", "trouble"), UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_while_the_keys_cannot_be_read_nobody_is_let_in_and_nobody_accused(
    door: Door, part: Any, trouble: Trouble
) -> None:
    door.entra.trouble[part] = trouble
    with pytest.raises(KeysUnavailable, match="Microsoft's signing keys cannot be read: "):
        await door.check()
    door.entra.trouble.clear()
    door.time.wait(5)
    await door.check()


@pytest.mark.parametrize("part", ["metadata", "keys"])
async def test_a_redirect_is_not_followed(door: Door, part: Any) -> None:
    async with standing() as other:
        there = {"metadata": other.entra.metadata, "keys": f"{other.entra.url}/v1/.well-known/keys"}[part]
        door.entra.trouble[part] = Trouble(307, "", {"Location": there})
        with pytest.raises(KeysUnavailable, match="status 307"):
            await door.check()
        assert not other.entra.asked


async def test_a_document_without_end_is_not_read_to_its_end(door: Door) -> None:
    door.entra.trouble["keys"] = Trouble(200, " " * 1_100_000 + '{"keys": []}')
    with pytest.raises(KeysUnavailable, match=r"127\.0\.0\.1 answered with more than 1048576 bytes"):
        await door.check()


@pytest.mark.parametrize(
    "address",
    ["http://login.botframework.com/keys", "ftp://127.0.0.1/keys", "//127.0.0.1/keys", "keys", "", "https://",
     "http://[", 7, None, ["https://login.botframework.com/keys"], "http://127.0.0.1@evil.example/keys"],
)  # fmt: skip
async def test_keys_come_from_an_address_that_nobody_can_come_between(door: Door, address: Any) -> None:
    door.entra.metadata_extra = {"jwks_uri": address}
    with pytest.raises(KeysUnavailable, match="https"):
        await door.check()
    assert door.entra.asked == {"metadata": 1}


@pytest.mark.parametrize("issuer", [None, "", 7, ["https://api.botframework.com"]])
async def test_metadata_without_an_issuer_is_none(door: Door, issuer: Any) -> None:
    door.entra.metadata_extra = {"issuer": issuer}
    with pytest.raises(KeysUnavailable, match="issuer"):
        await door.check()


async def test_where_nobody_listens_the_keys_are_unavailable(door: Door) -> None:
    await door.entra.stop()
    with pytest.raises(KeysUnavailable, match=r"no connection to 127\.0\.0\.1"):
        await door.check()


async def test_keys_that_are_long_in_coming_are_unavailable(door: Door) -> None:
    door.entra.trouble["keys"] = SLOW
    keys = Keys(door.entra.metadata, door.time.clock, patience=0.05)
    with pytest.raises(KeysUnavailable, match=r"no answer within 0\.05 seconds"):
        await keys.published()
    await keys.close()


async def test_an_outage_is_told_once_and_not_asked_about_by_everybody(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.entra.trouble["metadata"] = DOWN
    for _ in range(30):
        with pytest.raises(KeysUnavailable, match="status 503"):
            await door.check()
        door.time.wait(1)
    assert door.entra.asked["metadata"] == 6
    assert [one.levelname for one in caplog.records] == ["WARNING"]


async def test_known_keys_outlive_an_outage_of_days_but_not_of_more_than_three(door: Door) -> None:
    await door.check()
    door.entra.trouble["metadata"] = DOWN
    for hour in range(24, 72, 6):
        door.time.passed = hour * 3600.0
        await door.check()
        await asyncio.gather(*_readings())
    assert door.entra.asked["metadata"] == 1 + 8
    door.time.passed = 72 * 3600.0
    with pytest.raises(KeysUnavailable):
        await door.check()
    assert await door.gate.issuer() == ISSUER  # who takes our tokens does not expire
    door.entra.trouble.clear()
    door.time.wait(5)
    await door.check()


def _readings() -> list[asyncio.Task[Any]]:
    return [one for one in asyncio.all_tasks() if one.get_name() == "teams signing keys"]


async def test_an_unknown_key_during_an_outage_may_be_a_new_one(door: Door) -> None:
    await door.check()
    door.time.wait(MINUTE)
    door.entra.rotate()
    door.entra.trouble["keys"] = DOWN
    for _ in range(2):  # the second time nobody is asked
        with pytest.raises(KeysUnavailable):
            await door.check()
    assert door.entra.asked["keys"] == 2


async def test_to_whoever_wants_to_send_something_it_is_a_chat_that_is_down(door: Door) -> None:
    door.entra.trouble["keys"] = DOWN
    with pytest.raises(ChatDown, match="signing keys"):
        await door.gate.issuer()


async def test_closing_ends_a_reading_and_says_so_to_who_waits_for_it(door: Door) -> None:
    door.entra.trouble["keys"] = SLOW
    waiting = asyncio.create_task(door.check())
    await door.entra.until(lambda: door.entra.asked["keys"] == 1)
    await door.gate.close()
    with pytest.raises(KeysUnavailable, match="shutting down"):
        await waiting
    assert not _readings()
    with pytest.raises(KeysUnavailable, match="shutting down"):
        await door.check()


# ---- the list of keys


def listed(*keys: Any) -> list[str]:
    return sorted(parse({"issuer": ISSUER}, {"keys": list(keys)}).keys)


GOOD = Key("good", rsa_key())


@pytest.mark.parametrize(
    "other",
    [{"kty": "oct", "k": "c2VjcmV0"}, {"kty": "EC"}, {"use": "enc"}, {"alg": "RS512"}, {"alg": None},
     {"kid": 7}, {"kid": ""}, {"n": 7}, {"n": ""}, {"n": "é"}, {"n": "A" * 5000}, {"e": "AA"}, {"e": ""},
     {"e": None}, {"n": Key("short", rsa_key(98, 1024)).jwk()["n"]}],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_left_out(other: dict[str, Any]) -> None:
    assert listed(GOOD.jwk(), {**GOOD.jwk(), "kid": "bad", **other}) == ["good"]


def test_a_private_key_that_was_published_by_mistake_is_still_only_looked_at() -> None:
    private = RSAAlgorithm.to_jwk(rsa_key(), as_dict=True)
    found = parse({"issuer": ISSUER}, {"keys": [{**private, "kid": "oops"}]}).keys["oops"]
    assert not hasattr(found.public, "private_numbers")


@settings(RELAXED, max_examples=300)
@given(
    st.dictionaries(st.sampled_from(["issuer", "jwks_uri"]), anything) | anything,
    st.fixed_dictionaries(
        {
            "keys": st.lists(
                st.builds(
                    lambda key, other: {**key, **other},
                    st.just(GOOD.jwk()),
                    st.dictionaries(
                        st.sampled_from(["kty", "kid", "n", "e", "use", "alg", "endorsements"]), anything
                    ),
                )
                | anything,
                max_size=3,
            )
        }
    )
    | anything,
)
def test_documents_of_any_shape_are_keys_or_none(metadata: Any, listing: Any) -> None:
    try:
        found = parse(metadata, listing)
    except ValueError:
        return
    assert found.issuer
    assert all(key.public.key_size >= 2048 for key in found.keys.values())
