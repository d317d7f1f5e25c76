"""From which network requests come, as far as policies ask: ``aws:SourceVpc``, ``aws:SourceVpce``.

Both are told of a request that comes through an interface endpoint, and of no other; its address is told of
the others alone. Of the token that a task on Fargate asks for they are never told
(docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html and
docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.aws.destinations import Errand
from checks.aws.ecr import RepositoryPolicy
from checks.aws.ecs_tasks import FARGATE, EcsTask
from checks.aws.identity import RolePolicies
from checks.aws.paths import Path, Paths
from checks.aws.registry_policy import RegistryPolicy
from checks.aws.routing import Way
from checks.graph import fact
from checks.model import NotApplicable

# Condition keys in lower case, as in ``Context``.
Keys = tuple[tuple[str, str | None], ...]

_ASKED_FOR = ("aws:sourcevpc", "aws:sourceip")
_ABSENT: Keys = (("aws:sourcevpc", None), ("aws:sourcevpce", None))


@dataclass(frozen=True, slots=True)
class Origins:
    """What ECR is told of the request for a token, and of those for an image; keys not listed are not known.

    ``how`` says in words where they come from.
    """

    token: Keys = ()
    image: Keys = ()
    how: str = ""


NOT_KNOWN = Origins()


@fact()
def nobody_asks(role: RolePolicies, repository: RepositoryPolicy, registry: RegistryPolicy | None) -> Origins:
    """Tried first, so that rights seldom wait for what is read of the network."""
    texts = [one.text for one in (*role.allowing, *([role.boundary] if role.boundary else ()))]
    texts += [repository.text or "", registry.text or "" if registry is not None else ""]
    if _any_asks(texts):
        raise NotApplicable("a policy asks from which network requests come")
    return NOT_KNOWN


@fact()
def origins(paths: Paths, task: EcsTask | None) -> Origins:
    if paths.destination.ecr is None:
        raise NotApplicable("who asks ECR for nothing comes from nowhere")
    by = {one.errand: one for one in paths.items}
    token, image = by[Errand.TOKEN], by[Errand.MANIFEST]
    how = "; ".join(f"{one.errand} by {one.way.value} {one.via}".rstrip() for one in (token, image))
    if task is not None and task.launch_type == FARGATE:
        how = f"{how}; on Fargate ECR is not told from which VPC the token is asked for"
        return Origins(_ABSENT, _told(image, paths), how)
    return Origins(_told(token, paths), _told(image, paths), how)


def _any_asks(texts: Iterable[str]) -> bool:
    return any(key in text.lower() for text in texts for key in _ASKED_FOR)


def _told(path: Path, paths: Paths) -> Keys:
    if path.way is Way.ENDPOINT and path.endpoint is not None:
        vpc, endpoint = paths.interface.vpc, path.endpoint.id
        return (("aws:sourcevpc", vpc), ("aws:sourcevpce", endpoint), ("aws:sourceip", None))
    return _ABSENT if path.way in (Way.NAT, Way.INTERNET) else ()
