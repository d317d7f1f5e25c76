"""The documents keep up with the code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import helm_python as helm
import pytest
import yaml
from pydantic import BaseModel

from bot.__main__ import COMMANDS, main
from bot.settings import load
from bot.settings_shape import Shape
from bot.settings_sources import Secrets
from checks.graph import Catalog
from handlers.remedy import load_advice, load_remedies

PROJECT = Path(__file__).parent.parent
_CHECK_OR_REMEDY = re.compile(r"(?<![\w/])((?:image|registry|kubernetes|aws|azure)/[a-z]+_[a-z_]+)\b(?!\.py)")
DOCUMENTS = (*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md"))
CONFIGURATION = (PROJECT / "docs" / "configuration.md").read_text()


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"`([a-z_.]+)`", CONFIGURATION))
    assert [key for key in keys_of(Shape) if key not in documented] == []


def test_every_secret_is_documented() -> None:
    for name in Secrets.__dataclass_fields__:
        assert f"`{name.upper()}`" in CONFIGURATION


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", CONFIGURATION, re.DOTALL)
    written = tmp_path / "pullbot.yaml"
    written.write_text(example)
    assert [cluster.name for cluster in load(str(written), {}).clusters] == ["prod"]


@pytest.mark.parametrize("page", ["slack.md", "teams.md"])
def test_every_example_of_a_chat_is_a_configuration(page: str, tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (PROJECT / "docs" / page).read_text(), re.DOTALL)
    assert examples
    for example in examples:
        if example.startswith("# .m365agentsplayground.yml"):
            continue
        written = tmp_path / "pullbot.yaml"
        values = yaml.safe_load(example)["config"] if example.startswith("# values.yaml") else None
        written.write_text(yaml.safe_dump(values) if values else example)
        assert [one for one in load(str(written), {}).warnings if "teams.local" not in one] == []


def test_the_values_for_teams_open_its_door_alone() -> None:
    page = (PROJECT / "docs" / "teams.md").read_text()
    (values,) = (
        yaml.safe_load(one) for one in re.findall(r"```yaml\n(# values.yaml\n.*?)```", page, re.DOTALL)
    )
    rendered = helm.Chart.load(PROJECT / "helm" / "pullbot").render(
        values, name="pullbot", namespace="pullbot"
    )
    ingress = next(yaml.safe_load(text) for path, text in rendered.items() if path.endswith("ingress.yaml"))
    (rule,) = ingress["spec"]["rules"]
    assert [one["path"] for one in rule["http"]["paths"]] == ["/api/messages"]


def test_what_the_log_is_said_to_say_of_teams_is_in_the_code() -> None:
    code = "".join(one.read_text() for one in (PROJECT / "bot" / "chat" / "teams").glob("*.py"))
    told = (PROJECT / "docs" / "teams.md").read_text().partition("## When nothing arrives")[2]
    quoted = re.findall(r"^\| `(?:refused with \d{3}: )?(.*?)` \|", told, re.MULTILINE)
    assert len(quoted) > 5
    for phrase in quoted:
        for part in re.split(r" ?… ?|\(AADSTS…\)", phrase):
            assert part in code, f"nothing says {phrase!r}"


def test_the_playground_has_the_channel_that_pullbot_posts_to() -> None:
    page = (PROJECT / "docs" / "teams.md").read_text().partition("## Try it on this machine")[2]
    pullbot, playground = (yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    (channel,) = playground["team"]["channels"]
    assert pullbot["clusters"][0]["channels"]["teams"] == channel["id"]
    addresses = {one["userPrincipleName"] for one in (playground["currentUser"], *playground["users"])}
    assert addresses >= set(pullbot["approvals"]["approvers"])


def test_every_dependency_says_why_it_is_here() -> None:
    explained = (PROJECT / "docs" / "dependencies.md").read_text().lower()
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["demo"],
        *(one for group in project["dependency-groups"].values() for one in group),
    ]
    names = [re.split(r"[\[<>=]", one)[0].lower() for one in wanted]
    assert [name for name in names if name not in explained] == []


def test_relative_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_command_that_is_named_exists() -> None:
    there = {command.name for command in COMMANDS if find_spec(command.module)}
    for document in DOCUMENTS:
        named = set(re.findall(r"(?:`|\$ |^)pullbot ([a-z]+)", document.read_text(), re.MULTILINE))
        assert named <= there, f"{document.name} names a command that there is not"


def test_every_make_target_that_is_named_exists() -> None:
    there = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        for named in re.findall(r"(?:`|^)make ([a-z-]+(?: [a-z-]+)*)", document.read_text(), re.MULTILINE):
            assert set(named.split()) <= there, f"{document.name}: make {named}"


def test_every_check_and_remedy_that_is_named_exists() -> None:
    there = {one.id for one in Catalog.load().checks}
    there |= {one.id for one in load_remedies()} | {one.id for one in load_advice()}
    example = {"image/tag_is_named"}  # of CONTRIBUTING.md, which says that it is one
    for document in DOCUMENTS:
        named = set(_CHECK_OR_REMEDY.findall(document.read_text()))
        assert named <= there | example, f"{document.name} names what there is not"


def test_the_page_of_checks_is_what_the_code_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checks", "-o", "markdown"]) == 0
    now = capsys.readouterr().out
    assert (PROJECT / "docs" / "checks.md").read_text() == now, (
        "docs/checks.md is behind the code; run `make docs`"
    )


def keys_of(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """``slack.mode``; a cluster's keys as they are within the cluster."""
    for name, one in model.model_fields.items():
        inner = next(_models_in(one.annotation), None)
        if inner is None or (name in ("slack", "teams", "page", "owners") and above):
            yield f"{above}{name}"
        elif name == "clusters":
            yield from keys_of(inner)
        else:
            yield from keys_of(inner, f"{above}{name}.")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
