"""A node on loopback: Debian's containerd, asked for images as kubelet does, by CRI.

Its own view of ``/etc/hosts``, ``/etc/resolv.conf`` and of authorities makes it a machine of its own: names
lead to loopback, and it trusts the test's authority alone. CRI is gRPC, which is HTTP/2 with a few bytes
more; curl speaks it well enough for one call.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

NAMESERVER = "127.0.0.77"
_PROGRAMS = ("containerd", "curl", "unshare")
_BOOT_SECONDS = 20
# google.golang.org/grpc/codes, in the order of their numbers
_CODES = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
    "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented",
    "Internal", "Unavailable", "DataLoss", "Unauthenticated",
)  # fmt: skip

# ``native`` copies, and so wants nothing of the kernel that a container does not have.
_CONFIG = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
disable_apparmor = true
disable_cgroup = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{folder}/cni"
conf_dir = "{folder}/cni"
"""
_OWN_FILES = 'mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/resolv.conf" /etc/resolv.conf'


def why_not() -> str:
    """Why no node can be had on this machine; "" where one can."""
    missing = [one for one in _PROGRAMS if shutil.which(one) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "containerd wants root"
    mount = "mount --bind /etc/hosts /etc/hosts"
    tried = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount], check=False, capture_output=True, text=True, timeout=20
    )
    return f"the kernel allows no mounts here: {tried.stderr.strip()}" if tried.returncode else ""


@dataclass(frozen=True, slots=True)
class Node:
    folder: Path

    async def pull(self, image: str, user: str = "", password: str = "") -> str:
        """What kubelet would say of it in an event; "" where it is pulled."""
        spec = _field(1, image.encode())
        login = _field(1, user.encode()) + _field(2, password.encode()) if user else b""
        message = _field(1, spec) + (_field(2, login) if login else b"")
        process = await asyncio.create_subprocess_exec(
            "curl", "--silent", "--show-error", "--http2-prior-knowledge",
            "--unix-socket", str(self.folder / "containerd.sock"),
            "--header", "content-type: application/grpc", "--header", "te: trailers",
            "--data-binary", "@-", "--dump-header", "-", "--output", os.devnull,
            "http://localhost/runtime.v1.ImageService/PullImage",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            framed = b"\0" + struct.pack(">I", len(message)) + message
            answer, _ = await asyncio.wait_for(process.communicate(framed), 60)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return _as_kubelet_says(image, answer.decode())


def _as_kubelet_says(image: str, answer: str) -> str:
    rows = (line.partition(": ") for line in answer.splitlines())
    headers = {name.lower(): value.strip() for name, _, value in rows}
    code = int(headers["grpc-status"])
    if code == 0:
        return ""
    told = unquote(headers.get("grpc-message", ""))
    return f'Failed to pull image "{image}": rpc error: code = {_CODES[code]} desc = {told}'


def _field(number: int, value: bytes) -> bytes:
    """One field of bytes, as protobuf writes it."""
    length, digits = len(value), bytearray()
    while length > 127:
        digits.append(length & 127 | 128)
        length >>= 7
    return bytes([number << 3 | 2]) + bytes([*digits, length]) + value


@contextmanager
def containerd(folder: Path, hosts: dict[str, str], authority: str) -> Iterator[Node]:
    """``hosts``: addresses by name. ``authority``: the certificate, as PEM, of whom the node trusts.

    :raises TimeoutError: it does not start; why is in ``containerd.log`` beside its other files
    """
    (folder / "cni").mkdir(parents=True)
    (folder / "config.toml").write_text(_CONFIG.format(folder=folder))
    (folder / "hosts").write_text("".join(f"{address} {name}\n" for name, address in hosts.items()))
    (folder / "resolv.conf").write_text(f"nameserver {NAMESERVER}\noptions timeout:1 attempts:1\n")
    (folder / "authority.pem").write_text(authority)
    ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ready.bind(str(folder / "ready.sock"))
    ready.settimeout(_BOOT_SECONDS)
    environment = {
        "PATH": os.environ["PATH"],
        "NOTIFY_SOCKET": str(folder / "ready.sock"),
        "SSL_CERT_FILE": str(folder / "authority.pem"),
        "SSL_CERT_DIR": str(folder / "cni"),  # empty: nobody else's
    }
    start = f'{_OWN_FILES} && exec containerd --config "$0/config.toml"'
    with (
        ready,
        (folder / "containerd.log").open("wb") as log,
        subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", start, str(folder)],
            env=environment, stdout=log, stderr=log,
        ) as process,
    ):  # fmt: skip
        try:
            while b"READY=1" not in ready.recv(1024):
                pass
            yield Node(folder)
        finally:
            process.terminate()
            process.wait(_BOOT_SECONDS)
