"""Which kinds of nodes a pod may come to: where the image fits some of them, the pod should ask for those."""

from __future__ import annotations

from dataclasses import dataclass

from checks.registry.platform import Platform


@dataclass(frozen=True, slots=True)
class Kind:
    platform: Platform
    count: int


@dataclass(frozen=True, slots=True)
class Landing:
    """Ready nodes that the pod's own wishes allow, by platform. ``all_nodes``: how many the cluster has."""

    all: tuple[Kind, ...]
    all_nodes: int
