"""Text from outside, made harmless for where it is shown.

Image names, registry answers and policies are written by strangers. A terminal obeys escape sequences,
and an issue tracker obeys Markdown; neither may happen.
"""

from __future__ import annotations

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$:%^=])")
# A tracker notifies @people and links #issues, !changes and more even where these are escaped; not with
# this in between.
_REFERENCE = re.compile(r"([@#!$%~&])(?=\S)")
_WORD_JOINER = "\N{WORD JOINER}"


def on_one_line(text: str) -> str:
    """``text`` with control characters, line ends and direction overrides spelled out: ``\\x1b``."""
    return "".join(one if one.isprintable() else _spelled(one) for one in text)


def on_lines(text: str) -> list[str]:
    """The lines of ``text``, each as ``on_one_line``; tabs become blanks."""
    return [on_one_line(line.expandtabs(4)) for line in text.replace("\r\n", "\n").split("\n")]


def in_markdown(text: str) -> str:
    """``text`` as words of a paragraph, whatever it contains."""
    escaped = _MARKDOWN.sub(r"\\\1", on_one_line(text))
    return _REFERENCE.sub(rf"\1{_WORD_JOINER}", escaped)


def code_in_markdown(text: str) -> str:
    """``text`` as inline code: nothing in it is obeyed."""
    shown = on_one_line(text)
    if not shown:
        return ""
    fence = "`" * (_longest_run(shown) + 1)
    # CommonMark takes one blank off each side if both are there, and something else between them.
    padded = shown.strip(" ") and (shown[0] in "` " or shown[-1] in "` ")
    inner = f" {shown} " if padded else shown
    return f"{fence}{inner}{fence}"


def block_in_markdown(text: str, language: str = "") -> list[str]:
    """``text`` as lines of a fenced block that nothing in it can end."""
    lines = on_lines(text)
    fence = "`" * max(3, _longest_run(text) + 1)
    return [f"{fence}{language}", *lines, fence]


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _spelled(one: str) -> str:
    return one.encode("unicode_escape").decode()
