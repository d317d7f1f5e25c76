"""`pullbot permissions`: the least that clouds and clusters must grant, from the code that makes the calls.

Modules that read declare their grants beside the calls (``GRANTS`` for IAM, ``RBAC`` for Kubernetes, and
``RBAC_OPT_IN`` for what operators may withhold), and steps that write declare theirs on the class. Nothing is
listed here but what a read must never do. Azure's roles are in ``bot.permissions_azure``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import yaml

from checks.aws.facts import Grant
from checks.graph import Catalog, Check, Fact
from handlers.remedy import Remedy, Step, load_remedies

Rule = tuple[str, str, str]  # API group, resource, verb

# An identity policy may grant more than this one; these would have effects, or hand out secrets.
_NEVER = (
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
    "iam:PassRole",
    "secretsmanager:GetSecretValue",
    "ssm:StartAutomationExecution",
)
# A write role must not be able to widen itself, nor touch what no remedy touches.
_NEVER_WRITTEN = (
    "ecr:BatchDeleteImage",
    "ecr:DeleteRepository",
    "ecr:PutImage",
    "ecr:PutRegistryPolicy",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:SetDefaultPolicyVersion",
)
_PASSING = "iam:PassRole"
_SOME_ROLE = "arn:{partition}:iam::ACCOUNT_ID:role/AUTOMATION_ROLE"  # for who has not configured one


class UnknownRemedy(Exception):
    """No remedy has this id; the message lists those there are."""


def aws_reads(partition: str = "aws", queues: Iterable[Grant] = ()) -> dict[str, Any]:
    """The identity policy for diagnosing, as a document; ``queues``: what reading each of them takes."""
    modules = [module for package in ("checks.aws", "bot.watch") for module in modules_of(package)]
    grants = [grant for module in modules for grant in getattr(module, "GRANTS", ())]
    return _policy([*grants, *queues], partition, _NEVER)


def aws_writes(
    remedies: Iterable[str], partition: str = "aws", automation_roles: Iterable[str] = ()
) -> dict[str, Any]:
    """The identity policy for carrying out and undoing ``remedies`` (ids), as a document.

    :param automation_roles: ARNs of the only roles that may be passed on, where a step passes one
    :raises UnknownRemedy: there is none of this id.
    """
    steps = steps_of(remedies)
    grants = [grant for step in steps for grant in getattr(step, "grants", ())]
    services = sorted({step.passes_role_to for step in steps if hasattr(step, "passes_role_to")})
    if not services:
        return _policy(grants, partition, _NEVER_WRITTEN)
    roles = sorted(set(automation_roles)) or [_SOME_ROLE]
    to = (("StringEquals", "iam:PassedToService", tuple(services)),)
    grants += [Grant((_PASSING,), role, condition=to) for role in roles]
    policy = _policy(grants, partition, tuple(one for one in _NEVER_WRITTEN if one != _PASSING))
    others = {
        "Sid": "PullbotPassesNoOther",
        "Effect": "Deny",
        "Action": [_PASSING],
        "NotResource": [role.format(partition=partition) for role in roles],
    }
    policy["Statement"].append(others)
    return policy


def kubernetes_reads(name: str = "pullbot-read") -> dict[str, Any]:
    """The ClusterRole for diagnosing."""
    found: set[Rule] = set()
    for package in ("checks", "bot.watch"):
        for module in modules_of(package):
            found.update(getattr(module, "RBAC", ()))
    return _cluster_role(name, found)


def kubernetes_secrets(name: str = "pullbot-secrets") -> dict[str, Any]:
    """The ClusterRole for judging pull secrets; bind it where Secrets may be read, if anywhere."""
    modules = modules_of("checks")
    return _cluster_role(name, {rule for one in modules for rule in getattr(one, "RBAC_OPT_IN", ())})


def kubernetes_writes(remedies: Iterable[str], name: str = "pullbot-write") -> dict[str, Any]:
    """The ClusterRole for carrying out ``remedies``; bind it in the namespaces where they may be done.

    :raises UnknownRemedy: there is none of this id.
    """
    return _cluster_role(name, {rule for step in steps_of(remedies) for rule in getattr(step, "rbac", ())})


def reads_of(check: Check, catalog: Catalog) -> list[str]:
    """What a check reads at most, as IAM, Azure, Graph and RBAC name it; on one kind of host it is less.

    By the facts that it needs, and those that these need: what the modules declare that ask for them, and
    the modules of the coroutines that those import.
    """
    pending: list[Fact | Check] = [check]
    asked: dict[str, Fact | Check] = {}
    while pending:
        one = pending.pop()
        asked[one.id] = one
        known = [fact for need in one.needs for fact in catalog.facts.get(need.type, ())]
        pending += [fact for fact in known if fact.id not in asked]
    modules = {module.__name__: module for one in asked.values() for module in _asking(one.fn)}.values()
    actions = {action for one in modules for grant in getattr(one, "GRANTS", ()) for action in grant.actions}
    actions.update(action for one in modules for action in getattr(one, "READS", ()))
    graph = {f"Microsoft Graph: {one}" for module in modules for one in getattr(module, "GRAPH", ())}
    rules = {f"{resource}: {verb}" for one in modules for _, resource, verb in getattr(one, "RBAC", ())}
    opt_in = {rule for one in modules for rule in getattr(one, "RBAC_OPT_IN", ())}
    rules.update(f"{resource}: {verb} (if granted)" for _, resource, verb in opt_in)
    return sorted(actions) + sorted(graph) + sorted(rules)


def _asking(fn: Callable[..., Any]) -> Iterator[ModuleType]:
    """The function's own module, and those of the coroutines that it imports: only these can ask anybody."""
    yield sys.modules[fn.__module__]
    for one in vars(sys.modules[fn.__module__]).values():
        if inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one):
            yield sys.modules[one.__module__]


def as_yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False)


def _policy(grants: Iterable[Grant], partition: str, never: tuple[str, ...]) -> dict[str, Any]:
    by_scope: dict[tuple[str, Any], set[str]] = defaultdict(set)
    for grant in grants:
        by_scope[grant.resource, grant.condition].update(grant.actions)
    statements = [
        _statement(number, sorted(actions), scope, partition)
        for number, (scope, actions) in enumerate(sorted(by_scope.items()), start=1)
    ]
    deny = {"Sid": "PullbotNever", "Effect": "Deny", "Action": list(never), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [*statements, deny]}


def _statement(number: int, actions: list[str], scope: tuple[str, Any], partition: str) -> dict[str, Any]:
    resource, conditions = scope
    statement: dict[str, Any] = {
        "Sid": f"Pullbot{number}",
        "Effect": "Allow",
        "Action": actions,
        "Resource": resource.format(partition=partition),
    }
    if conditions:
        statement["Condition"] = {
            operator: {key: [value.format(partition=partition) for value in values]}
            for operator, key, values in conditions
        }
    return statement


def _cluster_role(name: str, rules: set[Rule]) -> dict[str, Any]:
    verbs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for group, resource, verb in rules:
        verbs[group, resource].add(verb)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource), allowed in sorted(verbs.items()):
        alike[group, tuple(sorted(allowed))].append(resource)
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [
            {"apiGroups": [group], "resources": resources, "verbs": list(allowed)}
            for (group, allowed), resources in sorted(alike.items())
        ],
    }


def steps_of(remedies: Iterable[str]) -> list[type[Step]]:
    """The steps that a remedy's module plans with: those it imports."""
    known = {one.id: one for one in load_remedies()}
    found: list[type[Step]] = []
    for wanted in remedies:
        if wanted not in known:
            raise UnknownRemedy(f"there is no remedy {wanted}; there are {', '.join(known)}")
        found += _planned_by(known[wanted])
    return list(dict.fromkeys(found))


def _planned_by(remedy: Remedy) -> list[type[Step]]:
    names = vars(sys.modules[remedy.fn.__module__]).values()
    return [one for one in names if isinstance(one, type) and issubclass(one, Step) and one is not Step]


def modules_of(package: str) -> Iterator[ModuleType]:
    """The package and everything below it; nothing where there is no such package."""
    try:
        root = importlib.import_module(package)
    except ModuleNotFoundError:
        return
    yield root
    for info in pkgutil.walk_packages(root.__path__, f"{package}."):
        yield importlib.import_module(info.name)
