"""The proxy that the node pulls through refuses, or cannot be reached.

Which one it is stands in the runtime's own environment on the node, which no API gives out.
"""

from __future__ import annotations

from checks.graph import check
from checks.image.reference import Repository
from checks.kubernetes.node_conditions import last_words
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed


@check(
    "The node's proxy lets pulls through",
    leg=Leg.CONNECTION,
    explains={Symptom.PROXY_ERROR},
    page="https://github.com/containerd/containerd/blob/main/docs/hosts.md",
)
def proxy_lets_through(pull: FailedPull, repository: Repository) -> Verdict:
    if pull.symptom is not Symptom.PROXY_ERROR:
        raise NotApplicable("no proxy was complained of")
    return failed(
        f"the proxy between the node and {repository.host} does not let the pull through",
        ("The node says", last_words(pull.message)),
        about=repository.host,
    )
