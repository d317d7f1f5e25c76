"""Without a role an instance has no credentials at all: kubelet pulls anonymously, and ECR answers 401.

The profile may be missing from the instance, deleted under it, or hold no role; or the metadata service is
off, which hands the credentials out. How many hops its answers go is of no matter: kubelet runs on the host.
AWS's own registries, which add-ons are pulled from, ask for credentials as well.
"""

from __future__ import annotations

from checks.aws.destinations import Registry
from checks.aws.nodes import Instance, InstanceId, InstanceProfile, Nodegroup
from checks.graph import check
from checks.model import Leg, Symptom, Verdict, failed, passed, unknown


@check(
    "The node's instance has a role",
    leg=Leg.CREDENTIALS,
    explains={Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING},
    page="https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html",
)
def instance_has_role(
    where: InstanceId,
    profile: InstanceProfile,
    registry: Registry,
    group: Nodegroup | None,
    instance: Instance | None,
) -> Verdict:
    if profile.unread:
        return unknown(profile.unread)
    evidence = [("Instance", where.id)]
    if instance is not None and not instance.metadata:
        evidence.append(("HttpEndpoint", "disabled"))
        return failed(
            f"the metadata service of {where.id} is off, so it has no role's credentials",
            *evidence,
            about=where.id,
        )
    if profile.role_arn:
        return passed(f"{where.id} has a role", *evidence, ("Role", profile.role_arn))
    if group is not None and group.role_arn:
        evidence.append((f"Role of the node group {group.name}", group.role_arn))
    if not profile.arn:
        return failed(f"{where.id} has no instance profile, so no role", *evidence, about=where.id)
    evidence.append(("Instance profile", profile.arn))
    what = "holds no role" if profile.exists else "does not exist any more"
    return failed(f"the instance profile of {where.id} {what}", *evidence, about=profile.arn)
