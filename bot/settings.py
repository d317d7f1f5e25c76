"""The configuration: a file and the environment in, one frozen value out, or every error at once.

``pullbot.yaml`` is read first; ``PULLBOT_…`` variables override single keys of it. Secrets come from
the environment, or from files that it names, and never from the YAML: that file ends up in git.
No file at all is fine: ``pullbot why`` needs none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from bot.people import Approvers
from bot.settings_clusters import Cluster
from bot.settings_shape import Shape
from bot.settings_sources import Fault, Read, Secrets, key_of, read, suggestion
from bot.settings_values import is_guid, is_loopback, split_address
from handlers.remedy import Risk, load_advice, load_remedies
from handlers.world import Rules

__all__ = ["Cluster", "Fault", "Secrets", "Settings", "SettingsError", "load"]

# Public names of remedies. One that this version does not have yet is a warning, not a typing error.
_NAMED = frozenset(
    {
        "aws/attach_pull_policy",
        "aws/attach_fargate_policy",
        "aws/attach_execution_policy",
        "aws/trust_fargate",
        "aws/lift_repository_deny",
        "aws/allow_role_in_repository_policy",
        "aws/open_security_group",
        "aws/open_network_acl",
        "aws/create_endpoints",
        "aws/add_s3_route",
        "aws/turn_on_private_dns",
        "aws/turn_on_vpc_dns",
        "aws/open_endpoint_security_group",
        "aws/allow_layers_in_s3_endpoint",
        "aws/assign_public_ip",
        "aws/redeploy_service",
        "aws/troubleshoot_task",
        "azure/attach_acr",
        "azure/reconcile_cluster",
        "azure/admit_cluster_address",
        "azure/link_private_dns",
        "azure/peer_back",
        "azure/open_nsg",
        "kubernetes/restart_workload",
        "kubernetes/set_image",
        "kubernetes/select_platform",
        "kubernetes/renew_pull_secret",
    }
)

# Pydantic speaks of Python's types; who writes YAML does not.
_PLAIN = {
    "tuple_type": "should be a list",
    "model_type": "should be a block of keys",
    "model_attributes_type": "should be a block of keys",
    "mapping_type": "should be a block of keys",
    "is_instance_of": "should be a block of keys",
    "string_type": "should be text; put it in quotes",
    "string_too_short": "should not be empty",
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
}


class SettingsError(Exception):
    """Everything that is wrong with the configuration. ``str`` lists it, one line each."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = "one error" if len(faults) == 1 else f"{len(faults)} errors"
        super().__init__("\n".join([f"the configuration has {count}:", *(f"  {one}" for one in faults)]))


class Settings(Shape):
    """``warnings`` stop nothing, but somebody should read them. ``source`` is the file, "" for none."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    secrets: Secrets = Secrets()
    warnings: tuple[str, ...] = ()
    source: str = Field("", repr=False)

    @property
    def rules(self) -> Rules:
        return Rules(
            second_person=self.approvals.second_person,
            expires=self.approvals.expires,
            quorum={Risk[risk.upper()]: count for risk, count in self.approvals.quorum.items()},
            enabled=frozenset(self.remedies.enabled),
        )

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port. Without Teams' authentication nobody else may reach this machine's port."""
        host, port = split_address(self.http.listen)
        return (host if not self.teams.local or is_loopback(host) else "127.0.0.1"), int(port)

    @property
    def automation_roles(self) -> tuple[str, ...]:
        return tuple(one.aws.automation_role for one in self.clusters if one.aws.automation_role)

    @property
    def subscriptions(self) -> tuple[str, ...]:
        return tuple(one.azure.subscription for one in self.clusters if one.azure)

    def cluster(self, name: str) -> Cluster | None:
        return next((one for one in self.clusters if one.name == name), None)

    def channel_of(self, cluster: str, chat: str) -> str:
        """The channel for a cluster's alerts in that chat, "" for none."""
        found = self.cluster(cluster)
        channel = found.channels.of(chat) if found else None
        return channel.id if channel else ""

    def language_of(self, channel: str) -> str:
        for cluster in self.clusters:
            for one in (cluster.channels.slack, cluster.channels.teams, cluster.channels.page):
                if one and one.id == channel and one.language:
                    return one.language
        return self.language

    def missing_to_run(self) -> tuple[Fault, ...]:
        """What the service needs, and ``why`` does not: clusters, and tokens for their chats."""
        faults = []
        if not self.clusters:
            faults.append(Fault("clusters", "there is none; name at least one cluster to watch"))
        if any(one.channels.slack for one in self.clusters):
            faults += self._missing_for_slack()
        if any(one.channels.teams for one in self.clusters) and not self.teams.local:
            faults += self._missing_for_teams()
        return tuple(faults)

    def _missing_for_slack(self) -> list[Fault]:
        needed = {"SLACK_BOT_TOKEN": self.secrets.slack_bot_token}
        if self.slack.mode == "socket":
            needed["SLACK_APP_TOKEN"] = self.secrets.slack_app_token
        else:
            needed["SLACK_SIGNING_SECRET"] = self.secrets.slack_signing_secret
        why = f"is not set, and a cluster has a Slack channel (slack.mode is {self.slack.mode})"
        return [Fault(name, f"{why}; set it, or {name}_FILE") for name, value in needed.items() if not value]

    def _missing_for_teams(self) -> list[Fault]:
        password = self.secrets.microsoft_app_password
        needed = {"MICROSOFT_APP_ID": self.teams.app_id, "MICROSOFT_APP_TENANT_ID": self.teams.tenant_id}
        faults = [
            Fault(
                name, "is not set, and a cluster has a Teams channel; set it, or teams.local for trying out"
            )
            for name, value in needed.items()
            if not value
        ]
        registration = f"teams.registration is {self.teams.registration}"
        if self.teams.registration == "single_tenant" and not password:
            why = f"is not set, and a cluster has a Teams channel ({registration})"
            faults.append(
                Fault(
                    "MICROSOFT_APP_PASSWORD",
                    f"{why}; set it, or MICROSOFT_APP_PASSWORD_FILE, or teams.local for trying out",
                )
            )
        if self.teams.registration == "managed_identity" and password:
            faults.append(
                Fault(
                    "MICROSOFT_APP_PASSWORD",
                    f"is set, but {registration}, and an identity has none; "
                    "drop the password, or set teams.registration to single_tenant",
                )
            )
        return faults


def load(path: str | None, environ: Mapping[str, str]) -> Settings:
    """Settings from ``path``, else from PULLBOT_CONFIG, else from ./pullbot.yaml if it is there.

    :param path: what ``--config`` said
    :raises SettingsError: with everything that is wrong, if anything is
    """
    wanted = path or environ.get("PULLBOT_CONFIG", "")
    if not wanted and Path("pullbot.yaml").is_file():
        wanted = "pullbot.yaml"
    found = read(wanted, environ)
    faults = list(found.faults)
    warnings, unknown = _judge_remedies(found)
    faults += unknown
    try:
        settings = Settings.model_validate({**found.tree, "secrets": found.secrets, "source": wanted})
    except ValidationError as error:
        faults += [_fault(one, found) for one in error.errors(include_url=False)]
    if faults:
        raise SettingsError(sorted(set(faults), key=lambda one: one.key))
    doubts = (*_doubts_about_teams(settings, found), *_doubts_about_approvers(settings))
    return settings.model_copy(update={"warnings": (*warnings, *doubts)})


def _doubts_about_teams(settings: Settings, found: Read) -> list[str]:
    """What may be meant, but is worth a second look."""
    teams, doubts = settings.teams, []
    used = any(one.channels.teams for one in settings.clusters)
    if teams.local and not is_loopback(split_address(settings.http.listen)[0]):
        doubts.append(
            f"{key_of(('http', 'listen'), found.variables)}: only 127.0.0.1 is listened on, not "
            f"{settings.http.listen}, for teams.local is true and nobody's requests are authenticated"
        )
    if teams.local and teams.app_id:
        doubts.append(
            f"{key_of(('teams', 'app_id'), found.variables)}: is not used, for teams.local is true: whoever "
            "reaches this port is taken for whom they say they are; for a real bot, set teams.local to false"
        )
    for name in ("app_id", "tenant_id"):
        if (value := getattr(teams, name)) and not is_guid(value):
            doubts.append(
                f"{key_of(('teams', name), found.variables)}: is not of the form of Microsoft's ids, "
                "such as 1c2d3e4f-0000-4000-8000-00000000abcd; Azure shows the right one with the bot"
            )
    if not teams.service_url and used:
        what = (
            "to the playground's on this machine" if teams.local else "with its host in teams.service_hosts"
        )
        doubts.append(
            "teams.service_url: is not known, so no alert can be posted in Teams before somebody has written "
            f"to pullbot there; set it, {what}"
        )
    if settings.clusters and (teams.app_id or teams.local) and not used:
        doubts.append(
            "clusters: none has a channel in Teams, so pullbot is not there, whatever teams says; "
            "name one in clusters[].channels.teams"
        )
    return doubts


def _doubts_about_approvers(settings: Settings) -> list[str]:
    """A list that was made for one chat lets nobody approve in another one."""
    approvals = settings.approvals
    listed = Approvers(approvals.approvers, (one.accounts for one in approvals.people))
    accounts = {one for account in listed.ids for one in (account, *listed.others(account))}
    in_groups = any(listed.groups(chat) for chat in ("slack", "teams"))
    if listed.nobody or listed.emails or (in_groups and approvals.people):
        return []
    return [
        f"approvals.approvers: lists nobody of {name}, so nobody may approve there; add {whom}, or e-mails"
        for chat, name, whom in (
            ("slack", "Slack", "Slack ids (U0ALICE) or groups (@oncall)"),
            ("teams", "Teams", "Entra object ids, group: and the object id of an Entra group"),
        )
        if any(one.channels.of(chat) for one in settings.clusters)
        and not listed.groups(chat)
        and not any(one.startswith(f"{chat}:") for one in accounts)
    ]


def _judge_remedies(found: Read) -> tuple[list[str], list[Fault]]:
    block = found.tree.get("remedies")
    named = block.get("enabled") if isinstance(block, Mapping) else None
    if not isinstance(named, list | tuple):
        return [], []
    key = key_of(("remedies", "enabled"), found.variables)
    built, explained = {one.id for one in load_remedies()}, {one.id for one in load_advice()}
    warnings, faults = [], []
    for one in dict.fromkeys(name for name in named if isinstance(name, str)):
        if one in built:
            continue
        if one in _NAMED:
            warnings.append(f"{key}: this version has no remedy {one} yet; it is ignored")
        elif one in explained:
            faults.append(Fault(key, f"{one} is only explained, never carried out; remove it"))
        else:
            hint = suggestion(one, built | _NAMED) or "see `pullbot remedies`"
            faults.append(Fault(key, f"there is no remedy {one!r}; {hint}"))
    return warnings, faults


def _fault(error: Any, found: Read) -> Fault:
    """One of pydantic's errors in our words: which key, what is wrong, what would be right."""
    location: tuple[str | int, ...] = tuple(one for one in error["loc"] if one != "[key]")
    key = key_of(location, found.variables)
    if error["type"] == "extra_forbidden":
        hint = suggestion(str(location[-1]), found.names_at(location[:-1]))
        return Fault(key, f"is no setting; {hint}" if hint else "is no setting; remove it")
    if error["type"] == "missing":
        return Fault(key, "is missing; it is needed here")
    said = _PLAIN.get(error["type"]) or error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if error["type"] == "literal_error":
        said += f", not {str(error['input'])[:40]!r}"
    return Fault(key, said)
