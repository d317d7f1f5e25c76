"""The pod's own Secrets, as the cluster has them, are what the registry is asked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.kubernetes.facts import Kube
from checks.model import NotFound, Status, Unavailable
from tests.fakes import pull_secrets
from tests.fakes.oci_registry import PASSWORD, USER
from tests.fakes.registry_world import RegistryWorld, registry_world

NOT_FOUND = "failed to resolve reference: not found"
UNAUTHORIZED = "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized"


class Cluster:
    """The port ``Kube``, of objects by their path. ``denied``: Secrets may not be read."""

    def __init__(self, *trees: Mapping[str, Any], denied: bool = False) -> None:
        self._objects = pull_secrets.objects(*trees)
        self._denied = denied

    async def get(self, path: str, **_: str) -> Mapping[str, Any]:
        if self._denied and "/secrets/" in path:
            raise Unavailable("we may not get secrets regcred in namespace shop")
        if path not in self._objects:
            raise NotFound("NotFound")
        return self._objects[path]


def put(world: RegistryWorld, password: str = PASSWORD, *, key: str = "", denied: bool = False) -> None:
    """A pod with a Secret for the world's registry, or for ``key``."""
    entry = pull_secrets.entry(USER, password)
    secret = pull_secrets.tree(pull_secrets.docker_config(**{key or world.host: entry}))
    world.roots[Kube] = Cluster(pull_secrets.pod("regcred", name="web-1"), secret, denied=denied)


async def test_an_image_that_strangers_are_not_shown_is_found_with_the_pods_own_login() -> None:
    async with registry_world(wants="bearer") as world:
        world.registry.push_image("shop/web", "1.1")
        put(world)
        found = await world.look(NOT_FOUND)
        assert found["registry/tag_exists"].verdict.status is Status.FAIL
        assert "there is 1.1" in found["registry/tag_exists"].verdict.summary


async def test_a_login_of_the_cluster_that_is_refused_is_the_cause() -> None:
    async with registry_world(wants="basic") as world:
        put(world, "over-and-out")
        found = await world.look(UNAUTHORIZED)
        assert found["registry/credentials_are_accepted"].is_cause
        assert "over-and-out" not in repr(found)


async def test_secrets_that_may_not_be_read_leave_it_to_strangers() -> None:
    async with registry_world(wants="bearer") as world:
        put(world, denied=True)
        found = await world.look(NOT_FOUND)
        assert found["registry/tag_exists"].verdict.status is Status.UNKNOWN
        assert set(world.registry.logins) <= {"", *(f"Bearer {one}" for one in world.registry.tokens)}


async def test_a_login_for_another_registry_is_never_shown_to_this_one() -> None:
    async with registry_world(wants="basic") as world:
        put(world, key="other.example.com")
        await world.look(UNAUTHORIZED)
        await world.look(NOT_FOUND)
        assert set(world.registry.logins) == {""}
