"""What would be offered for a network of ``tests.fakes.aws_network``: diagnosed and planned, never done."""

from __future__ import annotations

from checks.aws.facts import Aws
from checks.diagnose import diagnose
from checks.graph import Catalog
from checks.host import Cluster, Host
from checks.kubernetes.facts import Kube
from checks.model import FailedPull, Finding
from checks.resolve import Memo
from handlers.decision import Offer
from handlers.proposal import offers_for
from handlers.remedy import Plan, load_remedies
from tests.fakes.aws_account import Account
from tests.fakes.aws_network import NODE, Network, NoCluster, account, failed_pull

CATALOG = Catalog.load()
REMEDIES = load_remedies()


async def offers(network: Network, pull: FailedPull | None = None) -> list[Offer]:
    """Everything that is offered or refused for it by a remedy for AWS, in order."""
    aws: Account = account(network)
    pull = pull or failed_pull()
    roots = {Aws: aws, Host: NODE, Cluster: Cluster("demo"), Kube: NoCluster()}

    async def made() -> list[Offer]:
        memo: Memo = {}
        findings: list[Finding] = [one async for one in diagnose(CATALOG, [pull], roots, memo)]
        found = await offers_for([pull], findings, catalog=CATALOG, remedies=REMEDIES, roots=roots, memo=memo)
        return [one for one in found if one.remedy.startswith("aws/")]

    answer: list[Offer] = await aws.run(made())
    return answer


async def only_plan(remedy: str, network: Network, pull: FailedPull | None = None) -> Plan:
    """The plan of the only offer there is."""
    [offer] = await offers(network, pull)
    assert offer.plan is not None, offer.refused
    assert offer.remedy == remedy
    return offer.plan


async def refusal(remedy: str, network: Network, pull: FailedPull | None = None) -> str:
    """Why the remedy is not offered."""
    [offer] = [one for one in await offers(network, pull) if one.remedy == remedy]
    assert offer.plan is None, offer.plan
    return offer.refused
