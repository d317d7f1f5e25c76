"""One node for all tests here: images that were pulled once have names of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.fakes.authority import authority
from tests.fakes.registry_world import NAME
from tests.real.node import Node, containerd, why_not

OTHER_NAME = "mirror.example.com"


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    why = why_not() or ("" if shutil.which("docker-registry") else "not installed: docker-registry")
    if why:
        pytest.skip(f"no real pulls on this machine: {why}")
    hosts = {"localhost": "127.0.0.1", NAME: "127.0.0.1", OTHER_NAME: "127.0.0.1"}
    with containerd(tmp_path_factory.mktemp("node"), hosts, authority().pem) as found:
        yield found
