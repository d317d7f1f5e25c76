"""Every world of Azure, for what has to be so in all of them."""

from __future__ import annotations

from tests.fakes import azure_identity_worlds, azure_network_worlds, azure_worlds
from tests.fakes.azure_worlds import Maker

ALL: tuple[Maker, ...] = tuple(
    dict.fromkeys((*azure_worlds.ALL, *azure_identity_worlds.ALL, *azure_network_worlds.ALL))
)
