"""boto3 sessions and clients: made once, under a lock, for each role and region.

A client costs up to a third of a second to make and is thread-safe; making one is neither cheap nor
thread-safe. boto3 itself is imported when the first client is made.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

_CONNECTIONS = 25
_CONNECT_SECONDS = 5
_READ_SECONDS = 10
_ATTEMPTS = 4

# IAM has one endpoint per partition; a client per region would only repeat it.
_IAM_REGION = {"cn-": "cn-north-1", "us-gov-": "us-gov-west-1", "eusc-": "eusc-de-east-1"}


class Sessions:
    """``profile`` is a profile of the AWS configuration files; empty for the ambient credentials."""

    def __init__(self, *, profile: str = "") -> None:
        self._profile = profile or None
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], Any] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}

    def client(self, service: str, region: str, role: str = "") -> Any:
        """A boto3 client, signed as ``role`` (an ARN) if one is named. Blocks: call it in a thread."""
        region = _home(service, region)
        key = (service, region, role)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._session(region, role).client(service, config=_config())
            return self._clients[key]

    def _session(self, region: str, role: str) -> Any:
        if (region, role) not in self._sessions:
            self._sessions[region, role] = self._new_session(region, role)
        return self._sessions[region, role]

    def _new_session(self, region: str, role: str) -> Any:
        import boto3  # noqa: PLC0415  heavy; not every command talks to AWS
        import botocore.session  # noqa: PLC0415  the same
        from botocore.credentials import CredentialResolver  # noqa: PLC0415  the same

        ambient = boto3.Session(profile_name=self._profile, region_name=region)
        if not role:
            return ambient
        assumed = botocore.session.get_session()
        provider: Any = _Assumed(ambient, role, region)
        assumed.register_component("credential_provider", CredentialResolver([provider]))
        return boto3.Session(botocore_session=assumed, region_name=region)


class _Assumed:
    """A botocore credential provider: short-lived keys for ``role``, renewed in time."""

    METHOD = "custom-pullbot-assume-role"
    CANONICAL_NAME = "custom-pullbot-assume-role"

    def __init__(self, ambient: Any, role: str, region: str) -> None:
        self._ambient = ambient
        self._role = role
        self._region = region

    def load(self) -> Any:
        from botocore import credentials, exceptions  # noqa: PLC0415  heavy; not every command talks to AWS

        source = self._ambient.get_credentials()
        if source is None:
            raise exceptions.NoCredentialsError
        fetcher = credentials.AssumeRoleCredentialFetcher(
            client_creator=partial(self._ambient.client, region_name=self._region, config=_config()),
            source_credentials=source,
            role_arn=self._role,
            extra_args={"RoleSessionName": "pullbot"},
        )
        return credentials.DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )


def _config() -> Any:
    from botocore.config import Config  # noqa: PLC0415  heavy; not every command talks to AWS

    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS},
        user_agent_extra="pullbot",
    )


def _home(service: str, region: str) -> str:
    if service != "iam":
        return region
    return next((home for prefix, home in _IAM_REGION.items() if region.startswith(prefix)), "us-east-1")
