"""What people type about a node."""

from __future__ import annotations

import shlex


def cordon(node: str) -> str:
    """Keep new pods off it."""
    return shlex.join(["kubectl", "cordon", node])


def drain(node: str) -> str:
    """Have all its pods made anew elsewhere."""
    return shlex.join(["kubectl", "drain", node, "--ignore-daemonsets", "--delete-emptydir-data"])
