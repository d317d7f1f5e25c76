"""An OCI registry on loopback that behaves, or misbehaves when told to, by HTTP or by HTTPS.

It answers as the specification has it (github.com/opencontainers/distribution-spec): a challenge, a token
service of its own or of somebody else's, manifests by tag and digest, tags, and errors with codes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
USER, PASSWORD = "robot", "correct-horse-battery"


def digest_of(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()


@dataclass
class Stored:
    media_type: str
    raw: bytes
    claims: str = ""  # the digest that it is said to have, where that is a lie

    @property
    def digest(self) -> str:
        return self.claims or digest_of(self.raw)


@dataclass
class OciRegistry:
    """``wants``: "", "basic" or "bearer". ``public``: repositories that strangers may read.

    ``asked``: method and path of what came in; ``logins``: the Authorization headers that it came with.
    ``answers``: by a part of the path, what is answered instead: a status, a response or a redirect's target.
    """

    url: str = ""
    wants: str = ""
    realm: str = ""
    users: dict[str, str] = field(default_factory=lambda: {USER: PASSWORD})
    public: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    images: dict[str, dict[str, Stored]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    answers: dict[str, web.Response | int | str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event = field(default_factory=asyncio.Event)  # somebody waits for what never comes
    lines: set[asyncio.BaseTransport] = field(default_factory=set)

    @property
    def authority(self) -> str:
        return self.url.partition("://")[2]

    def push(self, name: str, tag: str, media_type: str, raw: bytes, claims: str = "") -> Stored:
        one = Stored(media_type, raw, claims)
        self.images.setdefault(name, {})[tag] = one
        return one

    def push_image(self, name: str, tag: str, platform: str = "linux/amd64") -> Stored:
        """A single manifest for one platform, with one layer."""
        system, architecture = platform.split("/")
        config = json.dumps({"os": system, "architecture": architecture}).encode()
        layer = f"layer of {name}:{tag}".encode()
        for blob in (config, layer):
            self.blobs[digest_of(blob)] = blob
        tree = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                        "digest": digest_of(layer), "size": len(layer)}],
        }  # fmt: skip
        return self.push(name, tag, MANIFEST, json.dumps(tree).encode())

    def push_index(self, name: str, tag: str, *platforms: Mapping[str, str]) -> Stored:
        tree = {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [
                {
                    "mediaType": MANIFEST,
                    "digest": digest_of(repr(one).encode()),
                    "size": 7,
                    "platform": dict(one),
                }
                for one in platforms
            ],
        }
        return self.push(name, tag, INDEX, json.dumps(tree).encode())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            self.lines.add(request.transport)
        self.asked.append(f"{request.method} {request.path_qs}")
        self.logins.append(request.headers.get("Authorization", ""))
        for part, instead in self.answers.items():
            if part in request.path_qs:
                return await self._instead(instead)
        if request.path == "/token":
            return self._token(request)
        if not self._lets_in(request):
            return self._challenge()
        if request.path == "/v2/":
            return web.json_response({}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})
        return self._of_repository(request)

    async def _instead(self, instead: web.Response | int | str) -> web.StreamResponse:
        if isinstance(instead, str):
            return web.Response(status=307, headers={"Location": instead})
        if isinstance(instead, int):
            if instead < 0:  # never
                self.held.set()
                await self.released.wait()
                return web.Response()
            return error(instead, "UNKNOWN", "as told")
        kept = instead
        return web.Response(body=kept.body, status=kept.status, headers=kept.headers)

    def _token(self, request: web.Request) -> web.Response:
        if request.method == "POST":  # OAuth2, which many services do not speak: clients then ask by GET
            return error(405, "UNSUPPORTED", "method not allowed")
        user = self._user(request.headers.get("Authorization", ""))
        if user is None:
            return error(401, "UNAUTHORIZED", "incorrect username or password")
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = user
        return web.json_response({"token": token})

    def _user(self, login: str) -> str | None:
        """ "" for nobody; ``None`` for a wrong password."""
        if not login:
            return ""
        name, _, password = base64.b64decode(login.removeprefix("Basic ")).decode().partition(":")
        return name if self.users.get(name) == password else None

    def _lets_in(self, request: web.Request) -> bool:
        if not self.wants:
            return True
        login = request.headers.get("Authorization", "")
        name = _repository(request.path)
        if self.wants == "basic":
            user = self._user(login) if login else None
        else:
            user = self.tokens.get(login.removeprefix("Bearer "))
        if user is None:
            return False
        return not name or ((bool(user) or name in self.public) and name not in self.denied)

    def _challenge(self) -> web.Response:
        realm = self.realm or f"{self.url}/token"
        how = 'Basic realm="here"' if self.wants == "basic" else f'Bearer realm="{realm}",service="here"'
        refused = error(401, "UNAUTHORIZED", "authentication required")
        refused.headers["WWW-Authenticate"] = how
        return refused

    def _of_repository(self, request: web.Request) -> web.Response:
        name = _repository(request.path)
        tags = self.images.get(name)
        if tags is None:
            return error(404, "NAME_UNKNOWN", "repository name not known to registry")
        if request.path.endswith("/tags/list"):
            return web.json_response({"name": name, "tags": sorted(tags)})
        reference = request.path.rpartition("/")[2]
        if "/blobs/" in request.path:
            blob = self.blobs.get(reference)
            return error(404, "BLOB_UNKNOWN", "blob unknown") if blob is None else web.Response(body=blob)
        found = tags.get(reference) or next((one for one in tags.values() if one.digest == reference), None)
        if found is None:
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        headers = {**self.headers, "Content-Type": found.media_type, "Docker-Content-Digest": found.digest}
        return web.Response(body=found.raw, headers=headers)


def error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": message}]}, status=status)


def _repository(path: str) -> str:
    for part in ("/manifests/", "/blobs/", "/tags/"):
        if part in path:
            return path.removeprefix("/v2/").partition(part)[0]
    return ""


@asynccontextmanager
async def serve(
    tls: ssl.SSLContext | None = None, *, name: str = "127.0.0.1", **how: Any
) -> AsyncIterator[OciRegistry]:
    """``name`` is the host in its own URL: what the certificate is for."""
    registry = OciRegistry(**how)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", registry.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    registry.url = f"{'https' if tls else 'http'}://{name}:{runner.addresses[0][1]}"
    try:
        yield registry
    finally:
        registry.released.set()
        for line in registry.lines:  # a client may keep it, and not answer when it is closed politely
            if isinstance(line, asyncio.Transport):
                line.abort()
        await runner.cleanup()
