"""What the archive means for a pull."""

from __future__ import annotations

import pytest

from checks.aws.ecr import ImageInEcr
from checks.aws.image_is_active import image_is_active
from checks.image.reference import parse
from checks.model import NotApplicable, Status, Verdict
from tests.checks.aws.one_role import APP

IMAGE = parse("111122223333.dkr.ecr.us-west-2.amazonaws.com/app:1.2.1")


def verdict(status: str) -> Verdict:
    found = ImageInEcr(APP, repository_exists=True, exists=True, digest="sha256:12", status=status)
    return image_is_active.fn(found, IMAGE)


def test_an_active_image_passes() -> None:
    assert verdict("ACTIVE").status is Status.PASS


def test_an_archived_image_is_told() -> None:
    it = verdict("ARCHIVED")
    assert it.status is Status.FAIL
    assert "app:1.2.1 is archived" in it.summary
    assert dict(it.evidence)["Status"] == "ARCHIVED"


def test_an_image_on_its_way_back_needs_patience_only() -> None:
    it = verdict("ACTIVATING")
    assert it.status is Status.FAIL
    assert "is being restored" in it.summary


def test_a_status_that_ecr_may_add_is_neither() -> None:
    assert verdict("FROZEN").status is Status.UNKNOWN


def test_an_image_that_is_not_there_is_another_checks() -> None:
    with pytest.raises(NotApplicable):
        image_is_active.fn(ImageInEcr(APP, repository_exists=True, exists=False), IMAGE)
