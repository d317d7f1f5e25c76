"""What a person does about a registry that takes no more pulls: wait, log in, or ask it less often."""

from __future__ import annotations

from checks.kubernetes.pod_template import Workload
from checks.model import FailedPull
from checks.registry.facts import Endpoint
from checks.registry.rate_limit_is_left import rate_limit_is_left
from handlers.remedies.kubernetes.login_steps import making
from handlers.remedy import ByHand, by_hand

_HUB = "docker.io"
_LOGS_IN_AT = "https://index.docker.io/v1/"
_OF_ECS = ("Service", "Task")


@by_hand("Get more pulls from the registry", cures=rate_limit_is_left)
def get_more_pulls(pull: FailedPull, endpoint: Endpoint, workload: Workload) -> ByHand:
    hub = endpoint.name == _HUB
    who = "an account of Docker Hub" if hub else f"an account of {endpoint.name}"
    words = (
        f"Who answers for {pull.workload} gives it a login of {who}, which is counted apart from the nodes' "
        "shared address; or the image is kept in a registry or pull-through cache of your own; kubelet "
        "tries again by itself, and some pulls are left later on"
    )
    if workload.kind in _OF_ECS:
        return ByHand(words.replace("; kubelet tries again by itself, and some pulls are left later on", ""))
    return ByHand(words, (making(pull.namespace, "NAME", _LOGS_IN_AT if hub else endpoint.name),))
