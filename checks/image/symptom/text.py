"""From what a runtime printed to the part that states the cause, in plain words.

Messages are wrapped several times on their way up: registry, containerd, CRI, kubelet, and the log
they were copied from. Names are blanked out, because an image called ``denied`` says nothing.
"""

from __future__ import annotations

import re

# The API server keeps 1 kB of an event; logs can be long. The cause is at either end, so the
# middle may go, and every later step works on a bounded text.
_KEPT = 16_000

_ESCAPED_QUOTE = re.compile(r'\\{1,32}"')
_ESCAPED_BREAK = re.compile(r"\\{1,32}[nrt]")
_SPACE = re.compile(r"\s+")


def plain(message: str) -> str:
    """One line without escapes: logs and JSON quote what they carry, often more than once."""
    if len(message) > 2 * _KEPT:
        message = f"{message[:_KEPT]} {message[-_KEPT:]}"
    message = _ESCAPED_QUOTE.sub('"', message)
    message = _ESCAPED_BREAK.sub(" ", message)
    message = message.replace("’", "'").replace("“", '"').replace("”", '"')
    return _SPACE.sub(" ", message).strip()


# A URL keeps what it was for: a manifest, a blob, a token.
_URL = re.compile(r"(?i)\bhttps?:/{1,2}[^\s\"'<>]*")
_KIND_OF_URL = re.compile(r"/(manifests|blobs|token)\b")
# Quoted words, unless they are a key or a value of JSON: `{"code":"DENIED"}`.
_QUOTED = re.compile(r'(^|[^\w:{,\[]) ?"[^"\s]{0,1024}"')
# What follows these words is a name, however it is spelt.
_NAMED = re.compile(
    r"\b(lookup|pull access denied for|requested access to|reading manifest|repository|manifest for"
    r"|image name|unauthorized to access repository:|pull failed for|unable to pull|Pulling from)"
    r" (?!name\b|does\b|not\b|or\b|with\b|unknown\b|image\b|access\b|the\b|secrets\b)[^\s,\"]{1,1024}"
)
# A path, a reference, an address: words joined by slashes, colons and @.
_JOINED = re.compile(r"(?<![\w.])/?[\w.<>*#%+~=-]+(?:[/:@][\w.<>*#%+~=-]+)+")
_KEEPS_MEANING = re.compile(
    r"(?i)(i/o|input/output|net/http|archive/tar|application/|text/|linux/|windows/|http/[\d.]+"
    r"|(denied|unauthorized|unknown|errors?|toomanyrequests|forbidden|code|reason|status|x509|tls"
    r"|manifest unknown|ecr|sts|secretsmanager):)"
)
_HOST = re.compile(r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)+\b")


def without_names(text: str) -> str:
    """``text`` with images, hosts, paths and addresses blanked out, in lower case."""
    text = _URL.sub(_url, text)
    text = _QUOTED.sub(r'\1 "…"', text)
    text = _NAMED.sub(r"\1 …", text)
    text = _JOINED.sub(lambda found: found[0] if _KEEPS_MEANING.match(found[0]) else "…", text)
    return _HOST.sub("…", text).lower()


def _url(found: re.Match[str]) -> str:
    kind = _KIND_OF_URL.search(found[0])
    tail = ":" if found[0].endswith(":") else ""
    return f"url {kind[1] if kind else ''}{tail}"


# The Docker API's own status tells how the daemon failed, not what the registry said.
_WRAPPER = re.compile(
    r"(?i)API error \(\d{3}\):?|ErrorCode: ?\d{3},? ?(?:Reason:)?|rpc error: code = \w+ desc = ?"
    r"|error response from daemon:|exit status \d+"
)
# kubelet joins the attempts of one pull: "[with credentials, anonymously]" (apimachinery's Aggregate).
_NEXT_ATTEMPT = re.compile(
    r"(?i),\s+(?=rpc error: code =|failed to pull (?:and unpack )?image|error response from daemon:)"
)
_MIRRORS = re.compile(r"\(Mirrors also failed: (?P<mirrors>.{1,8000}?)\]\): ", re.DOTALL)


def attempts(text: str) -> list[str]:
    """The attempts that one message lists, in order; a list of one where it lists none."""
    if "[" not in text:
        return [text]
    return _NEXT_ATTEMPT.split(text)


def mirrors_and_upstream(text: str) -> tuple[str, str] | None:
    """containers/image names mirrors first, the upstream registry last (docker_image_src.go)."""
    found = _MIRRORS.search(text)
    return (found["mirrors"], text[found.end() :]) if found else None


def without_wrappers(text: str) -> str:
    return _WRAPPER.sub(" ", text)
