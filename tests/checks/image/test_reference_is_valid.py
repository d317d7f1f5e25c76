"""What kubelet would not parse is told with what is wrong; everything else passes."""

from __future__ import annotations

import pytest

from checks.image.reference_is_valid import reference_is_valid
from checks.model import Leg, Status, Symptom
from tests.fakes.doors import pull


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("", "no image is named"),
        ("r.example/app:${TAG}", "a placeholder was not filled in"),
        ("https://r.example/app:1", "has no scheme"),
        ("r.example/app:1 ", "white space"),
        ("r.example/App:1", "lower case"),
        ("r.example/app:", "the tag after the colon is empty"),
        ("r.example/app@", "the digest after @ is empty"),
        ("r.example/app@sha256:0", "write it as"),
        ("r.example//app:1", "extra slash"),
    ],
)
def test_what_does_not_parse_is_told_with_what_is_wrong(image: str, says: str) -> None:
    verdict = reference_is_valid(pull(image=image))
    assert verdict.status is Status.FAIL
    assert says in verdict.summary
    assert verdict.evidence == (("Image", image),)
    assert verdict.about == image


@pytest.mark.parametrize(
    "image", ["nginx", "r.example/app", "r.example:5000/a/b:1", f"app@sha256:{'0' * 64}"]
)
def test_what_parses_passes(image: str) -> None:
    assert reference_is_valid(pull(image=image)).status is Status.PASS


def test_nothing_is_asked_before_it() -> None:
    assert reference_is_valid.leg is Leg.REFERENCE
    assert reference_is_valid.explains(Symptom.INVALID_IMAGE_NAME)
    assert not reference_is_valid.explains(Symptom.TAG_NOT_FOUND)
