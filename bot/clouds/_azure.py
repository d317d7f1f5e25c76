"""ARM and Microsoft Graph behind their ports: ``Arm`` and ``Graph``.

REST over azure-core's pipeline, with azure-identity's credentials: the azure-mgmt packages would cost 75 MB
of memory for some twenty shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.clouds._azure_errors import arm_action, graph_translated, last_provider, translated, unreadable
from bot.clouds._azure_http import SEARCH, AzureConnection
from checks.azure.facts import API
from checks.model import Unavailable

_LONGEST_LIST = 200  # pages
_SEARCH_VERSION = "2022-10-01"


class ArmReader:
    """The port ``Arm``."""

    def __init__(self, connection: AzureConnection) -> None:
        self._connection = connection

    @property
    def calls(self) -> int:
        return self._connection.calls

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        tree = await self._asked("GET", path, {**(query or {}), "api-version": version_of(path)})
        if "value" not in tree or not isinstance(tree["value"], list):
            return tree
        found = list(tree["value"])
        for _ in range(_LONGEST_LIST):
            link = tree.get("nextLink")
            if not link:
                return {"value": found}
            tree = await self._asked("GET", str(link), {}, asked=path)
            found += tree.get("value") or []
        raise Unavailable(f"the list {path} of Azure has no end; it was given up after {_LONGEST_LIST} pages")

    async def search(self, query: str) -> tuple[Mapping[str, Any], ...]:
        tree = await self._asked("POST", SEARCH, {"api-version": _SEARCH_VERSION}, body={"query": query})
        return tuple(one for one in tree.get("data") or () if isinstance(one, dict))

    async def _asked(
        self,
        method: str,
        url: str,
        query: Mapping[str, str],
        asked: str = "",
        body: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        action = arm_action("GET", asked or url)
        try:
            status, headers, tree = await self._connection.send(method, url, query=query, body=body)
        except Exception as error:
            raise unreadable(error, action) from error
        if status != 200:
            raise translated(status, headers, tree, action, asked or url)
        if not isinstance(tree, dict):
            raise Unavailable(f"Azure answered {action} with something that is no object")
        return tree


class GraphReader:
    """The port ``Graph``."""

    def __init__(self, connection: AzureConnection) -> None:
        self._connection = connection

    @property
    def calls(self) -> int:
        return self._connection.calls

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        try:
            status, headers, tree = await self._connection.send("GET", f"/v1.0{path}", query=query)
        except Exception as error:
            raise unreadable(error, f"Microsoft Graph's {path}") from error
        if status != 200:
            raise graph_translated(status, headers, tree, path)
        if not isinstance(tree, dict):
            raise Unavailable(f"Microsoft Graph answered {path} with something that is no object")
        return tree


def version_of(path: str) -> str:
    """The version of the API that answers for this path: by its provider, or its type where that differs.

    :raises Unavailable: what should be a resource's id is none, or of a provider that is never asked
    """
    if not path.startswith("/"):
        raise Unavailable(f"Azure names a resource {path!r}, which is no id")
    namespace, *rest = last_provider(path).lower().split("/")
    types = {name.lower(): version for name, version in API.items()}
    names = ("/".join((namespace, *rest[::2][:many])) for many in range(len(rest), -1, -1))
    found = next((types[name] for name in names if name in types), None)
    if found is None:
        raise Unavailable(f"pullbot does not know what {namespace} is, and so cannot ask for {path}")
    return found
