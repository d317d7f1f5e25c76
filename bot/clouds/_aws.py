"""boto3 behind the ports ``Aws`` (read) and ``AwsWriter`` (change): two classes, never one for the other.

boto3 blocks, so every call runs in a bounded pool of threads, and each service has its own cap: IAM is
one throttled endpoint per partition, ECR takes much more. A cancelled wait does not stop a thread;
botocore's own timeouts do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bot.clouds._aws_sessions import Sessions
from checks.model import Unavailable

_THREADS = 32
_AT_ONCE = {"iam": 5, "ec2": 10, "ecr": 20}
_AT_ONCE_ELSEWHERE = 10

_READS = ("describe_", "get_", "list_", "batch_get_", "simulate_")
# These match the prefixes, but hand out credentials or content.
_NEVER_READ = frozenset({"get_authorization_token", "get_secret_value", "get_download_url_for_layer"})
# A version of a managed policy never changes.
_FOR_EVER = frozenset({("iam", "get_policy_version")})


@dataclass(frozen=True, slots=True)
class Roles:
    """Role ARNs to act as; empty: the ambient credentials. ``owners`` maps other account ids to roles there.

    Owners' roles are assumed by the ambient identity, not through ``own``. ``closed``: other accounts that
    have no role for this, and in which nobody else's may be tried.
    """

    own: str = ""
    owners: Mapping[str, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    def may_reach(self, account: str) -> bool:
        """Not with the role of one account in another, even if AWS should allow it."""
        if not account or account in self.owners:
            return True
        own = self.own.split(":")[4] if self.own else account
        return account == own and (bool(self.own) or account not in self.closed)

    def to_reach(self, account: str) -> str:
        return self.owners.get(account, self.own)


@dataclass(frozen=True, slots=True)
class _Request:
    service: str
    operation: str
    region: str
    account: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


class _Caller:
    def __init__(self, sessions: Sessions, roles: Roles, pool: ThreadPoolExecutor | None = None) -> None:
        self._sessions = sessions
        self._roles = roles
        self._pool = pool or ThreadPoolExecutor(_THREADS, thread_name_prefix="aws")
        self._gates: dict[str, asyncio.Semaphore] = {}
        self.calls = 0

    async def _call(self, request: _Request) -> Mapping[str, Any]:
        limit = _AT_ONCE.get(request.service, _AT_ONCE_ELSEWHERE)
        async with self._gates.setdefault(request.service, asyncio.Semaphore(limit)):
            self.calls += 1
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._blocking, request)

    def _blocking(self, request: _Request) -> Mapping[str, Any]:
        try:
            role = self._roles.to_reach(request.account)
            client = self._sessions.client(request.service, request.region, role)
            if client.can_paginate(request.operation):
                pages = client.get_paginator(request.operation).paginate(**request.params)
                complete: Mapping[str, Any] = pages.build_full_result()
                return complete
            answer: Mapping[str, Any] = getattr(client, request.operation)(**request.params)
            return answer
        except Exception as error:
            from bot.clouds._aws_errors import translated  # noqa: PLC0415  pulls in botocore

            action = iam_action(request.service, request.operation)
            raise translated(error, action, request.account) from error

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class AwsReader(_Caller):
    """The port ``Aws``. ``calls`` counts what was asked of AWS, pages and retries aside."""

    def __init__(self, sessions: Sessions, roles: Roles, pool: ThreadPoolExecutor | None = None) -> None:
        super().__init__(sessions, roles, pool)
        self._remembered: dict[tuple[Any, ...], Mapping[str, Any]] = {}

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        """:raises ValueError: the operation is not a read; a fact may not ask for it."""
        if not operation.startswith(_READS) or operation in _NEVER_READ:
            raise ValueError(f"{service}.{operation} is not a read")
        if (service, operation) not in _FOR_EVER:
            return await self._call(_Request(service, operation, region, account, params))
        key = (service, operation, account, *sorted(params.items()))
        if key not in self._remembered:
            self._remembered[key] = await self._call(_Request(service, operation, region, account, params))
        return self._remembered[key]

    async def who(self, region: str) -> str:
        """The ARN that reads are made as.

        :raises Unavailable: there are no credentials, or they are not accepted.
        """
        answer = await self._call(_Request("sts", "get_caller_identity", region))
        return str(answer["Arn"])


class AwsHands(_Caller):
    """The port ``AwsWriter``, under the write roles. Only the executor of plans is given one."""

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        """:raises Unavailable: also where no role is configured for writing in that account"""
        if not self._roles.may_reach(account):
            raise Unavailable(
                f"{iam_action(service, operation)} in account {account} is not tried without a role for it; "
                f'set clusters[].aws.owners."{account}".write_role'
            )
        return await self._call(_Request(service, operation, region, account, params))


def iam_action(service: str, operation: str) -> str:
    """``ecr:GetRepositoryPolicy`` for ``ecr``, ``get_repository_policy``: what a policy must allow."""
    return f"{service}:{''.join(part.capitalize() for part in operation.split('_'))}"
