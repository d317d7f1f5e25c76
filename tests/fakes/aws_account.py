"""An AWS of a few dictionaries that counts rounds: calls that are under way together are one round.

No time passes. A call waits until nobody has anything else to do; then all that wait are answered
at once. The number of times this happens is how many network round trips a person waits for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.model import NotFound, Unavailable

ACCOUNT = "123456789012"
REGION = "us-west-2"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
PULL = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": "*",
        }
    ],
}


@dataclass(eq=False)  # a client is itself: facts are remembered by it
class Account:
    """The port ``Aws``. ``answers`` maps an operation, or (operation, name), to an answer or an error."""

    answers: dict[Any, Any] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    rounds: int = 0
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        self.asked.append(operation)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn
        if operation in self.denied or f"{service}.*" in self.denied:
            raise Unavailable(f"AWS denies {operation}")
        for key in ((operation, name) for name in params.values() if isinstance(name, str)):
            if key in self.answers:
                return _told(self.answers[key])
        return _told(self.answers.get(operation, NotFound("NoSuchEntity", operation)))

    async def run(self, work: Awaitable[Any]) -> Any:
        """``work``'s result; answers calls in rounds until it is there."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await _settled()
            if not self._waiting:
                continue
            self.rounds += 1
            turns, self._waiting = self._waiting, []
            for turn in turns:
                turn.set_result(None)
        return await task


async def _settled() -> None:
    """Let everything run that can run: a chain of facts needs a few turns of the loop for each link."""
    for _ in range(200):
        await asyncio.sleep(0)


def _told(answer: Any) -> Mapping[str, Any]:
    if isinstance(answer, Exception):
        raise answer
    found: Mapping[str, Any] = answer
    return found


def healthy(**changes: Any) -> Account:
    """A managed node that may pull ``app:1.2.1``, which is there; ``changes`` replaces answers."""
    role = f"arn:aws:iam::{ACCOUNT}:role/eks-node"
    profile = f"arn:aws:iam::{ACCOUNT}:instance-profile/eks-node"
    answers: dict[Any, Any] = {
        "describe_instances": instances(profile),
        "describe_nodegroup": {"nodegroup": {"nodeRole": role, "amiType": "AL2023_x86_64_STANDARD"}},
        "get_instance_profile": {"InstanceProfile": {"Arn": profile, "Roles": [{"Arn": role}]}},
        "get_caller_identity": {"Account": ACCOUNT},
        "get_role": {"Role": {"Arn": role, "RoleId": "AROAEKSNODE"}},
        "list_attached_role_policies": {"AttachedPolicies": [{"PolicyArn": READ_ONLY}]},
        "list_role_policies": {"PolicyNames": []},
        "get_policy": {"Policy": {"DefaultVersionId": "v3"}},
        "get_policy_version": {"PolicyVersion": {"Document": PULL}},
        "describe_images": {"imageDetails": [{"imageDigest": "sha256:1", "imageStatus": "ACTIVE"}]},
        "get_repository_policy": NotFound("RepositoryPolicyNotFoundException"),
        "describe_repositories": {"repositories": [{"repositoryName": "app"}]},
        "get_account_setting": {"name": "REGISTRY_POLICY_SCOPE", "value": "V2"},
        "get_registry_policy": NotFound("RegistryPolicyNotFoundException"),
        "describe_pull_through_cache_rules": {"pullThroughCacheRules": []},
        "list_images": {"imageIds": [{"imageTag": "1.2.1"}, {"imageTag": "1.2.0"}]},
    }
    return Account({**answers, **changes})


def instances(profile: str) -> Mapping[str, Any]:
    one: dict[str, Any] = {"VpcId": "vpc-1", "SubnetId": "subnet-1", "SecurityGroups": [{"GroupId": "sg-1"}]}
    one["Tags"] = [{"Key": "eks:cluster-name", "Value": "demo"}]
    if profile:
        one["IamInstanceProfile"] = {"Arn": profile}
    return {"Reservations": [{"OwnerId": ACCOUNT, "Instances": [one]}]}


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
