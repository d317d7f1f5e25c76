"""A service account that names an identity for pulling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from checks.host import Host
from checks.image.reference import parse
from checks.kubernetes.account_identity import account_identity
from checks.kubernetes.pull_secrets import PodSecrets
from checks.model import NotApplicable, NotFound
from checks.registry.account_identity import AccountIdentity

POD = PodSecrets("shop", "web-0", (), "web")
NODE = Host("node", "azure:///subscriptions/s/x", "amd64", "linux", ())
HERE = "/api/v1/namespaces/shop/serviceaccounts/web"


class Accounts:
    """The port ``Kube`` with service accounts alone."""

    def __init__(self, **metadata: Any) -> None:
        self.found = {HERE: {"metadata": metadata}}

    async def get(self, path: str, **query: str) -> Mapping[str, Any]:
        if path not in self.found:
            raise NotFound("NotFound")
        return self.found[path]


async def asked(
    kube: Accounts, pod: PodSecrets = POD, host: Host = NODE, image: str = "a1234.azurecr.io/x"
) -> Any:
    return await account_identity(pod, host, parse(image).repository, kube)


async def test_the_annotation_names_who_pulls() -> None:
    kube = Accounts(annotations={"kubernetes.azure.com/acr-client-id": "c1"})
    assert await asked(kube) == AccountIdentity("shop/web", "c1")


@pytest.mark.parametrize("metadata", [{}, {"annotations": None}, {"annotations": {"a": "b"}}])
async def test_without_it_nothing_is_said(metadata: dict[str, Any]) -> None:
    with pytest.raises(NotApplicable):
        await asked(Accounts(**metadata))


async def test_only_azure_is_looked_at_and_an_account_that_is_gone_says_nothing() -> None:
    kube = Accounts(annotations={"kubernetes.azure.com/acr-client-id": "c1"})
    with pytest.raises(NotApplicable):
        await asked(kube, image="quay.io/x")
    with pytest.raises(NotApplicable):
        await asked(kube, host=Host("node", "aws:///a/i-1", "amd64", "linux", ()))
    with pytest.raises(NotApplicable):
        await asked(kube, pod=PodSecrets("shop", "web-0", (), "gone"))
