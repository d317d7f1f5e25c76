"""What somebody wrote to us, as they meant it: without the mention of us, and without the client's markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from bot.chat.words import as_typed

_MENTION = re.compile(r"<at[^<>]*>([^<]*)</at>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:p|div|span|br|b|i|em|strong|u|code|pre|a)\b[^<>]*>", re.IGNORECASE)


def spoken(text: str, of_us: Iterable[str]) -> str:
    """``text`` in plain words.

    :param of_us: how the text mentions us, as the activity's entities say (``<at>pullbot</at>``): our name
        alone proves nothing, for anybody may be called so
    """
    for mention in sorted(of_us, key=len, reverse=True):
        if mention:
            text = text.replace(mention, " ")
    text = _TAG.sub(" ", _MENTION.sub(lambda found: f"@{found[1]}", text))
    return as_typed(html.unescape(text))
