"""What ARM and Graph answer, in the project's own words, so that no denial passes for an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.clouds._azure_http import until
from checks.model import NotFound, Unavailable
from checks.redaction import redact
from handlers.remedy import Conflict

_GONE = frozenset({404, 410})
_GRAPH_PERMISSION = "Application.Read.All"
_LONGEST_SAID = 300  # characters of a message that is not ours

# These say that the question did not arrive anywhere, not that there is no such resource.
_NOWHERE = frozenset(
    {
        "invalidresourcenamespace",
        "invalidresourcetype",
        "noregisteredproviderfound",
        "subscriptionnotfound",
        "subscriptionnotregistered",
        "tenantnotfound",
    }
)

# learn.microsoft.com/azure/role-based-access-control/troubleshooting: the texts of AuthorizationFailed and
# LinkedAuthorizationFailed. The second names two actions; the last one is what is missing.
_MISSING = re.compile(r"(?:perform|permission to) action(?:\(s\))? '(?P<action>[A-Za-z0-9./*]+)'")
_WHO = re.compile(r"client '(?P<client>[\w.@#-]*)' with object id '(?P<object>[\w-]+)'")


def arm_action(method: str, path: str) -> str:
    """``Microsoft.Network/virtualNetworks/subnets/read``: what a role must allow for this call."""
    verb = {"GET": "read", "DELETE": "delete", "POST": "action"}.get(method, "write")
    namespace, *parts = last_provider(path).split("/")
    if not parts:
        inner = "/resourceGroups" if "/resourcegroups/" in path.lower() else ""
        return f"Microsoft.Resources/subscriptions{inner}/{verb}"
    types = parts[::2]
    if namespace.lower() == "microsoft.insights" and parts[0] == "eventtypes":
        types = ["eventtypes", "values"]
    return "/".join((namespace, *types, verb))


def last_provider(path: str) -> str:
    """``Microsoft.Network/virtualNetworks/…``; ARM's own namespace for subscriptions and resource groups."""
    *before, rest = re.split("/providers/", path.partition("?")[0], flags=re.IGNORECASE)
    return rest.strip("/") if before else "Microsoft.Resources"


def translated(status: int, headers: Mapping[str, str], tree: Any, action: str, path: str) -> Exception:
    """The project's exception for an answer of ARM that is none."""
    code, message = said(tree)
    if status in _GONE and code and code.lower() not in _NOWHERE:
        return NotFound(code, message)
    if status == 403:
        return _denied(code, message, action, path)
    if status in (409, 412):
        locked = code.lower() == "scopelocked"
        what = (
            f"a lock forbids {action}"
            if locked
            else f"Azure noticed another change meanwhile ({code or status})"
        )
        return Conflict(f"{what}: {message}")
    if status == 401:
        why = f"{code or status}: {message}".rstrip(": ")
        return Unavailable(f"Azure does not accept the credentials for {action} ({why})")
    if status == 429:
        return Unavailable(f"Azure throttles {action}; ask again {until(headers) or 'later'}")
    return Unavailable(f"Azure answered {action} with {status} {code}: {message}".rstrip(": "))


def graph_translated(status: int, headers: Mapping[str, str], tree: Any, path: str) -> Exception:
    """The same for an answer of Microsoft Graph."""
    code, message = said(tree)
    if status in _GONE and code:
        return NotFound(code, message)
    if status == 403:
        return Unavailable(
            f"Microsoft Graph denies {path}; grant the application permission {_GRAPH_PERMISSION} "
            "(see `pullbot permissions azure`)"
        )
    if status == 429:
        return Unavailable(f"Microsoft Graph throttles {path}; ask again {until(headers) or 'later'}")
    return Unavailable(f"Microsoft Graph answered {path} with {status} {code}: {message}".rstrip(": "))


def _denied(code: str, message: str, action: str, path: str) -> Exception:
    named = [one["action"] for one in _MISSING.finditer(message)]
    if code and not named and "authorization" not in code.lower():
        # A policy of the organisation, a deny assignment of somebody's, a subscription that is shut.
        return Unavailable(f"Azure refuses {action} on {path} ({code}): {message}".rstrip(": "))
    who = _WHO.search(message)
    whom = f" to {who['client'] or who['object']} (object id {who['object']})" if who else ""
    wanted = named[-1] if named else action
    more = f", which it takes for {action}" if wanted.lower() != action.lower() else ""
    return Unavailable(
        f"Azure denies {wanted} on {path}{whom}{more}; grant it (see `pullbot permissions azure`)"
    )


def unreadable(error: Exception, action: str) -> Exception:
    """For what was raised on the way."""
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415  nothing else of it is needed

    if isinstance(error, Unavailable):
        return error
    first = _short(str(error) or type(error).__name__)
    if isinstance(error, ClientAuthenticationError):
        return Unavailable(f"no usable Azure credentials for {action}: {first}")
    return Unavailable(f"Azure did not answer {action}: {first}")


def said(tree: Any) -> tuple[str, str]:
    """The error's code and message, as ARM and Graph lay them out; in one line, and not endless."""
    error = tree.get("error") if isinstance(tree, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return _short(str(error.get("code") or "")), _short(str(error.get("message") or ""))


def _short(text: str) -> str:
    line = " ".join(redact(text).split())
    return line if len(line) <= _LONGEST_SAID else f"{line[: _LONGEST_SAID - 1]}…"
