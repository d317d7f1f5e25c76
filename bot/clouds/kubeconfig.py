"""What a kubeconfig says about a context besides how to reach it: namespace, and the cloud's own name for it.

`aws eks update-kubeconfig` calls contexts by the cluster's ARN, and every EKS kubeconfig names the cluster
to the program that gets its tokens (docs.aws.amazon.com/eks/latest/userguide/create-kubeconfig.html).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

_DEFAULT = "~/.kube/config"
_NAMESPACE_IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_EKS_ARN = re.compile(r"arn:[a-z-]+:eks:(?P<region>[a-z0-9-]+):\d{12}:cluster/(?P<name>[\w-]+)")
# `aws eks get-token --cluster-name NAME --region REGION`, `aws-iam-authenticator token -i NAME`
_NAME_OPTIONS = ("--cluster-name", "--cluster-id", "-i")
_REGION_OPTIONS = ("--region",)


class BadKubeconfig(Exception):
    """There is none, it cannot be read, or it lacks what was asked for. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Context:
    """``name`` is "" for the cluster that we run in. ``cloud_name`` and ``region``: EKS's, "" if unknown."""

    name: str
    namespace: str
    cloud_name: str = ""
    region: str = ""


def read_context(wanted: str, environ: Mapping[str, str]) -> Context:
    """The context of that name, or the current one for ""; without any kubeconfig, the cluster we run in.

    :raises BadKubeconfig: see there
    """
    files = _files(environ)
    if not files and not wanted and environ.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster()
    if not files:
        where = environ.get("KUBECONFIG") or _DEFAULT
        raise BadKubeconfig(
            f"there is no kubeconfig at {where}; set KUBECONFIG, or name a cluster of a --config"
        )
    read = [_read(one) for one in files]
    name = wanted or next((str(one["current-context"]) for one in read if one.get("current-context")), "")
    if not name:
        raise BadKubeconfig("the kubeconfig has no current context; name one with --context")
    found = _named(read, "contexts", name)
    if found is None:
        there = ", ".join(sorted({str(one.get("name")) for one in _all(read, "contexts")})) or "none"
        raise BadKubeconfig(f"the kubeconfig has no context {name!r}; it has {there}")
    context = _block(found, "context")
    cluster = str(context.get("cluster") or "")
    user = _named(read, "users", str(context.get("user") or "")) or {}
    cloud_name, region = _in_eks((name, cluster), _block(_block(user, "user"), "exec"))
    return Context(name, str(context.get("namespace") or "default"), cloud_name, region)


def in_cluster() -> Context:
    """The cluster that this process runs in, by its service account."""
    try:
        return Context("", _NAMESPACE_IN_CLUSTER.read_text("utf-8").strip() or "default")
    except OSError:
        return Context("", "default")


def _in_eks(names: Iterable[str], program: Mapping[str, Any]) -> tuple[str, str]:
    for name in names:
        if found := _EKS_ARN.fullmatch(name):
            return found["name"], found["region"]
    if not Path(str(program.get("command") or "")).name.startswith("aws"):
        return "", ""
    words = [str(one) for one in program.get("args") or ()]
    return _after(words, _NAME_OPTIONS), _after(words, _REGION_OPTIONS)


def _after(words: Sequence[str], options: Sequence[str]) -> str:
    return next((value for name, value in pairwise(words) if name in options), "")


def _files(environ: Mapping[str, str]) -> list[Path]:
    """As kubectl finds them: all that exist of the list; the first one that says something wins."""
    paths = (environ.get("KUBECONFIG") or _DEFAULT).split(os.pathsep)
    return [found for one in paths if one and (found := Path(one).expanduser()).is_file()]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadKubeconfig(f"the kubeconfig {path} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(tree, dict):
        raise BadKubeconfig(f"the kubeconfig {path} holds no kubeconfig")
    return tree


def _named(read: Iterable[Mapping[str, Any]], kind: str, name: str) -> Mapping[str, Any] | None:
    return next((one for one in _all(read, kind) if one.get("name") == name), None)


def _all(read: Iterable[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [one for tree in read for one in (tree.get(kind) or ()) if isinstance(one, dict)]


def _block(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = tree.get(name)
    return found if isinstance(found, dict) else {}
