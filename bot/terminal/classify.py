"""``pullbot classify``: messages in, symptoms out, one JSON object per line. Nothing is looked up.

Made for pipes: a line is answered as soon as it is read, in the order of the input, and a line that
cannot be read stops nobody from seeing the others.
"""

from __future__ import annotations

import argparse
import codecs
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from typing import Any, NoReturn

from bot.terminal.score import BadLabel, Score
from checks.image.symptom import classify

_USAGE = 2

_EPILOG = """\
Input is one message per line, or JSON lines with a `message` (optional: `id`, which is passed on, and
`reason`, such as ErrImagePull); both may be mixed. A line that begins like a JSON object is taken for one,
except a registry's own answer, {"errors": ...}, which is a message as it stands. Empty lines are skipped.
Text is read as UTF-8, or as UTF-16 after a byte order mark; what does not decode is replaced.

Output is one line of JSON per message: `symptom`, and as far as the message says so `host`, `image`,
`principal` and `action`. A JSON line that does not parse or has no `message` is told on stderr, with its
number, and left out of the output; the rest is still read.

Exit status: 0, or 2 if the input or one of its lines could not be read.
"""


class CannotRead(Exception):
    """The input is not there, or may not be read. The text says why."""


class BadLine(ValueError):
    """Looks like JSON and holds no message. The text says why."""


@dataclass(frozen=True, slots=True)
class Given:
    """One line of input. ``fields`` is the whole object where it was one."""

    message: str
    reason: str
    fields: dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="else, and for -, standard input"
    )
    parser.add_argument(
        "--score",
        action="store_true",
        help="for JSON lines with a `symptom` (and `alt_symptoms`, which count as right too): print how many "
        "were read right, per label",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status: 0, or 2 if the input or a line of it cannot be read."""
    try:
        with _opened(arguments.file) as stream:
            return _score(stream) if arguments.score else _answer(stream)
    except CannotRead as error:
        what = "standard input" if arguments.file == "-" else arguments.file
        print(f"pullbot: cannot read {what}: {error}", file=sys.stderr)
        return _USAGE


def _answer(stream: BufferedReader) -> int:
    status = 0
    # Who types or tails waits for each answer; a file is read to its end anyway.
    waits = not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    for number, line in _lines(stream):
        try:
            given = _given(line)
        except BadLine as error:
            status = _complain(number, error)
            continue
        print(json.dumps(_answered(given)), flush=waits)
    return status


def _score(stream: BufferedReader) -> int:
    status = 0
    score = Score()
    for number, line in _lines(stream):
        try:
            given = _given(line)
            score.add(given.fields, classify(given.message, given.reason).symptom)
        except (BadLine, BadLabel) as error:
            status = _complain(number, error)
    print(score.table())
    return status


def _answered(given: Given) -> dict[str, Any]:
    read = classify(given.message, given.reason)
    answer = {"id": given.fields["id"]} if "id" in given.fields else {}
    answer["symptom"] = read.symptom.value
    named = {"host": read.host, "image": read.image, "principal": read.principal, "action": read.action}
    return answer | {name: value for name, value in named.items() if value}


def _complain(number: int, error: ValueError) -> int:
    print(f"pullbot: line {number}: {error}", file=sys.stderr)
    return _USAGE


# ---- from bytes to messages


@contextmanager
def _opened(name: str) -> Iterator[BufferedReader]:
    """:raises CannotRead:"""
    if name == "-":
        if sys.stdin is None:  # the shell's `<&-`
            raise CannotRead("it is closed")
        yield sys.stdin.buffer  # type: ignore[misc]  # typed as BinaryIO; CPython's has peek()
        return
    try:
        stream = open(name, "rb")  # noqa: SIM115  closed below; errors of the body are not ours
    except OSError as error:
        raise CannotRead(error.strerror) from None
    with stream:
        yield stream


def _lines(stream: BufferedReader) -> Iterator[tuple[int, str]]:
    """Numbered from 1, without the empty ones. Only a line feed ends a line: progress bars hold others.

    :raises CannotRead:
    """
    number = 0
    try:
        text = TextIOWrapper(stream, encoding=_encoding(stream.peek(4)), errors="replace", newline="\n")
        while line := text.readline():
            number += 1
            if stripped := line.strip():
                yield number, stripped
        text.detach()  # the stream is its opener's to close
    except OSError as error:
        raise CannotRead(error.strerror) from None


def _encoding(start: bytes) -> str:
    """PowerShell's ``>`` writes UTF-16, editors on Windows a UTF-8 mark."""
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Python reads NaN and Infinity, which an `id` would carry into our output.
_JSON = json.JSONDecoder(parse_constant=_no_number)


# How registries answer (distribution API); logs hold it bare, with and without more behind it.
_ANSWER = re.compile(r'\{\s{0,8}"errors"\s{0,8}:')


def _given(line: str) -> Given:
    """:raises BadLine: it begins like a JSON object and is none, or has no message."""
    if not (line[0] == "{" and line[1:].lstrip()[:1] in ('"', "}")):
        return Given(line, "", {})
    try:
        fields = _JSON.decode(line)
    except (ValueError, RecursionError) as error:
        if _ANSWER.match(line):
            return Given(line, "", {})
        raise BadLine(f"begins like a JSON object and does not parse: {error}") from None
    if "message" not in fields:
        if _ANSWER.match(line):
            return Given(line, "", fields)
        raise BadLine("this JSON object has no `message`")
    message, reason = fields["message"], fields.get("reason")
    if not isinstance(message, str | None):
        raise BadLine("the `message` is not a text")
    return Given(message or "", reason if isinstance(reason, str) else "", fields)
