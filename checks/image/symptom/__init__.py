"""What a runtime's message says: a symptom and the names it carries. Nothing is looked up here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from checks.image.symptom import details
from checks.image.symptom.names import without_names
from checks.image.symptom.rules import first_match
from checks.image.symptom.rules.rule import Rule
from checks.image.symptom.text import attempts, mirrors_and_upstream, plain, without_wrappers
from checks.model import Symptom

# kubelet's and CRI-O's own words for what happened, where the message may have been cut short.
_OF_REASON = {
    "ErrImageNeverPull": Symptom.NEVER_PULL,
    "InvalidImageName": Symptom.INVALID_IMAGE_NAME,
    "SignatureValidationFailed": Symptom.SIGNATURE_REJECTED,
    "FailedToRetrieveImagePullSecret": Symptom.PULL_SECRET_MISSING,
}
# Where no rule knows the words.
_OF_REASON_AND_UNREAD = {"RegistryUnavailable": Symptom.CONNECT_FAILED}
# Where there is no message at all. A container that waits without a word may be pulling for ever.
_OF_REASON_ALONE = {
    "": Symptom.STALLED,
    "ContainerCreating": Symptom.STALLED,
    "PodInitializing": Symptom.STALLED,
    "Pulling": Symptom.STALLED,
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
        symptom=_symptom(text, reason),
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
        case Symptom.BACKOFF_ONLY | Symptom.STALLED:
            return 0
        case Symptom.OTHER:
            return 1
        case Symptom.KUBELET_THROTTLED:
            return 2
        case _:
            return 3


def _symptom(text: str, reason: str) -> Symptom:
    if reason in _OF_REASON:
        return _OF_REASON[reason]
    if not text:
        return (_OF_REASON_ALONE | _OF_REASON_AND_UNREAD).get(reason, Symptom.OTHER)
    rule = deciding_rule(text)
    return rule.symptom if rule else _OF_REASON_AND_UNREAD.get(reason, Symptom.OTHER)


def deciding_rule(text: str) -> Rule | None:
    """The rule that a plain text is read by: of several attempts, the first that says anything decides."""
    for attempt in attempts(text):
        rule = _rule_of_one(attempt)
        if rule is not None:
            return rule
    return None


def _rule_of_one(text: str) -> Rule | None:
    parts = mirrors_and_upstream(text)
    if parts is None:
        return _first_rule(text)
    mirror, upstream = (_first_rule(part) for part in parts)
    mirror_answered = mirror is not None and mirror.symptom not in _NO_ANSWER
    upstream_answered = upstream is not None and upstream.symptom not in _NO_ANSWER
    return mirror if mirror_answered and not upstream_answered else upstream


def _first_rule(text: str) -> Rule | None:
    bare = without_wrappers(without_names(text))
    return _remembered(bare) if len(bare) <= _REMEMBERED_LENGTH else first_match(bare)


# Without names, the messages of a whole cluster are a few hundred texts.
_REMEMBERED_LENGTH = 2_000
_remembered = lru_cache(maxsize=4_096)(first_match)
