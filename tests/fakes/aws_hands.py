"""Hands that change the dictionaries of a world of ``aws_worlds``, and note what they were asked."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.clouds._aws import iam_action
from checks.model import NotFound
from tests.fakes.automation import FakeAutomation
from tests.fakes.aws_account import Account
from tests.fakes.ecs import EcsAccount


@dataclass(eq=False)
class Hands:
    """The port ``AwsWriter``. ``asked``: IAM actions, with those that AWS checks besides."""

    account: Account
    ecs: EcsAccount | None = None
    asked: list[str] = field(default_factory=list)
    automation: FakeAutomation = field(default_factory=FakeAutomation)
    _rules: list[dict[str, Any]] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def __call__(
        self, service: str, operation: str, /, *, region: str, account: str = "", **params: Any
    ) -> Mapping[str, Any]:
        self.asked.append(iam_action(service, operation))
        if "TagSpecifications" in params:
            self.asked.append(f"{service}:CreateTags")
        if "AutomationAssumeRole" in params.get("Parameters", ()):
            self.asked.append("iam:PassRole")
        if service == "ssm":
            return self.automation.start(params) if "Parameters" in params else self.automation.get(params)
        if service == "ecs":
            return await self._of_ecs(operation, region, params)
        if operation.startswith(("authorize_security_group_", "revoke_security_group_")):
            return self._security_group(operation, params)
        done = getattr(self, f"_{operation}", None)
        if done is not None:
            return copy.deepcopy(dict(done(**params) or {}))
        return copy.deepcopy(dict(self._read(operation, params)))

    def _read(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        answers = self.account.answers
        named = [(operation, one) for one in params.values() if isinstance(one, str)]
        found = next((answers[key] for key in named if key in answers), answers.get(operation))
        if found is None or isinstance(found, Exception):
            raise found or NotFound("NoSuchEntity", operation)
        answer: Mapping[str, Any] = found
        return answer

    def _items(self, operation: str, ids: list[str]) -> list[dict[str, Any]]:
        [found] = self.account.answers[operation].values()
        return [one for one in found if set(ids) & {str(value) for value in one.values()}]

    # ---- ECR and IAM

    def _set_repository_policy(self, policyText: str, **_: Any) -> Mapping[str, Any]:
        self.account.answers["get_repository_policy"] = {"policyText": policyText}
        return {"policyText": policyText}

    def _delete_repository_policy(self, **_: Any) -> None:
        self.account.answers["get_repository_policy"] = NotFound("RepositoryPolicyNotFoundException")

    def _attach_role_policy(self, RoleName: str, PolicyArn: str) -> None:
        self._attached(RoleName).append({"PolicyArn": PolicyArn})

    def _detach_role_policy(self, RoleName: str, PolicyArn: str) -> None:
        self._attached(RoleName).remove({"PolicyArn": PolicyArn})

    def _attached(self, role: str) -> list[dict[str, str]]:
        """Of this role, where a world has several."""
        key = "list_attached_role_policies"
        answers = self.account.answers
        found: list[dict[str, str]] = answers.get((key, role), answers[key])["AttachedPolicies"]
        return found

    def _update_assume_role_policy(self, PolicyDocument: str, **_: Any) -> None:
        self.account.answers["get_role"]["Role"]["AssumeRolePolicyDocument"] = json.loads(PolicyDocument)

    # ---- the network

    def _security_group(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation.startswith("revoke"):
            self._rules = [
                one for one in self._rules if one["SecurityGroupRuleId"] not in params["SecurityGroupRuleIds"]
            ]
            return {}
        [asked] = params["IpPermissions"]
        made = {
            "SecurityGroupRuleId": f"sgr-{next(self._numbers)}",
            "IsEgress": operation.endswith("egress"),
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
        }
        for kind in ("IpRanges", "UserIdGroupPairs", "PrefixListIds"):
            for one in asked.get(kind, ()):
                made["CidrIpv4"] = one.get("CidrIp")
                made["PrefixListId"] = one.get("PrefixListId")
                made["ReferencedGroupInfo"] = {"GroupId": one.get("GroupId")}
        self._rules.append(made)
        return {"SecurityGroupRules": [made]}

    def _describe_security_group_rules(self, **_: Any) -> Mapping[str, Any]:
        return {"SecurityGroupRules": self._rules}

    def _describe_network_acls(self, NetworkAclIds: list[str]) -> Mapping[str, Any]:
        return {"NetworkAcls": self._items("describe_network_acls", NetworkAclIds)}

    def _create_network_acl_entry(self, NetworkAclId: str, **entry: Any) -> None:
        [acl] = self._items("describe_network_acls", [NetworkAclId])
        acl["Entries"].append(entry)

    def _delete_network_acl_entry(self, NetworkAclId: str, RuleNumber: int, Egress: bool) -> None:
        [acl] = self._items("describe_network_acls", [NetworkAclId])
        acl["Entries"] = [
            one for one in acl["Entries"] if (one["RuleNumber"], one["Egress"]) != (RuleNumber, Egress)
        ]

    def _describe_vpc_endpoints(self, VpcEndpointIds: list[str] | None = None, **_: Any) -> Mapping[str, Any]:
        if VpcEndpointIds is None:
            return self._read("describe_vpc_endpoints", {})
        return {"VpcEndpoints": self._items("describe_vpc_endpoints", VpcEndpointIds)}

    def _create_vpc_endpoint(self, **params: Any) -> Mapping[str, Any]:
        groups = [{"GroupId": one} for one in params.pop("SecurityGroupIds", ())]
        made = {
            **params,
            "VpcEndpointId": f"vpce-{next(self._numbers)}",
            "State": "available",
            "Groups": groups,
        }
        self.account.answers["describe_vpc_endpoints"]["VpcEndpoints"].append(made)
        return {"VpcEndpoint": made}

    def _delete_vpc_endpoints(self, VpcEndpointIds: list[str]) -> None:
        endpoints = self.account.answers["describe_vpc_endpoints"]["VpcEndpoints"]
        endpoints[:] = [one for one in endpoints if one["VpcEndpointId"] not in VpcEndpointIds]

    def _modify_vpc_endpoint(self, VpcEndpointId: str, **change: Any) -> None:
        [endpoint] = self._items("describe_vpc_endpoints", [VpcEndpointId])
        tables = set(endpoint.get("RouteTableIds", ())) | set(change.pop("AddRouteTableIds", ()))
        endpoint["RouteTableIds"] = sorted(tables - set(change.pop("RemoveRouteTableIds", ())))
        endpoint |= change

    def _modify_vpc_attribute(self, VpcId: str, **change: Any) -> None:
        [(key, value)] = change.items()
        self.account.answers["describe_vpc_attribute", f"e{key[1:]}"] = {key: value}

    # ---- ECS

    async def _of_ecs(self, operation: str, region: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self.ecs is not None
        if operation != "update_service":
            return await self.ecs("ecs", operation, region=region, **params)
        service = self.ecs.services[params["service"]]
        service["networkConfiguration"] = params.get("networkConfiguration", service["networkConfiguration"])
        service["deployments"][0]["id"] = f"ecs-svc/new-{next(self._numbers)}"
        return {"service": service}
