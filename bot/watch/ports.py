"""What watching asks of a cluster's API server, besides single objects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

from checks.kubernetes.facts import Kube
from checks.model import Unavailable

Tree = Mapping[str, Any]  # an object as the API gave it


class Gone(Unavailable):
    """410: the API server has forgotten that version. List again."""


class Lists(Kube, Protocol):
    """Lists that are too long for one answer, and what changes in them afterwards."""

    def pages(self, path: str, **query: str) -> AsyncGenerator[Tree, None]:
        """Every object of a list, read page by page. If the server loses its place, it starts over.

        Objects may therefore come twice; nothing that was there all the time is left out.

        :raises Unavailable: see ``Kube.get``
        """

    async def snapshot(self, path: str, **query: str) -> tuple[AsyncGenerator[Tree, None], str]:
        """As ``pages``, with the version to watch from. The version is that of the first page.

        :raises Unavailable: see ``Kube.get``
        :raises Gone: while iterating: the server lost its place, begin again
        """

    def watch(self, path: str, resource_version: str, **query: str) -> AsyncGenerator[Tree, None]:
        """What changed since that version: ``{"type": ..., "object": ...}``, bookmarks included.

        Ends when the server ends it, after some minutes.

        :raises Unavailable: see ``Kube.get``; also when the connection breaks
        :raises Gone: the version is too old
        """
