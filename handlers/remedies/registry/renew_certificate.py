"""What a person does about a certificate that the node does not trust; looking at it is never turned off."""

from __future__ import annotations

import shlex

from checks.registry.certificate_is_trusted import certificate_is_trusted
from checks.registry.views import Views
from handlers.remedy import ByHand, by_hand


@by_hand("Make the certificate one that the node trusts", cures=certificate_is_trusted)
def renew_certificate(views: Views) -> ByHand:
    host = views.host
    place = views.endpoint.authority if not views.elsewhere else host
    whole = place if ":" in place else f"{place}:443"
    show = shlex.join(["openssl", "s_client", "-connect", whole, "-servername", host, "-showcerts"])
    return ByHand(
        f"Who runs {host} gives it a certificate for that name, with all of its chain; or who runs the "
        f"nodes tells them of its authority (ca in /etc/containerd/certs.d/{place}/hosts.toml). The "
        "commands show, on the node, what it is shown and whether its clock is right",
        (f"{show} < /dev/null", "date -u"),
        "a stranger's certificate may be of somebody who answers in the registry's place: do not trust that",
    )
