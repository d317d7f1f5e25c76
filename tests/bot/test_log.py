from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from bot.log import JsonLines, about_incident
from checks.secret import Secret


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the logger ``pullbot.test`` writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("pullbot.test")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)


log = logging.getLogger("pullbot.test")


def test_a_line_is_one_json_object(lines: io.StringIO) -> None:
    log.info("pull of %s failed\nand again", "ui:2", extra={"seconds": 0.5, "nodes": ("a", "b")})
    [line] = lines.getvalue().splitlines()
    told = json.loads(line)
    assert told["message"] == "pull of ui:2 failed\nand again"
    assert (told["level"], told["logger"], told["seconds"], told["nodes"]) == (
        "info", "pullbot.test", 0.5, ["a", "b"],
    )  # fmt: skip


def test_secrets_are_kept_out_of_every_part(lines: io.StringIO) -> None:
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2VjcmV0c2VjcmV0"
    try:
        raise ValueError(f"Authorization: Bearer {token}")
    except ValueError:
        log.exception(
            "sent Authorization: Bearer %s", token, extra={"sent": {"h": f"Authorization: Bearer {token}"}}
        )
    log.info("with %s", Secret(token), extra={"secret": Secret(token)})
    assert token not in lines.getvalue()
    assert "Traceback" in lines.getvalue()
    assert len(lines.getvalue().splitlines()) == 2


def test_half_characters_do_not_break_a_line() -> None:
    # Not logged: what pytest captures travels between its workers, and half characters cannot.
    record = logging.LogRecord("pullbot.test", logging.INFO, "", 0, "image %s", ("ui:\ud800",), None)
    line = JsonLines().format(record)
    assert line.isascii()
    assert json.loads(line)["message"] == "image ui:\ud800"


async def test_lines_carry_the_incident_of_their_task(lines: io.StringIO) -> None:
    async def look(incident_id: str) -> None:
        with about_incident(incident_id):
            await asyncio.create_task(read())

    async def read() -> None:
        log.info("read")

    await asyncio.gather(look("a1"), look("b2"))
    log.info("idle")
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert sorted(one.get("incident", "") for one in told) == ["", "a1", "b2"]
