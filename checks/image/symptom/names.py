"""Names are blanked out before anything is read: an image called ``denied`` says nothing.

A name is known by its form (joined by slashes, dots, colons, @), by quotes around one word, or by the
words before it. ``…`` stands where one was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

# No reference, host or ARN is longer, and what is remembered below stays small.
_LONGEST = 1100

# The words before a name that may look like any word. Where more than one leads to it, the word
# before that is told too: "manifest for X", "reading manifest X", but not "waiting for X".
_LEADS_TO_A_NAME: dict[str, frozenset[str]] = {
    "lookup": frozenset(),
    "repository": frozenset(),
    "repository:": frozenset(),
    "project": frozenset(),
    "namespace": frozenset(),
    "artifact": frozenset(),
    "registry": frozenset({"docker", "container", "pinging", "ping", "contact"}),
    "host": frozenset({"from", "resolve"}),
    "[manifests": frozenset(),
    "[blobs": frozenset(),
    "ref": frozenset({"resolve", "on"}),
    "reference": frozenset({"resolve", "parse"}),
    "manifest": frozenset({"reading", "fetching", "read"}),
    "for": frozenset({"manifest", "denied", "failed", "secret", "credentials", "tag", "digest"}),
    "to": frozenset({"access"}),
    "from": frozenset({"pulling", "pull"}),
    "pull": frozenset({"to"}),
    "image": frozenset({"pulling", "pull", "no", "such", "resolve", "inspect", "inspecting", "get", "find"}),
    "image:": frozenset({"such", "find"}),
    "name": frozenset({"image"}),
    "not": frozenset(),  # "certificate is valid for X, not Y"
    "tag": frozenset(),
    "secret": frozenset(),
    "secrets": frozenset(),
}
# Said after those words in ordinary sentences, and never a name.
_GRAMMAR = frozenset({
    "a", "an", "and", "any", "are", "at", "be", "been", "can", "cannot", "could", "does", "exist",
    "exists", "found", "from", "has", "have", "in", "is", "it", "might", "must", "no", "not", "of", "on",
    "one", "or", "that", "the", "this", "to", "too", "was", "were", "with", "you", "your"
})  # fmt: skip
# Either: "access to the repository denied", "repository denied not found". What follows tells.
_PERHAPS_A_NAME = frozenset({
    "access", "apply", "client", "containing", "credential", "credentials", "data", "denied", "digest",
    "error", "errors", "failed", "failure", "forbidden", "host", "id", "image", "images", "index", "info",
    "invalid", "key", "keys", "layer", "list", "manager", "manifest", "manifests", "missing", "mode",
    "name", "named", "names", "operation", "policy", "pull", "reading", "reference", "request",
    "required", "requires", "resource", "returned", "returns", "rpc", "schema", "secret", "secrets",
    "service", "status", "tagged", "text", "timed", "timeout", "type", "unauthorized", "unavailable",
    "unknown", "unsupported", "value", "version"
})  # fmt: skip
_FOLLOWS_A_NAME = frozenset({"not", "does", "was", "in", "or", "returns", "failed"})
# "pull access denied for X, repository …", "image pull failed for X, this may be …"
_LISTS = frozenset({"denied", "failed"})
# Only a name follows these.
_ONLY_NAMES = frozenset({"lookup", "[manifests", "[blobs"})
# Sentences that these begin go on in one way only, if a name follows.
_ONLY_IF_SO: dict[str, Callable[[str, str, list[str]], bool]] = {
    "lookup": lambda _, word, after: word[-1:] == ":" or after == ["on"],
    "registry": lambda _, word, after: word[-1:] == ":",
    "not": lambda before_that, word, after: before_that[-1:] == ",",
}
# Keys of JSON and of logs whose value says something.
_TELLING_KEYS = frozenset({
    "code", "error", "errors", "message", "msg", "reason", "status", "statuscode", "title",
    "detail", "details", "err", "errorcode"
})  # fmt: skip


def without_names(text: str) -> str:
    """``text``, one line, with images, hosts, paths and addresses blanked out, in lower case."""
    words, lower = text.split(" "), text.lower().split(" ")
    blanked = [low if low.isalpha() else _blanked(word) for low, word in zip(lower, words, strict=True)]
    if '": "' in text:
        _tell_values(words, lower, blanked)
    for at in [at for at, low in enumerate(lower[:-1], 1) if low in _LEADS_TO_A_NAME]:
        if _is_led_to(lower, at, words[at]):
            blanked[at] = "…" + _punctuation_after(words[at])
    return " ".join(blanked)


def _tell_values(words: list[str], lower: list[str], blanked: list[str]) -> None:
    """JSON for people has spaces: a quoted word behind a telling key is no name."""
    for at in range(1, len(words)):
        before = lower[at - 1]
        if before[-2:] == '":' and before.strip('"{[,:') in _TELLING_KEYS:
            blanked[at] = _blanked(words[at].replace('"', ""))


def _is_led_to(lower: list[str], at: int, word: str) -> bool:
    """Whether ``word``, which is at ``at``, is a name for the sake of those before it."""
    before, before_that = lower[at - 1], lower[at - 2] if at > 1 else ""
    leads, after = _LEADS_TO_A_NAME[before], lower[at + 1 : at + 2]
    if leads and before_that.strip("\"'([:,") not in leads:
        return False
    if before in _ONLY_IF_SO and not _ONLY_IF_SO[before](before_that, word, after):
        return False
    bare = word.strip("\"'()[]:;,.").lower()
    if not bare or bare in _GRAMMAR:
        return before in _ONLY_NAMES
    if bare in _PERHAPS_A_NAME:
        listed = word[-1] == "," and before_that in _LISTS
        return listed or before in _ONLY_NAMES or not _FOLLOWS_A_NAME.isdisjoint(after)
    return True


def _punctuation_after(word: str) -> str:
    tail = word[len(word.rstrip("\"'`)]}:;,.")) :]
    return tail.translate(_NO_QUOTES)


_NO_QUOTES = str.maketrans("", "", "\"'`")

# What separates a name from what it is written in.
_BETWEEN = re.compile(r"""(["'(){}\[\],;=`|]+)""")
# One word in quotes, which is all that most names are.
_QUOTED = re.compile(r"""(["'`])([^"'(){}\[\],;=`|:][^"'(){}\[\],;=`|]*)\1(:?)""")
_URL = re.compile(r"https?:/{1,2}\S*?(/manifests/|/blobs/|/token\b|$)", re.I)
_MEDIA_TYPE = re.compile(r"(application|text)/[\w.+-]+")
_MEANS_ITSELF = re.compile(
    r"i/o|input/output|net/http|archive/tar|and/or|repository/tag|username/password|user/password|os/arch"
    r"|http/\d(\.[\dx])?|client\.timeout|n/a|(application|text)/[\w.+-]+|(linux|windows)/[a-z0-9]+(/v\d)?"
    r"|\d+(\.\d+)*%?|v?\d+(\.\d+)+",
)
_SAYS_AND_JOINS = re.compile(
    r"(denied|unauthorized|unknown|errors?|toomanyrequests|forbidden|code|reason|status|statuscode|x509|tls"
    r"|errorcode|message|failed|refused|timeout|eof):(?=[a-z0-9])"
)


@lru_cache(maxsize=8192)
def _blanked(word: str) -> str:
    """One word, which may be several: ``{"code":"DENIED","message":"requested``."""
    if len(word) > _LONGEST:
        return "…"
    if word.isalpha():
        return word.lower()
    if ":/" in word and (found := _URL.search(word)):
        return f"url {found[1].strip('/')}{_punctuation_after(word)}"
    if quoted := _QUOTED.fullmatch(word):
        return f"{quoted[1]}{_quoted(quoted[2])}{quoted[1]}{quoted[3]}"
    pieces = _BETWEEN.split(word)
    if len(pieces) == 1:
        return _unless_name(word) if word.strip(":") else word
    return "".join(_piece(pieces, at) for at in range(len(pieces)))


def _piece(pieces: list[str], at: int) -> str:
    """``pieces`` alternate: text, what stands between, text."""
    piece = pieces[at]
    if at % 2 or not piece.strip(":"):
        return piece
    opens = pieces[at - 1][-1:] if at else ""
    closes = pieces[at + 1][:1] if at + 1 < len(pieces) else ""
    if opens and opens == closes and opens in "\"'`" and _key(pieces, at) not in _TELLING_KEYS:
        return _quoted(piece)
    return _unless_name(piece)


def _quoted(piece: str) -> str:
    low = piece.lower()
    return low if _MEDIA_TYPE.fullmatch(low) else "…"


def _key(pieces: list[str], at: int) -> str:
    """What a quoted piece is the value of: ``"code":"DENIED"`` and ``code="DENIED"``; "" if of nothing."""
    if at >= 4 and pieces[at - 2] == ":":
        return pieces[at - 4].lower()
    return pieces[at - 2].lower() if at >= 2 and pieces[at - 1][:1] == "=" else ""


def _unless_name(piece: str) -> str:
    core = piece.strip(":.!?")
    low = core.lower()
    if low.isalnum() or _MEANS_ITSELF.fullmatch(low):
        return piece.lower()
    tail = piece[len(piece.rstrip(":.!?")) :]
    if "/" in core or "@" in core:
        return f"…{tail}"
    says = _SAYS_AND_JOINS.match(low)
    if says:
        return f"{says[0]} {_unless_name(low[says.end() :])}{tail}"
    if ":" in core or _is_host(core):
        return f"…{tail}"
    return piece.lower()


def _is_host(core: str) -> bool:
    """Also a file or a version. A missing space after a sentence, as in ``failed.Check``, makes none."""
    head, _, tail = core.partition(".")
    if not (head[-1:].isalnum() and tail[:1].isalnum()):
        return False
    return not (head[-1].islower() and tail[0].isupper())
