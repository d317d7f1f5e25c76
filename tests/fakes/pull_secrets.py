"""Pull secrets as people make them, well and badly."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from checks.kubernetes.pull_secrets import PodSecrets, PullSecret, PullSecrets, secret
from checks.model import FailedPull, Symptom

HOST = "registry.example.com"
IMAGE = f"{HOST}/shop/web:1.4"
PASSWORD = "correct-horse-battery"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def entry(user: str = "robot", password: str = PASSWORD, **more: str) -> dict[str, str]:
    return {"username": user, "password": password, "auth": b64(f"{user}:{password}"), **more}


def docker_config(**auths: Any) -> str:
    """``host__example`` would be no identifier: hosts come as ``**{"a.example": …}``."""
    return json.dumps({"auths": auths})


def tree(
    text: str,
    *,
    name: str = "regcred",
    namespace: str = "shop",
    kind: str = "kubernetes.io/dockerconfigjson",
    key: str = ".dockerconfigjson",
    written: str = "2026-11-24T10:00:00Z",
) -> dict[str, Any]:
    """A Secret as the API gives it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": written},
        "type": kind,
        "data": {key: b64(text)},
    }


def of(auths: Mapping[str, Any], **more: str) -> PullSecret:
    return secret(tree(docker_config(**auths), **more))


def secrets(*all: PullSecret) -> PullSecrets:
    return PullSecrets(PodSecrets("shop", "web-0", tuple(one.name for one in all), "default"), all)


def pull(symptom: Symptom = Symptom.UNAUTHORIZED, image: str = IMAGE, message: str = "401") -> FailedPull:
    return FailedPull(
        "prod", "shop", "Deployment/web", "web", ("web-0",), ("node",), "node", image, symptom, message
    )


def pod(*names: str, namespace: str = "shop", name: str = "web-0", image: str = IMAGE) -> dict[str, Any]:
    """A pod that names these Secrets, as the API gives it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "serviceAccountName": "default",
            "imagePullSecrets": [{"name": one} for one in names],
            "containers": [{"name": "web", "image": image}],
        },
    }


def objects(*trees: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Pods and Secrets by their path in the API."""
    found = {}
    for one in trees:
        where = one["metadata"]
        plural = f"{one['kind'].lower()}s"
        found[f"/api/v1/namespaces/{where['namespace']}/{plural}/{where['name']}"] = one
    return found
