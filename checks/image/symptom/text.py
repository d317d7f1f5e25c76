"""From what a runtime printed to the part that states the cause, in plain words.

Messages are wrapped several times on their way up: registry, containerd, CRI, kubelet, and the log
they were copied from. What wraps is taken off here; what names are blanked out is in ``names``.
"""

from __future__ import annotations

import re

# The API server keeps 1 kB of an event; logs can be long. The cause is at either end, so the
# middle may go, and every later step works on a bounded text.
_KEPT = 4_000

_ESCAPED_QUOTE = re.compile(r'\\{1,32}"')
_ESCAPED_BREAK = re.compile(r"\\{1,32}[nrt]")
_TYPOGRAPHIC = str.maketrans("’‘“”\xa0", "''\"\" ")
# Proxies and load balancers answer with pages; "403 Forbidden</h1>" is no path. Placeholders such as
# <account> are not HTML and stay in the name they are part of.
_HTML = re.compile(
    r"</?(?:html|head|body|title|h[1-6]|hr|br|p|center|pre|code|message|error|address|blockquote|div|span|a|b|i|u"
    r"|s|em|strong|tt|small|ul|ol|li|table|tr|td|th)\b[^<>]{0,200}>",
    re.I,
)

# klog begins a line with severity, date, time, process and place: a process may be number 403.
_KLOG = re.compile(r"\b[IWEF]\d{4} [\d:.]{8,18} {1,8}\d{1,8} [\w.-]{1,64}\.go:\d{1,6}\]")


def plain(message: str) -> str:
    """One line without escapes and mark-up: logs and JSON quote what they carry, often more than once."""
    if len(message) > 2 * _KEPT:
        message = f"{message[:_KEPT]} {message[-_KEPT:]}"
    if "\\" in message:
        message = _ESCAPED_QUOTE.sub('"', message)
        message = _ESCAPED_BREAK.sub(" ", message)
    if not message.isascii():
        message = message.translate(_TYPOGRAPHIC)
    if "</" in message:
        message = _HTML.sub(" ", message)
    if ".go:" in message:
        message = _KLOG.sub(" ", message)
    line = " ".join(message.split())
    return line.replace('" : ', '": ')  # JSON for people


# kubelet joins the attempts of one pull: "[with credentials, anonymously]" (apimachinery's Aggregate).
_NEXT_ATTEMPT = re.compile(
    r"(?i), (?=rpc error: code =|failed to pull (?:and unpack )?image|error response from daemon:)"
)


def attempts(text: str) -> list[str]:
    """The attempts that one message lists, in order; a list of one where it lists none."""
    if "[" not in text or ", " not in text:
        return [text]
    return _NEXT_ATTEMPT.split(text)


_MIRRORS = "(Mirrors also failed: "
_MIRRORS_END = "]): "


def mirrors_and_upstream(text: str) -> tuple[str, str] | None:
    """containers/image names mirrors first, the upstream registry last (docker_image_src.go)."""
    start = text.find(_MIRRORS)
    end = text.find(_MIRRORS_END, start)
    if start < 0 or end < 0:
        return None
    return text[start + len(_MIRRORS) : end], text[end + len(_MIRRORS_END) :]


# What tells how the messenger failed, not why: gRPC's code, the Docker API's status, and where
# containerd was to unpack to. Each pattern begins with what is looked for first.
_WRAPPERS = tuple(
    (start, re.compile(start + rest))
    for start, rest in (
        ("rpc error: code = ", r"\w+ desc = ?"),
        ("api error ", r"\(\d{3}\):?"),
        ("errorcode: ", r"\d{3},? ?(?:reason:)?"),
        ("exit status ", r"\d+"),
        ("failed to unpack image on snapshotter ", r"[\w.…-]{1,100}:"),
        ("to overlayfs as ", r"[^:]{1,200}:"),
    )
)


def without_wrappers(text: str) -> str:
    """``text`` is in lower case, and so is the answer."""
    for start, pattern in _WRAPPERS:
        if start in text:
            text = pattern.sub(" ", text)
    return text
