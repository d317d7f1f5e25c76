"""Would a change of the network help? The checks are asked again, on the network as it would be then.

Two faults at once are common. What cures one of them says that another stays: then both are to be mended, in
whatever order.
"""

from __future__ import annotations

from checks.azure.firewall_lets_through import firewall_lets_through
from checks.azure.nsg_lets_out import nsg_lets_out
from checks.azure.outbound_way import WayOut
from checks.azure.registry_firewall_admits_cluster import registry_firewall_admits_cluster
from checks.azure.routes_reach_registry import routes_reach_registry
from checks.graph import Check
from checks.model import NotApplicable, Status, Verdict

# In the order in which packets meet them.
_IN_ORDER = (nsg_lets_out, routes_reach_registry, firewall_lets_through, registry_firewall_admits_cluster)


def must_fail(check: Check, now: WayOut) -> Verdict:
    """:raises NotApplicable: there is nothing to cure. What could not be read, the check itself tells."""
    verdict = now.says(check)
    if verdict is None or verdict.status is not Status.FAIL:
        raise NotApplicable(f"{check.id} does not fail")
    return verdict


def what_stays(then: WayOut) -> str:
    """The faults that it would not cure, in words; "" if none is known."""
    verdicts = [verdict for check in _IN_ORDER if (verdict := then.says(check)) is not None]
    still = [one.summary for one in verdicts if one.status is Status.FAIL]
    return f"alone it does not help: {'; '.join(still)}" if still else ""
