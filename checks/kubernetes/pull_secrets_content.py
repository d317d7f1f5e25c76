"""What kubelet makes of a pull secret. Passwords leave here as ``Secret`` only.

The rules are kubelet's (pkg/credentialprovider/config.go and secrets/secrets.go): a Secret of another type is
passed over without a word; one that cannot be parsed makes every pull of the pod fail; of an entry ``auth``
counts, and ``username`` and ``password`` only where there is none. ``identitytoken`` and credential stores it
does not know.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from checks.secret import Secret

KEY_OF_TYPE = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
_FIELDS = ("username", "password", "auth", "identitytoken")


@dataclass(frozen=True, slots=True)
class Entry:
    """``fault``: why no registry takes this login, or "". ``expires``: RFC 3339, "" if nothing says when."""

    key: str
    username: str
    fault: str = ""
    expires: str = ""
    password: Secret[str] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Content:
    """``fault``: why kubelet gets nothing out of the secret, or ""; ``poisons``: nor out of any other."""

    entries: tuple[Entry, ...] = ()
    fault: str = ""
    poisons: bool = False


class _Unparsable(Exception):
    """Kubelet's own parser would refuse the secret here."""


def content(kind: str, data: Mapping[str, Any]) -> Content:
    """What is in a Secret of the type ``kind`` with this ``data``, whose values are base64."""
    key = KEY_OF_TYPE.get(kind)
    if key is None:
        return Content(fault=f"its type is {kind or 'Opaque'}, and kubelet passes over all but {_types()}")
    if not data.get(key):
        has = f"; it has {', '.join(sorted(data))}" if data else ""
        return Content(fault=f"it has no {key}, which is what kubelet reads{has}")
    raw = _decoded(str(data[key]))
    if raw is None:
        return Content(fault=f"its {key} is no base64", poisons=True)
    try:
        return _registries(raw, key)
    except _Unparsable as why:
        return Content(fault=str(why), poisons=True)


def _registries(raw: bytes, key: str) -> Content:
    try:
        tree = json.loads(raw.decode())
    except (ValueError, RecursionError):
        inner = _decoded(raw.decode(errors="replace").strip())
        twice = inner is not None and inner.lstrip().startswith(b"{")
        why = "was encoded in base64 twice" if twice else "is not JSON"
        raise _Unparsable(f"its {key} {why}") from None
    if not isinstance(tree, dict):
        raise _Unparsable(f"its {key} is JSON, but no object")
    auths = _field(tree, "auths") if key == ".dockerconfigjson" else tree
    if auths is not None and not isinstance(auths, dict):
        raise _Unparsable(f"the auths in its {key} are no object")
    if not auths:
        layout = "" if key == ".dockercfg" or not _looks_old(tree) else " (it has the layout of .dockercfg)"
        return Content(fault=f"its {key} has no auths: it names no registry{layout}")
    store = next((one for one in ("credsStore", "credHelpers") if _field(tree, one)), "")
    return Content(tuple(_entry(str(name), value, store) for name, value in auths.items()))


def _entry(key: str, value: Any, store: str) -> Entry:
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise _Unparsable(f"its entry for {key} is no object")
    fields = {name: _text(value, name, key) for name in _FIELDS}
    user, password = fields["username"], fields["password"]
    if fields["auth"]:
        user, password = _basic(fields["auth"], key)
    fault, expires = _fault(fields, user, password, store), _expires(user, password)
    return Entry(key, user, fault, expires, Secret(password))


def _fault(fields: Mapping[str, str], user: str, password: str, store: str) -> str:
    if not password and fields["identitytoken"]:
        return "it holds an identity token, as a login from a terminal writes it, and no password"
    if not password and not user and store:
        return f"its password is in the credential store of the machine that it was copied from ({store})"
    if not password or not user:
        lacks = " and ".join(name for name, one in (("user name", user), ("password", password)) if not one)
        return f"it has no {lacks}"
    for name, one in (("user name", user), ("password", password)):
        if one != one.strip("\r\n"):
            return f"its {name} begins or ends with a line break"
    written = [(fields["username"], user), (fields["password"], password)]
    if fields["auth"] and any(one and one != other for one, other in written):
        return (
            "its auth says another user name or password than the fields beside it, and kubelet goes by auth"
        )
    return ""


def _basic(auth: str, key: str) -> tuple[str, str]:
    """:raises _Unparsable: kubelet refuses the secret"""
    decoded = _decoded(auth)
    if decoded is None or b":" not in decoded:
        raise _Unparsable(f"the auth of its entry for {key} is not base64 of user:password")
    user, _, password = decoded.decode(errors="replace").partition(":")
    return user, password


def _expires(user: str, password: str) -> str:
    """As far as the password is a token that says so: ECR's, or a JSON Web Token."""
    token: Any = None
    parts = password.split(".")
    if user == "AWS":
        token = _json(password)
    elif len(parts) == 3:
        token = _json(parts[1])
    at = token.get("expiration" if user == "AWS" else "exp") if isinstance(token, dict) else None
    if not isinstance(at, int | float) or isinstance(at, bool):
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return ""


def _json(encoded: str) -> Any:
    raw = _decoded(encoded.replace("-", "+").replace("_", "/"))
    try:
        return json.loads(raw) if raw is not None else None
    except (ValueError, RecursionError):
        return None


def _decoded(text: str) -> bytes | None:
    """Base64 as Go's decoder takes it: line breaks are skipped, padding may be missing."""
    text = text.replace("\r", "").replace("\n", "")
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _field(tree: Mapping[str, Any], name: str) -> Any:
    """Go's JSON compares the names of fields without regard to case."""
    return next((value for key, value in tree.items() if key.lower() == name.lower()), None)


def _text(tree: Mapping[str, Any], name: str, key: str) -> str:
    found = _field(tree, name)
    if found is not None and not isinstance(found, str):
        raise _Unparsable(f"the {name} of its entry for {key} is no text")
    return found or ""


def _looks_old(tree: Mapping[str, Any]) -> bool:
    return any(isinstance(value, dict) and {*value} & {*_FIELDS} for value in tree.values())


def _types() -> str:
    return " and ".join(KEY_OF_TYPE)
