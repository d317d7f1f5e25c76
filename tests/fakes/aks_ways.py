"""What pulls say on the way from AKS to ACR, and the checks and remedies that are about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.model import Finding, Status
from handlers.decision import Offer
from tests.fakes.aks import IMAGE
from tests.fakes.azure_private import OWN

FIREWALL = "azure/registry_firewall_admits_cluster"
GROUPS = "azure/nsg_lets_out"
ROUTES = "azure/routes_reach_registry"
APPLIANCE = "azure/firewall_lets_through"
ADMIT, OPEN = "azure/admit_cluster_address", "azure/open_nsg"
OURS = {FIREWALL, GROUPS, ROUTES, APPLIANCE}

_FAILED = (
    f'Failed to pull image "{IMAGE}": failed to pull and unpack image "{IMAGE}": failed to resolve reference '
    f'"{IMAGE}": '
)
_MANIFEST = "https://contoso.azurecr.io/v2/shop/web/manifests/1.4"
BARE = f"{_FAILED}failed to authorize: failed to fetch anonymous token: unexpected status: 403 Forbidden"
TIMEOUT = f'{_FAILED}failed to do request: Head "{_MANIFEST}": dial tcp 20.61.97.128:443: i/o timeout'
CUT_OFF = f'{_FAILED}failed to do request: Head "{_MANIFEST}": EOF'
LAYERS = (
    f'Failed to pull image "{IMAGE}": failed to pull and unpack image "{IMAGE}": failed to copy: '
    'httpReadSeeker: failed open: failed to do request: Get "https://weuman.blob.core.windows.net/layer?sig=x"'
    ": dial tcp 20.60.1.1:443: i/o timeout"
)
PRIVATE_TIMEOUT = f'{_FAILED}failed to do request: Head "{_MANIFEST}": dial tcp {OWN}:443: i/o timeout'


def turned_away(address: str) -> str:
    return (
        f"{_FAILED}unexpected status from HEAD request to {_MANIFEST}: 403 Forbidden: "
        f'{{"errors":[{{"code":"DENIED","message":"client with IP \'{address}\' is not allowed access. '
        'Refer https://aka.ms/acr/firewall to grant access."}]}'
    )


def failing(findings: Mapping[str, Finding]) -> set[str]:
    return {name for name, one in findings.items() if one.verdict.status is Status.FAIL}


def steps_of(offer: Offer) -> tuple[Any, ...]:
    assert offer.plan is not None
    return offer.plan.steps
