"""Why a pull may fail for another reason than the identity of the node: who else pulls, who was not asked."""

from __future__ import annotations

from dataclasses import dataclass

from checks.azure.paths import TurnedAway
from checks.graph import fact
from checks.registry.account_identity import AccountIdentity
from checks.registry.own_secret import OwnSecret


@dataclass(frozen=True, slots=True)
class WhoElse:
    """``account``: the pod's service account names an identity of its own.

    ``turned_away``: the registry's firewall refused the address, before it asked who pulls.
    ``by_secret``: the pod names a pull secret that is meant for the registry, which is tried first.
    """

    account: AccountIdentity | None = None
    turned_away: bool = False
    by_secret: bool = False


@fact()
def who_else(refused: TurnedAway | None, own: OwnSecret | None, account: AccountIdentity | None) -> WhoElse:
    return WhoElse(
        account=account,
        turned_away=refused is not None and bool(refused.address),
        by_secret=own is not None,
    )
