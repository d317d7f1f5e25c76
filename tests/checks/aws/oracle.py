"""Another evaluator of IAM policies, written by others: a process of its own, never imported."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from checks.aws.rulings import Says

_SCRIPT = Path(__file__).parents[2] / "oracle" / "oracle.mjs"
_SAYS = {"Allowed": Says.ALLOWS, "ExplicitlyDenied": Says.DENIES, "ImplicitlyDenied": Says.NOTHING}


def ask(simulations: Iterable[Mapping[str, Any]]) -> list[Says]:
    """The answers, in order, of one process.

    :raises ValueError: it takes a policy for none.
    """
    lines = "".join(f"{json.dumps(one)}\n" for one in simulations)
    done = subprocess.run(["node", _SCRIPT], input=lines, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the other evaluator failed (is it installed? `make test` does): {done.stderr}")
    answers = []
    for line, asked in zip(done.stdout.splitlines(), lines.splitlines(), strict=True):
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(f"{answer['error']} of {asked}")
        answers.append(_SAYS[answer["result"]])
    return answers
