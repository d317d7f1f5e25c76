"""Where the organization itself denies, nothing that is done within an account is of use."""

from __future__ import annotations

from checks.aws.denials import Accusation
from handlers.remedy import Refused


def must_not_be_barred(accusation: Accusation | None) -> None:
    """:raises Refused: the registry says that a policy of the organization denies the pull."""
    if accusation is not None and accusation.by_registry and accusation.of_organization:
        raise Refused(
            f"it would not be enough: {accusation.action} would still be blocked by {accusation.words} of "
            "the organization"
        )
