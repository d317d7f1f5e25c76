"""What people type after ``@pullbot``, parsed. Wrong words are answered with the nearest right ones."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches

COMMANDS = ("why", "status", "history", "mute", "unmute", "help")

_TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\xa0": " ", "`": ""})
# A long dash in front of a word was "--" before it was made pretty.
_DASH = re.compile(r"(?<!\S)[—–](?=\w)")

HELP = (
    ("why", "in a thread: look at this incident again; in a channel: what fails now on its clusters"),
    ("why deploy/NAME -n NAMESPACE -c CLUSTER", "diagnose one workload or pod"),
    ("status", "the open incidents"),
    ("history", "the latest incidents"),
    ("mute 2h [TARGET]", "no new alerts for a while; in a thread, for its workloads"),
    ("unmute [TARGET]", "alerts again"),
    ("help", "this"),
)


class WrongWords(ValueError):
    """The text is not a command; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Words:
    command: str
    target: str = ""
    namespace: str = ""
    cluster: str = ""
    length: timedelta = timedelta(hours=2)


def as_typed(text: str) -> str:
    """Without what chats' clients make of quotes, dashes and blanks."""
    return " ".join(_DASH.sub("--", text.translate(_TYPOGRAPHY)).split())


def parse_words(text: str) -> Words:
    """``why deploy/x -n shop -c prod`` to ``Words``; nothing at all means ``help``.

    :raises WrongWords: with a hint.
    """
    try:
        words = shlex.split(text.replace("“", '"').replace("”", '"'))
    except ValueError:
        words = text.split()
    if not words:
        return Words("help")
    command, *rest = words
    command = command.lower().rstrip("?!.")
    if command not in COMMANDS:
        near = get_close_matches(command, COMMANDS, n=1)
        meant = f"did you mean `{near[0]}`?" if near else "try `why`, `status` or `help`."
        raise WrongWords(f"I don't know “{command[:40]}”: {meant}")
    return _with_options(command, rest)


def _with_options(command: str, rest: list[str]) -> Words:
    found: dict[str, str] = {}
    length = timedelta(hours=2)
    names = {"-n": "namespace", "--namespace": "namespace", "-c": "cluster", "--cluster": "cluster"}
    words = iter(rest)
    for word in words:
        name, equals, value = word.partition("=")
        if name in names:
            value = value if equals else next(words, "")
            if not value or value.startswith("-"):
                raise WrongWords(f"{name} wants a name after it, as in `why deploy/web -n shop`")
            found[names[name]] = value
        elif command == "mute" and (duration := _duration(word)) is not None:
            if not duration:
                raise WrongWords("`unmute` ends a mute; one that begins lasts a while, as in `mute 2h`")
            length = duration
        elif word.startswith("-") or "target" in found:
            raise WrongWords(f"I don't know what “{word[:40]}” means here; `help` lists what I understand")
        else:
            found["target"] = word
    return Words(command, length=length, **found)


def _duration(word: str) -> timedelta | None:
    match = re.fullmatch(r"(\d{1,4})([mhd])", word.lower())
    units = {"m": "minutes", "h": "hours", "d": "days"}
    return timedelta(**{units[match[2]]: int(match[1])}) if match else None
