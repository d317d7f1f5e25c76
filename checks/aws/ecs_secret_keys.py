"""The key of the customer's own that a secret is encrypted with: whether the reader may decrypt with it.

A key's policy is the first to say so: it may let a role in by itself, or leave it to the policies of its
account, as it does where nobody changed it. Whoever may read the secret and not use its key hears "Access to
KMS is not allowed" (docs.aws.amazon.com/kms/latest/developerguide/key-policies.html).
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.aws.ecs_definitions import ExecutionRole
from checks.aws.ecs_secrets import RegistrySecret, of_role
from checks.aws.facts import Aws, Grant
from checks.aws.identity import PolicyText, RolePolicies, RoleReads
from checks.aws.policy_language import Caller, Request, Way
from checks.aws.policy_values import Context
from checks.aws.rulings import Ruling, Says, both, either, open_question, ruling, settled
from checks.graph import fact
from checks.model import NotApplicable, NotFound, Unavailable

GRANTS = (Grant(("kms:DescribeKey", "kms:GetKeyPolicy"), "arn:{partition}:kms:*:*:key/*"),)

DECRYPT = "kms:Decrypt"
_LAYER = "the key's policy"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """``state`` is KMS's word, "" where it could not be read. ``unread``: why its policy is not known."""

    arn: str
    state: str
    policy: str = ""
    unread: str = ""

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


@fact()
async def secret_key(secret: RegistrySecret, aws: Aws) -> SecretKey:
    if not secret.key:
        raise NotApplicable("the secret has no key of the customer's own")
    where = {"region": secret.name.region, "account": secret.name.account}
    try:
        found = (await aws("kms", "describe_key", **where, KeyId=secret.key))["KeyMetadata"]
    except NotFound:
        return SecretKey(secret.key, "missing")
    except Unavailable as why:
        return SecretKey(secret.key, "", unread=str(why))
    if found.get("KeyManager") == "AWS":
        raise NotApplicable("a key of AWS's own lets in whoever may read the secret")
    arn, state = found["Arn"], found.get("KeyState") or ""
    try:
        answer = await aws("kms", "get_key_policy", **where, KeyId=arn, PolicyName="default")
    except (NotFound, Unavailable) as why:
        return SecretKey(arn, state, unread=str(why))
    return SecretKey(arn, state, answer["Policy"])


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What the key's policy and the reader's say of decrypting."""

    key: SecretKey
    ruling: Ruling

    def fault(self, reader: str) -> str:
        """What is surely wrong, or ""."""
        if self.key.state not in ("", "Enabled"):
            return f"the key of the secret for the registry is {self.key.state}: {self.key.arn}"
        if self.ruling.says in (Says.DENIES, Says.NOTHING):
            return f"{reader} may not use the key of the secret ({DECRYPT} on {self.key.arn})"
        return ""


@fact(timeout=40.0)
async def key_use(secret: RegistrySecret, key: SecretKey, role: ExecutionRole, reads: RoleReads) -> KeyUse:
    if not role.arn:
        raise NotApplicable("there is nobody to decrypt it")
    found = await reads.start(role.arn, secret.name.region)
    return KeyUse(key, _ruling(secret, key, role.arn, found))


def _ruling(secret: RegistrySecret, key: SecretKey, role_arn: str, role: RolePolicies) -> Ruling:
    if key.unread:
        return open_question(_LAYER, (key.unread,))
    bounded = None if role.boundary_unread else role.boundary is not None
    caller = Caller(role.arn or role_arn, role.id, bounded=bounded)
    request = Request(caller, DECRYPT, key.arn, _context(secret, caller))
    own = of_role(role, request)
    if caller.account != key.account:
        return settled(both(own, _of_key(key, request, *Way)))
    to_itself = _of_key(key, request, Way.ROLE, Way.SESSION, Way.EVERYONE)
    return settled(either(to_itself, both(own, _of_key(key, request, Way.ACCOUNT))))


def _of_key(key: SecretKey, request: Request, *ways: Way) -> Ruling:
    return ruling(_LAYER, [PolicyText(_LAYER, key.policy)], request, (), ways)


def _context(secret: RegistrySecret, caller: Caller) -> Context:
    found: dict[str, str | None] = {
        "aws:principalarn": caller.role_arn,
        "aws:principalaccount": caller.account,
        "kms:calleraccount": caller.account,
        "kms:encryptioncontext:secretarn": secret.arn,
    }
    if caller.partition != "aws-cn":  # how the service is called there is not certain
        found["kms:viaservice"] = f"secretsmanager.{secret.name.region}.amazonaws.com"
    return found
