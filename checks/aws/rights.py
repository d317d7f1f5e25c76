"""What AWS answers to a pull: the role's own policies, its boundary and the repository's policy, together.

A value that holds everything that decides, so that a remedy can ask "and if the policy were this?".
What could not be read leaves the answer unknown only where it could change it.
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from checks.aws.ecr import RepositoryPolicy
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.policy_language import BadPolicy, Caller, Match, Request, Statement, parse
from checks.aws.puller import Puller
from checks.graph import fact

# The registry's token is asked for as oneself, so no repository can grant it.
TOKEN = "ecr:GetAuthorizationToken"  # noqa: S105  the name of an action
ON_REPOSITORY = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
ACTIONS = (TOKEN, *ON_REPOSITORY)


class Says(Enum):
    """What policies say of an action. NOTHING: neither Allow nor Deny, which is a denial in the end."""

    ALLOWS = "allows"
    DENIES = "denies"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ruling:
    """``policy`` and ``sid`` name what decided; ``unread`` says what could not be read, or not be judged."""

    says: Says
    layer: str
    policy: str = ""
    sid: str = ""
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PullRights:
    puller: Puller
    role: RolePolicies
    repository: RepositoryPolicy

    @property
    def principal_arn(self) -> str:
        return self.role.arn or self.puller.role_arn

    @property
    def path_known(self) -> bool:
        """Whether ``principal_arn`` is complete: a session's ARN leaves the role's path out."""
        return bool(self.role.arn) or self.puller.path_known

    @property
    def role_unread(self) -> str:
        return "; ".join(dict.fromkeys((*self.role.boundary_unread, *self.role.unread)))

    @property
    def session_arn(self) -> str:
        return f"{self._caller.session_prefix}{self.puller.session}" if self.puller.session else ""

    @property
    def same_account(self) -> bool:
        return self.puller.account == self.repository.address.account

    def managed_policy(self, name: str) -> str:
        """The ARN of a policy of AWS's own, in the role's partition."""
        return f"arn:{self.principal_arn.split(':')[1]}:iam::aws:policy/{name}"

    def who(self) -> tuple[tuple[str, str], ...]:
        """Evidence of who pulls."""
        drift = (("Drift", self.puller.drift),) if self.puller.drift else ()
        return (("Principal", self.principal_arn), ("How we know", self.puller.how), *drift)

    def with_repository_policy(self, text: str | None) -> PullRights:
        return replace(self, repository=RepositoryPolicy(self.repository.address, text))

    def with_attached(self, policy: PolicyText) -> PullRights:
        return replace(self, role=replace(self.role, allowing=(*self.role.allowing, policy)))

    def of_role(self, action: str) -> Ruling:
        """The role's side. In its own account the repository may grant what the role's policies do not."""
        own, boundary = self._identity(action), self._boundary(action)
        if own.says is not Says.DENIES and own.says is not Says.ALLOWS and self.same_account:
            granted = self.of_repository(action)
            own = granted if granted.says is Says.ALLOWS else own
        return _both(own, boundary)

    def of_repository(self, action: str) -> Ruling:
        """The repository policy's side, by itself."""
        layer = "repository policy"
        if action == TOKEN:
            return Ruling(Says.NOTHING, layer)
        if self.repository.unread:
            return Ruling(Says.UNKNOWN, layer, unread=(self.repository.unread,))
        if self.repository.text is None:
            return Ruling(Says.NOTHING, layer)
        policy = PolicyText(f"the policy of {self.repository.address.name}", self.repository.text)
        if not self.path_known and f"/{self.puller.role_name}" in self.repository.text:
            why = f"the full ARN of {self.puller.role_name} is not known: {self.role_unread}"
            return Ruling(Says.UNKNOWN, layer, policy.name, unread=(why,))
        return _ruling(layer, [policy], self._request(action), skip_delegation=self.same_account)

    def overall(self, action: str) -> Ruling:
        """What AWS answers in the end, as far as these policies go."""
        own, theirs = self.of_role(action), self.of_repository(action)
        if theirs.says is Says.NOTHING and (action == TOKEN or self.same_account):
            return own  # nothing is needed of the repository
        return _both(own, theirs)

    @property
    def _caller(self) -> Caller:
        return Caller(self.principal_arn, self.role.id, self.puller.session)

    def _identity(self, action: str) -> Ruling:
        return _ruling("identity-based policy", self.role.allowing, self._request(action), self.role.unread)

    def _boundary(self, action: str) -> Ruling:
        layer = "permissions boundary"
        if self.role.boundary is not None:
            ruling = _ruling(layer, [self.role.boundary], self._request(action))
            return replace(ruling, policy=self.role.boundary.name)
        if self.role.boundary_unread:
            return Ruling(Says.UNKNOWN, layer, unread=self.role.boundary_unread)
        return Ruling(Says.ALLOWS, layer)

    def _request(self, action: str) -> Request:
        caller, address = self._caller, self.repository.address
        context: Mapping[str, str | None] = {
            "aws:principalarn": caller.role_arn,
            "aws:principalaccount": caller.account,
            "aws:principaltype": "AssumedRole",
            "aws:securetransport": "true",
            "aws:requestedregion": address.region,
            "aws:username": None,  # roles have none
            "aws:multifactorauthpresent": None,
        }
        if caller.id and caller.session:
            context = {**context, "aws:userid": f"{caller.id}:{caller.session}"}
        return Request(caller, action, "*" if action == TOKEN else address.arn, context)


@fact()
def pull_rights(puller: Puller, role: RolePolicies, repository: RepositoryPolicy) -> PullRights:
    return PullRights(puller, role, repository)


def _both(one: Ruling, other: Ruling) -> Ruling:
    """What two layers that must both allow say together: what is certain comes before what is unknown."""
    for says in (Says.DENIES, Says.NOTHING):
        for ruling in (one, other):
            if ruling.says is says:
                return ruling
    if Says.UNKNOWN in (one.says, other.says):
        first = one if one.says is Says.UNKNOWN else other
        return replace(first, unread=tuple(dict.fromkeys((*one.unread, *other.unread))))
    return one


def _ruling(
    layer: str,
    policies: Iterable[PolicyText],
    request: Request,
    unread: tuple[str, ...] = (),
    *,
    skip_delegation: bool = False,
) -> Ruling:
    """What the policies of one layer say together: a Deny beats any Allow, and unknown is neither.

    What is unread might hold a Deny as well; a known Allow is taken for the answer nevertheless.
    """
    allowing: Ruling | None = None
    doubts = list(unread)
    doubtful_deny = False
    for policy in policies:
        try:
            statements = parse(policy.text)
        except BadPolicy as error:
            doubts.append(f"{policy.name} cannot be understood: {error}")
            continue
        for statement in statements:
            match = statement.matches(request)
            if match is Match.NO or (skip_delegation and _only_delegates(statement, request.caller)):
                continue
            if match is Match.UNKNOWN:
                doubts.append(f"a condition of {policy.name} ({statement.sid or 'no Sid'}) cannot be judged")
                doubtful_deny = doubtful_deny or statement.denies
            elif statement.denies:
                return Ruling(Says.DENIES, layer, policy.name, statement.sid)
            else:
                allowing = allowing or Ruling(Says.ALLOWS, layer, policy.name, statement.sid)
    if allowing is not None and not doubtful_deny:
        return allowing
    if doubts:
        return Ruling(Says.UNKNOWN, layer, unread=tuple(dict.fromkeys(doubts)))
    return Ruling(Says.NOTHING, layer)


def _only_delegates(statement: Statement, caller: Caller) -> bool:
    """Within its account, an Allow for the account itself only leaves it to the role's policies."""
    principal = statement.body.get("Principal")
    if statement.denies or not isinstance(principal, Mapping):
        return False
    named = principal.get("AWS", [])
    account = {caller.account, f"arn:{caller.role_arn.split(':')[1]}:iam::{caller.account}:root"}
    return bool(named) and set([named] if isinstance(named, str) else named) <= account
