"""What is there when the demo begins: three deployments, two of which cannot pull.

``ui-private`` is denied by a policy on its repository, though its node's role may pull anything;
``checkout`` asks for a tag that was never pushed; ``catalog`` is fine. Nobody is told so: who may pull what,
``bot.demo.registry`` decides from the policies that are made here.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.demo.aws_world import World, deny_pull, push, seed

REGION = "us-west-2"
CLUSTER = "demo"


@dataclass(frozen=True, slots=True)
class Deployment:
    name: str
    image: str


@dataclass(frozen=True, slots=True)
class Story:
    world: World
    deployments: tuple[Deployment, ...]


def begin(endpoint: str) -> Story:
    """Fill the AWS at ``endpoint``, which is empty."""
    world = seed(endpoint, REGION, cluster=CLUSTER, repository="retail-sample-app-ui", tag="1.2.1")
    deny_pull(world)
    _, catalog = push(endpoint, REGION, "retail-sample-app-catalog", "1.0.0")
    _, checkout = push(endpoint, REGION, "retail-sample-app-checkout", "1.2.1")
    return Story(
        world,
        (
            Deployment("ui-private", world.image),
            Deployment("catalog", f"{catalog}:1.0.0"),
            Deployment("checkout", f"{checkout}:1.2.2"),
        ),
    )
