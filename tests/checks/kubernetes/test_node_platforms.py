"""Which nodes a pod may land on, as the scheduler reads its wishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from checks.kubernetes.node_platforms import is_ready, landing, may_land
from checks.model import FailedPull, NotApplicable, NotFound
from checks.registry.landing import Kind, Landing
from checks.registry.platform import Platform
from tests.fakes.registry_world import failed_pull

PULL = failed_pull("registry.example.com/shop/web:1", "no match for platform in manifest: not found")


def node(name: str = "n1", arch: str = "amd64", *, ready: str = "True", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/arch": arch, **labels}},
        "spec": {},
        "status": {
            "nodeInfo": {"operatingSystem": "linux", "architecture": arch},
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


def wanting(*expressions: Mapping[str, Any], fields: bool = False) -> dict[str, Any]:
    """A pod that requires one term with these expressions."""
    term = {"matchFields" if fields else "matchExpressions": list(expressions)}
    required = {"nodeSelectorTerms": [term]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


def wish(operator: str, *values: str, key: str = "kubernetes.io/arch") -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("spec", "lands"),
    [
        ({}, True),
        ({"nodeSelector": {"kubernetes.io/arch": "amd64"}}, True),
        ({"nodeSelector": {"kubernetes.io/arch": "arm64"}}, False),
        ({"nodeSelector": {"disk": "ssd"}}, False),
        (wanting(wish("In", "arm64", "amd64")), True),
        (wanting(wish("In", "arm64")), False),
        (wanting(wish("NotIn", "arm64")), True),
        (wanting(wish("NotIn", "x", key="absent")), True),
        (wanting(wish("Exists")), True),
        (wanting(wish("Exists", key="absent")), False),
        (wanting(wish("DoesNotExist", key="absent")), True),
        (wanting(wish("Gt", "3", key="size")), True),
        (wanting(wish("Lt", "3", key="size")), False),
        (wanting(wish("Gt", "x", key="size")), False),
        (wanting(wish("Gt", "3", key="absent")), False),
        (wanting(wish("In", "n1", key="metadata.name"), fields=True), True),
        (wanting(wish("In", "n2", key="metadata.name"), fields=True), False),
        (wanting(wish("Exists"), wish("In", "arm64")), False),
        (wanting(), False),
        (wanting(wish("Nonsense")), False),
        ({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}}, True),
    ],
)
def test_a_pods_wishes_decide(spec: Mapping[str, Any], lands: bool) -> None:
    assert may_land(spec, node(size="5")) is lands


def test_nodes_that_are_not_ready_or_cordoned_do_not_count() -> None:
    assert is_ready(node())
    assert not is_ready(node(ready="False"))
    assert not is_ready({**node(), "spec": {"unschedulable": True}})
    assert not is_ready({})


class Cluster:
    """The port ``Kube``, of one pod and some nodes."""

    def __init__(self, spec: Mapping[str, Any], *nodes: Mapping[str, Any]) -> None:
        self._spec = spec
        self._nodes = nodes

    async def get(self, path: str, **_: str) -> Mapping[str, Any]:
        if path == "/api/v1/nodes":
            return {"items": list(self._nodes)}
        if path.endswith("/pods/web-1") and self._spec:
            return {"spec": self._spec}
        raise NotFound("NotFound")


async def test_ready_nodes_are_counted_by_platform() -> None:
    cluster = Cluster(
        {"containers": []}, node("a"), node("b"), node("c", "arm64"), node("d", ready="Unknown")
    )
    found = await landing(PULL, cluster)
    amd, arm = Platform("linux", "amd64"), Platform("linux", "arm64")
    assert found == Landing((Kind(amd, 2), Kind(arm, 1)), 4)


async def test_nobody_lists_nodes_where_the_platform_is_not_in_question() -> None:
    with pytest.raises(NotApplicable):
        await landing(failed_pull("r.example/a:1", "403 Forbidden"), Cluster({}))


async def test_pods_that_are_gone_have_no_wishes() -> None:
    pull: FailedPull = PULL
    with pytest.raises(NotApplicable):
        await landing(pull, Cluster({}, node()))
