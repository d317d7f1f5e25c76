"""The nouns every layer shares. Frozen, hashable, free of I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NoReturn


class NotApplicable(Exception):
    """The question makes no sense here. The check is left out, silently."""


class Unavailable(Exception):
    """The answer exists but we could not get it. The check says *unknown*.

    Never let a failed read look like an answer: "access denied" is not "no policy".
    The message is for people: what we asked, what came back, and which permission is missing.
    """


class NotFound(Exception):
    """The API answered, and the answer is that the thing does not exist. ``code`` is the API's own word."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class Symptom(Enum):
    """What the runtime's message says, before anything was looked up. The names are public."""

    TAG_NOT_FOUND = "tag_not_found"
    REPOSITORY_NOT_FOUND = "repository_not_found"
    ACCESS_DENIED_OR_MISSING = "access_denied_or_missing"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    CREDENTIALS_EXPIRED = "credentials_expired"
    RATE_LIMITED = "rate_limited"
    KUBELET_THROTTLED = "kubelet_throttled"
    DNS_FAILURE = "dns_failure"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_FAILED = "connect_failed"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_PROTOCOL = "tls_protocol"
    PROXY_ERROR = "proxy_error"
    PLATFORM_MISMATCH = "platform_mismatch"
    INVALID_IMAGE_NAME = "invalid_image_name"
    NEVER_PULL = "never_pull"
    DISK_FULL = "disk_full"
    CORRUPT_CONTENT = "corrupt_content"
    UNSUPPORTED_MANIFEST = "unsupported_manifest"
    SIGNATURE_REJECTED = "signature_rejected"
    REGISTRY_ERROR = "registry_error"
    PULL_SECRET_MISSING = "pull_secret_missing"
    RUNTIME_UNAVAILABLE = "runtime_unavailable"
    STALLED = "stalled"
    BACKOFF_ONLY = "backoff_only"
    OTHER = "other"


# A text that says nothing of its cause is explained by whatever fails.
SAYS_NOTHING = frozenset({Symptom.BACKOFF_ONLY, Symptom.OTHER, Symptom.KUBELET_THROTTLED, Symptom.STALLED})


class Leg(IntEnum):
    """The stations of a pull, in the order in which it meets them.

    Two faults can hide each other: the earliest one that explains the symptom is the root.
    """

    REFERENCE = 1  # the reference parses and names a registry that can exist
    NODE = 2  # the node may and can pull at all: policy, disk, runtime
    SECRET = 3  # the pull secrets are there and fit
    CREDENTIALS = 4  # an identity exists and gets a registry token
    NAME = 5  # the registry's name resolves
    CONNECTION = 6  # TCP, TLS, proxy
    RIGHTS = 7  # the registry lets this identity read this repository
    EXISTENCE = 8  # repository, tag, digest
    PLATFORM = 9  # a manifest for the node's architecture
    LAYERS = 10  # blobs arrive whole


class Place(IntEnum):
    """Whom packets meet on one leg, in this order: of two faults on a leg the nearer one is the root."""

    RESOLVER = 1  # who answers for names at all
    PRIVATE_NAME = 2  # a private door's name
    DOOR = 3  # the private door itself
    PEERING = 4  # another network on the way
    ROUTE = 5
    GATEWAY = 6  # who brings them to the internet, and whether that lets them
    INTERFACE = 7  # what filters at the host
    SUBNET = 8  # what filters at borders of subnets
    FIREWALL = 9
    FAR_SIDE = 10  # what filters at the other end
    END = 11  # the other end itself, and all that no packet meets


@dataclass(frozen=True, slots=True)
class FailedPull:
    """Pods that fail to pull one image on one kind of host: what is diagnosed once for all of them.

    ``pods`` and ``nodes`` name everyone affected, sorted; facts look at the first node.
    ``host_kind`` tells hosts apart that pull with another identity: ``nodegroup/default``,
    ``fargate/fp``, ``nodepool/general``, ``node`` where nothing is known.
    ``message`` is the runtime's text, verbatim but for secrets.
    """

    cluster: str
    namespace: str
    workload: str  # Deployment/ui-private; Pod/name for a bare pod
    container: str
    pods: tuple[str, ...]
    nodes: tuple[str, ...]
    host_kind: str
    image: str
    symptom: Symptom
    message: str
    since: str = ""  # RFC 3339, when the oldest of these pods was created

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes two sightings the same failure."""
        return (self.cluster, self.namespace, self.workload, self.image, self.host_kind)

    @property
    def of_ecs(self) -> bool:
        """Whether its pods are tasks of ECS: no workload of Kubernetes is called so."""
        return self.workload.startswith(("Service/", "Task/"))


@dataclass(frozen=True, slots=True)
class Since:
    """A root that only a verification has: when the fix was finished, RFC 3339."""

    time: str


class Status(Enum):
    FAIL = "fail"
    UNKNOWN = "unknown"
    PASS = "pass"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``about`` names the thing at fault (an ARN, a host): failures about one thing are one cause.

    ``explains``: whether it accounts for this very message, where the check knows better than the list of
    symptoms that it declares; ``None``: as declared.
    """

    status: Status
    summary: str
    evidence: tuple[tuple[str, str], ...] = ()
    about: str = ""
    explains: bool | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has three values; compare .status")


def passed(summary: str, *evidence: tuple[str, str]) -> Verdict:
    return Verdict(Status.PASS, summary, evidence)


def failed(
    summary: str, *evidence: tuple[str, str], about: str = "", explains: bool | None = None
) -> Verdict:
    return Verdict(Status.FAIL, summary, evidence, about, explains)


def unknown(summary: str, *evidence: tuple[str, str]) -> Verdict:
    return Verdict(Status.UNKNOWN, summary, evidence)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says about one failed pull. ``explains``: it accounts for the pull's symptom."""

    check: str
    title: str
    leg: Leg
    subject: FailedPull
    verdict: Verdict
    explains: bool = False
    place: Place = Place.END

    @property
    def order(self) -> tuple[int, int, str]:
        """By it findings are told: as a pull meets what they are about."""
        return (self.leg, self.place, self.check)

    @property
    def is_cause(self) -> bool:
        return self.explains and self.verdict.status is Status.FAIL


def causes(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The failing findings that explain the symptom, root first: the order of the pull's stations."""
    return tuple(sorted((f for f in findings if f.is_cause), key=lambda f: f.order))
