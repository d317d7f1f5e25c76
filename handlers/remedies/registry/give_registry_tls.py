"""What a person does about a registry without TLS."""

from __future__ import annotations

import shlex

from checks.registry.speaks_https import speaks_https
from checks.registry.views import Views
from handlers.remedy import ByHand, by_hand


@by_hand("Give the registry TLS", cures=speaks_https)
def give_registry_tls(views: Views) -> ByHand:
    place = views.endpoint.authority
    return ByHand(
        f"Who runs {place} has it speak HTTPS on this port; or who runs the nodes allows plain HTTP for it "
        f'(server = "http://{place}" in /etc/containerd/certs.d/{place}/hosts.toml)',
        (shlex.join(["curl", "-v", "--max-time", "10", f"{views.endpoint.secure}/v2/"]),),
        "by plain HTTP anybody on the way can exchange the image, and read the login",
    )
