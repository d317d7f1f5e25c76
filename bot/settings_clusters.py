"""Every key of a cluster in ``pullbot.yaml``: where it is, who may look and change, where its alerts go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bot.settings_values import ClusterName, Language, Part, Region, Role, Url


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
        if not re.fullmatch(r"19:[^\s;/@]+@thread\.(tacv2|skype|v2)", plain):
            raise ValueError(
                "should be a channel's id, such as 19:abc@thread.tacv2: in the channel's link that Teams "
                "shows it is between /channel/ and the next slash"
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
