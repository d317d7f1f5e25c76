"""What a runtime's message says: a symptom and the names it carries. Nothing is looked up here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.image.symptom import details
from checks.image.symptom.rules import RULES
from checks.image.symptom.text import (
    attempts,
    mirrors_and_upstream,
    plain,
    without_names,
    without_wrappers,
)
from checks.model import Symptom

# kubelet's and CRI-O's own words for what happened, where the message may have been cut short.
_OF_REASON = {
    "ErrImageNeverPull": Symptom.NEVER_PULL,
    "InvalidImageName": Symptom.INVALID_IMAGE_NAME,
    "SignatureValidationFailed": Symptom.SIGNATURE_REJECTED,
    "FailedToRetrieveImagePullSecret": Symptom.PULL_SECRET_MISSING,
}
_OF_REASON_IF_NOTHING_ELSE = {
    "RegistryUnavailable": Symptom.CONNECT_FAILED,
    "BackOff": Symptom.BACKOFF_ONLY,
    "ImagePullBackOff": Symptom.BACKOFF_ONLY,
}

# The upstream behind a mirror is often blocked by design: then what the mirror answered counts.
_NO_ANSWER = frozenset(
    {
        Symptom.DNS_FAILURE,
        Symptom.CONNECT_TIMEOUT,
        Symptom.CONNECT_FAILED,
        Symptom.PROXY_ERROR,
        Symptom.TLS_UNTRUSTED,
    }
)


@dataclass(frozen=True, slots=True)
class Reading:
    """Empty strings: the message does not say. ``dialled`` is ``ip:port``."""

    symptom: Symptom
    host: str = ""
    image: str = ""
    principal: str = ""
    action: str = ""
    dialled: str = ""


def classify(message: str, reason: str = "") -> Reading:
    """Read a message of kubelet, containerd, CRI-O, docker or ECS; any text will do.

    ``reason`` is the event's or the waiting state's, such as ``ErrImageNeverPull``.
    """
    text = plain(message)
    image = details.image(text)
    principal, action = details.principal_and_action(text)
    return Reading(
        symptom=_OF_REASON.get(reason)
        or _symptom(text)
        or _OF_REASON_IF_NOTHING_ELSE.get(reason, Symptom.OTHER),
        host=details.host(text, image),
        image=image,
        principal=principal,
        action=action,
        dialled=details.dialled(text),
    )


def most_telling(messages: Iterable[str]) -> str:
    """Of a pod's messages, oldest first, the one to believe; "" if there is none.

    A text that states a cause beats "pull QPS exceeded", which hides the cause until the next
    try, and that beats a back-off without detail. Among equals the latest wins.
    """
    ranked = [(_weight(classify(message).symptom), at, message) for at, message in enumerate(messages)]
    return max(ranked)[2] if ranked else ""


def _weight(symptom: Symptom) -> int:
    match symptom:
        case Symptom.BACKOFF_ONLY:
            return 0
        case Symptom.OTHER:
            return 1
        case Symptom.KUBELET_THROTTLED:
            return 2
        case _:
            return 3


def _symptom(text: str) -> Symptom | None:
    """The first attempt that says anything decides."""
    for attempt in attempts(text):
        found = _symptom_of_one(attempt)
        if found is not None:
            return found
    return None


def _symptom_of_one(text: str) -> Symptom | None:
    parts = mirrors_and_upstream(text)
    if parts is None:
        return _first_rule(text)
    mirror, upstream = (_first_rule(part) for part in parts)
    if mirror is not None and mirror not in _NO_ANSWER and (upstream is None or upstream in _NO_ANSWER):
        return mirror
    return upstream


def _first_rule(text: str) -> Symptom | None:
    bare = without_names(without_wrappers(text))
    return next((rule.symptom for rule in RULES if rule.pattern.search(bare)), None)
