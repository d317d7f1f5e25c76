"""A repository and a tag that are there, or not, whoever told."""

from __future__ import annotations

from checks.image.reference import parse
from checks.model import Status, Symptom
from checks.registry.facts import ImagePresence, RepositoryPresence
from checks.registry.repository_exists import repository_exists
from checks.registry.tag_exists import tag_exists

IMAGE = parse("registry.example/team/app:1.2.2")


def test_a_missing_tag_suggests_the_nearest() -> None:
    verdict = tag_exists.fn(IMAGE, ImagePresence(exists=False, where="team/app", near=("1.2.1", "1.2.0")))
    assert verdict.status is Status.FAIL
    assert "1.2.2" in verdict.summary
    assert "there is 1.2.1" in verdict.summary
    assert dict(verdict.evidence)["Tags like it"] == "1.2.1, 1.2.0"


def test_a_missing_tag_without_neighbours_suggests_nothing() -> None:
    verdict = tag_exists.fn(IMAGE, ImagePresence(exists=False, where="team/app"))
    assert verdict.summary == "there is no tag 1.2.2 in team/app"


def test_a_digest_is_called_a_digest() -> None:
    image = parse(f"registry.example/team/app@sha256:{'0' * 64}")
    verdict = tag_exists.fn(image, ImagePresence(exists=False, where="team/app"))
    assert "no digest sha256:" in verdict.summary


def test_what_is_there_passes() -> None:
    assert tag_exists.fn(IMAGE, ImagePresence(exists=True, where="team/app")).status is Status.PASS
    found = RepositoryPresence(exists=True, where="team/app")
    assert repository_exists.fn(IMAGE.repository, found).status is Status.PASS


def test_a_missing_repository_suggests_the_nearest_and_is_one_cause_for_all_its_images() -> None:
    verdict = repository_exists.fn(
        IMAGE.repository, RepositoryPresence(exists=False, where="team/app", near=("team/apps",))
    )
    assert verdict.status is Status.FAIL
    assert "there is team/apps" in verdict.summary
    assert verdict.about == "team/app"


def test_only_what_such_a_lack_can_cause_is_explained() -> None:
    assert tag_exists.explains(Symptom.TAG_NOT_FOUND)
    assert not tag_exists.explains(Symptom.FORBIDDEN)
    assert repository_exists.explains(Symptom.REPOSITORY_NOT_FOUND)
    assert not repository_exists.explains(Symptom.CONNECT_TIMEOUT)
