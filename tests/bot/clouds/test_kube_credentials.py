"""How the Kubernetes client finds credentials, renews them, and whom it trusts."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.clouds._kube import KubeReader
from bot.clouds._kube_connection import KubeConnection
from bot.demo.kubernetes_api import KubernetesApi
from checks.model import Unavailable
from tests.fakes.kube_front import Front, serve, write_kubeconfig

TOKEN = "only-for-this-test"
PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    api = KubernetesApi(token=TOKEN)
    async with serve(await api.start()) as door:
        yield door
    await api.stop()


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """A program that gets tokens, as `aws eks get-token` does: it runs ``code``, and counts its runs."""

    def write(code: str) -> Path:
        path = tmp_path / "get-token.py"
        head = f"import json, pathlib, sys\nruns = pathlib.Path({str(tmp_path / 'runs')!r})\n"
        count = "runs.write_text(runs.read_text() + 'x' if runs.exists() else 'x')\n"
        path.write_text(head + count + code)
        return path

    return write


def printing(token: str, **status: str) -> str:
    tree = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    return f"print(json.dumps({ {**tree, 'status': {'token': token, **status}}!r}))\n"


def by_program(path: Path) -> dict[str, Any]:
    version = "client.authentication.k8s.io/v1"
    return {
        "exec": {
            "apiVersion": version,
            "command": sys.executable,
            "args": [str(path)],
            "interactiveMode": "Never",
        }
    }


async def reader(front: Front, tmp_path: Path, user: dict[str, Any]) -> tuple[KubeReader, KubeConnection]:
    connection = KubeConnection("prod", write_kubeconfig(tmp_path / "config", front.url, user))
    return KubeReader(connection), connection


async def test_a_program_is_asked_for_a_token_once_while_it_lasts(
    front: Front, tmp_path: Path, program: Callable[[str], Path]
) -> None:
    path = program(printing(TOKEN, expirationTimestamp="2099-01-01T00:00:00Z"))
    kube, connection = await reader(front, tmp_path, by_program(path))
    await kube.get(PODS)
    await asyncio.gather(*(kube.get(PODS) for _ in range(5)))
    await connection.close()
    assert (tmp_path / "runs").read_text() == "x"


async def test_a_token_that_has_expired_is_got_anew(
    front: Front, tmp_path: Path, program: Callable[[str], Path]
) -> None:
    path = program(printing(TOKEN, expirationTimestamp="2020-01-01T00:00:00Z"))
    kube, connection = await reader(front, tmp_path, by_program(path))
    await kube.get(PODS)
    await kube.get(PODS)
    await connection.close()
    assert (tmp_path / "runs").read_text() == "xx"


async def test_a_token_that_is_refused_is_got_anew_but_not_for_ever(
    front: Front, tmp_path: Path, program: Callable[[str], Path]
) -> None:
    path = program(printing("old"))
    kube, connection = await reader(front, tmp_path, by_program(path))
    with pytest.raises(Unavailable, match="does not accept our credentials"):
        await kube.get(PODS)
    assert front.bearers == ["Bearer old", "Bearer old"]
    with pytest.raises(Unavailable):
        await kube.get(PODS)
    await connection.close()
    assert len(front.bearers) == 3


async def test_a_token_file_that_was_replaced_is_read_again(front: Front, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    kube, connection = await reader(front, tmp_path, {"tokenFile": str(file)})
    await kube.get(PODS)
    file.write_text("rotated")
    front.trouble(PODS, status=401, times=1)
    with pytest.raises(Unavailable):  # the server behind the door knows only the first token
        await kube.get(PODS)
    await connection.close()
    assert front.bearers == [f"Bearer {TOKEN}", f"Bearer {TOKEN}", "Bearer rotated"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "sys.exit('Unable to locate credentials.\\nYou can configure them.')",
            "returned 1: Unable to locate credentials. You can configure them; sign in",
        ),
        ("print('no json')", "failed to decode"),
        ("print(json.dumps({}))", "malformed response"),
    ],
)
async def test_a_program_that_fails_is_told_in_its_own_words(
    code: str, says: str, front: Front, tmp_path: Path, program: Callable[[str], Path]
) -> None:
    kube, connection = await reader(front, tmp_path, by_program(program(code)))
    with pytest.raises(Unavailable) as why:
        await kube.get(PODS)
    await connection.close()
    assert says in str(why.value)
    assert "no credentials for context prod" in str(why.value)
    assert front.asked == []  # not as nobody


@pytest.mark.parametrize(
    "user",
    [
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-program"}},
        {"tokenFile": "/nonexistent/token"},
        {"client-certificate": "/nonexistent/cert", "client-key": "/nonexistent/key"},
    ],
)
async def test_credentials_that_are_not_there_are_unavailable(user: dict[str, Any], tmp_path: Path) -> None:
    environ = write_kubeconfig(tmp_path / "config", "https://127.0.0.1:9", user)
    connection = KubeConnection("prod", environ)
    with pytest.raises(Unavailable, match="sign in, or fix the kubeconfig"):
        await KubeReader(connection).get(PODS)
    await connection.close()


async def test_outside_of_a_cluster_there_is_none_that_we_run_in() -> None:
    with pytest.raises(Unavailable, match="no credentials for the cluster we run in"):
        await KubeReader(KubeConnection("", {})).get(PODS)


def test_nobody_waits_for_the_kubernetes_package_who_does_not_use_it() -> None:
    code = "import sys, bot.clouds.connect, bot.watch.kubernetes; print('kubernetes' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == "False"


# ---- certificates


_OPENSSL = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=kubernetes -days 2"
    " -addext subjectAltName=IP:127.0.0.1 -addext keyUsage=critical,digitalSignature,keyCertSign"
)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One that only its owner trusts, with its key."""
    path = tmp_path / "ca.pem"
    command = [*_OPENSSL.split(), "-keyout", str(path), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    path.write_text(path.read_text() + (tmp_path / "certificate.pem").read_text())
    return path


@pytest.fixture
async def https(certificate: Path) -> AsyncIterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    runner = web.AppRunner(KubernetesApi().app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_certificate_that_is_not_trusted_is_told_as_such(
    https: str, certificate: Path, tmp_path: Path
) -> None:
    environ = write_kubeconfig(tmp_path / "config", https, {})
    connection = KubeConnection("prod", environ)
    with pytest.raises(
        Unavailable, match=r"is not trusted \(self.signed certificate\); fix certificate-auth"
    ):
        await KubeReader(connection).reach()
    await connection.close()
    config = json.loads((tmp_path / "config").read_text())
    config["clusters"][0]["cluster"]["certificate-authority"] = str(certificate)
    (tmp_path / "config").write_text(json.dumps(config))
    connection = KubeConnection("prod", environ)
    await KubeReader(connection).reach()
    await connection.close()
