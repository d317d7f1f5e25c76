"""The port to AWS, and where the image lives in it.

Reads are told apart by how they fail. "Does not exist" is an answer (``NotFound``, with the service's
own code); a denial, throttling or a timeout is none (``Unavailable``, naming the IAM action to grant).
ECR denies before it says "not found", so across accounts a denied read says nothing about existence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from checks.graph import fact
from checks.image.hosts import ECR_PUBLIC, ecr_host
from checks.image.reference import Repository
from checks.model import NotApplicable

# The registries that EKS add-ons are pulled from, one or a few per region
# (docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html). Nobody but AWS can read their policies.
_AWS_OWNED = frozenset({
    "013241004608", "066635153087", "121268973566", "151742754352", "296578399912", "333609536671",
    "455263428931", "491585149902", "533267051163", "558608220178", "590381155156", "602401143452",
    "730335286997", "759879836304", "761377655185", "800184023465", "877085696533", "900612956339",
    "900889452093", "918309763551", "961992271922",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grant:
    """What IAM must allow for the calls of a module; each module that calls AWS lists its own in ``GRANTS``.

    ``resource`` is an ARN with ``{partition}`` in it, or ``*`` where IAM knows no narrower one.
    ``condition``: (operator, key, values), or nothing.
    """

    actions: tuple[str, ...]
    resource: str = "*"
    condition: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


class Aws(Protocol):
    """Read-only AWS. One method, so that a fake is ten lines.

    ``service`` and ``operation`` are boto3's names (``ecr``, ``get_repository_policy``), ``params`` and
    the answer are as in boto3; lists are complete, whatever the service's paging. ``account`` is the
    account whose resource is read, empty for the cluster's own: another account may need another role.

    :raises NotFound: the service answered that it does not exist; ``code`` is the service's word.
    :raises Unavailable: denied, throttled, timed out, no credentials; the message names the IAM action.
    """

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class EcrAddress:
    """A private ECR repository. ``partition`` is ``aws``, ``aws-cn``, …"""

    account: str
    region: str
    partition: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:ecr:{self.region}:{self.account}:repository/{self.name}"

    @property
    def call(self) -> dict[str, str]:
        """What every ECR call about this repository is given."""
        return {
            "region": self.region,
            "account": self.account,
            "registryId": self.account,
            "repositoryName": self.name,
        }


def is_of_aws(account: str) -> bool:
    """Whether the registry is AWS's own, from which every account may pull."""
    return account in _AWS_OWNED


@fact()
def ecr_address(repository: Repository) -> EcrAddress:
    host = ecr_host(repository.host)
    if host is None:
        public = " private" if repository.host in ECR_PUBLIC else ""
        raise NotApplicable(f"{repository.host} is no{public} ECR registry")
    if is_of_aws(host.account):
        raise NotApplicable(f"{host.account} is a registry of AWS itself, open to every account")
    return EcrAddress(host.account, host.region, host.partition, repository.path)
