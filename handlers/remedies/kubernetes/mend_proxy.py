"""What a person does about a proxy that lets no pull through."""

from __future__ import annotations

import shlex

from checks.image.reference import Repository
from checks.kubernetes.proxy_lets_through import proxy_lets_through
from handlers.remedy import ByHand, by_hand


@by_hand("Mend the way through the proxy", cures=proxy_lets_through)
def mend_proxy(repository: Repository) -> ByHand:
    return ByHand(
        f"Who runs the proxy lets the nodes connect to {repository.host}, and to where it keeps its "
        "layers; or who runs the nodes corrects the proxy of the container runtime, or excepts the "
        "registry from it (NO_PROXY). The commands are for the node",
        (
            "systemctl show containerd --property=Environment",
            shlex.join(["curl", "-v", "--max-time", "10", "-x", "PROXY", f"https://{repository.host}/v2/"]),
        ),
        "the runtime has to be restarted to see another proxy; pods that run go on running",
    )
