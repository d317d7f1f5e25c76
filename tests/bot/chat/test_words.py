"""What people may type, what it means, and what they are told when it means nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.words import COMMANDS, HELP, Words, WrongWords, parse_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", Words("help")),
        ("   ", Words("help")),
        ("help", Words("help")),
        ("why", Words("why")),
        ("Why?", Words("why")),
        ("STATUS!", Words("status")),
        ("why deploy/web", Words("why", "deploy/web")),
        ("why deploy/web -n shop -c prod", Words("why", "deploy/web", "shop", "prod")),
        ("why -c prod -n shop deploy/web", Words("why", "deploy/web", "shop", "prod")),
        ("why --namespace=shop --cluster=prod", Words("why", "", "shop", "prod")),
        ("why -n=shop", Words("why", "", "shop")),
        ('why "deploy/web" -n “shop”', Words("why", "deploy/web", "shop")),
        ("why it's", Words("why", "it's")),
        ("mute", Words("mute")),
        ("mute 1H", Words("mute", length=timedelta(hours=1))),
        ("mute 30m", Words("mute", length=timedelta(minutes=30))),
        ("mute 3d prod/shop/Deployment/web", Words("mute", "prod/shop/Deployment/web", length=timedelta(3))),
        ("mute prod 1h", Words("mute", "prod", length=timedelta(hours=1))),
        ("unmute prod", Words("unmute", "prod")),
        ("history", Words("history")),
    ],
)
def test_these_words_are_understood(text: str, words: Words) -> None:
    assert parse_words(text) == words


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("wyh", "did you mean `why`?"),
        ("statsu", "did you mean `status`?"),
        ("unmut prod", "did you mean `unmute`?"),
        ("please fix everything", "try `why`, `status` or `help`"),
        ("?", "try `why`"),
        ("''", "try `why`"),
        ("why -n", "-n wants a name"),
        ("why -n= web", "-n wants a name"),
        ("why -n -c prod", "-n wants a name"),
        ("mute 0h", "`unmute` ends a mute"),
        ("why --all", "“--all” means here"),
        ("why deploy/web deploy/api", "“deploy/api” means here"),
        ("why deploy/web 2h", "“2h” means here"),
    ],
)
def test_wrong_words_get_a_hint(text: str, hint: str) -> None:
    with pytest.raises(WrongWords) as caught:
        parse_words(text)
    assert hint in str(caught.value)


def test_a_long_wrong_word_is_not_said_back_whole() -> None:
    with pytest.raises(WrongWords) as caught:
        parse_words("x" * 5000)
    assert len(str(caught.value)) < 200


def test_every_command_is_explained_by_help() -> None:
    assert {line.split()[0] for line, _ in HELP} == set(COMMANDS)


@given(st.text())
def test_any_text_is_understood_or_answered_with_a_hint(text: str) -> None:
    _understood_or_hinted(text)


@given(st.sampled_from(COMMANDS), st.lists(st.sampled_from(["-n", "-c", "=", "a", "2h", "9999d", '"', "\\"])))
def test_any_command_line_is_understood_or_answered_with_a_hint(command: str, rest: list[str]) -> None:
    _understood_or_hinted(" ".join((command, *rest)))


def _understood_or_hinted(text: str) -> None:
    try:
        words = parse_words(text)
    except WrongWords:
        return
    assert words.command in COMMANDS
    assert not words.namespace.startswith("-")
