"""The role's own policies: what it is allowed by itself, before any repository has its say.

Each read that is denied becomes an ``unread``, not an error: what is known may decide nevertheless.
IAM is asked for a role by its name alone, and every account may have one of that name. So an answer counts
only if it is known to be of the role's own account.
A role of a managed node group is known one round of calls before the instance has told which role it
really has, so its policies are read meanwhile; the instance then nearly always names the same one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.aws.auto_mode import AutoMode
from checks.aws.facts import Aws, Grant
from checks.aws.nodes import Nodegroup
from checks.aws.puller import Puller, account_of
from checks.graph import fact
from checks.model import NotFound, Unavailable

GRANTS = (
    Grant(
        (
            "iam:GetPolicy",
            "iam:GetPolicyVersion",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
        )
    ),
)


@dataclass(frozen=True, slots=True)
class PolicyText:
    """``name``: a managed policy's ARN, or an inline policy's name. ``text``: the document as JSON."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class RolePolicies:
    """``arn`` and ``id`` (``AROA…``) are empty where the role could not be read.

    ``attached``: ARNs of managed policies, ``None`` where they could not be listed. ``allowing``: every
    document that could be read, attached and inline. ``boundary`` is ``None`` where there is none.
    ``unread`` and ``boundary_unread`` say in words what could not be read. ``trust``: the policy that says
    who may become the role, as JSON; "" where the role could not be read.
    """

    exists: bool
    arn: str = ""
    id: str = ""
    attached: tuple[str, ...] | None = None
    allowing: tuple[PolicyText, ...] = ()
    boundary: PolicyText | None = None
    unread: tuple[str, ...] = ()
    boundary_unread: tuple[str, ...] = ()
    trust: str = ""


# The role, its boundary, and why that was not read.
_Head = tuple[Mapping[str, Any], PolicyText | None, tuple[str, ...]]
# The ARNs, and the documents or why they were not read.
_Attached = tuple[tuple[str, ...] | None, list[PolicyText | str]]


class RoleReads:
    """Each role and each managed policy read once in a diagnosis, however many nodes have it."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._tasks: dict[tuple[str, str], asyncio.Task[Any]] = {}

    def start(self, role_arn: str, region: str) -> asyncio.Task[RolePolicies]:
        """Begin to read the role unless that was done before. ``role_arn`` may lack the role's path."""
        account, name = account_of(role_arn), role_arn.rpartition("/")[2]
        key = ("role", f"{account}/{name}")
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._role(name, account, region), name=role_arn)
        return self._tasks[key]

    def _reached(self, account: str, region: str) -> asyncio.Task[str]:
        key = ("account", account)
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._asked_whose(account, region), name=account)
        return self._tasks[key]

    async def _asked_whose(self, account: str, region: str) -> str:
        """Why what these credentials see is not of ``account``, or ""; the call needs no permission."""
        try:
            answer = await self._aws("sts", "get_caller_identity", region=region, account=account)
        except (NotFound, Unavailable) as why:
            return f"whether these credentials look into {account} is not known: {why}"
        return _elsewhere(str(answer["Account"]), account)

    def _document(self, arn: str, account: str, region: str) -> asyncio.Task[PolicyText | str]:
        key = ("policy", arn)
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._managed(arn, account, region), name=arn)
        return self._tasks[key]

    async def _role(self, name: str, account: str, region: str) -> RolePolicies:
        where = {"region": region, "account": account}
        head, attached, inline = await asyncio.gather(
            self._head(name, where), self._attached(name, where), self._inline(name, where)
        )
        told = head[0].get("Arn", "") if head is not None else ""
        stray = _elsewhere(account_of(told), account) if told else await self._reached(account, region)
        if stray:
            return _of_another_account(stray, head, attached, inline)
        if head is None or attached is None or inline is None:
            return RolePolicies(exists=False)
        role, boundary, boundary_unread = head
        arns, managed = attached
        found = [*managed, *inline]
        return RolePolicies(
            exists=True,
            arn=role.get("Arn", ""),
            id=role.get("RoleId", ""),
            attached=arns,
            allowing=tuple(one for one in found if isinstance(one, PolicyText)),
            boundary=boundary,
            unread=tuple(one for one in found if isinstance(one, str)),
            boundary_unread=boundary_unread,
            trust=_text(role["AssumeRolePolicyDocument"]) if "AssumeRolePolicyDocument" in role else "",
        )

    async def _head(self, name: str, where: Mapping[str, str]) -> _Head | None:
        try:
            role = (await self._aws("iam", "get_role", **where, RoleName=name))["Role"]
        except NotFound:
            return None
        except Unavailable as why:
            return {}, None, (str(why),)
        arn = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
        if not arn:
            return role, None, ()
        boundary = await self._document(arn, where["account"], where["region"])
        if isinstance(boundary, str):
            return role, None, (boundary,)
        return role, boundary, ()

    async def _attached(self, name: str, where: Mapping[str, str]) -> _Attached | None:
        try:
            answer = await self._aws("iam", "list_attached_role_policies", **where, RoleName=name)
        except NotFound:
            return None
        except Unavailable as why:
            return None, [str(why)]
        arns = tuple(sorted(one["PolicyArn"] for one in answer["AttachedPolicies"]))
        documents = (self._document(arn, where["account"], where["region"]) for arn in arns)
        return arns, list(await asyncio.gather(*documents))

    async def _managed(self, arn: str, account: str, region: str) -> PolicyText | str:
        where = {"region": region, "account": account}
        try:
            policy = (await self._aws("iam", "get_policy", **where, PolicyArn=arn))["Policy"]
            version = await self._aws(
                "iam", "get_policy_version", **where, PolicyArn=arn, VersionId=policy["DefaultVersionId"]
            )
        except NotFound:
            return f"{arn} is attached, but IAM does not find it"
        except Unavailable as why:
            return f"{arn}: {why}"
        return PolicyText(arn, _text(version["PolicyVersion"]["Document"]))

    async def _inline(self, name: str, where: Mapping[str, str]) -> list[PolicyText | str] | None:
        try:
            answer = await self._aws("iam", "list_role_policies", **where, RoleName=name)
        except NotFound:
            return None
        except Unavailable as why:
            return [str(why)]
        return list(await asyncio.gather(*(self._one(name, one, where) for one in answer["PolicyNames"])))

    async def _one(self, role: str, policy: str, where: Mapping[str, str]) -> PolicyText | str:
        try:
            answer = await self._aws("iam", "get_role_policy", **where, RoleName=role, PolicyName=policy)
        except NotFound:
            return f"the inline policy {policy} was deleted meanwhile"
        except Unavailable as why:
            return f"inline policy {policy}: {why}"
        return PolicyText(policy, _text(answer["PolicyDocument"]))


def _of_another_account(
    why: str, head: _Head | None, attached: _Attached | None, inline: list[PolicyText | str] | None
) -> RolePolicies:
    """Nothing is known of the role: whatever was read, or not found, may be of another role of its name."""
    hidden = (*(attached[1] if attached else ()), *(inline or ()))
    return RolePolicies(
        exists=True,
        unread=(why, *(one for one in hidden if isinstance(one, str))),
        boundary_unread=(why, *(head[2] if head else ())),
    )


def _elsewhere(reached: str, account: str) -> str:
    """What to do about credentials that reach another account than the role's; "" if they do not."""
    if reached == account:
        return ""
    return (
        f"these credentials look into account {reached}, and the role is in {account}: set aws.read_role "
        f"or aws.owners to a role there"
    )


def _text(document: Any) -> str:
    # boto3 has decoded it already, unless it was no JSON.
    return document if isinstance(document, str) else json.dumps(document)


@fact()
def role_reads(aws: Aws) -> RoleReads:
    return RoleReads(aws)


@dataclass(frozen=True, slots=True)
class HeadStart:
    """The policies of this role are being read already."""

    role_arn: str


@fact()
async def auto_head_start(auto: AutoMode, reads: RoleReads) -> HeadStart:
    if auto.role_arn:
        reads.start(auto.role_arn, region=auto.region)
    return HeadStart(auto.role_arn)


@fact()
async def head_start(group: Nodegroup, reads: RoleReads) -> HeadStart:
    if group.role_arn:
        reads.start(group.role_arn, region=group.region)
    return HeadStart(group.role_arn)


@fact(timeout=40.0)
async def role_policies(puller: Puller, reads: RoleReads, begun: HeadStart | None) -> RolePolicies:
    return await asyncio.shield(reads.start(puller.role_arn, puller.region))
