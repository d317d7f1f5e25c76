"""AWS's command line, as far as it says whether a command makes sense: its operations and their options."""

from __future__ import annotations

import shlex
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name

_OF_ALL = {"region", "query", "output"}
_FILES_FOR_ALL = {"cli_input_json"}


@cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def understood(command: str) -> tuple[str, ...]:
    """The words of the command, which is known to have an operation and options that there are.

    :raises AssertionError: AWS's command line would not take it
    """
    first = command.split(" | ", maxsplit=1)[0]
    words = tuple(shlex.split(first))
    assert words[0] == "aws", command
    service, operation = words[1], words[2]
    model = _service(service)
    by_name = {xform_name(one, "-"): one for one in model.operation_names}
    assert operation in by_name, f"{service} has no {operation}"
    shape = model.operation_model(by_name[operation]).input_shape
    members = {xform_name(one): one for one in shape.members}
    given = {one.removeprefix("--").replace("-", "_") for one in words if one.startswith("--")}
    assert given <= {*members, *_OF_ALL, *_FILES_FOR_ALL}, f"{given - {*members}} of {command}"
    if not given & _FILES_FOR_ALL:
        needed = {xform_name(one) for one in shape.required_members}
        assert needed <= given, f"{needed - given} is missing: {command}"
    return words
