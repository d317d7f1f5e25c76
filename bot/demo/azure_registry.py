"""The simulated container registry's front door: whom it lets in, by what Azure holds right now.

It reads roles by itself and in the simplest way, for the reason that ``bot.demo.registry`` has. A role with a
condition, or a registry with rights per repository, lets nobody in. Answers are containerd's words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import quote

from bot.demo.azure import Azure, Tree
from bot.demo.kubelet import NotPulled, Pulled

_PULL = "microsoft.containerregistry/registries/pull/read"
_SIZE = 32654


class AzureRegistry:
    """All registries of ``azure``, for nodes of one scale set.

    :param machines: the scale set's id
    :param images: whole references of what was ever pushed
    """

    def __init__(self, azure: Azure, machines: str, images: Collection[str]) -> None:
        self._azure, self._machines, self._images = azure, machines, images

    async def pull(self, image: str) -> Pulled | NotPulled:
        """What the container runtime of such a node would say about pulling ``image`` now."""
        host, _, rest = image.partition("/")
        name = rest.partition("@")[0].partition(":")[0]
        registry = next((one for one in self._registries() if one["properties"]["loginServer"] == host), None)
        if registry is None:
            url = f"https://{host}/v2/{name}/manifests/{rest.partition(':')[2] or 'latest'}"
            return _unresolved(
                image, f'failed to do request: Head "{url}": dial tcp: lookup {host}: no such host'
            )
        if not any(self._may_pull(one, registry) for one in self._identities()):
            scope = quote(f"repository:{name}:pull", safe="")
            where = f"https://{host}/oauth2/token?scope={scope}&service={host}"
            answer = f"unexpected status from GET request to {where}: 401 Unauthorized"
            return _unresolved(image, f"failed to authorize: failed to fetch anonymous token: {answer}")
        if image not in self._images:
            missing = _unresolved(image, f"{image}: not found")
            return NotPulled(f"rpc error: code = NotFound desc = {missing.cause}")
        return Pulled(f"{host}/{name}@sha256:{'a' * 64}", _SIZE)

    def _registries(self) -> Iterator[Tree]:
        for id, tree in list(self._azure.resources.items()):
            provider, _, rest = id.rpartition("/providers/")[2].partition("/registries/")
            if provider == "microsoft.containerregistry" and rest and "/" not in rest:
                yield tree

    def _identities(self) -> list[str]:
        held = self._azure.get(self._machines)["identity"]["userAssignedIdentities"]
        return [one["principalId"] for one in held.values()]

    def _may_pull(self, identity: str, registry: Tree) -> bool:
        if registry["properties"].get("roleAssignmentMode") == "AbacRepositoryPermissions":
            return False
        return any(
            _allows_pull(self._azure.get(one["properties"]["roleDefinitionId"]))
            for one in self._azure.assigned(registry["id"], identity, "roleassignments")
            if not one["properties"].get("condition")
        )


def _allows_pull(role: Tree) -> bool:
    for one in role["properties"]["permissions"]:
        allowed = {action.lower() for action in one["actions"]}
        taken = {action.lower() for action in one["notActions"]}
        if allowed & {"*", "*/read", _PULL} and not taken & {"*", "*/read", _PULL}:
            return True
    return False


def _unresolved(image: str, why: str) -> NotPulled:
    return NotPulled(
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {why}'
    )
