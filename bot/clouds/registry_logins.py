"""The logins for registries that an operator has configured: where they are to be had, and what they are.

Facts get ``Known``, which tells where a login is and whose, executors ``Kept``, which gives it. A login is
told from another by a print: made with a key that this process has made up, it is of no use to who would
guess it, and after a restart people are asked again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from checks.image.hosts import ecr_host
from checks.image.reference import Repository
from checks.kubernetes.pull_secrets_match import covers
from checks.kubernetes.registry_logins import LoginSource
from checks.model import NotFound, Unavailable
from checks.secret import Secret
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedies.kubernetes.login_steps import Login

if TYPE_CHECKING:  # pydantic takes its time
    from bot.settings_clusters import RegistryLogin

ECR = "ecr"
_LONGEST = 64 * 1024


class Known:
    """The port ``RegistryLogins``. It never gives a password."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def sources(self, namespace: str, name: str) -> tuple[LoginSource, ...]:
        found = self._kept.configured(namespace, name)
        return tuple([await self._source(one) for one in found])

    async def _source(self, one: RegistryLogin) -> LoginSource:
        bare = LoginSource(one.namespace, one.name, one.host, words_of(one.source))
        if one.source == ECR:
            return LoginSource(one.namespace, one.name, one.host, bare.words, username="AWS")
        try:
            login = await self._kept.read(one.namespace, one.name, one.host)
        except Unavailable as why:
            return LoginSource(one.namespace, one.name, one.host, bare.words, unread=str(why))
        return LoginSource(one.namespace, one.name, one.host, bare.words, login.username, login.print)


class Kept:
    """The port ``LoginReader``. Only the executor of plans is given one.

    :param aws: gives ECR's tokens, under the role that writes
    """

    def __init__(
        self, configured: tuple[RegistryLogin, ...], environ: Mapping[str, str], aws: AwsWriter
    ) -> None:
        self._configured = configured
        self._environ = environ
        self._aws = aws
        self._key = secrets.token_bytes(32)

    def configured(self, namespace: str, name: str) -> tuple[RegistryLogin, ...]:
        return tuple(one for one in self._configured if (one.namespace, one.name) == (namespace, name))

    async def read(self, namespace: str, name: str, host: str) -> Login:
        one = next((one for one in self.configured(namespace, name) if one.host == host), None)
        if one is None:
            raise Unavailable(f"no login for {host} in {namespace}/{name} is configured any more")
        if one.source == ECR:
            return await self._of_ecr(host)
        user, password = await asyncio.to_thread(self._read, one)
        if not user or not password:
            raise Unavailable(f"{words_of(one.source)} has no user name and password for {host}")
        return Login(user, Secret(password), self._print(one, user, password))

    async def _of_ecr(self, host: str) -> Login:
        """A token is another each time, so none has a print."""
        where = ecr_host(host)
        if where is None:
            raise Unavailable(f"{host} is no registry of ECR, whose tokens were to be used for it")
        try:
            answer = await self._aws("ecr", "get_authorization_token", region=where.region)
            token = str(answer["authorizationData"][0]["authorizationToken"])
            user, _, password = base64.b64decode(token).decode().partition(":")
        except (NotFound, LookupError, ValueError):
            raise Unavailable(f"ECR in {where.region} gave no token that could be read") from None
        return Login(user, Secret(password), "")

    def _read(self, one: RegistryLogin) -> tuple[str, str]:
        kind, _, place = one.source.partition(":")
        if kind == "env":
            return _login(self._environ.get(place, ""), one)
        path = Path(place)
        try:
            if path.is_dir():
                return _text(path / "username"), _text(path / "password")
            return _login(_text(path), one)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise Unavailable(f"cannot read {words_of(one.source)}: {reason}") from None

    def _print(self, one: RegistryLogin, user: str, password: str) -> str:
        said = json.dumps([one.namespace, one.name, one.host, user, password]).encode()
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()[:12]


def words_of(source: str) -> str:
    """Where a login is, for people."""
    if source == ECR:
        return "a new token of ECR, good for twelve hours"
    kind, _, place = source.partition(":")
    return f"the environment variable {place}" if kind == "env" else f"the file {place}"


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(_LONGEST).strip()


def _login(text: str, one: RegistryLogin) -> tuple[str, str]:
    """``user:password``, or what `docker login` writes."""
    text = text.strip()
    if not text.startswith("{"):
        user, _, password = text.partition(":")
        return user, password
    try:
        auths = json.loads(text)["auths"]
        found = next(auths[key] for key in auths if covers(key, Repository(one.host, "")))
        if found.get("auth"):
            user, _, password = base64.b64decode(found["auth"]).decode().partition(":")
            return user, password
        return str(found.get("username") or ""), str(found.get("password") or "")
    except (StopIteration, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return "", ""
