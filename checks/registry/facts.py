"""What a registry holds, whichever way we asked: OCI distribution API or the cloud's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RepositoryPresence:
    """``where`` is the registry's own name for it (an ARN, a path).

    ``near``: names of repositories much like it, best first.
    """

    exists: bool
    where: str
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImagePresence:
    """A tag or digest of a repository that exists. ``near``: tags much like it, best first."""

    exists: bool
    where: str
    near: tuple[str, ...] = ()
