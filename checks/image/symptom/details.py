"""The names that a message carries: who asked, for which image, where, and what was dialled."""

from __future__ import annotations

import re

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
_DIALLED = re.compile(r"dial tcp (?P<address>\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}|\[[0-9a-fA-F:]{2,45}\]:\d{1,5})")
_LOOKUP = re.compile(r"\blookup (?P<host>[A-Za-z0-9][A-Za-z0-9.-]{0,252}[A-Za-z0-9])")
_URL_HOST = re.compile(r"https?:/{1,2}\"?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::\d{1,5})?)")
# In this order: the runtime's normalised reference says more than what the pod wrote.
_IMAGES = tuple(
    re.compile(pattern)
    for pattern in (
        r'(?:resolve reference|pull and unpack image|resolve image) "(?P<image>[^"\s]{1,1024})"',
        r'(?i:image|PullImage|reference|ref|docker://)[: ]{0,2}"(?P<image>[^"\s]{1,1024})"',
        r"manifest for (?P<image>[^\s,\"]{1,1024}) not found",
        r"(?:resolve ref|unable to pull(?! secrets)|pulling image|pull image|pull failed for) (?P<image>[^\s,\"]{1,1024}?):?[ ,]",
        r"pull access denied for (?P<image>[^\s,\"]{1,1024}),",
        r"[Rr]epository (?P<image>[^\s,\"]{1,512}[./][^\s,\"]{1,512}) not found",
    )
)
# containers/image: "reading manifest TAG in REPOSITORY".
_TAG_IN = re.compile(r"manifest (?P<tag>[\w.:-]{1,160}) in (?P<repository>[^\s,\"]{1,512}[^\s,\":])")


def principal_and_action(text: str) -> tuple[str, str]:
    found = _PRINCIPAL.search(text) or _CLIENT.search(text)
    return (found["principal"], found["action"]) if found else ("", "")


def dialled(text: str) -> str:
    """``ip:port`` of the last connection that was tried."""
    found = _last(_DIALLED, text)
    return found["address"] if found else ""


def image(text: str) -> str:
    """The image as the message spells it, or "" where it names none that parses."""
    in_repository = _TAG_IN.search(text)
    if in_repository:
        tag = in_repository["tag"]
        joint = "@" if tag.startswith("sha256:") else ":"
        return f"{in_repository['repository']}{joint}{tag}"
    for pattern in _IMAGES:
        found = pattern.search(text)
        if found and _parses(found["image"]):
            return found["image"]
    return ""


def host(text: str, image: str) -> str:
    """The host that failed: whose name was looked up, whose URL was asked, or the image's registry."""
    found = _last(_LOOKUP, text) or _last(_URL_HOST, text)
    if found:
        return found["host"].rstrip(".")
    return parse(image).repository.host if image and _parses(image) else ""


def _parses(reference: str) -> bool:
    try:
        parse(reference)
    except BadReference:
        return False
    return True


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for found in pattern.finditer(text):
        pass
    return found
