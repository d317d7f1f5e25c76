"""AWS's own words on a denial: whom it denied, what, and which kind of policy was to blame.

The end of the message names the kind of policy: "because no identity-based policy allows the … action",
"with an explicit deny in a resource-based policy"
(docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html). Only one kind is named even
if several are to blame, so the words convict, but seldom acquit: an implicit denial says that no Deny
was found anywhere, and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from checks.graph import fact
from checks.model import FailedPull, NotApplicable

_KINDS = (
    "identity-based policy|resource-based policy|session policy|permissions boundary|"
    "service control policy|resource control policy|VPC endpoint policy"
)
_DENIAL = re.compile(
    r"User: (?P<principal>arn:\S+) is not authorized to perform: (?P<action>[\w:-]+)"
    r" on resource: (?P<resource>[^\s\"']+)"
    rf"(?: because no (?P<lacking>{_KINDS}) allows| with an explicit deny in an? (?P<denying>{_KINDS}))?",
    re.IGNORECASE,
)


class Side(Enum):
    """Where the policies of one side are kept: with the role, or with the repository."""

    ROLE = "role"
    REPOSITORY = "repository"
    ELSEWHERE = "elsewhere"


_SIDES = {
    "identity-based policy": Side.ROLE,
    "session policy": Side.ROLE,
    "permissions boundary": Side.ROLE,
    "resource-based policy": Side.REPOSITORY,
}


@dataclass(frozen=True, slots=True)
class Accusation:
    """``layer``: the kind of policy in AWS's words (``resource-based policy``), "" where none is named."""

    principal: str
    action: str
    resource: str
    layer: str
    explicit: bool

    def blames(self, side: Side) -> bool:
        return bool(self.layer) and _SIDES.get(self.layer, Side.ELSEWHERE) is side

    def contradicts(self, side: Side, allowed: Collection[str]) -> bool:
        """Whether a policy on ``side`` is said to stop one of the actions that we read as ``allowed``."""
        return self.blames(side) and self.action.lower() in {action.lower() for action in allowed}

    def rules_out_a_deny_of(self, action: str) -> bool:
        """An implicit denial means that no Deny matched, in any policy."""
        return bool(self.layer) and not self.explicit and action.lower() == self.action.lower()

    @property
    def of_organization(self) -> bool:
        """Whether a policy of the organization is named: nobody in the account can read or change it."""
        return self.layer in ("service control policy", "resource control policy")

    @property
    def by_registry(self) -> bool:
        """Whether it is the registry that denies, not the keeper of a task's secrets."""
        return self.action.lower().startswith("ecr:")

    @property
    def words(self) -> str:
        """``an explicit Deny in a session policy``."""
        how = "an explicit Deny" if self.explicit else "no Allow"
        return f"{how} in {'an' if self.layer.startswith('identity') else 'a'} {self.layer}"

    def evidence(self) -> tuple[tuple[str, str], ...]:
        return (("Denied action", self.action), ("The registry says", self.words))


@fact()
def accusation(pull: FailedPull) -> Accusation:
    found = _DENIAL.search(pull.message)
    if found is None:
        raise NotApplicable("the message is no denial of AWS")
    layer = (found["lacking"] or found["denying"] or "").lower()
    return Accusation(
        principal=found["principal"],
        action=found["action"],
        resource=found["resource"],
        layer=layer,
        explicit=found["denying"] is not None,
    )


def registry_may_explain(accusation: Accusation | None) -> bool | None:
    """Whether the registry's refusal is what the message tells of: no, if it tells of another's."""
    return None if accusation is None or accusation.by_registry else False
