"""A login written into a pull secret, and put back: compare-and-swaps on ``resourceVersion``.

As with all steps about Secrets, no step holds what is secret: it is read when it is written.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from checks.aws.facts import Grant
from checks.image.reference import Repository
from checks.kubernetes.pull_secrets_content import KEY_OF_TYPE
from checks.kubernetes.pull_secrets_match import covers
from checks.secret import Secret
from handlers.remedies.kubernetes.secret_steps import (
    HIDDEN,
    MARK,
    RemoveSecret,
    SecretWriter,
    all_in,
    find,
    marked,
    new,
    path_of,
    target,
    version_of,
)
from handlers.remedies.kubernetes.steps import JSON_PATCH
from handlers.remedy import Conflict, Diff, Standing, Step

_ANNOTATIONS = "/metadata/annotations"
_OUR_ANNOTATION = f"{_ANNOTATIONS}/{MARK.replace('/', '~1')}"  # RFC 6901
_TYPE = "kubernetes.io/dockerconfigjson"


@dataclass(frozen=True, slots=True)
class Login:
    """``print`` as in ``checks.kubernetes.registry_logins``."""

    username: str
    password: Secret[str]
    print: str


class LoginReader(Protocol):
    """The logins that the operator has configured, passwords and all. Facts cannot ask for it.

    :raises Unavailable: there is none there now
    """

    async def read(self, namespace: str, name: str, host: str) -> Login: ...


@dataclass(frozen=True, slots=True)
class WriteLogin(Step):
    """Write a login into a pull secret, or make one with it. Entries for other registries stay.

    ``version``: the Secret's ``resourceVersion``, "" where there is none. ``kept``: the Secret that has what
    was there before. ``source`` says where the login is, ``print`` which one it was when the plan was made.
    """

    rbac: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("", "secrets", "create"),
        ("", "secrets", "delete"),
        ("", "secrets", "get"),
        ("", "secrets", "patch"),
    )
    # For a source that is ECR itself.
    grants: ClassVar[tuple[Grant, ...]] = (Grant(("ecr:GetAuthorizationToken",), "*"),)

    namespace: str
    name: str
    host: str
    username: str
    source: str
    print: str
    version: str
    kept: str = ""

    @property
    def mark(self) -> str:
        return f"{self.host} from {self.source} ({self.print or 'new'}) over {self.version or 'nothing'}"

    def diff(self) -> Diff:
        before = f"{self.host}: what is in it, {HIDDEN}" if self.version else ""
        print = f", print {self.print}" if self.print else ""
        after = f"{self.host}: {self.username}, password from {self.source} {HIDDEN}{print}"
        return Diff(target(self.namespace, self.name), before, after)

    def commands(self) -> tuple[str, ...]:
        return (making(self.namespace, self.name, self.host, self.username),)

    def inverse(self) -> RemoveSecret | RestoreSecret:
        if not self.version:
            return RemoveSecret(self.namespace, self.name, self.mark)
        return RestoreSecret(self.namespace, self.name, self.mark, self.kept)

    async def look(self, secrets: SecretWriter) -> Standing:
        there = await find(self.namespace, self.name, secrets)
        if there is not None and marked(there) == self.mark:
            return Standing.AFTER
        now = version_of(there) if there is not None else ""
        return Standing.BEFORE if now == self.version else Standing.ELSEWHERE

    async def write(self, secrets: SecretWriter, logins: LoginReader) -> WriteLogin:
        login = await logins.read(self.namespace, self.name, self.host)
        if (login.username, login.print) != (self.username, self.print):
            raise Conflict(f"the login in {self.source} is another one by now; look again")
        there = await find(self.namespace, self.name, secrets)
        if (version_of(there) if there is not None else "") != self.version:
            raise Conflict(f"{self.namespace}/{self.name} was changed by somebody else meanwhile")
        if there is None:
            text = _docker_config("", _TYPE, self.host, login)
            body = {**new(self.namespace, self.name, self.mark), "type": _TYPE}
            await secrets.create(all_in(self.namespace), {**body, "data": {KEY_OF_TYPE[_TYPE]: text}})
            return self
        kind = str(there.get("type"))
        key = KEY_OF_TYPE[kind]
        text = _docker_config(str((there.get("data") or {}).get(key) or ""), kind, self.host, login)
        patch = [*_marking(there, self.mark), {"op": "add", "path": f"/data/{key}", "value": text}]
        await secrets.patch(path_of(self.namespace, self.name), patch, JSON_PATCH)
        return self


@dataclass(frozen=True, slots=True)
class RestoreSecret(Step):
    """Only ever the way back from ``WriteLogin``: what the Secret ``kept`` has is put back."""

    namespace: str
    name: str
    mark: str
    kept: str

    def diff(self) -> Diff:
        return Diff(target(self.namespace, self.name), self.mark, f"what is kept in {self.kept}, {HIDDEN}")

    def commands(self) -> tuple[str, ...]:
        read = shlex.join(["kubectl", "get", "secret", self.kept, "-n", self.namespace, "-o", "json"])
        only = f"{{apiVersion, kind, type, data, metadata: {{name: {json.dumps(self.name)}}}}}"
        write = shlex.join(["kubectl", "replace", "-n", self.namespace, "-f", "-"])
        return (f"{read} | {shlex.join(['jq', only])} | {write}",)

    def inverse(self) -> None:
        return None

    async def look(self, secrets: SecretWriter) -> Standing:
        there = await find(self.namespace, self.name, secrets)
        if there is not None and marked(there) == self.mark:
            return Standing.BEFORE
        kept = await find(self.namespace, self.kept, secrets)
        same = there is not None and kept is not None and there.get("data") == kept.get("data")
        return Standing.AFTER if same else Standing.ELSEWHERE

    async def write(self, secrets: SecretWriter) -> RestoreSecret:
        there = await find(self.namespace, self.name, secrets)
        kept = await find(self.namespace, self.kept, secrets)
        if there is None or kept is None or marked(there) != self.mark:
            raise Conflict(f"{self.namespace}/{self.name}, or what was kept of it, was changed since")
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version_of(there)},
            {"op": "add", "path": "/data", "value": kept.get("data") or {}},
            {"op": "remove", "path": _OUR_ANNOTATION},
        ]
        await secrets.patch(path_of(self.namespace, self.name), patch, JSON_PATCH)
        return self


def making(namespace: str, name: str, host: str, username: str = "") -> str:
    """The command that makes a pull secret, or makes it anew; the password is for a person to fill in."""
    words = ["kubectl", "create", "secret", "docker-registry", name, "-n", namespace]
    words += [
        f"--docker-server={host}",
        f"--docker-username={username or 'USER'}",
        "--docker-password=PASSWORD",
    ]
    return f"{shlex.join([*words, '--dry-run=client', '-o', 'yaml'])} | kubectl apply -f -"


def _docker_config(before: str, kind: str, host: str, login: Login) -> str:
    """In base64: what was there, with this login instead of others for all of ``host``."""
    try:
        tree = json.loads(base64.b64decode(before)) if before else {}
    except (ValueError, RecursionError):
        tree = {}  # kubelet got nothing out of it either
    whole = tree if isinstance(tree, dict) else {}
    auths = whole.get("auths") if kind == _TYPE else whole
    there = auths if isinstance(auths, dict) else {}
    everywhere = Repository(host, "")
    kept = {key: one for key, one in there.items() if not covers(key, everywhere)}
    password = login.password.reveal()
    auth = base64.b64encode(f"{login.username}:{password}".encode()).decode()
    kept[host] = {"username": login.username, "password": password, "auth": auth}
    return base64.b64encode(json.dumps({"auths": kept} if kind == _TYPE else kept).encode()).decode()


def _marking(there: Mapping[str, Any], mark: str) -> list[dict[str, Any]]:
    patch: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": version_of(there)}
    ]
    if (there.get("metadata") or {}).get("annotations") is None:
        return [*patch, {"op": "add", "path": _ANNOTATIONS, "value": {MARK: mark}}]
    return [*patch, {"op": "add", "path": _OUR_ANNOTATION, "value": mark}]
