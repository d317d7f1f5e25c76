"""Give the pod the pull secret that it names, with a login that works.

From another namespace that has it, or from where the operator said that a login is to be had. What was in the
Secret is kept in another one beside it, so that it can be put back: nowhere else is it safe.
"""

from __future__ import annotations

from checks.azure.admin_credentials_are_current import admin_credentials_are_current
from checks.azure.pull_secret_principal_is_valid import pull_secret_principal_is_valid
from checks.image.reference import Repository
from checks.kubernetes.pull_secret_covers_registry import pull_secret_covers_registry
from checks.kubernetes.pull_secret_exists import pull_secret_exists
from checks.kubernetes.pull_secret_has_not_expired import pull_secret_has_not_expired
from checks.kubernetes.pull_secret_is_readable import pull_secret_is_readable
from checks.kubernetes.pull_secrets import PullSecret, PullSecrets
from checks.kubernetes.pull_secrets_elsewhere import SecretsElsewhere
from checks.kubernetes.pull_secrets_match import shown
from checks.kubernetes.registry_logins import LoginSource, LoginSources
from checks.model import NotApplicable
from handlers.remedies.kubernetes.login_steps import WriteLogin
from handlers.remedies.kubernetes.secret_steps import CopySecret
from handlers.remedy import Plan, Refused, Risk, remedy

_LONGEST_NAME = 200  # of 253, to leave room for a suffix


@remedy(
    "Renew the pull secret",
    cures=pull_secret_exists,
    also_cures=(
        pull_secret_is_readable,
        pull_secret_covers_registry,
        pull_secret_has_not_expired,
        pull_secret_principal_is_valid,
        admin_credentials_are_current,
    ),
    risk=Risk.MEDIUM,
)
def renew_pull_secret(
    secrets: PullSecrets,
    repository: Repository,
    elsewhere: SecretsElsewhere | None,
    sources: LoginSources | None,
) -> tuple[Plan, ...]:
    copies = [one for one in (elsewhere.all if elsewhere is not None else ()) if _works(one, repository)]
    plans = [_copied(one, secrets.pod.namespace) for one in copies]
    by_name = {one.name: one for one in secrets.all}
    why_not = []
    for source in sources.all if sources is not None else ():
        there = by_name[source.name]
        why = source.unread or there.unread or _unchangeable(there)
        if why:
            why_not.append(f"{there.where} cannot be renewed from {source.words}: {why}")
        else:
            plans.append(_written(there, source))
    if why_not and not plans:
        raise Refused("; ".join(why_not))
    if not plans:
        raise NotApplicable("no working login is known from here")
    return tuple(plans)


def _works(one: PullSecret, repository: Repository) -> bool:
    mine = one.of(repository)
    return bool(mine) and not one.fault and not any(entry.fault for entry in mine)


def _unchangeable(there: PullSecret) -> str:
    if there.exists and there.fixed:
        return "its type cannot be changed, or it is immutable; it has to be deleted and made anew"
    return ""


def _copied(one: PullSecret, namespace: str) -> Plan:
    step = CopySecret(
        namespace=namespace,
        name=one.name,
        from_namespace=one.namespace,
        from_name=one.name,
        version=one.version,
        registries=tuple(shown(entry.key) for entry in one.entries),
    )
    return Plan(
        (step,),
        choice=f"copied from {one.where}",
        caution=f"whoever may read Secrets in {namespace} can then read what is in {one.where}",
    )


def _written(there: PullSecret, source: LoginSource) -> Plan:
    kept = f"{there.name[:_LONGEST_NAME]}-before-{there.version}" if there.exists else ""
    write = WriteLogin(
        namespace=there.namespace,
        name=there.name,
        host=source.host,
        username=source.username,
        source=source.words,
        print=source.print,
        version=there.version,
        kept=kept,
    )
    choice = f"from {source.words}"
    if not there.exists:
        return Plan((write,), choice=choice)
    keep = CopySecret(
        namespace=there.namespace,
        name=kept,
        from_namespace=there.namespace,
        from_name=there.name,
        version=there.version,
        registries=tuple(shown(entry.key) for entry in there.entries),
    )
    caution = (
        f"everything that uses {there.where} gets it; what was in it stays in {kept} until that is deleted"
    )
    return Plan((keep, write), choice=choice, caution=caution)
