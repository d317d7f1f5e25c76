"""``pullbot run`` as an operating system sees it: how it ends, and what it says then."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import yaml

from bot.clouds.ecs import connect_ecs
from bot.clusters import Clusters, unguarded, without_runbook
from bot.settings import Settings

PROJECT = Path(__file__).parents[2]


@asynccontextmanager
async def pullbot_run(
    folder: Path, *, listen: str = "127.0.0.1:0", store: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    """It watches an ECS that nobody answers for."""
    config = folder / "pullbot.yaml"
    cluster = {"name": "tasks", "kind": "ecs", "region": "eu-west-1"}
    tree = {
        "clusters": [cluster],
        "store": store or str(folder / "pullbot.db"),
        "http": {"listen": listen},
        "remedies": {"enabled": []},
    }
    config.write_text(yaml.safe_dump(tree), "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", "--config", str(config),
        cwd=PROJECT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={
            "PATH": os.environ["PATH"], "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        },
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """The exit status, and everything it said."""
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    return process.returncode, (out + err).decode()


async def test_a_port_that_is_taken_is_one_sentence_and_an_error_of_usage(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        async with pullbot_run(tmp_path, listen=listen) as process:
            status, said = await ended(process)
    assert status == 2
    assert len(said.splitlines()) == 1, said
    assert f"{listen} (http.listen) cannot be used" in said


async def test_told_to_stop_while_it_waits_for_its_store_it_stops(tmp_path: Path) -> None:
    asked, over = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()  # never answers, until the other end is gone
        writer.close()
        await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        store = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        async with pullbot_run(tmp_path, store=store) as process:
            async with asyncio.timeout(30):
                await asked.wait()
            process.send_signal(signal.SIGTERM)
            status, said = await ended(process)
        await over.wait()
    assert status == 0, said
    assert "Traceback" not in said


def warned(*enabled: str, **aws: object) -> tuple[str, ...]:
    tree = {
        "clusters": [{"name": "tasks", "kind": "ecs", "region": "eu-west-1", "aws": aws}],
        "remedies": {"enabled": enabled},
    }
    settings = Settings.model_validate(tree)
    clusters = Clusters(
        {"tasks": connect_ecs("eu-west-1", settings.clusters[0])}, {}, stall_after=timedelta(0)
    )
    return unguarded(settings, clusters)


async def test_who_writes_in_aws_with_the_identity_that_reads_is_warned() -> None:
    [warning] = warned("aws/attach_pull_policy", "kubernetes/restart_workload")
    assert warning.startswith("cluster tasks has no aws.write_role")
    assert warning.endswith("(aws/attach_pull_policy)")
    assert warned("kubernetes/restart_workload") == ()
    assert warned("aws/attach_pull_policy", write_role="arn:aws:iam::123456789012:role/w") == ()


def test_who_writes_in_azure_with_the_identity_that_reads_is_warned() -> None:
    def told(*enabled: str, **more: object) -> tuple[str, ...]:
        tree = {"clusters": [{"name": "shop", **more}], "remedies": {"enabled": enabled}}
        return unguarded(Settings.model_validate(tree), nowhere)

    nowhere = Clusters({"shop": connect_ecs("", None)}, {}, stall_after=timedelta(0))
    where = {"subscription": "s", "resource_group": "g", "cluster": "c"}
    for more in ({"kind": "aks"}, {"azure": where}):
        [warning] = told("azure/attach_acr", "kubernetes/restart_workload", **more)
        assert warning.startswith("cluster shop has no azure.write_client_id")
        assert warning.endswith("(azure/attach_acr)")
        assert told("kubernetes/restart_workload", **more) == ()
    assert told("azure/attach_acr", kind="aks", azure={**where, "write_client_id": "w"}) == ()
    assert told("azure/attach_acr", kind="kubernetes") == ()


def test_a_runbook_that_has_nothing_to_act_as_is_warned_of() -> None:
    def told(*enabled: str, **aws: object) -> tuple[str, ...]:
        clusters = [{"name": "tasks", "kind": "ecs", "region": "eu-west-1", "aws": aws}, {"name": "prod"}]
        tree = {"clusters": clusters, "remedies": {"enabled": enabled}}
        return without_runbook(Settings.model_validate(tree))

    [warning] = told("aws/troubleshoot_task")
    assert warning.startswith("cluster tasks has no aws.automation_role")
    assert told("aws/troubleshoot_task", automation_role="arn:aws:iam::123456789012:role/r") == ()
    assert told("aws/attach_pull_policy") == ()


async def test_told_to_stop_when_it_serves_it_stops_without_a_word_of_error(tmp_path: Path) -> None:
    async with pullbot_run(tmp_path) as process:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            while b"listening on" not in await process.stderr.readline():
                assert process.returncode is None
        process.send_signal(signal.SIGTERM)
        status, said = await ended(process)
    assert status == 0, said
    assert "Traceback" not in said
