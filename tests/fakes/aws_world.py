"""A small world on an AWS of dictionaries with one failed pull, and what failed pulls say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from checks.aws.facts import Aws
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.image.symptom import classify
from checks.model import FailedPull, Finding
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedy import load_remedies
from tests.fakes.aws_account import ACCOUNT, Account
from tests.fakes.aws_door import Door

REGION = "us-west-2"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
IMAGE = f"{HOST}/app:1.2.1"
NODE = Host(
    "ip-10-0-1-7", "aws:///us-west-2a/i-0abc", "amd64", "linux", (("eks.amazonaws.com/nodegroup", "default"),)
)
SELF_MANAGED = Host("ip-10-0-1-7", "aws:///us-west-2a/i-0abc", "amd64", "linux", ())
AUTO = Host(
    "i-0abc", "aws:///us-west-2a/i-0abc", "amd64", "linux", (("eks.amazonaws.com/compute-type", "auto"),)
)
_FARGATE_NAME = "fargate-ip-10-0-1-9.us-west-2.compute.internal"
FARGATE = Host(
    _FARGATE_NAME,
    f"aws:///us-west-2a/0123456789-abcdef/{_FARGATE_NAME}",
    "amd64",
    "linux",
    (("eks.amazonaws.com/compute-type", "fargate"),),
)
FORBIDDEN = f'failed to do request: Head "https://{HOST}/v2/app/manifests/1.2.1": 403 Forbidden'
TIMEOUT = f'failed to do request: Head "https://{HOST}/v2/": dial tcp 10.0.9.9:443: i/o timeout'
SILENCE = (
    f'failed to do request: Head "https://{HOST}/v2/": net/http: request canceled while waiting for '
    "connection (Client.Timeout exceeded while awaiting headers)"
)
UNAUTHORIZED = (
    f"failed to authorize: failed to fetch anonymous token: https://{HOST}/token/: 401 Unauthorized"
)
BUCKET = f"prod-{REGION}-starport-layer-bucket.s3.{REGION}.amazonaws.com"
NO_LAYERS = (
    "failed to copy: httpReadSeeker: failed open: failed to do request: "
    f'Get "https://{BUCKET}/x": dial tcp 52.92.1.1:443: i/o timeout'
)
MISSING_TAG = f"{IMAGE}: not found"
NO_MATCH = "failed to resolve reference: no match for platform in manifest: not found"
_EVERY = Catalog.load()
# Kubernetes is not there to be asked.
CATALOG = Catalog(_EVERY.facts, tuple(one for one in _EVERY.checks if not one.id.startswith("kubernetes/")))
REMEDIES = tuple(one for one in load_remedies() if one.id.startswith("aws/"))


@dataclass
class World:
    """``roots`` but for ``Aws``. ``run`` keeps an AWS going that answers in rounds."""

    aws: Aws
    roots: dict[Any, object]
    pull: FailedPull
    run: Callable[[Awaitable[Any]], Awaitable[Any]]

    async def look(self, door: Door) -> Seen:
        memo: Memo = {}
        roots = {**self.roots, Aws: door}

        async def seen() -> Seen:
            found = [one async for one in diagnose(CATALOG, [self.pull], roots, memo)]
            offers = await offers_for(
                [self.pull], found, catalog=CATALOG, remedies=REMEDIES, roots=roots, memo=memo
            )
            return Seen({one.check: one for one in found}, offers)

        answer: Seen = await self.run(seen())
        return answer


@dataclass(frozen=True)
class Seen:
    """All that is told of a pull, by check, and what is offered."""

    findings: Mapping[str, Finding]
    offers: tuple[Offer, ...]

    @property
    def plans(self) -> set[tuple[str, str]]:
        """The remedy and the digest of each plan that would change something."""
        return {(one.remedy, one.digest) for one in self.offers if one.plan and not one.plan.asks}


def failed_pull(message: str, *, image: str = IMAGE, host: Host = NODE, kind: str = "node") -> FailedPull:
    return FailedPull(
        cluster="demo",
        namespace="default",
        workload="Deployment/ui",
        container="ui",
        pods=("ui-1",),
        nodes=(host.name,),
        host_kind=kind,
        image=image,
        symptom=classify(message).symptom,
        message=message,
    )


def on_eks(aws: Account, message: str, *, image: str = IMAGE, host: Host = NODE, kind: str = "node") -> World:
    roots: dict[Any, object] = {Cluster: Cluster("demo", "eks", REGION, "demo"), Host: host}
    return World(aws, roots, failed_pull(message, image=image, host=host, kind=kind), aws.run)
