"""A registry, who pulls from it, and what roles and deny assignments say, as facts."""

from __future__ import annotations

from checks.azure.cluster import AksCluster, Proxy
from checks.azure.facts import ResourceId
from checks.azure.puller import Puller
from checks.azure.registry import Registry
from checks.azure.rights import PullRights, pull_rights
from checks.azure.roles import (
    ACR_PULL,
    REPOSITORY_READER,
    Assignment,
    Denial,
    Denials,
    Permission,
    Role,
    Roles,
)
from checks.image.reference import Repository

GROUP = "/subscriptions/s1/resourceGroups/shop"
ACR = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/contoso"
ME = "11111111-0000-0000-0000-000000000001"
REPOSITORIES = "Microsoft.ContainerRegistry/registries/repositories"
NAME = f"@Request[{REPOSITORIES}:name]"
CLUSTER = AksCluster(
    id=ResourceId("/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"),
    location="", kubelet=None, service_principal="app", node_group="", outbound="",
    outbound_ips=(), pools=(), proxy=Proxy("", "", ()), provisioning="", power="",
)  # fmt: skip
PULLER = Puller(ME, "the kubelet identity prod-agentpool", managed=True)


def registry(*, by_repository: bool = False, anonymous: bool = False, arm_tokens: bool = True) -> Registry:
    return Registry(
        id=ResourceId(ACR), host="contoso.azurecr.io", location="westeurope", sku="Premium",
        by_repository=by_repository, public=True, admits_all=True, admitted=(), admitted_subnets=(),
        admin_enabled=False, anonymous=anonymous, takes_arm_tokens=arm_tokens, data_hosts=(), private=(),
    )  # fmt: skip


def permission(*actions: str, without: tuple[str, ...] = (), data: tuple[str, ...] = ()) -> Permission:
    return Permission(actions, without, data, ())


ACR_PULL_ROLE = Role(ACR_PULL, "AcrPull", (permission("Microsoft.ContainerRegistry/registries/pull/read"),))
READER = Role("acdd72a7", "Reader", (permission("*/read"),))
OWNER = Role("8e3af657", "Owner", (permission("*"),))
REPOSITORY_READER_ROLE = Role(
    REPOSITORY_READER,
    "Container Registry Repository Reader",
    (permission(data=(f"{REPOSITORIES}/content/read", f"{REPOSITORIES}/metadata/read")),),
)


def held(
    role: Role, scope: str = ACR, condition: str = "", principal: str = ME, kind: str = "ServicePrincipal"
) -> tuple[Assignment, Role]:
    id = ResourceId(f"{scope}/providers/Microsoft.Authorization/roleAssignments/a")
    definition = f"/providers/Microsoft.Authorization/roleDefinitions/{role.id}"
    return Assignment(id, scope, definition, principal, kind, condition), role


def denial(
    *actions: str,
    to: tuple[tuple[str, str], ...] = (("00000000-0000-0000-0000-000000000000", "SystemDefined"),),
    spared: tuple[tuple[str, str], ...] = (),
    conditional: bool = False,
    data: tuple[str, ...] = (),
) -> Denial:
    id = ResourceId(f"{ACR}/providers/Microsoft.Authorization/denyAssignments/d")
    permissions = (permission(*actions, data=data),)
    return Denial(id, "Stack lock", frozenset(to), frozenset(spared), permissions, conditional)


def rights(
    *those: tuple[Assignment, Role],
    of: Registry | None = None,
    denials: Denials | None = None,
    puller: Puller = PULLER,
    path: str = "shop/web",
) -> PullRights:
    found: PullRights = pull_rights(
        of or registry(),
        Repository("contoso.azurecr.io", path),
        puller,
        Roles(those),
        denials or Denials(()),
    )
    return found
