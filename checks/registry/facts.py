"""What a registry holds, whichever way we asked, and the port by which registries are asked as a node would.

What the port tells is how things look from where pullbot runs. A node may have other names, other ways and
other certificates. So what is seen here is evidence, and what the node said decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from checks.graph import fact
from checks.image.hosts import acr_host, ecr_host
from checks.image.misspelling import misspelling
from checks.image.reference import Repository
from checks.model import FailedPull, NotApplicable, Symptom, Unavailable
from checks.secret import Secret


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


@dataclass(frozen=True, slots=True)
class Certificate:
    """``ends`` is RFC 3339; empty strings: it does not say."""

    names: tuple[str, ...]
    issuer: str
    begins: str
    ends: str


@dataclass(frozen=True, slots=True)
class Line:
    """How far one gets towards a registry from here: name, connection, TLS. Empty: nothing wrong, or not
    got so far.

    ``barred``: why this address is none that pullbot asks. ``plain``: it speaks HTTP where HTTPS was wanted.
    """

    addresses: tuple[str, ...] = ()
    unresolved: str = ""
    barred: str = ""
    unconnected: str = ""
    plain: bool = False
    no_tls: str = ""
    untrusted: str = ""
    certificate: Certificate | None = None

    @property
    def connected(self) -> bool:
        return not (self.unresolved or self.barred or self.unconnected)


@dataclass(frozen=True, slots=True)
class Answer:
    """One bounded answer, redirects followed. ``headers``: by lower-case name."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def is_web_page(self) -> bool:
        """A proxy's, a portal's or somebody else's: no registry answers so."""
        return self.header("content-type").lower().startswith(("text/html", "application/xhtml"))

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


class NotReached(Unavailable):
    """A request that got no answer at all: what is wrong with the way there, a look at it tells."""


class Registry(Protocol):
    """Any registry there is, by HTTP. Time and size of an answer are bounded.

    Neither method asks this machine, its network's link-local addresses, or a cloud's metadata service.
    """

    async def look(self, host: str, port: int) -> Line: ...

    async def fetch(
        self, method: str, url: str, *, accept: str = "", authorization: Secret[str] | None = None
    ) -> Answer:
        """Any status is an answer. ``authorization`` goes to the URL's own origin alone, and only by HTTPS.

        :raises NotReached: there was none
        :raises Unavailable: it was too long, too late, or led somewhere that is not asked
        """
        ...


# What is wrong before or beside any registry.
_NOT_OF_A_REGISTRY = frozenset(
    {
        Symptom.INVALID_IMAGE_NAME,
        Symptom.NEVER_PULL,
        Symptom.DISK_FULL,
        Symptom.RUNTIME_UNAVAILABLE,
        Symptom.SIGNATURE_REJECTED,
    }
)
# distribution/reference's name for it, and where its API is.
_DOCKER_HUB, _ITS_API = "docker.io", "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a registry's API is. ``name`` is the registry as images name it.

    ``of_cloud``: one that lets in identities of its cloud, so that a refusal of strangers says nothing.
    """

    name: str
    host: str
    port: int
    of_cloud: bool = False

    @property
    def secure(self) -> str:
        return f"https://{self.authority}"

    @property
    def plain(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"


@fact()
def endpoint(pull: FailedPull, repository: Repository, _: Registry) -> Endpoint:
    if pull.symptom in _NOT_OF_A_REGISTRY:
        raise NotApplicable("no registry was asked, or what it said does not matter")
    if ecr_host(repository.host) is not None:
        raise NotApplicable("a private registry of ECR is asked by its own API")
    if misspelling(repository.host) is not None:
        raise NotApplicable("the host is misspelt: whoever is there is a stranger, and what it says no cause")
    host, _colon, port = repository.host.rpartition(":")
    if not host or repository.host.endswith("]"):
        host, port = repository.host, "443"
    host = host.strip("[]").lower()
    if host == _DOCKER_HUB:
        host = _ITS_API
    return Endpoint(repository.host, host, int(port), of_cloud=acr_host(repository.host) is not None)


@fact()
async def line(endpoint: Endpoint, registry: Registry) -> Line:
    return await registry.look(endpoint.host, endpoint.port)
