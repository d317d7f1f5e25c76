"""Every key of ``pullbot.yaml``: its name, its type, its default, and what it may hold.

What single values may look like is in ``bot.settings_values``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bot.settings_values import (
    AnyUrl,
    Approver,
    ClusterName,
    Duration,
    EntraUser,
    Guid,
    HostPattern,
    Listen,
    Region,
    Role,
    SlackUser,
    StorePlace,
    Url,
    host_matches,
    is_loopback,
)
from bot.store.opening import DEFAULT

Language = Literal["en", "ko", "ja", "zh"]

# Changed by nobody else and undone by one call, so they may be offered without being asked for.
ENABLED_BY_DEFAULT = (
    "aws/attach_pull_policy", "aws/attach_fargate_policy", "aws/attach_execution_policy",
    "azure/attach_acr", "kubernetes/restart_workload", "aws/redeploy_service",
)  # fmt: skip


# Microsoft's own clients begin there, too, where Teams has not told them better yet.
# https://learn.microsoft.com/dotnet/api/microsoft.agents.extensions.teams.teamsproactiveserviceendpoints
PUBLIC_TEAMS = "https://smba.trafficmanager.net/teams/"


class Part(BaseModel):
    """A block of the file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, validate_default=True)


# ---- clusters


class AwsAccess(Part):
    """Roles to assume; without them the ambient credentials are used."""

    read_role: Role | None = None
    write_role: Role | None = None


class Aws(AwsAccess):
    """``owners``: access to other accounts' registries, by account id.

    ``automation_role``: what AWS's own runbooks act as. Nothing else ever assumes it.
    """

    automation_role: Role | None = None
    owners: Mapping[str, AwsAccess] = {}

    @field_validator("owners", mode="before")
    @classmethod
    def _account_ids(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        for account in value:
            if not re.fullmatch(r"\d{12}", str(account)):
                raise ValueError(f"{account!r} is no account id: twelve digits, in quotes")
        return {str(account): access for account, access in value.items()}


class AzureCluster(Part):
    """``write_client_id``: the identity that plans are carried out as; without it, the one that reads."""

    subscription: str = Field(min_length=1)
    resource_group: str = Field(min_length=1)
    cluster: str = Field(min_length=1)
    write_client_id: str | None = Field(default=None, min_length=1)


class RegistryLogin(Part):
    """A login for ``host`` that may be written into the pull secret ``name`` in ``namespace``.

    ``source`` is where it is: ``env:NAME``, ``file:/path`` (a file, or a directory with the files
    ``username`` and ``password``) or ``ecr`` for a token that the write role gets.
    """

    namespace: str = Field(min_length=1)
    name: str = Field(min_length=1)
    host: str
    source: str

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:\d{1,5})?", value):
            raise ValueError("should be a registry as images name it, such as registry.example.com:5000")
        return value

    @field_validator("source")
    @classmethod
    def _source(cls, value: str) -> str:
        if not re.fullmatch(r"ecr|env:[A-Za-z_][A-Za-z0-9_]*|file:/.+", value):
            raise ValueError("should be env:NAME, file:/path or ecr")
        return value


class Namespaces(Part):
    """Which namespaces are watched: all, or those included, without those excluded."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def watched(self, namespace: str) -> bool:
        return (not self.include or namespace in self.include) and namespace not in self.exclude


class Channel(Part):
    """Written as an id alone, or with its own language: ``{id: C0ALERTS, language: ko}``."""

    id: str = Field(min_length=1)
    language: Language | None = None


def _channel(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


_Channel = Annotated[Channel, BeforeValidator(_channel)]


class Channels(Part):
    """Where a cluster's alerts go, by chat. ``page`` is the chat page of the demonstration."""

    slack: _Channel | None = None
    teams: _Channel | None = None
    page: _Channel | None = None

    @field_validator("slack")
    @classmethod
    def _slack(cls, value: Channel | None) -> Channel | None:
        if value and not re.fullmatch(r"[CGD][A-Z0-9]{2,}", value.id):
            raise ValueError(
                "should be a channel's id, such as C0ALERTS: Slack shows it below the channel's details"
            )
        return value

    @field_validator("teams")
    @classmethod
    def _teams(cls, value: Channel | None) -> Channel | None:
        if value is None:
            return None
        plain = unquote(value.id)  # as a channel's link has it: 19%3aabc%40thread.tacv2
        if not re.fullmatch(r"19:[^\s;/@]+@(thread\.\w+|unq\.gbl\.spaces)", plain):
            raise ValueError(
                "should be a channel's id, such as 19:abc@thread.tacv2: Teams shows it in the channel's link"
            )
        return value.model_copy(update={"id": plain})

    def of(self, chat: str) -> Channel | None:
        found: Channel | None = getattr(self, chat, None)
        return found


class Cluster(Part):
    """``kind`` and ``region`` are found out by looking when left out; ``context`` then means in-cluster.

    Of kind ``ecs`` is all that ECS has in one region of an account; its clusters are the namespaces.
    ``queue`` is the SQS queue that EventBridge's events of ECS go to.
    """

    name: ClusterName
    kind: Literal["eks", "aks", "ecs", "kubernetes"] | None = None
    context: str | None = None
    region: Region | None = None
    queue: Url | None = None
    aws: Aws = Aws()
    azure: AzureCluster | None = None
    namespaces: Namespaces = Namespaces()
    channels: Channels = Channels()
    registry_logins: tuple[RegistryLogin, ...] = ()

    @model_validator(mode="after")
    def _of_ecs(self) -> Self:
        if self.kind == "ecs" and self.region is None:
            raise ValueError("should name its region: ECS is asked by region")
        if self.kind != "ecs" and self.queue is not None:
            raise ValueError("should have no queue: only clusters of kind ecs are told of by events")
        if self.kind != "ecs" and self.aws.automation_role is not None:
            raise ValueError("should have no automation_role: only tasks of ECS are looked at by a runbook")
        return self


# ---- the rest


class Slack(Part):
    mode: Literal["socket", "http"] = "socket"
    api_url: Url = "https://slack.com/api/"

    @field_validator("api_url")
    @classmethod
    def _ends_in_a_slash(cls, value: str) -> str:
        return value if value.endswith("/") else value + "/"  # methods are appended to it


class Teams(Part):
    """``app_id`` and ``tenant_id`` come from MICROSOFT_APP_ID and MICROSOFT_APP_TENANT_ID.

    ``service_url``: where a channel is reached before anything was heard from it; "" if that is not known.
    """

    registration: Literal["single_tenant", "managed_identity"] = "single_tenant"
    openid_metadata: Url = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    authority: Url = "https://login.microsoftonline.com"
    service_hosts: tuple[HostPattern, ...] = ("*.trafficmanager.net", "*.botframework.com")
    local: bool = False
    service_url: AnyUrl = ""
    app_id: Guid = ""
    tenant_id: Guid = ""

    @field_validator("service_url")
    @classmethod
    def _of_the_hosts(cls, value: str, info: ValidationInfo) -> str:
        local, hosts = info.data.get("local", False), info.data.get("service_hosts", ())
        host = urlsplit(value or PUBLIC_TEAMS).hostname or ""
        fits = is_loopback(host) if local else host_matches(host, hosts)
        if value and not fits:
            whose = "this machine, for teams.local is true" if local else "one of teams.service_hosts"
            raise ValueError(f"should lead to {whose}; nothing is sent anywhere else")
        return value or (PUBLIC_TEAMS if fits else "")


class Azure(Part):
    resource_manager: Url = "https://management.azure.com"
    graph: Url = "https://graph.microsoft.com"


class Registry(Part):
    """Whether and how registries are asked as a node would ask, from where pullbot runs.

    ``allow_local_hosts``: registries (``localhost:5000``) that may be this machine or link-local.
    """

    probe: bool = True
    allow_local_hosts: tuple[str, ...] = ()


class OnePerson(Part):
    """Two accounts that are one person's: what either may, both may, and together they count once."""

    slack: SlackUser
    teams: EntraUser

    @property
    def accounts(self) -> tuple[str, ...]:
        return f"slack:{self.slack}", f"teams:{self.teams}"


class Approvals(Part):
    """``quorum``: how many approvers a remedy of this risk needs; one where nothing is said."""

    approvers: tuple[Approver, ...] = ()
    people: tuple[OnePerson, ...] = ()
    second_person: bool = False
    expires: Duration = timedelta(minutes=30)
    quorum: Mapping[Literal["low", "medium", "high"], Annotated[int, Field(ge=1, le=20)]] = {}

    @field_validator("people")
    @classmethod
    def _one_entry_each(cls, value: tuple[OnePerson, ...]) -> tuple[OnePerson, ...]:
        accounts = [account.partition(":")[2] for one in value for account in one.accounts]
        twice = sorted({account for account in accounts if accounts.count(account) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is in two entries; an account is one person's")
        return value


class Remedies(Part):
    enabled: tuple[str, ...] = ENABLED_BY_DEFAULT


class Http(Part):
    listen: Listen = "0.0.0.0:8080"


class Watch(Part):
    """``stall_after``: a pull without any message is failing after this long.

    ``settle``: how long more failures of the same rollout are waited for before looking.
    """

    stall_after: Duration = timedelta(minutes=5)
    settle: Duration = timedelta(seconds=5)


class Shape(Part):
    """The whole file."""

    clusters: tuple[Cluster, ...] = ()
    slack: Slack = Slack()
    teams: Teams = Teams()
    azure: Azure = Azure()
    registry: Registry = Registry()
    approvals: Approvals = Approvals()
    remedies: Remedies = Remedies()
    store: StorePlace = Field(DEFAULT, repr=False)  # may hold a password
    http: Http = Http()
    watch: Watch = Watch()
    language: Language = "en"

    @field_validator("clusters")
    @classmethod
    def _names_differ(cls, value: tuple[Cluster, ...]) -> tuple[Cluster, ...]:
        names = [one.name for one in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two clusters are called {', '.join(twice)}; give each its own name")
        return value
