"""Debian's docker-registry on loopback, by HTTPS or HTTP, with or without a password file."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.fakes.authority import authority
from tests.fakes.oci_registry import PASSWORD, USER, digest_of
from tests.real.image import Built

# bcrypt of PASSWORD, which docker-registry insists on.
_HTPASSWD = f"{USER}:$2b$04$IEoB.gCPYowyGwCilOupDuh.rUQ5CufbkS6Mh.1ZbYCZKhBV.3dnW\n"
_LISTENS = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
_CONFIG = """
version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {folder}/storage}}}}
http: {{addr: "127.0.0.1:0"{tls}}}
{auth}
"""


@dataclass(frozen=True, slots=True)
class DockerRegistry:
    name: str
    port: int
    folder: Path
    tls: bool

    @property
    def authority(self) -> str:
        return f"{self.name}:{self.port}"

    async def push(self, repository: str, tag: str, image: Built) -> None:
        """:raises aiohttp.ClientResponseError: it does not take it"""
        base = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v2/{repository}"
        login = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
        way = aiohttp.TCPConnector(ssl=False)  # to an address, where the certificate is for a name
        async with aiohttp.ClientSession(headers=login, raise_for_status=True, connector=way) as session:
            for blob in (image.config, image.layer):
                async with session.post(f"{base}/blobs/uploads/") as begun:
                    where = re.sub(r"^https?://[^/]+", base.partition("/v2/")[0], begun.headers["Location"])
                await session.put(f"{where}&digest={digest_of(blob)}", data=blob)
            kind = {"Content-Type": image.media_type}
            await session.put(f"{base}/manifests/{tag}", data=image.manifest, headers=kind)

    def blob(self, raw: bytes) -> Path:
        """Where it lies on the registry's disk."""
        name = digest_of(raw).removeprefix("sha256:")
        return self.folder / "storage/docker/registry/v2/blobs/sha256" / name[:2] / name / "data"


@asynccontextmanager
async def docker_registry(
    folder: Path, name: str, *, tls: bool = True, login: bool = False
) -> AsyncIterator[DockerRegistry]:
    (folder / "server.pem").write_bytes(authority().key_and_certificate(name))
    (folder / "htpasswd").write_text(_HTPASSWD)
    pem = f"{folder}/server.pem"
    shown = f", tls: {{certificate: {pem}, key: {pem}}}" if tls else ""
    asks = f"auth: {{htpasswd: {{realm: here, path: {folder}/htpasswd}}}}" if login else ""
    config = folder / "registry.yml"
    config.write_text(_CONFIG.format(folder=folder, tls=shown, auth=asks))
    process = await asyncio.create_subprocess_exec(
        "docker-registry", "serve", str(config),
        env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    drain: asyncio.Task[bytes] | None = None
    try:
        port = await asyncio.wait_for(_port(process.stdout), 20)
        drain = asyncio.create_task(process.stdout.read())
        yield DockerRegistry(name, port, folder, tls)
    finally:
        process.terminate()
        await process.wait()
        if drain is not None:
            await drain


async def _port(log: asyncio.StreamReader) -> int:
    """:raises RuntimeError: it ended before it listened, with what it said"""
    said = []
    while line := (await log.readline()).decode():
        said.append(line)
        if found := _LISTENS.search(line):
            return int(found[1])
    raise RuntimeError(f"docker-registry does not start: {''.join(said)[-2000:]}")
