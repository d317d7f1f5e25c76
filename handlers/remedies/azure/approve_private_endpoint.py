"""Let a private endpoint in: the registry's owner decides who reaches it, and we do not."""

from __future__ import annotations

import shlex

from checks.azure.private_endpoint_is_approved import MeantEndpoints, private_endpoint_is_approved
from checks.azure.registry import Registry
from handlers.remedy import ByHand, by_hand


@by_hand("Approve the private endpoint", cures=private_endpoint_is_approved)
def approve_private_endpoint(registry: Registry, endpoints: MeantEndpoints) -> ByHand:
    meant = [one for one in endpoints.all if not one.approved]
    gone = [one for one in meant if one.connection.status.lower() == "disconnected"]
    if gone:
        return ByHand(
            f"The private endpoint {gone[0].id.name} was cut off by the registry's owner, and cannot be let "
            "in again: whoever answers for its network deletes it and makes a new one",
            (
                shlex.join(["az", "network", "private-endpoint", "delete", "--ids", str(gone[0].id)]),
                shlex.join(
                    [
                        "az", "network", "private-endpoint", "create", "--resource-group", gone[0].id.group,
                        "--name", gone[0].id.name, "--subnet", str(gone[0].subnet or "SUBNET_ID"),
                        "--private-connection-resource-id", str(registry.id), "--group-id", "registry",
                        "--connection-name", "CONNECTION_NAME",
                    ]
                ),
            ),
            "its addresses may be others then, and so the records in the private zone",
        )  # fmt: skip
    words = ["az", "network", "private-endpoint-connection", "approve", "--id"]
    return ByHand(
        f"Who answers for {registry.host} lets the private endpoint in, if it is to be let in",
        tuple(shlex.join([*words, str(one.connection.id), "--description", "WHY"]) for one in meant),
        "from then on all that reaches the endpoint reaches the registry, past its firewall",
    )
