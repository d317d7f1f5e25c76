"""What a person does about a registry whose name the node cannot resolve."""

from __future__ import annotations

import shlex

from checks.registry.host_resolves import host_resolves
from checks.registry.views import Views
from handlers.remedy import ByHand, by_hand


@by_hand("Make the registry's name resolve on the node", cures=host_resolves)
def make_name_resolve(views: Views) -> ByHand:
    return ByHand(
        f"Who runs the DNS that the nodes ask makes it know {views.host}: pulls go by the node's resolver, "
        "not by the cluster's. The commands show, on the node, whom it asks and what it is told",
        ("cat /etc/resolv.conf", shlex.join(["getent", "hosts", views.host])),
    )
