"""What people write is read as they meant it."""

from __future__ import annotations

import pytest

from bot.chat.slack.spoken import spoken


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("<@U0PULLBOT> why", "why"),
        ("hey <@U0PULLBOT|pullbot>: why deploy/web", "hey why deploy/web"),
        ("why deploy/web -n shop <@U0PULLBOT>", "why deploy/web -n shop"),
        ("  <@U0PULLBOT>\n status ", "status"),
        ("why <http://r.example|r.example>/app:1", "why r.example/app:1"),
        ("why <https://r.example/app>", "why https://r.example/app"),
        ("ask <@U0ALICE> in <#C0ALERTS|alerts>", "ask @U0ALICE in #alerts"),
        ("<!here> <!subteam^S0ONCALL|@oncall>", "@here @oncall"),
        ("<mailto:a@example.com|a@example.com>", "a@example.com"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("why “deploy/web” ‘x’", "why \"deploy/web\" 'x'"),
        ("why —namespace shop –n", "why --namespace shop --n"),
        ("`why deploy/web`", "why deploy/web"),
        ("a\xa0b", "a b"),
        ("", ""),
    ],
)
def test_text(written: str, meant: str) -> None:
    assert spoken(written, "U0PULLBOT") == meant
