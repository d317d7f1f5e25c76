"""The controllers: deployments have ReplicaSets, these have pods, and pods have a node.

``tend`` brings one deployment in line with its spec, from whatever is there. As in Kubernetes, a changed pod
template means a new ReplicaSet, old pods that are not ready go at once, and ready ones as others take over.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from bot.demo import shapes
from bot.demo.objects import Objects
from bot.demo.shapes import REVISION, Tree


def tend(objects: Objects, namespace: str, name: str) -> None:
    """Do for one deployment what is to be done now. Nothing, if it is gone."""
    deployment = objects.find("deployments", name, namespace)
    if deployment is None:
        return
    wanted = int(deployment["spec"].get("replicas", 1))
    current, old = _replica_sets(objects, deployment)
    pods = _pods_of(objects, namespace, (current, *old))
    new = pods[current["metadata"]["uid"]]
    # Who is ready is the last to go.
    new.sort(key=lambda pod: not shapes.is_ready(pod))
    for one in new[wanted:]:
        _delete(objects, "pods", one)
    new = new[:wanted] + [objects.put(shapes.pod(current)) for _ in range(wanted - len(new))]
    ready = sum(map(shapes.is_ready, new))
    _show_replica_set(objects, current, wanted, new)
    left: list[Tree] = []
    for one in old:
        kept = [pod for pod in pods[one["metadata"]["uid"]] if shapes.is_ready(pod)]
        kept = kept[: max(0, wanted - ready - len(left))]
        names = {pod["metadata"]["name"] for pod in kept}
        for pod in pods[one["metadata"]["uid"]]:
            if pod["metadata"]["name"] not in names:
                _delete(objects, "pods", pod)
        _show_replica_set(objects, one, len(kept), kept)
        left += kept
    _show_deployment(objects, deployment, wanted, new, left)


def collect(objects: Objects, uid: str) -> None:
    """Delete what that owner had, and what these had."""
    for resource in ("replicasets", "pods"):
        for tree in objects.trees(resource):
            if any(one["uid"] == uid for one in shapes.owners(tree)):
                _delete(objects, resource, tree)


def assign(objects: Objects, pod: Tree, node: str) -> Tree:
    """The scheduler: there is only one node."""
    placed = objects.put(pod | {"spec": pod["spec"] | {"nodeName": node}})
    where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    made = shapes.event(
        placed,
        field="",
        kind="Normal",
        reason="Scheduled",
        message=f"Successfully assigned {where} to {node}",
        by="default-scheduler",
        host="",
        now=objects.timestamp(),
    )
    objects.put(made)
    return placed


def _replica_sets(objects: Objects, deployment: Tree) -> tuple[Tree, list[Tree]]:
    """The one of the current template, made if need be, and the others."""
    uid = deployment["metadata"]["uid"]
    namespace = deployment["metadata"]["namespace"]
    there = [
        tree
        for tree in objects.trees("replicasets", namespace)
        if any(one["uid"] == uid for one in shapes.owners(tree))
    ]
    newest = max((_revision(one) for one in there), default=0)
    made = shapes.replica_set(deployment, newest + 1)
    current = next((one for one in there if one["metadata"]["name"] == made["metadata"]["name"]), None)
    if current is None:
        current = objects.put(made)
    elif _revision(current) < newest:  # back to an earlier template
        metadata = current["metadata"] | {"annotations": made["metadata"]["annotations"]}
        current = objects.put(current | {"metadata": metadata})
    others = [one for one in there if one["metadata"]["name"] != current["metadata"]["name"]]
    return current, sorted(others, key=_revision, reverse=True)


def _revision(replica_set: Tree) -> int:
    return int(replica_set["metadata"]["annotations"][REVISION])


def _pods_of(objects: Objects, namespace: str, owners: Sequence[Tree]) -> dict[str, list[Tree]]:
    found: dict[str, list[Tree]] = {one["metadata"]["uid"]: [] for one in owners}
    for pod in objects.trees("pods", namespace):
        for owner in shapes.owners(pod):
            if owner["uid"] in found:
                found[owner["uid"]].append(pod)
    return found


def _delete(objects: Objects, resource: str, tree: Tree) -> None:
    name, namespace = tree["metadata"]["name"], tree["metadata"]["namespace"]
    if objects.find(resource, name, namespace) is not None:
        objects.delete(resource, name, namespace)


def _show_replica_set(objects: Objects, tree: Tree, wanted: int, pods: Sequence[Tree]) -> None:
    ready = sum(map(shapes.is_ready, pods))
    status = {"replicas": len(pods), "fullyLabeledReplicas": len(pods)} | _counted(ready)
    objects.put(tree | {"spec": tree["spec"] | {"replicas": wanted}, "status": status})


def _show_deployment(
    objects: Objects, tree: Tree, wanted: int, new: Sequence[Tree], old: Sequence[Tree]
) -> None:
    ready = sum(map(shapes.is_ready, chain(new, old)))
    unavailable = {"unavailableReplicas": wanted - ready} if ready < wanted else {}
    # Kubernetes tolerates a quarter, rounded down.
    available = ready >= wanted - wanted // 4
    objects.put(
        tree
        | {
            "status": {
                "observedGeneration": tree["metadata"]["generation"],
                "replicas": len(new) + len(old),
                "updatedReplicas": len(new),
                "conditions": [
                    {
                        "type": "Available",
                        "status": "True" if available else "False",
                        "reason": "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
                        "message": f"Deployment {'has' if available else 'does not have'} "
                        "minimum availability.",
                    }
                ],
                **_counted(ready),
                **unavailable,
            }
        }
    )


def _counted(ready: int) -> dict[str, int]:
    return {"readyReplicas": ready, "availableReplicas": ready} if ready else {}
