"""What the policies of endpoints say: they filter whatever goes through, besides everybody else's policies.

An endpoint's policy only lets through; it must allow, and what it does not mention is denied.
"""

from __future__ import annotations

from collections.abc import Mapping

from checks.aws.destinations import Registry
from checks.aws.endpoints import Endpoint
from checks.aws.identity import PolicyText
from checks.aws.policy_language import BadPolicy, Caller, Request, parse
from checks.aws.policy_values import Context
from checks.aws.rights import TOKEN, PullRights
from checks.aws.rulings import Ruling, ruling, settled

LAYER = "VPC endpoint policy"
GET_OBJECT = "s3:GetObject"

# Layers are fetched with addresses that ECR signed as one of AWS's own roles, from AWS's own bucket: whoever
# asks for his own account or organization on either side asks in vain.
_NOBODY = "AWS's own"
_STARPORT = Caller("arn:aws:iam::000000000000:role/one-of-aws", session="one-of-aws", path_known=True)


def lets_everything(endpoint: Endpoint) -> bool:
    """Whether the policy is the one that endpoints are made with: everybody may do anything."""
    if not endpoint.policy:
        return True
    try:
        statements = parse(endpoint.policy)
    except BadPolicy:
        return False
    return any(
        _allows_all(one.elements, one.principals) and not one.conditions for one in statements
    ) and not any(one.denies for one in statements)


def _allows_all(elements: Mapping[str, tuple[str, ...]], principals: Mapping[str, tuple[str, ...]]) -> bool:
    return all("*" in elements.get(one, ()) for one in ("Action", "Resource")) and "*" in principals.get(
        "Principal", ("*",)
    )


def for_the_role(endpoint: Endpoint, rights: PullRights, action: str, registry: Registry, vpc: str) -> Ruling:
    """What the endpoint's policy says of the pulling role."""
    role, address = rights.role, rights.repository.address
    caller = Caller(
        rights.principal_arn,
        role.id,
        rights.puller.session,
        rights.path_known,
        None if role.boundary_unread else role.boundary is not None,
    )
    context: dict[str, str | None] = {
        **_of_the_network(endpoint, registry, vpc),
        "aws:principalaccount": caller.account,
        "aws:principaltype": "AssumedRole",
        "aws:principalisawsservice": "false",
    }
    if caller.path_known:
        context["aws:principalarn"] = caller.role_arn
    if action != TOKEN:
        context["aws:resourceaccount"] = address.account
    return _ruling(endpoint, Request(caller, action, "*" if action == TOKEN else address.arn, context))


def for_layers(endpoint: Endpoint, registry: Registry, vpc: str) -> Ruling:
    """What the endpoint's policy says of ECR's own presigned requests for layers."""
    context = {
        **_of_the_network(endpoint, registry, vpc),
        "aws:principalaccount": _NOBODY,
        "aws:principalarn": f"arn:{registry.partition}:iam::000000000000:role/one-of-aws",
        "aws:principalorgid": _NOBODY,
        "aws:resourceaccount": _NOBODY,
        "aws:resourceorgid": _NOBODY,
        "s3:resourceaccount": _NOBODY,
    }
    layer = f"arn:{registry.partition}:s3:::{registry.bucket}/layer"
    return _ruling(endpoint, Request(_STARPORT, GET_OBJECT, layer, context))


def _of_the_network(endpoint: Endpoint, registry: Registry, vpc: str) -> Context:
    return {
        "aws:sourcevpc": vpc,
        "aws:sourcevpce": endpoint.id,
        "aws:securetransport": "true",
        "aws:requestedregion": registry.region,
    }


def _ruling(endpoint: Endpoint, request: Request) -> Ruling:
    return settled(ruling(LAYER, [PolicyText(f"the policy of {endpoint.id}", endpoint.policy)], request))
