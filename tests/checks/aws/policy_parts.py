"""What made-up policies are made of: ways to name actions, resources, principals and conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ACCOUNT, OWNER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/eks-node"
OTHER = f"arn:aws:iam::{ACCOUNT}:role/ci"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/eks-node/i-0abc"
TOKEN = "ecr:GetAuthorizationToken"

# What only AWS knows: every plausible kind of value, ``None`` for absent.
UNKNOWN_KEYS: Mapping[str, tuple[Any, ...]] = {
    "aws:SourceVpc": (None, "vpc-1", "vpc-2"),
    "aws:SourceIp": (None, "10.1.2.3", "203.0.113.9"),
    "aws:PrincipalOrgID": (None, "o-mine", "o-other"),
    "aws:PrincipalOrgPaths": (None, ["o-mine/r-1/ou-1/"], ["o-other/r-2/"]),
    "aws:PrincipalTag/team": (None, "web", "data"),
    "aws:MultiFactorAuthAge": (None, "30", "7200"),
    "aws:CurrentTime": ("2019-01-01T00:00:00Z", "2031-01-01T00:00:00Z"),
}
UNKNOWN_TESTS: Sequence[tuple[str, str, Any]] = (
    ("StringEquals", "aws:SourceVpc", "vpc-1"),
    ("StringNotEquals", "aws:SourceVpc", ["vpc-1", "vpc-9"]),
    ("StringEqualsIfExists", "aws:sourcevpc", "vpc-1"),
    ("Null", "aws:SourceVpc", "true"),
    ("IpAddress", "aws:SourceIp", "10.0.0.0/8"),
    ("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "192.168.0.0/16"]),
    ("NotIpAddressIfExists", "aws:SourceIp", "10.0.0.0/8"),
    ("StringNotEquals", "aws:PrincipalOrgID", "o-mine"),
    ("StringLike", "aws:PrincipalOrgID", "o-*"),
    ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-mine/*"),
    ("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths", "o-mine/*"),
    ("StringLike", "aws:PrincipalTag/team", ["we?", "x*"]),
    ("StringEquals", "aws:PrincipalAccount", "${aws:PrincipalTag/team}"),
    ("NumericLessThan", "aws:MultiFactorAuthAge", "3600"),
    ("NumericGreaterThanEqualsIfExists", "aws:MultiFactorAuthAge", 3600),
    ("DateGreaterThan", "aws:CurrentTime", "2025-06-30T00:00:00Z"),
    ("DateLessThanEquals", "aws:CurrentTime", "2025-06-30T00:00:00Z"),
)
DOUBTFUL_TESTS: Sequence[tuple[str, str, Any]] = (
    ("ArnLike", "aws:PrincipalArn", "*eks-node"),
    ("StringNotEquals", "aws:PrincipalAccount", "${aws:username}"),
    ("NullIfExists", "aws:userid", "false"),
    ("Bool", "aws:PrincipalAccount", "true"),
    ("StringSounds", "aws:PrincipalAccount", "like"),
)
TEXT_OPERATORS = (
    "StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
)  # fmt: skip
OTHER_OPERATORS = (
    "NumericEquals", "NumericNotEquals", "NumericLessThanEquals", "DateNotEquals", "DateGreaterThan",
    "IpAddress", "NotIpAddress", "BinaryEquals", "Bool", "ArnLike", "ArnNotEquals",
)  # fmt: skip
TEXTS: Mapping[str, tuple[Any, ...]] = {
    "aws:PrincipalArn": (ROLE, OTHER, "arn:aws:iam::*:role/team/*", f"{ROLE[:-1]}?", ROLE.upper(), "*", ""),
    "AWS:principalaccount": (ACCOUNT, OWNER, "1111*", 111122223333, "${aws:PrincipalAccount}"),
    "aws:userid": ("AROAMINE:*", "AROAMINE:i-0abc", "*:i-0abc", "AROA*i*a?c", "aroamine:I-0ABC"),
    "aws:RequestedRegion": ("us-west-2", "us-*", "eu-west-1", "US-WEST-2", "us-${*}", "us-west-${?}"),
    "aws:PrincipalType": ("AssumedRole", "User", "${aws:username, 'AssumedRole'}", "A${$}"),
}
ARNS = (
    ROLE, OTHER, "arn:aws:iam::*:role/team/*", "arn:*:iam::111122223333:*", "arn:aws:*:*:*:role/ci",
    f"arn:aws:iam::{OWNER}:role/*", f"{ROLE[:-1]}?", "arn:aws:iam:*:role/team/eks-node:x",
)  # fmt: skip
ACTIONS = (
    "*", "ecr:*", "ecr:BatchGetImage", "ECR:batchgetIMAGE", "ecr:Batch*", "ecr:Get*", "ecr:*Image*",
    "ecr:GetDownloadUrlForLayer", "ecr:?etDownloadUrlFor*", TOKEN, "ecr:PutImage", "s3:*", "iam:PassRole",
    "ecr:BatchGetImag", "ecr:atchGetImage",
)  # fmt: skip
RESOURCES = (
    "*", "*", "arn:aws:ecr:us-west-2:{owner}:repository/app", "arn:aws:ecr:*:*:repository/*",
    "arn:aws:ecr:*:*:repository/a?p", "arn:aws:ecr:us-west-2:{owner}:repository/other", "arn:aws:s3:::app",
    "arn:aws:ecr:us-east-1:*:repository/app", "arn:aws:ecr:*:{owner}:*", "arn:aws:ecr:*:*:repository/app/*",
    "arn:aws-cn:ecr:*:*:repository/app", "arn:aws:ecr:*:*:repository/${{aws:PrincipalAccount}}",
    "arn:aws:ecr:*:*:repository/${{aws:username, 'app'}}", "arn:aws:ecr:*:*:repository/${{*}}",
    "arn:aws:ecr:*", "arn:aws:ecr:us-west-2:*",
)  # fmt: skip
DOUBTFUL_RESOURCES = ("arn:aws:ecr:*:repository/app", "arn:aws:ecr", "arn:aws:ecr:*:*:repo*/app")
PRINCIPALS = (
    ROLE, ROLE, SESSION, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "*", OTHER, "AROAMINE", "AROAGONE",
    f"arn:aws:iam::{ACCOUNT}:role/eks-node", f"arn:aws:iam::{OWNER}:root", OWNER,
    f"arn:aws:iam::{OWNER}:role/team/eks-node", SESSION.replace("i-0abc", "i-0def"),
    f"arn:aws:iam::{ACCOUNT}:instance-profile/eks-node", f"arn:aws:iam::{ACCOUNT}:user/eks-node",
)  # fmt: skip
