"""What people wrote to us, as they meant it."""

from __future__ import annotations

import time

import pytest

from bot.chat.teams.spoken import spoken

US = "<at>pullbot</at>"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (f"{US} why", "why"),
        (f"{US}&nbsp;why deploy/web -n shop\n", "why deploy/web -n shop"),
        (f"hey {US}, why", "hey , why"),
        (f"<p>{US} why</p>", "why"),
        (f"{US} mute 2h <at>Ben</at>", "mute 2h @Ben"),
        (f"{US} why deploy/a&amp;lt;b", "why deploy/a&lt;b"),
        (f"{US} why “my app” —namespace shop", 'why "my app" --namespace shop'),
        (f"{US}", ""),
        ("<at>pullbot too</at> why", "@pullbot too why"),
        (f"{US} why <script>", "why <script>"),
    ],
)
def test_the_mention_of_us_and_the_clients_markup_are_gone(written: str, meant: str) -> None:
    assert spoken(written, [US]) == meant


def test_nothing_that_calls_itself_us_is_us() -> None:
    assert spoken(f"{US} why", []) == "@pullbot why"


@pytest.mark.parametrize("piece", ["<at>", "</at>", "<at", "<at>a", "<p ", "&amp", "— "])
def test_however_much_somebody_writes_it_holds_nobody_up(piece: str) -> None:
    began = time.process_time()
    spoken(piece * (200_000 // len(piece)), [US])
    assert time.process_time() - began < 2  # a pattern that looks at each pair takes a minute
