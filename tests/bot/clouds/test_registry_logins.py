"""Logins that an operator has configured: read from where they are, told apart, and shown to nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.clouds._aws import AwsHands, Roles
from bot.clouds._aws_sessions import Sessions
from bot.clouds.registry_logins import Kept, Known
from bot.settings_clusters import RegistryLogin
from checks.model import Unavailable
from tests.fakes.pull_secrets import HOST, PASSWORD, docker_config, entry

ECR = "123456789012.dkr.ecr.us-west-2.amazonaws.com"


def configured(source: str, host: str = HOST) -> RegistryLogin:
    return RegistryLogin(namespace="shop", name="regcred", host=host, source=source)


class NoAws:
    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Any:
        raise AssertionError(f"nothing here asks AWS for {service}.{operation} in {region}")


def kept(source: str, host: str = HOST, **environ: str) -> Kept:
    return Kept((configured(source, host),), environ, NoAws())


@pytest.mark.parametrize(
    "text",
    [
        f"robot:{PASSWORD}",
        f"robot:{PASSWORD}\n",
        docker_config(**{HOST: entry()}),
        docker_config(**{f"https://{HOST}/v1/": {"auth": entry()["auth"]}, "ghcr.io": entry("other")}),
        docker_config(**{HOST: {"username": "robot", "password": PASSWORD}}),
    ],
)
async def test_a_login_is_read_from_a_variable_and_from_a_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "login").write_text(text)
    for logins in (kept("env:REGCRED", REGCRED=text), kept(f"file:{tmp_path / 'login'}")):
        found = await logins.read("shop", "regcred", HOST)
        assert (found.username, found.password.reveal()) == ("robot", PASSWORD)


async def test_a_login_is_read_from_a_directory_as_a_mounted_secret_is(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("robot\n")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    found = await kept(f"file:{tmp_path}").read("shop", "regcred", HOST)
    assert (found.username, found.password.reveal()) == ("robot", PASSWORD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "robot",
        "robot:",
        "{}",
        "{",
        '{"auths": 1}',
        docker_config(**{"ghcr.io": entry()}),
        docker_config(**{HOST: {"auth": "!"}}),
        docker_config(**{HOST: 1}),
    ],
)
async def test_what_holds_no_login_is_told_without_its_text(text: str) -> None:
    with pytest.raises(Unavailable, match="the environment variable REGCRED has no user name and password"):
        await kept("env:REGCRED", REGCRED=text).read("shop", "regcred", HOST)


async def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"cannot read the file .*/none: No such file"):
        await kept(f"file:{tmp_path}/none").read("shop", "regcred", HOST)


async def test_what_was_configured_before_is_not_any_more() -> None:
    for where in (("shop", "other", HOST), ("prod", "regcred", HOST), ("shop", "regcred", "ghcr.io")):
        with pytest.raises(Unavailable, match="configured any more"):
            await kept("env:REGCRED", REGCRED=f"robot:{PASSWORD}").read(*where)


async def test_facts_are_told_whose_login_it_is_and_where_and_no_password() -> None:
    [source] = await Known(kept("env:REGCRED", REGCRED=f"robot:{PASSWORD}")).sources("shop", "regcred")
    assert (source.username, source.words, source.unread) == ("robot", "the environment variable REGCRED", "")
    assert PASSWORD not in repr(source)
    assert await Known(kept("env:REGCRED")).sources("shop", "other") == ()
    [empty] = await Known(kept("env:REGCRED")).sources("shop", "regcred")
    assert "has no user name" in empty.unread


async def test_a_print_is_another_for_another_login_and_for_another_process() -> None:
    one = kept("env:REGCRED", REGCRED=f"robot:{PASSWORD}")
    first = await one.read("shop", "regcred", HOST)
    assert first.print == (await one.read("shop", "regcred", HOST)).print
    assert (
        first.print
        != (await kept("env:REGCRED", REGCRED=f"robot:{PASSWORD}").read("shop", "regcred", HOST)).print
    )
    environ = {"REGCRED": f"robot:{PASSWORD}"}
    changing = Kept((configured("env:REGCRED"),), environ, NoAws())
    before = (await changing.read("shop", "regcred", HOST)).print
    environ["REGCRED"] = "robot:other"
    assert (await changing.read("shop", "regcred", HOST)).print != before


async def test_a_token_of_ecr_is_had_with_the_write_role(aws_url: str) -> None:
    hands = AwsHands(Sessions(), Roles())
    logins = Kept((configured("ecr", ECR),), {}, hands)
    found = await logins.read("shop", "regcred", ECR)
    assert found.username == "AWS"
    assert found.password.reveal()
    [source] = await Known(logins).sources("shop", "regcred")
    assert (source.username, source.print) == ("AWS", "")
    hands.close()


async def test_an_answer_of_ecr_that_is_none_is_told() -> None:
    class Odd:
        async def __call__(
            self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
        ) -> Any:
            return {"authorizationData": []}

    with pytest.raises(Unavailable, match="gave no token"):
        await Kept((configured("ecr", ECR),), {}, Odd()).read("shop", "regcred", ECR)
    with pytest.raises(Unavailable, match="is no registry of ECR"):
        await Kept((configured("ecr"),), {}, Odd()).read("shop", "regcred", HOST)


def test_a_password_has_no_repr() -> None:
    assert PASSWORD not in repr(kept("env:REGCRED", REGCRED=f"robot:{PASSWORD}"))
