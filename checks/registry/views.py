"""Two views of one registry: the node's, which is its message, and pullbot's own, from where it runs.

They may differ, for the node has its own resolver, its own way and its own certificates. Each check of the
way therefore fails only where the node itself says so; what is seen here is beside it, and labelled.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.graph import fact
from checks.image.facts import Asked
from checks.model import FailedPull
from checks.registry.facts import Endpoint, Line

HERE = "Seen from pullbot"
NODE = "The node says"
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Views:
    """``host`` is the one that the node's message is about; ``elsewhere``: that is not the registry's own."""

    endpoint: Endpoint
    line: Line
    host: str
    elsewhere: bool
    said: str

    @property
    def node(self) -> tuple[str, str]:
        return (NODE, self.said)


@fact()
def views(endpoint: Endpoint, line: Line, asked: Asked, pull: FailedPull) -> Views:
    own = {endpoint.host, endpoint.name.partition(":")[0].lower()}
    elsewhere = bool(asked.host) and asked.host not in own
    return Views(endpoint, line, asked.host or endpoint.host, elsewhere, _end(pull.message))


def _end(message: str) -> str:
    """The cause is at the end of what a runtime says."""
    text = " ".join(message.split())
    return text if len(text) <= _LONGEST else f"… {text[-_LONGEST:].partition(' ')[2]}"
