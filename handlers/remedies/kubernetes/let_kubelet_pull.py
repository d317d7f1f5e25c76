"""What a person does about a pull policy of Never: it is meant, or it was forgotten, which only they know."""

from __future__ import annotations

import shlex

from checks.kubernetes.pod_template import Workload
from checks.kubernetes.pull_policy_allows_pull import pull_policy_allows_pull
from checks.model import FailedPull
from handlers.remedies.kubernetes.workload_commands import edit
from handlers.remedy import ByHand, by_hand


@by_hand("Let kubelet pull the image", cures=pull_policy_allows_pull)
def let_kubelet_pull(pull: FailedPull, workload: Workload) -> ByHand:
    return ByHand(
        f"Who answers for {pull.workload} sets imagePullPolicy of {pull.container} to IfNotPresent; or, if "
        "Never is meant, the image is put on every node beforehand (the second command, on the node)",
        (edit(workload), shlex.join(["ctr", "-n", "k8s.io", "images", "import", "IMAGE.tar"])),
    )
