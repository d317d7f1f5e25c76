"""What must outlive the process: incidents, the audit trail, posted messages, leases.

``open_state`` is the door; ``ports.State`` is what comes out of it, whether it keeps its things in
one SQLite file (one replica, nothing to install) or in Redis (several replicas). Both pass the same
tests, so the rest of the bot never asks which one it has.
"""

from bot.store.opening import open_state
from bot.store.ports import Addresses, Broken, Head, Posted, State, StoreDown, StoreUnusable

__all__ = ["Addresses", "Broken", "Head", "Posted", "State", "StoreDown", "StoreUnusable", "open_state"]
