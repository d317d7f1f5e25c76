"""Which images and nodes are offered instead, for which workloads, and how they are set and put back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.clouds.connect import Connected, connect
from bot.clouds.kubeconfig import Context
from bot.demo import shapes
from bot.demo.kubernetes_api import KubernetesApi
from bot.settings_clusters import Cluster
from bot.store.codec import standard_codec
from checks.image.reference import parse
from checks.kubernetes.facts import Kube
from checks.kubernetes.pod_template import Workload
from checks.kubernetes.rollout_has_image import Given
from checks.kubernetes.templates import Template, template
from checks.model import FailedPull, NotApplicable, Symptom, Unavailable
from checks.registry.facts import ImagePresence, RepositoryPresence
from checks.registry.landing import Kind, Landing
from checks.registry.manifest import Manifest
from checks.registry.platform import Platform
from handlers.decision import Change, Offer, Person, Request
from handlers.execution import call
from handlers.incident import Incident
from handlers.remedies.kubernetes.select_platform import select_platform
from handlers.remedies.kubernetes.set_image import set_image
from handlers.remedies.kubernetes.template_steps import SelectNodes, SetImage, TemplateAddress
from handlers.remedy import Conflict, Plan, Refused, Standing
from tests.fakes.doors import pull as a_pull
from tests.fakes.kube_front import serve, write_kubeconfig

IMAGE = "registry.example/team/web:1.2.2"
PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
LINUX, ARM, WINDOWS = Platform("linux", "amd64"), Platform("linux", "arm64"), Platform("windows", "amd64")


def pull(image: str = IMAGE, **changes: Any) -> FailedPull:
    return a_pull("web", image, symptom=Symptom.TAG_NOT_FOUND, **changes)


def a_template(image: str = IMAGE, kind: str = "Deployment", path: str = PATH, **more: Any) -> Template:
    return Template(Workload(kind, "shop", "web", path), path, (("app", image), ("side", "x/y:1")), **more)


def near(*tags: str) -> ImagePresence:
    return ImagePresence(exists=False, where="registry.example/team/web", near=tags)


def choices(
    image: str, *, found: ImagePresence | None = None, repo: RepositoryPresence | None = None
) -> list[str]:
    plans = set_image.fn(pull(image), parse(image), a_template(image), repo, found)
    assert isinstance(plans, tuple)
    return [one.choice for one in plans]


# ---- the image


def test_each_tag_much_like_the_missing_one_is_a_plan_of_its_own() -> None:
    plans = set_image(pull(), parse(IMAGE), a_template(), None, near("1.2.1", "1.2.0"))
    assert [one.choice for one in plans] == [f"registry.example/team/web:{tag}" for tag in ("1.2.1", "1.2.0")]
    assert len({one.digest for one in plans}) == 2
    assert plans[0].caution == "every pod of the workload is replaced"
    [step] = plans[0].steps
    assert isinstance(step, SetImage)
    assert step.containers == ("app",)
    assert step.diff().before == f"app: {IMAGE}"
    assert step.diff().target == "shop/deployment/web"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("contoso.azureacr.io/web:1", "contoso.azurecr.io/web:1"),
        ("gchr.io/team/web:1@sha256:" + "a" * 64, "ghcr.io/team/web:1@sha256:" + "a" * 64),
        ("hub.docker.com/library/nginx", "docker.io/library/nginx"),
    ],
)
def test_a_host_is_spelt_right_and_the_rest_stays_as_it_was_written(written: str, meant: str) -> None:
    [plan] = set_image(pull(written), parse(written), a_template(written), None, None)
    assert plan.choice == meant
    assert plan.caution.startswith("nobody has looked whether this image is there; ")


def test_a_repository_much_like_the_missing_one_is_offered_with_the_same_tag() -> None:
    repo = RepositoryPresence(exists=False, where="x", near=("team/web-app",))
    assert choices(IMAGE, repo=repo) == ["registry.example/team/web-app:1.2.2"]
    assert choices(IMAGE, repo=replace(repo, exists=True), found=near("1.2.1")) == [
        "registry.example/team/web:1.2.1"
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("nginx", "nginx:1.27"),
        ("localhost:5000/web", "localhost:5000/web:1.27"),
        ("localhost:5000/web:1.26", "localhost:5000/web:1.27"),
        ("r.example/web:1.26@sha256:" + "b" * 64, "r.example/web:1.27"),
    ],
)
def test_a_tag_takes_the_place_of_what_was_written_after_the_name(written: str, meant: str) -> None:
    assert choices(written, found=near("1.27")) == [meant]


def test_what_a_registry_calls_a_tag_and_is_none_is_no_plan() -> None:
    assert choices(IMAGE, found=near("1.2.1", "1.2;reboot", "a b", "")) == ["registry.example/team/web:1.2.1"]


@pytest.mark.parametrize(
    ("found", "repo"),
    [(None, None), (near(), None), (ImagePresence(True, "w", ("1",)), RepositoryPresence(True, "w", ("a",)))],
)
def test_where_no_image_is_known_nothing_is_said(
    found: ImagePresence | None, repo: RepositoryPresence | None
) -> None:
    with pytest.raises(NotApplicable):
        set_image(pull(), parse(IMAGE), a_template(), repo, found)


@pytest.mark.parametrize(
    ("of", "because"),
    [
        (a_template(kind="Pod", path=""), "a bare pod has no controller"),
        (a_template(kind="Job", path=""), "has to be made anew"),
        (a_template(kind="Rollout", path=""), "what a Rollout makes its pods from is not known"),
        (a_template("registry.example/team/web:7"), "does not ask for"),
        (None, "Deployment/web could not be read"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_the_reason(of: Template | None, because: str) -> None:
    with pytest.raises(Refused, match=because):
        set_image(pull(), parse(IMAGE), of, None, near("1.2.1"))


@pytest.mark.parametrize("workload", ["Service/web", "Task/web"])
def test_a_task_of_ecs_is_not_changed_in_kubernetes(workload: str) -> None:
    with pytest.raises(NotApplicable):
        set_image(replace(pull(), workload=workload), parse(IMAGE), None, None, near("1.2.1"))


def test_who_puts_it_back_and_whose_pods_stay_is_told_beforehand() -> None:
    of = a_template(keeper="Argo CD", waits="its pods have to be deleted")
    [plan] = set_image(pull(), parse(IMAGE), of, None, near("1.2.1"))
    assert plan.caution == (
        "every pod of the workload is replaced; Argo CD manages it and may put the old value back: change it "
        "there too; its pods have to be deleted"
    )


def test_a_verification_looks_at_the_image_that_was_set() -> None:
    step = SetImage(TemplateAddress(PATH, "shop", "deployment", "web"), ("app",), IMAGE, "r.example/web:1")
    now = step.instead_of(pull())
    assert now[Given] == Given(("app",), "r.example/web:1")
    seen = now[FailedPull]
    assert isinstance(seen, FailedPull)
    assert (seen.image, seen.host_kind, seen.nodes) == ("r.example/web:1", "node", ())
    assert step.instead_of(pull("another.example/image:1")) == {}


# ---- the nodes


def index(*built: Platform | None) -> Manifest:
    return Manifest("application/vnd.oci.image.index.v1+json", "sha256:0", is_index=True, platforms=built)


def landing(**counts: int) -> Landing:
    known = {"linux": LINUX, "arm": ARM, "windows": WINDOWS}
    return Landing(tuple(Kind(known[name], count) for name, count in counts.items()), sum(counts.values()))


def selected(built: tuple[Platform, ...], there: Landing, of: Template | None = None) -> tuple[Plan, ...]:
    mismatch = replace(pull(), symptom=Symptom.PLATFORM_MISMATCH)
    return select_platform(mismatch, index(*built), there, of or a_template())


@pytest.mark.parametrize(
    ("built", "there", "labels"),
    [
        ((ARM,), {"linux": 3, "arm": 1}, ["kubernetes.io/arch=arm64"]),
        ((WINDOWS,), {"linux": 3, "windows": 2}, ["kubernetes.io/os=windows"]),
        (
            (LINUX,),
            {"linux": 1, "windows": 2, "arm": 1},
            ["kubernetes.io/os=linux, kubernetes.io/arch=amd64"],
        ),
        ((LINUX, ARM), {"linux": 1, "windows": 2, "arm": 1}, ["kubernetes.io/os=linux"]),
    ],
)
def test_the_fewest_labels_that_leave_only_nodes_that_fit_are_asked_for(
    built: tuple[Platform, ...], there: dict[str, int], labels: list[str]
) -> None:
    assert [one.choice for one in selected(built, landing(**there))] == labels


def test_how_many_nodes_can_take_it_is_said() -> None:
    [plan] = selected((ARM,), landing(linux=3, arm=1))
    assert plan.caution.startswith(
        "1 ready node can take it, if no taint and no lack of room keeps it away; "
    )
    assert plan.reversible
    assert plan.steps[0].commands() == (
        "kubectl patch deployment/web -n shop -p "
        '\'{"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/arch": "arm64"}}}}}\'',
    )


def test_without_a_node_that_fits_nothing_is_planned() -> None:
    with pytest.raises(NotApplicable):
        selected((ARM,), landing(linux=3))
    with pytest.raises(NotApplicable):
        select_platform(pull(), index(ARM), None, a_template())
    with pytest.raises(NotApplicable):
        select_platform(pull(), replace(index(), is_index=False), landing(arm=1), a_template())
    with pytest.raises(Refused, match="fits by now"):
        selected((ARM,), landing(arm=2))
    builds = tuple(replace(WINDOWS, version=f"10.0.{build}") for build in (17763, 20348))
    with pytest.raises(Refused, match="a label has to be found"):
        selected((builds[0],), Landing(tuple(Kind(one, 1) for one in builds), 2))


def test_only_a_workload_with_a_template_gets_other_nodes() -> None:
    with pytest.raises(Refused, match="a bare pod"):
        selected((ARM,), landing(linux=3, arm=1), a_template(kind="Pod", path=""))


# ---- the steps, on an API server


def workload(kind: str, **template: Any) -> dict[str, Any]:
    spec = {
        "initContainers": [{"name": "init", "image": IMAGE}],
        "containers": [{"name": "side", "image": "x/y:1"}, {"name": "app", "image": IMAGE}],
        **template,
    }
    metadata = {"name": "web", "namespace": "shop", "labels": {}}
    if kind == "CronJob":
        inner = {"template": {"spec": spec}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata,
                "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": inner}}}  # fmt: skip
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {"template": {"spec": spec}}}


class Server:
    def __init__(self, api: KubernetesApi, connected: Connected) -> None:
        self.api, self.hands, self.roots = api, connected.hands, connected.roots

    def put(self, tree: dict[str, Any]) -> None:
        self.api.objects.put(tree)

    async def do(self, step: Any) -> Any:
        assert await call(step.look, self.hands) is Standing.BEFORE
        done = await call(step.write, self.hands)
        assert await call(done.look, self.hands) is Standing.AFTER
        return done

    def spec(self, plural: str) -> Any:
        found: Any = self.api.objects.find(plural, "web", "shop")
        spec = found["spec"]
        return (spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec)["template"]["spec"]


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    api = KubernetesApi(token="only-here", bookmark_every=3600)
    async with serve(await api.start()) as front:
        where = write_kubeconfig(tmp_path / "config", front.url, {"token": "only-here"})
        monkeypatch.setenv("KUBECONFIG", where["KUBECONFIG"])
        connected = await connect(Context("prod", "prod"), Cluster(name="prod"))
        api.objects.put(shapes.node("node-1"))
        yield Server(api, connected)
        await connected.close()
    await api.stop()


KINDS = {
    "Deployment": ("deployments", PATH),
    "StatefulSet": ("statefulsets", "/apis/apps/v1/namespaces/shop/statefulsets/web"),
    "DaemonSet": ("daemonsets", "/apis/apps/v1/namespaces/shop/daemonsets/web"),
    "CronJob": ("cronjobs", "/apis/batch/v1/namespaces/shop/cronjobs/web"),
}


def address(kind: str) -> TemplateAddress:
    return TemplateAddress(KINDS[kind][1], "shop", kind.lower(), "web")


async def read(server: Server, kind: str) -> Template:
    path = "" if kind == "CronJob" else KINDS[kind][1]
    kube: Any = server.roots[Kube]
    found: Template = await template(Workload(kind, "shop", "web", path), kube)
    return found


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_an_image_is_set_in_every_container_that_wants_it_and_put_back(
    server: Server, kind: str
) -> None:
    server.put(workload(kind))
    found = await read(server, kind)
    assert found.path == KINDS[kind][1]
    assert found.images == (("init", IMAGE), ("side", "x/y:1"), ("app", IMAGE))
    [plan] = set_image(replace(pull(), workload=f"{kind}/web"), parse(IMAGE), found, None, near("1.2.1"))
    done = await server.do(plan.steps[0])
    spec = server.spec(KINDS[kind][0])
    wanted = "registry.example/team/web:1.2.1"
    assert [one["image"] for one in spec["initContainers"] + spec["containers"]] == [wanted, "x/y:1", wanted]
    await server.do(done.inverse())
    assert server.spec(KINDS[kind][0])["containers"][1]["image"] == IMAGE


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("before", [None, {"disk": "ssd"}, {"kubernetes.io/arch": "amd64"}])
async def test_labels_of_nodes_are_asked_for_beside_others_and_put_back(
    server: Server, kind: str, before: dict[str, str] | None
) -> None:
    server.put(workload(kind, **({} if before is None else {"nodeSelector": before})))
    found = await read(server, kind)
    [plan] = selected((ARM,), landing(linux=3, arm=1), found)
    done = await server.do(plan.steps[0])
    assert server.spec(KINDS[kind][0])["nodeSelector"] == {**(before or {}), "kubernetes.io/arch": "arm64"}
    await server.do(done.inverse())
    assert server.spec(KINDS[kind][0])["nodeSelector"] == (before or {})


async def test_what_somebody_changed_meanwhile_is_left_alone(server: Server) -> None:
    image = SetImage(address("Deployment"), ("app",), IMAGE, "r.example/web:1")
    nodes = SelectNodes(address("Deployment"), ("app",), IMAGE, (("a", ""),), (("a", "b"),))
    for step in (image, nodes):
        with pytest.raises(Conflict, match="deployment/web is gone"):
            await call(step.look, server.hands)
    server.put(
        workload("Deployment", nodeSelector={"a": "c"}, containers=[{"name": "app", "image": "x/y:2"}])
    )
    for step in (image, nodes):
        assert await call(step.look, server.hands) is Standing.ELSEWHERE
        with pytest.raises(Conflict, match="somebody else"):
            await call(step.write, server.hands)
    kube: Any = server.roots[Kube]
    with pytest.raises(Unavailable, match="Deployment/other is gone"):
        await template(Workload("Deployment", "shop", "other", PATH + "x"), kube)


async def test_what_keeps_a_change_from_the_pods_is_read(server: Server) -> None:
    paused = workload("Deployment")
    paused["spec"]["paused"] = True
    paused["metadata"]["annotations"] = {"meta.helm.sh/release-name": "shop"}
    server.put(paused)
    found = await read(server, "Deployment")
    assert (found.keeper, found.waits) == ("Helm", "the rollout is paused, and has to be resumed")
    on_delete = workload("DaemonSet")
    on_delete["spec"]["updateStrategy"] = {"type": "OnDelete"}
    server.put(on_delete)
    assert "replaces no pod by itself" in (await read(server, "DaemonSet")).waits
    server.put(workload("StatefulSet"))
    assert "may not replace a pod" in (await read(server, "StatefulSet")).waits


def test_plans_are_read_back_as_they_were_stored() -> None:
    image = SetImage(address("CronJob"), ("app", "init"), IMAGE, "r.example/web:1")
    nodes = SelectNodes(address("Deployment"), ("app",), IMAGE, (("a", ""),), (("a", "b"),))
    plan = Plan((image, nodes), choice="x")
    offer = Offer(set_image.id, "t", set_image.risk, "registry/tag_exists", plan, digest=plan.digest)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    by = Person("slack:U0ANA", "Ana")
    change = replace(Change.begun(offer, Request(plan.digest, by, at, at), at), steps=(image, nodes))
    incident = Incident("1a2b3c4d", "prod", at, (pull(),), offers=(offer,), changes=(change,))
    codec = standard_codec()
    assert codec.decode(codec.encode(incident)) == incident
