"""An instance without a role is given one by a person: which one decides what everything on it may do."""

from __future__ import annotations

from checks.aws.instance_has_role import instance_has_role
from checks.aws.nodes import Instance, InstanceId, InstanceProfile, Nodegroup
from checks.model import NotApplicable
from handlers.remedies.aws.cli import aws
from handlers.remedy import ByHand, by_hand


@by_hand("Give the instance a role", cures=instance_has_role)
def give_instance_a_role(
    where: InstanceId, profile: InstanceProfile, group: Nodegroup | None, instance: Instance | None
) -> ByHand:
    if instance is not None and not instance.metadata:
        return _metadata(where)
    if profile.role_arn or profile.unread:
        raise NotApplicable(f"{where.id} has a role, or that is not known")
    wanted = group.role_arn.rpartition("/")[2] if group is not None and group.role_arn else "ROLE_NAME"
    return ByHand(
        f"Who answers for the nodes gives {where.id} the role of its like, {wanted}, or replaces the instance"
        if group is not None
        else f"Who answers for the nodes gives {where.id} a role, or replaces the instance",
        _commands(where, profile, wanted),
        "it takes iam:PassRole on the role, and the cluster has to know the role (an access entry), or the "
        "node is lost to it",
    )


def _metadata(where: InstanceId) -> ByHand:
    switch = ("--instance-id", where.id, "--http-endpoint", "enabled", "--http-tokens", "required")
    return ByHand(
        f"Who answers for the nodes turns the metadata service of {where.id} on, or replaces the instance; "
        "its launch template says how the next ones begin",
        (aws("ec2", "modify-instance-metadata-options", where.region, *switch),),
        "everything on the instance may then ask for its role's credentials",
    )


def _commands(where: InstanceId, profile: InstanceProfile, role: str) -> tuple[str, ...]:
    if profile.exists:
        name = profile.arn.rpartition("/")[2]
        named = ("--instance-profile-name", name, "--role-name", role)
        return (aws("iam", "add-role-to-instance-profile", "", *named),)
    with_profile = ("--iam-instance-profile", "Name=INSTANCE_PROFILE_NAME")
    if not profile.arn:
        instance = ("--instance-id", where.id)
        return (aws("ec2", "associate-iam-instance-profile", where.region, *instance, *with_profile),)
    filters = ("--filters", f"Name=instance-id,Values={where.id}")
    association = ("--association-id", "ASSOCIATION_ID")
    return (
        aws("ec2", "describe-iam-instance-profile-associations", where.region, *filters),
        aws("ec2", "replace-iam-instance-profile-association", where.region, *association, *with_profile),
    )
