"""Every key of ``pullbot.yaml``: its name, its type, its default, and what it may hold.

A cluster's are in ``bot.settings_clusters``, and what single values may look like in ``bot.settings_values``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
)

from bot.settings_clusters import Cluster
from bot.settings_values import (
    AnyUrl,
    Approver,
    Duration,
    EntraUser,
    Guid,
    HostPattern,
    Language,
    Listen,
    Part,
    SlackUser,
    StorePlace,
    Url,
    host_matches,
    is_loopback,
)
from bot.store.opening import DEFAULT

# Changed by nobody else and undone by one call, so they may be offered without being asked for.
ENABLED_BY_DEFAULT = (
    "aws/attach_pull_policy", "aws/attach_fargate_policy", "aws/attach_execution_policy",
    "azure/attach_acr", "kubernetes/restart_workload", "aws/redeploy_service",
)  # fmt: skip


# Microsoft's own clients begin there, too, where Teams has not told them better yet.
# https://learn.microsoft.com/dotnet/api/microsoft.agents.extensions.teams.teamsproactiveserviceendpoints
PUBLIC_TEAMS = "https://smba.trafficmanager.net/teams/"


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

    @field_validator("authority")
    @classmethod
    def _without_a_tenant(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.path.strip("/") or parts.query:
            raise ValueError(
                "should be https://login.microsoftonline.com or the like: the tenant is added to it"
            )
        return value

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
