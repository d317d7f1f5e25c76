"""Can the first pull of an image fill the cache that it is asked from?

The role that pulls has ECR import the image (``ecr:BatchImportUpstreamImage``), and make the repository if
there is none yet (``ecr:CreateRepository``); the role's policies may grant it, or the registry's. Without
the second ECR answers "name unknown", without the first "Requested image not found". AWS's
AmazonEC2ContainerRegistryReadOnly grants neither, AmazonEC2ContainerRegistryPullOnly the first only.
"""

from __future__ import annotations

from checks.aws.ecr import ImageInEcr
from checks.aws.pull_through import CacheRule, Caching, UpstreamSecret
from checks.aws.registry_rights import RegistryRights
from checks.aws.rulings import Ruling, Says
from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown

IMPORT, CREATE = "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"


@check(
    "The pull-through cache can be filled",
    leg=Leg.EXISTENCE,
    explains={
        Symptom.REPOSITORY_NOT_FOUND,
        Symptom.TAG_NOT_FOUND,
        Symptom.ACCESS_DENIED_OR_MISSING,
        Symptom.FORBIDDEN,
        Symptom.RATE_LIMITED,
    },
    page="https://docs.aws.amazon.com/AmazonECR/latest/userguide/error-pullthroughcache.html",
)
def pull_through_cache_is_ready(
    caching: Caching,
    found: ImageInEcr | None,
    secret: UpstreamSecret | None,
    role: RegistryRights | None,
) -> Verdict:
    if caching.rule is None:
        return _no_rule(caching, found)
    rule, evidence = caching.rule, _evidence(caching.rule)
    if found is not None and found.exists:
        return passed("the image is in the cache already", *evidence)
    if secret is not None and (not secret.exists or secret.deleted):
        what = f"is to be deleted on {secret.deleted}" if secret.exists else "does not exist"
        return failed(
            f"the secret with the credentials for {rule.upstream} {what}, so ECR cannot read it",
            *evidence,
            ("Secret", secret.arn),
            about=secret.arn,
            explains=None if found is not None else False,
        )
    if found is None:
        return unknown(
            "whether the image is cached is not known: its repository could not be read", *evidence
        )
    if role is None:
        return unknown("whether the cache can be filled is not known: who pulls could not be read", *evidence)
    return role.rights.heard(_of_the_role(rule, found, secret, role))


def _no_rule(caching: Caching, found: ImageInEcr | None) -> Verdict:
    if not caching.unread:
        raise NotApplicable("no rule of a pull-through cache covers the repository")
    if found is None or found.exists:
        raise NotApplicable("the rules of pull-through caches could not be read, nor would they matter")
    return unknown(f"whether a pull-through cache would fetch the image is not known: {caching.unread}")


def _of_the_role(
    rule: CacheRule, found: ImageInEcr, secret: UpstreamSecret | None, role: RegistryRights
) -> Verdict:
    rights = role.rights
    name, evidence = rights.puller.role_name, (*rights.who(), *_evidence(rule))
    answers = _answers(found, role)
    if missing := missing_rights(found, role):
        return failed(
            f"{found.address.name} is not cached yet, and {name} may not {' and '.join(missing)}",
            *evidence,
            ("Missing actions", ", ".join(missing)),
            ("Resource", resource_of(rule, found)),
            about=rights.principal_arn,
        )
    doubts = [why for one in answers.values() if one.says is Says.UNKNOWN for why in one.unread]
    if secret is not None and secret.unread:
        doubts.append(secret.unread)
    if doubts:
        why = "; ".join(dict.fromkeys(doubts))
        return unknown(
            f"{found.address.name} is not cached yet, and whether {name} may fill it: {why}", *evidence
        )
    return unknown(
        f"{found.address.name} is not cached yet and {name} may fill it; whether {rule.upstream} has the "
        "image, and lets ECR have it, cannot be seen from here",
        *evidence,
    )


def missing_rights(found: ImageInEcr, role: RegistryRights) -> tuple[str, ...]:
    """The actions that it would take to fill the cache, and that the role surely may not."""
    answers = _answers(found, role).items()
    return tuple(action for action, one in answers if one.says in (Says.DENIES, Says.NOTHING))


def _answers(found: ImageInEcr, role: RegistryRights) -> dict[str, Ruling]:
    needed = (IMPORT,) if found.repository_exists else (CREATE, IMPORT)
    return {action: role.to(action) for action in needed}


def resource_of(rule: CacheRule, found: ImageInEcr) -> str:
    """What a person would grant it on."""
    every = "*" if rule.is_for_everything else f"{rule.prefix}/*"
    return f"{found.address.arn.partition(':repository/')[0]}:repository/{every}"


def _evidence(rule: CacheRule) -> tuple[tuple[str, str], ...]:
    return (("Pull-through cache", f"{rule.prefix} from {rule.upstream}"),)
