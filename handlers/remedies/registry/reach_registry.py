"""What a person does about a registry that takes no connections, or answers with errors."""

from __future__ import annotations

import shlex

from checks.registry.host_answers import host_answers
from checks.registry.views import Views
from handlers.remedy import ByHand, by_hand


@by_hand("Reach the registry", cures=host_answers)
def reach_registry(views: Views) -> ByHand:
    return ByHand(
        f"Who runs {views.endpoint.host} looks whether it is up and whom it lets in; kubelet tries again by "
        "itself. The command shows, on the node, how far it gets",
        (shlex.join(["curl", "-v", "--max-time", "10", f"{views.endpoint.secure}/v2/"]),),
    )
