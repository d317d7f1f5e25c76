"""What a person does where the pod's pull secret logs in as somebody who cannot pull from the registry.

Nobody here makes passwords: whoever makes one for an application without ``--append`` takes its others away.
The registry's admin is never turned on, and its passwords never made anew: others use them.
"""

from __future__ import annotations

import shlex

from checks.azure.admin_credentials_are_current import admin_credentials_are_current
from checks.azure.pull_secret_principal_is_valid import pull_secret_principal_is_valid
from checks.azure.registry import Registry
from checks.azure.rights import PullRights
from checks.azure.secret_holder import SecretHolder
from checks.azure.secret_principal import SecretPrincipal
from checks.azure.secret_token import RegistryToken
from checks.registry.credentials import SecretLogin, SecretLogins
from handlers.remedies.kubernetes.login_steps import making
from handlers.remedy import ByHand, by_hand

_BETTER = "; better, the pod names no pull secret, and the cluster is attached to the registry"


@by_hand(
    "Give the pull secret a login that may pull",
    cures=(pull_secret_principal_is_valid, admin_credentials_are_current),
)
def mend_secret_login(logins: SecretLogins, holder: SecretHolder | None, registry: Registry) -> ByHand:
    login = logins.all[0]
    who = holder.who if holder is not None else None
    if isinstance(who, SecretPrincipal):
        return _application(login, registry.host, who, holder.rights if holder is not None else None)
    if isinstance(who, RegistryToken):
        return _token(login, who, registry)
    return _another(login, registry.host)


def _application(login: SecretLogin, host: str, who: SecretPrincipal, rights: PullRights | None) -> ByHand:
    id = who.application
    if not who.object_id:
        return _principal(id, host) if who.ours else _another(login, host)
    if not who.enabled:
        return ByHand(
            f"Who disabled {who.words} says why, or lets it sign in again{_BETTER}",
            (shlex.join(["az", "ad", "sp", "update", "--id", id, "--set", "accountEnabled=true"]),),
        )
    if rights is None:
        return ByHand(
            f"Who owns the application {id} makes it a password, and writes it into {login.where}{_BETTER}",
            (
                shlex.join(["az", "ad", "sp", "credential", "reset", "--id", id, "--append"]),
                making(login.namespace, login.secret, host, id),
            ),
            "without --append every other password of the application is taken away",
        )
    if rights.denials:
        name = rights.denials[0].name
        return ByHand(f"Who made the deny assignment {name} leaves {who.words} out of it, or says why not")
    role = "Container Registry Repository Reader" if rights.registry.by_repository else "AcrPull"
    words = ["az", "role", "assignment", "create", "--assignee-object-id", who.object_id]
    words += ["--assignee-principal-type", "ServicePrincipal", "--role", role]
    words += ["--scope", str(rights.registry.id)]
    return ByHand(
        f"Who may assign roles at {rights.registry.host} gives {who.words} the role {role}{_BETTER}",
        (shlex.join(words),),
    )


def _principal(id: str, host: str) -> ByHand:
    """Of an application without one: its passwords may be good."""
    return ByHand(
        f"Who owns the application {id} makes it a service principal, which then needs a role at "
        f"{host}{_BETTER}",
        (shlex.join(["az", "ad", "sp", "create", "--id", id]),),
    )


def _token(login: SecretLogin, who: RegistryToken, registry: Registry) -> ByHand:
    host, at = registry.host, ["-n", who.name, "-r", registry.id.name]
    if not who.exists:
        return _another(login, host)
    if not who.enabled:
        return ByHand(
            f"Who disabled the token {who.name} of {host} says why, or enables it",
            (shlex.join(["az", "acr", "token", "update", *at, "--status", "enabled"]),),
        )
    if who.live:
        return ByHand(
            f"Who owns the token {who.name} of {host} gives it a scope map that has the repository",
            (shlex.join(["az", "acr", "token", "update", *at, "--scope-map", "SCOPE_MAP"]),),
        )
    return ByHand(
        f"Who owns the token {who.name} of {host} makes it a password, and writes it into {login.where}",
        (
            shlex.join(["az", "acr", "token", "credential", "generate", *at, "--password1"]),
            making(login.namespace, login.secret, host, who.name),
        ),
        "whatever uses the token's first password has to get the new one",
    )


def _another(login: SecretLogin, host: str) -> ByHand:
    return ByHand(
        f"Who has a login for {host} that lasts writes it into {login.where}{_BETTER}",
        (making(login.namespace, login.secret, host),),
        "the passwords of the registry's admin are not to be made anew for this: others may use them",
    )
