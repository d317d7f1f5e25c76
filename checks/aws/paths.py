"""Which way each errand of a pull takes out of its subnet, as checks are told of it.

How a path is found, and when it is uncertain: ``checks.aws.path_finding``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from checks.aws.clue import Clue
from checks.aws.destinations import HTTPS, Destination, Errand, Registry
from checks.aws.endpoints import Endpoint
from checks.aws.interface import Interface
from checks.aws.routing import Way
from checks.aws.vpc import Route


class Unused(Enum):
    """Why no endpoint serves an errand."""

    ABSENT = "there is none"
    NOT_AVAILABLE = "it is not available"
    NOT_ROUTED = "the subnet's route table does not lead to it"
    NO_PRIVATE_DNS = "its private DNS is off"
    NO_VPC_DNS = "the VPC's DNS attributes are off"


@dataclass(frozen=True, slots=True)
class Path:
    """``endpoint``: the one that is taken, or the one that would serve, if it were not for ``unused``.

    ``route``: the one that is taken, or would be. ``why`` tells in words what is uncertain. ``unread``: the
    same, where it is so for a read that failed, and ``endpoint`` might be taken for all we know. ``six``:
    what is uncertain is the way by IPv6, of which what is said of IPv4 tells nothing. ``inside``: to a
    private address that was dialled, wherever it is.
    """

    errand: Errand
    way: Way
    route: Route | None = None
    endpoint: Endpoint | None = None
    unused: Unused | None = None
    why: str = ""
    unread: str = ""
    six: bool = False
    inside: bool = False
    port: int = HTTPS

    @property
    def via(self) -> str:
        """The id of what it goes through, or ""."""
        if self.way is Way.ENDPOINT and self.endpoint is not None:
            return self.endpoint.id
        return self.route.via if self.route is not None else ""

    @property
    def private(self) -> bool:
        """Whether a private address is dialled."""
        return self.way is Way.ENDPOINT or self.inside


@dataclass(frozen=True, slots=True)
class Paths:
    """``table`` is the id of the subnet's route table."""

    interface: Interface
    destination: Destination
    clue: Clue
    table: str
    items: tuple[Path, ...]
    meant_to_be_private: bool

    @property
    def registry(self) -> Registry:
        """:raises NotApplicable: it is none of ECR."""
        return self.destination.registry

    def by(self, *ways: Way) -> tuple[Path, ...]:
        return tuple(one for one in self.items if one.way in ways)

    @property
    def unread(self) -> str:
        """Why it is not known whether an endpoint is taken, or "": what goes through it may not pass then."""
        return next((one.unread for one in self.items if one.unread), "")

    def through_endpoints(self) -> Iterator[tuple[Endpoint, tuple[Path, ...]]]:
        """The endpoints in use, with the errands that take each."""
        used = {one.endpoint for one in self.by(Way.ENDPOINT, Way.GATEWAY) if one.endpoint is not None}
        for endpoint in sorted(used, key=lambda one: one.id):
            yield endpoint, tuple(one for one in self.items if one.via == endpoint.id)

    def lacks_an_endpoint(self, path: Path) -> bool:
        """Whether an endpoint is to blame that an errand is dead, not the routes.

        A VPC with endpoints for ECR but no default route is meant to be private; endpoints for S3 are made
        by the way nearly everywhere.
        """
        if path.way is Way.BLACKHOLE:
            return path.unused is Unused.NOT_AVAILABLE and isinstance(path.route and path.route.to, str)
        return path.way is Way.NOWHERE and self.meant_to_be_private

    def explain(self, dead: Iterable[Path]) -> bool | None:
        """Whether it accounts for the message that these do not get through; ``None``: it may well be."""
        return self.clue.network_explains((one.errand, one.private) for one in dead)

    def evidence(self) -> tuple[tuple[str, str], ...]:
        return (
            ("Interface", self.interface.how),
            ("Subnet", self.interface.subnet),
            *((f"Way of {one.errand}", in_words(one)) for one in self.items),
        )


def in_words(path: Path) -> str:
    via = f" {path.via}" if path.via else ""
    return path.why or f"{path.way.value}{via}"
