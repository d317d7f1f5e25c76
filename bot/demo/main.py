"""``pullbot demo``: the whole job on this machine, with nothing to configure.

The service is the one of ``pullbot run``. Only what is around it is simulated: an AWS (moto), an Azure, for
each of them a small Kubernetes API with a kubelet, and a chat page in place of Slack. All of it listens on
loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from bot.chat.page.chat import PageChat, Persona
from bot.chat.page.side import PageSide
from bot.clusters import connect_all
from bot.demo.azure_story import CLUSTER as AKS
from bot.demo.azure_story import azure_story
from bot.demo.cloud import only_that, only_this, simulated_aws, variables
from bot.demo.cluster import simulated_cluster
from bot.demo.story import CLUSTER, REGION, begin
from bot.log import start_logging
from bot.people import Approvers, People
from bot.service import Service
from bot.settings import Settings
from bot.store.opening import open_state

_USAGE = 2
_CHANNEL = "alerts"
_PEOPLE = (
    Persona("ana", "Ana", "developer"),
    Persona("ben", "Ben", "on call, may approve"),
    Persona("cleo", "Cleo", "platform team, may approve"),
)
_APPROVERS = ("page:ben", "page:cleo")
_ENABLED = (
    "aws/lift_repository_deny",
    "aws/allow_role_in_repository_policy",
    "aws/attach_pull_policy",
    "azure/attach_acr",
    "kubernetes/restart_workload",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", metavar="PORT", type=int, default=8080, help="of the page (8080)")
    parser.add_argument("--no-browser", action="store_true", help="only say where the page is")


def run(arguments: argparse.Namespace) -> int:
    if find_spec("moto") is None:
        return _cannot("the demo needs its extra packages: pip install 'pullbot[demo]', or `make demo`")
    start_logging(os.environ.get("PULLBOT_LOG_LEVEL") or "ERROR")
    try:
        asyncio.run(_demo(arguments.port, open_browser=not arguments.no_browser))
    except OSError as why:
        return _cannot(f"port {arguments.port} cannot be used ({why.strerror or why}); try another --port")
    return 0


def _cannot(why: str) -> int:
    print(f"pullbot: {why}", file=sys.stderr)  # noqa: T201  the demo is started in a terminal
    return _USAGE


async def _demo(port: int, *, open_browser: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(port) as address:
        print(f"The demo is at {address} (Ctrl-C ends it)", flush=True)  # noqa: T201  as above
        if open_browser:
            await asyncio.to_thread(webbrowser.open, address)
        await stop.wait()


@asynccontextmanager
async def running(port: int) -> AsyncIterator[str]:
    """The page's address, for as long as the demo runs. ``port`` 0: any that is free.

    :raises OSError: the port cannot be used
    """
    with (
        tempfile.TemporaryDirectory(prefix="pullbot-demo-") as folder,
        simulated_aws() as endpoint,
        variables(**only_this(endpoint)),
    ):
        story = await asyncio.to_thread(begin, endpoint)
        async with simulated_cluster(story) as in_aws, azure_story() as in_azure:
            kubeconfigs = (in_aws.kubeconfig, in_azure.cluster.kubeconfig)
            with (
                variables(KUBECONFIG=os.pathsep.join(map(str, kubeconfigs))),
                variables(**only_that(in_azure.environment)),
            ):
                async with _service(port, Path(folder), in_azure.url) as address:
                    yield address


@asynccontextmanager
async def _service(port: int, folder: Path, azure: str) -> AsyncIterator[str]:
    settings = _settings(port, folder, azure)
    state = open_state(settings.store)
    clusters = await connect_all(settings, os.environ)
    page = PageSide(PageChat(_PEOPLE, (_CHANNEL,)))
    people = People(Approvers(settings.approvals.approvers))
    service = Service(settings, state, clusters, [page], people, patience=0.5)
    try:
        [(host, bound)] = await service.start()
        yield f"http://{host}:{bound}/"
    finally:
        await service.stop()
        await clusters.close()
        await state.close()


def _settings(port: int, folder: Path, azure: str) -> Settings:
    return Settings.model_validate(
        {
            "clusters": [
                {"name": CLUSTER, "context": CLUSTER, "region": REGION, "channels": {"page": _CHANNEL}},
                {"name": AKS, "context": AKS, "kind": "aks", "channels": {"page": _CHANNEL}},
            ],
            "azure": {"resource_manager": azure, "graph": azure},
            "approvals": {"approvers": _APPROVERS, "second_person": True},
            # The simulated registries are at no address.
            "registry": {"probe": False},
            "remedies": {"enabled": _ENABLED},
            "store": str(folder / "pullbot.db"),
            "http": {"listen": f"127.0.0.1:{port}"},
            "watch": {"settle": "1s"},
        }
    )
