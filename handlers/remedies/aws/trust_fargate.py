"""Let EKS become the pod execution role: one statement more in the role's trust policy, nothing less.

It is for profiles of this cluster alone. What was there stays, as other clusters may rely on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.aws.fargate import FargateProfile
from checks.aws.fargate_role_is_trusted import SERVICE, eks_for, fargate_role_is_trusted
from checks.aws.identity import RolePolicies
from checks.aws.puller import Puller
from checks.aws.rulings import Says
from checks.aws.trust import may_become
from checks.model import NotApplicable
from handlers.remedies.aws.policy_edits import with_statement
from handlers.remedies.aws.role_steps import SetTrustPolicy
from handlers.remedy import Plan, Refused, Risk, remedy


@remedy("Let EKS become the pod execution role", cures=fargate_role_is_trusted, risk=Risk.MEDIUM)
def trust_fargate(profile: FargateProfile, puller: Puller, role: RolePolicies) -> Plan:
    name = profile.role_arn.rpartition("/")[2]
    if puller.role_name != name:
        raise NotApplicable(f"{puller.role_name} pulls, not {name}")
    if not role.trust:
        raise Refused(f"whom {name} trusts now is not known: {'; '.join(role.boundary_unread)}")
    if not profile.arn:
        raise Refused(f"EKS does not tell the ARN of the Fargate profile {profile.name}")
    now = may_become(role.trust, eks_for(profile))
    if now.says is Says.ALLOWS:
        raise NotApplicable(f"{name} trusts EKS already")
    if now.says is Says.DENIES:
        by = now.sid or "a statement without a Sid"
        raise Refused(
            f"it would not help: the trust policy of {name} denies it ({by}); a person finds out why"
        )
    if now.says is Says.UNKNOWN:
        raise Refused(f"whom {name} trusts now is not known: {'; '.join(now.unread)}")
    after = with_statement(role.trust, _statement(role.trust, profile))
    if may_become(after, eks_for(profile)).says is not Says.ALLOWS:
        raise Refused(f"{name} would still not trust EKS")
    return Plan(
        (SetTrustPolicy(role.arn, before=role.trust, after=after, region=puller.region),),
        caution=f"from then on every Fargate profile of {profile.cluster} may act as {name}",
    )


def _statement(trust: str, profile: FargateProfile) -> Mapping[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:SourceArn": profile.any_profile}},
    }
    sid = "PullbotTrustFargate"
    return statement if sid in trust else {"Sid": sid, **statement}
