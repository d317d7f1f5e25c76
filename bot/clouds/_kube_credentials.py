"""The `kubernetes` package's credentials: read once, read again when they expire. Slow to import.

Its own renewal swallows the errors of programs that get tokens, and then asks as nobody; here they are told.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config
from kubernetes.aio.config.exec_provider import ExecProvider
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger

_AT_ONCE = 32  # connections, watches included
_TOKEN_FILE_SECONDS = 60.0  # as client-go: the file is replaced long before the token expires
_PROVIDER_SECONDS = 600.0
_EARLIER_SECONDS = 60.0
_BYTES = re.compile(r"""\. b(['"])(.*)\1$""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Credentials:
    """``until``: on the monotonic clock. ``material``: what the client is made of besides a token."""

    client: Any
    server: str
    until: float
    material: tuple[Any, ...]


class _Loader(KubeConfigLoader):
    async def load_from_exec_plugin(self) -> bool:
        """:raises ConfigException: the program failed, or gave nothing"""
        if await super().load_from_exec_plugin():  # type: ignore[no-untyped-call]  # the package's
            return True
        # Why, was only logged. Asked again, it says; what the program wrote comes as bytes.
        try:
            await ExecProvider((self._user or {})["exec"]).run()  # type: ignore[no-untyped-call]  # the same
        except ConfigException as why:
            raise ConfigException(_BYTES.sub(r": \2", str(why)).replace("\\n", " ")) from None
        raise ConfigException("the program in the kubeconfig gave neither a token nor a certificate")

    @property
    def seconds(self) -> float:
        """How long what was read can be used."""
        user = self._user or {}
        if "exec" in user:
            expires: datetime | None = getattr(self, "exec_plugin_expiry", None)
            if expires is None:
                return math.inf
            return (expires - datetime.now(UTC)).total_seconds() - _EARLIER_SECONDS
        if self.provider:
            return _PROVIDER_SECONDS
        return _TOKEN_FILE_SECONDS if "tokenFile" in user else math.inf


async def read(context: str, environ: Mapping[str, str], had: Credentials | None) -> Credentials:
    """Credentials for the context ("": the cluster we run in); the client of ``had`` if only a token changed.

    :raises Exception: anything that the package, the file system or a program may raise
    """
    configuration = Configuration()
    if context:
        paths = environ.get("KUBECONFIG") or "~/.kube/config"  # the package expands it
        merged = await asyncio.to_thread(KubeConfigMerger, paths)
        if merged.config is None:
            raise ConfigException(f"there is no kubeconfig at {paths}")
        loader = _Loader(  # type: ignore[no-untyped-call]  # the same
            config_dict=merged.config, config_base_path=None, active_context=context
        )
        await loader.load_and_set(configuration)  # type: ignore[no-untyped-call]  # the same
        seconds = loader.seconds
    else:
        await asyncio.to_thread(load_incluster_config, configuration, try_refresh_token=False)
        seconds = _TOKEN_FILE_SECONDS
    configuration.connection_pool_maxsize = _AT_ONCE
    material = tuple(
        getattr(configuration, name, None)
        for name in ("host", "ssl_ca_cert", "cert_file", "key_file", "verify_ssl", "tls_server_name", "proxy")
    )
    until = time.monotonic() + seconds
    if had is not None and had.material == material:
        had.client.configuration.api_key = configuration.api_key
        return Credentials(had.client, had.server, until, material)
    client = await asyncio.to_thread(ApiClient, configuration)  # reads certificates
    client.user_agent = "pullbot"
    return Credentials(client, configuration.host, until, material)
