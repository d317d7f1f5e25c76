"""Policies made up at random, the same for the same seed: what two evaluators are to agree on.

Each case is told to both in their own words. ``doubts`` are the places where the documentation does not
say what AWS does, or where a key is asked for that only AWS knows: there we may answer "unknown".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

from checks.aws.ecr import RepositoryPolicy
from checks.aws.facts import EcrAddress
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.puller import Puller
from checks.aws.rights import PullRights
from tests.checks.aws.policy_parts import (
    ACCOUNT,
    ACTIONS,
    ARNS,
    DOUBTFUL_RESOURCES,
    DOUBTFUL_TESTS,
    OTHER_OPERATORS,
    OWNER,
    PRINCIPALS,
    RESOURCES,
    ROLE,
    SESSION,
    TEXT_OPERATORS,
    TEXTS,
    TOKEN,
    UNKNOWN_KEYS,
    UNKNOWN_TESTS,
)

PULLER = Puller(ROLE, "us-west-2", "i-0abc", "its instance has it")
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

Json = dict[str, Any]

# What everybody knows of the request, in the words of the other evaluator.
CONTEXT: Mapping[str, str] = {
    "aws:PrincipalArn": ROLE,
    "aws:PrincipalAccount": ACCOUNT,
    "aws:PrincipalType": "AssumedRole",
    "aws:SecureTransport": "true",
    "aws:RequestedRegion": "us-west-2",
    "aws:userid": "AROAMINE:i-0abc",
    "aws:ViaAWSService": "false",
    "aws:PrincipalIsAWSService": "false",
}

# The other evaluator finds a session's role by its name alone and knows no unique ids. AWS compares the
# whole ARN, and what it stores is the id
# (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
_THEIR_WORDS = {
    "AROAMINE": ROLE,
    "AROAGONE": f"arn:aws:iam::{ACCOUNT}:role/gone",
    f"arn:aws:iam::{ACCOUNT}:role/eks-node": f"arn:aws:iam::{ACCOUNT}:role/without-path",
}


@dataclass(frozen=True, slots=True)
class Case:
    rights: PullRights
    action: str
    doubts: frozenset[str]
    unknown_keys: frozenset[str]

    def simulations(self) -> Iterator[Json]:
        """The case for the other evaluator, once for each way in which it may be for AWS."""
        keys = sorted(self.unknown_keys)
        for values in product(*(UNKNOWN_KEYS[key] for key in keys)):
            extra = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
            yield simulation(self.rights, self.action, {**CONTEXT, **extra})


def simulation(
    rights: PullRights, action: str, context: Mapping[str, Any] = CONTEXT, principal: str = SESSION
) -> Json:
    """``principal`` need not be the one of ``rights``: then it has no policies of its own but theirs."""
    address, role = rights.repository.address, rights.role
    if action != TOKEN:
        context = {**context, "aws:ResourceAccount": address.account}
    asked: Json = {
        "request": {
            "principal": principal,
            "action": action,
            "resource": {
                "resource": "*" if action == TOKEN else address.arn,
                "accountId": address.account,
            },
            "contextVariables": dict(context),
        },
        "identityPolicies": [
            {"name": one.name, "policy": _in_their_words(one.text)} for one in role.allowing
        ],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
    }
    if role.boundary is not None:
        asked["permissionBoundaryPolicies"] = [
            {"name": "edge", "policy": _in_their_words(role.boundary.text)}
        ]
    # A repository never grants the token: it is asked of the registry as a whole.
    if rights.repository.text is not None and action != TOKEN:
        asked["resourcePolicy"] = _in_their_words(rights.repository.text)
    if action == TOKEN:
        asked["request"]["resource"]["accountId"] = rights.puller.account
    return asked


def _in_their_words(text: str) -> Json:
    policy: Json = json.loads(text)
    # They fill in variables whatever the version; before 2012-10-17 there are none
    # (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html).
    if policy.get("Version") != "2012-10-17":
        policy = json.loads(json.dumps(policy).replace("${", "${$}{"))
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if isinstance(named, dict) and "AWS" in named:
                named["AWS"] = (
                    [_THEIR_WORDS.get(one, one) for one in named["AWS"]]
                    if isinstance(named["AWS"], list)
                    else _THEIR_WORDS.get(named["AWS"], named["AWS"])
                )
    return policy


class Maker:
    """Makes cases up. ``doubtful``: also such as AWS alone can decide; ``denying``: the share of Denies."""

    def __init__(self, seed: int, *, doubtful: bool, denying: float = 0.35) -> None:
        self._random = Random(seed)  # noqa: S311  cases are to be repeatable, not secret
        self._doubtful = doubtful
        self._denying = denying
        self._doubts: set[str] = set()
        self._unknown: set[str] = set()
        self._owner = ACCOUNT

    def case(self) -> Case:
        self._doubts, self._unknown = set(), set()
        self._owner = OWNER if self._chance(0.3) else ACCOUNT
        address = EcrAddress(self._owner, "us-west-2", "aws", "app")
        own = tuple(
            PolicyText(f"p{number}", self._document())
            for number in range(self._random.choice((0, 1, 1, 2, 3)))
        )
        if self._chance(0.35):
            everything = {"Statement": {"Effect": "Allow", "Action": [TOKEN, *PULL], "Resource": "*"}}
            own = (*own, PolicyText("pull", json.dumps(everything)))
        bounded = PolicyText("edge", self._document()) if self._chance(0.25) else None
        role = RolePolicies(True, ROLE, "AROAMINE", (), own, bounded)
        text = self._document(of_repository=True) if self._chance(0.75) else None
        rights = PullRights(PULLER, role, RepositoryPolicy(address, text))
        action = self._random.choice((TOKEN, *PULL, *PULL))
        return Case(rights, action, frozenset(self._doubts), frozenset(self._unknown))

    def repository_policy(self) -> str:
        return self._document(of_repository=True)

    def _document(self, *, of_repository: bool = False) -> str:
        version = self._random.choice(("2012-10-17",) * 8 + ("2008-10-17", ""))
        count = self._random.choice((0, 1, 1, 1, 2, 2, 3, 4))
        statements = [self._statement(of_repository) for _ in range(count)]
        one: Any = statements[0] if count == 1 and self._chance(0.3) else statements
        return json.dumps({**({"Version": version} if version else {}), "Statement": one})

    def _statement(self, of_repository: bool) -> Json:
        effect = "Deny" if self._chance(self._denying) else "Allow"
        made: Json = {"Effect": effect}
        if self._chance(0.4):
            made["Sid"] = self._random.choice(("One", "Two", "Three"))
        made["NotAction" if self._chance(0.15) else "Action"] = self._some(ACTIONS)
        if of_repository:
            made |= self._principal()
        if not of_repository or self._chance(0.2):
            element = "NotResource" if self._chance(0.15) else "Resource"
            made[element] = self._resources(negated=element == "NotResource")
        if self._chance(0.45):
            made["Condition"] = self._conditions()
        return made

    def _resources(self, *, negated: bool) -> Any:
        pool = list(RESOURCES)
        if negated:
            # Does "all but the resources of a service" spare an action without a resource?
            pool = [one for one in pool if one == "*" or not one.endswith(":*")]
        if self._doubtful and self._chance(0.05):
            self._doubts.add("a resource that can be read in two ways")
            pool = list(DOUBTFUL_RESOURCES)
        return self._some([one.format(owner=self._owner) for one in pool])

    def _principal(self) -> Json:
        if self._doubtful and self._chance(0.1):
            self._doubts.add("NotPrincipal")
            in_full = [ROLE, SESSION, f"arn:aws:iam::{ACCOUNT}:root"]
            return {"NotPrincipal": {"AWS": in_full if self._chance(0.3) else self._some(PRINCIPALS)}}
        chosen = self._random.random()
        if chosen < 0.2:
            return {"Principal": "*"}
        if chosen < 0.3:
            other = {"Service": "codebuild.amazonaws.com", "Federated": "cognito-identity.amazonaws.com"}
            kind = self._random.choice(sorted(other))
            return {"Principal": {kind: other[kind]}}
        named: Json = {"AWS": self._some(PRINCIPALS)}
        if chosen < 0.4:
            named["Service"] = ["codebuild.amazonaws.com", "lambda.amazonaws.com"]
        return {"Principal": named}

    def _conditions(self) -> Json:
        made: Json = {}
        for _ in range(self._random.choice((0, 1, 1, 1, 2))):
            operator, key, values = self._condition()
            made.setdefault(operator, {}).setdefault(key, values)
        return made

    def _condition(self) -> tuple[str, str, Any]:
        chosen = self._random.random() if self._doubtful else 1.0
        if chosen < 0.3:
            found = self._random.choice(UNKNOWN_TESTS)
            key = "aws:PrincipalTag/team" if "PrincipalTag" in str(found[2]) else found[1]
            self._unknown.add(next(one for one in UNKNOWN_KEYS if one.lower() == key.lower()))
            self._doubts.add("a key that only AWS knows")
            return found
        if chosen < 0.33:
            self._doubts.add("a condition of which the documentation says too little")
            return self._random.choice(DOUBTFUL_TESTS)
        return self._known_condition()

    def _known_condition(self) -> tuple[str, str, Any]:
        chosen = self._random.random()
        if chosen < 0.2:
            return self._arn_operator(), "aws:PrincipalArn", self._some(ARNS)
        if chosen < 0.3:
            key = self._random.choice(("aws:SecureTransport", "aws:ViaAWSService"))
            return self._optional("Bool"), key, self._some(("true", "false", True, False, "True"), most=1)
        if chosen < 0.45:
            key = self._random.choice(("aws:username", "aws:userid", "aws:PrincipalArn"))
            return "Null", key, self._random.choice(("true", "false", True, False))
        if chosen < 0.6:
            operator = self._optional(self._random.choice((*TEXT_OPERATORS, *OTHER_OPERATORS)))
            return (
                operator,
                "aws:username",
                self._some(("someone", "2024-01-01T00:00:00Z", "10.0.0.0/8", "7")),
            )
        key = self._random.choice(sorted(TEXTS))
        operator = self._optional(self._random.choice(TEXT_OPERATORS))
        if self._chance(0.15):
            operator = f"{self._random.choice(('ForAnyValue', 'ForAllValues'))}:{operator}"
        return operator, key, self._some(TEXTS[key])

    def _arn_operator(self) -> str:
        return self._optional(self._random.choice(("ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals")))

    def _optional(self, operator: str) -> str:
        return f"{operator}IfExists" if self._chance(0.2) else operator

    def _some(self, pool: Sequence[Any], most: int = 3) -> Any:
        """A single value, a list of some, rarely of none."""
        if self._chance(0.4):
            return self._random.choice(pool)
        if self._chance(0.04):
            return []
        return self._random.sample(list(pool), self._random.randint(1, most))

    def _chance(self, of: float) -> bool:
        return self._random.random() < of
