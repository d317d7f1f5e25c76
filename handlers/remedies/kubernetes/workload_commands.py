"""What people type about a workload."""

from __future__ import annotations

import shlex

from checks.kubernetes.pod_template import Workload

_HAS_A_TEMPLATE = frozenset({"Deployment", "StatefulSet", "DaemonSet", "CronJob", "ReplicaSet"})


def edit(workload: Workload) -> str:
    return shlex.join(
        ["kubectl", "edit", f"{workload.kind.lower()}/{workload.name}", "-n", workload.namespace]
    )


def set_image(workload: Workload, container: str, image: str) -> str:
    """ "" where the image cannot be set, but has to be written into what is made anew."""
    if workload.kind not in _HAS_A_TEMPLATE | {"Pod"}:
        return ""
    what = f"{workload.kind.lower()}/{workload.name}"
    return shlex.join(["kubectl", "set", "image", what, f"{container}={image}", "-n", workload.namespace])
