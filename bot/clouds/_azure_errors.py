"""What ARM and Graph answer, in the project's own words: one table, so that no denial passes for an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.model import NotFound, Unavailable
from handlers.remedy import Conflict

_GONE = frozenset({404, 410})


def arm_action(method: str, path: str) -> str:
    """``Microsoft.Network/virtualNetworks/subnets/read``: what a role must allow for this call."""
    verb = {"GET": "read", "DELETE": "delete", "POST": "action"}.get(method, "write")
    before, found, rest = path.split("?")[0].rpartition("/providers/")
    namespace, *parts = rest.strip("/").split("/")
    if not found:
        inner = "/resourceGroups" if "/resourcegroups/" in path.lower() else ""
        return f"Microsoft.Resources/subscriptions{inner}/{verb}"
    types = parts[::2]
    if namespace.lower() == "microsoft.insights" and parts[:1] == ["eventtypes"]:
        types = ["eventtypes", "values"]
    if namespace.lower() == "microsoft.resourcegraph":
        types = ["resources"]
    return "/".join((namespace, *types, verb))


def translated(status: int, headers: Mapping[str, str], tree: Any, action: str, path: str) -> Exception:
    """The project's exception for an answer that is none."""
    code, message = said(tree)
    if status in _GONE:
        return NotFound(code or str(status), message)
    if status == 403:
        return Unavailable(f"Azure denies {action} on {path}; grant it (see `pullbot permissions azure`)")
    if status == 401:
        return Unavailable(
            f"Azure does not accept the credentials for {action} ({code or status}); renew them"
        )
    if status == 429:
        after = headers.get("Retry-After", "")
        return Unavailable(f"Azure throttles {action}; ask again in {after or 'some'} seconds")
    if status in (409, 412):
        return Conflict(f"Azure noticed another change meanwhile ({code or status}): {message}")
    return Unavailable(f"Azure answered {action} with {status} {code}: {message}".rstrip(": "))


def unreadable(error: Exception, action: str) -> Exception:
    """For what was raised on the way."""
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415  nothing else of it is needed

    first = (str(error) or type(error).__name__).splitlines()[0]
    if isinstance(error, ClientAuthenticationError):
        return Unavailable(
            f"no usable Azure credentials for {action}: {first}; sign in, or set AZURE_CLIENT_ID"
        )
    return Unavailable(f"Azure did not answer {action}: {first}")


def said(tree: Any) -> tuple[str, str]:
    """The error's code and message, as ARM and Graph lay them out."""
    error = tree.get("error") if isinstance(tree, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code") or ""), str(error.get("message") or "")
