"""The Kubernetes client against an API server on loopback, with a door in front that misbehaves."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.clouds._kube import KubeHands, KubeReader
from bot.clouds._kube_connection import KubeConnection
from bot.clouds._kube_errors import asked, refused
from bot.clouds.connect import connect
from bot.clouds.kubeconfig import Context
from bot.demo.kubernetes_api import KubernetesApi
from bot.watch.ports import Gone
from checks.kubernetes.facts import Kube
from checks.model import NotFound, Unavailable
from handlers.remedies.kubernetes.steps import JSON_PATCH, KubeWriter, RestartWorkload
from handlers.remedy import Conflict
from tests.fakes import kubelet
from tests.fakes.kube_front import CUT, DROP, HANG, WEB_PAGE, Front, serve, write_kubeconfig

TOKEN = "only-for-this-test"
PODS = "/api/v1/namespaces/shop/pods"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/web"


@pytest.fixture
async def api() -> AsyncIterator[KubernetesApi]:
    served = KubernetesApi(token=TOKEN, bookmark_every=3600)
    yield served
    await served.stop()


@pytest.fixture
async def front(api: KubernetesApi) -> AsyncIterator[Front]:
    async with serve(await api.start()) as door:
        yield door


@pytest.fixture
async def connection(front: Front, tmp_path: Path) -> AsyncIterator[KubeConnection]:
    made = KubeConnection("prod", write_kubeconfig(tmp_path / "config", front.url, {"token": TOKEN}))
    yield made
    await made.close()


@pytest.fixture
def kube(connection: KubeConnection) -> KubeReader:
    return KubeReader(connection)


@pytest.fixture
def hands(connection: KubeConnection) -> KubeHands:
    return KubeHands(connection)


def deployment() -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "web"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": template},
    }


async def names(kube: KubeReader, **query: str) -> list[str]:
    return [one["metadata"]["name"] async for one in kube.pages(PODS, **query)]


# ---- reading


async def test_an_object_comes_as_the_api_gave_it(kube: KubeReader, api: KubernetesApi) -> None:
    put = api.objects.put(kubelet.pod())
    assert await kube.get(f"{PODS}/web-1") == put
    assert kube.calls == 1


async def test_a_list_is_complete_whatever_the_paging(kube: KubeReader, api: KubernetesApi) -> None:
    for number in range(1203):
        api.objects.put(kubelet.pod(f"web-{number:04}"))
    assert await names(kube) == [f"web-{number:04}" for number in range(1203)]
    assert kube.calls == 3
    found, version = await kube.snapshot(PODS)
    assert len([one async for one in found]) == 1203
    assert version == str(api.objects.revision)


async def test_selectors_are_the_servers(kube: KubeReader, api: KubernetesApi) -> None:
    api.objects.put(kubelet.pod("pending"))
    api.objects.put(kubelet.pod("runs", kubelet.running(), phase="Running"))
    assert await names(kube, fieldSelector="status.phase=Running") == ["runs"]


async def test_a_list_that_lost_its_place_begins_again(
    kube: KubeReader, api: KubernetesApi, front: Front
) -> None:
    for number in range(600):
        api.objects.put(kubelet.pod(f"web-{number:04}"))
    front.trouble("continue=", status=410, times=1)
    assert set(await names(kube)) == {f"web-{number:04}" for number in range(600)}
    front.trouble("continue=", status=410)
    with pytest.raises(Unavailable, match="forgets faster than we can list pods in namespace shop"):
        await names(kube)


async def test_a_missing_object_is_an_answer(kube: KubeReader) -> None:
    with pytest.raises(NotFound) as found:
        await kube.get(f"{PODS}/nobody")
    assert found.value.code == "NotFound"
    assert 'pods "nobody" not found' in str(found.value)


@pytest.mark.parametrize(
    ("status", "path", "says"),
    [
        (403, PODS, "grant list on pods (see `pullbot permissions kubernetes`)"),
        (403, DEPLOYMENT, "grant get on deployments.apps"),
        (401, PODS, "does not accept our credentials to list pods in namespace shop"),
        (429, PODS, "too busy to list pods in namespace shop"),
        (500, PODS, "answered 500 when asked to list pods in namespace shop"),
        (503, "/api/v1/nodes/n", "answered 503 when asked to get nodes n"),
        (DROP, PODS, "cannot be reached to list pods in namespace shop"),
        (CUT, PODS, "cannot be reached to list pods in namespace shop"),
        (WEB_PAGE, PODS, "no Kubernetes API server"),
    ],
)
async def test_whatever_is_no_answer_is_unavailable(
    status: int, path: str, says: str, kube: KubeReader, front: Front
) -> None:
    front.trouble("GET", path, status=status)
    with pytest.raises(Unavailable) as why:
        await kube.get(path)
    assert says in str(why.value)


async def test_a_denial_repeats_who_was_denied(kube: KubeReader, front: Front) -> None:
    denied = 'pods is forbidden: User "system:serviceaccount:pullbot:pullbot" cannot list resource "pods"'
    front.trouble("GET", status=403, message=denied)
    with pytest.raises(Unavailable, match="system:serviceaccount:pullbot:pullbot"):
        await kube.get(PODS)


async def test_a_server_that_never_answers_is_not_waited_for(
    connection: KubeConnection, front: Front
) -> None:
    front.trouble("GET", status=HANG)
    with pytest.raises(Unavailable, match="did not answer in time when asked to list pods"):
        await KubeReader(connection, patience=0.05).get(PODS)


async def test_a_server_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    nowhere = write_kubeconfig(tmp_path / "config", "http://127.0.0.1:9", {})
    connection = KubeConnection("prod", nowhere)
    with pytest.raises(Unavailable) as why:
        await KubeReader(connection).reach()
    await connection.close()
    assert str(why.value) == (
        "the API server http://127.0.0.1:9 cannot be reached to get /version (Connection refused); "
        "is the cluster up, and is it the right context?"
    )


async def test_a_server_that_is_there_is_reached(kube: KubeReader) -> None:
    await kube.reach()


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


# ---- watching


async def test_a_watch_tells_what_changed_since(kube: KubeReader, api: KubernetesApi) -> None:
    seen: list[tuple[str, str]] = []
    version = str(api.objects.revision)
    api.objects.put(kubelet.pod("web-1"))
    big = kubelet.pod("web-2", kubelet.waiting("ErrImagePull", "x" * 400_000))
    api.objects.put(big)  # longer than what aiohttp reads as one line
    async with asyncio.timeout(5), aclosing(kube.watch(PODS, version)) as events:
        async for event in events:
            seen.append((event["type"], event["object"]["metadata"].get("name", "")))
            if len(seen) == 2:
                api.objects.delete("pods", "web-1", "shop")
            if len(seen) == 3:
                api.send_bookmarks()
            if event["type"] == "BOOKMARK":
                break
    assert seen == [("ADDED", "web-1"), ("ADDED", "web-2"), ("DELETED", "web-1"), ("BOOKMARK", "")]


async def test_a_version_that_is_forgotten_is_told_both_ways(
    kube: KubeReader, api: KubernetesApi, front: Front
) -> None:
    async def watch(version: str) -> None:
        async with asyncio.timeout(5), aclosing(kube.watch(PODS, version)) as events:
            async for _ in events:
                api.end_watches(gone=True)

    api.objects.put(kubelet.pod("web-1"))
    with pytest.raises(Gone):  # as an event
        await watch("1")
    api.compact()
    with pytest.raises(Gone):  # as a status
        await watch("1")


async def test_a_watch_that_breaks_is_unavailable_and_not_over(
    kube: KubeReader, api: KubernetesApi, front: Front
) -> None:
    api.objects.put(kubelet.pod("web-1"))
    front.trouble("watch=true", status=CUT)
    with pytest.raises(Unavailable, match="watch pods in namespace shop"):
        async for _ in kube.watch(PODS, "1"):
            pass


# ---- writing


async def test_who_reads_cannot_write() -> None:
    connected = await connect(Context("prod", "default"))
    reads = connected.roots[Kube]
    writes = connected.hands[KubeWriter]
    await connected.close()
    assert not hasattr(reads, "patch")
    assert type(reads) is not type(writes)


async def test_a_restart_is_written_and_read_back(hands: KubeHands, api: KubernetesApi) -> None:
    api.objects.put(deployment())
    restart = RestartWorkload(DEPLOYMENT, "shop", "deployment", "web", "", "2026-01-01T03:00:00Z")
    await restart.write(hands)
    template = api.objects.get("deployments", "web", "shop")["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        "kubectl.kubernetes.io/restartedAt": "2026-01-01T03:00:00Z"
    }


@pytest.mark.parametrize(
    "patch",
    [
        [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}],  # 422: somebody was faster
        [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}],  # 409
    ],
)
async def test_a_patch_of_something_else_than_was_read_is_a_conflict(
    patch: list[dict[str, str]], hands: KubeHands, api: KubernetesApi
) -> None:
    api.objects.put(deployment())
    changed = [*patch, {"op": "add", "path": "/spec/replicas", "value": "3"}]
    with pytest.raises(Conflict, match="patch deployments web in namespace shop"):
        await hands.patch(DEPLOYMENT, changed, JSON_PATCH)
    assert "replicas" not in api.objects.get("deployments", "web", "shop")["spec"]


async def test_a_denied_patch_names_the_rule_to_grant(hands: KubeHands, front: Front) -> None:
    front.trouble("PATCH", status=403)
    with pytest.raises(Unavailable, match=r"grant patch on deployments\.apps"):
        await hands.patch(DEPLOYMENT, [], JSON_PATCH)


# ---- credentials


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


# ---- words


def test_a_path_in_terms_of_rbac() -> None:
    assert str(asked("get", "/api/v1/pods")) == "list pods"
    assert str(asked("get", "/api/v1/namespaces")) == "list namespaces"
    assert str(asked("get", "/api/v1/namespaces/shop")) == "get namespaces shop"
    assert str(asked("watch", "/api/v1/events")) == "watch events"
    assert str(asked("patch", DEPLOYMENT)) == "patch deployments web in namespace shop"
    assert asked("patch", DEPLOYMENT).group == "apps"


def test_an_answer_is_shortened_and_holds_no_secret() -> None:
    body = json.dumps({"message": "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl " + "x" * 10_000})
    text = str(refused(500, body.encode(), asked("get", PODS)))
    assert "eyJ" not in text
    assert len(text) < 800
