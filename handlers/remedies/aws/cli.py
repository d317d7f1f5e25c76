"""Commands of the AWS CLI as a person would type them."""

from __future__ import annotations

import shlex


def aws(service: str, operation: str, region: str, *words: str) -> str:
    """Shell-quoted. Services without regions (IAM, Organizations) are given "" for one."""
    where = ("--region", region) if region else ()
    return shlex.join(("aws", service, operation, *where, *words))
