"""What a person does about a pull secret that is missing, broken, over, or for another registry."""

from __future__ import annotations

import shlex

from checks.host import Host
from checks.image.reference import Repository
from checks.kubernetes.pull_secret_covers_registry import pull_secret_covers_registry
from checks.kubernetes.pull_secret_exists import pull_secret_exists
from checks.kubernetes.pull_secret_has_not_expired import pull_secret_has_not_expired
from checks.kubernetes.pull_secret_is_readable import pull_secret_is_readable
from checks.kubernetes.pull_secrets import PullSecret, PullSecrets, has_identity
from checks.kubernetes.registry_logins import LoginSources
from checks.model import NotApplicable
from handlers.remedies.kubernetes.login_steps import making
from handlers.remedy import ByHand, by_hand

_DOCKER_HUB = "https://index.docker.io/v1/"


@by_hand(
    "Make the pull secret anew",
    cures=(
        pull_secret_exists,
        pull_secret_is_readable,
        pull_secret_covers_registry,
        pull_secret_has_not_expired,
    ),
)
def make_pull_secret(
    secrets: PullSecrets, repository: Repository, sources: LoginSources | None, host: Host | None
) -> ByHand:
    if sources is not None and not all(one.unread for one in sources.all):
        raise NotApplicable("it can be renewed from where the operator said")
    one = _meant(secrets, repository)
    server = _DOCKER_HUB if repository.host == "docker.io" else repository.host
    commands = [making(one.namespace, one.name, server)]
    if one.exists and not one.unread and one.fixed:
        commands.insert(0, shlex.join(["kubectl", "delete", "secret", one.name, "-n", one.namespace]))
    words = f"Who has a login for {repository.host} writes it into {one.where}"
    if has_identity(host, repository):
        words += "; better, the pod names no pull secret, and the node's own identity gets the right to pull"
    others = len(one.entries) > 1
    caution = "the command leaves out what the Secret has for other registries" if others else ""
    return ByHand(words, tuple(commands), caution)


def _meant(secrets: PullSecrets, repository: Repository) -> PullSecret:
    """The one that is at fault, as far as that can be told: for the registry, or missing, or the first."""
    by_sense = sorted(secrets.all, key=lambda one: (not one.of(repository), one.exists and not one.fault))
    return by_sense[0]
