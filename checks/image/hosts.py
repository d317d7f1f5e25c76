"""What a registry's host name says: whose registry it is, and in which cloud, region and partition."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The expression of the kubelet's ecr-credential-provider (cloud-provider-aws,
# cmd/ecr-credential-provider/main.go): a host it does not match gets no credentials.
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr(?P<joint>[.-])ecr(?P<fips>-fips)?\.(?P<region>[a-zA-Z0-9][a-zA-Z0-9_-]*)\."
    r"(?P<suffix>amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)"
    r"|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)

# botocore's partitions.json: these suffixes belong to one partition each.
_PARTITION_OF_SUFFIX = {
    "amazonaws.com.cn": "aws-cn",
    "on.amazonwebservices.com.cn": "aws-cn",
    "amazonaws.eu": "aws-eusc",
    "c2s.ic.gov": "aws-iso",
    "sc2s.sgov.gov": "aws-iso-b",
    "cloud.adc-e.uk": "aws-iso-e",
    "csp.hci.ic.gov": "aws-iso-f",
}
# The other two, amazonaws.com and on.aws, are shared: the region tells.
_PARTITION_OF_REGION = {"us-gov-": "aws-us-gov", "eusc-": "aws-eusc", "cn-": "aws-cn"}

# Azure's container-registry-endpoint-reference: NAME.azurecr.io, NAME-HASH.azurecr.io where the
# domain name label is on, NAME.REGION.geo.azurecr.io; NAME.REGION.data.azurecr.io serves layers only.
_ACR = re.compile(
    r"(?P<registry>[a-zA-Z0-9]{5,50})(?P<label>-[a-z0-9]+)?"
    r"(?:\.(?P<region>[a-z0-9]+)\.geo)?\.(?P<suffix>azurecr\.(?:io|cn|us|de))"
)

ECR_PUBLIC = frozenset({"public.ecr.aws", "ecr-public.aws.com"})


@dataclass(frozen=True, slots=True)
class EcrHost:
    """A private registry of Amazon ECR. ``partition`` is as in ARNs; ``suffix`` follows the region."""

    account: str
    region: str
    partition: str
    fips: bool
    dual_stack: bool
    suffix: str


@dataclass(frozen=True, slots=True)
class AcrHost:
    """An Azure container registry. ``registry`` is its resource name; ``region`` only of regional hosts."""

    registry: str
    label: str
    region: str
    suffix: str

    @property
    def login_server(self) -> str:
        """The registry's ``loginServer`` as ARM gives it, e.g. ``contoso-abc123.azurecr.io``."""
        label = f"-{self.label}" if self.label else ""
        return f"{self.registry}{label}.{self.suffix}".lower()


def ecr_host(host: str) -> EcrHost | None:
    """The parts of a private ECR host, in all its forms, or ``None`` where the kubelet sees no ECR."""
    found = _ECR.fullmatch(host)
    if found is None:
        return None
    region, suffix = found["region"], found["suffix"]
    return EcrHost(
        account=found["account"],
        region=region,
        partition=partition_of(region, suffix),
        fips=found["fips"] is not None,
        dual_stack=found["joint"] == "-",
        suffix=suffix,
    )


def acr_host(host: str) -> AcrHost | None:
    """The parts of an ACR login server, or ``None`` for any other host (data endpoints included)."""
    found = _ACR.fullmatch(host)
    if found is None:
        return None
    return AcrHost(
        found["registry"], (found["label"] or "").lstrip("-"), found["region"] or "", found["suffix"]
    )


def partition_of(region: str, suffix: str = "amazonaws.com") -> str:
    """The ARN partition (``aws``, ``aws-cn``, …) of a region and a host's suffix."""
    if suffix in _PARTITION_OF_SUFFIX:
        return _PARTITION_OF_SUFFIX[suffix]
    for prefix, partition in _PARTITION_OF_REGION.items():
        if region.startswith(prefix):
            return partition
    return "aws"
