"""Microsoft's tokens on loopback: what signs requests to bots, and what gives bots their own tokens.

The Bot Framework's openid metadata and keys, Entra's token endpoint, and the identity endpoint of a machine.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

APP = "7a1f0c7e-55d0-4a52-8f57-1c1c6d8f0a11"
TENANT = "0c6f5f9b-2a3e-4a0a-9c1b-7e1f0f2b9d10"
ISSUER = "https://api.botframework.com"
SERVICE = "https://smba.trafficmanager.net/emea/"

Part = Literal["metadata", "keys", "token", "identity"]


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Keys take their time: the same number is the same key in all tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass
class Key:
    """A key that Microsoft signs with, and for which channels."""

    kid: str
    private: rsa.RSAPrivateKey
    endorsements: list[str] = field(default_factory=lambda: ["msteams", "webchat"])

    def jwk(self) -> dict[str, Any]:
        public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        public.pop("key_ops")
        return {**public, "use": "sig", "kid": self.kid, "x5t": self.kid, "endorsements": self.endorsements}


@dataclass(frozen=True)
class Trouble:
    """What a part answers instead. ``held``: nothing, until ``Entra.let_go``."""

    status: int = 503
    body: str = "Service Unavailable"
    headers: Mapping[str, str] = field(default_factory=dict)
    held: bool = False


DOWN = Trouble()
SLOW = Trouble(held=True)
GARBAGE = Trouble(200, "<html>Sign in to the hotel's network</html>")


class Entra:
    """Start it, and give ``metadata`` and ``authority`` to whoever asks Microsoft.

    ``asked`` counts requests by part, ``trouble`` is what a part does wrong, ``published`` are the keys that
    the list of keys shows, ``apps`` the secrets by app id of the one tenant there is.
    """

    def __init__(self, *, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.url = ""
        self.asked: Counter[Part] = Counter()
        self.trouble: dict[Part, Trouble] = {}
        self.apps: dict[str, str] = {APP: "the~Secret.of-the_bot"}
        self.expired: set[str] = set()  # secrets
        self.tenants = {TENANT}
        self.federated: set[str] = set()  # assertions of service accounts
        self.managed = {APP}  # identities of this machine
        self.lives = 3600  # seconds
        self.issued: dict[str, tuple[str, str]] = {}  # app id and scope of each token
        self.identity_header = secrets.token_hex(8)
        self._numbers = itertools.count()
        self.published = [self._new_key()]
        self.metadata_extra: dict[str, Any] = {}
        self._go = asyncio.Event()
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None

    # ---- running

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, ssl_context: ssl.SSLContext | None = None
    ) -> str:
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=ssl_context)
        await site.start()
        self.url = f"{'https' if ssl_context else 'http'}://{host}:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        self.let_go()
        if self._runner is not None:
            await self._runner.cleanup()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/.well-known/openidconfiguration", self._metadata)
        app.router.add_get("/v1/.well-known/keys", self._keys)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_get("/msi/token", self._identity)
        app.router.add_get("/metadata/identity/oauth2/token", self._identity)
        return app

    def let_go(self) -> None:
        """Whoever is held is answered."""
        self._go.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait, five seconds at most, until ``holds()``: it is asked whenever somebody asks us."""
        async with asyncio.timeout(5):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    @property
    def metadata(self) -> str:
        return f"{self.url}/v1/.well-known/openidconfiguration"

    @property
    def authority(self) -> str:
        return self.url

    def environment(self) -> dict[str, str]:
        """What azure-identity needs to find the identity endpoint, as App Service sets it."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi/token", "IDENTITY_HEADER": self.identity_header}

    # ---- signing

    def rotate(self, *, keep: bool = False) -> Key:
        """Sign with a new key from now on. ``keep``: the old one stays in the list."""
        key = self._new_key()
        self.published = [key, *(self.published if keep else ())]
        return key

    def endorse(self, *channels: str) -> None:
        self.published[0].endorsements = list(channels)

    def claims(
        self, *, app: str = APP, service_url: str = SERVICE, at: float | None = None
    ) -> dict[str, Any]:
        """What the Bot Connector says. ``at``: when, in seconds since 1970."""
        now = int(time.time() if at is None else at)
        return {"serviceurl": service_url, "nbf": now, "exp": now + 3600, "iss": self.issuer, "aud": app}

    def sign(self, claims: Mapping[str, Any], *, key: Key | None = None, **header: Any) -> str:
        """A JSON Web Token of the newest key. ``header``: what its header has besides, or has otherwise."""
        key = key or self.published[0]
        stated = {"kid": key.kid, "x5t": key.kid, **header}
        return jwt.encode(dict(claims), key.private, algorithm="RS256", headers=stated)

    def bearer(self, *, app: str = APP, service_url: str = SERVICE, at: float | None = None) -> str:
        """An Authorization header as the Bot Connector sends it."""
        return f"Bearer {self.sign(self.claims(app=app, service_url=service_url, at=at))}"

    def _new_key(self) -> Key:
        number = next(self._numbers)
        return Key(f"key-{number}-{secrets.token_hex(4)}", rsa_key(number))

    # ---- answering

    async def _troubled(self, part: Part) -> web.Response | None:
        self.asked[part] += 1
        self._changed.set()
        trouble = self.trouble.get(part)
        if trouble is None:
            return None
        if trouble.held:
            await self._go.wait()
            return None
        return web.Response(
            status=trouble.status, text=trouble.body, headers=trouble.headers, content_type="text/html"
        )

    async def _metadata(self, _: web.Request) -> web.Response:
        return await self._troubled("metadata") or web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{self.url}/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                **self.metadata_extra,
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return await self._troubled("keys") or web.json_response(
            {"keys": [one.jwk() for one in self.published]}
        )

    async def _token(self, request: web.Request) -> web.Response:
        if troubled := await self._troubled("token"):
            return troubled
        form = {name: str(value) for name, value in (await request.post()).items()}
        if refused := self._judge(request.match_info["tenant"], form):
            return refused
        token = self._issue(form["client_id"], form["scope"])
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": self.lives,
                "ext_expires_in": self.lives,
                "access_token": token,
            }
        )

    def _judge(self, tenant: str, form: Mapping[str, str]) -> web.Response | None:
        app, secret = form.get("client_id", ""), form.get("client_secret", "")
        if tenant not in self.tenants:
            return _refused("invalid_request", 90002, f"Tenant '{tenant}' not found.", 400)
        if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith("/.default"):
            return _refused("invalid_scope", 1002012, "The scope is not valid for client credentials.", 400)
        if app not in self.apps:
            said = f"Application with identifier '{app}' was not found in the directory 'Contoso'."
            return _refused("unauthorized_client", 700016, said, 400)
        return self._judge_proof(app, secret, form)

    def _judge_proof(self, app: str, secret: str, form: Mapping[str, str]) -> web.Response | None:
        if form.get("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            if form.get("client_assertion") in self.federated:
                return None
            said = "No matching federated identity record found for presented assertion subject."
            return _refused("invalid_client", 700213, said, 401)
        if secret in self.expired:
            said = f"The provided client secret keys for app '{app}' are expired."
            return _refused("invalid_client", 7000222, said, 401)
        if secret != self.apps[app]:
            return _refused("invalid_client", 7000215, "Invalid client secret provided.", 401)
        return None

    async def _identity(self, request: web.Request) -> web.Response:
        if troubled := await self._troubled("identity"):
            return troubled
        app = request.query.get("client_id", "")
        named = (request.headers.get("X-IDENTITY-HEADER"), request.headers.get("Metadata"))
        if named not in ((self.identity_header, None), (None, "true")):  # App Service's, and a machine's
            return web.json_response({"statusCode": 401, "message": "Unauthorized"}, status=401)
        if app not in self.managed:
            return web.json_response(
                {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found"},
                status=400,
            )
        scope = f"{request.query.get('resource', '')}/.default"
        return web.json_response(
            {
                "access_token": self._issue(app, scope),
                "expires_on": str(int(time.time()) + self.lives),
                "resource": request.query.get("resource", ""),
                "token_type": "Bearer",
                "client_id": app,
            }
        )

    def _issue(self, app: str, scope: str) -> str:
        token = f"eyJ.{secrets.token_urlsafe(24)}.{len(self.issued)}"
        self.issued[token] = (app, scope)
        return token

    def is_of(self, authorization: str, app: str = APP, scope: str = f"{ISSUER}/.default") -> bool:
        """Whether that Authorization header carries a token given to that app for that scope."""
        return self.issued.get(authorization.removeprefix("Bearer ")) == (app, scope)


def _refused(error: str, code: int, said: str, status: int) -> web.Response:
    body = {
        "error": error,
        "error_description": f"AADSTS{code}: {said} Trace ID: 2f0e8a4c-0000-0000-0000-000000000000",
        "error_codes": [code],
        "timestamp": "2026-01-01 00:00:00Z",
        "trace_id": "2f0e8a4c-0000-0000-0000-000000000000",
        "correlation_id": "9d4b1c00-0000-0000-0000-000000000000",
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")
