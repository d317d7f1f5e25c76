"""The names that a message carries: who asked, for which image, where, and what was dialled.

Messages come by the thousand, so what is looked for is found as plain text first, and only what
follows is matched.
"""

from __future__ import annotations

import re
from functools import lru_cache

from checks.image.reference import BadReference, parse

# AWS: "User: arn:… is not authorized to perform: ecr:BatchGetImage on resource: …".
_PRINCIPAL = re.compile(
    r"User: ?(?P<principal>arn:\S{1,2048}) is not authorized to perform: ?(?P<action>[\w-]{1,64}:\w{1,128})"
)
# Azure: "The client '…' with object id '…' does not have authorization to perform action '…'".
_CLIENT = re.compile(
    r"client '(?P<principal>[^']{1,256})' with object id .{0,80}"
    r"authorization to perform action '(?P<action>[^']{1,256})'"
)


def principal_and_action(text: str) -> tuple[str, str]:
    """ "" and "" where the message does not say who was refused what."""
    found = _PRINCIPAL.search(text) or _CLIENT.search(text)
    return (found["principal"], found["action"]) if found else ("", "")


_DIAL = "dial tcp "
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}|\[[0-9a-fA-F:]{2,45}\]:\d{1,5}")


def dialled(text: str) -> str:
    """``ip:port`` of the last connection that was tried."""
    at = text.rfind(_DIAL)
    found = _ADDRESS.match(text, at + len(_DIAL)) if at >= 0 else None
    return found[0] if found else ""


# ---- the image

# containers/image: "reading manifest TAG in REPOSITORY".
_TAG_IN = re.compile(r"manifest (?P<tag>[\w.:-]{1,160}) in (?P<repository>[^\s,\"]{1,512}[^\s,\":])")
# What an image follows. In this order: the runtime's normalised reference says more than what the pod wrote.
_QUOTED_AFTER = (
    'resolve reference "',
    'pull and unpack image "',
    'resolve image "',
    'image "',
    'image: "',
    'Image "',
    'image="',
    'reference "',
    'ref "',
)
_PLAIN_AFTER = (
    "docker://",
    "manifest for ",
    "resolve ref ",
    "unable to pull ",
    "pulling image ",
    "pull image ",
    "pull failed for ",
    "pull access denied for ",
    "such image: ",
    "epository ",  # also at the start of a sentence
)
_QUOTED = re.compile(r"[^\"\s]{1,1024}(?=\")")
_PLAIN = re.compile(r"[^\s,\"]{1,1024}")
# "repository does not exist", "unable to pull secrets", "pulling image from": one bare word is no image here.
_BARE_WORD = re.compile(r"[a-z]*:?")


def image(text: str) -> str:
    """The image as the message spells it, or "" where it names none that parses."""
    in_repository = _TAG_IN.search(text) if " in " in text else None
    if in_repository:
        tag = in_repository["tag"]
        joint = "@" if tag.startswith("sha256:") else ":"
        return f"{in_repository['repository']}{joint}{tag}"
    for lead in _QUOTED_AFTER:
        found = _after(lead, _QUOTED, text)
        if found and _host_of(found) is not None:
            return found
    for lead in _PLAIN_AFTER:
        found = _after(lead, _PLAIN, text).rstrip(":.;")
        if found and _means_an_image(lead, found) and _host_of(found) is not None:
            return found
    return ""


def _after(lead: str, pattern: re.Pattern[str], text: str) -> str:
    at = text.find(lead)
    found = pattern.match(text, at + len(lead)) if at >= 0 else None
    return found[0] if found else ""


def _means_an_image(lead: str, found: str) -> bool:
    return not _BARE_WORD.fullmatch(found) or lead in {
        "manifest for ",
        "pull access denied for ",
        "such image: ",
    }


# The usual form of a reference: cheap to tell. Whatever else there is goes through the whole grammar.
_USUAL = re.compile(
    r"(?:(?P<head>[a-zA-Z0-9][a-zA-Z0-9.-]{0,252}(?::\d{1,5})?)/)?[a-z0-9]+(?:[._/-][a-z0-9]+){0,40}"
    r"(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


def _host_of(reference: str) -> str | None:
    """The registry that a reference names, or None if it does not parse."""
    usual = _USUAL.fullmatch(reference)
    if usual is None or (usual["head"] or "").lower() != (usual["head"] or ""):
        return _host_by_grammar(reference)
    head = usual["head"] or ""
    if "." in head or ":" in head or head == "localhost":
        return _host_by_grammar(reference) if head[-1] in ".-" or ".-" in head or "-." in head else head
    return "docker.io"


@lru_cache(maxsize=1024)
def _host_by_grammar(reference: str) -> str | None:
    try:
        return parse(reference).repository.host
    except BadReference:
        return None


# ---- the host

_LOOKUP = "lookup "
_LOOKED_UP = re.compile(r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?)\.?(?=:| on )")
_URL_HOST = re.compile(r"://\"?(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(?::\d{1,5})?)")
# Pages that messages send their readers to; nobody pulled from there.
_HELP = frozenset({
    "www.docker.com", "docs.docker.com", "hub.docker.com", "docker.com", "aka.ms",
    "docs.aws.amazon.com", "aws.amazon.com", "learn.microsoft.com", "docs.microsoft.com",
    "cloud.google.com", "github.com", "kubernetes.io", "docs.github.com", "golang.org", "go.dev"
})  # fmt: skip
_MOST_URLS = 8


def host(text: str, image: str) -> str:
    """The host that failed: whose name was looked up, whose URL was asked, or the image's registry."""
    at = text.rfind(_LOOKUP)
    found = _LOOKED_UP.match(text, at + len(_LOOKUP)) if at >= 0 else None
    if found:
        return found["host"]
    return _last_url_host(text) or (image and _host_of(image)) or ""


def _last_url_host(text: str) -> str:
    at = len(text)
    for _ in range(_MOST_URLS):
        at = text.rfind("://", 0, at)
        if at < 0:
            break
        found = _URL_HOST.match(text, at)
        if found and text[max(at - 5, 0) : at].endswith(("http", "https")) and found["host"] not in _HELP:
            return found["host"]
    return ""
