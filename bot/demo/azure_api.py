"""An Azure that answers on loopback: Resource Manager, Resource Graph, Microsoft Graph, and a token endpoint.

Lists come in pages. It knows the filters and the one query that pullbot
asks with, and refuses others, so that a typing error is not an empty answer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from bot.demo.azure import Azure, Refused, Tree, merged, said

_ASSIGNED = re.compile(r"atScope\(\)(?: and assignedTo\('(?P<principal>[^']+)'\))?")
_SEARCHED = re.compile(
    r"resources \| where type =~ '(?P<type>[^']+)' and properties\.loginServer =~ '(?P<host>[^']+)' "
    r"\| project id"
)
_BY_APPLICATION = re.compile(r"/(?P<kind>applications|servicePrincipals)\(appId='(?P<id>[^']+)'\)")
_BY_OBJECT = re.compile(r"/servicePrincipals/(?P<id>[0-9a-fA-F-]+)")
_IDENTITY = "/msi/token"
_SLOW = "/operations/"


class AzureApi:
    """The HTTP face of ``azure``. ``secret`` is what the token endpoint wants to see.

    :param page: how many entries a list has before it is continued
    """

    def __init__(self, azure: Azure, *, secret: str = "", page: int = 50) -> None:
        self.azure = azure
        self.url = ""
        self._secret = secret
        self._page = page
        self._operations: dict[str, int] = {}
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_get(_IDENTITY, self._token)
        app.router.add_route("*", "/{path:.*}", self.answer)
        return app

    def environment(self) -> dict[str, str]:
        """What azure-identity needs to find the token endpoint, as App Service sets it."""
        return {"IDENTITY_ENDPOINT": f"{self.url}{_IDENTITY}", "IDENTITY_HEADER": self._secret or "demo"}

    async def _token(self, request: web.Request) -> web.Response:
        if self._secret and request.headers.get("X-IDENTITY-HEADER") != self._secret:
            return _error(401, "unauthorized", "the identity header is wrong")
        token = {
            "access_token": f"token-for-{request.query.get('resource', '')}",
            "expires_on": str(int(time.time()) + 3600),
            "resource": request.query.get("resource", ""),
            "token_type": "Bearer",
        }
        return web.json_response(token)

    async def answer(self, request: web.Request) -> web.Response:
        if not request.headers.get("Authorization", "").startswith("Bearer token-for-"):
            return _error(
                401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
            )
        path = request.path
        if path.startswith("/v1.0/"):
            return self._graph(path.removeprefix("/v1.0"))
        return self._operation(path) if path.startswith(_SLOW) else await self._managed(path, request)

    async def _managed(self, path: str, request: web.Request) -> web.Response:
        if "api-version" not in request.query:
            return _error(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if path == "/providers/Microsoft.ResourceGraph/resources":
            return self._search(orjson.loads(await request.read()))
        if request.method == "GET":
            return self._get(path, request)
        return self._change(request, path, await request.read())

    def _get(self, path: str, request: web.Request) -> web.Response:
        kind = path.rpartition("/")[2]
        if kind in ("roleAssignments", "denyAssignments"):
            found = _ASSIGNED.fullmatch(request.query.get("$filter", ""))
            if found is None:
                return _error(400, "BadRequestFormat", "The filter is not supported.")
            scope = path.lower().rpartition("/providers/microsoft.authorization/")[0]
            return self._paged(self.azure.assigned(scope, found["principal"] or "", kind.lower()), request)
        if path.lower().endswith("/providers/microsoft.insights/eventtypes/management/values"):
            return self._paged(self.azure.activity, request)
        names = path.partition("/providers/")[2].strip("/").split("/")
        inside = path.rpartition("/providers/")[2].strip("/").split("/")
        if path == "/subscriptions" or ("/providers/" in path and len(inside) % 2 == 0):
            return self._paged(self.azure.listed(path), request)
        try:
            return web.json_response(self.azure.get(path))
        except KeyError:
            group = names == [""] and "/resourcegroups/" in path.lower()
            code = "ResourceGroupNotFound" if group else "ResourceNotFound"
            return _error(404, code, f"The resource '{path}' was not found.")

    def _paged(self, found: list[Tree], request: web.Request) -> web.Response:
        start = int(request.query.get("$skiptoken", "0"))
        page: Tree = {"value": found[start : start + self._page]}
        if start + self._page < len(found):
            page["nextLink"] = str(request.url.update_query({"$skiptoken": str(start + self._page)}))
        return web.json_response(page)

    def _change(self, request: web.Request, path: str, body: bytes) -> web.Response:
        key = path.rstrip("/").lower()
        known = self.azure.resources.get(key)
        if request.method == "DELETE":
            self.azure.resources.pop(key, None)
            if known and (remover := self.azure.removers.get(_kind(path))):
                remover(self.azure, known)
            return self._done(path, 200 if known else 204, known or {})
        if request.method == "PATCH" and known is None:
            return _error(404, "ResourceNotFound", f"The resource '{path}' was not found.")
        wanted = orjson.loads(body)
        if "/roleassignments/" in key:
            refused, wanted = self._assignment(key, path, wanted)
            if refused is not None:
                return refused
        if request.headers.get("If-Match", "*") not in ("*", (known or {}).get("eTag")):
            return _error(412, "PreconditionFailed", "The resource has another eTag by now.")
        tree = merged(known or {}, wanted) if request.method == "PATCH" else wanted
        tree |= {"id": path, "name": path.rpartition("/")[2]}
        if provider := self.azure.providers.get(_kind(path)):
            try:
                tree = provider(self.azure, known or {}, tree)
            except Refused as why:
                return _error(why.status, why.code, str(why))
        self.azure.put(tree)
        return self._done(path, 200 if known else 201, tree)

    def _assignment(self, key: str, path: str, wanted: Tree) -> tuple[web.Response | None, Tree]:
        """One principal has a role at a scope only once."""
        scope = path[: key.rindex("/providers/microsoft.authorization/")]
        made = {**wanted, "properties": {**wanted["properties"], "scope": scope}}
        same = ("scope", "principalId", "roleDefinitionId")
        for id, tree in self.azure.resources.items():
            if (
                "/roleassignments/" in id
                and id != key
                and all(
                    str(tree["properties"].get(name)).lower() == str(made["properties"][name]).lower()
                    for name in same
                )
            ):
                return _error(409, "RoleAssignmentExists", "The role assignment already exists."), made
        return None, made

    def _done(self, path: str, status: int, tree: Tree) -> web.Response:
        looks = self.azure.slow.get(_kind(path))
        if looks is None:
            return web.json_response(tree, status=status) if status != 204 else web.Response(status=204)
        name = f"{_SLOW}{len(self._operations) + 1}"
        self._operations[name] = looks
        headers = {"Azure-AsyncOperation": f"{self.url}{name}", "Retry-After": "0"}
        return web.json_response(tree, status=202 if status != 201 else 201, headers=headers)

    def _operation(self, path: str) -> web.Response:
        left = self._operations.get(path)
        if left is None:
            return _error(404, "NotFound", "There is no such operation.")
        self._operations[path] = left - 1
        status = "InProgress" if left > 0 else "Succeeded"
        return web.json_response({"name": path, "status": status}, headers={"Retry-After": "0"})

    def _search(self, body: Mapping[str, Any]) -> web.Response:
        found = _SEARCHED.fullmatch(str(body.get("query")))
        if found is None:
            return _error(400, "BadRequest", "Please provide a query that pullbot asks.")
        kind = f"/providers/{found['type']}/".lower()
        rows = [
            {"id": tree["id"]}
            for id, tree in self.azure.resources.items()
            if kind in id and said(tree, "loginServer").lower() == found["host"].lower()
        ]
        return web.json_response({"totalRecords": len(rows), "count": len(rows), "data": rows})

    def _graph(self, path: str) -> web.Response:
        found = _BY_APPLICATION.fullmatch(path)
        tree = self.azure.entra.get((found["kind"], found["id"])) if found else None
        if by_object := _BY_OBJECT.fullmatch(path):
            those = (one for (kind, _), one in self.azure.entra.items() if kind == "servicePrincipals")
            tree = next((one for one in those if one["id"] == by_object["id"]), None)
        if tree is None:
            return _error(404, "Request_ResourceNotFound", f"Resource '{path}' does not exist.")
        return web.json_response(tree)


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _kind(path: str) -> str:
    parts = path.rpartition("/providers/")[2].split("/")
    return "/".join([parts[0], *parts[1::2]])
