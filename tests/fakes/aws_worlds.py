"""All worlds, for what has to be so in every one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.fakes.aws_network_worlds import (
    broken_nat_gateway,
    hardly_any_endpoint,
    missing_endpoint,
    no_names_at_all,
    no_private_dns,
    no_vpc_dns,
    own_buckets_only,
    shut_endpoint,
    shut_endpoint_unnamed,
    shut_node,
    shut_subnet,
    unrouted_layers,
)
from tests.fakes.aws_rights_worlds import (
    accused_role,
    another_account,
    archived_image,
    cache_without_secret,
    fargate_without_policy,
    fargate_without_trust,
    frozen_registry,
    hidden_auto_mode,
    image_for_arm,
    many_policies,
    missing_repository,
    missing_tag,
    repository_deny,
    role_denied,
    unread_profile,
)
from tests.fakes.aws_world import (
    World,
)
from tests.fakes.ecs_worlds import (
    ecs_either_role,
    ecs_fixed,
    ecs_lone_task,
    ecs_on_instance,
    ecs_pinned,
    ecs_private_registry,
    ecs_secret_under_key,
    ecs_two_faults,
)

Maker = Callable[[], World] | Callable[[], Awaitable[World]]
EKS: tuple[Callable[[], World], ...] = (
    repository_deny,
    role_denied,
    accused_role,
    shut_endpoint,
    shut_endpoint_unnamed,
    shut_node,
    shut_subnet,
    missing_endpoint,
    hardly_any_endpoint,
    unrouted_layers,
    own_buckets_only,
    no_vpc_dns,
    no_names_at_all,
    no_private_dns,
    broken_nat_gateway,
    unread_profile,
    many_policies,
    fargate_without_policy,
    fargate_without_trust,
    hidden_auto_mode,
    another_account,
    frozen_registry,
    missing_tag,
    image_for_arm,
    archived_image,
    missing_repository,
    cache_without_secret,
)
ECS: tuple[Callable[[], Awaitable[World]], ...] = (
    ecs_two_faults,
    ecs_on_instance,
    ecs_private_registry,
    ecs_secret_under_key,
    ecs_either_role,
    ecs_pinned,
    ecs_fixed,
    ecs_lone_task,
)
ALL: tuple[Maker, ...] = (*EKS, *ECS)


async def made(maker: Maker) -> World:
    world = maker()
    return world if isinstance(world, World) else await world
