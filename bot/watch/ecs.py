"""What cannot pull its image on ECS: asked once, or watched.

Tasks that stopped are listed while ECS shows them, for about an hour; each is read once. Events tell of them
sooner, where they are sent to us. A failure is over when a newer task runs, or nobody wants one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import batched
from typing import Any

from bot.watch.ecs_book import StoppedTasks, name_of
from bot.watch.ecs_failures import TaskFailure, by_group, created, failure, pull_of
from bot.watch.ecs_targets import EcsTarget, ecs_target
from bot.watch.eyes import Patience, Tell
from bot.watch.fates import Fate
from bot.watch.informer import Backoff, Pause
from bot.watch.targets import NoSuchTarget
from checks.aws.ecs_definitions import parse_definition
from checks.aws.ecs_services import EcsService, parse_service
from checks.aws.ecs_tasks import EcsTask
from checks.aws.facts import Aws, Grant
from checks.host import Cluster
from checks.kubernetes.pods import moment
from checks.model import FailedPull, NotFound, Unavailable

GRANTS = (
    Grant(
        (
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
            "ecs:DescribeTasks",
            "ecs:ListClusters",
            "ecs:ListTasks",
        )
    ),
)
