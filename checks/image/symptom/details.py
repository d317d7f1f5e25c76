"""The names that a message carries: who asked, for which image, where, and what was dialled.

Messages come by the thousand, so what is looked for is found as plain text first, and only what
follows is matched.
"""

from __future__ import annotations

import re
from functools import lru_cache

from checks.image.reference import BadReference, parse
from checks.image.symptom.text import mirrors_and_upstream

# AWS: "User: arn:… is not authorized to perform: ecr:BatchGetImage on resource: …".
_PRINCIPAL = re.compile(
    r"User: ?(?P<principal>arn:\S{1,2048}) is not authorized to perform: ?(?P<action>[\w-]{1,64}:\w{1,128})"
)
# Azure: "The client '…' with object id '…' does not have authorization to perform action '…'".
_CLIENT = re.compile(
    r"client '(?P<principal>[^']{1,256})' with object id .{0,80}"
    r"authorization to perform action '(?P<action>[^']{1,256})'"
)


# Google names what is not allowed, and never to whom.
_PERMISSION = re.compile(r"Permission [\"'](?P<action>[\w.]{3,128})[\"'] denied")


def principal_and_action(text: str) -> tuple[str, str]:
    """ "" where the message does not say who was refused, or what."""
    found = _PRINCIPAL.search(text) or _CLIENT.search(text)
    if found:
        return found["principal"], found["action"]
    permission = _PERMISSION.search(text) if "Permission " in text else None
    return "", permission["action"] if permission else ""


# net.OpError: "dial tcp 10.0.0.5:443: …", and where there was a connection "read tcp OURS->THEIRS: …".
_TCP = " tcp "
_OPERATIONS = ("dial", "read", "write")
_IP_PORT = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]{2,45}\]):\d{1,5}"
_ADDRESS = re.compile(rf"(?:{_IP_PORT}->)?(?P<theirs>{_IP_PORT})")
_OF_NAMES = ":53"
_MOST_OPERATIONS = 8


def dialled(text: str) -> str:
    """``ip:port`` of the last connection that was tried; a name server's is none of these."""
    at = len(text)
    for _ in range(_MOST_OPERATIONS):
        at = text.rfind(_TCP, 0, at)
        if at < 0:
            break
        found = _ADDRESS.match(text, at + len(_TCP))
        if found and text.endswith(_OPERATIONS, 0, at) and not found["theirs"].endswith(_OF_NAMES):
            return found["theirs"]
    return ""


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
    'Accessing "',
)
# What does not parse is told as it is written.
_UNPARSED_AFTER = ('parse image name "', 'parse image reference "')
# ECS: "cannot pull 'web' from the Amazon ECR repository '…/web'".
_SINGLY_QUOTED_AFTER = ("repository '", "image '")
_PLAIN_AFTER = (
    "docker://",
    "manifest for ",
    "resolve ref ",
    "unable to pull ",
    "pulling image ",
    "pulling candidate ",
    "pull image ",
    "pull failed for ",
    "pull access denied for ",
    "such image: ",
    "image with reference ",
    "the author of ",
    "Error: image ",
    "epository ",  # also at the start of a sentence
)
_QUOTED = re.compile(r"[^\"\s]{1,1024}(?=\")")
_SINGLY_QUOTED = re.compile(r"[^'\s]{1,1024}(?=')")
_PLAIN = re.compile(r"[^\s,\"]{1,1024}")
# "repository does not exist", "unable to pull secrets", "pulling image from": one bare word is no image here.
_BARE_WORD = re.compile(r"[a-z]*:?")


# "web:1: failed to authorize: …": BuildKit and containerd's resolver name it before all else.
_AT_START = re.compile(r"(?P<image>[^\s\"]{1,512}): failed to ")


def image(text: str) -> str:
    """The image as the message spells it, or "" where it names none."""
    parts = mirrors_and_upstream(text)
    if parts:  # a mirror's name for it is not what the pod asked for
        text = text.replace(parts[0], "")
    in_repository = _TAG_IN.search(text) if " in " in text else None
    if in_repository:
        tag = in_repository["tag"]
        joint = "@" if tag.startswith("sha256:") else ":"
        return f"{in_repository['repository']}{joint}{tag}"
    for lead in [lead for lead in _QUOTED_AFTER if lead in text]:
        found = _after(lead, _QUOTED, text)
        if found and _host_of(found) is not None:
            return found
    for lead in [lead for lead in _UNPARSED_AFTER if lead in text]:
        if unparsed := _after(lead, _QUOTED, text):
            return unparsed
    for lead in [lead for lead in _SINGLY_QUOTED_AFTER if lead in text]:
        found = _after(lead, _SINGLY_QUOTED, text)
        if found and _host_of(found) is not None:
            return found
    for lead in [lead for lead in _PLAIN_AFTER if lead in text]:
        found = _after(lead, _PLAIN, text).rstrip(":.;")
        if found and _means_an_image(lead, found) and _host_of(found) is not None:
            return found
    return _at_start(text) or _of_manifest(text)


def _at_start(text: str) -> str:
    found = _AT_START.match(text)
    named = found["image"] if found else ""
    return named if (":" in named or "/" in named) and _host_of(named) is not None else ""


# The distribution API: what a URL asked for. Docker names nothing else.
_MANIFESTS = "/manifests/"
_MANIFEST = re.compile(
    r"://(?P<host>[^\s/\"]{1,255})/v2/(?P<name>[a-z0-9][a-z0-9._/-]{0,254})/manifests/(?P<reference>[\w.:-]{1,160})"
)
_OTHER_NAMES = {"registry-1.docker.io": "docker.io", "index.docker.io": "docker.io"}


def _of_manifest(text: str) -> str:
    found = _MANIFEST.search(text) if _MANIFESTS in text else None
    if not found:
        return ""
    host, reference = found["host"], found["reference"].rstrip(":.")
    joint = "@" if ":" in reference else ":"
    return f"{_OTHER_NAMES.get(host, host)}/{found['name']}{joint}{reference}"


def _after(lead: str, pattern: re.Pattern[str], text: str) -> str:
    """What matches behind the first ``lead``, which is in ``text``; "" if it does not."""
    found = pattern.match(text, text.index(lead) + len(lead))
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
