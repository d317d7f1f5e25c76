"""EKS has to become the pod execution role, or whatever pulls on Fargate has no credentials: 401.

The role's trust policy names ``eks-fargate-pods.amazonaws.com``, best on condition that it is for profiles
of this cluster; an example's region, account or cluster left in that condition shuts EKS out
(docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html).
"""

from __future__ import annotations

from checks.aws.denials import Accusation
from checks.aws.destinations import Registry
from checks.aws.fargate import FargateProfile
from checks.aws.identity import RolePolicies
from checks.aws.puller import Puller
from checks.aws.rulings import Says
from checks.aws.trust import Service, may_become, offers
from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown

SERVICE = "eks-fargate-pods.amazonaws.com"


def eks_for(profile: FargateProfile) -> Service:
    """EKS as it asks for the pods of ``profile``."""
    return Service(SERVICE, profile.arn, profile.account if profile.arn else "")


@check(
    "EKS may become the pod execution role",
    leg=Leg.CREDENTIALS,
    explains={Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html",
)
def fargate_role_is_trusted(
    profile: FargateProfile, puller: Puller, role: RolePolicies, registry: Registry, who: Accusation | None
) -> Verdict:
    name = profile.role_arn.rpartition("/")[2]
    if puller.role_name != name:
        raise NotApplicable(f"{registry.host} saw {puller.role_name}, not {name}")
    if not role.exists:
        raise NotApplicable(f"there is no role {name}")
    evidence = [("Role", profile.role_arn), ("Fargate profile", profile.name)]
    if profile.issues:
        evidence.append(("EKS complains of", ", ".join(profile.issues)))
    if not role.trust:
        return unknown(f"whom {name} trusts is not known: {'; '.join(role.boundary_unread)}", *evidence)
    ruling = may_become(role.trust, eks_for(profile))
    if ruling.says is Says.UNKNOWN:
        return unknown(f"whether {name} trusts EKS is not known: {'; '.join(ruling.unread)}", *evidence)
    if ruling.says is Says.ALLOWS:
        return passed(f"{name} trusts EKS for pods of {profile.name}", *evidence)
    why = _denied(ruling.sid) if ruling.says is Says.DENIES else _instead(role.trust, profile)
    return failed(
        f"EKS may not become {name}: {why}",
        *evidence,
        ("Needed", f"sts:AssumeRole for {SERVICE}, for {profile.any_profile}"),
        about=profile.role_arn,
        # A session of the role was denied: it has been trusted then.
        explains=False if who is not None else None,
    )


def _denied(sid: str) -> str:
    return f"its trust policy denies it ({sid or 'a statement without a Sid'})"


def _instead(trust: str, profile: FargateProfile) -> str:
    found = offers(trust)
    conditions = [one for offer in found if SERVICE in offer.services for one in offer.conditions]
    if conditions:
        return f"its trust policy asks for {' and '.join(conditions)}, and this is {profile.arn}"
    others = sorted({one for offer in found for one in offer.services})
    return f"its trust policy names {', '.join(others) or 'no service'}, and not {SERVICE}"
