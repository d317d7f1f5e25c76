"""The ports to Azure, and the names of its resources.

Reads are told apart by how they fail. "Does not exist" is an answer (``NotFound``, with ARM's own code); a
denial, throttling or a timeout is none (``Unavailable``, naming the action to grant). Each module that asks
lists what that takes beside its calls: ``READS`` for ARM's actions, ``GRAPH`` for Microsoft Graph's
application permissions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from checks.graph import fact
from checks.image.hosts import acr_host
from checks.image.reference import Repository
from checks.model import NotApplicable

# The versions of ARM's APIs that the shapes here are written from.
API = {
    "Microsoft.Authorization": "2022-04-01",
    "Microsoft.Compute": "2024-07-01",
    "Microsoft.Compute/virtualMachineScaleSets/publicIPAddresses": "2018-10-01",  # the network's, in disguise
    "Microsoft.ContainerRegistry": "2025-11-01",  # the first with roleAssignmentMode
    "Microsoft.ContainerService": "2024-09-01",
    "Microsoft.Insights": "2015-04-01",
    "Microsoft.ManagedIdentity": "2023-01-31",
    "Microsoft.Network": "2024-05-01",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.Resources": "2021-04-01",
}


class Arm(Protocol):
    """Read-only Azure Resource Manager. ``path`` is a resource's id, or what is listed below one.

    The answer is the decoded body; of lists it is complete (``{"value": […]}``), whatever the paging.
    ``query`` goes into the URL, ``$filter`` for one; the version of the API is found by the path.

    :raises NotFound: ARM answered that it does not exist; ``code`` is its word (``ResourceNotFound``).
    :raises Unavailable: denied, throttled, timed out, no credentials; the message names the action.
    """

    async def get(self, path: str, query: Mapping[str, str] = ...) -> Mapping[str, Any]: ...

    async def search(self, query: str) -> tuple[Mapping[str, Any], ...]:
        """The rows of a query to Azure Resource Graph, over all subscriptions that may be read.

        It lags by minutes behind ARM: good for finding things, never for verifying.
        """
        ...


class Graph(Protocol):
    """Read-only Microsoft Graph, v1.0. ``path`` such as ``/applications(appId='…')``.

    :raises NotFound, Unavailable: as ``Arm``; the message names the application permission.
    """

    async def get(self, path: str, query: Mapping[str, str] = ...) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class ResourceId:
    """A resource of ARM. ``text`` is as it was given; ARM compares ids without regard to case."""

    text: str = field(compare=False)
    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.text.rstrip("/").lower())

    def __str__(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        return self.text.rstrip("/").rpartition("/")[2]

    @property
    def subscription(self) -> str:
        return self._after("subscriptions")

    @property
    def group(self) -> str:
        return self._after("resourcegroups")

    @property
    def parent(self) -> ResourceId:
        """One type and one name less: a subnet's network."""
        return ResourceId(self.text.rstrip("/").rsplit("/", 2)[0])

    def is_within(self, scope: str) -> bool:
        """Whether ``scope`` (an id, a subscription, ``/``) is this resource or above it."""
        above = scope.rstrip("/").lower()
        return self.key == above or self.key.startswith(f"{above}/")

    def _after(self, word: str) -> str:
        parts = self.text.strip("/").split("/")
        lowered = [part.lower() for part in parts]
        place = lowered.index(word) + 1 if word in lowered else len(parts)
        return parts[place] if place < len(parts) else ""


@dataclass(frozen=True, slots=True)
class LoginServer:
    """The name by which an Azure container registry is pulled from, e.g. ``contoso.azurecr.io``.

    ``suffix`` tells the cloud; ``name`` is the resource's, as far as the host tells it.
    """

    host: str
    name: str
    suffix: str


@fact()
def login_server(repository: Repository) -> LoginServer:
    found = acr_host(repository.host)
    if found is None:
        raise NotApplicable(f"{repository.host} is no Azure container registry")
    return LoginServer(found.login_server, found.registry, found.suffix)


def block(tree: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """What lies below these keys; nothing where ARM left it out, or wrote ``null``."""
    found: Any = tree
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def rows(tree: Mapping[str, Any], *names: str) -> tuple[Mapping[str, Any], ...]:
    """The list below these keys, without what is no object."""
    *above, last = names
    found = block(tree, *above).get(last)
    return tuple(one for one in found if isinstance(one, Mapping)) if isinstance(found, list) else ()


def words(tree: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """The list of texts below these keys."""
    *above, last = names
    found = block(tree, *above).get(last)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def word(tree: Mapping[str, Any], *names: str) -> str:
    """The text below these keys; "" for none."""
    *above, last = names
    found = block(tree, *above).get(last)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
