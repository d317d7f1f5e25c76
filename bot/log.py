"""The log: one JSON object per line on standard error, free of secrets.

Whatever is logged while ``about_incident`` is active carries the incident's id, so one incident can
be followed through watchers, facts, chats and steps. Fields given as ``extra=`` become fields of the
line.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from checks.redaction import redact

_incident: ContextVar[str] = ContextVar("incident", default="")

# What every record has; anything else came in through ``extra``.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

# Chatty on INFO, and one of them (httpx) logs addresses with tokens in them.
_QUIET = (
    "apscheduler",
    "azure",
    "botocore",
    "boto3",
    "httpx",
    "kubernetes",
    "slack_bolt",
    "slack_sdk",
    "urllib3",
)


@contextmanager
def about_incident(incident_id: str) -> Iterator[None]:
    """Mark log lines of this task, and of the tasks it starts, with the incident."""
    token = _incident.set(incident_id)
    try:
        yield
    finally:
        _incident.reset(token)


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if _incident.get():
            line["incident"] = _incident.get()
        line |= {name: value for name, value in vars(record).items() if name not in _USUAL}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # ASCII only: no text from outside can break a line or a terminal.
        return json.dumps(_without_secrets(line), default=lambda value: redact(str(value)))


def start_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every logger's lines to ``stream`` (standard error), from ``level`` upwards."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {str(name): _without_secrets(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(one) for one in value]
    return value
