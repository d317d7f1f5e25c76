"""A managed cluster put anew as it is, as `az aks update` does: AKS then makes again all that it says."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from checks.azure.facts import ResourceId, block, word
from checks.model import NotFound
from handlers.remedies.azure.steps import ArmWriter
from handlers.remedy import Conflict, Diff, Standing, Step

# What Azure answers and does not take (ManagedCluster of 2024-09-01); * is every entry of a list or a map.
_READ_ONLY = tuple(
    tuple(path.split("."))
    for path in (
        "id", "name", "type", "systemData", "eTag",
        "identity.principalId", "identity.tenantId",
        "identity.userAssignedIdentities.*.principalId", "identity.userAssignedIdentities.*.clientId",
        "properties.provisioningState", "properties.powerState", "properties.maxAgentPools",
        "properties.currentKubernetesVersion", "properties.fqdn", "properties.privateFQDN",
        "properties.azurePortalFQDN", "properties.resourceUID", "properties.status.provisioningError",
        "properties.agentPoolProfiles.*.eTag", "properties.agentPoolProfiles.*.provisioningState",
        "properties.agentPoolProfiles.*.currentOrchestratorVersion",
        "properties.agentPoolProfiles.*.status.provisioningError",
        "properties.addonProfiles.*.identity", "properties.oidcIssuerProfile.issuerURL",
        "properties.podIdentityProfile.userAssignedIdentities.*.provisioningState",
        "properties.podIdentityProfile.userAssignedIdentities.*.provisioningInfo",
        "properties.networkProfile.loadBalancerProfile.effectiveOutboundIPs",
        "properties.networkProfile.natGatewayProfile.effectiveOutboundIPs",
        "properties.privateLinkResources.*.privateLinkServiceID",
        "properties.ingressProfile.webAppRouting.identity",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReconcileCluster(Step):
    """``machines`` (a scale set, or a lone machine) lacks ``identity``, and has it afterwards.

    What is written is what was read a moment before, under its eTag: nobody's change is lost. There is no way
    back, as there is nothing to go back to.
    """

    actions: ClassVar[tuple[str, ...]] = (
        "Microsoft.Compute/virtualMachineScaleSets/read",
        "Microsoft.Compute/virtualMachines/read",
        "Microsoft.ContainerService/managedClusters/read",
        "Microsoft.ContainerService/managedClusters/write",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        "Microsoft.Network/virtualNetworks/subnets/join/action",  # asked for again whenever pools name one
    )

    cluster: str
    identity: str
    machines: str

    def diff(self) -> Diff:
        identity, cluster = ResourceId(self.identity).name, ResourceId(self.cluster).name
        return Diff(
            self.machines,
            f"without the kubelet identity {identity}",
            f"with the kubelet identity {identity}; all of the cluster {cluster} is made anew by its "
            "settings, which stay as they are",
        )

    def commands(self) -> tuple[str, ...]:
        where = ResourceId(self.cluster)
        words = ["az", "aks", "update", "--resource-group", where.group, "--name", where.name]
        return (shlex.join([*words, "--subscription", where.subscription]),)

    def inverse(self) -> None:
        return None

    async def look(self, arm: ArmWriter) -> Standing:
        try:
            found = await arm.get(self.machines)
        except NotFound:
            return Standing.ELSEWHERE
        assigned = {ResourceId(one) for one in block(found, "identity", "userAssignedIdentities")}
        return Standing.AFTER if ResourceId(self.identity) in assigned else Standing.BEFORE

    async def write(self, arm: ArmWriter) -> ReconcileCluster:
        try:
            found = await arm.get(self.cluster)
        except NotFound:
            raise Conflict(f"the cluster {self.cluster} is gone") from None
        state, power = (
            word(found, "properties", "provisioningState"),
            word(found, "properties", "powerState", "code"),
        )
        if state != "Succeeded" or power not in ("", "Running"):
            raise Conflict(
                f"the cluster {self.cluster} is busy or not running ({state}, {power}); nothing was done"
            )
        await arm.put(self.cluster, writable(found), if_match=word(found, "eTag"))
        return self


def writable(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """A cluster as Azure takes it: without what only Azure says."""
    return {
        name: _without(value, [path[1:] for path in _READ_ONLY if path[0] == name])
        for name, value in cluster.items()
        if (name,) not in _READ_ONLY
    }


def _without(value: Any, paths: list[tuple[str, ...]]) -> Any:
    if isinstance(value, list):
        inside = [path[1:] for path in paths if path[0] == "*"]
        return [_without(one, inside) for one in value] if inside else value
    if not isinstance(value, dict) or not paths:
        return value
    dropped = {path[0] for path in paths if len(path) == 1}
    return {
        name: _without(one, [path[1:] for path in paths if len(path) > 1 and path[0] in ("*", name)])
        for name, one in value.items()
        if name not in dropped
    }
