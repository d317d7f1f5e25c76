"""What a person does about a pod without a pull secret: a new pod gets those that its service account has."""

from __future__ import annotations

import json
import shlex

from checks.image.reference import Repository
from checks.kubernetes.pod_has_pull_secret import pod_has_pull_secret
from checks.kubernetes.pod_template import Workload
from checks.kubernetes.pull_secrets import PodSecrets
from checks.kubernetes.service_account_secrets import ServiceAccountSecrets
from handlers.remedies.kubernetes.login_steps import making
from handlers.remedy import ByHand, by_hand


@by_hand("Give the pod a pull secret", cures=pod_has_pull_secret)
def give_pod_a_pull_secret(
    pod: PodSecrets, repository: Repository, account: ServiceAccountSecrets | None, workload: Workload
) -> ByHand:
    anew = _making_anew(pod, workload)
    if account is not None and account.names:
        return ByHand(f"The pod is made anew: then it gets {', '.join(account.names)}", (anew,))
    name = "NAME"
    named = json.dumps({"imagePullSecrets": [{"name": name}]})
    patch = ["kubectl", "patch", "serviceaccount", pod.service_account, "-n", pod.namespace, "-p", named]
    return ByHand(
        f"Who has a login for {repository.host} makes a pull secret, and names it in the pod or in its "
        "service account; then the pod is made anew",
        (making(pod.namespace, name, repository.host), shlex.join(patch), anew),
        "every pod of the service account gets it; if the image is meant to be public, look at its name",
    )


def _making_anew(pod: PodSecrets, workload: Workload) -> str:
    if workload.path:
        what = f"{workload.kind.lower()}/{workload.name}"
        return shlex.join(["kubectl", "rollout", "restart", what, "-n", pod.namespace])
    return shlex.join(["kubectl", "delete", "pod", pod.pod, "-n", pod.namespace])
