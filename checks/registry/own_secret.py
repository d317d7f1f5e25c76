"""A pull secret of the pod's that is meant for the image's registry, whether it is any good or not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnSecret:
    """``where``: its namespace and name, as the pod wants it. Whoever named it means to pull by it."""

    where: str
