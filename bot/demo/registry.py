"""The simulated ECR's front door: it decides about pulls as ECR would, from what AWS holds right now.

It reads policies by itself and in the simplest way, on purpose: were it to ask the checks that diagnose a
failed pull, the demo would only prove that they agree with themselves. What it does not understand, such as
conditions, lets nobody in. Answers are in the words that containerd would print.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from bot.demo.aws_world import World
from bot.demo.kubelet import NotPulled, Pulled

_REFERENCE = re.compile(
    r"(?P<host>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?)"
    r"/(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_TOKEN, _MANIFEST, _LAYERS = "ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"


@dataclass(frozen=True, slots=True)
class _Image:
    whole: str
    host: str
    account: str
    region: str
    name: str
    tag: str
    digest: str

    @property
    def arn(self) -> str:
        return f"arn:aws:ecr:{self.region}:{self.account}:repository/{self.name}"


@dataclass(frozen=True, slots=True)
class _Puller:
    """The node's role, how its session calls itself, and the statements of its policies."""

    account: str
    names: frozenset[str]
    statements: tuple[Mapping[str, Any], ...]


class Registry:
    """ECR in all accounts of ``world``, for the node of that world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clients: dict[tuple[str, str], Any] = {}
        self._documents: dict[tuple[str, str], Any] = {}  # a version of a policy never changes
        self._lock = threading.Lock()

    async def pull(self, image: str) -> Pulled | NotPulled:
        """What the container runtime of the node would say about pulling ``image`` now."""
        found = _REFERENCE.fullmatch(image)
        if found is None:
            host, _, rest = image.partition("/")
            url = f"https://{host}/v2/{rest.partition(':')[0]}/manifests/{rest.partition(':')[2] or 'latest'}"
            nowhere = (
                f'failed to do request: Head "{url}": dial tcp: lookup {host} on 10.0.0.2:53: no such host'
            )
            return _unresolved(image, nowhere)
        parts = {key: value or "" for key, value in found.groupdict().items()}
        parts["tag"] = parts["tag"] or ("" if parts["digest"] else "latest")
        try:
            return await asyncio.to_thread(self._decide, _Image(image, **parts))
        except (BotoCoreError, ClientError):
            # The simulated AWS is going down, or was given something that it cannot hold.
            return _answered(_Image(image, **parts), "500 Internal Server Error")

    def _decide(self, image: _Image) -> Pulled | NotPulled:
        puller = self._puller()
        if puller is None or not _gets_token(puller):
            nobody = "pull access denied, repository does not exist or may require authorization: "
            return _unresolved(image.whole, f"{nobody}authorization failed: no basic auth credentials")
        policy = self._repository_policy(image)
        if policy is None:
            return _not_there(image)
        if not _may(puller, policy, image, _MANIFEST):
            return _answered(image, "403 Forbidden")
        found = self._find(image)
        if found is None:
            return _not_there(image)
        if not _may(puller, policy, image, _LAYERS):
            blob = f"https://{image.host}/v2/{image.name}/blobs/{found['imageDigest']}"
            why = f"unexpected status from GET request to {blob}: 403 Forbidden"
            return _failed(image.whole, f"failed to copy: httpReadSeeker: failed open: {why}")
        image_id = f"{image.host}/{image.name}@{found['imageDigest']}"
        return Pulled(image_id, int(found.get("imageSizeInBytes") or 0))

    def _client(self, service: str, account: str) -> Any:
        with self._lock:
            key = (service, account)
            if key not in self._clients:
                self._clients[key] = self._world.client(service, account)
            return self._clients[key]

    def _puller(self) -> _Puller | None:
        """Who the node is, by its instance profile; ``None`` if that holds no role."""
        account = self._world.role_arn.split(":")[4]
        iam = self._client("iam", account)
        profile = iam.get_instance_profile(InstanceProfileName=self._world.profile_name)["InstanceProfile"]
        if not profile["Roles"]:
            return None
        role, arn = profile["Roles"][0]["RoleName"], profile["Roles"][0]["Arn"]
        session = f"arn:aws:sts::{account}:assumed-role/{role}/{self._world.instance_id}"
        root = f"arn:aws:iam::{account}:root"
        statements = [one for document in self._documents_of(iam, role) for one in _statements(document)]
        return _Puller(account, frozenset({"*", account, root, arn, session}), tuple(statements))

    def _documents_of(self, iam: Any, role: str) -> Iterator[Any]:
        for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
            for one in page["AttachedPolicies"]:
                version = iam.get_policy(PolicyArn=one["PolicyArn"])["Policy"]["DefaultVersionId"]
                key = (one["PolicyArn"], version)
                if key not in self._documents:
                    found = iam.get_policy_version(PolicyArn=one["PolicyArn"], VersionId=version)
                    self._documents[key] = found["PolicyVersion"]["Document"]
                yield self._documents[key]
        for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
            for name in page["PolicyNames"]:
                yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]

    def _repository_policy(self, image: _Image) -> tuple[Mapping[str, Any], ...] | None:
        """Its statements, none if it has no policy; ``None`` if there is no such repository."""
        ecr = self._client("ecr", image.account)
        try:
            text = ecr.get_repository_policy(repositoryName=image.name)["policyText"]
        except ecr.exceptions.RepositoryPolicyNotFoundException:
            return ()
        except ecr.exceptions.RepositoryNotFoundException:
            return None
        return tuple(_statements(text))

    def _find(self, image: _Image) -> Mapping[str, Any] | None:
        ecr = self._client("ecr", image.account)
        wanted = {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag}
        try:
            found = ecr.describe_images(repositoryName=image.name, imageIds=[wanted])["imageDetails"]
        except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
            return None
        return found[0] if found else None


def _gets_token(puller: _Puller) -> bool:
    """Without a token the node asks the registry as nobody. Repositories have no say in that."""
    denied = _denies(puller.statements, _TOKEN, "*", _anybody)
    return not denied and _allows(puller.statements, _TOKEN, "*", _anybody)


def _may(puller: _Puller, policy: tuple[Mapping[str, Any], ...], image: _Image, action: str) -> bool:
    """In one account either policy may allow it, across accounts both must; a Deny in any ends it."""

    def names_puller(statement: Mapping[str, Any]) -> bool:
        return not puller.names.isdisjoint(_principals(statement.get("Principal")))

    if _denies(puller.statements, action, image.arn, _anybody) or _denies(
        policy, action, image.arn, names_puller
    ):
        return False
    by_role = _allows(puller.statements, action, image.arn, _anybody)
    by_repository = _allows(policy, action, image.arn, names_puller)
    return (by_role or by_repository) if image.account == puller.account else (by_role and by_repository)


_Names = Callable[[Mapping[str, Any]], bool]


def _anybody(_: Mapping[str, Any]) -> bool:
    """Policies of a role name nobody: they are about the role."""
    return True


def _allows(statements: tuple[Mapping[str, Any], ...], action: str, arn: str, names: _Names) -> bool:
    return any(
        one["Effect"] == "Allow" and "Condition" not in one and names(one) and _is_about(one, action, arn)
        for one in statements
    )


def _denies(statements: tuple[Mapping[str, Any], ...], action: str, arn: str, names: _Names) -> bool:
    return any(
        one["Effect"] == "Deny" and ("NotPrincipal" in one or names(one)) and _is_about(one, action, arn)
        for one in statements
    )


def _is_about(statement: Mapping[str, Any], action: str, arn: str) -> bool:
    if "NotAction" in statement:
        acts = not _matches(statement["NotAction"], action)
    else:
        acts = _matches(statement.get("Action", ()), action)
    if "NotResource" in statement:
        return acts and not _matches(statement["NotResource"], arn)
    return acts and _matches(statement.get("Resource", "*"), arn)


def _matches(patterns: Any, value: str) -> bool:
    return any(fnmatchcase(value.lower(), str(one).lower().replace("[", "[[]")) for one in _listed(patterns))


def _principals(principal: Any) -> list[str]:
    return [
        str(one) for one in _listed(principal.get("AWS", ()) if isinstance(principal, dict) else principal)
    ]


def _statements(document: Any) -> list[Mapping[str, Any]]:
    """boto3 gives some documents as text, some of them quoted, and some as trees."""
    tree = document if isinstance(document, dict) else json.loads(_unquoted(document))
    return [one for one in _listed(tree.get("Statement", ())) if isinstance(one, dict)]


def _unquoted(text: str) -> str:
    return text if text.lstrip().startswith("{") else unquote(text)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _answered(image: _Image, status: str) -> NotPulled:
    url = f"https://{image.host}/v2/{image.name}/manifests/{image.digest or image.tag}"
    return _unresolved(image.whole, f"unexpected status from HEAD request to {url}: {status}")


def _not_there(image: _Image) -> NotPulled:
    """The one answer of which a kubelet keeps the code."""
    missing = _unresolved(image.whole, f"{image.whole}: not found")
    return NotPulled(f"rpc error: code = NotFound desc = {missing.cause}")


def _unresolved(image: str, why: str) -> NotPulled:
    return _failed(image, f'failed to resolve reference "{image}": {why}')


def _failed(image: str, why: str) -> NotPulled:
    return NotPulled(f'failed to pull and unpack image "{image}": {why}')
