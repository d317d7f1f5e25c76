"""What moto does not know is answered before it, and everything else is moto's."""

from __future__ import annotations

import pytest

from bot.demo.aws_world import ACCOUNT, client, push

REGION = "us-west-2"


def test_a_registry_has_a_scope_and_no_rules_of_a_cache(aws_url: str) -> None:
    ecr = client(aws_url, "ecr", REGION)
    setting = ecr.get_account_setting(name="REGISTRY_POLICY_SCOPE")
    assert (setting["name"], setting["value"]) == ("REGISTRY_POLICY_SCOPE", "V2")
    pages = ecr.get_paginator("describe_pull_through_cache_rules").paginate(registryId=ACCOUNT)
    assert pages.build_full_result() == {"pullThroughCacheRules": []}


def test_other_calls_of_the_same_service_are_motos(aws_url: str) -> None:
    push(aws_url, REGION, "app", "1")
    ecr = client(aws_url, "ecr", REGION)
    assert [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]] == ["app"]
    with pytest.raises(ecr.exceptions.RegistryPolicyNotFoundException):
        ecr.get_registry_policy()
