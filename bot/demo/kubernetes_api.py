"""A small Kubernetes API server in memory: what a client of pods and workloads needs, over HTTP.

Get, list (in consistent pages), watch, create, replace, patch and delete, with the real server's statuses.
It stores what it is given and plays no controller: ``bot.demo.kubelet`` does. There is no validation, no
admission, no authorization beyond one token, and no protobuf.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from bot.demo.objects import Objects, Snapshot, Tree
from bot.demo.patches import patched
from bot.demo.resources import (
    Refused,
    Target,
    bad_request,
    discovery,
    exists,
    not_found,
    target,
)
from bot.demo.selectors import Selects, selector
from bot.demo.watches import Watches, number

_BOOKMARK_EVERY = 60.0


class KubernetesApi:
    """``objects`` is what it serves; whoever plays the controllers reads and writes there.

    :param token: what clients must bear; "" lets everybody in
    :param bookmark_every: seconds after which a quiet watch that asked for bookmarks gets one
    """

    def __init__(
        self, objects: Objects | None = None, *, token: str = "", bookmark_every: float = _BOOKMARK_EVERY
    ) -> None:
        self.objects = objects or Objects()
        self._token = token
        self._watches = Watches(self.objects, bookmark_every)
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve; gives the address."""
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        return f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self.end_watches()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def compact(self) -> None:
        """Forget history: a watch or a page that asks for an older version is answered 410."""
        self.objects.compact()

    def end_watches(self, *, gone: bool = False) -> None:
        """End all watches as a server does that goes down; ``gone``: with an ERROR event of code 410."""
        self._watches.end(gone=gone)

    def send_bookmarks(self) -> None:
        """Send a bookmark now to every watch that asked for some."""
        self._watches.bookmark()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4 * 1024 * 1024, middlewares=[self._answers_refusals])
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    @web.middleware
    async def _answers_refusals(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            self._authenticate(request)
            return await handler(request)
        except Refused as refused:
            return _json(refused.status, refused.code)

    def _authenticate(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        if self._token and not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            raise Refused(401, "Unauthorized", "Unauthorized")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.path in ("/healthz", "/livez", "/readyz"):
            return web.Response(text="ok")
        if (found := discovery(request.path)) is not None:
            return _json(found)
        asked = target(request.path)
        if request.method == "GET" and not asked.name:
            query = request.query
            selects = selector(asked.resource, query.get("labelSelector", ""), query.get("fieldSelector", ""))
            if query.get("watch") in ("true", "1"):
                return await self._watches.serve(request, asked, selects)
            return self._list(request, asked, selects)
        allowed = {"GET": self._get, "PUT": self._replace, "PATCH": self._patch, "DELETE": self._delete}
        methods = allowed if asked.name else {"POST": self._create}
        if request.method not in methods:
            raise Refused(
                405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
            )
        return await methods[request.method](request, asked)

    def _list(self, request: web.Request, asked: Target, selects: Selects) -> web.Response:
        limit, start = number(request, "limit"), 0
        if token := request.query.get("continue"):
            key, start = _continued(token)
            snapshot = self.objects.snapshot(key)
        else:
            trees = self.objects.trees(asked.resource.plural, asked.namespace, selects)
            key, snapshot = "", Snapshot(self.objects.revision, tuple(trees))
        end = start + limit if limit else len(snapshot.trees)
        metadata: Tree = {"resourceVersion": str(snapshot.revision)}
        if end < len(snapshot.trees):
            key = key or self.objects.keep_snapshot(snapshot)
            metadata["continue"] = base64.urlsafe_b64encode(f"{key}:{end}".encode()).decode()
            metadata["remainingItemCount"] = len(snapshot.trees) - end
        return _json(
            {
                "kind": f"{asked.resource.kind}List",
                "apiVersion": asked.resource.api_version,
                "metadata": metadata,
                "items": [_without_type(one) for one in snapshot.trees[start:end]],
            }
        )

    async def _get(self, _: web.Request, asked: Target) -> web.Response:
        return _json(self.objects.get(asked.resource.plural, asked.name, asked.namespace))

    async def _create(self, request: web.Request, asked: Target) -> web.Response:
        tree = await _body(request)
        metadata = tree.setdefault("metadata", {})
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = f"{metadata['generateName']}{self.objects.revision:05x}"
        tree = _placed(tree, asked)
        name = metadata["name"]
        if self.objects.find(asked.resource.plural, name, asked.namespace) is not None:
            raise exists(asked.resource, name)
        metadata.pop("resourceVersion", None)
        return _json(self.objects.put(tree), 201)

    async def _replace(self, request: web.Request, asked: Target) -> web.Response:
        tree = _placed(await _body(request), asked)
        if self.objects.find(asked.resource.plural, asked.name, asked.namespace) is None:
            raise not_found(asked.resource, asked.name)
        return _json(self.objects.put(tree, expected=str(tree["metadata"].get("resourceVersion") or "")))

    async def _patch(self, request: web.Request, asked: Target) -> web.Response:
        patch = _parsed(await request.read())
        before = self.objects.get(asked.resource.plural, asked.name, asked.namespace)
        tree = _placed(patched(before, patch, request.content_type), asked)
        return _json(self.objects.put(tree, expected=str(tree["metadata"].get("resourceVersion") or "")))

    async def _delete(self, request: web.Request, asked: Target) -> web.Response:
        options = _parsed(await request.read() or b"{}")
        wanted = (options.get("preconditions") or {}) if isinstance(options, dict) else {}
        there = self.objects.get(asked.resource.plural, asked.name, asked.namespace)["metadata"]
        for key, value in wanted.items():
            if there.get(key) != value:
                meta = f"{key} in precondition: {value}, {key} in object meta: {there.get(key)}"
                raise Refused(409, "Conflict", f"Precondition failed: {meta}")
        gone = self.objects.delete(asked.resource.plural, asked.name, asked.namespace)
        if asked.resource.plural == "pods":
            return _json(gone)
        details = {"name": asked.name, "kind": asked.resource.plural, "uid": gone["metadata"]["uid"]}
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": details,
        }
        return _json(status)


def _without_type(tree: Tree) -> Tree:
    """Items of a list do not repeat what the list says."""
    return {key: value for key, value in tree.items() if key not in ("kind", "apiVersion")}


def _continued(token: str) -> tuple[str, int]:
    try:
        key, _, start = base64.urlsafe_b64decode(token).decode().partition(":")
        return key, int(start)
    except (binascii.Error, ValueError):
        raise bad_request("continue key is not valid") from None


async def _body(request: web.Request) -> Tree:
    tree = _parsed(await request.read())
    if not isinstance(tree, dict):
        raise bad_request("the body of the request is not an object")
    return tree


def _parsed(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body of the request is not JSON: {error}") from None


def _placed(tree: Tree, asked: Target) -> Tree:
    """With the kind, the name and the namespace that the path says.

    :raises Refused: 400, the object says otherwise
    """
    metadata = tree.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name"):
        raise bad_request("the object has no name")
    tree.setdefault("kind", asked.resource.kind)
    tree.setdefault("apiVersion", asked.resource.api_version)
    if (tree["kind"], tree["apiVersion"]) != (asked.resource.kind, asked.resource.api_version):
        raise bad_request(f"the object is a {tree['kind']}, and the path says {asked.resource.plural}")
    if asked.name and metadata["name"] != asked.name:
        raise bad_request("the name of the object does not match the name on the URL")
    if asked.resource.namespaced and metadata.setdefault("namespace", asked.namespace) != asked.namespace:
        raise bad_request("the namespace of the object does not match the namespace on the URL")
    return tree


def _json(tree: Tree, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(tree), status=status, content_type="application/json")
