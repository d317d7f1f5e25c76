"""The real catalog and the real remedies: complete, pure where they must be, named after their files."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import checks
from checks.aws.ecs_tasks import TaskBook
from checks.aws.facts import Aws
from checks.aws.identity import RoleReads
from checks.azure.facts import Arm, Graph
from checks.graph import Catalog, Check, Fact, members
from checks.host import Cluster
from checks.kubernetes.facts import Kube
from checks.kubernetes.registry_logins import RegistryLogins
from checks.kubernetes.rollout_has_image import Given
from checks.model import FailedPull, Leg, Since, Verdict
from checks.registry.facts import Registry
from handlers.remedies.aws.runbook_steps import AutomationRole
from handlers.remedies.aws.steps import AwsWriter
from handlers.remedies.azure.steps import ArmWriter
from handlers.remedies.kubernetes.login_steps import LoginReader
from handlers.remedies.kubernetes.secret_steps import SecretWriter
from handlers.remedies.kubernetes.steps import KubeWriter
from handlers.remedy import Advice, Remedy, load_advice, load_remedies

CATALOG = Catalog.load()
REMEDIES = load_remedies()
ADVICE = load_advice()
FACTS = [one for group in CATALOG.facts.values() for one in group]
# What a cluster is connected with, what a diagnosis adds, and what only a verification has.
ROOTS = (
    Cluster,
    Kube,
    RegistryLogins,
    Aws,
    Arm,
    Graph,
    TaskBook,
    AutomationRole,
    FailedPull,
    Since,
    Given,
    Registry,
)
WRITERS = (AwsWriter, ArmWriter, KubeWriter, SecretWriter, LoginReader)
TESTS = Path(__file__).parent
SOURCES = Path(checks.__file__).parent


def name_of(one: Check | Fact | Remedy | Advice) -> str:
    return one.id


def test_there_is_something_to_look_at() -> None:
    assert len(CATALOG.checks) >= 8
    assert len(REMEDIES) >= 4


def test_every_need_of_a_check_or_a_fact_is_given_by_somebody() -> None:
    assert CATALOG.unmet(ROOTS) == []


@pytest.mark.parametrize("remedy", [*REMEDIES, *ADVICE], ids=name_of)
def test_every_need_of_a_remedy_is_given_by_somebody(remedy: Remedy | Advice) -> None:
    known = {*ROOTS, *CATALOG.facts}
    assert [need.type for need in remedy.needs if need.type not in known] == []


@pytest.mark.parametrize("asker", [*CATALOG.checks, *FACTS, *REMEDIES, *ADVICE], ids=name_of)
def test_nothing_that_reads_or_decides_asks_for_a_write_client(asker: Check | Fact | Remedy | Advice) -> None:
    assert not {need.type for need in asker.needs} & {*WRITERS}


def test_nothing_gives_a_write_client() -> None:
    assert not {*CATALOG.facts} & {*WRITERS}


@pytest.mark.parametrize("one", [*CATALOG.checks, *REMEDIES, *ADVICE], ids=name_of)
def test_what_decides_is_pure_and_never_waits(one: Check | Remedy | Advice) -> None:
    assert not inspect.iscoroutinefunction(one.fn)
    assert not inspect.isasyncgenfunction(one.fn)
    assert not {need.type for need in one.needs} & {Arm, Aws, Graph, Kube, Registry}


@pytest.mark.parametrize("one", [one for one in CATALOG.checks if one.id.startswith("aws/")], ids=name_of)
def test_a_check_of_aws_leads_to_a_page_of_aws(one: Check) -> None:
    assert one.page.startswith(("https://docs.aws.amazon.com/", "https://repost.aws/knowledge-center/"))


@pytest.mark.parametrize("one", CATALOG.checks, ids=name_of)
def test_a_check_says_what_it_needs_and_gives_a_verdict(one: Check) -> None:
    assert inspect.get_annotations(one.fn, eval_str=True)["return"] is Verdict
    assert one.title
    assert one.title[0].isupper()
    assert not one.title.endswith(".")
    assert isinstance(one.leg, Leg)


@pytest.mark.parametrize("one", [one for one in CATALOG.checks if one.id.startswith("azure/")], ids=name_of)
def test_a_check_of_azure_leads_to_a_page_of_microsoft(one: Check) -> None:
    assert one.page.startswith("https://learn.microsoft.com/en-us/")


# A reader of many roles that starts one of them early; what it answers is frozen.
CLIENTS = {RoleReads}


@pytest.mark.parametrize("one", [one for one in FACTS if one.gives not in CLIENTS], ids=name_of)
def test_a_fact_gives_a_frozen_value(one: Fact) -> None:
    parameters: Any = getattr(one.gives, "__dataclass_params__", None)
    assert parameters is not None, f"{one.id} gives {one.gives}"
    assert parameters.frozen


@pytest.mark.parametrize("one", CATALOG.checks, ids=name_of)
def test_a_check_lives_in_a_file_of_its_name(one: Check) -> None:
    assert (SOURCES / f"{one.id}.py").is_file()
    assert one.fn.__name__ == one.id.rpartition("/")[2]


@pytest.mark.parametrize("one", [*REMEDIES, *ADVICE], ids=name_of)
def test_a_remedy_lives_in_a_file_of_its_name(one: Remedy | Advice) -> None:
    assert one.fn.__module__ == "handlers.remedies." + one.id.replace("/", ".")
    assert one.fn.__name__ == one.id.rpartition("/")[2]


@pytest.mark.parametrize(
    "group", [CATALOG.checks, [*REMEDIES, *ADVICE], FACTS], ids=["checks", "remedies and advice", "facts"]
)
def test_no_two_have_one_name(group: list[Check] | list[Remedy | Advice] | list[Fact]) -> None:
    ids = [one.id for one in group]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("one", CATALOG.checks, ids=name_of)
def test_a_check_has_tests(one: Check) -> None:
    """In a file of its name, or in one of its family's that names it."""
    family, _, name = one.id.rpartition("/")
    tests = [path.read_text() for path in (TESTS / family).glob("test_*.py")]
    assert list(TESTS.rglob(f"test_{name}.py")) or any(re.search(rf"\b{name}\b", text) for text in tests)


@pytest.mark.parametrize("remedy", REMEDIES, ids=name_of)
def test_a_remedy_cures_a_check_of_the_catalog_or_says_that_it_cures_none(remedy: Remedy) -> None:
    assert remedy.cures is None or set(remedy.all_cures) <= set(CATALOG.checks)


@pytest.mark.parametrize("advice", ADVICE, ids=name_of)
def test_advice_is_for_checks_of_the_catalog(advice: Advice) -> None:
    assert advice.cures
    assert set(advice.cures) <= set(CATALOG.checks)


# What they are about is in no API: they say what is likely, and themselves where a person looks.
NEVER_FAIL = {"aws/credential_provider_knows_host"}


@pytest.mark.parametrize("one", [one for one in CATALOG.checks if one.id.startswith("aws/")], ids=name_of)
def test_what_fails_in_aws_is_answered_with_a_plan_or_with_advice(one: Check) -> None:
    cured = {remedy.cures for remedy in REMEDIES} | {check for advice in ADVICE for check in advice.cures}
    answered = one in cured or one.proof or one.id in NEVER_FAIL
    assert answered, f"nobody would know what to do about {one.id}"


def test_every_function_that_looks_like_a_check_is_one() -> None:
    """Somebody forgot the decorator: a public function of a check's name that gives a verdict."""
    marked = {one.fn for one in CATALOG.checks}
    for found in members("checks"):
        if inspect.isfunction(found) and found.__annotations__.get("return") == "Verdict":
            if found.__module__.rpartition(".")[2] != found.__name__:
                continue
            assert found in marked, f"{found.__module__} lacks @check"
