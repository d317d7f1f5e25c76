"""An identity that a pod's service account pulls with, instead of the node's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountIdentity:
    """``account`` is namespace/name; ``client_id`` the identity that it names."""

    account: str
    client_id: str
