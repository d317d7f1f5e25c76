"""The three errands of a pull from ECR, and where each of them goes.

First a token from ``api.ecr``, asked for by kubelet's credential provider; then the manifest from
``ACCOUNT.dkr.ecr``; then the layers, for which ECR redirects to a bucket of its own in S3. Each may take
another way out of the VPC (docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html). Kubelet's
provider may be set up to pull as a role of the pod's service account, and then asks STS before all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from checks.graph import fact
from checks.image.hosts import ecr_host
from checks.image.reference import Repository
from checks.model import NotApplicable


class Errand(Enum):
    """The value is the name of the endpoint service, without the region."""

    TOKEN = "ecr.api"  # noqa: S105  the name of a service
    MANIFEST = "ecr.dkr"
    LAYERS = "s3"
    SERVICE_ACCOUNT = "sts"

    def __str__(self) -> str:
        return _IN_WORDS[self]


_IN_WORDS = {
    Errand.TOKEN: "the registry's token (ecr.api)",
    Errand.MANIFEST: "manifests (ecr.dkr)",
    Errand.LAYERS: "layers (s3)",
    Errand.SERVICE_ACCOUNT: "a service account's credentials (sts)",
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
