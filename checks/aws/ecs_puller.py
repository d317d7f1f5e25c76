"""Which role pulls a task's image.

On Fargate and on instances that ECS manages it is the execution role, and never the task role, which is what
the containers act as. On an instance of our own it is documented to be the instance's role, and yet ECS may
have the agent use the execution role instead, without telling. So there a denial that names one of the two
decides; where none is named and the two may not do the same, nobody is accused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from checks.aws.denials import Accusation
from checks.aws.ecr import RepositoryPolicy
from checks.aws.ecs_definitions import ExecutionRole
from checks.aws.ecs_instances import ContainerInstance
from checks.aws.ecs_tasks import EcsTask
from checks.aws.identity import RoleReads
from checks.aws.nodes import InstanceId, InstanceProfile
from checks.aws.puller import Kind, Puller
from checks.aws.registry_policy import RegistryPolicy
from checks.aws.rights import ACTIONS, PullRights, Says
from checks.graph import fact
from checks.model import NotApplicable, Unavailable

_SESSION = re.compile(
    r"arn:[\w-]+:sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/\s]+)/(?P<session>[^/\s]+)"
)


@dataclass(frozen=True, slots=True)
class TaskPullers:
    """Who may be the one that pulls. ``unread``: the instance's role could not be read, and why."""

    execution: Puller | None
    instance: Puller | None = None
    unread: str = ""

    @property
    def known(self) -> tuple[Puller, ...]:
        return tuple(one for one in (self.execution, self.instance) if one is not None)


@fact()
def task_pullers(
    task: EcsTask,
    role: ExecutionRole,
    host: ContainerInstance | None,
    where: InstanceId | None,
    profile: InstanceProfile | None,
) -> TaskPullers:
    execution = _execution(role, task) if role.arn else None
    if not task.instance_may_pull:
        return TaskPullers(execution)
    if where is None or profile is None or profile.unread:
        unread = [one.unread for one in (host, profile) if one is not None and one.unread]
        return TaskPullers(execution, unread="; ".join(unread) or "its instance could not be looked at")
    if not profile.role_arn:
        return TaskPullers(execution)
    how = f"{where.id}, which the task was placed on, has it"
    return TaskPullers(execution, Puller(profile.role_arn, task.region, session=where.id, how=how))


def _execution(role: ExecutionRole, task: EcsTask) -> Puller:
    return Puller(role.arn, task.region, session="", how=role.how, kind=Kind.EXECUTION)


@dataclass(frozen=True, slots=True)
class NamedPuller:
    """The registry's denial names who pulls; ``arn`` is that of the session."""

    arn: str


@fact()
def named_puller(task: EcsTask, who: Accusation) -> NamedPuller:
    """A denial by another service, such as that of a secret, says nothing of who pulls."""
    if not who.by_registry:
        raise NotApplicable(f"{who.action} is no action of the registry")
    return NamedPuller(who.principal)


@fact()
def task_puller(found: TaskPullers, named: NamedPuller | None) -> Puller:
    if named is not None:
        return _the_named(found, named.arn) or _rivalled(found, named.arn)
    if found.unread:
        raise Unavailable(f"which role pulls could not be read: {found.unread}")
    if len(found.known) > 1:
        raise Unavailable(_either(found))
    if not found.known:
        raise NotApplicable("the task has no role to pull with")
    return found.known[0]


def _the_named(found: TaskPullers, arn: str) -> Puller | None:
    session = _SESSION.fullmatch(arn)
    for one in found.known:
        if session and (one.account, one.role_name) == (session["account"], session["role"]):
            return replace(one, session=session["session"], how="the registry's denial names it")
    return None


def _rivalled(found: TaskPullers, arn: str) -> Puller:
    """The message names somebody else; as for nodes, it chooses nobody against the cloud's word.

    :raises NotApplicable: it may be the instance's role, which could not be read, or nobody is known at all
    """
    if found.unread or not found.known:
        raise NotApplicable(f"{arn} is not known to be the execution role or the instance's role")
    if len(found.known) > 1:
        names = " or with ".join(one.role_arn for one in found.known)
        raise Unavailable(f"ECS pulls with {names}, and the message says that {arn} was denied")
    session = _SESSION.fullmatch(arn)
    rival = f"arn:{arn.split(':')[1]}:iam::{session['account']}:role/{session['role']}" if session else arn
    drift = (
        f"the message says that {rival} was denied, which nothing gives to this task; anybody may have "
        "written it, or a secret for the registry may pull as it"
    )
    return replace(found.known[0], drift=drift, rival=rival)


@fact(timeout=40.0)
async def rights_of_either(
    found: TaskPullers,
    named: NamedPuller | None,
    reads: RoleReads,
    repository: RepositoryPolicy,
    registry: RegistryPolicy | None,
) -> PullRights:
    """Where one of two roles pulls, and it makes no difference which."""
    if named is not None or found.unread or found.execution is None or found.instance is None:
        raise NotApplicable("who pulls is known, or cannot be")
    on_pulls = registry.on_pulls if registry is not None else None
    execution, instance = [
        PullRights(one, await reads.start(one.role_arn, one.region), repository, on_pulls)
        for one in (found.execution, found.instance)
    ]
    if _answers(execution) != _answers(instance):
        able = {one.puller.role_name: _may_pull(one) for one in (execution, instance)}
        told = ", ".join(f"{name} {may}" for name, may in able.items())
        raise Unavailable(f"{_either(found)}; as their policies read, {told}")
    how = f"ECS pulls with it or with {instance.puller.role_name}, whose rights are the same"
    return replace(execution, puller=replace(execution.puller, how=how), twin=instance)


def _answers(rights: PullRights) -> tuple[Says, ...]:
    return tuple(rights.overall(action).says for action in ACTIONS)


def _may_pull(rights: PullRights) -> str:
    answers = set(_answers(rights))
    if answers == {Says.ALLOWS}:
        return "may pull"
    return "may perhaps pull" if answers <= {Says.ALLOWS, Says.UNKNOWN} else "may not pull"


def _either(found: TaskPullers) -> str:
    names = " or with ".join(one.role_arn for one in found.known)
    return f"ECS pulls with {names}, and the message does not say with which"
