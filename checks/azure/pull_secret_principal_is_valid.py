"""Who the pod's pull secret logs in as at an Azure container registry: is it there, current, and may it pull?

An application needs a password that holds, and a role of its own: the cluster's role is no help to it. What
the registry refuses is not who logs in where its firewall turned the node away before.
"""

from __future__ import annotations

from checks.azure.rights import PullRights
from checks.azure.secret_holder import SecretHolder
from checks.azure.secret_login import PassingLogin
from checks.azure.secret_principal import SecretPrincipal
from checks.azure.secret_token import RegistryToken
from checks.graph import check
from checks.image.reference import Repository
from checks.model import Leg, Symptom, Verdict, failed, passed, unknown

_Evidence = tuple[tuple[str, str], ...]


@check(
    "Whom the pull secret logs in as may pull",
    leg=Leg.CREDENTIALS,
    explains={Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING, Symptom.CREDENTIALS_EXPIRED},
    page="https://learn.microsoft.com/en-us/azure/container-registry/container-registry-auth-kubernetes",
)
def pull_secret_principal_is_valid(repository: Repository, holder: SecretHolder) -> Verdict:
    who = holder.who
    if isinstance(who, PassingLogin):
        return _passing(who)
    if isinstance(who, RegistryToken):
        return _token(who, repository)
    return _application(who, holder.rights)


def _passing(who: PassingLogin) -> Verdict:
    where = who.login.where
    evidence: _Evidence = (("Secret", where),)
    if who.ends is None:
        return unknown(
            f"{where} holds a token that lasts for three hours; since when is not known", *evidence
        )
    evidence += (("Ends", f"{who.ends:%Y-%m-%d %H:%M} UTC"),)
    if who.over:
        return failed(
            f"{where} holds a token that was good for three hours, and is over", *evidence, about=where
        )
    return passed(f"{where} holds a token that is good for three hours, and not over yet", *evidence)


def _token(who: RegistryToken, repository: Repository) -> Verdict:
    where, host = who.login.where, repository.host
    evidence: _Evidence = (("Secret", where), ("Token", who.name))
    if not who.exists:
        return failed(
            f"{where} logs in as {who.name}, and {host} has no token of that name", *evidence, about=where
        )
    if not who.enabled:
        return failed(f"the token {who.name} of {host} is disabled", *evidence, about=where)
    if not who.live:
        over = (
            "no password" if not who.passwords else "no password left that holds and is as old as the secret"
        )
        return failed(f"the token {who.name} of {host} has {over}", *evidence, about=where)
    if who.unread:
        return unknown(f"whether the token {who.name} opens {repository.path}: {who.unread}", *evidence)
    if not who.opens:
        return failed(f"the token {who.name} does not open {repository.path}", *evidence, about=where)
    return passed(f"the token {who.name} of {host} is enabled and has a password", *evidence)


def _application(who: SecretPrincipal, rights: PullRights | None) -> Verdict:
    where, id = who.login.where, who.application
    evidence: _Evidence = (("Secret", where), ("Application", f"{who.name} ({id})" if who.name else id))
    if who.fault or rights is None:
        return failed(f"{where} logs in as {who.fault}", *evidence, about=where)
    evidence += (("Registry", str(rights.registry.id)),)
    if rights.denials:
        denial = rights.denials[0].name
        return failed(f"the deny assignment {denial} forbids it to {who.words}", *evidence, about=where)
    if rights.lacking:
        host = rights.registry.host
        lacks = f"which has no role that lets it pull from {host}"
        return failed(f"{where} logs in as {who.words}, {lacks}", *evidence, about=where)
    return _allowed(who, rights, evidence)


def _allowed(who: SecretPrincipal, rights: PullRights, evidence: _Evidence) -> Verdict:
    if not rights.allowing:
        return unknown(f"what the role of {who.words} allows could not be judged", *evidence)
    if rights.doubts:
        return unknown(f"{who.words} has a role, but {'; '.join(rights.doubts)}", *evidence)
    allowed = ("Allowed by", ", ".join(sorted({one.role.name for one in rights.allowing})))
    if not who.ours:
        elsewhere = "its passwords are in another tenant: whether one holds is not known"
        return unknown(f"{who.words} may pull, but {elsewhere}", *evidence, allowed)
    return passed(f"{who.words} has a password that holds, and may pull", *evidence, allowed)
