"""Does kubelet's credential provider know the registry's host? Else nobody asks for a token: ECR answers 401.

A ``*`` in its ``matchImages`` stands for one label at most: ``*.dkr.ecr.*.amazonaws.com`` fits no host of the
dual-stack kind (``ACCOUNT.dkr-ecr.REGION.on.aws``) and none with FIPS, which need lines of their own; a
custom AMI may lack the provider. Its configuration is a file on the node that no API shows, so it is told
only where it is the likely cause (cloud-provider-aws, docs/credential_provider.md).
"""

from __future__ import annotations

from checks.aws.clue import Clue
from checks.aws.destinations import Errand, Registry
from checks.aws.nodes import InstanceId, Nodegroup
from checks.aws.paths import Paths
from checks.aws.rights import TOKEN, PullRights
from checks.aws.routing import DEAD
from checks.aws.rulings import Says
from checks.graph import check
from checks.host import Host
from checks.model import Leg, NotApplicable, Symptom, Verdict, unknown

_ANONYMOUS = frozenset({Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING})
_CONFIGURATION = "/etc/eks/image-credential-provider/config.json"


@check(
    "Kubelet's credential provider knows the registry's host",
    leg=Leg.CREDENTIALS,
    explains=_ANONYMOUS,
    page="https://repost.aws/knowledge-center/eks-ecr-troubleshooting",
)
def credential_provider_knows_host(  # noqa: PLR0917  facts are given by type
    host: Host,
    where: InstanceId,
    registry: Registry,
    clue: Clue,
    rights: PullRights,
    group: Nodegroup | None,
    paths: Paths | None,
) -> Verdict:
    """Never more than unknown: what is likely is no proof."""
    if clue.symptom not in _ANONYMOUS or rights.overall(TOKEN).says is not Says.ALLOWS:
        raise NotApplicable("nobody pulled without a login, or a role that gets no token explains it")
    if paths is not None and any(one.errand is Errand.TOKEN for one in paths.by(*DEAD)):
        raise NotApplicable("the token cannot be asked for")
    custom = group is not None and group.ami_type == "CUSTOM"
    if registry.plain and not custom:
        raise NotApplicable(f"every provider knows {registry.host}")
    likely = (
        "its AMI is a custom one"
        if registry.plain
        else f"a line for *.dkr.ecr.*.amazonaws.com fits no {registry.host}"
    )
    return unknown(
        f"the role gets a token, and kubelet seems not to have asked for one: {likely}; look on {host.name} "
        f"whether matchImages in {_CONFIGURATION} fit the host, and whether kubelet is given that file",
        ("Host", registry.host),
        ("Instance", where.id),
        ("AMI type", (group.ami_type if group else "") or "not known"),
    )
