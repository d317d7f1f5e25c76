"""One role, one repository, and the policies that a test gives them."""

from __future__ import annotations

import json
from typing import Any

from checks.aws.ecr import RepositoryPolicy
from checks.aws.facts import EcrAddress
from checks.aws.identity import PolicyText, RolePolicies
from checks.aws.puller import Puller
from checks.aws.rights import PullRights, Says

ACCOUNT, OWNER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/eks-node"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/eks-node/i-0abc"
APP = EcrAddress(ACCOUNT, "us-west-2", "aws", "app")
PULL = "ecr:BatchGetImage"
CONTEXT = {"aws:principalarn": ROLE, "aws:principalaccount": ACCOUNT, "aws:username": None}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def policy(*statements: Any, version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def rights(
    own: str = policy(ALL),
    repository: str | None = None,
    edge: str | None = None,
    address: EcrAddress = APP,
    **changes: Any,
) -> PullRights:
    boundary = None if edge is None else PolicyText("edge", edge)
    role = RolePolicies(True, ROLE, "AROAMINE", (), (PolicyText("own", own),), boundary, **changes)
    puller = Puller(ROLE, "us-west-2", "i-0abc", "its instance has it")
    return PullRights(puller, role, RepositoryPolicy(address, repository))


def on_repository(effect: str = "Allow", **more: Any) -> str:
    return policy({"Effect": effect, "Principal": "*", "Action": "ecr:*", **more})


def says(it: PullRights) -> Says:
    return it.overall(PULL).says
