"""ARM and Microsoft Graph behind their ports: ``Arm`` and ``Graph`` read, ``ArmWriter`` changes.

REST over azure-core's pipeline, with azure-identity's credentials: the azure-mgmt packages would cost 75 MB of
memory for some twenty shapes. Nothing of it is imported before Azure is asked something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from bot.clouds._azure_errors import arm_action, translated, unreadable
from checks.azure.facts import API
from checks.model import Unavailable

if TYPE_CHECKING:
    from azure.core import AsyncPipelineClient

_AT_ONCE = 16
_LONGEST_LIST = 200  # pages
_SEARCH = "/providers/Microsoft.ResourceGraph/resources"
_SEARCH_VERSION = "2022-10-01"


class AzureConnection:
    """One HTTP pipeline to one API. ``endpoint`` is where it is, and whom tokens are asked for."""

    def __init__(self, endpoint: str, credential: Credential) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._credential = credential
        self._client: AsyncPipelineClient[Any, Any] | None = None
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self.calls = 0

    async def send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, str], Any]:
        """Status, headers and decoded body; ``url`` may be a path of this endpoint.

        :raises azure.core.exceptions.AzureError: nobody answered, or there are no credentials.
        :raises ValueError: the URL leads elsewhere; the token is for this endpoint alone.
        """
        from azure.core.rest import HttpRequest  # noqa: PLC0415  see the top

        whole = url if "://" in url else self.endpoint + quote(url, safe="/()'=,$:@-._~")
        if urlsplit(whole)[:2] != urlsplit(self.endpoint)[:2]:
            raise ValueError(
                f"a link of {self.endpoint} leads to {urlsplit(whole).netloc}, which is not asked"
            )
        request = HttpRequest(method, whole, params=dict(query or {}), headers=dict(headers or {}), json=body)
        async with self._gate:
            self.calls += 1
            if self._client is None:
                self._client = _client(self.endpoint, self._credential)
            response = await self._client.send_request(request)
            return response.status_code, response.headers, _decoded(response)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


class Credential:
    """azure-identity's usual chain: environment, workload identity, managed identity, the CLI's login."""

    def __init__(self, client_id: str = "") -> None:
        self._client_id = client_id
        self._chain: Any = None

    @property
    def chain(self) -> Any:
        if self._chain is None:
            from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415  see the top

            mine = {
                name: self._client_id
                for name in ("managed_identity_client_id", "workload_identity_client_id")
                if self._client_id
            }
            self._chain = DefaultAzureCredential(
                exclude_developer_cli_credential=True,
                exclude_powershell_credential=True,
                exclude_shared_token_cache_credential=True,
                exclude_visual_studio_code_credential=True,
                **mine,
            )
        return self._chain

    async def close(self) -> None:
        if self._chain is not None:
            await self._chain.close()


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
        tree = await self._asked("POST", _SEARCH, {"api-version": _SEARCH_VERSION}, body={"query": query})
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
            raise unreadable(error, "Microsoft Graph") from error
        if status != 200:
            raise translated(status, headers, tree, "Application.Read.All", path)
        return tree if isinstance(tree, dict) else {}


def version_of(path: str) -> str:
    """The version of the API that answers for this path: by its provider, or its type where that differs."""
    namespace, _, rest = path.rpartition("/providers/")[2].partition("/")
    if "/providers/" not in path:
        namespace, rest = "Microsoft.Resources", ""
    types = {name.lower(): version for name, version in API.items()}
    first = rest.partition("/")[0]
    return types.get(f"{namespace}/{first}".lower()) or types[namespace.lower()]


def _client(endpoint: str, credential: Credential) -> AsyncPipelineClient[Any, Any]:
    from azure.core import AsyncPipelineClient  # noqa: PLC0415  see the top
    from azure.core.pipeline import policies  # noqa: PLC0415  see the top

    class Bearer(policies.AsyncBearerTokenCredentialPolicy[Any, Any]):
        """Over plain HTTP only to loopback, which the settings see to."""

        async def on_request(self, request: Any) -> None:
            request.context.options["enforce_https"] = endpoint.startswith("https:")
            await super().on_request(request)

    return AsyncPipelineClient(
        endpoint,
        policies=[
            policies.UserAgentPolicy("pullbot"),
            policies.AsyncRetryPolicy(retry_total=2, retry_backoff_factor=0.3, retry_backoff_max=4),
            Bearer(credential.chain, f"{endpoint}/.default"),
        ],
    )


def _decoded(response: Any) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
