"""What people are told to do about nodes, registries and the way between, where no change of ours helps."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from checks.graph import Catalog
from checks.host import Host
from checks.image.reference import Image, Repository, parse
from checks.kubernetes.node_conditions import SuspectNode
from checks.kubernetes.pod_template import Workload, workload
from checks.kubernetes.templates import Template
from checks.model import FailedPull, NotApplicable, Symptom
from checks.registry.credentials import SecretLogin
from checks.registry.facts import Answer, Endpoint, ImagePresence, Line
from checks.registry.landing import Kind, Landing
from checks.registry.manifest import Manifest
from checks.registry.platform import Platform
from checks.registry.readings import LoginReadings, Outcome, Reading
from checks.registry.views import Views
from handlers.remedies.kubernetes.have_image_signed import have_image_signed
from handlers.remedies.kubernetes.let_kubelet_pull import let_kubelet_pull
from handlers.remedies.kubernetes.make_room import make_room
from handlers.remedies.kubernetes.mend_proxy import mend_proxy
from handlers.remedies.kubernetes.mend_runtime import mend_runtime
from handlers.remedies.kubernetes.write_image import write_image
from handlers.remedies.registry.build_for_nodes import build_for_nodes
from handlers.remedies.registry.get_more_pulls import get_more_pulls
from handlers.remedies.registry.give_registry_tls import give_registry_tls
from handlers.remedies.registry.log_in_anew import log_in_anew
from handlers.remedies.registry.make_name_resolve import make_name_resolve
from handlers.remedies.registry.push_image_anew import push_image_anew
from handlers.remedies.registry.reach_registry import reach_registry
from handlers.remedies.registry.renew_certificate import renew_certificate
from handlers.remedy import ByHand, load_advice, load_remedies
from tests.fakes.doors import pull as a_pull

IMAGE = "registry.example/team/web:1.2"
SUSPECT = SuspectNode("node-1", "no space left on device")
ENDPOINT = Endpoint("registry.example:5000", "registry.example", 5000)
VIEWS = Views(ENDPOINT, Line(), "registry.example", elsewhere=False, said="no")
LINUX, ARM = Platform("linux", "amd64"), Platform("linux", "arm64")
NODE = Host("node-1", "", "amd64", "linux", ())
# Never a cause: it puts a pull off; it never fails.
CURE_NOTHING = {"kubernetes/kubelet_is_not_throttled", "kubernetes/image_runs_elsewhere"}


def of(name: str) -> tuple[FailedPull, Workload]:
    one = replace(a_pull("web", IMAGE, symptom=Symptom.TAG_NOT_FOUND), workload=name)
    return one, workload.fn(one)


def sensible(said: ByHand) -> ByHand:
    assert said.words[0].isupper()
    assert not said.words.endswith((".", ",", ";"))
    for command in said.commands:
        assert shlex.split(command)
    return said


def families(*names: str) -> list[Any]:
    return [one for one in Catalog.load().checks if one.id.startswith(names) and not one.proof]


@pytest.mark.parametrize("one", families("kubernetes/", "registry/", "image/"), ids=lambda one: one.id)
def test_what_fails_is_answered_with_a_plan_or_with_advice(one: Any) -> None:
    cured = {check for remedy in load_remedies() for check in remedy.all_cures}
    advised = {check for advice in load_advice() for check in advice.cures}
    assert one in cured | advised or one.id in CURE_NOTHING, f"nobody would know what to do about {one.id}"


# ---- the node


@pytest.mark.parametrize("advice", [make_room, mend_runtime])
def test_a_node_in_trouble_is_kept_free_of_new_pods_and_given_up_last(advice: Any) -> None:
    said = sensible(advice(SUSPECT))
    assert said.commands[0] == "kubectl cordon node-1"
    assert said.commands[-1] == "kubectl drain node-1 --ignore-daemonsets --delete-emptydir-data"
    assert "emptyDir" in said.caution
    unsure = sensible(advice(replace(SUSPECT, others=("node-2",))))
    assert unsure.commands[0] == "kubectl cordon NODE"
    assert "one of node-1, node-2" in unsure.words


def test_a_node_s_name_is_quoted() -> None:
    said = make_room(SuspectNode("n; reboot", ""))
    assert said.commands[0] == "kubectl cordon 'n; reboot'"


def test_a_policy_of_never_is_for_who_made_the_workload() -> None:
    said = sensible(let_kubelet_pull(*of("Deployment/web")))
    assert said.commands[0] == "kubectl edit deployment/web -n shop"


@pytest.mark.parametrize(
    ("image", "signs"), [(IMAGE, "@DIGEST"), (f"{IMAGE}@sha256:{'a' * 64}", "@sha256:a")]
)
def test_a_signature_is_made_and_never_waived(image: str, signs: str) -> None:
    said = sensible(have_image_signed(parse(image)))
    assert f"registry.example/team/web{signs}" in said.commands[1]
    assert "look where it comes from" in said.caution


def test_a_proxy_is_somebody_s() -> None:
    said = sensible(mend_proxy(Repository("registry.example:5000", "team/web")))
    assert said.commands[1] == "curl -v --max-time 10 -x PROXY https://registry.example:5000/v2/"


# ---- the image


def written(name: str, found: ImagePresence | None = None, template: Template | None = None) -> ByHand:
    one, made = of(name)
    image: Image | None = parse(IMAGE)
    return sensible(write_image(one, made, image, template, None, found))


def test_an_image_that_nobody_can_guess_is_for_a_person_to_name() -> None:
    said = written("Deployment/web")
    assert said.words == (
        "Who answers for the Deployment web names an image that is there, or pushes the one that is missing"
    )
    assert said.commands == ("kubectl set image deployment/web app=IMAGE -n shop",)


def test_what_cannot_be_set_by_us_can_be_by_a_person() -> None:
    near = ImagePresence(exists=False, where="x", near=("1.1",))
    assert written("Pod/web", near).commands == (
        "kubectl set image pod/web app=registry.example/team/web:1.1 -n shop",
    )
    assert "(such as registry.example/team/web:1.1)" in written("Job/web", near).words
    assert written("Job/web", near).commands == ()
    assert written("Service/web").commands == ()
    there = Template(of("Deployment/web")[1], "/path", (("app", IMAGE),))
    with pytest.raises(NotApplicable):
        written("Deployment/web", near, there)


def test_what_is_no_image_at_all_is_named_by_a_person() -> None:
    one, made = of("Deployment/web")
    said = sensible(write_image(replace(one, image="r.example//"), made, None, None, None, None))
    assert said.words == "Who answers for the Deployment web names an image that is there"


def test_an_image_that_no_node_can_run_is_built_for_them() -> None:
    index = Manifest("x", "sha256:0", is_index=True, platforms=(ARM, None))
    image = parse(IMAGE)
    for landing in (None, Landing((Kind(LINUX, 3),), 3)):
        said = sensible(build_for_nodes(image, index, NODE, landing))
        assert (
            "--platform linux/arm64,linux/amd64 -t registry.example/team/web:1.2 --push" in said.commands[0]
        )
    with pytest.raises(NotApplicable):
        build_for_nodes(image, index, NODE, Landing((Kind(LINUX, 3), Kind(ARM, 1)), 4))


def test_what_a_registry_lost_is_pushed_anew() -> None:
    assert sensible(push_image_anew(parse(IMAGE))).commands[0] == f"crane validate --remote {IMAGE}"


# ---- the registry, and the way to it


def test_a_name_is_asked_of_the_node_s_own_resolver() -> None:
    said = sensible(make_name_resolve(VIEWS))
    assert said.commands[1] == "getent hosts registry.example"
    assert "not by the cluster's" in said.words


def test_a_registry_is_asked_from_the_node() -> None:
    assert sensible(reach_registry(VIEWS)).commands == (
        "curl -v --max-time 10 https://registry.example:5000/v2/",
    )
    assert "read the login" in sensible(give_registry_tls(VIEWS)).caution


def test_a_certificate_is_looked_at_where_it_is_shown() -> None:
    said = sensible(renew_certificate(VIEWS))
    assert "-connect registry.example:5000 -servername registry.example" in said.commands[0]
    elsewhere = replace(VIEWS, host="blobs.example", elsewhere=True)
    assert "-connect blobs.example:443" in renew_certificate(elsewhere).commands[0]
    assert "skip_verify" not in repr(said)


@pytest.mark.parametrize(
    ("endpoint", "server"),
    [
        (Endpoint("docker.io", "registry-1.docker.io", 443), "https://index.docker.io/v1/"),
        (ENDPOINT, "registry.example:5000"),
    ],
)
def test_who_is_counted_with_others_logs_in(endpoint: Endpoint, server: str) -> None:
    one, made = of("Deployment/web")
    assert f"--docker-server={server}" in sensible(get_more_pulls(one, endpoint, made)).commands[0]
    assert sensible(get_more_pulls(*_ecs(endpoint))).commands == ()


def _ecs(endpoint: Endpoint) -> tuple[FailedPull, Endpoint, Workload]:
    one, made = of("Service/web")
    return one, endpoint, made


def test_a_login_that_is_refused_is_renewed_where_it_is() -> None:
    login = SecretLogin("shop", "regcred", "registry.example", "robot", "")
    refused = Reading(login, Outcome.NO_TOKEN, Answer(401, (), b""))
    said = sensible(log_in_anew(LoginReadings((refused,)), Repository("registry.example", "team/web")))
    assert "shop/regcred" in said.words
    assert "--docker-username=robot" in said.commands[0]
    for readings in (None, LoginReadings(()), LoginReadings((replace(refused, login=None),))):
        with pytest.raises(NotApplicable):
            log_in_anew(readings, Repository("registry.example", "team/web"))
