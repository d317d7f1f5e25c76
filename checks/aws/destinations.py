"""The errands of a pull, and where each of them goes: three from ECR, one from any other registry.

First a token from ``api.ecr``, asked for by kubelet's credential provider; then the manifest from
``ACCOUNT.dkr.ecr``; then the layers, for which ECR redirects to a bucket of its own in S3. Each may take
another way out of the VPC (docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html). Kubelet's
provider may be set up to pull as a role of the pod's service account, and then asks STS before all others.

Of a registry elsewhere only its own host is known. Where it hands layers out is its own affair, and no
endpoint leads there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from checks.graph import fact
from checks.image.facts import Asked
from checks.image.hosts import ecr_host
from checks.image.misspelling import is_familiar
from checks.image.reference import Repository
from checks.model import SAYS_NOTHING, FailedPull, NotApplicable, Symptom


class Errand(Enum):
    """The value is the name of the endpoint service, without the region."""

    TOKEN = "ecr.api"  # noqa: S105  the name of a service
    MANIFEST = "ecr.dkr"
    LAYERS = "s3"
    SERVICE_ACCOUNT = "sts"
    IMAGE = "elsewhere"  # everything of a registry that is none of ECR; no endpoint is for it

    def __str__(self) -> str:
        return _IN_WORDS[self]


_IN_WORDS = {
    Errand.TOKEN: "the registry's token (ecr.api)",
    Errand.MANIFEST: "manifests (ecr.dkr)",
    Errand.LAYERS: "layers (s3)",
    Errand.SERVICE_ACCOUNT: "a service account's credentials (sts)",
    Errand.IMAGE: "the registry",
}
OF_EVERY_PULL = (Errand.TOKEN, Errand.MANIFEST, Errand.LAYERS)
# Where AWS documents the bucket; elsewhere its name is not certain.
_BUCKET_IS_KNOWN = frozenset({"aws", "aws-us-gov", "aws-cn"})


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry as the network sees it. ``plain``: neither FIPS nor dual-stack.

    Which endpoints answer for the names of the other two is not certain. ``dual_stack``: its names have
    addresses of IPv6, too.
    """

    host: str
    region: str
    partition: str
    suffix: str
    plain: bool
    dual_stack: bool = False

    def host_of(self, errand: Errand) -> str:
        match errand:
            case Errand.TOKEN:
                return f"api.ecr.{self.region}.{self.suffix}"
            case Errand.MANIFEST:
                return self.host
            case Errand.LAYERS:
                return f"{self.bucket}.s3.{self.region}.{self.suffix}"
            case Errand.SERVICE_ACCOUNT:
                return f"sts.{self.region}.{self.suffix}"
            case Errand.IMAGE:
                raise ValueError("ECR is asked for a token, for manifests and for layers")

    def is_served_by(self, service: str, errand: Errand) -> bool:
        """Whether an endpoint's ``ServiceName`` is this region's, under whatever prefix (China's differs)."""
        return service.endswith(f".{self.region}.{errand.value}")

    @property
    def bucket(self) -> str:
        """ECR's own bucket of layers in this region."""
        return f"prod-{self.region}-starport-layer-bucket"

    @property
    def bucket_is_certain(self) -> bool:
        return self.partition in _BUCKET_IS_KNOWN


@fact()
def registry(repository: Repository) -> Registry:
    """AWS's own registries too: nobody may read their policies, but the way to them is the same."""
    host = ecr_host(repository.host)
    if host is None:
        raise NotApplicable(f"{repository.host} is no private ECR registry")
    return Registry(
        host=repository.host,
        region=host.region,
        partition=host.partition,
        suffix=host.suffix,
        plain=not (host.fips or host.dual_stack),
        dual_stack=host.dual_stack,
    )


HTTPS = 443
# Of these a way that loses packets may be the cause. Whoever says anything else has been reached.
_UNREACHED = SAYS_NOTHING | {Symptom.CONNECT_TIMEOUT, Symptom.DNS_FAILURE}
# Of the many registries that these two have, the customer names the first labels.
_OF_GOOGLE = (".pkg.dev", ".gcr.io")


@dataclass(frozen=True, slots=True)
class Destination:
    """Whither a pull goes. ``ecr``: the registry, where it is one of ECR.

    ``familiar``: it is known to be on the internet; any other name may stand for a private address.
    """

    host: str
    port: int = HTTPS
    ecr: Registry | None = None
    familiar: bool = False

    @property
    def registry(self) -> Registry:
        """:raises NotApplicable: it is none of ECR."""
        if self.ecr is None:
            raise NotApplicable(f"{self.host} is no private ECR registry")
        return self.ecr

    @property
    def errands(self) -> tuple[Errand, ...]:
        return OF_EVERY_PULL if self.ecr else (Errand.IMAGE,)

    @property
    def dual_stack(self) -> bool:
        """Whether its names may have addresses of IPv6, too."""
        return self.ecr is None or self.ecr.dual_stack

    def host_of(self, errand: Errand) -> str:
        return self.ecr.host_of(errand) if self.ecr else self.host

    def has(self, host: str) -> bool:
        """Whether a host is the registry's own, or of its domain, as that of its logins often is."""
        domain = ".".join(self.host.split(".")[-2:])
        return host == self.host or host.endswith(f".{domain}")


def gave_up(pull: FailedPull) -> bool:
    """Whether Fargate says of a pull that it took too long: so it puts that there is no way to the registry.

    (docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html)
    """
    return pull.of_ecs and pull.host_kind.startswith("fargate") and "context canceled" in pull.message.lower()


@fact()
def in_ecr(registry: Registry) -> Destination:
    return Destination(registry.host, ecr=registry)


@fact()
def outside_of_ecr(repository: Repository, asked: Asked, pull: FailedPull) -> Destination:
    """:raises NotApplicable: it is one of ECR, or was reached, or nobody says where it is."""
    if ecr_host(repository.host) is not None:
        raise NotApplicable(f"{repository.host} is a private ECR registry")
    if asked.symptom not in _UNREACHED and not gave_up(pull):
        raise NotApplicable(f"{repository.host} was reached")
    host, _, port = repository.host.lower().partition(":")
    familiar = not port and (is_familiar(host) or host.endswith(_OF_GOOGLE))
    if not familiar and not asked.address and asked.symptom in SAYS_NOTHING:
        raise NotApplicable(f"where {host} is, nobody says")
    return Destination(host, int(port) if port else HTTPS, familiar=familiar)
