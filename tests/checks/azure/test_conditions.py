"""Conditions of role assignments, as people and the portal write them."""

from __future__ import annotations

import pytest

from checks.azure.actions import CONTENT, METADATA, PULL, matches
from checks.azure.conditions import Holds, holds

NAME = "@Request[Microsoft.ContainerRegistry/registries/repositories:name]"
OTHER_ACTIONS = f"(!(ActionMatches{{'{CONTENT}'}}) AND !(ActionMatches{{'{METADATA}'}}))"
PORTAL = f"""
(
 (
  !(ActionMatches{{'{CONTENT}'}})
  AND
  !(ActionMatches{{'{METADATA}'}})
 )
 OR\x20
 (
  {NAME} StringStartsWithIgnoreCase 'backend/'
  OR
  {NAME} StringEqualsIgnoreCase 'Shop/Web'
 )
)
"""


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("backend/api", Holds.YES),
        ("BACKEND/api", Holds.YES),
        ("backend-old", Holds.NO),
        ("backend", Holds.NO),
        ("shop/web", Holds.YES),
        ("shop/web2", Holds.NO),
    ],
)
def test_names_are_compared_as_the_portal_writes_it(repository: str, expected: Holds) -> None:
    assert holds(PORTAL, repository, CONTENT) is expected
    assert holds(PORTAL, repository, METADATA) is expected


def test_without_a_slash_at_the_end_a_name_that_begins_so_is_meant_too() -> None:
    condition = f"({OTHER_ACTIONS} OR ({NAME} StringStartsWithIgnoreCase 'backend'))"
    assert holds(condition, "backend-old", CONTENT) is Holds.YES


def test_no_condition_holds_for_everything() -> None:
    assert holds("", "a", CONTENT) is Holds.YES
    assert holds("  \n", "a", CONTENT) is Holds.YES


def test_an_action_that_the_condition_does_not_name_is_not_bound() -> None:
    condition = f"((!(ActionMatches{{'{CONTENT}'}})) OR ({NAME} StringEqualsIgnoreCase 'a'))"
    assert holds(condition, "b", CONTENT) is Holds.NO
    assert holds(condition, "b", METADATA) is Holds.YES
    assert holds(PORTAL, "b", PULL) is Holds.YES


def test_several_expressions_count_together() -> None:
    condition = (
        f"((!(ActionMatches{{'{CONTENT}'}}) OR ({NAME} StringStartsWithIgnoreCase 'a/'))) AND "
        f"((!(ActionMatches{{'{METADATA}'}}) OR ({NAME} StringStartsWithIgnoreCase 'b/')))"
    )
    assert holds(condition, "a/x", CONTENT) is Holds.YES
    assert holds(condition, "a/x", METADATA) is Holds.NO


@pytest.mark.parametrize(
    "condition",
    [
        f"({OTHER_ACTIONS} OR ({NAME} StringLike 'a*'))",
        f"({OTHER_ACTIONS} OR ({NAME} ForAnyOfAnyValues:StringEqualsIgnoreCase {{'a', 'b'}}))",
        f"({OTHER_ACTIONS} OR (@Resource[Microsoft.ContainerRegistry/registries:a] StringEquals 'b'))",
        f"({OTHER_ACTIONS} OR (@Principal[Microsoft.Directory/CustomSecurityAttributes:a] BoolEquals true))",
        f"({OTHER_ACTIONS} OR (Exists {NAME}))",
        f"({OTHER_ACTIONS} OR (@Environment[UtcNow] DateTimeLessThan '2027-01-01T00:00:00.0Z'))",
    ],
)
def test_what_we_were_not_taught_is_unknown(condition: str) -> None:
    assert holds(condition, "a", CONTENT) is Holds.UNKNOWN


def test_what_is_unknown_does_not_hide_what_decides() -> None:
    unknown = "@Environment[UtcNow] DateTimeLessThan '2027-01-01T00:00:00.0Z'"
    assert holds(f"({NAME} StringEqualsIgnoreCase 'a' OR {unknown})", "a", CONTENT) is Holds.YES
    assert holds(f"({NAME} StringEqualsIgnoreCase 'a' AND {unknown})", "b", CONTENT) is Holds.NO
    assert holds(f"({NAME} StringEqualsIgnoreCase 'a' AND {unknown})", "a", CONTENT) is Holds.UNKNOWN
    assert holds(f"!({unknown})", "a", CONTENT) is Holds.UNKNOWN


@pytest.mark.parametrize(
    "condition",
    [
        "(",
        ")",
        "()",
        "a",
        "(a",
        "AND",
        f"{NAME} StringEqualsIgnoreCase 'a' {NAME}",
        "!",
        "'",
        "(" * 5000,
        "!" * 5000,
    ],
)
def test_what_is_no_condition_is_unknown_and_hurts_nobody(condition: str) -> None:
    assert holds(condition, "a", CONTENT) is Holds.UNKNOWN


def test_a_star_stands_for_slashes_too_and_nothing_else_is_special() -> None:
    assert matches("*", PULL)
    assert matches("*/read", PULL)
    assert matches("microsoft.containerregistry/registries/*/READ", PULL)
    assert not matches("Microsoft.ContainerRegistry/registries/read", PULL)
    assert not matches("Microsoft.ContainerRegistry.registries/pull/read", PULL)
    assert not matches(PULL, f"{PULL}\n")
