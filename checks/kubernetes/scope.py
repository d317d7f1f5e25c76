"""How far the failure reaches, from one bounded list of the namespace's pods: evidence, and never a cause.

Does the same image run elsewhere? Then it is there, and the node or its identity differs. Do other tags of it
run? Then the registry can be reached. What else from this registry fails, and where?
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.graph import fact
from checks.image.reference import BadReference, Image, parse
from checks.kubernetes.facts import Kube
from checks.kubernetes.pods import ImageState, Pod, pod
from checks.model import FailedPull

# (API group, resource, verb), as RBAC wants them.
RBAC = (("", "pods", "list"),)
_AT_MOST = "500"  # pods that are looked at; more are not needed for evidence
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Namespace:
    """A fact of its own, so that all pulls in it share one list."""

    name: str


@fact()
def namespace(pull: FailedPull, _: Kube) -> Namespace:
    return Namespace(pull.namespace)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pods of the namespace; ``all``: none were left out."""

    pods: tuple[Pod, ...]
    all: bool


@fact()
async def neighbours(namespace: Namespace, kube: Kube) -> Neighbours:
    page = await kube.get(f"/api/v1/namespaces/{namespace.name}/pods", limit=_AT_MOST)
    rest = (page.get("metadata") or {}).get("continue")
    return Neighbours(tuple(pod(tree) for tree in page.get("items") or ()), not rest)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """``same``: pods in which the very image runs; ``others``: where another tag of it does; ``failing``:
    pods that cannot pull from this registry. Each as ``(pod, node, image)``.
    """

    same: tuple[tuple[str, str, str], ...]
    others: tuple[tuple[str, str, str], ...]
    failing: tuple[tuple[str, str, str], ...]
    registry: str

    @property
    def evidence(self) -> tuple[tuple[str, str], ...]:
        told = []
        if self.same:
            told.append(("The same image runs in", _few(f"{pod} on {node}" for pod, node, _ in self.same)))
        if self.others:
            told.append(("Other tags of it run", _few({image for *_, image in self.others})))
        if len(self.failing) > 1:
            nodes = _few({node for _, node, _ in self.failing if node})
            pods = len({pod for pod, *_ in self.failing})
            told.append(
                (f"Pods that cannot pull from {self.registry}", f"{pods}, on {nodes or 'no node yet'}")
            )
        return tuple(told)


@fact()
def elsewhere(pull: FailedPull, image: Image, neighbours: Neighbours) -> Elsewhere:
    same, others, failing = set(), set(), set()
    for one in neighbours.pods:
        for box in one.containers:
            seen = _parsed(box.image)
            if seen is None or seen.repository.host != image.repository.host or one.leaving:
                continue
            where = (one.name, one.node, box.image)
            if box.state is ImageState.FAILING and not one.over:
                failing.add(where)
            elif box.state is ImageState.THERE and seen == image:
                same.add(where)
            elif box.state is ImageState.THERE and seen.repository == image.repository:
                others.add(where)
    return Elsewhere(
        tuple(sorted(same)), tuple(sorted(others)), tuple(sorted(failing)), image.repository.host
    )


def _parsed(text: str) -> Image | None:
    try:
        return parse(text)
    except BadReference:
        return None


def _few(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more
