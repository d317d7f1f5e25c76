"""Secrets out of texts that strangers wrote: registries put tokens and presigned URLs into their errors.

What is known to be secret is a ``Secret`` and never gets here. This is for what only looks like one: it
rather hides a harmless word than shows a key. Names and shapes stay, so that a reader sees what it was.
"""

from __future__ import annotations

import re

_HIDDEN = "…"

# Query parameters that let whoever has the URL do what its maker may: S3, CloudFront, SAS, GCS, OAuth.
_PARAMETER = re.compile(
    r"(?i)(?P<keep>[?&;](?:x-amz-(?:signature|credential|security-token)|awsaccesskeyid|signature|key-pair-id"
    r"|policy|sig|x-goog-(?:signature|credential)|access_token|refresh_token|token|password|secret)=)"
    r"[^&\s\"'<>;]+"
)
# https://user:password@host
_USERINFO = re.compile(
    r"(?P<keep>\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@\"']{0,256}:)[^\s/@\"']{1,4096}(?=@)", re.I
)
_HEADER = re.compile(r"(?i)(?P<keep>\b(?:authorization:? +)?(?:bearer|basic) +)[A-Za-z0-9._~+/=-]{16,}")
_FIELD = re.compile(
    r"(?i)(?P<keep>[\"']?\b(?:password|passwd|secret|client_?secret|identitytoken|registrytoken|access_?token"
    r"|refresh_?token|auth|api_?key|secret_?access_?key|session_?token)[\"']?\s{0,3}[:=]\s{0,3}[\"'])"
    r"(?:[^\"'\\]|\\.){1,8192}(?=[\"'])"
)
_TOKENS = (
    re.compile(r"\bxox[a-z]-[A-Za-z0-9-]{8,}|\bxapp-[A-Za-z0-9-]{8,}"),  # Slack
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),  # a JSON Web Token
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),  # AWS's access key ids
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"),  # GitHub
    re.compile(r"\bglpat-[A-Za-z0-9_-]{16,}"),  # GitLab
    re.compile(r"\bdckr_[a-z]{2,4}_[A-Za-z0-9_-]{16,}"),  # Docker Hub
)


def redact(text: str) -> str:
    """``text`` with what looks like a secret replaced by ``…``."""
    for pattern in (_PARAMETER, _USERINFO, _HEADER, _FIELD):
        text = pattern.sub(lambda found: f"{found['keep']}{_HIDDEN}", text)
    for pattern in _TOKENS:
        text = pattern.sub(_HIDDEN, text)
    return text
