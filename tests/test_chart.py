"""The Helm chart: it lints, renders, and what it renders is what Kubernetes' own schemas allow."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate  # type: ignore[import-untyped]  # it has none
import pytest
import yaml

from bot.settings import load

CHART = Path(__file__).parent.parent / "helm" / "pullbot"
RELEASE = "pullbot"
NAMESPACE = "ops"
VERSION = "1.33"

FULL: dict[str, Any] = {
    "image": {"repository": "registry.example/pullbot", "tag": "0.1.0"},
    "imagePullSecrets": [{"name": "registry"}],
    "config": {
        "clusters": [{"name": "prod", "region": "us-west-2", "channels": {"slack": "C0ALERTS"}}],
        "approvals": {"approvers": ["U0ALICE"], "second_person": True},
    },
    "existingSecret": "pullbot-tokens",
    "serviceAccount": {
        "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/pullbot"}
    },
    "rbac": {"writeNamespaces": ["shop"], "secretNamespaces": ["shop", "web"]},
    "persistence": {"storageClass": "gp3"},
    "networkPolicy": {"extraEgress": [{"ports": [{"port": 6379, "protocol": "TCP"}]}]},
    "podAnnotations": {"example.com/owner": "platform"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "ops", "operator": "Exists"}],
}
REDIS: dict[str, Any] = {"config": {"store": "redis://redis:6379/0"}}
BARE: dict[str, Any] = {
    "serviceAccount": {"create": False},
    "rbac": {"create": False},
    "persistence": {"enabled": False},
    "networkPolicy": {"enabled": False},
}


def objects(values: dict[str, Any]) -> list[dict[str, Any]]:
    manifests = helm.Chart.load(CHART).render(values, name=RELEASE, namespace=NAMESPACE)
    texts = [text for path, text in sorted(manifests.items()) if path.endswith(".yaml")]
    return [made for text in texts for made in yaml.safe_load_all(text) if made]


def only(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    (found,) = [one for one in objects(values) if one["kind"] == kind]
    return found


@pytest.mark.parametrize("values", [{}, FULL, REDIS, BARE], ids=["default", "full", "redis", "bare"])
def test_everything_that_is_rendered_is_valid(values: dict[str, Any]) -> None:
    made = objects(values)
    for one in made:
        kubernetes_validate.validate(one, VERSION, strict=True)
    names = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in made]
    assert len(set(names)) == len(names)
    assert {"Deployment", "Service", "ConfigMap"} <= {one["kind"] for one in made}


def test_the_chart_lints_without_a_warning() -> None:
    report = helm.lint(CHART, FULL, strict=True, kube_version=f"v{VERSION}.0")
    assert report["total_charts_linted"] == 1
    assert [one["error"] for one in report["messages"] if one["severity"] > 1] == []


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"imagee": {}}, "imagee"),
        ({"config": {"clusters": [{"region": "us-west-2"}]}}, "name"),
        ({"config": {"store": "redis://:hunter2@redis:6379/0"}}, "store"),
        ({"rbac": {"writeNamespaces": ["Not A Namespace"]}}, "writeNamespaces"),
        ({"persistence": {"size": "much"}}, "size"),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: dict[str, Any], named: str) -> None:
    with pytest.raises(helm.HelmValuesError, match=named):
        helm.Chart.load(CHART).validate_schema(helm.Chart.load(CHART).merge_values(values))


def test_the_configuration_it_writes_is_one_that_pullbot_reads(tmp_path: Path) -> None:
    written = tmp_path / "pullbot.yaml"
    written.write_text(only("ConfigMap", FULL)["data"]["pullbot.yaml"])
    settings = load(str(written), {})
    assert [cluster.name for cluster in settings.clusters] == ["prod"]
    assert settings.listen == ("0.0.0.0", 8080)
    assert settings.store == "/data/pullbot.db"


def test_the_pod_runs_as_nobody_and_writes_only_to_its_volumes() -> None:
    pod = only("Deployment", FULL)["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {one["mountPath"] for one in container["volumeMounts"]} == {"/etc/pullbot", "/data", "/tmp"}  # noqa: S108  the path in the container


def test_by_default_it_may_only_read_and_no_secrets() -> None:
    rules = [rule for one in objects({}) if one["kind"] in ("Role", "ClusterRole") for rule in one["rules"]]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert "secrets" not in {resource for rule in rules for resource in rule["resources"]}


def test_what_it_may_write_ends_at_the_named_namespaces() -> None:
    roles = [one for one in objects(FULL) if one["kind"] == "Role"]
    assert {(one["metadata"]["name"], one["metadata"]["namespace"]) for one in roles} == {
        ("pullbot-write", "shop"),
        ("pullbot-secrets", "shop"),
        ("pullbot-secrets", "web"),
    }


def test_with_redis_no_volume_is_claimed() -> None:
    assert "PersistentVolumeClaim" not in {one["kind"] for one in objects(REDIS)}
    volumes = only("Deployment", REDIS)["spec"]["template"]["spec"]["volumes"]
    assert {"name": "data", "emptyDir": {}} in volumes


def test_a_change_of_the_configuration_restarts_the_pod() -> None:
    def checksum(values: dict[str, Any]) -> str:
        template = only("Deployment", values)["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum({}) != checksum(REDIS)


def test_the_chart_and_the_package_have_the_same_version() -> None:

    project = tomllib.loads((CHART.parent.parent / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == project["version"]
