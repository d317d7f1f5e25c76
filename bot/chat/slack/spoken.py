"""What somebody wrote to us, as they meant it: Slack sends its own markup and its typographer's quotes."""

from __future__ import annotations

import re

from bot.chat.words import as_typed

# <@U0ALICE>, <#C0ALERTS|alerts>, <!subteam^S0|@oncall>, <!here>, <https://example.com|example.com>
# https://docs.slack.dev/messaging/formatting-message-text/#retrieving-messages
_MARKUP = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def spoken(text: str, us: str) -> str:
    """``text`` without mentions of ``us`` (a user id), without markup, in plain quotes."""
    text = re.sub(rf"<@{re.escape(us)}(\|[^<>]*)?>[:,]?", " ", text) if us else text
    text = _MARKUP.sub(_shown, text)
    # The ampersand last: "&amp;lt;" was written as "&lt;".
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return as_typed(text)


def _shown(found: re.Match[str]) -> str:
    kind, target, label = found[1], found[2], found[3]
    match kind:
        case "@":
            return f"@{label or target}"
        case "#":
            return f"#{label or target}"
        case "!":
            return label or f"@{target}"
        case _:
            return label or target.removeprefix("mailto:")
