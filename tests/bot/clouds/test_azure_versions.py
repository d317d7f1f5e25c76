"""Which version of Azure's API answers for a path."""

from __future__ import annotations

import pytest

from bot.clouds._azure import version_of
from checks.azure.facts import API

_GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft."


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{_GROUP}Compute/virtualMachineScaleSets/x", "Compute"),
        (
            f"{_GROUP}Compute/virtualMachineScaleSets/x/publicipaddresses",
            "Compute/virtualMachineScaleSets/publicIPAddresses",
        ),
        (f"{_GROUP}Network/virtualNetworks/v/subnets/s", "Network"),
        (f"{_GROUP}Network/privateDnsZones/z/A", "Network/privateDnsZones"),
        ("/subscriptions/s/resourceGroups/g", "Resources"),
    ],
)
def test_the_longest_type_that_has_a_version_of_its_own_decides(path: str, kind: str) -> None:
    assert version_of(path) == API[f"Microsoft.{kind}"]
