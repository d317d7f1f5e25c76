"""The Helm chart: it lints, renders, and what it renders is what Kubernetes' own schemas allow."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import helm_python as helm
import kubernetes_validate  # type: ignore[import-untyped]  # it has none
import pytest
import yaml
from pydantic import BaseModel

from bot import permissions
from bot.settings import load
from bot.settings_clusters import Channel
from bot.settings_shape import Shape
from handlers.remedy import load_remedies

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
    "rbac": {"writeNamespaces": ["shop", "web"]},
    "persistence": {"storageClass": "gp3"},
    "networkPolicy": {"extraEgress": [{"ports": [{"port": 6379, "protocol": "TCP"}]}]},
    "podAnnotations": {"example.com/owner": "platform"},
    "podLabels": {"azure.workload.identity/use": "true"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "ops", "operator": "Exists"}],
}
REDIS: dict[str, Any] = {"config": {"store": "redis://redis:6379/0"}}
HTTP: dict[str, Any] = {
    "config": {
        "clusters": [{"name": "prod", "channels": {"slack": {"id": "C0ALERTS", "language": "ko"}}}],
        "slack": {"mode": "http"},
    },
    "existingSecret": "pullbot-tokens",
    "ingress": {
        "enabled": True,
        "host": "pullbot.example.com",
        "className": "nginx",
        "tlsSecret": "pullbot-tls",
        "annotations": {"example.com/issuer": "le"},
    },
    "service": {"port": 80, "annotations": {"example.com/scrape": "no"}},
}
TEAMS: dict[str, Any] = {
    "config": {
        "clusters": [
            {"name": "tokyo", "channels": {"teams": {"id": "19:abc@thread.tacv2", "language": "ja"}}}
        ],
        "teams": {
            "registration": "managed_identity",
            "app_id": "9f0d7a55-5c8f-4a58-9a0e-0f6f6c0b3b51",
            "tenant_id": "2b7e1f6c-3d5a-4c1e-8f0b-6a9d4e2c7b10",
            "service_hosts": ["smba.infra.gcc.teams.microsoft.com"],
            "service_url": "https://smba.infra.gcc.teams.microsoft.com/teams",
        },
    },
    "ingress": {"enabled": True, "host": "pullbot.example.com", "tlsSecret": "pullbot-tls"},
    "serviceAccount": {
        "annotations": {"azure.workload.identity/client-id": "9f0d7a55-5c8f-4a58-9a0e-0f6f6c0b3b51"}
    },
    "podLabels": {"azure.workload.identity/use": "true"},
}
BARE: dict[str, Any] = {
    "serviceAccount": {"create": False},
    "rbac": {"create": False},
    "persistence": {"enabled": False},
    "networkPolicy": {"enabled": False},
}
WRITES_SECRETS = "kubernetes/renew_pull_secret"
ALL = {"default": {}, "full": FULL, "redis": REDIS, "http": HTTP, "teams": TEAMS, "bare": BARE}


def objects(values: dict[str, Any]) -> list[dict[str, Any]]:
    manifests = helm.Chart.load(CHART).render(values, name=RELEASE, namespace=NAMESPACE)
    texts = [text for path, text in sorted(manifests.items()) if path.endswith(".yaml")]
    return [made for text in texts for made in yaml.safe_load_all(text) if made]


def only(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    (found,) = [one for one in objects(values) if one["kind"] == kind]
    return found


def pod_of(values: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = only("Deployment", values)["spec"]["template"]["spec"]
    return pod


def paths_of(values: dict[str, Any]) -> list[str]:
    (rule,) = only("Ingress", values)["spec"]["rules"]
    return [one["path"] for one in rule["http"]["paths"]]


def notes_of(values: dict[str, Any]) -> str:
    manifests = helm.Chart.load(CHART).render(values, name=RELEASE, namespace=NAMESPACE)
    return next((text for path, text in manifests.items() if path.endswith("NOTES.txt")), "")


def rules_of(role: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def keys_of_model(model: type[BaseModel], above: str = "") -> set[str]:
    """``clusters.name``: every key of the file, through lists and named blocks."""
    found: set[str] = set()
    for name, one in model.model_fields.items():
        inner = _model_in(one.annotation)
        if inner is None or inner is Channel:  # a channel may be written as an id alone
            found.add(f"{above}{name}")
        else:
            found |= keys_of_model(inner, f"{above}{name}.")
    return found


def keys_of_schema(schema: dict[str, Any], root: dict[str, Any], above: str = "") -> set[str]:
    found: set[str] = set()
    for name, one in schema["properties"].items():
        inner = _block_in(one, root)
        found |= {f"{above}{name}"} if inner is None else keys_of_schema(inner, root, f"{above}{name}.")
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)


def _block_in(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any] | None:
    """The block that a key holds, or holds many of."""
    if "$ref" in schema:
        return _block_in(root["definitions"][schema["$ref"].rpartition("/")[2]], root)
    if "properties" in schema:
        return schema
    inner = schema.get("items", schema.get("additionalProperties"))
    return _block_in(inner, root) if isinstance(inner, dict) else None


@pytest.mark.parametrize("values", ALL.values(), ids=ALL)
def test_everything_that_is_rendered_is_valid(values: dict[str, Any]) -> None:
    made = objects(values)
    for one in made:
        kubernetes_validate.validate(one, VERSION, strict=True)
    names = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in made]
    assert len(set(names)) == len(names)
    assert {"Deployment", "Service", "ConfigMap"} <= {one["kind"] for one in made}


@pytest.mark.parametrize("values", ALL.values(), ids=ALL)
def test_the_chart_lints_without_a_warning(values: dict[str, Any]) -> None:
    report = helm.lint(CHART, values, strict=True, kube_version=f"v{VERSION}.0")
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
        ({"config": {"approvalls": {}}}, "approvalls"),
        ({"config": {"approvals": {"aprovers": []}}}, "aprovers"),
        ({"config": {"clusters": [{"name": "prod", "regoin": "us-west-2"}]}}, "regoin"),
        ({"config": {"slack": {"mode": "https"}}}, "mode"),
        ({"config": {"teams": {"local": True}}}, "local"),
        ({"config": {"teams": {"app_id": "pullbot"}}}, "app_id"),
        ({"config": {"teams": {"app_password": "hunter2"}}}, "app_password"),
        ({"config": {"teams": {"registration": "multi_tenant"}}}, "registration"),
        ({"config": {"http": {"listen": "0.0.0.0:9090"}}}, "http"),
        ({"networkPolicy": {"extraEgres": []}}, "extraEgres"),
        ({"ingress": {"enabled": True}}, "host"),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: dict[str, Any], named: str) -> None:
    with pytest.raises(helm.HelmValuesError, match=named):
        helm.Chart.load(CHART).validate_schema(helm.Chart.load(CHART).merge_values(values))


@pytest.mark.parametrize("values", ALL.values(), ids=ALL)
def test_the_configuration_it_writes_is_one_that_pullbot_reads(
    values: dict[str, Any], tmp_path: Path
) -> None:
    written = tmp_path / "pullbot.yaml"
    written.write_text(only("ConfigMap", values)["data"]["pullbot.yaml"])
    settings = load(str(written), {})
    config = values.get("config", {})
    assert [one.name for one in settings.clusters] == [one["name"] for one in config.get("clusters", [])]
    assert settings.slack.mode == config.get("slack", {}).get("mode", "socket")
    assert settings.store == config.get("store", "/data/pullbot.db")
    assert settings.listen == ("0.0.0.0", 8080)


def test_the_values_in_the_readme_are_values(tmp_path: Path) -> None:
    (example,) = re.findall(
        r"```yaml\n# values.yaml\n(.*?)```", (CHART.parent.parent / "README.md").read_text(), re.DOTALL
    )
    values = yaml.safe_load(example)
    assert only("ServiceAccount", values)["metadata"]["annotations"]
    written = tmp_path / "pullbot.yaml"
    written.write_text(only("ConfigMap", values)["data"]["pullbot.yaml"])
    assert load(str(written), {}).channel_of("prod", "slack") == "C0ALERTS"


def test_the_schema_knows_every_setting_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert keys_of_schema(schema["properties"]["config"], schema) == keys_of_model(Shape) - {"http.listen"}


def test_the_pod_runs_as_nobody_and_writes_only_to_its_volumes() -> None:
    pod = pod_of(FULL)
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {one["mountPath"] for one in container["volumeMounts"]} == {"/etc/pullbot", "/data", "/tmp"}  # noqa: S108  the path in the container


def test_a_label_of_the_pod_lets_azure_give_it_an_identity() -> None:
    labels = only("Deployment", FULL)["spec"]["template"]["metadata"]["labels"]
    assert labels["azure.workload.identity/use"] == "true"
    assert labels["app.kubernetes.io/name"] == "pullbot"


def test_probes_ask_for_life_and_readiness_where_it_listens() -> None:
    (container,) = pod_of(FULL)["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]
    asked = {kind: container[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {
        "startupProbe": {"path": "/healthz", "port": "http"},
        "livenessProbe": {"path": "/healthz", "port": "http"},
        "readinessProbe": {"path": "/readyz", "port": "http"},
    }


def test_memory_has_a_limit_and_the_processor_none() -> None:
    (container,) = pod_of({})["containers"]
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert set(container["resources"]["limits"]) == {"memory"}


def test_secrets_come_from_the_named_secret_only() -> None:
    (container,) = pod_of(FULL)["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "pullbot-tokens"}}]
    assert "envFrom" not in pod_of({})["containers"][0]
    assert "Secret" not in {one["kind"] for values in ALL.values() for one in objects(values)}


def test_it_may_read_what_the_code_reads_and_nothing_else() -> None:
    assert rules_of(only("ClusterRole", {})) == rules_of(permissions.kubernetes_reads()), (
        "helm/pullbot/templates/rbac.yaml is not what `pullbot permissions kubernetes` prints"
    )


def test_what_it_may_write_is_what_its_remedies_write_and_ends_at_the_named_namespaces() -> None:
    assert not [one for one in objects({}) if one["kind"] == "Role"]
    roles = [one for one in objects(FULL) if one["kind"] == "Role"]
    assert [one["metadata"]["namespace"] for one in roles] == ["shop", "web"]
    every = [one.id for one in load_remedies() if one.id.startswith("kubernetes/")]
    wanted = {True: every, False: [one for one in every if one != WRITES_SECRETS]}
    for may_write_secrets, remedies in wanted.items():
        values = {**FULL, "rbac": {**FULL["rbac"], "writeSecrets": may_write_secrets}}
        for role in (one for one in objects(values) if one["kind"] == "Role"):
            assert rules_of(role) == rules_of(permissions.kubernetes_writes(remedies)), (
                "helm/pullbot/templates/rbac.yaml is not what `pullbot permissions kubernetes --write` prints"
            )


def test_secrets_are_read_in_the_named_namespaces_only_and_by_default_nowhere() -> None:
    values = {"rbac": {"secretNamespaces": ["shop"]}}
    [role] = [one for one in objects(values) if one["kind"] == "Role"]
    assert role["metadata"]["namespace"] == "shop"
    assert rules_of(role) == rules_of(permissions.kubernetes_secrets())
    [binding] = [one for one in objects(values) if one["kind"] == "RoleBinding"]
    assert binding["metadata"]["namespace"] == "shop"
    assert not [rule for rule in rules_of(only("ClusterRole", {})) if "secrets" in rule]


def test_roles_are_bound_to_its_own_account() -> None:
    made = objects(FULL)
    (account,) = [one["metadata"]["name"] for one in made if one["kind"] == "ServiceAccount"]
    assert pod_of(FULL)["serviceAccountName"] == account
    bindings = [one for one in made if one["kind"].endswith("RoleBinding")]
    assert len(bindings) == 3
    for binding in bindings:
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}]


def test_in_socket_mode_nobody_has_to_reach_it() -> None:
    assert only("NetworkPolicy", FULL)["spec"]["ingress"] == []
    prometheus = {
        "networkPolicy": {"allowFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]}
    }
    assert only("NetworkPolicy", prometheus)["spec"]["ingress"] == [
        {"ports": [{"port": "http", "protocol": "TCP"}], "from": prometheus["networkPolicy"]["allowFrom"]}
    ]


def test_in_http_mode_only_slacks_door_is_open_to_the_world() -> None:
    assert only("NetworkPolicy", HTTP)["spec"]["ingress"] == [
        {"ports": [{"port": "http", "protocol": "TCP"}]}
    ]
    (rule,) = only("Ingress", HTTP)["spec"]["rules"]
    assert rule["host"] == "pullbot.example.com"
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/slack/events", "Exact")
    service = only("Service", HTTP)
    backend = path["backend"]["service"]
    assert (backend["name"], backend["port"]["name"]) == (service["metadata"]["name"], "http")
    assert service["spec"]["ports"][0]["port"] == 80
    assert (
        service["spec"]["selector"].items()
        <= only("Deployment", HTTP)["spec"]["template"]["metadata"]["labels"].items()
    )


def test_a_press_arrives_while_a_cluster_or_another_chat_is_not_connected() -> None:
    (container,) = pod_of(TEAMS)["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz", "which says so"
    assert only("Service", TEAMS)["spec"]["publishNotReadyAddresses"] is True


def test_a_channel_in_teams_has_a_door_of_its_own() -> None:
    assert paths_of(TEAMS) == ["/api/messages"]
    assert only("NetworkPolicy", TEAMS)["spec"]["ingress"] == [
        {"ports": [{"port": "http", "protocol": "TCP"}]}
    ]
    both = {
        "slack": {"mode": "http"},
        "clusters": [*HTTP["config"]["clusters"], *TEAMS["config"]["clusters"] * 2],
    }
    assert paths_of({**TEAMS, "config": both}) == ["/slack/events", "/api/messages"]
    within = {**TEAMS, "ingress": {}}
    assert "Ingress" not in {one["kind"] for one in objects(within)}
    assert only("NetworkPolicy", within)["spec"]["ingress"], "a gateway of one's own reaches it"


def test_what_it_writes_for_teams_is_complete_without_a_password(tmp_path: Path) -> None:
    written = tmp_path / "pullbot.yaml"
    written.write_text(only("ConfigMap", TEAMS)["data"]["pullbot.yaml"])
    settings = load(str(written), {})
    assert settings.missing_to_run() == ()
    assert settings.warnings == ()
    assert settings.teams.app_id == TEAMS["config"]["teams"]["app_id"]


def test_the_notes_say_where_teams_comes_in_and_how_the_bot_gets_its_identity() -> None:
    assert "It has to be reachable at https://pullbot.example.com/api/messages" in notes_of(TEAMS)
    assert "wants the label" not in notes_of(TEAMS)
    assert "wants the label" in notes_of({**TEAMS, "podLabels": {}})
    assert "wants the label" not in notes_of({})


def test_alerts_have_a_door_if_somebody_asks_for_one() -> None:
    alerts = {"ingress": {"enabled": True, "alerts": True, "host": "pullbot.example.com"}}
    assert paths_of(alerts) == ["/alerts/eventbridge"]
    assert only("NetworkPolicy", alerts)["spec"]["ingress"] == [
        {"ports": [{"port": "http", "protocol": "TCP"}]}
    ]
    assert paths_of({**alerts, "config": {"slack": {"mode": "http"}}}) == [
        "/slack/events",
        "/alerts/eventbridge",
    ]


def test_a_door_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(helm.HelmError, match="nothing has to be reachable"):
        objects({"ingress": {"enabled": True, "host": "pullbot.example.com"}})


@pytest.mark.parametrize(
    ("store", "port"),
    [
        ("redis://redis:6379/0", 6379),
        ("rediss://cache.example:6380/1", 6380),
        ("redis://redis", 6379),
        ("", 0),
    ],
)
def test_it_reaches_names_apis_credentials_and_its_store(store: str, port: int) -> None:
    policy = only("NetworkPolicy", {"config": {"store": store}} if store else {})["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    anywhere = {one["port"] for rule in policy["egress"] if "to" not in rule for one in rule["ports"]}
    assert anywhere == {53, 443, 6443} | ({port} if port else set())
    (credentials,) = [rule for rule in policy["egress"] if "to" in rule]
    assert [one["port"] for one in credentials["ports"]] == [80]
    assert {one["ipBlock"]["cidr"] for one in credentials["to"]} == {
        "169.254.169.254/32",
        "169.254.170.23/32",
        "fd00:ec2::23/128",
    }


def test_what_else_it_has_to_reach_can_be_added() -> None:
    assert FULL["networkPolicy"]["extraEgress"][0] in only("NetworkPolicy", FULL)["spec"]["egress"]


@pytest.mark.parametrize("values", ALL.values(), ids=ALL)
def test_the_notes_name_nothing_that_there_is_not(values: dict[str, Any]) -> None:
    manifests = helm.Chart.load(CHART).render(values, name=RELEASE, namespace=NAMESPACE)
    assert "doctor" not in notes_of(values)
    assert "<no value>" not in "".join(manifests.values())


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
