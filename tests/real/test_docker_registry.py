"""A real registry, pulled from by a real containerd: what it says is read rightly, and the checks agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.model import Symptom
from tests.fakes.oci_registry import PASSWORD, USER
from tests.fakes.registry_world import NAME, login
from tests.real.docker_registry import docker_registry
from tests.real.image import build
from tests.real.looking import Seen, look
from tests.real.node import Node

pytestmark = pytest.mark.real


async def test_what_is_there_is_pulled(node: Node, tmp_path: Path) -> None:
    async with docker_registry(tmp_path, NAME) as registry:
        await registry.push("shop/web", "1.2", build())
        assert await node.pull(f"{registry.authority}/shop/web:1.2") == ""


async def test_a_missing_tag_is_told_and_another_one_named(node: Node, tmp_path: Path) -> None:
    async with docker_registry(tmp_path, NAME) as registry:
        await registry.push("shop/web", "1.2", build())
        image = f"{registry.authority}/shop/web:1.3"
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.TAG_NOT_FOUND, {"registry/tag_exists"})


async def test_a_missing_repository_sounds_like_a_missing_tag_and_is_found_out(
    node: Node, tmp_path: Path
) -> None:
    async with docker_registry(tmp_path, NAME) as registry:
        await registry.push("shop/web", "1.2", build())
        image = f"{registry.authority}/shop/wbe:1.2"
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.TAG_NOT_FOUND, {"registry/repository_exists"})


async def test_a_right_login_pulls(node: Node, tmp_path: Path) -> None:
    async with docker_registry(tmp_path, NAME, login=True) as registry:
        await registry.push("shop/web", "1.2", build())
        assert await node.pull(f"{registry.authority}/shop/web:1.2", USER, PASSWORD) == ""


async def test_without_a_login_nobody_is_accused(node: Node, tmp_path: Path) -> None:
    async with docker_registry(tmp_path, NAME, login=True) as registry:
        await registry.push("shop/web", "1.2", build())
        image = f"{registry.authority}/shop/web:1.2"
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.UNAUTHORIZED, set())


async def test_a_wrong_password_is_found_with_the_same_login(node: Node, tmp_path: Path) -> None:
    async with docker_registry(tmp_path, NAME, login=True) as registry:
        await registry.push("shop/web", "1.2", build())
        image = f"{registry.authority}/shop/web:1.2"
        seen = await look(image, await node.pull(image, USER, "wrong"), login("wrong"))
        assert seen == Seen(Symptom.UNAUTHORIZED, {"registry/credentials_are_accepted"})


async def test_a_registry_without_tls_is_found_where_https_is_spoken(node: Node, tmp_path: Path) -> None:
    async with docker_registry(tmp_path, NAME, tls=False) as registry:
        await registry.push("shop/web", "1.2", build())
        image = f"{registry.authority}/shop/web:1.2"
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.TLS_PROTOCOL, {"registry/speaks_https"})


async def test_https_where_the_node_speaks_http_accuses_nobody(node: Node, tmp_path: Path) -> None:
    """containerd speaks HTTP to loopback of its own accord, as elsewhere where its configuration says so.

    A registry in Go answers 400 to that, and containerd does not tell why.
    """
    async with docker_registry(tmp_path, "127.0.0.1") as registry:
        await registry.push("shop/web", "1.2", build())
        image = f"{registry.authority}/shop/web:1.2"
        seen = await look(image, await node.pull(image))
        assert seen == Seen(Symptom.OTHER, set())


async def test_a_layer_that_is_not_what_its_digest_says_accuses_nobody(node: Node, tmp_path: Path) -> None:
    """Layers are not downloaded by pullbot, so it cannot know."""
    async with docker_registry(tmp_path, NAME) as registry:
        image = build(words="rotten on disk")
        await registry.push("shop/web", "1.2", image)
        registry.blob(image.layer).write_bytes(image.layer[:-1] + b"?")
        name = f"{registry.authority}/shop/web:1.2"
        seen = await look(name, await node.pull(name))
        assert seen == Seen(Symptom.CORRUPT_CONTENT, set())


async def test_a_layer_that_was_cut_short_on_the_registrys_disk_is_found(node: Node, tmp_path: Path) -> None:
    async with docker_registry(tmp_path, NAME) as registry:
        image = build(words="cut short on disk")
        await registry.push("shop/web", "1.2", image)
        registry.blob(image.layer).write_bytes(image.layer[:20])
        name = f"{registry.authority}/shop/web:1.2"
        seen = await look(name, await node.pull(name))
        assert seen == Seen(Symptom.CORRUPT_CONTENT, {"registry/content_is_intact"})
