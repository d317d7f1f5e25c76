"""A private registry of ECR is asked by its API alone: a client of registries changes nothing there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checks.registry.facts import Answer, Line, Registry
from checks.secret import Secret
from tests.fakes.aws_door import Door
from tests.fakes.aws_world import Seen, World
from tests.fakes.aws_worlds import EKS


class NobodyThere:
    """The port ``Registry``, that counts who asks."""

    def __init__(self) -> None:
        self.asked = 0

    async def look(self, host: str, port: int) -> Line:
        self.asked += 1
        return Line(unresolved="no such host")

    async def fetch(
        self, method: str, url: str, *, accept: str = "", authorization: Secret[str] | None = None
    ) -> Answer:
        self.asked += 1
        return Answer(404, (), b"")


def told(seen: Seen) -> set[tuple[str, str, bool]]:
    found = seen.findings.items()
    return {(name, one.verdict.status.value, one.explains) for name, one in found}


@pytest.mark.parametrize("make", EKS, ids=lambda make: make.__name__)
async def test_what_is_told_of_ecr_is_the_same_with_a_client_of_registries(make: Callable[[], World]) -> None:
    world = make()
    before = told(await world.look(Door(world.aws)))
    world = make()
    world.roots[Registry] = nobody = NobodyThere()
    assert told(await world.look(Door(world.aws))) == before
    assert nobody.asked == 0
