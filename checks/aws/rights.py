"""What AWS answers to a pull: the role's own policies, its boundary, and those of repository and registry.

A value that holds everything that decides, so that a remedy can ask "and if the policy were this?".
What could not be read leaves the answer unknown only where it could change it.
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks.aws.ecr import RepositoryPolicy
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.origins import NOT_KNOWN, Origins
from checks.aws.policy_language import Caller, Request, Way
from checks.aws.policy_values import Context
from checks.aws.puller import Puller
from checks.aws.registry_policy import RegistryPolicy
from checks.aws.rulings import (
    Ruling,
    Says,
    both,
    certain,
    either,
    only_denying,
    open_question,
    ruling,
    settled,
)
from checks.graph import fact
from checks.model import Verdict, unknown

# The registry's token is asked for as oneself, so no repository can grant it.
TOKEN = "ecr:GetAuthorizationToken"  # noqa: S105  the name of an action
ON_REPOSITORY = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
ACTIONS = (TOKEN, *ON_REPOSITORY)

_LAYER = "repository policy"
_REGISTRY = "registry policy"

__all__ = ["ACTIONS", "ON_REPOSITORY", "TOKEN", "PullRights", "Ruling", "Says", "pull_rights"]


@dataclass(frozen=True, slots=True)
class PullRights:
    """``registry``: the policy of the whole registry, as far as it is known to rule pulls; it seldom does.

    ``origins``: from which network the requests come, where a policy asks. ``twin``: those of another role
    that may be the one that pulls, and may do the same.
    """

    puller: Puller
    role: RolePolicies
    repository: RepositoryPolicy
    registry: str | None = None
    origins: Origins = NOT_KNOWN
    twin: PullRights | None = None

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
        origin = (("Comes from", self.origins.how),) if self.origins.how else ()
        return (("Principal", self.principal_arn), ("How we know", self.puller.how), *drift, *origin)

    def heard(self, verdict: Verdict) -> Verdict:
        """Unknown where the message says that another role than the one judged was denied."""
        if not self.puller.rival:
            return verdict
        return unknown(f"{verdict.summary}, but {self.puller.doubt}", *verdict.evidence)

    def with_repository_policy(self, text: str | None) -> PullRights:
        return replace(self, repository=RepositoryPolicy(self.repository.address, text))

    def with_registry_policy(self, text: str | None) -> PullRights:
        return replace(self, registry=text)

    def with_attached(self, policy: PolicyText) -> PullRights:
        return replace(self, role=replace(self.role, allowing=(*self.role.allowing, policy)))

    def of_role(self, action: str) -> Ruling:
        """The role's side. In its own account the repository may grant what the role's policies do not.

        So may the registry, if its policy is for pulls.

        A boundary limits what is granted to the role, but not what is granted to its session or to
        everyone (docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html and
        …/reference_policies_elements_principal.html).
        """
        own, boundary = self._identity(action), self._boundary(action)
        if action == TOKEN or not self.same_account:
            return settled(both(own, boundary))
        to_role = self._granted(action, Way.ROLE)
        to_session = self._granted(action, Way.SESSION, Way.EVERYONE)
        return settled(either(both(either(own, to_role), boundary), to_session))

    def of_repository(self, action: str) -> Ruling:
        """The repository policy's side, by itself.

        Within its account, an Allow for the account itself only leaves it to the role's policies.
        """
        if action == TOKEN:
            return certain(Says.NOTHING, _LAYER)
        if self.same_account:
            return self._of_repository(action, *(Way.ROLE, Way.SESSION, Way.EVERYONE))
        return settled(self._of_repository(action, *Way))

    def of_registry(self, action: str) -> Ruling:
        """The registry policy's side, by itself; it grants and denies as a repository's does."""
        if action == TOKEN or self.registry is None:
            return certain(Says.NOTHING, _REGISTRY)
        ways = (Way.ROLE, Way.SESSION, Way.EVERYONE) if self.same_account else tuple(Way)
        return self._of_registry(self.registry, action, *ways)

    def overall(self, action: str) -> Ruling:
        """What AWS answers in the end, as far as these policies go."""
        own, theirs, registry = self.of_role(action), self.of_repository(action), self.of_registry(action)
        if action == TOKEN:
            return own
        if self.same_account:
            # Their Allows are in the role's side already.
            theirs, registry = only_denying(theirs), only_denying(registry)
            return settled(both(both(own, theirs), registry))
        return settled(both(own, either(theirs, registry)))

    @property
    def _caller(self) -> Caller:
        bounded = None if self.role.boundary_unread else self.role.boundary is not None
        return Caller(self.principal_arn, self.role.id, self.puller.session, self.path_known, bounded)

    def _identity(self, action: str) -> Ruling:
        return ruling("identity-based policy", self.role.allowing, self._request(action), self.role.unread)

    def _boundary(self, action: str) -> Ruling:
        layer = "permissions boundary"
        if self.role.boundary is not None:
            found = ruling(layer, [self.role.boundary], self._request(action))
            return replace(found, policy=self.role.boundary.name)
        if self.role.boundary_unread:
            return open_question(layer, self.role.boundary_unread)
        return certain(Says.ALLOWS, layer)

    def _granted(self, action: str, *ways: Way) -> Ruling:
        """What the Allows of the repository's and the registry's policy say, whatever else they deny."""
        found = self._of_repository(action, *ways, denies_too=False)
        if self.registry is None:
            return found
        return either(found, self._of_registry(self.registry, action, *ways, denies_too=False))

    def _of_registry(self, text: str, action: str, *ways: Way, denies_too: bool = True) -> Ruling:
        policy = PolicyText("the policy of the registry", text)
        return ruling(_REGISTRY, [policy], self._request(action), (), ways, denies_too=denies_too)

    def _of_repository(self, action: str, *ways: Way, denies_too: bool = True) -> Ruling:
        if self.repository.unread:
            return open_question(_LAYER, (self.repository.unread,), denies_too=denies_too)
        if self.repository.of_aws:
            return certain(Says.ALLOWS, _LAYER)
        if self.repository.text is None:
            return certain(Says.NOTHING, _LAYER)
        policy = PolicyText(f"the policy of {self.repository.address.name}", self.repository.text)
        found = ruling(_LAYER, [policy], self._request(action), (), ways, denies_too=denies_too)
        if found.says is Says.UNKNOWN and not self.path_known:
            why = f"the full ARN of {self.puller.role_name} is not known: {self.role_unread}"
            return replace(found, policy=policy.name, unread=(why, *found.unread))
        return found

    def _request(self, action: str) -> Request:
        caller, address = self._caller, self.repository.address
        context: Context = {
            "aws:principalaccount": caller.account,
            "aws:principaltype": "AssumedRole",
            "aws:securetransport": "true",
            "aws:requestedregion": address.region,
            "aws:username": None,  # roles have none
            # Kubelet calls ECR itself, and is no service of AWS.
            "aws:viaawsservice": "false",
            "aws:principalisawsservice": "false",
            "aws:calledvia": None,
            "aws:calledviafirst": None,
            "aws:calledvialast": None,
            **dict(self.origins.token if action == TOKEN else self.origins.image),
        }
        if action != TOKEN:
            context = {**context, "aws:resourceaccount": address.account}
        if caller.path_known:
            context = {**context, "aws:principalarn": caller.role_arn}
        if caller.id and caller.session:
            context = {**context, "aws:userid": f"{caller.id}:{caller.session}"}
        return Request(caller, action, "*" if action == TOKEN else address.arn, context)


@fact()
def pull_rights(
    puller: Puller,
    role: RolePolicies,
    repository: RepositoryPolicy,
    registry: RegistryPolicy | None,
    origins: Origins | None,
) -> PullRights:
    on_pulls = registry.on_pulls if registry is not None else None
    return PullRights(puller, role, repository, on_pulls, origins or NOT_KNOWN)
