"""Who really pulls: the identity that ECR sees, and how we know.

It is the role in the instance's profile. The node group names a role as well; where the two differ (a
launch template with its own profile, a profile swapped on the instance) the instance wins, and the drift
is told. On Fargate it is the pod execution role of the profile, and no node's.

A denial names who was denied, and its session. But anybody who can make an event can write one, so it
chooses no role against the cloud's word: a role that the cloud does not know for this host is told of and
not judged. It may be right: a pull secret, or a service account's credentials, pulls as somebody else.
Where nothing is known from the cloud the denial's word is taken, and nothing is planned for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from checks.aws.auto_mode import AutoMode
from checks.aws.denials import Accusation
from checks.aws.destinations import Registry
from checks.aws.fargate import FargateProfile, is_fargate
from checks.aws.nodes import Described, InstanceId, InstanceProfile, Nodegroup, unseen
from checks.graph import fact
from checks.host import Host
from checks.model import NotApplicable, Unavailable

_SESSION = re.compile(
    r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/\s]+)/(?P<session>[^/\s]+)"
)


def account_of(arn: str) -> str:
    """The account id in an ARN."""
    return arn.split(":")[4]


class Kind(Enum):
    """Whose role it is; each kind has managed policies of its own."""

    NODE = "node"
    FARGATE = "pod execution role of EKS on Fargate"
    EXECUTION = "task execution role of ECS"


@dataclass(frozen=True, slots=True)
class Puller:
    """A role. ``role_arn`` lacks the role's path where ``path_known`` is false.

    ``session`` is the name of the role session, for a node its instance id; empty: not known.
    ``how`` says in words how we know; ``drift`` what contradicts it, or "". ``rival``: the role that the
    message says was denied, if it is another one. ``hearsay``: nothing but the message says that it pulls.
    """

    role_arn: str
    region: str
    session: str
    how: str
    path_known: bool = True
    drift: str = ""
    kind: Kind = Kind.NODE
    rival: str = ""
    hearsay: bool = False

    @property
    def account(self) -> str:
        return account_of(self.role_arn)

    @property
    def role_name(self) -> str:
        return self.role_arn.rpartition("/")[2]

    @property
    def doubt(self) -> str:
        """Why nothing may be changed for it, or ""."""
        if self.rival:
            return (
                f"the message says that {self.rival} was denied, and not {self.role_name}: who pulls is open"
            )
        if self.hearsay:
            return (
                f"that {self.role_name} pulls is known only from the message, which anybody may have written"
            )
        return ""


@dataclass(frozen=True, slots=True)
class ClusterRole:
    """The role that the cluster gives to the node. ``doubt``: why it may be that of a namesake, or "".

    ``arn`` is empty where it is ``unread``, which says why.
    """

    arn: str
    giver: str
    doubt: str = ""
    unread: str = ""


@fact()
def cluster_role(
    where: InstanceId, seen: Described | None, group: Nodegroup | None, auto: AutoMode | None
) -> ClusterRole:
    if group is not None and group.role_arn:
        return ClusterRole(group.role_arn, f"the node group {group.name}", _doubt(where, seen, group))
    if auto is not None and auto.role_arn:
        return ClusterRole(auto.role_arn, f"EKS Auto Mode in {auto.cluster}")
    for one in (group, auto):
        if one is not None and one.unread:
            return ClusterRole("", "the cluster", unread=one.unread)
    raise NotApplicable(f"no node group gives a role to {where.id}")


def _doubt(where: InstanceId, seen: Described | None, group: Nodegroup) -> str:
    """Another account may have a cluster and a node group of these names; instance ids are nobody else's.

    Instances that AWS runs itself it may show to nobody.
    """
    if seen is None or seen.unread or (seen.instance is None and where.managed):
        return ""
    if seen.instance is None:
        return f"{unseen(where)}, so the node group {group.name} may be of another account, too"
    if seen.instance.account in ("", account_of(group.role_arn)):
        return ""
    return f"{where.id} is of account {seen.instance.account}, but the node group has {group.role_arn}"


@dataclass(frozen=True, slots=True)
class HostRoles:
    """The roles that something says the host has, as far as that could be read."""

    arns: frozenset[str]
    kind: Kind


@fact()
def host_roles(
    profile: InstanceProfile | None,
    given: ClusterRole | None,
    fargate: FargateProfile | None,
    host: Host | None,
) -> HostRoles:
    arns = {one.role_arn for one in (profile, fargate) if one is not None}
    if given is not None and not given.doubt:
        arns.add(given.arn)
    return HostRoles(
        frozenset(arns - {""}),
        Kind.FARGATE if host is not None and is_fargate(host) else Kind.NODE,
    )


@dataclass(frozen=True, slots=True)
class Named:
    """The role that the message says was denied, without its path."""

    role_arn: str
    session: str


@fact()
def named(who: Accusation) -> Named:
    if not who.by_registry:
        raise NotApplicable(f"{who.action} is not asked of the registry")
    found = _SESSION.fullmatch(who.principal)
    if found is None:
        raise NotApplicable(f"{who.principal} is no role")
    return Named(f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}", found["session"])


@fact()
def accused_puller(who: Named, registry: Registry, known: HostRoles) -> Puller:
    """Tried before the others, as it knows the session."""
    # The ARN of a session leaves the role's path out; what gave the role to the host may know it.
    full = next((arn for arn in sorted(known.arns) if _same_role(arn, who.role_arn)), "")
    if known.arns and not full:
        raise NotApplicable(f"nothing but the message says that {who.role_arn} pulls here")
    return Puller(
        role_arn=full or who.role_arn,
        region=registry.region,
        session=who.session,
        how="the registry's denial names it" if full else "nothing but the message names it",
        path_known=bool(full),
        kind=known.kind,
        hearsay=not full,
    )


def _same_role(arn: str, bare: str) -> bool:
    """Whether ``arn`` is ``bare`` with, perhaps, a path."""
    return (
        arn.split(":role/", maxsplit=1)[0] == bare.split(":role/", maxsplit=1)[0]
        and arn.rpartition("/")[2] == bare.rpartition("/")[2]
    )


@fact()
def fargate_puller(profile: FargateProfile, who: Accusation | None, accused: Named | None) -> Puller:
    if who is not None and who.by_registry and accused is None:
        raise NotApplicable(f"{who.principal} pulls")
    if not profile.role_arn:
        raise Unavailable(f"EKS names no pod execution role of the Fargate profile {profile.name}")
    return Puller(
        role_arn=profile.role_arn,
        region=profile.region,
        session="",
        how=f"it is the pod execution role of the Fargate profile {profile.name}",
        drift=_hearsay(accused),
        kind=Kind.FARGATE,
        rival=accused.role_arn if accused else "",
    )


@fact()
def node_puller(
    where: InstanceId,
    profile: InstanceProfile | None,
    given: ClusterRole | None,
    who: Accusation | None,
    accused: Named | None,
) -> Puller:
    if who is not None and who.by_registry and accused is None:
        raise NotApplicable(f"{who.principal} pulls, not the node")
    rival = accused.role_arn if accused else ""
    if profile is not None and profile.role_arn:
        name = profile.arn.rpartition("/")[2]
        return Puller(
            role_arn=profile.role_arn,
            region=where.region,
            session=where.id,
            how=f"{where.id} has the instance profile {name}",
            drift="; ".join(filter(None, (_drift(profile.role_arn, given), _hearsay(accused)))),
            rival=rival,
        )
    if profile is not None and not profile.unread:
        raise NotApplicable(f"{where.id} has no role")
    if given is None or given.doubt or given.unread:
        seen = profile.unread if profile is not None else f"{where.id} could not be looked at"
        why = dict.fromkeys(filter(None, (seen, given.doubt, given.unread) if given is not None else (seen,)))
        raise Unavailable(f"which role pulls could not be read: {'; '.join(why)}")
    return Puller(
        role_arn=given.arn,
        region=where.region,
        session=where.id,
        how=f"{given.giver} gives it to its nodes; the instance's profile could not be read",
        drift=_hearsay(accused),
        rival=rival,
    )


def _drift(role_arn: str, given: ClusterRole | None) -> str:
    if given is None or given.arn in ("", role_arn):
        return ""
    return f"{given.giver} says {given.arn}; the instance is what counts"


def _hearsay(accused: Named | None) -> str:
    if accused is None:
        return ""
    return (
        f"the message says that {accused.role_arn} was denied, which nothing gives to this host; a pull "
        "secret or a service account's credentials may pull as it, and anybody may have written it"
    )
