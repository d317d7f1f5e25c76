"""A node that wants images signed, and an image that is not, or by somebody else.

Which signatures count is in a file on the node (``/etc/containers/policy.json``), which no API gives out.
"""

from __future__ import annotations

from checks.graph import check
from checks.image.reference import Image
from checks.kubernetes.facts import HostName
from checks.kubernetes.node_conditions import last_words
from checks.model import FailedPull, Leg, NotApplicable, Symptom, Verdict, failed


@check(
    "The node accepts the image's signature",
    leg=Leg.EXISTENCE,
    explains={Symptom.SIGNATURE_REJECTED},
    page="https://kubernetes.io/docs/tasks/administer-cluster/verify-signed-artifacts/",
)
def signature_is_accepted(pull: FailedPull, image: Image, where: HostName | None) -> Verdict:
    """The image is there, and was read: only then is its signature looked at."""
    if pull.symptom is not Symptom.SIGNATURE_REJECTED:
        raise NotApplicable("nobody complained of a signature")
    on = f" on {where.name}" if where is not None and len(pull.nodes) == 1 else ""
    return failed(
        f"the signature policy{on} does not accept {image}: it is unsigned, or not signed by whom that names",
        ("Image", str(image)),
        ("The node says", last_words(pull.message)),
        about=str(image.repository),
    )
